// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"strconv"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

// maxAncestors bounds the resources within one another; Azure's types have fewer segments.
const maxAncestors = 20

// bodyScope is the scope of the body of a resource or module, for the element that index names, or for the one that the
// loop is at.
func (l *lowerer) bodyScope(sym *symbol, index *armtemplate.Expr) *scope {
	sc := sym.unit.root()
	if sym.outer != nil {
		sc = l.bodyScope(sym.outer, index)
	}
	if sym.kind == symResource {
		sc = &scope{up: sc, unit: sym.unit, res: sym}
	}
	if sym.loop != nil {
		if index == nil {
			index = l.call(sym.unit.pos(sym.loop.Span), "copyIndex")
		}
		sc = l.loopScope(sym.loop, sc, index)
	}
	return sc
}

// condition is under what a resource or module is deployed, nil: always. A nested resource has the conditions of the
// outer ones too.
func (l *lowerer) condition(sym *symbol, s *scope) *armtemplate.Expr {
	var cond *armtemplate.Expr
	if sym.outer != nil {
		cond = l.condition(sym.outer, s)
	}
	if sym.conds == nil {
		return cond
	}
	own := l.expr(sym.conds, s)
	if cond == nil {
		return own
	}
	return l.call(own.Pos, "and", cond, own)
}

// ancestor is the resource that a resource is a child of, with the scope of its body as seen from the child.
func (l *lowerer) ancestor(sym *symbol, s *scope) (*symbol, *scope) {
	if sym.outer != nil {
		return sym.outer, s
	}
	p := sym.parent()
	if p == nil {
		return nil, nil
	}
	var index *armtemplate.Expr
	if _, i := symbolOf(sym.body.property("parent"), s); i != nil {
		index = l.expr(i, s)
	}
	return p, l.bodyScope(p, index)
}

// ownName is what the property name of a resource says.
func (l *lowerer) ownName(sym *symbol, s *scope, p armtemplate.Pos) *armtemplate.Expr {
	if sym.body != nil {
		if e := sym.body.property("name"); e != nil {
			return l.expr(e, s)
		}
	}
	return l.faulty(p)
}

// nameSegments are the segments of the name of a resource, one for each segment of its type behind the provider.
func (l *lowerer) nameSegments(sym *symbol, s *scope, p armtemplate.Pos, level int) []*armtemplate.Expr {
	if level > maxAncestors {
		sym.unit.fault(sym.at, "BCP080", "the parents of "+sym.name+" are parents of one another")
		return []*armtemplate.Expr{l.faulty(p)}
	}
	own := l.ownName(sym, s, p)
	if up, sc := l.ancestor(sym, s); up != nil {
		return append(l.nameSegments(up, sc, p, level+1), own)
	}
	n := strings.Count(sym.typeName, "/")
	if n <= 1 || n > maxAncestors {
		return []*armtemplate.Expr{own}
	}
	parts := make([]*armtemplate.Expr, n)
	for i := range parts {
		parts[i] = element(p, l.call(p, "split", own, text(p, "/")), integer(p, int64(i)))
	}
	return parts
}

// fullName is the name of a resource with those of its parents.
func (l *lowerer) fullName(sym *symbol, s *scope, p armtemplate.Pos) *armtemplate.Node {
	if up, _ := l.ancestor(sym, s); up == nil {
		if sym.body != nil {
			if e := sym.body.property("name"); e != nil {
				return l.node(e, s)
			}
		}
		return armtemplate.ExprNode(l.faulty(p))
	}
	segments := l.nameSegments(sym, s, p, 0)
	format := make([]string, len(segments))
	for i := range format {
		format[i] = "{" + strconv.Itoa(i) + "}"
	}
	args := append([]*armtemplate.Expr{text(p, strings.Join(format, "/"))}, segments...)
	return armtemplate.ExprNode(l.call(p, "format", args...))
}

// A place is the scope that a resource or module is deployed to. Fields that are nil are those of the deployment.
type place struct {
	level      string // as in targetScope; "resource" for one that extends another
	sub, group *armtemplate.Expr
	management *armtemplate.Expr
	resource   *armtemplate.Expr // ID of the resource that is extended
}

// placeOf finds the scope of a resource or module; s is the scope of its body.
func (l *lowerer) placeOf(sym *symbol, s *scope, level int) place {
	here := place{level: sym.unit.scope}
	if level > maxAncestors || sym.body == nil {
		return here
	}
	if sym.kind == symResource {
		if up, sc := l.ancestor(sym, s); up != nil {
			return l.placeOf(up, sc, level+1)
		}
	}
	e := sym.body.property("scope")
	if e == nil {
		return here
	}
	where, ok := l.placeExpr(e, s, here, level)
	if !ok {
		s.unit.fault(e.Place(), "BCP420", "a scope must be a resource, or resourceGroup(), subscription(), managementGroup() or tenant()")
		return here
	}
	return where
}

// placeExpr finds the scope that an expression stands for.
func (l *lowerer) placeExpr(e Expr, s *scope, here place, level int) (where place, ok bool) {
	if level > maxAncestors {
		return here, false
	}
	switch e := unwrap(e).(type) {
	case *Call:
		return l.placeCall(e, e.Name, e.Args, s, here, level)
	case *MethodCall:
		if ns, ok := e.Base.(*Ident); ok && ns.Name == "az" {
			return l.placeCall(e, e.Name, e.Args, s, here, level)
		}
	case *Ident:
		local, sym := s.find(e.Name)
		if local == nil && sym != nil && sym.kind == symVar {
			if _, choice := unwrap(sym.variable.Value).(*Ternary); choice {
				// the compiler takes the arguments from the type of the expression, and a variable that is one of two
				// scopes has a type of its own, without any (src/Bicep.Core/Emit/ScopeHelper.cs): no scope is written
				l.c.add(s.unit.file, e.Span, Warning, "", "the compiler ignores a scope that a variable chooses: it deploys to the scope of this file")
				return here, true
			}
			return l.placeExpr(sym.variable.Value, sym.unit.root(), here, level+1)
		}
	}
	if target, index, ok := l.denoted(e, s); ok && target.kind == symResource {
		return l.placeIn(target, index, s.unit.pos(e.Place()), level), true
	}
	return here, false
}

func (l *lowerer) placeCall(e Expr, name Name, args []Expr, s *scope, here place, level int) (where place, ok bool) {
	arg := func(i int) *armtemplate.Expr {
		if i < 0 || i >= len(args) {
			return nil
		}
		return l.expr(args[i], s)
	}
	switch name.Text {
	case "tenant":
		return place{level: "tenant"}, true
	case "managementGroup":
		return place{level: "managementGroup", management: arg(0)}, true
	case "subscription":
		return place{level: "subscription", sub: arg(0)}, true
	case "resourceGroup":
		return place{level: "resourceGroup", sub: arg(len(args) - 2), group: arg(len(args) - 1)}, true
	case "any":
		if _, isCall := e.(*Call); isCall && len(args) == 1 {
			return l.placeExpr(args[0], s, here, level+1)
		}
	}
	return here, false
}

// placeIn is the scope that a resource is for others: a group or a management group holds them, any other is extended.
func (l *lowerer) placeIn(target *symbol, index *armtemplate.Expr, p armtemplate.Pos, level int) place {
	sc := l.bodyScope(target, index)
	switch strings.ToLower(target.typeName) {
	case "microsoft.resources/resourcegroups":
		return place{level: "resourceGroup", sub: l.placeOf(target, sc, level+1).sub, group: l.ownName(target, sc, p)}
	case "microsoft.management/managementgroups":
		return place{level: "managementGroup", management: l.ownName(target, sc, p)}
	}
	return place{level: "resource", resource: l.idIn(target, sc, p, level+1)}
}

// resourceID makes the ID of a resource.
func (l *lowerer) resourceID(sym *symbol, index *armtemplate.Expr, p armtemplate.Pos) *armtemplate.Expr {
	return l.idIn(sym, l.bodyScope(sym, index), p, 0)
}

func (l *lowerer) idIn(sym *symbol, s *scope, p armtemplate.Pos, level int) *armtemplate.Expr {
	if level > maxAncestors {
		sym.unit.fault(sym.at, "BCP080", "the scopes of "+sym.name+" lie within one another")
		return l.faulty(p)
	}
	names := append([]*armtemplate.Expr{text(p, sym.typeName)}, l.nameSegments(sym, s, p, level)...)
	return l.placedID(l.placeOf(sym, s, level), p, names...)
}

// placedID makes the ID of something at a place, of its type and the segments of its name.
func (l *lowerer) placedID(where place, p armtemplate.Pos, names ...*armtemplate.Expr) *armtemplate.Expr {
	extension := func(of *armtemplate.Expr) *armtemplate.Expr {
		return l.call(p, "extensionResourceId", append([]*armtemplate.Expr{of}, names...)...)
	}
	switch where.level {
	case "tenant":
		return l.call(p, "tenantResourceId", names...)
	case "subscription":
		if where.sub != nil {
			names = append([]*armtemplate.Expr{where.sub}, names...)
		}
		return l.call(p, "subscriptionResourceId", names...)
	case "managementGroup":
		if where.management == nil {
			return extension(member(p, l.call(p, "managementGroup"), "id"))
		}
		return extension(l.managementGroupID(where.management, true, p))
	case "resource":
		return extension(where.resource)
	}
	if where.group == nil {
		return l.call(p, "resourceId", names...)
	}
	sub := where.sub
	if sub == nil {
		sub = member(p, l.call(p, "subscription"), "subscriptionId")
	}
	return extension(l.call(p, "format", text(p, "/subscriptions/{0}/resourceGroups/{1}"), sub, where.group))
}

// managementGroupID makes the ID of a management group; Resource Manager wants it without the leading part where the
// deployment is at a management group or the tenant.
func (l *lowerer) managementGroupID(name *armtemplate.Expr, full bool, p armtemplate.Pos) *armtemplate.Expr {
	const typeName = "Microsoft.Management/managementGroups"
	if full {
		return l.call(p, "tenantResourceId", text(p, typeName), name)
	}
	return l.call(p, "format", text(p, typeName+"/{0}"), name)
}

// placeMembers write where a resource or module is deployed to.
func (l *lowerer) placeMembers(where place, p armtemplate.Pos) []armtemplate.Member {
	var list []armtemplate.Member
	put := func(name string, e *armtemplate.Expr) {
		if e != nil {
			list = append(list, named(name, armtemplate.ExprNode(e)))
		}
	}
	switch where.level {
	case "resource":
		put("scope", where.resource)
	case "tenant":
		if l.u.scope != "tenant" {
			put("scope", text(p, "/"))
		}
	case "managementGroup":
		if where.management != nil {
			put("scope", l.managementGroupID(where.management, l.u.scope != "tenant" && l.u.scope != "managementGroup", p))
		}
	case "subscription":
		sub := where.sub
		if sub == nil && l.u.scope == "resourceGroup" {
			sub = member(p, l.call(p, "subscription"), "subscriptionId")
		}
		put("subscriptionId", sub)
	case "resourceGroup":
		put("subscriptionId", where.sub)
		put("resourceGroup", where.group)
	}
	return list
}

// resourceNode makes a resource of the template.
func (l *lowerer) resourceNode(sym *symbol) *armtemplate.Node {
	p := sym.unit.pos(sym.decl.Place())
	s := l.bodyScope(sym, nil)
	list := l.head(sym, s, p)
	if sym.isExisting() {
		list = append(list, armtemplate.Member{Name: "existing", Value: &armtemplate.Node{Kind: armtemplate.NodeBool, Bool: true, Pos: p}, Pos: p})
	}
	if sym.foreign {
		return l.foreignNode(sym, s, p, list)
	}
	tp := sym.unit.pos(sym.resource.Type.Place())
	list = append(list, named("type", armtemplate.StringNode(tp, sym.typeName)), named("apiVersion", armtemplate.StringNode(tp, sym.version)))
	list = append(list, l.placeMembers(l.placeOf(sym, s, 0), p)...)
	if sym.body == nil || sym.body.property("name") == nil {
		sym.unit.fault(sym.at, "BCP035", "the resource "+sym.name+" has no name")
	}
	list = append(list, named("name", l.fullName(sym, s, p)))
	if sym.body != nil {
		l.refuseSpread(sym)
		list = append(list, l.members(sym.body, s, omitted)...)
	}
	list = l.dependsOn(list, sym, s, p)
	return armtemplate.ObjectNode(p, list...)
}

func omitted(name string) bool {
	switch name {
	case "name", "scope", "parent", "dependsOn", "type", "apiVersion", "id":
		return true
	}
	return false
}

// foreignNode makes a resource of an extension: all that is said of it are its properties.
func (l *lowerer) foreignNode(sym *symbol, s *scope, p armtemplate.Pos, list []armtemplate.Member) *armtemplate.Node {
	list = append(list, named("import", armtemplate.StringNode(p, sym.alias)))
	list = append(list, named("type", armtemplate.StringNode(p, sym.typeName)))
	if sym.body != nil {
		body := l.members(sym.body, s, func(name string) bool { return name == "dependsOn" || name == "parent" })
		list = append(list, named("properties", armtemplate.ObjectNode(s.unit.pos(sym.body.Span), body...)))
	}
	return armtemplate.ObjectNode(p, l.dependsOn(list, sym, s, p)...)
}

func (l *lowerer) refuseSpread(sym *symbol) {
	for _, item := range sym.body.Items {
		if item.Spread {
			sym.unit.fault(item.Span, "BCP401", "the body of a resource or module cannot have ... : name its properties")
		}
	}
}

// head makes the loop and the condition of a resource or module.
func (l *lowerer) head(sym *symbol, s *scope, p armtemplate.Pos) []armtemplate.Member {
	var list []armtemplate.Member
	looped := sym
	for looped.loop == nil && looped.outer != nil {
		looped = looped.outer
	}
	if looped.loop != nil {
		outer := looped.unit.root()
		if looped.outer != nil {
			outer = l.bodyScope(looped.outer, nil)
		}
		c := []armtemplate.Member{named("name", armtemplate.StringNode(p, sym.symbolic())), l.countMember(looped.loop, outer)}
		if d := decorator(sym.decl, "batchSize"); d != nil {
			if _, args := decoratorCall(d); len(args) == 1 {
				c = append(c, named("mode", armtemplate.StringNode(p, "serial")), named("batchSize", l.node(args[0], sym.unit.root())))
			}
		}
		list = append(list, named("copy", armtemplate.ObjectNode(p, c...)))
	}
	if cond := l.condition(sym, s); cond != nil {
		list = append(list, named("condition", armtemplate.ExprNode(cond)))
	}
	return list
}

// dependsOn adds what must be deployed before.
func (l *lowerer) dependsOn(list []armtemplate.Member, sym *symbol, s *scope, p armtemplate.Pos) []armtemplate.Member {
	deps := l.dependencies(sym, s)
	if len(deps) == 0 {
		return list
	}
	items := make([]*armtemplate.Node, len(deps))
	for i, d := range deps {
		items[i] = armtemplate.ExprNode(l.handle(d.sym, d.index, p))
	}
	return append(list, named("dependsOn", armtemplate.ArrayNode(p, items...)))
}
