// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"slices"
	"strings"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// Powers are what a role's content makes of its holder. They are read from the patterns
// of the role, never from its name or its privileged flag.
type Powers uint32

// The powers. Those of Resource Manager are on the control plane unless they say
// otherwise.
const (
	// WritesMost: writes, deletes or acts in at least half of all resource providers.
	WritesMost Powers = 1 << iota
	// DataMost: data operations in at least half of the providers that have any.
	DataMost
	// GrantsRoles: writes role assignments, by a permission object without a condition.
	GrantsRoles
	// GrantsSome: writes role assignments, but only as a condition inside the role allows.
	GrantsSome
	// EditsRoles: writes role definitions, and so can widen a custom role that it holds.
	EditsRoles
	// WritesVaultPolicies: writes key vaults or their access policies.
	WritesVaultPolicies
	// WritesFederation: writes federated credentials of user-assigned identities.
	WritesFederation
	// AssignsIdentities: attaches user-assigned identities to resources.
	AssignsIdentities
	// TakesKeys: lists or renews keys that open data without an identity.
	TakesKeys
	// Writes: at least one operation that is not a read.
	Writes
	// ReadsSecrets: data plane, reads the values of secrets in key vaults.
	ReadsSecrets
	// UsesData: data plane, any operation.
	UsesData
)

// Privileged are the powers by which a holder can become more than its role says.
const Privileged = WritesMost | DataMost | GrantsRoles | EditsRoles | WritesVaultPolicies | WritesFederation | AssignsIdentities

// Has reports whether all powers of q are there.
func (p Powers) Has(q Powers) bool { return p&q == q }

// Any reports whether at least one power of q is there.
func (p Powers) Any(q Powers) bool { return p&q != 0 }

var powerTexts = []struct {
	power Powers
	text  string
}{
	{WritesMost, "changes resources of nearly every kind"},
	{DataMost, "reads or writes data of nearly every service"},
	{GrantsRoles, "grants any role to anybody"},
	{GrantsSome, "grants some roles, under a condition"},
	{EditsRoles, "changes role definitions"},
	{WritesVaultPolicies, "writes access policies of key vaults"},
	{WritesFederation, "lets outside tokens act as identities"},
	{AssignsIdentities, "attaches identities to resources"},
	{TakesKeys, "takes keys that open data without an identity"},
	{ReadsSecrets, "reads secrets"},
}

// Words returns the powers of mask that are there, in words.
func (p Powers) Words(mask Powers) []string {
	var out []string
	for _, t := range powerTexts {
		if p&mask&t.power != 0 {
			out = append(out, t.text)
		}
	}
	return out
}

// Role is a role with what its content makes of its holder.
type Role struct {
	// Definition is nil where it is not known: the role has no powers then, and nothing may
	// be concluded from that.
	Definition *mivet.RoleDefinition
	// Label is the role's name, else what the assignment calls it.
	Label  string
	Powers Powers

	permissions []permission
	counted     bool            // Powers were read
	writes      map[string]bool // by resource type: answers of Changes
	data        map[string]bool
}

type permission struct {
	actions, notActions, dataActions, notDataActions []arm.Pattern
	conditional                                      bool
}

// Grants reports whether the role's content has an operation, whatever conditions say.
func (r *Role) Grants(op arm.Operation, plane mivet.Plane) bool {
	return r.grants(op, plane, true)
}

func (r *Role) grants(op arm.Operation, plane mivet.Plane, conditional bool) bool {
	for i := range r.permissions {
		p := &r.permissions[i]
		if p.conditional && !conditional {
			continue
		}
		grant, subtract := p.actions, p.notActions
		if plane == mivet.PlaneData {
			grant, subtract = p.dataActions, p.notDataActions
		}
		if matchesAny(grant, op) && !matchesAny(subtract, op) {
			return true
		}
	}
	return false
}

func matchesAny(patterns []arm.Pattern, op arm.Operation) bool {
	for i := range patterns {
		if patterns[i].Matches(op) {
			return true
		}
	}
	return false
}

// roleBook reads each role once.
type roleBook struct {
	shared *shared
	byID   map[mivet.RoleID]*Role
	byName map[arm.Key]*Role
	own    map[arm.Key]*mivet.RoleDefinition
	ops    operations
	// builtIn are the catalogue's roles without powers, for comparisons between them.
	builtIn  func() []*Role
	smallest map[sizeKey]*mivet.RoleDefinition
	split    map[underKey]split
}

func newRoleBook(sh *shared) *roleBook {
	b := &roleBook{
		shared: sh, byID: map[mivet.RoleID]*Role{}, byName: map[arm.Key]*Role{},
		own: map[arm.Key]*mivet.RoleDefinition{}, ops: newOperations(sh.catalog),
		smallest: map[sizeKey]*mivet.RoleDefinition{}, split: map[underKey]split{},
	}
	b.builtIn = sync.OnceValue(func() []*Role {
		var out []*Role
		all := sh.catalog.Roles()
		for i := range all {
			out = append(out, &Role{Definition: &all[i], Label: all[i].Name, permissions: compile(&all[i])})
		}
		return out
	})
	for i := range sh.snapshot.RoleDefinitions {
		d := &sh.snapshot.RoleDefinitions[i]
		b.own[arm.Fold(d.Name)] = d
	}
	return b
}

// Role returns the role of an assignment: the snapshot's own definition, else the
// catalogue's; by ID, or by name where there is no ID. It is never nil.
func (p *Pass) Role(a *mivet.RoleAssignment) *Role { return p.memo.roles.role(a.Role, a.RoleName) }

// AnyRole reports whether one of the built-in roles of those names has one of the powers.
func (p *Pass) AnyRole(names []string, powers Powers) bool {
	return slices.ContainsFunc(names, func(name string) bool { return p.memo.roles.role("", name).Powers.Any(powers) })
}

func (b *roleBook) role(id mivet.RoleID, name string) *Role {
	if id != "" {
		r, ok := b.byID[id]
		if !ok {
			def := b.shared.index().Role(id)
			if def == nil {
				def = b.shared.catalog.Role(id)
			}
			r = b.read(def, name, string(id))
			b.byID[id] = r
		}
		return r
	}
	key := arm.Fold(name)
	r, ok := b.byName[key]
	if !ok {
		def := b.own[key]
		if def == nil && name != "" {
			def = b.shared.catalog.RoleByName(name)
		}
		r = b.read(def, name, "a role without a name")
		b.byName[key] = r
	}
	return r
}

func (b *roleBook) read(def *mivet.RoleDefinition, name, fallback string) *Role {
	r := &Role{Definition: def, Label: name, writes: map[string]bool{}, data: map[string]bool{}}
	if r.Label == "" {
		r.Label = fallback
	}
	if def == nil {
		return r
	}
	if def.Name != "" {
		r.Label = def.Name
	}
	r.permissions = compile(def)
	r.Powers = b.ops.powers(r)
	return r
}

func compile(def *mivet.RoleDefinition) []permission {
	out := make([]permission, 0, len(def.Permissions))
	for i := range def.Permissions {
		p := &def.Permissions[i]
		out = append(out, permission{
			actions: patterns(p.Actions), notActions: patterns(p.NotActions),
			dataActions: patterns(p.DataActions), notDataActions: patterns(p.NotDataActions),
			conditional: strings.TrimSpace(p.Condition) != "",
		})
	}
	return out
}

// patterns reads patterns; what cannot be read grants nothing that is known, and the
// engine says so of each decision that hangs on it.
func patterns(texts []string) []arm.Pattern {
	var out []arm.Pattern
	for _, t := range texts {
		if p, err := arm.ParsePattern(t); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// operations are the operations that powers are read from.
type operations struct {
	// writes and data are, by provider, operations that are not reads, and data operations.
	writes, data map[string][]arm.Operation
	keys         []arm.Operation
	named        map[Powers][]arm.Operation
	sizes        map[arm.Key]int            // by pattern
	typeData     map[string][]arm.Operation // data operations by resource type of two segments
}

// The operations behind single powers. Where they are written:
// MicrosoftDocs/azure-docs articles/role-based-access-control/permissions/security.md and
// …/permissions/management-and-governance.md.
var powerOperations = []struct {
	power Powers
	names []string
}{
	{EditsRoles, []string{"Microsoft.Authorization/roleDefinitions/write"}},
	{WritesVaultPolicies, []string{"Microsoft.KeyVault/vaults/write", "Microsoft.KeyVault/vaults/accessPolicies/write"}},
	{WritesFederation, []string{"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"}},
	{AssignsIdentities, []string{"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"}},
}

const (
	roleAssignmentWrite = "Microsoft.Authorization/roleAssignments/write"
	getSecret           = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
)

func newOperations(c *catalog.Catalog) operations {
	o := operations{
		writes: map[string][]arm.Operation{}, data: map[string][]arm.Operation{},
		sizes: map[arm.Key]int{}, named: map[Powers][]arm.Operation{}, typeData: map[string][]arm.Operation{},
	}
	for i := range c.NumOperations() {
		op := c.Operation(i)
		plane, _ := c.Plane(i)
		provider, _, _ := strings.Cut(string(op.Key()), "/")
		switch {
		case plane == mivet.PlaneData:
			o.data[provider] = append(o.data[provider], op)
			t := typeOf(string(op.Key()))
			o.typeData[t] = append(o.typeData[t], op)
		case plane == mivet.PlaneControl && !strings.HasSuffix(string(op.Key()), "/read"):
			o.writes[provider] = append(o.writes[provider], op)
		}
	}
	for _, p := range powerOperations {
		o.named[p.power] = parseOperations(p.names...)
	}
	o.named[GrantsRoles] = parseOperations(roleAssignmentWrite)
	o.named[ReadsSecrets] = parseOperations(getSecret)
	for _, k := range c.KeyBypasses() {
		if strings.HasSuffix(string(k.Action.Key()), "/read") {
			continue // whether a plain reader gets the secret is not verified
		}
		switch k.Kind {
		case catalog.BypassKey, catalog.BypassSASKey, catalog.BypassAdminUser:
			o.keys = append(o.keys, k.Action)
		default: // other ways round have powers of their own
		}
	}
	return o
}

// typeOf returns the resource type of two segments that an operation's folded name begins
// with.
func typeOf(key string) string {
	provider, rest, _ := strings.Cut(key, "/")
	first, _, _ := strings.Cut(rest, "/")
	return provider + "/" + first
}

func parseOperations(names ...string) []arm.Operation {
	var out []arm.Operation
	for _, n := range names {
		if op, err := arm.ParseOperation(n); err == nil {
			out = append(out, op)
		}
	}
	return out
}

func (o *operations) powers(r *Role) Powers {
	p := o.grantPowers(r)
	for _, named := range powerOperations {
		if o.any(r, named.power, mivet.PlaneControl) {
			p |= named.power
		}
	}
	for i := range o.keys {
		if r.Grants(o.keys[i], mivet.PlaneControl) {
			p |= TakesKeys
			break
		}
	}
	if o.any(r, ReadsSecrets, mivet.PlaneData) {
		p |= ReadsSecrets
	}
	for i := range r.permissions {
		if len(r.permissions[i].dataActions) > 0 {
			p |= UsesData
		}
		for _, pattern := range r.permissions[i].actions {
			if !strings.HasSuffix(string(pattern.Key()), "/read") {
				p |= Writes
			}
		}
	}
	return p | o.breadth(r)
}

func (o *operations) grantPowers(r *Role) Powers {
	for _, op := range o.named[GrantsRoles] {
		switch {
		case r.grants(op, mivet.PlaneControl, false):
			return GrantsRoles
		case r.grants(op, mivet.PlaneControl, true):
			return GrantsSome
		}
	}
	return 0
}

func (o *operations) any(r *Role, power Powers, plane mivet.Plane) bool {
	for _, op := range o.named[power] {
		if r.Grants(op, plane) {
			return true
		}
	}
	return false
}

// breadth counts providers. Roles that name few providers are not counted through.
func (o *operations) breadth(r *Role) Powers {
	var p Powers
	if spread(r, func(m *permission) []arm.Pattern { return m.actions }) && covers(r, o.writes, mivet.PlaneControl) {
		p |= WritesMost
	}
	if spread(r, func(m *permission) []arm.Pattern { return m.dataActions }) && covers(r, o.data, mivet.PlaneData) {
		p |= DataMost
	}
	return p
}

// manyProviders is how many providers a role must name before its breadth is counted.
const manyProviders = 10

// spread reports whether a role has a pattern that is bound to no provider, or patterns
// of many.
func spread(r *Role, of func(*permission) []arm.Pattern) bool {
	named := map[string]bool{}
	for i := range r.permissions {
		for _, pattern := range of(&r.permissions[i]) {
			provider, _, bound := strings.Cut(string(pattern.Prefix()), "/")
			switch {
			case bound:
			case strings.HasSuffix(string(pattern.Key()), "/read"):
				continue // reads alone make nobody powerful
			default:
				return true
			}
			named[provider] = true
		}
	}
	return len(named) >= manyProviders
}

func covers(r *Role, providers map[string][]arm.Operation, plane mivet.Plane) bool {
	covered := 0
	for _, ops := range providers {
		for i := range ops {
			if r.Grants(ops[i], plane) {
				covered++
				break
			}
		}
	}
	return covered > 0 && 2*covered >= len(providers)
}

// Changes reports whether the role may write, delete or act on resources of a type of
// two segments, such as "Microsoft.Web/sites".
func (p *Pass) changes(r *Role, resourceType string) bool {
	answer, ok := r.writes[resourceType]
	if !ok {
		for _, op := range parseOperations(resourceType+"/write", resourceType+"/delete") {
			answer = answer || r.Grants(op, mivet.PlaneControl)
		}
		r.writes[resourceType] = answer
	}
	return answer
}

// usesData reports whether the role has a data operation of a type of two segments.
func (p *Pass) usesData(r *Role, resourceType string) bool {
	key := string(arm.Fold(resourceType))
	answer, ok := r.data[key]
	if !ok {
		for _, op := range p.memo.roles.ops.typeData[key] {
			if answer = r.Grants(op, mivet.PlaneData); answer {
				break
			}
		}
		if len(p.memo.roles.ops.typeData[key]) == 0 {
			answer = r.namesData(key)
		}
		r.data[key] = answer
	}
	return answer
}

// namesData reports whether a data action of the role is about a type of which the
// catalogue does not know which operations are data operations, such as Service Bus.
func (r *Role) namesData(resourceType string) bool {
	below := resourceType + "/"
	for i := range r.permissions {
		for _, pattern := range r.permissions[i].dataActions {
			prefix := string(pattern.Prefix())
			if strings.Contains(prefix, "/") && (strings.HasPrefix(below, prefix) || strings.HasPrefix(prefix, below)) {
				return true
			}
		}
	}
	return false
}
