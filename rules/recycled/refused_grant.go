// SPDX-License-Identifier: Apache-2.0

package recycled

import (
	"cmp"
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed refused_grant.md
var refusedGrantDoc string

// RefusedGrant finds grants of a plan that Azure will refuse.
var RefusedGrant = &vet.Rule{
	ID:       "refused-grant",
	Title:    "Planned grant that Azure refuses",
	Doc:      refusedGrantDoc,
	Category: "recycled",
	Severity: mivet.SeverityHigh,
	Class:    "contract-violated",
	Needs:    []mivet.FactKind{mivet.FactInput},
	Since:    "0.1.0",
	Sources:  OrphanedAssignment.Sources,
	Check:    checkRefused,
}

func checkRefused(p *vet.Pass) error {
	grants := map[string]*mivet.Declaration{}
	var order []*mivet.Declaration
	for i := range p.Snapshot.Declarations {
		d := &p.Snapshot.Declarations[i]
		if known := grants[d.Source.String()]; known == nil && (d.Grant || d.Refused != "") {
			grants[d.Source.String()] = d
			order = append(order, d)
		}
	}
	slices.SortFunc(order, func(a, b *mivet.Declaration) int {
		return cmp.Or(cmp.Compare(a.Source.String(), b.Source.String()), cmp.Compare(a.Address, b.Address))
	})
	for _, d := range order {
		if d.Refused == "" {
			p.Pass()
			continue
		}
		p.Report(refusedFinding(d))
	}
	return nil
}

func refusedFinding(d *mivet.Declaration) mivet.Finding {
	what, _, _ := strings.Cut(d.Refused, ":")
	f := mivet.Finding{
		Subject: mivet.Subject{Address: d.Address, Name: d.Address}, Source: d.Source,
		Message:     fmt.Sprintf("%s cannot be made: %s", d.Address, what),
		Evidence:    []mivet.Evidence{{Kind: mivet.Configured, Source: d.Source, Fact: fmt.Sprintf("%s: %s", d.Address, d.Refused)}},
		Consequence: "the apply stops there with an error, after other changes were made: who waits for this grant gets 403",
		Fix: mivet.Fix{
			Summary: "name its principal by an identity that is there already, or apply the identity first and plan again",
			Check:   "that nothing needs the grant before the second apply",
			Command: "terraform apply '-target=<the resource that carries the identity>'",
		},
	}
	if len(d.WaitsFor) == 0 {
		return f
	}
	f.Evidence = append(f.Evidence, mivet.Evidence{
		Kind: mivet.Predicted, Source: d.Source,
		Fact: fmt.Sprintf("it comes from %s, which has no principal while the plan is made", vet.List(d.WaitsFor)),
	})
	f.Fix.Summary = fmt.Sprintf("apply %s first, then plan again: its principal is known then", vet.List(d.WaitsFor))
	f.Fix.Command = ""
	for _, address := range d.WaitsFor {
		f.Fix.Edits = append(f.Fix.Edits, mivet.Edit{Kind: mivet.EditApplyFirst, Name: address})
	}
	return f
}
