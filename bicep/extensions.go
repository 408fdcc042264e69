// SPDX-License-Identifier: Apache-2.0

package bicep

import "github.com/mivet/mivet/armtemplate"

// extensionConfigs makes the settings that a module is given for its extensions.
func (l *lowerer) extensionConfigs(o *Object, s *scope) *armtemplate.Node {
	list := make([]armtemplate.Member, 0, len(o.Items))
	for _, item := range o.Items {
		alias, ok := keyText(item.Key)
		if !ok {
			continue
		}
		m := armtemplate.Member{Name: alias, Pos: s.unit.pos(item.Span)}
		settings, ok := unwrap(item.Value).(*Object)
		if !ok {
			m.Value = l.node(item.Value, s) // all settings of an extension of this file
			list = append(list, m)
			continue
		}
		inner := make([]armtemplate.Member, 0, len(settings.Items))
		for _, setting := range settings.Items {
			if name, ok := keyText(setting.Key); ok {
				inner = append(inner, named(name, l.extensionSetting(setting.Value, s)))
			}
		}
		m.Value = armtemplate.ObjectNode(s.unit.pos(settings.Span), inner...)
		list = append(list, m)
	}
	return armtemplate.ObjectNode(s.unit.pos(o.Span), list...)
}

// extensionSetting wraps a setting: its value, the secret of a vault, or the setting of an extension of this file as it is.
func (l *lowerer) extensionSetting(e Expr, s *scope) *armtemplate.Node {
	p := s.unit.pos(e.Place())
	switch e := unwrap(e).(type) {
	case *MethodCall:
		if sym, index, ok := l.denoted(e.Base, s); ok && sym.kind == symResource && e.Name.Text == "getSecret" {
			return armtemplate.ObjectNode(p, named("keyVaultReference", l.secret(sym, index, e, s, p)))
		}
	case *Ternary, *Property:
		return armtemplate.ExprNode(l.extensionSettingExpr(e, s))
	}
	return armtemplate.ObjectNode(p, named("value", l.node(e, s)))
}

func (l *lowerer) extensionSettingExpr(e Expr, s *scope) *armtemplate.Expr {
	p := s.unit.pos(e.Place())
	switch e := unwrap(e).(type) {
	case *Ternary:
		return l.call(p, "if", l.expr(e.Cond, s), l.extensionSettingExpr(e.Yes, s), l.extensionSettingExpr(e.No, s))
	case *Property:
		if config, ok := e.Base.(*Property); ok && config.Name.Text == "config" {
			if sym, _ := symbolOf(config.Base, s); sym != nil && sym.kind == symExtension {
				return l.expr(e, s)
			}
		}
	}
	return l.call(p, "createObject", text(p, "value"), l.expr(e, s))
}
