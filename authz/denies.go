// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// deny is a compiled deny assignment that is enforced.
type deny struct {
	scope                arm.Node
	thisScopeOnly        bool
	everyone             bool
	principals, excluded []int32 // sorted
	perms                []permission
	condition            *condition
	fact                 int32
	// doubt says why it may not block what it matches; empty: it blocks.
	doubt string
}

// denies are the enforced deny assignments by scope.
type denies struct {
	all []deny
	at  lists
	// near holds, per scope, the lowest scope at or above it that has any; -1: none.
	near []arm.Node
	// high are those at management groups.
	high []int32
}

func (e *Engine) newDenies(t *arm.Tree) *denies {
	d := &denies{near: make([]arm.Node, t.Len())}
	var pairs [][2]int32
	for i := range e.snap.DenyAssignments {
		a := &e.snap.DenyAssignments[i]
		if strings.EqualFold(string(a.Effect), string(mivet.DenyAudit)) {
			continue // "logs without blocking": Azure/bicep-types-az denyAssignments 2024-07-01-preview
		}
		n, _ := t.Find(a.Scope)
		number := int32(len(d.all))
		pairs = append(pairs, [2]int32{int32(n), number})
		if a.Scope.Level() == arm.LevelManagementGroup {
			d.high = append(d.high, number)
		}
		d.all = append(d.all, deny{
			scope: n, thisScopeOnly: a.ThisScopeOnly && !a.Scope.IsZero(), doubt: denyDoubt(a),
			everyone:   slices.Contains(a.Principals, mivet.Everyone),
			principals: e.people.numbers(a.Principals), excluded: e.people.numbers(a.Excluded),
			perms:     compilePermissions(a.Permissions),
			condition: compileCondition(a.Condition, a.ConditionVersion),
			fact:      int32(i),
		})
	}
	d.at = listsOf(t.Len(), pairs)
	for n := range d.near {
		node := arm.Node(n)
		switch {
		case len(d.at.of(int32(n))) > 0:
			d.near[n] = node
		case n == 0:
			d.near[n] = -1
		default:
			d.near[n] = d.near[t.Parent(node)]
		}
	}
	return d
}

func (p *people) numbers(ids []mivet.PrincipalID) []int32 {
	out := make([]int32, 0, len(ids))
	for _, id := range ids {
		if n := p.find(id); n != noPerson {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// matches says whether the deny assignment blocks the question, whose scope it covers.
func (e *Engine) denyMatches(d *deny, q *question) abac.Truth {
	if d.thisScopeOnly && (d.scope != q.node || !q.exact) {
		return abac.False
	}
	who := e.denyNames(d, q)
	if who == abac.False {
		return abac.False
	}
	what := abac.False
	for i := range d.perms {
		p := &d.perms[i]
		what = what.Or(p.rules(q.plane).permits(q.row.op).And(p.condition.eval(q)))
	}
	truth := who.And(what).And(d.condition.eval(q))
	if truth == abac.True && d.doubt != "" {
		return abac.Unknown
	}
	return truth
}

// denyDoubt says why a deny assignment may not block what it matches, or "".
func denyDoubt(a *mivet.DenyAssignment) string {
	switch {
	case a.Scope.IsZero():
		return noScope
	case slices.Contains(a.Excluded, ""):
		return "whom it excludes is not known"
	case a.Effect != "" && !strings.EqualFold(string(a.Effect), string(mivet.DenyEnforced)):
		return "what its effect " + string(a.Effect) + " does is not published"
	default:
		return ""
	}
}

// denyNames says whether the deny assignment names the caller and does not exclude it.
func (e *Engine) denyNames(d *deny, q *question) abac.Truth {
	named := abac.TruthOf(d.everyone)
	if !d.everyone {
		named = e.isAmong(d.principals, q)
	}
	if named == abac.False {
		return abac.False
	}
	return named.And(e.isAmong(d.excluded, q).Not())
}

// isAmong says whether the caller or a group of it is in a list.
func (e *Engine) isAmong(list []int32, q *question) abac.Truth {
	if len(list) == 0 {
		return abac.False
	}
	for i := -1; i < len(q.groups); i++ {
		for _, s := range q.subjects(i) {
			if _, ok := slices.BinarySearch(list, s); ok {
				return abac.True
			}
		}
	}
	for _, n := range list {
		if e.gaps.membership(e.people, q.who.number, n) >= 0 {
			return abac.Unknown
		}
	}
	return abac.False
}

// isIn says whether the caller is a principal or in it.
func (q *question) isIn(person int32) abac.Truth {
	switch {
	case q.isSubject(person):
		return abac.True
	case q.e.gaps.membership(q.e.people, q.who.number, person) >= 0:
		return abac.Unknown
	default:
		return abac.False
	}
}
