// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// MaxFile is how large one file of a contract may be, in bytes.
const MaxFile = 4 << 20

// value is what stands behind a key, by its shape.
type value struct {
	at     Place
	text   string // of text, day and either
	list   []word // of texts
	number int
	truth  bool
	object *node   // of object and either
	nodes  []*node // of objects and named
	values []pair  // of values
}

// word is one text of a list.
type word struct {
	at   Place
	text string
}

// pair is one entry of a mapping of names to texts.
type pair struct {
	word
	name string
}

// node is a mapping with the keys of a form.
type node struct {
	at     Place
	name   string // in a mapping of names
	form   *form
	fields map[string]*value
}

func (n *node) get(name string) *value {
	if n == nil {
		return nil
	}
	return n.fields[name]
}

// reader turns YAML into nodes.
type reader struct {
	*journal
	file string
}

// parse reads one file. What does not fit its form is a fault and left out.
func (r *reader) parse(data []byte) *node {
	if len(data) > MaxFile {
		r.wrong(Place{File: r.file}, "", "it has %d bytes; a contract has at most %d", len(data), MaxFile)
		return nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		r.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 {
		r.wrong(Place{File: r.file, Line: 1, Column: 1}, `begin with "contract: 1"`, "it is empty")
		return nil
	}
	return r.mapping(doc.Content[0], fileForm)
}

// syntax reports what is no YAML.
func (r *reader) syntax(err error) {
	at := Place{File: r.file}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	var load *yaml.LoadError
	if errors.As(err, &load) {
		at.Line, at.Column = load.Mark.Line, load.Mark.Column
		message = load.Message
	}
	r.wrong(at, "", "it is no YAML: %s", message)
}

func (r *reader) place(n *yaml.Node) Place { return Place{r.file, n.Line, n.Column} }

// mapping reads a mapping with the keys of a form; nil where there is none.
func (r *reader) mapping(n *yaml.Node, f *form) *node {
	if n.Kind != yaml.MappingNode {
		r.wrong(r.place(n), "its keys are "+strings.Join(f.names(), ", "), "here must be a mapping, and is %s", kindWords(n))
		return nil
	}
	out := &node{at: r.place(n), form: f, fields: map[string]*value{}}
	r.entries(n, func(key, v *yaml.Node) {
		fd := f.field(key.Value)
		if fd == nil {
			r.unknown(key, f)
			return
		}
		if got := r.value(v, fd); got != nil {
			out.fields[fd.name] = got
		}
	})
	for i := range f.fields {
		if fd := &f.fields[i]; fd.must && !has(n, fd.name) {
			r.wrong(out.at, fd.doc, "the %s has no %s", f.name, fd.name)
		}
	}
	return out
}

func has(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

// entries calls f for each key of a mapping, once.
func (r *reader) entries(n *yaml.Node, f func(key, v *yaml.Node)) {
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			r.wrong(r.place(key), "write the keys out, or use extends", "a key must be a word")
		case seen[key.Value]:
			r.wrong(r.place(key), "", "%q stands here twice", key.Value)
		default:
			seen[key.Value] = true
			f(key, v)
		}
	}
}

func (r *reader) unknown(key *yaml.Node, f *form) {
	hint := "its keys are " + strings.Join(f.names(), ", ")
	if near := nearest(key.Value, f.names()); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.wrong(r.place(key), hint, "the %s has no key %q", f.name, key.Value)
}

// value reads what stands behind a key; nil where it does not fit.
func (r *reader) value(n *yaml.Node, f *field) *value {
	v := &value{at: r.place(n)}
	fits := true
	switch f.shape {
	case text, day:
		v.text, fits = r.text(n, f)
	case number:
		v.number, fits = r.number(n, f)
	case truth:
		v.truth, fits = r.truth(n, f)
	case texts:
		v.list, fits = r.texts(n, f)
	case values:
		v.values, fits = r.pairs(n, f)
	case object:
		v.object = r.mapping(n, f.form)
		fits = v.object != nil
	case either:
		if n.Kind == yaml.ScalarNode {
			v.text, fits = r.text(n, f)
			break
		}
		v.object = r.mapping(n, f.form)
		fits = v.object != nil
	case objects, named:
		v.nodes, fits = r.nodes(n, f)
	}
	if !fits {
		return nil
	}
	return v
}

func (r *reader) text(n *yaml.Node, f *field) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.wrong(r.place(n), f.doc, "%s must be a text, and is %s", f.name, kindWords(n))
		return "", false
	}
	s := strings.TrimSpace(n.Value)
	if f.words != nil && !slices.Contains(f.words, s) {
		hint := "it is one of " + strings.Join(f.words, ", ")
		if near := nearest(s, f.words); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.wrong(r.place(n), hint, "%s cannot be %q", f.name, s)
		return "", false
	}
	if f.shape == day {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			r.wrong(r.place(n), "write it as yyyy-mm-dd", "%s is no day: %q", f.name, s)
			return "", false
		}
	}
	return s, true
}

func (r *reader) number(n *yaml.Node, f *field) (int, bool) {
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || i < 0 {
		r.wrong(r.place(n), f.doc, "%s must be a whole number from 0 on, and is %s", f.name, kindWords(n))
		return 0, false
	}
	return i, true
}

func (r *reader) truth(n *yaml.Node, f *field) (answer, fits bool) {
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		r.wrong(r.place(n), f.doc, "%s must be true or false, and is %s", f.name, kindWords(n))
		return false, false
	}
	return n.Value == "true", true
}

func (r *reader) texts(n *yaml.Node, f *field) ([]word, bool) {
	items := n.Content
	switch n.Kind {
	case yaml.ScalarNode:
		items = []*yaml.Node{n}
	case yaml.SequenceNode:
	default:
		r.wrong(r.place(n), f.doc, "%s must be a text or a list of texts, and is %s", f.name, kindWords(n))
		return nil, false
	}
	out := make([]word, 0, len(items))
	for _, item := range items {
		if s, ok := r.text(item, f); ok {
			out = append(out, word{r.place(item), s})
		}
	}
	return out, true
}

func (r *reader) pairs(n *yaml.Node, f *field) ([]pair, bool) {
	if n.Kind != yaml.MappingNode {
		r.wrong(r.place(n), f.doc, "%s must be a mapping of names to texts, and is %s", f.name, kindWords(n))
		return nil, false
	}
	var out []pair
	r.entries(n, func(key, v *yaml.Node) {
		if s, ok := r.text(v, &field{name: key.Value, shape: text}); ok {
			out = append(out, pair{word{r.place(v), s}, key.Value})
		}
	})
	return out, true
}

// nodes reads a list of mappings, or a mapping of names to mappings.
func (r *reader) nodes(n *yaml.Node, f *field) ([]*node, bool) {
	out := []*node{}
	switch {
	case f.shape == objects && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			if o := r.mapping(item, f.form); o != nil {
				out = append(out, o)
			}
		}
	case f.shape == named && n.Kind == yaml.MappingNode:
		r.entries(n, func(key, v *yaml.Node) {
			if v.Kind == yaml.ScalarNode && v.Tag == "!!null" && !slices.ContainsFunc(f.form.fields, func(f field) bool { return f.must }) {
				out = append(out, &node{at: r.place(key), name: key.Value, form: f.form, fields: map[string]*value{}})
				return
			}
			if o := r.mapping(v, f.form); o != nil {
				o.name, o.at = key.Value, r.place(key)
				out = append(out, o)
			}
		})
	case f.shape == objects:
		r.wrong(r.place(n), f.doc, "%s must be a list, and is %s", f.name, kindWords(n))
		return nil, false
	default:
		r.wrong(r.place(n), f.doc, "%s must be a mapping of names, and is %s", f.name, kindWords(n))
		return nil, false
	}
	return out, true
}

// kindWords says what a node of YAML is.
func kindWords(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias, which contracts do not have"
	case n.Tag == "!!null":
		return "empty"
	}
	return strconv.Quote(n.Value)
}

// nearest returns the word that was perhaps meant: one that differs in letter case, or by
// at most two letters; else "".
func nearest(s string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if strings.EqualFold(s, w) {
			return w
		}
		if abs(len(s)-len(w)) > 2 || len(w) < 4 {
			continue
		}
		if d := distance(s, w); d < least {
			best, least = w, d
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// distance counts the letters that must be put in, taken out or changed. Words of forms are
// short, and s is no longer than they are by more than two letters.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
