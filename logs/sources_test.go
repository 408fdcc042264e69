// SPDX-License-Identifier: Apache-2.0

package logs

import "testing"

// The same facts in forms that entries come in beyond the diagnostic export: what Microsoft
// Graph lists, what the portal exports, tables, and the first years of a log.
func TestOtherForms(t *testing.T) {
	p := newParser(t)
	const (
		vaultAPI = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
		received = "Microsoft.EventHub/namespaces/messages/receive/action"
	)
	f := func(name, text, when, host, audience string, want told) {
		t.Helper()
		e, err := p.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if got := tell(e); got != want {
			t.Errorf("%s:\n%+v, expected\n%+v", name, got, want)
		}
		if got := e.Time.Format("2006-01-02T15:04:05.999Z07:00"); got != when || string(e.Host) != host || string(e.Audience) != audience {
			t.Errorf("%s: at %s from %q for %q", name, got, e.Host, e.Audience)
		}
	}
	signedIn := told{SignIn, TokenOnly, oid, app, "", "", 0, "", Undecided}
	f("sign-in as Microsoft Graph lists it", `{"id":"1","createdDateTime":"2026-11-02T08:15:04Z","appId":"`+app+`","servicePrincipalId":"`+oid+`","userId":"","userPrincipalName":null,"resourceDisplayName":"Azure Key Vault","resourceId":"`+vaultAPI+
		`","signInEventTypes":["managedIdentity"],"status":{"errorCode":0},"managedServiceIdentity":{"msiType":"systemAssigned","associatedResourceId":"`+siteID+`"}}`,
		"2026-11-02T08:15:04Z", siteID, vaultAPI, signedIn)
	f("sign-in of a person there", `{"id":"1","createdDateTime":"2026-11-02T08:15:04Z","appId":"`+app+`","userId":"u","resourceId":"`+vaultAPI+`","status":{"errorCode":0}}`,
		"2026-11-02T08:15:04Z", "", "", told{OtherLog, ForeignLog, "", "", "", "", 0, "", Undecided})
	f("sign-in as a row of the table", `{"TimeGenerated":"2026-11-02T08:15:04Z","Type":"AADManagedIdentitySignInLogs","ServicePrincipalId":"`+oid+`","AppId":"`+app+`","ResourceIdentity":"`+vaultAPI+
		`","ResultType":"0","ManagedServiceIdentity":"{\"msiType\":\"SystemAssigned\",\"associatedResourceId\":\"`+siteID+`\"}"}`,
		"2026-11-02T08:15:04Z", siteID, vaultAPI, signedIn)
	f("a row as the portal exports it", `{"ActivityName":"ReceiveMessage","ResourceId":"`+upper(hubID)+`","TimeGenerated (UTC)":"9/28/2026, 10:42:07.000 AM","Status":"Success","AuthType":"Azure Active Directory","AuthId":"`+app+`","Count":1,"Type":"AZMSRuntimeAUditLogs"}`,
		"2026-09-28T10:42:07Z", "", "", told{EventHubs, NoPrincipal, "", app, "ReceiveMessage", received, data, hubID, Granted})
	f("runtime audit below properties", `{"time":"2026-11-02T08:15:04Z","category":"RuntimeAuditLogs","resourceId":"`+hubID+`","properties":{"ActivityName":"ReceiveMessage","AuthType":"AAD","AuthKey":"`+app+`","Status":"Success"}}`,
		"2026-11-02T08:15:04Z", "", "", told{EventHubs, NoPrincipal, "", app, "ReceiveMessage", received, data, hubID, Granted})
	f("Cosmos DB in its first years", `{"time":"Fri, 23 Jun 2017 19:29:50.266 GMT","resourceId":"shop","category":"DataPlaneRequests","operationName":"Query","properties":{"resourceType":"Database","statusCode":"200"}}`,
		"2017-06-23T19:29:50.266Z", "", "", told{Cosmos, NoIdentity, "", "", "Query", "", 0, "", Undecided})
	f("data plane of Event Grid", `{"time":"2026-11-02T08:15:04Z","resourceId":"`+subscription+`/providers/microsoft.eventgrid/domains/d","category":"DataPlaneRequests","operationName":"Microsoft.EventGrid/events/send","properties":{}}`,
		"2026-11-02T08:15:04Z", "", "", told{UnknownLog, UnknownCategory, "", "", "Microsoft.EventGrid/events/send", "", 0, "", Undecided})
	f("changes of a Cosmos account", `{"time":"2026-11-02T08:15:04Z","resourceId":"`+cosmosID+`","category":"ControlPlaneRequests","operationName":"AccountUpdateStart"}`,
		"2026-11-02T08:15:04Z", "", "", told{OtherLog, ForeignLog, "", "", "AccountUpdateStart", "", 0, "", Undecided})
}
