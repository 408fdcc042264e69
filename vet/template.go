// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Terraform writes edits as text for a Terraform configuration (hashicorp/azurerm): new
// blocks in full, and for what is there already the argument or block to change, named
// by its address where the finding knows it.
func Terraform(edits []mivet.Edit) string { return TerraformFrom(1, edits) }

// TerraformFrom is [Terraform] for a part of a larger text: the names of new blocks are
// counted from first on.
func TerraformFrom(first int, edits []mivet.Edit) string {
	var b strings.Builder
	for i := range edits {
		terraformEdit(&b, first+i, &edits[i])
	}
	return b.String()
}

func terraformEdit(b *strings.Builder, n int, e *mivet.Edit) {
	switch e.Kind {
	case mivet.EditRemoveAssignment:
		fmt.Fprintf(b, "# remove %s: %s\n", block("azurerm_role_assignment", e.Assignment.Source), grantWords(e.Assignment))
	case mivet.EditAddAssignment:
		a := e.Assignment
		fmt.Fprintf(b, "resource \"azurerm_role_assignment\" \"mivet_%d\" {\n  scope                = %s\n  %s\n  principal_id         = %s\n%s}\n",
			n, hcl(a.Scope.String()), terraformRole(a), terraformPrincipal(a.Principal), terraformWords(a))
	case mivet.EditDescribeAssignment:
		fmt.Fprintf(b, "# in %s:\ndescription = %s\n", block("azurerm_role_assignment", e.Assignment.Source), hcl(e.Assignment.Description))
	case mivet.EditRemovePolicy:
		fmt.Fprintf(b, "# remove %s: the access policy of %s on %s\n", block("azurerm_key_vault_access_policy", e.Policy.Source), e.Policy.Principal, e.Policy.Vault.Name())
	case mivet.EditRemoveLocalGrant:
		fmt.Fprintf(b, "# remove %s: %s of %s on %s\n", block("the block", e.Grant.Source), e.Grant.Role, e.Grant.Principal, e.Grant.Account.Name())
	case mivet.EditRemoveFederation:
		fmt.Fprintf(b, "# remove %s: the federated credential %s\n", block("the block", e.Federation.Source), e.Federation.Name)
	case mivet.EditSetSetting:
		fmt.Fprintf(b, "# in the block of %s:\n%s\n", e.Resource.Name(), terraformSetting(e))
	case mivet.EditSetTag:
		fmt.Fprintf(b, "# in the tags of %s:\n%s = %s\n", e.Resource.Name(), e.Name, hcl(e.Value))
	case mivet.EditAttachIdentity, mivet.EditDetachIdentity:
		fmt.Fprintf(b, "# in the identity block of %s: %s\n", e.Resource.Name(), identityWords(e))
	case mivet.EditDeleteIdentity:
		fmt.Fprintf(b, "# remove the azurerm_user_assigned_identity %s\n", e.Resource.Name())
	case mivet.EditRemoveSuppression:
		fmt.Fprintf(b, "# remove the suppression at %s\n", e.Name)
	case mivet.EditContract:
		fmt.Fprintf(b, "# in the contract: %s: %s\n", e.Name, e.Value)
	case mivet.EditApplyFirst:
		fmt.Fprintf(b, "# apply %s first, then plan again\n", e.Name)
	case mivet.EditSetAPIVersion:
		fmt.Fprintf(b, "# in the type of %s: @%s\n", e.Name, e.Value)
	case mivet.EditRaiseProvider:
		fmt.Fprintf(b, "# in required_providers, then terraform init -upgrade:\n%s = { source = \"hashicorp/%s\", version = \">= %s\" }\n", e.Name, e.Name, e.Value)
	case mivet.EditNameByPrincipal:
		fmt.Fprintf(b, "# let the name of %s hang on its principal\n", e.Name)
	default:
		fmt.Fprintf(b, "# %s\n", factWords(e))
	}
}

// terraformWords are the condition and the description of a new assignment.
func terraformWords(a *mivet.RoleAssignment) string {
	text := ""
	if a.Condition != "" {
		text += "  condition            = " + hcl(a.Condition) + "\n"
		if a.ConditionVersion != "" {
			text += "  condition_version    = " + hcl(a.ConditionVersion) + "\n"
		}
	}
	if a.Description != "" {
		text += "  description          = " + hcl(a.Description) + "\n"
	}
	return text
}

// factWords says what to remove or to add where a template declares it.
func factWords(e *mivet.Edit) string {
	verb := func(kind mivet.EditKind) string {
		if e.Kind == kind {
			return "remove "
		}
		return "add "
	}
	switch {
	case e.Policy != nil:
		return verb(mivet.EditRemovePolicy) + block("azurerm_key_vault_access_policy", e.Policy.Source) + ": of " + string(e.Policy.Principal) + " on " + e.Policy.Vault.Name()
	case e.Grant != nil:
		return verb(mivet.EditRemoveLocalGrant) + block("block", e.Grant.Source) + ": " + e.Grant.Role + " of " + string(e.Grant.Principal) + " on " + e.Grant.Account.Name()
	case e.Federation != nil:
		return verb(mivet.EditRemoveFederation) + block("block", e.Federation.Source) + ": the federated credential " + e.Federation.Name
	case e.Membership != nil:
		return verb(mivet.EditRemoveMember) + block("azuread_group_member", e.Membership.Source) + ": " + string(e.Membership.Member) + " in " + string(e.Membership.Group)
	case e.AppRole != nil:
		return verb(mivet.EditRemoveAppRole) + block("azuread_app_role_assignment", e.AppRole.Source) + ": " + e.AppRole.APIName + " " + appRoleWord(e.AppRole) + " of " + string(e.AppRole.Principal)
	case e.Directory != nil:
		return verb(mivet.EditRemoveDirectory) + block("azuread_directory_role_assignment", e.Directory.Source) + ": " + e.Directory.Role + " of " + string(e.Directory.Principal)
	case e.PathACL != nil:
		return verb(mivet.EditRemovePathACL) + pathEntry(e.PathACL) + " in the access list of " + e.PathACL.Path + " of " + e.PathACL.Container.Name()
	}
	return string(e.Kind)
}

func appRoleWord(a *mivet.AppRoleAssignment) string {
	if a.Role != "" {
		return a.Role
	}
	return a.RoleID
}

// block names the block that a fact was read from.
func block(kind string, s mivet.Source) string {
	if s.Origin != nil && s.Origin.Address != "" {
		return s.Origin.Address
	}
	return "the " + strings.TrimPrefix(kind, "the ")
}

func grantWords(a *mivet.RoleAssignment) string {
	return fmt.Sprintf("%s for %s at %s", roleWord(a), a.Principal, a.Scope)
}

func roleWord(a *mivet.RoleAssignment) string {
	if a.RoleName != "" {
		return a.RoleName
	}
	return string(a.Role)
}

func identityWords(e *mivet.Edit) string {
	which := "the system-assigned identity"
	if !e.Identity.IsZero() {
		which = e.Identity.String()
	}
	if e.Kind == mivet.EditAttachIdentity {
		return "add " + which
	}
	return "take away " + which
}

func terraformRole(a *mivet.RoleAssignment) string {
	if a.RoleName != "" {
		return "role_definition_name = " + hcl(a.RoleName)
	}
	return "role_definition_id   = " + hcl("/providers/Microsoft.Authorization/roleDefinitions/"+string(a.Role))
}

// terraformPrincipal writes a principal; that of an object of the configuration is a
// reference to it.
func terraformPrincipal(id mivet.PrincipalID) string {
	owner, symbolic := id.Symbolic()
	if !symbolic {
		return hcl(string(id))
	}
	if strings.HasPrefix(owner, "/") {
		return hcl("the principal of "+owner) + " # identity[0].principal_id of that resource"
	}
	if strings.Contains(owner, "azurerm_user_assigned_identity") {
		return owner + ".principal_id"
	}
	return owner + ".identity[0].principal_id"
}

// terraformArguments are the arguments of azurerm for properties that fixes set; "!" in
// front: the argument has the opposite sense.
var terraformArguments = map[string]string{
	"enableRbacAuthorization":                "rbac_authorization_enabled",
	"allowSharedKeyAccess":                   "shared_access_key_enabled",
	"disableLocalAuth":                       "!local_authentication_enabled",
	"adminUserEnabled":                       "admin_enabled",
	"disableAccessKeyAuthentication":         "!access_keys_authentication_enabled",
	"features.disableLocalAuth":              "!local_authentication_enabled",
	"siteConfig.appSettings.AZURE_CLIENT_ID": "app_settings.AZURE_CLIENT_ID",
}

func terraformSetting(e *mivet.Edit) string {
	name, known := terraformArguments[e.Name]
	value := e.Value
	if rest, opposite := strings.CutPrefix(name, "!"); opposite {
		name = rest
		switch value {
		case "true":
			value = "false"
		case "false":
			value = "true"
		}
	}
	if !known {
		return fmt.Sprintf("# properties.%s = %s", e.Name, e.Value)
	}
	if value != "true" && value != "false" {
		value = hcl(value)
	}
	return name + " = " + value
}

// hcl quotes a text so that it stands for itself.
func hcl(s string) string {
	r := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "${", "$${", "%{", "%%{")
	return `"` + r.Replace(s) + `"`
}

// Bicep writes edits as text for a Bicep file: new role assignments as resources, whose
// names derive from scope, principal and role, and for the rest what to change where.
func Bicep(edits []mivet.Edit) string { return BicepFrom(1, edits) }

// BicepFrom is [Bicep] for a part of a larger text: the names of new resources are counted
// from first on.
func BicepFrom(first int, edits []mivet.Edit) string {
	var b strings.Builder
	for i := range edits {
		e := &edits[i]
		switch e.Kind {
		case mivet.EditAddAssignment:
			bicepAssignment(&b, first+i, e.Assignment)
		case mivet.EditRemoveAssignment:
			fmt.Fprintf(&b, "// remove %s: %s\n", block("role assignment", e.Assignment.Source), grantWords(e.Assignment))
		case mivet.EditDescribeAssignment:
			fmt.Fprintf(&b, "// in the properties of %s:\ndescription: %s\n", block("role assignment", e.Assignment.Source), bicepText(e.Assignment.Description))
		case mivet.EditRemovePolicy:
			fmt.Fprintf(&b, "// remove the entry of %s from accessPolicies of %s\n", e.Policy.Principal, e.Policy.Vault.Name())
		case mivet.EditRemoveLocalGrant:
			fmt.Fprintf(&b, "// remove the grant %s of %s on %s\n", e.Grant.Role, e.Grant.Principal, e.Grant.Account.Name())
		case mivet.EditRemoveFederation:
			fmt.Fprintf(&b, "// remove the federated credential %s\n", e.Federation.Name)
		case mivet.EditSetSetting:
			fmt.Fprintf(&b, "// in the properties of %s:\n%s: %s\n", e.Resource.Name(), e.Name, bicepValue(e.Value))
		case mivet.EditSetTag:
			fmt.Fprintf(&b, "// in the tags of %s:\n%s: %s\n", e.Resource.Name(), bicepText(e.Name), bicepText(e.Value))
		case mivet.EditAttachIdentity, mivet.EditDetachIdentity:
			fmt.Fprintf(&b, "// in the identity of %s: %s\n", e.Resource.Name(), identityWords(e))
		case mivet.EditDeleteIdentity:
			fmt.Fprintf(&b, "// remove the identity %s\n", e.Resource.Name())
		case mivet.EditRemoveSuppression:
			fmt.Fprintf(&b, "// remove the suppression at %s\n", e.Name)
		case mivet.EditContract:
			fmt.Fprintf(&b, "// in the contract: %s: %s\n", e.Name, e.Value)
		case mivet.EditApplyFirst:
			fmt.Fprintf(&b, "// deploy %s first\n", e.Name)
		case mivet.EditSetAPIVersion:
			fmt.Fprintf(&b, "// in the type of %s: @%s\n", e.Name, e.Value)
		case mivet.EditRaiseProvider:
			fmt.Fprintf(&b, "// a provider of Terraform: %s >= %s\n", e.Name, e.Value)
		case mivet.EditNameByPrincipal:
			fmt.Fprintf(&b, "// in a module that gets principalId as a parameter, for %s:\nname: guid(scope, principalId, roleDefinitionId)\n", e.Name)
		default:
			fmt.Fprintf(&b, "// %s\n", factWords(e))
		}
	}
	return b.String()
}

// bicepAssignment writes an assignment in the scope of its resource group, subscription
// or resource; the last needs an existing resource to hang on.
func bicepAssignment(b *strings.Builder, n int, a *mivet.RoleAssignment) {
	role := string(a.Role)
	if role == "" {
		role = "<GUID of " + a.RoleName + ">"
	}
	scope := ""
	if a.Scope.Level() == arm.LevelResource {
		fmt.Fprintf(b, "resource mivetScope%d '%s@<api version>' existing = {\n  name: %s // %s\n}\n", n, a.Scope.Type(), bicepText(a.Scope.Name()), a.Scope)
		scope = fmt.Sprintf("\n  scope: mivetScope%d", n)
	}
	fmt.Fprintf(b, "resource mivetAssignment%d 'Microsoft.Authorization/roleAssignments@2022-04-01' = { // %s at %s\n", n, roleWord(a), a.Scope)
	fmt.Fprintf(b, "  name: guid(%s, %s, %s)%s\n  properties: {\n", bicepText(a.Scope.String()), bicepText(string(a.Principal)), bicepText(role), scope)
	fmt.Fprintf(b, "    principalId: %s\n", bicepText(string(a.Principal)))
	if a.PrincipalType != "" {
		fmt.Fprintf(b, "    principalType: %s\n", bicepText(string(a.PrincipalType)))
	}
	if a.Condition != "" {
		fmt.Fprintf(b, "    condition: %s\n    conditionVersion: %s\n", bicepText(a.Condition), bicepText(a.ConditionVersion))
	}
	if a.Description != "" {
		fmt.Fprintf(b, "    description: %s\n", bicepText(a.Description))
	}
	fmt.Fprintf(b, "    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', %s)\n  }\n}\n", bicepText(role))
}

func bicepValue(s string) string {
	if s == "true" || s == "false" {
		return s
	}
	return bicepText(s)
}

func bicepText(s string) string {
	r := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "${", `\${`)
	return "'" + r.Replace(s) + "'"
}
