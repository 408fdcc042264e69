// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// generator writes a plan of any size without holding it: apps whose settings nobody
// reads, each with an identity and a grant.
type generator struct {
	size int64 // stop after that many bytes
	done int64
	n    int
	rest strings.Reader
	end  bool
	pad  string
}

func newGenerator(size int64) *generator {
	g := &generator{size: size, pad: strings.Repeat("a setting that nobody reads ", 1500)}
	g.rest.Reset(`{"format_version":"1.2","terraform_version":"1.11.4","resource_changes":[`)
	return g
}

func (g *generator) Read(p []byte) (int, error) {
	for g.rest.Len() == 0 {
		switch {
		case g.end:
			return 0, io.EOF
		case g.done >= g.size:
			g.rest.Reset("\n],\"configuration\":{\"root_module\":{}}}")
			g.end = true
		default:
			g.rest.Reset(g.next())
			g.n++
		}
	}
	n, err := g.rest.Read(p)
	g.done += int64(n)
	return n, err
}

func (g *generator) next() string {
	comma := ","
	if g.n == 0 {
		comma = ""
	}
	id := fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012d", g.n)
	app := fmt.Sprintf(`{"id":"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/shop/providers/Microsoft.Web/sites/app%d","app_settings":{"X":%q},"identity":[{"type":"SystemAssigned","principal_id":%q,"identity_ids":[]}],"site_config":[{"a":[1,2,{"b":null}]}]}`, g.n, g.pad, id)
	grant := fmt.Sprintf(`{"scope":"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/shop","role_definition_name":"Reader","principal_id":%q}`, id)
	return fmt.Sprintf("%s\n"+`{"address":"azurerm_linux_web_app.app[%d]","mode":"managed","type":"azurerm_linux_web_app","provider_name":"registry.terraform.io/hashicorp/azurerm","change":{"actions":["update"],"before":%s,"after":%s,"after_unknown":{}}},
{"address":"azurerm_role_assignment.app[%d]","mode":"managed","type":"azurerm_role_assignment","change":{"actions":["no-op"],"before":%s,"after":%s,"after_unknown":{}}}`, comma, g.n, app, app, g.n, grant, grant)
}

// watched reports the largest live heap while a stream is read.
type watched struct {
	r    io.Reader
	next int64
	read int64
	peak uint64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.read += int64(n)
	if w.read >= w.next {
		w.next += 32 << 20
		w.peak = max(w.peak, liveHeap())
	}
	return n, err
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A large plan is read in memory that follows its facts and not its size. By hand:
// MIVET_PLAN_MB=1024 go test -run TestLargePlan.
func TestLargePlan(t *testing.T) {
	size := int64(200)
	if mb := os.Getenv("MIVET_PLAN_MB"); mb != "" {
		if _, err := fmt.Sscan(mb, &size); err != nil {
			t.Fatal(err)
		}
	}
	before := liveHeap()
	g := newGenerator(size << 20)
	w := &watched{r: g}
	s, err := ReadTerraform(context.Background(), "large.json", w)
	if err != nil {
		t.Fatal(err)
	}
	after := liveHeap()
	if len(s.Resources) != g.n || len(s.Identities) != g.n || len(s.RoleAssignments) != g.n {
		t.Errorf("%d resources, %d identities, %d assignments of %d", len(s.Resources), len(s.Identities), len(s.RoleAssignments), g.n)
	}
	const base, each = 8 << 20, 8 << 10
	limit := before + base + uint64(g.n)*each
	t.Logf("%d MB, %d apps: peak %d kB, facts %d kB", g.done>>20, g.n, (w.peak-min(before, w.peak))>>10, (after-min(before, after))>>10)
	if w.peak > limit || after > limit {
		t.Errorf("live heap %d while reading, %d after; the limit is %d", w.peak, after, limit)
	}
	runtime.KeepAlive(s)
}

// One value of any length costs nothing if it is not read.
func TestEndlessValue(t *testing.T) {
	before := liveHeap()
	long := io.MultiReader(
		strings.NewReader(`{"format_version":"1.2","resource_changes":[{"address":"azurerm_linux_web_app.a","type":"azurerm_linux_web_app","change":{"actions":["create"],"after":{"zip":"`),
		io.LimitReader(repeat{}, 128<<20), strings.NewReader(`","name":"a"}}}]}`))
	w := &watched{r: long}
	if _, err := ReadTerraform(context.Background(), "long.json", w); err != nil {
		t.Fatal(err)
	}
	if w.peak > before+4<<20 {
		t.Errorf("live heap %d while reading, %d before", w.peak, before)
	}
}

type repeat struct{}

func (repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func FuzzTerraform(f *testing.F) {
	for _, name := range []string{"state.json", "raw.tfstate.json"} { // the large ones would be minimised for minutes
		if b, err := os.ReadFile(filepath.Join("testdata", name)); err == nil {
			f.Add(string(b))
		}
	}
	f.Add(planOf(changes("azurerm_linux_web_app.a", `{"name":"a","resource_group_name":"g","identity":[{"type":"SystemAssigned"}]}`, "azurerm_key_vault.kv", `{"name":null,"access_policy":[{}]}`),
		config("azurerm_key_vault.kv", from("name", "azurerm_linux_web_app.a.name"))))
	f.Add(planOf(changes("azapi_resource.a", `{"type":"Microsoft.Authorization/roleAssignments@1","name":"n","parent_id":null,"body":"{\"properties\":{}}"}`), config("azapi_resource.a", from("body", "var.x"))))
	f.Add(planOf(changes("azurerm_role_assignment.x", `{"scope":null,"principal_id":null,"role_definition_id":null}`),
		`{"root_module":{"resources":[{"address":"azurerm_role_assignment.x","expressions":{"scope":{"references":["azurerm_role_assignment.x.scope"]}}}]}}`))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadTerraform(context.Background(), "plan.json", strings.NewReader(text))
		if err != nil {
			return
		}
		if again := read(t, text); printed(again) != printed(s) {
			t.Error("the same text gives other facts the second time")
		}
		for i := range s.RoleAssignments {
			if a := &s.RoleAssignments[i]; a.Scope.IsZero() || a.Principal == "" || a.Role == "" && a.RoleName == "" {
				t.Errorf("half an assignment: %+v", a)
			}
		}
	})
}

func FuzzAzureHound(f *testing.F) {
	if b, err := os.ReadFile(filepath.Join("testdata", "azurehound.json")); err == nil {
		f.Add(string(b))
	}
	f.Add(`{"meta":{"type":"azure"},"data":[{"kind":"AZVMOwner","data":{"owners":[{"owner":{"id":"/","properties":{"principalId":"p","roleDefinitionId":"r","scope":"/"}}}]}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadAzureHound(context.Background(), "hound.json", strings.NewReader(text))
		if err != nil {
			return
		}
		for i := range s.RoleAssignments {
			if a := &s.RoleAssignments[i]; a.Scope.IsZero() || a.Principal == "" || a.Role == "" || !a.ConditionUnknown || !a.DescriptionUnknown {
				t.Errorf("half an assignment: %+v", a)
			}
		}
	})
}

func BenchmarkReadTerraform(b *testing.B) {
	for _, kind := range []string{"apps", "grants"} {
		b.Run(kind, func(b *testing.B) {
			g := newGenerator(16 << 20)
			if kind == "grants" {
				g.pad = ""
			}
			text, err := io.ReadAll(g)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := ReadTerraform(context.Background(), "bench.json", strings.NewReader(string(text))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadAzureHound(b *testing.B) {
	raw, err := os.ReadFile(filepath.Join("testdata", "azurehound.json"))
	if err != nil {
		b.Fatal(err)
	}
	items := strings.Join(strings.Split(strings.TrimSpace(string(raw)), "\n")[1:36], "\n")
	text := `{"data":[` + strings.Repeat(items+",", 200) + items + `],"meta":{"type":"azure","version":5}}`
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ReadAzureHound(context.Background(), "bench.json", strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
