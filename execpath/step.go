// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"fmt"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// Right is one right of a step, with the engine's answer.
type Right struct {
	Operation arm.Operation
	Plane     mivet.Plane
	// Object is the resource that it is checked on.
	Object arm.ID
	Effect authz.Effect
	Cause  authz.Cause
	// Reasons are the grants that give it, or may.
	Reasons []authz.Reason
	Missing []authz.Missing
}

// GateReading is what was read of a gate.
type GateReading struct {
	Gate           *Gate
	State          State
	Setting, Value string
	Source         mivet.Source
}

// Step leads from one principal to the next, with everything that it rests on.
type Step struct {
	From, To mivet.PrincipalID
	Level    Level
	// Technique is the row's name, or one of "member", "owner" and "directory".
	Technique string
	Kind      Kind
	Certainty Certainty
	// How says how it works; a text for people.
	How string
	// Host is the resource on which the technique works, Workload the one whose code
	// presents the identity, where that is another.
	Host, Workload arm.ID
	// Link is the content that the workload loads, where the technique is about content.
	Link   *Link
	Rights []Right
	Gates  []GateReading
	// Also are further techniques by which the same step can be taken.
	Also []string
	// Why says what keeps the step from being certain.
	Why    []string
	Source mivet.Source
}

// step collects the evidence of a hop.
func (g *Graph) step(h hop) Step {
	if h.plain >= 0 {
		return g.plainStep(h)
	}
	e, o := &g.entries[h.entry], &g.objects[h.object]
	s := Step{From: g.principals[h.from], To: g.principals[h.to], Host: o.id, Level: Possible, Kind: KindExec, Certainty: Published}
	s.Source = g.sourceOf(o)
	switch {
	case e.typ == typeAny:
		g.authorityStep(&s, e, o)
	case e.by == byAttach:
		g.attachStep(&s, e, o)
	default:
		g.variantStep(&s, e, o, h.to)
	}
	if g.levelOf(h, Certain) {
		s.Level = Certain
	} else {
		s.Why = append(s.Why, g.doubts(&s)...)
	}
	return s
}

func (g *Graph) sourceOf(o *object) mivet.Source {
	if o.res != nil {
		return o.res.Source
	}
	return mivet.Source{}
}

// levelOf reports whether a hop is there at a level.
func (g *Graph) levelOf(h hop, level Level) bool {
	if h.plain >= 0 {
		return g.open(&g.plain[h.plain], level)
	}
	e, o := &g.entries[h.entry], &g.objects[h.object]
	found := false
	visit := func(to int32) { found = found || to == h.to }
	g.leads(e, o, g.satisfied(e, o, level), visit)
	if !found && g.satisfied(e, o, level) != 0 {
		g.swapped(e, o, level, visit)
	}
	return found
}

// doubts say what keeps a step from being certain.
func (g *Graph) doubts(s *Step) []string {
	var out []string
	for i := range s.Rights {
		switch r := &s.Rights[i]; {
		case r.Effect == authz.Allowed:
		case r.Cause == authz.CauseEligible:
			out = append(out, "the right is eligible and not activated")
		default:
			for _, m := range r.Missing {
				out = append(out, m.What)
			}
			if len(r.Missing) == 0 {
				out = append(out, fmt.Sprintf("%s is %s: %s", r.Operation, r.Effect, r.Cause))
			}
		}
	}
	for _, gate := range s.Gates {
		switch {
		case gate.State == Unread && !gate.Gate.Weak:
			out = append(out, gate.Gate.About+" was not read")
		case gate.State == Shut && gate.Gate.Weak:
			out = append(out, gate.Gate.About+" may stand in the way ("+gate.Setting+" is "+gate.Value+")")
		}
	}
	if s.Kind == KindSupply {
		out = append(out, "it works when the workload takes the content the next time")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (g *Graph) variantStep(s *Step, e *entry, o *object, to int32) {
	t := &g.plan.types[e.typ]
	best, sure := -1, false
	certain := g.satisfied(e, o, Certain)
	possible := g.satisfied(e, o, Possible)
	for i := range t.variants {
		bit := uint64(1) << i
		if possible&bit == 0 || !g.leadsTo(e, o, bit, to) {
			continue
		}
		if best < 0 || certain&bit != 0 && !sure {
			best, sure = i, certain&bit != 0
		}
	}
	if best < 0 {
		return
	}
	for i := range t.variants {
		id := t.variants[i].row.ID
		if possible>>i&1 != 0 && id != t.variants[best].row.ID && !slices.Contains(s.Also, id) {
			s.Also = append(s.Also, id)
		}
	}
	v := &t.variants[best]
	s.Technique, s.Kind, s.Certainty, s.How = v.row.ID, v.kind, v.row.Certainty, v.row.How
	if e.by == byCondition {
		s.Technique, s.How = "AUTHZ-01", "gives itself a role that its condition permits, then "+v.row.ID+": "+v.row.How
		s.Rights = append(s.Rights, g.right(e.holder, g.plan.grant, o.id, true))
	} else {
		for _, n := range v.needs {
			s.Rights = append(s.Rights, g.right(e.holder, n.op, g.objectOf(e, n, o), false))
		}
	}
	for _, gate := range v.gates {
		r := gate.read(g.gateAt(o), g.idx.Resource)
		s.Gates = append(s.Gates, GateReading{gate, r.state, r.setting, r.value, r.source})
	}
	g.passOn(s, v, o, to)
}

// passOn names the workload between content and identity, and the swap of a slot.
func (g *Graph) passOn(s *Step, v *variant, o *object, to int32) {
	if v.row.resultOf(v.way) == ResultConsumers {
		s.Link = g.linkOf(o, to)
		if s.Link != nil {
			s.Workload = s.Link.Workload
		}
	}
	if o.id.HasType(slotType) && !slices.Contains(o.own, to) {
		s.Workload = o.id.Parent()
		s.How += "; then swaps the slot into production (WEB-17)"
		if swap := g.bestSwap(s.From, o); swap >= 0 {
			n := g.numbers[s.From]
			s.Rights = append(s.Rights, g.right(n, swap, o.id, false), g.right(n, swap, o.id.Parent(), false))
		}
	}
}

// leadsTo reports whether variants at an object lead to a principal.
func (g *Graph) leadsTo(e *entry, o *object, variants uint64, to int32) bool {
	found := false
	visit := func(p int32) { found = found || p == to }
	g.leads(e, o, variants, visit)
	if !found {
		g.swapped(e, o, Possible, visit)
	}
	return found
}

func (g *Graph) bestSwap(who mivet.PrincipalID, slot *object) int {
	n := g.numbers[who]
	best, op := no, -1
	for i := range g.plan.swaps {
		for _, need := range g.plan.swaps[i].needs {
			if v := min(g.ask(n, need.op, slot.id), g.ask(n, need.op, slot.id.Parent())); v > best {
				best, op = v, need.op
			}
		}
	}
	return op
}

// linkOf is the link by which a principal's workload loads what is at an object.
func (g *Graph) linkOf(o *object, to int32) *Link {
	for i := range g.links {
		l := &g.links[i]
		if !o.id.Contains(l.Content) {
			continue
		}
		if w, ok := g.byKey[l.Workload.Key()]; ok && slices.Contains(g.objects[w].runs, to) {
			return l
		}
	}
	return nil
}

// objectOf is where a right of an entry is checked.
func (g *Graph) objectOf(e *entry, n variantNeed, o *object) arm.ID {
	switch n.on {
	case AtGroup, AtElsewhere:
		return g.somewhere(e.holder, n.op)
	default:
		return o.id
	}
}

// somewhere is a scope at which a principal has an operation, the surest first.
func (g *Graph) somewhere(who int32, op int) arm.ID {
	best, at := no, arm.Root()
	for r := range g.engine.WhatCan(authz.WhatCanQuery{Principal: g.principals[who], At: g.o.At}) {
		if v := g.ask(who, op, r.Scope); v > best {
			best, at = v, r.Scope
		}
	}
	return at
}

// right asks the engine for everything about one right.
func (g *Graph) right(who int32, op int, at arm.ID, delegated bool) Right {
	o := &g.plan.ops[op]
	r := authz.Request{Principal: g.principals[who], Operation: o.op, Plane: o.plane, Resource: at, At: g.o.At}
	if delegated {
		r.Given = abac.RoleAssignment{}.WriteEnv()
	}
	x := g.engine.Explain(r)
	out := Right{Operation: o.op, Plane: o.plane, Object: at, Effect: x.Effect, Cause: x.Cause}
	for _, reason := range x.Reasons {
		switch reason.Outcome {
		case authz.Grants, authz.MayGrant, authz.Eligible, authz.MayDeny:
			out.Reasons = append(out.Reasons, reason)
		default:
		}
	}
	if x.Effect == authz.Unknown {
		out.Missing = x.Missing
	}
	return out
}

func (g *Graph) authorityStep(s *Step, e *entry, o *object) {
	s.Kind, s.Technique = KindAuthority, "AUTHZ-01"
	s.How = "gives itself a role at the resource, and then runs code there"
	switch e.by {
	case byElevation:
		s.Technique, s.How = "AUTHZ-05", "becomes User Access Administrator at the root, gives itself a role at the resource, and runs code there"
		for _, r := range g.engine.DirectoryRights(authz.WhatCanQuery{Principal: s.From, At: g.o.At}).Rights {
			if r.ToAzure != "" && len(r.Via) == 1 {
				s.How, s.Source = r.Name+": "+r.ToAzure, r.Source
				break
			}
		}
	case byDefinition:
		s.Technique, s.How = "AUTHZ-02", "adds what it lacks to a role of the tenant's own that it has"
		s.Rights = append(s.Rights, g.right(e.holder, g.plan.define, g.tree.ID(e.node), false))
	case byTable:
		for i := range g.plan.authority {
			v := &g.plan.authority[i]
			rights := make([]Right, 0, len(v.needs))
			held := v.kind.Acts()
			for _, n := range v.needs {
				held = held && g.ask(e.holder, n.op, g.tree.ID(e.node)) != no
				rights = append(rights, g.right(e.holder, n.op, g.tree.ID(e.node), false))
			}
			if held {
				s.Technique, s.How, s.Certainty, s.Rights = v.row.ID, v.row.How, v.row.Certainty, rights
				break
			}
		}
	default:
		s.Rights = append(s.Rights, g.right(e.holder, g.plan.grant, o.id, e.by == byCondition))
	}
}

func (g *Graph) attachStep(s *Step, e *entry, o *object) {
	s.Technique, s.How = "UAMI-02", "attaches the identity to a resource of its own, and runs code there"
	s.Rights = append(s.Rights, g.right(e.holder, g.plan.assign, o.id, false))
	for i := range g.plan.hosting {
		h := &g.plan.hosting[i]
		for r := range g.engine.WhatCan(authz.WhatCanQuery{Principal: s.From, At: g.o.At}) {
			held := no
			for k, n := range h.needs {
				v := g.ask(e.holder, n.op, r.Scope)
				if k == 0 || v < held {
					held = v
				}
			}
			if held == no {
				continue
			}
			for _, n := range h.needs {
				s.Rights = append(s.Rights, g.right(e.holder, n.op, r.Scope, false))
			}
			if h.row != nil {
				s.Technique, s.How = h.row.ID, h.row.How
			}
			return
		}
	}
}

func (g *Graph) plainStep(h hop) Step {
	e := &g.plain[h.plain]
	s := Step{
		From: g.principals[e.from], To: g.principals[e.to], Technique: plainTechnique[e.kind], Kind: KindAuthority,
		Certainty: Published, Source: e.source, Level: Possible,
	}
	if g.open(e, Certain) {
		s.Level = Certain
	}
	switch e.kind {
	case plainMember:
		s.How = "is a member of the group"
	case plainOwner:
		s.How = "owns it, and can add a credential or a member"
	case plainApplication:
		s.How = e.right + ": adds a credential to the application"
	case plainGroup:
		s.How = e.right + ": adds itself to the group"
		s.Why = append(s.Why, "whether the group is role-assignable was not read")
	case plainFederated:
		s.How = "the identity trusts tokens of that issuer with that subject (federated credential " + e.right + ")"
		s.Why = append(s.Why, "who can get such a token was not read")
	case plainCredential:
		s.Technique = e.by
		s.How, s.Host, s.Kind = "reads a credential of it that is stored there", e.at, KindSecret
		if op, err := arm.ParseOperation(e.right); err == nil {
			s.Rights = append(s.Rights, g.explained(e.from, op, e.at))
		}
	}
	if s.Level == Certain {
		s.Why = nil
	}
	return s
}

func (g *Graph) explained(who int32, op arm.Operation, at arm.ID) Right {
	x := g.engine.Explain(authz.Request{Principal: g.principals[who], Operation: op, Resource: at, At: g.o.At})
	out := Right{Operation: op, Plane: x.Plane, Object: at, Effect: x.Effect, Cause: x.Cause}
	for _, reason := range x.Reasons {
		if reason.Outcome == authz.Grants || reason.Outcome == authz.MayGrant || reason.Outcome == authz.Eligible {
			out.Reasons = append(out.Reasons, reason)
		}
	}
	return out
}
