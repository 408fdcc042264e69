// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWindow counts what a service would count: requests in windows that begin with the
// first request after the window before.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(quotas[resourceGraph], time.Now)
		var at []time.Time
		for range 60 {
			if err := b.take(t.Context(), 1, 0); err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Now())
		}
		for i := 15; i < len(at); i++ {
			if d := at[i].Sub(at[i-15]); d < 5*time.Second {
				t.Fatalf("request %d came %s after the 15th before it", i, d)
			}
		}
		if d := at[59].Sub(at[0]); d > 16*time.Second {
			t.Errorf("60 queries took %s, of which the quota explains 15s", d)
		}
	})
}

func TestTokenBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(quotas[resourceManager], time.Now)
		start := time.Now()
		for range 245 { // nearly all
			if err := b.take(t.Context(), 1, 0); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("what the bucket holds took %s", d)
		}
		for range 50 {
			if err := b.take(t.Context(), 1, 0); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d < 1950*time.Millisecond || d > 2150*time.Millisecond {
			t.Errorf("50 requests more took %s, want 2s", d)
		}
		if err := b.take(t.Context(), 1e6, 0); err != nil { // never more than a whole bucket
			t.Fatal(err)
		}
	})
}

func TestTakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(quota{burst: 1, rate: 1}, time.Now)
		b.pause(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := b.take(ctx, 1, 0); err == nil {
			t.Fatal("it took during the pause")
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("it waited %s, and its context ended after 1s", d)
		}
	})
}

// TestRank: the list of which most is left goes first, and of equals the first.
func TestRank(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(quota{burst: 1, rate: 1, window: time.Second}, time.Now)
		b.pause(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		var got []int
		var mu sync.Mutex
		for i, rank := range []int{1, 5, 3, 5, 9} {
			of := t.Context()
			if rank == 9 {
				of = ctx
			}
			go func() {
				if b.take(of, 1, rank) == nil {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, 10*rank+i)
				}
			}()
			synctest.Wait()
		}
		cancel() // who does not wait any more is not waited for
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !slices.Equal(got, []int{51, 53, 32, 10}) {
			t.Errorf("they went in the order %v", got)
		}
	})
}

// TestOwnWindow: that the quota is used up is no news to who has used it up; that it is
// used up by somebody else is.
func TestOwnWindow(t *testing.T) {
	f := func(own int, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			b := newBucket(quotas[resourceGraph], time.Now)
			for range own {
				if err := b.take(t.Context(), 1, 0); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			b.learn(http.StatusOK, http.Header{"X-Ms-User-Quota-Remaining": {"0"}, "X-Ms-User-Quota-Resets-After": {"00:00:06"}})
			if err := b.take(t.Context(), 1, 0); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d != want {
				t.Errorf("after %d of its own it waits %s, want %s", own, d, want)
			}
		})
	}
	f(15, 5100*time.Millisecond)
	f(14, 6*time.Second)
}

func TestLearn(t *testing.T) {
	f := func(status int, h map[string]string, wait time.Duration, throttled bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			b := newBucket(quotas[resourceGraph], time.Now)
			header := http.Header{}
			for k, v := range h {
				header.Set(k, v)
			}
			if got := b.learn(status, header); got != throttled {
				t.Errorf("%d %v: throttled %v", status, h, got)
			}
			start := time.Now()
			if err := b.take(t.Context(), 1, 0); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start).Round(time.Millisecond); d != wait {
				t.Errorf("%d %v: waits %s, want %s", status, h, d, wait)
			}
		})
	}
	f(200, nil, 0, false)
	f(200, map[string]string{"x-ms-user-quota-remaining": "3", "x-ms-user-quota-resets-after": "00:00:05"}, 0, false)
	f(200, map[string]string{"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:05"}, 5*time.Second, false)
	f(200, map[string]string{"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "soon"}, 0, false)
	f(429, map[string]string{"Retry-After": "7"}, 7*time.Second, true)
	f(429, nil, 0, true)
	f(503, map[string]string{"retry-after-ms": "250"}, 250*time.Millisecond, false)
	f(429, map[string]string{"Retry-After": "999999999"}, longestPause, true)
	f(429, map[string]string{"Retry-After": "-1"}, 0, true)
}

func TestRetryAfterDate(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	f := func(value string, want time.Duration, ok bool) {
		t.Helper()
		got, found := retryAfter(http.Header{"Retry-After": {value}}, now)
		if got != want || found != ok {
			t.Errorf("%q: %s %v, want %s %v", value, got, found, want, ok)
		}
	}
	f("Mon, 30 Nov 2026 12:00:09 GMT", 9*time.Second, true)
	f("Mon, 30 Nov 2026 11:00:00 GMT", 0, true)
	f("Mon, 30 Nov 2036 11:00:00 GMT", longestPause, true)
	f("later", 0, false)
	f("", 0, false)
}

func TestClockTime(t *testing.T) {
	f := func(s string, want time.Duration, ok bool) {
		t.Helper()
		if got, found := clockTime(s); got != want || found != ok {
			t.Errorf("%q: %s %v, want %s %v", s, got, found, want, ok)
		}
	}
	f("00:00:05", 5*time.Second, true)
	f("00:01:00.5", 60500*time.Millisecond, true)
	f("99:00:00", longestPause, true)
	f("5", 0, false)
	f("a:b:c", 0, false)
	f("-1:00:00", 0, false)
}

func TestBucketsAreKeptApart(t *testing.T) {
	bs := &buckets{now: time.Now, m: map[bucketKey]*bucket{}}
	a := bs.of(bucketKey{resourceManager, "s1"})
	if a != bs.of(bucketKey{resourceManager, "s1"}) {
		t.Error("one subscription has two buckets")
	}
	if a == bs.of(bucketKey{resourceManager, "s2"}) || a == bs.of(bucketKey{graph, ""}) {
		t.Error("two quotas share a bucket")
	}
}
