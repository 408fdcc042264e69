// SPDX-License-Identifier: Apache-2.0

package abac_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

func ExampleParse() {
	e, err := abac.Parse("(exists @request[a]) || not @Environment[isPrivateLink] boolequals TRUE")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(abac.Print(e))
	// Output: Exists @Request[a] OR !(@Environment[isPrivateLink] BoolEquals true)
}

func ExampleSyntaxError() {
	_, err := abac.Parse("@Resource[a]\n = 'b'")
	var se *abac.SyntaxError
	if errors.As(err, &se) {
		fmt.Println(se.Line, se.Column, se.Hint)
	}
	fmt.Println(err)
	// Output:
	// 2 2 comparisons are words such as StringEquals
	// parsing condition: line 2, column 2 (byte 14): expected an expression, an operator or a value, found "="; comparisons are words such as StringEquals
}

func ExampleCondition_Eval() {
	const read = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	c, err := abac.CompileText("!(ActionMatches{'" + read + "'}) OR " +
		"@Resource[Microsoft.KeyVault/vaults/secrets:name] StringStartsWith 'test-app'")
	if err != nil {
		fmt.Println(err)
		return
	}
	operation, err := arm.ParseOperation(read)
	if err != nil {
		fmt.Println(err)
		return
	}
	env := &abac.Env{Operation: operation}
	fmt.Println(c.Eval(env))
	env.Set(abac.Resource, "Microsoft.KeyVault/vaults/secrets:name", abac.String("test-app-1"))
	fmt.Println(c.Eval(env))
	env.Set(abac.Resource, "Microsoft.KeyVault/vaults/secrets:name", abac.String("Test-App-1"))
	fmt.Println(c.Eval(env))
	// Output:
	// unknown
	// true
	// false
}

func ExampleCondition_Residual() {
	c, err := abac.CompileText("@Environment[isPrivateLink] BoolEquals true AND " +
		"@Environment[UtcNow] DateTimeGreaterThan '2023-04-01T13:00:00.0Z'")
	if err != nil {
		fmt.Println(err)
		return
	}
	env := &abac.Env{}
	env.SetNow(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	r := c.Residual(env)
	fmt.Println(r)
	for _, n := range r.Needs {
		fmt.Println("would decide:", n.Text)
	}
	// Output:
	// @Environment[isPrivateLink] BoolEquals true
	// would decide: @Environment[isPrivateLink]
}

func ExampleCondition_Explain() {
	c, err := abac.CompileText("@Resource[color] StringEquals 'red' AND Exists @Resource[size]")
	if err != nil {
		fmt.Println(err)
		return
	}
	env := &abac.Env{}
	env.Set(abac.Resource, "color", abac.String("blue"))
	env.Close()
	t := c.Explain(env)
	fmt.Println(t.Truth)
	for _, l := range t.Leaves {
		fmt.Println(l.Text, "is", l.Truth, "because:", l.Reason, l.Left.Value)
	}
	// Output:
	// false
	// @Resource[color] StringEquals 'red' is false because: compared 'blue'
	// Exists @Resource[size] is false because: compared {}
}

// Who may hand out which role: the condition of a delegate, asked for a would-be assignment.
func ExampleRoleAssignment() {
	c, err := abac.CompileText("(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR " +
		"(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals " +
		"{5e467623-bb1f-42f4-a55d-6e525e11384b} AND " +
		"@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'ServicePrincipal'))")
	if err != nil {
		fmt.Println(err)
		return
	}
	backup := abac.RoleAssignment{RoleDefinitionID: "5e467623-bb1f-42f4-a55d-6e525e11384b"}
	fmt.Println("to anyone:", c.Residual(backup.WriteEnv()))
	backup.PrincipalType = "ServicePrincipal"
	fmt.Println("to a managed identity:", c.Eval(backup.WriteEnv()))
	owner := abac.RoleAssignment{RoleDefinitionID: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}
	fmt.Println("Owner:", c.Eval(owner.WriteEnv()))
	// Output:
	// to anyone: @Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'ServicePrincipal'
	// to a managed identity: true
	// Owner: false
}

func ExampleLint() {
	e, err := abac.Parse("@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidNotEquals " +
		"{8e3af657-a8ff-443c-a75c-2fe8c4bcb635, 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9}")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range abac.Lint(e, abac.LintContext{}) {
		fmt.Println(f.Severity, f.ID+":", f.Message)
		fmt.Println(f.Why)
	}
	// Output:
	// error comparison-always-true: the comparison always holds where the attribute is present
	// every value satisfies it, so it restricts nothing; to exclude all of the values write ForAnyOfAllValues:GuidNotEquals
}
