// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/armtemplate"
	"github.com/mivet/mivet/bicep"
)

// BicepOptions are what a Bicep file does not say itself.
type BicepOptions struct {
	// Files is the tree that the file lies in; what it refers to is read there and nowhere else.
	Files fs.FS
	// Folder is how messages and sources call the folder of Files.
	Folder string
	// Cache holds restored modules, as the Bicep compiler keeps them below ~/.bicep; nil: none.
	Cache fs.FS
	// TypeName gives a resource type in the letters of its schema; nil: types stay as they are written.
	TypeName func(string) string
	// Target is where it is deployed, as far as that is known.
	Target armtemplate.Target
	// Parameters are the values given, by name; they win over those of a parameter file.
	Parameters map[string]armtemplate.Value
}

// Bicep is a compiled .bicep file, or a .bicepparam file with the template that it is for.
type Bicep struct {
	// Sources are the names of the files that belong to it, itself among them.
	Sources []string

	name        string // as messages call it
	template    *armtemplate.Node
	diagnostics []bicep.Diagnostic
	opts        BicepOptions
}

// CompileBicep compiles a file of opts.Files; one whose name ends in .bicepparam gives parameters to a template. An error
// is for the file itself. What is wrong in it, or missing, becomes a gap of its facts.
func CompileBicep(name string, opts BicepOptions) (*Bicep, error) {
	o := bicep.Options{Files: opts.Files, Cache: opts.Cache, Folder: opts.Folder, TypeName: opts.TypeName}
	b := &Bicep{opts: opts, name: strings.TrimPrefix(opts.Folder+"/"+name, "/")}
	if strings.HasSuffix(strings.ToLower(name), ".bicepparam") {
		p, err := bicep.CompileParameters(name, o)
		if err != nil {
			return nil, fmt.Errorf("reading a Bicep parameter file: %w", err)
		}
		b.Sources, b.template, b.diagnostics = p.Sources, p.Template, p.Diagnostics
		values := p.Values
		maps.Copy(values, opts.Parameters)
		b.opts.Parameters = values
		return b, nil
	}
	c, err := bicep.Compile(name, o)
	if err != nil {
		return nil, fmt.Errorf("reading a Bicep file: %w", err)
	}
	b.Sources, b.template, b.diagnostics = c.Sources, c.Template, c.Diagnostics
	return b, nil
}

// Facts returns what Azure will hold after the deployment, as [ReadTemplate] does. Places are those of the Bicep files.
func (b *Bicep) Facts(ctx context.Context) (*mivet.Snapshot, error) {
	d, err := b.declare(ctx)
	if err != nil {
		return nil, err
	}
	snap := d.finish()
	if b.template == nil {
		snap = &mivet.Snapshot{Inputs: []string{b.name}}
	}
	snap.Gaps = b.gaps(snap.Gaps)
	return snap, nil
}

func (b *Bicep) declare(ctx context.Context) (*declarer, error) {
	if b.template == nil {
		return newDeclarer(b.name, KindBicep), nil
	}
	t, err := armtemplate.FromNode(b.template)
	if err != nil {
		return nil, fmt.Errorf("reading a Bicep file: %w", err)
	}
	return declareTemplate(ctx, b.name, t, TemplateOptions{Target: b.opts.Target, Parameters: b.opts.Parameters})
}

// gaps adds to the gaps of the template what is wrong in its source, and leaves out what only follows from that.
func (b *Bicep) gaps(list []mivet.Gap) []mivet.Gap {
	list = slices.DeleteFunc(list, b.follows)
	for _, d := range b.diagnostics {
		if d.Severity == bicep.Error {
			at := mivet.Source{Origin: &mivet.Origin{File: d.File}, Line: d.Line}
			list = append(list, mivet.Gap{Facts: mivet.FactInput, Reason: "the file has an error: " + d.Message, Source: at})
		}
	}
	return list
}

// follows reports whether a gap only says again what an error among the diagnostics says: a value that was not compiled is
// unknown, and a module that cannot be read is a link that leads nowhere.
func (b *Bicep) follows(g mivet.Gap) bool {
	if strings.Contains(g.Reason, bicep.FaultFunction) {
		return true
	}
	return strings.Contains(g.Reason, "the linked template bicep:") && slices.ContainsFunc(b.diagnostics, func(d bicep.Diagnostic) bool {
		return d.Severity == bicep.Error && d.Line == g.Source.Line && g.Source.Origin != nil && d.File == g.Source.Origin.File
	})
}
