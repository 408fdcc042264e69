// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

// SARIF writes a run as SARIF 2.1.0 (OASIS sarif-v2.1.0), within what GitHub code
// scanning reads. Each result has a physical location, since GitHub shows none without:
// for a fact that an API gave it is the input, at line 1. What could not be decided is a
// notification of the invocation.
type SARIF struct {
	w io.Writer
	kept
}

// NewSARIF returns a handler that writes to w.
func NewSARIF(w io.Writer) *SARIF { return &SARIF{w: w} }

// Handle keeps messages and writes with the last.
func (s *SARIF) Handle(m Message) error {
	if !s.keep(m) {
		return nil
	}
	log := sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{s.sarifRun()},
	}
	b, err := marshal(log)
	if err == nil {
		_, err = s.w.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing SARIF: %w", err)
	}
	return nil
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitzero"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitzero"`
}

type sarifRule struct {
	ID               string         `json:"id"`
	Name             string         `json:"name"`
	ShortDescription sarifText      `json:"shortDescription"`
	FullDescription  sarifText      `json:"fullDescription"`
	Help             sarifText      `json:"help"`
	HelpURI          string         `json:"helpUri"`
	Default          sarifLevel     `json:"defaultConfiguration"`
	Properties       map[string]any `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitzero"`
}

type sarifNotification struct {
	Level      string     `json:"level"`
	Message    sarifText  `json:"message"`
	Descriptor *sarifRef  `json:"associatedRule,omitzero"`
	Properties properties `json:"properties,omitzero"`
}

type properties map[string]any

type sarifRef struct {
	ID string `json:"id"`
}

type sarifResult struct {
	RuleID              string             `json:"ruleId"`
	RuleIndex           int                `json:"ruleIndex"`
	Level               string             `json:"level"`
	Message             sarifText          `json:"message"`
	Locations           []sarifLocation    `json:"locations"`
	Related             []sarifLocation    `json:"relatedLocations,omitzero"`
	PartialFingerprints map[string]string  `json:"partialFingerprints"`
	BaselineState       string             `json:"baselineState,omitzero"`
	Suppressions        []sarifSuppression `json:"suppressions,omitzero"`
	Properties          properties         `json:"properties"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	ID       int            `json:"id,omitzero"`
	Physical *sarifPhysical `json:"physicalLocation,omitzero"`
	Logical  []sarifLogical `json:"logicalLocations,omitzero"`
	Message  *sarifText     `json:"message,omitzero"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	Name          string `json:"name"`
	QualifiedName string `json:"fullyQualifiedName"`
	Kind          string `json:"kind"`
}

// maxSARIF is how many results GitHub takes; a file with more is refused as a whole
// (docs.github.com, code-security/code-scanning/troubleshooting-sarif/results-exceed-limit).
const maxSARIF = 25_000

// The levels, and the scores by which GitHub ranks security findings.
var (
	sarifLevels = map[mivet.Severity]string{
		mivet.SeverityCritical: "error", mivet.SeverityHigh: "error", mivet.SeverityMedium: "warning",
		mivet.SeverityLow: "note", mivet.SeverityInfo: "note",
	}
	sarifScores = map[mivet.Severity]string{
		mivet.SeverityCritical: "9.5", mivet.SeverityHigh: "8.0", mivet.SeverityMedium: "5.5",
		mivet.SeverityLow: "3.0", mivet.SeverityInfo: "1.0",
	}
)

func (s *SARIF) sarifRun() sarifRun {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{
		Name: "mivet", Version: s.run.Version, InformationURI: "https://github.com/mivet/mivet", Rules: []sarifRule{},
	}
	index := map[string]int{}
	invocation := sarifInvocation{Successful: true}
	for i, r := range s.rules {
		index[r.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(r))
		if r.Error != "" {
			invocation.Successful = false
			invocation.Notifications = append(invocation.Notifications, sarifNotification{
				Level: "error", Message: sarifText{Text: r.Error}, Descriptor: &sarifRef{r.ID},
			})
		}
	}
	for _, u := range s.undecided {
		invocation.Notifications = append(invocation.Notifications, sarifUndecided(u))
	}
	if more := len(s.findings) - maxSARIF; more > 0 {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{
			Level: "warning", Message: sarifText{Text: fmt.Sprintf("%s, the least severe ones, are left out: GitHub takes no file with more than %d", vet.Count(more, "finding"), maxSARIF)},
		})
	}
	for _, f := range s.findings[:min(len(s.findings), maxSARIF)] {
		run.Results = append(run.Results, s.result(f, index[f.Rule]))
	}
	run.Invocations = []sarifInvocation{invocation}
	return run
}

func sarifRuleOf(r *RuleMessage) sarifRule {
	tags := []string{"security", r.Category}
	for _, c := range r.Controls {
		tags = append(tags, c.Framework+" "+c.ID)
	}
	summary := r.Title
	if page, err := vet.ParsePage(r.Help); err == nil {
		summary = page.Summary
	}
	return sarifRule{
		ID: r.ID, Name: r.ID, ShortDescription: sarifText{Text: r.Title}, FullDescription: sarifText{Text: summary},
		Help:    sarifText{Text: r.Help, Markdown: r.Help},
		HelpURI: "https://github.com/mivet/mivet/blob/main/docs/rules/" + r.ID + ".md",
		Default: sarifLevel{sarifLevels[r.Severity]},
		Properties: map[string]any{
			"tags": tags, "security-severity": sarifScores[r.Severity], "precision": "high",
		},
	}
}

func sarifUndecided(u *UndecidedMessage) sarifNotification {
	text := fmt.Sprintf("not assessed: %s, %s: %s", u.Rule, u.Subject, u.Reason)
	n := sarifNotification{Level: "note", Message: sarifText{Text: text}, Descriptor: &sarifRef{u.Rule}}
	if u.Permission != "" {
		n.Properties = properties{"permission": u.Permission}
	}
	return n
}

func (s *SARIF) result(f *FindingMessage, rule int) sarifResult {
	r := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: sarifLevels[f.Severity],
		Message:             sarifText{Text: sentence(f.Message) + " " + sentence("it leads to this: "+f.Consequence) + " " + sentence("fix: "+f.Fix.Summary)},
		Locations:           []sarifLocation{{Physical: s.physical(f.Source), Logical: logical(f.Finding)}},
		PartialFingerprints: map[string]string{"mivet/v1": f.Fingerprint},
		Properties: properties{
			"severity": f.Severity.String(), "security-severity": sarifScores[f.Severity], "fix": f.Fix.Summary, "command": f.Fix.Command,
		},
	}
	for i, e := range f.Evidence {
		r.Related = append(r.Related, sarifLocation{
			ID: i + 1, Physical: s.physical(e.Source), Message: &sarifText{Text: string(e.Kind) + ": " + e.Fact},
		})
	}
	switch f.State {
	case SuppressedState:
		reason := ""
		if f.Suppression != nil {
			reason = f.Suppression.Reason
		}
		r.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: reason}}
	case Known:
		r.BaselineState = "unchanged"
	case Open:
		if !f.FirstSeen.IsZero() {
			r.BaselineState = "new"
			if f.FirstSeen.Before(s.run.Now) {
				r.BaselineState = "unchanged" // overdue
			}
		}
	}
	return r
}

// sentence gives a text a capital and a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func logical(f *mivet.Finding) []sarifLogical {
	name := f.Subject.Resource.String()
	kind := "resource"
	if name == "" {
		name, kind = f.Subject.Key(), "object"
	}
	return []sarifLogical{{Name: f.Subject.String(), QualifiedName: name, Kind: kind}}
}

// physical returns the place of a fact in a file: that of the fact, else the input.
func (s *SARIF) physical(src mivet.Source) *sarifPhysical {
	file, line := "", max(1, src.Line)
	if src.Origin != nil {
		file = src.Origin.File
	}
	if file == "" {
		line = 1
		file = "mivet"
		if len(s.run.Inputs) > 0 {
			file = s.run.Inputs[0]
		}
	}
	return &sarifPhysical{Artifact: sarifArtifact{fileURI(file)}, Region: sarifRegion{line}}
}

// fileURI writes a path as a URI reference: relative paths stay relative, as GitHub wants
// them; absolute ones, of Windows too, become file URIs.
func fileURI(file string) string {
	file = strings.ReplaceAll(file, `\`, "/")
	drive := len(file) > 2 && file[1] == ':' && file[2] == '/'
	if drive {
		file = "/" + file
	}
	u := url.URL{Path: path.Clean(file)}
	if strings.HasPrefix(file, "/") {
		u.Scheme = "file"
		return "file://" + u.EscapedPath()
	}
	if first, _, _ := strings.Cut(u.Path, "/"); strings.Contains(first, ":") {
		u.Path = "./" + u.Path
	}
	return u.EscapedPath()
}
