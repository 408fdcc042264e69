// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/catalog"
)

// everyRole is a tenant in which each built-in role has one holder, named like the role,
// in the resource group.
func everyRole(tb testing.TB) (*Engine, *catalog.Catalog) {
	tb.Helper()
	cat := theCatalog(tb)
	roles := cat.Roles()
	s := &mivet.Snapshot{TakenAt: genTime, Subscriptions: []mivet.Subscription{{ID: id(sub)}}}
	for i := range roles {
		s.RoleAssignments = append(s.RoleAssignments, mivet.RoleAssignment{
			Principal: mivet.PrincipalID(roles[i].Name), Role: roles[i].ID, Scope: id(rg),
		})
	}
	return New(s, Options{Catalog: cat}), cat
}

// All built-in roles are read without a fault, with the 31 conditions inside 29 of them.
func TestBuiltInRolesCompile(t *testing.T) {
	e, cat := everyRole(t)
	if n := len(cat.Roles()); n != 928 || len(e.roles) != n {
		t.Fatalf("%d roles, %d compiled; want 928 of both", n, len(e.roles))
	}
	conditions, conditioned := 0, 0
	for i := range e.roles {
		r := &e.roles[i]
		before := conditions
		for j := range r.perms {
			p := &r.perms[j]
			for _, err := range []error{p.control.fault(), p.data.fault()} {
				if err != nil {
					t.Errorf("%s: %v", r.name, err)
				}
			}
			if p.condition == nil {
				continue
			}
			conditions++
			if p.condition.fault != nil {
				t.Errorf("%s: %v", r.name, p.condition.fault)
			}
		}
		if conditions > before {
			conditioned++
		}
	}
	if conditions != 31 || conditioned != 29 {
		t.Errorf("%d conditions in %d roles, want 31 in 29", conditions, conditioned)
	}
}

// Each condition inside a role is evaluated: what it guards is unknown as long as nothing
// is told, and settled once all is.
func TestBuiltInConditionsDecide(t *testing.T) {
	e, _ := everyRole(t)
	closed := &abac.Env{}
	closed.Close()
	for i := range e.roles {
		r := &e.roles[i]
		for j := range r.perms {
			p := &r.perms[j]
			if p.condition == nil {
				continue
			}
			name, plane := guarded(p)
			q := Request{Principal: mivet.PrincipalID(r.label()), Operation: op(name), Plane: plane, Resource: id(rg)}
			if d := e.Check(q); d.Effect != Unknown || d.Cause != CauseCondition {
				t.Errorf("%s, %s, nothing told: %s because of %s", r.label(), name, d.Effect, d.Cause)
			}
			if x := e.Explain(q); len(x.Missing) == 0 || x.Reasons[0].Residual == "" {
				t.Errorf("%s, %s: what would decide is not said: %+v", r.label(), name, x)
			}
			q.Given = closed
			if d := e.Check(q); d.Effect == Unknown {
				t.Errorf("%s, %s, all told: unknown because of %s", r.label(), name, d.Cause)
			}
		}
	}
}

// guarded returns an operation that a permission object gives under its condition and
// that the condition targets.
func guarded(p *permission) (string, mivet.Plane) {
	for _, o := range []string{writeRole, "Microsoft.Authorization/roleAssignments/delete"} {
		if p.control.permits(op(o)) == abac.True && p.condition.compiled.Targets(op(o)) {
			return o, mivet.PlaneControl
		}
	}
	for _, side := range []struct {
		rules *rules
		plane mivet.Plane
	}{{&p.data, mivet.PlaneData}, {&p.control, mivet.PlaneControl}} {
		for _, pattern := range side.rules.grant {
			o := strings.ReplaceAll(pattern.String(), "*", "x")
			if p.condition.compiled.Targets(op(o)) {
				return o, side.plane
			}
		}
	}
	return "", mivet.PlaneUnknown
}

// How many built-in roles give an operation, by the patterns of 22 August 2026. Each
// number was counted from the role data by another program.
func TestWhoGivesWhat(t *testing.T) {
	e, _ := everyRole(t)
	f := func(plane mivet.Plane, operation string, want int, some ...string) {
		t.Helper()
		got := map[string]bool{}
		for h := range e.WhoCan(WhoCanQuery{Operation: op(operation), Plane: plane, Resource: id(rg)}) {
			got[string(h.Principal)] = true
		}
		if len(got) != want {
			t.Errorf("%s: %d roles, want %d: %v", operation, len(got), want, got)
		}
		for _, role := range some {
			if !got[role] {
				t.Errorf("%s: not %s", operation, role)
			}
		}
	}
	control, data := mivet.PlaneControl, mivet.PlaneData
	f(data, getSecret, 4, "Key Vault Secrets User", "Key Vault Certificate User", "Key Vault Administrator", "Key Vault Secrets Officer")
	f(data, "Microsoft.KeyVault/vaults/keys/decrypt/action", 3, "Key Vault Crypto User", "Key Vault Crypto Officer", "Key Vault Administrator")
	f(data, readBlob, 15, "Storage Blob Data Reader", "Avere Contributor")
	f(data, "Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action", 2)
	f(data, "Microsoft.ServiceBus/namespaces/messages/send/action", 2)
	f(data, "Microsoft.ServiceBus/namespaces/messages/receive/action", 2)
	f(data, "Microsoft.EventHub/namespaces/messages/send/action", 2)
	f(data, "Microsoft.AppConfiguration/configurationStores/keyValues/read", 2)
	f(data, "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action", 8, "Cognitive Services User", "Azure AI Developer")
	f(data, "Microsoft.ContainerService/managedClusters/secrets/read", 3, "Azure Kubernetes Service RBAC Writer")
	f(data, "Microsoft.Insights/Metrics/Write", 1, "Monitoring Metrics Publisher")
	f(control, pull, 24, "Reader", "AcrPull", "Role Based Access Control Administrator")
	f(control, "Microsoft.OperationalInsights/workspaces/query/read", 31, "Reader", "Contributor")
	f(control, "Microsoft.OperationalInsights/workspaces/sharedkeys/read", 30)
	f(control, "Microsoft.Storage/storageAccounts/listKeys/action", 24, "Logic App Contributor", "Virtual Machine Contributor")
	f(control, "Microsoft.KeyVault/vaults/write", 7, "Key Vault Contributor", "Azure AI Administrator")
	f(control, "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", 4, "Owner", "Contributor", "Managed Identity Operator")
	f(control, writeRole, 28, "Owner", "Key Vault Data Access Administrator")
}

// grantors are the built-in roles that can assign roles, and how many of the built-in
// roles each may give to a user, a group and a service principal; onBehalf is how many
// more if the service acts for a user, which its condition asks for by an attribute that
// no page explains.
var grantors = map[string]struct{ user, group, service, onBehalf int }{
	"Owner": {928, 928, 928, 0},
	"Role Based Access Control Administrator":                          {928, 928, 928, 0},
	"User Access Administrator":                                        {928, 928, 928, 0},
	"Azure Container Storage Contributor":                              {1, 1, 1, 0},
	"Azure Container Storage Owner":                                    {1, 1, 1, 0},
	"Azure File Sync Administrator":                                    {0, 0, 3, 0},
	"Azure IoT Operations Onboarding":                                  {2, 2, 2, 0},
	"Azure Local Migrate Execute Expert":                               {2, 2, 2, 0},
	"Azure Local Migrate Owner":                                        {5, 5, 5, 0},
	"Azure Migrate Execute Expert":                                     {2, 2, 2, 0},
	"Azure Migrate Owner":                                              {5, 5, 5, 0},
	"Azure Resilience Management Drills Administrator":                 {0, 0, 0, 22},
	"Azure Resilience Management Drills Assets Administrator":          {0, 0, 0, 22},
	"Azure Resilience Management Drills Target Resource Administrator": {0, 0, 0, 22},
	"Azure Resilience Management Goals Administrator":                  {0, 0, 0, 4},
	"Azure Resilience Management Recovery Administrator":               {0, 0, 0, 7},
	"Azure Sphere Owner":                                               {6, 6, 6, 0},
	"Azure Stack HCI Administrator":                                    {12, 12, 12, 0},
	"Defender CSPM Storage Scanner Operator":                           {3, 3, 3, 0},
	"Defender for Storage Scanner Operator":                            {4, 4, 4, 0},
	"DevCenter Owner":                                                  {2, 2, 2, 0},
	"Foundry Account Owner":                                            {5, 5, 5, 0},
	"Foundry Owner":                                                    {5, 5, 5, 0},
	"Foundry Project Manager":                                          {2, 2, 2, 0},
	"Key Vault Data Access Administrator":                              {8, 8, 8, 0},
	"Microsoft Discovery Platform Administrator (Preview)":             {0, 0, 4, 0},
	"Storage Actions Task Assignment Contributor":                      {1, 1, 1, 0},
	"Virtual Machine Data Access Administrator (preview)":              {2, 2, 2, 0},
}

func TestGrantors(t *testing.T) {
	e, cat := everyRole(t)
	free := 0
	for h := range e.WhoCan(WhoCanQuery{Operation: op(writeRole), Plane: mivet.PlaneControl, Resource: id(rg)}) {
		want, ok := grantors[string(h.Principal)]
		if !ok {
			t.Errorf("%s is not known to grant roles", h.Principal)
			continue
		}
		if h.Effect == Allowed {
			free++
		}
		got := want
		got.user = rolesToGive(e, cat, h.Principal, mivet.TypeUser, abac.Bool(false))
		got.group = rolesToGive(e, cat, h.Principal, mivet.TypeGroup, abac.Bool(false))
		got.service = rolesToGive(e, cat, h.Principal, mivet.TypeServicePrincipal, abac.Bool(false))
		got.onBehalf = rolesToGive(e, cat, h.Principal, mivet.TypeServicePrincipal, abac.Bool(true)) - got.service
		if got != want {
			t.Errorf("%s can grant %v, want %v", h.Principal, got, want)
		}
	}
	if free != 3 {
		t.Errorf("%d roles grant without a condition, want 3", free)
	}
}

// rolesToGive counts the roles that a principal may give to one of a type.
func rolesToGive(e *Engine, cat *catalog.Catalog, who mivet.PrincipalID, to mivet.PrincipalType, onBehalf abac.Value) int {
	r := Request{Principal: who, Operation: op(writeRole), Plane: mivet.PlaneControl, Resource: id(rg)}
	n := 0
	for i := range cat.Roles() {
		env := &abac.Env{}
		env.Set(abac.Request, abac.RoleDefinitionID, abac.GUID(string(cat.Roles()[i].ID)))
		env.Set(abac.Request, abac.PrincipalType, abac.String(string(to)))
		env.Set(abac.Resource, "HasObotoken", onBehalf)
		env.Close()
		r.Given = env
		if e.Check(r).Effect == Allowed {
			n++
		}
	}
	return n
}

// The eight roles that Key Vault Data Access Administrator may give, and two that it may
// not.
func TestKeyVaultGrantor(t *testing.T) {
	e, cat := everyRole(t)
	f := func(role string, want Effect) {
		t.Helper()
		env := &abac.Env{}
		env.Set(abac.Request, abac.RoleDefinitionID, abac.GUID(string(cat.RoleByName(role).ID)))
		r := Request{Principal: "Key Vault Data Access Administrator", Operation: op(writeRole), Plane: mivet.PlaneControl, Resource: id(vault), Given: env}
		if d := e.Check(r); d.Effect != want {
			t.Errorf("%s: %s because of %s", role, d.Effect, d.Cause)
		}
	}
	f("Key Vault Administrator", Allowed)
	f("Key Vault Certificates Officer", Allowed)
	f("Key Vault Crypto Officer", Allowed)
	f("Key Vault Crypto Service Encryption User", Allowed)
	f("Key Vault Crypto User", Allowed)
	f("Key Vault Reader", Allowed)
	f("Key Vault Secrets Officer", Allowed)
	f("Key Vault Secrets User", Allowed)
	f("Owner", Denied)
	f("Key Vault Contributor", Denied)
}
