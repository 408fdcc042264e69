// SPDX-License-Identifier: Apache-2.0

package mivet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/contract"
	reporting "github.com/mivet/mivet/report"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
	"github.com/mivet/mivet/vet/vettest"
)

const ruleDocs = "docs/rules"

// TestRuleDocs compares docs/rules with what the rules say of themselves: their pages,
// their metadata, and what they print for their first tenant. With MIVET_UPDATE set it
// writes the files ("go generate ./rules").
func TestRuleDocs(t *testing.T) {
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"README.md": ruleIndex()}
	for _, r := range rules.All() {
		pages[r.ID+".md"] = rulePage(t, cat, r)
	}
	if os.Getenv("MIVET_UPDATE") != "" {
		writePages(t, pages)
	}
	files, err := filepath.Glob(ruleDocs + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := pages[filepath.Base(f)]; !ok {
			t.Errorf("%s is about no rule", f)
		}
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(ruleDocs, name))
		if err != nil {
			t.Errorf("%v (go generate ./rules writes it)", err)
			continue
		}
		if d := cmp.Diff(want, string(got)); d != "" {
			t.Errorf("%s is not current (go generate ./rules):\n%s", name, d)
		}
	}
}

func writePages(t *testing.T, pages map[string]string) {
	t.Helper()
	if err := os.MkdirAll(ruleDocs, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(ruleDocs, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func ruleIndex() string {
	var b strings.Builder
	b.WriteString("<!-- Written by go generate ./rules. -->\n# Rules\n\n| rule | what it finds | category | severity |\n|---|---|---|---|\n")
	all := slices.Clone(rules.All())
	slices.SortFunc(all, func(a, b *vet.Rule) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range all {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s |\n", r.ID, r.ID, r.Title, r.Category, r.Severity)
	}
	b.WriteString("\nSeverities are those that a finding has where nothing about its reach is known; findings carry their own.\n")
	return b.String()
}

func rulePage(t *testing.T, cat *catalog.Catalog, r *vet.Rule) string {
	t.Helper()
	file := filepath.Join("rules", r.Category, "testdata", r.ID, "firing.tenant")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- Written by go generate ./rules. -->\n" + strings.TrimSpace(r.Doc) + "\n\n## About the rule\n\n")
	needs := make([]string, len(r.Needs))
	for i, n := range r.Needs {
		needs[i] = string(n)
	}
	fmt.Fprintf(&b, "Category %s, severity %s, since %s. It needs %s; a gap in one of them makes it \"not assessed\" for what the gap covers.\n\n",
		r.Category, r.Severity, r.Since, strings.Join(needs, ", "))
	b.WriteString("It speaks for these controls. The mapping is mivet's own judgement.\n\n")
	for _, c := range reporting.Controls(cat, r) {
		id := c.ID
		if c.Formerly != "" {
			id += " (" + c.Formerly + ")"
		}
		fmt.Fprintf(&b, "- %s %s: %s\n", c.Framework, id, c.Title)
	}
	fmt.Fprintf(&b, "\n## Example\n\n```\n%s```\n\n", withoutComments(string(text)))
	agreed := contractBeside(t, file)
	if agreed != "" {
		fmt.Fprintf(&b, "with the contract\n\n```yaml\n%s```\n\n", withoutComments(agreed))
	}
	fmt.Fprintf(&b, "mivet says:\n\n```\n%s```\n", firstFinding(t, cat, r, string(text), agreed))
	return b.String()
}

// contractBeside is the contract that holds in a tenant of a rule, or "".
func contractBeside(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(strings.TrimSuffix(file, ".tenant") + ".yaml")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// contractOf reads it; nil where there is none.
func contractOf(t *testing.T, text string) *contract.Contract {
	t.Helper()
	if text == "" {
		return nil
	}
	d, err := contract.Read("mivet.yaml", func(string) ([]byte, error) { return []byte(text), nil })
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.For("")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// withoutComments drops what a tenant says to the tests.
func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if before, _, ok := strings.Cut(line, "# want "); ok {
			_, ignore, has := strings.Cut(line, "# mivet:ignore")
			line = strings.TrimRight(before, " ") + "\n"
			if has {
				line = strings.TrimRight(before, " ") + "  # mivet:ignore" + ignore
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// firstFinding is the first finding as text.
func firstFinding(t *testing.T, cat *catalog.Catalog, r *vet.Rule, text, agreed string) string {
	t.Helper()
	name := r.ID + ".tenant"
	snap, err := tenant.Parse(name, strings.NewReader(text), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if d := cat.RoleByName(name); d != nil {
			return d.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	ignores, err := vet.ParseInline(name, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	res, err := vet.Run(snap, []*vet.Rule{r}, vet.Options{Catalog: cat, Now: vettest.Now, Settings: vettest.Settings(), Suppressions: ignores, Contract: contractOf(t, agreed)})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := reporting.Send(reporting.NewText(&b, reporting.TextOptions{}), res, reporting.Options{Catalog: cat}); err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(block, "\n  what ") {
			return strings.TrimSpace(block) + "\n"
		}
	}
	t.Fatalf("%s finds nothing in its first tenant", r.ID)
	return ""
}
