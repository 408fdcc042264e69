// SPDX-License-Identifier: Apache-2.0

package path

import (
	_ "embed" // the rule's page
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/vet"
)

//go:embed code_beside_data.md
var codeBesideDataDoc string

// CodeBesideData finds storage accounts in which the code of a workload lies beside data
// that somebody else writes.
var CodeBesideData = &vet.Rule{
	ID:       "code-beside-data",
	Title:    "Code and data in one storage account",
	Doc:      codeBesideDataDoc,
	Category: "path",
	Severity: mivet.SeverityLow,
	Class:    "execution-path-write",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources: []vet.Citation{{
		Title: "Storage considerations for Azure Functions", Read: "2026-11-30",
		URL: "https://learn.microsoft.com/azure/azure-functions/storage-considerations",
	}},
	Check: checkCodeBesideData,
}

// dataWrites are the operations with which data is written in an account.
var dataWrites = []string{
	"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
	"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write",
	"Microsoft.Storage/storageAccounts/queueServices/queues/messages/write",
	"Microsoft.Storage/storageAccounts/tableServices/tables/entities/write",
}

func checkCodeBesideData(p *vet.Pass) error {
	g, err := paths(p)
	if g == nil || err != nil {
		return err
	}
	var writes []arm.Operation
	for _, name := range dataWrites {
		op, err := arm.ParseOperation(name)
		if err != nil {
			return err
		}
		writes = append(writes, op)
	}
	writers := dataWriters(p, writes)
	links := g.Links()
	for i := range links {
		l := &links[i]
		account := accountOf(l)
		if account.IsZero() || l.Content.Equal(account) {
			continue
		}
		quiet := true
		for _, a := range writers[account.Key()] {
			if a.Scope.Contains(l.Content) || l.Content.Contains(a.Scope) {
				continue // who writes the code itself is another rule's
			}
			quiet = false
			p.Report(codeBesideData(p, l, account, a))
		}
		if quiet {
			p.Pass()
		}
	}
	return nil
}

// accountOf is the storage account in which the code that a link names lies; zero where it
// names none, or something else than code.
func accountOf(l *execpath.Link) arm.ID {
	switch l.Kind {
	case execpath.LinkPackage, execpath.LinkShare, execpath.LinkScript:
	default:
		return arm.ID{}
	}
	for id := l.Content; id.Level() == arm.LevelResource; id = id.Parent() {
		if id.HasType("Microsoft.Storage/storageAccounts") {
			return id
		}
	}
	return arm.ID{}
}

// dataWriters are the assignments below storage accounts that surely write data there, by
// the account.
func dataWriters(p *vet.Pass, writes []arm.Operation) map[arm.Key][]*mivet.RoleAssignment {
	out := map[arm.Key][]*mivet.RoleAssignment{}
	for _, a := range p.Assignments() {
		account := a.Scope
		for !account.IsZero() && account.Level() == arm.LevelResource && !account.HasType("Microsoft.Storage/storageAccounts") {
			account = account.Parent()
		}
		if account.Level() != arm.LevelResource || account.Equal(a.Scope) || a.Eligible {
			continue
		}
		for _, op := range writes {
			if p.Engine().Check(authz.Request{Principal: a.Principal, Operation: op, Plane: mivet.PlaneData, Resource: a.Scope}).Effect == authz.Allowed {
				out[account.Key()] = append(out[account.Key()], a)
				break
			}
		}
	}
	return out
}

func codeBesideData(p *vet.Pass, l *execpath.Link, account arm.ID, a *mivet.RoleAssignment) mivet.Finding {
	who := p.Name(a.Principal)
	f := mivet.Finding{
		Severity: mivet.SeverityLow, Source: l.Source, Discriminator: string(account.Key()) + " " + string(a.Principal),
		Subject: mivet.Subject{Resource: l.Workload, Name: l.Workload.Name()},
		Message: fmt.Sprintf("%s loads its code from %s, and %s writes %s in the same account", l.Workload.Name(), l.Content.Name(), who, a.Scope.Name()),
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: l.Source, Fact: fmt.Sprintf("%s loads %s (%s)", l.Workload.Name(), l.Value, l.Setting)},
			{Kind: mivet.Configured, Source: a.Source, Fact: fmt.Sprintf("%s may write at %s", who, p.ScopeWords(a.Scope))},
		},
		Consequence: "one key, one network rule or one role at the account opens both: who was let in for the data comes to the code",
		Fix: mivet.Fix{
			Summary: "move the code into an account of its own, in which nobody but the release pipeline writes; until then take the right at " +
				a.Scope.Name() + " from " + who,
			Check: "the access tests of " + who + " still pass",
		},
	}
	gone := *a
	f.Fix.Edits = []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: &gone}}
	if r := p.Index().Resource(account); r != nil {
		if v, read := r.Setting("allowSharedKeyAccess"); read && v != "false" {
			f.Severity = mivet.SeverityMedium
			f.Evidence = append(f.Evidence, mivet.Evidence{
				Kind: mivet.Configured, Source: r.Source, Fact: account.Name() + " takes account keys: whoever has one writes both",
			})
		}
	}
	return f
}
