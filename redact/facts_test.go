// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsOfAResource(t *testing.T) {
	r, err := New(Options{Key: []byte("0123456789abcdef"), KeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(typ, properties string, want map[string]string) {
		t.Helper()
		if diff := cmp.Diff(want, r.Settings(typ, json.RawMessage(properties))); diff != "" {
			t.Errorf("%s %s\n%s", typ, properties, diff)
		}
	}
	f("microsoft.storage/storageaccounts", `{"allowSharedKeyAccess":false,"isHnsEnabled":true,"supportsHttpsTrafficOnly":true}`,
		map[string]string{"allowSharedKeyAccess": "false", "isHnsEnabled": "true"})
	f("Microsoft.Web/sites", `{"siteConfig":{"appSettings":[{"name":"AZURE_CLIENT_ID","value":"x"},{"name":"A"},5]},"keyVaultReferenceIdentity":null}`,
		map[string]string{"siteConfig.appSettings.AZURE_CLIENT_ID": "x", "keyVaultReferenceIdentity": "null"})
	f("Microsoft.Web/sites/config/appsettings", `{"A":"b","C":{"d":1}}`, map[string]string{"A": "b"})
	f("Microsoft.App/containerApps", `{"template":{"containers":[{"env":[{"name":"A","value":"1"}]},{"image":"x","env":[{"name":"B","value":"2"}]}]}}`,
		map[string]string{"template.containers[0].env.A": "1", "template.containers[1].env.B": "2", "template.containers[1].image": "x"})
	f("Microsoft.App/containerApps", `{"template":{"containers":[{"env":[{"name":"A","secretRef":"a"},{"name":"B","secretRef":""},{"name":"C"}]}]}}`,
		map[string]string{"template.containers[0].env.A": Marker})
	f("Microsoft.Compute/virtualMachines", `{"virtualMachineScaleSet":{"id":"/x"},"vmId":"y"}`, map[string]string{"virtualMachineScaleSet.id": "/x"})
	f("Microsoft.Compute/virtualMachines", `{"vmId":"y"}`, nil)
	f("Microsoft.Compute/virtualMachines", `{`, nil)
	f("Microsoft.Compute/virtualMachines", `[]`, nil)
	f("", ``, nil)
}

// What was let through once is let through again as it is, whatever key is used: a
// collector redacts when it reads, and a snapshot when it is written.
func TestRedactionIsIdempotent(t *testing.T) {
	for _, o := range []Options{{}, {Key: []byte("0123456789abcdef"), KeyID: "k1"}} {
		r, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		const typ = "Microsoft.Web/sites/config"
		raw := json.RawMessage(`{"name":"appsettings","properties":{"PASSWORD":"hunter2hunter2","AZURE_CLIENT_ID":"7f951dda-4ed3-4680-a7ca-43fe172d538d","X":"hmac:k1:short"}}`)
		once, err := r.Properties(typ, raw)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := r.Properties(typ, once)
		if err != nil {
			t.Fatal(err)
		}
		if string(once) != string(twice) {
			t.Errorf("once:  %s\ntwice: %s", once, twice)
		}
		if strings.Contains(string(once), "hunter2") || strings.Contains(string(once), `"hmac:k1:short"`) {
			t.Errorf("a value stayed: %s", once)
		}
	}
}
