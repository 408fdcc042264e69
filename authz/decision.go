// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// Effect is the answer to a question.
type Effect uint8

// The effects. The zero value is Unknown, so that an answer that was never given is not
// taken for one.
const (
	Unknown Effect = iota // it hangs on something that is not known
	Allowed               // a grant survives every step, and no deny assignment matches
	Denied                // no grant survives, or a deny assignment matches
)

// String returns "unknown", "allowed" or "denied".
func (e Effect) String() string {
	switch e {
	case Allowed:
		return "allowed"
	case Denied:
		return "denied"
	default:
		return "unknown"
	}
}

// MarshalText returns the effect's name.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Cause is the one thing that settled an answer.
type Cause uint8

// The causes.
const (
	CauseNone        Cause = iota
	CauseGrant             // allowed: a grant survives every step
	CauseNoGrant           // denied: no grant survives
	CauseDeny              // denied: a deny assignment matches
	CauseEligible          // denied: the only grants are eligible and not activated
	CauseGap               // unknown: facts that decide were not read
	CauseCondition         // unknown: a condition hangs on what the question does not give
	CausePlane             // unknown: the operation's plane is not known, and the planes differ
	CauseRole              // unknown: a role's definition is not known
	CauseTime              // unknown: a grant is bounded in time, and the time is not given
	CauseMembership        // unknown: whether the principal is in a group was not read
	CauseDenyUnknown       // unknown: granted, unless a deny assignment matches that may or may not
	CauseVaultModel        // unknown: the vault's permission model was not read, and the models differ
	CauseModel             // unknown: a setting of the resource that decides was not read
	CauseElsewhere         // unknown: an authorization system decides that no snapshot holds
	CausePath              // unknown: an access list of a path may give it
	CauseIgnored           // denied: the resource's permission model does not count the grant
)

var causeNames = [...]string{
	"none", "a grant", "no grant", "a deny assignment", "eligible, not activated", "facts that were not read",
	"a condition", "the operation's plane", "a role that is not known", "the time of the question",
	"a group membership that was not read", "a deny assignment that may apply", "the vault's permission model",
	"a setting of the resource", "an authorization system that is not in the input", "the path, or its access list",
	"the resource's permission model, which ignores it",
}

// String returns the cause in words.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "invalid"
}

// MarshalText returns the cause in words.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Decision is an answer and the one cause that settled it.
type Decision struct {
	Effect Effect
	Cause  Cause
	// Fact is the deciding fact's place in the snapshot's slice: of role assignments for
	// a grant, an eligible grant, or a grant that is unknown; of deny assignments for a
	// deny. It is -1 where no single fact decided, or where Local is set.
	Fact int
	// Local says that the grant is no role assignment: Fact then counts in the slice that
	// it names.
	Local LocalKind
}

// LocalKind names a kind of grant that is no role assignment.
type LocalKind uint8

// The kinds of grants beside role assignments.
const (
	NotLocal        LocalKind = iota
	LocalPolicy               // an entry of Snapshot.AccessPolicies
	LocalGrant                // an entry of Snapshot.LocalGrants
	LocalPathACL              // an entry of Snapshot.PathACLs
	LocalDelegation           // a grant of Snapshot.Delegations, see [Engine.Delegated]
)

// Request is a question: may this principal do this operation on this resource.
type Request struct {
	Principal mivet.PrincipalID
	// Groups are groups that the principal is in beside those that the snapshot knows.
	Groups    []mivet.PrincipalID
	Operation arm.Operation
	// Plane is the side that the operation is asked on. If it is unknown the catalogue
	// decides; if that does not know, both are evaluated.
	Plane    mivet.Plane
	Resource arm.ID
	// Given is what the question tells of the attributes that conditions look at. Nil:
	// nothing is known of them.
	Given *abac.Env
	// At is the time of the question; zero: the engine's.
	At time.Time
}
