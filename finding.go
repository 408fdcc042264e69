// SPDX-License-Identifier: Apache-2.0

package mivet

import (
	"fmt"
	"time"

	"github.com/mivet/mivet/arm"
)

// Severity is how much a finding matters, computed from what the identity can reach. The
// zero Severity is not set.
type Severity uint8

// The severities, in rising order.
const (
	SeverityUnset Severity = iota
	SeverityInfo
	SeverityLow
	SeverityMedium
	SeverityHigh
	SeverityCritical
)

var severityNames = [...]string{"", "info", "low", "medium", "high", "critical"}

// String returns the severity in lower case, "" when it is not set.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return "invalid"
}

// MarshalText returns the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity's name; an empty text is an unset severity.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, name := range severityNames {
		if name == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("reading severity %q: it must be info, low, medium, high or critical", b)
}

// EvidenceKind says how a statement about an identity became known. None overrides
// another.
type EvidenceKind string

// The kinds of evidence.
const (
	Configured EvidenceKind = "configured" // read from Azure or from a file
	Predicted  EvidenceKind = "predicted"  // computed from what is configured
	Observed   EvidenceKind = "observed"   // seen in a log
	Attested   EvidenceKind = "attested"   // proved by the workload itself
)

// Evidence is one statement that a finding rests on, with its place.
type Evidence struct {
	Kind EvidenceKind `json:"kind"`
	// Fact is the statement, a short sentence without a full stop.
	Fact   string `json:"fact"`
	Source Source `json:"source,omitzero"`
}

// Subject is what a finding is about: a resource, a principal, or an object of a file.
type Subject struct {
	// Resource is zero for a subject that is no resource, or whose ID is not known.
	Resource arm.ID `json:"resource,omitzero"`
	// Principal is empty where the subject is not, or does not carry, one principal.
	Principal PrincipalID `json:"principal,omitzero"`
	// Address is the object's name in a plan or a template.
	Address string `json:"address,omitzero"`
	// Name is what people call it.
	Name string `json:"name,omitzero"`
}

// Key returns the comparable name of the subject: its resource if that is known, else
// its principal, else its address.
func (s Subject) Key() string {
	switch {
	case !s.Resource.IsZero():
		return string(s.Resource.Key())
	case s.Principal != "":
		return string(s.Principal)
	}
	return s.Address
}

// String returns the best name for people.
func (s Subject) String() string {
	switch {
	case s.Name != "":
		return s.Name
	case !s.Resource.IsZero():
		return s.Resource.Name()
	case s.Principal != "":
		return string(s.Principal)
	case s.Address != "":
		return s.Address
	}
	return "the input"
}

// Reach counts what a principal can touch by its own grants and those of its groups, as
// far as the snapshot tells. Counts are of resources that the snapshot holds, or that its
// grants name.
type Reach struct {
	// Grants is true where it may give itself, or others, rights without a restriction.
	Grants bool `json:"grants,omitzero"`
	// Changes is how many resources it may change through Resource Manager.
	Changes int `json:"changes"`
	// Data is how many resources hold data that it may read or write.
	Data int `json:"data"`
	// Secrets is how many key vaults it may read secrets of.
	Secrets int `json:"secrets"`
	// Scopes are the widest scopes that the counts come from, in order, without those
	// below another one.
	Scopes []arm.ID `json:"scopes,omitzero"`
	// Possibly is true where something was left out of the counts because it could not be
	// decided: they are a lower bound then.
	Possibly bool `json:"possibly,omitzero"`
	// Outside are resources that grants name and that the snapshot does not hold. They are
	// counted, but for key vaults, whose permission model is not known.
	Outside []arm.ID `json:"outside,omitzero"`
}

// EditKind names one sort of change.
type EditKind string

// The changes that fixes consist of.
const (
	EditRemoveAssignment   EditKind = "remove-role-assignment"
	EditAddAssignment      EditKind = "add-role-assignment"
	EditDescribeAssignment EditKind = "describe-role-assignment"
	EditRemovePolicy       EditKind = "remove-access-policy"
	EditAddPolicy          EditKind = "add-access-policy"
	EditRemoveLocalGrant   EditKind = "remove-local-grant"
	EditAddLocalGrant      EditKind = "add-local-grant"
	EditRemoveFederation   EditKind = "remove-federated-credential"
	EditAddFederation      EditKind = "add-federated-credential"
	EditRemoveMember       EditKind = "remove-group-member"
	EditAddMember          EditKind = "add-group-member"
	EditRemoveAppRole      EditKind = "remove-app-role"
	EditAddAppRole         EditKind = "add-app-role"
	EditRemoveDirectory    EditKind = "remove-directory-role"
	EditAddDirectory       EditKind = "add-directory-role"
	EditRemovePathACL      EditKind = "remove-path-acl"
	EditAddPathACL         EditKind = "add-path-acl"
	EditSetSetting         EditKind = "set-setting"
	EditSetTag             EditKind = "set-tag"
	EditAttachIdentity     EditKind = "attach-identity"
	EditDetachIdentity     EditKind = "detach-identity"
	EditDeleteIdentity     EditKind = "delete-identity"
	EditRemoveSuppression  EditKind = "remove-suppression" // Name is its file and line
	EditApplyFirst         EditKind = "apply-first"        // Name is the address of the object
	EditNameByPrincipal    EditKind = "name-by-principal"  // Name is the address of the role assignment
	EditSetAPIVersion      EditKind = "set-api-version"    // Name is the address of the object, Resource its ID
	EditRaiseProvider      EditKind = "raise-provider"     // Name is the provider, Value the version that it must have at least
	EditContract           EditKind = "change-contract"    // Name is the identity and its key in the contract, such as "orders-api.owner"
)

// Edit is one change to a tenant, exact enough to be applied to a snapshot and to be
// written as a command or as a template. It is never applied to Azure by mivet.
type Edit struct {
	Kind EditKind `json:"kind"`
	// Resource is what is changed: the carrier of an identity, the resource of a setting or
	// a tag, the identity that is deleted.
	Resource arm.ID `json:"resource,omitzero"`
	// Identity is the user-assigned identity that is attached or detached; zero for the
	// system-assigned one.
	Identity arm.ID `json:"identity,omitzero"`
	// Assignment is the role assignment that is removed, added or described.
	Assignment *RoleAssignment `json:"assignment,omitzero"`
	// Policy is the access policy that is removed or added.
	Policy *AccessPolicy `json:"policy,omitzero"`
	// Grant is the local grant that is removed or added.
	Grant *LocalAssignment `json:"grant,omitzero"`
	// Federation is the federated credential that is removed or added.
	Federation *FederatedCredential `json:"federation,omitzero"`
	// Membership, AppRole, Directory and PathACL are what is removed or added.
	Membership *Membership              `json:"membership,omitzero"`
	AppRole    *AppRoleAssignment       `json:"appRole,omitzero"`
	Directory  *DirectoryRoleAssignment `json:"directory,omitzero"`
	PathACL    *PathACL                 `json:"pathAcl,omitzero"`
	// Name and Value are those of a setting (its path below "properties") or of a tag.
	Name  string `json:"name,omitzero"`
	Value string `json:"value,omitzero"`
}

// Fix is what removes a finding.
type Fix struct {
	// Summary says what to do, a short sentence without a full stop.
	Summary string `json:"summary"`
	// Edits are the changes, in the order in which they must be made. Empty where a person
	// has to decide something first.
	Edits []Edit `json:"edits,omitzero"`
	// Check says what to make sure of before the change; empty where nothing can break.
	Check string `json:"check,omitzero"`
	// Command is the change as a command, or the command that shows what has to be decided.
	Command string `json:"command,omitzero"`
}

// Finding is one thing that is wrong, why it is believed, what it can lead to, and how it
// is put right.
type Finding struct {
	// Rule is the ID of the rule that found it.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Subject  Subject  `json:"subject"`
	// Discriminator tells findings of one rule about one subject apart: key facts, never
	// text for people.
	Discriminator string `json:"discriminator,omitzero"`
	// Fingerprint is the same for the same rule, subject and discriminator, whatever the
	// texts say; the driver computes it.
	Fingerprint string `json:"fingerprint"`
	// Message says what is wrong, one sentence without a full stop.
	Message string `json:"message"`
	// Source is the place that the finding points to.
	Source   Source     `json:"source,omitzero"`
	Evidence []Evidence `json:"evidence,omitzero"`
	// Consequence says what it can lead to.
	Consequence string `json:"consequence,omitzero"`
	Fix         Fix    `json:"fix"`
	// Reach is what the identity concerned can touch; nil where the rule is not about that.
	Reach *Reach `json:"reach,omitzero"`
	// FirstSeen is when it was first seen, and Due when it should be gone; zero where there
	// is no baseline to tell.
	FirstSeen time.Time `json:"firstSeen,omitzero"`
	Due       time.Time `json:"due,omitzero"`
	// Advice is true for a finding that is reported but does not fail a run yet.
	Advice bool `json:"advice,omitzero"`
}
