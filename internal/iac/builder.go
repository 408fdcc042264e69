// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// builder makes facts of a document: what Azure holds after the plan.
type builder struct {
	doc           *document
	snap          *mivet.Snapshot
	types         typeTable
	follow        *follower
	ids           map[*object]arm.ID
	resources     map[arm.Key]int // into snap.Resources
	identities    map[string]int  // into snap.Identities, by kind and resource
	subscriptions map[arm.Key]int // into snap.Subscriptions
	people        map[mivet.PrincipalID]bool
	clients       map[string]mivet.PrincipalID // by client ID
	mirrors       map[policyKey]bool           // access policies that have a resource of their own
	subs          map[string]string            // subscription by key of the provider block
	roleNames     map[arm.Key]mivet.RoleID     // custom roles of the plan by name
	scopes        map[string]arm.ID            // parsed before: scopes repeat
	settings      map[string][]setting
	armPaths      []string
	readers       map[string]typeReader
	azapi         map[arm.Key]azapiReader
	drifted       map[string][]mivet.PrincipalID // principals that ceased outside of the plan, by address
	owners        map[arm.Key]string             // declared resources: the ID as it is written there
	registrations map[arm.Key]*view              // declared definitions of delegations
	taken         map[arm.Key]string             // IDs of objects of source, with their addresses
	versions      map[string]string              // that are allowed, by provider
	gaps          gapSet
}

// view is one object with its attributes decoded.
type view struct {
	*object
	addr    address
	attrs   attrs
	unknown attrs
	source  *configResource
	exprs   attrs
	src     mivet.Source

	declared *declared // of a resource in Azure's own form
}

func (b *builder) view(o *object) *view {
	a, _ := parseAddress(o.address)
	v := &view{object: o, addr: a, attrs: attributes(o.values())}
	if !o.does("forget") || o.does("create") {
		v.unknown = attributes(o.unknown)
	}
	b.leftOut(v)
	if v.source = b.follow.source(a); v.source != nil {
		v.exprs = attributes(v.source.exprs)
	}
	v.src = mivet.Source{Origin: &mivet.Origin{File: firstOf(o.file, b.doc.file), Address: o.address}, Line: o.line}
	return v
}

// leftOut takes a name that is not even null for one that is not known: a plan and a
// source that are whole write it, and a part of one is still read.
func (b *builder) leftOut(v *view) {
	if !v.makes() || v.data || v.attrs == nil {
		return
	}
	row, ok := b.types.row(v.typ)
	if !ok || row.level != 'R' {
		return
	}
	for _, name := range []string{"name", "resource_group_name"} {
		if _, there := v.attrs[name]; there || v.unknown.unknown(name) {
			continue
		}
		if v.unknown == nil {
			v.unknown = attrs{}
		}
		v.unknown[name] = true
	}
}

// expr returns the expression of an attribute, or of the block that holds it where the
// plan tells no more.
func (v *view) expr(path ...string) expression {
	for n := len(path); n > 0; n-- {
		m, ok := at(v.exprs, path[:n]...).(map[string]any)
		if !ok {
			continue
		}
		e := expression{refs: texts(m["references"])}
		e.constant, _ = m["constant_value"].(string)
		if len(e.refs) > 0 || e.constant != "" {
			return e
		}
	}
	return expression{}
}

// trail follows the expression of an attribute.
func (b *builder) trail(v *view, path ...string) trail {
	e := v.expr(path...)
	if e.constant != "" {
		return trail{targets: []target{{literal: e.constant}}}
	}
	return b.follow.follow(v.addr, e.refs)
}

// armType returns the ARM type that an azapi object names, without its version.
func (v *view) armType() string { return bareType(v.attrs.str("type")) }

// resource adds a resource, or adds to it what the snapshot does not know of it yet.
func (b *builder) resource(r mivet.Resource) {
	if r.ID.IsZero() {
		return
	}
	key := r.ID.Key()
	i, ok := b.resources[key]
	if !ok {
		b.resources[key] = len(b.snap.Resources)
		b.snap.Resources = append(b.snap.Resources, r)
		return
	}
	have := &b.snap.Resources[i]
	if have.Location == "" {
		have.Location = r.Location
	}
	if have.Identity == nil {
		have.Identity = r.Identity
	}
	have.Detail = mergeDetail(have.Detail, r.Detail)
}

func mergeDetail(a, b *mivet.Detail) *mivet.Detail {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	if a.Kind == "" {
		a.Kind = b.Kind
	}
	if a.ManagedBy.IsZero() {
		a.ManagedBy = b.ManagedBy
	}
	for k, v := range b.Tags {
		if _, ok := a.Tags[k]; !ok {
			if a.Tags == nil {
				a.Tags = map[string]string{}
			}
			a.Tags[k] = v
		}
	}
	for k, v := range b.Settings {
		if _, ok := a.Settings[k]; !ok {
			if a.Settings == nil {
				a.Settings = map[string]string{}
			}
			a.Settings[k] = v
		}
	}
	return a
}

// identity adds a managed identity once.
func (b *builder) identity(id mivet.Identity) {
	if id.Resource.IsZero() {
		return
	}
	key := string(id.Kind) + string(id.Resource.Key())
	i, ok := b.identities[key]
	if !ok {
		b.identities[key] = len(b.snap.Identities)
		b.snap.Identities = append(b.snap.Identities, id)
		return
	}
	have := &b.snap.Identities[i]
	if have.Principal == "" {
		have.Principal = id.Principal
	}
	if have.ClientID == "" {
		have.ClientID = id.ClientID
	}
}

func (b *builder) person(p mivet.Principal) {
	if p.ID != "" && !b.people[p.ID] {
		b.people[p.ID] = true
		b.snap.Principals = append(b.snap.Principals, p)
	}
}
