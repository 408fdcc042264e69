// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// question is a request in the engine's own numbers.
type question struct {
	e        *Engine
	caller   mivet.PrincipalID
	who      PrincipalRef
	groups   []mivet.PrincipalID
	resource arm.ID
	node     arm.Node
	exact    bool // node is the resource itself
	row      *row
	plane    mivet.Plane
	at       time.Time
	given    *abac.Env
	place    place
	// weight says, per class, whether grants of it count for this question.
	weight [numClasses]abac.Truth
	// rolesOnly leaves the access lists of paths out.
	rolesOnly bool
}

// place says what is known of a resource's position.
type place uint8

const (
	placeKnown    place = iota
	placeNoParent       // the management groups above its subscription are not known
	placeUnknown        // no fact of the snapshot speaks of its subscription, or it is not given
)

// subjects returns the caller (i is -1) or one of the groups that the request names, with
// all groups above.
func (q *question) subjects(i int) []int32 {
	n := q.who.number
	if i >= 0 {
		n = q.e.people.find(q.groups[i])
	}
	if n == noPerson {
		return nil
	}
	return q.e.people.subjects.of(n)
}

// Check answers a request. It does not allocate once an operation was asked for before.
func (e *Engine) Check(r Request) Decision {
	var q question
	q.ask(e, &r)
	return q.decidePlanes(r.Plane)
}

// ask turns a request into the engine's numbers.
func (q *question) ask(e *Engine, r *Request) {
	q.e, q.caller = e, r.Principal
	q.groups, q.resource, q.given, q.at = r.Groups, r.Resource, r.Given, r.At
	if q.at.IsZero() {
		q.at = e.at
	}
	q.row = e.rows.get(r.Operation)

	// First work out where to look, and only then look: what is not in the cache is then
	// read at the same time.
	id, at := e.people.place(r.Principal)
	var where arm.Search
	where.Begin(e.tree, r.Resource)
	q.who = *e.people.at(r.Principal, id, at)
	q.node, q.exact = where.Find()
	q.place = e.placeOf(q)
}

func (e *Engine) placeOf(q *question) place {
	if q.node == arm.RootNode && !q.exact {
		switch q.resource.Level() {
		case arm.LevelTenantResource:
			return placeKnown
		default:
			return placeUnknown
		}
	}
	if e.placeGap(q.node) >= 0 {
		return placeNoParent
	}
	return placeKnown
}

// placeGap returns the gap that leaves open what is above a scope, or -1. The chain of
// management groups is known where it reaches the tenant's root group, whose name is the
// tenant's ID (MicrosoftDocs/azure-docs articles/governance/management-groups/overview.md).
func (e *Engine) placeGap(n arm.Node) int32 {
	g := e.gaps
	if !g.groups.any && !g.subscriptions.any {
		return -1
	}
	top := e.top(n)
	id := e.tree.ID(top)
	level := id.Level()
	if top == arm.RootNode || level == arm.LevelManagementGroup && arm.Fold(id.Name()) == arm.Fold(e.snap.TenantID) {
		return -1
	}
	if g.groups.any && g.groups.facts[n] >= 0 {
		return g.groups.facts[n]
	}
	if g.subscriptions.any && level == arm.LevelSubscription {
		return g.subscriptions.facts[n]
	}
	return -1
}

// top returns the highest scope at or above a scope that is below the root.
func (e *Engine) top(n arm.Node) arm.Node {
	for n != arm.RootNode && e.tree.Parent(n) != arm.RootNode {
		n = e.tree.Parent(n)
	}
	return n
}

// mayBeBelow reports whether the resource may be below a management group although no
// fact says so: what is above the resource is not known, and the group is not itself
// below the highest scope that is.
func (q *question) mayBeBelow(n arm.Node) bool {
	t := q.e.tree
	return q.place == placeNoParent && t.ID(n).Level() == arm.LevelManagementGroup &&
		!t.Contains(n, q.node) && !t.Contains(q.e.top(q.node), n)
}

// decidePlanes answers on the plane that is asked for, else on the one that the catalogue
// knows, else on both.
func (q *question) decidePlanes(asked mivet.Plane) Decision {
	if asked == mivet.PlaneUnknown {
		asked = q.row.plane
	}
	if asked != mivet.PlaneUnknown {
		return q.decide(asked)
	}
	control := q.decide(mivet.PlaneControl)
	data := q.decide(mivet.PlaneData)
	switch {
	case control.Effect != data.Effect:
		return Decision{Effect: Unknown, Cause: CausePlane, Fact: -1}
	case data.Effect == Denied && data.says() > control.says():
		return data
	default:
		return control
	}
}

// says orders the causes of a refusal by how much they tell.
func (d *Decision) says() int {
	return slices.Index([]Cause{CauseNoGrant, CauseEligible, CauseDeny}, d.Cause)
}

// decide answers on one plane.
func (q *question) decide(plane mivet.Plane) Decision {
	if len(q.groups) == 0 && q.e.isOpen(q.node, q.place) && q.e.isPlain(q.row, plane) {
		if d, ok := q.e.fast(&q.who, q.row, plane, q.node); ok {
			return d
		}
	}
	q.on(plane)
	if q.weight[classPolicy] != abac.Unknown {
		return q.weighed()
	}
	return q.decideModels()
}

func (q *question) weighed() Decision {
	var v verdict
	v.gather(q)
	return v.decision()
}

// decideModels answers for a vault whose permission model is not known: for sure, if the
// answer is the same under both.
func (q *question) decideModels() Decision {
	weight := q.weight
	q.weight[classRBAC], q.weight[classPolicy] = abac.True, abac.False
	roles := q.weighed()
	q.weight[classRBAC], q.weight[classPolicy] = abac.False, abac.True
	list := q.weighed()
	q.weight = weight
	switch {
	case roles.Effect == list.Effect:
		return roles
	case list.Effect == Allowed || list.Effect == Unknown && roles.Effect == Denied:
		roles = list
	}
	roles.Effect, roles.Cause = Unknown, CauseVaultModel
	return roles
}

// on turns to one plane, and settles which classes of grants count there.
func (q *question) on(plane mivet.Plane) {
	q.plane = plane
	q.weight = [numClasses]abac.Truth{classRBAC: abac.True, classPolicy: abac.False, classLocal: abac.False}
	switch {
	case q.row.modelled(plane):
		q.weight[classRBAC] = q.e.models.honours(q)
	case plane != mivet.PlaneData:
	case q.row.local:
		q.weight[classRBAC], q.weight[classLocal] = abac.False, abac.True
	case q.row.vault:
		q.weight[classPolicy] = q.e.vaults.policies(q)
		q.weight[classRBAC] = q.weight[classPolicy].Not()
	}
	if q.weight[classDelegated] = abac.False; plane != mivet.PlaneData {
		q.weight[classDelegated] = q.weight[classRBAC] // delegated, data actions do not work
	}
}

// chainLength is how deep a scope may lie for grants to be found by its ancestors.
const chainLength = 32

// chain returns the scopes above the question's and itself, from the root down; nil if
// there are too many.
func (q *question) chain(buf *[chainLength]arm.Node) []arm.Node {
	n := chainLength
	for at := q.node; ; at = q.e.tree.Parent(at) {
		if n == 0 {
			return nil
		}
		n--
		buf[n] = at
		if at == arm.RootNode {
			return buf[n:]
		}
	}
}
