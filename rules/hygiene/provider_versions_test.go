// SPDX-License-Identifier: Apache-2.0

package hygiene

import "testing"

func TestOlderOnly(t *testing.T) {
	f := func(constraint string, want bool) {
		t.Helper()
		if got := olderOnly(constraint); got != want {
			t.Errorf("%q: %t", constraint, got)
		}
	}
	for _, c := range []string{"4.23.0", "= 4.23", "4.55.0", "<= 4.55.0", "< 4.56.0", "< 4", "~> 3.0", "~> 2.13", "~> 3.116.0", "~> 4.55.0", ">= 3.0, < 4.0", "v3.1.0", "4.1.0-beta1"} {
		f(c, true)
	}
	for _, c := range []string{"", ">= 3.36.0", "> 3.0", "!= 4.1.0", "~> 4", "~> 3", "~> 4.0", "~> 4.56.0", "~> 5.0", "4.56.0", "5.2.0", "< 5.0", "<= 4.56.0", "latest", "1.2.3.4", "-1.0", "~> x.1"} {
		f(c, false)
	}
}
