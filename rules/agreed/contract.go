// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

// contractNeeds are the facts without which a contract says nothing about a tenant.
var contractNeeds = []mivet.FactKind{mivet.FactResources, mivet.FactIdentities}

// accessNeeds are those without which its access tests and ceilings say nothing.
var accessNeeds = []mivet.FactKind{
	mivet.FactResources, mivet.FactIdentities, mivet.FactRoleAssignments, mivet.FactRoleDefinitions, mivet.FactAccessPolicies,
	mivet.FactMemberships, mivet.FactLocalGrants,
}

// leastPrivilege is what ceilings and access tests are for.
var leastPrivilege = vet.Citation{
	Title: "Best practices for Azure RBAC", Read: "2026-11-30",
	URL: "https://learn.microsoft.com/azure/role-based-access-control/best-practices",
}

// identityOverview tells the two types of identities apart.
var identityOverview = vet.Citation{
	Title: "What are managed identities for Azure resources", Read: "2026-11-30",
	URL: "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview",
}

// present calls f for each identity of the contract that the snapshot holds as agreed.
func present(p *vet.Pass, f func(x *contract.Binding)) error {
	b := p.Contract()
	if b == nil {
		return nil
	}
	for i := range b.Bindings {
		if x := &b.Bindings[i]; x.Presence == contract.Present {
			f(x)
		}
	}
	return nil
}

// subjectOf is the identity as findings name it.
func subjectOf(x *contract.Binding) mivet.Subject {
	return mivet.Subject{Resource: x.ID, Principal: x.Held, Address: x.Address, Name: x.Name}
}

// placeOf is the place that a finding points to: the object's own where it stands in code,
// else the line of the contract.
func placeOf(x *contract.Binding, at contract.Place) mivet.Source {
	if x.Fact.Origin != nil && x.Fact.Origin.Address != "" {
		return x.Fact
	}
	return at.Source()
}

// agreedFact is a statement of the contract as evidence.
func agreedFact(at contract.Place, format string, args ...any) mivet.Evidence {
	return mivet.Evidence{Kind: mivet.Configured, Source: at.Source(), Fact: "the contract says " + fmt.Sprintf(format, args...)}
}

// undecided says of an identity what is not known.
func undecided(p *vet.Pass, x *contract.Binding, at contract.Place, facts mivet.FactKind, format string, args ...any) {
	p.Unassessed(vet.Undecided{Subject: subjectOf(x), Source: at.Source(), Facts: facts, Reason: fmt.Sprintf(format, args...)})
}

// requestOf is the question of an access test.
func requestOf(x *contract.Binding, t *contract.BoundTest) authz.Request {
	return authz.Request{Principal: x.Held, Operation: t.Question.Operation, Plane: t.Question.Plane, Resource: t.Target.ID}
}

// missingWords says what would decide an answer that is unknown.
func missingWords(e *authz.Explanation) (words string, facts mivet.FactKind) {
	var out []string
	for _, m := range e.Missing {
		if m.Gap != nil && facts == "" {
			facts = m.Gap.Facts
		}
		out = append(out, m.What)
	}
	if len(out) == 0 {
		return "it hangs on what the input does not tell", facts
	}
	return vet.AtMost(out, 2), facts
}

// grantWords names a grant for people.
func grantWords(p *vet.Pass, r *authz.Reason) string {
	switch {
	case r.Policy != nil:
		return "an access policy of the key vault " + r.Policy.Vault.Name()
	case r.Local != nil:
		return fmt.Sprintf("the role %s of %s itself", r.Local.Role, r.Local.Account.Name())
	case r.RoleName != "":
		return r.RoleName + " at " + p.ScopeWords(r.Scope)
	}
	return "a grant at " + p.ScopeWords(r.Scope)
}

// removal is the edit that takes a grant away; false for one that no edit can.
func removal(a *mivet.RoleAssignment, policy *mivet.AccessPolicy, local *mivet.LocalAssignment) (mivet.Edit, bool) {
	switch {
	case policy != nil:
		return mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: policy}, true
	case local != nil:
		return mivet.Edit{Kind: mivet.EditRemoveLocalGrant, Grant: local}, true
	case a != nil:
		return mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: a}, true
	}
	return mivet.Edit{}, false
}

// ceilingRole is the assignment of the ceiling that gives an access; nil where the ceiling
// holds no role that does.
func ceilingRole(p *vet.Pass, x *contract.Binding, t *contract.BoundTest) *mivet.RoleAssignment {
	for i := range x.Ceiling {
		g := &x.Ceiling[i]
		if g.Err != nil || g.Role == "" || g.Condition != "" || !p.Covers(g.Scope.ID, t.Target.ID) {
			continue
		}
		role := contract.RoleOf(g.Role, p.Snapshot, p.Catalog)
		if role != nil && authz.CompileRole(role).Gives(t.Question.Operation, t.Question.Plane) == authz.Allowed {
			return assignmentOf(x, role, g)
		}
	}
	return nil
}

func assignmentOf(x *contract.Binding, role *mivet.RoleDefinition, g *contract.BoundGrant) *mivet.RoleAssignment {
	return &mivet.RoleAssignment{
		Role: role.ID, RoleName: role.Name, Principal: x.Held, PrincipalType: mivet.TypeServicePrincipal, Scope: g.Scope.ID,
	}
}

// contractEdit is a fix that is a change of the contract, which its owner has to fill in.
func contractEdit(x *contract.Binding, key, value string) []mivet.Edit {
	return []mivet.Edit{{Kind: mivet.EditContract, Name: x.Name + "." + key, Value: value}}
}

// named reports whether one of the words names a principal, by its ID or its name.
func named(p *vet.Pass, words []string, id mivet.PrincipalID) bool {
	for _, w := range words {
		if mivet.NewPrincipalID(w) == id || strings.EqualFold(w, p.Name(id)) {
			return true
		}
	}
	return false
}

// unreadResources returns the gap behind which an identity or a carrier may be. That a live
// tenant was read without what lies below vaults and accounts is none: the facts of a file
// that holds a part of a tenant are.
func unreadResources(p *vet.Pass, scope arm.ID) *mivet.Gap {
	for i := range p.Snapshot.Gaps {
		g := &p.Snapshot.Gaps[i]
		inFile := g.Source.Origin != nil && g.Source.Origin.File != ""
		if g.Facts == mivet.FactResources && g.Subject == "" && (inFile || !g.Inherent) &&
			(scope.IsZero() || g.Scope.IsZero() || g.Scope.Contains(scope) || scope.Contains(g.Scope)) {
			return g
		}
	}
	return nil
}
