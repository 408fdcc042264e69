// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// Outcome is what became of one fact for one question.
type Outcome uint8

// The outcomes, the strongest first.
const (
	Grants         Outcome = iota // it gives the operation
	Denies                        // a deny assignment takes it away
	MayGrant                      // it gives it, if what is not known holds
	MayDeny                       // a deny assignment may take it away
	Eligible                      // it would give it once activated
	OutOfTime                     // it would give it at another time
	ConditionFails                // its condition, or the one inside the role, does not hold
	Blocked                       // it gives it, and a deny assignment takes it away
	ModelIgnores                  // the permission model of the vault, or a setting of the resource, ignores it
	Subtracted                    // the role grants it and subtracts it in the same permission object
	OtherOperation                // the role says nothing of the operation
	OtherScope                    // the resource is not at or below its scope
	NotDenied                     // a deny assignment at the scope does not match
	numberOfOutcomes
)

var outcomeNames = [numberOfOutcomes]string{
	"grants", "denies", "may grant", "may deny", "eligible", "out of time", "condition fails", "blocked",
	"ignored by the resource's model", "subtracted", "other operation", "other scope", "does not deny",
}

// String returns the outcome in words.
func (o Outcome) String() string {
	if o < numberOfOutcomes {
		return outcomeNames[o]
	}
	return "invalid"
}

// MarshalText returns the outcome in words.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Reason is one fact and what became of it.
type Reason struct {
	Outcome Outcome
	// One of these is set: the fact.
	Assignment *mivet.RoleAssignment
	Deny       *mivet.DenyAssignment
	Policy     *mivet.AccessPolicy
	Local      *mivet.LocalAssignment
	PathACL    *mivet.PathACL
	Delegation *mivet.Delegation
	// Delegated is the grant of the delegation.
	Delegated *mivet.DelegatedGrant
	// Role is the assignment's role; nil where its definition is not known.
	Role     *mivet.RoleDefinition
	RoleName string
	Scope    arm.ID
	// Via leads from the principal over its groups to the one that holds the grant; it has
	// one entry for a grant of the principal's own.
	Via []mivet.PrincipalID
	// Pattern is the entry of the role that matches the operation, and Match how.
	Pattern string
	Match   arm.Match
	// NotPattern is the entry that subtracts it again.
	NotPattern string
	// Condition is the text that was evaluated, ConditionValue what it gave, and Residual
	// what is left of it where it is unknown.
	Condition      string
	ConditionValue abac.Truth
	Residual       string
	// Undecided is what would decide the condition.
	Undecided []abac.Need
	// Note adds what the other fields do not tell, such as a fault in the fact.
	Note   string
	Source mivet.Source
}

// Missing is something that is not known and that the answer hangs on.
type Missing struct {
	// What says what is not known.
	What string
	// Fix says what would decide it: a permission, a value to give.
	Fix string
	// Gap is the gap, if it is one: the snapshot's, or one that a fact leaves that does not
	// say whom it names.
	Gap *mivet.Gap
}

// Explanation is an answer with everything that was weighed for it.
type Explanation struct {
	Decision
	// Plane is the plane that was asked; unknown where both were.
	Plane mivet.Plane
	// Reasons are all facts of the principal and its groups, and the deny assignments at
	// the resource, the deciding ones first.
	Reasons []Reason
	// Missing is what the answer hangs on, where it is unknown, and what was not seen
	// otherwise.
	Missing []Missing
	// Bypasses are ways to the same data, where the answer for data is not allowed.
	Bypasses []Bypass
	// Notes say what else may refuse or permit the request: no part of the answer.
	Notes []Note
}

// trace collects reasons while facts are weighed.
type trace struct {
	q       *question
	reasons []Reason
	missing []Missing
	seen    map[Missing]bool
}

const (
	noteNoSubscription = "no fact of the snapshot speaks of the resource's subscription"
	noteNoResource     = "the question names no resource"
	noteHigh           = "whether the resource is below this management group was not read"
	noteNoVault        = "the vault is not in the snapshot, so its permission model and its access policies are not known"
)

func (v *verdict) traceNote(what string) {
	if v.trace != nil {
		v.trace.miss(Missing{What: what, Fix: "take a snapshot that includes it"})
	}
}

func (v *verdict) traceNoPlace(q *question) {
	if q.resource.IsZero() {
		v.traceNote(noteNoResource)
	} else {
		v.traceNote(noteNoSubscription)
	}
}

func (v *verdict) traceGap(number int32) {
	if v.trace != nil {
		v.trace.gap(number)
	}
}

func (v *verdict) traceHigh(q *question, g *grant) {
	if v.trace != nil {
		r := v.trace.reason(q, g)
		r.Outcome = MayGrant
		r.Note = noteHigh
		v.trace.reasons = append(v.trace.reasons, r)
		v.trace.gap(q.e.placeGap(q.node))
	}
}

func (v *verdict) traceMembership(q *question, g *grant, gap int32) {
	if v.trace != nil {
		r := v.trace.reason(q, g)
		r.Outcome = MayGrant
		r.Note = "whether the principal is a member was not read"
		v.trace.reasons = append(v.trace.reasons, r)
		v.trace.gap(gap)
	}
}

func (t *trace) gap(number int32) {
	if number < 0 {
		return
	}
	g := &t.q.e.gaps.list[number]
	m := Missing{What: string(g.Facts) + " were not read: " + g.Reason, Gap: g}
	if g.Permission != "" {
		m.Fix = "read them with " + g.Permission
	}
	t.miss(m)
}

func (t *trace) miss(m Missing) {
	if t.seen[m] {
		return
	}
	if t.seen == nil {
		t.seen = map[Missing]bool{}
	}
	t.seen[m] = true
	t.missing = append(t.missing, m)
}

// reason starts a reason from a grant.
func (t *trace) reason(q *question, g *grant) Reason {
	e := q.e
	ro := &e.roles[g.roleNumber()]
	r := Reason{Role: ro.def, RoleName: ro.label()}
	var owner mivet.PrincipalID
	switch g.class() {
	case classPolicy:
		r.Policy = &e.snap.AccessPolicies[g.fact]
		owner, r.Scope, r.Source = r.Policy.Principal, r.Policy.Vault, r.Policy.Source
	case classLocal:
		r.Local = &e.snap.LocalGrants[g.fact]
		owner, r.Source = r.Local.Principal, r.Local.Source
		r.Scope, _ = localScope(r.Local)
	case classDelegated:
		r.Delegation, r.Delegated = e.Delegated(int(g.fact))
		owner, r.Scope, r.Source, r.Note = r.Delegated.Principal, r.Delegation.Scope, r.Delegation.Source, delegatedLimit(ro.def)
	default:
		r.Assignment = &e.snap.RoleAssignments[g.fact]
		owner, r.Scope, r.Source = r.Assignment.Principal, r.Assignment.Scope, r.Assignment.Source
	}
	r.Via = t.via(q, owner)
	return r
}

// via finds the chain of groups from the caller, or from a group of the request.
func (t *trace) via(q *question, owner mivet.PrincipalID) []mivet.PrincipalID {
	p := q.e.people
	to := p.find(owner)
	if q.who.number != noPerson {
		if chain := p.via(q.who.number, to); chain != nil {
			return p.names(chain)
		}
	}
	for _, g := range q.groups {
		if n := p.find(g); n != noPerson {
			if chain := p.via(n, to); chain != nil {
				return append([]mivet.PrincipalID{t.q.caller}, p.names(chain)...)
			}
		}
	}
	return []mivet.PrincipalID{owner}
}

func (t *trace) outOfScope(q *question, g *grant) {
	r := t.reason(q, g)
	r.Outcome = OtherScope
	t.reasons = append(t.reasons, r)
}

// weighed records what became of a grant whose scope covers the resource.
func (t *trace) weighed(q *question, g *grant, w *weighing) {
	r := t.reason(q, g)
	best := t.explainRole(q, &q.e.roles[g.roleNumber()], &r)
	t.explainConditions(q, g, best.condition, &r)
	switch {
	case best.outcome != Grants && best.outcome != MayGrant:
		r.Outcome = best.outcome
	case w.truth != abac.False && w.eligible:
		r.Outcome = Eligible
	case w.truth == abac.True:
		r.Outcome = Grants
	case w.truth == abac.Unknown:
		r.Outcome = MayGrant
		t.explainUnknown(w, &r)
	default:
		r.Outcome = whyNot(q, g)
	}
	if r.Outcome == ModelIgnores && q.row.model != nil {
		r.Note = q.row.model.ignores
	}
	t.reasons = append(t.reasons, r)
}

// whyNot names the step at which a grant whose role gives the operation fell out.
func whyNot(q *question, g *grant) Outcome {
	switch {
	case g.class() == classLocal:
		return OtherOperation // of another system, or none
	case q.weight[g.class()] == abac.False:
		return ModelIgnores
	case g.slow() && q.e.grants.rider(g).inTime(q.at) == abac.False:
		return OutOfTime
	case g.slow() && q.e.grants.rider(g).condition.eval(q) == abac.False:
		return ConditionFails
	default:
		return Blocked
	}
}

// offer is what one permission object makes of the operation.
type offer struct {
	outcome             Outcome // Grants, MayGrant, ConditionFails, Subtracted or OtherOperation
	pattern, notPattern string
	match               arm.Match
	condition           *condition
	fault               error
}

func (p *permission) offer(q *question) offer {
	rules := p.rules(q.plane)
	o := offer{condition: p.condition}
	o.pattern, o.match = firstMatch(rules.grant, q.row.op)
	if o.match != arm.NoMatch {
		o.notPattern, _ = firstMatch(rules.subtract, q.row.op)
	}
	truth := rules.permits(q.row.op)
	condition := p.condition.eval(q)
	switch {
	case truth == abac.False && o.notPattern != "":
		o.outcome = Subtracted
	case truth == abac.False:
		o.outcome = OtherOperation
	case condition == abac.False:
		o.outcome = ConditionFails
	case truth == abac.Unknown:
		o.outcome, o.fault = MayGrant, rules.fault()
	case condition == abac.Unknown:
		o.outcome = MayGrant
	default:
		o.outcome = Grants
	}
	return o
}

// explainRole fills in what the role's strongest permission object says.
func (t *trace) explainRole(q *question, ro *role, r *Reason) offer {
	if ro.def == nil {
		r.Note = "the definition of " + ro.label() + " is not known"
		return offer{outcome: MayGrant}
	}
	best := bestOffer(q, ro.perms)
	r.Pattern, r.Match, r.NotPattern = best.pattern, best.match, best.notPattern
	if best.fault != nil {
		r.Note = best.fault.Error()
	}
	return best
}

func bestOffer(q *question, perms []permission) offer {
	best := offer{outcome: OtherOperation}
	for i := range perms {
		if o := perms[i].offer(q); o.outcome < best.outcome {
			best = o
		}
	}
	return best
}

// firstMatch returns the first pattern that matches by name, else by wildcard, else by
// the rule of zero segments.
func firstMatch(patterns []arm.Pattern, op arm.Operation) (string, arm.Match) {
	text, best := "", arm.NoMatch
	for i := range patterns {
		m := patterns[i].Match(op)
		if m != arm.NoMatch && (best == arm.NoMatch || m < best) {
			text, best = patterns[i].String(), m
		}
	}
	return text, best
}

// explainConditions fills in the conditions of a grant: the one inside its role, and its
// own.
func (t *trace) explainConditions(q *question, g *grant, inside *condition, r *Reason) {
	conditions := []*condition{inside}
	if g.slow() {
		rd := q.e.grants.rider(g)
		conditions = append(conditions, rd.condition)
		if rd.doubt != "" {
			r.Note = rd.doubt
		}
	}
	explainConditions(q, conditions, r)
}

// explainConditions shows the condition that counts most: one that fails, else one that
// is unknown, else the last. What is undecided in any is collected unless one fails.
func explainConditions(q *question, conditions []*condition, r *Reason) {
	for _, c := range conditions {
		if c == nil {
			continue
		}
		value := c.eval(q)
		if r.Condition == "" || value == abac.False || value == abac.Unknown && r.ConditionValue == abac.True ||
			value == abac.True && r.ConditionValue == abac.True {
			r.Condition, r.ConditionValue, r.Residual = c.text, value, ""
		}
		if value == abac.Unknown && c.fault != nil {
			r.Note = c.fault.Error()
		}
		if value == abac.False {
			r.Undecided = nil
			return
		}
		if value == abac.Unknown && c.fault == nil {
			s := borrow(q)
			residual := c.compiled.Residual(&s.Env)
			s.giveBack()
			if r.Residual == "" {
				r.Residual = residual.String()
			}
			r.Undecided = append(r.Undecided, residual.Needs...)
		}
	}
}

// explainUnknown says what would decide a grant.
func (t *trace) explainUnknown(w *weighing, r *Reason) {
	switch w.why {
	case CauseRole:
		t.miss(Missing{What: r.Note, Fix: "read role definitions (Microsoft.Authorization/roleDefinitions/read)"})
	case CauseTime:
		t.miss(Missing{What: "the grant is bounded in time and the question has none", Fix: "give the time of the question"})
	case CauseVaultModel:
		t.miss(Missing{What: "the vault's permission model was not read (" + modelSetting + ")", Fix: "read the vault (Microsoft.KeyVault/vaults/read)"})
	case CauseModel:
		t.miss(t.q.row.model.missing())
	case CauseGap:
		t.miss(Missing{What: "what a grant gives is not known: " + r.Note})
	case CauseCondition:
		t.explainUndecided(r)
	default:
		// A deny assignment that may apply has said so itself.
	}
}

func (t *trace) explainUndecided(r *Reason) {
	if len(r.Undecided) == 0 {
		t.miss(Missing{What: "what the grant gives hangs on more than the question tells: " + r.Note})
		return
	}
	for _, n := range r.Undecided {
		t.miss(needed(n))
	}
}

// needed says in words what a condition lacks.
func needed(n abac.Need) Missing {
	switch n.Kind {
	case abac.NeedAttribute:
		return Missing{What: "a condition looks at " + n.Text, Fix: "give its value with the question"}
	case abac.NeedOperation, abac.NeedSubOperations:
		return Missing{What: "a condition looks at the suboperations of the request: " + n.Text, Fix: "give them with the question"}
	default:
		return Missing{What: "what a part of a condition means is not published: " + n.Text}
	}
}

// denied records a deny assignment at or above the resource.
func (t *trace) denied(q *question, d *deny, truth abac.Truth) {
	a := &q.e.snap.DenyAssignments[d.fact]
	r := Reason{Deny: a, Scope: a.Scope, Source: a.Source, Outcome: NotDenied}
	best := bestOffer(q, d.perms)
	r.Pattern, r.Match, r.NotPattern = best.pattern, best.match, best.notPattern
	explainConditions(q, []*condition{best.condition, d.condition}, &r)
	switch truth {
	case abac.True:
		r.Outcome = Denies
	case abac.Unknown:
		r.Outcome = MayDeny
		t.explainMayDeny(q, d, best.fault, &r)
	case abac.False:
		r.Note = whyNotDenied(q, d, best.outcome)
	}
	t.reasons = append(t.reasons, r)
}

// whyNotDenied says why a deny assignment at the scope does not match.
func whyNotDenied(q *question, d *deny, what Outcome) string {
	switch {
	case d.thisScopeOnly && (d.scope != q.node || !q.exact):
		return "it holds at its own scope only"
	case !d.everyone && q.e.isAmong(d.principals, q) == abac.False:
		return "it does not name the principal"
	case q.e.isAmong(d.excluded, q) == abac.True:
		return "it excludes the principal"
	case what == OtherOperation || what == Subtracted:
		return "it does not name the operation"
	default:
		return "its condition does not hold"
	}
}

// explainMayDeny says everything that would decide a deny assignment.
func (t *trace) explainMayDeny(q *question, d *deny, fault error, r *Reason) {
	notes := []string{d.doubt}
	if fault != nil {
		notes = append(notes, fault.Error())
	}
	if q.e.denyNames(d, q) == abac.Unknown {
		r.Note = "whether the principal is in a group that it names was not read"
		for _, list := range [][]int32{d.principals, d.excluded} {
			for _, n := range list {
				t.gap(q.e.gaps.membership(q.e.people, q.who.number, n))
			}
		}
	}
	if q.mayBeBelow(d.scope) {
		r.Note = noteHigh
		t.gap(q.e.placeGap(q.node))
	}
	if len(r.Undecided) > 0 {
		t.explainUndecided(r)
	} else if r.Condition != "" && r.ConditionValue == abac.Unknown {
		notes = append(notes, r.Note)
	}
	for _, n := range notes {
		if n != "" {
			r.Note = n
			t.miss(Missing{What: "whether a deny assignment blocks is not known: " + n})
		}
	}
}
