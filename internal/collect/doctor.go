// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// probeSubs is how many subscriptions a diagnosis looks into.
const probeSubs = 20

// Diagnose asks each question of the table once or a few times, and says which are not
// answered and what stays unknown for that.
func Diagnose(ctx context.Context, o *Config) (_ *Diagnosis, err error) {
	r, res, err := begin(ctx, o, "diagnosis")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.journal.close()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.cancel = cancel
	d := &diagnosis{run: r, missing: map[string]*Missing{}, checked: map[string]bool{}}
	d.subscriptions(ctx)
	d.queries(ctx)
	d.directory(ctx)
	r.wg.Wait()
	if err := r.ended(ctx); err != nil {
		return nil, err
	}
	d.root()
	return d.result(res), nil
}

// diagnosis collects what is missing. Equal reasons at several scopes are one entry.
type diagnosis struct {
	run     *run
	mu      sync.Mutex
	missing map[string]*Missing
	checked map[string]bool
}

func (d *diagnosis) result(res *Result) *Diagnosis {
	out := &Diagnosis{Caller: res.Caller, Cloud: d.run.config.Cloud.Name, Checked: sorted(d.checked), Effort: d.run.client.stats.effort()}
	for _, m := range d.missing {
		slices.Sort(m.Where)
		out.Missing = append(out.Missing, *m)
	}
	slices.SortFunc(out.Missing, func(a, b Missing) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Reason, b.Reason)) })
	return out
}

// probe reads the first page of a list.
func (d *diagnosis) probe(ctx context.Context, l *listing) *page {
	p, err := d.run.fetch(ctx, l, "")
	var f *RequestError
	switch {
	case errors.As(err, &f):
	case err != nil:
		if ctx.Err() == nil {
			d.run.cancel(err)
		}
		return &page{}
	default:
		f = p.Fail
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checked[l.call.what] = true
	if f == nil || slices.Contains(l.call.tolerated, f.Code) {
		return p
	}
	d.add(l.call, l.id, reason(f, l.call))
	return &page{}
}

// add notes that a call is not answered at a scope.
func (d *diagnosis) add(c *call, where, why string) {
	// Messages name the scope: those of two scopes differ and mean the same.
	key := c.what + "|" + strings.SplitN(why, ": ", 2)[0]
	m := d.missing[key]
	if m == nil {
		m = &Missing{What: c.what, Reason: why, Needs: c.needs}
		for i, kind := range c.facts {
			if i > 0 {
				m.Unknown += "; "
			}
			m.Unknown += unknowns[kind]
		}
		d.missing[key] = m
	}
	if where != "" {
		m.Where = append(m.Where, where)
	}
}

// subscriptions probes what is asked at scopes.
func (d *diagnosis) subscriptions(ctx context.Context) {
	r := d.run
	p := d.probe(ctx, &listing{call: callSubscriptions})
	ids := r.facts.subscriptionList(p, mivet.Source{})
	if len(ids) == 0 {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.add(callSubscriptions, "", "no subscription can be seen")
		return
	}
	for _, id := range ids[:min(len(ids), probeSubs)] {
		for _, c := range []*call{callDenies, callEligible, callActive, callLocks} {
			r.spawn(ctx, func(ctx context.Context) { d.probe(ctx, &listing{call: c, id: id.String()}) })
		}
	}
}

// queries probes Resource Graph, and what is asked of resources at one of each type.
func (d *diagnosis) queries(ctx context.Context) {
	r := d.run
	for _, c := range []*call{callPolicies, callDelegations, callSiteConfigs} {
		r.spawn(ctx, func(ctx context.Context) { d.probe(ctx, &listing{call: c}) })
	}
	r.spawn(ctx, func(ctx context.Context) {
		r.facts.containers(d.probe(ctx, &listing{call: callContainers}), mivet.Source{})
	})
	r.spawn(ctx, func(ctx context.Context) {
		p := d.probe(ctx, &listing{call: callAuthorization, where: "type =~ 'microsoft.authorization/roleassignments'"})
		r.facts.authorization(p, callAuthorization.what, mivet.Source{})
		d.nothing(callAuthorization, p)
		if g := r.facts.someGroup(); g != "" {
			d.members(ctx, g)
		}
	})
	r.spawn(ctx, func(ctx context.Context) {
		var types []string
		for _, c := range perResource {
			for _, t := range c.on {
				types = append(types, quoted(strings.ToLower(t)))
			}
		}
		slices.Sort(types)
		p := d.probe(ctx, &listing{call: callResources, where: "type in~ (" + strings.Join(slices.Compact(types), ", ") + ")"})
		d.samples(ctx, p.ids())
	})
}

// nothing notes that a query shows nothing, where every tenant has something.
func (d *diagnosis) nothing(c *call, p *page) {
	if p.Fail == nil && len(p.Rows) == 0 && !p.At.IsZero() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.add(c, "", "Resource Graph shows none of the "+c.what)
	}
}

// samples asks about the first resource of each type.
func (d *diagnosis) samples(ctx context.Context, ids []arm.ID) {
	r := d.run
	for _, c := range perResource {
		if !r.with(c.with) {
			continue
		}
		for _, typ := range c.on {
			if i := slices.IndexFunc(ids, func(id arm.ID) bool { return id.HasType(typ) }); i >= 0 {
				r.spawn(ctx, func(ctx context.Context) { d.probe(ctx, &listing{call: c, id: ids[i].String()}) })
			}
		}
	}
}

// directory probes Microsoft Graph.
func (d *diagnosis) directory(ctx context.Context) {
	r := d.run
	for _, c := range []*call{callServicePrincipals, callApplications, callDirectoryRoles, callDirectoryAssignments, callDirectoryEligible} {
		r.spawn(ctx, func(ctx context.Context) { d.probe(ctx, &listing{call: c}) })
	}
	r.spawn(ctx, func(ctx context.Context) {
		d.probe(ctx, &listing{call: callObjects, body: map[string]any{"ids": []string{r.caller.Principal}, "types": []string{"user", "group", "servicePrincipal"}}})
	})
}

// members probes the members of a group.
func (d *diagnosis) members(ctx context.Context, group string) {
	d.probe(ctx, &listing{call: callMembers, id: group})
}

// root notes that the tenant root group cannot be seen.
func (d *diagnosis) root() {
	f := d.run.facts
	f.mu.Lock()
	ok := f.told[parsed("/providers/"+typeMG+"/"+d.run.caller.Tenant).Key()]
	f.mu.Unlock()
	if ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missing["root"] = &Missing{
		What: "the tenant root group", Reason: "it cannot be seen, so that there may be management groups and subscriptions that nobody told of",
		Needs: []string{"Microsoft.Management/managementGroups/read"}, Unknown: unknowns[mivet.FactSubscriptions],
	}
}

// someGroup returns a group that a role assignment names.
func (f *facts) someGroup() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.snap.RoleAssignments {
		if a.PrincipalType == mivet.TypeGroup {
			return string(a.Principal)
		}
	}
	return ""
}
