// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/tenant"
)

// documented is an answer of our own in the shape of a published example of the public
// specifications of Azure's REST APIs (Azure/azure-rest-api-specs; shape is its path there):
// the letters of types, the order of members and what is null or empty are as there.
type documented struct {
	Call, At, Shape string
	Answer          json.RawMessage
	// Facts are in the text of the snapshot that comes out.
	Facts []string
}

// TestDocumentedShapes reads answers in the shapes that Microsoft publishes.
func TestDocumentedShapes(t *testing.T) {
	files, err := filepath.Glob("testdata/documented/*.json")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	calls := map[string]*call{}
	for _, c := range table() {
		calls[c.what] = c
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var d documented
			if err := json.Unmarshal(b, &d); err != nil {
				t.Fatal(err)
			}
			c := calls[d.Call]
			if c == nil || d.Shape == "" {
				t.Fatalf("no request is called %q, or the example names no origin", d.Call)
			}
			r, _, err := begin(t.Context(), newStandIn(t).config(t), "test")
			if err != nil {
				t.Fatal(err)
			}
			r.config.With = Options()
			p := r.answered(&listing{call: c, id: d.At}, d.Answer)
			if p.Odd > 0 || p.Next != "" {
				t.Errorf("%d rows were not understood; the next page is %q", p.Odd, p.Next)
			}
			src := mivet.Source{Origin: &mivet.Origin{API: "test"}}
			switch c {
			case callEligible:
				r.facts.eligible(p, src)
			case callResources: // rows of Resource Graph have the shape of the resource itself
				r.carriers(t.Context(), p, src)
			default:
				r.taken(t.Context(), c, parsed(d.At), p, src)
			}
			r.wg.Wait()
			got := r.facts.finish()
			var text strings.Builder
			if err := tenant.Write(&text, got); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text.String(), "hunter2") {
				t.Errorf("a secret came through:\n%s", text.String())
			}
			for _, want := range d.Facts {
				if !strings.Contains(text.String(), want) {
					t.Errorf("the snapshot lacks %s:\n%s", want, text.String())
				}
			}
			if err := r.journal.close(); err != nil {
				t.Error(err)
			}
		})
	}
}
