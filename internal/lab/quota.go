// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Quotas are the limits that the lab enforces. A zero part is not enforced.
type Quotas struct {
	// ResourceGraph is how many queries a user has in a window
	// (learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests).
	ResourceGraph Window
	// Subscription and Tenant are the buckets of reads of a principal, per subscription and
	// for requests that name none; Global is a subscription's for all principals together
	// (learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling).
	Subscription, Tenant, Global Bucket
	// Graph is how many resource units an application has in a window
	// (learn.microsoft.com/graph/throttling-limits, identity and access).
	Graph Window
}

// Window is a number of requests, or of their cost, in a time; both are counted anew when
// the time is over.
type Window struct {
	Limit int
	Every time.Duration
}

// Bucket is a token bucket.
type Bucket struct {
	Size, PerSecond int
}

// AzureQuotas are the documented ones. Graph's are those of a tenant with up to 50 users.
func AzureQuotas() *Quotas {
	return &Quotas{
		ResourceGraph: Window{15, 5 * time.Second},
		Subscription:  Bucket{250, 25}, Tenant: Bucket{250, 25}, Global: Bucket{3750, 375},
		Graph: Window{3500, 10 * time.Second},
	}
}

type window struct {
	begin time.Time
	used  int
}

type bucket struct {
	at     time.Time
	tokens float64
}

type quotaState struct {
	mu      sync.Mutex
	quotas  Quotas
	windows map[string]*window
	buckets map[string]*bucket
}

func (q *quotaState) init(quotas *Quotas) {
	q.windows, q.buckets = map[string]*window{}, map[string]*bucket{}
	if quotas != nil {
		q.quotas = *quotas
	}
}

// spend takes from a window. It returns what remains, when the window begins anew, and
// whether there was enough.
func (q *quotaState) spend(w Window, key string, cost int, now time.Time) (remaining int, reset time.Duration, ok bool) {
	if w.Limit == 0 {
		return 0, 0, true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	at := q.windows[key]
	if at == nil || now.Sub(at.begin) >= w.Every || now.Before(at.begin) {
		at = &window{begin: now}
		q.windows[key] = at
	}
	reset = w.Every - now.Sub(at.begin)
	if at.used+cost > w.Limit {
		return 0, reset, false
	}
	at.used += cost
	return w.Limit - at.used, reset, true
}

// draw takes one token from a bucket. It returns how many remain, or after how many
// seconds there is one.
func (q *quotaState) draw(b Bucket, key string, now time.Time) (remaining int, wait int, ok bool) {
	if b.Size == 0 {
		return 0, 0, true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	at := q.buckets[key]
	if at == nil {
		at = &bucket{now, float64(b.Size)}
		q.buckets[key] = at
	}
	if d := now.Sub(at.at); d > 0 {
		at.tokens = math.Min(float64(b.Size), at.tokens+d.Seconds()*float64(b.PerSecond))
		at.at = now
	}
	if at.tokens < 1 {
		return 0, max(1, int(math.Ceil((1-at.tokens)/float64(b.PerSecond)))), false
	}
	at.tokens--
	return int(at.tokens), 0, true
}

// takeARM charges a read of Resource Manager, and answers if the quota is used up.
func (s *view) takeARM(w http.ResponseWriter, c *caller, subscription string) bool {
	b, key, name, code := s.quota.quotas.Tenant, "tenant\x00"+c.key(), "x-ms-ratelimit-remaining-tenant-reads", "TenantRequestsThrottled"
	if subscription != "" {
		b, key = s.quota.quotas.Subscription, "subscription\x00"+c.key()+"\x00"+subscription
		name, code = "x-ms-ratelimit-remaining-subscription-reads", "SubscriptionRequestsThrottled"
	}
	now := s.now()
	left, wait, ok := s.quota.draw(b, key, now)
	if ok && subscription != "" {
		var all int
		if all, wait, ok = s.quota.draw(s.quota.quotas.Global, "global\x00"+subscription, now); ok && s.quota.quotas.Global.Size > 0 {
			w.Header().Set("x-ms-ratelimit-remaining-subscription-global-reads", strconv.Itoa(all))
		}
	}
	if ok {
		if b.Size > 0 {
			w.Header().Set(name, strconv.Itoa(left))
		}
		return true
	}
	w.Header().Set("Retry-After", strconv.Itoa(wait))
	over := "tenant '" + s.world.tenant + "'"
	if subscription != "" {
		over = "subscription '" + subscription + "'"
	}
	writeError(w, http.StatusTooManyRequests, code, fmt.Sprintf(
		"Number of 'read' requests for %s actor '%s' exceeded. Please try again after '%d' seconds after additional tokens are available. "+
			"Refer to https://aka.ms/arm-throttling for additional information.", over, c.OID, wait))
	return false
}

// takeResourceGraph charges a query. The headers are on every answer.
func (s *view) takeResourceGraph(w http.ResponseWriter, c *caller) bool {
	q := s.quota.quotas.ResourceGraph
	if q.Limit == 0 { // the headers are there all the same
		w.Header().Set("x-ms-user-quota-remaining", "15")
		w.Header().Set("x-ms-user-quota-resets-after", "00:00:00")
		return true
	}
	left, reset, ok := s.quota.spend(q, "resourcegraph\x00"+c.key(), 1, s.now())
	seconds := int(math.Ceil(reset.Seconds()))
	w.Header().Set("x-ms-user-quota-remaining", strconv.Itoa(left))
	w.Header().Set("x-ms-user-quota-resets-after", fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60))
	if ok {
		return true
	}
	w.Header().Set("Retry-After", strconv.Itoa(max(1, seconds)))
	writeJSON(w, http.StatusTooManyRequests, errorBody{errorDetail{
		Code:    "RateLimiting",
		Message: "Please provide below info when asking for support: timestamp = " + s.now().UTC().Format(time.RFC3339Nano) + ", correlationId = " + w.Header().Get("x-ms-correlation-request-id") + ".",
		Details: []any{errorDetail{Code: "RateLimiting", Message: "Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. " +
			"Please see https://aka.ms/resourcegraph-throttling for help."}},
	}})
	return false
}

// takeGraph charges a request of Microsoft Graph. It returns after how many seconds there
// is room again, 0 if there is.
func (s *view) takeGraph(c *caller, cost int) (wait int) {
	_, reset, ok := s.quota.spend(s.quota.quotas.Graph, "graph\x00"+c.AppID, cost, s.now())
	if ok {
		return 0
	}
	return max(1, int(math.Ceil(reset.Seconds())))
}
