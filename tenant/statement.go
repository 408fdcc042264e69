// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A spec is what may stand in a statement.
type spec struct {
	// args names the words that follow the keyword; those in brackets may be left out, and
	// "…" allows more of the last.
	args string
	// keys and flags are the attributes, and the attributes without a value.
	keys, flags []string
	// open allows the attributes tag.… and .….
	open bool
	// items are the statements of a block; nil: no block.
	items map[string]*spec
	// declare makes the names known, build adds the facts; in this order for all
	// statements.
	declare, build func(*builder, *statement)
}

const unlimited = 1 << 30

// bounds returns how many words may follow the keyword.
func (p *spec) bounds() (least, most int) {
	for f := range strings.FieldsSeq(p.args) {
		switch {
		case f == "…":
			return least, unlimited
		case f[0] != '[':
			least++
		}
		most++
	}
	return least, most
}

// An attribute is key=value,value….
type attribute struct {
	key    token
	values []token
}

// A statement is one statement of a text.
type statement struct {
	keyword token
	spec    *spec
	alias   *alias
	args    []token
	attrs   []attribute
	flags   []token
	items   []*statement
	// decl and holder are what the statement declares: a scope, a principal.
	decl   *scopeDecl
	holder *principalDecl
}

// prepositions are attributes that need no sign.
var prepositions = []string{"in", "at", "on", "of"}

func (st *statement) attr(key string) *attribute {
	for i := range st.attrs {
		if st.attrs[i].key.text == key {
			return &st.attrs[i]
		}
	}
	return nil
}

func (st *statement) has(flag string) bool {
	return slices.ContainsFunc(st.flags, func(t token) bool { return t.text == flag })
}

// A parser collects the statements of a text.
type parser struct {
	*scanner
	file       string
	errs       Errors
	statements []*statement
}

// report adds an error; those after the last one that is collected are dropped.
func (p *parser) report(line, column int, message, hint string) {
	if len(p.errs) < MaxErrors {
		p.errs = append(p.errs, &Error{File: p.file, Line: line, Column: column, Message: message, Hint: hint})
	}
}

func (p *parser) reportAt(t token, message, hint string) { p.report(t.line, t.column, message, hint) }

// parse reads all statements. The error is that of the reader.
func (p *parser) parse() error {
	for len(p.errs) < MaxErrors {
		tokens, err := p.next()
		if err != nil {
			return err
		}
		if len(tokens) == 0 {
			continue
		}
		st := p.statement(tokens)
		if opened := tokens[len(tokens)-1]; opened.sign == '{' {
			if err := p.block(st, opened); err != nil {
				return err
			}
		}
		if st != nil {
			p.statements = append(p.statements, st)
		}
	}
	return nil
}

// statement reads the tokens of one statement; nil after an error that leaves nothing.
func (p *parser) statement(tokens []token) *statement {
	st := &statement{keyword: tokens[0]}
	if !p.identify(st) {
		return nil
	}
	rest := tokens[1:]
	if n := len(rest); n > 0 && rest[n-1].sign == '{' {
		rest = rest[:n-1]
	}
	return p.fill(st, rest)
}

// fill reads what follows the keyword.
func (p *parser) fill(st *statement, rest []token) *statement {
	least, most := st.spec.bounds()
	for len(rest) > 0 {
		t := rest[0]
		next := 1
		switch {
		case t.sign == ',' && most == unlimited && len(st.args) > 0:
		case t.sign != 0:
			p.reportAt(t, fmt.Sprintf("%q is not expected here", t.text), `quote a text that holds it: "…"`)
			return nil
		case len(rest) > 1 && rest[1].sign == '=':
			next += 1 + p.attribute(st, t, rest[2:])
		case len(st.args) >= least && t.bare && slices.Contains(prepositions, t.text):
			next += p.attribute(st, t, rest[1:])
		case len(st.args) >= least && t.bare && slices.Contains(st.spec.flags, t.text):
			st.flags = append(st.flags, t)
		case len(st.args) < most:
			st.args = append(st.args, t)
		default:
			p.unexpected(st, t)
		}
		rest = rest[next:]
	}
	if len(st.args) < least {
		p.reportAt(st.keyword, fmt.Sprintf("%s needs %s", st.keyword.text, st.spec.args), "")
		return nil
	}
	return st
}

// identify finds what the keyword means.
func (p *parser) identify(st *statement) bool {
	t := st.keyword
	if t.sign != 0 || !t.bare {
		p.reportAt(t, fmt.Sprintf("a statement begins with a keyword, not with %q", t.text), "")
		return false
	}
	st.alias = aliasOf(t.text)
	st.spec = specOf(t.text, st.alias)
	if st.spec == nil {
		p.reportAt(t, fmt.Sprintf("there is no statement %q", t.text), didYouMean(t.text, keywords()))
		return false
	}
	return true
}

// attribute reads the values of an attribute and returns how many tokens they are.
func (p *parser) attribute(st *statement, key token, rest []token) int {
	a := attribute{key: key}
	n := 0
	for ; n < len(rest); n++ {
		if expectWord := n%2 == 0; expectWord != (rest[n].sign == 0) || !expectWord && rest[n].sign != ',' {
			break
		}
		if rest[n].sign == 0 {
			a.values = append(a.values, rest[n])
		}
	}
	switch {
	case len(a.values) == 0 || n%2 == 0:
		p.reportAt(key, fmt.Sprintf("a value is expected after %q", key.text), "")
	case st.attr(key.text) != nil:
		p.reportAt(key, fmt.Sprintf("%q is given twice", key.text), "")
	case !st.spec.allows(key.text):
		p.reportAt(key, fmt.Sprintf("%s has no attribute %q", st.keyword.text, key.text), didYouMean(key.text, st.spec.keys))
	default:
		st.attrs = append(st.attrs, a)
	}
	return n
}

func (p *spec) allows(key string) bool {
	if p.open && (strings.HasPrefix(key, "tag.") || strings.HasPrefix(key, ".")) {
		return true
	}
	return slices.Contains(p.keys, key)
}

func (p *parser) unexpected(st *statement, t token) {
	hint := didYouMean(t.text, slices.Concat(st.spec.flags, prepositions))
	if hint == "" && !t.bare {
		hint = "write key=value"
	}
	p.reportAt(t, fmt.Sprintf("the word %q is not expected here", t.text), hint)
}

// block reads the lines up to the closing brace. st is nil where the head was wrong: the
// block is skipped then.
func (p *parser) block(st *statement, opened token) error {
	if st != nil && st.spec.items == nil {
		p.reportAt(opened, fmt.Sprintf("%s has no block", st.keyword.text), "")
		st = nil
	}
	p.owner = opened.line
	if st != nil {
		p.owner = st.keyword.line
	}
	defer func() { p.owner = 0 }()
	for len(p.errs) < MaxErrors {
		tokens, err := p.next()
		if err != nil {
			p.reportAt(opened, "the closing } is missing", "")
			return err
		}
		if len(tokens) == 0 {
			continue
		}
		if tokens[0].sign == '}' {
			if len(tokens) > 1 {
				p.reportAt(tokens[1], "nothing may follow } on its line", "")
			}
			return nil
		}
		if st != nil {
			p.item(st, tokens)
		}
	}
	return nil
}

// item reads one line of a block.
func (p *parser) item(st *statement, tokens []token) {
	t := tokens[0]
	if itemSpec := st.spec.items[t.text]; itemSpec != nil && t.sign == 0 && t.bare {
		if it := p.fill(&statement{keyword: t, spec: itemSpec}, tokens[1:]); it != nil {
			st.items = append(st.items, it)
		}
		return
	}
	known := slices.Sorted(maps.Keys(st.spec.items))
	hint := didYouMean(t.text, known)
	if hint == "" {
		hint = "expected is one of: " + strings.Join(known, ", ")
	}
	p.reportAt(t, fmt.Sprintf("%q is not expected in the block of %s", t.text, st.keyword.text), hint)
}
