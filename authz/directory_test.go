// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

const (
	graphRoles   = "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8" // RoleManagement.ReadWrite.Directory
	graphMail    = "810c84a8-4a9e-49e6-bf7d-12d183f40d01" // Mail.Read
	userReader   = "df021288-bdef-4463-88db-98f22de89214" // User.Read.All
	userAdmin    = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	graphService = "00000000-0000-0000-0000-00000000f00d"
)

func directoryTenant() *mivet.Snapshot {
	return small(func(s *mivet.Snapshot) {
		s.Memberships = []mivet.Membership{{Group: "inner", Member: "mill"}, {Group: "outer", Member: "inner"}}
		s.Principals = []mivet.Principal{{ID: graphService, ClientID: catalog.GraphAppID}}
		s.AppRoles = []mivet.AppRoleAssignment{
			{Principal: "mill", APIName: "Microsoft Graph", RoleID: userReader},
			{Principal: "mill", APIName: "Microsoft Graph", RoleID: strings.ToUpper(graphRoles)},
			{Principal: "inner", API: graphService, RoleID: "no ID", Role: "mail.read"},
			{Principal: "mill", APIName: "Other API", RoleID: graphRoles, Role: "Same.ID"},
			{Principal: "outer", APIName: "Microsoft Graph", RoleID: graphRoles},
		}
		s.DirectoryRoles = []mivet.DirectoryRoleAssignment{
			{Principal: "mill", RoleID: "custom", Role: "Own role"},
			{Principal: "mill", RoleID: "x", Role: "global administrator", Eligible: true},
			{Principal: "inner", RoleID: userAdmin, End: s.TakenAt.Add(time.Hour)},
			{Principal: "mill", RoleID: userAdmin, DirectoryScope: "/administrativeUnits/u"},
			{Principal: "mill", RoleID: "unheard of"},
		}
		s.Gaps = []mivet.Gap{
			{Facts: mivet.FactAppRoles, Reason: "no permission", Permission: "Application.Read.All"},
			{Facts: mivet.FactDirectoryRoles, Subject: "11111111-1111-1111-1111-111111111111", Reason: "about somebody else"},
			{Facts: mivet.FactDirectoryRoles, Subject: "mill", Reason: "throttled"},
			{Facts: mivet.FactLocks, Reason: "another kind"},
		}
	})
}

func TestDirectoryRights(t *testing.T) {
	s := directoryTenant()
	f := func(e *Engine, w WhatCanQuery, want ...string) {
		t.Helper()
		var got []string
		for _, r := range e.DirectoryRights(w).Rights {
			marks := []string{r.Name, r.Effect.String()}
			for mark, on := range map[string]bool{"dangerous": r.Dangerous, "privileged": r.Privileged, "azure": r.ToAzure != "", "via group": len(r.Via) > 1} {
				if on {
					marks = append(marks, mark)
				}
			}
			slices.Sort(marks[2:])
			got = append(got, strings.Join(marks, ", "))
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q,\nwant %q", got, want)
		}
	}
	e := New(s, Options{Catalog: theCatalog(t)})
	f(e, WhatCanQuery{Principal: "mill"},
		"Global Administrator, denied, azure, privileged",
		"RoleManagement.ReadWrite.Directory, allowed, azure, dangerous",
		"User Administrator, allowed, azure, privileged, via group",
		"Mail.Read, allowed, dangerous, via group",
		"User Administrator, allowed, privileged",
		"Own role, allowed",
		"Same.ID, allowed",
		"User.Read.All, allowed",
		"unheard of, allowed",
	)
	f(e, WhatCanQuery{Principal: "baker", Groups: []mivet.PrincipalID{"outer"}}, "RoleManagement.ReadWrite.Directory, allowed, azure, dangerous, via group")
	f(e, WhatCanQuery{Principal: "inner", At: s.TakenAt.Add(2 * time.Hour)}, "RoleManagement.ReadWrite.Directory, allowed, azure, dangerous, via group",
		"User Administrator, denied, azure, privileged", "Mail.Read, allowed, dangerous")
	f(New(s, Options{}), WhatCanQuery{Principal: "outer"}, "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8, allowed")
	f(New(s, Options{}), WhatCanQuery{Principal: "inner"}, "fe930be7-5e62-47db-91af-98c3a49a38b1, allowed, azure", "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8, allowed, via group", "mail.read, allowed")
	f(e, WhatCanQuery{Principal: "nobody"})
}

func TestDirectoryRightsThatWereNotRead(t *testing.T) {
	got := New(directoryTenant(), Options{}).DirectoryRights(WhatCanQuery{Principal: "mill"}).Missing
	if len(got) != 2 || !strings.Contains(got[0].Fix, "Application.Read.All") || got[1].Fix != "" {
		t.Errorf("%+v", got)
	}
}

// Every road starts at something that the catalogue knows.
func TestRoadsToAzure(t *testing.T) {
	cat := theCatalog(t)
	for id, how := range roadsToAzure {
		if how == "" || cat.DirectoryRole(id) == nil && cat.AppRole(catalog.GraphAppID, id) == nil {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}
