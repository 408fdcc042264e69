// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	schemaGroup        = `"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0"`
	schemaSubscription = `"$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"`
	schemaManagement   = `"$schema": "https://schema.management.azure.com/schemas/2019-08-01/managementGroupDeploymentTemplate.json#"`
	schemaTenant       = `"$schema": "https://schema.management.azure.com/schemas/2019-08-01/tenantDeploymentTemplate.json#"`
)

var (
	shop = Target{
		Tenant: "7a0c5c1e-0000-4000-8000-000000000001", Subscription: "11111111-2222-3333-4444-555555555555", ResourceGroup: "shop",
		Location: "westeurope", ManagementGroup: "corp", Deployment: "main",
	}
	noon = time.Date(2026, 3, 4, 12, 5, 6, 0, time.UTC)
)

func parsed(t *testing.T, text string) *Template {
	t.Helper()
	tm, err := Parse("app/main.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

// evaluated evaluates a template for the resource group shop.
func evaluated(t *testing.T, text string) *Result {
	t.Helper()
	return parsed(t, text).Evaluate(Options{Target: shop, Now: noon})
}

// clean fails if there are diagnostics.
func clean(t *testing.T, r *Result) *Result {
	t.Helper()
	for _, d := range r.Diagnostics {
		t.Errorf("%s: %s: %s", d.Pos, d.Severity, d.Text)
	}
	return r
}

// told fails unless one of the diagnostics has the text.
func told(t *testing.T, r *Result, text string) {
	t.Helper()
	var all []string
	for _, d := range r.Diagnostics {
		if strings.Contains(d.Text, text) {
			return
		}
		all = append(all, d.Text)
	}
	t.Errorf("no diagnostic has %q; there are:\n%s", text, strings.Join(all, "\n"))
}

// ids lists type and ID of the resources, without what lies above the group shop.
func ids(r *Result) []string {
	var out []string
	for _, x := range r.Resources {
		out = append(out, strings.TrimPrefix(Text(x.ID), "/subscriptions/"+shop.Subscription+"/resourceGroups/shop/providers/"))
	}
	return out
}

func same2(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("differs (-want +got):\n%s", d)
	}
}

// value evaluates the output x of a template that has more besides.
func value(t *testing.T, more, expression string) (Value, *Result) {
	t.Helper()
	if more != "" {
		more += ", "
	}
	r := evaluated(t, `{`+schemaGroup+`, `+more+`"outputs": {"x": {"type": "any", "value": `+quoted(expression)+`}}}`)
	if len(r.Outputs) != 1 {
		t.Fatalf("there are %d outputs", len(r.Outputs))
	}
	return r.Outputs[0].Value, r
}

func quoted(s string) string { return string(appendQuoted(nil, s)) }
