// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/mivet/mivet/internal/conformance"
	"github.com/mivet/mivet/review"
)

// A form is a result for machines. The schemas of all forms are written from the Go types,
// with their comments as descriptions: MIVET_UPDATE=1 go test -run TestSchemas ./internal/cli
type form struct {
	name, title string
	of          reflect.Type
}

var forms = []form{
	{"access", "What mivet access writes: all that an identity can do, resource by resource", reflect.TypeFor[accessJSON]()},
	{"attest", "What mivet attest writes: what was recorded of a proof", reflect.TypeFor[attestJSON]()},
	{"blast", "What mivet blast writes: how far somebody who holds an identity gets", reflect.TypeFor[blastJSON]()},
	{"can", "What mivet can writes: one decision with all that it stands on", reflect.TypeFor[canJSON]()},
	{"check", "What mivet check writes: what a change does to access", reflect.TypeFor[checkJSON]()},
	{"choke", "What mivet choke writes: what to remove so that nobody else reaches the target", reflect.TypeFor[chokeJSON]()},
	{"config", "What mivet config show writes: the settings and where they come from", reflect.TypeFor[configJSON]()},
	{"conformance", "What mivet conformance writes: where answers and known answers agree", reflect.TypeFor[conformance.Report]()},
	{"conformance-values", "What mivet conformance --values writes: how much of templates is known before a deployment", reflect.TypeFor[conformance.ValueReport]()},
	{"contract-check", "What mivet contract check writes: what is wrong with a contract, and what is left open", reflect.TypeFor[contractJSON]()},
	{"diff", "What mivet diff writes: what changed between two inputs", reflect.TypeFor[diffJSON]()},
	{"doctor", "What mivet doctor writes: what can be read, and what would be unknown", reflect.TypeFor[doctorJSON]()},
	{"doctor-role", "What mivet doctor --role writes: the role that mivet itself needs", reflect.TypeFor[needed]()},
	{"doctor-self-check", "What mivet doctor --self-check writes: where the engine and Azure differ", reflect.TypeFor[selfCheckJSON]()},
	{"equivalent", "What mivet equivalent writes: a comparison of two sets of grants", reflect.TypeFor[equivalentJSON]()},
	{"events", "What mivet events writes: who changed what runs as which identity", reflect.TypeFor[eventsJSON]()},
	{"explain", "What mivet explain writes: rules with their pages", reflect.TypeFor[explainJSON]()},
	{"forensics", "What mivet forensics writes: what an identity could do in a window of time, what it did, and what of it was new", reflect.TypeFor[forensicsJSON]()},
	{"identity", "What mivet identity writes: the identity that each part of a workload presents", reflect.TypeFor[identityJSON]()},
	{"integrity", "What mivet integrity writes: what executes in each workload, or what of it changed", reflect.TypeFor[integrityJSON]()},
	{"path", "What mivet path writes: how one principal comes to act as another", reflect.TypeFor[pathsJSON]()},
	{"review", "What mivet review writes: the pack for an access review", reflect.TypeFor[review.Pack]()},
	{"review-apply", "What mivet review apply writes: the change that follows from decisions", reflect.TypeFor[reviewApplyJSON]()},
	{"revoke", "What mivet revoke writes: the plan of an offboarding", reflect.TypeFor[review.Offboarding]()},
	{"shapers", "What mivet shapers writes: who can shape each workload", reflect.TypeFor[shapersJSON]()},
	{"record", "What mivet verify --record and mivet test --record keep: what passed in a stage", reflect.TypeFor[record]()},
	{"replay", "What mivet check --replay writes: which plans of the past it would have stopped", reflect.TypeFor[replayJSON]()},
	{"test", "What mivet test writes: the access tests of a contract with their answers", reflect.TypeFor[testJSON]()},
	{"trim", "What mivet trim writes: the smallest grants of an identity", reflect.TypeFor[trimJSON]()},
	{"urgency", "What mivet urgency writes: broad grants made in a hurry, and grants that outlived their promise", reflect.TypeFor[urgencyJSON]()},
	{"split", "What mivet trim --split writes: an identity for each workload that shares one", reflect.TypeFor[splitJSON]()},
	{"usage", "What mivet usage writes: what an identity was granted, and what it used", reflect.TypeFor[usageJSON]()},
	{"version", "What mivet version writes: the build and the facts in it", reflect.TypeFor[versionReport]()},
	{"what-can", "What mivet what-can writes: all rights of a principal", reflect.TypeFor[whatCanJSON]()},
	{"who-can", "What mivet who-can writes: who may do this there", reflect.TypeFor[whoCanJSON]()},
	{"who-can-act-as", "What mivet who-can-act-as writes: who can act as an identity", reflect.TypeFor[actAsJSON]()},
	{"whoami", "What mivet whoami writes: the identity that each client gets here", reflect.TypeFor[whoamiJSON]()},
	{"why", "What mivet why writes: the causes of a refusal", reflect.TypeFor[whyJSON]()},
	{"why-log", "What mivet why --log writes: the refusals of a log", reflect.TypeFor[seriesJSON]()},
}

// TestSchemas holds the published schemas against the types that are written.
func TestSchemas(t *testing.T) {
	comments := readComments(t)
	for _, f := range forms {
		file := filepath.Join("..", "..", "docs", "schema", f.name+"-1.schema.json")
		want := f.schema(t, comments)
		if os.Getenv("MIVET_UPDATE") != "" {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v; write it with MIVET_UPDATE=1", err)
		}
		if d := cmp.Diff(string(want), string(have)); d != "" {
			t.Errorf("%s is not what the types say; MIVET_UPDATE=1 writes it (-want +have):\n%s", file, d)
		}
	}
}

func (f *form) schema(t *testing.T, comments map[string]string) []byte {
	r := jsonschema.Reflector{
		AllowAdditionalProperties: true, ExpandedStruct: true, Mapper: asWritten,
		Namer:         func(t reflect.Type) string { return strings.TrimSuffix(t.Name(), "JSON") },
		LookupComment: func(t reflect.Type, field string) string { return comments[path.Join(t.PkgPath(), t.Name(), field)] },
	}
	s := r.ReflectFromType(f.of)
	s.ID, s.Title = jsonschema.ID(schemaURL(f.name)), f.title
	s.Description = "Fields are only added within a major version."
	s.Properties.Set("$schema", &jsonschema.Schema{Type: "string"})
	s.Properties.Set("schemaVersion", &jsonschema.Schema{Const: 1})
	s.Required = append(s.Required, "$schema")
	orNull(s)
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// asWritten are the types that say themselves how they are written.
func asWritten(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return jsonschema.TrueSchema
	case isText(t):
		return &jsonschema.Schema{Type: "string"}
	case t.Implements(reflect.TypeFor[json.Marshaler]()):
		return jsonschema.TrueSchema
	}
	return nil
}

func isText(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// orNull lets every list and object of named members be null, as Go writes what is empty.
func orNull(s *jsonschema.Schema) {
	visit := func(p *jsonschema.Schema) *jsonschema.Schema {
		orNull(p)
		if p.Type == "array" || p.Type == "object" && p.Properties == nil && p.AdditionalProperties != nil {
			return &jsonschema.Schema{Description: p.Description, AnyOf: []*jsonschema.Schema{p, {Type: "null"}}}
		}
		return p
	}
	for _, d := range s.Definitions {
		orNull(d)
	}
	if s.Items != nil {
		orNull(s.Items)
	}
	if s.AdditionalProperties != nil {
		orNull(s.AdditionalProperties)
	}
	if s.Properties == nil {
		return
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		p.Value = visit(p.Value)
	}
}

// readComments reads the comments of all types of the module, by package, type and field.
func readComments(t *testing.T) map[string]string {
	out := map[string]string{}
	err := filepath.WalkDir("../..", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"testdata", "tools", "bench", "docs", ".git"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("../..", filepath.Dir(file))
		if err != nil {
			return err
		}
		addComments(out, path.Join("github.com/mivet/mivet", filepath.ToSlash(rel)), f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func addComments(out map[string]string, pkg string, f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, s := range g.Specs {
			spec, _ := s.(*ast.TypeSpec)
			doc := spec.Doc
			if doc == nil {
				doc = g.Doc
			}
			name := path.Join(pkg, spec.Name.Name)
			out[name] = sentence(doc)
			fields, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, x := range fields.Fields.List {
				text := sentence(x.Doc)
				if text == "" {
					text = sentence(x.Comment)
				}
				for _, n := range x.Names {
					out[path.Join(name, n.Name)] = text
				}
			}
		}
	}
}

// sentence is a comment in one line.
func sentence(c *ast.CommentGroup) string {
	return strings.Join(strings.Fields(c.Text()), " ")
}

// Every command that can write JSON names the schema of what it writes, and each published
// schema is that of a form.
func TestEveryFormIsPublished(t *testing.T) {
	names := map[string]bool{"results": true, "results-line": true, "contract": true}
	for _, f := range forms {
		if names[f.name] {
			t.Errorf("the form %s is there twice", f.name)
		}
		names[f.name] = true
	}
	files, err := filepath.Glob("../../docs/schema/*.json")
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]bool{}
	for _, file := range files {
		published[strings.TrimSuffix(filepath.Base(file), "-1.schema.json")] = true
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(names)), slices.Sorted(maps.Keys(published))); d != "" {
		t.Errorf("docs/schema (-forms +published):\n%s", d)
	}
}

func TestWriteAnswer(t *testing.T) {
	var b bytes.Buffer
	if err := writeAnswer(&b, "can", struct {
		A string `json:"a"`
	}{"<"}); err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"$schema\": \"" + schemaURL("can") + "\",\n  \"a\": \"<\"\n}\n"
	if b.String() != want {
		t.Errorf("got %s, want %s", b.String(), want)
	}
	if err := writeAnswer(&b, "can", []string{"a"}); err == nil {
		t.Error("a list has no member that could name a schema")
	}
}
