// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

func day(t testing.TB, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseSuppressions(t *testing.T) {
	const good = `environment: x
suppressions:
  - rule: broad-scope
    match: deployer*
    reason: deploys the landing zone
    owner: team-platform
    expires: 2027-01-31
`
	got, err := vet.ParseSuppressions(".mivet.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := []vet.Suppression{{
		Rule: "broad-scope", Match: "deployer*", Reason: "deploys the landing zone", Owner: "team-platform",
		Expires: day(t, "2027-01-31"), Source: mivet.Source{Origin: &mivet.Origin{File: ".mivet.yaml"}, Line: 3},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got, err := vet.ParseSuppressions("f", nil); err != nil || got != nil {
		t.Errorf("an empty file: %v, %v", got, err)
	}
	f := func(old, replacement, want string) {
		t.Helper()
		text := strings.Replace(good, old, replacement, 1)
		_, err := vet.ParseSuppressions(".mivet.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ".mivet.yaml") {
			t.Errorf("%q instead of %q: %v, want %q", replacement, old, err, want)
		}
	}
	f("    owner: team-platform\n", "", ".mivet.yaml:3: the suppression has no owner")
	f("    reason: deploys the landing zone\n", "", "no reason")
	f("    match: deployer*\n", "", "no match")
	f("rule: broad-scope", "rule: ''", "no rule")
	f("    expires: 2027-01-31\n", "", "no day on which it expires")
	f("2027-01-31", "soon", "write it as yyyy-mm-dd")
	f("owner:", "who:", `no key "who"`)
	f("suppressions:", "suppressions: [", "reading suppressions")
	f("- rule: broad-scope", "- text\n  - rule: broad-scope", "must have the keys")
}

func TestParseInline(t *testing.T) {
	const text = `# mivet:ignore broad-scope reason="it is ours" until=2027-01-31
# another comment
resource "azurerm_role_assignment" "owner" {
  role_definition_name = "Owner" // mivet:ignore shared-identity reason=x until=2027-02-01 owner=me
}
assign a Owner at s # want x  # mivet:ignore broad-scope reason=y until=2027-03-01
resource app 'Microsoft.Web/sites@2024-01-01' = { /* mivet:ignore other reason=z until=2027-04-01 */
`
	got, err := vet.ParseInline("main.tf", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	type short struct {
		Rule, Reason, Owner, Address string
		Line                         int
	}
	var have []short
	for _, s := range got {
		have = append(have, short{s.Rule, s.Reason, s.Owner, s.Address, s.Source.Line})
	}
	want := []short{
		{"broad-scope", "it is ours", "", "azurerm_role_assignment.owner", 3},
		{"shared-identity", "x", "me", "azurerm_role_assignment.owner", 4},
		{"broad-scope", "y", "", "", 6},
		{"other", "z", "", "app", 7},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
	f := func(line, want string) {
		t.Helper()
		_, err := vet.ParseInline("f.tf", strings.NewReader(line))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "f.tf:1: ") {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	f("# mivet:ignore Broad reason=x until=2027-01-01", "must name a rule")
	f("# mivet:ignore broad-scope", "needs a reason and a last day")
	f("# mivet:ignore broad-scope reason=x", "needs a reason and a last day")
	f("# mivet:ignore broad-scope reason=x until=never", "yyyy-mm-dd")
	f("# mivet:ignore broad-scope reason=x until=2027-01-01 who=me", `no word "who"`)
	f("# mivet:ignore broad-scope because", "cannot read")
}

// finder reports one finding about orders-api at line 7 of main.tf.
func finder() *vet.Rule {
	r := goodRule()
	r.Aliases = []string{"old-name"}
	r.Check = func(p *vet.Pass) error {
		p.Report(mivet.Finding{
			Severity: mivet.SeverityHigh, Message: "x",
			Subject: mivet.Subject{Name: "orders-api", Address: "azurerm_linux_web_app.orders"},
			Source:  mivet.Source{Origin: &mivet.Origin{File: "main.tf", Address: `module.shop.azurerm_linux_web_app.orders["a"]`}, Line: 7},
		})
		return nil
	}
	return r
}

func settled(t *testing.T, o vet.Options) *vet.Result {
	t.Helper()
	o.Catalog, o.Now = openCatalog(t), now
	res, err := vet.Run(&mivet.Snapshot{}, []*vet.Rule{finder()}, o)
	if err != nil {
		t.Fatal(err)
	}
	return &res.Rules[0]
}

func TestSuppressions(t *testing.T) {
	at := func(file string, line int) mivet.Source {
		return mivet.Source{Origin: &mivet.Origin{File: file}, Line: line}
	}
	f := func(want bool, s vet.Suppression) {
		t.Helper()
		if s.Rule == "" {
			s.Rule = "some-rule"
		}
		if s.Expires.IsZero() {
			s.Expires = day(t, "2026-12-31")
		}
		r := settled(t, vet.Options{Suppressions: []vet.Suppression{s}})
		if got := len(r.Suppressed) == 1 && len(r.Findings) == 0; got != want {
			t.Errorf("%+v: suppressed %v, want %v", s, got, want)
		}
	}
	digest := settled(t, vet.Options{}).Findings[0].Fingerprint
	f(true, vet.Suppression{Match: "orders-api"})
	f(true, vet.Suppression{Match: "ORDERS-*"})
	f(true, vet.Suppression{Match: "*"})
	f(true, vet.Suppression{Match: "azurerm_linux*orders"})
	f(true, vet.Suppression{Match: digest})
	f(true, vet.Suppression{Match: digest[:12]})
	f(true, vet.Suppression{Match: "*", Rule: "old-name"})
	f(false, vet.Suppression{Match: digest[:11]})
	f(false, vet.Suppression{Match: "orders"})
	f(false, vet.Suppression{Match: "*", Rule: "other"})
	f(false, vet.Suppression{Match: "*", Expires: day(t, "2026-11-29")})
	f(true, vet.Suppression{Match: "*", Expires: day(t, "2026-11-30")})  // the last day still counts
	f(false, vet.Suppression{Match: "*", Expires: day(t, "2027-11-30")}) // longer than 180 days
	f(true, vet.Suppression{Source: at("main.tf", 7)})
	f(false, vet.Suppression{Source: at("main.tf", 8)})
	f(false, vet.Suppression{Source: at("other.tf", 7)})
	f(true, vet.Suppression{Source: at("other.tf", 1), Address: "azurerm_linux_web_app.orders"})
	f(false, vet.Suppression{Source: at("other.tf", 1), Address: "azurerm_linux_web_app.other"})
	f(false, vet.Suppression{Source: at("other.tf", 1), Address: "web_app.orders"})
}

func TestBaselineAndDeadlines(t *testing.T) {
	digest := settled(t, vet.Options{}).Findings[0].Fingerprint
	seen := func(s string) *vet.Baseline { return &vet.Baseline{Seen: map[string]time.Time{digest: day(t, s)}} }
	type state struct {
		open, known int
		first, due  string
		advice      bool
	}
	f := func(o vet.Options, want state) {
		t.Helper()
		r := settled(t, o)
		got := state{open: len(r.Findings), known: len(r.Known)}
		for _, x := range append(r.Findings, r.Known...) {
			got.advice = x.Advice
			if !x.FirstSeen.IsZero() {
				got.first = x.FirstSeen.Format(time.DateOnly)
			}
			if !x.Due.IsZero() {
				got.due = x.Due.Format(time.DateOnly)
			}
		}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	f(vet.Options{}, state{open: 1})
	f(vet.Options{Baseline: &vet.Baseline{}}, state{open: 1, first: "2026-11-30", due: "2026-12-30"})
	f(vet.Options{Baseline: seen("2026-11-10")}, state{known: 1, first: "2026-11-10", due: "2026-12-10"})
	f(vet.Options{Baseline: seen("2026-10-01")}, state{open: 1, first: "2026-10-01", due: "2026-10-31"}) // overdue
	f(vet.Options{Baseline: seen("2026-10-01"), Policy: vet.Policy{Due: map[mivet.Severity]int{mivet.SeverityHigh: 100}}},
		state{known: 1, first: "2026-10-01", due: "2027-01-09"})
	f(vet.Options{Baseline: seen("2020-01-01"), Policy: vet.Policy{Due: map[mivet.Severity]int{mivet.SeverityHigh: 0}}},
		state{known: 1, first: "2020-01-01"}) // no deadline
	f(vet.Options{Policy: vet.Policy{Enforce: map[string]time.Time{"some-rule": day(t, "2026-12-01")}}}, state{open: 1, advice: true})
	f(vet.Options{Policy: vet.Policy{Enforce: map[string]time.Time{"some-rule": day(t, "2026-11-30")}}}, state{open: 1})
	f(vet.Options{Policy: vet.Policy{Enforce: map[string]time.Time{"other": day(t, "2026-12-01")}}}, state{open: 1})
}

func FuzzParseSuppressions(f *testing.F) {
	f.Add([]byte("suppressions:\n  - rule: a\n    match: b\n    reason: c\n    owner: d\n    expires: 2027-01-01\n"))
	f.Add([]byte("suppressions: {a: [&x *x]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := vet.ParseSuppressions("f", text)
		for _, s := range list {
			if s.Rule == "" || s.Match == "" || s.Reason == "" || s.Owner == "" || s.Expires.IsZero() {
				t.Errorf("an incomplete suppression: %+v (%v)", s, err)
			}
		}
	})
}

func FuzzParseInline(f *testing.F) {
	f.Add("# mivet:ignore broad-scope reason=\"x y\" until=2027-01-31\nresource \"a\" \"b\" {\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, _ := vet.ParseInline("f", strings.NewReader(text))
		for _, s := range list {
			if s.Rule == "" || s.Reason == "" || s.Expires.IsZero() || s.Source.Line < 1 {
				t.Errorf("an incomplete ignore: %+v", s)
			}
		}
	})
}
