// SPDX-License-Identifier: Apache-2.0

package lab

import (
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
	// count numbers what is written, for tags and receipts.
	count uint64
}

func (c *contents) init() {
	c.vaults, c.blobs = map[arm.Key]*vaultContent{}, map[arm.Key]*blobContent{}
	c.queues, c.buses = map[arm.Key]*queueContent{}, map[arm.Key]*queueContent{}
}

// next returns a new number. The caller holds the lock.
func (c *contents) next() uint64 {
	c.count++
	return c.count
}
