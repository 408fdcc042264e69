// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
)

// maxGroups bounds how many different refusals of a log are told apart.
const maxGroups = 10_000

// maxBesides bounds how many of the last deployments are remembered.
const maxBesides = 64

// A Moment is a place in a log.
type Moment struct {
	// Line counts from 1.
	Line int `json:"line"`
	// Time is what the line says; zero where it says none.
	Time time.Time `json:"time,omitzero"`
}

// A Group is lines of a log that are alike: same service, code, caller, operation,
// resource, slot and revision.
type Group struct {
	*Denial
	// Granted is true for uses that were not refused: entries of Azure's own logs tell of
	// them, texts do not.
	Granted bool
	// Slot and Revision are what the lines name so; often empty.
	Slot, Revision string
	Count          int
	First, Last    Moment
}

// A Change is where another principal begins to ask for what an earlier one asked for. One
// of the two is refused.
type Change struct {
	From, To *Group
	At       Moment
	// Beside is the last line before it that speaks of a deployment, cut; empty without one.
	Beside     string
	BesideLine int
}

// Recreated reports whether both callers are principals of one identity, by what their
// tokens say of it: it was made again between them.
func (c *Change) Recreated() bool {
	a, b := c.From.Caller, c.To.Caller
	return a.Identity != "" && strings.EqualFold(a.Identity, b.Identity) && a.OID != "" && b.OID != "" && !strings.EqualFold(a.OID, b.OID)
}

// Formers are the principals that the identity of a group's caller had before, as far as the
// log tells.
func (s *Series) Formers(g *Group) []mivet.PrincipalID {
	var out []mivet.PrincipalID
	for i := range s.Changes {
		if c := &s.Changes[i]; c.Recreated() && c.To.Caller.same(&g.Caller) {
			out = append(out, mivet.NewPrincipalID(c.From.Caller.OID))
		}
	}
	return out
}

// A Series is a log, read for refusals.
type Series struct {
	Lines, Refusals int
	// Uses counts entries that tell of a use that was granted.
	Uses int
	// Groups are in the order of their first lines, with those of granted uses among them
	// from which a change led to a refusal.
	Groups  []*Group
	Changes []Change
	// Dropped counts refusals of further sorts than are told apart.
	Dropped int
	// Faults are lines that look like entries of Azure's logs and cannot be read.
	Faults int

	groups map[string]*Group
	last   map[string]*Group // by what was asked
	// deployed are the last lines that speak of a deployment.
	deployed []deployment
	parser   *logs.Parser
}

// deployment is a line that speaks of one.
type deployment struct {
	Moment
	text string
}

var (
	timeOfLine = regexp.MustCompile(`\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?`)
	revisionOf = regexp.MustCompile(`(?i)"?\b(?:revision_?name|container_?app_?revision|revision)(?:_s)?"?\s*[:=]\s*"?([A-Za-z0-9][\w.-]*)`)
	slotOf     = regexp.MustCompile(`(?i)"?\b(?:website_slot_name|slot_?name|slot)(?:_s)?"?\s*[:=]\s*"?([A-Za-z0-9][\w.-]*)`)
	deployedAt = regexp.MustCompile(`(?i)\bdeploy(?:ed|ing|ment)?\b|\bswap(?:ped|ping|slots)?\b|\brevision\b.{0,40}\b(?:activated|created|provisioned)\b|\brestart(?:ed|ing)?\b` +
		`|\brecreated?\b|Microsoft\.(?:Web|App|ContainerService|Compute)/[\w/]+/(?:write|delete|action)\b`)
	// continues are the lines on which a text of a service goes on: Key Vault and the SDKs
	// write several.
	continues = regexp.MustCompile(`^(?:$|\s+\S|(?:If role assignments|Caller|Action|Resource|Assignment|DenyAssignmentId|DecisionReason|Vault|Client address|Status|ErrorCode|Code|Message|Inner error|RequestId|Time|Content|Headers)\s*:|[{}<"]|-{10,}|at \S+\()`)
)

// maxRecord bounds how many lines are taken together.
const maxRecord = 100

// ReadSeries reads a log: lines of text, and entries of Azure's own logs, of which those
// count too that tell of a use that was granted. Lines on which the text of a service goes on belong to the one
// before. Of a line longer than [MaxText] the beginning is read. An error names the line.
func ReadSeries(r io.Reader) (*Series, error) {
	parser, err := logs.NewParser()
	if err != nil {
		return nil, err
	}
	s := &Series{groups: map[string]*Group{}, last: map[string]*Group{}, parser: parser}
	var open record
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := readLine(in)
		if line != "" || err == nil {
			s.Lines++
			if !open.takes(line) {
				s.record(&open)
				open = record{Moment: Moment{Line: s.Lines, Time: lineTime(line)}, text: line, lines: 1}
			}
		}
		if errors.Is(err, io.EOF) {
			s.record(&open)
			s.tidy()
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("reading line %d: %w", s.Lines+1, err)
		}
	}
}

// record is a line with those that continue it.
type record struct {
	Moment
	text  string
	lines int
}

// takes adds a line that continues the record.
func (r *record) takes(line string) bool {
	labelled := strings.HasSuffix(r.text, ":") // "Content:", and the body below it
	if r.lines == 0 || r.lines == maxRecord || len(r.text)+len(line) > MaxText || !continues.MatchString(line) || !labelled && startsAnew(line) {
		return false
	}
	r.text += "\n" + line
	r.lines++
	return true
}

// startsAnew reports whether a line that looks like a continuation is a whole entry: an
// object of JSON Lines, or one that begins with a time.
func startsAnew(line string) bool {
	at := timeOfLine.FindStringIndex(line)
	return at != nil && at[0] < 3 || strings.HasPrefix(line, "{") && strings.HasSuffix(line, "}")
}

// record reads one record into the series.
func (s *Series) record(r *record) {
	if r.lines == 0 || s.entries(r) {
		return
	}
	d := Parse(r.text)
	switch {
	case d.Recognised():
		s.Refusals++
		s.add(&Group{Denial: d, Slot: named(slotOf, r.text), Revision: named(revisionOf, r.text), First: r.Moment})
	case deployedAt.MatchString(r.text):
		s.deploy(deployment{r.Moment, cut(strings.TrimSpace(r.text))})
	}
}

func (s *Series) deploy(d deployment) {
	if len(s.deployed) == maxBesides {
		s.deployed = slices.Delete(s.deployed, 0, 1)
	}
	s.deployed = append(s.deployed, d)
}

// readLine returns a line without its end, cut at [MaxText].
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if room := MaxText - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return strings.TrimRight(string(line), "\r\n"), err
	}
}

// add counts an occurrence of a group, which is new or known.
func (s *Series) add(g *Group) {
	asked := strings.Join([]string{string(g.Service), strings.ToLower(g.Operation), strings.ToLower(g.Resource)}, "\x00")
	who := g.Caller.OID + "\x00" + g.Caller.AppID + "\x00" + g.Caller.Client
	key := strings.Join([]string{asked, g.Code, who, g.Slot, g.Revision, fmt.Sprint(g.Granted)}, "\x00")
	at := g.First
	if known := s.groups[key]; known != nil {
		g = known
	} else {
		if len(s.groups) == maxGroups {
			if !g.Granted {
				s.Dropped++
			}
			return
		}
		s.groups[key] = g
		s.Groups = append(s.Groups, g)
	}
	g.Count++
	g.Last = at
	before := s.last[asked]
	s.last[asked] = g
	if before == nil || before.Caller.same(&g.Caller) || !before.Caller.Named() || !g.Caller.Named() || before.Granted && g.Granted {
		return
	}
	if len(s.Changes) < maxGroups {
		c := Change{From: before, To: g, At: at}
		if d := s.deployedBefore(at); d != nil {
			c.Beside, c.BesideLine = d.text, d.Line
		}
		s.Changes = append(s.Changes, c)
	}
}

// same reports whether two callers are one principal.
func (c *Caller) same(o *Caller) bool {
	if c.OID != "" && o.OID != "" {
		return strings.EqualFold(c.OID, o.OID)
	}
	return *c == *o
}

// deployedBefore is the last deployment before a moment: by time where both tell it, else
// by line.
func (s *Series) deployedBefore(at Moment) *deployment {
	for i := len(s.deployed) - 1; i >= 0; i-- {
		d := &s.deployed[i]
		if at.Time.IsZero() || d.Time.IsZero() || !d.Time.After(at.Time) {
			return d
		}
	}
	return nil
}

// tidy leaves of the granted uses those that a change shows.
func (s *Series) tidy() {
	s.Groups = slices.DeleteFunc(s.Groups, func(g *Group) bool {
		return g.Granted && !slices.ContainsFunc(s.Changes, func(c Change) bool { return c.From == g || c.To == g })
	})
	s.groups, s.last, s.deployed, s.parser = nil, nil, nil, nil
}

func lineTime(line string) time.Time {
	text := timeOfLine.FindString(line)
	if text == "" {
		return time.Time{}
	}
	text = strings.Replace(strings.Replace(text, "/", "-", 2), " ", "T", 1)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func named(re *regexp.Regexp, line string) string {
	if m := re.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// maxBeside is how much of a line beside a change is kept.
const maxBeside = 160

func cut(s string) string {
	if len(s) <= maxBeside {
		return s
	}
	return strings.ToValidUTF8(s[:maxBeside], "") + "…"
}
