// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"fmt"
	"maps"
	"slices"
)

// Possibility is one of several answers, with what it hangs on.
type Possibility struct {
	Prediction
	// When lists the circumstances that lead to it, such as "go 1.9.0".
	When []string `json:"when"`
}

// Possible returns all answers that a process may give while inputs are not known: an
// unknown library, or one whose version is not given, stands for every behaviour that is
// known, and with openCLI it is not known whether somebody is signed in to a developer
// tool there.
func Possible(p *Process, openCLI bool) ([]Possibility, error) {
	clients, err := candidates(p)
	if err != nil {
		return nil, err
	}
	tools := []bool{p.Host.CLI}
	if openCLI {
		tools = []bool{false, true}
	}
	var all []Possibility
	for _, c := range clients {
		for _, cli := range tools {
			q := *p
			q.SDK, q.Version, q.Host.CLI = c.sdk, c.version, cli
			out, err := Predict(&q)
			if err != nil {
				return nil, err
			}
			when := c.sdk + " " + c.version
			if openCLI && cli {
				when += " with az signed in"
			}
			all = addPossibility(all, out, when)
		}
	}
	return all, nil
}

type client struct{ sdk, version string }

// candidates are the libraries and versions that a process may use.
func candidates(p *Process) ([]client, error) {
	named, err := FindSDK(p.SDK)
	if err != nil {
		return nil, err
	}
	if named != nil && p.Version != "" {
		return []client{{named.ID, p.Version}}, nil
	}
	sdks := []*SDK{named}
	if named == nil {
		if sdks, err = SDKs(); err != nil {
			return nil, err
		}
	}
	var out []client
	for _, s := range sdks {
		for _, v := range s.Versions() {
			out = append(out, client{s.ID, v})
		}
	}
	return out, nil
}

// addPossibility joins answers that are the same.
func addPossibility(all []Possibility, p *Prediction, when string) []Possibility {
	for i := range all {
		if all[i].same(p) {
			all[i].When = append(all[i].When, when)
			return all
		}
	}
	return append(all, Possibility{Prediction: *p, When: []string{when}})
}

// same reports whether two predictions come to the same: identity or failure.
func (p *Prediction) same(o *Prediction) bool {
	return p.Outcome == o.Outcome && p.Credential == o.Credential && p.Source == o.Source && p.Identity == o.Identity
}

// Change is one event and what the process presents after it.
type Change struct {
	Event string      `json:"event"`
	After *Prediction `json:"after"`
}

// event is something that may happen to a process.
type event struct {
	text  string
	apply func(p *Process)
	// update is true for a newer version of the library; only the first one that matters
	// is told.
	update bool
}

// Changes returns the single events after which the process would present something
// else: the fragility of a prediction.
func Changes(p *Process) ([]Change, error) {
	now, err := Predict(p)
	if err != nil {
		return nil, err
	}
	events := slices.Concat(hostEvents(p), variableEvents(p))
	more, err := upgrades(p)
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, e := range append(events, more...) {
		after, err := Predict(p.with(e.apply))
		if err != nil {
			return nil, fmt.Errorf("after %s: %w", e.text, err)
		}
		if !now.same(after) {
			out = append(out, Change{e.text, after})
			if e.update {
				break // the updates are the last events, oldest version first
			}
		}
	}
	return out, nil
}

// with returns a changed copy.
func (p *Process) with(apply func(p *Process)) *Process {
	q := *p
	q.Env = maps.Clone(p.Env)
	if q.Env == nil {
		q.Env = map[string]string{}
	}
	q.Host.User = slices.Clone(p.Host.User)
	q.Host.Conditions = maps.Clone(p.Host.Conditions)
	if q.Host.Conditions == nil {
		q.Host.Conditions = map[Source]Condition{}
	}
	apply(&q)
	return &q
}

// hostEvents are changes to what is attached and to the host.
func hostEvents(p *Process) []event {
	var out []event
	if p.Host.System == nil {
		out = append(out, event{text: "the system-assigned identity is enabled", apply: func(q *Process) {
			q.Host.System = &ManagedIdentity{Name: "system-assigned"}
		}})
	} else {
		out = append(out, event{text: "the system-assigned identity is disabled", apply: func(q *Process) { q.Host.System = nil }})
	}
	out = append(out, event{text: "another user-assigned identity is attached", apply: func(q *Process) {
		q.Host.User = append(q.Host.User, ManagedIdentity{Name: "another"})
	}})
	for i, m := range p.Host.User {
		out = append(out, event{text: "the user-assigned identity " + m.Name + " is detached", apply: func(q *Process) {
			q.Host.User = slices.Delete(q.Host.User, i, i+1)
		}})
	}
	if !p.Host.CLI {
		out = append(out, event{text: "the image holds az with somebody signed in", apply: func(q *Process) { q.Host.CLI = true }})
	}
	return append(out, event{text: "the metadata service fails for a while", apply: func(q *Process) {
		q.Host.Conditions[IMDS] = Condition{Status: 502}
	}})
}

// variableEvents are changes to the settings and to the code.
func variableEvents(p *Process) []event {
	set := func(name, value string) func(*Process) { return func(q *Process) { q.Env[name] = value } }
	out := []event{
		{text: "a client secret is added to the variables", apply: func(q *Process) {
			q.Env[varTenant], q.Env[varSecret] = "tenant", "secret"
			if q.Env[varClient] == "" {
				q.Env[varClient] = "an application's client ID"
			}
		}},
		{text: varSelection + " is set to prod", apply: set(varSelection, "prod")},
	}
	if _, there := p.Env[varClient]; there {
		out = append(out,
			event{text: varClient + " is removed", apply: func(q *Process) { delete(q.Env, varClient) }},
			event{text: varClient + " is set and left empty", apply: set(varClient, "")})
	}
	if _, there := p.Env[varTokenFile]; there {
		out = append(out, event{text: "the webhook does not inject the federated token", apply: func(q *Process) {
			for _, v := range []string{varTokenFile, varTenant, varClient} {
				delete(q.Env, v)
			}
		}})
	}
	if p.API == Default {
		out = append(out, event{text: "the code uses ManagedIdentityCredential in place of DefaultAzureCredential", apply: func(q *Process) { q.API = Managed }})
	}
	return out
}

// upgrades are the versions of the library whose behaviour differs and that are newer.
func upgrades(p *Process) ([]event, error) {
	sdk, err := FindSDK(p.SDK)
	if err != nil || sdk == nil {
		return nil, err
	}
	now, err := ParseVersion(p.Version)
	if err != nil {
		return nil, err
	}
	var out []event
	for _, text := range sdk.Versions() {
		v, err := ParseVersion(text)
		if err != nil {
			return nil, err
		}
		if v.Compare(now) > 0 {
			out = append(out, event{text: fmt.Sprintf("%s is updated to %s", sdk.Package, text), apply: func(q *Process) { q.Version = text }, update: true})
		}
	}
	return out, nil
}
