// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Progress says how far a collection is.
type Progress struct {
	// Lists are those that were begun, in the order of their beginning.
	Lists []ListProgress
	// Requests were answered, of which Resumed were there from a run before.
	Requests, Resumed int
	// Open is how many lists are under way.
	Open int
	// Done is true for the last call.
	Done bool
}

// ListProgress says how far one sort of list is.
type ListProgress struct {
	What string
	// Rows were read, of Total as the service says; 0 where it does not.
	Rows, Total int
	// Open and Lists count the lists of this sort: one for each scope or resource.
	Open, Lists int
}

// meter collects progress and tells it at most a few times a second.
type meter struct {
	tell func(Progress)
	now  func() time.Time
	mu   sync.Mutex
	last time.Time
	rows map[string]*ListProgress
	keys []string
	p    Progress
}

const tellEvery = 200 * time.Millisecond

func newMeter(tell func(Progress), now func() time.Time) *meter {
	return &meter{tell: tell, now: now, rows: map[string]*ListProgress{}}
}

func (m *meter) of(c *call) *ListProgress {
	l := m.rows[c.what]
	if l == nil {
		l = &ListProgress{What: c.what}
		m.rows[c.what] = l
		m.keys = append(m.keys, c.what)
	}
	return l
}

func (m *meter) begin(c *call) { m.change(c, 1) }
func (m *meter) end(c *call)   { m.change(c, -1) }

func (m *meter) change(c *call, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.of(c)
	l.Open += n
	l.Lists += max(0, n)
	m.p.Open += n
	m.show(false)
}

func (m *meter) page(c *call, rows, total int, resumed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.of(c)
	l.Rows += rows
	l.Total = max(l.Total, total)
	m.p.Requests++
	if resumed {
		m.p.Resumed++
	}
	m.show(false)
}

func (m *meter) done() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Done = true
	m.show(true)
}

func (m *meter) show(now bool) {
	if m.tell == nil || !now && m.now().Sub(m.last) < tellEvery {
		return
	}
	m.last = m.now()
	p := m.p
	for _, k := range m.keys {
		p.Lists = append(p.Lists, *m.rows[k])
	}
	slices.SortStableFunc(p.Lists, func(a, b ListProgress) int { return cmp.Compare(b.Rows, a.Rows) })
	m.tell(p)
}
