// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

type canFlags struct {
	questionFlags
	explain bool
	batch   string
}

func (a *app) canCommand() *cobra.Command {
	var f canFlags
	cmd := &cobra.Command{
		Use:     "can IDENTITY OPERATION RESOURCE [INPUT...]",
		Short:   "may this identity do this here, and by which grant",
		GroupID: groupQuestions,
		Example: "  mivet can orders-api Microsoft.KeyVault/vaults/secrets/getSecret/action kv-shop --in prod.mivet\n" +
			"  mivet can 8a2e5c1e-6a62-4d5e-9b1e-52b0a2f3c0d4 Microsoft.Web/sites/write /subscriptions/... --in prod.mivet\n" +
			"  mivet can azurerm_linux_web_app.api Microsoft.Storage/storageAccounts/listKeys/action stshop --in plan.json\n" +
			"  mivet can ... --quiet && echo yes\n" +
			"  mivet can --batch questions.jsonl --in prod.mivet",
		Long: "The answer is allowed (exit 0), denied (1) or unknown (4), with the facts that decide it.\n" +
			"What is not in the input is never taken for a yes or a no: the answer is unknown then, and says\n" +
			"what would decide it.\n\n" +
			"IDENTITY is a name, a principal ID, a client ID, a resource ID or a Terraform address;\n" +
			"RESOURCE a name, a name with a child (kv-shop/secrets/db), a resource ID or an address.\n\n" +
			"--batch reads questions from a file, one JSON object {\"id\", \"identity\", \"operation\", \"resource\",\n" +
			"\"plane\"} a line, prints one answer a line, and exits with the code of the worst.",
		Args: func(cmd *cobra.Command, args []string) error {
			if f.batch != "" {
				return a.args(0, 0)(cmd, args)
			}
			return a.args(3, -1)(cmd, args)
		},
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.can(ctx, &f, args) }),
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.batch, "batch", "", `answer the questions of this file, "-" for standard input`)
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeIdentity, completeOperation, completeResource)
	cmd.Flags().BoolVar(&f.explain, "explain", false, "list every grant of the identity with what became of it")
	return cmd
}

func (a *app) can(ctx context.Context, f *canFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	if f.batch != "" {
		return a.canBatch(ctx, f, f.batch)
	}
	q, err := a.prepare(ctx, &f.questionFlags, args[3:], &named{identity: args[0], resource: args[2]})
	if err != nil {
		return exitFailed, err
	}
	answer := canAnswer{questions: q, all: f.explain}
	if answer.who, err = q.principal(ctx, args[0]); err != nil {
		return exitFailed, err
	}
	if answer.operation, err = q.operation(args[1]); err != nil {
		return exitFailed, err
	}
	if answer.where, err = q.scope(ctx, args[2], answer.operation.Provider()); err != nil {
		return exitFailed, err
	}
	if err := q.complete(answer.who, answer.where); err != nil {
		return exitFailed, err
	}
	if a.silent(&f.out) {
		return effectCode(q.engine.Check(answer.request()).Effect), nil
	}
	answer.ask()
	return effectCode(answer.Effect), a.emit(&f.out, answer.write)
}

// silent reports whether the exit code alone is wanted.
func (a *app) silent(o *output) bool {
	return a.quiet && o.format == "" && len(o.files) == 0
}

func effectCode(e authz.Effect) int {
	switch e {
	case authz.Allowed:
		return exitOK
	case authz.Denied:
		return exitFound
	default:
		return exitUndecided
	}
}

// canAnswer is the answer to one question.
type canAnswer struct {
	*questions
	authz.Explanation
	who       mivet.PrincipalID
	operation arm.Operation
	where     arm.ID
	all       bool
	planes    []authz.Explanation // where they differ and none was asked for
}

// ask puts the question. Where the plane is not known and the planes differ, the answer
// of each plane is kept too.
func (c *canAnswer) ask() {
	request := c.request()
	c.Explanation = c.engine.Explain(request)
	if c.Cause != authz.CausePlane {
		return
	}
	for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
		request.Plane = plane
		c.planes = append(c.planes, c.engine.Explain(request))
	}
}

func (c *canAnswer) request() authz.Request {
	return authz.Request{Principal: c.who, Operation: c.operation, Plane: c.plane, Resource: c.where, Given: c.given}
}

// canJSON is the answer for machines.
type canJSON struct {
	SchemaVersion int           `json:"schemaVersion"`
	Question      questionJSON  `json:"question"`
	Effect        string        `json:"effect"`
	Cause         string        `json:"cause"`
	Reasons       []reasonJSON  `json:"reasons"`
	Missing       []missingJSON `json:"missing"`
	Ways          []wayJSON     `json:"waysAround"`
	Notes         []noteJSON    `json:"notes"`
}

// questionJSON is a question as it was understood.
type questionJSON struct {
	Principal *principalJSON `json:"principal,omitzero"`
	Operation arm.Operation  `json:"operation"`
	Plane     mivet.Plane    `json:"plane"`
	Resource  arm.ID         `json:"resource"`
	At        time.Time      `json:"at"`
	Inputs    []string       `json:"inputs"`
}

func (c *canAnswer) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		who := c.principalJSON(c.who)
		return writeAnswer(w, "can", canJSON{
			SchemaVersion: 1,
			Question:      questionJSON{&who, c.operation, c.Plane, c.where, c.at, c.snap.Inputs},
			Effect:        c.Effect.String(), Cause: c.Cause.String(),
			Reasons: c.reasonsJSON(c.Reasons), Missing: allMissingJSON(c.Missing),
			Ways: waysJSON(c.Bypasses), Notes: notesJSON(c.Notes),
		})
	}
	p := newPrinter(w, colour)
	p.printf("%s: %s\n", verdict(c.Effect), causeWords(c.Cause))
	p.printf("  identity   %s\n", c.title(c.who))
	p.printf("  operation  %s (%s)\n", c.operation, planeWords(c.Plane))
	p.printf("  resource   %s\n", c.where)
	p.printf("  at         %s\n", c.at.Format(time.RFC3339))
	if c.all { // what is explained may be filed
		p.printf("  input      %s\n", strings.Join(c.snap.Inputs, ", "))
	}
	for i := range c.planes {
		x := &c.planes[i]
		p.printf("\nOn the %s: %s, %s\n", bold(planeWords(x.Plane)), verdict(x.Effect), causeWords(x.Cause))
		c.writeReasons(p, x)
	}
	if len(c.planes) == 0 {
		c.writeReasons(p, &c.Explanation)
	}
	if len(c.Missing) > 0 && (c.Effect == authz.Unknown || c.all) {
		p.printf("\n%s\n", bold("Not known"))
		printMissing(p, c.Missing)
	}
	c.writeWays(p)
	c.writeNotes(p)
	return p.err
}

func planeWords(plane mivet.Plane) string {
	if plane == mivet.PlaneUnknown {
		return "plane not known"
	}
	return plane.String() + " plane"
}

// writeReasons prints what decides, and what nearly did where nothing does.
func (c *canAnswer) writeReasons(p *printer, x *authz.Explanation) {
	shown, grants := 0, 0
	for i := range x.Reasons {
		if x.Reasons[i].Deny == nil {
			grants++
		}
		if !c.all && !tells(x.Effect, x.Reasons[i].Outcome) {
			continue
		}
		if shown == 0 {
			p.printf("\n%s\n", bold("Because"))
		}
		shown++
		c.printReason(p, &x.Reasons[i])
	}
	c.writeRest(p, shown, grants, len(x.Reasons))
}

// writeRest says what was not shown.
func (c *canAnswer) writeRest(p *printer, shown, grants, all int) {
	switch {
	case shown == all && shown > 0:
	case shown > 0:
		p.printf("\nNot shown: %s; --explain lists all.\n", counted(all-shown, "further fact"))
	case grants == 0:
		p.printf("\nThe input holds no grant of this identity or of its groups.\n")
	case grants == 1:
		p.printf("\nIts one grant does not give this here; --explain shows it.\n")
	default:
		p.printf("\nIts %d grants do not give this here; --explain lists them.\n", grants)
	}
}

// tells reports whether an outcome belongs to the short form of an answer.
func tells(e authz.Effect, o authz.Outcome) bool {
	if e == authz.Allowed {
		return o == authz.Grants
	}
	return nearMiss(o)
}
