// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/vet"
)

//go:embed policy_attaches_identity.md
var policyAttachesDoc string

// PolicyAttachesIdentity finds policies that will attach an identity to machines whose code
// asks for none by name, so that it presents another one or none.
var PolicyAttachesIdentity = &vet.Rule{
	ID:       "policy-attaches-identity",
	Title:    "A policy attaches a second identity",
	Doc:      policyAttachesDoc,
	Category: "presented",
	Severity: mivet.SeverityMedium,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Built-in policies of Azure Policy", Read: "2026-11-30",
			URL: "https://github.com/Azure/azure-policy/tree/master/built-in-policies",
		},
		{
			Title: "Managed identities for Azure resources frequently asked questions", Read: "2026-11-21",
			URL: "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq",
		},
	},
	Check: checkPolicies,
}

// attaching is what a policy attaches, and to what.
type attaching struct {
	system bool // a system-assigned identity; else a user-assigned one
	sets   bool // scale sets
	single bool // single machines
}

// attachingPolicies are the built-in definitions with the effects deployIfNotExists and
// modify that attach identities to machines, and the initiatives that hold them
// (Azure/azure-policy built-in-policies, read 2026-04-29 and 2026-11-30). The policy that
// gives a machine without any identity a system-assigned one changes nothing that is used.
var attachingPolicies = map[arm.Key]attaching{
	"f40c7c00-b4e3-4068-a315-5fe81347a904": {single: true},               // guest configuration
	"d367bd60-64ca-4364-98ea-276775bddd94": {single: true},               // the built-in identity
	"516187d4-ef64-4a1b-ad6b-a7348502976c": {sets: true},                 // the same
	"497dff13-db2a-4c0f-8603-28fa3b331ab6": {system: true, single: true}, // guest configuration
	"12794019-7a00-42cf-95c2-882eed337cc8": {system: true, single: true}, // its initiative
	"17b3de92-f710-4cf4-aa55-0e7859f1ed7b": {system: true, single: true, sets: true},
	"0d1b56c6-6d1f-4a5d-8695-b15efbea6b49": {single: true, sets: true}, // initiatives of the monitoring agent
	"babf8e94-780b-4b4d-abaa-4830136a8725": {single: true, sets: true},
	"924bfe3a-762f-40e7-86dd-5c8b95eb09e6": {single: true},
}

const policyAssignments = "Microsoft.Authorization/policyAssignments"

func checkPolicies(p *vet.Pass) error {
	for _, a := range inOrder(p, is(arm.Fold(policyAssignments)), anyResource) {
		definition, read := a.Setting("policyDefinitionId")
		if !read && len(anyAttaching.changes(p, a)) > 0 {
			p.Unassessed(vet.Undecided{Subject: mivet.Subject{Resource: a.ID, Name: a.ID.Name()}, Source: a.Source, Facts: mivet.FactResources, Reason: "what policy it assigns was not read"})
			continue
		}
		what, known := attachingPolicies[arm.Fold(definition[strings.LastIndexByte(definition, '/')+1:])]
		mode, _ := a.Setting("enforcementMode")
		if !known || arm.Fold(mode) == "donotenforce" {
			p.Pass()
			continue
		}
		if hit := what.changes(p, a); len(hit) > 0 {
			p.Report(policyFinding(a, what, hit))
		} else {
			p.Pass()
		}
	}
	return nil
}

// anyAttaching stands for a policy that was not read.
var anyAttaching = attaching{system: true, single: true, sets: true}

// changes lists the machines whose code would present something else than now where it
// names no identity.
func (a attaching) changes(p *vet.Pass, assignment *mivet.Resource) []*mivet.Resource {
	scope := assignment.ID.Parent()
	excluded := notScopes(assignment)
	var types []arm.Key
	if a.single {
		types = append(types, "microsoft.compute/virtualmachines")
	}
	if a.sets {
		types = append(types, "microsoft.compute/virtualmachinescalesets")
	}
	return inOrder(p, is(types...), func(r *mivet.Resource) bool {
		// The metadata service answers with the system-assigned identity, else with the only
		// user-assigned one, else not at all.
		if r.Identity == nil || r.Identity.System || len(r.Identity.User) == 0 || !a.system && len(r.Identity.User) > 1 {
			return false
		}
		outside := slices.ContainsFunc(excluded, func(x arm.ID) bool { return x.Contains(r.ID) })
		return !managed(r) && p.Covers(scope, r.ID) && !outside
	})
}

func notScopes(assignment *mivet.Resource) []arm.ID {
	var out []arm.ID
	for i := 0; ; i++ {
		text, ok := assignment.Setting(fmt.Sprintf("notScopes[%d]", i))
		if !ok {
			return out
		}
		if id, err := arm.ParseID(text); err == nil {
			out = append(out, id)
		}
	}
}

func policyFinding(a *mivet.Resource, what attaching, hit []*mivet.Resource) mivet.Finding {
	names := make([]string, len(hit))
	for i, r := range hit {
		names[i] = r.ID.Name()
	}
	sort, then := "a second user-assigned identity", "a request without a selector is refused: there are several, and none is chosen"
	if what.system {
		sort, then = "a system-assigned identity", "a request without a selector is answered with the new identity, which holds nothing"
	}
	f := mivet.Finding{
		Subject: mivet.Subject{Resource: a.ID, Name: a.ID.Name()}, Source: a.Source,
		Message:     fmt.Sprintf("the policy assignment %s attaches %s to %s, which answer today with the user-assigned one", a.ID.Name(), sort, vet.AtMost(names, 4)),
		Consequence: "code there that does not name its identity stops working when the policy is next remediated: " + then,
		Evidence:    []mivet.Evidence{{Kind: mivet.Configured, Source: a.Source, Fact: a.ID.Name() + " assigns a policy that attaches " + sort}},
		Fix: mivet.Fix{
			Summary: "let the code of these machines name its identity by client ID; until then, exclude them from the policy",
			Check:   "whether the code names its identity already: nothing needs to be done then",
			Command: "az policy assignment show --name " + a.ID.Name() + " --scope " + a.ID.Parent().String(),
		},
	}
	next := len(notScopes(a))
	for i, r := range hit {
		f.Evidence = append(f.Evidence,
			mivet.Evidence{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s carries %d user-assigned and no system-assigned identity", r.ID.Name(), len(r.Identity.User))},
			mivet.Evidence{Kind: mivet.Predicted, Source: r.Source, Fact: "after the policy " + then})
		f.Fix.Edits = append(f.Fix.Edits, mivet.Edit{Kind: mivet.EditSetSetting, Resource: a.ID, Name: fmt.Sprintf("notScopes[%d]", next+i), Value: r.ID.String()})
	}
	return f
}
