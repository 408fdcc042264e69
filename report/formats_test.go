// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/report"
	"github.com/mivet/mivet/vet"
)

const schemaBase = "https://raw.githubusercontent.com/mivet/mivet/main/docs/schema/"

// schema compiles a published schema, without any network.
func schema(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	files, err := filepath.Glob("../docs/schema/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(schemaBase+filepath.Base(f), doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(schemaBase + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%v in %s", err, text[:min(200, len(text))])
	}
}

// mixed is a run with open, known and suppressed findings, and open questions.
func mixed(t testing.TB) *vet.Results {
	t.Helper()
	r := scan(t, "shop.tenant")
	for i := range r.Rules {
		rule := &r.Rules[i]
		if len(rule.Findings) > 1 {
			rule.Known, rule.Findings = rule.Findings[:1], rule.Findings[1:]
			rule.Known[0].FirstSeen = now.AddDate(0, 0, -3)
		}
		if rule.Rule.ID == "orphaned-assignment" {
			by := vet.Suppression{Rule: rule.Rule.ID, Match: "*", Reason: "=soon gone", Owner: "team", Expires: now.AddDate(0, 1, 0)}
			rule.Suppressed, rule.Findings = []vet.Suppressed{{Finding: rule.Findings[0], By: by}}, nil
		}
		if rule.Rule.ID == "owner-missing" {
			rule.Findings[0].Advice = true
			rule.Err = errors.New("it broke")
		}
	}
	return r
}

func written(t testing.TB, name string, r *vet.Results) []byte {
	t.Helper()
	var b bytes.Buffer
	h, err := report.New(name, &b, report.TextOptions{})
	if err != nil {
		t.Fatal(err)
	}
	send(t, h, r)
	return b.Bytes()
}

func TestJSONFitsItsSchema(t *testing.T) {
	doc, line := schema(t, "results-1.schema.json"), schema(t, "results-line-1.schema.json")
	for _, r := range []*vet.Results{mixed(t), scan(t, "blind.tenant"), scan(t, "clean.tenant"), {}} {
		validate(t, doc, written(t, "json", r))
		for l := range bytes.Lines(written(t, "jsonl", r)) {
			validate(t, line, l)
		}
	}
	for _, bad := range []string{`{}`, `{"$schema":"x","schemaVersion":"2.0"}`} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil {
			t.Fatal(err)
		}
		if doc.Validate(v) == nil {
			t.Errorf("the schema accepts %s", bad)
		}
	}
}

// A saved run is written again in any format as it would have been at first.
func TestConvert(t *testing.T) {
	r := mixed(t)
	for _, from := range []string{"json", "jsonl"} {
		saved := written(t, from, r)
		for _, to := range report.Formats() {
			var b bytes.Buffer
			h, err := report.New(to, &b, report.TextOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := report.Read(bytes.NewReader(saved), h); err != nil {
				t.Fatalf("%s to %s: %v", from, to, err)
			}
			if d := cmp.Diff(string(written(t, to, r)), b.String()); d != "" {
				t.Errorf("%s to %s: %s", from, to, d)
			}
		}
	}
}

type discard struct{}

func (discard) Handle(report.Message) error { return nil }

func TestReadRefuses(t *testing.T) {
	good := string(written(t, "json", scan(t, "clean.tenant")))
	lines := string(written(t, "jsonl", scan(t, "clean.tenant")))
	f := func(text, want string) {
		t.Helper()
		err := report.Read(strings.NewReader(text), discard{})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	f(good, "")
	f(lines, "")
	f(strings.Replace(good, `"summary"`, `"somethingNew": [1], "summary"`, 1), "")
	f(lines+`{"type":"later"}`+"\n", "")
	f("", report.ErrNotResults.Error())
	f("[]", report.ErrNotResults.Error())
	f(`{"a":1}`, report.ErrNotResults.Error())
	f(strings.Replace(good, `"1.0"`, `"2.0"`, 1), "schema version 2.0")
	f(strings.Replace(lines, `"1.0"`, `"2.0"`, 1), "schema version 2.0")
	f(good[:len(good)/2], "at byte")
	f(lines[:len(lines)/2], "object")
	f(strings.Replace(good, `"rules": [`, `"rules": {`, 1), `below "rules"`)
	f(strings.Replace(lines, `"type":"rule"`, `"type":"rule","passed":"x"`, 1), "object 2")
}

func TestBaseline(t *testing.T) {
	r := mixed(t)
	b, err := report.ReadBaseline(bytes.NewReader(written(t, "json", r)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Rules {
		for _, f := range r.Rules[i].Findings {
			if !b.Seen[f.Fingerprint].Equal(now) {
				t.Errorf("an open finding was first seen %s, want the time of the run", b.Seen[f.Fingerprint])
			}
		}
		for _, f := range r.Rules[i].Known {
			if !b.Seen[f.Fingerprint].Equal(f.FirstSeen) {
				t.Errorf("a known finding was first seen %s, want %s", b.Seen[f.Fingerprint], f.FirstSeen)
			}
		}
		for _, s := range r.Rules[i].Suppressed {
			if _, ok := b.Seen[s.Finding.Fingerprint]; !ok {
				t.Error("a suppressed finding is not in the baseline")
			}
		}
	}
	if _, err := report.ReadBaseline(strings.NewReader("no")); err == nil {
		t.Error("a baseline that is none is accepted")
	}
}

// GitHub reads a subset of SARIF: each result needs a place in a file, a fingerprint and
// a rule of the list
// (docs.github.com, SARIF support for code scanning).
func TestSARIF(t *testing.T) {
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID         string
						HelpURI    string
						Help       struct{ Text, Markdown string }
						Properties struct {
							Tags     []string
							Severity string `json:"security-severity"`
						}
					}
				}
			}
			Invocations []struct {
				ExecutionSuccessful bool
				Notifications       []json.RawMessage `json:"toolExecutionNotifications"`
			}
			Results []struct {
				RuleID, Level, BaselineState string
				RuleIndex                    int
				Message                      struct{ Text string }
				Locations                    []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
					LogicalLocations []struct{ FullyQualifiedName string }
				}
				PartialFingerprints map[string]string
				Suppressions        []struct{ Kind, Justification string }
			}
		}
	}
	r := mixed(t)
	if err := json.Unmarshal(written(t, "sarif", r), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Tool.Driver.Rules) != len(r.Rules) || len(run.Results) == 0 {
		t.Fatalf("version %q, %d rules, %d results", log.Version, len(run.Tool.Driver.Rules), len(run.Results))
	}
	if run.Invocations[0].ExecutionSuccessful || len(run.Invocations[0].Notifications) != len(r.Undecided())+1 {
		t.Errorf("invocation: %+v", run.Invocations[0])
	}
	for _, rule := range run.Tool.Driver.Rules {
		if len(rule.Properties.Tags) < 3 || rule.Properties.Severity == "" || rule.Help.Markdown == "" {
			t.Errorf("rule %s lacks tags, severity or help", rule.ID)
		}
	}
	suppressed := 0
	for _, res := range run.Results {
		at := res.Locations[0]
		if run.Tool.Driver.Rules[res.RuleIndex].ID != res.RuleID {
			t.Errorf("%s has the index of %s", res.RuleID, run.Tool.Driver.Rules[res.RuleIndex].ID)
		}
		if at.PhysicalLocation.ArtifactLocation.URI != "shop.tenant" || at.PhysicalLocation.Region.StartLine < 1 ||
			at.LogicalLocations[0].FullyQualifiedName == "" || len(res.PartialFingerprints["mivet/v1"]) != 32 || res.Message.Text == "" {
			t.Errorf("incomplete result: %+v", res)
		}
		suppressed += len(res.Suppressions)
	}
	if suppressed != 1 {
		t.Errorf("%d suppressions, want 1", suppressed)
	}
}

// GitHub refuses a file with more results than it takes: the most severe ones are written,
// and how many were left out is said.
func TestSARIFOfVeryManyFindings(t *testing.T) {
	r := &vet.Results{Rules: []vet.Result{{Rule: &vet.Rule{ID: "x"}}}}
	for i := range 25_002 {
		f := mivet.Finding{Rule: "x", Fingerprint: strconv.Itoa(i), Severity: mivet.SeverityHigh, Message: "m"}
		if i < 2 {
			f.Severity = mivet.SeverityLow
		}
		r.Rules[0].Findings = append(r.Rules[0].Findings, f)
	}
	text := string(written(t, "sarif", r))
	if n := strings.Count(text, `"ruleId":"x"`); n != 25_000 {
		t.Errorf("%d results", n)
	}
	if strings.Contains(text, `"level":"note"`) || !strings.Contains(text, "2 findings, the least severe ones, are left out") {
		t.Error("other findings than the least severe were left out, or nothing is said of them")
	}
}

func TestSARIFPlaces(t *testing.T) {
	f := func(file, want string) {
		t.Helper()
		r := &vet.Results{Inputs: []string{"input.mivet"}, Rules: []vet.Result{{
			Rule:     &vet.Rule{ID: "x"},
			Findings: []mivet.Finding{{Rule: "x", Fingerprint: "0", Message: "m", Source: mivet.Source{Origin: &mivet.Origin{File: file}, Line: 3}}},
		}}}
		uri := regexp.MustCompile(`"uri":"([^"]*)"`).FindSubmatch(written(t, "sarif", r))
		if uri == nil || string(uri[1]) != want {
			t.Errorf("%q is written as %q, want %q", file, uri, want)
		}
	}
	f("main.tf", "main.tf")
	f("infra/a b.tf", "infra/a%20b.tf")
	f("/home/x/plan.json", "file:///home/x/plan.json")
	f(`infra\main.tf`, "infra/main.tf")
	f(`C:\src\main.tf`, "file:///C:/src/main.tf")
	f("a:b.tf", "./a:b.tf")
	f("", "input.mivet")
}

func TestJUnit(t *testing.T) {
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Failure, Error, Skipped *struct{}
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	r := mixed(t)
	if err := xml.Unmarshal(written(t, "junit", r), &suites); err != nil {
		t.Fatal(err)
	}
	if len(suites.Suites) != len(r.Rules) || suites.Failures != r.Failing() || suites.Errors != 1 {
		t.Errorf("%d suites, %d failures, %d errors; want %d, %d, 1", len(suites.Suites), suites.Failures, suites.Errors, len(r.Rules), r.Failing())
	}
	cases := 0
	for _, s := range suites.Suites {
		if len(s.Cases) == 0 {
			t.Errorf("suite %s has no case", s.Name)
		}
		cases += len(s.Cases)
	}
	if cases != suites.Tests {
		t.Errorf("%d cases are counted as %d", cases, suites.Tests)
	}
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(written(t, "csv", mixed(t)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 5 || rows[0][0] != "severity" {
		t.Fatalf("rows: %q", rows)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
				t.Errorf("a spreadsheet takes %q for a formula", cell)
			}
		}
	}
	if last := rows[len(rows)-1]; last[18] != "'=soon gone" || last[2] != "suppressed" {
		t.Errorf("the last row is %q", last)
	}
}

// ocsfRequired are the attributes that ocsf/ocsf-schema 1.3.0 requires of class 2003.
func TestOCSF(t *testing.T) {
	r := mixed(t)
	n := 0
	for line := range bytes.Lines(written(t, "ocsf", r)) {
		n++
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata", "cloud", "finding_info", "compliance"} {
			if e[key] == nil {
				t.Errorf("no %s in %s", key, line)
			}
		}
		info, _ := e["finding_info"].(map[string]any)
		meta, _ := e["metadata"].(map[string]any)
		if info["uid"] == "" || meta["version"] != "1.3.0" || meta["product"] == nil || e["type_uid"] != 200301.0 {
			t.Errorf("incomplete event: %s", line)
		}
	}
	want := len(r.Undecided())
	for i := range r.Rules {
		want += len(r.Rules[i].Findings) + len(r.Rules[i].Known) + len(r.Rules[i].Suppressed)
	}
	if n != want {
		t.Errorf("%d events, want %d", n, want)
	}
}

// The published form: SpecterOps/bloodhound-docs docs/assets/opengraph.
func TestOpenGraph(t *testing.T) {
	var g struct {
		Metadata map[string]string
		Graph    struct {
			Nodes []struct {
				ID         string
				Kinds      []string
				Properties map[string]any
			}
			Edges []struct {
				Kind       string
				Start, End struct {
					Value   string
					MatchBy string `json:"match_by"`
				}
				Properties map[string]any
			}
		}
	}
	if err := json.Unmarshal(written(t, "opengraph", mixed(t)), &g); err != nil {
		t.Fatal(err)
	}
	flat := func(props map[string]any) {
		for k, v := range props {
			switch v.(type) {
			case string, bool, float64:
			default:
				t.Errorf("property %s is %T", k, v)
			}
		}
		if _, ok := props["objectid"]; ok {
			t.Error("objectid must not be set")
		}
	}
	known := map[string]bool{}
	for _, n := range g.Graph.Nodes {
		if n.ID == "" || known[n.ID] || len(n.Kinds) == 0 || len(n.Kinds) > 3 {
			t.Errorf("node %+v", n)
		}
		known[n.ID] = true
		flat(n.Properties)
	}
	for _, e := range g.Graph.Edges {
		if !regexp.MustCompile(`^[A-Za-z0-9_]+$`).MatchString(e.Kind) || e.Start.MatchBy != "id" || !known[e.Start.Value] || !known[e.End.Value] {
			t.Errorf("edge %+v", e)
		}
		flat(e.Properties)
	}
	if len(known) == 0 || len(g.Graph.Edges) == 0 || len(g.Metadata) != 1 {
		t.Errorf("%d nodes, %d edges, metadata %v", len(known), len(g.Graph.Edges), g.Metadata)
	}
}

// hostile is a run whose names come from somebody who wants to break out of a format.
func hostile(t testing.TB) *vet.Results {
	t.Helper()
	const evil = "<script>alert(1)</script> \x1b[31mred\x1b[0m | `x` [a](http://evil) @team \u202e\n# h"
	id, err := arm.ParseID("/subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/a")
	if err != nil {
		t.Fatal(err)
	}
	f := mivet.Finding{
		Rule: "some-rule", Severity: mivet.SeverityHigh, Subject: mivet.Subject{Resource: id, Name: evil}, Fingerprint: strings.Repeat("0", 32),
		Message: evil, Consequence: evil, Fix: mivet.Fix{Summary: evil, Check: evil, Command: "run '" + evil + "'\n```"},
		Evidence: []mivet.Evidence{{Kind: mivet.Configured, Fact: evil, Source: mivet.Source{Origin: &mivet.Origin{File: evil}, Line: 1}}},
	}
	return &vet.Results{Inputs: []string{evil}, Rules: []vet.Result{{
		Rule: &vet.Rule{ID: "some-rule", Title: "t"}, Findings: []mivet.Finding{f},
		Undecided: []vet.Undecided{{Rule: "some-rule", Subject: f.Subject, Reason: evil}},
	}}}
}

func TestHostileNames(t *testing.T) {
	r := hostile(t)
	for _, name := range report.Formats() {
		out := string(written(t, name, r))
		if name != "csv" && strings.Contains(out, "\x1b") {
			t.Errorf("%s passes escape sequences on", name)
		}
		switch name {
		case "html", "md":
			out = regexp.MustCompile("(?s)````sh.*?````").ReplaceAllString(out, "")
			if strings.Contains(out, "<script>") || name == "md" && regexp.MustCompile(`[^\\]\]\(http`).MatchString(out) {
				t.Errorf("%s lets a name break out:\n%s", name, out)
			}
		case "json", "sarif", "opengraph":
			if !json.Valid([]byte(out)) {
				t.Errorf("%s is no JSON", name)
			}
		case "junit":
			if err := xml.NewDecoder(strings.NewReader(out)).Decode(new(struct{})); err != nil {
				t.Errorf("junit: %v", err)
			}
		}
	}
}

func TestHTMLLoadsNothing(t *testing.T) {
	out := string(written(t, "html", mixed(t)))
	for _, bad := range []string{"<script", "src=", "@import", "url(", "<link", "<iframe", "<img"} {
		if strings.Contains(out, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, want := range []string{"<caption>", `scope="col"`, `lang="en"`, "@media print", "Not counted", "Not decided", "suppressed"} {
		if !strings.Contains(out, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestFormatOf(t *testing.T) {
	f := func(file, want string) {
		t.Helper()
		if got, ok := report.FormatOf(file); got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	f("out.json", "json")
	f("out.SARIF", "sarif")
	f("out.sarif.json", "sarif")
	f("dir/out.ocsf.json", "ocsf")
	f("out.opengraph.json", "opengraph")
	f("junit.xml", "junit")
	f("a.html", "html")
	f("out", "")
	f("json", "")
	if _, err := report.New("pdf", io.Discard, report.TextOptions{}); err == nil || !strings.Contains(err.Error(), "sarif") {
		t.Errorf("an unknown format: %v", err)
	}
}

func TestTee(t *testing.T) {
	var a, b bytes.Buffer
	send(t, report.Tee(report.NewJSON(&a), report.NewCSV(&b)), scan(t, "shop.tenant"))
	if a.Len() == 0 || b.Len() == 0 {
		t.Error("a handler got nothing")
	}
	h := report.Tee(report.NewJSON(&failing{0}), report.NewCSV(&b))
	if report.Send(h, scan(t, "clean.tenant"), report.Options{}) == nil {
		t.Error("the error of a handler is lost")
	}
}

func TestEveryFormatReturnsWriteErrors(t *testing.T) {
	r := mixed(t)
	for _, name := range report.Formats() {
		h, err := report.New(name, &failing{10}, report.TextOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Send(h, r, report.Options{}); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, "json", scan(f, "clean.tenant")))
	f.Add(written(f, "jsonl", scan(f, "clean.tenant")))
	f.Add([]byte(`{"$schema":"x","schemaVersion":"1.0","findings":[{"severity":"high","due":"2026-01-01T00:00:00Z"}],"summary":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range report.Formats() {
			h, err := report.New(name, io.Discard, report.TextOptions{})
			if err != nil {
				t.Fatal(err)
			}
			_ = report.Read(bytes.NewReader(text), h)
		}
	})
}
