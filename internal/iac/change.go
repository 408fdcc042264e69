// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	_ "embed"
	"io"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/change"
)

// azurermSelectors lists the attributes that pick an identity. The head of the file names
// its origin and date.
//
//go:embed azurerm-selectors.tsv
var azurermSelectors string

// selectorsByType reads the table: dotted attributes by the provider's type.
func selectorsByType() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(azurermSelectors) {
		if name, attribute, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t"); ok && line[0] != '#' {
			out["azurerm_"+name] = append(out["azurerm_"+name], attribute)
		}
	}
	return out
}

// ReadPlan reads a Terraform plan ("terraform show -json PLAN") as a change: what Azure
// holds before and after it, and what is done to each managed object. A state is a change
// that does nothing. Errors are those of [ReadTerraform].
func ReadPlan(ctx context.Context, name string, r io.Reader) (*change.Plan, error) {
	doc, err := readDocument(ctx, name, r)
	if err != nil {
		return nil, err
	}
	return asChange(doc), nil
}

// asChange makes a change of a document.
func asChange(doc *document) *change.Plan {
	past := doc.past()
	before := newBuilder(past)
	after := newBuilder(doc)
	p := &change.Plan{}
	earlier := make(map[string]*object, len(past.objects))
	for _, o := range past.objects {
		earlier[o.address] = o
	}
	table := selectorsByType()
	for _, o := range doc.objects {
		if o.data {
			continue
		}
		p.Steps = append(p.Steps, step(before, after, earlier[o.address], o, table[o.typ]))
	}
	p.Before, p.After = before.build(), after.build()
	return p
}

// past is the document as it was before the plan: each object with the values that the
// plan read, under the address that it will have.
func (d *document) past() *document {
	out := *d
	out.objects, out.drift, out.deferred, out.failed, out.partial = nil, nil, nil, false, false
	for _, o := range d.objects {
		if o.does("create") && !o.does("delete") && !o.does("forget") {
			continue
		}
		c := *o
		c.actions, c.replace, c.unknown = nil, nil, nil
		if c.before != nil {
			c.after = c.before
		}
		c.before = nil
		out.objects = append(out.objects, &c)
	}
	return &out
}

// step says what the plan does to one object; old is the object before it, or nil.
func step(before, after *builder, old, o *object, attributes []string) change.Step {
	v := after.view(o)
	s := change.Step{Address: o.address, Previous: o.previous, Type: o.typ, Actions: o.actions, Deposed: o.deposed != "", Source: v.src}
	s.Drifted = slices.Concat(after.drifted[o.address], after.drifted[o.previous])
	var was *view
	if old != nil && (len(attributes) > 0 || v.isGrant()) {
		was = before.view(old)
	}
	if v.isGrant() {
		s.Grant = &change.Grant{Role: isRoleAssignment(v)}
		if was != nil {
			s.Grant.Before = before.bound(was)
		}
		if o.stays() {
			s.Grant.After = after.bound(v)
		}
	}
	for _, a := range attributes {
		x := change.Selector{Attribute: a}
		if was != nil {
			x.Before = before.choice(was, a)
		}
		if o.stays() {
			x.After = after.choice(v, a)
		}
		if len(x.Before.Values)+len(x.After.Values) > 0 || x.After.Open {
			s.Selectors = append(s.Selectors, x)
		}
	}
	return s
}

func isRoleAssignment(v *view) bool {
	return v.typ == "azurerm_role_assignment" || isAzapi(v.typ) && arm.Fold(v.armType()) == "microsoft.authorization/roleassignments"
}

// boundPaths are the attributes that hold the principal of a grant, the first that is set
// counts.
var boundPaths = [][]string{
	{"principal_id"},
	{"object_id"},
	{"principal_object_id"},
	{"member_object_id"},
	{"body", "properties", "principalId"},
	{"body", "properties", "objectId"},
	{"body", "properties", "sid"},
}

// bound returns the principal that a grant names.
func (b *builder) bound(v *view) change.Bound {
	for _, path := range boundPaths {
		if at(v.attrs, path...) == nil && !v.unknown.unknown(path...) {
			continue
		}
		id, problem := b.principal(v, false, path...)
		if problem == whyEmpty {
			return change.Bound{Empty: true}
		}
		return change.Bound{Principal: id, Open: id == "" || problem != ""}
	}
	return change.Bound{Open: v.unknown.unknown("body")}
}

// choice returns what a selector holds.
func (b *builder) choice(v *view, attribute string) change.Choice {
	path := strings.Split(attribute, ".")
	c := change.Choice{Values: textsAt(map[string]any(v.attrs), path)}
	if !unknownBelow(map[string]any(v.unknown), path) {
		return c
	}
	c.Open = true
	for _, to := range b.trail(v, path...).targets {
		if to.object != nil && isUserAssigned(b.view(to.object)) && isIDAttr(to.attr) {
			if id := b.idOf(to.object); !id.IsZero() {
				c.Identities = append(c.Identities, id)
			}
		}
	}
	return c
}

// textsAt collects the texts at a path, through all elements of lists.
func textsAt(value any, path []string) []string {
	switch x := value.(type) {
	case []any:
		var out []string
		for _, e := range x {
			out = append(out, textsAt(e, path)...)
		}
		return out
	case map[string]any:
		if len(path) > 0 {
			return textsAt(x[path[0]], path[1:])
		}
	case string:
		if len(path) == 0 && x != "" {
			return []string{x}
		}
	}
	return nil
}

// unknownBelow reports whether a value at a path, or what holds it, is known only after
// apply.
func unknownBelow(value any, path []string) bool {
	switch x := value.(type) {
	case bool:
		return x
	case []any:
		return slices.ContainsFunc(x, func(e any) bool { return unknownBelow(e, path) })
	case map[string]any:
		return len(path) > 0 && unknownBelow(x[path[0]], path[1:])
	default:
		return false
	}
}
