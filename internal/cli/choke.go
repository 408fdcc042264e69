// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/execpath"
)

func (a *app) chokeCommand() *cobra.Command {
	var f pathFlags
	cmd := &cobra.Command{
		Use:     "choke --to TARGET [--allow IDENTITY] [INPUT...]",
		Short:   "the cheapest change after which nobody else comes to a target",
		GroupID: groupQuestions,
		Example: "  mivet choke --to settlement --allow shop-deploy --demo",
		Long: "Finds the cheapest set of facts (role assignments, memberships, settings) that cuts every certain\n" +
			"path from elsewhere. Facts on which an access test hangs are dear. The cut is proved by a new\n" +
			"search in what is left, and the access tests that would break are named. Nothing is changed.",
		Args: a.args(0, -1),
	}
	cmd.RunE = a.run(func(ctx context.Context, args []string) (int, error) {
		if len(f.to) == 0 {
			return exitUsage, a.misuse(cmd, errors.New("--to is missing"))
		}
		return a.choke(ctx, &f, args)
	})
	f.register(cmd, false)
	fl := cmd.Flags()
	fl.StringArrayVar(&f.to, "to", nil, "the identity or the resource to protect; may be repeated")
	fl.StringVar(&f.operation, "operation", "", "what is protected at the resource (default for a secret: reading it)")
	fl.StringArrayVar(&f.allow, "allow", nil, "who may come there; may be repeated")
	return cmd
}

func (a *app) choke(ctx context.Context, f *pathFlags, inputs []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	p, err := a.preparePaths(ctx, f, inputs)
	if err != nil {
		return exitFailed, err
	}
	g, err := p.goals(ctx, f)
	if err != nil {
		return exitFailed, err
	}
	allow, err := p.identities(ctx, f.allow)
	if err != nil {
		return exitFailed, err
	}
	w := chokeAnswer{paths: p, goal: g, allow: allow, cut: p.graph.Choke(execpath.ChokeQuery{To: g.to, Allow: allow})}
	return exitOK, a.emit(&f.out, w.write)
}

type chokeAnswer struct {
	*paths
	goal  *goal
	allow []mivet.PrincipalID
	cut   execpath.Cut
}

type chokeJSON struct {
	SchemaVersion int                `json:"schemaVersion"`
	Question      pathQuestionJSON   `json:"question"`
	Allow         []principalJSON    `json:"allow"`
	Before        []principalJSON    `json:"before"`
	Facts         []cutFactJSON      `json:"facts"`
	Cost          int                `json:"cost"`
	Bound         int                `json:"bound"`
	Exact         bool               `json:"exact"`
	Proved        bool               `json:"proved"`
	Uncut         []principalJSON    `json:"uncut"`
	Possible      []principalJSON    `json:"possible"`
	Broken        []mivet.AccessTest `json:"broken"`
}

type cutFactJSON struct {
	Kind       string                `json:"kind"`
	What       string                `json:"what"`
	Assignment *mivet.RoleAssignment `json:"assignment,omitzero"`
	Resource   arm.ID                `json:"resource,omitzero"`
	Setting    string                `json:"setting,omitzero"`
	Value      string                `json:"value,omitzero"`
	Cost       int                   `json:"cost"`
	Source     mivet.Source          `json:"source,omitzero"`
	Command    string                `json:"command,omitzero"`
}

// fact says what a removable fact is, and how it is taken away.
func (w *chokeAnswer) fact(f *execpath.Fact) cutFactJSON {
	j := cutFactJSON{Kind: string(f.Kind), Cost: f.Cost, Resource: f.Resource, Setting: f.Setting, Value: f.Value}
	name := func(id mivet.PrincipalID) string {
		n, _ := w.names(id)
		return n
	}
	switch f.Kind {
	case execpath.FactAssignment:
		x := &w.snap.RoleAssignments[f.Index]
		j.Assignment, j.Source = x, x.Source
		j.What = fmt.Sprintf("%s of %s at %s", w.roleName(x), name(x.Principal), x.Scope)
		if !x.ID.IsZero() {
			j.Command = "az role assignment delete --ids " + x.ID.String()
		}
	case execpath.FactMembership:
		x := &w.snap.Memberships[f.Index]
		j.Source = x.Source
		j.What = fmt.Sprintf("%s in %s", name(x.Member), name(x.Group))
		j.Command = fmt.Sprintf("az ad group member remove --group %s --member-id %s", x.Group, x.Member)
	case execpath.FactPolicy:
		x := &w.snap.AccessPolicies[f.Index]
		j.Source = x.Source
		j.What = fmt.Sprintf("access policy of %s on %s", name(x.Principal), x.Vault.Name())
		j.Command = fmt.Sprintf("az keyvault delete-policy --name %s --object-id %s", x.Vault.Name(), x.Principal)
	case execpath.FactSetting:
		j.What = fmt.Sprintf("set %s of %s to %s", f.Setting, f.Resource.Name(), f.Value)
		j.Command = fmt.Sprintf("az resource update --ids %s --set properties.%s=%s", f.Resource, f.Setting, f.Value)
	case execpath.FactFederated:
		x := &w.snap.FederatedCredentials[f.Index]
		j.Source, j.What = x.Source, "federated credential "+x.Name+" for "+x.Subject
	case execpath.FactDirectory:
		x := &w.snap.DirectoryRoles[f.Index]
		j.Source, j.What = x.Source, "directory role "+x.Role+" of "+name(x.Principal)
	case execpath.FactAppRole:
		x := &w.snap.AppRoles[f.Index]
		j.Source, j.What = x.Source, "application permission "+x.Role+" of "+name(x.Principal)
	case execpath.FactOwner:
		x := &w.snap.Ownerships[f.Index]
		j.Source, j.What = x.Source, name(x.Owner)+" as an owner of "+name(x.Owned)
		j.Command = ownerCommand(w.index.Principal(x.Owned), x)
	}
	return j
}

// ownerCommand takes an owner away: of a group, or of an application, which the service
// principal's client ID names.
func ownerCommand(owned *mivet.Principal, o *mivet.Ownership) string {
	if owned != nil && owned.ClientID != "" {
		return fmt.Sprintf("az ad app owner remove --id %s --owner-object-id %s", owned.ClientID, o.Owner)
	}
	return fmt.Sprintf("az ad group owner remove --group %s --owner-object-id %s", o.Owned, o.Owner)
}

func (w *chokeAnswer) roleName(a *mivet.RoleAssignment) string {
	if a.RoleName != "" {
		return a.RoleName
	}
	if d := w.index.Role(a.Role); d != nil {
		return d.Name
	}
	if cat, err := w.app.catalog(); err == nil {
		if d := cat.Role(a.Role); d != nil {
			return d.Name
		}
	}
	return string(a.Role)
}

func (w *chokeAnswer) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return w.writeJSON(out)
	}
	p := newPrinter(out, colour)
	p.printf("%s\n", bold(w.summary()))
	if len(w.cut.Before) > 0 {
		w.printNames(p, "come there today", w.cut.Before)
	}
	for i := range w.cut.Facts {
		f := w.fact(&w.cut.Facts[i])
		p.printf("\n%d. remove %s\n", i+1, bold(f.What))
		if f.Kind == string(execpath.FactSetting) {
			p.printf("   changes a setting and removes nothing\n")
		} else {
			p.printf("   %s, %s\n", f.Kind, f.Source.String())
		}
		if f.Command != "" {
			p.printf("   %s\n", f.Command)
		}
	}
	if len(w.cut.Facts) > 0 {
		p.printf("\n%s\n", w.proof())
	}
	for i := range w.cut.Broken {
		t := &w.cut.Broken[i]
		name, _ := w.names(t.Principal)
		p.printf("%s  %s would no longer be as the test says: %s at %s (%s)\n", red("breaks"), name, t.Operation, t.Resource, t.Source.String())
	}
	if len(w.cut.Facts) > 0 && len(w.cut.Broken) == 0 {
		p.printf("no access test of the input breaks\n")
	}
	w.printNames(p, "keep a certain path in which nothing can be taken away", w.cut.Uncut)
	w.printNames(p, "keep a possible path: eligible, unread, or at the next deployment", w.cut.Possible)
	w.printUnread(p)
	return p.err
}

func (w *chokeAnswer) summary() string {
	switch {
	case len(w.goal.to) == 0:
		return "nobody surely may do that, so there is nothing to cut"
	case len(w.cut.Before) == 0:
		return "nobody from elsewhere surely comes there"
	}
	return counted(len(w.cut.Before), "principal") + " from elsewhere; " + changes(len(w.cut.Facts)) + " all their certain paths"
}

func changes(n int) string {
	if n == 1 {
		return "1 change cuts"
	}
	return counted(n, "change") + " cut"
}

func (w *chokeAnswer) proof() string {
	text := "a new search, in what is left, finds no certain path"
	if !w.cut.Proved {
		text = "the search was ended before a cut was proved"
	}
	if w.cut.Exact {
		return text + "; no cheaper set does it"
	}
	return text + fmt.Sprintf("; it costs %d, and no set costs less than %d", w.cut.Cost, w.cut.Bound)
}

func (w *chokeAnswer) printNames(p *printer, what string, ids []mivet.PrincipalID) {
	for i, id := range ids {
		if i == 0 {
			p.printf("\n%s %s:\n", counted(len(ids), "principal"), what)
		}
		if i == maxCandidates {
			p.printf("  and %d more\n", len(ids)-i)
			return
		}
		name, kind := w.names(id)
		p.printf("  %s (%s)\n", name, kind)
	}
}

func (w *chokeAnswer) writeJSON(out io.Writer) error {
	j := chokeJSON{
		SchemaVersion: 1, Question: w.question(w.goal, nil), Allow: w.principalsJSON(w.allow), Before: w.principalsJSON(w.cut.Before),
		Facts: []cutFactJSON{}, Cost: w.cut.Cost, Bound: w.cut.Bound, Exact: w.cut.Exact, Proved: w.cut.Proved,
		Uncut: w.principalsJSON(w.cut.Uncut), Possible: w.principalsJSON(w.cut.Possible), Broken: w.cut.Broken,
	}
	for i := range w.cut.Facts {
		j.Facts = append(j.Facts, w.fact(&w.cut.Facts[i]))
	}
	if j.Broken == nil {
		j.Broken = []mivet.AccessTest{}
	}
	return writeAnswer(out, "choke", j)
}
