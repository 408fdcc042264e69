// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"

	"github.com/mivet/mivet"
)

func TestCompiledRole(t *testing.T) {
	role := CompileRole(&mivet.RoleDefinition{Name: "odd", Permissions: []mivet.Permission{
		{Actions: []string{"Microsoft.Web/*"}, NotActions: []string{"Microsoft.Web/sites/delete"}},
		{DataActions: []string{"Microsoft.Web/sites/*"}, Condition: "@Resource[a] StringEquals 'b'", ConditionVersion: "2.0"},
	}})
	unread := CompileRole(&mivet.RoleDefinition{Permissions: []mivet.Permission{{Actions: []string{"\x00"}}}})
	f := func(r *CompiledRole, op string, plane mivet.Plane, want Effect) {
		t.Helper()
		if got := r.Gives(operationOf(op), plane); got != want {
			t.Errorf("%s: got %v, want %v", op, got, want)
		}
	}
	f(role, "Microsoft.Web/sites/write", mivet.PlaneControl, Allowed)
	f(role, "Microsoft.Web/sites/delete", mivet.PlaneControl, Denied)
	f(role, "Microsoft.Web/sites/delete", mivet.PlaneData, Allowed)
	f(role, "Microsoft.Sql/servers/write", mivet.PlaneControl, Denied)
	f(unread, "Microsoft.Web/sites/write", mivet.PlaneControl, Unknown)
}
