// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
)

// storyJSON says who stands behind an identity.
type storyJSON struct {
	Identity  principalJSON       `json:"identity"`
	Enabled   actJSON             `json:"enabled"`
	Grants    []grantStoryJSON    `json:"grants"`
	Workloads []workloadStoryJSON `json:"workloads"`
}

type grantStoryJSON struct {
	ID          arm.ID       `json:"id,omitzero"`
	Role        string       `json:"role"`
	RoleID      mivet.RoleID `json:"roleId,omitzero"`
	Scope       arm.ID       `json:"scope"`
	Description string       `json:"description,omitzero"`
	Eligible    bool         `json:"eligible,omitzero"`
	// Via is the group that holds it.
	Via     *principalJSON      `json:"via,omitzero"`
	Made    actJSON             `json:"made"`
	Promise *provenance.Promise `json:"promise,omitzero"`
	Source  mivet.Source        `json:"source"`
}

type workloadStoryJSON struct {
	Workload arm.ID  `json:"workload"`
	Deployed actJSON `json:"deployed"`
}

func (r *resolver) storyJSON(s *provenance.Story) storyJSON {
	j := storyJSON{Identity: r.principalJSON(s.Principal), Enabled: r.actJSON(&s.Enabled), Grants: []grantStoryJSON{}, Workloads: []workloadStoryJSON{}}
	for i := range s.Grants {
		g := &s.Grants[i]
		one := grantStoryJSON{
			ID: g.Grant.ID, Role: heldRole(g.Grant), RoleID: g.Grant.Role, Scope: g.Grant.Scope, Description: g.Grant.Description, Eligible: g.Grant.Eligible,
			Made: r.actJSON(&g.Made), Promise: g.Promise, Source: g.Grant.Source,
		}
		if g.Via != "" {
			via := r.principalJSON(g.Via)
			one.Via = &via
		}
		j.Grants = append(j.Grants, one)
	}
	for i := range s.Workloads {
		w := &s.Workloads[i]
		j.Workloads = append(j.Workloads, workloadStoryJSON{w.Workload, r.actJSON(&w.Deployed)})
	}
	return j
}

// stories are who stands behind the identities of one resource.
type stories struct {
	*resolver
	all []*provenance.Story
	now time.Time
}

// ask reads the logs and tells who stands behind the identities of the resource, or behind
// the identity that it is.
func (p *presentedBy) ask(ctx context.Context, a *app, f *identityFlags, names *resolver) error {
	log := provenance.NewLog(names.snap)
	if f.logs.given(f.in.demo) {
		if err := a.eachEntry(ctx, &f.logs, func(e *logs.Entry, text []byte, at mivet.Source) { log.Add(e, text, at) }); err != nil {
			return err
		}
	}
	p.stories = stories{resolver: names, now: firstTime(names.snap.TakenAt, a.Clock())}
	add := func(who mivet.PrincipalID) {
		if who != "" {
			s := log.Story(who)
			p.stories.all = append(p.stories.all, s)
			p.Who = append(p.Who, names.storyJSON(s))
		}
	}
	add(p.System)
	for _, id := range append([]arm.ID{p.Resource}, p.Attached...) {
		if i := names.index.UserAssigned(id); i != nil {
			add(i.Principal)
		}
	}
	return nil
}

func (s *stories) write(p *printer) {
	for _, story := range s.all {
		p.printf("\nWho stands behind %s\n", bold(s.title(story.Principal)))
		enabled := s.told(&story.Enabled)
		if story.Enabled.Known() && story.Enabled.What != "" {
			enabled += ": " + story.Enabled.What
		}
		p.printf("  %-10s %s\n", "enabled", enabled)
		for i := range story.Workloads {
			w := &story.Workloads[i]
			text := s.told(&w.Deployed)
			if w.Deployed.Known() {
				text += ": " + w.Deployed.What
			}
			p.printf("  %-10s %s: %s\n", "deployed", w.Workload.Name(), text)
		}
		for i := range story.Grants {
			g := &story.Grants[i]
			p.printf("  %-10s %s at %s\n", "holds", bold(heldRole(g.Grant)), g.Grant.Scope)
			if g.Via != "" {
				group, _ := s.describe(g.Via)
				p.printf("  %-10s   through the group %s\n", "", group)
			}
			p.printf("  %-10s   %s\n", "", s.told(&g.Made))
			if g.Grant.Description != "" {
				p.printf("  %-10s   saying %q\n", "", g.Grant.Description)
			}
			if g.Promise != nil {
				if broken, _ := g.Promise.Broken(g.Made.At, s.now); broken {
					p.printf("  %-10s   %s\n", "", yellow("it was promised to end, and is there"))
				}
			}
		}
	}
}
