// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// around is a tenant with one resource, its settings, and roles of mill at the group by
// their names in the catalogue.
func around(resource string, settings map[string]string, roles ...string) *mivet.Snapshot {
	return small(func(s *mivet.Snapshot) {
		r := mivet.Resource{ID: id(resource)}
		if settings != nil {
			r.Detail = &mivet.Detail{Settings: settings}
		}
		s.Resources = append(s.Resources, r)
		for _, name := range roles {
			s.RoleAssignments = append(s.RoleAssignments, mivet.RoleAssignment{
				Principal: "mill", PrincipalType: mivet.TypeServicePrincipal, RoleName: name, Scope: id(rg),
			})
		}
	})
}

// waysOf lists ways as "class action effect", without the provider of the action.
func waysOf(list []Bypass) []string {
	var out []string
	for _, w := range list {
		var steps []string
		for _, s := range w.Steps {
			_, action, _ := strings.Cut(s.Operation.String(), "/")
			steps = append(steps, action)
		}
		out = append(out, fmt.Sprintf("%s %s %s", w.Class, strings.Join(steps, ">"), w.Effect))
	}
	slices.Sort(out)
	return out
}

func dataQuestion(operation, resource string) Request {
	return Request{Principal: "mill", Operation: op(operation), Plane: mivet.PlaneData, Resource: id(resource)}
}

func TestBypasses(t *testing.T) {
	cat := theCatalog(t)
	f := func(s *mivet.Snapshot, r Request, want ...string) {
		t.Helper()
		list := New(s, Options{Catalog: cat}).Bypasses(r)
		if got := waysOf(list); !slices.Equal(got, want) {
			t.Errorf("%s: got %q,\nwant %q", r.Operation, got, want)
		}
		for _, w := range list {
			if w.Effect == Unknown && len(w.Missing) == 0 {
				t.Errorf("%+v does not say what is missing", w)
			}
		}
	}
	type set = map[string]string
	blob, queueRead := dataQuestion(readBlob, blobs), dataQuestion("Microsoft.Storage/storageAccounts/queueServices/queues/messages/read", account)

	// Storage: keys, until they are disabled; then whoever may write the account turns them on.
	keys := []string{
		"key storageAccounts/listAccountSas/action", "key storageAccounts/listKeys/action",
		"key storageAccounts/listServiceSas/action", "key storageAccounts/regenerateKey/action",
	}
	with := func(effect string, list ...string) []string {
		out := make([]string, len(list))
		for i, w := range list {
			out[i] = w + " " + effect
		}
		return out
	}
	open := set{"allowSharedKeyAccess": "null", "isLocalUserEnabled": "false"}
	f(around(account, open, "Storage Account Key Operator Service Role"), queueRead, "key storageAccounts/listKeys/action allowed", "key storageAccounts/regenerateKey/action allowed")
	f(around(account, open, "Storage Account Contributor"), queueRead, with("allowed", keys...)...)
	f(around(account, nil, "Reader and Data Access"), queueRead, "key storageAccounts/listAccountSas/action unknown", "key storageAccounts/listKeys/action unknown")
	f(around(account, set{"allowSharedKeyAccess": "false"}, "Reader and Data Access"), queueRead)
	closed := set{"allowSharedKeyAccess": "false", "isLocalUserEnabled": "null"}
	var through []string
	for _, k := range keys {
		through = append(through, strings.Replace(k, "key ", "escalation storageAccounts/write>", 1))
	}
	f(around(account, closed, "Storage Account Contributor"), blob, append(with("allowed", through...),
		"key storageAccounts/localUsers/listKeys/action allowed", "key storageAccounts/localUsers/regeneratePassword/action allowed", "key storageAccounts/localUsers/write allowed")...)
	f(around(account, open, "Reader"), blob)
	f(around(account, open), blob)

	// A vault under access policies, and one under role assignments.
	secrets := dataQuestion(getSecret, secret)
	f(around(vault, set{modelSetting: "false"}, "Key Vault Contributor"), secrets,
		"escalation vaults/accessPolicies/write allowed", "escalation vaults/deploy/action unknown", "escalation vaults/write allowed")
	f(around(vault, set{modelSetting: "true", "enabledForTemplateDeployment": "false"}, "Key Vault Contributor"), secrets,
		"escalation vaults/write unknown", "escalation vaults/write>vaults/deploy/action allowed")
	f(around(vault, set{modelSetting: "true", "enabledForTemplateDeployment": "null"}, "Owner"), secrets,
		"escalation roleAssignments/write allowed", "escalation vaults/deploy/action allowed", "escalation vaults/write>roleAssignments/write allowed")
	f(around(vault, nil, "Key Vault Contributor"), secrets,
		"escalation vaults/accessPolicies/write unknown", "escalation vaults/deploy/action unknown", "escalation vaults/write unknown")
	f(around(vault, set{modelSetting: "true", "enabledForTemplateDeployment": "false"}, "Key Vault Contributor"),
		dataQuestion("Microsoft.KeyVault/vaults/secrets/setSecret/action", secret),
		"escalation vaults/write unknown", "key vaults/secrets/write allowed")

	// Cosmos DB: its own roles are granted by writing them; read-only keys only read.
	items := set{"disableLocalAuth": "false"}
	f(around(cosmos, items, "Cosmos DB Account Reader Role"), dataQuestion(readItem, cosmos),
		"key databaseAccounts/readonlykeys/action allowed", "key databaseAccounts/readonlykeys/read allowed")
	f(around(cosmos, items, "Cosmos DB Account Reader Role"), dataQuestion(strings.Replace(readItem, "/read", "/create", 1), cosmos))

	// Messages: rules of the queue and of the namespace, not of topics.
	const namespace = rg + "/providers/Microsoft.ServiceBus/namespaces/n"
	s := around(namespace, set{"disableLocalAuth": "null"})
	s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "keys", Permissions: []mivet.Permission{{Actions: []string{"*/authorizationRules/listkeys/action"}}}})
	s.RoleAssignments = []mivet.RoleAssignment{grantOf("mill", "keys", rg)}
	f(s, dataQuestion("Microsoft.ServiceBus/namespaces/messages/send/action", namespace+"/queues/q"),
		"key namespaces/authorizationRules/listkeys/action allowed", "key namespaces/queues/authorizationRules/listkeys/action allowed")

	// What closes a password closes no way to become administrator.
	const server = rg + "/providers/Microsoft.Sql/servers/s"
	f(around(server, set{"administrators.azureADOnlyAuthentication": "true"}, "SQL Server Contributor"), Request{Principal: "mill", Resource: id(server)},
		"escalation servers/administrators/write allowed", "escalation servers/write allowed")

	// A list that must lack a word, and settings of children.
	const batch = rg + "/providers/Microsoft.Batch/batchAccounts/b"
	job := dataQuestion("Microsoft.Batch/batchAccounts/jobs/read", batch)
	f(around(batch, set{"allowedAuthenticationModes": `["AAD"]`}, "Reader"), job)
	f(around(batch, set{"allowedAuthenticationModes": "null"}, "Azure Batch Account Contributor"), job,
		"key batchAccounts/listKeys/action allowed", "key batchAccounts/regenerateKeys/action allowed")
	const site = rg + "/providers/Microsoft.Web/sites/w"
	web := around(site, set{}, "Website Contributor")
	for _, name := range []string{"scm", "ftp"} {
		web.Resources = append(web.Resources, mivet.Resource{
			ID: id(site + "/basicPublishingCredentialsPolicies/" + name), Detail: &mivet.Detail{Settings: set{"allow": "false"}},
		})
	}
	list := waysOf(New(web, Options{Catalog: cat}).Bypasses(Request{Principal: "mill", Resource: id(site)}))
	if !slices.Contains(list, "escalation sites/basicPublishingCredentialsPolicies/write>sites/publishxml/action allowed") {
		t.Errorf("%q", list)
	}
	web.Resources[2].Detail = &mivet.Detail{Settings: set{"other": "true"}}
	list = waysOf(New(web, Options{Catalog: cat}).Bypasses(Request{Principal: "mill", Resource: id(site)}))
	if !slices.Contains(list, "key sites/publishxml/action unknown") {
		t.Errorf("%q", list)
	}
	web.Resources[2].Detail = &mivet.Detail{Settings: set{"allow": "true"}}
	list = waysOf(New(web, Options{Catalog: cat}).Bypasses(Request{Principal: "mill", Resource: id(site)}))
	if !slices.Contains(list, "key sites/publishxml/action allowed") {
		t.Errorf("%q", list)
	}

	// A read that shows a secret is documented and not verified; a sign-in file is no way.
	const workspace = rg + "/providers/Microsoft.OperationalInsights/workspaces/w"
	f(around(workspace, set{"features.disableLocalAuth": "false"}, "Reader"),
		dataQuestion("Microsoft.OperationalInsights/workspaces/tables/data/read", workspace), "key workspaces/sharedkeys/read unknown")
	f(around(cluster, set{azureRBAC: "true", "disableLocalAccounts": "false"}, "Azure Kubernetes Service Cluster User Role"), dataQuestion(pods, cluster))
	// A registry's pull is an action, and data all the same.
	f(around(registry, set{registryMode: "rbac-abac", "adminUserEnabled": "true"}, "Contributor"),
		Request{Principal: "mill", Operation: op(pull), Plane: mivet.PlaneControl, Resource: id(registry)},
		"key registries/generateCredentials/action allowed", "key registries/listCredentials/action allowed",
		"key registries/regenerateCredential/action allowed", "key registries/scopeMaps/write allowed", "key registries/tokens/write allowed")

	if got := New(around(account, open, "Owner"), Options{}).Bypasses(blob); got != nil {
		t.Errorf("without a catalogue: %v", got)
	}
}

func TestBypassesOfAWholeResource(t *testing.T) {
	e := New(around(account, map[string]string{"allowSharedKeyAccess": "false"}, "Owner"), Options{Catalog: theCatalog(t)})
	got := waysOf(e.Bypasses(Request{Principal: "mill", Resource: id(account)}))
	for _, want := range []string{
		"escalation roleAssignments/write allowed", "escalation storageAccounts/write allowed",
		"escalation storageAccounts/write>storageAccounts/listKeys/action allowed",
		"key storageAccounts/blobServices/generateUserDelegationKey/action allowed",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
}

// Constrained delegation: conditions say which roles may be given to whom.
func TestBypassByGivingARole(t *testing.T) {
	cat := theCatalog(t)
	f := func(s *mivet.Snapshot, r Request, role string, effect Effect) {
		t.Helper()
		got := Bypass{Effect: Denied}
		for _, w := range New(s, Options{Catalog: cat}).Bypasses(r) {
			if w.Kind == catalog.BypassGrant {
				got = w
			}
		}
		name := ""
		if got.Role != nil {
			name = got.Role.Name
		}
		if name != role || got.Effect != effect {
			t.Errorf("got %s (%s), want %s (%s)", name, got.Effect, role, effect)
		}
	}
	type set = map[string]string
	rbac := set{modelSetting: "true", "enabledForTemplateDeployment": "false"}
	secrets, blob := dataQuestion(getSecret, secret), dataQuestion(readBlob, blobs)
	f(around(vault, rbac, "Key Vault Data Access Administrator"), secrets, "Key Vault Administrator", Allowed)
	f(around(account, set{}, "Key Vault Data Access Administrator"), blob, "", Denied)
	f(around(vault, rbac, "User Access Administrator"), secrets, "Key Vault Administrator", Allowed)
	// Where roles do not count, those that open a way do.
	f(around(vault, set{modelSetting: "false"}, "User Access Administrator"), secrets, "Azure AI Administrator", Allowed)
	f(around(vault, set{modelSetting: "false"}, "Key Vault Data Access Administrator"), secrets, "", Denied)

	// The own principal may be what a condition lets through, or may not be known.
	limited := func(condition string, typ mivet.PrincipalType) *mivet.Snapshot {
		s := around(vault, rbac, "Role Based Access Control Administrator")
		a := &s.RoleAssignments[0]
		a.Condition, a.ConditionVersion, a.PrincipalType = "(!(ActionMatches{'"+abac.RoleAssignmentWrite+"'})) OR ("+condition+")", "2.0", typ
		return s
	}
	users := "@Request[" + abac.PrincipalType + "] StringEqualsIgnoreCase 'User'"
	f(limited(users, mivet.TypeServicePrincipal), secrets, "", Denied)
	f(limited(users, mivet.TypeUser), secrets, "Key Vault Administrator", Allowed)
	f(limited(users, ""), secrets, "Key Vault Administrator", Unknown)
	officer := "@Request[" + abac.RoleDefinitionID + "] ForAnyOfAnyValues:GuidEquals {b86a8fe4-44ce-4948-aee5-eccb2c155cd7, 4633458b-17de-408a-b874-0445c86b69e6}"
	f(limited(officer, ""), secrets, "Key Vault Secrets Officer", Allowed)
	either := limited(officer+" AND "+users, "")
	f(either, secrets, "Key Vault Secrets Officer", Unknown)
	either.Identities = []mivet.Identity{{Principal: "mill"}}
	f(either, secrets, "", Denied)
	either.Principals = []mivet.Principal{{ID: "mill", Type: mivet.TypeUser}}
	f(either, secrets, "Key Vault Secrets Officer", Allowed)
}

func TestBypassByOtherRights(t *testing.T) {
	cat := theCatalog(t)
	custom := func(scopes []string, actions ...string) *mivet.Snapshot {
		s := around(account, nil)
		s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "own", Name: "Own", AssignableScopes: scopes, Permissions: []mivet.Permission{{Actions: actions}}})
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("mill", "own", rg), grantOf("mill", "reader", sub2)}
		return s
	}
	f := func(s *mivet.Snapshot, want ...string) {
		t.Helper()
		if got := waysOf(New(s, Options{Catalog: cat}).Bypasses(dataQuestion(readBlob, blobs))); !slices.Equal(got, want) {
			t.Errorf("got %q,\nwant %q", got, want)
		}
	}
	f(custom([]string{rg}, opDefineRole), "escalation roleDefinitions/write allowed")
	f(custom([]string{"no scope", rg, sub2}, opDefineRole))
	f(custom(nil, opDefineRole))
	f(custom([]string{rg}, opSchedule), "escalation roleAssignmentScheduleRequests/write allowed")
	s := custom([]string{rg}, "*/read")
	s.DirectoryRoles = []mivet.DirectoryRoleAssignment{
		{Principal: "mill", RoleID: globalAdministrator}, {Principal: "mill", RoleID: userAdmin}, {Principal: "mill", RoleID: globalAdministrator, Eligible: true},
	}
	f(s, "escalation elevateAccess/action allowed")
}

func TestAccess(t *testing.T) {
	cat := theCatalog(t)
	f := func(s *mivet.Snapshot, r Request, roles, native Effect) {
		t.Helper()
		got := New(s, Options{Catalog: cat}).Access(r)
		if got.Roles.Effect != roles || got.Native.Effect != native {
			t.Errorf("got %s and %s, want %s and %s", got.Roles.Effect, got.Native.Effect, roles, native)
		}
	}
	policy := around(vault, map[string]string{modelSetting: "false"}, "Key Vault Secrets User")
	f(policy, dataQuestion(getSecret, secret), Denied, Denied)
	policy.AccessPolicies = []mivet.AccessPolicy{{Vault: id(vault), Principal: "mill", Secrets: []string{"get"}}}
	f(policy, dataQuestion(getSecret, secret), Denied, Allowed)
	f(around(vault, map[string]string{modelSetting: "true"}, "Key Vault Secrets User"), dataQuestion(getSecret, secret), Allowed, Denied)
	lake := lakeWith(t, "true", throughRoot, "/a user:mill=r--")
	f(lake, onPath("mill", "read", "a"), Denied, Allowed)
	lake.Gaps = []mivet.Gap{{Facts: mivet.FactPathACLs}}
	f(lake, onPath("mill", "read", "b"), Denied, Unknown)
	lake.RoleAssignments = []mivet.RoleAssignment{grantOf("mill", "data", account)}
	f(lake, onPath("mill", "read", "a"), Allowed, Allowed)
	r := ask("mill", readAccount, account)
	r.Plane = mivet.PlaneUnknown
	f(around(account, nil, "Reader"), r, Allowed, Denied)
}

func TestBypassWords(t *testing.T) {
	text, err := WayEscalation.MarshalText()
	if string(text) != "escalation" || err != nil || WayClass(9).String() != "invalid" {
		t.Error(string(text), err)
	}
	for _, k := range theCatalog(t).KeyBypasses() {
		if limit, ok := limitedWays[k.Action.Key()]; ok && limit == "" {
			t.Error(k.Action)
		}
		if k.ClosedBy != nil && k.ClosedBy.Absent && closes(k.ClosedBy, "") != abac.False {
			t.Error(k.Action)
		}
	}
	if weaker(Unknown, Allowed) != Unknown || weaker(Allowed, Unknown) != Unknown {
		t.Error("a way is as open as its weakest step")
	}
	if len(New(around(account, nil), Options{}).everyRole()) != len(smallRoles()) {
		t.Error("roles without a catalogue")
	}
}

func ExampleEngine_Bypasses() {
	cat, err := catalog.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	store, _ := arm.ParseID("/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/flour")
	read, _ := arm.ParseOperation("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read")
	engine := New(&mivet.Snapshot{
		Resources:       []mivet.Resource{{ID: store, Detail: &mivet.Detail{Settings: map[string]string{"allowSharedKeyAccess": "null"}}}},
		RoleAssignments: []mivet.RoleAssignment{{Principal: "mill", RoleName: "Reader and Data Access", Scope: store}},
	}, Options{Catalog: cat})
	r := Request{Principal: "mill", Operation: read, Plane: mivet.PlaneData, Resource: store}
	fmt.Println(engine.Check(r).Effect)
	for _, w := range engine.Bypasses(r) {
		fmt.Println(w.Class, w.Effect, w.Steps[0].Operation)
	}
	// Output:
	// denied
	// key allowed Microsoft.Storage/storageAccounts/listAccountSas/action
	// key allowed Microsoft.Storage/storageAccounts/listKeys/action
}
