// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/log"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/canary"
	"github.com/mivet/mivet/redact"
)

// TestCanaries: of a thousand secrets in all places none reaches the snapshot, the
// journal, a log, the progress or a gap.
func TestCanaries(t *testing.T) {
	s := demo(t)
	var c canary.Secrets
	raw, err := c.Strew(s)
	if err != nil {
		t.Fatal(err)
	}
	if c.Len() < 1000 {
		t.Fatalf("only %d canaries", c.Len())
	}
	srv := serve(t, s, lab.Options{
		Raw: func(id arm.ID) (json.RawMessage, error) {
			if len(id.String())%2 == 0 { // the others are made from the snapshot
				return raw[id.Key()], nil
			}
			return nil, nil
		},
		Faults: []lab.Fault{{Kind: lab.FaultError, API: lab.APIManagement, Path: "/locks", Status: 400}},
	})
	var mu sync.Mutex
	var told bytes.Buffer
	log.SetListener(func(e log.Event, text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&told, e, text)
	})
	defer log.SetListener(nil)
	o := configFor(t, srv, collect.Options()...)
	cleaner, err := redact.New(redact.Options{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "k"})
	if err != nil {
		t.Fatal(err)
	}
	o.Redactor, o.KeyID = cleaner, "k"
	o.Journal = filepath.Join(t.TempDir(), "journal")
	o.Progress = func(p collect.Progress) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&told, "%+v\n", p)
	}
	res, err := collect.Collect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := res.Write(&file, "test"); err != nil {
		t.Fatal(err)
	}
	if err := res.Close(); err != nil {
		t.Fatal(err)
	}
	journal, err := os.ReadFile(o.Journal)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Snapshot.Resources) < len(s.Resources) {
		t.Errorf("%d of %d resources", len(res.Snapshot.Resources), len(s.Resources))
	}
	removed := 0
	report := cleaner.Report()
	for _, counts := range []map[redact.Place]int{report.Dropped, report.Secrets} {
		for _, n := range counts {
			removed += n
		}
	}
	// A property that is dropped counts once, with everything below it.
	if removed += report.Settings + report.Texts; removed < c.Len()/3 {
		t.Errorf("%d things were removed of %d secrets: were they served at all?", removed, c.Len())
	}
	mu.Lock()
	defer mu.Unlock()
	for what, text := range map[string]string{
		"snapshot": unpacked(t, file.Bytes()), "journal": unpacked(t, journal), "log and progress": told.String(), "facts": fmt.Sprintf("%+v", *res.Snapshot) + gapTexts(res.Snapshot),
	} {
		if what != "log and progress" && !strings.Contains(text, "orders-worker-test") || len(text) < 1000 {
			t.Errorf("the %s is not what was meant: %d bytes", what, len(text))
		}
		for _, place := range c.Find(text) {
			t.Errorf("the %s holds a secret: %s", what, place)
		}
	}
}

// unpacked returns the bytes themselves and everything in them that is a zstd frame.
func unpacked(t *testing.T, b []byte) string {
	t.Helper()
	text, err := canary.Unpack(b)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
