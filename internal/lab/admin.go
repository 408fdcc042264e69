// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// serveAdmin is the lab's own side: what no Azure has. It needs no token; a lab listens on
// the machine itself unless it is told otherwise.
func (s *Server) serveAdmin(w *recorder, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /lab/faults":
		list := s.Faults()
		if list == nil {
			list = []Fault{}
		}
		writeJSON(w, http.StatusOK, list)
	case "POST /lab/faults":
		s.adminFault(w, r)
	case "DELETE /lab/faults":
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	case "GET /lab/ca":
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(s.CA()) // a caller that is gone needs no answer
	case "POST /lab/certificate":
		s.adminCertificate(w, r)
	case "POST /lab/federated-token":
		s.adminFederated(w, r)
	default:
		writeError(w, http.StatusNotFound, "NotFound", "The lab has nothing at "+r.Method+" "+r.URL.Path+".")
	}
}

// adminFault arms the fault in the body, in the form of [Fault] with durations as texts.
func (s *Server) adminFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	err := json.NewDecoder(r.Body).Decode(&f)
	if err == nil {
		err = s.AddFault(f)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	writeJSON(w, http.StatusCreated, f)
}

// UnmarshalJSON reads durations as Go writes them, and refuses fields that there are not.
func (f *Fault) UnmarshalJSON(b []byte) error {
	type plain Fault
	var one struct {
		plain
		RetryAfter string `json:"retryAfter"`
		Delay      string `json:"delay"`
	}
	if err := strictJSON(b, &one); err != nil {
		return fmt.Errorf("reading a fault: %w", err)
	}
	*f = Fault(one.plain)
	for _, d := range []struct {
		text string
		to   *time.Duration
	}{{one.RetryAfter, &f.RetryAfter}, {one.Delay, &f.Delay}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.to, err = time.ParseDuration(d.text); err != nil {
			return fmt.Errorf("reading a fault: %w", err)
		}
	}
	return nil
}

// adminCertificate hands out a certificate with its key for the application clientId.
func (s *Server) adminCertificate(w http.ResponseWriter, r *http.Request) {
	client := r.FormValue("clientId")
	if s.view().account(client) == nil {
		writeError(w, http.StatusBadRequest, "BadRequest", fmt.Sprintf("There is no application with the client ID '%s'.", client))
		return
	}
	text, err := s.ClientCertificate(client)
	if err != nil {
		writeError(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(text) //nolint:gosec // a PEM text that the lab made
}

// adminFederated hands out a token of an outside issuer.
func (s *Server) adminFederated(w http.ResponseWriter, r *http.Request) {
	aud := r.FormValue("audience")
	if aud == "" {
		aud = "api://AzureADTokenExchange"
	}
	text, err := s.FederatedToken(r.FormValue("issuer"), r.FormValue("subject"), aud)
	if err != nil {
		writeError(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text)) // a caller that is gone needs no answer
}
