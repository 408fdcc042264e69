// SPDX-License-Identifier: Apache-2.0

package tenant_test

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mivet/mivet/tenant"
)

const shop = `
tenant shop
subscription prod
rg orders in prod
webapp orders-api in orders system
keyvault shop-kv in orders .enableRbacAuthorization=true
assign orders-api "Key Vault Secrets User" at shop-kv/secrets/stripe
`

func ExampleParse() {
	s, err := tenant.Parse("shop.tenant", strings.NewReader(shop), tenant.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	a := s.RoleAssignments[0]
	fmt.Println(a.RoleName, "at", a.Scope)
	fmt.Println("read at", a.Source)
	// Output:
	// Key Vault Secrets User at /subscriptions/prod/resourceGroups/orders/providers/Microsoft.KeyVault/vaults/shop-kv/secrets/stripe
	// read at shop.tenant:7
}

// All mistakes of a text are reported together, each with its place.
func ExampleParse_errors() {
	text := shop + "assign orders-ap Reader at orders\nlock ReadOnly at orderz\n"
	_, err := tenant.Parse("shop.tenant", strings.NewReader(text), tenant.Options{})
	fmt.Println(err)
	var list tenant.Errors
	fmt.Println(errors.As(err, &list), len(list))
	// Output:
	// shop.tenant:8:8: no principal has the name "orders-ap"; did you mean "orders-api"?
	// shop.tenant:9:18: no scope has the name "orderz"; did you mean "orders"?
	// true 2
}

func ExampleWrite() {
	s, err := tenant.Parse("shop.tenant", strings.NewReader(shop), tenant.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.TenantID = "5ca0ffee-0000-4000-8000-000000000001"
	for i := range s.Identities {
		s.Identities[i].TenantID = s.TenantID
	}
	if err := tenant.Write(os.Stdout, s); err != nil {
		fmt.Println(err)
	}
	// Output:
	// tenant 5ca0ffee-0000-4000-8000-000000000001
	//
	// subscription prod
	//
	// rg orders in prod
	// webapp orders-api in orders system
	// keyvault shop-kv in orders .enableRbacAuthorization=true
	//
	// assign orders-api "Key Vault Secrets User" at /subscriptions/prod/resourceGroups/orders/providers/Microsoft.KeyVault/vaults/shop-kv/secrets/stripe
}

func ExampleIs() {
	fmt.Println(tenant.Is([]byte("# the shop\ntenant shop\n")))
	fmt.Println(tenant.Is([]byte(`{"terraform_version": "1.9.0"}`)))
	// Output:
	// true
	// false
}
