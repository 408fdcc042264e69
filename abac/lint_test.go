// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"fmt"
	"strings"
	"testing"
)

// lintIDs returns the findings as "severity id text", where text is the part that is meant.
func lintIDs(tb testing.TB, text string, ctx LintContext) string {
	tb.Helper()
	var lines []string
	for _, f := range Lint(mustParse(tb, text), ctx) {
		at := text
		if f.At.End <= len(text) {
			at = text[f.At.Start:f.At.End]
		}
		if len(at) > 60 {
			at = at[:60] + "..."
		}
		if f.Message == "" || f.Why == "" {
			tb.Errorf("%s says too little: %+v", f.ID, f)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", f.Severity, f.ID, at))
	}
	return strings.Join(lines, "\n")
}

const (
	readLeaf = `ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'}`
	pathLeaf = `@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path]`
	nameLeaf = `@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]`
	roleLeaf = `@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]`
)

func TestLintText(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := lintIDs(t, text, LintContext{Text: text, Version: "2.0"}); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", text, got, want)
		}
	}
	f(delegationText, "")
	f(blobReadText, "")
	f(`Exists @Resource[a] AND Exists @Resource[b] OR Exists @Resource[c]`,
		"warning mixed-and-or Exists @Resource[a] AND Exists @Resource[b]")
	f(`Exists @Resource[a] OR Exists @Resource[b] AND Exists @Resource[c]`,
		"warning mixed-and-or Exists @Resource[b] AND Exists @Resource[c]")
	f(`Exists @Resource[a] OR (Exists @Resource[b] AND Exists @Resource[c])`, "")
	f(`(Exists @Resource[a] OR Exists @Resource[b]) AND Exists @Resource[c]`, "")

	f(`@Resource[a] IpMatch '10.0.0.0/8'`, "warning undocumented IpMatch")
	f(`@Resource[a] ForAnyOfAnyValues:StringStartsWith {'a'}`, "warning undocumented ForAnyOfAnyValues:StringStartsWith")
	f(`Foo{'a'}`, "warning undocumented Foo{'a'}")
	f(`@Resource[Microsoft.Insights/logs/tables/record:A] StringLike 'a*'`, "warning undocumented StringLike")
	f(`ActionMatches{' '}`, "error bad-action ActionMatches{' '}")
	f("@Resource[b/tags:P<`$key_case_sensitive`$>] StringEquals 'x'", "error shell-escape @Resource[b/tags:P<`$key_case_sensitive`$>]")
	f(`@Resource[b/tags:P<\$key_case_sensitive\$>] StringEquals 'x'`, `error shell-escape @Resource[b/tags:P<\$key_case_sensitive\$>]`)
	f(`@Resource[a] NumericEquals 'x' OR Exists @Resource[b]`, "error wrong-type @Resource[a] NumericEquals 'x'")
	f(`@Resource[a] StringEquals {'x', 'y'}`, "warning set-without-quantifier @Resource[a] StringEquals {'x', 'y'}")
	f(`{'x', 'y'} StringEquals @Resource[a]`, "warning set-without-quantifier {'x', 'y'} StringEquals @Resource[a]")
	f(`@Resource[a] StringEquals {'x'}`, "")

	f(`@Environment[UtcNow] DateTimeGreaterThan '2023-04-01T13:00:00.000Z'`, "")
	f(`@Environment[utcnow] DateTimeEquals '2023-04-01T13:00:00.000Z'`,
		"warning utcnow-operator @Environment[utcnow] DateTimeEquals '2023-04-01T13:00:00.000...")
	f(`'2023-04-01T13:00:00.000Z' DateTimeLessThanEquals @Environment[UtcNow]`,
		"warning utcnow-operator '2023-04-01T13:00:00.000Z' DateTimeLessThanEquals @Environme...")

	f(`@Resource[Microsoft.KeyVault/vaults:name] StringContains 'x'`, "")
	f(`@Resource[Microsoft.Storage/storageAccounts:name] StringContains 'x'`, "note keyvault-operator StringContains")
	f(`@Resource[Microsoft.KeyVault/vaults:name] StringEqualsIgnoreCase 'x'`, "note keyvault-operator StringEqualsIgnoreCase")
	f(`SubOperationMatches{'blob.read.withtagconditions'}`,
		"warning deprecated-suboperation SubOperationMatches{'blob.read.withtagconditions'}")
	f(pathLeaf+` StringStartsWith '/logs'`, "error blob-path '/logs'")
	f(pathLeaf+` StringLike 'logs/*'`, "")
	f(pathLeaf+` StringLike 'c1/logs/*' AND `+nameLeaf+` StringEquals 'c1'`, "error blob-path 'c1/logs/*'")
	f(pathLeaf+` StringLike 'c1/logs/*' AND `+nameLeaf+` StringLike 'c1'`, "")
	f(strings.ReplaceAll(pathLeaf, ":path", ":prefix")+` ForAnyOfAnyValues:StringEquals {'a', '/b/'}`, "error blob-path {'a', '/b/'}")
}

func TestLintForm(t *testing.T) {
	f := func(text, want string, ctx LintContext) {
		t.Helper()
		ctx.Text = text
		if got := lintIDs(t, text, ctx); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f("Exists\n@Resource[a]", "note line-break \n", LintContext{})
	f("Exists\r\n@Resource[Microsoft.KeyVault/vaults:name]", "warning line-break \r", LintContext{})
	f("ActionMatches{'Microsoft.KeyVault/vaults/secrets/delete'}\nAND Exists @Resource[a]",
		"warning line-break \n", LintContext{})
	long := `@Resource[a] StringEquals '` + strings.Repeat("x", DocumentedLength) + `'`
	f(long, "error too-long "+strings.Repeat("x", 27)+"'", LintContext{})
	f(`Exists @Resource[a]`, "warning condition-version Exists @Resource[a]", LintContext{Version: "1.0"})
	f(`Exists @Resource[a]`, "", LintContext{Version: "1.0", InRole: true})
	six := strings.Repeat("Exists @Resource[a] AND ", 5) + "Exists @Resource[a]"
	f(six, "note visual-editor "+six[:60]+"...", LintContext{})
	f(six, "", LintContext{InRole: true})
	f(`Exists @Resource[a]`, "warning no-effect Exists @Resource[a]", LintContext{Unconditioned: []string{"ra-1", "ra-2"}})
}

func TestLintConstants(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := lintIDs(t, text, LintContext{}); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", text, got, want)
		}
	}
	leafAlways, leafNever := "error comparison-always-true ", "error comparison-never-true "
	const two = `{8e3af657-a8ff-443c-a75c-2fe8c4bcb635, 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9}`
	// One value always differs from one of two.
	always := roleLeaf + ` ForAnyOfAnyValues:GuidNotEquals ` + two
	f(always, leafAlways+always[:60]+"...")
	f(roleLeaf+` ForAnyOfAllValues:GuidNotEquals `+two, "")
	f(roleLeaf+` ForAnyOfAnyValues:GuidNotEquals {8e3af657-a8ff-443c-a75c-2fe8c4bcb635}`, "")
	f(roleLeaf+` ForAnyOfAnyValues:GuidNotEquals {8e3af657-a8ff-443c-a75c-2fe8c4bcb635, 8e3af657a8ff443ca75c2fe8c4bcb635}`, "")
	all := roleLeaf + ` ForAllOfAllValues:GuidEquals ` + two
	f(all, "error comparison-never-true "+all[:60]+"...\nerror never-true "+all[:60]+"...")
	f(`@Resource[a] ForAllOfAllValues:StringEquals {'x', 'y'}`, leafNever+`@Resource[a] ForAllOfAllValues:StringEquals {'x', 'y'}`)
	f(`@Resource[a] ForAllOfAnyValues:StringNotEquals {'x', 'y'}`, leafAlways+`@Resource[a] ForAllOfAnyValues:StringNotEquals {'x', 'y'}`)
	f(nameLeaf+` StringLike '**'`, leafAlways+nameLeaf[:60]+"...")
	f(nameLeaf+` StringNotLike '*'`, leafNever+nameLeaf[:60]+"...")
	f(nameLeaf+` StringStartsWith ''`, leafAlways+nameLeaf[:60]+"...")
	f(nameLeaf+` StringLike ''`, "")
	f(nameLeaf+` StringLike @Request[a]`, "")
	f(`@Resource[Microsoft.X/y:n] NumericLessThan -9223372036854775808`,
		leafNever+"@Resource[Microsoft.X/y:n] NumericLessThan -9223372036854775...\n"+
			"error never-true @Resource[Microsoft.X/y:n] NumericLessThan -9223372036854775...")
	f(`@Resource[Microsoft.X/y:n] NumericLessThanEquals 9223372036854775807`,
		leafAlways+"@Resource[Microsoft.X/y:n] NumericLessThanEquals 92233720368...")
	f(`1 NumericEquals 1`, "error always-true 1 NumericEquals 1\n"+leafAlways+"1 NumericEquals 1")
	f(`'a' StringEqualsIgnoreCase 'b' OR Exists @Resource[Microsoft.X/y:n]`, leafNever+"'a' StringEqualsIgnoreCase 'b'")

	// Whole conditions.
	whole := func(text string) string {
		return text[:min(len(text), 60)] + map[bool]string{true: "..."}[len(text) > 60]
	}
	contradiction := nameLeaf + ` StringEquals 'a' AND ` + nameLeaf + ` StringEquals 'b'`
	f(contradiction, "error never-true "+whole(contradiction))
	f(nameLeaf+` StringEquals 'a' AND `+nameLeaf+` StringLike 'b'`, "") // patterns are not reasoned about
	f(nameLeaf+` StringEquals 'a' AND `+nameLeaf+` StringEqualsIgnoreCase 'A'`, "")
	tautology := nameLeaf + ` StringEqualsIgnoreCase 'a' OR ` + nameLeaf + ` StringNotEqualsIgnoreCase 'A' OR NOT Exists ` + nameLeaf
	f(tautology, "error always-true "+whole(tautology))
	f(nameLeaf+` StringEqualsIgnoreCase 'a' OR `+nameLeaf+` StringNotEqualsIgnoreCase 'b'`, "") // absent
	dates := `@Environment[UtcNow] DateTimeLessThan '2022-01-01T00:00:00Z' AND @Environment[UtcNow] DateTimeGreaterThan '2022-01-01T00:00:00Z'`
	f(dates, "error never-true "+whole(dates))
	between := `@Environment[UtcNow] DateTimeLessThan '2022-01-01T00:00:00.0000002Z' AND @Environment[UtcNow] DateTimeGreaterThan '2022-01-01T00:00:00Z'`
	f(between, "")
	flags := `@Environment[isPrivateLink] BoolEquals true AND @Environment[isPrivateLink] BoolEquals false`
	f(flags, "error never-true "+whole(flags))
	f(`SubOperationMatches{'a'} AND SubOperationMatches{'b'}`, "") // a request may have both
	f(`SubOperationMatches{'a'} OR NOT SubOperationMatches{'A'}`,
		"error always-true SubOperationMatches{'a'} OR NOT SubOperationMatches{'A'}")
	f(`SubOperationMatches{'a*'} OR NOT SubOperationMatches{'a*'}`, "") // patterns are free
	f(`@Principal[a] ForAnyOfAnyValues:StringEquals {'x'} AND @Principal[a] ForAnyOfAnyValues:StringEquals {'y'}`, "")
	lists := `@Principal[a] ForAllOfAnyValues:StringEquals {'x'} AND @Principal[a] ForAnyOfAnyValues:StringEquals {'y'}`
	f(lists, "error never-true "+whole(lists))
	f(`@Principal[a] StringEquals 'x' AND @Principal[a] StringEquals 'y'`, "") // it may have two values
	f(`@Principal[a] ForAllOfAnyValues:StringEquals {'1', '2', '3', '4', '5', '6', '7', '8'} AND `+
		`@Principal[a] ForAnyOfAnyValues:StringEquals {'y'}`, "") // too many classes to try
	f(`@Resource[a] NumericEquals 1 AND @Resource[a] StringEquals 'x'`, "")
	f(`@Resource[a] StringEquals @Request[a] AND @Resource[a] StringNotEquals @Request[a]`, "")
	f(`Foo{'a'} OR NOT Foo{'a'}`, "warning undocumented Foo{'a'}\nwarning undocumented Foo{'a'}")

	// Single operations.
	one := `!(` + readLeaf + `) OR ` + contradiction
	f("("+one[:strings.Index(one, " OR ")]+") OR ("+contradiction+")", "warning action-never-permitted "+readLeaf[:60]+"...")
	f(`!(`+readLeaf+`) OR NOT Exists @Resource[Microsoft.X/q] OR Exists @Resource[Microsoft.X/q]`,
		"error always-true "+whole(`!(`+readLeaf+`) OR NOT Exists @Resource[Microsoft.X/q] OR Exists @Resource[Microsoft.X/q]`))
	f(`(`+readLeaf+` OR Exists @Resource[q])`, "warning action-not-restricted "+readLeaf[:60]+"...")
	f(`ActionMatches{'a/b'} AND ActionMatches{'a/c'}`, "error never-true ActionMatches{'a/b'} AND ActionMatches{'a/c'}")
	f(`ActionMatches{'a/*'} AND ActionMatches{'*/c'} AND Exists @Resource[q]`, "")
	f(`ActionMatches{'a/*'} OR NOT ActionMatches{'A/*'}`, "error always-true ActionMatches{'a/*'} OR NOT ActionMatches{'A/*'}")
	f(`ActionMatches{'a'} AND Exists @Resource[q]`, "error never-true ActionMatches{'a'} AND Exists @Resource[q]")

	// More than can be tried is not judged.
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("Exists @Resource[q%d]", i))
	}
	f(strings.Join(many, " AND ")+" AND NOT Exists @Resource[q0]", "note visual-editor Exists @Resource[q0] AND Exists @Resource[q1] AND Exists @Re...")
}

// A text as long as Parse accepts is judged in little time, or not at all.
func TestLintHostile(t *testing.T) {
	f := func(first, again, last string) {
		t.Helper()
		n := (MaxLength - len(first) - len(last)) / len(again)
		text := first + strings.Repeat(again, n) + last
		for _, f := range Lint(mustParse(t, text), LintContext{}) {
			if f.ID == "always-true" || f.ID == "never-true" {
				t.Errorf("%s...: %s", text[:60], f.Message)
			}
		}
	}
	f("@Resource[Microsoft.X/y:n] NumericLessThan 0", " OR @Resource[Microsoft.X/y:n] NumericEquals 1", "")
	f("@Resource[Microsoft.X/y:n] ForAnyOfAnyValues:NumericEquals {7", ",7", "}")
	f("Exists @Resource[Microsoft.X/y:n]", " OR ActionMatches{'a/b'}", "")
	var b strings.Builder
	b.WriteString("(Exists @Resource[Microsoft.X/y:n]")
	for i := range 2000 {
		fmt.Fprintf(&b, " OR ActionMatches{'a/%d'}", i)
	}
	b.WriteString(")")
	for i := range 11 {
		fmt.Fprintf(&b, " AND Exists @Resource[Microsoft.X/y:n%d]", i)
	}
	f(b.String(), " ", "")
}

func TestFreshGUID(t *testing.T) {
	var items []string
	for i := range 257 {
		items = append(items, fmt.Sprintf("00000000-0000-0000-0000-%012x", i))
	}
	text := roleLeaf + ` ForAnyOfAnyValues:GuidEquals {` + strings.Join(items, ", ") + `}`
	if got := lintIDs(t, text, LintContext{}); got != "" {
		t.Errorf("got %s", got)
	}
}

func permissions(tb testing.TB, actions, dataActions string) *Permissions {
	tb.Helper()
	return &Permissions{
		Actions: patterns(tb, strings.Fields(actions)...), DataActions: patterns(tb, strings.Fields(dataActions)...),
	}
}

func TestLintRole(t *testing.T) {
	f := func(text string, ctx LintContext, want ...string) {
		t.Helper()
		var got []string
		for _, f := range Lint(mustParse(t, text), ctx) {
			got = append(got, f.Severity.String()+" "+f.ID)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s\ngot %v\nwant %v", text, got, want)
		}
	}
	target := func(verbs ...string) string {
		var parts []string
		for _, v := range verbs {
			parts = append(parts, "!(ActionMatches{'"+blobs+v+"'})")
		}
		return "((" + strings.Join(parts, " AND ") + ") OR (" + nameLeaf + " StringEquals 'c'))"
	}
	contributor := permissions(t, "", blobs+"read "+blobs+"write "+blobs+"add/action "+blobs+"delete")
	owner := permissions(t, "", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*")

	f(target("write"), LintContext{Role: contributor}, "error blob-create-untargeted")
	f(target("add/action"), LintContext{Role: contributor}, "error blob-create-untargeted")
	f(target("write", "add/action"), LintContext{Role: contributor})
	f(target("read"), LintContext{Role: contributor})
	f(target("write"), LintContext{})
	noAdd := permissions(t, "", blobs+"*")
	noAdd.NotDataActions = patterns(t, blobAdd, blobSuperUser)
	f(target("write"), LintContext{Role: noAdd})

	f(target("read"), LintContext{Role: owner, HierarchicalNamespace: True}, "error super-user-untargeted")
	f(target("delete"), LintContext{Role: owner}, "warning super-user-untargeted")
	f(target("read"), LintContext{Role: owner, HierarchicalNamespace: False})
	f(target("read", "runAsSuperUser/action"), LintContext{Role: owner, HierarchicalNamespace: True})
	f(target("tags/write"), LintContext{Role: owner, HierarchicalNamespace: True})

	grantor := permissions(t, "Microsoft.Authorization/roleAssignments/*", "")
	const backup = `{5e467623-bb1f-42f4-a55d-6e525e11384b}`
	deleteByRequest := `(!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'}) OR ` + roleLeaf + ` ForAnyOfAnyValues:GuidEquals ` + backup + `)`
	f(deleteByRequest, LintContext{}, "error assignment-source")
	f(deleteByRequest, LintContext{Role: grantor}, "error grantor-role-grantable", "error assignment-source")
	writeByResource := `(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR ` +
		`@Resource[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User')`
	f(writeByResource, LintContext{}, "error assignment-source")
	f(delegationText, LintContext{Role: grantor})

	allow := func(op, set string) string {
		return `(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR ` + roleLeaf + ` ` + op + ` ` + set + `)`
	}
	const three = `{8e3af657-a8ff-443c-a75c-2fe8c4bcb635, f58310d9-a9f6-439a-9e8d-f62e7b41a168, 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9}`
	f(allow("ForAnyOfAllValues:GuidNotEquals", three), LintContext{})
	f(allow("ForAnyOfAnyValues:GuidEquals", three), LintContext{}, "error grantor-role-grantable")
	f(allow("ForAnyOfAnyValues:GuidNotEquals", three), LintContext{}, "error grantor-role-grantable", "error comparison-always-true")
	f(`(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR @Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User')`,
		LintContext{}, "warning grantor-role-grantable")
	f(allow("ForAnyOfAnyValues:GuidEquals", backup), LintContext{Role: permissions(t, "", blobs+"read")}, "error attribute-not-carried", "error guid-on-storage")
	f(allow("ForAnyOfAnyValues:GuidEquals", backup), LintContext{Role: permissions(t, "Microsoft.Authorization/roleAssignments/write", blobs+"read")},
		"error guid-on-storage")

	secret := `@Resource[Microsoft.KeyVault/vaults/secrets:name] StringEquals 'a'`
	f(secret, LintContext{Role: permissions(t, "", "Microsoft.KeyVault/vaults/keys/*")}, "error attribute-not-carried")
	f(secret, LintContext{Role: permissions(t, "", "Microsoft.KeyVault/vaults/*")})
	f(secret, LintContext{Role: permissions(t, "*", "")}, "warning grantor-role-grantable")
	f(`@Resource[Microsoft.KeyVault/vaults:name] StringEquals 'a'`, LintContext{Role: permissions(t, "", "Microsoft.KeyVault/vaults/keys/*")})
	f(`@Resource[Microsoft.KeyVault/vaults:name] StringEquals 'a' AND `+secret, LintContext{Role: contributor},
		"error attribute-not-carried", "error attribute-not-carried")
	f(pathLeaf+` StringEquals 'a' AND `+nameLeaf+` StringEquals 'b'`, LintContext{Role: permissions(t, "", "Microsoft.Storage/storageAccounts/fileServices/*")},
		"error attribute-not-carried") // one for all attributes of one kind
	f(`@Environment[Microsoft.Network/privateEndpoints] StringEquals 'a' AND @Principal[Microsoft.Directory/CustomSecurityAttributes/Id:a_b] StringEquals 'c' AND Exists @Resource[x]`,
		LintContext{Role: contributor})
}

func TestLintOrder(t *testing.T) {
	found := Lint(mustParse(t, `Foo{'a'} AND Bar{'b'} OR Exists @Resource[a]`), LintContext{Version: "1.0"})
	var ids []string
	for _, f := range found {
		ids = append(ids, f.ID)
	}
	if got := strings.Join(ids, " "); got != "condition-version mixed-and-or undocumented undocumented" {
		t.Errorf("got %s", got)
	}
	if compareText("a", "b") != -1 || compareText("b", "a") != 1 || compareText("a", "a") != 0 {
		t.Error("compareText")
	}
}
