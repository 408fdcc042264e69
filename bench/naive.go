// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/mivet/mivet"
)

// The naive matcher is what one writes first: the assignments of a principal and its
// groups in a list, compiled patterns, and comparisons of text. It knows actions,
// notActions, their data twins, groups and management groups; it leaves out conditions,
// deny assignments, permission models and everything that is not known. It shares no code
// with mivet, so that equal answers mean something.

// A rule is a compiled pattern.
type rule struct {
	prefix, suffix string
	wild           bool
}

// compileRule reads a pattern with at most one wildcard, as built-in and custom roles
// have.
func compileRule(text string) rule {
	text = strings.ToLower(strings.TrimSpace(text))
	prefix, suffix, wild := strings.Cut(text, "*")
	return rule{prefix, suffix, wild}
}

// matches compares a lowered operation.
func (r *rule) matches(op string) bool {
	if !r.wild {
		return op == r.prefix
	}
	if len(op) >= len(r.prefix)+len(r.suffix) {
		return strings.HasPrefix(op, r.prefix) && strings.HasSuffix(op, r.suffix)
	}
	// "a/*/b" is also "a/b".
	return len(op) == len(r.prefix)+len(r.suffix)-1 && strings.HasSuffix(r.prefix, "/") && strings.HasPrefix(r.suffix, "/") &&
		strings.HasPrefix(op, r.prefix) && strings.HasSuffix(op, r.suffix[1:])
}

// A ruleSet is one plane of a permission object.
type ruleSet struct{ grant, subtract []rule }

func compileRules(grant, subtract []string) ruleSet {
	var s ruleSet
	for _, text := range grant {
		s.grant = append(s.grant, compileRule(text))
	}
	for _, text := range subtract {
		s.subtract = append(s.subtract, compileRule(text))
	}
	return s
}

func (s *ruleSet) gives(op string) bool { return anyRule(s.grant, op) && !anyRule(s.subtract, op) }

func anyRule(rules []rule, op string) bool {
	for i := range rules {
		if rules[i].matches(op) {
			return true
		}
	}
	return false
}

// A naiveRole holds a rule set per permission object, of both planes.
type naiveRole struct{ control, data []ruleSet }

func compileRole(d *mivet.RoleDefinition) naiveRole {
	var r naiveRole
	for i := range d.Permissions {
		p := &d.Permissions[i]
		r.control = append(r.control, compileRules(p.Actions, p.NotActions))
		r.data = append(r.data, compileRules(p.DataActions, p.NotDataActions))
	}
	return r
}

func (r *naiveRole) gives(op string, data bool) bool {
	sets := r.control
	if data {
		sets = r.data
	}
	for i := range sets {
		if sets[i].gives(op) {
			return true
		}
	}
	return false
}

// expand lists, per role, which of the tenant's operations it gives. Engines without
// patterns are loaded with this.
func (t *tenant) expand() [][]bool {
	out := make([][]bool, len(t.roles))
	for i := range t.roles {
		role := compileRole(&t.roles[i])
		out[i] = make([]bool, len(t.operations))
		for j, op := range t.operations {
			out[i][j] = role.gives(strings.ToLower(op.name), op.data)
		}
	}
	return out
}

// A naiveGrant is an assignment of a principal or of one of its groups.
type naiveGrant struct {
	scope string // lowered; empty for a management group
	subs  []string
	role  *naiveRole
}

// covers reports whether the grant's scope is the resource or above it.
func (g *naiveGrant) covers(resource string) bool {
	if g.scope != "" {
		return isBelow(resource, g.scope)
	}
	for _, s := range g.subs {
		if isBelow(resource, s) {
			return true
		}
	}
	return false
}

func isBelow(id, scope string) bool {
	return len(id) >= len(scope) && strings.EqualFold(id[:len(scope)], scope) && (len(id) == len(scope) || id[len(scope)] == '/')
}

// loadNaive indexes the assignments by principal, with those of its groups.
func loadNaive(t *tenant, qs []question) (asker, error) {
	roles := make([]naiveRole, len(t.roles))
	for i := range t.roles {
		roles[i] = compileRole(&t.roles[i])
	}
	byOwner := map[string][]naiveGrant{}
	for i := range t.assignments {
		a := &t.assignments[i]
		g := naiveGrant{role: &roles[a.role]}
		if id := t.scopes[a.scope].id; strings.HasPrefix(id, "/subscriptions/") {
			g.scope = strings.ToLower(id)
		} else {
			g.subs = t.subscriptionsBelow(a.scope)
		}
		byOwner[a.principal] = append(byOwner[a.principal], g)
	}
	subjects := t.closure()
	grants := map[string][]naiveGrant{}
	for i := range racedPrincipals {
		p := principalName(i)
		for _, s := range subjects(p) {
			grants[p] = append(grants[p], byOwner[s]...)
		}
	}
	lowered := make([]string, len(t.operations))
	for i := range lowered {
		lowered[i] = strings.ToLower(t.operations[i].name)
	}
	return func(i int) (bool, error) {
		q := &qs[i]
		list, op, id := grants[q.principal], lowered[q.operation], t.scopes[q.resource].id
		for j := range list {
			if list[j].covers(id) && list[j].role.gives(op, t.operations[q.operation].data) {
				return true, nil
			}
		}
		return false, nil
	}, nil
}

func (t *tenant) subscriptionsBelow(group int) []string {
	var subs []string
	for i := range t.scopes {
		id := t.scopes[i].id
		if !strings.HasPrefix(id, "/subscriptions/") || strings.Count(id, "/") > 2 {
			continue
		}
		for _, s := range t.above(i) {
			if s == group {
				subs = append(subs, id)
			}
		}
	}
	return subs
}
