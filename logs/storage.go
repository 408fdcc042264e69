// SPDX-License-Identifier: Apache-2.0

package logs

import "bytes"

// storageService is one of the services of a storage account.
type storageService struct {
	name       string // in the table of operations
	part       string // of a resource id
	collection string // of a scope
	table      string // the suffix of the Log Analytics table
}

var storageServices = []storageService{
	{"blob", "/blobservices/", "/containers/", "bloblogs"},
	{"queue", "/queueservices/", "/queues/", "queuelogs"},
	{"table", "/tableservices/", "/tables/", "tablelogs"},
	{"file", "/fileservices/", "/fileshares/", "filelogs"},
}

// storage reads an entry of StorageRead, StorageWrite or StorageDelete.
// Sources: MicrosoftDocs/azure-docs@01e87bf articles/storage/blobs/monitor-blob-storage-reference.md,
// includes/azure-storage-logs-properties-authentication.md.
func (p *Parser) storage() {
	s, e := &p.s, &p.e
	svc := p.storageService()
	p.storageScope(svc)
	e.Principal = s.get(slotRequester)
	e.AppID = s.get(slotRequesterApp)
	kind := s.get(slotIdentityType)
	if !isWord(kind, "OAuth") && !isWord(kind, "Kerberos") {
		e.Reason = NoIdentity
		if len(kind) == 0 {
			e.Reason = NoAuthentication
		}
		return
	}
	e.Granted = outcome(status(s.get(slotStatusCode)))
	if p.checked() {
		return
	}
	var op *operation
	if svc != nil {
		op = p.table.services[svc.name].find(e.Operation)
	}
	if op == nil && svc != nil && svc.name == "blob" {
		op = p.table.dfs.find(e.Operation)
	}
	if !p.ask(op) && op != nil {
		e.Granted = Undecided
	}
}

// checked takes the rights that the service itself says it checked; they count more than
// the name of the operation. It returns false where it says none.
func (p *Parser) checked() bool {
	s, e := &p.s, &p.e
	for i := range s.nGrants {
		action := s.grants[i].action.plain()
		if len(action) == 0 || i > 0 && bytes.Equal(action, e.Action) {
			continue
		}
		if e.Action == nil {
			e.Action, e.Plane = action, p.planeOf(action)
			e.Assignment = s.grants[i].assignment.plain()
			continue
		}
		p.action = append(append(append(p.action[:0], e.Action...), " + "...), action...)
		e.Action = bytes.Clone(p.action)
	}
	return e.Action != nil
}

// storageService finds the service: in the resource id, else where the entry names it.
func (p *Parser) storageService() *storageService {
	s := &p.s
	if p.of.service != nil {
		return p.of.service
	}
	kind, table := s.get(slotServiceType), s.get(slotType)
	for i := range storageServices {
		svc := &storageServices[i]
		if isWord(kind, svc.name) || len(table) > 0 && bytes.HasSuffix(bytes.ToLower(table), []byte(svc.table)) {
			return svc
		}
	}
	return nil
}

// storageScope narrows the scope to the container, queue, table or share of the object key:
// "/account/container/blob", or the URL of the source of a copy in the same account.
func (p *Parser) storageScope(svc *storageService) {
	e := &p.e
	e.Scope = e.Resource
	if svc == nil || e.Resource == nil {
		return
	}
	name := p.container(bytes.Trim(p.s.get(slotObjectKey), `"`)) // tables are documented to have it in quotes
	if len(name) == 0 {
		return
	}
	if p.of.service == svc {
		p.under(e.Resource, svc.collection, name)
		return
	}
	// Columns of Log Analytics may name the account alone.
	p.under(e.Resource, svc.part+"default"+svc.collection, name)
}

func (p *Parser) container(key []byte) []byte {
	if len(key) > 0 && key[0] == '/' {
		_, name, _ := bytes.Cut(key[1:], []byte("/"))
		name, _, _ = bytes.Cut(name, []byte("/"))
		return name
	}
	if _, after, ok := bytes.Cut(key, []byte("://")); ok {
		host, path, _ := bytes.Cut(after, []byte("/"))
		account, _, _ := bytes.Cut(host, []byte("."))
		if !p.ofAccount(account) {
			return nil
		}
		name, _, _ := bytes.Cut(path, []byte("/"))
		name, _, _ = bytes.Cut(name, []byte("?"))
		return name
	}
	return nil
}

// ofAccount reports whether an account is the one that wrote the entry.
func (p *Parser) ofAccount(account []byte) bool {
	_, rest, ok := bytes.Cut(p.e.Resource, []byte("/storageaccounts/"))
	if !ok {
		return false
	}
	name, _, _ := bytes.Cut(rest, []byte("/"))
	return bytes.EqualFold(name, account)
}
