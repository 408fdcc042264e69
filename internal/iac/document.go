// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet"
)

// object is one resource or data source of a plan or a state, reduced to the attributes
// of the allow-list.
type object struct {
	address  string // "module.app.azurerm_linux_web_app.api[0]"
	typ      string
	provider string // "registry.terraform.io/hashicorp/azurerm"; empty in old files
	data     bool   // a data source
	deposed  string // the key of the old half of a replacement that failed earlier
	actions  []string
	previous string // the address before a move
	before   json.RawMessage
	after    json.RawMessage
	unknown  json.RawMessage // in the form of after, true where a value is known after apply
	replace  json.RawMessage // the paths that force the replacement
	over     bool            // it held more than maxValue of allowed attributes
	file     string          // where it stands, if that is another file than the document's
	line     int
}

func (o *object) does(action string) bool { return slices.Contains(o.actions, action) }

// replaced reports whether the plan deletes the object and creates it again.
func (o *object) replaced() bool { return o.does("delete") && o.does("create") }

// stays reports whether Azure holds the object after the plan.
func (o *object) stays() bool {
	return len(o.actions) == 0 || !o.does("delete") || o.does("create")
}

// setAside gives a deposed object the address by which Terraform tells it from the one that
// took its place.
func (o *object) setAside() {
	if o.deposed != "" {
		o.address += deposedMark + o.deposed + ")"
	}
}

// values returns what Azure holds of the object after the plan.
func (o *object) values() json.RawMessage {
	if o.does("forget") && !o.does("create") || !o.stays() {
		return o.before
	}
	return o.after
}

// document is a plan or a state as it was read, before anything is made of it. It keeps
// both sides of each change, the drift and the references: what Azure holds before, during
// and after the plan can be told from it.
type document struct {
	file     string
	kind     Kind
	types    typeTable
	takenAt  time.Time
	objects  []*object
	drift    []*object // what changed outside of Terraform, identities only
	deferred []*object
	vars     map[string]string // values of the root module's variables that may name things
	config   *configuration
	lock     []byte // the text of the lock file, if it was found
	failed   bool   // "errored"
	partial  bool   // "complete" is false
	changes  bool   // there were resource_changes
	planned  int    // objects read from planned_values, at the front of objects
}

// reader fills a document from a stream.
type reader struct {
	*scanner
	ctx   context.Context
	doc   *document
	attrs *fields // attributes of resources
	exprs *fields // expressions of resources
	keep  kept
	names map[string]string // strings that repeat: types, providers, actions
	seen  int
}

func (r *reader) intern(s string) string {
	if v, ok := r.names[s]; ok {
		return v
	}
	if len(r.names) < 1<<16 {
		r.names[s] = s
	}
	return s
}

// tick stops a long read whose context is done.
func (r *reader) tick() error {
	if r.seen++; r.seen&1023 != 0 {
		return nil
	}
	return r.ctx.Err()
}

// document reads the top level of a plan or a state, in any order of members.
func (r *reader) document() error {
	err := r.object(r.once(func(name []byte) error {
		switch string(name) {
		case "format_version":
			return r.formatVersion()
		case "timestamp":
			return r.timestamp()
		case "errored":
			return r.flag(&r.doc.failed, true)
		case "complete":
			return r.flag(&r.doc.partial, false)
		case "variables":
			return r.variables()
		case "configuration":
			return r.configuration()
		}
		return r.objectsOf(string(name))
	}))
	if err != nil {
		return err
	}
	return r.finish()
}

// once refuses a member that stands twice in an object: Terraform writes none so, and of two
// sides of a change nobody could say which one is applied. Within attributes the last one
// counts, as for Terraform itself.
func (r *reader) once(member func(name []byte) error) func(name []byte) error {
	var seen []string
	return func(name []byte) error {
		if slices.ContainsFunc(seen, func(s string) bool { return s == string(name) }) {
			return r.fail("the member "+strconv.Quote(string(name))+" stands twice in one object", adviceOrigin)
		}
		seen = append(seen, string(name))
		return member(name)
	}
}

func (r *reader) objectsOf(name string) error {
	d := r.doc
	switch name {
	case "resource_changes":
		d.objects = slices.Delete(d.objects, 0, d.planned) // they say less
		d.planned, d.changes = 0, true
		return r.listOf(name, func(i int) error { return r.change(name, i, &d.objects) })
	case "resource_drift":
		return r.listOf(name, r.driftChange)
	case "deferred_changes":
		return r.listOf(name, r.deferredChange)
	case "planned_values":
		if d.changes {
			return r.skip()
		}
		rest := d.objects
		d.objects = nil
		err := r.module(true)
		d.planned = len(d.objects)
		d.objects = append(d.objects, rest...)
		return err
	case "prior_state":
		return r.objectOrSkip(func(name []byte) error {
			if string(name) != "values" {
				return r.skip()
			}
			return r.module(false)
		})
	case "values":
		return r.module(true)
	case "resources":
		return r.listOf(name, r.rawResource)
	default:
		return r.skip()
	}
}

func (r *reader) timestamp() error {
	text, err := r.string()
	if t, bad := time.Parse(time.RFC3339, text); bad == nil {
		r.doc.takenAt = t
	}
	return err
}

// flag takes a boolean and sets to where it has the value on.
func (r *reader) flag(to *bool, on bool) error {
	if c := r.peek(); c != 't' && c != 'f' {
		return r.skip()
	}
	v, err := r.bool()
	*to = v == on
	return err
}

// variables keeps the values of variables that have the form of an ID. Others, which may
// be secrets, are not looked at.
func (r *reader) variables() error {
	return r.objectOrSkip(func(name []byte) error {
		key := string(name)
		return r.objectOrSkip(func(name []byte) error {
			if string(name) != "value" {
				return r.skip()
			}
			v, err := r.idText()
			if v != "" {
				r.doc.vars[key] = v
			}
			return err
		})
	})
}

const maxIDText = 2048

// idText takes a string that has the form of a resource ID or a GUID; other values, which
// may be secrets, are taken and give "".
func (r *reader) idText() (string, error) {
	if r.peek() != '"' {
		return "", r.skip()
	}
	b, ok, err := r.str(maxIDText)
	if err != nil || !ok {
		return "", err
	}
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	if !strings.HasPrefix(text, "/") && !mivet.IsGUID(text) {
		return "", nil
	}
	return text, nil
}

// part keeps the allowed attributes of one side of an object.
func (r *reader) part(o *object, to *json.RawMessage) error {
	from := len(r.keep.buf)
	if c := r.peek(); c == 'n' { // null: there is no such side
		return r.skip()
	}
	if err := r.copy(&r.keep, r.attrs); err != nil {
		return err
	}
	if r.keep.over {
		o.over = true
		return nil
	}
	*to = r.keep.value(from)
	return nil
}
