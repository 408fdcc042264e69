// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/armtemplate"
)

// declared is a resource in Azure's own form: of a template, of a Bicep snapshot, of a
// what-if. The readers of azapi objects read it too, whose bodies have that form.
type declared struct {
	id        string
	typ       string
	version   string
	body      *armtemplate.Object
	before    *armtemplate.Object
	actions   []string
	existing  bool   // it is only referred to
	fixedName bool   // see mivet.Declaration
	condition string // under which it is deployed, if that is not known
	pos       armtemplate.Pos
}

// declarer makes facts of resources in Azure's own form.
type declarer struct {
	b    *builder
	list []*declared
	byID bool // facts are addressed by the ID of the resource that says them, for a change
}

func newDeclarer(file string, kind Kind) *declarer {
	doc := &document{
		file: file, kind: kind, vars: map[string]string{},
		config: &configuration{root: newConfigModule(""), providers: map[string]provider{}, demands: map[string][]string{}},
	}
	b := newBuilder(doc)
	b.owners = map[arm.Key]string{}
	return &declarer{b: b}
}

func (d *declarer) source(address string, pos armtemplate.Pos) mivet.Source {
	file := pos.File
	if file == "" {
		file = d.b.doc.file
	}
	return mivet.Source{Origin: &mivet.Origin{File: file, Address: address}, Line: int(pos.Line)}
}

// add takes a resource. Facts are made of all together, since they refer to one another.
func (d *declarer) add(r *declared) {
	id := parsed(r.id)
	if id.IsZero() {
		d.b.gaps.tally(mivet.FactInput, "the ID of resources of this type cannot be told", firstOf(r.typ, "unknown"), r.id, d.source(r.id, r.pos))
		return
	}
	r.typ = id.Type() // an extension in the old form has another type than its ID
	if !r.existing {
		d.b.owners[id.Key()] = r.id
	}
	d.list = append(d.list, r)
}

func (d *declarer) finish() *mivet.Snapshot {
	b := d.b
	b.snap.Declarations = make([]mivet.Declaration, 0, len(d.list))
	d.registrations()
	for _, r := range d.list {
		if r.existing {
			continue
		}
		v := d.view(r)
		b.declare(v)
		if !v.stays() {
			continue
		}
		if r.condition != "" {
			b.gaps.tally(mivet.FactInput, "these are deployed only under a condition that is not known; they are read as if it held", "", shortName(r), v.src)
		}
		if v.unknown.unknown("identity") {
			b.gap(v, mivet.FactIdentities, parsed(r.id), "whether and how it carries an identity is known only after the deployment")
		}
		b.asResource(v, "azapi")
		b.azapiFacts(v)
		d.inlineAdministrator(v)
	}
	b.tenant()
	b.byNature()
	b.snap.Gaps = b.gaps.list()
	return b.snap
}

// registrations notes the definitions of delegations, which their assignments refer to.
func (d *declarer) registrations() {
	d.b.registrations = map[arm.Key]*view{}
	for _, r := range d.list {
		if !isRegistration(r.typ) {
			continue
		}
		if v := d.view(r); v.stays() {
			d.b.registrations[parsed(r.id).Key()] = v
		}
	}
}

// view gives a resource the form in which objects of the provider azapi are read.
func (d *declarer) view(r *declared) *view {
	o := &object{address: r.id, typ: "azapi_resource", provider: "azapi", actions: r.actions, line: int(r.pos.Line)}
	name := r.id
	if !d.byID {
		name = shortName(r)
	}
	v := &view{object: o, declared: r, src: d.source(name, r.pos)}
	v.attrs, v.unknown = side(r, r.body)
	if r.before != nil {
		before, _ := side(r, r.before)
		if text, err := json.Marshal(before); err == nil {
			o.before = text
		}
	}
	return v
}

const maxShortName = 60

// shortName tells instances of one place apart for people: the last type and name.
func shortName(r *declared) string {
	id := parsed(r.id)
	name := []rune(id.Name())
	if len(name) > maxShortName {
		name = append(name[:maxShortName], '…')
	}
	return r.typ[strings.LastIndexByte(r.typ, '/')+1:] + " " + string(name)
}

// side returns the attributes of a resource, and which are not known.
func side(r *declared, body *armtemplate.Object) (values, unknown attrs) {
	values, unknown = attrs{"id": r.id, "type": r.typ, "name": parsed(r.id).Name()}, attrs{}
	plain, open := plainValue(body)
	values["body"], unknown["body"] = plain, open
	if open == nil {
		delete(unknown, "body")
	}
	values["location"], _ = plainValue(body.Get("location"))
	values["tags"], _ = plainValue(body.Get("tags"))
	identity := onlyChoice(body.Get("identity"))
	if u, ok := identity.(*armtemplate.Unknown); ok && !armtemplate.IsNull(u) {
		unknown["identity"] = true
	}
	if o := asObject(identity); o != nil {
		block := map[string]any{}
		for to, from := range map[string]string{"type": "type", "principal_id": "principalId", "tenant_id": "tenantId"} {
			if s, ok := textOf(onlyChoice(o.Get(from))); ok {
				block[to] = s
			}
		}
		if _, ok := o.Get("type").(*armtemplate.Unknown); ok && block["type"] == nil {
			unknown["identity"] = true
		}
		values["identity"] = []any{block}
		whole, _ := plainValue(o)
		if m, ok := values["body"].(map[string]any); ok {
			m["identity"] = whole
		}
	}
	if arm.Fold(r.typ) == "microsoft.managedidentity/userassignedidentities" {
		values["output"] = map[string]any{"properties": at(values, "body", "properties")}
	}
	return values, unknown
}

// onlyChoice returns the one value that is something, of several of which the others are
// nothing: the identity that a resource has if it has one.
func onlyChoice(v armtemplate.Value) armtemplate.Value {
	u, ok := v.(*armtemplate.Unknown)
	if !ok {
		return v
	}
	var something []armtemplate.Value
	for _, c := range u.Choices() {
		if !armtemplate.IsNull(c) && c != armtemplate.String("None") {
			something = append(something, c)
		}
	}
	if len(something) == 1 {
		return something[0]
	}
	return v
}

// plainValue returns a value as decoded JSON, and in the same form which parts of it are
// not known: true there, absent elsewhere. An ID of which only parts are not known is
// known, with these in braces.
func plainValue(v armtemplate.Value) (value, unknown any) {
	switch x := v.(type) {
	case armtemplate.Bool:
		return bool(x), nil
	case armtemplate.Int:
		return float64(x), nil
	case armtemplate.Float:
		return float64(x), nil
	case armtemplate.String:
		return string(x), nil
	case armtemplate.Array:
		return plainList(x)
	case *armtemplate.Object:
		return plainObject(x)
	case *armtemplate.Unknown:
		return plainUnknown(x)
	default:
		return nil, nil
	}
}

func plainList(a armtemplate.Array) (value, unknown any) {
	values, open := make([]any, len(a)), make([]any, len(a))
	some := false
	for i, item := range a {
		values[i], open[i] = plainValue(item)
		some = some || open[i] != nil
	}
	if some {
		return values, open
	}
	return values, nil
}

func plainObject(o *armtemplate.Object) (value, unknown any) {
	if o == nil {
		return nil, nil
	}
	values, open := make(map[string]any, o.Len()), map[string]any{}
	for f := range o.Fields() {
		name := usualName(f.Name)
		v, u := plainValue(f.Value)
		if v != nil {
			values[name] = v
		}
		if u != nil {
			open[name] = u
		}
	}
	if len(open) > 0 {
		return values, open
	}
	return values, nil
}

// usualNames are the names of properties that are read, as they are usually written:
// Resource Manager takes them in any case.
var usualNames = func() usualNameTable {
	names := []string{
		"properties", "principalId", "principalType", "roleDefinitionId", "condition", "conditionVersion", "description",
		"delegatedManagedIdentityResourceId", "requestType", "roleName", "permissions", "actions", "notActions", "dataActions", "notDataActions",
		"assignableScopes", "level", "accessPolicies", "objectId", "tenantId", "applicationId", "keys", "secrets", "certificates", "storage",
		"issuer", "subject", "audiences", "claimsMatchingExpression", "value", "displayName", "details", "parent", "id", "identity", "type",
		"userAssignedIdentities", "administrators", "sid", "kind", "managedBy", "tags", "location", "role", "scope", "user", "accessPolicyName",
		"clientId", "registrationDefinitionId", "registrationDefinitionName", "managedByTenantId", "authorizations", "eligibleAuthorizations",
		"principalIdDisplayName", "delegatedRoleDefinitionIds",
	}
	for _, path := range armSettings() {
		names = append(names, strings.Split(path, ".")...)
	}
	t := usualNameTable{exact: make(map[string]bool, len(names)), folded: make(map[arm.Key]string, len(names))}
	for _, n := range names {
		t.exact[n] = true
		t.folded[arm.Fold(n)] = n
	}
	return t
}()

type usualNameTable struct {
	exact  map[string]bool
	folded map[arm.Key]string
}

func usualName(name string) string {
	if usualNames.exact[name] {
		return name
	}
	if usual, ok := usualNames.folded[arm.Fold(name)]; ok {
		return usual
	}
	return name
}

func plainUnknown(u *armtemplate.Unknown) (value, unknown any) {
	parts := u.Parts()
	switch {
	case u.Kind() == armtemplate.KindString && len(parts) > 0:
		if s, ok := textOf(parts[0]); ok && strings.HasPrefix(s, "/") {
			return armtemplate.Text(u), nil
		}
	case u.Kind() == armtemplate.KindArray && len(parts) > 0:
		var values, open []any
		for _, p := range parts {
			if a, ok := p.(armtemplate.Array); ok {
				for _, item := range a {
					v, o := plainValue(item)
					values, open = append(values, v), append(open, o)
				}
			}
		}
		return values, append(open, true)
	case u.Kind() == armtemplate.KindObject && len(parts) > 0:
		return mergedObject(parts)
	}
	return nil, true
}

// mergedObject returns what is known of an object of which a part is not known. The last
// part wins; what stands before an unknown part may be replaced by it, so it counts only
// as not known.
func mergedObject(parts []armtemplate.Value) (value, unknown any) {
	values, open := map[string]any{}, map[string]any{}
	for _, p := range parts {
		o := asObject(p)
		if o == nil {
			for name := range values {
				open[name] = true
			}
			clear(values)
			continue
		}
		for f := range o.Fields() {
			name := usualName(f.Name)
			v, u := plainValue(f.Value)
			delete(open, name)
			if v != nil {
				values[name] = v
			}
			if u != nil {
				open[name] = u
			}
		}
	}
	return values, open
}

// declaredPrincipal returns the principal that a property names whose value is known only
// after the deployment.
func (b *builder) declaredPrincipal(v *view, clientOK bool, path []string) (mivet.PrincipalID, string) {
	value := valueAt(v.declared.body, path)
	var found []mivet.PrincipalID
	problem := whyDeployed
	for _, c := range choicesOf(value) {
		id, why := b.principalOfValue(v, c, clientOK)
		if why != "" {
			problem = why
		}
		if id != "" && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return "", problem
	case 1:
		return found[0], ""
	default:
		return "", whyOneOfSeveral
	}
}

// valueAt follows a path of names and indexes below "body".
func valueAt(body *armtemplate.Object, path []string) armtemplate.Value {
	var v armtemplate.Value = body
	for _, p := range path[min(1, len(path)):] {
		if u, ok := v.(*armtemplate.Unknown); ok && u.Kind() == armtemplate.KindArray {
			v = flatList(u)
		}
		if a, ok := v.(armtemplate.Array); ok {
			i := indexOf(p)
			if i < 0 || i >= len(a) {
				return nil
			}
			v = a[i]
			continue
		}
		v = armtemplate.At(v, p)
	}
	return v
}

func indexOf(s string) int {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || n > 1<<20 {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// flatList are the elements of a list that are known to be in it.
func flatList(u *armtemplate.Unknown) armtemplate.Array {
	var out armtemplate.Array
	for _, p := range u.Parts() {
		if a, ok := p.(armtemplate.Array); ok {
			out = append(out, a...)
		}
	}
	return out
}

func choicesOf(v armtemplate.Value) []armtemplate.Value {
	if u, ok := v.(*armtemplate.Unknown); ok {
		if c := u.Choices(); len(c) > 0 {
			return c
		}
	}
	return []armtemplate.Value{v}
}

// principalOfValue returns the principal that one value names.
func (b *builder) principalOfValue(v *view, value armtemplate.Value, clientOK bool) (mivet.PrincipalID, string) {
	u, ok := value.(*armtemplate.Unknown)
	if !ok {
		s, _ := textOf(value)
		return mivet.NewPrincipalID(s), ""
	}
	for _, o := range u.Origins() {
		if o.Kind == armtemplate.OriginResource {
			if id, why := b.principalOfState(v, o, clientOK); id != "" || why != "" {
				return id, why
			}
		}
	}
	if len(u.Origins()) == 1 {
		switch o := u.Origins()[0]; o.Kind {
		case armtemplate.OriginParameter, armtemplate.OriginDeployment, armtemplate.OriginTemplate, armtemplate.OriginSecret:
			return mivet.SymbolicPrincipal(u.String()), ""
		default:
		}
	}
	return "", whyDeployed
}

// principalOfState returns the principal that a property of a resource's state names.
func (b *builder) principalOfState(v *view, o armtemplate.Origin, clientOK bool) (mivet.PrincipalID, string) {
	path := strings.ToLower(o.Path)
	id := parsed(o.Resource)
	last := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case last == "clientid" && !clientOK:
		return "", whyClientID
	case last != "principalid" && last != "objectid" && last != "clientid":
		return "", ""
	case strings.HasPrefix(path, "identity.userassignedidentities["):
		return b.ownerSymbol(v, parsed(between(o.Path, "['", "']")), mivet.UserAssigned), ""
	case arm.Fold(id.Type()) == "microsoft.managedidentity/userassignedidentities":
		return b.ownerSymbol(v, id, mivet.UserAssigned), ""
	case arm.Fold(id.Type()) == "microsoft.managedidentity/identities": // the old way to name the identity of a resource
		return b.ownerSymbol(v, id.Parent(), mivet.SystemAssigned), ""
	case path == "identity.principalid":
		return b.ownerSymbol(v, id, mivet.SystemAssigned), ""
	case id.IsZero():
		return mivet.SymbolicPrincipal(o.Resource + "." + o.Path), ""
	default:
		return mivet.SymbolicPrincipal(b.ownerText(id) + "." + strings.TrimSuffix(o.Path[:len(o.Path)-len(last)], ".")), ""
	}
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// ownerText is the ID of a resource as the file writes it where it is declared, so that
// all symbols of its principal are one.
func (b *builder) ownerText(id arm.ID) string {
	if text, ok := b.owners[id.Key()]; ok {
		return text
	}
	return id.String()
}

// ownerSymbol returns the symbol of the principal of an identity. One that the file only
// refers to becomes an identity of the snapshot too.
func (b *builder) ownerSymbol(v *view, id arm.ID, kind mivet.IdentityKind) mivet.PrincipalID {
	if id.IsZero() {
		return ""
	}
	symbol := mivet.SymbolicPrincipal(b.ownerText(id))
	if _, here := b.owners[id.Key()]; !here {
		b.owners[id.Key()] = id.String()
		src := v.src
		if v.declared != nil { // it is not what the resource itself says
			src.Origin = &mivet.Origin{File: src.Origin.File}
		}
		b.resource(mivet.Resource{ID: id, Source: src})
		b.identity(mivet.Identity{Kind: kind, Resource: id, Principal: symbol, Source: src})
	}
	return symbol
}

// inlineAdministrator reads the Entra administrator that a database server names.
func (d *declarer) inlineAdministrator(v *view) {
	switch arm.Fold(v.armType()) {
	case "microsoft.sql/servers", "microsoft.sql/managedinstances":
	default:
		return
	}
	b, id := d.b, d.b.ownID(v)
	principal, problem := b.bodyPrincipal(v, false, "administrators.sid")
	switch {
	case principal != "":
		b.snap.LocalGrants = append(b.snap.LocalGrants, mivet.LocalAssignment{
			System: mivet.LocalSQLAdmin, Account: id, Role: strings.TrimPrefix(administrator, "="), Principal: principal, Source: v.src,
		})
	case problem != whyAbsent:
		b.gap(v, mivet.FactLocalGrants, id, "its administrator "+problem)
	}
}
