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
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/lifecycle"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/usage"
	"github.com/mivet/mivet/vet"
)

// Options are what a pack is made of. Without findings, contract or logs it says less, and
// says so.
type Options struct {
	Snapshot *mivet.Snapshot
	Catalog  *catalog.Catalog
	Engine   *authz.Engine
	Paths    *execpath.Graph
	Results  *vet.Results
	Bound    *contract.Bound
	Logs     *usage.Summary
	Window   usage.Window
	// Activity is what logs tell of who did what; nil without logs.
	Activity *provenance.Log
	// Owner tells who owns a resource, or "".
	Owner func(id arm.ID, declared mivet.Source) string
	// At is the time of the grants, Now that of the pack.
	At, Now time.Time
	Inputs  []Input
	Version string
	// Only chooses identities, and Selection says how; nil: all.
	Only      func(id *mivet.Identity, owner string) bool
	Selection []string
}

// builder makes a pack.
type builder struct {
	*Options
	index    *mivet.Index
	inv      *Inventory
	signs    *lifecycle.Signs
	reach    func(mivet.PrincipalID) mivet.Reach
	uses     *usage.Comparer
	crowd    *execpath.Crowd
	made     map[string]*provenance.Act // of the identity in hand, by row
	findings map[string][]*mivet.Finding
	accepted map[string][]Exception
	bindings map[mivet.PrincipalID]*contract.Binding
}

// Build makes the pack of the identities that were chosen, in the order of their names.
func Build(o *Options) *Pack {
	b := &builder{
		Options: o, index: mivet.NewIndex(o.Snapshot), inv: NewInventory(o.Snapshot), signs: lifecycle.NewSigns(o.Snapshot),
		reach: vet.Reaches(o.Snapshot, o.Catalog), bindings: map[mivet.PrincipalID]*contract.Binding{},
	}
	p := &Pack{
		SchemaVersion: 1, Facts: Digest(o.Snapshot), Tenant: o.Snapshot.TenantID, TakenAt: o.Snapshot.TakenAt, Written: o.Now, Version: o.Version,
		Catalog: o.Catalog.Date(), Inputs: slices.Clone(o.Inputs), Selection: append([]string{}, o.Selection...), Identities: []Identity{}, Decisions: []Decision{},
		NotRead: unread(o.Snapshot.Gaps), Riskiest: []string{},
	}
	if p.Inputs == nil {
		p.Inputs = []Input{}
	}
	if o.Paths != nil {
		b.crowd = o.Paths.Crowd()
	}
	b.agree(p)
	b.watch(p)
	b.collectFindings()
	seen := map[string]bool{}
	for i := range o.Snapshot.Identities {
		id := &o.Snapshot.Identities[i]
		if row := identityID(id); !seen[row] {
			seen[row] = true
			p.Total++
			owner, from := b.owner(id)
			if o.Only == nil || o.Only(id, owner) {
				p.Identities = append(p.Identities, b.identity(id, owner, from))
			}
		}
	}
	slices.SortStableFunc(p.Identities, func(a, c Identity) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(c.Name)), strings.Compare(string(a.Resource.Key()), string(c.Resource.Key())), strings.Compare(a.Row, c.Row))
	})
	p.rank()
	p.blank()
	return p
}

// agree binds the contract.
func (b *builder) agree(p *Pack) {
	if b.Bound == nil {
		return
	}
	p.Contract = &Agreement{File: b.Bound.File, Hash: b.Bound.Hash}
	if b.Bound.Stage != nil {
		p.Contract.Stage = b.Bound.Stage.Name
	}
	for i := range b.Bound.Bindings {
		if x := &b.Bound.Bindings[i]; x.Held != "" && x.Presence == contract.Present {
			b.bindings[x.Held] = x
		}
	}
}

// watch prepares what logs tell.
func (b *builder) watch(p *Pack) {
	if b.Logs == nil {
		return
	}
	b.uses = usage.NewComparer(b.Snapshot, b.Logs, b.Window)
	w := b.uses.Compare(&usage.Query{Tenant: b.Snapshot, Logs: b.Logs}).Window
	p.Logs = &Logs{First: w.First.String(), Last: w.Last.String(), Days: w.Days(), Entries: b.Logs.Entries}
}

// collectFindings sorts findings by the identities that they are about.
func (b *builder) collectFindings() {
	b.findings, b.accepted = map[string][]*mivet.Finding{}, map[string][]Exception{}
	if b.Results == nil {
		return
	}
	for _, f := range b.Results.Findings() {
		for _, k := range subjects(&f.Subject) {
			b.findings[k] = append(b.findings[k], f)
		}
	}
	for i := range b.Results.Rules {
		for j := range b.Results.Rules[i].Suppressed {
			s := &b.Results.Rules[i].Suppressed[j]
			x := Exception{Rule: s.By.Rule, About: s.Finding.Message, Reason: s.By.Reason, Owner: s.By.Owner, Expires: s.By.Expires, Place: s.By.Place(), Expired: s.By.Expired(b.Now)}
			for _, k := range subjects(&s.Finding.Subject) {
				b.accepted[k] = append(b.accepted[k], x)
			}
		}
	}
}

// subjects are the names by which an identity finds what is about it.
func subjects(s *mivet.Subject) []string {
	var out []string
	if s.Principal != "" {
		out = append(out, string(s.Principal))
	}
	if !s.Resource.IsZero() {
		out = append(out, string(s.Resource.Key()))
	}
	return out
}

func (b *builder) owner(id *mivet.Identity) (owner, from string) {
	if x := b.binding(id); x != nil && !unwritten(x.Owner) {
		return x.Owner, "the contract"
	}
	if b.Owner == nil {
		return "", ""
	}
	if owner := b.Owner(id.Resource, id.Source); owner != "" {
		return owner, "a tag, or the owners of its file"
	}
	return "", ""
}

func (b *builder) binding(id *mivet.Identity) *contract.Binding {
	if id.Principal == "" {
		return nil
	}
	return b.bindings[id.Principal]
}

func (b *builder) identity(id *mivet.Identity, owner, from string) Identity {
	x := Identity{
		Row: identityID(id), Name: cmp.Or(b.index.PrincipalName(id.Principal), id.Resource.Name()), Type: id.Kind, Principal: id.Principal, ClientID: id.ClientID,
		Resource: id.Resource, Owner: owner, OwnerFrom: from, Purpose: []string{}, Presented: []string{}, Grants: []Grant{}, Findings: []Finding{},
		Exceptions: []Exception{}, NotRead: []string{}, Deployed: []string{}, Enabled: "not known: its principal was not read", Use: Used{Word: UseUnasked},
		Paths: Paths{Actors: []string{}, Possible: []string{}, How: []string{}, Reaches: []string{}, Authority: []string{}},
	}
	if x.ClientID == "" && id.Principal != "" {
		if p := b.index.Principal(id.Principal); p != nil {
			x.ClientID = p.ClientID
		}
	}
	b.about(&x, id)
	for _, f := range b.findingsAbout(b.findings, id) {
		x.Findings = append(x.Findings, findingOf(f))
	}
	x.Exceptions = append(x.Exceptions, exceptionsOf(b.accepted, id)...)
	b.reviewed(&x, id)
	if id.Principal == "" {
		x.NotRead = append(x.NotRead, "its principal: nothing is known of what it holds")
		x.Risk.Words = append(x.Risk.Words, "its principal could not be read")
		return x
	}
	b.told(&x, id)
	b.grants(&x, id)
	b.paths(&x, id)
	b.risk(&x, id)
	return x
}

// findingsAbout lists what is about an identity, each once.
func (b *builder) findingsAbout(by map[string][]*mivet.Finding, id *mivet.Identity) []*mivet.Finding {
	out := slices.Clone(by[string(id.Principal)])
	for _, f := range by[string(id.Resource.Key())] {
		if !slices.Contains(out, f) && (f.Subject.Principal == "" || f.Subject.Principal == id.Principal) {
			out = append(out, f)
		}
	}
	return out
}

func exceptionsOf(by map[string][]Exception, id *mivet.Identity) []Exception {
	out := slices.Clone(by[string(id.Principal)])
	for _, e := range by[string(id.Resource.Key())] {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// FindingRow names the row of a finding.
func FindingRow(fingerprint string) string { return "f" + fingerprint[:min(12, len(fingerprint))] }

func findingOf(f *mivet.Finding) Finding {
	return Finding{
		Row: FindingRow(f.Fingerprint), Rule: f.Rule, Fingerprint: f.Fingerprint, Severity: f.Severity.String(), Message: f.Message, Fix: f.Fix.Summary, Due: f.Due,
	}
}

// about says what an identity is for, and why it has its type.
func (b *builder) about(x *Identity, id *mivet.Identity) {
	workloads := 0
	var signs []mivet.Evidence
	b.index.Carriers(id, func(r *mivet.Resource) bool {
		workloads++
		signs = append(signs, b.signs.Of(r.ID)...)
		x.Presented = append(x.Presented, vet.TypeWords(r.ID.Type())+" "+r.ID.Name()+" in "+r.ID.ResourceGroup())
		return true
	})
	for _, r := range b.inv.Rows(id.Principal) {
		if r.Kind == KindFederation {
			x.Presented = append(x.Presented, "whoever gets a token of "+r.Edit.Federation.Issuer+" for "+cmp.Or(r.Edit.Federation.Subject, r.Edit.Federation.Expression))
		}
	}
	if r := b.index.Resource(id.Resource); r != nil && r.Detail != nil {
		for _, key := range purposeTags {
			for name, value := range r.Detail.Tags {
				if strings.EqualFold(name, key) && value != "" {
					x.Purpose = append(x.Purpose, value+" (tag "+name+")")
				}
			}
		}
	}
	stable := false
	if a := b.binding(id); a != nil {
		stable = a.Stable
		if !unwritten(a.Why) {
			x.Why, x.WhyFrom = a.Why, "the contract"
		}
		for i := range a.Tests {
			x.Purpose = append(x.Purpose, a.Tests[i].String()+" (contract)")
		}
	}
	if workloads > 0 {
		advice := lifecycle.Advise(lifecycle.Use{Recreated: signs, Stable: stable, Workloads: workloads}, b.typeRules())
		x.Advice = string(advice.Type) + ", because " + advice.Because
	}
}

// purposeTags are tags that say what something is for.
var purposeTags = []string{"purpose", "description", "application", "app", "service", "workload"}

func (b *builder) typeRules() lifecycle.Rules {
	if b.Bound == nil {
		return lifecycle.Rules{}
	}
	t := b.Bound.Organisation.Types
	return lifecycle.Rules{
		Recreated: mivet.IdentityKind(t.Recreated), Stable: mivet.IdentityKind(t.Stable), Shared: mivet.IdentityKind(t.Shared), Alone: mivet.IdentityKind(t.Alone),
	}
}

func (b *builder) reviewed(x *Identity, id *mivet.Identity) {
	a := b.binding(id)
	if a == nil {
		return
	}
	x.Review.Last, x.Review.By = a.Review.Last, a.Review.By
	every := cmp.Or(a.Review.Every, b.Bound.Organisation.Review)
	if every > 0 && !x.Review.Last.IsZero() {
		x.Review.Due = x.Review.Last.AddDate(0, 0, every)
		x.Review.Overdue = !b.Now.IsZero() && b.Now.After(x.Review.Due.AddDate(0, 0, 1))
	}
}

// Bounds of the lists of names; counts are always whole.
const (
	maxActors = 12
	maxSteps  = 8
)

func (b *builder) paths(x *Identity, id *mivet.Identity) {
	if b.Paths == nil {
		return
	}
	around := b.crowd.Around(id.Principal, maxSteps)
	x.Paths.Actors, x.Paths.ActorCount = b.names(around.Reaching), len(around.Reaching)
	x.Paths.Possible, x.Paths.PossibleCount = b.names(around.Possibly), len(around.Possibly)
	for i := range around.Steps {
		s := &around.Steps[i]
		at := ""
		if !s.Host.IsZero() {
			at = " at " + s.Host.Name()
		}
		x.Paths.How = append(x.Paths.How, fmt.Sprintf("%s, %s%s: %s", b.title(s.From), s.Level, at, s.How))
	}
	if more := around.Direct - len(around.Steps); more > 0 {
		x.Paths.How = append(x.Paths.How, fmt.Sprintf("and %d more in one step", more))
	}
	x.Paths.Reaches, x.Paths.ReachCount = b.names(around.Comes), len(around.Comes)
	for _, scope := range around.Authority {
		x.Paths.Authority = append(x.Paths.Authority, scope.String())
	}
}

func (b *builder) names(ids []mivet.PrincipalID) []string {
	out := []string{}
	for _, id := range ids[:min(len(ids), maxActors)] {
		out = append(out, b.title(id))
	}
	return out
}

// title names a principal for people.
func (b *builder) title(id mivet.PrincipalID) string {
	return cmp.Or(b.index.PrincipalName(id), string(id))
}

func (b *builder) risk(x *Identity, id *mivet.Identity) {
	r := &x.Risk
	r.Reach = b.reach(id.Principal)
	r.Words = []string{}
	worst := mivet.SeverityUnset
	for _, f := range b.findingsAbout(b.findings, id) {
		worst = max(worst, f.Severity)
	}
	if r.Severity = worst.String(); worst != mivet.SeverityUnset {
		r.Words = append(r.Words, fmt.Sprintf("%s, the worst %s", vet.Count(len(x.Findings), "open finding"), worst))
	}
	if words := vet.ReachWords(&r.Reach); r.Reach.Grants || r.Reach.Changes+r.Reach.Data+r.Reach.Secrets > 0 {
		r.Words = append(r.Words, "can "+words)
	}
	if n := x.Paths.ActorCount; n > 0 {
		r.Words = append(r.Words, vet.Count(n, "other")+" can act as it")
	}
	if n := len(x.Paths.Authority); n > 0 {
		r.Words = append(r.Words, "can give itself rights at "+vet.Count(n, "scope"))
	}
	if len(r.Words) == 0 {
		r.Words = append(r.Words, "nothing that was read speaks for a risk")
	}
}

// maxRiskiest is how many the summary names.
const maxRiskiest = 10

// rank finds the riskiest: by the worst finding, then by what can be touched, then by who can
// act as it.
func (p *Pack) rank() {
	order := make([]*Identity, len(p.Identities))
	for i := range p.Identities {
		order[i] = &p.Identities[i]
	}
	slices.SortStableFunc(order, func(a, c *Identity) int {
		x, y := &a.Risk, &c.Risk
		return cmp.Or(
			cmp.Compare(severityRank(y.Severity), severityRank(x.Severity)), compareBool(y.Reach.Grants, x.Reach.Grants),
			cmp.Compare(len(c.Paths.Authority), len(a.Paths.Authority)), cmp.Compare(y.Reach.Secrets, x.Reach.Secrets),
			cmp.Compare(y.Reach.Changes, x.Reach.Changes), cmp.Compare(y.Reach.Data, x.Reach.Data), cmp.Compare(c.Paths.ActorCount, a.Paths.ActorCount),
		)
	})
	for _, x := range order[:min(len(order), maxRiskiest)] {
		p.Riskiest = append(p.Riskiest, x.Row)
	}
}

func severityRank(word string) mivet.Severity {
	var s mivet.Severity
	if s.UnmarshalText([]byte(word)) != nil {
		return mivet.SeverityUnset
	}
	return s
}

func compareBool(a, b bool) int {
	n := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Compare(n(a), n(b))
}

// Identity returns the identity of a row, or nil.
func (p *Pack) Identity(row string) *Identity {
	i := slices.IndexFunc(p.Identities, func(x Identity) bool { return x.Row == row })
	if i < 0 {
		return nil
	}
	return &p.Identities[i]
}

// unread groups gaps that say the same.
func unread(gaps []mivet.Gap) []Unread {
	out := []Unread{}
	for i := range gaps {
		g := &gaps[i]
		u := Unread{Facts: string(g.Facts), Reason: g.Reason, Permission: g.Permission}
		if !g.Scope.IsZero() {
			u.Scope = g.Scope.String()
		} else {
			u.Scope = g.Subject
		}
		if !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	slices.SortStableFunc(out, func(a, b Unread) int {
		return cmp.Or(strings.Compare(a.Facts, b.Facts), strings.Compare(a.Scope, b.Scope))
	})
	return out
}
