// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// formerPrincipals are the principals of an object's own identity that cease with the
// plan, or that ceased outside of it: grants to them do not follow.
func (b *builder) formerPrincipals(v *view) []mivet.PrincipalID {
	var out []mivet.PrincipalID
	before := &view{object: v.object, attrs: attributes(v.before)}
	switch {
	case v.does("delete"):
		out = before.ownPrincipals()
	case v.does("update") && !v.keepsSystem():
		out = before.systemPrincipals()
	}
	for _, id := range slices.Concat(b.drifted[v.address], b.drifted[v.previous]) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// keepsSystem reports whether an object that is updated in place has a system-assigned
// identity after the update, or may have one. It keeps its principal then.
func (v *view) keepsSystem() bool {
	system, _ := identityKinds(v.identityType())
	return system || v.identityType() == "" && v.unknown.unknown("identity", "type")
}

// systemPrincipals is the principal of an object's system-assigned identity, if it is
// known.
func (v *view) systemPrincipals() []mivet.PrincipalID {
	if system, _ := identityKinds(v.identityType()); system {
		return known(v.attrs.str("identity", "principal_id"))
	}
	return nil
}

// ownPrincipals are the principals that live and die with an object: its own, that of its
// system-assigned identity, and those of identities that a service made for it.
func (v *view) ownPrincipals() []mivet.PrincipalID {
	switch {
	case isUserAssigned(v) && isAzapi(v.typ):
		return known(v.attrs.str("output", "properties", "principalId"))
	case isUserAssigned(v):
		return known(v.attrs.str("principal_id"))
	}
	ids := v.systemPrincipals()
	if severalPrincipals(v.typ) {
		for _, block := range serviceIdentityBlocks {
			ids = append(ids, known(v.attrs.str(append(strings.Split(block, "."), "object_id")...))...)
		}
	}
	return ids
}

func known(id string) []mivet.PrincipalID {
	if p := mivet.NewPrincipalID(id); p != "" {
		return []mivet.PrincipalID{p}
	}
	return nil
}

// drift notes the principals that were replaced, or went, outside of the plan.
func (b *builder) drift(o *object) {
	before, after := &view{object: o, attrs: attributes(o.before)}, &view{object: o, attrs: attributes(o.after)}
	now := after.ownPrincipals()
	for _, id := range before.ownPrincipals() {
		if o.address != "" && !slices.Contains(now, id) {
			b.drifted[o.address] = append(b.drifted[o.address], id)
		}
	}
}
