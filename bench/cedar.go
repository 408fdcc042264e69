// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
)

// Cedar: one permit per assignment; principals, scopes and operations are entities with
// parents. An operation is a child of every role that gives it, so wildcards and
// notActions are exact for the closed list of operations, and nothing is said of others.
// Deny assignments would be forbids. Of Azure's conditions, those that look at attributes
// of the request could be written by hand; nothing translates them. "Unknown" has no form.

const (
	cedarSubject   = types.EntityType("Subject")
	cedarOperation = types.EntityType("Action")
	cedarScope     = types.EntityType("Scope")
)

func cedarUID(typ types.EntityType, id string) types.EntityUID {
	return types.NewEntityUID(typ, types.String(strings.ToLower(id)))
}

func cedarRole(i int) types.EntityUID { return cedarUID(cedarOperation, fmt.Sprintf("role-%d", i)) }

// cedarEntities are the principals, scopes and operations with what is directly above.
func cedarEntities(t *tenant) types.EntityMap {
	above := map[types.EntityUID][]types.EntityUID{}
	for _, m := range t.members {
		member := cedarUID(cedarSubject, m.member)
		above[member] = append(above[member], cedarUID(cedarSubject, m.group))
		above[cedarUID(cedarSubject, m.group)] = above[cedarUID(cedarSubject, m.group)]
	}
	for i := range t.scopes {
		id := cedarUID(cedarScope, t.scopes[i].id)
		above[id] = nil
		if p := t.scopes[i].parent; p >= 0 {
			above[id] = []types.EntityUID{cedarUID(cedarScope, t.scopes[p].id)}
		}
	}
	for role, gives := range t.expand() {
		for op, given := range gives {
			if given {
				id := cedarUID(cedarOperation, t.operations[op].name)
				above[id] = append(above[id], cedarRole(role))
			}
		}
	}
	entities := types.EntityMap{}
	for id, parents := range above {
		entities[id] = types.Entity{UID: id, Parents: types.NewEntityUIDSet(parents...)}
	}
	return entities
}

func cedarPolicy(t *tenant, a *assignment) *cedar.Policy {
	p := ast.Permit().ActionIn(cedarRole(a.role)).ResourceIn(cedarUID(cedarScope, t.scopes[a.scope].id))
	if a.group {
		p = p.PrincipalIn(cedarUID(cedarSubject, a.principal))
	} else {
		p = p.PrincipalEq(cedarUID(cedarSubject, a.principal))
	}
	return cedar.NewPolicyFromAST(p)
}

func cedarRequests(t *tenant, qs []question) []cedar.Request {
	out := make([]cedar.Request, len(qs))
	for i, q := range qs {
		out[i] = cedar.Request{
			Principal: cedarUID(cedarSubject, q.principal),
			Action:    cedarUID(cedarOperation, t.operations[q.operation].name),
			Resource:  cedarUID(cedarScope, t.scopes[q.resource].id),
		}
	}
	return out
}

// loadCedar gives the engine all policies for every question, as its own policy sets do.
func loadCedar(t *tenant, qs []question) (asker, error) {
	entities, requests := cedarEntities(t), cedarRequests(t, qs)
	all := cedar.NewPolicySet()
	for i := range t.assignments {
		all.Add(cedar.PolicyID(fmt.Sprintf("a%d", i)), cedarPolicy(t, &t.assignments[i]))
	}
	return func(i int) (bool, error) {
		d, why := cedar.Authorize(all, entities, requests[i])
		return bool(d), cedarErrors(why)
	}, nil
}

// loadCedarSliced gives the engine only the policies of the caller and its groups. The
// slicing is ours: Cedar's guides advise it and leave it to the application.
func loadCedarSliced(t *tenant, qs []question) (asker, error) {
	entities, requests := cedarEntities(t), cedarRequests(t, qs)
	byOwner := map[string]cedar.PolicyMap{}
	subjects := t.closure()
	owned := map[string][]int{}
	for i := range t.assignments {
		owned[t.assignments[i].principal] = append(owned[t.assignments[i].principal], i)
	}
	for i := range racedPrincipals {
		name := principalName(i)
		byOwner[name] = cedar.PolicyMap{}
		for _, s := range subjects(name) {
			for _, a := range owned[s] {
				byOwner[name][cedar.PolicyID(fmt.Sprintf("a%d", a))] = cedarPolicy(t, &t.assignments[a])
			}
		}
	}
	return func(i int) (bool, error) {
		d, why := cedar.Authorize(byOwner[qs[i].principal], entities, requests[i])
		return bool(d), cedarErrors(why)
	}, nil
}

func cedarErrors(d cedar.Diagnostic) error {
	if len(d.Errors) > 0 {
		return fmt.Errorf("evaluating policy %s: %s", d.Errors[0].PolicyID, d.Errors[0].Message)
	}
	return nil
}
