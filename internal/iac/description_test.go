// SPDX-License-Identifier: Apache-2.0

package iac

import "testing"

// A description that is known after apply may be there.
func TestDescriptionAfterApply(t *testing.T) {
	f := func(unknown string, want bool) {
		t.Helper()
		s := read(t, `{"format_version":"1.2","resource_changes":[{"address":"azurerm_role_assignment.x","type":"azurerm_role_assignment","change":{"actions":["create"],"after":{"scope":"/subscriptions/s","role_definition_name":"Owner","principal_id":"11111111-1111-1111-1111-111111111111"},"after_unknown":`+unknown+`}}]}`)
		if len(s.RoleAssignments) != 1 || s.RoleAssignments[0].DescriptionUnknown != want {
			t.Errorf("%s: %+v", unknown, s.RoleAssignments)
		}
	}
	f(`{}`, false)
	f(`{"description":true}`, true)
}
