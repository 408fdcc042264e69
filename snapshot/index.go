// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"

	"github.com/klauspost/compress/zstd"
)

const (
	maxFrames    = 1 << 20  // frames of a file: 4 TiB of records
	maxIndex     = 64 << 20 // compressed bytes of the index
	maxIndexLine = 64 << 10
	minRecord    = len(`{"kind":"x","fact":{}}` + "\n")
)

// entry is a line of the index: one frame.
type entry struct {
	Kind    string `json:"kind"` // "index"
	Of      string `json:"of"`
	Offset  int64  `json:"offset"`
	Size    int64  `json:"size"`
	Bytes   int64  `json:"bytes"`
	Records int64  `json:"records"`
	First   int64  `json:"first"`
	CRC     crc    `json:"crc32c"`
	// Low and High are the keys of the first and last resource in a frame of properties.
	Low  string `json:"low,omitzero"`
	High string `json:"high,omitzero"`

	number int // of the frame
}

// crc is a checksum, written as eight hexadecimal digits.
type crc uint32

func (c crc) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%08x", uint32(c)), nil }

func (c *crc) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 16, 32)
	*c = crc(n)
	return err
}

// fault returns an error about the frame, or about one of its records.
func (e *entry) fault(record int64, err error) error {
	return &Error{Frame: e.number, Offset: e.Offset, Kind: e.Of, Record: record, Err: err}
}

// readIndex reads the index of a file and checks that it describes what is before it
// without a hole, so that sizes in it can be trusted to fit into the file.
func readIndex(r io.ReaderAt, t trailer) ([]entry, error) {
	fail := func(err error) ([]entry, error) {
		return nil, &Error{Frame: -1, Offset: t.offset, Kind: "index", Err: err}
	}
	if t.size > maxIndex {
		return fail(fmt.Errorf("the index has %d bytes, more than the %d of any known file", t.size, maxIndex))
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	section := io.NewSectionReader(r, t.offset, t.size)
	if _, err := io.Copy(sum, section); err != nil {
		return fail(fmt.Errorf("reading the index: %w", err))
	}
	if sum.Sum32() != t.sum {
		return fail(damaged("the index does not match its checksum"))
	}
	if _, err := section.Seek(0, io.SeekStart); err != nil {
		return fail(err)
	}
	lines, err := zstd.NewReader(section, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(MaxFrame), zstd.WithDecoderMaxMemory(MaxFrame))
	if err != nil {
		return fail(err)
	}
	defer lines.Close()
	entries, err := parseIndex(lines, t.offset)
	if err != nil {
		return fail(err)
	}
	return entries, nil
}

func parseIndex(r io.Reader, end int64) ([]entry, error) {
	var entries []entry
	counts := map[string]int64{}
	next := int64(0)
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, maxIndexLine)
	for scan.Scan() {
		var e entry
		if err := json.Unmarshal(scan.Bytes(), &e); err != nil {
			return nil, damaged("line %d of the index cannot be read (%v)", len(entries)+1, err)
		}
		e.number = len(entries)
		if reason := e.check(next, end, counts[e.Of]+1); reason != "" {
			return nil, damaged("line %d of the index: %s", e.number+1, reason)
		}
		next += e.Size
		counts[e.Of] += e.Records
		if entries = append(entries, e); len(entries) > maxFrames {
			return nil, fmt.Errorf("the index names more than %d frames", maxFrames)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, damaged("the index cannot be read (%v)", err)
	}
	if next != end {
		return nil, damaged("the index does not say what is from byte %d to byte %d", next, end)
	}
	return entries, nil
}

// check returns what is impossible in an entry, or "".
func (e *entry) check(offset, end, first int64) string {
	switch {
	case e.Kind != "index":
		return fmt.Sprintf("it is of kind %q", e.Kind)
	case e.Offset != offset:
		return fmt.Sprintf("the frame should begin at byte %d, not %d", offset, e.Offset)
	case e.Size <= 0 || e.Size > maxPacked || e.Size > end-offset:
		return fmt.Sprintf("no frame there can have %d bytes", e.Size)
	case e.Bytes < 0 || e.Bytes > MaxFrame:
		return fmt.Sprintf("no frame can hold %d bytes", e.Bytes)
	case e.Records < 0 || e.Records > e.Bytes/int64(minRecord)+1:
		return fmt.Sprintf("%d bytes cannot hold %d records", e.Bytes, e.Records)
	case e.First != first:
		return fmt.Sprintf("the first record should have number %d, not %d", first, e.First)
	}
	return ""
}
