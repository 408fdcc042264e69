// SPDX-License-Identifier: Apache-2.0

package kusto

import (
	"fmt"
	"strings"
	"time"
)

// A Table is one of Log Analytics, with what is asked of it.
type Table struct {
	// Name is that of the table.
	Name string
	// category is what the diagnostic form calls the log, where the table has no column for it.
	category string
	// where is a condition of entries.
	where string
	// once names the columns that tell an entry from its repetition, beside its time and what
	// is asked for.
	once []string
	// calls says that several entries tell of one call, which is put together within an hour.
	calls bool
	// columns are what entries are grouped by.
	columns []column
}

// column is a value that entries are grouped by.
type column struct {
	name, value string
	// key is where package logs finds it in an entry; empty: under the name.
	key []string
	// raw says that the value is JSON.
	raw bool
}

// is is a column as it is in the table.
func is(name string) column { return column{name: name, value: name} }

func as(name, value string, key ...string) column { return column{name: name, value: value, key: key} }

// Expressions. They keep what package logs reads of a value, and drop what only makes
// groups smaller: ports, versions of secrets, names of blobs.
const (
	objectID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
	// vaultObject is a URI up to the name of a secret, key or certificate.
	vaultObject = `'^[^:]*://[^/]*/(?i:secrets|keys|certificates)/[^/?#]+'`
	// storageObject is an object key up to the container: /account/container, or a URL.
	storageObject = `'^"?(/[^/"]*/[^/"]*|[a-z]+://[^/?"]*/[^/?"]*)'`
	// settingPath is a URI up to the first part of its path.
	settingPath = `'^[^:/]*://[^/]*/[^/?#]*|^/?[^/?#]*'`
	// named is true of entries of storage that name who signed in.
	named = `AuthenticationType in~ ('OAuth', 'Kerberos')`
)

// address drops the port: 10.0.0.4:443, [2001:db8::7]:443.
func address(of string) string {
	return "coalesce(extract('^([^:]*):[0-9]+$', 1, " + of + "), extract('^(\\\\[[^\\\\]]*\\\\])', 1, " + of + "), " + of + ")"
}

// ifNamed is empty where nobody is named: what only a key signed is counted, no more.
func ifNamed(value string) string { return "iff(" + named + ", " + value + ", '')" }

func text(value string) string { return "tostring(" + value + ")" }

// Tables returns the tables that are asked, in order. Columns: learn.microsoft.com
// azure-monitor/reference/tables, read 2026-11.
func Tables() []Table {
	tables := []Table{{
		Name: "AzureActivity", once: []string{"EventDataId"}, calls: true,
		columns: []column{
			is("CorrelationId"), is("OperationId"), is("CategoryValue"), is("OperationNameValue"), is("ActivityStatusValue"), is("ActivitySubstatusValue"),
			as("Action", text("Authorization_d.action"), "authorization", "action"),
			as("Scope", text("Authorization_d.scope"), "authorization", "scope"),
			as("Oid", "coalesce("+text("Claims_d.oid")+", "+text("Claims_d['"+objectID+"']")+")", "claims", "oid"),
			as("App", text("Claims_d.appid"), "claims", "appid"),
			as("Host", text("Claims_d.xms_mirid"), "claims", "xms_mirid"),
			is("Caller"), is("CallerIpAddress"), is("_ResourceId"),
			as("Entity", text("Properties_d.entity"), "properties", "entity"),
			as("StatusCode", text("Properties_d.statusCode"), "properties", "statusCode"),
			as("StatusMessage", "iff("+text("Properties_d.statusMessage")+" contains_cs 'AuthorizationFailed' or "+text("Properties_d.statusMessage")+" contains_cs 'Forbidden', 'Forbidden', '')", "properties", "statusMessage"),
		},
	}, {
		Name: "AZKVAuditLogs", category: "AuditEvent", once: []string{"CorrelationId"},
		columns: []column{
			is("OperationName"), is("_ResourceId"),
			as("Oid", "coalesce("+text("Identity.claim.oid")+", "+text("Identity.claim['"+objectID+"']")+", "+
				text("Identity.claim.http_schemas_microsoft_com_identity.claims.objectidentifier")+")", "identity", "claim", "oid"),
			as("App", text("Identity.claim.appid"), "identity", "claim", "appid"),
			as("Host", text("Identity.claim.xms_mirid"), "identity", "claim", "xms_mirid"),
			as("Object", "coalesce(extract("+vaultObject+", 0, Id), extract("+vaultObject+", 0, RequestUri))", "id"),
			as("Code", text("HttpStatusCode"), "httpStatusCode"), is("ResultSignature"),
			as("Rbac", text("IsRbacAuthorized"), "isRbacAuthorized"),
			as("Policy", text("IsAccessPolicyMatch"), "isAccessPolicyMatch"),
			as("Address", text("IsAddressAuthorized"), "isAddressAuthorized"),
			is("CallerIpAddress"), is("ClientInfo"),
		},
	}, {
		// Vaults whose diagnostic setting has no tables of their own. Columns that nothing was
		// ever written to are not there.
		Name: "AzureDiagnostics", where: "ResourceProvider =~ 'MICROSOFT.KEYVAULT' and Category == 'AuditEvent'", once: []string{"CorrelationId"},
		columns: []column{
			is("Category"), is("OperationName"), is("_ResourceId"), is("ResultSignature"), is("CallerIPAddress"),
			as("Oid", "coalesce("+maybe("identity_claim_oid_g")+", "+maybe("identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g")+")", "identity_claim_oid_g"),
			as("App", maybe("identity_claim_appid_g"), "identity_claim_appid_g"),
			as("Host", maybe("identity_claim_xms_mirid_s"), "identity_claim_xms_mirid_s"),
			as("Object", "coalesce(extract("+vaultObject+", 0, "+maybe("id_s")+"), extract("+vaultObject+", 0, "+maybe("requestUri_s")+"))", "id_s"),
			as("Code", maybe("httpStatusCode_d"), "httpStatusCode_d"),
			as("Rbac", maybe("isRbacAuthorized_b"), "isRbacAuthorized_b"),
			as("Policy", maybe("isAccessPolicyMatch_b"), "isAccessPolicyMatch_b"),
			as("Address", maybe("isAddressAuthorized_b"), "isAddressAuthorized_b"),
			as("Agent", maybe("clientInfo_s"), "clientInfo_s"),
		},
	}}
	for _, name := range []string{"StorageBlobLogs", "StorageQueueLogs", "StorageTableLogs", "StorageFileLogs"} {
		tables = append(tables, Table{Name: name, once: []string{"CorrelationId", "OperationCount"}, columns: []column{
			is("Category"), is("_ResourceId"), is("AuthenticationType"),
			as("Operation", ifNamed("OperationName"), "operationName"),
			as("Object", ifNamed("extract("+storageObject+", 1, ObjectKey)"), "objectKey"),
			as("Code", ifNamed("StatusCode"), "statusCode"),
			as("Requester", ifNamed("RequesterObjectId"), "requesterObjectId"),
			as("App", ifNamed("RequesterAppId"), "requesterAppId"),
			{name: "Checked", value: ifNamed(text("AuthorizationDetails")), key: []string{"authorizationDetails"}, raw: true},
			as("Address", ifNamed(address("CallerIpAddress")), "callerIpAddress"),
			as("Agent", ifNamed("UserAgentHeader"), "userAgentHeader"),
		}})
	}
	tenant := func(column string) column {
		return as("_ResourceId", "strcat('/tenants/', "+column+", '/providers/Microsoft.aadiam')")
	}
	for _, category := range []string{"ManagedIdentitySignInLogs", "ServicePrincipalSignInLogs"} {
		tables = append(tables, Table{Name: "AAD" + category, category: category, once: []string{"Id"}, columns: []column{
			tenant("AADTenantId"), is("ServicePrincipalId"), is("AppId"), is("FederatedCredentialId"), is("IPAddress"), is("UserAgent"),
		}})
	}
	return append(tables, Table{
		Name: "MicrosoftGraphActivityLogs", category: "MicrosoftGraphActivityLogs", once: []string{"RequestId"}, columns: []column{tenant("AadTenantId")},
	}, Table{
		Name: "AZMSRunTimeAuditLogs", category: "RuntimeAuditLogs", once: []string{"ActivityId"}, columns: []column{
			is("ActivityName"), is("_ResourceId"), is("Status"), is("AuthType"), is("AuthKey"), is("ClientIp"), is("Count"), is("Provider"),
		},
	}, Table{
		Name: "CDBDataPlaneRequests", category: "DataPlaneRequests", once: []string{"ActivityId"}, columns: []column{
			is("OperationName"), is("_ResourceId"), is("AadPrincipalId"), is("DatabaseName"), is("CollectionName"), is("RequestResourceType"),
			is("StatusCode"), is("ClientIpAddress"), is("UserAgent"),
		},
	}, Table{
		Name: "AACHttpRequest", once: []string{"RequestId"}, columns: []column{
			is("Category"), is("_ResourceId"), is("Method"), as("Path", "extract("+settingPath+", 0, RequestURI)", "requestUri"),
			is("StatusCode"), is("HitCount"), as("Client", maybe("ClientObjectId"), "clientObjectId"), is("ClientIPAddress"), is("UserAgent"),
		},
	})
}

// maybe is a column that need not exist.
func maybe(name string) string { return text("column_ifexists('" + name + "', '')") }

// between is the condition of a span of time, without its end.
func between(from, to time.Time) string {
	return fmt.Sprintf("TimeGenerated >= datetime(%s) and TimeGenerated < datetime(%s)", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
}

// from writes the beginning of a query.
func (t *Table) from(from, to time.Time) string {
	q := t.Name + "\n| where " + between(from, to)
	if t.where != "" {
		q += "\n| where " + t.where
	}
	return q
}

// Days is the query for how many entries there are on each day.
func (t *Table) Days(from, to time.Time) string {
	return t.from(from, to) + "\n| summarize Entries = count() by Day = startofday(TimeGenerated)"
}

// Names of columns of answers, beside those of a table.
const (
	entriesColumn = "Entries"
	firstColumn   = "First"
	lastColumn    = "Last"
	dayColumn     = "Day"
)

// Query is the query for the groups of entries in a span of time: each entry once, put
// together with those of its day, or of its hour where entries tell of calls, that are like
// it in all that counts.
func (t *Table) Query(from, to time.Time) string {
	names := make([]string, len(t.columns))
	var b strings.Builder
	b.WriteString(t.from(from, to))
	b.WriteString("\n| project TimeGenerated")
	for _, c := range t.once {
		b.WriteString(", " + c)
	}
	for i, c := range t.columns {
		names[i] = c.name
		if c.name == c.value {
			b.WriteString(",\n    " + c.name)
		} else {
			b.WriteString(",\n    " + c.name + " = " + c.value)
		}
	}
	all := strings.Join(names, ", ")
	when := "startofday(TimeGenerated)"
	if t.calls {
		when = "bin(TimeGenerated, 1h)"
	}
	fmt.Fprintf(&b, "\n| distinct TimeGenerated, %s, %s", strings.Join(t.once, ", "), all)
	fmt.Fprintf(&b, "\n| summarize %s = count(), %s = min(TimeGenerated), %s = max(TimeGenerated) by %s = %s, %s", entriesColumn, firstColumn, lastColumn, dayColumn, when, all)
	return b.String()
}
