// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"regexp"
	"strings"
)

// Azure SQL: learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues.
var sqlForms = []form{
	{
		service: SQL, code: "40615", status: 0,
		says:   re(`(?i)Cannot open server '(?P<res>[^']*)' requested by the login\. Client with IP address`),
		causes: []Cause{Network}, proves: []string{usersIgnored},
	},
	{
		service: SQL, code: "47073", status: 0,
		says:   re(`(?i)Deny Public Network Access is set to Yes`),
		causes: []Cause{Network}, proves: []string{usersIgnored},
	},
	{
		service: SQL, code: "33134", status: 0,
		says:   re(`(?i)Server identity is not configured|Server identity does not have .{0,40}permissions?|Principal '[^']*' could not be (?:resolved|found)`),
		causes: []Cause{MissingRole, IDConfusion}, proves: []string{"the server could not look the principal up in the directory"},
	},
	{
		service: SQL, code: "916", status: 0,
		says:   re(`(?i)server principal "(?P<user>[^"]*)" is not able to access the database "(?P<res>[^"]*)"`),
		causes: []Cause{WrongScope, MissingRole}, proves: []string{"the login is known, and has no user in this database"},
	},
	{
		service: SQL, code: "4060", status: 0,
		says:   re(`(?i)Cannot open database "(?P<res>[^"]*)" requested by the login`),
		causes: []Cause{WrongScope, MissingRole, RecreatedIdentity}, proves: []string{"no user of this database fits the login, or there is no such database"},
	},
	{
		service: SQL, code: "229", status: 0,
		says:   re(`(?i)The (?P<op>[A-Z ]+?) permission was denied on the (?:object|database|schema|column) '(?P<res>[^']*)'`),
		causes: []Cause{MissingRole, WrongIdentitySelected}, proves: []string{"a user of the database fits the token, and holds no such permission"},
	},
	{
		service: SQL, code: "18456", status: 0,
		says:   re(`(?i)Login failed for user '<?token-identified principal>?'\.? *(?:The server is not currently configured to accept this token|Incorrect or invalid token)`),
		causes: []Cause{WrongTenant, WrongAudience, MissingRole},
		proves: []string{"the server did not accept the token itself"},
	},
	{
		service: SQL, code: "18456", status: 0,
		says:   re(`(?i)Login failed for user '(?P<user>[^']*)'`),
		causes: []Cause{MissingRole, WrongScope, RecreatedIdentity, IDConfusion, WrongIdentitySelected, GroupTokenCache},
		proves: []string{"no user of this database fits the token"},
		refine: func(d *Denial, _ string) {
			switch strings.ToLower(d.Caller.User) {
			case "<token-identified principal>", "token-identified principal", `nt authority\anonymous logon`, "":
				d.Caller.User = "" // words that stand for whoever the token names
			}
		},
	},
}

const usersIgnored = "database users were not looked at"

// Azure AI services: learn.microsoft.com/azure/ai-services/authentication,
// learn.microsoft.com/azure/ai-foundry/concepts/rbac-foundry.
var aiForms = []form{
	{
		service: AI, code: "PermissionDenied", status: 401,
		says:   re("(?i)lacks the required data action [`'\"]*(?P<op>[\\w./*-]+)"),
		fields: []*regexp.Regexp{re("(?i)The principal [`'\"]*(?P<principal>[^\\s`'\"]+)[`'\"]* lacks")},
		causes: []Cause{MissingRole, ControlPlaneRoleOnly, WrongIdentitySelected, Propagation, WrongScope},
		proves: []string{tokenAccepted, "no role with this data action is in force"},
	},
	{
		service: AI, code: "PermissionDenied", status: 401,
		says:   re(`(?i)Principal does not have access to API/Operation`),
		causes: []Cause{MissingRole, ControlPlaneRoleOnly, WrongIdentitySelected, Propagation, WrongScope},
		proves: []string{tokenAccepted},
	},
	{
		service: AI, code: "401", status: 401,
		says:   re(`(?i)Access token is missing, invalid, audience is incorrect`),
		causes: []Cause{WrongAudience, ClientBug, Unknown}, proves: []string{"the token is missing, over, or for another resource", rolesIgnored},
	},
	{
		service: AI, code: "ManagedIdentityIsNotEnabled", status: 400,
		says:   re(`(?i)\bManagedIdentityIsNotEnabled\b|Managed Identity \(MI\) is not set for this account`),
		causes: []Cause{IdentityNotAssigned}, proves: []string{"the account carries no identity, and needs one for its key or its data"},
	},
	{
		service: AI, code: "TenantMismatch", status: 400,
		says:   re(`(?i)Tenant provided in token does not match resource t`),
		causes: []Cause{WrongTenant}, proves: []string{rolesIgnored},
	},
	{
		service: AI, code: "AccessDenied", status: 403,
		says:   re(`(?i)Access denied due to Virtual Network/Firewall rules|Public access is disabled\. Please configure private endpoint`),
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		service: AI, code: "AuthenticationTypeDisabled", status: 403,
		says:   re(`(?i)AuthenticationTypeDisabled|Key based authentication is disabled for this resource`),
		causes: []Cause{SharedKeyDisabled}, proves: []string{rolesIgnored},
	},
}

// Kubernetes: learn.microsoft.com/azure/aks/manage-azure-rbac. The end of the sentence says
// who decided.
var kubernetesForms = []form{{
	service: Kubernetes, code: "Forbidden", status: 403,
	says:   re(`(?i)is forbidden: User "(?P<user>[^"]*)" cannot (?P<op>[a-z]+ resource "[^"]*")`),
	fields: []*regexp.Regexp{re(`(?i)(?P<res>in the namespace "[^"]*"|at the cluster scope)`)},
	causes: []Cause{MissingRole, WrongScope, GroupTokenCache, Propagation, WrongIdentitySelected},
	refine: func(d *Denial, text string) {
		if strings.Contains(text, "does not have access to the resource in Azure") {
			d.Proves = append(d.Proves, "role assignments of Azure decided")
		} else {
			d.Proves = append(d.Proves, "role bindings of the cluster decided; roles of Azure were not asked, or gave nothing")
		}
	},
}, {
	service: Kubernetes, code: "Unauthorized", status: 401,
	says:   re(`(?i)must be logged in to the server|the server has asked for the client to provide credentials`),
	causes: []Cause{WrongTenant, StaleClientCache, WrongAudience}, proves: []string{"the cluster did not accept the token; role bindings were not looked at"},
}}

// Container registries: learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-access,
// …/container-registry-troubleshoot-login,
// learn.microsoft.com/troubleshoot/azure/azure-kubernetes/extensions/cannot-pull-image-from-acr-to-aks-cluster.
var registryForms = []form{
	{
		service: ContainerRegistry, code: "forbidden", status: 403,
		says:   re(`(?i)client with IP '[^']*' is not allowed access`),
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		// What the page on AKS names first of a 403: the registry is closed to the node.
		service: ContainerRegistry, code: "forbidden", status: 403,
		says:   re(`(?i)failed to fetch (?:anonymous|oauth) token[^\n]*\b403\b`),
		fields: []*regexp.Regexp{registryName},
		causes: []Cause{Network, MissingRole, WrongIdentitySelected},
	},
	{
		service: ContainerRegistry, code: "unauthorized", status: 401,
		says: re(`(?i)unable to pull image using Managed identity|compute could not authenticate with the Docker registry|failed to fetch (?:anonymous|oauth) token` +
			`|/v2/[^\s"]+/manifests/[^\s"]+"?: unauthorized|scope=repository\S+ *UNAUTHORIZED`),
		fields: []*regexp.Regexp{
			registryName, re(`(?i)using Managed identity '?(?P<xms_mirid>/subscriptions/[^\s']+)`),
		},
		// A pull that the platform makes: the page names the missing role first.
		causes: []Cause{MissingRole, WrongIdentitySelected, Propagation, GroupTokenCache, Network},
		proves: []string{noRegistryToken},
	},
	{
		service: ContainerRegistry, code: "unauthorized", status: 401,
		says: re(`(?i)unauthorized(?:: |"\s*,\s*"message"\s*:\s*")(?:authentication required|Application not registered)|CONNECTIVITY_REFRESH_TOKEN_ERROR` +
			`|ImagePullUnauthorized`),
		fields: []*regexp.Regexp{registryName},
		causes: registryCauses, proves: []string{noRegistryToken},
	},
	{
		service: ContainerRegistry, code: "forbidden", status: 403,
		says: re(`(?i)\b403\b|\bforbidden\b|denied: requested access`), beside: registryName,
		fields: []*regexp.Regexp{registryName},
		causes: []Cause{MissingRole, WrongIdentitySelected, Network, Propagation, WrongScope},
	},
	{
		service: ContainerRegistry, code: "unauthorized", status: 401,
		says: re(`(?i)\b401\b|\bunauthorized\b`), beside: registryName,
		fields: []*regexp.Regexp{registryName}, causes: registryCauses,
	},
}

var (
	registryName   = re(`(?i)(?P<res>[a-z0-9-]+\.azurecr\.(?:io|us|cn))`)
	registryCauses = []Cause{WrongIdentitySelected, MissingRole, Propagation, GroupTokenCache, Network}
)

const noRegistryToken = "the registry gave the client no token for this image"

// Microsoft Graph: learn.microsoft.com/graph/errors, …/graph/resolve-auth-errors.
var graphForms = []form{
	{
		service: Graph, code: "InvalidAuthenticationToken", status: 401,
		says:   re(`(?i)Access token validation failure\. Invalid audience`),
		causes: []Cause{WrongAudience}, proves: []string{"the token is for another resource"},
	},
	{
		service: Graph, code: "InvalidAuthenticationToken", status: 401,
		says: re(`(?i)Access token validation failure|CompactToken parsing failed`), beside: re(`(?i)InvalidAuthenticationToken|graph`),
		causes: []Cause{WrongAudience, ClientBug, Unknown}, proves: []string{"the token itself was not accepted"},
	},
	{
		service: Graph, code: "Authorization_IdentityNotFound", status: 401,
		says:   re(`(?i)Authorization_IdentityNotFound|identity of the calling application could not be established`),
		causes: []Cause{RecreatedIdentity, WrongTenant}, proves: []string{"the tenant knows no principal of the application that the token names"},
	},
	{
		service: Graph, code: "ErrorAccessDenied", status: 403,
		says:   re(`\bErrorAccessDenied\b`),
		causes: []Cause{MissingRole, GroupTokenCache, UnsupportedOperation, Propagation}, proves: []string{noPermission},
	},
	{
		service: Graph, code: "Forbidden", status: 403,
		says: re(`(?i)Insufficient privileges to perform requested operation by the application|PermissionScopeNotGranted|missing permission scope` +
			`|Missing scope permissions on the request|Application must have one of the following scopes|Either scp or roles claim need to be present`),
		fields: []*regexp.Regexp{re(`(?i)(?:API requires one of '|one of the following scopes:? |missing permission scope )(?P<op>[\w.]+(?:, ?[\w.]+)*)`)},
		causes: []Cause{MissingRole, GroupTokenCache, StaleClientCache, UnsupportedOperation, WrongIdentitySelected}, proves: []string{noPermission},
	},
	{
		service: Graph, code: "Authorization_RequestDenied", status: 403,
		says:   re(`(?i)Access to [\w ]{1,80} operation is denied`),
		causes: []Cause{UnsupportedOperation, MissingRole, StaleClientCache},
		proves: []string{"the operation itself was refused, whatever the permissions; some take a signed-in user"},
	},
	{
		service: Graph, code: "Authorization_RequestDenied", status: 403,
		says:   re(`(?i)Authorization_RequestDenied|Insufficient privileges to complete the operation`),
		causes: []Cause{MissingRole, StaleClientCache, UnsupportedOperation, GroupTokenCache, WrongIdentitySelected},
		proves: []string{noPermission},
	},
}

const noPermission = "the permission is not in the token"

// App Configuration: learn.microsoft.com/azure/azure-app-configuration/rest-api-authorization-azure-ad.
// The service writes no body.
var configurationForms = []form{
	{
		service: AppConfiguration, code: "Forbidden", status: 403,
		says:   re(`(?i)azconfig\.io/errors/ip|not allowed from your IP address`),
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		service: AppConfiguration, code: "Forbidden", status: 403,
		says:   re(`(?i)\b403\b|\bforbidden\b`),
		beside: re(`(?i)azconfig\.(?:io|azure\.(?:us|cn))|app ?configuration|appconfig|Access-Control-Expose-Headers:[^\n]*Sync-Token`),
		fields: []*regexp.Regexp{re(`(?i)(?P<res>[a-z0-9-]+\.azconfig\.(?:io|azure\.us|azure\.cn))`)},
		causes: []Cause{ControlPlaneRoleOnly, MissingRole, Propagation, WrongIdentitySelected, Network},
	},
}

// The identity endpoints: MicrosoftDocs/entra-docs docs/identity/managed-identities-azure-resources/how-to-use-vm-token.md,
// MicrosoftDocs/azure-docs articles/app-service/overview-managed-identity.md.
var identityEndpointForms = []form{
	{
		service: IdentityEndpoint, code: "invalid_request", status: 400,
		says:   re(`(?i)Multiple user[ -]assigned identities exist`),
		causes: []Cause{AmbiguousIdentity}, proves: []string{"several identities are attached and none was selected"},
	},
	{
		service: IdentityEndpoint, code: "invalid_request", status: 400,
		says:   re(`(?i)requested identity (?:has not|hasn't|isn't|is not) (?:been )?assigned to this resource|error_description"?\s*[:=]\s*"?Identity not found|invalid_request\W{1,4}Identity not found`),
		causes: []Cause{IdentityNotAssigned, WebhookNotInjected, RecreatedIdentity},
		proves: []string{"the host carries no identity, or not the selected one"}, refine: refineHost,
	},
	{
		service: IdentityEndpoint, code: "invalid_request", status: 400,
		says: re(`(?i)Identity not found`), beside: re(`(?i)169\.254\.169\.254|IMDS|invalid_request|ManagedIdentity`),
		causes: []Cause{IdentityNotAssigned, WebhookNotInjected, RecreatedIdentity},
		proves: []string{"the host carries no identity, or not the selected one"}, refine: refineHost,
	},
	{
		service: IdentityEndpoint, code: "BadRequest", status: 400,
		says:   re(`(?i)No (?:MSI|User Assigned or Delegated Managed Identity|Managed Identity) found for specified`),
		causes: []Cause{IdentityNotAssigned, AmbiguousIdentity, RecreatedIdentity},
		proves: []string{"the app does not carry the selected identity"},
	},
	{
		service: IdentityEndpoint, code: "BadRequest", status: 400,
		says:   re(`(?i)Unable to load the proper Managed Identity`),
		causes: []Cause{AmbiguousIdentity, IdentityNotAssigned},
		proves: []string{"no identity of the app fits the request; without a selector only a system-assigned one does"},
	},
	{
		service: IdentityEndpoint, code: "no-token-file", status: 0,
		says:   re(`(?i)failed to read (?:the )?service account token`),
		causes: []Cause{WebhookNotInjected, ClientBug}, proves: []string{"the file of the federated token is not there; nothing was asked yet"},
	},
	{
		service: IdentityEndpoint, code: "NotFound", status: 404,
		says:   re(`(?i)getting assigned identities for pod|no AzureAssignedIdentity found for pod|no azure identity found for request clientID`),
		causes: []Cause{WebhookNotInjected, IdentityNotAssigned}, proves: []string{"nothing binds an identity to the pod"},
	},
	{
		service: VaultReference, code: "AccessToKeyVaultDenied", status: 0,
		says:   re(`(?i)\bAccessToKeyVaultDenied\b|site was denied access to Key Vault reference's vault`),
		causes: []Cause{MissingRole, WrongIdentitySelected, Network, Propagation, GroupTokenCache, RecreatedIdentity},
	},
	{
		service: VaultReference, code: "MSINotEnabled", status: 0,
		says:   re(`(?i)\bMSINotEnabled\b|site Managed Identity not enabled`),
		causes: []Cause{IdentityNotAssigned, AmbiguousIdentity},
	},
	{
		service: SecretReference, code: "unable-to-get-value", status: 400,
		says:   re(`(?i)unable to get value using Managed identity`),
		fields: []*regexp.Regexp{re(`(?i)using Managed identity '?(?P<xms_mirid>/subscriptions/[^\s']+)`)},
		causes: []Cause{MissingRole, Propagation, Network, WrongIdentitySelected},
		proves: []string{"the platform asked the vault itself, with the identity that the secret selects"},
	},
}

// What a client library says when no credential of its chain gave a token. Where one of
// them was answered, a form above knows the answer.
var chainForms = []form{{
	service: IdentityEndpoint, code: "unavailable",
	says: re(`(?i)(?:DefaultAzureCredential|ChainedTokenCredential)\W{1,3}failed to (?:retrieve|acquire) a token|ManagedIdentityCredential authentication unavailable` +
		`|Attempted to use the IMDS endpoint, but it is not available|no response from the IMDS endpoint|No managed identity endpoint found` +
		`|No response received from the managed identity endpoint`),
	causes: []Cause{IdentityNotAssigned, WebhookNotInjected, ClientBug},
	proves: []string{"no token was issued: nothing was asked of a service yet"},
	refine: refineHost,
}}

// refineHost puts first what a pod meets that was not given the variables.
func refineHost(d *Denial, text string) {
	if inCluster.MatchString(text) {
		d.first(WebhookNotInjected)
	}
}

// inCluster tells that the client ran in a pod.
var inCluster = re(`(?i)aks-\w+-\d+-vmss|system:serviceaccount|\bkubelet\b|\bpods?/|kubernetes`)

// Codes that stand alone, or in a sentence that no form above has.
var codeForms = []form{
	{
		service: KeyVault, status: 403,
		says:   re(`\b(?P<code>ForbiddenByRbac)\b`),
		causes: []Cause{MissingRole, Propagation, ControlPlaneRoleOnly, WrongIdentitySelected, WrongScope},
	},
	{service: KeyVault, status: 403, says: re(`\b(?P<code>ForbiddenByPolicy)\b`), causes: []Cause{CompoundPolicy, MissingRole}},
	{
		service: KeyVault, status: 403, says: re(`\b(?P<code>ForbiddenByFirewall|ForbiddenByConnection)\b`),
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		service: KeyVault, code: "Forbidden/AccessDenied", status: 403,
		says: re(`\bAccessDenied\b`), beside: re(`(?i)vault|InnerError=\{"code":"AccessDenied"`),
		causes: []Cause{MissingRole, WrongIdentitySelected, IDConfusion, RecreatedIdentity},
	},
	{
		service: AI, code: "PermissionDenied", status: 401,
		says: re(`\bPermissionDenied\b`), causes: []Cause{MissingRole, ControlPlaneRoleOnly, WrongIdentitySelected, Propagation},
	},
	{
		service: SQL, code: "18456",
		says: re(`\b18456\b`), causes: []Cause{MissingRole, WrongScope, RecreatedIdentity, IDConfusion},
	},
}
