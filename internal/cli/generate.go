// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/snapshot"
	"github.com/mivet/mivet/tenant"
)

type generateFlags struct {
	resources, identities, assignments int
	seed                               uint64
	file                               string
}

func (a *app) generateCommand() *cobra.Command {
	var f generateFlags
	cmd := &cobra.Command{
		Use:     "generate --resources NUMBER --output FILE",
		Short:   "write a made-up tenant of any size as a snapshot, to measure with",
		GroupID: groupOther,
		Example: "  mivet generate --resources 200000 --output large.mivet\n" +
			"  time mivet scan large.mivet --format jsonl --output found.jsonl",
		Long: "The tenant has managed identities, groups, custom roles, conditions, deny assignments, access\n" +
			"policies and locks in the proportions of real ones. Equal numbers and seeds give the same facts.\n" +
			"Nothing in it exists. It is written piece by piece, so that its size needs no memory.",
		Args: a.args(0, 0),
	}
	fl := cmd.Flags()
	fl.IntVar(&f.resources, "resources", 0, "how many resources, with resource groups")
	fl.IntVar(&f.identities, "identities", -1, "how many managed identities (default: a tenth of the resources)")
	fl.IntVar(&f.assignments, "assignments", -1, "how many role assignments (default: three tenths of the resources)")
	fl.Uint64Var(&f.seed, "seed", 1, "another number gives another tenant of the same size")
	fl.StringVarP(&f.file, "output", "o", "", `write to this file, "-" for standard output`)
	cmd.RunE = a.run(func(ctx context.Context, _ []string) (int, error) {
		if err := f.check(a); err != nil {
			return exitUsage, a.misuse(cmd, err)
		}
		return exitOK, a.generate(ctx, f.size(), f.file)
	})
	return cmd
}

func (f *generateFlags) check(a *app) error {
	switch {
	case f.resources < 1:
		return errors.New("--resources must be a number from 1 on")
	case f.file == "":
		return errors.New("--output is missing")
	case f.file == "-" && isTerminal(a.Stdout):
		return errors.New("a snapshot is not written to a terminal")
	}
	return nil
}

func (f *generateFlags) size() tenant.Size {
	size := tenant.SizeOf(f.resources)
	size.Seed = f.seed
	if f.identities >= 0 {
		size.Identities = f.identities
	}
	if f.assignments >= 0 {
		size.Assignments = f.assignments
	}
	return size
}

// generate writes a tenant part by part.
func (a *app) generate(ctx context.Context, size tenant.Size, file string) error {
	write := func(w io.Writer) error { return a.writeParts(ctx, w, tenant.GenerateParts(size)) }
	var err error
	if file == "-" {
		err = write(a.Stdout)
	} else {
		err = writeFile(file, write)
	}
	if err != nil {
		return fmt.Errorf("writing the snapshot to %s: %w", streamName(file, "standard output"), err)
	}
	return nil
}

func (a *app) writeParts(ctx context.Context, w io.Writer, parts iter.Seq2[*mivet.Snapshot, error]) error {
	cleaner, err := redact.New(redact.Options{})
	if err != nil {
		return fmt.Errorf("preparing the redaction: %w", err)
	}
	var sw *snapshot.Writer
	for part, err := range parts {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && sw == nil {
			h := snapshot.Header{TakenAt: part.TakenAt, TenantID: part.TenantID, Inputs: part.Inputs, Tool: "mivet " + a.version()}
			sw, err = snapshot.NewWriter(w, h, cleaner)
		}
		if err == nil {
			err = sw.Append(part)
		}
		if err != nil {
			return err
		}
	}
	return sw.Close()
}
