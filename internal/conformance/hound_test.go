// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/tenant"
)

const houndTenant = `tenant hounds
mg all
subscription main in all
rg g in main
user ann
user bob
user carl
user dora
sp pipeline
vm machine in g system user=shared
identity shared in g
webapp site in g system kind=app
acr images in g system
keyvault old in g .enableRbacAuthorization=false
keyvault new in g .enableRbacAuthorization=true
assign ann Owner at all
assign bob Contributor at g
assign carl "Virtual Machine Administrator Login" at machine
assign carl "Website Contributor" at g
assign carl "Key Vault Contributor" at new
assign carl Reader at main
directoryrole dora "Application Administrator" id=9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3
`

func houndReport(t *testing.T, text string, edit func(*mivet.Snapshot)) *Report {
	t.Helper()
	s, err := tenant.Parse("hounds", strings.NewReader(text), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	edit(s)
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	var p Report
	if err := p.AddAzureHound(t.Context(), New(Options{Catalog: cat}), "hounds", s); err != nil {
		t.Fatal(err)
	}
	return &p
}

// ann: 8 objects (group, subscription, resource group, 2 vaults, machine, site, registry, the
// identity) and 4 identities. bob: the resource group, machine,
// site, registry and both vaults, of which the new one is false, and 3 identities, that of the registry aside, which is false. carl: the
// machine with 2 identities; a role at the resource group is no edge to what is in it, and the
// vault is false. The carriers: 3 and the registry. dora: the pipeline, and four managed
// identities that take no secret.
func TestAzureHoundEdges(t *testing.T) {
	p := houndReport(t, houndTenant, func(*mivet.Snapshot) {})
	var got strings.Builder
	for _, k := range p.Kinds {
		fmt.Fprintf(&got, "%s %d of %d\n", k.Kind, k.Agree, k.Cases)
	}
	const want = houndDrawn + " 28 of 28\n" + houndFalse + " 8 of 8\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s%v", got.String(), want, told(p))
	}
}

// An edge that nothing comes of is told, with its line.
func TestAzureHoundMissing(t *testing.T) {
	p := houndReport(t, houndTenant, func(s *mivet.Snapshot) {
		s.DenyAssignments = append(s.DenyAssignments, mivet.DenyAssignment{
			Scope: s.Subscriptions[0].ID, Principals: []mivet.PrincipalID{mivet.Everyone}, Permissions: []mivet.Permission{{Actions: []string{"*"}, DataActions: []string{"*"}}},
		})
	})
	var edges []string
	for i := range p.Differences {
		var edge string
		if err := json.Unmarshal(p.Differences[i].ID, &edge); err != nil || p.Differences[i].Line == 0 {
			t.Errorf("%+v, %v", p.Differences[i], err)
		}
		if p.Differences[i].Kind != houndDrawn {
			t.Errorf("%s is a false edge", edge)
		}
		edges = append(edges, edge)
	}
	if text := strings.Join(edges, "\n"); !strings.Contains(text, "-AZVMAdminLogin-> /subscriptions/main/") || strings.Contains(text, "-AZAddSecret->") {
		t.Errorf("the differences are\n%s", text)
	}
}

func told(p *Report) string {
	var b strings.Builder
	for i := range p.Differences {
		fmt.Fprintf(&b, "%s %s\n", p.Differences[i].Kind, p.Differences[i].ID)
	}
	return b.String()
}
