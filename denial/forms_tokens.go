// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"regexp"
	"strings"
)

// Federated credentials: learn.microsoft.com/entra/identity-platform/reference-error-codes,
// learn.microsoft.com/entra/identity-platform/reference-breaking-changes (August 2024).
var federationForms = []form{
	{
		service: Federation, code: "AADSTS700222", status: 400, says: re(`\bAADSTS700222\b`),
		causes: []Cause{UnsupportedOperation}, proves: []string{"a token of Entra was offered as the assertion; only other issuers count"},
	},
	{
		service: Federation, code: "AADSTS700024", status: 400, says: re(`\bAADSTS700024\b`),
		causes: []Cause{ClientBug}, proves: []string{"the assertion is over or not yet valid: it was not read anew, or a clock is wrong"},
	},
	{
		service: Federation, code: "AADSTS70025", status: 400,
		says:   re(`\bAADSTS70025\b|has no configured federated identity credentials`),
		fields: []*regexp.Regexp{re(`The client '(?P<appid>[^']*)'`)},
		causes: []Cause{FederationIssuer, FederationSubject, IDConfusion, RecreatedIdentity},
		proves: []string{"the application or identity of this client ID has no federated credential at all"},
	},
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

// The token endpoint of Entra, apart from assertions:
// learn.microsoft.com/entra/identity-platform/reference-error-codes.
var tokenEndpointForms = []form{
	{
		service: TokenEndpoint, status: 400,
		says: re(`\b(?P<code>AADSTS(?:501051|50105))\b`), fields: []*regexp.Regexp{re(`Application '(?P<appid>[^']*)'`)},
		causes: []Cause{MissingRole, GroupTokenCache, WrongIdentitySelected},
		proves: []string{"the client has no app role of an API that asks for one; no token was issued"},
	},
	{
		service: TokenEndpoint, status: 400,
		says:   re(`\b(?P<code>AADSTS(?:500011|50001|650057|650052))\b`),
		causes: []Cause{WrongAudience, WrongTenant, MissingRole},
		proves: []string{"the tenant knows no API of this name, or not for this client; no token was issued"},
	},
	{
		service: TokenEndpoint, status: 400,
		says: re(`\b(?P<code>AADSTS700016)\b`), fields: []*regexp.Regexp{re(`identifier '(?P<appid>[^']*)'`)},
		causes: []Cause{RecreatedIdentity, WrongTenant, IDConfusion},
		proves: []string{"the tenant knows no application of this client ID; no token was issued"},
	},
	{
		service: TokenEndpoint, status: 401,
		says:   re(`\b(?P<code>AADSTS(?:7000215|7000222|700027|7000272))\b`),
		fields: []*regexp.Regexp{re(`(?:app|application|client)(?: ID)? '(?P<appid>[^']*)'`)},
		causes: []Cause{Unknown, WrongIdentitySelected},
		proves: []string{"a secret or a certificate of an application was sent, and is wrong or over; no managed identity was involved"},
	},
	{
		service: TokenEndpoint, status: 400,
		says:   re(`\b(?P<code>AADSTS(?:90002|90072|50020|900021|90013))\b`),
		causes: []Cause{WrongTenant}, proves: []string{"the tenant that was asked is not that of the caller; no token was issued"},
	},
	{
		service: TokenEndpoint, status: 400,
		says:   re(`\b(?P<code>AADSTS(?:65001|650056|90094))\b`),
		causes: []Cause{MissingRole, UnsupportedOperation}, proves: []string{"nobody consented to the permission; no token was issued"},
	},
	{
		service: TokenEndpoint, status: 401,
		says:   re(`\b(?P<code>AADSTS7000112)\b`),
		causes: []Cause{Unknown}, proves: []string{"the application is disabled in its tenant; no token was issued"},
	},
}
