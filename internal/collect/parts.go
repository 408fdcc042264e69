// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/mivet/mivet"
)

const (
	// partRows is how many rows are worth a query of their own: each costs a page that is not
	// full.
	partRows = 5 * graphTop
	// maxParts is how many queries run at once. Resource Graph allows three in a second, and
	// takes one or two seconds for a page.
	maxParts = 6
	// maxPartSubs is how many subscriptions one query names.
	maxPartSubs = 300
)

// counted asks how many resources each subscription has.
func (r *run) counted(ctx context.Context) []resourceCount {
	var counts []resourceCount
	r.list(ctx, &listing{call: callCounts}, func(p *page, _ mivet.Source) {
		for _, raw := range p.Rows {
			var c resourceCount
			if json.Unmarshal(raw, &c) == nil {
				counts = append(counts, c)
			}
		}
	})
	return counts
}

// parts divides the resources among queries, by how many each subscription has.
func parts(counts []resourceCount) []*listing {
	total := 0
	for _, c := range counts {
		total += c.Count
	}
	n := min(maxParts, total/partRows)
	if n < 2 || len(counts) < 2 || len(counts) > n*maxPartSubs {
		return []*listing{{call: callResources}}
	}
	return divide(counts, n)
}

// divide gives each subscription to the query that has the fewest rows so far, the largest
// first. What belongs to no subscription is a query of its own.
func divide(counts []resourceCount, n int) []*listing {
	slices.SortFunc(counts, func(a, b resourceCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Subscription, b.Subscription))
	})
	parts, rows := make([][]string, n), make([]int, n)
	var out []*listing
	for _, c := range counts {
		if c.Subscription == "" {
			out = append(out, &listing{call: callResources, where: "isempty(subscriptionId)"})
			continue
		}
		least := 0
		for i := range rows {
			if rows[i] < rows[least] || rows[i] == rows[least] && len(parts[i]) < len(parts[least]) {
				least = i
			}
		}
		parts[least], rows[least] = append(parts[least], c.Subscription), rows[least]+c.Count
	}
	for _, p := range parts {
		if len(p) > 0 {
			slices.Sort(p)
			out = append(out, &listing{call: callResources, subs: p})
		}
	}
	return out
}
