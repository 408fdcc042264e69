// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// Fixtures of other tools: files with the verdicts that a rule of the other tool has on
// them, one rule and folder a line. The line has no kind and no input of its own; what is
// not a verdict in it is the question.

const kindPeer = "peer-rule"

// peerLine is a line as it is written.
type peerLine struct {
	ID            json.RawMessage `json:"id"`
	Peer          string          `json:"peer"`
	Rule          string          `json:"rule"`
	Title         string          `json:"title"`
	Format        []string        `json:"format"`
	Path          string          `json:"path"`
	Files         []string        `json:"files"`
	Unit          string          `json:"unit"`
	Fail          []any           `json:"fail"`
	Pass          []string        `json:"pass"`
	NotApplicable []string        `json:"not_applicable"`
	Kind          string          `json:"kind"`
}

// peerQuestion is what may be read to find the answer.
type peerQuestion struct {
	Peer   string   `json:"peer"`
	Rule   string   `json:"rule"`
	Format []string `json:"format"`
	Path   string   `json:"path"`
	Files  []string `json:"files"`
	Unit   string   `json:"unit"`
}

// peerVerdicts is what is known.
type peerVerdicts struct {
	Fail []any    `json:"fail"`
	Pass []string `json:"pass"`
}

// peerCase makes a case of a line with a verdict of another tool; nil if it is none.
func peerCase(text []byte) *Case {
	if !bytes.Contains(text, []byte(`"peer"`)) {
		return nil
	}
	var l peerLine
	if json.Unmarshal(text, &l) != nil || l.Peer == "" || l.Rule == "" || l.Kind != "" || len(l.ID) == 0 {
		return nil
	}
	input, err := json.Marshal(peerQuestion{l.Peer, l.Rule, l.Format, l.Path, l.Files, l.Unit})
	if err != nil {
		return nil
	}
	expected, err := json.Marshal(peerVerdicts{l.Fail, l.Pass}) //nolint:gosec // pass is a verdict
	if err != nil {
		return nil
	}
	return &Case{ID: l.ID, Kind: kindPeer, Input: input, Expected: expected, Note: l.Peer + " " + l.Rule + ": " + l.Title}
}

// peerHit is a resource that a control finds.
type peerHit struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Until   int    `json:"until,omitzero"` // the first line that is not of the resource, as far as that can be told
	Address string `json:"address"`
	Name    string `json:"name"`
}

// answerPeer finds what mivet says to the question that a rule of another tool asks.
func answerPeer(ctx context.Context, r *Runner, c *Case) (any, error) {
	var in peerQuestion
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	judge, ok := controls[in.Peer+" "+in.Rule]
	switch {
	case !ok:
		return nil, &UnsupportedError{in.Peer + " " + in.Rule}
	case r.options.ReadInput == nil:
		return nil, errors.New("there is no reader of inputs")
	}
	hits := []peerHit{}
	for _, file := range in.Files {
		if isExpectation(file) {
			continue
		}
		if in.Unit == "case" {
			more, err := hitsOfMocks(ctx, r, path.Join(in.Path, file), judge)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", file, err)
			}
			hits = append(hits, more...)
			continue
		}
		snap, err := r.options.ReadInput(ctx, path.Join(in.Path, file))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		hits = append(hits, hitsOf(file, snap, judge(snap))...)
	}
	return hits, nil
}

// hitsOfMocks gives the findings in each plan of a file, under the plan's name.
func hitsOfMocks(ctx context.Context, r *Runner, file string, judge control) ([]peerHit, error) {
	if r.options.ReadMocks == nil {
		return nil, errors.New("there is no reader of such files")
	}
	mocks, err := r.options.ReadMocks(ctx, file)
	if err != nil {
		return nil, err
	}
	var hits []peerHit
	for _, name := range slices.Sorted(maps.Keys(mocks)) {
		hits = append(hits, hitsOf(name, mocks[name], judge(mocks[name]))...)
	}
	return hits, nil
}

// isExpectation reports whether a file of a folder of fixtures holds verdicts itself.
func isExpectation(file string) bool {
	return strings.HasSuffix(file, ".yaml") || strings.HasSuffix(file, "positive_expected_result.json") || strings.HasPrefix(path.Base(file), "TA-")
}

// found is what a control finds: the place of a resource or of a role definition.
type found struct {
	address, name string
	source        mivet.Source
}

// hitsOf gives the findings in a file with the lines that are theirs: up to the next thing
// that the file declares.
func hitsOf(file string, snap *mivet.Snapshot, list []found) []peerHit {
	var starts []int
	for i := range snap.Declarations {
		starts = append(starts, snap.Declarations[i].Source.Line)
	}
	slices.Sort(starts)
	var out []peerHit
	for _, f := range list {
		h := peerHit{File: file, Line: f.source.Line, Address: f.address, Name: f.name}
		if i := slices.IndexFunc(starts, func(line int) bool { return line > f.source.Line }); i >= 0 {
			h.Until = starts[i]
		}
		out = append(out, h)
	}
	return out
}

// agreeOnPeer holds the findings against what the other tool's rule must say and must not.
func agreeOnPeer(answer any, expected json.RawMessage) (bool, error) {
	hits, ok := answer.([]peerHit)
	if !ok {
		return false, fmt.Errorf("the answer is a %T", answer)
	}
	var want peerVerdicts
	if err := json.Unmarshal(expected, &want); err != nil {
		return false, err
	}
	for _, one := range want.Fail {
		if !slices.ContainsFunc(hits, func(h peerHit) bool { return h.meets(one) }) {
			return false, nil
		}
	}
	return !slices.ContainsFunc(want.Pass, func(name string) bool {
		return slices.ContainsFunc(hits, func(h peerHit) bool { return h.is(name) })
	}), nil
}

// meets reports whether something that must be found is the finding: a name, or a file and a line.
func (h peerHit) meets(one any) bool {
	switch one := one.(type) {
	case string:
		return h.is(one)
	case []any:
		return h.at(one)
	default:
		return false
	}
}

// is reports whether a name of a verdict means the finding: its file, its address or the
// name of the resource.
func (h peerHit) is(name string) bool {
	return name == h.File || strings.EqualFold(name, h.Address) || name == h.Name
}

// at reports whether a place of a verdict lies in the resource that was found.
func (h peerHit) at(p []any) bool {
	if len(p) != 2 || p[0] != h.File {
		return false
	}
	line, ok := p[1].(float64)
	return ok && int(line) >= h.Line && (h.Until == 0 || int(line) < h.Until)
}
