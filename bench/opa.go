// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// OPA: a prepared query over data that is indexed by principal and scope, so that the
// policy reads only what belongs to the question. The chains of scopes, the operations of
// each role, and what a principal holds through groups are worked out at load. That is the
// fastest form we found; a change of a group or a role means new data. Rego could also match
// patterns, deny and conditions, by rules written for it; "unknown" has no form.
const opaPolicy = `
package azure

default allow := false

allow if {
	grants := data.grants[input.principal]
	some scope in data.above[input.resource]
	some role in grants[scope]
	data.gives[role][input.operation]
}
`

func loadOPA(t *tenant, qs []question) (asker, error) {
	ctx := context.Background()
	store := inmem.NewFromObjectWithOpts(opaData(t), inmem.OptReturnASTValuesOnRead(true))
	query, err := rego.New(
		rego.Query("data.azure.allow"), rego.Module("azure.rego", opaPolicy), rego.Store(store),
	).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing the query: %w", err)
	}
	asked := make([]ast.Value, len(qs))
	for i, q := range qs {
		asked[i] = ast.NewObject(
			[2]*ast.Term{ast.StringTerm("principal"), ast.StringTerm(q.principal)},
			[2]*ast.Term{ast.StringTerm("operation"), ast.StringTerm(strings.ToLower(t.operations[q.operation].name))},
			[2]*ast.Term{ast.StringTerm("resource"), ast.StringTerm(opaScope(t, q.resource))},
		)
	}
	return func(i int) (bool, error) {
		result, err := query.Eval(ctx, rego.EvalParsedInput(asked[i]))
		if err != nil {
			return false, fmt.Errorf("evaluating the query: %w", err)
		}
		return result.Allowed(), nil
	}, nil
}

func opaScope(t *tenant, i int) string { return strings.ToLower(t.scopes[i].id) }

func opaRole(i int) string { return fmt.Sprintf("role-%d", i) }

// opaData is the document under "data".
func opaData(t *tenant) map[string]any {
	above, gives := map[string]any{}, map[string]any{}
	for i := range t.scopes {
		var chain []string
		for _, s := range t.above(i) {
			chain = append(chain, opaScope(t, s))
		}
		above[opaScope(t, i)] = anyList(chain)
	}
	for role, given := range t.expand() {
		ops := map[string]any{}
		for op, yes := range given {
			if yes {
				ops[strings.ToLower(t.operations[op].name)] = true
			}
		}
		gives[opaRole(role)] = ops
	}
	return map[string]any{"above": above, "gives": gives, "grants": opaGrants(t)}
}

// opaGrants are the roles by principal and scope, with those of the principal's groups.
func opaGrants(t *tenant) map[string]any {
	owned := map[string][]*assignment{}
	for i := range t.assignments {
		a := &t.assignments[i]
		owned[a.principal] = append(owned[a.principal], a)
	}
	subjects := t.closure()
	grants := map[string]any{}
	for i := range racedPrincipals {
		roles := map[string][]string{}
		for _, s := range subjects(principalName(i)) {
			for _, a := range owned[s] {
				roles[opaScope(t, a.scope)] = append(roles[opaScope(t, a.scope)], opaRole(a.role))
			}
		}
		byScope := map[string]any{}
		for at, list := range roles {
			byScope[at] = anyList(list)
		}
		grants[principalName(i)] = byScope
	}
	return grants
}

func anyList(texts []string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}
