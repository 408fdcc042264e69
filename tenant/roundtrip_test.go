// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// same compares snapshots as Write promises: without sources and inputs, identities and
// principals in any order.
var same = cmp.Options{
	cmpopts.IgnoreTypes(mivet.Source{}),
	cmpopts.IgnoreFields(mivet.Snapshot{}, "Inputs"),
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(x, y arm.ID) bool { return x.String() == y.String() }),
	cmp.Comparer(func(x, y arm.Operation) bool { return x.String() == y.String() }),
	cmp.Comparer(func(x, y time.Time) bool { return x.Equal(y) }),
	cmpopts.SortSlices(func(x, y mivet.Identity) int {
		return strings.Compare(fmt.Sprintf("%#v", plain(x)), fmt.Sprintf("%#v", plain(y)))
	}),
	cmpopts.SortSlices(func(x, y mivet.Principal) int { return strings.Compare(string(x.ID), string(y.ID)) }),
}

func plain(x mivet.Identity) [5]string {
	return [5]string{string(x.Kind), x.Resource.String(), string(x.Principal), x.ClientID, x.TenantID}
}

func mustWrite(t interface {
	Helper()
	Fatalf(string, ...any)
}, s *mivet.Snapshot,
) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatalf("Write: %v", err)
	}
	return b.String()
}

func TestWriteParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := (&source{T: t}).snapshot()
		text := mustWrite(t, s)
		got, err := Parse("written", strings.NewReader(text), Options{})
		if err != nil {
			t.Fatalf("Parse: %v\n%s", err, text)
		}
		if diff := cmp.Diff(s, got, same); diff != "" {
			t.Fatalf("another snapshot (-want +got):\n%s\n%s", diff, text)
		}
		if again := mustWrite(t, got); again != text && !moved(s) {
			t.Fatalf("written twice, another text:\n%s\nthen:\n%s", text, again)
		}
	})
}

// moved reports whether identities or principals come in another order than Write's, so
// that the names that it makes up may differ.
func moved(s *mivet.Snapshot) bool { return len(s.Principals) > 0 || len(s.Identities) > 0 }

// A source draws snapshots: any, with objects that refer to one another, equal names,
// odd texts, and facts that contradict one another.
type source struct {
	*rapid.T
	scopes     []arm.ID
	principals []mivet.PrincipalID
	roles      []mivet.RoleID
}

func draw[V any](s *source, g *rapid.Generator[V]) V { return g.Draw(s.T, "") }

func (s *source) word() string {
	return draw(s, rapid.OneOf(
		rapid.SampledFrom([]string{"shop", "Shop", "orders-api", "in", "none", "everyone", "system", "role", "default", "5ca0ffee-0000-4000-8000-000000000001"}),
		rapid.StringMatching(`[a-zA-Z0-9._-]{1,8}`),
		rapid.SampledFrom([]string{"a b", `q"t`, "k=v", "a,b", "{x}", "#no", "@at", "$id:x", `back\`, "grüße", "line\nline", "\ttab", "`raw`", "\u007f", "x#y", "a\ufeff", "\ufeffa", "\r"}),
	))
}

// text may be empty and may hold a slash.
func (s *source) text() string {
	return draw(s, rapid.OneOf(rapid.Just(""), rapid.Custom(func(*rapid.T) string { return s.word() }), rapid.SampledFrom([]string{"a/b", "/x", "it's so", "2.0"})))
}

func (s *source) texts() []string {
	var list []string
	for range draw(s, rapid.IntRange(0, 2)) {
		list = append(list, s.word())
	}
	return list
}

func (s *source) segment() string {
	w := s.word()
	if strings.ContainsAny(w, "\n\t\r\u007f") || strings.TrimSpace(w) != w {
		return "plain"
	}
	return w
}

func (s *source) time() time.Time {
	return draw(s, rapid.SampledFrom([]time.Time{
		{},
		time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 8, 30, 1, 500, time.UTC),
		time.Date(2026, 11, 20, 8, 30, 0, 0, time.FixedZone("", 3600)),
	}))
}

func (s *source) flag() bool { return draw(s, rapid.Bool()) }

func (s *source) guid() string {
	n := draw(s, rapid.IntRange(1, 6))
	return fmt.Sprintf("5ca0ffee-0000-4000-8000-%012d", n)
}

func (s *source) newID() arm.ID {
	base := "/subscriptions/" + draw(s, rapid.SampledFrom([]string{"prod", "5ca0ffee-0000-4000-8000-000000000001"}))
	group := draw(s, rapid.SampledFrom([]string{"/resourceGroups/shop", "/resourcegroups/shop", "/resourceGroups/orders"}))
	types := draw(s, rapid.SampledFrom([][]string{
		nil,
		{"Microsoft.Web/sites"},
		{"microsoft.web/sites"},
		{"Microsoft.Web/sites", "slots"},
		{"Microsoft.KeyVault/vaults"},
		{"Microsoft.KeyVault/vaults", "secrets"},
		{"Microsoft.Storage/storageAccounts", "blobServices", "containers"},
		{"Microsoft.Storage/storageAccounts"},
		{identityType},
		{identityType},
		{"Microsoft.Foo/bars"},
		{"Microsoft.CognitiveServices/accounts"},
	}))
	var text strings.Builder
	text.WriteString(base + group)
	for i, typ := range types {
		if i == 0 {
			typ = "providers/" + typ
		}
		name := s.segment()
		if typ == "blobServices" {
			name = "default"
		}
		text.WriteString("/" + typ + "/" + name)
	}
	if len(types) == 1 && draw(s, rapid.IntRange(0, 5)) == 0 {
		text.WriteString("/providers/Microsoft.Insights/diagnosticSettings/d")
	}
	id, err := arm.ParseID(text.String())
	if err != nil {
		s.Fatalf("%v", err)
	}
	return id
}

// scope is one that was drawn before, or a new one, or none.
func (s *source) scope() arm.ID {
	switch n := draw(s, rapid.IntRange(0, 9)); {
	case n == 0:
		return arm.ID{}
	case n == 1:
		return arm.Root()
	case n < 8 && len(s.scopes) > 0:
		return draw(s, rapid.SampledFrom(s.scopes))
	default:
		return s.newID()
	}
}

func (s *source) principal() mivet.PrincipalID {
	switch n := draw(s, rapid.IntRange(0, 9)); {
	case n == 0:
		return ""
	case n == 1:
		return mivet.PrincipalID(s.word())
	case n < 8 && len(s.principals) > 0:
		return draw(s, rapid.SampledFrom(s.principals))
	default:
		return mivet.PrincipalID(s.guid())
	}
}

func (s *source) role() mivet.RoleID {
	if n := draw(s, rapid.IntRange(0, 4)); n > 1 && len(s.roles) > 0 {
		return draw(s, rapid.SampledFrom(s.roles))
	} else if n == 0 {
		return ""
	}
	return mivet.RoleID(s.guid())
}

func many(s *source, add func()) {
	for range draw(s, rapid.IntRange(0, 3)) {
		add()
	}
}

func (s *source) snapshot() *mivet.Snapshot {
	out := &mivet.Snapshot{TakenAt: s.time(), TenantID: draw(s, rapid.SampledFrom([]string{"", "t", s.guid()}))}
	s.scopesOf(out)
	s.identitiesOf(out)
	many(s, func() {
		m := mivet.Membership{Group: s.principal(), Member: s.principal()}
		out.Memberships = append(out.Memberships, m)
	})
	many(s, func() {
		out.Ownerships = append(out.Ownerships, mivet.Ownership{Owned: s.principal(), Owner: s.principal()})
	})
	many(s, func() {
		out.OutsideRights = append(out.OutsideRights, mivet.OutsideRight{
			Holder: s.principal(), Issuer: s.text(), Subject: s.text(), Runner: s.text(), How: s.text(), Certain: s.flag(),
		})
	})
	s.grantsOf(out)
	s.restOf(out)
	return out
}

func (s *source) scopesOf(out *mivet.Snapshot) {
	group := func(name string) arm.ID {
		id, err := arm.ParseID("/providers/Microsoft.Management/managementGroups/" + name)
		if err != nil {
			s.Fatalf("%v", err)
		}
		return id
	}
	for _, name := range []string{"root", "shop"}[:draw(s, rapid.IntRange(0, 2))] {
		g := mivet.ManagementGroup{ID: group(name), Name: s.text()}
		if name == "shop" {
			g.Parent = group("root")
		}
		out.ManagementGroups = append(out.ManagementGroups, g)
		s.scopes = append(s.scopes, g.ID)
	}
	for _, name := range []string{"prod", "5ca0ffee-0000-4000-8000-000000000001"} {
		if s.flag() {
			id, _ := arm.ParseID("/subscriptions/" + name)
			sub := mivet.Subscription{ID: id, Name: s.text(), Tags: s.tags()}
			if s.flag() {
				sub.Parent = group("shop")
			}
			out.Subscriptions = append(out.Subscriptions, sub)
			s.scopes = append(s.scopes, id)
		}
	}
	seen := map[arm.Key]bool{}
	for range draw(s, rapid.IntRange(0, 6)) {
		id := s.newID()
		if seen[id.Key()] {
			continue
		}
		seen[id.Key()] = true
		s.scopes = append(s.scopes, id)
		out.Resources = append(out.Resources, s.resource(id, out))
	}
}

func (s *source) tags() map[string]string {
	m := map[string]string{}
	many(s, func() { m[s.text()] = s.text() })
	return m
}

func (s *source) resource(id arm.ID, out *mivet.Snapshot) mivet.Resource {
	r := mivet.Resource{ID: id, Location: s.text()}
	d := mivet.Detail{Tags: s.tags(), Settings: s.tags(), Kind: draw(s, rapid.SampledFrom([]string{"", "app,linux", "OpenAI", "StorageV2"}))}
	if s.flag() {
		d.ManagedBy = s.scope()
	}
	if d.Kind != "" || len(d.Tags)+len(d.Settings) > 0 || !d.ManagedBy.IsZero() {
		r.Detail = &d
	}
	var a mivet.Attachment
	if id.Type() != identityType && s.flag() {
		a.System, a.SystemPrincipal = true, s.principal()
	}
	for _, u := range s.scopes {
		if u.Type() == identityType && s.flag() {
			a.User = append(a.User, u)
		}
	}
	if a.System || a.User != nil {
		r.Identity = &a
	}
	s.identity(&r, out)
	return r
}

// identity adds the facts that follow from a resource, or some like them.
func (s *source) identity(r *mivet.Resource, out *mivet.Snapshot) {
	id := mivet.Identity{Resource: r.ID, TenantID: out.TenantID, ClientID: s.text()}
	switch {
	case r.ID.Type() == identityType:
		id.Kind, id.Principal = mivet.UserAssigned, s.principal()
	case r.Identity != nil && r.Identity.System:
		id.Kind, id.Principal = mivet.SystemAssigned, r.Identity.SystemPrincipal
	default:
		return
	}
	if draw(s, rapid.IntRange(0, 4)) == 0 {
		return
	}
	out.Identities = append(out.Identities, id)
	if slices.Contains(s.principals, id.Principal) || id.Principal == "" {
		return
	}
	s.principals = append(s.principals, id.Principal)
	p := mivet.Principal{ID: id.Principal, Type: mivet.TypeServicePrincipal, Name: holderName(r.ID), ClientID: id.ClientID, Managed: true}
	if draw(s, rapid.IntRange(0, 4)) == 0 {
		p.Name = s.text()
	}
	out.Principals = append(out.Principals, p)
}

func (s *source) identitiesOf(out *mivet.Snapshot) {
	many(s, func() {
		out.Identities = append(out.Identities, mivet.Identity{
			Kind:     draw(s, rapid.SampledFrom([]mivet.IdentityKind{mivet.SystemAssigned, mivet.UserAssigned})),
			Resource: s.scope(), Principal: s.principal(), ClientID: s.text(), TenantID: s.text(),
		})
	})
	many(s, func() {
		p := mivet.Principal{
			ID: s.principal(), Name: s.text(), ClientID: s.text(), HomeTenant: s.text(), Managed: s.flag(), Disabled: s.flag(), MembershipRule: s.text(),
			Type: draw(s, rapid.SampledFrom([]mivet.PrincipalType{"", mivet.TypeUser, mivet.TypeGroup, mivet.TypeServicePrincipal, mivet.TypeDevice, "Odd"})),
		}
		if !slices.Contains(s.principals, p.ID) {
			s.principals = append(s.principals, p.ID)
			out.Principals = append(out.Principals, p)
		}
	})
	many(s, func() {
		f := mivet.FederatedCredential{Name: s.segment(), Issuer: s.text(), Subject: s.text(), Expression: s.text(), Audiences: s.texts()}
		if s.flag() {
			f.Identity = s.scope()
		} else {
			f.AppObjectID, f.ClientID = s.text(), s.text()
		}
		if s.flag() {
			f.ID = s.scope()
		}
		out.FederatedCredentials = append(out.FederatedCredentials, f)
	})
}

func (s *source) permissions() []mivet.Permission {
	var list []mivet.Permission
	many(s, func() {
		p := mivet.Permission{Actions: s.texts(), NotActions: s.texts(), DataActions: s.texts(), NotDataActions: s.texts(), Condition: s.text()}
		p.ConditionVersion = s.text()
		list = append(list, p)
	})
	return list
}

func (s *source) grantsOf(out *mivet.Snapshot) {
	many(s, func() {
		r := mivet.RoleDefinition{
			ID: mivet.RoleID(draw(s, rapid.SampledFrom([]string{s.guid(), "custom", "other"}))), Name: s.text(), Description: s.text(),
			BuiltIn: s.flag(), AssignableScopes: []string{"/", s.text(), s.scope().String()}, Permissions: s.permissions(),
		}
		if !slices.Contains(s.roles, r.ID) {
			s.roles = append(s.roles, r.ID)
			out.RoleDefinitions = append(out.RoleDefinitions, r)
		}
	})
	many(s, func() {
		a := mivet.RoleAssignment{
			Role: s.role(), RoleName: s.text(), Principal: s.principal(), Scope: s.scope(), Condition: s.text(), ConditionVersion: s.text(),
			Description: s.text(), Eligible: s.flag(), ConditionUnknown: s.flag(), Start: s.time(), End: s.time(), CreatedOn: s.time(), CreatedBy: s.principal(),
			PrincipalType: draw(s, rapid.SampledFrom([]mivet.PrincipalType{"", mivet.TypeUser, mivet.TypeServicePrincipal, "Odd"})),
		}
		for _, r := range out.RoleDefinitions {
			if r.ID == a.Role && s.flag() {
				a.RoleName = r.Name
			}
		}
		if s.flag() {
			a.DelegatedIdentity = s.scope()
		}
		a.ID = s.extension(a.Scope, assignmentType)
		out.RoleAssignments = append(out.RoleAssignments, a)
	})
	many(s, func() {
		d := mivet.DenyAssignment{
			Name: s.text(), Description: s.text(), Scope: s.scope(), ThisScopeOnly: s.flag(), Principals: []mivet.PrincipalID{mivet.Everyone, s.principal()},
			Permissions: s.permissions(), Condition: s.text(), ConditionVersion: s.text(), SystemProtected: s.flag(),
			Effect: draw(s, rapid.SampledFrom([]mivet.DenyEffect{"", mivet.DenyAudit, mivet.DenyEnforced, "odd"})),
		}
		many(s, func() { d.Excluded = append(d.Excluded, s.principal()) })
		d.ID = s.extension(d.Scope, denyType)
		out.DenyAssignments = append(out.DenyAssignments, d)
	})
}

// extension is the ID of something named below a scope, elsewhere, or none.
func (s *source) extension(scope arm.ID, typ string) arm.ID {
	switch draw(s, rapid.IntRange(0, 2)) {
	case 0:
		return arm.ID{}
	case 1:
		if !scope.IsZero() {
			id, err := arm.ParseID(extensionText(scope, typ, s.segment()))
			if err != nil {
				s.Fatalf("%v", err)
			}
			return id
		}
	}
	return s.newID()
}

func (s *source) restOf(out *mivet.Snapshot) {
	system := rapid.SampledFrom([]mivet.LocalSystem{mivet.LocalCosmos, mivet.LocalRedis, "odd"})
	many(s, func() {
		out.AccessPolicies = append(out.AccessPolicies, mivet.AccessPolicy{
			Vault: s.scope(), Principal: s.principal(), ApplicationID: s.text(), TenantID: s.text(),
			Keys: s.texts(), Secrets: s.texts(), Certificates: s.texts(), Storage: s.texts(),
		})
		out.LocalRoles = append(out.LocalRoles, mivet.LocalRole{
			System: draw(s, system), Account: s.scope(), ID: s.text(), Name: s.text(), DataActions: s.texts(), NotDataActions: s.texts(),
		})
		out.LocalGrants = append(out.LocalGrants, mivet.LocalAssignment{
			System: draw(s, system), Account: s.scope(), Scope: s.text(), Role: s.text(), Principal: s.principal(),
		})
		out.PathACLs = append(out.PathACLs, mivet.PathACL{
			Container: s.scope(), Path: s.text(), Tag: draw(s, rapid.SampledFrom([]string{"user", "other", "odd"})), Principal: s.principal(),
			Permissions: draw(s, rapid.SampledFrom([]string{"rwx", "r-x", "---", "", "full"})),
		})
	})
	many(s, func() {
		out.AppRoles = append(out.AppRoles, mivet.AppRoleAssignment{
			Principal: s.principal(), API: s.principal(), APIName: s.text(), RoleID: s.text(), Role: s.text(),
		})
		out.DirectoryRoles = append(out.DirectoryRoles, mivet.DirectoryRoleAssignment{
			Principal: s.principal(), RoleID: s.guid(), Role: s.text(), DirectoryScope: s.text(), Eligible: s.flag(), Start: s.time(), End: s.time(),
		})
		d := mivet.Delegation{Scope: s.scope(), ManagingTenant: s.text(), Name: s.text()}
		many(s, func() {
			d.Grants = append(d.Grants, mivet.DelegatedGrant{Principal: s.principal(), Name: s.text(), Role: s.role(), Eligible: s.flag(), AssignableRoles: []mivet.RoleID{s.role()}})
		})
		d.ID = s.extension(d.Scope, delegationType)
		out.Delegations = append(out.Delegations, d)
	})
	many(s, func() {
		lock := mivet.Lock{Scope: s.scope(), Level: draw(s, rapid.SampledFrom([]string{"CanNotDelete", "odd"}))}
		lock.ID = s.extension(lock.Scope, lockType)
		out.Locks = append(out.Locks, lock)
		out.Declarations = append(out.Declarations, mivet.Declaration{
			Address: s.text(), Type: s.text(), Resource: s.scope(), Actions: s.texts(), IdentityType: s.text(), UserAssigned: s.flag(),
			Grant: s.flag(), FederatedCredential: s.flag(), InlinePolicies: draw(s, rapid.IntRange(0, 3)), Refused: s.text(), WaitsFor: s.texts(),
			APIVersion: s.text(), ProviderVersions: s.text(),
		})
		if s.flag() {
			out.Declarations[len(out.Declarations)-1].FormerPrincipals = []mivet.PrincipalID{s.principal()}
		}
		test := mivet.AccessTest{Principal: s.principal(), Resource: s.scope(), Allowed: s.flag(), Plane: draw(s, rapid.SampledFrom([]mivet.Plane{0, 1, 2}))}
		if s.flag() {
			test.Operation, _ = arm.ParseOperation("Microsoft.Web/sites/read")
		}
		out.AccessTests = append(out.AccessTests, test)
		out.Gaps = append(out.Gaps, mivet.Gap{
			Facts: draw(s, rapid.SampledFrom([]mivet.FactKind{mivet.FactLocks, mivet.FactDenyAssignments, "odd"})), Scope: s.scope(), Subject: s.text(), Reason: s.text(), Permission: s.text(), Inherent: s.flag(),
		})
	})
}
