// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/change"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

// held is a plan held against a contract.
type held struct {
	terms   *terms
	tests   []agreedTest
	results *vet.Results
	// waits are stages that have not passed, and differs is how access differs from theirs.
	waits   []string
	differs []stageDifference
	// alone is true where the plan was not laid over a tenant.
	alone bool
}

// onlyPlan says why access tests are undecided that hang on what a plan does not hold, and
// what decides them.
const onlyPlan = "a plan holds only what it manages, so what else grants or denies is not known: --against SNAPSHOT decides (mivet snapshot --output FILE), or mivet test after the deployment"

// stuck reports whether an access test is undecided for want of a tenant.
func (h *held) stuck() bool {
	return h.alone && slices.ContainsFunc(h.tests, func(t agreedTest) bool { return t.Verdict == change.Undecided })
}

// agreedTest is an access test of the contract, asked before, during and after the change.
type agreedTest struct {
	Identity string `json:"identity"`
	Test     string `json:"test"`
	change.Outcome
	// Verdict is "passed", "failed" or "undecided".
	Verdict change.Verdict `json:"verdict"`
	// Why says what is not known; absent where nothing is missing.
	Why    string       `json:"why,omitzero"`
	Source mivet.Source `json:"source,omitzero"`
}

// stageDifference is access that one of two stages has.
type stageDifference struct {
	Identity string `json:"identity"`
	// Stage is the stage that has it, and the other one does not.
	Stage  string `json:"stage"`
	Access string `json:"access"`
}

// hold puts the contract to a plan: its access tests at each moment, and its rules to what is
// there afterwards.
func (c *checked) hold(a *app, f *checkFlags, t *terms) error {
	before, _ := c.Before()
	after, engine := c.After()
	h := &held{terms: t, alone: c.plan.Tenant == nil}
	old := contract.Bind(t.contract, before, mivet.NewIndex(before))
	now := contract.Bind(t.contract, after, mivet.NewIndex(after))
	for i := range now.Bindings {
		h.ask(c.World, &old.Bindings[i], &now.Bindings[i])
	}
	var err error
	if h.results, err = a.vetAgreed(&reading{snap: after}, planRules(), nil, t); err != nil {
		return err
	}
	if err := h.stages(f, now, engine); err != nil {
		return err
	}
	c.agreed = h
	return nil
}

// planRules are the rules for what a plan leaves behind. Access tests are asked at each moment
// instead.
func planRules() []*vet.Rule {
	return slices.DeleteFunc(contractRules(), func(r *vet.Rule) bool {
		return r.ID == "contract-access-missing" || r.ID == "contract-access-forbidden"
	})
}

// ask puts the tests of one identity. A target is named as it is before the change, if it is
// there.
func (h *held) ask(w *change.World, old, now *contract.Binding) {
	who := change.Subject{Identity: old.ID}
	if old.Presence != contract.Present {
		who.Identity = now.ID
	}
	for i := range now.Tests {
		b := &now.Tests[i]
		if o := &old.Tests[i]; o.Err == nil {
			b = o
		}
		t := agreedTest{Identity: now.Name, Test: b.String(), Verdict: change.Undecided, Source: b.At.Source()}
		switch {
		case b.Err != nil:
			t.Why = b.Err.Error()
		case now.Presence == contract.Absent && old.Presence == contract.Absent, now.Presence == contract.Unclear:
			t.Why = now.Problem
		default:
			t.Outcome = w.Ask(who, b.Question.Operation, b.Question.Plane, b.Target.ID)
			t.Verdict = t.Outcome.Verdict(b.Allowed)
			var why []string
			for _, m := range t.Missing {
				why = append(why, m.What)
			}
			t.Why = vet.AtMost(why, 2)
		}
		if now.Fact.Origin != nil && now.Fact.Origin.Address != "" {
			t.Source = now.Fact
		}
		h.tests = append(h.tests, t)
	}
}

// stages asks for what passed in the stages before, and compares access with theirs.
func (h *held) stages(f *checkFlags, now *contract.Bound, engine *authz.Engine) error {
	s := h.terms.contract.Stage
	if s == nil {
		return nil
	}
	here := accessOf(now, engine)
	for _, before := range s.After {
		why, r, err := f.record.unpassed(h.terms.doc, before)
		if err != nil {
			return err
		}
		if why != "" {
			h.waits = append(h.waits, why)
		}
		if r != nil {
			h.differs = append(h.differs, differences(before, r.Access, s.Name, here)...)
		}
	}
	return nil
}

// accessOf lists what each identity holds, with the values of the stage taken out, so that
// stages can be compared.
func accessOf(b *contract.Bound, engine *authz.Engine) map[string][]string {
	out := map[string][]string{}
	for i := range b.Bindings {
		x := &b.Bindings[i]
		if x.Presence != contract.Present || x.Held == "" {
			continue
		}
		list := []string{}
		for r := range engine.WhatCan(authz.WhatCanQuery{Principal: x.Held}) {
			if text := b.Stage.Abstract(grantText(&r)); !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
		slices.Sort(list)
		out[x.Name] = list
	}
	return out
}

// grantText names a right and its place.
func grantText(r *authz.Right) string {
	switch {
	case r.Policy != nil:
		var words []string
		for _, l := range []struct {
			name string
			list []string
		}{{"secrets", r.Policy.Secrets}, {"keys", r.Policy.Keys}, {"certificates", r.Policy.Certificates}} {
			if len(l.list) > 0 {
				sorted := slices.Sorted(slices.Values(l.list))
				words = append(words, l.name+" "+strings.ToLower(strings.Join(sorted, " ")))
			}
		}
		return fmt.Sprintf("access policy %s at %s", strings.Join(words, ", "), r.Policy.Vault)
	case r.Local != nil:
		return strings.TrimSpace(fmt.Sprintf("%s role %s at %s %s", r.Local.System, r.Local.Role, r.Local.Account, r.Local.Scope))
	}
	name := r.RoleName
	if name == "" && r.Role != nil {
		name = r.Role.Name
	}
	return fmt.Sprintf("%s at %s", name, scopeText(r.Scope))
}

func scopeText(id arm.ID) string {
	if id.IsZero() {
		return "everywhere"
	}
	return id.String()
}

// differences lists what one of two stages has and the other has not.
func differences(one string, a map[string][]string, other string, b map[string][]string) []stageDifference {
	var out []stageDifference
	names := map[string]bool{}
	for n := range a {
		names[n] = true
	}
	for n := range b {
		names[n] = true
	}
	var sorted []string
	for n := range names {
		sorted = append(sorted, n)
	}
	slices.Sort(sorted)
	for _, n := range sorted {
		for _, side := range []struct {
			stage       string
			have, other []string
		}{{one, a[n], b[n]}, {other, b[n], a[n]}} {
			for _, access := range side.have {
				if !slices.Contains(side.other, access) {
					out = append(out, stageDifference{n, side.stage, access})
				}
			}
		}
	}
	return out
}

// failing reports whether somebody has to look, and undecided whether a statement of the
// contract could not be decided.
func (h *held) failing() (failing, undecided bool, err error) {
	code, err := agreedVerdict(h.results, h.terms.contract)
	if err != nil {
		return false, false, err
	}
	failing, undecided = code == exitFound || len(h.waits) > 0, code == exitUndecided
	for i := range h.tests {
		failing = failing || h.tests[i].Verdict == change.Failed
		undecided = undecided || h.tests[i].Verdict == change.Undecided
	}
	return failing, undecided, nil
}

// printTo prints what the contract says of the plan.
func (h *held) printTo(p *printer) {
	c := h.terms.contract
	p.printf("\n%s\n", bold("contract "+c.Title()))
	for _, w := range h.waits {
		p.printf("\n%-3s %s  %s\n    fix       mivet verify and mivet test with --record in that stage, then check again\n", mark("!"), bold("stage before"), w)
	}
	passed := 0
	for i := range h.tests {
		t := &h.tests[i]
		if t.Verdict == change.Passed {
			passed++
			continue
		}
		sign := mark("!")
		if t.Verdict == change.Undecided {
			sign = mark("?")
		}
		p.printf("\n%-3s %s  %s %s\n", sign, bold("access test "+string(t.Verdict)), t.Identity, t.Test)
		p.printf("    because   it is %s before, %s during and %s after [%s]\n", t.Before, t.During, t.After, t.Source)
		if t.Why != "" {
			p.printf("    not known %s\n", t.Why)
		}
	}
	for _, f := range h.results.Findings() {
		p.printf("\n%-3s %s  %s\n", mark("!"), bold(f.Rule), f.Message)
		for _, e := range f.Evidence {
			p.printf("    because   %s [%s]\n", e.Fact, e.Source)
		}
		p.printf("    leads to  %s\n    fix       %s\n", f.Consequence, f.Fix.Summary)
	}
	for _, u := range undecidedOf(h.results, c) {
		p.printf("\n%-3s %s  %s: %s\n", mark("?"), bold(u.Rule), u.Subject.String(), u.Reason)
	}
	if len(h.tests) > 0 {
		p.printf("\n%d of %s of the contract pass\n", passed, counted(len(h.tests), "access test"))
		if h.stuck() {
			p.printf("    hint      %s\n", onlyPlan)
		}
	}
	for i, d := range h.differs {
		if i == 0 {
			p.printf("\n%s\n", bold("access that differs between the stages"))
		}
		p.printf("    only in %-10s %s: %s\n", d.Stage, d.Identity, d.Access)
	}
}

// undecidedOf is what could not be decided of the identities of a contract.
func undecidedOf(r *vet.Results, c *contract.Contract) []vet.Undecided {
	return slices.DeleteFunc(r.Undecided(), func(u vet.Undecided) bool { return c.Identity(u.Subject.Name) == nil })
}

// agreedVerdict is the exit code of what a contract is held against: a statement of it that
// could not be decided is no pass.
func agreedVerdict(results *vet.Results, c *contract.Contract) (int, error) {
	code, err := scanVerdict(results, false)
	if err == nil && code == exitOK && len(undecidedOf(results, c)) > 0 {
		code = exitUndecided
	}
	return code, err
}

// agreedJSON is what a contract says of a plan.
type agreedJSON struct {
	File  string `json:"file"`
	Hash  string `json:"hash"`
	Stage string `json:"stage,omitzero"`
	// Waits are the stages before that have not passed, in words.
	Waits []string     `json:"waits"`
	Tests []agreedTest `json:"tests"`
	// Findings are what is not as agreed after the change.
	Findings []mivet.Finding `json:"findings"`
	// Undecided is what could not be decided of the identities of the contract.
	Undecided []vet.Undecided `json:"undecided"`
	// Differs is access that one of the stages has and the other has not.
	Differs []stageDifference `json:"differs"`
}

func (h *held) json() *agreedJSON {
	c := h.terms.contract
	j := &agreedJSON{
		File: c.File, Hash: c.Hash, Waits: listed(h.waits), Tests: listed(h.tests), Findings: []mivet.Finding{},
		Undecided: listed(undecidedOf(h.results, c)), Differs: listed(h.differs),
	}
	if c.Stage != nil {
		j.Stage = c.Stage.Name
	}
	for _, f := range h.results.Findings() {
		j.Findings = append(j.Findings, *f)
	}
	return j
}
