// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// OpenGraph writes a run as a generic graph for BloodHound
// (SpecterOps/bloodhound-docs docs/opengraph/developer). Nodes are what findings are
// about, the scopes that can be reached, and the findings themselves. IDs of resources
// and principals are in upper case, as BloodHound writes those that it collects itself.
type OpenGraph struct {
	w io.Writer
	kept
	nodes map[string]*graphNode
	edges map[string]graphEdge
}

// NewOpenGraph returns a handler that writes to w.
func NewOpenGraph(w io.Writer) *OpenGraph {
	return &OpenGraph{w: w, nodes: map[string]*graphNode{}, edges: map[string]graphEdge{}}
}

const graphSource = "Mivet"

type graphFile struct {
	Metadata struct {
		SourceKind string `json:"source_kind"`
	} `json:"metadata"`
	Graph struct {
		Nodes []*graphNode `json:"nodes"`
		Edges []graphEdge  `json:"edges"`
	} `json:"graph"`
}

type graphNode struct {
	ID         string         `json:"id"`
	Kinds      []string       `json:"kinds"`
	Properties map[string]any `json:"properties"`
}

type graphEdge struct {
	Kind       string         `json:"kind"`
	Start      graphEnd       `json:"start"`
	End        graphEnd       `json:"end"`
	Properties map[string]any `json:"properties,omitzero"`
}

type graphEnd struct {
	Value   string `json:"value"`
	MatchBy string `json:"match_by"`
}

// Handle keeps messages and writes with the last.
func (g *OpenGraph) Handle(m Message) error {
	if !g.keep(m) {
		return nil
	}
	for _, f := range g.findings {
		g.add(f)
	}
	var file graphFile
	file.Metadata.SourceKind = graphSource
	file.Graph.Nodes = []*graphNode{}
	file.Graph.Edges = []graphEdge{}
	for _, n := range g.nodes {
		file.Graph.Nodes = append(file.Graph.Nodes, n)
	}
	slices.SortFunc(file.Graph.Nodes, func(a, b *graphNode) int { return cmp.Compare(a.ID, b.ID) })
	for _, e := range g.edges {
		file.Graph.Edges = append(file.Graph.Edges, e)
	}
	slices.SortFunc(file.Graph.Edges, func(a, b graphEdge) int { return cmp.Compare(a.key(), b.key()) })
	b, err := marshal(file)
	if err == nil {
		_, err = g.w.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing OpenGraph: %w", err)
	}
	return nil
}

func (e *graphEdge) key() string { return e.Kind + "\x00" + e.Start.Value + "\x00" + e.End.Value }

func (g *OpenGraph) add(f *FindingMessage) {
	subject := g.subject(f.Subject)
	finding := "MIVET-" + f.Fingerprint
	g.nodes[finding] = &graphNode{ID: finding, Kinds: []string{"MivetFinding"}, Properties: map[string]any{
		"name": f.Rule + ": " + f.Subject.String(), "rule": f.Rule, "severity": f.Severity.String(), "state": string(f.State),
		"message": f.Message, "consequence": f.Consequence, "fix": f.Fix.Summary, "fingerprint": f.Fingerprint,
	}}
	g.edge("MivetHasFinding", subject, finding, nil)
	if f.Reach == nil || f.State != Open {
		return
	}
	for _, scope := range f.Reach.Scopes {
		kind := "MivetReaches"
		if f.Reach.Grants {
			kind = "MivetReachesAndGrants"
		}
		g.edge(kind, subject, g.scope(scope), map[string]any{"rule": f.Rule, "fingerprint": f.Fingerprint})
	}
}

// subject adds the node of what a finding is about. An identity is known to BloodHound by
// its principal.
func (g *OpenGraph) subject(s mivet.Subject) string {
	id := graphID(s.Key())
	kind := "MivetResource"
	if s.Principal != "" {
		id, kind = graphID(string(s.Principal)), "MivetIdentity"
	}
	n := g.node(id, kind, s.String())
	if !s.Resource.IsZero() {
		n.Properties["resource"] = s.Resource.String()
	}
	return id
}

func (g *OpenGraph) scope(id arm.ID) string {
	g.node(graphID(string(id.Key())), "MivetScope", id.Name()).Properties["resource"] = id.String()
	return graphID(string(id.Key()))
}

func (g *OpenGraph) node(id, kind, name string) *graphNode {
	n := g.nodes[id]
	if n == nil {
		n = &graphNode{ID: id, Kinds: []string{kind}, Properties: map[string]any{"name": name}}
		g.nodes[id] = n
	}
	return n
}

func (g *OpenGraph) edge(kind, start, end string, props map[string]any) {
	e := graphEdge{Kind: kind, Start: graphEnd{start, "id"}, End: graphEnd{end, "id"}, Properties: props}
	if _, ok := g.edges[e.key()]; !ok {
		g.edges[e.key()] = e
	}
}

// graphID writes an ID as BloodHound does.
func graphID(s string) string { return strings.ToUpper(s) }
