// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A control asks of a snapshot what a rule of another tool asks of its own model. It knows
// no more than the facts that the engines use.
type control func(snap *mivet.Snapshot) []found

// controls are those rules of other tools that ask what mivet has facts for.
var controls = map[string]control{
	"checkov CKV_AZURE_16":                        withoutIdentity("Microsoft.Web/sites", ""),
	"checkov CKV_AZURE_71":                        withoutIdentity("Microsoft.Web/sites", ""),
	"checkov CKV_AZURE_191":                       withoutIdentity("Microsoft.EventGrid/topics", ""),
	"checkov CKV_AZURE_137":                       keysOpen("Microsoft.ContainerRegistry/registries", "adminUserEnabled", "false", true),
	"checkov CKV_AZURE_236":                       keysOpen("Microsoft.CognitiveServices/accounts", "disableLocalAuth", "true", false),
	"checkov CKV_AZURE_39":                        ownsSubscription,
	"checkov CKV_AZURE_207":                       withoutIdentity("Microsoft.Search/searchServices", ""),
	"checkov CKV_AZURE_202":                       withoutIdentity("Microsoft.ServiceBus/namespaces", ""),
	"checkov CKV_AZURE_194":                       withoutIdentity("Microsoft.EventGrid/domains", ""),
	"checkov CKV2_AZURE_36":                       withoutIdentity("Microsoft.Automation/automationAccounts", ""),
	"checkov CKV_AZURE_184":                       keysOpen("Microsoft.AppConfiguration/configurationStores", "disableLocalAuth", "true", false),
	"checkov CKV_AZURE_140":                       keysOpen("Microsoft.DocumentDB/databaseAccounts", "disableLocalAuth", "true", false),
	"checkov CKV_AZURE_141":                       keysOpen("Microsoft.ContainerService/managedClusters", "disableLocalAccounts", "true", false),
	"checkov CKV2_AZURE_40":                       keysOpen("Microsoft.Storage/storageAccounts", "allowSharedKeyAccess", "false", false),
	"checkov CKV_AZURE_244":                       resourcesThat("Microsoft.Storage/storageAccounts", localUsers),
	"checkov CKV2_AZURE_7":                        withoutAdministrator,
	"checkov CKV2_AZURE_27":                       withoutAdministrator,
	"checkov CKV_AZURE_249":                       badCredentials,
	"trivy AZU-0030":                              ownsEverything,
	"trivy AZU-0052":                              writesRoles,
	"trivy AZU-0042":                              keysOpen("Microsoft.ContainerService/managedClusters", "enableRBAC", "true", true),
	"kics 3fa5900f-9aac-4982-96b2-a6143d9c99fb":   writesRoles,
	"kics a3a055d2-9a2e-4cc9-b9fb-12850a1a3a4b":   withoutAdministrator,
	"policy-library-avm ACRAdminAccountDisabled":  keysOpen("Microsoft.ContainerRegistry/registries", "adminUserEnabled", "false", true),
	"policy-library-avm ACRAnonymousPullDisabled": keysOpen("Microsoft.ContainerRegistry/registries", "anonymousPullEnabled", "false", true),
	"policy-library-avm AKSLocalAdminDisabled":    keysOpen("Microsoft.ContainerService/managedClusters", "disableLocalAccounts", "true", false),
	"policy-library-avm AKSRbacEnabled":           keysOpen("Microsoft.ContainerService/managedClusters", "enableRBAC", "true", true),
	"kics 8fa9ceea-881f-4ef0-b0b8-728f589699a7":   writesRoles,
	"kics e9c133e5-c2dd-4b7b-8fff-40f2de367b56":   withoutIdentity("Microsoft.Web/sites", ""),
	"template-analyzer TA-000007":                 withoutIdentity("Microsoft.Web/sites", "api"),
	"template-analyzer TA-000013":                 withoutIdentity("Microsoft.Web/sites", "functionapp"),
}

// addressOf is the address in a plan, or type and name.
func addressOf(x *mivet.Resource) string {
	if o := x.Source.Origin; o != nil && strings.Contains(o.Address, ".") && !strings.Contains(o.Address, " ") {
		return o.Address
	}
	return x.ID.Type() + "." + x.ID.Name()
}

// resourcesThat lists the resources of a type for which a question has the answer yes.
func resourcesThat(typ string, ask func(*mivet.Resource) bool) control {
	return func(snap *mivet.Snapshot) []found {
		var out []found
		for i := range snap.Resources {
			if x := &snap.Resources[i]; arm.Fold(x.ID.Type()) == arm.Fold(typ) && ask(x) {
				out = append(out, found{address: addressOf(x), name: x.ID.Name(), source: x.Source})
			}
		}
		return out
	}
}

// withoutIdentity finds resources that surely carry no identity of any sort, of one kind if it is given.
func withoutIdentity(typ, kind string) control {
	return func(snap *mivet.Snapshot) []found {
		open := map[arm.Key]bool{}
		for i := range snap.Gaps {
			if g := &snap.Gaps[i]; g.Facts == mivet.FactIdentities {
				open[g.Scope.Key()] = true
			}
		}
		return resourcesThat(typ, func(x *mivet.Resource) bool {
			if kind != "" && (x.Detail == nil || !slices.Contains(strings.Split(x.Detail.Kind, ","), kind)) {
				return false
			}
			return x.Identity == nil && !open[x.ID.Key()]
		})(snap)
	}
}

// keysOpen finds resources whose keys or local sign-in are not turned off. A property that
// is not written has its default.
func keysOpen(typ, property, closed string, byDefault bool) control {
	return resourcesThat(typ, func(x *mivet.Resource) bool {
		value, set := x.Setting(property)
		if !set || value == "null" {
			return !byDefault
		}
		return !strings.EqualFold(value, closed)
	})
}

// roleAddress is the address of a role in a plan, or type and name.
func roleAddress(d *mivet.RoleDefinition) string {
	if o := d.Source.Origin; o != nil && strings.Contains(o.Address, ".role_definition.") || o != nil && strings.HasPrefix(o.Address, "azurerm_role_definition.") {
		return o.Address
	}
	return "Microsoft.Authorization/roleDefinitions." + d.Name
}

// rolesThat lists the custom roles for which a question has the answer yes.
func rolesThat(snap *mivet.Snapshot, ask func(*mivet.RoleDefinition) bool) []found {
	var out []found
	for i := range snap.RoleDefinitions {
		if d := &snap.RoleDefinitions[i]; ask(d) {
			out = append(out, found{address: roleAddress(d), name: string(d.ID), source: d.Source})
		}
	}
	return out
}

// writesRoles finds custom roles that may make and change roles.
func writesRoles(snap *mivet.Snapshot) []found {
	write, err := arm.ParseOperation("Microsoft.Authorization/roleDefinitions/write")
	if err != nil {
		return nil
	}
	return rolesThat(snap, func(d *mivet.RoleDefinition) bool {
		return slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool {
			return anyMatches(p.Actions, write) && !anyMatches(p.NotActions, write)
		})
	})
}

func anyMatches(patterns []string, op arm.Operation) bool {
	return slices.ContainsFunc(patterns, func(text string) bool {
		p, err := arm.ParsePattern(text)
		return err == nil && p.Matches(op)
	})
}

// ownsSubscription finds custom roles that may do everything in a subscription or above.
func ownsSubscription(snap *mivet.Snapshot) []found {
	return rolesThat(snap, func(d *mivet.RoleDefinition) bool {
		all := slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool { return slices.Contains(p.Actions, "*") })
		return all && slices.ContainsFunc(d.AssignableScopes, func(s string) bool {
			id, err := arm.ParseID(s)
			return err == nil && id.Level() <= arm.LevelSubscription
		})
	})
}
