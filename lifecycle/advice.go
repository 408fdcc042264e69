// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Signs look for what makes a resource of a snapshot anew.
type Signs struct {
	declared map[arm.Key][]*mivet.Declaration
	// tagged are the resources and groups with a tag that names a pull request.
	tagged map[arm.Key]mivet.Evidence
}

// NewSigns reads the declarations and the tags of a snapshot once.
func NewSigns(s *mivet.Snapshot) *Signs {
	out := &Signs{map[arm.Key][]*mivet.Declaration{}, map[arm.Key]mivet.Evidence{}}
	for i := range s.Resources {
		if r := &s.Resources[i]; r.Detail != nil {
			if e, ok := pullRequestTag(r); ok {
				out.tagged[r.ID.Key()] = e
			}
		}
	}
	for i := range s.Declarations {
		if d := &s.Declarations[i]; !d.Resource.IsZero() && !d.Grant {
			out.declared[d.Resource.Key()] = append(out.declared[d.Resource.Key()], d)
		}
	}
	return out
}

// Of lists the signs that a resource is made anew, the surest first.
func (s *Signs) Of(id arm.ID) []mivet.Evidence {
	var out []mivet.Evidence
	add := func(kind mivet.EvidenceKind, at mivet.Source, format string, args ...any) {
		out = append(out, mivet.Evidence{Kind: kind, Source: at, Fact: fmt.Sprintf(format, args...)})
	}
	for _, at := range []arm.ID{id, id.ResourceGroupID()} {
		if e, ok := s.tagged[at.Key()]; ok && !at.IsZero() {
			out = append(out, e)
			break
		}
	}
	for _, d := range s.declared[id.Key()] {
		if name, per := perWhat(d.Varies); per != "" {
			add(mivet.Configured, d.Source, "%s is made anew for each %s: it is named by %s", d.Address, per, name)
		}
		if slices.Contains(d.Actions, "delete") && slices.Contains(d.Actions, "create") {
			order := "after it is deleted"
			if slices.Index(d.Actions, "create") < slices.Index(d.Actions, "delete") {
				order = "before it is deleted"
			}
			add(mivet.Configured, d.Source, "the plan makes %s anew, %s", d.Address, order)
		}
		if n := len(d.FormerPrincipals); n > 0 && !slices.Contains(d.Actions, "delete") {
			add(mivet.Configured, d.Source, "two principals of %s are in evidence: %s has ended", d.Address, d.FormerPrincipals[0])
		}
		if k := Find(d.Type); k != nil && k.EachRelease() != "" {
			add(mivet.Predicted, d.Source, "%s is made anew by every change of %s", d.Type, k.EachRelease())
			return out
		}
	}
	if k := FindAzure(id.Type()); k != nil {
		add(mivet.Predicted, mivet.Source{}, "%s is made anew by every change of %s", id.Type(), k.EachRelease())
	}
	return out
}

// Open says why it cannot be told from the code whether a resource is made anew: a clause
// without a full stop, or "".
func (s *Signs) Open(id arm.ID) string {
	for _, d := range s.declared[id.Key()] {
		for _, v := range d.Varies {
			if v == workspace {
				return "the name of " + d.Address + " hangs on the workspace, and whether each pull request has one of its own is not in the input"
			}
			if slices.Contains(words(v), "ephemeral") || slices.Contains(words(v), "preview") {
				return "the name of " + d.Address + " hangs on " + v + ", and how long what it stands for lives is not in the input"
			}
		}
	}
	return ""
}

// Rules say which type follows from what; empty ones are the default.
type Rules struct{ Recreated, Stable, Shared, Alone mivet.IdentityKind }

// Use is what is known of the workload of an identity.
type Use struct {
	// Recreated are signs that what runs the code is made anew.
	Recreated []mivet.Evidence
	// Stable is true where its principal must stay the same.
	Stable bool
	// Workloads is how many workloads present it.
	Workloads int
}

// Advice is a type with the reason.
type Advice struct {
	Type mivet.IdentityKind
	// Because says why, a clause without a full stop.
	Because string
}

// Advise says which type an identity should have. The first that is true counts: the resource
// is made anew, the principal must stay, several workloads share it; else it is one workload
// alone, and the identity that ends with it is the better one
// (learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations).
func Advise(u Use, r Rules) Advice {
	or := func(k, otherwise mivet.IdentityKind) mivet.IdentityKind {
		if k != "" {
			return k
		}
		return otherwise
	}
	switch {
	case len(u.Recreated) > 0:
		return Advice{or(r.Recreated, mivet.UserAssigned), strings.TrimSuffix(u.Recreated[0].Fact, ".")}
	case u.Stable:
		return Advice{or(r.Stable, mivet.UserAssigned), "its principal must stay the same"}
	case u.Workloads > 1:
		return Advice{or(r.Shared, mivet.UserAssigned), fmt.Sprintf("%d workloads present it", u.Workloads)}
	}
	return Advice{or(r.Alone, mivet.SystemAssigned), "one workload presents it, nothing makes that anew, and nothing outside needs the principal to stay"}
}
