// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// WriteOptions says how [Write] writes.
type WriteOptions struct {
	// Redactor must be set.
	Redactor Redactor
	// Tool is the name and version of the program that writes.
	Tool string
	// KeyID names the key of the Redactor's digests; empty without a key.
	KeyID string
}

// Write writes a snapshot that is in memory. Equal snapshots give equal bytes.
func Write(w io.Writer, s *mivet.Snapshot, o WriteOptions) error {
	h := Header{TakenAt: s.TakenAt, TenantID: s.TenantID, Inputs: s.Inputs, Tool: o.Tool, KeyID: o.KeyID}
	sw, err := NewWriter(w, h, o.Redactor)
	if err != nil {
		return err
	}
	if err := sw.Append(s); err != nil {
		return err
	}
	return sw.Close()
}

// Writer writes a snapshot as its facts come. It holds at most one open frame of each
// kind in memory. It must be closed; a file whose Writer was not is cut off. It is not
// safe for concurrent use.
type Writer struct {
	w       io.Writer
	clean   cleaner
	pack    *zstd.Encoder
	fact    bytes.Buffer
	json    *json.Encoder
	packed  []byte
	kinds   []kind
	batches map[string]*batch
	index   []entry
	counts  map[string]int64 // records written or waiting, by kind
	origins map[mivet.Origin]int64
	offset  int64
	err     error // what stopped the writer
}

// batch is an open frame.
type batch struct {
	lines     []byte
	records   int64
	low, high arm.Key
}

// maxOrigins is how many origins are remembered to share them. Forgetting them costs
// bytes in the file, not correctness.
const maxOrigins = 1 << 16

var errClosed = errors.New("writing snapshot: it was closed")

// NewWriter writes the header. The caller closes w after the Writer.
func NewWriter(w io.Writer, h Header, r Redactor) (*Writer, error) {
	if r == nil {
		return nil, errors.New("writing snapshot: there is no redactor, and nothing is written without one")
	}
	pack, err := newPacker()
	if err != nil {
		return nil, fmt.Errorf("writing snapshot: %w", err)
	}
	sw := &Writer{
		w: w, clean: cleaner{r: r}, pack: pack, kinds: kinds(),
		batches: map[string]*batch{}, counts: map[string]int64{}, origins: map[mivet.Origin]int64{},
	}
	sw.json = json.NewEncoder(&sw.fact)
	sw.json.SetEscapeHTML(false)
	cleaned, _ := sw.clean.clean("", reflect.ValueOf(h))
	h, _ = cleaned.Interface().(Header)
	content, err := h.encode()
	if err != nil {
		return nil, err
	}
	sw.counts[kindHeader] = 1
	sw.emit(kindHeader, storedFrame(content), &batch{lines: content, records: 1})
	return sw, sw.err
}

// Append writes the facts of a snapshot, or of a part of one. Its time, tenant and
// inputs are not written: the header has them. After an error the file is unfinished and
// nothing more can be written.
func (w *Writer) Append(s *mivet.Snapshot) error {
	for _, k := range w.kinds {
		if w.err != nil {
			return w.err
		}
		w.err = k.write(w, s)
	}
	return w.err
}

// Properties writes the raw properties of a resource, as Resource Manager returned the
// whole resource, after redaction. Written in the order of resource IDs, they are found
// again by reading one frame; in another order by reading more. Properties of more than
// [MaxFrame] bytes are left out, and a gap says so.
func (w *Writer) Properties(id arm.ID, raw json.RawMessage) error {
	if w.err != nil {
		return w.err
	}
	kept, err := w.clean.r.Properties(id.Type(), raw)
	if err != nil {
		return fmt.Errorf("writing the properties of %s: %w", id, err)
	}
	if len(kept) == 0 {
		return nil
	}
	w.fact.Reset()
	if err := json.Compact(&w.fact, kept); err != nil {
		return fmt.Errorf("writing the properties of %s: %w", id, err)
	}
	name, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("writing the properties of %s: %w", id, err)
	}
	head := fmt.Appendf(nil, `{"kind":%q,"resource":%s,"fact":`, kindProperties, name)
	if len(head)+w.fact.Len()+2 > MaxFrame {
		return w.Append(&mivet.Snapshot{Gaps: []mivet.Gap{{
			Facts: mivet.FactResources, Scope: id,
			Reason: fmt.Sprintf("its properties have more than %d bytes and were left out", MaxFrame),
		}}})
	}
	w.err = w.add(kindProperties, head, w.fact.Bytes(), id.Key())
	return w.err
}

// Close writes what is waiting, and the index. It does not close the writer below.
func (w *Writer) Close() error {
	if w.err != nil {
		if errors.Is(w.err, errClosed) {
			return nil
		}
		return w.err
	}
	w.flush(kindOrigin)
	for _, k := range w.kinds {
		w.flush(k.name)
	}
	w.flush(kindProperties)
	w.finish()
	if w.err == nil {
		w.err = errClosed
		return nil
	}
	return w.err
}

func writeList[T any](w *Writer, name string, l list[T], rows []T) error {
	for i := range rows {
		row := rows[i]
		source := l.source(&row)
		origin, line := source.Origin, source.Line
		*source = mivet.Source{}
		head := append([]byte(`{"kind":"`), name...)
		head = append(head, '"')
		if origin != nil {
			n, err := w.origin(*origin)
			if err != nil {
				return err
			}
			head = strconv.AppendInt(append(head, `,"origin":`...), n, 10)
		}
		if line != 0 {
			head = strconv.AppendInt(append(head, `,"line":`...), int64(line), 10)
		}
		head = append(head, `,"fact":`...)
		w.clean.resourceType = typeOf(&row)
		fact, err := w.encode(reflect.ValueOf(&row).Elem())
		if err == nil {
			err = w.add(name, head, fact, "")
		}
		if err != nil {
			return fmt.Errorf("writing %s record %d of a snapshot: %w", name, w.counts[name]+1, err)
		}
	}
	return nil
}

// typeOf returns the resource type of a fact that is a resource.
func typeOf(row any) string {
	switch f := row.(type) {
	case *mivet.Resource:
		return f.ID.Type()
	case *mivet.Subscription:
		return f.ID.Type()
	default:
		return ""
	}
}

// encode returns the redacted JSON form of a fact, without a line end. It is valid until
// the next call.
func (w *Writer) encode(v reflect.Value) ([]byte, error) {
	cleaned, _ := w.clean.clean("", v)
	w.fact.Reset()
	if err := w.json.Encode(cleaned.Interface()); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(w.fact.Bytes(), []byte("\n")), nil
}

// origin returns the number of an origin, and writes it if it is new.
func (w *Writer) origin(o mivet.Origin) (int64, error) {
	if n, ok := w.origins[o]; ok {
		return n, nil
	}
	n := w.counts[kindOrigin] + 1
	fact, err := w.encode(reflect.ValueOf(o))
	if err == nil {
		err = w.add(kindOrigin, fmt.Appendf(nil, `{"kind":%q,"origin":%d,"fact":`, kindOrigin, n), fact, "")
	}
	if err != nil {
		return 0, fmt.Errorf("writing origin %d of a snapshot: %w", n, err)
	}
	if len(w.origins) == maxOrigins {
		clear(w.origins)
	}
	w.origins[o] = n
	return n, nil
}

// add puts a record into the open frame of its kind.
func (w *Writer) add(kind string, head, fact []byte, key arm.Key) error {
	size := len(head) + len(fact) + 2
	if size > MaxFrame {
		return fmt.Errorf("it has %d bytes and at most %d fit", size, MaxFrame)
	}
	b := w.batches[kind]
	if b == nil {
		b = &batch{}
		w.batches[kind] = b
	}
	if len(b.lines)+size > MaxFrame {
		w.flush(kind)
	}
	if b.records == 0 || key < b.low {
		b.low = key
	}
	b.high = max(b.high, key)
	b.lines = append(append(append(b.lines, head...), fact...), '}', '\n')
	b.records++
	w.counts[kind]++
	return w.err
}

// flush writes the open frame of a kind. Origins go first: a reader that has lost the
// index then meets them before the facts that name them.
func (w *Writer) flush(kind string) {
	b := w.batches[kind]
	if b == nil || b.records == 0 {
		return
	}
	if kind != kindOrigin {
		w.flush(kindOrigin)
	}
	w.packed = w.pack.EncodeAll(b.lines, w.packed[:0])
	w.emit(kind, w.packed, b)
	*b = batch{lines: b.lines[:0]}
}

// emit writes a frame and enters it into the index.
func (w *Writer) emit(kind string, frame []byte, b *batch) {
	e := entry{
		Kind: "index", Of: kind, Offset: w.offset, Size: int64(len(frame)),
		Bytes: int64(len(b.lines)), Records: b.records, First: w.counts[kind] - b.records + 1,
		CRC: crc(checksum(frame)), Low: string(b.low), High: string(b.high),
	}
	w.index = append(w.index, e)
	w.write(frame)
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(b)
	w.offset += int64(n)
	if err != nil {
		w.err = fmt.Errorf("writing snapshot: %w", err)
	}
}

// finish writes the index and the trailer.
func (w *Writer) finish() {
	at := w.offset
	var lines, packed []byte
	for i := range w.index {
		line, err := json.Marshal(&w.index[i])
		if err != nil {
			w.err = fmt.Errorf("writing the index of a snapshot: %w", err)
			return
		}
		if len(lines)+len(line) >= MaxFrame {
			packed = append(packed, w.pack.EncodeAll(lines, nil)...)
			lines = lines[:0]
		}
		lines = append(append(lines, line...), '\n')
	}
	packed = w.pack.EncodeAll(lines, packed)
	w.write(packed)
	w.write(trailer{offset: at, size: int64(len(packed)), sum: checksum(packed)}.encode())
	w.index, w.batches = nil, nil
}
