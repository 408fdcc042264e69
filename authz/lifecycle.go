// SPDX-License-Identifier: Apache-2.0

package authz

import "slices"

// Fate is what becomes of a role assignment.
type Fate string

// The fates.
const (
	FateOrphaned Fate = "orphaned" // it stays and points at nothing
	FateDeleted  Fate = "deleted"  // it is gone
	FateDelayed  Fate = "delayed"  // it is changed, and effective later
	FateRefused  Fate = "refused"  // Azure refuses the request, with the code
	FateKept     Fate = "kept"     // it stays and works
)

// Lifecycle says what an event makes of role assignments.
type Lifecycle struct {
	// Event says what happens.
	Event string
	Fate  Fate
	// Code is the error of Resource Manager, for a request that is refused.
	Code string
	// Effect says it in a sentence without a full stop.
	Effect string
	// Source is the page that says so.
	Source string

	wording wording
}

const (
	saysPrincipal  = "identity|principal|user|service principal|application|app registration|group"
	saysAgain      = "recreat*|re creat*|created again|create again|creates again|made again|new identity|same name|disabled and enabled|disabled and re enabled|replac*"
	saysDeleted    = "delet*|remov*|destroy*|purg*"
	saysRedeployed = "assignment|guid|bicep|template"
	saysSameAgain  = "same guid|same name|same assignment|same role assignment|guid|redeploy*|update*|deploy* again|repeat*"
	saysMoved      = "move|moved|moving|moves|migrat*"
)

var lifecycles = []Lifecycle{
	{
		"a principal is deleted", FateOrphaned, "",
		"its role assignments stay: the portal shows \"Identity not found\", the type is Unknown, and they count in the limit", docsRBAC + "troubleshooting.md",
		wording{[]string{saysPrincipal, saysDeleted}, saysAgain + "|last|lock|soft delet*|membership|member|custom role|from group|from a group|from the group"},
	},
	{
		"a principal is deleted and made again", FateOrphaned, "",
		"the new one has another principal ID; the old role assignments are orphaned: \"Identity not found\"", docsRBAC + "troubleshooting.md",
		wording{[]string{saysPrincipal, saysAgain}, "same guid|same assignment|same role assignment|guid|update|bicep|template|vault recover*"},
	},
	{
		"a role assignment is deployed again under its name with another principal", FateRefused, "RoleAssignmentUpdateNotPermitted",
		"tenant, application, principal and scope of a role assignment cannot be updated", docsRBAC + "troubleshooting.md",
		wording{[]string{saysRedeployed, saysSameAgain}, "without principal type|soft delet*|limit|transfer*|" + saysAgain},
	},
	{
		"a role assignment is deployed again after its principal was recreated", FateRefused, "RoleAssignmentUpdateNotPermitted",
		"the new principal has another ID; tenant, application, principal and scope of a role assignment cannot be updated", docsRBAC + "troubleshooting.md",
		wording{[]string{saysRedeployed, saysSameAgain, saysAgain}, "without principal type|soft delet*|limit|transfer*"},
	},
	{
		"a role is assigned to a principal that was just created, without principalType", FateRefused, "PrincipalNotFound",
		"the principal may not be replicated yet; give principalType", docsRBAC + "troubleshooting.md",
		wording{[]string{saysPrincipal, "without principal type|no principal type|principal type missing|principal type not|new principal|new service principal|new user|new managed identity|just created|created and|immediately|right away|at once|replicat*|principal not found"}, "recreat*|same guid|same name|same assignment|same role assignment|redeploy*"},
	},
	{
		"a resource with a role assignment is moved to another group or subscription", FateOrphaned, "",
		"the role assignment is not moved with it and is orphaned; in time it is removed", docsRBAC + "troubleshooting.md",
		wording{[]string{"resource|vault|storage account|virtual machine|vm|account|site|app", saysMoved}, "another tenant|another directory|different tenant|different directory|transfer*|other tenant|other directory|new tenant|between tenant"},
	},
	{
		"a subscription is transferred to another directory", FateDeleted, "",
		"all role assignments and custom roles are permanently deleted from the source directory", docsRBAC + "troubleshooting.md",
		wording{[]string{"subscription", "transfer*|" + saysMoved + "|change*", "tenant|directory|entra"}, "lighthouse|delegation|delegated"},
	},
	{
		"a subscription that is delegated by Lighthouse is transferred to another directory", FateKept, "",
		"the delegation is preserved, unless the directory is the managing one", "MicrosoftDocs/azure-docs articles/lighthouse/concepts/tenants-users-roles.md",
		wording{[]string{"subscription", "transfer*|" + saysMoved, "tenant|directory|entra", "lighthouse|delegation|delegated"}, ""},
	},
	{
		"a deleted vault is recovered", FateDeleted, "",
		"role assignments on the vault are not preserved and must be made again", docsVault + "rbac-migration.md",
		wording{[]string{"vault", "recover*|soft delet*|undelet*|restor*"}, ""},
	},
	{
		"the groups or app roles of a managed identity change", FateDelayed, "",
		"effective when its cached token is renewed, up to 24 hours later", docsIdentity + "managed-identity-best-practice-recommendations.md",
		wording{[]string{"identity|service principal|principal", "group|app role|membership|member", "add*|remov*|change*|join*|leav*|membership|member"}, "delet*"},
	},
	{
		"a role assignment is added or removed, and takes effect", FateDelayed, "",
		"effective within about ten minutes, or when a cached token is renewed", docsRBAC + "troubleshooting.md",
		wording{[]string{"role assignment|role", "add*|remov*|creat*|assign*", "effect|effective|propagat*|how long"}, "group|principal type|last|management group|custom role"},
	},
	{
		"a built-in role with data actions is assigned or removed at a management group", FateDelayed, "",
		"the data plane may not follow for several hours, until what is cached, a cached token among it, is renewed", docsRBAC + "troubleshooting.md",
		wording{[]string{"management group", "data action|data plane", "add*|remov*|assign*"}, "custom role"},
	},
	{
		"the last owner of a subscription is removed", FateRefused, "Cannot delete the last RBAC admin assignment",
		"a subscription is not left without an administrator", docsRBAC + "troubleshooting.md",
		wording{[]string{"last", "owner|administrator|admin|user access administrator"}, ""},
	},
	{
		"a custom role that is assigned is deleted", FateRefused, "RoleDefinitionHasAssignments",
		"role assignments still name the role", docsRBAC + "custom-roles.md",
		wording{[]string{"custom role|role definition", saysDeleted}, "transfer*|limit|last"},
	},
	{
		"one role assignment too many is made", FateRefused, "RoleAssignmentLimitExceeded",
		"no more role assignments can be created in the subscription or management group", docsRBAC + "troubleshoot-limits.md",
		wording{[]string{"assignment", "limit|4000*|4001*|500*|501*|too many|exceed*|maximum|no more"}, "custom role|role definition"},
	},
	{
		"one custom role too many is made", FateRefused, "RoleDefinitionLimitExceeded",
		"no more role definitions can be created in the directory", docsRBAC + "troubleshoot-limits.md",
		wording{[]string{"custom role|role definition", "limit|5000*|5001*|too many|exceed*|maximum|no more"}, ""},
	},
}

// Lifecycles returns the table of what becomes of role assignments.
func Lifecycles() []Lifecycle { return slices.Clone(lifecycles) }

// LifecycleOf finds the event that a text tells, such as "managed identity deleted, role
// assignment left". It reports false where the text tells none, or several alike.
func LifecycleOf(text string) (Lifecycle, bool) {
	words := wordsOf(text)
	i := bestRow(words, len(lifecycles), func(i int) *wording { return &lifecycles[i].wording })
	if i < 0 {
		return Lifecycle{}, false
	}
	return lifecycles[i], true
}
