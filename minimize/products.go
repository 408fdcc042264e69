// SPDX-License-Identifier: Apache-2.0

package minimize

import "strings"

// product is a product that the names of roles tell, and the providers that are it. Its
// roles may give nothing but rights of the services it builds on: they are made for it all
// the same, and change with it.
type product struct {
	words     string // in the name of a role, in lower case
	providers []string
}

// products are the ones that built-in roles are named after while they give rights of other
// services, such as storage, networks and virtual machines.
// Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
var products = []product{
	{"azureml", []string{"microsoft.machinelearningservices"}},
	{"backup", []string{"microsoft.recoveryservices", "microsoft.dataprotection"}},
	{"batch", []string{"microsoft.batch"}},
	{"cosmos", []string{"microsoft.documentdb"}},
	{"data factory", []string{"microsoft.datafactory"}},
	{"defender", []string{"microsoft.security"}},
	{"desktop virtualization", []string{"microsoft.desktopvirtualization"}},
	{"devtest labs", []string{"microsoft.devtestlab"}},
	{"elastic san", []string{"microsoft.elasticsan"}},
	{"hdinsight", []string{"microsoft.hdinsight"}}, //nolint:misspell // the name of a service
	{"kubernetes", []string{
		"microsoft.containerservice", "microsoft.kubernetes", "microsoft.kubernetesconfiguration", "microsoft.kubernetesruntime", "microsoft.hybridcontainerservice", "microsoft.applink",
	}},
	{"nexus", []string{"microsoft.networkcloud", "microsoft.nexusidentity", "microsoft.managednetworkfabric"}},
	{"openshift", []string{"microsoft.redhatopenshift"}},
	{"resilience management", []string{"microsoft.azureresiliencemanagement"}},
	{"sap solutions", []string{"microsoft.workloads"}},
	{"sentinel", []string{"microsoft.securityinsights"}},
	{"site recovery", []string{"microsoft.recoveryservices"}},
	{"stack hci", []string{"microsoft.azurestackhci"}},
}

// productOf is the product that the name of a role tells; nil if it tells none.
func productOf(role string) []string {
	name := strings.ToLower(role)
	for _, p := range products {
		if strings.Contains(name, p.words) {
			return p.providers
		}
	}
	return nil
}
