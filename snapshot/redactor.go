// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/mivet/mivet/arm"
)

// Redactor decides what may be written. Everything that a source took over as it was
// found passes it; nothing is written without one.
type Redactor interface {
	// Text returns a free text without what looks like a secret.
	Text(s string) string
	// Value returns what may be written of a named value of a resource of that type, and
	// false where nothing may. The path of a tag is "tags." and its name, that of a
	// setting is its place in the resource, such as "properties.disableLocalAuth".
	Value(resourceType, path, value string) (string, bool)
	// Properties returns what may be written of a resource as Resource Manager returned
	// it, the whole object with its "properties". An empty result is not written.
	Properties(resourceType string, raw json.RawMessage) (json.RawMessage, error)
}

// cleaner passes the texts of one fact through a Redactor. It works by reflection, so
// that a field that is added to a fact later cannot be forgotten here. Handles are let
// through: resource IDs, operations, times, and named types of text such as principal
// IDs, which would no longer mean the same if they were changed.
type cleaner struct {
	r Redactor
	// resourceType is the type of the resource whose tags and settings are read.
	resourceType string
}

// clean returns a value fit to be written, and whether it differs from v. The value that
// was given is never changed.
func (c *cleaner) clean(field string, v reflect.Value) (reflect.Value, bool) {
	switch v.Kind() {
	case reflect.String:
		return c.text(field, v)
	case reflect.Struct:
		return c.fields(v)
	case reflect.Pointer:
		return c.pointer(field, v)
	case reflect.Slice:
		return c.elements(field, v)
	case reflect.Map:
		return c.values(field, v)
	default:
		return v, false
	}
}

func (c *cleaner) text(field string, v reflect.Value) (reflect.Value, bool) {
	s := v.String()
	if s == "" || v.Type() != reflect.TypeFor[string]() {
		return v, false
	}
	t := c.r.Text(s)
	if t == s {
		return v, false
	}
	if field == "Condition" || field == "Expression" {
		// Half a condition would be another one. This one can be read by nobody, so that
		// what depends on it is unknown.
		t = "[redacted]"
	}
	return reflect.ValueOf(t), true
}

func (c *cleaner) fields(v reflect.Value) (reflect.Value, bool) {
	t := v.Type()
	switch t {
	case reflect.TypeFor[arm.ID](), reflect.TypeFor[arm.Operation](), reflect.TypeFor[time.Time]():
		return v, false
	}
	out, changed := v, false
	for i := range t.NumField() {
		f, other := c.clean(t.Field(i).Name, v.Field(i))
		if !other {
			continue
		}
		if !changed {
			out, changed = reflect.New(t).Elem(), true
			out.Set(v)
		}
		out.Field(i).Set(f)
	}
	return out, changed
}

func (c *cleaner) pointer(field string, v reflect.Value) (reflect.Value, bool) {
	if v.IsNil() {
		return v, false
	}
	to, changed := c.clean(field, v.Elem())
	if !changed {
		return v, false
	}
	p := reflect.New(to.Type())
	p.Elem().Set(to)
	return p, true
}

func (c *cleaner) elements(field string, v reflect.Value) (reflect.Value, bool) {
	out, changed := v, false
	for i := range v.Len() {
		e, other := c.clean(field, v.Index(i))
		if !other {
			continue
		}
		if !changed {
			out, changed = reflect.MakeSlice(v.Type(), v.Len(), v.Len()), true
			reflect.Copy(out, v)
		}
		out.Index(i).Set(e)
	}
	return out, changed
}

// values cleans the tags and settings of a resource: a map from names to texts. Values
// of other maps are treated as tags.
func (c *cleaner) values(field string, v reflect.Value) (reflect.Value, bool) {
	prefix := "tags."
	if field == "Settings" {
		prefix = "properties."
	}
	out, changed := v, false
	for it := v.MapRange(); it.Next(); {
		name, value := it.Key().String(), it.Value().String()
		kept, ok := c.r.Value(c.resourceType, prefix+name, value)
		if ok && kept == value {
			continue
		}
		if !changed {
			out, changed = reflect.MakeMapWithSize(v.Type(), v.Len()), true
			for from := v.MapRange(); from.Next(); {
				out.SetMapIndex(from.Key(), from.Value())
			}
		}
		if ok {
			out.SetMapIndex(it.Key(), reflect.ValueOf(kept))
		} else {
			out.SetMapIndex(it.Key(), reflect.Value{})
		}
	}
	return out, changed
}
