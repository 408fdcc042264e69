// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"path"
	"slices"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// Parameters are what a parameter file became.
type Parameters struct {
	// Template is the template that the file is for, nil where it names none or that one cannot be read.
	Template *armtemplate.Node
	// TemplateName is how that one's file is called in places.
	TemplateName string
	// Values are the parameters. What comes from outside of all files (an environment variable, a secret of a vault) is
	// unknown and says where it comes from.
	Values map[string]armtemplate.Value
	// Names are those of the parameters that the file gives, in order, those of a file that it extends first.
	Names []string
	// Places are where the values stand.
	Places map[string]armtemplate.Pos
	// Diagnostics are of the file, of the template, and of all that they refer to.
	Diagnostics []Diagnostic
	// Sources are the names of the files that were read, sorted.
	Sources []string
}

// Faulty says whether a diagnostic is an error.
func (p *Parameters) Faulty() bool { return faulty(p.Diagnostics) }

// CompileParameters reads a .bicepparam file of opts.Files and the template that it is for. The error is for the file
// itself: it cannot be read. Faults within files are diagnostics.
func CompileParameters(name string, opts Options) (*Parameters, error) {
	c := newCompiler(opts)
	text, err := c.read(name)
	if err != nil {
		return nil, err
	}
	u := c.bind(name, text)
	out := &Parameters{Values: map[string]armtemplate.Value{}, Places: map[string]armtemplate.Pos{}}
	for _, s := range u.file.Statements {
		if using, ok := s.(*Using); ok && using.Path != nil {
			c.using(u, using, out)
		}
	}
	for _, one := range c.extended(u) {
		c.values(one, out)
	}
	c.checkAssigned(u, out)
	out.Diagnostics, out.Sources = c.diagnostics, c.sorted()
	return out, nil
}

// using finds and compiles the template that a parameter file is for.
func (c *compiler) using(u *unit, s *Using, out *Parameters) {
	t := u.module(s.Path)
	switch {
	case t == nil:
	case t.unit != nil:
		out.Template, out.TemplateName = c.template(t.unit), t.unit.file.Name
	default:
		out.Template, out.TemplateName = t.node, t.node.Pos.File
	}
}

// extended is a parameter file with those that it extends, the farthest first.
func (c *compiler) extended(u *unit) []*unit {
	list := []*unit{u}
	for {
		at := u.extends()
		if at == nil {
			return list
		}
		name, ok := keyText(at.Path)
		if !ok {
			return list
		}
		target, fault := c.relative(u.name, name)
		if fault == "" && !strings.EqualFold(path.Ext(target), ".bicepparam") {
			fault = "only a parameter file can be extended"
		}
		var base *unit
		if fault == "" {
			var err error
			if base, err = c.unit(target); err != nil {
				fault = "this file cannot be read: " + err.Error()
			} else if slices.Contains(list, base) {
				fault = "the file extends itself"
			}
		}
		if fault != "" {
			u.fault(at.Path.Place(), "BCP091", fault)
			return list
		}
		u.base = base
		list = append([]*unit{base}, list...)
		u = base
	}
}

// extends is the statement that names the file that a parameter file extends, nil if there is none.
func (u *unit) extends() *Extends {
	for _, s := range u.file.Statements {
		if at, ok := s.(*Extends); ok {
			return at
		}
	}
	return nil
}

// values evaluates the parameters that one file gives. They are the outputs of a template that deploys nothing.
func (c *compiler) values(u *unit, out *Parameters) {
	l := newLowerer(c, u)
	l.external = map[string]armtemplate.Pos{}
	p := armtemplate.Pos{File: u.file.Name, Line: 1, Column: 1}
	var outputs []armtemplate.Member
	for _, sym := range u.order {
		switch sym.kind {
		case symParam:
			if sym.name == "" {
				continue
			}
			out.note(sym.name, u.pos(sym.at))
			if v, ok := l.vaultSecret(sym); ok {
				out.Values[sym.name] = v
				continue
			}
			outputs = append(outputs, l.assigned(sym))
		case symVar:
			if !sym.mustInline() && sym.name != "" {
				l.declareVariable(sym, sym.at, u.root())
			}
		case symFunc, symImport, symWildcard, symType, symExtension, symOther, symResource, symModule:
		}
	}
	list := []armtemplate.Member{
		named("$schema", armtemplate.StringNode(p, schemas["resourceGroup"])),
		named("contentVersion", armtemplate.StringNode(p, "1.0.0.0")),
		named("variables", l.variableList(p)),
		named("parameters", l.externalParams(p)),
		named("resources", armtemplate.ArrayNode(p)),
		named("outputs", armtemplate.ObjectNode(p, unique(outputs)...)),
	}
	if len(l.spaces) > 0 {
		list = append(list, named("functions", l.functionList(p)))
	}
	t, err := armtemplate.FromNode(armtemplate.ObjectNode(p, list...))
	if err != nil {
		u.fault(Span{}, "", err.Error())
		return
	}
	result := t.Evaluate(armtemplate.Options{})
	for _, o := range result.Outputs {
		out.Values[o.Name] = o.Value
	}
	for _, d := range result.Diagnostics {
		if d.Severity == armtemplate.Fault && !c.reported(d.Pos) {
			c.diagnostics = append(c.diagnostics, Diagnostic{Code: "BCP338", Message: d.Text, File: d.Pos.File, Line: int(d.Pos.Line), Column: int(d.Pos.Column)})
		}
	}
}

// reported says whether there is a diagnostic at a place: what the evaluator finds there follows from it.
func (c *compiler) reported(p armtemplate.Pos) bool {
	return slices.ContainsFunc(c.diagnostics, func(d Diagnostic) bool {
		return d.File == p.File && d.Line == int(p.Line) && d.Column == int(p.Column)
	})
}

// note lists a parameter once.
func (p *Parameters) note(name string, at armtemplate.Pos) {
	if _, ok := p.Places[name]; !ok {
		p.Names = append(p.Names, name)
	}
	p.Places[name] = at
}

// externalParams declares a parameter without value for each thing that comes from outside.
func (l *lowerer) externalParams(p armtemplate.Pos) *armtemplate.Node {
	var list []armtemplate.Member
	for label, at := range l.external {
		list = append(list, armtemplate.Member{Name: label, Value: armtemplate.ObjectNode(at, named("type", armtemplate.StringNode(at, "string"))), Pos: at})
	}
	slices.SortFunc(list, func(a, b armtemplate.Member) int { return strings.Compare(a.Name, b.Name) })
	return armtemplate.ObjectNode(p, list...)
}

// assigned makes the output that gives the value of a parameter.
func (l *lowerer) assigned(sym *symbol) armtemplate.Member {
	decl := sym.param
	p := sym.unit.pos(sym.at)
	var value armtemplate.Member
	if loop, ok := unwrap(decl.Default).(*For); ok {
		value = named("copy", l.copyNode("", loop, sym.unit.root(), copyName{}))
	} else {
		value = named("value", l.node(decl.Default, sym.unit.root()))
	}
	return armtemplate.Member{Name: sym.name, Value: armtemplate.ObjectNode(p, value), Pos: p}
}

// assignedValue is the value of another parameter of the same file, in place of its name.
func (l *lowerer) assignedValue(sym *symbol, p armtemplate.Pos, at Span, s *scope) *armtemplate.Expr {
	if sym.inline == asking {
		s.unit.fault(at, "BCP080", "the value of "+sym.name+" hangs on itself")
		return l.faulty(p)
	}
	sym.inline = asking
	defer func() { sym.inline = unasked }()
	return l.expr(sym.param.Default, sym.unit.root())
}

// baseValue is a parameter of the file that this one extends: base.name.
func (l *lowerer) baseValue(u *unit, name string, p armtemplate.Pos, at Span, s *scope) *armtemplate.Expr {
	for range maxModules {
		if u = u.base; u == nil {
			break
		}
		if sym := u.symbols[name]; sym != nil && sym.kind == symParam {
			return l.assignedValue(sym, p, at, s)
		}
	}
	s.unit.fault(at, "BCP053", "no file that this one extends gives a parameter "+name)
	return l.faulty(p)
}

// vaultSecret is the value of a parameter that is a secret of a vault: az.getSecret(subscription, group, vault, secret).
func (l *lowerer) vaultSecret(sym *symbol) (armtemplate.Value, bool) {
	var args []Expr
	switch call := unwrap(sym.param.Default).(type) {
	case *Call:
		if call.Name.Text == "getSecret" {
			args = call.Args
		}
	case *MethodCall:
		if ns, ok := call.Base.(*Ident); ok && ns.Name == "az" && call.Name.Text == "getSecret" {
			args = call.Args
		}
	}
	if len(args) < 4 {
		return nil, false
	}
	words := make([]string, len(args))
	for i, a := range args {
		word, ok := l.constant(a, sym.unit.root(), 0)
		if !ok {
			word = "{" + l.expr(a, sym.unit.root()).String() + "}"
		}
		words[i] = word
	}
	vault := "/subscriptions/" + words[0] + "/resourceGroups/" + words[1] + "/providers/Microsoft.KeyVault/vaults/" + words[2]
	origin := armtemplate.Origin{Kind: armtemplate.OriginSecret, Name: "getSecret", Resource: vault, Path: words[3]}
	return armtemplate.NewUnknown("getSecret('"+strings.Join(words, "', '")+"')", armtemplate.KindString, origin), true
}

// checkAssigned compares the parameters that a file gives with those that the template has.
func (c *compiler) checkAssigned(u *unit, out *Parameters) {
	if out.Template == nil {
		return
	}
	declared := out.Template.Get("parameters")
	for _, sym := range u.order {
		if sym.kind == symParam && sym.name != "" && declared.Get(sym.name) == nil {
			u.fault(sym.at, "BCP259", "the template has no parameter with the name "+sym.name)
		}
	}
	for _, m := range members(declared) {
		if _, given := out.Places[m.Name]; given || m.Value.Get("defaultValue") != nil || m.Value.Get("nullable") != nil {
			continue
		}
		u.fault(usingPlace(u), "BCP258", "the parameter "+m.Name+" of the template has no default value and gets none here")
	}
}

func usingPlace(u *unit) Span {
	for _, s := range u.file.Statements {
		if using, ok := s.(*Using); ok {
			return using.Span
		}
	}
	return Span{}
}
