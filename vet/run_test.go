// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
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

func parse(t testing.TB, text string) *mivet.Snapshot {
	t.Helper()
	c := openCatalog(t)
	s, err := tenant.Parse("t.tenant", strings.NewReader("tenant t taken=2026-11-20\n"+text), tenant.Options{
		Role: func(name string) (mivet.RoleID, bool) {
			if d := c.RoleByName(name); d != nil {
				return d.ID, true
			}
			return "", false
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs one check as a rule.
func run(t testing.TB, s *mivet.Snapshot, check func(*vet.Pass) error) *vet.Result {
	t.Helper()
	r := goodRule()
	r.Check = check
	res, err := vet.Run(s, []*vet.Rule{r}, vet.Options{Catalog: openCatalog(t), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return &res.Rules[0]
}

func id(t testing.TB, s string) arm.ID {
	t.Helper()
	v, err := arm.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOutcomes(t *testing.T) {
	f := func(want vet.Outcome, text string, check func(*vet.Pass) error) {
		t.Helper()
		if got := run(t, parse(t, text), check).Outcome(); got != want {
			t.Errorf("outcome %s, want %s", got, want)
		}
	}
	none := func(*vet.Pass) error { return nil }
	pass := func(p *vet.Pass) error { p.Pass(); return nil }
	find := func(p *vet.Pass) error { p.Report(mivet.Finding{Message: "x"}); return nil }
	const gap = `gap "role assignments" reason=locked`
	f(vet.NotApplicable, "", none)
	f(vet.Passed, "", pass)
	f(vet.Found, "", find)
	f(vet.NotAssessed, gap, none)
	f(vet.NotAssessed, gap, pass)
	f(vet.Found, gap, find)
	f(vet.Passed, `gap locks reason=locked`, pass) // not needed
	const plan = `gap "role assignments" reason="a plan holds only what it manages" inherent`
	f(vet.NotApplicable, plan, none) // there was nothing to look at
	f(vet.NotAssessed, plan, pass)
	f(vet.Found, plan, find)
	f(vet.Failed, gap, func(p *vet.Pass) error { p.Pass(); return errors.New("broken") })
}

func TestOutcomeText(t *testing.T) {
	for o := vet.NotApplicable; o <= vet.Failed; o++ {
		b, err := o.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back vet.Outcome
		if err := back.UnmarshalText(b); err != nil || back != o {
			t.Errorf("%s is read back as %s: %v", o, back, err)
		}
	}
	var o vet.Outcome
	if o.UnmarshalText([]byte("fine")) == nil {
		t.Error("an outcome that does not exist is accepted")
	}
}

func TestFindingsAreOrderedAndJoined(t *testing.T) {
	at := func(line int) mivet.Source { return mivet.Source{Origin: &mivet.Origin{File: "f"}, Line: line} }
	fact := func(s string) []mivet.Evidence { return []mivet.Evidence{{Kind: mivet.Configured, Fact: s}} }
	res := run(t, parse(t, ""), func(p *vet.Pass) error {
		p.Report(mivet.Finding{Subject: mivet.Subject{Address: "b"}, Source: at(1), Evidence: fact("one")})
		p.Report(mivet.Finding{Subject: mivet.Subject{Address: "a"}, Source: at(9), Discriminator: "x", Evidence: fact("two")})
		p.Report(mivet.Finding{Subject: mivet.Subject{Address: "a"}, Source: at(2), Discriminator: "y", Evidence: fact("three")})
		p.Report(mivet.Finding{Subject: mivet.Subject{Address: "b"}, Source: at(3), Evidence: append(fact("one"), fact("four")...)})
		return nil
	})
	var got []string
	for _, f := range res.Findings {
		var line strings.Builder
		line.WriteString(f.Subject.Address + f.Discriminator)
		for _, e := range f.Evidence {
			line.WriteString(" " + e.Fact)
		}
		got = append(got, line.String())
		if f.Rule != "some-rule" || f.Severity != mivet.SeverityLow || len(f.Fingerprint) != 32 {
			t.Errorf("the driver did not complete %+v", f)
		}
	}
	if d := cmp.Diff([]string{"ay three", "ax two", "b one four"}, got); d != "" {
		t.Error(d)
	}
}

func TestFingerprint(t *testing.T) {
	a := mivet.Subject{Resource: id(t, "/subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/a")}
	b := mivet.Subject{Resource: id(t, "/subscriptions/S/resourcegroups/R/providers/microsoft.web/sites/A"), Name: "another name"}
	if vet.Fingerprint("x", a, "d") != vet.Fingerprint("x", b, "d") {
		t.Error("spelling or name of the subject changes the fingerprint")
	}
	for _, other := range []string{
		vet.Fingerprint("y", a, "d"), vet.Fingerprint("x", a, "e"), vet.Fingerprint("x", mivet.Subject{Address: "a"}, "d"),
	} {
		if other == vet.Fingerprint("x", a, "d") {
			t.Error("different findings have the same fingerprint")
		}
	}
}

func TestGapsAreSaidOnce(t *testing.T) {
	s := parse(t, "subscription a\nsubscription b\ngap \"role assignments\" at a reason=one permission=p\ngap \"role assignments\" at b reason=two permission=p\n")
	res := run(t, s, func(p *vet.Pass) error {
		g := p.Gap(mivet.FactRoleAssignments, s.Subscriptions[0].ID)
		if g == nil {
			return errors.New("no gap at a")
		}
		p.Blocked(mivet.Subject{Name: "special"}, g)
		return nil
	})
	if res.Err != nil || len(res.Undecided) != 2 {
		t.Fatalf("got %v and %+v, want one statement a gap", res.Err, res.Undecided)
	}
	wants := (&vet.Results{Rules: []vet.Result{*res}}).Wanted()
	if len(wants) != 1 || wants[0].Permission != "p" || wants[0].Decides != 2 {
		t.Errorf("wanted: %+v", wants)
	}
}

func TestGapScopes(t *testing.T) {
	s := parse(t, "subscription a\nrg r in a\nsubscription b\ngap resources at r reason=x\ngap principals subject=p reason=y\ngap locks reason=z\n")
	run(t, s, func(p *vet.Pass) error {
		a, b := s.Subscriptions[0].ID, s.Subscriptions[1].ID
		f := func(what string, got *mivet.Gap, want bool) {
			t.Helper()
			if (got != nil) != want {
				t.Errorf("%s: %v", what, got)
			}
		}
		f("a gap below the scope", p.Gap(mivet.FactResources, a), true)
		f("a gap elsewhere", p.Gap(mivet.FactResources, b), false)
		f("a gap below, asked for everything", p.Gap(mivet.FactResources, arm.ID{}), true)
		f("a gap in the tenant", p.Gap(mivet.FactLocks, b), true)
		f("a gap about a subject is none of a scope", p.Gap(mivet.FactPrincipals, a), false)
		f("a gap about that subject", p.GapAbout(mivet.FactPrincipals, "p"), true)
		f("a gap about another", p.GapAbout(mivet.FactPrincipals, "q"), false)
		f("a gap in the tenant concerns everybody", p.GapAbout(mivet.FactLocks, "q"), true)
		f("no gap", p.GapAbout(mivet.FactDelegations, "q"), false)
		return nil
	})
}

func TestRunRefuses(t *testing.T) {
	if _, err := vet.Run(&mivet.Snapshot{}, []*vet.Rule{goodRule()}, vet.Options{}); err == nil {
		t.Error("no catalogue is no error")
	}
	bad := goodRule()
	bad.Doc = ""
	if _, err := vet.Run(&mivet.Snapshot{}, []*vet.Rule{bad}, vet.Options{Catalog: openCatalog(t)}); err == nil {
		t.Error("a rule without a page runs")
	}
}
