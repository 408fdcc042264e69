// SPDX-License-Identifier: Apache-2.0

package armtemplate

// A cloud is what environment() gives. Empty texts are not published for the cloud.
type cloud struct {
	name                                                                 string
	gallery, graph, portal, dataLake, batch, media, sql, resourceManager string
	login                                                                string
	audiences                                                            []string
	registry, analytics, store, frontDoor, vault, database, storage      string // suffixes
}

// clouds are those that Azure has: the public one as the reference of the function prints it
// (template-functions-deployment.md#environment), the others as the command line lists them
// (MicrosoftDocs/azure-docs-cli docs-ref-conceptual/manage-clouds-azure-cli.md, "az cloud list").
var clouds = []cloud{
	{
		name: "AzureCloud", gallery: "https://gallery.azure.com/", graph: "https://graph.windows.net/", portal: "https://portal.azure.com",
		dataLake: "https://datalake.azure.net/", batch: "https://batch.core.windows.net/", media: "https://rest.media.azure.net",
		sql: "https://management.core.windows.net:8443/", resourceManager: "https://management.azure.com/",
		login: "https://login.microsoftonline.com/", audiences: []string{"https://management.core.windows.net/", "https://management.azure.com/"},
		registry: ".azurecr.io", analytics: "azuredatalakeanalytics.net", store: "azuredatalakestore.net", frontDoor: "azurefd.net",
		vault: ".vault.azure.net", database: ".database.windows.net", storage: "core.windows.net",
	},
	{
		name: "AzureChinaCloud", gallery: "https://gallery.chinacloudapi.cn/", graph: "https://graph.chinacloudapi.cn/", portal: "https://portal.azure.cn",
		batch: "https://batch.chinacloudapi.cn/", sql: "https://management.core.chinacloudapi.cn:8443/",
		resourceManager: "https://management.chinacloudapi.cn", login: "https://login.chinacloudapi.cn/",
		audiences: []string{"https://management.core.chinacloudapi.cn/", "https://management.chinacloudapi.cn/"},
		registry:  ".azurecr.cn", vault: ".vault.azure.cn", database: ".database.chinacloudapi.cn", storage: "core.chinacloudapi.cn",
	},
	{
		name: "AzureUSGovernment", gallery: "https://gallery.usgovcloudapi.net/", graph: "https://graph.windows.net/", portal: "https://portal.azure.us",
		batch: "https://batch.core.usgovcloudapi.net/", sql: "https://management.core.usgovcloudapi.net:8443/",
		resourceManager: "https://management.usgovcloudapi.net/", login: "https://login.microsoftonline.us/",
		audiences: []string{"https://management.core.usgovcloudapi.net/", "https://management.usgovcloudapi.net/"},
		registry:  ".azurecr.us", vault: ".vault.usgovcloudapi.net", database: ".database.usgovcloudapi.net", storage: "core.usgovcloudapi.net",
	},
}

const aliases = "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json"

// environment describes the cloud that the template is deployed to. Of one that has no name here nothing is known but its name.
func environment(c *call) (Value, error) {
	in := cloud{name: c.ev.opts.Target.Cloud}
	for i := range clouds {
		if in.name == "" || sameName(in.name, clouds[i].name) {
			in = clouds[i]
			break
		}
	}
	is := func(text, path string) Value {
		if text == "" {
			return deploymentOnly("environment()."+path, KindString)
		}
		return String(text)
	}
	suffixes, err := c.make(
		"acrLoginServer", is(in.registry, "suffixes.acrLoginServer"),
		"azureDatalakeAnalyticsCatalogAndJob", is(in.analytics, "suffixes.azureDatalakeAnalyticsCatalogAndJob"),
		"azureDatalakeStoreFileSystem", is(in.store, "suffixes.azureDatalakeStoreFileSystem"),
		"azureFrontDoorEndpointSuffix", is(in.frontDoor, "suffixes.azureFrontDoorEndpointSuffix"),
		"keyvaultDns", is(in.vault, "suffixes.keyvaultDns"), "sqlServerHostname", is(in.database, "suffixes.sqlServerHostname"),
		"storage", is(in.storage, "suffixes.storage"),
	)
	if err != nil {
		return nil, err
	}
	audiences := deploymentOnly("environment().authentication.audiences", KindArray)
	if in.audiences != nil {
		audiences = Array{String(in.audiences[0]), String(in.audiences[1])}
	}
	login, err := c.make(
		"loginEndpoint", is(in.login, "authentication.loginEndpoint"), "audiences", audiences,
		"tenant", String("common"), "identityProvider", String("AAD"),
	)
	if err != nil {
		return nil, err
	}
	return c.make(
		"name", String(in.name), "gallery", is(in.gallery, "gallery"), "graph", is(in.graph, "graph"), "portal", is(in.portal, "portal"),
		"graphAudience", is(in.graph, "graphAudience"), "activeDirectoryDataLake", is(in.dataLake, "activeDirectoryDataLake"),
		"batch", is(in.batch, "batch"), "media", is(in.media, "media"), "sqlManagement", is(in.sql, "sqlManagement"),
		"vmImageAliasDoc", String(aliases), "resourceManager", is(in.resourceManager, "resourceManager"),
		"authentication", login, "suffixes", suffixes,
	)
}
