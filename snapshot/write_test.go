// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func TestNothingIsWrittenWithoutARedactor(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, &mivet.Snapshot{}, WriteOptions{}); err == nil || b.Len() > 0 {
		t.Errorf("wrote %d bytes, %v", b.Len(), err)
	}
}

func TestWriterIsClosedOnce(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{}, keepAll{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	read(t, b.Bytes())
	if err := w.Append(&mivet.Snapshot{}); !errors.Is(err, errClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	if err := w.Properties(arm.ID{}, nil); !errors.Is(err, errClosed) {
		t.Errorf("Properties after Close: %v", err)
	}
}

func TestRecordsThatCannotBeWritten(t *testing.T) {
	f := func(s *mivet.Snapshot, h Header, text string) {
		t.Helper()
		w, err := NewWriter(&bytes.Buffer{}, h, keepAll{})
		if err == nil {
			err = w.Append(s)
		}
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v and should say %q", err, text)
		}
		if w != nil {
			if again := w.Close(); !errors.Is(again, err) {
				t.Errorf("Close says %v after %v", again, err)
			}
		}
	}
	long := strings.Repeat("x", MaxFrame)
	f(&mivet.Snapshot{Locks: []mivet.Lock{{}, {Level: long}}}, Header{}, "writing lock record 2 of a snapshot: it has 4194")
	f(&mivet.Snapshot{Locks: []mivet.Lock{{Source: mivet.Source{Origin: &mivet.Origin{File: long}}}}}, Header{}, "writing origin 1")
	f(&mivet.Snapshot{RoleAssignments: []mivet.RoleAssignment{{End: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}}}, Header{}, "writing roleAssignment record 1")
	f(&mivet.Snapshot{}, Header{Inputs: []string{long}}, "writing the header")
	f(&mivet.Snapshot{}, Header{TakenAt: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}, "writing the header")
}

// marker replaces texts with the word SECRET in them, drops values with it, and refuses
// properties with the word BAD.
type marker struct{}

func (marker) Text(s string) string { return strings.ReplaceAll(s, "SECRET", "***") }

func (marker) Value(resourceType, path, value string) (string, bool) {
	if value == "TYPE" {
		return resourceType + " " + path, true
	}
	return value, !strings.Contains(path+value, "SECRET")
}

func (marker) Properties(typ string, raw json.RawMessage) (json.RawMessage, error) {
	switch {
	case bytes.Contains(raw, []byte("BAD")):
		return nil, errors.New("bad properties")
	case bytes.Contains(raw, []byte("NOTHING")):
		return nil, nil
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("SECRET"), nil), []byte("TYPE"), []byte(typ)), nil
}

// fill puts SECRET into every text of a value, whatever the vocabulary becomes.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case arm.ID, arm.Operation, time.Time:
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString("a SECRET")
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "SECRET", "SECRET": "b", "c": "d", "e": "TYPE"}))
	default:
	}
}

func TestEveryTextPassesTheRedactor(t *testing.T) {
	s := &mivet.Snapshot{}
	fill(reflect.ValueOf(s).Elem())
	s.Resources[1].ID = id(t, "/subscriptions/1/resourceGroups/g/providers/Microsoft.Web/sites/a")
	before := fmt.Sprintf("%+v %+v", s, s.Resources[1].Detail)
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Tool: "SECRET", TenantID: "SECRET", Inputs: []string{"SECRET"}, KeyID: "SECRET"}, marker{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Append(s), w.Properties(s.Resources[1].ID, json.RawMessage(`{"a": "SECRET", "b": "TYPE"}`)), w.Close()); err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprintf("%+v %+v", s, s.Resources[1].Detail); after != before {
		t.Error("writing changed the snapshot")
	}
	got := read(t, b.Bytes())
	if text := fmt.Sprintf("%+v", got); strings.Contains(text, "SECRET") || !strings.Contains(text, "a ***") {
		t.Errorf("read %s", text)
	}
	wantTags := map[string]string{"c": "d", "e": "Microsoft.Web/sites tags.e"}
	if diff := cmp.Diff(wantTags, got.Resources[1].Detail.Tags); diff != "" {
		t.Error(diff)
	}
	wantSettings := map[string]string{"c": "d", "e": "Microsoft.Web/sites properties.e"}
	if diff := cmp.Diff(wantSettings, got.Resources[1].Detail.Settings); diff != "" {
		t.Error(diff)
	}
	if c := got.RoleAssignments[1].Condition; c != "[redacted]" {
		t.Errorf("the condition is %q, of which something may still be understood", c)
	}
	if e := got.FederatedCredentials[1].Expression; e != "[redacted]" {
		t.Errorf("the expression is %q", e)
	}
	f, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	raw, _, err := f.Properties(s.Resources[1].ID)
	if err != nil || string(raw) != `{"a":"","b":"Microsoft.Web/sites"}` || strings.Contains(fmt.Sprint(f.Header()), "SECRET") {
		t.Errorf("the properties are %s, %v, and the header is %+v", raw, err, f.Header())
	}
}

// propertiesFile writes the properties of resources in the order given; each has a
// value with its place.
func propertiesFile(t *testing.T, size int, names ...string) *File {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{}, keepAll{})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		raw := fmt.Sprintf(`{"n": %d, "fill": %q}`, i, strings.Repeat("x", size))
		if err := w.Properties(resourceID(t, name), json.RawMessage(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func resourceID(t *testing.T, name string) arm.ID {
	t.Helper()
	return id(t, "/subscriptions/1/resourceGroups/g/providers/A.B/c/"+name)
}

func TestProperties(t *testing.T) {
	f := func(file *File, name string, want int) {
		t.Helper()
		raw, ok, err := file.Properties(resourceID(t, name))
		if err != nil || ok != (want >= 0) {
			t.Errorf("%s: %v, %v", name, ok, err)
			return
		}
		var v struct{ N int }
		if ok && (json.Unmarshal(raw, &v) != nil || v.N != want) {
			t.Errorf("%s: got %d, want %d", name, v.N, want)
		}
	}
	sorted := propertiesFile(t, MaxFrame/2, "aa", "Bb", "cc", "dd")
	f(sorted, "aa", 0)
	f(sorted, "bB", 1)
	f(sorted, "dd", 3)
	f(sorted, "ab", -1)
	f(sorted, "zz", -1)
	// In any order, and again.
	mixed := propertiesFile(t, MaxFrame/2, "dd", "aa", "cc", "AA", "bb")
	f(mixed, "aa", 3)
	f(mixed, "dd", 0)
	f(mixed, "cc", 2)
	f(mixed, "ca", -1)
	f(propertiesFile(t, 1, "dd", "aa", "dd"), "dd", 2)
	f(propertiesFile(t, 1), "dd", -1)
}

func TestPropertiesThatAreNotWritten(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{}, marker{})
	if err != nil {
		t.Fatal(err)
	}
	a := resourceID(t, "a")
	if err := w.Properties(a, json.RawMessage(`"BAD"`)); err == nil || !strings.Contains(err.Error(), a.String()) {
		t.Errorf("the error is %v", err)
	}
	if err := w.Properties(a, json.RawMessage(`{`)); err == nil || !strings.Contains(err.Error(), a.String()) {
		t.Errorf("the error is %v", err)
	}
	if err := errors.Join(
		w.Properties(a, json.RawMessage(`"NOTHING"`)),
		w.Properties(a, json.RawMessage(`"`+strings.Repeat("x", MaxFrame)+`"`)),
		w.Close(),
	); err != nil {
		t.Fatal(err)
	}
	s := read(t, b.Bytes())
	if len(s.Gaps) != 1 || !s.Gaps[0].Scope.Equal(a) || !strings.Contains(s.Gaps[0].Reason, "left out") {
		t.Errorf("the gaps are %+v", s.Gaps)
	}
	f, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if raw, ok, err := f.Properties(a); ok || err != nil {
		t.Errorf("the properties are %s, %v", raw, err)
	}
}

// The writer forgets origins when there are very many, and numbers them on.
func TestManyOrigins(t *testing.T) {
	if testing.Short() {
		t.Skip("writes very many origins")
	}
	const n = maxOrigins + 10
	s := &mivet.Snapshot{Locks: make([]mivet.Lock, n)}
	for i := range s.Locks {
		s.Locks[i].Source.Origin = &mivet.Origin{Address: fmt.Sprint(i)}
	}
	s.Locks = append(s.Locks, s.Locks[0])
	got := read(t, written(t, s))
	for i := range got.Locks {
		if want := fmt.Sprint(i % n); got.Locks[i].Source.Origin.Address != want {
			t.Fatalf("lock %d has the address %s", i, got.Locks[i].Source.Origin.Address)
		}
	}
}

// A resource may cost 200 bytes in memory, of which its ID needs about 128 here.
func TestMemoryOfResources(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a large file")
	}
	const n = 50_000
	file := written(t, tenantOf(t, n, 0, 0))
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := read(t, file)
	if per := float64(heap()-before) / n; per > 200 {
		t.Errorf("a resource costs %.1f bytes", per)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(file)
}
