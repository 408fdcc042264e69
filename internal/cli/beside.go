// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// What stands beside an answer: other ways to the same data, and layers that are no part
// of authorization. Neither changes an answer.

// maxWays is how many ways around are shown unasked.
const maxWays = 3

func (c *canAnswer) writeWays(p *printer) {
	if len(c.Bypasses) == 0 {
		return
	}
	p.printf("\n%s\n", bold("Ways to the same data"))
	for i := range c.Bypasses {
		if i == maxWays && !c.all {
			p.printf("  and %d more; --explain lists them\n", len(c.Bypasses)-i)
			return
		}
		printWay(p, &c.Bypasses[i])
	}
}

func printWay(p *printer, w *authz.Bypass) {
	mark, title := "!", w.Class.String()
	if w.Effect == authz.Unknown {
		mark, title = "?", title+", perhaps"
	}
	p.printf("  %s %s: %s\n", mark, bold(title), w.Yields)
	for _, f := range wayFields(w) {
		if f.text != "" {
			p.printf("      %-11s %s\n", f.label, f.text)
		}
	}
}

func wayFields(w *authz.Bypass) []field {
	var fs []field
	for _, s := range w.Steps {
		fs = append(fs, field{"by", fmt.Sprintf("%s at %s", s.Operation, s.Resource)})
	}
	if w.Role != nil {
		text := w.Role.Name
		if w.Roles > 1 {
			text = fmt.Sprintf("%s, or another of %d", text, w.Roles)
		}
		fs = append(fs, field{"role", text})
	}
	if w.Closure != nil {
		text := w.Closure.String()
		if w.Setting != "" {
			text += " (now " + w.Setting + ")"
		}
		fs = append(fs, field{"closed by", text})
	}
	fs = append(fs, field{"note", w.Note})
	for _, m := range w.Missing {
		fs = append(fs, field{"not known", m.What})
	}
	return fs
}

func (c *canAnswer) writeNotes(p *printer) {
	if len(c.Notes) == 0 {
		return
	}
	p.printf("\n%s\n", bold("Beside roles, and no part of the answer"))
	for i := range c.Notes {
		n := &c.Notes[i]
		p.printf("  - %s: %s (%s)\n", n.Kind, n.Text, strings.Join(noteFacts(n), "; "))
	}
}

func noteFacts(n *authz.Note) []string {
	var parts []string
	if n.Setting != "" {
		parts = append(parts, n.Setting)
	}
	if n.Lock != nil {
		parts = append(parts, "lock "+n.Lock.Level)
	}
	if !n.Resource.IsZero() {
		parts = append(parts, n.Resource.String())
	}
	return append(parts, n.Source.String())
}

// wayJSON is a way around for machines.
type wayJSON struct {
	Class   string     `json:"class"`
	Kind    string     `json:"kind,omitzero"`
	Service string     `json:"service,omitzero"`
	Effect  string     `json:"effect"`
	Yields  string     `json:"yields"`
	Steps   []stepJSON `json:"steps"`
	Role    string     `json:"role,omitzero"`
	Closed  string     `json:"closedBy,omitzero"`
	Setting string     `json:"setting,omitzero"`
	Note    string     `json:"note,omitzero"`
}

type stepJSON struct {
	Operation arm.Operation `json:"operation"`
	Resource  arm.ID        `json:"resource"`
	Effect    string        `json:"effect"`
}

func waysJSON(all []authz.Bypass) []wayJSON {
	out := []wayJSON{}
	for i := range all {
		w := &all[i]
		j := wayJSON{
			Class: w.Class.String(), Kind: string(w.Kind), Service: w.Service, Effect: w.Effect.String(),
			Yields: w.Yields, Setting: w.Setting, Note: w.Note, Steps: []stepJSON{},
		}
		for _, s := range w.Steps {
			j.Steps = append(j.Steps, stepJSON{s.Operation, s.Resource, s.Decision.Effect.String()})
		}
		if w.Role != nil {
			j.Role = w.Role.Name
		}
		if w.Closure != nil {
			j.Closed = w.Closure.String()
		}
		out = append(out, j)
	}
	return out
}

// noteJSON is a note for machines.
type noteJSON struct {
	Kind     string       `json:"kind"`
	Text     string       `json:"text"`
	Resource arm.ID       `json:"resource,omitzero"`
	Setting  string       `json:"setting,omitzero"`
	Lock     string       `json:"lock,omitzero"`
	Source   mivet.Source `json:"source,omitzero"`
}

func notesJSON(all []authz.Note) []noteJSON {
	out := []noteJSON{}
	for i := range all {
		n := &all[i]
		j := noteJSON{Kind: n.Kind.String(), Text: n.Text, Resource: n.Resource, Setting: n.Setting, Source: n.Source}
		if n.Lock != nil {
			j.Lock = n.Lock.Level
		}
		out = append(out, j)
	}
	return out
}
