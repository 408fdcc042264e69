// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// reference is the slow and obvious way to the same answers: every principal, every
// object, every variant, each right asked of the engine at the object itself.
type reference struct {
	g     *Graph
	level Level
	cache map[question]verdict
}

type question struct {
	who mivet.PrincipalID
	op  int
	at  string
}

func (r *reference) ask(p mivet.PrincipalID, op int, at arm.ID) verdict {
	key := question{p, op, at.String()}
	if v, ok := r.cache[key]; ok {
		return v
	}
	o := &r.g.plan.ops[op]
	v := settled(r.g.engine.Check(authz.Request{Principal: p, Operation: o.op, Plane: o.plane, Resource: at}))
	r.cache[key] = v
	return v
}

func (r *reference) scopes(visit func(arm.ID)) {
	for n := range r.g.tree.Len() {
		visit(r.g.tree.ID(arm.Node(n)))
	}
}

// held is the answer for all rights of a variant with the host at a resource.
func (r *reference) held(p mivet.PrincipalID, needs []variantNeed, host arm.ID) verdict {
	all := yes
	group := no
	for _, n := range needs {
		switch n.on {
		case AtHost, AtIdentity, AtScope:
			all = min(all, r.ask(p, n.op, host))
		case AtElsewhere:
			best := no
			r.scopes(func(id arm.ID) { best = max(best, r.ask(p, n.op, id)) })
			all = min(all, best)
		case AtGroup:
			if group == no {
				r.scopes(func(id arm.ID) {
					if id.Level() > arm.LevelResourceGroup {
						return
					}
					here := yes
					for _, m := range needs {
						if m.on == AtGroup {
							here = min(here, r.ask(p, m.op, id))
						}
					}
					group = max(group, here)
				})
			}
			all = min(all, group)
		case AtOutside:
			return no
		}
	}
	return all
}

func (r *reference) variant(p mivet.PrincipalID, v *variant, o *object) verdict {
	held := r.held(p, v.needs, o.id)
	certain, possible := r.g.through(v, o)
	switch {
	case !possible:
		return no
	case !certain || v.kind == KindSupply:
		return min(held, maybe)
	}
	return held
}

func (r *reference) code(p mivet.PrincipalID, o *object) verdict {
	best := no
	for i := range r.g.plan.types[o.typ].variants {
		if v := &r.g.plan.types[o.typ].variants[i]; v.kind == KindExec {
			best = max(best, r.variant(p, v, o))
		}
	}
	return best
}

func (r *reference) hosting(p mivet.PrincipalID) verdict {
	best := no
	for i := range r.g.plan.hosting {
		h := &r.g.plan.hosting[i]
		if h.make && !h.exec {
			r.scopes(func(id arm.ID) {
				if id.Level() <= arm.LevelResourceGroup {
					best = max(best, r.held(p, h.needs, id))
				}
			})
		}
		for k := range r.g.objects {
			o := &r.g.objects[k]
			if o.typ != h.typ {
				continue
			}
			v := r.held(p, h.needs, o.id)
			if h.exec {
				v = min(v, r.code(p, o))
			}
			best = max(best, v)
		}
	}
	return best
}

// direct is everybody that a principal acts as in one step.
func (r *reference) direct(p mivet.PrincipalID) map[mivet.PrincipalID]bool {
	out := map[mivet.PrincipalID]bool{}
	add := func(list []int32) {
		for _, n := range list {
			out[r.g.principals[n]] = true
		}
	}
	want := verdictOf(r.level)
	for k := range r.g.objects {
		o := &r.g.objects[k]
		if r.ask(p, r.g.plan.grant, o.id) >= want {
			add(o.own)
			add(o.runs)
			add(o.content)
		}
		if o.typ == typeOther {
			continue
		}
		slot := no
		for i := range r.g.plan.types[o.typ].variants {
			v := &r.g.plan.types[o.typ].variants[i]
			if !v.kind.Acts() && v.kind != KindSupply && v.kind != KindSecret {
				continue
			}
			held := r.variant(p, v, o)
			slot = max(slot, held)
			if held < want {
				continue
			}
			if v.row.resultOf(v.way) == ResultConsumers {
				add(o.content)
			} else {
				add(o.runs)
			}
		}
		if o.id.HasType(slotType) && min(slot, r.swap(p, o)) >= want {
			if n, ok := r.g.byKey[o.id.Parent().Key()]; ok {
				add(r.g.objects[n].own)
			}
		}
		if o.id.HasType(identityType) && min(r.ask(p, r.g.plan.assign, o.id), r.hosting(p)) >= want {
			add(o.runs)
		}
	}
	return out
}

func (r *reference) swap(p mivet.PrincipalID, o *object) verdict {
	best := no
	for i := range r.g.plan.swaps {
		for _, n := range r.g.plan.swaps[i].needs {
			best = max(best, min(r.ask(p, n.op, o.id), r.ask(p, n.op, o.id.Parent())))
		}
	}
	return best
}

// reach is everybody that a principal comes to act as.
func (r *reference) reach(p mivet.PrincipalID, direct map[mivet.PrincipalID]map[mivet.PrincipalID]bool) []string {
	seen := map[mivet.PrincipalID]bool{}
	queue := []mivet.PrincipalID{p}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if direct[at] == nil {
			direct[at] = r.direct(at)
		}
		for to := range direct[at] {
			if !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	delete(seen, p)
	var out []string
	for to := range seen {
		out = append(out, string(to))
	}
	slices.Sort(out)
	return out
}

const sub = "/subscriptions/s1"

func mustID(t testing.TB, s string) arm.ID {
	t.Helper()
	id, err := arm.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// randomTenant makes a small tenant in which everything that the join distinguishes
// happens: groups in groups, rights in pieces, eligible ones, conditions, deny
// assignments, closed and unread gates, slots, content and clusters.
func randomTenant(t testing.TB, r *rand.Rand) *mivet.Snapshot {
	s := &mivet.Snapshot{Subscriptions: []mivet.Subscription{{ID: mustID(t, sub)}, {ID: mustID(t, "/subscriptions/s2")}}}
	var scopes []arm.ID
	add := func(id string) arm.ID {
		p := mustID(t, id)
		scopes = append(scopes, p)
		return p
	}
	s.ManagementGroups = append(s.ManagementGroups, mivet.ManagementGroup{ID: add("/providers/Microsoft.Management/managementGroups/m")})
	s.Subscriptions[0].Parent = s.ManagementGroups[0].ID
	add(sub)
	for g := range 3 {
		add(fmt.Sprintf("%s/resourceGroups/g%d", sub, g))
	}
	var identities []arm.ID
	for i := range 3 {
		id := add(fmt.Sprintf("%s/resourceGroups/g%d/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u%d", sub, i%3, i))
		identities = append(identities, id)
		p := mivet.PrincipalID(fmt.Sprintf("u%d", i))
		s.Identities = append(s.Identities, mivet.Identity{Kind: mivet.UserAssigned, Resource: id, Principal: p})
	}
	types := []string{
		"Microsoft.Compute/virtualMachines", "Microsoft.Web/sites", "Microsoft.App/containerApps", "Microsoft.Logic/workflows",
		"Microsoft.Automation/automationAccounts", "Microsoft.ContainerInstance/containerGroups", "Microsoft.ContainerRegistry/registries",
		"Microsoft.Compute/virtualMachineScaleSets",
	}
	gates := []string{"osProfile.allowExtensionOperations", "upgradePolicy.mode", "publicNetworkAccess"}
	values := []string{"true", "false", "null", "Manual", "Disabled"}
	for i := range 7 {
		id := add(fmt.Sprintf("%s/resourceGroups/g%d/providers/%s/h%d", sub, r.IntN(3), types[r.IntN(len(types))], i))
		res := mivet.Resource{ID: id, Identity: &mivet.Attachment{}, Detail: &mivet.Detail{Settings: map[string]string{}}}
		if r.IntN(3) > 0 {
			res.Identity.System, res.Identity.SystemPrincipal = true, mivet.PrincipalID(fmt.Sprintf("h%d", i))
		}
		if r.IntN(3) == 0 {
			res.Identity.User = append(res.Identity.User, identities[r.IntN(len(identities))])
		}
		if r.IntN(2) == 0 {
			res.Detail.Settings[gates[r.IntN(len(gates))]] = values[r.IntN(len(values))]
		}
		if id.HasType("Microsoft.Web/sites") {
			res.Detail.Kind = []string{"app", "functionapp,linux", ""}[r.IntN(3)]
			if r.IntN(2) == 0 {
				res.Detail.Settings["siteConfig.appSettings.WEBSITE_RUN_FROM_PACKAGE"] = "https://st.blob.core.windows.net/code/a.zip"
			}
			if r.IntN(2) == 0 {
				slot := add(id.String() + "/slots/staging")
				p := mivet.PrincipalID(fmt.Sprintf("slot%d", i))
				s.Resources = append(s.Resources, mivet.Resource{ID: slot, Identity: &mivet.Attachment{System: true, SystemPrincipal: p}})
			}
		}
		s.Resources = append(s.Resources, res)
	}
	st := add(sub + "/resourceGroups/g1/providers/Microsoft.Storage/storageAccounts/st")
	s.Resources = append(s.Resources, mivet.Resource{ID: st, Detail: &mivet.Detail{Settings: map[string]string{"allowSharedKeyAccess": values[r.IntN(3)], "isHnsEnabled": "null"}}})
	scopes = append(scopes, mustID(t, st.String()+"/blobServices/default/containers/code"))
	roles := randomRoles(s)
	people := []mivet.PrincipalID{"a", "b", "c", "g", "gg"}
	for _, p := range people {
		typ := mivet.TypeUser
		if p == "g" || p == "gg" {
			typ = mivet.TypeGroup
		}
		s.Principals = append(s.Principals, mivet.Principal{ID: p, Type: typ})
	}
	s.Memberships = []mivet.Membership{{Group: "g", Member: "a"}, {Group: "gg", Member: "g"}, {Group: "gg", Member: "b"}, {Group: "g", Member: "u0"}}
	holders := append(people, "u0", "u1", "u2", "h0", "h1", "h2", "slot1")
	for range 4 + r.IntN(8) {
		a := mivet.RoleAssignment{Principal: holders[r.IntN(len(holders))], Scope: scopes[r.IntN(len(scopes))], Role: roles[r.IntN(len(roles))], Eligible: r.IntN(6) == 0}
		if r.IntN(8) == 0 {
			a.Condition, a.ConditionVersion = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'x/*'", "2.0"
		}
		s.RoleAssignments = append(s.RoleAssignments, a)
	}
	for range r.IntN(3) {
		s.DenyAssignments = append(s.DenyAssignments, mivet.DenyAssignment{
			Scope: scopes[r.IntN(len(scopes))], Principals: []mivet.PrincipalID{mivet.Everyone}, Excluded: []mivet.PrincipalID{holders[r.IntN(len(holders))]},
			ThisScopeOnly: r.IntN(3) == 0,
			Permissions:   []mivet.Permission{{Actions: []string{[]string{"Microsoft.Web/*", "Microsoft.Compute/*/action", "Microsoft.ManagedIdentity/*"}[r.IntN(3)]}}},
		})
	}
	return s
}

// randomRoles are roles of the tenant's own: whole techniques, and pieces of some.
func randomRoles(s *mivet.Snapshot) []mivet.RoleID {
	var ids []mivet.RoleID
	add := func(actions, data []string, not ...string) {
		id := mivet.RoleID(fmt.Sprintf("r%d", len(ids)))
		ids = append(ids, id)
		s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{
			ID: id, Name: string(id), BuiltIn: true, Permissions: []mivet.Permission{{Actions: actions, NotActions: not, DataActions: data}},
		})
	}
	add([]string{"*"}, nil, "Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete")
	add([]string{"*/read"}, nil)
	add([]string{"*"}, nil)
	add([]string{"Microsoft.Compute/*"}, nil)
	add([]string{"Microsoft.Compute/virtualMachines/runCommand/action"}, nil)
	add([]string{"Microsoft.Web/sites/*"}, nil, "Microsoft.Web/sites/slotsswap/Action")
	add([]string{"Microsoft.Web/sites/slots/*", "Microsoft.Web/sites/slotsswap/Action"}, nil)
	add([]string{"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"}, nil)
	add([]string{"Microsoft.ManagedIdentity/*"}, nil)
	add([]string{"Microsoft.Automation/automationAccounts/runbooks/draft/content/write"}, nil)
	add([]string{"Microsoft.Automation/automationAccounts/runbooks/publish/action", "Microsoft.Automation/automationAccounts/jobs/write"}, nil)
	add([]string{"Microsoft.Resources/deploymentScripts/write", "Microsoft.ContainerInstance/containerGroups/*", "Microsoft.Storage/storageAccounts/read"}, nil)
	add([]string{"Microsoft.Storage/storageAccounts/*"}, nil)
	add(nil, []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"})
	add([]string{"Microsoft.App/containerApps/write", "Microsoft.Logic/workflows/write"}, nil)
	add([]string{"Microsoft.ContainerRegistry/registries/push/write"}, nil)
	add([]string{"Microsoft.Authorization/roleAssignments/write"}, nil)
	return ids
}

func TestAgreesWithReference(t *testing.T) {
	cat, table := openCatalog(t), builtin(t)
	rounds := 40
	if testing.Short() {
		rounds = 15
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		s := randomTenant(t, r)
		e := authz.New(s, authz.Options{Catalog: cat})
		g := New(s, e, Options{Catalog: cat, Table: table})
		for _, level := range []Level{Certain, Possible} {
			ref := &reference{g: g, level: level, cache: map[question]verdict{}}
			direct := map[mivet.PrincipalID]map[mivet.PrincipalID]bool{}
			into := map[mivet.PrincipalID][]string{}
			for _, p := range slices.Clone(g.principals) {
				want := ref.reach(p, direct)
				var got []string
				for _, to := range g.Reachable(p, level) {
					if !g.isGroup(to) && to != p {
						got = append(got, string(to))
					}
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d, %s, from %s (-want +got):\n%s", seed, level, p, diff)
				}
				for _, to := range got {
					into[mivet.PrincipalID(to)] = append(into[mivet.PrincipalID(to)], string(p))
				}
			}
			for _, p := range g.principals {
				if g.isGroup(p) {
					continue
				}
				var got []string
				for _, from := range g.Reaching([]mivet.PrincipalID{p}, level) {
					if from != p {
						got = append(got, string(from))
					}
				}
				want := into[p]
				slices.Sort(got)
				slices.Sort(want)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d, %s, to %s (-forward +backward):\n%s", seed, level, p, diff)
				}
			}
		}
	}
}
