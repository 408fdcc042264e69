// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/armtemplate"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/change"
	"github.com/mivet/mivet/tenant"
)

const (
	deploySub   = "7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01"
	deployGroup = "/subscriptions/" + deploySub + "/resourceGroups/shop"
	secretsUser = "4633458b-17de-408a-b874-0445c86b69e6"
	siteOld     = "11111111-0000-4000-8000-000000000001"
	sharedOld   = "11111111-0000-4000-8000-000000000002"
	grantID     = "44444444-0000-4000-8000-000000000001"
)

// deployTenant is what is there before.
const deployTenant = `tenant bakery taken=2026-11-01T06:00:00Z id=0c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01
subscription prod id=` + deploySub + `
rg shop in=prod
keyvault kv in=shop .enableRbacAuthorization=true
keyvault old in=shop
identity shared in=shop principal=` + sharedOld + `
webapp api in=shop system principal=` + siteOld + `
webapp worker in=shop user=shared
assign api "Key Vault Secrets User" at kv id=` + grantID + `
assign shared "Key Vault Secrets User" at kv id=44444444-0000-4000-8000-000000000002
policy api on=old secrets=get,list
`

func tenantOf(t *testing.T, text string) *mivet.Snapshot {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	role := func(name string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(name); r != nil {
			return r.ID, true
		}
		return "", false
	}
	s, err := tenant.Parse("tenant.txt", strings.NewReader(text), tenant.Options{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told is what a comparison says, list by list, with short names.
func told(t *testing.T, p *change.Plan) string {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(change.Compare(p, nil, cat))
	if err != nil {
		t.Fatal(err)
	}
	var lists map[string]any
	if err := json.Unmarshal(text, &lists); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		list, ok := lists[name].([]any)
		if !ok || len(list) == 0 || name == "details" || name == "gained" {
			continue
		}
		var short []string
		for _, a := range list {
			text := fmt.Sprint(a)
			short = append(short, text[strings.LastIndexByte(text, '/')+1:])
		}
		out = append(out, name+" "+strings.Join(short, ","))
	}
	if lists["quiet"] == true {
		out = append(out, "quiet")
	}
	return strings.Join(out, "; ")
}

func deployed(t *testing.T, resources string, dep Deployment) *change.Plan {
	t.Helper()
	p, err := ReadTemplateChange(t.Context(), "main.json", strings.NewReader(`{`+templateHead+`,"resources":[`+resources+`]}`),
		TemplateOptions{Target: armtemplate.Target{Subscription: deploySub, ResourceGroup: "shop"}}, dep)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func siteWith(identity string) string {
	if identity != "" {
		identity = `,"identity":` + identity
	}
	return `{"type":"Microsoft.Web/sites","apiVersion":"2024-04-01","name":"api"` + identity + `}`
}

func grantOf(name, principal string) string {
	return `{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"` + name + `","scope":"Microsoft.KeyVault/vaults/kv",
		"properties":{"principalId":"` + principal + `","roleDefinitionId":"/subscriptions/` + deploySub + `/providers/Microsoft.Authorization/roleDefinitions/` + secretsUser + `"}}`
}

const (
	ownSystem = `{"type":"SystemAssigned"}`
	ofSite    = `[reference('api','2024-04-01','full').identity.principalId]`
	ofShared  = `[reference(resourceId('Microsoft.ManagedIdentity/userAssignedIdentities','shared'),'2023-01-31').principalId]`
	sharedRef = `{"type":"UserAssigned","userAssignedIdentities":{"[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities','shared')]":{}}}`
)

func TestDeployments(t *testing.T) {
	f := func(resources, want string) {
		t.Helper()
		if got := told(t, deployed(t, resources, Deployment{Tenant: tenantOf(t, deployTenant)})); got != want {
			t.Errorf("%s\n got %s\nwant %s", resources, got, want)
		}
	}
	// the same again: principals stay
	f(siteWith(ownSystem)+","+grantOf(grantID, ofSite), "quiet")
	f(siteWith("")+","+grantOf(grantID, ofSite), "quiet")
	// the system identity is dropped: its principal ends, and what is bound to it strands
	f(siteWith(sharedRef)+","+grantOf(grantID, siteOld), "destroyed api; lost api; stranded "+grantID)
	f(siteWith(`{"type":"None"}`), "destroyed api")
	// Azure refuses another principal under the same name
	f(siteWith(ownSystem)+","+grantOf(grantID, ofShared), "impossible "+grantID)
	// something new
	f(`{"type":"Microsoft.Web/sites","apiVersion":"2024-04-01","name":"new","identity":{"type":"SystemAssigned"}},`+
		grantOf("55555555-0000-4000-8000-000000000001", `[reference('new','2024-04-01','full').identity.principalId]`), "created new")
	f(`{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"55555555-0000-4000-8000-000000000002",
		"properties":{"principalId":"`+sharedOld+`","roleDefinitionId":"b24988ac-6180-42a0-ab88-20f7382dd24c"}}`, "broad 55555555-0000-4000-8000-000000000002")
	// a vault is written with all its policies; one that is added takes none away
	f(siteWith(ownSystem)+`,{"type":"Microsoft.KeyVault/vaults","apiVersion":"2023-07-01","name":"old","properties":{"accessPolicies":[]}}`, "lost api")
	f(siteWith(ownSystem)+`,{"type":"Microsoft.KeyVault/vaults","apiVersion":"2023-07-01","name":"old","properties":{}}`, "quiet")
	f(siteWith(ownSystem)+`,{"type":"Microsoft.KeyVault/vaults/accessPolicies","apiVersion":"2023-07-01","name":"old/add","properties":{"accessPolicies":[
		{"tenantId":"t","objectId":"`+siteOld+`","permissions":{"secrets":["set"]}}]}}`, "")
	// a selector that nothing answers to
	tenantText := strings.Replace(deployTenant, "webapp api in=shop", "webapp api in=shop .keyVaultReferenceIdentity=SystemAssigned", 1)
	p := deployed(t, `{"type":"Microsoft.Web/sites","apiVersion":"2024-04-01","name":"api","identity":`+sharedRef+`,"properties":{"keyVaultReferenceIdentity":"SystemAssigned"}}`,
		Deployment{Tenant: tenantOf(t, tenantText)})
	if got := told(t, p); got != "destroyed api; selectors_broken api" {
		t.Error(got)
	}
}

func TestDeploymentWithoutTenant(t *testing.T) {
	if got := told(t, deployed(t, siteWith(ownSystem)+","+grantOf(grantID, ofSite), Deployment{})); got != "created api" {
		t.Error(got)
	}
}

// What the template leaves open is told.
func TestKeptIdentity(t *testing.T) {
	p := deployed(t, siteWith(""), Deployment{Tenant: tenantOf(t, deployTenant)})
	if !slices.ContainsFunc(p.After.Gaps, func(g mivet.Gap) bool { return strings.Contains(g.Reason, "the template does not name one") }) {
		t.Errorf("no gap about the identity: %v", p.After.Gaps)
	}
}

// A complete deployment deletes what it does not hold.
func TestCompleteDeployment(t *testing.T) {
	group, err := arm.ParseID(deployGroup)
	if err != nil {
		t.Fatal(err)
	}
	f := func(resources, want string) {
		t.Helper()
		dep := Deployment{Tenant: tenantOf(t, deployTenant), Complete: true, Group: group}
		if got := told(t, deployed(t, resources, dep)); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	f(siteWith(ownSystem)+`,{"type":"Microsoft.KeyVault/vaults","apiVersion":"2023-07-01","name":"kv"},{"type":"Microsoft.Web/sites","apiVersion":"2024-04-01","name":"worker","identity":{"type":"SystemAssigned"}}`,
		"created worker; destroyed shared; lost api")
	f(`{"type":"Microsoft.Web/sites/config","apiVersion":"2024-04-01","name":"api/web"}`, "destroyed shared")
}

// TestCompleteNested: what nested templates deploy to the group stays, other groups lose nothing,
// and what is locked or not known is not called deleted.
func TestCompleteNested(t *testing.T) {
	group, err := arm.ParseID(deployGroup)
	if err != nil {
		t.Fatal(err)
	}
	const other = "rg other in=prod\nidentity elsewhere in=other principal=11111111-0000-4000-8000-000000000009\nwebapp far in=other user=elsewhere\n"
	f := func(more, resources, want, gap string) {
		t.Helper()
		p := deployed(t, resources, Deployment{Tenant: tenantOf(t, deployTenant+more), Complete: true, Group: group})
		var gone []string
		for _, s := range p.Steps {
			if slices.Contains(s.Actions, "delete") {
				gone = append(gone, s.Address[strings.LastIndexByte(s.Address, '/')+1:])
			}
		}
		slices.Sort(gone)
		if got := strings.Join(gone, " "); got != want {
			t.Errorf("%s: deletes %q, want %q", resources, got, want)
		}
		if told := slices.ContainsFunc(p.After.Gaps, func(g mivet.Gap) bool { return !g.Inherent && strings.Contains(g.Reason, gap) }); told != (gap != "") {
			t.Errorf("%s: gaps %v, want %q", resources, p.After.Gaps, gap)
		}
	}
	nested := func(place, mode, inside string) string {
		return `{"type":"Microsoft.Resources/deployments","apiVersion":"2022-09-01","name":"n"` + place + `,"properties":{"mode":"` + mode + `",` + inside + `}}`
	}
	const keys = `"template":{"resources":[{"type":"Microsoft.KeyVault/vaults","apiVersion":"2023-07-01","name":"kv"}]}`
	f("", `{"type":"Microsoft.KeyVault/vaults","apiVersion":"2023-07-01","name":"kv"}`, "api old shared worker", "")
	f("", nested("", "Incremental", keys), "api old shared worker", "")
	f(other, nested(`,"resourceGroup":"other"`, "Incremental", keys), "api kv old shared worker", "")
	f("", nested("", "Complete", keys), "api old shared worker", "takes the mode Incremental alone")
	f("lock ReadOnly at shop\n", nested("", "Incremental", keys), "", "")
	f("lock CanNotDelete at prod\n", nested("", "Incremental", keys), "", "")
	f("lock CanNotDelete at api\n", nested("", "Incremental", keys), "old shared worker", "")
	f(other+"lock CanNotDelete at other\n", nested("", "Incremental", keys), "api old shared worker", "")
	f("", nested("", "Incremental", `"templateLink":{"uri":"https://example.com/x.json"}`), "", "whether the complete mode deletes it is not known: the linked template")
	f("", `{"type":"Microsoft.Web/sites","apiVersion":"2024-04-01","name":"[newGuid()]"}`, "kv old shared", "whether the complete mode deletes it is not known: the template has one of its type")
	f("", `{"condition":false,"type":"Microsoft.Web/sites","apiVersion":"2024-04-01","name":"api"}`, "api kv old shared worker", "")
}

// Templates of all four scopes find what is there.
func TestDeploymentScopes(t *testing.T) {
	f := func(schema, before, grantScope string) {
		t.Helper()
		text := `{"$schema":"https://schema.management.azure.com/schemas/2019-08-01/` + schema + `.json#","resources":[
			{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"` + grantID + `",
				"properties":{"principalId":"` + sharedOld + `","roleDefinitionId":"` + secretsUser + `"}}]}`
		p, err := ReadTemplateChange(t.Context(), "main.json", strings.NewReader(text),
			TemplateOptions{Target: armtemplate.Target{Subscription: deploySub, ResourceGroup: "shop", ManagementGroup: "corp"}},
			Deployment{Tenant: tenantOf(t, before)})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.After.RoleAssignments[0].Scope.String(); got != grantScope || p.Steps[0].Actions[0] != "update" {
			t.Errorf("%s: at %s, %v", schema, got, p.Steps[0].Actions)
		}
		if got := told(t, p); got != "impossible "+grantID {
			t.Errorf("%s: %s", schema, got)
		}
	}
	before := func(scope string) string {
		return "tenant bakery id=0c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01\nmg corp\nsubscription prod id=" + deploySub + " in=corp\nrg shop in=prod\nidentity shared in=shop principal=" + sharedOld +
			"\nuser ann id=33333333-0000-4000-8000-000000000001\nassign ann \"Key Vault Secrets User\" at " + scope + " id=" + grantID + "\n"
	}
	f("deploymentTemplate", before("shop"), deployGroup)
	f("subscriptionDeploymentTemplate", before("prod"), "/subscriptions/"+deploySub)
	f("managementGroupDeploymentTemplate", before("corp"), "/providers/Microsoft.Management/managementGroups/corp")
	f("tenantDeploymentTemplate", before("/"), "/")
}

// A what-if says itself what was there.
func TestWhatIfChange(t *testing.T) {
	site := func(kind, before, after string) string {
		side := func(identity string) string {
			return `{"id":"` + deployGroup + `/providers/Microsoft.Web/sites/api","type":"Microsoft.Web/sites","name":"api","identity":` + identity + `}`
		}
		text := `{"resourceId":"` + deployGroup + `/providers/Microsoft.Web/sites/api","changeType":"` + kind + `"`
		if before != "" {
			text += `,"before":` + side(before)
		}
		if after != "" {
			text += `,"after":` + side(after)
		}
		return text + `}`
	}
	f := func(changes, tenant, want string) {
		t.Helper()
		dep := Deployment{}
		if tenant != "" {
			dep.Tenant = tenantOf(t, tenant)
		}
		p, err := ReadWhatIfChange(t.Context(), "whatif.json", strings.NewReader(`{"status":"Succeeded","changes":[`+changes+`]}`), dep)
		if err != nil {
			t.Fatal(err)
		}
		if got := told(t, p); got != want {
			t.Errorf("%s\n got %s\nwant %s", changes, got, want)
		}
	}
	mine := `{"type":"SystemAssigned","principalId":"` + siteOld + `"}`
	f(site("Create", "", ownSystem), "", "created api")
	f(site("Modify", mine, mine), "", "quiet")
	f(site("Modify", mine, `{"type":"None"}`), "", "destroyed api")
	f(site("Delete", mine, ""), "", "destroyed api")
	f(site("NoChange", mine, mine), deployTenant, "quiet")
	f(site("Modify", `{"type":"SystemAssigned"}`, `{"type":"None"}`), deployTenant, "destroyed api")
}

func TestBicepChange(t *testing.T) {
	files := map[string]string{"main.bicep": "resource api 'Microsoft.Web/sites@2024-04-01' = {\n  name: 'api'\n  identity: { type: 'SystemAssigned' }\n}\n", "bad.bicep": "resource"}
	f := func(name, want string, gaps bool) {
		t.Helper()
		b, err := CompileBicep(name, BicepOptions{Files: mapFiles(files), Target: armtemplate.Target{Subscription: deploySub, ResourceGroup: "shop"}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := b.Change(t.Context(), Deployment{Tenant: tenantOf(t, deployTenant)})
		if err != nil {
			t.Fatal(err)
		}
		if got := told(t, p); got != want {
			t.Errorf("%s: %s", name, got)
		}
		if got := slices.ContainsFunc(p.After.Gaps, func(g mivet.Gap) bool { return strings.Contains(g.Reason, "the file has an error") }); got != gaps {
			t.Errorf("%s: gaps %v", name, p.After.Gaps)
		}
	}
	f("main.bicep", "quiet", false)
	f("bad.bicep", "quiet", true)
}

func TestPredictedChange(t *testing.T) {
	p, err := ReadPredictedChange(t.Context(), "main.snapshot.json", strings.NewReader(`{"predictedResources":[{"id":"`+deployGroup+`/providers/Microsoft.Web/sites/api","type":"Microsoft.Web/sites","name":"api","identity":{"type":"None"}}],"diagnostics":[]}`),
		Deployment{Tenant: tenantOf(t, deployTenant)})
	if err != nil {
		t.Fatal(err)
	}
	if got := told(t, p); got != "destroyed api" {
		t.Error(got)
	}
	for _, text := range []string{"{", `{"predictedResources":1,"diagnostics":[]}`} {
		if _, err := ReadPredictedChange(t.Context(), "x", strings.NewReader(text), Deployment{}); err == nil {
			t.Errorf("%s is read", text)
		}
		if _, err := ReadWhatIfChange(t.Context(), "x", strings.NewReader(text), Deployment{}); err == nil {
			t.Errorf("%s is read", text)
		}
		if _, err := ReadTemplateChange(t.Context(), "x", strings.NewReader(text), TemplateOptions{}, Deployment{}); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

func mapFiles(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// Whatever is deployed, a change of it can be made and compared.
func FuzzDeployment(f *testing.F) {
	f.Add([]byte(`{` + templateHead + `,"resources":[` + siteWith(ownSystem) + "," + grantOf(grantID, ofSite) + `]}`))
	f.Add([]byte(`{"status":"Succeeded","changes":[{"resourceId":"` + deployGroup + `/providers/Microsoft.Web/sites/api","changeType":"Delete","before":{"identity":{"type":"SystemAssigned"}}}]}`))
	f.Add([]byte(`{"predictedResources":[{"id":"` + deployGroup + `/providers/Microsoft.Web/sites/api","type":"Microsoft.Web/sites"}],"diagnostics":[]}`))
	cat, err := catalog.Open()
	if err != nil {
		f.Fatal(err)
	}
	role := func(string) (mivet.RoleID, bool) { return secretsUser, true }
	before, err := tenant.Parse("tenant.txt", strings.NewReader(deployTenant), tenant.Options{Role: role})
	if err != nil {
		f.Fatal(err)
	}
	group, err := arm.ParseID(deployGroup)
	if err != nil {
		f.Fatal(err)
	}
	dep := Deployment{Tenant: before, Complete: true, Group: group}
	f.Fuzz(func(t *testing.T, text []byte) {
		var plans []*change.Plan
		target := armtemplate.Target{Subscription: deploySub, ResourceGroup: "shop"}
		for _, read := range []func() (*change.Plan, error){
			func() (*change.Plan, error) {
				return ReadTemplateChange(t.Context(), "x", bytes.NewReader(text), TemplateOptions{Target: target}, dep)
			},
			func() (*change.Plan, error) { return ReadWhatIfChange(t.Context(), "x", bytes.NewReader(text), dep) },
			func() (*change.Plan, error) { return ReadPredictedChange(t.Context(), "x", bytes.NewReader(text), dep) },
		} {
			if p, err := read(); err == nil {
				plans = append(plans, p)
			}
		}
		for _, p := range plans {
			change.Compare(p, nil, cat)
		}
	})
}
