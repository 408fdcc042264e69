// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mivet/mivet/arm"
)

// maxDepth is how deep a resource may nest; what is deeper is dropped.
const maxDepth = 32

// Properties returns what may be written of a resource as Resource Manager returned it:
// the whole object, with id, name, identity, tags and properties. Without a type that of
// the object counts. An error says that raw is no JSON object.
func (r *Redactor) Properties(resourceType string, raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if !json.Valid(raw) || raw[0] != '{' {
		// The error of encoding/json may show a part of the value.
		return nil, fmt.Errorf("redacting a resource of type %s: it is no JSON object", resourceType)
	}
	if resourceType == "" {
		if resourceType = textMember(raw, `"type"`); Secret(resourceType) {
			resourceType = "" // it stands in the report
		}
	}
	w := walk{r: r, resourceType: resourceType}
	if !w.object(r.table.of(listType(resourceType, raw)), raw, 0) {
		return json.RawMessage("{}"), nil
	}
	return w.out, nil
}

// listType returns the type under which a resource stands on the allow-list. The
// children of a site's config have one type and different contents; their names tell
// them apart.
func listType(resourceType string, object []byte) string {
	switch arm.Fold(resourceType) {
	case "microsoft.web/sites/config", "microsoft.web/sites/slots/config":
	default:
		return resourceType
	}
	name := textMember(object, `"name"`)
	name = name[strings.LastIndexByte(name, '/')+1:]
	switch arm.Fold(name) {
	case "appsettings", "connectionstrings", "slotconfignames", "configreferences", "authsettingsv2":
		return resourceType + "/" + name
	}
	return resourceType
}

// textMember returns the text of a member of an object; "" where it has none.
func textMember(object []byte, quoted string) string {
	text := ""
	members(object, func(key, value []byte) {
		if string(key) == quoted {
			text, _ = unquote(value)
		}
	})
	return text
}

// walk writes the allowed part of one resource.
type walk struct {
	r            *Redactor
	resourceType string
	path         []step
	out          []byte
}

// step is a part of a path. A key that is not on the list by its name may be no name.
type step struct {
	key    string
	listed bool
}

func (w *walk) place() Place {
	var b strings.Builder
	for i, s := range w.path {
		if i > 0 && s.key != element {
			b.WriteByte('.')
		}
		if s.listed {
			b.WriteString(s.key)
		} else {
			b.WriteString(shown(nil, s.key))
		}
	}
	return Place{Type: w.resourceType, Path: b.String()}
}

func (w *walk) enter(key string, listed bool) { w.path = append(w.path, step{key, listed}) }

func (w *walk) leave() { w.path = w.path[:len(w.path)-1] }

// drop counts a value that is not written.
func (w *walk) drop() bool {
	w.r.dropped(w.place())
	return false
}

// isName reports whether a key is made of the letters of names.
func isName(key string) bool {
	for i := range len(key) {
		if c := key[i]; class(c) == 0 && c != '_' && c != '-' && c != '$' && c != '@' && c != ' ' {
			return false
		}
	}
	return key != "" && len(key) <= 64
}

// shown returns a key as reports may show it.
func shown(p places, key string) string {
	if p.listed(key) || isName(key) && !Secret(key) {
		return key
	}
	return anyKey
}

// value writes a value if any of it may be kept, and reports whether it did.
func (w *walk) value(p places, raw []byte, depth int) bool {
	if len(p) == 0 || depth > maxDepth {
		return w.drop()
	}
	switch do := p.do(); {
	case raw[0] == 'n':
		w.raw("null")
		return true
	case do == tree:
		return w.tree(raw, depth)
	case do == tags:
		return w.mapOf(raw, w.tag)
	case do == settings:
		return w.mapOf(raw, w.setting)
	case do == stringsOf:
		return w.mapOf(raw, w.connection)
	case do == named:
		return w.list(raw, w.entry)
	case do == digest:
		return w.digest(raw)
	case raw[0] == '{':
		return w.object(p, raw, depth)
	case raw[0] == '[' && p.elements() != nil:
		below := p.elements()
		return w.list(raw, func(e []byte) bool { return w.value(below, e, depth+1) })
	case do == link && raw[0] == '"':
		s, _ := unquote(raw)
		w.text(w.r.link(w.key(), s))
		return true
	case do == keep && raw[0] != '[':
		return w.scalar(raw)
	}
	return w.drop()
}

// object writes the members of an object that may stay. An object of which nothing stays
// is not written, save where its key itself is what is wanted.
func (w *walk) object(p places, raw []byte, depth int) bool {
	start := len(w.out)
	w.raw("{")
	n, all := 0, 0
	members(raw, func(quoted, value []byte) {
		all++
		key, ok := unquote(quoted)
		below := p.down(key)
		listed := p.listed(key)
		w.enter(key, listed)
		at := len(w.out)
		w.comma(n)
		switch {
		case !ok || !listed && speaks(key):
			w.r.secret(w.place())
			ok = false
		case len(below) == 0:
			ok = w.drop()
		default:
			w.quoted(quoted)
			ok = w.value(below, value, depth+1)
			if !ok && !listed && value[0] == '{' {
				w.raw("{}")
				ok = true
			}
		}
		if ok {
			n++
		} else {
			w.out = w.out[:at]
		}
		w.leave()
	})
	if n == 0 && all > 0 {
		w.out = w.out[:start]
		return false
	}
	w.raw("}")
	return true
}

// list writes the elements of a list. One of which nothing stays becomes an empty
// object, so that the others keep their places.
func (w *walk) list(raw []byte, each func([]byte) bool) bool {
	if raw[0] != '[' {
		return w.drop()
	}
	w.enter(element, true)
	w.raw("[")
	n := 0
	elements(raw, func(e []byte) {
		w.comma(n)
		n++
		if !each(e) {
			w.raw("{}")
		}
	})
	w.raw("]")
	w.leave()
	return true
}

// mapOf writes an object whose keys are names that users chose.
func (w *walk) mapOf(raw []byte, each func(name string, value []byte) bool) bool {
	if raw[0] != '{' {
		return w.drop()
	}
	w.raw("{")
	n := 0
	members(raw, func(quoted, value []byte) {
		name, ok := unquote(quoted)
		w.enter(name, false)
		at := len(w.out)
		w.comma(n)
		w.quoted(quoted)
		if !ok || speaks(name) {
			w.r.secret(w.place())
			ok = false
		} else {
			ok = each(name, value)
		}
		if ok {
			n++
		} else {
			w.out = w.out[:at]
		}
		w.leave()
	})
	w.raw("}")
	return true
}

// scalar writes a text, a number or a boolean.
func (w *walk) scalar(raw []byte) bool {
	s, ok := unquote(raw)
	switch {
	case !ok:
		w.out = append(w.out, raw...)
	case !isID(s) && Secret(s):
		w.r.secret(w.place())
		w.text(Marker)
	default:
		w.out = append(w.out, raw...)
	}
	return true
}

// digest writes a digest of a value, whatever it is; of what says nothing, the value.
func (w *walk) digest(raw []byte) bool {
	s, ok := unquote(raw)
	switch {
	case !ok && (raw[0] == '{' || raw[0] == '['):
		if s, ok = canonical(raw); !ok {
			return w.drop()
		}
		if s == "[]" || s == "{}" {
			w.raw(s)
			return true
		}
	case !ok:
		s = string(raw)
	}
	if s == "" || isBool(s) {
		w.out = append(w.out, raw...)
		return true
	}
	w.text(w.r.instead(w.key(), s))
	return true
}

// canonical is one text for all ways to write a value.
func canonical(raw []byte) (string, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return "", false
	}
	b, err := json.Marshal(v)
	return string(b), err == nil
}

// key is the name under which the value stands that is written, without its letter case:
// APIs differ in it.
func (w *walk) key() string {
	for i := len(w.path) - 1; i >= 0; i-- {
		if w.path[i].key != element {
			return string(arm.Fold(w.path[i].key))
		}
	}
	return ""
}

// tree writes a value with everything below it, texts as sentences: they may be
// descriptions or conditions.
func (w *walk) tree(raw []byte, depth int) bool {
	if depth > maxDepth {
		return w.drop()
	}
	switch raw[0] {
	case '{':
		return w.mapOf(raw, func(_ string, v []byte) bool { return w.tree(v, depth+1) })
	case '[':
		return w.list(raw, func(e []byte) bool { return w.tree(e, depth+1) })
	}
	s, ok := unquote(raw)
	if !ok {
		w.out = append(w.out, raw...)
		return true
	}
	if t := Text(s); t != s {
		w.r.secret(w.place())
		w.text(t)
	} else {
		w.out = append(w.out, raw...)
	}
	return true
}

func (w *walk) tag(name string, raw []byte) bool {
	s, ok := unquote(raw)
	if !ok {
		return w.drop()
	}
	if secretTag(name, s) {
		w.r.secret(w.place())
		return false
	}
	w.out = append(w.out, raw...)
	return true
}

func (w *walk) setting(name string, raw []byte) bool {
	s, ok := unquote(raw)
	switch {
	case ok:
	case raw[0] == '{' || raw[0] == '[':
		return w.drop()
	default:
		s = string(raw)
	}
	w.text(w.r.setting(name, s))
	return true
}

// connection writes the entry of a connection string: its type, and its value if that
// is a reference.
func (w *walk) connection(name string, raw []byte) bool {
	if raw[0] != '{' {
		return w.drop()
	}
	typ, value := "", ""
	members(raw, func(key, v []byte) {
		switch string(key) {
		case `"type"`:
			typ, _ = unquote(v)
		case `"value"`:
			value, _ = unquote(v)
		}
	})
	if !isWord(typ) {
		typ = ""
	}
	w.raw(`{"type":`)
	w.text(typ)
	w.raw(`,"value":`)
	w.text(w.r.setting(name, value))
	w.raw("}")
	return true
}

// entry writes a setting of a list: its name, what it refers to, and its value if that
// may stay.
func (w *walk) entry(raw []byte) bool {
	name := ""
	if raw[0] == '{' {
		members(raw, func(key, v []byte) {
			if string(key) == `"name"` {
				name, _ = unquote(v)
			}
		})
	}
	if name == "" || speaks(name) {
		return w.drop()
	}
	w.raw(`{"name":`)
	w.text(name)
	members(raw, func(quoted, v []byte) {
		key, _ := unquote(quoted)
		s, isText := unquote(v)
		switch folded := arm.Fold(key); {
		case key == "name":
		case isText && (folded == "value" || folded == "connectionstring"):
			w.member(key, w.r.setting(name, s))
		case isText && (folded == "secretref" || folded == "type") && isWord(s):
			w.member(key, s)
		default:
			w.enter(key, false)
			w.drop()
			w.leave()
		}
	})
	w.raw("}")
	return true
}

func (w *walk) raw(s string) { w.out = append(w.out, s...) }

func (w *walk) comma(n int) {
	if n > 0 {
		w.raw(",")
	}
}

func (w *walk) member(key, value string) {
	w.raw(",")
	w.text(key)
	w.raw(":")
	w.text(value)
}

// quoted writes a key as it was.
func (w *walk) quoted(key []byte) {
	w.out = append(w.out, key...)
	w.raw(":")
}

// text writes a JSON string.
func (w *walk) text(s string) {
	b, err := json.Marshal(s)
	if err != nil { // a string has a JSON form
		b = []byte(`""`)
	}
	w.out = append(w.out, b...)
}

// secretTag reports whether a tag may not be written.
func secretTag(name, value string) bool {
	return secretName(name) && value != "" && !isBool(value) || !isID(value) && Secret(value)
}

// Value returns what may be written of a tag (path "tags." and its name) or of a setting
// of a resource (its path in the resource), and false where nothing may. Booleans and
// null stay; other settings must be on the allow-list.
func (r *Redactor) Value(resourceType, path, value string) (string, bool) {
	if name, ok := strings.CutPrefix(path, "tags."); ok {
		if speaks(name) || secretTag(name, value) {
			r.secret(Place{resourceType, "tags." + shown(nil, name)})
			return "", false
		}
		return value, true
	}
	do, name, at := r.find(resourceType, path)
	switch {
	case speaks(path):
		r.secret(Place{resourceType, anyKey})
		return "", false
	case value == "" || value == "null" || isBool(value):
		return value, true
	case do == settings || do == named || do == stringsOf:
		return r.setting(name, value), true
	case do == digest:
		return r.instead(name, value), true
	case do == link:
		return r.link(name, value), true
	case do == keep || do == tree:
		if !isID(value) && Secret(value) {
			r.secret(Place{resourceType, at})
			return "", false
		}
		return value, true
	}
	r.dropped(Place{resourceType, at})
	return "", false
}

// find looks a path up. Within settings it also returns the name of the setting. at is
// the path as reports show it.
func (r *Redactor) find(resourceType, path string) (do treatment, name, at string) {
	steps := strings.Split(path, ".")
	p := r.table.of(resourceType)
	for i, step := range steps {
		if arm.Fold(step) == "appsettings" && i+1 < len(steps) {
			return settings, strings.Join(steps[i+1:], "."), strings.Join(steps[:i+1], ".")
		}
		key, _, inList := strings.Cut(step, "[")
		steps[i] = shown(p, key)
		if p = p.down(key); p.do() == digest { // what stands in it, too
			return digest, string(arm.Fold(key)), strings.Join(steps[:i+1], ".")
		}
		if inList {
			steps[i] += element
			p = p.elements()
		}
		if p.do() == link {
			return link, string(arm.Fold(key)), strings.Join(steps[:i+1], ".")
		}
		if do := p.do(); do >= tree {
			return do, strings.Join(steps[i+1:], "."), strings.Join(steps[:i+1], ".")
		}
	}
	return p.do(), "", strings.Join(steps, ".")
}
