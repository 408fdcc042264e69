// SPDX-License-Identifier: Apache-2.0

package forensics

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/mivet/mivet/logs"
)

// Baseline is what is known of the time before the window.
type Baseline struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Entries is how many there are, Days on how many days.
	Entries int64 `json:"entries"`
	Days    int   `json:"days"`
	// Networks are the addresses it came from, without their last part.
	Networks []string `json:"networks,omitzero"`
	// Hours are the hours of the day, in UTC, in which it was at work.
	Hours []int `json:"hours,omitzero"`
}

// Oddity is a way in which something is outside of the pattern or of what was agreed on.
type Oddity string

// The oddities.
const (
	NewOperation Oddity = "operation" // a right that was not used before the window
	NewScope     Oddity = "scope"     // used before, and not there
	NewAddress   Oddity = "address"   // from a network that it did not come from before
	NewHour      Oddity = "hour"      // at an hour of the day at which it was never at work
	NotAgreed    Oddity = "contract"  // beyond the ceiling of the contract
	Forbidden    Oddity = "test"      // an access test says that it must not be possible
)

// The least that a pattern must rest on, in days with entries, before an hour counts as new.
const leastDays = 7

// pattern is what an identity did before the window.
type pattern struct {
	Baseline
	rights map[string]bool
	scopes map[string]time.Time // rights at places, and when they were first used
	nets   map[string]time.Time // when it was first seen
	hours  [24]bool
	days   map[int64]bool

	settled bool
	// roams says that addresses change all the time, wanders that places do.
	roams, wanders bool
}

func newPattern() *pattern {
	return &pattern{rights: map[string]bool{}, scopes: map[string]time.Time{}, nets: map[string]time.Time{}, days: map[int64]bool{}}
}

// learn takes a doing of the time before the window. What was refused teaches the address
// and the hour alone.
func (p *pattern) learn(d *Doing) {
	if p.From.IsZero() {
		p.From = d.At
	}
	p.To = d.At
	p.Entries += d.Count
	p.days[d.At.Unix()/(24*60*60)] = true
	p.hours[d.At.UTC().Hour()] = true
	if n := network(d.Address); n != "" {
		first(p.nets, n, d.At)
	}
	if d.Outcome != logs.Refused {
		p.rights[rightOf(d)] = true
		first(p.scopes, rightOf(d)+"\x00"+d.Scope, d.At)
	}
}

// known reports whether there is a pattern at all.
func (p *pattern) known() bool { return p.Entries > 0 }

func first(seen map[string]time.Time, what string, at time.Time) {
	if _, ok := seen[what]; !ok {
		seen[what] = at
	}
}

// The least that must have been seen before it is said to change all the time.
const (
	leastNetworks = 4
	leastScopes   = 12
)

// changing reports whether something changes so much that a new one tells nothing: of those
// seen, more than a third were new in the second half of the baseline.
func (p *pattern) changing(seen map[string]time.Time, least int) bool {
	middle := p.From.Add(p.To.Sub(p.From) / 2)
	fresh := 0
	for _, at := range seen {
		if at.After(middle) {
			fresh++
		}
	}
	return len(seen) >= least && 3*fresh > len(seen)
}

// settle ends the learning: what comes is held against it.
func (p *pattern) settle() {
	if p.settled {
		return
	}
	p.settled = true
	p.roams, p.wanders = p.changing(p.nets, leastNetworks), p.changing(p.scopes, leastScopes)
	p.Days = len(p.days)
	p.Networks = slices.Sorted(maps.Keys(p.nets))
	for h, at := range p.hours {
		if at {
			p.Hours = append(p.Hours, h)
		}
	}
}

// odd says in which ways a doing is outside of the pattern.
func (p *pattern) odd(d *Doing) []Oddity {
	if !p.known() {
		return nil
	}
	var out []Oddity
	switch right := rightOf(d); {
	case !p.rights[right]:
		out = append(out, NewOperation)
	case p.scopes[right+"\x00"+d.Scope].IsZero() && !p.wanders:
		out = append(out, NewScope)
	}
	if n := network(d.Address); n != "" && len(p.nets) > 0 && !p.roams {
		if _, ok := p.nets[n]; !ok {
			out = append(out, NewAddress)
		}
	}
	h := d.At.UTC().Hour()
	if p.Days >= leastDays && !p.hours[h] && !p.hours[(h+1)%24] && !p.hours[(h+23)%24] {
		out = append(out, NewHour)
	}
	return out
}

// rightOf is what an operation is known by: the right where the log names one.
func rightOf(d *Doing) string {
	if d.Action != "" {
		return d.Action
	}
	return d.Operation
}

// network is an address without the part that changes inside of a network.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	const v4, v6 = 24, 48
	a = a.Unmap()
	bits := v6
	if a.Is4() {
		bits = v4
	}
	n, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return n.String()
}
