// SPDX-License-Identifier: Apache-2.0

package recycled

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

// ending is a principal that a plan ends, or that an earlier input knew and a later one
// does not.
type ending struct {
	principal   mivet.PrincipalID
	declaration *mivet.Declaration
	// successor is the identity that the same object has afterwards; nil if it has none.
	successor *mivet.Identity
}

// endings lists them by object. A principal that a fact still gives to an identity has not
// ended.
func endings(p *vet.Pass) []ending {
	var out []ending
	seen := map[mivet.PrincipalID]bool{}
	for i := range p.Snapshot.Declarations {
		d := &p.Snapshot.Declarations[i]
		for _, id := range d.FormerPrincipals {
			if !seen[id] && p.Index().Identity(id) == nil {
				seen[id] = true
				out = append(out, ending{id, d, nil})
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	now := identitiesByOwner(p)
	for i := range out {
		out[i].successor = successorOf(now, out[i].declaration)
	}
	slices.SortFunc(out, func(a, b ending) int {
		return cmp.Or(cmp.Compare(a.declaration.Resource.Key(), b.declaration.Resource.Key()),
			cmp.Compare(a.declaration.Address, b.declaration.Address), cmp.Compare(a.principal, b.principal))
	})
	return out
}

// endingsByPrincipal finds them by the principal.
func endingsByPrincipal(p *vet.Pass) map[mivet.PrincipalID]*ending {
	out := map[mivet.PrincipalID]*ending{}
	for _, e := range endings(p) {
		out[e.principal] = &e
	}
	return out
}

// ownerKey names what has an identity of a kind.
type ownerKey struct {
	kind     mivet.IdentityKind
	resource arm.Key
}

func identitiesByOwner(p *vet.Pass) map[ownerKey]*mivet.Identity {
	out := map[ownerKey]*mivet.Identity{}
	for _, m := range p.Identities() {
		if m.Principal != "" && !m.Resource.IsZero() {
			out[ownerKey{m.Kind, m.Resource.Key()}] = m
		}
	}
	return out
}

// successorOf returns the identity of the same kind that an object has afterwards, or nil.
func successorOf(now map[ownerKey]*mivet.Identity, d *mivet.Declaration) *mivet.Identity {
	m := &mivet.Identity{Kind: mivet.SystemAssigned, Resource: d.Resource, Principal: mivet.SymbolicPrincipal(d.Address), Source: d.Source}
	if d.UserAssigned {
		m.Kind = mivet.UserAssigned
	}
	if !d.Resource.IsZero() {
		return now[ownerKey{m.Kind, d.Resource.Key()}]
	}
	system := strings.Contains(strings.ToLower(d.IdentityType), "system")
	if slices.Contains(d.Actions, "create") && (system || d.UserAssigned) {
		return m
	}
	return nil
}

// former is the ending principal as the identity that it was.
func (e *ending) former() *mivet.Identity {
	return &mivet.Identity{Kind: e.successor.Kind, Resource: e.declaration.Resource, Principal: e.principal, Source: e.declaration.Source}
}

// name is what people call the object.
func (e *ending) name() string {
	if e.declaration.Resource.IsZero() {
		return e.declaration.Address
	}
	return e.declaration.Resource.Name()
}

// words say what ends the principal.
func (e *ending) words() string {
	switch {
	case e.declaration.Address == "":
		return fmt.Sprintf("an earlier input gives %s the principal %s", e.name(), e.principal)
	case slices.Contains(e.declaration.Actions, "delete") && slices.Contains(e.declaration.Actions, "create"):
		return fmt.Sprintf("%s is replaced, and its principal %s with it", e.declaration.Address, e.principal)
	case slices.Contains(e.declaration.Actions, "delete"):
		return fmt.Sprintf("%s is deleted, and its principal %s with it", e.declaration.Address, e.principal)
	default:
		return fmt.Sprintf("%s loses its principal %s", e.declaration.Address, e.principal)
	}
}

// leftBehind reports a grant to a principal that ends without a successor.
func leftBehind(g *grant, e *ending) mivet.Finding {
	f := mivet.Finding{
		Subject:       mivet.Subject{Resource: e.declaration.Resource, Principal: g.principal, Address: e.declaration.Address, Name: e.name()},
		Discriminator: g.key, Source: g.source,
		Message: fmt.Sprintf("the principal %s of %s ceases and still holds %s", g.principal, e.name(), g.what),
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: g.source, Fact: fmt.Sprintf("%s is granted to %s%s", g.what, g.principal, saidType(g.said))},
			{Kind: mivet.Configured, Source: e.declaration.Source, Fact: e.words()},
		},
		Consequence: "whatever takes the place of the identity does not have these rights; the leftover counts in the limit of 4000 a subscription",
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("remove %s together with the identity, or bind that to the identity that takes its place", g.what),
			Edits:   []mivet.Edit{g.remove},
			Check:   "that nothing else uses the principal",
		},
	}
	if g.strong {
		f.Severity = mivet.SeverityMedium
	}
	return f
}
