// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"container/heap"
	"slices"

	"github.com/mivet/mivet/arm"
)

// candidate is a grant that may be proposed.
type candidate struct {
	role, scope int
	needs       []int32 // rising
	risk        int64   // the weight of all that it gives
	own         int64   // what it costs besides
	foreign     bool    // its role is made for another product
}

// instance is a problem made ready for the search.
type instance struct {
	*Problem
	*places

	needs      []Need
	at         []int // of a need: its scope
	candidates []candidate
	coverers   []set // of a need: the roles that cover it
}

func (p *Problem) prepare() *instance {
	in := &instance{Problem: p, needs: p.unique()}
	in.places = newPlaces(p, in.needs)
	known := map[needKey]set{}
	for i := range in.needs {
		n := &in.needs[i]
		in.at = append(in.at, in.numbers[n.Scope.Key()])
		key := needKey{n.Operation.Key(), n.Plane, ""}
		roles, ok := known[key]
		if !ok {
			roles = p.Roles.covering(n)
			known[key] = roles
		}
		in.coverers = append(in.coverers, roles)
	}
	in.choose()
	in.charge()
	return in
}

// charge sets what candidates cost in themselves.
func (in *instance) charge() {
	perGrant, perForeign := int64(in.PerGrant), int64(in.PerForeign)
	if perGrant == 0 {
		perGrant = defaultPerGrant
	}
	if perForeign == 0 {
		perForeign = defaultPerForeign
	}
	for i := range in.candidates {
		c := &in.candidates[i]
		if c.own = perGrant; c.foreign {
			c.own += max(0, perForeign)
		}
	}
}

// choose lists the grants that cover a need and give nothing that is not given today. Of
// two roles at one scope that cover the same, one that gives more is left out.
func (in *instance) choose() {
	below := make([][]int32, len(in.scopes)) // needs at a scope and below it
	for n := range in.needs {
		for s := in.at[n]; s >= 0; s = in.parent[s] {
			below[s] = append(below[s], int32(n))
		}
	}
	bounds := in.bounds()
	covers := make([][]int32, len(in.Roles.defs)) // of a role: the needs below the scope that it covers
	for s := range in.scopes {
		there := newSet(len(in.Roles.defs))
		for _, n := range below[s] {
			in.coverers[n].each(func(role int) {
				if bounds[s].allows(in.Roles, role) {
					there.add(role)
					covers[role] = append(covers[role], n)
				}
			})
		}
		there.each(func(role int) {
			c := candidate{role: role, scope: s, needs: covers[role], foreign: in.isForeign(role, covers[role])}
			if in.isWidest(&c, there, covers) {
				for _, x := range in.Roles.sums[role] {
					c.risk += x.weight * in.reach[s][x.provider]
				}
				in.candidates = append(in.candidates, c)
			}
		})
		there.each(func(role int) { covers[role] = nil })
	}
}

// isForeign reports whether a role is made for another product than those of the needs.
func (in *instance) isForeign(role int, needs []int32) bool {
	homes := in.Roles.homes[role]
	if slices.Contains(homes, general) {
		return false
	}
	return !slices.ContainsFunc(needs, func(n int32) bool {
		return slices.Contains(homes, string(arm.Fold(in.needs[n].Operation.Provider())))
	})
}

// isWidest reports whether no other role at the scope covers as much and gives no more.
func (in *instance) isWidest(c *candidate, there set, covers [][]int32) bool {
	for i, w := range in.Roles.narrower[c.role] {
		found := false
		set{w & there[i]}.each(func(bit int) {
			d := i*64 + bit
			if d == c.role || found || !isWithin(c.needs, covers[d]) || in.isForeign(d, covers[d]) && !c.foreign {
				return
			}
			same := in.Roles.narrower[d].has(c.role) && len(covers[d]) == len(c.needs) && in.isForeign(d, covers[d]) == c.foreign
			found = !same || d < c.role
		})
		if found {
			return false
		}
	}
	return true
}

// isWithin reports whether a rising list holds all of another.
func isWithin(part, all []int32) bool {
	if len(part) > len(all) {
		return false
	}
	i := 0
	for _, x := range part {
		for i < len(all) && all[i] < x {
			i++
		}
		if i == len(all) || all[i] != x {
			return false
		}
	}
	return true
}

// bound is what is given at a scope today; nil where that is no bound.
type bound struct {
	given set
	known map[int]bool
}

func (b *bound) allows(roles *Roles, role int) bool {
	if b == nil {
		return true
	}
	ok, known := b.known[role]
	if !known {
		ok = roles.gives[role].within(b.given)
		b.known[role] = ok
	}
	return ok
}

// bounds are what is given at each scope today. Scopes with the same grants share one.
func (in *instance) bounds() []*bound {
	out := make([]*bound, len(in.scopes))
	if in.Today == nil {
		return out
	}
	at := make([][]int, len(in.scopes))
	for _, g := range in.Today {
		if r, ok := in.Roles.known[g.Role]; ok {
			s := in.numbers[g.Scope.Key()]
			at[s] = append(at[s], r)
		}
	}
	none := &bound{newSet(2 * len(in.Roles.ops)), map[int]bool{}}
	for s := range in.scopes {
		out[s] = none
		if up := in.parent[s]; up >= 0 {
			out[s] = out[up]
		}
		if len(at[s]) > 0 {
			b := &bound{slices.Clone(out[s].given), map[int]bool{}}
			for _, r := range at[s] {
				b.given.union(in.Roles.gives[r])
			}
			out[s] = b
		}
	}
	return out
}

// unmet says which needs no candidate covers.
func (in *instance) unmet() error {
	met := make([]bool, len(in.needs))
	for i := range in.candidates {
		for _, n := range in.candidates[i].needs {
			met[n] = true
		}
	}
	var out []Need
	for n, ok := range met {
		if !ok {
			out = append(out, in.needs[n])
		}
	}
	if out != nil {
		return &UnmetError{out}
	}
	return nil
}

// parts divides the candidates into parts that have nothing to do with each other. Those
// that cost too much to be in a cheapest proposal are left out.
func (in *instance) parts() [][]int {
	all := make([]int, len(in.candidates))
	for i := range all {
		all[i] = i
	}
	var out [][]int
	todo := [][]int{all}
	for len(todo) > 0 {
		part := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		kept := in.affordable(part)
		split := in.split(kept)
		if len(split) == 1 && len(kept) == len(part) {
			out = append(out, kept)
			continue
		}
		todo = append(todo, split...)
	}
	slices.SortFunc(out, func(a, b []int) int { return a[0] - b[0] })
	return out
}

// split divides candidates by the widest scopes at which there are some.
func (in *instance) split(list []int) [][]int {
	var out [][]int
	last := -1
	for _, i := range list { // candidates are in the order of their scopes
		if s := in.candidates[i].scope; s > last {
			last = in.last[s]
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], i)
	}
	return out
}

// affordable leaves out candidates with which a proposal costs more than one that is at
// hand: what others cover still costs at least the least risk at each of their scopes.
func (in *instance) affordable(list []int) []int {
	most := in.greedy(list)
	atLeast := map[int]int64{}   // of a need
	least := make(map[int]int64) // of a scope
	for _, i := range list {
		c := &in.candidates[i]
		for _, n := range c.needs {
			var w int64
			for _, x := range in.Roles.sums[c.role] {
				w += x.weight * in.size[in.at[n]][x.provider]
			}
			if old, ok := atLeast[int(n)]; !ok || w < old {
				atLeast[int(n)] = w
			}
		}
	}
	for n, w := range atLeast {
		least[in.at[n]] = max(least[in.at[n]], w)
	}
	var all int64
	for _, w := range least {
		all += w
	}
	var kept []int
	for _, i := range list {
		c := &in.candidates[i]
		rest := all
		for s, w := range least {
			if in.holds(c.scope, s) {
				rest -= w
			}
		}
		if c.own+c.risk+rest <= most {
			kept = append(kept, i)
		}
	}
	return kept
}

// offer is a candidate at what it costs for each need that it would cover newly.
type offer struct {
	candidate, needs int
	cost             int64
}

type offers []offer

func (o offers) Len() int { return len(o) }
func (o offers) Less(i, j int) bool {
	a, b := o[i].cost*int64(o[j].needs), o[j].cost*int64(o[i].needs)
	return a < b || a == b && o[i].candidate < o[j].candidate
}
func (o offers) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *offers) Push(x any)   { *o = append(*o, x.(offer)) } //nolint:forcetypeassert,errcheck // heap.Push is called with nothing else

// Pop takes the last one.
func (o *offers) Pop() any {
	x := (*o)[len(*o)-1]
	*o = (*o)[:len(*o)-1]
	return x
}

// greedy is what a simple choice costs, each grant in full: each time the candidate that
// costs least for each need.
func (in *instance) greedy(list []int) int64 {
	left := map[int32]bool{}
	h := make(offers, 0, len(list))
	for _, i := range list {
		c := &in.candidates[i]
		for _, n := range c.needs {
			left[n] = true
		}
		h = append(h, offer{i, len(c.needs), c.own + c.risk})
	}
	heap.Init(&h)
	var sum int64
	for len(left) > 0 {
		o := &h[0]
		n := 0
		for _, need := range in.candidates[o.candidate].needs {
			if left[need] {
				n++
			}
		}
		switch {
		case n == 0:
			heap.Pop(&h)
		case n < o.needs:
			o.needs = n
			heap.Fix(&h, 0)
		default:
			for _, need := range in.candidates[o.candidate].needs {
				delete(left, need)
			}
			sum += o.cost
			heap.Pop(&h)
		}
	}
	return sum
}
