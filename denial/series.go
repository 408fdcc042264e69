// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// maxGroups bounds how many different refusals of a log are told apart.
const maxGroups = 10_000

// A Moment is a place in a log.
type Moment struct {
	// Line counts from 1.
	Line int `json:"line"`
	// Time is what the line says; zero where it says none.
	Time time.Time `json:"time,omitzero"`
}

// A Group is refusals of a log that are alike: same service, code, caller, operation,
// resource and revision.
type Group struct {
	*Denial
	// Revision is the slot or the revision that the lines name; often empty.
	Revision    string `json:"revision,omitzero"`
	Count       int    `json:"count"`
	First, Last Moment
}

// A Change is where another principal begins to be refused what an earlier one asked for.
type Change struct {
	From, To *Group
	At       Moment
	// Beside is the last line before it that speaks of a deployment, cut; empty without one.
	Beside     string
	BesideLine int
}

// A Series is a log, read for refusals.
type Series struct {
	Lines, Refusals int
	// Groups are in the order of their first lines.
	Groups  []*Group
	Changes []Change
	// Dropped counts refusals of further sorts than are told apart.
	Dropped int
}

var (
	timeOfLine = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?`)
	revisionOf = regexp.MustCompile(`(?i)"?\b(?:revision_?name|container_?app_?revision|revision|slot_?name|slot)(?:_s)?"?\s*[:=]\s*"?([A-Za-z0-9][\w.-]*)`)
	deployment = regexp.MustCompile(`(?i)\bdeploy(?:ed|ing|ment)?\b|\bswap(?:ped|ping)?\b|\brevision\b.{0,40}\b(?:activated|created|provisioned)\b|\brestart(?:ed|ing)?\b`)
)

// ReadSeries reads a log line by line. Of a line longer than [MaxText] the beginning is
// read. An error names the line.
func ReadSeries(r io.Reader) (*Series, error) {
	s := &Series{}
	groups := map[string]*Group{}
	last := map[string]*Group{} // by what was asked
	var beside string
	var besideLine int
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := readLine(in)
		if line != "" || err == nil {
			s.Lines++
			at := Moment{Line: s.Lines, Time: lineTime(line)}
			d := Parse(line)
			switch {
			case d.Recognised():
				s.Refusals++
				s.add(groups, last, d, revision(line), at, beside, besideLine)
			case deployment.MatchString(line):
				beside, besideLine = cut(strings.TrimSpace(line)), s.Lines
			}
		}
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("reading line %d: %w", s.Lines+1, err)
		}
	}
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

func (s *Series) add(groups, last map[string]*Group, d *Denial, revision string, at Moment, beside string, besideLine int) {
	asked := strings.Join([]string{string(d.Service), d.Operation, d.Resource}, "\x00")
	who := d.Caller.OID + "\x00" + d.Caller.AppID + "\x00" + d.Caller.Client
	key := strings.Join([]string{asked, d.Code, who, revision}, "\x00")
	g := groups[key]
	if g == nil {
		if len(s.Groups) == maxGroups {
			s.Dropped++
			return
		}
		g = &Group{Denial: d, Revision: revision, First: at}
		groups[key] = g
		s.Groups = append(s.Groups, g)
	}
	g.Count++
	g.Last = at
	before := last[asked]
	last[asked] = g
	if before == nil || before.Caller == g.Caller || !before.Caller.Named() || !g.Caller.Named() {
		return
	}
	if len(s.Changes) < maxGroups {
		s.Changes = append(s.Changes, Change{From: before, To: g, At: at, Beside: beside, BesideLine: besideLine})
	}
}

func lineTime(line string) time.Time {
	text := strings.Replace(timeOfLine.FindString(line), " ", "T", 1)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func revision(line string) string {
	if m := revisionOf.FindStringSubmatch(line); m != nil {
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
