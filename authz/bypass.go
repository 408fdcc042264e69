// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// WayClass is one of the four ways to data. Only the first is answered by asking who
// holds which role.
type WayClass uint8

// The classes.
const (
	WayRole       WayClass = iota // a role that gives the operation
	WayNative                     // a grant of the service's own: an access policy, a native role, an access list
	WayKey                        // a key, a signed URL or a local user that roles permit to read
	WayEscalation                 // the right to make one of the others
)

var wayNames = [...]string{"rbac", "native", "key", "escalation"}

// String returns "rbac", "native", "key" or "escalation".
func (c WayClass) String() string {
	if int(c) < len(wayNames) {
		return wayNames[c]
	}
	return "invalid"
}

// MarshalText returns the class's name.
func (c WayClass) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Bypass is a way to the same data beside the roles that give the operation itself.
type Bypass struct {
	Class WayClass
	// Kind is the catalogue's sort of the way, and Service the service in words; both are
	// empty for grants of a service's own that exist.
	Kind    catalog.BypassKind
	Service string
	// Steps are what the principal must be allowed, in order.
	Steps []Step
	// Yields says what it has afterwards, in a few words without a full stop.
	Yields string
	// Role is a role that it could give itself, for a way by assigning one, and Roles how
	// many there are.
	Role  *mivet.RoleDefinition
	Roles int
	// Effect is Allowed for a way that is open, and Unknown for one that may be.
	Effect Effect
	// Closure is the setting that would close the way, and Setting what was read of it;
	// empty where it was not read.
	Closure *catalog.Closure
	Setting string
	// Note is what else to know; often empty.
	Note string
	// Missing is what would decide a way that may be open.
	Missing []Missing
}

// Step is an operation on the way.
type Step struct {
	Operation arm.Operation
	Resource  arm.ID
	Decision  Decision
}

// Access is everything that leads a principal to an operation, class by class.
type Access struct {
	// Roles is the answer by roles alone, and Native that by the service's own grants alone.
	Roles, Native Decision
	// Ways are the others that are open or may be: keys first, then escalations.
	Ways []Bypass
}

// Access answers a request class by class. [Engine.Check] unites the first two.
func (e *Engine) Access(r Request) Access {
	var q question
	q.ask(e, &r)
	plane := q.planeOf(r.Plane)
	q.on(plane)
	native := q
	q.weight[classPolicy], q.weight[classLocal], q.rolesOnly = abac.False, abac.False, true
	native.weight[classRBAC], native.weight[classDelegated] = abac.False, abac.False
	return Access{Roles: q.weighed(), Native: native.weighed(), Ways: e.Bypasses(r)}
}

// planeOf is the plane that a question is about: the one asked for, else the catalogue's,
// else the control plane.
func (q *question) planeOf(asked mivet.Plane) mivet.Plane {
	return cmp.Or(asked, q.row.plane, mivet.PlaneControl)
}

// Bypasses lists the ways that lead a principal to the same data as an operation, other
// than the roles and native grants that give it: keys that it may read, signed URLs, local
// users, and the right to open such a way or to give itself a role. A way that is closed
// for the principal is not listed; one that may be open is, as Unknown.
//
// With a zero Operation it lists all ways around the roles of a resource, whatever they
// yield. Nothing is listed without a catalogue.
func (e *Engine) Bypasses(r Request) []Bypass {
	if e.cat == nil {
		return nil
	}
	b := bypasser{e: e, r: r, whole: r.Operation.IsZero()}
	if !b.whole {
		var q question
		q.ask(e, &r)
		b.plane, b.row = q.planeOf(r.Plane), q.row
		q.on(b.plane)
		b.roles = q.weight[classRBAC]
	}
	if b.whole || b.plane == mivet.PlaneData || b.row.modelled(b.plane) {
		b.ways()
	}
	b.grants()
	for i := range b.out {
		b.out[i].hang()
	}
	slices.SortStableFunc(b.out, func(x, y Bypass) int { return cmp.Compare(x.Class, y.Class) })
	return b.out
}

// hang says of steps that may be allowed what they hang on.
func (w *Bypass) hang() {
	for _, s := range w.Steps {
		if s.Decision.Effect == Unknown && w.Effect == Unknown {
			w.Missing = append(w.Missing, Missing{What: "whether the principal may " + s.Operation.String() + " hangs on " + s.Decision.Cause.String()})
		}
	}
}

// bypasser collects the ways of one request.
type bypasser struct {
	e     *Engine
	r     Request
	whole bool
	plane mivet.Plane
	row   *row
	// roles says whether role assignments count for the operation.
	roles abac.Truth
	// actions are those that open a way for whoever is allowed them.
	actions []arm.Operation
	out     []Bypass
}

// check asks whether the principal may do something else.
func (b *bypasser) check(op arm.Operation, at arm.ID, given *abac.Env) Step {
	r := b.r
	r.Operation, r.Resource, r.Plane, r.Given = op, at, mivet.PlaneControl, given
	return Step{Operation: op, Resource: at, Decision: b.e.Check(r)}
}

// ways goes through the catalogue.
func (b *bypasser) ways() {
	all := b.e.cat.KeyBypasses()
	for i := range all {
		k := &all[i]
		at := b.place(k)
		if at.IsZero() || !b.yields(k) {
			continue
		}
		b.way(k, at)
	}
}

// place returns the resource at which the way's action is asked for: the request's own
// resource or one above it that is of the way's type, or holds what is; zero if the way is
// about something else.
func (b *bypasser) place(k *catalog.KeyBypass) arm.ID {
	want := string(arm.Fold(k.ResourceType))
	for id := b.r.Resource; id.Level() == arm.LevelResource; id = id.Parent() {
		rest, ok := strings.CutPrefix(want, string(arm.Fold(id.Type())))
		switch {
		case !ok || rest != "" && rest[0] != '/':
		case strings.Count(rest, "/") > 1 && !id.Equal(b.r.Resource):
			return arm.ID{} // of a sibling
		default:
			return id
		}
	}
	return arm.ID{}
}

// yields says whether a way leads to what the request's operation does.
func (b *bypasser) yields(k *catalog.KeyBypass) bool {
	switch k.Kind {
	case catalog.BypassGrant, catalog.BypassGuardrail, catalog.BypassAvailability, catalog.BypassIdentity, catalog.BypassConfig, catalog.BypassSwitch, catalog.BypassSAS:
		return b.whole
	default:
	}
	if b.whole {
		return true
	}
	if k.Action.Key() == signInOnly {
		return false
	}
	op := string(b.row.op.Key())
	if limit, ok := limitedWays[k.Action.Key()]; ok {
		return slices.ContainsFunc(strings.Split(limit, "|"), func(part string) bool { return strings.Contains(op, part) })
	}
	provider, _, _ := strings.Cut(string(k.Action.Key()), "/")
	return strings.HasPrefix(op, provider+"/")
}

// signInOnly yields a file with which a user of a cluster signs in, and no more.
const signInOnly arm.Key = "microsoft.containerservice/managedclusters/listclusterusercredential/action"

// limitedWays are actions that yield only some operations of their service: those whose
// names hold one of the words. What each yields is the catalogue's own column in words.
var limitedWays = map[arm.Key]string{
	"microsoft.documentdb/databaseaccounts/readonlykeys/action":              "/read|/executequery|metadata",
	"microsoft.documentdb/databaseaccounts/readonlykeys/read":                "/read|/executequery|metadata",
	"microsoft.search/searchservices/listquerykeys/action":                   "/documents/read",
	"microsoft.search/searchservices/createquerykey/action":                  "/documents/read",
	"microsoft.appconfiguration/configurationstores/listkeyvalue/action":     "/keyvalues/read",
	"microsoft.keyvault/vaults/secrets/write":                                "/secrets/setsecret|/secrets/update",
	"microsoft.keyvault/vaults/keys/write":                                   "/keys/create|/keys/update",
	"microsoft.keyvault/vaults/deploy/action":                                "/secrets/getsecret",
	"microsoft.storage/storageaccounts/localusers/listkeys/action":           "/blobservices/|/fileservices/",
	"microsoft.storage/storageaccounts/localusers/regeneratepassword/action": "/blobservices/|/fileservices/",
	"microsoft.storage/storageaccounts/localusers/write":                     "/blobservices/|/fileservices/",
}

// way adds one way of the catalogue, if it is or may be open for the principal.
func (b *bypasser) way(k *catalog.KeyBypass, at arm.ID) {
	closed, setting := b.closed(k, at)
	if closed != abac.True {
		b.actions = append(b.actions, k.Action)
	}
	step := b.check(k.Action, at, nil)
	if step.Decision.Effect == Denied {
		return
	}
	w := Bypass{
		Class: classOf(k.Kind), Kind: k.Kind, Service: k.Service, Steps: []Step{step}, Yields: k.Yields,
		Effect: step.Decision.Effect, Closure: k.ClosedBy, Setting: setting, Note: k.Note,
	}
	switch {
	case k.Kind == catalog.BypassAccessPolicy && closed != abac.False:
		b.throughModel(&w, k, at, closed)
		return
	case closed == abac.True:
		b.throughSwitch(&w, k, at)
		return
	case closed == abac.Unknown:
		w.doubt("whether " + k.ClosedBy.String() + " was not read, which would close the way")
	case k.Kind == catalog.BypassReadLeak:
		w.doubt("the operation is documented; that it shows the secret to a reader is not verified")
	}
	b.out = append(b.out, w)
}

// doubt makes an open way one that may be open.
func (w *Bypass) doubt(what string) {
	w.Effect = Unknown
	w.Missing = append(w.Missing, Missing{What: what})
}

func classOf(k catalog.BypassKind) WayClass {
	switch k {
	case catalog.BypassKey, catalog.BypassSASKey, catalog.BypassSAS, catalog.BypassLocalUser, catalog.BypassAdminUser,
		catalog.BypassCredential, catalog.BypassToken, catalog.BypassConfig, catalog.BypassReadLeak, catalog.BypassRead, catalog.BypassWrite:
		return WayKey
	default:
		return WayEscalation
	}
}

// closed says whether the setting that closes a way does, and what was read of it. What
// closes passwords alone does not keep anybody from making himself administrator.
func (b *bypasser) closed(k *catalog.KeyBypass, at arm.ID) (abac.Truth, string) {
	if k.ClosedBy == nil || k.Kind == catalog.BypassAdmin {
		return abac.False, ""
	}
	holders := b.holders(k, at)
	if len(holders) == 0 {
		return abac.Unknown, ""
	}
	total, shown := abac.True, ""
	for _, id := range holders {
		is := abac.Unknown
		if value, ok := b.setting(id, k.ClosedBy); ok {
			is, shown = closes(k.ClosedBy, value), value
		}
		total = total.And(is)
	}
	return total, shown
}

// setting returns the value of the property that closes a way, and whether it was read.
func (b *bypasser) setting(id arm.ID, c *catalog.Closure) (string, bool) {
	r := b.e.settings()[id.Key()]
	if r == nil {
		return "", false
	}
	return r.Setting(strings.TrimPrefix(c.Property, "properties."))
}

// closes says whether a value closes the way. A list that must lack an element closes it
// only if it is there: without one everything is allowed.
func closes(c *catalog.Closure, value string) abac.Truth {
	want := strings.Trim(c.Value, `"`)
	if c.Absent {
		return abac.TruthOf(value != "null" && value != "" && !strings.Contains(string(arm.Fold(value)), string(arm.Fold(want))))
	}
	return abac.TruthOf(strings.EqualFold(value, want))
}

// holders are the resources whose property closes a way: children of the resource where
// the catalogue says so, by each of the names that it lists, else the resource itself or
// the first above that has the setting.
func (b *bypasser) holders(k *catalog.KeyBypass, at arm.ID) []arm.ID {
	if child := k.ClosedBy.Resource; child != "" {
		typ := child[:strings.LastIndexByte(child, '/')]
		names := strings.Trim(child[len(typ)+1:], "{}")
		var out []arm.ID
		for name := range strings.SplitSeq(names, "|") {
			if id, err := at.Child(typ[strings.LastIndexByte(typ, '/')+1:], name); err == nil {
				out = append(out, id)
			}
		}
		return out
	}
	for id := at; id.Level() == arm.LevelResource; id = id.Parent() {
		if _, ok := b.setting(id, k.ClosedBy); ok {
			return []arm.ID{id}
		}
	}
	return nil
}

// throughSwitch adds the way by turning a closed way on again.
func (b *bypasser) throughSwitch(w *Bypass, k *catalog.KeyBypass, at arm.ID) {
	holder := b.holders(k, at)[0]
	step := b.check(operationOf(holder.Type()+"/write"), holder, nil)
	if step.Decision.Effect == Denied || step.Operation.Equal(k.Action) {
		return
	}
	w.Class = WayEscalation
	w.Steps = append([]Step{step}, w.Steps...)
	w.Effect = weaker(w.Effect, step.Decision.Effect)
	w.Note = "it is closed by " + k.ClosedBy.String() + ", which the principal may change"
	b.out = append(b.out, *w)
}

func weaker(a, b Effect) Effect {
	if a == Allowed {
		return b
	}
	return a
}

// throughModel adds the way by an access policy of a vault that is under role assignments,
// or may be. To write the vault may be enough to turn it back; with the unrestricted right
// to assign roles beside it, it surely is: Microsoft's pages disagree on the former
// (MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-guide.md and
// access-control-default.md). An access policy alone is of no use there.
func (b *bypasser) throughModel(w *Bypass, k *catalog.KeyBypass, at arm.ID, closed abac.Truth) {
	if k.Action.Key() != "microsoft.keyvault/vaults/write" {
		if closed == abac.Unknown {
			w.doubt("the vault's permission model was not read (" + modelSetting + ")")
			b.out = append(b.out, *w)
		}
		return
	}
	step := b.check(operationOf(abac.RoleAssignmentWrite), at, b.assign("").WriteEnv())
	w.Yields = "turns the vault to access policies and " + k.Yields
	w.Note = "writing the vault changes its permission model; by one page of Microsoft's that takes unrestricted roleAssignments/write too"
	if step.Decision.Effect == Allowed {
		w.Steps = append(w.Steps, step)
	} else {
		w.doubt("pages of Microsoft's disagree on whether vaults/write alone changes the permission model")
	}
	b.out = append(b.out, *w)
}

// assign is the assignment of a role to the principal itself.
func (b *bypasser) assign(role mivet.RoleID) abac.RoleAssignment {
	return abac.RoleAssignment{
		RoleDefinitionID: string(role), PrincipalID: string(b.r.Principal), PrincipalType: string(b.e.typeOf(b.r.Principal)),
	}
}

// typeOf returns what is known of a principal's type; empty for nothing.
func (e *Engine) typeOf(id mivet.PrincipalID) mivet.PrincipalType {
	return e.types()[id]
}

// types returns what the directory, identities and assignments say of types, in this
// order of weight. It is made when it is first asked for.
func (e *Engine) types() map[mivet.PrincipalID]mivet.PrincipalType {
	e.typesOnce.Do(func() {
		e.typesIndex = map[mivet.PrincipalID]mivet.PrincipalType{}
		for i := range e.snap.RoleAssignments {
			if a := &e.snap.RoleAssignments[i]; a.PrincipalType != "" {
				e.typesIndex[a.Principal] = a.PrincipalType
			}
		}
		for i := range e.snap.Identities {
			e.typesIndex[e.snap.Identities[i].Principal] = mivet.TypeServicePrincipal
		}
		for i := range e.snap.Principals {
			if p := &e.snap.Principals[i]; p.Type != "" {
				e.typesIndex[p.ID] = p.Type
			}
		}
	})
	return e.typesIndex
}
