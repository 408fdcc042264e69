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

// Workloads groups the carriers of each workload, in the order of the first of each. Those
// that run no code, such as a storage account that reads its own key with the identity, are
// no workloads.
func (p *Pass) Workloads(carriers []*mivet.Resource) [][]*mivet.Resource {
	var out [][]*mivet.Resource
	at := map[string]int{}
	for _, r := range carriers {
		if !catalog.RunsCode(r.ID.Type()) {
			continue
		}
		key := p.WorkloadOf(r)
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// OwnIdentity gives a carrier an identity of its own with the roles that a shared one holds,
// and then takes the shared one from it: nothing breaks in between.
func OwnIdentity(r *mivet.Resource, shared arm.ID, holdings []Holding) []mivet.Edit {
	edits := []mivet.Edit{{Kind: mivet.EditAttachIdentity, Resource: r.ID}}
	for i := range holdings {
		a := *holdings[i].Assignment
		a.Principal, a.PrincipalType = SystemPrincipal(r), mivet.TypeServicePrincipal
		a.ID = arm.ID{} // the new one gets an ID of its own
		edits = append(edits, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &a})
	}
	return append(edits, mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: r.ID, Identity: shared})
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
