// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet/arm"
)

// FaultKind is what goes wrong.
type FaultKind string

// The faults that can be played.
const (
	// FaultThrottle answers 429 with Retry-After.
	FaultThrottle FaultKind = "throttle"
	// FaultError answers Status, 500 if it is not given.
	FaultError FaultKind = "error"
	// FaultSlow waits for Delay, then answers as usual.
	FaultSlow FaultKind = "slow"
	// FaultCut cuts the connection: at once, or within the answer if Delay is negative.
	FaultCut FaultKind = "cut"
	// FaultTruncate hands out a part: Resource Graph says so (resultTruncated), others
	// send half of the text.
	FaultTruncate FaultKind = "truncate"
	// FaultLimit hides subscriptions from Resource Graph, as beyond 10,000 of them, and
	// says so (x-ms-tenant-subscription-limit-hit).
	FaultLimit FaultKind = "subscription-limit"
	// FaultForbid refuses what the path names with 403; of a subscription, Resource Graph
	// leaves the rows out, and does not say so.
	FaultForbid FaultKind = "forbid"
	// FaultStale lets Resource Graph answer from an older state, which lacks the share
	// Share of the rows.
	FaultStale FaultKind = "stale"
	// FaultSkew moves the lab's clock by Delay for one request: its Date and the times in
	// tokens.
	FaultSkew FaultKind = "skew"
)

var faultKinds = []FaultKind{
	FaultThrottle, FaultError, FaultSlow, FaultCut, FaultTruncate, FaultLimit, FaultForbid, FaultStale, FaultSkew,
}

// faultAPIs are the sides at which faults can be played.
var faultAPIs = []API{APILogin, APIManagement, APIResourceGraph, APIGraph, APIIdentity, APIManagedHSM, APIVault, APIBlob, APIQueue, APIServiceBus, APITable, APICosmos, APIAppConfig, APIOpenAI, APILogs}

// FaultAPIs lists the sides at which faults can be played.
func FaultAPIs() []API { return slices.Clone(faultAPIs) }

// FaultKinds lists the faults that can be played.
func FaultKinds() []FaultKind { return slices.Clone(faultKinds) }

// Fault is something that goes wrong on purpose, and when.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// API bounds it to one side of the lab; empty: all but the admin's.
	API API `json:"api,omitzero"`
	// Method bounds it to a method; empty: all.
	Method string `json:"method,omitzero"`
	// Path is a part of the path with its query, in any letter case; "*" stands for any
	// run of characters. Empty: all.
	Path string `json:"path,omitzero"`
	// After is how many requests that match pass before it begins, and Count how often it
	// happens then; 0: always.
	After int `json:"after,omitzero"`
	Count int `json:"count,omitzero"`
	// Probability is how likely it is each time; 0 stands for 1. Equal seeds give equal
	// sequences.
	Probability float64 `json:"probability,omitzero"`
	Seed        uint64  `json:"seed,omitzero"`

	Status     int           `json:"status,omitzero"`
	RetryAfter time.Duration `json:"-"`
	Delay      time.Duration `json:"-"`
	Share      float64       `json:"share,omitzero"`
}

// faultFields are the words of [ParseFault], in the order of the help.
var faultFields = []struct {
	name string
	set  func(f *Fault, value string) error
}{
	{"kind", func(f *Fault, v string) error { f.Kind = FaultKind(v); return nil }},
	{"api", func(f *Fault, v string) error { f.API = API(v); return nil }},
	{"method", func(f *Fault, v string) error { f.Method = strings.ToUpper(v); return nil }},
	{"path", func(f *Fault, v string) error { f.Path = v; return nil }},
	{"after", func(f *Fault, v string) (err error) { f.After, err = strconv.Atoi(v); return err }},
	{"count", func(f *Fault, v string) (err error) { f.Count, err = strconv.Atoi(v); return err }},
	{"probability", func(f *Fault, v string) (err error) { f.Probability, err = strconv.ParseFloat(v, 64); return err }},
	{"seed", func(f *Fault, v string) (err error) { f.Seed, err = strconv.ParseUint(v, 10, 64); return err }},
	{"status", func(f *Fault, v string) (err error) { f.Status, err = strconv.Atoi(v); return err }},
	{"retry-after", func(f *Fault, v string) (err error) { f.RetryAfter, err = time.ParseDuration(v); return err }},
	{"delay", func(f *Fault, v string) (err error) { f.Delay, err = time.ParseDuration(v); return err }},
	{"share", func(f *Fault, v string) (err error) { f.Share, err = strconv.ParseFloat(v, 64); return err }},
}

// ParseFault reads a fault as the command line writes it: its kind, then fields, such as
// "throttle,api=resourcegraph,count=3,retry-after=2s".
func ParseFault(text string) (Fault, error) {
	var f Fault
	for i, part := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		if i == 0 && !ok {
			name, value, ok = "kind", part, true
		}
		at := slices.IndexFunc(faultFields, func(field struct {
			name string
			set  func(f *Fault, value string) error
		},
		) bool {
			return field.name == name
		})
		if !ok || at < 0 {
			return f, fmt.Errorf("reading the fault %q: %q is no field; fields are %s", text, part, faultFieldNames())
		}
		if err := faultFields[at].set(&f, value); err != nil {
			return f, fmt.Errorf("reading the fault %q: %q: %w", text, part, err)
		}
	}
	if err := f.check(); err != nil {
		return f, fmt.Errorf("reading the fault %q: %w", text, err)
	}
	return f, nil
}

func faultFieldNames() string {
	var names []string
	for _, f := range faultFields {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

func (f *Fault) check() error {
	switch {
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("%q is no kind of fault; there are %v", f.Kind, faultKinds)
	case f.API != "" && !slices.Contains(faultAPIs, f.API):
		return fmt.Errorf("%q is no side of the lab; there are %v", f.API, faultAPIs)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("the probability %g is not between 0 and 1", f.Probability)
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("the share %g is not between 0 and 1", f.Share)
	case f.After < 0 || f.Count < 0:
		return errors.New("a number of requests is negative")
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("the status %d is none of an error", f.Status)
	}
	return nil
}

// armed is a fault that waits for its requests.
type armed struct {
	Fault
	path   *regexp.Regexp
	random *rand.Rand
	met    int // requests that matched
	played int
}

// faults are those that are armed. Several may match; the first that happens is played.
type faults struct {
	mu   sync.Mutex
	list []*armed
}

// AddFault arms a fault.
func (s *Server) AddFault(f Fault) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("arming a fault: %w", err)
	}
	a := &armed{Fault: f, random: rand.New(rand.NewPCG(f.Seed, 1))} //nolint:gosec // repeatable, and no secret
	if f.Path != "" {
		var err error
		if a.path, err = regexp.Compile("(?i)" + strings.ReplaceAll(regexp.QuoteMeta(f.Path), `\*`, ".*")); err != nil {
			return fmt.Errorf("arming a fault: the path %q: %w", f.Path, err)
		}
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, a)
	return nil
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

// Faults lists the faults that are armed.
func (s *Server) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	var list []Fault
	for _, a := range s.faults.list {
		list = append(list, a.Fault)
	}
	return list
}

// pick returns the fault that happens to a request, or nil.
func (f *faults) pick(api API, r *http.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.list {
		if a.API != "" && a.API != api || a.Method != "" && a.Method != r.Method ||
			a.path != nil && !a.path.MatchString(r.URL.RequestURI()) && !a.forbidsRows(api) {
			continue
		}
		a.met++
		if a.met <= a.After || a.Count > 0 && a.played >= a.Count {
			continue
		}
		if a.Probability > 0 && a.random.Float64() >= a.Probability {
			continue
		}
		a.played++
		return &a.Fault
	}
	return nil
}

// forbidsRows reports whether the fault hides a subscription from Resource Graph, whose
// requests do not name it.
func (a *armed) forbidsRows(api API) bool { return a.Kind == FaultForbid && api == APIResourceGraph }

// hides reports whether a fault keeps a row of Resource Graph from the caller.
func (f *Fault) hides(id arm.ID) bool {
	if f == nil {
		return false
	}
	switch f.Kind { //nolint:exhaustive // the others hide no rows
	case FaultForbid:
		return f.Path != "" && strings.Contains(string(id.Key())+"/", strings.ToLower(strings.Trim(f.Path, "*/"))+"/")
	case FaultStale, FaultLimit:
		name := id.String()
		if f.Kind == FaultLimit {
			name = id.SubscriptionID()
		}
		h := rand.New(rand.NewPCG(f.Seed, hashOf(name))) //nolint:gosec // repeatable, and no secret
		return h.Float64() < f.Share
	}
	return false
}

func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// play lets a fault happen, and reports whether the request is answered by it.
func (s *Server) play(w *recorder, r *http.Request, f *Fault) bool {
	switch f.Kind {
	case FaultThrottle:
		after := max(1, int(f.RetryAfter.Seconds()+0.999))
		w.Header().Set("Retry-After", strconv.Itoa(after))
		writeError(w, http.StatusTooManyRequests, "TooManyRequests", fmt.Sprintf("The lab throttles this request. Please try again after '%d' seconds.", after))
		return true
	case FaultError:
		status := f.Status
		if status == 0 {
			status = http.StatusInternalServerError
		}
		writeError(w, status, strings.ReplaceAll(http.StatusText(status), " ", ""), "The lab answers with an error, as it was asked to.")
		return true
	case FaultSlow:
		s.wait(r, f.Delay)
	case FaultCut:
		if f.Delay < 0 {
			s.half(w, r)
		}
		return true
	case FaultForbid:
		if apiOf(r) == APIResourceGraph {
			return false
		}
		writeError(w, http.StatusForbidden, "AuthorizationFailed", fmt.Sprintf(
			"The client does not have authorization to perform action over scope '%s' or the scope is invalid. "+
				"If access was recently granted, please refresh your credentials.", r.URL.Path))
		return true
	case FaultSkew:
		w.skew = f.Delay
		w.Header().Set("Date", s.nowFor(w).UTC().Format(http.TimeFormat))
	case FaultTruncate, FaultLimit, FaultStale:
	}
	return false
}

// half sends the beginning of an answer, before the connection is cut.
func (s *Server) half(w *recorder, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", "4096")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(`{"value":[{"id":"/subscriptions/`)) // the connection is cut anyway
	_ = http.NewResponseController(w).Flush()                  // what is not flushed is not seen
}

// MarshalJSON writes durations as Go does.
func (f Fault) MarshalJSON() ([]byte, error) {
	type plain Fault
	return json.Marshal(struct { //nolint:wrapcheck // an error of encoding/json says all there is
		plain
		RetryAfter string `json:"retryAfter,omitzero"`
		Delay      string `json:"delay,omitzero"`
	}{plain(f), durationText(f.RetryAfter), durationText(f.Delay)})
}

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
