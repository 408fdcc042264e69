// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// An assignment may have a condition where its source lists none: it is no sure grant.
func TestConditionThatWasNotRead(t *testing.T) {
	scope, err := arm.ParseID("/subscriptions/s")
	if err != nil {
		t.Fatal(err)
	}
	op, err := arm.ParseOperation("Microsoft.Web/sites/write")
	if err != nil {
		t.Fatal(err)
	}
	f := func(unread bool, condition string, want Effect) {
		t.Helper()
		e := New(&mivet.Snapshot{
			RoleDefinitions: []mivet.RoleDefinition{{ID: "r", Name: "writer", Permissions: []mivet.Permission{{Actions: []string{"*/write"}}}}},
			RoleAssignments: []mivet.RoleAssignment{{Role: "r", Principal: "p", Scope: scope, ConditionUnknown: unread, Condition: condition}},
		}, Options{})
		got := e.Explain(Request{Principal: "p", Operation: op, Plane: mivet.PlaneControl, Resource: scope})
		if got.Effect != want {
			t.Errorf("condition %q, unread %v: %s, want %s", condition, unread, got.Effect, want)
		}
		if want == Unknown && (got.Cause != CauseGap || len(got.Missing) == 0) {
			t.Errorf("the answer does not say what is missing: %+v", got)
		}
	}
	f(false, "", Allowed)
	f(true, "", Unknown)
	f(true, "true BoolEquals true", Allowed)
}
