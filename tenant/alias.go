// SPDX-License-Identifier: Apache-2.0

package tenant

import "strings"

// An alias is a keyword for a resource type.
type alias struct {
	keyword, typ string
	// kind is the resource's kind where the statement gives none.
	kind string
	// under is the parent's type; empty: a resource group.
	under string
	// prefix stands before the name, for the parents that every resource of the type has.
	prefix string
}

// The types are those of Azure/bicep-types-az generated/; the kinds are those that the
// portal and the CLI give a Linux app.
var aliases = [...]alias{
	{keyword: identityKeyword, typ: identityType},
	{keyword: "webapp", typ: siteType, kind: "app,linux"},
	{keyword: "functionapp", typ: siteType, kind: "functionapp,linux"},
	{keyword: "logicapp", typ: siteType, kind: "functionapp,workflowapp"},
	{keyword: "slot", typ: siteType + "/slots", under: siteType},
	{keyword: "staticweb", typ: "Microsoft.Web/staticSites"},
	{keyword: "vm", typ: "Microsoft.Compute/virtualMachines"},
	{keyword: "vmss", typ: "Microsoft.Compute/virtualMachineScaleSets"},
	{keyword: "arc", typ: "Microsoft.HybridCompute/machines"},
	{keyword: "aks", typ: "Microsoft.ContainerService/managedClusters"},
	{keyword: "containerapp", typ: "Microsoft.App/containerApps"},
	{keyword: "containerjob", typ: "Microsoft.App/jobs"},
	{keyword: "containerenv", typ: "Microsoft.App/managedEnvironments"},
	{keyword: "containergroup", typ: "Microsoft.ContainerInstance/containerGroups"},
	{keyword: "acr", typ: "Microsoft.ContainerRegistry/registries"},
	{keyword: "keyvault", typ: vaultType},
	{keyword: "secret", typ: vaultType + "/secrets", under: vaultType},
	{keyword: "key", typ: vaultType + "/keys", under: vaultType},
	{keyword: "certificate", typ: vaultType + "/certificates", under: vaultType},
	{keyword: "managedhsm", typ: "Microsoft.KeyVault/managedHSMs"},
	{keyword: "storage", typ: storageType, kind: "StorageV2"},
	{keyword: "container", typ: storageType + "/blobServices/containers", under: storageType, prefix: "default/"},
	{keyword: "queue", typ: storageType + "/queueServices/queues", under: storageType, prefix: "default/"},
	{keyword: "table", typ: storageType + "/tableServices/tables", under: storageType, prefix: "default/"},
	{keyword: "share", typ: storageType + "/fileServices/shares", under: storageType, prefix: "default/"},
	{keyword: "servicebus", typ: busType},
	{keyword: "sbqueue", typ: busType + "/queues", under: busType},
	{keyword: "topic", typ: busType + "/topics", under: busType},
	{keyword: "topicsub", typ: busType + "/topics/subscriptions", under: busType + "/topics"},
	{keyword: "eventhubs", typ: "Microsoft.EventHub/namespaces"},
	{keyword: "eventhub", typ: "Microsoft.EventHub/namespaces/eventhubs", under: "Microsoft.EventHub/namespaces"},
	{keyword: "eventgrid", typ: "Microsoft.EventGrid/topics"},
	{keyword: "sqlserver", typ: "Microsoft.Sql/servers"},
	{keyword: "sqldb", typ: "Microsoft.Sql/servers/databases", under: "Microsoft.Sql/servers"},
	{keyword: "postgres", typ: "Microsoft.DBforPostgreSQL/flexibleServers"},
	{keyword: "mysql", typ: "Microsoft.DBforMySQL/flexibleServers"},
	{keyword: "cosmos", typ: "Microsoft.DocumentDB/databaseAccounts", kind: "GlobalDocumentDB"},
	{keyword: "redis", typ: "Microsoft.Cache/redis"},
	{keyword: "kusto", typ: "Microsoft.Kusto/clusters"},
	{keyword: "automation", typ: "Microsoft.Automation/automationAccounts"},
	{keyword: "runbook", typ: "Microsoft.Automation/automationAccounts/runbooks", under: "Microsoft.Automation/automationAccounts"},
	{keyword: "logicflow", typ: "Microsoft.Logic/workflows"},
	{keyword: "datafactory", typ: "Microsoft.DataFactory/factories"},
	{keyword: "openai", typ: aiType, kind: "OpenAI"},
	{keyword: "ai", typ: aiType, kind: "AIServices"},
	{keyword: "aiproject", typ: aiType + "/projects", under: aiType},
	{keyword: "aideployment", typ: aiType + "/deployments", under: aiType},
	{keyword: "search", typ: "Microsoft.Search/searchServices"},
	{keyword: "ml", typ: "Microsoft.MachineLearningServices/workspaces"},
	{keyword: "appconfig", typ: "Microsoft.AppConfiguration/configurationStores"},
	{keyword: "apim", typ: "Microsoft.ApiManagement/service"},
	{keyword: "batch", typ: "Microsoft.Batch/batchAccounts"},
	{keyword: "loganalytics", typ: "Microsoft.OperationalInsights/workspaces"},
	{keyword: "managedapp", typ: "Microsoft.Solutions/applications"},
	{keyword: "stack", typ: "Microsoft.Resources/deploymentStacks"},
}

const (
	identityKeyword = "identity"
	identityType    = "Microsoft.ManagedIdentity/userAssignedIdentities"
	siteType        = "Microsoft.Web/sites"
	vaultType       = "Microsoft.KeyVault/vaults"
	storageType     = "Microsoft.Storage/storageAccounts"
	busType         = "Microsoft.ServiceBus/namespaces"
	aiType          = "Microsoft.CognitiveServices/accounts"
)

func aliasOf(keyword string) *alias {
	for i := range aliases {
		if aliases[i].keyword == keyword {
			return &aliases[i]
		}
	}
	return nil
}

// aliasFor returns the keyword of a type and kind, or nil.
func aliasFor(typ, kind string) *alias {
	for i := range aliases {
		if a := &aliases[i]; a.kind == kind && strings.EqualFold(a.typ, typ) {
			return a
		}
	}
	return nil
}
