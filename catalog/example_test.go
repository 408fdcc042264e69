// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"fmt"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

func ExampleOpen() {
	c, err := catalog.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	role := c.RoleByName("key vault secrets user")
	fmt.Println(role.ID, role.Name)
	fmt.Println(role.Permissions[0].DataActions[0])
	// Output:
	// 4633458b-17de-408a-b874-0445c86b69e6 Key Vault Secrets User
	// Microsoft.KeyVault/vaults/secrets/getSecret/action
}

func ExampleCatalog_Plane() {
	c, err := catalog.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{
		"Microsoft.KeyVault/vaults/secrets/getSecret/action",
		"Microsoft.KeyVault/vaults/secrets/write",
		"Microsoft.Experimentation/experimentWorkspaces/read",
	} {
		op, err := arm.ParseOperation(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		if i, ok := c.FindOperation(op); ok {
			plane, basis := c.Plane(i)
			fmt.Println(name, plane, basis)
		}
	}
	// Output:
	// Microsoft.KeyVault/vaults/secrets/getSecret/action data published
	// Microsoft.KeyVault/vaults/secrets/write control served
	// Microsoft.Experimentation/experimentWorkspaces/read unknown both
}

func ExampleCatalog_OperationsOf() {
	c, err := catalog.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	ops, err := c.OperationsOf("POST", "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/orders/listKeys")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ops[0])
	fmt.Println(c.KeyBypass(ops[0]).ClosedBy)
	// Output:
	// Microsoft.Storage/storageAccounts/listKeys/action
	// properties.allowSharedKeyAccess = false
}
