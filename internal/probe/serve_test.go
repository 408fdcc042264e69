// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestHandler(t *testing.T) {
	var report Report
	var failure error
	asked, now := 0, time.Unix(1000, 0)
	ask := func(context.Context) (*Report, error) {
		asked++
		copied := report
		return &copied, failure
	}
	h := Handler(ask, time.Minute, func() time.Time { return now })
	get := func(method, path string) (int, Verdict) {
		t.Helper()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		var got Report
		if rec.Header().Get("Content-Type") == "application/json; charset=utf-8" {
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
				t.Errorf("%s: %v", rec.Body, err)
			}
		}
		return rec.Code, got.Verdict
	}
	f := func(v Verdict, wantCode, wantAsked int) {
		t.Helper()
		report.Verdict = v
		now = now.Add(time.Hour)
		code, got := get(http.MethodGet, "/")
		if code != wantCode || got != v && failure == nil || asked != wantAsked {
			t.Errorf("%s: %d, %s, asked %d times", v, code, got, asked)
		}
	}
	f(AsExpected, 200, 1)
	if code, _ := get(http.MethodGet, "/"); code != 200 || asked != 1 {
		t.Errorf("a second request: %d, asked %d times", code, asked)
	}
	f(Agree, 200, 2)
	f(Other, 503, 3)
	f(NoToken, 503, 4)
	f(Undecided, 503, 5)
	failure = errors.New("broken")
	f("", 503, 6)
	if code, _ := get(http.MethodGet, "/elsewhere"); code != http.StatusNotFound {
		t.Errorf("another path: %d", code)
	}
	if code, _ := get(http.MethodPost, "/"); code != http.StatusMethodNotAllowed {
		t.Errorf("another method: %d", code)
	}
}
