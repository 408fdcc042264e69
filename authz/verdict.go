// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"sort"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// verdict is what the facts make of one question on one plane.
type verdict struct {
	deny     abac.Truth
	denyFact int32

	sure      bool
	sureFact  int32
	sureLocal LocalKind

	maybe      Cause // the first reason for which a grant may or may not be there
	maybeFact  int32
	maybeLocal LocalKind

	eligible      int32
	eligibleLocal LocalKind

	// trace takes every weighing; nil: the first sure grant ends the search.
	trace *trace
}

// gather weighs the facts, in an order that depends on the snapshot alone.
func (v *verdict) gather(q *question) {
	v.denyFact, v.sureFact, v.maybeFact, v.eligible = -1, -1, -1, -1
	v.deny = abac.False
	if q.weight[classRBAC] != abac.False {
		v.weighDenies(q)
	}
	for i := -1; i < len(q.groups); i++ {
		for _, s := range q.subjects(i) {
			v.weighOwn(q, s)
			if v.done() {
				return
			}
		}
	}
	v.weighGaps(q)
	v.weighHigh(q)
	v.weighMemberships(q)
	v.weighElsewhere(q)
	v.weighPaths(q)
}

func (v *verdict) done() bool { return v.sure && v.trace == nil }

func (v *verdict) decision() Decision {
	switch {
	case v.sure:
		return Decision{Effect: Allowed, Cause: CauseGrant, Fact: int(v.sureFact), Local: v.sureLocal}
	case v.maybe != CauseNone:
		return Decision{Effect: Unknown, Cause: v.maybe, Fact: int(v.maybeFact), Local: v.maybeLocal}
	case v.deny == abac.True:
		return Decision{Effect: Denied, Cause: CauseDeny, Fact: int(v.denyFact)}
	case v.eligible >= 0:
		return Decision{Effect: Denied, Cause: CauseEligible, Fact: int(v.eligible), Local: v.eligibleLocal}
	default:
		return Decision{Effect: Denied, Cause: CauseNoGrant, Fact: -1}
	}
}

// mayHang notes that a grant may or may not be there. The first note is kept.
func (v *verdict) mayHang(why Cause, fact int32, local LocalKind) {
	if v.maybe == CauseNone {
		v.maybe, v.maybeFact, v.maybeLocal = why, fact, local
	}
}

// shortList is how many grants of one principal are looked through one by one.
const shortList = 64

// weighOwn weighs the grants of the caller or of one of its groups.
func (v *verdict) weighOwn(q *question, subject int32) {
	list := q.e.grants.of(subject)
	var buf [chainLength]arm.Node
	if len(list) > shortList && v.trace == nil {
		if chain := q.chain(&buf); chain != nil {
			v.weighChain(q, list, chain)
			return
		}
	}
	for i := range list {
		g := &list[i]
		if g.covers(q.node) {
			v.add(q, g)
			if v.done() {
				return
			}
		} else if v.trace != nil {
			v.trace.outOfScope(q, g)
		}
	}
}

// weighChain finds the grants at each scope of a chain in a list sorted by scope.
func (v *verdict) weighChain(q *question, list []grant, chain []arm.Node) {
	for _, n := range chain {
		i := sort.Search(len(list), func(i int) bool { return list[i].scope >= n })
		for ; i < len(list) && list[i].scope == n; i++ {
			v.add(q, &list[i])
			if v.done() {
				return
			}
		}
	}
}

// add weighs a grant of the caller's that covers the resource.
func (v *verdict) add(q *question, g *grant) {
	w := q.weigh(g, v.deny)
	if v.trace != nil {
		v.trace.weighed(q, g, &w)
	}
	switch {
	case w.eligible:
		if w.truth != abac.False && v.eligible < 0 {
			v.eligible, v.eligibleLocal = g.fact, g.local()
		}
	case w.truth == abac.True:
		if !v.sure {
			v.sure, v.sureFact, v.sureLocal = true, g.fact, g.local()
		}
	case w.truth == abac.Unknown:
		v.mayHang(w.why, g.fact, g.local())
	}
}

func (g *grant) local() LocalKind {
	switch g.class() {
	case classPolicy:
		return LocalPolicy
	case classLocal:
		return LocalGrant
	case classDelegated:
		return LocalDelegation
	default:
		return NotLocal
	}
}

// weighing is what one grant gives for one question.
type weighing struct {
	truth    abac.Truth
	why      Cause // the first thing that makes it unknown
	eligible bool
}

func (w *weighing) and(t abac.Truth, why Cause) {
	if t == abac.Unknown && w.truth == abac.True {
		w.why = why
	}
	w.truth = w.truth.And(t)
}

// weigh says whether the grant, at whose scope the resource lies, gives the operation.
func (q *question) weigh(g *grant, deny abac.Truth) weighing {
	w := weighing{truth: abac.True}
	switch q.row.code(g.roleNumber(), q.plane) {
	case codeNo:
		return weighing{truth: abac.False}
	case codeGrants:
	case codeHangs, codeNotKnown:
		t, why := q.e.roles[g.roleNumber()].permits(q)
		w.and(t, why)
	}
	if g.slow() {
		q.weighRider(g, &w)
	}
	w.and(q.weight[g.class()], q.modelCause())
	switch g.class() {
	case classRBAC, classDelegated:
		w.and(deny.Not(), CauseDenyUnknown)
	case classLocal:
		w.and(abac.TruthOf(q.e.snap.LocalGrants[g.fact].System == q.row.system), CauseNone)
	default:
	}
	return w
}

// modelCause says which sort of setting decides whether grants count.
func (q *question) modelCause() Cause {
	if q.row.vault {
		return CauseVaultModel
	}
	return CauseModel
}

func (q *question) weighRider(g *grant, w *weighing) {
	r := q.e.grants.rider(g)
	w.eligible = r.eligible
	w.and(r.inTime(q.at), CauseTime)
	w.and(r.condition.eval(q), CauseCondition)
	if r.doubt != "" {
		w.and(abac.Unknown, r.doubtWhy)
	}
}

// permits unites the permission objects of a role, each with its own condition.
func (r *role) permits(q *question) (abac.Truth, Cause) {
	if r.def == nil {
		return abac.Unknown, CauseRole
	}
	total, why := abac.False, CauseNone
	for i := range r.perms {
		p := &r.perms[i]
		t := p.rules(q.plane).permits(q.row.op)
		reason := CauseRole
		if t == abac.True {
			t, reason = p.condition.eval(q), CauseCondition
		} else if t == abac.Unknown {
			t = t.And(p.condition.eval(q))
		}
		if t == abac.Unknown && why == CauseNone {
			why = reason
		}
		total = total.Or(t)
	}
	return total, why
}

// weighDenies finds out whether a deny assignment blocks the question.
func (v *verdict) weighDenies(q *question) {
	d := q.e.denies
	for n := d.near[q.node]; n >= 0; {
		for _, i := range d.at.of(int32(n)) {
			v.addDeny(q, &d.all[i], q.e.denyMatches(&d.all[i], q))
			if v.deny == abac.True && v.trace == nil {
				return
			}
		}
		if n == arm.RootNode {
			break
		}
		n = d.near[q.e.tree.Parent(n)]
	}
	v.weighUnseenDenies(q)
}

func (v *verdict) addDeny(q *question, d *deny, t abac.Truth) {
	if v.trace != nil {
		v.trace.denied(q, d, t)
	}
	if t == abac.True && v.deny != abac.True || t == abac.Unknown && v.deny == abac.False {
		v.deny, v.denyFact = t, d.fact
	}
}

// weighUnseenDenies takes deny assignments into account that may be there.
func (v *verdict) weighUnseenDenies(q *question) {
	gap := q.gap(&q.e.gaps.denies)
	if v.deny != abac.True && (gap >= 0 || q.place == placeUnknown) {
		v.deny = abac.Unknown
		v.traceGap(gap)
	}
	for _, i := range q.e.denies.high {
		d := &q.e.denies.all[i]
		if q.mayBeBelow(d.scope) && q.e.denyMatches(d, q) != abac.False {
			v.addDeny(q, d, abac.Unknown)
		}
	}
}

// weighGaps takes grants into account that were not read.
func (v *verdict) weighGaps(q *question) {
	roles := q.weight[classRBAC] != abac.False && v.deny != abac.True
	local := q.plane == mivet.PlaneData && q.row.local
	if roles {
		v.gap(q.gap(&q.e.gaps.grants))
	}
	if q.weight[classDelegated] != abac.False && v.deny != abac.True && q.mayBeForeign() {
		v.gap(q.gap(&q.e.gaps.delegations))
	}
	if local {
		v.gap(q.gap(&q.e.gaps.locals))
	}
	if q.place == placeUnknown && (roles || local) {
		v.mayHang(CauseGap, -1, NotLocal)
		v.traceNoPlace(q)
	}
	if q.weight[classPolicy] != abac.False {
		v.weighUnseenPolicies(q)
	}
}

// weighUnseenPolicies takes entries of a vault into account that were not read.
func (v *verdict) weighUnseenPolicies(q *question) {
	v.gap(q.gap(&q.e.gaps.policies))
	if !q.e.vaults.known(q) {
		v.mayHang(CauseVaultModel, -1, NotLocal)
		v.traceNote(noteNoVault)
	}
}

// gap notes a gap that covers the question, if there is one.
func (v *verdict) gap(number int32) {
	if number >= 0 {
		v.mayHang(CauseGap, -1, NotLocal)
		v.traceGap(number)
	}
}

// weighHigh takes grants at management groups into account that may be above the
// resource, if what is above it is not known.
func (v *verdict) weighHigh(q *question) {
	if q.place != placeNoParent {
		return
	}
	for _, i := range q.e.grants.high {
		g := &q.e.grants.all[i]
		in := q.isIn(q.e.grants.owner[i])
		if in == abac.False || !q.mayBeBelow(g.scope) {
			continue
		}
		if in == abac.Unknown {
			v.weighMembership(q, i)
			continue
		}
		if w := q.weigh(g, v.deny); w.truth != abac.False && !w.eligible {
			v.mayHang(CauseGap, g.fact, g.local())
			v.traceHigh(q, g)
		}
	}
}

func (q *question) isSubject(person int32) bool {
	for i := -1; i < len(q.groups); i++ {
		if slices.Contains(q.subjects(i), person) {
			return true
		}
	}
	return false
}

// weighMemberships takes grants of groups into account that the caller may be in.
func (v *verdict) weighMemberships(q *question) {
	if q.e.gaps.allMembers < 0 && len(q.e.gaps.members) == 0 {
		return
	}
	for n := q.node; ; n = q.e.tree.Parent(n) {
		for _, i := range q.e.grants.at.of(int32(n)) {
			v.weighMembership(q, i)
		}
		if n == arm.RootNode {
			return
		}
	}
}

func (v *verdict) weighMembership(q *question, i int32) {
	g, owner := &q.e.grants.all[i], q.e.grants.owner[i]
	gap := q.e.gaps.membership(q.e.people, q.who.number, owner)
	if gap < 0 || q.isSubject(owner) {
		return
	}
	if w := q.weigh(g, v.deny); w.truth != abac.False && !w.eligible {
		v.mayHang(CauseMembership, g.fact, g.local())
		v.traceMembership(q, g, gap)
	}
}
