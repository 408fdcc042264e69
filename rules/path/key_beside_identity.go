// SPDX-License-Identifier: Apache-2.0

package path

import (
	_ "embed" // the rule's page
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/vet"
)

//go:embed key_beside_identity.md
var keyBesideIdentityDoc string

// KeyBesideIdentity finds identities that may take keys of resources which still accept
// keys, so that roles on the data count for nothing.
var KeyBesideIdentity = &vet.Rule{
	ID:       "key-beside-identity",
	Title:    "Data access through keys beside the identity",
	Doc:      keyBesideIdentityDoc,
	Category: "path",
	Severity: mivet.SeverityMedium,
	Class:    "access-key-bypass",
	Needs:    []mivet.FactKind{mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources: []vet.Citation{{
		Title: "Prevent Shared Key authorization for an Azure Storage account", Read: "2026-11-21",
		URL: "https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent",
	}},
	Check: checkKeyBesideIdentity,
}

// open is a resource whose key a holding yields.
type open struct {
	resource *mivet.Resource
	bypass   *catalog.KeyBypass
}

// group is a set of such resources: the first of them, in the order of types and IDs, and
// how many there are. A role at a wide scope yields more than anybody reads.
type group struct {
	first []open
	count int
}

func (g *group) put(o open) {
	g.count++
	if len(g.first) < shownOpen {
		g.first = append(g.first, o)
	}
}

func (g *group) add(more group) {
	g.count += more.count
	g.first = append(g.first, more.first[:min(len(more.first), shownOpen-len(g.first))]...)
}

func checkKeyBesideIdentity(p *vet.Pass) error {
	l := &looked{ways: map[*vet.Role][]*catalog.KeyBypass{}, places: map[place]*state{}, at: map[bypassPlace]*state{}}
	for _, id := range p.Workers() {
		for _, h := range p.Holdings(id) {
			if !h.Surely || !h.Role.Powers.Has(vet.TakesKeys) {
				continue
			}
			s := l.place(p, h.Role, h.Scope())
			if s.unread.count > 0 {
				p.Unassessed(unreadSwitch(p, &h, &s.unread))
			}
			switch {
			case s.opened.count > 0:
				p.Report(keyFinding(p, &h, s))
			case s.unread.count == 0:
				p.Pass()
			}
		}
	}
	return nil
}

// state is what a role, or a bypass, yields at a scope: the resources whose setting lets
// keys in, and those whose setting was not read.
type state struct {
	opened, unread group
	evidence       []mivet.Evidence // of those opened
}

// looked holds what was found out: whoever holds a role at a place may take the same keys,
// and so do many roles.
type looked struct {
	ways   map[*vet.Role][]*catalog.KeyBypass
	places map[place]*state
	at     map[bypassPlace]*state
}

type place struct {
	role  *vet.Role
	scope arm.Key
}

type bypassPlace struct {
	bypass *catalog.KeyBypass
	scope  arm.Key
}

func (l *looked) place(p *vet.Pass, role *vet.Role, scope arm.ID) *state {
	key := place{role, scope.Key()}
	s := l.places[key]
	if s == nil {
		s = &state{}
		l.places[key] = s
		for _, b := range l.waysOf(p, role) {
			if found := l.bypass(p, b, scope, key.scope); found != nil {
				s.opened.add(found.opened)
				s.unread.add(found.unread)
			}
		}
		s.tell()
	}
	return s
}

// waysOf returns the bypasses of a role that yield a key, the first of each type.
func (l *looked) waysOf(p *vet.Pass, role *vet.Role) []*catalog.KeyBypass {
	ways, ok := l.ways[role]
	if ok {
		return ways
	}
	seen := map[arm.Key]bool{}
	bypasses := p.Catalog.KeyBypasses()
	for i := range bypasses {
		b := &bypasses[i]
		t := arm.Fold(accountType(b.ResourceType))
		if yieldsKey(b) && !seen[t] && role.Grants(b.Action, mivet.PlaneControl) {
			seen[t] = true
			ways = append(ways, b)
		}
	}
	l.ways[role] = ways
	return ways
}

// bypass returns what a bypass yields at a scope; nil: nothing.
func (l *looked) bypass(p *vet.Pass, b *catalog.KeyBypass, scope arm.ID, key arm.Key) *state {
	s := l.at[bypassPlace{b, key}]
	if s != nil {
		return s
	}
	all := p.OfType(accountType(b.ResourceType), scope)
	if len(all) == 0 {
		return nil
	}
	s = &state{}
	l.at[bypassPlace{b, key}] = s
	for _, r := range all {
		switch keysOf(b, r) {
		case keysOpen:
			s.opened.put(open{r, b})
		case keysUnread:
			s.unread.put(open{r, b})
		case keysClosed:
		}
	}
	return s
}

// tell writes down what is open.
func (s *state) tell() {
	for _, o := range s.opened.first {
		v, _ := o.resource.Setting(strings.TrimPrefix(o.bypass.ClosedBy.Property, "properties."))
		s.evidence = append(s.evidence, mivet.Evidence{
			Kind: mivet.Configured, Source: o.resource.Source,
			Fact: fmt.Sprintf("%s %s accepts keys: %s is %s", vet.TypeWords(o.resource.ID.Type()), o.resource.ID.Name(), o.bypass.ClosedBy.Property, v),
		})
	}
}

// yieldsKey reports whether a bypass gives a key or password that the setting named in
// the table can close, by an operation that is more than reading.
func yieldsKey(b *catalog.KeyBypass) bool {
	switch b.Kind {
	case catalog.BypassKey, catalog.BypassSASKey, catalog.BypassAdminUser:
		return b.ClosedBy != nil && !strings.HasSuffix(string(b.Action.Key()), "/read")
	default:
		return false
	}
}

type keyState uint8

const (
	keysUnread keyState = iota
	keysOpen
	keysClosed
)

// keysOf says whether a resource accepts the key. A setting that was read and is not set
// has its default, which lets keys in
// (MicrosoftDocs/azure-docs articles/storage/common/shared-key-authorization-prevent.md).
func keysOf(b *catalog.KeyBypass, r *mivet.Resource) keyState {
	v, read := r.Setting(strings.TrimPrefix(b.ClosedBy.Property, "properties."))
	switch {
	case !read:
		return keysUnread
	case closes(b.ClosedBy, v):
		return keysClosed
	}
	return keysOpen
}

// accountType returns the type of the resource that has the setting: for rules of a
// namespace the namespace's.
func accountType(t string) string {
	provider := strings.IndexByte(t, '/') + 1
	if end := strings.IndexByte(t[provider:], '/'); end >= 0 {
		return t[:provider+end]
	}
	return t
}

// closes reports whether a value of the setting keeps keys out. The administrator of a
// registry is off unless it is switched on
// (Azure/bicep-types-az generated/containerregistry: adminUserEnabled).
func closes(c *catalog.Closure, value string) bool {
	switch {
	case c.Absent:
		return value != "null" && !strings.Contains(value, c.Value)
	case value == "null":
		return c.Property == "properties.adminUserEnabled"
	}
	return strings.EqualFold(value, strings.Trim(c.Value, `"`))
}

// closing returns the value to set; ok is false where it is not one value.
func closing(c *catalog.Closure) (value string, ok bool) {
	return strings.Trim(c.Value, `"`), !c.Absent
}

func unreadSwitch(p *vet.Pass, h *vet.Holding, unread *group) vet.Undecided {
	first := unread.first[0]
	return vet.Undecided{
		Subject: p.SubjectOf(h.Holder), Source: h.Assignment.Source, Facts: mivet.FactResources,
		Reason: fmt.Sprintf("%s at %s yields the keys of %s, and whether they still accept keys (%s) was not read",
			h.Role.Label, p.ScopeWords(h.Scope()), names(unread), first.bypass.ClosedBy.Property),
		Permission: first.resource.ID.Type() + "/read",
	}
}

func keyFinding(p *vet.Pass, h *vet.Holding, s *state) mivet.Finding {
	opened, name := &s.opened, p.Name(h.Holder)
	reach := p.ReachOf([]vet.Holding{*h})
	role := string(h.Assignment.Role)
	if role == "" {
		role = string(arm.Fold(h.Assignment.RoleName))
	}
	f := mivet.Finding{
		Subject: p.SubjectOf(h.Holder), Discriminator: role + "|" + string(h.Scope().Key()), Source: h.Assignment.Source, Reach: &reach,
		Message:  fmt.Sprintf("%s may take the keys of %s, by %s at %s", name, names(opened), h.Role.Label, p.ScopeWords(h.Scope())),
		Evidence: append([]mivet.Evidence{p.HoldingFact(h)}, s.evidence...),
		Severity: mivet.SeverityMedium,
	}
	if more := opened.count - shownOpen; more > 0 {
		f.Evidence = append(f.Evidence, mivet.Evidence{Kind: mivet.Configured, Source: h.Assignment.Source, Fact: fmt.Sprintf("and %d more resources accept keys", more)})
	}
	f.Consequence = fmt.Sprintf("%s yields %s: roles, conditions and the name in the log count for nothing, and a copied key works until somebody renews it",
		opened.first[0].bypass.Action, opened.first[0].bypass.Yields)
	f.Fix = closeFix(p, h, opened)
	if opened.count >= severalOpen {
		f.Severity = mivet.SeverityHigh
	}
	return f
}

// severalOpen is from how many resources on a key finding is severe.
const severalOpen = 10

// shownOpen is how many resources a finding names.
const shownOpen = 20

func names(opened *group) string {
	var out []string
	for _, o := range opened.first[:min(len(opened.first), 2)] {
		out = append(out, vet.TypeWords(o.resource.ID.Type())+" "+o.resource.ID.Name())
	}
	if more := opened.count - len(out); more > 0 {
		return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return vet.List(out)
}

// closeFix closes the keys, which helps against every holder of the role. Where a setting
// cannot be written as one value, the role is taken away instead.
func closeFix(p *vet.Pass, h *vet.Holding, opened *group) mivet.Fix {
	f := mivet.Fix{
		Summary: fmt.Sprintf("make %s accept identities only, after its callers use them", names(opened)),
		Check:   "that no caller still uses a key: the resource's log names the kind of authentication",
	}
	for _, o := range opened.first {
		value, ok := closing(o.bypass.ClosedBy)
		if !ok || opened.count > shownOpen {
			return mivet.Fix{
				Summary: fmt.Sprintf("take %s at %s from %s", h.Role.Label, p.ScopeWords(h.Scope()), p.Name(h.Holder)),
				Edits:   p.Replace(h.Assignment).Edits, Check: "what it uses the role for",
			}
		}
		f.Edits = append(f.Edits, mivet.Edit{
			Kind: mivet.EditSetSetting, Resource: o.resource.ID,
			Name: strings.TrimPrefix(o.bypass.ClosedBy.Property, "properties."), Value: value,
		})
	}
	return f
}
