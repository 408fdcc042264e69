// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
)

// TestUnfit: a snapshot from which nothing can be taken, and why.
func TestUnfit(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	r := &run{config: &Config{Version: "1", KeyID: "k", Now: func() time.Time { return now }}, caller: Caller{Tenant: "t"}}
	f := func(why string, change func(*Earlier)) {
		t.Helper()
		e := &Earlier{Tool: "mivet 1", KeyID: "k", Snapshot: &mivet.Snapshot{
			TenantID: "t", TakenAt: now.Add(-13 * 24 * time.Hour),
			Gaps: []mivet.Gap{{Facts: mivet.FactResources, Inherent: true}, {Facts: mivet.FactLocks}},
		}}
		change(e)
		if got := e.unfit(r); got == "" != (why == "") || !strings.Contains(got, why) {
			t.Errorf("%q, want %q", got, why)
		}
	}
	f("", func(*Earlier) {})
	f("another tenant, u", func(e *Earlier) { e.Snapshot.TenantID = "u" })
	f("written by mivet 0.1", func(e *Earlier) { e.Tool = "mivet 0.1" })
	f("written by another program", func(e *Earlier) { e.Tool = "" })
	f("made with another key", func(e *Earlier) { e.KeyID = "" })
	f("is of 2026-11-16, and Azure keeps changes for 14 days", func(e *Earlier) { e.Snapshot.TakenAt = now.Add(-14*24*time.Hour + 30*time.Minute) })
	f("of the future", func(e *Earlier) { e.Snapshot.TakenAt = now.Add(time.Minute) })
	f("has a gap: cut", func(e *Earlier) {
		e.Snapshot.Gaps = append(e.Snapshot.Gaps, mivet.Gap{Facts: mivet.FactResources, Reason: "cut"})
	})
}
