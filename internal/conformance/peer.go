// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// A verdict is one line of a file of fixtures of other tools: what one of their rules must
// and must not report.
type verdict struct {
	ID     json.RawMessage   `json:"id"`
	Peer   string            `json:"peer"`
	Rule   string            `json:"rule"`
	Format []string          `json:"format"`
	Path   string            `json:"path"`
	Files  []string          `json:"files"`
	Unit   string            `json:"unit"`
	Fail   []json.RawMessage `json:"fail"`
	Pass   []json.RawMessage `json:"pass"`
}

// IsPeerFile reports whether a file of that beginning holds verdicts of other tools.
func IsPeerFile(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	var v verdict
	return json.Unmarshal(line, &v) == nil && v.Peer != "" && v.Rule != "" && v.Unit != ""
}

// maxVerdict bounds one line of verdicts.
const maxVerdict = 16 << 20

// AddPeers compares the verdicts of other tools on their fixtures with those of mivet, rule
// by rule. Each object, line, file or case that a line names is counted by itself. A rule
// that mivet has no control of the same meaning for is unanswered, with the reason.
func (p *Report) AddPeers(ctx context.Context, r *Runner, file string, in io.Reader) error {
	p.SchemaVersion = 1
	p.Files = append(p.Files, file)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxVerdict)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var v verdict
		if err := decodeLine(lines.Bytes(), &v); err != nil || v.Peer == "" {
			p.Faults = append(p.Faults, fmt.Sprintf("%s:%d: it is no verdict of another tool: %v", file, n, err))
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p.addVerdict(ctx, r, file, n, &v)
	}
	slices.SortFunc(p.Kinds, func(a, b KindReport) int { return strings.Compare(a.Kind, b.Kind) })
	return lines.Err()
}

// asserted is one thing that a verdict says something about.
type asserted struct {
	text string
	bad  bool
}

func (v *verdict) asserted() []asserted {
	var out []asserted
	for _, x := range v.Fail {
		out = append(out, asserted{assertedText(x), true})
	}
	for _, x := range v.Pass {
		out = append(out, asserted{assertedText(x), false})
	}
	return out
}

// assertedText is a name, or a file and a line with a colon between.
func assertedText(raw json.RawMessage) string {
	var name string
	var place []any
	switch {
	case json.Unmarshal(raw, &name) == nil:
		return name
	case json.Unmarshal(raw, &place) == nil && len(place) == 2:
		return fmt.Sprintf("%v:%v", place[0], place[1])
	default:
		return string(raw)
	}
}

func (p *Report) addVerdict(ctx context.Context, r *Runner, file string, line int, v *verdict) {
	name := v.Peer + " " + v.Rule
	c, known := peerControls[name]
	if c.as != "" {
		c = peerControls[c.as]
	}
	judged, why := judgements{}, c.without
	if known && why == "" {
		judged, why = r.judge(ctx, v, c)
	}
	if !known {
		why = "no control has this meaning"
	}
	k := p.peerKind(name, known && c.without == "")
	for _, a := range v.asserted() {
		bad, reason := judged.of(v, a.text)
		outcome := Agreed
		switch {
		case why != "" || reason != "":
			outcome = Unanswered
		case bad != a.bad:
			outcome = Disagreed
		}
		p.Kinds[k].add(outcome)
		if outcome == Agreed {
			continue
		}
		d := Difference{File: file, Line: line, ID: v.ID, Kind: name, Outcome: outcome, Expected: quoted(a.text + ": " + word(a.bad)), Why: firstText(why, reason)}
		if outcome == Disagreed {
			d.Answer = word(bad)
		}
		p.Differences = append(p.Differences, d)
	}
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func word(bad bool) string {
	if bad {
		return "fail"
	}
	return "pass"
}

func (p *Report) peerKind(name string, supported bool) int {
	i := slices.IndexFunc(p.Kinds, func(k KindReport) bool { return k.Kind == name })
	if i < 0 {
		i = len(p.Kinds)
		p.Kinds = append(p.Kinds, KindReport{Kind: name, Supported: supported})
	}
	return i
}

// A judgement is what a control says of one object.
type judgement struct {
	address string // its name in the source
	named   string // type and name of the resource, "Type.name"
	file    string
	line    int
	bad     bool
}

type judgements struct {
	all   []judgement
	cases map[string]bool // files and cases: something bad is in it
}

// of says what was judged of an asserted thing, or why nothing was.
func (j *judgements) of(v *verdict, text string) (bad bool, why string) {
	switch v.Unit {
	case "file", "case":
		bad, ok := j.cases[text]
		if !ok {
			return false, "it could not be read"
		}
		return bad, ""
	case "line":
		file, line, isLine := strings.Cut(text, ":")
		if !isLine {
			bad, ok := j.cases[file]
			if !ok {
				return false, "it could not be read"
			}
			return bad, ""
		}
		return j.atLine(file, line)
	}
	for _, x := range j.all {
		if arm.Fold(x.address) == arm.Fold(text) || arm.Fold(x.named) == arm.Fold(text) {
			return x.bad, ""
		}
	}
	return false, "no object of that name was found"
}

// atLine finds the object that stands at a line: the last that begins at or before it.
func (j *judgements) atLine(file, line string) (bad bool, why string) {
	var n int
	if _, err := fmt.Sscan(line, &n); err != nil {
		return false, "the line is no number"
	}
	best := -1
	for i, x := range j.all {
		if path.Base(x.file) == file && x.line <= n && (best < 0 || x.line >= j.all[best].line) {
			best = i
		}
	}
	if best < 0 {
		return false, "no object that the control is about stands there"
	}
	return j.all[best].bad, ""
}

// judge reads the fixtures of a verdict and applies the control to them.
func (r *Runner) judge(ctx context.Context, v *verdict, c control) (judgements, string) {
	out := judgements{cases: map[string]bool{}}
	if r.options.ReadFixture == nil {
		return out, "there is no reader of fixtures"
	}
	if v.Unit == "case" {
		return out, r.judgeCases(ctx, v, c, &out)
	}
	var sources []string
	for _, f := range v.Files {
		if !expectation(f, v.Rule) {
			sources = append(sources, f)
		}
	}
	if v.Unit == "address" && slices.Contains(v.Format, "terraform") { // they are one module
		for _, a := range v.asserted() {
			if why := r.judgeFiles(ctx, v, c, sources, "", a.text, &out); why != "" {
				return out, why
			}
		}
		return out, ""
	}
	for _, f := range sources {
		if why := r.judgeFiles(ctx, v, c, []string{f}, f, "", &out); why != "" {
			return out, f + ": " + why
		}
	}
	return out, ""
}

// expectation reports whether a file says what a peer expects, and is no fixture.
func expectation(file, rule string) bool {
	return strings.HasPrefix(file, "positive_expected_result") || strings.HasPrefix(file, rule+".") ||
		strings.HasSuffix(file, ".yaml") || strings.HasSuffix(file, ".yml")
}

func (r *Runner) judgeFiles(ctx context.Context, v *verdict, c control, files []string, one, only string, out *judgements) string {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = path.Join(v.Path, f)
	}
	s, err := r.options.ReadFixture(ctx, paths, only)
	if err != nil {
		return err.Error()
	}
	return r.collect(s, c, one, out)
}

// collect applies a control to one snapshot.
func (r *Runner) collect(s *mivet.Snapshot, c control, one string, out *judgements) string {
	judged, err := c.judge(s, r.options.Catalog)
	if err != nil {
		return err.Error()
	}
	bad := false
	for _, j := range judged {
		bad = bad || j.bad
		if one != "" && j.file == "" {
			j.file = one
		}
		out.all = append(out.all, j)
	}
	if one != "" {
		out.cases[one] = bad
	}
	return ""
}

// judgeCases reads the members of a file of mocks, each a plan.
func (r *Runner) judgeCases(ctx context.Context, v *verdict, c control, out *judgements) string {
	if r.options.ReadText == nil {
		return "there is no reader of plans"
	}
	for _, f := range v.Files {
		text, err := r.options.ReadText(path.Join(v.Path, f))
		if err != nil {
			return err.Error()
		}
		var file struct {
			Mock map[string]map[string]json.RawMessage `json:"mock"`
		}
		if err := json.Unmarshal(text, &file); err != nil {
			return err.Error()
		}
		for name, plan := range file.Mock {
			plan["format_version"] = json.RawMessage(`"1.2"`)
			text, err := json.Marshal(plan)
			if err != nil {
				return err.Error()
			}
			s, err := r.options.ReadPlanText(ctx, f, bytes.NewReader(text))
			if err != nil {
				return err.Error()
			}
			if why := r.collect(s, c, name, out); why != "" {
				return why
			}
		}
	}
	return ""
}

var errNoCatalogue = errors.New("there is no catalogue to run rules with")
