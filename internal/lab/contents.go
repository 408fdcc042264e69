// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"maps"
	"strings"
	"sync"

	"github.com/mivet/mivet/arm"
)

// contents is what is in the resources of a lab: secrets, blobs, messages. It is kept in
// memory and gone with the lab.
type contents struct {
	mu     sync.Mutex
	vaults map[arm.Key]*vaultContent
	blobs  map[arm.Key]*blobContent
	queues map[arm.Key]*queueContent // of storage accounts
	buses  map[arm.Key]*queueContent
	tables map[arm.Key]*tableContent
	// items are those of Cosmos DB, by account; values are those of App Configuration.
	items  map[arm.Key]map[string]*cosmosContainer
	values map[arm.Key]map[string]*keyValue
	// count numbers what is written, for tags and receipts.
	count uint64
}

func (c *contents) init() {
	c.vaults, c.blobs = map[arm.Key]*vaultContent{}, map[arm.Key]*blobContent{}
	c.queues, c.buses = map[arm.Key]*queueContent{}, map[arm.Key]*queueContent{}
	c.tables, c.items = map[arm.Key]*tableContent{}, map[arm.Key]map[string]*cosmosContainer{}
	c.values = map[arm.Key]map[string]*keyValue{}
}

// vault returns what is in a vault. The caller holds the lock.
func (c *contents) vault(k arm.Key) *vaultContent {
	v := c.vaults[k]
	if v == nil {
		v = &vaultContent{secrets: map[string]*secret{}, deleted: map[string]*secret{}, gone: map[string]bool{}, keys: map[string]*vaultKey{}}
		c.vaults[k] = v
	}
	return v
}

// next returns a new number. The caller holds the lock.
func (c *contents) next() uint64 {
	c.count++
	return c.count
}

// drop empties a resource that was deleted, and those below it. Vaults that can be recovered
// keep what is in them.
func (c *contents) drop(id arm.ID, recoverable map[string]deletedVault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := map[arm.Key]bool{}
	for _, v := range recoverable {
		kept[v.vault.ID.Key()] = true
	}
	gone := func(k arm.Key) bool { return k == id.Key() || strings.HasPrefix(string(k), string(id.Key())+"/") }
	maps.DeleteFunc(c.vaults, func(k arm.Key, _ *vaultContent) bool { return gone(k) && !kept[k] })
	maps.DeleteFunc(c.blobs, func(k arm.Key, _ *blobContent) bool { return gone(k) })
	maps.DeleteFunc(c.queues, func(k arm.Key, _ *queueContent) bool { return gone(k) })
	maps.DeleteFunc(c.buses, func(k arm.Key, _ *queueContent) bool { return gone(k) })
	maps.DeleteFunc(c.tables, func(k arm.Key, _ *tableContent) bool { return gone(k) })
	maps.DeleteFunc(c.items, func(k arm.Key, _ map[string]*cosmosContainer) bool { return gone(k) })
	maps.DeleteFunc(c.values, func(k arm.Key, _ map[string]*keyValue) bool { return gone(k) })
	name := strings.ToLower(id.Name())
	switch up := id.Parent(); arm.Fold(id.Type()) { // something in a resource that stays
	case arm.Fold(containerType):
		if b := c.blobs[up.Parent().Key()]; b != nil {
			delete(b.containers, name)
		}
	case arm.Fold(queueType):
		if q := c.queues[up.Parent().Key()]; q != nil {
			delete(q.queues, name)
		}
	case arm.Fold(busQueueType):
		if q := c.buses[up.Key()]; q != nil {
			delete(q.queues, name)
		}
	case arm.Fold(tableType):
		if t := c.tables[up.Parent().Key()]; t != nil {
			delete(t.tables, name)
		}
	case arm.Fold(cosmosContainerType):
		delete(c.items[up.Parent().Key()], cosmosName(up.Name(), id.Name()))
	}
}
