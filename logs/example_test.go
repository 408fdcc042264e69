// SPDX-License-Identifier: Apache-2.0

package logs_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mivet/mivet/logs"
)

func ExampleReader() {
	r, err := logs.NewReader(strings.NewReader(`{"time":"2026-11-02T08:15:04Z","category":"AuditEvent","operationName":"SecretGet","resourceId":"/SUBSCRIPTIONS/1/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV","identity":{"claim":{"oid":"orders-api"}},"properties":{"id":"https://kv.vault.azure.net/secrets/db","httpStatusCode":200}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s %s %s\n  %s\n", e.Principal, e.Granted, e.Action, e.Scope)
	}
	// Output:
	// orders-api granted Microsoft.KeyVault/vaults/secrets/getSecret/action
	//   /subscriptions/1/resourcegroups/shop/providers/microsoft.keyvault/vaults/kv/secrets/db
}
