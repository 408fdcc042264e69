// SPDX-License-Identifier: Apache-2.0

package iac

import (
	_ "embed"
	"strings"

	"github.com/mivet/mivet/arm"
)

// azurermTypes maps the types of the provider azurerm to those of Azure. The head of the
// file names its origin and date.
//
//go:embed azurerm-types.tsv
var azurermTypes string

// sibling marks an argument that holds the ID of something in the same resource group.
const sibling = "~"

// typeRow says how the ID of a resource is made from its arguments.
type typeRow struct {
	level   byte // 'R', 'S', 'T', 'X' or 'A', as the file explains
	path    string
	parents []string
}

// typeTable finds rows by the provider's type.
type typeTable map[string]string

func newTypeTable() typeTable {
	t := typeTable{}
	for line := range strings.Lines(azurermTypes) {
		if name, rest, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t"); ok && line[0] != '#' {
			t["azurerm_"+name] = rest
		}
	}
	return t
}

// row returns the row of a type, and whether the type is known.
func (t typeTable) row(typ string) (typeRow, bool) {
	line, ok := t[typ]
	if !ok {
		return typeRow{}, false
	}
	return parseRow(line), true
}

func parseRow(line string) typeRow {
	cells := strings.Split(line, "\t")
	r := typeRow{level: cells[0][0]}
	if len(cells) > 1 {
		r.path = cells[1]
	}
	if len(cells) > 2 {
		r.parents = strings.Split(cells[2], ",")
	}
	return r
}

// arguments calls yield for each argument that some row needs.
func (t typeTable) arguments(yield func(string)) {
	for _, line := range t {
		parseRow(line).arguments(yield)
	}
}

// arguments calls yield for each argument that the row needs.
func (r typeRow) arguments(yield func(string)) {
	for _, p := range r.parents {
		yield(strings.TrimPrefix(p, sibling))
	}
	for _, s := range r.segments() {
		for _, a := range s.args {
			yield(a)
		}
	}
}

// segment is one type and name of a path.
type segment struct {
	typ  string
	name string   // a fixed name
	args []string // else the arguments that may give it; empty: none does
}

func (r typeRow) segments() []segment {
	_, rest, _ := strings.Cut(r.path, "/")
	parts := strings.Split(rest, "/")
	out := make([]segment, 0, len(parts)/2)
	for i := 0; i+1 < len(parts); i += 2 {
		s := segment{typ: parts[i]}
		switch arg, ok := strings.CutPrefix(parts[i+1], "{"); {
		case !ok:
			s.name = parts[i+1]
		case arg != "?}":
			s.args = strings.Split(strings.TrimSuffix(arg, "}"), ",")
		}
		out = append(out, s)
	}
	return out
}

// typeOf returns the ARM type of the first n segments of a row's path.
func (r typeRow) typeOf(n int) string {
	provider, _, _ := strings.Cut(r.path, "/")
	for _, s := range r.segments()[:n] {
		provider += "/" + s.typ
	}
	return provider
}

// depth returns how many segments of the path an ID of that type names, or -1.
func (r typeRow) depth(armType string) int {
	for n := len(r.segments()); n > 0; n-- {
		if arm.Fold(r.typeOf(n)) == arm.Fold(armType) {
			return n
		}
	}
	return -1
}
