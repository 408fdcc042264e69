// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

// The reference evaluator: what the pages say, in strings and loops. It knows two answers
// only. What a snapshot or a question leaves open is a choice of a world; the answer is
// unknown if two worlds differ. Each use of something open is a choice of its own: that
// one membership decides two facts alike is not used, neither here nor in the engine.

// world settles what is open.
type world struct {
	settled map[string]bool
	script  []bool // the settlements to make, in the order of the questions
	asked   int
}

// maybe settles one open question.
func (w *world) maybe(format string, args ...any) bool {
	key := fmt.Sprintf(format, args...)
	if v, ok := w.settled[key]; ok {
		return v
	}
	if w.asked == len(w.script) {
		w.script = append(w.script, false)
	}
	v := w.script[w.asked]
	w.asked++
	w.settled[key] = v
	return v
}

// maxWorlds bounds how many worlds are tried.
const maxWorlds = 1 << 14

// reference answers a question; ok is false if there are too many worlds.
func reference(s *mivet.Snapshot, r *Request, given *givens) (answer Effect, ok bool) {
	var script []bool
	allowed, denied := false, false
	for range maxWorlds {
		w := &world{settled: map[string]bool{}, script: slices.Clone(script)}
		ref := &refQuestion{s: s, r: r, w: w, given: given, op: strings.ToLower(r.Operation.String()), resource: lower(r.Resource.String())}
		if ref.decide() {
			allowed = true
		} else {
			denied = true
		}
		script = w.script[:w.asked]
		for len(script) > 0 && script[len(script)-1] {
			script = script[:len(script)-1]
		}
		if len(script) == 0 || allowed && denied {
			break
		}
		script[len(script)-1] = true
	}
	switch {
	case len(script) > 0 && !(allowed && denied):
		return Unknown, false
	case allowed && denied:
		return Unknown, true
	case allowed:
		return Allowed, true
	default:
		return Denied, true
	}
}

// givens are the attributes that a question tells, in a form that both sides can use.
type givens struct {
	request map[string]string
	closed  bool
}

func (g *givens) env() *abac.Env {
	if g == nil {
		return nil
	}
	env := &abac.Env{}
	for name, value := range g.request {
		env.Set(abac.Request, name, abac.String(value))
	}
	if g.closed {
		env.Close(abac.Request)
	}
	return env
}

func lower(s string) string { return strings.ToLower(s) }

// refQuestion is one question in one world.
type refQuestion struct {
	s        *mivet.Snapshot
	r        *Request
	w        *world
	given    *givens
	op       string
	resource string
	data     bool
}

func (q *refQuestion) decide() bool {
	switch q.r.Plane {
	case mivet.PlaneControl:
	case mivet.PlaneData:
		q.data = true
	default:
		q.data = strings.HasPrefix(q.op, "microsoft.keyvault/managedhsm/") || strings.Contains(q.op, "/containers/items/") || q.w.maybe("the plane is data")
	}
	switch {
	case q.data && (strings.HasPrefix(q.op, "microsoft.documentdb/databaseaccounts/") || strings.HasPrefix(q.op, "microsoft.keyvault/managedhsm/")):
		return q.local()
	case q.data && strings.HasPrefix(q.op, "microsoft.keyvault/vaults/") && q.accessListDecides():
		return q.accessList()
	default:
		return q.roles() && q.honoured()
	}
}

// honoured asks whether the question's registry looks at roles for the operation: in one
// mode for repositories, in the other for itself.
func (q *refQuestion) honoured() bool {
	repository := q.data && strings.HasPrefix(q.op, "microsoft.containerregistry/registries/repositories/")
	itself := !q.data && q.op == "microsoft.containerregistry/registries/pull/read"
	const marker = "/providers/microsoft.containerregistry/registries/"
	before, _, inRegistry := strings.Cut(q.resource, marker)
	if !repository && !itself || !inRegistry {
		return true
	}
	registry := before + marker + segmentAfter(q.resource, marker)
	for i := range q.s.Resources {
		r := &q.s.Resources[i]
		if mode, read := r.Setting("roleAssignmentMode"); read && lower(r.ID.String()) == registry {
			return repository == strings.Contains(lower(mode), "abac")
		}
	}
	return q.w.maybe("the registry honours it")
}

// roles follows "How Azure RBAC determines if a user has access to a resource".
func (q *refQuestion) roles() bool {
	granted := q.hidden(mivet.FactRoleAssignments, "grant")
	for i := range q.s.RoleAssignments {
		granted = granted || q.assignment(i)
	}
	if !q.data && !granted {
		granted = q.delegated()
	}
	return granted && !q.denied()
}

// delegated asks the delegations, which give no data actions.
func (q *refQuestion) delegated() bool {
	if !q.isNamed(q.r.Principal) && q.hidden(mivet.FactDelegations, "delegation") {
		return true
	}
	for i := range q.s.Delegations {
		d := &q.s.Delegations[i]
		for j, g := range d.Grants {
			use := fmt.Sprintf("delegation %d grant %d", i, j)
			if g.Principal == "" || g.Eligible || !q.covers(d.Scope.String(), use) || !q.isIn(g.Principal, use) {
				continue
			}
			def := q.definition(g.Role, "")
			if def == nil && q.w.maybe("the role of %s gives it", use) || def != nil && def.BuiltIn && q.anyPermits(def, use) {
				return true
			}
		}
	}
	return false
}

func (q *refQuestion) assignment(i int) bool {
	a := &q.s.RoleAssignments[i]
	use := fmt.Sprintf("assignment %d", i)
	return a.Principal != "" && !a.Eligible && q.covers(a.Scope.String(), use) && q.isIn(a.Principal, use) &&
		q.inTime(a.Start, a.End, use) && q.holds(a.Condition, use) && q.role(a, use)
}

func (q *refQuestion) role(a *mivet.RoleAssignment, use string) bool {
	def := q.definition(a.Role, a.RoleName)
	if def == nil {
		return q.w.maybe("the role of %s gives it", use)
	}
	return q.anyPermits(def, use)
}

func (q *refQuestion) definition(role mivet.RoleID, name string) (def *mivet.RoleDefinition) {
	for i := range q.s.RoleDefinitions {
		d := &q.s.RoleDefinitions[i]
		if role != "" && d.ID == role || role == "" && name != "" && strings.EqualFold(d.Name, name) {
			def = d
		}
	}
	return def
}

func (q *refQuestion) anyPermits(def *mivet.RoleDefinition, use string) bool {
	for i := range def.Permissions {
		if q.permits(&def.Permissions[i], fmt.Sprintf("%s permission %d", use, i)) {
			return true
		}
	}
	return false
}

// permits subtracts inside one permission object, and asks for its condition.
func (q *refQuestion) permits(p *mivet.Permission, use string) bool {
	grant, subtract := p.Actions, p.NotActions
	if q.data {
		grant, subtract = p.DataActions, p.NotDataActions
	}
	return q.matches(grant, use+" grants") && !q.matches(subtract, use+" subtracts") && q.holds(p.Condition, use)
}

// matches asks whether one of the patterns matches. A pattern that cannot be read may.
func (q *refQuestion) matches(patterns []string, use string) bool {
	faulty := false
	for _, p := range patterns {
		p = lower(strings.TrimSpace(p))
		if p == "" {
			faulty = true
		} else if matchesPattern(p, q.op) {
			return true
		}
	}
	return faulty && q.w.maybe("a faulty pattern of %s matches", use)
}

// matchesPattern lets "*" stand for anything and "/*/" for "/" as well.
func matchesPattern(p, s string) bool {
	if before, after, ok := strings.Cut(p, "/*/"); ok && matchesPattern(before+"/"+after, s) {
		return true
	}
	before, after, star := strings.Cut(p, "*")
	if !star {
		return p == s
	}
	rest, ok := strings.CutPrefix(s, before)
	for ok && !matchesPattern(after, rest) {
		if ok = rest != ""; ok {
			rest = rest[1:]
		}
	}
	return ok
}

func (q *refQuestion) at() time.Time {
	if q.r.At.IsZero() {
		return q.s.TakenAt
	}
	return q.r.At
}

func (q *refQuestion) inTime(start, end time.Time, use string) bool {
	if start.IsZero() && end.IsZero() {
		return true
	}
	if q.at().IsZero() {
		return q.w.maybe("%s is in time", use)
	}
	return !q.at().Before(start) && (end.IsZero() || q.at().Before(end))
}

// holds asks for a condition, whose language has a reference of its own.
func (q *refQuestion) holds(text, use string) bool {
	if text == "" {
		return true
	}
	c, err := abac.CompileText(text)
	if err != nil {
		return q.w.maybe("the condition of %s holds", use)
	}
	env := q.given.env()
	if env == nil {
		env = &abac.Env{}
	}
	env.Operation = q.r.Operation
	if at := q.at(); !at.IsZero() {
		env.SetNow(at)
	}
	if name := segmentAfter(q.resource, "/providers/microsoft.storage/storageaccounts/"); name != "" {
		env.Set(abac.Resource, "Microsoft.Storage/storageAccounts:name", abac.String(name))
	}
	if name := segmentAfter(q.resource, "/blobservices/default/containers/"); name != "" {
		env.Set(abac.Resource, "Microsoft.Storage/storageAccounts/blobServices/containers:name", abac.String(name))
	}
	switch c.Eval(env) {
	case abac.True:
		return true
	case abac.False:
		return false
	default:
		return q.w.maybe("the condition of %s holds", use)
	}
}

func segmentAfter(s, marker string) string {
	_, rest, _ := strings.Cut(s, marker)
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// denied asks for deny assignments.
func (q *refQuestion) denied() bool {
	for i := range q.s.DenyAssignments {
		if q.denyBlocks(i) {
			return true
		}
	}
	return q.hidden(mivet.FactDenyAssignments, "deny")
}

func (q *refQuestion) denyBlocks(i int) bool {
	d := &q.s.DenyAssignments[i]
	use := fmt.Sprintf("deny %d", i)
	scope := lower(d.Scope.String())
	if lower(string(d.Effect)) == "audit" || !q.covers(scope, use) {
		return false
	}
	if d.ThisScopeOnly && scope != "" && scope != q.resource {
		return false
	}
	if !q.among(d.Principals, use+" names") || q.among(d.Excluded, use+" excludes") || !q.holds(d.Condition, use) {
		return false
	}
	permitted := false
	for j := range d.Permissions {
		permitted = permitted || q.permits(&d.Permissions[j], fmt.Sprintf("%s permission %d", use, j))
	}
	effect := lower(string(d.Effect))
	if permitted && effect != "" && effect != "enforced" {
		return q.w.maybe("the effect of %s blocks", use)
	}
	return permitted
}

func (q *refQuestion) among(list []mivet.PrincipalID, use string) bool {
	for _, id := range list {
		switch {
		case id == "":
			if strings.HasSuffix(use, "excludes") && q.w.maybe("%s the caller", use) {
				return true
			}
		case id == mivet.Everyone && strings.HasSuffix(use, "names"), q.isIn(id, use):
			return true
		}
	}
	return false
}

// accessListDecides asks for the permission model of the question's vault.
func (q *refQuestion) accessListDecides() bool {
	v := q.vault()
	if v == "" {
		return false
	}
	model, read := "", false
	for i := range q.s.Resources {
		if r := &q.s.Resources[i]; lower(r.ID.String()) == v {
			model, read = r.Setting("enableRbacAuthorization")
		}
	}
	if !read {
		return q.w.maybe("the access list decides")
	}
	return !strings.EqualFold(model, "true")
}

// vault returns the vault in the path of the resource.
func (q *refQuestion) vault() string {
	const marker = "/providers/microsoft.keyvault/vaults/"
	before, _, ok := strings.Cut(q.resource, marker)
	if !ok {
		return ""
	}
	return before + marker + segmentAfter(q.resource, marker)
}

// refWords are the words of access lists that the generated tenants use.
var refWords = map[string]string{
	"secrets get": "secrets/getsecret/action", "secrets list": "secrets/readmetadata/action", "secrets purge": "secrets/purge/action",
	"keys get": "keys/read", "keys list": "keys/read", "keys purge": "keys/purge/action",
}

func (q *refQuestion) accessList() bool {
	if q.hidden(mivet.FactAccessPolicies, "policy") {
		return true
	}
	v, known := q.vault(), false
	for i := range q.s.Resources {
		known = known || lower(q.s.Resources[i].ID.String()) == v
	}
	if !known && q.w.maybe("an access policy that was not read") {
		return true
	}
	for i := range q.s.AccessPolicies {
		p := &q.s.AccessPolicies[i]
		use := fmt.Sprintf("policy %d", i)
		if p.Principal != "" && q.covers(p.Vault.String(), use) && q.isIn(p.Principal, use) && q.policyPermits(p, use) &&
			(p.ApplicationID == "" || q.w.maybe("%s through the application", use)) {
			return true
		}
	}
	return false
}

func (q *refQuestion) policyPermits(p *mivet.AccessPolicy, use string) bool {
	list := func(kind string, words []string) bool {
		for _, word := range words {
			word = lower(strings.TrimSpace(word))
			op, known := refWords[kind+" "+word]
			own := strings.HasPrefix(q.op, "microsoft.keyvault/vaults/"+kind+"/")
			switch {
			case word == "all" && own && !strings.Contains(q.op, "/purge/"):
				return true
			case word == "all":
			case !known && own && q.w.maybe("%s has a word for it", use):
				return true
			case known && q.op == "microsoft.keyvault/vaults/"+op:
				if kind != "keys" || word == "get" || q.w.maybe("%s: to list is to read", use) {
					return true
				}
			}
		}
		return false
	}
	return list("secrets", p.Secrets) || list("keys", p.Keys)
}

// local asks the roles of Cosmos DB and of managed HSM.
func (q *refQuestion) local() bool {
	if q.hidden(mivet.FactLocalGrants, "local grant") {
		return true
	}
	for i := range q.s.LocalGrants {
		if q.localGrant(i) {
			return true
		}
	}
	return false
}

func (q *refQuestion) localGrant(i int) bool {
	g := &q.s.LocalGrants[i]
	use := fmt.Sprintf("local %d", i)
	if want := map[mivet.LocalSystem]string{mivet.LocalCosmos: "microsoft.documentdb/", mivet.LocalManagedHSM: "microsoft.keyvault/"}; !strings.HasPrefix(q.op, want[g.System]) {
		return false
	}
	path := strings.NewReplacer("/dbs/", "/sqldatabases/", "/colls/", "/containers/").Replace(lower(strings.TrimSuffix(g.Scope, "/")))
	keys := g.System == mivet.LocalManagedHSM && path == "/keys"
	if keys {
		path = ""
		if !strings.HasPrefix(q.op, "microsoft.keyvault/managedhsm/keys/") {
			return false
		}
	}
	account := lower(g.Account.String())
	if account != "" {
		account += path
	}
	if g.Principal == "" || !q.covers(account, use) || !q.isIn(g.Principal, use) {
		return false
	}
	var def *mivet.LocalRole
	for j := range q.s.LocalRoles {
		if r := &q.s.LocalRoles[j]; r.System == g.System && lower(r.ID) == lower(g.Role) {
			def = r
		}
	}
	if def == nil {
		return q.w.maybe("the role of %s gives it", use)
	}
	return q.matches(def.DataActions, use) && !q.matches(def.NotDataActions, use)
}
