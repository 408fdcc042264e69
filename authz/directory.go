// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

// DirectoryRight is a right of a principal outside Azure's own authorization: an
// application permission of an API, or a role of the directory. It does not appear in
// Azure RBAC; some lead there all the same.
type DirectoryRight struct {
	// One of these is set.
	AppRole *mivet.AppRoleAssignment
	Role    *mivet.DirectoryRoleAssignment

	// Name is the permission's or the role's name; its ID where none is known.
	Name string
	// API is the name of the API; empty for a role of the directory.
	API string
	// Via leads from the principal to the group that holds the right, if it is not its own.
	Via []mivet.PrincipalID
	// Effect is Allowed for a right that holds now, Denied for one that does not (eligible,
	// or out of time), and Unknown where the time is not known.
	Effect Effect
	Cause  Cause
	// Dangerous says that the permission gives more than its name says, and Why how; Control
	// that it leads to control over the directory or its applications.
	Dangerous, Control bool
	Why                string
	// Privileged is Microsoft's own mark on a role of the directory, Tier a reference.
	Privileged bool
	Tier       catalog.Tier
	// ToAzure says how the right leads to rights in Azure, in a few words without a full
	// stop; empty where no way is known.
	ToAzure string
	Source  mivet.Source
}

// DirectoryRights are the rights of a principal outside Azure's own authorization.
type DirectoryRights struct {
	// Rights are sorted: those that lead to Azure first, then the dangerous ones, by name.
	Rights []DirectoryRight
	// Missing is what was not read of them.
	Missing []Missing
}

// roadsToAzure says how rights in the directory lead to rights in Azure, by the ID of the
// role's template or of Microsoft Graph's permission
// (MicrosoftDocs/azure-docs articles/role-based-access-control/elevate-access-global-admin.md;
// MicrosoftDocs/entra-docs docs/identity/role-based-access-control/permissions-reference.md;
// microsoftgraph/microsoft-graph-docs concepts/permissions-reference.md).
var roadsToAzure = map[string]string{
	globalAdministrator:                    "can take User Access Administrator at the root scope (elevateAccess), and so any role",
	"e8611ab8-c189-46e8-94e1-60213ab1f814": "can give itself Global Administrator, who can take User Access Administrator at the root scope",
	"7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "can reset the credentials of any user, Global Administrators too, and act with their roles",
	"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": actsAsApplications,
	"158c047a-c907-4556-b7ef-446551a6b5f7": actsAsApplications,
	"db506228-d27e-4b7d-95e5-295956d6615f": "can add credentials to agent identities and act with their roles",
	"fe930be7-5e62-47db-91af-98c3a49a38b1": "can reset the credentials of most users, and " + joinsGroups,
	"fdd7a751-b60b-444a-984c-02652fe8fa1c": joinsGroups,
	"3a2c62db-5318-420d-8d74-23affee5d9d5": joinsGroups,
	"8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "can change how users sign in, and act as others",
	"d29b2b05-8046-44ba-8758-1e26182fcf32": "can change what is synchronised to users and groups, and act as others",

	"9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8": "can give itself Global Administrator, who can take User Access Administrator at the root scope",
	"dd199f4a-f148-40a4-a2ec-f0069cc799ec": "can give itself Global Administrator for a time",
	"fee28b28-e1f3-4841-818e-2704dc62245f": "can make somebody eligible for Global Administrator",
	"06b708a9-e830-4db3-a914-8e69da51d44f": "can give itself any application permission, that over directory roles too",
	"1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": actsAsApplications,
	"2f6817f8-7b12-4f0f-bc18-eeaf60705a9e": "can make itself a member of groups that Privileged Identity Management manages, and so holds their Azure roles",
	"50483e42-d915-4231-9639-7fdb7fd190e5": "can add sign-in methods to any user and act with their roles",
	"7e05723c-0bb0-42da-be95-ae9f08a6e53c": "can federate a domain and sign in as its users",
	"62a82d76-70ea-41e2-9197-370581804d09": joinsGroups,
	"dbaae8cf-10b5-4b86-a4a1-f871c94c6695": joinsGroups,
}

const (
	globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"
	actsAsApplications  = "can add credentials to applications and act with the Azure roles of their service principals; managed identities take none"
	joinsGroups         = "can add members to groups that are not role-assignable, and so hand out their Azure roles"
)

// DirectoryRights lists the application permissions and the directory roles of a
// principal. A group's count for those who are directly in it: neither permissions of
// applications nor role-assignable groups work through nested groups
// (MicrosoftDocs/entra-docs docs/identity/role-based-access-control/groups-concept.md).
func (e *Engine) DirectoryRights(w WhatCanQuery) DirectoryRights {
	if w.At.IsZero() {
		w.At = e.at
	}
	var out DirectoryRights
	holders := e.directHolders(&w)
	for i := range e.snap.AppRoles {
		a := &e.snap.AppRoles[i]
		if via := holders[a.Principal]; via != nil {
			out.Rights = append(out.Rights, e.appRight(a, via))
		}
	}
	for i := range e.snap.DirectoryRoles {
		a := &e.snap.DirectoryRoles[i]
		if via := holders[a.Principal]; via != nil {
			out.Rights = append(out.Rights, e.directoryRight(a, via, &w))
		}
	}
	slices.SortStableFunc(out.Rights, compareRights)
	for i := range e.snap.Gaps {
		g := &e.snap.Gaps[i]
		about := holders[mivet.NewPrincipalID(g.Subject)] != nil || !isPrincipalID(g.Subject)
		if about && (g.Facts == mivet.FactAppRoles || g.Facts == mivet.FactDirectoryRoles) {
			out.Missing = append(out.Missing, missingOf(g))
		}
	}
	return out
}

// missingOf says in words what a gap hides.
func missingOf(g *mivet.Gap) Missing {
	m := Missing{What: string(g.Facts) + " were not read: " + g.Reason, Gap: g}
	if g.Permission != "" {
		m.Fix = "read them with " + g.Permission
	}
	return m
}

// directHolders are the principal and the groups that it is directly in, each with the
// way there.
func (e *Engine) directHolders(w *WhatCanQuery) map[mivet.PrincipalID][]mivet.PrincipalID {
	holders := map[mivet.PrincipalID][]mivet.PrincipalID{}
	for _, g := range w.Groups {
		holders[g] = []mivet.PrincipalID{w.Principal, g}
	}
	if n := e.people.find(w.Principal); n != noPerson {
		for _, g := range e.people.direct.of(n) {
			id := e.people.ids[g]
			holders[id] = []mivet.PrincipalID{w.Principal, id}
		}
	}
	holders[w.Principal] = []mivet.PrincipalID{w.Principal}
	return holders
}

func (e *Engine) appRight(a *mivet.AppRoleAssignment, via []mivet.PrincipalID) DirectoryRight {
	r := DirectoryRight{
		AppRole: a, Name: cmp.Or(a.Role, a.RoleID), API: cmp.Or(a.APIName, string(a.API)), Via: via,
		Effect: Allowed, Cause: CauseGrant, Source: a.Source,
	}
	if !e.maybeGraph(a) || e.cat == nil {
		return r
	}
	if known := e.cat.AppRole(catalog.GraphAppID, a.RoleID); known != nil {
		r.Name, r.Tier = known.Value, known.Tier
	} else if known := e.cat.AppRoleByValue(catalog.GraphAppID, r.Name); known != nil {
		r.Name, r.Tier = known.Value, known.Tier
	}
	dangerous := e.cat.DangerousAppRoles()
	for i := range dangerous {
		if d := &dangerous[i]; strings.EqualFold(d.ID, a.RoleID) || strings.EqualFold(d.Value, r.Name) {
			r.Dangerous, r.Control, r.Why = true, d.Control, d.Why
			r.ToAzure = roadsToAzure[d.ID]
		}
	}
	return r
}

// maybeGraph reports whether a permission is one of Microsoft Graph, or no fact says of
// which API it is.
func (e *Engine) maybeGraph(a *mivet.AppRoleAssignment) bool {
	for i := range e.snap.Principals {
		if p := &e.snap.Principals[i]; a.API != "" && p.ID == a.API && p.ClientID != "" {
			return strings.EqualFold(p.ClientID, catalog.GraphAppID)
		}
	}
	return a.APIName == "" || strings.EqualFold(a.APIName, "Microsoft Graph") || strings.EqualFold(a.APIName, catalog.GraphAppID)
}

func (e *Engine) directoryRight(a *mivet.DirectoryRoleAssignment, via []mivet.PrincipalID, w *WhatCanQuery) DirectoryRight {
	r := DirectoryRight{
		Role: a, Name: cmp.Or(a.Role, a.RoleID), Via: via, Effect: Allowed, Cause: CauseGrant, Source: a.Source,
	}
	right := Right{Effect: Allowed, Cause: CauseGrant}
	right.ride(&rider{eligible: a.Eligible, start: a.Start, end: a.End}, w.At)
	r.Effect, r.Cause = right.Effect, right.Cause
	id := strings.ToLower(a.RoleID)
	if known := e.directoryRole(a); known != nil {
		r.Name, r.Privileged, r.Tier, id = known.Name, known.Privileged, known.Tier, known.ID
	}
	if a.DirectoryScope == "" || a.DirectoryScope == "/" {
		r.ToAzure = roadsToAzure[id]
	}
	return r
}

func (e *Engine) directoryRole(a *mivet.DirectoryRoleAssignment) *catalog.DirectoryRole {
	if e.cat == nil {
		return nil
	}
	if known := e.cat.DirectoryRole(a.RoleID); known != nil {
		return known
	}
	return e.cat.DirectoryRoleByName(a.Role)
}

// compareRights puts what leads to Azure first, then what is dangerous or privileged.
func compareRights(a, b DirectoryRight) int {
	rank := func(r *DirectoryRight) int {
		switch {
		case r.ToAzure != "":
			return 0
		case r.Dangerous || r.Privileged:
			return 1
		default:
			return 2
		}
	}
	return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(a.Name, b.Name))
}
