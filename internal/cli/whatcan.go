// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/review"
)

func (a *app) whatCanCommand() *cobra.Command {
	var f questionFlags
	cmd := &cobra.Command{
		Use:     "what-can IDENTITY [INPUT...]",
		Short:   "what this identity holds, itself and through groups",
		GroupID: groupQuestions,
		Example: "  mivet what-can orders-api --in prod.mivet\n" +
			"  mivet what-can orders-api --in prod.mivet --format json",
		Long: "Lists every grant with its role, its scope, the groups that it comes through and its place,\n" +
			"and says which do not hold: not activated, out of time, bound to a condition, or ignored by the\n" +
			"permission model of the resource. What was not read, so that there may be more grants, or fewer\n" +
			"that count, is listed below.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.whatCan(ctx, &f, args) }),
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&f.complete, "require-complete", false, "exit 4 if a grant is unknown, or something was not read that may be one or take one away")
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeIdentity)
	return cmd
}

func (a *app) whatCan(ctx context.Context, f *questionFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	q, err := a.prepare(ctx, f, args[1:], &named{identity: args[0], models: true})
	if err != nil {
		return exitFailed, err
	}
	answer := whatCanAnswer{questions: q}
	if answer.who, err = q.principal(ctx, args[0]); err != nil {
		return exitFailed, err
	}
	if err := q.complete(answer.who, arm.ID{}); err != nil {
		return exitFailed, err
	}
	query := authz.WhatCanQuery{Principal: answer.who, At: q.at}
	for r := range q.engine.WhatCan(query) {
		answer.rights = append(answer.rights, r)
	}
	answer.directory = q.engine.DirectoryRights(query)
	answer.missing = append(q.engine.UnseenRights(query), answer.directory.Missing...)
	if !a.silent(&f.out) {
		err = a.emit(&f.out, answer.write)
	}
	if f.complete && !answer.whole() {
		return exitUndecided, err
	}
	return exitOK, err
}

// whole reports whether everything is known of what the principal holds.
func (w *whatCanAnswer) whole() bool {
	return len(w.missing) == 0 && !slices.ContainsFunc(w.rights, func(r authz.Right) bool { return r.Effect == authz.Unknown })
}

type whatCanAnswer struct {
	*questions
	who       mivet.PrincipalID
	rights    []authz.Right
	directory authz.DirectoryRights
	missing   []authz.Missing
}

// rightJSON is a grant for machines.
type rightJSON struct {
	Kind       string          `json:"kind"`
	Role       string          `json:"role,omitzero"`
	RoleID     mivet.RoleID    `json:"roleId,omitzero"`
	Scope      arm.ID          `json:"scope"`
	Effect     string          `json:"effect"`
	Cause      string          `json:"cause"`
	Condition  string          `json:"condition,omitzero"`
	Assignment arm.ID          `json:"assignment,omitzero"`
	Ignored    []ignoredJSON   `json:"ignored,omitzero"`
	Path       []principalJSON `json:"path"`
	Source     mivet.Source    `json:"source,omitzero"`
	Place      string          `json:"place"`
}

// ignoredJSON is a resource that does not count a grant, or may not.
type ignoredJSON struct {
	Resource arm.ID      `json:"resource"`
	Plane    mivet.Plane `json:"plane"`
	Whole    bool        `json:"whole"`
	Effect   string      `json:"effect"`
	Why      string      `json:"why"`
}

func (w *whatCanAnswer) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return w.writeJSON(out)
	}
	p := newPrinter(out, colour)
	known := ""
	if len(w.missing) > 0 {
		known = " that the input tells of"
	}
	p.printf("%s holds %s%s\n", bold(w.title(w.who)), counted(len(w.rights), "grant"), known)
	p.printf("  at  %s\n", w.at.Format(time.RFC3339))
	for i := range w.rights {
		r := &w.rights[i]
		p.printf("\n%s  %s\n", verdict(r.Effect), bold(rightName(r)))
		for _, f := range w.rightFields(r) {
			if f.text != "" {
				p.printf("      %-11s %s\n", f.label, f.text)
			}
		}
	}
	w.writeDirectory(p)
	if len(w.missing) > 0 {
		p.printf("\n%s\n", bold("Not known: there may be more grants, and fewer that count"))
		printMissing(p, w.missing)
	}
	return p.err
}

// writeDirectory prints the rights outside of Azure's own authorization.
func (w *whatCanAnswer) writeDirectory(p *printer) {
	if len(w.directory.Rights) == 0 {
		return
	}
	p.printf("\n%s\n", bold("In the directory, and no part of Azure's roles"))
	for i := range w.directory.Rights {
		r := &w.directory.Rights[i]
		p.printf("  %s  %s\n", verdict(r.Effect), directoryName(r))
		for _, f := range []field{{"why", r.Why}, {"to Azure", r.ToAzure}, {"path", w.path(r.Via)}, {"source", r.Source.String()}} {
			if f.text != "" {
				p.printf("      %-11s %s\n", f.label, f.text)
			}
		}
	}
}

func directoryName(r *authz.DirectoryRight) string {
	if r.API != "" {
		return r.API + " " + r.Name
	}
	return r.Name + " (directory role)"
}

// rightName names what is held.
func rightName(r *authz.Right) string {
	if r.Policy != nil {
		return "access policy: " + review.PolicyWords(r.Policy)
	}
	return cmp.Or(r.RoleName, "a role that is not known")
}

func (w *whatCanAnswer) rightFields(r *authz.Right) []field {
	fs := []field{{"scope", r.Scope.String()}}
	if r.Effect != authz.Allowed {
		fs = append(fs, field{"because", rightCause(r)})
	}
	fs = append(fs, w.ignoredFields(r)...)
	switch {
	case r.Assignment != nil:
		fs = append(fs, field{"assignment", assignmentName(r.Assignment)})
		fs = append(fs, timeFields(r.Assignment)...)
		fs = append(fs, field{"condition", oneLine(r.Assignment.Condition)})
	case r.Local != nil:
		fs = append(fs, field{"grant", fmt.Sprintf("%s role of %s", r.Local.System, r.Local.Account)})
	case r.Delegation != nil:
		fs = append(fs, field{"delegation", delegationWords(r.Delegation)})
	}
	return append(fs, field{"path", w.path(r.Via)}, field{"source", r.Source.String()})
}

// rightCause says why a right does not hold, or may not.
func rightCause(r *authz.Right) string {
	if r.Effect == authz.Denied && r.Cause == authz.CauseTime {
		return "out of time"
	}
	return causeWords(r.Cause)
}

// maxIgnoring is how many resources that ignore a grant the text names.
const maxIgnoring = 5

// ignoredFields say where a right does not count, or may not.
func (w *whatCanAnswer) ignoredFields(r *authz.Right) []field {
	var fs []field
	for i, x := range r.Ignored {
		if i == maxIgnoring {
			return append(fs, field{"ignored", "and by " + counted(len(r.Ignored)-i, "more resource")})
		}
		fs = append(fs, field{"ignored", ignoredWords(&x)})
	}
	return fs
}

func ignoredWords(x *authz.Ignored) string {
	name := x.Resource.Name()
	switch {
	case x.Effect == authz.Unknown:
		return "perhaps, by " + name + ": " + x.Why
	case x.Whole:
		return "by " + name + ": " + x.Why
	default:
		return fmt.Sprintf("on the %s, by %s: %s", planeWords(x.Plane), name, x.Why)
	}
}

// whatCanJSON are the rights of a principal for machines.
type whatCanJSON struct {
	SchemaVersion int           `json:"schemaVersion"`
	Principal     principalJSON `json:"principal"`
	At            time.Time     `json:"at"`
	Inputs        []string      `json:"inputs"`
	Rights        []rightJSON   `json:"rights"`
	// Directory are rights outside of Azure's own authorization.
	Directory []directoryJSON `json:"directory"`
	// Missing is what was not read: there may be more rights, and fewer that count.
	Missing []missingJSON `json:"missing"`
}

func (w *whatCanAnswer) writeJSON(out io.Writer) error {
	rights := []rightJSON{}
	for i := range w.rights {
		rights = append(rights, w.rightJSON(&w.rights[i]))
	}
	return writeAnswer(out, "what-can", whatCanJSON{1, w.principalJSON(w.who), w.at, w.snap.Inputs, rights, w.directoryJSON(), allMissingJSON(w.missing)})
}

// directoryJSON is a right in the directory for machines.
type directoryJSON struct {
	Name    string          `json:"name"`
	API     string          `json:"api,omitzero"`
	Effect  string          `json:"effect"`
	Why     string          `json:"why,omitzero"`
	ToAzure string          `json:"toAzure,omitzero"`
	Path    []principalJSON `json:"path"`
	Place   string          `json:"place"`
}

func (w *whatCanAnswer) directoryJSON() []directoryJSON {
	out := []directoryJSON{}
	for i := range w.directory.Rights {
		r := &w.directory.Rights[i]
		j := directoryJSON{r.Name, r.API, r.Effect.String(), r.Why, r.ToAzure, []principalJSON{}, r.Source.String()}
		for _, id := range r.Via {
			j.Path = append(j.Path, w.principalJSON(id))
		}
		out = append(out, j)
	}
	return out
}

func (w *whatCanAnswer) rightJSON(r *authz.Right) rightJSON {
	j := rightJSON{
		Role: r.RoleName, Scope: r.Scope, Effect: r.Effect.String(), Cause: r.Cause.String(),
		Path: []principalJSON{}, Source: r.Source, Place: r.Source.String(),
	}
	switch {
	case r.Assignment != nil:
		j.Kind, j.Assignment, j.RoleID, j.Condition = "role assignment", r.Assignment.ID, r.Assignment.Role, r.Assignment.Condition
	case r.Policy != nil:
		j.Kind, j.Role = "access policy", review.PolicyWords(r.Policy)
	case r.Local != nil:
		j.Kind = "local grant"
	case r.Delegation != nil:
		j.Kind = "delegation"
	}
	for _, x := range r.Ignored {
		j.Ignored = append(j.Ignored, ignoredJSON{x.Resource, x.Plane, x.Whole, x.Effect.String(), x.Why})
	}
	for _, id := range r.Via {
		j.Path = append(j.Path, w.principalJSON(id))
	}
	return j
}
