// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"github.com/mivet/mivet/arm"
)

// maxTried bounds how many resources of a region are tried as a place for an identity.
const maxTried = 64

// identities makes the entry of a principal that may attach identities at a region, and
// has a resource of its own to attach them to: one right alone gives nothing.
func (r *runner) identities(k int) {
	reg := &r.regions[k]
	typ := r.g.plan.byName[arm.Fold(identityType)]
	if r.inherits(k, r.g.plan.assign) && !r.several || len(r.g.below(typ, reg.node)) == 0 {
		return
	}
	held := r.holds(k, r.g.plan.assign)
	if held == no || r.covered(k, typ) {
		return
	}
	v := min(held, r.hosting())
	if v == no {
		return
	}
	e := entry{holder: r.who, node: reg.node, typ: typ, by: byAttach, possible: 1, exact: r.exact(reg, typ)}
	if v == yes {
		e.certain = 1
	}
	r.entries = append(r.entries, e)
}

// covered reports whether the principal acts as every identity of the region anyway, by a
// way that needs no resource.
func (r *runner) covered(k int, typ int16) bool {
	for at := k; at >= 0; at = r.regions[at].parent {
		p := r.sat[at][typ]
		vs := r.g.plan.types[typ].variants
		for i := range vs {
			if p.certain>>i&1 != 0 && len(vs[i].gates) == 0 {
				return true
			}
		}
	}
	return false
}

// hosting is the best place that the principal has for an identity.
func (r *runner) hosting() verdict {
	if r.hostSet {
		return r.host
	}
	r.hostSet = true
	for i := range r.g.plan.hosting {
		h := &r.g.plan.hosting[i]
		for k := range r.regions {
			if r.host = max(r.host, r.placeAt(k, h)); r.host == yes {
				return yes
			}
		}
	}
	return r.host
}

// placeAt says whether an identity can be put onto a resource of a type in a region, with
// code of the principal's on it.
func (r *runner) placeAt(k int, h *hosting) verdict {
	held := r.held(k, &h.variant)
	if held == no {
		return no
	}
	reg := &r.regions[k]
	if h.make && !h.exec && reg.wide {
		return held
	}
	best := no
	for _, n := range r.g.placesBelow(h.typ, reg.node) {
		o := &r.g.objects[n]
		v := held
		if !r.exact(reg, h.typ) {
			for _, need := range h.needs {
				if need.on == AtHost {
					v = min(v, r.g.ask(r.who, need.op, o.id))
				}
			}
		}
		if h.exec {
			v = min(v, r.runsCode(o))
		}
		if best = max(best, v); best == yes {
			break
		}
	}
	return best
}

// runsCode is the best way of the principal to run code on a resource.
func (r *runner) runsCode(o *object) verdict {
	certain, possible := r.g.variantsAt(r.who, o)
	vs := r.g.plan.types[o.typ].variants
	best := no
	for i := range vs {
		if vs[i].kind != KindExec {
			continue
		}
		switch {
		case (certain&o.gates.open)>>i&1 != 0:
			return yes
		case (possible&o.gates.notShut)>>i&1 != 0:
			best = maybe
		}
	}
	return best
}

// ask is the engine's answer for a principal, an operation of the plan and a resource.
func (g *Graph) ask(who int32, op int, id arm.ID) verdict {
	o := &g.plan.ops[op]
	res := g.engine.Resource(id)
	return settled(g.engine.CheckRef(g.engine.Principal(g.principals[who]), o.ref, &res, o.plane, g.o.At))
}

// variantsAt asks the engine about every right of every variant at one object. Rights at
// other objects are taken as held anywhere by the principal, since entries know that.
func (g *Graph) variantsAt(who int32, o *object) (certain, possible uint64) {
	ref := g.engine.Principal(g.principals[who])
	res := g.engine.Resource(o.id)
	vs := g.plan.types[o.typ].variants
	asked := map[int]verdict{}
	for i := range vs {
		all := yes
		for _, n := range vs[i].needs {
			if n.on != AtHost && n.on != AtIdentity && n.on != AtScope {
				continue
			}
			v, ok := asked[n.op]
			if !ok {
				p := &g.plan.ops[n.op]
				v = settled(g.engine.CheckRef(ref, p.ref, &res, p.plane, g.o.At))
				asked[n.op] = v
			}
			if all = min(all, v); all == no {
				break
			}
		}
		switch all {
		case yes:
			certain |= 1 << i
			possible |= 1 << i
		case maybe:
			possible |= 1 << i
		case no:
		}
	}
	return certain, possible
}
