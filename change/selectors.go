// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// systemWords select the system-assigned identity ("SystemAssigned" of App Service and
// Functions, "System" of Container Apps:
// hashicorp/terraform-provider-azurerm website/docs/r/linux_web_app.html.markdown,
// container_app.html.markdown).
var systemWords = []string{"systemassigned", "system", "systemassignedidentity"}

// defaults are the values that Azure gives to a selector that nobody sets
// (MicrosoftDocs/azure-docs articles/app-service/app-service-key-vault-references.md).
var defaults = map[string]string{"key_vault_reference_identity_id": "SystemAssigned"}

// selectors finds the selectors that found an identity and find none after.
func (k *comparison) selectors() {
	for i := range k.Steps {
		s := &k.Steps[i]
		for j := range s.Selectors {
			x := &s.Selectors[j]
			if !s.existed() || !s.stays() {
				continue
			}
			if k.selectorChanges(x) {
				k.noise = true
			}
			if k.resolves(&k.before, s, x.Attribute, x.Before) == yes && k.resolves(&k.after, s, x.Attribute, x.After) == no {
				k.add(selectors, s.Address, "%s picks %s, which it will not carry", x.Attribute, strings.Join(k.chosen(x.Attribute, x.After), ", "))
			}
		}
	}
	k.outsideSelectors()
}

// chosen are the values of a choice, with the default of one that is not set or turns
// unknown.
func (k *comparison) chosen(attribute string, c Choice) []string {
	var out []string
	for _, v := range c.Values {
		if strings.TrimSpace(v) != "" {
			out = append(out, v)
		}
	}
	for _, id := range c.Identities {
		out = append(out, id.String())
	}
	if d := defaults[attribute]; len(out) == 0 && d != "" {
		out = append(out, d)
	}
	return out
}

func (k *comparison) selectorChanges(x *Selector) bool {
	return !slices.EqualFunc(k.chosen(x.Attribute, x.Before), k.chosen(x.Attribute, x.After), strings.EqualFold)
}

// truth is whether a selector finds an identity.
type truth uint8

const (
	unclear truth = iota
	yes
	no
)

// resolves reports whether each value of a choice finds an identity of the resource.
func (k *comparison) resolves(d *side, s *Step, attribute string, c Choice) truth {
	values := k.chosen(attribute, c)
	if len(values) == 0 {
		return unclear
	}
	r := d.resources[s.Address]
	answer := yes
	for _, v := range values {
		switch one := k.finds(d, s.Address, r, v); {
		case one == no:
			return no
		case one == unclear:
			answer = unclear
		}
	}
	return answer
}

// finds reports whether one value finds an identity.
func (k *comparison) finds(d *side, address string, r *mivet.Resource, value string) truth {
	var carried *mivet.Attachment
	if r != nil {
		carried = r.Identity
	}
	if slices.Contains(systemWords, strings.ToLower(value)) {
		return known(carried != nil && carried.System)
	}
	if id, err := arm.ParseID(value); err == nil && strings.HasPrefix(value, "/") {
		if carried != nil {
			return known(slices.ContainsFunc(carried.User, id.Equal))
		}
		if k.dropped(d, address, r) {
			return no
		}
		if a, managed := k.before.addresses[id.Key()]; managed {
			if d == &k.before {
				return yes
			}
			now := k.after.resources[a]
			return known(now != nil && now.ID.Equal(id))
		}
		return unclear
	}
	if !mivet.IsGUID(value) || carried == nil {
		return unclear
	}
	open := false
	for _, u := range carried.User {
		m := d.index.UserAssigned(u)
		switch {
		case m == nil || m.ClientID == "":
			open = true
		case strings.EqualFold(m.ClientID, value):
			return yes
		}
	}
	if open && !k.endedClient(value) {
		return unclear
	}
	return no
}

// dropped reports whether a resource that carried identities carries none any more, as far
// as that was read.
func (k *comparison) dropped(d *side, address string, r *mivet.Resource) bool {
	was := k.before.resources[address]
	return d == &k.after && r != nil && was != nil && was.Identity != nil && !slices.ContainsFunc(k.After.Gaps, func(g mivet.Gap) bool {
		return g.Facts == mivet.FactIdentities && g.Scope.Equal(r.ID)
	})
}

// endedClient reports whether a client ID is that of an identity that is recycled or ends.
func (k *comparison) endedClient(client string) bool {
	for a, m := range k.before.owners {
		if strings.EqualFold(m.ClientID, client) && (k.lists[recycled][a] || k.lists[destroyed][a]) {
			return true
		}
	}
	return false
}

func known(b bool) truth {
	if b {
		return yes
	}
	return no
}
