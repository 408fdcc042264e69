// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Level says how sure an edge must be to be followed.
type Level uint8

// The levels.
const (
	Possible Level = iota // what may be: eligible, undecided, unread, or at the next consumption
	Certain               // what surely is
)

// String returns the level's word.
func (l Level) String() string {
	if l == Certain {
		return "certain"
	}
	return "possible"
}

// MarshalText returns the level's word.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// hop is how a search came from one principal to the next: by a plain edge, or by an entry
// at an object.
type hop struct {
	from, to int32
	plain    int32 // -1: an entry
	entry    int32
	object   int32
}

// satisfied are the variants of an entry that are open at an object, at a level.
func (g *Graph) satisfied(e *entry, o *object, level Level) uint64 {
	certain, possible := e.certain, e.possible
	if !e.exact {
		certain, possible = g.exactly(e, o)
	}
	if e.typ == typeAny || e.by == byAttach {
		if level == Certain {
			return certain
		}
		return possible
	}
	t := &g.plan.types[e.typ]
	if level == Certain {
		return certain & o.gates.open & (t.acts | t.secret)
	}
	return possible & o.gates.notShut & (t.acts | t.secret | t.supply)
}

// exactly asks the engine about an object for which the entry's answer need not hold.
func (g *Graph) exactly(e *entry, o *object) (certain, possible uint64) {
	var v verdict
	switch {
	case e.by == byElevation:
		v = yes // who takes any role is denied nothing for long
	case e.by == byCondition, e.by == byTable, e.by == byDefinition:
		v = maybe
	case e.by == byGrant:
		v = g.ask(e.holder, g.plan.grant, o.id)
	case e.by == byAttach:
		v = g.ask(e.holder, g.plan.assign, o.id)
	default:
		c, p := g.variantsAt(e.holder, o)
		return c & e.possible & e.free, p & e.possible
	}
	if v == no {
		return 0, 0
	}
	certain, possible = e.certain, e.possible
	if v == maybe {
		certain = 0
	}
	return certain, possible
}

// leads calls visit for each principal that somebody acts as who has these variants at an
// object.
func (g *Graph) leads(e *entry, o *object, variants uint64, visit func(int32)) {
	if variants == 0 {
		return
	}
	all := e.typ == typeAny
	var t *hostType
	if !all {
		t = &g.plan.types[e.typ]
	}
	if all || e.by == byAttach || variants&t.runs != 0 {
		for _, p := range o.runs {
			visit(p)
		}
	}
	if all {
		for _, p := range o.own {
			visit(p)
		}
	}
	if all || e.by != byAttach && variants&t.content != 0 {
		for _, p := range o.content {
			visit(p)
		}
	}
	if all || e.by != byAttach && variants&t.creds != 0 {
		for _, p := range o.creds {
			visit(p)
		}
	}
}

// swapped calls visit for the identities of the site above a slot, if the holder can bring
// the slot's code into production there.
func (g *Graph) swapped(e *entry, o *object, level Level, visit func(int32)) {
	if o.typ != e.typ || !o.id.HasType(slotType) {
		return
	}
	site, ok := g.byKey[o.id.Parent().Key()]
	if !ok || g.swap(e.holder, o) < verdictOf(level) {
		return
	}
	for _, p := range g.objects[site].own {
		visit(p)
	}
}

// swap is the best right to swap a slot: it is checked on the slot and on the site.
func (g *Graph) swap(who int32, slot *object) verdict {
	best := no
	for i := range g.plan.swaps {
		for _, n := range g.plan.swaps[i].needs {
			best = max(best, min(g.ask(who, n.op, slot.id), g.ask(who, n.op, slot.id.Parent())))
		}
	}
	return best
}

func verdictOf(l Level) verdict {
	if l == Certain {
		return yes
	}
	return maybe
}

// open reports whether a plain edge is followed at a level.
func (g *Graph) open(e *plainEdge, level Level) bool {
	return level == Possible || e.certain || g.o.ClosedWorld && e.closed
}

// forward visits everything that a principal can come to act as, nearest first. The hops
// lead there; follow returning false keeps the search from going on from a principal.
func (g *Graph) forward(start int32, level Level, follow func(h hop) bool) {
	s := &forwardSearch{g: g, level: level, seen: map[int32]bool{start: true}, queue: []int32{start}, follow: follow}
	s.next = make([]skip, len(g.byType))
	for len(s.queue) > 0 {
		p := s.queue[0]
		s.queue = s.queue[1:]
		s.expand(p)
	}
}

// forwardSearch is the state of a search.
type forwardSearch struct {
	g      *Graph
	level  Level
	seen   map[int32]bool
	queue  []int32
	next   []skip
	follow func(h hop) bool
}

// skip leads over the objects of a type that were left already.
type skip []int32

// at returns the first place from i on that was not left.
func (s skip) at(i int) int {
	for int(s[i]) != i {
		s[i] = s[s[i]]
		i = int(s[i])
	}
	return i
}

func (s *forwardSearch) reach(h hop) {
	if s.seen[h.to] {
		return
	}
	s.seen[h.to] = true
	if s.follow(h) {
		s.queue = append(s.queue, h.to)
	}
}

func (s *forwardSearch) expand(p int32) {
	g := s.g
	if int(p) < len(g.plainOut) {
		for _, i := range g.plainOut[p] {
			if e := &g.plain[i]; g.open(e, s.level) {
				s.reach(hop{p, e.to, i, -1, -1})
			}
		}
	}
	if int(p) >= len(g.byHolder) {
		return
	}
	for _, i := range g.byHolder[p] {
		if g.entries[i].typ != typeAny {
			s.entry(p, i)
		}
	}
	for _, i := range g.byHolder[p] { // what takes another right first comes last
		if g.entries[i].typ == typeAny {
			s.entry(p, i)
		}
	}
}

// entry follows an entry to the objects below its scope. An object that was left whole is
// not looked at again.
func (s *forwardSearch) entry(p, i int32) {
	g := s.g
	e := &g.entries[i]
	list := g.byType[e.typ]
	part := g.below(e.typ, e.node)
	if len(part) == 0 {
		return
	}
	from := int(g.objectIndex(e.typ, part[0]))
	if s.next[e.typ] == nil {
		s.next[e.typ] = make(skip, len(list)+1)
		for k := range s.next[e.typ] {
			s.next[e.typ][k] = int32(k)
		}
	}
	for k := s.next[e.typ].at(from); k < from+len(part); k = s.next[e.typ].at(k + 1) {
		o := &g.objects[list[k]]
		m := g.satisfied(e, o, s.level)
		if m == 0 {
			continue
		}
		visit := func(to int32) { s.reach(hop{p, to, -1, i, list[k]}) }
		g.leads(e, o, m, visit)
		g.swapped(e, o, s.level, visit)
		if s.whole(o) {
			s.next[e.typ][k] = int32(k + 1)
		}
	}
}

// whole reports whether every principal of an object was reached.
func (s *forwardSearch) whole(o *object) bool {
	if o.id.HasType(slotType) {
		return false
	}
	for _, l := range [][]int32{o.own, o.runs, o.content, o.creds} {
		for _, p := range l {
			if !s.seen[p] {
				return false
			}
		}
	}
	return true
}

// objectIndex is the place of an object among those of a type.
func (g *Graph) objectIndex(t int16, n int32) int32 {
	list := g.byType[t]
	lo, hi := 0, len(list)
	node := g.objects[n].node
	for lo < hi {
		if mid := (lo + hi) / 2; g.objects[list[mid]].node < node {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return int32(lo)
}

// backward visits everybody who can come to act as one of the targets, nearest first.
func (g *Graph) backward(targets []int32, level Level, follow func(h hop) bool) {
	g.backwards(targets, level).run(follow)
}

// backwards prepares a search. Its accept may refuse hops; the holder can still be reached
// by others then.
func (g *Graph) backwards(targets []int32, level Level) *backwardSearch {
	s := &backwardSearch{g: g, level: level, seen: map[int32]bool{}, left: map[nodeType][]int32{}, accept: func(hop) bool { return true }}
	for _, t := range targets {
		if !s.seen[t] {
			s.seen[t] = true
			s.queue = append(s.queue, t)
		}
	}
	return s
}

type backwardSearch struct {
	g      *Graph
	level  Level
	seen   map[int32]bool
	left   map[nodeType][]int32 // entries whose holder was not reached yet
	queue  []int32
	accept func(h hop) bool
	follow func(h hop) bool
}

func (s *backwardSearch) run(follow func(h hop) bool) {
	s.follow = follow
	for len(s.queue) > 0 {
		p := s.queue[0]
		s.queue = s.queue[1:]
		s.expand(p)
	}
}

// reach reports whether the holder is reached, by this hop or before.
func (s *backwardSearch) reach(h hop) bool {
	if s.seen[h.from] {
		return true
	}
	if !s.accept(h) {
		return false
	}
	s.seen[h.from] = true
	if s.follow(h) {
		s.queue = append(s.queue, h.from)
	}
	return true
}

func (s *backwardSearch) expand(p int32) {
	g := s.g
	if int(p) < len(g.plainIn) {
		for _, i := range g.plainIn[p] {
			if e := &g.plain[i]; g.open(e, s.level) {
				s.reach(hop{e.from, p, i, -1, -1})
			}
		}
	}
	if int(p) >= len(g.carriers) {
		return
	}
	for _, n := range g.carriers[p] {
		s.object(p, n)
		if o := &g.objects[n]; o.id.HasType("Microsoft.Web/sites") {
			for _, k := range g.below(g.plan.slots(), o.node) {
				s.object(p, k)
			}
		}
	}
}

// object follows the entries at and above an object.
func (s *backwardSearch) object(p, n int32) {
	g := s.g
	o := &g.objects[n]
	for node := o.node; ; node = g.tree.Parent(node) {
		for _, t := range [...]int16{o.typ, typeAny} {
			if t != typeOther {
				s.entriesAt(p, n, nodeType{node, t})
			}
		}
		if node == arm.RootNode {
			return
		}
	}
}

func (s *backwardSearch) entriesAt(p, n int32, k nodeType) {
	g := s.g
	list, ok := s.left[k]
	if !ok {
		list = append([]int32(nil), g.byNode[k]...)
	}
	o := &g.objects[n]
	kept := list[:0]
	for _, i := range list {
		e := &g.entries[i]
		if s.seen[e.holder] {
			continue
		}
		found := false
		visit := func(to int32) {
			if to == p && !found {
				found = s.reach(hop{e.holder, p, -1, i, n})
			}
		}
		m := g.satisfied(e, o, s.level)
		g.leads(e, o, m, visit)
		if m != 0 && !found {
			g.swapped(e, o, s.level, visit)
		}
		if !found {
			kept = append(kept, i)
		}
	}
	s.left[k] = kept
}

// slots is the type of the slots of a site.
func (p *plan) slots() int16 {
	if n, ok := p.byName[arm.Fold(slotType)]; ok {
		return n
	}
	return typeAny
}

// Reachable returns every principal that one can come to act as, nearest first, groups
// among them.
func (g *Graph) Reachable(from mivet.PrincipalID, level Level) []mivet.PrincipalID {
	n, ok := g.numbers[from]
	if !ok {
		return nil
	}
	var out []mivet.PrincipalID
	g.forward(n, level, func(h hop) bool {
		out = append(out, g.principals[h.to])
		return true
	})
	return out
}

// Reaching returns everybody who can come to act as one of the targets, nearest first.
func (g *Graph) Reaching(targets []mivet.PrincipalID, level Level) []mivet.PrincipalID {
	var out []mivet.PrincipalID
	g.backward(g.known(targets), level, func(h hop) bool {
		out = append(out, g.principals[h.from])
		return true
	})
	return out
}

func (g *Graph) known(ids []mivet.PrincipalID) []int32 {
	var out []int32
	for _, id := range ids {
		if n, ok := g.numbers[id]; ok {
			out = append(out, n)
		}
	}
	return out
}
