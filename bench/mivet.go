// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// mivet is told the facts as any source would tell them, with the roles as published:
// nothing is expanded, and nothing that Azure RBAC has is left out.

// snapshot turns the tenant into facts.
func (t *tenant) snapshot() (*mivet.Snapshot, []arm.ID, error) {
	ids := make([]arm.ID, len(t.scopes))
	s := &mivet.Snapshot{TakenAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	for i := range t.scopes {
		id, err := arm.ParseID(t.scopes[i].id)
		if err != nil {
			return nil, nil, err
		}
		ids[i] = id
		var parent arm.ID
		if p := t.scopes[i].parent; p >= 0 {
			parent = ids[p]
		}
		switch id.Level() {
		case arm.LevelManagementGroup:
			s.ManagementGroups = append(s.ManagementGroups, mivet.ManagementGroup{ID: id, Parent: parent})
		case arm.LevelSubscription:
			s.Subscriptions = append(s.Subscriptions, mivet.Subscription{ID: id, Parent: parent})
		default:
			s.Resources = append(s.Resources, mivet.Resource{ID: id})
		}
	}
	for _, m := range t.members {
		s.Memberships = append(s.Memberships, mivet.Membership{Group: mivet.NewPrincipalID(m.group), Member: mivet.NewPrincipalID(m.member)})
	}
	for _, a := range t.assignments {
		typ := mivet.TypeServicePrincipal
		if a.group {
			typ = mivet.TypeGroup
		}
		s.RoleAssignments = append(s.RoleAssignments, mivet.RoleAssignment{
			Principal: mivet.NewPrincipalID(a.principal), PrincipalType: typ, Role: t.roles[a.role].ID, Scope: ids[a.scope],
		})
	}
	return s, ids, nil
}

func (o *operation) plane() mivet.Plane {
	if o.data {
		return mivet.PlaneData
	}
	return mivet.PlaneControl
}

// A mivetRun is a loaded engine with the questions in its own types.
type mivetRun struct {
	t      *tenant
	engine *authz.Engine
	ids    []arm.ID
	qs     []question
	asked  []authz.Request
}

func newMivetRun(t *tenant, qs []question, cat *catalog.Catalog) (*mivetRun, error) {
	s, ids, err := t.snapshot()
	if err != nil {
		return nil, err
	}
	m := &mivetRun{t: t, engine: authz.New(s, authz.Options{Catalog: cat}), ids: ids, qs: qs}
	for _, q := range qs {
		op := &t.operations[q.operation]
		parsed, err := arm.ParseOperation(op.name)
		if err != nil {
			return nil, err
		}
		m.asked = append(m.asked, authz.Request{
			Principal: mivet.NewPrincipalID(q.principal), Operation: parsed, Plane: op.plane(), Resource: ids[q.resource],
		})
	}
	return m, nil
}

// decided refuses "unknown": everything in this tenant is known.
func decided(d authz.Decision) (bool, error) {
	if d.Effect == authz.Unknown {
		return false, fmt.Errorf("mivet does not know: %s", d.Cause)
	}
	return d.Effect == authz.Allowed, nil
}

// loadMivet asks by parsed names.
func loadMivet(cat *catalog.Catalog) loader {
	return func(t *tenant, qs []question) (asker, error) {
		m, err := newMivetRun(t, qs, cat)
		if err != nil {
			return nil, err
		}
		return func(i int) (bool, error) { return decided(m.engine.Check(m.asked[i])) }, nil
	}
}

// loadMivetText asks by text, parsed anew for each question.
func loadMivetText(cat *catalog.Catalog) loader {
	return func(t *tenant, qs []question) (asker, error) {
		m, err := newMivetRun(t, qs, cat)
		if err != nil {
			return nil, err
		}
		return func(i int) (bool, error) {
			q := &qs[i]
			op, err := arm.ParseOperation(t.operations[q.operation].name)
			if err != nil {
				return false, err
			}
			id, err := arm.ParseID(t.scopes[q.resource].id)
			if err != nil {
				return false, err
			}
			return decided(m.engine.Check(authz.Request{
				Principal: mivet.NewPrincipalID(q.principal), Operation: op, Plane: t.operations[q.operation].plane(), Resource: id,
			}))
		}, nil
	}
}

// loadMivetHandles asks by numbers that were looked up before.
func loadMivetHandles(cat *catalog.Catalog) loader {
	return func(t *tenant, qs []question) (asker, error) {
		m, err := newMivetRun(t, qs, cat)
		if err != nil {
			return nil, err
		}
		handles := handlesOf(m.engine, m.asked)
		return func(i int) (bool, error) {
			h := &handles[i]
			return decided(m.engine.CheckRef(h.principal, h.operation, &h.resource, h.plane, time.Time{}))
		}, nil
	}
}

// A handle is a question in the numbers of one engine.
type handle struct {
	principal authz.PrincipalRef
	operation authz.OperationRef
	resource  authz.ResourceRef
	plane     mivet.Plane
}

func handlesOf(e *authz.Engine, asked []authz.Request) []handle {
	out := make([]handle, len(asked))
	for i := range asked {
		r := &asked[i]
		out[i] = handle{e.Principal(r.Principal), e.Operation(r.Operation), e.Resource(r.Resource), r.Plane}
	}
	return out
}
