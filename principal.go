// SPDX-License-Identifier: Apache-2.0

package mivet

import (
	"strings"

	"github.com/mivet/mivet/arm"
)

// PrincipalID is the object ID of a principal in the directory: for a managed identity
// the ID of its service principal, never its client ID. IDs are compared with ==; make
// them with [NewPrincipalID], which settles the spelling.
type PrincipalID string

// Everyone stands for all principals in a deny assignment
// (MicrosoftDocs/azure-docs articles/role-based-access-control/deny-assignments.md).
const Everyone PrincipalID = "00000000-0000-0000-0000-000000000000"

// NewPrincipalID drops blanks, and lowers the letters of a GUID. Other texts are kept as
// they are: they are names in a test or a what-if.
func NewPrincipalID(s string) PrincipalID {
	s = strings.TrimSpace(s)
	if IsGUID(s) {
		s = strings.ToLower(s)
	}
	return PrincipalID(s)
}

const symbolPrefix = "principal of "

// SymbolicPrincipal returns the ID that stands for a principal that does not exist yet:
// the one the object of that address or resource ID will get.
func SymbolicPrincipal(owner string) PrincipalID { return PrincipalID(symbolPrefix + owner) }

// Symbolic reports whether the ID stands for a principal that does not exist yet, and
// for whose.
func (p PrincipalID) Symbolic() (owner string, ok bool) {
	return strings.CutPrefix(string(p), symbolPrefix)
}

// IsGUID reports whether s has the form 8-4-4-4-12 of hexadecimal digits.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return false
			}
		}
	}
	return true
}

// PrincipalType is the kind of a principal, in Azure's words; empty where it is not known.
type PrincipalType string

// The types of Microsoft.Authorization/roleAssignments 2022-04-01
// (Azure/bicep-types-az generated/authorization).
const (
	TypeUser             PrincipalType = "User"
	TypeGroup            PrincipalType = "Group"
	TypeServicePrincipal PrincipalType = "ServicePrincipal"
	TypeForeignGroup     PrincipalType = "ForeignGroup"
	TypeDevice           PrincipalType = "Device"
	TypeAgentPrincipal   PrincipalType = "AgentServicePrincipal"
	TypeAgentUser        PrincipalType = "AgentUser"
)

// Principal is a user, a group or a service principal, as the directory tells.
type Principal struct {
	ID   PrincipalID   `json:"id"`
	Type PrincipalType `json:"type,omitzero"`
	Name string        `json:"name,omitzero"`
	// ClientID is the application (client) ID of a service principal.
	ClientID string `json:"clientId,omitzero"`
	// HomeTenant is the tenant that owns the application; another one than the snapshot's
	// makes the principal a foreign one.
	HomeTenant string `json:"homeTenant,omitzero"`
	// Managed is true for the service principal of a managed identity.
	Managed bool `json:"managed,omitzero"`
	// Disabled is true where the directory says that the account is disabled.
	Disabled bool `json:"disabled,omitzero"`
	// MembershipRule is the rule by which a dynamic group finds its members; empty for any
	// other, and where it was not read.
	MembershipRule string `json:"membershipRule,omitzero"`
	Source         Source `json:"source,omitzero"`
}

// Membership puts one principal directly into one group. Groups may nest.
type Membership struct {
	Group  PrincipalID `json:"group"`
	Member PrincipalID `json:"member"`
	Source Source      `json:"source,omitzero"`
}

// Ownership says that somebody owns an application, its service principal or a group: owners
// may add credentials and members without any role
// (MicrosoftDocs/entra-docs docs/fundamentals/users-default-permissions.md, object ownership).
type Ownership struct {
	// Owned is the group or the service principal; for an application, the service principal
	// that it has in the tenant.
	Owned  PrincipalID `json:"owned"`
	Owner  PrincipalID `json:"owner"`
	Source Source      `json:"source,omitzero"`
}

// OutsideRight says what somebody outside of Azure can do that leads to an identity: get a
// token of an issuer for a subject, or have a job run on a machine.
type OutsideRight struct {
	// Holder is who can: a name with its system, such as "github:octocat".
	Holder PrincipalID `json:"holder"`
	// Issuer and Subject are those of the token, as a federated credential has them.
	Issuer  string `json:"issuer,omitzero"`
	Subject string `json:"subject,omitzero"`
	// Runner is the name of the machine that jobs run on.
	Runner string `json:"runner,omitzero"`
	// Certain is true where everything that may stand in the way was read, and nothing does.
	Certain bool `json:"certain,omitzero"`
	// How says what it does for that, a clause without a full stop.
	How    string `json:"how"`
	Source Source `json:"source,omitzero"`
}

// IdentityKind tells the two sorts of managed identities apart.
type IdentityKind string

// The sorts of managed identities.
const (
	SystemAssigned IdentityKind = "SystemAssigned" // lives and dies with its resource
	UserAssigned   IdentityKind = "UserAssigned"   // a resource of its own, attached to others
)

// Identity is a managed identity.
type Identity struct {
	Kind IdentityKind `json:"kind"`
	// Resource is the identity's own resource if it is user-assigned, else the resource
	// that carries it.
	Resource arm.ID `json:"resource"`
	// Principal is the object ID of its service principal, symbolic before it exists, and
	// empty where it could not be read.
	Principal PrincipalID `json:"principal,omitzero"`
	ClientID  string      `json:"clientId,omitzero"`
	TenantID  string      `json:"tenantId,omitzero"`
	Source    Source      `json:"source,omitzero"`
}

// FederatedCredential lets tokens of an outside issuer act as an identity.
type FederatedCredential struct {
	ID arm.ID `json:"id,omitzero"`
	// Identity is the user-assigned identity that it belongs to; zero for an application's.
	Identity arm.ID `json:"identity,omitzero"`
	// AppObjectID is the application object that it belongs to; empty for an identity's.
	AppObjectID string `json:"appObjectId,omitzero"`
	// ClientID is the application (client) ID of that application, which its service
	// principals have too; empty for an identity's, and where it is not known.
	ClientID   string   `json:"clientId,omitzero"`
	Name       string   `json:"name"`
	Issuer     string   `json:"issuer"`
	Subject    string   `json:"subject,omitzero"`
	Expression string   `json:"expression,omitzero"`
	Audiences  []string `json:"audiences,omitzero"`
	Source     Source   `json:"source,omitzero"`
}
