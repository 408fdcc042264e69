// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// scanAll reads a text to its end and keeps all of it.
func scanAll(r io.Reader) ([]byte, error) {
	s := newScanner("in.json", r)
	k := kept{limit: 1 << 20}
	if err := s.copy(&k, everything); err != nil {
		return nil, err
	}
	return k.buf, s.finish()
}

func TestScanFaults(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := scanAll(strings.NewReader(text))
		if err == nil {
			t.Fatalf("%q was read", text)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
	f(``, "in.json: line 1, byte 0: the text ends")
	f("{\n \"a\": 1,\n}", "line 3, byte 11: expected '\"', found '}'")
	f(`{"a" 1}`, "byte 5: expected ':', found '1'")
	f(`{"a":1 "b":2}`, "byte 7: expected ',', found '\"'")
	f(`[1,]`, "byte 3: expected a value, found ']'")
	f(`[1`, "the text ends in the middle of a value; the file may be cut off")
	f(`"a`, "the text ends")
	f(`"a\`, "the text ends")
	f(`"a\u12`, "the text ends")
	f(`"a\ud800\`, "the text ends")
	f(`"a\x"`, `unknown escape \x`)
	f(`"a\u12g4"`, "four hexadecimal digits")
	f(`"a\ud800\u12g4"`, "four hexadecimal digits")
	f("\"a\nb\"", `control character '\n'`)
	f("\"a\x00b\"", "control character")
	f(`{} {}`, "byte 3: there is more text after the value, found '{'; the input must be one JSON value")
	f(`[tru]`, `"tru" is not a JSON value`)
	f(`[01]`, `"01" is not a JSON value`)
	f(`[1.]`, "is not a JSON value")
	f(`[1e+]`, "is not a JSON value")
	f(`[-]`, "is not a JSON value")
	f(`{"a":}`, "expected a value, found '}'")
	f(strings.Repeat("[", maxDepth+1), "nested deeper than 512")
	f(strings.Repeat("1", 2000), "longer than 1 KiB")
	f(`{"`+strings.Repeat("n", maxName+1)+`":1}`, "a member name is longer")
	f("Initializing the backend...\n{}", `"Initializing" is not a JSON value; the input must be one JSON value`)
}

func TestScanReaderFails(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := scanAll(io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("the cause is lost: %v", err)
	}
	_, err = scanAll(io.MultiReader(strings.NewReader(`{}`), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("a fault after the value is not told: %v", err)
	}
	_, err = scanAll(lazyReader{})
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that never gives anything: %v", err)
	}
}

type lazyReader struct{}

func (lazyReader) Read([]byte) (int, error) { return 0, nil }

func TestScanValues(t *testing.T) {
	f := func(text string) {
		t.Helper()
		got, err := scanAll(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		slow, err := scanAll(iotest.OneByteReader(strings.NewReader(text)))
		if err != nil || !bytes.Equal(got, slow) {
			t.Errorf("byte by byte %q gives %q, %v; else %q", text, slow, err, got)
		}
		var want, have any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &have); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if d := cmp.Diff(want, have); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
	f(` {"a" : [ 1 , -0.5e+3, true, false, null ] , "b" : { } , "c":[]}` + "\n\t ")
	f(`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 é \u0001"`)
	f(`"lone \ud800 and \ud800x and \udc00"`)
	f(`[["a",["b"]],{"a":{"a":{}}}]`)
}

func TestScanLines(t *testing.T) {
	s := newScanner("in.json", strings.NewReader("\n[\n1,\r\n\"a\\n\",\n{\n}]\n"))
	var lines []int
	err := s.array(func(int) error {
		s.peek()
		lines = append(lines, s.line)
		return s.skip()
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{3, 4, 5}, lines); d != "" {
		t.Error(d)
	}
}

func TestKeepOnlyAllowed(t *testing.T) {
	f := func(text, want string, paths ...string) {
		t.Helper()
		s := newScanner("in.json", strings.NewReader(text))
		k := kept{limit: 1 << 10}
		if err := s.copy(&k, newFields(paths...)); err != nil {
			t.Fatal(err)
		}
		if got := string(k.buf); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(`{"secret":"x","id":"1","site":[{"password":"y","kind":"k"},{"kind":"l"}],"tags":{"a":{"b":1}}}`,
		`{"id":"1","site":[{"kind":"k"},{"kind":"l"}],"tags":{"a":{"b":1}}}`, "id", "site.kind", "tags")
	f(`{"a":"plain","a":{"b":1,"c":2}}`, `{"a":"plain","a":{"b":1}}`, "a.b")
	f(`{"x":1}`, `{}`, "id")
	f(`[]`, `[]`, "id")
}

func TestKeepJSONInText(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		list := newFields("id")
		list.add("body").text = true
		list.kids["body"].all = false
		list.kids["body"].add("properties.principalId")
		s := newScanner("in.json", strings.NewReader(text))
		k := kept{limit: 1 << 10}
		if err := s.copy(&k, list); err != nil {
			t.Fatal(err)
		}
		if got := string(k.buf); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(`{"body":"{\"properties\":{\"principalId\":\"p\",\"key\":\"secret\"}}","id":"1"}`, `{"body":{"properties":{"principalId":"p"}},"id":"1"}`)
	f(`{"body":{"properties":{"principalId":"p","key":"secret"}}}`, `{"body":{"properties":{"principalId":"p"}}}`)
	f(`{"body":{"value":{"properties":{"principalId":"p","key":"secret"}},"type":["object",{"properties":["object",{"principalId":"string"}]}]}}`, `{"body":{"properties":{"principalId":"p"}}}`)
	f(`{"body":{"type":["object",{}],"properties":{"principalId":"q"},"value":{"properties":{"principalId":"p"}},"properties":{}},"id":"1"}`, `{"body":{"properties":{"principalId":"p"}},"id":"1"}`)
	f(`{"body":{"value":null,"type":"dynamic"}}`, `{"body":{}}`)
	f(`{"body":"not JSON"}`, `{"body":null}`)
	f(`{"body":"{\"properties\":"}`, `{"body":null}`)
}

func TestKeepLimit(t *testing.T) {
	s := newScanner("in.json", strings.NewReader(`{"a":"`+strings.Repeat("x", 100)+`","b":[1,2]}`))
	k := kept{limit: 50}
	if err := s.copy(&k, newFields("a", "b")); err != nil {
		t.Fatal(err)
	}
	if !k.over || k.value(0) != nil {
		t.Errorf("over %v, value %s", k.over, k.value(0))
	}
	if err := s.finish(); err != nil {
		t.Error(err)
	}
}

// FuzzScanner compares the scanner with encoding/json: the same texts are valid, and what
// is kept means the same.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{}`, `[1,{"a":"b\u00e9"}]`, `"\ud800"`, `-1.5e3`, `{"a":1,}`, "\xff", `"` + "\xff" + `"`, `[[[]]]`, ` null `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := scanAll(bytes.NewReader(text))
		var bad *Error
		if errors.As(err, &bad) && (strings.Contains(bad.Reason, "nested deeper") || strings.Contains(bad.Reason, "longer than")) {
			return
		}
		if valid := json.Valid(text); valid != (err == nil) {
			t.Fatalf("valid %v, but %v", valid, err)
		}
		if err != nil {
			return
		}
		var want, have any
		if json.Unmarshal(text, &want) != nil {
			return // a number out of range
		}
		if err := json.Unmarshal(got, &have); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, have); d != "" {
			t.Error(d)
		}
	})
}
