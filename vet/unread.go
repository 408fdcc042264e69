// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// asRead returns an engine for which the facts that were read are all there are. What it
// allows, a fact that was not read may still take away: it is no answer of its own.
func (sh *shared) asRead() *authz.Engine { return sh.readOnly() }

// readFacts returns the snapshot without its gaps, and without assignments that do not say
// whom they name. An assignment stays one whose condition is not known if its source says
// that there is one.
func readFacts(s *mivet.Snapshot, declared func(*mivet.RoleAssignment) bool) *mivet.Snapshot {
	out := *s
	out.Gaps = nil
	incomplete := func(a mivet.RoleAssignment) bool { return a.Principal == "" || a.ConditionUnknown }
	if !slices.ContainsFunc(s.RoleAssignments, incomplete) {
		return &out
	}
	out.RoleAssignments = slices.DeleteFunc(slices.Clone(s.RoleAssignments), func(a mivet.RoleAssignment) bool { return a.Principal == "" })
	for i := range out.RoleAssignments {
		a := &out.RoleAssignments[i]
		a.ConditionUnknown = a.ConditionUnknown && declared(a)
	}
	return &out
}

// declaredObjects are the objects of plans and templates, by file and address.
func declaredObjects(s *mivet.Snapshot) map[[2]string]bool {
	out := make(map[[2]string]bool, len(s.Declarations))
	for i := range s.Declarations {
		if o := s.Declarations[i].Source.Origin; o != nil {
			out[[2]string{o.File, o.Address}] = true
		}
	}
	return out
}

// isDeclared reports whether a plan or template writes the assignment. A condition of it
// that is not known is one that is written and not computed yet; elsewhere the source
// lists no conditions at all.
func (sh *shared) isDeclared(a *mivet.RoleAssignment) bool {
	o := a.Source.Origin
	return o != nil && sh.declared()[[2]string{o.File, o.Address}]
}

// restricted reports whether an assignment has a condition, read or not.
func (p *Pass) restricted(a *mivet.RoleAssignment) bool {
	return a.Condition != "" || a.ConditionUnknown && p.shared.isDeclared(a)
}

// Unread is something that was not read and that may take away what a holding gives.
type Unread struct {
	// What names it: "a deny assignment that was not read".
	What string
	// Fact says why it is not known.
	Fact mivet.Evidence
}

// Unread returns what was not read and may take away what a holding gives by all that was
// read: deny assignments at its scope, and a condition that its source does not list.
func (p *Pass) Unread(h *Holding) []Unread {
	var out []Unread
	add := func(what, fact string, at mivet.Source) {
		out = append(out, Unread{What: what, Fact: mivet.Evidence{Kind: mivet.Configured, Fact: fact, Source: at}})
	}
	a := h.Assignment
	if a.ConditionUnknown && a.Condition == "" && !p.shared.isDeclared(a) {
		add("a condition that was not read", "the input does not tell whether the assignment has a condition", a.Source)
	}
	gap := p.GapAbout(mivet.FactDenyAssignments, string(h.Holder))
	if gap == nil {
		gap = p.Gap(mivet.FactDenyAssignments, a.Scope)
	}
	if gap != nil {
		add("a deny assignment that was not read", "deny assignments are not all in the input: "+gap.Reason, gap.Source)
	}
	if len(out) > 0 || !h.Role.Powers.Any(GrantsRoles|GrantsSome) {
		return out
	}
	r, _ := p.grantRequest(h.Holder, OwnerRole, a.Scope)
	if p.Engine().Check(r).Effect == authz.Unknown && p.MayGrant(h.Holder, OwnerRole, a.Scope).Effect == authz.Allowed {
		add("a deny assignment that may apply", "whether a deny assignment applies hangs on what is not in the input", a.Source)
	}
	return out
}

// Unless says in words what [Pass.Unread] returned for holdings, to stand behind a
// sentence: ", unless a deny assignment that was not read takes it away"; "" for nothing.
// The facts are the evidence for it.
func (p *Pass) Unless(holdings ...*Holding) (words string, facts []mivet.Evidence) {
	var what []string
	for _, h := range holdings {
		for _, u := range p.Unread(h) {
			if !slices.Contains(what, u.What) {
				what = append(what, u.What)
			}
			if !slices.Contains(facts, u.Fact) {
				facts = append(facts, u.Fact)
			}
		}
	}
	if len(what) == 0 {
		return "", nil
	}
	const unread = " that was not read"
	for i, w := range what[:len(what)-1] {
		if strings.HasSuffix(what[i+1], unread) {
			what[i] = strings.TrimSuffix(w, unread) // it is said of both
		}
	}
	return ", unless " + strings.Join(what, " or ") + " takes it away", facts
}

// Undecidable says why it cannot be told what a holding gives, a clause without a full
// stop, and the kind of fact that is missing, if it is one.
func (p *Pass) Undecidable(h *Holding) (why string, facts mivet.FactKind) {
	a := h.Assignment
	switch _, err := abac.CompileText(a.Condition); {
	case a.Condition == "" && a.ConditionUnknown:
		return "its condition is known only after apply", mivet.FactRoleAssignments
	case a.Condition != "" && err != nil:
		return "its condition cannot be read: " + err.Error(), ""
	case a.Condition != "":
		return "its condition hangs on what only a request tells", ""
	}
	for _, role := range grantors {
		r, _ := p.grantRequest(h.Holder, role, h.Scope())
		for _, m := range p.Engine().Explain(r).Missing {
			if m.Gap != nil {
				facts = m.Gap.Facts
			}
			return m.What, facts
		}
	}
	return "a condition inside the role hangs on what only a request tells", ""
}

// underKey is a role with a condition.
type underKey struct {
	role               *Role
	condition, version string
}

// split are powers by what a condition leaves of them.
type split struct{ surely, unknown Powers }

// under evaluates the condition of an assignment for the operations behind each power of
// its role. Powers that are read from patterns alone are unknown.
func (b *roleBook) under(r *Role, a *mivet.RoleAssignment) (surely, unknown Powers) {
	key := underKey{r, a.Condition, a.ConditionVersion}
	found, ok := b.split[key]
	if !ok {
		found = split{unknown: r.Powers}
		if c, err := abac.CompileText(a.Condition); err == nil && a.Condition != "" {
			found.surely = b.ops.left(r, c, abac.True)
			found.unknown = (b.ops.left(r, c, abac.Unknown) | r.Powers&(Writes|UsesData)) &^ found.surely
		}
		b.split[key] = found
	}
	return found.surely, found.unknown
}

// left returns the powers of a role that are left by the operations for which a condition
// is true, or has another value that is given.
func (o *operations) left(r *Role, c *abac.Condition, or abac.Truth) Powers {
	var p Powers
	lets := func(op arm.Operation, plane mivet.Plane) bool {
		if !r.Grants(op, plane) {
			return false
		}
		t := c.Eval(&abac.Env{Operation: op})
		return t == abac.True || t == or
	}
	for power := Powers(1); power <= r.Powers; power <<= 1 {
		if r.Powers.Has(power) && o.leaves(power, lets) {
			p |= power
		}
	}
	return p
}

// leaves reports whether enough of the operations behind a power are let through.
func (o *operations) leaves(power Powers, lets func(arm.Operation, mivet.Plane) bool) bool {
	anyOf := func(ops []arm.Operation, plane mivet.Plane) bool {
		for i := range ops {
			if lets(ops[i], plane) {
				return true
			}
		}
		return false
	}
	half := func(providers map[string][]arm.Operation, plane mivet.Plane) bool {
		n := 0
		for _, ops := range providers {
			if anyOf(ops, plane) {
				n++
			}
		}
		return n > 0 && 2*n >= len(providers)
	}
	switch power {
	case WritesMost:
		return half(o.writes, mivet.PlaneControl)
	case DataMost:
		return half(o.data, mivet.PlaneData)
	case TakesKeys:
		return anyOf(o.keys, mivet.PlaneControl)
	case ReadsSecrets:
		return anyOf(o.named[power], mivet.PlaneData)
	default:
		return anyOf(o.named[power], mivet.PlaneControl)
	}
}
