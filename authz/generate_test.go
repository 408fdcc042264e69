// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"time"

	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// Generated tenants use few names, so that facts meet.

var (
	genPeople = []mivet.PrincipalID{"p", "g", "q", "h", "i"}
	genScopes = []string{
		"/", tenantMG, groupA, groupB, groupC, sub, sub2, rg, account, blobs, vault, secret, hsm, hsmKey, cosmos, cosmos + "/sqlDatabases/d", registry,
	}
	genGroups    = []string{"", tenantMG, groupA, groupB, groupC}
	oddResources = []string{"/subscriptions/none/resourceGroups/x", groupC + "x", "/providers/Microsoft.Capacity/orders/o", ""}
	genResources = append(oddResources, genScopes...)
	genOps       = []string{readAccount, writeRole, readBlob, getSecret, listSecrets, purgeSecret, readKey, signHSM, readItem, pull, content}
	genPatterns  = []string{"*", "*/read", "*/action", "Microsoft.KeyVault/*", "Microsoft.Storage/storageAccounts/*/read", readBlob, getSecret, "Microsoft.DocumentDB/*", ""}
	genWords     = []string{"get", "list", "purge", "all", "odd"}
	genFacts     = []mivet.FactKind{
		mivet.FactRoleAssignments, mivet.FactDenyAssignments, mivet.FactMemberships, mivet.FactManagementGroups,
		mivet.FactSubscriptions, mivet.FactAccessPolicies, mivet.FactLocalGrants, mivet.FactEligibleAssignments, mivet.FactRoleDefinitions, mivet.FactDelegations,
	}
	genConditions = []string{
		always, never, perhaps, broken,
		"@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'st'",
		"@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'c'",
		"!(ActionMatches{'" + getSecret + "'}) OR @Request[x] StringEquals 'y'",
	}
	genTime = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
)

// shape says what a generated tenant may hold.
type shape struct{ gaps, denies, conditions, faults, paths bool }

// everything is what the reference knows; the access lists of paths have tests of their
// own.
var everything = shape{gaps: true, denies: true, conditions: true, faults: true}

// gen draws the parts of a tenant.
type gen struct {
	t *rapid.T
	shape
}

func pick[T any](g *gen, from []T, label string) T { return rapid.SampledFrom(from).Draw(g.t, label) }

// one is true in about one of n cases. Rapid prefers small numbers and both ends.
func (g *gen) one(n int, label string) bool {
	return rapid.SampledFrom(oneOf[:n]).Draw(g.t, label) == n-1
}

var oneOf = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}

func (g *gen) count(most int, label string) int { return rapid.IntRange(0, most).Draw(g.t, label) }

func (g *gen) person(label string) mivet.PrincipalID {
	if g.faults && g.one(30, label+" is missing") && g.one(2, label+" is missing") {
		return ""
	}
	if g.one(2, label+" is near") {
		return pick(g, genPeople[:3], label)
	}
	return pick(g, genPeople, label)
}

func (g *gen) foreigner() mivet.PrincipalID {
	if g.one(2, "known foreigner") {
		return g.person("delegate")
	}
	return "foreigner"
}

func (g *gen) people(most int, label string) []mivet.PrincipalID {
	out := make([]mivet.PrincipalID, g.count(most, label))
	for i := range out {
		out[i] = g.person(label)
	}
	return out
}

func (g *gen) scope(label string) arm.ID {
	if g.faults && g.one(25, label+" is missing") {
		return arm.ID{}
	}
	if g.one(2, label+" is high") {
		return id(pick(g, []string{sub, rg, groupA, "/"}, label))
	}
	return id(pick(g, genScopes, label))
}

func (g *gen) condition(label string) string {
	if !g.conditions || !g.one(4, label) {
		return ""
	}
	return pick(g, genConditions, label)
}

func (g *gen) patterns(most int, label string) []string {
	out := make([]string, g.count(most, label))
	for i := range out {
		out[i] = pick(g, genPatterns, label)
		if out[i] == "" && !g.faults {
			out[i] = "*"
		}
	}
	return out
}

func (g *gen) permissions(label string) []mivet.Permission {
	if g.one(2, label+" for all") {
		return []mivet.Permission{{Actions: []string{"*"}, DataActions: []string{"*"}, Condition: g.condition(label)}}
	}
	out := make([]mivet.Permission, g.count(2, label))
	for i := range out {
		out[i] = mivet.Permission{
			Actions: g.patterns(2, "actions"), NotActions: g.patterns(1, "not actions"),
			DataActions: g.patterns(2, "data actions"), NotDataActions: g.patterns(1, "not data actions"), Condition: g.condition(label),
		}
	}
	return out
}

func (g *gen) instant(label string) time.Time {
	if !g.one(4, label) {
		return time.Time{}
	}
	return genTime.Add(time.Duration(rapid.IntRange(-1, 1).Draw(g.t, label)) * time.Hour)
}

// tenant draws a tenant.
func (g *gen) tenant() *mivet.Snapshot {
	s := &mivet.Snapshot{TenantID: tenantID}
	if !g.faults || !g.one(5, "no time") {
		s.TakenAt = genTime
	}
	g.places(s)
	g.directory(s)
	g.roles(s)
	for range rapid.IntRange(2, 6).Draw(g.t, "assignments") {
		s.RoleAssignments = append(s.RoleAssignments, g.assignment())
	}
	if g.denies && g.one(2, "denies") {
		for range g.count(2, "denies") {
			s.DenyAssignments = append(s.DenyAssignments, g.deny())
		}
	}
	g.localFacts(s)
	if g.paths {
		g.pathFacts(s)
	}
	if g.gaps && g.one(2, "gaps") {
		for range rapid.IntRange(1, 3).Draw(g.t, "gaps") {
			s.Gaps = append(s.Gaps, g.gap())
		}
	}
	return s
}

func (g *gen) places(s *mivet.Snapshot) {
	s.Subscriptions = append(s.Subscriptions, mivet.Subscription{ID: id(sub), Parent: id(pick(g, genGroups, "parent of sub"))})
	if g.one(2, "sub2") {
		s.Subscriptions = append(s.Subscriptions, mivet.Subscription{ID: id(sub2), Parent: id(pick(g, genGroups, "parent of sub2"))})
	} else if g.one(2, "resource in sub2") {
		s.Resources = append(s.Resources, mivet.Resource{ID: id(sub2 + "/resourceGroups/r/providers/Microsoft.Web/sites/w")})
	}
	for _, name := range genGroups[1:] {
		if !g.one(2, "group") {
			continue
		}
		parent := id(pick(g, genGroups, "parent of a group"))
		if g.faults && g.one(10, "odd parent") {
			parent = id(rg)
		}
		s.ManagementGroups = append(s.ManagementGroups, mivet.ManagementGroup{ID: id(name), Parent: parent})
	}
	switch model := pick(g, []string{"true", "false", "null", "", "-"}, "model"); model {
	case "-":
	case "":
		s.Resources = append(s.Resources, vaultWith("true"), vaultWith(""))
	default:
		s.Resources = append(s.Resources, vaultWith(model))
	}
	if mode := pick(g, []string{"", "AbacRepositoryPermissions", "null"}, "registry mode"); mode != "" {
		s.Resources = append(s.Resources, mivet.Resource{
			ID: id(registry), Detail: &mivet.Detail{Settings: map[string]string{registryMode: mode}},
		})
	}
}

func (g *gen) directory(s *mivet.Snapshot) {
	for range g.count(4, "memberships") {
		s.Memberships = append(s.Memberships, mivet.Membership{Group: g.person("group"), Member: g.person("member")})
	}
	for _, p := range genPeople {
		switch pick(g, []string{"none", "principal", "identity"}, "fact about a principal") {
		case "principal":
			s.Principals = append(s.Principals, mivet.Principal{ID: p, Type: pick(g, []mivet.PrincipalType{"", mivet.TypeUser, mivet.TypeGroup}, "type")})
		case "identity":
			s.Identities = append(s.Identities, mivet.Identity{Kind: mivet.UserAssigned, Resource: id(rg), Principal: p})
		}
	}
}

func (g *gen) roles(s *mivet.Snapshot) {
	for _, name := range []mivet.RoleID{"r1", "r2", "r3"} {
		s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: name, BuiltIn: name != "r3", Name: "role " + string(name), Permissions: g.permissions("role permissions")})
	}
}

func (g *gen) assignment() mivet.RoleAssignment {
	a := mivet.RoleAssignment{
		Principal: g.person("principal"), Scope: g.scope("scope"), Role: pick(g, []mivet.RoleID{"r1", "r2", "r3"}, "role"),
		Eligible: g.one(6, "eligible"), Condition: g.condition("condition of assignment"), Start: g.instant("start"), End: g.instant("end"),
		PrincipalType: pick(g, []mivet.PrincipalType{"", "", mivet.TypeGroup, mivet.TypeServicePrincipal}, "principal type"),
	}
	switch {
	case g.one(5, "role by name"):
		a.Role, a.RoleName = "", "ROLE "+string(a.Role)
	case g.faults && g.one(10, "no such role"):
		a.Role = "nowhere"
	}
	return a
}

func (g *gen) deny() mivet.DenyAssignment {
	d := mivet.DenyAssignment{
		Scope: g.scope("scope of deny"), ThisScopeOnly: g.one(4, "this scope only"), Principals: g.people(2, "denied"), Excluded: g.people(2, "excluded"),
		Permissions: g.permissions("deny permissions"), Condition: g.condition("condition of deny"),
	}
	if g.one(2, "everyone") {
		d.Principals = append(d.Principals, mivet.Everyone)
	}
	d.Effect = pick(g, []mivet.DenyEffect{"", mivet.DenyEnforced, mivet.DenyAudit}, "effect")
	if g.faults && g.one(10, "odd effect") {
		d.Effect = "perhaps"
	}
	return d
}

func (g *gen) localFacts(s *mivet.Snapshot) {
	for range g.count(2, "policies") {
		p := mivet.AccessPolicy{Vault: id(vault), Principal: g.person("of policy")}
		for range g.count(2, "words") {
			word := pick(g, genWords, "word")
			if g.one(2, "for keys") {
				p.Keys = append(p.Keys, word)
			} else {
				p.Secrets = append(p.Secrets, word)
			}
		}
		if g.one(6, "application") {
			p.ApplicationID = "app"
		}
		s.AccessPolicies = append(s.AccessPolicies, p)
	}
	s.LocalRoles = []mivet.LocalRole{
		{System: mivet.LocalCosmos, ID: "c", DataActions: []string{pick(g, []string{"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/*", "*"}, "local role")}},
		{System: mivet.LocalManagedHSM, ID: "u", Account: id(hsm), DataActions: []string{signHSM}, NotDataActions: []string{"*/export/action"}},
	}
	for range g.count(2, "local grants") {
		l := mivet.LocalAssignment{System: mivet.LocalCosmos, Account: id(cosmos), Principal: g.person("of local grant"), Role: "c"}
		l.Scope = pick(g, []string{"", "/", "/dbs/d", "/dbs/e/colls/c"}, "local scope")
		if g.one(2, "hsm") {
			l.System, l.Account, l.Role = mivet.LocalManagedHSM, id(hsm), "u"
			l.Scope = pick(g, []string{"", "/", "/keys", "/keys/k", "/keys/other"}, "local scope")
		}
		if g.faults && g.one(10, "no such local role") {
			l.Role = "nowhere"
		}
		s.LocalGrants = append(s.LocalGrants, l)
	}
	if g.one(3, "delegation") {
		role := pick(g, []mivet.RoleID{"r1", "r2", "r3", "nowhere"}, "delegated role")
		if !g.faults {
			role = "r1"
		}
		s.Delegations = []mivet.Delegation{{Scope: g.scope("scope of delegation"), Grants: []mivet.DelegatedGrant{{
			Principal: g.foreigner(), Role: role, Eligible: g.one(4, "eligible"),
		}}}}
	}
}

func (g *gen) pathFacts(s *mivet.Snapshot) {
	if hns := pick(g, []string{"", "true", "false"}, "hierarchical namespace"); hns != "" {
		s.Resources = append(s.Resources, mivet.Resource{ID: id(account), Detail: &mivet.Detail{Settings: map[string]string{hnsSetting: hns}}})
	}
	for range g.count(5, "path entries") {
		acl := mivet.PathACL{
			Container: id(blobs), Path: pick(g, []string{"/", "/d/", "/d/f"}, "path"), Tag: pick(g, []string{"user", "group", "mask", "other", "odd"}, "tag"),
			Permissions: pick(g, []string{"rwx", "r-x", "--x", "-w-", "odd"}, "permissions"),
		}
		if g.one(2, "named") {
			acl.Principal = g.person("of path")
		} else if g.one(2, "owned") {
			acl.Owner = g.person("owner")
		}
		s.PathACLs = append(s.PathACLs, acl)
	}
}

func (g *gen) gap() mivet.Gap {
	gap := mivet.Gap{Facts: pick(g, genFacts, "facts"), Reason: "not read"}
	if g.paths && g.one(4, "gap of paths") {
		gap.Facts = mivet.FactPathACLs
	}
	if g.one(2, "gap at a scope") {
		gap.Scope = id(pick(g, genScopes, "scope of gap"))
	}
	if g.one(2, "gap about something") {
		gap.Subject = pick(g, []string{"p", "g", "h", "an.address", "99999999-9999-9999-9999-999999999999"}, "subject of gap")
	}
	return gap
}

// request draws a question, with what it tells of attributes.
func (g *gen) request() (Request, *givens) {
	r := Request{
		Principal: pick(g, []mivet.PrincipalID{"p", "q", "g", "h"}, "caller"),
		Operation: op(pick(g, genOps, "operation")),
		Resource:  id(pick(g, genScopes, "resource")),
		Plane:     pick(g, []mivet.Plane{mivet.PlaneControl, mivet.PlaneData, mivet.PlaneUnknown}, "plane"),
		At:        g.instant("at"),
	}
	if g.one(8, "odd caller") {
		r.Principal = pick(g, []mivet.PrincipalID{"stranger", "foreigner", "", "99999999-9999-9999-9999-999999999999"}, "caller")
	}
	if g.paths && g.one(2, "blob") {
		r.Resource, r.Operation = id(blobs), op(pick(g, []string{readBlob, blobWrite, blobDelete, blobSuperUser}, "blob operation"))
		if g.one(2, "path told") {
			r.Given = &abac.Env{}
			r.Given.Set(abac.Request, blobPathAttribute, abac.String(pick(g, []string{"d/f", "d/", ""}, "told path")))
		}
	}
	if g.one(12, "odd resource") {
		r.Resource = id(pick(g, oddResources, "resource"))
	}
	if g.one(4, "claims") {
		r.Groups = []mivet.PrincipalID{pick(g, []mivet.PrincipalID{"g", "h", "i", "unheard"}, "claimed group")}
	}
	var given *givens
	if g.conditions && g.one(3, "given") {
		given = &givens{request: map[string]string{}, closed: g.one(2, "closed")}
		if v := pick(g, []string{"y", "z", ""}, "value of x"); v != "" {
			given.request["x"] = v
		}
		r.Given = given.env()
	}
	return r, given
}
