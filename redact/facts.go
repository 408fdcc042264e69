// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"strconv"
)

// Settings returns, of the "properties" of a resource that [Redactor.Properties] let
// through, those that decide something for identities, by their paths below "properties":
// texts as they are, booleans and numbers as JSON writes them, null as "null". Settings
// stand under their names: "siteConfig.appSettings.AZURE_CLIENT_ID". It is nil where there
// are none.
func (r *Redactor) Settings(resourceType string, properties json.RawMessage) map[string]string {
	if len(properties) == 0 || properties[0] != '{' || !json.Valid(properties) {
		return nil
	}
	f := flat{}
	f.value(r.table.of(resourceType).down("properties"), "", properties, 0)
	return f.out
}

// flat collects values by their paths.
type flat struct{ out map[string]string }

func (f *flat) put(path, value string) {
	if f.out == nil {
		f.out = map[string]string{}
	}
	f.out[path] = value
}

func (f *flat) object(p places, path string, raw []byte, depth int) {
	members(raw, func(quoted, value []byte) {
		if key, ok := unquote(quoted); ok {
			f.value(p.down(key), joined(path, key), value, depth+1)
		}
	})
}

func (f *flat) value(p places, path string, raw []byte, depth int) {
	if len(p) == 0 || depth > maxDepth {
		return
	}
	switch do := p.do(); {
	case raw[0] == '{' && (do == settings || do == stringsOf):
		members(raw, func(quoted, value []byte) {
			if name, ok := unquote(quoted); ok {
				f.scalar(joined(path, name), value)
			}
		})
	case raw[0] == '[' && do == named:
		elements(raw, func(e []byte) { f.named(path, e) })
	case raw[0] == '{':
		f.object(p, path, raw, depth)
	case raw[0] == '[':
		n := 0
		elements(raw, func(e []byte) {
			f.value(p.elements(), path+"["+strconv.Itoa(n)+"]", e, depth+1)
			n++
		})
	case p.fact():
		f.scalar(path, raw)
	}
}

// named takes an entry of a list of settings. Of one that refers to a secret of its container
// app it is known that it is set.
func (f *flat) named(path string, entry []byte) {
	if entry[0] != '{' {
		return
	}
	name, value := "", []byte(nil)
	members(entry, func(key, v []byte) {
		switch string(key) {
		case `"name"`:
			name, _ = unquote(v)
		case `"value"`:
			value = v
		case `"secretRef"`:
			if ref, ok := unquote(v); ok && ref != "" && value == nil {
				value = []byte(`"` + Marker + `"`)
			}
		}
	})
	if name != "" && value != nil {
		f.scalar(joined(path, name), value)
	}
}

func joined(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (f *flat) scalar(path string, raw []byte) {
	switch raw[0] {
	case '{', '[':
	case '"':
		if s, ok := unquote(raw); ok {
			f.put(path, s)
		}
	default:
		f.put(path, string(raw))
	}
}

// fact reports whether the place decides something for identities.
func (p places) fact() bool {
	for _, n := range p {
		if n.fact {
			return true
		}
	}
	return false
}
