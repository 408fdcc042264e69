// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// class is the system that a grant belongs to.
type class uint8

const (
	classRBAC      class = iota // a role assignment
	classPolicy                 // an entry of a vault's access list
	classLocal                  // an assignment of a service's own authorization system
	classDelegated              // a role that a delegation gives to another tenant
	numClasses
)

// grant is a compiled grant of any class: a role at a scope. It is kept small, since
// every question reads some.
type grant struct {
	scope, last arm.Node
	// role holds the number of the role in the low bits, and the marks below.
	role uint32
	// fact is the place in the snapshot's slice of the class.
	fact int32
}

const (
	roleMask  = 1<<28 - 1
	classBit  = 28
	classMask = 3
	slowMark  = 1 << 31 // something beside the role decides: a condition, a time, a state
)

func (g *grant) roleNumber() uint32 { return g.role & roleMask }
func (g *grant) class() class       { return class(g.role >> classBit & classMask) }

// ofRoles reports whether the grant is of a role of Azure: assigned, or delegated.
func (g *grant) ofRoles() bool { return g.class() == classRBAC || g.class() == classDelegated }

func (g *grant) slow() bool { return g.role&slowMark != 0 }
func (g *grant) covers(n arm.Node) bool {
	return g.scope <= n && n <= g.last
}

// rider is what decides about a slow grant beside its role.
type rider struct {
	condition  *condition
	eligible   bool
	start, end time.Time
	// doubt says why the grant may give less than its role; empty: it gives all of it.
	doubt    string
	doubtWhy Cause
}

// riderKey names a grant: one fact can be several, with a role each.
type riderKey struct {
	fact int32
	role uint32
}

// noScope is the doubt about a fact that does not say where it holds.
const noScope = "where it holds is not known"

// grants are all grants, by principal and by scope.
type grants struct {
	all []grant // by principal, then by scope
	// start holds where each principal's begin.
	start []int32
	owner []int32 // the principal of each
	// at holds, per scope, the grants exactly there, by role; holders are their principals,
	// in the same order.
	at      lists
	holders []int32
	// roles holds, per scope, the roles that are granted exactly there, with the places of
	// their grants in at.
	roles   []roleRun
	rolesAt []int32
	// riders are by class.
	riders [numClasses]map[riderKey]*rider
	// high are the grants at management groups, for subscriptions whose place is unknown.
	high []int32
}

// roleRun is where the grants of one role at one scope stand in grants.at.
type roleRun struct {
	role     uint32
	from, to int32
}

// rolesOf are the roles that are granted exactly at a scope.
func (g *grants) rolesOf(n arm.Node) []roleRun { return g.roles[g.rolesAt[n]:g.rolesAt[n+1]] }

func (g *grants) of(person int32) []grant { return g.all[g.start[person]:g.start[person+1]] }

func (g *grants) rider(gr *grant) *rider {
	return g.riders[gr.class()][riderKey{gr.fact, gr.roleNumber()}]
}

// draft is a grant before the scopes are numbered.
type draft struct {
	person int32
	scope  arm.ID
	role   uint32
	class  class
	fact   int32
	rider  *rider
}

func (d *draft) compile(t *arm.Tree) grant {
	n, _ := t.Find(d.scope)
	role := d.role | uint32(d.class)<<classBit
	if d.rider != nil {
		role |= slowMark
	}
	return grant{scope: n, last: t.Last(n), role: role, fact: d.fact}
}

func newGrants(drafts []draft, t *arm.Tree, people int) *grants {
	g := &grants{
		all:   make([]grant, len(drafts)),
		owner: make([]int32, len(drafts)),
		start: make([]int32, people+1),
	}
	for c := range g.riders {
		g.riders[c] = map[riderKey]*rider{}
	}
	order := make([]int32, len(drafts))
	compiled := make([]grant, len(drafts))
	for i := range drafts {
		order[i] = int32(i)
		compiled[i] = drafts[i].compile(t)
		if r := drafts[i].rider; r != nil {
			g.riders[drafts[i].class][riderKey{drafts[i].fact, drafts[i].role}] = r
		}
		g.start[drafts[i].person+1]++
	}
	slices.SortFunc(order, func(x, y int32) int {
		return cmp.Or(cmp.Compare(drafts[x].person, drafts[y].person),
			cmp.Compare(compiled[x].scope, compiled[y].scope), cmp.Compare(x, y))
	})
	for i := 1; i <= people; i++ {
		g.start[i] += g.start[i-1]
	}
	pairs := make([][2]int32, len(order))
	for i, o := range order {
		g.all[i] = compiled[o]
		g.owner[i] = drafts[o].person
		pairs[i] = [2]int32{int32(compiled[o].scope), int32(i)}
		if drafts[o].scope.Level() == arm.LevelManagementGroup {
			g.high = append(g.high, int32(i))
		}
	}
	slices.SortStableFunc(pairs, func(x, y [2]int32) int {
		return cmp.Compare(g.all[x[1]].roleNumber(), g.all[y[1]].roleNumber())
	})
	g.at = listsOf(t.Len(), pairs)
	g.group(t.Len())
	return g
}

// group notes which roles are granted at each scope.
func (g *grants) group(scopes int) {
	g.holders = make([]int32, len(g.all))
	g.rolesAt = make([]int32, scopes+1)
	for n := range scopes {
		for i := g.at.start[n]; i < g.at.start[n+1]; i++ {
			at := g.at.items[i]
			g.holders[i] = g.owner[at]
			role := g.all[at].roleNumber()
			if last := len(g.roles) - 1; i > g.at.start[n] && g.roles[last].role == role {
				g.roles[last].to++
			} else {
				g.roles = append(g.roles, roleRun{role, i, i + 1})
			}
		}
		g.rolesAt[n+1] = int32(len(g.roles))
	}
}

// drafts reads the snapshot's grants of every class. A grant that names nobody is left
// out: see [allGaps].
func (e *Engine) drafts(rs *roleSet) []draft {
	s := e.snap
	out := make([]draft, 0, len(s.RoleAssignments)+len(s.AccessPolicies)+len(s.LocalGrants))
	for i := range s.RoleAssignments {
		a := &s.RoleAssignments[i]
		out = append(out, draft{
			person: e.people.find(a.Principal), scope: a.Scope, role: rs.intern(a.Role, a.RoleName),
			class: classRBAC, fact: int32(i), rider: riderOf(a),
		})
	}
	out = slices.Concat(out, e.policyDrafts(rs), e.localDrafts(rs), e.delegatedDrafts(rs))
	return slices.DeleteFunc(out, func(d draft) bool { return d.person == noPerson })
}

// conditionDoubt is said of assignments from a source that does not list conditions.
const conditionDoubt = "whether the assignment has a condition was not read"

func riderOf(a *mivet.RoleAssignment) *rider {
	doubt := ""
	if a.ConditionUnknown && a.Condition == "" {
		doubt = conditionDoubt
	}
	r := doubted(a.Scope, doubt)
	if a.Condition == "" && !a.Eligible && a.Start.IsZero() && a.End.IsZero() {
		return r
	}
	if r == nil {
		r = &rider{}
	}
	r.condition, r.eligible = compileCondition(a.Condition, a.ConditionVersion), a.Eligible
	r.start, r.end = a.Start, a.End
	return r
}

// doubted returns the rider of a grant whose scope is not known, or only in part; nil if
// it is.
func doubted(scope arm.ID, doubt string) *rider {
	if scope.IsZero() {
		doubt = noScope
	}
	if doubt == "" {
		return nil
	}
	return &rider{doubt: doubt, doubtWhy: CauseGap}
}

// inTime says whether a time lies in the window: from its start on, before its end.
func (r *rider) inTime(at time.Time) abac.Truth {
	if r.start.IsZero() && r.end.IsZero() {
		return abac.True
	}
	if at.IsZero() {
		return abac.Unknown
	}
	return abac.TruthOf(!at.Before(r.start) && (r.end.IsZero() || at.Before(r.end)))
}
