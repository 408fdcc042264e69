// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/snapshot"
	"github.com/mivet/mivet/tenant"
)

// answers runs a command and returns all that it prints, with its code.
func answers(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	var out, notes bytes.Buffer
	c := Command{Stdin: bytes.NewReader(stdin), Stdout: &out, Stderr: &notes}
	code := c.Main(args)
	return fmt.Sprintf("%d\n%s\n%s", code, &out, &notes)
}

func snapshotFile(t *testing.T, s *mivet.Snapshot) []byte {
	t.Helper()
	cleaner, err := redact.New(redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := snapshot.Write(&b, s, snapshot.WriteOptions{Redactor: cleaner}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A question that reads a part of a snapshot prints what it prints when it reads all. A
// stream is always read as a whole.
func TestPartsAnswerAsTheWhole(t *testing.T) {
	size := tenant.SizeOf(400)
	size.AccessPolicies, size.Denies, size.Conditions, size.Locks = 20, 3, 10, 5
	variants := map[string]func(*mivet.Snapshot){
		"plain": func(*mivet.Snapshot) {},
		"open groups": func(s *mivet.Snapshot) {
			s.Gaps = append(s.Gaps, mivet.Gap{Facts: mivet.FactMemberships, Reason: "they were not read"})
		},
		"places by other facts": func(s *mivet.Snapshot) { s.Subscriptions = nil },
		"half facts": func(s *mivet.Snapshot) {
			s.RoleAssignments[3].Principal = ""
			s.Memberships = append(s.Memberships, mivet.Membership{Member: s.Identities[0].Principal})
		},
		"settings not read": func(s *mivet.Snapshot) {
			for i := range s.Resources {
				if i%3 == 0 {
					s.Resources[i].Detail = nil
				}
			}
		},
	}
	for name, change := range variants {
		t.Run(name, func(t *testing.T) {
			s, err := tenant.Generate(size)
			if err != nil {
				t.Fatal(err)
			}
			change(s)
			askParts(t, s)
		})
	}
}

func askParts(t *testing.T, s *mivet.Snapshot) {
	t.Helper()
	text := snapshotFile(t, s)
	file := filepath.Join(t.TempDir(), "s.mivet")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.tenant")
	if err := os.WriteFile(other, []byte("tenant t\nsubscription elsewhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 28 {
		who, what, where := someIdentity(r, s), someOperation(r), someResource(r, s)
		if i%3 == 0 { // a vault, whose settings decide
			vault := s.AccessPolicies[r.IntN(len(s.AccessPolicies))].Vault
			what = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
			where = []string{vault.String(), vault.Name(), strings.ToLower(vault.String()) + "/secrets/x"}[r.IntN(3)]
		}
		question := [][]string{{"can", who, what, where, "--explain"}, {"what-can", who}, {"who-can", what, where}, {"access", who}}[i%4]
		question = append(question, "--format", []string{"json", "text"}[r.IntN(2)])
		if i%5 == 4 {
			question = append(question, "--in", other)
		}
		question = append(question, "--in")
		part := answers(t, nil, append(question, file)...)
		whole := answers(t, text, append(question, "-")...)
		if d := cmp.Diff(whole, part); d != "" {
			t.Fatalf("%q: whole (-) and part (+):\n%s", question, d)
		}
	}
}

func someIdentity(r *rand.Rand, s *mivet.Snapshot) string {
	m := &s.Identities[r.IntN(len(s.Identities))]
	a := &s.RoleAssignments[r.IntN(len(s.RoleAssignments))]
	words := []string{
		string(m.Principal), m.ClientID, m.Resource.Name(), strings.ToUpper(m.Resource.String()), string(a.Principal),
		s.Principals[r.IntN(len(s.Principals))].Name, "11111111-2222-4333-8444-555555555555", "nobody",
	}
	return words[r.IntN(len(words))]
}

func someOperation(r *rand.Rand) string {
	words := []string{
		"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.Authorization/roleAssignments/write", "Microsoft.Storage/storageAccounts/read",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "Microsoft.ContainerRegistry/registries/pull/read", "Microsoft.Web/sites/delete",
	}
	return words[r.IntN(len(words))]
}

func someResource(r *rand.Rand, s *mivet.Snapshot) string {
	id := s.Resources[r.IntN(len(s.Resources))].ID
	words := []string{
		id.String(), id.Name(), strings.ToLower(id.String()) + "/children/x", id.Name() + "/children/x", id.ResourceGroup(),
		id.Subscription().String(), "/", "nothing",
	}
	return words[r.IntN(len(words))]
}

func TestNeed(t *testing.T) {
	f := func(q named, id string, want bool) {
		t.Helper()
		if got := newNeed(&q).resource([]byte(id)); got != want {
			t.Errorf("%+v needs %s: %v", q, id, got)
		}
	}
	const site = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.Web/sites/orders"
	f(named{identity: "Orders"}, site, true)
	f(named{identity: "orders", resource: "other"}, site, true)
	f(named{resource: "ORDERS/config/web"}, site, true)
	f(named{resource: "shop"}, site, true)
	f(named{resource: "shopping"}, site, false)
	f(named{resource: site}, site, true)
	f(named{resource: strings.ToUpper(site) + "/slots/s"}, site, true)
	f(named{resource: "/subscriptions/1"}, site, false)
	f(named{identity: "x", models: true}, site, false)
	f(named{identity: "x", models: true}, "/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/Vaults/kv", true)
	f(named{identity: "x"}, "/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv", false)
	f(named{identity: "x"}, "", false)
	if newNeed(nil) != nil || newNeed(&named{identity: "é"}) != nil {
		t.Error("where nothing is named, or letters have no plain case, everything is needed")
	}
}
