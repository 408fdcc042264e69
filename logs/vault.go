// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"

	"github.com/mivet/mivet"
)

// platformReader is what Resource Graph calls itself when it reads vaults for its own index.
var platformReader = []byte("AzureResourceGraph.IngestionWorkerService")

// vault reads an AuditEvent.
// Source: MicrosoftDocs/azure-security-docs@1c4310bed articles/key-vault/general/logging.md,
// articles/key-vault/managed-hsm/logging.md.
func (p *Parser) vault() {
	s, e := &p.s, &p.e
	p.object()
	e.Assignment = s.get(slotAssignment)
	service := p.table.vault
	if e.Log == ManagedHSM {
		service = p.table.hsm
	}
	op := service.find(e.Operation)
	if op == nil && bytes.HasSuffix(e.Operation, []byte("EventGridNotification")) {
		op = &operation{reason: OfPlatform}
	}
	e.Scope = e.Resource
	if e.Scope == nil {
		p.entity = fold(p.entity[:0], s.get(slotEntity))
		e.Scope = p.entity
	}
	if p.ask(op) && op.object && e.Resource != nil {
		p.vaultObject()
	}
	if op == nil || op.reason == NoReason {
		e.Granted = p.vaultOutcome()
	}
	if bytes.HasPrefix(e.Agent, platformReader) {
		e.Reason = OfPlatform
	}
}

// vaultObject narrows the scope to the secret, key or certificate in the entry's URI, for
// example https://kv.vault.azure.net/secrets/name/version.
func (p *Parser) vaultObject() {
	for _, n := range [...]slot{slotObjectURI, slotRequestURI} {
		collection, name := vaultPath(p.s.get(n))
		if len(name) == 0 {
			continue
		}
		switch {
		case isWord(collection, "secrets"):
			p.under(p.e.Resource, "/secrets/", name)
		case isWord(collection, "keys"):
			p.under(p.e.Resource, "/keys/", name)
		case isWord(collection, "certificates"):
			p.under(p.e.Resource, "/certificates/", name)
		default:
			continue
		}
		return
	}
}

// vaultPath returns the first two parts of the path of a URI.
func vaultPath(uri []byte) (collection, name []byte) {
	i := bytes.IndexByte(uri, ':')
	if i < 0 || !bytes.HasPrefix(uri[i:], []byte("://")) {
		return nil, nil
	}
	uri = uri[i+3:]
	if i = bytes.IndexByte(uri, '/'); i < 0 {
		return nil, nil
	}
	uri = uri[i+1:]
	from, parts := 0, [2][]byte{}
	for n := range parts {
		to := from
		for to < len(uri) && uri[to] != '/' && uri[to] != '?' && uri[to] != '#' {
			to++
		}
		parts[n] = uri[from:to]
		if to == len(uri) || uri[to] != '/' {
			break
		}
		from = to + 1
	}
	return parts[0], parts[1]
}

// vaultOutcome decides whether the caller had the right. The entry's resultType is
// "Success" on refusals too and counts for nothing. A refusal by the firewall tells
// nothing of rights.
func (p *Parser) vaultOutcome() Outcome {
	s := &p.s
	code := status(s.get(slotHTTPStatus))
	flag := s.first(slotRBAC, slotPolicy)
	if rbac, policy := s.get(slotRBAC), s.get(slotPolicy); isWord(rbac, "false") || isWord(policy, "false") {
		return Refused
	}
	if isWord(flag, "true") {
		if code == 401 || code == 403 {
			return Undecided
		}
		return Granted
	}
	if contradicts(code, s.get(slotResultSignature)) {
		return Undecided
	}
	switch {
	case code == 403:
		if isWord(s.get(slotAddress), "false") {
			return Undecided
		}
		return Refused
	case code >= 200 && code < 300, code == 404, code == 409:
		return Granted
	}
	return Undecided
}

// signatures are the words of resultSignature and the status they stand for.
var signatures = []struct {
	word string
	code int
}{
	{"OK", 200},
	{"Created", 201},
	{"Accepted", 202},
	{"No Content", 204},
	{"NoContent", 204},
	{"Bad Request", 400},
	{"BadRequest", 400},
	{"Unauthorized", 401},
	{"Forbidden", 403},
	{"Not Found", 404},
	{"NotFound", 404},
	{"Conflict", 409},
	{"Internal Server Error", 500},
}

// contradicts reports whether a signature stands for a status of another hundred, or for
// another refusal.
func contradicts(code int, signature []byte) bool {
	if code == 0 || len(signature) == 0 {
		return false
	}
	for _, s := range signatures {
		if isWord(signature, s.word) {
			return s.code != code && (s.code/100 != code/100 || s.code >= 400)
		}
	}
	return false
}

// configuration reads entries of App Configuration.
// Source: learn, azure-monitor/reference/tables/aachttprequest and aacaudit.
func (p *Parser) configuration() {
	s, e := &p.s, &p.e
	e.Scope = e.Resource
	e.Count = times(s.get(slotCount))
	e.Principal = s.get(slotClientObject)
	method, uri := s.get(slotMethod), s.get(slotRequestURI)
	if len(method) == 0 {
		p.object()
		e.Reason = UnknownOperation
		return
	}
	e.Operation = p.request(method, uri)
	if len(e.Principal) == 0 {
		e.Reason = NoIdentity
		return
	}
	if i := bytes.Index(uri, []byte("://")); i >= 0 {
		_, uri, _ = bytes.Cut(uri[i+3:], []byte("/"))
	}
	uri = bytes.TrimPrefix(uri, []byte("/"))
	if i := bytes.IndexAny(uri, "/?#"); i >= 0 {
		uri = uri[:i]
	}
	p.action = append(append(append(p.action[:0], method...), ' '), uri...)
	if p.ask(p.table.config.find(p.action)) {
		e.Granted = outcome(status(s.first(slotStatusCode, slotHTTPStatus)))
	}
}

// request writes a method and a URI.
func (p *Parser) request(method, uri []byte) []byte {
	p.op = append(append(append(p.op[:0], method...), ' '), uri...)
	return p.op
}

// graph reads a request to Microsoft Graph. The log names no permission.
// Source: learn, azure-monitor/reference/tables/microsoftgraphactivitylogs.
func (p *Parser) graph() {
	s, e := &p.s, &p.e
	e.Principal = s.first(slotServicePrincipal, slotUserID)
	e.AppID = s.get(slotAppID)
	e.Operation = p.request(s.get(slotMethod), s.get(slotRequestURI))
	e.Reason = NamesNoRight
	switch code := status(s.first(slotHTTPStatus, slotResultSignature)); {
	case code >= 200 && code < 300, code == 404, code == 409:
		e.Granted = Granted
	case code == 403:
		e.Granted = Refused
	}
}

// signIn reads the sign-in of a managed identity or another service principal: one token
// was fetched.
// Sources: learn, azure-monitor/reference/tables/aadmanagedidentitysigninlogs; graph/api/resources/signin
// and managedidentity (associatedResourceId).
func (p *Parser) signIn() {
	s, e := &p.s, &p.e
	e.Principal = s.get(slotServicePrincipal)
	e.AppID = s.get(slotAppID)
	e.Audience = s.get(slotAudience)
	e.Credential = s.get(slotCredential)
	e.Host = s.get(slotAssociated)
	if e.Audience == nil && !p.of.named { // as Microsoft Graph lists it, the API is the resource
		e.Audience, e.Resource = s.get(slotResourceID), nil
	}
	e.Reason = TokenOnly
}

// runtime reads an entry of RuntimeAuditLogs: what an application did within a minute. It
// names an application, no object id.
// Sources: MicrosoftDocs/azure-docs@0034968 articles/service-bus-messaging/monitor-service-bus-reference.md,
// @00fb7a8 articles/event-hubs/monitor-event-hubs-reference.md.
func (p *Parser) runtime() {
	s, e := &p.s, &p.e
	e.Scope = e.Resource
	e.Count = times(s.get(slotCount))
	e.Operation = s.first(slotActivity, slotOperation)
	kind := s.get(slotAuthType)
	if !isWord(kind, "AAD") && !isWord(kind, "Azure Active Directory") && !isWord(kind, "Microsoft Entra ID") {
		e.Reason = NoIdentity
		if len(kind) == 0 {
			e.Reason = NoAuthentication
		}
		return
	}
	if key := s.get(slotAuthKey); guid(key) {
		e.AppID = key
	}
	service := p.table.bus
	if e.Log == EventHubs {
		service = p.table.hubs
	}
	done := s.first(slotStatus, slotPropertyStatus)
	op := service.find(e.Operation)
	if op != nil && op.reason != NoReason {
		e.Reason = ConnectionOnly
		if isWord(e.Operation, "Authorization") && isWord(done, "Failure") {
			e.Granted = Refused
		}
		return
	}
	if p.ask(op) && isWord(done, "Success") {
		e.Granted = Granted
	}
}

// cosmos reads a request to the data plane of Cosmos DB, whose rights are its own.
// Sources: learn, azure-monitor/reference/tables/cdbdataplanerequests; Cosmos DB how-to-setup-rbac.
func (p *Parser) cosmos() {
	s, e := &p.s, &p.e
	e.Principal = s.get(slotAADPrincipal)
	e.Assignment = s.get(slotAssignment)
	if p.of.named { // entries of the first years name the account alone
		e.Scope = e.Resource
	}
	database, collection := s.get(slotDatabase), s.get(slotCollection)
	if len(database) > 0 && e.Scope != nil {
		p.under(e.Resource, "/dbs/", database)
		if len(collection) > 0 {
			p.scope = fold(append(p.scope, "/colls/"...), collection)
			e.Scope = p.scope
		}
	}
	if len(e.Principal) == 0 {
		e.Reason = NoIdentity
		return
	}
	kind := s.get(slotRequestResource)
	if isWord(kind, "Database") || isWord(kind, "Collection") {
		e.Action, e.Plane = readMetadata, mivet.PlaneData
		e.Granted = outcome(status(s.first(slotStatusCode, slotHTTPStatus)))
		return
	}
	if p.ask(p.table.cosmos.find(e.Operation)) {
		e.Granted = outcome(status(s.first(slotStatusCode, slotHTTPStatus)))
	}
}

var readMetadata = []byte("Microsoft.DocumentDB/databaseAccounts/readMetadata")
