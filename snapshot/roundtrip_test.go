// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// anything fills a value with whatever its type permits. It works by reflection, so that
// the vocabulary can grow and the test with it.
func anything(t *rapid.T, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *arm.ID:
		must(t, p.UnmarshalText([]byte(rapid.SampledFrom(someIDs).Draw(t, "id"))))
		return
	case *arm.Operation:
		must(t, p.UnmarshalText([]byte(rapid.SampledFrom([]string{"", "A.B/c/read", "a.b/C/d/action"}).Draw(t, "operation"))))
		return
	case *mivet.Plane:
		*p = mivet.Plane(rapid.IntRange(0, 2).Draw(t, "plane"))
		return
	case *time.Time:
		if rapid.Bool().Draw(t, "timed") {
			*p = time.Unix(rapid.Int64Range(-1e9, 1e11).Draw(t, "s"), rapid.Int64Range(0, 1e9).Draw(t, "ns")).UTC()
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.Just(""), rapid.SampledFrom([]string{"a", `"\`, "\n<>&", "é", "\u2028", "12345678é", "123456789\\"}), rapid.String()).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int:
		v.SetInt(int64(rapid.OneOf(rapid.IntRange(0, 100), rapid.Int()).Draw(t, "int")))
	case reflect.Struct:
		for _, field := range v.Fields() {
			anything(t, field)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			anything(t, v.Elem())
		}
	case reflect.Slice:
		for range rapid.IntRange(0, 3).Draw(t, "len") {
			e := reflect.New(v.Type().Elem()).Elem()
			anything(t, e)
			v.Set(reflect.Append(v, e))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 2).Draw(t, "len") {
			e := reflect.New(v.Type().Elem()).Elem()
			anything(t, e)
			v.SetMapIndex(reflect.ValueOf(rapid.String().Draw(t, "key")), e)
		}
	default:
		t.Fatalf("the vocabulary has a %s, which this test does not know", v.Type())
	}
}

var someIDs = []string{
	"", "/", "/providers/Microsoft.Management/managementGroups/mg",
	"/subscriptions/S1", "/subscriptions/s1/resourceGroups/g",
	"/subscriptions/s1/resourceGroups/g/providers/Microsoft.Web/sites/a/slots/b",
	"/subscriptions/s1/providers/Microsoft.Authorization/roleAssignments/1",
	"/subscriptions/s1/resourceGroups/gé\"x/providers/A.B/c/d",
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func anySnapshot(t *rapid.T) *mivet.Snapshot {
	s := &mivet.Snapshot{}
	anything(t, reflect.ValueOf(s).Elem())
	return s
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := anySnapshot(rt)
		file := written(t, s)
		if !Is(file[:min(len(file), HeadSize)]) {
			rt.Fatal("the file is not recognised")
		}
		if diff := cmp.Diff(s, read(t, file), sameFacts); diff != "" {
			rt.Fatalf("read (+) differs from written (-):\n%s", diff)
		}
		if !bytes.Equal(file, written(t, s)) {
			rt.Fatal("writing it again gives other bytes")
		}
		again, err := Recover(bytes.NewReader(file), int64(len(file)), ReadOptions{})
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(s, again, sameFacts); diff != "" {
			rt.Fatalf("recovered (+) differs from written (-):\n%s", diff)
		}
	})
}

// Facts that come in parts, in any order, are read in their order within each kind.
func TestRoundTripOfParts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.Custom(anySnapshot), 1, 4).Draw(rt, "parts")
		var file bytes.Buffer
		w, err := NewWriter(&file, Header{TenantID: "t"}, keepAll{})
		must(rt, err)
		want := &mivet.Snapshot{}
		for _, p := range parts {
			must(rt, w.Append(p))
			want.Append(p)
		}
		must(rt, w.Close())
		want.TakenAt, want.TenantID, want.Inputs = time.Time{}, "t", nil
		if diff := cmp.Diff(want, read(t, file.Bytes()), sameFacts); diff != "" {
			rt.Fatalf("read (+) differs from written (-):\n%s", diff)
		}
	})
}

// Several frames of each kind, and more than one goroutine.
func TestRoundTripOfManyFrames(t *testing.T) {
	n := 30_000
	if testing.Short() {
		n = 10_000
	}
	s := tenantOf(t, n, n, n)
	file := written(t, s)
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if frames := len(f.frames); frames < 8 {
		t.Errorf("the file has %d frames", frames)
	}
	for _, e := range f.frames {
		if e.Bytes > MaxFrame || e.Size > MaxFrame {
			t.Errorf("frame %d has %d bytes", e.number, e.Bytes)
		}
	}
	got, err := f.Snapshot(ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s, got) {
		t.Errorf("read (+) differs from written (-):\n%s", cmp.Diff(s, got, sameFacts))
	}
	if a, b := got.Resources[1].Detail, got.Resources[n-9_999].Detail; cmp.Equal(a, b) && a != b {
		t.Error("equal details are not shared")
	}
	if got.Resources[0].Source.Origin != got.Resources[n-10_000].Source.Origin {
		t.Error("equal origins are not shared")
	}
}

// Every list of a snapshot has exactly one kind.
func TestKindsAreComplete(t *testing.T) {
	s := &mivet.Snapshot{}
	v := reflect.ValueOf(s).Elem()
	names := map[string]bool{kindHeader: true, kindOrigin: true, kindProperties: true, "index": true}
	grown := map[string]int{}
	for _, k := range kinds() {
		if names[k.name] {
			t.Errorf("there are two kinds %q", k.name)
		}
		names[k.name] = true
		k.grow(s, 1)
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() > 0 {
				grown[v.Type().Field(i).Name]++
				f.SetLen(0)
			}
		}
	}
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).Kind() == reflect.Slice && name != "Inputs" && grown[name] != 1 {
			t.Errorf("the list %s has %d kinds", name, grown[name])
		}
	}
}

func TestReadChosenKinds(t *testing.T) {
	s := tenantOf(t, 10, 5, 7)
	s.Gaps = []mivet.Gap{{Facts: mivet.FactLocks, Reason: "not read"}}
	file := written(t, s)
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Snapshot(ReadOptions{Kinds: []mivet.FactKind{mivet.FactRoleAssignments}})
	if err != nil {
		t.Fatal(err)
	}
	want := &mivet.Snapshot{TakenAt: s.TakenAt, TenantID: s.TenantID, Inputs: s.Inputs, RoleAssignments: s.RoleAssignments, Gaps: s.Gaps}
	if diff := cmp.Diff(want, got, sameFacts); diff != "" {
		t.Error(diff)
	}
	if n := f.Count(mivet.FactResources); n != 10 {
		t.Errorf("Count says %d resources", n)
	}
	want2 := Header{Version: "1.0", TakenAt: s.TakenAt, TenantID: s.TenantID, Inputs: s.Inputs, Tool: "test"}
	if diff := cmp.Diff(want2, f.Header()); diff != "" {
		t.Error(diff)
	}
}

// Many may read parts of one file at once. Run with -race.
func TestManyReadAtOnce(t *testing.T) {
	s := tenantOf(t, 300, 100, 100)
	file := written(t, s)
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, kinds := range [][]mivet.FactKind{nil, {mivet.FactResources}, {mivet.FactIdentities, mivet.FactRoleAssignments}, nil} {
		all.Go(func() {
			got, err := f.Snapshot(ReadOptions{Kinds: kinds})
			if err != nil {
				t.Error(err)
				return
			}
			wants := func(facts mivet.FactKind) bool { return kinds == nil || slices.Contains(kinds, facts) }
			if wants(mivet.FactResources) && !cmp.Equal(s.Resources, got.Resources, sameFacts) {
				t.Errorf("other resources are read with %v", kinds)
			}
			if wants(mivet.FactRoleAssignments) && !cmp.Equal(s.RoleAssignments, got.RoleAssignments, sameFacts) {
				t.Errorf("other role assignments are read with %v", kinds)
			}
		})
	}
	all.Wait()
}

// The quick decoders must read what the careful one reads, or leave the line to it.
func quickAgrees(t testing.TB, line []byte) {
	t.Helper()
	agree(t, "resource", fastResource, line)
	agree(t, "identity", fastIdentity, line)
	agree(t, "principal", fastPrincipal, line)
	agree(t, "membership", fastMembership, line)
	agree(t, "roleAssignment", fastRoleAssignment, line)
	agree(t, "accessPolicy", fastAccessPolicy, line)
}

func agree[T any](t testing.TB, kind string, fast func(*cursor, *T) bool, line []byte) {
	t.Helper()
	l := list[T]{fast: fast}
	d := newDecoder(newLoader(&File{}, nil), nil)
	d.memory.begin()
	var a, b T
	n, at, ok := quick(d, l, &a, kind, line)
	if !ok {
		return
	}
	n2, at2, err := careful(d, &b, kind, line)
	switch {
	case err != nil:
		t.Errorf("%s: read quickly, but %v", line, err)
	case n != n2 || at != at2:
		t.Errorf("%s: origin and line are %d, %d and %d, %d", line, n, at, n2, at2)
	case len(d.unknown) > 0:
		t.Errorf("%s: read quickly with an unknown field", line)
	case !cmp.Equal(a, b, sameFacts):
		t.Errorf("%s: quick (-) and careful (+) differ:\n%s", line, cmp.Diff(a, b, sameFacts))
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{
		`{"kind":"resource","origin":1,"line":2,"fact":{"id":"/subscriptions/1","location":"x","identity":{"system":true,"systemPrincipal":"p","user":["/subscriptions/1"]},"detail":{"kind":"k","tags":{"a":"}"}}}}`,
		`{"kind":"resource","fact":{"detail":{"tags":{"a":"\"}"}},"id":"/"}}`,
		`{"kind":"identity","fact":{"kind":"UserAssigned","resource":"/","principal":"p\u00e9","clientId":"\\","tenantId":""}}`,
		`{"kind":"principal","fact":{"id":"p","type":"User","name":"n","clientId":"c","homeTenant":"h","managed":true,"disabled":true}}`,
		`{"kind":"membership","line":015,"fact":{"group":"g","member":"m"}}`,
		`{"kind":"roleAssignment","fact":{"id":"/subscriptions/1/providers/a.b/c/d","role":"r","roleName":"n","principal":"p","principalType":"User","scope":"/subscriptions/1","condition":"c","conditionVersion":"2.0","description":"d","eligible":true,"start":"2026-01-02T03:04:05Z","end":"2026-01-02T03:04:05.5+02:00","createdOn":"2026-01-02T03:04:05Z","createdBy":"b","delegatedIdentity":"/"}}`,
		`{"kind":"roleAssignment","fact":{"scope":"","id":"","principal":"a","principal":"b"},"line":3}`,
		`{"kind":"accessPolicy","fact":{"vault":"/subscriptions/1/providers/a.b/c/d","principal":"p","applicationId":"a","tenantId":"t","keys":["get","\u006cist"],"secrets":[],"certificates":["x"],"storage":["all"]}}`,
		`{"kind":"accessPolicy","fact":{"vault":"/","principal":"p","keys":["a"],"keys":["b","c"]}}`,
		`{"kind":"roleAssignment","fact":{"start":"2026-01-0\u0032T03:04:05Z"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) { quickAgrees(t, line) })
}

func TestQuickReadsWhatIsWritten(t *testing.T) {
	f := func(kind string, quickly func(d *decoder, line []byte) bool, line string) {
		t.Helper()
		d := newDecoder(newLoader(&File{}, nil), nil)
		d.memory.begin()
		if !quickly(d, []byte(line)) {
			t.Errorf("the %s is not read quickly: %s", kind, line)
		}
		quickAgrees(t, []byte(line))
	}
	f("resource", func(d *decoder, line []byte) bool {
		_, _, ok := quick(d, list[mivet.Resource]{fast: fastResource}, &mivet.Resource{}, "resource", line)
		return ok
	}, `{"kind":"resource","origin":7,"fact":{"id":"/subscriptions/1/resourceGroups/g","location":"westeurope","detail":{"tags":{"é":"\n"}}}}`)
	f("assignment", func(d *decoder, line []byte) bool {
		_, _, ok := quick(d, list[mivet.RoleAssignment]{fast: fastRoleAssignment}, &mivet.RoleAssignment{}, "roleAssignment", line)
		return ok
	}, `{"kind":"roleAssignment","origin":7,"line":1,"fact":{"principal":"p","scope":"/","condition":"a\n\"b\"","createdOn":"2026-01-02T03:04:05Z"}}`)
	f("access policy", func(d *decoder, line []byte) bool {
		_, _, ok := quick(d, list[mivet.AccessPolicy]{fast: fastAccessPolicy}, &mivet.AccessPolicy{}, "accessPolicy", line)
		return ok
	}, `{"kind":"accessPolicy","origin":7,"fact":{"vault":"/subscriptions/1/providers/a.b/c/d","principal":"p","secrets":["get","list"]}}`)
}

func TestPlain(t *testing.T) {
	f := func(s string, want bool) {
		t.Helper()
		if got := plain([]byte(s)); got != want {
			t.Errorf("plain(%q) = %v", s, got)
		}
	}
	f("", true)
	f("0123456789 ~abcdefghijk", true)
	for _, c := range []string{"\\", "\x00", "\x1f", "\x80", "é"} {
		for i := range 17 {
			s := "0123456789abcdefg"
			f(s[:i]+c+s[i:], false)
		}
	}
	for c := ' '; c < math.MaxInt8; c++ {
		if c != '\\' {
			f("0123"+string(c)+"456789", true)
		}
	}
}
