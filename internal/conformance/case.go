// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// maxLine is the longest case that is read, in bytes. It keeps a file that is no JSON
// Lines from filling the memory.
const maxLine = 16 << 20

// Case is one question. Expected and what follows are labels: no answer depends on them.
type Case struct {
	// File and Line are its place; lines count from 1.
	File string
	Line int
	// ID is the identifier as it was written, a JSON value.
	ID json.RawMessage
	// Kind says which question Input asks.
	Kind  string
	Input json.RawMessage

	// Expected is the known answer; nil where it was not read.
	Expected json.RawMessage
	// Basis says how sure the known answer is: "verbatim", "derived" or "inferred".
	Basis string
	// Source is where it is from, as written.
	Source json.RawMessage
	// Note is a remark, as written.
	Note string
}

// Inferred reports whether no source confirms the expected answer. Such a case is no
// part of a figure.
func (c *Case) Inferred() bool { return c.Basis == "inferred" }

// Place returns "file:line".
func (c *Case) Place() string { return fmt.Sprintf("%s:%d", c.File, c.Line) }

// LineError is a line that is not a case.
type LineError struct {
	File string
	Line int
	// ID is the line's "id" where it has one, so that an answer can be given for it.
	ID  json.RawMessage
	Err error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// question is what may be read to find an answer.
type question struct {
	ID    json.RawMessage `json:"id"`
	Kind  string          `json:"kind"`
	Input json.RawMessage `json:"input"`
}

// labelled is a question with what is known about it.
type labelled struct {
	question
	Expected json.RawMessage `json:"expected"`
	Basis    string          `json:"basis"`
	Source   json.RawMessage `json:"source"`
	Note     string          `json:"note"`
}

// Questions reads the identifiers, kinds and inputs of a file of cases, and nothing else.
// A line that is not a case yields a [*LineError]; what follows is still read. Any other
// error is the last one.
func Questions(file string, r io.Reader) iter.Seq2[*Case, error] {
	return lines(file, r, func(text []byte) (*Case, error) {
		if c := peerCase(text); c != nil {
			c.Expected, c.Note = nil, ""
			return c, nil
		}
		var q question
		if err := decodeLine(text, &q); err != nil {
			return nil, err
		}
		return q.check()
	})
}

// Cases reads a file of cases with their labels. Errors are those of [Questions]; a case
// without an expected answer is one of them.
func Cases(file string, r io.Reader) iter.Seq2[*Case, error] {
	return lines(file, r, func(text []byte) (*Case, error) {
		if c := peerCase(text); c != nil {
			return c, nil
		}
		var l labelled
		if err := decodeLine(text, &l); err != nil {
			return nil, err
		}
		c, err := l.check()
		if err != nil {
			return nil, err
		}
		if len(l.Expected) == 0 {
			return nil, errors.New(`the case has no "expected"; --answers needs none`)
		}
		c.Expected, c.Basis, c.Source, c.Note = l.Expected, l.Basis, l.Source, l.Note
		return c, nil
	})
}

func (q *question) check() (*Case, error) {
	switch {
	case len(q.ID) == 0:
		return nil, errors.New(`the case has no "id"`)
	case q.Kind == "":
		return nil, errors.New(`the case has no "kind"`)
	case len(q.Input) == 0:
		return nil, errors.New(`the case has no "input"`)
	}
	return &Case{ID: q.ID, Kind: q.Kind, Input: q.Input}, nil
}

// decodeLine reads one JSON object and nothing after it.
func decodeLine(text []byte, v any) error {
	err := json.Unmarshal(text, v)
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("at byte %d: %w; a line must hold one whole JSON object", syntax.Offset, err)
	case errors.As(err, &typ) && typ.Field == "":
		return fmt.Errorf("the line is a JSON %s, not an object", typ.Value)
	case errors.As(err, &typ):
		field := typ.Field[strings.LastIndexByte(typ.Field, '.')+1:]
		return fmt.Errorf("at byte %d: %q must not be a JSON %s", typ.Offset, field, typ.Value)
	}
	return err
}

// lines walks over the lines that are not blank.
func lines(file string, r io.Reader, decode func([]byte) (*Case, error)) iter.Seq2[*Case, error] {
	return func(yield func(*Case, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		for line := 1; ; line++ {
			text, err := readLine(in)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, &LineError{File: file, Line: line, Err: err})
				return
			}
			if text = bytes.TrimSpace(text); len(text) > 0 && !yieldLine(file, line, text, decode, yield) {
				return
			}
			if err != nil {
				return
			}
		}
	}
}

func yieldLine(file string, line int, text []byte, decode func([]byte) (*Case, error), yield func(*Case, error) bool) bool {
	c, err := decode(text)
	if err != nil {
		return yield(nil, &LineError{file, line, idOf(text), err})
	}
	c.File, c.Line = file, line
	return yield(c, nil)
}

// idOf finds the "id" of a line that is no case, even of one that is cut off; nil if there
// is none.
func idOf(text []byte) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil
		}
		if key, ok := name.(string); ok && strings.EqualFold(key, "id") {
			return value
		}
	}
	return nil
}

// readLine reads up to the end of a line, or of the input with io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, fmt.Errorf("the line is longer than %d bytes", maxLine)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
