// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// hostOf says which endpoint the code of a resource type asks; empty where it runs none
// of its own.
func hostOf(resourceType string) Source {
	switch arm.Fold(resourceType) {
	case "microsoft.web/sites", "microsoft.web/sites/slots", "microsoft.app/containerapps", "microsoft.app/jobs":
		return AppService
	case "microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets", "microsoft.containerinstance/containergroups",
		"microsoft.batch/batchaccounts/pools":
		return IMDS
	case "microsoft.hybridcompute/machines":
		return AzureArc
	}
	return ""
}

// settingPaths are where the variables of code stand among the properties, without the
// numbers of containers. Containers that only prepare are not the code.
var settingPaths = []string{"siteConfig.appSettings.", "template.containers.env.", "containers.properties.environmentVariables.", "env."}

// containerNumber is the place of a container in a path.
var containerNumber = regexp.MustCompile(`\[[0-9]+\]`)

// variableOf returns the name of the variable that a path of a property is, or "".
func variableOf(path string) string {
	plain := path
	if strings.IndexByte(path, '[') >= 0 {
		plain = containerNumber.ReplaceAllString(path, "")
	}
	for _, prefix := range settingPaths {
		if name, ok := strings.CutPrefix(plain, prefix); ok && !strings.ContainsAny(name, ".[") {
			return name
		}
	}
	return ""
}

// Variables returns the variables of the code and whether they were read. Values that are
// not kept are no empty ones. Where containers of one workload have a variable with
// different values there are several codes, and what all of them have is not known.
func (w *Carrier) Variables() (env map[string]string, read bool) {
	return VariablesOf(w.Resource)
}

// VariablesOf is [Carrier.Variables] of a resource.
func VariablesOf(r *mivet.Resource) (env map[string]string, read bool) {
	env = map[string]string{}
	if r.Detail == nil {
		return env, false
	}
	differ := map[string]bool{}
	for path, value := range r.Detail.Settings {
		name := variableOf(path)
		if name == "" {
			continue
		}
		read = true
		if value == "null" {
			continue
		}
		if old, there := env[name]; there && old != value {
			differ[name] = true
		}
		env[name] = value
	}
	for name := range differ {
		delete(env, name)
		read = read && !selection[name]
	}
	return env, read
}

// HasVariable reports whether the code of a resource, or one of its containers, has a
// variable that is not empty.
func HasVariable(r *mivet.Resource, name string) bool {
	if r.Detail == nil {
		return false
	}
	for path, value := range r.Detail.Settings {
		if value != "" && value != "null" && variableOf(path) == name {
			return true
		}
	}
	return false
}

// selection are the variables that decide which identity a client library presents.
var selection = map[string]bool{"AZURE_CLIENT_ID": true, "AZURE_TOKEN_CREDENTIALS": true, "AZURE_CLIENT_SECRET": true, "AZURE_TENANT_ID": true, "AZURE_FEDERATED_TOKEN_FILE": true}

// VariablePath returns the path of the property that a variable of the code comes from; of
// several the first in order.
func (w *Carrier) VariablePath(name string) (string, bool) {
	if w.Resource.Detail == nil {
		return "", false
	}
	found := ""
	for path := range w.Resource.Detail.Settings {
		if variableOf(path) == name && (found == "" || path < found) {
			found = path
		}
	}
	return found, found != ""
}

// code is what the code of the workload presents, nil where it runs none.
func (w *Carrier) code(sdk, version string) (*Consumer, error) {
	host := hostOf(w.Resource.ID.Type())
	if host == "" {
		return nil, nil
	}
	env, read := w.Variables()
	p := &Process{SDK: sdk, Version: version, API: Default, Env: maps.Clone(env), Host: Host{System: w.System, User: w.User}}
	if host == AppService {
		p.Env["IDENTITY_ENDPOINT"], p.Env["IDENTITY_HEADER"] = "http://localhost/msi/token", "header"
	}
	if host == AzureArc {
		p.Env["IDENTITY_ENDPOINT"], p.Env["IMDS_ENDPOINT"] = "http://localhost:40342/token", "http://localhost:40342"
	}
	c := &Consumer{Use: "the code, by DefaultAzureCredential", Source: "data of this package, by version"}
	all, err := Possible(p, false)
	if err != nil {
		return nil, err
	}
	if host == AppService && !read {
		c.Status, c.Why, c.Possible = NotRead, "the settings of the code were not read; without any it presents what is possible below", all
		return c, nil
	}
	if len(all) > 1 {
		c.Status, c.Possible, c.Why = Ambiguous, all, "it hangs on the client library"
		return c, nil
	}
	return c, w.oneAnswer(c, p, all[0])
}

// oneAnswer writes the only possible answer into a consumer, with its fragility where the
// library is known.
func (w *Carrier) oneAnswer(c *Consumer, p *Process, only Possibility) error {
	c.Why = "all client libraries that are known do so"
	if p.Version != "" {
		c.Why = strings.Join(lastSteps(only.Steps), "; ")
		changes, err := Changes(p)
		if err != nil {
			return err
		}
		c.Changes = changes
	}
	switch only.Outcome {
	case Token:
		c.Status, c.Identity = Presents, &only.Identity
	case Unknown:
		c.Status, c.Why = Ambiguous, only.Missing
	case Failure, Refused:
		c.Status, c.Effect = Wrong, "the code gets no token"
	}
	return nil
}

// RunsCode reports whether code of a resource type asks for tokens by variables and
// attached identities.
func RunsCode(resourceType string) bool { return hostOf(resourceType) != "" }

// Attached returns the attached identity that a client ID names, nil for none, and
// whether the client IDs of all are known.
func (w *Carrier) Attached(clientID string) (m *ManagedIdentity, known bool) {
	h := &Host{System: w.System, User: w.User}
	return h.find(selector{"client", clientID}), !w.idsMissing("client")
}

// lastSteps tells the step that decides, and those that stopped before it.
func lastSteps(steps []Step) []string {
	var out []string
	for _, s := range steps {
		if s.Credential == ManagedIdentityCredential || s.Then != thenNext {
			out = append(out, s.Did)
		}
	}
	return slices.Compact(out)
}
