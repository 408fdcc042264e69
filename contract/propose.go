// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// ProposeOptions say what a first contract is made of.
type ProposeOptions struct {
	Engine *authz.Engine
	// Only are the identities that are wanted; nil: all that are used or hold something.
	Only func(*mivet.Identity) bool
	// Owner returns who answers for a resource, or "".
	Owner func(arm.ID, mivet.Source) string
	// Extends is written into the file; empty: nothing is.
	Extends string
	// Comments begin the file, one line each.
	Comments []string
}

// Propose writes a first contract of what a snapshot holds. What nobody can read from a
// snapshot is left to people, and marked by [Todo].
func Propose(s *mivet.Snapshot, o ProposeOptions) string {
	p := &proposal{s: s, o: o, index: mivet.NewIndex(s), addresses: map[arm.Key]string{}, taken: map[string]bool{}}
	for i := range s.Declarations {
		if d := &s.Declarations[i]; !d.Resource.IsZero() && !d.Grant {
			p.addresses[d.Resource.Key()] = d.Address
		}
	}
	p.write("# yaml-language-server: $schema=%s", SchemaURL)
	for _, c := range o.Comments {
		p.write("# %s", c)
	}
	p.write("contract: 1")
	if o.Extends != "" {
		p.write("extends: %s", yamlText(o.Extends))
	}
	p.write("")
	p.write("identities:")
	n := 0
	for _, id := range p.identities() {
		p.identity(id)
		n++
	}
	if n == 0 {
		p.write("  {}")
	}
	return p.b.String()
}

// proposal is a contract while it is written.
type proposal struct {
	s          *mivet.Snapshot
	o          ProposeOptions
	index      *mivet.Index
	addresses  map[arm.Key]string
	taken      map[string]bool
	targetable []arm.ID // once somebody asks
	looked     bool
	b          strings.Builder
}

func (p *proposal) write(format string, args ...any) {
	fmt.Fprintf(&p.b, format+"\n", args...)
}

// identities are those that a contract is about, in the order of their names.
func (p *proposal) identities() []*mivet.Identity {
	var out []*mivet.Identity
	for i := range p.s.Identities {
		id := &p.s.Identities[i]
		if id.Principal != "" && (p.o.Only == nil || p.o.Only(id)) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b *mivet.Identity) int {
		return cmp.Or(strings.Compare(a.Resource.Name(), b.Resource.Name()), strings.Compare(string(a.Resource.Key()), string(b.Resource.Key())), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return slices.CompactFunc(out, func(a, b *mivet.Identity) bool { return a.Kind == b.Kind && a.Resource.Equal(b.Resource) })
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// nameFor is a name that no other identity has: that of the resource, with its group if need
// be.
func (p *proposal) nameFor(id *mivet.Identity) string {
	clean := func(s string) string { return strings.Trim(notInName.ReplaceAllString(s, "-"), "-") }
	for _, name := range []string{clean(id.Resource.Name()), clean(id.Resource.ResourceGroup() + "-" + id.Resource.Name())} {
		if name != "" && !p.taken[name] {
			p.taken[name] = true
			return name
		}
	}
	for n := 2; ; n++ {
		name := clean(id.Resource.Name()) + "-" + strconv.Itoa(n)
		if !p.taken[name] {
			p.taken[name] = true
			return name
		}
	}
}

func (p *proposal) identity(id *mivet.Identity) {
	p.write("  %s:", yamlText(p.nameFor(id)))
	if a := p.addresses[id.Resource.Key()]; a != "" {
		p.write("    address: %s", yamlText(a))
	} else {
		p.write("    resource: %s", yamlText(id.Resource.String()))
	}
	p.write("    type: %s", id.Kind)
	p.write("    why: %s", yamlText(Todo+": "+p.question(id)))
	if mivet.IsGUID(string(id.Principal)) {
		p.write("    principal: %s", id.Principal)
	}
	owner := ""
	if p.o.Owner != nil {
		owner = p.o.Owner(id.Resource, id.Source)
	}
	p.write("    owner: %s", yamlText(cmp.Or(owner, Todo)))
	p.workloads(id)
	rights := p.rights(id)
	p.ceiling(rights)
	p.tests(id, rights)
	p.write("    review: {every: 180}")
	p.write("")
}

// question is what the owner has to answer about the type.
func (p *proposal) question(id *mivet.Identity) string {
	if id.Kind == mivet.SystemAssigned {
		return "say why its principal may end with " + id.Resource.Name() + ", or make it user-assigned"
	}
	n := 0
	p.index.Carriers(id, func(*mivet.Resource) bool { n++; return true })
	switch n {
	case 0:
		return "nothing carries it; say what it is for"
	case 1:
		return "one resource carries it; say why its principal must outlive that, or make it system-assigned"
	}
	return fmt.Sprintf("%d resources share it; say why they are one workload", n)
}

// place writes a resource as the contract names it: by its address where it has one.
func (p *proposal) place(id arm.ID) string {
	for at := id; !at.IsZero() && at.Level() == arm.LevelResource; at = at.Parent() {
		if a := p.addresses[at.Key()]; a != "" {
			return a + id.String()[len(at.String()):]
		}
	}
	return id.String()
}

func (p *proposal) workloads(id *mivet.Identity) {
	var all []string
	p.index.Carriers(id, func(r *mivet.Resource) bool {
		all = append(all, p.place(r.ID))
		return true
	})
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) == 0 {
		p.write("    workloads: []")
		return
	}
	p.write("    workloads:")
	for _, w := range all {
		p.write("      - %s", yamlText(w))
	}
}

// rights are what it holds now, each once.
func (p *proposal) rights(id *mivet.Identity) []authz.Right {
	var out []authz.Right
	for r := range p.o.Engine.WhatCan(authz.WhatCanQuery{Principal: id.Principal}) {
		if r.Delegation == nil {
			out = append(out, r)
		}
	}
	return out
}

func (p *proposal) ceiling(rights []authz.Right) {
	if len(rights) == 0 {
		p.write("    ceiling: []")
		return
	}
	p.write("    ceiling: # what is granted today")
	seen := map[string]bool{}
	for i := range rights {
		text := p.grant(&rights[i])
		if seen[text] {
			continue
		}
		seen[text] = true
		p.write("%s", text)
	}
}

// grant writes one right as a part of a ceiling.
func (p *proposal) grant(r *authz.Right) string {
	var b strings.Builder
	line := func(key, text string) {
		if text != "" {
			lead := "        "
			if b.Len() == 0 {
				lead = "      - "
			}
			b.WriteString(lead + key + ": " + text + "\n")
		}
	}
	switch {
	case r.Policy != nil:
		var parts []string
		for _, l := range []struct {
			name string
			list []string
		}{{"secrets", r.Policy.Secrets}, {"keys", r.Policy.Keys}, {"certificates", r.Policy.Certificates}, {"storage", r.Policy.Storage}} {
			if len(l.list) > 0 {
				parts = append(parts, l.name+": ["+strings.Join(l.list, ", ")+"]")
			}
		}
		line("policy", "{"+strings.Join(parts, ", ")+"}")
		line("at", yamlText(p.place(r.Policy.Vault)))
	case r.Local != nil:
		line("local", string(r.Local.System))
		line("local-role", yamlText(r.Local.Role))
		line("scope", yamlText(r.Local.Scope))
		line("at", yamlText(p.place(r.Local.Account)))
	default:
		name := r.RoleName
		if name == "" && r.Assignment != nil {
			name = cmp.Or(string(r.Assignment.Role), r.Assignment.RoleName)
		}
		line("role", yamlText(name))
		line("at", yamlText(p.place(r.Scope)))
		if r.Assignment != nil {
			line("condition", yamlText(r.Assignment.Condition))
		}
	}
	line("note", yamlText(p.note(r)))
	return strings.TrimSuffix(b.String(), "\n")
}

// note says what is to be narrowed.
func (p *proposal) note(r *authz.Right) string {
	via := ""
	if n := len(r.Via); n > 1 {
		via = " through the group " + cmp.Or(p.index.PrincipalName(r.Via[n-1]), string(r.Via[n-1]))
	}
	switch r.Scope.Level() {
	case arm.LevelRoot, arm.LevelManagementGroup, arm.LevelSubscription, arm.LevelResourceGroup:
		return Todo + ": narrow it to the resources that it needs; it is granted today" + via + " over " + scopeWords(r.Scope)
	case arm.LevelNone, arm.LevelResource, arm.LevelTenantResource:
	}
	return Todo + ": narrow it to what the tests need; it is granted today" + via
}

func scopeWords(id arm.ID) string {
	switch id.Level() {
	case arm.LevelResourceGroup:
		return "the whole resource group"
	case arm.LevelSubscription:
		return "the whole subscription"
	case arm.LevelManagementGroup:
		return "the whole management group"
	case arm.LevelNone, arm.LevelRoot, arm.LevelResource, arm.LevelTenantResource:
	}
	return "everything"
}

// The most tests and targets that are proposed: a person reads them.
const (
	mostTests   = 8
	mostTargets = 3
)

// tests proposes what its rights say: what it can do to what it reaches, and the next thing
// that it cannot.
func (p *proposal) tests(id *mivet.Identity, rights []authz.Right) {
	var lines []string
	seen := map[string]bool{}
	add := func(verb string, q *phrase, target arm.ID) {
		l := fmt.Sprintf("      - {%s: %s %s, on: %s}", verb, q.verb, q.noun, yamlFlow(p.place(target)))
		if !seen[l] && len(lines) < mostTests {
			seen[l] = true
			lines = append(lines, l)
		}
	}
	for i := range rights {
		for _, target := range p.targets(&rights[i]) {
			var can, cannot *phrase
			for n := range phrases {
				q := &phrases[n]
				if !slices.ContainsFunc(q.on, target.HasType) || q.verb == "list" {
					continue
				}
				switch p.effect(id.Principal, q, target) {
				case authz.Allowed:
					if can == nil {
						can = q
					}
				case authz.Denied:
					if cannot == nil && (can == nil || can.noun == q.noun) {
						cannot = q
					}
				case authz.Unknown:
				}
			}
			if can == nil {
				continue
			}
			add("can", can, target)
			if cannot != nil && cannot.noun == can.noun {
				add("cannot", cannot, target)
			}
		}
	}
	if len(lines) == 0 {
		p.write("    tests: [] # none follows from what is granted: write what it must be able to do")
		return
	}
	p.write("    tests: # proposed from what is granted")
	for _, l := range lines {
		p.write("%s", l)
	}
}

func (p *proposal) effect(who mivet.PrincipalID, q *phrase, target arm.ID) authz.Effect {
	op, err := arm.ParseOperation(q.operation)
	if err != nil {
		return authz.Unknown
	}
	return p.o.Engine.Check(authz.Request{Principal: who, Operation: op, Plane: mivet.PlaneData, Resource: target}).Effect
}

// targets are the resources at or below the scope of a right that words can be asked of, the
// innermost first.
func (p *proposal) targets(r *authz.Right) []arm.ID {
	scope := r.Scope
	switch {
	case r.Policy != nil:
		scope = r.Policy.Vault
	case r.Local != nil:
		scope = r.Local.Account
	}
	if scope.Level() == arm.LevelResource && p.innermost(scope) {
		return []arm.ID{scope}
	}
	var out []arm.ID
	for _, inner := range []bool{true, false} {
		for _, id := range p.askable() {
			if len(out) < mostTargets && scope.Contains(id) && p.innermost(id) == inner && !slices.ContainsFunc(out, func(o arm.ID) bool { return id.Contains(o) }) {
				out = append(out, id)
			}
		}
	}
	return out
}

// innermost reports whether a resource is of a type that words are made for, and not only a
// container of these.
func (p *proposal) innermost(id arm.ID) bool {
	return slices.ContainsFunc(phrases, func(q phrase) bool { return id.HasType(q.on[0]) })
}

// askable are all resources that words can be asked of, in order.
func (p *proposal) askable() []arm.ID {
	if !p.looked {
		p.looked = true
		for i := range p.s.Resources {
			id := p.s.Resources[i].ID
			if slices.ContainsFunc(phrases, func(q phrase) bool { return slices.ContainsFunc(q.on, id.HasType) }) {
				p.targetable = append(p.targetable, id)
			}
		}
		slices.SortFunc(p.targetable, func(a, b arm.ID) int { return strings.Compare(string(a.Key()), string(b.Key())) })
	}
	return p.targetable
}

var plainYAML = regexp.MustCompile(`^[A-Za-z/$][A-Za-z0-9/_.$(){}+*=@ -]*$`)

// yamlWords are texts that YAML takes for something else.
var yamlWords = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"}

// yamlText writes a text as YAML reads it.
func yamlText(s string) string {
	if s == "" {
		return ""
	}
	if plainYAML.MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)) && !strings.HasSuffix(s, " ") {
		return s
	}
	return strconv.Quote(s)
}

// yamlFlow writes a text for within braces.
func yamlFlow(s string) string {
	if strings.ContainsAny(s, "{}[],") {
		return strconv.Quote(s)
	}
	return yamlText(s)
}
