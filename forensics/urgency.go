// SPDX-License-Identifier: Apache-2.0

package forensics

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/minimize"
	"github.com/mivet/mivet/provenance"
)

// UrgencyQuery asks for grants that were made in a hurry.
type UrgencyQuery struct {
	Snapshot *mivet.Snapshot
	Log      *provenance.Log
	// Refusals holds what was refused, of all principals.
	Refusals *Trace
	Measure  *Measure
	// Now is the time up to which a grant was not taken back: when the snapshot was taken.
	Now time.Time
	// Within is how long before the grant refusals count; 0: a day. Least is how many there
	// must be; 0: three. Grace is how soon a grant that is taken back was none; 0: an hour.
	Within, Grace time.Duration
	Least         int64
}

// The defaults of a query.
const (
	defaultWithin = 24 * time.Hour
	defaultGrace  = time.Hour
	defaultLeast  = 3
)

// Refusal is one right at one scope that was refused.
type Refusal struct {
	Operation string      `json:"operation"`
	Action    string      `json:"action,omitzero"`
	Plane     mivet.Plane `json:"plane"`
	Scope     arm.ID      `json:"scope"`
	Count     int64       `json:"count"`
	First     time.Time   `json:"first"`
	Last      time.Time   `json:"last"`
	// Source is the first entry, LastSource the last.
	Source     mivet.Source `json:"source"`
	LastSource mivet.Source `json:"lastSource"`

	needs []minimize.Need
}

// SmallGrant is one grant that would have been enough.
type SmallGrant struct {
	Role     mivet.RoleID `json:"role"`
	RoleName string       `json:"roleName"`
	Scope    arm.ID       `json:"scope"`
}

// Urgent is a broad grant behind a burst of refusals.
type Urgent struct {
	Principal mivet.PrincipalID `json:"principal"`
	// Via is the group that got the grant; empty where the principal did.
	Via     mivet.PrincipalID    `json:"via,omitzero"`
	Grant   mivet.RoleAssignment `json:"grant"`
	Made    provenance.Act       `json:"made"`
	Refused []Refusal            `json:"refused"`
	// Count is the number of refusals, First and Last the times of the first and the last.
	Count int64     `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`

	// Broad says why the grant is called broad, a clause.
	Broad string `json:"broad"`
	// Helps says whether the grant gives what was refused: allowed, denied for none of it,
	// unknown for a part of it or where it is not known.
	Helps authz.Effect `json:"helps"`
	// Smallest is the least that would have given what was refused; Why says why there is none.
	Smallest []SmallGrant `json:"smallest,omitzero"`
	Why      string       `json:"why,omitzero"`
	// Risk weighs what was granted, SmallestRisk what would have been enough; Proven says that
	// no smaller grant exists.
	Risk         int64 `json:"risk,omitzero"`
	SmallestRisk int64 `json:"smallestRisk,omitzero"`
	Proven       bool  `json:"proven,omitzero"`
	// Covered says that other grants of today give all that was refused.
	Covered bool `json:"covered,omitzero"`
	// Then are grants made soon after that give what was refused, and less.
	Then []provenance.Tenure `json:"then,omitzero"`

	// Tenure says how long it was there. Lasted is until it was removed, or until now.
	Tenure  provenance.Tenure   `json:"tenure"`
	Lasted  time.Duration       `json:"-"`
	Promise *provenance.Promise `json:"promise,omitzero"`
}

// Reduced reports whether the grant was taken back.
func (u *Urgent) Reduced() bool { return !u.Tenure.Lasts }

// UrgencyReport is the answer to an [UrgencyQuery].
type UrgencyReport struct {
	Urgent []Urgent `json:"urgent"`
	// Unplaced are grants of which it is not known when they were made: whether refusals came
	// before them cannot be said.
	Unplaced int `json:"unplaced,omitzero"`
	// Refusals and Principals are how much was refused, and to how many.
	Refusals   int64 `json:"refusals"`
	Principals int   `json:"principals"`
}

// urgency is one run.
type urgency struct {
	*UrgencyQuery
	history *provenance.History
	refused map[mivet.PrincipalID][]Doing
	members map[mivet.PrincipalID][]mivet.PrincipalID // who was refused something, by its groups
}

// Urgency finds grants that look made in a hurry: refusals of one principal, then a grant to
// it that holds where it was refused, and that is far more than was refused.
func Urgency(q *UrgencyQuery) *UrgencyReport {
	u := urgency{UrgencyQuery: q, history: q.Log.History(q.Now), refused: map[mivet.PrincipalID][]Doing{}}
	q.Within, q.Grace, q.Least = cmp.Or(q.Within, defaultWithin), cmp.Or(q.Grace, defaultGrace), cmp.Or(q.Least, defaultLeast)
	q.Measure.load(q.Snapshot)
	out := UrgencyReport{Urgent: []Urgent{}}
	for d := range q.Refusals.All() {
		if d.Outcome == logs.Refused {
			u.refused[d.Principal] = append(u.refused[d.Principal], d)
			out.Refusals += d.Count
		}
	}
	out.Principals = len(u.refused)
	u.members = map[mivet.PrincipalID][]mivet.PrincipalID{}
	for _, who := range slices.Sorted(maps.Keys(u.refused)) {
		for _, g := range q.Log.Groups(who) {
			u.members[g] = append(u.members[g], who)
		}
	}
	for i := range u.history.Tenures {
		nameRole(q.Measure.Catalog, q.Snapshot, &u.history.Tenures[i].Grant)
	}
	for i := range u.history.Tenures {
		t := &u.history.Tenures[i]
		if t.Unknown() {
			continue
		}
		if !t.From.Exact() && t.Made == nil {
			out.Unplaced++
			continue
		}
		for _, made := range beginnings(t) {
			for _, who := range append([]mivet.PrincipalID{t.Grant.Principal}, u.members[t.Grant.Principal]...) {
				if x := u.look(who, made); x != nil {
					out.Urgent = append(out.Urgent, *x)
				}
			}
		}
	}
	slices.SortStableFunc(out.Urgent, func(a, b Urgent) int { return a.Tenure.From.Latest.Compare(b.Tenure.From.Latest) })
	return &out
}

// beginnings are the times at which a grant may have been made: its own; and where that is
// told by the snapshot alone, each call in the log that says that it made it.
func beginnings(t *provenance.Tenure) []*provenance.Tenure {
	out := []*provenance.Tenure{t}
	if t.Made != nil {
		return out
	}
	for _, r := range t.Again {
		if strings.Contains(strings.ToLower(r.Code), "created") {
			again := *t
			again.From, again.Made = provenance.Bounds{Earliest: r.Ended, Latest: r.Ended}, r
			again.Gap = "the log says that it was made then, the input that it was made at " + stamp(t.From.Latest)
			out = append(out, &again)
		}
	}
	return out
}

// look asks whether a grant came in a hurry for one principal.
func (u *urgency) look(who mivet.PrincipalID, t *provenance.Tenure) *Urgent {
	made := t.From.Latest
	x := Urgent{Principal: who, Grant: t.Grant, Tenure: *t, Promise: provenance.PromiseOf(&t.Grant)}
	if who != t.Grant.Principal {
		x.Via = t.Grant.Principal
	}
	if x.Refused = u.before(who, t.Grant.Scope, made); len(x.Refused) == 0 {
		return nil
	}
	for i := range x.Refused {
		r := &x.Refused[i]
		x.Count += r.Count
		if x.First.IsZero() || r.First.Before(x.First) {
			x.First = r.First
		}
		if r.Last.After(x.Last) {
			x.Last = r.Last
		}
	}
	if x.Count < u.Least {
		return nil
	}
	x.Lasted = u.Now.Sub(made)
	if !t.Lasts {
		x.Lasted = t.To.Latest.Sub(made)
		if x.Lasted <= u.Grace {
			return nil
		}
	}
	if !u.weigh(&x) {
		return nil
	}
	x.Made = u.maker(t)
	x.Then = u.then(&x, made)
	x.Covered = u.covered(&x)
	return &x
}

// before gathers what was refused to a principal, within the time before a grant and where
// the grant holds.
func (u *urgency) before(who mivet.PrincipalID, scope arm.ID, made time.Time) []Refusal {
	var out []Refusal
	at := map[string]int{}
	all := u.refused[who] // in order of time
	begin, _ := slices.BinarySearchFunc(all, made.Add(-u.Within), func(d Doing, t time.Time) int { return d.At.Compare(t) })
	for _, d := range all[begin:] {
		if !d.At.Before(made) {
			break
		}
		where, err := arm.ParseID(d.Scope)
		if err != nil || !u.Measure.holds(scope, where) {
			continue
		}
		key := d.Operation + "\x00" + strings.ToLower(d.Action) + "\x00" + d.Scope
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Refusal{
				Operation: d.Operation, Action: d.Action, Plane: d.Plane, Scope: u.Log.Spelled(where), First: d.At, Source: d.Source, needs: needsOf(&d, u.Log.Spelled),
			})
		}
		out[i].Count += d.Count
		out[i].Last, out[i].LastSource = d.At, d.Source
	}
	slices.SortStableFunc(out, func(a, b Refusal) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// farMore is how much riskier a role must be than the smallest one, at the same place, to be
// called broad. Here an operation weighs what its name tells ([minimize.Weight]): what it
// may lead to weighs the same in both and would hide the difference.
const farMore = 10

// weigh compares the grant with the smallest one. It returns false where the grant is not
// broad.
func (u *urgency) weigh(x *Urgent) bool {
	var needs []minimize.Need
	lowest := arm.LevelNone
	for i := range x.Refused {
		for _, n := range x.Refused[i].needs {
			if !slices.ContainsFunc(needs, func(o minimize.Need) bool {
				return o.Operation.Equal(n.Operation) && o.Plane == n.Plane && o.Scope.Equal(n.Scope)
			}) {
				needs = append(needs, n)
			}
		}
		if l := x.Refused[i].Scope.Level(); lowest == arm.LevelNone || l < lowest {
			lowest = l // the widest place of what was refused
		}
	}
	def := u.Measure.definition(&x.Grant)
	p, why := u.Measure.smallest(needs)
	x.Why = why
	x.Helps = u.helps(&x.Grant, needs)
	if p != nil {
		for _, g := range p.Grants {
			x.Smallest = append(x.Smallest, SmallGrant{g.Role.ID, g.Role.Name, g.Scope})
		}
		x.SmallestRisk, x.Proven = p.Risk, p.Proven
	}
	if p != nil && def != nil {
		if slices.ContainsFunc(p.Grants, func(g minimize.Grant) bool { return g.Role.ID == def.ID && g.Scope.Equal(x.Grant.Scope) }) {
			return false // it is the smallest one, or a part of it
		}
		x.Risk = risk(u.Measure.problem(needs), def, x.Grant.Scope)
	}
	x.Broad = u.broad(x, p, def, needs, lowest)
	return x.Broad != ""
}

// broad says why a grant is far more than was refused, or nothing.
func (u *urgency) broad(x *Urgent, p *minimize.Proposal, def *mivet.RoleDefinition, needs []minimize.Need, lowest arm.Level) string {
	if level := x.Grant.Scope.Level(); level < lowest && level <= arm.LevelResourceGroup {
		return fmt.Sprintf("it holds in the whole %s, and what was refused lies in %s", level, places(x.Refused))
	}
	if p == nil || def == nil {
		return ""
	}
	if givesRoles(def) && !slices.ContainsFunc(needs, func(n minimize.Need) bool { return n.Operation.Key() == roleWrite }) {
		return "with it whoever holds it gives itself and others any role there"
	}
	// The role itself, at the places of the smallest grants.
	plain := u.Measure.plain(needs)
	here := make([]arm.ID, 0, len(p.Grants))
	var enough int64
	for _, g := range p.Grants {
		here = append(here, g.Scope)
		enough += risk(plain, g.Role, g.Scope)
	}
	if r := risk(plain, def, here...); r >= farMore*max(1, enough) {
		return fmt.Sprintf("its role carries %d times the risk of the smallest one at the same place", r/max(1, enough))
	}
	return ""
}

// roleWrite gives roles to others.
const roleWrite arm.Key = "microsoft.authorization/roleassignments/write"

// givesRoles reports whether a role gives roles to others.
func givesRoles(def *mivet.RoleDefinition) bool {
	op, err := arm.ParseOperation(string(roleWrite))
	return err == nil && authz.CompileRole(def).Gives(op, mivet.PlaneControl) == authz.Allowed
}

// places names where refusals lie.
func places(list []Refusal) string {
	first := list[0].Scope
	for i := range list {
		if !list[i].Scope.Equal(first) {
			return fmt.Sprintf("%d places", len(list))
		}
	}
	return first.Name()
}

// helps asks the engine whether the grant alone gives what was refused.
func (u *urgency) helps(a *mivet.RoleAssignment, needs []minimize.Need) authz.Effect {
	if len(needs) == 0 {
		return authz.Unknown
	}
	s := *u.Snapshot
	alone := *a
	alone.Start, alone.End = time.Time{}, time.Time{}
	s.RoleAssignments, s.AccessPolicies, s.LocalGrants, s.PathACLs, s.Delegations = []mivet.RoleAssignment{alone}, nil, nil, nil, nil
	e := authz.New(&s, authz.Options{Catalog: u.Measure.Catalog, At: u.Now})
	count := map[authz.Effect]int{}
	for i := range needs {
		count[e.Check(needs[i].Request(a.Principal)).Effect]++
	}
	switch len(needs) {
	case count[authz.Allowed]:
		return authz.Allowed
	case count[authz.Denied]:
		return authz.Denied
	}
	return authz.Unknown
}

// covered asks whether the principal has what was refused today without the grant.
func (u *urgency) covered(x *Urgent) bool {
	s := *u.Snapshot
	s.RoleAssignments = slices.DeleteFunc(slices.Clone(s.RoleAssignments), func(a mivet.RoleAssignment) bool {
		return a.Principal == x.Grant.Principal && a.Role == x.Grant.Role && a.Scope.Equal(x.Grant.Scope)
	})
	e := authz.New(&s, authz.Options{Catalog: u.Measure.Catalog, At: u.Now})
	known := false
	for i := range x.Refused {
		for k := range x.Refused[i].needs {
			known = true
			if e.Check(x.Refused[i].needs[k].Request(x.Principal)).Effect != authz.Allowed {
				return false
			}
		}
	}
	return known
}

// maker is who made the grant: the call in the log, else what the snapshot says.
func (u *urgency) maker(t *provenance.Tenure) provenance.Act {
	if t.Made == nil {
		for _, g := range u.Log.Story(t.Grant.Principal).Grants {
			if g.Grant.Role == t.Grant.Role && g.Grant.Scope.Equal(t.Grant.Scope) {
				return g.Made
			}
		}
	}
	if t.Made == nil {
		return provenance.Act{At: t.From.Latest, By: provenance.Caller{ID: t.Grant.CreatedBy}, Source: t.Grant.Source, Gap: "the call is not in the log"}
	}
	return provenance.Act{By: t.Made.By, At: t.From.Latest, What: "made the grant", Sure: true, Correlation: t.Made.Correlation, Source: t.Made.Source}
}

// then are grants to the same principal, made within the time after, that are no broader
// than the smallest one is and give what was refused.
func (u *urgency) then(x *Urgent, made time.Time) []provenance.Tenure {
	var out []provenance.Tenure
	for _, t := range u.history.Of(x.Grant.Principal) {
		if !t.From.Exact() && t.Made == nil || t.From.Latest.Before(made) || t.From.Latest.After(made.Add(u.Within)) || t.Grant.Scope.Level() <= arm.LevelResourceGroup || !t.Lasts {
			continue
		}
		for i := range x.Refused {
			if n := x.Refused[i].needs; len(n) > 0 && u.helps(&t.Grant, n) == authz.Allowed {
				out = append(out, t)
				break
			}
		}
	}
	return out
}

// OverdueGrant is a grant that is still there though it was promised to end.
type OverdueGrant struct {
	Grant   *mivet.RoleAssignment `json:"grant"`
	Made    provenance.Act        `json:"made"`
	Promise provenance.Promise    `json:"promise"`
	// Since is when the promise was broken; zero where it names no day.
	Since time.Time `json:"since,omitzero"`
	// Undecided is true where it hangs on when the grant was made, which is not known.
	Undecided bool `json:"undecided,omitzero"`
}

// Overdue lists grants of a snapshot that outlived their promise.
func Overdue(s *mivet.Snapshot, l *provenance.Log, now time.Time) []OverdueGrant {
	out := []OverdueGrant{}
	stories := map[mivet.PrincipalID]*provenance.Story{}
	for i := range s.RoleAssignments {
		a := &s.RoleAssignments[i]
		p := promised(a)
		if p == nil {
			continue
		}
		if stories[a.Principal] == nil {
			stories[a.Principal] = l.Story(a.Principal)
		}
		o := OverdueGrant{Grant: a, Promise: *p, Since: p.Until}
		for _, g := range stories[a.Principal].Grants {
			if g.Grant == a {
				o.Made = g.Made
			}
		}
		broken, decided := p.Broken(o.Made.At, now)
		if o.Undecided = !decided; broken || !decided {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b OverdueGrant) int { return a.Since.Compare(b.Since) })
	return out
}

// promised is what the description promises, or the end that Azure itself was given.
func promised(a *mivet.RoleAssignment) *provenance.Promise {
	if p := provenance.PromiseOf(a); p != nil {
		return p
	}
	if !a.End.IsZero() && !a.Eligible {
		return &provenance.Promise{Words: "the end that the assignment itself has", Until: a.End}
	}
	return nil
}
