// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"regexp"
	"strings"
	"time"
)

// special returns how the arguments of some functions are read; nil for all others.
func special(name string) func(*parser, *relation) (scalar, error) {
	switch name {
	case "datetime":
		return (*parser).datetime
	case "bin":
		return (*parser).bin
	case "iff", "iif":
		return (*parser).iff
	case "extract":
		return (*parser).extract
	case "column_ifexists":
		return (*parser).ifExists
	}
	return nil
}

// firstText is coalesce() of texts: the first that is not empty.
func firstText(args []any) any {
	for _, a := range args {
		if s := textOf(a); s != "" {
			return s
		}
	}
	return ""
}

// joined is strcat().
func joined(args []any) any {
	var b strings.Builder
	for _, a := range args {
		b.WriteString(textOf(a))
	}
	return b.String()
}

const timeForm = "2006-01-02T15:04:05.0000000Z"

// floorTime cuts a time down to a multiple of a span.
func floorTime(v any, span time.Duration) any {
	s, isText := v.(string)
	if !isText {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil
	}
	return t.UTC().Truncate(span).Format(timeForm)
}

// spans are the units of a timespan.
var spans = map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second}

// bin reads bin(time, 1h).
func (p *parser) bin(r *relation) (scalar, error) {
	begin := p.peek()
	e, err := p.expression(r)
	if err != nil {
		return e, err
	}
	if e.typ != Datetime {
		return e, fail(p.text, begin.at, begin.text, "bin takes a time here, not a value of type %s", e.typ)
	}
	if err := p.expect(","); err != nil {
		return e, err
	}
	n, err := p.number("")
	if err != nil {
		return e, err
	}
	unit := p.peek()
	span, known := spans[unit.text]
	count, whole := n.value(0).(int64)
	if !known || !whole || count < 1 || count > 1000 {
		return e, p.fail("a span of time such as 1h is expected")
	}
	p.at++
	value := e.value
	name := e.name
	return scalar{typ: Datetime, name: name, value: func(row int) any { return floorTime(value(row), time.Duration(count)*span) }}, p.expect(")")
}

// iff reads iff(condition, value, value).
func (p *parser) iff(r *relation) (scalar, error) {
	condition, err := p.condition(r)
	if err != nil {
		return condition, err
	}
	var values [2]scalar
	for i := range values {
		if err := p.expect(","); err != nil {
			return condition, err
		}
		begin := p.peek()
		if values[i], err = p.expression(r); err != nil {
			return condition, err
		}
		if values[i].typ != values[0].typ {
			return condition, fail(p.text, begin.at, begin.text, "both values of iff must be of one type, and are of %s and %s", values[0].typ, values[1].typ)
		}
	}
	return scalar{typ: values[0].typ, value: func(row int) any {
		if condition.value(row) == true {
			return values[0].value(row)
		}
		return values[1].value(row)
	}}, p.expect(")")
}

// extract reads extract(pattern, group, text): the part of the text that a group of the
// pattern matches, or "" (learn.microsoft.com/kusto/query/extract-function). Kusto and Go
// have the same patterns, those of RE2.
func (p *parser) extract(r *relation) (scalar, error) {
	t := p.take()
	if t.kind != tokenString {
		return scalar{}, fail(p.text, t.at, t.text, "a pattern is expected as a literal")
	}
	pattern, err := regexp.Compile(t.text)
	if err != nil {
		return scalar{}, fail(p.text, t.at, t.text, "the pattern cannot be read: %v", err)
	}
	if err := p.expect(","); err != nil {
		return scalar{}, err
	}
	at := p.peek()
	n, err := p.number("")
	if err != nil {
		return n, err
	}
	group, whole := n.value(0).(int64)
	if !whole || group > int64(pattern.NumSubexp()) {
		return n, fail(p.text, at.at, at.text, "the pattern has no such group")
	}
	if err := p.expect(","); err != nil {
		return n, err
	}
	begin := p.peek()
	e, err := p.expression(r)
	if err != nil {
		return e, err
	}
	if !textual(e.typ) {
		return e, fail(p.text, begin.at, begin.text, "a value of type %s is not accepted here", e.typ)
	}
	return scalar{typ: String, value: func(row int) any {
		if m := pattern.FindStringSubmatch(textOf(e.value(row))); m != nil {
			return m[group]
		}
		return ""
	}}, p.expect(")")
}

// ifExists reads column_ifexists('name', value).
func (p *parser) ifExists(r *relation) (scalar, error) {
	t := p.take()
	if t.kind != tokenString {
		return scalar{}, fail(p.text, t.at, t.text, "the name of a column is expected as a text")
	}
	if err := p.expect(","); err != nil {
		return scalar{}, err
	}
	e, err := p.expression(r)
	if err != nil {
		return e, err
	}
	if i := r.find(t.text); i >= 0 {
		e = scalar{typ: r.columns[i].Type, value: r.columns[i].get, name: t.text}
	}
	return e, p.expect(")")
}
