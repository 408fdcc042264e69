// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// Option names facts that are read only where somebody asks for them.
type Option string

// The options of a collection.
const (
	// WithSettings reads app settings and the names of connection strings of sites. Listing
	// them is a privileged operation, since their values come along; those are dropped.
	WithSettings Option = "settings"
	// WithLogs reads which diagnostic settings send logs where: one request for each resource
	// that keeps secrets, data or messages.
	WithLogs Option = "logs"
	// WithChildren reads the names of what lies below vaults, storage accounts and
	// namespaces and is in no list of Resource Graph.
	WithChildren Option = "children"
)

// Options lists the options.
func Options() []Option { return []Option{WithSettings, WithLogs, WithChildren} }

// call is a row of the table of all requests that are ever sent. The custom role and the
// permissions that mivet asks for, the gaps, and the list of what a caller cannot read are
// made of this table.
type call struct {
	// what is read, in words.
	what   string
	api    api
	method string
	// path is below the API's host. {id} stands for the scope or the resource.
	path    string
	version string
	// table and where are those of a query to Resource Graph, columns what it projects; tail
	// stands in place of the projection.
	table, where, columns, tail string
	// needs is the operation of Resource Manager, or the application permission of Graph.
	needs []string
	facts []mivet.FactKind
	// with is the option without which it is not sent.
	with Option
	// on are the resource types for each of which it is sent.
	on []string
	// units is what it costs in the quota of Graph; 0 stands for 1.
	units float64
	// prefer is the header of that name; empty for none.
	prefer string
	// tolerated are codes of answers that mean that there is nothing to read.
	tolerated []string
}

// The operation behind every query to Resource Graph. What the rows show depends on the
// reads that the caller has on them.
const graphQuery = "Microsoft.ResourceGraph/resources/read"

// Queries to Resource Graph. Tables: MicrosoftDocs/azure-docs
// articles/governance/resource-graph/reference/supported-tables-resources.md.
var (
	callContainers = &call{
		what: "subscriptions, resource groups and management groups", api: resourceGraph, table: "resourcecontainers",
		columns: "id, name, type, location, tags, managedBy, subscriptionId, properties",
		needs:   []string{graphQuery, "Microsoft.Resources/subscriptions/read", "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Management/managementGroups/read"},
		facts:   []mivet.FactKind{mivet.FactManagementGroups, mivet.FactSubscriptions},
	}
	callResources = &call{
		what: "resources", api: resourceGraph, table: "resources",
		columns: "id, name, type, kind, location, tags, identity, managedBy, sku, zones, extendedLocation, properties",
		needs:   []string{graphQuery, "*/read"},
		facts:   []mivet.FactKind{mivet.FactResources, mivet.FactIdentities, mivet.FactAccessPolicies},
	}
	callCounts = &call{
		what: "how many resources there are", api: resourceGraph, table: "resources", tail: "summarize count() by subscriptionId",
		needs: []string{graphQuery},
	}
	// What changed since an earlier snapshot. Rows: MicrosoftDocs/azure-docs
	// articles/governance/resource-graph/changes/get-resource-changes.md. Paging needs the ID.
	callChanges = &call{
		what: "changes of resources", api: resourceGraph, table: "resourcechanges",
		columns: "id, target = tostring(properties.targetResourceId)",
		needs:   []string{graphQuery, "Microsoft.Resources/changes/read"},
	}
	callOldChanges = &call{
		what: "whether older changes of resources are kept", api: resourceGraph, table: "resourcechanges", tail: "summarize count()",
		needs: []string{graphQuery, "Microsoft.Resources/changes/read"},
	}
	callAuthorization = &call{
		what: "role assignments and definitions", api: resourceGraph, table: "authorizationresources",
		where:   "type in~ ('microsoft.authorization/roleassignments', 'microsoft.authorization/roledefinitions')",
		columns: "id, name, type, properties",
		needs:   []string{graphQuery, "Microsoft.Authorization/roleAssignments/read", "Microsoft.Authorization/roleDefinitions/read"},
		facts:   []mivet.FactKind{mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	}
	callPolicies = &call{
		what: "policy assignments", api: resourceGraph, table: "policyresources",
		where:   "type =~ 'microsoft.authorization/policyassignments'",
		columns: "id, name, type, location, identity, properties",
		needs:   []string{graphQuery, "Microsoft.Authorization/policyAssignments/read"},
		facts:   []mivet.FactKind{mivet.FactIdentities},
	}
	callDelegations = &call{
		what: "delegations", api: resourceGraph, table: "managedserviceresources",
		columns: "id, name, type, properties",
		needs:   []string{graphQuery, "Microsoft.ManagedServices/registrationAssignments/read", "Microsoft.ManagedServices/registrationDefinitions/read"},
		facts:   []mivet.FactKind{mivet.FactDelegations},
	}
	callSiteConfigs = &call{
		what: "site configurations", api: resourceGraph, table: "appserviceresources",
		where:   "type in~ ('microsoft.web/sites/config', 'microsoft.web/sites/slots/config')",
		columns: "id, name, type, properties",
		needs:   []string{graphQuery, "Microsoft.Web/sites/config/read", "Microsoft.Web/sites/slots/config/read"},
		facts:   []mivet.FactKind{mivet.FactResources},
	}
)

// What Resource Graph does not hold: asked of Resource Manager at each scope. Listing the
// instances of schedules needs the read of role assignments
// (learn.microsoft.com/rest/api/authorization, List For Scope).
var (
	callSubscriptions = &call{
		what: "subscriptions that can be seen", api: resourceManager, method: "GET", path: "/subscriptions", version: "2022-12-01",
		needs: []string{"Microsoft.Resources/subscriptions/read"}, facts: []mivet.FactKind{mivet.FactSubscriptions},
	}
	callDenies = &call{
		what: "deny assignments", api: resourceManager, method: "GET", path: "{id}/providers/Microsoft.Authorization/denyAssignments", version: "2022-04-01",
		needs: []string{"Microsoft.Authorization/denyAssignments/read"}, facts: []mivet.FactKind{mivet.FactDenyAssignments},
	}
	callEligible = &call{
		what: "eligible assignments", api: resourceManager, method: "GET", path: "{id}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances", version: "2020-10-01",
		needs: []string{"Microsoft.Authorization/roleEligibilityScheduleInstances/read", "Microsoft.Authorization/roleAssignments/read"},
		facts: []mivet.FactKind{mivet.FactEligibleAssignments}, tolerated: []string{noPremium},
	}
	callActive = &call{
		what: "schedules of assignments", api: resourceManager, method: "GET", path: "{id}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances", version: "2020-10-01",
		needs: []string{"Microsoft.Authorization/roleAssignmentScheduleInstances/read", "Microsoft.Authorization/roleAssignments/read"},
		facts: []mivet.FactKind{mivet.FactRoleAssignments}, tolerated: []string{noPremium},
	}
	callLocks = &call{
		what: "locks", api: resourceManager, method: "GET", path: "{id}/providers/Microsoft.Authorization/locks", version: "2020-05-01",
		needs: []string{"Microsoft.Authorization/locks/read"}, facts: []mivet.FactKind{mivet.FactLocks},
	}
	callAssignments = &call{
		what: "role assignments", api: resourceManager, method: "GET", path: "{id}/providers/Microsoft.Authorization/roleAssignments", version: "2022-04-01",
		needs: []string{"Microsoft.Authorization/roleAssignments/read"}, facts: []mivet.FactKind{mivet.FactRoleAssignments},
	}
	callPermissions = &call{
		what: "own permissions", api: resourceManager, method: "GET", path: "{id}/providers/Microsoft.Authorization/permissions", version: "2022-04-01",
		needs: []string{"Microsoft.Authorization/permissions/read"},
	}
)

// A tenant without the licence for privileged identity management has no eligible
// assignments and no schedules (learn.microsoft.com/entra/id-governance/privileged-identity-management/pim-resource-roles-overview-dashboards).
const noPremium = "AadPremiumLicenseRequired"

// perResource are asked of each resource of a type.
var perResource = []*call{
	{
		what: "federated credentials", api: resourceManager, method: "GET", path: "{id}/federatedIdentityCredentials", version: "2023-01-31",
		on:    []string{"Microsoft.ManagedIdentity/userAssignedIdentities"},
		needs: []string{"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read"}, facts: []mivet.FactKind{mivet.FactFederatedCredentials},
	},
	local("Cosmos DB role definitions", "sqlRoleDefinitions", "2024-05-15", "Microsoft.DocumentDB/databaseAccounts"),
	local("Cosmos DB role assignments", "sqlRoleAssignments", "2024-05-15", "Microsoft.DocumentDB/databaseAccounts"),
	local("Data Explorer principals", "principalAssignments", "2023-08-15", "Microsoft.Kusto/clusters"),
	local("Data Explorer principals of databases", "principalAssignments", "2023-08-15", "Microsoft.Kusto/clusters/databases"),
	local("Redis assignments", "accessPolicyAssignments", "2024-11-01", "Microsoft.Cache/redis"),
	local("SQL administrators", "administrators", "2021-11-01", "Microsoft.Sql/servers"),
	local("SQL administrators of instances", "administrators", "2021-11-01", "Microsoft.Sql/managedInstances"),
	local("PostgreSQL administrators", "administrators", "2024-08-01", "Microsoft.DBforPostgreSQL/flexibleServers"),
	local("MySQL administrators", "administrators", "2023-12-30", "Microsoft.DBforMySQL/flexibleServers"),
	{ // each has identities of its own, and Resource Graph holds none of them
		what: "Machine Learning computes", api: resourceManager, method: "GET", path: "{id}/computes", version: "2024-04-01",
		on:    []string{"Microsoft.MachineLearningServices/workspaces"},
		needs: []string{"Microsoft.MachineLearningServices/workspaces/computes/read"}, facts: []mivet.FactKind{mivet.FactIdentities, mivet.FactResources},
	},
	child("secrets of vaults", "secrets", "2023-07-01", "Microsoft.KeyVault/vaults"),
	child("keys of vaults", "keys", "2023-07-01", "Microsoft.KeyVault/vaults"),
	child("blob containers", "blobServices/default/containers", "2023-05-01", "Microsoft.Storage/storageAccounts"),
	child("storage queues", "queueServices/default/queues", "2023-05-01", "Microsoft.Storage/storageAccounts"),
	child("storage tables", "tableServices/default/tables", "2023-05-01", "Microsoft.Storage/storageAccounts"),
	child("file shares", "fileServices/default/shares", "2023-05-01", "Microsoft.Storage/storageAccounts"),
	child("Service Bus queues", "queues", "2021-11-01", "Microsoft.ServiceBus/namespaces"),
	child("Service Bus topics", "topics", "2021-11-01", "Microsoft.ServiceBus/namespaces"),
	child("Service Bus subscriptions", "subscriptions", "2021-11-01", "Microsoft.ServiceBus/namespaces/topics"),
	child("event hubs", "eventhubs", "2024-01-01", "Microsoft.EventHub/namespaces"),
	child("AI deployments", "deployments", "2023-05-01", "Microsoft.CognitiveServices/accounts"),
	listed("app settings", "config/appsettings/list"),
	listed("connection strings", "config/connectionstrings/list"),
	{
		what: "diagnostic settings", api: resourceManager, method: "GET", with: WithLogs,
		path: "{id}/providers/Microsoft.Insights/diagnosticSettings", version: "2021-05-01-preview",
		on: []string{
			"Microsoft.KeyVault/vaults", "Microsoft.Storage/storageAccounts", "Microsoft.ServiceBus/namespaces", "Microsoft.EventHub/namespaces",
			"Microsoft.Web/sites", "Microsoft.Sql/servers/databases", "Microsoft.DocumentDB/databaseAccounts", "Microsoft.ContainerService/managedClusters",
			"Microsoft.CognitiveServices/accounts", "Microsoft.ContainerRegistry/registries",
		},
		needs: []string{"Microsoft.Insights/diagnosticSettings/read"}, facts: []mivet.FactKind{mivet.FactResources},
	},
}

func local(what, path, version, on string) *call {
	return &call{
		what: what, api: resourceManager, method: "GET", path: "{id}/" + path, version: version, on: []string{on},
		needs: []string{on + "/" + path + "/read"}, facts: []mivet.FactKind{mivet.FactLocalGrants},
	}
}

// child is the list of what lies below a resource. Its operation leaves the "default" of
// singletons out, as those of Azure do.
func child(what, path, version, on string) *call {
	c := local(what, path, version, on)
	c.with, c.facts = WithChildren, []mivet.FactKind{mivet.FactResources}
	c.needs = []string{on + "/" + without(path, "/default") + "/read"}
	return c
}

// listed is a list of settings of a site and of its slots.
func listed(what, path string) *call {
	return &call{
		what: what, api: resourceManager, method: "POST", path: "{id}/" + path, version: "2023-12-01", with: WithSettings,
		on:    []string{"Microsoft.Web/sites", "Microsoft.Web/sites/slots"},
		needs: []string{"Microsoft.Web/sites/config/list/action", "Microsoft.Web/sites/slots/config/list/action"},
		facts: []mivet.FactKind{mivet.FactAppSettings},
	}
}

// Managed HSM keeps its roles itself and is asked at its own host.
var (
	callHSMRoles = &call{
		what: "roles of managed HSMs", api: managedHSM, method: "GET", path: "/providers/Microsoft.Authorization/roleDefinitions", version: "7.4",
		needs: []string{"Microsoft.KeyVault/managedHsm/roleDefinitions/read/action"}, facts: []mivet.FactKind{mivet.FactLocalGrants},
	}
	callHSMGrants = &call{
		what: "role assignments of managed HSMs", api: managedHSM, method: "GET", path: "/providers/Microsoft.Authorization/roleAssignments", version: "7.4",
		needs: []string{"Microsoft.KeyVault/managedHsm/roleAssignments/read/action"}, facts: []mivet.FactKind{mivet.FactLocalGrants},
	}
)

// Microsoft Graph. Costs: learn.microsoft.com/graph/throttling-limits, identity and access;
// what that page does not list costs 1, $select takes one away and $expand adds one.
// Members are asked of beta: version 1.0 leaves service principals out
// (learn.microsoft.com/graph/api/group-list-members; Azure/azure-powershell issue 16698).
var (
	callServicePrincipals = &call{
		what: "service principals", api: graph, method: "GET",
		path:  "/v1.0/servicePrincipals?$select=id,appId,displayName,servicePrincipalType,appOwnerOrganizationId,alternativeNames,accountEnabled,appRoles&$top=999",
		needs: []string{"Application.Read.All"}, facts: []mivet.FactKind{mivet.FactPrincipals},
	}
	callObjects = &call{
		what: "principals by their IDs", api: graph, method: "POST", path: "/v1.0/directoryObjects/getByIds", units: 3,
		needs: []string{"Application.Read.All", "User.ReadBasic.All", "GroupMember.Read.All"}, facts: []mivet.FactKind{mivet.FactPrincipals},
	}
	callMembers = &call{
		what: "group members", api: graph, method: "GET", path: "/beta/groups/{id}/members?$select=id,displayName,userPrincipalName,appId,accountEnabled,servicePrincipalType&$top=999", units: 2,
		needs: []string{"GroupMember.Read.All"}, facts: []mivet.FactKind{mivet.FactMemberships},
	}
	callMemberOf = &call{
		what: "groups of a principal", api: graph, method: "GET", path: "/v1.0/directoryObjects/{id}/transitiveMemberOf/microsoft.graph.group?$select=id,displayName&$top=999", units: 4,
		needs: []string{"Application.Read.All", "GroupMember.Read.All"}, facts: []mivet.FactKind{mivet.FactMemberships},
	}
	callAppRoles = &call{
		what: "application permissions", api: graph, method: "GET", path: "/v1.0/servicePrincipals/{id}/appRoleAssignedTo?$top=999",
		needs: []string{"Application.Read.All"}, facts: []mivet.FactKind{mivet.FactAppRoles},
	}
	callApplications = &call{
		what: "applications and their federated credentials", api: graph, method: "GET", units: 2,
		path:  "/v1.0/applications?$select=id,appId,displayName&$expand=federatedIdentityCredentials&$top=999",
		needs: []string{"Application.Read.All"}, facts: []mivet.FactKind{mivet.FactFederatedCredentials},
	}
	callApplicationOwners = &call{
		what: "owners of applications", api: graph, method: "GET", units: 2,
		path:  "/v1.0/applications?$select=id,appId&$expand=owners($select=id)&$top=999",
		needs: []string{"Application.Read.All"}, facts: []mivet.FactKind{mivet.FactOwners},
	}
	callPrincipalOwners = &call{
		what: "owners of service principals", api: graph, method: "GET",
		path:  "/v1.0/servicePrincipals?$select=id&$expand=owners($select=id)&$top=999",
		needs: []string{"Application.Read.All"}, facts: []mivet.FactKind{mivet.FactOwners},
	}
	callGroupOwners = &call{
		what: "owners of groups", api: graph, method: "GET", path: "/v1.0/groups/{id}/owners?$select=id&$top=999",
		needs: []string{"GroupMember.Read.All"}, facts: []mivet.FactKind{mivet.FactOwners},
	}
	callDirectoryRoles = &call{
		what: "roles of the directory", api: graph, method: "GET", path: "/v1.0/roleManagement/directory/roleDefinitions?$select=id,displayName,templateId",
		needs: []string{"RoleManagement.Read.Directory"}, facts: []mivet.FactKind{mivet.FactDirectoryRoles},
	}
	callDirectoryAssignments = &call{
		what: "assignments of directory roles", api: graph, method: "GET", path: "/v1.0/roleManagement/directory/roleAssignments",
		needs: []string{"RoleManagement.Read.Directory"}, facts: []mivet.FactKind{mivet.FactDirectoryRoles},
	}
	callDirectoryEligible = &call{
		what: "eligible assignments of directory roles", api: graph, method: "GET", path: "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances",
		needs: []string{"RoleManagement.Read.Directory"}, facts: []mivet.FactKind{mivet.FactDirectoryRoles}, tolerated: []string{noPremium},
	}
)

// table lists every call once.
func table() []*call {
	return slices.Concat([]*call{
		callContainers, callCounts, callResources, callChanges, callOldChanges, callAuthorization, callPolicies, callDelegations, callSiteConfigs,
		callSubscriptions, callDenies, callEligible, callActive, callLocks, callAssignments, callPermissions,
	}, perResource, []*call{
		callHSMRoles, callHSMGrants, callServicePrincipals, callObjects, callMembers, callMemberOf, callAppRoles,
		callApplications, callApplicationOwners, callPrincipalOwners, callGroupOwners, callDirectoryRoles, callDirectoryAssignments, callDirectoryEligible,
	})
}

func without(s, part string) string { return strings.Replace(s, part, "", 1) }
