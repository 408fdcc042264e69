// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
	"github.com/mivet/mivet/vet/vettest"
)

// results runs the suite over a tenant that is changed first.
func results(t *testing.T, text string, change func(*mivet.Snapshot)) *vet.Results {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Parse("t.tenant", strings.NewReader(text), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if d := cat.RoleByName(name); d != nil {
			return d.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	res, err := vet.Run(s, Suite(), vet.Options{Catalog: cat, Now: vettest.Now})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func ruleResult(t *testing.T, res *vet.Results, rule string) *vet.Result {
	t.Helper()
	for i := range res.Rules {
		if res.Rules[i].Rule.ID == rule {
			return &res.Rules[i]
		}
	}
	t.Fatalf("no result of %s", rule)
	return nil
}

const ownerTenant = `tenant shop taken=2026-11-20
subscription prod
rg orders in prod
webapp api in orders system
`

// What only unread facts could take away is found, with the severity of what was read, and
// says what was not read.
func TestUnreadDenyAssignments(t *testing.T) {
	f := func(role, rule string, want mivet.Severity) {
		t.Helper()
		res := results(t, ownerTenant+"gap \"deny assignments\" reason=\"a plan holds none\"\nassign api \""+role+"\" at prod\n", nil)
		fs := ruleResult(t, res, rule).Findings
		if len(fs) != 1 {
			t.Fatalf("%s, %s: %d findings", role, rule, len(fs))
		}
		if fs[0].Severity != want {
			t.Errorf("%s, %s: %s, want %s", role, rule, fs[0].Severity, want)
		}
		if !strings.Contains(fs[0].Consequence, "unless a deny assignment that was not read takes it away") {
			t.Errorf("%s, %s: the consequence does not say what was not read: %s", role, rule, fs[0].Consequence)
		}
		said := false
		for _, e := range fs[0].Evidence {
			said = said || strings.Contains(e.Fact, "a plan holds none")
		}
		if !said {
			t.Errorf("%s, %s: the evidence does not say why: %v", role, rule, fs[0].Evidence)
		}
	}
	for _, role := range []string{"Owner", "User Access Administrator", "Role Based Access Control Administrator"} {
		for _, rule := range []string{"broad-scope", "grants-itself", "privileged-workload"} {
			f(role, rule, mivet.SeverityCritical)
		}
	}
}

// A condition that the source does not list is said to be possible; one that is written and
// not known yet leaves the grant undecided.
func TestUnreadCondition(t *testing.T) {
	text := ownerTenant + "assign api \"Role Based Access Control Administrator\" at prod\n"
	unlisted := func(s *mivet.Snapshot) { s.RoleAssignments[0].ConditionUnknown = true }
	for _, rule := range []string{"broad-scope", "grants-itself", "privileged-workload"} {
		fs := ruleResult(t, results(t, text, unlisted), rule).Findings
		if len(fs) != 1 || !strings.Contains(fs[0].Consequence, "unless a condition that was not read takes it away") {
			t.Errorf("%s, not listed: %+v", rule, fs)
		}
		fs = ruleResult(t, results(t, text+"gap \"deny assignments\" reason=none\n", unlisted), rule).Findings
		if len(fs) != 1 || !strings.Contains(fs[0].Consequence, "unless a condition or a deny assignment that was not read takes it away") {
			t.Errorf("%s, neither listed: %+v", rule, fs)
		}
		declared := func(s *mivet.Snapshot) {
			unlisted(s)
			at := mivet.Source{Origin: &mivet.Origin{File: "plan.json", Address: "azurerm_role_assignment.ra"}}
			s.RoleAssignments[0].Source = at
			s.Declarations = append(s.Declarations, mivet.Declaration{Address: at.Origin.Address, Source: at})
		}
		r := ruleResult(t, results(t, text, declared), rule)
		if len(r.Findings) != 0 || len(r.Undecided) != 1 || !strings.Contains(r.Undecided[0].Reason, "known only after apply") {
			t.Errorf("%s, declared: %d findings, %+v", rule, len(r.Findings), r.Undecided)
		}
	}
}

// Whether a deny assignment applies can hang on members that were not read: that is not
// taken for an answer.
func TestDenyOfUnreadMembers(t *testing.T) {
	text := ownerTenant + `group blocked
gap "group members" subject=$principal:blocked reason="not read"
assign api "Role Based Access Control Administrator" at prod
deny "no grants" at prod principals=blocked {
  actions Microsoft.Authorization/roleAssignments/write
}
deny "nobody else" at prod principals=everyone excluded=blocked {
  actions Microsoft.Authorization/roleAssignments/write
}
`
	r := ruleResult(t, results(t, text, nil), "broad-scope")
	if len(r.Findings) != 0 {
		t.Errorf("what may be denied is found: %+v", r.Findings)
	}
}
