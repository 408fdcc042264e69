// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/logs"
)

// loggedUse is what a log tells of one principal.
type loggedUse struct {
	count int64
	last  time.Time
	line  int
	// what it did last: a right at a place, or a token that it fetched.
	what string
}

// loggedEvidence reads a log of Azure: which principal of the workload called what, when last.
// Others counts the entries about others. A file without an entry that can be read is refused.
func loggedEvidence(in io.Reader, file string, w *effective.Carrier, consumers []effective.Consumer) ([]effective.Statement, int, error) {
	r, err := logs.NewReader(in)
	if err != nil {
		return nil, 0, err
	}
	seen := map[mivet.PrincipalID]*loggedUse{}
	entries, others, faults := 0, 0, 0
	var first error
	for {
		e, err := r.Next()
		var bad *logs.LineError
		switch {
		case errors.Is(err, io.EOF):
			if entries == 0 {
				return nil, 0, errorWithHint(fmt.Errorf("%s: it is no record of attest, no report of whoami and no log of Azure", file),
					"evidence is what \"mivet attest --serve --records FILE\" and \"mivet whoami --format json\" write, and what diagnostic settings of Azure export")
			}
			if faults > 0 {
				return nil, 0, fmt.Errorf("%s: %s could not be read: %w", file, counted(faults, "entry"), first)
			}
			return statementsOf(seen, file, w, consumers), others, nil
		case errors.As(err, &bad):
			faults++
			if first == nil {
				first = err
			}
			continue
		case err != nil:
			return nil, 0, fmt.Errorf("%s: %w", file, err)
		}
		if e.Log == logs.UnknownLog {
			continue
		}
		entries++
		if !countUse(seen, e, r.Line(), w) {
			others++
		}
	}
}

// countUse counts an entry; it is false for one that is about another workload or tells of
// no identity.
func countUse(seen map[mivet.PrincipalID]*loggedUse, e *logs.Entry, line int, w *effective.Carrier) bool {
	id := mivet.NewPrincipalID(string(e.Principal))
	if id == "" || !e.Use() && e.Reason != logs.TokenOnly {
		return false
	}
	if !slices.Contains(w.Principals(), id) && !about(w, string(e.Host), "") {
		return false
	}
	u := seen[id]
	if u == nil {
		u = &loggedUse{}
		seen[id] = u
	}
	u.count += e.Count
	if u.line > 0 && e.Time.Before(u.last) {
		return true
	}
	u.last, u.line = e.Time, line
	u.what = fmt.Sprintf("%s at %s", e.Action, e.Scope)
	if !e.Use() {
		u.what = "a token for " + orElse(string(e.Audience), "an API")
	}
	if e.Granted == logs.Refused {
		u.what += ", which was refused"
	}
	return true
}

// statementsOf makes evidence of what a log tells, in the order of the principals.
func statementsOf(seen map[mivet.PrincipalID]*loggedUse, file string, w *effective.Carrier, consumers []effective.Consumer) []effective.Statement {
	var out []effective.Statement
	for id, u := range seen {
		s := effective.Statement{
			Kind: mivet.Observed, Principals: []mivet.PrincipalID{id}, At: u.last, Source: mivet.Source{Origin: &mivet.Origin{File: file}, Line: u.line},
			Fact: fmt.Sprintf("it was logged as %s %s, last for %s", id, counted(int(u.count), "time"), u.what),
		}
		// What the platform does with an identity of the workload says nothing of its code.
		for i := range consumers {
			c := &consumers[i]
			if i > 0 && c.Status == effective.Presents && c.Identity != nil && c.Identity.Principal == id && slices.Contains(w.Principals(), id) {
				s.Principals = w.Principals()
				s.Fact += ", which " + c.Use + " may be"
				break
			}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b effective.Statement) int { return strings.Compare(a.Fact, b.Fact) })
	return out
}
