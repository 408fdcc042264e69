// SPDX-License-Identifier: Apache-2.0

package mivet

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet/arm"
)

func mustID(tb testing.TB, s string) arm.ID {
	tb.Helper()
	id, err := arm.ParseID(s)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func TestSeverityText(t *testing.T) {
	f := func(s Severity, text string) {
		t.Helper()
		b, err := json.Marshal(s)
		if err != nil || string(b) != `"`+text+`"` {
			t.Errorf("%d is written %s, %v; want %q", s, b, err, text)
		}
		got := Severity(99)
		if err := json.Unmarshal(b, &got); err != nil || got != s {
			t.Errorf("%s is read %d, %v; want %d", b, got, err, s)
		}
	}
	f(SeverityUnset, "")
	f(SeverityInfo, "info")
	f(SeverityLow, "low")
	f(SeverityMedium, "medium")
	f(SeverityHigh, "high")
	f(SeverityCritical, "critical")
	s := SeverityLow
	if err := s.UnmarshalText([]byte("High")); err == nil || s != SeverityLow {
		t.Errorf("a severity in capitals is read %s, %v", s, err)
	}
	if got := Severity(99).String(); got != "invalid" {
		t.Errorf("severity 99 is %q", got)
	}
}

func TestPlaneText(t *testing.T) {
	f := func(p Plane, text string) {
		t.Helper()
		b, err := p.MarshalText()
		if err != nil || string(b) != text {
			t.Errorf("%d is written %s, %v; want %q", p, b, err, text)
		}
		got := Plane(99)
		if err := got.UnmarshalText(b); err != nil || got != p {
			t.Errorf("%s is read %d, %v; want %d", b, got, err, p)
		}
	}
	f(PlaneUnknown, "unknown")
	f(PlaneControl, "control")
	f(PlaneData, "data")
	p := PlaneData
	if err := p.UnmarshalText(nil); err != nil || p != PlaneUnknown {
		t.Errorf("an empty text is the plane %s, %v", p, err)
	}
	p = PlaneData
	if err := p.UnmarshalText([]byte("management")); err == nil || p != PlaneData {
		t.Errorf("another word is the plane %s, %v", p, err)
	}
}

func TestSubject(t *testing.T) {
	app := mustID(t, "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/Shop")
	f := func(s Subject, key, text string) {
		t.Helper()
		if s.Key() != key || s.String() != text {
			t.Errorf("key %q and text %q, want %q and %q", s.Key(), s.String(), key, text)
		}
	}
	f(Subject{Resource: app, Principal: "p", Address: "a", Name: "the shop"}, string(app.Key()), "the shop")
	f(Subject{Resource: app, Principal: "p"}, string(app.Key()), "Shop")
	f(Subject{Principal: "p", Address: "a"}, "p", "p")
	f(Subject{Address: "a"}, "a", "a")
	f(Subject{}, "", "the input")
}

func TestIDs(t *testing.T) {
	guid := func(s string, want bool) {
		t.Helper()
		if got := IsGUID(s); got != want {
			t.Errorf("IsGUID(%q) = %t", s, got)
		}
	}
	guid("0123abcd-4567-89EF-0000-000000000000", true)
	guid("0123abcd-4567-89ef-0000-00000000000", false)
	guid("0123abcd-4567-89ef-0000-00000000000g", false)
	guid("0123abcd+4567-89ef-0000-000000000000", false)
	guid("0123abcd4-567-89ef-0000-000000000000", false)

	principal := func(s string, want PrincipalID) {
		t.Helper()
		if got := NewPrincipalID(s); got != want {
			t.Errorf("NewPrincipalID(%q) = %q, want %q", s, got, want)
		}
	}
	principal(" 0123ABCD-4567-89EF-0000-000000000000\n", "0123abcd-4567-89ef-0000-000000000000")
	principal(" Ann ", "Ann")

	role := func(s string, want RoleID) {
		t.Helper()
		if got := NewRoleID(s); got != want {
			t.Errorf("NewRoleID(%q) = %q, want %q", s, got, want)
		}
	}
	role("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/ACDD72A7-3385-48EF-BD42-F606FBA81AE7/", "acdd72a7-3385-48ef-bd42-f606fba81ae7")
	role(" ACDD72A7-3385-48EF-BD42-F606FBA81AE7", "acdd72a7-3385-48ef-bd42-f606fba81ae7")
	role("/ key vault / ", "key vault") // once cut it stays the same

	owner, ok := SymbolicPrincipal("azurerm_linux_web_app.a").Symbolic()
	if owner != "azurerm_linux_web_app.a" || !ok {
		t.Errorf("a symbolic principal is of %q, %t", owner, ok)
	}
	if _, ok := Everyone.Symbolic(); ok {
		t.Error("everyone is symbolic")
	}
}

func TestSourceString(t *testing.T) {
	f := func(s Source, want string) {
		t.Helper()
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(Source{}, "no source recorded")
	f(Source{Origin: &Origin{File: "plan.json"}}, "plan.json")
	f(Source{Origin: &Origin{File: "plan.json", Address: "azurerm_key_vault.kv"}, Line: 12}, "plan.json:12 (azurerm_key_vault.kv)")
	f(Source{Origin: &Origin{API: "GET /subscriptions"}, Line: 3}, "GET /subscriptions")
	f(Source{Origin: &Origin{}, Line: 3}, "line 3")
	if !(Source{}).IsZero() || (Source{Line: 1}).IsZero() || (Source{Origin: &Origin{}}).IsZero() {
		t.Error("a source without origin and line alone is zero")
	}
}

func TestResourceDetail(t *testing.T) {
	bare := Resource{}
	r := Resource{Detail: &Detail{
		Tags:     map[string]string{"Owner": "ann", "env": "prod"},
		Settings: map[string]string{"disableLocalAuth": "true"},
	}}
	f := func(r *Resource, get func(*Resource, string) (string, bool), name, want string, found bool) {
		t.Helper()
		if got, ok := get(r, name); got != want || ok != found {
			t.Errorf("%s is %q, %t; want %q, %t", name, got, ok, want, found)
		}
	}
	f(&r, (*Resource).Tag, "Owner", "ann", true)
	f(&r, (*Resource).Tag, "ENV", "prod", true)
	f(&r, (*Resource).Tag, "cost", "", false)
	f(&bare, (*Resource).Tag, "Owner", "", false)
	f(&r, (*Resource).Setting, "disableLocalAuth", "true", true)
	f(&r, (*Resource).Setting, "disablelocalauth", "", false)
	f(&bare, (*Resource).Setting, "disableLocalAuth", "", false)
}

// Append takes the facts of every kind, whatever kinds there will be.
func TestAppendTakesEverything(t *testing.T) {
	early, late := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	full := func(taken time.Time, tenant string) *Snapshot {
		s := &Snapshot{TakenAt: taken, TenantID: tenant}
		for _, field := range reflect.ValueOf(s).Elem().Fields() {
			if field.Kind() == reflect.Slice {
				field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			}
		}
		return s
	}
	s := full(early, "t")
	s.Append(full(late, "u"))
	for field, value := range reflect.ValueOf(s).Elem().Fields() {
		if value.Kind() == reflect.Slice && value.Len() != 2 {
			t.Errorf("%s has %d entries after one was added to one", field.Name, value.Len())
		}
	}
	if !s.TakenAt.Equal(late) || s.TenantID != "t" {
		t.Errorf("taken at %s in %q", s.TakenAt, s.TenantID)
	}
	s = &Snapshot{TakenAt: late}
	s.Append(full(early, "u"))
	if !s.TakenAt.Equal(late) || s.TenantID != "u" {
		t.Errorf("taken at %s in %q", s.TakenAt, s.TenantID)
	}
}

func TestIndex(t *testing.T) {
	const group = "/subscriptions/s/resourceGroups/g/providers/"
	a, b := mustID(t, group+"Microsoft.Web/sites/a"), mustID(t, group+"Microsoft.Web/sites/b")
	user := mustID(t, group+"Microsoft.ManagedIdentity/userAssignedIdentities/u")
	x := NewIndex(&Snapshot{
		Resources: []Resource{
			{ID: a, Identity: &Attachment{System: true, SystemPrincipal: "pa", User: []arm.ID{user}}},
			{ID: b, Identity: &Attachment{User: []arm.ID{user}}},
			{ID: mustID(t, group+"Microsoft.Web/sites/c")},
			{ID: b, Location: "later", Identity: &Attachment{User: []arm.ID{user}}},
		},
		Identities: []Identity{
			{Kind: SystemAssigned, Resource: a, Principal: "pa"},
			{Kind: UserAssigned, Resource: user, Principal: "pu"},
			{Kind: SystemAssigned, Resource: mustID(t, group+"Microsoft.Web/sites/unread"), Principal: ""},
		},
		Principals:      []Principal{{ID: "pa"}, {ID: "ann", Name: "Ann"}},
		RoleDefinitions: []RoleDefinition{{ID: "r", Name: "Custom"}},
	})
	if got := x.Resource(mustID(t, group+"microsoft.web/SITES/B")); got == nil || got.Location != "later" {
		t.Errorf("the later b is %+v", got)
	}
	if x.Resource(user) != nil || x.Principal("pu") != nil || x.Identity("") != nil || x.Identity("ann") != nil || x.UserAssigned(a) != nil || x.Role("q") != nil {
		t.Error("something was found that is not there")
	}
	if x.Principal("ann").Name != "Ann" || !x.Identity("pa").Resource.Equal(a) || x.UserAssigned(user).Principal != "pu" || x.Role("r").Name != "Custom" {
		t.Error("something that is there was not found")
	}
	f := func(id *Identity, most int, want ...string) {
		t.Helper()
		var got []string
		x.Carriers(id, func(r *Resource) bool {
			got = append(got, r.ID.Name())
			return len(got) < most
		})
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("carriers of %s (-want +got):\n%s", id.Resource, d)
		}
	}
	f(x.Identity("pa"), 9, "a")
	f(x.UserAssigned(user), 9, "a", "b") // b once, although it is there twice
	f(x.UserAssigned(user), 1, "a")
	f(&Identity{Kind: SystemAssigned, Resource: user}, 9)
	for id, want := range map[PrincipalID]string{"ann": "Ann", "pa": "a", "pu": "u", "nobody": ""} {
		if got := x.PrincipalName(id); got != want {
			t.Errorf("%s is named %q, want %q", id, got, want)
		}
	}
}

// The table of IDs finds what a map of keys finds, of any number of resources, whatever
// their letters.
func TestIndexOfManyResources(t *testing.T) {
	var s Snapshot
	last := map[arm.Key]int{}
	for i := range 500 {
		name := strings.Repeat("Käse", i%3) + strconv.Itoa(i*i%350)
		if i%2 == 0 {
			name = strings.ToUpper(name)
		}
		id := mustID(t, "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/"+name)
		s.Resources = append(s.Resources, Resource{ID: id})
		last[id.Key()] = i
		x := NewIndex(&s)
		if i%50 != 0 {
			continue
		}
		for j := range s.Resources {
			if got, want := x.Resource(s.Resources[j].ID), &s.Resources[last[s.Resources[j].ID.Key()]]; got != want {
				t.Fatalf("of %d resources %s is found as %v", i+1, s.Resources[j].ID, got)
			}
		}
		if x.Resource(mustID(t, "/subscriptions/s/resourceGroups/g")) != nil || x.Resource(arm.ID{}) != nil {
			t.Error("what is not there is found")
		}
	}
}
