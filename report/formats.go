// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// format is one way to write a run.
type format struct {
	name       string
	extensions []string
	open       func(io.Writer, TextOptions) Handler
}

func formats() []format {
	return []format{
		{"text", []string{".txt"}, func(w io.Writer, o TextOptions) Handler { return NewText(w, o) }},
		{"json", []string{".json"}, func(w io.Writer, _ TextOptions) Handler { return NewJSON(w) }},
		{"jsonl", []string{".jsonl", ".ndjson"}, func(w io.Writer, _ TextOptions) Handler { return NewJSONLines(w) }},
		{"sarif", []string{".sarif", ".sarif.json"}, func(w io.Writer, _ TextOptions) Handler { return NewSARIF(w) }},
		{"junit", []string{".xml"}, func(w io.Writer, _ TextOptions) Handler { return NewJUnit(w) }},
		{"md", []string{".md"}, func(w io.Writer, _ TextOptions) Handler { return NewMarkdown(w) }},
		{"csv", []string{".csv"}, func(w io.Writer, _ TextOptions) Handler { return NewCSV(w) }},
		{"html", []string{".html", ".htm"}, func(w io.Writer, _ TextOptions) Handler { return NewHTML(w) }},
		{"ocsf", []string{".ocsf.json", ".ocsf.jsonl"}, func(w io.Writer, _ TextOptions) Handler { return NewOCSF(w) }},
		{"opengraph", []string{".opengraph.json"}, func(w io.Writer, _ TextOptions) Handler { return NewOpenGraph(w) }},
	}
}

// Formats returns the names of the formats.
func Formats() []string {
	var out []string
	for _, f := range formats() {
		out = append(out, f.name)
	}
	return out
}

// New returns the handler of a format. The options are for text alone.
func New(name string, w io.Writer, o TextOptions) (Handler, error) {
	for _, f := range formats() {
		if f.name == name {
			return f.open(w, o), nil
		}
	}
	return nil, fmt.Errorf("choosing a format: %q is none of %s", name, strings.Join(Formats(), ", "))
}

// FormatOf returns the format that a file's name asks for; the longest extension wins. ok
// is false where the name does not tell.
func FormatOf(file string) (name string, ok bool) {
	base, best := strings.ToLower(path.Base(strings.ReplaceAll(file, `\`, "/"))), ""
	for _, f := range formats() {
		for _, e := range f.extensions {
			if strings.HasSuffix(base, e) && len(e) > len(best) {
				name, best, ok = f.name, e, true
			}
		}
	}
	return name, ok
}

// Tee sends each message to several handlers, and stops at the first error.
func Tee(handlers ...Handler) Handler { return tee(slices.Clone(handlers)) }

type tee []Handler

// Handle passes the message on.
func (t tee) Handle(m Message) error {
	for _, h := range t {
		if err := h.Handle(m); err != nil {
			return err
		}
	}
	return nil
}
