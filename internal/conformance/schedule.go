// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

const answerImpossible = "impossible"

// scheduleInput asks whether an assignment that is eligible or bounded in time gives its
// role's operations at a time.
type scheduleInput struct {
	Assignment       string `json:"assignment"`
	Activated        bool   `json:"activated"`
	PrincipalType    string `json:"principalType"`
	TimeBound        *bound `json:"timeBound"`
	Now              string `json:"now"`
	RoleGrantsAction *bool  `json:"roleGrantsAction"`
}

type bound struct{ Start, End string }

func answerSchedule(_ context.Context, _ *Runner, c *Case) (any, error) {
	var in scheduleInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := require(given{"assignment", in.Assignment != ""}); err != nil {
		return nil, err
	}
	a, now, err := in.assignment()
	if err != nil {
		return nil, err
	}
	if authz.ValidityOf(authz.AssignmentFaults(&a, nil, nil)) == authz.Rejected {
		return answerImpossible, nil
	}
	if err := require(given{"roleGrantsAction", in.RoleGrantsAction != nil}); err != nil {
		return nil, err
	}
	operation, err := arm.ParseOperation("Case.Provider/things/do/action")
	if err != nil {
		return nil, err
	}
	role := mivet.RoleDefinition{ID: a.Role, Name: "role of the case"}
	if *in.RoleGrantsAction {
		role.Permissions = []mivet.Permission{{Actions: []string{operation.String()}}}
	}
	snap := &mivet.Snapshot{
		Subscriptions:   []mivet.Subscription{{ID: a.Scope}},
		RoleDefinitions: []mivet.RoleDefinition{role},
		RoleAssignments: []mivet.RoleAssignment{a},
	}
	if a.Eligible && in.Activated {
		active := a // what activation adds
		active.Eligible = false
		snap.RoleAssignments = append(snap.RoleAssignments, active)
	}
	d := authz.New(snap, authz.Options{At: now}).Check(authz.Request{
		Principal: a.Principal, Operation: operation, Plane: mivet.PlaneControl, Resource: a.Scope, At: now,
	})
	return decisionAnswer(d)
}

// assignment turns the words of a case into an assignment and the time of the question.
func (in *scheduleInput) assignment() (a mivet.RoleAssignment, now time.Time, err error) {
	a = mivet.RoleAssignment{Role: "role-of-the-case", Principal: "principal", PrincipalType: principalType(in.PrincipalType)}
	if a.Scope, err = arm.ParseID("/subscriptions/case"); err != nil {
		return a, now, err
	}
	switch in.Assignment {
	case "eligible":
		a.Eligible = true
	case "active":
	default:
		return a, now, &UnsupportedError{fmt.Sprintf("an assignment that is %q", in.Assignment)}
	}
	if in.TimeBound != nil {
		if a.Start, err = day(in.TimeBound.Start); err != nil {
			return a, now, err
		}
		if a.End, err = day(in.TimeBound.End); err != nil {
			return a, now, err
		}
	}
	now, err = day(in.Now)
	return a, now, err
}

// day reads a day, or a time; an empty text is no bound.
func day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}

// principalType reads a type in the words of people.
func principalType(text string) mivet.PrincipalType {
	switch strings.ToLower(strings.ReplaceAll(text, " ", "")) {
	case "":
		return ""
	case "user", "guest":
		return mivet.TypeUser
	case "group":
		return mivet.TypeGroup
	case "serviceprincipal", "managedidentity", "application", "msi":
		return mivet.TypeServicePrincipal
	}
	return mivet.PrincipalType(text)
}
