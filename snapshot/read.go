// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// ReadOptions says what is read.
type ReadOptions struct {
	// Kinds are the kinds of facts that are wanted; nil for all. Gaps are always read.
	// What is left out leaves no gap: the caller knows what it did not ask for.
	Kinds []mivet.FactKind
	// Resource says by the bytes of its ID whether a resource is wanted; nil for all. The
	// first one of a subscription in each frame is read anyway, so that it is known which
	// subscriptions there are. It is called by several goroutines and must not keep the
	// bytes.
	Resource func(id []byte) bool
	// Holder says the same of role assignments by the ID of their principal. Those that name
	// nobody are read anyway, and the first one in a subscription in each frame.
	Holder func(principal []byte) bool
	// MaxMemory is the most that facts may need, in bytes, roughly; 0 for a default that
	// grows with the size of the file. A file that needs more is refused before it is read.
	MaxMemory int64
}

// The default of MaxMemory. Files that mivet writes need less than 60 times their size.
const (
	freeMemory   = 1 << 30
	memoryFactor = 256
)

func (o *ReadOptions) limit(size int64) int64 {
	if o.MaxMemory > 0 {
		return o.MaxMemory
	}
	return freeMemory + memoryFactor*size
}

func (o *ReadOptions) wants(k *kind) bool {
	return o.Kinds == nil || k.name == kindGap || slices.Contains(o.Kinds, k.facts)
}

// chooses reports whether not all facts of a kind are wanted.
func (o *ReadOptions) chooses(k *kind) bool {
	return k.name == kindResource && o.Resource != nil || k.name == kindRoleAssignment && o.Holder != nil
}

func tooLarge(need, limit int64) error {
	return &Error{Frame: -1, Err: fmt.Errorf("its facts need about %d MiB of memory, and %d MiB are allowed for it: read fewer kinds, or allow more if you trust the file", need>>20, limit>>20)}
}

// File is a snapshot that is read in parts. It is safe for concurrent use if the
// io.ReaderAt is.
type File struct {
	r         io.ReaderAt
	size      int64
	header    Header
	headerCRC crc
	frames    []entry
	upgrades  []upgrade
}

// Read reads the facts of a snapshot of the given size in bytes.
func Read(r io.ReaderAt, size int64, o ReadOptions) (*mivet.Snapshot, error) {
	f, err := Open(r, size)
	if err != nil {
		return nil, err
	}
	return f.Snapshot(o)
}

// Open reads the header and the index of a file of the given size in bytes.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f, err := openHeader(r, size)
	if err != nil {
		return nil, err
	}
	if err := f.readFrames(); err != nil {
		return nil, err
	}
	if !f.headerIntact() {
		return nil, &Error{Frame: 0, Offset: 0, Kind: kindHeader, Err: damaged("the header does not match its checksum")}
	}
	return f, nil
}

// readFrames reads the index, from its end.
func (f *File) readFrames() error {
	end := make([]byte, min(f.size, trailerSize))
	if err := readAt(f.r, end, f.size-int64(len(end))); err != nil {
		return &Error{Frame: -1, Offset: f.size - int64(len(end)), Err: err}
	}
	t, err := decodeTrailer(end, f.size)
	if err != nil {
		return &Error{Frame: -1, Offset: f.size, Err: err}
	}
	f.frames, err = readIndex(f.r, t)
	return err
}

// headerIntact reports whether the header is the one that the index was written for.
func (f *File) headerIntact() bool {
	return len(f.frames) > 0 && f.frames[0].Of == kindHeader && f.frames[0].CRC == f.headerCRC
}

// openHeader reads the first frame.
func openHeader(r io.ReaderAt, size int64) (*File, error) {
	fail := func(err error) (*File, error) {
		return nil, &Error{Frame: 0, Offset: 0, Kind: kindHeader, Err: err}
	}
	head := make([]byte, min(size, HeadSize))
	if err := readAt(r, head, 0); err != nil {
		return fail(err)
	}
	if !Is(head) {
		return fail(errors.New("this is no snapshot of mivet: it does not begin with its header"))
	}
	packed, err := readFrame(r, 0, size)
	if errors.Is(err, errNoFrame) {
		return fail(damaged("the header cannot be read (%v)", err))
	}
	if err != nil {
		return fail(err)
	}
	unpack, err := newUnpacker(1, true)
	if err != nil {
		return fail(err)
	}
	defer unpack.Close()
	content, err := unpack.DecodeAll(packed, make([]byte, 0, len(packed))) // it is stored
	if err != nil {
		return fail(damaged("the header cannot be read (%v)", err))
	}
	h, major, err := decodeHeader(content)
	if err != nil {
		return fail(err)
	}
	steps, err := upgradesFrom(major)
	if err != nil {
		return fail(err)
	}
	return &File{r: r, size: size, header: h, headerCRC: crc(checksum(packed)), upgrades: steps}, nil
}

// readFrame returns the compressed bytes of the frame at an offset, without an index.
func readFrame(r io.ReaderAt, offset, size int64) ([]byte, error) {
	for room := int64(64 << 10); ; room = maxPacked {
		b := make([]byte, min(room, size-offset))
		if err := readAt(r, b, offset); err != nil {
			return nil, err
		}
		n, err := frameLength(b)
		switch {
		case err == nil:
			return b[:n], nil
		case !errors.Is(err, errCutOff) || room == maxPacked || int64(len(b)) == size-offset:
			return nil, err
		}
	}
}

func readAt(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case errors.Is(err, io.EOF):
		return damaged("the file is shorter than it was when it was opened")
	default:
		return fmt.Errorf("reading %d bytes: %w", len(b), err)
	}
}

// Header returns what the file says of itself.
func (f *File) Header() Header { return f.header }

// Count returns how many facts of a kind the file holds. It does not read them.
func (f *File) Count(facts mivet.FactKind) int64 {
	n := int64(0)
	for _, k := range kinds() {
		if k.facts != facts {
			continue
		}
		for i := range f.frames {
			if f.frames[i].Of == k.name {
				n += f.frames[i].Records
			}
		}
	}
	return n
}

// Snapshot reads facts. Records that this version does not know are reported as gaps.
func (f *File) Snapshot(o ReadOptions) (*mivet.Snapshot, error) {
	s := &mivet.Snapshot{TakenAt: f.header.TakenAt, TenantID: f.header.TenantID, Inputs: f.header.Inputs}
	origins, plan, err := f.plan(s, o)
	if err != nil {
		return nil, err
	}
	load := newLoader(f, s)
	load.options = &o
	for _, e := range origins {
		if err := load.readOrigins(e); err != nil {
			return nil, err
		}
	}
	if err := load.run(plan); err != nil {
		return nil, err
	}
	for i := range plan {
		if plan[i].deliver != nil {
			plan[i].deliver(s)
		}
	}
	s.Gaps = append(s.Gaps, f.unknownKinds()...)
	s.Gaps = append(s.Gaps, load.shared.gaps()...)
	return s, nil
}

// job is a frame, and where its facts go.
type job struct {
	entry *entry
	kind  *kind
	at    int
	// deliver adds the facts of the frame, where not all are wanted.
	deliver func(*mivet.Snapshot)
}

// plan chooses the frames, and makes room for their facts.
func (f *File) plan(s *mivet.Snapshot, o ReadOptions) (origins []*entry, plan []job, err error) {
	limit := o.limit(f.size)
	all := kinds()
	need := int64(0)
	for i := range f.frames {
		e := &f.frames[i]
		if e.Of == kindOrigin {
			need += e.Bytes + e.Records*originSize
			origins = append(origins, e)
			continue
		}
		if k := kindNamed(all, e.Of); k != nil && o.wants(k) {
			need += e.Bytes + e.Records*k.size
			plan = append(plan, job{entry: e, kind: k})
		}
	}
	if need > limit {
		return nil, nil, tooLarge(need, limit)
	}
	// Room is made once for each kind, since growing wastes some.
	totals, next := map[*kind]int64{}, map[*kind]int{}
	for _, j := range plan {
		if !o.chooses(j.kind) {
			totals[j.kind] += j.entry.Records
		}
	}
	for k, n := range totals {
		next[k] = k.grow(s, int(n))
	}
	for i := range plan {
		j := &plan[i]
		j.at = next[j.kind]
		next[j.kind] += int(j.entry.Records)
	}
	return origins, plan, nil
}

// unknownKinds returns a gap for each kind of records that a newer version has added.
func (f *File) unknownKinds() []mivet.Gap {
	counts := map[string]int64{kindHeader: 0, kindOrigin: 0, kindProperties: 0}
	for _, k := range kinds() {
		counts[k.name] = 0
	}
	ours := len(counts)
	for i := range f.frames {
		if n, ok := counts[f.frames[i].Of]; !ok || n > 0 {
			counts[f.frames[i].Of] += f.frames[i].Records
		}
	}
	if len(counts) == ours {
		return nil
	}
	var gaps []mivet.Gap
	for name, n := range counts {
		if n == 0 {
			continue
		}
		gaps = append(gaps, mivet.Gap{
			Facts: mivet.FactInput, Subject: name,
			Reason: fmt.Sprintf("the file has %d records of the kind %q, which this version of mivet does not know; update mivet", n, name),
		})
	}
	slices.SortFunc(gaps, func(a, b mivet.Gap) int { return strings.Compare(a.Subject, b.Subject) })
	return gaps
}

// loader reads frames with several goroutines.
type loader struct {
	file    *File
	into    *mivet.Snapshot
	shared  *shared
	origins origins
	options *ReadOptions
}

func newLoader(f *File, into *mivet.Snapshot) *loader {
	return &loader{file: f, into: into, options: &ReadOptions{}, shared: newShared(), origins: origins{byNumber: map[int64]*mivet.Origin{}}}
}

// readOrigins reads a frame of origins, which facts name by number. They come first.
func (l *loader) readOrigins(e *entry) error {
	unpack, err := newUnpacker(1, true)
	if err != nil {
		return fmt.Errorf("reading snapshot: %w", err)
	}
	defer unpack.Close()
	d := newDecoder(l, unpack)
	err = d.readOrigins(e)
	l.shared.merge(d.unknown)
	return err
}

// maxReaders bounds the memory for open frames.
const maxReaders = 8

// run decodes frames. Of several faults it returns that of the earliest frame, whatever
// the order in which they are met.
func (l *loader) run(plan []job) error {
	n := min(runtime.GOMAXPROCS(0), maxReaders, len(plan))
	if n == 0 {
		return nil
	}
	unpack, err := newUnpacker(n, true)
	if err != nil {
		return fmt.Errorf("reading snapshot: %w", err)
	}
	defer unpack.Close()
	var (
		next   atomic.Int64
		failed atomic.Bool
		errs   = make([]error, len(plan))
		wait   sync.WaitGroup
	)
	for range n {
		wait.Go(func() {
			d := newDecoder(l, unpack)
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(plan) {
					break
				}
				j := &plan[i]
				if errs[i] = l.read(d, j); errs[i] != nil {
					failed.Store(true)
				}
			}
			l.shared.merge(d.unknown)
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// read decodes the frame of a job.
func (l *loader) read(d *decoder, j *job) error {
	switch {
	case !l.options.chooses(j.kind):
		return j.kind.read(d, l.into, j.at, j.entry)
	case j.kind.name == kindResource:
		rows, err := readChosen(d, resources(), chosenResources(l.options.Resource), j.entry)
		j.deliver = func(s *mivet.Snapshot) { s.Resources = append(s.Resources, rows...) }
		return err
	default:
		rows, err := readChosen(d, roleAssignments(), chosenAssignments(l.options.Holder), j.entry)
		j.deliver = func(s *mivet.Snapshot) { s.RoleAssignments = append(s.RoleAssignments, rows...) }
		return err
	}
}

// Properties returns the raw properties of a resource, redacted as they were written, and
// whether the file has any. Of several it returns the last. It reads one frame if the
// properties were written in the order of resource IDs.
func (f *File) Properties(id arm.ID) (json.RawMessage, bool, error) {
	key := string(id.Key())
	for i := len(f.frames) - 1; i >= 0; i-- {
		e := &f.frames[i]
		if e.Of != kindProperties || key < e.Low || key > e.High {
			continue
		}
		raw, err := f.propertiesIn(e, id)
		if err != nil || raw != nil {
			return raw, raw != nil, err
		}
	}
	return nil, false, nil
}

func (f *File) propertiesIn(e *entry, id arm.ID) (json.RawMessage, error) {
	var found json.RawMessage
	err := f.eachIn([]*entry{e}, func(at arm.ID, raw json.RawMessage) error {
		if at.Equal(id) {
			found = bytes.Clone(raw)
		}
		return nil
	})
	return found, err
}

// EachProperties calls do with the raw form of each resource, in the order in which they
// were written. Of a resource that is there twice the later one counts. The bytes are
// valid during the call.
func (f *File) EachProperties(do func(id arm.ID, raw json.RawMessage) error) error {
	var frames []*entry
	for i := range f.frames {
		if f.frames[i].Of == kindProperties {
			frames = append(frames, &f.frames[i])
		}
	}
	return f.eachIn(frames, do)
}

func (f *File) eachIn(frames []*entry, do func(id arm.ID, raw json.RawMessage) error) error {
	unpack, err := newUnpacker(1, true)
	if err != nil {
		return fmt.Errorf("reading snapshot: %w", err)
	}
	defer unpack.Close()
	d := newDecoder(newLoader(f, nil), unpack)
	for _, e := range frames {
		var stop error // of the caller, and no fault of the file
		err := d.records(e, func(line []byte) error {
			var r record
			if err := json.Unmarshal(line, &r); err != nil {
				return err
			}
			fact, err := d.upgraded(kindProperties, r.Fact)
			if err != nil {
				return err
			}
			stop = do(r.Resource, fact)
			return stop
		})
		if stop != nil {
			return stop
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func newDecoder(l *loader, unpack *zstd.Decoder) *decoder {
	d := &decoder{file: l.file, unpack: unpack, origins: &l.origins, unknown: map[string]int64{}}
	d.memory.shared = l.shared
	return d
}
