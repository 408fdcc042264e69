// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

const (
	answerRejected = "rejected"
	answerAccepted = "accepted"
)

// validityInput asks whether Azure lets somebody create a thing. The thing is told in
// words or as an object; exactly one of the fields is there, scope beside assign.
type validityInput struct {
	Assign                     string          `json:"assign"`
	Scope                      string          `json:"scope"`
	CustomRole                 json.RawMessage `json:"customRole"`
	RoleAssignment             json.RawMessage `json:"roleAssignment"`
	Duplicate                  json.RawMessage `json:"duplicate"`
	UserAssignedDenyAssignment json.RawMessage `json:"userAssignedDenyAssignment"`
}

func answerValidity(_ context.Context, r *Runner, c *Case) (any, error) {
	var in validityInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	faults, err := in.faults(r)
	if err != nil {
		return nil, err
	}
	switch authz.ValidityOf(faults) {
	case authz.Rejected:
		return answerRejected, nil
	case authz.FailsAtUse:
		return failureOf(faults) + " at run time", nil
	default:
		return answerAccepted, nil
	}
}

func failureOf(faults []authz.Fault) string {
	for _, f := range faults {
		if f.Code != "" {
			return f.Code
		}
	}
	return "failure"
}

func (in *validityInput) faults(r *Runner) ([]authz.Fault, error) {
	switch {
	case in.Assign != "":
		return assignFaults(r, in.Assign, in.Scope)
	case len(in.CustomRole) > 0:
		return customRoleFaults(in.CustomRole)
	case len(in.RoleAssignment) > 0:
		return assignmentFaults(r, in.RoleAssignment)
	case len(in.Duplicate) > 0:
		return duplicateFaults(in.Duplicate)
	case len(in.UserAssignedDenyAssignment) > 0:
		return denyFaults(in.UserAssignedDenyAssignment)
	}
	return nil, &UnsupportedError{"a question about none of these"}
}

// words is a text in lower case, with questions about it.
type words string

// says reports whether the text has one of the phrases.
func (w words) says(one ...string) bool {
	return slices.ContainsFunc(one, func(s string) bool { return strings.Contains(string(w), s) })
}

// denials are the words that say that what follows is not there.
var denials = []string{"without", "no", "not", "none", "zero", "0", "lacks", "lacking", "missing", "empty", "never", "nobody"}

// without reports whether the text says that something is not there: "no data actions",
// "without any exclusion", "exclusions: none". The thing is the start of a word, or of
// several.
func (w words) without(thing string) bool {
	tokens := strings.FieldsFunc(string(w), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	start := strings.Fields(thing)
	for i := range tokens {
		if !startsWith(tokens[i:], start) {
			continue
		}
		near := append(slices.Clone(tokens[max(0, i-3):i]), tokens[i+len(start):min(len(tokens), i+len(start)+2)]...)
		if slices.ContainsFunc(near, func(t string) bool { return slices.Contains(denials, t) }) {
			return true
		}
	}
	return false
}

func startsWith(tokens, start []string) bool {
	if len(tokens) < len(start) {
		return false
	}
	for i, s := range start {
		if !strings.HasPrefix(tokens[i], s) {
			return false
		}
	}
	return true
}

// assignFaults assigns a role that is told in words, or a built-in one by its name.
func assignFaults(r *Runner, what, where string) ([]authz.Fault, error) {
	scope, err := scopeInWords(where)
	if err != nil {
		return nil, err
	}
	text := words(strings.ToLower(what))
	role := roleInWords(r, text)
	if role == nil {
		return nil, &UnsupportedError{fmt.Sprintf("the role %q", what)}
	}
	a := mivet.RoleAssignment{Role: role.ID, Principal: caller, Scope: scope, PrincipalType: typeInWords(text), Eligible: text.says("eligible")}
	return authz.AssignmentFaults(&a, role, nil), nil
}

func roleInWords(r *Runner, text words) *mivet.RoleDefinition {
	data := text.says("dataactions", "data action") && !text.without("dataactions") && !text.without("data action")
	role := &mivet.RoleDefinition{ID: "role-of-the-case", Name: "role of the case", BuiltIn: text.says("built-in", "builtin", "built in")}
	p := mivet.Permission{Actions: []string{"Microsoft.Storage/storageAccounts/read"}}
	if data {
		p.DataActions = []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"}
	}
	role.Permissions = []mivet.Permission{p}
	if role.BuiltIn || text.says("custom") {
		return role
	}
	if r.options.Catalog == nil {
		return nil
	}
	return r.options.Catalog.RoleByName(string(text))
}

func typeInWords(text words) mivet.PrincipalType {
	switch {
	case text.says("managed identity", "service principal", "serviceprincipal", "application"):
		return mivet.TypeServicePrincipal
	case text.says("group") && !text.says("management group", "resource group"):
		return mivet.TypeGroup
	case text.says("user"):
		return mivet.TypeUser
	}
	return ""
}

// scopeInWords reads a scope, or the name of its level.
func scopeInWords(where string) (arm.ID, error) {
	switch w := strings.ToLower(strings.TrimSpace(where)); {
	case strings.HasPrefix(w, "/"):
		return arm.ParseID(where)
	case strings.Contains(w, "management group"), w == "mg":
		return arm.ParseID("/providers/Microsoft.Management/managementGroups/case")
	case strings.Contains(w, "resource group"), w == "rg":
		return arm.ParseID(caseGroup)
	case strings.Contains(w, "subscription"):
		return arm.ParseID("/subscriptions/case")
	case strings.Contains(w, "root"), strings.Contains(w, "tenant"):
		return arm.Root(), nil
	case strings.Contains(w, "resource"):
		return arm.ParseID(caseVault)
	}
	return arm.ID{}, &UnsupportedError{fmt.Sprintf("the scope %q", where)}
}

// customRoleFaults checks a custom role. What the case leaves out is right.
func customRoleFaults(text []byte) ([]authz.Fault, error) {
	var in struct {
		Name             *string            `json:"name"`
		Description      string             `json:"description"`
		AssignableScopes *[]string          `json:"assignableScopes"`
		Permissions      []mivet.Permission `json:"permissions"`
		Actions          []string           `json:"actions"`
		NotActions       []string           `json:"notActions"`
		DataActions      []string           `json:"dataActions"`
		NotDataActions   []string           `json:"notDataActions"`
	}
	if err := decodeStrictly(text, &in); err != nil {
		return nil, fmt.Errorf("reading the custom role: %w", err)
	}
	role := mivet.RoleDefinition{
		Name: "role of the case", Description: in.Description, AssignableScopes: []string{"/subscriptions/case"},
		Permissions: append(in.Permissions, mivet.Permission{
			Actions: in.Actions, NotActions: in.NotActions, DataActions: in.DataActions, NotDataActions: in.NotDataActions,
		}),
	}
	if in.Name != nil {
		role.Name = *in.Name
	}
	if in.AssignableScopes != nil {
		role.AssignableScopes = *in.AssignableScopes
	}
	return authz.RoleFaults(&role), nil
}

// assignmentFaults checks a role assignment that is told in words: what its role grants,
// and what is special about its condition, its principal or its description.
func assignmentFaults(r *Runner, raw []byte) ([]authz.Fault, error) {
	var what string
	if err := json.Unmarshal(raw, &what); err != nil {
		return nil, &UnsupportedError{"a role assignment that is not told in words"}
	}
	text := words(strings.ToLower(what))
	scope, err := arm.ParseID(caseGroup)
	if err != nil {
		return nil, err
	}
	a := mivet.RoleAssignment{
		Role: "role-of-the-case", Principal: caller, Scope: scope,
		PrincipalType: typeInWords(text), Eligible: text.says("eligible"),
	}
	role, told := assignedInWords(r, text)
	understood := a.Eligible
	if text.says("condition") {
		a.Condition, a.ConditionVersion = conditionInWords(text), "2.0"
		understood = understood || a.Condition != ""
		if text.says("guid") && !told {
			understood = false // it depends on what the role grants
		}
	}
	if text.says("description") && text.says("2 kb", "2 kib", "2048", "2,048", "too long") {
		a.Description, understood = strings.Repeat("x", 2049), true
	}
	if !understood {
		return nil, &UnsupportedError{fmt.Sprintf("the role assignment %q", what)}
	}
	return authz.AssignmentFaults(&a, role, nil), nil
}

// assignedInWords finds the role of an assignment that is told in words: a built-in one by
// its name, the longest that is there, or one with data actions of Storage. It reports
// false where the text does not tell what the role grants.
func assignedInWords(r *Runner, text words) (role *mivet.RoleDefinition, told bool) {
	if r.options.Catalog != nil {
		for _, d := range r.options.Catalog.Roles() {
			if longer := role == nil || len(d.Name) > len(role.Name); longer && len(d.Name) > 5 && text.says(strings.ToLower(d.Name)) {
				role = &d
			}
		}
	}
	if role != nil {
		return role, true
	}
	role = &mivet.RoleDefinition{ID: "role-of-the-case", Name: "role of the case", Permissions: []mivet.Permission{{Actions: []string{"Microsoft.Storage/storageAccounts/read"}}}}
	if text.says("data action", "dataaction") && text.says("storage") && !text.without("data action") && !text.without("dataaction") {
		role.Permissions[0].DataActions = []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"}
		return role, true
	}
	return role, text.without("data action") || text.without("dataaction")
}

// conditionInWords writes a condition of the sort that a text tells, or "".
func conditionInWords(text words) string {
	const name = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]"
	switch {
	case text.says("guid"):
		return name + " GuidEquals 'b24988ac-6180-42a0-ab88-20f7382dd24c'"
	case text.says("principal attribute", "@principal", "custom security attribute"):
		return "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:a_b] StringEquals 'c'"
	case text.says("8 kb", "8 kib", "too long", "longer"):
		return name + " StringEquals '" + strings.Repeat("x", 9000) + "'"
	case text.says("string operator", "stringequals", "string"):
		return name + " StringEquals 'c'"
	}
	return ""
}

// duplicateFaults adds an assignment of a principal, role and scope that exists. A text
// may say that one of the three is another.
func duplicateFaults(raw []byte) ([]authz.Fault, error) {
	text := words(strings.ToLower(string(raw)))
	scope, err := arm.ParseID(caseGroup)
	if err != nil {
		return nil, err
	}
	other := mivet.RoleAssignment{Role: "role-of-the-case", Principal: caller, Scope: scope}
	a := other
	for _, another := range []string{"different ", "another ", "other "} {
		switch {
		case text.says(another + "role"):
			a.Role = "another-role"
		case text.says(another + "principal"):
			a.Principal = "another"
		case text.says(another + "scope"):
			if a.Scope, err = arm.ParseID(caseVault); err != nil {
				return nil, err
			}
		}
	}
	return authz.AssignmentFaults(&a, nil, []mivet.RoleAssignment{other}), nil
}

// denyFaults checks a deny assignment that a user makes, told in words or as an object.
func denyFaults(raw []byte) ([]authz.Fault, error) {
	var what string
	if json.Unmarshal(raw, &what) == nil {
		return denyInWords(words(strings.ToLower(what)))
	}
	var in struct {
		denyInput
		PrincipalType  string   `json:"principalType"`
		Principal      string   `json:"principal"`
		Actions        []string `json:"actions"`
		NotActions     []string `json:"notActions"`
		DataActions    []string `json:"dataActions"`
		NotDataActions []string `json:"notDataActions"`
	}
	if err := decodeStrictly(raw, &in); err != nil {
		return nil, fmt.Errorf("reading the deny assignment: %w", err)
	}
	d := mivet.DenyAssignment{ThisScopeOnly: in.DoNotApplyToChildScopes, Permissions: in.Permissions, Effect: in.Effect, Excluded: principals(in.ExcludePrincipals)}
	typ := principalType(in.PrincipalType)
	if in.Principal != "" {
		in.Principals = append(in.Principals, in.Principal)
	}
	for _, name := range in.Principals {
		id, told := deniedInWords(name)
		d.Principals = append(d.Principals, id)
		typ = cmp.Or(typ, told)
	}
	if len(d.Principals) == 0 {
		d.Principals = []mivet.PrincipalID{caller}
	}
	p := mivet.Permission{Actions: in.Actions, NotActions: in.NotActions, DataActions: in.DataActions, NotDataActions: in.NotDataActions}
	if len(p.Actions)+len(p.NotActions)+len(p.DataActions)+len(p.NotDataActions) > 0 {
		d.Permissions = append(d.Permissions, p)
	}
	if len(d.Permissions) == 0 {
		d.Permissions = []mivet.Permission{{Actions: []string{"*/delete"}}}
	}
	return append(authz.DenyFaults(&d), authz.DeniedTypeFaults(typ)...), nil
}

// deniedInWords reads a principal: everyone, one of whom the type alone is told, or an ID.
func deniedInWords(name string) (mivet.PrincipalID, mivet.PrincipalType) {
	switch w := strings.ToLower(strings.TrimSpace(name)); w {
	case "everyone", "all principals", "all", "systemdefined", string(mivet.Everyone):
		return mivet.Everyone, ""
	case "group", "user", "serviceprincipal", "service principal", "managed identity", "managedidentity":
		return caller, principalType(w)
	}
	return mivet.PrincipalID(name), ""
}

func denyInWords(text words) ([]authz.Fault, error) {
	d := mivet.DenyAssignment{Principals: []mivet.PrincipalID{caller}, Permissions: []mivet.Permission{{Actions: []string{"*/delete"}}}}
	understood := true
	switch {
	case text.says("everyone", "all principals"):
		d.Principals = []mivet.PrincipalID{mivet.Everyone}
		if text.says("except", "exclu", "other than") && !text.without("exclu") {
			d.Excluded = []mivet.PrincipalID{"somebody"}
		}
	case text.says("data action", "dataaction"):
		d.Permissions[0].DataActions = []string{"*/read"}
	case text.says("read action", "*/read", "/read"):
		d.Permissions[0].Actions = []string{"*/read"}
	case text.says("child scope", "donotapplytochildscopes"):
		d.ThisScopeOnly = true
	case text.says("two principals", "several principals", "multiple principals", "more than one"):
		d.Principals = append(d.Principals, "another")
	default:
		understood = typeInWords(text) != ""
	}
	if !understood {
		return nil, &UnsupportedError{fmt.Sprintf("the deny assignment %q", string(text))}
	}
	return append(authz.DenyFaults(&d), authz.DeniedTypeFaults(typeInWords(text))...), nil
}
