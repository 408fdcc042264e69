// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// What stands at a boundary: the first number without a name, the last letter, the longest
// text, the deepest nesting. Mutation testing found that nothing asked for these.

func TestNumbersWithoutAName(t *testing.T) {
	f := func(first fmt.Stringer, want string) {
		t.Helper()
		if got := first.String(); got != want {
			t.Errorf("%T says %q, want %q", first, got, want)
		}
	}
	f(Source(len(sourceNames)), "")
	f(Quantifier(len(quantifierNames)), "")
	f(Presence(len(presenceNames)), "invalid")
	f(Reason(len(reasonNames)), "invalid")
	f(Severity(len(severityNames)), "invalid")
	f(NeedKind(len(needNames)), "invalid")
	f(Truth(len(truthNames)), "invalid")
	f(Kind(len(kindNames)), "invalid")
	var e Env
	e.Close(Source(len(e.closed))) // of no source that there is
	if e.closed != [len(e.closed)]bool{} {
		t.Errorf("closed %v", e.closed)
	}
}

func TestLastLetters(t *testing.T) {
	for c := range 256 {
		letter := strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(c))
		if isLetter(byte(c)) != letter {
			t.Errorf("isLetter(%q) is %t", rune(c), !letter)
		}
		if c < 128 && foldRune(rune(c)) != []rune(strings.ToLower(string(rune(c))))[0] {
			t.Errorf("foldRune(%q) is %q", rune(c), foldRune(rune(c)))
		}
	}
}

func TestTextsAtTheirEnd(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", text, err, want)
		}
	}
	f(`@Resource[a] StringEquals 'x\`, "a closing quote")
	f("@Resource[\x01a] StringEquals 'x'", "without control characters")
	deep := func(n int) string { return strings.Repeat("(", n) + "Exists @Resource[a]" + strings.Repeat(")", n) }
	if _, err := Parse(deep(MaxDepth - 1)); err != nil {
		t.Errorf("as deep as is allowed: %v", err)
	}
	f(deep(MaxDepth), "inside each other")
}

func TestLintAtBoundaries(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := lintIDs(t, text, LintContext{Text: text, Version: "2.0"}); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", text[:min(80, len(text))], got, want)
		}
	}
	prefix := `@Resource[a] StringEquals '`
	f(prefix+strings.Repeat("x", DocumentedLength-len(prefix)-1)+"'", "")
	f(strings.Repeat("Exists @Resource[a] AND ", 4)+"Exists @Resource[b]", "")
	f(strings.Repeat("Exists @Resource[a] AND ", 4)+"ActionMatches{'*'} AND ActionMatches{'a/b'} AND Exists @Resource[b]", "")
	// Numbers around a literal, and the smallest and the largest.
	for _, op := range []string{"NumericLessThan", "NumericGreaterThan", "NumericEquals", "NumericNotEquals"} {
		for _, n := range []int64{5, -5, 0, 1} {
			f(fmt.Sprintf("@Resource[a] %s %d", op, n), "")
		}
	}
	f(fmt.Sprintf("@Resource[a] NumericGreaterThanEquals 0 OR @Resource[a] NumericLessThan %d", int64(math.MinInt64+1)), "")
	f(fmt.Sprintf("@Resource[a] NumericLessThan %d AND @Resource[a] NumericGreaterThan %d", 5, 3), "")
	f("@Resource[a] GuidNotEquals 00000000000000000000000000000000", "")
}

func TestWholeNumbers(t *testing.T) {
	f := func(v float64, ok bool) {
		t.Helper()
		if _, err := ValueOf(v); (err == nil) != ok {
			t.Errorf("ValueOf(%v): %v", v, err)
		}
	}
	// From 2^53 on, a float64 may stand for more than one whole number.
	f(1<<53-1, true)
	f(1<<53, false)
	f(-(1<<53 - 1), true)
	f(-(1 << 53), false)
}

func TestAttributesOfExists(t *testing.T) {
	c, err := CompileText("Exists @Resource[a] OR @Request[b] StringEquals 'x'")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Attributes()); !strings.Contains(got, "a") || len(c.Attributes()) != 2 {
		t.Errorf("the attributes are %s", got)
	}
}

// The request that makes a role assignment has no suboperation, and that is known.
func TestRoleAssignmentsHaveNoSubOperation(t *testing.T) {
	c, err := CompileText("SubOperationMatches{'x'}")
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range []*Env{(RoleAssignment{}).WriteEnv(), (RoleAssignment{}).DeleteEnv()} {
		if got := c.Eval(env); got != False {
			t.Errorf("%s", got)
		}
	}
}

// A finding says what is particular about its case.
func TestWordsOfFindings(t *testing.T) {
	text := "ActionMatches{'Microsoft.KeyVault/vaults/secrets/delete'}\nAND Exists @Resource[a]"
	found := Lint(mustParse(t, text), LintContext{Text: text, Version: "2.0"})
	if len(found) != 1 || !strings.Contains(found[0].Why, "Key Vault") || !strings.Contains(found[0].Page, "key-vault") {
		t.Errorf("%+v", found)
	}
	text = `@Resource[Microsoft.Insights/logs/tables/record:A] StringLike 'a*'`
	if found = Lint(mustParse(t, text), LintContext{Text: text, Version: "2.0"}); len(found) != 1 || !strings.Contains(found[0].Message, "Log Analytics") {
		t.Errorf("%+v", found)
	}
	if found = Lint(mustParse(t, "1 NumericEquals 1"), LintContext{}); len(found) != 2 || found[0].Message != "the condition always holds" && found[1].Message != "the condition always holds" {
		t.Errorf("%+v", found)
	}
}

// A date before 1970 with a fraction is printed as it was read.
func TestDatesBefore1970(t *testing.T) {
	for _, date := range []string{"1969-12-31T23:59:59.5000000Z", "1969-12-31T23:59:59.0000000Z", "1970-01-01T00:00:00.0000001Z"} {
		at, err := time.Parse(time.RFC3339Nano, date)
		if err != nil {
			t.Fatal(err)
		}
		if got := ticksText(ticksOf(at)); got != date {
			t.Errorf("%s is printed as %s", date, got)
		}
	}
}

// Whether a role that can give every role is surely grantable, or perhaps, is told apart.
func TestWordsOfGrantableRoles(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		found := Lint(mustParse(t, text), LintContext{})
		if len(found) == 0 || !strings.Contains(found[0].Why, want) {
			t.Errorf("%s: %+v", text, found)
		}
	}
	const owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	f("!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR "+roleLeaf+" GuidEquals '"+owner+"'", "exclude it")
	f("!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR ("+roleLeaf+" GuidEquals '"+owner+"' AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User')",
		"hangs on more than the role")
}
