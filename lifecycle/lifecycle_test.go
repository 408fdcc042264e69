// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/tenant"
)

func TestTable(t *testing.T) {
	if n := len(kinds()); n != 130 {
		t.Errorf("%d types, want 130", n)
	}
	paths := 0
	for name, k := range kinds() {
		paths += len(k.ForceNew)
		if len(k.ForceNew) == 0 || len(k.Accepts) == 0 && name != "azurerm_user_assigned_identity" {
			t.Errorf("%s: %+v", name, k)
		}
	}
	if paths != 1291 {
		t.Errorf("%d attributes, want 1291", paths)
	}
	f := func(name, attribute string, forces bool, release string) {
		t.Helper()
		k := Find(name)
		if k == nil {
			t.Fatalf("%s is not known", name)
		}
		if k.Forces(attribute) != forces || k.EachRelease() != release {
			t.Errorf("%s, %s: %t, %q", name, attribute, k.Forces(attribute), k.EachRelease())
		}
	}
	f("azurerm_linux_web_app", "name", true, "")
	f("azurerm_linux_web_app", "site_config.http2_enabled", false, "")
	f("azurerm_container_group", "container.image", true, "container.image")
	f("azurerm_container_group", "container.liveness_probe.http_get.http_headers.x", true, "container.image")
	f("azurerm_dashboard_grafana", "identity.type", true, "")
	f("azurerm_resource_deployment_script_azure_cli", "script_content", true, "script_content")
	if k := Find("azurerm_dashboard_grafana"); !k.IdentityForces {
		t.Error("a change of its identity makes a dashboard anew")
	}
	if k := Find("azurerm_linux_web_app"); !k.Open || !k.Both || len(k.Accepts) != 2 {
		t.Errorf("%+v", k)
	}
	if Find("azurerm_nothing") != nil || FindAzure("Microsoft.Web/sites") != nil || FindAzure("Microsoft.ContainerInstance/containerGroups") == nil {
		t.Error("types are found that are not there, or not those that are")
	}
}

func TestSigns(t *testing.T) {
	s, err := tenant.Parse("t", strings.NewReader(`tenant t
subscription s
rg g in s
webapp app in g system
webapp quiet in g system
webapp drifted in g system
webapp early in g system
containergroup job in g system
containergroup made in g system
declare azurerm_linux_web_app.app azurerm_linux_web_app of app actions=delete,create former=old
declare azurerm_linux_web_app.early azurerm_linux_web_app of early actions=create,delete
declare azurerm_linux_web_app.quiet azurerm_linux_web_app of quiet actions=update
declare azurerm_linux_web_app.drifted azurerm_linux_web_app of drifted actions=no-op former=old
declare azurerm_container_group.made azurerm_container_group of made actions=update
declare azurerm_role_assignment.x azurerm_role_assignment of quiet actions=delete,create grant
deleted old
`), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	signs := NewSigns(s)
	f := func(name string, want ...string) {
		t.Helper()
		for _, r := range s.Resources {
			if r.ID.Name() != name {
				continue
			}
			got := signs.Of(r.ID)
			if len(got) != len(want) {
				t.Fatalf("%s: %+v", name, got)
			}
			for i := range want {
				if !strings.Contains(got[i].Fact, want[i]) {
					t.Errorf("%s: %q, want %q", name, got[i].Fact, want[i])
				}
			}
		}
	}
	f("app", "the plan makes azurerm_linux_web_app.app anew, after it is deleted")
	f("early", "anew, before it is deleted")
	f("quiet")
	f("drifted", "two principals of azurerm_linux_web_app.drifted are in evidence")
	f("job", "Microsoft.ContainerInstance/containerGroups is made anew by every change of container.image")
	f("made", "azurerm_container_group is made anew by every change of container.image")
	if got := signs.Of(arm.ID{}); len(got) != 0 {
		t.Errorf("nothing: %+v", got)
	}
}

func TestAdvise(t *testing.T) {
	f := func(u Use, r Rules, want mivet.IdentityKind, because string) {
		t.Helper()
		a := Advise(u, r)
		if a.Type != want || !strings.Contains(a.Because, because) {
			t.Errorf("%+v: %+v", u, a)
		}
	}
	again := []mivet.Evidence{{Fact: "the plan makes it anew"}}
	f(Use{Recreated: again, Stable: true, Workloads: 2}, Rules{}, mivet.UserAssigned, "makes it anew")
	f(Use{Stable: true, Workloads: 2}, Rules{}, mivet.UserAssigned, "must stay")
	f(Use{Workloads: 2}, Rules{}, mivet.UserAssigned, "2 workloads")
	f(Use{Workloads: 1}, Rules{}, mivet.SystemAssigned, "one workload")
	f(Use{Workloads: 1}, Rules{Alone: mivet.UserAssigned}, mivet.UserAssigned, "one workload")
	f(Use{Recreated: again}, Rules{Recreated: mivet.SystemAssigned}, mivet.SystemAssigned, "makes it anew")
}
