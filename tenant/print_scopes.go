// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func (p *printer) header() {
	l := new(line).add("tenant")
	switch id := p.s.TenantID; {
	case id == "":
		l.add("unnamed", "id=none")
	case mivet.IsGUID(id):
		l.add(id)
	default:
		l.add("unnamed").quoted("id", id)
	}
	p.print(l.time("taken", p.s.TakenAt))
}

// named begins the statement of a scope above resources: its name, then id= and name=
// where they do not follow from it.
func (p *printer) named(keyword, prefix string, id arm.ID, name string, parent arm.ID) *line {
	short := p.scopeNames[id.String()]
	l := new(line).add(keyword, quote(short))
	if !parent.IsZero() {
		l.add("in", p.scope(parent))
	}
	if rest, ok := strings.CutPrefix(id.String(), prefix); ok && rest != "none" {
		l.unless("id", rest, short)
	} else {
		l.quoted("id", id.String())
	}
	return l.unless("name", name, p.shown(short))
}

// shown returns the name in Azure that a reader takes for granted.
func (p *printer) shown(short string) string {
	if mivet.IsGUID(short) {
		return ""
	}
	return short
}

func (p *printer) groups() {
	for i, g := range p.s.ManagementGroups {
		switch {
		case g.ID.IsZero():
			p.noID("management group", i, g.Source)
		case p.lastScope(g.ID, i):
			p.print(p.named("mg", "/providers/Microsoft.Management/managementGroups/", g.ID, g.Name, g.Parent))
		}
	}
}

func (p *printer) subscriptions() {
	for i, s := range p.s.Subscriptions {
		switch {
		case s.ID.IsZero():
			p.noID("subscription", i, s.Source)
		case p.lastScope(s.ID, i):
			p.print(p.named("subscription", "/subscriptions/", s.ID, s.Name, s.Parent).pairs("tag.", s.Tags))
		}
	}
}

func (p *printer) resources() {
	for i := range p.s.Resources {
		r := &p.s.Resources[i]
		switch {
		case r.ID.IsZero():
			p.noID("resource", i, r.Source)
		case p.lastScope(r.ID, i):
			p.print(p.resource(r, p.shorthand[i]))
		}
	}
}

func (p *printer) resource(r *mivet.Resource, own *mivet.Identity) *line {
	var d mivet.Detail
	if r.Detail != nil {
		d = *r.Detail
	}
	short := p.scopeNames[r.ID.String()]
	l, kind := p.head(r, d.Kind, short, own)
	p.attach(l, r, short, own)
	l.unless("kind", d.Kind, kind).quoted("location", r.Location)
	if !d.ManagedBy.IsZero() {
		l.attr("managed-by", p.scope(d.ManagedBy))
	}
	return l.pairs("tag.", d.Tags).pairs(".", d.Settings)
}

// head writes keyword, name and place of a resource, and returns the kind that the keyword
// stands for. What cannot be said in names is written with the full ID.
func (p *printer) head(r *mivet.Resource, kind, short string, own *mivet.Identity) (*line, string) {
	name, parent := quote(short), r.ID.Parent()
	in := func(l *line) *line {
		return l.add("in", p.scope(parent)).unless("name", r.ID.Name(), short)
	}
	if p.isGroup(r) {
		return in(new(line).add("rg", name)), ""
	}
	a := aliasFor(r.ID.Type(), kind)
	if a != nil && a.keyword == identityKeyword && own == nil {
		a = nil
	}
	if a != nil {
		for range strings.Count(a.prefix, "/") {
			parent = parent.Parent()
		}
		fits := a.under == "" && parent.Level() == arm.LevelResourceGroup || a.under != "" && arm.Fold(parent.Type()) == arm.Fold(a.under)
		if text, err := childText(parent, a.typ, a.prefix+r.ID.Name()); err == nil && fits && text == r.ID.String() {
			return in(new(line).add(a.keyword, name)), a.kind
		}
		parent = r.ID.Parent()
	}
	if text, err := childText(parent, r.ID.Type(), r.ID.Name()); err == nil && text == r.ID.String() && parent.Level() >= arm.LevelResourceGroup {
		return in(new(line).add("resource", quote(r.ID.Type()), name)), ""
	}
	keyword := "resource"
	if own != nil && own.Kind == mivet.UserAssigned {
		keyword = identityKeyword
	}
	return new(line).add(keyword, name).quoted("id", r.ID.String()), ""
}

// isGroup reports whether the resource can be written by the keyword rg.
func (p *printer) isGroup(r *mivet.Resource) bool {
	return r.ID.Level() == arm.LevelResourceGroup && r.Identity == nil &&
		r.ID.String() == r.ID.Parent().String()+"/resourceGroups/"+r.ID.Name()
}

func (p *printer) attach(l *line, r *mivet.Resource, short string, own *mivet.Identity) {
	if own != nil {
		l.flag(own.Kind == mivet.SystemAssigned, "system")
		p.holderID(l, "principal", own.Principal, short)
		l.unless("client", own.ClientID, deriveGUID("client", short))
	}
	if r.Identity == nil {
		return
	}
	if own == nil && r.Identity.System {
		p.holderID(l, "system-principal", r.Identity.SystemPrincipal, "")
	}
	var user []string
	for _, u := range r.Identity.User {
		user = append(user, p.scope(u))
	}
	l.attr("user", strings.Join(user, ","))
}

// holderID writes a principal's ID where it does not follow from the name.
func (p *printer) holderID(l *line, key string, id mivet.PrincipalID, name string) {
	switch {
	case name != "" && string(id) == deriveGUID("principal", name):
	case id == "":
		l.attr(key, "none")
	default:
		l.attr(key, principalText(id))
	}
}

func (p *printer) identities() {
	for i := range p.s.Identities {
		if p.ownIdentity[i] {
			continue
		}
		id := &p.s.Identities[i]
		l := new(line).add("system-identity")
		if id.Kind == mivet.UserAssigned {
			l = new(line).add("user-identity")
		}
		l.add("of", p.scope(id.Resource))
		if id.Principal != "" {
			l.attr("principal", p.principal(id.Principal))
		}
		p.print(l.quoted("client", id.ClientID).unless("tenant", id.TenantID, p.s.TenantID))
	}
}

func (p *printer) directory() {
	for i := range p.s.Principals {
		q := &p.s.Principals[i]
		if p.ownPrincipal[i] || p.later["principal "+string(q.ID)] != i {
			continue
		}
		p.print(p.directoryEntry(q))
	}
}

func (p *printer) directoryEntry(q *mivet.Principal) *line {
	keyword := "principal"
	switch q.Type {
	case mivet.TypeUser:
		keyword = "user"
	case mivet.TypeGroup:
		keyword = "group"
	case mivet.TypeServicePrincipal:
		keyword = "sp"
	default:
	}
	l, granted := new(line).add(keyword), ""
	name := p.principalNames[q.ID]
	word := name
	if name != "" {
		l.add(quote(name))
		p.holderID(l, "id", q.ID, name)
		l.unless("name", q.Name, name)
	} else {
		l.add(principalText(q.ID)).quoted("name", q.Name)
		if word = string(q.ID); principalText(q.ID) != word {
			word = "@" + word
		}
	}
	if keyword == "principal" && q.Type != "" {
		l.attr("type", closed(string(q.Type), principalTypes))
	}
	if keyword == "sp" {
		granted = deriveGUID("client", word)
	}
	return l.unless("client", q.ClientID, granted).quoted("tenant", q.HomeTenant).quoted("rule", q.MembershipRule).
		flag(q.Managed, "managed").flag(q.Disabled, "disabled")
}

// membersPerLine keeps the lines of large groups readable.
const membersPerLine = 8

func (p *printer) members() {
	list := p.s.Memberships
	for len(list) > 0 {
		l, n := new(line).add("member"), 0
		for n < len(list) && n < membersPerLine && list[n].Group == list[0].Group {
			l.add(p.principal(list[n].Member))
			n++
		}
		p.print(l.add("of", p.principal(list[0].Group)))
		list = list[n:]
	}
}

func (p *printer) owners() {
	for i := range p.s.Ownerships {
		o := &p.s.Ownerships[i]
		p.print(new(line).add("owner", p.principal(o.Owner), "of", p.principal(o.Owned)))
	}
}

func (p *printer) outside() {
	for i := range p.s.OutsideRights {
		r := &p.s.OutsideRights[i]
		p.print(new(line).add("outside", p.principal(r.Holder)).quoted("issuer", r.Issuer).quoted("subject", r.Subject).
			quoted("runner", r.Runner).quoted("how", r.How).flag(r.Certain, "certain"))
	}
}

func (p *printer) federated() {
	for i := range p.s.FederatedCredentials {
		f := &p.s.FederatedCredentials[i]
		l := new(line).add("federated", quote(f.Name))
		granted := ""
		if !f.Identity.IsZero() {
			l.add("on", p.scope(f.Identity)).quoted("app", f.AppObjectID).quoted("client", f.ClientID)
			granted = credentialText(f.Identity, f.Name)
		} else if name := p.applicationName(f); name != "" {
			l.add("on", quote(name))
		} else {
			l.quoted("app", f.AppObjectID).quoted("client", f.ClientID)
		}
		l.quoted("issuer", f.Issuer).quoted("subject", f.Subject).quoted("expression", f.Expression)
		switch {
		case len(f.Audiences) == 0:
			l.attr("audiences", "none")
		case !slices.Equal(f.Audiences, []string{defaultAudience}):
			l.list("audiences", f.Audiences)
		}
		p.print(l.unless("id", f.ID.String(), granted))
	}
}

// applicationName returns the service principal to whose application a credential
// belongs, or "".
func (p *printer) applicationName(f *mivet.FederatedCredential) string {
	q := p.applications[f.AppObjectID]
	if q == nil || q.ClientID != f.ClientID {
		return ""
	}
	name := p.principalNames[q.ID]
	if p.takenScopes[arm.Fold(name)] > 0 {
		return ""
	}
	return name
}
