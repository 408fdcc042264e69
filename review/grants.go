// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/usage"
	"github.com/mivet/mivet/vet"
)

// grants lists everything that an identity holds: its rights in Azure, those of its groups,
// its memberships, and what it holds in the directory.
func (b *builder) grants(x *Identity, id *mivet.Identity) {
	query := authz.WhatCanQuery{Principal: id.Principal, At: b.At}
	var rights []authz.Right
	for r := range b.Engine.WhatCan(query) {
		rights = append(rights, r)
	}
	report := b.used(x, id, rights)
	covered := map[string]bool{}
	for i := range rights {
		g := b.grant(id, &rights[i])
		if report != nil {
			g.Use = useOf(&report.Grants[i])
		}
		covered[g.Row] = true
		x.Grants = append(x.Grants, g)
	}
	for _, r := range b.inv.Rows(id.Principal) {
		if r.Kind != KindIdentity && !covered[r.ID] {
			x.Grants = append(x.Grants, b.other(id, r))
		}
	}
	slices.SortStableFunc(x.Grants, func(p, q Grant) int {
		return cmp.Or(cmp.Compare(slices.Index(order, p.Kind), slices.Index(order, q.Kind)), cmp.Compare(len(p.Via), len(q.Via)),
			strings.Compare(strings.ToLower(p.Scope), strings.ToLower(q.Scope)), strings.Compare(p.What, q.What), strings.Compare(p.Row, q.Row))
	})
	missing := append(b.Engine.UnseenRights(query), b.Engine.DirectoryRights(query).Missing...)
	for i := range missing {
		if w := missing[i].What; !slices.Contains(x.NotRead, w) {
			x.NotRead = append(x.NotRead, w)
		}
	}
}

// used compares use; nil without logs.
func (b *builder) used(x *Identity, id *mivet.Identity, rights []authz.Right) *usage.Report {
	if b.uses == nil {
		return nil
	}
	var apps []string
	if x.ClientID != "" {
		apps = append(apps, x.ClientID)
	}
	r := b.uses.Compare(&usage.Query{Principal: id.Principal, Apps: apps, Rights: rights, Tenant: b.Snapshot, Logs: b.Logs, Window: b.Window})
	x.Use = Used{Word: UseNotSeen, Why: "no entry of the logs names it", Times: r.Granted + r.Undecided, Last: r.Last}
	switch {
	case x.Use.Times > 0:
		x.Use.Word, x.Use.Why = UseUsed, ""
	case r.Counts.Refused > 0:
		x.Use.Word, x.Use.Why = UseRefused, "every entry that names it is a refusal"
	}
	for i := range r.Refused {
		u := &r.Refused[i]
		if i == maxUses {
			x.Use.Refused = append(x.Use.Refused, fmt.Sprintf("and %d more", len(r.Refused)-i))
			break
		}
		x.Use.Refused = append(x.Use.Refused, fmt.Sprintf("%s at %s, %s", u.Action, u.Scope, times(u.Refused)))
	}
	return r
}

// maxUses is how many operations a grant lists.
const maxUses = 3

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// useOf says in one word what logs tell of a grant.
func useOf(g *usage.Grant) Used {
	var u Used
	for i := range g.Used {
		n := &g.Used[i]
		u.Times += n.Granted + n.Undecided
		if n.Last.After(u.Last) {
			u.Last = n.Last
		}
		if i < maxUses {
			u.Operations = append(u.Operations, n.Action)
		}
	}
	if more := len(g.Used) - maxUses; more > 0 {
		u.Operations = append(u.Operations, fmt.Sprintf("and %d more", more))
	}
	var worst *usage.Unused
	for i := range g.Unused {
		n := &g.Unused[i]
		if n.Class == usage.Covered {
			u.Unused += len(n.Actions)
		}
		if worst == nil || classRank(n.Class) > classRank(worst.Class) {
			worst = n
		}
	}
	switch {
	case u.Times > 0:
		u.Word = UseUsed
	case g.Right.Effect == authz.Denied:
		u.Word, u.Why = UseNotSeen, "it does not count, so that nothing can show its use"
	case worst == nil:
		u.Word, u.Why = UseNotSeen, "its role gives nothing that is known"
	case worst.Class == usage.Covered:
		u.Word, u.Evidence, u.Why = UseUnused, string(worst.Class), worst.Why
	default:
		u.Word, u.Evidence, u.Why = UseNotSeen, string(worst.Class), worst.Why
	}
	return u
}

func classRank(c usage.Class) int {
	return slices.Index([]usage.Class{usage.Covered, usage.Blind, usage.Off}, c)
}

// grant tells one right in Azure.
func (b *builder) grant(id *mivet.Identity, r *authz.Right) Grant {
	g := Grant{What: cmp.Or(r.RoleName, "a role that is not known"), Scope: r.Scope.String(), Place: r.Source.String(), Use: Used{Word: UseUnasked}, Holds: holdsWords(r)}
	if row := b.inv.rightRow(r); row != nil && row.Holder == id.Principal {
		g.Row = row.ID
	}
	if len(r.Via) > 1 || len(r.Via) == 1 && r.Via[0] != id.Principal {
		for _, v := range r.Via {
			if v != id.Principal {
				g.Via = append(g.Via, b.title(v))
			}
		}
	}
	switch {
	case r.Assignment != nil:
		a := r.Assignment
		g.Kind = assignmentRow(a).Kind
		g.Limits = limitsOf(a)
		if a.Description != "" {
			g.Justification, g.JustifiedBy = a.Description, "the description of the assignment"
		}
		b.born(&g, a.CreatedOn, a.CreatedBy)
		if made := b.made[assignmentRow(a).ID]; made != nil && made.Known() {
			g.CreatedBy = b.caller(made.By)
			if g.CreatedOn.IsZero() {
				b.aged(&g, made.At)
			}
		}
		g.Promise = b.promised(a)
	case r.Policy != nil:
		g.Kind, g.What = KindPolicy, PolicyWords(r.Policy)
		if r.Policy.ApplicationID != "" {
			g.Limits = append(g.Limits, "only for users who come through the application "+r.Policy.ApplicationID)
		}
	case r.Local != nil:
		g.Kind, g.Scope = KindLocal, r.Local.Account.String()+strings.TrimSuffix(r.Local.Scope, "/")
		g.What += " (" + string(r.Local.System) + ")"
	default:
		g.Kind = KindDelegation
	}
	if g.Justification == "" {
		b.agreed(&g, id, r)
	}
	return g
}

// agreed finds a part of the contract's ceiling that speaks of the grant's role and scope.
func (b *builder) agreed(g *Grant, id *mivet.Identity, r *authz.Right) {
	a := b.binding(id)
	if a == nil {
		return
	}
	for i := range a.Ceiling {
		c := &a.Ceiling[i]
		if c.Err != nil || !covers(c.Scope.ID, r.Scope) {
			continue
		}
		byRole := r.Assignment != nil && c.Role != "" && r.Role != nil &&
			(strings.EqualFold(c.Role, r.Role.Name) || mivet.NewRoleID(c.Role) == r.Role.ID)
		byPolicy := r.Policy != nil && c.Policy != nil
		byLocal := r.Local != nil && c.Local != nil && c.Local.System == r.Local.System
		byOperation := c.Access != "" && r.Gives(c.Question.Operation, c.Question.Plane) == authz.Allowed
		if byRole || byPolicy || byLocal || byOperation {
			g.Justification = cmp.Or(c.Note, "agreed as its ceiling: "+ceilingWords(c.Grant)+" at "+c.On.Text)
			g.JustifiedBy = "the contract, " + c.At.String()
			return
		}
	}
}

func ceilingWords(c *contract.Grant) string {
	if c.Local != nil {
		return string(c.Local.System) + " " + c.Local.Role
	}
	return cmp.Or(c.Role, c.Access, "access policy")
}

func covers(scope, below arm.ID) bool { return !scope.IsZero() && scope.Contains(below) }

func (b *builder) born(g *Grant, on time.Time, by mivet.PrincipalID) {
	if by != "" {
		g.CreatedBy = b.title(by)
	}
	b.aged(g, on)
}

// aged says how old a grant was when the facts were read.
func (b *builder) aged(g *Grant, on time.Time) {
	g.CreatedOn = on
	at := b.Snapshot.TakenAt
	if !on.IsZero() && !at.IsZero() && !on.After(at) {
		days := int(at.Sub(on).Hours() / 24)
		g.AgeDays = &days
	}
}

// holdsWords says whether a right counts.
func holdsWords(r *authz.Right) string {
	switch {
	case r.Effect == authz.Allowed && len(r.Ignored) > 0:
		return "yes, and not at " + vet.Count(len(r.Ignored), "resource") + ": " + r.Ignored[0].Why
	case r.Effect == authz.Allowed:
		return "yes"
	case r.Effect == authz.Denied && r.Cause == authz.CauseTime:
		return "no: out of time"
	case r.Effect == authz.Denied && len(r.Ignored) > 0:
		return "no: " + r.Ignored[0].Why
	case r.Effect == authz.Denied:
		return "no: " + r.Cause.String()
	}
	return "not known: " + r.Cause.String()
}

func limitsOf(a *mivet.RoleAssignment) []string {
	var out []string
	if a.Condition != "" {
		out = append(out, "condition "+strings.Join(strings.Fields(a.Condition), " "))
	}
	if a.ConditionUnknown {
		out = append(out, "its condition was not read")
	}
	if !a.Start.IsZero() {
		out = append(out, "from "+day(a.Start))
	}
	if !a.End.IsZero() {
		out = append(out, "until "+day(a.End))
	}
	return out
}

// PolicyWords says what an entry of an access list gives.
func PolicyWords(p *mivet.AccessPolicy) string {
	var parts []string
	for _, l := range []struct {
		what string
		list []string
	}{{"keys", p.Keys}, {"secrets", p.Secrets}, {"certificates", p.Certificates}, {"storage", p.Storage}} {
		if len(l.list) > 0 {
			parts = append(parts, l.what+" "+strings.Join(l.list, ", "))
		}
	}
	return cmp.Or(strings.Join(parts, "; "), "an empty entry")
}

// other tells a row that is no right of the authorization engine.
func (b *builder) other(id *mivet.Identity, r *Row) Grant {
	g := Grant{Row: r.ID, Kind: r.Kind, Holds: "yes", Use: Used{Word: UseUnasked}}
	if b.uses != nil {
		g.Use = Used{Word: UseNotSeen, Evidence: string(usage.Blind), Why: "no log that was read tells of its use"}
	}
	e := &r.Edit
	switch r.Kind {
	case KindMember:
		g.What, g.Scope, g.Place = "member of "+b.title(e.Membership.Group), string(e.Membership.Group), e.Membership.Source.String()
		if n := b.groupGrants(e.Membership.Group); n > 0 {
			g.Limits = append(g.Limits, "brings "+vet.Count(n, "grant"))
		}
	case KindAppRole:
		g.What, g.Place = cmp.Or(e.AppRole.APIName, string(e.AppRole.API))+" "+cmp.Or(e.AppRole.Role, e.AppRole.RoleID), e.AppRole.Source.String()
	case KindDirectory:
		g.What, g.Scope, g.Place = cmp.Or(e.Directory.Role, e.Directory.RoleID), cmp.Or(e.Directory.DirectoryScope, "/"), e.Directory.Source.String()
		if e.Directory.Eligible {
			g.Holds = "no: eligible and not activated"
		}
	case KindFederation:
		f := e.Federation
		g.What = "tokens of " + f.Issuer + " for " + cmp.Or(f.Subject, f.Expression)
		g.Scope, g.Place = f.Name, f.Source.String()
		g.Use = b.signIns(id, f)
	case KindPathACL:
		a := e.PathACL
		g.What, g.Scope, g.Place = a.Permissions+" ("+a.Tag+")", a.Container.String()+a.Path, a.Source.String()
	default:
		b.plain(&g, e)
	}
	return g
}

// plain tells a grant of Azure's that the engine does not list, such as one whose principal
// it does not know.
func (b *builder) plain(g *Grant, e *mivet.Edit) {
	g.Holds = "not known"
	switch {
	case e.Assignment != nil:
		a := e.Assignment
		g.What, g.Scope, g.Limits, g.Place = b.roleName(a), a.Scope.String(), limitsOf(a), a.Source.String()
		g.Justification = a.Description
		b.born(g, a.CreatedOn, a.CreatedBy)
	case e.Policy != nil:
		g.What, g.Scope, g.Place = PolicyWords(e.Policy), e.Policy.Vault.String(), e.Policy.Source.String()
	case e.Grant != nil:
		g.What, g.Scope, g.Place = e.Grant.Role+" ("+string(e.Grant.System)+")", e.Grant.Account.String()+e.Grant.Scope, e.Grant.Source.String()
	}
}

func (b *builder) roleName(a *mivet.RoleAssignment) string {
	if d := b.index.Role(a.Role); d != nil {
		return d.Name
	}
	if d := b.Catalog.Role(a.Role); d != nil {
		return d.Name
	}
	return cmp.Or(a.RoleName, string(a.Role))
}

// groupGrants counts what membership of a group brings, its own groups' grants among it.
func (b *builder) groupGrants(group mivet.PrincipalID) int {
	n := 0
	for _, holder := range b.inv.WithGroups(group) {
		for _, r := range b.inv.Rows(holder) {
			if r.Kind != KindMember {
				n++
			}
		}
	}
	return n
}

// signIns tells whether sign-ins name a federated credential.
func (b *builder) signIns(id *mivet.Identity, f *mivet.FederatedCredential) Used {
	if b.Logs == nil {
		return Used{Word: UseUnasked}
	}
	u := Used{Word: UseNotSeen, Evidence: string(usage.Off), Why: "no sign-in that was read names it"}
	for i := range b.Logs.Origins {
		o := &b.Logs.Origins[i]
		if !strings.EqualFold(o.Principal, string(id.Principal)) || o.Credential == "" || !strings.HasSuffix(strings.ToLower(o.Credential), strings.ToLower(f.Name)) {
			continue
		}
		u.Word, u.Evidence, u.Why = UseUsed, "", ""
		u.Times += o.Total()
		if o.Last.After(u.Last) {
			u.Last = o.Last
		}
	}
	return u
}

// unwritten reports whether a text is left to be written.
func unwritten(s string) bool { return s == "" || strings.HasPrefix(s, contract.Todo) }
