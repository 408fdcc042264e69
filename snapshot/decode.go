// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

const originSize = int64(unsafe.Sizeof(mivet.Origin{}) + unsafe.Sizeof((*mivet.Origin)(nil)))

// record is the form of every line but the header and the index.
type record struct {
	Kind     string          `json:"kind"`
	Origin   int64           `json:"origin"`
	Line     int             `json:"line"`
	Resource arm.ID          `json:"resource"`
	Fact     json.RawMessage `json:"fact"`
}

// decoder reads frames, one at a time.
type decoder struct {
	file    *File
	unpack  *zstd.Decoder
	packed  []byte
	plain   []byte
	origins *origins
	memory  memory
	unknown map[string]int64 // records with unknown fields, by kind
}

// unpacked returns the content of a frame that the index describes. It is valid until
// the next call.
func (d *decoder) unpacked(e *entry) ([]byte, error) {
	d.packed = slices.Grow(d.packed[:0], int(e.Size))[:e.Size]
	if err := readAt(d.file.r, d.packed, e.Offset); err != nil {
		return nil, err
	}
	if checksum(d.packed) != uint32(e.CRC) {
		return nil, damaged("the frame does not match its checksum")
	}
	d.plain = slices.Grow(d.plain[:0], int(e.Bytes))
	plain, err := d.unpack.DecodeAll(d.packed, d.plain)
	if err != nil {
		return nil, damaged("the frame cannot be decompressed (%v)", err)
	}
	if int64(len(plain)) != e.Bytes {
		return nil, damaged("the frame has %d bytes of content, and the index says %d", len(plain), e.Bytes)
	}
	return plain, nil
}

// records calls f for each line of a frame, without its line end.
func (d *decoder) records(e *entry, f func(line []byte) error) error {
	plain, err := d.unpacked(e)
	if err != nil {
		return e.fault(0, err)
	}
	n := int64(0)
	for len(plain) > 0 {
		end := bytes.IndexByte(plain, '\n')
		if end < 0 {
			return e.fault(e.First+n, damaged("the last line has no end"))
		}
		if n == e.Records {
			return e.fault(0, damaged("the frame has more than the %d records of the index", n))
		}
		if err := f(plain[:end]); err != nil {
			if !errors.Is(err, ErrDamaged) {
				err = damaged("line %d of the frame: %v", n+1, err)
			}
			return e.fault(e.First+n, err)
		}
		plain = plain[end+1:]
		n++
	}
	if n != e.Records {
		return e.fault(0, damaged("the frame has %d records, and the index says %d", n, e.Records))
	}
	return nil
}

// readList decodes a frame of facts into rows, of which there are as many as the index
// says.
func readList[T any](d *decoder, l list[T], rows []T, e *entry) error {
	i := 0
	d.memory.begin()
	return d.records(e, func(line []byte) error {
		row := &rows[i]
		i++
		return readRow(d, l, row, e.Of, line)
	})
}

// readRow decodes a line.
func readRow[T any](d *decoder, l list[T], row *T, kind string, line []byte) error {
	n, at, ok := quick(d, l, row, kind, line)
	if !ok {
		var err error
		if n, at, err = careful(d, row, kind, line); err != nil {
			return err
		}
	}
	origin, err := d.origins.find(n)
	if err == nil && (origin != nil || at != 0) {
		*l.source(row) = mivet.Source{Origin: origin, Line: at}
	}
	return err
}

// quick reads a line that is written as this package writes it.
func quick[T any](d *decoder, l list[T], row *T, kind string, line []byte) (origin int64, at int, ok bool) {
	if l.fast == nil || len(d.file.upgrades) > 0 {
		return 0, 0, false
	}
	c := cursor{b: line, mem: &d.memory}
	origin, at = c.envelope(kind)
	if !c.bad && l.fast(&c, row) && c.literal("}") && c.done() {
		return origin, at, true
	}
	var zero T
	*row = zero
	return 0, 0, false
}

// careful reads any line.
func careful[T any](d *decoder, row *T, kind string, line []byte) (origin int64, at int, err error) {
	var r record
	if err := d.strict(kind, line, &r); err != nil {
		return 0, 0, err
	}
	if r.Kind != kind {
		return 0, 0, fmt.Errorf("a record of kind %q is in a frame of kind %q", r.Kind, kind)
	}
	fact, err := d.upgraded(kind, r.Fact)
	if err != nil {
		return 0, 0, err
	}
	if err := d.strict(kind, fact, row); err != nil {
		return 0, 0, err
	}
	if f, ok := any(row).(*mivet.Resource); ok {
		err = d.memory.share(f)
	}
	return r.Origin, r.Line, err
}

// upgraded returns a fact as the current version has it.
func (d *decoder) upgraded(kind string, fact json.RawMessage) (json.RawMessage, error) {
	for _, up := range d.file.upgrades {
		var err error
		if fact, err = up(kind, fact); err != nil {
			return nil, fmt.Errorf("converting it from format %s: %w", d.file.header.Version, err)
		}
	}
	return fact, nil
}

// strict decodes a JSON text. Fields that are not known are counted: they may say
// something that decides.
func (d *decoder) strict(kind string, text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if rest := bytes.TrimSpace(text[dec.InputOffset():]); len(rest) > 0 {
			return errors.New("there is more than one JSON value")
		}
		return nil
	}
	if !strings.Contains(err.Error(), "unknown field") {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return err
	}
	d.unknown[kind]++
	return nil
}

// origins are the places of facts, by number from 1.
type origins struct {
	byNumber map[int64]*mivet.Origin
	// lost counts the facts whose origin is not there; it stops a read if it is nil.
	lost *int64
}

// find returns an origin. That of number 0 is nil: no place was recorded.
func (o *origins) find(n int64) (*mivet.Origin, error) {
	if n == 0 {
		return nil, nil
	}
	if at, ok := o.byNumber[n]; ok {
		return at, nil
	}
	if o.lost == nil {
		return nil, fmt.Errorf("it names origin %d, which the file does not have", n)
	}
	*o.lost++
	return nil, nil
}

// readOrigins reads a frame of origins.
func (d *decoder) readOrigins(e *entry) error {
	rows := make([]mivet.Origin, e.Records)
	i := 0
	return d.records(e, func(line []byte) error {
		row := &rows[i]
		i++
		n, _, err := careful(d, row, kindOrigin, line)
		if err == nil && n < 1 {
			err = fmt.Errorf("its number is %d, and they begin at 1", n)
		}
		d.origins.byNumber[n] = row
		return err
	})
}

// shared is what the goroutines of one load have in common.
type shared struct {
	mu      sync.Mutex
	details map[string]*mivet.Detail
	unknown map[string]int64
}

// maxShared bounds the details that are remembered, so that a tenant in which no two
// resources are alike costs no more.
const maxShared = 1 << 17

func newShared() *shared {
	return &shared{details: map[string]*mivet.Detail{}, unknown: map[string]int64{}}
}

func (s *shared) merge(unknown map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, n := range unknown {
		s.unknown[k] += n
	}
}

// detail returns the one detail with that JSON text, making it from d or from the text.
func (s *shared) detail(text []byte, d *mivet.Detail) (*mivet.Detail, error) {
	s.mu.Lock()
	known := s.details[string(text)]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	if d == nil {
		d = &mivet.Detail{}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(d); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.details[string(text)]; known != nil {
		return known, nil
	}
	if len(s.details) < maxShared {
		s.details[string(text)] = d
	}
	return d, nil
}

// gaps reports what this version did not understand.
func (s *shared) gaps() []mivet.Gap {
	var gaps []mivet.Gap
	for _, k := range kinds() {
		if n := s.unknown[k.name]; n > 0 {
			facts := k.facts
			if facts == "" {
				facts = mivet.FactInput
			}
			gaps = append(gaps, mivet.Gap{
				Facts: facts, Subject: k.name,
				Reason: fmt.Sprintf("%d records of the kind %q have fields that this version of mivet does not know; update mivet", n, k.name),
			})
		}
	}
	if n := s.unknown[kindOrigin]; n > 0 {
		gaps = append(gaps, mivet.Gap{
			Facts: mivet.FactInput, Subject: kindOrigin,
			Reason: fmt.Sprintf("%d places of facts have fields that this version of mivet does not know; update mivet", n),
		})
	}
	return gaps
}
