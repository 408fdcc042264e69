// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed data/*.json data/*.tsv
var embedded embed.FS

// Basis says how it is known what a client library does.
type Basis string

// The bases.
const (
	ObservedRun Basis = "observed"                  // real clients of that line were run and compared
	FromSource  Basis = "from source, not observed" // read in its code or its documentation
)

// Fact is what a client library does from a version on.
type Fact struct {
	// From is the first version it holds for, and Before the first one it does not hold for
	// any more; empty for no end.
	From   string `json:"from"`
	Before string `json:"before,omitempty"`
	// Defect is true for a mistake of few versions, which nobody means who does not name one.
	Defect bool `json:"defect,omitempty"`
	// Source is where it is from.
	Source string `json:"source"`
	// Set is the part of the behaviour that it says.
	Set map[string]any `json:"set"`
}

// SDK is a client library with all that is known of it.
type SDK struct {
	// ID is the short name: go, js, python, dotnet or java.
	ID string `json:"id"`
	// Package is its name in the registry of its language.
	Package string `json:"package"`
	// Names are the words it is called by.
	Names []string `json:"names"`
	Basis Basis    `json:"basis"`
	// Observed are versions of it that were run, where not the whole line was.
	Observed []string `json:"observed,omitempty"`
	// First and Newest are the oldest and the newest version that was read.
	First  string `json:"first"`
	Newest string `json:"newest"`
	Facts  []Fact `json:"facts"`
}

// loaded are the client libraries, read once.
var loaded = sync.OnceValues(loadSDKs)

func loadSDKs() ([]*SDK, error) {
	var all []*SDK
	for _, id := range []string{"go", "js", "python", "dotnet", "java"} {
		text, err := embedded.ReadFile("data/sdk-" + id + ".json")
		if err != nil {
			return nil, fmt.Errorf("reading what is known of %s: %w", id, err)
		}
		sdk := new(SDK)
		if err := strictly(text, sdk); err != nil {
			return nil, fmt.Errorf("reading what is known of %s: %w", id, err)
		}
		all = append(all, sdk)
	}
	return all, nil
}

func strictly(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// SDKs lists the client libraries that are known.
func SDKs() ([]*SDK, error) { return loaded() }

// FindSDK returns the library that is called by a word such as "go", "@azure/identity" or
// "Azure.Identity", and nil for one that is not known.
func FindSDK(name string) (*SDK, error) {
	all, err := loaded()
	if err != nil {
		return nil, err
	}
	name = strings.ToLower(strings.TrimSpace(name))
	for _, s := range all {
		if slices.Contains(s.Names, name) {
			return s, nil
		}
	}
	return nil, nil
}

// BasisOf says how it is known what a version of the library does.
func (s *SDK) BasisOf(version string) Basis {
	if slices.Contains(s.Observed, version) {
		return ObservedRun
	}
	return s.Basis
}

// Versions returns one version for each behaviour of the library that differs, oldest
// first: those at which a fact begins or ends.
func (s *SDK) Versions() []string {
	var all []string
	for _, f := range s.Facts {
		if f.Defect {
			continue
		}
		all = append(all, f.From)
		if f.Before != "" {
			all = append(all, f.Before)
		}
	}
	versions := map[string]Version{}
	for _, text := range all {
		if v, err := ParseVersion(text); err == nil {
			versions[text] = v
		}
	}
	texts := slices.Collect(maps.Keys(versions))
	slices.SortFunc(texts, func(a, b string) int { return versions[a].Compare(versions[b]) })
	return texts
}

// behaviour returns what a version of the library does, and the facts that say it.
func (s *SDK) behaviour(v Version) (*behaviour, error) {
	first, err := ParseVersion(s.First)
	if err != nil {
		return nil, err
	}
	if v.Compare(first) < 0 {
		return nil, fmt.Errorf("version %s of %s is older than what is known of it, which begins with %s", v, s.Package, s.First)
	}
	merged := map[string]any{}
	for _, f := range s.Facts {
		holds, err := f.holds(v)
		if err != nil {
			return nil, err
		}
		if holds {
			merged = mergeObjects(merged, f.Set)
		}
	}
	text, err := json.Marshal(merged)
	if err != nil {
		return nil, fmt.Errorf("joining the facts of %s: %w", s.Package, err)
	}
	b := new(behaviour)
	if err := strictly(text, b); err != nil {
		return nil, fmt.Errorf("reading the facts of %s %s: %w", s.Package, v, err)
	}
	return b, nil
}

func (f *Fact) holds(v Version) (bool, error) {
	from, err := ParseVersion(f.From)
	if err != nil {
		return false, err
	}
	if v.Compare(from) < 0 {
		return false, nil
	}
	if f.Before == "" {
		return true, nil
	}
	before, err := ParseVersion(f.Before)
	return v.Compare(before) < 0, err
}

// mergeObjects returns a with the members of b over it; objects are joined member by
// member, everything else is replaced.
func mergeObjects(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	for k, v := range b {
		inner, isObject := v.(map[string]any)
		old, wasObject := out[k].(map[string]any)
		if isObject && wasObject {
			out[k] = mergeObjects(old, inner)
			continue
		}
		out[k] = v
	}
	return out
}
