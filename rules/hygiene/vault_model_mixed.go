// SPDX-License-Identifier: Apache-2.0

package hygiene

import (
	"cmp"
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed vault_model_mixed.md
var vaultModelMixedDoc string

// VaultModelMixed finds key vaults with grants of the model that they do not use.
var VaultModelMixed = &vet.Rule{
	ID:       "vault-model-mixed",
	Title:    "Access policies and role assignments confused on a key vault",
	Doc:      vaultModelMixedDoc,
	Category: "hygiene",
	Severity: mivet.SeverityMedium,
	Class:    "keyvault-access-policy-escalation",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactAccessPolicies, mivet.FactRoleAssignments},
	Since:    "0.1.0",
	Sources:  []vet.Citation{vaultMigration},
	Check:    checkVaultModels,
}

const vaultType = "Microsoft.KeyVault/vaults"

func checkVaultModels(p *vet.Pass) error {
	policies := map[arm.Key][]*mivet.AccessPolicy{}
	for i := range p.Snapshot.AccessPolicies {
		a := &p.Snapshot.AccessPolicies[i]
		policies[a.Vault.Key()] = append(policies[a.Vault.Key()], a)
	}
	roles := map[arm.Key][]*mivet.RoleAssignment{}
	for _, a := range p.Assignments() {
		if v := vaultOf(a.Scope); !v.IsZero() && p.Holds(a) && onlyData(p.Role(a)) {
			roles[v.Key()] = append(roles[v.Key()], a)
		}
	}
	for _, v := range p.OfType(vaultType, arm.ID{}) {
		checkVault(p, v, sorted(policies[v.ID.Key()]), roles[v.ID.Key()])
	}
	return nil
}

func sorted(list []*mivet.AccessPolicy) []*mivet.AccessPolicy {
	slices.SortStableFunc(list, func(a, b *mivet.AccessPolicy) int {
		return cmp.Or(cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.ApplicationID, b.ApplicationID))
	})
	return list
}

// vaultOf returns the vault that a scope is or is in.
func vaultOf(scope arm.ID) arm.ID {
	for at := scope; at.Level() == arm.LevelResource; at = at.Parent() {
		if arm.Fold(at.Type()) == arm.Fold(vaultType) {
			return at
		}
	}
	return arm.ID{}
}

// onlyData reports whether a role is about a vault's data: it has data actions and
// changes nothing through Resource Manager.
func onlyData(r *vet.Role) bool {
	return r.Powers.Has(vet.UsesData) && !r.Powers.Any(vet.WritesVaultPolicies|vet.WritesMost)
}

func checkVault(p *vet.Pass, v *mivet.Resource, policies []*mivet.AccessPolicy, roles []*mivet.RoleAssignment) {
	switch vet.VaultModelOf(v) {
	case vet.ModelRoles:
		if len(policies) > 0 {
			p.Report(idlePolicies(p, v, policies))
			return
		}
	case vet.ModelPolicies:
		if len(roles) > 0 {
			p.Report(idleRoles(p, v, policies, roles))
			return
		}
	case vet.ModelUnknown:
		if len(policies) > 0 && len(roles) > 0 {
			p.Unassessed(vet.Undecided{
				Subject: mivet.Subject{Resource: v.ID}, Source: v.Source, Facts: mivet.FactResources,
				Reason: "which permission model it uses was not read", Permission: "Microsoft.KeyVault/vaults/read",
			})
		}
		return
	}
	p.Pass()
}

func vaultFinding(v *mivet.Resource, kind string) mivet.Finding {
	setting, _ := v.Setting("enableRbacAuthorization")
	return mivet.Finding{
		Subject: mivet.Subject{Resource: v.ID, Name: v.ID.Name()}, Discriminator: kind, Source: v.Source,
		Evidence: []mivet.Evidence{{Kind: mivet.Configured, Fact: "enableRbacAuthorization is " + setting, Source: v.Source}},
	}
}

// idlePolicies is about a vault that uses roles and has an access list.
func idlePolicies(p *vet.Pass, v *mivet.Resource, policies []*mivet.AccessPolicy) mivet.Finding {
	f := vaultFinding(v, "policies")
	f.Severity = mivet.SeverityLow
	f.Message = fmt.Sprintf("the key vault %s uses role assignments and still has %s, which %s for nothing",
		v.ID.Name(), policyCount(len(policies)), counts(len(policies)))
	f.Consequence = "whoever reads the list believes in access that is not there, and all of it is back if somebody switches the model"
	f.Fix = mivet.Fix{
		Summary: fmt.Sprintf("remove the access list of %s", v.ID.Name()),
		Check:   "that each principal of the list has the roles it needs",
	}
	for _, a := range policies {
		f.Evidence = append(f.Evidence, mivet.Evidence{
			Kind: mivet.Configured, Source: a.Source, Fact: fmt.Sprintf("an access policy names %s", p.Name(a.Principal)),
		})
		f.Fix.Edits = append(f.Fix.Edits, mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: a})
	}
	return f
}

func policyCount(n int) string {
	if n == 1 {
		return "1 access policy"
	}
	return fmt.Sprintf("%d access policies", n)
}

func counts(n int) string {
	if n == 1 {
		return "counts"
	}
	return "count"
}

// idleRoles is about a vault that uses its access list and has data roles.
func idleRoles(p *vet.Pass, v *mivet.Resource, policies []*mivet.AccessPolicy, roles []*mivet.RoleAssignment) mivet.Finding {
	f := vaultFinding(v, "roles")
	f.Severity = mivet.SeverityMedium
	f.Message = fmt.Sprintf("the key vault %s uses access policies and has %s for its data, which %s for nothing",
		v.ID.Name(), vet.Count(len(roles), "role assignment"), counts(len(roles)))
	names := map[string]bool{}
	var locked []string
	for _, a := range roles {
		f.Evidence = append(f.Evidence, mivet.Evidence{
			Kind: mivet.Configured, Source: a.Source, Fact: fmt.Sprintf("%s holds %s at %s", p.Name(a.Principal), p.Role(a).Label, p.ScopeWords(a.Scope)),
		})
		has := slices.ContainsFunc(policies, func(o *mivet.AccessPolicy) bool { return o.Principal == a.Principal })
		if name := p.Name(a.Principal); !has && !names[name] {
			names[name] = true
			locked = append(locked, name)
		}
	}
	f.Consequence = "the assignments look like access and give none"
	if len(locked) > 0 {
		f.Consequence = fmt.Sprintf("%s gets 403 from the vault, and its role assignment looks right", vet.AtMost(locked, 2))
	}
	f.Fix = switchFix(p, v, policies)
	return f
}

// switchFix moves a vault to role assignments: each policy becomes roles, then the model
// is switched, then the list goes.
func switchFix(p *vet.Pass, v *mivet.Resource, policies []*mivet.AccessPolicy) mivet.Fix {
	f := mivet.Fix{
		Summary: fmt.Sprintf("give the principals of the access list roles, then let %s use role assignments", v.ID.Name()),
		Check:   "that nobody else depends on the list, and who may write role assignments there",
	}
	var removals []mivet.Edit
	for _, a := range policies {
		if a.ApplicationID != "" {
			f.Check = "an entry for a user by way of an application has no role that is the same: decide what it needs"
			return f
		}
		for _, role := range rolesFor(a) {
			def := p.Catalog.RoleByName(role)
			if def == nil {
				return f
			}
			f.Edits = append(f.Edits, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{
				Role: def.ID, RoleName: def.Name, Principal: a.Principal, Scope: v.ID, Source: a.Source,
			}})
		}
		removals = append(removals, mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: a})
	}
	f.Edits = append(f.Edits, mivet.Edit{Kind: mivet.EditSetSetting, Resource: v.ID, Name: "enableRbacAuthorization", Value: "true"})
	f.Edits = append(f.Edits, removals...)
	return f
}

// rolesFor returns the built-in roles that cover an access policy: the readers' or users'
// role where it only reads or uses, the officer's where it changes. The correspondence is
// our reading of MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-migration.md.
func rolesFor(a *mivet.AccessPolicy) []string {
	var out []string
	pick := func(words, small []string, user, officer string) {
		if len(words) == 0 {
			return
		}
		for _, w := range words {
			if !slices.Contains(small, strings.ToLower(w)) {
				out = append(out, officer)
				return
			}
		}
		out = append(out, user)
	}
	pick(a.Secrets, []string{"get", "list"}, "Key Vault Secrets User", "Key Vault Secrets Officer")
	pick(a.Keys, []string{"get", "list", "encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify"}, "Key Vault Crypto User", "Key Vault Crypto Officer")
	pick(a.Certificates, []string{"get", "list"}, "Key Vault Reader", "Key Vault Certificates Officer")
	return out
}
