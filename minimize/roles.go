// SPDX-License-Identifier: Apache-2.0

package minimize

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// set is a set of small numbers.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) within(t set) bool {
	for i, w := range s {
		if w&^t[i] != 0 {
			return false
		}
	}
	return true
}

func (s set) union(t set) {
	for i, w := range t {
		s[i] |= w
	}
}

func (s set) subtract(t set) {
	for i, w := range t {
		s[i] &^= w
	}
}

func (s set) empty() bool {
	return !slices.ContainsFunc(s, func(w uint64) bool { return w != 0 })
}

// each calls f with the numbers of the set in rising order.
func (s set) each(f func(int)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			f(i*64 + bits.TrailingZeros64(w))
		}
	}
}

// Roles are role definitions compared with every operation that the catalogue knows. It
// is made once and may be used by several goroutines.
type Roles struct {
	ops    []arm.Operation
	keys   []string
	planes []mivet.Plane
	defs   []*mivet.RoleDefinition
	gives  []set // of a role: the number of an operation for control, that plus len(ops) for data
	known  map[*mivet.RoleDefinition]int
}

// NewRoles compares role definitions with the operations of the catalogue. A role that
// gives something only under a condition of its own, or that has a pattern which cannot
// be read, is left out: what it gives is not known.
func NewRoles(cat *catalog.Catalog, defs []*mivet.RoleDefinition) *Roles {
	r := &Roles{known: map[*mivet.RoleDefinition]int{}}
	for i := range cat.NumOperations() {
		op := cat.Operation(i)
		plane, _ := cat.Plane(i)
		r.ops, r.keys, r.planes = append(r.ops, op), append(r.keys, string(op.Key())), append(r.planes, plane)
	}
	matched := map[string]set{}
	for _, def := range defs {
		if gives, ok := r.expand(def, matched); ok {
			r.known[def] = len(r.defs)
			r.defs, r.gives = append(r.defs, def), append(r.gives, gives)
		}
	}
	return r
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
