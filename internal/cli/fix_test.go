// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/vet"
)

// A fix that leaves the finding, breaks an access test or names what is not there is not
// shown.
func TestFixesAreChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.tenant")
	text := "tenant shop taken=2026-11-20\nsubscription prod\nrg shop in prod\nkeyvault kv in shop .enableRbacAuthorization=true\n" +
		"webapp api in shop system\nassign api Contributor at prod\nassign api \"Key Vault Secrets User\" at kv\n" +
		"can api Microsoft.KeyVault/vaults/secrets/getSecret/action kv data\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newApp(Command{})
	r, err := a.read(t.Context(), &inputFlags{}, []string{file})
	if err != nil {
		t.Fatal(err)
	}
	results, err := a.vet(r, rules.All(), nil)
	if err != nil {
		t.Fatal(err)
	}
	x := &fixing{app: a, read: r, rule: vet.Lookup(rules.All(), "broad-scope")}
	for _, f := range results.Findings() {
		if f.Rule == x.rule.ID {
			x.finding = f
		}
	}
	if x.finding == nil {
		t.Fatal("the tenant has no finding")
	}
	removal := func(i int) []mivet.Edit {
		return []mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: &r.snap.RoleAssignments[i]}}
	}
	f := func(edits []mivet.Edit, want string) {
		t.Helper()
		finding := *x.finding
		finding.Fix.Edits = edits
		y := *x
		y.finding = &finding
		err := y.check(r)
		switch {
		case want == "" && err != nil:
			t.Error(err)
		case want != "" && (!errors.Is(err, errNotFixed) || !strings.Contains(err.Error(), want)):
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(nil, "")
	f(x.finding.Fix.Edits, "")
	f(removal(1), "found after it as well")
	f(append(removal(0), removal(1)...), "breaks 1 access test, the first at "+file)
	f(append(removal(0), removal(0)...), "is not in the input")
}
