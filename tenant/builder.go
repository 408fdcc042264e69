// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Options say what a reader of texts knows beside the text.
type Options struct {
	// Role finds a built-in role by its display name. If it is nil, an assignment of a role
	// that the text does not declare keeps the name and has no ID.
	Role func(name string) (mivet.RoleID, bool)
	// RoleNames are the names that Role knows, for the hint after a misspelt one.
	RoleNames []string
	// Comment is called for each comment, with its text without the "#" and the blanks
	// around it. The line is that of the statement in which the comment stands, which is
	// the line of the fact's Source; else its own.
	Comment func(line int, text string)
}

// Parse reads a text. Its name becomes the file of every [mivet.Source]. After a mistake
// in the text it returns [Errors] and no snapshot; another error is that of the reader.
func Parse(name string, r io.Reader, o Options) (*mivet.Snapshot, error) {
	p := &parser{scanner: newScanner(r), file: name}
	p.fail, p.comment = p.report, o.Comment
	if err := p.parse(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errStop) {
		return nil, fmt.Errorf("reading tenant text %s: %w", name, err)
	}
	b := newBuilder(p, o)
	for _, st := range p.statements {
		st.spec.declare(b, st)
	}
	for _, st := range p.statements {
		if st.decl != nil {
			b.idOf(st.decl, 0)
		}
	}
	for _, st := range p.statements {
		if len(p.errs) >= MaxErrors {
			break
		}
		st.spec.build(b, st)
	}
	b.checkGroups()
	if len(p.errs) > 0 {
		slices.SortStableFunc(p.errs, func(x, y *Error) int { return x.Line - y.Line })
		return nil, p.errs
	}
	return b.s, nil
}

// Is reports whether a text with these first bytes is a tenant text: its first statements
// begin with known keywords. A text that begins with "tenant NAME" always is one.
func Is(head []byte) bool {
	s := newScanner(strings.NewReader(string(head)))
	ok := true
	s.fail = func(int, int, string, string) { ok = false }
	statements := 0
	for statements < 3 {
		tokens, err := s.next()
		if err != nil || !ok {
			break // the head may end within a statement
		}
		if len(tokens) == 0 {
			continue
		}
		t := tokens[0]
		if t.sign != 0 || !t.bare || specOf(t.text, aliasOf(t.text)) == nil || len(tokens) == 1 || tokens[1].sign != 0 {
			return false
		}
		statements++
		if t.text == "tenant" || tokens[len(tokens)-1].sign == '{' {
			break
		}
	}
	return statements > 0
}

// A scopeDecl is a declared scope. Its ID is worked out when it is first asked for, since
// what it lies in may be declared later.
type scopeDecl struct {
	st     *statement
	name   string
	id     arm.ID
	state  declState
	holder *principalDecl
}

type declState uint8

const (
	declNew declState = iota
	declBusy
	declDone
	declBad
)

// A principalDecl is a declared principal.
type principalDecl struct {
	line int
	// name is the word by which it is declared.
	name   string
	id     mivet.PrincipalID
	client string
	typ    mivet.PrincipalType
	// weak is true where only a resource names the principal: others may declare it.
	weak bool
}

// A roleDecl is a declared role.
type roleDecl struct {
	line int
	id   mivet.RoleID
	name string
}

// A builder makes the facts of a snapshot from statements.
type builder struct {
	*parser
	o      Options
	origin *mivet.Origin
	s      *mivet.Snapshot

	tenant     *statement
	scopes     map[arm.Key]*scopeDecl // by name
	ids        map[arm.Key]*scopeDecl // by ID, as far as worked out
	principals map[arm.Key]*principalDecl
	byID       map[mivet.PrincipalID]*principalDecl
	roles      map[arm.Key]*roleDecl // by short name
	roleNames  map[arm.Key]*roleDecl // by display name; nil: several
	roleIDs    map[mivet.RoleID]*roleDecl
	localRoles map[arm.Key]*mivet.LocalRole
	derived    map[string]int
}

func newBuilder(p *parser, o Options) *builder {
	return &builder{
		parser: p, o: o, origin: &mivet.Origin{File: p.file}, s: &mivet.Snapshot{Inputs: []string{p.file}},
		scopes: map[arm.Key]*scopeDecl{}, ids: map[arm.Key]*scopeDecl{},
		principals: map[arm.Key]*principalDecl{}, byID: map[mivet.PrincipalID]*principalDecl{},
		roles: map[arm.Key]*roleDecl{}, roleNames: map[arm.Key]*roleDecl{}, roleIDs: map[mivet.RoleID]*roleDecl{},
		localRoles: map[arm.Key]*mivet.LocalRole{}, derived: map[string]int{},
	}
}

func (b *builder) declareNothing(*statement) {}

func (b *builder) buildNothing(*statement) {}

func (b *builder) source(st *statement) mivet.Source {
	return mivet.Source{Origin: b.origin, Line: st.keyword.line}
}

// one returns the value of an attribute that takes a single one.
func (b *builder) one(st *statement, key string) (token, bool) {
	a := st.attr(key)
	if a == nil {
		return token{}, false
	}
	if len(a.values) > 1 {
		b.reportAt(a.values[1], fmt.Sprintf("%q takes one value", key), "quote a text that holds a comma")
		return token{}, false
	}
	return a.values[0], true
}

// text returns the value of an attribute, "" where it is not given.
func (b *builder) text(st *statement, key string) string { return b.textOr(st, key, "") }

// textOr returns the value of an attribute, or what stands for it where it is not given.
func (b *builder) textOr(st *statement, key, otherwise string) string {
	t, ok := b.one(st, key)
	if !ok {
		return otherwise
	}
	return b.value(t)
}

// texts returns the values of an attribute. An empty one stands for none.
func (b *builder) texts(st *statement, key string) []string {
	a := st.attr(key)
	if a == nil || len(a.values) == 1 && (a.values[0].text == "" || a.values[0].none()) {
		return nil
	}
	var list []string
	for _, t := range a.values {
		list = append(list, b.value(t))
	}
	return list
}

// value returns what a word stands for as a value.
func (b *builder) value(t token) string {
	if t.none() {
		return ""
	}
	if t.bare && strings.HasPrefix(t.text, "$") {
		return b.reference(t)
	}
	return t.text
}

// reference returns what "$client:NAME", "$principal:NAME" and "$id:NAME" stand for.
func (b *builder) reference(t token) string {
	kind, name, _ := strings.Cut(t.text[1:], ":")
	at := t
	at.text = name
	at.column += len(kind) + 2
	switch kind {
	case "id":
		id, _ := b.scope(at)
		return id.String()
	case "principal":
		id, _ := b.principal(at)
		return string(id)
	case "client":
		d := b.principalDecl(at)
		if d == nil {
			return ""
		}
		return d.client
	}
	b.reportAt(t, fmt.Sprintf("%q refers to nothing", t.text), "write $id:NAME, $client:NAME or $principal:NAME, or quote the text")
	return ""
}

// time returns the time of an attribute, zero where it is not given.
func (b *builder) time(st *statement, key string) time.Time {
	t, ok := b.one(st, key)
	if !ok || t.none() {
		return time.Time{}
	}
	for _, layout := range [...]string{time.DateOnly, time.RFC3339Nano} {
		if at, err := time.Parse(layout, t.text); err == nil {
			return at.UTC()
		}
	}
	b.reportAt(t, fmt.Sprintf("%q is no time", t.text), "write 2026-11-20 or 2026-11-20T08:00:00Z")
	return time.Time{}
}

// oneOf checks a closed word; one after "@" is taken as it is.
func (b *builder) oneOf(t token, what string, known ...string) string {
	if lit, ok := t.literal(); ok {
		return lit
	}
	if !slices.Contains(known, t.text) {
		hint := didYouMean(t.text, known)
		if hint == "" {
			hint = "known are: " + strings.Join(known, ", ")
		}
		b.reportAt(t, fmt.Sprintf("there is no %s %q", what, t.text), hint)
	}
	return t.text
}

// pairs returns the attributes that begin with a prefix, without it.
func (b *builder) pairs(st *statement, prefix string) map[string]string {
	var m map[string]string
	for _, a := range st.attrs {
		key, ok := strings.CutPrefix(a.key.text, prefix)
		if !ok {
			continue
		}
		if t, ok := b.one(st, a.key.text); ok {
			if m == nil {
				m = map[string]string{}
			}
			m[key] = b.value(t)
		}
	}
	return m
}
