// SPDX-License-Identifier: Apache-2.0

package review

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/mivet/mivet/vet"
)

// WriteMarkdown writes the pack as Markdown, for a wiki or a repository. Decisions are not
// read back from it.
func (p *Pack) WriteMarkdown(out io.Writer) error {
	w := &markdown{w: bufio.NewWriter(out)}
	w.line("# Access review of %s", vet.Count(len(p.Identities), "managed identity"))
	w.line("")
	w.item("tenant", cmp.Or(p.Tenant, "not told by the input"))
	w.item("facts as of", moment(p.TakenAt))
	w.item("facts, digest", "`"+p.Facts+"`")
	for _, in := range p.Inputs {
		if in.SHA256 != "" {
			w.item("read from", in.Name+", SHA-256 `"+in.SHA256+"`")
		} else {
			w.item("read from", in.Name)
		}
	}
	if c := p.Contract; c != nil {
		w.item("contract", strings.TrimSpace(c.File+" "+c.Stage)+" `"+c.Hash+"`")
	} else {
		w.item("contract", "none was given: nothing says what was agreed on")
	}
	if l := p.Logs; l != nil {
		w.item("use", fmt.Sprintf("%d log entries, %s to %s, %s", l.Entries, l.First, l.Last, vet.Count(l.Days, "day")))
	} else {
		w.item("use", "no logs were given: nothing is said about use")
	}
	w.item("chosen", cmp.Or(strings.Join(p.Selection, "; "), "all")+fmt.Sprintf(", %d of %s", len(p.Identities), vet.Count(p.Total, "identity")))
	w.item("written", moment(p.Written)+" by mivet "+p.Version+", with data of Azure of "+p.Catalog)
	w.summary(p)
	for i := range p.Identities {
		w.identity(&p.Identities[i])
	}
	return w.w.Flush()
}

type markdown struct{ w *bufio.Writer }

// line writes a line; an error comes again from Flush.
func (m *markdown) line(format string, args ...any) { _, _ = fmt.Fprintf(m.w, format+"\n", args...) }

func (m *markdown) item(label, text string) { m.line("- **%s**: %s", label, inline(text)) }

// inline keeps a text on one line and from being read as markup of tables or of HTML.
func inline(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ", "\r", " ").Replace(s)
}

func (m *markdown) row(cells ...string) {
	for i := range cells {
		cells[i] = inline(cells[i])
	}
	m.line("| %s |", strings.Join(cells, " | "))
}

func (m *markdown) head(names ...string) {
	m.line("")
	m.row(names...)
	m.line("|%s", strings.Repeat(" --- |", len(names)))
}

func (m *markdown) summary(p *Pack) {
	m.line("\n## To look at first")
	m.head("identity", "owner", "why")
	for _, row := range p.Riskiest {
		x := p.Identity(row)
		m.row(x.Name, cmp.Or(x.Owner, "nobody is named"), strings.Join(x.Risk.Words, "; "))
	}
	m.line("\n## Not read")
	if len(p.NotRead) == 0 {
		m.line("\nThe input names nothing that could not be read.")
		return
	}
	m.head("facts", "where", "why", "would be closed by")
	for _, u := range p.NotRead {
		m.row(u.Facts, cmp.Or(u.Scope, "the whole tenant"), u.Reason, u.Permission)
	}
}

func (m *markdown) identity(x *Identity) {
	m.line("\n## %s", inline(x.Name))
	m.line("")
	m.item("row", "`"+x.Row+"`")
	why := "nobody wrote down why"
	if x.Why != "" {
		why = x.Why + " (" + x.WhyFrom + ")"
	}
	m.item("type", string(x.Type)+": "+why)
	if x.Advice != "" {
		m.item("mivet would choose", x.Advice)
	}
	m.item("owner", cmp.Or(x.Owner, "nobody is named"))
	m.item("purpose", cmp.Or(strings.Join(x.Purpose, "; "), "nobody wrote it down"))
	m.item("presented by", cmp.Or(strings.Join(x.Presented, "; "), "nothing that was read"))
	m.item("enabled by", x.Enabled)
	for _, d := range x.Deployed {
		m.item("deployed last", d)
	}
	m.item("principal", cmp.Or(string(x.Principal), "not read"))
	m.item("resource", x.Resource.String())
	m.item("risk", strings.Join(x.Risk.Words, "; "))
	m.item("use", strings.TrimSpace(x.Use.Word+" "+x.Use.words()+" "+day(x.Use.Last)))
	review := cmp.Or(day(x.Review.Last), "none is written down")
	if !x.Review.Due.IsZero() {
		review += ", due " + day(x.Review.Due)
	}
	m.item("last review", review)
	m.grants(x)
	m.paths(x)
	m.findings(x)
	for _, n := range x.NotRead {
		m.item("not read", n)
	}
}

func (m *markdown) grants(x *Identity) {
	m.head("row", "grant", "where", "justification", "since, by", "use", "decision", "reason")
	for i := range x.Grants {
		g := &x.Grants[i]
		what := g.What + " (" + string(g.Kind) + ")"
		if len(g.Via) > 0 {
			what += " through " + strings.Join(g.Via, " > ")
		}
		if g.Holds != "yes" {
			what += "; counts: " + g.Holds
		}
		m.row(g.Row, strings.Join(append([]string{what}, g.Limits...), "; "), g.Scope, strings.Join(nonEmpty(cmp.Or(g.Justification, "none written down"), g.Promise), "; "),
			strings.Join(nonEmpty(day(g.CreatedOn), g.CreatedBy), ", "), strings.Join(nonEmpty(g.Use.Word, g.Use.words(), day(g.Use.Last)), ", "), "", "")
	}
}

func nonEmpty(words ...string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

func (m *markdown) paths(x *Identity) {
	p := &x.Paths
	m.line("")
	m.item("can act as it", others(p.Actors, p.ActorCount, "nobody else, as far as was read"))
	if p.PossibleCount > 0 {
		m.item("possibly", others(p.Possible, p.PossibleCount, ""))
	}
	for _, h := range p.How {
		m.item("how", h)
	}
	m.item("it can act as", others(p.Reaches, p.ReachCount, "nobody else"))
	if len(p.Authority) > 0 {
		m.item("gives itself rights at", strings.Join(p.Authority, ", "))
	}
}

func others(names []string, n int, none string) string {
	text := cmp.Or(strings.Join(names, ", "), none)
	if more := n - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (m *markdown) findings(x *Identity) {
	if len(x.Findings) > 0 {
		m.head("row", "severity", "open finding", "due", "decision", "until", "reason")
		for i := range x.Findings {
			f := &x.Findings[i]
			m.row(f.Row, f.Severity, f.Rule+": "+f.Message, day(f.Due), "", "", "")
		}
	}
	if len(x.Exceptions) > 0 {
		m.head("exception", "about", "reason", "until", "by")
		for i := range x.Exceptions {
			e := &x.Exceptions[i]
			m.row(e.Rule, e.About, e.Reason, day(e.Expires), e.Owner)
		}
	}
}
