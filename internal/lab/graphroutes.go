// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"slices"
	"strings"
)

// graphRoute is a path that is served, and the application permissions of which one is
// enough to read it.
type graphRoute struct {
	method      string
	path        string // "*" stands for a segment
	permissions []string
	serve       func(*graphRequest)
}

const readAll = "Directory.Read.All"

var (
	readApps   = []string{"Application.Read.All", "Application.ReadWrite.All", readAll, "Directory.ReadWrite.All"}
	readGroups = []string{"GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "GroupMember.ReadWrite.All", readAll, "Directory.ReadWrite.All"}
	readUsers  = []string{"User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All", readAll, "Directory.ReadWrite.All"}
	readRoles  = []string{"RoleManagement.Read.Directory", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory", readAll, "Directory.ReadWrite.All"}
	readAny    = slices.Concat(readApps, readGroups, readUsers)
	readOrg    = []string{"Organization.Read.All", readAll, "User.Read.All", "Application.Read.All", "GroupMember.Read.All"}
	readPIM    = []string{"RoleEligibilitySchedule.Read.Directory", "RoleManagement.Read.Directory", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory"}
	readActive = []string{"RoleAssignmentSchedule.Read.Directory", "RoleManagement.Read.Directory", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory"}
)

// graphRoutes are the paths in the order in which they are tried. Permissions as on the
// pages of learn.microsoft.com/graph/api for each of them.
func graphRoutes() []graphRoute {
	return []graphRoute{
		{"GET", "organization", readOrg, (*graphRequest).organization},
		{"GET", "servicePrincipals", readApps, func(q *graphRequest) { q.listPeople("#microsoft.graph.servicePrincipal") }},
		{"GET", "servicePrincipals/*", readApps, func(q *graphRequest) { q.onePerson("#microsoft.graph.servicePrincipal") }},
		{"GET", "servicePrincipals/*/appRoleAssignments", readApps, func(q *graphRequest) { q.appRoleAssignments(false) }},
		{"GET", "servicePrincipals/*/appRoleAssignedTo", readApps, func(q *graphRequest) { q.appRoleAssignments(true) }},
		{"GET", "servicePrincipals/*/memberOf", readAny, func(q *graphRequest) {
			q.related("#microsoft.graph.servicePrincipal", q.s.world.directory.directGroups)
		}},
		{"GET", "servicePrincipals/*/transitiveMemberOf", readAny, func(q *graphRequest) { q.related("#microsoft.graph.servicePrincipal", q.s.world.directory.groupsOf) }},
		{"GET", "applications", readApps, (*graphRequest).listApplications},
		{"GET", "applications/*", readApps, (*graphRequest).oneApplication},
		{"GET", "applications/*/federatedIdentityCredentials", readApps, (*graphRequest).applicationCredentials},
		{"GET", "groups", readGroups, func(q *graphRequest) { q.listPeople("#microsoft.graph.group") }},
		{"GET", "groups/*", readGroups, func(q *graphRequest) { q.onePerson("#microsoft.graph.group") }},
		{"GET", "groups/*/members", readGroups, (*graphRequest).listMembers},
		{"GET", "groups/*/owners", readGroups, func(q *graphRequest) { q.related("#microsoft.graph.group", q.s.world.directory.ownersOf) }},
		{"GET", "groups/*/transitiveMembers", readGroups, func(q *graphRequest) { q.related("#microsoft.graph.group", q.s.world.directory.allMembers) }},
		{"GET", "groups/*/memberOf", readGroups, func(q *graphRequest) { q.related("#microsoft.graph.group", q.s.world.directory.directGroups) }},
		{"GET", "groups/*/transitiveMemberOf", readGroups, func(q *graphRequest) { q.related("#microsoft.graph.group", q.s.world.directory.groupsOf) }},
		{"GET", "groups/*/appRoleAssignments", readAny, func(q *graphRequest) { q.appRoleAssignments(false) }},
		{"GET", "users", readUsers, func(q *graphRequest) { q.listPeople("#microsoft.graph.user") }},
		{"GET", "users/*", readUsers, func(q *graphRequest) { q.onePerson("#microsoft.graph.user") }},
		{"GET", "users/*/memberOf", readUsers, func(q *graphRequest) { q.related("#microsoft.graph.user", q.s.world.directory.directGroups) }},
		{"GET", "users/*/transitiveMemberOf", readUsers, func(q *graphRequest) { q.related("#microsoft.graph.user", q.s.world.directory.groupsOf) }},
		{"GET", "users/*/appRoleAssignments", readAny, func(q *graphRequest) { q.appRoleAssignments(false) }},
		{"GET", "directoryObjects/*/memberOf", readAny, func(q *graphRequest) { q.related("", q.s.world.directory.directGroups) }},
		{"GET", "directoryObjects/*/transitiveMemberOf", readAny, func(q *graphRequest) { q.related("", q.s.world.directory.groupsOf) }},
		{"GET", "directoryObjects/*", readAny, func(q *graphRequest) { q.onePerson("") }},
		{"POST", "directoryObjects/getByIds", readAny, (*graphRequest).getByIDs},
		{"GET", "roleManagement/directory/roleDefinitions", readRoles, (*graphRequest).directoryRoles},
		{"GET", "roleManagement/directory/roleAssignments", readRoles, func(q *graphRequest) { q.roleAssignments("roleAssignments") }},
		{"GET", "roleManagement/directory/roleEligibilityScheduleInstances", readPIM, func(q *graphRequest) { q.roleAssignments("roleEligibilityScheduleInstances") }},
		{"GET", "roleManagement/directory/roleAssignmentScheduleInstances", readActive, func(q *graphRequest) { q.roleAssignments("roleAssignmentScheduleInstances") }},
	}
}

func (q *graphRequest) find() *graphRoute {
	if q.version != "v1.0" && q.version != "beta" {
		return nil
	}
	for _, route := range graphRoutes() {
		want := strings.Split(route.path, "/")
		if route.method != q.r.Method || len(want) != len(q.parts) {
			continue
		}
		same := true
		for i := range want {
			same = same && (want[i] == "*" || strings.EqualFold(want[i], q.parts[i]))
		}
		if same {
			return &route
		}
	}
	return nil
}
