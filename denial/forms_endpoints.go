// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"regexp"
	"strings"
)

// Gateways of API Management: learn.microsoft.com/azure/api-management/api-management-error-handling-policies
// lists reasons and sentences; …/validate-azure-ad-token-policy and …/validate-jwt-policy say what is compared.
var gatewayForms = []form{
	gatewayForm(`TokenNotPresent|(?:Azure AD )?JWT not present`, "TokenNotPresent", 401, "the request carried no token", ClientBug),
	gatewayForm(`TokenAudienceNotAllowed`, "TokenAudienceNotAllowed", 401, "the policy refused the audience of the token", WrongAudience),
	gatewayForm(`TokenIssuerNotAllowed`, "TokenIssuerNotAllowed", 401, "the policy refused the issuer of the token", WrongTenant),
	{
		service: APIManagement, code: "TokenExpired", status: 401, says: re(`\bTokenExpired\b`), beside: re(`validate-(?:jwt|azure-ad-token)`),
		causes: []Cause{ClientBug}, proves: []string{"the token is over"},
	},
	gatewayForm(`TokenSignature(?:Invalid|KeyNotFound)`, "TokenSignatureInvalid", 401,
		"no key of the configured issuer made the signature", WrongTenant, WrongAudience),
	gatewayForm(`TokenClientApplicationNotAllowed|client application is not allowed`, "TokenClientApplicationNotAllowed", 401,
		"the policy does not list the client application", MissingRole, WrongIdentitySelected),
	{
		service: APIManagement, code: "TokenClaimNotFound", status: 401,
		says:   re(`\bTokenClaimNotFound\b|(?i:JWT is missing the following claims)`),
		fields: []*regexp.Regexp{re(`(?i)missing the following claims: (?P<op>[\w:/.-]+(?:, ?[\w:/.-]+)*)`)},
		causes: []Cause{MissingRole, GroupTokenCache, WrongIdentitySelected},
		proves: []string{tokenAccepted, "a claim that the policy asks for is not in the token"},
		refine: func(d *Denial, _ string) { d.Operation = strings.TrimSuffix(d.Operation, ".") },
	},
	{
		// The sentence of the page tells the value of the token, and so who called.
		service: APIManagement, code: "TokenClaimValueNotAllowed", status: 401,
		says:   re(`(?i)\bClaim (?P<op>\S+) value of (?P<aud>\S+) is not allowed`),
		causes: []Cause{MissingRole}, refine: refineClaim,
	},
	{
		service: APIManagement, code: "TokenClaimValueNotAllowed", status: 401,
		says:   re(`(?i)Claim value mismatch:? (?P<op>[\w:/.-]+)=|(?:JWT|token) validation failed\W.{0,80}\b(?P<op>aud|appid|azp|iss|roles?|scp|groups)\b|\bTokenClaimValueNotAllowed\b`),
		causes: []Cause{MissingRole}, refine: refineClaim,
	},
	gatewayForm(`JwtInvalid|Invalid Azure AD JWT|Unauthorized\. Access token is missing or invalid\.`, "JwtInvalid", 401,
		"the gateway did not accept the token, and does not say why", Unknown, WrongAudience, WrongTenant),
	gatewayForm(`CallerIp(?:NotAllowed|Blocked)|Caller IP address (?:\S+ )?is (?:not allowed|blocked)`, "CallerIpNotAllowed", 403, "the token was not looked at", Network),
	gatewayForm(`SubscriptionKey(?:NotFound|Invalid)|Access denied due to (?:missing|invalid) subscription key`, "SubscriptionKeyNotFound", 401,
		"the gateway wants a subscription key; no identity was looked at", Unknown),
}

func gatewayForm(says, code string, status int, proves string, causes ...Cause) form {
	return form{
		service: APIManagement, code: code, status: status, says: re(`(?i)\b(?:` + says + `)`), causes: causes, proves: []string{proves},
	}
}

// refineClaim says what a claim that was refused means.
func refineClaim(d *Denial, _ string) {
	value := d.Caller.Audience
	d.Caller.Audience = ""
	switch claim := strings.ToLower(d.Operation); claim {
	case "aud":
		d.Caller.Audience = value
		d.only(WrongAudience, "the policy refused the audience of the token")
	case "iss", "tid":
		d.only(WrongTenant, "the policy refused the issuer of the token")
	case "appid", "azp":
		d.Caller.AppID = value
		d.Causes = []Cause{MissingRole, WrongIdentitySelected}
		d.Proves = append(d.Proves, tokenAccepted, "the policy does not list the client application")
	case "oid", "sub":
		d.Caller.OID = value
		d.Causes = []Cause{MissingRole, WrongIdentitySelected, RecreatedIdentity}
		d.Proves = append(d.Proves, tokenAccepted, "the policy does not list the caller")
	default:
		d.Causes = []Cause{MissingRole, GroupTokenCache, WrongIdentitySelected}
		d.Proves = append(d.Proves, tokenAccepted, "the value that the policy asks for is not in the token")
	}
}

// Endpoints of one's own behind Entra: the error codes of Microsoft.IdentityModel
// (github.com/AzureAD/azure-activedirectory-identitymodel-extensions-for-dotnet
// src/Microsoft.IdentityModel.Tokens/LogMessages.cs) and of Microsoft.Identity.Web
// (github.com/AzureAD/microsoft-identity-web src/Microsoft.Identity.Web.TokenAcquisition/Constants/IDWebErrorMessage.cs),
// the sentences of other libraries, and App Service authentication
// (learn.microsoft.com/azure/app-service/configure-authentication-provider-aad).
var ownEndpointForms = []form{
	tokenForm(`IDX10214|IDX10206|IDX10208|IDX10231`, "the endpoint refused the audience of the token", WrongAudience),
	tokenForm(`IDX10204|IDX10205|IDX10211|IDX10212|IDX40001`, "the endpoint refused the issuer of the token", WrongTenant),
	tokenForm(`IDX1050[01238]|IDX10511|IDX10516|IDX10517`, "no key that the endpoint knows made the signature", WrongAudience, WrongTenant),
	tokenForm(`IDX10222|IDX10223|IDX10230`, "the token is over or not yet valid", ClientBug),
	{
		service: OwnAPI, status: 403,
		says:   re(`\b(?P<code>IDW10201|IDW10203|IDW10204|IDW10205)\b`),
		fields: []*regexp.Regexp{re(`does not contain (?:scopes|roles) '(?P<op>[^']*)'`)},
		causes: []Cause{MissingRole, GroupTokenCache, WrongIdentitySelected},
		proves: []string{tokenAccepted, "the scope or app role that the endpoint asks for is not in the token"},
	},
	{
		service: OwnAPI, code: "roles", status: 403,
		says:   re(`(?i)Neither scope n?or roles claim was found|User\.IsInRole must be true for one of the following roles|access token contains no roles`),
		fields: []*regexp.Regexp{re(`following roles: \((?P<op>[^)]*)\)`)},
		causes: []Cause{MissingRole, GroupTokenCache, WrongIdentitySelected},
		proves: []string{tokenAccepted, "the app role that the endpoint asks for is not in the token"},
	},
	{
		service: OwnAPI, code: "invalid_token", status: 401,
		says: re(`(?i)The audience '(?P<aud>[^']*)' is invalid|jwt audience (?:is )?invalid|The aud claim is not valid|expected audience "[^"]*" got|InvalidAudienceError` +
			`|Audience doesn't match`),
		causes: []Cause{WrongAudience}, proves: []string{"the endpoint refused the audience of the token"},
	},
	{
		service: OwnAPI, code: "invalid_token", status: 401,
		says:   re(`(?i)The issuer '(?P<iss>[^']*)' is invalid|jwt issuer (?:is )?invalid|The iss claim is not valid|id token issued by a different provider|InvalidIssuerError`),
		causes: []Cause{WrongTenant}, proves: []string{"the endpoint refused the issuer of the token"},
	},
	{
		service: AppAuthentication, code: "ip-forbidden", status: 403,
		says:   re(`(?i)Error 403 - Ip Forbidden|x-ms-forbidden-ip|web app you have attempted to reach has blocked your access`),
		causes: []Cause{Network}, proves: []string{"an access restriction of the app refused the address; the token was not looked at"},
	},
	{
		// A token that its own policy of applications, identities and tenants refuses gets a 403.
		service: AppAuthentication, code: "403", status: 403,
		says: re(`(?i)You do not have permission to view this directory or page`), beside: re(`(?i)\b403\b|\bforbidden\b`),
		causes: []Cause{MissingRole, WrongIdentitySelected, GroupTokenCache},
		proves: []string{"the token is good, and the authorization policy of the app does not admit its application, identity or role"},
	},
	{
		service: AppAuthentication, code: "401", status: 401,
		says:   re(`(?i)You do not have permission to view this directory or page`),
		causes: []Cause{WrongAudience, WrongTenant, ClientBug}, proves: []string{"no token came, or not one for this app"},
	},
}

// tokenForm is a code of the library with which App Service and ASP.NET validate tokens.
func tokenForm(codes, proves string, causes ...Cause) form {
	return form{
		service: AppAuthentication, status: 401, says: re(`\b(?P<code>` + codes + `)\b`),
		fields: []*regexp.Regexp{re(`Audiences: '(?P<aud>[^']*)'`), re(`Issuer: '(?P<iss>[^']*)'`)},
		causes: causes, proves: []string{proves}, refine: refineOwn,
	}
}

// ownCode tells code of one's own from App Service authentication, which logs the same codes.
var ownCode = re(`AspNetCore|Microsoft\.Identity\.Web|JwtBearer|Bearer was not authenticated|SecurityToken\w*Exception`)

func refineOwn(d *Denial, text string) {
	if ownCode.MatchString(text) {
		d.Service = OwnAPI
	}
}
