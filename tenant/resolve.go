// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// maxDepth is how deep declared scopes may lie in one another. Resource Manager has at
// most a dozen levels.
const maxDepth = 64

// at returns the scope of a statement: that of an attribute, else of a word.
func (b *builder) at(st *statement, key string, word int) (arm.ID, bool) {
	t, ok := b.one(st, key)
	if len(st.args) > word {
		if ok {
			if hint := didYouMean(st.args[word].text, st.spec.flags); hint != "" {
				b.reportAt(st.args[word], fmt.Sprintf("the word %q is not expected here", st.args[word].text), hint)
				return b.scope(t)
			}
			b.reportAt(t, fmt.Sprintf("the scope is given twice, here and as %q", st.args[word].text), "")
		}
		t, ok = st.args[word], true
	}
	if !ok {
		b.reportAt(st.keyword, fmt.Sprintf("%s needs a scope", st.keyword.text), fmt.Sprintf("write %q and a name or a resource ID", key))
		return arm.ID{}, false
	}
	return b.scope(t)
}

// optionalScope returns the scope of an attribute, zero where it is not given.
func (b *builder) optionalScope(st *statement, key string) arm.ID {
	t, ok := b.one(st, key)
	if !ok {
		return arm.ID{}
	}
	id, _ := b.scope(t)
	return id
}

// scopes returns the scopes of an attribute.
func (b *builder) scopeList(st *statement, key string) []arm.ID {
	a := st.attr(key)
	if a == nil {
		return nil
	}
	var list []arm.ID
	for _, t := range a.values {
		if id, ok := b.scope(t); ok && !id.IsZero() {
			list = append(list, id)
		}
	}
	return list
}

// scope returns the ID that a word means: a resource ID, a name, or a name and what lies
// below it. It is false after an error.
func (b *builder) scope(t token) (arm.ID, bool) { return b.scopeAt(t, 0) }

func (b *builder) scopeAt(t token, depth int) (arm.ID, bool) {
	switch {
	case t.none():
		return arm.ID{}, true
	case full(t.text):
		return b.parseID(t, t.text)
	}
	name, rest, below := strings.Cut(t.text, "/")
	d := b.scopes[arm.Fold(name)]
	if d == nil {
		b.reportAt(t, fmt.Sprintf("no scope has the name %q", name), b.scopeHint(name))
		return arm.ID{}, false
	}
	id, ok := b.idOf(d, depth)
	if !ok || !below {
		return id, ok
	}
	return b.parseID(t, id.String()+"/"+rest)
}

func (b *builder) scopeHint(name string) string {
	if hint := didYouMean(name, b.scopeNames()); hint != "" {
		return hint
	}
	return "declare it, or write its full resource ID"
}

func (b *builder) parseID(t token, text string) (arm.ID, bool) {
	id, err := arm.ParseID(text)
	if err != nil {
		b.reportAt(t, fmt.Sprintf("%q is no resource ID: %s", t.text, reason(err)), "")
		return arm.ID{}, false
	}
	return id, true
}

// reason returns what is wrong with a name, without repeating it.
func reason(err error) string {
	var e *arm.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
	}
	return err.Error()
}

// idOf works out the ID of a declared scope. Errors are reported once.
func (b *builder) idOf(d *scopeDecl, depth int) (arm.ID, bool) {
	switch {
	case d.state == declDone:
		return d.id, true
	case d.state == declBad:
		return arm.ID{}, false
	case d.state == declBusy || depth > maxDepth:
		b.reportAt(nameOf(d.st), fmt.Sprintf("%q lies in itself, or too deep", d.name), "")
		d.state = declBad
		return arm.ID{}, false
	}
	d.state = declBusy
	id, ok := b.newID(d.st, depth)
	if ok {
		ok = b.takeID(d, id)
	}
	d.id, d.state = id, declDone
	if !ok {
		d.id, d.state = arm.ID{}, declBad
	}
	return d.id, ok
}

// takeID notes that the ID is that of the declaration.
func (b *builder) takeID(d *scopeDecl, id arm.ID) bool {
	if other := b.ids[id.Key()]; other != nil {
		b.reportAt(nameOf(d.st), fmt.Sprintf("%s is already declared on line %d", id, other.st.keyword.line), "")
		return false
	}
	b.ids[id.Key()] = d
	return true
}

// newID returns the ID that a statement declares.
func (b *builder) newID(st *statement, depth int) (arm.ID, bool) {
	t := nameOf(st)
	given, hasID := b.one(st, "id")
	switch {
	case full(t.text):
		return b.ownLevel(st, t)
	case hasID && full(given.text):
		return b.ownLevel(st, given)
	case st.keyword.text == "mg":
		return b.parseID(t, "/providers/Microsoft.Management/managementGroups/"+b.textOr(st, "id", t.text))
	case st.keyword.text == "subscription":
		return b.parseID(t, "/subscriptions/"+b.textOr(st, "id", t.text))
	case hasID:
		b.reportAt(given, fmt.Sprintf("%q is no resource ID", given.text), `it begins with "/"`)
		return arm.ID{}, false
	}
	parent, ok := b.parentOf(st, depth)
	if !ok {
		return arm.ID{}, false
	}
	return b.below(st, parent)
}

// ownLevel reads a full ID and checks that it is one of the kind that the keyword names.
func (b *builder) ownLevel(st *statement, t token) (arm.ID, bool) {
	id, ok := b.parseID(t, t.text)
	if !ok {
		return id, false
	}
	want, level := "", id.Level()
	switch {
	case st.keyword.text == "mg" && level != arm.LevelManagementGroup:
		want = "a management group"
	case st.keyword.text == "subscription" && level != arm.LevelSubscription:
		want = "a subscription"
	case st.keyword.text == "rg" && level != arm.LevelResourceGroup:
		want = "a resource group"
	case st.alias != nil && arm.Fold(id.Type()) != arm.Fold(st.alias.typ):
		want = "a resource of type " + st.alias.typ
	case level == arm.LevelRoot:
		want = "a resource: it is the root of the tenant"
	}
	if want != "" {
		b.reportAt(t, fmt.Sprintf("the ID is not that of %s", want), "")
	}
	return id, want == ""
}

// parentOf returns the scope in which a declared one lies.
func (b *builder) parentOf(st *statement, depth int) (arm.ID, bool) {
	t, ok := b.one(st, "in")
	if !ok {
		b.reportAt(st.keyword, fmt.Sprintf("%s needs the scope in which it lies", st.keyword.text), `write "in" and its name`)
		return arm.ID{}, false
	}
	id, ok := b.scopeAt(t, depth+1)
	if ok && id.IsZero() {
		b.reportAt(t, fmt.Sprintf("%s lies in a scope", st.keyword.text), "")
		return arm.ID{}, false
	}
	return id, ok
}

// below returns the ID of a resource group or a resource in its parent.
func (b *builder) below(st *statement, parent arm.ID) (arm.ID, bool) {
	t, in := nameOf(st), st.attr("in").values[0]
	name := b.textOr(st, "name", t.text)
	var typ, want string
	switch {
	case st.keyword.text == "rg":
		if parent.Level() != arm.LevelSubscription {
			b.reportAt(in, "a resource group lies in a subscription", "")
			return arm.ID{}, false
		}
		return b.parseID(t, parent.String()+"/resourceGroups/"+name)
	case st.alias != nil:
		typ, want, name = st.alias.typ, st.alias.under, st.alias.prefix+name
	case len(st.args) < 2:
		b.reportAt(t, "the type is missing", "write resource TYPE NAME, or resource and a full resource ID")
		return arm.ID{}, false
	default:
		typ = st.args[0].text
	}
	if !b.fits(st, in, parent, want) {
		return arm.ID{}, false
	}
	text, err := childText(parent, typ, name)
	if err != nil {
		b.reportAt(t, err.Error(), "")
		return arm.ID{}, false
	}
	return b.parseID(t, text)
}

// fits checks that a resource named by a keyword lies where its type does.
func (b *builder) fits(st *statement, in token, parent arm.ID, under string) bool {
	switch {
	case st.alias == nil:
		return true
	case under == "" && parent.Level() != arm.LevelResourceGroup:
		b.reportAt(in, fmt.Sprintf("%s lies in a resource group, and %q is a %s", st.keyword.text, in.text, parent.Level()), "")
	case under != "" && arm.Fold(parent.Type()) != arm.Fold(under):
		b.reportAt(in, fmt.Sprintf("%s lies in a %s, and %q is a %s", st.keyword.text, under, in.text, parent.Type()), "")
	default:
		return true
	}
	return false
}

// childText returns the ID of a resource of a type in a parent: a child of its own type,
// else a resource of a provider below it. Several names are parted by "/".
func childText(parent arm.ID, typ, name string) (string, error) {
	under := string(arm.Fold(parent.Type())) + "/"
	var text strings.Builder
	text.WriteString(strings.TrimSuffix(parent.String(), "/"))
	types := strings.Split(typ, "/")
	if parent.Level() == arm.LevelResource && strings.HasPrefix(string(arm.Fold(typ)), under) {
		types = types[strings.Count(under, "/"):]
	} else {
		text.WriteString("/providers/" + types[0])
		types = types[1:]
	}
	parts := strings.Split(name, "/")
	if len(parts) != len(types) || len(types) == 0 {
		return "", fmt.Errorf("the type %s needs %d names in %s, and %d are given", typ, len(types), parent, len(parts))
	}
	for i := range types {
		text.WriteString("/" + types[i] + "/" + parts[i])
	}
	return text.String(), nil
}

// principalDecl returns the declared principal that a word means, or nil after an error.
func (b *builder) principalDecl(t token) *principalDecl {
	if mivet.IsGUID(t.text) {
		if d := b.byID[mivet.NewPrincipalID(t.text)]; d != nil {
			return d
		}
	}
	if full(t.text) {
		if id, ok := b.parseID(t, t.text); !ok {
			return nil
		} else if d := b.ids[id.Key()]; d != nil && d.holder != nil {
			return d.holder
		}
		b.reportAt(t, fmt.Sprintf("no managed identity is declared for %s", t.text), "")
		return nil
	}
	if d := b.principals[arm.Fold(t.text)]; d != nil {
		return d
	}
	hint := didYouMean(t.text, b.principalNames())
	if d := b.scopes[arm.Fold(t.text)]; hint == "" && d != nil {
		hint = fmt.Sprintf("%q is a scope without an identity; write system on line %d to give it one", t.text, d.st.keyword.line)
	}
	if hint == "" {
		hint = "declare it, or write its object ID"
	}
	b.reportAt(t, fmt.Sprintf("no principal has the name %q", t.text), hint)
	return nil
}

// principal returns the ID that a word means: a GUID, a literal, or a name. It is false
// after an error.
func (b *builder) principal(t token) (mivet.PrincipalID, bool) {
	if lit, ok := t.literal(); ok {
		return mivet.PrincipalID(lit), true
	}
	if mivet.IsGUID(t.text) {
		return mivet.NewPrincipalID(t.text), true
	}
	d := b.principalDecl(t)
	if d == nil {
		return "", false
	}
	if d.id == "" {
		b.reportAt(t, fmt.Sprintf("the principal of %q is not known", t.text), fmt.Sprintf("line %d says so", d.line))
		return "", false
	}
	return d.id, true
}

// principalList returns the principals of an attribute; the word everyone is one.
func (b *builder) principalList(st *statement, key string) []mivet.PrincipalID {
	a := st.attr(key)
	if a == nil || len(a.values) == 1 && a.values[0].none() {
		return nil
	}
	var list []mivet.PrincipalID
	for _, t := range a.values {
		if t.is("everyone") {
			list = append(list, mivet.Everyone)
		} else if id, ok := b.principal(t); ok {
			list = append(list, id)
		}
	}
	return list
}

// optionalPrincipal returns the principal of an attribute, "" where it is not given.
func (b *builder) optionalPrincipal(st *statement, key string) mivet.PrincipalID {
	t, ok := b.one(st, key)
	if !ok || t.none() {
		return ""
	}
	id, _ := b.principal(t)
	return id
}

// role returns the ID and the display name of the role that a word means; either may be
// empty where the text does not tell. It is false after an error.
func (b *builder) role(t token) (id mivet.RoleID, name string, ok bool) {
	if full(t.text) || mivet.IsGUID(t.text) {
		return mivet.NewRoleID(t.text), "", true
	}
	key := arm.Fold(t.text)
	if d := b.roles[key]; d != nil {
		return d.id, d.name, true
	}
	if d, declared := b.roleNames[key]; declared {
		if d == nil {
			b.reportAt(t, fmt.Sprintf("several roles have the name %q", t.text), "write the short name")
			return "", "", false
		}
		return d.id, d.name, true
	}
	if b.o.Role == nil {
		return "", t.text, true
	}
	if id, found := b.o.Role(t.text); found {
		return id, t.text, true
	}
	hint := didYouMean(t.text, slices.Concat(b.o.RoleNames, b.declaredRoles()))
	b.reportAt(t, fmt.Sprintf("there is no role %q, neither in this text nor built in", t.text), hint)
	return "", "", false
}

// roleID returns the ID of the role that a word means, where no name can stand for it.
func (b *builder) roleID(t token) (mivet.RoleID, bool) {
	if lit, ok := t.literal(); ok {
		return mivet.RoleID(lit), true
	}
	id, name, ok := b.role(t)
	if ok && id == "" {
		b.reportAt(t, fmt.Sprintf("the ID of the role %q is not known here", name), "write its GUID")
		return "", false
	}
	return id, ok
}

// The names that are declared, for hints.
func (b *builder) scopeNames() (list []string) {
	for _, d := range b.scopes {
		list = append(list, d.name)
	}
	return list
}

func (b *builder) principalNames() (list []string) {
	for _, d := range b.principals {
		list = append(list, d.name)
	}
	return list
}

func (b *builder) declaredRoles() (list []string) {
	for _, d := range b.roleIDs {
		list = append(list, d.name)
	}
	return list
}
