// SPDX-License-Identifier: Apache-2.0

package effective_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
)

const group = "/subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01/resourceGroups/rg"

func id(t *testing.T, text string) arm.ID {
	t.Helper()
	parsed, err := arm.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// carrier makes a resource of a type with identities (sys, one, two) and settings, in a
// snapshot that knows them.
func carrier(t *testing.T, typ, identities string, settings ...string) *effective.Carrier {
	t.Helper()
	namespace, rest, _ := strings.Cut(typ, "/")
	var path strings.Builder
	path.WriteString(group + "/providers/" + namespace)
	var parents []string
	for i, part := range strings.Split(rest, "/") {
		path.WriteString(fmt.Sprintf("/%s/n%d", part, i))
		parents = append(parents, path.String())
	}
	s := &mivet.Snapshot{}
	r := mivet.Resource{ID: id(t, path.String()), Detail: &mivet.Detail{Settings: map[string]string{}}}
	attach := &mivet.Attachment{}
	for name := range strings.FieldsSeq(identities) {
		if name == "sys" {
			attach.System, attach.SystemPrincipal = true, "principal-sys"
			s.Principals = append(s.Principals, mivet.Principal{ID: "principal-sys", ClientID: clientSys, Managed: true})
			continue
		}
		rid := id(t, group+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"+name)
		attach.User = append(attach.User, rid)
		client := map[string]string{"one": clientOne, "two": clientTwo}[name]
		s.Identities = append(s.Identities, mivet.Identity{Kind: mivet.UserAssigned, Resource: rid, ClientID: client, Principal: mivet.PrincipalID("principal-" + name)})
	}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		r.Detail.Settings[name] = strings.ReplaceAll(value, "~", group+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/")
	}
	if len(parents) > 1 && identities != "" {
		// The topmost resource carries the identities of its children.
		s.Resources = append(s.Resources, mivet.Resource{ID: id(t, parents[0]), Identity: attach})
		for _, p := range parents[1 : len(parents)-1] {
			s.Resources = append(s.Resources, mivet.Resource{ID: id(t, p)})
		}
	} else if identities != "" {
		r.Identity = attach
	}
	s.Resources = append(s.Resources, r)
	return effective.NewCarrier(mivet.NewIndex(s), &s.Resources[len(s.Resources)-1])
}

// consumers returns the uses of a resource in short: "use: status identity".
func consumers(t *testing.T, w *effective.Carrier, sdk, version string) []effective.Consumer {
	t.Helper()
	all, err := w.Consumers(sdk, version)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestContainers: each container is a process with variables of its own.
func TestContainers(t *testing.T) {
	f := func(typ, settings, want string) {
		t.Helper()
		var got []string
		for _, c := range carrier(t, typ, "one two", strings.Fields(settings)...).Containers() {
			env, read := c.Variables()
			got = append(got, fmt.Sprint(c.Container, env, read))
		}
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("%s %s: %s, want %s", typ, settings, text, want)
		}
	}
	const app, group = "Microsoft.App/containerApps", "Microsoft.ContainerInstance/containerGroups"
	f(app, "", "map[] false")
	f(app, "template.containers[0].name=x", "map[] false")
	f(app, "template.containers[0].image=x", "map[] true")
	f(app, "template.containers[0].image=x template.containers[0].env.A=1 template.containers[1].image=y", "template.containers[0]map[A:1] true; template.containers[1]map[] true")
	f(group, "containers[0].properties.image=x", "map[] true")
	f(app, "template.containers[0].env.A=1 template.containers[0].env.B=null", "map[A:1] true")
	f(app, "template.containers[1].env.A=2 template.containers[0].env.A=1 template.initContainers[0].env.C=3",
		"template.containers[0]map[A:1] true; template.containers[1]map[A:2] true; template.initContainers[0]map[C:3] true")
	f(group, "containers[0].properties.environmentVariables.A=1", "map[A:1] true")
	f("Microsoft.Web/sites", "siteConfig.appSettings.A=1 other.env.B=2 x[0].env.C=3", "map[A:1] true")

	w := carrier(t, app, "one two", "template.containers[0].env.AZURE_CLIENT_ID="+clientOne, "template.containers[1].env.AZURE_CLIENT_ID="+clientTwo)
	var uses []string
	for _, c := range consumers(t, w, "go", "1.15.0") {
		if strings.HasPrefix(c.Use, "the code") {
			uses = append(uses, c.Use+": "+c.Identity.Name)
		}
	}
	if got := strings.Join(uses, "; "); got != "the code of template.containers[0], by DefaultAzureCredential: one; the code of template.containers[1], by DefaultAzureCredential: two" {
		t.Error(got)
	}
	all, _ := w.Variables()
	if path, ok := w.Containers()[1].VariablePath("AZURE_CLIENT_ID"); path != "template.containers[1].env.AZURE_CLIENT_ID" || !ok || all["AZURE_CLIENT_ID"] == "" {
		t.Errorf("%s, %v, %v", path, ok, all)
	}
}

// TestSwapped: settings move with a swap, unless they are marked to stay; identities do not.
func TestSwapped(t *testing.T) {
	f := func(site, slot, wantSite, wantSlot string, read bool) {
		t.Helper()
		made := func(name, identity, settings string) mivet.Resource {
			r := mivet.Resource{ID: id(t, group+"/providers/Microsoft.Web/sites/"+name), Detail: &mivet.Detail{Settings: map[string]string{}}}
			r.Identity = &mivet.Attachment{System: true, SystemPrincipal: mivet.PrincipalID(identity)}
			for setting := range strings.FieldsSeq(settings) {
				path, value, _ := strings.Cut(setting, "=")
				if !strings.Contains(path, ".") {
					path = "siteConfig.appSettings." + path
				}
				r.Detail.Settings[path] = value
			}
			return r
		}
		s := &mivet.Snapshot{Resources: []mivet.Resource{made("a", "p1", site), made("a/slots/b", "p2", slot)}}
		before := fmt.Sprint(s.Resources[0].Detail.Settings, s.Resources[1].Detail.Settings)
		got, ok := effective.Swapped(mivet.NewIndex(s), &s.Resources[0], &s.Resources[1])
		if !ok {
			if wantSite != "unread" {
				t.Errorf("%s, %s: not read", site, slot)
			}
			return
		}
		a, _ := got.Site.Variables()
		b, _ := got.Slot.Variables()
		if fmt.Sprint(a) != wantSite || fmt.Sprint(b) != wantSlot || got.Read != read {
			t.Errorf("%s, %s: %v and %v, %v; want %s and %s, %v", site, slot, a, b, got.Read, wantSite, wantSlot, read)
		}
		if got.Site.System.Principal != "p1" || got.Slot.System.Principal != "p2" {
			t.Errorf("identities moved: %v, %v", got.Site.System, got.Slot.System)
		}
		if after := fmt.Sprint(s.Resources[0].Detail.Settings, s.Resources[1].Detail.Settings); after != before {
			t.Errorf("the snapshot changed from %s to %s", before, after)
		}
	}
	const none = "slotConfigNames.appSettingNames=null"
	f("A=1", "A=2 B=3", "map[A:2 B:3]", "map[A:1]", false)
	f("A=1 "+none, "A=2", "map[A:2]", "map[A:1]", true)
	f("A=1 slotConfigNames.appSettingNames[0]=a", "A=2 B=3", "map[A:1 B:3]", "map[A:2]", true)
	f("A=1 FUNCTIONS_EXTENSION_VERSION=~4 "+none, "A=2 FUNCTIONS_EXTENSION_VERSION=~3", "map[A:2 FUNCTIONS_EXTENSION_VERSION:~4]", "map[A:1 FUNCTIONS_EXTENSION_VERSION:~3]", true)
	f("A=1", "siteConfig.linuxFxVersion=x", "unread", "", false)
	f("x.y=1", "A=1", "unread", "", false)
}

func TestSelectors(t *testing.T) {
	f := func(typ, identities, setting, want string, more ...string) {
		t.Helper()
		path, _, _ := strings.Cut(setting, "=")
		w := carrier(t, typ, identities, append(more, setting)...)
		got := "no consumer"
		for _, c := range consumers(t, w, "", "") {
			if c.Path != path {
				continue
			}
			got = string(c.Status)
			if c.Identity != nil {
				got += " " + c.Identity.Name
			}
			if c.Why == "" || c.Status == effective.Wrong && c.Effect == "" && c.Use != c.Path {
				t.Errorf("%s: no reason or no effect: %+v", setting, c)
			}
			got += ": " + c.Why
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s with %q, %s: %s, want %s", typ, identities, setting, got, want)
		}
	}
	const site, app = "Microsoft.Web/sites", "Microsoft.App/containerApps"
	f(site, "sys one", "keyVaultReferenceIdentity=~one", "presents one")
	f(site, "sys one", "keyVaultReferenceIdentity=SystemAssigned", "presents n0")
	f(site, "sys one", "keyVaultReferenceIdentity=null", "presents n0")
	f(site, "one", "keyVaultReferenceIdentity=null", "none: nothing is selected, and the resource does not have")
	f(site, "one", "keyVaultReferenceIdentity=SystemAssigned", "none: nothing is selected, and the resource does not have")
	f(site, "", "keyVaultReferenceIdentity=null", "none")
	f(site, "one", "keyVaultReferenceIdentity=~two", "wrong: no attached identity has that resource ID")
	f(site, "one", "keyVaultReferenceIdentity="+clientOne, "wrong: it holds the client ID of one, and wants the resource ID")
	f(site, "one", "keyVaultReferenceIdentity=jobs", `wrong: "jobs" is no resource ID`)
	f(site, "one", "siteConfig.acrUserManagedIdentityID=~one", "wrong: it holds the resource ID of one, and wants the client ID")
	f(site, "one", "siteConfig.acrUserManagedIdentityID=principal-one", "wrong: it holds the principal ID of one, and wants the client ID")
	f(site, "one", "siteConfig.acrUserManagedIdentityID="+strings.ToUpper(clientOne), "presents one")
	f(site, "one", "siteConfig.acrUserManagedIdentityID="+clientOne, "none: it has no effect without", "siteConfig.acrUseManagedIdentityCreds=false")
	f(site, "one three", "siteConfig.acrUserManagedIdentityID="+clientTwo, "not read: the client IDs of the attached identities are not known")
	f(site, "one", "siteConfig.acrUserManagedIdentityID=/subscriptions/other", `wrong: "/subscriptions/other" is no client ID`)
	f(site, "one", "siteConfig.appSettings.BUS__clientId="+clientOne, "presents one", "siteConfig.appSettings.BUS__credential=ManagedIdentity")
	f(site, "one", "siteConfig.appSettings.BUS__clientId="+clientOne, "none: it has no effect without siteConfig.appSettings.BUS__credential")
	f(app, "sys one", "configuration.registries[0].identity=system", "presents n0")
	f(app, "one", "configuration.registries[0].identity=system", "wrong: it needs the system-assigned identity")
	f(app, "sys one", "configuration.registries[1].identity=~one", "presents one")
	f(app, "one", "configuration.registries[0].identity=", "none: nothing is selected")
	f("Microsoft.DocumentDB/databaseAccounts", "one", "defaultIdentity=UserAssignedIdentity=~one", "presents one")
	f("Microsoft.DocumentDB/databaseAccounts", "one", "defaultIdentity=FirstPartyIdentity", "none: Azure uses")
	f("Microsoft.ContainerRegistry/registries", "sys one", "encryption.keyVaultProperties.identity=system", "presents n0")
	f("Microsoft.ContainerService/managedClusters", "sys", "identityProfile.kubeletidentity.resourceId=~kubelet", "presents kubelet: Azure reports it")
	f("Microsoft.EventGrid/topics/eventSubscriptions", "one", "deliveryWithResourceIdentity.identity.userAssignedIdentity=~one", "presents one")
	f("Microsoft.Batch/batchAccounts", "one", "autoStorage.nodeIdentityReference.resourceId=~one", "presents one")
	f("Microsoft.Web/sites", "one", "siteConfig.acrUseManagedIdentityCreds=true", "as written")
	// Rows that were read by machine tell what is selected; their default is not known.
	f("Microsoft.Web/serverfarms", "one", "planDefaultIdentity.userAssignedIdentityResourceId=~one", "presents one")
	f("Microsoft.Web/serverfarms", "one", "planDefaultIdentity.userAssignedIdentityResourceId=null", "as written: nothing is selected; what holds then is not known")
	f("Microsoft.Kusto/clusters", "one", "keyVaultProperties.federatedIdentityClientId="+clientTwo, "as written")
}

func TestNotReadSelectors(t *testing.T) {
	f := func(typ, identities, use, want string) {
		t.Helper()
		got := "no consumer"
		for _, c := range consumers(t, carrier(t, typ, identities), "", "") {
			if strings.Contains(c.Use, use) {
				got = string(c.Status) + ": " + c.Why
			}
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s, %s: %s, want %s", typ, use, got, want)
		}
	}
	f("Microsoft.Web/sites", "one", "Key Vault references", "not read: the property was not read; where it is not set, the system-assigned identity is used, which")
	f("Microsoft.Web/sites", "sys", "Key Vault references", "not read: the property was not read; where it is not set, the system-assigned identity is used")
	f("Microsoft.ContainerService/managedClusters", "sys", "control plane", "presents")
	f("Microsoft.ContainerService/managedClusters", "one", "control plane", "presents: it is the only")
	f("Microsoft.ContainerService/managedClusters", "", "control plane", "none")
	f("Microsoft.KeyVault/vaults", "", "", "no consumer")
}

func TestCode(t *testing.T) {
	f := func(typ, identities, library, want string, settings ...string) {
		t.Helper()
		sdk, version, _ := strings.Cut(library, " ")
		all := consumers(t, carrier(t, typ, identities, settings...), sdk, version)
		if len(all) == 0 || !strings.HasPrefix(all[0].Use, "the code") {
			t.Errorf("%s runs no code: %+v", typ, all)
			return
		}
		c := all[0]
		got := string(c.Status)
		if c.Identity != nil {
			got += " " + c.Identity.String()
		}
		if got != want {
			t.Errorf("%s %q %s %v: %s, want %s (%s)", typ, identities, library, settings, got, want, c.Why)
		}
	}
	const site, vm = "Microsoft.Web/sites", "Microsoft.Compute/virtualMachines"
	const setting = "siteConfig.appSettings."
	f(vm, "one", "", "presents user-assigned identity one")
	f(vm, "sys one", "", "presents system-assigned identity n0")
	f(vm, "one two", "", "wrong")
	f(vm, "one two", "go 1.15.0", "wrong")
	f(site, "sys one", "", "not read")
	f(site, "sys one", "go 1.15.0", "presents user-assigned identity one", setting+"AZURE_CLIENT_ID="+clientOne)
	f(site, "sys one", "go 1.15.0", "presents application "+clientTwo, setting+"AZURE_CLIENT_ID="+clientTwo, setting+"AZURE_TENANT_ID=t", setting+"AZURE_CLIENT_SECRET=hmac:1")
	f(site, "sys one", "", "ambiguous", setting+"AZURE_CLIENT_ID=")
	f(site, "sys one", "js 4.14.1", "presents system-assigned identity n0", setting+"AZURE_CLIENT_ID=")
	f(site, "sys", "js 4.14.1", "presents system-assigned identity n0", setting+"OTHER=null")
	f(site, "one", "dotnet 1.14.0", "ambiguous", setting+"OTHER=x")
	f("Microsoft.HybridCompute/machines", "sys", "go 1.15.0", "presents system-assigned identity n0")
	w := carrier(t, vm, "one")
	if all := consumers(t, w, "go", "1.15.0"); !slices.ContainsFunc(all[0].Changes, func(c effective.Change) bool {
		return c.Event == "the system-assigned identity is enabled"
	}) {
		t.Errorf("the change that nobody sees is not told: %+v", all[0].Changes)
	}
	if _, err := w.Consumers("go", "latest"); err == nil {
		t.Error("a version that is none was taken")
	}
}

func TestSelectorTable(t *testing.T) {
	rows, err := effective.Selectors("microsoft.web/SITES")
	if err != nil || len(rows) < 10 {
		t.Fatalf("%d selectors of sites, %v", len(rows), err)
	}
	for _, s := range rows {
		if s.Path == "" || s.Kind == "" || s.Source == "" || s.Curated() && (s.Default == "" || s.Wrong == "" || s.Verified == "") {
			t.Errorf("a row is not whole: %+v", s)
		}
		if strings.HasPrefix(s.Path, "properties.") {
			t.Errorf("%s begins with properties", s.Path)
		}
	}
}
