// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"slices"
	"strconv"
	"strings"
)

// Table is a table that queries read. Its methods may be called from many goroutines.
type Table interface {
	// Columns are the columns of the table.
	Columns() []Column
	// Len is how many rows it has.
	Len() int
	// Value returns a value by the numbers of its row and column, from 0.
	Value(row, column int) any
}

// Result is what a query yields. Rows are computed when they are asked for.
type Result struct {
	Columns []Column
	// Limited is true where the query itself says how many rows it wants at most.
	Limited bool
	// Ordered is true where the query orders its rows.
	Ordered bool
	rows    []int
	values  []column
}

// Len is how many rows there are.
func (r *Result) Len() int { return len(r.rows) }

// Row returns the values of a row.
func (r *Result) Row(i int) []any {
	values := make([]any, len(r.values))
	for c := range r.values {
		values[c] = r.values[c].get(r.rows[i])
	}
	return values
}

// column is a column of a relation, and how its value is found for a row of the source.
type column struct {
	Column
	get func(row int) any
}

// relation is the state of a query between two operators: rows, by their numbers in the
// source, and columns over them.
type relation struct {
	columns []column
	rows    []int
}

// find returns the number of a column, or -1. Names of columns have letter case.
func (r *relation) find(name string) int {
	return slices.IndexFunc(r.columns, func(c column) bool { return c.Name == name })
}

// set adds a column, or replaces the one of that name.
func (r *relation) set(name string, e scalar) {
	c := column{Column{name, e.typ}, e.value}
	if i := r.find(name); i >= 0 {
		r.columns[i] = c
		return
	}
	r.columns = append(r.columns, c)
}

// Run parses a query and runs it. Tables are found by their names in small letters. An
// error is of type *Error.
func Run(query string, tables func(name string) Table) (*Result, error) {
	if len(query) > MaxQuery {
		return nil, fail("", 0, "", "the query is longer than %d bytes", MaxQuery)
	}
	tokens, err := lex(query)
	if err != nil {
		return nil, err
	}
	p := &parser{text: query, tokens: tokens}
	r, err := p.source(tables)
	if err != nil {
		return nil, err
	}
	for first := p.at == 0; p.peek().kind != tokenEnd; first = false {
		if !first {
			if err := p.expect("|"); err != nil {
				return nil, err
			}
		}
		if r, err = p.operator(r); err != nil {
			return nil, err
		}
	}
	result := &Result{Limited: p.limited, Ordered: p.ordered, rows: r.rows, values: r.columns}
	for _, c := range r.columns {
		result.Columns = append(result.Columns, c.Column)
	}
	return result, nil
}

// source reads the name of the table.
func (p *parser) source(tables func(string) Table) (*relation, error) {
	t := p.peek()
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if operators[name] { // Resources is the default table
		p.at, name = 0, "resources"
	}
	table := tables(strings.ToLower(name))
	if table == nil {
		return nil, fail(p.text, t.at, t.text, "there is no table %q", name)
	}
	r := &relation{rows: make([]int, table.Len())}
	for i := range r.rows {
		r.rows[i] = i
	}
	for i, c := range table.Columns() {
		r.columns = append(r.columns, column{c, func(row int) any { return table.Value(row, i) }})
	}
	return r, nil
}

// operators are the words with which a query without a table can begin
// (learn.microsoft.com/azure/governance/resource-graph/concepts/query-language).
var operators = map[string]bool{
	"where": true, "extend": true, "project": true, "project-away": true, "project-rename": true, "order": true, "sort": true,
	"top": true, "take": true, "limit": true, "distinct": true, "count": true, "summarize": true,
}

func (p *parser) operator(r *relation) (*relation, error) {
	t := p.peek()
	word, err := p.name()
	if err != nil {
		return nil, err
	}
	switch word {
	case "where":
		return p.where(r)
	case "extend":
		return p.extend(r)
	case "project":
		return p.project(r)
	case "project-away":
		return p.projectAway(r)
	case "project-rename":
		return p.projectRename(r)
	case "order", "sort":
		return p.order(r)
	case "top":
		return p.top(r)
	case "take", "limit":
		n, err := p.count()
		if err != nil {
			return nil, err
		}
		r.rows, p.limited = r.rows[:min(n, len(r.rows))], true
		return r, nil
	case "distinct":
		return p.distinct(r)
	case "count":
		n := int64(len(r.rows))
		return &relation{rows: []int{0}, columns: []column{{Column{"Count", Long}, func(int) any { return n }}}}, nil
	case "summarize":
		return p.summarize(r)
	}
	return nil, fail(p.text, t.at, t.text, "the operator %q is not supported", word)
}

func (p *parser) where(r *relation) (*relation, error) {
	begin := p.peek()
	e, err := p.condition(r)
	if err != nil {
		return nil, err
	}
	kept := make([]int, 0, len(r.rows)/4)
	for _, row := range r.rows {
		switch v := e.value(row).(type) {
		case mismatch:
			return nil, p.mixed(begin, v)
		case bool:
			if v {
				kept = append(kept, row)
			}
		}
	}
	r.rows = kept
	return r, nil
}

// named reads "name = expression", or an expression that has a name of itself: a column, a
// path into one, and tostring() of them.
func (p *parser) named(r *relation) (string, scalar, error) {
	name := ""
	if p.peek().kind == tokenName && p.tokens[p.at+1].is("=") {
		name = p.take().text
		p.at++
	}
	begin := p.peek()
	e, err := p.expression(r)
	if err == nil && e.typ == Bool {
		err = p.answered(r, e, begin)
	}
	switch {
	case name != "":
	case e.name != "":
		name = e.name
	case err == nil:
		err = fail(p.text, begin.at, begin.text, "the column needs a name: write NAME = before it")
	}
	return name, e, err
}

func (p *parser) extend(r *relation) (*relation, error) {
	before := &relation{columns: slices.Clone(r.columns), rows: r.rows}
	for {
		name, e, err := p.named(before)
		if err != nil {
			return nil, err
		}
		r.set(name, e)
		if !p.accept(",") {
			return r, nil
		}
	}
}

func (p *parser) project(r *relation) (*relation, error) {
	out := &relation{rows: r.rows}
	for {
		at := p.peek()
		name, e, err := p.named(r)
		if err != nil {
			return nil, err
		}
		if out.find(name) >= 0 {
			return nil, fail(p.text, at.at, at.text, "there are two columns %q", name)
		}
		out.set(name, e)
		if !p.accept(",") {
			return out, nil
		}
	}
}

// known reads the name of a column and returns its number.
func (p *parser) known(r *relation) (int, error) {
	t := p.peek()
	name, err := p.name()
	if err != nil {
		return 0, err
	}
	i := r.find(name)
	if i < 0 {
		return 0, fail(p.text, t.at, t.text, "there is no column %q", name)
	}
	return i, nil
}

func (p *parser) projectAway(r *relation) (*relation, error) {
	for {
		i, err := p.known(r)
		if err != nil {
			return nil, err
		}
		r.columns = slices.Delete(r.columns, i, i+1)
		if !p.accept(",") {
			return r, nil
		}
	}
}

func (p *parser) projectRename(r *relation) (*relation, error) {
	for {
		name, err := p.name()
		if err == nil {
			err = p.expect("=")
		}
		if err != nil {
			return nil, err
		}
		i, err := p.known(r)
		if err != nil {
			return nil, err
		}
		if r.find(name) >= 0 {
			return nil, p.fail("there is a column %q already", name)
		}
		r.columns[i].Name = name
		if !p.accept(",") {
			return r, nil
		}
	}
}

// sortKey is one of the expressions that rows are ordered by.
type sortKey struct {
	scalar
	ascending  bool
	nullsFirst bool
}

func (p *parser) order(r *relation) (*relation, error) {
	if err := p.expect("by"); err != nil {
		return nil, err
	}
	keys, err := p.sortKeys(r)
	if err != nil {
		return nil, err
	}
	sortRows(r, keys)
	p.ordered = true
	return r, nil
}

func (p *parser) sortKeys(r *relation) ([]sortKey, error) {
	var list []sortKey
	for {
		begin := p.peek()
		e, err := p.expression(r)
		if err != nil {
			return nil, err
		}
		if e.typ == Dynamic {
			return nil, fail(p.text, begin.at, begin.text, "rows cannot be ordered by a value of type dynamic; use tostring()")
		}
		if e.typ == Bool {
			if err := p.answered(r, e, begin); err != nil {
				return nil, err
			}
		}
		k := sortKey{scalar: e, ascending: p.accept("asc")}
		if !k.ascending {
			p.accept("desc")
		}
		k.nullsFirst = k.ascending
		if p.accept("nulls") {
			k.nullsFirst = p.accept("first")
			if !k.nullsFirst {
				if err := p.expect("last"); err != nil {
					return nil, err
				}
			}
		}
		list = append(list, k)
		if !p.accept(",") {
			return list, nil
		}
	}
}

// sortRows orders rows, and keeps the order of those that are equal.
func sortRows(r *relation, keys []sortKey) {
	type entry struct {
		row    int
		values []any
	}
	entries := make([]entry, len(r.rows))
	all := make([]any, len(r.rows)*len(keys))
	for i, row := range r.rows {
		values := all[i*len(keys) : (i+1)*len(keys)]
		for k := range keys {
			values[k] = keys[k].value(row)
		}
		entries[i] = entry{row, values}
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		for k := range keys {
			if c := keys[k].compare(a.values[k], b.values[k]); c != 0 {
				return c
			}
		}
		return 0
	})
	rows := make([]int, len(entries)) // others may hold the old ones
	for i := range entries {
		rows[i] = entries[i].row
	}
	r.rows = rows
}

func (k *sortKey) compare(a, b any) int {
	if (a == nil) != (b == nil) {
		if (a == nil) == k.nullsFirst {
			return -1
		}
		return 1
	}
	c := compare(a, b)
	if k.ascending {
		return c
	}
	return -c
}

func (p *parser) count() (int, error) {
	t := p.peek()
	if t.kind != tokenNumber {
		return 0, p.fail("a number of rows is expected")
	}
	n, err := strconv.Atoi(t.text)
	if err != nil {
		return 0, p.fail("%q is no number of rows", t.text)
	}
	p.at++
	return n, nil
}

func (p *parser) top(r *relation) (*relation, error) {
	n, err := p.count()
	if err == nil {
		err = p.expect("by")
	}
	if err != nil {
		return nil, err
	}
	keys, err := p.sortKeys(r)
	if err != nil {
		return nil, err
	}
	sortRows(r, keys)
	p.ordered = true
	r.rows = r.rows[:min(n, len(r.rows))]
	return r, nil
}

// answered refuses a column of comparisons of which one has no answer.
func (p *parser) answered(r *relation, e scalar, begin token) error {
	for _, row := range r.rows {
		if v, ok := e.value(row).(mismatch); ok {
			return p.mixed(begin, v)
		}
	}
	return nil
}

func (p *parser) mixed(begin token, v mismatch) error {
	return fail(p.text, begin.at, begin.text, "a text is compared with a value that is none, %s; use tostring(), tobool() or tolong()", textOf(v.value))
}
