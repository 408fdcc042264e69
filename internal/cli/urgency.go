// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/forensics"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
)

type urgencyFlags struct {
	in            inputFlags
	out           output
	logs          logFlags
	agreed        contractFlags
	within, grace time.Duration
	least         int64
}

func (a *app) urgencyCommand() *cobra.Command {
	var f urgencyFlags
	cmd := &cobra.Command{
		Use:     "urgency [INPUT...]",
		Short:   "broad grants made in a hurry, after refusals, and grants that outlived their promise",
		GroupID: groupQuestions,
		Example: "  mivet urgency --demo\n" +
			"  mivet urgency prod.mivet --logs exported/\n" +
			"  mivet urgency prod.mivet --logs exported/ --within 4h --format json",
		Long: "Somebody gets 403, and in the hurry is given far more than what was refused. This finds it in the\n" +
			"logs: refusals of one principal, in a log of a service or in the activity log, then a broad grant\n" +
			"to it, or to a group it is in, that holds where it was refused. It tells who made it and when, after\n" +
			"which error, whether it helped, what the smallest grant would have been, and whether it was ever\n" +
			"taken back. One that was taken back within the hour is not told.\n\n" +
			"A grant is broad if it holds in the whole resource group or more while what was refused lies below,\n" +
			"or if its role carries twenty times the risk of the smallest one at the same place.\n\n" +
			"Grants whose description promises an end (\"temporary\", \"until 2026-05-31\", \"for 2 weeks\") and\n" +
			"that are still there are told, too, and with --contract its exceptions that are over; these need no\n" +
			"logs. Exit code 1: there is something of either that was not put right.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.urgency(ctx, &f, args) }),
	}
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatJSON)
	f.logs.register(cmd)
	f.agreed.register(cmd, "tell exceptions of this contract that are over, too")
	fl := cmd.Flags()
	fl.DurationVar(&f.within, "within", 24*time.Hour, "how long before the grant refusals count")
	fl.DurationVar(&f.grace, "grace", time.Hour, "a grant that was taken back as soon as this is not told")
	fl.Int64Var(&f.least, "least", 3, "how many refusals there must be")
	return cmd
}

// urgencyAnswer is one run.
type urgencyAnswer struct {
	*trimming // its measures weigh
	report    *forensics.UrgencyReport
	overdue   []forensics.OverdueGrant
	expired   []contract.Exception // of the contract
	logs      bool
	faults    int // entries whose details could not be read
}

func (a *app) urgency(ctx context.Context, f *urgencyFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	if f.least < 1 || f.within <= 0 || f.grace < 0 {
		return exitUsage, usagef("--least and --within must be more than nothing")
	}
	u, err := a.lookForUrgency(ctx, f, args)
	if err != nil {
		return exitFailed, err
	}
	if err := a.emit(&f.out, u.write); err != nil {
		return exitFailed, err
	}
	if u.open() > 0 {
		return exitFound, nil
	}
	return exitOK, nil
}

// lookForUrgency reads inputs and logs and asks.
func (a *app) lookForUrgency(ctx context.Context, f *urgencyFlags, args []string) (*urgencyAnswer, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	r, err := a.read(ctx, &f.in, args)
	if err != nil {
		return nil, err
	}
	q := &questions{app: a, at: firstTime(time.Time{}, r.snap.TakenAt, a.Clock()), resolver: newResolver(r.snap)}
	u := urgencyAnswer{trimming: &trimming{questions: q, cat: cat}, logs: f.logs.given(f.in.demo)}
	log := provenance.NewLog(r.snap)
	refusals := forensics.NewTrace(r.snap, func(d *forensics.Doing) bool { return d.Outcome == logs.Refused })
	if u.logs {
		if err := a.eachEntry(ctx, &f.logs, func(e *logs.Entry, text []byte, at mivet.Source) {
			log.Add(e, text, at)
			refusals.Add(e, text, at)
		}); err != nil {
			return nil, err
		}
	}
	u.report = forensics.Urgency(&forensics.UrgencyQuery{
		Snapshot: r.snap, Log: log, Refusals: refusals, Now: u.at, Within: f.within, Grace: f.grace, Least: f.least,
		Measure: &forensics.Measure{Catalog: cat, Contains: u.holds, Count: u.census(), Weight: u.weight()},
	})
	u.overdue, u.faults = forensics.Overdue(r.snap, log, u.at), log.Faults
	if f.agreed.file != "" {
		t, err := a.terms(&f.agreed)
		if err != nil {
			return nil, err
		}
		for _, e := range t.contract.Exceptions {
			if !e.Expires.IsZero() && u.at.After(e.Expires) {
				u.expired = append(u.expired, e)
			}
		}
	}
	return &u, nil
}

// open counts what is still to be put right.
func (u *urgencyAnswer) open() (n int) {
	for i := range u.report.Urgent {
		if !u.report.Urgent[i].Reduced() {
			n++
		}
	}
	for i := range u.overdue {
		if !u.overdue[i].Undecided {
			n++
		}
	}
	return n + len(u.expired)
}
