// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"slices"
	"strings"
)

// naming are the attributes that tell resources of one block apart.
var naming = []string{"name", "resource_group_name", "parent_id"}

// maxVaries is how many variables are kept of one object.
const maxVaries = 20

// varies lists what the name of an object, its place or the number of its instances hangs
// on: variables and locals of the source that the follower cannot see through, and the
// workspace.
func (b *builder) varies(v *view) []string {
	var out []string
	b.variesOf(v, &out, 0)
	slices.Sort(out)
	return out
}

func (b *builder) variesOf(v *view, out *[]string, depth int) {
	note := func(t *trail) {
		for _, ref := range t.lost {
			if parts := splitAddress(ref); len(parts) > 1 && (parts[0] == "var" || parts[0] == "local") {
				name, _ := cutIndex(parts[1])
				b.varied(out, parts[0]+"."+name)
			}
		}
		if t.workspace {
			b.varied(out, "terraform.workspace")
		}
	}
	for _, attr := range naming {
		t := b.follow.follow(v.addr, v.expr(attr).refs)
		note(&t)
		for _, to := range t.targets {
			if depth == 0 && to.object != nil { // the group that it stands in
				b.variesOf(b.view(to.object), out, depth+1)
			}
		}
	}
	each := b.follow.follow(v.addr, b.follow.eachOf(v.addr))
	note(&each)
	at := v.addr
	for m := b.follow.modules[at.module]; m != nil && m.parent != nil; m = m.parent {
		at = outOf(at)
		if call := m.parent.calls[m.name]; call != nil {
			t := b.follow.follow(at, call.each)
			note(&t)
		}
	}
}

func (b *builder) varied(out *[]string, name string) {
	if !slices.Contains(*out, name) && len(*out) < maxVaries && !strings.ContainsAny(name, "\"\n") {
		*out = append(*out, name)
	}
}
