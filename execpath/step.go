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
	_, rights := g.rightsOf(h)
	for _, r := range rights {
		s.Rights = append(s.Rights, g.explainRight(e.holder, r))
	}
	switch {
	case e.typ == typeAny:
		g.authorityStep(&s, e)
	case e.by == byAttach:
		g.attachStep(&s, e, o)
	default:
		g.variantStep(&s, h, e, o)
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

// best is the first variant that leads to a principal, a certain one if there is one; -1
// for none.
func (g *Graph) best(e *entry, o *object, to int32) (best int, possible uint64) {
	best = -1
	t := &g.plan.types[e.typ]
	certain := g.satisfied(e, o, Certain)
	possible = g.satisfied(e, o, Possible)
	for i := range t.variants {
		bit := uint64(1) << i
		if possible&bit == 0 || best >= 0 && certain&bit == 0 || !g.leadsTo(e, o, bit, to) {
			continue
		}
		if best = i; certain&bit != 0 {
			break
		}
	}
	return best, possible
}

// askedRight is a right with the object that it is checked on.
type askedRight struct {
	op        int
	at        arm.ID
	delegated bool // under a condition on what is assigned
}

// rightsOf are the rights that a hop rests on, and its variant; nil for none.
func (g *Graph) rightsOf(h hop) (*variant, []askedRight) {
	e, o := &g.entries[h.entry], &g.objects[h.object]
	switch {
	case e.by == byElevation:
		return nil, nil
	case e.by == byDefinition:
		return nil, []askedRight{{op: g.plan.define, at: g.tree.ID(e.node)}}
	case e.by == byTable:
		v := g.authorityBy(e)
		if v == nil {
			return nil, nil
		}
		var out []askedRight
		for _, n := range v.needs {
			out = append(out, askedRight{op: n.op, at: g.tree.ID(e.node)})
		}
		return nil, out
	case e.typ == typeAny:
		return nil, []askedRight{{g.plan.grant, o.id, e.by == byCondition}}
	case e.by == byAttach:
		_, out := g.attachment(e, o)
		return nil, out
	}
	best, _ := g.best(e, o, h.to)
	if best < 0 {
		return nil, nil
	}
	v := &g.plan.types[e.typ].variants[best]
	if e.by == byCondition {
		return v, []askedRight{{g.plan.grant, o.id, true}}
	}
	var out []askedRight
	for _, n := range v.needs {
		out = append(out, askedRight{op: n.op, at: g.objectOf(e, n, o)})
	}
	if o.id.HasType(slotType) && !slices.Contains(o.own, h.to) {
		if swap := g.bestSwap(e.holder, o); swap >= 0 {
			out = append(out, askedRight{op: swap, at: o.id}, askedRight{op: swap, at: o.id.Parent()})
		}
	}
	return v, out
}

// authorityBy is the first technique of authority that a holder has at an entry's scope.
func (g *Graph) authorityBy(e *entry) *variant {
	for i := range g.plan.authority {
		v := &g.plan.authority[i]
		held := v.kind.Acts()
		for _, n := range v.needs {
			held = held && g.ask(e.holder, n.op, g.tree.ID(e.node)) != no
		}
		if held {
			return v
		}
	}
	return nil
}

// attachment are the rights with which an identity is attached to a resource of one's own,
// and the technique.
func (g *Graph) attachment(e *entry, o *object) (*hosting, []askedRight) {
	out := []askedRight{{op: g.plan.assign, at: o.id}}
	scopes := g.scopesOf(e.holder)
	for _, want := range []verdict{yes, maybe} {
		for i := range g.plan.hosting {
			h := &g.plan.hosting[i]
			for _, node := range scopes {
				scope := g.tree.ID(node)
				held := yes
				for _, n := range h.needs {
					held = min(held, g.ask(e.holder, n.op, scope))
				}
				if held < want || h.exec && len(g.placesBelow(h.typ, node)) == 0 {
					continue
				}
				for _, n := range h.needs {
					out = append(out, askedRight{op: n.op, at: scope})
				}
				return h, out
			}
		}
	}
	return nil, out
}

// scopesOf are the scopes at which a principal or one of its groups has a role.
func (g *Graph) scopesOf(n int32) []arm.Node {
	seen := map[int32]bool{n: true}
	queue := []int32{n}
	var out []arm.Node
	for i := 0; i < len(queue); i++ {
		p := queue[i]
		if int(p) >= len(g.groupsOf) {
			continue
		}
		for _, gr := range g.grants[p] {
			out = append(out, gr.node)
		}
		for _, up := range g.groupsOf[p] {
			if !seen[up] {
				seen[up] = true
				queue = append(queue, up)
			}
		}
	}
	return out
}

func (g *Graph) variantStep(s *Step, h hop, e *entry, o *object) {
	t := &g.plan.types[e.typ]
	best, possible := g.best(e, o, h.to)
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
	}
	for _, gate := range v.gates {
		r := gate.read(g.gateAt(o), g.idx.Resource)
		s.Gates = append(s.Gates, GateReading{gate, r.state, r.setting, r.value, r.source})
	}
	g.passOn(s, v, o, h.to)
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

func (g *Graph) bestSwap(n int32, slot *object) int {
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
	for _, node := range g.scopesOf(who) {
		scope := g.tree.ID(node)
		if v := g.ask(who, op, scope); v > best {
			best, at = v, scope
		}
		if best == yes {
			break
		}
	}
	return at
}

// explainRight asks the engine for everything about one right.
func (g *Graph) explainRight(who int32, a askedRight) Right {
	o := &g.plan.ops[a.op]
	r := authz.Request{Principal: g.principals[who], Operation: o.op, Plane: o.plane, Resource: a.at, At: g.o.At}
	if a.delegated {
		r.Given = abac.RoleAssignment{}.WriteEnv()
	}
	x := g.engine.Explain(r)
	out := Right{Operation: o.op, Plane: o.plane, Object: a.at, Effect: x.Effect, Cause: x.Cause}
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

func (g *Graph) authorityStep(s *Step, e *entry) {
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
	case byTable:
		if v := g.authorityBy(e); v != nil {
			s.Technique, s.How, s.Certainty = v.row.ID, v.row.How, v.row.Certainty
		}
	default:
	}
}

func (g *Graph) attachStep(s *Step, e *entry, o *object) {
	s.Technique, s.How = "UAMI-02", "attaches the identity to a resource of its own, and runs code there"
	if h, _ := g.attachment(e, o); h != nil && h.row != nil {
		s.Technique, s.How = h.row.ID, h.row.How
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
		if !e.certain {
			s.Why = append(s.Why, "who can get such a token was not read")
		}
	case plainOutside:
		s.How, s.Workload = e.right, e.at
		if !e.at.IsZero() {
			s.Why = append(s.Why, "that "+e.at.Name()+" is the machine is told by its name alone")
		} else if !e.certain {
			s.Why = append(s.Why, "what stands in the way outside was not read, or somebody has to agree")
		}
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
