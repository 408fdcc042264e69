// SPDX-License-Identifier: Apache-2.0

package tenant

import "strings"

// The attributes of every resource.
const resourceKeys = "in name id kind location managed-by user principal client system-principal"

const permissionKeys = "actions notActions dataActions notDataActions condition version"

// The lines of the blocks of roles and deny assignments, and of delegations.
var (
	patternsSpec    = &spec{args: "PATTERN …"}
	permissionItems = map[string]*spec{
		"actions": patternsSpec, "notActions": patternsSpec, "dataActions": patternsSpec, "notDataActions": patternsSpec,
		"condition": {args: "CONDITION", keys: []string{"version"}}, "permission": {},
	}
	delegationItems = map[string]*spec{
		"grant": {args: "PRINCIPAL ROLE", keys: []string{"name", "roles"}, flags: []string{"eligible"}},
	}
)

// specOf returns what may stand in the statement of that keyword, or nil.
func specOf(keyword string, a *alias) *spec {
	if a != nil {
		return resourceSpec
	}
	return specs[keyword]
}

var resourceSpec = &spec{
	args: "NAME", keys: strings.Fields(resourceKeys), flags: []string{"system"}, open: true,
	declare: (*builder).declareResource, build: (*builder).buildResource,
}

func principalSpec(keys string) *spec {
	return &spec{
		args: "NAME", keys: strings.Fields("id name client tenant rule " + keys), flags: []string{"disabled", "managed"},
		declare: (*builder).declarePrincipal, build: (*builder).buildPrincipal,
	}
}

// specs are the statements beside the keywords of resource types.
var specs = map[string]*spec{
	"tenant": {
		args: "NAME", keys: []string{"id", "taken"},
		declare: (*builder).declareTenant, build: (*builder).buildNothing,
	},
	"mg": {
		args: "NAME", keys: []string{"in", "id", "name"},
		declare: (*builder).declareScope, build: (*builder).buildManagementGroup,
	},
	"subscription": {
		args: "NAME", keys: []string{"in", "id", "name"}, open: true,
		declare: (*builder).declareScope, build: (*builder).buildSubscription,
	},
	"rg": {
		args: "NAME", keys: strings.Fields("in name id location managed-by kind"), open: true,
		declare: (*builder).declareScope, build: (*builder).buildResource,
	},
	"resource": {
		args: "NAME [NAME]", keys: strings.Fields(resourceKeys), flags: []string{"system"}, open: true,
		declare: (*builder).declareResource, build: (*builder).buildResource,
	},
	"system-identity": identitySpec,
	"user-identity":   identitySpec,
	"user":            principalSpec(""),
	"group":           principalSpec("members owners"),
	"sp":              principalSpec("owners"),
	"principal":       principalSpec("type members owners"),
	"deleted": {
		args: "NAME", keys: []string{"id"},
		declare: (*builder).declarePrincipal, build: (*builder).buildNothing,
	},
	"member": {
		args: "PRINCIPAL …", keys: []string{"of"},
		declare: (*builder).declareNothing, build: (*builder).buildMember,
	},
	"owner": {
		args: "PRINCIPAL …", keys: []string{"of"},
		declare: (*builder).declareNothing, build: (*builder).buildOwner,
	},
	"outside": {
		args: "PRINCIPAL", keys: strings.Fields("issuer subject runner how"), flags: []string{"certain"},
		declare: (*builder).declareNothing, build: (*builder).buildOutside,
	},
	"federated": {
		args: "NAME", keys: strings.Fields("on issuer subject expression audiences id app client"),
		declare: (*builder).declareNothing, build: (*builder).buildFederated,
	},
	"role": {
		args: "NAME", keys: strings.Fields("name id at description " + permissionKeys),
		flags: []string{"builtin"}, items: permissionItems,
		declare: (*builder).declareRole, build: (*builder).buildRole,
	},
	"assign": {
		args:    "PRINCIPAL ROLE [SCOPE]",
		keys:    strings.Fields("at condition version from until description by created type id role delegated-identity"),
		flags:   []string{"eligible", "condition-unread"},
		declare: (*builder).declareNothing, build: (*builder).buildAssignment,
	},
	"deny": {
		args:  "NAME [SCOPE]",
		keys:  strings.Fields("at principals excluded effect description id " + permissionKeys),
		flags: []string{"this-scope-only", "protected"}, items: permissionItems,
		declare: (*builder).declareNothing, build: (*builder).buildDeny,
	},
	"policy": {
		args: "PRINCIPAL", keys: strings.Fields("on keys secrets certificates storage application tenant"),
		declare: (*builder).declareNothing, build: (*builder).buildPolicy,
	},
	"localrole": {
		args: "SYSTEM NAME", keys: strings.Fields("on id name dataActions notDataActions"),
		declare: (*builder).declareLocalRole, build: (*builder).buildLocalRole,
	},
	"local": {
		args: "SYSTEM PRINCIPAL ROLE", keys: []string{"on", "scope"},
		declare: (*builder).declareNothing, build: (*builder).buildLocalGrant,
	},
	"acl": {
		args:    "CONTAINER PATH TAG [PRINCIPAL] PERMISSIONS",
		declare: (*builder).declareNothing, build: (*builder).buildACL,
	},
	"lock": {
		args: "LEVEL [SCOPE]", keys: []string{"at", "id"},
		declare: (*builder).declareNothing, build: (*builder).buildLock,
	},
	"approle": {
		args: "PRINCIPAL ROLE", keys: strings.Fields("id api api-principal"),
		declare: (*builder).declareNothing, build: (*builder).buildAppRole,
	},
	"directoryrole": {
		args: "PRINCIPAL ROLE", keys: strings.Fields("id at from until"), flags: []string{"eligible"},
		declare: (*builder).declareNothing, build: (*builder).buildDirectoryRole,
	},
	"delegation": {
		args: "NAME [SCOPE]", keys: strings.Fields("at tenant id"), items: delegationItems,
		declare: (*builder).declareNothing, build: (*builder).buildDelegation,
	},
	"declare": {
		args: "ADDRESS TYPE", keys: strings.Fields("of actions identity former inline-policies refused waits-for effects api-version provider-versions varies"),
		flags:   []string{"user-assigned", "grant", "federated", "fixed-name"},
		declare: (*builder).declareNothing, build: (*builder).buildDeclaration,
	},
	"can":    testSpec,
	"cannot": testSpec,
	"gap": {
		args: "FACTS [SCOPE]", keys: strings.Fields("at reason permission subject"), flags: []string{"inherent"},
		declare: (*builder).declareNothing, build: (*builder).buildGap,
	},
}

var identitySpec = &spec{
	keys:    strings.Fields("of principal client tenant"),
	declare: (*builder).declareNothing, build: (*builder).buildIdentity,
}

var testSpec = &spec{
	args: "PRINCIPAL OPERATION RESOURCE", flags: []string{"data", "control"},
	declare: (*builder).declareNothing, build: (*builder).buildTest,
}

// keywords returns all words with which a statement may begin.
func keywords() []string {
	var list []string
	for k := range specs {
		list = append(list, k)
	}
	for i := range aliases {
		list = append(list, aliases[i].keyword)
	}
	return list
}
