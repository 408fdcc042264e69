// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A Plan is what a plan says of the objects that it manages. Facts of both snapshots name
// the object that they come from by Source.Origin.Address: after a move the new address,
// on both sides.
type Plan struct {
	// Before is what Azure holds as the plan read it, After what it holds when all that can
	// be applied was applied. What the plan forgets stays in After.
	Before, After *mivet.Snapshot
	// Steps are those of all managed objects, also where nothing is done.
	Steps []Step
	// Tenant is what is known beside the plan, where it was laid [Over] that: both sides hold
	// it then. It is nil for a plan alone.
	Tenant *mivet.Snapshot

	managedTenant string // the tenant that the change itself names
}

// A Step is what the plan does to one object.
type Step struct {
	Address string
	// Previous is the address before a move; empty without one.
	Previous string
	// Type is the type in the provider's words.
	Type string
	// Actions are the plan's words in their order: "create", "delete", "update", "no-op",
	// "forget". None: the input is a state.
	Actions []string
	// Deposed is true for an object whose successor an earlier apply made, without being able
	// to delete it. Its address says so as well.
	Deposed bool
	// Drifted are principals of the object's own identity that ceased outside of the plan.
	Drifted []mivet.PrincipalID
	// Grant is set for an object that binds rights to a principal.
	Grant *Grant
	// Selectors are the attributes that pick an identity.
	Selectors []Selector
	Source    mivet.Source
}

// A Grant is what an object binds on each side.
type Grant struct {
	// Role is true for a role assignment of Azure, whose principal cannot be changed
	// (MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md,
	// RoleAssignmentUpdateNotPermitted).
	Role          bool
	Before, After Bound
}

// Bound is a principal as one side of a grant names it.
type Bound struct {
	// Principal may be a symbol. It is empty where the side does not exist, or does not tell.
	Principal mivet.PrincipalID
	// Empty is true where the principal is planned as an empty text, which Azure refuses.
	Empty bool
	// Open is true where the principal is known only after apply, and the plan does not show
	// what it comes from.
	Open bool
}

// A Selector is one attribute that picks an identity.
type Selector struct {
	Attribute     string
	Before, After Choice
}

// Choice is what a selector holds on one side.
type Choice struct {
	// Values are as written: a resource ID, a client ID, or a word such as
	// "SystemAssigned".
	Values []string
	// Open is true where a value is known only after apply; Identities then are those that it
	// is taken from, where the plan shows them.
	Open       bool
	Identities []arm.ID
}

func (s *Step) does(action string) bool { return slices.Contains(s.Actions, action) }

// existed and stays report on which sides Azure holds the object. A replacement has both.
func (s *Step) existed() bool {
	return !s.does("create") || s.does("delete") || s.does("forget")
}

func (s *Step) stays() bool { return s.does("create") || !s.does("delete") }

func (s *Step) replaced() bool { return s.does("delete") && s.does("create") }

// createdFirst reports whether the successor is there before the old object is deleted.
func (s *Step) createdFirst() bool {
	return s.replaced() && slices.Index(s.Actions, "create") < slices.Index(s.Actions, "delete")
}

// forgotten reports whether the object leaves management and stays in Azure.
func (s *Step) forgotten() bool { return s.does("forget") }
