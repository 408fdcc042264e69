// SPDX-License-Identifier: Apache-2.0

package armtemplate_test

import (
	"fmt"

	"github.com/mivet/mivet/armtemplate"
)

func Example() {
	t, err := armtemplate.Parse("main.json", []byte(`{
		"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
		"parameters": {"name": {"type": "string"}},
		"resources": [
			{"type": "Microsoft.Web/sites", "apiVersion": "2024-04-01", "name": "[parameters('name')]", "identity": {"type": "SystemAssigned"}},
			{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "[guid(resourceGroup().id, 'reader')]",
			 "properties": {"principalId": "[reference(resourceId('Microsoft.Web/sites', parameters('name')), '2024-04-01', 'full').identity.principalId]"}}
		]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r := t.Evaluate(armtemplate.Options{
		Target:     armtemplate.Target{Subscription: "00000000-0000-0000-0000-000000000001", ResourceGroup: "shop"},
		Parameters: map[string]armtemplate.Value{"name": armtemplate.String("orders")},
	})
	for _, x := range r.Resources {
		fmt.Println(x.Pos.Line, armtemplate.Text(x.Name))
	}
	principal := armtemplate.At(r.Resources[1].Body, "properties", "principalId")
	if u, ok := principal.(*armtemplate.Unknown); ok {
		o := u.Origins()[0]
		fmt.Println(o.Path, "of", o.Resource)
	}
	// Output:
	// 5 orders
	// 6 17303e75-7560-5916-b744-80db93ff9e6f
	// identity.principalId of /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.Web/sites/orders
}
