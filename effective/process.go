// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"fmt"
	"net/url"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Credential is a sort of credential, by the name that all libraries share.
type Credential string

// The credentials of the default chains.
const (
	EnvironmentCredential      Credential = "Environment"
	WorkloadIdentityCredential Credential = "WorkloadIdentity"
	ManagedIdentityCredential  Credential = "ManagedIdentity"
	AzureCLICredential         Credential = "AzureCLI"
)

// Source is what gives out a token.
type Source string

// The endpoints of managed identities, and the others that give tokens.
const (
	IMDS          Source = "IMDS"
	AppService    Source = "AppService" // Functions, Container Apps and Automation speak it too
	AzureML       Source = "AzureML"
	CloudShell    Source = "CloudShell"
	AzureArc      Source = "AzureArc"
	ServiceFabric Source = "ServiceFabric"
	Exchange      Source = "Exchange" // a federated token for one of Entra ID
	EntraSecret   Source = "EntraSecret"
	EntraCert     Source = "EntraCertificate"
	EntraPassword Source = "EntraPassword"
	DeveloperTool Source = "DeveloperTool"

	noSource  Source = "None"
	anySource Source = "*"
)

// API is what the code calls.
type API string

// The ways to ask for a token.
const (
	Default  API = "DefaultAzureCredential"
	Managed  API = "ManagedIdentityCredential"
	Workload API = "WorkloadIdentityCredential"
	// ManagedThenCLI is a chain that the code builds of managed identity and the Azure CLI.
	ManagedThenCLI API = "ManagedIdentityCredential, AzureCLICredential"
)

// Options are what the code sets when it builds the credential.
type Options struct {
	// ClientID, ResourceID and ObjectID select a managed identity; ClientID is that of the
	// federated application where the code uses the workload identity credential.
	ClientID   string
	ResourceID string
	ObjectID   string
	// These are options of the default chain.
	ManagedIdentityClientID   string
	ManagedIdentityResourceID string
	WorkloadIdentityClientID  string
	// RequireSelection demands that AZURE_TOKEN_CREDENTIALS is set.
	RequireSelection bool
	// RequiredVariables are variables that must not be empty.
	RequiredVariables []string
}

// Process is code in its surroundings: all that decides what it presents.
type Process struct {
	// SDK is the client library and Version its version, as a lock file has it.
	SDK     string
	Version string
	API     API
	Options Options
	// Env are the variables of the process. One that is set to nothing is not absent.
	Env map[string]string
	// Calls is how often the process asks for a token; 0 is once. The last one counts.
	Calls int
	Host  Host
}

// lookup returns a variable and whether it is there, by a test of presence.
func (p *Process) there(name, presence string) bool {
	v, ok := p.Env[name]
	return ok && (presence == "set" || v != "")
}

// Condition is the state that an endpoint is in.
type Condition struct {
	// Reached is how the connection goes: "" for well, "unreachable", or "dropped" where
	// packets get lost.
	Reached string
	// Status is an HTTP status that every request for a token is answered with; 0 for none.
	Status int
	// NotJSON is true where the answer comes from something else, such as a login page.
	NotJSON bool
	// Unreachable is true for a 403 of a proxy that tells of an unreachable network.
	Unreachable bool
	// Slow is the number of seconds before an answer.
	Slow int
	// Once is a status that the first request for a token alone is answered with, and
	// RetryAfter whether it names a time to wait.
	Once       int
	RetryAfter bool
}

// ManagedIdentity is an identity that is attached to a host.
type ManagedIdentity struct {
	Name      string            `json:"name,omitzero"`
	ClientID  string            `json:"clientId,omitzero"`
	Principal mivet.PrincipalID `json:"principal,omitzero"`
	// Resource is the identity's own resource; empty for a system-assigned one.
	Resource string `json:"resource,omitzero"`
}

// Host is where the process runs.
type Host struct {
	// System is the system-assigned identity, nil where there is none, and User are the
	// attached user-assigned ones.
	System *ManagedIdentity
	User   []ManagedIdentity

	Conditions map[Source]Condition
	// Listens says which endpoint is behind a "host:port"; nil where every variable leads
	// to the endpoint that it is made for. An address that is not in it is unreachable.
	Listens map[string]Source
	// Secret is the value that the header of App Service and of Service Fabric must have;
	// empty where the right one is in the variable.
	Secret string

	// AgentFile is true where the file of the Azure Arc agent is on the disk.
	AgentFile bool
	// AgentHonoursSelectors is true for an Azure Arc agent that knows user-assigned
	// identities and says which one it used.
	AgentHonoursSelectors bool
	// KeyUnreadable is true where the process cannot read the key of the Azure Arc agent.
	KeyUnreadable bool
	// Azure CLI on the path, with somebody signed in.
	CLI bool
	// Files are the paths that the process can read; nil for all.
	Files map[string]bool
	// SecretRefused and AssertionRefused are answers of Entra ID.
	SecretRefused    bool
	AssertionRefused bool

	// Live are answers of a real host to what was needed so far; nil for a host that is
	// described by the fields above.
	Live map[Need]Met
}

func (h *Host) readable(path string) bool { return path != "" && (h.Files == nil || h.Files[path]) }

// behind returns the endpoint that answers at an address.
func (h *Host) behind(asked Source, address string) (s Source, reached bool) {
	if h.Listens == nil || address == "" {
		return asked, true
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", false
	}
	s, ok := h.Listens[u.Host]
	return s, ok
}

// selector is what a request asks for.
type selector struct {
	kind  string // "client", "resource", "object", or "" for none
	value string
}

func (s selector) String() string {
	if s.kind == "" {
		return "no selector"
	}
	return fmt.Sprintf("%s ID %q", s.kind, s.value)
}

// find returns the attached identity that a selector names. Hosts compare without regard
// to letter case, and do not trim; the system-assigned identity answers to its own IDs.
func (h *Host) find(s selector) *ManagedIdentity {
	matches := func(m *ManagedIdentity) bool {
		var have string
		switch s.kind {
		case "client":
			have = m.ClientID
		case "object":
			have = string(m.Principal)
		case "resource":
			have = m.Resource
		}
		return have != "" && arm.Fold(have) == arm.Fold(s.value)
	}
	if h.System != nil && matches(h.System) {
		return h.System
	}
	for i := range h.User {
		if matches(&h.User[i]) {
			return &h.User[i]
		}
	}
	return nil
}
