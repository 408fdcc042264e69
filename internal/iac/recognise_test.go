// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestRecognise(t *testing.T) {
	f := func(head string, want Kind) {
		t.Helper()
		if got := Recognise([]byte(head)); got != want {
			t.Errorf("%.60q is %s, want %s", head, got, want)
		}
	}
	f(`{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{`, KindTerraformPlan)
	f(`{"resource_changes":[],"configuration":{},"format_version":"0.1"}`, KindTerraformPlan)
	f("\xEF\xBB\xBF\n\t {\"resource_changes\" : [ {", KindTerraformPlan)
	f(`{"configuration":{},"format_version":"1.2"}`, KindTerraformPlan)
	f(`{"format_version":"1.0","terraform_version":"1.11.4","values":{"root_module":{}}}`, KindTerraformState)
	f(`{"values":{"root_module":{}},"terraform_version":"1.0"}`, KindTerraformState)
	f(`{"format_version":"1.0"}`, KindTerraformState)
	f(`{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"x","outputs":{},"resources":[`, KindTerraformRawState)
	f(`{"resources":[],"version":4}`, KindTerraformRawState)
	f(`{"version":3,"terraform_version":"0.11.1","serial":1,"lineage":"x","modules":[]}`, KindTerraformOldState)
	f(`{"serial":1,"lineage":"x","meta":{},"encrypted_data":"abc","encryption_version":"v0"}`, KindEncryptedState)
	f(`{"@level":"info","@message":"Terraform 1.11","@module":"terraform.ui"}`+"\n"+`{"@level":"info"}`, KindTerraformLog)
	f(`{"data":[{"kind":"AZTenant","data":{`, KindAzureHound)
	f(`{"meta":{"type":"azure","version":5,"count":0},"data":[]}`, KindAzureHound)
	f(`{"data":[],"meta":{"methods":0,"type":"computers","count":0,"version":6}}`, KindBloodHoundCollection)
	f(`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","resources":[]}`, KindARMTemplate)
	f(`{"$schema":"https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"}`, KindARMTemplate)
	f(`{"contentVersion":"1.0.0.0","resources":[]}`, KindARMTemplate)
	f(`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"}`, KindARMParameters)
	f(`{"predictedResources":[],"diagnostics":[]}`, KindBicepSnapshot)
	f(`{"status":"Succeeded","properties":{"changes":[{"changeType":"Create"}]}}`, KindWhatIf)
	f(`{"changes":[{"after":{},"changeType":"Create"}],"status":"Succeeded"}`, KindWhatIf)
	f("PK\x03\x04\x14\x00\x08\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x09\x00tfplan", KindTerraformBinaryPlan)
	f("PK\x03\x04 something else", KindZip)
	f("\nTerraform used the selected providers to generate the following execution\nplan.", KindTerraformText)
	f("# a comment\nresource \"azurerm_resource_group\" \"rg\" {", KindTerraformSource)
	f("terraform {\n  required_version = \"1\"", KindTerraformSource)
	f("// a comment\nparam location string = resourceGroup().location\n", KindBicep)
	f("resource kv 'Microsoft.KeyVault/vaults@2023-07-01' = {", KindBicep)
	f("module m './m.bicep' = {", KindBicep)
	f("// a comment\n{ \"$schema\": \"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\", // more", KindARMTemplate)
	f("{ // a comment\n\"$schema\": \"https://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#\"", KindARMParameters)
	f("@description('where')\nparam x string", KindBicep)
	f("var a = [", KindBicep)
	f("output id string = kv.id", KindBicep)
	f("locals {", KindTerraformSource)
	f("variable \"x\" {}", KindTerraformSource)
	f(``, KindUnknown)
	f(`{}`, KindUnknown)
	f(`[1,2]`, KindUnknown)
	f(`{"hello":"world"}`, KindUnknown)
	f("identity orders\nassign orders Reader /subscriptions/1", KindUnknown)
	f("\x00\x01\x02", KindUnknown)
}

// wide writes a text in UTF-16 with a byte order mark, as Windows PowerShell does.
func wide(text string, order binary.AppendByteOrder) []byte {
	out := order.AppendUint16(nil, 0xFEFF)
	for _, u := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, u)
	}
	return out
}

func TestUTF16(t *testing.T) {
	plain, err := os.ReadFile(filepath.Join("testdata", "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(plain), `"location":"westeurope"`, `"location":"w\u00e9st 😀 é"`, 1)
	want, err := ReadTerraform(context.Background(), "x", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		got, err := ReadTerraform(context.Background(), "x", bytes.NewReader(wide(text, order)))
		if err != nil {
			t.Fatal(err)
		}
		if printed(got) != printed(want) {
			t.Errorf("%v: UTF-16 is read differently:\n%s", order, printed(got))
		}
	}
	odd := append(wide(text, binary.LittleEndian), 'x')
	if _, err := ReadTerraform(context.Background(), "x", bytes.NewReader(odd)); err == nil {
		t.Error("half a character at the end is no error")
	}
}

func TestNotSupported(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := ReadTerraform(context.Background(), "in.json", strings.NewReader(text))
		if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"}`, "reading in.json: recognised as an ARM template: not supported here")
	f("PK\x03\x04tfplan", `recognised as a binary Terraform plan: not supported here; write the plan with "terraform plan -out=FILE"`)
	f(`{"data":[{"kind":"AZTenant"}]}`, "recognised as AzureHound output")
	f("hello", "reading in.json: not recognised")
	if _, err := ReadAzureHound(context.Background(), "in.json", strings.NewReader(`{"format_version":"1.0"}`)); !errors.Is(err, ErrNotSupported) {
		t.Errorf("a state is taken for AzureHound output: %v", err)
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]bool{}
	for k := KindUnknown; k <= KindZip; k++ {
		if k.String() == "" || seen[k.String()] {
			t.Errorf("kind %d is called %q", k, k)
		}
		seen[k.String()] = true
		if k.Supported() && k.Advice() != "" && k != KindTerraformBinaryPlan { // not from a stream
			t.Errorf("%s is read, and there is advice how to get something else", k)
		}
	}
	if Kind(200).String() != KindUnknown.String() {
		t.Error("a kind that does not exist has a name")
	}
}

func FuzzRecognise(f *testing.F) {
	for _, s := range []string{`{"format_version":"1.2","resource_changes":[`, `{"data":[{"kind":"AZ`, "PK\x03\x04", "\xFF\xFE{\x00", "resource \"a", `{"properties":{"changes":[{"changeType":`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		k := Recognise(head)
		if k > KindZip {
			t.Errorf("kind %d", k)
		}
		if blanks := append([]byte(" \n"), head...); head != nil && !hasMark(head) && !bytes.HasPrefix(head, []byte("PK")) && Recognise(blanks) != k {
			t.Errorf("blanks before it make it %s instead of %s", Recognise(blanks), k)
		}
	})
}

func hasMark(b []byte) bool {
	return bytes.HasPrefix(b, markUTF8) || bytes.HasPrefix(b, markUTF16LE) || bytes.HasPrefix(b, markUTF16BE)
}
