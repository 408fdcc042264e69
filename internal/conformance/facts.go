// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/mivet/mivet/authz"
)

// answerLimit names a limit of Azure as a number.
func answerLimit(_ context.Context, _ *Runner, c *Case) (any, error) {
	var in struct{ What string }
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	l, ok := authz.LimitOf(in.What)
	if !ok {
		return nil, errors.New("the text names no limit that is known, or several")
	}
	return l.Value, nil
}

// answerLifecycle says what becomes of a role assignment: the error with which Azure
// refuses the event, or a fate.
func answerLifecycle(_ context.Context, _ *Runner, c *Case) (any, error) {
	var in struct{ Event string }
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	l, ok := authz.LifecycleOf(in.Event)
	switch {
	case !ok:
		return nil, errors.New("the text tells no event that is known, or several")
	case l.Code != "":
		return l.Code, nil
	}
	return string(l.Fate), nil
}

// fatePhrases are what an expected sentence says of a fate.
var fatePhrases = map[string][]string{
	string(authz.FateOrphaned): {"orphaned", "identity not found"},
	string(authz.FateDeleted):  {"permanently deleted", "not preserved"},
	string(authz.FateDelayed):  {"cached token"},
}

// agreeOnFate looks for the phrases of a fate, or for the word itself, in the sentence
// that was expected.
func agreeOnFate(answer any, expected json.RawMessage) (bool, error) {
	var sentence string
	if err := json.Unmarshal(expected, &sentence); err != nil {
		return false, err
	}
	fate, ok := answer.(string)
	if !ok {
		return false, nil
	}
	phrases := append([]string{fate}, fatePhrases[fate]...)
	for _, p := range phrases {
		if strings.Contains(strings.ToLower(sentence), strings.ToLower(p)) {
			return true, nil
		}
	}
	return false, nil
}
