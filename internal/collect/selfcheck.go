// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Reported is what Resource Manager itself says that the caller may do at a scope.
type Reported struct {
	Scope       arm.ID
	Permissions []mivet.Permission
}

// SelfCheck is the material of a comparison: what the engine can know of the caller, and
// what Resource Manager reports. Scopes that could not be asked are gaps of the snapshot.
type SelfCheck struct {
	Caller   Caller
	Snapshot *mivet.Snapshot
	Reported []Reported
	Effort   Effort
}

// checkScopes is how many scopes are asked.
const checkScopes = 25

// CheckSelf reads what decides about the caller, and asks Resource Manager what the caller
// may do at sampled scopes: resource groups and resources, of as many types as there are.
func CheckSelf(ctx context.Context, o *Config) (_ *SelfCheck, err error) {
	r, res, err := begin(ctx, o, "self-check")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.journal.close()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.cancel = cancel
	r.facts.want(mivet.PrincipalID(r.caller.Principal))
	r.spawn(ctx, func(ctx context.Context) { r.list(ctx, &listing{call: callContainers}, r.facts.containers) })
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callAuthorization}, func(p *page, src mivet.Source) { r.facts.authorization(p, callAuthorization.what, src) })
	})
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callSubscriptions}, func(p *page, src mivet.Source) {
			for _, id := range r.facts.subscriptionList(p, src) {
				for _, c := range []*call{callDenies, callActive} {
					r.spawn(ctx, func(ctx context.Context) { r.scoped(ctx, c, id, "") })
				}
			}
		})
	})
	var ids []arm.ID
	r.spawn(ctx, func(ctx context.Context) {
		p, err := r.fetch(ctx, &listing{call: callResources}, "")
		if err != nil {
			r.failed(ctx, &listing{call: callResources}, err)
			return
		}
		r.facts.carriers(p, callResources.what, mivet.Source{})
		ids = p.ids()
	})
	r.wg.Wait()
	r.principals(ctx)
	out := &SelfCheck{Caller: r.caller}
	for _, id := range r.sample(ids) {
		r.list(ctx, &listing{call: callPermissions, id: id.String()}, func(p *page, _ mivet.Source) {
			out.Reported = append(out.Reported, Reported{id, permissionsOf(p)})
		})
	}
	if err := r.ended(ctx); err != nil {
		return nil, err
	}
	r.result(res)
	out.Snapshot, out.Effort = res.Snapshot, res.Effort
	return out, nil
}

// sample takes resource groups, then resources of as many types as there are.
func (r *run) sample(ids []arm.ID) []arm.ID {
	r.facts.mu.Lock()
	var out []arm.ID
	for i := range r.facts.snap.Resources {
		if id := r.facts.snap.Resources[i].ID; id.Level() == arm.LevelResourceGroup {
			out = append(out, id)
		}
	}
	r.facts.mu.Unlock()
	slices.SortFunc(out, func(a, b arm.ID) int { return strings.Compare(string(a.Key()), string(b.Key())) })
	out = out[:min(len(out), checkScopes/2)]
	types := map[arm.Key]bool{}
	for _, id := range ids {
		if t := arm.Fold(id.Type()); !types[t] && len(out) < checkScopes && id.Level() == arm.LevelResource {
			types[t] = true
			out = append(out, id)
		}
	}
	return out
}
