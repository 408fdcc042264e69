// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// manyResources is a snapshot with resources in two subscriptions, which fill several
// frames.
func manyResources(t *testing.T) *mivet.Snapshot {
	t.Helper()
	s := &mivet.Snapshot{}
	for i := range 40_000 {
		text := fmt.Sprintf("/subscriptions/%d/resourceGroups/g/providers/Microsoft.Web/sites/s%05d", i/30_000, i)
		if i%1000 == 7 {
			text = fmt.Sprintf("/subscriptions/%d/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v%05d", i/30_000, i)
		}
		if i == 39_000 {
			text = `/subscriptions/odd"one/resourceGroups/g/providers/Microsoft.Web/sites/q`
		}
		id, err := arm.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		s.Resources = append(s.Resources, mivet.Resource{ID: id, Location: "westeurope", Detail: &mivet.Detail{Kind: strings.Repeat("k", 100)}, Source: mivet.Source{Line: i + 1}})
	}
	s.Subscriptions = []mivet.Subscription{{ID: s.Resources[0].ID.Subscription()}}
	return s
}

// Chosen resources come in their order, each subscription with at least one.
func TestReadChosenResources(t *testing.T) {
	s := manyResources(t)
	file := written(t, s)
	if f, err := Open(bytes.NewReader(file), int64(len(file))); err != nil || len(f.frames) < 4 {
		t.Fatalf("%v; the file should have several frames", err)
	}
	vaults := func(id []byte) bool { return bytes.Contains(id, []byte("/vaults/")) }
	got, err := Read(bytes.NewReader(file), int64(len(file)), ReadOptions{Resource: vaults})
	if err != nil {
		t.Fatal(err)
	}
	subs := map[string]bool{}
	var all, chosen []mivet.Resource
	for _, r := range s.Resources {
		if vaults([]byte(r.ID.String())) {
			all = append(all, r)
		}
	}
	last := 0
	for _, r := range got.Resources {
		subs[r.ID.SubscriptionID()] = true
		if r.Source.Line <= last {
			t.Fatalf("%s is out of order", r.ID)
		}
		last = r.Source.Line
		if vaults([]byte(r.ID.String())) {
			chosen = append(chosen, r)
		}
	}
	if d := cmp.Diff(all, chosen, cmp.Comparer(func(a, b arm.ID) bool { return a.Equal(b) })); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]bool{"0": true, "1": true, `odd"one`: true}, subs); d != "" {
		t.Errorf("subscriptions (-want +got):\n%s", d)
	}
	if len(got.Resources) > len(all)+10 || len(got.Subscriptions) != 1 || got.Gaps != nil {
		t.Errorf("%d resources for %d that are wanted, %d subscriptions, gaps %v", len(got.Resources), len(all), len(got.Subscriptions), got.Gaps)
	}
}

// Lines in another form than this package's are chosen by the same rules.
func TestReadChosenWithCare(t *testing.T) {
	const line = `{ "kind":"resource", "fact":{"location":"x","id":"/subscriptions/1/resourceGroups/%s"}}` + "\n"
	pack, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := fmt.Sprintf(line, "a") + fmt.Sprintf(line, "b") + fmt.Sprintf(line, "c")
	packed := pack.EncodeAll([]byte(lines), nil)
	f := &File{r: bytes.NewReader(packed), size: int64(len(packed))}
	e := entry{Of: kindResource, Size: int64(len(packed)), Bytes: int64(len(lines)), Records: 3, CRC: crc(checksum(packed))}
	unpack, err := newUnpacker(1, true)
	if err != nil {
		t.Fatal(err)
	}
	defer unpack.Close()
	last := func(id []byte) bool { return bytes.HasSuffix(id, []byte("c")) }
	rows, err := readChosen(newDecoder(newLoader(f, nil), unpack), resources(), chosenResources(last), &e)
	if err != nil || len(rows) != 2 || rows[0].ID.Name() != "a" || rows[1].ID.Name() != "c" {
		t.Errorf("%v, error %v", rows, err)
	}
}

// Role assignments are chosen by their principals; what a text says is not taken for one.
func TestReadChosenAssignments(t *testing.T) {
	at := func(sub string) arm.ID {
		id, err := arm.ParseID("/subscriptions/" + sub)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	s := &mivet.Snapshot{RoleAssignments: []mivet.RoleAssignment{
		{Principal: "first", Scope: at("1")},
		{Principal: "p", Scope: at("1")},
		{Principal: "q", Scope: at("1"), Description: `"principal":"p","scope":"x"`},
		{Principal: "", Scope: at("1")},
		{Principal: `q"uoted`, Scope: at("1")},
		{Principal: `p"uoted`, Scope: at("1")},
		{Principal: "other", Scope: at("2")},
		{Principal: "q", Scope: at("2"), Condition: "p"},
	}}
	file := written(t, s)
	got, err := Read(bytes.NewReader(file), int64(len(file)), ReadOptions{Holder: func(id []byte) bool { return id[0] == 'p' }})
	if err != nil {
		t.Fatal(err)
	}
	var names []mivet.PrincipalID
	for _, a := range got.RoleAssignments {
		names = append(names, a.Principal)
	}
	if d := cmp.Diff([]mivet.PrincipalID{"first", "p", "", `p"uoted`, "other"}, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
