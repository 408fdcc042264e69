// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"bytes"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
)

// Whatever a log says, it is told without a crash, and tenures keep their order.
func FuzzLog(f *testing.F) {
	for _, text := range forms {
		f.Add([]byte(text))
	}
	f.Add([]byte(grantEntry("2026-05-08T16:42:12Z", "write", "Success", "Created", webBody) + grantEntry("2026-05-01T00:00:00Z", "delete", "Success", "NoContent", "")))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := provenance.NewLog(read(t, shop))
		r, err := logs.NewReader(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			e, err := r.Next()
			if err != nil {
				break
			}
			l.Add(e, r.Text(), mivet.Source{Line: r.Line()})
		}
		at := when(t, "2026-11-20T06:00:00Z")
		h := l.History(at)
		for i := range h.Tenures {
			n := &h.Tenures[i]
			if !n.Lasts && n.To.Latest.Before(n.From.Latest) {
				t.Errorf("it ends before it begins: %s", tell(n))
			}
		}
		h.At(at, web, jobs)
		for _, who := range []mivet.PrincipalID{web, jobs, alice} {
			l.Story(who)
		}
	})
}
