// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// ChangeKind is what happened to a resource.
type ChangeKind string

// What happens to resources, in the words of Azure.
const (
	ChangeCreate ChangeKind = "Create"
	ChangeUpdate ChangeKind = "Update"
	ChangeDelete ChangeKind = "Delete"
)

// Change is a row of the table resourcechanges of Resource Graph.
type Change struct {
	At       time.Time
	Resource arm.ID
	Kind     ChangeKind
}

const (
	changeType = "Microsoft.Resources/changes"
	// changesKept is how long Azure keeps changes (MicrosoftDocs/azure-docs
	// articles/governance/resource-graph/how-to/get-resource-changes.md).
	changesKept = 14 * 24 * time.Hour
)

// Replace serves another snapshot from now on. As with every write, a change is kept for
// each resource that is not there any more, is new, or looks otherwise.
func (s *Server) Replace(snap *mivet.Snapshot) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.publish(func(d *draft) error {
		d.snap, d.bodies, d.deletedVaults = *snap, map[arm.Key]object{}, map[string]deletedVault{}
		return nil
	})
}

// keepChanges keeps what became of resources between two states.
func (s *Server) keepChanges(old, now *world) error {
	changes, err := changesBetween(old, now, s.now())
	if err != nil {
		return fmt.Errorf("comparing two states of the lab: %w", err)
	}
	s.changesMu.Lock()
	defer s.changesMu.Unlock()
	s.changes = append(s.changes, changes...)
	return nil
}

// inResources reports whether a type is in the table resources.
func inResources(typ string) bool {
	return typ != subscriptionType && typ != groupType && !isChild(typ) && !strings.EqualFold(typ, policyType) && !strings.EqualFold(typ, diagnosticType)
}

func changesBetween(old, now *world, at time.Time) ([]Change, error) {
	var list []Change
	for i := range old.resources {
		t := &old.resources[i]
		if _, there := now.byKey[t.key]; !there && inResources(t.typ) {
			list = append(list, Change{at, t.id, ChangeDelete})
		}
	}
	for i := range now.resources {
		t := &now.resources[i]
		if !inResources(t.typ) {
			continue
		}
		k, there := old.byKey[t.key]
		if !there {
			list = append(list, Change{at, t.id, ChangeCreate})
			continue
		}
		same, err := equalThings(old, &old.resources[k], now, t)
		if err != nil {
			return nil, err
		}
		if !same {
			list = append(list, Change{at, t.id, ChangeUpdate})
		}
	}
	return list, nil
}

func equalThings(old *world, a *thing, now *world, b *thing) (bool, error) {
	// Identities and vaults show more than their own fact. Of the others equal facts look equal.
	if !strings.EqualFold(a.typ, identityType) && !strings.EqualFold(a.typ, vaultType) &&
		reflect.DeepEqual(a.node, b.node) && reflect.DeepEqual(old.bodies[a.key], now.bodies[b.key]) {
		return true, nil
	}
	x, err := old.graphResource(a)
	if err != nil {
		return false, err
	}
	y, err := now.graphResource(b)
	if err != nil {
		return false, err
	}
	before, err := json.Marshal(x)
	if err != nil {
		return false, err
	}
	after, err := json.Marshal(y)
	return bytes.Equal(before, after), err
}

// addChanges adds the changes that are still kept, of what the caller may read.
func (s *view) addChanges(t *table, c *caller, sc scopes, f *Fault) {
	s.changesMu.Lock()
	changes := slices.Clone(s.changes)
	s.changesMu.Unlock()
	for i, ch := range changes {
		sub := ch.Resource.Subscription()
		n, _ := s.world.tree.Find(sub)
		if s.now().Sub(ch.At) > changesKept || f.hides(ch.Resource) || !s.sees(c, sub) || !sc.holds(s.world.tree, n, false) {
			continue
		}
		if ok, _ := s.may(c, readOperation(ch.Resource.Type()), ch.Resource); !ok {
			continue
		}
		id := extensionID(arm.ID{}, ch.Resource, changeType, fmt.Sprint(i), timeText(ch.At))
		t.rows = append(t.rows, row{id: id, scope: ch.Resource, typ: changeType, value: func() (object, error) {
			return object{"properties": object{
				"targetResourceId": ch.Resource.String(), "targetResourceType": strings.ToLower(ch.Resource.Type()), "changeType": string(ch.Kind),
				"changeAttributes": object{"timestamp": timeText(ch.At), "changesCount": 0},
			}}, nil
		}})
	}
}
