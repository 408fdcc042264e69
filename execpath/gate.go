// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Gate is something that configuration must say before a way is open.
type Gate struct {
	// ID is the name that rows use; About says what it is about, in a few words.
	ID, About string
	// Child is the part of the path below the resource that holds the setting, where the
	// resource itself does not; the setting is then read of that child.
	Child string
	// Kind is true where the resource's own kind is read in place of a setting.
	Kind bool
	// Settings are paths below "properties", of which the first that was read counts. A gate
	// without settings is about what no configuration shows: it is never known open.
	Settings []string
	// Open or Shut list the values with which it is open, or shut. A value that is in
	// neither is shut if Open is set, else open. "*" is any value but null; values are
	// compared without regard to case.
	Open, Shut []string
	// Contains is true where a value of the list need only be part of the setting.
	Contains bool
	// Weak is true for a gate that makes the way harder and does not close it: shut, it
	// leaves the way possible; unread, it does not count.
	Weak bool
	// Opener is the operation on the resource with which the caller opens it; empty for none.
	Opener string
	// Source is the section or page that says so.
	Source string
}

// State is what was read of a gate.
type State uint8

// The states.
const (
	Unread State = iota // it was not read
	Open                // the way is open
	Shut                // the way is closed
)

// String returns the state in a word.
func (s State) String() string { return [...]string{"unread", "open", "closed"}[s] }

// MarshalText returns the state's word.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

const (
	storageWrite = "Microsoft.Storage/storageAccounts/write"
	clusterWrite = "Microsoft.ContainerService/managedClusters/write"
	azureDocs    = "MicrosoftDocs/azure-docs articles/"
)

// Gates returns the table of gates.
func Gates() []Gate { return slices.Clone(gates) }

var gates = []Gate{
	{
		ID: "vm-agent", About: "the VM agent that carries out commands and extensions",
		Settings: []string{"osProfile.allowExtensionOperations", "osProfile.linuxConfiguration.provisionVMAgent", "osProfile.windowsConfiguration.provisionVMAgent"},
		Shut:     []string{"false"}, Source: azureDocs + "virtual-machines/extensions/agent-windows.md",
	},
	{ID: "login-extension", About: "the extension for signing in with Entra accounts", Source: azureDocs + "active-directory/devices/howto-vm-sign-in-azure-ad-windows.md"},
	{ID: "admin-center-extension", About: "the Windows Admin Center extension", Source: azureDocs + "virtual-machines"},
	{ID: "guest-network", About: "a network path to the machine", Weak: true, Source: azureDocs + "virtual-machines"},
	{
		ID: "boot-diagnostics", About: "boot diagnostics, which the serial console needs",
		Settings: []string{"diagnosticsProfile.bootDiagnostics.enabled"}, Open: []string{"true"}, Source: azureDocs + "virtual-machines/boot-diagnostics.md",
	},
	{ID: "guest-configuration", About: "the guest configuration extension and a system-assigned identity of the machine", Source: azureDocs + "governance/machine-configuration"},
	{
		ID: "basic-auth", About: "publishing with user name and password", Child: "basicPublishingCredentialsPolicies/scm",
		Settings: []string{"allow"}, Shut: []string{"false"}, Opener: "Microsoft.Web/sites/basicPublishingCredentialsPolicies/Write",
		Source: azureDocs + "app-service/configure-basic-auth-disable.md",
	},
	{
		ID: "scm-network", About: "the network rules of the deployment site", Weak: true,
		Settings: []string{"siteConfig.scmIpSecurityRestrictionsDefaultAction", "publicNetworkAccess", "siteConfig.publicNetworkAccess"},
		Shut:     []string{"Deny", "Disabled"}, Source: azureDocs + "app-service/app-service-ip-restrictions.md",
	},
	{ID: "functions-kind", About: "that it is a function app", Kind: true, Open: []string{"functionapp"}, Contains: true, Source: azureDocs + "azure-functions"},
	{ID: "workflow-kind", About: "that it is a logic app", Kind: true, Open: []string{"workflowapp"}, Contains: true, Source: azureDocs + "logic-apps"},
	{ID: "linux-containers", About: "that it runs on Linux and takes containers beside", Kind: true, Open: []string{"linux"}, Contains: true, Source: azureDocs + "app-service/overview-sidecar.md"},
	{ID: "portal-editable", About: "a language whose code can be edited in the portal", Source: azureDocs + "azure-functions/functions-how-to-use-azure-function-app-settings.md"},
	{ID: "admin-vfs", About: "the file interface of the function host, which some Linux plans lack", Source: azureDocs + "azure-functions"},
	{
		ID: "aks-run-command", About: "commands through Resource Manager", Settings: []string{"apiServerAccessProfile.disableRunCommand"},
		Shut: []string{"true"}, Opener: clusterWrite, Source: "MicrosoftDocs/azure-aks-docs articles/aks/access-private-cluster.md",
	},
	{
		ID: "aks-local-accounts", About: "local accounts of the cluster", Settings: []string{"disableLocalAccounts"}, Shut: []string{"true"},
		Opener: clusterWrite, Source: "MicrosoftDocs/azure-aks-docs articles/aks/manage-local-accounts-managed-azure-ad.md",
	},
	{
		ID: "aks-local-user", About: "a cluster without Entra, whose user credential is that of an administrator",
		Settings: []string{"aadProfile.managed", "aadProfile.tenantID"}, Shut: []string{"*"}, Opener: clusterWrite,
		Source: "MicrosoftDocs/azure-aks-docs articles/aks/control-kubeconfig-access.md",
	},
	{
		ID: "aks-azure-rbac", About: "Azure roles for Kubernetes", Settings: []string{"aadProfile.enableAzureRBAC"}, Open: []string{"true"},
		Opener: clusterWrite, Source: "MicrosoftDocs/azure-aks-docs articles/aks/manage-azure-rbac.md",
	},
	{ID: "arc-azure-rbac", About: "Azure roles for Kubernetes", Settings: []string{"aadProfile.enableAzureRBAC"}, Open: []string{"true"}, Source: azureDocs + "azure-arc/kubernetes/azure-rbac.md"},
	{ID: "aks-node", About: "that the scale set is a node pool", Source: "MicrosoftDocs/azure-aks-docs articles/aks/node-resource-group-lockdown.md"},
	{ID: "session-lifecycle", About: "that sessions get the pool's identity", Settings: []string{"managedIdentitySettings[0].lifecycle"}, Open: []string{"All", "Main", "Init"}, Source: azureDocs + "container-apps/sessions.md"},
	{ID: "engine-identity", About: "an identity of the test engines", Source: "MicrosoftDocs/azure-docs articles/load-testing"},
	{ID: "arc-agent", About: "an agent of version 1.33 or later", Source: azureDocs + "azure-arc/servers/run-command.md"},
	{
		ID: "shared-key", About: "account keys", Settings: []string{"allowSharedKeyAccess"}, Shut: []string{"false"}, Opener: storageWrite,
		Source: azureDocs + "storage/common/shared-key-authorization-prevent.md",
	},
	{
		ID: "storage-network", About: "the network rules of the account", Weak: true, Settings: []string{"networkAcls.defaultAction", "publicNetworkAccess"},
		Shut: []string{"Deny", "Disabled", "SecuredByPerimeter"}, Opener: storageWrite, Source: azureDocs + "storage/common/storage-network-security.md",
	},
	{ID: "sftp", About: "SFTP", Settings: []string{"isSftpEnabled"}, Open: []string{"true"}, Opener: storageWrite, Source: azureDocs + "storage/blobs/secure-file-transfer-protocol-support.md"},
	{
		ID: "vault-policies", About: "access policies, which decide where roles do not", Settings: []string{"enableRbacAuthorization"}, Shut: []string{"true"},
		Source: "MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-guide.md",
	},
	{
		ID: "vault-template", About: "that templates may read secrets", Settings: []string{"enabledForTemplateDeployment"}, Open: []string{"true"},
		Opener: "Microsoft.KeyVault/vaults/write", Source: azureDocs + "azure-resource-manager/templates/key-vault-parameter.md",
	},
	{
		ID: "batch-shared-key", About: "account keys of Batch", Settings: []string{"allowedAuthenticationModes"}, Open: []string{"SharedKey", "null"}, Contains: true,
		Opener: "Microsoft.Batch/batchAccounts/write", Source: azureDocs + "batch/security-best-practices.md",
	},
	{ID: "registry-admin", About: "the admin user of the registry", Settings: []string{"adminUserEnabled"}, Open: []string{"true"}, Opener: "Microsoft.ContainerRegistry/registries/write", Source: azureDocs + "container-registry/container-registry-authentication.md"},
	{ID: "local-auth", About: "keys beside Entra", Settings: []string{"disableLocalAuth"}, Shut: []string{"true"}, Source: "Azure/bicep-types-az generated/**/types.json"},
	{ID: "scaleset-upgrade", About: "that instances take a new model by themselves", Weak: true, Settings: []string{"upgradePolicy.mode"}, Shut: []string{"Manual"}, Source: azureDocs + "virtual-machine-scale-sets"},
	{ID: "pipeline-job", About: "a job on an agent of the pool", Source: azureDocs + "devops/managed-devops-pools"},
	{ID: "catalog-control", About: "control of the catalogue's repository", Source: azureDocs + "deployment-environments"},
	{ID: "global-administrator", About: "Global Administrator", Source: azureDocs + "role-based-access-control/elevate-access-global-admin.md"},
	{ID: "owner-rights", About: "the right to assign roles, which the service asks for beside", Source: azureDocs + "lighthouse/how-to/onboard-customer.md"},
	{ID: "eligible-assignment", About: "an eligible assignment of the caller", Source: azureDocs + "role-based-access-control/pim-integration.md"},
	{ID: "remediation-definition", About: "an assigned definition of the tenant's own that remediates", Source: azureDocs + "governance/policy/concepts/effects.md"},
	{ID: "session-host", About: "the machines of the host pool", Source: azureDocs + "virtual-desktop"},
	{ID: "dsc-node", About: "a registered node", Source: azureDocs + "automation/automation-dsc-overview.md"},
	{ID: "running-pipeline", About: "a pipeline that uses the linked service and runs", Source: azureDocs + "data-factory"},
	{ID: "unproven", About: "a mechanism that nobody has shown", Source: "no source"},
}

func findGate(id string) *Gate {
	for i := range gates {
		if gates[i].ID == id {
			return &gates[i]
		}
	}
	return nil
}

// reading is what was read of a gate, with the place.
type reading struct {
	state   State
	setting string
	value   string
	source  mivet.Source
}

// read looks a gate up at a resource; nil stands for one that the snapshot does not hold.
func (g *Gate) read(r *mivet.Resource, find func(arm.ID) *mivet.Resource) reading {
	if r != nil && g.Child != "" {
		typ, name, _ := strings.Cut(g.Child, "/")
		id, err := r.ID.Child(typ, name)
		if err != nil {
			return reading{}
		}
		r = find(id)
	}
	if r == nil {
		return reading{}
	}
	if g.Kind {
		if r.Detail == nil || r.Detail.Kind == "" {
			return reading{setting: "kind"}
		}
		return g.judge("kind", r.Detail.Kind, r.Source)
	}
	out := reading{}
	for _, path := range g.Settings {
		v, ok := r.Setting(path)
		if !ok {
			continue
		}
		if now := g.judge(path, v, r.Source); out.state == Unread || now.state == Shut {
			out = now
		}
	}
	return out
}

func (g *Gate) judge(setting, value string, src mivet.Source) reading {
	r := reading{setting: setting, value: value, source: src, state: Open}
	switch {
	case len(g.Open) > 0 && !g.among(g.Open, value):
		r.state = Shut
	case g.among(g.Shut, value):
		r.state = Shut
	}
	return r
}

func (g *Gate) among(list []string, value string) bool {
	return slices.ContainsFunc(list, func(w string) bool {
		switch {
		case w == "*":
			return value != "null" && value != ""
		case g.Contains:
			return strings.Contains(strings.ToLower(value), strings.ToLower(w))
		}
		return strings.EqualFold(w, value)
	})
}
