// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mivet/mivet/arm"
)

// operationList is a small catalogue, sorted.
type operationList []string

func (l operationList) NumOperations() int { return len(l) }

func (l operationList) Operation(i int) arm.Operation {
	o, err := arm.ParseOperation(l[i])
	if err != nil {
		panic(err)
	}
	return o
}

func (l operationList) FindOperation(o arm.Operation) (int, bool) {
	for i := range l {
		if l.Operation(i).Equal(o) {
			return i, true
		}
	}
	return 0, false
}

func TestNearOperations(t *testing.T) {
	all := operationList{
		"Microsoft.KeyVault/vaults/read",
		"Microsoft.KeyVault/vaults/secrets/getSecret/action",
		"Microsoft.KeyVault/vaults/secrets/setSecret/action",
		"Microsoft.Storage/storageAccounts/read",
	}
	f := func(word string, want ...string) {
		t.Helper()
		o, err := arm.ParseOperation(word)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, nearOperations(all, o)); d != "" {
			t.Errorf("near %s (-want +got):\n%s", word, d)
		}
	}
	f("microsoft.keyvault/vaults/secrets/getsecrets/action", all[1], all[2])
	f("Microsoft.KeyVaults/vaults/read", all[0])
	f("Microsoft.Nothing/like/it")
}

func TestDistance(t *testing.T) {
	f := func(a, b string, want int) {
		t.Helper()
		if got := distance(a, b, 5); got != want {
			t.Errorf("distance(%q, %q) = %d, want %d", a, b, got, want)
		}
	}
	f("", "", 0)
	f("abc", "abc", 0)
	f("abc", "ab", 1)
	f("abc", "adc", 1)
	f("abc", "xabc", 1)
	f("kitten", "sitting", 3)
	f("abcdefgh", "x", 6)
	f("abcdefgh", "ijklmnop", 6)
}

func TestDistanceIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,8}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if x, y := distance(a, b, 10), distance(b, a, 10); x != y || (x == 0) != (a == b) {
			t.Fatalf("distance(%q, %q) is %d, and %d the other way", a, b, x, y)
		}
	})
}

func TestNearIsNearestFirst(t *testing.T) {
	got := near("orders-api", []string{"orders-web", "billing", "order-api", "Orders-API"}, 2)
	if want := "Orders-API order-api"; strings.Join(got, " ") != want {
		t.Errorf("near: %q, want %q", got, want)
	}
}
