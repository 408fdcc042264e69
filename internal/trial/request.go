// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mivet/mivet/arm"
)

// Unused is a name that nobody uses, for requests that must find nothing. It fits the rules
// for names of all services but tables, which have no hyphens
// (learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model).
const Unused = "mivet-test-3f9c1d7e52ab"

// ErrNoRequest says that an access cannot be asked for without changing something.
var ErrNoRequest = errors.New("no request asks for it and changes nothing")

// Hosts are the ends of the names of services in a cloud.
type Hosts struct {
	ResourceManager, Audience                                      string
	Vault, Storage, Bus, Cosmos, AppConfig, OpenAI, OpenAIAudience string
}

// Clouds are the hosts of the public clouds, without Resource Manager (learn.microsoft.com/azure
// key-vault/general/about-keys-secrets-certificates, developer guides of the national clouds).
var clouds = map[string]Hosts{
	"public": {
		Vault: "vault.azure.net", Storage: "core.windows.net", Bus: "servicebus.windows.net", Cosmos: "documents.azure.com",
		AppConfig: "azconfig.io", OpenAI: "openai.azure.com", OpenAIAudience: "https://cognitiveservices.azure.com",
	},
	"usgov": {
		Vault: "vault.usgovcloudapi.net", Storage: "core.usgovcloudapi.net", Bus: "servicebus.usgovcloudapi.net", Cosmos: "documents.azure.us",
		AppConfig: "azconfig.azure.us", OpenAI: "openai.azure.us", OpenAIAudience: "https://cognitiveservices.azure.us",
	},
	"china": {
		Vault: "vault.azure.cn", Storage: "core.chinacloudapi.cn", Bus: "servicebus.chinacloudapi.cn", Cosmos: "documents.azure.cn",
		AppConfig: "azconfig.azure.cn", OpenAI: "openai.azure.cn", OpenAIAudience: "https://cognitiveservices.azure.cn",
	},
}

// HostsOf returns the hosts of a cloud; one that is not known has those of the public one.
func HostsOf(name, resourceManager, audience string) Hosts {
	h, ok := clouds[name]
	if !ok {
		h = clouds["public"]
	}
	h.ResourceManager, h.Audience = resourceManager, audience
	return h
}

// Request asks for one access.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        string
	// Audience is whom the token is for, without "/.default".
	Audience string
	// Service is whose answers they are, where these have a form of their own.
	Service Service
	// Wrong is true where the request is made so that the service refuses it as wrong, once it
	// has let the caller in.
	Wrong bool
	// Versions is true where the service names the versions of its API that it knows.
	Versions bool
}

// Service is a service whose answers have a form of their own.
type Service uint8

// The services whose answers differ from those of the others.
const (
	Common Service = iota
	// Bus is Service Bus, which refuses with the status 401.
	Bus
	// Cosmos is Cosmos DB, which also wants the token in another form.
	Cosmos
	// Config is App Configuration, which refuses without a word.
	Config
	// Model is Azure OpenAI, which refuses with the status 401.
	Model
)

// For makes the request that asks for an operation on a resource. The error wraps
// [ErrNoRequest] where there is none.
func For(h Hosts, op arm.Operation, target arm.ID) (*Request, error) {
	a := &asking{h: h, op: string(op.Key()), target: target}
	for at := target; at.Level() == arm.LevelResource; at = at.Parent() {
		a.parts = append([]part{{strings.ToLower(at.Type()), at.Name()}}, a.parts...)
	}
	for _, service := range services {
		if len(a.parts) > 0 && a.parts[0].typ == service.account && strings.HasPrefix(a.op, service.operations) {
			if r := service.ask(a); r != nil {
				return r, nil
			}
			return nil, fmt.Errorf("%s on %s: %w", op, target.Name(), ErrNoRequest)
		}
	}
	if strings.HasSuffix(a.op, "/read") && a.op == strings.ToLower(readOf(target)) {
		return &Request{
			Method: http.MethodGet, URL: h.ResourceManager + target.String() + "?api-version=2021-04-01", Audience: h.Audience, Versions: true,
		}, nil
	}
	return nil, fmt.Errorf("%s on %s: %w", op, target.Name(), ErrNoRequest)
}

// readOf is the operation that reads a resource itself.
func readOf(id arm.ID) string {
	if id.Level() == arm.LevelResourceGroup {
		return "Microsoft.Resources/subscriptions/resourceGroups/read"
	}
	return id.Type() + "/read"
}

// part is one resource on the way to the target: an account, and what is in it.
type part struct{ typ, name string }

// asking is an operation on a target that a request is made for.
type asking struct {
	h      Hosts
	op     string
	target arm.ID
	parts  []part
}

// name is the name of the part of a type, or a name that nobody uses.
func (a *asking) name(typ string) string {
	for _, p := range a.parts {
		if p.typ == strings.ToLower(typ) {
			return url.PathEscape(p.name)
		}
	}
	return Unused
}

// is reports whether the operation is one of an account's, by the rest of its name.
func (a *asking) is(rest string) bool {
	return a.op == a.parts[0].typ+"/"+strings.ToLower(rest)
}

// service makes the requests of one service.
type service struct {
	account    string
	operations string
	ask        func(*asking) *Request
}

var services = []service{
	{"microsoft.keyvault/vaults", "microsoft.keyvault/vaults/secrets/", askSecret},
	{"microsoft.keyvault/vaults", "microsoft.keyvault/vaults/keys/", askKey},
	{"microsoft.keyvault/vaults", "microsoft.keyvault/vaults/certificates/", askCertificate},
	{"microsoft.storage/storageaccounts", "microsoft.storage/storageaccounts/blobservices/containers/blobs/", askBlob},
	{"microsoft.storage/storageaccounts", "microsoft.storage/storageaccounts/queueservices/queues/messages/", askQueue},
	{"microsoft.storage/storageaccounts", "microsoft.storage/storageaccounts/tableservices/tables/entities/", askTable},
	{"microsoft.servicebus/namespaces", "microsoft.servicebus/namespaces/messages/", askBus},
	{"microsoft.eventhub/namespaces", "microsoft.eventhub/namespaces/messages/", askNothing},
	{"microsoft.documentdb/databaseaccounts", "microsoft.documentdb/databaseaccounts/sqldatabases/containers/", askCosmos},
	{"microsoft.appconfiguration/configurationstores", "microsoft.appconfiguration/configurationstores/keyvalues/", askConfig},
	{"microsoft.cognitiveservices/accounts", "microsoft.cognitiveservices/accounts/openai/", askModel},
}

// askNothing is for services whose every request changes something: an event that was sent
// cannot be taken back, and receiving needs AMQP
// (learn.microsoft.com/rest/api/eventhub/event-hubs-runtime-rest).
func askNothing(*asking) *Request { return nil }

const vaultVersion = "?api-version=7.4"

func (a *asking) vault(method, path, body string) *Request {
	r := &Request{Method: method, URL: "https://" + a.parts[0].name + "." + a.h.Vault + path, Body: body, Audience: "https://" + a.h.Vault}
	if body != "" {
		r.Header = http.Header{"Content-Type": {"application/json"}}
	}
	return r
}

// askSecret: learn.microsoft.com/rest/api/keyvault/secrets. Setting a secret knows no
// precondition; one that is deleted must have another name than any that exists.
func askSecret(a *asking) *Request {
	const typ = "Microsoft.KeyVault/vaults/secrets"
	switch {
	case a.is("secrets/getSecret/action"):
		return a.vault(http.MethodGet, "/secrets/"+a.name(typ)+vaultVersion, "")
	case a.is("secrets/readMetadata/action") && len(a.parts) == 1:
		return a.vault(http.MethodGet, "/secrets"+vaultVersion+"&maxresults=1", "")
	case a.is("secrets/readMetadata/action"):
		return a.vault(http.MethodGet, "/secrets/"+a.name(typ)+"/versions"+vaultVersion+"&maxresults=1", "")
	case a.is("secrets/delete") && len(a.parts) == 1:
		return a.vault(http.MethodDelete, "/secrets/"+Unused+vaultVersion, "")
	}
	return nil
}

// askKey: learn.microsoft.com/rest/api/keyvault/keys. Using a key changes nothing.
func askKey(a *asking) *Request {
	path := "/keys/" + a.name("Microsoft.KeyVault/vaults/keys")
	const digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	use := func(verb, body string) *Request {
		r := a.vault(http.MethodPost, path+"/"+verb+vaultVersion, body)
		r.Wrong = true // a key of another sort, or a text that was never encrypted
		return r
	}
	switch {
	case a.is("keys/read"):
		return a.vault(http.MethodGet, path+vaultVersion, "")
	case a.is("keys/sign/action"):
		return use("sign", `{"alg":"RS256","value":"`+digest+`"}`)
	case a.is("keys/verify/action"):
		return use("verify", `{"alg":"RS256","digest":"`+digest+`","value":"`+digest+`"}`)
	case a.is("keys/encrypt/action"):
		return use("encrypt", `{"alg":"RSA-OAEP-256","value":"`+digest+`"}`)
	case a.is("keys/decrypt/action"):
		return use("decrypt", `{"alg":"RSA-OAEP-256","value":"`+digest+`"}`)
	case a.is("keys/wrap/action"):
		return use("wrapkey", `{"alg":"RSA-OAEP-256","value":"`+digest+`"}`)
	case a.is("keys/unwrap/action"):
		return use("unwrapkey", `{"alg":"RSA-OAEP-256","value":"`+digest+`"}`)
	}
	return nil
}

func askCertificate(a *asking) *Request {
	if a.is("certificates/read") {
		return a.vault(http.MethodGet, "/certificates/"+a.name("Microsoft.KeyVault/vaults/certificates")+vaultVersion, "")
	}
	return nil
}

// never is an entity tag that nothing has.
const never = `"0x0000000000000001"`

func (a *asking) storage(method, kind, path string, header http.Header) *Request {
	if header == nil {
		header = http.Header{}
	}
	header.Set("x-ms-version", "2023-11-03")
	return &Request{Method: method, URL: "https://" + a.parts[0].name + "." + kind + "." + a.h.Storage + path, Header: header, Audience: "https://storage.azure.com"}
}

// askBlob: learn.microsoft.com/rest/api/storageservices/blob-service-rest-api. Access is
// decided before preconditions are looked at.
func askBlob(a *asking) *Request {
	const containers = "Microsoft.Storage/storageAccounts/blobServices/containers"
	container, blob := a.name(containers), a.name(containers+"/blobs")
	switch {
	case a.is("blobServices/containers/blobs/read") && blob == Unused && container != Unused:
		return a.storage(http.MethodGet, "blob", "/"+container+"?restype=container&comp=list&maxresults=1", nil)
	case a.is("blobServices/containers/blobs/read"):
		return a.storage(http.MethodHead, "blob", "/"+container+"/"+blob, nil)
	case a.is("blobServices/containers/blobs/write"):
		r := a.storage(http.MethodPut, "blob", "/"+container+"/"+blob, http.Header{"If-Match": {never}})
		r.Header.Set("x-ms-blob-type", "BlockBlob")
		return r
	case a.is("blobServices/containers/blobs/delete"):
		return a.storage(http.MethodDelete, "blob", "/"+container+"/"+blob, http.Header{"If-Match": {never}})
	}
	return nil
}

// askQueue: learn.microsoft.com/rest/api/storageservices/queue-service-rest-api. A message that
// is put is there, and one that is got is hidden from others for a time. In a queue that does
// not exist neither is.
func askQueue(a *asking) *Request {
	path := "/" + a.name("Microsoft.Storage/storageAccounts/queueServices/queues") + "/messages"
	exists := !strings.HasPrefix(path, "/"+Unused)
	switch {
	case a.is("queueServices/queues/messages/read"):
		return a.storage(http.MethodGet, "queue", path+"?peekonly=true&numofmessages=1", nil)
	case a.is("queueServices/queues/messages/add/action") && !exists:
		r := a.storage(http.MethodPost, "queue", path, http.Header{"Content-Type": {"application/xml"}})
		r.Body = "<QueueMessage><MessageText>mivet</MessageText></QueueMessage>"
		return r
	case a.is("queueServices/queues/messages/process/action") && !exists:
		return a.storage(http.MethodGet, "queue", path+"?numofmessages=1", nil)
	}
	return nil
}

// askTable: learn.microsoft.com/rest/api/storageservices/table-service-rest-api. Merging and
// deleting need an entity that is there; inserting does not.
func askTable(a *asking) *Request {
	table := strings.ReplaceAll(a.name("Microsoft.Storage/storageAccounts/tableServices/tables"), "-", "")
	entity := "/" + table + "(PartitionKey='" + Unused + "',RowKey='" + Unused + "')"
	json := func() http.Header { return http.Header{"Accept": {"application/json;odata=nometadata"}} }
	switch {
	case a.is("tableServices/tables/entities/read"):
		return a.storage(http.MethodGet, "table", "/"+table+"()?$top=1", json())
	case a.is("tableServices/tables/entities/delete"):
		h := json()
		h.Set("If-Match", "*")
		return a.storage(http.MethodDelete, "table", entity, h)
	case a.is("tableServices/tables/entities/update/action"):
		h := json()
		h.Set("If-Match", "*")
		h.Set("Content-Type", "application/json")
		r := a.storage("MERGE", "table", entity, h)
		r.Body = "{}"
		return r
	}
	return nil
}

// askBus: learn.microsoft.com/rest/api/servicebus/message-operations. Unlocking a message that
// nobody locked asks for the right to receive and changes nothing; sending always sends.
func askBus(a *asking) *Request {
	if !a.is("messages/receive/action") || len(a.parts) < 2 || a.parts[1].typ != "microsoft.servicebus/namespaces/queues" {
		return nil
	}
	const id = "/messages/00000000-0000-4000-8000-3f9c1d7e52ab/00000000-0000-4000-8000-3f9c1d7e52ac"
	return &Request{
		Method: http.MethodPut, URL: "https://" + a.parts[0].name + "." + a.h.Bus + "/" + url.PathEscape(a.parts[1].name) + id,
		Audience: "https://servicebus.azure.net", Service: Bus,
	}
}

// askCosmos: learn.microsoft.com/rest/api/cosmos-db/cosmosdb-resource-uri-syntax-for-rest, and
// access-control-on-cosmosdb-resources for the header. Whether the service looks for the
// container or at the caller first is not documented, so it must be one that is there.
func askCosmos(a *asking) *Request {
	const databases = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases"
	if len(a.parts) < 3 {
		return nil
	}
	host := "https://" + a.parts[0].name + "." + a.h.Cosmos
	r := &Request{
		URL:      host + "/dbs/" + a.name(databases) + "/colls/" + a.name(databases+"/containers") + "/docs/" + Unused,
		Audience: host, Service: Cosmos,
		Header: http.Header{"X-Ms-Version": {"2018-12-31"}, "X-Ms-Documentdb-Partitionkey": {`["` + Unused + `"]`}},
	}
	switch {
	case a.is("sqlDatabases/containers/items/read"):
		r.Method = http.MethodGet
	case a.is("sqlDatabases/containers/items/replace"):
		r.Method, r.Body = http.MethodPut, `{"id":"`+Unused+`"}`
		r.Header.Set("If-Match", never)
	case a.is("sqlDatabases/containers/items/delete"):
		r.Method = http.MethodDelete
		r.Header.Set("If-Match", never)
	default:
		return nil
	}
	return r
}

// askConfig: learn.microsoft.com/azure/azure-app-configuration/rest-api-key-value.
func askConfig(a *asking) *Request {
	host := "https://" + a.parts[0].name + "." + a.h.AppConfig
	r := &Request{URL: host + "/kv/" + Unused + "?api-version=1.0", Audience: host, Service: Config}
	switch {
	case a.is("keyValues/read"):
		r.Method = http.MethodGet
	case a.is("keyValues/write"):
		r.Method, r.Body = http.MethodPut, `{"value":"mivet"}`
		r.Header = http.Header{"If-Match": {never}, "Content-Type": {"application/vnd.microsoft.appconfig.kv+json"}}
	case a.is("keyValues/delete"):
		r.Method, r.Header = http.MethodDelete, http.Header{"If-Match": {never}}
	default:
		return nil
	}
	return r
}

// askModel: learn.microsoft.com/azure/ai-services/openai/reference. A body without messages or
// input is refused before a model sees it. Whether the service looks for the deployment or at
// the caller first is not documented, so it must be one that is there.
func askModel(a *asking) *Request {
	var verb string
	switch {
	case len(a.parts) < 2:
		return nil
	case a.is("OpenAI/deployments/chat/completions/action"):
		verb = "chat/completions"
	case a.is("OpenAI/deployments/embeddings/action"):
		verb = "embeddings"
	case a.is("OpenAI/deployments/completions/action"):
		verb = "completions"
	default:
		return nil
	}
	return &Request{
		Method: http.MethodPost, Body: "{}", Wrong: true, Service: Model, Audience: a.h.OpenAIAudience, Header: http.Header{"Content-Type": {"application/json"}},
		URL: "https://" + a.parts[0].name + "." + a.h.OpenAI + "/openai/deployments/" + a.name("Microsoft.CognitiveServices/accounts/deployments") + "/" + verb + "?api-version=2024-10-21",
	}
}
