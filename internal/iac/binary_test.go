// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

// field writes one field of a message: bytes, or a number.
func field(number int, v any) []byte {
	switch v := v.(type) {
	case int:
		return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3), uint64(v))
	case string:
		return field(number, []byte(v))
	case []byte:
		out := binary.AppendUvarint(nil, uint64(number)<<3|2)
		return append(binary.AppendUvarint(out, uint64(len(v))), v...)
	default:
		return nil
	}
}

// packed encodes a value as MessagePack; unknownMsgpack stands for itself.
func packed(v any) []byte {
	switch v := v.(type) {
	case nil:
		return []byte{0xc0}
	case bool:
		if v {
			return []byte{0xc3}
		}
		return []byte{0xc2}
	case string:
		return append([]byte{0xda, byte(len(v) >> 8), byte(len(v))}, v...)
	case unknownMsgpack:
		return []byte{0xd4, 0, 0}
	case []any:
		out := []byte{0xdc, 0, byte(len(v))}
		for _, e := range v {
			out = append(out, packed(e)...)
		}
		return out
	case map[string]any:
		out := []byte{0xde, 0, byte(len(v))}
		for _, k := range sortedKeys(v) {
			out = append(append(out, packed(k)...), packed(v[k])...)
		}
		return out
	}
	return nil
}

func planned(address string, action int, values ...any) []byte {
	return field(fieldChanges, changed(address, action, values...))
}

func changed(address string, action int, values ...any) []byte {
	body := field(1, action)
	for _, v := range values {
		body = append(body, field(2, field(1, packed(v)))...)
	}
	return slices.Concat(field(changeAddress, address), field(changeProvider, `provider["registry.terraform.io/hashicorp/azurerm"]`), field(changeBody, body))
}

// planFile builds a binary plan.
func planFile(t testing.TB, plan []byte, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	files["tfplan"] = string(plan)
	for _, name := range sortedKeys(files) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const binaryAppID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app"

func recycling() []byte {
	old := map[string]any{"id": binaryAppID, "name": "app", "resource_group_name": "g", "identity": []any{map[string]any{"type": "SystemAssigned", "principal_id": "aaaaaaaa-0000-4000-8000-000000000001"}}}
	now := map[string]any{"id": unknownMsgpack{}, "name": "app2", "resource_group_name": "g", "identity": []any{map[string]any{"type": "SystemAssigned", "principal_id": unknownMsgpack{}}}}
	grant := map[string]any{"scope": "/subscriptions/s/resourceGroups/g", "role_definition_name": "Reader", "principal_id": "aaaaaaaa-0000-4000-8000-000000000001"}
	next := map[string]any{"scope": "/subscriptions/s/resourceGroups/g", "role_definition_name": "Reader", "principal_id": unknownMsgpack{}}
	return slices.Concat(
		field(fieldVersion, planVersion), field(fieldComplete, 1),
		field(fieldVariables, slices.Concat(field(1, "sub"), field(2, field(1, packed("11111111-2222-4333-8444-555555555555"))))),
		planned("azurerm_linux_web_app.app", 6, old, now), planned("azurerm_role_assignment.ra", 6, grant, next),
		field(fieldDrift, changed("azurerm_linux_web_app.app", 3, old, now)),
	)
}

// A plan file is read without the provider; references, locals among them, come from the
// source in it.
func TestReadBinaryPlan(t *testing.T) {
	file := planFile(t, recycling(), map[string]string{
		"tfstate": `{"version":4,"resources":[{"mode":"data","type":"azurerm_client_config","name":"me","provider":"provider[\"registry.terraform.io/hashicorp/azurerm\"]","instances":[{"attributes":{"tenant_id":"bbbbbbbb-0000-4000-8000-000000000001"}}]}]}`,
		"tfconfig/m-/main.tf": `variable "sub" {}
provider "azurerm" { subscription_id = var.sub }
locals { who = azurerm_linux_web_app.app.identity[0].principal_id }
resource "azurerm_linux_web_app" "app" {}
resource "azurerm_role_assignment" "ra" { principal_id = local.who }`,
	})
	p, err := ReadBinaryPlan(t.Context(), "p.tfplan", bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Steps) != 2 || !slices.Equal(p.Steps[0].Actions, []string{"delete", "create"}) {
		t.Errorf("steps %+v", p.Steps)
	}
	want := mivet.SymbolicPrincipal("azurerm_linux_web_app.app")
	if len(p.After.RoleAssignments) != 1 || p.After.RoleAssignments[0].Principal != want {
		t.Errorf("after: %+v", p.After.RoleAssignments)
	}
	if p.Before.RoleAssignments[0].Principal != "aaaaaaaa-0000-4000-8000-000000000001" || p.After.TenantID != "bbbbbbbb-0000-4000-8000-000000000001" {
		t.Errorf("before: %+v, tenant %s", p.Before.RoleAssignments, p.After.TenantID)
	}
}

func TestReadBinaryPlanFaults(t *testing.T) {
	f := func(file []byte, want string) {
		t.Helper()
		_, err := ReadBinaryPlan(context.Background(), "p", bytes.NewReader(file), int64(len(file)))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "show -json") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	of := func(plan []byte) []byte { return planFile(t, plan, map[string]string{}) }
	f([]byte("PK\x03\x04"), "no whole zip")
	f(of(nil), "its version is 0")
	f(of(field(fieldVersion, 4)), "its version is 4")
	f(of([]byte{0x1a, 0x7f}), "damaged")
	f(of([]byte{0x1f}), "unknown form")
	f(of(planned("nothing", 1)), "has no address")
	f(of(planned("a.b", 77)), "unknown number 77")
	f(of(field(fieldChanges, field(changeBody, field(2, field(1, []byte{0xc1}))))), "a value is damaged")
	var b bytes.Buffer
	if err := zip.NewWriter(&b).Close(); err != nil {
		t.Fatal(err)
	}
	f(b.Bytes(), "holds no tfplan")
}

func TestMsgpack(t *testing.T) {
	f := func(text string, want any) {
		t.Helper()
		got, err := (&msgpack{b: []byte(text)}).value()
		if err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	f("\x07", 7.0)
	f("\xff", -1.0)
	f("\xa2ab", "ab")
	f("\xd9\x01a", "a")
	f("\xcd\x01\x00", 256.0)
	f("\xd1\xff\xfe", -2.0)
	f("\xca\x3f\x80\x00\x00", 1.0)
	f("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", 1.0)
	f("\xc7\x01\x0c\x80", unknownMsgpack{})
	f("\xd4\x00\x00", unknownMsgpack{})
	f("\xc4\x01x", "x")
	f("\x92\xc4\x08\"string\"\xa1x", "x") // with its type
	f("\x92\xc4\x09\"dynamic\"\xd4\x00\x00", unknownMsgpack{})
	v, err := (&msgpack{b: []byte("\x92\xa1a\xa1b")}).value()
	if list, _ := v.([]any); err != nil || len(list) != 2 {
		t.Errorf("a plain list is %v, %v", v, err)
	}
	for _, text := range []string{"", "\xc1", "\xd9\x05a", "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\x81\x01", "\x91", "\xc7", "\xd4", strings.Repeat("\x91", maxDepth+1)} {
		if v, err := (&msgpack{b: []byte(text)}).value(); err == nil {
			t.Errorf("%q gave %v", text, v)
		}
	}
	if v, _ := (&msgpack{b: []byte("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00")}).value(); v != math.Inf(1) {
		t.Errorf("got %v", v)
	}
}

func FuzzBinaryPlan(f *testing.F) {
	f.Add(recycling())
	f.Add(slices.Concat(field(fieldVersion, planVersion), planned("data.a.b", 2, map[string]any{"x": []any{true, nil}})))
	f.Fuzz(func(t *testing.T, plan []byte) {
		file := planFile(t, plan, map[string]string{})
		_, _ = ReadBinaryPlan(context.Background(), "p", bytes.NewReader(file), int64(len(file))) // it must return
	})
}
