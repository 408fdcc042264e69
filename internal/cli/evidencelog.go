// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/logs"
)

// useKey is whom a log tells of: a principal, and what its token was issued to.
type useKey struct {
	principal mivet.PrincipalID
	host      arm.Key
}

// loggedUse is what a log tells of one principal.
type loggedUse struct {
	entries int
	count   int64
	last    time.Time
	at      mivet.Source
	// what it did last: a right at a place, or a token that it fetched.
	what string
}

// readLog reads a log of Azure: who called what, when last, and what was changed. A file
// without an entry that can be read is refused, and one that is damaged.
func (e *evidenceFile) readLog(ctx context.Context, stdin io.Reader) error {
	e.uses, e.changed = map[useKey]*loggedUse{}, map[arm.Key]time.Time{}
	r, err := eachEntry(ctx, e.name, stdin, func(entry *logs.Entry, _ []byte, at mivet.Source) error {
		if entry.Log != logs.UnknownLog {
			e.entries++
			e.count(entry, at)
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", e.name, err)
	case e.entries == 0:
		return errorWithHint(fmt.Errorf("%s: it is no record of attest, no report of whoami and no log of Azure", e.name), evidenceHint)
	case r.FaultCount > 0:
		return fmt.Errorf("%s: %s could not be read: %w", e.name, counted(int(r.FaultCount), "entry"), &r.Faults[0])
	}
	return nil
}

// count counts an entry, where it tells of an identity.
func (e *evidenceFile) count(entry *logs.Entry, at mivet.Source) {
	e.change(entry)
	id := mivet.NewPrincipalID(string(entry.Principal))
	if id == "" || !entry.Use() && entry.Reason != logs.TokenOnly {
		return
	}
	key := useKey{id, arm.Fold(string(entry.Host))}
	u := e.uses[key]
	if u == nil {
		u = &loggedUse{}
		e.uses[key] = u
	}
	u.entries++
	u.count += entry.Count
	if u.at.Line > 0 && entry.Time.Before(u.last) {
		return
	}
	u.last, u.at = entry.Time, at
	u.what = fmt.Sprintf("%s at %s", entry.Action, entry.Scope)
	if !entry.Use() {
		u.what = "a token for " + orElse(string(entry.Audience), "an API")
	}
	if entry.Granted == logs.Refused {
		u.what += ", which was refused"
	}
}

// change remembers when a workload was written last: by Resource Manager, itself or what
// lies in it, such as its settings.
func (e *evidenceFile) change(entry *logs.Entry) {
	action, scope := string(arm.Fold(string(entry.Action))), string(entry.Scope)
	if entry.Log != logs.Activity || entry.Granted != logs.Granted || !strings.HasSuffix(action, "/write") && !strings.Contains(action, "/slotsswap/") {
		return
	}
	for id, err := arm.ParseID(scope); err == nil && id.Level() == arm.LevelResource; id = id.Parent() {
		if entry.Time.After(e.changed[id.Key()]) {
			e.changed[id.Key()] = entry.Time
		}
	}
}

// logged is what a log tells of a workload, and how many entries are about it.
func (e *evidenceFile) logged(w *effective.Carrier, consumers []effective.Consumer) (out []effective.Statement, entries int) {
	attached := w.Principals()
	for key, u := range e.uses {
		if !slices.Contains(attached, key.principal) && !about(w, string(key.host), "") {
			continue
		}
		entries += u.entries
		s := effective.Statement{
			Kind: mivet.Observed, Principals: []mivet.PrincipalID{key.principal}, At: u.last, Source: u.at,
			Fact: fmt.Sprintf("it was logged as %s %s, last for %s", key.principal, counted(int(u.count), "time"), u.what),
		}
		if use := platformUse(key.principal, consumers); use != "" && slices.Contains(attached, key.principal) {
			// What the platform does with an identity of the workload says nothing of its code.
			s.Principals = attached
			s.Fact += ", which " + use + " may be"
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b effective.Statement) int { return strings.Compare(a.Fact, b.Fact) })
	return out, entries
}

// platformUse is what else than code presents a principal, "" for nothing.
func platformUse(id mivet.PrincipalID, consumers []effective.Consumer) string {
	for i := range consumers {
		if c := &consumers[i]; i > 0 && c.Status == effective.Presents && c.Identity != nil && c.Identity.Principal == id {
			return c.Use
		}
	}
	return ""
}
