// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azappconfig"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

const planesTenant = `tenant planes id=aaaaaaaa-0000-4000-8000-000000000003 taken=2026-11-20
subscription prod
rg app in prod
storage files in app
table log in files
cosmos db in app
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases shop in db
resource Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers orders in shop
appconfig conf in app
sp reader client=cccccccc-0000-4000-8000-000000000002
sp writer client=cccccccc-0000-4000-8000-000000000003
assign reader "Storage Table Data Reader" at files
assign writer "Storage Table Data Contributor" at files
local cosmos reader "Cosmos DB Built-in Data Reader" on db
local cosmos writer "Cosmos DB Built-in Data Contributor" on db
assign reader "App Configuration Data Reader" at conf
assign writer "App Configuration Data Owner" at conf
`

// twoCallers are the credentials of one that may read and of one that may write.
func twoCallers(t *testing.T) (reader, writer azcore.TokenCredential, o azcore.ClientOptions) {
	t.Helper()
	a := serve(t, "planes.tenant", []byte(planesTenant))
	o = noRetry(a)
	o.Cloud.Services = maps.Clone(o.Cloud.Services)
	o.Cloud.Services[aztables.ServiceName] = cloud.ServiceConfiguration{Audience: "https://storage.azure.com"}
	cred := func(client string) azcore.TokenCredential {
		return must(azidentity.NewClientSecretCredential(a.server.TenantID(), client, a.server.Secret(), &azidentity.ClientSecretCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: true}))
	}
	return cred("cccccccc-0000-4000-8000-000000000002"), cred("cccccccc-0000-4000-8000-000000000003"), o
}

func TestTables(t *testing.T) {
	reader, writer, o := twoCallers(t)
	client := func(cred azcore.TokenCredential) *aztables.ServiceClient {
		return must(aztables.NewServiceClient("https://files.table.core.windows.net", cred, &aztables.ClientOptions{ClientOptions: o}))
	}
	w, r := client(writer), client(reader)
	if _, err := w.CreateTable(t.Context(), "fresh", nil); err != nil {
		t.Fatal(err)
	}
	table := w.NewClient("log")
	add := func(key string, n int32) {
		t.Helper()
		text := fmt.Sprintf(`{"PartitionKey":"p's","RowKey":%q,"n":%d}`, key, n)
		if _, err := table.AddEntity(t.Context(), []byte(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	add("a", 1)
	add("b", 2)
	got, err := r.NewClient("log").GetEntity(t.Context(), "p's", "a", nil)
	var e aztables.EDMEntity
	if err == nil {
		err = json.Unmarshal(got.Value, &e)
	}
	if err != nil || e.Properties["n"] != int32(1) || got.ETag == "" {
		t.Fatalf("%v %s", err, got.Value)
	}
	if _, err := table.UpsertEntity(t.Context(), []byte(`{"PartitionKey":"p's","RowKey":"a","m":"x"}`), nil); err != nil {
		t.Error(err)
	}
	if _, err := table.UpdateEntity(t.Context(), []byte(`{"PartitionKey":"p's","RowKey":"a","m":"y"}`), &aztables.UpdateEntityOptions{IfMatch: &got.ETag, UpdateMode: aztables.UpdateModeMerge}); err == nil {
		t.Error("an old tag is taken")
	} else {
		refused(t, err, http.StatusPreconditionFailed, "UpdateConditionNotSatisfied")
	}
	rows := 0
	for p := r.NewClient("log").NewListEntitiesPager(&aztables.ListEntitiesOptions{Top: new(int32(1))}); p.More(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows += len(page.Entities)
	}
	tables := 0
	for p := r.NewListTablesPager(nil); p.More(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tables += len(page.Tables)
	}
	if rows != 2 || tables != 2 {
		t.Errorf("%d rows and %d tables", rows, tables)
	}
	_, err = r.NewClient("log").AddEntity(t.Context(), []byte(`{"PartitionKey":"x","RowKey":"x"}`), nil)
	refused(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
	_, err = r.NewClient("log").DeleteEntity(t.Context(), "p's", "a", nil)
	refused(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
	if _, err = table.DeleteEntity(t.Context(), "p's", "a", nil); err != nil {
		t.Error(err)
	}
	_, err = table.GetEntity(t.Context(), "p's", "a", nil)
	refused(t, err, http.StatusNotFound, "ResourceNotFound")
	if _, err := w.DeleteTable(t.Context(), "fresh", nil); err != nil {
		t.Error(err)
	}
}

func TestItems(t *testing.T) {
	reader, writer, o := twoCallers(t)
	container := func(cred azcore.TokenCredential) *azcosmos.ContainerClient {
		c := must(azcosmos.NewClient("https://db.documents.azure.com:443/", cred, &azcosmos.ClientOptions{ClientOptions: o}))
		return must(c.NewContainer("shop", "orders"))
	}
	w, r := container(writer), container(reader)
	key := azcosmos.NewPartitionKeyString("1")
	made, err := w.CreateItem(t.Context(), key, []byte(`{"id":"1","n":1}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := r.ReadItem(t.Context(), key, "1", nil)
	var item struct{ N int }
	if err == nil {
		err = json.Unmarshal(read.Value, &item)
	}
	if err != nil || item.N != 1 || read.ETag != made.ETag {
		t.Errorf("%v %s", err, read.Value)
	}
	if _, err := w.UpsertItem(t.Context(), key, []byte(`{"id":"1","n":2}`), nil); err != nil {
		t.Error(err)
	}
	_, err = w.ReplaceItem(t.Context(), key, "1", []byte(`{"id":"1","n":3}`), &azcosmos.ItemOptions{IfMatchEtag: &made.ETag})
	refused(t, err, http.StatusPreconditionFailed, "412 Precondition Failed")
	n := 0
	for p := r.NewQueryItemsPager("SELECT * FROM c", key, nil); p.More(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Items)
	}
	if n != 1 {
		t.Errorf("%d items", n)
	}
	if p, err := r.Read(t.Context(), nil); err != nil || p.ContainerProperties.ID != "orders" {
		t.Errorf("%+v %v", p, err)
	}
	_, err = r.CreateItem(t.Context(), key, []byte(`{"id":"2"}`), nil)
	refused(t, err, http.StatusForbidden, "403 Forbidden")
	_, err = r.DeleteItem(t.Context(), key, "1", nil)
	refused(t, err, http.StatusForbidden, "403 Forbidden")
	if _, err := w.DeleteItem(t.Context(), key, "1", nil); err != nil {
		t.Error(err)
	}
	_, err = r.ReadItem(t.Context(), key, "1", nil)
	refused(t, err, http.StatusNotFound, "404 Not Found")
}

func TestSettings(t *testing.T) {
	reader, writer, o := twoCallers(t)
	client := func(cred azcore.TokenCredential) *azappconfig.Client {
		return must(azappconfig.NewClient("https://conf.azconfig.io", cred, &azappconfig.ClientOptions{ClientOptions: o}))
	}
	w, r := client(writer), client(reader)
	if _, err := w.AddSetting(t.Context(), "colour", new("red"), &azappconfig.AddSettingOptions{Label: new("dark")}); err != nil {
		t.Fatal(err)
	}
	got, err := r.GetSetting(t.Context(), "colour", &azappconfig.GetSettingOptions{Label: new("dark")})
	if err != nil || *got.Value != "red" || *got.Label != "dark" || got.ETag == nil || got.LastModified == nil {
		t.Fatalf("%+v %v", got, err)
	}
	_, err = w.AddSetting(t.Context(), "colour", new("blue"), &azappconfig.AddSettingOptions{Label: new("dark")})
	refused(t, err, http.StatusPreconditionFailed, "")
	if _, err := w.SetSetting(t.Context(), "colour", new("blue"), &azappconfig.SetSettingOptions{Label: new("dark"), OnlyIfUnchanged: got.ETag}); err != nil {
		t.Error(err)
	}
	n := 0
	for p := r.NewListSettingsPager(azappconfig.SettingSelector{KeyFilter: new("col*")}, nil); p.More(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Settings)
	}
	if n != 1 {
		t.Errorf("%d settings", n)
	}
	_, err = r.SetSetting(t.Context(), "colour", new("x"), nil)
	refused(t, err, http.StatusForbidden, "")
	_, err = r.DeleteSetting(t.Context(), "colour", nil)
	refused(t, err, http.StatusForbidden, "")
	if _, err := w.DeleteSetting(t.Context(), "colour", &azappconfig.DeleteSettingOptions{Label: new("dark")}); err != nil {
		t.Error(err)
	}
}
