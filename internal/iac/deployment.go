// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/armtemplate"
	"github.com/mivet/mivet/change"
)

// Deployment is what a template does not say of the deployment that it is for.
type Deployment struct {
	// Tenant is what is there before; nil: not known, and everything counts as new.
	Tenant *mivet.Snapshot
	// Complete says that the deployment deletes what the template does not hold, in the
	// resource group that it goes to (deployment-modes.md).
	Complete bool
	// Group is the resource group that a complete deployment goes to.
	Group arm.ID
}

// ReadTemplateChange reads an ARM template as a change of what is there: resources that are
// there keep their principals, and the facts of a resource carry its ID as address.
func ReadTemplateChange(ctx context.Context, name string, r io.Reader, opts TemplateOptions, dep Deployment) (*change.Plan, error) {
	t, err := parseTemplate(name, r)
	if err != nil {
		return nil, err
	}
	d, err := declareTemplate(ctx, name, t, opts)
	if err != nil {
		return nil, err
	}
	return d.plan(dep), nil
}

// ReadPredictedChange is [ReadTemplateChange] for what "bicep snapshot" writes.
func ReadPredictedChange(ctx context.Context, name string, r io.Reader, dep Deployment) (*change.Plan, error) {
	d, err := declarePredicted(ctx, name, r)
	if err != nil {
		return nil, err
	}
	return d.plan(dep), nil
}

// ReadWhatIfChange reads the answer of a what-if as the change that it is. It says itself what was there before; a tenant
// tells what it leaves out.
func ReadWhatIfChange(ctx context.Context, name string, r io.Reader, dep Deployment) (*change.Plan, error) {
	d, err := declareWhatIf(ctx, name, r)
	if err != nil {
		return nil, err
	}
	return d.plan(dep), nil
}

// Change is [ReadTemplateChange] for a compiled Bicep file.
func (b *Bicep) Change(ctx context.Context, dep Deployment) (*change.Plan, error) {
	d, err := b.declare(ctx)
	if err != nil {
		return nil, err
	}
	p := d.plan(dep)
	p.After.Gaps = b.gaps(p.After.Gaps)
	return p, nil
}

// A deployer makes a change of declared resources.
type deployer struct {
	*declarer
	dep    Deployment
	before *mivet.Snapshot
	after  *mivet.Snapshot
	ids    map[arm.Key]*declared // what is deployed, or said to be deleted
	there  map[arm.Key]bool      // what is there before
	known  map[mivet.PrincipalID]mivet.PrincipalID
	steps  []change.Step

	was, is map[arm.Key]*mivet.Resource // of both sides
	// Assignments of both sides.
	grants, granted map[arm.Key]*mivet.RoleAssignment
}

func (d *declarer) plan(dep Deployment) *change.Plan {
	if dep.Tenant == nil {
		dep.Tenant = &mivet.Snapshot{}
	}
	d.byID = true
	p := &deployer{declarer: d, dep: dep, ids: map[arm.Key]*declared{}, there: map[arm.Key]bool{}, known: map[mivet.PrincipalID]mivet.PrincipalID{}}
	for _, r := range d.list {
		if !r.existing {
			p.ids[parsed(r.id).Key()] = r
		}
	}
	p.after = d.finish()
	p.past()
	p.bind()
	p.was, p.is = resourcesByID(p.before), resourcesByID(p.after)
	p.grants, p.granted = assignmentsByID(p.before), assignmentsByID(p.after)
	p.kept()
	for _, r := range d.list {
		if !r.existing {
			p.step(r)
		}
	}
	if dep.Complete {
		p.complete()
	}
	return &change.Plan{Before: p.before, After: p.after, Steps: p.steps}
}

// past is what is there of what is deployed: as a what-if says it, or as the tenant has it.
func (p *deployer) past() {
	was := newDeclarer(p.b.doc.file, p.b.doc.kind)
	was.byID = true
	for _, r := range p.list {
		if r.before != nil {
			old := *r
			old.body, old.before, old.actions, old.existing = r.before, nil, nil, false
			was.add(&old)
		}
	}
	p.before = was.finish()
	for i := range p.before.Declarations {
		p.there[p.before.Declarations[i].Resource.Key()] = true
	}
	p.before.TenantID, p.before.TakenAt, p.after.TakenAt = p.dep.Tenant.TenantID, p.dep.Tenant.TakenAt, p.dep.Tenant.TakenAt
	if p.after.TenantID == "" {
		p.after.TenantID = p.dep.Tenant.TenantID
	}
	p.takeFrom(p.dep.Tenant, func(id arm.ID) bool { return p.ids[id.Key()] != nil && !p.there[id.Key()] })
}

// takeFrom takes the facts of some resources of the tenant into the side before, with their IDs as addresses.
func (p *deployer) takeFrom(t *mivet.Snapshot, wanted func(arm.ID) bool) {
	b := p.before
	here := map[arm.Key]bool{}
	take := func(id arm.ID) (mivet.Source, bool) {
		if id.IsZero() || !wanted(id) {
			return mivet.Source{}, false
		}
		here[id.Key()] = true
		return p.source(p.addressOf(id), armtemplate.Pos{}), true
	}
	b.Resources = append(b.Resources, taken(t.Resources, take, func(x *mivet.Resource) (arm.ID, *mivet.Source) { return x.ID, &x.Source })...)
	b.Identities = append(b.Identities, taken(t.Identities, take, func(x *mivet.Identity) (arm.ID, *mivet.Source) { return x.Resource, &x.Source })...)
	b.RoleAssignments = append(b.RoleAssignments, taken(t.RoleAssignments, take, func(x *mivet.RoleAssignment) (arm.ID, *mivet.Source) { return x.ID, &x.Source })...)
	b.FederatedCredentials = append(b.FederatedCredentials, taken(t.FederatedCredentials, take, func(x *mivet.FederatedCredential) (arm.ID, *mivet.Source) { return x.ID, &x.Source })...)
	b.AccessPolicies = append(b.AccessPolicies, taken(t.AccessPolicies, func(id arm.ID) (mivet.Source, bool) {
		if !p.writesPolicies(id) {
			return mivet.Source{}, false
		}
		return take(id)
	}, func(x *mivet.AccessPolicy) (arm.ID, *mivet.Source) { return x.Vault, &x.Source })...)
	for key := range here {
		p.there[key] = true
	}
}

// taken copies facts with another source.
func taken[T any](list []T, take func(arm.ID) (mivet.Source, bool), of func(*T) (arm.ID, *mivet.Source)) []T {
	var out []T
	for i := range list {
		x := list[i]
		id, src := of(&x)
		if s, ok := take(id); ok {
			*src = s
			out = append(out, x)
		}
	}
	return out
}

// addressOf is how the change calls a resource.
func (p *deployer) addressOf(id arm.ID) string {
	if r := p.ids[id.Key()]; r != nil {
		return r.id
	}
	return id.String()
}

// writesPolicies reports whether the policies of a vault are replaced: a vault is written with all that it has.
func (p *deployer) writesPolicies(vault arm.ID) bool {
	r := p.ids[vault.Key()]
	if r == nil {
		return true // it is deleted
	}
	return armtemplate.At(r.body, "properties", "accessPolicies") != nil
}

// bind gives the principals that are known to what refers to them: a resource that is there keeps its own when it is deployed
// again.
func (p *deployer) bind() {
	at := map[string]mivet.PrincipalID{}
	key := func(x *mivet.Identity) string { return string(x.Kind) + " " + string(x.Resource.Key()) }
	for _, s := range []*mivet.Snapshot{p.dep.Tenant, p.before} {
		for i := range s.Identities {
			x := &s.Identities[i]
			if _, symbol := x.Principal.Symbolic(); !symbol && x.Principal != "" {
				at[key(x)] = x.Principal
				if p.ids[x.Resource.Key()] != nil { // it may be referred to, and not be named
					p.known[mivet.SymbolicPrincipal(p.b.ownerText(x.Resource))] = x.Principal
				}
			}
		}
	}
	set := func(id *mivet.PrincipalID) {
		if known, ok := p.known[*id]; ok {
			*id = known
		}
	}
	a := p.after
	for i := range a.Identities {
		if x := &a.Identities[i]; at[key(x)] != "" {
			if _, symbol := x.Principal.Symbolic(); symbol {
				p.known[x.Principal] = at[key(x)]
			}
		}
		set(&a.Identities[i].Principal)
	}
	for i := range a.Resources {
		if had := a.Resources[i].Identity; had != nil {
			bound := *had
			set(&bound.SystemPrincipal)
			a.Resources[i].Identity = &bound
		}
	}
	for i := range a.RoleAssignments {
		set(&a.RoleAssignments[i].Principal)
	}
	for i := range a.AccessPolicies {
		set(&a.AccessPolicies[i].Principal)
	}
	for i := range a.LocalGrants {
		set(&a.LocalGrants[i].Principal)
	}
}

// kept takes over the identity that a resource has where the template does not name one. Whether it stays then is decided by
// each service, so it is told.
func (p *deployer) kept() {
	kept := map[arm.Key]mivet.Source{}
	for i := range p.after.Resources {
		x := &p.after.Resources[i]
		r := p.ids[x.ID.Key()]
		if r == nil || x.Identity != nil || r.body.Get("identity") != nil || !slices.Contains(r.actions, actionDeploy) {
			continue
		}
		old := p.was[x.ID.Key()]
		if old == nil || old.Identity == nil {
			continue
		}
		x.Identity = old.Identity
		kept[x.ID.Key()] = x.Source
		p.after.Gaps = append(p.after.Gaps, mivet.Gap{
			Facts: mivet.FactIdentities, Scope: x.ID, Source: x.Source, Subject: r.id,
			Reason: "it has an identity, and the template does not name one: it is read as kept, which each service decides",
		})
	}
	for _, m := range p.before.Identities {
		if src, ok := kept[m.Resource.Key()]; ok && m.Kind == mivet.SystemAssigned {
			m.Source = src
			p.after.Identities = append(p.after.Identities, m)
		}
	}
}

func resourcesByID(s *mivet.Snapshot) map[arm.Key]*mivet.Resource {
	out := make(map[arm.Key]*mivet.Resource, len(s.Resources))
	for i := range s.Resources {
		out[s.Resources[i].ID.Key()] = &s.Resources[i]
	}
	return out
}

func assignmentsByID(s *mivet.Snapshot) map[arm.Key]*mivet.RoleAssignment {
	out := make(map[arm.Key]*mivet.RoleAssignment, len(s.RoleAssignments))
	for i := range s.RoleAssignments {
		out[s.RoleAssignments[i].ID.Key()] = &s.RoleAssignments[i]
	}
	return out
}

// sameRole reports whether two assignments surely give the same role under the same condition.
func sameRole(a, b *mivet.RoleAssignment) bool {
	return a != nil && b != nil && a.Role != "" && a.Role == b.Role && a.Condition == b.Condition && !b.ConditionUnknown
}

// step says what the deployment does to one resource.
func (p *deployer) step(r *declared) {
	v := p.view(r)
	id := parsed(r.id)
	s := change.Step{Address: r.id, Type: r.typ, Actions: r.actions, Source: v.src}
	if slices.Contains(r.actions, actionDeploy) {
		s.Actions = []string{"create"}
		if p.there[id.Key()] {
			s.Actions = []string{"update"}
		}
	}
	if v.isGrant() {
		s.Grant = &change.Grant{Role: isRoleAssignment(v)}
		old := p.grants[id.Key()]
		if old != nil {
			s.Grant.Before.Principal = old.Principal
		}
		if v.stays() {
			s.Grant.After = p.b.bound(v)
			if known, ok := p.known[s.Grant.After.Principal]; ok {
				s.Grant.After.Principal = known
			}
		}
		if old != nil && !s.Grant.After.Open && old.Principal == s.Grant.After.Principal && sameRole(old, p.granted[id.Key()]) && slices.Contains(r.actions, actionDeploy) {
			s.Actions = []string{"no-op"}
		}
	}
	for _, path := range selectingSettings {
		before, after := settingOf(p.was[id.Key()], path), settingOf(p.is[id.Key()], path)
		if len(before)+len(after) > 0 {
			s.Selectors = append(s.Selectors, change.Selector{Attribute: path, Before: change.Choice{Values: before}, After: change.Choice{Values: after}})
		}
	}
	p.steps = append(p.steps, s)
}

// selectingSettings are the properties of a resource that pick one of its identities by a resource ID.
var selectingSettings = []string{"keyVaultReferenceIdentity"}

func settingOf(x *mivet.Resource, path string) []string {
	if x == nil {
		return nil
	}
	if value, ok := x.Setting(path); ok && value != "" {
		return []string{value}
	}
	return nil
}

// complete deletes what the group has and the template has not, nested templates included.
// Other groups that these go to lose nothing, and nothing goes that is locked
// (deployment-modes.md). What lies in a resource goes with it; assignments of roles at the
// group stay (deployment-complete-mode-deletion.md).
func (p *deployer) complete() {
	gone, holders := map[arm.Key]bool{}, p.holders()
	for i := range p.dep.Tenant.Resources {
		x := &p.dep.Tenant.Resources[i]
		if !x.ID.Parent().Equal(p.dep.Group) || p.ids[x.ID.Key()] != nil || holders[x.ID.Key()] || stays(x.ID.Type()) || p.locked(x.ID) {
			continue
		}
		if why := p.unsure(x.ID); why != "" {
			p.after.Gaps = append(p.after.Gaps, mivet.Gap{
				Facts: mivet.FactInput, Scope: x.ID, Subject: x.ID.String(), Source: p.source(x.ID.String(), armtemplate.Pos{}),
				Reason: "whether the complete mode deletes it is not known: " + why,
			})
			continue
		}
		gone[x.ID.Key()] = true
		p.steps = append(p.steps, change.Step{
			Address: x.ID.String(), Type: x.ID.Type(), Actions: []string{"delete"}, Source: p.source(x.ID.String(), armtemplate.Pos{}),
		})
	}
	p.takeFrom(p.dep.Tenant, func(id arm.ID) bool { return gone[id.Key()] })
}

// locked reports whether a lock keeps a resource from being deleted.
func (p *deployer) locked(id arm.ID) bool {
	return slices.ContainsFunc(p.dep.Tenant.Locks, func(l mivet.Lock) bool { return l.Scope.Contains(id) })
}

// unsure says why the template may hold a resource that it does not name; empty where it
// surely does not.
func (p *deployer) unsure(id arm.ID) string {
	if p.unread != "" {
		return p.unread
	}
	for _, r := range p.list {
		if r.openID && !r.existing && arm.Fold(r.typ) == arm.Fold(id.Type()) {
			return "the template has one of its type whose name or place is known only when it is deployed"
		}
	}
	return ""
}

// stayingTypes are the providers whose resources a complete deployment leaves alone.
var stayingTypes = map[arm.Key]bool{"microsoft.authorization": true, "microsoft.resources": true, "microsoft.managedservices": true}

func stays(typ string) bool {
	provider, _, _ := strings.Cut(typ, "/")
	return stayingTypes[arm.Fold(provider)]
}

// holders are the resources in which something lies that is deployed.
func (p *deployer) holders() map[arm.Key]bool {
	out := map[arm.Key]bool{}
	for _, r := range p.ids {
		for at := parsed(r.id).Parent(); at.Level() == arm.LevelResource; at = at.Parent() {
			out[at.Key()] = true
		}
	}
	return out
}
