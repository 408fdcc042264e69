// SPDX-License-Identifier: Apache-2.0

package mivet

import (
	"slices"

	"github.com/mivet/mivet/arm"
)

// Index finds the facts of a snapshot by their names. It is built once, reads nothing
// else, and is safe for concurrent use. Where a snapshot holds an object twice, the
// later one is found, since later inputs are the newer ones.
type Index struct {
	s          *Snapshot
	resources  *idTable
	principals map[PrincipalID]int
	identities map[PrincipalID]int
	userIDs    map[arm.Key]int
	roles      map[RoleID]int
	carriers   map[arm.Key][]int
}

// NewIndex reads the snapshot once.
func NewIndex(s *Snapshot) *Index {
	x := &Index{
		s:          s,
		resources:  newIDTable(len(s.Resources), func(i int) arm.ID { return s.Resources[i].ID }),
		principals: make(map[PrincipalID]int, len(s.Principals)),
		identities: make(map[PrincipalID]int, len(s.Identities)),
		userIDs:    map[arm.Key]int{},
		roles:      make(map[RoleID]int, len(s.RoleDefinitions)),
		carriers:   map[arm.Key][]int{},
	}
	for i := range s.Resources {
		x.addResource(i)
	}
	for i := range s.Principals {
		x.principals[s.Principals[i].ID] = i
	}
	for i := range s.Identities {
		id := &s.Identities[i]
		if id.Principal != "" {
			x.identities[id.Principal] = i
		}
		if id.Kind == UserAssigned {
			x.userIDs[id.Resource.Key()] = i
		}
	}
	for i := range s.RoleDefinitions {
		x.roles[s.RoleDefinitions[i].ID] = i
	}
	return x
}

func (x *Index) addResource(i int) {
	r := &x.s.Resources[i]
	twice := x.resources.put(i) >= 0
	if r.Identity == nil {
		return
	}
	for _, u := range r.Identity.User {
		list := x.carriers[u.Key()]
		if twice { // it carries the identity once
			list = slices.DeleteFunc(list, func(j int) bool { return x.s.Resources[j].ID.Equal(r.ID) })
		}
		x.carriers[u.Key()] = append(list, i)
	}
}

// Resource returns the resource of that ID, or nil.
func (x *Index) Resource(id arm.ID) *Resource {
	if i := x.resources.get(id); i >= 0 {
		return &x.s.Resources[i]
	}
	return nil
}

// Principal returns what the directory says of a principal, or nil.
func (x *Index) Principal(id PrincipalID) *Principal {
	if i, ok := x.principals[id]; ok {
		return &x.s.Principals[i]
	}
	return nil
}

// Identity returns the managed identity whose principal it is, or nil.
func (x *Index) Identity(id PrincipalID) *Identity {
	if i, ok := x.identities[id]; ok {
		return &x.s.Identities[i]
	}
	return nil
}

// UserAssigned returns the user-assigned identity of that resource ID, or nil.
func (x *Index) UserAssigned(id arm.ID) *Identity {
	if i, ok := x.userIDs[id.Key()]; ok {
		return &x.s.Identities[i]
	}
	return nil
}

// Role returns the definition that the snapshot itself holds, or nil. Built-in roles are
// found in the catalogue instead.
func (x *Index) Role(id RoleID) *RoleDefinition {
	if i, ok := x.roles[id]; ok {
		return &x.s.RoleDefinitions[i]
	}
	return nil
}

// Carriers calls yield for each resource to which a managed identity is attached.
func (x *Index) Carriers(id *Identity, yield func(*Resource) bool) {
	if id.Kind == SystemAssigned {
		if r := x.Resource(id.Resource); r != nil {
			yield(r)
		}
		return
	}
	for _, i := range x.carriers[id.Resource.Key()] {
		if !yield(&x.s.Resources[i]) {
			return
		}
	}
}

// PrincipalName returns the best name that is known for a principal: the directory's,
// else that of the managed identity's resource, else "".
func (x *Index) PrincipalName(id PrincipalID) string {
	if p := x.Principal(id); p != nil && p.Name != "" {
		return p.Name
	}
	if m := x.Identity(id); m != nil {
		return m.Resource.Name()
	}
	return ""
}
