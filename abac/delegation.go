// SPDX-License-Identifier: Apache-2.0

package abac

import "github.com/mivet/mivet/arm"

// The attributes of role assignments, which conditions of delegated administration compare:
// in Request for a write, in Resource for a delete
// (MicrosoftDocs/azure-docs articles/role-based-access-control/conditions-authorization-actions-attributes.md).
const (
	RoleDefinitionID = "Microsoft.Authorization/roleAssignments:RoleDefinitionId"
	PrincipalID      = "Microsoft.Authorization/roleAssignments:PrincipalId"
	PrincipalType    = "Microsoft.Authorization/roleAssignments:PrincipalType"
)

// The operations on role assignments that such conditions target.
const (
	RoleAssignmentWrite  = "Microsoft.Authorization/roleAssignments/write"
	RoleAssignmentDelete = "Microsoft.Authorization/roleAssignments/delete"
)

// RoleAssignment is a role assignment that someone would add or remove. A field that is
// empty is not known.
type RoleAssignment struct {
	// RoleDefinitionID is the GUID of the role, or its resource ID.
	RoleDefinitionID string
	// PrincipalID is the object ID of the principal that gets the role.
	PrincipalID string
	// PrincipalType is User, Group or ServicePrincipal; a managed identity is a
	// ServicePrincipal.
	PrincipalType string
}

// WriteEnv returns the request that adds the assignment: the attributes stand in Request,
// and Resource has none of them. Other attributes are not known.
func (a RoleAssignment) WriteEnv() *Env { return a.env(RoleAssignmentWrite, Request, Resource) }

// DeleteEnv returns the request that removes the assignment: the attributes stand in
// Resource, and Request has none of them. Other attributes are not known.
func (a RoleAssignment) DeleteEnv() *Env { return a.env(RoleAssignmentDelete, Resource, Request) }

func (a RoleAssignment) env(operation string, with, without Source) *Env {
	e := &Env{Operation: operationOf(operation)}
	e.SetSubOperations()
	set := func(name string, value Value, known bool) {
		if known {
			e.Set(with, name, value)
		}
		e.SetAbsent(without, name)
	}
	set(RoleDefinitionID, GUID(a.RoleDefinitionID), a.RoleDefinitionID != "")
	set(PrincipalID, GUID(a.PrincipalID), a.PrincipalID != "")
	set(PrincipalType, String(a.PrincipalType), a.PrincipalType != "")
	return e
}

// operationOf returns the operation of that name, or none if it names none.
func operationOf(name string) arm.Operation {
	o, err := arm.ParseOperation(name)
	if err != nil {
		return arm.Operation{}
	}
	return o
}
