// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

const (
	maxGapsAlike = 40 // gaps of one reason that are listed one by one
	maxNamed     = 3  // addresses named in a gap that stands for many objects
)

// Reasons that say what a plan is for and not what is wrong with it.
const (
	otherProviders = "objects of other providers are not read"
	nothingRead    = "objects of these types hold nothing that is read"
)

// gapSet collects gaps, and draws together those that would say the same many times.
type gapSet struct {
	single  []mivet.Gap
	alike   map[alikeKey]int
	more    map[alikeKey]*mivet.Gap
	tallies map[tallyKey]*tally
}

type alikeKey struct {
	facts  mivet.FactKind
	reason string
}

type tallyKey struct {
	facts  mivet.FactKind
	reason string
	group  string
}

type tally struct {
	count int
	first []string
	src   mivet.Source
}

// add records a gap about one object. Beyond some of the same reason, the rest becomes
// one gap of the whole tenant, which claims no less.
func (g *gapSet) add(gap mivet.Gap) {
	if g.alike == nil {
		g.alike, g.more = map[alikeKey]int{}, map[alikeKey]*mivet.Gap{}
	}
	key := alikeKey{gap.Facts, gap.Reason}
	if g.alike[key]++; g.alike[key] <= maxGapsAlike {
		g.single = append(g.single, gap)
		return
	}
	if g.more[key] == nil {
		g.more[key] = &mivet.Gap{Facts: gap.Facts, Source: gap.Source}
	}
}

// tally counts an object of a group, such as a type that is not understood.
func (g *gapSet) tally(facts mivet.FactKind, reason, group, address string, src mivet.Source) {
	if g.tallies == nil {
		g.tallies = map[tallyKey]*tally{}
	}
	key := tallyKey{facts, reason, group}
	t := g.tallies[key]
	if t == nil {
		t = &tally{src: src}
		g.tallies[key] = t
	}
	if t.count++; len(t.first) < maxNamed && !slices.Contains(t.first, address) {
		t.first = append(t.first, address)
	}
}

// list returns all gaps in a fixed order.
func (g *gapSet) list() []mivet.Gap {
	out := slices.Clone(g.single)
	for _, key := range slices.SortedFunc(maps.Keys(g.more), func(a, b alikeKey) int {
		return cmp.Or(cmp.Compare(a.facts, b.facts), cmp.Compare(a.reason, b.reason))
	}) {
		gap := *g.more[key]
		gap.Reason = fmt.Sprintf("%s (%d more objects like those named)", key.reason, g.alike[key]-maxGapsAlike)
		out = append(out, gap)
	}
	for _, key := range slices.SortedFunc(maps.Keys(g.tallies), func(a, b tallyKey) int {
		return cmp.Or(cmp.Compare(a.facts, b.facts), cmp.Compare(a.reason, b.reason), cmp.Compare(a.group, b.group))
	}) {
		out = append(out, g.tallies[key].gap(key))
	}
	return out
}

func (t *tally) gap(key tallyKey) mivet.Gap {
	names := strings.Join(t.first, ", ")
	if len(t.first) == maxNamed && t.count > maxNamed {
		names += ", …"
	}
	return mivet.Gap{
		Facts: key.facts, Subject: key.group, Inherent: key.reason == otherProviders || key.reason == nothingRead, Source: mivet.Source{Origin: &mivet.Origin{File: fileOf(t.src)}},
		Reason: fmt.Sprintf("%s: %d (%s)", key.reason, t.count, names),
	}
}

func fileOf(s mivet.Source) string {
	if s.Origin == nil {
		return ""
	}
	return s.Origin.File
}

// gap records what is missing because of one object of the plan.
func (b *builder) gap(v *view, facts mivet.FactKind, scope arm.ID, reason string) {
	if v.declared != nil {
		reason = strings.ReplaceAll(reason, whyNotFollow, whyDeployed)
	}
	b.gaps.add(mivet.Gap{Facts: facts, Scope: scope, Subject: v.address, Reason: reason, Source: v.src})
	if strings.HasSuffix(reason, whyEmpty) {
		b.refuse(v, reason)
	}
}

// refuse says of the object that was declared last that Azure refuses it as it is planned,
// and which objects its empty arguments come from.
func (b *builder) refuse(v *view, reason string) {
	last := len(b.snap.Declarations) - 1
	if b.doc.kind != KindTerraformPlan || last < 0 || b.snap.Declarations[last].Address != v.address {
		return
	}
	d := &b.snap.Declarations[last]
	d.Refused = reason
	for _, name := range sortedKeys(v.exprs) {
		if text, ok := v.attrs[name].(string); !ok || strings.TrimSpace(text) != "" {
			continue
		}
		for _, to := range b.trail(v, name).targets {
			if to.object != nil && !to.object.data && !slices.Contains(d.WaitsFor, to.object.address) {
				d.WaitsFor = append(d.WaitsFor, to.object.address)
			}
		}
	}
}
