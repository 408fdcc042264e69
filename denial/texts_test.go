// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// A posted text is one that people get, in the form in which they post it: its sentences are
// those of public threads and of the pages of the services, names and IDs are made up. The
// file holds one a line.
type posted struct {
	Text    string  `json:"text"`
	Service Service `json:"service"`
	Code    string  `json:"code"`
	// First is the cause that the documentation names first, Among one that must be among
	// the first three.
	First Cause `json:"first"`
	Among Cause `json:"among"`

	OID       string `json:"oid"`
	AppID     string `json:"appid"`
	Operation string `json:"op"`
	Resource  string `json:"res"`
}

func postedTexts(t testing.TB) []posted {
	t.Helper()
	b, err := os.ReadFile("testdata/texts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var out []posted
	for line := range bytes.Lines(b) {
		var p posted
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func TestPostedTexts(t *testing.T) {
	for _, p := range postedTexts(t) {
		d := Parse(p.Text)
		if d.Service != p.Service || d.Code != p.Code {
			t.Errorf("%.120q is of %q %q, want %q %q", p.Text, d.Service, d.Code, p.Service, p.Code)
			continue
		}
		if d.Causes[0] != p.First || p.Among != "" && !slices.Contains(d.Causes[:min(3, len(d.Causes))], p.Among) {
			t.Errorf("%.120q: causes %v, want %s first and %q among three", p.Text, d.Causes, p.First, p.Among)
		}
		if d.Caller.OID != p.OID || d.Caller.AppID != p.AppID {
			t.Errorf("%.120q names application %q and object %q, want %q and %q", p.Text, d.Caller.AppID, d.Caller.OID, p.AppID, p.OID)
		}
		if p.Operation != "" && d.Operation != p.Operation || p.Resource != "" && d.Resource != p.Resource {
			t.Errorf("%.120q: operation %q at %q, want %q at %q", p.Text, d.Operation, d.Resource, p.Operation, p.Resource)
		}
	}
}

// A log of the client library beside the refusal tells whose token was sent.
func TestChain(t *testing.T) {
	const refusal = "\nThis request is not authorized to perform this operation using this permission."
	f := func(text, credential string, first Cause) {
		t.Helper()
		d := Parse(text)
		if d.Credential != credential || d.Causes[0] != first {
			t.Errorf("%q: token of %q, first %s, want %q and %s", text, d.Credential, d.Causes[0], credential, first)
		}
	}
	f("INFO:azure.identity:DefaultAzureCredential acquired a token from AzureCliCredential"+refusal, "AzureCliCredential", WrongIdentitySelected)
	f("azure:identity:info ChainedTokenCredential => getToken() => Result for EnvironmentCredential: SUCCESS. Scopes: x."+refusal, "EnvironmentCredential", WrongIdentitySelected)
	f("DefaultAzureCredential credential selected: Azure.Identity.VisualStudioCredential"+refusal, "VisualStudioCredential", WrongIdentitySelected)
	f("[Nov 1] Authentication: DefaultAzureCredential authenticated with ManagedIdentityCredential"+refusal, "ManagedIdentityCredential", ControlPlaneRoleOnly)
	f("DefaultAzureCredential acquired a token from AzureCliCredential\nThis request is not authorized to perform this operation.", "AzureCliCredential", Network)
	f(`pod/api-0: {"error":"invalid_request","error_description":"Identity not found"}`, "", WebhookNotInjected)
}
