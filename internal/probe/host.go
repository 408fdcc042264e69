// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
)

// Host is what the workload runs on, as its variables tell.
type Host struct {
	Kind string `json:"kind"`
	// Because names the variables and files that tell it.
	Because []string `json:"because,omitzero"`
}

// signs are the marks of hosts, the most special first: variables that are not empty.
var signs = []struct {
	kind  string
	marks []string
}{
	{"Azure Service Fabric", []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"}},
	{"Azure Container Apps", []string{"CONTAINER_APP_NAME"}},
	{"Azure Functions", []string{"WEBSITE_SITE_NAME", "FUNCTIONS_WORKER_RUNTIME"}},
	{"Azure App Service", []string{"WEBSITE_SITE_NAME"}},
	{"Azure Automation", []string{"AUTOMATION_ASSET_SANDBOX_ID"}},
	{"Kubernetes with workload identity", []string{"KUBERNETES_SERVICE_HOST", "AZURE_FEDERATED_TOKEN_FILE"}},
	{"a pod without workload identity", []string{"KUBERNETES_SERVICE_HOST"}},
	{"a host of the App Service protocol", []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER"}},
	{"Azure Arc", []string{"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"}},
	{"Azure Machine Learning", []string{"MSI_ENDPOINT", "MSI_SECRET"}},
	{"Azure Cloud Shell", []string{"MSI_ENDPOINT"}},
	{"a federated workload", []string{"AZURE_FEDERATED_TOKEN_FILE"}},
}

// arcPaths returns the file that is there where the agent of Azure Arc is installed, and the
// folder in which it puts its keys (github.com/AzureAD/microsoft-authentication-library-for-go
// apps/managedidentity; the client for .NET has the same).
func arcPaths(system string, env map[string]string) (agent, keys string) {
	if system != "windows" {
		return "/opt/azcmagent/bin/himds", "/var/opt/azcmagent/tokens"
	}
	const folder = `\AzureConnectedMachineAgent\`
	return orDefault(env["ProgramFiles"], `C:\Program Files`) + folder + "himds.exe", orDefault(env["ProgramData"], `C:\ProgramData`) + folder + "Tokens"
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Detect says what the workload runs on.
func Detect(env map[string]string) Host {
	for _, s := range signs {
		if !slices.ContainsFunc(s.marks, func(m string) bool { return env[m] == "" }) {
			return Host{s.kind, s.marks}
		}
	}
	if agent, _ := arcPaths(runtime.GOOS, env); exists(agent) {
		return Host{"Azure Arc", []string{agent}}
	}
	return Host{Kind: "a virtual machine, a node, a container group, or no host of Azure"}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Variables turns an environment of NAME=VALUE into a map.
func Variables(environ []string) map[string]string {
	env := map[string]string{}
	for _, v := range environ {
		if name, value, ok := strings.Cut(v, "="); ok {
			env[name] = value
		}
	}
	return env
}

// Given names the variables that select identities and are set, without their values.
func Given(env map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		switch name {
		case "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET", "DEFAULT_IDENTITY_CLIENT_ID":
		default:
			if !strings.HasPrefix(name, "AZURE_") {
				continue
			}
		}
		if env[name] == "" {
			name += " (empty)"
		}
		out = append(out, name)
	}
	return out
}
