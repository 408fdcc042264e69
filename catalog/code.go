// SPDX-License-Identifier: Apache-2.0

package catalog

import "github.com/mivet/mivet/arm"

// codeTypes are the resource types with an identity block that run code or definitions
// of their owner as that identity. From Azure/bicep-types-az (types with an identity
// block), less those whose identity only reads a key or a certificate for the service.
var codeTypes = map[arm.Key]bool{
	"microsoft.apimanagement/service":                                    true,
	"microsoft.app/agents":                                               true,
	"microsoft.app/containerapps":                                        true,
	"microsoft.app/jobs":                                                 true,
	"microsoft.app/sessionpools":                                         true,
	"microsoft.appplatform/spring":                                       true,
	"microsoft.appplatform/spring/apps":                                  true,
	"microsoft.automation/automationaccounts":                            true,
	"microsoft.azurefleet/fleets":                                        true,
	"microsoft.azurestackhci/virtualmachineinstances":                    true,
	"microsoft.azurestackhci/virtualmachines":                            true,
	"microsoft.batch/batchaccounts":                                      true,
	"microsoft.batch/batchaccounts/pools":                                true,
	"microsoft.chaos/experiments":                                        true,
	"microsoft.cognitiveservices/accounts/projects":                      true,
	"microsoft.cognitiveservices/accounts/projects/agents":               true,
	"microsoft.compute/virtualmachines":                                  true,
	"microsoft.compute/virtualmachinescalesets":                          true,
	"microsoft.compute/virtualmachinescalesets/virtualmachines":          true,
	"microsoft.connectedvmwarevsphere/virtualmachines":                   true,
	"microsoft.containerinstance/containergroupprofiles":                 true,
	"microsoft.containerinstance/containergroups":                        true,
	"microsoft.containerinstance/ngroups":                                true,
	"microsoft.containerregistry/registries/taskruns":                    true,
	"microsoft.containerregistry/registries/tasks":                       true,
	"microsoft.containerservice/fleets":                                  true,
	"microsoft.containerservice/managedclusters":                         true,
	"microsoft.containerservice/managedclusters/agentpools":              true,
	"microsoft.dashboard/grafana":                                        true,
	"microsoft.databricks/accessconnectors":                              true,
	"microsoft.datafactory/factories":                                    true,
	"microsoft.datafactory/factories/integrationruntimes":                true,
	"microsoft.desktopvirtualization/hostpools":                          true,
	"microsoft.devcenter/projects/environmenttypes":                      true,
	"microsoft.devopsinfrastructure/pools":                               true,
	"microsoft.devtestlab/labs":                                          true,
	"microsoft.hdinsight/clusters":                                       true,
	"microsoft.hybridcompute/machines":                                   true,
	"microsoft.hybridcontainerservice/provisionedclusterinstances":       true,
	"microsoft.hybridnetwork/networkfunctions":                           true,
	"microsoft.kubernetes/connectedclusters":                             true,
	"microsoft.loadtestservice/loadtests":                                true,
	"microsoft.logic/integrationserviceenvironments":                     true,
	"microsoft.logic/workflows":                                          true,
	"microsoft.machinelearningservices/workspaces":                       true,
	"microsoft.machinelearningservices/workspaces/batchendpoints":        true,
	"microsoft.machinelearningservices/workspaces/computes":              true,
	"microsoft.machinelearningservices/workspaces/inferencepools":        true,
	"microsoft.machinelearningservices/workspaces/inferencepools/groups": true,
	"microsoft.machinelearningservices/workspaces/onlineendpoints":       true,
	"microsoft.machinelearningservices/workspaces/serverlessendpoints":   true,
	"microsoft.redhatopenshift/openshiftclusters":                        true,
	"microsoft.resources/deploymentscripts":                              true,
	"microsoft.servicefabric/clusters/applications":                      true,
	"microsoft.servicefabric/managedclusters":                            true,
	"microsoft.servicefabric/managedclusters/applications":               true,
	"microsoft.storageactions/storagetasks":                              true,
	"microsoft.streamanalytics/streamingjobs":                            true,
	"microsoft.synapse/workspaces":                                       true,
	"microsoft.virtualmachineimages/imagetemplates":                      true,
	"microsoft.web/sites":                                                true,
	"microsoft.web/sites/slots":                                          true,
	"microsoft.web/staticsites":                                          true,
	"microsoft.workloads/sapvirtualinstances":                            true,
}

// RunsCode reports whether resources of that type run code or definitions of their owner
// as their identity.
func RunsCode(resourceType string) bool { return codeTypes[arm.Fold(resourceType)] }
