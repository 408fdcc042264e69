// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
)

// Contract is what was agreed on for one stage.
type Contract struct {
	File string
	// Hash is that of the document: it is the same for all stages.
	Hash string
	// Stage is nil for a contract without stages.
	Stage        *Stage
	Organisation Organisation
	// Identities are in the order of the file.
	Identities []Identity
	Exceptions []Exception
	byName     map[string]int
}

// Organisation holds the rules for all identities.
type Organisation struct {
	Types   Types
	Sharing Sharing
	Never   []Never
	// Review is within how many days an identity is looked at again; 0: not said.
	Review int
	// Require are the parts that each identity must say.
	Require    []string
	Separation Separation
}

// Permanent is the lifetime of what stays until somebody deletes it.
const Permanent = "permanent"

// Types say which type follows from what; a text is empty where nothing is said.
type Types struct{ Recreated, Stable, Shared, Alone string }

// Sharing says how many workloads one identity may serve.
type Sharing struct {
	// Workloads is the most for one identity; 0: not said.
	Workloads int
	// Place is where that number is written.
	Place Place
	// Allowed are patterns of names of identities for which that does not hold.
	Allowed []string
	set     bool
}

// Never is a role that no identity is to hold at a level and wider.
type Never struct {
	Role   string
	At     string // one of anywhere, resource, resource-group, subscription, management-group
	Reason string
	Place  Place
}

// Identity is one managed identity with what was agreed on.
type Identity struct {
	// Name is what people call it in the contract.
	Name string
	// Resource and Address are as they are written; one may be empty.
	Resource, Address string
	Type              mivet.IdentityKind
	Why               string
	// Stable is true where its principal must stay the same.
	Stable bool
	// Lifetime is how long what presents it lives: [Permanent], "job", "pull-request", or
	// empty where nothing is said.
	Lifetime string
	// Principal is the expected object ID as it is written, Output the name of an output that
	// holds it. Both are empty where nothing is expected.
	Principal mivet.PrincipalID
	Output    string
	Owner     string
	// Workloads are as they are written; nil where nothing is said, which differs from none.
	Workloads []Name
	// Ceiling is nil where nothing is said; an empty one allows nothing.
	Ceiling    []Grant
	Tests      []Test
	Separation Separation
	Review     Review
	// At is where its name stands, and Places where its parts do.
	At     Place
	Places map[string]Place
}

// Place returns where a part of the identity is written, or where its name is.
func (i *Identity) Place(part string) Place {
	if p, ok := i.Places[part]; ok {
		return p
	}
	return i.At
}

// Name is a text that names something, with its place.
type Name struct {
	Text string
	At   Place
}

// Grant is a part of a ceiling. One of Role, Access, Operations, Policy and Local is set.
type Grant struct {
	Role       string
	Access     string
	Operations []string
	Plane      mivet.Plane
	Policy     *Policy
	Local      *LocalGrant
	Condition  string
	On         Name
	Note       string
	At         Place
}

// Policy are permissions of a vault's access policy.
type Policy struct{ Secrets, Keys, Certificates, Storage []string }

// LocalGrant is a role of a service that has its own.
type LocalGrant struct {
	System      mivet.LocalSystem
	Role, Scope string
}

// Test is a question with its expected answer.
type Test struct {
	// Access is what is asked for, in words or as an operation.
	Access  string
	Allowed bool
	Plane   mivet.Plane
	On      Name
	At      Place
}

// String writes the test as in the contract.
func (t *Test) String() string {
	verb := "cannot"
	if t.Allowed {
		verb = "can"
	}
	return verb + " " + t.Access + " on " + t.On.Text
}

// Separation says who may stand behind an identity. A list is nil where nothing is said.
type Separation struct {
	Code, Run []string
	At        Place
}

// Review says when an identity was looked at.
type Review struct {
	Every int
	Last  time.Time
	By    string
}

// Exception accepts findings for a time.
type Exception struct {
	Rule string
	// Identity is a name of the contract, or empty; Match is a pattern, or empty.
	Identity, Match string
	Reason, Owner   string
	Expires         time.Time
	At              Place
}

// For returns the contract of a stage. Where there is none, the name is empty; where there
// is one alone, it may be. The error is [Errors].
func (d *Document) For(stage string) (*Contract, error) {
	b := &assembly{journal: &journal{}}
	c := &Contract{File: d.File, Hash: d.hash, Organisation: d.rules, byName: map[string]int{}}
	switch s := d.Stage(stage); {
	case s != nil:
		c.Stage = s
	case stage == "" && len(d.stages) == 0:
	case stage == "" && len(d.stages) == 1:
		c.Stage = &d.stages[0]
	case stage == "":
		return nil, Errors{{Place: d.own.at, Message: "it has several stages", Hint: "say which one: " + d.stageNames()}}
	default:
		return nil, Errors{{Place: d.own.at, Message: fmt.Sprintf("it has no stage %q", stage), Hint: "its stages are " + d.stageNames()}}
	}
	b.stage = c.Stage
	if v := d.own.get("identities"); v != nil {
		for _, n := range v.nodes {
			c.byName[n.name] = len(c.Identities)
			c.Identities = append(c.Identities, b.identity(n))
		}
	}
	for _, file := range d.files {
		if v := file.get("exceptions"); v != nil {
			for _, n := range v.nodes {
				c.Exceptions = append(c.Exceptions, b.exception(n))
			}
		}
	}
	c.Organisation.Separation.Code = b.fill(c.Organisation.Separation.Code, c.Organisation.Separation.At)
	c.Organisation.Separation.Run = b.fill(c.Organisation.Separation.Run, c.Organisation.Separation.At)
	return c, b.sorted().err()
}

func (d *Document) stageNames() string {
	var names []string
	for i := range d.stages {
		names = append(names, d.stages[i].Name)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Identity returns the identity of that name, or nil.
func (c *Contract) Identity(name string) *Identity {
	if i, ok := c.byName[name]; ok {
		return &c.Identities[i]
	}
	return nil
}

// Title names the contract and its stage for people.
func (c *Contract) Title() string {
	if c.Stage == nil {
		return c.File
	}
	return c.File + ", stage " + c.Stage.Name
}

// assembly makes typed values of nodes, with the values of a stage.
type assembly struct {
	*journal
	stage *Stage
}

var placeholder = regexp.MustCompile(`\$\{([^{}]*)\}`)

// with puts the values of the stage into a text.
func (b *assembly) with(s string, at Place) string {
	if !strings.Contains(s, "${") {
		return s
	}
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-1]
		if b.stage == nil {
			b.wrong(at, "write stages, with values", "${%s} stands for nothing: the contract has no stages", name)
			return m
		}
		value, ok := b.stage.values[name]
		if !ok {
			b.wrong(at, fmt.Sprintf("add it to stages.%s.values", b.stage.Name), "${%s} stands for nothing in the stage %s", name, b.stage.Name)
			return m
		}
		return value
	})
}

func (b *assembly) fill(list []string, at Place) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = b.with(s, at)
	}
	return out
}

func (b *assembly) text(n *node, name string) string {
	v := n.get(name)
	if v == nil {
		return ""
	}
	return b.with(v.text, v.at)
}

func (b *assembly) texts(n *node, name string) []string {
	v := n.get(name)
	if v == nil {
		return nil
	}
	out := make([]string, len(v.list))
	for i, w := range v.list {
		out[i] = b.with(w.text, w.at)
	}
	return out
}

func (b *assembly) name(n *node, name string) Name {
	v := n.get(name)
	if v == nil {
		return Name{At: n.at}
	}
	return Name{b.with(v.text, v.at), v.at}
}

func (b *assembly) identity(n *node) Identity {
	i := Identity{
		Name: n.name, Resource: b.text(n, "resource"), Address: b.text(n, "address"),
		Type: mivet.IdentityKind(textOf(n, "type")), Why: b.text(n, "why"), Owner: b.text(n, "owner"),
		Lifetime: textOf(n, "lifetime"), At: n.at, Places: map[string]Place{},
	}
	for name, v := range n.fields {
		i.Places[name] = v.at
	}
	if i.Resource == "" && i.Address == "" {
		b.wrong(n.at, "name its resource ID, its address, or both", "%s is named by nothing", n.name)
	}
	if v := n.get("stable"); v != nil {
		i.Stable = v.truth
	}
	b.principal(&i, n.get("principal"))
	if v := n.get("workloads"); v != nil {
		i.Workloads = make([]Name, len(v.list))
		for k, w := range v.list {
			i.Workloads[k] = Name{b.with(w.text, w.at), w.at}
		}
	}
	if v := n.get("ceiling"); v != nil {
		i.Ceiling = make([]Grant, len(v.nodes))
		for k, g := range v.nodes {
			i.Ceiling[k] = b.grant(g)
		}
	}
	if v := n.get("tests"); v != nil {
		for _, t := range v.nodes {
			i.Tests = append(i.Tests, b.test(t))
		}
	}
	if v := n.get("separation"); v != nil {
		i.Separation = separationOf(v.object)
		i.Separation.Code = b.fill(i.Separation.Code, i.Separation.At)
		i.Separation.Run = b.fill(i.Separation.Run, i.Separation.At)
	}
	if v := n.get("review"); v != nil {
		i.Review = b.review(v.object)
	}
	return i
}

func (b *assembly) principal(i *Identity, v *value) {
	switch {
	case v == nil:
	case v.object != nil:
		i.Output = b.text(v.object, "output")
	default:
		s := b.with(v.text, v.at)
		if !mivet.IsGUID(s) {
			b.wrong(v.at, "write the object ID, or output: and the name of the output that holds it", "the principal %q is no object ID", s)
			return
		}
		i.Principal = mivet.NewPrincipalID(s)
	}
}

func separationOf(n *node) Separation {
	s := Separation{At: n.at}
	for _, part := range []struct {
		name string
		into *[]string
	}{{"code", &s.Code}, {"run", &s.Run}} {
		v := n.get(part.name)
		if v == nil {
			continue
		}
		*part.into = []string{}
		for _, w := range v.list {
			*part.into = append(*part.into, w.text)
		}
	}
	return s
}

func (b *assembly) review(n *node) Review {
	r := Review{By: textOf(n, "by")}
	if v := n.get("every"); v != nil {
		r.Every = v.number
	}
	if v := n.get("last"); v != nil {
		r.Last = dayOf(v.text)
	}
	return r
}

// dayOf reads a day; zero where it is none.
func dayOf(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (b *assembly) grant(n *node) Grant {
	g := Grant{
		Role: b.text(n, "role"), Access: b.text(n, "access"), Operations: b.texts(n, "operations"), Plane: mivet.PlaneData,
		Condition: b.text(n, "condition"), On: b.name(n, "at"), Note: textOf(n, "note"), At: n.at,
	}
	if textOf(n, "plane") == "control" {
		g.Plane = mivet.PlaneControl
	}
	kinds := 0
	for _, name := range []string{"role", "access", "operations", "policy", "local"} {
		if n.get(name) != nil {
			kinds++
		}
	}
	if kinds != 1 {
		b.wrong(n.at, "", "a part of a ceiling has one of role, access, operations, policy and local, and this one has %d", kinds)
	}
	if v := n.get("policy"); v != nil {
		g.Policy = &Policy{b.texts(v.object, "secrets"), b.texts(v.object, "keys"), b.texts(v.object, "certificates"), b.texts(v.object, "storage")}
	}
	if v := n.get("local"); v != nil {
		g.Local = &LocalGrant{System: mivet.LocalSystem(v.text), Role: b.text(n, "local-role"), Scope: b.text(n, "scope")}
		if g.Local.Role == "" {
			b.wrong(v.at, "", "local needs local-role, the role there")
		}
	}
	return g
}

func (b *assembly) test(n *node) Test {
	t := Test{On: b.name(n, "on"), At: n.at}
	can, cannot := b.text(n, "can"), b.text(n, "cannot")
	if (can == "") == (cannot == "") {
		b.wrong(n.at, "", "a test has one of can and cannot")
	}
	t.Access, t.Allowed = can+cannot, can != ""
	switch textOf(n, "plane") {
	case "control":
		t.Plane = mivet.PlaneControl
	case "data":
		t.Plane = mivet.PlaneData
	}
	return t
}

func (b *assembly) exception(n *node) Exception {
	e := Exception{
		Rule: textOf(n, "rule"), Identity: textOf(n, "identity"), Match: b.text(n, "match"),
		Reason: textOf(n, "reason"), Owner: textOf(n, "owner"), At: n.at,
	}
	if (e.Identity == "") == (e.Match == "") {
		b.wrong(n.at, "", "an exception has one of identity and match")
	}
	if v := n.get("expires"); v != nil {
		e.Expires = dayOf(v.text)
	}
	return e
}

// Abstract puts the names of the stage's values back into a text, the longest value first, so
// that texts of two stages can be compared. Short values are left: they stand in too much.
func (s *Stage) Abstract(text string) string {
	if s == nil {
		return text
	}
	names := slices.SortedFunc(maps.Keys(s.values), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(s.values[b]), len(s.values[a])), cmp.Compare(a, b))
	})
	for _, n := range names {
		if len(s.values[n]) >= 3 {
			text = strings.ReplaceAll(text, s.values[n], "${"+n+"}")
		}
	}
	return text
}
