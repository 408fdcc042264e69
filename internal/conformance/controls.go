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
	"checkov CKV_AZURE_16":                      withoutIdentity("Microsoft.Web/sites", ""),
	"checkov CKV_AZURE_71":                      withoutIdentity("Microsoft.Web/sites", ""),
	"checkov CKV_AZURE_191":                     withoutIdentity("Microsoft.EventGrid/topics", ""),
	"checkov CKV_AZURE_137":                     keysOpen("Microsoft.ContainerRegistry/registries", "adminUserEnabled", "false", true),
	"checkov CKV_AZURE_236":                     keysOpen("Microsoft.CognitiveServices/accounts", "disableLocalAuth", "true", false),
	"checkov CKV_AZURE_39":                      ownsSubscription,
	"kics 8fa9ceea-881f-4ef0-b0b8-728f589699a7": writesRoles,
	"kics e9c133e5-c2dd-4b7b-8fff-40f2de367b56": withoutIdentity("Microsoft.Web/sites", ""),
	"template-analyzer TA-000007":               withoutIdentity("Microsoft.Web/sites", "api"),
	"template-analyzer TA-000013":               withoutIdentity("Microsoft.Web/sites", "functionapp"),
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
		if !set {
			return !byDefault
		}
		return !strings.EqualFold(value, closed)
	})
}

// rolesThat lists the custom roles for which a question has the answer yes.
func rolesThat(snap *mivet.Snapshot, ask func(*mivet.RoleDefinition) bool) []found {
	var out []found
	for i := range snap.RoleDefinitions {
		if d := &snap.RoleDefinitions[i]; ask(d) {
			out = append(out, found{address: "Microsoft.Authorization/roleDefinitions." + d.Name, name: string(d.ID), source: d.Source})
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
