// SPDX-License-Identifier: Apache-2.0

// Package vettest tests rules against tenants written as text.
//
// The tenants of a rule are the files testdata/ID/*.tenant beside the rule's package. A
// comment at a line says what the rule must find there:
//
//	assign orders-api Contributor at shop  # want broad-scope `orders-api has Contributor`
//	gap principals reason="not read"       # undecided orphaned `not read`
//
// A file NAME.yaml beside NAME.tenant is the contract that holds there, without stages; its
// comments say what must be found in the same way.
//
// [Run] refuses a rule whose declaration is not complete, one without a tenant in which it
// fires or without one in which it is silent, a finding that no comment expects, and a
// comment that no finding meets. It applies each fix to its tenant: the finding must go,
// and no access test of the tenant may break. It does not test what findings look like;
// formats are tested with package report.
package vettest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
)

// Now is the time at which rules are run: ten days after 2026-11-20.
var Now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// Settings are the settings that rules are run with: the default tags, the environment
// of two subscriptions, and an owner for files whose name begins with "owned".
func Settings() vet.Settings {
	return vet.Settings{
		SubscriptionEnvironments: map[string]string{"mapped-prod": "production", "mapped-test": "test"},
		Owners: func(file string) string {
			if strings.HasPrefix(filepath.Base(file), "owned") {
				return "team-files"
			}
			return ""
		},
		Evidence: evidenceOf,
	}
}

// evidenceOf is what the tags of a resource say of its run time: the principal that it
// attested ("attested") or was logged as ("seen"), a day before the tenant's day, and the
// day of its last change ("changed").
func evidenceOf(w *effective.Carrier, _ []effective.Consumer) (seen []effective.Statement, changed time.Time) {
	for tag, kind := range map[string]mivet.EvidenceKind{"attested": mivet.Attested, "seen": mivet.Observed} {
		if who, ok := w.Resource.Tag(tag); ok {
			id := mivet.NewPrincipalID(who)
			seen = append(seen, effective.Statement{
				Kind: kind, Principals: []mivet.PrincipalID{id}, At: time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC), Fact: "it presented " + string(id), Source: w.Resource.Source,
			})
		}
	}
	if day, ok := w.Resource.Tag("changed"); ok {
		changed, _ = time.Parse(time.DateOnly, day) // what is no day is not known
	}
	return seen, changed
}

// Run tests each rule of a suite with its tenants.
func Run(t *testing.T, suite []*vet.Rule) {
	t.Helper()
	if len(suite) == 0 {
		t.Fatal("the suite is empty")
	}
	if err := vet.Validate(suite); err != nil {
		t.Error(err)
	}
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range suite {
		t.Run(r.ID, func(t *testing.T) { runRule(t, r, cat) })
	}
	t.Run("folders", func(t *testing.T) { checkFolders(t, suite) })
}

// checkFolders fails for tenants that belong to no rule.
func checkFolders(t *testing.T, suite []*vet.Rule) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if vet.Lookup(suite, e.Name()) == nil {
			t.Errorf("testdata/%s belongs to no rule of the suite", e.Name())
		}
	}
}

func runRule(t *testing.T, r *vet.Rule, cat *catalog.Catalog) {
	files, err := filepath.Glob(filepath.Join("testdata", r.ID, "*.tenant"))
	if err != nil {
		t.Fatal(err)
	}
	var firing, silent, fixed int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		agreed, err := os.ReadFile(strings.TrimSuffix(file, ".tenant") + ".yaml")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		c := newCheck(r, cat, file, string(text), string(agreed))
		for _, fault := range c.faults {
			t.Error(fault)
		}
		if c.found > 0 {
			firing++
		} else {
			silent++
		}
		fixed += c.fixed
	}
	for _, fault := range missing(r, firing, silent, fixed) {
		t.Error(fault)
	}
}

// missing says what the tenants of a rule lack.
func missing(r *vet.Rule, firing, silent, fixed int) []string {
	var out []string
	if firing == 0 {
		out = append(out, fmt.Sprintf("%s fires in no tenant below testdata/%s", r.ID, r.ID))
	}
	if silent == 0 {
		out = append(out, fmt.Sprintf("%s is silent in no tenant below testdata/%s", r.ID, r.ID))
	}
	if firing > 0 && fixed == 0 {
		out = append(out, fmt.Sprintf("no finding of %s has a fix that can be applied", r.ID))
	}
	return out
}

// expectation is a comment that says what must be found.
type expectation struct {
	file    string
	line    int
	verb    string // "want" or "undecided"
	pattern *regexp.Regexp
	met     bool
}

// check is one rule in one tenant.
type check struct {
	rule                  *vet.Rule
	cat                   *catalog.Catalog
	file, text            string
	wants                 []*expectation
	inline                []vet.Suppression
	agreed                *contract.Contract
	found, fixed, patched int
	faults                []string
}

// newCheck runs a rule on a tenant, under a contract if it is not empty.
func newCheck(r *vet.Rule, cat *catalog.Catalog, file, text, agreed string) *check {
	c := &check{rule: r, cat: cat, file: file, text: text}
	inline, err := vet.ParseInline(file, strings.NewReader(text))
	if err != nil {
		c.fault("%v", err)
	}
	c.inline = inline
	if agreed != "" {
		c.contract(strings.TrimSuffix(file, ".tenant")+".yaml", agreed)
	}
	comment := func(line int, text string) { c.comment(file, line, text) }
	snap, err := tenant.Parse(file, strings.NewReader(text), tenant.Options{Role: c.role, Comment: comment})
	if err != nil {
		c.fault("%v", err)
		return c
	}
	c.run(snap)
	return c
}

// contract reads a contract, and what its comments expect.
func (c *check) contract(file, text string) {
	d, err := contract.Read(file, func(string) ([]byte, error) { return []byte(text), nil })
	if err != nil {
		c.fault("%v", err)
		return
	}
	if c.agreed, err = d.For(""); err != nil {
		c.fault("%v", err)
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if _, comment, ok := strings.Cut(line, "# "); ok {
			c.comment(file, n, strings.TrimSpace(comment))
		}
	}
}

func (c *check) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

func (c *check) run(snap *mivet.Snapshot) {
	res := c.vet(snap, c.inline, c.agreed)
	if res.Err != nil {
		c.fault("%s: %v", c.file, res.Err)
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		c.found++
		c.meet("want", f.Source, f.Message)
		c.complete(f)
	}
	for _, u := range res.Undecided {
		c.meet("undecided", u.Source, u.Subject.String()+": "+u.Reason)
	}
	for _, w := range c.wants {
		if !w.met {
			c.fault("%s:%d: no such finding: %s %s `%s`", w.file, w.line, w.verb, c.rule.ID, w.pattern)
		}
	}
	for i := range res.Findings {
		c.fix(snap, &res.Findings[i])
	}
	c.shuffle(snap, res)
}

func (c *check) role(name string) (mivet.RoleID, bool) {
	if d := c.cat.RoleByName(name); d != nil {
		return d.ID, true
	}
	return "", false
}

var (
	expectComment = regexp.MustCompile("^(want|undecided) (.*)$")
	expectItem    = regexp.MustCompile("^([a-z-]+) `([^`]*)`\\s*")
)

func (c *check) comment(file string, line int, text string) {
	m := expectComment.FindStringSubmatch(text)
	if m == nil {
		return
	}
	rest, _, _ := strings.Cut(m[2], "#") // another comment may follow
	for rest != "" {
		item := expectItem.FindStringSubmatch(rest)
		if item == nil {
			c.fault("%s:%d: cannot read %q: write %s RULE `regexp`", file, line, rest, m[1])
			return
		}
		rest = rest[len(item[0]):]
		if item[1] != c.rule.ID {
			c.fault("%s:%d: expects %s; only %s is run here", file, line, item[1], c.rule.ID)
			continue
		}
		pattern, err := regexp.Compile(item[2])
		if err != nil {
			c.fault("%s:%d: %v", file, line, err)
			continue
		}
		c.wants = append(c.wants, &expectation{file: file, line: line, verb: m[1], pattern: pattern})
	}
}

func (c *check) vet(s *mivet.Snapshot, suppressions []vet.Suppression, agreed *contract.Contract) *vet.Result {
	res, err := vet.Run(s, []*vet.Rule{c.rule}, vet.Options{
		Catalog: c.cat, Now: Now, Settings: Settings(), Suppressions: suppressions, Contract: agreed,
	})
	if err != nil {
		return &vet.Result{Rule: c.rule, Err: err}
	}
	return &res.Rules[0]
}

// meet takes the expectation that a statement meets.
func (c *check) meet(verb string, at mivet.Source, text string) {
	for _, w := range c.wants {
		if !w.met && w.verb == verb && w.line == at.Line && at.Origin != nil && at.Origin.File == w.file && w.pattern.MatchString(text) {
			w.met = true
			return
		}
	}
	c.fault("%s: unexpected: %s %s `%s`", at, verb, c.rule.ID, text)
}

// complete fails for a finding that lacks a part.
func (c *check) complete(f *mivet.Finding) {
	lack := func(missing bool, what string) {
		if missing {
			c.fault("%s: the finding %q has no %s", f.Source, f.Message, what)
		}
	}
	lack(f.Message == "", "message")
	lack(f.Subject.Key() == "", "subject")
	lack(len(f.Evidence) == 0, "evidence")
	lack(f.Consequence == "", "consequence")
	lack(f.Fix.Summary == "", "fix")
	lack(f.Fix.Command == "" && len(f.Fix.Edits) == 0, "command")
	for _, e := range f.Evidence {
		lack(e.Kind == "" || e.Fact == "", "kind and fact in one of its evidence")
	}
	for _, text := range []string{f.Message, f.Consequence, f.Fix.Summary} {
		if strings.HasSuffix(text, ".") {
			c.fault("%s: %q ends with a full stop", f.Source, text)
		}
	}
}

// fix applies a finding's fix: it must go, and no access test may break.
func (c *check) fix(s *mivet.Snapshot, f *mivet.Finding) {
	if len(f.Fix.Edits) == 0 {
		return
	}
	after, err := vet.Apply(s, f.Fix.Edits)
	if err != nil {
		c.fault("%s: the fix of %q cannot be applied: %v", f.Source, f.Message, err)
		return
	}
	c.fixed++
	left := c.vet(after, vet.ApplySuppressions(c.inline, f.Fix.Edits), vet.ApplyContract(c.agreed, f.Fix.Edits)).Findings
	if slices.ContainsFunc(left, func(l mivet.Finding) bool { return l.Fingerprint == f.Fingerprint }) {
		c.fault("%s: %q is still found after its fix", f.Source, f.Message)
	}
	for _, b := range vet.BrokenTests(s, after, c.cat) {
		c.fault("%s: the fix of %q breaks the access test at line %d", f.Source, f.Message, b.Source.Line)
	}
	c.patch(s, f)
}

// patch makes the fix in the text of the tenant itself: read again, the finding must be
// gone there as well. Edits that cannot be written into the text are left out.
func (c *check) patch(s *mivet.Snapshot, f *mivet.Finding) {
	patched, err := vet.PatchTenant(s, c.file, []byte(c.text), f.Fix.Edits)
	if errors.Is(err, vet.ErrNoPatch) {
		return
	}
	if err != nil {
		c.fault("%s: %v", f.Source, err)
		return
	}
	after, err := tenant.Parse(c.file, bytes.NewReader(patched), tenant.Options{Role: c.role})
	if err != nil {
		c.fault("%s: the text after the fix of %q cannot be read: %v\n%s", f.Source, f.Message, err, vet.Diff(c.file, []byte(c.text), patched))
		return
	}
	c.patched++
	left := c.vet(after, vet.ApplySuppressions(c.inline, f.Fix.Edits), vet.ApplyContract(c.agreed, f.Fix.Edits)).Findings
	if slices.ContainsFunc(left, func(l mivet.Finding) bool { return l.Fingerprint == f.Fingerprint }) {
		c.fault("%s: %q is still found after its patch:\n%s", f.Source, f.Message, vet.Diff(c.file, []byte(c.text), patched))
	}
	for _, b := range vet.BrokenTests(s, after, c.cat) {
		c.fault("%s: the patch of %q breaks the access test at line %d", f.Source, f.Message, b.Source.Line)
	}
}

// shuffle runs the rule on the same facts in reverse order.
func (c *check) shuffle(s *mivet.Snapshot, want *vet.Result) {
	r := *s
	r.Resources, r.Identities, r.Principals = reversed(s.Resources), reversed(s.Identities), reversed(s.Principals)
	r.RoleAssignments, r.Memberships, r.Subscriptions = reversed(s.RoleAssignments), reversed(s.Memberships), reversed(s.Subscriptions)
	r.AccessPolicies, r.LocalGrants, r.RoleDefinitions = reversed(s.AccessPolicies), reversed(s.LocalGrants), reversed(s.RoleDefinitions)
	r.Gaps, r.Declarations = reversed(s.Gaps), reversed(s.Declarations)
	if a, b := render(want), render(c.vet(&r, c.inline, c.agreed)); a != b {
		c.fault("the order of facts changes what is found:\n%s\nreversed:\n%s", a, b)
	}
}

func reversed[T any](facts []T) []T {
	out := slices.Clone(facts)
	slices.Reverse(out)
	return out
}

func render(r *vet.Result) string {
	var b strings.Builder
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(&b, "%s %s %s %s\n", f.Fingerprint, f.Severity, f.Source, f.Message)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "  %s %s %s\n", e.Kind, e.Fact, e.Source)
		}
		fmt.Fprintf(&b, "  %s\n  %s %d %s\n", f.Consequence, f.Fix.Summary, len(f.Fix.Edits), f.Fix.Command)
	}
	for _, u := range r.Undecided {
		fmt.Fprintf(&b, "undecided %s %s %s\n", u.Subject, u.Reason, u.Source)
	}
	return b.String()
}
