// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Closed is how long after its end an hour may still get entries: a blob can hold what was
// written in the 48 hours before.
// Source: MicrosoftDocs/azure-monitor-docs@171a525 articles/azure-monitor/platform/resource-logs.md.
const Closed = 48 * time.Hour

// A Source is one file of entries.
type Source struct {
	// Name is the path of the file below the folder that was read, with slashes.
	Name string `json:"name"`
	// Hour is the hour that the path tells; zero where it tells none.
	Hour time.Time `json:"hour,omitzero"`
	// Size and Modified are those of the file when it was read; Read is when that was.
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified,omitzero"`
	Read     time.Time `json:"read"`
	// Unfinished says that the file ended inside an entry.
	Unfinished bool `json:"unfinished,omitzero"`
	// Faults is how many entries could not be read.
	Faults int64 `json:"faults,omitzero"`
}

// Open reports whether the file may still get entries.
func (s *Source) Open() bool {
	end := s.Modified
	if !s.Hour.IsZero() {
		end = s.Hour.Add(time.Hour)
	}
	return s.Unfinished || s.Read.Before(end.Add(Closed))
}

// HourOf finds the hour in the path of a blob, …/y=2026/m=11/d=02/h=08/m=00/PT1H.json;
// the zero time where there is none.
func HourOf(name string) time.Time {
	var n [4]int
	keys := [4]string{"y=", "m=", "d=", "h="}
	at := 0
	for part := range strings.SplitSeq(strings.ReplaceAll(name, `\`, "/"), "/") {
		if at < len(keys) && len(part) > 2 && strings.EqualFold(part[:2], keys[at]) {
			v, err := strconv.Atoi(part[2:])
			if err != nil {
				return time.Time{}
			}
			n[at] = v
			at++
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], 0, 0, 0, time.UTC)
	if at < len(keys) || t.Year() != n[0] || int(t.Month()) != n[1] || t.Day() != n[2] || t.Hour() != n[3] {
		return time.Time{}
	}
	return t
}

// A Part is what one file says.
type Part struct {
	Source
	Summary

	// Lines are digests of the file's entries, kept while its hour is open, so that an entry
	// that comes again in another file is counted once.
	Lines []uint64 `json:"-"`
}

// Digest identifies a line, in every run alike. It cannot be forged.
func Digest(line []byte) uint64 {
	sum := sha256.Sum256(line)
	return binary.LittleEndian.Uint64(sum[:])
}

// Ledger holds what files of entries say, each file once.
type Ledger struct {
	parts map[string]*Part
	key   [keySize]byte
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger { return &Ledger{parts: map[string]*Part{}, key: newKey()} }

// Put takes what a file says in the place of what it said before.
func (l *Ledger) Put(p *Part) {
	if !p.Open() {
		p.Lines = nil
	}
	l.parts[p.Name] = p
}

// Has reports whether a file was read as it is, so that it need not be read again.
func (l *Ledger) Has(s *Source) bool {
	p := l.parts[s.Name]
	return p != nil && !p.Unfinished && p.Size == s.Size && p.Modified.Equal(s.Modified)
}

// Close forgets the digests of files whose hour is over at that time.
func (l *Ledger) Close(now time.Time) {
	for _, p := range l.parts {
		if s := p.Source; p.Lines != nil {
			s.Read = now
			if !s.Open() {
				p.Lines = nil
			}
		}
	}
}

// Parts returns all files by name.
func (l *Ledger) Parts() []*Part {
	names := slices.Sorted(maps.Keys(l.parts))
	parts := make([]*Part, len(names))
	for i, n := range names {
		parts[i] = l.parts[n]
	}
	return parts
}

// Total puts all files together.
func (l *Ledger) Total() *Summary {
	var t Summary
	facts := 0
	for _, p := range l.parts {
		facts += len(p.Facts)
	}
	t.Facts = make([]Fact, 0, facts)
	for _, p := range l.Parts() {
		t.Entries += p.Entries
		t.Repeated += p.Repeated
		t.Facts = append(t.Facts, p.Facts...)
		t.Origins = append(t.Origins, p.Origins...)
		t.Seen = append(t.Seen, p.Seen...)
		t.Unmapped = append(t.Unmapped, p.Unmapped...)
	}
	t.sort()
	return &t
}
