// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"regexp"
	"slices"
	"strings"
)

// forms is the table of all forms. The first that fits is taken: sentences stand before
// codes, and what names its service before what several services write.
//
// Sources: the pages of each service on its errors, named at the groups below, and public
// threads in which people posted what they got.
var forms = sifted(slices.Concat(
	federationForms, tokenEndpointForms, gatewayForms, ownEndpointForms, identityEndpointForms,
	vaultForms, managerForms, cosmosForms, sqlForms, aiForms, otherForms,
	busForms, kubernetesForms, registryForms, graphForms, storageForms, configurationForms,
	chainForms, codeForms, hostForms,
))

func re(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

const (
	rolesIgnored  = "roles were not looked at"
	tokenAccepted = "the token was accepted, and no network rule refused"
)

// Key Vault: learn.microsoft.com/azure/key-vault/general/rest-error-codes.
var vaultForms = []form{
	{
		service: KeyVault, code: "ForbiddenByRbac", status: 403,
		says: re(`(?i)Caller is not authorized to perform action on resource|The operation is not allowed by RBAC`),
		fields: []*regexp.Regexp{
			re(`Action:\s*'(?P<op>[^']*)'`), re(`Resource:\s*'(?P<res>[^']*)'`),
			re(`Assignment:\s*(?P<assignment>\(not found\)|\S+)`), re(`DenyAssignmentId:\s*(?P<deny>\S+)`),
		},
		causes: []Cause{MissingRole, Propagation, ControlPlaneRoleOnly, WrongIdentitySelected, WrongScope, GroupTokenCache, RecreatedIdentity},
		proves: []string{"the vault is under role assignments", tokenAccepted},
		refine: refineVaultRoles,
	},
	{
		service: KeyVault, code: "Forbidden/AccessDenied", status: 403,
		says: re(`(?i)does not have (?P<op>(?:keys?|secrets?|certificates?|storage) [a-z]+) permission on key vault '(?P<res>[^';]*)` +
			`|KeyVaultErrorException: Access denied`),
		causes: []Cause{MissingRole, WrongIdentitySelected, IDConfusion, RecreatedIdentity, CompoundPolicy},
		proves: []string{"the vault is under access policies; roles count for nothing in it", tokenAccepted},
	},
	{
		service: KeyVault, code: "ForbiddenByPolicy", status: 403,
		says:   re(`(?i)The policy requires the caller .* to use on-behalf-of`),
		causes: []Cause{CompoundPolicy},
		proves: []string{"the access policy that fits the caller names an application too"},
	},
	{
		service: KeyVault, code: "ForbiddenByFirewall", status: 403,
		says:   re(`(?i)Client address (?:\([^)]*\) )?is not authorized and caller|Client address \([^)]*\) is not authorized`),
		fields: []*regexp.Regexp{vaultName},
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		service: KeyVault, code: "ForbiddenByConnection", status: 403,
		says: re(`(?i)Public network access is disabled and request is not from a trusted service nor via an approved private link` +
			`|Connection is not an approved private link`),
		fields: []*regexp.Regexp{vaultName},
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		service: KeyVault, code: "AKV10000", status: 401,
		says:   re(`AKV10000|Request is missing a Bearer or PoP token`),
		causes: []Cause{Unknown}, proves: []string{"the request carried no token; the first one of a client never does", rolesIgnored},
	},
	{
		service: KeyVault, code: "AKV10022", status: 401,
		says:   re(`AKV10022|Invalid audience\. Expected https://[^,]*vault[^,]*, found: `),
		fields: []*regexp.Regexp{re(`found: (?P<aud>\S+?)\.?(?:["'\s]|$)`)},
		causes: []Cause{WrongAudience}, proves: []string{rolesIgnored},
	},
	{
		service: KeyVault, code: "AKV10032", status: 401,
		says:   re(`AKV10032|Invalid issuer\. Expected one of https://sts\.windows\.net`),
		fields: []*regexp.Regexp{re(`found (?P<iss>https://\S+?)\.?(?:["'\s]|$)`)},
		causes: []Cause{WrongTenant}, proves: []string{rolesIgnored},
	},
}

var vaultName = re(`Vault:\s*(?P<res>[^;\s]+)`)

func refineVaultRoles(d *Denial, _ string) {
	d.Assignment = orEmpty(d.Assignment)
	d.Deny = orEmpty(d.Deny)
	switch {
	case d.Deny != "":
		d.only(DenyAssignment, "a deny assignment matched: "+d.Deny)
	case d.Caller.Tool() != "":
		// Owners of a subscription try it themselves: they hold the vault, not its data.
		d.Causes = []Cause{MissingRole, ControlPlaneRoleOnly, Propagation, StaleClientCache, WrongScope}
		d.Proves = append(d.Proves, "the caller is a person who signed in with "+d.Caller.Tool())
	}
}

// orEmpty drops the words that stand for nothing, and quotes.
func orEmpty(s string) string {
	s = strings.Trim(s, `'",.`)
	if s == "null" || s == "(not found)" || s == "(none)" {
		return ""
	}
	return s
}

// Resource Manager: learn.microsoft.com/azure/role-based-access-control/troubleshooting and
// learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors.
var managerForms = []form{
	{
		service: ResourceManager, code: "DenyAssignmentAuthorizationFailed", status: 403,
		says:   re(`(?i)DenyAssignmentAuthorizationFailed|access is denied because of the deny assignment`),
		fields: slices.Concat(managerFields, []*regexp.Regexp{re(`deny assignment with name '[^']*' and Id '(?P<deny>[^']*)'`)}),
		causes: []Cause{DenyAssignment}, proves: []string{"a deny assignment matched; no role helps"},
	},
	{
		service: ResourceManager, code: "LinkedAuthorizationFailed", status: 403,
		says:   re(`(?i)is not authorized to access linked subscription`),
		fields: managerFields,
		causes: []Cause{WrongTenant}, proves: []string{"the second resource lies in another tenant"},
	},
	{
		service: ResourceManager, code: "LinkedAuthorizationFailed", status: 403,
		says: re(`(?i)on the linked scope\(s\)|LinkedAuthorizationFailed`),
		fields: slices.Concat(managerFields, []*regexp.Regexp{
			re(`(?i)does not have permission to perform action(?:\(s\))? '(?P<lop>[^']*)' on the linked scope\(s\)(?: '(?P<lres>[^']*)')?`),
		}),
		causes: []Cause{LinkedScope, LinkedScopeDeleted, Propagation, WrongIdentitySelected},
		proves: []string{"the operation itself is allowed; the one at the second resource is not, or that resource is gone"},
		refine: func(d *Denial, text string) {
			if strings.Contains(strings.ToLower(text), "blocked by deny assignment") {
				d.only(DenyAssignment, "a deny assignment matched at the second resource")
			}
		},
	},
	{
		service: ResourceManager, code: "InvalidAuthenticationTokenTenant", status: 401,
		says:   re(`InvalidAuthenticationTokenTenant|access token is from the wrong issuer`),
		fields: []*regexp.Regexp{re(`wrong issuer '(?P<iss>[^']*)'`)},
		causes: []Cause{WrongTenant}, proves: []string{rolesIgnored},
	},
	{
		service: ResourceManager, code: "InvalidAuthenticationTokenAudience", status: 401,
		says:   re(`InvalidAuthenticationTokenAudience|access token has been obtained for wrong audience or resource`),
		fields: []*regexp.Regexp{re(`wrong audience or resource '(?P<aud>[^']*)'`)},
		causes: []Cause{WrongAudience}, proves: []string{rolesIgnored},
	},
	{
		service: ResourceManager, code: "RoleAssignmentUpdateNotPermitted", status: 400,
		says:   re(`RoleAssignmentUpdateNotPermitted|Tenant ID, application ID, principal ID, and scope are not allowed to be updated`),
		causes: []Cause{RecreatedIdentity},
		proves: []string{"an assignment of this name is there, for another principal: that of the identity before it was made again"},
	},
	{
		service: ResourceManager, code: "PrincipalNotFound", status: 400,
		says: re(`\bPrincipalNotFound\b|Principal \S+ does not exist in the directory`),
		// A new principal is not seen everywhere at once; an application's ID is none.
		causes: []Cause{Propagation, IDConfusion, RecreatedIdentity, WrongTenant},
		proves: []string{"the directory does not know the principal that was to get the role"},
	},
	{
		service: ResourceManager, code: "UnmatchedPrincipalType", status: 400,
		says:   re(`\bUnmatchedPrincipalType\b`),
		causes: []Cause{IDConfusion}, proves: []string{"the principal is of another type than the assignment says"},
	},
	{
		service: ResourceManager, code: "FailedIdentityOperation", status: 400,
		says:   re(`\bFailedIdentityOperation\b`),
		fields: []*regexp.Regexp{re(`Identity operation for resource '(?P<res>[^']*)'`), re(`Resource '(?P<lres>[^']*)' was not found`)},
		causes: []Cause{LinkedScopeDeleted}, proves: []string{"an identity that the resource lists cannot be found"},
	},
	{
		service: ResourceManager, code: "SubscriptionNotFound", status: 404,
		says:   re(`\bSubscriptionNotFound\b|No subscriptions found for`),
		causes: []Cause{MissingRole, WrongTenant, WrongIdentitySelected, StaleClientCache},
		proves: []string{"a subscription in which the caller holds nothing is not found"},
	},
	{
		service: ResourceManager, code: "RequestDisallowedByPolicy", status: 403,
		says:   re(`\bRequestDisallowedByPolicy\b|was disallowed by policy`),
		causes: []Cause{Unknown}, proves: []string{"a policy refused the resource; no grant helps"},
	},
	{
		service: ResourceManager, code: "ScopeLocked", status: 409,
		says:   re(`\bScopeLocked\b`),
		causes: []Cause{Unknown}, proves: []string{"a lock refused the change; no grant helps"},
	},
	{
		service: ResourceManager, code: "AuthorizationFailed", status: 403,
		says:   re(`(?i)does not have (?:authorization|permission) to perform action|\bAuthorizationFailed\b`),
		fields: managerFields,
		causes: []Cause{MissingRole, Propagation, WrongScope, WrongIdentitySelected, StaleClientCache, RecreatedIdentity},
		proves: []string{"Resource Manager saw no grant that allows it, or the scope does not exist"},
		refine: func(d *Denial, _ string) {
			// A management group is seen some time after it is made, and so are its children.
			if strings.Contains(strings.ToLower(d.Resource), "/managementgroups/") {
				d.first(Propagation)
			}
		},
	},
}

var managerFields = []*regexp.Regexp{
	re(`(?i)client ['"](?P<client>[^'"]*)['"] with object id ['"](?P<oid>[^'"]*)['"]`),
	re(`(?i)client with object id ['"](?P<oid>[^'"]*)['"]`),
	re(`(?i)(?:authorization|permission) to perform action(?:\(s\))? ['"](?P<op>[^'"]*)['"] (?:over|on|at) scope ['"](?P<res>[^'"]*)['"]`),
	re(`(?i)to perform action(?:\(s\))? ['"](?P<op>[^'"]*)['"]`),
}

var storageFields = []*regexp.Regexp{
	re(`(?i)(?P<res>https://[a-z0-9]+\.(?:blob|queue|table|file|dfs)\.core\.[a-z.]+[a-z](?:/(?:[^\s"'?<>,;)]*[^\s"'?<>,;).:])?)?)`),
	re(`(?i)\b(?P<res>[a-z0-9]{3,24}\.(?:blob|queue|table|file|dfs)\.core\.(?:windows|usgovcloudapi|chinacloudapi)\.(?:net|cn))`),
}

// Storage: learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes.
var storageForms = []form{
	{
		service: Storage, code: "AuthorizationPermissionMismatch", status: 403,
		says:   re(`(?i)AuthorizationPermissionMismatch|not authorized to perform this operation using this permission`),
		fields: storageFields,
		causes: []Cause{ControlPlaneRoleOnly, Propagation, MissingRole, WrongScope, WrongIdentitySelected, GroupTokenCache},
		proves: []string{tokenAccepted},
	},
	{
		service: Storage, code: "KeyBasedAuthenticationNotPermitted", status: 403,
		says:   re(`(?i)KeyBasedAuthenticationNotPermitted|Key based authentication is not permitted on this storage account`),
		fields: storageFields,
		causes: []Cause{SharedKeyDisabled}, proves: []string{rolesIgnored},
	},
	{
		service: Storage, code: "InvalidAuthenticationInfo", status: 401,
		says:   re(`(?i)Issuer validation failed`),
		fields: storageFields,
		causes: []Cause{WrongTenant}, proves: []string{rolesIgnored},
	},
	{
		service: Storage, code: "InvalidAuthenticationInfo", status: 401,
		says:   re(`(?i)Audience validation failed`),
		fields: storageFields,
		causes: []Cause{WrongAudience}, proves: []string{rolesIgnored},
	},
	{
		service: Storage, code: "InvalidAuthenticationInfo", status: 401,
		says:   re(`\bInvalidAuthenticationInfo\b`),
		fields: storageFields,
		causes: []Cause{WrongAudience, WrongTenant}, proves: []string{rolesIgnored},
	},
	{
		service: Storage, code: "NoAuthenticationInformation", status: 401,
		says:   re(`\bNoAuthenticationInformation\b`),
		fields: storageFields,
		causes: []Cause{Unknown}, proves: []string{"the request carried no token that the account can read", rolesIgnored},
	},
	{
		service: Storage, code: "PublicAccessNotPermitted", status: 409,
		says:   re(`\bPublicAccessNotPermitted\b|Public access is not permitted on this storage account`),
		fields: storageFields,
		causes: []Cause{Unknown}, proves: []string{"the request carried no token, and the account permits none without", rolesIgnored},
	},
	{
		service: Storage, status: 403,
		says:   re(`\b(?P<code>Authorization(?:Protocol|Service|ResourceType)Mismatch)\b`),
		fields: storageFields,
		causes: []Cause{Unknown}, proves: []string{"a signed URL was used, and is made for something else; no identity was involved"},
	},
	{
		service: Storage, code: "AuthenticationFailed", status: 403,
		says:   re(`(?i)Make sure the value of (?:the )?Authorization header is formed correctly`),
		fields: storageFields,
		causes: []Cause{Unknown}, proves: []string{"the key, the signed URL or the token is not right in itself", rolesIgnored},
	},
	{
		service: Storage, code: "AuthorizationSourceIPMismatch", status: 403,
		says:   re(`(?i)AuthorizationSourceIPMismatch|not authorized to perform this operation using this source IP`),
		fields: storageFields,
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		service: Storage, code: "AuthorizationFailure", status: 403,
		says:   re(`\bAuthorizationFailure\b|(?i:This request is not authorized to perform this operation)(?:[.\s"'<]|$)`),
		fields: storageFields,
		causes: []Cause{Network}, proves: []string{rolesIgnored},
		refine: func(d *Denial, text string) {
			// The sentence is the network's. The code alone is written for other refusals too.
			if !strings.Contains(text, "not authorized to perform this operation") {
				d.Causes = []Cause{Network, Unknown}
			}
		},
	},
}

// Service Bus and Event Hubs: learn.microsoft.com/azure/service-bus-messaging/service-bus-troubleshooting-guide,
// learn.microsoft.com/azure/event-hubs/troubleshooting-guide.
var busForms = []form{
	{
		service: ServiceBus, code: "unauthorized-access", status: 401,
		says:   re(`(?i)Ip has been prevented to connect to the endpoint`),
		fields: []*regexp.Regexp{busResource},
		causes: []Cause{Network}, proves: []string{rolesIgnored}, refine: refineBus,
	},
	{
		service: ServiceBus, code: "InvalidAudience", status: 401,
		says:   re(`(?i)authorization token audience is invalid|status-description: InvalidAudience`),
		causes: []Cause{WrongAudience}, proves: []string{rolesIgnored}, refine: refineBus,
	},
	{
		service: ServiceBus, code: "InvalidIssuer", status: 401,
		says:   re(`(?i)InvalidIssuer: Token issuer is invalid|status-description: InvalidIssuer`),
		causes: []Cause{WrongTenant}, proves: []string{rolesIgnored}, refine: refineBus,
	},
	{
		service: ServiceBus, code: "LocalAuthDisabled", status: 401,
		says:   re(`(?i)LocalAuthDisabled|SAS authentication has been disabled for the namespace`),
		causes: []Cause{SharedKeyDisabled}, proves: []string{rolesIgnored}, refine: refineBus,
	},
	{
		// A refusal of the token itself is told with the same condition, and stands before.
		service: ServiceBus, code: "unauthorized-access", status: 401,
		says: re(`(?i)'?\b(?:Listen|Send|Manage)[\w, ]*'? claim\(s\) (?:are|is) required|(?:Listen|Send|Manage)[\w, ]* claims? (?:are|is) required for this operation` +
			`|\bunauthorized-access\b|claim is empty or token is invalid|SubCode=4010\d`),
		fields: []*regexp.Regexp{busResource, re(`(?i)(?P<op>(?:Listen|Send|Manage)(?:, ?\w+)*)'? claim`)},
		causes: []Cause{MissingRole, WrongIdentitySelected, WrongScope, Propagation, ControlPlaneRoleOnly, GroupTokenCache},
		proves: []string{tokenAccepted, "no role with this claim is in force at the entity"},
		refine: refineBus,
	},
}

var (
	busResource = re(`(?i)Resource:\s*'?(?P<res>sb://[^'\s]+)`)
	eventHub    = re(`(?i)event[\s_-]?hub|/consumergroups/|/partitions/|consumer group|kafka`)
	serviceBus  = re(`(?i)service[\s_-]?bus(?:$|[^.a-z])|/subscriptions/|\$deadletterqueue|\b(?:queue|topic)\b|EntityRead`)
)

// refineBus tells the two services apart, which answer with the same words and host names.
func refineBus(d *Denial, text string) {
	switch {
	case eventHub.MatchString(text):
		d.Service = EventHubs
	case !serviceBus.MatchString(text):
		d.Either = EventHubs
	}
}

// Cosmos DB: learn.microsoft.com/azure/cosmos-db/troubleshoot-forbidden.
var cosmosForms = []form{
	{
		service: CosmosDB, code: "Forbidden/5300", status: 403,
		says:   re(`(?i)The given request \[(?P<op>[^\]]*)\] cannot be authorized by AAD token in data plane|cannot be authorized by AAD \S+ data plane|Substatus(?:code)?"?\s*[:=]\s*"?5300`),
		fields: []*regexp.Regexp{cosmosAccount},
		causes: []Cause{UnsupportedOperation}, proves: []string{"this operation is never done with a token of Entra; it belongs to Resource Manager"},
	},
	{
		service: CosmosDB, code: "Forbidden/5301", status: 403,
		says:   re(`(?i)Substatus(?:code)?"?\s*[:=]\s*"?5301`),
		fields: cosmosFields, causes: cosmosCauses, proves: cosmosProves,
	},
	{
		service: CosmosDB, code: "Forbidden", status: 403,
		says:   re(`(?i)does not have required RBAC permissions to perform action`),
		fields: cosmosFields, causes: cosmosCauses, proves: cosmosProves,
	},
	{
		service: CosmosDB, code: "Forbidden", status: 403,
		says:   re(`(?i)blocked by your Cosmos DB account firewall settings`),
		causes: []Cause{Network}, proves: []string{rolesIgnored},
	},
	{
		service: CosmosDB, code: "Unauthorized", status: 401,
		says:   re(`(?i)Local Authorization is disabled\. Use an AAD token`),
		causes: []Cause{SharedKeyDisabled}, proves: []string{rolesIgnored},
	},
}

var (
	cosmosAccount = re(`(?i)Request blocked by Auth (?P<res>[^\s:]+)`)
	cosmosFields  = []*regexp.Regexp{
		re(`(?i)principal \[(?P<oid>[^\]]*)\]`), re(`(?i)to perform action \[(?P<op>[^\]]*)\]`), cosmosAccount,
	}
	cosmosCauses = []Cause{MissingRole, WrongIdentitySelected, ControlPlaneRoleOnly, WrongScope, Propagation, GroupTokenCache}
	cosmosProves = []string{tokenAccepted, "no role assignment of the account's own gives it; roles of Azure do not count for this data"}
)
