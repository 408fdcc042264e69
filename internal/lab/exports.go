// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet/internal/lab/kql"
)

//go:embed tables.tsv
var tableText string

// TableColumns are the columns of the tables of Log Analytics that the lab has, by the names
// of the tables.
func TableColumns() (map[string][]kql.Column, error) { return columnsOnce() }

var columnsOnce = sync.OnceValues(func() (map[string][]kql.Column, error) { return readColumns(tableText) })

// kqlTypes are types by the names that the documentation has for them.
var kqlTypes = map[string]kql.Type{
	"string": kql.String, "int": kql.Long, "long": kql.Long, "real": kql.Real, "bool": kql.Bool, "datetime": kql.Datetime, "dynamic": kql.Dynamic,
}

func readColumns(text string) (map[string][]kql.Column, error) {
	tables := map[string][]kql.Column{}
	n := 0
	for line := range strings.Lines(text) {
		if n++; strings.HasPrefix(line, "#") || strings.HasPrefix(line, "table\t") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("reading the columns of tables: line %d has %d fields", n, len(f))
		}
		typ, ok := kqlTypes[f[2]]
		if !ok {
			return nil, fmt.Errorf("reading the columns of tables: line %d: %q is no type", n, f[2])
		}
		tables[f[0]] = append(tables[f[0]], kql.Column{Name: f[1], Type: typ})
	}
	return tables, nil
}

// logTable is a table in memory.
type logTable struct {
	columns []kql.Column
	rows    []object
}

// Columns, Len and Value implement kql.Table.
func (t *logTable) Columns() []kql.Column { return t.columns }

// Len is how many rows there are.
func (t *logTable) Len() int { return len(t.rows) }

// Value returns a value in the type of its column; null, or an empty text, where there is
// none.
func (t *logTable) Value(row, column int) any {
	c := t.columns[column]
	return typed(c.Type, t.rows[row][c.Name])
}

// typed brings a value of an export into the type of a column.
func typed(typ kql.Type, v any) any {
	text := func() string {
		switch v := v.(type) {
		case nil:
			return ""
		case string:
			return v
		}
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(b)
	}
	switch typ {
	case kql.String:
		return text()
	case kql.Long:
		if n, err := strconv.ParseInt(text(), 10, 64); err == nil {
			return n
		}
	case kql.Real:
		if n, err := strconv.ParseFloat(text(), 64); err == nil {
			return n
		}
	case kql.Bool:
		if b, ok := v.(bool); ok {
			return b
		}
	case kql.Datetime:
		if t, err := time.Parse(time.RFC3339Nano, text()); err == nil {
			return logTime(t)
		}
	case kql.Dynamic:
		return v
	}
	return nil
}

// exported are the entries of a folder of exports, as rows of tables.
type exported map[string]*logTable

// table finds a table by its name in small letters; nil if there is none.
func (e exported) table(name string) kql.Table {
	for n, t := range e {
		if strings.EqualFold(n, name) {
			return t
		}
	}
	return nil
}

// readExports reads a folder of exports.
func readExports(dir string) (exported, error) {
	columns, err := TableColumns()
	if err != nil {
		return nil, err
	}
	out := exported{}
	for name, c := range columns {
		out[name] = &logTable{columns: c}
	}
	if dir == "" {
		return out, nil
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err //nolint:wrapcheck // the caller says what was read
		}
		container, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		return out.file(path, container)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the logs of the lab: %w", err)
	}
	return out, nil
}

// file reads one blob.
func (e exported) file(path, container string) error {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return err //nolint:wrapcheck // the caller says what was read
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxBody)
	for lines.Scan() {
		var entry object
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&entry); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if table, row := rowOf(container, entry); table != "" {
			e[table].rows = append(e[table].rows, row)
		}
	}
	return lines.Err() //nolint:wrapcheck // as above
}

// numbered turns numbers into those that queries know.
func numbered(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case map[string]any:
		for k := range v {
			v[k] = numbered(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbered(v[i])
		}
	}
	return v
}

// rowOf makes a row of a table of an entry, by its container: what resource-specific
// tables of a diagnostic setting hold. It returns "" where the lab has no table for it.
func rowOf(container string, e object) (table string, row object) {
	e, _ = numbered(e).(map[string]any)
	p := below(e, "properties")
	resource := strings.ToLower(fmt.Sprint(first(e["resourceId"], e["ResourceId"], "")))
	row = object{"TimeGenerated": first(e["time"], e["Time"], e["Timestamp"]), "_ResourceId": resource, "CorrelationId": e["correlationId"], "OperationName": e["operationName"], "Category": e["category"]}
	switch strings.TrimPrefix(container, "insights-logs-") {
	case "insights-activity-logs":
		return activityRow(e, p, row)
	case "auditevent":
		return vaultRow(e, p, row)
	case "storageread", "storagewrite", "storagedelete":
		return storageRow(e, p, row, resource)
	case "managedidentitysigninlogs":
		copied(row, p, "Id id", "ServicePrincipalId servicePrincipalId", "ServicePrincipalName servicePrincipalName", "AppId appId", "IPAddress ipAddress", "ResourceDisplayName resourceDisplayName",
			"ResourceIdentity resourceId", "UniqueTokenIdentifier uniqueTokenIdentifier", "FederatedCredentialId federatedCredentialId", "CreatedDateTime createdDateTime")
		row["AADTenantId"], row["ResultType"] = e["tenantId"], e["resultType"]
		return "AADManagedIdentitySignInLogs", row
	case "microsoftgraphactivitylogs":
		copied(row, p, "RequestId requestId", "RequestMethod requestMethod", "RequestUri requestUri", "ResponseStatusCode responseStatusCode", "AppId appId", "IPAddress ipAddress", "UserAgent userAgent",
			"ServicePrincipalId servicePrincipalId", "UserId userId")
		if _, tenant, ok := strings.Cut(resource, "/tenants/"); ok {
			row["AadTenantId"], _, _ = strings.Cut(tenant, "/")
		}
		return "MicrosoftGraphActivityLogs", row
	case "runtimeauditlogs":
		copied(row, e, "ActivityId ActivityId", "ActivityName ActivityName", "AuthKey AuthKey", "AuthType AuthType", "ClientIp ClientIP", "Count Count", "NetworkType NetworkType", "Properties Properties",
			"Protocol Protocol", "Provider Provider", "Status Status")
		return "AZMSRunTimeAuditLogs", row
	case "dataplanerequests":
		copied(row, p, "ActivityId activityId", "AadPrincipalId aadPrincipalId", "AadAppliedRoleAssignmentId aadAppliedRoleAssignmentId", "AuthTokenType authTokenType", "ClientIpAddress clientIpAddress",
			"CollectionName collectionName", "DatabaseName databaseName", "RequestResourceId requestResourceId", "RequestResourceType requestResourceType", "StatusCode statusCode", "UserAgent userAgent")
		return "CDBDataPlaneRequests", row
	case "httprequest":
		copied(row, p, "RequestId requestId", "Method method", "RequestURI requestURI", "StatusCode statusCode", "HitCount hitCount", "ClientIPAddress clientIPAddress", "ClientObjectId clientObjectId", "UserAgent userAgent")
		return "AACHttpRequest", row
	}
	return "", nil
}

func below(e object, key string) object {
	m, _ := e[key].(map[string]any)
	return m
}

// first returns the first value that is there.
func first(values ...any) any {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

// copied takes values under other names: "Column key".
func copied(row, from object, pairs ...string) {
	for _, p := range pairs {
		column, key, _ := strings.Cut(p, " ")
		row[column] = from[key]
	}
}

func activityRow(e, p, row object) (string, object) {
	identity := below(e, "identity")
	signature := fmt.Sprint(first(e["resultSignature"], ""))
	_, signature, _ = strings.Cut(signature, ".")
	copied(row, e, "CategoryValue category", "OperationNameValue operationName", "ActivityStatusValue resultType", "CallerIpAddress callerIpAddress", "Level level", "OperationId operationId")
	row["ActivitySubstatusValue"], row["Authorization_d"], row["Claims_d"], row["Properties_d"] = signature, identity["authorization"], identity["claims"], p
	row["Caller"] = below(identity, "claims")["http://schemas.microsoft.com/identity/claims/objectidentifier"]
	return "AzureActivity", row
}

func vaultRow(e, p, row object) (string, object) {
	identity := e["identity"]
	if s, isText := identity.(string); isText { // managed HSM
		var v any
		if json.Unmarshal([]byte(s), &v) == nil {
			identity = v
		}
	}
	copied(row, e, "ResultType resultType", "ResultSignature resultSignature", "ResultDescription resultDescription", "CallerIpAddress callerIpAddress")
	copied(row, p, "Id id", "IsRbacAuthorized isRbacAuthorized", "IsAccessPolicyMatch isAccessPolicyMatch", "IsAddressAuthorized isAddressAuthorized", "AppliedAssignmentId appliedAssignmentId", "Tlsversion tlsVersion",
		"AddressAuthorizationType addressAuthorizationType")
	row["Identity"], row["Properties"] = identity, p
	row["HttpStatusCode"], row["RequestUri"], row["ClientInfo"] = first(p["httpStatusCode"], e["httpStatusCode"]), first(p["requestUri"], e["requestUri"]), first(p["clientInfo"], e["clientInfo"])
	return "AZKVAuditLogs", row
}

// storageTables are the tables of the services of a storage account.
var storageTables = map[string]string{"blob": "StorageBlobLogs", "queue": "StorageQueueLogs", "table": "StorageTableLogs", "file": "StorageFileLogs"}

func storageRow(e, p, row object, resource string) (string, object) {
	identity := below(e, "identity")
	copied(row, e, "OperationVersion operationVersion", "SchemaVersion schemaVersion", "StatusCode statusCode", "StatusText statusText", "CallerIpAddress callerIpAddress", "Location location", "Uri uri", "Protocol protocol")
	copied(row, p, "AccountName accountName", "ObjectKey objectKey", "ServiceType serviceType", "OperationCount operationCount", "UserAgentHeader userAgentHeader", "ClientRequestId clientRequestId", "TlsVersion tlsVersion")
	copied(row, identity, "AuthenticationType type", "AuthenticationHash tokenHash", "AuthorizationDetails authorization")
	copied(row, below(identity, "requester"), "RequesterAppId appId", "RequesterAudience audience", "RequesterObjectId objectId", "RequesterTenantId tenantId", "RequesterTokenIssuer tokenIssuer", "RequesterUpn upn")
	for service, table := range storageTables {
		if strings.Contains(resource, "/"+service+"services/") {
			return table, row
		}
	}
	return "", nil
}
