// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"slices"
	"strings"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// Roles are role definitions compared with every operation that the catalogue knows. It
// is made once and may be used by several goroutines.
//
// A right is an operation on a plane: the number of the operation for control, that plus
// the number of operations for data.
type Roles struct {
	ops       []arm.Operation
	keys      []string
	planes    []mivet.Plane
	providers []string // in lower case
	provider  []int32  // of an operation, in providers
	numbers   map[string]int32
	weights   []int64 // of a right
	common    []bool  // of a provider: it extends the resources of others

	defs     []*mivet.RoleDefinition
	known    map[*mivet.RoleDefinition]int
	gives    []set      // of a role: its rights
	sums     [][]share  // of a role
	givers   []set      // of a right: the roles that give it
	narrower []set      // of a role: the roles that give no more, itself among them
	homes    [][]string // of a role: the providers that it is made for; none for a role of several products
	compiled func() []*authz.CompiledRole
}

// general is what a role is made for that names its rights without a provider: anything.
const general = "*"

// share is the weight of all rights of a role that belong to a provider.
type share struct {
	provider int32
	weight   int64
}

// NewRoles compares role definitions with the operations of the catalogue. A role that
// gives something only under a condition of its own, or that has a pattern which cannot
// be read, is left out: what it gives is not known.
//
// The weight is the risk of one operation on one resource; nil stands for [Weight].
func NewRoles(cat *catalog.Catalog, defs []*mivet.RoleDefinition, weigh func(arm.Operation, mivet.Plane) int) *Roles {
	if weigh == nil {
		weigh = Weight
	}
	r := &Roles{known: map[*mivet.RoleDefinition]int{}}
	r.numbers = map[string]int32{}
	n := cat.NumOperations()
	r.weights = make([]int64, 2*n)
	for i := range n {
		op := cat.Operation(i)
		plane, _ := cat.Plane(i)
		r.ops, r.keys, r.planes = append(r.ops, op), append(r.keys, string(op.Key())), append(r.planes, plane)
		name := strings.ToLower(op.Provider())
		p, ok := r.numbers[name]
		if !ok {
			p = int32(len(r.providers))
			r.numbers[name] = p
			r.providers, r.common = append(r.providers, name), append(r.common, extends[name])
		}
		r.provider = append(r.provider, p)
		r.weights[i], r.weights[n+i] = int64(weigh(op, mivet.PlaneControl)), int64(weigh(op, mivet.PlaneData))
	}
	matched := map[string]set{}
	for _, def := range defs {
		if gives, ok := r.expand(def, matched); ok {
			r.known[def] = len(r.defs)
			r.defs, r.gives = append(r.defs, def), append(r.gives, gives)
		}
	}
	r.compiled = sync.OnceValue(func() []*authz.CompiledRole {
		var out []*authz.CompiledRole
		for _, def := range r.defs {
			out = append(out, authz.CompileRole(def))
		}
		return out
	})
	r.compare()
	return r
}

// compare works out what the roles have in common.
func (r *Roles) compare() {
	n := len(r.ops)
	r.givers = make([]set, 2*n)
	begin := make([]int, len(r.defs)) // the first word of what a role gives
	for role, gives := range r.gives {
		sums := make([]int64, len(r.providers))
		count := make([]int, len(r.providers))
		begin[role] = len(gives)
		gives.each(func(right int) {
			begin[role] = min(begin[role], right/64)
			if r.givers[right] == nil {
				r.givers[right] = newSet(len(r.defs))
			}
			r.givers[right].add(role)
			p := r.provider[right%n]
			sums[p] += r.weights[right]
			count[p]++
		})
		var list []share
		for p, w := range sums {
			if w > 0 {
				list = append(list, share{int32(p), w})
			}
		}
		r.sums = append(r.sums, list)
		r.homes = append(r.homes, r.home(role, count))
	}
	r.narrower = make([]set, len(r.defs))
	for a := range r.defs {
		r.narrower[a] = newSet(len(r.defs))
		for b := range r.defs {
			if r.gives[b][begin[b]:].within(r.gives[a][begin[b]:]) {
				r.narrower[a].add(b)
			}
		}
	}
}

// home is what a role is made for: the product that a built-in role is named after, else
// the provider that has half or more of the operations it gives, those aside that belong to
// every resource.
func (r *Roles) home(role int, count []int) []string {
	def := r.defs[role]
	for _, p := range def.Permissions {
		for _, texts := range [][]string{p.Actions, p.DataActions} {
			if slices.ContainsFunc(texts, func(t string) bool { return strings.HasPrefix(t, general) }) {
				return []string{general}
			}
		}
	}
	if product := productOf(def.Name); product != nil && def.BuiltIn {
		return product
	}
	most, commonMost, sum := -1, -1, 0
	for p, n := range count {
		to := &most
		if r.common[p] {
			to = &commonMost
		} else {
			sum += n
		}
		if n > 0 && (*to < 0 || n > count[*to]) {
			*to = p
		}
	}
	switch {
	case most < 0 && commonMost < 0, most >= 0 && 2*count[most] < sum:
		return nil
	case most < 0:
		most = commonMost
	}
	return []string{r.providers[most]}
}

// Find returns the role with an id; nil if it is not among them.
func (r *Roles) Find(id mivet.RoleID) *mivet.RoleDefinition {
	if i := slices.IndexFunc(r.defs, func(d *mivet.RoleDefinition) bool { return d.ID == id }); i >= 0 {
		return r.defs[i]
	}
	return nil
}

// MadeFor names the provider that a role is made for, such as "microsoft.storage": that of
// the product it is named after, or the one that half or more of what it gives belongs to,
// beside what every resource has. It is "*" for a role that names no provider, and empty
// for one of several products or unknown.
func (r *Roles) MadeFor(def *mivet.RoleDefinition) string {
	if i, ok := r.known[def]; ok && len(r.homes[i]) > 0 {
		return r.homes[i][0]
	}
	return ""
}

// right is the number of a right that the catalogue knows on its plane.
func (r *Roles) right(n *Need) (int, bool) {
	i, known := slices.BinarySearch(r.keys, string(n.Operation.Key()))
	if !known || r.planes[i] != n.Plane {
		return 0, false
	}
	if n.Plane == mivet.PlaneData {
		i += len(r.ops)
	}
	return i, true
}

// covering lists the roles that give an operation.
func (r *Roles) covering(n *Need) set {
	if i, known := r.right(n); known {
		return r.givers[i]
	}
	// The catalogue does not know it, or not its plane: the engine says what patterns give.
	out := newSet(len(r.defs))
	for role, c := range r.compiled() {
		if c.Gives(n.Operation, n.Plane) == authz.Allowed {
			out.add(role)
		}
	}
	return out
}

// expand lists what a role gives.
func (r *Roles) expand(def *mivet.RoleDefinition, matched map[string]set) (set, bool) {
	n := len(r.ops)
	all := newSet(2 * n)
	for i := range def.Permissions {
		p := &def.Permissions[i]
		control, ok1 := r.rules(p.Actions, p.NotActions, mivet.PlaneControl, matched)
		data, ok2 := r.rules(p.DataActions, p.NotDataActions, mivet.PlaneData, matched)
		if !ok1 || !ok2 || p.Condition != "" {
			return nil, false
		}
		control.each(all.add)
		data.each(func(i int) { all.add(n + i) })
	}
	return all, true
}

// rules lists the operations of a plane that patterns grant and others do not take away.
func (r *Roles) rules(grant, subtract []string, plane mivet.Plane, matched map[string]set) (set, bool) {
	out, less := newSet(len(r.ops)), newSet(len(r.ops))
	for _, l := range []struct {
		to    set
		texts []string
	}{{out, grant}, {less, subtract}} {
		for _, text := range l.texts {
			m, ok := r.match(text, matched)
			if !ok {
				return nil, false
			}
			l.to.union(m)
		}
	}
	out.subtract(less)
	out.each(func(i int) {
		if of := r.planes[i]; of != mivet.PlaneUnknown && of != plane {
			out[i/64] &^= 1 << (i % 64) // another plane knows this name, so nothing is given here
		}
	})
	return out, true
}

// match lists the operations of a pattern: those whose key begins like it are tried.
func (r *Roles) match(text string, matched map[string]set) (set, bool) {
	if m, ok := matched[text]; ok {
		return m, true
	}
	p, err := arm.ParsePattern(text)
	if err != nil {
		return nil, false
	}
	m := newSet(len(r.ops))
	prefix := string(p.Prefix())
	for i, _ := slices.BinarySearch(r.keys, prefix); i < len(r.keys) && strings.HasPrefix(r.keys[i], prefix); i++ {
		if p.Matches(r.ops[i]) {
			m.add(i)
		}
	}
	matched[text] = m
	return m, true
}
