// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

// A Report is what a plan does, by the addresses of its objects, each list sorted. An
// address may stand in several lists.
type Report struct {
	// Recycled own a principal that is replaced by a new one at the same address, by the plan
	// or outside of it.
	Recycled []string `json:"recycled"`
	// Destroyed own a principal that ceases without a successor, Created get their first one.
	Destroyed []string `json:"destroyed"`
	Created   []string `json:"created"`
	// Stranded are grants that stay and are bound to a principal that ceases.
	Stranded []string `json:"stranded"`
	// Rebound are grants that hold on both sides, for another principal.
	Rebound []string `json:"rebound"`
	// Impossible are grants that cannot be applied as planned.
	Impossible []string `json:"impossible"`
	// Gap are workloads that have an access before and after, and not all the time between.
	Gap []string `json:"gap"`
	// Lost are workloads that stay and have no longer an access that they had.
	Lost []string `json:"lost"`
	// Broad are grants that the plan makes and that change everything, or grant roles, at a
	// resource group or wider.
	Broad []string `json:"broad"`
	// SelectorsBroken are resources whose selector found an identity and finds none after.
	SelectorsBroken []string `json:"selectors_broken"`
	// Unmanaged stays in Azure and leaves management.
	Unmanaged []string `json:"unmanaged"`
	// Quiet is true where nothing of all that changes, nor any grant, attachment or selector.
	Quiet bool `json:"quiet"`

	// Gained are workloads that have an access after which they had not before.
	Gained []string `json:"-"`
	// Swept are grants of the tenant that the change does not manage and that end with a
	// resource that it deletes or makes anew.
	Swept []string `json:"-"`

	// Details say more of each address, in the order of the lists.
	Details []Detail `json:"-"`
}

// A Detail says one thing about one address.
type Detail struct {
	Address string
	// What is the list that it belongs to, by its JSON name.
	What string
	// Text says what happens, in a clause without a full stop.
	Text   string
	Source mivet.Source
}

// telling are the lists that are told of an object where nobody asks for a report.
var telling = []string{lost, gap, selectors, impossible, unmanaged}

// Mark writes into the declarations of a snapshot what the plan does to their objects.
func (r *Report) Mark(s *mivet.Snapshot) {
	at := make(map[string]int, len(s.Declarations))
	for i := range s.Declarations {
		at[s.Declarations[i].Address] = i
	}
	for _, d := range r.Details {
		if i, ok := at[d.Address]; ok && slices.Contains(telling, d.What) {
			s.Declarations[i].Effects = append(s.Declarations[i].Effects, d.What+": "+d.Text)
		}
	}
}

// Compare works out what a plan does. state is the state before the plan, where it is
// given: its principals may have ceased outside of the plan. Roles that neither snapshot
// defines are looked up in the catalogue.
func Compare(p *Plan, state *mivet.Snapshot, c *catalog.Catalog) *Report {
	return compare(p, state, c).report()
}

func compare(p *Plan, state *mivet.Snapshot, c *catalog.Catalog) *comparison {
	k := newComparison(p, state, c)
	k.principals()
	k.grants()
	k.outside()
	k.access()
	k.selectors()
	k.management()
	return k
}
