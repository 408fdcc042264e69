// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

const (
	tableRoles = "roles"

	// The permission columns stand once per permission object.
	roleColumns       = "id\tname\tprivileged\tdescription\t" + permissionColumns + "…"
	roleFixed         = 4
	permissionColumns = "actions\tnotActions\tdataActions\tnotDataActions\tcondition\tconditionVersion"
	permissionFields  = 6
)

// Roles returns all built-in roles, ordered by ID, as Resource Manager lists them
// (GET /providers/Microsoft.Authorization/roleDefinitions, output of
// `az role definition list` kept by iann0036/iam-dataset azure/built-in-roles-raw.json).
//
// Patterns are as published; one carries a trailing blank, which [arm.ParsePattern]
// drops. Conditions are those of constrained delegation, in the role itself. Every
// built-in role may be assigned at every scope
// (MicrosoftDocs/azure-docs articles/role-based-access-control/role-definitions.md).
func (c *Catalog) Roles() []mivet.RoleDefinition { return c.roles }

// Role returns the built-in role of that GUID, in any case and with or without a scope
// in front, or nil. A role that is not found is not one that grants nothing: it may be a
// custom role, or a newer or retired built-in one.
func (c *Catalog) Role(id mivet.RoleID) *mivet.RoleDefinition {
	if r := at(c.roles, c.roleIDs, id); r != nil {
		return r
	}
	return at(c.roles, c.roleIDs, mivet.NewRoleID(string(id)))
}

// RoleByName returns the built-in role of that name, ignoring case and blanks around it,
// or nil. Microsoft renames roles; only the present name is known.
func (c *Catalog) RoleByName(name string) *mivet.RoleDefinition {
	return at(c.roles, c.roleNames, foldName(name))
}

// Privileged reports whether Microsoft marks the built-in role as privileged
// (Cloud-Architekt/AzurePrivilegedIAM). It is false for a role that is not built in:
// that is no statement about it.
func (c *Catalog) Privileged(id mivet.RoleID) bool {
	i, ok := c.roleIDs[id]
	if !ok {
		i, ok = c.roleIDs[mivet.NewRoleID(string(id))]
	}
	return ok && c.privileged[i]
}

func foldName(name string) arm.Key { return arm.Fold(strings.TrimSpace(name)) }

func (c *Catalog) readRoles(r *reader) error {
	source := mivet.Source{Origin: r.roleOrigin()}
	everywhere := []string{"/"}
	return r.table(tableRoles, roleColumns, func(rows int) {
		c.roles = make([]mivet.RoleDefinition, 0, rows)
		c.privileged = make([]bool, 0, rows)
		c.roleIDs = make(map[mivet.RoleID]int32, rows)
		c.roleNames = make(map[arm.Key]int32, rows)
	}, func(f []string) error {
		perms, err := permissions(f[roleFixed:])
		if err != nil {
			return err
		}
		privileged, err := flag(f[2])
		if err != nil {
			return fmt.Errorf("privileged: %w", err)
		}
		role := mivet.RoleDefinition{
			ID: mivet.RoleID(f[0]), Name: f[1], Description: f[3], BuiltIn: true,
			AssignableScopes: everywhere, Permissions: perms, Source: source,
		}
		if err := unique(c.roleIDs, role.ID, len(c.roles), f[0]); err != nil {
			return err
		}
		if err := unique(c.roleNames, foldName(role.Name), len(c.roles), f[1]); err != nil {
			return err
		}
		c.roles = append(c.roles, role)
		c.privileged = append(c.privileged, privileged)
		return nil
	})
}

// permissions reads the permission objects of a row.
func permissions(f []string) ([]mivet.Permission, error) {
	if len(f)%permissionFields != 0 {
		return nil, fmt.Errorf("%d permission fields, expected a multiple of %d", len(f), permissionFields)
	}
	perms := make([]mivet.Permission, 0, len(f)/permissionFields)
	for ; len(f) > 0; f = f[permissionFields:] {
		perms = append(perms, mivet.Permission{
			Actions: list(f[0]), NotActions: list(f[1]), DataActions: list(f[2]), NotDataActions: list(f[3]),
			Condition: f[4], ConditionVersion: f[5],
		})
	}
	return perms, nil
}

// roleOrigin says where the roles were read: the answer of Resource Manager, by way of
// the table's source.
func (r *reader) roleOrigin() *mivet.Origin {
	o := &mivet.Origin{API: "GET /providers/Microsoft.Authorization/roleDefinitions", Address: "built-in roles"}
	t := r.tables[tableRoles]
	if t == nil || t.Date() == "" {
		return o
	}
	o.Address += " of " + t.Date()
	if at, err := time.Parse(time.DateOnly, t.Date()); err == nil {
		o.ReadAt = at
	}
	return o
}
