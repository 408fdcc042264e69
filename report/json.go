// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// SchemaURL is the address of the JSON format's schema.
const SchemaURL = "https://raw.githubusercontent.com/mivet/mivet/main/docs/schema/results-1.schema.json"

// JSON writes a run as one JSON document, an object a line, so that two runs can be
// compared with diff. It writes as messages come and keeps none.
type JSON struct {
	w       io.Writer
	section string
	items   int
	err     error
}

// NewJSON returns a handler that writes to w.
func NewJSON(w io.Writer) *JSON { return &JSON{w: w} }

// Handle writes one message.
func (j *JSON) Handle(m Message) error {
	switch m := m.(type) {
	case *Run:
		j.printf("{\n\"$schema\": %s,\n\"schemaVersion\": %s,\n\"run\": %s", encode(SchemaURL), encode(SchemaVersion), j.encode(m))
		j.open("rules")
	case *RuleMessage:
		j.item(m)
	case *FindingMessage:
		j.open("findings")
		j.item(m)
	case *UndecidedMessage:
		j.open("findings")
		j.open("undecided")
		j.item(m)
	case *Summary:
		j.open("findings")
		j.open("undecided")
		j.printf("\n],\n\"summary\": %s\n}\n", j.encode(m))
	}
	return j.err
}

var sectionOrder = map[string]int{"": 0, "rules": 1, "findings": 2, "undecided": 3}

// open begins an array, unless it or a later one was begun.
func (j *JSON) open(section string) {
	if sectionOrder[j.section] >= sectionOrder[section] {
		return
	}
	if j.section != "" {
		j.printf("\n]")
	}
	j.printf(",\n\"%s\": [", section)
	j.section, j.items = section, 0
}

func (j *JSON) item(m Message) {
	if j.items > 0 {
		j.printf(",")
	}
	j.items++
	j.printf("\n%s", j.encode(m))
}

func (j *JSON) encode(v any) []byte {
	b, err := marshal(v)
	if err != nil && j.err == nil {
		j.err = fmt.Errorf("writing JSON: %w", err)
	}
	return b
}

func (j *JSON) printf(format string, args ...any) {
	if j.err != nil {
		return
	}
	if _, err := fmt.Fprintf(j.w, format, args...); err != nil {
		j.err = fmt.Errorf("writing JSON: %w", err)
	}
}

func encode(s string) []byte {
	b, _ := marshal(s)
	return b
}

// marshal writes JSON on one line and leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}
