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
	// Contains says whether a scope holds another; nil: as the names tell.
	Contains func(scope, below arm.ID) bool
	// Count says how many resources of a provider, such as "microsoft.storage", lie at a
	// scope and below it; nil: one.
	Count func(scope arm.ID, provider string) int
	// Weight is the risk of one operation on one resource; nil: [Weight].
	Weight func(op arm.Operation, plane mivet.Plane) int
	// PerGrant is what each grant costs in itself; 0: 3.
	PerGrant int
	// MaxGrants bounds how many grants a proposal has; 0: no bound.
	MaxGrants int
	// MaxNodes bounds the search; 0: 5,000 steps, which take about a second.
	MaxNodes int
}

// The weights of operations, and what a grant costs: reading is the unit, and what a
// service holds weighs twice as much as how it is configured.
const (
	weightRead   = 1
	weightChange = 4
	dataFactor   = 2

	defaultPerGrant = 3
	defaultMaxNodes = 5_000
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
	// Risk is the weight of all that the grants give together; Cost adds what they cost in
	// themselves.
	Risk, Cost int64
	// Proven is true where no cheaper proposal exists. Bound is what any costs at least.
	Proven bool
	Bound  int64
	// Nodes is how many steps the search took.
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

// candidate is a grant that may be proposed.
type candidate struct {
	role  int
	scope int // in scopes
	needs set
	cells set
}

// instance is a problem made ready for the search.
type instance struct {
	*Problem
	needs      []Need
	scopes     []arm.ID
	holds      [][]bool // holds[a][b]: scope a holds scope b
	candidates []candidate
	weights    []int64 // of cells
}

// Solve finds the cheapest grants. It fails with an [UnmetError] where a need cannot be
// covered.
func (p *Problem) Solve() (*Proposal, error) {
	in := p.prepare()
	if err := in.unmet(); err != nil {
		return nil, err
	}
	return in.search(), nil
}

// Front lists the cheapest proposal for each number of grants that makes one cheaper than
// with fewer, the one with the fewest grants first.
func (p *Problem) Front() ([]*Proposal, error) {
	in := p.prepare()
	if err := in.unmet(); err != nil {
		return nil, err
	}
	best := in.search()
	out := []*Proposal{best}
	for len(out[0].Grants) > 1 {
		q := *p
		q.MaxGrants = len(out[0].Grants) - 1
		in.Problem = &q
		found := in.search()
		if found == nil {
			break
		}
		out = slices.Insert(out, 0, found)
	}
	return out, nil
}

// Risk is the weight of all that grants give together, in the same terms as that of a
// proposal for the problem. Grants of roles that are not among the problem's add nothing.
func (p *Problem) Risk(grants []Grant) int64 {
	in := &instance{Problem: p, needs: p.Needs}
	in.places()
	for _, g := range grants {
		if r, ok := p.Roles.known[g.Role]; ok {
			s := slices.IndexFunc(in.scopes, g.Scope.Equal)
			if s < 0 {
				continue
			}
			in.candidates = append(in.candidates, candidate{role: r, scope: s, needs: newSet(len(in.needs))})
		}
	}
	in.price()
	var sum int64
	for _, w := range in.weights {
		sum += w
	}
	return sum
}

func (p *Problem) prepare() *instance {
	in := &instance{Problem: p}
	seen := map[string]bool{}
	for _, n := range p.Needs {
		if key := fmt.Sprint(n.Operation.Key(), n.Plane, n.Scope.Key()); !seen[key] {
			seen[key] = true
			in.needs = append(in.needs, n)
		}
	}
	in.places()
	in.choose()
	in.price()
	in.prune()
	return in
}

func (in *instance) contains(a, b arm.ID) bool {
	if in.Contains != nil {
		return in.Contains(a, b)
	}
	return a.Contains(b)
}

// places lists the scopes at which a role may be given. A grant at any other one costs at
// least as much as one at the narrowest scope that holds the needs it is for.
func (in *instance) places() {
	seen := map[arm.Key]bool{}
	add := func(id arm.ID) {
		if key := id.Key(); !id.IsZero() && !seen[key] {
			seen[key] = true
			in.scopes = append(in.scopes, id)
		}
	}
	for _, n := range in.needs {
		add(n.Scope)
	}
	for _, id := range in.Scopes {
		add(id)
	}
	for i := 0; i < len(in.scopes); i++ { // the list grows by what joins two of it
		for j := range i {
			add(join(in.scopes[i], in.scopes[j]))
		}
	}
	for _, g := range in.Today {
		add(g.Scope)
	}
	in.holds = make([][]bool, len(in.scopes))
	for a := range in.scopes {
		in.holds[a] = make([]bool, len(in.scopes))
		for b := range in.scopes {
			in.holds[a][b] = a == b || in.contains(in.scopes[a], in.scopes[b])
		}
	}
}

// join is the narrowest scope that holds both by their names; zero if there is none below
// the root.
func join(a, b arm.ID) arm.ID {
	for id := a; !id.IsZero() && id.Level() != arm.LevelRoot; id = id.Parent() {
		if id.Contains(b) {
			return id
		}
	}
	return arm.ID{}
}

// choose lists the grants that cover a need and give nothing that is not given today. Of
// two roles at one scope that cover the same, one that gives more is left out.
func (in *instance) choose() {
	covers := in.coverage()
	at := make([]int, len(in.needs))
	for n := range in.needs {
		at[n] = slices.IndexFunc(in.scopes, in.needs[n].Scope.Equal)
	}
	for s := range in.scopes {
		today := in.today(s)
		first := len(in.candidates)
		for r, by := range covers {
			c := candidate{role: r, scope: s, needs: newSet(len(in.needs))}
			for _, n := range by {
				if in.holds[s][at[n]] {
					c.needs.add(n)
				}
			}
			if !c.needs.empty() && (today == nil || in.Roles.gives[r].within(today)) {
				in.candidates = append(in.candidates, c)
			}
		}
		in.dropWider(first)
	}
}

// coverage lists for each role the needs that it covers where it is given; roles that
// cover none are left out.
func (in *instance) coverage() map[int][]int {
	out := map[int][]int{}
	for r := range in.Roles.defs {
		var compiled *authz.CompiledRole
		for n := range in.needs {
			need := &in.needs[n]
			i, known := slices.BinarySearch(in.Roles.keys, string(need.Operation.Key()))
			switch {
			case known && in.Roles.planes[i] == need.Plane && need.Plane == mivet.PlaneData:
				known = in.Roles.gives[r].has(len(in.Roles.ops) + i)
			case known && in.Roles.planes[i] == need.Plane:
				known = in.Roles.gives[r].has(i)
			default:
				if compiled == nil {
					compiled = authz.CompileRole(in.Roles.defs[r])
				}
				known = compiled.Gives(need.Operation, need.Plane) == authz.Allowed
			}
			if known {
				out[r] = append(out[r], n)
			}
		}
	}
	return out
}

// today is what is given at a scope now; nil where that is no bound.
func (in *instance) today(scope int) set {
	if in.Today == nil {
		return nil
	}
	out := newSet(2 * len(in.Roles.ops))
	for _, g := range in.Today {
		if r, ok := in.Roles.known[g.Role]; ok && in.contains(g.Scope, in.scopes[scope]) {
			out.union(in.Roles.gives[r])
		}
	}
	return out
}

// dropWider drops, of the candidates at one scope, each for which another covers as much
// and gives no more.
func (in *instance) dropWider(first int) {
	list := in.candidates[first:]
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(a.role, b.role) })
	var out []candidate
	for i := range list {
		if !slices.ContainsFunc(list, func(d candidate) bool { return d.role != list[i].role && in.instead(&list[i], &d) }) {
			out = append(out, list[i])
		}
	}
	in.candidates = append(in.candidates[:first], out...)
}

// instead reports whether d can stand for c at the same scope at no higher cost.
func (in *instance) instead(c, d *candidate) bool {
	a, b := in.Roles.gives[c.role], in.Roles.gives[d.role]
	if !c.needs.within(d.needs) || !b.within(a) {
		return false
	}
	return !a.within(b) || !d.needs.within(c.needs) || d.role < c.role
}

// unmet says which needs no candidate covers.
func (in *instance) unmet() error {
	var out []Need
	for n := range in.needs {
		if !slices.ContainsFunc(in.candidates, func(c candidate) bool { return c.needs.has(n) }) {
			out = append(out, in.needs[n])
		}
	}
	if out != nil {
		return &UnmetError{out}
	}
	return nil
}
