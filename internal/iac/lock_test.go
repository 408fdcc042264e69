// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet"
)

// lockText is a lock file as Terraform writes it.
const lockText = `# This file is maintained automatically by "terraform init".
provider "registry.terraform.io/hashicorp/azuread" {
  version     = "1.6.0"
  constraints = "~> 1.5"
  hashes      = ["h1:abc="]
}
provider "registry.opentofu.org/hashicorp/azurerm" {
  version = "4.23.0"
}
provider "registry.terraform.io/hashicorp/random" {}
`

// versions are those that declarations tell, by address.
func versions(s *mivet.Snapshot) string {
	var out []string
	for i := range s.Declarations {
		d := &s.Declarations[i]
		out = append(out, d.Address+": "+d.ProviderVersions)
	}
	return strings.Join(out, "\n")
}

const providersSource = `
terraform {
  required_version = ">= 1.5"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
    directory = { source = "hashicorp/azuread", version = ">= 1.5" }
    random    = "~> 3.0"
    odd       = { source = "hashicorp/odd", version = var.unknown }
  }
  backend "azurerm" {}
}
provider "azurerm" {
  version = ">= 4.1"
  features {}
}
provider "azuread" { version = "nonsense" }
resource "azurerm_key_vault" "kv" { name = "kv" }
resource "azurerm_storage_account" "s" { name = "s" }
resource "azuread_group" "ops" { display_name = "ops" }
module "inner" { source = "./modules/inner" }
`

func TestRequiredProviders(t *testing.T) {
	files := fstest.MapFS{
		"main.tf":               {Data: []byte(providersSource)},
		"modules/inner/main.tf": {Data: []byte("terraform {\n  required_providers {\n    azurerm = { source = \"hashicorp/azurerm\", version = \"< 5.0\" }\n  }\n}\nresource \"azurerm_key_vault_secret\" \"x\" { name = \"x\" }\n")},
	}
	f := func(lock, want, gap string) {
		t.Helper()
		delete(files, LockFile)
		if lock != "" {
			files[LockFile] = &fstest.MapFile{Data: []byte(lock)}
		}
		s, err := ReadSource(t.Context(), "code", files, []string{"main.tf"})
		if err != nil {
			t.Fatal(err)
		}
		if got := versions(s); got != strings.TrimSpace(want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		var gaps strings.Builder
		for i := range s.Gaps {
			if o := s.Gaps[i].Source.Origin; o != nil && strings.HasSuffix(o.File, LockFile) {
				gaps.WriteString(o.File + ": " + s.Gaps[i].Reason)
			}
		}
		if !strings.Contains(gaps.String(), gap) || (gap == "") != (gaps.String() == "") {
			t.Errorf("gaps %q, want %q", gaps.String(), gap)
		}
	}
	const open = `
module.inner.azurerm_key_vault_secret.x: ~> 4.0, >= 4.1, < 5.0
azurerm_key_vault.kv: ~> 4.0, >= 4.1, < 5.0
azurerm_storage_account.s: 
azuread_group.ops: >= 1.5
`
	f("", open, "")
	f(lockText, `
module.inner.azurerm_key_vault_secret.x: ~> 4.0, >= 4.1, < 5.0, = 4.23.0
azurerm_key_vault.kv: ~> 4.0, >= 4.1, < 5.0, = 4.23.0
azurerm_storage_account.s: 
azuread_group.ops: >= 1.5, = 1.6.0
`, "")
	f(`provider "x" {`, open, "code/.terraform.lock.hcl: the lock file cannot be read, so which versions of providers were chosen is not known: ")
	f(strings.Repeat("[", 1000), open, "larger or deeper")
	f(`provider "registry.terraform.io/hashicorp/azurerm" { version = file("x") }`, open, "")
}

// A plan is told by the caller, who knows where it lies; a plan file brings its own.
func TestLockOfPlan(t *testing.T) {
	s := read(t, planOf(changes("azurerm_key_vault.kv", `{"name":"kv"}`, "azapi_resource.a", `{"type":"Microsoft.KeyVault/vaults@2023-07-01"}`), noConfig))
	Lock(s, "x/"+LockFile, []byte(lockText))
	if got, want := versions(s), "azurerm_key_vault.kv: = 4.23.0\nazapi_resource.a: "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	before := len(s.Gaps)
	Lock(s, "x/"+LockFile, []byte("{"))
	if len(s.Gaps) != before+1 || s.Gaps[before].Source.Origin.File != "x/"+LockFile {
		t.Errorf("%+v", s.Gaps)
	}
	file := planFile(t, recycling(), map[string]string{
		LockFile: lockText, "tfconfig/m-/main.tf": "terraform {\n  required_providers {\n    azurerm = \"~> 4.0\"\n  }\n}\n",
	})
	doc, err := readBinary(context.Background(), "p", bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if got := doc.config.versionsOf("azurerm"); got != "~> 4.0" || string(doc.lock) != lockText {
		t.Errorf("%q %q", got, doc.lock)
	}
}

func FuzzLock(f *testing.F) {
	f.Add([]byte(lockText))
	f.Add([]byte(`provider "a" { version = "1" }`))
	f.Add([]byte("provider \"\" {\n version = \"${1}\"\n}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := lockedVersions(text)
		if err != nil {
			return
		}
		for name, v := range all {
			if !isConstraint(v) || strings.Contains(name, "/") && name != "/" {
				t.Errorf("%q: %q", name, v)
			}
		}
	})
}
