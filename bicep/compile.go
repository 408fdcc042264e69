// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mivet/mivet/armtemplate"
)

const (
	maxSource  = 8 << 20 // bytes of one file
	maxSources = 2000    // files of one compilation
	maxModules = 50      // modules within one another
)

// Options say where a compilation finds what a file refers to.
type Options struct {
	// Files holds the tree that the file lies in. Paths in a file are relative to its folder and never leave the tree.
	Files fs.FS
	// Cache holds modules that the compiler has restored from registries, as it keeps them below ~/.bicep; nil: none.
	Cache fs.FS
	// Folder is how places and diagnostics call the folder of Files; "": files are called as they are named there.
	Folder string
	// TypeName gives a resource type in the letters of its published schema, "" where it knows none. The compiler writes
	// types so, and IDs made of them, on whose letters guid() and uniqueString() hang. Nil: types stay as they are written.
	TypeName func(name string) string
}

// A Compilation is what a file became.
type Compilation struct {
	// Template is the ARM template: language version 2.0, every value with its place in a Bicep file. What could not be
	// compiled is missing in it, and a diagnostic of severity Error says what.
	Template *armtemplate.Node
	// Diagnostics of the file and of all that it refers to, in the order in which the files were read.
	Diagnostics []Diagnostic
	// Sources are the names of the files that were read, sorted.
	Sources []string
}

// Faulty says whether a diagnostic is an error.
func (c *Compilation) Faulty() bool { return faulty(c.Diagnostics) }

func faulty(list []Diagnostic) bool {
	return slices.ContainsFunc(list, func(d Diagnostic) bool { return d.Severity == Error })
}

// Compile reads a .bicep file of opts.Files, and all that it refers to, and makes an ARM template of it. The error is for
// the file itself: it cannot be read. Faults within files are diagnostics.
func Compile(name string, opts Options) (*Compilation, error) {
	c := newCompiler(opts)
	text, err := c.read(name)
	if err != nil {
		return nil, err
	}
	u := c.bind(name, text)
	node := c.template(u)
	return &Compilation{Template: node, Diagnostics: c.diagnostics, Sources: c.sorted()}, nil
}

// A compiler reads each file once.
type compiler struct {
	opts        Options
	units       map[string]*unit // by name; nil: it cannot be read
	templates   map[string]*armtemplate.Node
	externals   map[string]*target // compiled templates by name
	targets     map[*symbol]*target
	imported    map[*Import]*target
	configs     map[string]*config
	sources     map[string]bool
	diagnostics []Diagnostic
	stack       []string // files whose templates are being made, for cycles
}

func newCompiler(opts Options) *compiler {
	return &compiler{
		opts:      opts,
		units:     map[string]*unit{},
		templates: map[string]*armtemplate.Node{},
		externals: map[string]*target{},
		targets:   map[*symbol]*target{},
		imported:  map[*Import]*target{},
		configs:   map[string]*config{},
		sources:   map[string]bool{},
	}
}

func (c *compiler) sorted() []string {
	list := make([]string, 0, len(c.sources))
	for name := range c.sources {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// read reads a file of the tree.
func (c *compiler) read(name string) (string, error) {
	return c.readFrom(c.opts.Files, name)
}

func (c *compiler) readFrom(files fs.FS, name string) (string, error) {
	if files == nil {
		return "", fmt.Errorf("reading %s: there is no tree of files", name)
	}
	if !fs.ValidPath(name) {
		return "", fmt.Errorf("reading %s: it lies outside of the folder that is read", name)
	}
	if len(c.sources) >= maxSources {
		return "", fmt.Errorf("reading %s: more than %d files belong to one template", name, maxSources)
	}
	f, err := files.Open(name)
	if err != nil {
		return "", err
	}
	text, err := readAll(f, name)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	c.sources[name] = true
	return text, nil
}

func readAll(f fs.File, name string) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", fmt.Errorf("reading %s: it is a folder", name)
	}
	if info.Size() > maxSource {
		return "", fmt.Errorf("reading %s: it has more than %d bytes", name, maxSource)
	}
	var b strings.Builder
	buffer := make([]byte, 32<<10)
	for b.Len() <= maxSource {
		n, err := f.Read(buffer)
		b.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return "", fmt.Errorf("reading %s: it has more than %d bytes", name, maxSource)
}

// unit binds a .bicep file of the tree once; nil if it cannot be read.
func (c *compiler) unit(name string) (*unit, error) {
	if u, ok := c.units[name]; ok {
		return u, nil
	}
	text, err := c.read(name)
	if err != nil {
		return nil, err
	}
	return c.bind(name, text), nil
}

// template makes the template of a bound file once. A file that is part of itself gives nil.
func (c *compiler) template(u *unit) *armtemplate.Node {
	if node, ok := c.templates[u.name]; ok {
		return node
	}
	c.stack = append(c.stack, u.name)
	node := newLowerer(c, u).template()
	c.stack = c.stack[:len(c.stack)-1]
	c.templates[u.name] = node
	return node
}

// fault reports an error in a file.
func (c *compiler) fault(f *File, at Span, code, message string) {
	c.add(f, at, Error, code, message)
}

func (c *compiler) add(f *File, at Span, s Severity, code, message string) {
	if len(c.diagnostics) >= 4*maxFaults {
		return
	}
	d := Diagnostic{Severity: s, Code: code, Message: message, File: f.Name, Span: at}
	d.Line, d.Column = f.Position(at.Start)
	if !slices.Contains(c.diagnostics, d) {
		c.diagnostics = append(c.diagnostics, d)
	}
}

// shown is how a file of the tree is called in places and diagnostics.
func (c *compiler) shown(name string) string { return path.Join(c.opts.Folder, name) }

// beside is the name of a file that another one names by a relative path.
func beside(file, relative string) string {
	return path.Join(path.Dir(file), relative)
}
