// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// bodyOf reads the properties of a request into a type.
func bodyOf[T any](body object) (T, *armFault) {
	var out struct {
		Properties T `json:"properties"`
	}
	raw, err := json.Marshal(body)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return out.Properties, fault(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	return out.Properties, nil
}

// assignmentBody is a role assignment as it is sent (API version 2022-04-01).
type assignmentBody struct {
	RoleDefinitionID  string `json:"roleDefinitionId"`
	PrincipalID       string `json:"principalId"`
	PrincipalType     string `json:"principalType"`
	Condition         string `json:"condition"`
	ConditionVersion  string `json:"conditionVersion"`
	Description       string `json:"description"`
	DelegatedIdentity string `json:"delegatedManagedIdentityResourceId"`
}

// writeAssignment makes, changes or deletes a role assignment. Codes and texts:
// MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md,
// troubleshoot-limits.md, and public threads.
func (q *armRequest) writeAssignment(t target, body object) *armFault {
	if !mivet.IsGUID(t.name) {
		return fault(http.StatusBadRequest, "InvalidRoleAssignmentId", "The role assignment ID '%s' is not valid. The role assignment ID must be a GUID.", t.name)
	}
	if q.r.Method == http.MethodDelete {
		return q.deleteAssignment(t)
	}
	p, f := bodyOf[assignmentBody](body)
	if f != nil {
		return f
	}
	q.said = saidGrant(t, p)
	id := mustID(strings.TrimSuffix(t.scope.String(), "/") + "/providers/" + assignmentType + "/" + t.name)
	a := mivet.RoleAssignment{
		ID: id, Role: mivet.NewRoleID(p.RoleDefinitionID), Principal: mivet.NewPrincipalID(p.PrincipalID), PrincipalType: mivet.PrincipalType(p.PrincipalType), Scope: t.scope,
		Condition: p.Condition, ConditionVersion: p.ConditionVersion, Description: p.Description, CreatedOn: q.s.now(), CreatedBy: mivet.NewPrincipalID(q.c.OID), DelegatedIdentity: mustID(p.DelegatedIdentity),
	}
	known := q.s.world.directory.byID[a.Principal]
	if a.PrincipalType == "" && known != nil {
		a.PrincipalType = known.Type
	}
	given := abac.RoleAssignment{RoleDefinitionID: string(a.Role), PrincipalID: string(a.Principal), PrincipalType: string(a.PrincipalType)}.WriteEnv()
	if f := q.mayGiven(assignmentType+"/write", t.scope, given); f != nil {
		return f
	}
	if f := q.locked(t.scope, false); f != nil {
		return f
	}
	if f := q.checkAssignee(&a, p.PrincipalType, known); f != nil {
		return f
	}
	at, there := q.s.world.roleAt[a.Role]
	if !there {
		return fault(http.StatusBadRequest, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", strings.ReplaceAll(string(a.Role), "-", ""))
	}
	before, f := q.checkAssignment(&a, &q.s.world.roles[at])
	if f != nil {
		return f
	}
	if before != nil { // what can be changed of it: condition and description
		a.CreatedOn, a.CreatedBy = before.CreatedOn, before.CreatedBy
	}
	q.publish(func(d *draft) { d.putAssignment(a) })
	writeJSON(q.w, http.StatusCreated, q.s.world.roleAssignment(&a))
	return nil
}

// saidGrant is the request for an assignment as the activity log holds it, with its own
// spelling of names (MicrosoftDocs/azure-docs articles/role-based-access-control/change-history-report.md).
func saidGrant(t target, p assignmentBody) string {
	properties := object{"PrincipalId": p.PrincipalID, "RoleDefinitionId": p.RoleDefinitionID, "Scope": t.scope.String()}
	setText(properties, "PrincipalType", p.PrincipalType)
	setText(properties, "Condition", p.Condition)
	setText(properties, "Description", p.Description)
	text, err := json.Marshal(object{"Id": t.name, "Properties": properties})
	if err != nil {
		return "" // names and texts alone: it does not happen
	}
	return string(text)
}

// checkAssignee checks who is to get the role.
func (q *armRequest) checkAssignee(a *mivet.RoleAssignment, said string, known *mivet.Principal) *armFault {
	w := q.s.world
	if !mivet.IsGUID(string(a.Principal)) && known == nil { // tests and texts name principals by words
		return fault(http.StatusBadRequest, "InvalidPrincipalId", "The Principal ID '%s' is not valid. Principal ID must be a GUID.", a.Principal)
	}
	switch {
	case said == "" && (known == nil || w.young(a.Principal, q.s.now())):
		return fault(http.StatusBadRequest, "PrincipalNotFound", "Principal %s does not exist in the directory %s. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, "+
			"this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
			strings.ReplaceAll(string(a.Principal), "-", ""), w.tenant)
	case said != "" && known != nil && known.Type != "" && !strings.EqualFold(said, string(known.Type)):
		// The slip of the pen is Azure's.
		return fault(http.StatusBadRequest, "UnmatchedPrincipalType", "The PrincipalId '%s' has type '%s' , which is different from specified PrinciaplType '%s'.", strings.ReplaceAll(string(a.Principal), "-", ""), known.Type, said)
	}
	return nil
}

// checkAssignment checks an assignment against those that there are, and by itself. It
// returns the one that it replaces, if any.
func (q *armRequest) checkAssignment(a *mivet.RoleAssignment, role *mivet.RoleDefinition) (before *mivet.RoleAssignment, f *armFault) {
	all := q.s.world.snap.RoleAssignments
	for i := range all {
		o := &all[i]
		switch {
		case o.Eligible:
		case q.s.world.assignmentID(o).Equal(a.ID):
			before = o
			if o.Principal != a.Principal || q.s.world.roleOf(o) != a.Role {
				return nil, fault(http.StatusBadRequest, "RoleAssignmentUpdateNotPermitted", "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
			}
		case o.Principal == a.Principal && q.s.world.roleOf(o) == a.Role && o.Scope.Equal(a.Scope):
			return nil, fault(http.StatusConflict, "RoleAssignmentExists", "The role assignment already exists. The ID of the existing role assignment is %s.", strings.ReplaceAll(q.s.world.assignmentID(o).Name(), "-", ""))
		}
	}
	for _, broken := range authz.AssignmentFaults(a, role, all) {
		switch {
		case broken.Validity != authz.Rejected, broken.Code == "RoleAssignmentUpdateNotPermitted":
		case broken.Code == "RoleAssignmentLimitExceeded":
			return nil, fault(http.StatusBadRequest, broken.Code, "Role assignment limit exceeded. No more role assignments can be created.")
		case broken.Code != "":
			return nil, fault(http.StatusBadRequest, broken.Code, "%s", broken.What)
		default: // Azure's code is not established
			return nil, fault(http.StatusBadRequest, "BadRequest", "The role assignment is not valid: %s.", broken.What)
		}
	}
	return before, nil
}

// young reports whether a principal was made so lately that not every part of the directory
// knows it.
func (w *world) young(p mivet.PrincipalID, now time.Time) bool {
	born, ok := w.births[p]
	return ok && now.Before(born)
}

func (q *armRequest) deleteAssignment(t target) *armFault {
	w := q.s.world
	var a *mivet.RoleAssignment
	for i := range w.snap.RoleAssignments {
		if o := &w.snap.RoleAssignments[i]; !o.Eligible && o.Scope.Equal(t.scope) && strings.EqualFold(w.assignmentID(o).Name(), t.name) {
			a = o
		}
	}
	var given *abac.Env
	if a != nil {
		given = abac.RoleAssignment{RoleDefinitionID: string(w.roleOf(a)), PrincipalID: string(a.Principal), PrincipalType: string(w.typeOf(a))}.DeleteEnv()
	}
	if f := q.mayGiven(assignmentType+"/delete", t.scope, given); f != nil {
		return f
	}
	if f := q.locked(t.scope, true); f != nil {
		return f
	}
	if a == nil {
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	answer := w.roleAssignment(a)
	q.publish(func(d *draft) { d.dropAssignment(a) })
	writeJSON(q.w, http.StatusOK, answer)
	return nil
}

// definitionBody is a role as it is sent (API version 2022-04-01).
type definitionBody struct {
	RoleName         string             `json:"roleName"`
	Description      string             `json:"description"`
	AssignableScopes []string           `json:"assignableScopes"`
	Permissions      []mivet.Permission `json:"permissions"`
}

// maxCustomRoles is how many roles a tenant may have of its own
// (MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshoot-limits.md).
const maxCustomRoles = 5000

// writeDefinition makes, changes or deletes a role of the tenant.
func (q *armRequest) writeDefinition(t target, body object) *armFault {
	w := q.s.world
	id := mivet.NewRoleID(t.name)
	if !mivet.IsGUID(string(id)) {
		return fault(http.StatusBadRequest, "InvalidRoleDefinitionId", "The role definition ID '%s' is not valid. The role definition ID must be a GUID.", t.name)
	}
	var before *mivet.RoleDefinition
	if at, ok := w.roleAt[id]; ok {
		before = &w.roles[at]
	}
	if q.r.Method == http.MethodDelete {
		return q.deleteDefinition(t, before)
	}
	p, f := bodyOf[definitionBody](body)
	if f != nil {
		return f
	}
	// The right is needed at every scope at which the role can be assigned.
	for _, text := range p.AssignableScopes {
		if f := q.mayWrite(definitionType+"/write", mustID(text), false); f != nil {
			return f
		}
	}
	r := mivet.RoleDefinition{ID: id, Name: p.RoleName, Description: p.Description, AssignableScopes: p.AssignableScopes, Permissions: p.Permissions}
	if before != nil && before.BuiltIn {
		return fault(http.StatusBadRequest, "BadRequest", "The role '%s' is built in and cannot be changed.", before.Name) // the code is not established
	}
	if broken := authz.RoleFaults(&r); len(broken) > 0 {
		return fault(http.StatusBadRequest, "BadRequest", "The role definition is not valid: %s.", broken[0].What) // as above
	}
	own := 0
	for i := range w.roles {
		o := &w.roles[i]
		if !o.BuiltIn {
			own++
		}
		if o.ID != id && strings.EqualFold(o.Name, r.Name) {
			return fault(http.StatusConflict, "RoleDefinitionWithSameNameExists", "A custom role with the same name already exists in this directory. Use a different name.")
		}
	}
	if before == nil && own >= maxCustomRoles {
		return fault(http.StatusBadRequest, "RoleDefinitionLimitExceeded", "Role definition limit exceeded. No more role definitions can be created.")
	}
	q.publish(func(d *draft) {
		d.snap.RoleDefinitions = with(without(d.snap.RoleDefinitions, func(o *mivet.RoleDefinition) bool { return o.ID == id }), r)
	})
	writeJSON(q.w, http.StatusCreated, q.s.world.roleDefinition(&r, t.scope))
	return nil
}

func (q *armRequest) deleteDefinition(t target, before *mivet.RoleDefinition) *armFault {
	w := q.s.world
	if f := q.mayWrite(definitionType+"/delete", t.scope, true); f != nil {
		return f
	}
	switch {
	case before == nil:
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	case before.BuiltIn:
		return fault(http.StatusBadRequest, "BadRequest", "The role '%s' is built in and cannot be deleted.", before.Name) // the code is not established
	}
	for i := range w.snap.RoleAssignments {
		if w.roleOf(&w.snap.RoleAssignments[i]) == before.ID {
			return fault(http.StatusBadRequest, "RoleDefinitionHasAssignments", "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).")
		}
	}
	answer := w.roleDefinition(before, t.scope)
	q.publish(func(d *draft) {
		d.snap.RoleDefinitions = without(d.snap.RoleDefinitions, func(o *mivet.RoleDefinition) bool { return o.ID == before.ID })
	})
	writeJSON(q.w, http.StatusOK, answer)
	return nil
}

// denyBody is a deny assignment as it is sent (API version 2024-07-01-preview).
type denyBody struct {
	Name        string             `json:"denyAssignmentName"`
	Description string             `json:"description"`
	Permissions []mivet.Permission `json:"permissions"`
	Here        bool               `json:"doNotApplyToChildScopes"`
	Principals  []principalRef     `json:"principals"`
	Excluded    []principalRef     `json:"excludePrincipals"`
}

type principalRef struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

func (q *armRequest) writeDeny(t target, body object) *armFault {
	w := q.s.world
	at := slices.IndexFunc(w.snap.DenyAssignments, func(d mivet.DenyAssignment) bool {
		return d.Scope.Equal(t.scope) && strings.EqualFold(extensionID(d.ID, d.Scope, denyType, d.Name).Name(), t.name)
	})
	drop := func(d *draft) {
		if at >= 0 {
			d.snap.DenyAssignments = slices.Delete(slices.Clone(d.snap.DenyAssignments), at, at+1)
		}
	}
	if q.r.Method == http.MethodDelete {
		if f := q.mayWrite(denyType+"/delete", t.scope, true); f != nil {
			return f
		}
		if at >= 0 && w.snap.DenyAssignments[at].SystemProtected {
			return fault(http.StatusForbidden, "SystemProtected", "The deny assignment '%s' is protected by the system.", t.name) // the code is not established
		}
		return q.removed(at >= 0, drop)
	}
	if f := q.mayWrite(denyType+"/write", t.scope, false); f != nil {
		return f
	}
	p, f := bodyOf[denyBody](body)
	if f != nil {
		return f
	}
	d := mivet.DenyAssignment{
		ID: mustID(strings.TrimSuffix(t.scope.String(), "/") + "/providers/" + denyType + "/" + t.name), Name: p.Name, Description: p.Description, Scope: t.scope,
		ThisScopeOnly: p.Here, Permissions: p.Permissions, Source: mivet.Source{Origin: written},
	}
	broken := authz.DenyFaults(&d)[:0]
	for _, one := range p.Principals {
		d.Principals = append(d.Principals, mivet.NewPrincipalID(one.ID))
		if d.Principals[len(d.Principals)-1] != mivet.Everyone {
			broken = append(broken, authz.DeniedTypeFaults(mivet.PrincipalType(one.Type))...)
		}
	}
	for _, one := range p.Excluded {
		d.Excluded = append(d.Excluded, mivet.NewPrincipalID(one.ID))
	}
	if broken = append(broken, authz.DenyFaults(&d)...); len(broken) > 0 {
		return fault(http.StatusBadRequest, "BadRequest", "The deny assignment is not valid: %s.", broken[0].What) // the code is not established
	}
	q.publish(func(next *draft) {
		drop(next)
		next.snap.DenyAssignments = with(next.snap.DenyAssignments, d)
	})
	writeJSON(q.w, http.StatusCreated, q.s.world.denyAssignment(&d))
	return nil
}

// removed answers a deletion: 204 where there was nothing.
func (q *armRequest) removed(there bool, drop func(d *draft)) *armFault {
	if !there {
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	q.publish(drop)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// writeLock makes or deletes a lock. No lock keeps anybody from that.
func (q *armRequest) writeLock(t target, body object) *armFault {
	w := q.s.world
	id := mustID(strings.TrimSuffix(t.scope.String(), "/") + "/providers/" + lockType + "/" + t.name)
	same := func(l *mivet.Lock) bool {
		return l.Scope.Equal(t.scope) && strings.EqualFold(extensionID(l.ID, l.Scope, lockType, l.Level).Name(), t.name)
	}
	there := slices.ContainsFunc(w.snap.Locks, func(l mivet.Lock) bool { return same(&l) })
	drop := func(d *draft) { d.snap.Locks = without(d.snap.Locks, same) }
	if q.r.Method == http.MethodDelete {
		if f := q.mayGiven(lockType+"/delete", t.scope, nil); f != nil {
			return f
		}
		return q.removed(there, drop)
	}
	if f := q.mayGiven(lockType+"/write", t.scope, nil); f != nil {
		return f
	}
	p, f := bodyOf[struct {
		Level string `json:"level"`
	}](body)
	if f != nil {
		return f
	}
	if p.Level != "CanNotDelete" && p.Level != "ReadOnly" {
		return fault(http.StatusBadRequest, "InvalidLockLevel", "The lock level '%s' is not valid.", p.Level) // the code is not established
	}
	q.publish(func(d *draft) {
		drop(d)
		d.snap.Locks = with(d.snap.Locks, mivet.Lock{ID: id, Scope: t.scope, Level: p.Level, Source: mivet.Source{Origin: written}})
	})
	status := http.StatusCreated
	if there {
		status = http.StatusOK
	}
	writeJSON(q.w, status, object{"id": id.String(), "name": id.Name(), "type": lockType, "properties": object{"level": p.Level}})
	return nil
}

// maxFederated is how many federated credentials an identity holds
// (learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
const maxFederated = 20

// writeFederated makes, changes or deletes a federated credential of an identity.
func (q *armRequest) writeFederated(t target, body object) *armFault {
	w := q.s.world
	if w.find(t.parent) == nil {
		return fault(http.StatusNotFound, "ParentResourceNotFound", "Failed to perform '%s' on resource(s) of type '%s', because the parent resource '%s' could not be found.", strings.ToLower(q.r.Method), federatedType, t.parent)
	}
	same := func(f *mivet.FederatedCredential) bool {
		return f.Identity.Equal(t.parent) && strings.EqualFold(f.Name, t.name)
	}
	drop := func(d *draft) { d.snap.FederatedCredentials = without(d.snap.FederatedCredentials, same) }
	mine := w.directory.identityFeds[string(t.parent.Key())]
	there := slices.ContainsFunc(mine, same)
	if q.r.Method == http.MethodDelete {
		if f := q.mayWrite(federatedType+"/delete", t.parent, true); f != nil {
			return f
		}
		return q.removed(there, drop)
	}
	if f := q.mayWrite(federatedType+"/write", t.parent, false); f != nil {
		return f
	}
	p, f := bodyOf[struct {
		Issuer, Subject string
		Audiences       []string
	}](body)
	if f != nil {
		return f
	}
	c := mivet.FederatedCredential{ID: mustID(q.path), Identity: t.parent, Name: t.name, Issuer: p.Issuer, Subject: p.Subject, Audiences: p.Audiences, Source: mivet.Source{Origin: written}}
	switch { // the codes are not established
	case c.Issuer == "" || c.Subject == "" || len(c.Audiences) != 1:
		return fault(http.StatusBadRequest, "BadRequest", "A federated identity credential needs an issuer, a subject and one audience.")
	case !there && len(mine) >= maxFederated:
		return fault(http.StatusBadRequest, "BadRequest", "The identity has %d federated identity credentials already.", maxFederated)
	case slices.ContainsFunc(mine, func(o *mivet.FederatedCredential) bool {
		return !same(o) && o.Issuer == c.Issuer && o.Subject == c.Subject
	}):
		return fault(http.StatusConflict, "Conflict", "A federated identity credential with this issuer and subject exists on the identity already.")
	}
	q.publish(func(d *draft) {
		drop(d)
		d.snap.FederatedCredentials = with(d.snap.FederatedCredentials, c)
	})
	status := http.StatusCreated
	if there {
		status = http.StatusOK
	}
	writeJSON(q.w, status, object{"id": c.ID.String(), "name": c.Name, "type": federatedType, "properties": object{"issuer": c.Issuer, "subject": c.Subject, "audiences": textList(c.Audiences)}})
	return nil
}

// policyBody is an entry of a vault's access list as it is sent (API version 2023-07-01).
type policyBody struct {
	TenantID      string `json:"tenantId"`
	ObjectID      string `json:"objectId"`
	ApplicationID string `json:"applicationId"`
	Permissions   struct {
		Keys, Secrets, Certificates, Storage []string
	} `json:"permissions"`
}

func (p *policyBody) policy(vault arm.ID) mivet.AccessPolicy {
	return mivet.AccessPolicy{
		Vault: vault, Principal: mivet.NewPrincipalID(p.ObjectID), ApplicationID: p.ApplicationID, TenantID: p.TenantID,
		Keys: p.Permissions.Keys, Secrets: p.Permissions.Secrets, Certificates: p.Permissions.Certificates, Storage: p.Permissions.Storage, Source: mivet.Source{Origin: written},
	}
}

// putPolicies takes the access list that is written in a vault, if it is.
func (d *draft) putPolicies(vault arm.ID, body object) {
	p, f := bodyOf[struct {
		Policies *[]policyBody `json:"accessPolicies"`
	}](body)
	if f != nil || p.Policies == nil {
		return
	}
	d.snap.AccessPolicies = without(d.snap.AccessPolicies, func(o *mivet.AccessPolicy) bool { return o.Vault.Equal(vault) })
	for i := range *p.Policies {
		d.snap.AccessPolicies = append(d.snap.AccessPolicies, (*p.Policies)[i].policy(vault))
	}
}

// writePolicies answers PUT {vault}/accessPolicies/{add|replace|remove}
// (learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy). Each entry
// goes to the one of the same principal and application.
func (q *armRequest) writePolicies(t target, body object) *armFault {
	w := q.s.world
	kind := strings.ToLower(t.name)
	if q.r.Method != http.MethodPut || !slices.Contains([]string{"add", "replace", "remove"}, kind) {
		return fault(http.StatusBadRequest, "BadRequest", "The operation kind '%s' is not one of add, replace and remove.", t.name)
	}
	if f := q.mayWrite(vaultType+"/accessPolicies/write", t.parent, false); f != nil {
		return f
	}
	if w.find(t.parent) == nil {
		return fault(http.StatusNotFound, "ParentResourceNotFound", "Failed to perform 'write' on resource(s) of type 'vaults/accessPolicies', because the parent resource '%s' could not be found.", t.parent)
	}
	p, f := bodyOf[struct {
		Policies []policyBody `json:"accessPolicies"`
	}](body)
	if f != nil {
		return f
	}
	q.publish(func(d *draft) {
		for i := range p.Policies {
			d.mergePolicy(kind, p.Policies[i].policy(w.find(t.parent).id))
		}
	})
	writeJSON(q.w, http.StatusOK, object{
		"id": q.path, "name": t.name, "type": vaultType + "/accessPolicies", "properties": object{"accessPolicies": q.s.world.accessPolicies(t.parent)},
	})
	return nil
}

func (d *draft) mergePolicy(kind string, p mivet.AccessPolicy) {
	same := func(o *mivet.AccessPolicy) bool {
		return o.Vault.Equal(p.Vault) && o.Principal == p.Principal && strings.EqualFold(o.ApplicationID, p.ApplicationID)
	}
	lists := func(p *mivet.AccessPolicy) []*[]string {
		return []*[]string{&p.Keys, &p.Secrets, &p.Certificates, &p.Storage}
	}
	at := slices.IndexFunc(d.snap.AccessPolicies, func(o mivet.AccessPolicy) bool { return same(&o) })
	left := p
	if at >= 0 && kind != "replace" {
		left = d.snap.AccessPolicies[at]
		for i, list := range lists(&left) {
			for _, word := range *lists(&p)[i] {
				*list = without(*list, func(o *string) bool { return strings.EqualFold(*o, word) })
				if kind == "add" {
					*list = with(*list, word)
				}
			}
		}
	}
	d.snap.AccessPolicies = without(d.snap.AccessPolicies, same)
	rest := 0
	for _, list := range lists(&left) {
		rest += len(*list)
	}
	if rest > 0 && (kind != "remove" || at >= 0) {
		d.snap.AccessPolicies = with(d.snap.AccessPolicies, left)
	}
}

// setSecretByARM takes the value of a secret that is written through Resource Manager, and
// takes it out of what is kept of the resource.
func (q *armRequest) setSecretByARM(id arm.ID, p object) {
	value, ok := p["value"].(string)
	delete(p, "value")
	if !ok {
		return
	}
	now := q.s.now().Unix()
	q.s.contents.mu.Lock()
	defer q.s.contents.mu.Unlock()
	q.s.contents.vault(id.Parent().Key()).set(id.Name(), secretVersion{value: value, enabled: true, created: now, updated: now})
}
