// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/change"
)

const adviceBinary = `give the output of "terraform show -json FILE" (or "tofu show -json FILE"), run where the plan was made`

// ReadBinaryPlan reads a plan as "terraform plan -out" writes it, of Terraform or OpenTofu:
// a zip with the changes, the state before them and the source. No provider is needed: the
// values carry the names of their attributes. What the plan says of references is taken
// from the source, locals included. name is how messages call the input.
func ReadBinaryPlan(ctx context.Context, name string, r io.ReaderAt, size int64) (*change.Plan, error) {
	doc, err := readBinary(ctx, name, r, size)
	if err != nil {
		return nil, err
	}
	return asChange(doc), nil
}

func readBinary(ctx context.Context, name string, r io.ReaderAt, size int64) (*document, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &Error{File: name, Line: 1, Reason: "it is no whole zip file: " + err.Error(), Advice: adviceBinary}
	}
	types := newTypeTable()
	attrs := attributeFields(types)
	doc := &document{
		file: name, kind: KindTerraformPlan, types: types, vars: map[string]string{},
		config: &configuration{root: newConfigModule(""), providers: map[string]provider{}, demands: map[string][]string{}},
	}
	b := &binaryPlan{doc: doc, ctx: ctx, reader: &reader{ctx: ctx, doc: doc, attrs: attrs, exprs: expressionFields(attrs), names: map[string]string{}}, vars: map[string]cty.Value{}}
	f, err := z.Open("tfplan")
	if err != nil {
		return nil, &Error{File: name, Line: 1, Reason: "it holds no tfplan", Advice: adviceBinary}
	}
	defer f.Close() //nolint:errcheck // it was only read
	if err := b.plan(bufio.NewReaderSize(f, headLength)); err != nil {
		return nil, binaryFault(ctx, name, err)
	}
	if err := b.state(z); err != nil {
		return nil, err
	}
	b.source(z)
	if err := doc.readLock(z, ""); err != nil {
		return nil, binaryFault(ctx, name, err)
	}
	return doc, nil
}

func binaryFault(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Error{File: name, Line: 1, Reason: "its tfplan is damaged or of another version: " + err.Error(), Advice: adviceBinary}
}

// binaryPlan reads the parts of a binary plan into a document.
type binaryPlan struct {
	doc    *document
	ctx    context.Context
	reader *reader
	vars   map[string]cty.Value
}

// The fields of a plan that are read, by their numbers
// (hashicorp/terraform internal/plans/planproto/planfile.proto; OpenTofu has the same).
const (
	fieldVersion, fieldVariables, fieldChanges          = 1, 2, 3
	fieldDrift, fieldErrored, fieldComplete, fieldDefer = 18, 20, 26, 27

	changeBody, changeDeposed, changeProvider, changeAddress, changePrevious = 9, 7, 8, 13, 14

	planVersion = 3 // of the format, since Terraform 0.12
)

// plan reads the fields of the plan one after the other.
func (b *binaryPlan) plan(in *bufio.Reader) error {
	version, complete := uint64(0), true
	for {
		field, number, body, err := nextField(in)
		switch {
		case errors.Is(err, io.EOF):
			if version != planVersion {
				return fmt.Errorf("its version is %d, and only %d is known", version, planVersion)
			}
			b.doc.partial = !complete
			return nil
		case err != nil:
			return err
		}
		if err := b.reader.tick(); err != nil {
			return err
		}
		switch field {
		case fieldVersion:
			version = number
		case fieldErrored:
			b.doc.failed = number == 1
		case fieldComplete:
			complete = number == 1
		case fieldVariables:
			err = b.variable(body)
		case fieldChanges:
			err = b.change(body, &b.doc.objects)
		case fieldDrift:
			var one []*object
			if err = b.change(body, &one); err == nil && len(one) == 1 && bytes.Contains(one[0].before, []byte("principal_id")) {
				b.doc.drift = append(b.doc.drift, one[0])
			}
		case fieldDefer:
			err = fields64(body, func(field int, _ uint64, inner []byte) error {
				if field != 2 {
					return nil
				}
				return b.change(inner, &b.doc.deferred)
			})
		}
		if err != nil {
			return err
		}
	}
}

// nextField takes one field of a message: its number, and its value as a number or as
// bytes (developers.google.com/protocol-buffers/docs/encoding).
func nextField(in *bufio.Reader) (field int, number uint64, body []byte, err error) {
	key, err := binary.ReadUvarint(in)
	if err != nil {
		return 0, 0, nil, err
	}
	field = int(key >> 3)
	skip := 0
	switch key & 7 {
	case 0:
		number, err = binary.ReadUvarint(in)
	case 1:
		skip = 8
	case 5:
		skip = 4
	case 2:
		var n uint64
		if n, err = binary.ReadUvarint(in); err != nil {
			break
		}
		if n > 4*maxValue {
			return 0, 0, nil, errors.New("a part of it is larger than 64 MiB")
		}
		body, err = io.ReadAll(io.LimitReader(in, int64(n)))
		if err == nil && uint64(len(body)) != n {
			err = io.ErrUnexpectedEOF
		}
	default:
		err = errors.New("a part of it has an unknown form")
	}
	if skip > 0 {
		_, err = in.Discard(skip)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return field, number, body, err
}

// fields64 calls yield for each field of a message in memory.
func fields64(message []byte, yield func(field int, number uint64, body []byte) error) error {
	in := bufio.NewReaderSize(bytes.NewReader(message), 16)
	for {
		field, number, body, err := nextField(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := yield(field, number, body); err != nil {
			return err
		}
	}
}

func (b *binaryPlan) variable(message []byte) error {
	name := ""
	return fields64(message, func(field int, _ uint64, body []byte) error {
		if field == 1 {
			name = string(body)
			return nil
		}
		v, err := dynamicValue(body)
		if err != nil {
			return err
		}
		if text, ok := v.(string); ok {
			b.vars[name] = cty.StringVal(text)
			if strings.HasPrefix(text, "/") || mivet.IsGUID(text) {
				b.doc.vars[name] = text
			}
		}
		return nil
	})
}

// dynamicValue decodes a value; nil where there is none.
func dynamicValue(message []byte) (any, error) {
	var out any
	err := fields64(message, func(field int, _ uint64, body []byte) (err error) {
		if field == 1 {
			out, err = (&msgpack{b: body}).value()
		}
		return err
	})
	return out, err
}

// planActions are the words of plans in JSON for the numbers of a binary one.
var planActions = map[uint64][]string{
	0: {"no-op"}, 1: {"create"}, 2: {"read"}, 3: {"update"}, 5: {"delete"},
	6: {"delete", "create"}, 7: {"create", "delete"}, 8: {"forget"}, 9: {"create", "forget"},
}

func (b *binaryPlan) change(message []byte, to *[]*object) error {
	o := &object{line: 1}
	err := fields64(message, func(field int, _ uint64, body []byte) error {
		switch field {
		case changeAddress:
			o.address = string(body)
		case changePrevious:
			o.previous = string(body)
		case changeDeposed:
			o.deposed = string(body)
		case changeProvider:
			o.provider = providerSource(string(body))
		case changeBody:
			return b.body(o, body)
		}
		return nil
	})
	if err != nil {
		return err
	}
	a, ok := parseAddress(o.address)
	if !ok {
		return fmt.Errorf("a change has no address of an object, but %q", o.address)
	}
	kind, _ := strings.CutPrefix(a.object, "data.")
	o.data = kind != a.object
	o.typ, _, _ = strings.Cut(kind, ".")
	o.trim()
	o.setAside()
	*to = append(*to, o)
	return nil
}

func (b *binaryPlan) body(o *object, message []byte) error {
	action := uint64(0)
	var values []any
	err := fields64(message, func(field int, number uint64, body []byte) error {
		switch field {
		case 1:
			action = number
		case 2:
			v, err := dynamicValue(body)
			values = append(values, v)
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	actions, ok := planActions[action]
	if !ok {
		return fmt.Errorf("it holds an action with the unknown number %d", action)
	}
	o.actions = actions
	before, after := sidesOf(actions, values)
	if o.before, _, err = b.side(before); err != nil {
		return err
	}
	o.after, o.unknown, err = b.side(after)
	return err
}

// sidesOf says which of the values are before and after: one alone is what is made, what
// goes, or what stays.
func sidesOf(actions []string, values []any) (before, after any) {
	switch {
	case len(values) == 0:
		return nil, nil
	case len(values) > 1:
		return values[0], values[1]
	case actions[0] == "create" || actions[0] == "read":
		return nil, values[0]
	case actions[0] == "no-op":
		return values[0], values[0]
	default:
		return values[0], nil
	}
}

// side keeps what is allowed of one side, and of what is unknown of it.
func (b *binaryPlan) side(v any) (known, unknown json.RawMessage, err error) {
	if v == nil {
		return nil, nil, nil
	}
	k, u := unknownsApart(v)
	if known, err = b.filtered(k); err != nil || u == nil {
		return known, nil, err
	}
	unknown, err = b.filtered(u)
	return known, unknown, err
}

func (b *binaryPlan) filtered(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var k kept
	k.reset()
	if err := newTextScanner(b.doc.file, 1, text).copy(&k, b.reader.attrs); err != nil {
		return nil, err
	}
	return k.value(0), nil
}

// state takes the data sources from the state before the plan, as those of a plan in JSON
// stand in its prior state.
func (b *binaryPlan) state(z *zip.Reader) error {
	f, err := z.Open("tfstate")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a plan of new resources may have none
	}
	if err != nil {
		return fmt.Errorf("%s: the state in it: %w", b.doc.file, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	past, err := readDocument(b.ctx, b.doc.file+" (tfstate)", f)
	if errors.Is(err, ErrNotSupported) {
		return nil // it is empty
	}
	if err != nil {
		return err
	}
	planned := map[string]bool{}
	for _, o := range b.doc.objects {
		planned[o.address] = true
	}
	for _, o := range past.objects {
		if o.data && !planned[o.address] {
			b.doc.objects = append(b.doc.objects, o)
		}
	}
	return nil
}

// source reads which attribute refers to what from the source that lies in the plan:
// "tfconfig/m-KEY" holds the module of that key.
func (b *binaryPlan) source(z *zip.Reader) {
	scratch := &document{file: b.doc.file, kind: KindTerraformSource, types: b.doc.types, vars: b.doc.vars, config: b.doc.config}
	s := &sources{ctx: b.ctx, tree: z, doc: scratch, settings: settingsByType(), left: maxSourceSum, reader: b.reader, packed: true}
	root := &sourceModule{config: scratch.config.root}
	for _, f := range SourceFiles(z, "tfconfig/m-") {
		if err := s.parse(root, f, b.doc.file); err != nil {
			return // references stay unknown, and each that is needed becomes a gap
		}
	}
	s.module(root, b.vars, 0)
}
