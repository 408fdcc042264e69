// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/json"
	"slices"
)

// SchemaURL is where the schema of contracts is published.
const SchemaURL = "https://raw.githubusercontent.com/mivet/mivet/main/docs/schema/contract-1.schema.json"

// Schema returns the JSON Schema of contracts. Editors that know it complete and check the
// YAML while it is written.
func Schema() ([]byte, error) {
	defs := map[string]any{}
	top := schemaOf(fileForm, defs)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["$id"] = SchemaURL
	top["title"] = "A contract about managed identities"
	top["$defs"] = defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(top)
	return b.Bytes(), err
}

// schemaOf describes a form; forms within it go to defs.
func schemaOf(f *form, defs map[string]any) map[string]any {
	properties := map[string]any{}
	var required []string
	for i := range f.fields {
		fd := &f.fields[i]
		p := fieldSchema(fd, defs)
		p["description"] = fd.doc
		properties[fd.name] = p
		if fd.must {
			required = append(required, fd.name)
		}
	}
	out := map[string]any{"type": "object", "description": f.doc, "properties": properties, "additionalProperties": false}
	if required != nil {
		out["required"] = required
	}
	return out
}

func fieldSchema(f *field, defs map[string]any) map[string]any {
	if f.form != nil && defs[f.form.name] == nil {
		defs[f.form.name] = true // so that it is described once
		defs[f.form.name] = schemaOf(f.form, defs)
	}
	word := map[string]any{"type": "string"}
	if f.words != nil {
		word["enum"] = f.words
	}
	ref := func() map[string]any { return map[string]any{"$ref": "#/$defs/" + f.form.name} }
	switch f.shape {
	case texts:
		return map[string]any{"oneOf": []any{word, map[string]any{"type": "array", "items": word}}}
	case number:
		if f.name == "contract" {
			return map[string]any{"const": 1}
		}
		return map[string]any{"type": "integer", "minimum": 0}
	case truth:
		return map[string]any{"type": "boolean"}
	case day:
		word["format"] = "date"
		return word
	case values:
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []string{"string", "number", "boolean"}}}
	case object:
		return ref()
	case objects:
		return map[string]any{"type": "array", "items": ref()}
	case named:
		return map[string]any{"type": "object", "additionalProperties": orNothing(f.form, ref())}
	case either:
		return map[string]any{"oneOf": []any{word, ref()}}
	case text:
	}
	return word
}

// orNothing allows a form in which nothing must be said to be left empty.
func orNothing(f *form, ref map[string]any) map[string]any {
	if slices.ContainsFunc(f.fields, func(f field) bool { return f.must }) {
		return ref
	}
	return map[string]any{"oneOf": []any{ref, map[string]any{"type": "null"}}}
}
