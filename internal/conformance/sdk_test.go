// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// sdkCase is an input with the given members over a plain one.
func sdkCase(api, imds, identities, more string) string {
	return fmt.Sprintf(`{"sdk":"go","version":"1.15.0","api":%q,"env":{},"host":{"imds":%q,"identities":%q%s}}`, api, imds, identities, more)
}

func TestSDKWithoutAnswer(t *testing.T) {
	r := New(Options{})
	f := func(input, want string) {
		t.Helper()
		got, err := ask(t, r, "sdk", input)
		if err == nil || got != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want no answer, because of %s", input, got, err, want)
		}
	}
	f(`{"sdk":"go"}`, `no "version"`)
	f(`{"sdk":"go","version":"1.15.0","api":"DefaultAzureCredential","surprise":1}`, "surprise")
	f(`{"sdk":"cobol","version":"1.0.0","api":"DefaultAzureCredential","host":{"imds":"normal","identities":"sys"}}`, "not known")
	f(sdkCase("SomethingElse", "normal", "sys", ""), "api")
	f(sdkCase("DefaultAzureCredential", "melted", "sys", ""), "imds")
	f(sdkCase("DefaultAzureCredential", "normal", "sys+ua9", ""), "ua9")
	f(sdkCase("DefaultAzureCredential", "normal", "sys", `,"appservice":"teapot"`), "appservice")
	f(sdkCase("DefaultAzureCredential", "normal", "sys", `,"entra":"asleep"`), "entra")
}

func TestSDKAnswer(t *testing.T) {
	r := New(Options{})
	f := func(input, want string) {
		t.Helper()
		got, err := ask(t, r, "sdk", input)
		if err != nil {
			t.Errorf("%s: %v", input, err)
			return
		}
		if ok, err := r.Agrees(&Case{Kind: "sdk", Expected: []byte(want)}, got); !ok || err != nil {
			t.Errorf("%s: %+v, %v; want %s", input, got, err, want)
		}
	}
	f(sdkCase("DefaultAzureCredential", "normal", "sys+ua1", ""), `{"outcome":"token","credential":"ManagedIdentity","source":"IMDS","identity":"system"}`)
	f(sdkCase("ManagedIdentityCredential", "normal", "ua1", ""), `{"outcome":"token","credential":"ManagedIdentity","source":"IMDS","identity":"user:ua1"}`)
	f(sdkCase("Chain(MI,AzureCLI)", "normal", "none", `,"azOnPath":true`), `{"outcome":"token","credential":"AzureCLI","source":"az CLI","identity":"az-cli-user"}`)
	f(sdkCase("WorkloadIdentityCredential", "normal", "none", ""), `{"outcome":"constructor_error","credential":null,"source":null,"identity":null}`)
	f(sdkCase("DefaultAzureCredential", "500once", "ua2", ""), `{"outcome":"token","credential":"ManagedIdentity","source":"IMDS","identity":"user:ua2"}`)
}
