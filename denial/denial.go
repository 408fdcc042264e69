// SPDX-License-Identifier: Apache-2.0

package denial

import "strings"

// MaxText is the longest text that is read, in bytes; of a longer one the beginning is.
// No service writes an error of this size.
const MaxText = 256 << 10

// Service is who refused.
type Service string

// The services.
const (
	KeyVault          Service = "Key Vault"
	ResourceManager   Service = "Azure Resource Manager"
	Storage           Service = "Storage"
	ServiceBus        Service = "Service Bus"
	EventHubs         Service = "Event Hubs"
	CosmosDB          Service = "Cosmos DB"
	SQL               Service = "Azure SQL"
	AI                Service = "Azure AI / Cognitive Services"
	Graph             Service = "Microsoft Graph"
	AppConfiguration  Service = "App Configuration"
	ContainerRegistry Service = "Container Registry"
	Kubernetes        Service = "AKS (Kubernetes API)"
	VaultReference    Service = "App Service Key Vault reference"
	IdentityEndpoint  Service = "Managed identity endpoint"
	Federation        Service = "Entra token endpoint (federated credential)"
	TokenEndpoint     Service = "Entra token endpoint" //nolint:gosec // words, no credentials
	AppAuthentication Service = "App Service authentication"
	APIManagement     Service = "API Management"
	OwnAPI            Service = "API behind Entra"
	SecretReference   Service = "Container Apps Key Vault reference" //nolint:gosec // words, no credentials
	ManagedHSM        Service = "Managed HSM"
	Search            Service = "Azure AI Search"
	Kusto             Service = "Azure Data Explorer"
	MonitorLogs       Service = "Azure Monitor Logs"
	Synapse           Service = "Azure Synapse"
	SignalR           Service = "SignalR and Web PubSub"
	IoTHub            Service = "IoT Hub"
	EventGrid         Service = "Event Grid"
	Connection        Service = "API connection"
	PostgreSQL        Service = "Azure Database for PostgreSQL"
	Redis             Service = "Azure Cache for Redis"
)

// Caller is who the text says was refused. A field that the text does not give is empty;
// what it gives is kept as written, also where it was blacked out.
type Caller struct {
	AppID string `json:"appid,omitzero"`
	// OID is the object ID of the principal.
	OID string `json:"oid,omitzero"`
	// Principal is what a service calls so without saying which ID it is.
	Principal string `json:"principal,omitzero"`
	// Name is the name that the text gives beside the IDs, Client what Resource Manager
	// calls the client: a user name, an application ID or an object ID.
	Name   string `json:"name,omitzero"`
	Client string `json:"client,omitzero"`
	User   string `json:"user,omitzero"`
	// Issuer, Subject and Audience are those of the token or of the assertion.
	Issuer   string `json:"issuer,omitzero"`
	Subject  string `json:"subject,omitzero"`
	Audience string `json:"audience,omitzero"`
	// Identity is the resource ID of the managed identity, and Host that of the resource
	// that carries it, where the token said so (xms_mirid, xms_az_rid).
	Identity string `json:"identity,omitzero"`
	Host     string `json:"host,omitzero"`
}

// Named reports whether the text says anything of the caller.
func (c Caller) Named() bool { return c != Caller{} }

// A Denial is what a text says. Fields that it does not tell are empty.
type Denial struct {
	// Service and Code are empty where no form is known that fits the text.
	Service Service `json:"service,omitzero"`
	// Either is another service that writes the same words, where the text does not tell
	// which of the two it was.
	Either Service `json:"either,omitzero"`
	// Code is the error code: the service's own, with the inner one after a slash where two
	// errors share the outer one.
	Code string `json:"code,omitzero"`
	// Status is the HTTP status that the service answers with; 0 where it has none.
	Status int    `json:"status,omitzero"`
	Caller Caller `json:"caller,omitzero"`
	// Operation is what was refused as the service names it, and Resource where.
	Operation string `json:"operation,omitzero"`
	Resource  string `json:"resource,omitzero"`
	// LinkedOperation and LinkedResource are the second right that was asked for.
	LinkedOperation string `json:"linkedOperation,omitzero"`
	LinkedResource  string `json:"linkedResource,omitzero"`
	// Assignment and Deny are the role assignment and the deny assignment that the text names.
	Assignment string `json:"assignment,omitzero"`
	Deny       string `json:"deny,omitzero"`
	// Credential is the credential of a chain that gave the token, where the text tells it.
	Credential string `json:"credential,omitzero"`
	// Causes are those that such a text has, most likely first. There is at least one.
	Causes []Cause `json:"causes"`
	// Proves says what the text alone settles, in sentences without full stops.
	Proves []string `json:"proves,omitzero"`
}

// Recognised reports whether a form of the table fits the text.
func (d *Denial) Recognised() bool { return d.Service != "" }

// RolesEvaluated reports whether the service came as far as looking at roles: false for
// refusals by network, audience, tenant, key and federation.
func (d *Denial) RolesEvaluated() bool {
	switch d.Causes[0] {
	case Network, WrongAudience, WrongTenant, SharedKeyDisabled, UnsupportedOperation, AmbiguousIdentity,
		IdentityNotAssigned, WebhookNotInjected, FederationIssuer, FederationSubject, FederationAudience, FederationCase, Unknown:
		return false
	default:
		return true
	}
}

// Tool names the program behind a well-known application ID with which people sign in; ""
// for others. Such a caller is a person and no workload.
//
// Source: the IDs are Microsoft's own applications
// (learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in).
func (c Caller) Tool() string {
	switch strings.ToLower(c.AppID) {
	case "04b07795-8ddb-461a-bbee-02f9e1bf7b46":
		return "Azure CLI"
	case "1950a258-227b-4e31-a9cf-717495945fc2":
		return "Azure PowerShell"
	case "aebc6443-996d-45c2-90f0-388ff96faa56":
		return "Visual Studio Code"
	case "872cd9fa-d31f-45e0-9eab-6e460a02d1f1":
		return "Visual Studio"
	case "c44b4083-3bb0-49c1-b47d-974e53cbdf3c":
		return "Azure portal"
	default:
		return ""
	}
}

// Parse reads a text. It always returns a denial: one that no form fits is not recognised.
func Parse(text string) *Denial {
	if len(text) > MaxText {
		text = text[:MaxText]
	}
	plain := unwrap(text)
	lower := strings.ToLower(plain)
	for i := range forms {
		f := &forms[i]
		if m := f.match(plain, lower); m != nil {
			return f.read(plain, m)
		}
	}
	return &Denial{Causes: []Cause{Unknown}, Caller: callerOf(plain)}
}
