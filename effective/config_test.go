// SPDX-License-Identifier: Apache-2.0

package effective_test

import (
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
)

const (
	clientSys = "00000000-aaaa-4aaa-8aaa-000000000000"
	clientOne = "11111111-aaaa-4aaa-8aaa-111111111111"
	clientTwo = "22222222-aaaa-4aaa-8aaa-222222222222"
	tenant    = "99999999-aaaa-4aaa-8aaa-999999999999"
)

func userAssigned(name, client string) effective.ManagedIdentity {
	return effective.ManagedIdentity{
		Name: name, ClientID: client, Principal: mivet.PrincipalID("principal-" + name),
		Resource: "/subscriptions/1/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name,
	}
}

// words turns a configuration in words into a process.
var words = map[string]func(p *effective.Process){
	"sys": func(p *effective.Process) {
		m := userAssigned("sys", clientSys)
		m.Resource = ""
		p.Host.System = &m
	},
	"one":         func(p *effective.Process) { p.Host.User = append(p.Host.User, userAssigned("one", clientOne)) },
	"two":         func(p *effective.Process) { p.Host.User = append(p.Host.User, userAssigned("two", clientTwo)) },
	"az":          func(p *effective.Process) { p.Host.CLI = true },
	"direct":      func(p *effective.Process) { p.API = effective.Managed },
	"federation":  func(p *effective.Process) { p.API = effective.Workload },
	"with-cli":    func(p *effective.Process) { p.API = effective.ManagedThenCLI },
	"agent-file":  func(p *effective.Process) { p.Host.AgentFile = true },
	"agent-new":   func(p *effective.Process) { p.Host.AgentHonoursSelectors = true },
	"key-hidden":  func(p *effective.Process) { p.Host.KeyUnreadable = true },
	"bad-secret":  func(p *effective.Process) { p.Host.SecretRefused = true },
	"bad-token":   func(p *effective.Process) { p.Host.AssertionRefused = true },
	"twice":       func(p *effective.Process) { p.Calls = 2 },
	"required":    func(p *effective.Process) { p.Options.RequireSelection = true },
	"no-files":    func(p *effective.Process) { p.Host.Files = map[string]bool{} },
	"imds-absent": imds(effective.Condition{Reached: "unreachable"}),
	"imds-lost":   imds(effective.Condition{Reached: "dropped"}),
	"imds-slow":   imds(effective.Condition{Slow: 5}),
	"imds-502":    imds(effective.Condition{Status: 502}),
	"imds-403":    imds(effective.Condition{Status: 403}),
	"imds-proxy":  imds(effective.Condition{Status: 403, Unreachable: true}),
	"imds-html":   imds(effective.Condition{NotJSON: true}),
	"imds-429":    imds(effective.Condition{Once: 429}),
	"imds-429s":   imds(effective.Condition{Once: 429, RetryAfter: true}),
	"imds-410":    imds(effective.Condition{Once: 410}),
	"imds-404":    imds(effective.Condition{Once: 404}),
	"app-500":     condition(effective.AppService, effective.Condition{Status: 500}),
	"app-404":     condition(effective.AppService, effective.Condition{Status: 404}),
	"appservice":  variables("IDENTITY_ENDPOINT=http://app/token", "IDENTITY_HEADER=right"),
	"fabric":      variables("IDENTITY_ENDPOINT=https://fabric/token", "IDENTITY_HEADER=right", "IDENTITY_SERVER_THUMBPRINT=AB"),
	"arc":         variables("IDENTITY_ENDPOINT=http://agent/token", "IMDS_ENDPOINT=http://agent"),
	"shell":       variables("MSI_ENDPOINT=http://shell/token"),
	"ml":          variables("MSI_ENDPOINT=http://shell/token", "MSI_SECRET=s"),
	"federated":   variables("AZURE_TENANT_ID="+tenant, "AZURE_FEDERATED_TOKEN_FILE=/token", "AZURE_CLIENT_ID="+clientOne),
	"secret":      variables("AZURE_TENANT_ID="+tenant, "AZURE_CLIENT_SECRET=s", "AZURE_CLIENT_ID="+clientTwo),
	"certificate": variables("AZURE_TENANT_ID="+tenant, "AZURE_CLIENT_CERTIFICATE_PATH=/cert", "AZURE_CLIENT_ID="+clientTwo),
	"password":    variables("AZURE_TENANT_ID="+tenant, "AZURE_USERNAME=u", "AZURE_PASSWORD=p", "AZURE_CLIENT_ID="+clientTwo),
	"listens": func(p *effective.Process) {
		p.Host.Secret = "right"
		p.Host.Listens = map[string]effective.Source{
			"app": effective.AppService, "fabric": effective.ServiceFabric, "agent": effective.AzureArc, "shell": effective.CloudShell,
		}
	},
}

func condition(s effective.Source, c effective.Condition) func(p *effective.Process) {
	return func(p *effective.Process) { p.Host.Conditions[s] = c }
}

func imds(c effective.Condition) func(p *effective.Process) { return condition(effective.IMDS, c) }

func variables(list ...string) func(p *effective.Process) {
	return func(p *effective.Process) {
		for _, v := range list {
			name, value, _ := strings.Cut(v, "=")
			p.Env[name] = value
		}
	}
}

// byName are the options whose value is the name of an identity.
var byName = map[string]bool{"option.resource": true, "option.object": true, "option.managed-resource": true}

// process reads a configuration: words of the table above, NAME=VALUE for variables, and
// option.NAME=VALUE. The values one, two and sys stand for client IDs.
func process(t *testing.T, client, configuration string) *effective.Process {
	t.Helper()
	p := &effective.Process{API: effective.Default, Env: map[string]string{}, Host: effective.Host{Conditions: map[effective.Source]effective.Condition{}}}
	p.SDK, p.Version, _ = strings.Cut(client, " ")
	for w := range strings.FieldsSeq(configuration) {
		if apply, ok := words[w]; ok {
			apply(p)
			continue
		}
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			t.Fatalf("%q is no word of a configuration", w)
		}
		if id, ok := map[string]string{"one": clientOne, "two": clientTwo, "sys": clientSys}[value]; ok && !byName[name] {
			value = id
		}
		setOption(t, p, name, value)
	}
	return p
}

func setOption(t *testing.T, p *effective.Process, name, value string) {
	t.Helper()
	o := &p.Options
	switch name {
	case "option.client":
		o.ClientID = value
	case "option.resource":
		o.ResourceID = userAssigned(value, "").Resource
	case "option.object":
		o.ObjectID = "principal-" + value
	case "option.managed":
		o.ManagedIdentityClientID = value
	case "option.managed-resource":
		o.ManagedIdentityResourceID = userAssigned(value, "").Resource
	case "option.workload":
		o.WorkloadIdentityClientID = value
	case "option.needs":
		o.RequiredVariables = append(o.RequiredVariables, value)
	default:
		if strings.HasPrefix(name, "option.") {
			t.Fatalf("there is no %s", name)
		}
		p.Env[name] = value
	}
}

// short writes a prediction in a few words.
func short(p *effective.Prediction) string {
	if p.Outcome != effective.Token {
		return string(p.Outcome)
	}
	name := p.Identity.Name
	switch {
	case p.Identity.Kind == effective.Person:
		name = "person"
	case p.Identity.Kind == effective.Application:
		name = map[string]string{clientOne: "app-one", clientTwo: "app-two", "": "app-empty"}[p.Identity.ClientID]
	}
	return name + " from " + string(p.Source)
}
