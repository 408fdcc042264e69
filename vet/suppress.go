// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Suppression accepts findings for a time.
type Suppression struct {
	// Rule is the rule's ID, or a former one.
	Rule string `json:"rule"`
	// Match says which findings: a fingerprint or its first twelve digits at least, or a
	// pattern in which "*" stands for any run of characters, compared with the subject's
	// ID, name, address and principal, ignoring case. It is empty for an inline ignore.
	Match string `json:"match,omitzero"`
	// Also are further patterns, any of which may match: the resource and the principal of
	// an identity that a contract names.
	Also   []string `json:"also,omitzero"`
	Reason string   `json:"reason"`
	// Owner is who answers for it.
	Owner string `json:"owner,omitzero"`
	// Expires is the last day on which it counts.
	Expires time.Time `json:"expires"`
	// Address limits an inline ignore to one object of a template; empty: to the line of
	// Source.
	Address string `json:"address,omitzero"`
	// Source is where it is written; an inline ignore counts for the line it stands at.
	Source mivet.Source `json:"source,omitzero"`
}

// Suppressed is a finding that is not counted, with the reason.
type Suppressed struct {
	Finding mivet.Finding `json:"finding"`
	// By is the suppression that matched.
	By Suppression `json:"by"`
}

// DefaultMaxDays is the longest that a suppression may run without another policy.
const DefaultMaxDays = 180

// Place names the suppression: the file and the line where it is written.
func (s *Suppression) Place() string { return s.Source.String() }

// Expired reports whether the suppression no longer counts: its last day is over.
func (s *Suppression) Expired(now time.Time) bool {
	return !now.IsZero() && !now.Before(s.Expires.AddDate(0, 0, 1))
}

// TooLong reports whether it runs longer than the policy allows.
func (s *Suppression) TooLong(now time.Time, p *Policy) bool {
	return !now.IsZero() && s.Expires.After(now.AddDate(0, 0, p.maxDays()))
}

// Matches reports whether the suppression is about a finding, whatever its dates say.
func (s *Suppression) Matches(r *Rule, f *mivet.Finding) bool {
	if s.Rule != r.ID && !slices.Contains(r.Aliases, s.Rule) {
		return false
	}
	if s.Match == "" {
		return s.standsAt(f.Source)
	}
	if len(s.Match) >= 12 && strings.HasPrefix(f.Fingerprint, s.Match) {
		return true
	}
	return matchesSubject(s.Match, &f.Subject) || slices.ContainsFunc(s.Also, func(m string) bool { return matchesSubject(m, &f.Subject) })
}

// matchesSubject compares a pattern with all names of a subject.
func matchesSubject(match string, s *mivet.Subject) bool {
	return MatchesName(match, s.Resource.String(), s.Name, s.Address, string(s.Principal))
}

// MatchesName reports whether one of the names is what a pattern stands for: "*" is any run
// of characters, and letter case is none. An empty name is never meant.
func MatchesName(match string, names ...string) bool {
	pattern, err := arm.ParsePattern(match)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(names, func(name string) bool { return name != "" && glob(string(pattern.Key()), string(arm.Fold(name))) })
}

// standsAt reports whether an inline ignore is written at a place: at that line, or at
// the object of that address, whatever module or copy it is in.
func (s *Suppression) standsAt(at mivet.Source) bool {
	if at.Origin == nil || s.Source.Origin == nil {
		return false
	}
	if s.Address != "" {
		address, _, _ := strings.Cut(at.Origin.Address, "[")
		if i := strings.LastIndex(at.Origin.Address, "."+s.Address); i >= 0 {
			address, _, _ = strings.Cut(at.Origin.Address[i+1:], "[")
		}
		if address == s.Address {
			return true
		}
	}
	return at.Line > 0 && at.Line == s.Source.Line && at.Origin.File == s.Source.Origin.File
}

// glob compares a text with a pattern in which "*" stands for any run of characters.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return len(text) >= len(last) && strings.HasSuffix(text, last)
}

// ParseSuppressions reads the suppressions of a YAML file: the list below the key
// "suppressions". Other keys of the file are left to others. Each entry must have a
// rule, a match, a reason, an owner and the day it expires, and nothing else. An error
// names the file and the line.
func ParseSuppressions(file string, text []byte) ([]Suppression, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading suppressions of %s: %w", file, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	origin := &mivet.Origin{File: file}
	var out []Suppression
	var errs []error
	for _, item := range listBelow(doc.Content[0], "suppressions") {
		s, err := parseSuppression(item)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, item.Line, err))
			continue
		}
		s.Source = mivet.Source{Origin: origin, Line: item.Line}
		out = append(out, s)
	}
	return out, errors.Join(errs...)
}

func listBelow(node *yaml.Node, key string) []*yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1].Content
		}
	}
	return nil
}

func parseSuppression(node *yaml.Node) (Suppression, error) {
	var s Suppression
	if node.Kind != yaml.MappingNode {
		return s, errors.New("a suppression must have the keys rule, match, reason, owner and expires")
	}
	fields := map[string]*string{"rule": &s.Rule, "match": &s.Match, "reason": &s.Reason, "owner": &s.Owner}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i].Value, strings.TrimSpace(node.Content[i+1].Value)
		switch into := fields[key]; {
		case into != nil:
			*into = value
		case key == "expires":
			day, err := parseDay(value)
			if err != nil {
				return s, err
			}
			s.Expires = day
		default:
			return s, fmt.Errorf("a suppression has no key %q: it has rule, match, reason, owner and expires", key)
		}
	}
	for _, key := range []string{"rule", "match", "reason", "owner"} {
		if *fields[key] == "" {
			return s, fmt.Errorf("the suppression has no %s: rule, match, reason, owner and expires are mandatory", key)
		}
	}
	if s.Expires.IsZero() {
		return s, errors.New("the suppression has no day on which it expires: write expires: yyyy-mm-dd")
	}
	return s, nil
}

func parseDay(s string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the day %q: write it as yyyy-mm-dd", s)
	}
	return day, nil
}
