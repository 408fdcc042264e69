// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/snapshot"
)

// rawIndex remembers in which page the raw form of each resource stands.
type rawIndex struct {
	mu   sync.Mutex
	refs []rawRef
}

type rawRef struct {
	id   arm.ID
	page pageKey
	row  int
}

// keepsRaw reports whether the rows of a call are resources whose raw form is written.
func keepsRaw(c *call) bool {
	switch c {
	case callContainers, callResources, callPolicies, callSiteConfigs:
		return true
	}
	return c.with != "" && !c.single || len(c.on) > 0 && c.facts[0] == mivet.FactIdentities
}

func (x *rawIndex) add(l *listing, n int, p *page) {
	if !keepsRaw(l.call) {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	key := pageKey{l.key(), n}
	list, _ := p.resources() // what cannot be decoded is counted where facts are taken
	for i := range list {
		x.refs = append(x.refs, rawRef{list[i].id, key, list[i].at})
	}
}

// cachedPages is how many pages are held while raw forms are written. Pages are in the
// order of their IDs, as the file is, so few are enough.
const cachedPages = 8

// Write writes the snapshot with the raw forms of its resources, in the order of their IDs.
func (res *Result) Write(w io.Writer, tool string) error {
	r := res.run
	s := res.Snapshot
	out, err := snapshot.NewWriter(w, snapshot.Header{
		TakenAt: s.TakenAt, TenantID: s.TenantID, Inputs: s.Inputs, Tool: tool, KeyID: r.config.KeyID,
	}, r.config.Redactor)
	if err != nil {
		return err
	}
	if err := out.Append(s); err != nil {
		return err
	}
	refs := r.raw.refs
	slices.SortStableFunc(refs, func(a, b rawRef) int { return cmp.Compare(a.id.Key(), b.id.Key()) })
	var held []*page
	var keys []pageKey
	for _, ref := range refs {
		i := slices.Index(keys, ref.page)
		if i < 0 {
			p, ok, err := r.journal.get(ref.page)
			if err != nil || !ok {
				return fmt.Errorf("reading the raw form of %s: %w", ref.id, cmp.Or(err, io.ErrUnexpectedEOF))
			}
			if len(held) == cachedPages {
				held, keys = held[1:], keys[1:]
			}
			held, keys = append(held, p), append(keys, ref.page)
			i = len(held) - 1
		}
		if err := out.Properties(ref.id, held[i].Rows[ref.row]); err != nil {
			return err
		}
	}
	return out.Close()
}
