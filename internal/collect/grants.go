// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// roleProperties are those of a role definition.
type roleProperties struct {
	Name        string             `json:"roleName"`
	Description string             `json:"description"`
	Kind        string             `json:"type"`
	Scopes      []string           `json:"assignableScopes"`
	Permissions []mivet.Permission `json:"permissions"`
}

// assignmentProperties are those of a role assignment, and of the instance of a schedule.
type assignmentProperties struct {
	Principal   string `json:"principalId"`
	Type        string `json:"principalType"`
	Role        string `json:"roleDefinitionId"`
	Scope       string `json:"scope"`
	Condition   string `json:"condition"`
	Version     string `json:"conditionVersion"`
	Description string `json:"description"`
	CreatedOn   string `json:"createdOn"`
	CreatedBy   string `json:"createdBy"`
	Delegated   string `json:"delegatedManagedIdentityResourceId"`

	Start  string `json:"startDateTime"`
	End    string `json:"endDateTime"`
	Status string `json:"status"`
	Origin string `json:"originRoleAssignmentId"`
}

// assignment makes the fact; ok is false where the row does not say who holds what.
func (a *assignmentProperties) assignment(id arm.ID, src mivet.Source) (mivet.RoleAssignment, bool) {
	scope := parsed(a.Scope)
	if scope.IsZero() {
		scope = id.Parent()
	}
	out := mivet.RoleAssignment{
		ID: id, Role: mivet.NewRoleID(a.Role), Principal: mivet.NewPrincipalID(a.Principal), PrincipalType: mivet.PrincipalType(a.Type), Scope: scope,
		Condition: a.Condition, ConditionVersion: a.Version, Description: a.Description, CreatedOn: instant(a.CreatedOn),
		CreatedBy: mivet.NewPrincipalID(a.CreatedBy), DelegatedIdentity: parsed(a.Delegated), Source: src,
	}
	return out, out.Role != "" && out.Principal != "" && !out.Scope.IsZero()
}

// authorization takes role assignments and role definitions.
func (f *facts) authorization(p *page, what string, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, what, func(r *row) {
		if is(r.id.Type(), "Microsoft.Authorization/roleDefinitions") {
			f.roleDefinition(r, src)
			return
		}
		a, _ := decoded[assignmentProperties](r)
		out, ok := a.assignment(r.id, src)
		if !ok {
			f.odd[what]++
			return
		}
		f.roleAssignment(out)
	})
}

func (f *facts) roleAssignment(a mivet.RoleAssignment) {
	if _, ok := f.assignments[a.ID.Key()]; ok {
		return
	}
	f.want(a.Principal)
	f.assignments[a.ID.Key()] = len(f.snap.RoleAssignments)
	f.snap.RoleAssignments = append(f.snap.RoleAssignments, a)
}

func (f *facts) roleDefinition(r *row, src mivet.Source) {
	d, ok := decoded[roleProperties](r)
	id := mivet.NewRoleID(r.id.Name())
	if !ok || f.roles[id] {
		if !ok {
			f.odd["role definitions"]++
		}
		return
	}
	f.roles[id] = true
	f.snap.RoleDefinitions = append(f.snap.RoleDefinitions, mivet.RoleDefinition{
		ID: id, Name: d.Name, Description: d.Description, BuiltIn: is(d.Kind, "BuiltInRole"),
		AssignableScopes: d.Scopes, Permissions: d.Permissions, Source: src,
	})
}

// denies takes deny assignments.
func (f *facts) denies(p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, callDenies.what, func(r *row) {
		type principal struct {
			ID string `json:"id"`
		}
		d, ok := decoded[struct {
			Name        string             `json:"denyAssignmentName"`
			Description string             `json:"description"`
			Scope       string             `json:"scope"`
			Here        bool               `json:"doNotApplyToChildScopes"`
			Principals  []principal        `json:"principals"`
			Excluded    []principal        `json:"excludePrincipals"`
			Permissions []mivet.Permission `json:"permissions"`
			Condition   string             `json:"condition"`
			Version     string             `json:"conditionVersion"`
			Protected   bool               `json:"isSystemProtected"`
			Effect      string             `json:"denyAssignmentEffect"`
		}](r)
		if !ok {
			f.odd[callDenies.what]++
			return
		}
		out := mivet.DenyAssignment{
			ID: r.id, Name: d.Name, Description: d.Description, Scope: parsed(d.Scope), ThisScopeOnly: d.Here, Permissions: d.Permissions,
			Condition: d.Condition, ConditionVersion: d.Version, SystemProtected: d.Protected, Source: src,
		}
		if out.Scope.IsZero() {
			out.Scope = r.id.Parent()
		}
		if is(d.Effect, string(mivet.DenyAudit)) {
			out.Effect = mivet.DenyAudit
		}
		for _, x := range d.Principals {
			out.Principals = append(out.Principals, mivet.NewPrincipalID(x.ID))
		}
		for _, x := range d.Excluded {
			out.Excluded = append(out.Excluded, mivet.NewPrincipalID(x.ID))
		}
		f.want(out.Principals...)
		f.want(out.Excluded...)
		if f.once("deny|" + string(r.id.Key())) {
			f.snap.DenyAssignments = append(f.snap.DenyAssignments, out)
		}
	})
}

// schedule is an active assignment as privileged identity management lists it.
type schedule struct {
	origin     arm.ID
	start, end time.Time
	assignment mivet.RoleAssignment
}

// eligible takes assignments that must be activated before they give anything.
func (f *facts) eligible(p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, callEligible.what, func(r *row) {
		a, _ := decoded[assignmentProperties](r)
		out, ok := a.assignment(r.id, src)
		if !ok {
			f.odd[callEligible.what]++
			return
		}
		out.Eligible, out.Start, out.End = true, instant(a.Start), instant(a.End)
		f.roleAssignment(out)
	})
}

// active takes the instances of active assignments: their bounds in time.
func (f *facts) active(p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, callActive.what, func(r *row) {
		a, _ := decoded[assignmentProperties](r)
		out, ok := a.assignment(parsed(a.Origin), src)
		if !ok || out.ID.IsZero() || !f.once("active|"+string(out.ID.Key())) {
			return
		}
		f.want(out.Principal)
		f.schedules = append(f.schedules, schedule{out.ID, instant(a.Start), instant(a.End), out})
	})
}

// settleSchedules gives assignments their bounds in time. An active assignment that
// Resource Graph does not hold yet is added: Resource Manager is the fresher of the two.
func (f *facts) settleSchedules() {
	missing := 0
	for _, s := range f.schedules {
		i, ok := f.assignments[s.origin.Key()]
		if !ok {
			missing++
			a := s.assignment
			a.DescriptionUnknown = true
			f.roleAssignment(a)
			i = f.assignments[s.origin.Key()]
		}
		if !s.end.IsZero() {
			f.snap.RoleAssignments[i].Start, f.snap.RoleAssignments[i].End = s.start, s.end
		}
	}
	if missing > 0 {
		f.addGap(mivet.Gap{
			Facts: mivet.FactResources, Subject: "Resource Graph",
			Reason: fmt.Sprintf("Resource Graph is behind: Resource Manager knows %s that it does not hold; they were added, and resources may be missing as well", count(missing, "role assignment")),
		})
	}
}

// settleRoleNames gives assignments the names of their roles, for those who read them.
func (f *facts) settleRoleNames() {
	names := make(map[mivet.RoleID]string, len(f.snap.RoleDefinitions))
	for _, d := range f.snap.RoleDefinitions {
		names[d.ID] = d.Name
	}
	for i := range f.snap.RoleAssignments {
		a := &f.snap.RoleAssignments[i]
		a.RoleName = names[a.Role]
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// locks takes locks.
func (f *facts) locks(p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, callLocks.what, func(r *row) {
		l, ok := decoded[struct {
			Level string `json:"level"`
		}](r)
		if !ok {
			f.odd[callLocks.what]++
			return
		}
		if f.once("lock|" + string(r.id.Key())) {
			f.snap.Locks = append(f.snap.Locks, mivet.Lock{ID: r.id, Scope: r.id.Parent(), Level: l.Level, Source: src})
		}
	})
}

// federated takes the federated credentials of a user-assigned identity.
func (f *facts) federated(identity arm.ID, p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, "federated credentials", func(r *row) {
		c, ok := decoded[struct {
			Issuer    string   `json:"issuer"`
			Subject   string   `json:"subject"`
			Audiences []string `json:"audiences"`
			Claims    *struct {
				Value string `json:"value"`
			} `json:"claimsMatchingExpression"`
		}](r)
		if !ok {
			f.odd["federated credentials"]++
			return
		}
		out := mivet.FederatedCredential{
			ID: r.id, Identity: identity, Name: first(r.Name, r.id.Name()), Issuer: c.Issuer, Subject: c.Subject, Audiences: c.Audiences, Source: src,
		}
		if c.Claims != nil {
			out.Expression = c.Claims.Value
		}
		if f.once("fic|" + string(r.id.Key())) {
			f.snap.FederatedCredentials = append(f.snap.FederatedCredentials, out)
		}
	})
}

// delegations takes registrations of Azure Lighthouse: definitions, and where they hold.
func (f *facts) delegations(p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, callDelegations.what, func(r *row) {
		switch typ := r.id.Type(); {
		case is(typ, "Microsoft.ManagedServices/registrationDefinitions"):
			f.definitions[r.id.Key()] = *r
		case is(typ, "Microsoft.ManagedServices/registrationAssignments"):
			if f.once("delegation|" + string(r.id.Key())) {
				f.snap.Delegations = append(f.snap.Delegations, mivet.Delegation{ID: r.id, Scope: r.id.Parent(), Source: src})
				f.definitions[r.id.Key()] = *r
			}
		}
	})
}

// registration is the definition of a delegation.
type registration struct {
	Definition string        `json:"registrationDefinitionId"`
	Tenant     string        `json:"managedByTenantId"`
	Name       string        `json:"registrationDefinitionName"`
	Grants     []delegatedTo `json:"authorizations"`
	Eligible   []delegatedTo `json:"eligibleAuthorizations"`
}

type delegatedTo struct {
	Principal  string   `json:"principalId"`
	Name       string   `json:"principalIdDisplayName"`
	Role       string   `json:"roleDefinitionId"`
	Assignable []string `json:"delegatedRoleDefinitionIds"`
}

// settleDelegations fills delegations with what their definitions say.
func (f *facts) settleDelegations() {
	for i := range f.snap.Delegations {
		d := &f.snap.Delegations[i]
		own := f.definitions[d.ID.Key()]
		a, _ := decoded[registration](&own)
		definition, ok := f.definitions[parsed(a.Definition).Key()]
		def, readable := decoded[registration](&definition)
		if !ok || !readable {
			f.addGap(mivet.Gap{
				Facts: mivet.FactDelegations, Scope: d.Scope, Source: d.Source, Permission: "Microsoft.ManagedServices/registrationDefinitions/read",
				Reason: "the definition of a delegation could not be read: who got which roles is not known",
			})
			continue
		}
		d.ManagingTenant, d.Name = strings.ToLower(def.Tenant), def.Name
		d.Grants = append(delegated(def.Grants, false), delegated(def.Eligible, true)...)
	}
}

func delegated(list []delegatedTo, eligible bool) []mivet.DelegatedGrant {
	var out []mivet.DelegatedGrant
	for _, g := range list {
		d := mivet.DelegatedGrant{
			Principal: mivet.NewPrincipalID(g.Principal), Name: g.Name, Role: mivet.NewRoleID(g.Role), Eligible: eligible,
		}
		for _, r := range g.Assignable {
			d.AssignableRoles = append(d.AssignableRoles, mivet.NewRoleID(r))
		}
		out = append(out, d)
	}
	return out
}
