// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/report"
	"github.com/mivet/mivet/vet"
)

type verifyFlags struct {
	in       inputFlags
	out      output
	azure    azureFlags
	contract contractFlags
	live     bool
	outputs  []string
	record   recordFlags
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:     "verify [INPUT...]",
		Short:   "hold a tenant against the contract: is what was deployed what was agreed on",
		GroupID: groupFirst,
		Example: "  mivet verify prod.mivet --contract mivet.yaml --stage prod\n" +
			"  mivet verify --live --stage dev --record --outputs terraform=principals.auto.tfvars\n" +
			"  mivet verify state.json --captured outputs.json",
		Long: "INPUT is what mivet scan reads; with --live the tenant is read from Azure. Each identity of the\n" +
			"contract is looked for: its type, its principal, its workloads, what it can do beyond its ceiling,\n" +
			"its access tests, who stands behind it, owner, review, and the roles that are ruled out.\n\n" +
			"--outputs writes the principals of the identities for the next stage: as Terraform variables, Bicep\n" +
			"parameters, lines of an environment file, or JSON, which --captured reads again. --record keeps the\n" +
			"result beside the contract, which mivet check --stage asks for.\n\n" +
			"The exit code is 1 if something is not as agreed, and 4 if a statement of the contract could not be\n" +
			"decided.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.verify(ctx, &f, args) }),
	}
	f.in.registerDemo(cmd)
	f.out.byName = report.FormatOf
	f.out.register(cmd, report.Formats()...)
	f.azure.register(cmd)
	f.azure.registerWhat(cmd)
	f.contract.register(cmd, "the contract (default: mivet.yaml in this folder or the nearest above)")
	f.record.register(cmd)
	fl := cmd.Flags()
	fl.BoolVar(&f.live, "live", false, "read the tenant from Azure, as mivet snapshot does")
	fl.StringArrayVar(&f.outputs, "outputs", nil, `write the principals as FORM or FORM=FILE: terraform, bicep, env, json; "-" for standard output; may be repeated`)
	return cmd
}

func (a *app) verify(ctx context.Context, f *verifyFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	outputs, err := outputTargets(f.outputs)
	if err != nil {
		return exitUsage, err
	}
	if f.live && (len(args) > 0 || f.in.demo) {
		return exitUsage, usagef("--live reads from Azure, so there can be no INPUT")
	}
	agreed, err := a.terms(&f.contract)
	if err != nil {
		return exitFailed, err
	}
	r, err := a.readOrCollect(ctx, f, args)
	if err != nil {
		return exitFailed, err
	}
	a.tellGaps(r.snap)
	results, err := a.vetAgreed(r, contractRules(), nil, agreed)
	if err != nil {
		return exitFailed, err
	}
	if err := a.emitResults(&f.out, results); err != nil {
		return exitFailed, err
	}
	code, err := agreedVerdict(results, agreed.contract)
	if err != nil {
		return exitFailed, err
	}
	bound := contract.Bind(agreed.contract, r.snap, mivet.NewIndex(r.snap))
	if err := a.writeOutputs(bound, outputs); err != nil {
		return exitFailed, err
	}
	cat, err := a.catalog()
	if err != nil {
		return exitFailed, err
	}
	return code, a.record(&f.record, agreed, &part{
		kind: recordVerify, results: results, code: code, inputs: r.snap.Inputs, taken: r.snap.TakenAt,
		access: accessOf(bound, authz.New(r.snap, authz.Options{Catalog: cat})),
	})
}

// readOrCollect reads the inputs, or the tenant.
func (a *app) readOrCollect(ctx context.Context, f *verifyFlags, args []string) (*reading, error) {
	if !f.live {
		return a.read(ctx, &f.in, args)
	}
	config, err := a.azure(ctx, &f.azure)
	if err != nil {
		return nil, err
	}
	progress := a.newProgress()
	config.Progress = progress.show
	res, err := a.collect(ctx, config, "")
	progress.clear()
	if err != nil {
		return nil, err
	}
	a.tellCollected(res)
	return &reading{snap: res.Snapshot}, res.Close()
}

// emitResults writes what rules found in each form that is asked for.
func (a *app) emitResults(out *output, results *vet.Results) error {
	return a.emit(out, func(w io.Writer, format string, colour bool) error {
		look := report.TextOptions{Color: colour, Width: width(w), Undecided: true}
		return a.writeResults(w, format, look, func(h report.Handler) error {
			return report.Send(h, results, report.Options{Version: a.version(), Catalog: a.facts.catalog})
		})
	})
}

// outputNames are the files that outputs are written to where none is named.
var outputNames = map[string]string{
	contract.OutputsTerraform: "principals.auto.tfvars", contract.OutputsBicep: "principals.bicepparam",
	contract.OutputsEnv: "principals.env", contract.OutputsJSON: "principals.json",
}

// outputTargets reads FORM and FORM=FILE.
func outputTargets(words []string) ([]target, error) {
	var out []target
	for _, w := range words {
		form, file, named := strings.Cut(w, "=")
		name, ok := outputNames[form]
		if !ok || named && file == "" {
			return nil, errorWithHint(usagef("--outputs %q is no form of outputs", w), "write terraform, bicep, env or json, or one of these, =, and the file")
		}
		if !named {
			file = name
		}
		out = append(out, target{file, form})
	}
	return out, nil
}

func (a *app) writeOutputs(b *contract.Bound, targets []target) error {
	for _, t := range targets {
		text, err := b.WriteCaptured(t.format)
		if err == nil {
			err = a.emitTo(t, func(w io.Writer, _ string, _ bool) error {
				_, err := io.WriteString(w, text)
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("writing the principals to %s: %w", streamName(t.file, "standard output"), err)
		}
	}
	return nil
}

// errNoStage says that a record needs a stage.
var errNoStage = errors.New("a record is of a stage, and the contract has none")
