// SPDX-License-Identifier: Apache-2.0

package vettest

import (
	"errors"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/vet"
)

// noReader finds every assignment of Reader, and fixes nothing unless told how.
func noReader(fix func(*mivet.RoleAssignment) []mivet.Edit) *vet.Rule {
	return &vet.Rule{
		ID: "no-reader", Title: "Reader", Doc: page("no-reader"), Category: "test",
		Severity: mivet.SeverityLow, Class: "access-excess-role", Needs: []mivet.FactKind{mivet.FactRoleAssignments},
		Since: "0.1.0", Sources: []vet.Citation{{Title: "t", URL: "https://example.com/a", Read: "2026-01-01"}},
		Check: func(p *vet.Pass) error {
			for _, a := range p.Assignments() {
				if p.Role(a).Label != "Reader" {
					continue
				}
				p.Report(mivet.Finding{
					Subject: p.SubjectOf(a.Principal), Message: p.Name(a.Principal) + " reads", Source: a.Source,
					Evidence: []mivet.Evidence{{Kind: mivet.Configured, Fact: "it does", Source: a.Source}}, Consequence: "none",
					Discriminator: string(a.Scope.Key()), Fix: mivet.Fix{Summary: "stop it", Edits: fix(a), Command: "stop"},
				})
			}
			return nil
		},
	}
}

func page(id string) string {
	return "# " + id + "\n\nSummary.\n\n## Why it matters\n\nx\n\n## How to fix it\n\nx\n\n## When it is right\n\nx\n\n## Sources\n\nhttps://example.com/a\n"
}

func removal(a *mivet.RoleAssignment) []mivet.Edit {
	return []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: a}}
}

func nothing(*mivet.RoleAssignment) []mivet.Edit { return nil }

const head = "tenant t taken=2026-11-20\nsubscription s\nrg r in s\nwebapp a in r system\n"

func TestCheckFindsFaults(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	f := func(fix func(*mivet.RoleAssignment) []mivet.Edit, text string, want ...string) {
		t.Helper()
		c := newCheck(noReader(fix), cat, "x.tenant", head+text, "")
		if len(c.faults) != len(want) {
			t.Fatalf("faults:\n%s\nwant %d", strings.Join(c.faults, "\n"), len(want))
		}
		for i := range want {
			if !strings.Contains(c.faults[i], want[i]) {
				t.Errorf("fault %q does not contain %q", c.faults[i], want[i])
			}
		}
	}
	f(removal, "assign a Reader at r # want no-reader `^a reads$`\n")
	f(removal, "assign a Owner at r\n")
	f(removal, "assign a Reader at r\n", "x.tenant:5: unexpected: want no-reader `a reads`")
	f(removal, "assign a Reader at r # want no-reader `^b`\n", "unexpected", "x.tenant:5: no such finding")
	f(removal, "assign a Reader at r\nassign a Owner at r # want no-reader `a reads`\n", "x.tenant:5: unexpected", "x.tenant:6: no such finding")
	f(removal, "assign a Owner at r # want no-reader `a reads`\n", "no such finding")
	f(removal, "assign a Owner at r # want other `a reads`\n", "only no-reader is run here")
	f(removal, "assign a Owner at r # want no-reader a reads\n", "cannot read")
	f(removal, "assign a Owner at r # want no-reader `(`\n", "missing closing")
	f(removal, "nonsense\n", "nonsense")
	f(removal, "gap \"role assignments\" at s reason=locked # undecided no-reader `locked`\n")
	f(removal, "gap \"role assignments\" at s reason=locked\n", "unexpected: undecided")
	// A fix that leaves the finding, that cannot be applied, or that breaks an access test.
	f(func(a *mivet.RoleAssignment) []mivet.Edit {
		return []mivet.Edit{{Kind: mivet.EditDescribeAssignment, Assignment: a}}
	}, "assign a Reader at r # want no-reader `a reads`\n", "still found after its fix", "still found after its patch")
	f(func(a *mivet.RoleAssignment) []mivet.Edit {
		return []mivet.Edit{{Kind: mivet.EditDetachIdentity, Resource: a.Scope}}
	}, "assign a Reader at r # want no-reader `a reads`\n", "cannot be applied")
	f(removal, "assign a Reader at r # want no-reader `a reads`\ncan a Microsoft.Web/sites/read a control\n", "the fix of \"a reads\" breaks the access test at line 6", "the patch of")
}

// The rule of this test has tenants as every rule has them.
func TestRun(t *testing.T) { Run(t, []*vet.Rule{noReader(removal)}) }

func TestSettings(t *testing.T) {
	s := Settings()
	if got := s.Owners("testdata/r/owned.tenant"); got != "team-files" {
		t.Errorf("an owned file belongs to %q", got)
	}
	if got := s.Owners("testdata/owned/other.tenant"); got != "" {
		t.Errorf("another file belongs to %q", got)
	}
	if s.SubscriptionEnvironments["mapped-prod"] != "production" {
		t.Errorf("environments: %v", s.SubscriptionEnvironments)
	}
}

// A rule whose findings hang on the order of the facts is refused.
func TestOrderMatters(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	r := noReader(removal)
	r.Check = func(p *vet.Pass) error {
		a := &p.Snapshot.RoleAssignments[0]
		p.Report(mivet.Finding{
			Subject: mivet.Subject{Principal: a.Principal}, Message: "it is the first", Source: a.Source,
			Evidence: []mivet.Evidence{{Kind: mivet.Configured, Fact: "it is", Source: a.Source}}, Consequence: "none",
			Fix: mivet.Fix{Summary: "go back", Command: "back"},
		})
		return nil
	}
	c := newCheck(r, cat, "x.tenant", head+"assign a Reader at r # want no-reader `first`\nassign a Owner at r\n", "")
	if len(c.faults) != 1 || !strings.Contains(c.faults[0], "the order of facts changes what is found") {
		t.Errorf("faults: %q", c.faults)
	}
}

func TestIncompleteFinding(t *testing.T) {
	c := &check{rule: noReader(nothing)}
	c.complete(&mivet.Finding{Message: "It is wrong."})
	if got := strings.Join(c.faults, "\n"); len(c.faults) != 6 || !strings.Contains(got, "ends with a full stop") {
		t.Errorf("faults of a finding with nothing but a message:\n%s", got)
	}
}

func TestMissing(t *testing.T) {
	r := noReader(nothing)
	if got := missing(r, 1, 1, 1); len(got) != 0 {
		t.Errorf("complete tenants are refused: %q", got)
	}
	for _, n := range [][3]int{{0, 1, 0}, {1, 0, 1}, {1, 1, 0}} {
		if got := missing(r, n[0], n[1], n[2]); len(got) != 1 {
			t.Errorf("%v firing, silent, fixed: %q", n, got)
		}
	}
}

func TestFailingRule(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	r := noReader(nothing)
	r.Check = func(*vet.Pass) error { return errors.New("broken") }
	if c := newCheck(r, cat, "x.tenant", head, ""); len(c.faults) == 0 || !strings.Contains(c.faults[0], "broken") {
		t.Errorf("the error of a rule is lost: %q", c.faults)
	}
}
