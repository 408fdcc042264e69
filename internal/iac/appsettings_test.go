// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

// Settings of an app that select an identity are facts; of others only the names stay.
func TestAppSettings(t *testing.T) {
	f := func(settings, unknown, want, gap string) {
		t.Helper()
		s := read(t, planOf(`{"address":"azurerm_linux_web_app.a","mode":"managed","type":"azurerm_linux_web_app","change":{"actions":["create"],
"after":{"name":"a","resource_group_name":"g","app_settings":`+settings+`},"after_unknown":{"app_settings":`+unknown+`}}}`, noConfig))
		var have []string
		for _, r := range s.Resources {
			if r.Detail == nil {
				continue
			}
			for name, value := range r.Detail.Settings {
				if short, ok := strings.CutPrefix(name, appSettingsPath); ok {
					have = append(have, short+"="+value)
				}
			}
		}
		slices.Sort(have)
		if got := strings.Join(have, " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		found := slices.ContainsFunc(s.Gaps, func(g mivet.Gap) bool {
			return g.Facts == mivet.FactAppSettings && !g.Inherent && strings.Contains(g.Reason, gap)
		})
		if found != (gap != "") {
			t.Errorf("gaps: %+v", s.Gaps)
		}
	}
	const client = "11111111-1111-4111-8111-111111111111"
	f(`{"AZURE_CLIENT_ID":"`+client+`","KEY":"s3cr3t-of-somebody","N":null}`, `{}`, "AZURE_CLIENT_ID="+client+" KEY=[redacted]", "")
	f(`{"LONG":"`+strings.Repeat("x", 5000)+`"}`, `{}`, "LONG=[redacted]", "")
	f(`{"X":"y"}`, `{"AZURE_CLIENT_ID":true}`, "", "its app setting AZURE_CLIENT_ID is known only after apply")
	f(`{"X":"y"}`, `{"OTHER":true}`, "X=[redacted]", "")
	f(`null`, `true`, "", "its app settings are known only after apply")
	f(`{"S__managedIdentityResourceId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u"}`, `{}`,
		"S__managedIdentityResourceId=/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u", "")
	for _, text := range []string{`{"a":1}`, `{"a":{"b":"c"}}`, `[1]`, `"x"`} {
		if s := fmt.Sprint(read(t, planOf(`{"address":"azurerm_linux_web_app.a","type":"azurerm_linux_web_app","change":{"actions":["create"],"after":{"name":"a","app_settings":`+text+`}}}`, noConfig)).Resources); strings.Contains(s, appSettingsPath) {
			t.Errorf("%s: %s", text, s)
		}
	}
}

// Variables of containers stand where Azure's own form has them.
func TestContainerVariables(t *testing.T) {
	f := func(typ, after, unknown, want, gap string) {
		t.Helper()
		s := read(t, planOf(`{"address":"`+typ+`.a","mode":"managed","type":"`+typ+`","change":{"actions":["create"],
"after":{"name":"a","resource_group_name":"g",`+after+`},"after_unknown":`+unknown+`}}`, noConfig))
		var have []string
		for _, r := range s.Resources {
			if r.Detail != nil {
				for name, value := range r.Detail.Settings {
					if strings.Contains(name, "ontainers") {
						have = append(have, name+"="+value)
					}
				}
			}
		}
		slices.Sort(have)
		if got := strings.Join(have, "\n"); got != want {
			t.Errorf("%s %s: got\n%s\nwant\n%s", typ, after, got, want)
		}
		found := slices.ContainsFunc(s.Gaps, func(g mivet.Gap) bool {
			return g.Facts == mivet.FactAppSettings && !g.Inherent && strings.Contains(g.Reason, gap)
		})
		if found != (gap != "") {
			t.Errorf("%s: gaps: %+v", typ, s.Gaps)
		}
	}
	const client = "11111111-1111-4111-8111-111111111111"
	const two = `"template":[{"container":[{"name":"api","image":"x","env":[{"name":"AZURE_CLIENT_ID","secret_name":null,"value":"` + client + `"},{"name":"KEY","value":"s3cr3t-of-somebody"}]},
{"name":"side","env":[{"name":"MODE","value":"x","other":{"a":"b"}},{"name":"REF","secret_name":"s","value":null},7]}],"init_container":[{"env":[{"name":"AZURE_CLIENT_ID","value":"` + client + `"}]}]}]`
	const facts = "template.containers[0].env.AZURE_CLIENT_ID=" + client + "\ntemplate.containers[0].env.KEY=[redacted]\ntemplate.containers[1].env.MODE=[redacted]"
	f("azurerm_container_app", two, `{}`, facts, "")
	f("azurerm_container_app_job", two, `{}`, facts, "")
	f("azurerm_container_app", two, `{"template":[{"container":[{"env":[{"value":true}]}]}]}`, "", "the variable AZURE_CLIENT_ID of a container is known only after apply")
	f("azurerm_container_app", two, `{"template":[{"container":[{"env":[{},{"value":true}]}]}]}`,
		"template.containers[0].env.AZURE_CLIENT_ID="+client+"\ntemplate.containers[1].env.MODE=[redacted]", "")
	f("azurerm_container_app", two, `{"template":[{"container":[{"env":true}]}]}`, "", "the variables of a container are known only after apply")
	f("azurerm_container_app", two, `{"template":true}`, "", "the variables of a container are known only after apply")
	f("azurerm_linux_web_app", two, `{}`, "", "")
	const group = `"container":[{"name":"a","environment_variables":{"AZURE_CLIENT_ID":"` + client + `","KEY":"s3cr3t-of-somebody"},"secure_environment_variables":{"AZURE_CLIENT_SECRET":"s"}},{"name":"b","environment_variables":null}]`
	f("azurerm_container_group", group, `{}`,
		"containers[0].properties.environmentVariables.AZURE_CLIENT_ID="+client+"\ncontainers[0].properties.environmentVariables.KEY=[redacted]", "")
	f("azurerm_container_group", group, `{"container":[{"environment_variables":{"AZURE_CLIENT_ID":true}}]}`, "", "the variable AZURE_CLIENT_ID of a container is known only after apply")
	f("azurerm_container_group", group, `{"container":true}`, "", "the variables of a container are known only after apply")
}
