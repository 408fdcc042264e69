// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

const (
	guidA = "aaaaaaaa-1111-4111-8111-111111111111"
	guidB = "bbbbbbbb-1111-4111-8111-111111111111"
)

func TestReadCaptured(t *testing.T) {
	f := func(text, name, want string) {
		t.Helper()
		c, err := ReadCaptured("outputs", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(c[name]); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	f(`{"api_id": {"sensitive": false, "type": "string", "value": "`+guidA+`"}}`, "api_id", guidA)
	f(`{"outputs": {"api_id": {"value": "`+strings.ToUpper(guidA)+`", "type": "string"}}}`, "api_id", guidA)
	f(`{"values": {"outputs": {"api_id": {"value": "`+guidA+`"}}}}`, "api_id", guidA)
	f(`{"planned_values": {"outputs": {"api_id": {"value": "`+guidA+`"}}}}`, "api_id", guidA)
	f(`{"properties": {"outputs": {"apiId": {"type": "String", "value": "`+guidA+`"}}}}`, "apiId", guidA)
	f(`{"schemaVersion": 1, "identities": {"api": {"principalId": "`+guidA+`", "resource": "/x"}}}`, "api", guidA)
	f(`{"a": "`+guidA+`", "b": "no id", "c": 1, "d": {"value": ["x"]}}`, "a", guidA)
	f(`{"a": "`+guidA+`", "b": "no id"}`, "b", "")
	f("# comment\n\nexport API_ID="+guidA+"\nOTHER='"+guidB+"'\n", "API_ID", guidA)
	f("api_id = \""+guidA+"\"\n", "api_id", guidA)
	f("param apiId = '"+guidA+"'\n", "apiId", guidA)
	for _, bad := range []string{"{", "API_ID\n"} {
		if _, err := ReadCaptured("outputs", []byte(bad)); err == nil || !strings.Contains(err.Error(), "outputs") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := ReadCaptured("outputs", make([]byte, maxCaptured+1)); err == nil {
		t.Error("a file without bound is read")
	}
}

func TestCapturedOf(t *testing.T) {
	f := func(identities, captured, want string) {
		t.Helper()
		c, err := read(t, "contract: 1\nidentities:\n"+identities).For("")
		if err != nil {
			t.Fatal(err)
		}
		id, output := Captured{captured: guidA}.Of(c, &c.Identities[0])
		if (id != "") != (want != "") || output != want && id != "" {
			t.Errorf("%s, with %s: %q by %q, want %q", identities, captured, id, output, want)
		}
	}
	const api, other = "  orders-api: {address: a, type: SystemAssigned}\n", "  other: {address: b, type: SystemAssigned}\n"
	f(api, "orders_api_principal_id", "orders_api_principal_id")
	f(api, "ordersApiPrincipalId", "ordersApiPrincipalId")
	f(api, "ORDERS_API_PRINCIPAL_ID", "ORDERS_API_PRINCIPAL_ID")
	f(api, "orders-api", "orders-api")
	f(api, "orders_api_system_assigned_mi_principal_id", "orders_api_system_assigned_mi_principal_id")
	f(api, "ordersApiSystemAssignedMIPrincipalId", "ordersApiSystemAssignedMIPrincipalId")
	f(api, "system_assigned_mi_principal_id", "system_assigned_mi_principal_id")
	f(api, "systemAssignedMIPrincipalId", "systemAssignedMIPrincipalId")
	f(api+other, "system_assigned_mi_principal_id", "") // either could be meant
	f(api, "another", "")
	f("  x: {address: a, type: SystemAssigned, principal: {output: mine}}\n", "mine", "mine")
	f("  x: {address: a, type: SystemAssigned, principal: {output: mine}}\n", "x", "")
	f("  x: {address: a, type: SystemAssigned, principal: "+guidB+"}\n", "x", "")
	f("  x: {address: a, type: UserAssigned}\n", "system_assigned_mi_principal_id", "")
}

func TestWriteCaptured(t *testing.T) {
	s, _ := parse(t, "tenant t\nsubscription s\nrg g in s\nwebapp api in g system principal="+guidA+"\nwebapp new in g system-principal=@\"principal of x\"\n")
	b := bind(t, s, "  orders-api: {address: api, type: SystemAssigned}\n  new: {address: new, type: SystemAssigned}\n  gone: {address: gone, type: SystemAssigned}\n")
	f := func(form, want string) {
		t.Helper()
		got, err := b.WriteCaptured(form)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got, want) || strings.Contains(got, "new") {
			t.Errorf("%s: %s", form, got)
		}
		c, err := ReadCaptured(form, []byte(got))
		if err != nil {
			t.Fatal(err)
		}
		if id, _ := c.Of(b.Contract, &b.Contract.Identities[0]); id != guidA {
			t.Errorf("%s is not found again: %v", form, c)
		}
	}
	f(OutputsTerraform, `orders_api_principal_id = "`+guidA+`"`)
	f(OutputsBicep, "param ordersApiPrincipalId = '"+guidA+"'")
	f(OutputsEnv, "ORDERS_API_PRINCIPAL_ID="+guidA)
	f(OutputsJSON, `"principalId": "`+guidA+`"`)
	if _, err := b.WriteCaptured("xml"); err == nil || !strings.Contains(err.Error(), "xml") {
		t.Errorf("a form that nobody knows: %v", err)
	}
}

func TestWith(t *testing.T) {
	c, err := read(t, "contract: 1\nidentities: {a.b: {address: a, type: SystemAssigned, principal: {output: o}}}\n").For("")
	if err != nil {
		t.Fatal(err)
	}
	now := c.With("a.b.owner", "o").With("a.b.why", "w").With("a.b.type", "UserAssigned").With("a.b.principal", guidA).With("a.b.last", "2026-01-01")
	i := now.Identity("a.b")
	if i.Owner != "o" || i.Why != "w" || i.Type != mivet.UserAssigned || i.Principal != guidA || i.Output != "" || i.Review.Last.Year() != 2026 {
		t.Errorf("%+v", i)
	}
	if c.Identities[0].Owner != "" {
		t.Error("the contract itself was changed")
	}
	if c.With("nowhere", "x") != c || c.With("x.owner", "o") != c {
		t.Error("what is not there is changed")
	}
	if !dayOf("never").IsZero() {
		t.Error("no day is a day")
	}
}

func FuzzCaptured(f *testing.F) {
	f.Add([]byte(`{"a": {"value": "` + guidA + `"}, "outputs": {"b": "x"}}`))
	f.Add([]byte("A=" + guidA + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadCaptured("f", data)
		if err != nil {
			return
		}
		for name, id := range c {
			if !mivet.IsGUID(string(id)) {
				t.Errorf("%s is %q", name, id)
			}
		}
	})
}
