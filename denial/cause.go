// SPDX-License-Identifier: Apache-2.0

package denial

// Cause is why a request was refused, one of a closed list.
type Cause string

// The causes.
const (
	MissingRole           Cause = "missing-role"
	ControlPlaneRoleOnly  Cause = "control-plane-role-only"
	WrongScope            Cause = "wrong-scope"
	Propagation           Cause = "propagation"
	GroupTokenCache       Cause = "group-token-cache" //nolint:gosec // words, no credentials
	StaleClientCache      Cause = "stale-client-cache"
	WrongIdentitySelected Cause = "wrong-identity-selected"
	AmbiguousIdentity     Cause = "ambiguous-identity"
	IdentityNotAssigned   Cause = "identity-not-assigned"
	WebhookNotInjected    Cause = "webhook-not-injected"
	IDConfusion           Cause = "id-confusion"
	RecreatedIdentity     Cause = "recreated-identity"
	CompoundPolicy        Cause = "compound-policy"
	DenyAssignment        Cause = "deny-assignment"
	LinkedScope           Cause = "linked-scope"
	LinkedScopeDeleted    Cause = "linked-scope-deleted"
	Network               Cause = "network"
	WrongAudience         Cause = "wrong-audience"
	WrongTenant           Cause = "wrong-tenant"
	SharedKeyDisabled     Cause = "shared-key-disabled"
	UnsupportedOperation  Cause = "unsupported-operation"
	FederationIssuer      Cause = "fic-mismatch-issuer"
	FederationSubject     Cause = "fic-mismatch-subject"
	FederationAudience    Cause = "fic-mismatch-audience"
	FederationCase        Cause = "fic-mismatch-case"
	ClientBug             Cause = "client-bug"
	Unknown               Cause = "unknown"
)

// meaning is what a cause is, and what tells it from its neighbours.
type meaning struct {
	cause   Cause
	is      string
	decided string
}

// meanings holds every cause once, in the order of the constants.
var meanings = []meaning{
	{
		MissingRole, "the right identity was used, and no role, policy entry or database user gives it the operation",
		"list what the identity holds at and above the resource",
	},
	{
		ControlPlaneRoleOnly, "it holds a role of the control plane, such as Owner or Contributor, where one of the data plane is needed",
		"look whether a role at the resource has the operation among its data actions",
	},
	{
		WrongScope, "it holds the right role or user at another or narrower place",
		"compare the scope of the grant with the resource of the request",
	},
	{
		Propagation, "the grant is right, and not in force yet",
		"look when the grant was made; up to 10 minutes are usual, and try again",
	},
	{
		GroupTokenCache, "the grant goes through a group, and the token is older than the membership",
		"look whether the grant is a group's; tokens of managed identities are kept for up to 24 hours",
	},
	{
		StaleClientCache, "the tool still sends a token from before the grant",
		"sign in anew, and try again",
	},
	{
		WrongIdentitySelected, "the client presented another identity than the one that was granted",
		"compare the caller with the principal of the grant",
	},
	{
		AmbiguousIdentity, "no identity was selected, and the endpoint does not choose among several",
		"count the identities that the host carries, and look for AZURE_CLIENT_ID",
	},
	{
		IdentityNotAssigned, "an identity was asked for that the host does not carry",
		"compare the selected client ID with the identities of the host",
	},
	{
		WebhookNotInjected, "the pod has no variables of workload identity, so the SDK asked the node",
		"look for the label azure.workload.identity/use on the pod, and for AZURE_FEDERATED_TOKEN_FILE in it",
	},
	{
		IDConfusion, "the grant names the client ID where the object ID is needed, or the reverse",
		"compare the ID in the policy or grant with the object ID of the caller",
	},
	{
		RecreatedIdentity, "the identity was deleted and made again; the grants still hold the old IDs",
		"look whether the principal of the grant still exists",
	},
	{
		CompoundPolicy, "the access policy names an application too, and fits only a user who comes through it",
		"look for applicationId in the policies of the vault",
	},
	{
		DenyAssignment, "a deny assignment blocks the operation; no role helps",
		"list the deny assignments at and above the resource",
	},
	{
		LinkedScope, "the operation needs a right on a second resource too, and it is missing there",
		"ask for the linked operation at the linked resource",
	},
	{
		LinkedScopeDeleted, "the linked resource no longer exists",
		"look whether the linked resource exists",
	},
	{
		Network, "a firewall, disabled public access or a private link refused; roles were not looked at",
		"compare the address of the caller with the network rules of the resource",
	},
	{
		WrongAudience, "the token was issued for another resource",
		"look at the scope that the client asks a token for",
	},
	{
		WrongTenant, "the token was issued by another tenant than the resource's",
		"compare the issuer of the token with the tenant of the resource",
	},
	{
		SharedKeyDisabled, "the client used an account key or a signed URL, which the account does not permit; no identity was involved",
		"make the client send a token",
	},
	{
		UnsupportedOperation, "the operation cannot be done with this sort of token at all",
		"use the control plane, or a delegated token, for this operation",
	},
	{
		FederationIssuer, "no federated credential has the issuer of the assertion",
		"compare the issuers letter by letter, with the slash at the end",
	},
	{
		FederationSubject, "no federated credential has the subject of the assertion",
		"compare the subjects letter by letter",
	},
	{
		FederationAudience, "no federated credential has the audience of the assertion",
		"compare the audiences letter by letter",
	},
	{
		FederationCase, "the subject of the federated credential differs from the assertion's in letter case alone",
		"write the subject as the assertion has it",
	},
	{
		ClientBug, "identity, role and network are right, and the client has a defect",
		"try the same request with another client",
	},
	{Unknown, "not established", "get the whole text of the error, with code and caller"},
}

func (c Cause) meaning() meaning {
	for _, m := range meanings {
		if m.cause == c {
			return m
		}
	}
	return meaning{cause: c}
}

// Meaning says in a sentence without a full stop what the cause is.
func (c Cause) Meaning() string { return c.meaning().is }

// Decided says in a sentence without a full stop what tells the cause from others.
func (c Cause) Decided() string { return c.meaning().decided }

// Causes lists all causes.
func Causes() []Cause {
	list := make([]Cause, len(meanings))
	for i, m := range meanings {
		list[i] = m.cause
	}
	return list
}
