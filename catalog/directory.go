// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// GraphAppID is the application ID of Microsoft Graph
// (MicrosoftDocs/entra-docs docs/identity/enterprise-apps/first-party-applications).
const GraphAppID = "00000003-0000-0000-c000-000000000000"

const (
	tableDirectory   = "directory-roles"
	directoryColumns = "id\tname\tprivileged\ttier\tcategories"

	tableAppRoles  = "app-roles"
	appRoleColumns = "api\tid\tvalue\tname\tdisabled\ttier"

	tableDangerous   = "dangerous-app-roles"
	dangerousColumns = "id\tvalue\tname\tclass\twhy"

	tableHSM   = "managed-hsm-roles"
	hsmColumns = "id\tname\tdataActions"
)

// Tier ranks what a role of the directory or an application permission reaches, in the
// enterprise access model as Cloud-Architekt/AzurePrivilegedIAM classifies it. It is a
// reference, not a verdict: tier 0 is drawn wide.
type Tier uint8

// The tiers.
const (
	TierUnknown    Tier = iota // not classified
	TierControl                // tier 0: can reach control over the tenant
	TierManagement             // tier 1: manages services and their data
	TierUser                   // tier 2: what a user may do
)

var tierNames = [...]string{"unknown", "control plane (tier 0)", "management plane (tier 1)", "user access (tier 2)"}

// String returns the tier in words.
func (t Tier) String() string {
	if int(t) < len(tierNames) {
		return tierNames[t]
	}
	return "invalid"
}

func parseTier(s string) (Tier, error) {
	switch s {
	case "":
		return TierUnknown, nil
	case "0":
		return TierControl, nil
	case "1":
		return TierManagement, nil
	case "2":
		return TierUser, nil
	}
	return TierUnknown, fmt.Errorf("tier %q, expected 0, 1, 2 or nothing", s)
}

// DirectoryRole is a built-in role of Microsoft Entra ID, which is not part of Azure RBAC
// (Cloud-Architekt/AzurePrivilegedIAM Classification/Classification_EntraIdDirectoryRoles.json).
type DirectoryRole struct {
	// ID is the role template's GUID, in lower case.
	ID   string
	Name string
	// Privileged is Microsoft's own mark.
	Privileged bool
	Tier       Tier
	// Categories are what it manages, as the portal groups it; empty for some.
	Categories []string
}

// DirectoryRoles returns the built-in roles of the directory, ordered by name.
func (c *Catalog) DirectoryRoles() []DirectoryRole { return c.directory }

// DirectoryRole returns the role of that template ID, in any case, or nil.
func (c *Catalog) DirectoryRole(id string) *DirectoryRole {
	return at(c.directory, c.directoryIDs, foldName(id))
}

// DirectoryRoleByName returns the role of that name, ignoring case and blanks around it,
// or nil.
func (c *Catalog) DirectoryRoleByName(name string) *DirectoryRole {
	return at(c.directory, c.directoryNames, foldName(name))
}

func (c *Catalog) readDirectoryRoles(r *reader) error {
	return r.table(tableDirectory, directoryColumns, func(rows int) {
		c.directory = make([]DirectoryRole, 0, rows)
		c.directoryIDs = make(map[arm.Key]int32, rows)
		c.directoryNames = make(map[arm.Key]int32, rows)
	}, func(f []string) error {
		role := DirectoryRole{ID: f[0], Name: f[1], Categories: list(f[4])}
		var err error
		if role.Privileged, err = flag(f[2]); err != nil {
			return fmt.Errorf("privileged: %w", err)
		}
		if role.Tier, err = parseTier(f[3]); err != nil {
			return err
		}
		if err := unique(c.directoryIDs, arm.Fold(f[0]), len(c.directory), f[0]); err != nil {
			return err
		}
		if err := unique(c.directoryNames, foldName(f[1]), len(c.directory), f[1]); err != nil {
			return err
		}
		c.directory = append(c.directory, role)
		return nil
	})
}

// AppRole is an application permission of an API of Microsoft, Graph above all
// (merill/microsoft-info _info/GraphAppRoles.json; for other APIs and the tiers
// Cloud-Architekt/AzurePrivilegedIAM Classification/Classification_AppRoles.json).
type AppRole struct {
	// API is the application ID of the API; ID the permission's GUID. Both in lower case.
	API, ID string
	// Value is the permission's name in a token, such as "Mail.Read".
	Value string
	// Name is what consent pages show; empty for APIs other than Graph.
	Name string
	// Disabled is true for a permission that can no longer be given.
	Disabled bool
	Tier     Tier
}

// AppRoles returns the known application permissions, ordered by API and value.
func (c *Catalog) AppRoles() []AppRole { return c.appRoles }

// AppRole returns the application permission of an API by its GUID, in any case, or nil.
// The API is given by its application ID, see [GraphAppID]: the same GUID stands for
// different permissions at different APIs.
func (c *Catalog) AppRole(api, id string) *AppRole {
	return c.findAppRole(api, func(r *AppRole) bool { return strings.EqualFold(r.ID, strings.TrimSpace(id)) })
}

// AppRoleByValue returns the application permission of an API by its name in tokens,
// ignoring case, or nil.
func (c *Catalog) AppRoleByValue(api, value string) *AppRole {
	return c.findAppRole(api, func(r *AppRole) bool { return strings.EqualFold(r.Value, strings.TrimSpace(value)) })
}

func (c *Catalog) findAppRole(api string, is func(*AppRole) bool) *AppRole {
	api = strings.TrimSpace(api)
	for i := range c.appRoles {
		if r := &c.appRoles[i]; strings.EqualFold(r.API, api) && is(r) {
			return r
		}
	}
	return nil
}

func (c *Catalog) readAppRoles(r *reader) error {
	return r.table(tableAppRoles, appRoleColumns, func(rows int) {
		c.appRoles = make([]AppRole, 0, rows)
	}, func(f []string) error {
		role := AppRole{API: f[0], ID: f[1], Value: f[2], Name: f[3]}
		var err error
		if role.Disabled, err = flag(f[4]); err != nil {
			return fmt.Errorf("disabled: %w", err)
		}
		if role.Tier, err = parseTier(f[5]); err != nil {
			return err
		}
		c.appRoles = append(c.appRoles, role)
		return nil
	})
}

// DangerousAppRole is an application permission of Microsoft Graph that gives more than
// its name says. The selection and the reasons are our own.
type DangerousAppRole struct {
	ID, Value, Name string
	// Control is true where it leads to control over the directory or its applications,
	// false where it opens data.
	Control bool
	// Why says what the holder can do, in a few words without a full stop.
	Why string
}

// DangerousAppRoles returns the selection: those that lead to control first.
func (c *Catalog) DangerousAppRoles() []DangerousAppRole { return c.dangerous }

func (c *Catalog) readDangerous(r *reader) error {
	return r.table(tableDangerous, dangerousColumns, func(rows int) {
		c.dangerous = make([]DangerousAppRole, 0, rows)
	}, func(f []string) error {
		if f[3] != "control" && f[3] != "data" {
			return fmt.Errorf("class %q of %s, expected control or data", f[3], f[1])
		}
		c.dangerous = append(c.dangerous, DangerousAppRole{ID: f[0], Value: f[1], Name: f[2], Control: f[3] == "control", Why: f[4]})
		return nil
	})
}

// HSMRoles returns the local roles that are built into Managed HSM, by name. Their data
// actions are exact names without wildcards
// (MicrosoftDocs/azure-security-docs articles/key-vault/managed-hsm/built-in-roles.md).
//
// The page's matrix gives Crypto Auditor the deletion of deleted keys, although it
// describes that role as one that reads; the table follows the matrix.
func (c *Catalog) HSMRoles() []mivet.LocalRole { return c.hsmRoles }

func (c *Catalog) readHSMRoles(r *reader) error {
	origin := &mivet.Origin{}
	if t := r.tables[tableHSM]; t != nil && len(t.Sources) > 0 {
		origin.File = t.Sources[0].Source
	}
	return r.table(tableHSM, hsmColumns, func(rows int) {
		c.hsmRoles = make([]mivet.LocalRole, 0, rows)
	}, func(f []string) error {
		c.hsmRoles = append(c.hsmRoles, mivet.LocalRole{
			System: mivet.LocalManagedHSM, ID: f[0], Name: f[1], DataActions: list(f[2]), Source: mivet.Source{Origin: origin},
		})
		return nil
	})
}
