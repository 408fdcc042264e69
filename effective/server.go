// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"fmt"
	"strconv"
	"sync"
)

// hostFacts say what the hosts answer.
type hostFacts struct {
	Source string `json:"source"`
	// Default is what an endpoint gives where nothing is selected, in order: "system",
	// "sole" (the only user-assigned one), "first".
	Default []string `json:"default"`
	// Several and Missing are the texts of a refusal.
	Several string `json:"several"`
	Missing string `json:"missing"`
	// Selects is false where the endpoint looks at no selector.
	Selects bool `json:"selects"`
	// Header is the header that carries the secret of the request.
	Header string `json:"header"`
}

var hosts = sync.OnceValues(func() (map[Source]hostFacts, error) {
	text, err := embedded.ReadFile("data/hosts.json")
	if err != nil {
		return nil, fmt.Errorf("reading what is known of the hosts: %w", err)
	}
	var all map[Source]hostFacts
	if err := strictly(text, &all); err != nil {
		return nil, fmt.Errorf("reading what is known of the hosts: %w", err)
	}
	return all, nil
})

// The answers that a library tells apart.
const (
	gotToken             = "token"
	refusedSelector      = "refused-selector"
	refusedDefault       = "refused-default"
	unauthorized         = "unauthorized"
	forbidden            = "forbidden"
	forbiddenUnreachable = "forbidden-unreachable"
	notFound             = "not-found"
	gone                 = "gone"
	throttled            = "throttled"
	serverError          = "server-error"
	notJSON              = "not-json"
	unreachable          = "unreachable"
	dropped              = "dropped"
	timedOut             = "timeout"
	badCertificate       = "tls"
	keyUnreadable        = "key-file"
	unconfirmed          = "unconfirmed"
	notSelectable        = "unsupported"
	exchangeRefused      = "exchange"
	noEndpoint           = "none"
	noProbe              = "probe"
)

// reply is what came back from an endpoint.
type reply struct {
	answer   string
	identity *ManagedIdentity
	kind     PresentedKind // of a live host; empty elsewhere
	server   Source
	// confirmed is true where the answer names the identity that was asked for.
	confirmed bool
	text      string
}

// statusAnswer is the answer that a status stands for.
func statusAnswer(status int, c Condition, sel selector) string {
	switch {
	case status == 403 && c.Unreachable:
		return forbiddenUnreachable
	case status >= 500:
		return serverError
	}
	switch status {
	case 400:
		if sel.kind != "" {
			return refusedSelector
		}
		return refusedDefault
	case 401:
		return unauthorized
	case 404:
		return notFound
	case 410:
		return gone
	case 429:
		return throttled
	}
	return forbidden
}

// transient names a passing failure as the facts do.
func transient(c Condition) string {
	s := strconv.Itoa(c.Once)
	if c.RetryAfter {
		s += "-retry-after"
	}
	return s
}

// transientStatus returns the status of a passing failure.
func transientStatus(s string) string { return leadingDigits(s) }

// serve answers a request for a token by the rules of a host.
func (h *Host) serve(server Source, sel selector) (reply, error) {
	all, err := hosts()
	if err != nil {
		return reply{}, err
	}
	facts := all[server]
	if server == AzureArc && !h.AgentHonoursSelectors {
		if h.System == nil {
			return reply{answer: statusAnswer(400, Condition{}, sel), server: server, text: facts.Missing}, nil
		}
		return reply{answer: gotToken, identity: h.System, server: server}, nil
	}
	if sel.kind != "" && sel.value != "" && facts.Selects {
		if m := h.find(sel); m != nil {
			return reply{answer: gotToken, identity: m, server: server, confirmed: true}, nil
		}
		return reply{answer: statusAnswer(400, Condition{}, sel), server: server, text: facts.Missing}, nil
	}
	if m := h.defaultIdentity(facts.Default); m != nil {
		return reply{answer: gotToken, identity: m, server: server}, nil
	}
	text := facts.Missing
	if h.System == nil && len(h.User) > 1 && facts.Several != "" {
		text = facts.Several
	}
	return reply{answer: statusAnswer(400, Condition{}, sel), server: server, text: text}, nil
}

func (h *Host) defaultIdentity(order []string) *ManagedIdentity {
	for _, rule := range order {
		switch {
		case rule == "system" && h.System != nil:
			return h.System
		case rule == "sole" && len(h.User) == 1, rule == "first" && len(h.User) > 0:
			return &h.User[0]
		}
	}
	return nil
}
