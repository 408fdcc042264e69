// SPDX-License-Identifier: Apache-2.0

package mivet

import (
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet/arm"
)

// Origin says where facts were read. Facts of one file or one request share it.
type Origin struct {
	// File is the path as the user gave it; empty for what an API answered.
	File string `json:"file,omitzero"`
	// API is the request that was answered, method and path without secrets, such as
	// "GET /subscriptions/…/providers/Microsoft.Authorization/roleAssignments".
	API string `json:"api,omitzero"`
	// Address is the object's name inside the file, such as a Terraform address.
	Address string `json:"address,omitzero"`
	// ReadAt is when it was read; zero where the input does not tell.
	ReadAt time.Time `json:"readAt,omitzero"`
}

// Source is the place a fact was read from. The zero Source means that nobody recorded
// it, which a reader of Azure or of a file never leaves so.
type Source struct {
	Origin *Origin `json:"origin,omitzero"`
	// Line is the line in the file, from 1; 0 where there is none.
	Line int `json:"line,omitzero"`
}

// IsZero reports whether no place was recorded.
func (s Source) IsZero() bool { return s.Origin == nil && s.Line == 0 }

// String returns the place as people write it: "plan.json:12 (azurerm_key_vault.kv)", or
// the request.
func (s Source) String() string {
	if s.Origin == nil {
		return "no source recorded"
	}
	var b strings.Builder
	switch {
	case s.Origin.File != "":
		b.WriteString(s.Origin.File)
		if s.Line > 0 {
			b.WriteString(":" + strconv.Itoa(s.Line))
		}
	case s.Origin.API != "":
		b.WriteString(s.Origin.API)
	default:
		b.WriteString("line " + strconv.Itoa(s.Line))
	}
	if s.Origin.Address != "" {
		b.WriteString(" (" + s.Origin.Address + ")")
	}
	return b.String()
}

// FactKind names a sort of fact, as gaps and rules speak of it.
type FactKind string

// The kinds of facts a snapshot can hold or miss.
const (
	FactManagementGroups     FactKind = "management groups"
	FactSubscriptions        FactKind = "subscriptions"
	FactResources            FactKind = "resources"
	FactIdentities           FactKind = "identities"
	FactPrincipals           FactKind = "principals"
	FactMemberships          FactKind = "group members"
	FactOwners               FactKind = "owners"
	FactRoleDefinitions      FactKind = "role definitions"
	FactRoleAssignments      FactKind = "role assignments"
	FactEligibleAssignments  FactKind = "eligible assignments"
	FactDenyAssignments      FactKind = "deny assignments"
	FactAccessPolicies       FactKind = "access policies"
	FactLocalGrants          FactKind = "local role assignments"
	FactPathACLs             FactKind = "path access lists"
	FactFederatedCredentials FactKind = "federated credentials"
	FactOutsideRights        FactKind = "rights outside of Azure"
	FactAppRoles             FactKind = "app role assignments"
	FactDirectoryRoles       FactKind = "directory role assignments"
	FactLocks                FactKind = "locks"
	FactDelegations          FactKind = "delegations"
	FactAppSettings          FactKind = "app settings"
	FactInput                FactKind = "input"
)

// Gap is something that was not seen: facts that exist, or may exist, and are not in the
// snapshot. An answer that depends on them is unknown.
type Gap struct {
	// Facts is the kind of fact that is missing.
	Facts FactKind `json:"facts"`
	// Scope is where they are missing, that scope and all below; zero: in the whole tenant.
	Scope arm.ID `json:"scope,omitzero"`
	// Subject is the one object that is concerned, where it is not a scope: a principal's
	// ID, an address, an item of a file.
	Subject string `json:"subject,omitzero"`
	// Reason says why, in a short sentence without a full stop.
	Reason string `json:"reason"`
	// Permission is what the reader would need to close the gap; empty where no permission
	// closes it.
	Permission string `json:"permission,omitzero"`
	// Inherent is true where no input of its kind holds all such facts, however it was
	// read: a plan never tells what it does not manage.
	Inherent bool   `json:"inherent,omitzero"`
	Source   Source `json:"source,omitzero"`
}
