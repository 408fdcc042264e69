// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/minimize"
	"github.com/mivet/mivet/usage"
	"github.com/mivet/mivet/vet"
)

// splitting gives each workload of a shared identity an identity of its own.
type splitting struct {
	*trimming
	shared *mivet.Identity
	parts  []splitPart
	// unattributed are needs of which it is not known whose they are: each new identity gets
	// them until its own logs tell.
	unattributed []minimize.Need
	byHand       []minimize.Need // given by what is not replaced: groups, conditions, policies
}

// splitPart is one workload, with the identity that it gets.
type splitPart struct {
	// Workload is the resource that carries the shared identity, or Federation the
	// federated credential by which something outside of Azure acts as it.
	Workload   arm.ID
	Federation *mivet.FederatedCredential
	Identity   arm.ID // the new identity
	Symbol     string // its name in Terraform and Bicep
	Location   string
	Needs      []minimize.Need
	Evidence   []string // what its needs are attributed by
	Proposal   *minimize.Proposal
}

func (p *splitPart) principal() mivet.PrincipalID {
	return mivet.SymbolicPrincipal("azurerm_user_assigned_identity." + p.Symbol)
}

// title names the workload.
func (p *splitPart) title() string {
	if p.Federation != nil {
		return p.Federation.Issuer + " " + p.Federation.Subject
	}
	return p.Workload.String()
}

// origin keeps where an entry came from, and returns its number.
func (t *trimming) origin(e *logs.Entry) int {
	o := usage.Origin{Host: string(e.Host), Credential: string(e.Credential), Caller: string(e.Caller), Agent: string(e.Agent)}
	key := strings.Join([]string{o.Host, o.Credential, o.Caller, o.Agent}, "\x00")
	i, ok := t.originAt[key]
	if !ok {
		if t.originAt == nil {
			t.originAt = map[string]int{}
		}
		i = len(t.origins)
		t.originAt[key] = i
		t.origins = append(t.origins, o)
	}
	return i
}

// split plans an identity for each workload that presents this one.
func (t *trimming) split() (*splitting, error) {
	s := &splitting{trimming: t, shared: t.index.Identity(t.who), byHand: t.kept}
	if s.shared == nil || s.shared.Kind != mivet.UserAssigned {
		return nil, errorWithHint(usagef("%s is no user-assigned identity, so no workloads share it", t.title(t.who)), "leave --split out")
	}
	t.index.Carriers(s.shared, func(r *mivet.Resource) bool {
		s.add(splitPart{Workload: r.ID, Location: r.Location}, r.ID.Name())
		return true
	})
	for i := range t.snap.FederatedCredentials {
		if c := &t.snap.FederatedCredentials[i]; c.Identity.Equal(s.shared.Resource) {
			s.add(splitPart{Federation: c}, c.Name)
		}
	}
	if len(s.parts) < 2 {
		return nil, errorWithHint(usagef("%s is presented by %s that is known: there is nothing to split", t.title(t.who), counted(len(s.parts), "workload")), "leave --split out")
	}
	s.attribute()
	for i := range s.parts {
		p := &s.parts[i]
		problem, _ := t.problem(slices.Concat(p.Needs, s.unattributed))
		var err error
		if p.Proposal, err = problem.Solve(); err != nil {
			return nil, fmt.Errorf("grants for %s: %w", p.title(), err)
		}
	}
	return s, s.prove()
}

// add plans an identity beside the shared one.
func (s *splitting) add(p splitPart, name string) {
	taken := func(id arm.ID) bool {
		return s.index.Resource(id) != nil || slices.ContainsFunc(s.parts, func(o splitPart) bool { return o.Identity.Equal(id) })
	}
	typ := "/userAssignedIdentities/"
	base, _, _ := strings.Cut(s.shared.Resource.String(), typ)
	for n := 1; ; n++ {
		text := base + typ + "id-" + name
		if n > 1 {
			text += fmt.Sprintf("-%d", n)
		}
		id, err := arm.ParseID(text)
		if err != nil {
			id = s.shared.Resource // a name of a workload is one of an identity
		}
		if err != nil || !taken(id) {
			p.Identity = id
			break
		}
	}
	p.Symbol = identifier(p.Identity.Name())
	if p.Location == "" {
		if r := s.index.Resource(s.shared.Resource); r != nil {
			p.Location = r.Location
		}
	}
	s.parts = append(s.parts, p)
}

// identifier makes a name that Terraform and Bicep take.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}

// attribute gives the needs to the workloads that the evidence of their use names.
func (s *splitting) attribute() {
	by := usage.NewAttribution(s.index, s.snap, s.who, s.origins)
	whose := make([]int, len(s.origins)) // the part; -1: nobody's
	evidence := make([]string, len(s.origins))
	for i := range s.origins {
		w := by.Of(&s.origins[i])
		whose[i], evidence[i] = -1, w.Evidence
		for j := range s.parts {
			p := &s.parts[j]
			if w.Resource != "" && p.Federation == nil && strings.EqualFold(p.Workload.String(), w.Resource) ||
				w.Credential != "" && p.Federation != nil && (strings.EqualFold(p.Federation.ID.String(), w.Credential) || strings.EqualFold(p.Federation.Name, w.Credential)) {
				whose[i] = j
			}
		}
	}
	for _, n := range s.open {
		use := s.uses[needKey(&n)]
		unknown := s.named[needKey(&n)] || use == nil
		if use != nil {
			for i := range use.origins {
				if whose[i] < 0 {
					unknown = true
				}
			}
		}
		if unknown {
			s.unattributed = append(s.unattributed, n)
			continue
		}
		given := map[int]bool{}
		for i := range use.origins {
			p := &s.parts[whose[i]]
			if !given[whose[i]] {
				given[whose[i]] = true
				p.Needs = append(p.Needs, n)
			}
			if !slices.Contains(p.Evidence, evidence[i]) {
				p.Evidence = append(p.Evidence, evidence[i])
			}
		}
	}
	for i := range s.parts {
		slices.Sort(s.parts[i].Evidence)
	}
}

// grants are the edits that give a part what it gets.
func (s *splitting) grants(p *splitPart, who mivet.PrincipalID) []mivet.Edit {
	var out []mivet.Edit
	for _, g := range p.Proposal.Grants {
		out = append(out, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{
			Role: g.Role.ID, RoleName: g.Role.Name, Principal: who, PrincipalType: mivet.TypeServicePrincipal, Scope: g.Scope,
		}})
	}
	return out
}

// prove makes the new identities on a copy, beside the shared one, and asks the engine.
func (s *splitting) prove() error {
	var edits []mivet.Edit
	for i := range s.parts {
		edits = append(edits, s.grants(&s.parts[i], s.parts[i].principal())...)
	}
	after, err := vet.Apply(s.snap, edits)
	if err != nil {
		return fmt.Errorf("%w: %w", errTrim, err)
	}
	e := authz.New(after, authz.Options{Catalog: s.cat, At: s.at})
	old := authz.Side{Engine: s.engine, Principals: []mivet.PrincipalID{s.who}, At: s.at}
	for i := range s.parts {
		p := &s.parts[i]
		for _, n := range slices.Concat(p.Needs, s.unattributed) {
			if d := e.Check(n.Request(p.principal())); d.Effect != authz.Allowed {
				return fmt.Errorf("%w: %s at %s would be %s for %s", errTrim, n.Operation, n.Scope, d.Effect, p.Identity.Name())
			}
		}
		x := authz.Equivalent(old, authz.Side{Engine: e, Principals: []mivet.PrincipalID{p.principal()}, At: s.at}, authz.Extent{})
		if len(x.OnlyB) > 0 {
			return fmt.Errorf("%w: %s would get %s at %s, which %s does not have", errTrim, p.Identity.Name(), x.OnlyB[0].Operations[0], x.OnlyB[0].Scope, s.shared.Resource.Name())
		}
	}
	return nil
}
