// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// How long a grant takes to be in force. A role assignment: up to ten minutes
// (MicrosoftDocs/azure-docs articles/role-based-access-control/troubleshooting.md). Tokens
// of managed identities, with the groups in them, are kept for about a day
// (MicrosoftDocs/entra-docs docs/identity/managed-identities-azure-resources/managed-identities-faq.md).
const (
	grantDelay = 10 * time.Minute
	tokenLife  = 24 * time.Hour
)

// weighing holds the causes of a denial against the facts of a tenant.
type weighing struct {
	*Verdict
	t     *Tenant
	given Given
}

func (w *weighing) ask(who mivet.PrincipalID) authz.Request {
	return authz.Request{Principal: who, Operation: w.What, Plane: w.Plane, Resource: w.Where}
}

func (w *weighing) can(who mivet.PrincipalID) bool {
	return who != "" && w.t.Engine.Check(w.ask(who)).Effect == authz.Allowed
}

// roles weighs a refusal in which the service looked at grants.
func (w *weighing) roles() {
	w.identity()
	if !w.asked() {
		return
	}
	x := w.t.Engine.Explain(w.ask(w.Who))
	w.Answer = &x
	w.question().Next = fmt.Sprintf("mivet can %s %s %s --explain", w.Who, w.What, w.Where)
	switch x.Effect {
	case authz.Allowed:
		w.allowed(&x)
	case authz.Denied:
		w.denied(&x)
	default:
		for _, m := range x.Missing {
			w.Unresolved = append(w.Unresolved, m.What)
		}
	}
}

// question is the hypothesis that a look at the grants decides.
func (w *weighing) question() *Hypothesis { return w.say(MissingRole, Possible) }

// identity compares the caller with who was expected, and with who could have called.
func (w *weighing) identity() {
	if tool := w.Caller.Tool(); tool != "" {
		w.say(WrongIdentitySelected, Supported, "the caller is a person who signed in with "+tool+", and no workload")
	}
	if w.given.Expected != "" && w.Who != "" {
		if w.Who != w.given.Expected {
			w.say(WrongIdentitySelected, Settled, fmt.Sprintf("expected was %s, and %s called", w.t.name(w.given.Expected), w.t.name(w.Who)))
		} else {
			w.say(WrongIdentitySelected, Excluded, "the caller is the expected one")
		}
	}
	if !w.asked() {
		return
	}
	for _, other := range w.siblings() {
		if w.can(other) && !w.can(w.Who) {
			w.say(WrongIdentitySelected, Supported, fmt.Sprintf("%s, which the same resource carries, may do this", w.t.name(other)))
		}
	}
	w.recreated()
	if client := mivet.NewPrincipalID(w.t.clientID(w.Who)); client != "" && client != w.Who && w.can(client) {
		w.say(IDConfusion, Settled, fmt.Sprintf("a grant names %s, which is the client ID of the caller; its object ID is %s", client, w.Who))
	}
}

// recreated looks for the grants of an identity that was made again: they are held by a
// principal that ceased.
func (w *weighing) recreated() {
	if w.can(w.Who) {
		return
	}
	formers := w.formers()
	for _, old := range formers {
		if w.can(old) {
			w.say(RecreatedIdentity, Settled, fmt.Sprintf("the grants are held by %s, the principal of this identity before it was made again", old))
			w.Former = old
		}
	}
	for i := range w.t.Snapshot.RoleAssignments {
		a := &w.t.Snapshot.RoleAssignments[i]
		known := slices.Contains(formers, a.Principal)
		if !known && !w.t.ceased(a) || !a.Scope.Contains(w.Where) || !w.can(a.Principal) {
			continue
		}
		w.Stranded = append(w.Stranded, a)
		if !known {
			w.say(RecreatedIdentity, Supported, fmt.Sprintf("%s at %s would give it, and is held by %s, which no longer exists: that of the caller before it was made again, or of another",
				w.t.roleName(a), a.Scope, a.Principal))
			w.Former = a.Principal
		}
	}
}

// siblings are the other identities of the resources that carry the caller.
func (w *weighing) siblings() []mivet.PrincipalID {
	var out []mivet.PrincipalID
	add := func(id mivet.PrincipalID) {
		if id != "" && id != w.Who && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for _, r := range w.hosts() {
		if r.Identity == nil {
			continue
		}
		add(r.Identity.SystemPrincipal)
		for _, u := range r.Identity.User {
			if m := w.t.Index.UserAssigned(u); m != nil {
				add(m.Principal)
			}
		}
	}
	return out
}

// hosts are the resources on which the client can have run.
func (w *weighing) hosts() []*mivet.Resource {
	var out []*mivet.Resource
	add := func(r *mivet.Resource) bool {
		if r != nil {
			out = append(out, r)
		}
		return true
	}
	add(w.t.Index.Resource(w.given.Host))
	for _, text := range []string{w.Caller.Host, w.Caller.Identity} {
		if id, err := arm.ParseID(text); text != "" && err == nil {
			add(w.t.Index.Resource(id))
		}
	}
	if m := w.t.Index.Identity(w.Who); m != nil {
		w.t.Index.Carriers(m, add)
	}
	return out
}

// formers are the principals that the caller's identity had before.
func (w *weighing) formers() []mivet.PrincipalID {
	out := slices.Clone(w.given.Formers)
	m := w.t.Index.Identity(w.Who)
	if m == nil {
		return out
	}
	for i := range w.t.Snapshot.Identities {
		if o := &w.t.Snapshot.Identities[i]; o.Resource.Equal(m.Resource) && o.Kind == m.Kind && o.Principal != w.Who && o.Principal != "" {
			out = append(out, o.Principal)
		}
	}
	for i := range w.t.Snapshot.Declarations {
		if x := &w.t.Snapshot.Declarations[i]; x.Resource.Equal(m.Resource) {
			out = append(out, x.FormerPrincipals...)
		}
	}
	return out
}

// allowed weighs a refusal of what the grants give: they are young, or something else than
// a missing grant refused.
func (w *weighing) allowed(x *authz.Explanation) {
	for _, c := range []Cause{MissingRole, ControlPlaneRoleOnly, WrongScope, IDConfusion, DenyAssignment, RecreatedIdentity} {
		w.say(c, Excluded, "by what was read the caller may do this")
	}
	w.say(StaleClientCache, Possible)
	w.say(ClientBug, Possible)
	for i := range x.Reasons {
		r := &x.Reasons[i]
		if r.Outcome != authz.Grants {
			continue
		}
		if len(r.Via) > 1 {
			w.say(GroupTokenCache, Supported, fmt.Sprintf("the grant is that of the group %s; a token from before the membership does not have it, and is kept for up to %d hours",
				w.t.name(r.Via[len(r.Via)-1]), int(tokenLife.Hours())))
		}
		if a := r.Assignment; a != nil && !a.CreatedOn.IsZero() {
			if age := w.At.Sub(a.CreatedOn); age < grantDelay {
				w.say(Propagation, Supported, fmt.Sprintf("the grant was made at %s, %s before the input was taken; it can take %d minutes to be in force",
					a.CreatedOn.UTC().Format(time.RFC3339), max(age, 0).Round(time.Second), int(grantDelay.Minutes())))
			} else {
				w.say(Propagation, Excluded, "the grant was made at "+a.CreatedOn.UTC().Format(time.RFC3339)+", long before")
			}
		}
	}
}

// denied weighs a refusal that the grants explain.
func (w *weighing) denied(x *authz.Explanation) {
	for _, c := range []Cause{Propagation, GroupTokenCache, StaleClientCache} {
		w.say(c, Excluded, "by what was read there is no grant that could still come into force")
	}
	found := w.nearMisses(x)
	for _, h := range w.Hypotheses {
		found = found || h.Certainty == Settled || (h.Cause == WrongIdentitySelected || h.Cause == RecreatedIdentity) && h.Certainty == Supported
	}
	if !found {
		w.say(MissingRole, Supported, fmt.Sprintf("%s holds nothing at or above the resource that gives it", w.t.name(w.Who)))
	}
	if x.Cause != authz.CauseDeny && !w.settledElsewhere() {
		w.fix()
	}
}

// settledElsewhere reports whether the caller is not the one who should get a grant.
func (w *weighing) settledElsewhere() bool {
	return slices.ContainsFunc(w.Hypotheses, func(h Hypothesis) bool {
		return h.Cause == WrongIdentitySelected && (h.Certainty == Settled || h.Certainty == Supported)
	})
}

// nearMisses looks for grants that would have given it but for one thing.
func (w *weighing) nearMisses(x *authz.Explanation) bool {
	found := false
	say := func(c Cause, certainty Certainty, because string) {
		found = true
		w.say(c, certainty, because)
	}
	for i := range x.Reasons {
		r := &x.Reasons[i]
		switch r.Outcome {
		case authz.Denies:
			say(DenyAssignment, Settled, fmt.Sprintf("the deny assignment %s takes it away", r.Deny.Name))
		case authz.Eligible:
			say(MissingRole, Settled, fmt.Sprintf("%s is eligible, and not activated", r.RoleName))
		case authz.OutOfTime:
			say(MissingRole, Settled, r.RoleName+" is bound to another time")
		case authz.ConditionFails:
			say(MissingRole, Supported, fmt.Sprintf("the condition of %s does not hold", r.RoleName))
		case authz.ModelIgnores:
			say(MissingRole, Settled, "a grant would give it, and the permission model of the resource ignores it")
		case authz.OtherScope:
			if r.Role != nil && w.gives(r.Role) {
				say(WrongScope, Supported, fmt.Sprintf("%s would give it, and is held at %s", r.RoleName, r.Scope))
			}
		case authz.OtherOperation:
			if w.Plane == mivet.PlaneData && r.Role != nil && controlOnly(r.Role) {
				say(ControlPlaneRoleOnly, Supported, fmt.Sprintf("%s at %s is a role of the control plane and gives no data", r.RoleName, r.Scope))
			}
		case authz.Subtracted:
			say(MissingRole, Supported, fmt.Sprintf("%s grants it, and subtracts it again", r.RoleName))
		case authz.Grants, authz.MayGrant, authz.MayDeny, authz.Blocked, authz.NotDenied: // no grant that missed
		}
	}
	return found
}

// gives reports whether a role has the operation.
func (w *weighing) gives(d *mivet.RoleDefinition) bool {
	matches := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(s string) bool {
			p, err := arm.ParsePattern(s)
			return err == nil && p.Matches(w.What)
		})
	}
	return slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool {
		if w.Plane == mivet.PlaneControl {
			return matches(p.Actions) && !matches(p.NotActions)
		}
		return matches(p.DataActions) && !matches(p.NotDataActions)
	})
}

// controlOnly reports whether a role has no data actions and more than reading.
func controlOnly(d *mivet.RoleDefinition) bool {
	return len(d.Permissions) > 0 && !slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool { return len(p.DataActions) > 0 })
}

// fix works out the smallest grant.
func (w *weighing) fix() {
	if v, ok := w.policyFix(); ok {
		w.Fix = v
		return
	}
	if w.Service == CosmosDB {
		return // roles of its own, which no list of built-in roles of Azure holds
	}
	if w.t.SmallestRole == nil {
		return
	}
	d := w.t.SmallestRole(w.What, w.Plane)
	if d == nil {
		return
	}
	w.Fix = &Fix{
		Principal: w.Who, Role: d.Name, Scope: w.Where,
		Command: fmt.Sprintf("az role assignment create --assignee-object-id %s --assignee-principal-type %s --role %q --scope %q",
			w.Who, w.principalType(), d.Name, w.Where),
	}
	w.removal()
}

// removal takes away the grants that an identity left behind when it was made again.
func (w *weighing) removal() {
	var ids []string
	for _, a := range w.Stranded {
		if slices.Contains(w.formers(), a.Principal) && !a.ID.IsZero() {
			ids = append(ids, `"`+a.ID.String()+`"`)
		}
	}
	if len(ids) > 0 {
		w.Fix.Remove = "az role assignment delete --ids " + strings.Join(ids, " ")
	}
}

func (w *weighing) principalType() mivet.PrincipalType {
	if p := w.t.Index.Principal(w.Who); p != nil && p.Type != "" {
		return p.Type
	}
	return mivet.TypeServicePrincipal
}

// policyFix is the entry of an access policy, where the vault is under them.
func (w *weighing) policyFix() (*Fix, bool) {
	if w.Service != KeyVault || w.Code != "Forbidden/AccessDenied" {
		return nil, false
	}
	object, verb, _ := strings.Cut(strings.ToLower(w.Operation), " ")
	object = strings.TrimSuffix(object, "s")
	return &Fix{
		Principal: w.Who, Role: "access policy: " + object + " " + verb, Scope: w.Where,
		Command: fmt.Sprintf("az keyvault set-policy --name %s --object-id %s --%s-permissions %s", w.Where.Name(), w.Who, object, verb),
	}, true
}
