// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"strings"
	"testing"
)

func TestLogEntry(t *testing.T) {
	r := newRunner(t)
	const entry = `{"time":"2026-11-02T08:15:04.1000000Z","category":"Administrative","operationName":"MICROSOFT.KEYVAULT/VAULTS/DELETE","resultType":"Failure","resultSignature":"Failed.Forbidden",` +
		`"resourceId":"/SUBSCRIPTIONS/1/RESOURCEGROUPS/A/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV","identity":{"claims":{"oid":"p","appid":"a"}}}`
	got, err := ask(t, r, "log-entry", `{"category":"activity","entry":`+entry+`}`)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"principal":"p","appid":"a","operation":"MICROSOFT.KEYVAULT/VAULTS/DELETE","action":"microsoft.keyvault/Vaults/delete","plane":"control",` +
		`"scope":"/subscriptions/1/resourcegroups/a/providers/microsoft.keyvault/vaults/kv","granted":false,"time":"2026-11-02T10:15:04.1+02:00"}`
	for expected, agrees := range map[string]bool{
		want: true,
		strings.Replace(want, `"granted":false`, `"granted":true`, 1):     false,
		strings.Replace(want, `"granted":false`, `"granted":null`, 1):     false,
		strings.Replace(want, `Vaults/delete`, `vaults/write`, 1):         false,
		strings.Replace(want, `10:15:04`, `10:15:05`, 1):                  false,
		strings.Replace(want, `"principal":"p"`, `"principal":"P"`, 1):    false,
		strings.Replace(want, `"2026-11-02T10:15:04.1+02:00"`, `null`, 1): false,
	} {
		if ok, err := r.Agrees(&Case{Kind: "log-entry", Expected: []byte(expected)}, got); ok != agrees || err != nil {
			t.Errorf("%s: %v (%v)", expected, ok, err)
		}
	}
	if a, ok := got.(logAnswer); !ok || *a.Action != "Microsoft.KeyVault/vaults/delete" {
		t.Errorf("%+v: the action is not spelled as Azure does", got)
	}
	if _, err := r.Agrees(&Case{Kind: "log-entry", Expected: []byte(`{"moon":1}`)}, got); err == nil {
		t.Error("an expected answer of another form is no error")
	}
	if ok, err := r.Agrees(&Case{Kind: "log-entry", Expected: []byte(want)}, 5); ok || err != nil {
		t.Errorf("an answer of another form agrees: %v (%v)", ok, err)
	}
	graph, err := ask(t, r, "log-entry", `{"entry":{"category":"MicrosoftGraphActivityLogs","properties":{"userId":"u","requestMethod":"GET","requestUri":"/me","responseStatusCode":200}}}`)
	if a, ok := graph.(logAnswer); err != nil || !ok || *a.Plane != "graph" || !*a.Granted || a.Action != nil || a.Time != nil {
		t.Errorf("%+v (%v)", graph, err)
	}
	for input, text := range map[string]string{
		`{"category":"x"}`:                       `no "entry"`,
		`{"entry":5}`:                            "no JSON object",
		`{"entry":{"category":"Moon"}}`:          `category "Moon" is not supported`,
		`{"entry":{"category":"x"},"moon":true}`: "moon",
	} {
		if _, err := ask(t, r, "log-entry", input); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, expected %q", input, err, text)
		}
	}
}
