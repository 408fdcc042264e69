// SPDX-License-Identifier: Apache-2.0

package agreed

import (
	_ "embed" // the rule's page
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

//go:embed owner_missing.md
var ownerMissingDoc string

// OwnerMissing finds identities that nobody answers for.
var OwnerMissing = &vet.Rule{
	ID:       "owner-missing",
	Title:    "Identity without an owner",
	Doc:      ownerMissingDoc,
	Category: "agreed",
	Severity: mivet.SeverityLow,
	Class:    "contract-violated",
	Needs:    []mivet.FactKind{mivet.FactIdentities, mivet.FactResources},
	Since:    "0.1.0",
	Sources:  []vet.Citation{identityPractice},
	Check:    checkOwners,
}

func checkOwners(p *vet.Pass) error {
	ids := p.Identities()
	if len(ids) > 0 && !p.NamesOwners() {
		p.Unassessed(vet.Undecided{
			Subject: mivet.Subject{Name: "every identity"}, Source: ids[0].Source,
			Reason: fmt.Sprintf("nothing in the input has one of the tags %s, and there is no CODEOWNERS: set owner.tags or owner.codeowners to say where owners are named",
				strings.Join(p.OwnerTags(), ", ")),
		})
		return nil
	}
	for _, id := range ids {
		if r := p.Index().Resource(id.Resource); r != nil {
			checkOwner(p, id, r)
		}
	}
	return nil
}

func checkOwner(p *vet.Pass, id *mivet.Identity, r *mivet.Resource) {
	if owner, _ := p.Owner(id.Resource, id.Source); owner != "" {
		p.Pass()
		return
	}
	if gap := p.TagsUnread(r); gap != nil {
		p.Blocked(mivet.Subject{Resource: id.Resource, Principal: id.Principal, Name: id.Resource.Name()}, gap)
		return
	}
	reach := p.ReachBy(id.Principal)
	what := vet.TypeWords(id.Resource.Type()) + " " + id.Resource.Name()
	if id.Kind == mivet.SystemAssigned {
		what = "the identity of " + what
	}
	f := mivet.Finding{
		Subject: mivet.Subject{Resource: id.Resource, Principal: id.Principal, Name: id.Resource.Name()},
		Source:  id.Source, Reach: &reach,
		Message: what + " has no owner",
		Evidence: []mivet.Evidence{{
			Kind: mivet.Configured, Source: r.Source,
			Fact: fmt.Sprintf("no tag %s at the resource, its group or its subscription, and no owner of its file", strings.Join(p.OwnerTags(), ", ")),
		}},
		Consequence: fmt.Sprintf("nobody is asked when it is misused, reviewed or no longer needed; it can %s", vet.ReachWords(&reach)),
		Fix: mivet.Fix{
			Summary: "name the team that answers for it, in a tag or in CODEOWNERS",
			Edits:   []mivet.Edit{{Kind: mivet.EditSetTag, Resource: id.Resource, Name: p.OwnerTags()[0], Value: "<team>"}},
			Check:   "who deploys it; the name is yours to fill in",
		},
	}
	if !p.HoldsAnything(id.Principal) {
		f.Severity = mivet.SeverityInfo
		f.Consequence = "nobody is asked when it is misused, reviewed or no longer needed"
	}
	p.Report(f)
}
