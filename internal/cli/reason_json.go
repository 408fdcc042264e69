// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// principalJSON is a principal as results name it.
type principalJSON struct {
	ID   mivet.PrincipalID `json:"id"`
	Name string            `json:"name,omitzero"`
	Kind string            `json:"kind"`
}

func (r *resolver) principalJSON(id mivet.PrincipalID) principalJSON {
	name, kind := r.describe(id)
	return principalJSON{ID: id, Name: name, Kind: kind}
}

// reasonJSON is one fact and what became of it.
type reasonJSON struct {
	Outcome    string          `json:"outcome"`
	Kind       string          `json:"kind"`
	Assignment arm.ID          `json:"assignment,omitzero"`
	Deny       string          `json:"deny,omitzero"`
	Policy     arm.ID          `json:"policyOf,omitzero"`
	Local      string          `json:"localSystem,omitzero"`
	AccessList string          `json:"accessList,omitzero"`
	Delegation string          `json:"delegation,omitzero"`
	Role       string          `json:"role,omitzero"`
	RoleID     mivet.RoleID    `json:"roleId,omitzero"`
	Scope      arm.ID          `json:"scope,omitzero"`
	Pattern    string          `json:"pattern,omitzero"`
	Match      string          `json:"match,omitzero"`
	NotPattern string          `json:"notPattern,omitzero"`
	Path       []principalJSON `json:"path,omitzero"`
	Condition  *conditionJSON  `json:"condition,omitzero"`
	Note       string          `json:"note,omitzero"`
	Source     mivet.Source    `json:"source,omitzero"`
	// Place is the source for people.
	Place string `json:"place"`
}

type conditionJSON struct {
	Text     string `json:"text"`
	Holds    string `json:"holds"`
	Residual string `json:"residual,omitzero"`
}

// missingJSON is something that is not known and that an answer hangs on.
type missingJSON struct {
	What string `json:"what"`
	Fix  string `json:"fix,omitzero"`
	// Facts, Scope and Subject are set where facts were not read.
	Facts   mivet.FactKind `json:"facts,omitzero"`
	Scope   arm.ID         `json:"scope,omitzero"`
	Subject string         `json:"subject,omitzero"`
}

func (r *resolver) reasonJSON(x *authz.Reason) reasonJSON {
	j := reasonJSON{
		Outcome: x.Outcome.String(), Role: x.RoleName, Scope: x.Scope,
		Pattern: x.Pattern, NotPattern: x.NotPattern, Note: x.Note, Source: x.Source, Place: x.Source.String(),
	}
	switch {
	case x.Assignment != nil:
		j.Kind, j.Assignment, j.RoleID = "role assignment", x.Assignment.ID, x.Assignment.Role
	case x.Deny != nil:
		j.Kind, j.Deny = "deny assignment", denyName(x.Deny)
	case x.Policy != nil:
		j.Kind, j.Policy = "access policy", x.Policy.Vault
	case x.Local != nil:
		j.Kind, j.Local = "local grant", string(x.Local.System)
	case x.PathACL != nil:
		j.Kind, j.AccessList = "path access list", pathWords(x.PathACL)
	case x.Delegation != nil:
		j.Kind, j.Delegation = "delegation", delegationWords(x.Delegation)
	}
	if x.Match != arm.NoMatch {
		j.Match = x.Match.String()
	}
	for _, id := range x.Via {
		j.Path = append(j.Path, r.principalJSON(id))
	}
	if x.Condition != "" {
		j.Condition = &conditionJSON{Text: x.Condition, Holds: conditionValue(x.ConditionValue), Residual: x.Residual}
	}
	return j
}

func (r *resolver) reasonsJSON(all []authz.Reason) []reasonJSON {
	out := []reasonJSON{}
	for i := range all {
		out = append(out, r.reasonJSON(&all[i]))
	}
	return out
}

func allMissingJSON(all []authz.Missing) []missingJSON {
	out := []missingJSON{}
	for _, m := range all {
		j := missingJSON{What: m.What, Fix: m.Fix}
		if m.Gap != nil {
			j.Facts, j.Scope, j.Subject = m.Gap.Facts, m.Gap.Scope, m.Gap.Subject
		}
		out = append(out, j)
	}
	return out
}
