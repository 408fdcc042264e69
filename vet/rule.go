// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// Rule is one thing to look for. Rules are package-level values that nobody changes; a
// suite is a slice of them.
type Rule struct {
	// ID names the rule for ever: lower-case words joined by hyphens, no numbers. Users
	// write it in suppressions. A rule that gets another ID keeps the old one in Aliases.
	ID string
	// Title is the rule in one line, without a full stop.
	Title string
	// Doc is the rule's page in Markdown, with the headings of [PageHeadings]. It is the
	// text of "mivet explain", of docs/rules, and the help of SARIF.
	Doc string
	// Category is the name of the suite's package.
	Category string
	// Severity is what a finding of the rule has where nothing about its reach is known.
	// Findings carry their own.
	Severity mivet.Severity
	// Class is the finding class of the catalogue's framework map, which gives the
	// controls that the rule speaks for.
	Class string
	// Needs are the kinds of facts without which the rule cannot decide. A gap in one of
	// them makes the rule "not assessed" for what the gap covers. Kinds that only make a
	// finding richer do not belong here.
	Needs []mivet.FactKind
	// Since is the version of mivet that had it first.
	Since string
	// Sources say where the facts about Azure behind the rule are written.
	Sources []Citation
	// Aliases are former IDs.
	Aliases []string
	// Check looks at the pass's snapshot and reports. An error means that the rule itself
	// could not run; what it reported before is kept. It must not keep the pass, and it
	// must report the same for the same snapshot, in any order.
	Check func(*Pass) error
}

// Citation is a published source of a fact.
type Citation struct {
	// Title is the page's or file's name.
	Title string
	// URL is its address.
	URL string
	// Read is the day it was read, as yyyy-mm-dd.
	Read string
}

// PageHeadings are the headings that each rule's page has, in this order.
var PageHeadings = []string{"Why it matters", "How to fix it", "When it is right", "Sources"}

var (
	idPattern   = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	datePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

// Validate reports everything that is wrong with the declarations of a suite: names,
// missing pages and metadata, IDs and aliases used twice. It runs no rule.
func Validate(rules []*Rule) error {
	var errs []error
	seen := map[string]bool{}
	for _, r := range rules {
		for _, id := range append([]string{r.ID}, r.Aliases...) {
			if seen[id] {
				errs = append(errs, fmt.Errorf("rule %s: %q is the name of two rules", r.ID, id))
			}
			seen[id] = true
		}
		for _, fault := range r.faults() {
			errs = append(errs, fmt.Errorf("rule %s: %s", r.ID, fault))
		}
	}
	return errors.Join(errs...)
}

func (r *Rule) faults() []string {
	var bad []string
	need := func(ok bool, fault string) {
		if !ok {
			bad = append(bad, fault)
		}
	}
	need(idPattern.MatchString(r.ID), "its ID must be lower-case words joined by hyphens")
	need(r.Title != "" && !strings.HasSuffix(r.Title, "."), "its title must be one line without a full stop")
	need(r.Category != "", "it has no category")
	need(r.Severity != mivet.SeverityUnset, "it has no severity")
	need(r.Class != "", "it has no finding class, so it maps to no framework")
	need(len(r.Needs) > 0, "it needs no facts")
	need(r.Since != "", "it does not say since when")
	need(len(r.Sources) > 0, "it has no sources")
	need(r.Check != nil, "it has no check")
	for _, c := range r.Sources {
		need(c.Title != "" && strings.HasPrefix(c.URL, "https://") && datePattern.MatchString(c.Read),
			fmt.Sprintf("source %q must have a title, an https address and the day it was read", c.Title))
	}
	return append(bad, r.pageFaults()...)
}

func (r *Rule) pageFaults() []string {
	if strings.TrimSpace(r.Doc) == "" {
		return []string{"it has no page"}
	}
	page, err := ParsePage(r.Doc)
	if err != nil {
		return []string{err.Error()}
	}
	var bad []string
	if page.Title != r.ID {
		bad = append(bad, fmt.Sprintf("its page is titled %q, not %q", page.Title, r.ID))
	}
	if page.Summary == "" {
		bad = append(bad, "its page has no summary below the title")
	}
	for _, c := range r.Sources {
		if !strings.Contains(page.Section("Sources"), c.URL) {
			bad = append(bad, "its page does not name the source "+c.URL)
		}
	}
	return bad
}

// Lookup returns the rule of that ID or alias, or nil.
func Lookup(rules []*Rule, id string) *Rule {
	for _, r := range rules {
		if r.ID == id || slices.Contains(r.Aliases, id) {
			return r
		}
	}
	return nil
}
