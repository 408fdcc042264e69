// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/vet"
)

// with runs a check with settings.
func with(t *testing.T, s *mivet.Snapshot, settings vet.Settings, check func(*vet.Pass)) {
	t.Helper()
	r := goodRule()
	r.Check = func(p *vet.Pass) error { check(p); return nil }
	if _, err := vet.Run(s, []*vet.Rule{r}, vet.Options{Catalog: openCatalog(t), Now: now, Settings: settings}); err != nil {
		t.Fatal(err)
	}
}

func resourceID(t *testing.T, s *mivet.Snapshot, name string) arm.ID {
	t.Helper()
	for i := range s.Resources {
		if s.Resources[i].ID.Name() == name {
			return s.Resources[i].ID
		}
	}
	for i := range s.Subscriptions {
		if s.Subscriptions[i].ID.Name() == name {
			return s.Subscriptions[i].ID
		}
	}
	t.Fatalf("nothing is called %s", name)
	return arm.ID{}
}

const annotated = `subscription live tag.env=PRD tag.owner=team-sub
subscription plain
subscription mapped
subscription common tag.env=shared
rg a in live
rg b in live tag.Environment=Test tag.Team=team-b
rg c in plain
rg d in mapped
rg e in common
webapp own in b tag.stage=dev tag.owner=team-own
slot inner in own
webapp two in a
webapp three in c
webapp four in d
webapp five in e
webapp six in b
`

func TestEnvironment(t *testing.T) {
	s := parse(t, annotated)
	f := func(name, want string) {
		t.Helper()
		with(t, s, vet.Settings{SubscriptionEnvironments: map[string]string{"MAPPED": "Staging", "live": "test"}}, func(p *vet.Pass) {
			if got := p.Environment(resourceID(t, s, name)); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		})
	}
	f("own", "development")
	f("inner", "development")
	f("six", "test")
	f("two", "production") // the tag before the map
	f("live", "production")
	f("three", "")
	f("four", "staging")
	f("five", "")
	with(t, s, vet.Settings{EnvironmentTags: []string{"tier"}}, func(p *vet.Pass) {
		if got := p.Environment(resourceID(t, s, "own")); got != "" {
			t.Errorf("a tag that is not asked for gives %q", got)
		}
	})
}

func TestOwner(t *testing.T) {
	s := parse(t, annotated)
	settings := vet.Settings{Owners: func(file string) string {
		if file == "t.tenant" {
			return "team-file"
		}
		return ""
	}}
	f := func(name, owner, by string) {
		t.Helper()
		with(t, s, settings, func(p *vet.Pass) {
			got, from := p.Owner(resourceID(t, s, name), s.Resources[0].Source)
			if got != owner || !strings.Contains(from, by) {
				t.Errorf("%s: %q by %q, want %q by %q", name, got, from, owner, by)
			}
		})
	}
	f("own", "team-own", "tag of own")
	f("inner", "team-own", "tag of own")
	f("six", "team-b", "resource group")
	f("two", "team-sub", "subscription")
	f("three", "team-file", "t.tenant")
	with(t, s, vet.Settings{}, func(p *vet.Pass) {
		if got, _ := p.Owner(resourceID(t, s, "three"), mivet.Source{}); got != "" {
			t.Errorf("an owner out of nothing: %q", got)
		}
	})
}

func TestOfType(t *testing.T) {
	s := parse(t, "mg corp\nsubscription s in corp\nsubscription other\nrg r in s\nrg r-two in s\nrg q in other\nkeyvault a in r\nkeyvault a-b in r\nkeyvault b in r-two\nkeyvault c in q\nstorage st in r\n")
	f := func(scope arm.ID, want string) {
		t.Helper()
		with(t, s, vet.Settings{}, func(p *vet.Pass) {
			for range 2 { // the second time from what was kept
				var names []string
				for _, r := range p.OfType("microsoft.keyvault/VAULTS", scope) {
					names = append(names, r.ID.Name())
				}
				if got := strings.Join(names, " "); got != want {
					t.Errorf("%s: %q, want %q", scope, got, want)
				}
			}
		})
	}
	f(arm.ID{}, "c b a a-b")
	f(arm.Root(), "c b a a-b")
	f(resourceID(t, s, "s"), "b a a-b")
	f(resourceID(t, s, "r"), "a a-b")
	f(resourceID(t, s, "a"), "a")
	f(id(t, "/providers/Microsoft.Management/managementGroups/corp"), "b a a-b")
	f(id(t, "/subscriptions/none"), "")
}

func TestHoldsAnything(t *testing.T) {
	s := parse(t, `subscription s
rg r in s
keyvault kv in r
storage st in r
container raw in st
cosmos db in r
webapp role in r system
webapp group in r system
webapp vault in r system
webapp local in r system
webapp acl in r system
webapp app in r system
webapp empty in r system
group g members=group
assign role Reader at r
assign g Reader at r eligible
policy vault on kv secrets=get
local cosmos local x on db
acl raw / user acl r-x
approle app Mail.Send id=b633e1c5-b582-4048-a93e-9f11b44c7e96
`)
	with(t, s, vet.Settings{}, func(p *vet.Pass) {
		for _, m := range p.Identities() {
			if got, want := p.HoldsAnything(m.Principal), m.Resource.Name() != "empty"; got != want {
				t.Errorf("%s: %v, want %v", m.Resource.Name(), got, want)
			}
		}
	})
}

func TestNature(t *testing.T) {
	s := parse(t, "subscription s\nrg r in s\nwebapp a in r system\nuser u\ngroup g\nsp p\nsp m managed\n")
	byName := map[string]mivet.PrincipalID{}
	for _, p := range s.Principals {
		byName[p.Name] = p.ID
	}
	f := func(who mivet.PrincipalID, said mivet.PrincipalType, want vet.Nature) {
		t.Helper()
		with(t, s, vet.Settings{}, func(p *vet.Pass) {
			if got := p.Nature(who, said); got != want {
				t.Errorf("%s: %s, want %s", who, got, want)
			}
		})
	}
	f(byName["u"], mivet.TypeServicePrincipal, vet.NaturePerson) // the directory before the assignment
	f(byName["g"], "", vet.NatureGroup)
	f(byName["p"], "", vet.NatureService)
	f(byName["m"], "", vet.NatureIdentity)
	f(s.Identities[0].Principal, "", vet.NatureIdentity)
	f("stranger", mivet.TypeDevice, vet.NatureDevice)
	f("stranger", "", vet.NatureUnknown)
	f(mivet.SymbolicPrincipal("x"), "", vet.NatureIdentity)
	for n := vet.NatureUnknown; n <= vet.NatureDevice; n++ {
		if n.String() == "invalid" {
			t.Errorf("nature %d has no name", n)
		}
	}
}

func TestVaultModel(t *testing.T) {
	s := parse(t, "subscription s\nrg r in s\nkeyvault roles in r .enableRbacAuthorization=true\nkeyvault list in r .enableRbacAuthorization=false\nkeyvault unset in r .enableRbacAuthorization=null\nkeyvault unread in r\n")
	want := map[string]vet.VaultModel{"roles": vet.ModelRoles, "list": vet.ModelPolicies, "unset": vet.ModelPolicies, "unread": vet.ModelUnknown}
	for i := range s.Resources {
		if m, ok := want[s.Resources[i].ID.Name()]; ok && vet.VaultModelOf(&s.Resources[i]) != m {
			t.Errorf("%s: %d, want %d", s.Resources[i].ID.Name(), vet.VaultModelOf(&s.Resources[i]), m)
		}
	}
}

// Conditions decide whether a grantor is restricted: by role, by principal, by kind.
func TestGrantsFreely(t *testing.T) {
	const write = "(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
	f := func(role, condition string, want authz.Effect) {
		t.Helper()
		line := "assign a \"" + role + "\" at r"
		if condition != "" {
			line += " condition=\"(" + write + "(" + condition + "))\""
		}
		s := parse(t, "subscription s\nrg r in s\nwebapp a in r system\n"+line+"\n")
		with(t, s, vet.Settings{}, func(p *vet.Pass) {
			h := p.Holdings(s.Identities[0].Principal)[0]
			if got := p.GrantsFreely(&h); got != want {
				t.Errorf("%s %s: %s, want %s", role, condition, got, want)
			}
		})
	}
	const at = "@Request[Microsoft.Authorization/roleAssignments:"
	f("Reader", "", authz.Denied)
	f("Owner", "", authz.Allowed)
	f("Key Vault Data Access Administrator", "", authz.Denied)
	f("Owner", at+"RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {4633458b-17de-408a-b874-0445c86b69e6}", authz.Denied)
	f("Owner", at+"RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {8e3af657-a8ff-443c-a75c-2fe8c4bcb635}", authz.Allowed)
	f("Owner", at+"PrincipalType] StringEqualsIgnoreCase 'ServicePrincipal'", authz.Allowed)
	f("Owner", at+"PrincipalType] StringEqualsIgnoreCase 'Group'", authz.Denied)
	f("Owner", at+"PrincipalId] ForAnyOfAnyValues:GuidEquals {11111111-2222-3333-4444-555555555555}", authz.Denied)
	f("Owner", "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:a_b] StringEquals 'x'", authz.Unknown)
	f("Owner", "this is no condition", authz.Unknown)
}

func TestReplace(t *testing.T) {
	const base = "subscription s\nrg r in s\nwebapp a in r system\nkeyvault kv in r\n"
	const getSecret = "can a Microsoft.KeyVault/vaults/secrets/getSecret/action kv data\n"
	f := func(text string, needed, known int, roles ...string) {
		t.Helper()
		s := parse(t, base+text)
		with(t, s, vet.Settings{}, func(p *vet.Pass) {
			r := p.Replace(p.Assignments()[0])
			var got []string
			for _, e := range r.Edits {
				if e.Kind == mivet.EditAddAssignment {
					got = append(got, e.Assignment.RoleName)
				}
			}
			if d := cmp.Diff(roles, got); d != "" || r.Needed != needed || r.Known != known {
				t.Errorf("%s: %+v %s", text, r, d)
			}
		})
	}
	f("assign a Owner at r\n", 0, 0)
	f("assign a \"Key Vault Administrator\" at r\n"+getSecret, 1, 1, "Key Vault Secrets User")
	f("assign a \"Key Vault Administrator\" at r\n"+getSecret+"can a Microsoft.KeyVault/vaults/secrets/readMetadata/action kv data\n", 2, 2, "Key Vault Secrets User")
	f("assign a Owner at r\nassign a \"Key Vault Secrets User\" at kv\n"+getSecret, 0, 1)
	f("assign a Owner at r\ncannot a Microsoft.KeyVault/vaults/write kv control\n", 0, 0)
}

func TestFixesAreGrouped(t *testing.T) {
	a := &mivet.RoleAssignment{Principal: "p", RoleName: "Owner", Scope: id(t, "/subscriptions/s")}
	described := *a
	described.Description = "x"
	finding := func(rule string, s mivet.Severity, reach int, edits ...mivet.Edit) mivet.Finding {
		return mivet.Finding{Rule: rule, Severity: s, Fingerprint: rule, Fix: mivet.Fix{Summary: rule, Edits: edits}, Reach: &mivet.Reach{Changes: reach}}
	}
	remove := mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: a}
	add := mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{Principal: "p", RoleName: "Reader"}}
	r := vet.Results{Rules: []vet.Result{{Findings: []mivet.Finding{
		finding("describe", mivet.SeverityLow, 1, mivet.Edit{Kind: mivet.EditDescribeAssignment, Assignment: &described}),
		finding("remove", mivet.SeverityHigh, 5, remove),
		finding("replace", mivet.SeverityMedium, 9, remove, add),
		finding("decide", mivet.SeverityHigh, 7),
		finding("other", mivet.SeverityHigh, 6),
	}}}}
	var got []string
	for _, g := range r.Fixes() {
		got = append(got, strings.Join(g.Rules, "+")+" "+g.Severity.String())
	}
	want := []string{"remove+replace+describe high", "decide high", "other high"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Fixes are one fix where they take away the same object, whatever is known beside it;
// everything that tells objects apart tells fixes apart.
func TestWhatMakesAFixAnother(t *testing.T) {
	scope, other := id(t, "/subscriptions/s"), id(t, "/subscriptions/t")
	assignment := func(change func(*mivet.RoleAssignment)) mivet.Edit {
		a := &mivet.RoleAssignment{ID: id(t, "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/1"), Principal: "p", Role: "r", Scope: scope}
		change(a)
		return mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: a}
	}
	policy := func(change func(*mivet.AccessPolicy)) mivet.Edit {
		a := &mivet.AccessPolicy{Vault: scope, Principal: "p", ApplicationID: "a"}
		change(a)
		return mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: a}
	}
	grant := func(change func(*mivet.LocalAssignment)) mivet.Edit {
		a := &mivet.LocalAssignment{System: mivet.LocalCosmos, Account: scope, Scope: "/", Role: "r", Principal: "p"}
		change(a)
		return mivet.Edit{Kind: mivet.EditRemoveLocalGrant, Grant: a}
	}
	tag := mivet.Edit{Kind: mivet.EditSetTag, Resource: scope, Identity: scope, Name: "n", Value: "v"}
	f := func(want int, edits ...mivet.Edit) {
		t.Helper()
		r := vet.Results{Rules: []vet.Result{{}}}
		for i, e := range edits {
			r.Rules[0].Findings = append(r.Rules[0].Findings, mivet.Finding{Fingerprint: string(rune('a' + i)), Fix: mivet.Fix{Edits: []mivet.Edit{e}}})
		}
		if got := len(r.Fixes()); got != want {
			t.Errorf("%d fixes, want %d: %+v", got, want, edits)
		}
	}
	f(1, assignment(func(*mivet.RoleAssignment) {}), assignment(func(a *mivet.RoleAssignment) {
		a.Description, a.RoleName, a.Source.Line, a.Scope = "why", "R", 7, id(t, "/SUBSCRIPTIONS/S")
	}))
	f(5, assignment(func(*mivet.RoleAssignment) {}), assignment(func(a *mivet.RoleAssignment) { a.Principal = "q" }),
		assignment(func(a *mivet.RoleAssignment) { a.Scope = other }), assignment(func(a *mivet.RoleAssignment) { a.Eligible = true }),
		assignment(func(a *mivet.RoleAssignment) { a.ID = other }))
	f(3, assignment(func(*mivet.RoleAssignment) {}), assignment(func(a *mivet.RoleAssignment) { a.Role, a.RoleName = "", "r" }),
		assignment(func(a *mivet.RoleAssignment) { a.Role, a.RoleName = "", "s" }))
	f(1, policy(func(*mivet.AccessPolicy) {}), policy(func(a *mivet.AccessPolicy) { a.Secrets = []string{"get"} }))
	f(4, policy(func(*mivet.AccessPolicy) {}), policy(func(a *mivet.AccessPolicy) { a.Vault = other }),
		policy(func(a *mivet.AccessPolicy) { a.Principal = "q" }), policy(func(a *mivet.AccessPolicy) { a.ApplicationID = "" }))
	f(6, grant(func(*mivet.LocalAssignment) {}), grant(func(a *mivet.LocalAssignment) { a.System = mivet.LocalKusto }),
		grant(func(a *mivet.LocalAssignment) { a.Account = other }), grant(func(a *mivet.LocalAssignment) { a.Scope = "/dbs" }),
		grant(func(a *mivet.LocalAssignment) { a.Role = "s" }), grant(func(a *mivet.LocalAssignment) { a.Principal = "q" }))
	others := []mivet.Edit{tag, tag, tag, tag, tag, tag}
	others[1].Kind, others[2].Resource, others[3].Identity, others[4].Name, others[5].Value = mivet.EditSetSetting, other, other, "m", "w"
	f(6, others...)
	f(1, tag, tag)
}

func TestScopeWords(t *testing.T) {
	s := parse(t, "mg corp name=\"All of it\"\nsubscription s in corp name=Live\nrg r in s\nkeyvault kv in r\n")
	f := func(scope, want string) {
		t.Helper()
		var at arm.ID
		if scope != "" {
			at = id(t, scope)
		}
		with(t, s, vet.Settings{}, func(p *vet.Pass) {
			if got := p.ScopeWords(at); got != want {
				t.Errorf("%s: %q, want %q", scope, got, want)
			}
		})
	}
	f("", "a scope that is not known")
	f("/", "the whole tenant")
	f("/providers/Microsoft.Management/managementGroups/corp", "the management group All of it")
	f("/subscriptions/s", "the subscription Live")
	f("/subscriptions/x", "the subscription x")
	f("/subscriptions/s/resourceGroups/r", "the resource group r")
	f("/subscriptions/s/resourceGroups/r/providers/Microsoft.KeyVault/vaults/kv", "the key vault kv")
	f("/subscriptions/s/resourceGroups/r/providers/Microsoft.Odd/things/x", "the Microsoft.Odd/things x")
}

func TestWords(t *testing.T) {
	f := func(r mivet.Reach, want string) {
		t.Helper()
		if got := vet.ReachWords(&r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
	f(mivet.Reach{}, "touch nothing that is in the input")
	f(mivet.Reach{Grants: true, Changes: 1, Data: 2, Secrets: 1}, "give itself any role, change 1 resource, read or write data of 2 resources and read the secrets of 1 vault")
	f(mivet.Reach{Changes: 3, Possibly: true}, "change 3 resources, possibly more")
	for noun, want := range map[string]string{"fix": "2 fixes", "identity": "2 identities", "day": "2 days", "access policy": "2 access policies"} {
		if got := vet.Count(2, noun); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := vet.AtMost([]string{"a", "b", "c"}, 2); got != "a, b and 1 more" {
		t.Errorf("%q", got)
	}
}

func TestBrokenTests(t *testing.T) {
	s := parse(t, "subscription s\nrg r in s\nwebapp a in r system\nassign a Reader at r\ncan a Microsoft.Web/sites/read a control\ncannot a Microsoft.Web/sites/write a control\n")
	after, err := vet.Apply(s, []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: &s.RoleAssignments[0]}})
	if err != nil {
		t.Fatal(err)
	}
	if b := vet.BrokenTests(s, after, openCatalog(t)); len(b) != 1 || !b[0].Allowed {
		t.Errorf("broken: %+v", b)
	}
	if b := vet.BrokenTests(s, s, openCatalog(t)); len(b) != 0 {
		t.Errorf("nothing changed and %d tests broke", len(b))
	}
}

func TestPowersOfHoldings(t *testing.T) {
	const restricted = ` condition="(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'Group')"`
	f := func(line string, surely, unknown vet.Powers) {
		t.Helper()
		s := parse(t, "subscription s\nrg r in s\nwebapp a in r system\nassign a "+line+"\n")
		with(t, s, vet.Settings{}, func(p *vet.Pass) {
			h := p.Holdings(s.Identities[0].Principal)[0]
			gotS, gotU := p.Powers(&h)
			if gotS.Has(surely) != true || gotU != unknown || gotS.Any(unknown) {
				t.Errorf("%s: surely %q, unknown %q", line, gotS.Words(^vet.Powers(0)), gotU.Words(^vet.Powers(0)))
			}
		})
	}
	f(`"User Access Administrator" at r`, vet.GrantsRoles|vet.EditsRoles, 0)
	f(`"Key Vault Data Access Administrator" at r`, vet.GrantsSome, 0)
	f(`"Role Based Access Control Administrator" at r`+restricted, vet.GrantsSome, vet.Writes)
	f(`"Role Based Access Control Administrator" at r condition="no condition at all"`, vet.GrantsSome, vet.GrantsRoles|vet.Writes)
	f(`Reader at r`, 0, 0)
}

func TestWorkersAndTheirGrants(t *testing.T) {
	s := parse(t, "subscription s\nrg r in s\nkeyvault kv in r\ncosmos db in r\nwebapp a in r system\nuser u\nsp p\npolicy a on kv secrets=get\nlocal cosmos a x on db\nassign @ghost Reader at r type=ServicePrincipal\nassign @nobody Reader at r type=none\n")
	with(t, s, vet.Settings{OwnerTags: []string{"boss"}}, func(p *vet.Pass) {
		if got := len(p.Workers()); got != 3 { // the app, the service principal, the ghost
			t.Errorf("%d workers: %v", got, p.Workers())
		}
		who := s.Identities[0].Principal
		if len(p.Policies(who)) != 1 || len(p.LocalGrants(who)) != 1 || len(p.Policies("x")) != 0 {
			t.Error("grants of services are not found by their principal")
		}
		if p.OwnerTags()[0] != "boss" {
			t.Error("the settings do not name the tags")
		}
	})
}

func TestEvidenceIsBounded(t *testing.T) {
	res := run(t, parse(t, ""), func(p *vet.Pass) error {
		p.Report(mivet.Finding{Message: "x", Evidence: make([]mivet.Evidence, 1000)})
		return nil
	})
	es := res.Findings[0].Evidence
	if len(es) > 50 || !strings.HasPrefix(es[len(es)-1].Fact, "and 961 more") {
		t.Errorf("%d statements, the last %q", len(es), es[len(es)-1].Fact)
	}
}

func TestFailingLeavesAdviceOut(t *testing.T) {
	r := vet.Results{Rules: []vet.Result{{Findings: []mivet.Finding{{}, {Advice: true}, {}}, Undecided: []vet.Undecided{{}}}}}
	if r.Failing() != 2 || len(r.Undecided()) != 1 || len(r.Findings()) != 3 {
		t.Errorf("%d fail, %d undecided", r.Failing(), len(r.Undecided()))
	}
}
