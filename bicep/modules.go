// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// A target is the file that a module path leads to.
type target struct {
	unit     *unit             // of a .bicep file
	node     *armtemplate.Node // of a compiled template
	external *external         // the same, read for its names
}

// module finds the file of a module path; it reports why there is none.
func (u *unit) module(p Expr) *target {
	text, ok := p.(*String)
	if !ok {
		return nil
	}
	if len(text.Holes) > 0 {
		u.fault(text.Span, "BCP092", "the path of a file cannot have holes")
		return nil
	}
	if strings.Contains(text.Parts[0], ":") {
		return u.registry(text)
	}
	name, fault := u.c.relative(u.name, text.Parts[0])
	if fault != "" {
		u.fault(text.Span, "BCP051", fault)
		return nil
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".jsonc", ".arm":
		content, err := u.c.read(name)
		if err != nil {
			u.fault(text.Span, "BCP091", "this file cannot be read: "+err.Error())
			return nil
		}
		return u.compiled(text.Span, name, content)
	}
	other, err := u.c.unit(name)
	if err != nil {
		u.fault(text.Span, "BCP091", "this file cannot be read: "+err.Error())
		return nil
	}
	return &target{unit: other}
}

// compiled reads an ARM template.
func (u *unit) compiled(at Span, name, content string) *target {
	if e, ok := u.c.externals[name]; ok {
		return e
	}
	node, err := armtemplate.ParseJSON(u.c.shown(name), []byte(content))
	if err != nil {
		u.fault(at, "BCP188", "this file is no ARM template: "+err.Error())
		return nil
	}
	t := &target{node: node, external: newExternal(node)}
	u.c.externals[name] = t
	return t
}

// registry finds a module of a registry or a template spec in the folder of restored ones.
func (u *unit) registry(text *String) *target {
	spec := text.Parts[0]
	var names []string
	switch {
	case strings.HasPrefix(spec, "br:"), strings.HasPrefix(spec, "br/"):
		names = u.registryNames(spec[2:])
	case strings.HasPrefix(spec, "ts:"), strings.HasPrefix(spec, "ts/"):
		names = u.templateSpecNames(spec[2:])
	default:
		u.fault(text.Span, "BCP189", "a module is a file, or in a registry (br:) or a template spec (ts:)")
		return nil
	}
	for _, name := range names {
		if u.c.opts.Cache == nil || !fs.ValidPath(name) {
			continue
		}
		content, err := u.c.readFrom(u.c.opts.Cache, name)
		if err != nil {
			continue
		}
		return u.compiled(text.Span, name, content)
	}
	u.c.add(u.file, text.Span, Warning, "BCP190", "the module "+text.Parts[0]+" is not in the folder of restored modules: what it deploys is not known")
	return nil
}

// registryNames are the places of a module of a registry below the folder of restored ones:
// br/REGISTRY/PATH with $ for slashes/TAG$ or DIGEST/main.json. An alias of bicepconfig.json stands for a registry and
// the beginning of the path; public is always there.
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/modules, /bicep-config-modules
func (u *unit) registryNames(rest string) []string {
	if alias, module, found := strings.Cut(rest[1:], ":"); rest[0] == '/' && found {
		registry, prefix, ok := u.c.config(path.Dir(u.name)).alias("br", alias)
		if !ok {
			return nil
		}
		if prefix != "" {
			module = prefix + "/" + module
		}
		rest = ":" + registry + "/" + module
	}
	rest = rest[1:]
	registry, module, found := strings.Cut(rest, "/")
	if !found {
		return nil
	}
	var version string
	if name, digest, ok := strings.Cut(module, "@"); ok {
		module, version = name, strings.ReplaceAll(digest, ":", "#")
	} else if i := strings.LastIndexByte(module, ':'); i >= 0 {
		module, version = module[:i], module[i+1:]+"$"
	}
	if version == "" {
		return nil
	}
	folder := path.Join("br", strings.ReplaceAll(registry, ":", "$"), strings.ReplaceAll(module, "/", "$"), version)
	return []string{path.Join(folder, "main.json")}
}

// templateSpecNames are the places of a template spec: ts/SUBSCRIPTION/GROUP/NAME/VERSION/main.json.
func (u *unit) templateSpecNames(rest string) []string {
	prefix := ""
	if rest[0] == '/' {
		alias, name, _ := strings.Cut(rest[1:], ":")
		sub, group, ok := u.c.config(path.Dir(u.name)).alias("ts", alias)
		if !ok {
			return nil
		}
		prefix, rest = sub+"/"+group, ":"+name
	}
	name, version, found := strings.Cut(rest[1:], ":")
	if !found {
		return nil
	}
	return []string{path.Join("ts", prefix, name, version, "main.json")}
}

// A config is what a bicepconfig.json says of registries and template specs.
type config struct {
	aliases map[[2]string][2]string // kind and alias, to registry and beginning of paths, or subscription and group
}

func (c *config) alias(kind, name string) (first, second string, ok bool) {
	if c != nil {
		if r, found := c.aliases[[2]string{kind, name}]; found {
			return r[0], r[1], true
		}
	}
	if kind == "br" && name == "public" {
		return "mcr.microsoft.com", "bicep", true
	}
	return "", "", false
}

// config reads the bicepconfig.json nearest to a folder, upwards. One that cannot be read says nothing: the aliases it
// would give are reported where they are used.
func (c *compiler) config(folder string) *config {
	if got, ok := c.configs[folder]; ok {
		return got
	}
	var got *config
	content, err := c.read(path.Join(folder, "bicepconfig.json"))
	switch {
	case err == nil:
		got = parseConfig(content)
	case folder != ".":
		got = c.config(path.Dir(folder))
	}
	c.configs[folder] = got
	return got
}

func parseConfig(content string) *config {
	got := &config{aliases: map[[2]string][2]string{}}
	root, err := armtemplate.ParseJSON("bicepconfig.json", []byte(content))
	if err != nil {
		return got
	}
	for _, m := range members(root.Get("moduleAliases").Get("br")) {
		got.aliases[[2]string{"br", m.Name}] = [2]string{plain(m.Value.Get("registry")), plain(m.Value.Get("modulePath"))}
	}
	for _, m := range members(root.Get("moduleAliases").Get("ts")) {
		got.aliases[[2]string{"ts", m.Name}] = [2]string{plain(m.Value.Get("subscription")), plain(m.Value.Get("resourceGroup"))}
	}
	return got
}

// plain is the text of a JSON string, "" for all else.
func plain(n *armtemplate.Node) string {
	if n == nil || n.Kind != armtemplate.NodeString {
		return ""
	}
	return n.Text
}

// moduleName makes the name of the deployment that a module is. Where none is given the compiler makes one up.
func (l *lowerer) moduleName(sym *symbol, s *scope, index *armtemplate.Expr, p armtemplate.Pos) *armtemplate.Expr {
	if sym.body != nil {
		if e := sym.body.property("name"); e != nil {
			return l.expr(e, s)
		}
	}
	// A name has at most 64 characters: 13 of the hash, 3 of the index of a loop, and a dash before each.
	const longest, hash, number = 64, 13, 3
	deployment := member(p, l.call(p, "deployment"), "name")
	unique := l.call(p, "uniqueString", text(p, sym.name), deployment)
	if sym.loop == nil {
		prefix := sym.name[:min(len(sym.name), longest-hash-1)]
		return l.call(p, "format", text(p, prefix+"-{0}"), unique)
	}
	if index == nil {
		index = l.call(p, "copyIndex")
	}
	prefix := sym.name[:min(len(sym.name), longest-hash-number-2)]
	return l.call(p, "format", text(p, prefix+"-{0}-{1}"), index, unique)
}

// secureOutputs says whether a module has an output that is secret; with a name, whether that one is.
func (l *lowerer) secureOutputs(sym *symbol, name string) bool {
	t := l.targetOf(sym)
	if t == nil {
		return false
	}
	if t.unit == nil {
		return t.external.secure(name)
	}
	for _, o := range t.unit.outputs {
		if (name == "" || o.Name.Text == name) && l.isSecret(o, t.unit) {
			return true
		}
	}
	return false
}

func (l *lowerer) isSecret(o *Output, u *unit) bool {
	return decorator(o, "secure") != nil || l.shape(o.Type, u, 0).secure
}

func (l *lowerer) targetOf(sym *symbol) *target {
	if t, ok := l.c.targets[sym]; ok {
		return t
	}
	t := sym.unit.module(sym.module.Path)
	l.c.targets[sym] = t
	return t
}

// moduleNode makes the deployment that a module is.
func (l *lowerer) moduleNode(sym *symbol) *armtemplate.Node {
	decl := sym.module
	p := sym.unit.pos(decl.Span)
	s := l.bodyScope(sym, nil)
	list := l.head(sym, s, p)
	list = append(list, named("type", armtemplate.StringNode(p, deploymentType)), named("apiVersion", armtemplate.StringNode(p, deploymentVersion)))
	if sym.body != nil && sym.body.property("name") != nil {
		list = append(list, named("name", l.node(sym.body.property("name"), s)))
	} else {
		list = append(list, named("name", armtemplate.ExprNode(l.moduleName(sym, s, nil, p))))
	}
	where := l.placeOf(sym, s, 0)
	list = append(list, l.placeMembers(where, p)...)
	if where.level != "resourceGroup" {
		from := "deployment"
		if l.u.scope == "resourceGroup" {
			from = "resourceGroup"
		}
		list = append(list, named("location", armtemplate.ExprNode(member(p, l.call(p, from), "location"))))
	}
	if sym.body != nil {
		l.refuseSpread(sym)
		list = append(list, l.members(sym.body, s, moduleOmitted)...)
	}
	list = append(list, named("properties", l.moduleProperties(sym, s, p)))
	return armtemplate.ObjectNode(p, l.dependsOn(list, sym, s, p)...)
}

func moduleOmitted(name string) bool {
	switch name {
	case "name", "params", "extensionConfigs", "scope", "dependsOn":
		return true
	}
	return false
}

func (l *lowerer) moduleProperties(sym *symbol, s *scope, p armtemplate.Pos) *armtemplate.Node {
	inner := armtemplate.ObjectNode(p, named("scope", armtemplate.StringNode(p, "inner")))
	list := []armtemplate.Member{
		named("expressionEvaluationOptions", inner),
		named("mode", armtemplate.StringNode(p, "Incremental")),
	}
	t := l.targetOf(sym)
	if sym.body != nil {
		if params, ok := sym.body.property("params").(*Object); ok {
			list = append(list, named("parameters", armtemplate.ObjectNode(s.unit.pos(params.Span), l.moduleParams(params, s, t)...)))
		}
		if configs, ok := sym.body.property("extensionConfigs").(*Object); ok {
			list = append(list, named("extensionConfigs", l.extensionConfigs(configs, s)))
		}
	}
	return armtemplate.ObjectNode(p, append(list, l.moduleTemplate(sym, t, p))...)
}

// moduleTemplate is the template of the module, or a link to what is not here.
func (l *lowerer) moduleTemplate(sym *symbol, t *target, p armtemplate.Pos) armtemplate.Member {
	at := sym.module.Path
	switch {
	case t == nil:
	case t.node != nil:
		return armtemplate.Member{Name: "template", Value: t.node, Pos: p}
	case slices.Contains(l.c.stack, t.unit.name):
		sym.unit.fault(at.Place(), "BCP095", "the file is a module of itself: "+strings.Join(append(slices.Clone(l.c.stack), t.unit.name), " -> "))
	case len(l.c.stack) >= maxModules:
		sym.unit.fault(at.Place(), "", "modules lie too deep in one another")
	default:
		return armtemplate.Member{Name: "template", Value: l.c.template(t.unit), Pos: p}
	}
	link := named("uri", armtemplate.StringNode(p, "bicep:"+linkText(at)))
	return named("templateLink", armtemplate.ObjectNode(p, link))
}

func linkText(e Expr) string {
	if name, ok := keyText(e); ok {
		return name
	}
	return "unknown"
}

// moduleParams wraps each parameter of a module: its value, or the secret of a vault.
func (l *lowerer) moduleParams(o *Object, s *scope, t *target) []armtemplate.Member {
	list := make([]armtemplate.Member, 0, len(o.Items))
	for _, item := range o.Items {
		name, ok := keyText(item.Key)
		if !ok {
			continue
		}
		p := s.unit.pos(item.Span)
		if t != nil && !t.hasParam(name) {
			s.unit.fault(item.Key.Place(), "BCP037", "the module has no parameter with the name "+name)
		}
		m := armtemplate.Member{Name: name, Pos: p}
		if loop, ok := unwrap(item.Value).(*For); ok {
			c := l.copyNode("value", loop, s, copyName{"value", true})
			m.Value = armtemplate.ObjectNode(p, named("copy", armtemplate.ArrayNode(p, c)))
		} else {
			m.Value = l.moduleParam(item.Value, s, t, name)
		}
		list = append(list, m)
	}
	return list
}

func (t *target) hasParam(name string) bool {
	if t.unit == nil {
		return t.node.Get("parameters").Get(name) != nil
	}
	sym := t.unit.symbols[name]
	return sym != nil && sym.kind == symParam
}

func (l *lowerer) moduleParam(e Expr, s *scope, t *target, name string) *armtemplate.Node {
	p := s.unit.pos(e.Place())
	switch e := unwrap(e).(type) {
	case *MethodCall:
		if sym, index, ok := l.denoted(e.Base, s); ok && sym.kind == symResource && e.Name.Text == "getSecret" {
			return armtemplate.ObjectNode(p, named("reference", l.secret(sym, index, e, s, p)))
		}
	case *Ternary:
		return armtemplate.ExprNode(l.moduleParamExpr(e, s))
	}
	if sym, index, ok := l.denoted(e, s); ok && sym.kind == symResource && t.wantsResource(name) {
		return armtemplate.ObjectNode(p, named("value", armtemplate.ExprNode(l.resourceID(sym, index, p))))
	}
	return armtemplate.ObjectNode(p, named("value", l.node(e, s)))
}

func (t *target) wantsResource(name string) bool {
	if t == nil || t.unit == nil {
		return false
	}
	sym := t.unit.symbols[name]
	if sym == nil || sym.kind != symParam {
		return false
	}
	_, ok := sym.param.Type.(*ResourceType)
	return ok
}

// moduleParamExpr is moduleParam as an expression.
func (l *lowerer) moduleParamExpr(e Expr, s *scope) *armtemplate.Expr {
	p := s.unit.pos(e.Place())
	switch e := unwrap(e).(type) {
	case *Ternary:
		return l.call(p, "if", l.expr(e.Cond, s), l.moduleParamExpr(e.Yes, s), l.moduleParamExpr(e.No, s))
	case *MethodCall:
		if sym, index, ok := l.denoted(e.Base, s); ok && sym.kind == symResource && e.Name.Text == "getSecret" {
			vault := l.call(p, "createObject", text(p, "id"), l.resourceID(sym, index, p))
			args := []*armtemplate.Expr{text(p, "keyVault"), vault}
			for i, name := range []string{"secretName", "secretVersion"} {
				if i < len(e.Args) {
					args = append(args, text(p, name), l.expr(e.Args[i], s))
				}
			}
			return l.call(p, "createObject", text(p, "reference"), l.call(p, "createObject", args...))
		}
	}
	return l.call(p, "createObject", text(p, "value"), l.expr(e, s))
}

// secret makes the reference to a secret of a vault.
func (l *lowerer) secret(sym *symbol, index *armtemplate.Expr, e *MethodCall, s *scope, p armtemplate.Pos) *armtemplate.Node {
	vault := armtemplate.ObjectNode(p, named("id", armtemplate.ExprNode(l.resourceID(sym, index, p))))
	list := []armtemplate.Member{named("keyVault", vault)}
	for i, name := range []string{"secretName", "secretVersion"} {
		if i < len(e.Args) {
			list = append(list, named(name, l.node(e.Args[i], s)))
		}
	}
	return armtemplate.ObjectNode(p, list...)
}
