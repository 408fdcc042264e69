// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"strings"

	"github.com/mivet/mivet"
)

// AzCommands writes edits as Azure CLI commands, one a line, in order. An edit of
// something that does not exist yet, such as a principal that a plan will make, becomes a
// comment: it must be changed in the file that declares it.
func AzCommands(edits []mivet.Edit) []string {
	var out []string
	for i := range edits {
		out = append(out, azCommand(&edits[i]))
	}
	return out
}

func azCommand(e *mivet.Edit) string {
	switch e.Kind {
	case mivet.EditRemoveAssignment:
		return azAssignment("delete", e.Assignment)
	case mivet.EditAddAssignment:
		return azAssignment("create", e.Assignment)
	case mivet.EditDescribeAssignment:
		return azDescribe(e.Assignment)
	case mivet.EditSetSetting:
		return "az resource update --ids " + quote(e.Resource.String()) + " --set " + quote("properties."+e.Name+"="+e.Value)
	case mivet.EditSetTag:
		return "az tag update --operation merge --resource-id " + quote(e.Resource.String()) + " --tags " + quote(e.Name+"="+e.Value)
	case mivet.EditAttachIdentity:
		return azIdentity("assign", e)
	case mivet.EditDetachIdentity:
		return azIdentity("remove", e)
	case mivet.EditDeleteIdentity:
		return "az identity delete --ids " + quote(e.Resource.String())
	case mivet.EditRemoveSuppression:
		return "# remove the suppression at " + e.Name
	case mivet.EditContract:
		return "# in the contract: " + e.Name + ": " + e.Value
	case mivet.EditApplyFirst:
		return "terraform apply " + quote("-target="+e.Name)
	case mivet.EditSetAPIVersion:
		return "# in the file: write " + e.Name + " with API version " + e.Value
	case mivet.EditRaiseProvider:
		return "# in required_providers: " + e.Name + " >= " + e.Value + ", then: terraform init -upgrade"
	case mivet.EditNameByPrincipal:
		return "# in the template: name " + e.Name + " by guid(scope, principalId, roleDefinitionId), with principalId as a parameter"
	default:
		return azMore(e)
	}
}

// azDescribe writes the assignment anew with its description.
func azDescribe(a *mivet.RoleAssignment) string {
	text := azAssignment("create", a)
	if a.Description == "" {
		text += " --description ''"
	}
	return text
}

func azAssignment(verb string, a *mivet.RoleAssignment) string {
	role := string(a.Role)
	if a.RoleName != "" {
		role = a.RoleName
	}
	var b strings.Builder
	if owner, symbolic := a.Principal.Symbolic(); symbolic {
		return "# " + verb + " in the template: " + role + " at " + a.Scope.String() + " for the principal of " + shortOwner(owner)
	}
	if planned := plannedOnly(a); planned != "" && verb == "delete" {
		return "# take " + planned + " out of its source: it is not made yet"
	}
	if scheduled(a) {
		return azSchedule(verb, a)
	}
	b.WriteString("az role assignment " + verb)
	if verb == "delete" {
		b.WriteString(" --assignee " + quote(string(a.Principal)))
	} else {
		b.WriteString(" --assignee-object-id " + quote(string(a.Principal)))
		if a.PrincipalType != "" {
			b.WriteString(" --assignee-principal-type " + quote(string(a.PrincipalType)))
		}
	}
	b.WriteString(" --role " + quote(role) + " --scope " + quote(a.Scope.String()))
	if verb == "create" {
		b.WriteString(azWords(a))
	}
	return b.String()
}

// azWords are the condition and the description of an assignment that is made.
func azWords(a *mivet.RoleAssignment) string {
	text := ""
	if a.Condition != "" {
		text += " --condition " + quote(a.Condition)
		if a.ConditionVersion != "" {
			text += " --condition-version " + quote(a.ConditionVersion)
		}
	}
	if a.Description != "" {
		text += " --description " + quote(a.Description)
	}
	return text
}

// plannedOnly returns the address of an assignment that a plan or a template is still to
// make; "" for one that Azure holds.
func plannedOnly(a *mivet.RoleAssignment) string {
	if !a.ID.IsZero() || a.Source.Origin == nil {
		return ""
	}
	return a.Source.Origin.Address
}

// azIdentity uses the command of the service where there is one, since the generic one
// replaces the whole identity block.
func azIdentity(verb string, e *mivet.Edit) string {
	which := "[system]"
	if !e.Identity.IsZero() {
		which = e.Identity.String()
	}
	name, group := quote(e.Resource.Name()), quote(e.Resource.ResourceGroup())
	switch strings.ToLower(e.Resource.Type()) {
	case "microsoft.web/sites":
		return "az webapp identity " + verb + " --name " + name + " --resource-group " + group + " --identities " + quote(which)
	case "microsoft.web/sites/slots":
		return "az webapp identity " + verb + " --name " + quote(e.Resource.Parent().Name()) + " --slot " + name +
			" --resource-group " + group + " --identities " + quote(which)
	case "microsoft.compute/virtualmachines":
		return "az vm identity " + verb + " --name " + name + " --resource-group " + group + " --identities " + quote(which)
	case "microsoft.compute/virtualmachinescalesets":
		return "az vmss identity " + verb + " --name " + name + " --resource-group " + group + " --identities " + quote(which)
	case "microsoft.app/containerapps":
		flag := " --user-assigned " + quote(which)
		if e.Identity.IsZero() {
			flag = " --system-assigned"
		}
		return "az containerapp identity " + verb + " --name " + name + " --resource-group " + group + flag
	}
	return "# " + verb + " " + which + " in the identity block of " + e.Resource.String()
}

// quote writes a word so that a POSIX shell reads it as one.
func quote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.:=@"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
