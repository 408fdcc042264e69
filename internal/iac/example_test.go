// SPDX-License-Identifier: Apache-2.0

package iac_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/mivet/mivet/internal/iac"
)

func ExampleReadTerraform() {
	f, err := os.Open("testdata/create.plan.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	s, err := iac.ReadTerraform(context.Background(), "create.plan.json", f)
	if err != nil {
		fmt.Println(err)
		return
	}
	a := s.RoleAssignments[0]
	fmt.Println(a.RoleName, "to", a.Principal)
	fmt.Println(a.Source)
	// Output:
	// Storage Blob Data Reader to principal of azurerm_user_assigned_identity.orders
	// create.plan.json:11 (azurerm_role_assignment.orders)
}

func ExampleReadAzureHound() {
	const text = `{"data":[{"kind":"AZUser","data":{"id":"AAAAAAAA-0000-4000-8000-000000000001","userPrincipalName":"ann@shop.example"}}],"meta":{"type":"azure"}}`
	s, err := iac.ReadAzureHound(context.Background(), "hound.json", strings.NewReader(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Principals[0].Name, s.Principals[0].ID)
	// Output:
	// ann@shop.example aaaaaaaa-0000-4000-8000-000000000001
}

func ExampleRecognise() {
	fmt.Println(iac.Recognise([]byte(`{"format_version":"1.2","planned_values":{`)))
	fmt.Println(iac.Recognise([]byte("param location string")))
	// Output:
	// a Terraform plan in JSON
	// Bicep source
}
