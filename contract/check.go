// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// Todo begins a text that somebody has to write yet.
const Todo = "TODO"

func isTodo(s string) bool { return strings.HasPrefix(s, Todo) }

// CheckOptions say what a contract is checked against.
type CheckOptions struct {
	Catalog *catalog.Catalog
	// Rules reports whether an ID, or a former one, names a rule; nil: not checked.
	Rules func(id string) bool
	// Now is the time that reviews and expiries are measured against; zero: they are not.
	Now time.Time
	// Custom are roles that the catalogue does not know, by name or ID, such as those of a
	// snapshot.
	Custom []mivet.RoleDefinition
}

// Check reports what is wrong with a document in any of its stages, and what is left open.
// It looks at no tenant.
func (d *Document) Check(o CheckOptions) Errors {
	j := &journal{}
	stages := []string{""}
	if len(d.stages) > 0 {
		stages = nil
		for i := range d.stages {
			stages = append(stages, d.stages[i].Name)
		}
	}
	for _, s := range stages {
		c, err := d.For(s)
		if fs, ok := err.(Errors); ok { //nolint:errorlint // it is what For returns, unwrapped
			for _, f := range fs {
				j.add(f)
			}
		}
		if c != nil {
			k := checker{journal: j, c: c, o: &o, same: map[string]string{}}
			k.all()
		}
	}
	return j.sorted()
}

// checker looks at the contract of one stage.
type checker struct {
	*journal
	c *Contract
	o *CheckOptions
	// same is the name of the identity that is named so, by type and by resource or address.
	same map[string]string
}

func (k *checker) all() {
	for i := range k.c.Identities {
		k.identity(&k.c.Identities[i])
	}
	for i := range k.c.Organisation.Never {
		n := &k.c.Organisation.Never[i]
		k.role(n.Role, n.Place)
	}
	for i := range k.c.Exceptions {
		k.exception(&k.c.Exceptions[i])
	}
	if k.c.Stage != nil {
		for _, s := range k.c.Stage.Subscriptions {
			if !mivet.IsGUID(s) && !strings.Contains(s, "-") {
				k.wrong(k.c.Stage.At, "write its ID", "%q is no subscription", s)
			}
		}
	}
}

func (k *checker) identity(i *Identity) {
	if i.Resource != "" {
		if !strings.HasPrefix(i.Resource, "/") {
			k.wrong(i.Place("resource"), "an address belongs to address:", "%q is no resource ID", i.Resource)
		} else if _, err := arm.ParseID(i.Resource); err != nil {
			k.wrong(i.Place("resource"), "", "%v", err)
		}
	}
	for _, part := range []struct{ name, text string }{{"why", i.Why}, {"owner", i.Owner}} {
		if isTodo(part.text) {
			k.open(i.Place(part.name), "", "%s: somebody has to write the %s", i.Name, part.name)
		}
	}
	k.required(i)
	k.ceiling(i)
	k.tests(i)
	k.reviewed(i)
	k.twice(i)
}

// twice reports an identity that stands in the contract under another name already.
func (k *checker) twice(i *Identity) {
	for _, name := range []string{strings.ToLower(i.Resource), i.Address} {
		key := string(i.Type) + " " + name
		other, ok := k.same[key]
		switch {
		case name == "":
		case ok && other != i.Name:
			k.wrong(i.At, "", "%s and %s are the same identity", i.Name, other)
			return
		default:
			k.same[key] = i.Name
		}
	}
}

// required reports what an organisation asks for and an identity does not say.
func (k *checker) required(i *Identity) {
	said := map[string]bool{
		"why": i.Why != "", "owner": i.Owner != "", "tests": len(i.Tests) > 0, "ceiling": i.Ceiling != nil,
		"review":     i.Review.Every > 0 || k.c.Organisation.Review > 0 || !i.Review.Last.IsZero(),
		"separation": i.Separation.Code != nil || i.Separation.Run != nil || k.c.Organisation.Separation.Code != nil,
	}
	for _, part := range k.c.Organisation.Require {
		if !said[part] {
			k.open(i.At, "", "%s says nothing about %s, which the organisation requires", i.Name, part)
		}
	}
	if most := k.c.Organisation.Review; most > 0 && i.Review.Every > most {
		k.wrong(i.Place("review"), "", "%s is reviewed every %d days; the organisation wants %d", i.Name, i.Review.Every, most)
	}
}

func (k *checker) ceiling(i *Identity) {
	for n := range i.Ceiling {
		g := &i.Ceiling[n]
		if isTodo(g.Note) {
			k.open(g.At, "", "%s: %s", i.Name, strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(g.Note, Todo), ":")))
		}
		k.target(g.On)
		switch {
		case g.Role != "":
			k.role(g.Role, g.At)
		case g.Access != "":
			k.access(g.Access, g.On, g.At)
		}
		for _, op := range g.Operations {
			if _, err := arm.ParsePattern(op); err != nil {
				k.wrong(g.At, "", "%v", err)
			}
		}
		if g.Condition != "" {
			if _, err := abac.Parse(g.Condition); err != nil {
				k.wrong(g.At, "", "the condition: %v", err)
			}
		}
	}
}

func (k *checker) tests(i *Identity) {
	asked := map[string]*Test{}
	for n := range i.Tests {
		t := &i.Tests[n]
		k.target(t.On)
		if t.Access == "" {
			continue // told already
		}
		k.access(t.Access, t.On, t.At)
		key := t.Access + " on " + t.On.Text
		u := asked[key]
		switch {
		case u == nil:
			asked[key] = t
		case u.Allowed == t.Allowed:
			k.wrong(t.At, "", "%s has the test %q twice", i.Name, t)
		default:
			k.wrong(t.At, "", "%s must and must not: %q, and %q at line %d", i.Name, t, u, u.At.Line)
		}
	}
}

// target reports a target that is no ID although it looks like one.
func (k *checker) target(n Name) {
	if !strings.HasPrefix(n.Text, "/") {
		return
	}
	if _, err := arm.ParseID(n.Text); err != nil {
		k.wrong(n.At, "", "%v", err)
	}
}

// access reports an access that nothing is known of, or that the target does not have.
func (k *checker) access(access string, on Name, at Place) {
	if !strings.HasPrefix(on.Text, "/") {
		if !strings.Contains(access, "/") {
			if _, _, err := splitPhrase(access); err != nil {
				k.wrong(at, "", "%v", err)
			}
		}
		return
	}
	id, err := arm.ParseID(on.Text)
	if err != nil {
		return // told already
	}
	if _, err := ask(access, mivet.PlaneUnknown, id); err != nil {
		k.wrong(at, "", "%v", err)
	}
}

func (k *checker) role(name string, at Place) {
	if k.o.Catalog == nil || k.o.Catalog.RoleByName(name) != nil || k.o.Catalog.Role(mivet.NewRoleID(name)) != nil {
		return
	}
	if slices.ContainsFunc(k.o.Custom, func(r mivet.RoleDefinition) bool { return sameRole(&r, name) }) || mivet.IsGUID(name) {
		return
	}
	var names []string
	for _, r := range k.o.Catalog.Roles() {
		names = append(names, r.Name)
	}
	hint := "a role of your own must be given by its ID, or be in the snapshot"
	if near := nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	k.wrong(at, hint, "no role that Azure has built in is called %q", name)
}

func sameRole(r *mivet.RoleDefinition, name string) bool {
	return strings.EqualFold(r.Name, name) || r.ID == mivet.NewRoleID(name)
}

func (k *checker) reviewed(i *Identity) {
	if !k.o.Now.IsZero() && i.Review.Last.After(k.o.Now) {
		k.wrong(i.Place("review"), "", "%s was reviewed on %s, which is yet to come", i.Name, i.Review.Last.Format(time.DateOnly))
	}
}

func (k *checker) exception(e *Exception) {
	if e.Identity != "" && k.c.Identity(e.Identity) == nil && e.At.File == k.c.File {
		var names []string
		for i := range k.c.Identities {
			names = append(names, k.c.Identities[i].Name)
		}
		hint := ""
		if near := nearest(e.Identity, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		k.wrong(e.At, hint, "there is no identity %q", e.Identity)
	}
	if k.o.Rules != nil && !k.o.Rules(e.Rule) {
		k.wrong(e.At, `"mivet explain" lists the rules`, "there is no rule %q", e.Rule)
	}
	if !k.o.Now.IsZero() && !e.Expires.IsZero() && !k.o.Now.Before(e.Expires.AddDate(0, 0, 1)) {
		k.open(e.At, "remove it, or agree on another day", "the exception of %s expired on %s", e.Rule, e.Expires.Format(time.DateOnly))
	}
}
