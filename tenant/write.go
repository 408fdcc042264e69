// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Write prints a snapshot as text, in an order and spelling of its own. [Parse] of the
// text gives the snapshot again, except for what a text does not hold: the sources of the
// facts and the names of the inputs. Identities and principals may come in another order.
// Of a scope, a principal or a role that the snapshot holds twice only the later one is
// written, which is the one that [mivet.Index] finds. Bytes that are not valid UTF-8 are
// written as U+FFFD. The error is that of the writer, or names a fact that cannot be
// written because it has no ID.
func Write(w io.Writer, s *mivet.Snapshot) error {
	p := newPrinter(bufio.NewWriter(w), s)
	for _, section := range [...]func(){
		p.header, p.groups, p.subscriptions, p.resources, p.identities, p.directory, p.members, p.owners, p.outside, p.federated,
		p.roles, p.assignments, p.denials, p.policies, p.locals, p.acls, p.appRoles, p.directoryRoles, p.delegations, p.locks,
		p.declarations, p.tests, p.gaps,
	} {
		p.begin = true
		section()
	}
	if p.err == nil {
		p.err = p.w.Flush()
	}
	if p.err != nil {
		return fmt.Errorf("writing tenant text: %w", p.err)
	}
	return nil
}

// A printer writes the facts of a snapshot as statements.
type printer struct {
	w   *bufio.Writer
	s   *mivet.Snapshot
	err error
	// begin is true at the begin of a section, some when anything was written.
	begin, some bool

	scopeNames     map[string]string // by ID
	principalNames map[mivet.PrincipalID]string
	principalTypes map[mivet.PrincipalID]mivet.PrincipalType
	applications   map[string]*mivet.Principal // by the ID that is derived for its application
	roleDecls      map[mivet.RoleID]*roleDecl
	roleWords      map[arm.Key]bool  // what a reader takes for a declared role
	localShort     []string          // by place
	localNames     map[string]string // by system and ID
	localWords     map[arm.Key]bool
	derived        map[string]int

	// takenScopes and takenPrincipals are the names in use.
	takenScopes, takenPrincipals map[arm.Key]int
	// Facts that the statement of a resource writes too, by their places.
	ownIdentity  map[int]bool
	ownPrincipal map[int]bool
	// shorthand are the resources whose statement writes identity and principal.
	shorthand map[int]*mivet.Identity
	// later are the facts that stand in the snapshot once more, by kind and place.
	later map[string]int
}

func newPrinter(w *bufio.Writer, s *mivet.Snapshot) *printer {
	p := &printer{
		w: w, s: s, scopeNames: map[string]string{}, principalNames: map[mivet.PrincipalID]string{},
		principalTypes: map[mivet.PrincipalID]mivet.PrincipalType{}, applications: map[string]*mivet.Principal{},
		roleDecls: map[mivet.RoleID]*roleDecl{}, roleWords: map[arm.Key]bool{},
		localNames: map[string]string{}, localWords: map[arm.Key]bool{}, derived: map[string]int{},
		takenScopes: map[arm.Key]int{}, takenPrincipals: map[arm.Key]int{},
		ownIdentity: map[int]bool{}, ownPrincipal: map[int]bool{}, shorthand: map[int]*mivet.Identity{}, later: map[string]int{},
	}
	p.findLater()
	p.nameScopes()
	p.findShorthand()
	p.namePrincipals()
	p.nameRoles()
	p.nameLocalRoles()
	return p
}

// print writes a statement.
func (p *printer) print(l *line) {
	if p.begin && p.some {
		p.write("\n")
	}
	p.begin, p.some = false, true
	p.write(l.text.String() + "\n")
}

func (p *printer) write(text string) {
	if p.err == nil {
		_, p.err = p.w.WriteString(text)
	}
}

func (p *printer) noID(what string, i int, src mivet.Source) {
	if p.err == nil {
		p.err = fmt.Errorf("%s %d has no ID (%s)", what, i, src)
	}
}

// findLater notes the last place of each object.
func (p *printer) findLater() {
	for i := range p.s.ManagementGroups {
		p.later["scope "+string(p.s.ManagementGroups[i].ID.Key())] = i
	}
	for i := range p.s.Subscriptions {
		p.later["scope "+string(p.s.Subscriptions[i].ID.Key())] = i
	}
	for i := range p.s.Resources {
		p.later["scope "+string(p.s.Resources[i].ID.Key())] = i
	}
	for i := range p.s.Principals {
		p.later["principal "+string(p.s.Principals[i].ID)] = i
	}
	for i := range p.s.RoleDefinitions {
		p.later["role "+string(p.s.RoleDefinitions[i].ID)] = i
	}
}

func (p *printer) lastScope(id arm.ID, i int) bool { return p.later["scope "+string(id.Key())] == i }

// unique returns a name that is not taken, and takes it; "" where the text can be no name.
func unique(taken map[arm.Key]int, text string) string {
	if text == "" || strings.Contains(text, "/") {
		return ""
	}
	name, key := text, arm.Fold(text)
	for n := taken[key] + 1; n > 1; n++ {
		name = text + "-" + strconv.Itoa(n)
		taken[key] = n
		if taken[arm.Fold(name)] == 0 {
			break
		}
	}
	taken[arm.Fold(name)]++
	return name
}

func (p *printer) nameScopes() {
	name := func(id arm.ID, texts ...string) {
		for _, t := range texts {
			if n := unique(p.takenScopes, t); n != "" {
				p.scopeNames[id.String()] = n
				return
			}
		}
	}
	for i, g := range p.s.ManagementGroups {
		if p.lastScope(g.ID, i) {
			name(g.ID, g.Name, g.ID.Name())
		}
	}
	for i, s := range p.s.Subscriptions {
		if p.lastScope(s.ID, i) {
			name(s.ID, s.Name, s.ID.Name())
		}
	}
	for i := range p.s.Resources {
		if id := p.s.Resources[i].ID; p.lastScope(id, i) {
			name(id, id.Name())
		}
	}
}

// findShorthand finds the resources whose managed identity and service principal follow
// from their statement.
func (p *printer) findShorthand() {
	identities, principals := map[string]int{}, map[mivet.PrincipalID]int{}
	for i := range p.s.Identities {
		id := &p.s.Identities[i]
		key := string(id.Kind) + id.Resource.String()
		if _, several := identities[key]; several {
			i = -1
		}
		identities[key] = i
	}
	for i := range p.s.Principals {
		principals[p.s.Principals[i].ID] = i
	}
	for i := range p.s.Resources {
		r := &p.s.Resources[i]
		kind := mivet.SystemAssigned
		switch {
		case !p.lastScope(r.ID, i):
			continue
		case p.isIdentity(r):
			kind = mivet.UserAssigned
		case r.Identity == nil || !r.Identity.System:
			continue
		}
		at, found := identities[string(kind)+r.ID.String()]
		if !found || at < 0 {
			continue
		}
		id := &p.s.Identities[at]
		if kind == mivet.SystemAssigned && id.Principal != r.Identity.SystemPrincipal || id.TenantID != p.s.TenantID {
			continue
		}
		owner, has := principals[id.Principal]
		if has != (id.Principal != "") || has && (p.ownPrincipal[owner] || !isHolder(&p.s.Principals[owner], id)) {
			continue
		}
		p.shorthand[i], p.ownIdentity[at] = id, true
		if has {
			p.ownPrincipal[owner] = true
		}
	}
}

// isIdentity reports whether the resource can be written by the keyword identity.
func (p *printer) isIdentity(r *mivet.Resource) bool {
	kind := ""
	if r.Detail != nil {
		kind = r.Detail.Kind
	}
	return r.Identity == nil && kind == "" && arm.Fold(r.ID.Type()) == arm.Fold(identityType) && r.ID.Parent().Level() == arm.LevelResourceGroup
}

// isHolder reports whether the principal is what follows from an identity.
func isHolder(q *mivet.Principal, id *mivet.Identity) bool {
	return q.Type == mivet.TypeServicePrincipal && q.Name == holderName(id.Resource) && q.ClientID == id.ClientID &&
		q.Managed && q.HomeTenant == "" && !q.Disabled && q.MembershipRule == ""
}

// namePrincipals names the managed identities like their resources, then the others.
func (p *printer) namePrincipals() {
	for i := range p.s.Resources {
		r := &p.s.Resources[i]
		var id mivet.PrincipalID
		own := p.shorthand[i]
		switch {
		case own != nil:
			id = own.Principal
		case p.lastScope(r.ID, i) && r.Identity != nil && r.Identity.System:
			id = r.Identity.SystemPrincipal
		default:
			continue
		}
		name := p.scopeNames[r.ID.String()]
		p.takenPrincipals[arm.Fold(name)]++
		if id == "" {
			continue
		}
		p.principalTypes[id] = mivet.TypeServicePrincipal
		if (own != nil || p.principalNames[id] == "") && !mivet.IsGUID(name) {
			p.principalNames[id] = name
		}
	}
	for i := range p.s.Principals {
		q := &p.s.Principals[i]
		if p.ownPrincipal[i] || p.later["principal "+string(q.ID)] != i {
			continue
		}
		if q.ID != "" {
			p.principalTypes[q.ID] = q.Type
		}
		name := ""
		if !mivet.IsGUID(q.Name) {
			name = unique(p.takenPrincipals, q.Name)
		}
		if name == "" && q.ID == "" {
			name = unique(p.takenPrincipals, "unnamed")
		}
		p.principalNames[q.ID] = name
		if name != "" && q.Type == mivet.TypeServicePrincipal && q.ClientID != "" {
			p.applications[deriveGUID("application", name)] = q
		}
	}
}

func (p *printer) nameRoles() {
	taken := map[arm.Key]int{}
	for i := range p.s.RoleDefinitions {
		r := &p.s.RoleDefinitions[i]
		if p.later["role "+string(r.ID)] != i {
			continue
		}
		d := &roleDecl{id: r.ID}
		if !mivet.IsGUID(r.Name) {
			d.name = unique(taken, r.Name)
		}
		if d.name == "" && !mivet.IsGUID(string(r.ID)) {
			d.name = unique(taken, "role")
		}
		p.roleDecls[r.ID] = d
		p.roleWords[arm.Fold(d.name)] = true
		p.roleWords[arm.Fold(r.Name)] = true
	}
}

func (p *printer) nameLocalRoles() {
	taken := map[mivet.LocalSystem]map[arm.Key]int{}
	for i := range p.s.LocalRoles {
		r := &p.s.LocalRoles[i]
		if taken[r.System] == nil {
			taken[r.System] = map[arm.Key]int{}
		}
		name := unique(taken[r.System], r.Name)
		if name == "" {
			name = unique(taken[r.System], "role")
		}
		p.localShort = append(p.localShort, name)
		p.localWords[localKey(r.System, name)] = true
		if key := string(r.System) + "\n" + r.ID; p.localNames[key] == "" {
			p.localNames[key] = name
		}
	}
}

// scope returns how a scope is referred to.
func (p *printer) scope(id arm.ID) string {
	if id.IsZero() {
		return "none"
	}
	if name := p.scopeNames[id.String()]; name != "" {
		return quote(name)
	}
	return quote(id.String())
}

func (p *printer) principal(id mivet.PrincipalID) string {
	if name := p.principalNames[id]; name != "" && id != "" {
		return quote(name)
	}
	return principalText(id)
}

func (p *printer) principalsText(ids []mivet.PrincipalID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = p.principal(id)
		if id == mivet.Everyone {
			words[i] = "everyone"
		}
	}
	return strings.Join(words, ",")
}
