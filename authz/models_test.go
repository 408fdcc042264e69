// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

const (
	registry = rg + "/providers/Microsoft.ContainerRegistry/registries/r"
	cluster  = rg + "/providers/Microsoft.ContainerService/managedClusters/k"
	arc      = rg + "/providers/Microsoft.Kubernetes/connectedClusters/k"
	search   = rg + "/providers/Microsoft.Search/searchServices/s"

	pull     = "Microsoft.ContainerRegistry/registries/pull/read"
	content  = "Microsoft.ContainerRegistry/registries/repositories/content/read"
	pods     = "Microsoft.ContainerService/managedClusters/pods/read"
	arcPods  = "Microsoft.Kubernetes/connectedClusters/pods/read"
	document = "Microsoft.Search/searchServices/indexes/documents/read"
)

func withSettings(resource string, settings ...string) *mivet.Snapshot {
	return small(func(s *mivet.Snapshot) {
		r := mivet.Resource{ID: id(resource)}
		if len(settings) > 0 {
			r.Detail = &mivet.Detail{Settings: map[string]string{}}
		}
		for i := 0; i+1 < len(settings); i += 2 {
			r.Detail.Settings[settings[i]] = settings[i+1]
		}
		s.Resources = append(s.Resources, r)
		s.RoleAssignments = []mivet.RoleAssignment{grantOf("mill", "all", rg)}
	})
}

func TestSettingsThatDecide(t *testing.T) {
	f := func(plane mivet.Plane, operation, resource string, granted, refused Effect, settings ...string) {
		t.Helper()
		s := withSettings(resource, settings...)
		r := Request{Principal: "mill", Operation: op(operation), Plane: plane, Resource: id(resource)}
		e := New(s, Options{})
		for who, want := range map[mivet.PrincipalID]Effect{"mill": granted, "baker": refused} {
			r.Principal = who
			d := e.Check(r)
			if d.Effect != want {
				t.Errorf("%s on %v: %s is %s because of %s, want %s", operation, settings, who, d.Effect, d.Cause, want)
			}
			if x := e.Explain(r); x.Decision != d || x.Effect == Unknown && len(x.Missing) == 0 {
				t.Errorf("Check says %+v, Explain %+v", d, x)
			}
		}
	}
	control, data := mivet.PlaneControl, mivet.PlaneData
	// container-registry-rbac-abac-repository-permissions.md
	f(control, pull, registry, Allowed, Denied, registryMode, "LegacyRegistryPermissions")
	f(control, pull, registry, Allowed, Denied, registryMode, "null")
	f(control, pull, registry, Denied, Denied, registryMode, "AbacRepositoryPermissions")
	f(control, pull, registry, Unknown, Denied)
	f(control, pull, registry, Unknown, Denied, "other", "1")
	f(data, content, registry, Denied, Denied, registryMode, "rbac")
	f(data, content, registry, Allowed, Denied, registryMode, "rbac-abac")
	f(control, "Microsoft.ContainerRegistry/registries/read", registry, Allowed, Denied, registryMode, "rbac-abac")
	// entra-id-authorization.md
	f(data, pods, cluster, Allowed, Denied, azureRBAC, "true")
	f(data, pods, cluster, Unknown, Unknown, azureRBAC, "false")
	f(data, pods, cluster, Unknown, Unknown, azureRBAC, "null")
	f(data, pods, cluster, Unknown, Unknown)
	f(data, pods, cluster, Unknown, Unknown, "other", "1")
	f(data, pods, cluster+"/namespaces/n", Unknown, Unknown, "other", "1")
	f(data, arcPods, arc, Allowed, Denied, azureRBAC, "true")
	f(control, "Microsoft.ContainerService/managedClusters/read", cluster, Allowed, Denied)
	// search-security-enable-roles.md
	f(data, document, search, Allowed, Denied, "disableLocalAuth", "true", authOptions, "null")
	f(data, document, search, Allowed, Denied, authOptions, "aadOrApiKey")
	f(data, document, search, Allowed, Denied, authOptions+".aadOrApiKey.aadAuthFailureMode", "http403", "disableLocalAuth", "false")
	f(data, document, search, Denied, Denied, authOptions, "apiKeyOnly", "disableLocalAuth", "null")
	f(data, document, search, Unknown, Denied, authOptions, "null")
	f(data, document, search, Unknown, Denied, "disableLocalAuth", "false")
}

// Above such resources the question is about what they inherit.
func TestSettingsAboveTheResource(t *testing.T) {
	s := withSettings(cluster, azureRBAC, "false")
	r := Request{Principal: "mill", Operation: op(pods), Plane: mivet.PlaneData, Resource: id(rg)}
	wants(t, s, r, Allowed, CauseGrant)
	r.Principal = "baker"
	wants(t, s, r, Denied, CauseNoGrant)
}

func TestSettingsAreExplained(t *testing.T) {
	f := func(s *mivet.Snapshot, operation string, plane mivet.Plane, resource string, cause Cause, outcome Outcome, says string) {
		t.Helper()
		x := New(s, Options{}).Explain(Request{Principal: "mill", Operation: op(operation), Plane: plane, Resource: id(resource)})
		var all strings.Builder
		all.WriteString(x.Reasons[0].Note)
		for _, m := range x.Missing {
			all.WriteString("; " + m.What)
		}
		if x.Cause != cause || x.Reasons[0].Outcome != outcome || !strings.Contains(all.String(), says) {
			t.Errorf("got %s, %s, %q; want %s, %s, %q", x.Cause, x.Reasons[0].Outcome, all.String(), cause, outcome, says)
		}
	}
	f(withSettings(registry, registryMode, "rbac-abac"), pull, mivet.PlaneControl, registry, CauseNoGrant, ModelIgnores, "honours only data actions")
	f(withSettings(registry), pull, mivet.PlaneControl, registry, CauseModel, MayGrant, "roleAssignmentMode of the registries")
	f(withSettings(cluster, azureRBAC, "false"), pods, mivet.PlaneData, cluster, CauseElsewhere, ModelIgnores, "Kubernetes' own role bindings decide")
}

func TestWaysToASetting(t *testing.T) {
	if hasModel(&mivet.Resource{ID: id(registry)}) || hasModel(&mivet.Resource{ID: id(vault), Detail: &mivet.Detail{}}) {
		t.Error("a model without settings, or of a vault")
	}
	wants(t, withSettings(account), ask("mill", readBlob, blobs), Allowed, CauseGrant)
}
