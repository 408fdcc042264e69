// SPDX-License-Identifier: Apache-2.0

package mivet

import (
	"time"

	"github.com/mivet/mivet/arm"
)

// Snapshot is what is known of a tenant at one time. It is the only truth that engines
// see. It is built once by a source and not changed afterwards; it may be read by many.
type Snapshot struct {
	// TakenAt is when it was taken; zero where the input does not tell.
	TakenAt time.Time
	// TenantID is the directory; empty where the input does not tell.
	TenantID string
	// Inputs names what it was read from, in order.
	Inputs []string

	ManagementGroups     []ManagementGroup
	Subscriptions        []Subscription
	Resources            []Resource
	Identities           []Identity
	Principals           []Principal
	Memberships          []Membership
	Ownerships           []Ownership
	FederatedCredentials []FederatedCredential
	OutsideRights        []OutsideRight

	RoleDefinitions []RoleDefinition
	RoleAssignments []RoleAssignment
	DenyAssignments []DenyAssignment
	AccessPolicies  []AccessPolicy
	LocalRoles      []LocalRole
	LocalGrants     []LocalAssignment
	PathACLs        []PathACL
	AppRoles        []AppRoleAssignment
	DirectoryRoles  []DirectoryRoleAssignment
	Delegations     []Delegation
	Locks           []Lock

	Declarations []Declaration
	AccessTests  []AccessTest

	// Gaps is what was not seen.
	Gaps []Gap
}

// AccessTest is a question with the answer that its owner expects.
type AccessTest struct {
	Principal PrincipalID   `json:"principal"`
	Operation arm.Operation `json:"operation"`
	Plane     Plane         `json:"plane"`
	Resource  arm.ID        `json:"resource"`
	// Allowed is the expected answer.
	Allowed bool   `json:"allowed"`
	Source  Source `json:"source,omitzero"`
}

// Append adds the facts of another snapshot, for inputs that are read together. The
// later time of the two is kept. It must not be called once engines use the snapshot.
func (s *Snapshot) Append(o *Snapshot) {
	if o.TakenAt.After(s.TakenAt) {
		s.TakenAt = o.TakenAt
	}
	if s.TenantID == "" {
		s.TenantID = o.TenantID
	}
	s.Inputs = append(s.Inputs, o.Inputs...)
	s.ManagementGroups = append(s.ManagementGroups, o.ManagementGroups...)
	s.Subscriptions = append(s.Subscriptions, o.Subscriptions...)
	s.Resources = append(s.Resources, o.Resources...)
	s.Identities = append(s.Identities, o.Identities...)
	s.Principals = append(s.Principals, o.Principals...)
	s.Memberships = append(s.Memberships, o.Memberships...)
	s.Ownerships = append(s.Ownerships, o.Ownerships...)
	s.FederatedCredentials = append(s.FederatedCredentials, o.FederatedCredentials...)
	s.OutsideRights = append(s.OutsideRights, o.OutsideRights...)
	s.RoleDefinitions = append(s.RoleDefinitions, o.RoleDefinitions...)
	s.RoleAssignments = append(s.RoleAssignments, o.RoleAssignments...)
	s.DenyAssignments = append(s.DenyAssignments, o.DenyAssignments...)
	s.AccessPolicies = append(s.AccessPolicies, o.AccessPolicies...)
	s.LocalRoles = append(s.LocalRoles, o.LocalRoles...)
	s.LocalGrants = append(s.LocalGrants, o.LocalGrants...)
	s.PathACLs = append(s.PathACLs, o.PathACLs...)
	s.AppRoles = append(s.AppRoles, o.AppRoles...)
	s.DirectoryRoles = append(s.DirectoryRoles, o.DirectoryRoles...)
	s.Delegations = append(s.Delegations, o.Delegations...)
	s.Locks = append(s.Locks, o.Locks...)
	s.Declarations = append(s.Declarations, o.Declarations...)
	s.AccessTests = append(s.AccessTests, o.AccessTests...)
	s.Gaps = append(s.Gaps, o.Gaps...)
}
