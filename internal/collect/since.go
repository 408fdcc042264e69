// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Earlier is a snapshot that a collection goes on from.
type Earlier struct {
	Snapshot *mivet.Snapshot
	// Tool and KeyID are those of its file.
	Tool, KeyID string
	// Raw hands out the raw forms of its resources.
	Raw func(do func(id arm.ID, raw json.RawMessage) error) error
}

// name tells the journals of two earlier snapshots apart.
func (e *Earlier) name() string {
	if e == nil {
		return ""
	}
	return "since " + e.Snapshot.TakenAt.UTC().Format(time.RFC3339Nano)
}

// Kept says what was taken from an earlier snapshot.
type Kept struct {
	// Kept resources were not read again; Read were, since they changed or are new, and Gone
	// are not there any more.
	Kept, Read, Gone int
	// Whole says why all resources were read; empty where they were not.
	Whole string
}

const (
	// changesKept is how long Azure keeps changes (MicrosoftDocs/azure-docs
	// articles/governance/resource-graph/how-to/get-resource-changes.md). The page said for a
	// time that it were 7 days: that changes of the time are still there is asked for too.
	changesKept = 14 * 24 * time.Hour
	// changesLate is how long a change may take until Resource Graph shows it, amply: the page
	// says less than five minutes.
	changesLate = time.Hour
	// maxNamed is how many resources one query names.
	maxNamed = 100
)

// changed reads the resources that changed since the earlier snapshot, and takes the
// others from there. Assignments, definitions, denies, groups, and what belongs to single
// resources are no part of this: they are always read.
//
// Not every change has a record: some types have none. So what carries an identity is always
// read, and the resources of each subscription are counted: a subscription with another number
// is read whole.
func (r *run) changed(ctx context.Context, counts []resourceCount) *Kept {
	out := &Kept{Whole: r.config.Since.unfit(r)}
	if out.Whole != "" {
		return out
	}
	from := r.config.Since.Snapshot.TakenAt.Add(-changesLate)
	targets, why := r.changesSince(ctx, from)
	if out.Whole = why; why != "" {
		return out
	}
	total := 0
	for _, c := range counts {
		total += c.Count
	}
	if reads := (len(targets)+maxNamed-1)/maxNamed + 2; reads > total/graphTop+1 && len(targets) > maxNamed {
		out.Whole = fmt.Sprintf("%s changed: reading everything is less", count(len(targets), "resource"))
		return out
	}
	now := r.carriersOfIdentities(ctx)
	old := r.config.Since.resources()
	for key, id := range r.config.Since.carriers() {
		if _, carries := now[key]; !carries && !old[key].IsZero() {
			targets[key] = id // it has no identity any more, or it is not there
		}
	}
	for key := range now {
		delete(targets, key)
	}
	maps.Copy(now, r.readAgain(ctx, targets))
	had := map[string]int{}
	for key, id := range old {
		_, read := now[key]
		switch {
		case read:
		case targets[key].IsZero():
			had[subscriptionOf(id)]++
			continue
		default:
			out.Gone++
		}
		delete(old, key)
	}
	for _, id := range now {
		had[subscriptionOf(id)]++
	}
	out.Read = len(now)
	for _, l := range differing(counts, had) {
		for key, id := range old {
			if sub := subscriptionOf(id); slices.Contains(l.subs, sub) || l.subs == nil && sub == "" {
				delete(old, key)
			}
		}
		r.list(ctx, l, func(p *page, src mivet.Source) {
			out.Read += len(p.Rows)
			r.carriers(ctx, p, src)
		})
	}
	out.Kept = len(old)
	if err := r.keep(ctx, old); err != nil {
		r.cancel(fmt.Errorf("taking resources from the earlier snapshot: %w", err))
	}
	return out
}

// unfit says why resources cannot be taken from a snapshot; "" where they can.
func (e *Earlier) unfit(r *run) string {
	s := e.Snapshot
	switch {
	case s.TenantID != r.caller.Tenant:
		return "the earlier snapshot is of another tenant, " + s.TenantID
	case e.Tool != "mivet "+r.config.Version:
		return "the earlier snapshot was written by " + first(e.Tool, "another program") + ", which may have kept other properties"
	case e.KeyID != r.config.KeyID:
		return "the digests of the earlier snapshot are made with another key, so that a change of values would not be seen"
	case !s.TakenAt.After(r.now().Add(changesLate - changesKept)):
		return "the earlier snapshot is of " + s.TakenAt.UTC().Format(time.DateOnly) + ", and Azure keeps changes for 14 days"
	case s.TakenAt.After(r.now()):
		return "the earlier snapshot is of the future, " + s.TakenAt.UTC().Format(time.RFC3339)
	}
	for i := range s.Gaps {
		if g := &s.Gaps[i]; g.Facts == mivet.FactResources && !g.Inherent {
			return "the earlier snapshot has a gap: " + g.Reason
		}
	}
	return ""
}

// resources returns the resources that Resource Graph listed.
func (e *Earlier) resources() map[arm.Key]arm.ID {
	origin := (&listing{call: callResources}).origin()
	out := map[arm.Key]arm.ID{}
	for i := range e.Snapshot.Resources {
		if x := &e.Snapshot.Resources[i]; x.Source.Origin != nil && x.Source.Origin.API == origin {
			out[x.ID.Key()] = x.ID
		}
	}
	return out
}

// changesSince returns the resources that changed since a time. why says why that is not
// known.
func (r *run) changesSince(ctx context.Context, from time.Time) (targets map[arm.Key]arm.ID, why string) {
	at := "todatetime(properties.changeAttributes.timestamp)"
	when := "datetime(" + from.UTC().Format("2006-01-02T15:04:05Z") + ")"
	older := 0
	why = r.try(ctx, &listing{call: callOldChanges, where: at + " < " + when}, func(raw json.RawMessage) {
		var c resourceCount
		if json.Unmarshal(raw, &c) == nil {
			older += c.Count
		}
	})
	if why == "" && older == 0 {
		why = "Azure keeps no change from before the earlier snapshot, so that changes since may be lost"
	}
	if why != "" {
		return nil, why
	}
	targets = map[arm.Key]arm.ID{}
	odd := 0
	why = r.try(ctx, &listing{call: callChanges, where: at + " >= " + when}, func(raw json.RawMessage) {
		var c resourceChange
		_ = json.Unmarshal(raw, &c) // the door has written it
		if id := parsed(c.Target); !id.IsZero() {
			targets[id.Key()] = id
			return
		}
		odd++
	})
	if why == "" && odd > 0 {
		why = fmt.Sprintf("%s of changes could not be understood", count(odd, "row"))
	}
	return targets, why
}

// try reads a list without which things go on. why says why it was not read to its end.
func (r *run) try(ctx context.Context, l *listing, each func(json.RawMessage)) (why string) {
	rows, total := 0, 0
	err := r.pages(ctx, l, func(p *page) {
		rows, total = rows+len(p.Rows), max(total, p.Total)
		if p.Cut != "" || p.Odd > 0 {
			why = first(p.Cut, l.call.what+" could not be understood")
		}
		for _, raw := range p.Rows {
			each(raw)
		}
	})
	var f *RequestError
	switch {
	case errors.As(err, &f):
		return reason(f, l.call)
	case err != nil:
		r.cancel(err)
		return err.Error()
	case why == "" && total > rows:
		return fmt.Sprintf("Resource Graph says that there are %d %s and gave %d", total, l.call.what, rows)
	}
	return why
}

// withIdentity are the resources whose identities are what everything else is about. The
// principal of a user-assigned one stands in its properties.
const withIdentity = "isnotnull(identity) or type =~ 'microsoft.managedidentity/userassignedidentities'"

// carriersOfIdentities reads what carries an identity, and user-assigned identities.
func (r *run) carriersOfIdentities(ctx context.Context) map[arm.Key]arm.ID {
	there := map[arm.Key]arm.ID{}
	r.list(ctx, &listing{call: callResources, where: withIdentity}, func(p *page, src mivet.Source) {
		for _, id := range p.ids() {
			there[id.Key()] = id
		}
		r.carriers(ctx, p, src)
	})
	return there
}

// carriers returns the resources that carried an identity, or were one.
func (e *Earlier) carriers() map[arm.Key]arm.ID {
	out := map[arm.Key]arm.ID{}
	for i := range e.Snapshot.Resources {
		if x := &e.Snapshot.Resources[i]; x.Identity != nil || x.ID.HasType(typeUserAssigned) {
			out[x.ID.Key()] = x.ID
		}
	}
	return out
}

// readAgain reads resources by their IDs and returns those that are there.
func (r *run) readAgain(ctx context.Context, targets map[arm.Key]arm.ID) map[arm.Key]arm.ID {
	keys := make([]string, 0, len(targets))
	for k := range targets {
		keys = append(keys, string(k))
	}
	slices.Sort(keys)
	there := map[arm.Key]arm.ID{}
	for part := range slices.Chunk(keys, maxNamed) {
		names := make([]byte, 0, 200*len(part))
		for i, k := range part {
			if i > 0 {
				names = append(names, ", "...)
			}
			names = append(names, quoted(targets[arm.Key(k)].String())...)
		}
		r.list(ctx, &listing{call: callResources, where: "id in~ (" + string(names) + ")"}, func(p *page, src mivet.Source) {
			for _, id := range p.ids() {
				there[id.Key()] = id
			}
			r.carriers(ctx, p, src)
		})
	}
	return there
}

func subscriptionOf(id arm.ID) string { return strings.ToLower(id.SubscriptionID()) }

// differing lists the subscriptions that have another number of resources than was read
// and kept.
func differing(counts []resourceCount, had map[string]int) []*listing {
	var out []*listing
	var subs []string
	for _, c := range counts {
		sub := strings.ToLower(c.Subscription)
		switch {
		case had[sub] == c.Count:
		case sub == "":
			out = append(out, &listing{call: callResources, where: "isempty(subscriptionId)"})
		default:
			subs = append(subs, sub)
		}
		delete(had, sub)
	}
	for sub := range had { // nothing is left of it, or it cannot be seen any more
		subs = append(subs, sub)
	}
	slices.Sort(subs)
	for part := range slices.Chunk(subs, maxPartSubs) {
		out = append(out, &listing{call: callResources, subs: part})
	}
	return out
}

// keep takes resources from the earlier snapshot: their raw forms, with the time at which
// they were read.
func (r *run) keep(ctx context.Context, old map[arm.Key]arm.ID) error {
	sources := map[arm.Key]mivet.Source{}
	for i := range r.config.Since.Snapshot.Resources {
		x := &r.config.Since.Snapshot.Resources[i]
		if _, ok := old[x.ID.Key()]; ok {
			sources[x.ID.Key()] = x.Source
		}
	}
	waiting := map[mivet.Origin]*page{}
	n := 0
	flush := func(o mivet.Origin, p *page) error {
		l := &listing{call: callResources, where: "kept"}
		if err := r.journal.put(pageKey{l.key(), n}, p); err != nil {
			return err
		}
		r.progress.page(callResources, len(p.Rows), 0, true)
		r.carriers(ctx, p, mivet.Source{Origin: &o})
		r.raw.add(l, n, p)
		n++
		delete(waiting, o)
		return ctx.Err()
	}
	err := r.config.Since.Raw(func(id arm.ID, raw json.RawMessage) error {
		src, ok := sources[id.Key()]
		if !ok {
			return nil
		}
		delete(sources, id.Key())
		o := *src.Origin
		p := waiting[o]
		if p == nil {
			p = &page{At: o.ReadAt}
			waiting[o] = p
		}
		if p.Rows = append(p.Rows, slices.Clone(raw)); len(p.Rows) == graphTop {
			return flush(o, p)
		}
		return nil
	})
	for o, p := range waiting {
		if err == nil {
			err = flush(o, p)
		}
	}
	if err == nil && len(sources) > 0 {
		err = fmt.Errorf("it has no raw form of %s", count(len(sources), "resource"))
	}
	return err
}
