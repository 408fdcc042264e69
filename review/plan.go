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
	"github.com/mivet/mivet/vet"
)

// ApplyOptions are what decisions are held against.
type ApplyOptions struct {
	Snapshot *mivet.Snapshot
	Catalog  *catalog.Catalog
	// Results are those of the rules, for decisions about findings; nil: there are none.
	Results *vet.Results
	// Bound is the contract, by which identities are named in it; nil without one.
	Bound *contract.Bound
	// Scope finds the scope that a word stands for; nil: only IDs are understood.
	Scope func(word string) (arm.ID, error)
	// Now is the day against which days are held, MaxDays the most that an exception may run.
	Now     time.Time
	MaxDays int
}

// Change is what follows from one decision.
type Change struct {
	Decision
	// Kind and About say what was decided on.
	Kind  Kind   `json:"kind"`
	What  string `json:"what"`
	Named string `json:"identity"`
	// Edits are the change, in order; none for what is kept or asked about.
	Edits []mivet.Edit `json:"edits"`
}

// Accepted is an exception for the contract.
type Accepted struct {
	Rule    string    `json:"rule"`
	Match   string    `json:"match"`
	About   string    `json:"about"`
	Reason  string    `json:"reason"`
	Owner   string    `json:"owner"`
	Expires time.Time `json:"expires"`
}

// Plan is what follows from a sheet of decisions.
type Plan struct {
	Facts   string
	Changes []Change // that change something, in the order of the sheet
	Kept    []Change
	Asked   []Change
	// Accepted are exceptions, Blank how many rows are not decided.
	Accepted []Accepted
	Blank    int
	// Reviewed are the identities of the contract all of whose rows were decided.
	Reviewed []Signed
	// Broken are the access tests that hold before the change and not after.
	Broken []mivet.AccessTest
	// Lost is what cannot be undone.
	Lost []mivet.Edit
}

// Signed is an identity of the contract that was looked at.
type Signed struct {
	Identity string
	Reviewer string
	Date     string
}

// Edits are all changes, in order.
func (p *Plan) Edits() []mivet.Edit {
	var out []mivet.Edit
	for i := range p.Changes {
		out = append(out, p.Changes[i].Edits...)
	}
	return out
}

// planner holds decisions against facts.
type planner struct {
	*ApplyOptions
	inv      *Inventory
	index    *mivet.Index
	findings map[string]*mivet.Finding
	faults   SheetErrors
	plan     *Plan
	decided  map[string]Verdict
	gone     map[string]bool // rows that an earlier change takes away
}

// Apply turns decisions into the change that follows from them. The error is [SheetErrors]: all
// that is wrong, and then nothing is changed.
func Apply(s *Sheet, o *ApplyOptions) (*Plan, error) {
	p := &planner{
		ApplyOptions: o, inv: NewInventory(o.Snapshot), index: mivet.NewIndex(o.Snapshot), findings: map[string]*mivet.Finding{},
		plan: &Plan{Facts: Digest(o.Snapshot), Blank: s.Blank}, decided: map[string]Verdict{}, gone: map[string]bool{},
	}
	if s.Facts != p.plan.Facts {
		p.faults.add(s.FactsAt, "give the input that the pack was made of, or make a new pack", "the decisions are about other facts: the pack says %s, the input is %s", short(s.Facts), short(p.plan.Facts))
		return nil, p.faults
	}
	if o.Results != nil {
		for _, f := range o.Results.Findings() {
			p.findings[FindingRow(f.Fingerprint)] = f
		}
	}
	list := p.judge(s)
	p.contradictions(list)
	for _, last := range []bool{false, true} { // an identity goes after everything that it holds
		for i := range list {
			if (list[i].row != nil && list[i].row.Kind == KindIdentity) == last {
				p.change(&list[i])
			}
		}
	}
	if len(p.faults) > 0 {
		return nil, p.faults.sorted()
	}
	if err := p.prove(); err != nil {
		return nil, err
	}
	p.sign(list)
	return p.plan, nil
}

// judge looks at each decision by itself.
func (p *planner) judge(s *Sheet) []judged {
	var out []judged
	first := map[string]contract.Place{}
	for i := range s.Decisions {
		j := judged{Decision: &s.Decisions[i], row: p.inv.Row(s.Decisions[i].Row), finding: p.findings[s.Decisions[i].Row]}
		switch at, twice := first[j.Row]; {
		case twice:
			p.faults.add(j.Place("row"), "", "%s is decided on twice, before at %s", j.Row, at)
			continue
		case j.row == nil && j.finding == nil:
			p.faults.add(j.Place("row"), "leave the column row as it was", "there is no row %q in the facts", j.Row)
			continue
		}
		first[j.Row] = j.Place("row")
		before := len(p.faults)
		j.form(p.Now, p.MaxDays, &p.faults)
		if len(p.faults) == before {
			p.decided[j.Row] = j.Decision.Decision
			out = append(out, j)
		}
	}
	return out
}

// contradictions finds grants that are kept of an identity that is removed.
func (p *planner) contradictions(list []judged) {
	removed := map[mivet.PrincipalID]string{}
	for i := range list {
		if r := list[i].row; r != nil && r.Kind == KindIdentity && list[i].Decision.Decision == VerdictRemove && r.Holder != "" {
			removed[r.Holder] = list[i].Place("decision").String()
		}
	}
	for i := range list {
		r := list[i].row
		if r == nil || r.Kind == KindIdentity || removed[r.Holder] == "" {
			continue
		}
		if list[i].Decision.Decision != VerdictRemove {
			p.faults.add(list[i].Place("decision"), "", "a grant is not removed and its identity is, at %s", removed[r.Holder])
		}
	}
}

// change turns a decision into edits or exceptions.
func (p *planner) change(j *judged) {
	c := Change{Decision: *j.Decision, Edits: []mivet.Edit{}}
	if j.finding != nil {
		c.Kind, c.What, c.Named = KindFinding, j.finding.Rule+": "+j.finding.Message, j.finding.Subject.String()
	} else {
		c.Kind, c.What, c.Named = j.row.Kind, p.what(j.row), cmp.Or(p.index.PrincipalName(j.row.Holder), string(j.row.Holder))
	}
	switch j.Decision.Decision {
	case VerdictAsk:
		p.plan.Asked = append(p.plan.Asked, c)
		return
	case VerdictKeep:
		p.plan.Kept = append(p.plan.Kept, c)
		p.accept(j)
		return
	default:
	}
	switch {
	case j.finding != nil:
		p.faults.add(j.Place("decision"), "accept it with keep and until, or decide on the grants that it is about", "a finding cannot be decided on with %s", j.Decision.Decision)
	case j.Decision.Decision == VerdictReduce:
		p.reduce(j, &c)
	case j.row.Edit.Kind == "":
		p.faults.add(j.Place("decision"), "read the tenant with its resources", "what carries the identity is not in the facts, so that it cannot be switched off")
	case j.row.Kind == KindIdentity:
		c.Edits = p.retire(j.row)
	default:
		if !p.gone[j.row.ID] {
			p.gone[j.row.ID] = true
			c.Edits = []mivet.Edit{j.row.Edit}
		}
	}
	p.plan.Changes = append(p.plan.Changes, c)
}

// what names a row for people.
func (p *planner) what(r *Row) string { return What(p.Snapshot, p.index, p.Catalog, r) }

// What names a row of a snapshot for people.
func What(s *mivet.Snapshot, index *mivet.Index, c *catalog.Catalog, r *Row) string {
	e := &r.Edit
	switch {
	case e.Assignment != nil:
		return cmp.Or(roleOf(index, c, e.Assignment), string(e.Assignment.Role)) + " at " + e.Assignment.Scope.String()
	case e.Policy != nil:
		return PolicyWords(e.Policy) + " at " + e.Policy.Vault.String()
	case e.Grant != nil:
		return localRole(s, e.Grant) + " (" + string(e.Grant.System) + ") at " + e.Grant.Account.String() + e.Grant.Scope
	case e.Federation != nil:
		return "federated credential " + e.Federation.Name
	case e.Membership != nil:
		return "member of " + cmp.Or(index.PrincipalName(e.Membership.Group), string(e.Membership.Group))
	case e.AppRole != nil:
		return cmp.Or(e.AppRole.APIName, string(e.AppRole.API)) + " " + cmp.Or(e.AppRole.Role, e.AppRole.RoleID)
	case e.Directory != nil:
		return "directory role " + cmp.Or(e.Directory.Role, e.Directory.RoleID)
	case e.PathACL != nil:
		return e.PathACL.Permissions + " on " + e.PathACL.Path + " in " + e.PathACL.Container.String()
	}
	return e.Resource.String()
}

// localRole names the role of a service's own system, where its definition was read.
func localRole(s *mivet.Snapshot, g *mivet.LocalAssignment) string {
	for i := range s.LocalRoles {
		if d := &s.LocalRoles[i]; d.System == g.System && d.Name != "" && strings.EqualFold(d.ID, g.Role) {
			return d.Name
		}
	}
	return g.Role
}

func roleOf(x *mivet.Index, c *catalog.Catalog, a *mivet.RoleAssignment) string {
	if d := x.Role(a.Role); d != nil {
		return d.Name
	}
	if d := c.Role(a.Role); d != nil {
		return d.Name
	}
	return a.RoleName
}

// retire takes everything from an identity that was not taken already, and then itself.
func (p *planner) retire(r *Row) []mivet.Edit {
	edits := []mivet.Edit{}
	if r.Holder != "" {
		for _, x := range p.inv.Rows(r.Holder) {
			if x.Kind != KindIdentity && !p.gone[x.ID] && p.decided[x.ID] == "" {
				p.gone[x.ID] = true
				edits = append(edits, x.Edit)
			}
		}
	}
	return append(edits, r.Edit)
}

// accept makes exceptions of what is kept until a day.
func (p *planner) accept(j *judged) {
	if j.until.IsZero() {
		return
	}
	about := []*mivet.Finding{j.finding}
	if j.finding == nil {
		about = p.about(j.row)
	}
	if len(about) == 0 {
		p.faults.add(j.Place("until"), "leave until empty, or write it at the findings of the identity",
			"no finding is about %s, so that there is nothing to except until %s", j.Row, j.Until)
		return
	}
	for _, f := range about {
		x := Accepted{
			Rule: f.Rule, Match: f.Fingerprint[:min(12, len(f.Fingerprint))], About: f.Message, Reason: j.Reason, Owner: j.Reviewer, Expires: j.until,
		}
		if !slices.ContainsFunc(p.plan.Accepted, func(o Accepted) bool { return o.Rule == x.Rule && o.Match == x.Match }) {
			p.plan.Accepted = append(p.plan.Accepted, x)
		}
	}
}

// about lists the findings whose fix takes a row away.
func (p *planner) about(r *Row) []*mivet.Finding {
	var out []*mivet.Finding
	if p.Results == nil || r.Kind == KindIdentity {
		return nil
	}
	for _, f := range p.Results.Findings() {
		if slices.ContainsFunc(f.Fix.Edits, func(e mivet.Edit) bool { return sameEdit(&e, &r.Edit) }) {
			out = append(out, f)
		}
	}
	return out
}

func sameEdit(a, b *mivet.Edit) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch {
	case a.Assignment != nil:
		return vet.SameAssignment(a.Assignment, b.Assignment)
	case a.Policy != nil:
		return a.Policy.Vault.Equal(b.Policy.Vault) && a.Policy.Principal == b.Policy.Principal
	case a.Grant != nil:
		return a.Grant.System == b.Grant.System && a.Grant.Account.Equal(b.Grant.Account) && a.Grant.Principal == b.Grant.Principal && a.Grant.Role == b.Grant.Role
	case a.Federation != nil:
		return a.Federation.Name == b.Federation.Name && a.Federation.Identity.Equal(b.Federation.Identity)
	}
	return false
}

// reduce puts a smaller assignment in the place of one: the new one first, so that access has
// no gap.
func (p *planner) reduce(j *judged, c *Change) {
	if j.row.Kind != KindRole {
		p.faults.add(j.Place("decision"), "remove it, and grant what is needed in code", "%s cannot be reduced, only a role assignment can", j.row.Kind)
		return
	}
	old := j.row.Edit.Assignment
	if j.TargetRole == "" && j.TargetScope == "" {
		p.faults.add(j.Place("targetRole"), "write a role, a scope or both", "nothing is said of what %s is reduced to", j.Row)
		return
	}
	now := *old
	now.ID, now.CreatedBy, now.CreatedOn, now.Source = arm.ID{}, "", time.Time{}, mivet.Source{}
	now.Description = j.Reason
	if j.TargetRole != "" {
		role := contract.RoleOf(j.TargetRole, p.Snapshot, p.Catalog)
		if role == nil {
			p.faults.add(j.Place("targetRole"), "write the name of a role as Azure does, or its ID", "there is no role %q", j.TargetRole)
			return
		}
		now.Role, now.RoleName = role.ID, role.Name
	}
	if j.TargetScope != "" {
		id, err := p.scope(j.TargetScope)
		if err != nil {
			p.faults.add(j.Place("targetScope"), "write a resource ID", "the scope %q is not known: %v", j.TargetScope, err)
			return
		}
		now.Scope = id
	}
	if problem := p.wider(old, &now); problem != "" {
		p.faults.add(j.Place("targetRole"), "choose a role and a scope within today's", "%s is no reduction: %s", p.words(&now), problem)
		return
	}
	p.gone[j.row.ID] = true
	c.Edits = []mivet.Edit{{Kind: mivet.EditAddAssignment, Assignment: &now}, j.row.Edit}
}

func (p *planner) words(a *mivet.RoleAssignment) string {
	return cmp.Or(roleOf(p.index, p.Catalog, a), string(a.Role)) + " at " + a.Scope.String()
}

func (p *planner) definition(a *mivet.RoleAssignment) *mivet.RoleDefinition {
	if d := p.index.Role(a.Role); d != nil {
		return d
	}
	return p.Catalog.Role(a.Role)
}

func (p *planner) scope(word string) (arm.ID, error) {
	if strings.HasPrefix(word, "/") || p.Scope == nil {
		return arm.ParseID(word)
	}
	return p.Scope(word)
}

// wider says what an assignment would give that today's does not, "" if there is nothing. Both
// are compared by themselves, without the condition that they share, and as if every vault
// counted roles: what a vault ignores of today's it may count tomorrow.
func (p *planner) wider(old, now *mivet.RoleAssignment) string {
	if p.definition(old) == nil {
		return "the role of today's is not known"
	}
	engine := func(a mivet.RoleAssignment) *authz.Engine {
		a.Condition, a.ConditionVersion, a.ConditionUnknown, a.Start, a.End = "", "", false, time.Time{}, time.Time{}
		s := &mivet.Snapshot{
			TakenAt: p.Snapshot.TakenAt, TenantID: p.Snapshot.TenantID, ManagementGroups: p.Snapshot.ManagementGroups, Subscriptions: p.Snapshot.Subscriptions,
			RoleDefinitions: p.Snapshot.RoleDefinitions, RoleAssignments: []mivet.RoleAssignment{a},
		}
		return authz.New(s, authz.Options{Catalog: p.Catalog, At: p.Snapshot.TakenAt})
	}
	who := []mivet.PrincipalID{old.Principal}
	side := func(a *mivet.RoleAssignment) authz.Side {
		return authz.Side{Engine: engine(*a), Principals: who, At: p.Snapshot.TakenAt, Counted: authz.CountRoles}
	}
	d := authz.Equivalent(side(old), side(now), authz.Extent{})
	switch {
	case len(d.OnlyB) > 0:
		return fmt.Sprintf("it would give %s at %s, which is not given today", d.OnlyB[0].Operations[0], d.OnlyB[0].Scope)
	case len(d.Undecided) > 0:
		return "it is not known whether it gives more: " + d.Undecided[0].Why
	case len(d.OnlyA) == 0:
		return "it gives what today's gives"
	}
	return ""
}

// prove makes the change on a copy: it must be possible, and tells which access tests break.
func (p *planner) prove() error {
	edits := p.plan.Edits()
	after, err := vet.Apply(p.Snapshot, edits)
	if err != nil {
		return fmt.Errorf("making the change on a copy: %w", err)
	}
	if len(edits) > 0 {
		p.plan.Broken = vet.BrokenTests(p.Snapshot, after, p.Catalog)
	}
	_, p.plan.Lost = vet.Inverse(edits)
	return nil
}

// sign lists the identities of the contract of which everything was decided.
func (p *planner) sign(list []judged) {
	if p.Bound == nil {
		return
	}
	last := map[mivet.PrincipalID]*judged{}
	for i := range list {
		if r := list[i].row; r != nil {
			last[r.Holder] = &list[i]
		}
	}
	for i := range p.Bound.Bindings {
		x := &p.Bound.Bindings[i]
		j := last[x.Held]
		if x.Held == "" || j == nil || slices.ContainsFunc(p.inv.Rows(x.Held), func(r *Row) bool { return p.decided[r.ID] == "" || p.decided[r.ID] == VerdictAsk }) {
			continue
		}
		date, _ := dayOf(j.Date)
		p.plan.Reviewed = append(p.plan.Reviewed, Signed{x.Name, j.Reviewer, day(date)})
	}
}
