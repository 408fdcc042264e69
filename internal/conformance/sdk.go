// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
)

// sdkInput is a configuration of a client library in a simulated host.
type sdkInput struct {
	SDK     string            `json:"sdk"`
	Version string            `json:"version"`
	API     string            `json:"api"`
	Env     map[string]string `json:"env"`
	Options sdkOptions        `json:"options"`
	Host    sdkHost           `json:"host"`
	Calls   int               `json:"calls"`
}

type sdkOptions struct {
	ClientID                  string   `json:"clientId"`
	ResourceID                string   `json:"resourceId"`
	ObjectID                  string   `json:"objectId"`
	ManagedIdentityClientID   string   `json:"managedIdentityClientId"`
	ManagedIdentityResourceID string   `json:"managedIdentityResourceId"`
	WorkloadIdentityClientID  string   `json:"workloadIdentityClientId"`
	RequireSelection          bool     `json:"requireAzureTokenCredentials"`
	RequiredVariables         []string `json:"requiredEnvVars"`
	DisableInstanceDiscovery  bool     `json:"disableInstanceDiscovery"`
}

type sdkHost struct {
	IMDS       string `json:"imds"`
	Identities string `json:"identities"`
	CLI        bool   `json:"azOnPath"`
	Entra      string `json:"entra"`
	ArcAgent   string `json:"arcAgent"`
	ArcKeyFile *bool  `json:"arcKeyFile"`
	AgentFile  bool   `json:"himdsFile"`
	AppService string `json:"appservice"`
}

// sdkAnswer is what the client presents.
type sdkAnswer struct {
	Outcome    string  `json:"outcome"`
	Credential *string `json:"credential"`
	Source     *string `json:"source"`
	Identity   *string `json:"identity"`
}

// The names of the simulated host, as docs/conformance.md has them.
const (
	simulatedSecret    = "hdr-secret"
	simulatedTokenFile = "<FEDERATED_TOKEN_FILE>"
	systemName         = "system"
)

func simulatedIdentity(name string) effective.ManagedIdentity {
	ids := map[string][2]string{
		systemName: {"5ca0ffee-0000-4000-8000-0000000000aa", "5ca0ffee-0000-4000-8000-0000000000ab"},
		"ua1":      {"aaaaaaaa-1111-4111-8111-111111111111", "aaaaaaaa-1111-4111-8111-11111111111f"},
		"ua2":      {"bbbbbbbb-2222-4222-8222-222222222222", "bbbbbbbb-2222-4222-8222-22222222222f"},
	}[name]
	m := effective.ManagedIdentity{Name: name, ClientID: ids[0], Principal: mivet.NewPrincipalID(ids[1])}
	if name != systemName {
		m.Resource = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name
	}
	return m
}

var simulatedAPIs = map[string]effective.API{
	"DefaultAzureCredential":     effective.Default,
	"ManagedIdentityCredential":  effective.Managed,
	"WorkloadIdentityCredential": effective.Workload,
	"Chain(MI,AzureCLI)":         effective.ManagedThenCLI,
}

// simulatedIMDS are the modes of the simulated metadata service.
var simulatedIMDS = map[string]effective.Condition{
	"normal": {}, "absent": {Reached: "unreachable"}, "blackhole": {Reached: "dropped"},
	"docker403": {Status: 403, Unreachable: true}, "html200": {NotJSON: true}, "502": {Status: 502}, "slow5": {Slow: 5},
	"403json": {Status: 403}, "400weird": {Status: 400}, "429always": {Status: 429},
	"500once": {Once: 500}, "429once": {Once: 429}, "429ra1once": {Once: 429, RetryAfter: true}, "404once": {Once: 404}, "410once": {Once: 410},
}

func answerSDK(_ context.Context, _ *Runner, c *Case) (any, error) {
	var in sdkInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	err := require(given{"sdk", in.SDK != ""}, given{"version", in.Version != ""}, given{"api", in.API != ""}, given{"host.imds", in.Host.IMDS != ""}, given{"host.identities", in.Host.Identities != ""})
	if err != nil {
		return nil, err
	}
	p, err := in.process()
	if err != nil {
		return nil, err
	}
	out, err := effective.Predict(p)
	if err != nil {
		return nil, err
	}
	return presentedAnswer(out), nil
}

func (in *sdkInput) process() (*effective.Process, error) {
	api, ok := simulatedAPIs[in.API]
	if !ok {
		return nil, &UnsupportedError{fmt.Sprintf("api %q", in.API)}
	}
	o := in.Options
	host, err := in.Host.model()
	if err != nil {
		return nil, err
	}
	return &effective.Process{
		SDK: in.SDK, Version: in.Version, API: api, Env: in.Env, Calls: in.Calls, Host: *host,
		Options: effective.Options{
			ClientID: o.ClientID, ResourceID: o.ResourceID, ObjectID: o.ObjectID,
			ManagedIdentityClientID: o.ManagedIdentityClientID, ManagedIdentityResourceID: o.ManagedIdentityResourceID,
			WorkloadIdentityClientID: o.WorkloadIdentityClientID, RequireSelection: o.RequireSelection, RequiredVariables: o.RequiredVariables,
		},
	}, nil
}

func (h *sdkHost) model() (*effective.Host, error) {
	imds, ok := simulatedIMDS[h.IMDS]
	if !ok {
		return nil, &UnsupportedError{fmt.Sprintf("imds %q", h.IMDS)}
	}
	out := &effective.Host{
		Conditions: map[effective.Source]effective.Condition{effective.IMDS: imds},
		Listens: map[string]effective.Source{
			"127.0.0.1:41741": effective.AppService, "127.0.0.1:50342": effective.CloudShell,
			"127.0.0.1:40342": effective.AzureArc, "127.0.0.1:2377": effective.ServiceFabric,
		},
		Secret: simulatedSecret, CLI: h.CLI, AgentFile: h.AgentFile, AgentHonoursSelectors: h.ArcAgent == "new",
		KeyUnreadable: h.ArcKeyFile != nil && !*h.ArcKeyFile,
		Files:         map[string]bool{simulatedTokenFile: true},
		SecretRefused: h.Entra == "badsecret", AssertionRefused: h.Entra == "nofic",
	}
	switch h.AppService {
	case "", "normal":
	case "404":
		out.Conditions[effective.AppService] = effective.Condition{Status: 404}
	case "500":
		out.Conditions[effective.AppService] = effective.Condition{Status: 500}
	default:
		return nil, &UnsupportedError{fmt.Sprintf("appservice %q", h.AppService)}
	}
	switch h.Entra {
	case "", "normal", "badsecret", "nofic":
	default:
		return nil, &UnsupportedError{fmt.Sprintf("entra %q", h.Entra)}
	}
	return out, h.attach(out)
}

// attach reads the identities, such as "sys+ua1".
func (h *sdkHost) attach(out *effective.Host) error {
	if h.Identities == "none" {
		return nil
	}
	for name := range strings.SplitSeq(h.Identities, "+") {
		switch name {
		case "sys":
			m := simulatedIdentity(systemName)
			out.System = &m
		case "ua1", "ua2":
			out.User = append(out.User, simulatedIdentity(name))
		default:
			return &UnsupportedError{fmt.Sprintf("identity %q", name)}
		}
	}
	return nil
}

// simulatedSources are the words of the cases for what gives a token.
var simulatedSources = map[effective.Source]string{
	effective.IMDS: "IMDS", effective.AppService: "AppService", effective.CloudShell: "MSI_ENDPOINT", effective.AzureML: "MSI_ENDPOINT",
	effective.AzureArc: "AzureArc", effective.ServiceFabric: "ServiceFabric",
	effective.Exchange: "Entra token endpoint (client_assertion)", effective.EntraSecret: "Entra token endpoint (client_secret)",
	effective.EntraCert: "Entra token endpoint (client_assertion)", effective.EntraPassword: "entra:password", effective.DeveloperTool: "az CLI",
}

func presentedAnswer(p *effective.Prediction) sdkAnswer {
	switch p.Outcome {
	case effective.Refused:
		return sdkAnswer{Outcome: "constructor_error"}
	case effective.Token:
	default:
		return sdkAnswer{Outcome: "error"}
	}
	credential, source := string(p.Credential), simulatedSources[p.Source]
	var identity string
	switch p.Identity.Kind {
	case effective.Person:
		identity = "az-cli-user"
	case effective.Application:
		identity = "client:" + p.Identity.ClientID
	case effective.SystemAssigned:
		identity = systemName
	case effective.UserAssigned:
		identity = "user:" + p.Identity.Name
	}
	return sdkAnswer{Outcome: "token", Credential: &credential, Source: &source, Identity: &identity}
}
