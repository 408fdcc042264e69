// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

// ErrNotResults is returned for a file that is neither the JSON nor the JSON Lines form
// of a run.
var ErrNotResults = errors.New("it is not a result of mivet in JSON or JSON Lines")

// Read sends a saved run to a handler, message by message. It reads the JSON and the JSON
// Lines form of the same major version; fields that it does not know are ignored, since
// later versions only add.
func Read(r io.Reader, h Handler) error {
	in := bufio.NewReaderSize(r, 1<<16)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return fmt.Errorf("reading results: %w", err)
	}
	if first, _, _ := bytes.Cut(head, []byte("\n")); bytes.Contains(first, []byte(`"type":"run"`)) {
		return readLines(in, h)
	}
	return readDocument(in, h)
}

func checkVersion(v string) error {
	major, _, _ := strings.Cut(v, ".")
	want, _, _ := strings.Cut(SchemaVersion, ".")
	switch {
	case v == "":
		return ErrNotResults
	case major != want:
		return fmt.Errorf("the results have schema version %s, and this mivet reads %s.x", v, want)
	}
	return nil
}

func readLines(in *bufio.Reader, h Handler) error {
	d := json.NewDecoder(in)
	for n := 1; ; n++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading results, object %d: %w", n, err)
		}
		m, err := parseLine(raw)
		if err != nil {
			return fmt.Errorf("reading results, object %d: %w", n, err)
		}
		if m == nil {
			continue
		}
		if err := h.Handle(m); err != nil {
			return err
		}
	}
}

// parseLine returns nil for a type of a later version.
func parseLine(raw json.RawMessage) (Message, error) {
	var head struct{ Type, SchemaVersion string }
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	var m Message
	switch head.Type {
	case lineRun:
		if err := checkVersion(head.SchemaVersion); err != nil {
			return nil, err
		}
		m = &Run{}
	case lineRule:
		m = &RuleMessage{}
	case lineFinding:
		m = &FindingMessage{Finding: &mivet.Finding{}}
	case lineUndecided:
		m = &UndecidedMessage{}
	case lineSummary:
		m = &Summary{}
	default:
		return nil, nil //nolint:nilnil // a type of a later version is skipped
	}
	return m, json.Unmarshal(raw, m)
}

// readDocument reads the one document, element by element. The version stands before
// everything else.
func readDocument(in io.Reader, h Handler) error {
	d := json.NewDecoder(in)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ErrNotResults
	}
	version := ""
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fmt.Errorf("reading results at byte %d: %w", d.InputOffset(), err)
		}
		name, _ := key.(string)
		if version == "" && name != "$schema" && name != "schemaVersion" {
			return ErrNotResults
		}
		if err := readKey(d, name, &version, h); err != nil {
			if errors.Is(err, errDecode) {
				return fmt.Errorf("reading results at byte %d, below %q: %w", d.InputOffset(), name, err)
			}
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("reading results at byte %d: %w", d.InputOffset(), err)
	}
	return nil
}

// errDecode marks what the file is to blame for, apart from what the handler returns.
var errDecode = errors.New("cannot read the value")

func decode(d *json.Decoder, into any) error {
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errDecode, err)
	}
	return nil
}

func readKey(d *json.Decoder, name string, version *string, h Handler) error {
	switch name {
	case "schemaVersion":
		if err := decode(d, version); err != nil {
			return err
		}
		return checkVersion(*version)
	case "run":
		return one(d, h, &Run{})
	case "rules":
		return each(d, h, func() Message { return &RuleMessage{} })
	case "findings":
		return each(d, h, func() Message { return &FindingMessage{Finding: &mivet.Finding{}} })
	case "undecided":
		return each(d, h, func() Message { return &UndecidedMessage{} })
	case "summary":
		return one(d, h, &Summary{})
	}
	var skip json.RawMessage
	return decode(d, &skip)
}

func one(d *json.Decoder, h Handler, m Message) error {
	if err := decode(d, m); err != nil {
		return err
	}
	return h.Handle(m)
}

func each(d *json.Decoder, h Handler, empty func() Message) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("%w: it must be a list", errDecode)
	}
	for d.More() {
		if err := one(d, h, empty()); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: %w", errDecode, err)
	}
	return nil
}

// ReadBaseline reads what an earlier run found, from its JSON or JSON Lines form: open,
// known and suppressed findings, each with the day it was first seen, else the day of
// that run.
func ReadBaseline(r io.Reader) (*vet.Baseline, error) {
	b := &baseline{seen: map[string]time.Time{}}
	if err := Read(r, b); err != nil {
		return nil, fmt.Errorf("reading a baseline: %w", err)
	}
	return &vet.Baseline{Seen: b.seen}, nil
}

type baseline struct {
	at   time.Time
	seen map[string]time.Time
}

// Handle keeps fingerprints.
func (b *baseline) Handle(m Message) error {
	switch m := m.(type) {
	case *Run:
		b.at = m.Now
		if b.at.IsZero() {
			b.at = m.TakenAt
		}
	case *FindingMessage:
		first := m.FirstSeen
		if first.IsZero() {
			first = b.at
		}
		b.seen[m.Fingerprint] = first
	case *RuleMessage, *UndecidedMessage, *Summary:
	}
	return nil
}
