// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// served keeps the last report, so that a probe does not use up the few requests that the
// metadata service allows.
type served struct {
	ask   func(context.Context) (*Report, error)
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	at   time.Time
	last *Report
}

// Handler answers GET / with the report in JSON: 200 where the workload presents what is
// expected, or where all libraries present the same; 503 otherwise. It asks anew at most
// once in each span of time.
func Handler(ask func(context.Context) (*Report, error), every time.Duration, now func() time.Time) http.Handler {
	s := &served{ask: ask, every: every, now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serve)
	return mux
}

func (s *served) serve(w http.ResponseWriter, r *http.Request) {
	report, err := s.report(r.Context())
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		writeJSON(w, map[string]string{"error": err.Error()})
		return
	}
	if report.Verdict != AsExpected && report.Verdict != Agree {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	writeJSON(w, report)
}

func writeJSON(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return // whoever asked is gone
	}
}

func (s *served) report(ctx context.Context) (*Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.last != nil && now.Sub(s.at) < s.every {
		return s.last, nil
	}
	report, err := s.ask(ctx)
	if err != nil {
		return nil, err
	}
	s.at, s.last = now, report
	return report, nil
}
