// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

const questionsPerTenant = 12

// Every way to ask agrees with every other, and all with the reference.
func TestAgreement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		s := g.tenant()
		e := New(s, Options{})
		for range questionsPerTenant {
			r, given := g.request()
			d := e.Check(r)
			want, ok := reference(s, &r, given)
			if ok && d.Effect != want {
				t.Fatalf("Check says %s because of %s, the reference %s", d.Effect, d.Cause, want)
			}
			explains(t, e, &r, d)
			agreesByRef(t, e, &r, d)
		}
	})
}

// The same without the reference, in tenants with access lists of paths.
func TestAgreementBesideRoles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		g.paths = true
		e := New(g.tenant(), Options{})
		for range questionsPerTenant {
			r, _ := g.request()
			d := e.Check(r)
			explains(t, e, &r, d)
			agreesByRef(t, e, &r, d)
		}
	})
}

func agreesByRef(t *rapid.T, e *Engine, r *Request, d Decision) {
	if len(r.Groups) > 0 || r.Given != nil {
		return
	}
	ref := e.Resource(r.Resource)
	person := e.Principal(r.Principal)
	if got := e.CheckRef(person, e.Operation(r.Operation), &ref, r.Plane, r.At); got != d {
		t.Fatalf("CheckRef says %+v, Check %+v", got, d)
	}
}

// explains compares an explanation with the decision, and asks that it holds what decided.
func explains(t *rapid.T, e *Engine, r *Request, d Decision) {
	x := e.Explain(*r)
	if x.Decision != d {
		t.Fatalf("Explain says %+v, Check %+v", x.Decision, d)
	}
	has := func(ok func(*Reason) bool) bool {
		for i := range x.Reasons {
			if ok(&x.Reasons[i]) {
				return true
			}
		}
		return false
	}
	switch d.Cause {
	case CauseGrant:
		if !has(func(reason *Reason) bool { return decides(e, reason, d) && reason.Outcome <= MayGrant }) {
			t.Fatalf("no reason is the grant %+v: %+v", d, x.Reasons)
		}
	case CauseDeny:
		if !has(func(reason *Reason) bool {
			return reason.Outcome == Denies && reason.Deny == &e.snap.DenyAssignments[d.Fact]
		}) {
			t.Fatalf("no reason is the deny %+v: %+v", d, x.Reasons)
		}
	case CauseEligible:
		if !has(func(reason *Reason) bool { return decides(e, reason, d) && reason.Outcome == Eligible }) {
			t.Fatalf("no reason is the eligible grant %+v: %+v", d, x.Reasons)
		}
	case CauseNoGrant:
		if has(func(reason *Reason) bool { return reason.Outcome == Grants || reason.Outcome == Denies }) {
			t.Fatalf("nothing decides, and yet: %+v", x.Reasons)
		}
	default:
	}
	if d.Effect == Unknown && len(x.Missing) == 0 {
		t.Fatalf("unknown because of %s, and nothing is missing: %+v", d.Cause, x.Reasons)
	}
	for _, m := range x.Missing {
		if m.What == "" {
			t.Fatalf("something is missing without a name: %+v", x.Missing)
		}
	}
}

// decides reports whether a reason is about the fact of a decision.
func decides(e *Engine, r *Reason, d Decision) bool {
	switch d.Local {
	case LocalPolicy:
		return r.Policy == &e.snap.AccessPolicies[d.Fact]
	case LocalPathACL:
		return r.PathACL == &e.snap.PathACLs[d.Fact]
	case LocalDelegation:
		_, g := e.Delegated(d.Fact)
		return r.Delegated == g
	case LocalGrant:
		return r.Local == &e.snap.LocalGrants[d.Fact]
	default:
		return r.Assignment == &e.snap.RoleAssignments[d.Fact]
	}
}

// WhoCan names everyone who can or may; whoever it does not name is denied, or has the
// answer of AnyoneElse.
func TestWhoCanAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		g.paths = rapid.Bool().Draw(t, "paths")
		s := g.tenant()
		e := New(s, Options{})
		for range questionsPerTenant {
			r, _ := g.request()
			w := WhoCanQuery{Operation: r.Operation, Plane: r.Plane, Resource: r.Resource, Given: r.Given, At: r.At}
			named := map[mivet.PrincipalID]Decision{}
			last := mivet.PrincipalID("")
			for h := range e.WhoCan(w) {
				if h.Principal <= last {
					t.Fatalf("%q after %q", h.Principal, last)
				}
				last, named[h.Principal] = h.Principal, h.Decision
			}
			others := e.AnyoneElse(w)
			for _, p := range append([]mivet.PrincipalID{"stranger", "foreigner", "99999999-9999-9999-9999-999999999999"}, genPeople...) {
				r.Principal, r.Groups = p, nil
				d := e.Check(r)
				got, isNamed := named[p]
				switch {
				case isNamed && got != d:
					t.Fatalf("%s: WhoCan says %+v, Check %+v", p, got, d)
				case !isNamed && d.Effect != Denied && d.Effect != others.Effect, !isNamed && d.Effect == Allowed && e.people.find(p) != noPerson:
					t.Fatalf("WhoCan does not name %s: %+v", p, d)
				}
			}
			for range e.WhoCan(w) {
				break
			}
		}
	})
}

// Matrix answers as Check does.
func TestMatrixAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t, shape: shape{
			gaps: rapid.Bool().Draw(t, "gaps"), denies: rapid.Bool().Draw(t, "denies"),
			conditions: rapid.Bool().Draw(t, "conditions"), faults: rapid.Bool().Draw(t, "faults"), paths: rapid.Bool().Draw(t, "paths"),
		}}
		e := New(g.tenant(), Options{})
		resources := make([]arm.ID, len(genResources))
		for i, j := range rapid.Permutation(genResources).Draw(t, "resources") {
			resources[i] = id(j)
		}
		resources = append(resources[rapid.IntRange(0, len(resources)).Draw(t, "cut"):], id(sub), id(sub))
		people := append([]mivet.PrincipalID{"stranger"}, genPeople...)
		r, _ := g.request()
		w := WhoCanQuery{Operation: r.Operation, Plane: r.Plane, Given: r.Given, At: r.At}
		m := e.Matrix(people, w, resources)
		for i, p := range people {
			for j := range resources {
				r.Principal, r.Groups, r.Resource = p, nil, resources[j]
				if d := e.Check(r); d.Effect != m.Effects[i][j] {
					t.Fatalf("%s at %s: Matrix says %s, Check %s", p, resources[j], m.Effects[i][j], d.Effect)
				}
			}
		}
	})
}

// In a tenant without denies, conditions and gaps the rights of a principal are all there
// is to know of what it can do under role assignments.
func TestWhatCanAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &gen{t: t}
		s := g.tenant()
		e := New(s, Options{})
		for range questionsPerTenant {
			r, _ := g.request()
			r.Operation = op(pick(g, []string{readAccount, writeRole, readBlob}, "operation under roles"))
			r.Plane = pick(g, []mivet.Plane{mivet.PlaneControl, mivet.PlaneData}, "plane")
			want := Denied
			for right := range e.WhatCan(WhatCanQuery{Principal: r.Principal, Groups: r.Groups, At: r.At}) {
				if isAtOrBelow(s, lower(r.Resource.String()), lower(right.Scope.String())) && right.Gives(r.Operation, r.Plane) == Allowed {
					want = Allowed
				}
			}
			d := e.Check(r)
			if d.Effect == Unknown {
				continue // in a place of which nothing is known
			}
			if d.Effect != want {
				t.Fatalf("WhatCan says %s, Check %+v", want, d)
			}
		}
	})
}

// Questions at the edges of a window: it begins with its start and ends before its end.
func TestWindows(t *testing.T) {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	end := start.Add(time.Hour)
	f := func(start, end, at time.Time, effect Effect, cause Cause) {
		t.Helper()
		s := small(func(s *mivet.Snapshot) {
			a := grantOf("p", "reader", sub)
			a.Start, a.End = start, end
			s.RoleAssignments = []mivet.RoleAssignment{a}
			s.TakenAt = time.Time{}
		})
		r := ask("p", readAccount, account)
		r.At = at
		wants(t, s, r, effect, cause)
	}
	var never time.Time
	f(start, end, start.Add(-1), Denied, CauseNoGrant)
	f(start, end, start, Allowed, CauseGrant)
	f(start, end, end.Add(-1), Allowed, CauseGrant)
	f(start, end, end, Denied, CauseNoGrant)
	f(start, never, end, Allowed, CauseGrant)
	f(never, end, start, Allowed, CauseGrant)
	f(never, end, end, Denied, CauseNoGrant)
	f(start, never, never, Unknown, CauseTime)
	f(never, never, never, Allowed, CauseGrant)
}
