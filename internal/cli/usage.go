// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/internal/clickhouse"
	"github.com/mivet/mivet/usage"
)

type usageFlags struct {
	question     questionFlags
	logs         []string
	facts        string
	schema       bool
	query        string
	azure        azureFlags
	since, until string
}

func (a *app) usageCommand() *cobra.Command {
	var f usageFlags
	cmd := &cobra.Command{
		Use:     "usage [IDENTITY] [INPUT...]",
		Short:   "what this identity was granted, what it used, and what is known to be unused",
		GroupID: groupQuestions,
		Example: "  mivet usage orders-api --in prod.mivet --logs exported/\n" +
			"  mivet usage orders-api --in prod.mivet --logs exported/ --facts facts.usage   keep what was read, read what is new\n" +
			"  mivet usage orders-api --in prod.mivet --facts facts.usage --format json\n" +
			"  mivet usage orders-api --in prod.mivet --query 3f0c54f1-6a1f-4b6c-8d9e-2f4f6b1f7c55   ask Log Analytics\n" +
			"  mivet usage orders-api --in prod.mivet --logs exported/ --facts clickhouse+http://db:8123/mivet?cluster=logs",
		Long: "--logs reads files and folders of diagnostic exports: the activity log, Key Vault, storage, Service\n" +
			"Bus, Event Hubs, Cosmos DB, App Configuration, sign-ins, Graph; plain, gzip, zstd or Parquet. Each\n" +
			"entry becomes who used which right where; what names no right, or no identity, is counted by reason.\n\n" +
			"A right without an entry is called unused only where it is covered: a log names who used it, and its\n" +
			"entries span the window at every resource where the right counts. Where that log was not on, or not\n" +
			"exported, it is \"off\"; where no log can show the use it is \"blind\", and nothing follows.\n\n" +
			"--facts keeps what was read in a file. A file of logs that did not change is not read again; one that\n" +
			"did replaces what it said. Without IDENTITY that is all that is done. In place of a file it can be a\n" +
			"database of ClickHouse, for logs that are too many for one machine: clickhouse+http://HOST:PORT/DATABASE,\n" +
			"with ?cluster=NAME for a cluster, whose tables the statements of --schema make on each server. The\n" +
			"variable " + clickhouse.PasswordVariable + " holds the password.\n\n" +
			"--query asks for logs where they are: the ID of a workspace of Log Analytics, or the address of a\n" +
			"database of Azure Data Explorer that has the same tables, https://CLUSTER/DATABASE. Only groups of\n" +
			"entries leave it. Without --since the last 30 days are asked for. With --facts a day is asked for\n" +
			"again only where it got more entries.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.usage(ctx, &f, args) }),
	}
	f.question.in.register(cmd)
	f.question.out.register(cmd, formatText, formatJSON)
	fl := cmd.Flags()
	fl.StringVar(&f.question.at, "at", "", "the time at which grants are asked, such as 2026-11-01T09:00:00Z (default: when the input was taken, else now)")
	fl.StringArrayVar(&f.logs, "logs", nil, "read this file or folder of log entries; may be repeated")
	fl.StringVar(&f.facts, "facts", "", "keep what was read in this file, or in this database of ClickHouse, and begin with what it holds")
	fl.StringVar(&f.query, "query", "", "ask this workspace of Log Analytics, or this database of Azure Data Explorer")
	fl.BoolVar(&f.schema, "schema", false, "write the statements that make the tables of --facts in ClickHouse, and do no more")
	f.azure.register(cmd)
	fl.StringVar(&f.since, "since", "", "the first day that counts, such as 2026-09-01 (default: the first of the logs)")
	fl.StringVar(&f.until, "until", "", "the last day that counts (default: the last of the logs)")
	cmd.ValidArgsFunction = a.completeArgs(&f.question.in, completeIdentity)
	return cmd
}

func (a *app) usage(ctx context.Context, f *usageFlags, args []string) (int, error) {
	if _, err := f.question.out.targets(); err != nil {
		return exitUsage, err
	}
	window, err := f.window()
	if err != nil {
		return exitUsage, err
	}
	if err := f.check(len(args)); err != nil {
		return exitUsage, err
	}
	if f.schema {
		return exitOK, a.writeTables(f.facts)
	}
	if len(args) == 0 {
		_, err := a.useOf(ctx, f)
		if err != nil {
			return exitFailed, err
		}
		return exitOK, nil
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
	apps := q.applications(answer.who)
	used, err := a.useOf(ctx, f, append([]string{string(answer.who)}, apps...)...)
	if err != nil {
		return exitFailed, err
	}
	query := usage.Query{Principal: answer.who, Apps: apps, Tenant: q.snap, Logs: used, Window: window}
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
