// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet/armtemplate"
	"github.com/mivet/mivet/bicep"
)

// Two templates are equivalent if, deployed to the same place with the same parameters, they deploy the same resources and
// give out the same values. So both are evaluated for one made-up place, three times: without parameters, so that defaults
// hold and what has none is unknown; with a made-up value for every parameter, which wakes what is optional; and with every
// parameter unknown, so that the expressions that remain are compared. Compared is the evaluated form:
//
//   - the resources: where each is deployed, its type, version, ID, condition and body, nested deployments with what they
//     deploy; a value that is not known is compared as the expression that remains of it, with all that is known filled in;
//   - the outputs.
//
// Not compared, because it deploys nothing: how a value is written (variables, functions, symbolic names, a copy loop or a
// list), the order, what exists already, notes (metadata), the types of parameters, the version of the type of nested
// deployments, which is a constant of the compiler, and dependsOn, which only orders.
// The letters of resource IDs are compared without case, as Resource Manager does: compilers spell types as the schema of
// their day does.

// compiledPlace is made up: no template knows it.
var compiledPlace = armtemplate.Options{Target: armtemplate.Target{
	Tenant: "72a1c9f0-0000-4000-8000-000000000001", ManagementGroup: "root-mg", Subscription: "5b8d2e11-0000-4000-8000-000000000002",
	ResourceGroup: "conformance", Location: "westeurope", Deployment: "main",
}}

// snapshotPlace is where the snapshots of the compiler's own tests are made for
// (Azure/bicep src/Bicep.Cli.IntegrationTests/SnapshotCommandTests.cs).
var snapshotPlace = armtemplate.Target{Subscription: "00000000-0000-0000-0000-000000000000", ResourceGroup: "myRg"}

// form is what a template deploys and gives out, by place; several may have one place.
type form map[string][]string

func (f form) add(key, value string) { f[key] = append(f[key], value) }

// evaluate makes the form of a template.
func evaluate(t *armtemplate.Template, opts armtemplate.Options) form {
	result := t.Evaluate(opts)
	f := form{}
	for _, r := range result.Resources {
		if r.Existing {
			continue
		}
		version := r.APIVersion
		if strings.EqualFold(r.Type, "Microsoft.Resources/deployments") {
			version = ""
		}
		key := strings.ToLower(r.Deployment + " " + r.Type + " " + armtemplate.Text(r.ID))
		f.add(key, fmt.Sprintf("%s if %s %s", version, canonical(r.Condition), canonical(r.Body)))
	}
	for _, o := range result.Outputs {
		f.add("output "+o.Name, canonical(o.Value))
	}
	return f
}

// canonical is a value as JSON with sorted members, IDs in small letters.
func canonical(v armtemplate.Value) string {
	if armtemplate.IsNull(v) {
		return "null"
	}
	dec := json.NewDecoder(bytes.NewReader(armtemplate.JSON(v)))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return err.Error()
	}
	b, err := json.Marshal(foldIDs(x))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func foldIDs(x any) any {
	switch x := x.(type) {
	case string:
		if low := strings.ToLower(x); strings.Contains(low, "/providers/") {
			return low
		}
	case []any:
		for i := range x {
			x[i] = foldIDs(x[i])
		}
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			if low := strings.ToLower(k); strings.Contains(low, "/providers/") {
				k = low
			}
			out[k] = foldIDs(v)
		}
		return out
	}
	return x
}

// differs says where two forms first differ, "" if they do not. The order of what has one place does not count.
func differs(want, got form) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		w, g := slices.Sorted(slices.Values(want[key])), slices.Sorted(slices.Values(got[key]))
		switch {
		case len(g) == 0:
			return "there is no " + key
		case len(g) < len(w):
			return "there is no " + key + " again"
		case len(g) > len(w):
			return "there is " + key + " again"
		}
		for i := range w {
			if w[i] != g[i] {
				return key + ": " + excerpt(g[i], w[i])
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			return "there is " + key
		}
	}
	return ""
}

// excerpt shows two texts from shortly before they differ.
func excerpt(got, want string) string {
	const before, after = 40, 160
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	from := max(0, i-before)
	return fmt.Sprintf("…%s instead of …%s", got[from:min(len(got), i+after)], want[from:min(len(want), i+after)])
}

// firstError is the first error among diagnostics, "" if there is none.
func firstError(list []bicep.Diagnostic) string {
	for _, d := range list {
		if d.Severity == bicep.Error {
			return fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, d.Message)
		}
	}
	return ""
}

// missingModule is the first module that is not here, "" if all are.
func missingModule(list []bicep.Diagnostic) string {
	i := slices.IndexFunc(list, func(d bicep.Diagnostic) bool { return d.Severity == bicep.Warning && d.Code == "BCP190" })
	if i < 0 {
		return ""
	}
	return list[i].Message
}

func compareTemplate(f *folder, p pair) (difference, why string) {
	content, err := fs.ReadFile(f.tree, p.answer)
	if err != nil {
		return "", err.Error()
	}
	want, err := armtemplate.Parse(p.answer, content)
	if err != nil {
		return "", err.Error()
	}
	c, err := bicep.Compile(p.source, f.opts)
	if err != nil {
		return "", err.Error()
	}
	if fault := firstError(c.Diagnostics); fault != "" {
		return "", "the file has errors: " + fault
	}
	got, err := armtemplate.FromNode(c.Template)
	if err != nil {
		return "", err.Error()
	}
	for _, r := range rounds {
		opts := compiledPlace
		opts.Parameters = r.parameters(want.Node())
		if difference = differs(evaluate(want, opts), evaluate(got, opts)); difference != "" {
			difference = r.name + difference
			break
		}
	}
	if difference != "" {
		if missing := missingModule(c.Diagnostics); missing != "" {
			return "", missing
		}
	}
	return difference, ""
}

// compareParams compares the values of a parameter file. One that comes from outside of all files must be unknown.
func compareParams(f *folder, p pair) (difference, why string) {
	content, err := fs.ReadFile(f.tree, p.answer)
	if err != nil {
		return "", err.Error()
	}
	root, err := armtemplate.ParseJSON(p.answer, content)
	if err != nil {
		return "", err.Error()
	}
	known, err := armtemplate.ParseParameters(p.answer, content)
	if err != nil {
		return "", err.Error()
	}
	c, err := bicep.CompileParameters(p.source, f.opts)
	if err != nil {
		return "", err.Error()
	}
	if fault := firstError(c.Diagnostics); fault != "" {
		return "", "the file has errors: " + fault
	}
	want, got := form{}, form{}
	if list := root.Get("parameters"); list != nil {
		for _, m := range list.Members {
			v := c.Values[m.Name]
			if m.Value.Get("value") == nil && v != nil && !armtemplate.Known(v) {
				continue
			}
			want.add(m.Name, canonical(known[m.Name]))
		}
	}
	for name, v := range c.Values {
		if m := root.Get("parameters").Get(name); m == nil || m.Get("value") != nil || armtemplate.Known(v) {
			got.add(name, canonical(v))
		}
	}
	return differs(want, got), ""
}

// compareSnapshot compares the resources that are predicted, and the outputs. What the snapshot holds as an expression is
// evaluated for the same place first, so that it does not matter how it is written.
func compareSnapshot(f *folder, p pair) (difference, why string) {
	content, err := fs.ReadFile(f.tree, p.answer)
	if err != nil {
		return "", err.Error()
	}
	root, err := armtemplate.ParseJSON(p.answer, content)
	if err != nil {
		return "", err.Error()
	}
	c, err := bicep.CompileParameters(p.source, f.opts)
	if err != nil {
		return "", err.Error()
	}
	if fault := firstError(c.Diagnostics); fault != "" || c.Template == nil {
		return "", "the file has errors: " + fault
	}
	t, err := armtemplate.FromNode(c.Template)
	if err != nil {
		return "", err.Error()
	}
	want, err := predicted(root, c.Template)
	if err != nil {
		return "", err.Error()
	}
	result := t.Evaluate(armtemplate.Options{Target: snapshotPlace, Parameters: c.Values})
	got := form{}
	for _, r := range result.Resources {
		if r.Existing || strings.EqualFold(r.Type, "Microsoft.Resources/deployments") {
			continue
		}
		got.add("resource "+canonical(snapshotBody(r)), "there")
	}
	for _, o := range result.Outputs {
		got.add("output "+o.Name, canonical(o.Value))
	}
	return differs(want, got), ""
}

// snapshotBody puts the identifying members of a resource beside its body, as a snapshot has them.
func snapshotBody(r *armtemplate.Resource) armtemplate.Value {
	typeName := r.Type
	if armtemplate.IsNull(r.ID) && r.APIVersion != "" {
		typeName += "@" + r.APIVersion // of an extension
	}
	fields := []armtemplate.Field{{Name: "type", Value: armtemplate.String(typeName)}}
	if !armtemplate.IsNull(r.ID) {
		fields = append(fields,
			armtemplate.Field{Name: "id", Value: r.ID},
			armtemplate.Field{Name: "name", Value: r.Name},
			armtemplate.Field{Name: "apiVersion", Value: armtemplate.String(r.APIVersion)})
	}
	for field := range r.Body.Fields() {
		if field.Name != "name" && field.Name != "import" {
			fields = append(fields, field)
		}
	}
	return armtemplate.NewObject(fields...)
}

// predicted makes the form of a snapshot: its resources and outputs become outputs of the template itself, in place of
// those that it has, so that expressions mean what they mean there.
func predicted(root, template *armtemplate.Node) (form, error) {
	var outputs []armtemplate.Member
	put := func(name string, value *armtemplate.Node) {
		out := armtemplate.ObjectNode(value.Pos, armtemplate.Member{Name: "value", Value: value, Pos: value.Pos})
		outputs = append(outputs, armtemplate.Member{Name: name, Value: out, Pos: value.Pos})
	}
	if list := root.Get("predictedResources"); list != nil {
		for i, r := range list.Items {
			put(fmt.Sprintf("resource %d", i), r)
		}
	}
	if list := root.Get("outputs"); list != nil {
		for _, m := range list.Members {
			put("output "+m.Name, m.Value)
		}
	}
	members := slices.Clone(template.Members)
	for i := range members {
		if members[i].Name == "outputs" {
			members[i].Value = armtemplate.ObjectNode(root.Pos, outputs...)
		}
	}
	t, err := armtemplate.FromNode(armtemplate.ObjectNode(template.Pos, members...))
	if err != nil {
		return nil, err
	}
	f := form{}
	for _, o := range t.Evaluate(armtemplate.Options{Target: snapshotPlace}).Outputs {
		if strings.HasPrefix(o.Name, "resource ") {
			f.add("resource "+canonical(o.Value), "there")
		} else {
			f.add(o.Name, canonical(o.Value))
		}
	}
	return f, nil
}
