// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"

	"github.com/mivet/mivet"
)

// silent are the categories of the activity log that tell of no access.
var silent = []string{"alert", "security", "servicehealth", "resourcehealth", "autoscale", "recommendation"}

// activity reads an entry of the activity log in any of its forms.
// Source: MicrosoftDocs/azure-monitor-docs@0f6b93e articles/azure-monitor/platform/activity-log-schema.md;
// learn, azure-monitor/reference/tables/azureactivity.
func (p *Parser) activity() {
	s, e := &p.s, &p.e
	p.object()
	if len(e.Principal) == 0 {
		if caller := s.get(slotCaller); guid(caller) {
			e.Principal = caller
		}
	}
	if len(e.Category) == 0 {
		e.Category = s.get(slotEventCategory)
	}
	for _, c := range silent {
		if isWord(e.Category, c) {
			e.Reason = NoAccess
			return
		}
	}
	if s.nGrants > 0 {
		g := &s.grants[0]
		e.Action, e.Assignment = g.action.plain(), g.assignment.plain()
		p.scope = bytes.TrimSuffix(fold(p.scope[:0], g.scope.plain()), []byte("/"))
		if e.Scope = p.scope; len(g.scope.b) == 1 {
			e.Scope = g.scope.b // the root
		}
	}
	if len(e.Action) == 0 && !isWord(e.Category, "Policy") && isARMOperation(e.Operation) {
		e.Action = e.Operation
	}
	if len(e.Scope) == 0 {
		if e.Scope = e.Resource; e.Scope == nil {
			p.entity = fold(p.entity[:0], s.get(slotEntity))
			e.Scope = p.entity
		}
	}
	if len(e.Action) == 0 {
		e.Reason = UnknownOperation
		return
	}
	e.Plane = mivet.PlaneControl
	e.Granted = p.activityOutcome()
}

// isARMOperation tells "Microsoft.Web/sites/write" from a title such as "Update web site".
func isARMOperation(b []byte) bool {
	provider, rest, ok := bytes.Cut(b, []byte("/"))
	return ok && len(rest) > 0 && bytes.IndexByte(provider, '.') > 0 && bytes.IndexByte(b, ' ') < 0
}

// activityOutcome reads status and sub-status. A failure with a status that is no refusal
// used the right; one without any tells nothing.
func (p *Parser) activityOutcome() Outcome {
	s := &p.s
	result := s.first(slotStatus, slotResultType)
	switch {
	case isWord(result, "Succeeded"), isWord(result, "Success"), isWord(result, "Accepted"), isWord(result, "Accept"):
		return Granted
	case isWord(result, "Failed"), isWord(result, "Failure"):
	default:
		return Undecided
	}
	answered := false
	for _, n := range [...]slot{slotSubStatus, slotResultSignature, slotStatusCode, slotHTTPStatus, slotStatusMessage} {
		text := s.get(n)
		switch {
		case bytes.Contains(text, []byte("Forbidden")), bytes.Contains(text, []byte("AuthorizationFailed")), isWord(text, "403"):
			return Refused
		case n != slotStatusMessage && clientError(text):
			answered = true
		}
	}
	if answered {
		return Granted
	}
	return Undecided
}

// statusWords are names of HTTP statuses, beside Forbidden and Unauthorized, that failed
// records were seen with or the documentation lists.
var statusWords = []string{
	"BadRequest", "NotFound", "Conflict", "PreconditionFailed", "InternalServerError", "ServiceUnavailable", "GatewayTimeout",
	"TooManyRequests", "BadGateway", "MethodNotAllowed", "RequestTimeout", "Gone", "UnprocessableEntity", "Bad Request", "Not Found",
	"Internal Server Error", "Service Unavailable", "Gateway Timeout",
}

// clientError reports whether a text names a status from 400 on that is no refusal:
// "Failed.Conflict", "Conflict (HTTP Status Code: 409)", "409".
func clientError(text []byte) bool {
	code := text
	if _, after, ok := bytes.Cut(text, []byte("Status Code: ")); ok {
		code = after
		code = code[:min(3, len(code))]
	} else if i := bytes.LastIndexByte(text, '.'); i >= 0 {
		code = text[i+1:]
	}
	if n := status(code); n >= 400 && n != 401 && n != 403 {
		return true
	}
	for _, w := range statusWords {
		if isWord(code, w) {
			return true
		}
	}
	return false
}

// event reads an event of Event Grid. Those of Resource Manager tell what the activity log
// does; "operations sent to the data plane" make none.
// Source: MicrosoftDocs/azure-docs@0076a62 articles/event-grid/event-schema-subscriptions.md.
func (p *Parser) event() {
	s, e := &p.s, &p.e
	kind := s.get(slotEventType)
	if len(e.Operation) == 0 {
		e.Operation = kind
	}
	if !bytes.HasPrefix(kind, []byte("Microsoft.Resources.Resource")) || s.nGrants == 0 {
		e.Reason = NamesNoRight
		return
	}
	p.activity()
}
