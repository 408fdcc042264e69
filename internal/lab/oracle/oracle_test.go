// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/managementgroups/armmanagementgroups"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resourcegraph/armresourcegraph"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v3"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/internal/lab/tenants"
	"github.com/mivet/mivet/tenant"
)

// azure is a lab that serves the demo tenant, and what an official client needs to read it.
type azure struct {
	snap    *mivet.Snapshot
	server  *lab.Server
	cred    azcore.TokenCredential
	options *arm.ClientOptions

	mu     sync.Mutex
	bodies map[string][]byte // what was served last, by path
}

// Do sends a request of a client and keeps the answer.
func (a *azure) Do(r *http.Request) (*http.Response, error) {
	res, err := a.server.Client().Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if err := res.Body.Close(); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bodies[r.URL.Path] = body
	return res, nil
}

const subscription = "shop-prod"

func start(t *testing.T) *azure {
	t.Helper()
	name, text := tenants.Demo()
	return serve(t, name, text)
}

// serve starts a lab with a tenant.
func serve(t *testing.T, name string, text []byte) *azure {
	t.Helper()
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	snap, err := tenant.Parse(name, bytes.NewReader(text), tenant.Options{Role: func(role string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(role); r != nil {
			return r.ID, true
		}
		return "", false
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := lab.Start(snap, lab.Options{Catalog: cat})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	a := &azure{snap: snap, server: s, bodies: map[string][]byte{}}
	client := azcore.ClientOptions{Cloud: s.Cloud(), Transport: a}
	a.options = &arm.ClientOptions{ClientOptions: client, DisableRPRegistration: true}
	if a.cred, err = azidentity.NewClientSecretCredential(s.TenantID(), lab.OperatorID, s.Secret(),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: client, DisableInstanceDiscovery: true}); err != nil {
		t.Fatal(err)
	}
	return a
}

// must stops at an error of a constructor.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// all reads every page.
func all[P, E any](t *testing.T, p *runtime.Pager[P], of func(P) []*E) []*E {
	t.Helper()
	var list []*E
	for p.More() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, of(page)...)
	}
	return list
}

// kept holds what was served against what the client's type made of it: a member that the
// type does not know was invented, and a value that differs was misread.
func kept[E any](t *testing.T, a *azure, path string, list []*E) {
	t.Helper()
	a.mu.Lock()
	body := a.bodies[path]
	a.mu.Unlock()
	var served struct{ Value []any }
	if err := json.Unmarshal(body, &served); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if len(list) == 0 || len(served.Value) != len(list) {
		t.Fatalf("%s: %d served, %d read", path, len(served.Value), len(list))
	}
	seen := map[string]bool{}
	for i, e := range list {
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var read any
		if err := json.Unmarshal(raw, &read); err != nil {
			t.Fatal(err)
		}
		for _, lost := range missing("", served.Value[i], read) {
			if !seen[lost] {
				seen[lost] = true
				t.Errorf("%s: the official type has no %s", path, lost)
			}
		}
	}
}

// missing lists the paths of what is in served and not in read. What is null says nothing.
func missing(path string, served, read any) []string {
	switch s := served.(type) {
	case nil:
		return nil
	case map[string]any:
		r, ok := read.(map[string]any)
		if !ok {
			return []string{path}
		}
		var lost []string
		for k, v := range s {
			lost = append(lost, missing(path+"."+k, v, r[k])...)
		}
		slices.Sort(lost)
		return lost
	case []any:
		r, _ := read.([]any)
		if len(r) != len(s) {
			return []string{path}
		}
		var lost []string
		for i := range s {
			lost = append(lost, missing(path+"[]", s[i], r[i])...)
		}
		return lost
	}
	if served != read && !sameTime(served, read) {
		return []string{fmt.Sprintf("%s (%v, read as %v)", path, served, read)}
	}
	return nil
}

func sameTime(a, b any) bool {
	x, errX := time.Parse(time.RFC3339Nano, fmt.Sprint(a))
	y, errY := time.Parse(time.RFC3339Nano, fmt.Sprint(b))
	return errX == nil && errY == nil && x.Equal(y)
}

func TestSubscriptions(t *testing.T) {
	a := start(t)
	c := must(armsubscriptions.NewClient(a.cred, a.options))
	list := all(t, c.NewListPager(nil), func(p armsubscriptions.ClientListResponse) []*armsubscriptions.Subscription { return p.Value })
	kept(t, a, "/subscriptions", list)
	if len(list) != len(a.snap.Subscriptions) {
		t.Errorf("%d subscriptions, want %d", len(list), len(a.snap.Subscriptions))
	}
	one, err := c.Get(t.Context(), subscription, nil)
	if err != nil || *one.SubscriptionID != subscription || *one.TenantID != a.server.TenantID() {
		t.Errorf("%+v %v", one, err)
	}
	ts := all(t, must(armsubscriptions.NewTenantsClient(a.cred, a.options)).NewListPager(nil),
		func(p armsubscriptions.TenantsClientListResponse) []*armsubscriptions.TenantIDDescription {
			return p.Value
		})
	kept(t, a, "/tenants", ts)
}

func TestManagementGroups(t *testing.T) {
	a := start(t)
	c := must(armmanagementgroups.NewClient(a.cred, a.options))
	list := all(t, c.NewListPager(nil), func(p armmanagementgroups.ClientListResponse) []*armmanagementgroups.ManagementGroupInfo {
		return p.Value
	})
	kept(t, a, "/providers/Microsoft.Management/managementGroups", list)
	expand, recurse := armmanagementgroups.ManagementGroupExpandTypeChildren, true
	one, err := c.Get(t.Context(), "shop-all", &armmanagementgroups.ClientGetOptions{Expand: &expand, Recurse: &recurse})
	if err != nil || len(one.Properties.Children) != 2 || *one.Properties.Details.Parent.Name != a.server.TenantID() {
		t.Errorf("%+v %v", one, err)
	}
	below := all(t, c.NewGetDescendantsPager("shop-all", nil), func(p armmanagementgroups.ClientGetDescendantsResponse) []*armmanagementgroups.DescendantInfo {
		return p.Value
	})
	kept(t, a, "/providers/Microsoft.Management/managementGroups/shop-all/descendants", below)
	if len(below) != 5 {
		t.Errorf("%d below, want 2 groups and 3 subscriptions", len(below))
	}
	entities := all(t, must(armmanagementgroups.NewEntitiesClient(a.cred, a.options)).NewListPager(nil),
		func(p armmanagementgroups.EntitiesClientListResponse) []*armmanagementgroups.EntityInfo {
			return p.Value
		})
	kept(t, a, "/providers/Microsoft.Management/getEntities", entities)
}

func TestResources(t *testing.T) {
	a := start(t)
	groups := all(t, must(armresources.NewResourceGroupsClient(subscription, a.cred, a.options)).NewListPager(nil),
		func(p armresources.ResourceGroupsClientListResponse) []*armresources.ResourceGroup { return p.Value })
	kept(t, a, "/subscriptions/"+subscription+"/resourcegroups", groups)
	c := must(armresources.NewClient(subscription, a.cred, a.options))
	list := all(t, c.NewListPager(nil), func(p armresources.ClientListResponse) []*armresources.GenericResourceExpanded { return p.Value })
	kept(t, a, "/subscriptions/"+subscription+"/resources", list)
	for _, r := range list {
		if r.ID == nil || r.Name == nil || r.Type == nil {
			t.Fatalf("%+v lacks something", r)
		}
	}
	one, err := c.GetByID(t.Context(), *list[0].ID, "2024-01-01", nil)
	if err != nil || *one.ID != *list[0].ID || one.Properties == nil {
		t.Errorf("%+v %v", one, err)
	}
	_, err = c.GetByID(t.Context(), *list[0].ID+"-none", "2024-01-01", nil)
	if e, ok := err.(*azcore.ResponseError); !ok || e.ErrorCode != "ResourceNotFound" || e.StatusCode != http.StatusNotFound { //nolint:errorlint // the client returns it bare
		t.Errorf("what is not there: %v", err)
	}
}

func TestAuthorization(t *testing.T) {
	a := start(t)
	scope := "subscriptions/" + subscription
	at := "/" + scope + "/providers/Microsoft.Authorization/"
	assignments := all(t, must(armauthorization.NewRoleAssignmentsClient(subscription, a.cred, a.options)).NewListForScopePager(scope, nil),
		func(p armauthorization.RoleAssignmentsClientListForScopeResponse) []*armauthorization.RoleAssignment {
			return p.Value
		})
	kept(t, a, at+"roleAssignments", assignments)
	conditions := 0
	for _, r := range assignments {
		if r.Properties.Condition != nil && *r.Properties.ConditionVersion == "2.0" {
			conditions++
		}
	}
	if conditions != 1 {
		t.Errorf("%d conditions below %s, want 1", conditions, scope)
	}
	definitions := all(t, must(armauthorization.NewRoleDefinitionsClient(a.cred, a.options)).NewListPager(scope, nil),
		func(p armauthorization.RoleDefinitionsClientListResponse) []*armauthorization.RoleDefinition {
			return p.Value
		})
	custom := 0
	for _, d := range definitions {
		if *d.Properties.RoleType == "CustomRole" {
			custom++
		}
	}
	if custom != 1 || len(definitions) < 500 {
		t.Errorf("%d roles, %d of them custom", len(definitions), custom)
	}
	denies := all(t, must(armauthorization.NewDenyAssignmentsClient(subscription, a.cred, a.options)).NewListForScopePager(scope, nil),
		func(p armauthorization.DenyAssignmentsClientListForScopeResponse) []*armauthorization.DenyAssignment {
			return p.Value
		})
	kept(t, a, at+"denyAssignments", denies)
	eligible := all(t, must(armauthorization.NewRoleEligibilityScheduleInstancesClient(a.cred, a.options)).NewListForScopePager(scope, nil),
		func(p armauthorization.RoleEligibilityScheduleInstancesClientListForScopeResponse) []*armauthorization.RoleEligibilityScheduleInstance {
			return p.Value
		})
	kept(t, a, at+"roleEligibilityScheduleInstances", eligible)
	active := all(t, must(armauthorization.NewRoleAssignmentScheduleInstancesClient(a.cred, a.options)).NewListForScopePager(scope, nil),
		func(p armauthorization.RoleAssignmentScheduleInstancesClientListForScopeResponse) []*armauthorization.RoleAssignmentScheduleInstance {
			return p.Value
		})
	kept(t, a, at+"roleAssignmentScheduleInstances", active)
	if len(active) != len(assignments) {
		t.Errorf("%d schedules of %d assignments", len(active), len(assignments))
	}
	mine := all(t, must(armauthorization.NewPermissionsClient(subscription, a.cred, a.options)).NewListForResourceGroupPager("orders", nil),
		func(p armauthorization.PermissionsClientListForResourceGroupResponse) []*armauthorization.Permission {
			return p.Value
		})
	kept(t, a, "/"+scope+"/resourcegroups/orders/providers/Microsoft.Authorization/permissions", mine)
}

func TestIdentities(t *testing.T) {
	a := start(t)
	list := all(t, must(armmsi.NewUserAssignedIdentitiesClient(subscription, a.cred, a.options)).NewListBySubscriptionPager(nil),
		func(p armmsi.UserAssignedIdentitiesClientListBySubscriptionResponse) []*armmsi.Identity {
			return p.Value
		})
	kept(t, a, "/subscriptions/"+subscription+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities", list)
	for _, id := range list {
		if id.Properties.PrincipalID == nil || id.Properties.ClientID == nil || *id.Properties.TenantID != a.server.TenantID() {
			t.Errorf("%s lacks something", *id.Name)
		}
	}
	creds := all(t, must(armmsi.NewFederatedIdentityCredentialsClient(subscription, a.cred, a.options)).NewListPager("payments", "payments-id", nil),
		func(p armmsi.FederatedIdentityCredentialsClientListResponse) []*armmsi.FederatedIdentityCredential {
			return p.Value
		})
	if len(creds) != 1 || *creds[0].Properties.Subject != "system:serviceaccount:payments:payments-api" || *creds[0].Properties.Audiences[0] != "api://AzureADTokenExchange" {
		t.Errorf("%+v", creds)
	}
}

func TestVaults(t *testing.T) {
	a := start(t)
	list := all(t, must(armkeyvault.NewVaultsClient(subscription, a.cred, a.options)).NewListBySubscriptionPager(nil),
		func(p armkeyvault.VaultsClientListBySubscriptionResponse) []*armkeyvault.Vault { return p.Value })
	kept(t, a, "/subscriptions/"+subscription+"/providers/Microsoft.KeyVault/vaults", list)
	policies := 0
	for _, v := range list {
		policies += len(v.Properties.AccessPolicies)
	}
	if policies != len(a.snap.AccessPolicies) {
		t.Errorf("%d access policies, want %d", policies, len(a.snap.AccessPolicies))
	}
}

func TestResourceGraph(t *testing.T) {
	a := start(t)
	c := must(armresourcegraph.NewClient(a.cred, a.options))
	query, format, top := "resources | project id, name, properties | order by id asc", armresourcegraph.ResultFormatObjectArray, int32(10)
	rows := 0
	options := &armresourcegraph.QueryRequestOptions{ResultFormat: &format, Top: &top}
	for {
		r, err := c.Resources(t.Context(), armresourcegraph.QueryRequest{Query: &query, Options: options}, nil)
		if err != nil {
			t.Fatal(err)
		}
		page, ok := r.Data.([]any)
		if !ok || int64(len(page)) != *r.Count || *r.ResultTruncated != armresourcegraph.ResultTruncatedFalse {
			t.Fatalf("a page of %d: %+v", len(page), r.QueryResponse)
		}
		rows += len(page)
		if r.SkipToken == nil {
			if int64(rows) != *r.TotalRecords {
				t.Errorf("%d rows, want %d", rows, *r.TotalRecords)
			}
			break
		}
		options.SkipToken = r.SkipToken
	}
	query = "resources | nonsense"
	_, err := c.Resources(t.Context(), armresourcegraph.QueryRequest{Query: &query}, nil)
	if e, ok := err.(*azcore.ResponseError); !ok || e.StatusCode != http.StatusBadRequest || !strings.Contains(e.Error(), "ParserFailure") { //nolint:errorlint // the client returns it bare
		t.Errorf("nonsense: %v", err)
	}
}
