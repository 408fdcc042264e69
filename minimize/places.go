// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

// extends are the providers whose resources belong to resources of others, so that a role
// at a resource reaches them too. Everything else that a role at a resource gives for
// another provider reaches nothing.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/extension-resource-types
var extends = map[string]bool{
	"microsoft.advisor": true, "microsoft.alertsmanagement": true, "microsoft.authorization": true, "microsoft.automanage": true,
	"microsoft.billing": true, "microsoft.blueprint": true, "microsoft.changeanalysis": true, "microsoft.chaos": true,
	"microsoft.consumption": true, "microsoft.costmanagement": true, "microsoft.customproviders": true, "microsoft.dataprotection": true,
	"microsoft.edge": true, "microsoft.eventgrid": true, "microsoft.features": true, "microsoft.guestconfiguration": true, "microsoft.help": true,
	"microsoft.hybridconnectivity": true, "microsoft.insights": true, "microsoft.kubernetesconfiguration": true, "microsoft.maintenance": true,
	"microsoft.managedidentity": true, "microsoft.managedservices": true, "microsoft.marketplace": true, "microsoft.policyinsights": true,
	"microsoft.quota": true, "microsoft.relationships": true, "microsoft.resourcehealth": true, "microsoft.resources": true,
	"microsoft.security": true, "microsoft.securityinsights": true, "microsoft.serialconsole": true, "microsoft.servicelinker": true,
	"microsoft.support": true, "microsoft.workloadmonitor": true,
}

// places are the scopes at which a role may be given, as a forest: each scope comes before
// those below it, and these follow it without a gap.
type places struct {
	scopes   []arm.ID
	numbers  map[arm.Key]int
	parent   []int
	last     []int     // the last scope at or below
	size     [][]int64 // resources of each provider at a scope, without those at scopes of the list below it
	reach    [][]int64 // with them
	contains func(scope, below arm.ID) bool
}

func (l *places) holds(a, b int) bool { return a <= b && b <= l.last[a] }

// newPlaces lists the scopes of the needs and of today's grants, those that are named, and
// the narrowest that hold several. A grant at any other one costs at least as much.
func newPlaces(p *Problem, needs []Need) *places {
	l := &places{contains: p.Contains}
	if l.contains == nil {
		l.contains = arm.ID.Contains
	}
	seen := map[arm.Key]bool{}
	add := func(id arm.ID) {
		if key := id.Key(); !id.IsZero() && !seen[key] {
			seen[key] = true
			l.scopes = append(l.scopes, id)
		}
	}
	for i := range needs {
		add(needs[i].Scope)
	}
	for _, id := range p.Scopes {
		add(id)
	}
	for _, id := range joins(l.scopes) {
		add(id)
	}
	for _, g := range p.Today {
		add(g.Scope)
	}
	l.arrange()
	l.measure(p)
	return l
}

// joins lists the scopes that hold two of a list by different ways down.
func joins(list []arm.ID) []arm.ID {
	via := map[arm.Key]arm.Key{} // a scope: the one way down to what it holds
	var out []arm.ID
	for _, id := range list {
		below := id.Key()
		for at := id.Parent(); !at.IsZero() && at.Level() != arm.LevelRoot; at = at.Parent() {
			key := at.Key()
			other, ok := via[key]
			if ok && other != below {
				out = append(out, at)
			}
			if ok {
				break // what is above was seen
			}
			via[key] = below
			below = key
		}
	}
	return out
}

// arrange makes a forest of the scopes and puts them in its order.
func (l *places) arrange() {
	slices.SortFunc(l.scopes, func(a, b arm.ID) int { return strings.Compare(string(a.Key()), string(b.Key())) })
	n := len(l.scopes)
	at := make(map[arm.Key]int, n)
	var groups []int // scopes whose names do not tell what they hold
	for i, id := range l.scopes {
		at[id.Key()] = i
		if level := id.Level(); level == arm.LevelRoot || level == arm.LevelManagementGroup {
			groups = append(groups, i)
		}
	}
	children := make([][]int, n+1) // of n: the tops
	for i, id := range l.scopes {
		up := n
		for above := id.Parent(); !above.IsZero() && above.Level() != arm.LevelRoot; above = above.Parent() {
			if j, ok := at[above.Key()]; ok {
				up = j
				break
			}
		}
		if up == n {
			up = l.narrowest(groups, i)
		}
		children[up] = append(children[up], i)
	}
	l.number(children)
}

// narrowest is the narrowest of the groups that hold a scope; the number of scopes if none
// does. Two that hold each other hold nothing here.
func (l *places) narrowest(groups []int, i int) int {
	up := len(l.scopes)
	for _, g := range groups {
		if g == i || !l.contains(l.scopes[g], l.scopes[i]) || l.contains(l.scopes[i], l.scopes[g]) {
			continue
		}
		if up == len(l.scopes) || l.contains(l.scopes[up], l.scopes[g]) {
			up = g
		}
	}
	return up
}

// number puts the scopes in the order of the forest.
func (l *places) number(children [][]int) {
	n := len(l.scopes)
	scopes := make([]arm.ID, 0, n)
	l.parent, l.last = make([]int, 0, n), make([]int, n)
	var visit func(of, parent int)
	visit = func(of, parent int) {
		for _, i := range children[of] {
			me := len(scopes)
			scopes, l.parent = append(scopes, l.scopes[i]), append(l.parent, parent)
			visit(i, me)
			l.last[me] = len(scopes) - 1
		}
	}
	visit(n, -1)
	l.scopes = scopes
	l.numbers = make(map[arm.Key]int, n)
	for i, id := range scopes {
		l.numbers[id.Key()] = i
	}
}

// measure counts the resources of each provider: one at least where there can be some,
// because something may be created there later.
func (l *places) measure(p *Problem) {
	n := len(l.scopes)
	l.size, l.reach = make([][]int64, n), make([][]int64, n)
	counted := make([][]int64, n)
	for s := n - 1; s >= 0; s-- { // those below come first
		counted[s] = make([]int64, len(p.Roles.providers))
		if l.size[s] == nil {
			l.size[s], l.reach[s] = make([]int64, len(p.Roles.providers)), make([]int64, len(p.Roles.providers))
		}
		if p.Count != nil {
			for name, c := range p.Count(l.scopes[s]) {
				if i, ok := p.Roles.numbers[name]; ok {
					counted[s][i] = int64(c)
					l.size[s][i] += int64(c)
				}
			}
		}
		bounded := l.scopes[s].Level() == arm.LevelResource
		own := providersOf(l.scopes[s])
		for i, name := range p.Roles.providers {
			l.size[s][i] = max(1, l.size[s][i])
			if bounded && !p.Roles.common[i] && !slices.Contains(own, name) {
				l.size[s][i] = 0
			}
			l.reach[s][i] += l.size[s][i]
		}
		if up := l.parent[s]; up >= 0 {
			if l.size[up] == nil {
				l.size[up], l.reach[up] = make([]int64, len(p.Roles.providers)), make([]int64, len(p.Roles.providers))
			}
			for i := range counted[s] {
				l.reach[up][i] += l.reach[s][i]
				l.size[up][i] -= counted[s][i]
			}
		}
	}
}

// providersOf lists the providers in a name, in lower case.
func providersOf(id arm.ID) []string {
	var out []string
	for i, part := range strings.Split(string(id.Key()), "/providers/") {
		if name, _, _ := strings.Cut(part, "/"); i > 0 {
			out = append(out, name)
		}
	}
	return out
}
