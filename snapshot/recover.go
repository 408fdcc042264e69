// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/mivet/mivet"
)

// Recover reads what is intact of a damaged file. Everything that is lost, or may be, is
// a gap: what depends on it is unknown. It needs an intact header, and reads a file
// without an index from its beginning to its end.
func Recover(r io.ReaderAt, size int64, o ReadOptions) (*mivet.Snapshot, error) {
	f, err := openHeader(r, size)
	if err != nil {
		return nil, err
	}
	var lost []string
	whole := f.readFrames() == nil
	if !whole {
		if lost, err = f.scan(); err != nil {
			return nil, err
		}
	}
	s, err := f.salvage(o, lost)
	if err == nil && whole && !f.headerIntact() {
		s.Gaps = append(s.Gaps, mivet.Gap{
			Facts: mivet.FactInput, Subject: kindHeader,
			Reason: "the file's header is damaged, so its tenant, its time and its inputs may be wrong",
		})
	}
	return s, err
}

// salvage reads the frames that are known, one after the other. lost says why other
// facts may be missing; nil if no others can be.
func (f *File) salvage(o ReadOptions, lost []string) (*mivet.Snapshot, error) {
	s := &mivet.Snapshot{TakenAt: f.header.TakenAt, TenantID: f.header.TenantID, Inputs: f.header.Inputs}
	unpack, err := newUnpacker(1, true)
	if err != nil {
		return nil, fmt.Errorf("recovering snapshot: %w", err)
	}
	defer unpack.Close()
	load := newLoader(f, s)
	placeless := int64(0)
	load.origins.lost = &placeless
	d := newDecoder(load, unpack)
	if lost, err = f.salvageFrames(d, s, o, lost); err != nil {
		return nil, err
	}
	load.shared.merge(d.unknown)
	s.Gaps = append(s.Gaps, f.unknownKinds()...)
	s.Gaps = append(s.Gaps, load.shared.gaps()...)
	if placeless > 0 {
		s.Gaps = append(s.Gaps, mivet.Gap{
			Facts: mivet.FactInput, Subject: kindOrigin,
			Reason: fmt.Sprintf("the places at which %d facts were read are lost", placeless),
		})
	}
	for _, reason := range lost {
		s.Gaps = append(s.Gaps, everything(reason)...)
	}
	return s, nil
}

func (f *File) salvageFrames(d *decoder, s *mivet.Snapshot, o ReadOptions, lost []string) ([]string, error) {
	all, need := kinds(), int64(0)
	for i := range f.frames {
		e := &f.frames[i]
		k := kindNamed(all, e.Of)
		switch {
		case e.Of == kindOrigin:
			need += e.Bytes + e.Records*originSize
			_ = d.readOrigins(e) // facts without their origin are counted
		case k != nil && o.wants(k):
			need += e.Bytes + e.Records*k.size
			part := &mivet.Snapshot{}
			err := k.read(d, part, k.grow(part, int(e.Records)), e)
			switch {
			case err == nil:
				s.Append(part)
			case k.name == kindGap:
				lost = append(lost, "the file's own list of gaps is damaged")
			default:
				s.Gaps = append(s.Gaps, mivet.Gap{Facts: k.facts, Reason: fmt.Sprintf(
					"records %d to %d of the kind %q are lost: the frame at byte %d is damaged",
					e.First, e.First+e.Records-1, k.name, e.Offset)})
			}
		}
		if limit := o.limit(f.size); need > limit {
			return nil, tooLarge(need, limit)
		}
	}
	return lost, nil
}

// everything returns gaps that make every kind of fact incomplete.
func everything(reason string) []mivet.Gap {
	var gaps []mivet.Gap
	seen := map[mivet.FactKind]bool{"": true}
	for _, k := range kinds() {
		if !seen[k.facts] {
			seen[k.facts] = true
			gaps = append(gaps, mivet.Gap{Facts: k.facts, Reason: reason})
		}
	}
	return gaps
}

// maxDamaged bounds the search for frames between damaged places of a hostile file.
const maxDamaged = 100

// scan finds the frames of a file without using its index. It returns what it had to
// leave out, at least the end.
func (f *File) scan() ([]string, error) {
	unpack, err := newUnpacker(1, false)
	if err != nil {
		return nil, fmt.Errorf("recovering snapshot: %w", err)
	}
	defer unpack.Close()
	lost := []string{"the file's index is lost, so nobody knows whether facts of this kind are missing"}
	counts := map[string]int64{}
	var plain []byte
	for at := int64(0); at < f.size; {
		if len(lost) > maxDamaged {
			return append(lost, fmt.Sprintf("the file is damaged in many places and was not read behind byte %d", at)), nil
		}
		packed, err := readFrame(f.r, at, f.size)
		switch {
		case err == nil:
			plain, err = unpack.DecodeAll(packed, slices.Grow(plain[:0], contentSize(packed)))
		case !errors.Is(err, errNoFrame):
			return nil, &Error{Frame: -1, Offset: at, Err: err}
		}
		if err != nil {
			next, readErr := nextFrame(f.r, at+1, f.size)
			if readErr != nil {
				return nil, readErr
			}
			lost = append(lost, fmt.Sprintf("bytes %d to %d of the file are damaged and may have held such facts", at, next-1))
			at = next
			continue
		}
		e := entry{
			Kind: "index", Of: firstKind(plain), Offset: at, Size: int64(len(packed)), Bytes: int64(len(plain)),
			Records: int64(bytes.Count(plain, []byte("\n"))), CRC: crc(checksum(packed)), number: len(f.frames),
		}
		if at += e.Size; e.Of == "" || e.Of == "index" {
			continue
		}
		if len(f.frames) == maxFrames {
			return nil, fmt.Errorf("recovering snapshot: the file has more than %d frames", maxFrames)
		}
		e.First = counts[e.Of] + 1
		counts[e.Of] += e.Records
		f.frames = append(f.frames, e)
	}
	return lost, nil
}

// firstKind returns the kind of the first record of a frame, or "".
func firstKind(plain []byte) string {
	line, _, _ := bytes.Cut(plain, []byte("\n"))
	var r struct {
		Kind string `json:"kind"`
	}
	if json.Unmarshal(line, &r) != nil {
		return ""
	}
	return r.Kind
}

// nextFrame returns the offset of the next place from one on that may be a frame, or the
// size of the file.
func nextFrame(r io.ReaderAt, from, size int64) (int64, error) {
	magic := binary.LittleEndian.AppendUint32(nil, frameMagic)
	const step = 1 << 20
	for at := from; at < size; at += step {
		b := make([]byte, min(step+int64(len(magic))-1, size-at))
		if err := readAt(r, b, at); err != nil {
			return 0, &Error{Frame: -1, Offset: at, Err: err}
		}
		if i := bytes.Index(b, magic); i >= 0 {
			return at + int64(i), nil
		}
	}
	return size, nil
}
