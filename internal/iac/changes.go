// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

const adviceShape = `give the output of "terraform show -json" as it is; nothing is left out of a file of another form`

// listOf takes a list of the given name, or null. Another value is an error: what it holds
// would be left out otherwise.
func (r *reader) listOf(name string, element func(i int) error) error {
	switch r.peek() {
	case '[':
		return r.array(element)
	case 'n':
		return r.skip()
	default:
		return r.fail(name+" is no list", adviceShape)
	}
}

// element takes an object that is an element of the list of that name.
func (r *reader) element(list string, i int, member func(name []byte) error) error {
	if r.peek() != '{' {
		return r.fail(list+"["+strconv.Itoa(i)+"] is no object", adviceShape)
	}
	return r.object(r.once(member))
}

// nameless is the error for an element without what it is called by.
func (r *reader) nameless(list string, i int, what string) error {
	return r.fail(list+"["+strconv.Itoa(i)+"] has no "+what, adviceShape)
}

// formatVersion takes the version of the format. Of the major versions 0 and 1 it is known
// what they mean; others must be refused
// (hashicorp/web-unified-docs content/terraform/v1.11.x/docs/internals/json-format.mdx).
func (r *reader) formatVersion() error {
	if r.peek() != '"' {
		return r.fail("format_version is no text", adviceShape)
	}
	v, err := r.string()
	if err != nil {
		return err
	}
	if major, _, _ := strings.Cut(v, "."); major != "0" && major != "1" {
		return r.fail("format_version is "+strconv.Quote(v)+", and only versions 0 and 1 are known", "look for a newer mivet")
	}
	return nil
}

// change reads an element of resource_changes or resource_drift.
func (r *reader) change(list string, i int, to *[]*object) error {
	if err := r.tick(); err != nil {
		return err
	}
	r.peek()
	o := &object{line: r.line}
	r.keep.reset()
	err := r.element(list, i, func(name []byte) (err error) {
		switch string(name) {
		case "address":
			o.address, err = r.string()
		case "previous_address":
			o.previous, err = r.string()
		case "mode":
			o.data, err = r.mode()
		case "type":
			o.typ, err = r.interned()
		case "provider_name":
			o.provider, err = r.interned()
		case "deposed":
			o.deposed, err = r.deposed()
		case "change":
			err = r.changeBody(o)
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return r.at(err, o)
	}
	if o.address == "" {
		return r.nameless(list, i, "address")
	}
	o.setAside()
	*to = append(*to, o)
	return nil
}

// at adds the address of the object that was being read to an error.
func (r *reader) at(err error, o *object) error {
	if e, ok := err.(*Error); ok && o.address != "" && !strings.Contains(e.Reason, o.address) { //nolint:errorlint // it comes unwrapped from the scanner
		e.Reason = "in " + o.address + ": " + e.Reason
	}
	return err
}

func (r *reader) interned() (string, error) {
	v, err := r.string()
	return r.intern(v), err
}

// deposed takes the key of a deposed object; null stands for an object that is none.
func (r *reader) deposed() (string, error) {
	if r.peek() != '"' {
		return "", r.skip()
	}
	return r.string()
}

func (r *reader) mode() (data bool, err error) {
	v, err := r.string()
	return v == "data", err
}

func (r *reader) changeBody(o *object) error {
	if r.peek() != '{' {
		return r.fail("its change is no object", adviceShape)
	}
	err := r.object(r.once(func(name []byte) (err error) {
		switch string(name) {
		case "actions":
			if r.peek() != '[' {
				return r.fail("its actions are no list", adviceShape)
			}
			o.actions, err = r.strings()
			for i, a := range o.actions {
				o.actions[i] = r.intern(a)
			}
		case "before":
			err = r.part(o, &o.before)
		case "after":
			err = r.part(o, &o.after)
		case "after_unknown":
			err = r.part(o, &o.unknown)
		case "replace_paths":
			from := len(r.keep.buf)
			if err = r.copy(&r.keep, everything); err == nil {
				o.replace = r.keep.value(from)
			}
		default:
			err = r.skip()
		}
		return err
	}))
	o.trim()
	return err
}

// trim forgets the sides that say nothing more.
func (o *object) trim() {
	if o.after != nil && !slices.ContainsFunc(o.actions, func(a string) bool {
		return a == "update" || a == "delete" || a == "forget"
	}) {
		o.before = nil
	}
	if bytes.Equal(o.unknown, []byte("{}")) {
		o.unknown = nil
	}
}

// driftChange keeps drift of objects that have an identity or are one.
func (r *reader) driftChange(i int) error {
	var one []*object
	if err := r.change("resource_drift", i, &one); err != nil {
		return err
	}
	for _, o := range one {
		if bytes.Contains(o.before, []byte("principal_id")) {
			r.doc.drift = append(r.doc.drift, o)
		}
	}
	return nil
}

func (r *reader) deferredChange(i int) error {
	return r.element("deferred_changes", i, func(name []byte) error {
		if string(name) != "resource_change" {
			return r.skip()
		}
		return r.change("deferred_changes", i, &r.doc.deferred)
	})
}

// module reads a module of values: root_module, or what stands below child_modules. Of a
// prior state only the data sources are kept, since resource_changes holds the rest.
func (r *reader) module(managed bool) error {
	switch r.peek() {
	case '{':
	case 'n':
		return r.skip()
	default:
		return r.fail("a module is no object", adviceShape)
	}
	return r.object(r.once(func(name []byte) error {
		switch string(name) {
		case "root_module":
			return r.module(managed)
		case "resources":
			return r.listOf("resources", func(i int) error { return r.valuesObject(i, managed) })
		case "child_modules":
			return r.listOf("child_modules", func(int) error { return r.module(managed) })
		default:
			return r.skip()
		}
	}))
}

func (r *reader) valuesObject(i int, managed bool) error {
	if err := r.tick(); err != nil {
		return err
	}
	r.peek()
	o := &object{line: r.line}
	r.keep.reset()
	err := r.element("resources", i, func(name []byte) (err error) {
		switch string(name) {
		case "address":
			o.address, err = r.string()
		case "mode":
			o.data, err = r.mode()
		case "type":
			o.typ, err = r.interned()
		case "provider_name":
			o.provider, err = r.interned()
		case "deposed_key":
			o.deposed, err = r.deposed()
		case "values":
			err = r.part(o, &o.after)
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return r.at(err, o)
	}
	if o.address == "" {
		return r.nameless("resources", i, "address")
	}
	o.setAside()
	if !managed && !o.data {
		return nil
	}
	r.doc.objects = append(r.doc.objects, o)
	return nil
}

// rawResource reads an element of "resources" of a raw state, version 4: one per resource,
// with its instances.
func (r *reader) rawResource(i int) error {
	r.peek()
	var module, base, name string
	var instances []*object
	var proto object
	err := r.element("resources", i, func(member []byte) (err error) {
		switch string(member) {
		case "module":
			module, err = r.interned()
		case "mode":
			proto.data, err = r.mode()
		case "type":
			proto.typ, err = r.interned()
		case "name":
			name, err = r.string()
		case "provider":
			base, err = r.interned()
			proto.provider = r.intern(providerSource(base))
		case "instances":
			err = r.listOf("instances", func(i int) error { return r.rawInstance(i, &instances) })
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return r.at(err, &object{address: proto.typ + "." + name})
	}
	if proto.typ == "" || name == "" {
		return r.nameless("resources", i, "type or name")
	}
	base = proto.typ + "." + name
	if proto.data {
		base = "data." + base
	}
	if module != "" {
		base = module + "." + base
	}
	for _, o := range instances {
		o.address = base + o.address // which held the index so far
		o.setAside()
		o.typ, o.provider, o.data = proto.typ, proto.provider, proto.data
	}
	r.doc.objects = append(r.doc.objects, instances...)
	return nil
}

func (r *reader) rawInstance(i int, to *[]*object) error {
	if err := r.tick(); err != nil {
		return err
	}
	r.peek()
	o := &object{line: r.line}
	r.keep.reset()
	err := r.element("instances", i, func(name []byte) (err error) {
		switch string(name) {
		case "index_key":
			o.address, err = r.index()
		case "deposed":
			o.deposed, err = r.deposed()
		case "attributes":
			err = r.part(o, &o.after)
		default:
			err = r.skip()
		}
		return err
	})
	*to = append(*to, o)
	return err
}

// index takes an instance key and returns it as addresses have it: [0] or ["blue"].
func (r *reader) index() (string, error) {
	if r.peek() == '"' {
		v, err := r.string()
		return "[" + strconv.Quote(v) + "]", err
	}
	b, err := r.scalar()
	if err != nil || string(b) == "null" {
		return "", err
	}
	return "[" + string(b) + "]", nil
}

// providerSource takes the source address out of provider["registry.terraform.io/…"].alias.
func providerSource(s string) string {
	if _, rest, ok := strings.Cut(s, `["`); ok {
		s, _, _ = strings.Cut(rest, `"]`)
	}
	return s
}
