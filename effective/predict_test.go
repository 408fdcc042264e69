// SPDX-License-Identifier: Apache-2.0

package effective_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mivet/mivet/effective"
)

// predictions runs a table of one configuration after the other.
func predictions(t *testing.T) func(client, configuration, want string) {
	t.Helper()
	return func(client, configuration, want string) {
		t.Helper()
		p := process(t, client, configuration)
		out, err := effective.Predict(p)
		if err != nil {
			t.Errorf("%s, %s: %v", client, configuration, err)
			return
		}
		if got := short(out); got != want {
			t.Errorf("%s, %s: presents %s, want %s\n%v", client, configuration, got, want, out.Steps)
		}
		if p.API != effective.Workload && len(out.Steps) == 0 {
			t.Errorf("%s, %s: no step says why", client, configuration)
		}
	}
}

const (
	goNew  = "go 1.15.0"
	jsNew  = "js 4.14.1"
	python = "python 1.13.0b2"
)

func TestMetadataService(t *testing.T) {
	f := predictions(t)
	for _, client := range []string{goNew, jsNew, python, "go 1.3.0", "js 3.4.2"} {
		f(client, "sys", "sys from IMDS")
		f(client, "one", "one from IMDS")
		f(client, "sys one", "sys from IMDS")
		f(client, "one two", "failure")
		f(client, "one two az", "person from DeveloperTool")
		f(client, "sys one AZURE_CLIENT_ID=one", "one from IMDS")
		f(client, "sys one AZURE_CLIENT_ID=sys", "sys from IMDS")
		f(client, "sys imds-absent az", "person from DeveloperTool")
		f(client, "sys imds-lost az", "person from DeveloperTool")
	}
	// A client ID that is not attached: an error in Go, a person's token elsewhere.
	f(goNew, "sys AZURE_CLIENT_ID=two az", "failure")
	f(jsNew, "sys AZURE_CLIENT_ID=two az", "person from DeveloperTool")
	f(python, "sys AZURE_CLIENT_ID=two az", "person from DeveloperTool")
	// A client ID that is set to nothing.
	f(goNew, "sys AZURE_CLIENT_ID= az", "person from DeveloperTool")
	f("go 1.8.2", "sys AZURE_CLIENT_ID= az", "sys from IMDS")
	f(jsNew, "sys AZURE_CLIENT_ID= az", "sys from IMDS")
	f(python, "sys AZURE_CLIENT_ID= az", "sys from IMDS")
}

func TestFailingMetadataService(t *testing.T) {
	f := predictions(t)
	f(goNew, "sys imds-502 az", "failure")
	f("go 1.8.2", "sys imds-502 az", "person from DeveloperTool")
	f("go 1.5.2", "sys imds-502 az", "person from DeveloperTool")
	f(jsNew, "sys imds-502 az", "person from DeveloperTool")
	f(python, "sys imds-502 az", "failure")
	f(goNew, "sys imds-slow az", "person from DeveloperTool")
	f("go 1.5.2", "sys imds-slow az", "person from DeveloperTool")
	f(goNew, "sys imds-slow direct", "sys from IMDS")
	f("js 4.12.0", "sys imds-slow direct", "failure")
	f(jsNew, "sys imds-slow direct", "sys from IMDS")
	f(python, "sys imds-slow az", "sys from IMDS")
	f("python 1.15.0", "sys imds-slow az", "person from DeveloperTool")
	f(goNew, "sys imds-proxy az", "person from DeveloperTool")
	f("go 1.3.0", "sys imds-proxy az", "failure")
	f(python, "sys imds-proxy az", "failure")
	f("python 1.15.0", "sys imds-proxy az", "person from DeveloperTool")
	f(goNew, "sys imds-html az", "person from DeveloperTool")
	f("go 1.7.0", "sys imds-html az", "failure")
	f("go 1.8.0", "sys imds-html az", "person from DeveloperTool")
	f(goNew, "sys imds-403 az", "failure")
	f("go 1.8.2", "sys imds-403 az", "person from DeveloperTool")
	f(goNew, "sys imds-410", "sys from IMDS")
	f("go 1.3.1", "sys imds-410 az", "failure")
	f("go 1.4.0", "sys imds-410 az", "person from DeveloperTool")
	f("js 4.10.2", "sys imds-410 az", "person from DeveloperTool")
	f(jsNew, "sys imds-410 az", "sys from IMDS")
	f(jsNew, "sys imds-429 az", "person from DeveloperTool")
	f(jsNew, "sys imds-429s az", "sys from IMDS")
	f("js 4.4.0", "sys imds-429 az", "failure")
	f(jsNew, "sys imds-429 az twice", "sys from IMDS")
	f("go 1.5.2", "sys imds-429 az twice", "person from DeveloperTool")
	f(jsNew, "sys imds-404", "sys from IMDS")
	f("go 1.8.0", "sys imds-404 IDENTITY_ENDPOINT=http://x", "failure") // asked as any endpoint is
	f("go 1.8.0", "sys imds-slow IDENTITY_ENDPOINT=http://x", "sys from IMDS")
	f("go 1.8.0", "sys imds-404", "sys from IMDS")
	f(goNew, "sys imds-absent with-cli az", "failure")
	f(jsNew, "sys imds-absent with-cli az", "person from DeveloperTool")
}

func TestHosts(t *testing.T) {
	f := predictions(t)
	for _, client := range []string{goNew, jsNew, python} {
		f(client, "appservice sys one", "sys from AppService")
		f(client, "appservice sys one AZURE_CLIENT_ID=one", "one from AppService")
		f(client, "appservice one", "failure") // no default to the only one
		f(client, "appservice sys one direct AZURE_CLIENT_ID=one", "sys from AppService")
		f(client, "arc sys", "sys from AzureArc")
		f(client, "shell sys", "sys from CloudShell")
		f(client, "ml sys", "sys from AzureML")
	}
	f(goNew, "appservice one az", "failure")
	f(jsNew, "appservice one az", "person from DeveloperTool")
	f(jsNew, "appservice sys app-500 az", "person from DeveloperTool")
	f("js 4.4.0", "appservice sys app-500 az", "failure")
	f(goNew, "appservice sys app-404 az", "failure")
	f("go 1.5.2", "appservice sys app-500 az", "person from DeveloperTool")
	f(goNew, "shell sys AZURE_CLIENT_ID=one az", "person from DeveloperTool")
	f("go 1.7.0", "shell sys AZURE_CLIENT_ID=one az", "sys from CloudShell")
	f("js 4.2.1", "shell sys one AZURE_CLIENT_ID=one az", "one from CloudShell")
	f("js 4.4.1", "shell sys one AZURE_CLIENT_ID=one", "failure")
	f("js 4.4.1", "shell sys one direct option.client=one", "failure")
	f("js 4.5.0", "shell sys one direct option.client=one", "refused")
	f(goNew, "ml sys one DEFAULT_IDENTITY_CLIENT_ID=one", "one from AzureML")
	f("js 4.6.0", "ml sys one DEFAULT_IDENTITY_CLIENT_ID=one", "sys from CloudShell")
	f("js 4.7.0", "ml sys one DEFAULT_IDENTITY_CLIENT_ID=one", "one from AzureML")
	f(python, "ml sys one DEFAULT_IDENTITY_CLIENT_ID=one", "sys from AzureML")
	f("go 1.3.0", "ml sys", "sys from CloudShell")
	f(jsNew, "ml sys one direct option.resource=one", "failure")
	f(goNew, "ml sys one direct option.resource=one", "refused")
	f(goNew, "fabric sys", "sys from ServiceFabric")
	f("go 1.14.1", "fabric sys az", "failure")
	f("go 1.5.2", "fabric sys az", "person from DeveloperTool")
	f(jsNew, "fabric sys az", "person from DeveloperTool")
	f("js 4.2.1", "fabric sys", "sys from ServiceFabric")
	f(python, "fabric one", "one from ServiceFabric")
	f(goNew, "fabric sys direct option.client=one", "refused")
	f(goNew, "IDENTITY_ENDPOINT=http://x sys", "sys from IMDS")
	f(python, "IDENTITY_ENDPOINT=http://x sys", "failure")
	f(jsNew, "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://pod sys imds-absent", "sys from IMDS")
	f(goNew, "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://pod sys imds-absent", "failure")
}

func TestArc(t *testing.T) {
	f := predictions(t)
	f("go 1.7.0", "arc sys one AZURE_CLIENT_ID=one", "sys from AzureArc") // silently another identity
	f("go 1.8.2", "arc sys one AZURE_CLIENT_ID=one az", "person from DeveloperTool")
	f(goNew, "arc sys one AZURE_CLIENT_ID=one az", "failure")
	f(goNew, "arc sys one AZURE_CLIENT_ID=one agent-new", "one from AzureArc")
	f(goNew, "arc one agent-new AZURE_CLIENT_ID=two", "failure")
	f(jsNew, "arc sys one AZURE_CLIENT_ID=one az", "person from DeveloperTool")
	f("js 4.13.1", "arc sys one AZURE_CLIENT_ID=one agent-new", "one from AzureArc")
	f("js 4.13.0", "arc sys one AZURE_CLIENT_ID=one agent-new", "failure")
	f("js 4.2.1", "arc sys one AZURE_CLIENT_ID=one", "sys from AzureArc")
	f(python, "arc sys one AZURE_CLIENT_ID=one az", "failure")
	f(goNew, "arc sys key-hidden az", "failure")
	f(jsNew, "arc sys key-hidden az", "person from DeveloperTool")
	f(goNew, "agent-file sys", "sys from AzureArc")
	f(python, "agent-file sys", "sys from IMDS")
	f("go 1.8.2", "agent-file sys", "sys from IMDS")
	f("go 1.8.2", "arc shell sys", "sys from AzureArc")
	f("go 1.9.0", "arc shell sys", "sys from CloudShell")
	f("js 4.4.0", "arc shell sys", "sys from AzureArc")
	f("js 4.4.1", "arc shell sys", "sys from CloudShell")
	f(goNew, "arc one", "failure")
}

func TestAddresses(t *testing.T) {
	f := predictions(t)
	f(goNew, "listens appservice sys", "sys from AppService")
	f(goNew, "listens appservice IDENTITY_HEADER=wrong sys az", "failure")
	f(jsNew, "listens appservice IDENTITY_HEADER=wrong sys az", "person from DeveloperTool")
	f(goNew, "listens appservice IDENTITY_ENDPOINT=http://agent/token sys", "failure")
	f(goNew, "listens appservice IDENTITY_ENDPOINT=http://nowhere/token sys", "failure")
	f(jsNew, "listens appservice IDENTITY_ENDPOINT=http://nowhere/token sys az", "person from DeveloperTool")
	f(goNew, "listens appservice IDENTITY_ENDPOINT=http://[bad sys", "failure")
	f(goNew, "listens arc IDENTITY_ENDPOINT=http://app/token sys", "failure")
	f(goNew, "listens arc IDENTITY_ENDPOINT=http://shell/token sys", "failure")
	f(jsNew, "listens arc IDENTITY_ENDPOINT=http://shell/token sys", "sys from CloudShell")
	f(goNew, "listens fabric IDENTITY_HEADER=wrong sys", "failure")
	f(goNew, "listens appservice IDENTITY_ENDPOINT=https://fabric/token sys", "failure")
	f(goNew, "listens ml sys one AZURE_CLIENT_ID=one", "one from CloudShell")
}

func TestSecrets(t *testing.T) {
	f := predictions(t)
	for _, client := range []string{goNew, jsNew, python} {
		f(client, "sys secret", "app-two from EntraSecret")
		f(client, "sys secret appservice federated AZURE_CLIENT_ID=two", "app-two from EntraSecret")
		f(client, "sys secret bad-secret az", "failure")
		f(client, "sys password", "app-two from EntraPassword")
		f(client, "sys certificate", "app-two from EntraCertificate")
		f(client, "sys one AZURE_CLIENT_ID=one AZURE_CLIENT_SECRET=s", "one from IMDS")
	}
	f(goNew, "sys two certificate no-files", "two from IMDS")
	f(jsNew, "sys two certificate no-files", "failure")
	f(python, "sys two certificate no-files", "refused")
	f(goNew, "two secret AZURE_CLIENT_SECRET=", "two from IMDS")
	f(jsNew, "two secret AZURE_CLIENT_SECRET=", "two from IMDS")
	f(python, "two secret AZURE_CLIENT_SECRET=", "refused")
	f(goNew, "two secret AZURE_TENANT_ID=a/b", "two from IMDS")
	f(jsNew, "two secret AZURE_TENANT_ID=a/b", "two from IMDS")
	f("js 4.0.1", "two secret AZURE_TENANT_ID=a/b", "refused")
	f("js 3.2.4", "two secret AZURE_TENANT_ID=a/b", "app-two from EntraSecret")
	f("js 3.4.0", "sys az", "person from DeveloperTool") // a defect of that version
	f("js 3.4.0", "sys direct", "failure")
	f("js 3.4.1", "sys az", "sys from IMDS")
	f(python, "two secret AZURE_TENANT_ID=a/b", "refused")
}

func TestFederation(t *testing.T) {
	f := predictions(t)
	for _, client := range []string{goNew, jsNew, "js 3.4.2", "go 1.3.0"} {
		f(client, "sys federated", "app-one from Exchange")
		f(client, "sys appservice federated", "app-one from Exchange")
	}
	f("js 3.1.0", "sys one federated", "app-one from Exchange") // inside of managed identity
	f(python, "sys one federated", "one from IMDS")
	f(python, "sys one federated AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/", "app-one from Exchange")
	f("python 1.13.0", "sys one federated", "one from IMDS")
	f("python 1.13.0", "sys one federated AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/", "app-one from Exchange")
	f(python, "sys AZURE_TENANT_ID=t AZURE_FEDERATED_TOKEN_FILE=/token AZURE_AUTHORITY_HOST=https://x/", "refused")
	f(goNew, "sys federated bad-token az", "failure")
	f(jsNew, "sys federated bad-token az", "person from DeveloperTool")
	f(goNew, "sys federated no-files az", "failure")
	f("js 4.3.0", "sys federated no-files az", "failure")
	f("js 4.4.0", "sys federated no-files az", "person from DeveloperTool")
	f(goNew, "sys federated AZURE_CLIENT_ID=", "app-empty from Exchange")
	f(jsNew, "sys federated AZURE_CLIENT_ID=", "sys from IMDS")
	f(goNew, "sys one federated AZURE_TENANT_ID=", "one from IMDS")
	f(jsNew, "sys direct federated", "app-one from Exchange")
	f(goNew, "sys direct federated", "sys from IMDS")
	f(jsNew, "direct federated bad-token", "failure")
	f(goNew, "federation federated", "app-one from Exchange")
	f(goNew, "federation", "refused")
	f("js 4.4.1", "federation", "failure")
	f(jsNew, "federation", "refused")
	f(python, "federation federated", "refused")
	f(jsNew, "federated option.workload=two", "app-two from Exchange")
	f(jsNew, "federated option.managed=two", "app-two from Exchange")
	f(goNew, "federation federated option.client=two", "app-two from Exchange")
}

func TestSelection(t *testing.T) {
	f := predictions(t)
	f(goNew, "appservice sys az AZURE_TOKEN_CREDENTIALS=prod", "sys from AppService")
	f(goNew, "sys one AZURE_CLIENT_ID=two az AZURE_TOKEN_CREDENTIALS=dev", "person from DeveloperTool")
	f(goNew, "sys az AZURE_TOKEN_CREDENTIALS=PROD", "refused")
	f("go 1.9.0", "sys az AZURE_TOKEN_CREDENTIALS=PROD", "sys from IMDS")
	f(jsNew, "sys az AZURE_TOKEN_CREDENTIALS=PROD", "sys from IMDS")
	f(jsNew, "one two az AZURE_TOKEN_CREDENTIALS=prod", "failure")
	f(jsNew, "sys az AZURE_TOKEN_CREDENTIALS=AzureCliCredential", "person from DeveloperTool")
	f("js 4.10.2", "sys az AZURE_TOKEN_CREDENTIALS=AzureCliCredential", "refused")
	f("js 4.11.0", "sys az AZURE_TOKEN_CREDENTIALS=AzureCliCredential", "person from DeveloperTool")
	f("go 1.10.1", "sys az AZURE_TOKEN_CREDENTIALS=azureclicredential", "refused")
	f("go 1.11.0", "sys az AZURE_TOKEN_CREDENTIALS=azureclicredential", "person from DeveloperTool")
	f(goNew, "sys AZURE_TOKEN_CREDENTIALS=", "refused")
	f(jsNew, "sys AZURE_TOKEN_CREDENTIALS=", "sys from IMDS")
	f(python, "sys AZURE_TOKEN_CREDENTIALS=bogus", "sys from IMDS")
	f("python 1.23.0", "sys AZURE_TOKEN_CREDENTIALS=bogus", "refused")
	f(goNew, "sys one federated AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential", "one from IMDS")
	f(jsNew, "sys one federated AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential", "app-one from Exchange")
	f(goNew, "sys imds-slow AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential", "sys from IMDS")
	f("go 1.12.0", "sys imds-slow AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential", "failure")
	f(goNew, "sys required", "refused")
	f("go 1.11.0", "sys required", "sys from IMDS")
	f(goNew, "sys required AZURE_TOKEN_CREDENTIALS=prod", "sys from IMDS")
	f(jsNew, "sys option.needs=AZURE_CLIENT_ID", "refused")
	f("js 4.11.2", "sys option.needs=AZURE_CLIENT_ID", "sys from IMDS")
	f(jsNew, "sys AZURE_CLIENT_ID=sys option.needs=AZURE_CLIENT_ID", "sys from IMDS")
	f("js 4.13.0", "sys one option.managed=one AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential", "sys from IMDS")
	f("js 4.14.1", "sys one option.managed=one AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential", "one from IMDS")
}

func TestOptions(t *testing.T) {
	f := predictions(t)
	f(jsNew, "sys one two AZURE_CLIENT_ID=one option.managed=two", "two from IMDS")
	f(jsNew, "sys one two AZURE_CLIENT_ID=one option.managed-resource=two", "two from IMDS")
	f(goNew, "sys one direct option.resource=one", "one from IMDS")
	f(goNew, "sys one direct option.object=one", "one from IMDS")
	f("go 1.7.0", "sys one direct option.object=one", "refused")
	f("js 4.4.1", "sys one direct option.object=one", "sys from IMDS")
	f(jsNew, "sys one direct option.object=one", "one from IMDS")
	f(goNew, "sys one with-cli option.client=two az", "failure")
	f(jsNew, "sys one with-cli option.client=two az", "person from DeveloperTool")
}

// What nobody ran is said to be read, and what nobody read is unknown.
func TestBasis(t *testing.T) {
	f := predictions(t)
	f("dotnet 1.14.0", "sys one AZURE_CLIENT_ID=one", "one from IMDS")
	f("dotnet 1.14.0", "sys AZURE_CLIENT_ID=two az", "person from DeveloperTool")
	f("dotnet 1.14.0", "sys imds-502 az", "unknown")
	f("java 1.16.1", "direct sys federated", "app-one from Exchange")
	f("java 1.16.1", "federated bad-token", "unknown")
	for client, want := range map[string]effective.Basis{
		goNew: effective.ObservedRun, jsNew: effective.ObservedRun, python: effective.ObservedRun,
		"python 1.20.0": effective.FromSource, "dotnet 1.14.0": effective.FromSource, "java 1.12.0": effective.FromSource,
	} {
		out, err := effective.Predict(process(t, client, "sys"))
		if err != nil || out.Basis != want {
			t.Errorf("%s: basis %v, %v; want %s", client, out, err, want)
		}
	}
	out, err := effective.Predict(process(t, "dotnet 1.14.0", "sys imds-502"))
	if err != nil || out.Missing == "" {
		t.Errorf("an unknown outcome does not say what is missing: %+v, %v", out, err)
	}
}

func TestNotPredictable(t *testing.T) {
	f := func(client, configuration, want string) {
		t.Helper()
		if out, err := effective.Predict(process(t, client, configuration)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want an error about %q", client, out, err, want)
		}
	}
	f("cobol 1.0.0", "sys", "not known")
	f("go latest", "sys", "reading version")
	f("go 1.0.0", "sys", "older than what is known")
	p := process(t, goNew, "sys")
	p.API = "Magic"
	if _, err := effective.Predict(p); err == nil {
		t.Error("an unknown way to ask is predicted")
	}
	_, err := effective.Predict(process(t, "cobol 1.0.0", ""))
	if unknown := new(effective.UnknownSDKError); !errors.As(err, &unknown) || unknown.Name != "cobol" {
		t.Errorf("the error does not name the library: %v", err)
	}
}
