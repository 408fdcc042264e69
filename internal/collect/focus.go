// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// The bounds of a collection for one thing: for somebody who is on call and waits.
const (
	focusRequests = 20
	focusTime     = 10 * time.Second
	focusSubs     = 2
)

// focus is what a collection for one thing is about.
type focus struct {
	resource   arm.ID
	principals []mivet.PrincipalID
	groups     []mivet.PrincipalID
	subs       []arm.ID
	others     []arm.ID // subscriptions that are not read
}

// For reads what questions about one identity or resource hang on, within 20
// requests and 10 seconds: its subscription, or those in which it has grants, as far as
// they decide who may do what. Everything else is a gap. The target is a resource ID, the
// object or client ID of a principal, or the name of a resource.
func For(ctx context.Context, o *Config, target string) (*Result, error) {
	r, res, err := begin(ctx, o, "for "+target)
	if err != nil {
		return nil, err
	}
	r.client.allowance = &allowance{left: focusRequests, most: focusRequests}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.cancel = cancel
	hurry, done := context.WithTimeout(ctx, focusTime)
	defer done()
	r.late = hurry
	if err := r.focused(hurry, target); err != nil {
		return nil, errors.Join(err, r.journal.close())
	}
	if err := r.ended(ctx); err != nil {
		return nil, errors.Join(err, r.journal.close())
	}
	return r.result(res), nil
}

func (r *run) focused(ctx context.Context, target string) error {
	var subs []arm.ID
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callSubscriptions}, func(p *page, src mivet.Source) { subs = append(subs, r.facts.subscriptionList(p, src)...) })
	})
	r.spawn(ctx, func(ctx context.Context) {
		l := &listing{call: callContainers, where: "type in~ ('microsoft.resources/subscriptions', 'microsoft.management/managementgroups')"}
		r.list(ctx, l, r.facts.containers)
	})
	var f focus
	var failed error
	r.spawn(ctx, func(ctx context.Context) { f, failed = r.find(ctx, target) })
	r.wg.Wait()
	if failed != nil {
		return failed
	}
	r.reach(ctx, &f, subs)
	for _, s := range f.subs {
		r.spawn(ctx, func(ctx context.Context) { r.oneSubscription(ctx, s) })
	}
	if !f.resource.IsZero() {
		r.each(ctx, []arm.ID{f.resource})
	}
	r.spawn(ctx, func(ctx context.Context) {
		l := &listing{call: callAuthorization, where: "type =~ 'microsoft.authorization/roledefinitions'"}
		r.list(ctx, l, func(p *page, src mivet.Source) { r.facts.authorization(p, callAuthorization.what, src) })
	})
	r.wg.Wait()
	r.principals(ctx)
	r.outside(&f)
	return nil
}

// find tells what a target is.
func (r *run) find(ctx context.Context, target string) (focus, error) {
	if strings.HasPrefix(target, "/") {
		id, err := arm.ParseID(target)
		if err != nil || id.Subscription().IsZero() {
			return focus{}, fmt.Errorf("looking for %s: it is no ID of a resource in a subscription", target)
		}
		r.lookup(ctx, "id =~ "+quoted(id.String()))
		return r.facts.focusOn(id), nil
	}
	if mivet.IsGUID(target) {
		return r.findPrincipal(ctx, target)
	}
	ids := r.lookup(ctx, "name =~ "+quoted(target))
	switch len(ids) {
	case 0:
		return focus{}, fmt.Errorf("looking for %s: there is no resource of that name that you can see; give a resource ID or an object ID", target)
	case 1:
		return r.facts.focusOn(ids[0]), nil
	default:
		texts := make([]string, len(ids))
		for i, id := range ids {
			texts[i] = id.String()
		}
		return focus{}, fmt.Errorf("looking for %s: %d resources have that name; give the ID of one:\n  %s", target, len(ids), strings.Join(texts, "\n  "))
	}
}

// quoted writes a text as a literal of a query.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// lookup reads the resources that a condition names.
func (r *run) lookup(ctx context.Context, where string) []arm.ID {
	var ids []arm.ID
	r.list(ctx, &listing{call: callResources, where: where}, func(p *page, src mivet.Source) {
		r.facts.carriers(p, callResources.what, src)
		ids = append(ids, p.ids()...)
	})
	return ids
}

// findPrincipal looks an object ID or a client ID up in the directory, where a managed
// identity names its resource, and among resources where the directory may not be read.
func (r *run) findPrincipal(ctx context.Context, id string) (focus, error) {
	var at arm.ID
	found := false
	take := func(p *page, src mivet.Source) {
		r.facts.objects(p, callObjects.what, mivet.TypeServicePrincipal, src, nil)
		for _, raw := range p.Rows {
			var o directoryObject
			if json.Unmarshal(raw, &o) != nil {
				continue
			}
			found, id = true, o.ID
			for _, n := range o.Alternative {
				if x := parsed(n); !x.Subscription().IsZero() {
					at = x
				}
			}
		}
	}
	r.list(ctx, &listing{call: callObjects, body: map[string]any{"ids": []string{id}, "types": []string{"user", "group", "servicePrincipal"}}}, take)
	if !found {
		where := "properties.principalId =~ " + quoted(id) + " or properties.clientId =~ " + quoted(id) + " or identity.principalId =~ " + quoted(id)
		if ids := r.lookup(ctx, where); len(ids) > 0 {
			return r.facts.focusOn(ids[0]), nil
		}
		// It may be deleted, or belong to another tenant: what it holds can be told all the same.
		return focus{principals: []mivet.PrincipalID{mivet.NewPrincipalID(id)}}, nil
	}
	f := focus{principals: []mivet.PrincipalID{mivet.NewPrincipalID(id)}, resource: at}
	if !at.IsZero() {
		f.subs = []arm.ID{at.Subscription()}
	}
	return f, nil
}

// focusOn makes a resource, and the identities it carries, the focus.
func (f *facts) focusOn(id arm.ID) focus {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := focus{resource: id, subs: []arm.ID{id.Subscription()}}
	for _, i := range f.snap.Identities {
		if i.Principal != "" && (i.Resource.Equal(id) || i.Kind == mivet.UserAssigned) {
			out.principals = append(out.principals, i.Principal)
		}
	}
	return out
}

// reach finds the groups and the grants of the principals, and with these the
// subscriptions that matter.
func (r *run) reach(ctx context.Context, f *focus, subs []arm.ID) {
	const most = 2
	for i, p := range f.principals {
		if i == most {
			break
		}
		r.list(ctx, &listing{call: callMemberOf, id: string(p)}, func(pg *page, src mivet.Source) {
			r.facts.objects(pg, callMemberOf.what, mivet.TypeGroup, src, func(g *mivet.Principal) { f.groups = append(f.groups, g.ID) })
		})
	}
	if len(f.principals) > 0 {
		var names []string
		for _, p := range slices.Concat(f.principals, f.groups) {
			names = append(names, quoted(string(p)))
		}
		l := &listing{call: callAuthorization, where: "type =~ 'microsoft.authorization/roleassignments' | where properties.principalId in~ (" + strings.Join(names, ", ") + ")"}
		r.list(ctx, l, func(p *page, src mivet.Source) {
			r.facts.authorization(p, callAuthorization.what, src)
			for _, id := range p.ids() {
				f.subs = append(f.subs, id.Subscription())
			}
		})
	}
	f.settle(subs)
}

// settle keeps the first subscriptions of those that matter.
func (f *focus) settle(all []arm.ID) {
	known := map[arm.Key]bool{}
	var subs []arm.ID
	for _, s := range f.subs {
		if !s.IsZero() && !known[s.Key()] && len(subs) < focusSubs {
			known[s.Key()] = true
			subs = append(subs, s)
		}
	}
	if len(subs) == 0 && len(all) == 1 {
		subs, known[all[0].Key()] = all, true
	}
	f.subs = subs
	for _, s := range all {
		if !known[s.Key()] {
			f.others = append(f.others, s)
		}
	}
}

// oneSubscription reads of a subscription what decides who may do what.
func (r *run) oneSubscription(ctx context.Context, s arm.ID) {
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callAssignments, id: s.String()}, func(p *page, src mivet.Source) { r.facts.authorization(p, callAssignments.what, src) })
	})
	r.spawn(ctx, func(ctx context.Context) { r.scoped(ctx, callDenies, s, "") })
	r.spawn(ctx, func(ctx context.Context) { r.scoped(ctx, callEligible, s, "") })
	r.list(ctx, &listing{call: callResources, where: "subscriptionId =~ " + quoted(s.SubscriptionID())}, func(p *page, src mivet.Source) {
		r.facts.carriers(p, callResources.what, src)
	})
}

// outside adds the gaps of what lies outside the focus.
func (r *run) outside(f *focus) {
	const why = "only what questions about one target hang on was read (--for)"
	for _, kind := range []mivet.FactKind{
		mivet.FactAppRoles, mivet.FactDirectoryRoles, mivet.FactOwners, mivet.FactFederatedCredentials, mivet.FactDelegations, mivet.FactPrincipals, mivet.FactAppSettings, mivet.FactLocks,
	} {
		r.facts.gap(mivet.Gap{Facts: kind, Reason: why, Inherent: true})
	}
	for _, s := range f.others {
		for _, kind := range []mivet.FactKind{
			mivet.FactResources, mivet.FactIdentities, mivet.FactRoleAssignments, mivet.FactEligibleAssignments, mivet.FactDenyAssignments,
			mivet.FactAccessPolicies, mivet.FactLocalGrants,
		} {
			r.facts.gap(mivet.Gap{Facts: kind, Scope: s, Reason: why, Inherent: true})
		}
	}
	r.facts.unaskedGrants(f.resource, why)
	r.facts.mu.Lock()
	defer r.facts.mu.Unlock()
	r.facts.lakes()
	r.facts.invisible()
}

// unaskedGrants notes the resources with roles of their own that were not asked.
func (f *facts) unaskedGrants(asked arm.ID, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.snap.Resources {
		id := f.snap.Resources[i].ID
		if id.Equal(asked) {
			continue
		}
		for _, c := range perResource {
			if c.facts[0] == mivet.FactLocalGrants && slices.ContainsFunc(c.on, id.HasType) {
				f.addGap(mivet.Gap{Facts: mivet.FactLocalGrants, Scope: id, Reason: why, Inherent: true})
			}
		}
		if id.HasType(typeHSM) {
			f.addGap(mivet.Gap{Facts: mivet.FactLocalGrants, Scope: id, Reason: why, Inherent: true})
		}
	}
}
