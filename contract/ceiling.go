// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// Allowed returns the tenant as it would be if each identity of the contract held its
// ceiling and nothing else, and nobody else held anything. What a ceiling names and the
// snapshot does not hold allows nothing; its [BoundGrant.Err] says why.
func (b *Bound) Allowed(c *catalog.Catalog) *mivet.Snapshot {
	s := *b.finder.snapshot
	s.RoleAssignments, s.AccessPolicies, s.LocalGrants = nil, nil, nil
	s.PathACLs, s.Memberships, s.AppRoles, s.DirectoryRoles, s.Delegations = nil, nil, nil, nil, nil
	s.RoleDefinitions = slices.Clone(s.RoleDefinitions)
	s.LocalRoles = slices.Clone(s.LocalRoles)
	a := &allowance{s: &s, c: c}
	for i := range b.Bindings {
		x := &b.Bindings[i]
		for n := range x.Ceiling {
			if g := &x.Ceiling[n]; g.Err == nil && x.Held != "" {
				g.Err = a.add(x.Held, g)
			}
		}
	}
	return &s
}

// allowance turns ceilings into grants.
type allowance struct {
	s    *mivet.Snapshot
	c    *catalog.Catalog
	made int
}

func (a *allowance) add(who mivet.PrincipalID, g *BoundGrant) error {
	switch {
	case g.Role != "":
		return a.role(who, g)
	case g.Policy != nil:
		a.s.AccessPolicies = append(a.s.AccessPolicies, mivet.AccessPolicy{
			Vault: g.Scope.ID, Principal: who, Secrets: g.Policy.Secrets, Keys: g.Policy.Keys,
			Certificates: g.Policy.Certificates, Storage: g.Policy.Storage, Source: g.At.Source(),
		})
	case g.Local != nil:
		a.s.LocalGrants = append(a.s.LocalGrants, mivet.LocalAssignment{
			System: g.Local.System, Account: g.Scope.ID, Scope: g.Local.Scope, Role: g.Local.Role, Principal: who, Source: g.At.Source(),
		})
	case g.Access != "":
		a.operations(who, g, []string{g.Question.Operation.String()}, g.Question.Plane)
	default:
		a.operations(who, g, g.Operations, g.Plane)
	}
	return nil
}

func (a *allowance) role(who mivet.PrincipalID, g *BoundGrant) error {
	role := RoleOf(g.Role, a.s, a.c)
	if role == nil {
		return fmt.Errorf("no role is called %q", g.Role)
	}
	a.assign(who, g, role.ID)
	return nil
}

// RoleOf finds a role by name or ID, among those of a snapshot and of Azure; nil where there
// is none.
func RoleOf(name string, s *mivet.Snapshot, c *catalog.Catalog) *mivet.RoleDefinition {
	for i := range s.RoleDefinitions {
		if r := &s.RoleDefinitions[i]; sameRole(r, name) {
			return r
		}
	}
	if r := c.Role(mivet.NewRoleID(name)); r != nil {
		return r
	}
	return c.RoleByName(name)
}

func (a *allowance) assign(who mivet.PrincipalID, g *BoundGrant, role mivet.RoleID) {
	r := mivet.RoleAssignment{Role: role, Principal: who, PrincipalType: mivet.TypeServicePrincipal, Scope: g.Scope.ID, Source: g.At.Source()}
	if g.Condition != "" {
		r.Condition, r.ConditionVersion = g.Condition, "2.0"
	}
	a.s.RoleAssignments = append(a.s.RoleAssignments, r)
}

// operations allows operations in each system that may decide about them: as a role of its
// own, as words of an access policy, and as a local role of Cosmos DB.
func (a *allowance) operations(who mivet.PrincipalID, g *BoundGrant, patterns []string, plane mivet.Plane) {
	a.made++
	id := "contract-" + strconv.Itoa(a.made)
	p := mivet.Permission{Actions: patterns}
	if plane != mivet.PlaneControl {
		p = mivet.Permission{DataActions: patterns}
	}
	if plane == mivet.PlaneUnknown {
		p.Actions = patterns
	}
	a.s.RoleDefinitions = append(a.s.RoleDefinitions, mivet.RoleDefinition{
		ID: mivet.RoleID(id), Name: "the ceiling", Permissions: []mivet.Permission{p}, Source: g.At.Source(),
	})
	a.assign(who, g, mivet.RoleID(id))
	if plane == mivet.PlaneControl {
		return
	}
	if vault := ancestor(g.Scope.ID, vaults); !vault.IsZero() {
		a.s.AccessPolicies = append(a.s.AccessPolicies, mivet.AccessPolicy{
			Vault: vault, Principal: who, Secrets: policyWords("secrets", patterns), Keys: policyWords("keys", patterns),
			Certificates: policyWords("certificates", patterns), Source: g.At.Source(),
		})
	}
	if account := ancestor(g.Scope.ID, cosmos); !account.IsZero() {
		a.s.LocalRoles = append(a.s.LocalRoles, mivet.LocalRole{System: mivet.LocalCosmos, Account: account, ID: id, DataActions: patterns})
		a.s.LocalGrants = append(a.s.LocalGrants, mivet.LocalAssignment{
			System: mivet.LocalCosmos, Account: account, Role: id, Principal: who, Source: g.At.Source(), Scope: cosmosScope(g.Scope.ID, account),
		})
	}
}

// ancestor is the resource of a type at or above an ID; zero where there is none.
func ancestor(id arm.ID, resourceType string) arm.ID {
	for at := id; at.Level() == arm.LevelResource; at = at.Parent() {
		if at.HasType(resourceType) {
			return at
		}
	}
	return arm.ID{}
}

// cosmosScope is the service's own name of what lies below an account.
func cosmosScope(id, account arm.ID) string {
	scope := ""
	for at := id; !at.Equal(account); at = at.Parent() {
		short := "/dbs/"
		if at.HasType(cosmos + "/sqlDatabases/containers") {
			short = "/colls/"
		}
		scope = short + at.Name() + scope
	}
	return scope
}

// policyWords are the words of a list of access policies that patterns cover.
func policyWords(list string, patterns []string) []string {
	var out []string
	for _, word := range authz.PolicyWords(list) {
		op, ok := authz.VaultOperation(list + "/" + word)
		if ok && slices.ContainsFunc(patterns, func(s string) bool {
			p, err := arm.ParsePattern(s)
			return err == nil && p.Matches(op)
		}) {
			out = append(out, word)
		}
	}
	return out
}

// Excess compares what an identity can do with what its ceiling allows: OnlyA is what it can
// do beyond. The engines are of the tenant, and of [Bound.Allowed].
func (x *Binding) Excess(actual, allowed *authz.Engine) (authz.Difference, error) {
	if x.Held == "" {
		return authz.Difference{}, errors.New("its principal is not known")
	}
	who := []mivet.PrincipalID{x.Held}
	return authz.Equivalent(authz.Side{Engine: actual, Principals: who}, authz.Side{Engine: allowed, Principals: who}, authz.Extent{}), nil
}
