// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/logs"
)

// logInput is one entry of a log. The category is a label: the entry itself says what it is.
type logInput struct {
	Category string          `json:"category"`
	Entry    json.RawMessage `json:"entry"`
}

// logAnswer is what the entry tells; null where it does not.
type logAnswer struct {
	Principal *string `json:"principal"`
	AppID     *string `json:"appid"`
	Operation *string `json:"operation"`
	Action    *string `json:"action"`
	Plane     *string `json:"plane"`
	Scope     *string `json:"scope"`
	Granted   *bool   `json:"granted"`
	Time      *string `json:"time"`
}

func answerLogEntry(_ context.Context, r *Runner, c *Case) (any, error) {
	var in logInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := require(given{"entry", len(in.Entry) > 0}); err != nil {
		return nil, err
	}
	p, err := logs.NewParser()
	if err != nil {
		return nil, err
	}
	e, err := p.Parse(in.Entry)
	if err != nil {
		return nil, fmt.Errorf("reading the entry: %w", err)
	}
	if e.Log == logs.UnknownLog {
		return nil, &UnsupportedError{fmt.Sprintf("an entry of category %q", e.Category)}
	}
	a := logAnswer{
		Principal: orNull(string(e.Principal)), AppID: orNull(string(e.AppID)), Operation: orNull(string(e.Operation)),
		Action: orNull(canonicalAction(r, string(e.Action))), Scope: orNull(string(e.Scope)),
	}
	switch {
	case e.Log == logs.Graph:
		a.Plane = orNull("graph")
	case e.Plane != mivet.PlaneUnknown:
		a.Plane = orNull(e.Plane.String())
	}
	if e.Granted != logs.Undecided {
		granted := e.Granted == logs.Granted
		a.Granted = &granted
	}
	if !e.Time.IsZero() {
		a.Time = orNull(e.Time.Format(time.RFC3339Nano))
	}
	return a, nil
}

// canonicalAction spells an action as Azure's own list does, where it is on it.
func canonicalAction(r *Runner, action string) string {
	op, err := arm.ParseOperation(action)
	if err != nil || r.options.Catalog == nil {
		return action
	}
	if i, ok := r.options.Catalog.FindOperation(op); ok {
		return r.options.Catalog.Operation(i).String()
	}
	return action
}

// agreeOnLogEntry compares actions without regard to letter case and times as instants.
func agreeOnLogEntry(answer any, expected json.RawMessage) (bool, error) {
	a, ok := answer.(logAnswer)
	if !ok {
		return false, nil
	}
	var want logAnswer
	if err := decodeStrictly(expected, &want); err != nil {
		return false, fmt.Errorf("reading what is expected: %w", err)
	}
	if a.Action != nil && want.Action != nil && strings.EqualFold(*a.Action, *want.Action) {
		a.Action = want.Action
	}
	if sameInstant(a.Time, want.Time) {
		a.Time = want.Time
	}
	text, err := json.Marshal(want)
	if err != nil {
		return false, err
	}
	return sameValue(a, text)
}

func sameInstant(a, b *string) bool {
	if a == nil || b == nil {
		return false
	}
	x, errX := time.Parse(time.RFC3339Nano, *a)
	y, errY := time.Parse(time.RFC3339Nano, *b)
	return errX == nil && errY == nil && x.Equal(y)
}
