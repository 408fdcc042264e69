// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// usageAnswer is what an identity was granted and what it used.
type usageAnswer struct {
	*questions
	who       mivet.PrincipalID
	report    *usage.Report
	workloads []usage.Workload
	logs      *usage.Summary
	missing   []authz.Missing
	verbose   bool
}

func (u *usageAnswer) write(out io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return u.writeJSON(out)
	}
	p := newPrinter(out, colour)
	r := u.report
	p.printf("%s: %s, %s\n", bold(u.title(u.who)), counted(len(r.Grants), "grant"), usedWords(&r.Counts))
	p.printf("  window      %s\n", windowWords(r.Window))
	p.printf("  grants at   %s\n", u.at.Format(time.RFC3339))
	for i := range r.Grants {
		u.writeGrant(p, &r.Grants[i])
	}
	u.writeUses(p, "Refused: asked for and not granted", r.Refused)
	u.writeUses(p, "Granted, but by no grant that was read", r.Elsewhere)
	u.writeWorkloads(p)
	u.writeUnmapped(p)
	if len(u.missing) > 0 {
		p.printf("\n%s\n", bold("Not known: there may be more grants, and fewer that count"))
		printMissing(p, u.missing)
	}
	return p.err
}

// usedWords says how often something was used.
func usedWords(c *usage.Counts) string {
	if c.Total() == 0 {
		return "no entry in the logs"
	}
	var parts []string
	if n := c.Granted + c.Undecided; n > 0 {
		parts = append(parts, "used "+timesWords(n))
	}
	if c.Refused > 0 {
		parts = append(parts, "refused "+timesWords(c.Refused))
	}
	text := strings.Join(parts, ", ")
	if !c.Last.IsZero() {
		text += ", last seen " + c.Last.UTC().Format(time.RFC3339)
	}
	return text
}

func timesWords(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func windowWords(w usage.Window) string {
	if w.Days() == 0 {
		return "none: no entry with a time was read"
	}
	return fmt.Sprintf("%s to %s, %s", w.First, w.Last, dayWords(w.Days()))
}

func dayWords(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// maxUsed is how many uses of a grant the text lists, maxUnused how many unused operations.
const (
	maxUsed   = 12
	maxUnused = 4
)

func (u *usageAnswer) writeGrant(p *printer, g *usage.Grant) {
	r := &g.Right
	p.printf("\n%s  %s\n", verdict(r.Effect), bold(rightName(r)))
	p.printf("      %-11s %s\n", "scope", r.Scope)
	if r.Effect != authz.Allowed {
		p.printf("      %-11s %s\n", "because", rightCause(r))
	}
	p.printf("      %-11s %s\n", "path", u.path(r.Via))
	for i := range g.Used {
		if i == maxUsed && !u.verbose {
			p.printf("      %-11s %s more; --format json lists all\n", "", counted(len(g.Used)-i, "right"))
			break
		}
		use := &g.Used[i]
		p.printf("      %-11s %s\n", green("used"), use.Action)
		p.printf("      %-11s   at %s\n", "", use.Scope)
		p.printf("      %-11s   %s on %s\n", "", usedWords(&use.Counts), dayWords(use.Days))
	}
	for i := range g.Unused {
		u.writeUnused(p, &g.Unused[i])
	}
}

// writeUnused prints operations without an entry, and what that proves.
func (u *usageAnswer) writeUnused(p *printer, n *usage.Unused) {
	what := fmt.Sprintf("%s without an entry", counted(len(n.Actions), n.Plane.String()+" operation"))
	switch n.Class {
	case usage.Covered:
		p.printf("      %-11s %s\n", yellow("unused"), strings.Replace(what, " without an entry", "", 1))
	case usage.Off:
		p.printf("      %-11s %s\n", "not known", what)
	case usage.Blind:
		p.printf("      %-11s %s\n", "blind", what)
	}
	p.printf("      %-11s   %s: %s\n", "", n.Class, n.Why)
	if n.Class == usage.Off && n.Missing != "" {
		p.printf("      %-11s   export %s of %s\n", "", n.Category, n.Missing)
	}
	most := maxUnused
	if u.verbose {
		most = len(n.Actions)
	}
	if n.Class == usage.Covered {
		for i, op := range n.Actions {
			if i == most {
				p.printf("      %-11s   and %d more; --format json lists all\n", "", len(n.Actions)-i)
				break
			}
			p.printf("      %-11s   %s\n", "", op)
		}
	}
}

func (u *usageAnswer) writeUses(p *printer, title string, uses []usage.Use) {
	if len(uses) == 0 {
		return
	}
	p.printf("\n%s\n", bold(title))
	for i := range uses {
		if i == maxUsed && !u.verbose {
			p.printf("  and %d more; --format json lists all\n", len(uses)-i)
			return
		}
		use := &uses[i]
		p.printf("  %s\n      at %s\n      %s on %s (%s)\n", use.Action, use.Scope, usedWords(&use.Counts), dayWords(use.Days), use.Log)
	}
}

func (u *usageAnswer) writeWorkloads(p *printer) {
	if len(u.workloads) == 0 {
		return
	}
	p.printf("\n%s\n", bold("Where it came from"))
	for i := range u.workloads {
		w := &u.workloads[i]
		p.printf("  %s\n      %s\n      %s\n", cmp.Or(w.Resource, w.Credential, "unattributed"), strings.TrimPrefix(w.Evidence, "unattributed: "), usedWords(&w.Counts))
		for _, f := range []field{{"addresses", someOf(w.Callers)}, {"clients", someOf(w.Agents)}} {
			if f.text != "" {
				p.printf("      %-11s %s\n", f.label, f.text)
			}
		}
	}
}

// writeUnmapped says what of the logs named no right of an identity.
func (u *usageAnswer) writeUnmapped(p *printer) {
	if len(u.logs.Unmapped) == 0 {
		return
	}
	sum := int64(0)
	for i := range u.logs.Unmapped {
		sum += u.logs.Unmapped[i].Entries
	}
	p.printf("\n%s\n", bold(fmt.Sprintf("Of %d entries of everybody, %d name no right of an identity", u.logs.Entries, sum)))
	list := slices.Clone(u.logs.Unmapped)
	slices.SortStableFunc(list, func(a, b usage.Unmapped) int { return cmp.Compare(b.Entries, a.Entries) })
	for i := range list {
		if i == maxUsed && !u.verbose {
			p.printf("  and %s more\n", counted(len(list)-i, "sort"))
			return
		}
		m := &list[i]
		about := cmp.Or(m.Category, m.Log.String())
		if m.Operation != "" {
			about += " " + m.Operation
		}
		p.printf("  %8d  %s: %s\n", m.Entries, about, m.Reason)
	}
}

// usageJSON is the answer for machines.
type usageJSON struct {
	Version   int             `json:"version"`
	Principal principalJSON   `json:"principal"`
	At        time.Time       `json:"at"`
	Inputs    []string        `json:"inputs"`
	First     string          `json:"first"`
	Last      string          `json:"last"`
	Days      int             `json:"days"`
	Use       useCounts       `json:"use"`
	Grants    []usedGrant     `json:"grants"`
	Refused   []usedRightJSON `json:"refused"`
	Elsewhere []usedRightJSON `json:"elsewhere"`
	Workloads []workloadJSON  `json:"workloads"`
	Entries   int64           `json:"entries"`
	Unmapped  []unmappedJSON  `json:"unmapped"`
	Missing   []missingJSON   `json:"missing"`
}

// useCounts says how often, and when.
type useCounts struct {
	Granted   int64     `json:"granted"`
	Refused   int64     `json:"refused"`
	Undecided int64     `json:"undecided"`
	First     time.Time `json:"firstSeen,omitzero"`
	Last      time.Time `json:"lastSeen,omitzero"`
}

// usedRightJSON is one right at one scope that was used or refused.
type usedRightJSON struct {
	Action string    `json:"action"`
	Plane  string    `json:"plane"`
	Scope  string    `json:"scope"`
	Log    string    `json:"log"`
	Days   int       `json:"days"`
	Use    useCounts `json:"use"`
}

// usedGrant is a grant with the use of it.
type usedGrant struct {
	Grant  rightJSON       `json:"grant"`
	Used   []usedRightJSON `json:"used"`
	Unused []unusedJSON    `json:"unused"`
}

// unusedJSON are operations of a grant without an entry, with what that proves.
type unusedJSON struct {
	// Evidence is covered, off or blind. Only covered operations are unused.
	Evidence   string   `json:"evidence"`
	Why        string   `json:"why"`
	Category   string   `json:"category,omitzero"`
	Missing    string   `json:"missing,omitzero"`
	Plane      string   `json:"plane"`
	Operations []string `json:"operations"`
}

// workloadJSON is a part of the use that one workload made; resource and credential are
// absent where it is unattributed.
type workloadJSON struct {
	Resource   string    `json:"resource,omitzero"`
	Credential string    `json:"credential,omitzero"`
	Evidence   string    `json:"evidence"`
	Callers    []string  `json:"callers"`
	Agents     []string  `json:"agents"`
	Use        useCounts `json:"use"`
}

// unmappedJSON counts entries that name no right of an identity.
type unmappedJSON struct {
	Log       string `json:"log"`
	Category  string `json:"category,omitzero"`
	Reason    string `json:"reason"`
	Operation string `json:"operation,omitzero"`
	Entries   int64  `json:"entries"`
}

func (u *usageAnswer) writeJSON(out io.Writer) error {
	r := u.report
	a := usageJSON{
		Version: 1, Principal: u.principalJSON(u.who), At: u.at, Inputs: u.snap.Inputs, First: r.Window.First.String(), Last: r.Window.Last.String(), Days: r.Window.Days(),
		Use: countsJSON(&r.Counts), Grants: []usedGrant{}, Refused: usesJSON(r.Refused), Elsewhere: usesJSON(r.Elsewhere), Workloads: []workloadJSON{},
		Entries: u.logs.Entries, Unmapped: []unmappedJSON{}, Missing: allMissingJSON(u.missing),
	}
	// What is told of a right is told as what-can does.
	rights := whatCanAnswer{questions: u.questions, who: u.who}
	for i := range r.Grants {
		g := &r.Grants[i]
		x := usedGrant{Grant: rights.rightJSON(&g.Right), Used: usesJSON(g.Used), Unused: []unusedJSON{}}
		for j := range g.Unused {
			n := &g.Unused[j]
			x.Unused = append(x.Unused, unusedJSON{string(n.Class), n.Why, n.Category, n.Missing, n.Plane.String(), operationNames(n.Actions)})
		}
		a.Grants = append(a.Grants, x)
	}
	for i := range u.workloads {
		w := &u.workloads[i]
		a.Workloads = append(a.Workloads, workloadJSON{w.Resource, w.Credential, w.Evidence, append([]string{}, w.Callers...), append([]string{}, w.Agents...), countsJSON(&w.Counts)})
	}
	for _, m := range u.logs.Unmapped {
		a.Unmapped = append(a.Unmapped, unmappedOf(&m))
	}
	return writeAnswer(out, "usage", a)
}

func unmappedOf(m *usage.Unmapped) unmappedJSON {
	log := ""
	if m.Log != logs.UnknownLog {
		log = m.Log.String()
	}
	return unmappedJSON{log, m.Category, string(m.Reason), m.Operation, m.Entries}
}

func operationNames(ops []arm.Operation) []string {
	names := []string{}
	for _, op := range ops {
		names = append(names, op.String())
	}
	return names
}

func countsJSON(c *usage.Counts) useCounts {
	return useCounts{c.Granted, c.Refused, c.Undecided, c.First, c.Last}
}

func usesJSON(uses []usage.Use) []usedRightJSON {
	out := []usedRightJSON{}
	for i := range uses {
		u := &uses[i]
		out = append(out, usedRightJSON{u.Action, u.Plane.String(), u.Scope, u.Log, u.Days, countsJSON(&u.Counts)})
	}
	return out
}
