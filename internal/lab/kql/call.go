// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// function is a scalar function: what it takes, what it returns, and how.
type function struct {
	takes [][]Type // per argument; nil: any type
	typ   Type
	do    func(args []any) any
	// more says that the last argument may be there again and again.
	more bool
}

var (
	texts   = []Type{String, Dynamic}
	anyType []Type
)

var functions = map[string]function{
	"tostring":     {takes: [][]Type{anyType}, typ: String, do: func(a []any) any { return textOf(a[0]) }},
	"tolower":      {takes: [][]Type{texts}, typ: String, do: func(a []any) any { return strings.ToLower(textOf(a[0])) }},
	"toupper":      {takes: [][]Type{texts}, typ: String, do: func(a []any) any { return strings.ToUpper(textOf(a[0])) }},
	"tobool":       {takes: [][]Type{anyType}, typ: Bool, do: func(a []any) any { return toBool(a[0]) }},
	"toint":        {takes: [][]Type{anyType}, typ: Long, do: func(a []any) any { return toLong(a[0]) }},
	"tolong":       {takes: [][]Type{anyType}, typ: Long, do: func(a []any) any { return toLong(a[0]) }},
	"todatetime":   {takes: [][]Type{texts}, typ: Datetime, do: func(a []any) any { return toTime(a[0]) }},
	"isnull":       {takes: [][]Type{anyType}, typ: Bool, do: func(a []any) any { return a[0] == nil }},
	"isnotnull":    {takes: [][]Type{anyType}, typ: Bool, do: func(a []any) any { return a[0] != nil }},
	"isempty":      {takes: [][]Type{anyType}, typ: Bool, do: func(a []any) any { return textOf(a[0]) == "" }},
	"isnotempty":   {takes: [][]Type{anyType}, typ: Bool, do: func(a []any) any { return textOf(a[0]) != "" }},
	"not":          {takes: [][]Type{{Bool}}, typ: Bool, do: func(a []any) any { return not(a[0]) }},
	"strlen":       {takes: [][]Type{texts}, typ: Long, do: func(a []any) any { return int64(len([]rune(textOf(a[0])))) }},
	"array_length": {takes: [][]Type{{Dynamic}}, typ: Long, do: func(a []any) any { return length(a[0]) }},
	"startofday":   {takes: [][]Type{{Datetime}}, typ: Datetime, do: func(a []any) any { return floorTime(a[0], 24*time.Hour) }},
	"coalesce":     {takes: [][]Type{{String}}, typ: String, do: firstText, more: true},
	"strcat":       {takes: [][]Type{anyType}, typ: String, do: joined, more: true},
}

func toBool(v any) any {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b
		}
	}
	if n, isNumber := numberOf(v); isNumber {
		return n != 0
	}
	return nil
}

func toLong(v any) any {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	return nil
}

// toTime reads a time; one that cannot be read is null.
func toTime(v any) any {
	s := textOf(v)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format("2006-01-02T15:04:05.0000000Z")
		}
	}
	return nil
}

func not(v any) any {
	if b, isBool := v.(bool); isBool {
		return !b
	}
	return v // null, or a comparison that has no answer
}

func length(v any) any {
	if list, isList := v.([]any); isList {
		return int64(len(list))
	}
	return nil
}

// call reads a call of a function.
func (p *parser) call(r *relation) (scalar, error) {
	t := p.take()
	f, known := functions[t.text]
	if !known && special(t.text) == nil {
		return scalar{}, fail(p.text, t.at, t.text, "the function %q is not supported", t.text)
	}
	p.at++ // the parenthesis
	if read := special(t.text); read != nil {
		return read(p, r)
	}
	args, err := p.arguments(r, f)
	if err != nil {
		return scalar{}, err
	}
	if len(args) != len(f.takes) && !(f.more && len(args) > len(f.takes)) {
		return scalar{}, fail(p.text, t.at, t.text, "%s takes %d arguments and has %d", t.text, len(f.takes), len(args))
	}
	name := ""
	if t.text == "tostring" {
		name = args[0].name
	}
	return p.path(scalar{typ: f.typ, name: name, value: func(row int) any {
		values := make([]any, len(args))
		for i := range args {
			values[i] = args[i].value(row)
		}
		return f.do(values)
	}})
}

func (p *parser) arguments(r *relation, f function) ([]scalar, error) {
	var args []scalar
	for !p.accept(")") {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		begin := p.peek()
		e, err := p.expression(r)
		if err != nil {
			return nil, err
		}
		n := len(args)
		if f.more {
			n = min(n, len(f.takes)-1)
		}
		if n < len(f.takes) && f.takes[n] != nil && !slices.Contains(f.takes[n], e.typ) {
			return nil, fail(p.text, begin.at, begin.text, "a value of type %s is not accepted here", e.typ)
		}
		args = append(args, e)
	}
	return args, nil
}

// datetime reads a literal: the text up to the parenthesis, in quotes or not.
func (p *parser) datetime(*relation) (scalar, error) {
	begin := p.peek()
	text := begin.text
	if begin.kind == tokenString {
		p.at++
	} else {
		from := begin.at
		for !p.peek().is(")") && p.peek().kind != tokenEnd {
			p.at++
		}
		text = strings.TrimSpace(p.text[from:p.peek().at])
	}
	v := toTime(text)
	if v == nil {
		return scalar{}, fail(p.text, begin.at, text, "%q is no time", text)
	}
	return literal(Datetime, v), p.expect(")")
}
