// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCodeowners(t *testing.T) {
	root := t.TempDir()
	c := &codeowners{root: root, lines: parseCodeowners(`
# a comment
[a section]
*            @everybody
/infra/      @platform   # with a comment
*.bicep      @bicep
docs/*       @writers
/infra/**/payments/ @payments @risk
/infra/free
apps/api     @api
`)}
	f := func(file, want string) {
		t.Helper()
		if got := c.of(filepath.Join(root, filepath.FromSlash(file))); got != want {
			t.Errorf("owners of %s: %q, want %q", file, got, want)
		}
	}
	f("main.tf", "@everybody")
	f("infra/main.tf", "@platform")
	f("infra/deep/er/main.tf", "@platform")
	f("infra/deep/main.bicep", "@bicep")
	f("docs/a.md", "@writers")
	f("docs/deep/a.md", "@everybody")
	f("infra/payments/main.tf", "@payments @risk")
	f("infra/eu/west/payments/x/main.tf", "@payments @risk")
	f("infra/payments", "@platform")
	f("infra/free", "")
	f("apps/api/main.tf", "@api")
	f("x/apps/api/main.tf", "@everybody")
	f("../outside", "")
}

func TestCodeownersOfTheRepository(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{".git", ".github", "infra"} {
		if err := os.Mkdir(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, ".github", "CODEOWNERS"), []byte("/infra/ @platform\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, "infra"))
	a := newApp(Command{})
	s, err := a.vetSettings()
	if err != nil || s.Owners == nil {
		t.Fatalf("settings %+v, error %v", s, err)
	}
	if got := s.Owners("plan.json"); got != "@platform" {
		t.Errorf("owners of plan.json: %q", got)
	}
	a.config.file, a.config.Owner.Codeowners = "x.yaml", "nowhere"
	if _, err := a.vetSettings(); err == nil {
		t.Error("a file of owners that is not there is no error")
	}
}
