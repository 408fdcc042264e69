// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/execpath"
)

// pathwayInput is a small environment, and what is asked about it.
type pathwayInput struct {
	Principals      []pathPrincipal     `json:"principals"`
	Resources       []json.RawMessage   `json:"resources"`
	CustomRoles     []pathRole          `json:"customRoles"`
	Assignments     []pathAssignment    `json:"assignments"`
	DenyAssignments []denyInput         `json:"denyAssignments"`
	EntraRoles      []pathDirectoryRole `json:"entraRoles"`
	Ask             struct {
		Direct  [][3]string `json:"direct"`
		AnyPath [][3]string `json:"anyPath"`
	} `json:"ask"`
}

type pathPrincipal struct {
	ID            string   `json:"id"`
	Type          string   `json:"type"`
	Members       []string `json:"members"`
	Owners        []string `json:"owners"`
	AppOwners     []string `json:"appOwners"`
	EntraRoles    []string `json:"entraRoles"`
	GraphAppRoles []string `json:"graphAppRoles"`
	// MembershipRule makes a group a dynamic one.
	MembershipRule string `json:"membershipRule"`
}

type pathRole struct {
	ID string `json:"id"`
	mivet.Permission
	Permissions      []mivet.Permission `json:"permissions"`
	AssignableScopes []string           `json:"assignableScopes"`
}

type pathAssignment struct {
	Principal        string `json:"principal"`
	Role             string `json:"role"`
	Scope            string `json:"scope"`
	Condition        string `json:"condition"`
	ConditionVersion string `json:"conditionVersion"`
	Eligible         bool   `json:"eligible"`
}

type pathDirectoryRole struct {
	Principal string `json:"principal"`
	Role      string `json:"role"`
	Scope     string `json:"scope"`
}

// pathwayAnswer says who can act as whom.
type pathwayAnswer struct {
	Reaches   [][2]string       `json:"reaches"`
	Authority [][2]string       `json:"authority"`
	Access    [][4]any          `json:"access"`
	Via       map[string]string `json:"via"`
}

func answerPathways(_ context.Context, r *Runner, c *Case) (any, error) {
	var in pathwayInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := require(given{"principals", in.Principals != nil}, given{"resources", in.Resources != nil}, given{"assignments", in.Assignments != nil}); err != nil {
		return nil, err
	}
	if r.options.Catalog == nil {
		return nil, errors.New("there is no catalogue of built-in roles")
	}
	table, err := execpath.Builtin()
	if err != nil {
		return nil, err
	}
	w := &pathWorld{in: &in, runner: r, snap: &mivet.Snapshot{}, named: map[mivet.PrincipalID]bool{}}
	if err := w.build(); err != nil {
		return nil, err
	}
	w.engine = authz.New(w.snap, authz.Options{Catalog: r.options.Catalog})
	w.options.Catalog, w.options.Table, w.options.ClosedWorld = r.options.Catalog, table, true
	w.graph = execpath.New(w.snap, w.engine, w.options)
	return w.answer()
}

// pathWorld is the environment as a snapshot.
type pathWorld struct {
	in      *pathwayInput
	runner  *Runner
	snap    *mivet.Snapshot
	options execpath.Options
	engine  *authz.Engine
	graph   *execpath.Graph
	// named are the principals that pairs are about: all but groups.
	named      map[mivet.PrincipalID]bool
	identities map[string]arm.ID
}

func (w *pathWorld) build() error {
	for i := range w.in.Principals {
		w.addPrincipal(&w.in.Principals[i])
	}
	for _, d := range w.in.EntraRoles {
		w.addDirectoryRole(d)
	}
	w.identities = map[string]arm.ID{}
	resources := make([]pathResource, len(w.in.Resources))
	for i, text := range w.in.Resources {
		if err := resources[i].read(text); err != nil {
			return fmt.Errorf("reading resource %d: %w", i+1, err)
		}
		if id := resources[i].id; id.HasType("Microsoft.ManagedIdentity/userAssignedIdentities") {
			w.identities[resources[i].principal()] = id
			w.snap.Identities = append(w.snap.Identities, mivet.Identity{
				Kind: mivet.UserAssigned, Resource: id, Principal: mivet.PrincipalID(resources[i].principal()),
			})
			w.named[mivet.PrincipalID(resources[i].principal())] = true
		}
	}
	for i := range resources {
		if err := w.addResource(&resources[i]); err != nil {
			return fmt.Errorf("reading resource %s: %w", resources[i].id, err)
		}
	}
	return w.addGrants()
}

func (w *pathWorld) addPrincipal(p *pathPrincipal) {
	id := mivet.PrincipalID(p.ID)
	known := mivet.Principal{ID: id, Name: p.ID, MembershipRule: p.MembershipRule}
	switch strings.ToLower(p.Type) {
	case "group":
		known.Type = mivet.TypeGroup
	case "user":
		known.Type = mivet.TypeUser
	case "serviceprincipal":
		known.Type = mivet.TypeServicePrincipal
	case "managedidentity":
		known.Type, known.Managed = mivet.TypeServicePrincipal, true
	default:
		known.Type = mivet.PrincipalType(p.Type)
	}
	w.named[id] = known.Type != mivet.TypeGroup
	w.snap.Principals = append(w.snap.Principals, known)
	for _, m := range p.Members {
		w.snap.Memberships = append(w.snap.Memberships, mivet.Membership{Group: id, Member: mivet.PrincipalID(m)})
	}
	for _, o := range slices.Concat(p.AppOwners, p.Owners) {
		w.snap.Ownerships = append(w.snap.Ownerships, mivet.Ownership{Owned: id, Owner: mivet.PrincipalID(o)})
	}
	for _, role := range p.EntraRoles {
		w.addDirectoryRole(pathDirectoryRole{Principal: p.ID, Role: role})
	}
	for _, role := range p.GraphAppRoles {
		a := mivet.AppRoleAssignment{Principal: id, Role: role, APIName: "Microsoft Graph"}
		if mivet.IsGUID(role) {
			a.RoleID = strings.ToLower(role)
		}
		w.snap.AppRoles = append(w.snap.AppRoles, a)
	}
}

func (w *pathWorld) addDirectoryRole(d pathDirectoryRole) {
	a := mivet.DirectoryRoleAssignment{Principal: mivet.PrincipalID(d.Principal), Role: d.Role, DirectoryScope: d.Scope}
	if mivet.IsGUID(d.Role) {
		a.RoleID = strings.ToLower(d.Role)
	} else if known := w.runner.options.Catalog.DirectoryRoleByName(d.Role); known != nil {
		a.RoleID = known.ID
	}
	w.snap.DirectoryRoles = append(w.snap.DirectoryRoles, a)
}

func (w *pathWorld) addGrants() error {
	own := map[string]mivet.RoleID{}
	for i := range w.in.CustomRoles {
		role := &w.in.CustomRoles[i]
		perms := role.Permissions
		if perms == nil {
			perms = []mivet.Permission{role.Permission}
		}
		own[role.ID] = mivet.RoleID("own role " + role.ID)
		w.snap.RoleDefinitions = append(w.snap.RoleDefinitions, mivet.RoleDefinition{
			ID: own[role.ID], Name: role.ID, Permissions: perms, AssignableScopes: role.AssignableScopes,
		})
	}
	for i := range w.in.Assignments {
		in := &w.in.Assignments[i]
		if err := require(given{"principal", in.Principal != ""}, given{"role", in.Role != ""}, given{"scope", in.Scope != ""}); err != nil {
			return err
		}
		scope, err := arm.ParseID(in.Scope)
		if err != nil {
			return err
		}
		a := mivet.RoleAssignment{
			Principal: mivet.PrincipalID(in.Principal), Scope: scope, Role: own[in.Role], RoleName: in.Role,
			Condition: in.Condition, ConditionVersion: in.ConditionVersion, Eligible: in.Eligible,
		}
		if a.Role == "" {
			def := w.runner.options.Catalog.RoleByName(in.Role)
			if mivet.IsGUID(in.Role) {
				def = w.runner.options.Catalog.Role(mivet.NewRoleID(in.Role))
			}
			if def == nil {
				return fmt.Errorf("no role is called %q", in.Role)
			}
			a.Role = def.ID
		}
		w.snap.RoleAssignments = append(w.snap.RoleAssignments, a)
	}
	for i := range w.in.DenyAssignments {
		in := &w.in.DenyAssignments[i]
		if err := in.complete(); err != nil {
			return err
		}
		scope, err := arm.ParseID(in.Scope)
		if err != nil {
			return err
		}
		d := mivet.DenyAssignment{
			Scope: scope, Permissions: in.Permissions, ThisScopeOnly: in.DoNotApplyToChildScopes, Effect: in.Effect,
			Condition: in.Condition, ConditionVersion: in.ConditionVersion,
		}
		for _, p := range in.Principals {
			d.Principals = append(d.Principals, mivet.PrincipalID(p))
		}
		for _, p := range in.ExcludePrincipals {
			d.Excluded = append(d.Excluded, mivet.PrincipalID(p))
		}
		w.snap.DenyAssignments = append(w.snap.DenyAssignments, d)
	}
	return nil
}

// answer finds the pairs, and what is asked.
func (w *pathWorld) answer() (any, error) {
	a := pathwayAnswer{Reaches: [][2]string{}, Authority: [][2]string{}, Access: [][4]any{}, Via: map[string]string{}}
	for p := range w.named {
		if !w.named[p] {
			continue
		}
		for _, t := range w.graph.Reachable(p, execpath.Certain) {
			if w.named[t] && t != p {
				a.Reaches = append(a.Reaches, [2]string{string(p), string(t)})
			}
		}
		for _, s := range w.graph.Steps(p, execpath.Certain) {
			if w.named[s.To] && s.To != p && s.Technique != "member" {
				a.Via[string(p)+">"+string(s.To)] = s.Technique
			}
		}
		for _, scope := range w.graph.AuthorityOf(p, execpath.Certain) {
			a.Authority = append(a.Authority, [2]string{string(p), scope.String()})
		}
	}
	order := func(a, b [2]string) int { return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1]) }
	slices.SortFunc(a.Reaches, order)
	slices.SortFunc(a.Authority, order)
	a.Authority = slices.Compact(a.Authority)
	for i, ask := range slices.Concat(w.in.Ask.Direct, w.in.Ask.AnyPath) {
		ok, err := w.access(ask, i >= len(w.in.Ask.Direct))
		if err != nil {
			return nil, err
		}
		a.Access = append(a.Access, [4]any{ask[0], ask[1], ask[2], ok})
	}
	return a, nil
}

// access says whether a principal is authorized, itself or as anybody that it can come to
// act as.
func (w *pathWorld) access(ask [3]string, anyPath bool) (bool, error) {
	scope, err := arm.ParseID(ask[1])
	if err != nil {
		return false, err
	}
	op, err := arm.ParseOperation(ask[2])
	if err != nil {
		return false, err
	}
	who := []mivet.PrincipalID{mivet.PrincipalID(ask[0])}
	if anyPath {
		who = append(who, w.graph.Reachable(who[0], execpath.Certain)...)
	}
	return slices.ContainsFunc(who, func(p mivet.PrincipalID) bool {
		return w.engine.Check(authz.Request{Principal: p, Operation: op, Resource: scope}).Effect == authz.Allowed
	}), nil
}

// agreeOnPaths compares the answers as docs/conformance.md says: what is expected must be
// found, and nothing else where the list is exhaustive.
func agreeOnPaths(answer any, expected json.RawMessage) (bool, error) {
	var want struct {
		pathwayAnswer
		Exhaustive bool `json:"exhaustive"`
	}
	d := json.NewDecoder(bytes.NewReader(expected))
	if err := d.Decode(&want); err != nil {
		return false, fmt.Errorf("reading the expected answer: %w", err)
	}
	got, ok := answer.(pathwayAnswer)
	if !ok {
		return false, fmt.Errorf("the answer is a %T", answer)
	}
	pairs := closure(want.Reaches)
	for _, p := range pairs {
		if !slices.Contains(got.Reaches, p) {
			return false, nil
		}
	}
	if want.Exhaustive && len(got.Reaches) != len(pairs) {
		return false, nil
	}
	for _, p := range want.Authority {
		if !slices.ContainsFunc(got.Authority, func(q [2]string) bool { return p[0] == q[0] && arm.Fold(p[1]) == arm.Fold(q[1]) }) {
			return false, nil
		}
	}
	for edge, names := range want.Via {
		if !slices.Contains(strings.Split(names, "|"), got.Via[edge]) {
			return false, nil
		}
	}
	text, err := json.Marshal(want.Access)
	if err != nil {
		return false, err
	}
	return sameValue(got.Access, text)
}

// closure adds the pairs that follow from others.
func closure(pairs [][2]string) [][2]string {
	out := slices.Clone(pairs)
	for i := 0; i < len(out); i++ {
		for _, p := range pairs {
			next := [2]string{out[i][0], p[1]}
			if p[0] == out[i][1] && next[0] != next[1] && !slices.Contains(out, next) {
				out = append(out, next)
			}
		}
	}
	return out
}
