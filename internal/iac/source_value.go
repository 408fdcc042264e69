// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// sourceFunctions are the functions that are evaluated; what another one yields is not
// known (hashicorp/web-unified-docs content/terraform/v1.11.x/docs/language/functions).
// Those that can make much out of little are left out.
var sourceFunctions = map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "coalesce": stdlib.CoalesceFunc,
	"coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
	"distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc,
	"indent": stdlib.IndentFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
	"keys": stdlib.KeysFunc, "length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc,
	"merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "replace": stdlib.ReplaceFunc, "reverse": stdlib.ReverseListFunc, "slice": stdlib.SliceFunc,
	"sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
	"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
	"values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc, "setunion": stdlib.SetUnionFunc, "format": stdlib.FormatFunc,
	"tostring": stdlib.MakeToFunc(cty.String), "tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number),
	"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
	"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
}

// Limits of one value: what passes them is not known.
const (
	maxValueNodes = 10_000
	maxValueText  = 64 << 10
)

// value evaluates an expression in a module. What cannot be told is unknown.
func (m *sourceModule) value(x hclsyntax.Expression, each map[string]cty.Value) cty.Value {
	if dangerous(x) {
		return cty.DynamicVal
	}
	vars := maps.Clone(m.values)
	maps.Copy(vars, each)
	for _, t := range x.Variables() {
		if _, ok := vars[t.RootName()]; !ok {
			vars[t.RootName()] = cty.DynamicVal
		}
	}
	v, diags := x.Value(&hcl.EvalContext{Variables: vars, Functions: sourceFunctions})
	if diags.HasErrors() || v == cty.NilVal {
		return cty.DynamicVal
	}
	v, _ = v.UnmarkDeep()
	nodes, text := 0, 0
	if !small(v, &nodes, &text) {
		return cty.DynamicVal
	}
	return v
}

// small reports whether a value stays within the limits, and stops where it does not.
func small(v cty.Value, nodes, text *int) bool {
	if *nodes++; *nodes > maxValueNodes {
		return false
	}
	if !v.IsKnown() || v.IsNull() {
		return true
	}
	if v.Type() == cty.String {
		*text += len(v.AsString())
		return *text <= maxValueText
	}
	if !v.CanIterateElements() {
		return true
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, e := it.Element(); !small(e, nodes, text) {
			return false
		}
	}
	return true
}

// dangerous reports whether an expression may take time or memory out of all proportion:
// loops in loops, and texts of a given width.
func dangerous(x hclsyntax.Expression) bool {
	w := &walker{}
	_ = hclsyntax.Walk(x, w) // it returns no diagnostics of its own
	return w.found
}

type walker struct {
	loops int
	found bool
}

// Enter looks at one node on the way down.
func (w *walker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.ForExpr:
		w.loops++
		w.found = w.found || w.loops > 2
	case *hclsyntax.FunctionCallExpr:
		if n.Name == "format" && len(n.Args) > 0 {
			v, diags := n.Args[0].Value(nil)
			w.found = w.found || diags.HasErrors() || !isText(v) || fixedWidth(v.AsString())
		}
		if n.Name == "indent" && len(n.Args) > 0 {
			v, diags := n.Args[0].Value(nil)
			w.found = w.found || diags.HasErrors() || v.Type() != cty.Number || v.IsNull() || !v.IsKnown() || v.GreaterThan(cty.NumberIntVal(100)).True()
		}
	}
	return nil
}

// Exit looks at one node on the way up.
func (w *walker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, loop := n.(*hclsyntax.ForExpr); loop {
		w.loops--
	}
	return nil
}

// fixedWidth reports whether a format asks for a width or precision of four digits and more.
func fixedWidth(format string) bool {
	run := 0
	for _, c := range format {
		if '0' <= c && c <= '9' {
			if run++; run > 3 {
				return true
			}
		} else {
			run = 0
		}
	}
	return strings.Contains(format, "*")
}

func isText(v cty.Value) bool {
	return v != cty.NilVal && v.Type() == cty.String && v.IsKnown() && !v.IsNull()
}

func objectOf(m map[string]cty.Value) cty.Value {
	if len(m) == 0 {
		return cty.EmptyObjectVal
	}
	return cty.ObjectVal(m)
}

// referencesOf lists what an expression refers to, as plans write it.
func referencesOf(x hclsyntax.Expression) []string {
	var out []string
	for _, t := range x.Variables() {
		if ref := referenceText(t); !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

func referenceText(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			switch {
			case s.Key.Type() == cty.Number:
				n, _ := s.Key.AsBigFloat().Int64()
				fmt.Fprintf(&b, "[%d]", n)
			case isText(s.Key):
				b.WriteString("[" + strconv.Quote(s.Key.AsString()) + "]")
			}
		case hcl.TraverseSplat:
			b.WriteString("[*]")
		}
	}
	return b.String()
}

// instance is one instance of a block: its index, and what each and count are in it.
type sourceInstance struct {
	index string
	each  map[string]cty.Value
}

// instances lists the instances of a block. Where their number is not known there is one
// without an index.
func (s *sources) instances(m *sourceModule, b sourceBlock) []sourceInstance {
	one := []sourceInstance{{each: map[string]cty.Value{"each": cty.DynamicVal, "count": cty.DynamicVal}}}
	if a := b.Body.Attributes["count"]; a != nil {
		v := m.value(a.Expr, nil)
		n := -1
		if v.Type() == cty.Number && v.IsKnown() && !v.IsNull() {
			f, _ := v.AsBigFloat().Float64()
			n = int(min(max(f, 0), maxEach+1))
		}
		if n < 0 || n > maxEach {
			s.manyOf(b, "count")
			return one
		}
		var out []sourceInstance
		for i := range n {
			out = append(out, sourceInstance{fmt.Sprintf("[%d]", i), map[string]cty.Value{
				"count": cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(int64(i))}),
			}})
		}
		return out
	}
	a := b.Body.Attributes["for_each"]
	if a == nil {
		return []sourceInstance{{}}
	}
	v := m.value(a.Expr, nil)
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() || v.LengthInt() > maxEach {
		s.manyOf(b, "for_each")
		return one
	}
	var out []sourceInstance
	for it := v.ElementIterator(); it.Next(); {
		key, e := it.Element()
		if v.Type().IsSetType() {
			key = e
		}
		if !isText(key) {
			s.manyOf(b, "for_each")
			return one
		}
		out = append(out, sourceInstance{"[" + strconv.Quote(key.AsString()) + "]", map[string]cty.Value{
			"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": e}),
		}})
	}
	return out
}

func (s *sources) manyOf(b sourceBlock, by string) {
	s.gap(b.TypeRange, b.file, strings.Join(b.Labels, "."), "how many there are by "+by+" is known only to a run: it is taken for one")
}
