// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"slices"
	"strconv"

	"github.com/mivet/mivet/arm"
)

// Severity says how sure it is that a finding is a fault.
type Severity uint8

// The severities.
const (
	Note    Severity = iota // worth knowing
	Warning                 // the condition probably does less, or more, than was meant
	Error                   // the condition does not do what it says
)

var severityNames = [...]string{"note", "warning", "error"}

// String returns the severity in a word.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return "invalid"
}

// Finding is something that is wrong, or may be, with a condition.
type Finding struct {
	// ID names the check, such as "mixed-and-or". It does not change.
	ID       string
	Severity Severity
	// At is the part of the text that is meant.
	At Span
	// Message says what was found.
	Message string
	// Why says what follows from it, or what to do.
	Why string
	// Page is the page that states the rule, repository and path; "" if it follows from the
	// language alone.
	Page string
}

// LintContext is what is known around a condition. Checks that need a field which is empty
// are left out, or speak of a possibility.
type LintContext struct {
	// Text is the condition as it was written, for the checks of its form.
	Text string
	// Version is the conditionVersion of the assignment.
	Version string
	// InRole says that the condition is part of a role definition, not of an assignment.
	InRole bool
	// Role is what the role of the assignment permits, nil if that is not known.
	Role *Permissions
	// HierarchicalNamespace says whether storage accounts in scope have one.
	HierarchicalNamespace Truth
	// Unconditioned names other assignments that give the same principal the operations of
	// this one in the same scope without condition.
	Unconditioned []string
}

// Permissions is what a role permits.
type Permissions struct {
	Actions, NotActions, DataActions, NotDataActions []arm.Pattern
}

// permits reports whether an operation is permitted on either plane.
func (p *Permissions) permits(o arm.Operation) bool {
	return matchesAny(p.Actions, o) && !matchesAny(p.NotActions, o) ||
		matchesAny(p.DataActions, o) && !matchesAny(p.NotDataActions, o)
}

func matchesAny(patterns []arm.Pattern, o arm.Operation) bool {
	return slices.ContainsFunc(patterns, func(p arm.Pattern) bool { return p.Matches(o) })
}

// Lint checks a condition. Findings are sorted by their place in the text, then by ID.
func Lint(e Expr, ctx LintContext) []Finding {
	if e == nil {
		return nil
	}
	l := &linter{ctx: ctx, c: Compile(e)}
	for _, check := range checks {
		check(l)
	}
	slices.SortStableFunc(l.found, func(a, b Finding) int {
		if a.At.Start != b.At.Start {
			return a.At.Start - b.At.Start
		}
		return compareText(a.ID, b.ID)
	})
	return l.found
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// checks lists every check. Each adds its findings to the linter.
var checks = []func(*linter){
	checkLength, checkLines, checkVersion, checkExpressions,
	checkMixed, checkUndocumented, checkPatterns, checkNames, checkTypes, checkSets,
	checkUtcNow, checkKeyVaultOperators, checkDeprecated, checkPaths,
	checkLeaves, checkWhole,
	checkBlobCreate, checkSuperUser, checkUnconditioned, checkAssignmentSources,
	checkCarried, checkGUIDOnStorage, checkGrantable,
}

type linter struct {
	ctx   LintContext
	c     *Condition
	found []Finding
}

func (l *linter) add(f Finding) { l.found = append(l.found, f) }

// whole is the place of the whole condition.
func (l *linter) whole() Span { return l.c.root.expr.Span() }

// permits reports whether the role permits an operation; for a role that is not known, it
// reports whether the condition names the operation.
func (l *linter) permits(o arm.Operation) bool {
	if l.ctx.Role != nil {
		return l.ctx.Role.permits(o)
	}
	return l.names(o)
}

// names reports whether an ActionMatches of the condition matches the operation.
func (l *linter) names(o arm.Operation) bool {
	for _, leaf := range l.c.leaves {
		if leaf.kind == actionLeaf && leaf.action.Matches(o) {
			return true
		}
	}
	return false
}

// compares calls f for each comparison.
func (l *linter) compares(f func(leaf *leaf, e *Compare)) {
	for _, leaf := range l.c.leaves {
		if e, ok := leaf.expr.(*Compare); ok {
			f(leaf, e)
		}
	}
}

// attributes calls f for each use of an attribute in the text.
func (l *linter) attributes(f func(a Attribute)) {
	for _, leaf := range l.c.leaves {
		for _, a := range leaf.attributes() {
			f(a)
		}
	}
}

// Pages that state rules.
const (
	pageFormat       = "MicrosoftDocs/azure-docs articles/role-based-access-control/conditions-format.md"
	pageTroubleshoot = "MicrosoftDocs/azure-docs articles/role-based-access-control/conditions-troubleshoot.md"
	pageErrors       = "MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md"
	pageLimits       = "MicrosoftDocs/azure-docs includes/role-based-access-control/limits.md"
	pageOverview     = "MicrosoftDocs/azure-docs articles/role-based-access-control/conditions-overview.md"
	pageDelegation   = "MicrosoftDocs/azure-docs articles/role-based-access-control/conditions-authorization-actions-attributes.md"
	pageDelegate     = "MicrosoftDocs/azure-docs articles/role-based-access-control/delegate-role-assignments-examples.md"
	pageBlob         = "MicrosoftDocs/azure-docs articles/storage/blobs/storage-auth-abac-attributes.md"
	pageBlobExamples = "MicrosoftDocs/azure-docs articles/storage/blobs/storage-auth-abac-examples.md"
	pageKeyVault     = "MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-abac.md"
)

func quote(s string) string { return strconv.Quote(s) }
