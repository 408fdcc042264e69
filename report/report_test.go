// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/report"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

var now = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

var catalogOnce = sync.OnceValues(catalog.Open)

func openCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalogOnce()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// scan runs all rules over a tenant of testdata.
func scan(t testing.TB, file string) *vet.Results {
	t.Helper()
	c := openCatalog(t)
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Parse(file, bytes.NewReader(text), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if d := c.RoleByName(name); d != nil {
			return d.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := vet.Run(s, rules.All(), vet.Options{Catalog: c, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func send(t testing.TB, h report.Handler, r *vet.Results) {
	t.Helper()
	if err := report.Send(h, r, report.Options{Version: "0.0.0-test", Catalog: openCatalog(t)}); err != nil {
		t.Fatal(err)
	}
}

// golden compares with a file of testdata, or writes it when MIVET_UPDATE is set.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if os.Getenv("MIVET_UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (MIVET_UPDATE=1 go test ./report writes it anew):\n%s", path, d)
	}
}

func TestText(t *testing.T) {
	for _, name := range []string{"shop", "clean", "blind"} {
		var b bytes.Buffer
		send(t, report.NewText(&b, report.TextOptions{Undecided: name == "blind"}), scan(t, name+".tenant"))
		golden(t, name+".txt", b.Bytes())
	}
}

// Every finding has at most MaxLines lines, at any width, and says everything that
// somebody who acts on it needs.
func TestTextIsShort(t *testing.T) {
	for _, width := range []int{40, 80, 100, 200} {
		var b bytes.Buffer
		send(t, report.NewText(&b, report.TextOptions{Width: width}), scan(t, "shop.tenant"))
		for block := range strings.SplitSeq(b.String(), "\n\n") {
			if !strings.Contains(block, "\n  what ") {
				continue
			}
			alone, _, _ := strings.Cut(block, "\n  and ") // others that the same fix removes
			lines := strings.Split(strings.TrimSpace(alone), "\n")
			if len(lines) > report.MaxLines {
				t.Errorf("width %d: a finding has %d lines:\n%s", width, len(lines), block)
			}
			for _, label := range []string{"what", "because", "leads to", "fix", "run"} {
				if !strings.Contains(block, "\n  "+label+" ") {
					t.Errorf("width %d: a finding lacks %q:\n%s", width, label, block)
				}
			}
		}
	}
}

// A text of very many findings is not read: the first ones are shown, and the others are
// counted, never left out silently.
func TestTextSaysWhatItLeavesOut(t *testing.T) {
	r := scan(t, "shop.tenant")
	total := len(r.Findings())
	show := func(n int) string {
		var b bytes.Buffer
		send(t, report.NewText(&b, report.TextOptions{Findings: n}), r)
		return b.String()
	}
	shown := func(text string) int { return strings.Count(text, "\n  what ") + strings.Count(text, "\n  and   ") }
	all := show(-1)
	if got := shown(all); got != total || strings.Contains(all, "not shown") {
		t.Errorf("all: %d of %d findings are shown:\n%s", got, total, all)
	}
	if all != show(0) || all != show(total) {
		t.Errorf("%d findings are cut", total)
	}
	for n := 1; n < total; n++ {
		text := show(n)
		more := vet.Count(total-n, "finding") + " more are not shown: --all"
		if total-n == 1 {
			more = "1 finding more is not shown: --all"
		}
		if got := shown(text); got != n || !strings.Contains(text, more) {
			t.Errorf("%d of %d: %d findings are shown, and the text must say %q:\n%s", n, total, got, more, text)
		}
	}
}

// What many findings have in common is said once: a person reads the first of them, and how
// many more the same fix removes.
func TestTextOfOneFixForMany(t *testing.T) {
	r := &vet.Results{Rules: []vet.Result{{Rule: &vet.Rule{ID: "some-rule"}}}}
	a := &mivet.RoleAssignment{Principal: "p", RoleName: "Owner"}
	for i := range 20 {
		r.Rules[0].Findings = append(r.Rules[0].Findings, mivet.Finding{
			Rule: "some-rule", Fingerprint: strings.Repeat(string(rune('a'+i)), 32), Severity: mivet.SeverityHigh, Message: "it is wrong",
			Fix: mivet.Fix{Summary: "take it", Edits: []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: a}}},
		})
	}
	f := func(findings, want int, more string) {
		t.Helper()
		var b bytes.Buffer
		send(t, report.NewText(&b, report.TextOptions{Findings: findings}), r)
		if got := strings.Count(b.String(), "it is wrong"); got != want || !strings.Contains(b.String(), more) {
			t.Errorf("%d findings are shown, want %d and %q:\n%s", got, want, more, &b)
		}
	}
	f(0, 6, "and 14 findings more that this fix removes (--all lists them)")
	f(0, 6, "14 findings more are not shown: --all lists every one")
	f(3, 3, "and 17 findings more that this fix removes")
	f(-1, 20, "More about a rule")
}

func TestColorRepeatsWords(t *testing.T) {
	var plain, colored bytes.Buffer
	r := scan(t, "shop.tenant")
	send(t, report.NewText(&plain, report.TextOptions{}), r)
	send(t, report.NewText(&colored, report.TextOptions{Color: true}), r)
	if plain.String() == colored.String() {
		t.Error("colour changes nothing")
	}
	if strings.Contains(plain.String(), "\x1b") {
		t.Error("escape sequences without colour")
	}
	bare := colored.String()
	for _, code := range []string{"\x1b[1;31m", "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[0m"} {
		bare = strings.ReplaceAll(bare, code, "")
	}
	if d := cmp.Diff(plain.String(), bare); d != "" {
		t.Errorf("colour changes more than colour: %s", d)
	}
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestWriteErrorsAreReturned(t *testing.T) {
	r := scan(t, "shop.tenant")
	for _, n := range []int{0, 100, 2000} {
		for name, h := range map[string]report.Handler{
			"text": report.NewText(&failing{n}, report.TextOptions{}), "json": report.NewJSON(&failing{n}),
		} {
			if err := report.Send(h, r, report.Options{}); err == nil || !strings.Contains(err.Error(), "disk full") {
				t.Errorf("%s after %d bytes: %v", name, n, err)
			}
		}
	}
}

// A reason for which much is not decided is said once, with the kinds of facts; questions
// that differ in nothing else are one.
func TestUndecidedIsSaidOnce(t *testing.T) {
	var b bytes.Buffer
	send(t, report.NewText(&b, report.TextOptions{Undecided: true}), scan(t, "plan.tenant"))
	golden(t, "plan.txt", b.Bytes())
	if n := strings.Count(b.String(), "a plan holds only what it manages"); n != 2 { // the sum, and the list
		t.Errorf("the reason is said %d times", n)
	}
}

// Where there is nothing to look at, what an input of its kind never holds is no news.
func TestNothingToLookAt(t *testing.T) {
	var b bytes.Buffer
	send(t, report.NewText(&b, report.TextOptions{Undecided: true}), scan(t, "empty.tenant"))
	if !strings.Contains(b.String(), "Not decided: nothing;") {
		t.Errorf("an empty plan leaves questions:\n%s", b.String())
	}
}

// A finding always says a fact, however little room there is.
func TestEvidenceIsNeverLeftOut(t *testing.T) {
	long := strings.Repeat("a long name ", 12)
	fact := func(s string) mivet.Evidence { return mivet.Evidence{Kind: mivet.Configured, Fact: s + " " + long} }
	f := &report.FindingMessage{State: report.Open, Finding: &mivet.Finding{
		Rule: "r", Severity: mivet.SeverityHigh, Fingerprint: "0123456789ab", Message: long + long, Consequence: long + long,
		Evidence: []mivet.Evidence{fact("the first"), fact("the second"), fact("the third")},
		Fix:      mivet.Fix{Summary: long + long, Check: long + long, Command: "one\ntwo\nthree"},
	}}
	for _, width := range []int{60, 80, 100} {
		var b bytes.Buffer
		h := report.NewText(&b, report.TextOptions{Width: width})
		for _, m := range []report.Message{&report.Run{}, f, &report.Summary{Findings: map[mivet.Severity]int{mivet.SeverityHigh: 1}}} {
			if err := h.Handle(m); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.Contains(b.String(), "because   the first") || !strings.Contains(b.String(), "and 2 facts more") {
			t.Errorf("width %d: the evidence is left out:\n%s", width, b.String())
		}
	}
}
