// SPDX-License-Identifier: Apache-2.0

package authz

import "slices"

// Unit is what a limit counts.
type Unit string

// The units. Sizes and times can be asked for in others.
const (
	UnitCount      Unit = "" // things, named by the limit
	UnitCharacters Unit = "characters"
	UnitBytes      Unit = "bytes"
	UnitKilobytes  Unit = "kB" // 1,024 bytes
	UnitSeconds    Unit = "seconds"
	UnitMinutes    Unit = "minutes"
	UnitHours      Unit = "hours"
	UnitDays       Unit = "days"
)

// Limit is a limit of Azure that bears on authorization.
type Limit struct {
	// Name says what is limited, per what.
	Name  string
	Value int64
	Unit  Unit
	// Source is the page that says so.
	Source string

	wording wording
}

const (
	docsRBAC     = "MicrosoftDocs/azure-docs articles/role-based-access-control/"
	docsLimits   = "MicrosoftDocs/azure-docs includes/role-based-access-control/limits.md"
	docsGroups   = "MicrosoftDocs/azure-docs includes/management-group-limits.md"
	docsVault    = "MicrosoftDocs/azure-security-docs articles/key-vault/general/"
	docsHSM      = "MicrosoftDocs/azure-security-docs articles/key-vault/managed-hsm/"
	docsStorage  = "MicrosoftDocs/azure-docs articles/storage/blobs/"
	docsIdentity = "MicrosoftDocs/entra-docs docs/identity/managed-identities-azure-resources/"
	docsMILimits = "MicrosoftDocs/azure-docs includes/managed-identity-limits.md"
)

// Phrases that several rows use.
const (
	saysCustomRole  = "custom role|custom azure role|azure custom role|custom role definition|role definition"
	saysDescription = "description"
	saysChina       = "21vianet|china|vianet"
	saysAssignment  = "role assignment|rbac assignment|assignment of role"
	saysEligible    = "eligible|eligibility|schedule|privileged identity management" // counts of their own, which no page gives
	saysAccessList  = "access list|access control list|access control entry|posix"
	saysUserRole    = "user assigned identity|user assigned managed identity|managed identity|identity"
	saysRate        = "per 20 second|20 second|rate|per second"
)

// limits is the table. Where pages give a size in kilobytes the value is in these.
var limits = []Limit{
	{
		"role assignments per subscription, at and below it", 4000, UnitCount, docsRBAC + "troubleshoot-limits.md",
		wording{[]string{saysAssignment, "subscription"}, "custom role|description|condition|" + saysEligible},
	},
	{
		"role assignments per management group", 500, UnitCount, docsRBAC + "troubleshoot-limits.md",
		wording{[]string{saysAssignment, "management group"}, "custom role|description|condition|assignable scope|" + saysEligible},
	},
	{
		"management groups per tenant", 10000, UnitCount, docsGroups,
		wording{[]string{"management group", "tenant|directory|entra"}, saysAssignment + "|custom role|assignable scope|depth|level|deployment"},
	},
	{
		"levels of management groups below the root", 6, UnitCount, docsGroups,
		wording{[]string{"management group", "depth|deep|level|hierarchy"}, saysAssignment + "|custom role|assignable scope|deployment"},
	},
	{
		"parents of a management group", 1, UnitCount, docsGroups,
		wording{[]string{"management group", "parent"}, saysAssignment + "|level|depth"},
	},
	{
		"size of the condition of a role assignment", 8, UnitKilobytes, docsLimits,
		wording{[]string{"condition"}, "expression|description|minute"},
	},
	{
		"size of the description of a role assignment", 2, UnitKilobytes, docsLimits,
		wording{[]string{saysDescription}, saysCustomRole},
	},
	{
		"expressions in a condition in the portal's visual editor", 5, UnitCount, docsRBAC + "conditions-format.md",
		wording{[]string{"condition|editor", "expression"}, ""},
	},
	{
		"custom roles per tenant", 5000, UnitCount, docsRBAC + "custom-roles.md",
		wording{[]string{saysCustomRole, "tenant|directory|public cloud|entra"}, saysChina + "|description|name"},
	},
	{
		"custom roles per tenant, Azure operated by 21Vianet", 2000, UnitCount, docsRBAC + "custom-roles.md",
		wording{[]string{saysCustomRole, saysChina}, "description|name"},
	},
	{
		"length of the name of a custom role", 512, UnitCharacters, docsRBAC + "custom-roles.md",
		wording{[]string{saysCustomRole + "|role", "name|role name|display name"}, saysDescription + "|management group"},
	},
	{
		"size of the description of a custom role", 2, UnitKilobytes, docsRBAC + "custom-roles.md",
		wording{[]string{saysCustomRole, saysDescription}, ""},
	},
	{
		"assignable scopes of a custom role", 2000, UnitCount, docsRBAC + "custom-roles.md",
		wording{[]string{"assignable scope"}, "management group|wildcard"},
	},
	{
		"management groups in the assignable scopes of a custom role", 1, UnitCount, docsRBAC + "custom-roles.md",
		wording{[]string{"management group", "assignable scope|" + saysCustomRole}, "role assignment"},
	},
	{
		"wildcards in an action string of a custom role", 1, UnitCount, docsRBAC + "custom-roles.md",
		wording{[]string{"wildcard|asterisk"}, "assignable scope"},
	},
	{
		"wildcards in an assignable scope of a custom role", 0, UnitCount, docsRBAC + "custom-roles.md",
		wording{[]string{"wildcard|asterisk", "assignable scope"}, ""},
	},
	{
		"time until a change of a role assignment takes effect", 10, UnitMinutes, docsRBAC + "troubleshooting.md",
		wording{[]string{saysAssignment, "effect|effective|propagat*|delay|detect*|minute"}, "condition|subscription|group membership"},
	},
	{
		"time until a condition that was added is enforced", 5, UnitMinutes, docsRBAC + "conditions-troubleshoot.md",
		wording{[]string{"condition", "effect|effective|enforce*|propagat*|delay|minute"}, ""},
	},
	{
		"entries in the access policies of a vault", 1024, UnitCount, docsVault + "assign-access-policy.md",
		wording{[]string{"access policy|access policy entry|vault policy"}, ""},
	},
	{
		"virtual network rules of a vault", 200, UnitCount, docsVault + "network-security.md",
		wording{[]string{"vault", "virtual network rule|vnet rule"}, ""},
	},
	{
		"IPv4 rules of a vault", 1000, UnitCount, docsVault + "network-security.md",
		wording{[]string{"vault", "ipv4 rule|ip rule"}, "hsm"},
	},
	{
		"shortest retention of a deleted vault and its objects", 7, UnitDays, docsVault + "soft-delete-overview.md",
		wording{[]string{"soft delet*|retention", "minim*|short*|least"}, ""},
	},
	{
		"longest retention of a deleted vault and its objects, and the default", 90, UnitDays, docsVault + "soft-delete-overview.md",
		wording{[]string{"soft delet*|retention", "maxim*|long*|most|default"}, ""},
	},
	{
		"managed HSMs per subscription and region", 5, UnitCount, docsHSM + "service-limits.md",
		wording{[]string{"hsm", "subscription"}, saysAssignment + "|key"},
	},
	{
		"keys of a managed HSM", 5000, UnitCount, docsHSM + "service-limits.md",
		wording{[]string{"hsm", "key"}, saysAssignment + "|version|key vault|role"},
	},
	{
		"versions of a key in a managed HSM", 100, UnitCount, docsHSM + "service-limits.md",
		wording{[]string{"hsm", "version"}, ""},
	},
	{
		"custom role definitions of a managed HSM", 50, UnitCount, docsHSM + "service-limits.md",
		wording{[]string{"hsm", saysCustomRole + "|local role"}, saysAssignment + "|description|name"},
	},
	{
		"role assignments at the scope of a whole managed HSM", 50, UnitCount, docsHSM + "service-limits.md",
		wording{[]string{"hsm", saysAssignment}, "per key|key scope|single key|individual key|one key|a key|each key"},
	},
	{
		"role assignments at the scope of a single key of a managed HSM", 10, UnitCount, docsHSM + "service-limits.md",
		wording{[]string{"hsm", saysAssignment, "per key|key scope|single key|individual key|one key|a key|each key"}, ""},
	},
	{
		"IP rules of a managed HSM", 10, UnitCount, docsHSM + "network-security.md",
		wording{[]string{"hsm", "ipv4 rule|ip rule|ip address|ip network rule"}, ""},
	},
	{
		"private endpoints per managed HSM", 64, UnitCount, docsHSM + "private-link.md",
		wording{[]string{"hsm", "private endpoint"}, ""},
	},
	{
		"quorum of the security domain of a managed HSM", 10, UnitCount, docsHSM + "security-domain.md",
		wording{[]string{"quorum|security domain"}, ""},
	},
	{
		"entries in the access list of a file or directory, access and default list each", 32, UnitCount, docsStorage + "data-lake-storage-access-control-model.md",
		wording{[]string{saysAccessList}, "policy|effectiv*"},
	},
	{
		"entries in the access list of a file or directory, effectively", 28, UnitCount, docsStorage + "data-lake-storage-access-control-model.md",
		wording{[]string{saysAccessList, "effectiv*"}, "policy"},
	},
	{
		"federated credentials per user-assigned identity or application", 20, UnitCount, "MicrosoftDocs/entra-docs docs/workload-id/workload-identity-federation-considerations.md",
		wording{[]string{"federated credential|federated identity credential|federated"}, ""},
	},
	{
		"validity of a user delegation key", 7, UnitDays, "MicrosoftDocs/azure-docs articles/storage/blobs/storage-blob-user-delegation-sas-create-cli.md",
		wording{[]string{"user delegation"}, ""},
	},
	{
		"time for which a token of a managed identity is cached", 24, UnitHours, docsIdentity + "managed-identity-best-practice-recommendations.md",
		wording{[]string{"managed identity|token", "cache*|membership"}, ""},
	},
	{
		"time for which a deleted system-assigned identity counts in the directory", 30, UnitDays, docsIdentity + "managed-identity-best-practice-recommendations.md",
		wording{[]string{saysUserRole + "|system assigned", "delet*|purg*"}, ""},
	},
	{
		"managed identities created per tenant and region in 20 seconds", 400, UnitCount, docsMILimits,
		wording{[]string{saysUserRole, "creat*", "tenant", saysRate}, ""},
	},
	{
		"managed identities created per subscription and region in 20 seconds", 80, UnitCount, docsMILimits,
		wording{[]string{saysUserRole, "creat*", "subscription", saysRate}, ""},
	},
	{
		"attachments of user-assigned identities per tenant and region in 20 seconds", 400, UnitCount, docsMILimits,
		wording{[]string{saysUserRole, "assign*|attach*", "tenant", saysRate}, "creat*"},
	},
	{
		"attachments of user-assigned identities per subscription and region in 20 seconds", 300, UnitCount, docsMILimits,
		wording{[]string{saysUserRole, "assign*|attach*", "subscription", saysRate}, "creat*"},
	},
	{
		"principals excluded from the deny settings of a deployment stack", 5, UnitCount, "MicrosoftDocs/azure-docs articles/azure-resource-manager/bicep/deployment-stacks.md",
		wording{[]string{"deployment stack|deny setting", "principal"}, ""},
	},
	{
		"actions excluded from the deny settings of a deployment stack", 200, UnitCount, "MicrosoftDocs/azure-docs articles/azure-resource-manager/bicep/deployment-stacks.md",
		wording{[]string{"deployment stack|deny setting", "action"}, ""},
	},
	{
		"deployments in the history of a resource group", 800, UnitCount, "MicrosoftDocs/azure-docs articles/azure-resource-manager/management/lock-resources.md",
		wording{[]string{"deployment", "history"}, ""},
	},
}

// Limits returns the table of limits.
func Limits() []Limit { return slices.Clone(limits) }

// LimitOf finds the limit that a text names, such as "role assignments per subscription",
// in the unit that the text names, else in that of its page. It reports false where the
// text names none, or several alike.
func LimitOf(text string) (Limit, bool) {
	words := meant(text)
	i := bestRow(words, len(limits), func(i int) *wording { return &limits[i].wording })
	if i < 0 {
		return Limit{}, false
	}
	l := limits[i]
	for _, u := range unitNames {
		if saysOne(words, u.names) {
			return l.in(u.unit)
		}
	}
	return l, true
}

var unitNames = []struct {
	unit  Unit
	names string
}{
	{UnitKilobytes, "kb|kib|kilobyte|k byte"},
	{UnitBytes, "byte"},
	{UnitCharacters, "character|char|letter"},
	{UnitSeconds, "in second|second"},
	{UnitMinutes, "minute|min"},
	{UnitHours, "hour"},
	{UnitDays, "day"},
}

// unitSizes are the units of one sort, in the smallest of them. A character is taken for
// a byte, as the pages do: they call 2 kB and 2,048 characters the same limit.
var unitSizes = map[Unit]struct {
	sort Unit
	size int64
}{
	UnitBytes: {UnitBytes, 1}, UnitCharacters: {UnitBytes, 1}, UnitKilobytes: {UnitBytes, 1024},
	UnitSeconds: {UnitSeconds, 1}, UnitMinutes: {UnitSeconds, 60}, UnitHours: {UnitSeconds, 3600}, UnitDays: {UnitSeconds, 86400},
}

// in returns the limit in another unit. A unit that the limit does not have is part of
// its name ("per 20 seconds"); one that does not divide it gives no whole number.
func (l Limit) in(u Unit) (Limit, bool) {
	from, to := unitSizes[l.Unit], unitSizes[u]
	if from.sort != to.sort {
		return l, true
	}
	if l.Value*from.size%to.size != 0 {
		return Limit{}, false
	}
	l.Value, l.Unit = l.Value*from.size/to.size, u
	return l, true
}
