// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// change reads an element of resource_changes or resource_drift.
func (r *reader) change(to *[]*object) error {
	if err := r.tick(); err != nil {
		return err
	}
	r.peek()
	o := &object{line: r.line}
	r.keep.reset()
	err := r.objectOrSkip(func(name []byte) (err error) {
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
			o.deposed = true
			err = r.skip()
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
	if o.address != "" {
		*to = append(*to, o)
	}
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

func (r *reader) mode() (data bool, err error) {
	v, err := r.string()
	return v == "data", err
}

func (r *reader) changeBody(o *object) error {
	err := r.objectOrSkip(func(name []byte) (err error) {
		switch string(name) {
		case "actions":
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
	})
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
func (r *reader) driftChange() error {
	var one []*object
	if err := r.change(&one); err != nil {
		return err
	}
	for _, o := range one {
		if bytes.Contains(o.before, []byte("principal_id")) {
			r.doc.drift = append(r.doc.drift, o)
		}
	}
	return nil
}

func (r *reader) deferredChange() error {
	return r.objectOrSkip(func(name []byte) error {
		if string(name) != "resource_change" {
			return r.skip()
		}
		return r.change(&r.doc.deferred)
	})
}

// module reads a module of values: root_module, or what stands below child_modules. Of a
// prior state only the data sources are kept, since resource_changes holds the rest.
func (r *reader) module(managed bool) error {
	return r.objectOrSkip(func(name []byte) error {
		switch string(name) {
		case "root_module":
			return r.module(managed)
		case "resources":
			return r.arrayOrSkip(func(int) error { return r.valuesObject(managed) })
		case "child_modules":
			return r.arrayOrSkip(func(int) error { return r.module(managed) })
		default:
			return r.skip()
		}
	})
}

func (r *reader) valuesObject(managed bool) error {
	if err := r.tick(); err != nil {
		return err
	}
	r.peek()
	o := &object{line: r.line}
	r.keep.reset()
	err := r.objectOrSkip(func(name []byte) (err error) {
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
			o.deposed = true
			err = r.skip()
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
	if o.address == "" || !managed && !o.data {
		return nil
	}
	r.doc.objects = append(r.doc.objects, o)
	return nil
}

// rawResource reads an element of "resources" of a raw state, version 4: one per resource,
// with its instances.
func (r *reader) rawResource() error {
	r.peek()
	var module, base, name string
	var instances []*object
	var proto object
	err := r.objectOrSkip(func(member []byte) (err error) {
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
			err = r.arrayOrSkip(func(int) error { return r.rawInstance(&instances) })
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return r.at(err, &object{address: proto.typ + "." + name})
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
		o.typ, o.provider, o.data = proto.typ, proto.provider, proto.data
	}
	r.doc.objects = append(r.doc.objects, instances...)
	return nil
}

func (r *reader) rawInstance(to *[]*object) error {
	if err := r.tick(); err != nil {
		return err
	}
	r.peek()
	o := &object{line: r.line}
	r.keep.reset()
	err := r.objectOrSkip(func(name []byte) (err error) {
		switch string(name) {
		case "index_key":
			o.address, err = r.index()
		case "deposed":
			o.deposed = true
			err = r.skip()
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
