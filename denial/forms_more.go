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
		says:   re(`(?i)Cannot open server '(?P<res>[^']*)' requested by the login\. Client with IP address|Deny Public Network Access is set to Yes`),
		causes: []Cause{Network}, proves: []string{"database users were not looked at"},
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
}}

// Container registries: learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-access,
// …/container-registry-troubleshoot-login.
var registryForms = []form{
	{
		service: ContainerRegistry, code: "forbidden", status: 403,
		says:   re(`(?i)client with IP '[^']*' is not allowed access`),
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		service: ContainerRegistry, code: "unauthorized", status: 401,
		says: re(`(?i)unauthorized: (?:authentication required|Application not registered)|CONNECTIVITY_REFRESH_TOKEN_ERROR` +
			`|failed to fetch (?:anonymous|oauth) token|ImagePullUnauthorized`),
		fields: []*regexp.Regexp{registryName},
		causes: registryCauses, proves: []string{"the registry gave the client no token for this image"},
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

// Microsoft Graph: learn.microsoft.com/graph/errors, …/graph/resolve-auth-errors.
var graphForms = []form{
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
		proves: []string{"the permission is not in the token"},
	},
}

// App Configuration: learn.microsoft.com/azure/azure-app-configuration/rest-api-authorization-azure-ad.
// The service writes no body.
var configurationForms = []form{{
	service: AppConfiguration, code: "Forbidden", status: 403,
	says:   re(`(?i)\b403\b|\bforbidden\b`),
	beside: re(`(?i)azconfig\.(?:io|azure\.(?:us|cn))|app ?configuration|appconfig`),
	fields: []*regexp.Regexp{re(`(?i)(?P<res>[a-z0-9-]+\.azconfig\.(?:io|azure\.us|azure\.cn))`)},
	causes: []Cause{ControlPlaneRoleOnly, MissingRole, Propagation, WrongIdentitySelected, Network},
}}

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
		proves: []string{"the host carries no identity, or not the selected one"},
	},
	{
		service: IdentityEndpoint, code: "invalid_request", status: 400,
		says: re(`(?i)Identity not found`), beside: re(`(?i)169\.254\.169\.254|IMDS|invalid_request|ManagedIdentity`),
		causes: []Cause{IdentityNotAssigned, WebhookNotInjected, RecreatedIdentity},
		proves: []string{"the host carries no identity, or not the selected one"},
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
		service: VaultReference, code: "AccessToKeyVaultDenied", status: 0,
		says:   re(`\bAccessToKeyVaultDenied\b`),
		causes: []Cause{MissingRole, WrongIdentitySelected, Network, Propagation, GroupTokenCache, RecreatedIdentity},
	},
	{
		service: VaultReference, code: "MSINotEnabled", status: 0,
		says:   re(`\bMSINotEnabled\b`),
		causes: []Cause{IdentityNotAssigned, AmbiguousIdentity},
	},
}

// Federated credentials: learn.microsoft.com/entra/identity-platform/reference-error-codes,
// learn.microsoft.com/entra/identity-platform/reference-breaking-changes (August 2024).
var federationForms = []form{
	federationForm(`AADSTS7002138`, FederationCase),
	federationForm(`AADSTS7002137`, FederationSubject, IDConfusion, FederationCase),
	federationForm(`AADSTS700211`, FederationIssuer, Propagation),
	federationForm(`AADSTS700212`, FederationAudience, Propagation),
	federationForm(`AADSTS700213`, FederationSubject, FederationCase, Propagation),
	federationForm(`AADSTS70021`, FederationIssuer, FederationSubject, FederationCase, FederationAudience, Propagation),
	{
		service: Federation, status: 400, code: "AADSTS70021",
		says:   re(`(?i)No matching federated identity record found`),
		fields: assertionFields,
		causes: []Cause{FederationIssuer, FederationSubject, FederationCase, FederationAudience, Propagation},
		proves: []string{federationProves}, refine: refineFederation,
	},
}

const federationProves = "no federated credential fits the assertion; no token was issued"

var assertionFields = []*regexp.Regexp{
	re(`(?i)assertion issuer:? '(?P<iss>[^']*)'`), re(`(?i)assertion subject:? '(?P<sub>[^']*)'`), re(`(?i)assertion audience:? '(?P<aud>[^']*)'`),
}

// federationForm is the form of one code, which stands whole.
func federationForm(code string, causes ...Cause) form {
	return form{
		service: Federation, code: code, status: 400, says: re(`\b` + code + `\b`),
		fields: assertionFields, causes: causes, proves: []string{federationProves}, refine: refineFederation,
	}
}

// refineFederation follows what the sentence says of letter case.
func refineFederation(d *Denial, text string) {
	if strings.Contains(text, "but not with case-sensitive comparison") {
		d.only(FederationCase, "the subjects differ in letter case alone")
	}
}

// Endpoints of one's own behind Entra:
// learn.microsoft.com/azure/app-service/configure-authentication-provider-aad,
// learn.microsoft.com/azure/api-management/validate-azure-ad-token-policy,
// learn.microsoft.com/entra/identity-platform/reference-error-codes.
var ownEndpointForms = []form{
	{
		service: AppAuthentication, code: "IDX10214", status: 401,
		says: re(`IDX10214|IDX10206`), causes: []Cause{WrongAudience}, proves: []string{"the endpoint refused the audience of the token"},
	},
	{
		service: AppAuthentication, code: "IDX10205", status: 401,
		says: re(`IDX10205|IDX10211`), causes: []Cause{WrongTenant}, proves: []string{"the endpoint refused the issuer of the token"},
	},
	{
		service: APIManagement, code: "validate-azure-ad-token", status: 401,
		says: re(`(?i)(?:JWT|token) validation failed\W.{0,80}\baud`), causes: []Cause{WrongAudience},
		proves: []string{"the policy refused the audience of the token"},
	},
	{
		service: APIManagement, code: "validate-azure-ad-token", status: 401,
		says:   re(`(?i)(?:JWT|token) validation failed\W.{0,80}\b(?:appid|azp|client)|Azure AD JWT.{0,40}client application`),
		causes: []Cause{WrongIdentitySelected, MissingRole}, proves: []string{"the policy does not list the client application"},
	},
	{
		service: APIManagement, code: "validate-azure-ad-token", status: 401,
		says:   re(`(?i)(?:JWT|token) validation failed\W.{0,80}\broles?\b`),
		causes: []Cause{MissingRole, GroupTokenCache}, proves: []string{"the role that the policy asks for is not in the token"},
	},
	{
		service: TokenEndpoint, code: "AADSTS501051", status: 400,
		says: re(`AADSTS501051|AADSTS50105\b`), causes: []Cause{MissingRole, GroupTokenCache},
		proves: []string{"the client has no app role of an API that asks for one; no token was issued"},
	},
	{
		service: TokenEndpoint, code: "AADSTS500011", status: 400,
		says: re(`AADSTS500011|AADSTS50001\b`), causes: []Cause{WrongAudience, WrongTenant},
		proves: []string{"the tenant knows no API of this name; no token was issued"},
	},
	{
		service: TokenEndpoint, code: "AADSTS700016", status: 400,
		says: re(`AADSTS700016`), causes: []Cause{RecreatedIdentity, WrongTenant, IDConfusion},
		proves: []string{"the tenant knows no application of this client ID; no token was issued"},
	},
}

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
		says: re(`\bAccessDenied\b`), beside: re(`(?i)vault`),
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
