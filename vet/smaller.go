// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// Covers reports whether an assignment at scope applies to a resource, management groups
// included.
func (p *Pass) Covers(scope, resource arm.ID) bool {
	if scope.Contains(resource) {
		return true
	}
	if scope.Level() != arm.LevelManagementGroup {
		return false
	}
	t := p.shared.places().tree
	outer, exact := t.Find(scope)
	inner, _ := t.Find(resource)
	return exact && t.Contains(outer, inner)
}

// Needs returns the access tests that pass by this assignment alone: what is known to
// break without it. Grants with a condition do not count as another way. The second
// result is how many tests that expect access there are of those who hold it.
func (p *Pass) Needs(a *mivet.RoleAssignment) (needed []mivet.AccessTest, known int) {
	uses := p.shared.tests.of(p)[keyOfAssignment(a)]
	for _, u := range uses {
		if u.needed {
			needed = append(needed, p.Snapshot.AccessTests[u.test])
		}
	}
	return needed, len(uses)
}

// assignmentKey tells assignments apart as [SameAssignment] does.
type assignmentKey struct {
	principal mivet.PrincipalID
	role      mivet.RoleID
	roleName  arm.Key
	scope     arm.Key
	eligible  bool
}

func keyOfAssignment(a *mivet.RoleAssignment) assignmentKey {
	k := assignmentKey{principal: a.Principal, role: a.Role, scope: a.Scope.Key(), eligible: a.Eligible}
	if a.Role == "" {
		k.roleName = arm.Fold(a.RoleName)
	}
	return k
}

// testUse is an access test of somebody who holds an assignment, and whether it passes by
// that alone.
type testUse struct {
	test   int
	needed bool
}

// testUses finds the access tests by the assignments that those who are tested hold.
type testUses struct {
	once sync.Once
	by   map[assignmentKey][]testUse
}

func (u *testUses) of(p *Pass) map[assignmentKey][]testUse {
	u.once.Do(func() {
		u.by = map[assignmentKey][]testUse{}
		for i := range p.Snapshot.AccessTests {
			if t := &p.Snapshot.AccessTests[i]; t.Allowed {
				u.add(p, i, t)
			}
		}
	})
	return u.by
}

func (u *testUses) add(p *Pass, place int, t *mivet.AccessTest) {
	gives := map[assignmentKey]bool{} // of each assignment, whether it lets the test pass
	surely := map[assignmentKey]bool{}
	for _, h := range p.Holdings(t.Principal) {
		k := keyOfAssignment(h.Assignment)
		passes := p.grantsTest(&h, *t)
		gives[k] = gives[k] || passes
		if passes && h.Surely {
			surely[k] = true
		}
	}
	for k, passes := range gives {
		others := len(surely) > 1 || len(surely) == 1 && !surely[k]
		u.by[k] = append(u.by[k], testUse{place, passes && !others})
	}
}

func (p *Pass) grantsTest(h *Holding, t mivet.AccessTest) bool {
	if !p.Covers(h.Scope(), t.Resource) {
		return false
	}
	if t.Plane != mivet.PlaneUnknown {
		return h.Role.Grants(t.Operation, t.Plane)
	}
	return h.Role.Grants(t.Operation, mivet.PlaneControl) || h.Role.Grants(t.Operation, mivet.PlaneData)
}

// Replacement is what can take the place of an assignment.
type Replacement struct {
	// Edits take the assignment away and give, for each access test that needs it, the
	// smallest built-in role at the tested resource. There are none where no built-in role
	// would do.
	Edits []mivet.Edit
	// Needed is how many access tests need the assignment, Known how many there are of
	// those who hold it: none means that nobody recorded what it is for.
	Needed, Known int
}

// Replace works out what can take the place of an assignment.
func (p *Pass) Replace(a *mivet.RoleAssignment) Replacement {
	edits := []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: a}}
	tests, known := p.Needs(a)
	r := Replacement{Needed: len(tests), Known: known}
	for _, t := range tests {
		if slices.ContainsFunc(edits[1:], func(e mivet.Edit) bool { return p.serves(e.Assignment, t) }) {
			continue
		}
		def := p.SmallestRole(t.Operation, t.Plane)
		if def == nil {
			return r
		}
		edits = append(edits, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{
			Role: def.ID, RoleName: def.Name, Principal: a.Principal, PrincipalType: a.PrincipalType,
			Scope: t.Resource, Source: a.Source,
		}})
	}
	r.Edits = edits
	return r
}

func (p *Pass) serves(a *mivet.RoleAssignment, t mivet.AccessTest) bool {
	h := Holding{Assignment: a, Role: p.Role(a)}
	return p.grantsTest(&h, t)
}

// SmallestRole returns the built-in role without a condition that has the operation and
// the fewest powers and known operations beside it, or nil.
func (p *Pass) SmallestRole(op arm.Operation, plane mivet.Plane) *mivet.RoleDefinition {
	if plane == mivet.PlaneUnknown {
		if i, ok := p.Catalog.FindOperation(op); ok {
			plane, _ = p.Catalog.Plane(i)
		}
	}
	book := p.memo.roles
	key := sizeKey{op.Key(), plane}
	if d, ok := book.smallest[key]; ok {
		return d
	}
	var best *Role
	for _, r := range book.builtIn() {
		if r.grants(op, plane, false) && (best == nil || book.ops.smaller(p, op, r, best)) {
			best = r
		}
	}
	var def *mivet.RoleDefinition
	if best != nil {
		def = best.Definition
	}
	book.smallest[key] = def
	return def
}

type sizeKey struct {
	op    arm.Key
	plane mivet.Plane
}

// smaller orders roles: those for people and workloads before those that Microsoft made for
// a service of its own; then by how many powers they have, by how many services they name
// beside that of the operation, by how many operations they have,
// and by how short their names are: of equal roles that is the plainest.
func (o *operations) smaller(p *Pass, op arm.Operation, a, b *Role) bool {
	return cmp.Or(
		cmp.Compare(ofService(a), ofService(b)),
		cmp.Compare(o.powerCount(a), o.powerCount(b)),
		cmp.Compare(foreign(a, op), foreign(b, op)),
		cmp.Compare(o.size(p, a), o.size(p, b)),
		cmp.Compare(len(a.Label), len(b.Label)),
		cmp.Compare(a.Label, b.Label),
	) < 0
}

// ofService is 1 for a built-in role that a service of Microsoft's gives to itself, by the
// words of its description: it may change with that service.
func ofService(r *Role) int {
	text := r.Definition.Description
	for _, words := range [...]string{"is used by ", "Used by the ", "For internal use", "Manual assignment of this role", "Microsoft Defender"} {
		if strings.Contains(text, words) {
			return 1
		}
	}
	return 0
}

func (o *operations) powerCount(r *Role) int {
	if !r.counted {
		r.Powers, r.counted = o.powers(r), true
	}
	return bits.OnesCount32(uint32(r.Powers))
}

// Nearly every built-in role reads assignments, deploys, and makes alerts and support
// requests: these say nothing about what a role is for.
var everyRole = []string{"microsoft.authorization", "microsoft.resources", "microsoft.insights", "microsoft.support", "microsoft.resourcehealth"}

// foreign counts the providers that a role names, without that of an operation.
func foreign(r *Role, op arm.Operation) int {
	own, _, _ := strings.Cut(string(op.Key()), "/")
	named := map[string]bool{}
	for i := range r.permissions {
		for _, pattern := range slices.Concat(r.permissions[i].actions, r.permissions[i].dataActions) {
			provider, _, bound := strings.Cut(string(pattern.Prefix()), "/")
			if bound && provider != own && !slices.Contains(everyRole, provider) {
				named[provider] = true
			}
		}
	}
	return len(named)
}

// size counts how many known operations a role has: what its patterns reach, without
// what it subtracts.
func (o *operations) size(p *Pass, r *Role) int {
	n := 0
	for i := range r.permissions {
		m := &r.permissions[i]
		for _, pattern := range slices.Concat(m.actions, m.dataActions) {
			n += o.patternSize(p, pattern)
		}
	}
	return n
}

func (o *operations) patternSize(p *Pass, pattern arm.Pattern) int {
	if pattern.Wildcards() == 0 {
		return 1
	}
	if n, ok := o.sizes[pattern.Key()]; ok {
		return n
	}
	c, prefix := p.Catalog, string(pattern.Prefix())
	n := 0
	for i := sort.Search(c.NumOperations(), func(i int) bool { return string(c.Operation(i).Key()) >= prefix }); i < c.NumOperations(); i++ {
		op := c.Operation(i)
		if !strings.HasPrefix(string(op.Key()), prefix) {
			break
		}
		if pattern.Matches(op) {
			n++
		}
	}
	o.sizes[pattern.Key()] = n
	return n
}

// SmallestRole is [Pass.SmallestRole] for those who run no rule.
func SmallestRole(c *catalog.Catalog, op arm.Operation, plane mivet.Plane) *mivet.RoleDefinition {
	sh := newShared(&mivet.Snapshot{}, c)
	p := &Pass{Snapshot: sh.snapshot, Catalog: c, shared: sh, memo: newMemo(sh)}
	return p.SmallestRole(op, plane)
}
