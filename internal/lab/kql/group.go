// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"encoding/binary"
	"slices"
	"strconv"
)

// materialized is a relation over rows that were computed.
func materialized(columns []Column, rows [][]any) *relation {
	r := &relation{rows: make([]int, len(rows))}
	for i := range r.rows {
		r.rows[i] = i
	}
	for i, c := range columns {
		r.columns = append(r.columns, column{c, func(row int) any { return rows[row][i] }})
	}
	return r
}

// groupKey is a text that equals another exactly where all the values do.
func groupKey(buf []byte, values []any) string {
	buf = buf[:0]
	for _, v := range values {
		s := textOf(v)
		kind := byte('s')
		if v == nil {
			kind = 'n'
		}
		buf = append(buf, kind)
		buf = binary.AppendUvarint(buf, uint64(len(s)))
		buf = append(buf, s...)
	}
	return string(buf)
}

// groupable refuses values that rows cannot be grouped by.
func (p *parser) groupable(e scalar, begin token) error {
	if e.typ == Dynamic {
		return fail(p.text, begin.at, begin.text, "rows cannot be grouped by a value of type dynamic; use tostring()")
	}
	return nil
}

func (p *parser) distinct(r *relation) (*relation, error) {
	out := &relation{}
	for {
		begin := p.peek()
		name, e, err := p.named(r)
		if err == nil {
			err = p.groupable(e, begin)
		}
		if err != nil {
			return nil, err
		}
		out.set(name, e)
		if !p.accept(",") {
			break
		}
	}
	seen := map[string]bool{}
	values := make([]any, len(out.columns))
	var buf []byte
	for _, row := range r.rows {
		for i := range out.columns {
			values[i] = out.columns[i].get(row)
		}
		if k := groupKey(buf, values); !seen[k] {
			seen[k] = true
			out.rows = append(out.rows, row)
		}
	}
	return out, nil
}

// aggregate is a call of an aggregation.
type aggregate struct {
	name string
	typ  Type
	args []scalar
	add  func(state any, args []any) any
}

// aggregation is a function over the rows of a group.
type aggregation struct {
	args int
	typ  func(args []scalar) Type
	add  func(state any, args []any) any
}

func always(t Type) func([]scalar) Type { return func([]scalar) Type { return t } }

var aggregations = map[string]aggregation{
	"count": {0, always(Long), func(s any, _ []any) any { n, _ := s.(int64); return n + 1 }},
	"countif": {1, always(Long), func(s any, a []any) any {
		n, _ := s.(int64)
		if a[0] == true {
			n++
		}
		return n
	}},
	"min": {1, ofArgument, func(s any, a []any) any {
		if s == nil || a[0] != nil && compare(a[0], s) < 0 {
			return a[0]
		}
		return s
	}},
	"max": {1, ofArgument, func(s any, a []any) any {
		if s == nil || a[0] != nil && compare(a[0], s) > 0 {
			return a[0]
		}
		return s
	}},
}

func ofArgument(args []scalar) Type { return args[0].typ }

// summarize reads the aggregations, then what the rows are grouped by.
func (p *parser) summarize(r *relation) (*relation, error) {
	var calls []aggregate
	for !p.peek().is("by") {
		if len(calls) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		call, err := p.aggregate(r)
		if err != nil {
			return nil, err
		}
		calls = append(calls, call)
		if !p.peek().is(",") {
			break
		}
	}
	by := &relation{}
	if p.accept("by") {
		for {
			begin := p.peek()
			name, e, err := p.named(r)
			if err == nil {
				err = p.groupable(e, begin)
			}
			if err != nil {
				return nil, err
			}
			by.set(name, e)
			if !p.accept(",") {
				break
			}
		}
	}
	return grouped(r, by, calls), nil
}

func (p *parser) aggregate(r *relation) (aggregate, error) {
	name := ""
	if p.peek().kind == tokenName && p.tokens[p.at+1].is("=") {
		name = p.take().text
		p.at++
	}
	t := p.peek()
	a, known := aggregations[t.text]
	if !known || t.kind != tokenName {
		return aggregate{}, p.fail("the aggregation %q is not supported", t.text)
	}
	p.at++
	if err := p.expect("("); err != nil {
		return aggregate{}, err
	}
	args, err := p.arguments(r, function{})
	if err != nil {
		return aggregate{}, err
	}
	for _, arg := range args {
		if arg.typ == Dynamic {
			return aggregate{}, fail(p.text, t.at, t.text, "%s takes no value of type dynamic here; use tostring()", t.text)
		}
		if arg.typ == Bool {
			if err := p.answered(r, arg, t); err != nil {
				return aggregate{}, err
			}
		}
	}
	if len(args) != a.args {
		return aggregate{}, fail(p.text, t.at, t.text, "%s takes %d arguments and has %d", t.text, a.args, len(args))
	}
	if name == "" {
		name = t.text + "_"
		if len(args) > 0 {
			name += args[0].name
		}
	}
	return aggregate{name: name, typ: a.typ(args), args: args, add: a.add}, nil
}

// grouped computes a summary. Groups come in the order of their first row.
func grouped(r, by *relation, calls []aggregate) *relation {
	var columns []Column
	for _, c := range by.columns {
		columns = append(columns, c.Column)
	}
	for i, c := range calls {
		name := c.name
		for n := 1; slices.ContainsFunc(columns, func(k Column) bool { return k.Name == name }); n++ {
			name = c.name + strconv.Itoa(n)
		}
		calls[i].name = name
		columns = append(columns, Column{name, c.typ})
	}
	groups := map[string]int{}
	var rows [][]any
	if len(by.columns) == 0 { // one group, also of no rows
		rows = append(rows, make([]any, len(calls)))
		groups[""] = 0
		for i := range calls {
			if calls[i].typ == Long && len(calls[i].args) == 0 {
				rows[0][i] = int64(0)
			}
		}
	}
	keyed := make([]any, len(by.columns))
	var buf []byte
	for _, row := range r.rows {
		for i := range by.columns {
			keyed[i] = by.columns[i].get(row)
		}
		k := groupKey(buf, keyed)
		g, there := groups[k]
		if !there {
			g = len(rows)
			groups[k] = g
			rows = append(rows, append(slices.Clone(keyed), make([]any, len(calls))...))
		}
		for i := range calls {
			args := make([]any, len(calls[i].args))
			for j := range args {
				args[j] = calls[i].args[j].value(row)
			}
			state := &rows[g][len(keyed)+i]
			*state = calls[i].add(*state, args)
		}
	}
	return materialized(columns, rows)
}
