// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

const maxSelected = 10_000 // nodes that one path may select, and half of the steps that it may take

// selectPath takes a part of JSON by a path, as the compiler does with Newtonsoft's SelectTokens (Azure/bicep
// src/Bicep.Core/Semantics/ObjectParser.cs): $.a.b[0], a['b'], a[*], ..a, a[0,2], a[1:3], a[?(@.b > 3)]. One node that
// is selected is the result itself, several are a list, none is nil.
func selectPath(root *armtemplate.Node, path string) *armtemplate.Node {
	p := &pathParser{rest: strings.TrimPrefix(path, "$"), root: root, left: maxSelected}
	nodes := p.steps([]*armtemplate.Node{root}, false)
	switch {
	case p.bad || p.rest != "" || len(nodes) == 0:
		return nil
	case len(nodes) == 1:
		return nodes[0]
	}
	return armtemplate.ArrayNode(root.Pos, nodes...)
}

// A pathParser reads a path and follows it at once.
type pathParser struct {
	rest  string
	root  *armtemplate.Node
	left  int
	level int
	bad   bool
}

func (p *pathParser) fail() []*armtemplate.Node {
	p.bad = true
	return nil
}

// steps follows all steps of a path; in a filter it ends at what is no step.
func (p *pathParser) steps(at []*armtemplate.Node, inFilter bool) []*armtemplate.Node {
	for first := !inFilter; p.rest != "" && !p.bad; first = false {
		switch {
		case strings.HasPrefix(p.rest, ".."):
			p.rest = p.rest[2:]
			at = p.all(at)
			if !strings.HasPrefix(p.rest, "[") {
				at = p.named(at)
			}
		case p.rest[0] == '.':
			p.rest = p.rest[1:]
			if p.rest == "" {
				return at // "$." is the whole
			}
			at = p.named(at)
		case p.rest[0] == '[':
			p.rest = p.rest[1:]
			at = p.bracket(at)
		case first:
			at = p.named(at)
		case inFilter:
			return at
		default:
			return p.fail()
		}
	}
	return at
}

// each collects what a step selects of every node.
func (p *pathParser) each(at []*armtemplate.Node, step func(n *armtemplate.Node, add func(*armtemplate.Node))) []*armtemplate.Node {
	var out []*armtemplate.Node
	for _, n := range at {
		step(n, func(found *armtemplate.Node) {
			if p.left--; p.left < 0 {
				p.bad = true
			} else if found != nil {
				out = append(out, found)
			}
		})
	}
	return out
}

func children(n *armtemplate.Node) []*armtemplate.Node {
	list := slices.Clone(n.Items)
	for _, m := range n.Members {
		list = append(list, m.Value)
	}
	return list
}

// all is every node with all that lies in it, outer before inner.
func (p *pathParser) all(at []*armtemplate.Node) []*armtemplate.Node {
	var walk func(n *armtemplate.Node, add func(*armtemplate.Node))
	walk = func(n *armtemplate.Node, add func(*armtemplate.Node)) {
		if add(n); p.bad {
			return
		}
		for _, c := range children(n) {
			walk(c, add)
		}
	}
	return p.each(at, walk)
}

// named follows a name that stands bare, or a star.
func (p *pathParser) named(at []*armtemplate.Node) []*armtemplate.Node {
	end := strings.IndexAny(p.rest, ".[]() =<>!&|")
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	if p.rest = p.rest[end:]; name == "" {
		return p.fail()
	}
	return p.each(at, func(n *armtemplate.Node, add func(*armtemplate.Node)) {
		if name == "*" {
			for _, c := range children(n) {
				add(c)
			}
			return
		}
		add(exactly(n, name))
	})
}

// exactly is the member of a name, letter by letter.
func exactly(n *armtemplate.Node, name string) *armtemplate.Node {
	for _, m := range n.Members {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// bracket follows what stands in brackets.
func (p *pathParser) bracket(at []*armtemplate.Node) []*armtemplate.Node {
	p.blank()
	if inner, ok := strings.CutPrefix(p.rest, "?("); ok {
		p.rest = inner
		at = p.filter(at)
		if !p.take(")") || !p.take("]") {
			return p.fail()
		}
		return at
	}
	var out []*armtemplate.Node
	for {
		out = append(out, p.selector(at)...)
		switch {
		case p.bad:
			return nil
		case p.take(","):
		case p.take("]"):
			return out
		default:
			return p.fail()
		}
	}
}

func (p *pathParser) blank() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *pathParser) take(s string) bool {
	p.blank()
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

// selector follows one name, index, slice or star in brackets.
func (p *pathParser) selector(at []*armtemplate.Node) []*armtemplate.Node {
	p.blank()
	if p.take("*") {
		return p.each(at, func(n *armtemplate.Node, add func(*armtemplate.Node)) {
			for _, c := range children(n) {
				add(c)
			}
		})
	}
	if name, ok := p.quoted(); ok {
		return p.each(at, func(n *armtemplate.Node, add func(*armtemplate.Node)) { add(exactly(n, name)) })
	}
	from, hasFrom := p.number()
	if p.take(":") {
		return p.slice(at, from, hasFrom)
	}
	if !hasFrom {
		return p.fail()
	}
	return p.each(at, func(n *armtemplate.Node, add func(*armtemplate.Node)) {
		if from >= 0 && from < len(n.Items) {
			add(n.Items[from])
		}
	})
}

func (p *pathParser) quoted() (string, bool) {
	p.blank()
	if p.rest == "" || p.rest[0] != '\'' && p.rest[0] != '"' {
		return "", false
	}
	quote := p.rest[:1]
	text, rest, ok := strings.Cut(p.rest[1:], quote)
	if !ok {
		p.bad = true
	}
	p.rest = rest
	return text, ok
}

func (p *pathParser) number() (int, bool) {
	p.blank()
	end := 0
	for end < len(p.rest) && (p.rest[end] >= '0' && p.rest[end] <= '9' || p.rest[end] == '-' && end == 0) {
		end++
	}
	i, err := strconv.Atoi(p.rest[:end])
	if err != nil {
		return 0, false
	}
	p.rest = p.rest[end:]
	return i, true
}

// slice follows [from:to:step]; from has been read.
func (p *pathParser) slice(at []*armtemplate.Node, from int, hasFrom bool) []*armtemplate.Node {
	to, hasTo := p.number()
	step := 1
	if p.take(":") {
		if n, ok := p.number(); ok {
			step = n
		}
	}
	if step <= 0 {
		return p.fail()
	}
	return p.each(at, func(n *armtemplate.Node, add func(*armtemplate.Node)) {
		first, end := 0, len(n.Items)
		within := func(i int) int {
			if i < 0 {
				i += len(n.Items)
			}
			return min(max(i, 0), len(n.Items))
		}
		if hasFrom {
			first = within(from)
		}
		if hasTo {
			end = within(to)
		}
		for i := first; i < end; i += step {
			add(n.Items[i])
		}
	})
}

// filter keeps the elements that a condition holds for.
func (p *pathParser) filter(at []*armtemplate.Node) []*armtemplate.Node {
	condition := p.rest
	p.alternative(p.root, nil) // reads it once, so that it ends where it does with no element too
	end := p.rest
	out := p.each(at, func(n *armtemplate.Node, add func(*armtemplate.Node)) {
		for _, c := range children(n) {
			if p.left--; p.left < 0 || p.bad {
				p.bad = true
				return
			}
			p.rest = condition
			if p.alternative(p.root, c) {
				add(c)
			}
		}
	})
	p.rest = end
	return out
}

// alternative is a condition: parts joined by || of parts joined by &&. Without an element it is only read.
func (p *pathParser) alternative(root, n *armtemplate.Node) bool {
	if p.level++; p.level > maxAncestors {
		p.bad = true
	}
	defer func() { p.level-- }()
	holds := false
	for !p.bad {
		all := true
		for !p.bad {
			all = p.comparison(root, n) && all
			if !p.take("&&") {
				break
			}
		}
		holds = holds || all
		if !p.take("||") {
			break
		}
	}
	return holds
}

// comparison is "@.a", "@.a > 3", or a condition in parentheses.
func (p *pathParser) comparison(root, n *armtemplate.Node) bool {
	if p.take("(") {
		holds := p.alternative(root, n)
		p.bad = p.bad || !p.take(")")
		return holds
	}
	left := p.operand(root, n)
	for _, op := range []string{"===", "!==", "==", "!=", "<=", ">=", "<", ">"} {
		if !p.take(op) {
			continue
		}
		right := p.operand(root, n)
		return slices.ContainsFunc(left, func(a *armtemplate.Node) bool {
			return slices.ContainsFunc(right, func(b *armtemplate.Node) bool { return compares(a, b, op) })
		})
	}
	return len(left) > 0
}

// operand is a path from the element (@) or the root ($), or a constant.
func (p *pathParser) operand(root, n *armtemplate.Node) []*armtemplate.Node {
	p.blank()
	constant := func(kind armtemplate.NodeKind, text string) []*armtemplate.Node {
		return []*armtemplate.Node{{Kind: kind, Text: text, Bool: text == "true"}}
	}
	switch {
	case p.rest == "":
		return p.fail()
	case p.rest[0] == '@' || p.rest[0] == '$':
		at := []*armtemplate.Node{root}
		if p.rest[0] == '@' {
			at = []*armtemplate.Node{n}
		}
		if p.rest = p.rest[1:]; at[0] == nil {
			at = []*armtemplate.Node{{}}
		}
		return p.steps(at, true)
	}
	if text, ok := p.quoted(); ok {
		return constant(armtemplate.NodeString, text)
	}
	for _, word := range []string{"true", "false"} {
		if p.take(word) {
			return constant(armtemplate.NodeBool, word)
		}
	}
	if p.take("null") {
		return constant(armtemplate.NodeNull, "")
	}
	end := 0
	for end < len(p.rest) && strings.IndexByte("0123456789+-.eE", p.rest[end]) >= 0 {
		end++
	}
	text := p.rest[:end]
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return p.fail()
	}
	p.rest = p.rest[end:]
	return constant(armtemplate.NodeNumber, text)
}

// compares applies a comparison to two scalars.
func compares(a, b *armtemplate.Node, op string) bool {
	order, ok := 0, a.Kind == b.Kind
	switch {
	case !ok:
	case a.Kind == armtemplate.NodeNumber:
		x, err := strconv.ParseFloat(a.Text, 64)
		y, err2 := strconv.ParseFloat(b.Text, 64)
		ok = err == nil && err2 == nil
		if x < y {
			order = -1
		} else if x > y {
			order = 1
		}
	case a.Kind == armtemplate.NodeString:
		order = strings.Compare(a.Text, b.Text)
	case a.Kind == armtemplate.NodeBool:
		if a.Bool != b.Bool {
			order = 1
		}
	case a.Kind != armtemplate.NodeNull:
		ok = false
	}
	switch strings.TrimSuffix(op, "=") {
	case "!", "!=":
		return !ok || order != 0
	case "=", "==":
		return ok && order == 0
	case "<":
		return ok && (order < 0 || order == 0 && op == "<=")
	default:
		return ok && (order > 0 || order == 0 && op == ">=")
	}
}
