// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"maps"
	"slices"
	"strings"

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

// settingPaths are where the variables of code stand among the properties.
var settingPaths = []string{"siteConfig.appSettings.", "template.containers.env.", "env."}

// variableOf takes a property apart that is a variable of code: the container that it is of,
// empty where there is one process, and its name. Of the image of a container, whose
// variables were read then, the name is empty.
func variableOf(path string) (container, name string, ok bool) {
	for _, prefix := range settingPaths {
		if name, ok := strings.CutPrefix(path, prefix); ok {
			return "", name, !strings.ContainsAny(name, ".[")
		}
	}
	list, rest, ok := strings.Cut(path, "].")
	if !ok {
		return "", "", false
	}
	of, _, _ := strings.Cut(list, "[")
	if !slices.Contains([]string{"template.containers", "template.initContainers", "containers", "initContainers"}, of) {
		return "", "", false
	}
	if rest == "image" || rest == "properties.image" { // Azure tells variables with the container
		return list + "]", "", true
	}
	for _, place := range []string{"env.", "properties.environmentVariables."} { // Container Apps and jobs; container groups
		if name, found := strings.CutPrefix(rest, place); found {
			return list + "]", name, !strings.ContainsAny(name, ".[")
		}
	}
	return "", "", false
}

// Containers returns the carrier for each of its containers that has variables of its own;
// itself where there are not several.
func (w *Carrier) Containers() []*Carrier {
	var names []string
	if w.Resource.Detail != nil {
		for path := range w.Resource.Detail.Settings {
			if c, _, ok := variableOf(path); ok && !slices.Contains(names, c) {
				names = append(names, c)
			}
		}
	}
	if len(names) < 2 {
		return []*Carrier{w}
	}
	slices.Sort(names)
	out := make([]*Carrier, len(names))
	for i, name := range names {
		one := *w
		one.Container = name
		out[i] = &one
	}
	return out
}

// Variables returns the variables of the code and whether they were read. Values that are
// not kept are no empty ones. Of several containers those of [Carrier.Container] count.
func (w *Carrier) Variables() (env map[string]string, read bool) {
	env = map[string]string{}
	if w.Resource.Detail == nil {
		return env, false
	}
	for path, value := range w.Resource.Detail.Settings {
		c, name, ok := variableOf(path)
		if !ok || w.Container != "" && c != w.Container {
			continue
		}
		read = true
		if name == "" {
			continue
		}
		if old, twice := env[name]; value != "null" && (!twice || old == "" || value != "" && value < old) {
			env[name] = value
		}
	}
	return env, read
}

// VariablePath returns the path of the property that a variable of the code comes from; of
// several the first in order.
func (w *Carrier) VariablePath(name string) (string, bool) {
	if w.Resource.Detail == nil {
		return "", false
	}
	found := ""
	for path := range w.Resource.Detail.Settings {
		if c, n, ok := variableOf(path); ok && name != "" && n == name && (w.Container == "" || c == w.Container) && (found == "" || path < found) {
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
	c := &Consumer{Use: "the code" + w.within() + ", by DefaultAzureCredential", Source: "data of this package, by version"}
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

// within names the container, where there are several.
func (w *Carrier) within() string {
	if w.Container == "" {
		return ""
	}
	return " of " + w.Container
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
