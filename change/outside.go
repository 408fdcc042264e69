// SPDX-License-Identifier: Apache-2.0

package change

import (
	"maps"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
)

// outside finds what the change does to what it does not manage: grants of the tenant that
// are held by a principal that ends, or end with their resource, and the workloads that
// present an identity whose principal or grants change.
func (k *comparison) outside() {
	if k.Tenant == nil {
		return
	}
	stays := map[string]bool{}
	for _, h := range k.after.grants {
		if h.address == "" {
			stays[h.key()] = true
		}
	}
	touched := k.touched()
	for i := range k.before.grants {
		h := &k.before.grants[i]
		if h.address != "" {
			continue
		}
		successor, gone := k.ceased[h.principal]
		switch {
		case !stays[h.key()]:
			touched[h.principal] = true
			k.addOutside(swept, h.label(), h.source, "it ends with its resource; the change does not make it again")
		case gone && successor == "":
			k.addOutside(stranded, h.label(), h.source, "it stays, and is held by %s, which ends", named(h.principal))
		case gone:
			k.addOutside(stranded, h.label(), h.source, "it stays, and is held by %s, which ends; the new one does not get it", named(h.principal))
		}
	}
	k.federations()
	k.findOutsiders(touched)
}

// federations finds the federated credentials that end with an identity of the change.
func (k *comparison) federations() {
	stays := map[string]bool{}
	for i := range k.After.FederatedCredentials {
		stays[federationKey(&k.After.FederatedCredentials[i])] = true
	}
	for i := range k.Before.FederatedCredentials {
		f := &k.Before.FederatedCredentials[i]
		if address(f.Source) == "" && !stays[federationKey(f)] {
			k.addOutside(swept, f.Identity.String()+"/federatedIdentityCredentials/"+f.Name, f.Source, "it ends with its identity, and tokens of %s are refused", f.Issuer)
		}
	}
}

// key tells a grant apart on both sides.
func (h *held) key() string {
	return joinKey(string(h.principal), h.what, string(h.scope.Key()), string(h.id.Key()))
}

func (k *comparison) addOutside(list, label string, src mivet.Source, text string, args ...any) {
	n := len(k.details)
	k.add(list, label, text, args...)
	if len(k.details) > n {
		k.details[n].Source = src
	}
}

// touched are the principals that end, follow them, or whose grants the change alters.
func (k *comparison) touched() map[mivet.PrincipalID]bool {
	out := map[mivet.PrincipalID]bool{}
	for old, now := range k.ceased {
		out[old], out[now] = true, true
	}
	for i := range k.Steps {
		s := &k.Steps[i]
		if s.Grant == nil || !s.acts() {
			continue
		}
		out[s.Grant.Before.Principal], out[k.boundAfter(s)] = true, true
	}
	delete(out, "")
	return out
}

// acts reports whether a step does something to its object.
func (s *Step) acts() bool {
	return s.does("create") || s.does("delete") || s.does("update")
}

// findOutsiders notes the carriers of touched identities that the change does not manage.
func (k *comparison) findOutsiders(touched map[mivet.PrincipalID]bool) {
	found := map[string]arm.ID{}
	for p := range touched {
		for _, d := range []*side{&k.before, &k.after} {
			m := d.index.Identity(p)
			if m == nil {
				continue
			}
			d.index.Carriers(m, func(r *mivet.Resource) bool {
				if address(r.Source) == "" {
					found[r.ID.String()] = r.ID
				}
				return true
			})
		}
	}
	k.outsiders = slices.Sorted(maps.Keys(found))
	for name, id := range found {
		for _, d := range []*side{&k.before, &k.after} {
			if r := d.index.Resource(id); r != nil {
				d.resources[name] = r
			}
		}
	}
}

// outsideSelectors finds the properties of workloads outside of the change that selected
// an identity and will select none.
func (k *comparison) outsideSelectors() {
	for _, name := range k.outsiders {
		a, b := k.before.resources[name], k.after.resources[name]
		if a == nil || b == nil {
			continue
		}
		was := selections(k.before.index, a)
		for path, now := range selections(k.after.index, b) {
			if was[path].Status == effective.Presents && now.Status == effective.Wrong {
				k.addOutside(selectors, name, b.Source, "%s picks %s, which it will not carry", path, now.Value)
			}
		}
		k.staleClients(name, a, b)
	}
}

// selections are the properties of a resource that select an identity, by their paths.
func selections(x *mivet.Index, r *mivet.Resource) map[string]effective.Consumer {
	list, err := effective.NewCarrier(x, r).Selections()
	if err != nil {
		return nil // the embedded data cannot be read: every test of that package fails
	}
	out := map[string]effective.Consumer{}
	for _, c := range list {
		out[c.Path] = c
	}
	return out
}

// staleClients finds variables that name the client ID of an identity that is made anew or
// ends.
func (k *comparison) staleClients(name string, before, after *mivet.Resource) {
	for _, w := range effective.NewCarrier(k.after.index, after).Containers() {
		k.staleVariables(name, w, before)
	}
}

func (k *comparison) staleVariables(name string, w *effective.Carrier, before *mivet.Resource) {
	env, _ := w.Variables()
	for _, key := range slices.Sorted(maps.Keys(env)) {
		if mivet.IsGUID(env[key]) && k.endedClient(env[key]) && carriesClient(k.before.index, before, env[key]) {
			k.addOutside(selectors, name, w.Resource.Source, "its variable %s holds the client ID of an identity that is made anew or ends", key)
		}
	}
}

func carriesClient(x *mivet.Index, r *mivet.Resource, client string) bool {
	m, _ := effective.NewCarrier(x, r).Attached(client)
	return m != nil
}
