// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// Functions of the language that the template language has under the same name.
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions
const knownFunctions = " array base64 base64ToJson base64ToString bool buildUri cidrHost cidrSubnet coalesce concat contains dataUri" +
	" dataUriToString dateTimeAdd dateTimeFromEpoch dateTimeToEpoch deployer deployment distinct empty endsWith environment" +
	" extensionResourceId externalInput fail filter first flatten format groupBy guid indexOf int intersection items join json" +
	" last lastIndexOf length like list managementGroup managementGroupResourceId map mapValues max min newGuid objectKeys padLeft" +
	" parseCidr parseUri pickZones providers range reduce reference replace resourceGroup resourceId roleDefinitions shallowMerge" +
	" skip sort split startsWith string subscription subscriptionResourceId substring take tenant tenantResourceId toLogicalZone" +
	" toLogicalZones toLower toObject toPhysicalZone toPhysicalZones toUpper trim tryGet union uniqueString uri uriComponent" +
	" uriComponentToString utcNow "

func isFunction(name string) bool {
	return name != "" && (strings.Contains(knownFunctions, " "+name+" ") || strings.HasPrefix(name, "list"))
}

// functionCall makes a call by name.
func (l *lowerer) functionCall(e *Call, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	local, sym := s.find(e.Name.Text)
	switch {
	case local != nil:
		s.unit.fault(e.Name.Span, "BCP059", "the name "+e.Name.Text+" stands for no function")
		return l.faulty(p)
	case sym == nil:
		return l.builtin(e.Name, e.Args, p, s)
	case sym.kind == symFunc:
		return l.call(p, l.declareFunction(sym), l.args(e.Args, s)...)
	case sym.kind == symImport:
		return l.importedCall(sym, e, p, s)
	}
	s.unit.fault(e.Name.Span, "BCP059", "the name "+e.Name.Text+" stands for no function")
	return l.faulty(p)
}

func (l *lowerer) args(list []Expr, s *scope) []*armtemplate.Expr {
	out := make([]*armtemplate.Expr, len(list))
	for i, e := range list {
		out[i] = l.expr(e, s)
	}
	return out
}

// builtin makes a call of a function of the language.
func (l *lowerer) builtin(name Name, args []Expr, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	switch name.Text {
	case "any":
		if len(args) == 1 {
			return l.expr(args[0], s)
		}
	case "nameof":
		if len(args) == 1 {
			return l.nameOf(args[0], p, s)
		}
	case "loadTextContent", "loadFileAsBase64", "loadJsonContent", "loadYamlContent", "loadDirectoryFileInfo":
		return l.load(name, args, p, s)
	case "readEnvironmentVariable", "externalInput", "readCliArg":
		return l.outside(name, args, p, s)
	case "getSecret":
		return l.call(p, "getSecret", l.args(args, s)...)
	}
	if !isFunction(name.Text) {
		if name.Text != "" {
			s.unit.fault(name.Span, "BCP057", "there is no function with the name "+name.Text)
		}
		l.args(args, s) // their own faults are reported too
		return l.faulty(p)
	}
	return l.call(p, name.Text, l.lambdaArgs(args, s)...)
}

// lambdaArgs makes arguments; a lambda behind a loop of modules or resources is given their elements.
func (l *lowerer) lambdaArgs(args []Expr, s *scope) []*armtemplate.Expr {
	var elements *symbol
	out := make([]*armtemplate.Expr, len(args))
	for i, e := range args {
		if f, ok := e.(*Lambda); ok && i == 1 {
			out[i] = l.lambda(f, s.unit.pos(f.Span), s, elements)
			continue
		}
		if i == 0 {
			if sym, index := symbolOf(e, s); sym != nil && index == nil && sym.isCollection() {
				elements = sym
			}
		}
		out[i] = l.expr(e, s)
	}
	return out
}

// nameOf is the name that an expression ends with.
func (l *lowerer) nameOf(e Expr, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	switch e := unwrap(e).(type) {
	case *Ident:
		return text(p, e.Name)
	case *Property:
		return text(p, e.Name.Text)
	case *Nested:
		return text(p, e.Name.Text)
	case *Index:
		if name, ok := keyText(e.Index); ok && isText(e.Index) {
			return text(p, name)
		}
		return l.nameOf(e.Base, p, s)
	}
	s.unit.fault(e.Place(), "BCP408", "nameof asks for something that has a name")
	return l.faulty(p)
}

// outside makes a value that comes from outside of all files: a parameter of the template without a value, so that it is
// unknown to the evaluator and says where it comes from. It has meaning in parameter files alone.
func (l *lowerer) outside(name Name, args []Expr, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	if !s.unit.file.Parameters || l.external == nil {
		s.unit.fault(name.Span, "BCP057", "the function "+name.Text+" is for parameter files")
		return l.faulty(p)
	}
	label := name.Text
	if len(args) > 0 {
		if key, ok := keyText(args[0]); ok && isText(args[0]) {
			label += " " + key
		}
	}
	l.external[label] = p
	return l.call(p, "parameters", text(p, label))
}

// methodCall makes a call of a function of a namespace, another file, or a resource.
func (l *lowerer) methodCall(e *MethodCall, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	if ns, ok := e.Base.(*Ident); ok {
		local, sym := s.find(ns.Name)
		switch {
		case local == nil && isNamespace(ns.Name) && (sym == nil || sym.kind == symExtension):
			return l.builtin(e.Name, e.Args, p, s)
		case sym != nil && sym.kind == symWildcard:
			return l.wildcardCall(sym, e, p, s)
		case sym == nil && local == nil && ns.Name == "this":
			return l.call(p, "this."+e.Name.Text, l.args(e.Args, s)...)
		}
	}
	if sym, index, ok := l.denoted(e.Base, s); ok && sym.kind == symResource {
		return l.resourceMethod(sym, index, e, p, s)
	}
	l.expr(e.Base, s)
	s.unit.fault(e.Name.Span, "BCP109", "there is no function with the name "+e.Name.Text+" here")
	return l.faulty(p)
}

// resourceMethod makes a call of an operation of a resource: list functions by their names, secrets of a vault.
func (l *lowerer) resourceMethod(sym *symbol, index *armtemplate.Expr, e *MethodCall, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	args := l.args(e.Args, s)
	switch {
	case sym.foreign:
		call := []*armtemplate.Expr{l.handle(sym, index, p), text(p, e.Name.Text), l.call(p, "createArray", args...)}
		return l.call(p, "invokeResourceMethod", call...)
	case strings.HasPrefix(strings.ToLower(e.Name.Text), "list"):
		target := l.handle(sym, index, p)
		if index != nil && !l.u.usesSymbols() || sym.isExisting() && sym.mustInline() {
			target = l.resourceID(sym, index, p)
		}
		if len(args) == 0 {
			args = []*armtemplate.Expr{text(p, sym.version)}
		}
		return l.call(p, e.Name.Text, append([]*armtemplate.Expr{target}, args...)...)
	case e.Name.Text == "getSecret":
		s.unit.fault(e.Name.Span, "BCP180", "getSecret may only be the value of a parameter of a module that is secure")
		return l.faulty(p)
	}
	s.unit.fault(e.Name.Span, "BCP109", "a resource has no function with the name "+e.Name.Text)
	return l.faulty(p)
}

// userNamespace is that of the functions a file declares itself.
const userNamespace = "__bicep"

// declareFunction puts a function into the template once and says under which name it is called.
func (l *lowerer) declareFunction(sym *symbol) string {
	if name, ok := l.names[sym]; ok {
		return name
	}
	space, name := userNamespace, sym.name
	if sym.unit != l.u {
		if name = l.aliases[sym]; name == "" {
			space, name = splitName(l.freshName(sym.name))
		}
	}
	full := space + "." + name
	l.names[sym] = full
	f := sym.function
	p := sym.unit.pos(f.Span)
	inner := sym.unit.root()
	params := make([]*armtemplate.Node, len(f.Params))
	for i, param := range f.Params {
		at := sym.unit.pos(param.Span)
		inner = inner.with(param.Name.Text, &binding{cached: l.call(at, "parameters", text(at, param.Name.Text))})
		t := l.typeMembers(param.Type, sym.unit, nil, at)
		params[i] = armtemplate.ObjectNode(at, append(t, named("name", armtemplate.StringNode(at, param.Name.Text)))...)
	}
	at := sym.unit.pos(f.Body.Place())
	output := append(l.typeMembers(f.Result, sym.unit, nil, at), named("value", l.node(f.Body, inner)))
	l.addFunction(space, armtemplate.Member{Name: name, Pos: p, Value: armtemplate.ObjectNode(p,
		named("parameters", armtemplate.ArrayNode(p, params...)),
		named("output", armtemplate.ObjectNode(at, output...)),
	)})
	return full
}

func (l *lowerer) addFunction(space string, m armtemplate.Member) {
	if l.functions[space] == nil {
		l.spaces = append(l.spaces, space)
	}
	l.functions[space] = append(l.functions[space], m)
}

// splitName splits the name of a thing from another file into a namespace and a name.
func splitName(name string) (space, rest string) {
	space, rest, _ = strings.Cut(name, ".")
	return space, rest
}
