// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mivet/mivet/change"
)

// replayed is one plan of the past.
type replayed struct {
	Plan string `json:"plan"`
	// Stopped is true where the check would have failed, Undecided where it would not have
	// been decided.
	Stopped   bool     `json:"stopped"`
	Undecided bool     `json:"undecided"`
	Reasons   []string `json:"reasons"`
	// Error says why it could not be checked; absent where it was.
	Error string `json:"error,omitzero"`
}

// replayJSON is what a check would have done to the plans of a folder.
type replayJSON struct {
	SchemaVersion int        `json:"schemaVersion"`
	Folder        string     `json:"folder"`
	Contract      string     `json:"contract,omitzero"`
	Checked       int        `json:"checked"`
	Stopped       int        `json:"stopped"`
	Undecided     int        `json:"undecided"`
	Plans         []replayed `json:"plans"`
}

// replay checks every plan of a folder. Records of stages do not count: they are of today.
func (a *app) replay(ctx context.Context, f *checkFlags, terms *terms) (int, error) {
	files, err := filepath.Glob(filepath.Join(f.replay, "*.json"))
	if err != nil {
		return exitFailed, err
	}
	if info, err := os.Stat(f.replay); err != nil || !info.IsDir() {
		return exitFailed, errors.Join(err, errorWithHint(errors.New(f.replay+" is no folder of plans"), "put the plans of the past there, from terraform show -json"))
	}
	slices.Sort(files)
	j := replayJSON{SchemaVersion: 1, Folder: f.replay, Plans: []replayed{}}
	if terms != nil {
		j.Contract = terms.contract.File
	}
	mute := *a
	mute.quiet = true
	for _, file := range files {
		if ctx.Err() != nil {
			return exitFailed, ctx.Err()
		}
		r := mute.replayOne(ctx, f, file, terms)
		switch {
		case r.Error != "":
		case r.Stopped:
			j.Stopped++
			j.Checked++
		case r.Undecided:
			j.Undecided++
			j.Checked++
		default:
			j.Checked++
		}
		j.Plans = append(j.Plans, r)
	}
	if j.Checked == 0 {
		return exitFailed, errorWithHint(errors.New("no plan was recognised in "+f.replay), "plans are files *.json, from terraform show -json")
	}
	return exitOK, a.emit(&f.out, j.write)
}

func (a *app) replayOne(ctx context.Context, f *checkFlags, file string, terms *terms) replayed {
	r := replayed{Plan: file, Reasons: []string{}}
	c, err := a.checkPlan(ctx, f, file, terms)
	if err == nil {
		if c.agreed != nil {
			c.agreed.waits = nil
		}
		var code int
		code, err = c.code()
		r.Stopped, r.Undecided = code == exitFound, code == exitUndecided
		r.Reasons = c.reasons()
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// reasons are those for which a check fails, each once and short.
func (c *checked) reasons() []string {
	out := []string{}
	add := func(s string) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, e := range effects {
		for _, d := range c.Details {
			if d.What == e.list && e.leads != "" {
				add(e.title + " " + d.Address)
			}
		}
	}
	for _, t := range c.tests {
		if t.Verdict == change.Failed {
			add("access test of the tenant")
		}
	}
	if c.agreed == nil {
		return out
	}
	for i := range c.agreed.tests {
		if t := &c.agreed.tests[i]; t.Verdict == change.Failed {
			add("access test " + t.Identity + " " + t.Test)
		}
	}
	for _, f := range c.agreed.results.Findings() {
		if !f.Advice {
			add(f.Rule + " " + f.Subject.String())
		}
	}
	return out
}

func (j replayJSON) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(w, "replay", j)
	}
	p := newPrinter(w, colour)
	for i := range j.Plans {
		r := &j.Plans[i]
		word, why := green("passes "), strings.Join(r.Reasons, "; ")
		switch {
		case r.Error != "":
			word, why = yellow("no plan"), r.Error
		case r.Stopped:
			word = red("stopped")
		case r.Undecided:
			word = yellow("open   ")
		}
		p.printf("%s  %s\n", word, r.Plan)
		if why != "" {
			p.printf("         %s\n", why)
		}
	}
	p.printf("%d of %s would have been stopped, %d not decided\n", j.Stopped, counted(j.Checked, "plan"), j.Undecided)
	return p.err
}
