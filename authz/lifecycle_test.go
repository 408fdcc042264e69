// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"testing"
)

func TestLifecycleOf(t *testing.T) {
	f := func(text string, want Fate, code string) {
		t.Helper()
		got, ok := LifecycleOf(text)
		if !ok || got.Fate != want || got.Code != code {
			t.Errorf("LifecycleOf(%q) = %s %s (%s), %v, want %s %s", text, got.Fate, got.Code, got.Event, ok, want, code)
		}
	}
	// MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md
	f("managed identity deleted, role assignment left", FateOrphaned, "")
	f("a user is removed from the directory without removing the role assignment", FateOrphaned, "")
	f("service principal deleted", FateOrphaned, "")
	f("system-assigned identity recreated", FateOrphaned, "")
	f("managed identity deleted and re-created with the same name", FateOrphaned, "")
	f("the VM is deleted and created again with a new system-assigned identity", FateOrphaned, "")
	f("same role assignment GUID deployed with another principal", FateRefused, "RoleAssignmentUpdateNotPermitted")
	f("redeploy the template with the same assignment name after the identity was recreated", FateRefused, "RoleAssignmentUpdateNotPermitted")
	f("Bicep updates the principalId of an existing role assignment", FateRefused, "RoleAssignmentUpdateNotPermitted")
	f("ARM template redeploys role assignment with the same name but a new principalId", FateRefused, "RoleAssignmentUpdateNotPermitted")
	f("Bicep deployment repeated with the same role assignment name after the managed identity was recreated", FateRefused, "RoleAssignmentUpdateNotPermitted")
	f("redeploying the role assignment after the managed identity was recreated", FateRefused, "RoleAssignmentUpdateNotPermitted")
	f("web app redeployed: system-assigned identity disabled and enabled again", FateOrphaned, "")
	f("app redeployed, its system-assigned identity is recreated", FateOrphaned, "")
	f("new service principal, role assignment without principalType", FateRefused, "PrincipalNotFound")
	f("service principal created and role assigned right away", FateRefused, "PrincipalNotFound")
	f("role assigned immediately after the managed identity was created", FateRefused, "PrincipalNotFound")
	f("resource with a role assignment moved to another resource group", FateOrphaned, "")
	f("storage account moved to another subscription", FateOrphaned, "")
	f("subscription transferred to another directory", FateDeleted, "")
	f("the subscription moves to a different tenant", FateDeleted, "")
	f("subscription with a Lighthouse delegation transferred to another tenant", FateKept, "")
	f("last Owner role assignment of a subscription removed", FateRefused, "Cannot delete the last RBAC admin assignment")
	// custom-roles.md, troubleshoot-limits.md
	f("custom role deleted while role assignments use it", FateRefused, "RoleDefinitionHasAssignments")
	f("the 4001st role assignment of a subscription: limit exceeded", FateRefused, "RoleAssignmentLimitExceeded")
	f("the 4001st role assignment is created", FateRefused, "RoleAssignmentLimitExceeded")
	f("too many custom roles", FateRefused, "RoleDefinitionLimitExceeded")
	// key-vault/general/rbac-migration.md, soft-delete-overview.md
	f("soft-deleted key vault recovered", FateDeleted, "")
	f("vault restored after deletion", FateDeleted, "")
	// managed-identity-best-practice-recommendations.md
	f("managed identity added to a group that holds a role", FateDelayed, "")
	f("a managed identity is removed from a security group", FateDelayed, "")
	f("app role of a managed identity changed", FateDelayed, "")
	f("role assignment removed, when does it take effect", FateDelayed, "")
	f("built-in role with DataActions removed at a management group", FateDelayed, "")
}

func TestLifecycleOfNothing(t *testing.T) {
	for _, text := range []string{"", "the sun rises", "subscription renamed", "role assignment", "resource group deleted", "MG deleted"} {
		if got, ok := LifecycleOf(text); ok {
			t.Errorf("LifecycleOf(%q) = %s", text, got.Event)
		}
	}
}

// Every row is found by its own name, and says what and where.
func TestLifecyclesAreFound(t *testing.T) {
	for _, l := range Lifecycles() {
		got, ok := LifecycleOf(l.Event)
		if !ok || got.Event != l.Event {
			t.Errorf("LifecycleOf(%q) = %q, %v", l.Event, got.Event, ok)
		}
		if l.Source == "" || l.Effect == "" || (l.Fate == FateRefused) != (l.Code != "") {
			t.Errorf("%+v is not complete", l)
		}
	}
}

func ExampleLifecycleOf() {
	l, ok := LifecycleOf("subscription transferred to another directory")
	fmt.Println(l.Fate, ok)
	fmt.Println(l.Effect)
	// Output:
	// deleted true
	// all role assignments and custom roles are permanently deleted from the source directory
}
