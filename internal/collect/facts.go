// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/redact"
)

// facts builds the snapshot from rows that have passed the door, in whatever order they
// come. Of what comes twice it keeps one.
type facts struct {
	redactor *redact.Redactor
	switches func(resourceType string) []string

	mu          sync.Mutex
	snap        mivet.Snapshot
	groups      map[arm.Key]int
	subs        map[arm.Key]int
	resources   map[arm.Key]int
	identities  map[identityKey]int
	roles       map[mivet.RoleID]bool
	assignments map[arm.Key]int
	seen        map[string]bool // what has no index of its own
	principals  map[mivet.PrincipalID]int
	details     map[string]*mivet.Detail
	wanted      map[mivet.PrincipalID]bool // principals that something names
	appRoles    map[string]string          // names of application permissions by API and ID
	dirRoles    map[string]string          // names of directory roles by ID
	definitions map[arm.Key]row            // what delegations refer to
	schedules   []schedule
	beside      []besideRow
	told        map[arm.Key]bool   // management groups with a row of their own
	claimed     map[arm.Key]arm.ID // resources whose identities the directory knows
	gaps        map[gapKey]int
	odd         map[string]int
}

type identityKey struct {
	kind mivet.IdentityKind
	at   arm.Key
}

type gapKey struct {
	facts          mivet.FactKind
	scope          arm.Key
	subject, cause string
}

func newFacts(r *redact.Redactor, switches func(string) []string) *facts {
	return &facts{
		redactor: r, switches: switches,
		groups: map[arm.Key]int{}, subs: map[arm.Key]int{}, resources: map[arm.Key]int{}, identities: map[identityKey]int{},
		roles: map[mivet.RoleID]bool{}, assignments: map[arm.Key]int{}, seen: map[string]bool{}, principals: map[mivet.PrincipalID]int{},
		details: map[string]*mivet.Detail{}, wanted: map[mivet.PrincipalID]bool{}, appRoles: map[string]string{}, dirRoles: map[string]string{},
		definitions: map[arm.Key]row{}, told: map[arm.Key]bool{}, claimed: map[arm.Key]arm.ID{}, gaps: map[gapKey]int{}, odd: map[string]int{},
	}
}

// row is a resource as Resource Manager and Resource Graph write one.
type row struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Kind       string          `json:"kind"`
	Location   string          `json:"location"`
	ManagedBy  string          `json:"managedBy"`
	Tags       map[string]any  `json:"tags"`
	Identity   *rowIdentity    `json:"identity"`
	Properties json.RawMessage `json:"properties"`

	id arm.ID
	at int // its number in the page
}

type rowIdentity struct {
	Type      string `json:"type"`
	Principal string `json:"principalId"`
	Tenant    string `json:"tenantId"`
	User      map[string]struct {
		Principal string `json:"principalId"`
		Client    string `json:"clientId"`
	} `json:"userAssignedIdentities"`
}

// resources decodes the rows of a page, once. bad counts those that cannot be decoded.
func (p *page) resources() (list []row, bad int) {
	if p.decoded != nil {
		return p.decoded, p.bad
	}
	p.decoded, p.bad = make([]row, 0, len(p.Rows)), p.Odd
	for i, raw := range p.Rows {
		r := row{at: i}
		err := json.Unmarshal(raw, &r)
		if err == nil {
			r.id, err = arm.ParseID(r.ID)
		}
		if err != nil {
			p.bad++
			continue
		}
		p.decoded = append(p.decoded, r)
	}
	return p.decoded, p.bad
}

// ids returns the IDs of the rows of a page.
func (p *page) ids() []arm.ID {
	list, _ := p.resources()
	ids := make([]arm.ID, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	return ids
}

// rows hands out the rows of a page. What cannot be decoded is counted, so that it becomes
// a gap.
func (f *facts) rows(p *page, what string, each func(*row)) {
	list, bad := p.resources()
	for i := range list {
		each(&list[i])
	}
	if bad > 0 {
		f.odd[what] += bad
	}
}

// decoded decodes the properties of a row, as far as they have the expected form.
func decoded[T any](r *row) (t T, ok bool) {
	if len(r.Properties) == 0 {
		return t, false
	}
	return t, json.Unmarshal(r.Properties, &t) == nil
}

// once reports whether a fact of that name was not there yet.
func (f *facts) once(name string) bool {
	if f.seen[name] {
		return false
	}
	f.seen[name] = true
	return true
}

// want notes that a fact names a principal.
func (f *facts) want(ids ...mivet.PrincipalID) {
	for _, id := range ids {
		if id != "" && id != mivet.Everyone {
			f.wanted[id] = true
		}
	}
}

// gap adds a gap once.
func (f *facts) gap(g mivet.Gap) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addGap(g)
}

func (f *facts) addGap(g mivet.Gap) {
	k := gapKey{g.Facts, g.Scope.Key(), g.Subject, g.Reason}
	if _, ok := f.gaps[k]; ok {
		return
	}
	f.gaps[k] = len(f.snap.Gaps)
	f.snap.Gaps = append(f.snap.Gaps, g)
}

// instant reads a time; the zero time where there is none.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func parsed(s string) arm.ID {
	id, err := arm.ParseID(s)
	if err != nil {
		return arm.ID{}
	}
	return id
}

// finish puts everything into an order that does not hang on which answer came first, and
// returns the snapshot. The facts must not be added to afterwards.
func (f *facts) finish() *mivet.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settleSchedules()
	f.settleRoleNames()
	f.settleBeside()
	f.settleDelegations()
	f.settleDirectory()
	s := &f.snap
	byID(s.ManagementGroups, func(g *mivet.ManagementGroup) string { return string(g.ID.Key()) })
	byID(s.Subscriptions, func(x *mivet.Subscription) string { return string(x.ID.Key()) })
	byID(s.Resources, func(r *mivet.Resource) string { return string(r.ID.Key()) })
	byID(s.Identities, func(i *mivet.Identity) string { return string(i.Resource.Key()) + "|" + string(i.Kind) })
	byID(s.Principals, func(p *mivet.Principal) string { return string(p.ID) })
	byID(s.Memberships, func(m *mivet.Membership) string { return string(m.Group) + "|" + string(m.Member) })
	byID(s.Ownerships, func(o *mivet.Ownership) string { return string(o.Owned) + "|" + string(o.Owner) })
	byID(s.FederatedCredentials, func(c *mivet.FederatedCredential) string {
		return string(c.ID.Key()) + "|" + c.AppObjectID + "|" + c.Name
	})
	byID(s.RoleDefinitions, func(r *mivet.RoleDefinition) string { return string(r.ID) })
	byID(s.RoleAssignments, func(a *mivet.RoleAssignment) string { return string(a.ID.Key()) })
	byID(s.DenyAssignments, func(d *mivet.DenyAssignment) string { return string(d.ID.Key()) })
	byID(s.AccessPolicies, func(p *mivet.AccessPolicy) string {
		return string(p.Vault.Key()) + "|" + string(p.Principal) + "|" + p.ApplicationID
	})
	byID(s.LocalRoles, func(r *mivet.LocalRole) string { return string(r.Account.Key()) + "|" + r.ID })
	byID(s.LocalGrants, func(a *mivet.LocalAssignment) string {
		return string(a.Account.Key()) + "|" + string(a.Principal) + "|" + a.Role + "|" + a.Scope
	})
	byID(s.AppRoles, func(a *mivet.AppRoleAssignment) string {
		return string(a.Principal) + "|" + string(a.API) + "|" + a.RoleID
	})
	byID(s.DirectoryRoles, func(d *mivet.DirectoryRoleAssignment) string {
		return string(d.Principal) + "|" + d.RoleID + "|" + d.DirectoryScope
	})
	byID(s.Delegations, func(d *mivet.Delegation) string { return string(d.ID.Key()) })
	byID(s.Locks, func(l *mivet.Lock) string { return string(l.ID.Key()) })
	f.settleOdd()
	byID(s.Gaps, func(g *mivet.Gap) string {
		return strings.Join([]string{string(g.Facts), string(g.Scope.Key()), g.Subject, g.Reason}, "|")
	})
	return s
}

func byID[T any](list []T, key func(*T) string) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(key(&a), key(&b)) })
}
