// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// Validity says what Azure makes of an object that someone wants to create.
type Validity uint8

// The validities, the worst last.
const (
	Accepted   Validity = iota // it can be created
	FailsAtUse                 // it can be created, and requests that depend on it fail
	Rejected                   // Azure refuses to create it
)

var validityNames = [...]string{"accepted", "accepted, and requests that depend on it fail", "rejected"}

// String returns the validity in words.
func (v Validity) String() string {
	if int(v) < len(validityNames) {
		return validityNames[v]
	}
	return "invalid"
}

// Fault is a rule of Azure's that an object breaks.
type Fault struct {
	Validity Validity
	// What says which rule, in a sentence without a full stop.
	What string
	// Code is the error that Resource Manager answers, where a page names it.
	Code string
	// Source is the page that states the rule.
	Source string
}

// ValidityOf returns the worst that any of the faults leads to.
func ValidityOf(faults []Fault) Validity {
	worst := Accepted
	for i := range faults {
		worst = max(worst, faults[i].Validity)
	}
	return worst
}

// The limits of custom roles and assignments, as the table of limits has them.
const (
	maxRoleName         = 512
	maxRoleDescription  = 2048
	maxAssignableScopes = 2000
	maxPerSubscription  = 4000
	maxPerManagement    = 500
)

type faults []Fault

func (f *faults) reject(broken bool, what, source string) {
	if broken {
		*f = append(*f, Fault{Validity: Rejected, What: what, Source: source})
	}
}

// RoleFaults checks a custom role against the rules of its page. Whether its operations
// exist is not checked. Built-in roles follow other rules and have no faults.
func RoleFaults(d *mivet.RoleDefinition) []Fault {
	if d.BuiltIn {
		return nil
	}
	var f faults
	const page = docsRBAC + "custom-roles.md"
	f.reject(d.Name == "", "a custom role needs a name", page)
	f.reject(len([]rune(d.Name)) > maxRoleName, fmt.Sprintf("its name is longer than %d characters", maxRoleName), page)
	f.reject(len([]rune(d.Description)) > maxRoleDescription, fmt.Sprintf("its description is longer than %d characters", maxRoleDescription), page)
	f.scopes(d.AssignableScopes)
	for i := range d.Permissions {
		p := &d.Permissions[i]
		for _, list := range [][]string{p.Actions, p.NotActions, p.DataActions, p.NotDataActions} {
			f.patterns(list)
		}
	}
	return f
}

func (f *faults) scopes(scopes []string) {
	const page = docsRBAC + "custom-roles.md"
	f.reject(len(scopes) == 0, "it names no assignable scope", docsRBAC+"role-definitions.md")
	f.reject(len(scopes) > maxAssignableScopes, fmt.Sprintf("it names more than %d assignable scopes", maxAssignableScopes), page)
	groups := 0
	for _, text := range scopes {
		if strings.Contains(text, "*") {
			f.reject(true, "its assignable scope "+text+" has a wildcard", page)
			continue
		}
		id, err := arm.ParseID(text)
		f.reject(err != nil, fmt.Sprintf("its assignable scope %q is no scope", text), page)
		f.reject(id.Level() == arm.LevelRoot, "its assignable scope is the root, which built-in roles have alone", page)
		if id.Level() == arm.LevelManagementGroup {
			groups++
		}
	}
	f.reject(groups > 1, "it names more than one management group as assignable scope", page)
}

func (f *faults) patterns(list []string) {
	for _, text := range list {
		p, err := arm.ParsePattern(text)
		f.reject(err != nil, fmt.Sprintf("its action %q is none", text), docsRBAC+"role-definitions.md")
		f.reject(p.Wildcards() > 1, "its action "+text+" has more than one wildcard", docsRBAC+"custom-roles.md")
	}
}

// AssignmentFaults checks a role assignment. The role may be nil: what depends on it is
// then not checked. The others are the assignments that exist; those that are the same
// object, by ID, are what it replaces.
func AssignmentFaults(a *mivet.RoleAssignment, role *mivet.RoleDefinition, others []mivet.RoleAssignment) []Fault {
	var f faults
	f.reject(len(a.Description) > maxRoleDescription, "its description is longer than 2 kB", docsLimits)
	f.principal(a)
	if role != nil {
		f.assigned(a, role)
	}
	f.condition(a, role)
	f.beside(a, others)
	return f
}

// principal checks who may be eligible.
func (f *faults) principal(a *mivet.RoleAssignment) {
	switch a.PrincipalType {
	case mivet.TypeServicePrincipal, mivet.TypeAgentPrincipal:
		f.reject(a.Eligible, "an application, service principal or managed identity cannot be eligible: it cannot activate a role", docsRBAC+"pim-integration.md")
	default:
	}
}

// assigned checks where a role may be assigned.
func (f *faults) assigned(a *mivet.RoleAssignment, role *mivet.RoleDefinition) {
	if role.BuiltIn {
		return
	}
	f.reject(a.Scope.Level() == arm.LevelManagementGroup && hasDataActions(role),
		"a custom role with data actions cannot be assigned at a management group", docsRBAC+"custom-roles.md")
	f.reject(!assignableAt(role, a.Scope), "the scope is not at or below an assignable scope of the role", docsRBAC+"role-definitions.md")
}

func hasDataActions(role *mivet.RoleDefinition) bool {
	for i := range role.Permissions {
		if len(role.Permissions[i].DataActions) > 0 {
			return true
		}
	}
	return false
}

// assignableAt reports whether the names of the scopes rule an assignment out. What is
// below a management group no name tells, so nothing is ruled out then.
func assignableAt(role *mivet.RoleDefinition, scope arm.ID) bool {
	if len(role.AssignableScopes) == 0 {
		return true
	}
	for _, text := range role.AssignableScopes {
		id, err := arm.ParseID(text)
		if err != nil || id.Contains(scope) || id.Level() == arm.LevelManagementGroup {
			return true
		}
	}
	return false
}

// condition checks what Azure refuses of a condition, and what makes requests fail.
func (f *faults) condition(a *mivet.RoleAssignment, role *mivet.RoleDefinition) {
	if a.Condition == "" {
		return
	}
	expr, err := abac.Parse(a.Condition)
	if err != nil {
		f.reject(true, err.Error(), docsRBAC+"conditions-troubleshoot.md")
		return
	}
	ctx := abac.LintContext{Text: a.Condition, Version: a.ConditionVersion, Role: permissionsOf(role)}
	for _, found := range abac.Lint(expr, ctx) {
		switch found.ID {
		case "too-long", "condition-version":
			f.reject(true, found.Message+": "+found.Why, found.Page)
		case "guid-on-storage":
			*f = append(*f, Fault{Validity: FailsAtUse, What: found.Message, Code: "AuthorizationFailed", Source: found.Page})
		}
	}
	f.reject(a.Eligible && looksAtPrincipal(abac.Compile(expr)),
		"the condition of an eligible assignment cannot look at attributes of the principal", docsRBAC+"conditions-troubleshoot.md")
}

func looksAtPrincipal(c *abac.Condition) bool {
	for _, attribute := range c.Attributes() {
		if attribute.Source == abac.Principal {
			return true
		}
	}
	return false
}

// permissionsOf unites what a role grants, for lints; nil for a role that is not known.
func permissionsOf(role *mivet.RoleDefinition) *abac.Permissions {
	if role == nil {
		return nil
	}
	var p abac.Permissions
	var ignored error
	for i := range role.Permissions {
		of := &role.Permissions[i]
		p.Actions = append(p.Actions, compilePatterns(of.Actions, &ignored)...)
		p.NotActions = append(p.NotActions, compilePatterns(of.NotActions, &ignored)...)
		p.DataActions = append(p.DataActions, compilePatterns(of.DataActions, &ignored)...)
		p.NotDataActions = append(p.NotDataActions, compilePatterns(of.NotDataActions, &ignored)...)
	}
	return &p
}

// beside checks an assignment against those that exist.
func (f *faults) beside(a *mivet.RoleAssignment, others []mivet.RoleAssignment) {
	home, count := countedAt(a.Scope), 0
	for i := range others {
		o := &others[i]
		if !a.ID.IsZero() && a.ID.Equal(o.ID) {
			f.update(a, o)
			continue
		}
		if countedAt(o.Scope).Equal(home) && !o.Eligible {
			count++
		}
		f.reject(sameTuple(a, o), "the principal has the role at the scope already; one with and one without a condition cannot stand side by side",
			docsRBAC+"conditions-faq.md")
	}
	most := maxPerSubscription
	if home.Level() == arm.LevelManagementGroup {
		most = maxPerManagement
	}
	if !home.IsZero() && count >= most && !a.Eligible {
		*f = append(*f, Fault{
			Validity: Rejected, Code: "RoleAssignmentLimitExceeded", Source: docsRBAC + "troubleshoot-limits.md",
			What: fmt.Sprintf("%s has %d role assignments already", home, count),
		})
	}
}

// update checks what an assignment with the ID of another may change.
func (f *faults) update(a, o *mivet.RoleAssignment) {
	if a.Principal == o.Principal && a.Scope.Equal(o.Scope) && a.Role == o.Role {
		return
	}
	*f = append(*f, Fault{
		Validity: Rejected, Code: "RoleAssignmentUpdateNotPermitted", Source: docsRBAC + "troubleshooting.md",
		What: "an assignment of that name exists; its principal, role and scope cannot be changed",
	})
}

func sameTuple(a, o *mivet.RoleAssignment) bool {
	return a.Principal == o.Principal && a.Role == o.Role && a.RoleName == o.RoleName && a.Scope.Equal(o.Scope) && a.Eligible == o.Eligible
}

// countedAt returns the subscription or management group whose limit an assignment at the
// scope counts in; zero for none.
func countedAt(scope arm.ID) arm.ID {
	if scope.Level() == arm.LevelManagementGroup {
		return scope
	}
	return scope.Subscription()
}

// DenyFaults checks a deny assignment that a user would create. Those that Azure itself
// makes (managed applications, deployment stacks) follow other rules.
func DenyFaults(d *mivet.DenyAssignment) []Fault {
	var f faults
	const page = "MicrosoftDocs/azure-docs-powershell azps-16.2.0/Az.Resources/New-AzDenyAssignment.md"
	f.reject(d.ThisScopeOnly, "it cannot be kept from child scopes", page)
	actions := 0
	for i := range d.Permissions {
		p := &d.Permissions[i]
		actions += len(p.Actions)
		f.reject(len(p.DataActions)+len(p.NotDataActions) > 0, "data actions cannot be denied", page)
		for _, text := range p.Actions {
			f.reject(strings.HasSuffix(string(arm.Fold(strings.TrimSpace(text))), "/read"), "read actions cannot be denied: "+text, page)
		}
		f.patternsOf(p.Actions)
	}
	f.reject(actions == 0, "it denies no action", docsRBAC+"deny-assignments.md")
	f.denied(d, page)
	return f
}

// patternsOf checks that actions can be read; how many wildcards one may have, no page says.
func (f *faults) patternsOf(list []string) {
	for _, text := range list {
		_, err := arm.ParsePattern(text)
		f.reject(err != nil, fmt.Sprintf("its action %q is none", text), docsRBAC+"deny-assignments.md")
	}
}

func (f *faults) denied(d *mivet.DenyAssignment, page string) {
	everyone := false
	for _, p := range d.Principals {
		everyone = everyone || p == mivet.Everyone
	}
	f.reject(everyone && len(d.Excluded) == 0, "a deny assignment for everyone needs a principal that is excluded", page)
	f.reject(len(d.Principals) != 1, "it must name everyone, or one user or service principal", page)
	for _, p := range d.Excluded {
		f.reject(p == mivet.Everyone, "everyone cannot be excluded", docsRBAC+"deny-assignments.md")
	}
}

// DeniedTypeFaults checks the type of the one principal that a deny assignment of a user
// names. Groups are not supported.
func DeniedTypeFaults(t mivet.PrincipalType) []Fault {
	var f faults
	const page = "MicrosoftDocs/azure-docs-powershell azps-16.2.0/Az.Resources/New-AzDenyAssignment.md"
	switch t {
	case "", mivet.TypeUser, mivet.TypeServicePrincipal:
	default:
		f.reject(true, "a principal of type "+string(t)+" cannot be denied, only a user or a service principal", page)
	}
	return f
}
