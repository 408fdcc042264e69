// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// maxBatch is how many requests a batch holds (learn.microsoft.com/graph/json-batching).
const maxBatch = 20

type batchRequest struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

type batchResponse struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body,omitzero"`
}

// batch answers several requests in one. Each has its own status and its own quota.
func (q *graphRequest) batch() {
	var body struct {
		Requests []batchRequest `json:"requests"`
	}
	if q.r.Method != http.MethodPost || json.NewDecoder(q.r.Body).Decode(&body) != nil {
		q.fail(http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
		return
	}
	if len(body.Requests) == 0 || len(body.Requests) > maxBatch {
		q.fail(http.StatusBadRequest, "BadRequest", fmt.Sprintf("Number of batch request steps exceeds the maximum value of %d.", maxBatch))
		return
	}
	version, _, _ := strings.Cut(strings.Trim(q.r.URL.Path, "/"), "/")
	responses := []batchResponse{}
	seen := map[string]bool{}
	for _, b := range body.Requests {
		if b.ID == "" || seen[b.ID] {
			q.fail(http.StatusBadRequest, "BadRequest", "Every request of a batch needs an id of its own.")
			return
		}
		seen[b.ID] = true
		responses = append(responses, q.step(version, &b))
	}
	q.write(object{"responses": responses})
}

func (q *graphRequest) step(version string, b *batchRequest) batchResponse {
	out := batchResponse{ID: b.ID, Headers: map[string]string{}}
	r, err := http.NewRequestWithContext(q.r.Context(), b.Method, "https://graph/"+version+"/"+strings.TrimPrefix(b.URL, "/"), strings.NewReader(string(b.Body)))
	rec := &buffered{header: http.Header{}, status: http.StatusOK}
	rec.Header().Set("request-id", guidOf("request", randomText(16)))
	if err != nil {
		q.s.graphError(rec, http.StatusBadRequest, "BadRequest", "Invalid request in a batch: "+err.Error())
	} else {
		for k, v := range b.Headers {
			r.Header.Set(k, v)
		}
		f := q.s.faults.pick(APIGraph, r)
		w := &recorder{ResponseWriter: rec}
		if f == nil || f.Kind == FaultCut || !q.s.play(w, r, f) {
			one := &graphRequest{s: q.s, w: w, r: r, c: q.c, fault: nil}
			one.serve()
		}
	}
	out.Status = rec.status
	for _, k := range []string{"Content-Type", "Retry-After"} {
		if v := rec.Header().Get(k); v != "" {
			out.Headers[k] = v
		}
	}
	if rec.body.Len() > 0 {
		out.Body = rec.body.Bytes()
	}
	return out
}

// buffered keeps the answer to a request of a batch.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header         { return b.header }
func (b *buffered) WriteHeader(status int)      { b.status = status }
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }
