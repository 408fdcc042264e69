// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/execpath"
)

// pathJSON is a path for machines.
type pathJSON struct {
	Level string    `json:"level"`
	Steps []hopJSON `json:"steps"`
}

type hopJSON struct {
	From      principalJSON     `json:"from"`
	To        principalJSON     `json:"to"`
	Level     string            `json:"level"`
	Technique string            `json:"technique"`
	Kind      string            `json:"kind"`
	Certainty string            `json:"certainty"`
	How       string            `json:"how"`
	Host      arm.ID            `json:"host,omitzero"`
	Workload  arm.ID            `json:"workload,omitzero"`
	Link      *linkJSON         `json:"link,omitzero"`
	Rights    []hopRightJSON    `json:"rights,omitzero"`
	Gates     []gateReadingJSON `json:"gates,omitzero"`
	Also      []string          `json:"also,omitzero"`
	Unsure    []string          `json:"unsure,omitzero"`
	Source    mivet.Source      `json:"source,omitzero"`
}

type linkJSON struct {
	Workload arm.ID       `json:"workload"`
	Content  arm.ID       `json:"content"`
	Kind     string       `json:"kind"`
	Setting  string       `json:"setting"`
	Value    string       `json:"value"`
	Source   mivet.Source `json:"source,omitzero"`
}

type hopRightJSON struct {
	Operation arm.Operation `json:"operation"`
	Plane     mivet.Plane   `json:"plane"`
	Object    arm.ID        `json:"object"`
	Effect    authz.Effect  `json:"effect"`
	Cause     authz.Cause   `json:"cause"`
	Reasons   []reasonJSON  `json:"reasons"`
	Missing   []missingJSON `json:"missing,omitzero"`
}

type gateReadingJSON struct {
	Gate    string         `json:"gate"`
	About   string         `json:"about"`
	State   execpath.State `json:"state"`
	Setting string         `json:"setting,omitzero"`
	Value   string         `json:"value,omitzero"`
	Source  mivet.Source   `json:"source,omitzero"`
}

func (p *paths) pathsJSON(all []execpath.Path) []pathJSON {
	out := []pathJSON{}
	for i := range all {
		j := pathJSON{Level: all[i].Level.String(), Steps: []hopJSON{}}
		for k := range all[i].Steps {
			j.Steps = append(j.Steps, p.hopJSON(&all[i].Steps[k]))
		}
		out = append(out, j)
	}
	return out
}

func (p *paths) named(id mivet.PrincipalID) principalJSON {
	name, kind := p.names(id)
	return principalJSON{id, name, kind}
}

func (p *paths) hopJSON(s *execpath.Step) hopJSON {
	j := hopJSON{
		From: p.named(s.From), To: p.named(s.To), Level: s.Level.String(), Technique: s.Technique, Kind: string(s.Kind),
		Certainty: string(s.Certainty), How: s.How, Host: s.Host, Workload: s.Workload, Also: s.Also, Unsure: s.Why, Source: s.Source,
	}
	if l := s.Link; l != nil {
		j.Link = &linkJSON{l.Workload, l.Content, string(l.Kind), l.Setting, l.Value, l.Source}
	}
	for i := range s.Rights {
		r := &s.Rights[i]
		j.Rights = append(j.Rights, hopRightJSON{r.Operation, r.Plane, r.Object, r.Effect, r.Cause, p.reasonsJSON(r.Reasons), allMissingJSON(r.Missing)})
	}
	for _, g := range s.Gates {
		j.Gates = append(j.Gates, gateReadingJSON{g.Gate.ID, g.Gate.About, g.State, g.Setting, g.Value, g.Source})
	}
	return j
}
