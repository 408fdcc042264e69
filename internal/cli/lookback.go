// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/internal/logfiles"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
)

// logFlags say which logs are looked back at.
type logFlags struct{ files []string }

func (f *logFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.files, "logs", nil, "read this file or folder of log entries; may be repeated (default with --demo: the logs of the demo tenant)")
}

// given reports whether there are logs to be read.
func (f *logFlags) given(demo bool) bool { return len(f.files) > 0 || demo }

// eachEntry gives all entries to a function: the entry, its text and its place.
func (a *app) eachEntry(ctx context.Context, f *logFlags, take func(e *logs.Entry, text []byte, at mivet.Source)) error {
	if len(f.files) == 0 {
		return demoEntries(take)
	}
	report, err := logfiles.Each(ctx, f.files, func(e *logs.Entry, text []byte, at mivet.Source) error {
		take(e, text, at)
		return nil
	})
	if err != nil {
		return errorWithHint(err, "--logs takes files and folders of log entries")
	}
	if report.Entries == 0 {
		a.note("no entry of a log was read")
	}
	a.tellLogs(report, 0)
	return nil
}

// demoEntries gives the entries of the demo tenant.
func demoEntries(take func(e *logs.Entry, text []byte, at mivet.Source)) error {
	for _, f := range tenants.DemoLogs() {
		r, err := logs.NewReader(bytes.NewReader(f.Text))
		if err != nil {
			return err
		}
		at := mivet.Source{Origin: &mivet.Origin{File: f.Name}}
		for {
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			at.Line = r.Line()
			take(e, r.Text(), at)
		}
	}
	return nil
}

// byJSON is who did something, for machines.
type byJSON struct {
	ID      mivet.PrincipalID `json:"id,omitzero"`
	Name    string            `json:"name,omitzero"`
	Kind    string            `json:"kind,omitzero"`
	App     string            `json:"app,omitzero"`
	Address string            `json:"address,omitzero"`
}

func (r *resolver) byJSON(c provenance.Caller) *byJSON {
	if c.IsZero() {
		return nil
	}
	j := byJSON{ID: c.ID, Name: c.Name, App: c.App, Address: c.Address}
	if c.ID != "" {
		name, kind := r.describe(c.ID)
		j.Kind = kind
		if j.Name == "" && name != string(c.ID) {
			j.Name = name
		}
	}
	return &j
}

// actJSON is something that somebody did.
type actJSON struct {
	By          *byJSON      `json:"by,omitzero"`
	At          time.Time    `json:"at,omitzero"`
	What        string       `json:"what,omitzero"`
	Sure        bool         `json:"sure"`
	Correlation string       `json:"correlation,omitzero"`
	Source      mivet.Source `json:"source,omitzero"`
	// Place is the source for people.
	Place string `json:"place,omitzero"`
	Gap   string `json:"gap,omitzero"`
}

func (r *resolver) actJSON(a *provenance.Act) actJSON {
	j := actJSON{By: r.byJSON(a.By), At: a.At, What: a.What, Sure: a.Sure, Correlation: a.Correlation, Source: a.Source, Gap: a.Gap}
	if !a.Source.IsZero() {
		j.Place = a.Source.String()
	}
	return j
}

// caller names who did something.
func (r *resolver) caller(c provenance.Caller) string {
	name := c.Name
	if c.ID != "" {
		if known, _ := r.describe(c.ID); known != string(c.ID) {
			name = known
			if c.Name != "" && c.Name != known {
				name += " (" + c.Name + ")"
			}
		} else if name == "" {
			name = string(c.ID)
		}
	}
	if name == "" && c.App != "" {
		name = "application " + c.App
	}
	if c.Address != "" {
		name += ", from " + c.Address
	}
	return name
}

// told says who and when in one line, or what is not known of it.
func (r *resolver) told(a *provenance.Act) string {
	text := ""
	if !a.At.IsZero() {
		text = when(a.At)
	}
	if a.Known() {
		text = joinWords(text, "by "+r.caller(a.By))
	}
	if !a.Source.IsZero() && text != "" {
		text += "  [" + a.Source.String() + "]"
	}
	switch {
	case a.Gap == "":
	case text == "":
		text = "not known: " + a.Gap
	default:
		text += "; " + a.Gap
	}
	return text
}

func joinWords(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}
