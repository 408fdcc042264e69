// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// CompiledRole is a role definition by itself, whoever holds it and wherever.
type CompiledRole struct{ role role }

// CompileRole reads the patterns of a role definition once.
func CompileRole(def *mivet.RoleDefinition) *CompiledRole {
	return &CompiledRole{role{def: def, name: def.Name, perms: compilePermissions(def.Permissions)}}
}

// Gives says what the role makes of an operation on a plane, conditions inside the role
// aside: Allowed, Denied, or Unknown where a pattern of the role cannot be read.
func (c *CompiledRole) Gives(op arm.Operation, plane mivet.Plane) Effect {
	switch c.role.code(op, plane) {
	case codeGrants, codeHangs:
		return Allowed
	case codeNo:
		return Denied
	default:
		return Unknown
	}
}
