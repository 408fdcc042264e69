// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// The form of a file of facts: JSON Lines in zstd frames as a snapshot has them, the first
// line a header, then each source with what it says, and a last line that counts the others.
const (
	fileFormat  = "mivet-usage"
	fileVersion = 3

	maxRecord = 16 << 20
	window    = 1 << 20
	maxWindow = 8 << 20
)

// record is one line.
type record struct {
	Kind     string    `json:"kind"`
	Format   string    `json:"format,omitzero"`
	Version  int       `json:"version,omitzero"`
	Key      []byte    `json:"key,omitzero"` // with which the ledger knows lines again
	Source   *Source   `json:"source,omitzero"`
	Entries  int64     `json:"entries,omitzero"`
	Repeated int64     `json:"repeated,omitzero"`
	Fact     *Fact     `json:"fact,omitzero"`
	Origin   *Origin   `json:"origin,omitzero"`
	Seen     *Seen     `json:"seen,omitzero"`
	Unmapped *Unmapped `json:"unmapped,omitzero"`
	Lines    []uint64  `json:"lines,omitzero"`
	Records  int64     `json:"records,omitzero"`
}

// fileMagic is what every file of facts begins with: a zstd frame.
var fileMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}

// Write writes a ledger.
func Write(w io.Writer, l *Ledger) (err error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		return fmt.Errorf("preparing to write facts: %w", err)
	}
	defer func() {
		if cerr := z.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("writing facts: %w", cerr)
		}
	}()
	return writeRecords(z, l)
}

// writeRecords writes a ledger as JSON Lines.
func writeRecords(w io.Writer, l *Ledger) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	out := writer{enc: enc}
	out.put(&record{Kind: "header", Format: fileFormat, Version: fileVersion, Key: l.key[:]})
	for _, p := range l.Parts() {
		out.part(p)
	}
	out.put(&record{Kind: "end", Records: out.n})
	if out.err != nil {
		return fmt.Errorf("writing facts: %w", out.err)
	}
	return nil
}

type writer struct {
	enc *json.Encoder
	n   int64
	err error
}

func (w *writer) put(r *record) {
	if w.err == nil {
		w.err = w.enc.Encode(r)
		w.n++
	}
}

func (w *writer) part(p *Part) {
	p.sort()
	w.put(&record{Kind: "source", Source: &p.Source, Entries: p.Entries, Repeated: p.Repeated})
	for i := range p.Facts {
		w.put(&record{Kind: "fact", Fact: &p.Facts[i]})
	}
	for i := range p.Origins {
		w.put(&record{Kind: "origin", Origin: &p.Origins[i]})
	}
	for i := range p.Seen {
		w.put(&record{Kind: "seen", Seen: &p.Seen[i]})
	}
	for i := range p.Unmapped {
		w.put(&record{Kind: "unmapped", Unmapped: &p.Unmapped[i]})
	}
	slices.Sort(p.Lines) // they come as the file was shared out
	const atOnce = 4096
	for lines := p.Lines; len(lines) > 0; lines = lines[min(atOnce, len(lines)):] {
		w.put(&record{Kind: "lines", Lines: lines[:min(atOnce, len(lines))]})
	}
}

// IsFacts reports whether bytes at the beginning of a file may be those of a file of facts.
// Compressed logs begin alike; [Read] tells them apart.
func IsFacts(head []byte) bool { return bytes.HasPrefix(head, fileMagic) }

// ErrNoFacts says that a file is no file of facts.
var ErrNoFacts = errors.New("it is no file of facts that mivet usage has written")

// Read reads what [Write] wrote. A file that was cut off or changed is an error.
func Read(r io.Reader) (*Ledger, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, fmt.Errorf("reading facts: %w", err)
	}
	defer z.Close()
	return readRecords(z)
}

// readRecords reads what writeRecords wrote.
func readRecords(r io.Reader) (*Ledger, error) {
	const buffer = 64 << 10
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, buffer), maxRecord)
	in := fileReader{ledger: NewLedger()}
	for lines.Scan() {
		if err := in.line(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("reading facts: line %d: %w", in.n+1, err)
		}
		in.n++
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading facts: line %d: %w", in.n+1, err)
	}
	if !in.ended {
		return nil, errors.New("reading facts: the end is missing, so the file was cut off: read the logs again")
	}
	return in.ledger, nil
}

type fileReader struct {
	ledger *Ledger
	part   *Part
	n      int64
	ended  bool
}

func (f *fileReader) line(text []byte) error {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		if f.n == 0 {
			return ErrNoFacts
		}
		return err
	}
	switch {
	case f.n == 0:
		if r.Kind != "header" || r.Format != fileFormat {
			return ErrNoFacts
		}
		if r.Version != fileVersion {
			return fmt.Errorf("the file has version %d and this mivet reads %d: read the logs again", r.Version, fileVersion)
		}
		if copy(f.ledger.key[:], r.Key) != keySize || len(r.Key) != keySize {
			return fmt.Errorf("the key of the file has %d bytes, not %d: read the logs again", len(r.Key), keySize)
		}
		return nil
	case f.ended:
		return errors.New("more lines behind the end")
	case r.Kind == "end":
		if r.Records != f.n {
			return fmt.Errorf("%d records, the end says %d", f.n, r.Records)
		}
		f.ended = true
		return nil
	case r.Kind == "source" && r.Source != nil:
		f.part = &Part{Source: *r.Source, Summary: Summary{Entries: r.Entries, Repeated: r.Repeated}}
		f.ledger.parts[f.part.Name] = f.part
		return nil
	case f.part == nil:
		return fmt.Errorf("a record of kind %q before any source", r.Kind)
	}
	return f.row(&r)
}

func (f *fileReader) row(r *record) error {
	p := f.part
	switch {
	case r.Fact != nil:
		p.Facts = append(p.Facts, *r.Fact)
	case r.Origin != nil:
		p.Origins = append(p.Origins, *r.Origin)
	case r.Seen != nil:
		p.Seen = append(p.Seen, *r.Seen)
	case r.Unmapped != nil:
		p.Unmapped = append(p.Unmapped, *r.Unmapped)
	case len(r.Lines) > 0:
		p.Lines = append(p.Lines, r.Lines...)
	default:
		return fmt.Errorf("a record of kind %q says nothing that is known", r.Kind)
	}
	return nil
}
