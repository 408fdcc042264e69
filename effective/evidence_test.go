// SPDX-License-Identifier: Apache-2.0

package effective_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
)

func TestWeigh(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	says := func(kind mivet.EvidenceKind, n int, principals string) effective.Statement {
		s := effective.Statement{Kind: kind, Fact: principals}
		if n > 0 {
			s.At = day(n)
		}
		for p := range strings.FieldsSeq(principals) {
			s.Principals = append(s.Principals, mivet.PrincipalID(p))
		}
		return s
	}
	f := func(changed int, want string, list ...effective.Statement) {
		t.Helper()
		var at time.Time
		if changed > 0 {
			at = day(changed)
		}
		e := effective.Weigh(list, at, "r2")
		var got []string
		for _, s := range e.Statements {
			got = append(got, string(s.Age))
			if s.Why == "" {
				t.Errorf("%+v has no reason", s)
			}
		}
		for _, d := range e.Disagreements {
			word := "maybe"
			if d.Sure {
				word = "disagree"
			}
			got = append(got, word)
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%s, want %s", text, want)
		}
	}
	f(5, "fresh, fresh", says(mivet.Configured, 6, "a b"), says(mivet.Observed, 7, "b"))
	f(5, "fresh, fresh, disagree", says(mivet.Configured, 6, "a b"), says(mivet.Attested, 7, "c"))
	f(5, "stale, fresh", says(mivet.Observed, 4, "c"), says(mivet.Predicted, 6, "a"))
	f(0, "age unknown, age unknown, maybe", says(mivet.Observed, 4, "c"), says(mivet.Predicted, 6, "a"))
	f(5, "age unknown, fresh, maybe", says(mivet.Observed, 0, "c"), says(mivet.Predicted, 6, "a"))
	old := says(mivet.Attested, 9, "c")
	old.Revision = "r1"
	f(5, "fresh, stale", says(mivet.Predicted, 6, "a"), old)
	old.Revision = "r2"
	f(5, "fresh, fresh, disagree", says(mivet.Predicted, 6, "a"), old)
}

func TestStatements(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	w := carrier(t, "Microsoft.Compute/virtualMachines", "sys one")
	all := w.Statements(consumers(t, w, "", ""), at)
	if len(all) != 2 || all[0].Kind != mivet.Configured || len(all[0].Principals) != 2 || all[1].Kind != mivet.Predicted || all[1].Principals[0] != "principal-sys" {
		t.Errorf("%+v", all)
	}
	w = carrier(t, "Microsoft.KeyVault/vaults", "")
	if all := w.Statements(consumers(t, w, "", ""), at); len(all) != 0 {
		t.Errorf("a vault: %+v", all)
	}
}

func TestPresenter(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }
	f := func(changed time.Time, want mivet.PrincipalID, kind mivet.EvidenceKind, list ...effective.Statement) {
		t.Helper()
		got, s := effective.Weigh(list, changed, "").Presenter()
		if got != want || (s == nil) != (want == "") || s != nil && s.Kind != kind {
			t.Errorf("%q by %+v, want %q by %s", got, s, want, kind)
		}
	}
	one := func(k mivet.EvidenceKind, day int, ids ...mivet.PrincipalID) effective.Statement {
		return effective.Statement{Kind: k, Principals: ids, At: at(day)}
	}
	f(at(1), "", "")
	f(at(1), "a", mivet.Predicted, one(mivet.Configured, 2, "a", "b"), one(mivet.Predicted, 2, "a"))
	f(at(1), "a", mivet.Attested, one(mivet.Configured, 2, "a", "b"), one(mivet.Observed, 4, "a"), one(mivet.Attested, 3, "a"))
	f(at(3), "b", mivet.Observed, one(mivet.Attested, 2, "a"), one(mivet.Observed, 4, "a"), one(mivet.Observed, 5, "b"))
	f(at(1), "", "", one(mivet.Configured, 2, "a", "b"), one(mivet.Observed, 2, "c"))
	f(time.Time{}, "c", mivet.Observed, one(mivet.Predicted, 2, "a"), one(mivet.Observed, 2, "c"))
	f(at(1), "", "", one(mivet.Configured, 2, "a", "b"))
}
