// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/provenance"
)

const shop = `tenant t taken=2026-11-20T06:00:00Z
subscription main id=7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01
rg shop in=main
keyvault kv in=shop .enableRbacAuthorization=true
user alice id=11111111-0000-4000-8000-00000000000a name="Alice Meyer"
webapp web in=shop system principal=11111111-0000-4000-8000-000000000001
identity jobs in=shop principal=11111111-0000-4000-8000-000000000002
webapp worker in=shop user=jobs
assign web "Key Vault Secrets User" kv id=33333333-0000-4000-8000-000000000001
`

const (
	web   = mivet.PrincipalID("11111111-0000-4000-8000-000000000001")
	jobs  = mivet.PrincipalID("11111111-0000-4000-8000-000000000002")
	alice = mivet.PrincipalID("11111111-0000-4000-8000-00000000000a")

	sub     = "/subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01"
	group   = sub + "/resourceGroups/shop"
	vault   = group + "/providers/Microsoft.KeyVault/vaults/kv"
	site    = group + "/providers/Microsoft.Web/sites/web"
	grantID = vault + "/providers/Microsoft.Authorization/roleAssignments/33333333-0000-4000-8000-000000000001"

	secretsUser = "4633458b-17de-408a-b874-0445c86b69e6"
	contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
)

// The same call in every form: what the API answers, a diagnostic export with properties as
// an object and as a text, a row of the table, what PowerShell makes of it, and the example
// of the portal's title in the place of the operation.
var forms = map[string]string{
	"api": `[{"eventTimestamp":"2026-05-08T16:42:10Z","operationName":{"value":"Microsoft.Authorization/roleAssignments/write","localizedValue":"Create role assignment"},"status":{"value":"Started"},"subStatus":{"value":""},"category":{"value":"Administrative"},"caller":"alice@shop.example","correlationId":"c1","operationId":"o1","resourceId":"` + grantID + `","authorization":{"action":"Microsoft.Authorization/roleAssignments/write","scope":"` + grantID + `"},"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"` + string(alice) + `","name":"Alice Meyer","appid":"04b07795-8ddb-461a-bbee-02f9e1bf7b46"},"httpRequest":{"clientIpAddress":"198.51.100.7"},"properties":{"eventCategory":"Administrative","entity":"` + grantID + `","requestbody":"{\"Id\":\"33333333-0000-4000-8000-000000000001\",\"Properties\":{\"PrincipalId\":\"` + string(web) + `\",\"RoleDefinitionId\":\"/providers/Microsoft.Authorization/roleDefinitions/` + secretsUser + `\",\"Scope\":\"` + vault + `\"}}"}},
{"eventTimestamp":"2026-05-08T16:42:12Z","operationName":{"value":"Microsoft.Authorization/roleAssignments/write"},"status":{"value":"Succeeded"},"subStatus":{"value":"Created"},"category":{"value":"Administrative"},"caller":"alice@shop.example","correlationId":"c1","operationId":"o1","resourceId":"` + grantID + `","authorization":{"action":"Microsoft.Authorization/roleAssignments/write","scope":"` + grantID + `"},"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"` + string(alice) + `"},"properties":{"statusCode":"Created"}}]`,
	"export": `{"time":"2026-05-08T16:42:10.1234567Z","resourceId":"` + strings.ToUpper(grantID) + `","operationName":"MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE","category":"Administrative","resultType":"Start","resultSignature":"Started.","callerIpAddress":"198.51.100.7","correlationId":"c1","identity":{"authorization":{"scope":"` + grantID + `","action":"Microsoft.Authorization/roleAssignments/write"},"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"` + string(alice) + `","http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"alice@shop.example","appid":"04b07795-8ddb-461a-bbee-02f9e1bf7b46"}},"properties":{"requestbody":"{\"properties\":{\"roleDefinitionId\":\"/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/` + secretsUser + `\",\"principalId\":\"` + string(web) + `\"}}","eventCategory":"Administrative","entity":"` + grantID + `"}}
{"time":"2026-05-08T16:42:12Z","resourceId":"` + strings.ToUpper(grantID) + `","operationName":"MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE","category":"Administrative","resultType":"Success","resultSignature":"Succeeded.Created","correlationId":"c1","identity":{"authorization":{"scope":"` + grantID + `","action":"Microsoft.Authorization/roleAssignments/write"},"claims":{}},"properties":{"statusCode":"Created"}}`,
	"export with texts":     `{"time":"2026-05-08T16:42:12Z","resourceId":"` + strings.ToUpper(grantID) + `","operationName":"MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE","category":"Administrative","resultType":"Success","resultSignature":"Succeeded.Created","callerIpAddress":"198.51.100.7","correlationId":"c1","identity":"{\"claims\":{\"http://schemas.microsoft.com/identity/claims/objectidentifier\":\"` + string(alice) + `\",\"appid\":\"04b07795-8ddb-461a-bbee-02f9e1bf7b46\",\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\":\"alice@shop.example\"}}","properties":"{\"statusCode\":\"Created\",\"responseBody\":\"{\\\"properties\\\":{\\\"roleDefinitionId\\\":\\\"/x/` + secretsUser + `\\\",\\\"principalId\\\":\\\"` + string(web) + `\\\",\\\"scope\\\":\\\"` + vault + `\\\"},\\\"id\\\":\\\"` + grantID + `\\\"}\"}"}`,
	"table":                 `{"TimeGenerated":"2026-05-08T16:42:12Z","OperationNameValue":"MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE","CategoryValue":"Administrative","ActivityStatusValue":"Success","ActivitySubstatusValue":"Created","Caller":"alice@shop.example","CallerIpAddress":"198.51.100.7","CorrelationId":"c1","_ResourceId":"` + strings.ToLower(grantID) + `","Type":"AzureActivity","Authorization":"{\"action\":\"Microsoft.Authorization/roleAssignments/write\",\"scope\":\"` + grantID + `\"}","Claims":"{\"http://schemas.microsoft.com/identity/claims/objectidentifier\":\"` + string(alice) + `\",\"appid\":\"04b07795-8ddb-461a-bbee-02f9e1bf7b46\"}","Properties":"{\"requestbody\":\"{\\\"Id\\\":\\\"33333333-0000-4000-8000-000000000001\\\",\\\"Properties\\\":{\\\"PrincipalId\\\":\\\"` + string(web) + `\\\",\\\"RoleDefinitionId\\\":\\\"/x/` + secretsUser + `\\\",\\\"Scope\\\":\\\"` + vault + `\\\"}}\",\"statusCode\":\"Created\",\"entity\":\"` + grantID + `\"}","Properties_d":{"entity":"` + grantID + `"}}`,
	"scope as the resource": `{"time":"2026-05-08T16:42:12Z","resourceId":"` + vault + `","operationName":"Microsoft.Authorization/roleAssignments/write","category":"Administrative","resultType":"Success","resultSignature":"201","callerIpAddress":"198.51.100.7","correlationId":"c1","identity":{"authorization":{"scope":"` + vault + `","action":"Microsoft.Authorization/roleAssignments/write"},"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"` + string(alice) + `","appid":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","upn":"alice@shop.example"}},"properties":{"requestbody":"{\"Id\":\"33333333-0000-4000-8000-000000000001\",\"Properties\":{\"PrincipalId\":\"` + string(web) + `\",\"RoleDefinitionId\":\"/x/` + secretsUser + `\",\"Scope\":\"` + vault + `\"}}"}}`,
}

func TestOneCallOfEachForm(t *testing.T) {
	for name, text := range forms {
		l := provenance.NewLog(read(t, shop))
		entries(t, l, text)
		all := l.Records()
		if len(all) != 1 {
			t.Errorf("%s: %d records, want one", name, len(all))
			continue
		}
		r := all[0]
		if !r.Done() || r.By.ID != alice || r.By.Name != "alice@shop.example" || r.By.Address != "198.51.100.7" || r.By.App != "04b07795-8ddb-461a-bbee-02f9e1bf7b46" {
			t.Errorf("%s: done %v by %+v", name, r.Done(), r.By)
		}
		g := r.Grant
		if g == nil || g.Principal != web || g.Role != secretsUser || !g.Scope.Equal(id(t, vault)) || !g.ID.Equal(id(t, grantID)) {
			t.Errorf("%s: grant %+v", name, g)
		}
		made := l.Story(web).Grants[0].Made
		if made.By.ID != alice || made.Gap != "" || !made.Sure || made.Source.Line == 0 {
			t.Errorf("%s: made %+v", name, made)
		}
		if h := l.History(when(t, "2026-11-20T06:00:00Z")); len(h.Of(web)) != 1 || !h.Of(web)[0].Lasts {
			t.Errorf("%s: history %+v", name, h.Of(web))
		}
	}
}

func TestWhatFailedIsNoGrant(t *testing.T) {
	l := provenance.NewLog(read(t, shop))
	entries(t, l, strings.NewReplacer(`"Succeeded"`, `"Failed"`, `"Created"`, `"Conflict"`).Replace(forms["api"]))
	if r := l.Records(); len(r) != 1 || r[0].Done() {
		t.Fatalf("records %+v", r)
	}
	if made := l.Story(web).Grants[0].Made; made.Known() || made.Gap == "" {
		t.Errorf("made %+v", made)
	}
}

func TestOtherEntriesLeaveOnlyTheirTime(t *testing.T) {
	l := provenance.NewLog(read(t, shop))
	entries(t, l, `{"time":"2026-05-01T00:00:00Z","category":"Administrative","operationName":"Microsoft.Storage/storageAccounts/write","resourceId":"`+group+`/providers/Microsoft.Storage/storageAccounts/other","resultType":"Success"}
{"time":"2026-05-03T00:00:00Z","category":"Administrative","operationName":"Microsoft.Insights/alertRules/activated/event","resourceId":"`+vault+`","resultType":"Success"}
{"time":"2026-05-04T00:00:00Z","category":"AuditEvent","operationName":"SecretGet","resourceId":"`+vault+`"}
{"category":"Administrative","operationName":"none","resourceId":"`+vault+`"}
`)
	if n := len(l.Records()); n != 0 {
		t.Errorf("%d records", n)
	}
	span := l.Span(id(t, vault))
	if span.First != when(t, "2026-05-01T00:00:00Z") || span.Last != when(t, "2026-05-03T00:00:00Z") {
		t.Errorf("span %+v", span)
	}
	if !span.Holds(when(t, "2026-05-02T00:00:00Z")) || span.Holds(when(t, "2026-05-04T00:00:00Z")) || l.Span(id(t, "/")).Holds(when(t, "2026-05-02T00:00:00Z")) {
		t.Error("what the span holds")
	}
}
