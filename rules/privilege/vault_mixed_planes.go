// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed vault_mixed_planes.md
var vaultMixedPlanesDoc string

// VaultMixedPlanes finds identities that use the data of a key vault and may change the
// vault as well.
var VaultMixedPlanes = &vet.Rule{
	ID:       "vault-mixed-planes",
	Title:    "Control and data plane of a key vault mixed in one identity",
	Doc:      vaultMixedPlanesDoc,
	Category: "privilege",
	Severity: mivet.SeverityMedium,
	Class:    "access-excess-role",
	Needs:    []mivet.FactKind{mivet.FactRoleAssignments, mivet.FactRoleDefinitions, mivet.FactAccessPolicies},
	Since:    "0.1.0",
	Sources:  []vet.Citation{vaultGuide},
	Check:    checkVaultMixedPlanes,
}

const vaultType = "Microsoft.KeyVault/vaults"

func checkVaultMixedPlanes(p *vet.Pass) error {
	for _, id := range p.Workers() {
		holdings := p.Holdings(id)
		if len(p.Policies(id)) == 0 && !usesAnyData(holdings) {
			continue
		}
		if !changesVaults(holdings) {
			p.Pass()
			continue
		}
		mixed, looked := mixedOf(p, id, holdings)
		switch {
		case len(mixed) > 0:
			p.Report(mixedFinding(p, id, mixed))
		case looked:
			p.Pass()
		}
	}
	return nil
}

// mixedOf returns the first vaults of which an identity uses data and which it may change,
// and whether it uses data of any. It goes through the smaller of the two sides.
func mixedOf(p *vet.Pass, id mivet.PrincipalID, holdings []vet.Holding) (mixed []mixedVault, uses bool) {
	rights, used, changed := vaultRights(holdings), usedVaults(p, id, holdings), changedVaults(p, holdings)
	fewer := used
	if changed.count() < used.count() {
		fewer = changed
	}
	fewer.each(func(vault *mivet.Resource) bool {
		data, control := sides(p, id, rights, vault)
		uses = uses || data
		if data && control {
			mixed = append(mixed, mixedVault{vault, useOf(p, id, holdings, vault)})
		}
		return len(mixed) < shownVaults
	})
	if !uses {
		used.each(func(vault *mivet.Resource) bool {
			uses, _ = sides(p, id, rights, vault)
			return !uses
		})
	}
	return mixed, uses
}

// shownVaults is how many vaults a finding names; more are not looked for.
const shownVaults = 20

func changesVaults(holdings []vet.Holding) bool {
	return slices.ContainsFunc(holdings, func(h vet.Holding) bool { return h.Surely && h.Role.Powers.Has(vet.WritesVaultPolicies) })
}

func usesAnyData(holdings []vet.Holding) bool {
	return slices.ContainsFunc(holdings, func(h vet.Holding) bool { return usesVaultData(h.Role) })
}

// mixedVault is a vault with what an identity may do there.
type mixedVault struct {
	vault *mivet.Resource
	use   use
}

// usesVaultData reports whether a role reads secrets or lists them.
func usesVaultData(r *vet.Role) bool {
	return r.Powers.Has(vet.ReadsSecrets) ||
		r.Powers.Has(vet.UsesData) && r.Grants(vaultOperations.list, mivet.PlaneData)
}

// vaults are sets of vaults, which may have some in common.
type vaults [][]*mivet.Resource

func (v vaults) count() int {
	n := 0
	for _, list := range v {
		n += len(list)
	}
	return n
}

// each calls yield for each vault once, until it returns false.
func (v vaults) each(yield func(*mivet.Resource) bool) {
	seen := map[*mivet.Resource]bool{}
	for _, list := range v {
		for _, r := range list {
			if seen[r] {
				continue
			}
			seen[r] = true
			if !yield(r) {
				return
			}
		}
	}
}

// usedVaults returns the vaults of which an identity may use data.
func usedVaults(p *vet.Pass, id mivet.PrincipalID, holdings []vet.Holding) vaults {
	var out vaults
	add := func(vault arm.ID) {
		if r := p.Index().Resource(vault); r != nil {
			out = append(out, []*mivet.Resource{r})
		}
	}
	for i := range holdings {
		if !usesVaultData(holdings[i].Role) {
			continue
		}
		if scope := holdings[i].Scope(); scope.Level() == arm.LevelResource {
			add(vaultAbove(scope))
			continue
		}
		out = append(out, p.OfType(vaultType, holdings[i].Scope()))
	}
	for _, a := range p.Policies(id) {
		add(a.Vault)
	}
	return out
}

// changedVaults returns the vaults that an identity may change.
func changedVaults(p *vet.Pass, holdings []vet.Holding) vaults {
	var out vaults
	for i := range holdings {
		if holdings[i].Surely && holdings[i].Role.Powers.Has(vet.WritesVaultPolicies) {
			out = append(out, p.OfType(vaultType, holdings[i].Scope()))
		}
	}
	return out
}

// vaultAbove returns the vault that a scope is or is in; zero where there is none.
func vaultAbove(scope arm.ID) arm.ID {
	for at := scope; at.Level() == arm.LevelResource; at = at.Parent() {
		if at.HasType(vaultType) {
			return at
		}
	}
	return arm.ID{}
}

// use is what an identity may do with one vault.
type use struct {
	data, control []mivet.Evidence
	changes       []*vet.Holding
	lists         bool // more than the secrets that it reads
}

// The operations of a vault that are told apart. A name that could not be parsed would
// match no role; the tenants of the rule would notice.
var vaultOperations = struct{ get, list, write, policy arm.Operation }{
	get:    operation("Microsoft.KeyVault/vaults/secrets/getSecret/action"),
	list:   operation("Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
	write:  operation("Microsoft.KeyVault/vaults/write"),
	policy: operation("Microsoft.KeyVault/vaults/accessPolicies/write"),
}

func operation(name string) arm.Operation {
	op, _ := arm.ParseOperation(name)
	return op
}

// vaultRight is what a holding does in vaults.
type vaultRight struct {
	scope         arm.ID
	data, control bool
}

// vaultRights returns the holdings that count for [useOf], with what they do.
func vaultRights(holdings []vet.Holding) []vaultRight {
	var out []vaultRight
	for i := range holdings {
		role := holdings[i].Role
		if !holdings[i].Surely || !role.Powers.Has(vet.WritesVaultPolicies) && !usesVaultData(role) {
			continue
		}
		out = append(out, vaultRight{
			scope:   holdings[i].Scope(),
			data:    role.Grants(vaultOperations.get, mivet.PlaneData) || role.Grants(vaultOperations.list, mivet.PlaneData),
			control: role.Grants(vaultOperations.write, mivet.PlaneControl) || role.Grants(vaultOperations.policy, mivet.PlaneControl),
		})
	}
	return out
}

// sides tells whether [useOf] would find a use of data and one of the vault's own
// configuration, without saying which.
func sides(p *vet.Pass, id mivet.PrincipalID, rights []vaultRight, vault *mivet.Resource) (data, control bool) {
	model := vet.VaultModelOf(vault)
	for i := range rights {
		r := &rights[i]
		more := r.data && !data && model != vet.ModelPolicies || r.control && !control
		if !more {
			continue
		}
		inside := vault.ID.Contains(r.scope) && !r.scope.Equal(vault.ID)
		if !inside && !p.Covers(r.scope, vault.ID) {
			continue
		}
		data = data || r.data && model != vet.ModelPolicies
		control = control || r.control && !inside
	}
	if data || model == vet.ModelRoles {
		return data, control
	}
	return slices.ContainsFunc(p.Policies(id), func(a *mivet.AccessPolicy) bool { return opensVault(a, vault) }), control
}

// opensVault reports whether an entry of an access list gives data of a vault.
func opensVault(a *mivet.AccessPolicy, vault *mivet.Resource) bool {
	return a.Vault.Equal(vault.ID) && len(a.Secrets)+len(a.Keys)+len(a.Certificates) > 0
}

func useOf(p *vet.Pass, id mivet.PrincipalID, holdings []vet.Holding, vault *mivet.Resource) use {
	var u use
	model := vet.VaultModelOf(vault)
	for i := range holdings {
		h := &holdings[i]
		if !h.Role.Powers.Has(vet.WritesVaultPolicies) && !usesVaultData(h.Role) {
			continue
		}
		inside := vault.ID.Contains(h.Scope()) && !h.Scope().Equal(vault.ID)
		if !h.Surely || !inside && !p.Covers(h.Scope(), vault.ID) {
			continue
		}
		reads := h.Role.Grants(vaultOperations.get, mivet.PlaneData)
		lists := h.Role.Grants(vaultOperations.list, mivet.PlaneData)
		if model != vet.ModelPolicies && (reads || lists) {
			u.data = append(u.data, p.HoldingFact(h))
			u.lists = u.lists || lists && !inside
		}
		if !inside && (h.Role.Grants(vaultOperations.write, mivet.PlaneControl) || h.Role.Grants(vaultOperations.policy, mivet.PlaneControl)) {
			u.control = append(u.control, p.HoldingFact(h))
			u.changes = append(u.changes, h)
		}
	}
	if model == vet.ModelRoles {
		return u
	}
	for _, a := range p.Policies(id) {
		if opensVault(a, vault) {
			u.data = append(u.data, mivet.Evidence{
				Kind: mivet.Configured, Source: a.Source,
				Fact: fmt.Sprintf("the access policy of %s allows secrets %q, keys %q, certificates %q", p.Name(id), a.Secrets, a.Keys, a.Certificates),
			})
		}
	}
	return u
}

func mixedFinding(p *vet.Pass, id mivet.PrincipalID, mixed []mixedVault) mivet.Finding {
	name := p.Name(id)
	reach := p.ReachBy(id)
	first := mixed[0].use.changes[0]
	f := mivet.Finding{
		Subject: p.SubjectOf(id), Source: first.Assignment.Source, Reach: &reach, Severity: mivet.SeverityMedium,
	}
	var names, opened []string
	var changes []*mivet.RoleAssignment
	lists := false
	for _, m := range mixed {
		names = append(names, "the key vault "+m.vault.ID.Name())
		if vet.VaultModelOf(m.vault) == vet.ModelPolicies {
			opened = append(opened, "the key vault "+m.vault.ID.Name())
		}
		lists = lists || m.use.lists
		f.Evidence = append(append(f.Evidence, m.use.data...), m.use.control...)
		for _, h := range m.use.changes {
			if !slices.Contains(changes, h.Assignment) {
				changes = append(changes, h.Assignment)
			}
		}
	}
	if len(mixed) == shownVaults {
		names = append(names, "others")
	}
	f.Message = fmt.Sprintf("%s uses data of %s and may change its configuration, by %s", name, vet.AtMost(names, 2), first.Role.Label)
	f.Consequence = fmt.Sprintf("who gets at %s can open %s to others, switch off protections or overwrite what is in there, beside reading it",
		name, vet.AtMost(names, 2))
	if lists {
		f.Consequence += "; it lists every secret's name"
	}
	if len(opened) > 0 {
		f.Severity = mivet.SeverityHigh
		f.Consequence = fmt.Sprintf("%s may write the access list of %s, and so reads every secret there, not only those it was given", name, vet.AtMost(opened, 2))
	}
	f.Fix = smallerFix(p, first.Assignment, p.Replace(first.Assignment))
	for _, a := range changes[1:] {
		also := p.Replace(a).Edits
		if f.Fix.Edits == nil || also == nil {
			f.Fix.Edits = nil
			break
		}
		f.Fix.Edits = append(f.Fix.Edits, also...)
	}
	return f
}
