// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mivet/mivet/armtemplate"
	"github.com/mivet/mivet/bicep"
)

// A pair is a file of a folder with what is known of it beside it.
type pair struct {
	kind           string
	source, answer string // names of files
}

// pairKinds names what a folder can hold, with how a pair is compared.
var pairKinds = []struct {
	name    string
	compare func(f *folder, p pair) (difference, why string)
}{
	{"bicep-template", compareTemplate},
	{"bicep-tokens", compareTokens},
	{"bicep-faults", compareFaults},
	{"bicep-params", compareParams},
	{"bicep-snapshot", compareSnapshot},
}

// FolderOptions is what comparing a folder needs beside its files.
type FolderOptions struct {
	// Cache holds restored modules, as the Bicep compiler keeps them below ~/.bicep; nil: none.
	Cache fs.FS
}

// folder is a tree of files that is compared.
type folder struct {
	tree fs.FS
	opts bicep.Options
}

// AddFolder compares Bicep files with what another compiler made of them, which lies beside them: NAME.bicep with NAME.json
// (the template; main.bicep also with azuredeploy.json), NAME.tokens.bicep and NAME.diagnostics.bicep; parameters.bicepparam with parameters.json, whatever else is
// named so may be another set of parameters; NAME.bicepparam with NAME.snapshot.json (the resources that it predicts).
func (p *Report) AddFolder(ctx context.Context, r *Runner, name string, tree fs.FS, opts FolderOptions) error {
	p.SchemaVersion = 1
	p.Files = append(p.Files, name)
	pairs, err := findPairs(tree)
	if err != nil {
		return err
	}
	f := &folder{tree, bicep.Options{Files: tree, Cache: opts.Cache, TypeName: r.typeName}}
	for _, one := range pairs {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.addPair(f, name, one)
	}
	slices.SortFunc(p.Kinds, func(a, b KindReport) int { return strings.Compare(a.Kind, b.Kind) })
	return nil
}

// typeName spells a resource type as its schema does.
func (r *Runner) typeName(name string) string {
	if r.options.Catalog == nil {
		return ""
	}
	t, _ := r.options.Catalog.ResourceType(name)
	return t.Name
}

func (p *Report) addPair(f *folder, name string, one pair) {
	i := slices.IndexFunc(p.Kinds, func(k KindReport) bool { return k.Kind == one.kind })
	if i < 0 {
		p.Kinds = append(p.Kinds, KindReport{Kind: one.kind, Supported: true})
		i = len(p.Kinds) - 1
	}
	var compare func(*folder, pair) (string, string)
	for _, k := range pairKinds {
		if k.name == one.kind {
			compare = k.compare
		}
	}
	difference, why := compare(f, one)
	outcome := Agreed
	switch {
	case why != "":
		outcome = Unanswered
	case difference != "":
		outcome = Disagreed
	}
	p.Kinds[i].add(outcome)
	if outcome == Agreed {
		return
	}
	id, expected := quoted(one.source), quoted("as "+one.answer)
	d := Difference{File: path.Join(name, one.source), Line: 1, ID: id, Kind: one.kind, Outcome: outcome, Expected: expected, Why: why}
	if difference != "" {
		d.Answer = difference
	}
	p.Differences = append(p.Differences, d)
}

func quoted(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

// findPairs lists the pairs of a tree, in the order of their names.
func findPairs(tree fs.FS) ([]pair, error) {
	var list []pair
	there := map[string]bool{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			there[name] = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for name := range there {
		ext := path.Ext(name)
		base := strings.TrimSuffix(name, ext)
		if ext != ".bicep" && ext != ".bicepparam" || strings.HasSuffix(base, ".tokens") || strings.HasSuffix(base, ".diagnostics") {
			continue
		}
		add := func(kind, answer string) {
			if there[answer] {
				list = append(list, pair{kind, name, answer})
			}
		}
		add("bicep-tokens", base+".tokens"+ext)
		add("bicep-faults", base+".diagnostics"+ext)
		switch {
		case ext == ".bicepparam":
			add("bicep-snapshot", base+".snapshot.json")
			if path.Base(base) == "parameters" && hasSchema(tree, base+".json", "deploymentparameters") {
				add("bicep-params", base+".json")
			}
		case hasSchema(tree, base+".json", "deploymenttemplate"):
			add("bicep-template", base+".json")
		case path.Base(base) == "main" && compiledFromBicep(tree, path.Join(path.Dir(base), "azuredeploy.json")):
			add("bicep-template", path.Join(path.Dir(base), "azuredeploy.json")) // as the quickstart templates have it
		}
	}
	slices.SortFunc(list, func(a, b pair) int { return strings.Compare(a.source+a.kind, b.source+b.kind) })
	return list, nil
}

// compiledFromBicep says whether a template says of itself that the Bicep compiler made it.
func compiledFromBicep(tree fs.FS, name string) bool {
	content, err := fs.ReadFile(tree, name)
	if err != nil {
		return false
	}
	root, err := armtemplate.ParseJSON(name, content)
	return err == nil && textOf(root.Get("metadata").Get("_generator").Get("name")) == "bicep"
}

// hasSchema says whether a JSON file is of a schema, by the end of its name.
func hasSchema(tree fs.FS, name, schema string) bool {
	content, err := fs.ReadFile(tree, name)
	if err != nil {
		return false
	}
	root, err := armtemplate.ParseJSON(name, content)
	if err != nil {
		return false
	}
	s := root.Get("$schema")
	return s != nil && strings.Contains(strings.ToLower(s.Text), schema+".json")
}
