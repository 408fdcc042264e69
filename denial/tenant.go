// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"net/url"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// Tenant is what is known of the tenant in which somebody was refused.
type Tenant struct {
	Snapshot *mivet.Snapshot
	Index    *mivet.Index
	Engine   *authz.Engine
	// SmallestRole returns the built-in role that gives an operation and the least beside
	// it; nil where there is none.
	SmallestRole func(arm.Operation, mivet.Plane) *mivet.RoleDefinition
}

// Given is what the person who asks knows beside the text; zero values are not known.
type Given struct {
	// Caller is who presented the token, Expected who should have.
	Caller, Expected mivet.PrincipalID
	Operation        arm.Operation
	Resource         arm.ID
	// Host is the resource on which the client ran.
	Host arm.ID
	// Formers are principals that the caller's identity had before, such as one that a log
	// tells of.
	Formers []mivet.PrincipalID
}

// ceased reports whether the principal of an assignment is known to be gone: it is in no
// list of the directory, and the lists are whole.
func (t *Tenant) ceased(a *mivet.RoleAssignment) bool {
	if len(t.Snapshot.Principals) == 0 || !mivet.IsGUID(string(a.Principal)) || t.knows(a.Principal) || !a.DelegatedIdentity.IsZero() {
		return false
	}
	return !slices.ContainsFunc(t.Snapshot.Gaps, func(g mivet.Gap) bool { return g.Facts == mivet.FactPrincipals })
}

// roleName names the role of an assignment.
func (t *Tenant) roleName(a *mivet.RoleAssignment) string {
	if a.RoleName != "" {
		return a.RoleName
	}
	if d := t.Index.Role(a.Role); d != nil && d.Name != "" {
		return d.Name
	}
	return "the role " + string(a.Role)
}

// caller finds the principal that the text names. It is false where the text names none;
// one of whom the tenant knows nothing is found by its object ID all the same.
func (t *Tenant) caller(c *Caller) (mivet.PrincipalID, bool) {
	for _, word := range []string{c.OID, c.Principal} {
		if mivet.IsGUID(word) || t.knows(mivet.NewPrincipalID(word)) {
			return mivet.NewPrincipalID(word), true
		}
	}
	for _, word := range []string{c.AppID, c.Client, c.Principal, c.User} {
		if id, ok := t.byClientID(word); ok {
			return id, true
		}
		if id := mivet.NewPrincipalID(word); t.knows(id) {
			return id, true
		}
	}
	return "", false
}

func (t *Tenant) knows(id mivet.PrincipalID) bool {
	return id != "" && (t.Index.Principal(id) != nil || t.Index.Identity(id) != nil)
}

func (t *Tenant) byClientID(client string) (mivet.PrincipalID, bool) {
	if client == "" {
		return "", false
	}
	for i := range t.Snapshot.Identities {
		if m := &t.Snapshot.Identities[i]; strings.EqualFold(m.ClientID, client) && m.Principal != "" {
			return m.Principal, true
		}
	}
	for i := range t.Snapshot.Principals {
		if p := &t.Snapshot.Principals[i]; strings.EqualFold(p.ClientID, client) {
			return p.ID, true
		}
	}
	return "", false
}

// clientID returns the client ID of a principal, "" where it is not known.
func (t *Tenant) clientID(id mivet.PrincipalID) string {
	if m := t.Index.Identity(id); m != nil && m.ClientID != "" {
		return m.ClientID
	}
	if p := t.Index.Principal(id); p != nil {
		return p.ClientID
	}
	return ""
}

// name returns the name of a principal, with its ID where it has one.
func (t *Tenant) name(id mivet.PrincipalID) string {
	if n := t.Index.PrincipalName(id); n != "" && n != string(id) {
		return n + " (" + string(id) + ")"
	}
	return string(id)
}

// entityTypes are the types of resources that a service's words for a place may mean, and
// of what lies in them.
var entityTypes = map[Service]struct{ account, child string }{
	KeyVault:          {"Microsoft.KeyVault/vaults", ""},
	ServiceBus:        {"Microsoft.ServiceBus/namespaces", "queues"},
	EventHubs:         {"Microsoft.EventHub/namespaces", "eventhubs"},
	CosmosDB:          {"Microsoft.DocumentDB/databaseAccounts", ""},
	AppConfiguration:  {"Microsoft.AppConfiguration/configurationStores", ""},
	ContainerRegistry: {"Microsoft.ContainerRegistry/registries", ""},
	AI:                {"Microsoft.CognitiveServices/accounts", ""},
	Search:            {"Microsoft.Search/searchServices", ""},
	IoTHub:            {"Microsoft.Devices/IotHubs", ""},
	ManagedHSM:        {"Microsoft.KeyVault/managedHSMs", ""},
	Storage:           {"Microsoft.Storage/storageAccounts", ""},
}

// storageChildren are what the first part of a path names, by the service that the host
// names.
var storageChildren = map[string]string{
	"blob": "blobServices/default/containers", "dfs": "blobServices/default/containers",
	"queue": "queueServices/default/queues", "table": "tableServices/default/tables", "file": "fileServices/default/fileshares",
}

// place finds the resource that a text names: by its ID, else by the name of the account
// or its host. A name that several resources have is not found.
func (t *Tenant) place(d *Denial) (arm.ID, bool) {
	if strings.HasPrefix(d.Resource, "/subscriptions/") || strings.HasPrefix(d.Resource, "/providers/") {
		id, err := arm.ParseID(d.Resource)
		return id, err == nil
	}
	for _, service := range []Service{d.Service, d.Either} {
		e, known := entityTypes[service]
		if !known || d.Resource == "" {
			continue
		}
		account, entity := accountAndEntity(d.Resource)
		found, n := arm.ID{}, 0
		for i := range t.Snapshot.Resources {
			r := &t.Snapshot.Resources[i]
			if arm.Fold(r.ID.Type()) == arm.Fold(e.account) && arm.Fold(r.ID.Name()) == arm.Fold(account) {
				found, n = r.ID, n+1
			}
		}
		if n != 1 {
			continue
		}
		child := e.child
		if service == Storage {
			child = storageChildren[hostPart(d.Resource)]
		}
		if entity != "" && child != "" {
			if id, err := arm.ParseID(found.String() + "/" + child + "/" + entity); err == nil {
				return id, true
			}
		}
		return found, true
	}
	return arm.ID{}, false
}

// hostPart is the second label of a URL's host, "blob" in "https://a.blob.core.windows.net".
func hostPart(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(u.Host, ".")
	part, _, _ := strings.Cut(rest, ".")
	return strings.ToLower(part)
}

// accountAndEntity takes "sb://n.servicebus.windows.net/q" apart; a bare name or host is an
// account.
func accountAndEntity(text string) (account, entity string) {
	host := text
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		host = u.Host
		entity, _, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	}
	account, _, _ = strings.Cut(host, ".")
	return account, entity
}

// Claims of Service Bus and Event Hubs as data operations
// (MicrosoftDocs/azure-docs articles/service-bus-messaging/authenticate-application.md,
// articles/event-hubs/authenticate-application.md). Manage is a claim of the whole entity
// and stands for no one operation.
var claimOperations = map[string]string{
	"listen": "messages/receive/action",
	"send":   "messages/send/action",
}

// operation reads what was refused as an operation of Azure.
func (t *Tenant) operation(d *Denial, where arm.ID) (arm.Operation, mivet.Plane, bool) {
	switch {
	case d.Service == KeyVault && !strings.Contains(d.Operation, "/"):
		object, verb, _ := strings.Cut(strings.ToLower(d.Operation), " ")
		if object != "storage" {
			object = strings.TrimSuffix(object, "s") + "s"
		}
		op, ok := authz.VaultOperation(object + "/" + verb)
		return op, mivet.PlaneData, ok
	case d.Service == ServiceBus || d.Service == EventHubs:
		rest, ok := claimOperations[strings.ToLower(d.Operation)]
		if !ok {
			return arm.Operation{}, mivet.PlaneUnknown, false
		}
		provider := "Microsoft.ServiceBus/namespaces/"
		if d.Service == EventHubs || strings.HasPrefix(string(arm.Fold(where.Type())), "microsoft.eventhub/") {
			provider = "Microsoft.EventHub/namespaces/"
		}
		op, err := arm.ParseOperation(provider + rest)
		return op, mivet.PlaneData, err == nil
	}
	op, err := arm.ParseOperation(d.Operation)
	if err != nil {
		return arm.Operation{}, mivet.PlaneUnknown, false
	}
	plane := mivet.PlaneUnknown
	if d.Service == ResourceManager {
		plane = mivet.PlaneControl
	} else if d.Service != "" {
		plane = mivet.PlaneData
	}
	return op, plane, true
}
