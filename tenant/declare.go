// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// deriveGUID returns the GUID that stands for a name where the text gives none: the same
// one in every run. It has the form of a UUID of version 8.
func deriveGUID(kind, name string) string {
	sum := sha256.Sum256([]byte("mivet tenant text\n" + kind + "\n" + string(arm.Fold(name))))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (b *builder) declareTenant(st *statement) {
	if b.tenant != nil {
		b.reportAt(st.keyword, fmt.Sprintf("the tenant is already named on line %d", b.tenant.keyword.line), "")
		return
	}
	b.tenant = st
	name := st.args[0].text
	id := name
	if !mivet.IsGUID(name) {
		id = deriveGUID("tenant", name)
	}
	b.s.TenantID = b.textOr(st, "id", id)
	b.s.TakenAt = b.time(st, "taken")
}

// nameOf returns the token that names what a statement declares.
func nameOf(st *statement) token { return st.args[len(st.args)-1] }

// full reports whether a name is a full resource ID.
func full(name string) bool { return strings.HasPrefix(name, "/") }

// checkName refuses names that could not be referred to.
func (b *builder) checkName(t token) bool {
	switch {
	case t.text == "":
		b.reportAt(t, "the name is empty", "")
	case strings.Contains(t.text, "/"):
		b.reportAt(t, fmt.Sprintf(`the name %q holds "/"`, t.text), `give the name in Azure with name="…"`)
	case t.bare && (strings.HasPrefix(t.text, "$") || strings.HasPrefix(t.text, "@")), t.none(), t.is("everyone"):
		b.reportAt(t, fmt.Sprintf("the name %q has a meaning of its own", t.text), "")
	default:
		return true
	}
	return false
}

func (b *builder) duplicate(t token, line int) {
	b.reportAt(t, fmt.Sprintf("%q is already declared on line %d", t.text, line), `another name in Azure is given with name="…"`)
}

func (b *builder) declareScope(st *statement) {
	t := nameOf(st)
	d := &scopeDecl{st: st, name: t.text}
	st.decl = d
	if full(t.text) {
		return
	}
	if !b.checkName(t) {
		d.state = declBad
		return
	}
	if other := b.scopes[arm.Fold(t.text)]; other != nil {
		b.duplicate(t, other.st.keyword.line)
		d.state = declBad
		return
	}
	b.scopes[arm.Fold(t.text)] = d
}

func (b *builder) declareResource(st *statement) {
	b.declareScope(st)
	isIdentity := st.keyword.text == identityKeyword
	if st.has("system") || st.attr("system-principal") != nil || isIdentity {
		st.holder = b.declareHolder(st, isIdentity)
		st.decl.holder = st.holder
	}
	for _, key := range [...]string{"principal", "client"} {
		if a := st.attr(key); a != nil && !isIdentity && !st.has("system") {
			b.reportAt(a.key, fmt.Sprintf("%q needs a managed identity", key), "write system before it")
		}
	}
}

// declareHolder makes the principal of a managed identity known.
func (b *builder) declareHolder(st *statement, isIdentity bool) *principalDecl {
	d := &principalDecl{line: st.keyword.line, name: nameOf(st).text, typ: mivet.TypeServicePrincipal}
	key := "principal"
	if st.attr("system-principal") != nil {
		key, d.weak = "system-principal", true
		if st.has("system") || isIdentity {
			b.reportAt(st.attr(key).key, "a resource has either system or system-principal", "")
		}
	}
	d.id = b.principalID(st, key, d.name)
	d.client = b.textOr(st, "client", deriveGUID("client", d.name))
	b.addPrincipal(d, nameOf(st))
	return d
}

// principalID returns the ID that an attribute gives, else the derived one.
func (b *builder) principalID(st *statement, key, seed string) mivet.PrincipalID {
	t, ok := b.one(st, key)
	if !ok {
		return mivet.PrincipalID(deriveGUID("principal", seed))
	}
	lit, isLiteral := t.literal()
	switch {
	case isLiteral:
		return mivet.PrincipalID(lit)
	case mivet.IsGUID(t.text):
		return mivet.NewPrincipalID(t.text)
	case !t.none():
		b.reportAt(t, fmt.Sprintf("%q is no GUID", t.text), "another text is written after @")
	}
	return ""
}

func (b *builder) declarePrincipal(st *statement) {
	t := nameOf(st)
	d := &principalDecl{line: st.keyword.line, name: t.text}
	st.holder = d
	lit, isLiteral := t.literal()
	switch {
	case isLiteral:
		d.id = mivet.PrincipalID(lit)
	case mivet.IsGUID(t.text):
		d.id = mivet.NewPrincipalID(t.text)
	case !b.checkName(t):
		return
	default:
		d.id = b.principalID(st, "id", t.text)
	}
	switch st.keyword.text {
	case "user":
		d.typ = mivet.TypeUser
	case "group":
		d.typ = mivet.TypeGroup
	case "sp":
		d.typ = mivet.TypeServicePrincipal
	case "principal":
		d.typ = b.principalType(st, "")
	}
	otherwise := ""
	if d.typ == mivet.TypeServicePrincipal {
		otherwise = deriveGUID("client", t.text)
	}
	d.client = b.textOr(st, "client", otherwise)
	b.addPrincipal(d, t)
}

// addPrincipal makes a principal known by its name, if it has one, and by its ID.
func (b *builder) addPrincipal(d *principalDecl, t token) {
	if _, isLiteral := t.literal(); !full(t.text) && !isLiteral && !mivet.IsGUID(t.text) {
		key := arm.Fold(t.text)
		if other := b.principals[key]; other == nil || other.weak {
			b.principals[key] = d
		} else if !d.weak {
			b.duplicate(t, other.line)
			return
		}
	}
	if other := b.byID[d.id]; d.id == "" || other != nil && d.weak {
		return
	} else if other != nil && !other.weak {
		b.reportAt(t, fmt.Sprintf("the principal %s is already declared on line %d", d.id, other.line), "")
		return
	}
	b.byID[d.id] = d
}

var principalTypes = []string{
	string(mivet.TypeUser), string(mivet.TypeGroup), string(mivet.TypeServicePrincipal), string(mivet.TypeForeignGroup),
	string(mivet.TypeDevice), string(mivet.TypeAgentPrincipal), string(mivet.TypeAgentUser),
}

func (b *builder) principalType(st *statement, otherwise mivet.PrincipalType) mivet.PrincipalType {
	t, ok := b.one(st, "type")
	switch {
	case !ok:
		return otherwise
	case t.none():
		return ""
	default:
		return mivet.PrincipalType(b.oneOf(t, "type of principals", principalTypes...))
	}
}

func (b *builder) declareRole(st *statement) {
	t := nameOf(st)
	d := &roleDecl{line: st.keyword.line, name: t.text}
	switch {
	case mivet.IsGUID(t.text):
		d.id, d.name = mivet.NewRoleID(t.text), ""
	case !b.checkName(t):
		return
	default:
		d.id = mivet.NewRoleID(b.textOr(st, "id", deriveGUID("role", t.text)))
		if other := b.roles[arm.Fold(t.text)]; other != nil {
			b.duplicate(t, other.line)
			return
		}
		b.roles[arm.Fold(t.text)] = d
	}
	if other := b.roleIDs[d.id]; other != nil {
		b.reportAt(t, fmt.Sprintf("the role %s is already declared on line %d", d.id, other.line), "")
		return
	}
	b.roleIDs[d.id] = d
	d.name = b.textOr(st, "name", d.name)
	name := arm.Fold(d.name)
	if _, several := b.roleNames[name]; several {
		d = nil
	}
	b.roleNames[name] = d
}
