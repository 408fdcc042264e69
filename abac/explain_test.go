// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"fmt"
	"strings"
	"testing"
)

func TestResidual(t *testing.T) {
	f := func(cond string, env *Env, want string, needs ...string) {
		t.Helper()
		r := mustCompile(t, cond).Residual(env)
		var got []string
		for _, n := range r.Needs {
			got = append(got, fmt.Sprintf("%v: %s (%v)", n.Kind, n.Text, n.Reason))
		}
		if r.String() != want || strings.Join(got, "\n") != strings.Join(needs, "\n") {
			t.Errorf("%s leaves\n%s\nneeds %s\nwant\n%s\nneeds %s", cond, r, strings.Join(got, "\n"), want, strings.Join(needs, "\n"))
		}
	}
	const blobWriteText = `((!(ActionMatches{'` + blobWrite + `'} AND SubOperationMatches{'Blob.Write.WithTagHeaders'})) OR ` +
		`(@Request[b/tags:P<$key_case_sensitive$>] StringEquals 'x' AND @Environment[isPrivateLink] BoolEquals true))`
	f(blobWriteText, openWorld(t, blobs+"read"), "true")
	f(blobWriteText, openWorld(t, blobWrite),
		`NOT SubOperationMatches{'Blob.Write.WithTagHeaders'} OR (@Request[b/tags:P<$key_case_sensitive$>] StringEquals 'x' AND @Environment[isPrivateLink] BoolEquals true)`,
		"suboperations: the suboperations of the request (attribute not known)",
		"attribute: @Request[b/tags:P<$key_case_sensitive$>] (attribute not known)",
		"attribute: @Environment[isPrivateLink] (attribute not known)")
	tagged := openWorld(t, blobWrite, "Request b/tags:P<$key_case_sensitive$>", "x")
	tagged.SetSubOperations("Blob.Write.WithTagHeaders")
	f(blobWriteText, tagged, `@Environment[isPrivateLink] BoolEquals true`, "attribute: @Environment[isPrivateLink] (attribute not known)")
	wrong := openWorld(t, blobWrite, "Request b/tags:P<$key_case_sensitive$>", "y")
	wrong.SetSubOperations("Blob.Write.WithTagHeaders")
	f(blobWriteText, wrong, "false")
	f(`ActionMatches{'a/b'} AND NOT ActionMatches{'a/c'}`, &Env{},
		`ActionMatches{'a/b'} AND !(ActionMatches{'a/c'})`, "operation: the operation (operation not known)")
	f(`@Request[a] StringEquals @Resource[b] OR @Request[A] StringEquals 'x'`, openWorld(t, "", "Resource b", "y"),
		`@Request[a] StringEquals @Resource[b] OR @Request[A] StringEquals 'x'`, "attribute: @Request[a] (attribute not known)")
	f(`Exists @Request[a] OR Foo{'x'} OR @Request[b] StringEquals 'x'`, openWorld(t, "", "Request b", Strings("x", "y"), "Request a", nil),
		`Foo{'x'} OR @Request[b] StringEquals 'x'`,
		"semantics: Foo{'x'} (not documented)",
		"semantics: @Request[b] StringEquals 'x' (several values without quantifier)")
	f(`!(@Request[a] StringEquals 'x')`, closedWorld(t, ""), `!(@Request[a] StringEquals 'x')`,
		"semantics: @Request[a] StringEquals 'x' (attribute absent)")
	f(`Foo{'x'} OR Foo{'x'}`, &Env{}, `Foo{'x'} OR Foo{'x'}`, "semantics: Foo{'x'} (not documented)")
	// What was open before a term decided is needed no more.
	f(`(Exists @Request[a] AND Exists @Request[b]) OR Exists @Request[c]`, openWorld(t, "", "Request c", "x"), "true")
	f(`(Exists @Request[a] OR Exists @Request[b]) AND Exists @Request[c]`, openWorld(t, "", "Request c", nil), "false")
}

func TestExplain(t *testing.T) {
	f := func(cond string, env *Env, truth Truth, want ...string) {
		t.Helper()
		trace := mustCompile(t, cond).Explain(env)
		var got []string
		for _, l := range trace.Leaves {
			mark := map[bool]string{true: "*"}[l.Decisive] + map[bool]string{true: "not "}[l.Negated]
			side := func(s SideTrace) string {
				if s.Presence == Known {
					return s.Text + "=" + s.Value.String()
				}
				return s.Text + " " + s.Presence.String()
			}
			got = append(got, fmt.Sprintf("%s%s: %v, %v; %s; %s", mark, cond[l.At.Start:l.At.End], l.Truth, l.Reason, side(l.Left), side(l.Right)))
			if Print(mustParse(t, l.Text)) != l.Text {
				t.Errorf("%s is not canonical", l.Text)
			}
		}
		if trace.Truth != truth || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: %v\n%s\nwant %v\n%s", cond, trace.Truth, strings.Join(got, "\n"), truth, strings.Join(want, "\n"))
		}
	}
	const cond = `!(ActionMatches{'a/*'} AND NOT SubOperationMatches{'s'}) OR @Resource[x] StringEquals 'v'`
	f(cond, openWorld(t, "a/b", "Resource X", "w", "Request subOperation", Strings("t")), False,
		`*not ActionMatches{'a/*'}: true, compared; the operation='a/b'; 'a/*'='a/*'`,
		`*SubOperationMatches{'s'}: false, compared; the suboperations of the request={'t'}; 's'='s'`,
		`*@Resource[x] StringEquals 'v': false, compared; @Resource[x]='w'; 'v'='v'`)
	f(cond, openWorld(t, "a/b", "Resource X", "v"), True,
		`not ActionMatches{'a/*'}: true, compared; the operation='a/b'; 'a/*'='a/*'`,
		`SubOperationMatches{'s'}: unknown, attribute not known; the suboperations of the request not known; 's'='s'`,
		`*@Resource[x] StringEquals 'v': true, compared; @Resource[x]='v'; 'v'='v'`)
	f(cond, openWorld(t, "c/b"), True,
		`*not ActionMatches{'a/*'}: false, compared; the operation='c/b'; 'a/*'='a/*'`,
		`SubOperationMatches{'s'}: unknown, attribute not known; the suboperations of the request not known; 's'='s'`,
		`@Resource[x] StringEquals 'v': unknown, attribute not known; @Resource[x] not known; 'v'='v'`)
	f(`Exists @Request[a] AND Foo{1} AND ActionMatches{'a/b'}`, openWorld(t, "", "Request a", "x"), Unknown,
		`Exists @Request[a]: true, compared; @Request[a]='x';  not known`,
		`*Foo{1}: unknown, not documented; Foo{1} not known;  not known`,
		`*ActionMatches{'a/b'}: unknown, operation not known; the operation not known; 'a/b'='a/b'`)
	f(`NOT {1} NumericEquals @Request[a]`, openWorld(t, "", "Request a", nil), Unknown,
		`*not {1} NumericEquals @Request[a]: unknown, attribute absent; {1}={1}; @Request[a] absent`)
	f(`@Request[a] NumericEquals 1`, openWorld(t, "", "Request a", "x"), False,
		`*@Request[a] NumericEquals 1: false, wrong type; @Request[a]='x'; 1=1`)
}

func TestDelegation(t *testing.T) {
	const backup, owner = "5e467623-bb1f-42f4-a55d-6e525e11384b", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	const marketing = "28c35fea-2099-4cf5-8ad9-473547bc9423"
	clause := func(operation, source, more string) string {
		return `((!(ActionMatches{'Microsoft.Authorization/roleAssignments/` + operation + `'})) OR (@` + source +
			`[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {` + backup + `}` +
			strings.ReplaceAll(more, "@Request", "@"+source) + `))`
	}
	condition := func(more string) *Condition {
		return mustCompile(t, clause("write", "Request", more)+` AND `+clause("delete", "Resource", more))
	}
	roles := condition("")
	types := condition(` AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'User', 'Group'}`)
	groups := condition(` AND @Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {` + marketing + `}`)
	f := func(c *Condition, a RoleAssignment, want Truth) {
		t.Helper()
		if got := c.Eval(a.WriteEnv()); got != want {
			t.Errorf("%s: adding %+v: %v, want %v", c, a, got, want)
		}
		if got := c.Eval(a.DeleteEnv()); got != want {
			t.Errorf("%s: removing %+v: %v, want %v", c, a, got, want)
		}
	}
	f(roles, RoleAssignment{}, Unknown)
	f(roles, RoleAssignment{RoleDefinitionID: backup}, True)
	f(roles, RoleAssignment{RoleDefinitionID: "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/" + strings.ToUpper(backup)}, True)
	f(roles, RoleAssignment{RoleDefinitionID: owner, PrincipalType: "User"}, False)
	f(roles, RoleAssignment{RoleDefinitionID: "Owner"}, False)
	f(types, RoleAssignment{RoleDefinitionID: backup}, Unknown)
	f(types, RoleAssignment{RoleDefinitionID: backup, PrincipalType: "user"}, True)
	f(types, RoleAssignment{RoleDefinitionID: backup, PrincipalType: "ServicePrincipal"}, False)
	f(types, RoleAssignment{RoleDefinitionID: owner}, False)
	f(groups, RoleAssignment{RoleDefinitionID: backup, PrincipalID: strings.ToUpper(marketing)}, True)
	f(groups, RoleAssignment{RoleDefinitionID: backup, PrincipalID: owner}, False)

	// A condition that reads the wrong source lets nobody through.
	wrong := mustCompile(t, clause("delete", "Request", ""))
	if got := wrong.Eval(RoleAssignment{RoleDefinitionID: backup}.DeleteEnv()); got != False {
		t.Errorf("delete by @Request: %v", got)
	}
	// What the page does not speak of stays open.
	token := mustCompile(t, `@Resource[HasObotoken] boolequals true && (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {`+backup+`})`)
	r := token.Residual(RoleAssignment{RoleDefinitionID: backup}.WriteEnv())
	if r.String() != "@Resource[HasObotoken] BoolEquals true" || len(r.Needs) != 1 {
		t.Errorf("HasObotoken: %s", r)
	}
	if got := token.Eval(RoleAssignment{RoleDefinitionID: owner}.WriteEnv()); got != False {
		t.Errorf("another role: %v", got)
	}
	if !operationOf("none").IsZero() {
		t.Error("operationOf of no operation")
	}
	for _, name := range []string{RoleAssignmentWrite, RoleAssignmentDelete, blobWrite, blobAdd, blobSuperUser} {
		if operationOf(name).IsZero() {
			t.Errorf("%s is no operation", name)
		}
	}
}
