// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

const everyGrant = `
subscription s id=7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01
rg r in s
keyvault kv in r
cosmos shop-db in r
managedhsm hsm in r
sqlserver sql in r
redis cache in r
storage lake in r
container bronze in lake
identity job in r principal=11111111-0000-4000-8000-000000000001
group ops id=11111111-0000-4000-8000-000000000002 members=job
assign job "Key Vault Secrets User" at kv condition="1 Equals 1" description="for the nightly run"
assign job Reader at r eligible
assign job Reader at s until=2027-01-31
policy job on kv secrets=Get,list keys=sign
local cosmos job 00000000-0000-0000-0000-000000000002 on shop-db scope=/dbs/shop
local managedhsm job "Managed HSM Crypto User" on hsm scope=/keys
local sqladmin job administrator on sql
local redis job "Data Owner" on cache
approle job User.Read.All id=df021288-bdef-4463-88db-98f22de89214 api="Microsoft Graph" api-principal=11111111-0000-4000-8000-000000000003
approle job Mystery.Role
directoryrole job Reports id=4a5d8f65-41da-4de4-8968-e035b65339cf
directoryrole job "Global Reader" eligible
federated github on job issuer=https://token.actions.githubusercontent.com subject=repo:shop/job:ref:refs/heads/main audiences=api://AzureADTokenExchange
acl bronze /in/ user job r-x
`

// everyEdit removes everything that the identity of everyGrant holds.
func everyEdit(s *mivet.Snapshot) []mivet.Edit {
	var edits []mivet.Edit
	for i := range s.RoleAssignments {
		edits = append(edits, mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: &s.RoleAssignments[i]})
	}
	for i := range s.AccessPolicies {
		edits = append(edits, mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: &s.AccessPolicies[i]})
	}
	for i := range s.LocalGrants {
		edits = append(edits, mivet.Edit{Kind: mivet.EditRemoveLocalGrant, Grant: &s.LocalGrants[i]})
	}
	for i := range s.FederatedCredentials {
		edits = append(edits, mivet.Edit{Kind: mivet.EditRemoveFederation, Federation: &s.FederatedCredentials[i]})
	}
	for i := range s.Memberships {
		edits = append(edits, mivet.Edit{Kind: mivet.EditRemoveMember, Membership: &s.Memberships[i]})
	}
	for i := range s.AppRoles {
		edits = append(edits, mivet.Edit{Kind: mivet.EditRemoveAppRole, AppRole: &s.AppRoles[i]})
	}
	for i := range s.DirectoryRoles {
		edits = append(edits, mivet.Edit{Kind: mivet.EditRemoveDirectory, Directory: &s.DirectoryRoles[i]})
	}
	for i := range s.PathACLs {
		edits = append(edits, mivet.Edit{Kind: mivet.EditRemovePathACL, PathACL: &s.PathACLs[i]})
	}
	return edits
}

// What is removed and put back is what was there.
func TestInverse(t *testing.T) {
	s := parse(t, everyGrant)
	edits := everyEdit(s)
	gone, err := vet.Apply(s, edits)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(gone.RoleAssignments) + len(gone.AccessPolicies) + len(gone.LocalGrants) + len(gone.FederatedCredentials) + len(gone.Memberships) +
		len(gone.AppRoles) + len(gone.DirectoryRoles) + len(gone.PathACLs); n > 0 {
		t.Errorf("%d grants are left", n)
	}
	back, lost := vet.Inverse(edits)
	if len(back) != len(edits) || len(lost) > 0 {
		t.Fatalf("%d of %d can be undone, %d cannot", len(back), len(edits), len(lost))
	}
	again, err := vet.Apply(gone, back)
	if err != nil {
		t.Fatal(err)
	}
	same := []cmp.Option{
		cmpopts.SortSlices(func(a, b mivet.RoleAssignment) bool { return a.ID.String() < b.ID.String() }),
		cmpopts.SortSlices(func(a, b mivet.LocalAssignment) bool { return a.System < b.System }),
		cmpopts.SortSlices(func(a, b mivet.AppRoleAssignment) bool { return a.Role < b.Role }),
		cmpopts.SortSlices(func(a, b mivet.DirectoryRoleAssignment) bool { return a.Role < b.Role }),
	}
	if d := cmp.Diff(s, again, same...); d != "" {
		t.Errorf("put back (-before +after):\n%s", d)
	}
	if _, err := vet.Apply(gone, edits); err == nil {
		t.Error("what is gone can be removed")
	}
	for _, e := range edits {
		if _, err := vet.Apply(gone, []mivet.Edit{e}); err == nil {
			t.Errorf("%s of what is gone is no error", e.Kind)
		}
	}
}

// An identity that is deleted or switched off does not come back as the same principal.
func TestInverseLoses(t *testing.T) {
	s := parse(t, everyGrant)
	id := s.Identities[0].Resource
	back, lost := vet.Inverse([]mivet.Edit{
		{Kind: mivet.EditDetachIdentity, Resource: s.Resources[0].ID},
		{Kind: mivet.EditDetachIdentity, Resource: s.Resources[0].ID, Identity: id},
		{Kind: mivet.EditDeleteIdentity, Resource: id},
	})
	if len(back) != 1 || back[0].Kind != mivet.EditAttachIdentity || len(lost) != 2 || lost[0].Kind != mivet.EditDeleteIdentity {
		t.Errorf("back %v, lost %v", back, lost)
	}
}

// Every grant has a command that removes it, and one that gives it back with all that it said.
func TestCommandsOfEveryGrant(t *testing.T) {
	s := parse(t, everyGrant)
	edits := everyEdit(s)
	back, _ := vet.Inverse(edits)
	f := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("lacks %q:\n%s", want, text)
			}
		}
	}
	f(strings.Join(vet.AzCommands(edits), "\n"),
		"az role assignment delete --assignee 11111111-0000-4000-8000-000000000001 --role 'Key Vault Secrets User'",
		"/roleEligibilityScheduleRequests/", "/roleAssignmentScheduleRequests/", `"requestType":"AdminRemove"`,
		"az keyvault delete-policy --name kv --object-id 11111111-0000-4000-8000-000000000001",
		"az cosmosdb sql role assignment delete --account-name shop-db --resource-group r --yes",
		"databaseAccounts/shop-db/dbs/shop",
		"az keyvault role assignment delete --hsm-name hsm --assignee-object-id 11111111-0000-4000-8000-000000000001 --role 'Managed HSM Crypto User' --scope /keys",
		"az sql server ad-admin delete --server-name sql", "# remove 11111111-0000-4000-8000-000000000001 from",
		"az identity federated-credential delete --name github --identity-name job", "az ad group member remove --group 11111111-0000-4000-8000-000000000002",
		"az rest --method delete --url https://graph.microsoft.com/v1.0/servicePrincipals/11111111-0000-4000-8000-000000000001/appRoleAssignments/",
		"# take the permission  Mystery.Role", "roleManagement/directory/roleAssignments/", "# take the directory role Global Reader, eligible, at /",
		"# take user:11111111-0000-4000-8000-000000000001 out of the access list of /in/")
	f(strings.Join(vet.AzCommands(back), "\n"),
		"--condition '1 Equals 1' --condition-version 2.0 --description 'for the nightly run'",
		`"requestType":"AdminAssign"`, `"endDateTime":"2027-01-31T00:00:00Z"`,
		"az keyvault set-policy --name kv --object-id 11111111-0000-4000-8000-000000000001 --key-permissions sign --secret-permissions get list",
		"az cosmosdb sql role assignment create --account-name shop-db --resource-group r --role-definition-id 00000000-0000-0000-0000-000000000002",
		"az keyvault role assignment create --hsm-name hsm", "az sql server ad-admin create", "# add 11111111-0000-4000-8000-000000000001 to",
		"az identity federated-credential create --name github --identity-name job --resource-group r --issuer https://token.actions.githubusercontent.com --subject repo:shop/job:ref:refs/heads/main --audiences api://AzureADTokenExchange",
		"az ad group member add", `"appRoleId":"df021288-bdef-4463-88db-98f22de89214"`, `"roleDefinitionId":"4a5d8f65-41da-4de4-8968-e035b65339cf"`,
		"# put user:11111111-0000-4000-8000-000000000001:r-x into")
	f(vet.Terraform(edits), "the azuread_group_member", "the azuread_app_role_assignment: Microsoft Graph User.Read.All", "the azuread_directory_role_assignment: Reports", "in the access list of /in/")
	f(vet.Terraform(back), "add the azurerm_key_vault_access_policy", "add the block: the federated credential github",
		`condition            = "1 Equals 1"`, `condition_version    = "2.0"`, `description          = "for the nightly run"`)
	f(vet.Bicep(edits), "// remove the azuread_group_member")
	f(vet.Bicep(back), "condition: '1 Equals 1'", "conditionVersion: '2.0'", "description: 'for the nightly run'")
}

func TestCommandsThatAreNone(t *testing.T) {
	f := func(e mivet.Edit, want string) {
		t.Helper()
		if got := vet.AzCommands([]mivet.Edit{e})[0]; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(mivet.Edit{Kind: "paint"}, "# paint has no command")
	f(mivet.Edit{Kind: mivet.EditRemoveFederation, Federation: &mivet.FederatedCredential{Name: "gh", AppObjectID: "a"}}, "# delete the federated credential gh of the application a")
	f(mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: &mivet.RoleAssignment{RoleName: "Reader", Principal: "p", Eligible: true}},
		"# delete by a request (roleEligibilityScheduleRequests): Reader at  for p")
	s := parse(t, everyGrant)
	f(mivet.Edit{Kind: mivet.EditAddFederation, Federation: &mivet.FederatedCredential{Name: "flex", Identity: s.Identities[0].Resource, Expression: "claims['sub'] matches 'x'"}},
		"# add the federated credential flex with the expression claims['sub'] matches 'x': no command does")
	f(mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: &mivet.AccessPolicy{Vault: s.AccessPolicies[0].Vault, Principal: "p", ApplicationID: "a"}},
		"az keyvault delete-policy --name kv --object-id p --application-id a")
	begin := mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{
		Role: "acdd72a7-3385-48ef-bd42-f606fba81ae7", Principal: "p", Scope: s.AccessPolicies[0].Vault, Eligible: true,
		Start: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Condition: "c", ConditionVersion: "2.0",
	}}
	if got := vet.AzCommands([]mivet.Edit{begin})[0]; !strings.Contains(got, `"startDateTime":"2026-12-01T00:00:00Z"`) || !strings.Contains(got, "NoExpiration") || !strings.Contains(got, `"condition":"c"`) {
		t.Errorf("%s", got)
	}
}

// What can be touched is counted for one principal as rules count it.
func TestReaches(t *testing.T) {
	s := parse(t, everyGrant)
	r := vet.Reaches(s, openCatalog(t))(s.Identities[0].Principal)
	if r.Data == 0 || r.Grants {
		t.Errorf("reach %+v", r)
	}
}
