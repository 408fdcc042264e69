// SPDX-License-Identifier: Apache-2.0

package redact

import (
	_ "embed" // the allow-list
	"fmt"
	"strings"

	"github.com/mivet/mivet/arm"
)

//go:embed paths.txt
var pathsText string

//go:embed selectors.txt
var selectorsText string

// treatment is what is done with a value that is on the allow-list.
type treatment uint8

const (
	pass      treatment = iota // nothing: only what is below may be on the list
	keep                       // kept if it is no object and no list
	tree                       // kept with everything below
	tags                       // a map of tags
	settings                   // a map of settings
	named                      // a list of settings
	stringsOf                  // a map of connection strings
	digest                     // only that it is there, and a digest of it
	link                       // a URL without what may be secret in it
)

var treatments = map[string]treatment{
	"keep": keep, "fact": keep, "tree": tree, "tag": tags, "settings": settings, "named": named, "strings": stringsOf,
	"digest": digest, "link": link,
}

// node is a place in a resource.
type node struct {
	do treatment
	// fact is true for what decides something for identities; see [Redactor.Settings].
	fact  bool
	named map[arm.Key]*node
	any   *node // any key
	each  *node // any element
}

// table is the allow-list: for each resource type, what may stand in it.
type table struct {
	general *node
	types   map[arm.Key]*node
}

func newTable(texts ...string) (*table, error) {
	t := &table{general: &node{}, types: map[arm.Key]*node{}}
	for _, text := range texts {
		n := 0
		for line := range strings.Lines(text) {
			n++
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if err := t.add(strings.Fields(line)); err != nil {
				return nil, fmt.Errorf("reading the allow-list: line %d: %w", n, err)
			}
		}
	}
	return t, nil
}

func (t *table) add(fields []string) error {
	if len(fields) < 3 {
		return fmt.Errorf("it has %d words; what is done, a path and a type are needed", len(fields))
	}
	do, ok := treatments[fields[0]]
	if !ok {
		return fmt.Errorf("%q is nothing that can be done", fields[0])
	}
	steps, err := parsePath(fields[1])
	if err != nil {
		return err
	}
	for _, typ := range fields[2:] {
		root := t.general
		if typ != "*" {
			if !strings.Contains(typ, "/") {
				return fmt.Errorf("%q is no resource type", typ)
			}
			root = child(&t.types, arm.Fold(typ))
		}
		at := root
		for _, s := range steps {
			at = at.grow(s)
		}
		if at.do != pass && at.do != do {
			return fmt.Errorf("%s of %s is on the list with something else to do", fields[1], typ)
		}
		at.do = do
		at.fact = at.fact || fields[0] == "fact" || do >= settings
	}
	return nil
}

const (
	anyKey  = "{*}"
	element = "[]"
)

// parsePath takes a path apart: "a.b[]{*}" has the steps a, b, [] and {*}.
func parsePath(path string) ([]string, error) {
	var steps []string
	for part := range strings.SplitSeq(path, ".") {
		name := part
		if i := strings.IndexAny(part, "[{"); i >= 0 {
			name = part[:i]
		}
		rest := part[len(name):]
		if name != "" {
			steps = append(steps, name)
		}
		for rest != "" {
			switch {
			case strings.HasPrefix(rest, element):
				steps, rest = append(steps, element), rest[len(element):]
			case strings.HasPrefix(rest, anyKey):
				steps, rest = append(steps, anyKey), rest[len(anyKey):]
			default:
				return nil, fmt.Errorf("the path %q has brackets that are neither %s nor %s", path, element, anyKey)
			}
		}
		if part == "" {
			return nil, fmt.Errorf("the path %q has an empty part", path)
		}
	}
	return steps, nil
}

func child(m *map[arm.Key]*node, key arm.Key) *node {
	if *m == nil {
		*m = map[arm.Key]*node{}
	}
	if (*m)[key] == nil {
		(*m)[key] = &node{}
	}
	return (*m)[key]
}

// grow returns the node below n, made if it is not there.
func (n *node) grow(step string) *node {
	switch step {
	case element:
		if n.each == nil {
			n.each = &node{}
		}
		return n.each
	case anyKey:
		if n.any == nil {
			n.any = &node{}
		}
		return n.any
	default:
		return child(&n.named, arm.Fold(step))
	}
}

// places are the nodes for one place: of the general list and of those of the type.
type places []*node

// of returns what the list says of a resource type. Slots of sites are what sites are.
func (t *table) of(resourceType string) places {
	p := places{t.general}
	key := arm.Fold(resourceType)
	if n := t.types[key]; n != nil {
		p = append(p, n)
	}
	const site, slot = "microsoft.web/sites", "/slots"
	if rest, ok := strings.CutPrefix(string(key), site+slot); ok {
		if n := t.types[arm.Key(site+rest)]; n != nil {
			p = append(p, n)
		}
	}
	return p
}

// do returns the treatment of the place; the most specific one wins.
func (p places) do() treatment {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].do != pass {
			return p[i].do
		}
	}
	return pass
}

// down returns the place of a key: what the list says of that name, else of any.
func (p places) down(key string) places {
	var out places
	folded := arm.Fold(key)
	for _, n := range p {
		if c := n.named[folded]; c != nil {
			out = append(out, c)
		} else if n.any != nil {
			out = append(out, n.any)
		}
	}
	return out
}

// elements returns the place of the elements of a list.
func (p places) elements() places {
	var out places
	for _, n := range p {
		if n.each != nil {
			out = append(out, n.each)
		}
	}
	return out
}

// listed reports whether a key is on the list by its name, and not as one of many.
func (p places) listed(key string) bool {
	folded := arm.Fold(key)
	for _, n := range p {
		if n.named[folded] != nil {
			return true
		}
	}
	return false
}
