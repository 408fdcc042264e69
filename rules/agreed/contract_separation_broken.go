// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	"cmp"
	_ "embed" // the rule's page
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/vet"
)

//go:embed contract_separation_broken.md
var contractSeparationBrokenDoc string

// ContractSeparationBroken finds principals that can act as an identity and that its contract does not name.
var ContractSeparationBroken = &vet.Rule{
	ID:       "contract-separation-broken",
	Title:    "Somebody stands behind an identity who was not agreed on",
	Doc:      contractSeparationBrokenDoc,
	Category: "agreed",
	Severity: mivet.SeverityHigh,
	Class:    "execution-path-write",
	Needs:    accessNeeds,
	Since:    "0.1.0",
	Sources:  []vet.Citation{leastPrivilege},
	Check:    checkContractSeparationBroken,
}

func checkContractSeparationBroken(p *vet.Pass) error {
	b := p.Contract()
	if b == nil {
		return nil
	}
	var failed error
	err := present(p, func(x *contract.Binding) {
		s := x.Separation
		if s.Code == nil && s.Run == nil {
			s = b.Organisation.Separation
		}
		if s.Code == nil && s.Run == nil || failed != nil {
			return
		}
		g, err := p.Paths()
		if err != nil {
			failed = err
			return
		}
		right := true
		actors := g.ActorsOf(x.Held)
		for i := range actors.Direct {
			if a := &actors.Direct[i]; !standsBehind(p, &s, a) {
				right = false
				p.Report(separationFinding(p, x, &s, a))
			}
		}
		if right {
			p.Pass()
		}
	})
	return cmp.Or(failed, err)
}

// Content, supply and execution are ways by code; the others run as the identity in another
// way.
func byCode(s *execpath.Step) bool {
	return s.Kind == execpath.KindContent || s.Kind == execpath.KindSupply || s.Kind == execpath.KindExec
}

// standsBehind reports whether an actor is agreed on, or the list for its sort of way is not
// given.
func standsBehind(p *vet.Pass, s *contract.Separation, a *execpath.Actor) bool {
	list := s.Run
	if byCode(&a.Step) {
		list = s.Code
	}
	if list == nil || named(p, list, a.Principal) {
		return true
	}
	// Who holds the right through a group stands behind it where the group does.
	r := a.Step.Assignment()
	return r != nil && named(p, list, r.Principal)
}

func separationFinding(p *vet.Pass, x *contract.Binding, s *contract.Separation, a *execpath.Actor) mivet.Finding {
	who, key := p.Name(a.Principal), "run"
	verb := "can act as"
	if byCode(&a.Step) {
		verb, key = "can change the code that runs as", "code"
	}
	at := s.At
	if at.Line == 0 {
		at = x.At
	}
	severity := mivet.SeverityHigh
	if a.Step.Level == execpath.Possible {
		severity = mivet.SeverityMedium
	}
	f := mivet.Finding{
		Severity: severity, Subject: subjectOf(x), Discriminator: key + "|" + string(a.Principal), Source: placeOf(x, at),
		Message: fmt.Sprintf("%s %s %s, and separation.%s does not name them", who, verb, x.Name, key),
		Evidence: []mivet.Evidence{
			agreedFact(at, "who may stand behind %s", x.Name),
			{Kind: mivet.Predicted, Source: a.Step.Source, Fact: fmt.Sprintf("%s: %s", a.Step.Technique, strings.TrimSuffix(a.Step.How, "."))},
		},
		Consequence: fmt.Sprintf("everything that %s may do, %s can do", x.Name, who),
		Fix: mivet.Fix{
			Summary: "take away the right that leads there, or agree on it, with a reason",
			Check:   "what else they use the right for",
			Command: fmt.Sprintf("mivet who-can-act-as %s", x.Name),
		},
	}
	if r := a.Step.Assignment(); r != nil && r.Principal == a.Principal {
		f.Fix.Edits, f.Fix.Command = []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: r}}, ""
	}
	return f
}
