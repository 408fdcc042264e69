// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
)

// Day counts days from 1970-01-01, in UTC.
type Day int32

// NoDay is the day of entries without a time.
const NoDay Day = -1 << 31

// DayOf returns the day of a time; NoDay for the zero time.
func DayOf(t time.Time) Day {
	if t.IsZero() {
		return NoDay
	}
	const seconds = 24 * 60 * 60
	s := t.Unix()
	if s < 0 {
		s -= seconds - 1
	}
	return Day(s / seconds)
}

// String returns 2006-01-02, or "" for no day.
func (d Day) String() string {
	if d == NoDay {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// Time returns the beginning of the day.
func (d Day) Time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// MarshalText returns the form of String.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of String.
func (d *Day) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = NoDay
		return nil
	}
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return fmt.Errorf("reading a day: %w", err)
	}
	*d = DayOf(t)
	return nil
}

// Counts are how often, and when, something was done.
type Counts struct {
	Granted   int64 `json:"granted,omitzero"`
	Refused   int64 `json:"refused,omitzero"`
	Undecided int64 `json:"undecided,omitzero"`
	// First and Last are the times of the first and the last entry.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Total is the number of operations.
func (c *Counts) Total() int64 { return c.Granted + c.Refused + c.Undecided }

// Merge adds what another one counted.
func (c *Counts) Merge(o *Counts) {
	c.Granted += o.Granted
	c.Refused += o.Refused
	c.Undecided += o.Undecided
	c.span(o.First, o.Last)
}

func (c *Counts) span(first, last time.Time) {
	if !first.IsZero() && (c.First.IsZero() || first.Before(c.First)) {
		c.First = first
	}
	if last.After(c.Last) {
		c.Last = last
	}
}

// A Fact is what a principal did with one right at one scope on one day.
type Fact struct {
	// Principal is the object id in lower case. Where the log names an application alone it
	// is empty, and App the application id.
	Principal string `json:"principal,omitzero"`
	App       string `json:"app,omitzero"`

	Log    logs.Log    `json:"log"`
	Action string      `json:"action"`
	Plane  mivet.Plane `json:"plane"`
	Scope  string      `json:"scope,omitzero"`
	Day    Day         `json:"day"`
	Counts
}

// compareFacts orders facts by all that is no count.
func compareFacts(a, b *Fact) int {
	return cmp.Or(
		strings.Compare(a.Principal, b.Principal), strings.Compare(a.App, b.App), strings.Compare(a.Scope, b.Scope),
		strings.Compare(a.Action, b.Action), cmp.Compare(a.Plane, b.Plane), cmp.Compare(a.Log, b.Log), cmp.Compare(a.Day, b.Day),
	)
}

// An Origin is where a principal's operations came from: what the token was issued to, how
// the workload signed in, and the client.
type Origin struct {
	Principal string `json:"principal,omitzero"`
	App       string `json:"app,omitzero"`
	// Host is the resource of the token (claim xms_mirid), Credential the federated
	// credential of a sign-in.
	Host       string `json:"host,omitzero"`
	Credential string `json:"credential,omitzero"`
	Caller     string `json:"caller,omitzero"`
	Agent      string `json:"agent,omitzero"`
	// More is set on the one origin that stands for all that were too many to keep.
	More bool `json:"more,omitzero"`
	Counts
}

func compareOrigins(a, b *Origin) int {
	more := func(o *Origin) int {
		if o.More {
			return 1
		}
		return 0
	}
	return cmp.Or(
		strings.Compare(a.Principal, b.Principal), cmp.Compare(more(a), more(b)), strings.Compare(a.App, b.App), strings.Compare(a.Host, b.Host),
		strings.Compare(a.Credential, b.Credential), strings.Compare(a.Caller, b.Caller), strings.Compare(a.Agent, b.Agent),
	)
}

// Seen is that a resource wrote entries of a category: logging worked there.
type Seen struct {
	Log      logs.Log `json:"log"`
	Category string   `json:"category,omitzero"`
	Resource string   `json:"resource,omitzero"`
	Entries  int64    `json:"entries"`
	First    Day      `json:"first"`
	Last     Day      `json:"last"`
}

func compareSeen(a, b *Seen) int {
	return cmp.Or(strings.Compare(a.Resource, b.Resource), cmp.Compare(a.Log, b.Log), strings.Compare(a.Category, b.Category))
}

// Unmapped counts entries that are no use of a right by an identity.
type Unmapped struct {
	Log      logs.Log    `json:"log"`
	Category string      `json:"category,omitzero"`
	Reason   logs.Reason `json:"reason"`
	// Operation is set where that is what is not known.
	Operation string `json:"operation,omitzero"`
	Entries   int64  `json:"entries"`
}

func compareUnmapped(a, b *Unmapped) int {
	return cmp.Or(cmp.Compare(a.Log, b.Log), strings.Compare(a.Category, b.Category), strings.Compare(string(a.Reason), string(b.Reason)), strings.Compare(a.Operation, b.Operation))
}
