// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
)

const slotTypeName = "Microsoft.Web/sites/slots"

// swapJSON is what a site or a slot presents after a swap with another.
type swapJSON struct {
	With arm.ID `json:"with"`
	// Read says whether it was read which settings stay; where it was not, all are taken to move.
	Read      bool                 `json:"stickySettingsRead"`
	Consumers []effective.Consumer `json:"consumers"`
}

// swaps lists what presents something else after a swap: of a slot, with its site; of a site,
// with each slot. The resource keeps its identities and gets settings of the other.
func (p *presentedBy) swaps(s *mivet.Snapshot, x *mivet.Index, r *mivet.Resource) ([]swapJSON, error) {
	var out []swapJSON
	add := func(site, slot, other *mivet.Resource) error {
		s, read := effective.Swapped(x, site, slot)
		if !read {
			return nil
		}
		after := s.Slot
		if r == site {
			after = s.Site
		}
		then, err := after.Consumers(p.SDK, p.Version)
		if err != nil {
			return err
		}
		one := swapJSON{With: other.ID, Read: s.Read, Consumers: slices.DeleteFunc(then, func(c effective.Consumer) bool { return p.same(&c) })}
		if len(one.Consumers) > 0 {
			out = append(out, one)
		}
		return nil
	}
	if r.ID.HasType(slotTypeName) {
		if site := x.Resource(r.ID.Parent()); site != nil {
			err := add(site, r, site)
			return out, err
		}
		return nil, nil
	}
	if !r.ID.HasType("Microsoft.Web/sites") {
		return nil, nil
	}
	for i := range s.Resources {
		if slot := &s.Resources[i]; slot.ID.HasType(slotTypeName) && slot.ID.Parent().Equal(r.ID) {
			if err := add(r, slot, slot); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(out, func(a, b swapJSON) int { return cmp.Compare(a.With.Key(), b.With.Key()) })
	return out, nil
}

// same reports whether a consumer presents what it presents now.
func (p *presentedBy) same(c *effective.Consumer) bool {
	return slices.ContainsFunc(p.Consumers, func(o effective.Consumer) bool {
		if o.Use != c.Use || o.Path != c.Path || o.Status != c.Status || (o.Identity == nil) != (c.Identity == nil) {
			return false
		}
		return o.Identity == nil || o.Identity.Principal == c.Identity.Principal
	})
}

func (s *swapJSON) write(p *printer) {
	p.printf("\n%s\n", bold("after a swap with "+shownName(s.With)))
	if !s.Read {
		p.printf("  %s\n", yellow("which settings stay with their slot was not read: all are taken to move"))
	}
	for i := range s.Consumers {
		consumer(p, &s.Consumers[i])
	}
}
