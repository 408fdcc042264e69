// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet/logs"
)

// entries reads all logs of a folder with the reader that mivet has for Azure's.
func entries(t *testing.T, dir string) map[string][]*logs.Entry {
	t.Helper()
	p, err := logs.NewParser()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]*logs.Entry{}
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(rel string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, rel)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			e, err := p.Parse([]byte(line))
			if err != nil {
				return fmt.Errorf("%s: %w: %s", rel, err, line)
			}
			out[rel] = append(out[rel], e.Clone())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// said is an entry in one line.
func said(e *logs.Entry) string {
	return fmt.Sprintf("%s %s %s %s at %s: %v", e.Log, e.Principal, e.Operation, e.Action, e.Scope, e.Granted)
}

// What happens in the lab is read back from its logs as the use of rights.
func TestLogs(t *testing.T) {
	dir := t.TempDir()
	clock := NewClock(time.Date(2026, 11, 20, 12, 34, 56, 0, time.UTC))
	s := start(t, parse(t, dataTenant), Options{Now: clock.Now, Logs: dir})
	id := func(client string) string { return string(s.view().account(client).id) }
	writer, reader, blobs, nobody := dataCaller(t, s, dataWriter, vaultAud), dataCaller(t, s, dataReader, vaultAud), dataCaller(t, s, dataWriter, blobAud), dataCaller(t, s, dataNobody, blobAud)
	writer.expect(200, "GET", kvHost+"/secrets/one"+v7, "")
	writer.expect(404, "GET", kvHost+"/secrets/none"+v7, "")
	reader.expect(200, "GET", kvHost+"/secrets"+v7, "")
	reader.expect(403, "GET", kvHost+"/secrets/one"+v7, "")
	reader.expect(403, "DELETE", oldHost+"/secrets/one"+v7, "")
	blobs.with("x-ms-blob-type", "BlockBlob").expect(201, "PUT", files+"/pics/a.png", "x")
	blobs.expect(200, "GET", files+"/pics/a.png", "")
	blobs.expect(202, "DELETE", files+"/pics/a.png", "")
	blobs.expect(201, "POST", jobs+"/jobs/messages", "<QueueMessage><MessageText>x</MessageText></QueueMessage>")
	nobody.expect(403, "GET", files+"/pics/a.png", "")
	anonymous := dataCaller(t, s, dataNobody, vaultAud)
	anonymous.token = ""
	anonymous.expect(401, "GET", kvHost+"/secrets/one"+v7, "")
	// What is no operation leaves no entry.
	writer.expect(404, "GET", kvHost+"/nothing"+v7, "")
	writer.expect(404, "GET", "https://none.vault.azure.net/secrets"+v7, "")
	blobs.expect(501, "GET", files+"/pics?comp=x", "")
	dataCaller(t, s, dataWriter, busAud).expect(201, "POST", "https://bus.servicebus.windows.net/orders/messages", "x")
	site := mustID("/subscriptions/11111111-0000-4000-8000-000000000001/resourceGroups/app/providers/Microsoft.Web/sites/api")
	env := s.HostEnv(site)
	for _, resource := range []string{vaultAud, forARM, forGraph, "api://mivet"} {
		anonymous.with("X-IDENTITY-HEADER", env["IDENTITY_HEADER"]).expect(200, "GET", env["IDENTITY_ENDPOINT"]+"?resource="+resource, "")
	}

	const (
		at    = "/SUBSCRIPTIONS/11111111-0000-4000-8000-000000000001/RESOURCEGROUPS/APP/PROVIDERS/"
		hour  = "/y=2026/m=11/d=20/h=12/m=00/PT1H.json"
		lower = "/subscriptions/11111111-0000-4000-8000-000000000001/resourcegroups/app/providers/"
		kv    = lower + "microsoft.keyvault/vaults/kv"
		pics  = lower + "microsoft.storage/storageaccounts/files/blobservices/default/containers/pics"
		blobA = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
	)
	got := entries(t, dir)
	f := func(path string, wants ...string) {
		t.Helper()
		var lines []string
		for _, e := range got[path+hour] {
			lines = append(lines, said(e))
		}
		if !slices.Equal(lines, wants) {
			t.Errorf("%s:\n%s\nwant\n%s", path, strings.Join(lines, "\n"), strings.Join(wants, "\n"))
		}
		delete(got, path+hour)
	}
	w, r := id(dataWriter), id(dataReader)
	f("insights-logs-auditevent/resourceId="+at+"MICROSOFT.KEYVAULT/VAULTS/KV",
		"key-vault "+w+" SecretGet Microsoft.KeyVault/vaults/secrets/getSecret/action at "+kv+"/secrets/one: granted",
		"key-vault "+w+" SecretGet Microsoft.KeyVault/vaults/secrets/getSecret/action at "+kv+"/secrets/none: granted",
		"key-vault "+r+" SecretList Microsoft.KeyVault/vaults/secrets/readMetadata/action at "+kv+": granted",
		"key-vault "+r+" SecretGet Microsoft.KeyVault/vaults/secrets/getSecret/action at "+kv+"/secrets/one: refused",
		"key-vault  Authentication  at "+kv+": undecided",
	)
	f("insights-logs-auditevent/resourceId="+at+"MICROSOFT.KEYVAULT/VAULTS/OLD",
		"key-vault "+r+" SecretDelete Microsoft.KeyVault/vaults/secrets/delete at "+lower+"microsoft.keyvault/vaults/old/secrets/one: refused")
	f("insights-logs-storagewrite/resourceId="+at+"MICROSOFT.STORAGE/STORAGEACCOUNTS/FILES/BLOBSERVICES/DEFAULT",
		"storage "+w+" PutBlob "+blobA+"write at "+pics+": granted")
	f("insights-logs-storageread/resourceId="+at+"MICROSOFT.STORAGE/STORAGEACCOUNTS/FILES/BLOBSERVICES/DEFAULT",
		"storage "+w+" GetBlob "+blobA+"read at "+pics+": granted",
		"storage "+id(dataNobody)+" GetBlob "+blobA+"read at "+pics+": refused")
	f("insights-logs-storagedelete/resourceId="+at+"MICROSOFT.STORAGE/STORAGEACCOUNTS/FILES/BLOBSERVICES/DEFAULT",
		"storage "+w+" DeleteBlob "+blobA+"delete at "+pics+": granted")
	f("insights-logs-storagewrite/resourceId="+at+"MICROSOFT.STORAGE/STORAGEACCOUNTS/FILES/QUEUESERVICES/DEFAULT",
		"storage "+w+" PutMessage Microsoft.Storage/storageAccounts/queueServices/queues/messages/write at "+lower+"microsoft.storage/storageaccounts/files/queueservices/default/queues/jobs: granted")
	api := string(s.view().world.systems[site.Key()].Principal)
	sign := got["insights-logs-managedidentitysigninlogs/tenantId="+s.TenantID()+hour]
	if len(sign) != 4 || string(sign[0].Principal) != api || string(sign[0].Audience) != "cfa8b339-82a2-471a-a3c9-0fc0be7a4093" || string(sign[1].Audience) != "797f4846-ba00-4fd7-ba43-dac1f8f63013" {
		t.Errorf("%d sign-ins", len(sign))
	}
	delete(got, "insights-logs-managedidentitysigninlogs/tenantId="+s.TenantID()+hour)
	for path := range got {
		t.Errorf("nobody asked for %s", path)
	}
}

// Writes are in the activity log, with the role assignment that gave the right.
func TestActivityLog(t *testing.T) {
	dir := t.TempDir()
	clock := NewClock(time.Date(2026, 11, 20, 12, 34, 56, 0, time.UTC))
	s := start(t, parse(t, writeTenant), Options{Now: clock.Now, Logs: dir})
	owner := newClient(t, s, wOwner)
	owner.expect(200, "PUT", wSite+wv, `{"location":"westeurope","identity":{"type":"SystemAssigned"}}`)
	owner.expect(201, "PUT", assignmentAt(wApp, guid(1)), `{"properties":{"roleDefinitionId":"`+secretsUser+`","principalId":"`+alice+`"}}`)
	newClient(t, s, wContributor).expect(403, "PUT", wVault+wv, `{"location":"westeurope"}`)
	owner.expect(409, "PUT", wSite+wv, `{"location":"northeurope"}`)
	owner.expect(200, "DELETE", wSite+wv, "")
	newClient(t, s, OperatorID).expect(201, "PUT", wSub+"/resourceGroups/fresh"+wv, `{"location":"westeurope"}`)
	owner.expect(400, "PUT", wSite+wv, `{`)
	owner.expect(200, "GET", wApp+wv, "")
	const path = "insights-activity-logs/resourceId=/SUBSCRIPTIONS/11111111-0000-4000-8000-000000000001/y=2026/m=11/d=20/h=12/m=00/PT1H.json"
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	o, c, op := string(s.view().account(wOwner).id), string(s.view().account(wContributor).id), OperatorID
	var got []string
	for i, e := range entries(t, dir)[path] {
		if i%2 == 1 {
			got = append(got, fmt.Sprintf("%s %s %s %s: %v", e.Principal, e.Action, e.Scope, e.Plane, e.Granted))
		} else if fmt.Sprint(e.Granted) != "undecided" {
			t.Errorf("a start decides: %s", said(e))
		}
	}
	want := []string{
		o + " Microsoft.Web/sites/write " + strings.ToLower(wSite) + " control: granted",
		o + " Microsoft.Authorization/roleAssignments/write " + strings.ToLower(wApp) + " control: granted",
		c + " Microsoft.KeyVault/vaults/write " + strings.ToLower(wVault) + " control: refused",
		o + " Microsoft.Web/sites/write " + strings.ToLower(wSite) + " control: granted",
		o + " Microsoft.Web/sites/delete " + strings.ToLower(wSite) + " control: granted",
		op + " Microsoft.Resources/subscriptions/resourceGroups/write " + strings.ToLower(wSub) + "/resourcegroups/fresh control: granted",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, part := range []string{`"requestbody":"{\"Id\":\"` + guid(1), `\"PrincipalId\":\"` + alice, `"evidence":{"principalId":"`, `"role":"Owner"`, `"resultSignature":"Succeeded.OK"`, `"resultSignature":"Failed.Forbidden"`, `"resultSignature":"Failed.Conflict"`, `"operationName":"MICROSOFT.WEB/SITES/DELETE"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the log lacks %s", part)
		}
	}
}

// A log that cannot be written is told when the lab ends.
func TestLogsFail(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Start(parse(t, dataTenant), Options{Catalog: testCatalog, Logs: file})
	if err != nil {
		t.Fatal(err)
	}
	c := dataCaller(t, s, dataWriter, vaultAud)
	c.expect(200, "GET", kvHost+"/secrets/one"+v7, "")
	c.http.CloseIdleConnections()
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "writing a log of the lab") {
		t.Errorf("%v", err)
	}
}
