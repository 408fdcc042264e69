// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/logs"
)

// grantBody is a role assignment in a body: as it was asked for, or as it became. The log
// writes the names of members in capitals, Resource Manager does not; they are compared
// without regard to that.
type grantBody struct {
	ID         string `json:"id"`
	Properties struct {
		RoleDefinitionID string `json:"roleDefinitionId"`
		PrincipalID      string `json:"principalId"`
		PrincipalType    string `json:"principalType"`
		Scope            string `json:"scope"`
		Condition        string `json:"condition"`
		ConditionVersion string `json:"conditionVersion"`
		Description      string `json:"description"`
		CreatedOn        string `json:"createdOn"`
		CreatedBy        string `json:"createdBy"`

		// Those of a schedule request of Privileged Identity Management.
		RequestType  string `json:"requestType"`
		ScheduleInfo struct {
			StartDateTime string `json:"startDateTime"`
			Expiration    struct {
				Type        string `json:"type"`
				EndDateTime string `json:"endDateTime"`
				Duration    string `json:"duration"`
			} `json:"expiration"`
		} `json:"scheduleInfo"`
	} `json:"properties"`
}

// attachedBody is the identity block of a resource in a body.
type attachedBody struct {
	Identity *struct {
		Type        string                     `json:"type"`
		PrincipalID string                     `json:"principalId"`
		User        map[string]json.RawMessage `json:"userAssignedIdentities"`
	} `json:"identity"`
}

// outputBody is what a deployment says of itself when it has ended.
type outputBody struct {
	Properties struct {
		OutputResources []struct {
			ID string `json:"id"`
		} `json:"outputResources"`
	} `json:"properties"`
}

// read takes what the bodies of an entry tell.
func (l *Log) read(r *Record, d *logs.Detail) {
	for _, body := range []json.RawMessage{d.Request, d.Response} {
		switch {
		case len(body) == 0:
		case r.is("write", typeAssignment, typeSchedule), r.is("delete", typeAssignment):
			if g := l.grantOf(r, body); g != nil && r.Grant == nil {
				r.Grant = g
			} else if g != nil {
				joinGrant(r.Grant, g)
			}
		case r.is("write", typeDeployment, typeStack):
			var b outputBody
			if json.Unmarshal(body, &b) != nil {
				continue
			}
			for _, o := range b.Properties.OutputResources {
				if id, err := arm.ParseID(o.ID); err == nil {
					r.Outputs = append(r.Outputs, id)
				}
			}
		default:
			if a := attachmentOf(body); a != nil {
				r.Attached = a
			}
		}
	}
}

// grantOf reads a role assignment. It is nil where the body names no principal or no role.
func (l *Log) grantOf(r *Record, body json.RawMessage) *mivet.RoleAssignment {
	var b grantBody
	if json.Unmarshal(body, &b) != nil {
		return nil
	}
	p := &b.Properties
	if p.PrincipalID == "" || p.RoleDefinitionID == "" {
		return nil
	}
	g := &mivet.RoleAssignment{
		ID: r.Target, Role: mivet.NewRoleID(p.RoleDefinitionID), Principal: mivet.NewPrincipalID(p.PrincipalID), PrincipalType: mivet.PrincipalType(p.PrincipalType),
		Condition: p.Condition, ConditionVersion: p.ConditionVersion, Description: p.Description,
		CreatedOn: timeOf(p.CreatedOn), CreatedBy: mivet.NewPrincipalID(p.CreatedBy), Source: r.Source,
	}
	if r.is("write", typeSchedule) {
		if !strings.EqualFold(p.RequestType, "AdminAssign") && !strings.EqualFold(p.RequestType, "SelfActivate") {
			return nil // an extension, a removal, a deactivation
		}
		g.Start = timeOf(p.ScheduleInfo.StartDateTime)
		if g.Start.Before(r.At) {
			g.Start = r.At
		}
		x := &p.ScheduleInfo.Expiration
		if g.End = timeOf(x.EndDateTime); g.End.IsZero() {
			if length, ok := duration(x.Duration); ok {
				g.End = g.Start.Add(length)
			}
		}
	}
	g.Scope = l.scopeOf(r, p.Scope)
	if !r.Target.HasType(typeAssignment) && !r.Target.HasType(typeSchedule) {
		// The entry names the scope alone; the body has the name of the assignment.
		name := b.ID[strings.LastIndexByte(b.ID, '/')+1:]
		if id, err := arm.ParseID(strings.TrimSuffix(g.Scope.String(), "/") + "/providers/" + typeAssignment + "/" + name); err == nil && name != "" {
			g.ID = id
		}
	}
	return g
}

// scopeOf is where a grant holds: as the body says, else where the assignment lies.
func (l *Log) scopeOf(r *Record, written string) arm.ID {
	if id, err := arm.ParseID(written); err == nil && !id.IsZero() {
		return l.Spelled(id)
	}
	if r.Target.HasType(typeAssignment) || r.Target.HasType(typeSchedule) {
		return l.Spelled(r.Target.Parent())
	}
	return r.Target
}

// joinGrant adds what another body tells: the request knows what was asked for, the answer
// what became of it.
func joinGrant(g, o *mivet.RoleAssignment) {
	g.PrincipalType, g.Description = cmp.Or(g.PrincipalType, o.PrincipalType), cmp.Or(g.Description, o.Description)
	g.Condition, g.ConditionVersion = cmp.Or(g.Condition, o.Condition), cmp.Or(g.ConditionVersion, o.ConditionVersion)
	g.CreatedBy = cmp.Or(g.CreatedBy, o.CreatedBy)
	if g.CreatedOn.IsZero() {
		g.CreatedOn = o.CreatedOn
	}
	if g.End.IsZero() {
		g.End = o.End
	}
}

// attachmentOf reads the identity block of a resource; nil where the body has none.
func attachmentOf(body json.RawMessage) *mivet.Attachment {
	var b attachedBody
	if json.Unmarshal(body, &b) != nil || b.Identity == nil {
		return nil
	}
	a := &mivet.Attachment{System: strings.Contains(strings.ToLower(b.Identity.Type), "systemassigned")}
	if a.System {
		a.SystemPrincipal = mivet.NewPrincipalID(b.Identity.PrincipalID)
	}
	for name, v := range b.Identity.User {
		if id, err := arm.ParseID(name); err == nil && string(v) != "null" { // null detaches it
			a.User = append(a.User, id)
		}
	}
	return a
}

func timeOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// duration reads a duration of ISO 8601 without years and months: PT8H, P1DT12H.
func duration(s string) (time.Duration, bool) {
	rest, ok := strings.CutPrefix(strings.ToUpper(s), "P")
	if !ok || rest == "" {
		return 0, false
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	var sum time.Duration
	n, digits := 0, 0
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == 'T' && digits == 0:
			units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
		case c >= '0' && c <= '9' && digits < 6:
			n, digits = n*10+int(c-'0'), digits+1
		case units[c] != 0 && digits > 0:
			sum += time.Duration(n) * units[c]
			n, digits = 0, 0
		default:
			return 0, false
		}
	}
	return sum, digits == 0 && sum > 0
}
