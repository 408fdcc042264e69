// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"testing"
)

func TestLimitOf(t *testing.T) {
	f := func(text string, want int64, unit Unit) {
		t.Helper()
		got, ok := LimitOf(text)
		if !ok || got.Value != want || got.Unit != unit {
			t.Errorf("LimitOf(%q) = %d %s (%s), %v, want %d %s", text, got.Value, got.Unit, got.Name, ok, want, unit)
		}
	}
	// MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshoot-limits.md
	f("role assignments per subscription (subscription + RG + resource scopes; not MG)", 4000, UnitCount)
	f("Azure role assignments in one subscription, excluding management group scope", 4000, UnitCount)
	f("how many RoleAssignments can a subscription have", 4000, UnitCount)
	f("role assignments per management group", 500, UnitCount)
	f("role assignments at MG scope (not counted in the subscription)", 500, UnitCount)
	// custom-roles.md
	f("custom roles per tenant (public cloud)", 5000, UnitCount)
	f("maximum number of Azure custom roles in a directory", 5000, UnitCount)
	f("custom roles per tenant (Microsoft Azure operated by 21Vianet)", 2000, UnitCount)
	f("custom roles, Azure China", 2000, UnitCount)
	f("wildcards in one action string of a custom role", 1, UnitCount)
	f("wildcard characters per Actions entry", 1, UnitCount)
	f("wildcards allowed in AssignableScopes", 0, UnitCount)
	f("assignable scopes of a custom role", 2000, UnitCount)
	f("entries in AssignableScopes", 2000, UnitCount)
	f("management groups in AssignableScopes", 1, UnitCount)
	f("management groups that a custom role can name", 1, UnitCount)
	f("characters in the name of a custom role", 512, UnitCharacters)
	f("length of a custom role's roleName", 512, UnitCharacters)
	f("custom role description, in characters", 2048, UnitCharacters)
	f("description of a custom role in KB", 2, UnitKilobytes)
	// includes/role-based-access-control/limits.md
	f("size of a condition of a role assignment in KB", 8, UnitKilobytes)
	f("condition length, bytes", 8192, UnitBytes)
	f("size of the role assignment condition", 8, UnitKilobytes)
	f("role assignment description (kB)", 2, UnitKilobytes)
	f("expressions in one condition of the visual editor", 5, UnitCount)
	// includes/management-group-limits.md
	f("management groups per Microsoft Entra tenant", 10000, UnitCount)
	f("how deep can MGs be nested: levels below the root", 6, UnitCount)
	f("direct parents of a management group", 1, UnitCount)
	// key-vault/general
	f("Key Vault access policy entries", 1024, UnitCount)
	f("access policies of one key vault", 1024, UnitCount)
	f("virtual network rules of a key vault firewall", 200, UnitCount)
	f("IPv4 rules on a vault", 1000, UnitCount)
	f("minimum soft-delete retention of a vault in days", 7, UnitDays)
	f("default soft delete retention", 90, UnitDays)
	// key-vault/managed-hsm
	f("Managed HSM key versions", 100, UnitCount)
	f("keys per HSM instance", 5000, UnitCount)
	f("managed HSMs per subscription and region", 5, UnitCount)
	f("custom role definitions per Managed HSM", 50, UnitCount)
	f("local role assignments at the scope of a managed HSM", 50, UnitCount)
	f("role assignments per individual key of an HSM", 10, UnitCount)
	f("IP addresses in the firewall of a managed HSM", 10, UnitCount)
	f("private endpoints of one Managed HSM", 64, UnitCount)
	f("largest quorum of a security domain", 10, UnitCount)
	// storage
	f("ACL entries per file", 32, UnitCount)
	f("POSIX access control entries in the default ACL of a directory", 32, UnitCount)
	f("effective ACL entries per directory", 28, UnitCount)
	f("validity of a user delegation key in days", 7, UnitDays)
	f("validity of a user delegation key in hours", 168, UnitHours)
	// entra
	f("federated credentials per user-assigned identity", 20, UnitCount)
	f("federated identity credentials on an application", 20, UnitCount)
	f("how long the token of a managed identity is cached, in minutes", 1440, UnitMinutes)
	f("hours for which managed identity tokens are cached", 24, UnitHours)
	f("days until a deleted system-assigned identity is purged", 30, UnitDays)
	f("managed identities created per tenant and region in 20 seconds", 400, UnitCount)
	f("managed identities created per subscription and region, rate", 80, UnitCount)
	f("identities assigned to resources per tenant per 20 seconds", 400, UnitCount)
	f("identities attached per subscription per 20 seconds", 300, UnitCount)
	// others
	f("minutes until a new role assignment is effective", 10, UnitMinutes)
	f("minutes until a condition is enforced", 5, UnitMinutes)
	f("excluded principals of a deployment stack's deny settings", 5, UnitCount)
	f("actions excluded by denySettings", 200, UnitCount)
	f("deployments kept in the history", 800, UnitCount)
}

func TestLimitOfNothing(t *testing.T) {
	for _, text := range []string{
		"eligible role assignments and schedule requests per subscription", "PIM role assignments per management group",
		"", "role assignments", "apples per tree", "subscriptions per tenant", "not role assignments per subscription",
		"access policy entries and federated credentials", "hours until a condition is enforced",
	} {
		if got, ok := LimitOf(text); ok {
			t.Errorf("LimitOf(%q) = %s", text, got.Name)
		}
	}
}

// Every row is found by its own name, and says where it is from.
func TestLimitsAreFound(t *testing.T) {
	for _, l := range Limits() {
		got, ok := LimitOf(l.Name)
		if !ok || got.Name != l.Name {
			t.Errorf("LimitOf(%q) = %q, %v", l.Name, got.Name, ok)
		}
		if l.Source == "" || l.Name == "" {
			t.Errorf("%+v lacks a name or a source", l)
		}
	}
}

func ExampleLimitOf() {
	l, ok := LimitOf("size of a condition in bytes")
	fmt.Println(l.Value, l.Unit, ok)
	// Output:
	// 8192 bytes true
}
