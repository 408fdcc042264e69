// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/provenance"
)

func TestPromises(t *testing.T) {
	made := time.Date(2026, 5, 8, 16, 42, 10, 0, time.UTC)
	f := func(text, until string) {
		t.Helper()
		p := provenance.PromiseOf(&mivet.RoleAssignment{Description: text, CreatedOn: made})
		got := "none"
		if p != nil {
			if got = "no day"; !p.Until.IsZero() {
				got = p.Until.Format("2006-01-02T15")
			}
		}
		if got != until {
			t.Errorf("%q: %s, want %s", text, got, until)
		}
	}
	f("", "none")
	f("reads the orders", "none")
	f("temporary, until the 403 is understood", "no day")
	f("TEMPORARY", "no day")
	f("tmp", "no day")
	f("temporarily for the migration", "no day")
	f("template of the team", "none")
	f("remove after go-live", "no day")
	f("workaround for the outage", "no day")
	f("quick fixes", "none")
	f("until 2026-05-31", "2026-05-31T23")
	f("until 2026-06", "2026-06-30T23")
	f("expires on 2026-02-28", "2026-02-28T23")
	f("temporary (2026-06-15)", "2026-06-15T23")
	f("temporary, granted 2026-05-08", "no day")
	f("since 2024-01-01", "none")
	f("contract 2026-17", "none")
	f("ticket 2026-05-01", "none")
	f("till 31 May", "2026-05-31T23")
	f("till 1 May", "2027-05-01T23")
	f("until May 31st, 2026", "2026-05-31T23")
	f("until 3. June 2027", "2027-06-03T23")
	f("until June", "2026-06-30T23")
	f("demo in June", "2026-06-30T23")
	f("until February 2027", "2027-02-28T23")
	f("may write the queue", "none")
	f("for 2 weeks", "2026-05-22T16")
	f("for 3 days", "2026-05-11T16")
	f("for 8 hours", "2026-05-09T00")
	f("for 6 months", "2026-11-08T16")
	f("until 2026-13-40", "no day")

	if p := provenance.PromiseOf(&mivet.RoleAssignment{Description: "demo in June"}); p == nil || !p.Until.IsZero() {
		t.Errorf("without a year: %+v", p)
	}
}

func TestBroken(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 5, d, 0, 0, 0, 0, time.UTC) }
	f := func(p provenance.Promise, made, now time.Time, broken, decided bool) {
		t.Helper()
		if b, d := p.Broken(made, now); b != broken || d != decided {
			t.Errorf("%v %v %v: %v %v", p.Until, made, now, b, d)
		}
	}
	f(provenance.Promise{Until: day(10)}, time.Time{}, day(10), false, true)
	f(provenance.Promise{Until: day(10)}, time.Time{}, day(11), true, true)
	f(provenance.Promise{}, time.Time{}, day(11), false, false)
	f(provenance.Promise{}, day(1), day(11), false, true)
	f(provenance.Promise{}, day(1), day(1).AddDate(0, 0, 31), true, true)
}
