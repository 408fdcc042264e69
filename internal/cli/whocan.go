// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/authz"
)

func (a *app) whoCanCommand() *cobra.Command {
	var f questionFlags
	cmd := &cobra.Command{
		Use:     "who-can OPERATION RESOURCE [INPUT...]",
		Short:   "who may do this here, and by which grant",
		GroupID: groupQuestions,
		Example: "  mivet who-can Microsoft.KeyVault/vaults/secrets/getSecret/action kv-shop --in prod.mivet\n" +
			"  mivet who-can Microsoft.Authorization/roleAssignments/write /subscriptions/... --in prod.mivet --format json",
		Long: "Lists every principal that may do the operation, and every one of which the input does not tell.\n" +
			"Groups are principals too; their members are listed beside them.",
		Args: a.args(2, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.whoCan(ctx, &f, args) }),
	}
	f.register(cmd)
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeOperation, completeResource)
	cmd.Flags().BoolVar(&f.complete, "require-complete", false, "exit 4 if somebody's answer is unknown")
	return cmd
}

func (a *app) whoCan(ctx context.Context, f *questionFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	q, err := a.prepare(ctx, f, args[2:], &named{resource: args[1]})
	if err != nil {
		return exitFailed, err
	}
	answer := whoCanAnswer{questions: q}
	w := &answer.query
	if w.Operation, err = q.operation(args[0]); err != nil {
		return exitFailed, err
	}
	if w.Resource, err = q.scope(ctx, args[1], w.Operation.Provider()); err != nil {
		return exitFailed, err
	}
	w.Plane, w.Given = q.plane, q.given
	if err := answer.ask(ctx); err != nil {
		return exitFailed, err
	}
	if !a.silent(&f.out) {
		err = a.emit(&f.out, answer.write)
	}
	if f.complete && answer.undecided() {
		return exitUndecided, err
	}
	return exitOK, err
}

// whoCanAnswer lists those who may do something.
type whoCanAnswer struct {
	*questions
	query   authz.WhoCanQuery
	holders []holder
	others  authz.Explanation
}

// holder is one of them, with the reasons.
type holder struct {
	principalJSON
	Effect  string        `json:"effect"`
	Cause   string        `json:"cause"`
	Reasons []reasonJSON  `json:"reasons"`
	Missing []missingJSON `json:"missing,omitzero"`

	explanation authz.Explanation
}

func (w *whoCanAnswer) ask(ctx context.Context) error {
	w.others = w.engine.AnyoneElse(w.query)
	for h := range w.engine.WhoCan(w.query) {
		if err := ctx.Err(); err != nil {
			return err
		}
		x := w.engine.Explain(authz.Request{
			Principal: h.Principal, Operation: w.query.Operation, Plane: w.query.Plane,
			Resource: w.query.Resource, Given: w.query.Given,
		})
		x.Reasons = slices.DeleteFunc(x.Reasons, func(r authz.Reason) bool { return !decides(r.Outcome) })
		w.holders = append(w.holders, holder{
			principalJSON: w.principalJSON(h.Principal), Effect: h.Effect.String(), Cause: h.Cause.String(),
			Reasons: w.reasonsJSON(x.Reasons), Missing: allMissingJSON(x.Missing), explanation: x,
		})
	}
	slices.SortStableFunc(w.holders, compareHolders)
	return nil
}

// compareHolders puts those who surely can first, then orders by name.
func compareHolders(a, b holder) int {
	if a.Effect != b.Effect {
		return strings.Compare(a.Effect, b.Effect)
	}
	if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
		return c
	}
	return strings.Compare(string(a.ID), string(b.ID))
}

// decides reports whether a fact of that outcome carries an allowed or unknown answer.
func decides(o authz.Outcome) bool {
	return o == authz.Grants || o == authz.MayGrant || o == authz.MayDeny
}

func (w *whoCanAnswer) undecided() bool {
	return w.others.Effect == authz.Unknown ||
		slices.ContainsFunc(w.holders, func(h holder) bool { return h.explanation.Effect == authz.Unknown })
}

// whoCanJSON is the answer for machines.
type whoCanJSON struct {
	SchemaVersion int          `json:"schemaVersion"`
	Question      questionJSON `json:"question"`
	Holders       []holder     `json:"holders"`
	// Others is the answer for everybody who is not listed.
	Others struct {
		Effect  string        `json:"effect"`
		Missing []missingJSON `json:"missing,omitzero"`
	} `json:"others"`
}

func (w *whoCanAnswer) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return w.writeJSON(out)
	}
	p := newPrinter(out, colour)
	p.printf("%s\n", bold(w.summary()))
	p.printf("  operation  %s (%s)\n", w.query.Operation, planeWords(w.others.Plane))
	p.printf("  resource   %s\n", w.query.Resource)
	p.printf("  at         %s\n", w.at.Format(time.RFC3339))
	for i := range w.holders {
		h := &w.holders[i]
		p.printf("\n%s  %s (%s)\n", verdict(h.explanation.Effect), bold(h.Name), h.kindAndID())
		for j := range h.explanation.Reasons {
			p.printf("  %s\n", w.reasonLine(&h.explanation.Reasons[j]))
		}
		if h.explanation.Effect == authz.Unknown {
			printMissing(p, h.explanation.Missing)
		}
	}
	if w.others.Effect == authz.Unknown {
		p.printf("\n%s  anyone else\n", verdict(authz.Unknown))
		printMissing(p, w.others.Missing)
	}
	return p.err
}

func (h *holder) kindAndID() string {
	if h.Name == string(h.ID) {
		return h.Kind
	}
	return h.Kind + " " + string(h.ID)
}

func (w *whoCanAnswer) summary() string {
	sure := 0
	for i := range w.holders {
		if w.holders[i].explanation.Effect == authz.Allowed {
			sure++
		}
	}
	unsure := len(w.holders) - sure
	switch {
	case len(w.holders) == 0:
		return "nobody that the input knows can"
	case unsure == 0:
		return counted(sure, "principal") + " can"
	case sure == 0:
		return counted(unsure, "principal") + " may be able to"
	}
	return counted(sure, "principal") + " can, and " + counted(unsure, "more") + " may be able to"
}

func (w *whoCanAnswer) writeJSON(out io.Writer) error {
	j := whoCanJSON{
		SchemaVersion: 1, Holders: w.holders,
		Question: questionJSON{nil, w.query.Operation, w.others.Plane, w.query.Resource, w.at, w.snap.Inputs},
	}
	if j.Holders == nil {
		j.Holders = []holder{}
	}
	j.Others.Effect = w.others.Effect.String()
	if w.others.Effect == authz.Unknown {
		j.Others.Missing = allMissingJSON(w.others.Missing)
	}
	return writeAnswer(out, "who-can", j)
}
