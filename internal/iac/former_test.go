// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
)

const (
	oldPrincipal = "77777777-7777-4777-8777-777777777777"
	newPrincipal = "88888888-8888-4888-8888-888888888888"
)

// formersOf reads a plan of one change, with drift beside it.
func formersOf(t *testing.T, typ, actions, before, after, unknown, drift string) []mivet.PrincipalID {
	t.Helper()
	s := read(t, `{"format_version":"1.2","resource_drift":[`+drift+`],"resource_changes":[{"address":"`+typ+`.x","mode":"managed","type":"`+typ+
		`","change":{"actions":[`+actions+`],"before":`+before+`,"after":`+after+`,"after_unknown":`+unknown+`}}],"configuration":{}}`)
	if len(s.Declarations) != 1 {
		t.Fatalf("%d declarations", len(s.Declarations))
	}
	return s.Declarations[0].FormerPrincipals
}

func system(principal string) string {
	return `{"name":"x","identity":[{"type":"SystemAssigned","principal_id":"` + principal + `"}]}`
}

// A principal of its own ceases with the object that carries it.
func TestFormerPrincipals(t *testing.T) {
	f := func(typ, actions, before, after, unknown string, want ...mivet.PrincipalID) {
		t.Helper()
		if d := cmp.Diff(want, formersOf(t, typ, actions, before, after, unknown, "")); d != "" {
			t.Errorf("%s, %s, %s (-want +got):\n%s", actions, before, after, d)
		}
	}
	const (
		app      = "azurerm_linux_web_app"
		identity = "azurerm_user_assigned_identity"
		replace  = `"delete","create"`
		planned  = `{"name":"x","identity":[{"type":"SystemAssigned"}]}`
		later    = `{"identity":[{"principal_id":true}]}`
		both     = `{"name":"x","identity":[{"type":"SystemAssigned, UserAssigned","principal_id":"` + oldPrincipal + `","identity_ids":[]}]}`
		user     = `{"name":"x","identity":[{"type":"UserAssigned","principal_id":"","identity_ids":[]}]}`
		stale    = `{"name":"x","identity":[{"type":"UserAssigned","principal_id":"` + oldPrincipal + `","identity_ids":[]}]}`
	)
	f(app, replace, system(oldPrincipal), planned, later, oldPrincipal)
	f(app, `"create","delete"`, system(oldPrincipal), planned, later, oldPrincipal)
	f(app, `"delete"`, system(oldPrincipal), "null", "{}", oldPrincipal)
	f(app, `"update"`, both, user, "{}", oldPrincipal)
	f(app, `"update"`, system(oldPrincipal), `{"name":"x","identity":[]}`, "{}", oldPrincipal)
	f(app, `"update"`, both, stale, "{}", oldPrincipal) // what it carries goes by its type
	f(app, `"update"`, system(oldPrincipal), both, "{}")
	f(app, `"update"`, system(oldPrincipal), `{"name":"x","identity":[{}]}`, `{"identity":[{"type":true}]}`)
	f(app, `"update"`, system(oldPrincipal), `{"name":"x"}`, `{"identity":true}`)
	f(app, `"no-op"`, system(oldPrincipal), system(oldPrincipal), "{}")
	f(app, `"forget"`, system(oldPrincipal), "null", "{}")
	f(app, replace, user, planned, later)
	f(identity, replace, `{"name":"x","principal_id":"`+oldPrincipal+`"}`, `{"name":"x"}`, `{"principal_id":true}`, oldPrincipal)
	f(identity, `"delete"`, `{"name":"x","principal_id":"`+oldPrincipal+`"}`, "null", "{}", oldPrincipal)
	f(identity, `"update"`, `{"name":"x","principal_id":"`+oldPrincipal+`"}`, `{"name":"x"}`, `{"principal_id":true}`)
	f("azurerm_kubernetes_cluster", replace, `{"name":"x","identity":[{"type":"SystemAssigned","principal_id":"`+oldPrincipal+`"}],"kubelet_identity":[{"object_id":"`+newPrincipal+`"}]}`,
		planned, `{"kubelet_identity":true,"identity":[{"principal_id":true}]}`, oldPrincipal, newPrincipal)
	f("azurerm_kubernetes_cluster", `"update"`, `{"name":"x","identity":[{"type":"SystemAssigned","principal_id":"`+oldPrincipal+`"}],"kubelet_identity":[{"object_id":"`+newPrincipal+`"}]}`,
		user, `{"kubelet_identity":true}`, oldPrincipal)
}

// What went outside of the plan shows in its drift.
func TestFormerPrincipalsOfDrift(t *testing.T) {
	const app = "azurerm_linux_web_app"
	drift := func(after string) string {
		return `{"address":"azurerm_linux_web_app.x","mode":"managed","type":"azurerm_linux_web_app","change":{"actions":["update"],"before":` + system(oldPrincipal) + `,"after":` + after + `}}`
	}
	f := func(drift string, want ...mivet.PrincipalID) {
		t.Helper()
		if d := cmp.Diff(want, formersOf(t, app, `"no-op"`, system(newPrincipal), system(newPrincipal), "{}", drift)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	f("")
	f(drift(system(newPrincipal)), oldPrincipal)
	f(drift(system(oldPrincipal)))
	f(drift("null"), oldPrincipal)
	f(drift(`{"name":"x","identity":[]}`), oldPrincipal)
}
