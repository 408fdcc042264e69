// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	appID = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"
	oid   = "0f0d4ad7-9bde-8970-9aa0-94da5a109570"
	vault = "/subscriptions/s/resourcegroups/g/providers/microsoft.keyvault/vaults/kv"
)

const vaultRoles = "Caller is not authorized to perform action on resource.\r\n" +
	"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n" +
	"Caller: name=Microsoft.Web/sites;appid=" + appID + ";oid=" + oid + ";iss=https://sts.windows.net/t/;xms_mirid=/subscriptions/s/resourcegroups/g/providers/Microsoft.Web/sites/api\r\n" +
	"Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '" + vault + "/secrets/x'\r\n" +
	"Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: kv;location=westeurope\r\n"

func wantVault() *Denial {
	return &Denial{
		Service: KeyVault, Code: "ForbiddenByRbac", Status: 403,
		Caller: Caller{
			Name: "Microsoft.Web/sites", AppID: appID, OID: oid, Issuer: "https://sts.windows.net/t/",
			Identity: "/subscriptions/s/resourcegroups/g/providers/Microsoft.Web/sites/api",
		},
		Operation: "Microsoft.KeyVault/vaults/secrets/getSecret/action", Resource: vault + "/secrets/x",
		Causes: []Cause{MissingRole, Propagation, ControlPlaneRoleOnly, WrongIdentitySelected, WrongScope, GroupTokenCache, RecreatedIdentity},
		Proves: []string{"the vault is under role assignments", tokenAccepted},
	}
}

// The same refusal is read whatever wraps it.
func TestWrapped(t *testing.T) {
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	body := `{"error":{"code":"Forbidden","message":` + quoted(vaultRoles) + `,"innererror":{"code":"ForbiddenByRbac"}}}`
	f := func(text string) {
		t.Helper()
		if diff := cmp.Diff(wantVault(), Parse(text)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	f(vaultRoles)
	f(body)
	f(`{"level":"error","msg":` + quoted("GET failed: "+body) + `}`)
	f(`{"log":` + quoted(`{"msg":`+quoted(body)+`}`) + `}`)
	f(strings.ReplaceAll(vaultRoles, "'", "&#39;"))
	f(strings.ReplaceAll(vaultRoles, "\r\n", " "))
	f(`Status=403 Code="Forbidden" Message="` + strings.ReplaceAll(vaultRoles, "\r\n", `\r\n`) + `" InnerError={"code":"ForbiddenByRbac"}`)
}

// texts are the two checks of the tables below.
func texts(t *testing.T) (
	f func(text string, service Service, code string, causes ...Cause) *Denial, is func(what, have, want string),
) {
	t.Helper()
	f = func(text string, service Service, code string, causes ...Cause) *Denial {
		t.Helper()
		d := Parse(text)
		if d.Service != service || d.Code != code {
			t.Errorf("%q is of %q %q, want %q %q", text, d.Service, d.Code, service, code)
		}
		if len(causes) > len(d.Causes) || !cmp.Equal(causes, d.Causes[:len(causes)]) {
			t.Errorf("%q: causes %v, want first %v", text, d.Causes, causes)
		}
		return d
	}
	is = func(what, have, want string) {
		t.Helper()
		if have != want {
			t.Errorf("%s is %q, want %q", what, have, want)
		}
	}
	return f, is
}

func TestControlPlaneAndVaults(t *testing.T) {
	f, is := texts(t)
	d := f("The user, group or application 'appid="+appID+";oid="+oid+";iss=https://sts.windows.net/t/' does not have secrets get permission on key vault 'kv;location=eastus'.",
		KeyVault, "Forbidden/AccessDenied", MissingRole)
	is("the operation", d.Operation, "secrets get")
	is("the resource", d.Resource, "kv")
	is("the caller", d.Caller.OID, oid)
	f("KeyVaultErrorException: Access denied", KeyVault, "Forbidden/AccessDenied", MissingRole)
	f("The policy requires the caller 'appid=a;oid=b;iss=c' to use on-behalf-of (OBO) flow.", KeyVault, "ForbiddenByPolicy", CompoundPolicy)
	f("Client address is not authorized and caller is not a trusted service.\nClient address: 1.2.3.4", KeyVault, "ForbiddenByFirewall", Network)
	f("Public network access is disabled and request is not from a trusted service nor via an approved private link.", KeyVault, "ForbiddenByConnection", Network)
	d = f("AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://graph.microsoft.com.", KeyVault, "AKV10022", WrongAudience)
	is("the audience", d.Caller.Audience, "https://graph.microsoft.com")
	f("AKV10032: Invalid issuer. Expected one of https://sts.windows.net/a/, found https://sts.windows.net/b/.", KeyVault, "AKV10032", WrongTenant)
	d = f(strings.Replace(vaultRoles, "DenyAssignmentId: null", "DenyAssignmentId: 'd1'", 1), KeyVault, "ForbiddenByRbac", DenyAssignment)
	is("the deny assignment", d.Deny, "d1")
	d = f(strings.Replace(vaultRoles, appID, "04b07795-8ddb-461a-bbee-02f9e1bf7b46", 1), KeyVault, "ForbiddenByRbac", MissingRole, ControlPlaneRoleOnly)
	is("the tool", d.Caller.Tool(), "Azure CLI")

	d = f("(AuthorizationFailed) The client 'a@b.c' with object id '"+oid+"' does not have authorization to perform action 'Microsoft.Web/sites/read' over scope '/subscriptions/s' or the scope is invalid.",
		ResourceManager, "AuthorizationFailed", MissingRole, Propagation)
	is("the caller", d.Caller.OID, oid)
	is("the client", d.Caller.Client, "a@b.c")
	is("the application", d.Caller.AppID, "")
	is("the operation", d.Operation, "Microsoft.Web/sites/read")
	is("the scope", d.Resource, "/subscriptions/s")
	f("does not have authorization to perform action 'Microsoft.Authorization/roleDefinitions/write' over scope '/providers/Microsoft.Management/managementGroups/m'",
		ResourceManager, "AuthorizationFailed", Propagation, MissingRole)
	d = f("The client '"+oid+"' with object id '"+oid+"' has permission to perform action 'Microsoft.Compute/virtualMachines/write' on scope '/subscriptions/s'; however, it does not have permission to perform action(s) 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) '/subscriptions/s/x' (respectively) or the linked scope(s) are invalid.",
		ResourceManager, "LinkedAuthorizationFailed", LinkedScope, LinkedScopeDeleted)
	is("the operation", d.Operation, "Microsoft.Compute/virtualMachines/write")
	is("the linked operation", d.LinkedOperation, "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")
	is("the linked scope", d.LinkedResource, "/subscriptions/s/x")
	f("on the linked scope(s) '/x' are blocked by deny assignments", ResourceManager, "LinkedAuthorizationFailed", DenyAssignment)
	f("however the current tenant 't' is not authorized to access linked subscription 's'", ResourceManager, "LinkedAuthorizationFailed", WrongTenant)
	d = f("however, the access is denied because of the deny assignment with name 'n' and Id 'd' at scope '/subscriptions/s'", ResourceManager, "DenyAssignmentAuthorizationFailed", DenyAssignment)
	is("the deny assignment", d.Deny, "d")
	d = f("InvalidAuthenticationTokenTenant: The access token is from the wrong issuer 'https://sts.windows.net/a/'.", ResourceManager, "InvalidAuthenticationTokenTenant", WrongTenant)
	is("the issuer", d.Caller.Issuer, "https://sts.windows.net/a/")
	f("The access token has been obtained for wrong audience or resource 'https://graph.microsoft.com'.", ResourceManager, "InvalidAuthenticationTokenAudience", WrongAudience)
}

func TestDataPlanes(t *testing.T) {
	f, is := texts(t)
	f("This request is not authorized to perform this operation using this permission.", Storage, "AuthorizationPermissionMismatch", ControlPlaneRoleOnly, Propagation)
	f("This request is not authorized to perform this operation.\nRequestId:x", Storage, "AuthorizationFailure", Network)
	f("AuthorizationFailure", Storage, "AuthorizationFailure", Network, Unknown)
	f("Key based authentication is not permitted on this storage account.", Storage, "KeyBasedAuthenticationNotPermitted", SharedKeyDisabled)
	f("<AuthenticationErrorDetail>Issuer validation failed. Issuer did not match.</AuthenticationErrorDetail>", Storage, "InvalidAuthenticationInfo", WrongTenant)
	f("Audience validation failed. Audience did not match.", Storage, "InvalidAuthenticationInfo", WrongAudience)
	f("ErrorCode:InvalidAuthenticationInfo", Storage, "InvalidAuthenticationInfo", WrongAudience)
	f("AuthorizationSourceIPMismatch", Storage, "AuthorizationSourceIPMismatch", Network)

	const claim = "Unauthorized access. 'Send' claim(s) are required to perform this operation. "
	d := f(claim+"Resource: 'sb://n.servicebus.windows.net/q'.", ServiceBus, "unauthorized-access", MissingRole)
	is("the claim", d.Operation, "Send")
	is("the entity", d.Resource, "sb://n.servicebus.windows.net/q")
	is("the other service", string(d.Either), string(EventHubs))
	f(claim+"Resource: 'sb://n.servicebus.windows.net/h/consumergroups/c'.", EventHubs, "unauthorized-access", MissingRole)
	d = f("Azure.Messaging.ServiceBus.ServiceBusException: Manage,EntityRead claims are required for this operation.", ServiceBus, "unauthorized-access", MissingRole)
	is("the claims", d.Operation, "Manage,EntityRead")
	is("the other service", string(d.Either), "")
	d = f("Unauthorized access. Send claim(s) are required to perform this operation.", ServiceBus, "unauthorized-access", MissingRole) // a shell ate the quotes
	is("the claim", d.Operation, "Send")
	f("Ip has been prevented to connect to the endpoint.", ServiceBus, "unauthorized-access", Network)
	f("LocalAuthDisabled: Authorization failed", ServiceBus, "LocalAuthDisabled", SharedKeyDisabled)

	const cosmos = "Request blocked by Auth acct : Request is blocked because principal [" + oid + "] does not have required RBAC permissions to perform action [Microsoft.DocumentDB/databaseAccounts/readMetadata] on resource [/]."
	d = f(cosmos, CosmosDB, "Forbidden", MissingRole)
	is("the caller", d.Caller.OID, oid)
	is("the account", d.Resource, "acct")
	f("Forbidden (403); Substatus: 5301; Reason: ("+cosmos, CosmosDB, "Forbidden/5301", MissingRole)
	d = f("The given request [POST /dbs] cannot be authorized by AAD token in data plane.", CosmosDB, "Forbidden/5300", UnsupportedOperation)
	is("the operation", d.Operation, "POST /dbs")
	f("This is blocked by your Cosmos DB account firewall settings.", CosmosDB, "Forbidden", Network)
	f("Local Authorization is disabled. Use an AAD token to authorize all requests", CosmosDB, "Unauthorized", SharedKeyDisabled)

	d = f("Login failed for user '<token-identified principal>'.", SQL, "18456", MissingRole, WrongScope)
	is("the user", d.Caller.User, "")
	d = f(`mssql: Login failed for user 'NT AUTHORITY\ANONYMOUS LOGON'.`, SQL, "18456", MissingRole)
	is("the user", d.Caller.User, "")
	d = f("Login failed for user 'app'.", SQL, "18456", MissingRole)
	is("the user", d.Caller.User, "app")
	f("Login failed for user '<token-identified principal>'. The server is not currently configured to accept this token.", SQL, "18456", WrongTenant)
	f("Error 18456", SQL, "18456", MissingRole)
	f("Cannot open server 's' requested by the login. Client with IP address '1.2.3.4' is not allowed to access the server.", SQL, "40615", Network)

	d = f("The principal `"+oid+"` lacks the required data action `Microsoft.CognitiveServices/accounts/AIServices/agents/read` to perform `GET /x` operation.", AI, "PermissionDenied", MissingRole)
	is("the principal", d.Caller.Principal, oid)
	is("the object ID", d.Caller.OID, "")
	is("the operation", d.Operation, "Microsoft.CognitiveServices/accounts/AIServices/agents/read")
	f("HTTP 401 (PermissionDenied)\n\nPrincipal does not have access to API/Operation.", AI, "PermissionDenied", MissingRole)
	f("Access denied due to Virtual Network/Firewall rules.", AI, "AccessDenied", Network)
	f("Key based authentication is disabled for this resource.", AI, "AuthenticationTypeDisabled", SharedKeyDisabled)
	f("(PermissionDenied)", AI, "PermissionDenied", MissingRole)

	d = f(`Error from server (Forbidden): nodes is forbidden: User "u" cannot list resource "nodes" in API group "" at the cluster scope`, Kubernetes, "Forbidden", MissingRole, WrongScope)
	is("the user", d.Caller.User, "u")
	is("what decided", d.Proves[0], "role bindings of the cluster decided; roles of Azure were not asked, or gave nothing")
	d = f(`pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "n": User does not have access to the resource in Azure. Update role assignment to allow access.`, Kubernetes, "Forbidden", MissingRole)
	is("what decided", d.Proves[0], "role assignments of Azure decided")

	f("unauthorized: authentication required, visit https://aka.ms/acr/authorization", ContainerRegistry, "unauthorized", WrongIdentitySelected)
	f("denied: client with IP '1.2.3.4' is not allowed access. Refer https://aka.ms/acr/firewall", ContainerRegistry, "forbidden", Network)
	f("HEAD https://shop.azurecr.io/v2/x/manifests/1: 403 Forbidden", ContainerRegistry, "forbidden", MissingRole)
	d = f("pull access failed: https://shop.azurecr.io/oauth2/token: 401", ContainerRegistry, "unauthorized", WrongIdentitySelected)
	is("the registry", d.Resource, "shop.azurecr.io")

	f("Insufficient privileges to complete the operation.", Graph, "Authorization_RequestDenied", MissingRole, StaleClientCache)
	f("Access to delete user operation is denied.", Graph, "Authorization_RequestDenied", UnsupportedOperation)
	d = f("Status code 403, GET https://shop.azconfig.io/kv", AppConfiguration, "Forbidden", ControlPlaneRoleOnly, MissingRole)
	is("the store", d.Resource, "shop.azconfig.io")
	f("AccessToKeyVaultDenied", VaultReference, "AccessToKeyVaultDenied", MissingRole)
	f("MSINotEnabled", VaultReference, "MSINotEnabled", IdentityNotAssigned)
}

func TestTokens(t *testing.T) {
	f, is := texts(t)
	f(`{"error":"invalid_request","error_description":"Multiple user assigned identities exist, please specify the clientId"}`, IdentityEndpoint, "invalid_request", AmbiguousIdentity)
	f(`{"error":"invalid_request","error_description":"Identity not found"}`, IdentityEndpoint, "invalid_request", IdentityNotAssigned)
	f(`ManagedIdentityCredential authentication failed: Identity not found`, IdentityEndpoint, "invalid_request", IdentityNotAssigned)
	f(`ManagedIdentityCredential authentication unavailable. The requested identity has not been assigned to this resource.`, IdentityEndpoint, "invalid_request", IdentityNotAssigned)
	f(`{"StatusCode":400,"Message":"No MSI found for specified ClientId/ResourceId."}`, IdentityEndpoint, "BadRequest", IdentityNotAssigned)
	f(`Unable to load the proper Managed Identity.`, IdentityEndpoint, "BadRequest", AmbiguousIdentity)

	const federated = ": No matching federated identity record found for presented assertion"
	d := f("AADSTS70021"+federated+". Assertion Issuer: 'https://i/'. Assertion Subject: 'repo:a/b:ref:x'. Assertion Audience: 'api://AzureADTokenExchange'.", Federation, "AADSTS70021", FederationIssuer)
	is("the issuer", d.Caller.Issuer, "https://i/")
	is("the subject", d.Caller.Subject, "repo:a/b:ref:x")
	is("the audience", d.Caller.Audience, "api://AzureADTokenExchange")
	f("AADSTS700211"+federated+" issuer 'https://i/'.", Federation, "AADSTS700211", FederationIssuer)
	f("AADSTS700212"+federated, Federation, "AADSTS700212", FederationAudience)
	d = f("AADSTS700213"+federated+" subject 'repo:a/b:environment:prod'.", Federation, "AADSTS700213", FederationSubject)
	is("the subject", d.Caller.Subject, "repo:a/b:environment:prod")
	f("AADSTS7002137"+federated+" subject '/eid1/c/pub'", Federation, "AADSTS7002137", FederationSubject)
	d = f("AADSTS7002138"+federated+" subject 'x'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison.", Federation, "AADSTS7002138", FederationCase)
	is("what it proves", d.Proves[1], "the subjects differ in letter case alone")
	f("No matching federated identity record found", Federation, "AADSTS70021", FederationIssuer)
	f("AADSTS700016: Application with identifier 'x' was not found in the directory", TokenEndpoint, "AADSTS700016", RecreatedIdentity)
	f("AADSTS501051: Application 'a' is not assigned to a role for the application 'b'.", TokenEndpoint, "AADSTS501051", MissingRole)
	f("AADSTS500011: The resource principal named x was not found in the tenant", TokenEndpoint, "AADSTS500011", WrongAudience)

	f("IDX10214: Audience validation failed. Audiences: 'x'", AppAuthentication, "IDX10214", WrongAudience)
	f("IDX10205: Issuer validation failed. Issuer: 'x'", AppAuthentication, "IDX10205", WrongTenant)
	f("JWT Validation Failed: Claim value mismatch: aud=api://x.", APIManagement, "TokenClaimValueNotAllowed", WrongAudience)
	f("JWT Validation Failed: Claim value mismatch: appid=x.", APIManagement, "TokenClaimValueNotAllowed", MissingRole, WrongIdentitySelected)
	f("JWT Validation Failed: Claim value mismatch: roles=x.", APIManagement, "TokenClaimValueNotAllowed", MissingRole)

	f("ForbiddenByRbac", KeyVault, "ForbiddenByRbac", MissingRole)
	f("ForbiddenByPolicy", KeyVault, "ForbiddenByPolicy", CompoundPolicy)
	f("ForbiddenByFirewall", KeyVault, "ForbiddenByFirewall", Network)
	f("key vault: AccessDenied", KeyVault, "Forbidden/AccessDenied", MissingRole)

	f("", "", "", Unknown)
	f("403 Forbidden", "", "", Unknown)
	f("the teapot is short and stout", "", "", Unknown)
	d = f("refused: Caller: appid="+appID+";oid="+oid+"; no more is said", "", "", Unknown)
	is("the caller", d.Caller.OID, oid)
}

// Each form of the table is reached by some text: none stands behind another one that takes
// all its texts. Each cause has a meaning and says what decides it.
func TestTable(t *testing.T) {
	for i := range forms {
		f := &forms[i]
		if f.service == "" || len(f.causes) == 0 {
			t.Errorf("form %d (%s) has no service or no cause", i, f.says)
		}
		names := f.says.SubexpNames()
		for _, re := range f.fields {
			names = append(names, re.SubexpNames()...)
		}
		for _, name := range names {
			var d Denial
			if at := d.field(name); name != "" {
				*at = "x"
				if cmp.Equal(d, Denial{}) {
					t.Errorf("the group %q of form %d goes nowhere", name, i)
				}
			}
		}
		for _, c := range f.causes {
			if c.Meaning() == "" || c.Decided() == "" {
				t.Errorf("the cause %q has no meaning", c)
			}
		}
	}
	if n := len(Causes()); n != 27 || Causes()[n-1] != Unknown {
		t.Errorf("%d causes: %v", n, Causes())
	}
	if c := Cause("else"); c.Meaning() != "" {
		t.Errorf("an unknown cause means %q", c.Meaning())
	}
}

func TestRolesEvaluated(t *testing.T) {
	f := func(text string, want bool) {
		t.Helper()
		if d := Parse(text); d.RolesEvaluated() != want {
			t.Errorf("%q: roles evaluated is %v", text, !want)
		}
	}
	f(vaultRoles, true)
	f("ForbiddenByFirewall", false)
	f("AKV10022", false)
	f("what?", false)
}

func TestLongText(t *testing.T) {
	d := Parse(strings.Repeat("x", MaxText) + "ForbiddenByRbac")
	if d.Recognised() || d.Caller.Named() {
		t.Errorf("the end of a text that is too long was read: %+v", d)
	}
}

func TestUnescape(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := unwrap(in); got != want {
			t.Errorf("unwrap(%q) = %q, want %q", in, got, want)
		}
	}
	f(`a\r\nb`, "a\nb")
	f(`a.\nb`, "a.\nb")
	f(`NT AUTHORITY\network`, `NT AUTHORITY\network`)
	f(`DOM\reader`, `DOM\reader`)
	f(`say \"no\"`, `say "no"`)
	f(`\u0027x\u0027`, `'x'`)
	f(`\u00`, `\u00`)
	f(`\uzzzz`, `\uzzzz`)
	f(`C:\dir`, `C:\dir`)
	f(`end\`, `end\`)
	f(`&lt;a&gt;`, `<a>`)
	f("\xff", "\uFFFD")
}
