// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// managementGroups answers with one group, or lists those that the caller may read.
func (q *armRequest) managementGroups(t target) {
	w := q.s.world
	if t.name == "" {
		var all []entry
		for i := range w.groups {
			g := &w.groups[i]
			if ok, _ := q.s.may(q.c, managementType+"/read", g.ID); ok {
				all = append(all, entry{g.ID, fixed(object{
					"id": g.ID.String(), "name": g.ID.Name(), "type": managementType, "properties": object{"tenantId": w.tenant, "displayName": groupName(g)},
				})})
			}
		}
		q.list(all)
		return
	}
	id := mustID(q.path)
	at, ok := w.groupAt[id.Key()]
	if !q.allowed(managementType+"/read", id) {
		return
	}
	if !ok {
		writeError(q.w, http.StatusNotFound, "NotFound", fmt.Sprintf("The management group '%s' was not found.", t.name))
		return
	}
	recurse := strings.EqualFold(q.query.Get("$recurse"), "true")
	q.write(w.managementGroup(&w.groups[at], q.query.Get("$expand"), recurse))
}

func (w *world) managementGroup(g *mivet.ManagementGroup, expand string, recurse bool) object {
	details := object{"version": 1, "updatedTime": timeText(longAgo), "updatedBy": w.tenant, "parent": w.parentOf(g)}
	if strings.Contains(expand, "ancestors") {
		details["managementGroupAncestorsChain"] = w.ancestors(g.ID)
	}
	p := object{"tenantId": w.tenant, "displayName": groupName(g), "details": details}
	if strings.Contains(expand, "children") {
		p["children"] = w.children(g.ID, recurse, len(w.groups))
	}
	return object{"id": g.ID.String(), "name": g.ID.Name(), "type": managementType, "properties": p}
}

// children are the groups and subscriptions right below a group.
func (w *world) children(id arm.ID, recurse bool, depth int) []any {
	list := []any{}
	for i := range w.groups {
		g := &w.groups[i]
		if !g.Parent.Equal(id) {
			continue
		}
		o := object{"type": managementType, "id": g.ID.String(), "name": g.ID.Name(), "displayName": groupName(g)}
		if recurse && depth > 0 {
			o["children"] = w.children(g.ID, true, depth-1)
		}
		list = append(list, o)
	}
	for i := range w.resources {
		if t := &w.resources[i]; t.typ == subscriptionType && w.parents[t.id.Key()].Equal(id) {
			list = append(list, object{"type": "/subscriptions", "id": t.id.String(), "name": t.id.Name(), "displayName": w.subscription(t)["displayName"]})
		}
	}
	return list
}

// descendants lists all groups and subscriptions below a group.
func (q *armRequest) descendants(t target) {
	w := q.s.world
	if !q.allowed(managementType+"/descendants/read", t.parent) {
		return
	}
	top, ok := w.tree.Find(t.parent)
	if !ok {
		q.nothingHere()
		return
	}
	var all []entry
	add := func(id arm.ID, typ, name string) {
		if n, _ := w.tree.Find(id); n != top && w.tree.Contains(top, n) {
			all = append(all, entry{id, fixed(object{
				"id": id.String(), "type": typ, "name": id.Name(),
				"properties": object{"displayName": name, "parent": parentRef(w.parents[id.Key()])},
			})})
		}
	}
	for i := range w.groups {
		add(w.groups[i].ID, managementType, groupName(&w.groups[i]))
	}
	for i := range w.resources {
		if one := &w.resources[i]; one.typ == subscriptionType {
			name, _ := w.subscription(one)["displayName"].(string)
			add(one.id, "/subscriptions", name)
		}
	}
	q.list(all)
}

// scopeFilter is what a list of assignments is narrowed by
// (learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest).
type scopeFilter struct {
	atScope    bool // at the scope and above, not below
	principal  mivet.PrincipalID
	assignedTo mivet.PrincipalID
}

var (
	principalFilter = regexp.MustCompile(`^principalId eq '?([0-9A-Za-z-]+)'?$`)
	assignedFilter  = regexp.MustCompile(`^assignedTo\('([0-9A-Za-z-]+)'\)$`)
)

// scopeFilter reads the filter, and answers one that is not known.
func (q *armRequest) scopeFilter() (f scopeFilter, ok bool) {
	if q.filter == "" {
		return f, true
	}
	for part := range strings.SplitSeq(q.filter, " and ") {
		part = strings.TrimSpace(part)
		switch {
		case part == "atScope()":
			f.atScope = true
		case principalFilter.MatchString(part):
			f.principal = mivet.NewPrincipalID(principalFilter.FindStringSubmatch(part)[1])
		case assignedFilter.MatchString(part):
			f.assignedTo = mivet.NewPrincipalID(assignedFilter.FindStringSubmatch(part)[1])
		default:
			writeError(q.w, http.StatusBadRequest, "UnsupportedQuery", fmt.Sprintf("The filter '%s' is not supported.", q.filter))
			return f, false
		}
	}
	return f, true
}

// applies reports whether something at a node is in the list of a scope.
func (f *scopeFilter) applies(w *world, scope arm.Node, exact bool, n arm.Node) bool {
	if w.tree.Contains(n, scope) {
		return true
	}
	return !f.atScope && exact && w.tree.Contains(scope, n)
}

func (f *scopeFilter) names(d *directory, p mivet.PrincipalID) bool {
	if f.principal != "" && f.principal != p {
		return false
	}
	return f.assignedTo == "" || f.assignedTo == p || slices.Contains(d.groupsOf(f.assignedTo), p)
}

// assignmentsAt lists role assignments by their numbers.
func (q *armRequest) assignmentsAt(scope arm.ID, wanted func(*mivet.RoleAssignment) bool, value func(*mivet.RoleAssignment) object) {
	f, ok := q.scopeFilter()
	if !ok {
		return
	}
	w := q.s.world
	at, exact := w.tree.Find(scope)
	var all []entry
	for i := range w.snap.RoleAssignments {
		a := &w.snap.RoleAssignments[i]
		if wanted(a) && f.applies(w, at, exact, w.assignments[i]) && f.names(w.directory, a.Principal) {
			all = append(all, entry{a.Scope, func() (any, error) { return value(a), nil }})
		}
	}
	q.list(all)
}

func (q *armRequest) roleAssignments(t target) {
	if !q.allowed(assignmentType+"/read", t.scope) {
		return
	}
	w := q.s.world
	if t.name == "" {
		q.assignmentsAt(t.scope, func(a *mivet.RoleAssignment) bool { return !a.Eligible }, w.roleAssignment)
		return
	}
	for i := range w.snap.RoleAssignments {
		if a := &w.snap.RoleAssignments[i]; !a.Eligible && a.Scope.Equal(t.scope) && strings.EqualFold(w.assignmentID(a).Name(), t.name) {
			q.write(w.roleAssignment(a))
			return
		}
	}
	writeError(q.w, http.StatusNotFound, "RoleAssignmentNotFound", fmt.Sprintf("The role assignment '%s' is not found.", t.name))
}

var roleNameFilter = regexp.MustCompile(`^roleName eq '((?:[^']|'')*)'$`)

// roleDefinitions lists the roles that can be used at a scope: built-in ones, and those of
// the tenant whose assignable scopes reach it.
func (q *armRequest) roleDefinitions(t target) {
	if !q.allowed(definitionType+"/read", t.scope) {
		return
	}
	w := q.s.world
	if t.name != "" {
		if at, ok := w.roleAt[mivet.NewRoleID(t.name)]; ok {
			q.write(w.roleDefinition(&w.roles[at], t.scope))
			return
		}
		writeError(q.w, http.StatusNotFound, "RoleDefinitionDoesNotExist", fmt.Sprintf("The specified role definition with ID '%s' does not exist.", t.name))
		return
	}
	name, kind := "", ""
	for part := range strings.SplitSeq(q.filter, " and ") {
		switch part = strings.TrimSpace(part); {
		case part == "" || part == "atScopeAndBelow()" || part == "atScope()":
		case roleNameFilter.MatchString(part):
			name = strings.ReplaceAll(roleNameFilter.FindStringSubmatch(part)[1], "''", "'")
		case strings.EqualFold(part, "type eq 'CustomRole'"), strings.EqualFold(part, "type eq 'BuiltInRole'"):
			kind = strings.Split(part, "'")[1]
		default:
			writeError(q.w, http.StatusBadRequest, "UnsupportedQuery", fmt.Sprintf("The filter '%s' is not supported.", q.filter))
			return
		}
	}
	at, _ := w.tree.Find(t.scope)
	below := strings.Contains(q.filter, "atScopeAndBelow()")
	var all []entry
	for i := range w.roles {
		r := &w.roles[i]
		if name != "" && r.Name != name || kind != "" && strings.EqualFold(kind, "BuiltInRole") != r.BuiltIn || !r.BuiltIn && !w.assignable(r, at, below) {
			continue
		}
		all = append(all, entry{t.scope, func() (any, error) { return w.roleDefinition(r, t.scope), nil }})
	}
	q.list(all)
}

// assignable reports whether a role of the tenant can be assigned at a scope, or below it.
func (w *world) assignable(r *mivet.RoleDefinition, at arm.Node, below bool) bool {
	for _, text := range r.AssignableScopes {
		n, _ := w.tree.Find(mustID(text))
		if w.tree.Contains(n, at) || below && w.tree.Contains(at, n) {
			return true
		}
	}
	return len(r.AssignableScopes) == 0
}

func (q *armRequest) denyAssignments(t target) {
	if !q.allowed(denyType+"/read", t.scope) {
		return
	}
	f, ok := q.scopeFilter()
	if !ok {
		return
	}
	w := q.s.world
	at, exact := w.tree.Find(t.scope)
	var all []entry
	for i := range w.snap.DenyAssignments {
		d := &w.snap.DenyAssignments[i]
		o := w.denyAssignment(d)
		if t.name != "" {
			if d.Scope.Equal(t.scope) && strings.EqualFold(fmt.Sprint(o["name"]), t.name) {
				q.write(o)
				return
			}
			continue
		}
		named := slices.ContainsFunc(d.Principals, func(p mivet.PrincipalID) bool { return f.names(w.directory, p) })
		if f.applies(w, at, exact, w.denies[i]) && named {
			all = append(all, entry{d.Scope, fixed(o)})
		}
	}
	if t.name != "" {
		writeError(q.w, http.StatusNotFound, "DenyAssignmentNotFound", fmt.Sprintf("The deny assignment '%s' is not found.", t.name))
		return
	}
	q.list(all)
}

const (
	eligibleType = "Microsoft.Authorization/roleEligibilityScheduleInstances"
	activeType   = "Microsoft.Authorization/roleAssignmentScheduleInstances"
)

// scheduleInstance is an assignment as Privileged Identity Management shows it
// (API version 2020-10-01).
func (w *world) scheduleInstance(a *mivet.RoleAssignment, typ string) object {
	name := guidOf(typ, w.assignmentID(a).String())
	role := w.roleOf(a)
	p := object{
		"scope": a.Scope.String(), "roleDefinitionId": definitionID(a.Scope, role), "principalId": string(a.Principal), "principalType": string(w.typeOf(a)),
		"status": "Provisioned", "memberType": "Direct", "createdOn": nil, "startDateTime": nil, "endDateTime": nil,
		"condition": nil, "conditionVersion": nil,
	}
	if !a.CreatedOn.IsZero() {
		setTime(p, "createdOn", a.CreatedOn)
		setTime(p, "startDateTime", a.CreatedOn)
	}
	setTime(p, "startDateTime", a.Start)
	setTime(p, "endDateTime", a.End)
	setText(p, "condition", a.Condition)
	setText(p, "conditionVersion", a.ConditionVersion)
	schedules := strings.TrimSuffix(a.Scope.String(), "/") + "/providers/Microsoft.Authorization/"
	if typ == eligibleType {
		p["roleEligibilityScheduleId"] = schedules + "roleEligibilitySchedules/" + name
	} else {
		p["assignmentType"] = "Assigned"
		p["originRoleAssignmentId"] = w.assignmentID(a).String()
		p["roleAssignmentScheduleId"] = schedules + "roleAssignmentSchedules/" + name
	}
	expanded := object{"scope": object{"id": a.Scope.String(), "displayName": a.Scope.Name()}, "principal": object{"id": string(a.Principal), "type": string(w.typeOf(a))}}
	if at, ok := w.roleAt[role]; ok {
		r := &w.roles[at]
		kind := "CustomRole"
		if r.BuiltIn {
			kind = "BuiltInRole"
		}
		expanded["roleDefinition"] = object{"id": definitionID(a.Scope, role), "displayName": r.Name, "type": kind}
	}
	p["expandedProperties"] = expanded
	return object{"id": schedules + typ[strings.IndexByte(typ, '/')+1:] + "/" + name, "name": name, "type": typ, "properties": p}
}

func (q *armRequest) eligibleInstances(t target) {
	q.instances(t, eligibleType, true)
}

func (q *armRequest) activeInstances(t target) {
	q.instances(t, activeType, false)
}

func (q *armRequest) instances(t target, typ string, eligible bool) {
	if t.name != "" {
		q.nothingHere()
		return
	}
	if !q.allowed(assignmentType+"/read", t.scope) {
		return
	}
	q.assignmentsAt(t.scope, func(a *mivet.RoleAssignment) bool { return a.Eligible == eligible },
		func(a *mivet.RoleAssignment) object { return q.s.world.scheduleInstance(a, typ) })
}

func (q *armRequest) locks(t target) {
	if !q.allowed(lockType+"/read", t.scope) {
		return
	}
	w := q.s.world
	var all []entry
	for i := range w.snap.Locks {
		l := &w.snap.Locks[i]
		id := extensionID(l.ID, l.Scope, lockType, l.Level)
		if !t.scope.Contains(l.Scope) {
			continue
		}
		o := object{"id": id.String(), "name": id.Name(), "type": lockType, "properties": object{"level": l.Level}}
		if t.name != "" && l.Scope.Equal(t.scope) && strings.EqualFold(id.Name(), t.name) {
			q.write(o)
			return
		}
		all = append(all, entry{l.Scope, fixed(o)})
	}
	if t.name != "" {
		writeError(q.w, http.StatusNotFound, "LockNotFound", fmt.Sprintf("The lock '%s' could not be found.", t.name))
		return
	}
	q.list(all)
}

// permissions lists what the caller itself may do at a scope, a permission object for each
// role that it holds there.
func (q *armRequest) permissions(t target) {
	w := q.s.world
	at, _ := w.tree.Find(t.scope)
	if q.c.operator {
		q.list([]entry{{value: fixed(object{"actions": []any{"*/read"}, "notActions": []any{}, "dataActions": []any{}, "notDataActions": []any{}})}})
		return
	}
	mine := append([]mivet.PrincipalID{q.c.principal}, w.directory.groupsOf(q.c.principal)...)
	now := q.s.now()
	var all []entry
	for i := range w.snap.RoleAssignments {
		a := &w.snap.RoleAssignments[i]
		if a.Eligible || !slices.Contains(mine, a.Principal) || !w.tree.Contains(w.assignments[i], at) ||
			!a.End.IsZero() && !now.Before(a.End) || now.Before(a.Start) {
			continue
		}
		if r, ok := w.roleAt[w.roleOf(a)]; ok {
			for j := range w.roles[r].Permissions {
				o := permissionOf(&w.roles[r].Permissions[j])
				setText(o, "condition", a.Condition)
				setText(o, "conditionVersion", a.ConditionVersion)
				all = append(all, entry{t.scope, fixed(o)})
			}
		}
	}
	q.list(all)
}

// policyAssignments lists the assignments of policies that bear on a scope: above it, at it
// and below it.
func (q *armRequest) policyAssignments(t target) {
	if t.name != "" {
		q.getThing(mustID(q.path))
		return
	}
	if !q.allowed(policyType+"/read", t.scope) {
		return
	}
	w := q.s.world
	at, exact := w.tree.Find(t.scope)
	var all []entry
	for i := range w.resources {
		one := &w.resources[i]
		if !strings.EqualFold(one.typ, policyType) {
			continue
		}
		n, there := w.tree.Find(one.id.Parent())
		if w.tree.Contains(n, at) || exact && there && w.tree.Contains(at, n) {
			all = append(all, entry{one.id, func() (any, error) { return w.resource(one) }})
		}
	}
	q.list(all)
}
