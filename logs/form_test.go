// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// same holds a parser that has seen other entries to one that has seen none: the paths must
// not change what an entry says.
func same(used *Parser, text []byte) error {
	fresh, err := NewParser()
	if err != nil {
		return err
	}
	want, wantErr := fresh.Parse(text)
	got, gotErr := used.Parse(text)
	if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
		return fmt.Errorf("error %v, expected %v", gotErr, wantErr) //nolint:errorlint // both are shown
	}
	if wantErr == nil && fmt.Sprint(*got) != fmt.Sprint(*want) {
		return fmt.Errorf("%+v\nexpected\n%+v", tell(got), tell(want))
	}
	if err := sameScan(&used.s, &fresh.s); wantErr == nil && err != nil {
		return err
	}
	return nil
}

func sameScan(a, b *scanner) error {
	if a.seen != b.seen || a.nGrants != b.nGrants {
		return fmt.Errorf("slots %b and %d grants, expected %b and %d", a.seen, a.nGrants, b.seen, b.nGrants)
	}
	for n := slotNone + 1; n < numSlots; n++ {
		if !bytes.Equal(a.get(n), b.get(n)) {
			return fmt.Errorf("slot %d: %q, expected %q", n, a.get(n), b.get(n))
		}
	}
	for i := range a.nGrants {
		if fmt.Sprint(a.grants[i]) != fmt.Sprint(b.grants[i]) {
			return fmt.Errorf("grant %d: %v, expected %v", i, a.grants[i], b.grants[i])
		}
	}
	return nil
}

func TestFormsAgainstScanner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := NewParser()
		must(err)
		for range rapid.IntRange(1, 3).Draw(t, "entries") {
			text := document(t, inEntry, 0)
			if rapid.Bool().Draw(t, "one line") {
				text = strings.ReplaceAll(text, "\n", " ")
			}
			for _, variant := range variants(t, text) {
				if err := same(p, []byte(variant)); err != nil {
					t.Fatalf("%q\n%v", variant, err)
				}
			}
		}
	})
}

// variants are the text, the text again, and texts that are alike in most places.
func variants(t *rapid.T, text string) []string {
	out := []string{text, text, text + "\n" + text, text + " \r\n", text + ","}
	i := rapid.IntRange(0, len(text)-1).Draw(t, "place")
	for _, with := range []string{"", `"`, `\`, "{", "}", "[", "]", ",", ":", "1", "null", "true", "\n", "\x01", "\xff", `"x"`, `"{}"`, `{"action":"a"}`} {
		out = append(out, text[:i]+with+text[i:], text[:i]+with+text[i+1:])
	}
	for _, swap := range [][2]string{{"true", "null"}, {"0", "null"}, {"null", "403"}, {`"a"`, `"{\"value\":\"x\"}"`}, {`"Success"`, `""`}, {"{}", `{"action":"b"}`}} {
		out = append(out, strings.Replace(text, swap[0], swap[1], 1))
	}
	return append(out, text)
}

// Values that never change are read in runs, until they do.
func TestRunsAgainstScanner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := NewParser()
		must(err)
		texts := []string{strings.ReplaceAll(document(t, inEntry, 0), "\n", " "), strings.ReplaceAll(document(t, inEntry, 1), "\n", " ")}
		accustom(p, texts...)
		for _, text := range append(variants(t, texts[0]), variants(t, texts[1])...) {
			if err := same(p, []byte(text)); err != nil {
				t.Fatalf("%q\n%v", text, err)
			}
		}
	})
}

// accustom reads entries until their values are joined.
func accustom(p *Parser, texts ...string) {
	for range 2 * joinAfter {
		for _, text := range texts {
			_, _ = p.Parse([]byte(text)) // texts may be damaged
		}
	}
}

func runs(p *Parser) (n int) {
	for i := range p.forms.steps {
		if p.forms.steps[i].run != nil {
			n++
		}
	}
	return n
}

func TestRuns(t *testing.T) {
	p := newParser(t)
	accustom(p, samples()...)
	if n := runs(p); n < len(samples()) || n > 2*len(samples()) {
		t.Errorf("%d runs of entries that are always the same", n)
	}
	// What is different each time is not in a run; what is so now and then leaves it.
	p = newParser(t)
	other := func(i int) string {
		return strings.Replace(strings.Replace(samples()[0], "15:04.1234567", fmt.Sprintf("15:04.%07d", i), 1), "cdef0123", fmt.Sprintf("cdef%04d", i), 1)
	}
	for i := range 10 * joinAfter {
		if err := same(p, []byte(strings.Replace(other(i), `200,"requestUri"`, fmt.Sprintf(`%d,"requestUri"`, 200+i%50/49*203), 1))); err != nil {
			t.Fatal(err)
		}
	}
	if n := runs(p); n < 2 || n > 4 {
		t.Errorf("%d runs", n)
	}
	for i := range 4 * joinAfter {
		if err := same(p, []byte(strings.NewReplacer("SecretGet", fmt.Sprint("Secret", i), "TLS1_3", fmt.Sprint("TLS", i), "OK", fmt.Sprint("OK", i)).Replace(other(i)))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range p.forms.steps {
		if r := p.forms.steps[i].run; r != nil && strings.Contains(r.text, "SecretGet") {
			t.Errorf("a run that no entry goes along is kept: %s", r.text)
		}
	}
}

func FuzzForms(f *testing.F) {
	for _, text := range samples() {
		f.Add([]byte(text), []byte(strings.Replace(text, "200", "null", 1)))
	}
	for _, c := range entryTests {
		f.Add([]byte(c.text), []byte(c.text+"\n{}"))
	}
	f.Add([]byte(`{"authorization":[{},{"action":"a"}]}`), []byte(`{"authorization":[{},{"action":null}]}`))
	f.Add([]byte(`{"a":1}`), []byte(`{"a":1},"b":2}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		p := newParser(t)
		if len(a) < 1<<10 {
			accustom(p, string(a))
		}
		for _, text := range [][]byte{a, b, a, b} {
			if err := same(p, text); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Entries that differ in their values alone are read along one path.
func TestFormsAreShared(t *testing.T) {
	p := newParser(t)
	for _, text := range samples() {
		if _, err := p.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{text, strings.Replace(text, "10.20", "é", 1), strings.Replace(text, `"19"`, `"1\n9"`, 1), text + " \t\r\n", strings.Replace(text, "200", "null", 1)} {
			if !p.forms.along(&p.s, []byte(other)) {
				t.Errorf("left the path: %s", other)
			}
		}
		for _, other := range []string{text[1:], text[:len(text)-1], text + "x", strings.Replace(text, "200", `"200"`, 1), strings.Replace(text, "time", "Time", 1)} {
			if p.forms.along(&p.s, []byte(other)) {
				t.Errorf("is on the path: %s", other)
			}
		}
	}
	steps := len(p.forms.steps)
	for _, text := range samples() {
		if _, err := p.Parse([]byte(text)); err != nil || len(p.forms.steps) != steps {
			t.Errorf("%d steps (%v), expected %d", len(p.forms.steps), err, steps)
		}
	}
}

// The tree has bounds, and is made anew when what fills it is long gone.
func TestFormsAreBounded(t *testing.T) {
	p := newParser(t)
	parse := func(text string) {
		t.Helper()
		if err := same(p, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	parse(`{"a":[` + strings.Repeat("1,", maxMarks) + `1]}`)
	parse(`{"` + strings.Repeat("k", 1<<16) + `":1}`)
	parse(`{"identity":"{\"claim\":{\"oid\":\"x\"}}"}`)
	if p.forms.first != 0 {
		t.Errorf("%d steps of entries that make no path", len(p.forms.steps))
	}
	for i := range 2 * maxOthers {
		parse(fmt.Sprintf(`{"k%d":1,"time":"2026-11-02T08:15:04Z"}`, i))
	}
	if n := len(p.forms.steps); n != 1+3*(maxOthers+1) {
		t.Errorf("%d steps", n)
	}
	p = newParser(t)
	long := strings.Repeat("1,", maxMarks-1) + "1]}"
	for i := range maxOthers {
		parse(fmt.Sprintf(`{"k%d":[%s`, i, long))
	}
	full := len(p.forms.steps)
	if full+maxMarks < maxSteps {
		t.Fatalf("%d steps fill no tree of %d", full, maxSteps)
	}
	line := []byte(`{"x":[` + long)
	for range idleEntries {
		if _, err := p.Parse(line); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.forms.steps); n >= full {
		t.Errorf("%d steps, full at %d: it was not emptied", n, full)
	}
}

func TestLongEntries(t *testing.T) {
	p := newParser(t)
	for _, size := range []int{1, MaxEntry - 8, MaxEntry - 7} {
		text := `{"a":"` + strings.Repeat("x", size) + `"}`
		if _, err := p.Parse([]byte(text)); (err != nil) != (len(text) > MaxEntry) {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
}
