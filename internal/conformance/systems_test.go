// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answers checks answers by their JSON.
func answers(t *testing.T) func(kind, input, want string) {
	r := newRunner(t)
	return func(kind, input, want string) {
		t.Helper()
		got, err := ask(t, r, kind, input)
		if err != nil {
			t.Errorf("%s %s: %v", kind, input, err)
			return
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, string(text)); d != "" {
			t.Errorf("%s %s (-want +got):\n%s", kind, input, d)
		}
	}
}

func TestVaultAnswers(t *testing.T) {
	f := answers(t)
	attempt := func(role, steps, want string) {
		t.Helper()
		f("keyvault", `{"vault":{"enableRbacAuthorization":false},"principalRole":"`+role+`","attempt":"`+steps+`"}`, want)
	}
	attempt("Contributor on the vault", "grant itself an access policy and then list secrets", `"Allowed"`)
	attempt("Contributor on the vault", "get secret", `"NotAllowed"`)
	attempt("Contributor over the resource group", "assign itself Key Vault Administrator", `"NotAllowed"`)
	attempt("Key Vault Data Access Administrator at the vault", "assign itself Key Vault Secrets Officer; read secret", `"NotAllowed"`)
	attempt("Owner on the vault", "switch the permission model, assign itself a role, read key", `"Allowed"`)
	attempt("Contributor on the vault", "write secret through ARM, delete the vault", `"Allowed"`)
	attempt("Reader on the vault", "switch the permission model", `"NotAllowed"`)
	roles := func(role, steps, want string) {
		t.Helper()
		f("keyvault", `{"vault":{"enableRbacAuthorization":true},"principalRole":"`+role+`","attempt":"`+steps+`"}`, want)
	}
	roles("Owner on the vault", "switch the vault to access policies, grant itself an access policy, read secret", `"Allowed"`)
	roles("Owner on the vault", "switch the vault to Azure RBAC, read secret", `"NotAllowed"`)
	roles("Owner on the vault", "change permission model from Azure RBAC to access policy, grant itself an access policy, get secret", `"Allowed"`)
	roles("Owner on the vault", "set enableRbacAuthorization=false, read secret", `"NotAllowed"`)
	roles("Contributor on the vault", "grant itself an access policy, read secret", `"NotAllowed"`)
	roles("Reader on the vault", "change the permission model to access policies", `"NotAllowed"`)
	above := func(scopes, want string) {
		t.Helper()
		var text strings.Builder
		for scope := range strings.FieldsSeq(scopes) {
			text.WriteString(`,{"principal":"m","role":"Key Vault Secrets User","scope":"` + scope + `"}`)
		}
		f("keyvault", `{"vault":{"enableRbacAuthorization":true},"principal":"m","operation":"secrets/get","roleAssignments":[`+text.String()[1:]+`]}`, want)
	}
	above("/subscriptions/1", `"Allowed"`)
	above("/subscriptions/1/resourceGroups/g", `"Allowed"`)
	above("/", `"Allowed"`)
	above("/subscriptions/1/resourceGroups/g /subscriptions/1", `"Allowed"`)
	above("/subscriptions/2 /subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v", `"Allowed"`)
	f("keyvault", `{"createWithApiVersion":"2026-03-01-preview","enableRbacAuthorization":false}`, `"accessPolicy"`)
	f("keyvault", `{"createWithApiVersion":"2019-09-01","enableRbacAuthorization":true}`, `"rbac"`)
	f("keyvault", `{"createWithApiVersion":"2026-02-01"}`, `"rbac"`)
	f("keyvault", `{"vault":{"enableRbacAuthorization":true},"principal":"m","operation":"Microsoft.KeyVault/vaults/read","roleAssignments":[{"principal":"m","role":"Reader","scope":"/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v"}]}`, `"Allowed"`)
	f("keyvault", `{"vault":{"enableRbacAuthorization":true},"operation":"secrets/get","principalRole":"Owner on the vault","dataRole":"Key Vault Secrets User"}`, `"Allowed"`)
}

func TestSystemAnswers(t *testing.T) {
	f := answers(t)
	f("keyvault", `{"vault":{"enableRbacAuthorization":true},"operation":"get secret","principalRole":"Contributor"}`, `"NotAllowed"`)
	f("keyvault", `{"vault":{"enableRbacAuthorization":true},"operation":"secrets/get","principalRole":"Key Vault Secrets User on the secret"}`, `"Allowed"`)
	f("keyvault", `{"vault":{"enableRbacAuthorization":true},"operation":"secrets/list","principalRole":"Key Vault Secrets User on the secret"}`, `"NotAllowed"`)
	f("keyvault", `{"vault":{"enableRbacAuthorization":true},"operation":"keys/sign","principalRole":"Key Vault Administrator on the secret"}`, `"NotAllowed"`)
	f("managedhsm", `{"principalRole":"Owner of the subscription","operation":"create key"}`, `"NotAllowed"`)
	f("managedhsm", `{"localRole":"crypto user","scope":"/keys/k1","action":"keys/sign/action"}`, `"Allowed"`)
	f("managedhsm", `{"localRole":"21dbd100-6940-42c2-9190-5d6cb909625b","scope":"/","action":"keys/sign/action"}`, `"Allowed"`)
	f("adls", `{"operation":"Delete /a/","role":null,"path":["/","a/"]}`, `{"acl":["-WX","RWX"]}`)
	f("adls", `{"operation":"Create b","role":null,"path":["/","a/"]}`, `{"acl":["-WX",null]}`)
	f("adls", `{"operation":"Read /a/b","role":null,"path":["/","a/","b"],"acl":["--X","--X","---"]}`, `"NotAllowed"`)
	f("adls", `{"operation":"List /a","role":null,"path":["/","a/"],"acl":"r-x","auth":"Microsoft Entra ID"}`, `"Allowed"`)
	f("pim", `{"assignment":"eligible","activated":true,"timeBound":{"start":"2026-01-01","end":"2026-02-01"},"now":"2026-03-01","roleGrantsAction":true}`, `"NotAllowed"`)
	f("pim", `{"assignment":"active","principalType":"managed identity","timeBound":{"end":"2026-02-01"},"now":"2026-01-31T23:59:59Z","roleGrantsAction":true}`, `"Allowed"`)
	f("pim", `{"assignment":"eligible","principalType":"Group","roleGrantsAction":true}`, `"NotAllowed"`)
}

func TestValidityAnswers(t *testing.T) {
	is := answers(t)
	f := func(input, want string) {
		t.Helper()
		is("validity", input, `"`+want+`"`)
	}
	f(`{"assign":"Storage Blob Data Reader","scope":"/providers/Microsoft.Management/managementGroups/m"}`, "accepted")
	f(`{"assign":"custom role without DataActions","scope":"MG"}`, "accepted")
	f(`{"assign":"custom role, eligible, to a service principal","scope":"resource group"}`, "rejected")
	f(`{"assign":"custom role","scope":"resource"}`, "accepted")
	f(`{"customRole":{"assignableScopes":[]}}`, "rejected")
	f(`{"customRole":{"name":""}}`, "rejected")
	f(`{"customRole":{"description":"`+strings.Repeat("x", 3000)+`"}}`, "rejected")
	f(`{"roleAssignment":"storage data action and a condition with a string operator"}`, "accepted")
	f(`{"roleAssignment":"condition longer than 8 KB"}`, "rejected")
	f(`{"roleAssignment":"eligible assignment to a user with a condition on a principal attribute"}`, "rejected")
	f(`{"roleAssignment":"description over 2 KB"}`, "rejected")
	f(`{"duplicate":"same role and scope for another principal"}`, "accepted")
	f(`{"duplicate":"same principal and scope with a different role"}`, "accepted")
	f(`{"userAssignedDenyAssignment":"for everyone, excluding one user"}`, "accepted")
	f(`{"userAssignedDenyAssignment":"for everyone, without exclusions"}`, "rejected")
	f(`{"userAssignedDenyAssignment":{"principal":"Group"}}`, "rejected")
	f(`{"userAssignedDenyAssignment":{"principal":"ServicePrincipal"}}`, "accepted")
	f(`{"userAssignedDenyAssignment":{"principal":"someone","principalType":"User","actions":["*/read"]}}`, "rejected")
	f(`{"userAssignedDenyAssignment":{"principal":"User","actions":["*/write"]}}`, "accepted")
	f(`{"userAssignedDenyAssignment":{"principals":["Everyone"]}}`, "rejected")
	f(`{"userAssignedDenyAssignment":{"principals":["Everyone"],"excludePrincipals":["someone"]}}`, "accepted")
	f(`{"userAssignedDenyAssignment":"everyone without an exclusion"}`, "rejected")
	f(`{"userAssignedDenyAssignment":"everyone, with exclusions: none"}`, "rejected")
	f(`{"userAssignedDenyAssignment":"everyone; not a single excluded principal"}`, "rejected")
	f(`{"userAssignedDenyAssignment":"everyone except one user"}`, "accepted")
	f(`{"roleAssignment":"Storage Blob Data Contributor with condition: @Request[x] ForAnyOfAnyValues:GuidEquals {..}"}`, "AuthorizationFailed at run time")
	f(`{"roleAssignment":"Role Based Access Control Administrator with a condition that uses ForAnyOfAnyValues:GuidEquals"}`, "accepted")
	f(`{"userAssignedDenyAssignment":"of a data action"}`, "rejected")
	f(`{"userAssignedDenyAssignment":"of */read"}`, "rejected")
	f(`{"userAssignedDenyAssignment":"doNotApplyToChildScopes"}`, "rejected")
	f(`{"userAssignedDenyAssignment":"for two principals"}`, "rejected")
	f(`{"userAssignedDenyAssignment":"for a user"}`, "accepted")
	f(`{"userAssignedDenyAssignment":{"principal":"p","principalType":"Group"}}`, "rejected")
}

func TestNoAnswerOfSystems(t *testing.T) {
	r := newRunner(t)
	f := func(kind, input, want string) {
		t.Helper()
		got, err := ask(t, r, kind, input)
		if got != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %s: answer %v, error %v; want an error with %q", kind, input, got, err, want)
		}
	}
	f("keyvault", `{"createWithApiVersion":"2026-02-01","enableRbacAuthorization":"perhaps"}`, "is not supported")
	f("keyvault", `{"vault":{},"principal":"m","operation":"dance"}`, `the operation "dance"`)
	f("keyvault", `{"vault":{},"principalRole":"Owner at the moon","operation":"secrets/get"}`, "is not supported")
	f("keyvault", `{"vault":{},"principalRole":"Emperor","operation":"secrets/get"}`, `role "Emperor" is not in the catalogue`)
	f("keyvault", `{"vault":{},"principalRole":"Owner","attempt":"dance"}`, `the step "dance"`)
	f("keyvault", `{"vault":{},"principalRole":"Contributor","attempt":"switch the permission model"}`, "pages disagree")
	f("keyvault", `{"vault":{},"principal":"m","operation":"secrets/get","roleAssignments":[{"principal":"m","role":"Emperor"}]}`, "reading role assignment 0")
	for _, steps := range []string{"switch the vault to access policies", "change the permission model to access policies", "change permission model from Azure RBAC to access policy", "set enableRbacAuthorization to false"} {
		f("keyvault", `{"vault":{"enableRbacAuthorization":true},"principalRole":"Contributor on the vault","attempt":"`+steps+`"}`, "pages disagree")
	}
	f("keyvault", `{"vault":{"enableRbacAuthorization":true},"principal":"m","operation":"secrets/get","roleAssignments":[{"principal":"m","role":"Reader","scope":"/subscriptions/1"},{"principal":"m","role":"Reader","scope":"/subscriptions/2"}]}`, "may be below /subscriptions/1 or below /subscriptions/2")
	f("keyvault", `{"vault":{"enableRbacAuthorization":true},"principal":"m","operation":"secrets/get","roleAssignments":[{"principal":"m","role":"Reader","scope":"/providers/Microsoft.Management/managementGroups/a"}]}`, "nobody says that it is below")
	f("keyvault", `{"keeper":1}`, "unknown field")
	f("keyvault", `{"principal":5}`, `"principal" must not be a JSON number`)
	f("managedhsm", `{"localRole":"Emperor","scope":"/","action":"keys/sign/action"}`, `the local role "Emperor"`)
	f("managedhsm", `{"localRole":"Crypto User","scope":"/","action":""}`, "has no \"action\"")
	f("managedhsm", `{"principalRole":"Emperor","operation":"keys/sign/action"}`, `role "Emperor"`)
	f("adls", `{"operation":"Dance","role":null,"path":["/"]}`, `the operation "Dance" on a path`)
	f("adls", `{"operation":"Read a","role":"Emperor","path":["/","a"]}`, `role "Emperor"`)
	f("adls", `{"operation":"Read a","path":["/","a"],"auth":"telepathy"}`, `the authorization "telepathy"`)
	f("adls", `{"operation":"Read a","role":null,"path":["/","a"],"acl":["r"]}`, "an access list of that form")
	f("adls", `{"operation":"Read a","role":null,"path":["/","a"],"acl":"xyz"}`, "three letters")
	f("pim", `{"assignment":"wished for"}`, "is not supported")
	f("pim", `{"assignment":"active","now":"today"}`, "parsing time")
	f("pim", `{"assignment":"active","timeBound":{"start":"then"}}`, "parsing time")
	f("pim", `{"assignment":"active","timeBound":{"start":"2026-01-01"},"roleGrantsAction":true}`, "cannot decide it")
	f("limit", `{"what":"stars in the sky"}`, "no limit that is known")
	f("lifecycle", `{"event":"it rains"}`, "no event that is known")
	f("validity", `{}`, "is not supported")
	f("validity", `{"assign":"Emperor","scope":"subscription"}`, `the role "Emperor"`)
	f("validity", `{"assign":"custom role","scope":"moon"}`, `the scope "moon"`)
	f("validity", `{"customRole":{"crown":1}}`, "unknown field")
	f("validity", `{"roleAssignment":{}}`, "not told in words")
	f("validity", `{"roleAssignment":"a role with a condition that compares GUIDs"}`, "is not supported")
	f("validity", `{"roleAssignment":"a nice one"}`, `the role assignment "a nice one"`)
	f("validity", `{"userAssignedDenyAssignment":"a nice one"}`, `the deny assignment "a nice one"`)
	f("validity", `{"userAssignedDenyAssignment":{"crown":1}}`, "unknown field")
}

func TestFatesAgreeByPhrase(t *testing.T) {
	f := func(answer any, expected string, want bool) {
		t.Helper()
		if got, _ := agreeOnFate(answer, json.RawMessage(expected)); got != want {
			t.Errorf("%v and %s agree: %v", answer, expected, got)
		}
	}
	f("orphaned", `"it stays: Identity not found"`, true)
	f("orphaned", `"the assignment is orphaned"`, true)
	f("deleted", `"role assignments are not preserved"`, true)
	f("delayed", `"until the cached token ends"`, true)
	f("PrincipalNotFound", `"fails with PrincipalNotFound"`, true)
	f("deleted", `"it is orphaned"`, false)
	f("deleted", `7`, false)
	f(7, `"deleted"`, false)
}
