// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/armtemplate"
)

// maxTemplate is the largest template that is read. Resource Manager takes 4 MB.
const maxTemplate = 64 << 20

// TemplateOptions are what a template does not say itself.
type TemplateOptions struct {
	// Target is where it is deployed, as far as that is known.
	Target armtemplate.Target
	// Parameters are the values given, by name.
	Parameters map[string]armtemplate.Value
	// Load returns a linked template by its path from the folder of the template.
	Load func(path string) ([]byte, error)
}

// ReadTemplate reads an ARM template and returns what Azure will hold after its
// deployment, as far as that can be told without one. name is how messages and sources
// call the input.
//
// What only the deployment knows stays a symbol: the principal of an identity is
// [mivet.SymbolicPrincipal] of the resource's ID. A part of an ID that is not known stands
// in braces.
func ReadTemplate(ctx context.Context, name string, r io.Reader, opts TemplateOptions) (*mivet.Snapshot, error) {
	t, err := parseTemplate(name, r)
	if err != nil {
		return nil, err
	}
	return TemplateFacts(ctx, name, t, opts)
}

func parseTemplate(name string, r io.Reader) (*armtemplate.Template, error) {
	text, err := readWhole(name, r, KindARMTemplate)
	if err != nil {
		return nil, err
	}
	root, err := armtemplate.ParseJSON(name, text)
	if err != nil {
		return nil, fmt.Errorf("reading an ARM template: %w", err)
	}
	t, err := armtemplate.FromNode(unwrapped(root))
	if err != nil {
		return nil, fmt.Errorf("reading an ARM template: %w", err)
	}
	return t, nil
}

// unwrapped returns the template of what only holds one: an artifact of a blueprint or a deployment as Resource Manager
// shows it (properties.template), a version of a template spec (properties.mainTemplate). It becomes a nested one, so
// that it gets the parameters beside it.
func unwrapped(root *armtemplate.Node) *armtemplate.Node {
	props := root.Get("properties")
	if root.Get("resources") != nil || props == nil {
		return root
	}
	inner := props.Get("template")
	if inner == nil {
		inner = props.Get("mainTemplate")
	}
	if inner == nil || inner.Kind != armtemplate.NodeObject {
		return root
	}
	at := inner.Pos
	member := func(name string, value *armtemplate.Node) armtemplate.Member {
		return armtemplate.Member{Name: name, Value: value, Pos: at}
	}
	text := func(s string) *armtemplate.Node { return armtemplate.StringNode(at, s) }
	if props.Get("parameters") == nil {
		return inner
	}
	deployment := armtemplate.ObjectNode(at,
		member("type", text("Microsoft.Resources/deployments")), member("apiVersion", text("2022-09-01")), member("name", text("template")),
		member("properties", armtemplate.ObjectNode(at, member("mode", text("Incremental")),
			member("expressionEvaluationOptions", armtemplate.ObjectNode(at, member("scope", text("inner")))),
			member("parameters", props.Get("parameters")), member("template", inner))))
	members := []armtemplate.Member{member("resources", armtemplate.ArrayNode(at, deployment))}
	if s := inner.Get("$schema"); s != nil {
		members = append(members, member("$schema", s))
	}
	return armtemplate.ObjectNode(at, members...)
}

// readWhole reads a file of one of the kinds into memory, as UTF-8.
func readWhole(name string, r io.Reader, kinds ...Kind) ([]byte, error) {
	buffered := bufio.NewReaderSize(r, headLength)
	head, err := buffered.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if kind := Recognise(head); !slices.Contains(kinds, kind) {
		return nil, kind.unsupported(name)
	}
	text, err := io.ReadAll(io.LimitReader(decodeText(buffered, head), maxTemplate+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxTemplate {
		return nil, &Error{File: name, Line: 1, Byte: maxTemplate, Reason: "the file is larger than 64 MiB", Advice: "Resource Manager takes 4 MB: check where it comes from"}
	}
	return text, nil
}

// ReadTemplateParameters reads a parameter file of a template.
func ReadTemplateParameters(name string, r io.Reader) (map[string]armtemplate.Value, error) {
	buffered := bufio.NewReaderSize(r, headLength)
	head, err := buffered.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	text, err := io.ReadAll(io.LimitReader(decodeText(buffered, head), maxTemplate))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	given, err := armtemplate.ParseParameters(name, text)
	if err != nil {
		return nil, fmt.Errorf("reading parameters: %w", err)
	}
	return given, nil
}

// TemplateFacts is [ReadTemplate] for a template that was read already, or compiled from
// another language: name is the input, and places are those of the template's nodes.
func TemplateFacts(ctx context.Context, name string, t *armtemplate.Template, opts TemplateOptions) (*mivet.Snapshot, error) {
	d, err := declareTemplate(ctx, name, t, opts)
	if err != nil {
		return nil, err
	}
	return d.finish(), nil
}

func declareTemplate(ctx context.Context, name string, t *armtemplate.Template, opts TemplateOptions) (*declarer, error) {
	r := t.Evaluate(armtemplate.Options{Target: opts.Target, Parameters: opts.Parameters, Load: opts.Load})
	d := newDeclarer(name, KindARMTemplate)
	d.b.snap.TenantID = opts.Target.Tenant
	for i, x := range r.Resources {
		if i&255 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d.templateResource(x)
	}
	d.unset(t, opts)
	for _, x := range r.Diagnostics {
		if x.Severity == armtemplate.Incomplete && d.unread == "" {
			d.unread = x.Text
		}
		d.b.gaps.add(mivet.Gap{Facts: mivet.FactInput, Reason: x.Text, Source: d.source("", x.Pos)})
	}
	return d, nil
}

// unset tells which parameters have no value: what hangs on them is not known.
func (d *declarer) unset(t *armtemplate.Template, opts TemplateOptions) {
	n := t.Node().Get("parameters")
	if n == nil {
		return
	}
	for _, m := range n.Members {
		if m.Value.Get("defaultValue") != nil || m.Value.Get("nullable") != nil || given(opts.Parameters, m.Name) {
			continue
		}
		d.b.gaps.tally(mivet.FactInput, "parameters have no value, and what hangs on them is not known", "", m.Name, d.source("", m.Pos))
	}
}

func given(values map[string]armtemplate.Value, name string) bool {
	for n := range values {
		if arm.Fold(n) == arm.Fold(name) {
			return true
		}
	}
	return false
}

// templateResource declares one resource of an evaluated template.
func (d *declarer) templateResource(x *armtemplate.Resource) {
	if arm.Fold(x.Type) == "microsoft.resources/deployments" {
		return // what it deploys is declared by itself
	}
	if armtemplate.IsNull(x.ID) {
		d.b.gaps.tally(mivet.FactInput, "objects of other services than Azure are not read", x.Type, firstOf(x.Symbol, x.Type), d.source("", x.Pos))
		return
	}
	r := declared{
		id: armtemplate.Text(x.ID), typ: x.Type, version: x.APIVersion, body: x.Body, pos: x.Pos, actions: []string{actionDeploy},
		existing: x.Existing, fixedName: fixedName(x),
	}
	_, r.openID = x.ID.(*armtemplate.Unknown)
	if u, ok := x.Condition.(*armtemplate.Unknown); ok {
		r.condition = u.String()
	}
	d.add(&r)
}

// fixedName reports whether the principal of a role assignment is read off an identity
// and the assignment's name does not hang on it.
func fixedName(x *armtemplate.Resource) bool {
	u, ok := armtemplate.At(x.Body, "properties", "principalId").(*armtemplate.Unknown)
	typ := strings.ToLower(x.Type)
	if !ok || typ != "microsoft.authorization/roleassignments" && !strings.HasSuffix(typ, "/providers/roleassignments") {
		return false
	}
	var inName []armtemplate.Origin
	if n, ok := x.Name.(*armtemplate.Unknown); ok {
		inName = n.Origins()
	}
	read := false
	for _, o := range u.Origins() {
		if o.Kind != armtemplate.OriginResource || !strings.HasSuffix(strings.ToLower(o.Path), "principalid") {
			continue
		}
		if slices.Contains(inName, o) {
			return false
		}
		read = true
	}
	return read && !slices.ContainsFunc(inName, func(o armtemplate.Origin) bool { return o.Kind == armtemplate.OriginTime })
}

// actionDeploy is what a template does to a resource: it is created, or changed in place.
const actionDeploy = "deploy"

// ReadPredicted reads what "bicep snapshot" writes: the resources that a deployment would
// make, with all expressions evaluated that can be.
func ReadPredicted(ctx context.Context, name string, r io.Reader) (*mivet.Snapshot, error) {
	d, err := declarePredicted(ctx, name, r)
	if err != nil {
		return nil, err
	}
	return d.finish(), nil
}

func declarePredicted(ctx context.Context, name string, r io.Reader) (*declarer, error) {
	text, err := readWhole(name, r, KindBicepSnapshot)
	if err != nil {
		return nil, err
	}
	root, err := armtemplate.ParseJSON(name, text)
	if err != nil {
		return nil, fmt.Errorf("reading a Bicep snapshot: %w", err)
	}
	d := newDeclarer(name, KindBicepSnapshot)
	list := root.Get("predictedResources")
	if list == nil || list.Kind != armtemplate.NodeArray {
		return nil, &Error{File: name, Line: 1, Reason: "predictedResources is no list", Advice: `write the snapshot again with "bicep snapshot --mode overwrite"`}
	}
	values := evaluateNodes(list.Items)
	for i, n := range list.Items {
		if i&255 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if arm.Fold(plain(n, "type")) == "microsoft.resources/deployments" {
			continue
		}
		d.add(&declared{
			id: armtemplate.Text(armtemplate.At(values[i], "id")), typ: plain(n, "type"), version: plain(n, "apiVersion"),
			body: asObject(values[i]), pos: n.Pos, actions: []string{actionDeploy},
		})
	}
	return d, nil
}

func plain(n *armtemplate.Node, member string) string {
	if m := n.Get(member); m != nil && m.Kind == armtemplate.NodeString {
		return m.Text
	}
	return ""
}

func asObject(v armtemplate.Value) *armtemplate.Object {
	o, _ := v.(*armtemplate.Object)
	return o
}

// evaluateNodes evaluates values in which expressions may be left over, such as
// "[reference('/subscriptions/…').principalId]".
func evaluateNodes(nodes []*armtemplate.Node) []armtemplate.Value {
	root := armtemplate.ObjectNode(armtemplate.Pos{}, armtemplate.Member{Name: "outputs", Value: armtemplate.ObjectNode(armtemplate.Pos{})})
	outputs := root.Members[0].Value
	for i, n := range nodes {
		outputs.Members = append(outputs.Members, armtemplate.Member{
			Name: fmt.Sprint(i), Value: armtemplate.ObjectNode(n.Pos, armtemplate.Member{Name: "value", Value: n}),
		})
	}
	t, err := armtemplate.FromNode(root)
	if err != nil {
		return make([]armtemplate.Value, len(nodes)) // it is an object, so there is no error
	}
	out := make([]armtemplate.Value, 0, len(nodes))
	for _, o := range t.Evaluate(armtemplate.Options{}).Outputs {
		out = append(out, o.Value)
	}
	return out
}

// ReadWhatIf reads the answer of a what-if: the body of the REST call, or what "az
// deployment … what-if --no-pretty-print" prints, which is its inner object.
func ReadWhatIf(ctx context.Context, name string, r io.Reader) (*mivet.Snapshot, error) {
	d, err := declareWhatIf(ctx, name, r)
	if err != nil {
		return nil, err
	}
	return d.finish(), nil
}

func declareWhatIf(ctx context.Context, name string, r io.Reader) (*declarer, error) {
	text, err := readWhole(name, r, KindWhatIf)
	if err != nil {
		return nil, err
	}
	root, err := armtemplate.ParseJSON(name, text)
	if err != nil {
		return nil, fmt.Errorf("reading a what-if: %w", err)
	}
	inner := root
	if p := root.Get("properties"); p != nil {
		inner = p
	}
	d := newDeclarer(name, KindWhatIf)
	changes := inner.Get("changes")
	if changes == nil || changes.Kind != armtemplate.NodeArray {
		return nil, &Error{File: name, Line: 1, Reason: "changes is no list", Advice: "write the what-if again with --no-pretty-print -o json"}
	}
	if s := plain(root, "status"); s != "" && !strings.EqualFold(s, "Succeeded") {
		d.b.gaps.add(mivet.Gap{Facts: mivet.FactInput, Reason: "the what-if has the status " + s + " and may not be complete", Source: d.source("", root.Pos)})
	}
	values := evaluateNodes(changes.Items)
	for i, n := range changes.Items {
		if i&255 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d.change(n, values[i])
	}
	return d, nil
}

// What a change does, in the words that plans have. A resource that is deployed again is
// changed in place; one that is ignored is not in the template and stays.
var whatIfActions = map[string][]string{
	"create": {"create"}, "delete": {"delete"}, "modify": {"update"}, "deploy": {"update"}, "nochange": {"no-op"}, "ignore": {"no-op"},
}

// change declares one change of a what-if.
func (d *declarer) change(n *armtemplate.Node, v armtemplate.Value) {
	id, kind := plain(n, "resourceId"), plain(n, "changeType")
	actions, ok := whatIfActions[strings.ToLower(kind)]
	if !ok {
		reason := "the what-if could not tell what becomes of it"
		if why := plain(n, "unsupportedReason"); why != "" {
			reason += ": " + why
		}
		d.b.gaps.add(mivet.Gap{Facts: mivet.FactInput, Subject: id, Reason: reason, Source: d.source(id, n.Pos)})
		return
	}
	before, after := asObject(armtemplate.At(v, "before")), asObject(armtemplate.At(v, "after"))
	r := declared{id: id, actions: actions, before: before, body: after, pos: n.Pos, existing: strings.EqualFold(kind, "ignore") && before == nil && after == nil}
	if after == nil {
		r.body = before
	}
	r.typ, _ = textOf(r.body.Get("type"))
	r.version, _ = textOf(r.body.Get("apiVersion"))
	d.add(&r)
}

func textOf(v armtemplate.Value) (string, bool) {
	s, ok := v.(armtemplate.String)
	return string(s), ok
}
