// SPDX-License-Identifier: Apache-2.0

package tenant_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/snapshot"
	"github.com/mivet/mivet/tenant"
)

func generate(t testing.TB, size tenant.Size) *mivet.Snapshot {
	t.Helper()
	s, err := tenant.Generate(size)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var equalIDs = cmp.Comparer(func(a, b arm.ID) bool { return a.String() == b.String() })

func TestGenerateHasTheSize(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := tenant.SizeOf(rapid.IntRange(0, 3000).Draw(rt, "resources"))
		size.Seed = rapid.Uint64().Draw(rt, "seed")
		size.Subscriptions = rapid.IntRange(1, 20).Draw(rt, "subscriptions")
		if size.Resources > 0 {
			size.Identities = rapid.IntRange(0, size.Resources-(size.Resources+24)/25).Draw(rt, "identities")
		}
		s := generate(t, size)
		conditions := 0
		for i := range s.RoleAssignments {
			if s.RoleAssignments[i].Condition != "" {
				conditions++
			}
		}
		got := []int{
			len(s.ManagementGroups) - 1, len(s.Subscriptions), len(s.Resources), len(s.Identities), len(s.Principals), len(s.RoleAssignments),
			conditions, len(s.RoleDefinitions), len(s.DenyAssignments), len(s.Locks),
		}
		want := []int{
			size.ManagementGroups, size.Subscriptions, size.Resources, size.Identities, size.Identities + size.Users + size.Groups + size.Applications, size.Assignments,
			size.Conditions, size.CustomRoles, size.Denies, size.Locks,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%+v:\n%s", size, diff)
		}
		holdsTogether(rt, s)
	})
}

// holdsTogether checks that facts name objects that are there.
func holdsTogether(t *rapid.T, s *mivet.Snapshot) {
	ids := map[arm.Key]bool{}
	once := func(id arm.ID) {
		if ids[id.Key()] {
			t.Fatalf("%s is there twice", id)
		}
		ids[id.Key()] = true
	}
	for i := range s.ManagementGroups {
		once(s.ManagementGroups[i].ID)
	}
	for i := range s.Subscriptions {
		once(s.Subscriptions[i].ID)
		if !ids[s.Subscriptions[i].Parent.Key()] {
			t.Fatalf("%s has no management group", s.Subscriptions[i].ID)
		}
	}
	for i := range s.Resources {
		once(s.Resources[i].ID)
		if parent := s.Resources[i].ID.ResourceGroupID(); !ids[parent.Key()] {
			t.Fatalf("%s has no group", s.Resources[i].ID)
		}
	}
	x := mivet.NewIndex(s)
	for i := range s.Identities {
		id := &s.Identities[i]
		r := x.Resource(id.Resource)
		if r == nil || x.Principal(id.Principal) == nil || id.Kind == mivet.SystemAssigned && r.Identity.SystemPrincipal != id.Principal {
			t.Fatalf("the identity of %s hangs in the air", id.Resource)
		}
	}
	for i := range s.Resources {
		if a := s.Resources[i].Identity; a != nil {
			for _, u := range a.User {
				if x.UserAssigned(u) == nil {
					t.Fatalf("%s has the identity %s, which is not there", s.Resources[i].ID, u)
				}
			}
		}
	}
	for i := range s.RoleAssignments {
		once(s.RoleAssignments[i].ID)
		scopeIsThere(t, ids, s.RoleAssignments[i].Scope)
	}
	for i := range s.DenyAssignments {
		once(s.DenyAssignments[i].ID)
		scopeIsThere(t, ids, s.DenyAssignments[i].Scope)
	}
	for _, m := range s.Memberships {
		if x.Principal(m.Group) == nil || x.Principal(m.Member) == nil || m.Group == m.Member {
			t.Fatalf("the membership of %s in %s hangs in the air", m.Member, m.Group)
		}
	}
}

// scopeIsThere accepts what lies below a resource too.
func scopeIsThere(t *rapid.T, ids map[arm.Key]bool, scope arm.ID) {
	for id := scope; id.Level() >= arm.LevelManagementGroup; id = id.Parent() {
		if ids[id.Key()] {
			return
		}
		if id.Level() != arm.LevelResource {
			break
		}
	}
	t.Fatalf("the scope %s is not there", scope)
}

func TestGenerateIsDeterministic(t *testing.T) {
	size := tenant.SizeOf(2_000)
	size.Seed = 3
	a, b := generate(t, size), generate(t, size)
	if diff := cmp.Diff(a, b, equalIDs); diff != "" {
		t.Error(diff)
	}
	size.Seed++
	if c := generate(t, size); c.TenantID == a.TenantID || c.Identities[0].Principal == a.Identities[0].Principal {
		t.Error("another seed gives the same tenant")
	}
}

// What a tenant should have so that engines have something to do.
func TestGenerateIsVaried(t *testing.T) {
	s := generate(t, tenant.SizeOf(20_000))
	x := mivet.NewIndex(s)
	n := map[string]int{}
	for i := range s.RoleAssignments {
		a := &s.RoleAssignments[i]
		n["scope "+a.Scope.Level().String()]++
		n["holder "+string(a.PrincipalType)]++
		if x.Principal(a.Principal) == nil {
			n["deleted"]++
		}
		if x.Identity(a.Principal) != nil {
			n["identity"]++
		}
		if a.Eligible {
			n["eligible"]++
		}
		if !a.End.IsZero() {
			n["ends"]++
		}
		if x.Role(a.Role) != nil {
			n["custom role"]++
		}
	}
	for i := range s.Resources {
		if a := s.Resources[i].Identity; a != nil && len(a.User) > 0 {
			n["attached"]++
			if a.System {
				n["both sorts"]++
			}
		}
	}
	for _, m := range s.Memberships {
		if p := x.Principal(m.Member); p.Type == mivet.TypeGroup {
			n["nested"]++
		}
	}
	for _, what := range []string{
		"scope management group", "scope subscription", "scope resource group", "scope resource", "holder User", "holder Group", "holder ServicePrincipal",
		"deleted", "identity", "eligible", "ends", "custom role", "attached", "both sorts", "nested",
	} {
		if n[what] == 0 {
			t.Errorf("there is no %s in %v", what, n)
		}
	}
	if len(s.AccessPolicies) == 0 || len(s.FederatedCredentials) == 0 || len(s.Locks) == 0 {
		t.Error("access policies, federated credentials or locks are missing")
	}
}

func TestGenerateWithRoles(t *testing.T) {
	size := tenant.SizeOf(100)
	size.CustomRoles, size.Roles, size.TakenAt = 0, []mivet.RoleID{"r"}, time.Unix(5, 0)
	s := generate(t, size)
	for i := range s.RoleAssignments {
		if s.RoleAssignments[i].Role != "r" {
			t.Fatalf("the role is %s", s.RoleAssignments[i].Role)
		}
	}
	if !s.TakenAt.Equal(size.TakenAt) {
		t.Errorf("taken at %v", s.TakenAt)
	}
}

func TestGenerateErrors(t *testing.T) {
	f := func(size tenant.Size, text string) {
		t.Helper()
		if _, err := tenant.Generate(size); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v and should say %q", err, text)
		}
	}
	f(tenant.Size{}, "no subscription")
	f(tenant.Size{Subscriptions: 1, Users: -1}, "negative")
	f(tenant.Size{Subscriptions: 1, Resources: 25, Identities: 25}, "there are 24")
}

func TestGeneratePartsStop(t *testing.T) {
	n := 0
	for _, err := range tenant.GenerateParts(tenant.SizeOf(10_000)) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("got %d parts", n)
	}
}

// A text of a generated tenant says the same.
func TestGenerateWriteParse(t *testing.T) {
	s := generate(t, tenant.SizeOf(300))
	var text bytes.Buffer
	if err := tenant.Write(&text, s); err != nil {
		t.Fatal(err)
	}
	got, err := tenant.Parse("t", &text, tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Resources) != len(s.Resources) || len(got.RoleAssignments) != len(s.RoleAssignments) || len(got.Memberships) != len(s.Memberships) {
		t.Errorf("%d resources, %d assignments, %d memberships", len(got.Resources), len(got.RoleAssignments), len(got.Memberships))
	}
}

// writeParts writes a tenant as a snapshot file, in little memory.
func writeParts(t testing.TB, w io.Writer, size tenant.Size) {
	t.Helper()
	cleaner, err := redact.New(redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var file *snapshot.Writer
	for part, err := range tenant.GenerateParts(size) {
		if err != nil {
			t.Fatal(err)
		}
		if file == nil {
			h := snapshot.Header{TakenAt: part.TakenAt, TenantID: part.TenantID, Inputs: part.Inputs}
			if file, err = snapshot.NewWriter(w, h, cleaner); err != nil {
				t.Fatal(err)
			}
		}
		if err := file.Append(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// Nothing of a generated tenant is taken for a secret, and nothing is lost in a file.
func TestGenerateSnapshotFile(t *testing.T) {
	size := tenant.SizeOf(5_000)
	var file bytes.Buffer
	writeParts(t, &file, size)
	got, err := snapshot.Read(bytes.NewReader(file.Bytes()), int64(file.Len()), snapshot.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(generate(t, size), got, equalIDs); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkGenerateParts(b *testing.B) {
	const resources = 200_000
	for b.Loop() {
		for _, err := range tenant.GenerateParts(tenant.SizeOf(resources)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*resources/b.Elapsed().Seconds(), "resources/s")
}

func BenchmarkWriteGenerated(b *testing.B) {
	for _, resources := range []int{200_000, 2_000_000} {
		b.Run(fmt.Sprint(resources), func(b *testing.B) {
			peak := uint64(0)
			for b.Loop() {
				var m runtime.MemStats
				writeParts(b, io.Discard, tenant.SizeOf(resources))
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapSys)
			}
			b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
			b.ReportMetric(float64(b.N*resources)/b.Elapsed().Seconds(), "resources/s")
		})
	}
}

func BenchmarkReadGenerated(b *testing.B) {
	for _, resources := range []int{200_000, 2_000_000} {
		var file bytes.Buffer
		writeParts(b, &file, tenant.SizeOf(resources))
		read := func(b *testing.B, o snapshot.ReadOptions) {
			b.SetBytes(int64(file.Len()))
			for b.Loop() {
				if _, err := snapshot.Read(bytes.NewReader(file.Bytes()), int64(file.Len()), o); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(fmt.Sprintf("all/%d", resources), func(b *testing.B) { read(b, snapshot.ReadOptions{}) })
		b.Run(fmt.Sprintf("grants/%d", resources), func(b *testing.B) {
			read(b, snapshot.ReadOptions{Kinds: []mivet.FactKind{
				mivet.FactManagementGroups, mivet.FactSubscriptions, mivet.FactIdentities, mivet.FactPrincipals, mivet.FactMemberships,
				mivet.FactRoleDefinitions, mivet.FactRoleAssignments, mivet.FactDenyAssignments,
			}})
		})
	}
}

func ExampleGenerate() {
	size := tenant.SizeOf(1_000)
	size.Seed = rand.New(rand.NewPCG(1, 2)).Uint64()
	s, err := tenant.Generate(size)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(s.Resources), "resources,", len(s.Identities), "identities,", len(s.RoleAssignments), "assignments")
	// Output:
	// 1000 resources, 100 identities, 300 assignments
}
