// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// api is one of the services that are asked. Each has a quota of its own.
type api uint8

const (
	resourceGraph api = iota
	resourceManager
	graph
	managedHSM
	logAnalytics
	dataExplorer
	numAPIs
)

var apiNames = [numAPIs]string{"Resource Graph", "Resource Manager", "Microsoft Graph", "Managed HSM", "Log Analytics", "Data Explorer"}

func (a api) String() string { return apiNames[a] }

// quota is what an API allows: so many units at once, and so many a second afterwards.
// With a window, no more than burst in any time of that length.
type quota struct {
	burst  float64
	rate   float64 // units a second
	window time.Duration
}

// The quotas, with the pages that state them, read 2026-11.
//
//   - Resource Graph: 15 queries of a user in each 5 seconds
//     (learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests).
//   - Resource Manager: reads of a subscription, and of the tenant, by one principal: a bucket of
//     250 that gets 25 a second (learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling).
//   - Microsoft Graph, identity and access: 3,500 resource units in 10 seconds for an application in a
//     tenant of the smallest size; larger ones have more (learn.microsoft.com/graph/throttling-limits).
//   - Managed HSM: no figure is published for its access control; it is asked a few times.
//   - Log Analytics: 200 requests of a user in 30 seconds, 5 at once
//     (learn.microsoft.com/azure/azure-monitor/fundamentals/service-limits, log queries and language).
//   - Data Explorer: 10 queries at once for each core of a node (learn.microsoft.com/kusto/concepts/query-limits).
var quotas = [numAPIs]quota{
	resourceGraph:   {burst: 15, rate: 3, window: 5 * time.Second},
	resourceManager: {burst: 250, rate: 25},
	graph:           {burst: 3500, rate: 350},
	managedHSM:      {burst: 20, rate: 10},
	logAnalytics:    {burst: 200, rate: 200.0 / 30, window: 30 * time.Second},
	dataExplorer:    {burst: 20, rate: 10},
}

// bucket keeps requests within one quota. What the service says of itself counts more
// than the published figures.
type bucket struct {
	quota quota
	now   func() time.Time
	mu    sync.Mutex
	left  float64     // units, without a window
	at    time.Time   // when left was true
	sent  []time.Time // with a window: the times of the last requests, oldest first
	until time.Time   // nothing is sent before
	queue []*waiter   // who waits, in the order in which they will go
	timer *time.Timer // when the first of them is looked at again
}

// nearly keeps a bucket from being emptied to the last drop, which two clocks see at two
// times.
const nearly = 0.98

// margin keeps two clocks from counting one request into two windows.
const margin = 100 * time.Millisecond

func newBucket(q quota, now func() time.Time) *bucket {
	if q.window == 0 {
		q.burst, q.rate = q.burst*nearly, q.rate*nearly
	}
	return &bucket{quota: q, now: now, left: q.burst, at: now()}
}

// waiter is a request that waits for its units.
type waiter struct {
	units float64
	// rank says who goes first: the list of which most is left, so that no long list is
	// alone in the end.
	rank int
	free chan struct{}
}

// take waits until units may be used. Of those who wait the highest rank goes first.
func (b *bucket) take(ctx context.Context, units float64, rank int) error {
	w := &waiter{units, rank, make(chan struct{})}
	b.mu.Lock()
	i := slices.IndexFunc(b.queue, func(other *waiter) bool { return other.rank < rank })
	if i < 0 {
		i = len(b.queue)
	}
	b.queue = slices.Insert(b.queue, i, w)
	b.serve()
	b.mu.Unlock()
	select {
	case <-w.free:
		return ctx.Err()
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		b.queue = slices.DeleteFunc(b.queue, func(other *waiter) bool { return other == w })
		return ctx.Err()
	}
}

// serve lets go who may, and comes back when the next one may. The lock is held.
func (b *bucket) serve() {
	for len(b.queue) > 0 {
		wait := b.reserve(b.queue[0].units)
		if wait > 0 {
			if b.timer != nil {
				b.timer.Stop()
			}
			b.timer = time.AfterFunc(wait, func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.serve()
			})
			return
		}
		close(b.queue[0].free)
		b.queue = b.queue[1:]
	}
}

// reserve takes units and returns 0, or takes none and says how long to wait. The lock is
// held.
func (b *bucket) reserve(units float64) time.Duration {
	now := b.now()
	if wait := b.until.Sub(now); wait > 0 {
		return wait
	}
	if b.quota.window > 0 {
		if n := int(b.quota.burst); len(b.sent) >= n {
			if wait := b.sent[0].Add(b.quota.window + margin).Sub(now); wait > 0 {
				return wait
			}
			b.sent = append(b.sent[:0], b.sent[1:]...)
		}
		b.sent = append(b.sent, now)
		return 0
	}
	units = min(units, b.quota.burst)
	b.left = min(b.quota.burst, b.left+now.Sub(b.at).Seconds()*b.quota.rate)
	b.at = now
	if missing := units - b.left; missing > 0 {
		return time.Duration(missing/b.quota.rate*float64(time.Second)) + time.Microsecond // never 0
	}
	b.left -= units
	return 0
}

// explained reports whether what was sent here has used the window up. If not, somebody
// else draws on the quota.
func (b *bucket) explained() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := int(b.quota.burst)
	return b.quota.window > 0 && len(b.sent) >= n && b.now().Sub(b.sent[len(b.sent)-n]) <= b.quota.window+margin
}

// pause sends nothing for a time.
func (b *bucket) pause(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.now().Add(d); t.After(b.until) {
		b.until = t
	}
}

// learn reads what an answer says of the quota, and reports whether it was refused for it.
func (b *bucket) learn(status int, h http.Header) bool {
	throttled := status == http.StatusTooManyRequests
	// The time until the quota is reset comes in whole seconds, rounded up: what is known
	// here is more exact, if it is all.
	if h.Get("x-ms-user-quota-remaining") == "0" && !b.explained() {
		if d, ok := clockTime(h.Get("x-ms-user-quota-resets-after")); ok {
			b.pause(d)
		}
	}
	if throttled || status == http.StatusServiceUnavailable {
		if d, ok := retryAfter(h, b.now()); ok {
			b.pause(d)
		}
	}
	return throttled
}

// longestPause bounds what a service may ask for, in case it asks for nonsense.
const longestPause = 5 * time.Minute

// retryAfter reads how long to wait: seconds, milliseconds or a date.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms"} {
		if n, err := strconv.Atoi(h.Get(name)); err == nil && n >= 0 {
			return min(time.Duration(n)*time.Millisecond, longestPause), true
		}
	}
	s := h.Get("Retry-After")
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return min(time.Duration(min(n, 1<<20))*time.Second, longestPause), true
	}
	if t, err := http.ParseTime(s); err == nil {
		return min(max(0, t.Sub(now)), longestPause), true
	}
	return 0, false
}

// clockTime reads a time of the form hh:mm:ss.
func clockTime(s string) (time.Duration, bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0, false
	}
	d := time.Duration(0)
	for _, p := range parts {
		n, err := strconv.ParseFloat(p, 64)
		if err != nil || n < 0 || n > 1e6 {
			return 0, false
		}
		d = d*60 + time.Duration(n*float64(time.Second))
	}
	return min(d, longestPause), true
}

// buckets are the quotas of one run: those of Resource Manager for each subscription.
type buckets struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[bucketKey]*bucket
}

type bucketKey struct {
	api   api
	scope string // the subscription; "" for the tenant
}

func (bs *buckets) of(k bucketKey) *bucket {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := bs.m[k]
	if b == nil {
		b = newBucket(quotas[k.api], bs.now)
		bs.m[k] = b
	}
	return b
}
