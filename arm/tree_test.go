// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// slowTree is what a tree means: every scope with the one above it, by key.
type slowTree map[Key]Key

// add puts an ID and what is above it by name into the tree.
func (s slowTree) add(id ID) {
	for !id.IsZero() {
		if _, ok := s[id.Key()]; !ok {
			s[id.Key()] = id.Parent().Key()
		}
		id = id.Parent()
	}
}

// link puts child below group, unless that closes a circle.
func (s slowTree) link(child, group ID) bool {
	s.add(child)
	s.add(group)
	if s.holds(child.Key(), group.Key()) {
		return false
	}
	s[child.Key()] = group.Key()
	return true
}

func (s slowTree) holds(outer, inner Key) bool {
	for k := inner; k != ""; k = s[k] {
		if k == outer {
			return true
		}
	}
	return false
}

// find returns the lowest scope of the tree that holds id.
func (s slowTree) find(id ID) Key {
	for !id.IsZero() {
		if _, ok := s[id.Key()]; ok {
			return id.Key()
		}
		id = id.Parent()
	}
	return "/"
}

// testTree checks all that a tree promises against the reference.
func testTree(t interface{ Fatalf(string, ...any) }, tree *Tree, want slowTree, questions []ID) {
	if tree.Len() != len(want) {
		t.Fatalf("the tree has %d scopes, want %d", tree.Len(), len(want))
	}
	if tree.Key(RootNode) != "/" || tree.Parent(RootNode) != RootNode || int(tree.Last(RootNode)) != tree.Len()-1 {
		t.Fatalf("the root is %q, below %d, up to %d", tree.Key(RootNode), tree.Parent(RootNode), tree.Last(RootNode))
	}
	siblings := make(map[Node]Key)
	for n := RootNode; int(n) < tree.Len(); n++ {
		key, id := tree.Key(n), tree.ID(n)
		up, ok := want[key]
		if !ok || id.Key() != key {
			t.Fatalf("node %d is %q, %q, which nobody added", n, id, key)
		}
		if found, ok := tree.Find(id); found != n || !ok {
			t.Fatalf("%s is node %d, but %d was found, %v", id, n, found, ok)
		}
		if n == RootNode {
			continue
		}
		if p := tree.Parent(n); p >= n || tree.Key(p) != up {
			t.Fatalf("%s lies below %q, want %q", id, tree.Key(p), up)
		}
		if before, ok := siblings[tree.Parent(n)]; ok && before >= key {
			t.Fatalf("%q stands behind its sibling %q", key, before)
		}
		siblings[tree.Parent(n)] = key
	}
	for a := RootNode; int(a) < tree.Len(); a++ {
		last := a
		for b := RootNode; int(b) < tree.Len(); b++ {
			holds := want.holds(tree.Key(a), tree.Key(b))
			if tree.Contains(a, b) != holds {
				t.Fatalf("%q holds %q: %v, want %v", tree.Key(a), tree.Key(b), !holds, holds)
			}
			if tree.ID(a).Contains(tree.ID(b)) && !holds {
				t.Fatalf("%q holds %q by name, but not in the tree", tree.Key(a), tree.Key(b))
			}
			if holds {
				last = b
			}
		}
		if tree.Last(a) != last {
			t.Fatalf("the last scope below %q is %d, want %d", tree.Key(a), tree.Last(a), last)
		}
	}
	for _, id := range questions {
		n, exact := tree.Find(id)
		if key := want.find(id); tree.Key(n) != key || exact != (key == id.Key()) {
			t.Fatalf("%q was found at %q, %v, want %q", id, tree.Key(n), exact, key)
		}
	}
}

func TestTreeEmpty(t *testing.T) {
	f := func(b *TreeBuilder) {
		t.Helper()
		testTree(t, b.Build(), slowTree{"/": ""}, []ID{{}, Root(), mustID(t, "/subscriptions/s")})
	}
	f(&TreeBuilder{})
	var b TreeBuilder
	b.Add(ID{})
	f(&b)
	b.Add(Root())
	f(&b)
	if n, ok := b.Build().Find(ID{}); n != RootNode || ok {
		t.Errorf("the zero ID was found at %d, %v", n, ok)
	}
}

func TestTreeFind(t *testing.T) {
	var b TreeBuilder
	b.Add(mustID(t, "/subscriptions/S1/resourceGroups/rg-10/providers/Microsoft.Web/sites/a/slots/s"))
	b.Add(mustID(t, "/subscriptions/s1/resourcegroups/RG-1"))
	b.Add(mustID(t, "/subscriptions/s2/providers/\u023a/\u023a/\u023a\u023a"))
	mg := mustID(t, "/providers/Microsoft.Management/managementGroups/mg")
	if err := b.Link(mustID(t, "/SUBSCRIPTIONS/s1"), mg); err != nil {
		t.Fatal(err)
	}
	tree := b.Build()
	f := func(id, at string, exact bool) {
		t.Helper()
		n, ok := tree.Find(mustID(t, id))
		if got := tree.ID(n).String(); got != at || ok != exact {
			t.Errorf("%s was found at %s, %v, want %s, %v", id, got, ok, at, exact)
		}
	}
	f("/", "/", true)
	f("/subscriptions/other", "/", false)
	f("/subscriptions/other/resourceGroups/rg-1", "/", false)
	f("/providers/Microsoft.Management/managementGroups/MG", mg.String(), true)
	f("/subscriptions/s1", "/subscriptions/S1", true)
	f("/subscriptions/S1/resourceGroups/RG-1", "/subscriptions/s1/resourcegroups/RG-1", true)
	f("/subscriptions/S1/resourceGroups/rg-100", "/subscriptions/S1", false)
	f("/subscriptions/s2/providers/\u2c65/\u023a/\u2c65\u023a", "/subscriptions/s2/providers/\u023a/\u023a/\u023a\u023a", true)
	f("/subscriptions/s2/providers/\u2c65/\u023a/\u2c65\u023a/x/y", "/subscriptions/s2/providers/\u023a/\u023a/\u023a\u023a", false)
	f("/subscriptions/s2/providers/\u2c65/\u023a/\u2c65", "/subscriptions/s2", false)
	site := "/subscriptions/S1/resourceGroups/rg-10/providers/Microsoft.Web/sites/a"
	f(site+"/SLOTS/S", site+"/slots/s", true)
	f(site+"/slots/other", site, false)
	f(site+"/slots/s/providers/N/t/n", site+"/slots/s", false)
}

func TestTreeFindAllocates(t *testing.T) {
	// An ID of exactly the length, with as many scopes as are kept without allocation.
	dense := "/subscriptions/s/providers/N/t/n"
	dense += strings.Repeat("/a/b", stackParts-2)
	dense += strings.Repeat("b", stackPath-len(dense))
	var b TreeBuilder
	b.Add(mustID(t, "/subscriptions/s"))
	tree := b.Build()
	f := func(s string, length int, want float64) {
		t.Helper()
		id := mustID(t, s)
		if len(s) != length {
			t.Fatalf("the ID has %d bytes, want %d", len(s), length)
		}
		if a := testing.AllocsPerRun(50, func() { tree.Find(id) }); (a != 0) != (want != 0) {
			t.Errorf("Find of %d bytes allocates %v times, want %v", len(s), a, want)
		}
		if n, ok := tree.Find(id); n != 1 || ok {
			t.Errorf("%s was found at %d, %v", id, n, ok)
		}
	}
	f(dense, stackPath, 0)
	f("/Subscriptions/S/providers/N/t/n/a/b", 36, 0)
	f(dense+"x", stackPath+1, 3)
	f(dense[:len(dense)-2]+"\u00e9", stackPath, 3)
	f("/subscriptions/s/providers/N/t/n"+strings.Repeat("/a/b", stackParts-1), 32+4*(stackParts-1), 1)
}

func TestTreeOfDeepNames(t *testing.T) {
	// No depth is cut: an assignment would apply where it does not.
	base := "/subscriptions/s/providers/N/t/n"
	parts := (MaxIDLength - len(base)) / len("/a/b")
	f := func(spelled, asked string) {
		t.Helper()
		var b TreeBuilder
		b.Add(mustID(t, base+strings.Repeat(spelled, parts)))
		tree := b.Build()
		if tree.Len() != parts+3 {
			t.Fatalf("the tree has %d scopes, want %d", tree.Len(), parts+3)
		}
		for _, depth := range []int{0, 1, 120, 126, 127, 128, 129, 130, 1000, parts} {
			id := mustID(t, base+strings.Repeat(asked, depth))
			n, ok := tree.Find(id)
			if !ok || int(n) != depth+2 || !tree.ID(n).Equal(id) || tree.Key(n) != id.Key() {
				t.Errorf("at depth %d node %d was found, %v", depth, n, ok)
			}
			aside := mustID(t, base+strings.Repeat(asked, max(0, depth-1))+"/x/y")
			if n, ok := tree.Find(aside); ok || int(n) != max(2, depth+1) {
				t.Errorf("beside depth %d node %d was found, %v", depth, n, ok)
			}
		}
	}
	f("/A/b", "/a/B")
}

func TestTreeKeepsWhatItWas(t *testing.T) {
	var b TreeBuilder
	b.Add(mustID(t, "/subscriptions/B"))
	first := b.Build()
	b.Add(mustID(t, "/subscriptions/a"))
	b.Add(mustID(t, "/SUBSCRIPTIONS/b/resourceGroups/r"))
	second := b.Build()
	f := func(tree *Tree, want ...string) {
		t.Helper()
		var got []string
		for n := range tree.Len() {
			got = append(got, tree.ID(Node(n)).String())
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("the tree (-want +got):\n%s", d)
		}
	}
	f(first, "/", "/subscriptions/B")
	f(second, "/", "/subscriptions/a", "/subscriptions/B", "/SUBSCRIPTIONS/b/resourceGroups/r")
}

func TestTreeTable(t *testing.T) {
	var b TreeBuilder
	for i := range 200 {
		tree := b.Build()
		if n, size := tree.Len(), len(tree.table); size&(size-1) != 0 || size < 2*n || size >= 4*n {
			t.Fatalf("the table of %d scopes has %d places", n, size)
		}
		b.Add(mustID(t, fmt.Sprintf("/subscriptions/%d", i)))
	}
}

func TestLink(t *testing.T) {
	var b TreeBuilder
	group := func(s string) ID { return mustID(t, "/providers/Microsoft.Management/managementGroups/"+s) }
	f := func(child, parent ID, reason string) {
		t.Helper()
		err := b.Link(child, parent)
		if (err == nil) != (reason == "") || err != nil && !strings.Contains(err.Error(), reason) {
			t.Errorf("putting %q below %q: %v, want %q", child, parent, err, reason)
		}
	}
	sub, res := mustID(t, "/subscriptions/s"), mustID(t, "/subscriptions/s/resourceGroups/r")
	f(sub, group("a"), "")
	f(group("a"), group("b"), "")
	f(group("B"), group("c"), "")
	f(group("c"), group("A"), `putting "/providers/Microsoft.Management/managementGroups/c" below "/providers/Microsoft.Management/managementGroups/A": the management groups form a circle`)
	f(group("c"), group("C"), "circle")
	f(group("a"), group("A"), "circle")
	f(res, group("a"), `putting "/subscriptions/s/resourceGroups/r" below a management group: it is a resource group`)
	f(Root(), group("a"), "it is a root")
	f(ID{}, group("a"), "is not known")
	f(sub, ID{}, "is not known")
	f(sub, res, `below "/subscriptions/s/resourceGroups/r": the latter is a resource group`)
	f(group("a"), Root(), "the latter is a root")
	f(group("a"), sub, "the latter is a subscription")

	g := func(inner ID, above ...ID) {
		t.Helper()
		tree := b.Build()
		n, ok := tree.Find(inner)
		if !ok {
			t.Fatalf("%s was not added", inner)
		}
		for _, id := range append(above, Root()) {
			if n = tree.Parent(n); !tree.ID(n).Equal(id) {
				t.Errorf("above %s is %s, want %s", inner, tree.ID(n), id)
			}
		}
	}
	g(sub, group("a"), group("b"), group("c"))
	f(sub, group("c"), "") // the later link holds
	f(group("a"), group("d"), "")
	g(sub, group("c"))
	g(group("a"), group("d"))
	g(group("b"), group("c"))
	f(group("c"), group("a"), "") // a circle no longer
	g(sub, group("c"), group("a"), group("d"))
}

// drawLinks draws links of management groups and subscriptions.
func drawLinks(t *rapid.T) [][2]ID {
	group := rapid.Custom(func(t *rapid.T) ID {
		return drawID(t, path{{"microsoft.management", "managementGroups", rapid.SampledFrom([]string{"a", "b", "c", "k", "\u2c65"}).Draw(t, "group")}})
	})
	var links [][2]ID
	for range rapid.IntRange(0, 6).Draw(t, "links") {
		child := group.Draw(t, "child")
		if rapid.Bool().Draw(t, "subscription") {
			child = drawID(t, path{{"", "subscriptions", name().Draw(t, "subscription")}})
		}
		links = append(links, [2]ID{child, group.Draw(t, "parent")})
	}
	return links
}

func drawIDs(t *rapid.T, label string) []ID {
	var ids []ID
	for range rapid.IntRange(0, 8).Draw(t, label) {
		ids = append(ids, drawID(t, paths().Draw(t, label)))
	}
	return ids
}

func TestTreeAgainstNamesAndLinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b TreeBuilder
		want := slowTree{"/": ""}
		for _, id := range drawIDs(t, "early") {
			b.Add(id)
			want.add(id)
		}
		for _, l := range drawLinks(t) {
			if err := b.Link(l[0], l[1]); (err == nil) != want.link(l[0], l[1]) {
				t.Fatalf("putting %s below %s: %v", l[0], l[1], err)
			}
		}
		for _, id := range drawIDs(t, "late") {
			b.Add(id)
			want.add(id)
		}
		testTree(t, b.Build(), want, drawIDs(t, "question"))
	})
}

func TestTreeNumbersDoNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := drawIDs(t, "id")
		// Of the links of a child the last one holds, and so does the order of links that
		// close a circle: only the others can be shuffled.
		links := make(map[Key][2]ID)
		var probe TreeBuilder
		for _, l := range drawLinks(t) {
			if _, ok := links[l[0].Key()]; !ok && probe.Link(l[0], l[1]) == nil {
				links[l[0].Key()] = l
			}
		}
		build := func(ids []ID) *Tree {
			var b TreeBuilder
			for _, id := range ids {
				if l, ok := links[id.Key()]; !ok {
					b.Add(id)
				} else if err := b.Link(l[0], l[1]); err != nil {
					t.Fatal(err)
				}
			}
			return b.Build()
		}
		for _, l := range links {
			ids = append(ids, l[0])
		}
		slices.SortFunc(ids, func(a, b ID) int { return strings.Compare(a.String(), b.String()) })
		one, two := build(ids), build(rapid.Permutation(ids).Draw(t, "order"))
		if d := cmp.Diff(one.keys, two.keys); d != "" {
			t.Errorf("keys (-sorted +shuffled):\n%s", d)
		}
		if !slices.Equal(one.parents, two.parents) || !slices.Equal(one.lasts, two.lasts) {
			t.Errorf("the numbers of\n%q differ", ids)
		}
	})
}
