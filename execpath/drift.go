// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// DriftKind says how what executes in a workload differs between two snapshots.
type DriftKind string

// The kinds.
const (
	DriftChanged  DriftKind = "changed"
	DriftAppeared DriftKind = "appeared"
	DriftGone     DriftKind = "gone"
	DriftSwapped  DriftKind = "swapped" // what ran in a slot runs in the site, and the other way round
)

// NameChange is one value that differs. An empty text stands for none.
type NameChange struct {
	Part          Part
	Name          string
	Before, After string
}

// Drift is a workload that executes something else than before.
type Drift struct {
	Workload arm.ID
	Kind     DriftKind
	// With is the slot that it was swapped with.
	With arm.ID
	// Changes are the values that differ, by part and name; none for one that appeared or is
	// gone.
	Changes []NameChange
	// IdentityChanged is true where the identities that it carries differ too. Where they do
	// not, other code acts under the same name.
	IdentityChanged bool
	// By are the events that may have done it, the latest first.
	By     []Change
	Source mivet.Source
}

// Drifts compares what executes in two snapshots of a tenant. A part of which one of them
// tells nothing is not compared.
func Drifts(before, after *mivet.Snapshot) []Drift {
	old := map[arm.Key]*Fingerprint{}
	was := Fingerprints(before)
	for i := range was {
		old[was[i].Workload.Key()] = &was[i]
	}
	now := map[arm.Key]*Fingerprint{}
	is := Fingerprints(after)
	for i := range is {
		now[is[i].Workload.Key()] = &is[i]
	}
	var out []Drift
	for i := range is {
		f := &is[i]
		b := old[f.Workload.Key()]
		if b == nil {
			out = append(out, Drift{Workload: f.Workload, Kind: DriftAppeared, Source: f.Source})
			continue
		}
		if d := differ(b, f); len(d.Changes) > 0 {
			if with, ok := swappedWith(f, old, now); ok {
				d.Kind, d.With = DriftSwapped, with
			}
			out = append(out, d)
		}
	}
	for i := range was {
		if b := &was[i]; now[b.Workload.Key()] == nil {
			out = append(out, Drift{Workload: b.Workload, Kind: DriftGone, Source: b.Source})
		}
	}
	slices.SortFunc(out, func(a, b Drift) int { return cmp.Compare(a.Workload.Key(), b.Workload.Key()) })
	return out
}

func differ(b, f *Fingerprint) Drift {
	d := Drift{Workload: f.Workload, Kind: DriftChanged, Source: f.Source}
	for _, p := range Parts() {
		if p != PartIdentity && (!b.told || !f.told) {
			continue
		}
		names := maps.Clone(b.Names[p])
		if names == nil {
			names = map[string]string{}
		}
		maps.Copy(names, f.Names[p])
		for _, name := range slices.Sorted(maps.Keys(names)) {
			x, had := b.Names[p][name]
			y, has := f.Names[p][name]
			switch {
			case had == has && x == y:
			case p == PartIdentity:
				d.IdentityChanged = true
			default:
				d.Changes = append(d.Changes, NameChange{p, name, x, y})
			}
		}
	}
	return d
}

// swappedWith is the slot, or the site, whose code a workload has now, if that has its.
func swappedWith(f *Fingerprint, old, now map[arm.Key]*Fingerprint) (arm.ID, bool) {
	mine := old[f.Workload.Key()]
	for key, other := range now {
		related := other.Workload.Parent().Equal(f.Workload) || f.Workload.Parent().Equal(other.Workload)
		was := old[key]
		if !related || was == nil || !other.Workload.HasType(slotType) && !f.Workload.HasType(slotType) {
			continue
		}
		if f.Sum() == was.Sum() && other.Sum() == mine.Sum() && f.Sum() != other.Sum() {
			return other.Workload, true
		}
	}
	return arm.ID{}, false
}

// Attribute gives each drift the events that may have done it: those about the workload, or
// the one that it was swapped with, that were not refused and lie between the two snapshots.
// A zero time is no bound.
func Attribute(list []Drift, events []Change, from, to time.Time) {
	for i := range list {
		d := &list[i]
		for _, c := range events {
			about := c.Workload.Equal(d.Workload) || !d.With.IsZero() && c.Workload.Equal(d.With)
			outside := !from.IsZero() && c.At.Before(from) || !to.IsZero() && c.At.After(to)
			twice := slices.ContainsFunc(d.By, func(b Change) bool { return b.At.Equal(c.At) && b.Principal == c.Principal && b.Row == c.Row })
			if about && !c.Workload.IsZero() && !c.Refused && !outside && !twice {
				d.By = append(d.By, c)
			}
		}
		slices.SortStableFunc(d.By, func(a, b Change) int { return b.At.Compare(a.At) })
	}
}
