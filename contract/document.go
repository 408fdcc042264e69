// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxFiles is how many files one contract may consist of.
const maxFiles = 16

// maxStages is how many stages it may go through, and maxList how long a list of an
// organisation may be.
const (
	maxStages = 64
	maxList   = 1000
)

// Document is a contract as it is written, for all stages.
type Document struct {
	// File is the contract's own file.
	File string
	// own is its own mapping, files those of all files, the farthest first, and itself last.
	own    *node
	files  []*node
	rules  Organisation
	stages []Stage
	hash   string
}

// Stage is one stage that a contract goes through.
type Stage struct {
	Name string
	// After are the stages that must have passed before.
	After []string
	// Environment is what its subscriptions belong to.
	Environment   string
	Subscriptions []string
	values        map[string]string
	At            Place
}

// Read reads a contract and the files that it extends. open returns the text of a file; the
// names of extended files are relative to the file that names them, with "/". The error is
// [Errors], or what open returned.
func Read(file string, open func(name string) ([]byte, error)) (*Document, error) {
	l := &loader{open: open, journal: &journal{}}
	d := &Document{File: file}
	if err := l.load(d, file, nil); err != nil {
		return nil, err
	}
	if d.own != nil {
		d.rules = l.organisation(d)
		d.stages = l.allStages(d)
		d.hash = d.sum()
	}
	if wrong := l.sorted(); len(wrong) > 0 {
		return nil, wrong
	}
	return d, nil
}

// loader reads the files of one contract.
type loader struct {
	*journal
	open func(name string) ([]byte, error)
	read int
}

// load reads a file after those that it extends. chain are the files that led to it.
func (l *loader) load(d *Document, file string, chain []string) error {
	data, err := l.open(file)
	if err != nil {
		return fmt.Errorf("reading the contract %s: %w", file, err)
	}
	l.read++
	r := &reader{journal: l.journal, file: file}
	n := r.parse(data)
	if n == nil {
		return nil
	}
	if v := n.get("contract"); v != nil && v.number != 1 {
		l.wrong(v.at, "this version of mivet knows version 1", "the form of contracts has no version %d", v.number)
	}
	chain = append(slices.Clone(chain), file)
	if v := n.get("extends"); v != nil {
		for _, w := range v.list {
			name := relative(file, w.text)
			switch {
			case slices.Contains(chain, name):
				l.wrong(w.at, "", "%s extends itself, by %s", name, strings.Join(chain, ", "))
				continue
			case l.read >= maxFiles:
				l.wrong(w.at, "", "a contract consists of at most %d files", maxFiles)
				return nil
			}
			if err := l.load(d, name, chain); err != nil {
				return fmt.Errorf("%s: %w", w.at, err)
			}
		}
	}
	d.files = append(d.files, n)
	if len(chain) == 1 {
		d.own = n
	}
	return nil
}

// relative names a file as seen from where another one is.
func relative(from, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(path.Dir(from), name)
}

// Hash names what was agreed on: 64 hexadecimal digits that are the same for the same
// statements, whatever the comments, the layout and the order of keys.
func (d *Document) Hash() string { return d.hash }

// Files are the names of the files that the contract consists of, its own last.
func (d *Document) Files() []string {
	out := make([]string, len(d.files))
	for i, n := range d.files {
		out[i] = n.at.File
	}
	return out
}

// Stages are the stages in an order in which each comes after those that it waits for.
func (d *Document) Stages() []Stage { return d.stages }

// Stage returns the stage of that name, or nil.
func (d *Document) Stage(name string) *Stage {
	for i := range d.stages {
		if d.stages[i].Name == name {
			return &d.stages[i]
		}
	}
	return nil
}

func (d *Document) sum() string {
	h := sha256.New()
	for _, n := range d.files {
		for _, f := range n.form.fields {
			if n != d.own && f.name == "identities" || f.name == "extends" {
				continue // not taken over; and taken over already
			}
			if v := n.get(f.name); v != nil {
				fmt.Fprintf(h, "%s=%s\n", f.name, canonical(v, f.shape)) //nolint:errcheck // a hash does not fail
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// canonical writes a value in the one way in which its meaning can be written.
func canonical(v *value, s shape) string {
	switch s {
	case text, day:
		return strconv.Quote(v.text)
	case number:
		return strconv.Itoa(v.number)
	case truth:
		return strconv.FormatBool(v.truth)
	case texts:
		out := make([]string, len(v.list))
		for i := range v.list {
			out[i] = strconv.Quote(v.list[i].text)
		}
		return "[" + strings.Join(out, " ") + "]"
	case values:
		out := make([]string, len(v.values))
		for i := range v.values {
			out[i] = strconv.Quote(v.values[i].name) + ":" + strconv.Quote(v.values[i].text)
		}
		slices.Sort(out)
		return "{" + strings.Join(out, " ") + "}"
	case object:
		return canonicalNode(v.object)
	case either:
		if v.object != nil {
			return canonicalNode(v.object)
		}
		return strconv.Quote(v.text)
	case objects, named:
		out := make([]string, len(v.nodes))
		for i, n := range v.nodes {
			out[i] = strconv.Quote(n.name) + ":" + canonicalNode(n)
		}
		if s == named {
			slices.Sort(out)
		}
		return "[" + strings.Join(out, " ") + "]"
	}
	return ""
}

func canonicalNode(n *node) string {
	var out []string
	for _, f := range n.form.fields {
		if v := n.get(f.name); v != nil {
			out = append(out, f.name+"="+canonical(v, f.shape))
		}
	}
	return "{" + strings.Join(out, " ") + "}"
}

// allStages joins the stages of all files, and puts them in order.
func (l *loader) allStages(d *Document) []Stage {
	var all []Stage
	for _, file := range d.files {
		v := file.get("stages")
		if v == nil {
			continue
		}
		for _, n := range v.nodes {
			i := slices.IndexFunc(all, func(s Stage) bool { return s.Name == n.name })
			if i < 0 {
				if len(all) == maxStages {
					l.wrong(n.at, "", "a contract has at most %d stages", maxStages)
					return nil
				}
				all = append(all, Stage{Name: n.name, Environment: n.name, At: n.at})
				i = len(all) - 1
			}
			all[i].extend(n)
		}
	}
	for i := range all {
		for _, a := range all[i].After {
			if !slices.ContainsFunc(all, func(s Stage) bool { return s.Name == a }) {
				l.wrong(all[i].At, "", "the stage %s comes after %q, which is no stage", all[i].Name, a)
				return nil
			}
		}
	}
	return l.inOrder(all)
}

// extend adds what a file says of a stage to what others said.
func (s *Stage) extend(n *node) {
	s.At = n.at
	if v := n.get("after"); v != nil {
		s.After = nil
		for _, w := range v.list {
			s.After = append(s.After, w.text)
		}
	}
	if v := n.get("environment"); v != nil {
		s.Environment = v.text
	}
	if v := n.get("subscriptions"); v != nil {
		s.Subscriptions = nil
		for _, w := range v.list {
			s.Subscriptions = append(s.Subscriptions, w.text)
		}
	}
	if v := n.get("values"); v != nil {
		if s.values == nil {
			s.values = map[string]string{}
		}
		for _, p := range v.values {
			s.values[p.name] = p.text
		}
	}
}

// inOrder puts each stage behind those that it waits for.
func (l *loader) inOrder(all []Stage) []Stage {
	var out []Stage
	for len(out) < len(all) {
		before := len(out)
		for _, s := range all {
			placed := func(name string) bool {
				return slices.ContainsFunc(out, func(o Stage) bool { return o.Name == name })
			}
			if !placed(s.Name) && !slices.ContainsFunc(s.After, func(a string) bool { return !placed(a) }) {
				out = append(out, s)
			}
		}
		if len(out) == before {
			l.wrong(all[0].At, "", "the stages wait for each other")
			return nil
		}
	}
	return out
}

// organisation joins the rules of all files. A file may tighten those of the files that it
// extends; one that loosens them is a fault.
func (l *loader) organisation(d *Document) Organisation {
	var o Organisation
	for _, file := range d.files {
		if v := file.get("organisation"); v != nil && v.object != nil {
			l.tighten(&o, v.object)
		}
	}
	return o
}

func (l *loader) tighten(o *Organisation, n *node) {
	l.tightenTypes(o, n)
	if v := n.get("sharing"); v != nil {
		l.tightenSharing(o, v.object)
	}
	if v := n.get("never"); v != nil {
		for _, x := range v.nodes {
			o.Never = append(o.Never, Never{Role: textOf(x, "role"), At: cmp.Or(textOf(x, "at"), "anywhere"), Reason: textOf(x, "reason"), Place: x.at})
		}
	}
	if v := n.get("review"); v != nil {
		if o.Review > 0 && v.number > o.Review {
			l.wrong(v.at, fmt.Sprintf("at most %d", o.Review), "the file that it extends wants a review more often")
		} else {
			o.Review = v.number
		}
	}
	if v := n.get("require"); v != nil {
		for _, w := range v.list {
			if !slices.Contains(o.Require, w.text) {
				o.Require = append(o.Require, w.text)
			}
		}
	}
	if v := n.get("separation"); v != nil {
		l.tightenSeparation(o, v.object)
	}
}

func (l *loader) tightenTypes(o *Organisation, n *node) {
	v := n.get("types")
	if v == nil {
		return
	}
	for _, t := range []struct {
		name string
		into *string
	}{{"recreated", &o.Types.Recreated}, {"stable", &o.Types.Stable}, {"shared", &o.Types.Shared}, {"alone", &o.Types.Alone}} {
		x := v.object.get(t.name)
		switch {
		case x == nil:
		case *t.into != "" && *t.into != x.text:
			l.wrong(x.at, "", "the file that it extends says %s", *t.into)
		default:
			*t.into = x.text
		}
	}
}

func (l *loader) tightenSharing(o *Organisation, n *node) {
	if v := n.get("workloads"); v != nil {
		if most := o.Sharing.Workloads; most > 0 && (v.number > most || v.number == 0) {
			l.wrong(v.at, fmt.Sprintf("at most %d", most), "the file that it extends allows fewer workloads")
		} else {
			o.Sharing.Workloads, o.Sharing.Place = v.number, v.at
		}
	}
	if v := n.get("allowed"); v != nil {
		for _, w := range v.list {
			if o.Sharing.set && !slices.Contains(o.Sharing.Allowed, w.text) {
				l.wrong(w.at, "", "the file that it extends does not allow %q to be shared", w.text)
				continue
			}
			if len(o.Sharing.Allowed) == maxList {
				l.wrong(w.at, "write a pattern with *", "at most %d names may be shared", maxList)
				break
			}
			if !slices.Contains(o.Sharing.Allowed, w.text) {
				o.Sharing.Allowed = append(o.Sharing.Allowed, w.text)
			}
		}
	}
	o.Sharing.set = true
}

func (l *loader) tightenSeparation(o *Organisation, n *node) {
	s := separationOf(n)
	for _, part := range []struct {
		name      string
		own, base []string
	}{{"code", s.Code, o.Separation.Code}, {"run", s.Run, o.Separation.Run}} {
		if len(part.own) > maxList {
			l.wrong(n.get(part.name).at, "name a group", "at most %d may be named here", maxList)
			continue
		}
		for _, who := range part.own {
			if part.base != nil && !slices.Contains(part.base, who) {
				l.wrong(n.get(part.name).at, "", "the file that it extends does not name %q here", who)
			}
		}
	}
	if s.Code != nil {
		o.Separation.Code = s.Code
	}
	if s.Run != nil {
		o.Separation.Run = s.Run
	}
	o.Separation.At = s.At
}

func textOf(n *node, name string) string {
	if v := n.get(name); v != nil {
		return v.text
	}
	return ""
}
