// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"time"

	"github.com/mivet/mivet"
)

// Suppression accepts findings for a time. All fields but Source are mandatory.
type Suppression struct {
	// Rule is the rule's ID, or a former one.
	Rule string `json:"rule"`
	// Match says which findings: a fingerprint, or a pattern in which "*" stands for any
	// run of characters, compared with the subject's ID, name, address and principal.
	Match  string `json:"match"`
	Reason string `json:"reason"`
	// Owner is who answers for it.
	Owner string `json:"owner"`
	// Expires is the last day on which it counts.
	Expires time.Time    `json:"expires"`
	Source  mivet.Source `json:"source,omitzero"`
}

// Policy holds the deadlines of an organisation.
type Policy struct {
	// MaxDays is the longest that a suppression may run from now; zero: 180.
	MaxDays int
	// Due is within how many days findings must be gone, by severity; an absent severity
	// has the default: critical 7, high 30, medium 90, low 180, info none.
	Due map[mivet.Severity]int
	// Enforce is the day from which a rule's findings fail a run, by rule ID; before it
	// they are advice. A rule that is not named is enforced.
	Enforce map[string]time.Time
}

// Baseline is what an earlier run found.
type Baseline struct {
	// Seen holds, by fingerprint, when a finding was first seen.
	Seen map[string]time.Time
}
