// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/mivet/mivet"
)

// azMore writes edits of what is no role assignment of Azure's own: access policies, systems
// of services, federated credentials and the directory. What has no command that is exact is
// a comment.
func azMore(e *mivet.Edit) string {
	switch e.Kind {
	case mivet.EditRemovePolicy:
		return "az keyvault delete-policy --name " + quote(e.Policy.Vault.Name()) + " --object-id " + quote(string(e.Policy.Principal)) + azApplication(e.Policy)
	case mivet.EditAddPolicy:
		return azSetPolicy(e.Policy)
	case mivet.EditRemoveLocalGrant:
		return azLocal(e.Grant, false)
	case mivet.EditAddLocalGrant:
		return azLocal(e.Grant, true)
	case mivet.EditRemoveFederation:
		return azFederation(e.Federation, false)
	case mivet.EditAddFederation:
		return azFederation(e.Federation, true)
	case mivet.EditRemoveMember:
		return "az ad group member remove --group " + quote(string(e.Membership.Group)) + " --member-id " + quote(string(e.Membership.Member))
	case mivet.EditAddMember:
		return "az ad group member add --group " + quote(string(e.Membership.Group)) + " --member-id " + quote(string(e.Membership.Member))
	case mivet.EditRemoveAppRole:
		return azAppRole(e.AppRole, false)
	case mivet.EditAddAppRole:
		return azAppRole(e.AppRole, true)
	case mivet.EditRemoveDirectory:
		return azDirectory(e.Directory, false)
	case mivet.EditAddDirectory:
		return azDirectory(e.Directory, true)
	case mivet.EditRemovePathACL: // no command takes one entry from one path
		return "# take " + pathEntry(e.PathACL) + " out of the access list of " + e.PathACL.Path + " in " + e.PathACL.Container.String()
	case mivet.EditAddPathACL:
		return "# put " + pathEntry(e.PathACL) + ":" + e.PathACL.Permissions + " into the access list of " + e.PathACL.Path + " in " + e.PathACL.Container.String()
	default:
	}
	return "# " + string(e.Kind) + " has no command"
}

func pathEntry(a *mivet.PathACL) string { return a.Tag + ":" + string(a.Principal) }

func azApplication(p *mivet.AccessPolicy) string {
	if p.ApplicationID == "" {
		return ""
	}
	return " --application-id " + quote(p.ApplicationID)
}

func azSetPolicy(p *mivet.AccessPolicy) string {
	var b strings.Builder
	b.WriteString("az keyvault set-policy --name " + quote(p.Vault.Name()) + " --object-id " + quote(string(p.Principal)) + azApplication(p))
	for _, l := range []struct {
		flag  string
		words []string
	}{{"key", p.Keys}, {"secret", p.Secrets}, {"certificate", p.Certificates}, {"storage", p.Storage}} {
		if len(l.words) == 0 {
			continue
		}
		b.WriteString(" --" + l.flag + "-permissions")
		for _, w := range l.words {
			b.WriteString(" " + quote(strings.ToLower(w)))
		}
	}
	return b.String()
}

// azLocal writes the grant of a service's own system. Cosmos DB names assignments by GUIDs
// that no snapshot keeps, so that the command looks for it
// (learn.microsoft.com/cli/azure/cosmosdb/sql/role/assignment, …/keyvault/role/assignment).
func azLocal(g *mivet.LocalAssignment, add bool) string {
	account, group, who := quote(g.Account.Name()), quote(g.Account.ResourceGroup()), quote(string(g.Principal))
	switch {
	case g.System == mivet.LocalCosmos:
		return azCosmos(g, add)
	case g.System == mivet.LocalManagedHSM:
		return "az keyvault role assignment " + pick(add, "create", "delete") + " --hsm-name " + account + " --assignee-object-id " + who +
			pick(add, " --assignee-principal-type ServicePrincipal", "") + " --role " + quote(g.Role) + " --scope " + quote(orRoot(g.Scope))
	case g.System == mivet.LocalSQLAdmin && add:
		return "az sql server ad-admin create --server-name " + account + " --resource-group " + group + " --object-id " + who + " --display-name '<name>'"
	case g.System == mivet.LocalSQLAdmin:
		return "az sql server ad-admin delete --server-name " + account + " --resource-group " + group + "  # the administrator is " + who
	}
	return "# " + pick(add, "add ", "remove ") + who + pick(add, " to ", " from ") + g.Account.String() + " (" + string(g.System) + ": " + g.Role + ")"
}

func azCosmos(g *mivet.LocalAssignment, add bool) string {
	account := " --account-name " + quote(g.Account.Name()) + " --resource-group " + quote(g.Account.ResourceGroup())
	scope := strings.TrimSuffix(g.Account.String()+orRoot(g.Scope), "/")
	role := g.Role[strings.LastIndexByte(g.Role, '/')+1:]
	if add {
		return "az cosmosdb sql role assignment create" + account + " --role-definition-id " + quote(role) + " --principal-id " + quote(string(g.Principal)) +
			" --scope " + quote(orRoot(g.Scope))
	}
	query := fmt.Sprintf("[?principalId=='%s' && ends_with(roleDefinitionId, '%s') && scope=='%s'].name", g.Principal, role, scope)
	return "az cosmosdb sql role assignment delete" + account + " --yes --role-assignment-id \"$(az cosmosdb sql role assignment list" + account +
		" --query " + quote(query) + " --output tsv)\""
}

func orRoot(scope string) string {
	if scope == "" {
		return "/"
	}
	return scope
}

func pick(add bool, yes, no string) string {
	if add {
		return yes
	}
	return no
}

func azFederation(f *mivet.FederatedCredential, add bool) string {
	if f.Identity.IsZero() {
		return "# " + pick(add, "add", "delete") + " the federated credential " + f.Name + " of the application " + f.AppObjectID
	}
	at := " --name " + quote(f.Name) + " --identity-name " + quote(f.Identity.Name()) + " --resource-group " + quote(f.Identity.ResourceGroup())
	switch {
	case !add:
		return "az identity federated-credential delete" + at
	case f.Subject == "":
		return "# add the federated credential " + f.Name + " with the expression " + f.Expression + ": no command does"
	}
	at += " --issuer " + quote(f.Issuer) + " --subject " + quote(f.Subject)
	if len(f.Audiences) > 0 {
		at += " --audiences"
		for _, a := range f.Audiences {
			at += " " + quote(a)
		}
	}
	return "az identity federated-credential create" + at
}

const graphURL = "https://graph.microsoft.com/v1.0/"

// azAppRole finds the assignment by what it says, since Graph names it by an ID of its own
// (learn.microsoft.com/graph/api/serviceprincipal-delete-approleassignments).
func azAppRole(a *mivet.AppRoleAssignment, add bool) string {
	list := graphURL + "servicePrincipals/" + string(a.Principal) + "/appRoleAssignments"
	if a.API == "" || !mivet.IsGUID(a.RoleID) {
		return "# " + pick(add, "give", "take") + " the permission " + a.APIName + " " + a.Role + ": " + list
	}
	if add {
		return azBody("post", list, map[string]any{"principalId": a.Principal, "resourceId": a.API, "appRoleId": a.RoleID})
	}
	query := fmt.Sprintf("value[?appRoleId=='%s' && resourceId=='%s'].id", a.RoleID, a.API)
	return azDeleteFound(list, list, query)
}

// azDirectory is about a role of the directory
// (learn.microsoft.com/graph/api/unifiedroleassignment-delete).
func azDirectory(a *mivet.DirectoryRoleAssignment, add bool) string {
	list := graphURL + "roleManagement/directory/roleAssignments"
	scope := orRoot(a.DirectoryScope)
	if a.Eligible || !mivet.IsGUID(a.RoleID) {
		return "# " + pick(add, "give", "take") + " the directory role " + a.Role + pick(a.Eligible, ", eligible,", "") + " at " + scope
	}
	if add {
		return azBody("post", list, map[string]any{"principalId": a.Principal, "roleDefinitionId": a.RoleID, "directoryScopeId": scope})
	}
	query := fmt.Sprintf("value[?roleDefinitionId=='%s' && directoryScopeId=='%s'].id", a.RoleID, scope)
	return azDeleteFound(list, list+"?$filter=principalId eq '"+string(a.Principal)+"'", query)
}

func azDeleteFound(at, list, query string) string {
	return "az rest --method delete --url " + quote(at+"/") + "\"$(az rest --method get --url " + quote(list) + " --query " + quote(query) + " --output tsv)\""
}

func azBody(method, url string, body map[string]any) string {
	text, err := json.Marshal(body)
	if err != nil {
		return "# " + method + " " + url + ": " + err.Error()
	}
	return "az rest --method " + method + " --url " + quote(url) + " --body " + quote(string(text))
}

// scheduled reports whether an assignment is one of Privileged Identity Management, which
// makes and ends it by requests of its own.
func scheduled(a *mivet.RoleAssignment) bool { return a.Eligible || !a.End.IsZero() }

// azSchedule asks for the end, or the begin, of an eligible or a bounded assignment
// (learn.microsoft.com/rest/api/authorization/privileged-role-eligibility-rest-sample).
func azSchedule(verb string, a *mivet.RoleAssignment) string {
	kind := "roleAssignmentScheduleRequests"
	if a.Eligible {
		kind = "roleEligibilityScheduleRequests"
	}
	if a.Role == "" {
		return "# " + verb + " by a request (" + kind + "): " + roleWord(a) + " at " + a.Scope.String() + " for " + string(a.Principal)
	}
	scope := strings.TrimSuffix(a.Scope.String(), "/")
	p := map[string]any{
		"principalId": a.Principal, "roleDefinitionId": scope + "/providers/Microsoft.Authorization/roleDefinitions/" + string(a.Role),
		"requestType": "AdminRemove",
	}
	if verb == "create" {
		expires := map[string]any{"type": "NoExpiration"}
		if !a.End.IsZero() {
			expires = map[string]any{"type": "AfterDateTime", "endDateTime": a.End.UTC().Format(time.RFC3339)}
		}
		schedule := map[string]any{"expiration": expires}
		if !a.Start.IsZero() {
			schedule["startDateTime"] = a.Start.UTC().Format(time.RFC3339)
		}
		p["requestType"], p["scheduleInfo"] = "AdminAssign", schedule
		if a.Condition != "" {
			p["condition"], p["conditionVersion"] = a.Condition, a.ConditionVersion
		}
	}
	text, err := json.Marshal(map[string]any{"properties": p})
	if err != nil {
		return "# " + verb + " " + kind + ": " + err.Error()
	}
	return "az rest --method put --url " + quote("https://management.azure.com"+scope+"/providers/Microsoft.Authorization/"+kind+"/") +
		"\"$(uuidgen)?api-version=2020-10-01\" --body " + quote(string(text))
}
