// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// ReachBy counts what a principal can touch by all that it holds, itself or through
// groups: its roles, the access lists of key vaults that use theirs, and the grants that
// services keep themselves.
func (p *Pass) ReachBy(id mivet.PrincipalID) mivet.Reach {
	holdings := p.Holdings(id)
	r := p.ReachOf(holdings)
	seen := map[arm.Key]uint8{}
	for _, subject := range p.withGroups(id) {
		for _, a := range p.Policies(subject) {
			p.addPolicy(&r, a, seen)
		}
		for _, g := range p.LocalGrants(subject) {
			p.addLocal(&r, g, holdings, seen)
		}
	}
	return r
}

// What of a resource was counted already.
const (
	countedData uint8 = 1 << iota
	countedSecrets
)

func (p *Pass) addPolicy(r *mivet.Reach, a *mivet.AccessPolicy, seen map[arm.Key]uint8) {
	if a.ApplicationID != "" || len(a.Keys)+len(a.Secrets)+len(a.Certificates)+len(a.Storage) == 0 {
		return // for a user by way of an application, or empty
	}
	switch p.modelAt(a.Vault) {
	case ModelRoles:
		return
	case ModelUnknown:
		r.Possibly = true
		p.addOutside(r, a.Vault)
		return
	case ModelPolicies:
	}
	counted := seen[a.Vault.Key()]
	if counted&countedData == 0 {
		r.Data++
		addScope(r, a.Vault)
	}
	seen[a.Vault.Key()] |= countedData
	if counted&countedSecrets == 0 && ReadsSecretsByList(a) {
		r.Secrets++
		seen[a.Vault.Key()] |= countedSecrets
	}
}

// ReadsSecretsByList reports whether an entry of an access list lets the values of secrets
// be read.
func ReadsSecretsByList(a *mivet.AccessPolicy) bool {
	return slices.ContainsFunc(a.Secrets, func(w string) bool { return strings.EqualFold(w, "get") || strings.EqualFold(w, "all") })
}

func (p *Pass) addLocal(r *mivet.Reach, g *mivet.LocalAssignment, holdings []Holding, seen map[arm.Key]uint8) {
	if g.Account.IsZero() || seen[g.Account.Key()]&countedData != 0 {
		return
	}
	seen[g.Account.Key()] |= countedData
	p.addOutside(r, g.Account)
	byRole := slices.ContainsFunc(holdings, func(h Holding) bool {
		return h.Surely && p.usesData(h.Role, g.Account.Type()) && p.Covers(h.Scope(), g.Account)
	})
	if !byRole {
		r.Data++
		addScope(r, g.Account)
	}
}

// addOutside notes a resource that a grant names and that the snapshot does not hold.
func (p *Pass) addOutside(r *mivet.Reach, id arm.ID) {
	if p.Index().Resource(id) == nil && !slices.ContainsFunc(r.Outside, id.Equal) {
		r.Outside = append(r.Outside, id)
	}
}

func addScope(r *mivet.Reach, id arm.ID) {
	if !slices.ContainsFunc(r.Scopes, func(s arm.ID) bool { return s.Contains(id) }) {
		r.Scopes = append(r.Scopes, id)
	}
}

// modelAt returns the permission model of a vault, unknown where the snapshot does not
// hold it.
func (p *Pass) modelAt(vault arm.ID) VaultModel {
	if r := p.Index().Resource(vault); r != nil {
		return VaultModelOf(r)
	}
	return ModelUnknown
}

// Idle reports whether a holding gives no data although its role has data operations: its
// scope is in a key vault that uses its access list.
func (p *Pass) Idle(h *Holding) bool {
	top := topResource(h.Scope())
	return top.HasType(vaultType) && p.modelAt(top) == ModelPolicies
}

// Reaches returns a function that counts what a principal of a snapshot can touch. It serves
// one caller at a time.
func Reaches(s *mivet.Snapshot, c *catalog.Catalog) func(id mivet.PrincipalID) mivet.Reach {
	sh := newShared(s, c)
	p := &Pass{Snapshot: s, Catalog: c, shared: sh, memo: newMemo(sh)}
	return p.ReachBy
}

// Coverage returns a function that reports whether a grant at a scope applies at another,
// management groups included.
func Coverage(s *mivet.Snapshot) func(scope, below arm.ID) bool {
	p := &Pass{Snapshot: s, shared: newShared(s, nil)}
	return p.Covers
}
