// SPDX-License-Identifier: Apache-2.0

package effective

import "slices"

// endpointVariables are the variables that hold the address of an endpoint.
var endpointVariables = map[Source]string{
	AppService: "IDENTITY_ENDPOINT", AzureML: "MSI_ENDPOINT", CloudShell: "MSI_ENDPOINT",
	AzureArc: "IDENTITY_ENDPOINT", ServiceFabric: "IDENTITY_ENDPOINT",
}

// detect chooses the endpoint by a test of presence.
func (r *run) detect(presence string, sel selector) sourceRule {
	m, p := r.behaviour.Managed, r.process
	for _, rule := range m.Sources {
		switch {
		case slices.ContainsFunc(rule.All, func(v string) bool { return !p.there(v, presence) }):
		case rule.File && !p.Host.AgentFile:
		case rule.Client && r.exchangeClient(sel) == "":
		default:
			return rule
		}
	}
	return sourceRule{Source: IMDS}
}

// exchangeClient is the client ID of a federated token inside of managed identity.
func (r *run) exchangeClient(sel selector) string {
	if sel.kind == "client" && sel.value != "" {
		return sel.value
	}
	return r.process.Env[varClient]
}

// exchangesFirst reports whether the variables of a federated token win over all
// endpoints.
func (r *run) exchangesFirst(sel selector) bool {
	p := r.process
	return r.behaviour.Managed.Exchange == "first" && r.exchangeClient(sel) != "" && p.Env[varTenant] != "" && p.Env[varTokenFile] != ""
}

// selector returns what the credential is told to ask for.
func (r *run) selector(m mode) selector {
	o, facts := r.process.Options, r.behaviour.Managed
	if !m.inside {
		switch {
		case o.ClientID != "":
			return selector{"client", o.ClientID}
		case o.ResourceID != "":
			return selector{"resource", o.ResourceID}
		case o.ObjectID != "":
			return selector{"object", o.ObjectID}
		}
		return selector{}
	}
	if m.alone && r.behaviour.Selection != nil && r.behaviour.Selection.Alone == "direct" && r.behaviour.Selection.AloneOptions == "dropped" {
		o = Options{}
	}
	if o.ManagedIdentityResourceID != "" {
		return selector{"resource", o.ManagedIdentityResourceID}
	}
	if facts.WorkloadClient && o.WorkloadIdentityClientID != "" && r.process.Env[varTokenFile] != "" {
		return selector{"client", o.WorkloadIdentityClientID}
	}
	if o.ManagedIdentityClientID != "" {
		return selector{"client", o.ManagedIdentityClientID}
	}
	if r.process.there(varClient, facts.ClientVariable) {
		return selector{"client", r.process.Env[varClient]}
	}
	return selector{}
}

// treatment says what the library does with a selector at an endpoint.
func (r *run) treatment(s Source, sel selector) string {
	if sel.kind == "" {
		return "sent"
	}
	return r.behaviour.Managed.Selectors[s][sel.kind]
}

func (r *run) buildManaged(m mode) string {
	facts := r.behaviour.Managed
	sel := r.selector(m)
	presence := facts.ConstructorPresence
	if presence == "" {
		presence = facts.Presence
	}
	rule := r.detect(presence, sel)
	switch how := r.treatment(rule.Source, sel); {
	case how == atBuild:
		return string(rule.Source) + " takes no " + sel.kind + " ID, and this version refuses one"
	case how == "absent" && !m.inside:
		return "this version knows no " + sel.kind + " ID"
	case sel.kind != "" && sel.value == "" && facts.EmptyClient == atBuild:
		return varClient + " is set and empty, which this version refuses"
	case rule.NeedsClient && r.exchangeClient(sel) == "":
		return "a federated token needs a client ID"
	}
	return ""
}

// managed asks the endpoint of managed identities.
func (r *run) managed(m mode) (verdict, error) {
	sel := r.selector(m)
	if r.exchangesFirst(sel) {
		return r.inside(m, r.federated(sel)), nil
	}
	rule := r.detect(r.behaviour.Managed.Presence, sel)
	if rule.Source == Exchange {
		return r.inside(m, r.federated(sel)), nil
	}
	if then := r.behaviour.Managed.Broken; then != "" {
		v := r.inside(m, verdict{then: then})
		r.step(ManagedIdentityCredential, v.then, "this version gets no token of any endpoint")
		return v, nil
	}
	r.plain = rule.Plain
	answer, err := r.ask(rule.Source, sel, m)
	if err != nil {
		return verdict{}, err
	}
	if answer.answer == gotToken {
		who := Presented{Kind: r.kind(&answer), ManagedIdentity: *answer.identity}
		r.step(ManagedIdentityCredential, thenToken, "%s is asked with %s and gives a token of the %s", rule.Source, sel, who)
		return verdict{then: thenToken, source: answer.server, who: who}, nil
	}
	then := r.behaviour.Managed.reaction(rule.Source, answer.answer)
	text := answer.answer
	if answer.text != "" {
		text += ": " + answer.text
	}
	v := r.inside(m, verdict{then: then})
	r.step(ManagedIdentityCredential, v.then, "%s is asked with %s and gives no token (%s)", rule.Source, sel, text)
	return v, nil
}

// kind tells what sort of identity an endpoint answered with.
func (r *run) kind(answer *reply) PresentedKind {
	switch {
	case answer.kind != "":
		return answer.kind
	case answer.identity == r.process.Host.System:
		return SystemAssigned
	}
	return UserAssigned
}

// inside turns a reaction into what it means for a credential that is used alone.
func (r *run) inside(m mode, v verdict) verdict {
	if !m.chained && v.then == thenNext {
		v.then = thenStop
	}
	return v
}

func (r *run) federated(sel selector) verdict {
	f := federated{r.exchangeClient(sel), r.process.Env[varTenant], r.process.Env[varTokenFile]}
	then := r.behaviour.Managed.reaction(Exchange, exchangeRefused)
	return r.exchange(ManagedIdentityCredential, f, then, then)
}

// ask sends the requests of an endpoint.
func (r *run) ask(source Source, sel selector, m mode) (reply, error) {
	if source == noSource {
		return reply{answer: noEndpoint, text: "IDENTITY_ENDPOINT is set without what goes with it"}, nil
	}
	how := r.treatment(source, sel)
	switch how {
	case atCall:
		return reply{answer: notSelectable, text: string(source) + " takes no " + sel.kind + " ID"}, nil
	case "ignored", "absent":
		sel = selector{}
	}
	out, err := r.answered(source, sel, m)
	if err != nil {
		return reply{}, err
	}
	if out.answer == gotToken && how == "confirmed" && sel.kind != "" && !out.confirmed {
		return reply{answer: unconfirmed, text: "the agent does not say that it used the identity that was asked for"}, nil
	}
	return out, nil
}

// withDefault returns what is asked for where nothing is selected.
func (r *run) withDefault(source Source, sel selector) selector {
	if source == AzureML && sel.kind == "" {
		if d := r.process.Env[r.behaviour.Managed.DefaultClient]; d != "" {
			return selector{"client", d}
		}
	}
	return sel
}

// answered sends the requests and returns what came back.
func (r *run) answered(source Source, sel selector, m mode) (reply, error) {
	if r.live() {
		return r.askLive(source, r.withDefault(source, sel), r.probes(sel, m)), nil
	}
	server, address, reached := r.address(source)
	if !reached {
		return reply{answer: unreachable, text: "nothing answers at " + address}, nil
	}
	if source == IMDS {
		if failed := r.probe(sel, m); failed != nil {
			return *failed, nil
		}
	}
	if failed := r.condition(source, server, sel, m); failed != nil {
		return *failed, nil
	}
	if refused := r.handshake(source, server); refused != nil {
		return *refused, nil
	}
	return r.process.Host.serve(server, r.withDefault(source, sel))
}

// address returns where an endpoint is asked, and what answers there.
func (r *run) address(source Source) (server Source, address string, reached bool) {
	p := r.process
	if source == IMDS {
		if r.podHost() {
			return IMDS, p.Env[varPodHost], true
		}
		return IMDS, "", true
	}
	address = p.Env[endpointVariables[source]]
	if source == AzureArc && address == "" {
		return AzureArc, "", true // the agent's own address
	}
	server, reached = p.Host.behind(source, address)
	return server, address, reached
}

func (r *run) podHost() bool {
	return r.behaviour.Managed.PodHost && r.process.Env[varPodHost] != ""
}
