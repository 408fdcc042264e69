// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/change"
)

// Options is what the engines need beside a case.
type Options struct {
	// Catalog names built-in roles; without it cases that need one have no answer.
	Catalog *catalog.Catalog
	// ReadPlan reads a Terraform plan by its path as an input has it; without it cases
	// about plans have no answer.
	ReadPlan func(ctx context.Context, path string) (*mivet.Snapshot, error)
	// ReadChange reads a Terraform plan by its path as a change; without it cases about what
	// a plan does have no answer.
	ReadChange func(ctx context.Context, path string) (*change.Plan, error)
	// ReadInput reads any input by its path as an input has it; without it the rules of other
	// tools have no answer.
	ReadInput func(ctx context.Context, path string) (*mivet.Snapshot, error)
	// ReadMocks reads a file whose members are Terraform plans by their names; without it
	// verdicts on such files have no answer.
	ReadMocks func(ctx context.Context, path string) (map[string]*mivet.Snapshot, error)
}

// Runner answers cases. It is safe for concurrent use.
type Runner struct {
	options Options
	kinds   map[string]kind
}

// kind is one sort of question.
type kind struct {
	name string
	// answer finds the answer. An error says why there is none.
	answer func(ctx context.Context, r *Runner, c *Case) (any, error)
	// agree compares an answer with what was expected; nil is the comparison by value.
	agree func(answer any, expected json.RawMessage) (bool, error)
}

// kinds is the table of everything that can be asked.
func kinds() []kind {
	return []kind{
		{name: "wildcard", answer: answerWildcard},
		{name: "scope", answer: answerScope},
		{name: "rbac", answer: answerDecision},
		{name: "abac", answer: answerDecision},
		{name: "deny", answer: answerDecision},
		{name: "condition-operator", answer: answerCondition},
		{name: "keyvault", answer: answerVault},
		{name: "managedhsm", answer: answerHSM},
		{name: "adls", answer: answerPath},
		{name: "pim", answer: answerSchedule},
		{name: "limit", answer: answerLimit},
		{name: "validity", answer: answerValidity},
		{name: "lifecycle", answer: answerLifecycle, agree: agreeOnFate},
		{name: "plan", answer: answerChange, agree: sameSets},
		{name: "error-text", answer: answerText, agree: agreeOnText},
		{name: "execution-path", answer: answerPathways, agree: agreeOnPaths},
		{name: "role-reach", answer: answerRoleReach},
		{name: "plan-inventory", answer: answerInventory, agree: sameSets},
		{name: "sdk", answer: answerSDK},
		{name: "log-entry", answer: answerLogEntry, agree: agreeOnLogEntry},
		{name: kindPeer, answer: answerPeer, agree: agreeOnPeer},
	}
}

// New returns a runner.
func New(o Options) *Runner {
	r := &Runner{options: o, kinds: map[string]kind{}}
	for _, k := range kinds() {
		r.kinds[k.name] = k
	}
	return r
}

// Kinds lists the kinds that the runner can answer.
func (r *Runner) Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// UnsupportedError says that there is no answer, since nobody taught mivet this kind or
// a part of the input.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return e.What + " is not supported" }

// Answer finds the answer of a case from its kind and input. Where there is none it
// returns nil and the reason.
func (r *Runner) Answer(ctx context.Context, c *Case) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, ok := r.kinds[c.Kind]
	if !ok {
		return nil, &UnsupportedError{fmt.Sprintf("kind %q", c.Kind)}
	}
	return k.answer(ctx, r, c)
}

// Agrees reports whether an answer is the expected one, by the comparison of its kind.
func (r *Runner) Agrees(c *Case, answer any) (bool, error) {
	if k := r.kinds[c.Kind]; k.agree != nil {
		return k.agree(answer, c.Expected)
	}
	return sameValue(answer, c.Expected)
}

// decodeInput reads an input into v. A field that v does not have makes the input one
// that is not supported.
func decodeInput(c *Case, v any) error {
	if err := decodeStrictly(c.Input, v); err != nil {
		return fmt.Errorf("reading the input: %w", err)
	}
	return nil
}

// MissingError says that there is no answer, since the input does not say all of the
// question.
type MissingError struct{ Field string }

func (e *MissingError) Error() string { return fmt.Sprintf("the input has no %q", e.Field) }

// given is a field of an input that may be left out.
type given struct {
	name  string
	there bool
}

// require returns an error that names the first field that is not there. What is left out
// is part of the question: no answer is right for whatever it may be.
func require(fields ...given) error {
	for _, f := range fields {
		if !f.there {
			return &MissingError{f.name}
		}
	}
	return nil
}

// decodeStrictly reads an object whose fields are all known. An error tells of JSON alone.
func decodeStrictly(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var typ *json.UnmarshalTypeError
	if !errors.As(err, &typ) {
		return err
	}
	if typ.Field == "" {
		return fmt.Errorf("a JSON %s cannot be understood here", typ.Value)
	}
	return fmt.Errorf("%q must not be a JSON %s", typ.Field, typ.Value)
}

// errUndecided is the reason where an engine's answer is Unknown. A case is a closed
// world, so Unknown is no answer to it.
var errUndecided = errors.New("the engine cannot decide it")
