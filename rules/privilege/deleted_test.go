// SPDX-License-Identifier: Apache-2.0

package privilege

import "testing"

// Nobody can act as a principal that was deleted: its grants are left to the rule about
// what is left over. Where the directory was not read it may exist.
func TestDeletedPrincipal(t *testing.T) {
	const ghost = "deleted ghost\nassign ghost Contributor at orders\n"
	f := func(text string, findings, undecided int) {
		t.Helper()
		res := results(t, ownerTenant+text, nil)
		if n := len(ruleResult(t, res, "broad-scope").Findings); n != findings {
			t.Errorf("%s: broad-scope has %d findings, want %d", text, n, findings)
		}
		if n := len(ruleResult(t, res, "privileged-workload").Undecided); n != undecided {
			t.Errorf("%s: privileged-workload leaves %d undecided, want %d", text, n, undecided)
		}
	}
	f(ghost, 0, 0)
	f(ghost+"gap principals reason=\"not permitted\"\n", 1, 1)
	f("sp alive\nassign alive Contributor at orders\n", 1, 0)
}
