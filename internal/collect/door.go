// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"
	"errors"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/redact"
)

// door lets rows through the redactor. Nothing behind it has seen what it dropped: not the
// journal, not the facts, not a message.
type door struct {
	redactor *redact.Redactor
}

var errNoObject = errors.New("it is no JSON object")

// row returns what may be kept of a row.
func (d *door) row(c *call, raw json.RawMessage) (json.RawMessage, error) {
	switch c.api {
	case graph:
		return d.object(c, raw)
	case managedHSM:
		return d.redactor.Properties(hsmTypes[c], raw)
	default:
		switch c {
		case callPermissions:
			return d.permission(raw)
		case callCounts, callOldChanges:
			return d.count(raw)
		case callChanges:
			return d.change(raw)
		}
		return d.redactor.Properties("", raw)
	}
}

// permission lets an entry of the caller's own permissions through: operations, no texts.
func (d *door) permission(raw json.RawMessage) (json.RawMessage, error) {
	var p mivet.Permission
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, errNoObject
	}
	for _, list := range [][]string{p.Actions, p.NotActions, p.DataActions, p.NotDataActions} {
		for i := range list {
			list[i] = d.redactor.Text(list[i])
		}
	}
	if d.redactor.Text(p.Condition) != p.Condition {
		p.Condition = redact.Marker
	}
	p.ConditionVersion = d.redactor.Text(p.ConditionVersion)
	return json.Marshal(p)
}

// resourceCount is a row of [callCounts].
type resourceCount struct {
	Subscription string `json:"subscriptionId"`
	Count        int    `json:"count_"`
}

func (d *door) count(raw json.RawMessage) (json.RawMessage, error) {
	var c resourceCount
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, errNoObject
	}
	c.Subscription = d.redactor.Text(c.Subscription)
	return json.Marshal(c)
}

// resourceChange is a row of [callChanges].
type resourceChange struct {
	Target string `json:"target"`
}

func (d *door) change(raw json.RawMessage) (json.RawMessage, error) {
	var c resourceChange
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, errNoObject
	}
	c.Target = d.redactor.Text(c.Target)
	return json.Marshal(c)
}

func permissionsOf(p *page) []mivet.Permission {
	var out []mivet.Permission
	for _, raw := range p.Rows {
		var x mivet.Permission
		if json.Unmarshal(raw, &x) == nil {
			out = append(out, x)
		}
	}
	return out
}

// hsmTypes are the types under which the rows of managed HSMs stand on the allow-list.
// They have shapes like those of Resource Manager.
var hsmTypes = map[*call]string{
	callHSMRoles: "Microsoft.Authorization/roleDefinitions", callHSMGrants: "Microsoft.Authorization/roleAssignments",
}

// object lets an object of the directory through: the fields that facts are made of, and
// no others.
func (d *door) object(c *call, raw json.RawMessage) (json.RawMessage, error) {
	v := newObject(c)
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, errNoObject
	}
	v.clean(d.redactor.Text)
	return json.Marshal(v)
}

// object is one shape of the directory.
type object interface {
	clean(text func(string) string)
}

func newObject(c *call) object {
	switch c {
	case callApplications:
		return &application{}
	case callAppRoles:
		return &appRoleAssignment{}
	case callDirectoryRoles:
		return &directoryRole{}
	case callDirectoryAssignments, callDirectoryEligible:
		return &directoryAssignment{}
	default:
		return &directoryObject{}
	}
}

// directoryObject is a user, a group, a service principal or a device.
type directoryObject struct {
	Kind        string   `json:"@odata.type,omitzero"`
	ID          string   `json:"id"`
	Name        string   `json:"displayName,omitzero"`
	ClientID    string   `json:"appId,omitzero"`
	Type        string   `json:"servicePrincipalType,omitzero"`
	Home        string   `json:"appOwnerOrganizationId,omitzero"`
	Alternative []string `json:"alternativeNames,omitzero"`
	Enabled     *bool    `json:"accountEnabled,omitzero"`
	Rule        string   `json:"membershipRule,omitzero"`
	Owners      []struct {
		ID string `json:"id"`
	} `json:"owners,omitzero"`
	AppRoles []struct {
		ID      string   `json:"id"`
		Value   string   `json:"value,omitzero"`
		Members []string `json:"allowedMemberTypes,omitzero"`
	} `json:"appRoles,omitzero"`
}

func (o *directoryObject) clean(text func(string) string) {
	for _, s := range []*string{&o.Kind, &o.ID, &o.Name, &o.ClientID, &o.Type, &o.Home, &o.Rule} {
		*s = text(*s)
	}
	for i := range o.Owners {
		o.Owners[i].ID = text(o.Owners[i].ID)
	}
	for i := range o.Alternative {
		o.Alternative[i] = text(o.Alternative[i])
	}
	for i := range o.AppRoles {
		r := &o.AppRoles[i]
		r.ID, r.Value = text(r.ID), text(r.Value)
		for k := range r.Members {
			r.Members[k] = text(r.Members[k])
		}
	}
}

// application is an application with its federated credentials.
type application struct {
	ID          string `json:"id"`
	ClientID    string `json:"appId,omitzero"`
	Credentials []struct {
		ID        string   `json:"id,omitzero"`
		Name      string   `json:"name"`
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject,omitzero"`
		Audiences []string `json:"audiences,omitzero"`
		Claims    *struct {
			Value string `json:"value"`
		} `json:"claimsMatchingExpression,omitzero"`
	} `json:"federatedIdentityCredentials,omitzero"`
}

func (a *application) clean(text func(string) string) {
	a.ID, a.ClientID = text(a.ID), text(a.ClientID)
	for i := range a.Credentials {
		c := &a.Credentials[i]
		c.ID, c.Name, c.Issuer, c.Subject = text(c.ID), text(c.Name), text(c.Issuer), text(c.Subject)
		for k := range c.Audiences {
			c.Audiences[k] = text(c.Audiences[k])
		}
		// Half an expression would be another one.
		if c.Claims != nil && text(c.Claims.Value) != c.Claims.Value {
			c.Claims.Value = redact.Marker
		}
	}
}

type appRoleAssignment struct {
	RoleID    string `json:"appRoleId"`
	Principal string `json:"principalId"`
	API       string `json:"resourceId"`
	APIName   string `json:"resourceDisplayName,omitzero"`
}

func (a *appRoleAssignment) clean(text func(string) string) {
	a.RoleID, a.Principal, a.API, a.APIName = text(a.RoleID), text(a.Principal), text(a.API), text(a.APIName)
}

type directoryRole struct {
	ID       string `json:"id"`
	Template string `json:"templateId,omitzero"`
	Name     string `json:"displayName,omitzero"`
}

func (r *directoryRole) clean(text func(string) string) {
	r.ID, r.Template, r.Name = text(r.ID), text(r.Template), text(r.Name)
}

type directoryAssignment struct {
	Principal string `json:"principalId"`
	RoleID    string `json:"roleDefinitionId"`
	Scope     string `json:"directoryScopeId,omitzero"`
	Start     string `json:"startDateTime,omitzero"`
	End       string `json:"endDateTime,omitzero"`
}

func (a *directoryAssignment) clean(text func(string) string) {
	for _, s := range []*string{&a.Principal, &a.RoleID, &a.Scope, &a.Start, &a.End} {
		*s = text(*s)
	}
}
