// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	_ "embed" // the table
	"slices"
	"strings"
	"sync"

	"github.com/mivet/mivet"
)

// forceNew is made by internal/lifecyclegen; azurerm-forcenew.json tells from what.
//
//go:embed azurerm-forcenew.tsv
var forceNew string

// Kind is what the provider azurerm says of one type of resources.
type Kind struct {
	// Type is the type in Terraform, such as "azurerm_container_group".
	Type string
	// Accepts are the types of identities that its block takes, and Both whether it takes
	// them at once.
	Accepts []mivet.IdentityKind
	Both    bool
	// IdentityForces is true where a change of the identity block makes it anew.
	IdentityForces bool
	// Open is true where code of the provider may decide on that too: ForceNew is a lower
	// bound then.
	Open bool
	// ForceNew are the attributes whose change makes it anew, blocks joined by dots.
	ForceNew []string
}

// kinds are those of the table, by type.
var kinds = sync.OnceValue(func() map[string]*Kind {
	out := map[string]*Kind{}
	for line := range strings.Lines(forceNew) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(fields) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		k := &Kind{
			Type: "azurerm_" + fields[0], ForceNew: strings.Split(fields[2], ","), Both: strings.Contains(fields[1], "B"),
			IdentityForces: strings.Contains(fields[1], "I"), Open: strings.Contains(fields[1], "C"),
		}
		if strings.Contains(fields[1], "S") {
			k.Accepts = append(k.Accepts, mivet.SystemAssigned)
		}
		if strings.Contains(fields[1], "U") {
			k.Accepts = append(k.Accepts, mivet.UserAssigned)
		}
		out[k.Type] = k
	}
	return out
})

// Find returns what is known of a type of Terraform, or nil.
func Find(terraformType string) *Kind { return kinds()[terraformType] }

// Forces reports whether a change of an attribute makes the resource anew. The attribute is
// named as in the replace_paths of a plan, with its indexes left out, or as the table does.
func (k *Kind) Forces(attribute string) bool {
	return slices.ContainsFunc(k.ForceNew, func(f string) bool {
		return f == attribute || strings.HasPrefix(attribute, f+".")
	})
}

// releases are the attributes that change with every release or run of code.
var releases = []string{"container.image", "script_content"}

// EachRelease returns the attribute that makes the resource anew with every release or run,
// or "".
func (k *Kind) EachRelease() string {
	for _, r := range releases {
		if slices.Contains(k.ForceNew, r) {
			return r
		}
	}
	return ""
}

// sameAs are the types of Terraform for types of Azure that are made anew with each release.
var sameAs = map[string]string{
	"microsoft.containerinstance/containergroups": "azurerm_container_group",
	"microsoft.resources/deploymentscripts":       "azurerm_resource_deployment_script_azure_cli",
}

// FindAzure returns what is known of a type of Azure, or nil: only of types that are made
// anew with each release.
func FindAzure(resourceType string) *Kind { return Find(sameAs[strings.ToLower(resourceType)]) }
