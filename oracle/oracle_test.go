// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"testing"

	"github.com/mivet/mivet/internal/lab/hosts"
)

// Each configuration can be read, simulated and predicted, for two clients alike.
func TestConfigurations(t *testing.T) {
	lines, err := readLines("configurations.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 40 {
		t.Errorf("%d cases, want 20 for each client", len(lines))
	}
	for _, text := range lines {
		var l line
		var in input
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(l.Input, &in); err != nil {
			t.Fatalf("%s: %v", l.ID, err)
		}
		if _, err := newWorld(&in.Host); err != nil {
			t.Errorf("%s: %v", l.ID, err)
		}
		if _, err := predict(t.Context(), &l); err != nil {
			t.Errorf("%s: %v", l.ID, err)
		}
	}
}

func TestIdentityOf(t *testing.T) {
	f := func(claims map[string]any, want string) {
		t.Helper()
		if got, err := identityOf(hosts.Unsigned(claims)); err != nil || got != want {
			t.Errorf("%v: %s, %v; want %s", claims, got, err, want)
		}
	}
	f(map[string]any{"oid": personID}, "az-cli-user")
	f(map[string]any{"oid": identities["ua1"].Principal}, "user:ua1")
	f(map[string]any{"oid": "sp", "appid": "x"}, "client:x")
	for _, bad := range []string{"", "a.b", "a.!.c", "a.e30x.c"} {
		if got, err := identityOf(bad); err == nil {
			t.Errorf("%q is %s", bad, got)
		}
	}
}
