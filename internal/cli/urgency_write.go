// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/forensics"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/vet"
)

// urgencyJSON is the answer for machines.
type urgencyJSON struct {
	SchemaVersion int       `json:"schemaVersion"`
	At            time.Time `json:"at"`
	// Refusals is how many were read, Principals to how many principals.
	Refusals   int64 `json:"refusals"`
	Principals int   `json:"principals"`
	// Unplaced are grants of which it is not known when they were made.
	Unplaced int           `json:"unplaced"`
	Urgent   []urgentJSON  `json:"urgent"`
	Overdue  []overdueJSON `json:"overdue"`
	// Expired are exceptions of the contract that are over.
	Expired []expiredJSON `json:"expired,omitzero"`
	Gaps    []string      `json:"gaps"`
}

type urgentJSON struct {
	Principal principalJSON          `json:"principal"`
	Via       *principalJSON         `json:"via,omitzero"`
	Grant     tenureJSON             `json:"grant"`
	Made      actJSON                `json:"made"`
	Refused   []forensics.Refusal    `json:"refused"`
	Count     int64                  `json:"count"`
	First     time.Time              `json:"first"`
	Last      time.Time              `json:"last"`
	Broad     string                 `json:"broad"`
	Helps     authz.Effect           `json:"helps"`
	Smallest  []forensics.SmallGrant `json:"smallest"`
	// NoSmallest says why there is none.
	NoSmallest   string `json:"noSmallest,omitzero"`
	Proven       bool   `json:"proven"`
	Risk         int64  `json:"risk"`
	SmallestRisk int64  `json:"smallestRisk"`
	// Then are narrow grants made soon after that give what was refused.
	Then    []tenureJSON `json:"then"`
	Reduced bool         `json:"reduced"`
	// LeadsTo are those whom it comes to act as by the grant alone, surely or possibly.
	LeadsTo []string `json:"leadsTo"`
	// LastedSeconds is until it was removed, or until the input was taken.
	LastedSeconds int64    `json:"lastedSeconds"`
	Fix           []string `json:"fix"`
}

type overdueJSON struct {
	Principal principalJSON      `json:"principal"`
	Role      string             `json:"role"`
	Scope     arm.ID             `json:"scope"`
	Made      actJSON            `json:"made"`
	Promise   provenance.Promise `json:"promise"`
	Undecided bool               `json:"undecided"`
	Fix       []string           `json:"fix"`
}

type expiredJSON struct {
	Rule     string    `json:"rule"`
	Identity string    `json:"identity,omitzero"`
	Match    string    `json:"match,omitzero"`
	Reason   string    `json:"reason"`
	Owner    string    `json:"owner"`
	Expires  time.Time `json:"expires"`
	Place    string    `json:"place"`
}

// tenureJSON is the time of one role assignment.
type tenureJSON struct {
	ID          arm.ID            `json:"id,omitzero"`
	Holder      principalJSON     `json:"holder"`
	Role        string            `json:"role"`
	RoleID      mivet.RoleID      `json:"roleId,omitzero"`
	Scope       arm.ID            `json:"scope"`
	Description string            `json:"description,omitzero"`
	Condition   string            `json:"condition,omitzero"`
	From        provenance.Bounds `json:"from"`
	To          provenance.Bounds `json:"to"`
	Lasts       bool              `json:"lasts"`
	Made        *actJSON          `json:"made,omitzero"`
	Removed     *actJSON          `json:"removed,omitzero"`
	Gap         string            `json:"gap,omitzero"`
}

func (r *resolver) tenureJSON(t *provenance.Tenure) tenureJSON {
	j := tenureJSON{
		ID: t.Grant.ID, Holder: r.principalJSON(t.Grant.Principal), Role: t.Grant.RoleName, RoleID: t.Grant.Role, Scope: t.Grant.Scope,
		Description: t.Grant.Description, Condition: t.Grant.Condition, From: t.From, To: t.To, Lasts: t.Lasts, Gap: t.Gap,
	}
	j.Made, j.Removed = r.recordJSON(t.Made), r.recordJSON(t.Removed)
	return j
}

func (r *resolver) recordJSON(c *provenance.Record) *actJSON {
	if c == nil {
		return nil
	}
	j := r.actJSON(&provenance.Act{By: c.By, At: c.At, What: c.Operation, Sure: true, Correlation: c.Correlation, Source: c.Source})
	return &j
}

// remedy are the commands that put an urgent grant right: what is needed first. There are
// none for one that was taken back.
func remedy(x *forensics.Urgent) []string {
	if x.Reduced() {
		return []string{}
	}
	var edits []mivet.Edit
	kind := x.Grant.PrincipalType
	if !x.Covered {
		for _, g := range x.Smallest {
			edits = append(edits, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{
				Role: g.Role, RoleName: g.RoleName, Principal: x.Principal, PrincipalType: kind, Scope: g.Scope,
			}})
		}
	}
	return vet.AzCommands(append(edits, mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: &x.Grant}))
}

// leads says whom the principal comes to act as by a grant that is still there, beyond those
// that it does without.
func (u *urgencyAnswer) leads(x *forensics.Urgent) ([]string, error) {
	if x.Reduced() {
		return []string{}, nil
	}
	table, err := execpath.Builtin()
	if err != nil {
		return nil, err
	}
	after := *u.snap
	after.RoleAssignments = slices.DeleteFunc(slices.Clone(u.snap.RoleAssignments), func(a mivet.RoleAssignment) bool { return vet.SameAssignment(&a, &x.Grant) })
	reach := func(s *mivet.Snapshot) map[string]bool {
		o := execpath.Options{Catalog: u.cat, Table: table, At: u.at}
		names := map[string]bool{}
		for _, path := range execpath.New(s, authz.New(s, authz.Options{Catalog: u.cat, At: u.at}), o).BlastOf(x.Principal).Paths {
			if n := len(path.Steps); n > 0 {
				name, _ := u.describe(path.Steps[n-1].To)
				names[name] = true
			}
		}
		return names
	}
	names := reach(u.snap)
	for name := range reach(&after) {
		delete(names, name)
	}
	return slices.Sorted(maps.Keys(names)), nil
}

func (u *urgencyAnswer) json() (urgencyJSON, error) {
	j := urgencyJSON{
		SchemaVersion: 1, At: u.at, Refusals: u.report.Refusals, Principals: u.report.Principals, Unplaced: u.report.Unplaced, Urgent: []urgentJSON{}, Overdue: []overdueJSON{}, Gaps: u.gaps(),
	}
	for i := range u.report.Urgent {
		x := &u.report.Urgent[i]
		one := urgentJSON{
			Principal: u.principalJSON(x.Principal), Grant: u.tenureJSON(&x.Tenure), Made: u.actJSON(&x.Made), Refused: x.Refused, Count: x.Count, First: x.First, Last: x.Last,
			Broad: x.Broad, Helps: x.Helps, Smallest: x.Smallest, NoSmallest: x.Why, Proven: x.Proven, Risk: x.Risk, SmallestRisk: x.SmallestRisk, Then: []tenureJSON{},
			Reduced: x.Reduced(), LastedSeconds: int64(x.Lasted / time.Second), Fix: remedy(x),
		}
		var err error
		if one.LeadsTo, err = u.leads(x); err != nil {
			return j, err
		}
		if x.Via != "" {
			via := u.principalJSON(x.Via)
			one.Via = &via
		}
		for k := range x.Then {
			one.Then = append(one.Then, u.tenureJSON(&x.Then[k]))
		}
		j.Urgent = append(j.Urgent, one)
	}
	for i := range u.overdue {
		o := &u.overdue[i]
		j.Overdue = append(j.Overdue, overdueJSON{
			Principal: u.principalJSON(o.Grant.Principal), Role: heldRole(o.Grant), Scope: o.Grant.Scope, Made: u.actJSON(&o.Made), Promise: o.Promise, Undecided: o.Undecided,
			Fix: vet.AzCommands([]mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: o.Grant}}),
		})
	}
	for i := range u.expired {
		e := &u.expired[i]
		j.Expired = append(j.Expired, expiredJSON{e.Rule, e.Identity, e.Match, e.Reason, e.Owner, e.Expires, e.At.String()})
	}
	return j, nil
}

// gaps says what the answer does not rest on.
func (u *urgencyAnswer) gaps() []string {
	out := []string{}
	if !u.logs {
		out = append(out, "no logs were read, so nothing is known of refusals: add --logs FOLDER")
	}
	if u.faults > 0 {
		out = append(out, fmt.Sprintf("the details of %s of the activity log could not be read", counted(u.faults, "entry")))
	}
	if n := u.report.Unplaced; n > 0 {
		out = append(out, fmt.Sprintf("of %s it is not known when they were made, so whether refusals came before cannot be said", counted(n, "grant")))
	}
	return out
}

func heldRole(a *mivet.RoleAssignment) string {
	if a.RoleName != "" {
		return a.RoleName
	}
	return "role " + string(a.Role)
}

func (u *urgencyAnswer) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		j, err := u.json()
		if err != nil {
			return err
		}
		return writeAnswer(w, "urgency", j)
	}
	p := newPrinter(w, colour)
	p.printf("%s\n", bold(u.summary()))
	for i := range u.report.Urgent {
		if err := u.urgent(p, &u.report.Urgent[i]); err != nil {
			return err
		}
	}
	for i := range u.overdue {
		if o := &u.overdue[i]; !slices.ContainsFunc(u.report.Urgent, func(x forensics.Urgent) bool { return vet.SameAssignment(&x.Grant, o.Grant) }) {
			u.late(p, o) // else it is told above
		}
	}
	for i := range u.expired {
		e := &u.expired[i]
		p.printf("\nThe exception from %s for %s is over: %s\n", bold(e.Rule), bold(orElse(orElse(e.Identity, e.Match), "everything")), red("what it excused is due"))
		p.printf("  %-10s %q, owner %s [%s]\n", "promise", e.Reason, e.Owner, e.At)
		p.printf("  %-10s since %s, %s ago\n", "over", when(e.Expires), spanWords(u.at.Sub(e.Expires)))
		p.printf("  %-10s mivet scan --contract FILE tells what it excused; put it right, or agree on another day\n", "fix")
	}
	for _, g := range u.gaps() {
		p.printf("\nnot known: %s\n", g)
	}
	return p.err
}

// summary is the answer in one line.
func (u *urgencyAnswer) summary() string {
	open := 0
	for i := range u.report.Urgent {
		if !u.report.Urgent[i].Reduced() {
			open++
		}
	}
	text := fmt.Sprintf("%s made in a hurry", counted(len(u.report.Urgent), "broad grant"))
	if len(u.report.Urgent) > 0 {
		text += fmt.Sprintf(", %d never taken back", open)
	}
	return text + fmt.Sprintf("; %s that outlived a promise (%s of %s read)", counted(len(u.overdue), "grant"),
		counted(int(u.report.Refusals), "refusal"), counted(u.report.Principals, "principal"))
}

// maxRefusals is how many of what was refused the text lists.
const maxRefusals = 4

// urgent tells one pattern: what, why we believe it, what it leads to, how to fix it.
func (u *urgencyAnswer) urgent(p *printer, x *forensics.Urgent) error {
	leads, err := u.leads(x)
	if err != nil {
		return err
	}
	name, _ := u.describe(x.Principal)
	has := red("and has it still")
	if x.Reduced() {
		has = green("and it was taken back")
	}
	p.printf("\n%s was given %s over %s in a hurry, %s\n", bold(name), bold(heldRole(&x.Grant)), bold(x.Grant.Scope.Name()), has)
	if x.Via != "" {
		group, _ := u.describe(x.Via)
		p.printf("  %-10s through the group %s, so all of its members got it\n", "who", group)
	}
	p.printf("  %-10s %s within %s, the last %s before the grant\n", "refused", timesWords(x.Count), spanWords(x.Last.Sub(x.First)), spanWords(x.Tenure.From.Latest.Sub(x.Last)))
	for i := range x.Refused {
		if i == maxRefusals {
			p.printf("  %-10s and %s more; --format json lists all\n", "", counted(len(x.Refused)-i, "right"))
			break
		}
		r := &x.Refused[i]
		p.printf("  %-10s %s %s at %s\n", "", timesWords(r.Count), orElse(r.Action, r.Operation), r.Scope)
		p.printf("  %-10s   first %s [%s], last %s [%s]\n", "", when(r.First), r.Source, when(r.Last), r.LastSource)
	}
	p.printf("  %-10s %s\n", "granted", u.told(&x.Made))
	if x.Grant.Description != "" {
		p.printf("  %-10s saying %q\n", "", x.Grant.Description)
	}
	if x.Tenure.Gap != "" {
		p.printf("  %-10s %s\n", "", x.Tenure.Gap)
	}
	p.printf("  %-10s %s\n", "broad", x.Broad)
	p.printf("  %-10s %s\n", "helped", helpWords(x))
	u.enough(p, x)
	if x.Reduced() {
		p.printf("  %-10s after %s%s\n", "reduced", spanWords(x.Lasted), u.removal(&x.Tenure))
	} else {
		p.printf("  %-10s %s: it has been there for %s\n", "reduced", red("never"), spanWords(x.Lasted))
	}
	if x.Promise != nil {
		if broken, _ := x.Promise.Broken(x.Tenure.From.Latest, u.at); broken && !x.Reduced() {
			p.printf("  %-10s %s\n", "promise", red("it was promised to end, and did not"))
		}
	}
	if len(leads) > 0 {
		p.printf("  %-10s it comes to act as %s by this grant alone\n", "leads to", someOf(leads))
	}
	for i, c := range remedy(x) {
		p.printf("  %-10s %s\n", map[bool]string{true: "fix"}[i == 0], c)
	}
	return nil
}

// enough tells the smallest grant, and what was given soon after.
func (u *urgencyAnswer) enough(p *printer, x *forensics.Urgent) {
	switch {
	case x.Why != "":
		p.printf("  %-10s not known: %s\n", "enough", x.Why)
	default:
		for i, g := range x.Smallest {
			p.printf("  %-10s %s at %s\n", map[bool]string{true: "enough"}[i == 0], bold(g.RoleName), g.Scope)
		}
		if x.Risk > 0 {
			p.printf("  %-10s risk %d in the place of %d\n", "", x.SmallestRisk, x.Risk)
		}
	}
	for i := range x.Then {
		t := &x.Then[i]
		p.printf("  %-10s %s later it got %s at %s, which gives what was refused\n", "then", spanWords(t.From.Latest.Sub(x.Tenure.From.Latest)), heldRole(&t.Grant), t.Grant.Scope.Name())
	}
}

func helpWords(x *forensics.Urgent) string {
	switch x.Helps {
	case authz.Allowed:
		return "yes: it gives all that was refused, and far more"
	case authz.Denied:
		return "no: it gives nothing of what was refused"
	case authz.Unknown:
	}
	return "in part, or not known"
}

// removal says who took a grant back.
func (r *resolver) removal(t *provenance.Tenure) string {
	switch {
	case t.Removed == nil && !t.To.Exact():
		return ", at a time that is not in the log"
	case t.Removed == nil || strings.Contains(strings.ToLower(t.Removed.Operation), "schedule"):
		return ", by itself at " + when(t.To.Latest)
	}
	return " by " + r.caller(t.Removed.By) + "  [" + t.Removed.Source.String() + "]"
}

// late tells a grant that outlived its promise.
func (u *urgencyAnswer) late(p *printer, o *forensics.OverdueGrant) {
	name, _ := u.describe(o.Grant.Principal)
	head := red("it is still there")
	if o.Undecided {
		head = yellow("it may be over")
	}
	p.printf("\n%s has %s over %s, promised to end: %s\n", bold(name), bold(heldRole(o.Grant)), bold(o.Grant.Scope.Name()), head)
	p.printf("  %-10s %q [%s]\n", "promise", o.Promise.Words, o.Grant.Source)
	p.printf("  %-10s %s\n", "granted", u.told(&o.Made))
	switch {
	case o.Undecided:
		p.printf("  %-10s it names no day that can be told without knowing when the grant was made\n", "over")
	case o.Promise.Until.IsZero():
		p.printf("  %-10s it names no day; the grant is %s old\n", "over", spanWords(u.at.Sub(o.Made.At)))
	default:
		p.printf("  %-10s since %s, %s ago\n", "over", when(o.Promise.Until), spanWords(u.at.Sub(o.Promise.Until)))
	}
	for _, c := range vet.AzCommands([]mivet.Edit{{Kind: mivet.EditRemoveAssignment, Assignment: o.Grant}}) {
		p.printf("  %-10s %s\n", "fix", c)
	}
}

// unit is a unit of time.
type unit struct {
	of   time.Duration
	name string
}

// spanWords is a length of time in at most two units.
func spanWords(d time.Duration) string {
	units := []unit{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	i := slices.IndexFunc(units, func(u unit) bool { return d >= u.of })
	if i < 0 {
		return "a moment"
	}
	some := func(n time.Duration, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	text := some(d/units[i].of, units[i].name)
	if rest := d % units[i].of; i+1 < len(units) && rest >= units[i+1].of && d < 10*units[i].of {
		text += " " + some(rest/units[i+1].of, units[i+1].name)
	}
	return text
}
