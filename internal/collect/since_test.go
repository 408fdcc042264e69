// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/snapshot"
)

// collected reads a tenant and returns the snapshot, and its file to go on from.
func collected(t testing.TB, o *collect.Config) (*collect.Result, *collect.Earlier) {
	t.Helper()
	res, err := collect.Collect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := res.Write(&file, "mivet "+o.Version); err != nil {
		t.Fatal(err)
	}
	if err := res.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := snapshot.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Snapshot(snapshot.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return res, &collect.Earlier{Snapshot: s, Tool: f.Header().Tool, KeyID: f.Header().KeyID, Raw: f.EachProperties}
}

// rawForms are the raw forms of resources by their IDs.
func rawForms(t *testing.T, e *collect.Earlier) map[arm.Key]string {
	t.Helper()
	out := map[arm.Key]string{}
	err := e.Raw(func(id arm.ID, raw json.RawMessage) error {
		out[id.Key()] = string(raw)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// later is the demo tenant some days on: an app has another tag and another identity, one
// is gone, one is new, and somebody has a new grant.
func later(t *testing.T) *mivet.Snapshot {
	t.Helper()
	s := demo(t)
	at := func(name string) int {
		i := slices.IndexFunc(s.Resources, func(r mivet.Resource) bool { return r.ID.Name() == name })
		if i < 0 {
			t.Fatalf("the demo has no %s", name)
		}
		return i
	}
	web := &s.Resources[at("catalog-web")]
	changed := *web.Detail
	changed.Tags = map[string]string{"owner": "somebody else"}
	web.Detail = &changed
	gone := s.Resources[at("price-sync")].ID
	fresh := s.Resources[at("landing")]
	id, err := arm.ParseID(strings.Replace(fresh.ID.String(), "/landing", "/landing-2", 1))
	if err != nil {
		t.Fatal(err)
	}
	fresh.ID, fresh.Identity = id, nil
	s.Resources = append(s.Resources, fresh)
	s.Resources = slices.DeleteFunc(s.Resources, func(r mivet.Resource) bool { return r.ID.Equal(gone) })
	s.Identities = slices.DeleteFunc(s.Identities, func(i mivet.Identity) bool { return i.Resource.Equal(gone) })
	s.RoleAssignments = append(s.RoleAssignments, s.RoleAssignments[0])
	grant := &s.RoleAssignments[len(s.RoleAssignments)-1]
	grant.ID, grant.Scope = arm.ID{}, web.ID
	return s
}

// oldChange is a record from before everything.
func oldChange(t *testing.T) lab.Change {
	t.Helper()
	id, err := arm.ParseID("/subscriptions/shop-prod/resourceGroups/orders/providers/Microsoft.Web/sites/orders-api")
	if err != nil {
		t.Fatal(err)
	}
	return lab.Change{At: time.Now().Add(-48 * time.Hour), Resource: id, Kind: lab.ChangeUpdate}
}

// TestSince goes on from a snapshot: what comes out is what reading everything gives, save
// that what did not change was read when it was read.
func TestSince(t *testing.T) {
	srv := serve(t, demo(t), lab.Options{Changes: []lab.Change{oldChange(t)}})
	o := configFor(t, srv, collect.WithSettings)
	_, before := collected(t, o)
	if err := srv.Replace(later(t)); err != nil {
		t.Fatal(err)
	}
	whole, all := collected(t, o)
	next := *o
	next.Since = before
	res, now := collected(t, &next)
	// What carries an identity is read in any case; beside it one is new, which has none, and one is gone.
	carriers := carrying(whole.Snapshot)
	if k := res.Since; k == nil || k.Whole != "" || k.Read != carriers+1 || k.Gone != 1 || k.Kept != len(before.Snapshot.Resources)-resourceGroups(before.Snapshot)-children(before.Snapshot)-carriers-1 {
		t.Errorf("%+v of %d", res.Since, len(before.Snapshot.Resources))
	}
	if d := cmp.Diff(facts(t, whole.Snapshot), facts(t, res.Snapshot)); d != "" {
		t.Errorf("another tenant than when everything is read:\n%s", d)
	}
	if d := cmp.Diff(rawForms(t, all), rawForms(t, now)); d != "" {
		t.Errorf("other raw forms:\n%s", d)
	}
	for _, r := range res.Snapshot.Resources {
		switch kept := r.Source.Origin.ReadAt.Before(whole.Snapshot.TakenAt); {
		case r.ID.Name() == "orders-kv" && !kept:
			t.Error("what did not change does not say when it was read")
		case r.ID.Name() == "catalog-web" && kept:
			t.Error("what changed was not read again")
		}
	}
	if in := strings.Join(res.Snapshot.Inputs, "\n"); !strings.Contains(in, "resources without a change since") {
		t.Errorf("the inputs do not say that resources were kept: %s", in)
	}

	// And on from there: nothing changed since.
	next.Since = now
	again, _ := collected(t, &next)
	if d := cmp.Diff(facts(t, whole.Snapshot), facts(t, again.Snapshot)); d != "" || again.Since.Gone != 0 {
		t.Errorf("%+v\n%s", again.Since, d)
	}
}

// carrying counts what carries an identity, or is one.
func carrying(s *mivet.Snapshot) int {
	n := 0
	for _, r := range s.Resources {
		if strings.Contains(r.Source.Origin.API, "(resources)") && (r.Identity != nil || r.ID.HasType("Microsoft.ManagedIdentity/userAssignedIdentities")) {
			n++
		}
	}
	return n
}

func resourceGroups(s *mivet.Snapshot) int {
	n := 0
	for _, r := range s.Resources {
		if r.ID.Level() == arm.LevelResourceGroup {
			n++
		}
	}
	return n
}

// children counts what is not from the list of resources.
func children(s *mivet.Snapshot) int {
	n := 0
	for _, r := range s.Resources {
		if r.ID.Level() != arm.LevelResourceGroup && !strings.Contains(r.Source.Origin.API, "(resources)") {
			n++
		}
	}
	return n
}

// TestSinceWithoutRecord: changes that Azure has no record of are noticed by their number.
func TestSinceWithoutRecord(t *testing.T) {
	first := serve(t, demo(t), lab.Options{})
	_, before := collected(t, configFor(t, first))
	s := later(t)
	s.Resources = s.Resources[:len(s.Resources)-1] // else one is gone and one is new: the number is the same
	srv := serve(t, s, lab.Options{Changes: []lab.Change{oldChange(t)}})
	o := configFor(t, srv)
	whole, _ := collected(t, o)
	next := *o
	next.Since = before
	res, _ := collected(t, &next)
	if k := res.Since; k.Whole != "" || k.Read == 0 || k.Kept == 0 {
		t.Errorf("%+v", k)
	}
	if d := cmp.Diff(facts(t, whole.Snapshot), facts(t, res.Snapshot)); d != "" {
		t.Errorf("another tenant than when everything is read:\n%s", d)
	}
}

// TestSinceIdentityWithoutRecord: an identity that changed, came or went is noticed without a
// record and with the same number of resources.
func TestSinceIdentityWithoutRecord(t *testing.T) {
	s := demo(t)
	first := serve(t, s, lab.Options{})
	_, before := collected(t, configFor(t, first))
	changed := demo(t)
	var names []string
	for i := range changed.Resources {
		r := &changed.Resources[i]
		switch {
		case r.Identity != nil && r.Identity.System && len(names) == 0: // made anew under its name
			at := *r.Identity
			old := at.SystemPrincipal
			at.SystemPrincipal = "abababab-0000-4000-8000-000000000001"
			r.Identity = &at
			for k := range changed.Identities {
				if changed.Identities[k].Principal == old {
					changed.Identities[k].Principal = at.SystemPrincipal
				}
			}
			names = append(names, r.ID.Name())
		case r.Identity != nil && len(r.Identity.User) > 0 && len(names) == 1: // it carries one no more
			r.Identity = nil
			names = append(names, r.ID.Name())
		}
	}
	if len(names) != 2 {
		t.Fatalf("the demo has only %v", names)
	}
	srv := serve(t, changed, lab.Options{Changes: []lab.Change{oldChange(t)}})
	o := configFor(t, srv)
	whole, _ := collected(t, o)
	next := *o
	next.Since = before
	res, _ := collected(t, &next)
	if k := res.Since; k.Whole != "" || k.Kept == 0 || k.Gone != 0 {
		t.Errorf("%+v", k)
	}
	if d := cmp.Diff(facts(t, whole.Snapshot), facts(t, res.Snapshot)); d != "" {
		t.Errorf("another tenant than when everything is read, with %v changed:\n%s", names, d)
	}
}

// TestSinceWhole: where changes may be lost, everything is read, and it is said why.
func TestSinceWhole(t *testing.T) {
	srv := serve(t, demo(t), lab.Options{Changes: []lab.Change{oldChange(t)}})
	o := configFor(t, srv)
	whole, before := collected(t, o)
	next, e, s := *o, *before, *before.Snapshot
	s.TakenAt = s.TakenAt.AddDate(0, 0, -3)
	e.Snapshot, next.Since = &s, &e
	res, _ := collected(t, &next)
	if !strings.Contains(res.Since.Whole, "keeps no change from before") || res.Since.Kept != 0 {
		t.Errorf("%+v", res.Since)
	}
	if d := cmp.Diff(facts(t, whole.Snapshot), facts(t, res.Snapshot)); d != "" {
		t.Errorf("another tenant:\n%s", d)
	}

	// What cannot be taken from the file ends the collection.
	e = *before
	e.Raw = func(func(arm.ID, json.RawMessage) error) error { return nil }
	next.Since = &e
	if _, err := collect.Collect(t.Context(), &next); err == nil || !strings.Contains(err.Error(), "it has no raw form of") {
		t.Errorf("%v", err)
	}
}

// TestSinceTruncated: a list of changes that was cut is none.
func TestSinceTruncated(t *testing.T) {
	srv := serve(t, demo(t), lab.Options{Changes: []lab.Change{oldChange(t)}})
	o := configFor(t, srv)
	_, before := collected(t, o)
	if err := srv.AddFault(lab.Fault{Kind: lab.FaultTruncate, API: lab.APIResourceGraph}); err != nil {
		t.Fatal(err)
	}
	o.Since = before
	res, _ := collected(t, o)
	if !strings.Contains(res.Since.Whole, "cut") {
		t.Errorf("%+v", res.Since)
	}
}
