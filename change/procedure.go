// SPDX-License-Identifier: Apache-2.0

package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A Procedure is a way to the same end that leaves no gap in access: steps in their order.
type Procedure struct {
	Address string   `json:"address"`
	Title   string   `json:"title"`
	Steps   []string `json:"steps"`
}

// How long a role takes to be in effect, and an identity's token to be renewed
// (MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md;
// MicrosoftDocs/entra-docs docs/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations.md).
const (
	waitForRole  = "wait until the roles are in effect (up to ten minutes; rights through a group or an app role up to 24 hours)"
	checkByTests = "check with the access tests, in the workload, that it works by the new identity"
)

// Procedures lists, for each owner whose principal the change ends while the workload
// stays, the order in which the same is reached without a gap.
func (w *World) Procedures() []Procedure {
	k := w.k
	var out []Procedure
	for i := range k.Steps {
		s := &k.Steps[i]
		a, b := k.before.resources[s.Address], k.after.resources[s.Address]
		if a == nil || b == nil || !s.existed() || !s.stays() {
			continue
		}
		switch {
		case k.isIdentity(s.Address) && s.replaced():
			out = append(out, k.newUserAssigned(s, a, b))
		case s.replaced() && carriesSystem(a) && moves(a.ID, b.ID):
			out = append(out, k.movedCarrier(s, a, b))
		case s.replaced() && carriesSystem(a):
			out = append(out, k.outlivedCarrier(s, a))
		case carriesSystem(a) && !carriesSystem(b) && b.Identity != nil:
			out = append(out, k.systemToUser(s, a, b))
		case carriesSystem(b) && !carriesSystem(a) && a.Identity != nil && len(b.Identity.User) < len(a.Identity.User):
			out = append(out, k.userToSystem(s, a, b))
		}
	}
	return append(out, k.otherTenant()...)
}

func (k *comparison) isIdentity(address string) bool {
	m := k.before.owners[address]
	return m != nil && m.Kind == mivet.UserAssigned
}

func carriesSystem(r *mivet.Resource) bool { return r.Identity != nil && r.Identity.System }

// moves reports whether the group of a resource is another one afterwards. The
// subscription of a new resource may not be known.
func moves(a, b arm.ID) bool {
	return arm.Fold(a.ResourceGroup()) != arm.Fold(b.ResourceGroup()) ||
		arm.Fold(a.SubscriptionID()) != arm.Fold(b.SubscriptionID()) && !strings.HasPrefix(b.SubscriptionID(), "{")
}

// holds lists what principals hold before, for people.
func (k *comparison) holds(ids ...mivet.PrincipalID) string {
	var out []string
	for i := range k.before.grants {
		h := &k.before.grants[i]
		if slices.Contains(ids, h.principal) {
			if w := k.words(k.key(h.what, h.scope)); !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	if len(out) == 0 {
		return "give the new identity what the workload needs (no grant of the old one is known)"
	}
	slices.Sort(out)
	return "give the new identity what the old one has: " + strings.Join(out, "; ")
}

func (k *comparison) systemToUser(s *Step, a, b *mivet.Resource) Procedure {
	return Procedure{s.Address, "from the system-assigned to a user-assigned identity", []string{
		"apply first only the user-assigned identity" + namesOf(b.Identity.User) + " and its grants",
		k.holds(a.Identity.SystemPrincipal),
		waitForRole,
		`attach it beside the system-assigned one: identity type "SystemAssigned, UserAssigned"`,
		"set the selectors to it: " + k.selectorWords(s) + "AZURE_CLIENT_ID or the client ID in code, since without one the system-assigned identity is still presented",
		checkByTests,
		"only then drop the system-assigned identity, and remove its grants: they stay behind without a holder",
	}}
}

func (k *comparison) userToSystem(s *Step, a, b *mivet.Resource) Procedure {
	var gone []arm.ID
	for _, u := range a.Identity.User {
		if !slices.ContainsFunc(b.Identity.User, u.Equal) {
			gone = append(gone, u)
		}
	}
	return Procedure{s.Address, "from a user-assigned to the system-assigned identity", []string{
		`apply first the identity type "SystemAssigned, UserAssigned": the principal of the system-assigned identity is only known after it`,
		"in a second run " + k.holds(k.principalsOf(gone)...),
		waitForRole,
		"take away what selects the user-assigned identity: " + k.selectorWords(s) + "AZURE_CLIENT_ID or the client ID in code",
		checkByTests,
		"only then detach the user-assigned identity" + namesOf(gone),
	}}
}

func (k *comparison) outlivedCarrier(s *Step, a *mivet.Resource) Procedure {
	return Procedure{s.Address, "a resource that is made anew with a system-assigned identity", []string{
		"apply first a user-assigned identity, which outlives the resource, and its grants",
		k.holds(a.Identity.SystemPrincipal),
		waitForRole,
		`attach it to the resource as it is: identity type "SystemAssigned, UserAssigned"; set the selectors to it: ` + k.selectorWords(s) + "AZURE_CLIENT_ID or the client ID in code",
		checkByTests,
		"only then make the resource anew, with the user-assigned identity; create_before_destroy or a second slot keeps it answering meanwhile",
		"remove the grants of the old principal",
	}}
}

// A move by Azure keeps the object; assignments on it do not move along, and a
// user-assigned identity cannot be moved
// (MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md, "Move or transfer";
// MicrosoftDocs/entra-docs docs/identity/managed-identities-azure-resources/managed-identities-faq.md).
func (k *comparison) movedCarrier(s *Step, a, b *mivet.Resource) Procedure {
	steps := []string{
		fmt.Sprintf("do not let the plan make it anew: move it from %s to %s (az resource move), if its type can be moved", a.ID.ResourceGroup(), b.ID.ResourceGroup()),
		"note its principalId, and the role assignments on the resource itself and below: they do not move along",
		"move it; user-assigned identities stay where they are and stay attached",
		"make the assignments on it again, at its new ID",
		"compare its principalId with the one noted; where it is another, give it what the old one has: " + strings.TrimPrefix(k.holds(a.Identity.SystemPrincipal), "give the new identity what the old one has: "),
		"take the new ID into the state (terraform state rm, then import), and plan again: nothing is to be made anew",
	}
	return Procedure{s.Address, "a move to another resource group", steps}
}

func (k *comparison) newUserAssigned(s *Step, a, b *mivet.Resource) Procedure {
	m := k.before.owners[s.Address]
	var at []string
	for _, p := range k.presenters(m.Principal) {
		switch {
		case p.Trust != "":
			at = append(at, "the federated credential for "+p.Trust)
		default:
			at = append(at, p.Resource.String())
		}
	}
	slices.Sort(at)
	carriers := "attach it beside the old one"
	if len(at) > 0 {
		carriers += " to all that present the old one: " + strings.Join(at, ", ")
	}
	first := "make the new identity beside the old one, under another address and name"
	if moves(a.ID, b.ID) {
		first += " (Azure cannot move a user-assigned identity to another group)"
	}
	return Procedure{s.Address, "a user-assigned identity that is made anew", []string{
		first,
		k.holds(m.Principal),
		waitForRole,
		carriers,
		"set all selectors to the new client ID and resource ID (AZURE_CLIENT_ID, Key Vault references, registry, keys)",
		checkByTests,
		"only then detach the old identity everywhere, and delete it with its grants",
	}}
}

// otherTenant tells what a move of a subscription between tenants leads to
// (MicrosoftDocs/azure-docs articles/role-based-access-control/transfer-subscription.md).
func (k *comparison) otherTenant() []Procedure {
	if k.Tenant == nil || k.Tenant.TenantID == "" || k.Plan.managedTenant == "" || strings.EqualFold(k.Tenant.TenantID, k.Plan.managedTenant) {
		return nil
	}
	owners := 0
	for i := range k.Before.Identities {
		if address(k.Before.Identities[i].Source) != "" {
			owners++
		}
	}
	return []Procedure{{k.Plan.managedTenant, fmt.Sprintf("from tenant %s to tenant %s: a gap cannot be avoided", k.Tenant.TenantID, k.Plan.managedTenant), []string{
		"keep the snapshot of the old tenant: role assignments and custom roles are deleted for good with the transfer",
		"export the access policies of vaults, and note their tenant ID",
		"transfer the subscription",
		fmt.Sprintf("switch system-assigned identities off and on again, and make user-assigned ones anew and attach them (%d identities are in this change): their principals belong to the old tenant", owners),
		"set the tenant ID of vaults, and their access policies, to the new tenant and the new principals",
		"make custom roles and role assignments again, for the new principals",
		checkByTests,
	}}}
}

// selectorWords names the selectors of an object, with a comma and a blank behind.
func (k *comparison) selectorWords(s *Step) string {
	var out strings.Builder
	for i := range s.Selectors {
		out.WriteString(s.Selectors[i].Attribute + ", ")
	}
	return out.String()
}

func (k *comparison) principalsOf(ids []arm.ID) []mivet.PrincipalID {
	var out []mivet.PrincipalID
	for _, id := range ids {
		if m := k.before.index.UserAssigned(id); m != nil && m.Principal != "" {
			out = append(out, m.Principal)
		}
	}
	return out
}

func namesOf(ids []arm.ID) string {
	var names []string
	for _, id := range ids {
		names = append(names, id.Name())
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}
