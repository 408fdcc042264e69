// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

// Role is the custom role that a collector needs, in the form of
// `az role definition create --role-definition`.
type Role struct {
	Name             string   `json:"Name"`
	Description      string   `json:"Description"`
	IsCustom         bool     `json:"IsCustom"`
	Actions          []string `json:"Actions"`
	NotActions       []string `json:"NotActions"`
	DataActions      []string `json:"DataActions"`
	AssignableScopes []string `json:"AssignableScopes"`
}

// Permissions returns the role and the application permissions of Graph that a collection
// with these options needs, made of the table of its requests. Resource Graph shows a
// resource to those who may read it: the reads of all types that can carry an identity, or
// that have a switch that decides, are written out one by one, since "*/read" would be more
// than is needed.
func Permissions(cat *catalog.Catalog, with []Option, scopes []string) (Role, []string) {
	actions, grants := map[string]bool{}, map[string]bool{}
	for _, c := range table() {
		if c.with != "" && !slices.Contains(with, c.with) {
			continue
		}
		for _, n := range c.needs {
			switch {
			case c.api == graph:
				grants[n] = true
			case c.api == managedHSM, n == "*/read", strings.HasPrefix(n, "("):
			default:
				actions[n] = true
			}
		}
	}
	for t := range cat.ResourceTypes() {
		if t.Identity || len(cat.AuthSwitches(t.Name)) > 0 {
			actions[t.Name+"/read"] = true
		}
	}
	if len(scopes) == 0 {
		scopes = []string{"/providers/" + typeMG + "/<tenant ID>"}
	}
	return Role{
		Name: "mivet collector", IsCustom: true, NotActions: []string{}, DataActions: []string{}, AssignableScopes: scopes,
		Description: "reads who can do what, and which workload carries which identity; changes nothing and reads no data",
		Actions:     sorted(actions),
	}, sorted(grants)
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// Missing is something that the caller cannot read, and what that makes unknown.
type Missing struct {
	// What cannot be read, such as "deny assignments".
	What string `json:"what"`
	// Where it cannot be read; empty: in the whole tenant.
	Where []string `json:"where,omitzero"`
	// Reason is the service's own.
	Reason string `json:"reason"`
	// Needs are the operations or permissions that would do.
	Needs []string `json:"needs"`
	// Unknown says what nobody can tell then, a sentence without a full stop.
	Unknown string `json:"unknown"`
}

// unknowns says what is unknown without facts of a kind.
var unknowns = map[mivet.FactKind]string{
	mivet.FactManagementGroups:     "what is inherited from management groups",
	mivet.FactSubscriptions:        "everything in subscriptions that are not seen",
	mivet.FactResources:            "which workloads there are, and what a grant reaches",
	mivet.FactIdentities:           "which workload carries which identity",
	mivet.FactPrincipals:           "names, and whether a principal still exists: nothing is called orphaned",
	mivet.FactMemberships:          "what members of groups may do: answers about them are undecided",
	mivet.FactOwners:               "who may add credentials to applications and members to groups",
	mivet.FactRoleDefinitions:      "what custom roles permit",
	mivet.FactRoleAssignments:      "who may do what: nearly every answer is undecided",
	mivet.FactEligibleAssignments:  "what people may activate for themselves",
	mivet.FactDenyAssignments:      "whether something that a role allows is denied: \"allowed\" becomes undecided",
	mivet.FactAccessPolicies:       "who may use vaults with access policies",
	mivet.FactLocalGrants:          "who may use data of services with roles of their own (Cosmos DB, Redis, SQL, Data Explorer, Managed HSM)",
	mivet.FactFederatedCredentials: "which outside workloads can act as an identity",
	mivet.FactAppRoles:             "which identities may use Microsoft Graph and other APIs",
	mivet.FactDirectoryRoles:       "which identities hold roles of the directory",
	mivet.FactLocks:                "what a lock keeps from being changed",
	mivet.FactDelegations:          "what other tenants may do here (Azure Lighthouse)",
	mivet.FactAppSettings:          "which identity a program selects by its settings",
}

// Diagnosis is what a caller can and cannot read.
type Diagnosis struct {
	Caller  Caller    `json:"caller"`
	Cloud   string    `json:"cloud"`
	Checked []string  `json:"checked"`
	Missing []Missing `json:"missing"`
	Effort  Effort    `json:"effort"`
}
