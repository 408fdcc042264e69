// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"slices"
	"time"

	"github.com/mivet/mivet"
)

// Policy holds the deadlines of an organisation. The zero value is the default policy.
// Findings for information are advice whatever the policy says.
type Policy struct {
	// MaxDays is the longest that a suppression may run from now; zero: [DefaultMaxDays].
	MaxDays int
	// Due is within how many days findings must be gone, by severity; an absent severity
	// has the default: critical 7, high 30, medium 90, low 180, info none.
	Due map[mivet.Severity]int
	// Enforce is the day from which a rule's findings fail a run, by rule ID; before it
	// they are advice. A rule that is not named is enforced.
	Enforce map[string]time.Time
}

func (p *Policy) maxDays() int {
	if p.MaxDays == 0 {
		return DefaultMaxDays
	}
	return p.MaxDays
}

var defaultDue = map[mivet.Severity]int{
	mivet.SeverityCritical: 7, mivet.SeverityHigh: 30, mivet.SeverityMedium: 90, mivet.SeverityLow: 180,
}

// due returns when a finding must be gone; zero: there is no deadline.
func (p *Policy) due(s mivet.Severity, first time.Time) time.Time {
	days, ok := p.Due[s]
	if !ok {
		days = defaultDue[s]
	}
	if days == 0 || first.IsZero() {
		return time.Time{}
	}
	return first.AddDate(0, 0, days)
}

// Baseline is what an earlier run found.
type Baseline struct {
	// Seen holds, by fingerprint, when a finding was first seen.
	Seen map[string]time.Time
}

// settle takes suppressed and known findings out of a result, and gives the others their
// dates. A known finding that is overdue is not hidden any more. Suppressions that are
// expired, or longer than the policy allows, do not count; rules about them say so.
func settle(res *Result, o *Options) {
	open := res.Findings[:0]
	for i := range res.Findings {
		f, known := res.Findings[i], false
		if o.Baseline != nil {
			f.FirstSeen, known = o.Baseline.Seen[f.Fingerprint]
			if !known {
				f.FirstSeen = o.Now
			}
			f.Due = o.Policy.due(f.Severity, f.FirstSeen)
		}
		enforce, named := o.Policy.Enforce[res.Rule.ID]
		f.Advice = f.Severity == mivet.SeverityInfo || named && !o.Now.IsZero() && o.Now.Before(enforce)
		overdue := !f.Due.IsZero() && f.Due.Before(o.Now)
		if by := suppressedBy(res.Rule, &f, o); by != nil {
			res.Suppressed = append(res.Suppressed, Suppressed{Finding: f, By: *by})
		} else if known && !overdue {
			res.Known = append(res.Known, f)
		} else {
			open = append(open, f)
		}
	}
	res.Findings = open
}

func suppressedBy(r *Rule, f *mivet.Finding, o *Options) *Suppression {
	i := slices.IndexFunc(o.Suppressions, func(s Suppression) bool {
		return s.Matches(r, f) && !s.Expired(o.Now) && !s.TooLong(o.Now, &o.Policy)
	})
	if i < 0 {
		return nil
	}
	return &o.Suppressions[i]
}
