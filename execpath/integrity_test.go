// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/tenant"
)

func smallTenant(t *testing.T, text string) *mivet.Snapshot {
	t.Helper()
	s, err := tenant.Parse("t.tenant", strings.NewReader("tenant t taken=2026-11-01\nsubscription main\nrg g in main\n"+text), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFingerprints(t *testing.T) {
	const text = `functionapp fn in g system .siteConfig.appSettings.WEBSITE_RUN_FROM_PACKAGE=https://code.blob.core.windows.net/packages/fn.zip \
	.siteConfig.appSettings.COMMIT_SHA=abc .siteConfig.appSettings.DB=hmac:k:00 .siteConfig.linuxFxVersion="PYTHON|3.11" \
	.siteConfig.appCommandLine=run.sh .siteConfig.azureStorageAccounts.a.shareName=s tag.build-id=7
webapp shop in g kind="app,linux" .siteConfig.linuxFxVersion="DOCKER|images.azurecr.io/shop@sha256:00"
containerapp app in g .template.containers[0].image=images.azurecr.io/app:1 .template.containers[0].command[0]=/run .template.containers[0].env.A=1 .latestRevisionName=app--1
vm machine in g system
resource Microsoft.Compute/virtualMachines/extensions script in machine .publisher=Microsoft.Azure.Extensions .type=CustomScript
resource Microsoft.Compute/virtualMachines/runCommands fix in machine .source.script=hmac:k:01
resource Microsoft.Resources/deploymentScripts ds in g .scriptContent=hmac:k:02 .environmentVariables.arguments=x .arguments=hmac:k:03
resource Microsoft.ContainerInstance/containerGroups aci in g .containers[0].properties.command=hmac:k:04 .containers[0].properties.image=a/b:1
storage data in g .allowSharedKeyAccess=true
`
	var out strings.Builder
	for _, f := range Fingerprints(smallTenant(t, text)) {
		fmt.Fprintf(&out, "%s:", f.Workload.Name())
		for _, p := range Parts() {
			if v, ok := f.Parts[p]; ok && p != PartIdentity {
				if len(f.Names[p]) > 1 || p == PartSettings {
					v = fmt.Sprint(len(f.Names[p]))
				}
				fmt.Fprintf(&out, " %s %s", p, v)
			}
		}
		pinned, images := f.Pinned()
		fmt.Fprintf(&out, " %v %v\n", images, pinned)
	}
	const want = `app: image images.azurecr.io/app:1 settings 1 start /run revision app--1 true false
machine: extensions 5 false false
aci: image a/b:1 start hmac:k:04 true false
ds: settings 1 start 2 false false
fn: package https://code.blob.core.windows.net/packages/fn.zip commit 2 runtime PYTHON|3.11 settings 1 start run.sh mounts s false false
shop: image DOCKER|images.azurecr.io/shop@sha256:00 true true
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestDrifts(t *testing.T) {
	f := func(before, after, want string) {
		t.Helper()
		var out []string
		for _, d := range Drifts(smallTenant(t, before), smallTenant(t, after)) {
			var text strings.Builder
			fmt.Fprintf(&text, "%s %s", d.Workload.Name(), d.Kind)
			if !d.With.IsZero() {
				text.WriteString(" with " + d.With.Name())
			}
			for _, c := range d.Changes {
				fmt.Fprintf(&text, " %s %s=%s", c.Part, c.Before, c.After)
			}
			if d.IdentityChanged {
				text.WriteString(" identity")
			}
			out = append(out, text.String())
		}
		if got := strings.Join(out, "; "); got != want {
			t.Errorf("%s\n->\n%s\ngot  %s\nwant %s", before, after, got, want)
		}
	}
	app := func(tag, more string) string {
		return "containerapp app in g " + more + " .template.containers[0].image=images.azurecr.io/app:" + tag + "\n"
	}
	f(app("1", "system"), app("1", "system"), "")
	f(app("1", "system"), app("2", "system"), "app changed image images.azurecr.io/app:1=images.azurecr.io/app:2")
	f(app("1", "system"), app("2", ""), "app changed image images.azurecr.io/app:1=images.azurecr.io/app:2 identity")
	f(app("1", "system"), app("1", ""), "")
	f(app("1", ""), "", "app gone")
	f("", app("1", ""), "app appeared")
	f("containerapp app in g system\n", app("1", "system"), "") // nothing was read of it before
	f("vm m in g .osProfile.allowExtensionOperations=true\n",
		"vm m in g .osProfile.allowExtensionOperations=true\nresource Microsoft.Compute/virtualMachines/extensions s in m\n", "m changed extensions =")
	site := func(blue, green string) string {
		return "webapp site in g system .siteConfig.appSettings.COMMIT=" + blue + "\nslot stage in site system .siteConfig.appSettings.COMMIT=" + green + "\n"
	}
	f(site("blue", "green"), site("green", "blue"), "site swapped with stage commit blue=green; stage swapped with site commit green=blue")
	f(site("blue", "green"), site("green", "green"), "site changed commit blue=green")
}

func TestAttribute(t *testing.T) {
	site, stage := mustID(t, "/subscriptions/1/resourceGroups/g/providers/Microsoft.Web/sites/a"), mustID(t, "/subscriptions/1/resourceGroups/g/providers/Microsoft.Web/sites/a/slots/b")
	at := func(hour int) time.Time { return time.Date(2026, 11, 1, hour, 0, 0, 0, time.UTC) }
	list := []Drift{{Workload: site, With: stage}, {Workload: stage}}
	event := func(hour int, c Change) Change {
		c.At = at(hour)
		return c
	}
	Attribute(list, []Change{
		event(1, Change{Workload: site}), event(5, Change{Workload: site}), event(6, Change{Workload: stage}), event(20, Change{Workload: site}),
		event(7, Change{Workload: site, Event: Event{Refused: true}}), event(8, Change{}),
	}, at(2), at(10))
	if len(list[0].By) != 2 || !list[0].By[0].At.Equal(at(6)) || len(list[1].By) != 1 {
		t.Errorf("the events are %v and %v", list[0].By, list[1].By)
	}
	Attribute(list, []Change{event(20, Change{Workload: stage})}, time.Time{}, time.Time{})
	if len(list[1].By) != 2 {
		t.Errorf("without bounds they are %v", list[1].By)
	}
}
