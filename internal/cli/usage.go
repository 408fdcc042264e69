// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/internal/logfiles"
	"github.com/mivet/mivet/usage"
)

type usageFlags struct {
	question     questionFlags
	logs         []string
	facts        string
	query        queryFlags
	since, until string
}

func (a *app) usageCommand() *cobra.Command {
	var f usageFlags
	cmd := &cobra.Command{
		Use:     "usage IDENTITY [INPUT...]",
		Short:   "what this identity was granted, what it used, and what is known to be unused",
		GroupID: groupQuestions,
		Example: "  mivet usage orders-api --in prod.mivet --logs exported/\n" +
			"  mivet usage orders-api --in prod.mivet --logs exported/ --facts facts.usage   keep what was read, read what is new\n" +
			"  mivet usage orders-api --in prod.mivet --facts facts.usage --format json",
		Long: "--logs reads files and folders of diagnostic exports: the activity log, Key Vault, storage, Service\n" +
			"Bus, Event Hubs, Cosmos DB, App Configuration, sign-ins, Graph; plain, gzip, zstd or Parquet. Each\n" +
			"entry becomes who used which right where; what names no right, or no identity, is counted by reason.\n\n" +
			"A right without an entry is called unused only where it is covered: a log names who used it, and its\n" +
			"entries span the window at every resource where the right counts. Where that log was not on, or not\n" +
			"exported, it is \"off\"; where no log can show the use it is \"blind\", and nothing follows.\n\n" +
			"--facts keeps what was read in a file. A file of logs that did not change is not read again; one that\n" +
			"did replaces what it said.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.usage(ctx, &f, args) }),
	}
	f.question.in.register(cmd)
	f.question.out.register(cmd, formatText, formatJSON)
	fl := cmd.Flags()
	fl.StringVar(&f.question.at, "at", "", "the time at which grants are asked, such as 2026-11-01T09:00:00Z (default: when the input was taken, else now)")
	fl.StringArrayVar(&f.logs, "logs", nil, "read this file or folder of log entries; may be repeated")
	fl.StringVar(&f.facts, "facts", "", "keep what was read in this file, and begin with what it holds")
	fl.StringVar(&f.since, "since", "", "the first day that counts, such as 2026-09-01 (default: the first of the logs)")
	fl.StringVar(&f.until, "until", "", "the last day that counts (default: the last of the logs)")
	cmd.ValidArgsFunction = a.completeArgs(&f.question.in, completeIdentity)
	return cmd
}

func (a *app) usage(ctx context.Context, f *usageFlags, args []string) (int, error) {
	if _, err := f.question.out.targets(); err != nil {
		return exitUsage, err
	}
	if len(f.logs) == 0 && f.facts == "" {
		return exitUsage, errorWithHint(usagef("there is nothing that tells of use"), "add --logs FOLDER, or --facts FILE that an earlier run has written")
	}
	window, err := f.window()
	if err != nil {
		return exitUsage, err
	}
	q, err := a.prepare(ctx, &f.question, args[1:], &named{identity: args[0], everything: true})
	if err != nil {
		return exitFailed, err
	}
	answer := usageAnswer{questions: q, verbose: a.verbose}
	if answer.who, err = q.principal(ctx, args[0]); err != nil {
		return exitFailed, err
	}
	if err := q.complete(answer.who, arm.ID{}); err != nil {
		return exitFailed, err
	}
	ledger, err := a.readLogs(ctx, f)
	if err != nil {
		return exitFailed, err
	}
	query := usage.Query{Principal: answer.who, Apps: q.applications(answer.who), Tenant: q.snap, Logs: ledger.Total(), Window: window}
	asked := authz.WhatCanQuery{Principal: answer.who, At: q.at}
	for r := range q.engine.WhatCan(asked) {
		query.Rights = append(query.Rights, r)
	}
	answer.missing = q.engine.UnseenRights(asked)
	answer.logs, answer.report = query.Logs, usage.Compare(&query)
	answer.workloads = usage.Attribute(q.index, q.snap, answer.who, answer.report.Origins)
	if len(answer.logs.Seen) == 0 {
		a.note("no entry of a log was read")
	}
	return exitOK, a.emit(&f.question.out, answer.write)
}

// window reads --since and --until.
func (f *usageFlags) window() (usage.Window, error) {
	if f.since == "" && f.until == "" {
		return usage.Window{}, nil
	}
	first, err := parseTime(f.since)
	if err != nil {
		return usage.Window{}, err
	}
	last, err := parseTime(f.until)
	if err != nil {
		return usage.Window{}, err
	}
	if first.IsZero() || last.IsZero() {
		return usage.Window{}, errorWithHint(usagef("a window has two ends"), "give both --since and --until")
	}
	w := usage.Window{First: usage.DayOf(first), Last: usage.DayOf(last)}
	if w.Days() == 0 {
		return w, usagef("--until %s is before --since %s", f.until, f.since)
	}
	return w, nil
}

// applications lists the application ids of a principal.
func (q *questions) applications(who mivet.PrincipalID) []string {
	var apps []string
	if p := q.index.Principal(who); p != nil && p.ClientID != "" {
		apps = append(apps, p.ClientID)
	}
	if i := q.index.Identity(who); i != nil && i.ClientID != "" {
		apps = append(apps, i.ClientID)
	}
	return apps
}

// memoryLimit is what the collector of garbage is asked to keep to while logs are read.
const memoryLimit = 384 << 20

// readLogs reads what is new in the logs into the facts.
func (a *app) readLogs(ctx context.Context, f *usageFlags) (*usage.Ledger, error) {
	ledger, err := readFacts(f.facts)
	if err != nil || len(f.logs) == 0 {
		return ledger, err
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	now := a.Clock().UTC()
	ledger.Close(now)
	begin := a.Clock()
	report, err := logfiles.Read(ctx, f.logs, logfiles.Options{Now: now, Workers: runtime.GOMAXPROCS(0), Ledger: ledger})
	if err != nil {
		return nil, errorWithHint(err, "--logs takes files and folders of log entries")
	}
	a.tellLogs(report, a.Clock().Sub(begin))
	if f.facts == "" {
		return ledger, nil
	}
	return ledger, writeFile(f.facts, func(w io.Writer) error { return usage.Write(w, ledger) })
}

func readFacts(name string) (*usage.Ledger, error) {
	if name == "" {
		return usage.NewLedger(), nil
	}
	in, err := os.Open(filepath.Clean(name))
	if errors.Is(err, fs.ErrNotExist) {
		return usage.NewLedger(), nil
	}
	if err != nil {
		return nil, err
	}
	ledger, err := usage.Read(in)
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, errorWithHint(fmt.Errorf("%s: %w", name, err), "remove the file, and the logs are read anew")
	}
	return ledger, nil
}

// tellLogs says what was read and what could not be.
func (a *app) tellLogs(r *logfiles.Report, took time.Duration) {
	for i := range r.Faults {
		a.note("%v", &r.Faults[i])
	}
	if more := r.FaultCount - int64(countLines(r.Faults)); more > 0 {
		a.note("%s more could not be read", counted(int(more), "entry"))
	}
	if a.verbose {
		a.note("read %s of %s in %s, %s unchanged, %s left out", counted(int(r.Entries), "entry"), counted(r.Files, "file"), took.Round(time.Millisecond),
			counted(r.Unchanged, "file"), counted(r.LeftOut, "file"))
	}
}

func countLines(faults []logfiles.ReadError) (n int) {
	for i := range faults {
		if faults[i].Line > 0 {
			n++
		}
	}
	return n
}
