// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// idOf returns the ID that an object has, or the one that it will get. A name that is not
// known yet is written as the address in braces. Zero: the object is no resource of Azure,
// or the plan does not tell where it will be.
func (b *builder) idOf(o *object) arm.ID {
	if id, ok := b.ids[o]; ok {
		return id
	}
	return b.ownID(b.view(o))
}

// ownID is idOf for an object whose attributes are decoded already.
func (b *builder) ownID(v *view) arm.ID {
	if isGrant(v.typ) { // nothing lies below it
		if row, ok := b.types.row(v.typ); !ok || row.level == 'A' {
			return arm.ID{} // the provider's ID is not one of Azure
		}
		return knownID(v.attrs.str("id"))
	}
	if id, ok := b.ids[v.object]; ok {
		return id
	}
	b.ids[v.object] = arm.ID{} // the answer to a loop of references
	id := b.makeID(v)
	if b.doc.kind == KindTerraformSource {
		id = b.apart(v, id)
	}
	b.ids[v.object] = id
	return id
}

// apart returns the ID of an object of source; one that another object has already gets
// the address in place of its name.
func (b *builder) apart(v *view, id arm.ID) arm.ID {
	if id.IsZero() || v.data || id.Level() == arm.LevelSubscription {
		return id
	}
	if b.taken == nil {
		b.taken = map[arm.Key]string{}
	}
	first, seen := b.taken[id.Key()]
	if !seen || first == v.address {
		b.taken[id.Key()] = v.address
		return id
	}
	b.gap(v, mivet.FactResources, arm.ID{}, "it would have the same ID as "+first+", which Azure refuses: it is told apart by its address")
	text := id.String()
	return parsed(text[:len(text)-len(id.Name())] + inBraces(v.address))
}

func (b *builder) makeID(v *view) arm.ID {
	switch v.typ {
	case "azapi_resource", "azapi_update_resource", "azapi_resource_action":
		return b.azapiID(v)
	case "azurerm_resource_group":
		if id := knownID(v.attrs.str("id")); !id.IsZero() {
			return id
		}
		return parsed("/subscriptions/" + b.subscription(v) + "/resourceGroups/" + b.name(v, "name"))
	case "azurerm_subscription":
		return b.subscriptionID(v)
	case "azurerm_client_config":
		return arm.ID{}
	}
	row, ok := b.types.row(v.typ)
	if !ok || row.level == 'A' {
		return arm.ID{}
	}
	for _, attr := range []string{"id", "resource_manager_id", "resource_versionless_id", "role_definition_resource_id"} {
		if id := knownID(v.attrs.str(attr)); !id.IsZero() {
			return id
		}
	}
	return b.rowID(v, row)
}

// knownID parses an ID as providers write it: what azurerm hangs on behind a "|" is not
// Azure's.
func knownID(s string) arm.ID {
	s, _, _ = strings.Cut(s, "|")
	return parsed(s)
}

func parsed(s string) arm.ID {
	id, err := arm.ParseID(s)
	if err != nil {
		return arm.ID{}
	}
	return id
}

// rowID makes an ID as a row of the type table tells: below a parent whose ID an argument
// gives, below an object that a name refers to, or from names alone.
func (b *builder) rowID(v *view, row typeRow) arm.ID {
	for _, arg := range row.parents {
		if beside, ok := strings.CutPrefix(arg, sibling); ok {
			return b.below(v, row, b.idArgument(v, beside).ResourceGroupID())
		}
		if id := b.below(v, row, b.idArgument(v, arg)); !id.IsZero() {
			return id
		}
	}
	if row.level == 'X' {
		return arm.ID{}
	}
	segments := row.segments()
	for i := len(segments) - 2; i >= 0; i-- {
		for _, arg := range segments[i].args {
			if id := b.below(v, row, b.named(v, arg)); !id.IsZero() {
				return id
			}
		}
	}
	base, ok := b.base(v, row)
	if !ok {
		return arm.ID{}
	}
	provider, _, _ := strings.Cut(row.path, "/")
	return b.extend(v, base+"/providers/"+provider, segments)
}

// below makes the ID of a row under a parent, if the parent is of a type that fits.
func (b *builder) below(v *view, row typeRow, parent arm.ID) arm.ID {
	if parent.IsZero() {
		return parent
	}
	segments := row.segments()
	provider, _, _ := strings.Cut(row.path, "/")
	if n := row.depth(parent.Type()); n > 0 {
		return b.extend(v, parent.String(), segments[n:])
	}
	switch parent.Level() {
	case arm.LevelSubscription, arm.LevelResourceGroup, arm.LevelManagementGroup:
		return b.extend(v, parent.String()+"/providers/"+provider, segments)
	case arm.LevelRoot:
		return b.extend(v, "/providers/"+provider, segments)
	default:
		if row.level != 'X' {
			return arm.ID{}
		}
		return b.extend(v, parent.String()+"/providers/"+provider, segments)
	}
}

func (b *builder) extend(v *view, text string, segments []segment) arm.ID {
	for _, s := range segments {
		name := s.name
		if name == "" {
			if name = b.firstName(v, s.args); name == "" {
				return arm.ID{}
			}
		}
		text += "/" + s.typ + "/" + name
	}
	return parsed(text)
}

func (b *builder) firstName(v *view, args []string) string {
	for _, a := range args {
		if n := v.attrs.str(a); n != "" {
			return n
		}
	}
	for _, a := range args {
		if v.unknown.unknown(a) {
			return b.name(v, a)
		}
	}
	return ""
}

// name returns a name: the known one, else that of the object it refers to, else the
// address in braces.
func (b *builder) name(v *view, arg string) string {
	if n := v.attrs.str(arg); n != "" {
		return n
	}
	if arg != "name" {
		for _, t := range b.trail(v, arg).targets {
			if t.object != nil && t.object != v.object && (t.attr == "name" || t.attr == "") {
				return b.name(b.view(t.object), "name")
			}
		}
	}
	return inBraces(v.address)
}

// named returns the ID of the object whose name an argument refers to.
func (b *builder) named(v *view, arg string) arm.ID {
	for _, t := range b.trail(v, arg).targets {
		if t.object != nil && t.object != v.object && (t.attr == "name" || t.attr == "") {
			if id := b.idOf(t.object); !id.IsZero() {
				return id
			}
		}
	}
	return arm.ID{}
}

// idArgument returns the ID that an argument holds or refers to.
func (b *builder) idArgument(v *view, path ...string) arm.ID {
	id, _ := b.scope(v, path...)
	return id
}

// base returns what an ID of that level starts with; not ok where the plan does not tell.
func (b *builder) base(v *view, row typeRow) (text string, ok bool) {
	switch row.level {
	case 'T':
		return "", true
	case 'S':
		return "/subscriptions/" + b.subscription(v), true
	}
	const arg = "resource_group_name"
	switch {
	case v.attrs.str(arg) != "":
		return "/subscriptions/" + b.subscription(v) + "/resourceGroups/" + v.attrs.str(arg), true
	case !v.unknown.unknown(arg):
		return "", false
	}
	if id := b.named(v, arg); id.Level() == arm.LevelResourceGroup {
		return id.String(), true
	}
	return "/subscriptions/" + b.subscription(v) + "/resourceGroups/" + b.name(v, arg), true
}

// subscriptionID returns the scope that an azurerm_subscription, managed or read, names.
func (b *builder) subscriptionID(v *view) arm.ID {
	if s := v.attrs.str("subscription_id"); mivet.IsGUID(s) {
		return parsed("/subscriptions/" + s)
	}
	if id := knownID(v.attrs.str("id")); id.Level() == arm.LevelSubscription {
		return id
	}
	if v.data && !v.unknown.unknown("subscription_id") {
		return parsed("/subscriptions/" + b.subscription(v))
	}
	return parsed("/subscriptions/" + inBraces(v.address))
}

// subscription returns the subscription that the provider block of an object works in.
func (b *builder) subscription(v *view) string {
	key := b.providerKey(v.source)
	if s, ok := b.subs[key]; ok {
		return s
	}
	s := b.findSubscription(key)
	if s == "" {
		s = inBraces("subscription of " + key)
		b.gaps.add(mivet.Gap{
			Facts: mivet.FactSubscriptions, Subject: s, Source: v.src,
			Reason: "the plan does not say in which subscription the provider " + key + " works",
		})
	}
	b.subs[key] = s
	return s
}

// providerKey returns the key of the provider block that an object uses. A module without
// a block of its own uses that of the root, which old plans do not say.
func (b *builder) providerKey(c *configResource) string {
	if c == nil || c.provider == "" {
		return "azurerm"
	}
	if _, ok := b.doc.config.providers[c.provider]; !ok {
		if _, inherited, ok := strings.Cut(c.provider, ":"); ok {
			return inherited
		}
	}
	return c.provider
}

func (b *builder) findSubscription(key string) string {
	if p, ok := b.doc.config.providers[key]; ok {
		if mivet.IsGUID(p.subscription.constant) {
			return p.subscription.constant
		}
		t := b.follow.follow(providerPlace(key), p.subscription.refs)
		if len(t.lost) == 0 && len(t.targets) == 1 && mivet.IsGUID(t.targets[0].literal) {
			return t.targets[0].literal
		}
	}
	return b.subscriptionInUse(key)
}

// providerPlace returns the module that a provider block stands in: its key is
// "azurerm.alias" in the root and "module.app:azurerm" elsewhere.
func providerPlace(key string) address {
	module, _, ok := strings.Cut(key, ":")
	if !ok {
		return address{}
	}
	return address{module: module, instance: module}
}

// subscriptionInUse returns the one subscription of what the provider block manages or
// reads already. Things below a resource group are always in its own subscription.
func (b *builder) subscriptionInUse(key string) string {
	found, looked := "", 0
	for _, o := range b.doc.objects {
		a, _ := parseAddress(o.address)
		if c := b.follow.source(a); c == nil || b.providerKey(c) != key {
			continue
		}
		if looked++; looked > 1000 {
			break
		}
		sub := ownSubscription(o, b.types)
		switch {
		case sub == "":
		case found == "":
			found = sub
		case found != sub:
			return ""
		}
	}
	return found
}

func ownSubscription(o *object, types typeTable) string {
	values := attributes(o.values())
	switch row, ok := types.row(o.typ); {
	case o.typ == "azurerm_client_config":
		return values.str("subscription_id")
	case ok && row.level == 'R' && len(row.parents) == 0, o.typ == "azurerm_resource_group":
		return knownID(values.str("id")).SubscriptionID()
	default:
		return ""
	}
}
