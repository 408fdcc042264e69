// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"slices"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Each gate is used by a row, says where it is from, and is found by its name.
func TestGatesAreUsed(t *testing.T) {
	used := map[string]bool{}
	rows := builtin(t).Techniques()
	for i := range rows {
		for _, w := range rows[i].Ways {
			for _, g := range w.Gates {
				used[g] = true
			}
		}
	}
	for _, g := range Gates() {
		if !used[g.ID] || g.About == "" || g.Source == "" {
			t.Errorf("%s: used %v, about %q, source %q", g.ID, used[g.ID], g.About, g.Source)
		}
		if len(g.Open) > 0 && len(g.Shut) > 0 {
			t.Errorf("%s lists both what opens and what closes it", g.ID)
		}
		if g.Opener != "" {
			if _, err := arm.ParseOperation(g.Opener); err != nil {
				t.Errorf("%s: %v", g.ID, err)
			}
		}
	}
}

func TestGateStates(t *testing.T) {
	f := func(id, kind string, settings map[string]string, want State) {
		t.Helper()
		r := &mivet.Resource{ID: mustID(t, sub+"/resourceGroups/g/providers/Microsoft.Web/sites/s"), Detail: &mivet.Detail{Kind: kind, Settings: settings}}
		if got := findGate(id).read(r, func(arm.ID) *mivet.Resource { return r }); got.state != want {
			t.Errorf("%s with %q %v: got %v, want %v", id, kind, settings, got.state, want)
		}
	}
	set := func(k, v string) map[string]string { return map[string]string{k: v} }
	f("shared-key", "", set("allowSharedKeyAccess", "null"), Open)
	f("shared-key", "", set("allowSharedKeyAccess", "FALSE"), Shut)
	f("shared-key", "", nil, Unread)
	f("sftp", "", set("isSftpEnabled", "null"), Shut)
	f("sftp", "", set("isSftpEnabled", "true"), Open)
	f("functions-kind", "functionapp,linux", nil, Open)
	f("functions-kind", "app", nil, Shut)
	f("functions-kind", "", nil, Unread)
	f("batch-shared-key", "", set("allowedAuthenticationModes", `["AAD","SharedKey"]`), Open)
	f("batch-shared-key", "", set("allowedAuthenticationModes", `["AAD"]`), Shut)
	f("aks-local-user", "", set("aadProfile.managed", "null"), Open)
	f("aks-local-user", "", set("aadProfile.tenantID", "x"), Shut)
	f("basic-auth", "", set("allow", "false"), Shut)
	f("vm-agent", "", set("osProfile.allowExtensionOperations", "true"), Open)
	f("login-extension", "", set("any", "thing"), Unread)
	if r := findGate("shared-key").read(nil, nil); r.state != Unread {
		t.Error("a resource that is not there was read")
	}
	var words []string
	for _, s := range []State{Unread, Open, Shut} {
		words = append(words, s.String())
	}
	if !slices.Equal(words, []string{"unread", "open", "closed"}) {
		t.Error(words)
	}
}
