// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAddress(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		a, ok := parseAddress(text)
		got := fmt.Sprintf("%s|%s|%s|%s|%s|%v", a.module, a.instance, a.object, a.index, a.attr, ok)
		if got != want {
			t.Errorf("%s gives %s, want %s", text, got, want)
		}
	}
	f(`azurerm_key_vault.kv`, `||azurerm_key_vault.kv|||true`)
	f(`azurerm_linux_web_app.app[0].identity[0].principal_id`, `||azurerm_linux_web_app.app|[0]|identity.principal_id|true`)
	f(`data.azurerm_client_config.me.tenant_id`, `||data.azurerm_client_config.me||tenant_id|true`)
	f(`module.a["x.y"].module.b.azurerm_key_vault.kv["k]\"."]`, `module.a.module.b|module.a["x.y"].module.b|azurerm_key_vault.kv|["k]\"."]||true`)
	f(`module.a.data.azurerm_key_vault.kv`, `module.a|module.a|data.azurerm_key_vault.kv|||true`)
	f(`var.x`, `|||||false`)
	f(`each.value.id`, `|||||false`)
	f(`local.x`, `|||||false`)
	f(`azurerm_key_vault`, `|||||false`)
	f(``, `|||||false`)
	f(`azurerm_a.b.list.0.name`, `||azurerm_a.b||list.name|true`)
}

func TestLongest(t *testing.T) {
	got := longest([]string{"a.b.c[0].d", "a.b.c[0]", "a.b.c", "a.b", "a.bx", "a.b", "var.y", "var.y"})
	if d := cmp.Diff([]string{"a.b.c[0].d", "a.bx", "var.y"}, got); d != "" {
		t.Error(d)
	}
}

// world makes a document with objects at the addresses, and a configuration with the
// modules that they name.
func world(addresses ...string) *document {
	d := &document{vars: map[string]string{}, config: &configuration{root: newConfigModule(""), providers: map[string]provider{}}}
	for _, s := range addresses {
		a, ok := parseAddress(s)
		if !ok {
			panic("no address: " + s)
		}
		d.objects = append(d.objects, &object{address: s, typ: strings.Split(a.object, ".")[0]})
		moduleOf(d.config.root, a.module).resources[a.object] = &configResource{}
	}
	return d
}

// moduleOf returns the module at a path like "module.a.module.b", making calls as needed.
func moduleOf(m *configModule, path string) *configModule {
	parts := strings.Split(path, ".")
	for i := 1; i < len(parts); i += 2 {
		call := m.calls[parts[i]]
		if call == nil {
			call = &moduleCall{module: newConfigModule(joinModule(m.path, "module."+parts[i])), args: map[string]expression{}}
			call.module.parent, call.module.name = m, parts[i]
			m.calls[parts[i]] = call
		}
		m = call.module
	}
	return m
}

func TestFollow(t *testing.T) {
	d := world("azurerm_app.one", "azurerm_app.many[0]", "azurerm_app.many[1]", `azurerm_app.keyed["a"]`, `azurerm_app.keyed["b"]`,
		`azurerm_grant.g["a"]`, "azurerm_grant.n[1]", "azurerm_grant.x",
		`module.m["a"].azurerm_app.in`, `module.m["b"].azurerm_app.in`, `module.m["a"].azurerm_grant.in`, "module.o.azurerm_app.deep", "module.o.module.p.azurerm_app.deeper",
		"module.o.module.p.azurerm_grant.up")
	root := d.config.root
	d.vars["scope"] = "/subscriptions/1"
	root.resources["azurerm_grant.g"].each = []string{"azurerm_app.keyed"}
	root.calls["m"].each = []string{"azurerm_app.keyed"}
	root.calls["m"].args["app"] = expression{refs: []string{"azurerm_app.keyed", "each.key"}}
	root.calls["m"].args["fixed"] = expression{constant: "/subscriptions/2"}
	root.calls["m"].args["obj"] = expression{refs: []string{"each.value.identity", "each.value"}}
	root.calls["m"].module.outputs["app"] = expression{refs: []string{"azurerm_app.in.id", "azurerm_app.in"}}
	root.calls["o"].module.outputs["deep"] = expression{refs: []string{"module.p.deeper", "module.p"}}
	root.calls["o"].module.calls["p"].module.outputs["deeper"] = expression{refs: []string{"azurerm_app.deeper"}}
	root.calls["o"].module.calls["p"].args["up"] = expression{refs: []string{"var.up"}}
	root.calls["o"].args["up"] = expression{refs: []string{"azurerm_app.one.id", "azurerm_app.one"}}
	root.calls["o"].args["loop"] = expression{refs: []string{"module.o.loop"}}
	root.calls["o"].module.outputs["loop"] = expression{refs: []string{"var.loop"}}
	fl := newFollower(d)

	f := func(from, want string, refs ...string) {
		t.Helper()
		a, _ := parseAddress(from)
		tr := fl.follow(a, refs)
		var got []string
		for _, to := range tr.targets {
			s := to.literal
			if to.object != nil {
				s = to.object.address + "|" + to.attr
			}
			got = append(got, s)
		}
		for _, l := range tr.lost {
			got = append(got, "lost "+l)
		}
		slices.Sort(got)
		if s := strings.Join(slices.Compact(got), " & "); s != want {
			t.Errorf("%v from %s leads to %s, want %s", refs, from, s, want)
		}
	}
	f("azurerm_grant.x", "azurerm_app.one|identity.principal_id", "azurerm_app.one.identity[0].principal_id", "azurerm_app.one.identity[0]", "azurerm_app.one.identity", "azurerm_app.one")
	f("azurerm_grant.x", "azurerm_app.many[1]|id", "azurerm_app.many[1].id", "azurerm_app.many[1]", "azurerm_app.many")
	f("azurerm_grant.n[1]", "azurerm_app.many[1]|", "azurerm_app.many", "count.index")
	f("azurerm_grant.n[1]", "azurerm_app.many[0]| & azurerm_app.many[1]|", "azurerm_app.many")
	f(`azurerm_grant.g["a"]`, `azurerm_app.keyed["a"]|principal_id`, "each.value.principal_id", "each.value")
	f(`azurerm_grant.g["a"]`, `azurerm_app.keyed["a"]|`, "azurerm_app.keyed", "each.key")
	f("azurerm_grant.x", "lost each.value.id", "each.value.id", "each.value")
	f("azurerm_grant.x", "lost local.id", "local.id")
	f("azurerm_grant.x", "lost azurerm_app.none", "azurerm_app.none")
	f("azurerm_grant.x", "/subscriptions/1", "var.scope")
	f("azurerm_grant.x", "lost var.other", "var.other")
	f("azurerm_grant.x", "lost var.scope.id", "var.scope.id")
	f("azurerm_grant.x", "", "path.module", "terraform.workspace")
	f(`module.m["a"].azurerm_grant.in`, `module.m["a"].azurerm_app.in|id`, "azurerm_app.in.id", "azurerm_app.in")
	f(`module.m["a"].azurerm_grant.in`, `azurerm_app.keyed["a"]|principal_id`, "var.app.principal_id", "var.app")
	f(`module.m["a"].azurerm_grant.in`, `azurerm_app.keyed["a"]|identity.principal_id`, "var.obj.principal_id", "var.obj")
	f(`module.m["a"].azurerm_grant.in`, "/subscriptions/2", "var.fixed")
	f(`module.m["a"].azurerm_grant.in`, "lost var.none", "var.none")
	f("azurerm_grant.x", `module.m["b"].azurerm_app.in|id`, `module.m["b"].app`, "module.m")
	f(`azurerm_grant.g["a"]`, `module.m["a"].azurerm_app.in|id`, "module.m", "each.key", "module.m.app")
	f("azurerm_grant.x", "module.o.module.p.azurerm_app.deeper|", "module.o.deep", "module.o")
	f("module.o.module.p.azurerm_grant.up", "azurerm_app.one|id", "var.up")
	f("azurerm_grant.x", "lost module.none.x", "module.none.x")
	f("azurerm_grant.x", "lost module.o", "module.o")
	f("azurerm_grant.x", "lost module.o.none", "module.o.none")
	f("azurerm_grant.x", "lost var.loop", "module.o.loop")
}

// A count of ten thousand that refers to all of another must not become a hundred million
// targets.
func TestFollowMany(t *testing.T) {
	var all []string
	for i := range 1000 {
		all = append(all, fmt.Sprintf("azurerm_app.many[%d]", i))
	}
	fl := newFollower(world(append(all, "azurerm_grant.x")...))
	a, _ := parseAddress("azurerm_grant.x")
	if tr := fl.follow(a, []string{"azurerm_app.many"}); len(tr.targets) != 0 || len(tr.lost) != 1 {
		t.Errorf("%d targets, lost %v", len(tr.targets), tr.lost)
	}
}
