// SPDX-License-Identifier: Apache-2.0

package change

import (
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// A World answers questions about access before, during and after a change.
type World struct {
	*Report
	k                     *comparison
	settled               *mivet.Snapshot
	before, during, after func() *authz.Engine // compiled when first asked
}

// NewWorld compares the two sides of a change, as [Compare] does. A moment is compiled when
// it is first asked for.
// The change should lie over a tenant ([Over]); alone, what it does not manage is not
// known.
func NewWorld(p *Plan, state *mivet.Snapshot, c *catalog.Catalog) *World {
	k := compare(p, state, c)
	w := &World{Report: k.report(), k: k, settled: k.settled()}
	opts := authz.Options{Catalog: c, At: p.After.TakenAt}
	w.before = sync.OnceValue(func() *authz.Engine { return authz.New(p.Before, opts) })
	w.during = sync.OnceValue(func() *authz.Engine { return authz.New(k.during(w.settled), opts) })
	w.after = sync.OnceValue(func() *authz.Engine { return authz.New(w.settled, opts) })
	return w
}

// After returns what Azure holds after the change, and the engine for it.
func (w *World) After() (*mivet.Snapshot, *authz.Engine) { return w.settled, w.after() }

// Before returns what Azure holds before the change, and the engine for it.
func (w *World) Before() (*mivet.Snapshot, *authz.Engine) { return w.k.Before, w.before() }

// A Subject is whose access is asked for; the first field that is set counts.
type Subject struct {
	// Address is an object of the change: an identity, a carrier of one, a workload.
	Address string
	// Workload is a resource that presents any identity that it carries.
	Workload arm.ID
	// Identity is a user-assigned identity, or the resource whose system-assigned one is
	// meant.
	Identity arm.ID
	// Principal is an object ID. Of a managed identity that is made anew the successor is
	// meant afterwards.
	Principal mivet.PrincipalID
}

// An Outcome is the answer to one question at each moment. A subject that is not there is
// denied.
type Outcome struct {
	Before authz.Effect `json:"before"`
	// During is the least that holds at any time between: denied where there is a time without
	// access. It says something only where both others are allowed.
	During authz.Effect `json:"during"`
	After  authz.Effect `json:"after"`
	// Missing is what the answers hang on, where one is unknown.
	Missing []authz.Missing `json:"-"`
}

// Ask answers whether a subject may do an operation on a resource. The resource is named
// as it is before the change; one that gets another ID is followed.
func (w *World) Ask(who Subject, op arm.Operation, plane mivet.Plane, resource arm.ID) Outcome {
	old, now := w.bearers(who)
	q := authz.Request{Operation: op, Plane: plane, Resource: resource}
	moved := q
	moved.Resource = w.k.moved(resource)
	o := Outcome{Before: best(w.before(), q, old), After: best(w.after(), moved, now), During: authz.Denied}
	if !w.interrupted(who) {
		o.During = w.between(moved, old, now)
	}
	for _, x := range []struct {
		effect authz.Effect
		engine *authz.Engine
		q      authz.Request
		by     []bearer
	}{{o.After, w.after(), moved, now}, {o.Before, w.before(), q, old}} {
		if x.effect == authz.Unknown && len(o.Missing) == 0 {
			o.Missing = missingOf(x.engine, x.q, x.by)
		}
	}
	return o
}

// interrupted reports whether the subject itself is a workload that is deleted before it
// is created again.
func (w *World) interrupted(who Subject) bool {
	a := who.Address
	if a == "" && !who.Workload.IsZero() {
		a = w.k.before.addresses[who.Workload.Key()]
	}
	s := w.k.steps[a]
	return s != nil && s.replaced() && !s.createdFirst()
}

// between is the least that holds at any time: by an identity that is there on both sides,
// or by an old one until a new one takes over.
func (w *World) between(q authz.Request, old, now []bearer) authz.Effect {
	common, from, to := authz.Denied, authz.Denied, authz.Denied
	for _, b := range old {
		if !w.k.outlives(b) {
			continue
		}
		e := ask(w.during(), q, b)
		from = better(from, e)
		for _, n := range now {
			if n.principal == b.principal {
				common = better(common, e)
			}
		}
	}
	for _, b := range now {
		if w.k.outlives(b) {
			to = better(to, ask(w.during(), q, b))
		}
	}
	return better(common, worse(from, to))
}

// bearers are the identities of a subject before and after.
func (w *World) bearers(who Subject) (old, now []bearer) {
	k := w.k
	switch {
	case who.Address != "":
		return k.addressed(&k.before, who.Address), k.addressed(&k.after, who.Address)
	case !who.Workload.IsZero():
		return k.bearersOf(&k.before, k.before.index.Resource(who.Workload)), k.bearersOf(&k.after, k.after.index.Resource(k.moved(who.Workload)))
	case !who.Identity.IsZero():
		return ownBearer(&k.before, who.Identity), ownBearer(&k.after, k.moved(who.Identity))
	}
	if _, symbol := who.Principal.Symbolic(); symbol {
		return nil, k.owned(&k.after, who.Principal)
	}
	old = k.owned(&k.before, who.Principal)
	successor, gone := k.ceased[who.Principal]
	switch {
	case gone && successor == "":
		return old, nil
	case gone:
		return old, k.owned(&k.after, successor)
	default:
		return old, k.owned(&k.after, who.Principal)
	}
}

// addressed are the identities that the object of an address is, or carries.
func (k *comparison) addressed(d *side, address string) []bearer {
	if m := d.owners[address]; m != nil && m.Kind == mivet.UserAssigned && m.Principal != "" {
		return []bearer{{m.Principal, address}}
	}
	return k.bearersOf(d, d.resources[address])
}

func (k *comparison) owned(d *side, p mivet.PrincipalID) []bearer {
	if m := d.index.Identity(p); m != nil {
		return []bearer{{p, address(m.Source)}}
	}
	return []bearer{{principal: p}}
}

func ask(e *authz.Engine, q authz.Request, b bearer) authz.Effect {
	q.Principal = b.principal
	return e.Check(q).Effect
}

func best(e *authz.Engine, q authz.Request, by []bearer) authz.Effect {
	out := authz.Denied
	for _, b := range by {
		out = better(out, ask(e, q, b))
	}
	return out
}

func missingOf(e *authz.Engine, q authz.Request, by []bearer) []authz.Missing {
	for _, b := range by {
		q.Principal = b.principal
		if x := e.Explain(q); x.Effect == authz.Unknown {
			return x.Missing
		}
	}
	return nil
}

// better and worse order effects: denied, unknown, allowed.
func better(a, b authz.Effect) authz.Effect {
	switch {
	case a == authz.Allowed || b == authz.Allowed:
		return authz.Allowed
	case a == authz.Unknown || b == authz.Unknown:
		return authz.Unknown
	default:
		return authz.Denied
	}
}

func worse(a, b authz.Effect) authz.Effect {
	switch {
	case a == authz.Denied || b == authz.Denied:
		return authz.Denied
	case a == authz.Unknown || b == authz.Unknown:
		return authz.Unknown
	default:
		return authz.Allowed
	}
}

// A Verdict says whether an expectation holds.
type Verdict string

// The verdicts.
const (
	Passed    Verdict = "passed"
	Failed    Verdict = "failed"
	Undecided Verdict = "undecided" // an answer that decides is unknown
)

// Verdict judges the answers. What is expected to be allowed must be so after the change
// and, if it was before, all the time; what is expected to be denied must be so after.
func (o *Outcome) Verdict(allowed bool) Verdict {
	e := o.After
	if allowed && e == authz.Allowed && o.Before == authz.Allowed {
		e = o.During
	}
	switch e {
	case authz.Unknown:
		return Undecided
	case authz.Allowed:
		return verdict(allowed)
	default:
		return verdict(!allowed)
	}
}

func verdict(ok bool) Verdict {
	if ok {
		return Passed
	}
	return Failed
}

// A TestOutcome is an access test with its answers.
type TestOutcome struct {
	Test mivet.AccessTest `json:"test"`
	Outcome
	Verdict Verdict `json:"verdict"`
}

// Tests asks the access tests of the tenant.
func (w *World) Tests() []TestOutcome {
	var out []TestOutcome
	for _, t := range w.k.Before.AccessTests {
		o := w.Ask(Subject{Principal: t.Principal}, t.Operation, t.Plane, t.Resource)
		out = append(out, TestOutcome{t, o, o.Verdict(t.Allowed)})
	}
	return out
}
