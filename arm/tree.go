// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// Node is the handle of a scope in a [Tree]: its number in pre-order, from 0 for the
// root. Everything below a node has the numbers up to [Tree.Last].
type Node int32

// RootNode is the node of "/", which every tree holds.
const RootNode Node = 0

// Tree holds interned scopes, numbered in pre-order, so that "is below" is two integer
// comparisons. It is immutable and safe for concurrent use. [TreeBuilder.Build] makes it.
type Tree struct {
	lasts   []Node
	parents []Node
	ids     []ID
	keys    []Key
	// arena holds the text of all keys in one piece. A scope and the first one below it
	// share theirs.
	arena string
	table []slot // open addressing
	seed  maphash.Seed
}

// Len returns the number of scopes, at least 1.
func (t *Tree) Len() int { return len(t.lasts) }

// Contains reports whether an assignment at outer applies to inner.
func (t *Tree) Contains(outer, inner Node) bool {
	return outer <= inner && inner <= t.lasts[outer]
}

// Last returns the highest number at or below the node.
func (t *Tree) Last(n Node) Node { return t.lasts[n] }

// Parent returns the scope above a node, and the root for the root.
func (t *Tree) Parent(n Node) Node { return t.parents[n] }

// ID returns the name of a node, as it was first added.
func (t *Tree) ID(n Node) ID { return t.ids[n] }

// Key returns the comparable name of a node.
func (t *Tree) Key(n Node) Key { return t.keys[n] }

// stackPath is the length of an ID, in bytes, that is looked up without allocation.
const stackPath = 512

// Find returns the lowest scope of the tree that holds id, and whether that is id
// itself. For the zero ID, and for a subscription that is not in the tree, it is the
// root. It does not allocate for IDs of up to 512 ASCII bytes and 16 parts.
func (t *Tree) Find(id ID) (Node, bool) {
	var s Search
	s.Begin(t, id)
	return s.Find()
}

// Search is a [Tree.Find] in two steps. Begin reads the place of the hash table
// of each part of the ID, which depend on nothing. A caller that has something else to look
// up reads that before it calls Find: then all these reads are done at the same time.
type Search struct {
	t      *Tree
	probes [stackParts]probe
	// more holds the probes of an ID of many parts, and long a name that is longer than
	// the stack or not ASCII.
	more  []probe
	long  []byte
	count int
	exact bool // there is nothing to search for
	stack [stackPath]byte
}

// stackParts is how many scopes an ID of usual depth names.
const stackParts = 16

// Begin starts a search. A Search is used once.
func (s *Search) Begin(t *Tree, id ID) {
	s.t = t
	text := id.text
	if text == "" || text == "/" {
		s.exact = text == "/"
		return
	}
	key, ok := foldInto(&s.stack, text)
	if !ok {
		text = string(Fold(text))
		s.long = []byte(text)
		key = s.long
	}
	for w := (walker{text: text}); !w.done(); s.count++ {
		w.nextBoundary()
		p := probe{hash: maphash.Bytes(t.seed, key[:w.pos]), end: w.pos}
		if s.count < stackParts {
			s.probes[s.count] = p
		} else {
			s.more = append(s.more, p)
		}
	}
	// No work stands between these reads, so that they are done at the same time.
	mask := uint64(len(t.table) - 1)
	for i := range s.probes[:min(s.count, stackParts)] {
		s.probes[i].first = t.table[s.probes[i].hash&mask]
	}
	for i := range s.more {
		s.more[i].first = t.table[s.more[i].hash&mask]
	}
}

// Find ends a search: see [Tree.Find].
func (s *Search) Find() (Node, bool) {
	for i := s.count - 1; i >= 0; i-- {
		if node, ok := s.lookup(i); ok {
			return node, i == s.count-1
		}
	}
	return RootNode, s.exact
}

func (s *Search) lookup(i int) (Node, bool) {
	var p *probe
	if i < stackParts {
		p = &s.probes[i]
	} else {
		p = &s.more[i-stackParts]
	}
	if s.long != nil {
		return s.t.lookup(p, s.long[:p.end])
	}
	return s.t.lookup(p, s.stack[:p.end])
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

// foldInto folds an ASCII text, eight letters at a time. It reports false if the text is
// too long or not ASCII.
func foldInto(buf *[stackPath]byte, text string) ([]byte, bool) {
	if len(text) > stackPath {
		return nil, false
	}
	n := copy(buf[:], text)
	high := uint64(0)
	for i := 0; i < n; i += 8 {
		w := binary.LittleEndian.Uint64(buf[i:])
		high |= w
		binary.LittleEndian.PutUint64(buf[i:], foldWord(w))
	}
	return buf[:n], high&highBits == 0
}

// foldWord lowers the capitals among eight ASCII letters: adding to each byte carries into
// its high bit from "A" on, and from behind "Z" on.
func foldWord(w uint64) uint64 {
	fromA := w + (0x80-'A')*everyByte
	behindZ := w + (0x7f-'Z')*everyByte
	return w | (fromA&^behindZ&highBits)>>2
}

// slot is a place of the hash table. It holds all that a look-up needs before it compares
// the text, so that it waits for one read and not for three, one after the other: the tag
// spares looking at a name that is another, and at is the place of the name in the arena.
type slot struct {
	tag  uint32
	node Node   // plus one; 0 is free
	at   uint64 // offset << lengthBits | length
}

// lengthBits are enough for any ID: folding makes a text longer by half at most.
const lengthBits = 14

func (t *Tree) textOf(s slot) string {
	from := s.at >> lengthBits
	return t.arena[from : from+s.at&(1<<lengthBits-1)]
}

// probe is a look-up that has begun: the slot at which the name stands, if another does
// not have its place, is read already.
type probe struct {
	first slot
	hash  uint64
	end   int // of the name, in the folded ID
}

func (t *Tree) lookup(p *probe, key []byte) (Node, bool) {
	mask := uint64(len(t.table) - 1)
	s := p.first
	for i := p.hash & mask; s.node != 0; s = t.table[i] {
		if s.tag == uint32(p.hash>>32) && t.textOf(s) == string(key) {
			return s.node - 1, true
		}
		i = (i + 1) & mask
	}
	return RootNode, false
}

// TreeBuilder collects scopes for a [Tree]. The zero value is ready for use.
type TreeBuilder struct {
	index   map[Key]int
	ids     []ID
	keys    []Key
	parents []int
}

func (b *TreeBuilder) ensure() {
	if b.index == nil {
		b.index = map[Key]int{}
		b.insert(Root(), "/", -1)
	}
}

func (b *TreeBuilder) insert(id ID, key Key, parent int) int {
	n := len(b.ids)
	b.index[key] = n
	b.ids = append(b.ids, id)
	b.keys = append(b.keys, key)
	b.parents = append(b.parents, parent)
	return n
}

// Add puts a scope and all scopes above it into the tree. Scopes that are there already
// keep the spelling of their first mention. The zero ID is ignored.
func (b *TreeBuilder) Add(id ID) {
	b.ensure()
	if !id.IsZero() {
		b.add(id)
	}
}

// add walks down the spelled and the folded text at once. All scopes of an ID share the
// memory of these two.
func (b *TreeBuilder) add(id ID) int {
	key := id.Key()
	if n, ok := b.index[key]; ok {
		return n
	}
	node := 0
	spelled, folded := walker{text: id.text}, walker{text: string(key)}
	for !folded.done() {
		spelled.nextBoundary()
		folded.nextBoundary()
		part := key[:folded.pos]
		n, ok := b.index[part]
		if !ok {
			n = b.insert(ID{text: id.text[:spelled.pos]}, part, node)
		}
		node = n
	}
	return node
}

// Link puts a management group or a subscription below a management group. Both are
// added. A later link of the same child replaces the earlier one. It is an error to link
// anything else, and to close a circle; the child then stays where it was.
func (b *TreeBuilder) Link(child, group ID) error {
	b.ensure()
	if child.IsZero() || group.IsZero() {
		return fmt.Errorf("putting %q below %q: one of them is not known", child.text, group.text)
	}
	if l := child.Level(); l != LevelManagementGroup && l != LevelSubscription {
		return fmt.Errorf("putting %q below a management group: it is a %s", child.text, l)
	}
	if l := group.Level(); l != LevelManagementGroup {
		return fmt.Errorf("putting %q below %q: the latter is a %s", child.text, group.text, l)
	}
	c, g := b.add(child), b.add(group)
	for n := g; n >= 0; n = b.parents[n] {
		if n == c {
			return fmt.Errorf("putting %q below %q: the management groups form a circle", child.text, group.text)
		}
	}
	b.parents[c] = g
	return nil
}

// Build numbers the scopes. Siblings are in the order of their keys, so the same scopes
// give the same numbers in whatever order they were added.
func (b *TreeBuilder) Build() *Tree {
	b.ensure()
	n := len(b.ids)
	t := &Tree{
		lasts: make([]Node, n), parents: make([]Node, n),
		ids: make([]ID, n), keys: make([]Key, n), seed: maphash.MakeSeed(),
	}
	sorted, first := b.children()
	b.number(t, sorted, first)
	size := 1
	for size < 2*n {
		size *= 2
	}
	t.table = make([]slot, size)
	for i, from := range t.gather() {
		hash := maphash.String(t.seed, string(t.keys[i]))
		at := hash & uint64(size-1)
		for t.table[at].node != 0 {
			at = (at + 1) & uint64(size-1)
		}
		t.table[at] = slot{tag: uint32(hash >> 32), node: Node(i) + 1, at: uint64(from)<<lengthBits | uint64(len(t.keys[i]))}
	}
	return t
}

// gather moves the text of all keys into the arena, and returns where each begins. A key
// that starts the next one needs no place of its own.
func (t *Tree) gather() []int {
	from := make([]int, len(t.keys))
	var arena strings.Builder
	for i := len(t.keys) - 1; i >= 0; i-- {
		if i+1 < len(from) && strings.HasPrefix(string(t.keys[i+1]), string(t.keys[i])) {
			from[i] = from[i+1]
			continue
		}
		from[i] = arena.Len()
		arena.WriteString(string(t.keys[i]))
	}
	t.arena = arena.String()
	for i := range t.keys {
		t.keys[i] = Key(t.arena[from[i] : from[i]+len(t.keys[i])])
	}
	return from
}

// children returns the nodes sorted by parent and key, and where each parent's begin.
func (b *TreeBuilder) children() (sorted, first []int) {
	n := len(b.ids)
	sorted = make([]int, 0, n)
	for i := 1; i < n; i++ {
		sorted = append(sorted, i)
	}
	slices.SortFunc(sorted, func(x, y int) int {
		return cmp.Or(cmp.Compare(b.parents[x], b.parents[y]), strings.Compare(string(b.keys[x]), string(b.keys[y])))
	})
	first = make([]int, n+1)
	for _, i := range sorted {
		first[b.parents[i]+1]++
	}
	for i := 1; i <= n; i++ {
		first[i] += first[i-1]
	}
	return sorted, first
}

// number walks the scopes depth first, without recursion, since a hostile input may
// nest deeply.
func (b *TreeBuilder) number(t *Tree, sorted, first []int) {
	type frame struct{ old, next int }
	number := make([]Node, len(b.ids))
	count := Node(0)
	open := func(old int) frame {
		number[old] = count
		t.ids[count] = b.ids[old]
		t.keys[count] = b.keys[old]
		if p := b.parents[old]; p >= 0 {
			t.parents[count] = number[p]
		}
		count++
		return frame{old, first[old]}
	}
	stack := []frame{open(0)}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next < first[top.old+1] {
			top.next++
			stack = append(stack, open(sorted[top.next-1]))
			continue
		}
		t.lasts[number[top.old]] = count - 1
		stack = stack[:len(stack)-1]
	}
}
