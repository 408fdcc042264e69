// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"slices"
	"strings"
)

// defaultChain is the chain of DefaultAzureCredential, cut by AZURE_TOKEN_CREDENTIALS.
func (r *run) defaultChain() (*Prediction, error) {
	list, why := r.selected()
	if why != "" {
		r.step("", thenStop, "%s", why)
		return &Prediction{Outcome: Refused}, nil
	}
	m := mode{chained: true, inside: true}
	m.alone = len(list) == 1 && list[0] == ManagedIdentityCredential
	return r.chain(list, m)
}

// selected returns the credentials of the chain, or why it cannot be built.
func (r *run) selected() (list []Credential, refused string) {
	b, p := r.behaviour, r.process
	s := b.Selection
	if s == nil {
		return b.Chain, ""
	}
	if why := r.missingVariable(s); why != "" {
		return nil, why
	}
	value, set := p.Env[varSelection]
	switch {
	case !set, value == "" && s.Empty == "ignored":
		return b.Chain, ""
	}
	if s.Trim {
		value = strings.TrimSpace(value)
	}
	if value == "" && s.Trim && s.Empty == "ignored" {
		// A value of blanks alone is trimmed to nothing, which is no value that is known.
		return nil, varSelection + " holds blanks alone"
	}
	group := value
	if s.GroupCase == "folded" {
		group = strings.ToLower(value)
	}
	if list, ok := s.Groups[group]; ok {
		// In the order of the chain.
		return slices.DeleteFunc(slices.Clone(b.Chain), func(c Credential) bool { return !slices.Contains(list, c) }), ""
	}
	if c, ok := s.Names[strings.ToLower(value)]; ok {
		return []Credential{c}, ""
	}
	return nil, varSelection + " has the value " + quoted(value) + ", which this version refuses"
}

func quoted(s string) string { return "\"" + s + "\"" }

func (r *run) missingVariable(s *selectionFacts) string {
	o := r.process.Options
	if s.Required == "presence" && o.RequireSelection {
		if _, set := r.process.Env[varSelection]; !set {
			return varSelection + " is required and not set"
		}
	}
	if s.Required == "list" {
		for _, v := range o.RequiredVariables {
			if r.process.Env[v] == "" {
				return v + " is required and not set"
			}
		}
	}
	return ""
}
