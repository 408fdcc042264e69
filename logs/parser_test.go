// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
)

const (
	subscription = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourcegroups/shop"
	vaultID      = subscription + "/providers/microsoft.keyvault/vaults/shop-kv"
	hsmID        = subscription + "/providers/microsoft.keyvault/managedhsms/shop-hsm"
	blobID       = subscription + "/providers/microsoft.storage/storageaccounts/shopdata/blobservices/default"
	fileID       = subscription + "/providers/microsoft.storage/storageaccounts/shopdata/fileservices/default"
	accountID    = subscription + "/providers/microsoft.storage/storageaccounts/shopdata"
	busID        = subscription + "/providers/microsoft.servicebus/namespaces/shop-bus"
	hubID        = subscription + "/providers/microsoft.eventhub/namespaces/shop-hub/eventhubs/clicks"
	cosmosID     = subscription + "/providers/microsoft.documentdb/databaseaccounts/shop-db"
	configID     = subscription + "/providers/microsoft.appconfiguration/configurationstores/shop-config"
	siteID       = subscription + "/providers/microsoft.web/sites/shop"
	oid          = "6b0a1c52-7a1f-4a57-9d5b-0c0c4f4a0001"
	app          = "9f3e2b11-52aa-4a0e-8f1d-0c0c4f4a0002"
	secretGet    = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	blobRead     = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	blobWrite    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
)

func upper(s string) string { return strings.ToUpper(s) }

func vaultEntry(operation, properties, more string) string {
	return `{"time":"2026-11-02T08:15:04.1234567Z","category":"AuditEvent","operationName":"` + operation + `","resultType":"Success",` +
		`"correlationId":"c1","callerIpAddress":"10.1.2.3","identity":{"claim":{"oid":"` + oid + `","appid":"` + app + `","xms_mirid":"` + siteID + `","uti":"u1"}},` +
		`"properties":{` + properties + `},"resourceId":"` + upper(vaultID) + `"` + more + `}`
}

func storageEntry(category, operation, identity, more string) string {
	return `{"time":"2026-11-02T08:15:04Z","resourceId":"` + blobID + `","category":"` + category + `","operationName":"` + operation +
		`","callerIpAddress":"10.1.2.3:5443","identity":` + identity + `,` + more + `}`
}

const oauth = `{"type":"OAuth","tokenHash":"h","requester":{"objectId":"` + oid + `","appId":"` + app + `"}}`

func activityEntry(operation, category, result, more string) string {
	return `{"time":"2026-11-02T08:15:04Z","resourceId":"` + upper(siteID) + `","operationName":"` + operation + `","category":"` + category + `",` + result +
		`"identity":{"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"` + oid + `","appid":"` + app + `"}}` + more + `}`
}

func busEntry(resource, activity, status, auth string) string {
	return `{"ActivityId":"a","ActivityName":"` + activity + `","ResourceId":"` + upper(resource) + `","Time":"11/2/2026 8:15:04 AM +00:00","Status":"` + status +
		`",` + auth + `,"ClientIp":"10.1.2.3","Count":7,"Category":"RuntimeAuditLogs"}`
}

// told is what a test expects of an entry, in one comparable piece.
type told struct {
	Log                                 Log
	Reason                              Reason
	Principal, AppID, Operation, Action string
	Plane                               mivet.Plane
	Scope                               string
	Granted                             Outcome
}

func tell(e *Entry) told {
	return told{e.Log, e.Reason, string(e.Principal), string(e.AppID), string(e.Operation), string(e.Action), e.Plane, string(e.Scope), e.Granted}
}

var (
	control = mivet.PlaneControl
	data    = mivet.PlaneData
)

const secretURI = `"id":"https://shop-kv.vault.azure.net/secrets/Orders/0123"`

var entryTests = []struct {
	name, text string
	want       told
}{
	// Key Vault.
	{
		"secret read", vaultEntry("SecretGet", secretURI+`,"httpStatusCode":200,"isAccessPolicyMatch":true`, `,"resultSignature":"OK"`),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Granted},
	},
	{
		"letter case of the operation", vaultEntry("SECRETGET", secretURI+`,"httpStatusCode":200`, ``),
		told{KeyVault, "", oid, app, "SECRETGET", secretGet, data, vaultID + "/secrets/orders", Granted},
	},
	{
		"not there", vaultEntry("SecretGet", secretURI+`,"httpStatusCode":404`, `,"resultSignature":"Not Found"`),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Granted},
	},
	{
		"refused by role", vaultEntry("SecretGet", secretURI+`,"httpStatusCode":403,"isRbacAuthorized":false`, ``),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Refused},
	},
	{
		"refused by policy although the other flag is true", vaultEntry("SecretGet", secretURI+`,"isRbacAuthorized":true,"isAccessPolicyMatch":false`, ``),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Refused},
	},
	{
		"firewall although the role is there", vaultEntry("SecretGet", secretURI+`,"httpStatusCode":403,"isRbacAuthorized":true,"isAddressAuthorized":false`, ``),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Undecided},
	},
	{
		"firewall", vaultEntry("SecretGet", secretURI+`,"httpStatusCode":403,"isAddressAuthorized":false`, `,"resultSignature":"Forbidden"`),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Undecided},
	},
	{
		"403 without flags", vaultEntry("SecretGet", secretURI+`,"httpStatusCode":403`, `,"resultSignature":"Forbidden"`),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Refused},
	},
	{
		"status and signature contradict", vaultEntry("SecretGet", secretURI+`,"httpStatusCode":200`, `,"resultSignature":"Forbidden"`),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Undecided},
	},
	{
		"no status", vaultEntry("SecretGet", secretURI, ``),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Undecided},
	},
	{
		"list", vaultEntry("SecretList", `"requestUri":"https://shop-kv.vault.azure.net/secrets?api-version=7.4","httpStatusCode":200`, ``),
		told{KeyVault, "", oid, app, "SecretList", "Microsoft.KeyVault/vaults/secrets/readMetadata/action", data, vaultID, Granted},
	},
	{
		"versions named by the request alone", vaultEntry("KeyListVersions", `"requestUri":"https://shop-kv.vault.azure.net/keys/K1/versions?api-version=7.4","httpStatusCode":200`, ``),
		told{KeyVault, "", oid, app, "KeyListVersions", "Microsoft.KeyVault/vaults/keys/read", data, vaultID + "/keys/k1", Granted},
	},
	{
		"certificate", vaultEntry("CertificateGet", `"id":"https://shop-kv.vault.azure.net/certificates/tls","httpStatusCode":200`, ``),
		told{KeyVault, "", oid, app, "CertificateGet", "Microsoft.KeyVault/vaults/certificates/read", data, vaultID + "/certificates/tls", Granted},
	},
	{
		"purge is asked of the vault", vaultEntry("KeyPurge", `"id":"https://shop-kv.vault.azure.net/deletedkeys/K1","httpStatusCode":204`, ``),
		told{KeyVault, "", oid, app, "KeyPurge", "Microsoft.KeyVault/vaults/keys/purge/action", data, vaultID, Granted},
	},
	{
		"object of no known collection", vaultEntry("SecretGet", `"id":"https://shop-kv.vault.azure.net/deletedsecrets/x","httpStatusCode":200`, ``),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID, Granted},
	},
	{
		"odd URIs", vaultEntry("SecretGet", `"id":"shop-kv/secrets/x","requestUri":"https://shop-kv.vault.azure.net","httpStatusCode":200`, ``),
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID, Granted},
	},
	{
		"control plane", `{"time":"2026-11-02T08:15:04Z","category":"AuditEvent","operationName":"VaultPatch","resourceId":"` + upper(vaultID) +
			`/","identity":{"claim":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"` + oid + `","appid":"` + app + `"}},"properties":{"httpStatusCode":200}}`,
		told{KeyVault, "", oid, app, "VaultPatch", "Microsoft.KeyVault/vaults/write", control, vaultID, Granted},
	},
	{
		"read by the platform", vaultEntry("VaultGet", `"clientInfo":"AzureResourceGraph.IngestionWorkerService.global/1.0","httpStatusCode":200`, ``),
		told{KeyVault, OfPlatform, oid, app, "VaultGet", "Microsoft.KeyVault/vaults/read", control, vaultID, Granted},
	},
	{
		"notification", vaultEntry("SecretNearExpiryEventGridNotification", secretURI+`,"httpStatusCode":200`, ``),
		told{KeyVault, OfPlatform, oid, app, "SecretNearExpiryEventGridNotification", "", 0, vaultID, Undecided},
	},
	{
		"challenge", vaultEntry("Authentication", `"httpStatusCode":401`, ``),
		told{KeyVault, Unauthenticated, oid, app, "Authentication", "", 0, vaultID, Undecided},
	},
	{
		"operation that nobody knows", vaultEntry("SecretFrobnicate", secretURI+`,"httpStatusCode":200`, ``),
		told{KeyVault, UnknownOperation, oid, app, "SecretFrobnicate", "", 0, vaultID, Granted},
	},
	{
		"operation with a long name", vaultEntry(strings.Repeat("x", 100), ``, ``),
		told{KeyVault, UnknownOperation, oid, app, strings.Repeat("x", 100), "", 0, vaultID, Undecided},
	},
	{
		"resource named by the entity alone", `{"operationName":"KeyDelete","category":"AuditEvent","properties":{"entity":"` + upper(vaultID) + `/KEYS/K1"}}`,
		told{KeyVault, NoPrincipal, "", "", "KeyDelete", "Microsoft.KeyVault/vaults/keys/delete", data, vaultID + "/keys/k1", Undecided},
	},
	{
		"table", `{"TimeGenerated":"2026-11-02T08:15:04Z","Type":"AZKVAuditLogs","OperationName":"SecretGet","_ResourceId":"` + vaultID + `","Id":"https://shop-kv.vault.azure.net/secrets/orders/1",` +
			`"Identity":{"claim":{"oid":"` + oid + `"}},"HttpStatusCode":200,"IsRbacAuthorized":true,"AppliedAssignmentId":"ra1"}`,
		told{KeyVault, "", oid, "", "SecretGet", secretGet, data, vaultID + "/secrets/orders", Granted},
	},
	{
		"legacy table", `{"TimeGenerated":"2026-11-02T08:15:04Z","Type":"AzureDiagnostics","Category":"AuditEvent","OperationName":"SecretGet","ResourceId":"` + upper(vaultID) +
			`","id_s":"https://shop-kv.vault.azure.net/secrets/orders","identity_claim_oid_g":"` + oid + `","identity_claim_appid_g":"` + app + `","httpStatusCode_d":200.0}`,
		told{KeyVault, "", oid, app, "SecretGet", secretGet, data, vaultID + "/secrets/orders", Granted},
	},
	{
		"managed HSM", `{"time":"2026-11-02T08:15:04.763Z","resourceId":"` + upper(hsmID) + `","operationName":"KeySign","category":"AuditEvent","resultType":"Success",` +
			`"identity":"{\"claim\":{\"appid\":\"` + app + `\",\"http_schemas_microsoft_com_identity\":{\"claims\":{\"objectidentifier\":\"` + oid + `\"}}}}","httpStatusCode":200,` +
			`"requestUri":"https://shop-hsm.managedhsm.azure.net/keys/Sign1/0123/sign"}`,
		told{ManagedHSM, "", oid, app, "KeySign", "Microsoft.KeyVault/managedHsm/keys/sign/action", data, hsmID + "/keys/sign1", Granted},
	},
	{
		"audit of another service", `{"category":"AuditEvent","operationName":"x","resourceId":"` + siteID + `"}`,
		told{UnknownLog, UnknownCategory, "", "", "x", "", 0, "", Undecided},
	},

	// Storage.
	{
		"blob read", storageEntry("StorageRead", "GetBlob", oauth, `"statusCode":200,"properties":{"objectKey":"/shopdata/Orders/a/b.json","serviceType":"blob"}`),
		told{Storage, "", oid, app, "GetBlob", blobRead, data, blobID + "/containers/orders", Granted},
	},
	{
		"what was checked counts more than the name", storageEntry("StorageWrite", "PutBlob",
			`{"type":"OAuth","authorization":[{"action":"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action","roleAssignmentId":"ra1","principals":[{"id":"g"}]}],"requester":{"objectId":"`+oid+`"}}`,
			`"statusCode":201,"properties":{"objectKey":"/shopdata/orders/b"}`),
		told{Storage, "", oid, "", "PutBlob", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action", data, blobID + "/containers/orders", Granted},
	},
	{
		"two rights were checked", storageEntry("StorageWrite", "RenameFile",
			`{"type":"OAuth","authorization":[{"action":"`+blobWrite+`"},{"action":"`+blobWrite+`"},{"action":""},{"action":"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete"}],"requester":{"objectId":"`+oid+`"}}`,
			`"statusCode":201,"properties":{"objectKey":"/shopdata/orders/b"}`),
		told{Storage, "", oid, "", "RenameFile", blobWrite + " + Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete", data, blobID + "/containers/orders", Granted},
	},
	{
		"a right that no table has", storageEntry("StorageRead", "GetBlob",
			`{"type":"OAuth","authorization":[{"action":"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/new/action"}],"requester":{"objectId":"`+oid+`"}}`, `"statusCode":200`),
		told{Storage, "", oid, "", "GetBlob", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/new/action", data, blobID, Granted},
	},
	{
		"a right of the account that no table has", storageEntry("StorageRead", "GetBlob",
			`{"type":"OAuth","authorization":[{"action":"Microsoft.Storage/storageAccounts/newThing/read"}],"requester":{"objectId":"`+oid+`"}}`, `"statusCode":200`),
		told{Storage, "", oid, "", "GetBlob", "Microsoft.Storage/storageAccounts/newThing/read", control, blobID, Granted},
	},
	{
		"name of the data lake", storageEntry("StorageRead", "ReadFile", oauth, `"statusCode":304,"properties":{"objectKey":"/shopdata/lake/a"}`),
		told{Storage, "", oid, app, "ReadFile", blobRead, data, blobID + "/containers/lake", Granted},
	},
	{
		"the same name of another service", strings.ReplaceAll(storageEntry("StorageWrite", "CreateFile", `{"type":"Kerberos","requester":{"objectId":"`+oid+`"}}`, `"statusCode":201,"properties":{"objectKey":"/shopdata/home/a"}`), blobID, fileID),
		told{Storage, "", oid, "", "CreateFile", "Microsoft.Storage/storageAccounts/fileServices/fileShares/files/write + Microsoft.Storage/storageAccounts/fileServices/writeFileBackupSemantics/action", data, fileID + "/fileshares/home", Granted},
	},
	{
		"account alone", storageEntry("StorageRead", "ListContainers", oauth, `"statusCode":403,"properties":{"objectKey":"/shopdata"}`),
		told{Storage, "", oid, app, "ListContainers", "Microsoft.Storage/storageAccounts/blobServices/containers/read", control, blobID, Refused},
	},
	{
		"failed for another reason", storageEntry("StorageWrite", "PutBlob", oauth, `"statusCode":503`),
		told{Storage, "", oid, app, "PutBlob", blobWrite + " | Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action", data, blobID, Undecided},
	},
	{
		"source of a copy", storageEntry("StorageWrite", "CopyBlobSource", oauth, `"statusCode":202,"properties":{"objectKey":"https://shopdata.blob.core.windows.net/Orders/a?sv=x"}`),
		told{Storage, "", oid, app, "CopyBlobSource", blobRead, data, blobID + "/containers/orders", Granted},
	},
	{
		"source of a copy elsewhere", storageEntry("StorageWrite", "CopyBlobSource", oauth, `"statusCode":202,"properties":{"objectKey":"https://other.blob.core.windows.net/orders/a"}`),
		told{Storage, "", oid, app, "CopyBlobSource", blobRead, data, blobID, Granted},
	},
	{
		"key that is no path", storageEntry("StorageRead", "GetBlob", oauth, `"statusCode":200,"properties":{"objectKey":"orders"}`),
		told{Storage, "", oid, app, "GetBlob", blobRead, data, blobID, Granted},
	},
	{
		"preflight", storageEntry("StorageRead", "BlobPreflightRequest", oauth, `"statusCode":200`),
		told{Storage, Unauthenticated, oid, app, "BlobPreflightRequest", "", 0, blobID, Undecided},
	},
	{
		"unknown operation of storage", storageEntry("StorageRead", "GetMoon", oauth, `"statusCode":200`),
		told{Storage, UnknownOperation, oid, app, "GetMoon", "", 0, blobID, Granted},
	},
	{
		"account key", storageEntry("StorageRead", "GetBlob", `{"type":"AccountKey","tokenHash":"key1(x)"}`, `"statusCode":200,"properties":{"objectKey":"/shopdata/orders/a"}`),
		told{Storage, NoIdentity, "", "", "GetBlob", "", 0, blobID + "/containers/orders", Undecided},
	},
	{
		"no authentication", storageEntry("StorageRead", "GetBlob", `{}`, `"statusCode":200`),
		told{Storage, NoAuthentication, "", "", "GetBlob", "", 0, blobID, Undecided},
	},
	{
		"no resource", `{"category":"StorageWrite","operationName":"PutBlock","statusCode":201,"identity":` + oauth + `,"properties":{"serviceType":"blob","objectKey":"/shopdata/orders/a"}}`,
		told{Storage, "", oid, app, "PutBlock", blobWrite, data, "", Granted},
	},
	{
		"no service", `{"category":"StorageWrite","operationName":"PutBlock","statusCode":201,"identity":` + oauth + `}`,
		told{Storage, UnknownOperation, oid, app, "PutBlock", "", 0, "", Granted},
	},
	{
		"table of storage", `{"Type":"StorageBlobLogs","OperationName":"GetBlob","_ResourceId":"` + accountID + `","StatusCode":"200","AuthenticationType":"OAuth","RequesterObjectId":"` + oid + `","RequesterAppId":"` + app +
			`","ObjectKey":"/shopdata/orders/a","AuthorizationDetails":"[{\"action\":\"` + blobRead + `\",\"roleAssignmentId\":\"ra1\"}]"}`,
		told{Storage, "", oid, app, "GetBlob", blobRead, data, blobID + "/containers/orders", Granted},
	},
	{
		"no category", `{"operationName":"GetBlob","resourceId":"` + blobID + `","statusCode":200,"identity":` + oauth + `,"properties":{"objectKey":"/other/orders/a"}}`,
		told{Storage, "", oid, app, "GetBlob", blobRead, data, blobID + "/containers/orders", Granted},
	},

	// Activity log.
	{
		"authorization", activityEntry("MICROSOFT.WEB/SITES/WRITE", "Administrative", `"resultType":"Success","resultSignature":"Succeeded.OK",`, `,"x":1`) + ``,
		told{Activity, "", oid, app, "MICROSOFT.WEB/SITES/WRITE", "MICROSOFT.WEB/SITES/WRITE", control, siteID, Granted},
	},
	{
		"the right differs from the operation", `{"category":"Write","operationName":"microsoft.support/supporttickets/write","resultType":"Success","resourceId":"` + siteID +
			`","identity":{"authorization":{"scope":"` + upper(accountID) + `/","action":"Microsoft.Storage/storageAccounts/listKeys/action","evidence":{"roleAssignmentId":"0a"}},"claims":{"oid":"` + oid + `"}}}`,
		told{Activity, "", oid, "", "microsoft.support/supporttickets/write", "Microsoft.Storage/storageAccounts/listKeys/action", control, accountID, Granted},
	},
	{
		"root", `{"category":"Administrative","operationName":"Microsoft.Authorization/elevateAccess/action","resultType":"Success","identity":{"authorization":{"scope":"/","action":"Microsoft.Authorization/elevateAccess/action"},"claims":{"oid":"` + oid + `"}}}`,
		told{Activity, "", oid, "", "Microsoft.Authorization/elevateAccess/action", "Microsoft.Authorization/elevateAccess/action", control, "/", Granted},
	},
	{
		"refused", activityEntry("Microsoft.Web/sites/write", "Administrative", `"resultType":"Failure","resultSignature":"Failed.Forbidden",`, ``),
		told{Activity, "", oid, app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Refused},
	},
	{
		"refused, told by the message", activityEntry("Microsoft.Web/sites/write", "Administrative", `"resultType":"Failed","properties":{"statusMessage":"{\"error\":{\"code\":\"AuthorizationFailed\"}}"},`, ``),
		told{Activity, "", oid, app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Refused},
	},
	{
		"failed in conflict", activityEntry("Microsoft.Web/sites/write", "Administrative", `"resultType":"Failure","properties":{"statusCode":"Conflict"},`, ``),
		told{Activity, "", oid, app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Granted},
	},
	{
		"failed, no status", activityEntry("Microsoft.Web/sites/write", "Administrative", `"resultType":"Failure",`, ``),
		told{Activity, "", oid, app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Undecided},
	},
	{
		"failed, not signed in", activityEntry("Microsoft.Web/sites/write", "Administrative", `"resultType":"Failure","resultSignature":"Failed.Unauthorized",`, ``),
		told{Activity, "", oid, app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Undecided},
	},
	{
		"started", activityEntry("Microsoft.Web/sites/write", "Administrative", `"resultType":"Start",`, ``),
		told{Activity, "", oid, app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Undecided},
	},
	{
		"accepted", activityEntry("Microsoft.Web/sites/write", "Administrative", `"resultType":"Accept",`, ``),
		told{Activity, "", oid, app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Granted},
	},
	{
		"health", activityEntry("Microsoft.ServiceHealth/incident/action", "ServiceHealth", ``, ``),
		told{Activity, NoAccess, oid, app, "Microsoft.ServiceHealth/incident/action", "", 0, "", Undecided},
	},
	{
		"policy without a right", activityEntry("Microsoft.Authorization/policies/audit/action", "Policy", `"resultType":"Success",`, ``),
		told{Activity, UnknownOperation, oid, app, "Microsoft.Authorization/policies/audit/action", "", 0, siteID, Undecided},
	},
	{
		"a title, no operation", activityEntry("Update web site", "Administrative", `"resultType":"Success",`, ``),
		told{Activity, UnknownOperation, oid, app, "Update web site", "", 0, siteID, Undecided},
	},
	{
		"REST", `{"authorization":{"action":"Microsoft.Web/sites/restart/action","scope":"` + siteID + `"},"caller":"x@example.com","claims":{"oid":"` + oid + `","appid":"` + app + `"},"category":{"value":"Administrative"},` +
			`"eventTimestamp":"2026-11-02T08:15:04Z","operationName":{"value":"Microsoft.Web/sites/restart/action","localizedValue":"Restart"},"status":{"value":"Failed"},"subStatus":{"value":"NotFound","localizedValue":"Not Found (HTTP Status Code: 404)"},"httpRequest":{"clientIpAddress":"10.1.2.3"}}`,
		told{Activity, "", oid, app, "Microsoft.Web/sites/restart/action", "Microsoft.Web/sites/restart/action", control, siteID, Granted},
	},
	{
		"REST without a category", `{"operationName":{"value":"Microsoft.Storage/storageAccounts/listKeys/action"},"caller":"` + oid + `","properties":{"eventCategory":"Administrative","entity":"` + accountID + `"}}`,
		told{Activity, "", oid, "", "Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Storage/storageAccounts/listKeys/action", control, accountID, Undecided},
	},
	{
		"REST with a right alone", `{"operationName":{"value":"Microsoft.Storage/storageAccounts/listKeys/action"},"authorization":{"action":"Microsoft.Storage/storageAccounts/listKeys/action","scope":"` + accountID + `"}}`,
		told{Activity, NoPrincipal, "", "", "Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Storage/storageAccounts/listKeys/action", control, accountID, Undecided},
	},
	{
		"a name is no principal", strings.Replace(activityEntry("Microsoft.Web/sites/write", "Administrative", `"resultType":"Success","caller":"x@example.com",`, ``), oid, "", 1),
		told{Activity, NoPrincipal, "", app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Granted},
	},
	{
		"table of activities", `{"TimeGenerated":"2026-11-02T08:15:04Z","Type":"AzureActivity","OperationName":"Update web site","OperationNameValue":"Microsoft.Web/sites/write","CategoryValue":"Administrative","Category":"Administrative",` +
			`"ActivityStatusValue":"Failure","ActivitySubstatusValue":"Conflict (HTTP Status Code: 409)","Claims":"{\"oid\":\"` + oid + `\"}","Authorization":"{\"action\":\"Microsoft.Web/sites/write\",\"scope\":\"` + siteID + `\"}","_ResourceId":"` + siteID + `"}`,
		told{Activity, "", oid, "", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Granted},
	},

	// Brokers.
	{
		"sent", busEntry(busID, "SendMessage", "Success", `"AuthType":"AAD","AuthKey":"`+app+`"`),
		told{ServiceBus, NoPrincipal, "", app, "SendMessage", "Microsoft.ServiceBus/namespaces/messages/send/action", data, busID, Granted},
	},
	{
		"not sent", busEntry(busID, "SendMessage", "Failure", `"AuthType":"AAD","AuthKey":"orders"`),
		told{ServiceBus, NoPrincipal, "", "", "SendMessage", "Microsoft.ServiceBus/namespaces/messages/send/action", data, busID, Undecided},
	},
	{
		"received from a hub", busEntry(hubID, "ReceiveMessage", "Success", `"AuthType":"Azure Active Directory","AuthId":"`+app+`"`),
		told{EventHubs, NoPrincipal, "", app, "ReceiveMessage", "Microsoft.EventHub/namespaces/messages/receive/action", data, hubID, Granted},
	},
	{
		"refused connection", busEntry(busID, "Authorization", "Failure", `"AuthType":"AAD","AuthKey":"`+app+`"`),
		told{ServiceBus, ConnectionOnly, "", app, "Authorization", "", 0, busID, Refused},
	},
	{
		"connection", busEntry(busID, "ConnectionOpen", "Success", `"AuthType":"AAD","AuthKey":"`+app+`"`),
		told{ServiceBus, ConnectionOnly, "", app, "ConnectionOpen", "", 0, busID, Undecided},
	},
	{
		"SAS", busEntry(busID, "SendMessage", "Success", `"AuthType":"SAS","AuthKey":"Root"`),
		told{ServiceBus, NoIdentity, "", "", "SendMessage", "", 0, busID, Undecided},
	},
	{
		"nothing said", busEntry(busID, "SendMessage", "Success", `"x":1`),
		told{ServiceBus, NoAuthentication, "", "", "SendMessage", "", 0, busID, Undecided},
	},
	{
		"unknown activity", busEntry(busID, "Frob", "Success", `"AuthType":"AAD","AuthKey":"`+app+`"`),
		told{ServiceBus, UnknownOperation, "", app, "Frob", "", 0, busID, Undecided},
	},
	{
		"provider of the bus", `{"Category":"RuntimeAuditLogs","Provider":"SERVICEBUS","ActivityName":"SendMessage","Status":"Success","AuthType":"AAD"}`,
		told{ServiceBus, NoPrincipal, "", "", "SendMessage", "Microsoft.ServiceBus/namespaces/messages/send/action", data, "", Granted},
	},
	{
		"provider of the hub, no category", `{"Provider":"eventhub","ActivityName":"SendMessage","Status":"Success","AuthType":"AAD"}`,
		told{EventHubs, NoPrincipal, "", "", "SendMessage", "Microsoft.EventHub/namespaces/messages/send/action", data, "", Granted},
	},
	{
		"no provider", `{"Category":"RuntimeAuditLogs","ActivityName":"SendMessage","AuthType":"AAD"}`,
		told{UnknownLog, UnknownCategory, "", "", "SendMessage", "", 0, "", Undecided},
	},
	{
		"operational", `{"EventName":"Create Queue","category":"OperationalLogs","resourceId":"` + busID + `","EventTimeString":"9/28/2026 8:40:06 PM +00:00","Status":"Succeeded","Caller":"ServiceBus Client"}`,
		told{Operational, NoAuthentication, "", "", "Create Queue", "", 0, busID, Undecided},
	},

	// Cosmos DB.
	{
		"document read", `{"category":"DataPlaneRequests","operationName":"Read","resourceId":"` + upper(cosmosID) + `","properties":{"aadPrincipalId":"` + oid + `","aadAppliedRoleAssignmentId":"ra","databaseName":"Shop","collectionName":"Orders","requestResourceType":"Document","statusCode":"200"}}`,
		told{Cosmos, "", oid, "", "Read", "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read", data, cosmosID + "/dbs/shop/colls/orders", Granted},
	},
	{
		"metadata", `{"category":"DataPlaneRequests","operationName":"Read","resourceId":"` + cosmosID + `","properties":{"aadPrincipalId":"` + oid + `","databaseName":"Shop","requestResourceType":"Database","statusCode":"403"}}`,
		told{Cosmos, "", oid, "", "Read", "Microsoft.DocumentDB/databaseAccounts/readMetadata", data, cosmosID + "/dbs/shop", Refused},
	},
	{
		"key of the account", `{"category":"DataPlaneRequests","operationName":"Read","resourceId":"` + cosmosID + `","properties":{"authTokenType":"PrimaryMasterKey","requestResourceType":"Document"}}`,
		told{Cosmos, NoIdentity, "", "", "Read", "", 0, cosmosID, Undecided},
	},
	{
		"unknown operation of Cosmos", `{"OperationName":"Frob","Type":"CDBDataPlaneRequests","_ResourceId":"` + cosmosID + `","AadPrincipalId":"` + oid + `","RequestResourceType":"Document","StatusCode":200}`,
		told{Cosmos, UnknownOperation, oid, "", "Frob", "", 0, cosmosID, Undecided},
	},
	{
		"Cosmos without a category", `{"OperationName":"Query","AadPrincipalId":"` + oid + `","RequestResourceType":"Document","StatusCode":200}`,
		told{Cosmos, "", oid, "", "Query", "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery", data, "", Granted},
	},

	// App Configuration, sign-ins, Graph, events.
	{
		"key value", `{"category":"HttpRequest","resourceId":"` + configID + `","properties":{"clientObjectId":"` + oid + `","method":"GET","requestURI":"https://shop-config.azconfig.io/kv?key=*","statusCode":200,"hitCount":12}}`,
		told{AppConfiguration, "", oid, "", "GET https://shop-config.azconfig.io/kv?key=*", "Microsoft.AppConfiguration/configurationStores/keyValues/read", data, configID, Granted},
	},
	{
		"access key", `{"Type":"AACHttpRequest","_ResourceId":"` + configID + `","Method":"GET","RequestURI":"/kv","StatusCode":200}`,
		told{AppConfiguration, NoIdentity, "", "", "GET /kv", "", 0, configID, Undecided},
	},
	{
		"path without a right", `{"Type":"AACHttpRequest","_ResourceId":"` + configID + `","ClientObjectId":"` + oid + `","Method":"GET","RequestURI":"/moon","StatusCode":200}`,
		told{AppConfiguration, UnknownOperation, oid, "", "GET /moon", "", 0, configID, Undecided},
	},
	{
		"audit of the store", `{"category":"Audit","resourceId":"` + configID + `","operationName":"Read Keys","properties":{"callerIdentity":{"objectId":"` + oid + `"}}}`,
		told{AppConfiguration, UnknownOperation, oid, "", "Read Keys", "", 0, configID, Undecided},
	},
	{
		"sign-in", `{"category":"ManagedIdentitySignInLogs","time":"x","operationName":"Sign-in activity","resourceId":"/tenants/t/providers/Microsoft.aadiam","properties":{"createdDateTime":"2026-11-02T08:15:04+00:00","servicePrincipalId":"` + oid + `","appId":"` + app + `","resourceId":"797f4846-ba00-4fd7-ba43-dac1f8f63013","status":{"errorCode":0},"uniqueTokenIdentifier":"u"}}`,
		told{SignIn, TokenOnly, oid, app, "Sign-in activity", "", 0, "", Undecided},
	},
	{
		"Graph", `{"category":"MicrosoftGraphActivityLogs","properties":{"servicePrincipalId":"` + oid + `","appId":"` + app + `","requestMethod":"GET","requestUri":"https://graph.microsoft.com/v1.0/users","responseStatusCode":200}}`,
		told{Graph, NamesNoRight, oid, app, "GET https://graph.microsoft.com/v1.0/users", "", 0, "", Granted},
	},
	{
		"Graph, refused, no category", `{"UserId":"` + oid + `","AppId":"` + app + `","RequestMethod":"GET","RequestUri":"https://graph.microsoft.com/v1.0/users","ResponseStatusCode":403}`,
		told{Graph, NamesNoRight, oid, app, "GET https://graph.microsoft.com/v1.0/users", "", 0, "", Refused},
	},
	{
		"Graph, other status", `{"category":"MicrosoftGraphActivityLogs","resultSignature":"429","properties":{"userId":"` + oid + `","requestMethod":"GET","requestUri":"/"}}`,
		told{Graph, NamesNoRight, oid, "", "GET /", "", 0, "", Undecided},
	},
	{
		"event of Resource Manager", `{"eventType":"Microsoft.Resources.ResourceWriteSuccess","eventTime":"2026-11-02T08:15:04Z","data":{"authorization":{"scope":"` + siteID + `","action":"Microsoft.Web/sites/write"},"claims":{"appid":"` + app +
			`","http://schemas.microsoft.com/identity/claims/objectidentifier":"` + oid + `"},"operationName":"Microsoft.Web/sites/write","status":"Succeeded","resourceUri":"` + siteID + `"}}`,
		told{EventGrid, "", oid, app, "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", control, siteID, Granted},
	},
	{
		"event of a site", `{"eventType":"Microsoft.Web.AppUpdated","data":{"siteName":"shop"}}`,
		told{EventGrid, NamesNoRight, "", "", "Microsoft.Web.AppUpdated", "", 0, "", Undecided},
	},
	{
		"person", `{"category":"SignInLogs","operationName":"Sign-in activity","identity":"A Person","properties":{"userId":"u"}}`,
		told{OtherLog, ForeignLog, "", "", "Sign-in activity", "", 0, "", Undecided},
	},
	{"nothing known", `{"category":"MoonLogs","operationName":"Rise"}`, told{UnknownLog, UnknownCategory, "", "", "Rise", "", 0, "", Undecided}},
	{"nothing at all", `{}`, told{UnknownLog, UnknownCategory, "", "", "", "", 0, "", Undecided}},
	{"long category", `{"category":"` + strings.Repeat("x", 100) + `"}`, told{UnknownLog, UnknownCategory, "", "", "", "", 0, "", Undecided}},
	{
		"letters beyond ASCII", `{"category":"AuditEvent","operationName":"VaultGet","resourceId":"/SUBSCRIPTIONS/ÉTÉ/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/X"}`,
		told{KeyVault, NoPrincipal, "", "", "VaultGet", "Microsoft.KeyVault/vaults/read", control, "/subscriptions/été/providers/microsoft.keyvault/vaults/x", Undecided},
	},
}

func newParser(t testing.TB) *Parser {
	t.Helper()
	p, err := NewParser()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEntries(t *testing.T) {
	p := newParser(t) // one parser: nothing of an entry may stay for the next
	for _, c := range entryTests {
		e, err := p.Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, c.text)
			continue
		}
		if diff := cmp.Diff(c.want, tell(e)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if e.Use() != (c.want.Reason == NoReason) {
			t.Errorf("%s: a use: %v", c.name, e.Use())
		}
	}
}

// The same entry with other blanks, with its keys in another letter case, and with its
// ASCII letters as escapes says the same.
func TestFormOfAnEntryDoesNotCount(t *testing.T) {
	p := newParser(t)
	for _, c := range entryTests {
		spaced := strings.NewReplacer(`{"`, "{ \n\"", `,"`, " ,\t\"", `":`, `" : `).Replace(c.text)
		if strings.Contains(c.text, `\"`) || strings.Contains(spaced, "https :") {
			continue
		}
		e, err := p.Parse([]byte(spaced))
		if err != nil || tell(e) != c.want {
			t.Errorf("%s, spaced: %v\n%s", c.name, err, spaced)
		}
	}
}

func TestOtherFields(t *testing.T) {
	p := newParser(t)
	e, err := p.Parse([]byte(vaultEntry("SecretGet", secretURI+`,"clientInfo":"azsdk-net/1","httpStatusCode":200,"appliedAssignmentId":"ra1"`, ``)))
	if err != nil {
		t.Fatal(err)
	}
	got := e.Clone()
	if _, err := p.Parse([]byte(`{"time":"zzz"}`)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Category": "AuditEvent", "Resource": vaultID, "Caller": "10.1.2.3", "Agent": "azsdk-net/1", "Host": siteID, "Assignment": "ra1", "Correlation": "c1", "Token": "u1",
	}
	v := reflect.ValueOf(got).Elem()
	for name, text := range want {
		if have := string(v.FieldByName(name).Bytes()); have != text {
			t.Errorf("%s: %q, expected %q", name, have, text)
		}
	}
	if !got.Time.Equal(time.Date(2026, 11, 2, 8, 15, 4, 123456700, time.UTC)) || got.Count != 1 {
		t.Errorf("time %v, count %d", got.Time, got.Count)
	}
	e, err = p.Parse([]byte(entryTests[len(entryTests)-1].text))
	if err != nil || !e.Time.IsZero() || e.Caller != nil {
		t.Errorf("an entry without time and caller has %v, %q (%v)", e.Time, e.Caller, err)
	}
	for text, count := range map[string]int64{
		busEntry(busID, "SendMessage", "Success", `"AuthType":"AAD"`):                                                            7,
		strings.Replace(busEntry(busID, "SendMessage", "Success", `"AuthType":"AAD"`), `"Count":7`, `"Count":0`, 1):              1,
		strings.Replace(busEntry(busID, "SendMessage", "Success", `"AuthType":"AAD"`), `"Count":7`, `"Count":99999999999999`, 1): 1,
		strings.Replace(busEntry(busID, "SendMessage", "Success", `"AuthType":"AAD"`), `"Count":7`, `"Count":"many"`, 1):         1,
	} {
		if e, err := p.Parse([]byte(text)); err != nil || e.Count != count {
			t.Errorf("%s: count %d (%v), expected %d", text, e.Count, err, count)
		}
	}
}

// Every field that holds text is cloned.
func TestCloneIsWhole(t *testing.T) {
	var e Entry
	v := reflect.ValueOf(&e).Elem()
	texts := 0
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice {
			f.SetBytes([]byte(v.Type().Field(i).Name))
			texts++
		}
	}
	if texts == 0 || texts != len(e.texts()) {
		t.Fatalf("%d fields of text, %d are cloned", texts, len(e.texts()))
	}
	c := e.Clone()
	for _, b := range e.texts() {
		clear(*b)
	}
	cv := reflect.ValueOf(c).Elem()
	for i := range cv.NumField() {
		if f := cv.Field(i); f.Kind() == reflect.Slice && string(f.Bytes()) != cv.Type().Field(i).Name {
			t.Errorf("%s is not cloned", cv.Type().Field(i).Name)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	p := newParser(t)
	_, err := p.Parse([]byte(`{"a":1,,}`))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 7 || !errors.Is(err, errMember) || !strings.HasPrefix(err.Error(), "byte 8: ") {
		t.Errorf("%v", err)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "10.0.0.1": "10.0.0.1", "10.0.0.1:443": "10.0.0.1", "2001:db8::1": "2001:db8::1", "[2001:db8::1]:443": "2001:db8::1", "[oops:1": "[oops:1",
	} {
		if got := string(address([]byte(text))); got != want {
			t.Errorf("%q: %q, expected %q", text, got, want)
		}
	}
}

func TestStrings(t *testing.T) {
	if got := fmt.Sprint(KeyVault, OtherLog, Log(200)); got != "key-vault other unknown" {
		t.Error(got)
	}
	if got := fmt.Sprint(Undecided, Granted, Refused); got != "undecided granted refused" {
		t.Error(got)
	}
	if len(logNames) != int(OtherLog)+1 {
		t.Errorf("%d names of logs", len(logNames))
	}
}

// The common kinds allocate nothing.
func TestParseAllocates(t *testing.T) {
	p := newParser(t)
	for _, c := range entryTests[:1] {
		allocates(t, p, c.name, c.text)
	}
	for _, text := range samples() {
		allocates(t, p, text[:80], text)
	}
}

func allocates(t *testing.T, p *Parser, name, text string) {
	t.Helper()
	line := []byte(text)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := p.Parse(line); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%s: %v allocations", name, n)
	}
}

// samples are entries with all the fields that Azure writes.
func samples() []string {
	return []string{
		`{"time":"2026-11-02T08:15:04.1234567Z","category":"AuditEvent","operationName":"SecretGet","resultType":"Success","correlationId":"3a53ee6c-8f0b-4f3c-9f3e-77d2a9f50001","callerIpAddress":"10.20.30.40",` +
			`"identity":{"claim":{"oid":"` + oid + `","appid":"` + app + `","appidacr":"2","idtyp":"app","xms_az_nwperimid":[],"xms_mirid":"` + siteID + `","uti":"q0bGk2uXnkqXy0XkAAAAAA","ipaddr":"10.20.30.40"}},` +
			`"properties":{"id":"https://shop-kv.vault.azure.net/secrets/orders-connection/0123456789abcdef0123456789abcdef","clientInfo":"azsdk-net-Security.KeyVault.Secrets/4.6.0 (.NET 8.0.11; Debian GNU/Linux 12)","httpStatusCode":200,` +
			`"requestUri":"https://shop-kv.vault.azure.net/secrets/orders-connection/?api-version=7.5","isRbacAuthorized":true,"appliedAssignmentId":"b7e6dc6d-f1e8-4753-8033-0f276bb00001","isAddressAuthorized":true,"addressAuthorizationType":"PublicIP","tlsVersion":"TLS1_3"},` +
			`"resourceId":"` + upper(vaultID) + `","operationVersion":"7.5","resultSignature":"OK","durationMs":"19"}`,
		`{"time":"2026-11-02T08:15:04.1234567Z","resourceId":"` + blobID + `","category":"StorageRead","operationName":"GetBlob","operationVersion":"2024-11-04","schemaVersion":"1.0","statusCode":200,"statusText":"Success","durationMs":7,` +
			`"callerIpAddress":"10.20.30.40:53211","correlationId":"5f6f3f0e-c01e-0042-1a2b-3c4d5e000000","identity":{"type":"OAuth","tokenHash":"0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F9","authorization":[{"action":"` + blobRead + `",` +
			`"roleAssignmentId":"b7e6dc6d-f1e8-4753-8033-0f276bb00002","roleDefinitionId":"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1","principals":[{"id":"` + oid + `","type":"ServicePrincipal"}],"denyAssignmentId":""}],` +
			`"requester":{"appId":"` + app + `","audience":"https://storage.azure.com/","objectId":"` + oid + `","tenantId":"0b1f6471-1bf0-4dda-aec3-444455556666","tokenIssuer":"https://sts.windows.net/0b1f6471-1bf0-4dda-aec3-444455556666/"}},` +
			`"location":"westeurope","properties":{"accountName":"shopdata","userAgentHeader":"azsdk-net-Storage.Blobs/12.22.2 (.NET 8.0.11; Debian GNU/Linux 12)","clientRequestId":"8a8c3d1e-0d2f-4e39-9b7a-0123456789ab","etag":"\"0x8DCF1A2B3C4D5E6\"",` +
			`"serviceType":"blob","objectKey":"/shopdata/orders/2026/11/02/0001.json","lastModifiedTime":"2026/11/02 08:15:00.0000000","metricResponseType":"Success","serverLatencyMs":6,"requestHeaderSize":512,"responseHeaderSize":420,"responseBodySize":20480,"tlsVersion":"TLS 1.3"},` +
			`"uri":"https://shopdata.blob.core.windows.net:443/orders/2026/11/02/0001.json","protocol":"HTTPS","resourceType":"Microsoft.Storage/storageAccounts/blobServices"}`,
	}
}

func BenchmarkParse(b *testing.B) {
	for i, name := range []string{"vault", "storage"} {
		line := []byte(samples()[i])
		b.Run(name, func(b *testing.B) {
			p := newParser(b)
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Parse(line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
