// SPDX-License-Identifier: Apache-2.0

package mivet

import (
	"fmt"
	"strings"
	"time"

	"github.com/mivet/mivet/arm"
)

// Plane is the side of Azure that an operation belongs to.
type Plane uint8

// The planes. The same operation name may exist on both.
const (
	PlaneUnknown Plane = iota // not known
	PlaneControl              // asked of Resource Manager: actions
	PlaneData                 // asked of the service itself: dataActions
)

// String returns "unknown", "control" or "data".
func (p Plane) String() string {
	switch p {
	case PlaneControl:
		return "control"
	case PlaneData:
		return "data"
	default:
		return "unknown"
	}
}

// MarshalText returns the plane's name.
func (p Plane) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a plane's name; an empty text is an unknown plane.
func (p *Plane) UnmarshalText(b []byte) error {
	switch string(b) {
	case "control":
		*p = PlaneControl
	case "data":
		*p = PlaneData
	case "unknown", "":
		*p = PlaneUnknown
	default:
		return fmt.Errorf("reading plane %q: it must be control, data or unknown", b)
	}
	return nil
}

// RoleID is the GUID of a role definition, in lower case. The same role has IDs with and
// without a subscription in front; only the GUID counts
// (MicrosoftDocs/azure-docs articles/role-based-access-control/role-definitions.md).
type RoleID string

// NewRoleID takes the GUID from a role definition ID of any form, or a bare GUID.
func NewRoleID(s string) RoleID {
	s = strings.TrimRight(strings.TrimSpace(s), "/ ")
	return RoleID(strings.ToLower(strings.TrimSpace(s[strings.LastIndexByte(s, '/')+1:])))
}

// Permission is one permission object of a role. What it subtracts is subtracted from
// this object alone, not from others of the role or of other roles.
type Permission struct {
	Actions          []string `json:"actions,omitzero"`
	NotActions       []string `json:"notActions,omitzero"`
	DataActions      []string `json:"dataActions,omitzero"`
	NotDataActions   []string `json:"notDataActions,omitzero"`
	Condition        string   `json:"condition,omitzero"`
	ConditionVersion string   `json:"conditionVersion,omitzero"`
}

// RoleDefinition is a role: what it permits, nothing about who holds it.
type RoleDefinition struct {
	ID               RoleID       `json:"id"`
	Name             string       `json:"name"`
	Description      string       `json:"description,omitzero"`
	BuiltIn          bool         `json:"builtIn,omitzero"`
	AssignableScopes []string     `json:"assignableScopes,omitzero"`
	Permissions      []Permission `json:"permissions"`
	Source           Source       `json:"source,omitzero"`
}

// RoleAssignment gives a role to a principal at a scope and everything below it.
type RoleAssignment struct {
	// ID is the assignment's resource ID; zero for one that is not deployed.
	ID arm.ID `json:"id,omitzero"`
	// Role is the GUID of the role; empty where only the name is known.
	Role RoleID `json:"role,omitzero"`
	// RoleName is the role's name where the source gives one.
	RoleName      string        `json:"roleName,omitzero"`
	Principal     PrincipalID   `json:"principal"`
	PrincipalType PrincipalType `json:"principalType,omitzero"`
	Scope         arm.ID        `json:"scope"`

	Condition        string `json:"condition,omitzero"`
	ConditionVersion string `json:"conditionVersion,omitzero"`
	// ConditionUnknown is true where the source does not tell whether there is a condition,
	// or what it says: the assignment may give less than its role.
	ConditionUnknown bool   `json:"conditionUnknown,omitzero"`
	Description      string `json:"description,omitzero"`
	// DescriptionUnknown is true where the source does not tell whether there is a
	// description, or what it says.
	DescriptionUnknown bool `json:"descriptionUnknown,omitzero"`

	// Eligible is true for an assignment that must be activated before it gives anything.
	Eligible bool `json:"eligible,omitzero"`
	// Start and End bound it in time; zero: without bound.
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`

	CreatedOn time.Time   `json:"createdOn,omitzero"`
	CreatedBy PrincipalID `json:"createdBy,omitzero"`
	// DelegatedIdentity is the managed identity's resource in another tenant (Lighthouse).
	DelegatedIdentity arm.ID `json:"delegatedIdentity,omitzero"`
	Source            Source `json:"source,omitzero"`
}

// DenyEffect says whether a deny assignment blocks or only logs.
type DenyEffect string

// The effects of Microsoft.Authorization/denyAssignments 2024-07-01-preview
// (Azure/bicep-types-az generated/authorization). An empty effect is enforced.
const (
	DenyEnforced DenyEffect = "enforced"
	DenyAudit    DenyEffect = "audit"
)

// DenyAssignment takes operations away from principals at a scope, whatever roles say.
type DenyAssignment struct {
	ID          arm.ID `json:"id,omitzero"`
	Name        string `json:"name,omitzero"`
	Description string `json:"description,omitzero"`
	Scope       arm.ID `json:"scope"`
	// ThisScopeOnly keeps it from what is below the scope.
	ThisScopeOnly    bool          `json:"thisScopeOnly,omitzero"`
	Principals       []PrincipalID `json:"principals"`
	Excluded         []PrincipalID `json:"excluded,omitzero"`
	Permissions      []Permission  `json:"permissions"`
	Condition        string        `json:"condition,omitzero"`
	ConditionVersion string        `json:"conditionVersion,omitzero"`
	SystemProtected  bool          `json:"systemProtected,omitzero"`
	Effect           DenyEffect    `json:"effect,omitzero"`
	Source           Source        `json:"source,omitzero"`
}

// AccessPolicy is an entry of a Key Vault's own access list.
type AccessPolicy struct {
	Vault     arm.ID      `json:"vault"`
	Principal PrincipalID `json:"principal"`
	// ApplicationID limits the entry to a user who comes through that application.
	ApplicationID string   `json:"applicationId,omitzero"`
	TenantID      string   `json:"tenantId,omitzero"`
	Keys          []string `json:"keys,omitzero"`
	Secrets       []string `json:"secrets,omitzero"`
	Certificates  []string `json:"certificates,omitzero"`
	Storage       []string `json:"storage,omitzero"`
	Source        Source   `json:"source,omitzero"`
}

// LocalSystem names an authorization system that a service keeps beside Azure RBAC.
type LocalSystem string

// The local systems that facts can come from.
const (
	LocalCosmos     LocalSystem = "cosmos"     // Cosmos DB for NoSQL role assignments
	LocalManagedHSM LocalSystem = "managedhsm" // Managed HSM local RBAC
	LocalKusto      LocalSystem = "kusto"      // Data Explorer principal assignments
	LocalRedis      LocalSystem = "redis"      // Redis access policy assignments
	LocalSQLAdmin   LocalSystem = "sqladmin"   // Entra administrators of SQL servers
	LocalPostgreSQL LocalSystem = "postgresql" // Entra administrators of PostgreSQL servers
	LocalMySQL      LocalSystem = "mysql"      // Entra administrators of MySQL servers
)

// LocalRole is a role of a local authorization system.
type LocalRole struct {
	System LocalSystem `json:"system"`
	// Account is the resource that keeps it; zero for a role built into the service.
	Account        arm.ID   `json:"account,omitzero"`
	ID             string   `json:"id"`
	Name           string   `json:"name,omitzero"`
	DataActions    []string `json:"dataActions,omitzero"`
	NotDataActions []string `json:"notDataActions,omitzero"`
	Source         Source   `json:"source,omitzero"`
}

// LocalAssignment gives a local role to a principal.
type LocalAssignment struct {
	System  LocalSystem `json:"system"`
	Account arm.ID      `json:"account"`
	// Scope is the system's own scope below the account, such as "/dbs/shop/colls/orders"
	// or "/keys/k1"; "/" and "" stand for all of it.
	Scope string `json:"scope,omitzero"`
	// Role is the local role's ID or, for systems without definitions, its name.
	Role      string      `json:"role"`
	Principal PrincipalID `json:"principal"`
	Source    Source      `json:"source,omitzero"`
}

// PathACL is one entry of the POSIX access list of a file or directory in a storage
// account with a hierarchical namespace.
type PathACL struct {
	// Container is the scope …/blobServices/default/containers/{name}.
	Container arm.ID `json:"container"`
	// Path starts with "/"; a directory's ends with "/".
	Path string `json:"path"`
	// Tag is "user", "group", "mask" or "other"; Principal is empty for the owning ones.
	Tag       string      `json:"tag"`
	Principal PrincipalID `json:"principal,omitzero"`
	// Owner is who owns the path, on an owning entry: the owning user on that of tag "user",
	// the owning group on that of tag "group". It is empty where it was not read.
	Owner PrincipalID `json:"owner,omitzero"`
	// Permissions are three letters of "rwx" or "-".
	Permissions string `json:"permissions"`
	Source      Source `json:"source,omitzero"`
}

// AppRoleAssignment gives an application permission of an API, such as Microsoft Graph,
// to a principal. It is not part of Azure RBAC.
type AppRoleAssignment struct {
	Principal PrincipalID `json:"principal"`
	// API is the service principal of the API, and APIName its name.
	API     PrincipalID `json:"api,omitzero"`
	APIName string      `json:"apiName,omitzero"`
	RoleID  string      `json:"roleId"`
	Role    string      `json:"role,omitzero"`
	Source  Source      `json:"source,omitzero"`
}

// DirectoryRoleAssignment gives a role of the directory itself to a principal.
type DirectoryRoleAssignment struct {
	Principal PrincipalID `json:"principal"`
	RoleID    string      `json:"roleId"`
	Role      string      `json:"role,omitzero"`
	// DirectoryScope is "/" for the whole directory.
	DirectoryScope string    `json:"directoryScope,omitzero"`
	Eligible       bool      `json:"eligible,omitzero"`
	Start          time.Time `json:"start,omitzero"`
	End            time.Time `json:"end,omitzero"`
	Source         Source    `json:"source,omitzero"`
}

// Delegation gives principals of another tenant roles at a scope (Azure Lighthouse).
type Delegation struct {
	ID             arm.ID `json:"id,omitzero"`
	Scope          arm.ID `json:"scope"`
	ManagingTenant string `json:"managingTenant"`
	Name           string `json:"name,omitzero"`
	// Grants are the roles, without scope: each holds at Scope.
	Grants []DelegatedGrant `json:"grants"`
	Source Source           `json:"source,omitzero"`
}

// DelegatedGrant is one role of a delegation.
type DelegatedGrant struct {
	Principal PrincipalID `json:"principal"`
	Name      string      `json:"name,omitzero"`
	Role      RoleID      `json:"role"`
	Eligible  bool        `json:"eligible,omitzero"`
	// AssignableRoles are the roles that the principal may give to managed identities.
	AssignableRoles []RoleID `json:"assignableRoles,omitzero"`
}
