// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// role is a compiled role definition.
type role struct {
	def   *mivet.RoleDefinition // nil: its definition is not known
	name  string                // what the assignment calls it
	perms []permission
}

// permission is a compiled permission object.
type permission struct {
	control, data rules
	condition     *condition // nil: none
}

// rules is what a permission object grants on one plane, and what it subtracts.
type rules struct {
	grant, subtract []arm.Pattern
	// grantFault and subtractFault say that a pattern could not be read: it may match
	// anything.
	grantFault, subtractFault error
}

// fault returns what is wrong with the rules, or nil.
func (r *rules) fault() error {
	if r.grantFault != nil {
		return r.grantFault
	}
	return r.subtractFault
}

func compilePermissions(perms []mivet.Permission) []permission {
	out := make([]permission, len(perms))
	for i := range perms {
		p := &perms[i]
		out[i] = permission{
			control:   compileRules(p.Actions, p.NotActions),
			data:      compileRules(p.DataActions, p.NotDataActions),
			condition: compileCondition(p.Condition, p.ConditionVersion),
		}
	}
	return out
}

func compileRules(grant, subtract []string) rules {
	var r rules
	r.grant = compilePatterns(grant, &r.grantFault)
	r.subtract = compilePatterns(subtract, &r.subtractFault)
	return r
}

func compilePatterns(texts []string, fault *error) []arm.Pattern {
	out := make([]arm.Pattern, 0, len(texts))
	for _, t := range texts {
		p, err := arm.ParsePattern(t)
		if err != nil {
			*fault = err
			continue
		}
		out = append(out, p)
	}
	return out
}

func (p *permission) rules(plane mivet.Plane) *rules {
	if plane == mivet.PlaneData {
		return &p.data
	}
	return &p.control
}

// permits says whether the rules leave the operation granted.
func (r *rules) permits(op arm.Operation) abac.Truth {
	granted := matchesAny(r.grant, op)
	switch {
	case !granted && r.grantFault == nil, matchesAny(r.subtract, op):
		return abac.False
	case !granted || r.subtractFault != nil:
		return abac.Unknown
	default:
		return abac.True
	}
}

func matchesAny(patterns []arm.Pattern, op arm.Operation) bool {
	for i := range patterns {
		if patterns[i].Matches(op) {
			return true
		}
	}
	return false
}

// code is what a role makes of an operation on one plane.
type code uint8

const (
	codeNo       code = iota // it does not grant it
	codeGrants               // it grants it, whatever conditions inside the role say
	codeHangs                // it grants it under a condition inside the role
	codeNotKnown             // the role, or a pattern of it, is not known
)

func (r *role) code(op arm.Operation, plane mivet.Plane) code {
	if r.def == nil {
		return codeNotKnown
	}
	best := codeNo
	for i := range r.perms {
		p := &r.perms[i]
		switch p.rules(plane).permits(op) {
		case abac.True:
			if p.condition == nil {
				return codeGrants
			}
			best = codeHangs
		case abac.Unknown:
			if best == codeNo {
				best = codeNotKnown
			}
		case abac.False:
		}
	}
	return best
}

// row is what every role of the engine makes of one operation.
type row struct {
	op    arm.Operation
	plane mivet.Plane // as the catalogue knows it, or the service's own system
	// codes holds per role the code of the control plane in the low two bits and that of
	// the data plane in the next two.
	codes []uint8
	// vault says that it is an operation on the contents of a vault, and local that a
	// service with an authorization system of its own decides on it: system.
	vault, local bool
	system       mivet.LocalSystem
	// blob says that it is an operation on blobs, and model is the setting of a resource
	// that bears on it; nil for none.
	blob  bool
	model *settingModel
}

func (r *row) code(role uint32, plane mivet.Plane) code {
	c := r.codes[role]
	if plane == mivet.PlaneData {
		c >>= 2
	}
	return code(c & 3)
}

func newRow(roles []role, op arm.Operation, plane mivet.Plane) *row {
	r := &row{
		op: op, plane: plane, codes: make([]uint8, len(roles)),
		vault: strings.HasPrefix(string(op.Key()), vaultOperations), system: localSystem(op),
	}
	r.local = r.system != ""
	r.blob = strings.HasPrefix(string(op.Key()), strings.ToLower(blobOperations))
	r.model = modelFor(op)
	for i := range roles {
		c := roles[i].code(op, mivet.PlaneControl)
		d := roles[i].code(op, mivet.PlaneData)
		r.codes[i] = uint8(c) | uint8(d)<<2
	}
	return r
}

// maxOddRows bounds how many rows are kept for operations that the catalogue does not
// know, so that a stream of made-up names cannot fill the memory.
const maxOddRows = 4096

// rows keeps the row of each operation that was asked for. It is safe for concurrent use.
type rows struct {
	roles []role
	cat   *catalog.Catalog
	known []atomic.Pointer[row] // by the catalogue's number

	mu  sync.RWMutex
	odd map[arm.Key]*row
}

func newRows(roles []role, cat *catalog.Catalog) *rows {
	r := &rows{roles: roles, cat: cat, odd: map[arm.Key]*row{}}
	if cat != nil {
		r.known = make([]atomic.Pointer[row], cat.NumOperations())
	}
	return r
}

func (r *rows) get(op arm.Operation) *row {
	if r.cat != nil {
		if i, ok := r.cat.FindOperation(op); ok {
			return r.getKnown(i)
		}
	}
	key := op.Key()
	r.mu.RLock()
	found := r.odd[key]
	r.mu.RUnlock()
	if found != nil {
		return found
	}
	made := newRow(r.roles, op, PlaneOf(nil, op))
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.odd) < maxOddRows {
		r.odd[key] = made
	}
	return made
}

func (r *rows) getKnown(i int) *row {
	if found := r.known[i].Load(); found != nil {
		return found
	}
	op := r.cat.Operation(i)
	made := newRow(r.roles, op, PlaneOf(r.cat, op))
	r.known[i].Store(made)
	return made
}

// roleSet interns the roles that assignments name.
type roleSet struct {
	snap  *mivet.Snapshot
	cat   *catalog.Catalog
	byID  map[mivet.RoleID]*mivet.RoleDefinition
	byKey map[arm.Key]*mivet.RoleDefinition
	index map[roleKey]uint32
	roles []role
}

func newRoleSet(s *mivet.Snapshot, cat *catalog.Catalog) *roleSet {
	rs := &roleSet{
		snap: s, cat: cat, index: map[roleKey]uint32{},
		byID:  make(map[mivet.RoleID]*mivet.RoleDefinition, len(s.RoleDefinitions)),
		byKey: make(map[arm.Key]*mivet.RoleDefinition, len(s.RoleDefinitions)),
	}
	for i := range s.RoleDefinitions {
		d := &s.RoleDefinitions[i]
		rs.byID[d.ID] = d
		rs.byKey[arm.Fold(d.Name)] = d
	}
	return rs
}

// find returns the definition: the tenant's own before the catalogue's, the ID before
// the name.
func (rs *roleSet) find(id mivet.RoleID, name string) *mivet.RoleDefinition {
	if id != "" {
		if d := rs.byID[id]; d != nil {
			return d
		}
		if rs.cat != nil {
			return rs.cat.Role(id)
		}
		return nil
	}
	if name == "" {
		return nil
	}
	if d := rs.byKey[arm.Fold(name)]; d != nil {
		return d
	}
	if rs.cat != nil {
		return rs.cat.RoleByName(name)
	}
	return nil
}

func (rs *roleSet) intern(id mivet.RoleID, name string) uint32 {
	key := roleKey{kind: roleByID, text: string(id)}
	if id == "" {
		key = roleKey{kind: roleByName, text: string(arm.Fold(name))}
	}
	return rs.internAs(key, func() role {
		def := rs.find(id, name)
		r := role{def: def, name: name}
		if def != nil {
			r.perms = compilePermissions(def.Permissions)
		}
		if r.name == "" {
			r.name = string(id)
		}
		return r
	})
}

// roleKey tells roles apart that are compiled once.
type roleKey struct {
	kind roleKind
	text string
}

type roleKind uint8

const (
	roleByID      roleKind = iota // a role definition
	roleByName                    // a role definition of which the name is known alone
	roleLocal                     // of a service's own system, or made of an access list
	roleDelegated                 // what is left of a role when it is delegated
)

func (rs *roleSet) internAs(key roleKey, compile func() role) uint32 {
	if n, ok := rs.index[key]; ok {
		return n
	}
	n := uint32(len(rs.roles))
	rs.index[key] = n
	rs.roles = append(rs.roles, compile())
	return n
}

func (r *role) label() string {
	if r.def != nil && r.def.Name != "" {
		return r.def.Name
	}
	return fmt.Sprintf("role %s", r.name)
}
