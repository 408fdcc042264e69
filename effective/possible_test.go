// SPDX-License-Identifier: Apache-2.0

package effective_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mivet/mivet/effective"
)

func TestPossible(t *testing.T) {
	f := func(client, configuration string, openCLI bool, want ...string) {
		t.Helper()
		all, err := effective.Possible(process(t, client, configuration), openCLI)
		if err != nil {
			t.Errorf("%s: %v", configuration, err)
			return
		}
		var got []string
		for i := range all {
			got = append(got, short(&all[i].Prediction))
			if len(all[i].When) == 0 {
				t.Errorf("%s: %s hangs on nothing", configuration, got[i])
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s %s: %v, want %v", client, configuration, got, want)
		}
	}
	f("", "sys", false, "sys from IMDS")
	f("cobol 1.0", "sys", true, "sys from IMDS")
	f(goNew, "one two", true, "failure", "person from DeveloperTool")
	f(goNew, "one two", false, "failure")
	f("go", "sys AZURE_CLIENT_ID= az", false, "person from DeveloperTool", "sys from IMDS")
	f("", "appservice one", true, "failure", "person from DeveloperTool", "unknown")
}

func TestPossibleErrors(t *testing.T) {
	p := process(t, goNew, "sys")
	p.API = "Magic"
	if _, err := effective.Possible(p, false); err == nil {
		t.Error("an unknown way to ask has possible answers")
	}
}

func TestChanges(t *testing.T) {
	f := func(client, configuration, event, want string) {
		t.Helper()
		changes, err := effective.Changes(process(t, client, configuration))
		if err != nil {
			t.Errorf("%s: %v", configuration, err)
			return
		}
		got := "no change"
		for _, c := range changes {
			if strings.Contains(c.Event, event) {
				got = short(c.After)
			}
		}
		if got != want {
			t.Errorf("%s, %s, after %q: %s, want %s", client, configuration, event, got, want)
		}
	}
	// The two events that change an identity without a sign.
	f(goNew, "one", "system-assigned identity is enabled", "system-assigned from IMDS")
	f(goNew, "one", "another user-assigned", "failure")
	f(goNew, "sys", "another user-assigned", "no change")
	f(goNew, "sys one", "system-assigned identity is disabled", "one from IMDS")
	f(goNew, "sys one AZURE_CLIENT_ID=one", "one is detached", "failure")
	f(jsNew, "appservice one", "az with somebody", "person from DeveloperTool")
	f(jsNew, "sys az", "fails for a while", "person from DeveloperTool")
	f(jsNew, "sys AZURE_CLIENT_ID=two az", "set to prod", "failure")
	f(goNew, "sys one AZURE_CLIENT_ID=one", "AZURE_CLIENT_ID is removed", "sys from IMDS")
	f(goNew, "sys AZURE_CLIENT_ID=sys", "left empty", "failure")
	f(jsNew, "sys federated", "does not inject", "sys from IMDS")
	f(goNew, "appservice sys one AZURE_CLIENT_ID=one", "uses ManagedIdentityCredential", "sys from AppService")
	f(goNew, "appservice sys one AZURE_CLIENT_ID=one", "client secret is added", "app-one from EntraSecret")
	f("go 1.8.2", "arc shell sys", "updated to 1.9.0", "sys from CloudShell")
	f("go 1.8.2", "sys", "updated", "no change")
	if _, err := effective.Changes(process(t, "cobol 1.0.0", "sys")); err == nil {
		t.Error("an unknown library has a fragility")
	}
}

// A prediction is among the possible answers, whatever is configured, and is made again
// the same.
func TestPredictionIsPossible(t *testing.T) {
	all := []string{
		"sys", "one", "two", "az", "appservice", "arc", "shell", "ml", "fabric", "federated", "secret", "agent-file", "agent-new", "bad-token",
		"imds-absent", "imds-502", "imds-slow", "direct", "with-cli", "AZURE_CLIENT_ID=one", "AZURE_CLIENT_ID=", "AZURE_TOKEN_CREDENTIALS=prod",
		"listens", "IDENTITY_ENDPOINT=", "option.client=two", "twice",
	}
	rapid.Check(t, func(r *rapid.T) {
		configuration := strings.Join(rapid.SliceOfN(rapid.SampledFrom(all), 0, 6).Draw(r, "configuration"), " ")
		sdks, err := effective.SDKs()
		if err != nil {
			r.Fatal(err)
		}
		sdk := rapid.SampledFrom(sdks).Draw(r, "library")
		version := rapid.SampledFrom(sdk.Versions()).Draw(r, "version")
		p := process(t, sdk.ID+" "+version, configuration)
		out, err := effective.Predict(p)
		if err != nil {
			r.Fatal(err)
		}
		p.Version = ""
		possible, err := effective.Possible(p, false)
		if err != nil {
			r.Fatal(err)
		}
		found := slices.ContainsFunc(possible, func(x effective.Possibility) bool {
			return short(&x.Prediction) == short(out) && slices.Contains(x.When, sdk.ID+" "+version)
		})
		if !found {
			r.Errorf("%s is not among what is possible", short(out))
		}
	})
}

func ExamplePredict() {
	out, err := effective.Predict(&effective.Process{
		SDK: "@azure/identity", Version: "4.14.1", API: effective.Default,
		Env: map[string]string{"IDENTITY_ENDPOINT": "http://localhost/token", "IDENTITY_HEADER": "header"},
		Host: effective.Host{
			User: []effective.ManagedIdentity{{Name: "orders", ClientID: "11111111-2222-3333-4444-555555555555"}},
			CLI:  true,
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.Outcome, "of", out.Identity)
	for _, s := range out.Steps {
		if s.Credential == effective.ManagedIdentityCredential {
			fmt.Println(s.Did)
		}
	}
	// Output:
	// token of the person who is signed in to the Azure CLI
	// AppService is asked with no selector and gives no token (refused-default: Unable to load the proper Managed Identity.)
}
