// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// The types that are no host of a technique.
const (
	typeOther int16 = -1
	typeAny   int16 = 0 // every object: who may give rights acts as everything below
)

// maxVariants is how many ways a type of resource can have.
const maxVariants = 64

// plan is a table compiled for one engine.
type plan struct {
	types  []hostType
	byName map[arm.Key]int16
	ops    []planOp
	opNum  map[opKey]int
	// combined are the types whose data operations settings of the resource decide, so that
	// an answer at a scope does not hold below it.
	decidedBySettings map[arm.Key]bool
	// hosting are the ways to get an identity onto a resource of one's own.
	hosting []hosting
	assign  int // the operation that attaches an identity
	grant   int // roleAssignments/write
	define  int // roleDefinitions/write
	// authority are the ways that need rights at a scope alone.
	authority []variant
	// swaps are the ways to bring a slot's code into production.
	swaps []variant
	// crowded are types with more ways than are kept.
	crowded []string
}

type opKey struct {
	key   arm.Key
	plane mivet.Plane
}

type planOp struct {
	op    arm.Operation
	plane mivet.Plane
	ref   authz.OperationRef
}

// variant is a way at one type of resource.
type variant struct {
	row   *Technique
	way   *Way
	needs []variantNeed
	gates []*Gate
	kind  Kind
	multi bool // several rights
	// elsewhere is true where a right is checked on another object than the resource.
	elsewhere bool
}

type variantNeed struct {
	op int
	on Object
}

// hostType is a type of resource with the ways to it.
type hostType struct {
	name     string
	variants []variant
	// masks say which variants are of which sort.
	acts, supply, secret, other uint64
	// runs, content and creds say to which principals of an object a variant leads.
	runs, content, creds uint64
	// ops are all operations that a variant needs; settings says that properties of the
	// resource decide about some.
	ops      bitset
	settings bool
	// children are the parts below the resource that hold a setting of a gate.
	children []string
	// attach is the operation that changes the identities of the resource; -1 for none.
	attach int
}

// hosting is a way to put an identity onto a resource: rights beside the one on the
// identity, and whether code of the caller runs there by them alone.
type hosting struct {
	variant
	typ  int16
	exec bool // another way that runs code is needed
	make bool // the resource can be made in any resource group
}

const (
	assignOperation = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
	grantOperation  = "Microsoft.Authorization/roleAssignments/write"
	defineOperation = "Microsoft.Authorization/roleDefinitions/write"
	identityType    = "Microsoft.ManagedIdentity/userAssignedIdentities"
	slotType        = "Microsoft.Web/sites/slots"
)

func newPlan(t *Table, e *authz.Engine, cat *catalog.Catalog) *plan {
	p := &plan{byName: map[arm.Key]int16{}, opNum: map[opKey]int{}, decidedBySettings: map[arm.Key]bool{}}
	for _, name := range authz.DecidingTypes() {
		p.decidedBySettings[arm.Fold(name)] = true
	}
	p.types = append(p.types, hostType{attach: -1})
	p.assign = p.operation(e, assignOperation, mivet.PlaneControl)
	p.grant = p.operation(e, grantOperation, mivet.PlaneControl)
	p.define = p.operation(e, defineOperation, mivet.PlaneControl)
	p.typeNamed(identityType)
	for i := range t.rows {
		for j := range t.rows[i].Ways {
			p.addWay(e, &t.rows[i], &t.rows[i].Ways[j])
		}
	}
	p.addAttach(e, cat)
	for i := range p.types {
		p.types[i].settle(p)
	}
	return p
}

func (p *plan) operation(e *authz.Engine, name string, plane mivet.Plane) int {
	op, err := arm.ParseOperation(name)
	if err != nil {
		return -1
	}
	k := opKey{op.Key(), plane}
	if n, ok := p.opNum[k]; ok {
		return n
	}
	n := len(p.ops)
	p.opNum[k] = n
	p.ops = append(p.ops, planOp{op, plane, e.Operation(op)})
	return n
}

func (p *plan) typeNamed(name string) int16 {
	k := arm.Fold(name)
	if n, ok := p.byName[k]; ok {
		return n
	}
	n := int16(len(p.types))
	p.byName[k] = n
	p.types = append(p.types, hostType{name: name, attach: -1, settings: p.decidedBySettings[k]})
	return n
}

// typeOf is the type of a resource, or typeOther.
func (p *plan) typeOf(id arm.ID) int16 {
	if n, ok := p.byName[arm.Fold(id.Type())]; ok && id.Level() == arm.LevelResource {
		return n
	}
	return typeOther
}

// addWay compiles a way for each of its types.
func (p *plan) addWay(e *authz.Engine, row *Technique, w *Way) {
	v, ok := p.variant(e, row, w)
	if !ok {
		return // a right outside of Azure
	}
	result := row.resultOf(w)
	switch {
	case result == ResultNone || result == ResultNodes || row.Kind == KindNoPath || row.Kind == KindEnabler:
		return
	case result == ResultBelow:
		p.authority = append(p.authority, v)
		return
	case result == ResultParent:
		p.swaps = append(p.swaps, v)
		return
	case result == ResultAttached || result == ResultAttachExec:
		if row.Kind != KindExec {
			return // the half alone, or what is not proven
		}
		p.addHosting(row, w, v, result)
		return
	}
	for _, name := range row.hostsOf(w) {
		t := p.typeNamed(name)
		p.add(t, v)
		if opened, ok := p.opened(e, v); ok {
			p.add(t, opened)
		}
	}
}

func (p *plan) addHosting(row *Technique, w *Way, v variant, result Result) {
	h := hosting{variant: v, exec: result == ResultAttachExec, make: row.Creatable}
	h.needs = slices.DeleteFunc(slices.Clone(v.needs), func(n variantNeed) bool { return n.op == p.assign })
	for _, name := range row.hostsOf(w) {
		h.typ = p.typeNamed(name)
		p.hosting = append(p.hosting, h)
	}
}

// add appends a variant to a type, as long as there is room.
func (p *plan) add(t int16, v variant) {
	if len(p.types[t].variants) == maxVariants {
		if name := p.types[t].name; !slices.Contains(p.crowded, name) {
			p.crowded = append(p.crowded, name)
		}
		return
	}
	p.types[t].variants = append(p.types[t].variants, v)
}

func (p *plan) variant(e *authz.Engine, row *Technique, w *Way) (variant, bool) {
	v := variant{row: row, way: w, kind: row.Kind, multi: len(w.Needs) > 1}
	for _, name := range w.Gates {
		v.gates = append(v.gates, findGate(name))
	}
	for i := range w.Needs {
		n := &w.Needs[i]
		if n.Plane == OnExternal {
			return v, false
		}
		v.needs = append(v.needs, variantNeed{p.operation(e, n.Operation, n.plane()), n.On})
		v.elsewhere = v.elsewhere || n.On == AtGroup || n.On == AtElsewhere
	}
	return v, true
}

// opened is the way with the right to open its gate, where it has one.
func (p *plan) opened(e *authz.Engine, v variant) (variant, bool) {
	i := slices.IndexFunc(v.gates, func(g *Gate) bool { return g.Opener != "" && !g.Weak })
	if i < 0 {
		return v, false
	}
	opener := p.operation(e, v.gates[i].Opener, mivet.PlaneControl)
	v.gates = slices.Delete(slices.Clone(v.gates), i, i+1)
	if !slices.ContainsFunc(v.needs, func(n variantNeed) bool { return n.op == opener }) {
		v.needs = append(slices.Clone(v.needs), variantNeed{opener, AtHost})
	}
	v.multi = len(v.needs) > 1
	return v, true
}

// addAttach knows for each type with user-assigned identities the operation that changes
// them (spec of the linked check: Azure/aad-pod-identity issue 443).
func (p *plan) addAttach(e *authz.Engine, cat *catalog.Catalog) {
	if cat == nil {
		return
	}
	for i := range p.types {
		t := &p.types[i]
		known, ok := cat.ResourceType(t.name)
		runs := slices.ContainsFunc(t.variants, func(v variant) bool { return v.kind == KindExec })
		if !ok || !known.User || !runs || i == int(p.byName[arm.Fold(identityType)]) {
			continue
		}
		t.attach = p.operation(e, t.name+"/write", mivet.PlaneControl)
		p.hosting = append(p.hosting, hosting{
			variant: variant{needs: []variantNeed{{t.attach, AtHost}}, kind: KindExec}, typ: int16(i), exec: true,
		})
	}
}

// settle computes what follows from the variants.
func (t *hostType) settle(p *plan) {
	t.ops = newBitset(len(p.ops))
	for i := range t.variants {
		v := &t.variants[i]
		bit := uint64(1) << i
		switch {
		case v.kind.Acts():
			t.acts |= bit
		case v.kind == KindSupply:
			t.supply |= bit
		case v.kind == KindSecret:
			t.secret |= bit
		default:
			t.other |= bit
		}
		switch v.row.resultOf(v.way) {
		case ResultConsumers:
			t.content |= bit
		case ResultCredentials:
			t.creds |= bit
		default:
			t.runs |= bit
		}
		for _, n := range v.needs {
			t.ops.set(n.op)
		}
		for _, gate := range v.gates {
			if gate.Child != "" && !slices.Contains(t.children, gate.Child) {
				t.children = append(t.children, gate.Child)
			}
		}
	}
}

// bitset is a set of operations of the plan.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }

func (b bitset) or(o bitset) {
	for i := range o {
		b[i] |= o[i]
	}
}

func (b bitset) meets(o bitset) bool {
	for i := range o {
		if b[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// gateMasks say of the variants of an object's type which are known open and which are
// not closed.
type gateMasks struct{ open, notShut uint64 }

// maskKey is what gates depend on: objects with the same details have the same masks.
type maskKey struct {
	typ    int16
	detail *mivet.Detail
}

// gatesOf reads the gates of all variants at an object.
func (g *Graph) gatesOf(o *object, seen map[maskKey]gateMasks) gateMasks {
	if o.typ == typeOther {
		return gateMasks{}
	}
	key := maskKey{typ: o.typ}
	if o.res != nil {
		key.detail = o.res.Detail
	}
	t := &g.plan.types[o.typ]
	apart := g.gateAt(o) != o.res || slices.ContainsFunc(t.variants, func(v variant) bool { return apart(&v) })
	if m, ok := seen[key]; ok && !apart {
		return m
	}
	var m gateMasks
	for i := range t.variants {
		certain, possible := g.through(&t.variants[i], o)
		if possible {
			m.notShut |= 1 << i
		}
		if certain {
			m.open |= 1 << i
		}
	}
	seen[key] = m
	return m
}

// apart reports whether a gate of the variant is read at another resource.
func apart(v *variant) bool {
	return slices.ContainsFunc(v.gates, func(gate *Gate) bool { return gate.Child != "" })
}

// through reports whether the gates of a variant at an object are all known open, and
// whether none is closed.
func (g *Graph) through(v *variant, o *object) (certain, possible bool) {
	certain, possible = true, true
	for _, gate := range v.gates {
		switch r := gate.read(g.gateAt(o), g.idx.Resource); {
		case r.state == Shut && gate.Weak:
			certain = false
		case r.state == Shut:
			return false, false
		case r.state == Unread && !gate.Weak && !g.o.ClosedWorld:
			certain = false
		}
	}
	return certain, possible
}

// gateAt is the resource whose setting a gate is about: that of the storage account for a
// container or a share.
func (g *Graph) gateAt(o *object) *mivet.Resource {
	if o.id.HasType("Microsoft.Storage/storageAccounts/blobServices/containers") || o.id.HasType("Microsoft.Storage/storageAccounts/fileServices/shares") {
		return g.idx.Resource(o.id.Parent().Parent())
	}
	return o.res // a namespace has its cluster's
}
