// SPDX-License-Identifier: Apache-2.0

package logs

import "bytes"

// resource is what an id of a resource tells, worked out once: the entries of a file have
// few.
type resource struct {
	id      []byte // in lower case, without a slash at its end
	of      uint32 // bit n: it is of the provider whose log is n
	named   bool   // it has a provider; old entries name a resource alone
	service *storageService
}

// nothing stands for an entry without a resource.
var nothing resource

// maxResources bounds the ids that are kept, maxKeptID their length.
const (
	maxResources = 2048
	maxKeptID    = 1024
)

// providers are parts of ids that tell whose resource it is.
var providers = [...]struct {
	log  Log
	part string
}{
	{KeyVault, "/providers/microsoft.keyvault/"},
	{ManagedHSM, "/microsoft.keyvault/managedhsms/"},
	{AppConfiguration, "/providers/microsoft.appconfiguration/"},
	{Cosmos, "/providers/microsoft.documentdb/"},
	{Storage, "/providers/microsoft.storage/"},
	{ServiceBus, "/providers/microsoft.servicebus/"},
	{EventHubs, "/providers/microsoft.eventhub/"},
}

// ownCategories are logs whose categories others have too: the category counts only where
// the resource, if it is named, is of their provider.
const ownCategories = 1<<KeyVault | 1<<AppConfiguration | 1<<Cosmos | 1<<Storage

// is reports whether the resource is of the provider whose log it is.
func (r *resource) is(log Log) bool { return r.of&(1<<log) != 0 }

// find returns what an id tells.
func (p *Parser) resource(id []byte) *resource {
	if len(id) == 0 {
		return &nothing
	}
	if r := p.resources[string(id)]; r != nil {
		return r
	}
	r := &resource{id: bytes.TrimSuffix(fold(nil, id), []byte("/"))}
	r.named = bytes.Contains(r.id, []byte("/providers/"))
	for _, w := range providers {
		if bytes.Contains(r.id, []byte(w.part)) {
			r.of |= 1 << w.log
		}
	}
	for i := range storageServices {
		if bytes.Contains(r.id, []byte(storageServices[i].part)) {
			r.service = &storageServices[i]
			break
		}
	}
	if len(p.resources) >= maxResources {
		clear(p.resources)
	}
	if len(id) <= maxKeptID {
		p.resources[string(id)] = r
	}
	return r
}
