// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/mivet/mivet/review"
)

// Whatever a file of decisions holds, it is read or refused with a place, and what was read
// is applied or refused.
func FuzzReadSheet(f *testing.F) {
	s := parse(f, shop)
	p := review.Build(options(f, s))
	var table bytes.Buffer
	if err := p.WriteCSV(&table); err != nil {
		f.Fatal(err)
	}
	row := p.Identities[0].Row
	f.Add(table.Bytes())
	f.Add(bytes.ReplaceAll(table.Bytes(), []byte(","), []byte(";")))
	f.Add([]byte("\xef\xbb\xbfrow;decision;reviewer;date;reason;facts\r\n" + row + ";remove;Ann;2026-11-30;\"a \"\"b\"\"\";" + p.Facts + "\r\n"))
	f.Add([]byte(`{"facts":"` + p.Facts + `","decisions":[{"row":"` + row + `","decision":"remove","reviewer":"a","date":"2026-11-30","reason":"b"}]}`))
	f.Add([]byte(`{"facts":1,"decisions":{}}`))
	f.Add([]byte("row,decision,facts\n\"a"))
	f.Add([]byte("\xff\xfer"))
	f.Add([]byte{})
	c := openCatalog(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		sheet, err := review.ReadSheet("f", data)
		if err != nil {
			return
		}
		for i := range sheet.Decisions {
			if at := sheet.Decisions[i].Place("row"); at.Line < 1 || at.Column < 1 {
				t.Errorf("the decision %d has the place %s", i, at)
			}
		}
		if sheet.Facts != p.Facts || len(sheet.Decisions) > 3 {
			return
		}
		plan, err := review.Apply(sheet, &review.ApplyOptions{Snapshot: s, Catalog: c, Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), MaxDays: 180})
		if err == nil && len(plan.Changes)+len(plan.Kept)+len(plan.Asked) != len(sheet.Decisions) {
			t.Errorf("%d decisions became %d", len(sheet.Decisions), len(plan.Changes)+len(plan.Kept)+len(plan.Asked))
		}
	})
}
