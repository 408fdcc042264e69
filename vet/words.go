// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// ScopeWords names a scope for people: "the subscription prod", "the resource group shop".
func (p *Pass) ScopeWords(id arm.ID) string {
	switch id.Level() {
	case arm.LevelRoot:
		return "the whole tenant"
	case arm.LevelManagementGroup:
		return "the management group " + p.groupName(id)
	case arm.LevelSubscription:
		return "the subscription " + p.subscriptionName(id)
	case arm.LevelResourceGroup:
		return "the resource group " + id.Name()
	case arm.LevelResource, arm.LevelTenantResource:
		return TypeWords(id.Type()) + " " + id.Name()
	case arm.LevelNone:
	}
	return "a scope that is not known"
}

func (p *Pass) subscriptionName(id arm.ID) string {
	if n := p.shared.names()[id.Key()]; n != "" {
		return n
	}
	return id.Name()
}

func (p *Pass) groupName(id arm.ID) string { return p.subscriptionName(id) }

func scopeNames(s *mivet.Snapshot) map[arm.Key]string {
	names := make(map[arm.Key]string, len(s.Subscriptions)+len(s.ManagementGroups))
	for i := range s.Subscriptions {
		names[s.Subscriptions[i].ID.Key()] = s.Subscriptions[i].Name
	}
	for i := range s.ManagementGroups {
		names[s.ManagementGroups[i].ID.Key()] = s.ManagementGroups[i].Name
	}
	return names
}

// typeWords are the names of the commonest types.
var typeWords = map[arm.Key]string{
	"microsoft.keyvault/vaults":                                 "the key vault",
	"microsoft.keyvault/vaults/secrets":                         "the secret",
	"microsoft.keyvault/vaults/keys":                            "the key",
	"microsoft.storage/storageaccounts":                         "the storage account",
	"microsoft.managedidentity/userassignedidentities":          "the identity",
	"microsoft.web/sites":                                       "the app",
	"microsoft.web/sites/slots":                                 "the slot",
	"microsoft.servicebus/namespaces":                           "the Service Bus namespace",
	"microsoft.servicebus/namespaces/queues":                    "the queue",
	"microsoft.servicebus/namespaces/topics":                    "the topic",
	"microsoft.keyvault/vaults/certificates":                    "the certificate",
	"microsoft.storage/storageaccounts/blobservices/containers": "the container",
	"microsoft.storage/storageaccounts/queueservices/queues":    "the queue",
	"microsoft.storage/storageaccounts/tableservices/tables":    "the table",
	"microsoft.storage/storageaccounts/fileservices/fileshares": "the file share",
	"microsoft.eventhub/namespaces/eventhubs":                   "the event hub",
	"microsoft.app/jobs":                                        "the job",
	"microsoft.automation/automationaccounts":                   "the automation account",
	"microsoft.containerinstance/containergroups":               "the container group",
	"microsoft.logic/workflows":                                 "the workflow",
	"microsoft.search/searchservices":                           "the search service",
	"microsoft.operationalinsights/workspaces":                  "the workspace",
	"microsoft.datafactory/factories":                           "the data factory",
	"microsoft.network/virtualnetworks":                         "the network",
	"microsoft.network/virtualnetworks/subnets":                 "the subnet",
	"microsoft.batch/batchaccounts":                             "the Batch account",
	"microsoft.cognitiveservices/accounts/projects":             "the AI project",
	"microsoft.compute/virtualmachines":                         "the virtual machine",
	"microsoft.compute/virtualmachinescalesets":                 "the scale set",
	"microsoft.containerservice/managedclusters":                "the cluster",
	"microsoft.containerregistry/registries":                    "the container registry",
	"microsoft.cognitiveservices/accounts":                      "the AI account",
	"microsoft.documentdb/databaseaccounts":                     "the Cosmos DB account",
	"microsoft.app/containerapps":                               "the container app",
	"microsoft.sql/servers":                                     "the SQL server",
	"microsoft.appconfiguration/configurationstores":            "the configuration store",
	"microsoft.eventhub/namespaces":                             "the Event Hubs namespace",
}

// TypeWords names a resource type for people.
func TypeWords(resourceType string) string {
	if w := typeWords[arm.Fold(resourceType)]; w != "" {
		return w
	}
	return "the " + resourceType
}

// HoldingFact writes a holding as evidence: the role, the scope, and through which groups
// it comes.
func (p *Pass) HoldingFact(h *Holding) mivet.Evidence {
	return mivet.Evidence{
		Kind: mivet.Configured, Source: h.Assignment.Source,
		Fact: fmt.Sprintf("%s holds %s at %s%s%s", p.Name(h.Holder), h.Role.Label, p.ScopeWords(h.Scope()), p.via(h), condition(h.Assignment)),
	}
}

func (p *Pass) via(h *Holding) string {
	if len(h.Via) == 0 {
		return ""
	}
	names := make([]string, len(h.Via))
	for i, g := range h.Via {
		names[i] = p.Name(g)
	}
	word := " through the group "
	if len(names) > 1 {
		word = " through the groups "
	}
	return word + strings.Join(names, " in ")
}

func condition(a *mivet.RoleAssignment) string {
	if a.Condition == "" {
		return ""
	}
	return " under a condition"
}

// ReachWords says what can be touched, to stand behind "can": "change 2 resources".
func ReachWords(r *mivet.Reach) string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(what, Count(n, "resource")))
		}
	}
	if r.Grants {
		parts = append(parts, "give itself any role")
	}
	add(r.Changes, "change %s")
	add(r.Data, "read or write data of %s")
	if r.Secrets > 0 {
		parts = append(parts, "read the secrets of "+Count(r.Secrets, "vault"))
	}
	outside := make([]string, len(r.Outside))
	for i, id := range r.Outside {
		outside[i] = TypeWords(id.Type()) + " " + id.Name()
	}
	switch {
	case len(parts) == 0 && len(outside) > 0:
		return "use what it holds at " + AtMost(outside, 2) + ", which " + notThere(outside) + " not in the input"
	case len(parts) == 0 && r.Possibly:
		return "touch what could not be counted"
	case len(parts) == 0:
		return "touch nothing that is in the input"
	}
	words := List(parts)
	if r.Possibly {
		words += ", possibly more"
	}
	if len(outside) > 0 {
		words += " (" + AtMost(outside, 2) + " " + notThere(outside) + " not in the input)"
	}
	return words
}

func notThere(things []string) string {
	if len(things) == 1 {
		return "is"
	}
	return "are"
}

// Count writes a number with its noun in the plural where it needs one.
func Count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	case strings.HasSuffix(noun, "x"), strings.HasSuffix(noun, "s"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// AtMost lists the first n words and counts the others.
func AtMost(words []string, n int) string {
	if len(words) <= n {
		return List(words)
	}
	return strings.Join(words[:n], ", ") + fmt.Sprintf(" and %d more", len(words)-n)
}

// List joins words with commas and an "and".
func List(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
