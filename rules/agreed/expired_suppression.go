// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed expired_suppression.md
var expiredSuppressionDoc string

// ExpiredSuppression finds suppressions that no longer count, or never did.
var ExpiredSuppression = &vet.Rule{
	ID:       "expired-suppression",
	Title:    "Suppression that is expired or runs too long",
	Doc:      expiredSuppressionDoc,
	Category: "agreed",
	Severity: mivet.SeverityMedium,
	Class:    "exception-expired",
	Needs:    []mivet.FactKind{mivet.FactInput},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkSuppressions,
}

func checkSuppressions(p *vet.Pass) error {
	for i := range p.Suppressions {
		s := &p.Suppressions[i]
		switch {
		case s.Expired(p.Now):
			days := int(p.Now.Sub(s.Expires).Hours() / 24)
			p.Report(suppressionFinding(s, "expired", fmt.Sprintf("the suppression of %s expired %s ago", what(s), vet.Count(days, "day"))))
		case s.TooLong(p.Now, p.Policy):
			p.Report(suppressionFinding(s, "too long", fmt.Sprintf("the suppression of %s runs longer than the policy allows", what(s))))
		default:
			p.Pass()
		}
	}
	return nil
}

func what(s *vet.Suppression) string {
	if s.Match == "" {
		return s.Rule
	}
	return s.Rule + " for " + s.Match
}

func suppressionFinding(s *vet.Suppression, kind, message string) mivet.Finding {
	return mivet.Finding{
		Subject: mivet.Subject{Address: s.Rule + " " + s.Match + " " + s.Place(), Name: what(s)}, Discriminator: kind,
		Source: s.Source, Message: message,
		Evidence: []mivet.Evidence{{
			Kind: mivet.Configured, Source: s.Source,
			Fact: fmt.Sprintf("it is accepted until %s, because: %s%s", s.Expires.Format(time.DateOnly), s.Reason, by(s)),
		}},
		Consequence: "it does not count: what it hid is reported again",
		Fix: mivet.Fix{
			Summary: "remove it and fix what it hides, or decide anew with a day within the policy",
			Check:   "with its owner",
			Edits:   []mivet.Edit{{Kind: mivet.EditRemoveSuppression, Name: s.Place()}},
		},
	}
}

func by(s *vet.Suppression) string {
	if s.Owner == "" {
		return ""
	}
	return " (" + s.Owner + ")"
}
