// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"github.com/mivet/mivet/armtemplate"
)

// Schemas of templates by the scope they are for.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax#template-format
var schemas = map[string]string{
	"resourceGroup":   "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
	"subscription":    "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
	"managementGroup": "https://schema.management.azure.com/schemas/2019-08-01/managementGroupDeploymentTemplate.json#",
	"tenant":          "https://schema.management.azure.com/schemas/2019-08-01/tenantDeploymentTemplate.json#",
}

// template makes the template of the file.
func (l *lowerer) template() *armtemplate.Node {
	p := armtemplate.Pos{File: l.u.file.Name, Line: 1, Column: 1}
	var params, resources, outputs []armtemplate.Member
	for _, sym := range l.u.order {
		switch sym.kind {
		case symParam:
			params = append(params, l.param(sym))
		case symVar:
			if !sym.mustInline() && sym.name != "" {
				l.declareVariable(sym, sym.at, l.u.root())
			} else {
				l.variable(sym, p, sym.at, l.u.root()) // for its faults
			}
		case symFunc:
			l.declareFunction(sym)
		case symResource:
			if !sym.isExisting() || sym.foreign || !sym.mustInline() {
				resources = append(resources, armtemplate.Member{Name: sym.symbolic(), Value: l.resourceNode(sym), Pos: l.u.pos(sym.at)})
			}
		case symModule:
			resources = append(resources, armtemplate.Member{Name: sym.name, Value: l.moduleNode(sym), Pos: l.u.pos(sym.at)})
		case symImport:
			l.resolveImport(sym)
		case symWildcard, symType, symExtension, symOther:
		}
	}
	for _, s := range l.u.file.Statements {
		switch s := s.(type) {
		case *Output:
			outputs = append(outputs, l.output(s))
		case *Assert:
			l.expr(s.Value, l.u.root()) // for its faults
		}
	}
	list := []armtemplate.Member{
		named("$schema", armtemplate.StringNode(p, schemas[l.u.scope])),
		named("languageVersion", armtemplate.StringNode(p, "2.0")),
		named("contentVersion", armtemplate.StringNode(p, "1.0.0.0")),
	}
	if len(l.spaces) > 0 {
		list = append(list, named("functions", l.functionList(p)))
	}
	list = append(list, named("parameters", armtemplate.ObjectNode(p, unique(params)...)))
	list = append(list, named("variables", l.variableList(p)))
	list = append(list, l.imports(p)...)
	list = append(list, named("resources", armtemplate.ObjectNode(p, unique(resources)...)))
	list = append(list, named("outputs", armtemplate.ObjectNode(p, unique(outputs)...)))
	return armtemplate.ObjectNode(p, list...)
}

// unique drops members whose name is taken; that it is was reported.
func unique(list []armtemplate.Member) []armtemplate.Member {
	seen := make(map[string]bool, len(list))
	out := list[:0]
	for _, m := range list {
		if m.Name != "" && !seen[m.Name] {
			seen[m.Name] = true
			out = append(out, m)
		}
	}
	return out
}

func (l *lowerer) functionList(p armtemplate.Pos) *armtemplate.Node {
	items := make([]*armtemplate.Node, len(l.spaces))
	for i, space := range l.spaces {
		items[i] = armtemplate.ObjectNode(p,
			named("namespace", armtemplate.StringNode(p, space)),
			named("members", armtemplate.ObjectNode(p, unique(l.functions[space])...)),
		)
	}
	return armtemplate.ArrayNode(p, items...)
}

func (l *lowerer) variableList(p armtemplate.Pos) *armtemplate.Node {
	list := unique(l.variables)
	if len(l.copies) > 0 {
		list = append(list, named("copy", armtemplate.ArrayNode(p, l.copies...)))
	}
	return armtemplate.ObjectNode(p, list...)
}

// imports lists the extensions that resources may be of.
func (l *lowerer) imports(p armtemplate.Pos) []armtemplate.Member {
	var list []armtemplate.Member
	for _, sym := range l.u.order {
		if sym.kind != symExtension {
			continue
		}
		ext := sym.extension
		at := l.u.pos(ext.Span)
		spec, _ := keyText(ext.Spec)
		members := []armtemplate.Member{named("provider", textNode(at, spec))}
		if config, ok := ext.Config.(*Object); ok {
			members = append(members, named("config", l.node(config, l.u.root())))
		}
		list = append(list, armtemplate.Member{Name: sym.name, Value: armtemplate.ObjectNode(at, members...), Pos: at})
	}
	if len(list) == 0 {
		return nil
	}
	return []armtemplate.Member{named("imports", armtemplate.ObjectNode(p, unique(list)...))}
}

// param makes a parameter.
func (l *lowerer) param(sym *symbol) armtemplate.Member {
	decl := sym.param
	p := l.u.pos(sym.at)
	list := l.typeMembers(decl.Type, l.u, decl.List, p)
	if decl.Default != nil {
		list = append(list, named("defaultValue", l.node(decl.Default, l.u.root())))
	}
	return armtemplate.Member{Name: sym.name, Value: armtemplate.ObjectNode(p, list...), Pos: p}
}

// output makes an output.
func (l *lowerer) output(o *Output) armtemplate.Member {
	p := l.u.pos(o.Name.Span)
	list := l.typeMembers(o.Type, l.u, o.List, p)
	s := l.u.root()
	if loop, ok := unwrap(o.Value).(*For); ok {
		list = append(list, named("copy", l.copyNode("", loop, s, copyName{})))
	} else if sym, index, ok := l.denoted(o.Value, s); ok && sym.kind == symResource && isResourceType(o.Type) {
		list = append(list, named("value", armtemplate.ExprNode(l.resourceID(sym, index, p))))
	} else {
		list = append(list, named("value", l.node(o.Value, s)))
	}
	return armtemplate.Member{Name: o.Name.Text, Value: armtemplate.ObjectNode(p, list...), Pos: p}
}

func isResourceType(e Expr) bool {
	_, ok := e.(*ResourceType)
	return ok
}
