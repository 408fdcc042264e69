// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/internal/probe"
)

// evidenceFlags say what is known of the run time of a workload.
type evidenceFlags struct {
	files             []string
	changed, revision string
}

func (f *evidenceFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringArrayVar(&f.files, "evidence", nil, "weigh these records of attest, reports of whoami and logs of Azure; may be repeated")
	fl.StringVar(&f.changed, "changed", "", "when the workload or its settings changed last; older evidence is stale")
	fl.StringVar(&f.revision, "revision", "", "the revision that runs; evidence about another one is stale")
}

// weigh holds what is known of a workload's run time against what a snapshot says of it.
func (a *app) weigh(ctx context.Context, f *evidenceFlags, w *effective.Carrier, consumers []effective.Consumer, taken time.Time) (*effective.Evidence, error) {
	changed, err := parseTime(f.changed)
	if err != nil {
		return nil, err
	}
	list := w.Statements(consumers, taken)
	for _, name := range f.files {
		file, err := a.readEvidence(ctx, name)
		if err != nil {
			return nil, err
		}
		more, others := file.statements(w, consumers)
		if others > 0 {
			a.note("%s: %s about other workloads", name, counted(others, "object"))
		}
		list = append(list, more...)
		if at := file.changed[w.Resource.ID.Key()]; f.changed == "" && at.After(changed) {
			changed = at
		}
	}
	return effective.Weigh(list, changed, f.revision), nil
}

// evidenceOf is what the files of a scan say of a workload, and when it changed last.
func (a *app) evidenceOf(w *effective.Carrier, consumers []effective.Consumer) (seen []effective.Statement, changed time.Time) {
	for _, file := range a.evidence {
		more, _ := file.statements(w, consumers)
		seen = append(seen, more...)
		if at := file.changed[w.Resource.ID.Key()]; at.After(changed) {
			changed = at
		}
	}
	return seen, changed
}

// evidenceFile is a file of evidence about any workloads.
type evidenceFile struct {
	name string
	own  []ownRecord
	// uses are those of a log of Azure, and changed the last changes of workloads that an
	// activity log tells.
	uses    map[useKey]*loggedUse
	changed map[arm.Key]time.Time
	entries int
}

// ownRecord is a record of attest or a report of whoami.
type ownRecord struct {
	proof  *proof
	report *runReport
	line   int
}

// statements are what a file says of a workload. Others counts what is about other ones.
func (e *evidenceFile) statements(w *effective.Carrier, consumers []effective.Consumer) (out []effective.Statement, others int) {
	for i := range e.own {
		source := mivet.Source{Origin: &mivet.Origin{File: e.name}, Line: e.own[i].line}
		var found []effective.Statement
		if r := e.own[i].report; r != nil {
			found = r.statements(w, source)
		} else {
			found = e.own[i].proof.statements(w, source)
		}
		if len(found) == 0 {
			others++
		}
		out = append(out, found...)
	}
	if e.uses == nil {
		return out, others
	}
	logged, about := e.logged(w, consumers)
	return append(out, logged...), others + e.entries - about
}

// ownEvidence is what tells a file of mivet from a log of Azure.
var ownEvidence = regexp.MustCompile(`"(?:digest|clients)"\s*:`)

const evidenceHead = 64 << 10

// proof is a record of attest, as far as it is evidence.
type proof struct {
	Digest    string            `json:"digest"`
	Principal mivet.PrincipalID `json:"principalId"`
	Resource  string            `json:"resource"`
	Host      string            `json:"host"`
	IssuedAt  time.Time         `json:"issuedAt"`
}

// runReport is a report of whoami, as far as it is evidence.
type runReport struct {
	Time    time.Time      `json:"time"`
	Clients []probe.Client `json:"clients"`
}

// readEvidence reads what attest recorded, what whoami reported or what Azure logged.
func (a *app) readEvidence(ctx context.Context, name string) (*evidenceFile, error) {
	file := &evidenceFile{name: name}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return file, file.readLog(ctx, nil)
	}
	return file, a.withInput(name, func(raw io.Reader) error {
		in := bufio.NewReaderSize(raw, evidenceHead)
		if head, _ := in.Peek(evidenceHead); !ownEvidence.Match(head) {
			return file.readLog(ctx, in)
		}
		return file.readOwn(in)
	})
}

// readOwn reads records of attest and reports of whoami.
func (e *evidenceFile) readOwn(in io.Reader) error {
	d := json.NewDecoder(in)
	for n := 1; ; n++ {
		raw := json.RawMessage{}
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s, object %d: %w", e.name, n, err)
		}
		var r runReport
		var p proof
		switch {
		case json.Unmarshal(raw, &r) == nil && r.Clients != nil:
			e.own = append(e.own, ownRecord{report: &r, line: n})
		case json.Unmarshal(raw, &p) == nil && p.Digest != "":
			e.own = append(e.own, ownRecord{proof: &p, line: n})
		default:
			return errorWithHint(fmt.Errorf("%s, object %d: it is no record of attest and no report of whoami", e.name, n), evidenceHint)
		}
	}
}

const evidenceHint = "evidence is what \"mivet attest --serve --records FILE\" and \"mivet whoami --format json\" write, and what diagnostic settings of Azure export"

// statements says what a record tells of a workload; nothing if it is about another one.
func (p *proof) statements(w *effective.Carrier, source mivet.Source) []effective.Statement {
	if !about(w, p.Resource, p.Host) {
		return nil
	}
	return []effective.Statement{{
		Kind: mivet.Attested, Principals: []mivet.PrincipalID{p.Principal}, At: p.IssuedAt, Source: source,
		Fact: "it proved to present " + string(p.Principal),
	}}
}

// statements says what a report tells of a workload, each principal once.
func (p *runReport) statements(w *effective.Carrier, source mivet.Source) []effective.Statement {
	var out []effective.Statement
	for i := range p.Clients {
		c := p.Clients[i].Claims
		if c == nil || !about(w, c.IdentityResource, c.HostResource) {
			continue
		}
		same := slices.ContainsFunc(out, func(s effective.Statement) bool { return s.Principals[0] == c.Principal })
		if !same {
			out = append(out, effective.Statement{
				Kind: mivet.Observed, Principals: []mivet.PrincipalID{c.Principal}, At: p.Time, Source: source,
				Fact: fmt.Sprintf("it was seen to present %s as %s %s", c.Principal, p.Clients[i].SDK, p.Clients[i].Version),
			})
		}
	}
	return out
}

// about reports whether a token is one of the workload: by its host, or where that is not
// told, by an identity that is the workload's own or attached to it.
func about(w *effective.Carrier, identity, host string) bool {
	id := w.Resource.ID.String()
	if host != "" {
		return arm.Fold(host) == arm.Fold(id)
	}
	return arm.Fold(identity) == arm.Fold(id) || slices.ContainsFunc(w.User, func(m effective.ManagedIdentity) bool { return arm.Fold(m.Resource) == arm.Fold(identity) })
}

// writeEvidence prints statements and where they disagree.
func writeEvidence(p *printer, e *effective.Evidence) {
	p.printf("\nevidence\n")
	for i := range e.Statements {
		s := &e.Statements[i]
		at := "at an unknown time"
		if !s.At.IsZero() {
			at = s.At.UTC().Format(time.RFC3339)
		}
		p.printf("  %-10s %s, %s (%s): %s\n", string(s.Kind), at, string(s.Age), s.Why, s.Fact)
	}
	for _, d := range e.Disagreements {
		word := yellow("may disagree")
		if d.Sure {
			word = red("disagree")
		}
		p.printf("  %s   %s\n", word, strings.TrimSpace(d.Why))
	}
}
