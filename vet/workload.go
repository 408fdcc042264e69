// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

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

// WorkloadOf returns the workload that a carrier belongs to: slots belong to their app,
// instances to their scale set, and what a cluster keeps for itself to the cluster.
// Machines of one availability set are one workload. Two carriers that a plan declares
// with count, and with nothing else between them, are replicas of one.
func (p *Pass) WorkloadOf(r *mivet.Resource) string {
	if r.Detail != nil && !r.Detail.ManagedBy.IsZero() && RunsCode(r.Detail.ManagedBy.Type()) {
		return string(r.Detail.ManagedBy.Key())
	}
	for _, setting := range []string{"virtualMachineScaleSet.id", "availabilitySet.id"} {
		if v, ok := r.Setting(setting); ok && v != "" && v != "null" {
			return string(arm.Fold(v))
		}
	}
	if block, ok := counted(r.Source); ok {
		return block
	}
	top := r.ID
	for parent := top.Parent(); parent.Level() == arm.LevelResource && RunsCode(parent.Type()); parent = top.Parent() {
		top = parent
	}
	return string(top.Key())
}

// counted returns the block of an object that a plan or state makes with count: the
// address without the number of the instance.
func counted(s mivet.Source) (string, bool) {
	if s.Origin == nil {
		return "", false
	}
	address, index, ok := strings.Cut(s.Origin.Address, "[")
	index, rest, closed := strings.Cut(index, "]")
	if !ok || !closed || rest != "" || index == "" || strings.Trim(index, "0123456789") != "" {
		return "", false
	}
	return s.Origin.File + " " + address, true
}

// Carriers returns the resources that carry an identity, in the order of their IDs.
func (p *Pass) Carriers(id *mivet.Identity) []*mivet.Resource {
	var out []*mivet.Resource
	p.Index().Carriers(id, func(r *mivet.Resource) bool {
		out = append(out, r)
		return true
	})
	if len(out) < 2 {
		return out
	}
	slices.SortFunc(out, func(a, b *mivet.Resource) int { return strings.Compare(string(a.ID.Key()), string(b.ID.Key())) })
	return slices.CompactFunc(out, func(a, b *mivet.Resource) bool { return a.ID.Equal(b.ID) })
}

// Name returns the best name for people that is known of a principal, and never "".
func (p *Pass) Name(id mivet.PrincipalID) string {
	if n := p.Index().PrincipalName(id); n != "" {
		return n
	}
	if owner, ok := id.Symbolic(); ok {
		return "the principal of " + shortOwner(owner)
	}
	return string(id)
}

// shortOwner returns the name of an object from its resource ID, and an address as it is.
func shortOwner(owner string) string {
	if id, err := arm.ParseID(owner); err == nil {
		return id.Name()
	}
	return owner
}

// SubjectOf returns the subject for a principal: the identity's resource if it has one.
func (p *Pass) SubjectOf(id mivet.PrincipalID) mivet.Subject {
	s := mivet.Subject{Principal: id, Name: p.Name(id)}
	if m := p.Index().Identity(id); m != nil {
		s.Resource = m.Resource
	}
	return s
}
