// SPDX-License-Identifier: Apache-2.0

package abac

import "testing"

const delegationText = `((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR ` +
	`(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals ` +
	`{1c0163c0-47e6-4577-8991-ea5c82e286e4, fb879df8-f326-4884-b1cf-06f3ad86be52})) AND ` +
	`((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR ` +
	`(@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals ` +
	`{1c0163c0-47e6-4577-8991-ea5c82e286e4, fb879df8-f326-4884-b1cf-06f3ad86be52}))`

const blobReadText = `((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'} AND ` +
	`NOT SubOperationMatches{'Blob.List'})) OR ` +
	`(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'logs/*/2026/?'))`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(delegationText); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvalDelegation(b *testing.B) {
	c := mustCompile(b, delegationText)
	env := RoleAssignment{RoleDefinitionID: "fb879df8-f326-4884-b1cf-06f3ad86be52"}.WriteEnv()
	b.ReportAllocs()
	for b.Loop() {
		if c.Eval(env) != True {
			b.Fatal("not true")
		}
	}
}

func BenchmarkEvalBlobPath(b *testing.B) {
	c := mustCompile(b, blobReadText)
	env := &Env{Operation: operationOf(blobs + "read")}
	env.SetSubOperations()
	env.Set(Resource, blobPath, String("logs/orders/2026/7"))
	b.ReportAllocs()
	for b.Loop() {
		if c.Eval(env) != True {
			b.Fatal("not true")
		}
	}
}

func BenchmarkEvalUntargeted(b *testing.B) {
	c := mustCompile(b, blobReadText)
	env := &Env{Operation: operationOf(blobs + "write")}
	b.ReportAllocs()
	for b.Loop() {
		if c.Eval(env) != True {
			b.Fatal("not true")
		}
	}
}

func BenchmarkLint(b *testing.B) {
	e := Compile(mustParse(b, delegationText)).Expr()
	b.ReportAllocs()
	for b.Loop() {
		if len(Lint(e, LintContext{})) != 0 {
			b.Fatal("findings")
		}
	}
}
