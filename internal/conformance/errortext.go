// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mivet/mivet/denial"
)

// textInput is an error as somebody posted it.
type textInput struct {
	Text *string `json:"text"`
}

// textAnswer says who refused whom, and the causes that such a text has.
type textAnswer struct {
	Service   *string        `json:"service"`
	ErrorCode *string        `json:"error_code"`
	Causes    []denial.Cause `json:"causes"`
	Caller    textCaller     `json:"caller"`

	either denial.Service // another service that writes the same words
}

// textCaller holds the IDs as written; null where the text does not give one.
type textCaller struct {
	AppID *string `json:"appid"`
	OID   *string `json:"oid"`
}

func answerText(_ context.Context, _ *Runner, c *Case) (any, error) {
	var in textInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := require(given{"text", in.Text != nil}); err != nil {
		return nil, err
	}
	d := denial.Parse(*in.Text)
	return textAnswer{
		Service: orNull(string(d.Service)), ErrorCode: orNull(d.Code), Causes: d.Causes,
		Caller: textCaller{AppID: orNull(d.Caller.AppID), OID: orNull(d.Caller.OID)},
		either: d.Either,
	}, nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// firstCauses is how many of the causes are looked at: a text alone cannot always tell
// which of several it is.
const firstCauses = 3

// agreeOnText compares service, code and caller by value, and asks that the true cause is
// among the first. A cause that nobody established is not asked. Where two services write
// the same words, either is right.
func agreeOnText(answer any, expected json.RawMessage) (bool, error) {
	var want struct {
		Service   *string                    `json:"service"`
		ErrorCode *string                    `json:"error_code"`
		Cause     denial.Cause               `json:"cause_code"`
		Caller    map[string]json.RawMessage `json:"caller"`
	}
	if err := json.Unmarshal(expected, &want); err != nil {
		return false, fmt.Errorf("reading what is expected: %w", err)
	}
	a, ok := answer.(textAnswer)
	if !ok {
		return false, nil
	}
	named := func(key string, have *string) bool {
		w, asked := want.Caller[key]
		if !asked {
			return have == nil
		}
		same, err := sameValue(have, w)
		return err == nil && same
	}
	known := want.Cause == denial.Unknown || slices.Contains(a.Causes[:min(firstCauses, len(a.Causes))], want.Cause)
	service := sameText(a.Service, want.Service) || a.either != "" && sameText(orNull(string(a.either)), want.Service)
	return known && service && sameText(a.ErrorCode, want.ErrorCode) &&
		named("appid", a.Caller.AppID) && named("oid", a.Caller.OID), nil
}

func sameText(a, b *string) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
