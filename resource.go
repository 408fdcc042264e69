// SPDX-License-Identifier: Apache-2.0

package mivet

import "github.com/mivet/mivet/arm"

// ManagementGroup is a node of the tree above the subscriptions.
type ManagementGroup struct {
	ID   arm.ID `json:"id"`
	Name string `json:"name,omitzero"`
	// Parent is the management group above; zero for the tenant root group, and where it
	// is not known (a gap says so then).
	Parent arm.ID `json:"parent,omitzero"`
	Source Source `json:"source,omitzero"`
}

// Subscription is a subscription of the tenant.
type Subscription struct {
	ID   arm.ID `json:"id"`
	Name string `json:"name,omitzero"`
	// Parent is the management group above; zero where it is not known, or there is none.
	Parent arm.ID            `json:"parent,omitzero"`
	Tags   map[string]string `json:"tags,omitzero"`
	Source Source            `json:"source,omitzero"`
}

// Resource is a resource, a child resource, or a resource group. Its raw properties stay
// in the file that it was read from; what engines need of them is in Detail.
type Resource struct {
	ID       arm.ID `json:"id"`
	Location string `json:"location,omitzero"`
	// Identity is nil where the resource carries none.
	Identity *Attachment `json:"identity,omitzero"`
	// Detail is nil where nothing more is known. Resources with equal details may share it:
	// it must not be changed.
	Detail *Detail `json:"detail,omitzero"`
	Source Source  `json:"source,omitzero"`
}

// Detail is what is known of a resource beside its name.
type Detail struct {
	// Kind is the resource's own kind, such as "functionapp,linux".
	Kind string            `json:"kind,omitzero"`
	Tags map[string]string `json:"tags,omitzero"`
	// ManagedBy is the resource that controls this one.
	ManagedBy arm.ID `json:"managedBy,omitzero"`
	// Settings are the properties that decide something for identities, by their ARM path
	// below "properties", such as "enableRbacAuthorization" or "disableLocalAuth". Values
	// are the JSON texts of booleans and numbers, and plain strings. A setting that was
	// read and is not set has the value "null"; one that is absent here was not read.
	Settings map[string]string `json:"settings,omitzero"`
}

// Setting returns a property that decides something for identities, and whether it was
// read.
func (r *Resource) Setting(path string) (string, bool) {
	if r.Detail == nil {
		return "", false
	}
	v, ok := r.Detail.Settings[path]
	return v, ok
}

// Tag returns the value of a tag. Tag names have no letter case in Azure.
func (r *Resource) Tag(name string) (string, bool) {
	if r.Detail == nil {
		return "", false
	}
	if v, ok := r.Detail.Tags[name]; ok {
		return v, true
	}
	for k, v := range r.Detail.Tags {
		if arm.Fold(k) == arm.Fold(name) {
			return v, true
		}
	}
	return "", false
}

// Attachment says which managed identities a resource carries.
type Attachment struct {
	// System is true for a system-assigned identity, whose principal is SystemPrincipal
	// (empty where it could not be read).
	System          bool        `json:"system,omitzero"`
	SystemPrincipal PrincipalID `json:"systemPrincipal,omitzero"`
	// User are the resources of the attached user-assigned identities.
	User []arm.ID `json:"user,omitzero"`
}

// Lock keeps a scope from being changed or deleted. It is no part of authorization.
type Lock struct {
	ID     arm.ID `json:"id,omitzero"`
	Scope  arm.ID `json:"scope"`
	Level  string `json:"level"` // "CanNotDelete" or "ReadOnly"
	Source Source `json:"source,omitzero"`
}

// Declaration is what a plan or a template says of one object, with its place. Where
// snapshots are joined, one without an address keeps what an earlier one knew.
type Declaration struct {
	// Address is the object's name there, such as "module.app.azurerm_linux_web_app.api[0]".
	Address string `json:"address"`
	// Type is the provider's resource type, such as "azurerm_linux_web_app".
	Type string `json:"type"`
	// Resource is the ID that the object has or will get; zero where it cannot be told. A
	// grant that is replaced has the ID of the one that is deleted.
	Resource arm.ID `json:"resource,omitzero"`
	// Actions is what the plan does to it, in the plan's words ("create", "no-op", …);
	// empty for a state.
	Actions []string `json:"actions,omitzero"`
	// IdentityType is the type of its identity block as written; empty without a block.
	IdentityType string `json:"identityType,omitzero"`
	// UserAssigned is true for a user-assigned identity.
	UserAssigned bool `json:"userAssigned,omitzero"`
	// FirstPrincipal is true where the plan gives the object a principal that it had not:
	// a new identity, or a system-assigned one added. A replaced principal is no first one.
	FirstPrincipal bool `json:"firstPrincipal,omitzero"`
	// FormerPrincipals are the principals of the object's own identity that cease, or have
	// ceased: by a replacement, by dropping the identity, by a deletion, or outside of the
	// plan. Grants to them stay behind.
	FormerPrincipals []PrincipalID `json:"formerPrincipals,omitzero"`
	// Grant is true for an object that binds rights to a principal.
	Grant bool `json:"grant,omitzero"`
	// FederatedCredential is true for one.
	FederatedCredential bool `json:"federatedCredential,omitzero"`
	// InlinePolicies is the number of access policies written inside a vault.
	InlinePolicies int `json:"inlinePolicies,omitzero"`
	// Refused says why Azure refuses the object as it is declared, a clause without a full
	// stop; empty where nothing is known to be refused.
	Refused string `json:"refused,omitzero"`
	// WaitsFor are the addresses of the objects that have to be there before what is
	// refused can be told.
	WaitsFor []string `json:"waitsFor,omitzero"`
	// FixedName is true for a role assignment of a template whose principal is read off an
	// identity and whose name does not hang on that principal: Azure refuses to change it
	// when the identity is made anew.
	FixedName bool `json:"fixedName,omitzero"`
	// APIVersion is the version of the resource provider's interface that the object is
	// written with, such as "2023-07-01"; empty where the file does not tell, as where a
	// provider of Terraform picks it.
	APIVersion string `json:"apiVersion,omitzero"`
	// ProviderVersions says of objects of key vaults and of the directory which versions of
	// their provider the code allows: all constraints that hold together, such as "~> 4.0",
	// and the version that was chosen, such as "~> 4.0, = 4.23.0"; empty where no file tells.
	ProviderVersions string `json:"providerVersions,omitzero"`
	// Varies are the variables of the code that the object's name, its resource group or how
	// many of it there are hangs on, as the root module names them, such as "var.pr_number";
	// "terraform.workspace" is among them.
	Varies []string `json:"varies,omitzero"`
	// Effects are what the plan does to the object beside changing it, worked out from both
	// sides of the plan: a word ("lost", "gap", "selectors_broken", "impossible", "unmanaged"),
	// a colon, and a clause without a full stop.
	Effects []string `json:"effects,omitzero"`
	Source  Source   `json:"source,omitzero"`
}
