// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mivet/mivet"
)

// LockFile is the name of the file in which Terraform keeps which versions of providers it
// chose, beside the source of the root module
// (hashicorp/web-unified-docs content/terraform/v1.11.x/docs/language/files/dependency-lock.mdx).
const LockFile = ".terraform.lock.hcl"

// Lock tells the objects of a plan or of source which versions of their providers were
// chosen, by the text of the lock file. A file that cannot be read becomes a gap.
func Lock(s *mivet.Snapshot, file string, text []byte) {
	chosen, err := lockedVersions(text)
	if err != nil {
		s.Gaps = append(slices.Clip(s.Gaps), lockGap(file, err))
		return
	}
	for i := range s.Declarations {
		d := &s.Declarations[i]
		provider, _, _ := strings.Cut(d.Type, "_")
		if v := chosen[provider]; v != "" && tellsVersions(d.Type) && d.APIVersion == "" {
			d.ProviderVersions = strings.TrimPrefix(d.ProviderVersions+", = "+v, ", ")
		}
	}
}

// tellsVersions reports whether the versions of its provider are of interest for a type:
// those that write key vaults, and those that speak to the directory.
func tellsVersions(typ string) bool {
	return strings.HasPrefix(typ, "azurerm_key_vault") || strings.HasPrefix(typ, "azuread_")
}

func lockGap(file string, err error) mivet.Gap {
	return mivet.Gap{Facts: mivet.FactInput, Reason: "the lock file cannot be read, so which versions of providers were chosen is not known: " + err.Error(), Source: mivet.Source{Origin: &mivet.Origin{File: file}, Line: 1}}
}

// lockedVersions reads a lock file: the version of each provider by the last part of its
// address.
func lockedVersions(text []byte) (map[string]string, error) {
	if len(text) > maxSource || tooNested(text) {
		return nil, errors.New("it is larger or deeper than Terraform writes it")
	}
	f, diags := hclsyntax.ParseConfig(text, LockFile, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, errors.New(strings.TrimSuffix(diags[0].Summary, "."))
	}
	out := map[string]string{}
	body, _ := f.Body.(*hclsyntax.Body)
	if body == nil {
		return out, nil
	}
	for _, b := range body.Blocks {
		if b.Type != "provider" || len(b.Labels) != 1 || b.Body.Attributes["version"] == nil {
			continue
		}
		v, diags := b.Body.Attributes["version"].Expr.Value(nil)
		if !diags.HasErrors() && isText(v) && isConstraint(v.AsString()) {
			out[path.Base(b.Labels[0])] = v.AsString()
		}
	}
	return out, nil
}

// isConstraint reports whether a text may be a constraint of versions.
func isConstraint(text string) bool {
	return text != "" && len(text) <= maxConstraint && strings.Trim(text, "0123456789.,<>=!~ ") == ""
}

// readLock reads the lock file in a folder, if there is one.
func (d *document) readLock(tree fs.FS, folder string) error {
	f, err := tree.Open(path.Join(folder, LockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err //nolint:wrapcheck // it becomes a gap
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	d.lock = text
	return errors.Join(err, f.Close())
}

// required keeps which versions of providers a module demands: in its block terraform, or in
// a provider block, as was done before Terraform 0.13.
func (s *sources) required(m *sourceModule) {
	for _, b := range m.blocks {
		switch {
		case b.Type == "provider" && len(b.Labels) == 1 && b.Body.Attributes["version"] != nil:
			s.demand(b.Labels[0], m.value(b.Body.Attributes["version"].Expr, nil))
		case b.Type == "terraform":
			for _, inner := range b.Body.Blocks {
				if inner.Type != "required_providers" {
					continue
				}
				for _, name := range sortedKeys(inner.Body.Attributes) {
					s.demand(name, m.value(inner.Body.Attributes[name].Expr, nil))
				}
			}
		}
	}
}

// demand keeps one constraint: a text, or an object with source and version.
func (s *sources) demand(name string, v cty.Value) {
	part := func(key string) cty.Value {
		if v.IsKnown() && !v.IsNull() && v.Type().IsObjectType() && v.Type().HasAttribute(key) {
			return v.GetAttr(key)
		}
		return cty.DynamicVal
	}
	if source := part("source"); isText(source) {
		name = path.Base(source.AsString())
	}
	if version := part("version"); isText(version) {
		v = version
	}
	if all := s.doc.config.demands; isText(v) && isConstraint(v.AsString()) && !slices.Contains(all[name], v.AsString()) && len(all[name]) < maxConstraints {
		all[name] = append(all[name], v.AsString())
	}
}
