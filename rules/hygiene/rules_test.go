// SPDX-License-Identifier: Apache-2.0

package hygiene_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/rules/hygiene"
	"github.com/mivet/mivet/tenant"
	"github.com/mivet/mivet/vet"
	"github.com/mivet/mivet/vet/vettest"
)

func TestRules(t *testing.T) { vettest.Run(t, hygiene.Suite()) }

// What retires weighs more from the day on which it has.
func TestVaultAPIRetired(t *testing.T) {
	s, err := tenant.Parse("t", strings.NewReader("subscription s\nrg r in s\nkeyvault kv in r\n"+
		"declare kv Microsoft.KeyVault/vaults of kv api-version=2023-07-01\n"), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	f := func(now time.Time, severity mivet.Severity, words string) {
		t.Helper()
		res, err := vet.Run(s, []*vet.Rule{hygiene.VaultAPIRetiring}, vet.Options{Catalog: c, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Findings(); len(got) != 1 || got[0].Severity != severity || !strings.Contains(got[0].Message, words) {
			t.Errorf("at %s: %+v", now, got)
		}
	}
	f(time.Time{}, mivet.SeverityMedium, "which retires on 2027-02-27")
	f(time.Date(2027, time.February, 26, 23, 59, 0, 0, time.UTC), mivet.SeverityMedium, "which retires on 2027-02-27")
	f(time.Date(2027, time.February, 27, 0, 0, 0, 0, time.UTC), mivet.SeverityHigh, "which retired on 2027-02-27")
}
