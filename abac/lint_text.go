// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet/arm"
)

// The checks of this file need nothing but the condition and its text.

func checkLength(l *linter) {
	if n := len(l.ctx.Text); n > DocumentedLength {
		l.add(Finding{
			ID: "too-long", Severity: Error, At: Span{DocumentedLength, n},
			Message: fmt.Sprintf("the condition has %d bytes", n),
			Why:     "Azure accepts at most 8 kB; split it over several role assignments", Page: pageLimits,
		})
	}
}

// checkLines finds line breaks: what is pasted into a command of a shell must be one line,
// and the Key Vault page gives its commands so.
func checkLines(l *linter) {
	at := strings.IndexAny(l.ctx.Text, "\r\n")
	if at < 0 {
		return
	}
	f := Finding{
		ID: "line-break", Severity: Note, At: Span{at, at + 1},
		Message: "the condition has line breaks",
		Why:     "in a shell command they end the condition; join the lines", Page: pageTroubleshoot,
	}
	if l.mentionsProvider("microsoft.keyvault/") {
		f.Severity = Warning
		f.Why = "a condition for Key Vault must be one line; join the lines"
		f.Page = "MicrosoftDocs/azure-security-docs articles/key-vault/general/howto-abac-conditions-cli.md"
	}
	l.add(f)
}

// mentionsProvider reports whether an operation or attribute of a provider is named.
func (l *linter) mentionsProvider(prefix arm.Key) bool {
	found := false
	l.attributes(func(a Attribute) { found = found || hasKeyPrefix(arm.Fold(a.Name), prefix) })
	for _, leaf := range l.c.leaves {
		found = found || leaf.kind == actionLeaf && hasKeyPrefix(leaf.action.Key(), prefix)
	}
	return found
}

func hasKeyPrefix(k, prefix arm.Key) bool { return strings.HasPrefix(string(k), string(prefix)) }

func checkVersion(l *linter) {
	if v := l.ctx.Version; v != "" && v != "2.0" && !l.ctx.InRole {
		l.add(Finding{
			ID: "condition-version", Severity: Warning, At: l.whole(),
			Message: "conditionVersion is " + quote(v),
			Why:     `2.0 is the only public version; Azure refuses an assignment with another`, Page: pageTroubleshoot,
		})
	}
}

// checkExpressions counts comparisons as the portal does.
func checkExpressions(l *linter) {
	const most = 5
	n := 0
	for _, leaf := range l.c.leaves {
		if leaf.kind == compareLeaf || leaf.kind == existsLeaf {
			n++
		}
	}
	if n > most && !l.ctx.InRole {
		l.add(Finding{
			ID: "visual-editor", Severity: Note, At: l.whole(),
			Message: fmt.Sprintf("the condition has %d expressions", n),
			Why:     "the visual editor of the portal shows at most 5 for a condition; edit it as code", Page: pageOverview,
		})
	}
}

func checkMixed(l *linter) {
	Walk(l.c.root.expr, func(e Expr) {
		if and, ok := e.(*And); ok && and.mixed {
			l.add(Finding{
				ID: "mixed-and-or", Severity: Warning, At: and.At,
				Message: "AND and OR meet without parentheses",
				Why:     "the order of evaluation is ambiguous; here AND is read first: (" + Print(and) + ")",
				Page:    pageFormat,
			})
		}
	})
}

func checkUndocumented(l *linter) {
	for _, leaf := range l.c.leaves {
		f := Finding{
			ID: "undocumented", Severity: Warning, At: leaf.expr.Span(),
			Why: "its value stays unknown here, and with it perhaps that of the condition", Page: pageFormat,
		}
		switch e := leaf.expr.(type) {
		case *UnknownFunction:
			f.Message = "no public page documents the function " + e.Name
		case *Compare:
			if leaf.kind != opaqueLeaf {
				continue
			}
			f.At = e.OperatorAt
			f.Message = "no public page documents the operator " + operatorText(e)
			if _, known := lookupOperator(string(e.Operator)); known && e.Quantifier == NoQuantifier {
				f.Message = "no public page says what wildcards of " + operatorText(e) + " mean for a column of Log Analytics"
			}
		default:
			continue
		}
		l.add(f)
	}
}

func checkPatterns(l *linter) {
	Walk(l.c.root.expr, func(e Expr) {
		a, ok := e.(*ActionMatches)
		if !ok {
			return
		}
		if _, err := arm.ParsePattern(a.Pattern); err != nil {
			l.add(Finding{
				ID: "bad-action", Severity: Error, At: a.At,
				Message: "the pattern of ActionMatches is not one: " + err.Error(),
				Why:     "its value stays unknown here", Page: pageFormat,
			})
		}
	})
}

// checkNames finds escapes that a shell should have taken away.
func checkNames(l *linter) {
	l.attributes(func(a Attribute) {
		if strings.Contains(a.Name, "`$") || strings.Contains(a.Name, `\$`) {
			l.add(Finding{
				ID: "shell-escape", Severity: Error, At: a.At,
				Message: "the name " + quote(a.Name) + " holds the escape of a shell",
				Why:     "PowerShell and bash want it before $, the condition does not; Azure would not know the attribute",
				Page:    pageTroubleshoot,
			})
		}
	})
}

func checkTypes(l *linter) {
	l.compares(func(leaf *leaf, e *Compare) {
		if leaf.mismatch {
			l.add(Finding{
				ID: "wrong-type", Severity: Error, At: e.At,
				Message: fmt.Sprintf("%s compares values of type %s, and a value here is none", operatorText(e), leaf.op.family),
				Why:     "the comparison cannot hold", Page: pageFormat,
			})
		}
	})
}

func checkSets(l *linter) {
	l.compares(func(leaf *leaf, e *Compare) {
		if leaf.kind != compareLeaf || e.Quantifier != NoQuantifier {
			return
		}
		if len(leaf.left.literals) > 1 || len(leaf.right.literals) > 1 {
			l.add(Finding{
				ID: "set-without-quantifier", Severity: Warning, At: e.At,
				Message: string(e.Operator) + " without quantifier meets several values",
				Why:     "no page says what it does; write for example ForAnyOfAnyValues:" + string(e.Operator),
				Page:    pageFormat,
			})
		}
	})
}

func checkUtcNow(l *linter) {
	now := newReference(Environment, utcNowName)
	l.compares(func(leaf *leaf, e *Compare) {
		uses := leaf.left.ref.equal(now) || leaf.right.ref.equal(now)
		if uses && e.Operator != "DateTimeLessThan" && e.Operator != "DateTimeGreaterThan" {
			l.add(Finding{
				ID: "utcnow-operator", Severity: Warning, At: e.At,
				Message: operatorText(e) + " is used with UtcNow",
				Why:     "UtcNow takes DateTimeLessThan and DateTimeGreaterThan only", Page: pageBlob,
			})
		}
	})
}

func checkKeyVaultOperators(l *linter) {
	l.compares(func(leaf *leaf, e *Compare) {
		attributes := operandAttributes(e.Left, e.Right)
		if leaf.kind != compareLeaf || len(attributes) == 0 {
			return
		}
		vault := hasKeyPrefix(arm.Fold(attributes[0].Name), "microsoft.keyvault/")
		switch {
		case leaf.op.keyVault && !vault:
			l.add(Finding{
				ID: "keyvault-operator", Severity: Note, At: e.OperatorAt,
				Message: string(e.Operator) + " is documented for Key Vault alone",
				Why:     "another service may refuse it", Page: pageKeyVault,
			})
		case vault && leaf.op.ignoreCase:
			l.add(Finding{
				ID: "keyvault-operator", Severity: Note, At: e.OperatorAt,
				Message: string(e.Operator) + " is not among the operators of Key Vault",
				Why:     "all of them compare with regard to case", Page: pageKeyVault,
			})
		}
	})
}

func checkDeprecated(l *linter) {
	Walk(l.c.root.expr, func(e Expr) {
		s, ok := e.(*SubOperationMatches)
		if ok && equalText(s.Pattern, "Blob.Read.WithTagConditions", true) {
			l.add(Finding{
				ID: "deprecated-suboperation", Severity: Warning, At: s.At,
				Message: s.Pattern + " is deprecated",
				Why:     "target the read of blobs with NOT SubOperationMatches{'Blob.List'} instead", Page: pageBlob,
			})
		}
	})
}

const (
	blobPath      = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path"
	blobPrefix    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:prefix"
	containerName = "Microsoft.Storage/storageAccounts/blobServices/containers:name"
)

// checkPaths finds values of blob paths that name the container or start with a slash.
func checkPaths(l *linter) {
	containers := map[string]bool{}
	l.compares(func(leaf *leaf, e *Compare) {
		if comparesName(e, containerName) && leaf.op.relation == equals {
			for _, s := range leaf.right.literals {
				containers[s.text] = true
			}
		}
	})
	l.compares(func(leaf *leaf, e *Compare) {
		if !comparesName(e, blobPath) && !comparesName(e, blobPrefix) {
			return
		}
		for _, s := range leaf.right.literals {
			first, _, cut := strings.Cut(s.text, "/")
			if cut && (first == "" || containers[first]) {
				l.add(Finding{
					ID: "blob-path", Severity: Error, At: e.Right.Span(),
					Message: "the path " + quote(s.text) + " starts with a slash or with the name of the container",
					Why:     "paths and prefixes of blobs are compared without both", Page: pageBlob,
				})
			}
		}
	})
}

// comparesName reports whether the left side is the attribute of that name.
func comparesName(e *Compare, name string) bool {
	a, ok := e.Left.(Attribute)
	return ok && AttributeKey(a.Name) == AttributeKey(name)
}

// checkLeaves finds comparisons whose value does not depend on the request.
func checkLeaves(l *linter) {
	for _, leaf := range l.c.leaves {
		v := leaf.constant()
		if v == varies {
			continue
		}
		f := Finding{
			ID: "comparison-never-true", Severity: Error, At: leaf.expr.Span(),
			Message: "the comparison never holds", Why: "no value satisfies it",
		}
		if v == always {
			f.ID, f.Message = "comparison-always-true", "the comparison always holds where the attribute is present"
			f.Why = "every value satisfies it, so it restricts nothing"
		}
		if fix := quantifierFix(leaf, v); fix != "" {
			f.Why += "; " + fix
			f.Page = pageDelegate
		}
		l.add(f)
	}
}

// quantifierFix says which quantifier was probably meant: a value differs from one of two
// or more literals always, and equals all of them never.
func quantifierFix(l *leaf, v verdict) string {
	e, _ := l.expr.(*Compare)
	several := l.op.relation == equals && len(l.right.literals) > 1
	switch {
	case several && v == always && l.op.negated && !l.quantifier.allRight():
		return "to exclude all of the values write ForAnyOfAllValues:" + string(e.Operator)
	case several && v == never && !l.op.negated && l.quantifier.allRight():
		return "to permit each of the values write ForAnyOfAnyValues:" + string(e.Operator)
	}
	return ""
}

// checkWhole finds conditions that restrict nothing, or permit nothing, for all operations
// or for one that they name.
func checkWhole(l *linter) {
	trials := l.c.constants()
	if v := sameVerdict(trials); v != varies {
		f := Finding{
			ID: "never-true", Severity: Error, At: l.whole(),
			Message: "the condition never holds", Why: "the role assignment grants nothing",
		}
		if v == always {
			f.ID, f.Severity = "always-true", Error
			f.Message, f.Why = "the condition always holds", "the role assignment is not restricted"
		}
		l.add(f)
		return
	}
	for _, t := range trials {
		if t.leaf == nil {
			continue
		}
		switch t.verdict {
		case always:
			l.add(Finding{
				ID: "action-not-restricted", Severity: Warning, At: t.leaf.expr.Span(),
				Message: "the condition always holds for " + t.leaf.action.String(),
				Why:     "it names the operation and does not restrict it",
			})
		case never:
			l.add(Finding{
				ID: "action-never-permitted", Severity: Warning, At: t.leaf.expr.Span(),
				Message: "the condition never holds for " + t.leaf.action.String(),
				Why:     "the role assignment does not grant it at all",
			})
		case varies:
		}
	}
}

// sameVerdict returns the verdict that all trials share.
func sameVerdict(trials []operationTrial) verdict {
	v := trials[0].verdict
	for _, t := range trials[1:] {
		if t.verdict != v {
			return varies
		}
	}
	return v
}
