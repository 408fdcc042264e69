// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"fmt"
	"time"

	"github.com/mivet/mivet"
)

// Log is a kind of log.
type Log uint8

// The logs whose entries are understood.
const (
	UnknownLog       Log = iota
	Activity             // the activity log of Resource Manager
	KeyVault             // AuditEvent of a vault
	ManagedHSM           // AuditEvent of a managed HSM
	Storage              // StorageRead, StorageWrite, StorageDelete
	ServiceBus           // RuntimeAuditLogs of Service Bus
	EventHubs            // RuntimeAuditLogs of Event Hubs
	Operational          // OperationalLogs of Service Bus and Event Hubs
	Cosmos               // DataPlaneRequests
	AppConfiguration     // HttpRequest and Audit of App Configuration
	SignIn               // sign-ins of managed identities and of other service principals
	Graph                // MicrosoftGraphActivityLogs
	EventGrid            // events of Resource Manager that Event Grid delivered
	OtherLog             // a log that is known and tells of no right in Azure: sign-ins of people, audits of other systems
)

var logNames = [...]string{
	"unknown", "activity", "key-vault", "managed-hsm", "storage", "service-bus", "event-hubs", "operational", "cosmos-db",
	"app-configuration", "sign-in", "graph", "event-grid", "other",
}

// String returns a short name, such as "key-vault".
func (l Log) String() string {
	if int(l) < len(logNames) {
		return logNames[l]
	}
	return logNames[UnknownLog]
}

// MarshalText returns the name of String.
func (l Log) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a name of String.
func (l *Log) UnmarshalText(b []byte) error {
	for i, name := range logNames {
		if name == string(b) {
			*l = Log(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no log", b)
}

// Outcome says how the check of a right ended.
type Outcome uint8

// The outcomes. An operation that failed for another reason than a missing right was
// granted; one whose entry does not tell is undecided.
const (
	Undecided Outcome = iota
	Granted
	Refused
)

// String returns "undecided", "granted" or "refused".
func (o Outcome) String() string {
	switch o {
	case Granted:
		return "granted"
	case Refused:
		return "refused"
	default:
		return "undecided"
	}
}

// Reason says why an entry is no use of a right by an identity; empty for one that is.
type Reason string

// The reasons.
const (
	NoReason Reason = ""

	UnknownCategory  Reason = "the category is of no log that is known"
	ForeignLog       Reason = "the log tells of no right in Azure"
	NoAccess         Reason = "the category tells of no access"
	NoIdentity       Reason = "an account key, a shared access signature or nobody signed in"
	NoAuthentication Reason = "the entry does not say how the caller signed in"
	TokenOnly        Reason = "a token was fetched; no right is named" //nolint:gosec // no credential
	ConnectionOnly   Reason = "a connection was opened; no right is named"
	NamesNoRight     Reason = "the log names no right"
	UnknownOperation Reason = "no right is known for the operation"
	OfPlatform       Reason = "the platform's own operation"
	Unauthenticated  Reason = "no right is asked for: a challenge, or a parent of other requests"
	NoPrincipal      Reason = "the entry names no object id"
)

// An Entry is what one log entry says. Its texts belong to the parser and are valid until
// the next entry is read; [Entry.Clone] keeps one. What an entry does not tell is empty.
type Entry struct {
	Log Log
	// Category is as written.
	Category []byte
	// Reason says why the entry is no use of a right by an identity.
	Reason Reason
	// Principal is the object id as written. AppID is the application (client) id.
	Principal, AppID []byte
	// Operation is the name in the log, as written.
	Operation []byte
	// Action is the right that was used, with the operation's letter case of Azure where
	// that is known. "|" separates alternatives of which one suffices, "+" joins rights
	// that were needed together and binds tighter.
	Action []byte
	Plane  mivet.Plane
	// Scope is the narrowest resource id that the entry proves, in lower case.
	Scope []byte
	// Granted tells of the right in Action; of Graph entries it tells of the request.
	Granted Outcome
	// Time is the event's own; zero where there is none.
	Time time.Time
	// Count is how many operations the entry stands for, at least 1.
	Count int64

	// Resource is the resource that wrote the entry, in lower case.
	Resource []byte
	// Caller is the address, without a port. Agent is what the client called itself.
	Caller, Agent []byte
	// Host is the resource id that the token was issued to (claim xms_mirid): the workload,
	// or the user-assigned identity.
	Host []byte
	// Assignment is the role assignment that the service names for its decision.
	Assignment []byte
	// Correlation joins entries of one request, Call those of one operation in it. Token joins
	// a sign-in with the use of it.
	Correlation, Call, Token []byte
	// Audience is the API that a token was fetched for: an application id.
	Audience []byte
	// Credential is the federated credential of a sign-in.
	Credential []byte
}

// Use reports whether the entry is the use of a right by an identity, granted or not.
func (e *Entry) Use() bool { return e.Reason == NoReason }

// Clone returns a copy whose texts are its own.
func (e *Entry) Clone() *Entry {
	c := *e
	for _, b := range c.texts() {
		*b = bytes.Clone(*b)
	}
	return &c
}

func (e *Entry) texts() []*[]byte {
	return []*[]byte{
		&e.Category, &e.Principal, &e.AppID, &e.Operation, &e.Action, &e.Scope, &e.Resource, &e.Caller, &e.Agent,
		&e.Host, &e.Assignment, &e.Correlation, &e.Call, &e.Token, &e.Audience, &e.Credential,
	}
}
