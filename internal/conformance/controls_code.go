// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/rules/path"
	"github.com/mivet/mivet/rules/presented"
	"github.com/mivet/mivet/vet"
)

// localUsers asks for storage accounts that can have local users: they come with a
// hierarchical namespace and SFTP.
func localUsers(x *mivet.Resource) bool {
	users, _ := x.Setting("isLocalUserEnabled")
	hns, _ := x.Setting("isHnsEnabled")
	return users == "true" || users != "false" && hns == "true"
}

// withoutAdministrator finds SQL servers that have no Entra administrator, nor one whose
// principal is not known.
func withoutAdministrator(snap *mivet.Snapshot) []found {
	return resourcesThat("Microsoft.Sql/servers", func(x *mivet.Resource) bool {
		return !slices.ContainsFunc(snap.LocalGrants, func(g mivet.LocalAssignment) bool {
			return g.System == mivet.LocalSQLAdmin && g.Account.Equal(x.ID)
		}) && !slices.ContainsFunc(snap.Gaps, func(g mivet.Gap) bool {
			return g.Facts == mivet.FactLocalGrants && g.Scope.Equal(x.ID)
		})
	})(snap)
}

// ownsEverything finds custom roles that may do everything, everywhere.
func ownsEverything(snap *mivet.Snapshot) []found {
	return rolesThat(snap, func(d *mivet.RoleDefinition) bool {
		return slices.Contains(d.AssignableScopes, "/") &&
			slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool { return slices.Contains(p.Actions, "*") })
	})
}

// badCredentials finds federated credentials of which a rule of mivet says that they trust
// too much, or that they never match.
func badCredentials(snap *mivet.Snapshot) []found {
	cat, err := catalog.Open()
	if err != nil {
		return nil // the embedded data cannot be read: every test of that package fails
	}
	var out []found
	for i := range snap.FederatedCredentials {
		one := *snap // by itself: examples that stand side by side share names
		one.FederatedCredentials = snap.FederatedCredentials[i : i+1]
		all, err := vet.Run(&one, []*vet.Rule{path.LooseTrust, presented.FederationNeverMatches}, vet.Options{Catalog: cat})
		if err != nil {
			return nil // these rules have their pages
		}
		if f := snap.FederatedCredentials[i]; len(all.Findings()) > 0 && f.Source.Origin != nil {
			out = append(out, found{address: f.Source.Origin.Address, name: f.Name, source: f.Source})
		}
	}
	return out
}
