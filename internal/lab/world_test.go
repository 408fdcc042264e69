// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// everything is a tenant with one of each thing that the lab serves.
const everything = `tenant everything id=aaaaaaaa-0000-4000-8000-000000000001 taken=2026-11-20
mg top name="Top"
mg live in top
subscription prod in live id=/subscriptions/11111111-0000-4000-8000-000000000001 name="Production" tag.env=prod
subscription other id=/subscriptions/22222222-0000-4000-8000-000000000002
rg app in prod location=westeurope tag.owner=team
rg far in other
identity worker-id in app
identity second-id in app
webapp api in app system user=worker-id .siteConfig.appSettings.AZURE_CLIENT_ID=$client:worker-id .siteConfig.acrUseManagedIdentityCreds=true .httpsOnly=null .slotConfigNames.appSettingNames[0]=AZURE_CLIENT_ID
slot api-staging in api name=staging
vm box in app user=worker-id,second-id
containerapp box2 in app user=worker-id .template.containers[1].env.AZURE_CLIENT_ID=$client:worker-id
keyvault kv in app .enableRbacAuthorization=false managed-by=api
secret one in kv
storage files in app
container pics in files
cosmos db in app
kusto ads in app
redis cache in app
sqlserver sql in app
postgres pg in app
mysql my in app
managedhsm hsm in far
resource Microsoft.Authorization/policyAssignments guard id=/subscriptions/11111111-0000-4000-8000-000000000001/providers/Microsoft.Authorization/policyAssignments/guard system

user alice name="Alice Meyer"
user bruno disabled
group devs members=alice,bruno
group all members=devs,worker-id
sp ci name="CI" client=cccccccc-0000-4000-8000-000000000001
sp reader client=cccccccc-0000-4000-8000-000000000002
sp nobody client=cccccccc-0000-4000-8000-000000000003
sp off client=cccccccc-0000-4000-8000-000000000004 disabled
sp guest client=cccccccc-0000-4000-8000-000000000005 tenant=bbbbbbbb-0000-4000-8000-000000000001
deleted gone id=dddddddd-0000-4000-8000-000000000001
federated main on ci issuer=https://token.actions.githubusercontent.com subject=repo:x/y:ref:refs/heads/main
federated pods on worker-id issuer=https://aks.example/1/ subject=system:serviceaccount:a:b audiences=api://AzureADTokenExchange
federated any on ci issuer=https://token.actions.githubusercontent.com expression="claims['sub'] matches 'repo:x/*'"

role restarter name="Restarter" at prod description="restarts" {
	actions Microsoft.Web/sites/read, Microsoft.Web/sites/restart/action
}
assign reader Reader at app
assign worker-id Contributor at kv condition="@Resource[Microsoft.KeyVault/vaults:name] StringEquals 'kv'" description=why by=alice created=2026-01-02 until=2027-01-01
assign devs Owner at top eligible until=2027-03-01
assign all Reader at live
assign gone Reader at prod
assign ci restarter at api
assign ci Owner at /
deny "no deletes" at app principals=everyone excluded=ci protected {
	actions */delete
}
deny "nothing" at far principals=alice effect=audit condition="@Resource[a:b] StringEquals 'c'" this-scope-only {
	actions *
}
policy worker-id on kv secrets=get,list keys=get application=cccccccc-0000-4000-8000-000000000001
lock ReadOnly at kv
localrole cosmos writer on db id=12345678-0000-4000-8000-000000000001 name=Writer dataActions=Microsoft.DocumentDB/databaseAccounts/readMetadata
local cosmos worker-id writer on db scope=/dbs/shop
local kusto worker-id Viewer on ads
local kusto alice Admin on ads scope=/databases/logs
resource Microsoft.Kusto/clusters/databases logs in ads
localrole redis custom on cache id=custom name=custom
local redis worker-id "Data Owner" on cache
local sqladmin devs Administrator on sql
local postgresql ci Administrator on pg
local mysql alice Administrator on my
localrole managedhsm mine on hsm id=87654321-0000-4000-8000-000000000001 name=Mine dataActions=Microsoft.KeyVault/managedHsm/keys/read/action
local managedhsm worker-id mine on hsm scope=/keys/k
local managedhsm reader "Managed HSM Crypto Auditor" on hsm
approle ci User.Read.All id=df021288-bdef-4463-88db-98f22de89214 api="Microsoft Graph"
approle reader Application.Read.All id=9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30 api="Microsoft Graph"
approle ci Do.It id=eeeeeeee-0000-4000-8000-000000000001 api="Own API"
directoryrole alice "Global Reader" id=f2ef992c-3afb-46b9-b7cf-a126ee74c451
directoryrole devs "Security Reader" id=5d6b6bb7-de71-4623-b4af-96380a352509 eligible until=2027-01-01 from=2026-01-01
delegation partner at prod tenant=bbbbbbbb-0000-4000-8000-000000000001 {
	grant 99999999-0000-4000-8000-000000000001 Reader name=Team
	grant 99999999-0000-4000-8000-000000000002 "User Access Administrator" eligible roles=Reader
}
`

const (
	prod     = "/subscriptions/11111111-0000-4000-8000-000000000001"
	appGroup = prod + "/resourceGroups/app"
	kv       = appGroup + "/providers/Microsoft.KeyVault/vaults/kv"

	ciClient     = "cccccccc-0000-4000-8000-000000000001"
	readerClient = "cccccccc-0000-4000-8000-000000000002"
	nobodyClient = "cccccccc-0000-4000-8000-000000000003"
)

// names lists the names of a list's elements.
func names(list []map[string]any) []string {
	var all []string
	for _, o := range list {
		name, _ := o["name"].(string)
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// find returns what stands at a path of keys.
func find(v any, path ...string) any {
	for _, k := range path {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

func (r *reply) wants(t testing.TB, status int, code string) {
	t.Helper()
	got, _ := find(r.body, "error", "code").(string)
	if r.status != status || got != code {
		t.Errorf("%d %s, want %d %s: %s", r.status, got, status, code, r.text)
	}
}

// A resource is served with what the snapshot knows of it.
func TestResourceShapes(t *testing.T) {
	c := newClient(t, start(t, parse(t, everything), Options{}), OperatorID)
	f := func(path, want string, keys ...string) {
		t.Helper()
		r := c.get(path + "?api-version=2024-01-01")
		if r.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, r.status, r.text)
			return
		}
		v := find(r.body, keys...)
		text := strings.TrimSpace(string(mustJSON(t, v)))
		if text != want {
			t.Errorf("%s %v: %s, want %s", path, keys, text, want)
		}
	}
	f(prod, `"Production"`, "displayName")
	f(prod, `{"env":"prod"}`, "tags")
	f(appGroup, `"westeurope"`, "location")
	f(appGroup, `"Microsoft.Resources/resourceGroups"`, "type")
	f(kv, `false`, "properties", "enableRbacAuthorization")
	f(kv, `"https://kv.vault.azure.net/"`, "properties", "vaultUri")
	f(kv, `"`+appGroup+`/providers/Microsoft.Web/sites/api"`, "managedBy")
	site := appGroup + "/providers/Microsoft.Web/sites/api"
	f(site, `"app,linux"`, "kind")
	f(site, `"SystemAssigned, UserAssigned"`, "identity", "type")
	f(site, `{"acrUseManagedIdentityCreds":true}`, "properties", "siteConfig")
	f(site+"/config/web", `true`, "properties", "acrUseManagedIdentityCreds")
	f(site+"/config/slotConfigNames", `{"appSettingNames":["AZURE_CLIENT_ID"],"azureStorageConfigNames":null,"connectionStringNames":null}`, "properties")
	f(site+"/slots/staging", `"Microsoft.Web/sites/slots"`, "type")
	f(appGroup+"/providers/Microsoft.App/containerApps/box2", `[{},{"env":[{"name":"AZURE_CLIENT_ID","value":"`+clientOf(c, "worker-id")+`"}]}]`,
		"properties", "template", "containers")
	f(appGroup+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker-id", `"`+clientOf(c, "worker-id")+`"`, "properties", "clientId")
	r := c.get(kv + "?api-version=2024-01-01")
	policies, _ := find(r.body, "properties", "accessPolicies").([]any)
	if len(policies) != 1 || find(policies[0], "applicationId") != ciClient {
		t.Errorf("access policies %v", policies)
	}
	c.get(site+"/config/other?api-version=2024-01-01").wants(t, 404, "NotFound")
}

// clientOf is the client ID of a managed identity.
func clientOf(c *client, name string) string {
	for i := range c.s.view().world.snap.Identities {
		if id := &c.s.view().world.snap.Identities[i]; id.Resource.Name() == name {
			return id.ClientID
		}
	}
	return ""
}

// Lists of Resource Manager hold what lies at a scope.
func TestLists(t *testing.T) {
	c := newClient(t, start(t, parse(t, everything), Options{}), OperatorID)
	f := func(path string, want ...string) {
		t.Helper()
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		got := names(c.get(path + sep + "api-version=2024-01-01").list(t))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	f("/providers/Microsoft.Management/managementGroups", "aaaaaaaa-0000-4000-8000-000000000001", "top", "live")
	f("/providers/Microsoft.Management/managementGroups/top/descendants", "live", "11111111-0000-4000-8000-000000000001")
	f(prod+"/resourceGroups", "app")
	f("/subscriptions/22222222-0000-4000-8000-000000000002/resources", "hsm")
	f(appGroup+"/resources?$filter=resourceType%20eq%20'Microsoft.KeyVault/vaults'", "kv")
	f(prod+"/providers/Microsoft.KeyVault/vaults", "kv")
	f(appGroup+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities", "worker-id", "second-id")
	f(kv+"/secrets", "one")
	f(appGroup+"/providers/Microsoft.Storage/storageAccounts/files/blobServices/default/containers", "pics")
	f(prod+"/providers/Microsoft.Authorization/policyAssignments", "guard")
	f(kv+"/providers/Microsoft.Authorization/policyAssignments", "guard")
	f("/subscriptions/22222222-0000-4000-8000-000000000002/providers/Microsoft.Authorization/policyAssignments")
	f(kv + "/providers/Microsoft.Insights/diagnosticSettings")
	f(appGroup+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker-id/federatedIdentityCredentials", "pods")
	f(appGroup+"/providers/Microsoft.DocumentDB/databaseAccounts/db/sqlRoleDefinitions",
		"00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "12345678-0000-4000-8000-000000000001")
	f(appGroup+"/providers/Microsoft.Cache/redis/cache/accessPolicies", "Data Owner", "Data Contributor", "Data Reader", "custom")
	f(appGroup+"/providers/Microsoft.Sql/servers/sql/administrators", "ActiveDirectory")
	f(appGroup+"/providers/Microsoft.DBforMySQL/flexibleServers/my/administrators", "ActiveDirectory")
	f(prod+"/locations", "westeurope")

	count := func(path string, want int) {
		t.Helper()
		if got := c.get(path + "?api-version=2024-01-01").list(t); len(got) != want {
			t.Errorf("%s: %d, want %d: %v", path, len(got), want, got)
		}
	}
	count("/subscriptions", 2)
	count("/tenants", 1)
	count(prod+"/providers", 14)
	count(appGroup+"/providers/Microsoft.DocumentDB/databaseAccounts/db/sqlRoleAssignments", 1)
	count(appGroup+"/providers/Microsoft.Kusto/clusters/ads/principalAssignments", 1)
	count(appGroup+"/providers/Microsoft.Kusto/clusters/ads/databases/logs/principalAssignments", 1)
	count(appGroup+"/providers/Microsoft.Cache/redis/cache/accessPolicyAssignments", 1)
	count(appGroup+"/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg/administrators", 1)
	count(prod+"/providers/Microsoft.ManagedServices/registrationAssignments", 1)
	count(prod+"/providers/Microsoft.ManagedServices/registrationDefinitions", 1)
	count("/subscriptions/22222222-0000-4000-8000-000000000002/providers/Microsoft.ManagedServices/registrationDefinitions", 0)
	count(prod+"/providers/Microsoft.Authorization/locks", 1)
	count(kv+"/providers/Microsoft.Authorization/permissions", 1)

	r := c.do("POST", "/providers/Microsoft.Management/getEntities?api-version=2020-05-01", "")
	if got := len(r.list(t)); got != 5 {
		t.Errorf("%d entities, want 3 management groups and 2 subscriptions", got)
	}
}

// Groups show what is below and above them where that is asked for.
func TestManagementGroup(t *testing.T) {
	c := newClient(t, start(t, parse(t, everything), Options{}), OperatorID)
	const path = "/providers/Microsoft.Management/managementGroups/top?api-version=2020-05-01&$expand=children&$recurse=true"
	r := c.get(path)
	children, _ := find(r.body, "properties", "children").([]any)
	if len(children) != 1 || find(children[0], "name") != "live" {
		t.Fatalf("children %v", children)
	}
	below, _ := find(children[0], "children").([]any)
	if len(below) != 1 || find(below[0], "displayName") != "Production" || find(below[0], "type") != "/subscriptions" {
		t.Errorf("below live: %v", below)
	}
	r = c.get("/providers/Microsoft.Management/managementGroups/live?api-version=2020-05-01&$expand=ancestors")
	chain, _ := find(r.body, "properties", "details", "managementGroupAncestorsChain").([]any)
	if len(chain) != 2 || find(chain[0], "name") != "top" {
		t.Errorf("ancestors of live: %v", chain)
	}
	c.get("/providers/Microsoft.Management/managementGroups/none?api-version=2020-05-01").wants(t, 404, "NotFound")
	c.get("/providers/Microsoft.Management/managementGroups/none/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01").wants(t, 404, "NotFound")
}

// Items are found by name, and what is not there is told as Resource Manager tells it.
func TestItems(t *testing.T) {
	c := newClient(t, start(t, parse(t, everything), Options{}), OperatorID)
	for _, list := range []string{
		kv + "/providers/Microsoft.Authorization/roleAssignments", kv + "/providers/Microsoft.Authorization/locks", appGroup + "/providers/Microsoft.Authorization/denyAssignments",
		prod + "/providers/Microsoft.Authorization/roleDefinitions", prod + "/providers/Microsoft.ManagedServices/registrationAssignments",
		prod + "/providers/Microsoft.ManagedServices/registrationDefinitions", prod + "/providers/Microsoft.Authorization/policyAssignments",
		appGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker-id/federatedIdentityCredentials",
		appGroup + "/providers/Microsoft.DocumentDB/databaseAccounts/db/sqlRoleAssignments",
	} {
		all := c.get(list + "?api-version=2022-04-01").list(t)
		if len(all) == 0 {
			t.Errorf("%s is empty", list)
			continue
		}
		found := 0
		for _, o := range all {
			id, _ := o["id"].(string)
			if r := c.get(id + "?api-version=2022-04-01"); r.status == http.StatusOK {
				found++
				if r.body["id"] != id {
					t.Errorf("GET %s returns %v", id, r.body["id"])
				}
			} else {
				t.Errorf("GET %s: %d %s", id, r.status, r.text)
			}
		}
		if r := c.get(list + "/ffffffff-0000-4000-8000-000000000009?api-version=2022-04-01"); r.status != http.StatusNotFound {
			t.Errorf("%s has something by a wrong name: %d", list, r.status)
		}
	}
	f := func(path string, status int, code string) {
		t.Helper()
		c.get(path).wants(t, status, code)
	}
	const v = "?api-version=2024-01-01"
	f(kv, 400, "MissingApiVersionParameter")
	f(kv+"2"+v, 404, "ResourceNotFound")
	f(kv+"2/secrets"+v, 404, "ResourceNotFound")
	f(prod+"/resourceGroups/none"+v, 404, "ResourceGroupNotFound")
	f(prod+"/resourceGroups/none/resources"+v, 404, "ResourceGroupNotFound")
	f(prod+"/resourceGroups/none/providers/Microsoft.KeyVault/vaults/x"+v, 404, "ResourceGroupNotFound")
	f("/subscriptions/none/resources"+v, 404, "SubscriptionNotFound")
	f("/subscriptions/none/providers"+v, 404, "SubscriptionNotFound")
	f("/subscriptions/none"+v, 404, "SubscriptionNotFound")
	f(prod+"/nonsense/x/y"+v, 404, "NotFound")
	f("/providers/Microsoft.KeyVault/vaults"+v, 404, "NotFound")
	f(prod+"/resources"+v+"&$filter=name%20eq%20'x'", 400, "InvalidFilterInQueryString")
	f(prod+"/resources"+v+"&$skiptoken=x", 400, "InvalidSkipToken")
	f(prod+"/resources"+v+"&$top=0", 400, "InvalidTop")
	f(prod+"/providers/Microsoft.Authorization/roleAssignments"+v+"&$filter=roleName%20eq%20'x'", 400, "UnsupportedQuery")
	f(prod+"/providers/Microsoft.Authorization/denyAssignments"+v+"&$filter=x", 400, "UnsupportedQuery")
	f(prod+"/providers/Microsoft.Authorization/roleDefinitions"+v+"&$filter=x", 400, "UnsupportedQuery")
	f(prod+"/providers/Microsoft.Authorization/roleEligibilityScheduleInstances/x"+v, 404, "NotFound")
	f(kv+"/providers/Microsoft.Insights/diagnosticSettings/x"+v, 404, "ResourceNotFound")
	f(kv+"2/providers/Microsoft.Insights/diagnosticSettings"+v, 404, "ResourceNotFound")
	f(appGroup+"/providers/Microsoft.DocumentDB/databaseAccounts/none/sqlRoleAssignments"+v, 404, "ResourceNotFound")

	c.do("PUT", kv+v, "{}").wants(t, 409, "ScopeLocked")
	c.do("POST", kv+v, "{}").wants(t, 405, "MethodNotAllowed")
	site := appGroup + "/providers/Microsoft.Web/sites/"
	c.do("POST", site+"none/config/appsettings/list"+v, "").wants(t, 404, "ResourceNotFound")
	c.do("POST", site+"api/config/backup/list"+v, "").wants(t, 404, "NotFound")
	if r := c.do("POST", site+"api/config/connectionstrings/list"+v, ""); r.status != 200 {
		t.Errorf("connection strings: %d %s", r.status, r.text)
	}
	if r := c.do("POST", site+"api/config/appsettings/list"+v, ""); find(r.body, "properties", "AZURE_CLIENT_ID") != clientOf(c, "worker-id") {
		t.Errorf("app settings: %s", r.text)
	}
	if r := c.do("POST", prod+"/providers/Microsoft.Web/register"+v, ""); find(r.body, "registrationState") != "Registered" {
		t.Errorf("registering a provider: %s", r.text)
	}
	r := c.get(prod + "/providers/microsoft.keyvault" + v)
	if types, _ := find(r.body, "resourceTypes").([]any); find(r.body, "namespace") != "Microsoft.KeyVault" || len(types) != 2 {
		t.Errorf("a provider: %s", r.text)
	}
	if r := c.get("/nonsense"); r.status != 404 {
		t.Errorf("nonsense: %d", r.status)
	}
}
