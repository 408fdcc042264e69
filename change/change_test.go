// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

const group = "/subscriptions/s/resourceGroups/g/providers/"

const (
	web  = group + "Microsoft.Web/sites/"
	ids  = group + "Microsoft.ManagedIdentity/userAssignedIdentities/"
	kv   = group + "Microsoft.KeyVault/vaults/kv"
	read = "Key Vault Secrets User"
)

// world builds a plan: what each side holds of an object, and what is done to it.
type world struct {
	t *testing.T
	p Plan
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, p: Plan{Before: &mivet.Snapshot{}, After: &mivet.Snapshot{}}}
}

func (w *world) id(text string) arm.ID {
	w.t.Helper()
	id, err := arm.ParseID(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func from(address string) mivet.Source {
	return mivet.Source{Origin: &mivet.Origin{File: "f", Address: address}, Line: 1}
}

// side adds one side of an object, written as "ID system=P user=ID,ID client=C principal=P".
func (w *world) side(s *mivet.Snapshot, address, text string) {
	w.t.Helper()
	words := strings.Fields(text)
	r := mivet.Resource{ID: w.id(words[0]), Source: from(address)}
	identity := mivet.Identity{Resource: r.ID, Source: from(address)}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "system":
			r.Identity = &mivet.Attachment{System: true, SystemPrincipal: mivet.PrincipalID(value)}
			identity.Kind, identity.Principal = mivet.SystemAssigned, mivet.PrincipalID(value)
		case "user":
			if r.Identity == nil {
				r.Identity = &mivet.Attachment{}
			}
			for u := range strings.SplitSeq(value, ",") {
				r.Identity.User = append(r.Identity.User, w.id(u))
			}
		case "principal":
			identity.Kind, identity.Principal = mivet.UserAssigned, mivet.PrincipalID(value)
		case "client":
			identity.ClientID = value
		}
	}
	s.Resources = append(s.Resources, r)
	if identity.Kind != "" {
		s.Identities = append(s.Identities, identity)
	}
}

// do adds an object; an empty side does not exist.
func (w *world) do(address, actions, before, after string) *Step {
	w.t.Helper()
	if before != "" {
		w.side(w.p.Before, address, before)
	}
	if after != "" {
		w.side(w.p.After, address, after)
	}
	w.p.Steps = append(w.p.Steps, Step{Address: address, Type: "t", Actions: strings.Fields(actions), Source: from(address)})
	return &w.p.Steps[len(w.p.Steps)-1]
}

// grant adds an assignment of a role at a scope, held by before and after.
func (w *world) grant(address, actions, role, scope, before, after string) *Step {
	w.t.Helper()
	add := func(s *mivet.Snapshot, p string) {
		if p != "" && p != "?" {
			s.RoleAssignments = append(s.RoleAssignments, mivet.RoleAssignment{
				RoleName: role, Scope: w.id(scope), Principal: mivet.PrincipalID(p), Source: from(address),
			})
		}
	}
	add(w.p.Before, before)
	add(w.p.After, after)
	g := &Grant{Role: true, Before: Bound{Principal: mivet.PrincipalID(before)}, After: Bound{Principal: mivet.PrincipalID(after)}}
	if after == "?" {
		g.After = Bound{Open: true}
	}
	w.p.Steps = append(w.p.Steps, Step{Address: address, Type: "ra", Actions: strings.Fields(actions), Grant: g, Source: from(address)})
	return &w.p.Steps[len(w.p.Steps)-1]
}

// want compares the lists, written as "recycled=a gap=a,b"; the others must be empty.
func (w *world) want(state *mivet.Snapshot, text string) *Report {
	w.t.Helper()
	c, err := catalog.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	r := Compare(&w.p, state, c)
	var have []string
	for _, l := range []struct {
		name string
		list []string
	}{
		{"recycled", r.Recycled},
		{"destroyed", r.Destroyed},
		{"created", r.Created},
		{"stranded", r.Stranded},
		{"rebound", r.Rebound},
		{"impossible", r.Impossible},
		{"gap", r.Gap},
		{"lost", r.Lost},
		{"broad", r.Broad},
		{"selectors", r.SelectorsBroken},
		{"unmanaged", r.Unmanaged},
	} {
		if len(l.list) > 0 {
			have = append(have, l.name+"="+strings.Join(l.list, ","))
		}
	}
	if r.Quiet {
		have = append(have, "quiet")
	}
	if got := strings.Join(have, " "); got != text {
		w.t.Errorf("it does %q, want %q", got, text)
	}
	return r
}

func TestReplacedWorkload(t *testing.T) {
	f := func(app, grant, before, after, want string) *Report {
		t.Helper()
		w := newWorld(t)
		now := web + "new system=new"
		if app == "no-op" {
			now = web + "app system=old"
		}
		w.do("app", app, web+"app system=old", now)
		w.grant("ra", grant, read, kv, before, after)
		return w.want(nil, want)
	}
	r := f("delete create", "delete create", "old", "new", "recycled=app rebound=ra gap=app")
	if d := r.Details[len(r.Details)-1]; !strings.Contains(d.Text, read+" at "+kv+": the workload is deleted before") {
		t.Errorf("the gap is told as %q", d.Text)
	}
	f("create delete", "delete create", "old", "new", "recycled=app rebound=ra gap=app")
	f("create delete", "create delete", "old", "new", "recycled=app rebound=ra")
	f("delete create", "no-op", "old", "old", "recycled=app stranded=ra lost=app")
	f("delete create", "update", "old", "new", "recycled=app stranded=ra impossible=ra lost=app")
	f("delete create", "delete create", "old", "?", "recycled=app rebound=ra gap=app")
	f("no-op", "forget", "old", "old", "unmanaged=ra")
	f("no-op", "no-op", "old", "old", "quiet")
	f("no-op", "delete create", "old", "old", "gap=app")
	f("no-op", "delete create", "old", "?", "gap=app")
}

// A way ends and another begins: by the same grant, by another one, or by one that was
// there all the time.
func TestAnotherWay(t *testing.T) {
	const both, user = web + "app system=old user=" + ids + "u", web + "app user=" + ids + "u"
	identity := func(w *world) { w.do("u", "no-op", ids+"u principal=up", ids+"u principal=up") }

	w := newWorld(t)
	identity(w)
	w.do("app", "update", both, user)
	w.grant("ra", "delete", read, kv, "old", "")
	w.grant("rb", "create", read, kv, "", "up")
	w.want(nil, "destroyed=app gap=app")

	w = newWorld(t)
	identity(w)
	w.do("app", "update", both, user)
	w.grant("ra", "no-op", read, kv, "old", "old")
	w.grant("rb", "no-op", read, kv, "up", "up")
	w.want(nil, "destroyed=app stranded=ra")

	w = newWorld(t)
	identity(w)
	w.do("app", "no-op", both, both)
	w.grant("ra", "no-op", read, kv, "old", "old")
	w.grant("rb", "create", read, kv, "", "up")
	w.want(nil, "")

	// An administrator of a service is changed in place, and Azure accepts it.
	w = newWorld(t)
	identity(w)
	w.do("app", "update", both, user)
	s := w.grant("admin", "update", read, kv, "old", "up")
	s.Grant.Role = false
	w.want(nil, "destroyed=app rebound=admin gap=app")
}

func TestSharedIdentity(t *testing.T) {
	w := newWorld(t)
	w.do("u", "create delete", ids+"u principal=up client=c", ids+"v principal=vp")
	w.do("app", "update", web+"app user="+ids+"u", web+"app user="+ids+"v")
	w.do("fn", "no-op", web+"fn user="+ids+"u", web+"fn user="+ids+"u")
	w.grant("ra", "create delete", read, kv, "up", "vp")
	w.want(nil, "recycled=u rebound=ra lost=fn")
}

// A principal that was replaced, or went, before the plan was made.
func TestOutside(t *testing.T) {
	w := newWorld(t)
	w.do("app", "no-op", web+"app system=now", web+"app system=now").Drifted = []mivet.PrincipalID{"old"}
	w.grant("ra", "no-op", read, kv, "old", "old")
	w.want(nil, "recycled=app stranded=ra lost=app")

	w = newWorld(t)
	w.do("app", "update", web+"app", web+"app system=now").Drifted = []mivet.PrincipalID{"old"}
	w.want(nil, "recycled=app")

	// Found by the state, also under another address, and for those who share it.
	w = newWorld(t)
	w.do("new.u", "no-op", ids+"u principal=now", ids+"u principal=now").Previous = "u"
	w.do("app", "no-op", web+"app user="+ids+"u", web+"app user="+ids+"u")
	w.grant("ra", "no-op", read, kv, "old", "old")
	state := &mivet.Snapshot{}
	w.side(state, "u", ids+"u principal=old")
	w.want(state, "recycled=new.u stranded=ra lost=app")
}

// What an object is given at keeps its address when its ID changes.
func TestMovedPlace(t *testing.T) {
	w := newWorld(t)
	w.do("app", "no-op", web+"app system=p", web+"app system=p")
	w.do("kv", "delete create", kv, kv+"2")
	w.grant("ra", "delete create", read, kv, "p", "")
	w.p.Steps[2].Grant.After.Principal = "p"
	w.p.After.RoleAssignments = []mivet.RoleAssignment{{RoleName: read, Scope: w.id(kv + "2"), Principal: "p", Source: from("ra")}}
	w.want(nil, "gap=app")

	w = newWorld(t)
	w.do("app", "no-op", web+"app system=p", web+"app system=p")
	for _, s := range []*mivet.Snapshot{w.p.Before, w.p.After} {
		s.AccessPolicies = []mivet.AccessPolicy{{
			Vault: w.id(kv), Principal: "p", Keys: []string{"Get"}, Secrets: []string{"Get"}, Certificates: []string{"List"}, Source: from("kv"),
		}}
		s.LocalGrants = []mivet.LocalAssignment{{System: mivet.LocalKusto, Account: w.id(kv), Role: "Viewer", Principal: "p", Source: from("k")}}
	}
	w.p.After.AccessPolicies = []mivet.AccessPolicy{{Vault: w.id(kv), Principal: "p", Keys: []string{"get"}, Source: from("kv")}}
	r := w.want(nil, "lost=app")
	if !strings.Contains(r.Details[0].Text, "policy certificates/list at "+kv+", policy secrets/get at "+kv) {
		t.Errorf("lost is told as %q", r.Details[0].Text)
	}
}

func TestRoles(t *testing.T) {
	f := func(role, scope, actions, want string) {
		t.Helper()
		w := newWorld(t)
		before := ""
		if !strings.HasPrefix(actions, "create") {
			before = "p"
		}
		w.grant("ra", actions, role, scope, before, "p")
		w.p.After.RoleDefinitions = []mivet.RoleDefinition{
			{ID: "c1", Name: "Ours", Permissions: []mivet.Permission{{Actions: []string{"*"}, NotActions: []string{"Microsoft.Authorization/*"}}}},
			{ID: "c2", Name: "Grants", Permissions: []mivet.Permission{{Actions: []string{"Microsoft.Authorization/*"}}}},
			{ID: "c3", Name: "Narrow", Permissions: []mivet.Permission{{Actions: []string{"Microsoft.Authorization/*"}, NotActions: []string{"*/write"}}}},
		}
		if strings.HasPrefix(role, "c") {
			w.p.After.RoleAssignments[0].Role, w.p.After.RoleAssignments[0].RoleName = mivet.RoleID(role), ""
		}
		w.want(nil, want)
	}
	f("Owner", "/subscriptions/s", "create", "broad=ra")
	f("Ours", "/subscriptions/s/resourceGroups/g", "create", "broad=ra")
	f("c2", "/", "create", "broad=ra")
	f("Narrow", "/subscriptions/s", "create", "")
	f("Reader", "/subscriptions/s", "create", "")
	f("Owner", kv, "create", "")
	f("Owner", "/subscriptions/s", "update", "")
	f("c9", "/subscriptions/s", "create", "")

	w := newWorld(t)
	w.grant("ra", "create", read, kv, "", "").Grant.After = Bound{Empty: true}
	w.grant("rb", "delete create", read, kv, "p", "").Grant.After = Bound{Empty: true}
	w.do("app", "no-op", web+"app system=p", web+"app system=p")
	w.want(nil, "impossible=ra,rb lost=app")
}

func TestSelectorsByHand(t *testing.T) {
	f := func(before, after string, old, now Choice, attribute, want string) {
		t.Helper()
		w := newWorld(t)
		w.do("u", "no-op", ids+"u principal=up client=33333333-0000-4000-8000-000000000001", ids+"u principal=up client=33333333-0000-4000-8000-000000000001")
		w.do("gone", "delete", ids+"gone principal=gp client=33333333-0000-4000-8000-000000000002", "")
		w.do("app", "update", web+"app "+before, web+"app "+after).Selectors = []Selector{{Attribute: attribute, Before: old, After: now}}
		w.want(nil, strings.TrimSpace("destroyed=gone "+want))
	}
	one := func(v string) Choice { return Choice{Values: []string{v}} }
	const clientU, clientGone = "33333333-0000-4000-8000-000000000001", "33333333-0000-4000-8000-000000000002"
	user, none := "user="+ids+"u", ""
	f(user, user, one(ids+"u"), one(ids+"u"), "x", "")
	f(user, none, one(ids+"u"), one(ids+"u"), "x", "selectors=app") // it exists, and is carried no more
	f(user, "user="+ids+"v", one(ids+"u"), one(ids+"u"), "x", "selectors=app")
	f(user, "user="+ids+"v", one(ids+"u"), Choice{Open: true, Identities: []arm.ID{newWorld(t).id(ids + "v")}}, "x", "")
	f(user, user, one(clientU), one(strings.ToUpper(clientU)), "x", "")
	f("user="+ids+"gone", user, one(clientGone), one(clientGone), "x", "selectors=app")
	f("user="+ids+"gone", "user="+ids+"unread", one(clientGone), one(clientGone), "x", "selectors=app")
	f("user="+ids+"unread", user, one(clientU), one(clientU), "x", "")
	f(user, user, one("word"), one("word"), "x", "")
	f(user, user, Choice{}, Choice{}, "x", "")
	f("", "", one(ids+"gone"), one(ids+"gone"), "x", "selectors=app")
}

// What is not known to be taken off a resource breaks no selector.
func TestSelectorOfUnreadIdentity(t *testing.T) {
	w := newWorld(t)
	w.do("u", "no-op", ids+"u principal=up", ids+"u principal=up")
	w.do("app", "update", web+"app user="+ids+"u", web+"app").Selectors = []Selector{{
		Attribute: "x", Before: Choice{Values: []string{ids + "u"}}, After: Choice{Values: []string{ids + "u"}},
	}}
	w.p.After.Gaps = append(w.p.After.Gaps, mivet.Gap{Facts: mivet.FactIdentities, Scope: w.id(web + "app"), Reason: "its type is known only after apply"})
	w.want(nil, "")
}

// An object that is forgotten while another is made in its place keeps its principal.
func TestForgottenAndMadeAgain(t *testing.T) {
	w := newWorld(t)
	w.do("app", "create forget", web+"app system=one", web+"app2 system=two")
	r := w.want(nil, "recycled=app unmanaged=app")
	if !slices.ContainsFunc(r.Details, func(d Detail) bool { return strings.Contains(d.Text, "stays with the object that is forgotten") }) {
		t.Errorf("%+v", r.Details)
	}
}

func TestDetailsHaveTexts(t *testing.T) {
	w := newWorld(t)
	w.do("app", "delete", web+"app system=", "")
	w.p.Before.Identities = []mivet.Identity{{Kind: mivet.SystemAssigned, Resource: w.id(web + "app"), Source: from("app")}}
	r := w.want(nil, "destroyed=app")
	if !slices.ContainsFunc(r.Details, func(d Detail) bool {
		return d.What == "destroyed" && strings.Contains(d.Text, "which the file does not name") && d.Source.Line == 1
	}) {
		t.Errorf("the details are %+v", r.Details)
	}
}
