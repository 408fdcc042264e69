// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// Need is one right that must be there after the change.
type Need struct {
	Operation arm.Operation `json:"operation"`
	Plane     mivet.Plane   `json:"plane"`
	Scope     arm.ID        `json:"scope"`
}

// Request is the question whether a principal has the right.
func (n *Need) Request(who mivet.PrincipalID) authz.Request {
	return authz.Request{Principal: who, Operation: n.Operation, Plane: n.Plane, Resource: n.Scope}
}

// Grant is a role at a scope and below it.
type Grant struct {
	Role  *mivet.RoleDefinition
	Scope arm.ID
}

// Problem asks for the smallest grants.
type Problem struct {
	Needs []Need
	// Roles are those that may be given; Today's roles may be among them or not.
	Roles *Roles
	// Today is what is given now. Where it is not nil nothing wider is proposed: every
	// operation of the catalogue that a grant gives at a scope is given there today.
	Today []Grant
	// Scopes are more places where a role may be given, beside those of the needs, of
	// Today, and the narrowest that hold several needs.
	Scopes []arm.ID
	// Contains says whether a scope holds another; nil: as the names tell. It is asked of
	// management groups alone.
	Contains func(scope, below arm.ID) bool
	// Count says how many resources of each provider, such as "microsoft.storage", lie at a
	// scope and below it; nil: one of each.
	Count func(scope arm.ID) map[string]int
	// PerGrant is what each grant costs in itself; 0: 3. PerForeign is what it costs besides
	// where its role is made for another product than those whose operations it is for; 0:
	// 1,000, less than 0: nothing.
	PerGrant, PerForeign int
	// MaxWork bounds the search; 0: as many steps as take about half a second on one processor.
	MaxWork int64
}

// The weights of operations, and what a grant costs: reading is the unit, and what a
// service holds weighs twice as much as how it is configured.
const (
	weightRead   = 1
	weightChange = 4
	dataFactor   = 2

	defaultPerGrant   = 3
	defaultPerForeign = 1000
	defaultMaxWork    = 250_000_000
)

// Weight is the risk of an operation by its name: 1 to read, 4 to change, twice that for
// data.
func Weight(op arm.Operation, plane mivet.Plane) int {
	w := weightChange
	if strings.HasSuffix(string(op.Key()), "/read") {
		w = weightRead
	}
	if plane == mivet.PlaneData {
		w *= dataFactor
	}
	return w
}

// Proposal is a set of grants that covers every need.
type Proposal struct {
	Grants []Grant
	// Foreign are those of the grants whose role is made for another product than those
	// whose operations it is for.
	Foreign []Grant
	// Risk is the weight of all that the grants give together; Cost adds what they cost in
	// themselves.
	Risk, Cost int64
	// Proven is true where no cheaper proposal exists. Bound is what any costs at least.
	Proven bool
	Bound  int64
	// Nodes is how many times the search had to choose.
	Nodes int
}

// UnmetError lists needs that no role which may be given covers.
type UnmetError struct{ Needs []Need }

// Error names them.
func (e *UnmetError) Error() string {
	var b strings.Builder
	for i, n := range e.Needs {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s at %s", n.Operation, n.Scope)
	}
	return "no role that may be given covers " + b.String()
}

// Solve finds the cheapest grants. It fails with an [UnmetError] where a need cannot be
// covered.
func (p *Problem) Solve() (*Proposal, error) {
	in := p.prepare()
	if err := in.unmet(); err != nil {
		return nil, err
	}
	return in.solve(), nil
}

// Front finds the cheapest proposal, and those beside it that are better in one respect:
// with fewer grants, the cheapest under some higher cost of a grant; and either with fewer
// roles of other products or, where the cheapest has none, with less risk by such roles.
func (p *Problem) Front() (best *Proposal, others []*Proposal, err error) {
	in := p.prepare()
	if err := in.unmet(); err != nil {
		return nil, nil, err
	}
	best = in.solve()
	others = in.fewer(best)
	q := *p
	q.PerForeign = -1
	if len(best.Foreign) > 0 {
		q.PerForeign = int(min(in.dearest(), maxPerForeign))
	}
	in.Problem = &q
	in.charge()
	x := in.solve()
	if len(x.Foreign) < len(best.Foreign) || len(best.Foreign) == 0 && x.Risk < best.Risk {
		others = append(others, x)
	}
	return best, others, nil
}

// maxPerForeign keeps sums of costs far from the largest number.
const maxPerForeign = 1 << 40

// fewer lists proposals with fewer grants than the best, the fewest first: it makes a
// grant dearer until the number is the least, and looks between two that differ.
func (in *instance) fewer(best *Proposal) []*Proposal {
	if len(best.Grants) < 2 {
		return nil
	}
	p := in.Problem
	at := func(perGrant int64) *Proposal {
		q := *p
		q.PerGrant = int(perGrant)
		in.Problem = &q
		in.charge()
		return in.solve()
	}
	var out []*Proposal
	var between func(few, many *Proposal)
	between = func(few, many *Proposal) {
		if len(many.Grants)-len(few.Grants) < 2 {
			return
		}
		// At this cost of a grant both cost the same; whatever lies between costs less.
		x := at((few.Risk - many.Risk) / int64(len(many.Grants)-len(few.Grants)))
		if len(x.Grants) <= len(few.Grants) || len(x.Grants) >= len(many.Grants) {
			return
		}
		between(few, x)
		out = append(out, x)
		between(x, many)
	}
	least := at(min(in.dearest(), maxPerForeign))
	if len(least.Grants) < len(best.Grants) {
		out = append(out, least)
		between(least, best)
	}
	in.Problem = p
	in.charge()
	return out
}

// dearest is more than any proposal without superfluous grants can cost.
func (in *instance) dearest() int64 {
	most := make([]int64, len(in.needs))
	for i := range in.candidates {
		c := &in.candidates[i]
		for _, n := range c.needs {
			most[n] = max(most[n], c.own+c.risk)
		}
	}
	sum := int64(1)
	for _, m := range most {
		sum += m
	}
	return sum
}

// Risk is the weight of all that grants give together, in the same terms as that of a
// proposal for the problem. Grants of roles that are not among the problem's, and grants
// at scopes that are not among its places, add nothing.
func (p *Problem) Risk(grants []Grant) int64 {
	return newPlaces(p, p.unique()).risk(p.Roles, grants)
}

// RiskOfNeeds is the weight of the needs themselves, each at its scope and below it: what
// roles of exactly these operations carry. An operation that the catalogue does not know
// weighs nothing.
func (p *Problem) RiskOfNeeds() int64 {
	needs := p.unique()
	l := newPlaces(p, needs)
	var sum int64
	for i := range needs {
		n := &needs[i]
		right, known := p.Roles.right(n)
		s := l.numbers[n.Scope.Key()]
		// What is needed above as well is given from there.
		above := slices.ContainsFunc(needs, func(m Need) bool {
			t := l.numbers[m.Scope.Key()]
			return t != s && l.holds(t, s) && m.Plane == n.Plane && m.Operation.Equal(n.Operation)
		})
		if known && !above {
			sum += p.Roles.weights[right] * l.reach[s][p.Roles.provider[right%len(p.Roles.ops)]]
		}
	}
	return sum
}

// risk adds what grants give: each right once in the part of a scope that no other scope
// of the list lies in.
func (l *places) risk(roles *Roles, grants []Grant) int64 {
	at := make([][]int, len(l.scopes)) // the roles given at a scope
	for _, g := range grants {
		r, known := roles.known[g.Role]
		s, placed := l.numbers[g.Scope.Key()]
		if known && placed {
			at[s] = append(at[s], r)
		}
	}
	var sum int64
	given := make([]set, len(l.scopes))
	weights := make([][]int64, len(l.scopes))
	for s := range l.scopes {
		if up := l.parent[s]; up >= 0 {
			given[s], weights[s] = given[up], weights[up]
		}
		if len(at[s]) > 0 {
			all := newSet(2 * len(roles.ops))
			all.union(given[s])
			for _, r := range at[s] {
				all.union(roles.gives[r])
			}
			by := make([]int64, len(roles.providers))
			all.each(func(right int) { by[roles.provider[right%len(roles.ops)]] += roles.weights[right] })
			given[s], weights[s] = all, by
		}
		for p, w := range weights[s] {
			sum += w * l.size[s][p]
		}
	}
	return sum
}

// unique lists the needs, each once.
func (p *Problem) unique() []Need {
	var out []Need
	seen := map[needKey]bool{}
	for _, n := range p.Needs {
		if key := (needKey{n.Operation.Key(), n.Plane, n.Scope.Key()}); !seen[key] {
			seen[key] = true
			out = append(out, n)
		}
	}
	return out
}

type needKey struct {
	operation arm.Key
	plane     mivet.Plane
	scope     arm.Key
}

// solve puts the parts of the problem together.
func (in *instance) solve() *Proposal {
	s := &searcher{end: in.MaxWork}
	if s.end == 0 {
		s.end = defaultMaxWork
	}
	p := &Proposal{}
	parts := in.parts()
	end := s.end
	var chosen []int
	for i, part := range parts {
		s.end = s.work + (end-s.work)/int64(len(parts)-i)
		found := s.solve(in.price(part), unlimited)
		p.Cost += found.cost
		p.Bound += found.bound
		chosen = append(chosen, found.chosen...)
	}
	p.Nodes = s.nodes
	p.Proven = p.Bound >= p.Cost
	p.Bound = min(p.Bound, p.Cost)
	slices.SortFunc(chosen, func(a, b int) int {
		x, y := &in.candidates[a], &in.candidates[b]
		return cmp.Or(strings.Compare(string(in.scopes[x.scope].Key()), string(in.scopes[y.scope].Key())), cmp.Compare(x.role, y.role))
	})
	p.Risk = p.Cost
	for _, i := range chosen {
		c := &in.candidates[i]
		g := Grant{in.Roles.defs[c.role], in.scopes[c.scope]}
		p.Grants = append(p.Grants, g)
		if c.foreign {
			p.Foreign = append(p.Foreign, g)
		}
		p.Risk -= c.own
	}
	return p
}
