// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mivet/mivet"
)

// Limits of Terraform source. Files that people write stay far below them.
const (
	maxSource    = 1 << 20 // bytes of one file
	maxBrackets  = 400     // nesting of brackets
	maxEach      = 1000    // instances of one block
	maxModules   = 32      // nesting of modules
	maxSourceSum = 64 << 20
)

// ReadSource reads Terraform source: the named files of a folder are one module. What it
// deploys is told as far as that can be said without a run: variables have their defaults,
// locals, functions, count, for_each, dynamic blocks and modules in the tree are evaluated.
// What only a run knows stays unknown, and refers to what it comes from. An argument that
// is not written has its default.
//
// Examples that stand side by side often share a name, which Azure would refuse: the later
// ones are told apart by their addresses.
func ReadSource(ctx context.Context, name string, tree fs.FS, files []string) (*mivet.Snapshot, error) {
	types := newTypeTable()
	attrs := attributeFields(types)
	doc := &document{
		file: name, kind: KindTerraformSource, types: types, vars: map[string]string{},
		config: &configuration{root: newConfigModule(""), providers: map[string]provider{}, demands: map[string][]string{}},
	}
	s := &sources{
		ctx: ctx, tree: tree, doc: doc, settings: settingsByType(), left: maxSourceSum,
		reader: &reader{ctx: ctx, doc: doc, attrs: attrs, exprs: expressionFields(attrs), names: map[string]string{}},
	}
	root := &sourceModule{config: doc.config.root}
	for _, f := range files {
		if err := s.parse(root, f, displayed(name, f)); err != nil {
			return nil, err
		}
	}
	s.module(root, nil, 0)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := newBuilder(doc)
	for _, g := range s.gaps {
		b.gaps.add(g)
	}
	if tree != nil && len(files) > 0 {
		if err := doc.readLock(tree, path.Dir(files[0])); err != nil {
			b.gaps.add(lockGap(path.Join(name, LockFile), err))
		}
	}
	snap := b.build()
	for i := range snap.Gaps {
		snap.Gaps[i].Reason = ofSource.Replace(snap.Gaps[i].Reason)
	}
	return snap, nil
}

// ofSource turns what is said of plans into what is true of source.
var ofSource = strings.NewReplacer("the plan does", "the source does", "known only after apply", "known only to a run", "the plan holds", "the source holds")

// displayed is how a file is called: as the input, if that is the file itself.
func displayed(name, file string) string {
	if path.Base(name) == path.Base(file) {
		return name
	}
	return path.Join(name, path.Base(file))
}

// sources reads modules of source into a document.
type sources struct {
	ctx      context.Context
	tree     fs.FS
	doc      *document
	reader   *reader
	settings map[string][]setting
	gaps     []mivet.Gap
	left     int  // bytes that may still be read
	packed   bool // the tree is that of a binary plan
}

// sourceModule is one module of the source, in one of its instances.
type sourceModule struct {
	config   *configModule
	instance string // "module.app[0]", empty for the root
	folder   string
	blocks   []sourceBlock
	values   map[string]cty.Value // "var", "local", "module", and objects by their type
	locals   map[string]hclsyntax.Expression
}

type sourceBlock struct {
	*hclsyntax.Block
	file string
}

func (s *sources) gap(rng hcl.Range, file, subject, reason string) {
	s.gaps = append(s.gaps, mivet.Gap{
		Facts: mivet.FactInput, Subject: subject, Reason: reason,
		Source: mivet.Source{Origin: &mivet.Origin{File: file, Address: subject}, Line: rng.Start.Line},
	})
}

// parse reads one file into a module.
func (s *sources) parse(m *sourceModule, file, shown string) error {
	text, err := fs.ReadFile(s.tree, file)
	switch {
	case err != nil:
		return fmt.Errorf("reading Terraform source: %w", err)
	case len(text) > maxSource || len(text) > s.left:
		return &Error{File: shown, Line: 1, Byte: maxSource, Reason: "the source is larger than 1 MiB", Advice: "check where it comes from"}
	case tooNested(text):
		return &Error{File: shown, Line: 1, Reason: "brackets or signs are nested deeper than any person writes", Advice: "check where it comes from"}
	}
	s.left -= len(text)
	f, diags := hclsyntax.ParseConfig(text, shown, hcl.InitialPos)
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			rng := hcl.Range{}
			if d.Subject != nil {
				rng = *d.Subject
			}
			s.gap(rng, shown, "", "it is no valid source here, and what stands around may be left out: "+strings.TrimSuffix(d.Summary, "."))
		}
	}
	if f == nil {
		return nil
	}
	body, _ := f.Body.(*hclsyntax.Body)
	if body == nil {
		return nil
	}
	for _, b := range body.Blocks {
		m.blocks = append(m.blocks, sourceBlock{b, shown})
	}
	return nil
}

// tooNested looks for nesting that a parser would follow by recursion.
func tooNested(text []byte) bool {
	depth, run, questions := 0, 0, 0
	for _, c := range text {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '?':
			questions++
		}
		if c == '!' || c == '-' {
			run++
		} else if c != ' ' {
			run = 0
		}
		if depth > maxBrackets || run > maxBrackets || questions > 10*maxBrackets {
			return true
		}
	}
	return false
}

// module evaluates one module with the arguments of its call.
func (s *sources) module(m *sourceModule, args map[string]cty.Value, depth int) {
	m.values = map[string]cty.Value{
		"path": cty.DynamicVal, "terraform": cty.DynamicVal, "self": cty.DynamicVal, "module": cty.DynamicVal, "local": cty.EmptyObjectVal,
	}
	s.variables(m, args)
	s.locals(m)
	s.provider(m)
	s.required(m)
	s.modules(m, depth)
	s.locals(m)
	s.outputs(m)
	for range 2 { // the second time with what is known of others
		s.known(m)
		s.locals(m)
	}
	for _, b := range m.blocks {
		if s.ctx.Err() != nil {
			return
		}
		if (b.Type == "resource" || b.Type == "data") && len(b.Labels) == 2 {
			s.block(m, b)
		}
	}
}

func (s *sources) variables(m *sourceModule, args map[string]cty.Value) {
	vars := map[string]cty.Value{}
	for _, b := range m.blocks {
		if b.Type != "variable" || len(b.Labels) != 1 {
			continue
		}
		name := b.Labels[0]
		v, given := args[name]
		if d := b.Body.Attributes["default"]; d != nil && !given {
			v, given = m.value(d.Expr, nil), true
		}
		if !given {
			v = cty.DynamicVal
		}
		vars[name] = v
		if m.config.parent == nil && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			if id := v.AsString(); strings.HasPrefix(id, "/") || mivet.IsGUID(id) {
				s.doc.vars[name] = id
			}
		}
	}
	m.values["var"] = objectOf(vars)
}

// maxLocalPasses is how often locals are evaluated that hang on one another.
const maxLocalPasses = 16

func (s *sources) locals(m *sourceModule) {
	exprs := map[string]hclsyntax.Expression{}
	for _, b := range m.blocks {
		if b.Type == "locals" {
			for name, a := range b.Body.Attributes {
				exprs[name] = a.Expr
			}
		}
	}
	m.locals = exprs
	vals := map[string]cty.Value{}
	for name := range exprs {
		vals[name] = cty.DynamicVal
	}
	for range maxLocalPasses {
		m.values["local"] = objectOf(vals)
		changed := false
		for _, name := range sortedKeys(exprs) {
			if vals[name].IsWhollyKnown() {
				continue
			}
			v := m.value(exprs[name], nil)
			changed = changed || v.IsWhollyKnown()
			vals[name] = v
		}
		if !changed {
			break
		}
	}
	m.values["local"] = objectOf(vals)
}

// provider keeps which subscription and tenant a provider block names.
func (s *sources) provider(m *sourceModule) {
	for _, b := range m.blocks {
		if b.Type != "provider" || len(b.Labels) != 1 || m.config.parent != nil {
			continue
		}
		key := b.Labels[0]
		if a := b.Body.Attributes["alias"]; a != nil {
			if v := m.value(a.Expr, nil); isText(v) {
				key += "." + v.AsString()
			}
		}
		s.doc.config.providers[key] = provider{subscription: m.expression(b.Body, "subscription_id"), tenant: m.expression(b.Body, "tenant_id")}
	}
}

// expression is what is known of an argument.
func (m *sourceModule) expression(body *hclsyntax.Body, name string) expression {
	a := body.Attributes[name]
	if a == nil {
		return expression{}
	}
	return m.expressionOf(a.Expr)
}

func (m *sourceModule) expressionOf(x hclsyntax.Expression) expression {
	if v := m.value(x, nil); isText(v) {
		return expression{constant: v.AsString()}
	}
	return expression{refs: m.withoutLocals(referencesOf(x), 0)}
}

// withoutLocals puts what a local refers to in the place of the local.
func (m *sourceModule) withoutLocals(refs []string, depth int) []string {
	var out []string
	for _, ref := range refs {
		name, isLocal := strings.CutPrefix(ref, "local.")
		name, _ = cutIndex(splitAddress(name)[0])
		if !isLocal || m.locals[name] == nil || depth > maxLocalPasses || len(out) > maxEach {
			out = append(out, ref)
			continue
		}
		out = append(out, m.withoutLocals(referencesOf(m.locals[name]), depth+1)...)
	}
	return out
}

func (s *sources) outputs(m *sourceModule) {
	for _, b := range m.blocks {
		if b.Type == "output" && len(b.Labels) == 1 && b.Body.Attributes["value"] != nil {
			m.config.outputs[b.Labels[0]] = m.expression(b.Body, "value")
		}
	}
}

// modules evaluates the modules that are called and lie in the tree.
func (s *sources) modules(m *sourceModule, depth int) {
	results := map[string]cty.Value{}
	for _, b := range m.blocks {
		if b.Type != "module" || len(b.Labels) != 1 {
			continue
		}
		results[b.Labels[0]] = s.call(m, b, depth)
		m.values["module"] = objectOf(results)
	}
	for _, b := range m.blocks { // one that is called later is not known yet
		for _, t := range bodyReferences(b.Body) {
			parts := splitAddress(t)
			if name, _ := cutIndex(parts[min(1, len(parts)-1)]); parts[0] == "module" && results[name] == cty.NilVal {
				results[name] = cty.DynamicVal
			}
		}
	}
	m.values["module"] = objectOf(results)
}

// notArguments are the arguments of a module block that are not the module's.
var notArguments = []string{"source", "version", "count", "for_each", "providers", "depends_on"}

func (s *sources) call(m *sourceModule, b sourceBlock, depth int) cty.Value {
	name := b.Labels[0]
	address := joinModule(m.config.path, "module."+name)
	call := &moduleCall{module: newConfigModule(address), args: map[string]expression{}}
	call.module.parent, call.module.name = m.config, name
	m.config.calls[name] = call
	for _, a := range []string{"for_each", "count"} {
		if x := b.Body.Attributes[a]; x != nil {
			call.each = append(call.each, referencesOf(x.Expr)...)
		}
	}
	for arg, a := range b.Body.Attributes {
		if !slices.Contains(notArguments, arg) {
			call.args[arg] = m.expressionOf(a.Expr)
		}
	}
	where := ""
	if a := b.Body.Attributes["source"]; a != nil {
		if v := m.value(a.Expr, nil); isText(v) {
			where = v.AsString()
		}
	}
	files := s.filesOf(m, name, where)
	if len(files) == 0 || depth >= maxModules {
		s.gap(b.TypeRange, b.file, address, fmt.Sprintf("the module %q is not in the tree, and what it deploys is not known", where))
		return cty.DynamicVal
	}
	for _, x := range s.instances(m, b) {
		inner := &sourceModule{config: call.module, instance: joinModule(m.instance, "module."+name+x.index), folder: path.Join(m.folder, where)}
		for _, f := range files {
			if err := s.parse(inner, f, path.Join(path.Dir(b.file), where, path.Base(f))); err != nil {
				s.gap(b.TypeRange, b.file, address, err.Error())
			}
		}
		args := map[string]cty.Value{}
		for arg, a := range b.Body.Attributes {
			if !slices.Contains(notArguments, arg) {
				args[arg] = m.value(a.Expr, x.each)
			}
		}
		s.module(inner, args, depth+1)
	}
	return cty.DynamicVal
}

// filesOf lists the source files of a module by its path.
func (s *sources) filesOf(m *sourceModule, name, where string) []string {
	if s.packed { // modules lie there by their keys, wherever they came from
		key := strings.ReplaceAll(joinModule(m.config.path, "module."+name), "module.", "")
		return SourceFiles(s.tree, "tfconfig/m-"+key)
	}
	if !strings.HasPrefix(where, "./") && !strings.HasPrefix(where, "../") || s.tree == nil {
		return nil
	}
	folder := path.Join(m.folder, where)
	if !fs.ValidPath(folder) {
		return nil
	}
	return SourceFiles(s.tree, folder)
}

// SourceFiles lists the files of a folder that are one module of Terraform source.
func SourceFiles(tree fs.FS, folder string) []string {
	entries, err := fs.ReadDir(tree, folder)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".tf") {
			out = append(out, path.Join(folder, e.Name()))
		}
	}
	return out
}
