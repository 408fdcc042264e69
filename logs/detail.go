// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Stage is how far an operation of Resource Manager had come when an entry was written: one
// call makes two or three entries.
type Stage uint8

// The stages.
const (
	StageUnknown Stage = iota
	Begun              // started, accepted or in progress
	Succeeded
	Failed
)

// String returns the stage in one word.
func (s Stage) String() string { return [...]string{"unknown", "begun", "succeeded", "failed"}[s] }

// Detail is what an entry of the activity log tells beyond the use of a right: who called by
// name, how it ended, and what was asked for.
type Detail struct {
	// Caller is as written: a user principal name, an e-mail address or an object id. Name is
	// that of the claims.
	Caller, Name string
	// Target is the resource that was written to, as it was written.
	Target string
	Stage  Stage
	// Code is the status of the answer as written: "Created", "OK", "Conflict (HTTP Status
	// Code: 409)".
	Code string
	// Request and Response are the bodies, where the entry holds them; nil where not.
	Request, Response json.RawMessage
}

// ReadDetail reads the details of an entry of the activity log in any of its forms: what the
// API answers and az prints, a diagnostic export, a row of the table AzureActivity, in which
// properties and claims are texts, and what PowerShell makes of the API's answer.
// Sources: MicrosoftDocs/azure-monitor-docs@0f6b93e articles/azure-monitor/platform/activity-log-schema.md;
// MicrosoftDocs/azure-docs articles/role-based-access-control/change-history-report.md (the bodies).
func ReadDetail(text []byte) (*Detail, error) {
	var w wireEntry
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, fmt.Errorf("reading an entry of the activity log: %w", err)
	}
	p, claims := &w.Properties.in, w.claims()
	p.fill(&w.PropertiesD.in)
	d := Detail{
		Caller: string(w.Caller), Name: string(claims.Name),
		Target: firstText(p.Entity, w.ResourceID, w.TableID),
		Code:   firstText(p.StatusCode, w.SubStatus, w.ActivitySubstatusValue, w.ResultSignature),
		Stage:  stage(firstText(w.Status, w.ActivityStatusValue, w.ResultType)), Request: body(p.RequestBody), Response: body(p.ResponseBody),
	}
	if d.Caller == "" {
		d.Caller = firstText(claims.UPN, claims.UPNURI, claims.Email)
	}
	return &d, nil
}

// stage reads the words of all forms.
func stage(word string) Stage {
	switch w := strings.ToLower(word); {
	case strings.HasPrefix(w, "start"), strings.HasPrefix(w, "accept"), w == "in progress", w == "inprogress", w == "running":
		return Begun
	case strings.HasPrefix(w, "succe"):
		return Succeeded
	case strings.HasPrefix(w, "fail"), strings.HasPrefix(w, "cancel"):
		return Failed
	}
	return StageUnknown
}

func firstText(list ...looseText) string {
	for _, t := range list {
		if t != "" {
			return string(t)
		}
	}
	return ""
}

// wireEntry has the names of all forms: they are compared without regard to letter case.
type wireEntry struct {
	Caller                 looseText             `json:"caller"`
	ResourceID             looseText             `json:"resourceId"`
	TableID                looseText             `json:"_ResourceId"`
	Status                 looseText             `json:"status"`
	SubStatus              looseText             `json:"subStatus"`
	ActivityStatusValue    looseText             `json:"activityStatusValue"`
	ActivitySubstatusValue looseText             `json:"activitySubstatusValue"`
	ResultType             looseText             `json:"resultType"`
	ResultSignature        looseText             `json:"resultSignature"`
	Claims                 loose[wireClaims]     `json:"claims"`
	ClaimsD                loose[wireClaims]     `json:"claims_d"`
	Identity               loose[wireIdentity]   `json:"identity"`
	Properties             loose[wireProperties] `json:"properties"`
	PropertiesD            loose[wireProperties] `json:"properties_d"`
}

// claims are those of the form at hand.
func (w *wireEntry) claims() *wireClaims {
	for _, c := range []*wireClaims{&w.Claims.in, &w.ClaimsD.in, &w.Identity.in.Claims.in} {
		if *c != (wireClaims{}) {
			return c
		}
	}
	return &wireClaims{}
}

type wireIdentity struct {
	Claims loose[wireClaims] `json:"claims"`
}

type wireClaims struct {
	Name   looseText `json:"name"`
	UPN    looseText `json:"upn"`
	UPNURI looseText `json:"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"`
	Email  looseText `json:"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"`
}

type wireProperties struct {
	Entity       looseText       `json:"entity"`
	StatusCode   looseText       `json:"statusCode"`
	RequestBody  json.RawMessage `json:"requestbody"`
	ResponseBody json.RawMessage `json:"responseBody"`
}

// fill takes what is missing from another form of the same.
func (p *wireProperties) fill(o *wireProperties) {
	for _, x := range [][2]*looseText{{&p.Entity, &o.Entity}, {&p.StatusCode, &o.StatusCode}} {
		if *x[0] == "" {
			*x[0] = *x[1]
		}
	}
	if body(p.RequestBody) == nil {
		p.RequestBody = o.RequestBody
	}
	if body(p.ResponseBody) == nil {
		p.ResponseBody = o.ResponseBody
	}
}

// looseText is a text that some forms write as {"value": …, "localizedValue": …}. Anything
// else that is no text is taken as it is written.
type looseText string

// UnmarshalJSON reads any form; null is no text.
func (t *looseText) UnmarshalJSON(b []byte) error {
	*t = ""
	switch b[0] {
	case '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err //nolint:wrapcheck // the caller says what was read
		}
		*t = looseText(strings.TrimSpace(s))
	case '{':
		var of struct {
			Value looseText `json:"value"`
		}
		if err := json.Unmarshal(b, &of); err != nil {
			return err //nolint:wrapcheck // as above
		}
		*t = of.Value
	case 'n', '[':
	default:
		*t = looseText(b)
	}
	return nil
}

// loose is an object, or a text that holds one. PowerShell wraps it in {"Content": …}.
// Anything else is an empty one: what an entry does not tell in a known form, it does not tell.
type loose[T any] struct{ in T }

// UnmarshalJSON reads any form.
func (l *loose[T]) UnmarshalJSON(b []byte) error {
	text := body(b)
	if text == nil {
		return nil
	}
	var wrapped struct {
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(text, &wrapped) == nil && body(wrapped.Content) != nil {
		text = body(wrapped.Content)
	}
	var in T
	if json.Unmarshal(text, &in) == nil {
		l.in = in
	}
	return nil
}

// body returns a JSON object that may stand inside of a text, or nil.
func body(b []byte) json.RawMessage {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '"' {
		var s string
		if json.Unmarshal(b, &s) != nil {
			return nil
		}
		b = bytes.TrimSpace([]byte(s))
	}
	if len(b) == 0 || b[0] != '{' || !json.Valid(b) {
		return nil
	}
	return b
}
