// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"strings"
	"testing"
)

// The parts of an app's configuration are kept as they are written.
func TestSiteFiles(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner, contributor := newClient(t, s, wOwner), newClient(t, s, wContributor)
	const plan = wApp + "/providers/Microsoft.Web/serverfarms/plan"
	owner.expect(200, "PUT", plan+wv, `{"location":"westeurope","kind":"linux","sku":{"name":"B1"},"properties":{"reserved":true}}`)
	owner.expect(200, "PUT", wSite+wv, `{"location":"westeurope","properties":{"serverFarmId":"`+plan+`"}}`,
		`"kind":"app,linux"`, `"keyVaultReferenceIdentity":"SystemAssigned"`, `"enabled":true`)
	owner.expect(200, "PUT", wSite+wv, `{"location":"westeurope","kind":"functionapp","properties":{"enabled":false,"keyVaultReferenceIdentity":"`+wID+`"}}`,
		`"kind":"functionapp"`, `"keyVaultReferenceIdentity":"`+wID+`"`, `"enabled":false`)
	owner.expect(200, "PUT", wSite+"/slots/blue"+wv, `{"location":"westeurope","properties":{}}`, `"defaultHostName":"api-blue.azurewebsites.net"`, `"kind":"app"`)

	for _, at := range []string{wSite, wSite + "/slots/blue"} {
		f := func(status int, method, file, body string, wants ...string) {
			t.Helper()
			owner.expect(status, method, at+"/config/"+file+wv, body, wants...)
		}
		// What nobody wrote is there, but for the backup.
		f(200, "POST", "authsettings/list", "", `"configVersion":"v1"`, `"enabled":false`)
		f(200, "GET", "authsettingsV2", "", `"platform":{"enabled":false}`)
		f(200, "GET", "authsettingsV2/list", "", `"platform":{"enabled":false}`)
		f(200, "GET", "logs", "", `"level":"Off"`)
		f(200, "POST", "azurestorageaccounts/list", "", `"properties":{}`)
		f(200, "POST", "publishingcredentials/list", "", `"publishingUserName":"$api`)
		f(404, "POST", "backup/list", "", "NotFound")
		f(404, "GET", "connectionstrings", "", "NotFound") // it has secrets
		f(404, "POST", "logs/list", "", "NotFound")        // and it has none
		f(405, "DELETE", "logs", "", "MethodNotAllowed")
		f(405, "DELETE", "web", "", "MethodNotAllowed")
		// What is written is found.
		f(200, "PUT", "connectionStrings", `{"properties":{"db":{"value":"x","type":"SQLAzure"}}}`, `"SQLAzure"`)
		f(200, "POST", "connectionstrings/list", "", `"db":{"type":"SQLAzure","value":"x"}`)
		f(200, "PUT", "slotConfigNames", `{"properties":{"appSettingNames":["A"]}}`)
		f(200, "GET", "slotConfigNames", "", `"appSettingNames":["A"]`)
		f(200, "PUT", "backup", `{"properties":{"storageAccountUrl":"https://x"}}`)
		f(200, "POST", "backup/list", "", `"storageAccountUrl":"https://x"`)
		f(200, "DELETE", "backup", "")
		f(404, "POST", "backup/list", "")
		// The part that the app shows as its own: PATCH adds, PUT replaces.
		f(200, "PUT", "web", `{"properties":{"alwaysOn":true,"acrUseManagedIdentityCreds":true}}`)
		f(200, "PATCH", "web", `{"properties":{"alwaysOn":false}}`, `"acrUseManagedIdentityCreds":true`, `"alwaysOn":false`)
		owner.expect(200, "GET", at+wv, "", `"acrUseManagedIdentityCreds":true`)
		f(200, "PUT", "web", `{"properties":{"alwaysOn":true}}`)
		if r := owner.expect(200, "GET", at+"/config/web"+wv, ""); strings.Contains(r.text, "acrUse") || !strings.Contains(r.text, `"alwaysOn":true`) {
			t.Errorf("%s", r.text)
		}
		// The two policies are always there.
		policies := at + "/basicPublishingCredentialsPolicies"
		owner.expect(200, "GET", policies+"/ftp"+wv, "", `"allow":true`)
		owner.expect(200, "PUT", policies+"/ftp"+wv, `{"properties":{"allow":false}}`)
		owner.expect(200, "GET", policies+"/ftp"+wv, "", `"allow":false`)
		owner.expect(200, "GET", policies+wv, "", `"allow":false`, `"allow":true`, `/scm"`)
		owner.expect(404, "GET", policies+"/other"+wv, "", "NotFound")
	}
	// Each slot has its own.
	owner.expect(200, "PUT", wSite+"/config/logs"+wv, `{"properties":{"mark":1}}`)
	if r := owner.expect(200, "GET", wSite+"/slots/blue/config/logs"+wv, ""); strings.Contains(r.text, "mark") {
		t.Errorf("%s", r.text)
	}
	reader := newClient(t, s, wDelegate)
	reader.expect(403, "POST", wSite+"/config/connectionstrings/list"+wv, "", "Microsoft.Web/sites/config/list/action")
	reader.expect(403, "GET", wSite+"/config/authsettingsV2/list"+wv, "", "Microsoft.Web/sites/config/list/action")
	reader.expect(403, "PUT", wSite+"/config/web"+wv, `{"properties":{}}`, "Microsoft.Web/sites/config/write")
	contributor.expect(200, "PATCH", wSite+"/config/web"+wv, `{"properties":{}}`)
	// They go with the app.
	owner.expect(200, "DELETE", wSite+wv, "")
	owner.expect(200, "PUT", wSite+wv, `{"location":"westeurope","properties":{}}`)
	owner.expect(200, "POST", wSite+"/config/connectionstrings/list"+wv, "", `"properties":{}`)
	owner.expect(200, "GET", wSite+"/basicPublishingCredentialsPolicies/ftp"+wv, "", `"allow":true`)
}

func TestNameAvailable(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	f := func(provider, name, want string) {
		t.Helper()
		owner.expect(200, "POST", wSub+"/providers/"+provider+"/checkNameAvailability"+wv, `{"name":"`+name+`","type":"x"}`, want)
	}
	owner.expect(200, "PUT", wSite+wv, `{"location":"westeurope","properties":{}}`)
	owner.expect(201, "PUT", wVault+wv, `{"location":"westeurope","properties":{}}`)
	f("Microsoft.Web", "API", `"reason":"AlreadyExists"`)
	f("Microsoft.Web", "app", `"nameAvailable":true`) // the name of a group
	f("Microsoft.Storage", "precious", `"nameAvailable":false`)
	f("Microsoft.KeyVault", "kv", `"nameAvailable":false`)
	owner.expect(200, "DELETE", wVault+wv, "")
	f("Microsoft.KeyVault", "kv", "deleted state")
	f("Microsoft.Storage", "kv", `"nameAvailable":true`)
	owner.expect(400, "POST", wSub+"/providers/Microsoft.Web/checkNameAvailability"+wv, `[`, "InvalidRequestContent")
	newClient(t, s, wContributor).expect(403, "POST", wSub+"/providers/Microsoft.Web/checkNameAvailability"+wv, `{}`, "Microsoft.Web/checkNameAvailability/read")
}

// What each storage account has without being told: its services, and keys.
func TestStorageAccount(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner, contributor := newClient(t, s, wOwner), newClient(t, s, wContributor)
	const account = wSub + "/resourceGroups/kept/providers/Microsoft.Storage/storageAccounts/precious"
	for service, want := range map[string]string{"blobServices": `"deleteRetentionPolicy":{"enabled":false}`, "fileServices": `"protocolSettings"`, "queueServices": `"corsRules":[]`, "tableServices": `"corsRules":[]`} {
		owner.expect(200, "GET", account+"/"+service+"/default"+wv, "", want, `"type":"Microsoft.Storage/storageAccounts/`+service+`"`)
	}
	owner.expect(200, "PUT", account+"/blobServices/default"+wv, `{"properties":{"isVersioningEnabled":true}}`)
	owner.expect(200, "GET", account+"/blobServices/default"+wv, "", `"isVersioningEnabled":true`)
	owner.expect(404, "GET", account+"/blobServices/other"+wv, "")
	owner.expect(404, "GET", account+"2/blobServices/default"+wv, "")
	first := owner.expect(200, "POST", account+"/listKeys"+wv, "", `"keyName":"key1"`, `"keyName":"key2"`, `"permissions":"FULL"`)
	if again := owner.expect(200, "POST", account+"/listKeys"+wv, ""); again.text != first.text {
		t.Error("an account has other keys each time")
	}
	owner.expect(404, "POST", account+"2/listKeys"+wv, "", "ResourceNotFound")
	contributor.expect(403, "POST", account+"/listKeys"+wv, "", "Microsoft.Storage/storageAccounts/listkeys/action")
	contributor.expect(403, "GET", account+"/blobServices/default"+wv, "", "blobServices/read")
}
