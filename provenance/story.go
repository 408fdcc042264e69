// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Act is something that somebody did: who, when, and how that is known. Where nobody is
// told, Gap says why.
type Act struct {
	// By is who did it, as far as that is told.
	By Caller    `json:"by,omitzero"`
	At time.Time `json:"at,omitzero"`
	// What says what was done, a clause without a full stop.
	What string `json:"what,omitzero"`
	// Sure is false where the record may be about something else: the log has the call, and
	// not what it changed.
	Sure bool `json:"sure"`
	// Correlation joins it with the other calls of one request or deployment.
	Correlation string       `json:"correlation,omitzero"`
	Source      mivet.Source `json:"source,omitzero"`
	// Gap says why it is not known who, or when; empty where it is.
	Gap string `json:"gap,omitzero"`
}

// Known reports whether somebody is named.
func (a *Act) Known() bool { return !a.By.IsZero() }

// GrantStory is one role assignment with who made it.
type GrantStory struct {
	Grant *mivet.RoleAssignment `json:"grant"`
	// Via is the group that holds it; empty where the principal does.
	Via  mivet.PrincipalID `json:"via,omitzero"`
	Made Act               `json:"made"`
	// Promise is for how long it was meant, where its description tells.
	Promise *Promise `json:"promise,omitzero"`
}

// WorkloadStory is what runs with the identity and who brought it there.
type WorkloadStory struct {
	Workload arm.ID `json:"workload"`
	Deployed Act    `json:"deployed"`
}

// Story says who stands behind an identity.
type Story struct {
	Principal mivet.PrincipalID `json:"principal"`
	// Resource is the identity's own resource, or the one that carries it; zero for a
	// principal that is no managed identity.
	Resource  arm.ID          `json:"resource,omitzero"`
	Enabled   Act             `json:"enabled"`
	Grants    []GrantStory    `json:"grants"`
	Workloads []WorkloadStory `json:"workloads,omitzero"`
}

// NoLog is the gap of everything that a log alone could tell.
const NoLog = "no activity log was read"

// Story tells who stands behind a principal. It answers from the snapshot alone where the
// log holds nothing.
func (l *Log) Story(who mivet.PrincipalID) *Story {
	l.Records()
	s := &Story{Principal: who, Grants: []GrantStory{}}
	groups := l.Groups(who)
	for i := range l.snap.RoleAssignments {
		a := &l.snap.RoleAssignments[i]
		g := GrantStory{Grant: a}
		switch {
		case a.Principal == who:
		case slices.Contains(groups, a.Principal):
			g.Via = a.Principal
		default:
			continue
		}
		g.Made, g.Promise = l.maker(a), PromiseOf(a)
		s.Grants = append(s.Grants, g)
	}
	id := l.index.Identity(who)
	if id == nil {
		s.Enabled.Gap = "it is no managed identity of the snapshot"
		return s
	}
	s.Resource = id.Resource
	s.Enabled = l.enabled(id)
	for _, w := range l.workloads(id) {
		s.Workloads = append(s.Workloads, WorkloadStory{w, l.deployed(w)})
	}
	return s
}

// workloads are the resources that carry an identity.
func (l *Log) workloads(id *mivet.Identity) []arm.ID {
	var out []arm.ID
	l.index.Carriers(id, func(r *mivet.Resource) bool {
		out = append(out, r.ID)
		return true
	})
	slices.SortFunc(out, func(a, b arm.ID) int { return strings.Compare(string(a.Key()), string(b.Key())) })
	return out
}

// act is what a record tells.
func act(r *Record, what string, sure bool) Act {
	return Act{By: r.By, At: r.At, What: what, Sure: sure, Correlation: r.Correlation, Source: r.Source}
}

// silence says why the log does not tell of something that was there at a time; zero: at an
// unknown time.
func (l *Log) silence(scope arm.ID, at time.Time) string {
	span := l.Span(scope)
	switch {
	case len(l.spans) == 0:
		return NoLog
	case scope.Subscription().IsZero():
		return "the activity log of a subscription does not hold it: it lies above subscriptions"
	case span.First.IsZero():
		return "no activity log of " + scope.Subscription().String() + " was read"
	case at.IsZero():
		return "the activity log that was read begins at " + span.First.UTC().Format(time.RFC3339) + " and does not hold it"
	case at.Before(span.First):
		return "the activity log that was read begins at " + span.First.UTC().Format(time.RFC3339) + ", after it"
	case at.After(span.Last):
		return "the activity log that was read ends at " + span.Last.UTC().Format(time.RFC3339) + ", before it"
	}
	return "the activity log that was read does not hold it, though it spans the time"
}

// slack is how far the times of one thing in the snapshot and in the log may lie apart.
const slack = 5 * time.Minute

// sameTime reports whether a call can be the one by which something was made, by the time
// that the snapshot tells. A time at the very beginning of a day stands for all of it: texts
// written by people tell no more.
func sameTime(call, made time.Time) bool {
	const day = 24 * time.Hour
	if made.Equal(made.Truncate(day)) {
		return call.Truncate(day).Equal(made)
	}
	return call.Sub(made).Abs() <= slack
}

// maker tells who made an assignment: the snapshot has an object id and a time, the log a
// name, an address and the request.
func (l *Log) maker(a *mivet.RoleAssignment) Act {
	var found *Record
	// By its ID, or by what it gives: no principal can have the same role twice at a scope.
	about := l.byGrant[grantKey(a)]
	if !a.ID.IsZero() {
		about = slices.Concat(l.byTarget[a.ID.Key()], about)
	}
	for _, r := range about {
		if r.is("write", typeAssignment, typeSchedule) && r.Done() && (found == nil || !r.At.Before(found.At)) && (a.CreatedOn.IsZero() || sameTime(r.Ended, a.CreatedOn)) {
			found = r // the last before it is as it is
		}
	}
	if found != nil {
		out := act(found, "made the grant", true)
		out.By.ID = cmp.Or(out.By.ID, a.CreatedBy)
		return out
	}
	if a.CreatedBy != "" || !a.CreatedOn.IsZero() {
		out := Act{By: Caller{ID: a.CreatedBy}, At: a.CreatedOn, What: "made the grant", Sure: true, Source: a.Source}
		switch {
		case a.CreatedBy == "":
			out.Gap = "the snapshot does not tell who made it, and " + l.silence(a.Scope, a.CreatedOn)
		case a.CreatedOn.IsZero():
			out.Gap = "the snapshot does not tell when, and " + l.silence(a.Scope, time.Time{})
		}
		return out
	}
	return Act{Gap: "the snapshot tells no maker, and " + l.silence(a.Scope, time.Time{})}
}

// enabled tells who made an identity, or turned one on.
func (l *Log) enabled(id *mivet.Identity) Act {
	user := id.Kind == mivet.UserAssigned
	var first, told *Record
	was := false
	for _, r := range l.byTarget[id.Resource.Key()] {
		if !r.Done() {
			continue
		}
		if strings.HasSuffix(strings.ToLower(r.Operation), "/delete") {
			first, told, was = nil, nil, false // what there is now came after it
			continue
		}
		if !strings.HasSuffix(strings.ToLower(r.Operation), "/write") {
			continue
		}
		if first == nil {
			first = r
		}
		if r.Attached == nil {
			continue
		}
		if r.Attached.System && !was && told == nil {
			told = r
		}
		if was = r.Attached.System; !was {
			told = nil // turned off again
		}
	}
	switch {
	case user && first != nil:
		return act(first, "wrote the identity first, as far as the log goes back", created(first))
	case told != nil:
		return act(told, "wrote the resource with a system-assigned identity", true)
	case first != nil:
		out := act(first, "wrote the resource first, as far as the log goes back", false)
		out.Gap = "the entries do not hold what was written, so the identity may have been turned on by another write"
		return out
	}
	return Act{Gap: l.silence(id.Resource, time.Time{})}
}

// created reports whether a call says that it made something new.
func created(r *Record) bool { return strings.HasPrefix(strings.ToLower(r.Code), "created") }

// deployed tells who wrote a workload last, and by which deployment.
func (l *Log) deployed(w arm.ID) Act {
	var last *Record
	for _, r := range l.byResource[w.Key()] {
		op := strings.ToLower(r.Operation)
		if r.Done() && !r.is("write", typeAssignment) && (strings.HasSuffix(op, "/write") || strings.HasSuffix(op, "/action") && deploys(op)) {
			last = r
		}
	}
	deployment, named := l.deployment(w, last)
	switch {
	case deployment != nil && named:
		return act(deployment, "deployment "+deployment.Target.Name()+" wrote it", true)
	case last != nil:
		return act(last, last.Operation+" at "+last.Target.Name(), true)
	case deployment != nil:
		out := act(deployment, "deployment "+deployment.Target.Name()+" ran in its scope", false)
		out.Gap = "the log does not tell what that deployment wrote"
		return out
	}
	return Act{Gap: l.silence(w, time.Time{})}
}

// deploys reports whether an action brings content to a workload.
func deploys(op string) bool {
	return slices.ContainsFunc([]string{"/publish/action", "slotsswap/action", "/applyslotconfig/action", "/runcommand/action"}, func(end string) bool { return strings.HasSuffix(op, end) })
}

// deployment is the last deployment of a workload: the one whose request its last write was
// part of, or that names it; else, unnamed, the last one in its scope.
func (l *Log) deployment(w arm.ID, last *Record) (found *Record, named bool) {
	var here []*Record
	for scope := w.Parent(); !scope.IsZero(); scope = scope.Parent() {
		here = append(here, l.deployments[scope.Key()]...)
	}
	slices.SortStableFunc(here, func(a, b *Record) int { return a.At.Compare(b.At) })
	for _, r := range here {
		if !r.Done() {
			continue
		}
		names := slices.ContainsFunc(r.Outputs, func(id arm.ID) bool { return w.Contains(id) || id.Contains(w) && id.Level() == arm.LevelResource })
		if last != nil {
			names = names && !r.Ended.Before(last.At) || r.Correlation != "" && r.Correlation == last.Correlation
		}
		if names || !named {
			found, named = r, names || named
		}
	}
	if last != nil && !named {
		return nil, false
	}
	return found, named
}
