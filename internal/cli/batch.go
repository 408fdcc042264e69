// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// batchQuestion is one line of a batch. ID is given back as it was.
type batchQuestion struct {
	ID        json.RawMessage `json:"id"`
	Identity  string          `json:"identity"`
	Operation string          `json:"operation"`
	Resource  string          `json:"resource"`
	Plane     mivet.Plane     `json:"plane"`
}

// batchAnswer is one line of the result, in the order of the questions.
type batchAnswer struct {
	ID         json.RawMessage `json:"id,omitzero"`
	Effect     string          `json:"effect,omitzero"`
	Cause      string          `json:"cause,omitzero"`
	Assignment arm.ID          `json:"assignment,omitzero"`
	Place      string          `json:"place,omitzero"`
	Error      string          `json:"error,omitzero"`
}

// maxBatchLine is the longest question that is read, in bytes.
const maxBatchLine = 1 << 20

// canBatch answers questions from a file, one JSON object a line. The exit code is the
// worst of all: could not be asked, unknown, denied, allowed.
func (a *app) canBatch(ctx context.Context, f *canFlags, file string) (int, error) {
	q, err := a.prepare(ctx, &f.questionFlags, nil, nil)
	if err != nil {
		return exitFailed, err
	}
	b := batch{questions: q, scopes: map[string]arm.ID{}, people: map[string]mivet.PrincipalID{}}
	err = a.emit(&f.out, func(w io.Writer, _ string, _ bool) error {
		b.code = exitOK
		out := bufio.NewWriter(w)
		err := a.withInput(file, func(in io.Reader) error {
			return b.run(ctx, streamName(file, "standard input"), in, out)
		})
		return errors.Join(err, out.Flush())
	})
	return b.code, err
}

// batch is the state of one run: names are looked up once.
type batch struct {
	*questions
	code   int
	scopes map[string]arm.ID
	people map[string]mivet.PrincipalID
}

func (b *batch) run(ctx context.Context, file string, in io.Reader, out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxBatchLine)
	number := 0
	for lines.Scan() {
		number++
		if err := ctx.Err(); err != nil {
			return err
		}
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := enc.Encode(b.answer(file, number, text)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading %s: line %d: %w", file, number+1, err)
	}
	return nil
}

// answer answers one line.
func (b *batch) answer(file string, number int, text []byte) batchAnswer {
	var question batchQuestion
	d, err := b.ask(&question, text)
	if err != nil {
		b.code = exitFailed
		return batchAnswer{ID: question.ID, Error: fmt.Sprintf("%s:%d: %v", file, number, err)}
	}
	b.code = worse(b.code, effectCode(d.Effect))
	answer := batchAnswer{ID: question.ID, Effect: d.Effect.String(), Cause: d.Cause.String()}
	if d.Fact >= 0 && d.Local == authz.NotLocal && d.Cause != authz.CauseDeny {
		x := &b.snap.RoleAssignments[d.Fact]
		answer.Assignment, answer.Place = x.ID, x.Source.String()
	}
	return answer
}

func (b *batch) ask(question *batchQuestion, text []byte) (authz.Decision, error) {
	var none authz.Decision
	if err := json.Unmarshal(text, question); err != nil {
		return none, fmt.Errorf("reading the question: %w", err)
	}
	operation, err := arm.ParseOperation(question.Operation)
	if err != nil {
		return none, err
	}
	who, ok := b.people[question.Identity]
	if !ok {
		if who, _, err = b.identity(question.Identity); err != nil {
			return none, err
		}
		b.people[question.Identity] = who
	}
	key := question.Resource + "\x00" + operation.Provider()
	where, ok := b.scopes[key]
	if !ok {
		if where, err = b.resource(question.Resource, operation.Provider()); err != nil {
			return none, err
		}
		b.scopes[key] = where
	}
	plane := question.Plane
	if plane == mivet.PlaneUnknown {
		plane = b.plane
	}
	return b.engine.Check(authz.Request{Principal: who, Operation: operation, Plane: plane, Resource: where, Given: b.given}), nil
}

// worse returns the exit code that tells of more trouble.
func worse(a, b int) int {
	rank := func(code int) int {
		switch code {
		case exitOK:
			return 0
		case exitFound:
			return 1
		case exitUndecided:
			return 2
		default:
			return 3
		}
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}
