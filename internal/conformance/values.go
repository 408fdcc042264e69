// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/armtemplate"
	"github.com/mivet/mivet/bicep"
)

// ValueReport says how much of what templates say of identities, principals, roles and scopes can be told without a
// deployment.
type ValueReport struct {
	SchemaVersion int      `json:"schemaVersion"`
	Folders       []string `json:"folders"`
	// Templates are the ARM templates and Bicep files that were read, Unreadable those that could not be.
	Templates  int           `json:"templates"`
	Resources  int           `json:"resources"`
	Unreadable []string      `json:"unreadable"`
	Kinds      []ValueFigure `json:"kinds"`
	// Lost are the first of the values of which nothing can be told.
	Lost []LostValue `json:"lost"`
}

// ValueFigure counts the values of one kind, those without parameters and those with every parameter unknown together.
type ValueFigure struct {
	Kind string `json:"kind"`
	// Evaluated values are known. Symbolic ones are not, and tell what they hang on: a parameter, the state of a resource,
	// the deployment. Of a lost one not even that is known.
	Evaluated int `json:"evaluated"`
	Symbolic  int `json:"symbolic"`
	Lost      int `json:"lost"`
}

// Total is the number of values.
func (f *ValueFigure) Total() int { return f.Evaluated + f.Symbolic + f.Lost }

// LostValue is a value of which nothing can be told.
type LostValue struct {
	Place string `json:"place"`
	Kind  string `json:"kind"`
	Text  string `json:"text"`
}

const maxLost = 200

// What of a template is counted.
const (
	valueIdentity  = "identity"
	valuePrincipal = "principal"
	valueRole      = "role"
	valueScope     = "scope"
)

// NewValueReport returns a report without values.
func NewValueReport() *ValueReport {
	return &ValueReport{
		SchemaVersion: 1, Folders: []string{}, Unreadable: []string{}, Lost: []LostValue{},
		Kinds: []ValueFigure{{Kind: valueIdentity}, {Kind: valuePrincipal}, {Kind: valueRole}, {Kind: valueScope}},
	}
}

// AddFolder evaluates all templates of a tree: without parameters, so that defaults hold, and once more with every parameter unknown,
// which wakes what is optional.
func (p *ValueReport) AddFolder(ctx context.Context, r *Runner, name string, tree fs.FS, opts FolderOptions) error {
	p.Folders = append(p.Folders, name)
	options := bicep.Options{Files: tree, Cache: opts.Cache, TypeName: r.typeName}
	return fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return cmp.Or(err, ctx.Err())
		}
		if !d.Type().IsRegular() {
			return nil
		}
		t, err := readAny(tree, file, options)
		if err != nil {
			p.Unreadable = append(p.Unreadable, path.Join(name, file)+": "+err.Error())
		} else if t != nil {
			p.add(path.Join(name, file), t)
		}
		return nil
	})
}

// readAny reads a template by what it is; nil if it is none.
func readAny(tree fs.FS, file string, options bicep.Options) (*armtemplate.Template, error) {
	switch strings.ToLower(path.Ext(file)) {
	case ".bicep":
		c, err := bicep.Compile(file, options)
		if err != nil {
			return nil, err
		}
		if fault := firstError(c.Diagnostics); fault != "" {
			return nil, fmt.Errorf("the file has errors: %s", fault)
		}
		return armtemplate.FromNode(c.Template)
	case ".json":
		content, err := fs.ReadFile(tree, file)
		if err != nil || !isTemplateText(content) {
			return nil, err
		}
		return armtemplate.Parse(file, content)
	}
	return nil, nil
}

// isTemplateText says whether JSON names the schema of a template near its top.
func isTemplateText(content []byte) bool {
	head := strings.ToLower(string(content[:min(len(content), 1<<10)]))
	return strings.Contains(head, "deploymenttemplate.json")
}

func (p *ValueReport) add(file string, t *armtemplate.Template) {
	p.Templates++
	for _, round := range []round{rounds[0], rounds[len(rounds)-1]} {
		opts := compiledPlace
		opts.Parameters = round.parameters(t.Node())
		list := t.Evaluate(opts).Resources
		if round.name == "" {
			p.Resources += len(list)
		}
		for _, x := range list {
			if !x.Existing {
				p.resource(file, x)
			}
		}
	}
}

func (p *ValueReport) resource(file string, x *armtemplate.Resource) {
	c := counter{p, file, x}
	c.identity(x.Body.Get("identity"))
	switch typ := string(arm.Fold(x.Type)); {
	case strings.HasSuffix(typ, "/roleassignments") || strings.Contains(typ, "/role") && strings.HasSuffix(typ, "schedulerequests"):
		c.count(valuePrincipal, armtemplate.At(x.Body, "properties", "principalId"))
		c.count(valueRole, armtemplate.At(x.Body, "properties", "roleDefinitionId"))
		c.count(valueScope, x.ID)
	case typ == "microsoft.keyvault/vaults" || typ == "microsoft.keyvault/vaults/accesspolicies":
		policies := armtemplate.At(x.Body, "properties", "accessPolicies")
		list, known := policies.(armtemplate.Array)
		if !known && !armtemplate.IsNull(policies) {
			c.count(valuePrincipal, policies)
		}
		for _, one := range list {
			c.count(valuePrincipal, armtemplate.At(one, "objectId"))
		}
	}
}

// A counter counts the values of one resource.
type counter struct {
	report *ValueReport
	file   string
	x      *armtemplate.Resource
}

// identity counts the type of an identity, and each user-assigned one.
func (c counter) identity(v armtemplate.Value) {
	o, known := v.(*armtemplate.Object)
	if !known {
		if v != nil {
			c.count(valueIdentity, v)
		}
		return
	}
	c.count(valueIdentity, o.Get("type"))
	user := o.Get("userAssignedIdentities")
	all, known := user.(*armtemplate.Object)
	if !known {
		if !armtemplate.IsNull(user) {
			c.count(valueIdentity, user)
		}
		return
	}
	for f := range all.Fields() {
		c.count(valueIdentity, armtemplate.String(f.Name)) // what is not known of a name stands in braces
	}
}

func (c counter) count(kind string, v armtemplate.Value) {
	if v == nil {
		return
	}
	i := slices.IndexFunc(c.report.Kinds, func(f ValueFigure) bool { return f.Kind == kind })
	f := &c.report.Kinds[i]
	switch {
	case lost(v):
		f.Lost++
		if len(c.report.Lost) < maxLost {
			at := c.x.Pos
			at.File = c.file
			c.report.Lost = append(c.report.Lost, LostValue{at.String(), kind, armtemplate.Text(v)})
		}
	case armtemplate.Known(v) && !strings.Contains(armtemplate.Text(v), "{"):
		f.Evaluated++
	default:
		f.Symbolic++
	}
}

// lost reports whether a value, or a part of it, could not be evaluated, or hangs on nothing that has a name.
func lost(v armtemplate.Value) bool {
	switch v := v.(type) {
	case *armtemplate.Unknown:
		origins := v.Origins()
		return len(origins) == 0 || slices.ContainsFunc(origins, func(o armtemplate.Origin) bool { return o.Kind == armtemplate.OriginFault })
	case armtemplate.Array:
		return slices.ContainsFunc(v, lost)
	case *armtemplate.Object:
		for f := range v.Fields() {
			if lost(f.Value) {
				return true
			}
		}
	case armtemplate.String:
		return strings.Contains(string(v), "{fault(")
	}
	return false
}
