// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet/arm"
)

// target is where a template is deployed, in values.
type target struct {
	level        arm.Level
	tenant       Value
	group        Value // the resource group's name
	subscription Value
	management   Value // the management group's name
	location     Value
	name         Value // of the deployment
}

func (ev *evaluator) rootTarget(level arm.Level) target {
	t := ev.opts.Target
	return target{
		level:        level,
		tenant:       givenOr(t.Tenant, "tenant().tenantId"),
		group:        givenOr(t.ResourceGroup, "resourceGroup().name"),
		subscription: givenOr(t.Subscription, "subscription().subscriptionId"),
		management:   givenOr(t.ManagementGroup, "managementGroup().name"),
		location:     givenOr(t.Location, locationText(level)),
		name:         givenOr(t.Deployment, "deployment().name"),
	}
}

func locationText(level arm.Level) string {
	if level == arm.LevelResourceGroup {
		return "resourceGroup().location"
	}
	return "deployment().location"
}

// givenOr returns a text, or an unknown that has no slash.
func givenOr(s, expression string) Value {
	if s != "" {
		return String(s)
	}
	u := NewUnknown(expression, KindString, Origin{Kind: OriginDeployment, Name: expression})
	u.segment = true
	return u
}

// scopeID returns the ID of the scope itself; "" for the tenant.
func (t target) scopeID() Value {
	switch t.level {
	case arm.LevelResourceGroup:
		return joinID(String("/subscriptions/"), t.subscription, String("/resourceGroups/"), t.group)
	case arm.LevelSubscription:
		return joinID(String("/subscriptions/"), t.subscription)
	case arm.LevelManagementGroup:
		return joinID(String("/providers/Microsoft.Management/managementGroups/"), t.management)
	default:
		return String("")
	}
}

// joinID joins pieces of an ID.
func joinID(pieces ...Value) Value { return joined("concat", pieces) }

// Resources of this kind lie elsewhere than in the scope of their deployment, or have IDs
// of another form.
var tenantTypes = map[arm.Key]bool{
	"microsoft.management/managementgroups":               true,
	"microsoft.management/managementgroups/subscriptions": true,
	"microsoft.subscription/aliases":                      true,
}

// resourceID returns the ID of a resource in a scope: types and names alternate.
func resourceID(scope Value, typ string, names []Value) (Value, error) {
	typ = strings.TrimRight(typ, "/") // as it is often written
	provider, rest, ok := strings.Cut(typ, "/")
	types := strings.Split(rest, "/")
	if !ok || rest == "" {
		return nil, fmt.Errorf("%q is no resource type", cut(typ, 80))
	}
	if len(types) != len(names) {
		return nil, fmt.Errorf("the type %s takes %d names, there are %d", cut(typ, 120), len(types), len(names))
	}
	pieces := []Value{scope}
	switch arm.Fold(typ) {
	case "microsoft.resources/resourcegroups":
		return joinID(scope, String("/resourceGroups/"), names[0]), nil
	case "microsoft.resources/subscriptions":
		return joinID(String("/subscriptions/"), names[0]), nil
	case "microsoft.resources/tenants":
		return String("/"), nil
	}
	pieces = append(pieces, String("/providers/"+provider))
	for i, t := range types {
		pieces = append(pieces, String("/"+t+"/"), names[i])
	}
	return joinID(pieces...), nil
}

// segments cuts a name at its slashes. What is not known counts as one segment, unless
// the type asks for more.
func segments(name Value) []Value {
	u, ok := name.(*Unknown)
	if !ok {
		var out []Value
		for s := range strings.SplitSeq(scalarText(name), "/") {
			out = append(out, String(s))
		}
		return out
	}
	parts := u.parts
	if parts == nil || u.typ != KindString {
		return []Value{name}
	}
	return splitParts(parts, "/")
}

// splitParts cuts a text that is put together of pieces, at a separator in the pieces that
// are known.
func splitParts(parts []Value, sep string) []Value {
	var out, piece []Value
	for _, p := range parts {
		s, ok := p.(String)
		if !ok {
			piece = append(piece, p)
			continue
		}
		for i, text := range strings.Split(string(s), sep) {
			if i > 0 {
				out = append(out, joined("concat", piece))
				piece = nil
			}
			if text != "" {
				piece = append(piece, String(text))
			}
		}
	}
	return append(out, joined("concat", piece))
}

// identify evaluates type, name and scope of a resource and gives it its ID.
func (f *frame) identify(inst *instance) {
	ev, n := f.ev, inst.node
	if v := n.Get("existing"); v != nil {
		inst.exists = ev.node(v, inst.env) == Bool(true)
	}
	inst.typ = f.plain(n, "type", inst.env)
	inst.version = f.plain(n, "apiVersion", inst.env)
	if inst.version == "" && inst.typ != "" && strings.Contains(inst.typ, "@") {
		inst.typ, inst.version, _ = strings.Cut(inst.typ, "@")
	}
	inst.id, inst.name = Null{}, Null{}
	if f.isExtension(n) {
		return
	}
	if inst.typ == "" {
		ev.tell(Fault, n.Pos, "a resource has no type")
		return
	}
	if n.Get("name").isNull() {
		ev.tell(Fault, n.Pos, "the resource of type "+inst.typ+" has no name")
		return
	}
	inst.name = ev.node(n.Get("name"), inst.env)
	if inst.parent != nil {
		f.underParent(inst)
	}
	if s := n.Get("scope"); !s.isNull() {
		inst.scope = ev.node(s, inst.env)
	}
	id, err := resourceIDOf(inst)
	if err != nil {
		id = ev.fault(n.Get("name").Pos, fmt.Errorf("naming a resource: %w", err))
	}
	inst.id = id
}

// isExtension reports whether a resource belongs to another service than Azure
// (Microsoft Graph, Kubernetes). An extension may also be Azure Resource Manager itself.
func (f *frame) isExtension(n *Node) bool {
	for _, alias := range []*Node{n.Get("import"), n.Get("extension")} {
		if alias != nil {
			return !f.isResourceManager(alias.text())
		}
	}
	return strings.HasPrefix(n.Get("type").text(), "Microsoft.Graph/")
}

// isResourceManager reports whether an alias of the template stands for Azure Resource Manager.
func (f *frame) isResourceManager(alias string) bool {
	name := f.root.Get("extensions").Get(alias).Get("name").text()
	if name == "" {
		name = f.root.Get("imports").Get(alias).Get("provider").text()
	}
	return sameName(name, "AzureResourceManager")
}

// plain evaluates a member that must be known.
func (f *frame) plain(n *Node, member string, e *env) string {
	m := n.Get(member)
	if m.isNull() {
		return ""
	}
	v := f.ev.node(m, e)
	if s, ok := v.(String); ok {
		return string(s)
	}
	if member == "type" {
		f.ev.tell(Fault, m.Pos, "the type of a resource is not known before the deployment")
	}
	return Text(v)
}

// underParent completes type and name of a resource that stands inside another.
func (f *frame) underParent(inst *instance) {
	p := inst.parent
	if within(inst.typ, p.typ) {
		if len(segments(inst.name)) >= strings.Count(inst.typ, "/") {
			return
		}
	} else {
		inst.typ = p.typ + "/" + inst.typ
	}
	inst.name = joinID(p.name, String("/"), inst.name)
}

// within reports whether a type lies below another by its name.
func within(typ, above string) bool {
	return len(typ) > len(above) && sameName(typ[:len(above)], above) && typ[len(above)] == '/'
}

// resourceIDOf returns the ID of a resource of a template.
func resourceIDOf(inst *instance) (Value, error) {
	scope := inst.frame.dest.scopeID()
	typ, name := inst.typ, inst.name
	switch {
	case inst.isDeployment():
		t, err := inst.frame.deploymentTarget(inst)
		if err != nil {
			return nil, err
		}
		scope = t.scopeID()
	case inst.scope != nil && inst.scope.Kind() != KindNull:
		scope = absoluteScope(inst.scope, scope)
	case inst.exists:
		scope = inst.frame.existingScope(inst, scope)
	case tenantTypes[arm.Fold(typ)]:
		scope = String("")
	}
	if base, rest, ok := cutFold(typ, "/providers/"); ok {
		return oldExtensionID(scope, base, rest, name)
	}
	names := segments(name)
	if want := strings.Count(typ, "/"); len(names) < want && !Known(name) {
		return joinID(scope, String("/providers/"+typ+"/"), name), nil
	}
	return resourceID(scope, typ, names)
}

// existingScope is where a resource that is only referred to lies: its group may be named.
func (f *frame) existingScope(inst *instance, scope Value) Value {
	if inst.node.Get("resourceGroup") == nil && inst.node.Get("subscriptionId") == nil {
		return scope
	}
	t, err := f.deploymentTarget(inst)
	if err != nil {
		return scope
	}
	return t.scopeID()
}

// cutFold is strings.Cut without regard to ASCII case.
func cutFold(s, sep string) (before, after string, ok bool) {
	i := strings.Index(strings.ToLower(s), strings.ToLower(sep))
	if i < 0 || len(strings.ToLower(s)) != len(s) {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// oldExtensionID is the ID of an extension that is written in one type with its base:
// "Microsoft.Web/sites/providers/roleAssignments" with the name
// "site/Microsoft.Authorization/assignment".
func oldExtensionID(scope Value, base, rest string, name Value) (Value, error) {
	names := segments(name)
	n := strings.Count(base, "/")
	if len(names) < n+2 {
		if !Known(name) {
			return joinID(scope, String("/providers/"+base+"/providers/"+rest+"/"), name), nil
		}
		return nil, fmt.Errorf("the type %s/providers/%s takes %d names, there are %d", base, rest, n+2, len(names))
	}
	id, err := resourceID(scope, base, names[:n])
	if err != nil {
		return nil, err
	}
	return resourceID(id, Text(names[n])+"/"+rest, names[n+1:])
}

// absoluteScope returns the scope of an extension resource, which may be named by type and
// name in the scope of the deployment.
func absoluteScope(scope, dest Value) Value {
	text := Text(scope)
	switch {
	case text == "/":
		return String("")
	case strings.HasPrefix(text, "/"), !strings.Contains(text, "/"):
		return trimSlash(scope)
	}
	if within(text, "Microsoft.Management/managementGroups") {
		dest = String("")
	}
	return joinID(dest, String("/providers/"), scope)
}

func trimSlash(v Value) Value {
	if s, ok := v.(String); ok {
		return String(strings.TrimRight(string(s), "/"))
	}
	return v
}
