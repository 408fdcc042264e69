// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mivet/mivet/arm"
)

// Kind is what a selector wants to hold.
type Kind string

// The kinds of selectors.
const (
	KindResource    Kind = "resource"    // the ID of a user-assigned identity, or a keyword
	KindClient      Kind = "client"      // its client ID
	KindPrincipal   Kind = "principal"   // its principal ID
	KindMode        Kind = "mode"        // a way to authenticate
	KindSwitch      Kind = "switch"      // a boolean
	KindName        Kind = "name"        // the name of another object
	KindApplication Kind = "application" // the client ID of an application, not of an identity
	KindOutput      Kind = "output"      // what Azure itself chose
)

// Selector is a property that selects an identity for a use.
type Selector struct {
	Type string `json:"type"`
	// Path is the property below "properties"; [] stands for each element of a list, * for
	// any text.
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Default is what holds where nothing is set: "system", "none", "off", "platform" (a
	// trusted service of Azure), or "" where that is not known.
	Default string `json:"default"`
	// Needs is another property with the value without which this one has no effect, as
	// PATH=VALUE; * stands for the same text as in Path.
	Needs string `json:"needs"`
	// Wrong is what a wrong value leads to; empty where that is not known.
	Wrong string `json:"wrong"`
	// Use is what the identity is used for; empty where only the property was read.
	Use string `json:"use"`
	// Verified says how it is known: docs, types, source.
	Verified string `json:"verified"`
	Source   string `json:"source"`
}

// Curated reports whether a person has looked at the selector, so that its default and
// the effect of a wrong value are known.
func (s *Selector) Curated() bool { return s.Use != "" }

const readSource = "Azure/bicep-types-az@1f896de2db966ad91e8f7d7d981e11d32e4f5d8d generated, 2026-08-20"

var selectorTable = sync.OnceValues(loadSelectors)

// loadSelectors reads the curated rows, and those that were read by machine.
func loadSelectors() (map[arm.Key][]*Selector, error) {
	text, err := embedded.ReadFile("data/selectors.json")
	if err != nil {
		return nil, fmt.Errorf("reading the selectors: %w", err)
	}
	var rows []*Selector
	if err := strictly(text, &rows); err != nil {
		return nil, fmt.Errorf("reading the selectors: %w", err)
	}
	more, err := embedded.ReadFile("data/selectors-read.tsv")
	if err != nil {
		return nil, fmt.Errorf("reading the selectors: %w", err)
	}
	for line := range strings.Lines(string(more)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(f) != 4 {
			continue
		}
		rows = append(rows, &Selector{Type: f[0], Path: f[1], Kind: Kind(f[2]), Verified: "types", Source: readSource + ", " + f[3]})
	}
	table := map[arm.Key][]*Selector{}
	for _, r := range rows {
		table[arm.Fold(r.Type)] = append(table[arm.Fold(r.Type)], r)
	}
	return table, nil
}

// Selectors lists the properties of a resource type that select identities.
func Selectors(resourceType string) ([]*Selector, error) {
	table, err := selectorTable()
	if err != nil {
		return nil, err
	}
	return slices.Clone(table[arm.Fold(resourceType)]), nil
}

// needed returns the property that a selector needs beside the one at a path, and its
// value.
func (s *Selector) needed(path string) (other, value string) {
	other, value, _ = strings.Cut(s.Needs, "=")
	if before, after, ok := strings.Cut(s.Path, "*"); ok && len(path) >= len(before)+len(after) {
		other = strings.Replace(other, "*", path[len(before):len(path)-len(after)], 1)
	}
	return other, value
}

// matches reports whether a property of a resource is one of the selector's.
func (s *Selector) matches(path string) bool {
	pattern := string(arm.Fold(s.Path))
	text := string(arm.Fold(path))
	for {
		i := strings.IndexAny(pattern, "[*")
		if i < 0 {
			return pattern == text
		}
		if !strings.HasPrefix(text, pattern[:i]) {
			return false
		}
		text = text[i:]
		if pattern[i] == '*' {
			rest, ok := strings.CutSuffix(text, pattern[i+1:])
			return ok && rest != ""
		}
		end := strings.IndexByte(text, ']')
		if end < 0 || !strings.HasPrefix(text, "[") {
			return false
		}
		pattern, text = strings.TrimPrefix(pattern[i:], "[]"), text[end+1:]
	}
}
