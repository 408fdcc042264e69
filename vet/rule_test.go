// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

func goodRule() *vet.Rule {
	return &vet.Rule{
		ID: "some-rule", Title: "Something", Category: "test", Severity: mivet.SeverityLow, Class: "access-excess-role",
		Needs: []mivet.FactKind{mivet.FactRoleAssignments}, Since: "0.1.0",
		Sources: []vet.Citation{{Title: "A page", URL: "https://example.com/a", Read: "2026-01-01"}},
		Doc:     goodPage, Check: func(*vet.Pass) error { return nil },
	}
}

const goodPage = "# some-rule\n\nSummary.\n\n## Why it matters\n\nx\n\n## How to fix it\n\nx\n\n## When it is right\n\nx\n\n## Sources\n\n<https://example.com/a>\n"

func TestValidate(t *testing.T) {
	f := func(change func(*vet.Rule), want string) {
		t.Helper()
		r := goodRule()
		change(r)
		err := vet.Validate([]*vet.Rule{r})
		switch {
		case want == "" && err != nil:
			t.Errorf("unexpected: %v", err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(func(*vet.Rule) {}, "")
	f(func(r *vet.Rule) { r.ID = "Some_Rule1" }, "lower-case words")
	f(func(r *vet.Rule) { r.Title = "Something." }, "without a full stop")
	f(func(r *vet.Rule) { r.Title = "" }, "title")
	f(func(r *vet.Rule) { r.Category = "" }, "no category")
	f(func(r *vet.Rule) { r.Severity = mivet.SeverityUnset }, "no severity")
	f(func(r *vet.Rule) { r.Class = "" }, "no finding class")
	f(func(r *vet.Rule) { r.Needs = nil }, "needs no facts")
	f(func(r *vet.Rule) { r.Since = "" }, "since when")
	f(func(r *vet.Rule) { r.Sources = nil }, "no sources")
	f(func(r *vet.Rule) { r.Sources[0].Read = "yesterday" }, "the day it was read")
	f(func(r *vet.Rule) { r.Sources[0].URL = "https://example.com/b" }, "does not name the source")
	f(func(r *vet.Rule) { r.Check = nil }, "no check")
	f(func(r *vet.Rule) { r.Doc = "" }, "no page")
	f(func(r *vet.Rule) { r.Doc = "text" }, "must begin with the title")
	f(func(r *vet.Rule) { r.Doc = strings.Replace(r.Doc, "# some-rule", "# other", 1) }, `titled "other"`)
	f(func(r *vet.Rule) { r.Doc = strings.Replace(r.Doc, "Summary.", "", 1) }, "no summary")
	f(func(r *vet.Rule) { r.Doc = strings.Replace(r.Doc, "## How to fix it\n\nx\n\n", "", 1) }, "has the sections")
	f(func(r *vet.Rule) { r.Doc = strings.Replace(r.Doc, "## How to fix it\n\nx", "## How to fix it", 1) }, "is empty")
	f(func(r *vet.Rule) { r.Aliases = []string{"some-rule"} }, "name of two rules")
}

func TestLookup(t *testing.T) {
	r := goodRule()
	r.Aliases = []string{"old-name"}
	rules := []*vet.Rule{r}
	if vet.Lookup(rules, "some-rule") != r || vet.Lookup(rules, "old-name") != r || vet.Lookup(rules, "x") != nil {
		t.Error("a rule is not found by its ID and former IDs alone")
	}
}

func TestPage(t *testing.T) {
	p, err := vet.ParsePage(goodPage)
	if err != nil {
		t.Fatal(err)
	}
	if p.Title != "some-rule" || p.Summary != "Summary." || p.Section("Sources") != "<https://example.com/a>" || p.Section("x") != "" {
		t.Errorf("page read as %+v", p)
	}
}
