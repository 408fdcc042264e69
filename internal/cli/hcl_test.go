// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

func TestHCLPlaces(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.tf", "\n resource \"azurerm_linux_web_app\" \"api\" {\n}\nresource \"a_b\" \"twice\" {}\n")
	write("more.tf", "resource \"a_b\" \"twice\" {}\n# resource \"a_b\" \"comment\" {}\n")
	write("modules/app/main.tf", "resource \"azurerm_linux_web_app\" \"api\" {\n}\n")
	write("modules/one/main.tf", "\n\nresource \"a_b\" \"lone\" {\n}\n")
	write(".git/main.tf", "resource \"a_b\" \"hidden\" {}\n")
	p, err := hclPlaces(filepath.Join(folder, "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	f := func(address, want string) {
		t.Helper()
		got := p.of(mivet.Source{Origin: &mivet.Origin{File: "plan.json", Address: address}, Line: 9})
		name := strings.TrimPrefix(got.Origin.File, filepath.ToSlash(folder)+"/") + ":" + strconv.Itoa(got.Line)
		if name != want || got.Origin.Address != address {
			t.Errorf("%s: %s, want %s", address, name, want)
		}
	}
	f("azurerm_linux_web_app.api", "main.tf:2")
	f("azurerm_linux_web_app.api[0]", "main.tf:2")
	f(`azurerm_linux_web_app.api["a.b"]`, "main.tf:2")
	f("module.app.azurerm_linux_web_app.api", "modules/app/main.tf:1")
	f(`module.x["k.v"].module.y[1].a_b.lone`, "modules/one/main.tf:3")
	f("a_b.twice", "plan.json:9")
	f("a_b.lone", "plan.json:9")
	f("a_b.hidden", "plan.json:9")
	f("a_b.comment", "plan.json:9")
	f("odd", "plan.json:9")
	if s := p.of(mivet.Source{Line: 3}); s.Line != 3 || s.Origin != nil {
		t.Errorf("a place without an address becomes %v", s)
	}
	if none, err := hclPlaces("-"); err != nil || len(none.blocks) != 0 {
		t.Errorf("standard input: %v %v", none, err)
	}
	if _, err := hclPlaces(filepath.Join(folder, "nowhere", "plan.json")); err == nil {
		t.Error("a folder that is not there is read")
	}
}
