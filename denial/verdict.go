// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// Certainty says what stands behind a cause.
type Certainty string

// The certainties, the strongest first.
const (
	Settled   Certainty = "settled"   // the text or the tenant leaves no other
	Supported Certainty = "supported" // facts of the tenant speak for it
	Possible  Certainty = "possible"  // nothing speaks against it
	Excluded  Certainty = "excluded"  // facts of the tenant speak against it
)

var certaintyOrder = []Certainty{Settled, Supported, Possible, Excluded}

// A Hypothesis is one cause with what speaks for or against it.
type Hypothesis struct {
	Cause     Cause     `json:"cause"`
	Certainty Certainty `json:"certainty"`
	// Because are the facts, in clauses without full stops.
	Because []string `json:"because,omitzero"`
	// Next is a command that tells the cause from the others; often empty.
	Next string `json:"next,omitzero"`
}

// A Fix is the smallest grant that gives what was refused. It is set only where the caller
// is the right one and lacks the grant.
type Fix struct {
	Principal mivet.PrincipalID `json:"principal"`
	// Role is the name of a role, or what a policy must permit.
	Role    string `json:"role"`
	Scope   arm.ID `json:"scope"`
	Command string `json:"command"`
	// Remove takes away what an identity left behind that was made again; often empty.
	Remove string `json:"remove,omitzero"`
}

// A Verdict is a denial seen in its tenant.
type Verdict struct {
	*Denial
	// Who, What and Where are the question as it was understood; zero values are not known.
	Who   mivet.PrincipalID
	What  arm.Operation
	Plane mivet.Plane
	Where arm.ID
	At    time.Time
	// Answer is what the engine says today of that question; nil where it was not asked.
	Answer *authz.Explanation
	// Former is the principal that holds what the caller lacks and that no longer exists, and
	// Stranded are its grants; empty where there is none.
	Former   mivet.PrincipalID
	Stranded []*mivet.RoleAssignment
	// Hypotheses are the causes, the likeliest first.
	Hypotheses []Hypothesis
	Fix        *Fix
	// Unresolved says what of the question could not be found, in clauses.
	Unresolved []string
}

// Explain weighs the causes of a denial against a tenant. Without one (nil) they are those
// of the text alone.
func Explain(d *Denial, t *Tenant, given Given) *Verdict {
	v := &Verdict{Denial: d}
	for _, c := range d.Causes {
		h := Hypothesis{Cause: c, Certainty: Possible}
		if len(d.Causes) == 1 && c != Unknown {
			h.Certainty, h.Because = Settled, slices.Clone(d.Proves)
		}
		v.Hypotheses = append(v.Hypotheses, h)
	}
	if t == nil {
		return v
	}
	v.resolve(t, given)
	w := &weighing{Verdict: v, t: t, given: given}
	switch {
	case d.Service == Federation:
		w.federation()
	case d.Service == IdentityEndpoint || d.Service == VaultReference && d.Code == "MSINotEnabled":
		w.endpoint()
	case d.RolesEvaluated():
		w.roles()
	}
	v.sort()
	return v
}

// resolve finds out who asked for what where.
func (v *Verdict) resolve(t *Tenant, given Given) {
	v.At = t.Snapshot.TakenAt
	ok := given.Caller != ""
	if v.Who = given.Caller; !ok {
		v.Who, ok = t.caller(&v.Caller)
	}
	if !ok {
		v.Unresolved = append(v.Unresolved, "the text names no caller that the input knows")
	}
	ok = !given.Resource.IsZero()
	if v.Where = given.Resource; !ok {
		v.Where, ok = t.place(v.Denial)
	}
	if !ok {
		v.Unresolved = append(v.Unresolved, "the text names no resource that the input holds")
	}
	if v.What = given.Operation; !v.What.IsZero() {
		return
	}
	if v.What, v.Plane, ok = t.operation(v.Denial, v.Where); !ok {
		v.Unresolved = append(v.Unresolved, "the text names no operation")
	}
}

// asked reports whether the question is complete.
func (v *Verdict) asked() bool { return v.Who != "" && !v.What.IsZero() && !v.Where.IsZero() }

// say puts a cause into the list with what speaks for it; facts are added to one that is
// there already.
func (v *Verdict) say(c Cause, certainty Certainty, because ...string) *Hypothesis {
	i := slices.IndexFunc(v.Hypotheses, func(h Hypothesis) bool { return h.Cause == c })
	if i < 0 {
		v.Hypotheses = append(v.Hypotheses, Hypothesis{Cause: c, Certainty: Possible})
		i = len(v.Hypotheses) - 1
	}
	h := &v.Hypotheses[i]
	if rank(certainty) < rank(h.Certainty) || certainty == Excluded && h.Certainty == Possible {
		h.Certainty = certainty
	}
	h.Because = append(h.Because, because...)
	return h
}

func rank(c Certainty) int { return slices.Index(certaintyOrder, c) }

// sort puts what is settled first and what is excluded last; the order of the text stands
// between equals.
func (v *Verdict) sort() {
	slices.SortStableFunc(v.Hypotheses, func(a, b Hypothesis) int { return rank(a.Certainty) - rank(b.Certainty) })
}
