// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll writes down what a stream holds: "line:operation", or "line!" and an error.
func readAll(t testing.TB, in io.Reader) (what []string, r *Reader) {
	t.Helper()
	r, err := NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := r.Next()
		var line *LineError
		switch {
		case errors.Is(err, io.EOF):
			return what, r
		case errors.As(err, &line):
			what = append(what, fmt.Sprintf("%d! %v", line.Line, line.Err))
		case err != nil:
			return append(what, err.Error()), r
		default:
			what = append(what, fmt.Sprintf("%d:%s", r.Line(), e.Operation))
		}
	}
}

func op(name string) string { return `{"category":"AuditEvent","operationName":"` + name + `"}` }

func TestReaderFramings(t *testing.T) {
	pretty := "{\n  \"category\": \"AuditEvent\",\n  \"operationName\": \"%s\"\n}"
	for name, c := range map[string]struct{ in, want string }{
		"empty":                    {"", ""},
		"blank":                    {" \n\r\n ", ""},
		"lines":                    {op("A") + "\n\n" + op("B") + "\r\n" + op("C"), "1:A 3:B 4:C"},
		"byte order mark":          {"\xef\xbb\xbf" + op("A") + "\n" + op("B"), "1:A 2:B"},
		"batch":                    {`{"records":[` + op("A") + `,` + op("B") + `]}`, "1:A 1:B"},
		"batches":                  {`{"records": [` + op("A") + "]}\n{ \"records\" :[" + op("B") + `]}`, "1:A 2:B"},
		"page":                     {"{\"value\":[\n" + op("A") + ",\n" + op("B") + "],\n\"nextLink\":\"https://x/?a=\\\"]\",\"n\":1}\n", "2:A 3:B"},
		"list":                     {"[\n" + op("A") + ",\n" + op("B") + "\n]", "2:A 3:B"},
		"empty list":               {"[]", ""},
		"objects over many lines":  {fmt.Sprintf(pretty, "A") + "\n" + fmt.Sprintf(pretty, "B"), "1:A 5:B"},
		"list over many lines":     {"[" + fmt.Sprintf(pretty, "A") + "]", "1:A"},
		"batch over many lines":    {"{\n\"records\"\n:\n[\n" + op("A") + "\n]\n}", "5:A"},
		"mark before a list":       {"\xef\xbb\xbf[" + op("A") + "]", "1:A"},
		"braces in text":           {`[{"operationName":"}\"{\\"}]`, `1:}"{\`},
		"fault in a line":          {op("A") + "\n{\"a\":}\n" + op("B"), "1:A 2! byte 6: no JSON value 3:B"},
		"no object in a line":      {op("A") + "\n[1]\n" + op("B"), "1:A 2! byte 1: the entry is no JSON object 3:B"},
		"fault in a list":          {"[" + op("A") + ",\n{\"a\":},\nmoon " + op("B") + "\n" + op("C") + "]", "1:A 2! byte 6: no JSON value 3! expected a JSON object 4:C"},
		"no list of records":       {`{"records":5}`, "1:"},
		"records without a colon":  {`{"records"x[`, "1! byte 11: expected a colon behind the key"},
		"a value that is no list":  {`{"value":{"operationName":"A"}}`, "1:"},
		"records and no end":       {`{"records":`, ""},
		"end inside a list":        {"[" + op("A") + ",{\"a\":", "1:A"},
		"end inside a line":        {op("A") + "\n{\"category\":\"Audit", "1:A"},
		"end behind a list":        {`{"records":[` + op("A") + `],"next`, "1:A"},
		"word instead of a stream": {"[moon", "1! expected a JSON object"},
		"word in a line":           {"moon", "1! byte 1: the entry is no JSON object"},
	} {
		got, _ := readAll(t, strings.NewReader(c.in))
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %q, expected %q", name, text, c.want)
		}
		got, _ = readAll(t, iotest.OneByteReader(strings.NewReader(c.in)))
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s, byte by byte: %q, expected %q", name, text, c.want)
		}
	}
}

func TestReaderSaysThatTheEndIsMissing(t *testing.T) {
	for text, want := range map[string]bool{
		op("A"): false, op("A") + "\n": false, op("A") + "\n{\"a": true, "[" + op("A"): false, "[" + op("A") + ",{\"a": true, op("A") + "\n{]": false,
	} {
		if _, r := readAll(t, strings.NewReader(text)); r.Unfinished() != want {
			t.Errorf("%s: unfinished %v", text, r.Unfinished())
		}
	}
}

// endless is an entry without an end that is not held in memory.
type endless struct {
	head string
	left int64
	tail string
	r    io.Reader
}

func (e *endless) Read(b []byte) (int, error) {
	if e.r == nil {
		e.r = io.MultiReader(strings.NewReader(e.head), io.LimitReader(letters{}, e.left), strings.NewReader(e.tail))
	}
	return e.r.Read(b)
}

type letters struct{}

func (letters) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestReaderSkipsEntriesThatAreTooLong(t *testing.T) {
	const size = 3 * MaxEntry
	for name, c := range map[string]struct {
		in   endless
		want string
	}{
		"line":   {endless{head: op("A") + "\n{\"a\":\"", left: size, tail: "\"}\n" + op("B")}, "1:A 2! " + ErrTooLong.Error() + " 3:B"},
		"last":   {endless{head: op("A") + "\n{\"a\":\"", left: size}, "1:A 2! " + ErrTooLong.Error()},
		"object": {endless{head: "[" + op("A") + "\n,{\"a\":\"", left: size, tail: "\"}\n," + op("B")}, "1:A 2! " + ErrTooLong.Error() + " 3:B"},
		"word":   {endless{head: "[" + op("A") + ",", left: size, tail: "\n" + op("B")}, "1:A 1! " + errNoEntry.Error() + " 2:B"},
	} {
		got, r := readAll(t, &c.in)
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %q, expected %q", name, text, c.want)
		}
		if cap(r.buf) > 2*MaxEntry {
			t.Errorf("%s: %d bytes are held", name, cap(r.buf))
		}
	}
}

var errBroken = errors.New("the cable is out")

func TestReaderReturnsErrorsOfTheStream(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	for _, head := range []string{"", op("A") + "\n", op("A") + "\n{\"", "[" + op("A"), "[{\"a", "[moon", "{\"value\":[],\"a", op("A") + "\n" + long, op("A") + "\n" + strings.Repeat(long, 40), "[moon" + long} {
		r, err := NewReader(io.MultiReader(strings.NewReader(head), iotest.ErrReader(errBroken)))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if _, err = r.Next(); err != nil {
				break
			}
		}
		if !errors.Is(err, errBroken) {
			t.Errorf("%.20q: %v, expected %v", head, err, errBroken)
		}
		if _, again := r.Next(); !errors.Is(again, err) {
			t.Errorf("%.20q: then %v", head, again)
		}
	}
	fault := &LineError{7, errBroken}
	if fault.Error() != "line 7: the cable is out" || !errors.Is(fault, errBroken) {
		t.Error(fault)
	}
}

func TestIsLines(t *testing.T) {
	for head, want := range map[string]bool{
		"": true, op("A"): true, "\xef\xbb\xbf" + op("A"): true, "x": true, "[": false, " [": false, "{": true, "{\n": false, "{ \t\r\n": false, `{"records":[`: false, `{"records":{`: true,
	} {
		if got := IsLines([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(op("A") + "\n" + op("B")))
	f.Add([]byte(`{"records":[` + op("A") + `],"nextLink":"x"}`))
	f.Add([]byte("[" + op("A") + ",\n{\n}]moon\n"))
	f.Add([]byte("\xef\xbb\xbf{\"a\":\"\\\"}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, _ := readAll(t, bytes.NewReader(in))
		bytewise, _ := readAll(t, iotest.OneByteReader(bytes.NewReader(in)))
		if strings.Join(whole, "\n") != strings.Join(bytewise, "\n") {
			t.Errorf("%q, byte by byte %q", whole, bytewise)
		}
		if len(whole) > len(in) {
			t.Errorf("%d bytes give %d results", len(in), len(whole))
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, c := range entryTests {
		f.Add([]byte(c.text))
	}
	for _, text := range samples() {
		f.Add([]byte(text))
	}
	p, err := NewParser()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(bytes.TrimLeft(in, " \t\r\n")) > 0 {
			if err := compare(in); err != nil {
				t.Fatal(err)
			}
		}
		e, err := p.Parse(in)
		if err != nil {
			return
		}
		kept := e.Clone()
		if e.Use() && (len(e.Principal) == 0 || len(e.Action) == 0) {
			t.Errorf("a use without principal or action: %+v", tell(e))
		}
		if !bytes.Equal(e.Scope, fold(nil, e.Scope)) {
			t.Errorf("scope %q is not in lower case", e.Scope)
		}
		// Another entry in between changes nothing.
		if _, err := p.Parse([]byte(samples()[0])); err != nil {
			t.Fatal(err)
		}
		again, err := p.Parse(in)
		if err != nil || tell(again) != tell(kept) {
			t.Errorf("read again: %+v (%v), first %+v", tell(again), err, tell(kept))
		}
	})
}
