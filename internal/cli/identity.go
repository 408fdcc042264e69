// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
)

type identityFlags struct {
	in  inputFlags
	out output
	as  string
	who bool

	logs     logFlags
	evidence evidenceFlags
}

func (a *app) identityCommand() *cobra.Command {
	var f identityFlags
	cmd := &cobra.Command{
		Use:     "identity RESOURCE [INPUT...]",
		Short:   "which identity does each part of this resource present, and what would change it",
		GroupID: groupQuestions,
		Example: "  mivet identity orders-api --in prod.mivet\n" +
			"  mivet identity orders-api --in prod.mivet --as js@4.9.1   the code uses that library\n" +
			"  mivet identity aks-prod --in prod.mivet --format json\n" +
			"  mivet identity orders-api --in prod.mivet --logs exported/    and who made it what it is\n" +
			"  mivet identity orders-api --in prod.mivet --evidence proof.jsonl --changed 2026-10-01",
		Long: "A resource has many users of identities: its code, its references to a vault, the pull of its\n" +
			"image, its encryption key. Each has a selector and a default of its own. Prints for each the\n" +
			"identity that it presents, why, and what a wrong value leads to.\n\n" +
			"Where the library of the code is not given, all answers that the known ones give are possible.\n" +
			"With it the single events are listed after which the code would present something else.\n\n" +
			"--evidence reads what attest recorded and what whoami reported and holds it against what is\n" +
			"configured and predicted; the exit code is 1 where they disagree, 4 where they may.\n\n" +
			"--who tells for each identity who enabled it, who made each grant and when, and who deployed its\n" +
			"workloads last, or why that is not known. The input knows makers of grants at most; --logs reads\n" +
			"the activity log for the rest.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.identity(ctx, &f, args) }),
	}
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatJSON)
	cmd.Flags().StringVar(&f.as, "as", "", "the client library of the code, such as go@1.15.0, js@4.9.1 or python")
	f.evidence.register(cmd)
	cmd.Flags().BoolVar(&f.who, "who", false, "tell who enabled each identity, made its grants and deployed its workloads; --logs says more of it")
	f.logs.register(cmd)
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeResource)
	return cmd
}

// identityJSON is the answer for machines.
type identityJSON struct {
	SchemaVersion int `json:"schemaVersion"`
	*presentedBy
}

// presentedBy is the answer of the command.
type presentedBy struct {
	Resource  arm.ID               `json:"resource"`
	System    mivet.PrincipalID    `json:"systemPrincipal,omitzero"`
	Attached  []arm.ID             `json:"attached,omitzero"`
	SDK       string               `json:"sdk,omitzero"`
	Version   string               `json:"version,omitzero"`
	Consumers []effective.Consumer `json:"consumers"`
	Evidence  *effective.Evidence  `json:"evidence,omitzero"`
	// Who says who stands behind each identity, where that was asked.
	Who []storyJSON `json:"who,omitzero"`

	stories stories
}

func (a *app) identity(ctx context.Context, f *identityFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	answer := presentedBy{}
	if err := answer.library(f.as); err != nil {
		return exitUsage, &usageError{err}
	}
	r, err := a.read(ctx, &f.in, args[1:])
	if err != nil {
		return exitFailed, err
	}
	names := newResolver(r.snap)
	if answer.Resource, err = names.resource(args[0], ""); err != nil {
		return exitFailed, err
	}
	resource := names.index.Resource(answer.Resource)
	if resource == nil {
		return exitFailed, fmt.Errorf("the input does not hold the resource %s", answer.Resource)
	}
	if resource.Identity != nil {
		answer.System, answer.Attached = resource.Identity.SystemPrincipal, resource.Identity.User
	}
	carrier := effective.NewCarrier(names.index, resource)
	if answer.Consumers, err = carrier.Consumers(answer.SDK, answer.Version); err != nil {
		return exitFailed, err
	}
	if err := answer.weigh(ctx, a, f, carrier, r.snap.TakenAt); err != nil {
		return exitFailed, err
	}
	if f.who || len(f.logs.files) > 0 {
		if err := answer.ask(ctx, a, f, names); err != nil {
			return exitFailed, err
		}
	}
	if !a.silent(&f.out) {
		if err := a.emit(&f.out, answer.write); err != nil {
			return exitFailed, err
		}
	}
	return answer.code(), nil
}

// library reads --as.
func (p *presentedBy) library(as string) error {
	if as == "" {
		return nil
	}
	name, version, _ := strings.Cut(as, "@")
	sdk, err := effective.FindSDK(name)
	if err != nil {
		return err
	}
	if sdk == nil {
		return &effective.UnknownSDKError{Name: name}
	}
	if version != "" {
		if _, err := effective.ParseVersion(version); err != nil {
			return err
		}
	}
	p.SDK, p.Version = sdk.ID, version
	return nil
}

// weigh holds evidence of the run time against what the snapshot says.
func (p *presentedBy) weigh(ctx context.Context, a *app, f *identityFlags, w *effective.Carrier, taken time.Time) (err error) {
	if len(f.evidence.files) > 0 {
		p.Evidence, err = a.weigh(ctx, &f.evidence, w, p.Consumers, taken)
	}
	return err
}

// code is 1 where a selector cannot work or evidence disagrees, and 4 where it may.
func (p *presentedBy) code() int {
	if p.Evidence != nil && len(p.Evidence.Disagreements) > 0 {
		if slices.ContainsFunc(p.Evidence.Disagreements, func(d effective.Disagreement) bool { return d.Sure }) {
			return exitFound
		}
		return exitUndecided
	}
	for i := range p.Consumers {
		if p.Consumers[i].Status == effective.Wrong {
			return exitFound
		}
	}
	return exitOK
}

func (p *presentedBy) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(w, "identity", identityJSON{1, p})
	}
	out := newPrinter(w, colour)
	out.printf("%s\n", p.Resource)
	out.printf("  carries    %s\n", p.carries())
	for i := range p.Consumers {
		consumer(out, &p.Consumers[i])
	}
	if len(p.Consumers) == 0 {
		out.printf("\nnothing of it is known to use an identity\n")
	}
	if p.Evidence != nil {
		writeEvidence(out, p.Evidence)
	}
	p.stories.write(out)
	return out.err
}

func (p *presentedBy) carries() string {
	var parts []string
	if p.System != "" {
		parts = append(parts, "system-assigned "+string(p.System))
	}
	for _, id := range p.Attached {
		parts = append(parts, id.Name())
	}
	return orElse(strings.Join(parts, ", "), "no identity")
}

func consumer(p *printer, c *effective.Consumer) {
	p.printf("\n%s\n", c.Use)
	switch c.Status {
	case effective.Presents:
		p.printf("  presents   %s\n", bold(identityWords(c.Identity)))
	case effective.Wrong:
		p.printf("  presents   %s\n", red("nothing that works"))
	case effective.NoneUsed:
		p.printf("  presents   no identity\n")
	case effective.NotRead, effective.Ambiguous, effective.AsWritten:
		p.printf("  presents   %s\n", yellow(string(c.Status)))
	}
	p.printf("  because    %s\n", c.Why)
	if c.Path != "" {
		p.printf("  selector   %s%s\n", c.Path, valueWords(c.Value))
	}
	if c.Effect != "" {
		p.printf("  effect     %s\n", c.Effect)
	}
	for i := range c.Possible {
		o := &c.Possible[i]
		p.printf("  possible   %s (%s)\n", presentedWords(&o.Prediction), someOf(o.When))
	}
	for _, ch := range c.Changes {
		p.printf("  changes    %s: then %s\n", ch.Event, presentedWords(ch.After))
	}
}

func valueWords(v string) string {
	if v == "" {
		return ""
	}
	return " = " + v
}

func identityWords(p *effective.Presented) string {
	s := p.String()
	if p.Principal != "" {
		s += ", principal " + string(p.Principal)
	}
	return s
}

func presentedWords(p *effective.Prediction) string {
	switch p.Outcome {
	case effective.Token:
		return p.Identity.String()
	case effective.Refused:
		return "the credential cannot be built"
	case effective.Failure:
		return "no token"
	case effective.Unknown:
	}
	return "not known"
}

// someOf names the first of many circumstances.
func someOf(all []string) string {
	const most = 3
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
