// SPDX-License-Identifier: Apache-2.0

package effective

// probes reports whether IMDS is probed before it is asked.
func (r *run) probes(sel selector, m mode) bool {
	facts := r.behaviour.Managed
	if r.plain || r.podHost() || r.detect(facts.ProbePresence, sel).Source != IMDS {
		return false
	}
	direct := m.alone && r.behaviour.Selection != nil && r.behaviour.Selection.Alone == "direct"
	switch facts.Probe {
	case "default-chain":
		return m.inside && !direct
	case "chain":
		return m.chained && !direct
	}
	return facts.Probe != ""
}

// probe finds out whether IMDS is there, in the way of the library.
func (r *run) probe(sel selector, m mode) *reply {
	facts, p := r.behaviour.Managed, r.process
	if !r.probes(sel, m) {
		return nil
	}
	c := p.Host.Conditions[IMDS]
	switch {
	case c.Reached == dropped:
		return probeFailed("no answer to the probe")
	case c.Reached != "":
		return probeFailed("the network is unreachable")
	case facts.Probe == "connect":
		return nil
	case c.Slow > 0:
		return probeFailed("no answer to the probe within a second")
	case facts.ProbeNeedsJSON && c.NotJSON, facts.ProbeNeedsReachable && c.Unreachable:
		return probeFailed("the answer to the probe is not that of IMDS")
	}
	return nil
}

// probeFailed is the answer of an endpoint that is not there: a chain goes on.
func probeFailed(text string) *reply { return &reply{answer: noProbe, text: text} }

// condition returns what the state of an endpoint leads to, nil where it answers by its
// rules.
func (r *run) condition(source, server Source, sel selector, m mode) *reply {
	facts := r.behaviour.Managed
	c := r.state(source, server)
	impatient := m.inside && facts.Patience > 0
	first := !r.asked[server]
	r.asked[server] = true
	answer := ""
	switch {
	case c.Reached != "":
		answer = c.Reached
	case c.Slow > 0 && impatient && c.Slow >= facts.Patience:
		answer = timedOut
	case c.NotJSON:
		answer = notJSON
	case c.Status != 0:
		answer = statusAnswer(c.Status, c, sel)
		if impatient && facts.retries(r.retrySource(source), transient(Condition{Once: c.Status})) {
			answer = timedOut
		}
	case c.Once != 0 && first:
		switch retried := facts.retries(r.retrySource(source), transient(c)); {
		case retried && impatient:
			answer = timedOut
		case !retried:
			answer = statusAnswer(c.Once, c, sel)
		}
	case server == ServiceFabric && r.untrusted(source):
		answer = badCertificate
	}
	if impatient && (answer == unreachable || answer == dropped || answer == badCertificate) {
		answer = timedOut
	}
	if answer == "" {
		return nil
	}
	return &reply{answer: answer, server: server}
}

// retrySource is the endpoint whose retries hold.
func (r *run) retrySource(source Source) Source {
	if r.plain {
		return anySource
	}
	return source
}

// state returns the condition of an endpoint. A pod identity host has the state of IMDS,
// save for the network to it.
func (r *run) state(source, server Source) Condition {
	c := r.process.Host.Conditions[server]
	if source == IMDS && r.podHost() {
		c.Reached = ""
	}
	return c
}

// untrusted reports whether the certificate of Service Fabric is refused.
func (r *run) untrusted(source Source) bool {
	return source != ServiceFabric || r.behaviour.Managed.SelfSigned == "refused"
}

// handshake returns a refusal where the request is not in the form that the endpoint
// wants.
func (r *run) handshake(source, server Source) *reply {
	p := r.process
	h := &p.Host
	switch server {
	case AppService:
		if source != AppService || h.Secret != "" && p.Env["IDENTITY_HEADER"] != h.Secret {
			if source == AzureArc {
				return &reply{answer: keyUnreadable, text: "the endpoint does not challenge as the agent does"}
			}
			return &reply{answer: unauthorized, text: "the secret of the request is not the endpoint's"}
		}
	case ServiceFabric:
		if source != ServiceFabric || h.Secret != "" && p.Env["IDENTITY_HEADER"] != h.Secret {
			return &reply{answer: unauthorized, text: "the secret of the request is not the endpoint's"}
		}
	case AzureArc:
		switch {
		case source != AzureArc:
			return &reply{answer: unauthorized, text: "the agent wants its key"}
		case h.KeyUnreadable:
			return &reply{answer: keyUnreadable, text: "the key of the agent cannot be read"}
		}
	default:
		if source == AzureArc && r.behaviour.Managed.Challenge == "needed" {
			return &reply{answer: unauthorized, text: "the endpoint does not challenge as the agent does"}
		}
	}
	return nil
}
