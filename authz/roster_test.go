// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

// A roster finds what a map finds, and nobody else.
func TestRoster(t *testing.T) {
	var r roster
	if n := r.find("11111111-1111-1111-1111-111111111111"); n != noPerson {
		t.Errorf("an empty roster finds number %d", n)
	}
	if n := r.find("a name"); n != noPerson {
		t.Errorf("an empty roster finds number %d by a name", n)
	}
	known := map[mivet.PrincipalID]int32{}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range int32(5000) {
		id := mivet.PrincipalID(fmt.Sprintf("%08x-0000-4000-8000-%012x", random.Uint32N(64), i))
		if i%7 == 0 {
			id = mivet.PrincipalID(fmt.Sprintf("name %d", i))
		}
		r.add(id, i)
		known[id] = i
	}
	r.add(mivet.Everyone, 5000)
	known[mivet.Everyone] = 5000
	r.settle(func(number int32) PrincipalRef { return PrincipalRef{number: number, count: 2} })
	for id, n := range known {
		if ref := r.handle(id); ref.number != n || ref.count != 2 {
			t.Fatalf("%s has number %d and count %d, want %d and 2", id, ref.number, ref.count, n)
		}
		if upper := mivet.PrincipalID(strings.ToUpper(string(id))); upper != id && r.find(upper) != noPerson {
			t.Fatalf("%s is found as %s", id, upper)
		}
	}
	for i := range 5000 {
		id := mivet.PrincipalID(fmt.Sprintf("%08x-0000-4000-9000-%012x", random.Uint32N(64), i))
		if n := r.find(id); n != noPerson {
			t.Fatalf("the stranger %s has number %d", id, n)
		}
	}
}

func TestParseGUID(t *testing.T) {
	f := func(id mivet.PrincipalID, want guid, ok bool) {
		t.Helper()
		if g, is := parseGUID(id); is != ok || ok && g != want {
			t.Errorf("parseGUID(%q) = %x, %v", id, g, is)
		}
	}
	f("01020304-0506-0708-090a-0b0c0d0e0f10", guid{0x0807060504030201, 0x100f0e0d0c0b0a09}, true)
	f("fedcba98-7654-3210-ffff-abcdefabcdef", guid{0x1032547698badcfe, 0xefcdabefcdabffff}, true)
	for _, bad := range []mivet.PrincipalID{
		"", "a", mivet.Everyone, "01020304-0506-0708-090A-0b0c0d0e0f10", "0102030400506-0708-090a-0b0c0d0e0f10",
		"01020304-050600708-090a-0b0c0d0e0f10", "01020304-0506-07080090a-0b0c0d0e0f10", "01020304-0506-0708-090a00b0c0d0e0f10",
		"g1020304-0506-0708-090a-0b0c0d0e0f10", "01020304-0506-0708-090a-0b0c0d0e0f1g", "01020304-0506-0708-090a-0b0c0d0e0f100",
	} {
		f(bad, guid{}, false)
	}
}

// The grants of more groups than a handle holds count all the same.
func TestManyGroups(t *testing.T) {
	for groups := range 2 * maxRuns {
		s := small(func(s *mivet.Snapshot) {
			for i := range groups {
				g := mivet.PrincipalID(fmt.Sprintf("g%d", i))
				s.Memberships = append(s.Memberships, mivet.Membership{Group: g, Member: "p"})
				role := mivet.RoleID("none")
				if i == groups-1 {
					role = "reader"
				}
				s.RoleAssignments = append(s.RoleAssignments, mivet.RoleAssignment{Principal: g, Role: role, Scope: id(rg)})
			}
		})
		e := New(s, Options{Catalog: theCatalog(t)})
		want := Denied
		if groups > 0 {
			want = Allowed
		}
		if d := e.Check(ask("p", readAccount, account)); d.Effect != want {
			t.Errorf("with %d groups: %s, want %s", groups, d.Effect, want)
		}
		if ref := e.Principal("p"); int(ref.count) != groups {
			t.Errorf("the handle counts %d lists of grants, want %d", ref.count, groups)
		}
	}
}
