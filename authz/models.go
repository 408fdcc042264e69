// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// settingModel is a setting of a resource that says whether role assignments decide about
// some of its operations. Vaults have a model of their own, since an access list takes
// the place of role assignments there.
type settingModel struct {
	resourceType string
	plane        mivet.Plane
	// prefixes are how the operations start, or names of single ones, folded.
	prefixes []string
	// honours says whether role assignments decide, by the resource's settings.
	honours func(*mivet.Resource) abac.Truth
	// elsewhere says who decides where role assignments do not, if that is nothing that a
	// snapshot holds; empty: nobody permits it then.
	elsewhere string
	// setting names the property, and ignores says what it means where role assignments do
	// not count.
	setting, ignores string
}

const (
	registryType = "Microsoft.ContainerRegistry/registries"
	searchType   = "Microsoft.Search/searchServices"

	registryMode = "roleAssignmentMode"
	azureRBAC    = "aadProfile.enableAzureRBAC"
	authOptions  = "authOptions"
)

// settingModels is the table.
//
// Registry: in the mode "RBAC Registry + ABAC Repository Permissions" roles that pull,
// push and delete by registry-wide actions are not honoured, and repositories are under
// data actions; in the other mode it is the other way round
// (MicrosoftDocs/azure-management-docs
// articles/container-registry/container-registry-rbac-abac-repository-permissions.md and
// container-registry-rbac-built-in-roles-directory-reference.md).
//
// Kubernetes: without Azure RBAC for Kubernetes its own role bindings decide, which no
// snapshot holds (MicrosoftDocs/azure-aks-docs articles/aks/entra-id-authorization.md).
//
// Search: with API keys alone, which is the default, roles have no effect on data
// (MicrosoftDocs/azure-ai-docs articles/search/search-security-enable-roles.md).
var settingModels = []settingModel{
	{
		resourceType: registryType, plane: mivet.PlaneData,
		prefixes: []string{"microsoft.containerregistry/registries/repositories/", "microsoft.containerregistry/registries/catalog/read"},
		honours:  func(r *mivet.Resource) abac.Truth { return repositoryMode(r) },
		setting:  registryMode, ignores: "the registry does not honour data actions on repositories in its mode",
	},
	{
		resourceType: registryType, plane: mivet.PlaneControl,
		prefixes: []string{
			"microsoft.containerregistry/registries/pull/read", "microsoft.containerregistry/registries/push/write",
			"microsoft.containerregistry/registries/artifacts/delete", "microsoft.containerregistry/registries/metadata/",
			"microsoft.containerregistry/registries/deleted/",
		},
		honours: func(r *mivet.Resource) abac.Truth { return repositoryMode(r).Not() },
		setting: registryMode, ignores: "the registry honours only data actions on repositories in its mode",
	},
	{
		resourceType: "Microsoft.ContainerService/managedClusters", plane: mivet.PlaneData,
		prefixes: []string{"microsoft.containerservice/managedclusters/"}, honours: clusterMode,
		elsewhere: "Kubernetes' own role bindings", setting: azureRBAC, ignores: "the cluster does not ask Azure for Kubernetes operations",
	},
	{
		resourceType: "Microsoft.Kubernetes/connectedClusters", plane: mivet.PlaneData,
		prefixes: []string{"microsoft.kubernetes/connectedclusters/"}, honours: clusterMode,
		elsewhere: "Kubernetes' own role bindings", setting: azureRBAC, ignores: "the cluster does not ask Azure for Kubernetes operations",
	},
	{
		resourceType: searchType, plane: mivet.PlaneData,
		prefixes: []string{"microsoft.search/searchservices/"}, honours: searchMode,
		setting: authOptions, ignores: "the search service accepts API keys alone for data",
	},
}

// modelFor returns the model of an operation on a plane, or nil. An operation has at most
// one, whatever its plane.
func modelFor(op arm.Operation) *settingModel {
	for i := range settingModels {
		for _, p := range settingModels[i].prefixes {
			if strings.HasPrefix(string(op.Key()), p) {
				return &settingModels[i]
			}
		}
	}
	return nil
}

// hasModel reports whether a resource has a setting that a model looks at.
func hasModel(r *mivet.Resource) bool {
	if r.Detail == nil {
		return false
	}
	for i := range settingModels {
		if r.ID.HasType(settingModels[i].resourceType) {
			return true
		}
	}
	return false
}

// repositoryMode says whether a registry is in the mode of repository permissions. The
// property is AbacRepositoryPermissions or LegacyRegistryPermissions, which is the default
// (Azure/bicep-types-az generated/containerregistry); the command line says rbac-abac and
// rbac.
func repositoryMode(r *mivet.Resource) abac.Truth {
	v, ok := r.Setting(registryMode)
	if !ok {
		return abac.Unknown
	}
	return abac.TruthOf(strings.Contains(string(arm.Fold(v)), "abac"))
}

func clusterMode(r *mivet.Resource) abac.Truth {
	v, ok := r.Setting(azureRBAC)
	if !ok {
		return abac.Unknown
	}
	return abac.TruthOf(strings.EqualFold(v, "true"))
}

// searchMode says whether a search service looks at roles: it does with aadOrApiKey and
// where keys are disabled.
func searchMode(r *mivet.Resource) abac.Truth {
	keys, keysRead := r.Setting("disableLocalAuth")
	if strings.EqualFold(keys, "true") {
		return abac.True
	}
	options, ok := authOptionsOf(r)
	switch {
	case strings.Contains(string(arm.Fold(options)), "aadorapikey"):
		return abac.True
	case ok && keysRead:
		return abac.False
	default:
		return abac.Unknown
	}
}

// authOptionsOf returns the setting, which is an object: as its text, or with its member
// in the path.
func authOptionsOf(r *mivet.Resource) (string, bool) {
	if v, ok := r.Setting(authOptions); ok {
		return v, true
	}
	for path := range r.Detail.Settings {
		if member, ok := strings.CutPrefix(path, authOptions+"."); ok {
			return member, true
		}
	}
	return "", false
}

// models are the resources whose settings say whether role assignments decide.
type models map[arm.Node]*mivet.Resource

func newModels(s *mivet.Snapshot, t *arm.Tree) models {
	m := models{}
	for i := range s.Resources {
		if r := &s.Resources[i]; hasModel(r) {
			n, _ := t.Find(r.ID)
			m[n] = r
		}
	}
	return m
}

// honours says whether role assignments decide the question, which its row's model is
// about. Above such resources the question is about what they inherit.
func (m models) honours(q *question) abac.Truth {
	for n := q.node; n != arm.RootNode; n = q.e.tree.Parent(n) {
		if r := m[n]; r != nil && r.ID.HasType(q.row.model.resourceType) {
			return q.row.model.honours(r)
		}
	}
	if ancestorOf(q.resource, q.row.model.resourceType).IsZero() {
		return abac.True
	}
	return abac.Unknown
}

// ancestorOf returns the resource of a type at or above another; zero if there is none.
func ancestorOf(id arm.ID, resourceType string) arm.ID {
	for ; id.Level() == arm.LevelResource; id = id.Parent() {
		if id.HasType(resourceType) {
			return id
		}
	}
	return arm.ID{}
}

// modelled reports whether a setting of the resource bears on the question.
func (r *row) modelled(plane mivet.Plane) bool { return r.model != nil && r.model.plane == plane }

// weighElsewhere takes into account that something decides that no snapshot holds.
func (v *verdict) weighElsewhere(q *question) {
	if !q.row.modelled(q.plane) || q.row.model.elsewhere == "" || q.weight[classRBAC] == abac.True {
		return
	}
	v.mayHang(CauseElsewhere, -1, NotLocal)
	if v.trace != nil {
		v.trace.miss(q.row.model.missing())
		v.trace.miss(Missing{What: q.row.model.elsewhere + " decide, and no input holds them", Fix: "ask the cluster (kubectl auth can-i)"})
	}
}

// missing says that the setting was not read.
func (m *settingModel) missing() Missing {
	return Missing{
		What: "whether role assignments decide hangs on " + m.setting + " of the " + m.resourceType[strings.IndexByte(m.resourceType, '/')+1:] +
			", which is off or was not read",
		Fix: "read the resource (" + m.resourceType + "/read)",
	}
}

// DecidingTypes lists the types of resources whose settings bear on answers about
// themselves and what is below them. Of other resources an answer needs at most those at
// and above the one that it is about, for its notes.
func DecidingTypes() []string {
	out := []string{vaultType, storageType}
	for i := range settingModels {
		if t := settingModels[i].resourceType; !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
