// SPDX-License-Identifier: Apache-2.0

package vet_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/vet"
)

func TestPowers(t *testing.T) {
	const tenant = `subscription s
rg r in s
webapp a in r system
role star name=Star actions=*
role star-data name=StarData dataActions=*
role no-auth name=NoAuth actions=* notActions=Microsoft.Authorization/*
role writes name=Writes actions=*/write
role reads name=Reads actions=*/read
role broken name=Broken actions="Microsoft.Web/sites/re ad\t"
`
	f := func(role string, has, lacks vet.Powers) {
		t.Helper()
		s := parse(t, tenant+"assign a \""+role+"\" at r\n")
		run(t, s, func(p *vet.Pass) error {
			got := p.Role(&s.RoleAssignments[0]).Powers
			if !got.Has(has) || got.Any(lacks) {
				t.Errorf("%s: has %q, want %q and none of %q", role, got.Words(^vet.Powers(0)), has.Words(^vet.Powers(0)), lacks.Words(^vet.Powers(0)))
			}
			return nil
		})
	}
	const all = vet.Privileged | vet.TakesKeys | vet.ReadsSecrets
	f("Owner", all&^(vet.DataMost|vet.ReadsSecrets), vet.DataMost|vet.ReadsSecrets|vet.UsesData)
	f("Contributor", vet.WritesMost|vet.WritesVaultPolicies|vet.WritesFederation|vet.AssignsIdentities|vet.TakesKeys|vet.Writes, vet.GrantsRoles|vet.GrantsSome|vet.EditsRoles)
	f("Reader", 0, vet.Privileged|vet.Writes|vet.TakesKeys)
	f("User Access Administrator", vet.GrantsRoles|vet.EditsRoles, vet.WritesMost)
	f("Role Based Access Control Administrator", vet.GrantsRoles, vet.WritesMost|vet.EditsRoles)
	f("Key Vault Data Access Administrator", vet.GrantsSome, vet.GrantsRoles)
	f("Key Vault Secrets User", vet.ReadsSecrets|vet.UsesData, vet.Privileged|vet.Writes)
	f("Key Vault Contributor", vet.WritesVaultPolicies, vet.WritesMost|vet.GrantsRoles)
	f("Managed Identity Operator", vet.AssignsIdentities, vet.WritesFederation)
	f("Managed Identity Contributor", vet.WritesFederation, vet.AssignsIdentities)
	f("Virtual Machine Contributor", vet.TakesKeys|vet.Writes, vet.WritesMost)
	f("Star", vet.WritesMost|vet.GrantsRoles, vet.DataMost)
	f("StarData", vet.DataMost|vet.ReadsSecrets, vet.WritesMost)
	f("NoAuth", vet.WritesMost, vet.GrantsRoles|vet.EditsRoles)
	f("Writes", vet.WritesMost|vet.GrantsRoles, 0)
	f("Reads", 0, vet.Privileged|vet.Writes)
	f("Broken", 0, vet.Privileged)
	f("11111111-2222-3333-4444-555555555555", 0, ^vet.Powers(0))
}

const reachTenant = `mg corp
subscription s in corp
subscription u
rg r in s
rg q in s
webapp a in r system
storage st in r
storage st-u in q
container raw in st
keyvault kv in r .enableRbacAuthorization=true
vm other in q
group g members=a
`

func TestReach(t *testing.T) {
	f := func(grants string, want mivet.Reach) {
		t.Helper()
		s := parse(t, reachTenant+grants)
		run(t, s, func(p *vet.Pass) error {
			got := p.ReachOf(p.Holdings(s.Identities[0].Principal))
			got.Scopes = nil
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s", grants, d)
			}
			return nil
		})
	}
	f("", mivet.Reach{})
	f("assign a Reader at s", mivet.Reach{})
	f("assign a Contributor at r", mivet.Reach{Changes: 3})
	f("assign a Contributor at r\nassign a Contributor at st", mivet.Reach{Changes: 3}) // not counted twice
	f("assign a Contributor at s", mivet.Reach{Changes: 5})
	f("assign a Contributor at corp", mivet.Reach{Changes: 5})
	f("assign a Contributor at u", mivet.Reach{})
	f("assign g Owner at r", mivet.Reach{Grants: true, Changes: 3})
	f("assign a \"Storage Blob Data Reader\" at raw", mivet.Reach{Data: 1})
	f("assign a \"Storage Blob Data Reader\" at s", mivet.Reach{Data: 2})
	f("assign a \"Key Vault Secrets User\" at s", mivet.Reach{Data: 1, Secrets: 1})
	f("assign a \"Virtual Machine Contributor\" at s", mivet.Reach{Changes: 1})
	f("assign a Contributor at r condition=\"@Resource[x] StringEquals 'a'\"", mivet.Reach{Possibly: true})
	f("assign a 11111111-2222-3333-4444-555555555555 at r", mivet.Reach{Possibly: true})
	f("assign a Owner at r until=2026-11-01", mivet.Reach{})
	f("servicebus bus in r\nassign a \"Azure Service Bus Data Receiver\" at bus", mivet.Reach{Data: 1})
}

// Data of a vault is reached by the grants of the model that it uses, and by no others.
func TestReachOfVaults(t *testing.T) {
	out := id(t, "/subscriptions/s/resourceGroups/r/providers/Microsoft.KeyVault/vaults/elsewhere")
	account := id(t, "/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/elsewhere")
	f := func(grants, words string, want mivet.Reach) {
		t.Helper()
		s := parse(t, reachTenant+"keyvault old in r .enableRbacAuthorization=false\nkeyvault some in r\ncosmos db in r\n"+grants)
		run(t, s, func(p *vet.Pass) error {
			got := p.ReachBy(s.Identities[0].Principal)
			got.Scopes = nil
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s", grants, d)
			}
			if w := vet.ReachWords(&got); w != words {
				t.Errorf("%s: %q, want %q", grants, w, words)
			}
			return nil
		})
	}
	const nothing = "touch nothing that is in the input"
	const secrets = "read or write data of 1 resource and read the secrets of 1 vault"
	f("", nothing, mivet.Reach{})
	f(`assign a "Key Vault Secrets User" at kv`, secrets, mivet.Reach{Data: 1, Secrets: 1})
	f(`assign a "Key Vault Secrets User" at old`, nothing, mivet.Reach{})
	f(`assign a "Key Vault Secrets User" at some`, "touch what could not be counted", mivet.Reach{Possibly: true})
	f(`assign a "Key Vault Secrets User" at r`, secrets+", possibly more", mivet.Reach{Data: 1, Secrets: 1, Possibly: true})
	f("policy a on old secrets=get", secrets, mivet.Reach{Data: 1, Secrets: 1})
	f("policy g on old secrets=List,Get keys=get", secrets, mivet.Reach{Data: 1, Secrets: 1})
	f("policy a on old secrets=list", "read or write data of 1 resource", mivet.Reach{Data: 1})
	f("policy a on old", nothing, mivet.Reach{})
	f("policy a on old secrets=get application=11111111-2222-3333-4444-555555555555", nothing, mivet.Reach{})
	f("policy a on kv secrets=get", nothing, mivet.Reach{})
	f("policy a on some secrets=get", "touch what could not be counted", mivet.Reach{Possibly: true})
	f("policy a on old secrets=get\nassign a \"Key Vault Secrets User\" at kv",
		"read or write data of 2 resources and read the secrets of 2 vaults", mivet.Reach{Data: 2, Secrets: 2})
	f("local cosmos a 00000000-0000-0000-0000-000000000002 on db", "read or write data of 1 resource", mivet.Reach{Data: 1})
	f(`assign a "Key Vault Secrets User" at `+out.String(), "use what it holds at the key vault elsewhere, which is not in the input",
		mivet.Reach{Possibly: true, Outside: []arm.ID{out}})
	f("resource Microsoft.KeyVault/vaults ghost in q\nassign a \"Key Vault Secrets User\" at "+out.String()+"/secrets/x",
		"use what it holds at the key vault elsewhere, which is not in the input", mivet.Reach{Possibly: true, Outside: []arm.ID{out}})
	f(`assign a "Storage Blob Data Reader" at `+account.String(), "read or write data of 1 resource (the storage account elsewhere is not in the input)",
		mivet.Reach{Data: 1, Outside: []arm.ID{account}})
}

func TestHoldings(t *testing.T) {
	s := parse(t, reachTenant+"group outer members=g\nassign outer Reader at r\nassign a Reader at s\nassign a Owner at r eligible\nassign g Owner at q from=2026-12-01\n")
	run(t, s, func(p *vet.Pass) error {
		var got []string
		for _, h := range p.Holdings(s.Identities[0].Principal) {
			got = append(got, p.HoldingFact(&h).Fact)
		}
		want := []string{
			"a holds Reader at the subscription s",
			"a holds Reader at the resource group r through the groups g in outer",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		return nil
	})
}

func TestHoldingsOfACircle(t *testing.T) {
	s := parse(t, "subscription s\nrg r in s\nwebapp a in r system\ngroup g members=a,h\ngroup h members=g\nassign h Reader at r\n")
	run(t, s, func(p *vet.Pass) error {
		if got := p.Holdings(s.Identities[0].Principal); len(got) != 1 || len(got[0].Via) != 2 {
			t.Errorf("holdings through groups in a circle: %+v", got)
		}
		return nil
	})
}

func TestSmallestRole(t *testing.T) {
	f := func(op string, plane mivet.Plane, want string) {
		t.Helper()
		o, err := arm.ParseOperation(op)
		if err != nil {
			t.Fatal(err)
		}
		run(t, parse(t, ""), func(p *vet.Pass) error {
			got := ""
			if d := p.SmallestRole(o, plane); d != nil {
				got = d.Name
			}
			if d := vet.SmallestRole(p.Catalog, o, plane); d != nil && d.Name != got {
				t.Errorf("%s: without a rule %q, in one %q", op, d.Name, got)
			}
			if got != want {
				t.Errorf("%s: %q, want %q", op, got, want)
			}
			return nil
		})
	}
	f("Microsoft.ServiceBus/namespaces/messages/send/action", mivet.PlaneData, "Azure Service Bus Data Sender")
	f("Microsoft.KeyVault/vaults/secrets/getSecret/action", mivet.PlaneUnknown, "Key Vault Secrets User")
	f("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", mivet.PlaneData, "Storage Blob Data Reader")
	f("Microsoft.Nothing/things/write", mivet.PlaneData, "")
}

func TestWorkloads(t *testing.T) {
	const text = `subscription s
rg r in s
webapp app in r
slot staging in app
vmss set in r
vm one in r .virtualMachineScaleSet.id=$id:set
aks cluster in r
vmss pool in r managed-by=cluster
vm left in r .availabilitySet.id=/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/availabilitySets/as
vm right in r .availabilitySet.id=/subscriptions/s/resourceGroups/R/providers/Microsoft.Compute/availabilitySets/AS
storage st in r
`
	s := parse(t, text)
	run(t, s, func(p *vet.Pass) error {
		key := func(name string) string {
			for i := range s.Resources {
				if s.Resources[i].ID.Name() == name {
					return p.WorkloadOf(&s.Resources[i])
				}
			}
			t.Fatalf("no resource %s", name)
			return ""
		}
		f := func(a, b string, same bool) {
			t.Helper()
			if (key(a) == key(b)) != same {
				t.Errorf("%s and %s: %q, %q", a, b, key(a), key(b))
			}
		}
		f("app", "staging", true)
		f("set", "one", true)
		f("cluster", "pool", true)
		f("left", "right", true)
		f("app", "set", false)
		f("one", "left", false)
		r := mivet.Resource{ID: s.Resources[0].ID, Source: mivet.Source{Origin: &mivet.Origin{File: "p.json", Address: "azurerm_linux_web_app.app[0]"}}}
		q := r
		q.Source = mivet.Source{Origin: &mivet.Origin{File: "p.json", Address: "azurerm_linux_web_app.app[1]"}}
		if p.WorkloadOf(&r) != p.WorkloadOf(&q) {
			t.Error("copies made with count are two workloads")
		}
		q.Source = mivet.Source{Origin: &mivet.Origin{File: "p.json", Address: `azurerm_linux_web_app.app["billing"]`}}
		if p.WorkloadOf(&r) == p.WorkloadOf(&q) {
			t.Error("apps made with for_each are one workload")
		}
		all := []*mivet.Resource{}
		for i := range s.Resources {
			all = append(all, &s.Resources[i])
		}
		got := []string{}
		for _, w := range p.Workloads(all) {
			words := []string{}
			for _, r := range w {
				words = append(words, r.ID.Name())
			}
			slices.Sort(words)
			got = append(got, strings.Join(words, "+"))
		}
		slices.Sort(got)
		if d := cmp.Diff([]string{"app+staging", "cluster+pool", "left+right", "one+set"}, got); d != "" {
			t.Error(d)
		}
		own := vet.OwnIdentity(all[0], all[1].ID, []vet.Holding{{Assignment: &mivet.RoleAssignment{ID: all[1].ID, Principal: "shared", Role: "r"}}})
		if len(own) != 3 || own[1].Assignment.Principal != vet.SystemPrincipal(all[0]) || !own[1].Assignment.ID.IsZero() || !own[2].Identity.Equal(all[1].ID) {
			t.Errorf("an identity of its own: %+v", own)
		}
		return nil
	})
	if !catalog.RunsCode("Microsoft.Web/Sites") || catalog.RunsCode("Microsoft.Storage/storageAccounts") {
		t.Error("what runs code is not told by the type")
	}
}
