// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"strings"
	"time"
)

// silent is a log for what goes wrong with single connections: faults cut them on purpose.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }

// maxBody is the longest request that is read.
const maxBody = 4 << 20

// apiOf says to which side of the lab a path belongs.
func apiOf(r *http.Request) API {
	if strings.HasSuffix(hostOf(r), hsmSuffix) {
		return APIManagedHSM
	}
	if p, _ := planeOf(hostOf(r)); p != nil {
		return p.api
	}
	path := strings.ToLower(r.URL.Path)
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "lab":
		return APIAdmin
	case "v1.0", "beta":
		return APIGraph
	case "v1", "v2":
		return APILogs
	case "imds", "msi", "imds-probe":
		return APIIdentity
	case "subscriptions", "providers", "tenants", "metadata", "batch":
		if strings.HasPrefix(path, "/providers/microsoft.resourcegraph/") {
			return APIResourceGraph
		}
		return APIManagement
	case "":
		return APIManagement
	}
	return APILogin
}

// hostOf is the host that a request names, in small letters and without a port.
func hostOf(r *http.Request) string {
	host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
	return host
}

// recorder keeps the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	caller string
	skew   time.Duration // by how much a fault moves the clock
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b) //nolint:wrapcheck // a writer hands on what the writer below says
}

// Unwrap lets http.ResponseController find the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (s *Server) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		x := Exchange{API: apiOf(r), Method: r.Method, Path: r.URL.RequestURI()}
		var body bytes.Buffer
		defer func() {
			x.Status, x.Caller, x.Body = rec.status, rec.caller, body.Bytes()
			s.observe(x)
			if x.Fault == FaultCut {
				panic(http.ErrAbortHandler) // net/http cuts the connection
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if s.options.Observe != nil {
			r.Body = &tee{r.Body, &body}
		}
		s.wait(r, s.options.Latency)
		s.idHeaders(rec, r)
		if x.API == APIAdmin {
			s.serveAdmin(rec, r)
			return
		}
		f := s.faults.pick(x.API, r)
		if f != nil {
			x.Fault = f.Kind
			if s.play(rec, r, f) {
				return
			}
		}
		s.view().serve(rec, r, x.API, f)
	})
}

// tee keeps what is read of a body.
type tee struct {
	io.ReadCloser
	kept *bytes.Buffer
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	_, _ = t.kept.Write(p[:n]) // a buffer does not fail
	return n, err              //nolint:wrapcheck // a reader hands on what the reader below says
}

// serve hands a request to its side.
func (s *view) serve(w *recorder, r *http.Request, api API, f *Fault) {
	switch api {
	case APILogin:
		s.serveLogin(w, r)
	case APIIdentity:
		s.serveIdentity(w, r)
	case APIGraph:
		s.serveGraph(w, r, f)
	case APIResourceGraph:
		s.serveResourceGraph(w, r, f)
	case APILogs:
		s.serveLogs(w, r, f)
	case APIManagedHSM:
		s.serveHSM(w, r)
	case APIVault, APIBlob, APIQueue, APIServiceBus, APITable, APICosmos, APIAppConfig, APIOpenAI:
		s.serveData(w, r)
	case APIManagement, APIAdmin:
		s.serveARM(w, r, f)
	}
}

// wait waits, but not longer than the caller does.
func (s *Server) wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// idHeaders sets the headers with which support finds a request.
func (s *Server) idHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	id := guidOf("request", randomText(16))
	h.Set("x-ms-request-id", id)
	h.Set("request-id", id)
	if c := r.Header.Get("x-ms-client-request-id"); c != "" {
		h.Set("x-ms-client-request-id", c)
	}
	correlation := r.Header.Get("x-ms-correlation-request-id")
	if correlation == "" {
		correlation = id
	}
	h.Set("x-ms-correlation-request-id", correlation)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Go-Azure-Sdk-Skip-Polling-Delay", "true") // operations are over at once; hashicorp/go-azure-sdk sdk/client/client.go
	h.Set("Date", s.now().UTC().Format(http.TimeFormat))
}

// writeJSON writes an answer.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the lab cannot write its answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone needs no answer
}

// errorBody is an error in the form of Resource Manager and of Graph.
type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []any  `json:"details,omitzero"`
	Inner   any    `json:"innerError,omitzero"`
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("x-ms-failure-cause", "gateway")
	writeJSON(w, status, errorBody{errorDetail{Code: code, Message: message}})
}

// writeHalf writes the first half of an answer as if it were all of it.
func writeHalf(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the lab cannot write its answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body[:len(body)/2]) // a caller that is gone needs no answer
}

// strictJSON reads a value and refuses fields that it does not have.
func strictJSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v) //nolint:wrapcheck // the caller says what was read
}
