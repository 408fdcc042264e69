// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// WorkloadOf returns the workload that a carrier belongs to: slots belong to their app,
// instances to their scale set, and what a cluster keeps for itself to the cluster.
// Machines of one availability set are one workload. Two carriers that a plan declares
// with count, and with nothing else between them, are replicas of one.
func (p *Pass) WorkloadOf(r *mivet.Resource) string {
	if r.Detail != nil && !r.Detail.ManagedBy.IsZero() && catalog.RunsCode(r.Detail.ManagedBy.Type()) {
		return string(r.Detail.ManagedBy.Key())
	}
	for _, setting := range []string{"virtualMachineScaleSet.id", "availabilitySet.id"} {
		if v, ok := r.Setting(setting); ok && v != "" && v != "null" {
			return string(arm.Fold(v))
		}
	}
	if block, ok := counted(r.Source); ok {
		return block
	}
	top := r.ID
	for parent := top.Parent(); parent.Level() == arm.LevelResource && catalog.RunsCode(parent.Type()); parent = top.Parent() {
		top = parent
	}
	return string(top.Key())
}

// counted returns the block of an object that a plan or state makes with count: the
// address without the number of the instance.
func counted(s mivet.Source) (string, bool) {
	if s.Origin == nil {
		return "", false
	}
	address, index, ok := strings.Cut(s.Origin.Address, "[")
	index, rest, closed := strings.Cut(index, "]")
	if !ok || !closed || rest != "" || index == "" || strings.Trim(index, "0123456789") != "" {
		return "", false
	}
	return s.Origin.File + " " + address, true
}

// Carriers returns the resources that carry an identity, in the order of their IDs.
func (p *Pass) Carriers(id *mivet.Identity) []*mivet.Resource {
	var out []*mivet.Resource
	p.Index().Carriers(id, func(r *mivet.Resource) bool {
		out = append(out, r)
		return true
	})
	if len(out) < 2 {
		return out
	}
	slices.SortFunc(out, func(a, b *mivet.Resource) int { return strings.Compare(string(a.ID.Key()), string(b.ID.Key())) })
	return slices.CompactFunc(out, func(a, b *mivet.Resource) bool { return a.ID.Equal(b.ID) })
}

// Name returns the best name for people that is known of a principal, and never "".
func (p *Pass) Name(id mivet.PrincipalID) string {
	if n := p.Index().PrincipalName(id); n != "" {
		return n
	}
	if owner, ok := id.Symbolic(); ok {
		return "the principal of " + shortOwner(owner)
	}
	return string(id)
}

// shortOwner returns the name of an object from its resource ID, and an address as it is.
func shortOwner(owner string) string {
	if id, err := arm.ParseID(owner); err == nil {
		return id.Name()
	}
	return owner
}

// SubjectOf returns the subject for a principal: the identity's resource if it has one.
func (p *Pass) SubjectOf(id mivet.PrincipalID) mivet.Subject {
	s := mivet.Subject{Principal: id, Name: p.Name(id)}
	if m := p.Index().Identity(id); m != nil {
		s.Resource = m.Resource
	}
	return s
}
