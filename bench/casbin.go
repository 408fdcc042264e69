// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
)

// Casbin: one policy rule per assignment, and three hierarchies: groups, scopes, and
// operations below the roles that give them. Wildcards and notActions are exact for the
// closed list of operations. Deny assignments could be rules with the effect deny, but
// without excluded principals; conditions have no form but Go functions. The enforcer goes
// through all rules for every question; its cache is off, since it would answer repeated
// questions only.
const casbinModel = `
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, role

[role_definition]
g = _, _
g2 = _, _
g3 = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.sub, p.sub) && g3(r.act, p.role) && g2(r.obj, p.obj)
`

// casbinScope names a scope. Names are lowered: Casbin compares exactly.
func casbinScope(t *tenant, i int) string { return strings.ToLower(t.scopes[i].id) }

func casbinRole(i int) string { return fmt.Sprintf("role-%d", i) }

func loadCasbin(t *tenant, qs []question) (asker, error) {
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		return nil, fmt.Errorf("reading the model: %w", err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("making an enforcer: %w", err)
	}
	e.EnableAutoBuildRoleLinks(false)
	rules := map[string][]string{}
	var policies [][]string
	for _, a := range t.assignments {
		rule := []string{a.principal, casbinScope(t, a.scope), casbinRole(a.role)}
		if key := strings.Join(rule, " "); rules[key] == nil { // the enforcer refuses a rule that it has
			rules[key] = rule
			policies = append(policies, rule)
		}
	}
	if _, err := e.AddPolicies(policies); err != nil {
		return nil, fmt.Errorf("adding policies: %w", err)
	}
	for name, links := range casbinLinks(t) {
		if _, err := e.AddNamedGroupingPolicies(name, links); err != nil {
			return nil, fmt.Errorf("adding links of %s: %w", name, err)
		}
	}
	if err := e.BuildRoleLinks(); err != nil {
		return nil, fmt.Errorf("building the hierarchies: %w", err)
	}
	asked := make([][]any, len(qs))
	for i, q := range qs {
		asked[i] = []any{q.principal, casbinScope(t, q.resource), strings.ToLower(t.operations[q.operation].name)}
	}
	return func(i int) (bool, error) { return e.Enforce(asked[i]...) }, nil
}

// casbinLinks are the three hierarchies: child, parent.
func casbinLinks(t *tenant) map[string][][]string {
	links := map[string][][]string{}
	for _, m := range t.members {
		links["g"] = append(links["g"], []string{m.member, m.group})
	}
	for i := range t.scopes {
		if p := t.scopes[i].parent; p >= 0 {
			links["g2"] = append(links["g2"], []string{casbinScope(t, i), casbinScope(t, p)})
		}
	}
	for role, gives := range t.expand() {
		for op, given := range gives {
			if given {
				links["g3"] = append(links["g3"], []string{strings.ToLower(t.operations[op].name), casbinRole(role)})
			}
		}
	}
	return links
}
