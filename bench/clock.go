// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// clockCost is the median time between two readings of the clock with nothing between
// them. Single times include it once.
func clockCost() time.Duration {
	took := make([]time.Duration, 10001)
	for i := range took {
		start := time.Now()
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// coldMemory is words that lie so far apart that reading one brings no other into a cache.
type coldMemory struct {
	next  []uint32
	order []int
}

const (
	memoryWords = 1 << 24 // 64 MB
	wordsApart  = 16      // a line of a cache
)

func newMemory() *coldMemory {
	m := &coldMemory{
		next:  make([]uint32, memoryWords),
		order: rand.New(rand.NewPCG(1, 5)).Perm(memoryWords / wordsApart), //nolint:gosec // not for secrets
	}
	for i, at := range m.order {
		m.next[at*wordsApart] = uint32(m.order[(i+1)%len(m.order)] * wordsApart) //nolint:gosec // below 2^24
	}
	return m
}

// chain is the median time of one read where the next read cannot start before this one
// ends.
func (m *coldMemory) chain() time.Duration {
	const reads, runs = 2000, 101
	took := make([]time.Duration, runs)
	at := uint32(0)
	for i := range took {
		start := time.Now()
		for range reads {
			at = m.next[at]
		}
		took[i] = time.Since(start) / reads
	}
	slices.Sort(took)
	if at >= memoryWords { // never, but the reads have to lead somewhere
		return 0
	}
	return took[runs/2]
}

// read is a single read of memory that is in no cache.
func (m *coldMemory) read(i int) int { return int(m.next[m.order[i%len(m.order)]*wordsApart]) }

// times are the results of one measurement.
type times struct {
	asked int
	// batched is the time of a batch divided by its questions, in the median of the
	// batches: it holds next to no clock, and no pause of the process.
	batched time.Duration
	// p50 and p99 are of single questions, without the cost of the clock.
	p50, p99 time.Duration
	// allocs are allocations per question, of the whole process.
	allocs float64
}

// batch is how many questions are timed at once.
const batch = 64

// best measures several times and keeps the best of each figure. On a machine that does
// other work too, it is what comes nearest to what the code takes.
func best(runs int, run func() times) times {
	b := run()
	for range runs - 1 {
		t := run()
		b.batched, b.p50, b.p99 = min(b.batched, t.batched), min(b.p50, t.p50), min(b.p99, t.p99)
	}
	return b
}

// measure asks question 0 to n-1, in batches and then one by one, each for at most the
// budget. Before each batch or question, ready is called with its range, untimed.
func measure(n int, budget time.Duration, ready func(from, to int), ask func(i int)) times {
	var t times
	t.batched, t.allocs = measureBatches(n, budget, ready, ask)
	single := measureSingles(n, budget, ready, ask)
	t.asked = len(single)
	slices.Sort(single)
	t.p50, t.p99 = quantile(single, 50), quantile(single, 99)
	return t
}

func measureBatches(n int, budget time.Duration, ready func(from, to int), ask func(i int)) (time.Duration, float64) {
	took := make([]time.Duration, 0, n/batch+1)
	asked := 0
	before := mallocs()
	for deadline := time.Now().Add(budget); asked < n && (asked == 0 || time.Now().Before(deadline)); {
		to := min(asked+batch, n)
		ready(asked, to)
		start := time.Now()
		for i := asked; i < to; i++ {
			ask(i)
		}
		took = append(took, time.Since(start)/time.Duration(to-asked))
		asked = to
	}
	allocs := float64(mallocs()-before) / float64(asked)
	slices.Sort(took)
	return quantile(took, 50), allocs
}

func measureSingles(n int, budget time.Duration, ready func(from, to int), ask func(i int)) []time.Duration {
	cost := clockCost()
	took := make([]time.Duration, 0, n)
	for deadline := time.Now().Add(budget); len(took) < n && (len(took) == 0 || time.Now().Before(deadline)); {
		i := len(took)
		ready(i, i+1)
		start := time.Now()
		ask(i)
		took = append(took, max(0, time.Since(start)-cost))
	}
	return took
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// quantile returns the smallest value that p percent of the sorted values do not exceed.
func quantile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// short prints a time with three digits.
func short(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", float64(d)/float64(time.Microsecond))
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	default:
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
}

// table prints rows as a Markdown table whose columns line up.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for i, row := range rows {
		fmt.Fprintf(t, "| %s\t|\n", strings.Join(row, "\t| "))
		if i == 0 {
			fmt.Fprintf(t, "|%s\n", strings.Repeat("---\t|", len(row)))
		}
	}
	return t.Flush()
}
