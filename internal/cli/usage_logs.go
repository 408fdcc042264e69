// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mivet/mivet/internal/clickhouse"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/logfiles"
	"github.com/mivet/mivet/usage"
)

// check refuses what makes no sense together.
func (f *usageFlags) check(args int) error {
	database := clickhouse.IsAddress(f.facts)
	switch {
	case f.schema && !database:
		return errorWithHint(usagef("--schema is about tables in ClickHouse"), "add --facts clickhouse+http://HOST:PORT/DATABASE?cluster=NAME")
	case f.schema:
		return nil
	case len(f.logs) == 0 && f.facts == "" && f.query == "":
		return errorWithHint(usagef("there is nothing that tells of use"),
			"add --logs FOLDER, --query WORKSPACE, or --facts FILE that an earlier run has written")
	case f.query != "" && database:
		return errorWithHint(usagef("what --query reads is not kept in ClickHouse: the workspace is the engine"), "give --facts the name of a file")
	case args == 0 && (len(f.logs) == 0 && f.query == "" || f.facts == ""):
		return errorWithHint(usagef("an argument is missing"), "usage: mivet usage IDENTITY [INPUT...] [flags]", "without IDENTITY logs are only read: add --logs FOLDER or --query WORKSPACE, and --facts")
	}
	return nil
}

// writeTables writes the statements that make tables, each with a semicolon.
func (a *app) writeTables(address string) error {
	at, err := clickhouse.ParseAddress(address)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Stdout, "%s;\n", strings.Join(at.Schema(), ";\n\n"))
	return err
}

// useOf reads what is new, and returns what all logs say of these principals and
// applications; an engine that has them all may say more.
func (a *app) useOf(ctx context.Context, f *usageFlags, of ...string) (*usage.Summary, error) {
	if clickhouse.IsAddress(f.facts) {
		return a.askClickHouse(ctx, f, of)
	}
	ledger, err := a.readLogs(ctx, f)
	if err != nil {
		return nil, err
	}
	return ledger.Total(), nil
}

// askClickHouse reads what is new in the logs into ClickHouse, and asks it.
func (a *app) askClickHouse(ctx context.Context, f *usageFlags, of []string) (*usage.Summary, error) {
	at, err := clickhouse.ParseAddress(f.facts)
	if err != nil {
		return nil, err
	}
	store, err := clickhouse.Open(ctx, at, a.Env(clickhouse.PasswordVariable), clickhouse.Client())
	if err != nil {
		hint := "is the database there? CREATE DATABASE " + at.Database
		if at.Cluster != "" {
			hint = "run what --schema writes on each server of the cluster"
		}
		return nil, errorWithHint(err, hint)
	}
	if len(f.logs) > 0 {
		begin := a.Clock()
		report, err := logfiles.Pour(ctx, f.logs, logfiles.PourOptions{
			Options: logfiles.Options{Now: begin.UTC(), Workers: runtime.GOMAXPROCS(0)}, Has: store.Has,
			Begin: func(s *usage.Source) logfiles.Sink { return store.Load(ctx, s) },
		})
		if err != nil {
			return nil, errorWithHint(err, "--logs takes files and folders of log entries")
		}
		a.tellLogs(report, a.Clock().Sub(begin))
	}
	if len(of) == 0 {
		return &usage.Summary{}, nil
	}
	return store.Summary(ctx, of...)
}

// memoryLimit is what the collector of garbage is asked to keep to while logs are read.
const memoryLimit = 384 << 20

// readLogs reads what is new in the logs into the facts.
func (a *app) readLogs(ctx context.Context, f *usageFlags) (*usage.Ledger, error) {
	ledger, err := readFacts(f.facts)
	if err != nil || len(f.logs) == 0 && f.query == "" {
		return ledger, err
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	now := a.Clock().UTC()
	ledger.Close(now)
	if len(f.logs) > 0 {
		begin := a.Clock()
		report, err := logfiles.Read(ctx, f.logs, logfiles.Options{Now: now, Workers: runtime.GOMAXPROCS(0), Ledger: ledger})
		if err != nil {
			return nil, errorWithHint(err, "--logs takes files and folders of log entries")
		}
		a.tellLogs(report, a.Clock().Sub(begin))
	}
	var asked error
	if f.query != "" {
		asked = a.queryLogs(ctx, f, ledger)
	}
	if f.facts == "" {
		return ledger, asked
	}
	// What was answered is kept, also where not all was: the next run asks for the rest.
	if err := writeFile(f.facts, func(w io.Writer) error { return usage.Write(w, ledger) }); err != nil {
		return nil, err
	}
	return ledger, asked
}

// askedDays is how many days are asked for where no window is given.
const askedDays = 30

// queryLogs asks a workspace or a database.
func (a *app) queryLogs(ctx context.Context, f *usageFlags, ledger *usage.Ledger) error {
	place, err := collect.ParseLogPlace(f.query)
	if err != nil {
		return usagef("--query %w", err)
	}
	window, err := f.window()
	if err != nil {
		return err
	}
	if window == (usage.Window{}) {
		window.Last = usage.DayOf(a.Clock())
		window.First = window.Last - askedDays + 1
	}
	config, err := a.azure(ctx, &f.azure)
	if err != nil {
		return err
	}
	begin := a.Clock()
	report, err := collect.QueryLogs(ctx, config, &collect.LogQuery{Place: place, First: window.First, Last: window.Last, Ledger: ledger})
	if report != nil && a.verbose {
		a.note("asked for %s on %s of tables in %s, %s had no more", counted(int(report.Entries), "entry"), dayWords(report.Days), a.Clock().Sub(begin).Round(time.Millisecond), dayWords(report.Unchanged))
	}
	if err != nil {
		return errorWithHint(err, askHint(&place, err))
	}
	for _, t := range report.Absent {
		a.note("%s has no table %s, so that nothing of it is known", f.query, t)
	}
	return nil
}

// askHint says what to do about a question that was not answered.
func askHint(place *collect.LogPlace, err error) string {
	var r *collect.RequestError
	if errors.As(err, &r) && (r.Forbidden() || r.Status == 401) {
		if place.Workspace == "" {
			return "the caller needs the role Database Viewer on the database: .add database " + place.Database + " viewers ('aadapp=CLIENT-ID')"
		}
		return "the caller needs Log Analytics Reader on the workspace: az role assignment create --role \"Log Analytics Reader\" --assignee OBJECT-ID --scope WORKSPACE-RESOURCE-ID"
	}
	return "a file of --facts keeps what was answered, and the next run asks for the rest"
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
