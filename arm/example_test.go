// SPDX-License-Identifier: Apache-2.0

package arm_test

import (
	"errors"
	"fmt"

	"github.com/mivet/mivet/arm"
)

func ExampleParseID() {
	id, err := arm.ParseID("/subscriptions/prod/resourceGroups/web/providers/Microsoft.Web/sites/shop/slots/blue")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(id.Level(), id.Type(), id.Name())
	fmt.Println(id.SubscriptionID(), id.ResourceGroup())
	fmt.Println(id.Parent())
	// Output:
	// resource Microsoft.Web/sites/slots blue
	// prod web
	// /subscriptions/prod/resourceGroups/web/providers/Microsoft.Web/sites/shop
}

func ExampleParseID_error() {
	_, err := arm.ParseID("/subscriptions/prod/providers/Microsoft.Web/sites")
	fmt.Println(err)
	var e *arm.Error
	fmt.Println(errors.As(err, &e), e.Offset)
	// Output:
	// parsing resource ID "/subscriptions/prod/providers/Microsoft.Web/sites": at byte 49: a name is missing after the type sites
	// true 49
}

func ExampleID_Contains() {
	group, _ := arm.ParseID("/subscriptions/prod/resourceGroups/rg-1")
	for _, s := range []string{
		"/subscriptions/PROD/resourcegroups/RG-1/providers/Microsoft.KeyVault/vaults/kv",
		"/subscriptions/prod/resourceGroups/rg-10",
	} {
		id, _ := arm.ParseID(s)
		fmt.Println(group.Contains(id))
	}
	// Output:
	// true
	// false
}

func ExampleID_Child() {
	vault, _ := arm.ParseID("/subscriptions/prod/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv")
	secret, err := vault.Child("secrets", "password")
	fmt.Println(secret, err)
	// Output:
	// /subscriptions/prod/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv/secrets/password <nil>
}

func ExampleFold() {
	fmt.Println(arm.Fold("Microsoft.KeyVault/vaults") == arm.Fold("MICROSOFT.KEYVAULT/VAULTS"))
	// Output:
	// true
}

func ExampleParseOperation() {
	read, err := arm.ParseOperation("Microsoft.KeyVault/vaults/read")
	fmt.Println(read.Provider(), err)
	_, err = arm.ParseOperation("Microsoft.KeyVault/*")
	fmt.Println(err)
	// Output:
	// Microsoft.KeyVault <nil>
	// parsing operation "Microsoft.KeyVault/*": at byte 19: an operation has no wildcard; a pattern has
}

func ExamplePattern_Match() {
	assign, _ := arm.ParseOperation("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")
	for _, s := range []string{
		"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
		"Microsoft.ManagedIdentity/*",
		"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
		"*/read",
	} {
		p, _ := arm.ParsePattern(s)
		fmt.Println(p.Match(assign))
	}
	// Output:
	// by name
	// by wildcard
	// by zero segments
	// no match
}

func ExampleTree() {
	site, _ := arm.ParseID("/subscriptions/prod/resourceGroups/web/providers/Microsoft.Web/sites/shop")
	landing, _ := arm.ParseID("/providers/Microsoft.Management/managementGroups/landing-zones")

	var b arm.TreeBuilder
	b.Add(site)
	if err := b.Link(site.Subscription(), landing); err != nil {
		fmt.Println(err)
		return
	}
	tree := b.Build()

	// A slot is not in the tree; what is assigned above it applies nevertheless.
	slot, _ := site.Child("slots", "blue")
	at, exact := tree.Find(slot)
	fmt.Println(tree.ID(at), exact)
	group, exact := tree.Find(landing)
	fmt.Println(tree.Contains(group, at), exact)
	// Output:
	// /subscriptions/prod/resourceGroups/web/providers/Microsoft.Web/sites/shop false
	// true true
}
