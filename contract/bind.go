// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Presence is what a snapshot holds of an identity that a contract names.
type Presence uint8

// The answers of a snapshot.
const (
	Absent    Presence = iota // the resource is not there, or carries no identity
	OtherType                 // it has an identity, and none of the type
	Unclear                   // it cannot be told which one is meant
	Present
)

// Bound is a contract with what it names found in a snapshot.
type Bound struct {
	*Contract
	Bindings []Binding
	finder   *finder
}

// Binding is an identity of the contract in a snapshot.
type Binding struct {
	*Identity
	Presence Presence
	// Problem says why it is not present, a clause without a full stop.
	Problem string
	// ID is the resource of the identity or its carrier, as far as it can be named; Has are
	// the types of identities that it has.
	ID  arm.ID
	Has []mivet.IdentityKind
	// Held is its principal: symbolic before it exists, empty where it is not known.
	Held mivet.PrincipalID
	// Fact is where the snapshot tells of it.
	Fact mivet.Source
	// Tests, Ceiling and Workloads are those of the contract, in its order.
	Tests     []BoundTest
	Ceiling   []BoundGrant
	Workloads []Target
}

// Target is what a name of the contract stands for.
type Target struct {
	Name Name
	ID   arm.ID
	// Err says why it stands for nothing; nil where it does.
	Err error
}

// BoundTest is an access test with its question.
type BoundTest struct {
	*Test
	Target   Target
	Question Question
	// Err says why it cannot be asked; nil where it can.
	Err error
}

// BoundGrant is a part of a ceiling with its scope.
type BoundGrant struct {
	*Grant
	Scope Target
	// Question is what an access in words asks for.
	Question Question
	// Err says why it allows nothing; nil where it does.
	Err error
}

// Bind finds in a snapshot what a contract names.
func Bind(c *Contract, s *mivet.Snapshot, index *mivet.Index) *Bound {
	b := &Bound{Contract: c, finder: newFinder(s, index)}
	b.Bindings = make([]Binding, len(c.Identities))
	for i := range c.Identities {
		b.Bindings[i] = b.finder.bind(&c.Identities[i])
	}
	return b
}

// Binding returns the identity of that name, or nil.
func (b *Bound) Binding(name string) *Binding {
	if i, ok := b.byName[name]; ok {
		return &b.Bindings[i]
	}
	return nil
}

// Resolve finds what a name of the contract stands for.
func (b *Bound) Resolve(n Name) Target { return b.finder.target(n) }

// finder finds names in a snapshot.
type finder struct {
	snapshot  *mivet.Snapshot
	index     *mivet.Index
	addresses map[string]*mivet.Declaration
	names     map[arm.Key][]arm.ID // once somebody asks
	carried   map[arm.Key]*mivet.Identity
}

func newFinder(s *mivet.Snapshot, index *mivet.Index) *finder {
	f := &finder{snapshot: s, index: index, addresses: map[string]*mivet.Declaration{}}
	for i := range s.Declarations {
		f.addresses[s.Declarations[i].Address] = &s.Declarations[i]
	}
	return f
}

// named lists the resources and scopes of a name.
func (f *finder) named(name string) []arm.ID {
	if f.names == nil {
		f.names = map[arm.Key][]arm.ID{}
		add := func(id arm.ID, name string) {
			key := arm.Fold(name)
			if !id.IsZero() && name != "" && !slices.ContainsFunc(f.names[key], id.Equal) {
				f.names[key] = append(f.names[key], id)
			}
		}
		for i := range f.snapshot.Resources {
			id := f.snapshot.Resources[i].ID
			add(id, id.Name())
			add(id.ResourceGroupID(), id.ResourceGroup())
		}
		for i := range f.snapshot.Subscriptions {
			s := &f.snapshot.Subscriptions[i]
			add(s.ID, s.Name)
			add(s.ID, s.ID.Name())
		}
		for i := range f.snapshot.ManagementGroups {
			g := &f.snapshot.ManagementGroups[i]
			add(g.ID, g.Name)
			add(g.ID, g.ID.Name())
		}
	}
	return f.names[arm.Fold(name)]
}

func (f *finder) target(n Name) Target {
	id, err := f.find(n.Text)
	return Target{n, id, err}
}

// find resolves an ID, an address or a name, each with the path of a child if need be.
func (f *finder) find(word string) (arm.ID, error) {
	if strings.HasPrefix(word, "/") {
		return arm.ParseID(word)
	}
	for at := len(word); at > 0; at = strings.LastIndexByte(word[:at], '/') {
		if d := f.addresses[word[:at]]; d != nil {
			if d.Resource.IsZero() {
				return arm.ID{}, fmt.Errorf("the resource ID of %s is not known yet", d.Address)
			}
			return below(d.Resource, word[at:])
		}
	}
	found, rest := f.named(word), ""
	if len(found) == 0 {
		if base, path, ok := strings.Cut(word, "/"); ok {
			found, rest = f.named(base), "/"+path
		}
	}
	switch len(found) {
	case 0:
		return arm.ID{}, fmt.Errorf("%q is not in the input", word)
	case 1:
		return below(found[0], rest)
	}
	var ids []string
	for _, id := range found {
		ids = append(ids, id.String())
	}
	slices.Sort(ids)
	return arm.ID{}, fmt.Errorf("%q may be %s: write the resource ID", word, strings.Join(ids[:min(len(ids), 3)], " or "))
}

func below(id arm.ID, rest string) (arm.ID, error) {
	if rest == "" {
		return id, nil
	}
	return arm.ParseID(id.String() + rest)
}

func (f *finder) bind(i *Identity) Binding {
	b := Binding{Identity: i}
	f.locate(&b)
	for n := range i.Tests {
		t := &i.Tests[n]
		x := BoundTest{Test: t, Target: f.target(t.On)}
		if x.Err = x.Target.Err; x.Err == nil {
			x.Question, x.Err = ask(t.Access, t.Plane, x.Target.ID)
		}
		b.Tests = append(b.Tests, x)
	}
	for n := range i.Ceiling {
		g := &i.Ceiling[n]
		x := BoundGrant{Grant: g, Scope: f.target(g.On)}
		if x.Err = x.Scope.Err; x.Err == nil && g.Access != "" {
			x.Question, x.Err = ask(g.Access, mivet.PlaneUnknown, x.Scope.ID)
		}
		b.Ceiling = append(b.Ceiling, x)
	}
	for _, w := range i.Workloads {
		b.Workloads = append(b.Workloads, f.target(w))
	}
	return b
}

// locate finds the identity itself: by its address where the input has one, else by its
// resource ID.
func (f *finder) locate(b *Binding) {
	var err error
	switch d := f.addresses[b.Address]; {
	case b.Address != "" && d != nil && !d.Resource.IsZero():
		b.ID, b.Fact = d.Resource, d.Source
	case b.Resource != "":
		b.ID, err = arm.ParseID(b.Resource)
	default:
		b.ID, err = f.find(b.Address)
	}
	if err != nil {
		b.Problem = err.Error()
		return
	}
	if u := f.index.UserAssigned(b.ID); u != nil {
		f.take(b, u)
		return
	}
	r := f.index.Resource(b.ID)
	if r == nil {
		b.Problem = fmt.Sprintf("there is no %s", b.ID)
		return
	}
	b.Fact = r.Source
	f.carries(b, r)
}

// carries looks at the identities of a carrier.
func (f *finder) carries(b *Binding, r *mivet.Resource) {
	if r.Identity == nil || !r.Identity.System && len(r.Identity.User) == 0 {
		b.Problem = fmt.Sprintf("%s carries no identity", r.ID)
		return
	}
	if r.Identity.System {
		b.Has = append(b.Has, mivet.SystemAssigned)
	}
	if len(r.Identity.User) > 0 {
		b.Has = append(b.Has, mivet.UserAssigned)
	}
	switch {
	case b.Type == mivet.SystemAssigned && r.Identity.System:
		b.Presence, b.Held = Present, r.Identity.SystemPrincipal
		if b.Held == "" {
			b.Held = f.systemOf(r)
		}
	case b.Type == mivet.UserAssigned && len(r.Identity.User) == 1:
		if u := f.index.UserAssigned(r.Identity.User[0]); u != nil {
			b.Presence, b.Held = Present, u.Principal
			return
		}
		b.Presence = Present
	case b.Type == mivet.UserAssigned && len(r.Identity.User) > 1:
		b.Presence = Unclear
		b.Problem = fmt.Sprintf("%s carries %d user-assigned identities: name the one that is meant", r.ID, len(r.Identity.User))
	default:
		b.Presence = OtherType
		b.Problem = fmt.Sprintf("%s has a %s identity", r.ID, kindName(b.Has[0]))
	}
}

// systemOf finds the principal of a system-assigned identity in the list of identities.
func (f *finder) systemOf(r *mivet.Resource) mivet.PrincipalID {
	if f.carried == nil {
		f.carried = map[arm.Key]*mivet.Identity{}
		for i := range f.snapshot.Identities {
			if m := &f.snapshot.Identities[i]; m.Kind == mivet.SystemAssigned {
				f.carried[m.Resource.Key()] = m
			}
		}
	}
	if m := f.carried[r.ID.Key()]; m != nil {
		return m.Principal
	}
	return ""
}

// take binds a user-assigned identity that is named itself.
func (f *finder) take(b *Binding, u *mivet.Identity) {
	b.Has = []mivet.IdentityKind{mivet.UserAssigned}
	if b.Fact.IsZero() {
		b.Fact = u.Source
	}
	b.Held = u.Principal
	if b.Type != mivet.UserAssigned {
		b.Presence = OtherType
		b.Problem = fmt.Sprintf("%s is a user-assigned identity", b.ID)
		return
	}
	b.Presence = Present
}

func kindName(k mivet.IdentityKind) string {
	if k == mivet.SystemAssigned {
		return "system-assigned"
	}
	return "user-assigned"
}
