// SPDX-License-Identifier: Apache-2.0

package review

import (
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Pack is everything that the reviewers of some identities get.
type Pack struct {
	SchemaVersion int `json:"schemaVersion"`
	// Facts is the digest of the facts that the pack was made of; decisions name it.
	Facts  string `json:"facts"`
	Tenant string `json:"tenant,omitzero"`
	// TakenAt is when the facts were read, Written when the pack was made.
	TakenAt time.Time `json:"takenAt,omitzero"`
	Written time.Time `json:"written"`
	// Version and Catalog are those of mivet and of its data of Azure.
	Version string  `json:"version,omitzero"`
	Catalog string  `json:"catalog,omitzero"`
	Inputs  []Input `json:"inputs"`
	// Contract is what was agreed on; absent without a contract.
	Contract *Agreement `json:"contract,omitzero"`
	// Logs is what tells of use; absent without logs.
	Logs *Logs `json:"logs,omitzero"`
	// Selection says which identities were chosen, Total how many there are in the facts.
	Selection []string `json:"selection"`
	Total     int      `json:"total"`
	// NotRead is what was not seen of the tenant.
	NotRead []Unread `json:"notRead"`
	// Riskiest are the first ten by risk, as rows of identities.
	Riskiest   []string   `json:"riskiest"`
	Identities []Identity `json:"identities"`
	// Decisions has one entry for each row, to be filled in and read back.
	Decisions []Decision `json:"decisions"`
}

// Input is a file that facts were read from.
type Input struct {
	Name string `json:"name"`
	// SHA256 is the checksum of the file; empty for what is no file.
	SHA256 string `json:"sha256,omitzero"`
}

// Agreement names a contract.
type Agreement struct {
	File  string `json:"file"`
	Hash  string `json:"hash"`
	Stage string `json:"stage,omitzero"`
}

// Logs says what of logs was read.
type Logs struct {
	First   string `json:"first"`
	Last    string `json:"last"`
	Days    int    `json:"days"`
	Entries int64  `json:"entries"`
}

// Unread is something that was not seen.
type Unread struct {
	Facts  string `json:"facts"`
	Scope  string `json:"scope,omitzero"`
	Reason string `json:"reason"`
	// Permission would close the gap; empty where none does.
	Permission string `json:"permission,omitzero"`
}

// Identity is one managed identity with what is to be decided about it.
type Identity struct {
	Row       string             `json:"row"`
	Name      string             `json:"name"`
	Type      mivet.IdentityKind `json:"type"`
	Principal mivet.PrincipalID  `json:"principal,omitzero"`
	ClientID  string             `json:"clientId,omitzero"`
	Resource  arm.ID             `json:"resource"`
	// Owner is who answers for it, and OwnerFrom who says so.
	Owner     string `json:"owner,omitzero"`
	OwnerFrom string `json:"ownerFrom,omitzero"`
	// Purpose is what it is for, as far as somebody wrote it down; Presented is what presents it.
	Purpose   []string `json:"purpose"`
	Presented []string `json:"presented"`
	// Why is the reason for its type, WhyFrom who gives it, and Advice what mivet would choose.
	Why     string `json:"why,omitzero"`
	WhyFrom string `json:"whyFrom,omitzero"`
	Advice  string `json:"advice,omitzero"`
	// Enabled is who made it and when, Deployed who deployed last what presents it; or why
	// that is not known.
	Enabled  string   `json:"enabled"`
	Deployed []string `json:"deployed"`
	Risk     Risk     `json:"risk"`
	// Grants are all ways in which it holds rights, those of groups too.
	Grants []Grant `json:"grants"`
	Use    Used    `json:"use"`
	Paths  Paths   `json:"paths"`
	// Findings are open, Exceptions accepted for a time.
	Findings   []Finding   `json:"findings"`
	Exceptions []Exception `json:"exceptions"`
	Review     Reviewed    `json:"review"`
	// NotRead is what was not seen and bears on it.
	NotRead []string `json:"notRead"`
}

// Risk is what speaks for looking at an identity first.
type Risk struct {
	// Severity is that of the worst open finding; empty without one.
	Severity string      `json:"severity,omitzero"`
	Reach    mivet.Reach `json:"reach"`
	// Words say it, the weightiest first.
	Words []string `json:"words"`
}

// Grant is one right that an identity holds.
type Grant struct {
	// Row names it for a decision; empty where the decision is about something else: the
	// membership of a group, or a delegation.
	Row   string `json:"row,omitzero"`
	Kind  Kind   `json:"kind"`
	What  string `json:"what"`
	Scope string `json:"scope,omitzero"`
	// Limits are the condition and the times.
	Limits []string `json:"limits,omitzero"`
	// Holds says whether it counts: "yes", or why not, or what is not known.
	Holds string `json:"holds"`
	// Via are the groups that it comes through.
	Via []string `json:"via,omitzero"`
	// Justification is the reason that somebody wrote down, JustifiedBy where.
	Justification string    `json:"justification,omitzero"`
	JustifiedBy   string    `json:"justifiedBy,omitzero"`
	CreatedOn     time.Time `json:"createdOn,omitzero"`
	CreatedBy     string    `json:"createdBy,omitzero"`
	// Promise says whether it was meant for a time that is over; empty where nobody said so.
	Promise string `json:"promise,omitzero"`
	// AgeDays is its age when the facts were read; absent where that is not known.
	AgeDays *int `json:"ageDays,omitzero"`
	Use     Used `json:"use"`
	// Place is where the fact was read.
	Place string `json:"place"`
}

// The words for use.
const (
	UseUsed    = "used"
	UseUnused  = "unused"   // a log covers it and shows nothing
	UseRefused = "refused"  // asked for and not granted
	UseNotSeen = "not seen" // no log shows it, or would show it
	UseUnasked = "no logs"  // none were given
)

// Used says what logs tell of the use of something.
type Used struct {
	Word string `json:"word"`
	// Evidence is the class of what was not used: covered, off or blind.
	Evidence string `json:"evidence,omitzero"`
	// Why says what that rests on.
	Why   string    `json:"why,omitzero"`
	Times int64     `json:"times,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Operations are some of those that were used, Unused how many a log covers and shows no
	// use of.
	Operations []string `json:"operations,omitzero"`
	Unused     int      `json:"unused,omitzero"`
	// Refused are some of what was asked for and not granted.
	Refused []string `json:"refused,omitzero"`
}

// Paths says who can act as an identity, and whom it can act as.
type Paths struct {
	// Actors can surely act as it, Possible perhaps; the lists hold the first of them.
	Actors        []string `json:"actors"`
	ActorCount    int      `json:"actorCount"`
	Possible      []string `json:"possible"`
	PossibleCount int      `json:"possibleCount"`
	// How are the steps of those who act as it directly.
	How []string `json:"how"`
	// Reaches are whom it can act as itself, Authority where it can give itself rights.
	Reaches    []string `json:"reaches"`
	ReachCount int      `json:"reachCount"`
	Authority  []string `json:"authority"`
}

// Finding is something that is wrong with an identity, and open.
type Finding struct {
	Row         string    `json:"row"`
	Rule        string    `json:"rule"`
	Fingerprint string    `json:"fingerprint"`
	Severity    string    `json:"severity"`
	Message     string    `json:"message"`
	Fix         string    `json:"fix,omitzero"`
	Due         time.Time `json:"due,omitzero"`
}

// Exception is something that somebody accepted for a time.
type Exception struct {
	Rule    string    `json:"rule"`
	About   string    `json:"about"`
	Reason  string    `json:"reason"`
	Owner   string    `json:"owner,omitzero"`
	Expires time.Time `json:"expires"`
	Expired bool      `json:"expired,omitzero"`
	Place   string    `json:"place,omitzero"`
}

// Reviewed says when an identity was looked at, and when it is due.
type Reviewed struct {
	Last time.Time `json:"last,omitzero"`
	By   string    `json:"by,omitzero"`
	Due  time.Time `json:"due,omitzero"`
	// Overdue is true where the day is over.
	Overdue bool `json:"overdue,omitzero"`
}
