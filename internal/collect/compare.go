// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// checkOperations is how many operations are compared at each scope, on either plane.
const checkOperations = 1000

// Comparison says how the engine and Azure agree about the caller.
type Comparison struct {
	// Scopes were asked, and Compared answers compared; Undecided are those that the engine
	// leaves open, or that a condition decides.
	Scopes      int          `json:"scopes"`
	Compared    int          `json:"compared"`
	Undecided   int          `json:"undecided"`
	Differences []Difference `json:"differences"`
}

// Difference is an answer in which the engine and Azure differ.
type Difference struct {
	Scope     arm.ID        `json:"scope"`
	Operation arm.Operation `json:"operation"`
	Plane     mivet.Plane   `json:"plane"`
	// Engine and Azure say whether it is allowed.
	Engine bool `json:"engine"`
	Azure  bool `json:"azure"`
	// Case is the same question for `mivet conformance`, with Azure's answer and without
	// anybody's names; nil where there are enough of the scope.
	Case json.RawMessage `json:"case,omitzero"`
}

// casesPerScope is how many differences of a scope become cases: more would say the same.
const casesPerScope = 3

// Compare asks the engine what Azure was asked.
func (c *SelfCheck) Compare(cat *catalog.Catalog) (*Comparison, error) {
	e := authz.New(c.Snapshot, authz.Options{Catalog: cat})
	out := &Comparison{Scopes: len(c.Reported)}
	for i, r := range c.Reported {
		reported, err := newReport(r.Permissions)
		if err != nil {
			return nil, fmt.Errorf("reading the permissions at %s: %w", r.Scope, err)
		}
		cases := 0
		for op := range operationsAt(cat, i) {
			for _, plane := range []mivet.Plane{mivet.PlaneControl, mivet.PlaneData} {
				d := e.Check(authz.Request{Principal: mivet.PrincipalID(c.Caller.Principal), Operation: op, Plane: plane, Resource: r.Scope})
				azure, sure := reported.allows(op, plane)
				if !sure || elsewhere(d) {
					out.Undecided++
					continue
				}
				out.Compared++
				if engine := d.Effect == authz.Allowed; engine != azure {
					diff := Difference{Scope: r.Scope, Operation: op, Plane: plane, Engine: engine, Azure: azure}
					if cases++; cases <= casesPerScope {
						if diff.Case, err = c.caseOf(&diff, cat); err != nil {
							return nil, err
						}
					}
					out.Differences = append(out.Differences, diff)
				}
			}
		}
	}
	return out, nil
}

// elsewhere reports whether an answer hangs on what is no part of Azure's: deny
// assignments, a service's own authorization, what the engine leaves open.
func elsewhere(d authz.Decision) bool {
	return d.Effect == authz.Unknown || d.Cause == authz.CauseDeny || d.Cause == authz.CauseIgnored || d.Local != authz.NotLocal
}

// operationsAt samples the catalogue: other operations at each scope.
func operationsAt(cat *catalog.Catalog, scope int) func(func(arm.Operation) bool) {
	n := cat.NumOperations()
	step := max(1, n/checkOperations)
	return func(yield func(arm.Operation) bool) {
		for i := scope % step; i < n; i += step {
			if !yield(cat.Operation(i)) {
				return
			}
		}
	}
}

// report is what Azure says, ready to be asked.
type report struct{ permissions []reportedPermission }

type reportedPermission struct {
	actions, notActions, dataActions, notDataActions []arm.Pattern
	conditional                                      bool
}

func newReport(permissions []mivet.Permission) (*report, error) {
	out := &report{}
	for _, p := range permissions {
		r := reportedPermission{conditional: p.Condition != ""}
		for _, l := range []struct {
			to   *[]arm.Pattern
			from []string
		}{{&r.actions, p.Actions}, {&r.notActions, p.NotActions}, {&r.dataActions, p.DataActions}, {&r.notDataActions, p.NotDataActions}} {
			for _, text := range l.from {
				pattern, err := arm.ParsePattern(text)
				if err != nil {
					return nil, err
				}
				*l.to = append(*l.to, pattern)
			}
		}
		out.permissions = append(out.permissions, r)
	}
	return out, nil
}

// allows reports whether an operation is allowed, and whether that is sure.
func (r *report) allows(op arm.Operation, plane mivet.Plane) (allowed, sure bool) {
	sure = true
	for i := range r.permissions {
		p := &r.permissions[i]
		grant, take := p.actions, p.notActions
		if plane == mivet.PlaneData {
			grant, take = p.dataActions, p.notDataActions
		}
		if !matches(grant, op) || matches(take, op) {
			continue
		}
		if !p.conditional {
			return true, true
		}
		sure = false
	}
	return false, sure
}

func matches(patterns []arm.Pattern, op arm.Operation) bool {
	for _, p := range patterns {
		if p.Match(op) != arm.NoMatch {
			return true
		}
	}
	return false
}

// caseOf writes a difference as a case of kind "rbac": the caller's assignments with the
// permissions of their roles, and everything that names somebody replaced.
func (c *SelfCheck) caseOf(d *Difference, cat *catalog.Catalog) (json.RawMessage, error) {
	type role struct {
		Permissions []mivet.Permission `json:"permissions"`
	}
	type assignment struct {
		Principal string `json:"principal"`
		Role      role   `json:"role"`
		Scope     string `json:"scope"`
	}
	n := newNames()
	x := c.Snapshot
	held := map[mivet.PrincipalID]bool{mivet.PrincipalID(c.Caller.Principal): true}
	var groups []string
	for grown := true; grown; { // memberships may be in any order, and groups nest
		grown = false
		for _, m := range x.Memberships {
			if held[m.Member] && !held[m.Group] {
				held[m.Group], grown = true, true
				groups = append(groups, n.principal(m.Group))
			}
		}
	}
	definitions := map[mivet.RoleID][]mivet.Permission{}
	for _, r := range x.RoleDefinitions {
		definitions[r.ID] = r.Permissions
	}
	assignments := []assignment{}
	for _, a := range x.RoleAssignments {
		if !held[a.Principal] || a.Eligible || a.Condition != "" || a.ConditionUnknown {
			continue
		}
		p, ok := definitions[a.Role]
		if r := cat.Role(a.Role); !ok && r != nil {
			p = r.Permissions
		}
		assignments = append(assignments, assignment{n.principal(a.Principal), role{p}, n.scope(a.Scope)})
	}
	expected := "NotAllowed"
	if d.Azure {
		expected = "Allowed"
	}
	id := strings.ToLower(strings.NewReplacer("/", "-", ".", "-").Replace(d.Operation.String()))
	return json.Marshal(map[string]any{
		"id": "self-check-" + id + "-" + d.Plane.String(), "kind": "rbac", "expected": expected, "basis": "verbatim",
		"source": map[string]string{"api": "GET {scope}/providers/Microsoft.Authorization/permissions?api-version=" + callPermissions.version},
		"input": map[string]any{
			"principal": n.principal(mivet.PrincipalID(c.Caller.Principal)), "groups": groups, "action": d.Operation, "isDataAction": d.Plane == mivet.PlaneData,
			"resource": n.scope(d.Scope), "ancestors": n.above(x, d.Scope), "roleAssignments": assignments,
		},
	})
}

// names replaces names and identifiers, the same ones always by the same.
type names struct{ known map[string]string }

func newNames() *names { return &names{map[string]string{}} }

func (n *names) of(kind, name string) string {
	key := kind + "|" + string(arm.Fold(name))
	if n.known[key] == "" {
		n.known[key] = fmt.Sprintf("%s-%d", kind, len(n.known)+1)
	}
	return n.known[key]
}

func (n *names) principal(id mivet.PrincipalID) string { return n.of("principal", string(id)) }

// scope replaces the names in a scope and keeps its types.
func (n *names) scope(id arm.ID) string {
	parts := strings.Split(strings.TrimPrefix(id.String(), "/"), "/")
	for i := 0; i+1 < len(parts); i += 2 {
		if strings.EqualFold(parts[i], "providers") {
			i++ // the provider, then pairs of type and name
			for i+2 < len(parts) && !strings.EqualFold(parts[i+1], "providers") {
				parts[i+2] = n.of("name", parts[i+2])
				i += 2
			}
			i--
			continue
		}
		parts[i+1] = n.of("name", parts[i+1])
	}
	return "/" + strings.Join(parts, "/")
}

// above are the management groups above a scope, the nearest first.
func (n *names) above(s *mivet.Snapshot, id arm.ID) []string {
	parent := map[arm.Key]arm.ID{}
	for _, g := range s.ManagementGroups {
		parent[g.ID.Key()] = g.Parent
	}
	at := arm.ID{}
	for _, x := range s.Subscriptions {
		if x.ID.Equal(id.Subscription()) {
			at = x.Parent
		}
	}
	out := []string{}
	for i := 0; !at.IsZero() && i <= len(s.ManagementGroups); i++ {
		out = append(out, n.scope(at))
		at = parent[at.Key()]
	}
	return out
}
