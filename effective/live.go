// SPDX-License-Identifier: Apache-2.0

package effective

import "fmt"

// NeedKind is what a request of a live host is for.
type NeedKind string

// The requests.
const (
	NeedProbe    NeedKind = "probe"    // is the metadata service there
	NeedToken    NeedKind = "token"    // a token of an endpoint
	NeedExchange NeedKind = "exchange" // a federated token for one of Entra ID
	NeedSecret   NeedKind = "secret"   // a secret, a certificate or a password for a token of Entra ID
	NeedTool     NeedKind = "tool"     // a token of the Azure CLI
)

// Need is a request whose answer a prediction for a live host hangs on.
type Need struct {
	Kind   NeedKind
	Source Source
	// SelectorKind is "client", "resource", "object" or empty.
	SelectorKind string
	Selector     string
	// Client, Tenant and File are those of a federated token; Client and Tenant those of a
	// secret too.
	Client, Tenant, File string
}

// Met is the answer to a need.
type Met struct {
	// Answer is "token", or what came in its place: one of the words below.
	Answer   string
	Kind     PresentedKind
	Identity ManagedIdentity
	// Confirmed is true where the answer repeats the selector.
	Confirmed bool
	Text      string
}

// The answers to needs.
const (
	MetToken                = gotToken
	MetRefusedSelector      = refusedSelector
	MetRefusedDefault       = refusedDefault
	MetUnauthorized         = unauthorized
	MetForbidden            = forbidden
	MetForbiddenUnreachable = forbiddenUnreachable
	MetNotFound             = notFound
	MetGone                 = gone
	MetThrottled            = throttled
	MetServerError          = serverError
	MetNotJSON              = notJSON
	MetUnreachable          = unreachable
	MetDropped              = dropped
	MetBadCertificate       = badCertificate
	MetKeyUnreadable        = keyUnreadable
	MetExchangeRefused      = exchangeRefused
	MetFileMissing          = "file"
	MetNoTool               = "no-tool"
	MetPresent              = "present" // the metadata service is there
)

// NeedError says that a prediction for a live host needs an answer that was not given.
type NeedError struct{ Need Need }

func (e *NeedError) Error() string {
	return fmt.Sprintf("the answer to a %s request of %s is not known", e.Need.Kind, e.Need.Source)
}

// needs returns the answer to a need of a live host. Where it is not there the prediction
// ends with a [NeedError].
func (r *run) needs(n Need) (Met, bool) {
	m, ok := r.process.Host.Live[n]
	if !ok && r.need == nil {
		r.need = &n
	}
	return m, ok
}

func (r *run) live() bool { return r.process.Host.Live != nil }

// askLive asks an endpoint of a live host.
func (r *run) askLive(source Source, sel selector, probed bool) reply {
	if source == IMDS && probed {
		m, ok := r.needs(Need{Kind: NeedProbe, Source: IMDS})
		if !ok || m.Answer != MetPresent {
			return *probeFailed(m.Text)
		}
	}
	m, ok := r.needs(Need{Kind: NeedToken, Source: source, SelectorKind: sel.kind, Selector: sel.value})
	if !ok {
		return reply{answer: noEndpoint}
	}
	return reply{answer: m.Answer, identity: &m.Identity, kind: m.Kind, server: source, confirmed: m.Confirmed, text: m.Text}
}

// environmentLive uses a secret against the real Entra ID.
func (r *run) environmentLive(f secretForm) verdict {
	client := r.process.Env[varClient]
	m, ok := r.needs(Need{Kind: NeedSecret, Source: f.source, Client: client, Tenant: r.process.Env[varTenant]})
	e := r.behaviour.Environment
	then := e.Refused
	switch {
	case ok && m.Answer == MetToken:
		r.step(EnvironmentCredential, thenToken, "%s in the variables, used with %s", f.what, varClient)
		return verdict{then: thenToken, source: f.source, who: Presented{Kind: m.Kind, ManagedIdentity: m.Identity}}
	case m.Answer == MetFileMissing:
		then = e.CertificateMissing
	}
	r.step(EnvironmentCredential, then, "%s gives no token (%s)", f.what, m.Text)
	return verdict{then: then}
}

// exchangeLive sends a federated token to the real Entra ID.
func (r *run) exchangeLive(c Credential, f federated, fileMissing, refused string) verdict {
	m, ok := r.needs(Need{Kind: NeedExchange, Source: Exchange, Client: f.client, Tenant: f.tenant, File: f.file})
	switch {
	case ok && m.Answer == MetToken:
		r.step(c, thenToken, "the federated token is exchanged for one of client ID %q", f.client)
		return verdict{then: thenToken, source: Exchange, who: Presented{Kind: m.Kind, ManagedIdentity: m.Identity}}
	case m.Answer == MetFileMissing:
		r.step(c, fileMissing, "the token file %q cannot be read", f.file)
		return verdict{then: fileMissing}
	}
	r.step(c, refused, "the federated token for client ID %q gives no token (%s)", f.client, m.Text)
	return verdict{then: refused}
}

// commandLineLive asks the Azure CLI.
func (r *run) commandLineLive() verdict {
	m, ok := r.needs(Need{Kind: NeedTool, Source: DeveloperTool})
	if !ok || m.Answer != MetToken {
		r.step(AzureCLICredential, thenNext, "az gives no token (%s)", m.Text)
		return verdict{then: r.behaviour.Tools.Failure}
	}
	r.step(AzureCLICredential, thenToken, "az gives a token of whoever is signed in")
	return verdict{then: thenToken, source: DeveloperTool, who: Presented{Kind: m.Kind, ManagedIdentity: m.Identity}}
}
