// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet/arm"
)

func evalIn(tb testing.TB, text string, env *Env) Truth {
	tb.Helper()
	return mustCompile(tb, text).Eval(env)
}

// checkOperator compares one attribute, x.
func checkOperator(t *testing.T, cond string, value any, want Truth) {
	t.Helper()
	if got := evalIn(t, cond, closedWorld(t, "", "Resource x", value)); got != want {
		t.Errorf("%s with x = %v: %v, want %v", cond, value, got, want)
	}
}

func TestStringOperators(t *testing.T) {
	strs := func(op, arg, value string, want Truth) {
		t.Helper()
		checkOperator(t, `@Resource[x] String`+op+` '`+arg+`'`, value, want)
		checkOperator(t, `@Resource[x] StringNot`+op+` '`+arg+`'`, value, want.Not())
	}
	strs("Equals", "a", "a", True)
	strs("Equals", "a", "A", False)
	strs("Equals", "a", "ab", False)
	strs("Equals", "ab", "a", False)
	strs("EqualsIgnoreCase", "a", "A", True)
	strs("EqualsIgnoreCase", "straße", "STRAßE", True)
	strs("EqualsIgnoreCase", "\u212a", "k", False) // the Kelvin sign is no k
	strs("EqualsIgnoreCase", "éa", "ÉA", True)
	strs("EqualsIgnoreCase", "ab", "a", False)
	strs("StartsWith", "app-", "app-1", True)
	strs("StartsWith", "app-", "App-1", False)
	strs("StartsWith", "app-", "app", False)
	strs("StartsWithIgnoreCase", "app-", "APP-1", True)
	strs("StartsWithIgnoreCase", "app-", "AP", False)
	strs("StartsWithIgnoreCase", "app-", "bpp-1", False)
	strs("EndsWith", "-prod", "a-prod", True)
	strs("EndsWith", "-prod", "a-PROD", False)
	strs("Contains", "b", "abc", True)
	strs("Contains", "B", "abc", False)
	strs("Like", "a*c?", "abcd", True)
	strs("Like", "A*C?", "abcd", False)
	strs("Like", "a*c", "abcd", False)
	strs("LikeIgnoreCase", "A*C?", "abcd", True)
	strs("Like", "*", "", True)
	strs("Like", "?", "", False)
	strs("Like", "?", "é", True)
	strs("Like", "a*b*c", "aXbXbXc", True)
	strs("Like", "a*b*c", "aXbXbX", False)
	strs("Like", `a\*`, "a*", True)
	strs("Like", `a\*`, "ab", False)
	strs("Like", `a\?`, "a?", True)
	strs("Like", `a\?`, "ab", False)
	strs("Like", `a\\`, `a\`, True)
	strs("Like", `a\b`, `a\b`, True)
	strs("Like", `it\'s*`, `it's so`, True)
	strs("Like", "readonly/*", "readonly/a/b", True)
	strs("Like", "abc", "ab", False)
	strs("Like", "ab**", "ab", True)
}

func TestTypedOperators(t *testing.T) {
	f := func(cond string, value any, want Truth) {
		t.Helper()
		checkOperator(t, cond, value, want)
	}
	both := func(positive, negative string, value any, want Truth) {
		t.Helper()
		f(positive, value, want)
		f(negative, value, want.Not())
	}
	num := func(op, arg string, value any, want Truth) {
		t.Helper()
		f(`@Resource[x] Numeric`+op+` `+arg, value, want)
	}
	num("Equals", "5", 5.0, True)
	num("Equals", "5", "5", True)
	num("Equals", "5", 6.0, False)
	num("NotEquals", "5", 6.0, True)
	num("LessThan", "5", 5.0, False)
	num("LessThan", "-5", -6.0, True)
	num("LessThanEquals", "5", 5.0, True)
	num("LessThanEquals", "5", 6.0, False)
	num("GreaterThan", "5", 5.0, False)
	num("GreaterThan", "-9223372036854775808", -5.0, True)
	num("GreaterThanEquals", "5", 5.0, True)
	num("GreaterThanEquals", "5", 4.0, False)
	num("Equals", "5", "five", False)
	num("NotEquals", "5", "five", False) // a wrong type fails, it does not differ
	num("Equals", "5", true, False)

	date := func(op, arg string, value any, want Truth) {
		t.Helper()
		f(`@Resource[x] DateTime`+op+` '`+arg+`'`, value, want)
	}
	date("Equals", "2022-06-01T00:00:00.0Z", "2022-06-01T00:00:00.0000000Z", True)
	date("Equals", "2022-06-01T23:38:32.8883645Z", "2022-06-01T23:38:32.8883646Z", False)
	date("NotEquals", "2022-06-01T00:00:00Z", "2022-06-01T00:00:00.0000001Z", True)
	date("LessThan", "2022-06-01T00:00:00.0Z", "2022-05-31T23:59:59.9999999Z", True)
	date("LessThanEquals", "2022-06-01T00:00:00.0Z", "2022-06-01T00:00:00Z", True)
	date("GreaterThan", "2023-04-01T13:00:00.000Z", "2023-04-01T13:00:00.0Z", False)
	date("GreaterThanEquals", "2023-04-01T13:00:00.000Z", "2023-04-01T13:00:00.0Z", True)
	date("Equals", "2022-06-01T00:00:00.0Z", Time(time.Date(2022, 6, 1, 2, 0, 0, 0, time.FixedZone("x", 7200))), True)
	date("Equals", "2022-06-01", "2022-06-01", False) // not a date of conditions
	date("Equals", "2022-06-01T00:00:00.0Z", 5.0, False)

	both(`@Resource[x] BoolEquals true`, `@Resource[x] BoolNotEquals true`, true, True)
	both(`@Resource[x] BoolEquals true`, `@Resource[x] BoolNotEquals true`, false, False)
	both(`@Resource[x] BoolEquals 'True'`, `@Resource[x] BoolNotEquals true`, "TRUE", True)
	f(`@Resource[x] BoolEquals true`, "yes", False)
	f(`@Resource[x] BoolEquals true`, 1.0, False)

	const owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	guid := func(value any, want Truth) {
		t.Helper()
		both(`@Resource[x] GuidEquals '`+owner+`'`, `@Resource[x] GuidNotEquals 8E3AF657a8ff443ca75c2fe8c4bcb635`, value, want)
	}
	guid(owner, True)
	guid("8E3AF657A8FF443CA75C2FE8C4BCB635", True)
	guid("/providers/Microsoft.Authorization/roleDefinitions/"+owner, True)
	guid(GUID("/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/"+owner), True)
	guid("8e3af657-a8ff-443c-a75c-2fe8c4bcb636", False)
	f(`@Resource[x] GuidEquals '`+owner+`'`, "Owner", False)
	f(`@Resource[x] GuidNotEquals '`+owner+`'`, "Owner", False)
	f(`@Resource[x] GuidNotEquals '`+owner+`'`, 5.0, False)
	f(`@Resource[x] GuidEquals 'Owner'`, owner, False)
	f(`@Resource[x] StringEquals '`+owner+`'`, GUID(owner), True)
	f(`@Resource[x] StringEquals 'a'`, 5.0, False)
	f(`@Resource[x] StringEquals true`, "true", False)
}

func TestUndocumented(t *testing.T) {
	f := func(cond string) {
		t.Helper()
		env := closedWorld(t, "a/b", "Resource x", "a")
		if got := evalIn(t, cond, env); got != Unknown {
			t.Errorf("%s: %v, want unknown", cond, got)
		}
		if got := evalIn(t, "!("+cond+")", env); got != Unknown {
			t.Errorf("NOT %s: %v, want unknown", cond, got)
		}
		if got := evalIn(t, cond+" OR Exists @Resource[x]", env); got != True {
			t.Errorf("%s OR true: %v", cond, got)
		}
		if got := evalIn(t, cond+" AND Exists @Resource[y]", env); got != False {
			t.Errorf("%s AND false: %v", cond, got)
		}
	}
	f(`@Environment[UtcNow] TimeOfDayLessThan '12:00'`)
	f(`@Request[ip] IpMatch '10.0.0.0/8'`)
	f(`@Resource[x] ListContains 'a'`)
	f(`@Resource[x] DateEquals 'a'`)
	f(`@Resource[x] In {'a'}`)
	f(`@Resource[x] ForNoneOfAnyValues:StringEquals {'a'}`)
	f(`@Resource[x] ForAnyOfAnyValues:StringStartsWith {'a'}`)
	f(`@Resource[x] ForAnyOfAnyValues:DateTimeEquals {'a'}`)
	f(`@Resource[x] ForAnyOfAnyValues:BoolEquals {true}`)
	f(`@Resource[x] ForAnyOfAnyValues:StringContains {'a'}`)
	f(`@Resource[x] StringContainsIgnoreCase 'a'`)
	f(`Something{'a'}`)
	f(`ActionMatches{''}`)
	f(`@Resource[Microsoft.OperationalInsights/workspaces/tables/record:A<$key_case_sensitive$>] StringLike 'a*'`)
	f(`@Resource[Microsoft.Insights/logs/tables/record:A<$key_case_sensitive$>] StringLike @Resource[x]`)
}

func TestQuantifiers(t *testing.T) {
	f := func(cond string, want Truth) {
		t.Helper()
		env := closedWorld(t, "", "Resource none", Value{}, "Resource two", Strings("red", "blue"), "Resource mixed", List(Int(1), String("a")))
		if got := evalIn(t, cond, env); got != want {
			t.Errorf("%s: %v, want %v", cond, got, want)
		}
	}
	// The examples of conditions-format.md.
	f(`{'red', 'blue'} ForAnyOfAnyValues:StringEquals {'blue', 'green'}`, True)
	f(`{'red', 'blue'} ForAnyOfAnyValues:StringEquals {'orange', 'green'}`, False)
	f(`{'red', 'blue'} ForAllOfAnyValues:StringEquals {'orange', 'red', 'blue'}`, True)
	f(`{'red', 'blue'} ForAllOfAnyValues:StringEquals {'red', 'green'}`, False)
	f(`{10, 20} ForAnyOfAllValues:NumericLessThan {15, 18}`, True)
	f(`{10, 20} ForAllOfAllValues:NumericLessThan {5, 15, 18}`, False)
	f(`{10, 20} ForAllOfAllValues:NumericLessThan {25, 30}`, True)
	f(`{10, 20} ForAllOfAllValues:NumericLessThan {15, 25, 30}`, False)

	f(`@Resource[two] ForAllOfAnyValues:StringEqualsIgnoreCase {'RED', 'BLUE'}`, True)
	f(`{'x', 'blue'} ForAnyOfAnyValues:StringEquals @Resource[two]`, True)
	f(`{'x', 'blue'} ForAllOfAnyValues:StringEquals @Resource[two]`, False)
	f(`@Resource[two] ForAnyOfAllValues:StringEquals @Resource[two]`, False)
	f(`@Resource[two] ForAllOfAnyValues:StringEquals @Resource[two]`, True)

	// Nothing on the left: each of none, some of none.
	f(`@Resource[none] ForAnyOfAnyValues:StringEquals {'a'}`, False)
	f(`@Resource[none] ForAnyOfAllValues:StringEquals {'a'}`, False)
	f(`@Resource[none] ForAllOfAnyValues:StringEquals {'a'}`, True)
	f(`@Resource[none] ForAllOfAllValues:StringEquals {'a'}`, True)
	f(`{'a'} ForAnyOfAnyValues:StringEquals @Resource[none]`, False)
	f(`{'a'} ForAllOfAllValues:StringEquals @Resource[none]`, True)
	f(`{'a'} ForAnyOfAllValues:StringEquals @Resource[none]`, True)

	// An attribute that is absent is not one without values.
	f(`@Resource[absent] ForAllOfAnyValues:StringEquals {'a'}`, False)
	f(`{'a'} ForAllOfAllValues:StringEquals @Resource[absent]`, False)

	// Wrong types fail whole comparisons.
	f(`@Resource[mixed] ForAnyOfAnyValues:StringEquals {'a'}`, False)
	f(`{'a'} ForAnyOfAnyValues:StringEquals @Resource[mixed]`, False)
	f(`@Resource[two] ForAnyOfAnyValues:NumericEquals {1}`, False)

	// Without quantifier several values have no documented meaning; none fails.
	f(`@Resource[two] StringEquals 'red'`, Unknown)
	f(`@Resource[two] StringNotEquals 'red'`, Unknown)
	f(`'red' StringEquals @Resource[two]`, Unknown)
	f(`{'red'} StringEquals 'red'`, True)
	f(`@Resource[none] StringEquals 'red'`, False)
	f(`'red' StringEquals @Resource[none]`, False)
	f(`Exists @Resource[two]`, True)
	f(`Exists @Resource[none]`, Unknown)
}

func TestPresence(t *testing.T) {
	f := func(cond string, absent, notKnown, strictNot Truth) {
		t.Helper()
		none := closedWorld(t, "")
		if got := evalIn(t, cond, none); got != absent {
			t.Errorf("%s, absent: %v, want %v", cond, got, absent)
		}
		if got := evalIn(t, "!("+cond+")", none); got != strictNot {
			t.Errorf("NOT %s, absent, strict: %v, want %v", cond, got, strictNot)
		}
		compatible := closedWorld(t, "")
		compatible.Mode = Compatible
		if got := evalIn(t, "!("+cond+")", compatible); got != absent.Not() {
			t.Errorf("NOT %s, absent, compatible: %v, want %v", cond, got, absent.Not())
		}
		if got := evalIn(t, cond, &Env{}); got != notKnown {
			t.Errorf("%s, not known: %v, want %v", cond, got, notKnown)
		}
	}
	f(`@Request[a] StringEquals 'x'`, False, Unknown, Unknown)
	f(`@Request[a] StringNotEquals 'x'`, False, Unknown, Unknown)
	f(`'x' StringEquals @Request[a]`, False, Unknown, Unknown)
	f(`@Request[a] NumericEquals 'x'`, False, False, Unknown) // no value can satisfy it
	f(`Exists @Request[a]`, False, Unknown, True)
	f(`SubOperationMatches{'Blob.List'}`, False, Unknown, True)
	f(`@Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'Blob.List'}`, False, Unknown, Unknown)

	if got := evalIn(t, `!!(@Request[a] StringEquals 'x')`, closedWorld(t, "")); got != False {
		t.Errorf("twice negated: %v, want false", got)
	}
	mixed := `@Request[a] StringEquals @Resource[b]`
	env := openWorld(t, "", "Request a", nil)
	if got := evalIn(t, mixed, env); got != False {
		t.Errorf("one side absent, the other not known: %v, want false", got)
	}
	env = openWorld(t, "", "Request a", "x")
	if got := evalIn(t, mixed, env); got != Unknown {
		t.Errorf("one side known, the other not: %v, want unknown", got)
	}
	env = closedWorld(t, "")
	env.SetNotKnown(Request, "a")
	if got := evalIn(t, `Exists @Request[A]`, env); got != Unknown {
		t.Errorf("not known in a closed world: %v, want unknown", got)
	}
	env = &Env{}
	env.Close(Request, Source(0), Source(99))
	if got := evalIn(t, `Exists @Request[a] OR Exists @Resource[a]`, env); got != Unknown {
		t.Errorf("one source closed: %v, want unknown", got)
	}
	if got := evalIn(t, `Exists @Request[a]`, env); got != False {
		t.Errorf("the closed source: %v, want false", got)
	}
}

func TestFunctions(t *testing.T) {
	f := func(cond, operation string, sub []string, want Truth) {
		t.Helper()
		env := openWorld(t, operation)
		if sub != nil {
			env.SetSubOperations(sub...)
		}
		if got := evalIn(t, cond, env); got != want {
			t.Errorf("%s for %s %v: %v, want %v", cond, operation, sub, got, want)
		}
	}
	const write = "Microsoft.Authorization/roleAssignments/write"
	f(`ActionMatches{'Microsoft.Authorization/roleAssignments/*'}`, write, nil, True)
	f(`ActionMatches{'microsoft.authorization/ROLEASSIGNMENTS/write'}`, write, nil, True)
	f(`ActionMatches{'Microsoft.Authorization/roleDefinitions/*'}`, write, nil, False)
	f(`ActionMatches{'Microsoft.Authorization/roleDefinitions/*'}`, "", nil, Unknown)
	f(`SubOperationMatches{'Blob.List'}`, write, []string{"blob.list"}, True)
	f(`SubOperationMatches{'Blob.*'}`, write, []string{"x", "Blob.Write.Tier"}, True)
	f(`SubOperationMatches{'Blob.List'}`, write, []string{"Blob.Write.Tier"}, False)
	f(`SubOperationMatches{'Blob.List'}`, write, []string{}, False)
	f(`SubOperationMatches{'Blob.List'}`, write, nil, Unknown)
	f(`@Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'Blob.List'}`, write, []string{"blob.list"}, True)
}

func TestAttributeNames(t *testing.T) {
	f := func(set, asked string, want bool) {
		t.Helper()
		env := closedWorld(t, "", "Resource "+set, "v")
		if got := evalIn(t, "Exists @Resource["+asked+"]", env); got != TruthOf(want) {
			t.Errorf("%s given, %s asked: %v, want %v", set, asked, got, want)
		}
	}
	f("a", "A", true)
	f("a", "b", false)
	f("a", "ab", false)
	f("X/Y/tags:Key<$key_case_sensitive$>", "x/y/TAGS:Key<$KEY_case_sensitive$>", true)
	f("X/Y/tags:Key<$key_case_sensitive$>", "X/Y/tags:key<$key_case_sensitive$>", false)
	f("X/Y/tags:Key", "X/Y/tags:key", true)
	f("X/Y/tags:a:B<$key_case_sensitive$>", "X/Y/tags:A:B<$key_case_sensitive$>", false)
	f("tags<$key_case_sensitive$>", "TAGS<$key_case_sensitive$>", true) // no key
	f("X/Y/tags&$keys$&", "x/y/TAGS&$KEYS$&", true)
}

// lazily answers for the attributes that it was made for.
type lazily map[string]Value

func (l lazily) Attribute(source Source, key arm.Key) (Value, Presence) {
	if key == "gone" {
		return Value{}, Absent
	}
	v, ok := l[source.String()+" "+string(key)]
	if !ok {
		return Value{}, NotKnown
	}
	return v, Known
}

func TestMore(t *testing.T) {
	f := func(cond string, closed bool, want Truth) {
		t.Helper()
		env := openWorld(t, "", "Resource own", "x")
		env.More = lazily{"Resource a": String("1"), "Request a": String("1"), "Resource own": String("y")}
		if closed {
			env.Close()
		}
		if got := evalIn(t, cond, env); got != want {
			t.Errorf("%s, closed %v: %v, want %v", cond, closed, got, want)
		}
	}
	f(`@Resource[A] StringEquals '1'`, false, True)
	f(`@Resource[a] StringEquals @Request[a]`, false, True)
	f(`@Resource[own] StringEquals 'x'`, false, True) // what was set wins
	f(`Exists @Resource[gone]`, false, False)
	f(`Exists @Resource[b]`, false, Unknown)
	f(`Exists @Resource[b]`, true, False)
}

func TestLookup(t *testing.T) {
	env := openWorld(t, "", "Resource a", "x", "Resource a", "y", "Request a", nil)
	if v, p := env.Lookup(Resource, "A"); p != Known || v.String() != "'y'" {
		t.Errorf("got %v, %v", v, p)
	}
	if _, p := env.Lookup(Request, "a"); p != Absent {
		t.Errorf("got %v", p)
	}
	if _, p := env.Lookup(Source(77), "a"); p != NotKnown {
		t.Errorf("got %v", p)
	}
	env.SetNow(time.Date(2023, 4, 1, 13, 0, 0, 100, time.UTC))
	if v, _ := env.Lookup(Environment, "utcnow"); v.String() != "'2023-04-01T13:00:00.0000001Z'" {
		t.Errorf("got %v", v)
	}
}

func TestNoCondition(t *testing.T) {
	var c *Condition
	if c.Eval(&Env{}) != True || c.String() != "" || c.Expr() != nil || c.Attributes() != nil ||
		c.Residual(&Env{}).String() != "true" || c.Explain(&Env{}).Truth != True {
		t.Error("no condition does not hold everywhere")
	}
	if Compile(nil) != nil || Lint(nil, LintContext{}) != nil {
		t.Error("no expression is a condition")
	}
	if c, err := CompileText("("); c != nil || err == nil {
		t.Error("a text that is no condition compiles")
	}
}

func TestConditionAccessors(t *testing.T) {
	c, err := CompileText(`@Request[B] StringEquals @Resource[b] or exists @request[b] AND {1} NumericEquals @Principal[c]`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `@Request[B] StringEquals @Resource[b] OR (Exists @Request[b] AND {1} NumericEquals @Principal[c])`
	if c.String() != want || !Equal(c.Expr(), mustParse(t, want)) {
		t.Errorf("String: %s", c)
	}
	var got strings.Builder
	for _, a := range c.Attributes() {
		got.WriteString(a.String() + " ")
	}
	if got.String() != "@Request[B] @Resource[b] @Principal[c] " {
		t.Errorf("Attributes: %s", got.String())
	}
}

func TestTargets(t *testing.T) {
	c := mustCompile(t, blobReadText)
	for verb, want := range map[string]bool{"read": true, "write": false, "tags/read": false} {
		if got := c.Targets(operationOf(blobs + verb)); got != want {
			t.Errorf("Targets(%s) = %v", verb, got)
		}
	}
}

func TestTerms(t *testing.T) {
	f := func(op, arg, value string, want Truth) {
		t.Helper()
		const column = "Microsoft.OperationalInsights/workspaces/tables/record:Vendor<$key_case_sensitive$>"
		env := closedWorld(t, "", "Resource "+column, value)
		if got := evalIn(t, "@Resource["+column+"] "+op+" '"+arg+"'", env); got != want {
			t.Errorf("%q %s %q: %v, want %v", value, op, arg, got, want)
		}
	}
	f("StringLike", "Point", "Check Point", True)
	f("StringLike", "Check Point", "Check Point", True)
	f("StringLike", "point", "Check Point", False)
	f("StringLikeIgnoreCase", "point", "Check Point", True)
	f("StringLike", "Poin", "Check Point", False)
	f("StringLike", "oint", "Check Point", False)
	f("StringLike", "b", "ab b", True)
	f("StringLike", "@contoso", "ceo@contoso.com", True)
	f("StringLike", "contoso.", "ceo@contoso.com", True)
	f("StringLike", "", "", True)
	f("StringLike", "a", "", False)
	f("StringNotLike", "Fortinet", "Check Point", True)
	f("StringNotLike", "Check", "Check Point", False)
	f("StringEquals", "Check", "Check Point", False)
}

func TestConcurrent(t *testing.T) {
	c := mustCompile(t, delegationText)
	env := RoleAssignment{RoleDefinitionID: "fb879df8-f326-4884-b1cf-06f3ad86be52"}.WriteEnv()
	results := make(chan Truth)
	for range 8 {
		go func() { results <- c.Eval(env) }()
	}
	for range 8 {
		if got := <-results; got != True {
			t.Errorf("got %v", got)
		}
	}
}

func TestEvalDoesNotAllocate(t *testing.T) {
	f := func(text string, env *Env, want Truth) {
		t.Helper()
		c := mustCompile(t, text)
		if got := c.Eval(env); got != want {
			t.Fatalf("%s: %v, want %v", text, got, want)
		}
		if n := testing.AllocsPerRun(100, func() { c.Eval(env) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
	f(delegationText, RoleAssignment{RoleDefinitionID: "fb879df8-f326-4884-b1cf-06f3ad86be52"}.WriteEnv(), True)
	env := closedWorld(t, blobs+"read", "Resource "+blobPath, "logs/a/2026/7", "Principal p", Strings("a", "b"))
	env.More = lazily{"Resource more": String("b")}
	f(blobReadText, env, True)
	f(`@Principal[p] ForAnyOfAnyValues:StringEqualsIgnoreCase @Resource[more] AND NOT Exists @Request[z]`, env, True)
	f(`@Resource[more] NumericEquals 5 OR @Resource[more] DateTimeEquals '2022-06-01T00:00:00.0Z'`, env, False)
}

func TestMatchHelpers(t *testing.T) {
	if !isPlainByte('a') || isPlainByte('*') || isPlainByte(0x80) {
		t.Error("isPlainByte")
	}
	if n, ok := parseInt("-9223372036854775808"); !ok || n != math.MinInt64 {
		t.Errorf("parseInt: %d, %v", n, ok)
	}
	for _, s := range []string{"", "-", "+1", "1a", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "0x1"} {
		if n, ok := parseInt(s); ok {
			t.Errorf("parseInt(%q) = %d", s, n)
		}
	}
}

func TestParseTime(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got := "none"
		if n, ok := parseTime(in); ok {
			got = ticksText(n)
		}
		if got != want {
			t.Errorf("parseTime(%q) = %s, want %s", in, got, want)
		}
	}
	f("2022-06-01T23:38:32.8883645Z", "2022-06-01T23:38:32.8883645Z")
	f("2022-06-01T23:38:32.8Z", "2022-06-01T23:38:32.8000000Z")
	f("2022-06-01T23:38:32Z", "2022-06-01T23:38:32.0000000Z")
	f("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.9999999Z")
	f("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.0000000Z")
	f("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z")
	f("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.0000000Z")
	for _, bad := range []string{
		"", "2022-06-01", "2022-06-01T23:38:32", "2022-06-01T23:38:32.Z", "2022-06-01T23:38:32.88836450Z",
		"2022-06-01T23:38:32,1Z", "2022-06-01T23:38:32.1xZ", "2022-06-01t23:38:32Z", "2022-06-01 23:38:32Z",
		"2022-13-01T00:00:00Z", "2022-00-01T00:00:00Z", "2023-02-29T00:00:00Z", "2022-06-00T00:00:00Z",
		"2022-06-01T24:00:00Z", "2022-06-01T23:60:00Z", "2022-06-01T23:00:60Z", "20x2-06-01T23:38:32Z",
		"2022-06-01T23:38:32+00:00",
	} {
		f(bad, "none")
	}
}
