// SPDX-License-Identifier: Apache-2.0

package kusto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// An Answer is the table that a query is answered with.
type Answer struct {
	Columns []string
	// Rows are values as they are in the answer.
	Rows [][]json.RawMessage
	// Partial says why the rows are not all there are; empty where they are.
	Partial string
}

// ErrNoAnswer says that a text is no answer of Log Analytics or of Azure Data Explorer.
var ErrNoAnswer = errors.New("it is no answer to a query")

// ReadAnswer reads an answer of Log Analytics (tables), or one of Azure Data Explorer, of
// version 2 (a list of frames).
// Sources: learn.microsoft.com rest/api/loganalytics/query/execute, azure-monitor/logs/api/response-format;
// kusto/api/rest/response-http-v2, kusto/concepts/partial-query-failures.
func ReadAnswer(body []byte) (*Answer, error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		return readFrames(body)
	}
	var a struct {
		Tables []struct {
			Name    string `json:"name"`
			Columns []struct {
				Name string `json:"name"`
			} `json:"columns"`
			Rows [][]json.RawMessage `json:"rows"`
		} `json:"tables"`
		Error *serviceError `json:"error"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("reading an answer: %w", errors.Join(ErrNoAnswer, err))
	}
	for _, t := range a.Tables {
		if t.Name != primary {
			continue
		}
		out := Answer{Rows: t.Rows}
		for _, c := range t.Columns {
			out.Columns = append(out.Columns, c.Name)
		}
		if a.Error != nil {
			out.Partial = a.Error.text()
		}
		return &out, out.check()
	}
	return nil, fmt.Errorf("reading an answer: %w", ErrNoAnswer)
}

const primary = "PrimaryResult"

// serviceError is an error with what lies below it.
type serviceError struct {
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Full    string          `json:"@message"`
	Inner   *serviceError   `json:"innererror"`
	Details []*serviceError `json:"details"`
}

// text is what the innermost error says.
func (e *serviceError) text() string {
	for {
		switch {
		case e.Inner != nil:
			e = e.Inner
			continue
		case len(e.Details) > 0 && e.Details[0] != nil:
			e = e.Details[0]
			continue
		}
		break
	}
	message := e.Full
	if message == "" {
		message = e.Message
	}
	return strings.TrimSpace(e.Code + " " + message)
}

// ReadError returns what an error of either service says, or "".
func ReadError(body []byte) string {
	var e struct {
		Error *serviceError `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil || e.Error == nil {
		return ""
	}
	return e.Error.text()
}

// NoTable reports whether an error says that there is no such table or column.
func NoTable(said string) bool {
	return strings.Contains(said, "SEM0100") || strings.Contains(said, "Failed to resolve table") || strings.Contains(said, "Failed to resolve entity")
}

// frame is a part of an answer of Azure Data Explorer.
type frame struct {
	FrameType string
	TableKind string
	Columns   []struct{ ColumnName string }
	Rows      []json.RawMessage
	HasErrors bool
	Cancelled bool
	Errors    []oneError `json:"OneApiErrors"`
}

type oneError struct {
	Error *serviceError `json:"error"`
}

func said(list []oneError) string {
	for _, e := range list {
		if e.Error != nil {
			return e.Error.text()
		}
	}
	return "the query did not come to its end"
}

func readFrames(body []byte) (*Answer, error) {
	var frames []frame
	if err := json.Unmarshal(body, &frames); err != nil {
		return nil, fmt.Errorf("reading an answer: %w", errors.Join(ErrNoAnswer, err))
	}
	var out *Answer
	ended := false
	partial := ""
	for i := range frames {
		f := &frames[i]
		switch {
		case f.FrameType == "DataTable" && f.TableKind == primary:
			out = &Answer{}
			for _, c := range f.Columns {
				out.Columns = append(out.Columns, c.ColumnName)
			}
			for _, r := range f.Rows {
				if err := out.row(r); err != nil {
					return nil, err
				}
			}
		case f.FrameType == "DataSetCompletion":
			if ended = true; f.HasErrors || f.Cancelled {
				partial = said(f.Errors)
			}
		}
	}
	switch {
	case out == nil:
		return nil, fmt.Errorf("reading an answer: %w", ErrNoAnswer)
	case partial != "":
		out.Partial = partial
	case !ended && out.Partial == "":
		out.Partial = "the answer has no end"
	}
	return out, out.check()
}

// row takes a row, or the errors that stand where one is expected.
func (a *Answer) row(text json.RawMessage) error {
	if bytes.HasPrefix(text, []byte("{")) {
		var e struct {
			Errors []oneError `json:"OneApiErrors"`
		}
		if err := json.Unmarshal(text, &e); err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		a.Partial = said(e.Errors)
		return nil
	}
	var r []json.RawMessage
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("reading an answer: a row: %w", err)
	}
	a.Rows = append(a.Rows, r)
	return nil
}

// check holds the rows against the columns.
func (a *Answer) check() error {
	for i, r := range a.Rows {
		if len(r) != len(a.Columns) {
			return fmt.Errorf("reading an answer: row %d has %d values for %d columns", i+1, len(r), len(a.Columns))
		}
	}
	return nil
}
