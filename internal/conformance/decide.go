// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// The answers to a decision.
const (
	answerAllowed    = "Allowed"
	answerNotAllowed = "NotAllowed"
	answerDenied     = "Denied"
)

// decisionInput asks whether a principal may do an operation on a resource, given some
// assignments and nothing else.
type decisionInput struct {
	Principal    string   `json:"principal"`
	Groups       []string `json:"groups"` // all of them, nested ones too
	Action       string   `json:"action"`
	IsDataAction *bool    `json:"isDataAction"`
	Resource     string   `json:"resource"`
	Ancestors    []string `json:"ancestors"`

	RoleAssignments []assignmentInput `json:"roleAssignments"`
	DenyAssignments []denyInput       `json:"denyAssignments"`

	Attributes    *attributesInput `json:"attributes"`
	SubOperations []string         `json:"subOperations"`
}

// complete returns an error where a part of the question is missing. Groups and ancestors
// may be left out: there are none then.
func (in *decisionInput) complete(kind string) error {
	return require(
		given{"principal", in.Principal != ""}, given{"action", in.Action != ""}, given{"isDataAction", in.IsDataAction != nil},
		given{"resource", in.Resource != ""}, given{"denyAssignments", in.DenyAssignments != nil || kind != "deny"},
	)
}

type assignmentInput struct {
	Principal        string    `json:"principal"`
	Role             roleInput `json:"role"`
	Scope            string    `json:"scope"`
	Condition        string    `json:"condition"`
	ConditionVersion string    `json:"conditionVersion"`
}

func (in *assignmentInput) complete() error {
	return require(given{"principal", in.Principal != ""}, given{"role", in.Role.name != "" || in.Role.permissions != nil}, given{"scope", in.Scope != ""})
}

// roleInput is the name or the ID of a built-in role, or a definition.
type roleInput struct {
	name        string
	permissions []mivet.Permission
}

// UnmarshalJSON reads a string or an object.
func (r *roleInput) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &r.name); err == nil {
		return nil
	}
	var definition struct{ Permissions []mivet.Permission }
	if err := decodeStrictly(text, &definition); err != nil {
		return err
	}
	r.permissions = definition.Permissions
	return nil
}

type denyInput struct {
	Scope                   string             `json:"scope"`
	Principals              []string           `json:"principals"`
	ExcludePrincipals       []string           `json:"excludePrincipals"`
	Permissions             []mivet.Permission `json:"permissions"`
	DoNotApplyToChildScopes bool               `json:"doNotApplyToChildScopes"`
	Effect                  mivet.DenyEffect   `json:"effect"`
	Condition               string             `json:"condition"`
	ConditionVersion        string             `json:"conditionVersion"`
}

func (in *denyInput) complete() error {
	return require(given{"scope", in.Scope != ""}, given{"principals", in.Principals != nil}, given{"permissions", in.Permissions != nil})
}

// attributesInput holds the attributes of a request by their source.
type attributesInput struct {
	Resource    map[string]any `json:"resource"`
	Request     map[string]any `json:"request"`
	Principal   map[string]any `json:"principal"`
	Environment map[string]any `json:"environment"`
}

// answerDecision says whether the operation is allowed.
func answerDecision(_ context.Context, r *Runner, c *Case) (any, error) {
	var in decisionInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := in.complete(c.Kind); err != nil {
		return nil, err
	}
	w := &world{catalog: r.options.Catalog, conditions: c.Kind == "abac"}
	request, err := w.build(&in)
	if err != nil {
		return nil, err
	}
	d := authz.New(&w.snap, authz.Options{Catalog: r.options.Catalog}).Check(request)
	if in.RoleAssignments == nil && d.Cause != authz.CauseDeny {
		return nil, &MissingError{"roleAssignments"} // a deny assignment decides whatever they are
	}
	return decisionAnswer(d)
}

func decisionAnswer(d authz.Decision) (any, error) {
	switch {
	case d.Effect == authz.Allowed:
		return answerAllowed, nil
	case d.Effect == authz.Denied && d.Cause == authz.CauseDeny:
		return answerDenied, nil
	case d.Effect == authz.Denied:
		return answerNotAllowed, nil
	}
	return nil, fmt.Errorf("%w: %s", errUndecided, d.Cause)
}

// world is the closed world of a case, as a snapshot.
type world struct {
	catalog *catalog.Catalog
	snap    mivet.Snapshot
	// conditions says that the case is about conditions: its resources honour them.
	conditions bool
	// texts are the conditions that take part.
	texts []string
}

func (w *world) build(in *decisionInput) (authz.Request, error) {
	request := authz.Request{Principal: mivet.PrincipalID(in.Principal), Plane: mivet.PlaneControl}
	if *in.IsDataAction {
		request.Plane = mivet.PlaneData
	}
	for _, g := range in.Groups {
		request.Groups = append(request.Groups, mivet.PrincipalID(g))
	}
	var err error
	if request.Operation, err = arm.ParseOperation(in.Action); err != nil {
		return request, err
	}
	if request.Resource, err = arm.ParseID(in.Resource); err != nil {
		return request, err
	}
	if err := w.place(&request, in.Ancestors); err != nil {
		return request, err
	}
	for i := range in.RoleAssignments {
		if err := w.assign(&in.RoleAssignments[i]); err != nil {
			return request, fmt.Errorf("reading role assignment %d: %w", i, err)
		}
	}
	for i := range in.DenyAssignments {
		if err := w.deny(&in.DenyAssignments[i]); err != nil {
			return request, fmt.Errorf("reading deny assignment %d: %w", i, err)
		}
	}
	request.Given, err = in.environment(w.texts, w.conditions)
	return request, err
}

// place puts the resource where it is: its subscription below the management groups that
// the case names. What a case leaves open about a resource's own settings is settled as
// the documentation of the cases says: it honours role assignments and conditions.
func (w *world) place(request *authz.Request, ancestors []string) error {
	chain, err := chainAbove(request.Resource, ancestors)
	if err != nil {
		return err
	}
	for i := len(chain) - 1; i >= 0; i-- {
		parent := arm.ID{}
		if i+1 < len(chain) {
			parent = chain[i+1]
		}
		switch chain[i].Level() {
		case arm.LevelManagementGroup:
			w.snap.ManagementGroups = append(w.snap.ManagementGroups, mivet.ManagementGroup{ID: chain[i], Parent: parent})
		case arm.LevelSubscription:
			w.snap.Subscriptions = append(w.snap.Subscriptions, mivet.Subscription{ID: chain[i], Parent: parent})
		default:
		}
	}
	for id := request.Resource; id.Level() == arm.LevelResource; id = id.Parent() {
		w.snap.Resources = append(w.snap.Resources, mivet.Resource{ID: id, Detail: w.settled(id, request)})
	}
	return nil
}

// settled returns the settings that a case takes for granted. A registry has two modes,
// each of which ignores what the other honours: a case about conditions has the one with
// conditions, any other the one that the operation needs.
func (w *world) settled(id arm.ID, request *authz.Request) *mivet.Detail {
	registry := "LegacyRegistryPermissions"
	if w.conditions || request.Plane == mivet.PlaneData {
		registry = "AbacRepositoryPermissions"
	}
	for typ, setting := range map[string][2]string{
		"Microsoft.KeyVault/vaults":                  {"enableRbacAuthorization", "true"},
		"Microsoft.ContainerRegistry/registries":     {"roleAssignmentMode", registry},
		"Microsoft.ContainerService/managedClusters": {"aadProfile.enableAzureRBAC", "true"},
		"Microsoft.Kubernetes/connectedClusters":     {"aadProfile.enableAzureRBAC", "true"},
		"Microsoft.Search/searchServices":            {"authOptions", "aadOrApiKey"},
	} {
		if strings.EqualFold(id.Type(), typ) {
			return &mivet.Detail{Settings: map[string]string{setting[0]: setting[1]}}
		}
	}
	return nil
}

func (w *world) assign(in *assignmentInput) error {
	if err := in.complete(); err != nil {
		return err
	}
	scope, err := arm.ParseID(in.Scope)
	if err != nil {
		return err
	}
	role, err := w.role(&in.Role)
	if err != nil {
		return err
	}
	w.texts = append(w.texts, in.Condition)
	w.snap.RoleAssignments = append(w.snap.RoleAssignments, mivet.RoleAssignment{
		Role: role, Principal: mivet.PrincipalID(in.Principal), Scope: scope,
		Condition: in.Condition, ConditionVersion: in.ConditionVersion,
	})
	return nil
}

// role finds a built-in role or defines the one that is given.
func (w *world) role(in *roleInput) (mivet.RoleID, error) {
	if in.name == "" {
		return w.define(in.permissions), nil
	}
	if w.catalog == nil {
		return "", errors.New("there is no catalogue to find the role in")
	}
	role := w.catalog.RoleByName(in.name)
	if role == nil {
		role = w.catalog.Role(mivet.NewRoleID(in.name))
	}
	if role == nil {
		return "", fmt.Errorf("role %q is not in the catalogue", in.name)
	}
	for i := range role.Permissions {
		w.texts = append(w.texts, role.Permissions[i].Condition)
	}
	return role.ID, nil
}

func (w *world) define(permissions []mivet.Permission) mivet.RoleID {
	for i := range permissions {
		w.texts = append(w.texts, permissions[i].Condition)
	}
	id := mivet.RoleID(fmt.Sprintf("role %d of the case", len(w.snap.RoleDefinitions)))
	w.snap.RoleDefinitions = append(w.snap.RoleDefinitions, mivet.RoleDefinition{ID: id, Name: string(id), Permissions: permissions})
	return id
}

func (w *world) deny(in *denyInput) error {
	if err := in.complete(); err != nil {
		return err
	}
	scope, err := arm.ParseID(in.Scope)
	if err != nil {
		return err
	}
	switch in.Effect {
	case "", mivet.DenyEnforced, mivet.DenyAudit:
	default:
		return &UnsupportedError{fmt.Sprintf("the effect %q of a deny assignment", in.Effect)}
	}
	w.texts = append(w.texts, in.Condition)
	for i := range in.Permissions {
		w.texts = append(w.texts, in.Permissions[i].Condition)
	}
	w.snap.DenyAssignments = append(w.snap.DenyAssignments, mivet.DenyAssignment{
		Scope: scope, ThisScopeOnly: in.DoNotApplyToChildScopes, Effect: in.Effect, Permissions: in.Permissions,
		Principals: principals(in.Principals), Excluded: principals(in.ExcludePrincipals),
		Condition: in.Condition, ConditionVersion: in.ConditionVersion,
	})
	return nil
}

func principals(names []string) []mivet.PrincipalID {
	var out []mivet.PrincipalID
	for _, n := range names {
		out = append(out, mivet.PrincipalID(n))
	}
	return out
}

// environment tells the engine the attributes of the request. What a case does not give is
// absent, not unknown: even a name that the engine could read from the resource's ID. A
// comparison with an absent attribute is false, and its negation true. A case about
// conditions that has no attributes or suboperations at all leaves out a part of its
// question: they are unknown.
func (in *decisionInput) environment(conditions []string, aboutThem bool) (*abac.Env, error) {
	env := &abac.Env{Mode: abac.Compatible}
	if in.Attributes != nil || !aboutThem {
		absent(env, conditions)
	}
	if in.SubOperations != nil || !aboutThem {
		env.SetSubOperations(in.SubOperations...)
	}
	return env, in.Attributes.set(env)
}

// absent says that no attribute is there but those that are set later.
func absent(env *abac.Env, conditions []string) {
	for _, text := range conditions {
		c, err := abac.CompileText(text)
		if err != nil {
			continue // the engine says so, if the decision hangs on it
		}
		for _, a := range c.Attributes() {
			env.SetAbsent(a.Source, a.Name)
		}
	}
	env.Close()
}

func (a *attributesInput) set(env *abac.Env) error {
	if a == nil {
		return nil
	}
	for _, of := range []struct {
		source abac.Source
		values map[string]any
	}{
		{abac.Resource, a.Resource},
		{abac.Request, a.Request},
		{abac.Principal, a.Principal},
		{abac.Environment, a.Environment},
	} {
		for name, value := range of.values {
			v, err := abac.ValueOf(value)
			if err != nil {
				return fmt.Errorf("reading the attribute %q: %w", name, err)
			}
			env.Set(of.source, name, v)
		}
	}
	return nil
}

// answerCondition evaluates a condition on its own.
func answerCondition(_ context.Context, _ *Runner, c *Case) (any, error) {
	var in struct {
		Condition     string
		Attributes    *attributesInput
		Action        string
		SubOperations []string
	}
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := require(given{"condition", in.Condition != ""}); err != nil {
		return nil, err
	}
	condition, err := abac.CompileText(in.Condition)
	if err != nil {
		return nil, err
	}
	env := &abac.Env{Mode: abac.Compatible}
	if in.Attributes != nil {
		env.Close()
	}
	env.SetSubOperations(in.SubOperations...)
	if err := in.Attributes.set(env); err != nil {
		return nil, err
	}
	if in.Action != "" {
		if env.Operation, err = arm.ParseOperation(in.Action); err != nil {
			return nil, err
		}
	}
	switch condition.Eval(env) {
	case abac.True:
		return true, nil
	case abac.False:
		return false, nil
	default:
		return nil, errUndecided
	}
}
