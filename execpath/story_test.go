// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/tenant"
)

// world reads a tenant text and joins it.
func world(t testing.TB, text string, o Options) *Graph {
	t.Helper()
	cat := openCatalog(t)
	s, err := tenant.Parse("t.tenant", strings.NewReader("tenant t\n"+text), tenant.Options{Role: func(name string) (mivet.RoleID, bool) {
		if d := cat.RoleByName(name); d != nil {
			return d.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	if o.Table == nil {
		o.Table = builtin(t)
	}
	o.Catalog = cat
	return New(s, authz.New(s, authz.Options{Catalog: cat}), o)
}

// named is the principal of that name.
func (g *Graph) named(t testing.TB, name string) mivet.PrincipalID {
	t.Helper()
	for i := range g.snap.Principals {
		if p := &g.snap.Principals[i]; p.Name == name {
			return p.ID
		}
	}
	for i := range g.snap.Identities {
		if m := &g.snap.Identities[i]; m.Resource.Name() == name {
			return m.Principal
		}
	}
	t.Fatalf("nobody is called %s", name)
	return ""
}

// story tells the shortest path in short: from technique@host to.
func (g *Graph) story(t testing.TB, from, to string, level Level) string {
	t.Helper()
	found := g.Paths(PathQuery{From: []mivet.PrincipalID{g.named(t, from)}, To: []mivet.PrincipalID{g.named(t, to)}, Level: level, Max: 1})
	if len(found) == 0 {
		return "none"
	}
	words := []string{found[0].Level.String()}
	for _, s := range found[0].Steps {
		word := s.Technique
		if !s.Host.IsZero() {
			word += "@" + s.Host.Name()
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

const clusterText = `
subscription main
rg g in main
identity pods in g
identity nodes in g
identity control in g
aks aks in g user=control .nodeResourceGroup=mc .oidcIssuerProfile.issuerURL=https://issuer.example/1/ .aadProfile.enableAzureRBAC=true \
	.disableLocalAccounts=false .identityProfile.kubeletidentity.resourceId=$id:nodes
federated shop on pods issuer=https://issuer.example/1 subject=system:serviceaccount:shop:api
federated main on pods issuer=https://token.example subject=repo:x
rg mc in main
vmss pool in mc user=nodes
user ann
user bob
user eve
assign ann "Azure Kubernetes Service Cluster Admin Role" at aks
assign bob "Azure Kubernetes Service RBAC Writer" at aks/namespaces/shop
assign eve "Azure Kubernetes Service RBAC Writer" at aks/namespaces/other
`

func TestClusters(t *testing.T) {
	g := world(t, clusterText, Options{})
	f := func(from, to, want string) {
		t.Helper()
		if got := g.story(t, from, to, Possible); got != want {
			t.Errorf("%s to %s: got %s, want %s", from, to, got, want)
		}
	}
	f("ann", "nodes", "certain AKS-02@aks")
	f("ann", "pods", "certain AKS-02@aks")
	f("ann", "control", "none") // not given to nodes
	f("bob", "pods", "certain AKS-05@shop")
	f("bob", "nodes", "none")
	f("eve", "pods", "none")
}

const wordsText = `
subscription main
rg g in main
user ann
user bob
group ops members=ann
sp robot
vm machine in g system user=shared .osProfile.allowExtensionOperations=true
identity shared in g
webapp site in g system kind=app
slot staging in site system kind=app
ml lab in g system .storageAccount=$id:notebooks
resource Microsoft.MachineLearningServices/workspaces/computes trainer in lab system
storage notebooks in g .networkAcls.defaultAction=Deny
search index in g system .disableLocalAuth=true
assign ops "Virtual Machine Contributor" at machine
assign ann "Storage File Data Privileged Contributor" at notebooks
assign bob "Search Service Contributor" at index
role swapper at main actions=Microsoft.Web/sites/slots/publish/Action,Microsoft.Web/sites/slotsswap/Action
assign robot swapper at site
role grantor at main actions=Microsoft.Authorization/roleAssignments/write
assign bob grantor at site condition="@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {de139f84-1756-47ae-9be6-808fbbe84772}"
federated main on shared issuer=https://token.example subject=repo:x
`

func TestStories(t *testing.T) {
	g := world(t, wordsText, Options{})
	f := func(from, to, want string) {
		t.Helper()
		if got := g.story(t, from, to, Possible); got != want {
			t.Errorf("%s to %s: got %s, want %s", from, to, got, want)
		}
	}
	f("ann", "machine", "certain member VM-01@machine")
	f("ann", "shared", "certain member VM-01@machine")
	f("ann", "trainer", "possible STG-03@notebooks") // the network may stand in the way
	f("bob", "index", "certain SEARCH-02@index")     // skillsets, whatever becomes of keys
	f("bob", "site", "certain AUTHZ-01@site")
	f("robot", "staging", "certain WEB-16@staging")
	f("robot", "site", "certain WEB-16@staging")
	f("robot", "machine", "none")
}

func TestEvidence(t *testing.T) {
	g := world(t, wordsText, Options{})
	p := g.Paths(PathQuery{From: []mivet.PrincipalID{g.named(t, "ann")}, To: []mivet.PrincipalID{g.named(t, "trainer")}, Level: Possible})[0]
	s := p.Steps[0]
	if s.Link == nil || s.Link.Kind != LinkStorage || s.Workload.Name() != "trainer" {
		t.Errorf("the link is missing: %+v", s)
	}
	if len(s.Rights) != 1 || len(s.Rights[0].Reasons) != 1 || s.Rights[0].Reasons[0].RoleName != "Storage File Data Privileged Contributor" {
		t.Errorf("the right is missing: %+v", s.Rights)
	}
	if diff := cmp.Diff([]string{"the network rules of the account may stand in the way (networkAcls.defaultAction is Deny)"}, s.Why); diff != "" {
		t.Error(diff)
	}
	swap := g.Paths(PathQuery{From: []mivet.PrincipalID{g.named(t, "robot")}, To: []mivet.PrincipalID{g.named(t, "site")}, Level: Certain})[0].Steps[0]
	if len(swap.Rights) != 3 || swap.Workload.Name() != "site" {
		t.Errorf("a swap takes the slot's code and the right on both: %+v", swap.Rights)
	}
}

func TestActorsAndBlast(t *testing.T) {
	g := world(t, wordsText, Options{})
	a := g.ActorsOf(g.named(t, "shared"))
	if len(a.Direct) != 2 || len(a.Reaching) != 1 || len(a.Possibly) != 1 {
		t.Errorf("direct %d, reaching %v, possibly %v", len(a.Direct), a.Reaching, a.Possibly)
	}
	if u := g.ActorsOf(g.named(t, "index")).Using; len(u) != 1 || u[0].Technique.ID != "SEARCH-01" {
		t.Errorf("who may use the search service: %+v", u)
	}
	b := g.BlastOf(g.named(t, "ann"))
	if len(b.Paths) != 4 || b.Paths[0].Level != Certain || b.Paths[3].Level != Possible {
		t.Errorf("ann comes to %d", len(b.Paths))
	}
	if x := g.ActorsOf("stranger"); x.Direct != nil {
		t.Error("a stranger acts")
	}
	if x := g.BlastOf("stranger"); x.Paths != nil {
		t.Error("a stranger comes somewhere")
	}
	if len(g.Paths(PathQuery{To: []mivet.PrincipalID{g.named(t, "shared")}, Level: Possible, Max: 5})) != 2 {
		t.Error("from anywhere, ann and the outside party come there")
	}
	n := 0
	g.Edges(func(s Symbolic) bool {
		n++
		if len(s.Possible) == 0 || s.Resources == 0 {
			t.Errorf("an edge that leads nowhere: %+v", s)
		}
		return n < 5
	})
	if n != 5 {
		t.Errorf("%d edges", n)
	}
}

const directoryText = `
subscription main
rg g in main
vm machine in g system
sp app client=5ca0ffee-0000-4000-8000-0000000000dd
sp robot
user ann
user bob
user eve
user dan
group admins
group readers
federated main on app issuer=https://token.example subject=repo:x
assign admins "Virtual Machine Contributor" at main
directoryrole ann "Global Administrator" id=62e90394-69f5-4237-9190-012177145e10
directoryrole bob "Application Administrator" id=9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3
directoryrole eve "Groups Administrator" id=fdd7a751-b60b-444a-984c-02652fe8fa1c eligible
approle robot GroupMember.ReadWrite.All api="Microsoft Graph" id=dbaae8cf-10b5-4b86-a4a1-f871c94c6695
`

func TestDirectory(t *testing.T) {
	g := world(t, directoryText, Options{ClosedWorld: true})
	f := func(from, to, want string) {
		t.Helper()
		if got := g.story(t, from, to, Possible); got != want {
			t.Errorf("%s to %s: got %s, want %s", from, to, got, want)
		}
	}
	f("ann", "machine", "certain AUTHZ-05@machine")
	f("ann", "app", "certain directory")
	f("bob", "app", "certain directory")
	f("bob", "machine", "certain directory CICD-04 VM-01@machine") // as robot
	f("robot", "machine", "certain CICD-04 VM-01@machine")
	f("eve", "machine", "possible CICD-04 VM-01@machine")
	open := world(t, directoryText, Options{})
	if got := open.story(t, "robot", "machine", Certain); got != "none" {
		t.Errorf("whether the group is role-assignable was not read, and the path is %s", got)
	}
	cut := g.Choke(ChokeQuery{To: []mivet.PrincipalID{g.named(t, "machine")}})
	kinds := map[FactKind]int{}
	for _, fact := range cut.Facts {
		kinds[fact.Kind]++
	}
	if diff := cmp.Diff(map[FactKind]int{FactAssignment: 1, FactDirectory: 1}, kinds); diff != "" || !cut.Proved {
		t.Errorf("%s\n%+v", diff, cut)
	}
}

func TestDrawings(t *testing.T) {
	g := world(t, wordsText, Options{})
	names := func(id mivet.PrincipalID) (string, string) {
		if m := g.idx.Identity(id); m != nil {
			return m.Resource.Name(), "system-assigned identity"
		}
		return `<a "b" & c|` + string(id[:2]), "user"
	}
	var paths []Path
	for _, from := range []string{"ann", "bob", "robot"} {
		paths = append(paths, g.BlastOf(g.named(t, from)).Paths...)
	}
	var svg, mermaid bytes.Buffer
	if err := WriteSVG(&svg, paths, names); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(&svg)
	for {
		if _, err := d.Token(); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatalf("the drawing is no XML: %v", err)
			}
			break
		}
	}
	if err := WriteMermaid(&mermaid, paths, names); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(mermaid.String(), "\n") {
		if strings.Contains(line, `<a`) || strings.Count(line, `"`)%2 != 0 {
			t.Errorf("a label ends early: %s", line)
		}
	}
	for _, w := range []string{"-.->", "-->", "{{", `(["`} {
		if !strings.Contains(mermaid.String(), w) {
			t.Errorf("%s is missing in\n%s", w, mermaid.String())
		}
	}
}

func TestSelvesAndWriters(t *testing.T) {
	g := world(t, `
subscription main
rg g in main
storage st in g
container code in st
functionapp worker in g system .siteConfig.appSettings.WEBSITE_RUN_FROM_PACKAGE=https://st.blob.core.windows.net/code/a.zip
functionapp other in g system
user ann
sp release
assign worker "Storage Blob Data Contributor" at code
assign ann "Storage Blob Data Contributor" at code
assign release "Storage Blob Data Contributor" at code
assign release "Website Contributor" at worker
`, Options{})
	selves := g.Selves()
	if len(selves) != 1 || selves[0].From != g.named(t, "worker") || selves[0].Assignment() == nil {
		t.Errorf("who rewrites itself: %+v", selves)
	}
	writers := g.Writers()
	if len(writers) != 1 || writers[0].From != g.named(t, "ann") || writers[0].Workload.Name() != "worker" {
		t.Errorf("who writes what others run: %+v", writers)
	}
	if len(g.Links()) != 1 || (&Step{}).Assignment() != nil {
		t.Errorf("links: %+v", g.Links())
	}
}

// Each way to name content in a setting leads to the resource, and names of nothing lead
// nowhere.
func TestLinks(t *testing.T) {
	f := func(typ, setting, value, want string) {
		t.Helper()
		s := &mivet.Snapshot{}
		for _, id := range []string{
			"Microsoft.Storage/storageAccounts/st", "Microsoft.ContainerRegistry/registries/reg", "Microsoft.AppConfiguration/configurationStores/conf",
			"Microsoft.KeyVault/vaults/kv", "Microsoft.Compute/galleries/gal/images/gold",
		} {
			s.Resources = append(s.Resources, mivet.Resource{ID: mustID(t, sub+"/resourceGroups/g/providers/"+id)})
		}
		settings := map[string]string{setting: value, "siteConfig.appSettings.WEBSITE_CONTENTSHARE": "files", "siteConfig.azureStorageAccounts.m.shareName": "mnt"}
		s.Resources = append(s.Resources, mivet.Resource{ID: mustID(t, sub+"/resourceGroups/g/providers/"+typ), Detail: &mivet.Detail{Settings: settings}})
		got := "none"
		for _, l := range Links(s) {
			got = string(l.Kind) + " " + strings.TrimPrefix(l.Content.String(), sub+"/resourceGroups/g/providers/") + " by " + l.Workload.Name()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", setting, got, want)
		}
	}
	const site, app = "Microsoft.Web/sites/web", "Microsoft.App/containerApps/app"
	f(site, "siteConfig.appSettings.WEBSITE_RUN_FROM_PACKAGE", "https://st.blob.core.windows.net/c/p.zip", "package Microsoft.Storage/storageAccounts/st/blobServices/default/containers/c by web")
	f(site, "siteConfig.appSettings.WEBSITE_RUN_FROM_PACKAGE", "1", "none")
	f(site, "functionAppConfig.deployment.storage.value", "https://ST.blob.core.windows.net/d", "package Microsoft.Storage/storageAccounts/st/blobServices/default/containers/d by web")
	f(site, "siteConfig.appSettings.WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "DefaultEndpointsProtocol=https;AccountName=st", "file share Microsoft.Storage/storageAccounts/st/fileServices/default/shares/files by web")
	f(site, "siteConfig.appSettings.AzureWebJobsStorage__accountName", "st", "host storage Microsoft.Storage/storageAccounts/st/blobServices/default/containers/azure-webjobs-secrets by web")
	f(site, "siteConfig.azureStorageAccounts.m.accountName", "st", "file share Microsoft.Storage/storageAccounts/st/fileServices/default/shares/mnt by web")
	f(site, "siteConfig.linuxFxVersion", "DOCKER|reg.azurecr.io/api:1", "image Microsoft.ContainerRegistry/registries/reg by web")
	f(app, "template.containers[0].image", "reg.azurecr.io/api:latest", "image Microsoft.ContainerRegistry/registries/reg by app")
	f(app, "template.containers[0].image", "reg.azurecr.io/api@sha256:00", "none")
	f(app, "template.containers[0].image", "docker.io/api:1", "none")
	f(app, "template.containers[0].env.CONFIG", "https://conf.azconfig.io", "settings Microsoft.AppConfiguration/configurationStores/conf by app")
	f(site, "siteConfig.appSettings.KEY", "@Microsoft.KeyVault(VaultName=kv;SecretName=s)", "secret Microsoft.KeyVault/vaults/kv by web")
	f(site, "siteConfig.appSettings.KEY", "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/s)", "secret Microsoft.KeyVault/vaults/kv by web")
	f("Microsoft.Compute/virtualMachines/vm", "storageProfile.imageReference.id", sub+"/resourceGroups/g/providers/Microsoft.Compute/galleries/gal/images/gold/versions/1", "machine image Microsoft.Compute/galleries/gal/images/gold by vm")
	f("Microsoft.Compute/virtualMachines/vm/runCommands/x", "source.scriptUri", "https://st.blob.core.windows.net/s/run.sh?hmac:k:01", "script Microsoft.Storage/storageAccounts/st/blobServices/default/containers/s by vm")
	f("Microsoft.Resources/deploymentScripts/ds", "primaryScriptUri", "https://st.blob.core.windows.net/s/run.sh", "script Microsoft.Storage/storageAccounts/st/blobServices/default/containers/s by ds")
	f("Microsoft.Resources/deploymentScripts/ds", "supportingScriptUris[0]", "https://st.blob.core.windows.net/s/run.sh", "script Microsoft.Storage/storageAccounts/st/blobServices/default/containers/s by ds")
	f("Microsoft.Automation/automationAccounts/a/runbooks/r", "publishContentLink.uri", "https://st.blob.core.windows.net/s/run.ps1", "script Microsoft.Storage/storageAccounts/st/blobServices/default/containers/s by r")
	f("Microsoft.Compute/virtualMachines/vm/extensions/x", "settings.fileUris[0]", "https://st.blob.core.windows.net/s/run.sh", "script Microsoft.Storage/storageAccounts/st/blobServices/default/containers/s by vm")
}
