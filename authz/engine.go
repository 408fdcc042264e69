// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"sync"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// Options say what an engine knows beside the snapshot.
type Options struct {
	// Catalog resolves built-in roles and operations. Without it every role that the
	// snapshot does not define, and the plane of every operation, is unknown.
	Catalog *catalog.Catalog
	// At is the time of questions that give none; zero: when the snapshot was taken.
	At time.Time
}

// Engine answers questions about one snapshot. It is immutable and safe for concurrent
// use. The snapshot must not be changed while an engine uses it.
type Engine struct {
	snap   *mivet.Snapshot
	cat    *catalog.Catalog
	at     time.Time
	tree   *arm.Tree
	people *people
	roles  []role
	rows   *rows
	grants *grants
	denies *denies
	gaps   *gaps
	vaults *vaults
	models models
	lakes  *lakes
	// delegated are the grants of delegations, in the order of the snapshot.
	delegated []delegatedGrant
	// unread says that something was not read that bears on answers.
	unread bool

	// What explanations need and checks do not is made when it is first asked for.
	settingsOnce, typesOnce, everyOnce sync.Once

	settingsIndex map[arm.Key]*mivet.Resource
	typesIndex    map[mivet.PrincipalID]mivet.PrincipalType
	every         []role
}

// New compiles a snapshot. Faults in single facts (a pattern or a condition that cannot
// be read, a role that nobody defines) are no error: answers that hang on them are
// unknown, and [Engine.Explain] says why.
func New(s *mivet.Snapshot, o Options) *Engine {
	e := &Engine{snap: s, cat: o.Catalog, at: o.At, people: newPeople(s)}
	if e.at.IsZero() {
		e.at = s.TakenAt
	}
	tree, misplaced := newTree(s)
	e.tree = tree
	rs := newRoleSet(s, o.Catalog)
	drafts := e.drafts(rs)
	e.roles = rs.roles
	e.people.close(s, relevantGroups(s, e.people, drafts))
	e.rows = newRows(e.roles, o.Catalog)
	e.grants = newGrants(drafts, e.tree, len(e.people.ids))
	e.denies = e.newDenies(e.tree)
	e.gaps = newGaps(allGaps(s, misplaced), e.tree, e.people)
	e.unread = e.gaps.any()
	e.people.settle(func(n int32) PrincipalRef { return e.people.refOf(n, e.grants) })
	e.vaults = newVaults(s, e.tree)
	e.models = newModels(s, e.tree)
	e.lakes = e.newLakes()
	return e
}

// newTree interns every scope at which something is said. It returns the scopes whose
// place is not known although a fact speaks of it.
func newTree(s *mivet.Snapshot) (t *arm.Tree, misplaced []arm.ID) {
	var b arm.TreeBuilder
	for i := range s.Subscriptions {
		b.Add(s.Subscriptions[i].ID)
	}
	for i := range s.RoleAssignments {
		b.Add(s.RoleAssignments[i].Scope)
	}
	for i := range s.DenyAssignments {
		b.Add(s.DenyAssignments[i].Scope)
	}
	for i := range s.Gaps {
		b.Add(s.Gaps[i].Scope)
	}
	for i := range s.AccessPolicies {
		b.Add(s.AccessPolicies[i].Vault)
	}
	for i := range s.LocalGrants {
		scope, _ := localScope(&s.LocalGrants[i])
		b.Add(scope)
	}
	for i := range s.PathACLs {
		b.Add(s.PathACLs[i].Container)
	}
	for i := range s.Delegations {
		b.Add(s.Delegations[i].Scope)
	}
	var last arm.ID
	for i := range s.Resources {
		id := s.Resources[i].ID
		if decidesByItself(&s.Resources[i]) {
			b.Add(id)
		} else if sub := id.Subscription(); !sub.Equal(last) {
			b.Add(sub)
			last = sub
		}
	}
	misplaced = linkGroups(&b, s)
	return b.Build(), misplaced
}

// decidesByItself reports whether settings of a resource bear on answers.
func decidesByItself(r *mivet.Resource) bool {
	_, namespace := hnsOf(r)
	return namespace || isVault(r.ID) || hasModel(r)
}

// relevantGroups says of which groups the members matter: those that a fact about access,
// or a gap, names.
func relevantGroups(s *mivet.Snapshot, p *people, drafts []draft) func(int32) bool {
	relevant := make([]bool, len(p.ids))
	mark := func(ids ...mivet.PrincipalID) {
		for _, id := range ids {
			if n := p.find(id); n != noPerson {
				relevant[n] = true
			}
		}
	}
	for i := range drafts {
		relevant[drafts[i].person] = true
	}
	for i := range s.DenyAssignments {
		mark(s.DenyAssignments[i].Principals...)
		mark(s.DenyAssignments[i].Excluded...)
	}
	for i := range s.PathACLs {
		mark(s.PathACLs[i].Principal, s.PathACLs[i].Owner)
	}
	for i := range s.Gaps {
		mark(mivet.NewPrincipalID(s.Gaps[i].Subject))
	}
	return func(n int32) bool { return relevant[n] }
}
