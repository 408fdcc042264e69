// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/review"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/vet"
)

const (
	formatHTML = "html"
	formatCSV  = "csv"
)

type reviewFlags struct {
	in       inputFlags
	out      output
	contract contractFlags
	usage    usageFlags

	identities, owners, scopes []string
}

func (a *app) reviewCommand() *cobra.Command {
	var f reviewFlags
	cmd := &cobra.Command{
		Use:     "review [INPUT...]",
		Short:   "the pack for an access review: each identity with what it holds, why, and whether it is used",
		GroupID: groupQuestions,
		Example: "  mivet review prod.mivet --output review.html --output review.csv\n" +
			"  mivet review prod.mivet --contract mivet.yaml --logs exported/ --output review.html\n" +
			"  mivet review prod.mivet --owner team-orders --output orders.html\n" +
			"  mivet review apply review.csv prod.mivet --format terraform",
		Long: "For each identity: owner, purpose, type and why, grants with justification and age, use, who can act\n" +
			"as it and whom it can act as, open findings, exceptions and deadlines, and fields for decisions.\n" +
			"HTML is made to be printed on A4; CSV and JSON are filled in and read back by mivet review apply.\n\n" +
			"The pack names the digest of the facts and the checksum of each file, says what was not read, and\n" +
			"calls a right unused only where a log covers it (--logs, --facts, as in mivet usage). --identity,\n" +
			"--owner and --scope choose; a scope chooses whoever lives there or holds something there, above or\n" +
			"below.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.review(ctx, &f, args) }),
	}
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatHTML, formatMarkdown, formatCSV, formatJSON)
	f.contract.register(cmd, "hold identities against this contract: owners, reasons, ceilings, reviews")
	fl := cmd.Flags()
	fl.StringArrayVar(&f.identities, "identity", nil, "only this identity; may be repeated")
	fl.StringArrayVar(&f.owners, "owner", nil, "only identities of this owner, * for any run of characters; may be repeated")
	fl.StringArrayVar(&f.scopes, "scope", nil, "only identities that live in this scope or hold something there; may be repeated")
	fl.StringArrayVar(&f.usage.logs, "logs", nil, "read this file or folder of log entries; may be repeated")
	fl.StringVar(&f.usage.facts, "facts", "", "keep what was read of logs in this file, and begin with what it holds")
	fl.StringVar(&f.usage.since, "since", "", "the first day of use that counts (default: the first of the logs)")
	fl.StringVar(&f.usage.until, "until", "", "the last day of use that counts (default: the last of the logs)")
	cmd.AddCommand(a.reviewApplyCommand())
	return cmd
}

// reviewing is one run of the command.
type reviewing struct {
	*questions
	read  *reading
	terms *terms
}

// prepareReview reads the inputs whole, with the contract if one is named.
func (a *app) prepareReview(ctx context.Context, in *inputFlags, agreed *contractFlags, inputs []string) (*reviewing, error) {
	x := &reviewing{terms: &terms{}}
	var err error
	if agreed.file != "" {
		if x.terms, err = a.terms(agreed); err != nil {
			return nil, err
		}
	}
	if x.read, err = a.read(ctx, in, inputs); err != nil {
		return nil, err
	}
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	s := x.read.snap
	x.questions = &questions{app: a, at: firstTime(time.Time{}, s.TakenAt, a.Clock()), resolver: newResolver(s)}
	x.engine = authz.New(s, authz.Options{Catalog: cat, At: x.at})
	return x, nil
}

func (x *reviewing) bound() *contract.Bound {
	if x.terms.contract == nil {
		return nil
	}
	return contract.Bind(x.terms.contract, x.snap, x.index)
}

func (a *app) review(ctx context.Context, f *reviewFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	x, err := a.prepareReview(ctx, &f.in, &f.contract, args)
	if err != nil {
		return exitFailed, err
	}
	o, err := a.reviewOptions(ctx, f, x)
	if err != nil {
		return exitFailed, err
	}
	p := review.Build(o)
	if len(p.Identities) == 0 {
		return exitFailed, errorWithHint(fmt.Errorf("none of %s was chosen", counted(p.Total, "identity")), "mivet review without --identity, --owner and --scope takes all")
	}
	return exitOK, a.emit(&f.out, func(w io.Writer, format string, colour bool) error {
		switch format {
		case formatHTML:
			return p.WriteHTML(w)
		case formatMarkdown:
			return p.WriteMarkdown(w)
		case formatCSV:
			return p.WriteCSV(w)
		case formatJSON:
			return writeAnswer(w, "review", p)
		}
		return reviewText(newPrinter(w, colour), p)
	})
}

func (a *app) reviewOptions(ctx context.Context, f *reviewFlags, x *reviewing) (*review.Options, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	table, err := execpath.Builtin()
	if err != nil {
		return nil, err
	}
	settings, err := a.vetSettings()
	if err != nil {
		return nil, err
	}
	o := &review.Options{
		Snapshot: x.snap, Catalog: cat, Engine: x.engine, Bound: x.bound(), Owner: vet.Owners(x.snap, settings), At: x.at, Now: a.Clock().UTC().Truncate(time.Second),
		Paths: execpath.New(x.snap, x.engine, execpath.Options{Catalog: cat, Table: table, At: x.at}), Version: a.version(),
	}
	if o.Results, err = a.vetAgreed(x.read, rules.All(), nil, x.terms); err != nil {
		return nil, err
	}
	if o.Inputs, err = inputsOf(x.read); err != nil {
		return nil, err
	}
	if o.Window, err = f.usage.window(); err != nil {
		return nil, err
	}
	if len(f.usage.logs) > 0 || f.usage.facts != "" {
		ledger, err := a.readLogs(ctx, &f.usage)
		if err != nil {
			return nil, err
		}
		o.Logs = ledger.Total()
	}
	if len(f.usage.logs) > 0 {
		o.Activity = provenance.NewLog(x.snap)
		take := func(e *logs.Entry, text []byte, at mivet.Source) { o.Activity.Add(e, text, at) }
		mute := *a
		mute.quiet = true // what could not be read was told with the use
		if err := mute.eachEntry(ctx, &logFlags{f.usage.logs}, take); err != nil {
			return nil, err
		}
	}
	return o, x.choose(ctx, f, o)
}

// inputsOf lists what was read, with the checksum of each file.
func inputsOf(r *reading) ([]review.Input, error) {
	var out []review.Input
	for _, n := range r.notes {
		if n.why != "" {
			continue
		}
		in := review.Input{Name: n.file}
		if info, err := os.Stat(n.file); err == nil && info.Mode().IsRegular() {
			sum, err := checksum(n.file)
			if err != nil {
				return nil, err
			}
			in.SHA256 = sum
		}
		out = append(out, in)
	}
	if len(out) == 0 {
		for _, name := range r.snap.Inputs {
			out = append(out, review.Input{Name: name})
		}
	}
	return out, nil
}

func checksum(name string) (string, error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Close())
}

// choose settles which identities are in the pack.
func (x *reviewing) choose(ctx context.Context, f *reviewFlags, o *review.Options) error {
	if len(f.identities)+len(f.owners)+len(f.scopes) == 0 {
		return nil
	}
	var wanted []mivet.PrincipalID
	for _, w := range f.identities {
		id, err := x.principal(ctx, w)
		if err != nil {
			return err
		}
		wanted = append(wanted, id)
		o.Selection = append(o.Selection, "identity "+w)
	}
	var scopes []arm.ID
	for _, w := range f.scopes {
		id, err := x.scope(ctx, w, "")
		if err != nil {
			return err
		}
		scopes = append(scopes, id)
		o.Selection = append(o.Selection, "scope "+id.String())
	}
	for _, w := range f.owners {
		o.Selection = append(o.Selection, "owner "+w)
	}
	inv, covers := review.NewInventory(x.snap), vet.Coverage(x.snap)
	o.Only = func(id *mivet.Identity, owner string) bool {
		return (len(wanted) == 0 || slices.Contains(wanted, id.Principal)) &&
			(len(f.owners) == 0 || slices.ContainsFunc(f.owners, func(p string) bool { return vet.MatchesName(p, owner) })) &&
			(len(scopes) == 0 || slices.ContainsFunc(scopes, func(s arm.ID) bool { return covers(s, id.Resource) || inv.Touches(id.Principal, s, covers) }))
	}
	return nil
}

// reviewText is the summary of a pack for a terminal.
func reviewText(p *printer, k *review.Pack) error {
	p.printf("%s of %d in the facts, as of %s\n", bold(counted(len(k.Identities), "identity")), k.Total, k.TakenAt.UTC().Format(time.RFC3339))
	p.printf("  %-9s %s\n", "facts", k.Facts)
	for _, in := range k.Inputs {
		p.printf("  %-9s %s %s\n", "read from", in.Name, in.SHA256)
	}
	if k.Logs != nil {
		p.printf("  %-9s %d entries, %s to %s\n", "use", k.Logs.Entries, k.Logs.First, k.Logs.Last)
	} else {
		p.printf("  %-9s no logs were given (--logs): nothing is said about use\n", "use")
	}
	p.printf("\n%s\n", bold("To look at first"))
	for i, row := range k.Riskiest {
		x := k.Identity(row)
		p.printf("  %2d  %s\n      %s\n", i+1, x.Name, strings.Join(x.Risk.Words, "; "))
		for j := range x.Grants {
			if g := &x.Grants[j]; g.Use.Word == review.UseUnused {
				p.printf("      %s %s at %s\n", yellow("unused"), g.What, g.Scope)
			}
		}
	}
	if len(k.NotRead) > 0 {
		p.printf("\n%s\n", bold("Not read"))
		for i := range k.NotRead {
			if i == maxListed {
				p.printf("  and %d more; the pack lists all\n", len(k.NotRead)-i)
				break
			}
			u := &k.NotRead[i]
			p.printf("  %s of %s: %s\n", u.Facts, cmp.Or(u.Scope, "the whole tenant"), u.Reason)
		}
	}
	p.printf("\n%s to be decided. --output review.html is the pack to print, --output review.csv the one to fill in;\nmivet review apply reads it back.\n", counted(len(k.Decisions), "row"))
	return p.err
}
