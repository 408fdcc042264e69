// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/snapshot"
)

type snapshotFlags struct {
	in        inputFlags
	azure     azureFlags
	file      string
	journal   string
	noJournal bool
	target    string
	since     string
}

func (a *app) snapshotCommand() *cobra.Command {
	var f snapshotFlags
	cmd := &cobra.Command{
		Use:     "snapshot [INPUT...] --output FILE",
		Short:   "read a tenant from Azure, or from inputs, into one redacted file",
		GroupID: groupFirst,
		Example: "  mivet snapshot --output prod.mivet                          the tenant you are signed in to\n" +
			"  mivet snapshot --with settings,children --output prod.mivet\n" +
			"  mivet snapshot --since prod.mivet --output now.mivet        of the resources only what changed\n" +
			"  mivet snapshot --for orders-api --output now.mivet          what a 403 hangs on, in seconds\n" +
			"  mivet snapshot azurehound.json --output prod.mivet          from a file\n" +
			"  zstd -dc prod.mivet | jq 'select(.kind == \"roleAssignment\") | .fact.scope'",
		Long: "Without an INPUT the tenant is read from Azure: Resource Graph, Resource Manager and Microsoft\n" +
			"Graph. The role Reader is enough to begin with, and \"mivet doctor\" says what it cannot see. What\n" +
			"could not be read is kept as a gap. A run that was interrupted goes on where it was, from the\n" +
			"journal beside the output.\n\n" +
			"--since takes resources of which Azure has no change from an earlier snapshot. Assignments, roles,\n" +
			"denies, groups and what belongs to single resources are always read whole. Where changes may be\n" +
			"lost, all resources are read, and it is said why.\n\n" +
			"A snapshot loads faster than what it was made from, and holds no secret: everything passes an\n" +
			"allow-list before it is written. What was not told stays unknown in it.",
		Args: a.args(0, -1),
	}
	f.in.registerDemo(cmd)
	f.azure.register(cmd)
	f.azure.registerWhat(cmd)
	fl := cmd.Flags()
	fl.StringVarP(&f.file, "output", "o", "", `write to this file, "-" for standard output`)
	fl.StringVar(&f.journal, "journal", "", "keep answers in this file until the end (default: the output's name and .journal)")
	fl.BoolVar(&f.noJournal, "no-journal", false, "keep answers in memory: a run that is interrupted begins anew")
	fl.StringVar(&f.target, "for", "", "read only what questions about this identity or resource hang on, within 20 requests and 10 seconds: a resource ID, an object or client ID, or the name of a resource")
	fl.StringVar(&f.since, "since", "", "take the resources that did not change from this snapshot")
	cmd.RunE = a.run(func(ctx context.Context, args []string) (int, error) {
		switch {
		case f.since != "" && (f.target != "" || len(args) > 0 || f.in.demo):
			return exitUsage, a.misuse(cmd, errors.New("--since is for reading a whole tenant from Azure, so there can be no --for and no INPUT"))
		case f.file == "":
			return exitUsage, a.misuse(cmd, errors.New("--output is missing"))
		case f.file == "-" && isTerminal(a.Stdout):
			return exitUsage, a.misuse(cmd, errors.New("a snapshot is not written to a terminal"))
		}
		if f.target != "" && (len(args) > 0 || f.in.demo) {
			return exitUsage, a.misuse(cmd, errors.New("--for reads from Azure, so there can be no INPUT"))
		}
		if len(args) == 0 && !f.in.demo {
			return a.snapshotLive(ctx, &f)
		}
		r, err := a.read(ctx, &f.in, args)
		if err != nil {
			return exitFailed, err
		}
		a.tellGaps(r.snap)
		return exitOK, a.writeSnapshot(r.snap, f.file)
	})
	return cmd
}

// snapshotLive reads a tenant from Azure.
func (a *app) snapshotLive(ctx context.Context, f *snapshotFlags) (_ int, err error) {
	config, err := a.azure(ctx, &f.azure)
	if err != nil {
		return exitFailed, err
	}
	if config.Journal = f.journal; f.journal == "" && !f.noJournal && f.file != "-" && f.target == "" {
		config.Journal = f.file + ".journal"
	}
	if f.since != "" {
		var closing func() error
		if config.Since, closing, err = earlier(f.since); err != nil {
			return exitFailed, fmt.Errorf("reading the earlier snapshot %s: %w", f.since, err)
		}
		defer func() { err = errors.Join(err, closing()) }()
	}
	progress := a.newProgress()
	config.Progress = progress.show
	res, err := a.collect(ctx, config, f.target)
	progress.clear()
	if err != nil {
		if config.Journal != "" {
			err = errorWithHint(err, "what was answered is kept in "+config.Journal+"; the same command goes on from there")
		}
		return exitFailed, err
	}
	defer func() {
		err = errors.Join(err, res.Close())
		if err == nil && config.Journal != "" {
			err = collect.RemoveJournal(config.Journal)
		}
	}()
	write := func(w io.Writer) error { return res.Write(w, "mivet "+a.version()) }
	if f.file == "-" {
		err = write(a.Stdout)
	} else {
		err = writeFile(f.file, write)
	}
	if err != nil {
		return exitFailed, fmt.Errorf("writing the snapshot to %s: %w", streamName(f.file, "standard output"), err)
	}
	a.tellCollected(res)
	return exitOK, nil
}

// earlier opens the snapshot that a collection goes on from.
func earlier(file string) (_ *collect.Earlier, closing func() error, err error) {
	r, err := os.Open(filepath.Clean(file))
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	info, err := r.Stat()
	if err != nil {
		return nil, nil, err
	}
	opened, err := snapshot.Open(r, info.Size())
	if err != nil {
		return nil, nil, err
	}
	s, err := opened.Snapshot(snapshot.ReadOptions{})
	if err != nil {
		return nil, nil, err
	}
	h := opened.Header()
	return &collect.Earlier{Snapshot: s, Tool: h.Tool, KeyID: h.KeyID, Raw: opened.EachProperties}, r.Close, nil
}

func (a *app) collect(ctx context.Context, config *collect.Config, target string) (*collect.Result, error) {
	if target != "" {
		return collect.For(ctx, config, target)
	}
	return collect.Collect(ctx, config)
}

// tellCollected says what was read, what was not, and what it cost.
func (a *app) tellCollected(res *collect.Result) {
	s := res.Snapshot
	if res.Fresh != "" {
		a.note("%s: it was begun anew", res.Fresh)
	}
	if res.Resumed > 0 {
		a.note("%s were there from the run before", counted(res.Resumed, "answer"))
	}
	a.note("read %s, %s, %s, %s and %s", counted(len(s.Subscriptions), "subscription"), counted(len(s.Resources), "resource"),
		counted(len(s.Identities), "managed identity"), counted(len(s.RoleAssignments), "role assignment"), counted(len(s.Principals), "principal"))
	if k := res.Since; k != nil && k.Whole != "" {
		a.note("all resources were read: %s", k.Whole)
	} else if k != nil {
		a.note("%s did not change, %d were read again, %d are gone", counted(k.Kept, "resource"), k.Read, k.Gone)
	}
	a.note("%s", effortLine(&res.Effort))
	gaps := 0
	told := map[string]bool{} // several kinds of facts can be missing for one reason
	for i := range s.Gaps {
		g := &s.Gaps[i]
		line := gapLine(g)
		if told[line] || g.Inherent && !a.verbose {
			continue
		}
		told[line] = true
		if gaps++; gaps <= maxListed || a.verbose {
			a.note("not read: %s", line)
		}
	}
	if gaps > maxListed && !a.verbose {
		a.note("%s more were not read; --verbose lists them, and \"mivet doctor\" says what would close them", counted(gaps-maxListed, "thing"))
	}
}

// effortLine says how near a collection came to what the quotas allow.
func effortLine(e *collect.Effort) string {
	sent, throttled := 0, 0
	for _, c := range e.Requests {
		sent += c.Sent
		throttled += c.Throttled
	}
	line := fmt.Sprintf("%s in %s", counted(sent, "request"), e.Wall.Round(100*time.Millisecond))
	if throttled > 0 {
		line += fmt.Sprintf(", %d of them refused for the quota", throttled)
	}
	if e.Limit != "" {
		line += fmt.Sprintf("; the quota of %s allows no less than %s, and %s of that may be spent at once",
			e.Limit, e.Bound.Round(100*time.Millisecond), (e.Bound - e.Least).Round(100*time.Millisecond))
	}
	return line
}

// writeSnapshot writes a snapshot to a file or to standard output.
func (a *app) writeSnapshot(s *mivet.Snapshot, file string) error {
	cleaner, err := redact.New(redact.Options{})
	if err != nil {
		return fmt.Errorf("preparing the redaction: %w", err)
	}
	write := func(w io.Writer) error {
		return snapshot.Write(w, s, snapshot.WriteOptions{Redactor: cleaner, Tool: "mivet " + a.version()})
	}
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
