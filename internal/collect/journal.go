// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// page is one answered page of a list, as it is kept: its rows have passed the redactor.
type page struct {
	At time.Time `json:"at"`
	// Asked names the request that was answered: see [asked].
	Asked string            `json:"asked,omitzero"`
	Rows  []json.RawMessage `json:"rows,omitzero"`
	// Next leads to the next page; empty after the last one.
	Next string `json:"next,omitzero"`
	// Total is how many rows the service says there are, over all pages; 0 where it does not.
	Total int `json:"total,omitzero"`
	// Cut says why the service left rows out; empty where it did not.
	Cut string `json:"cut,omitzero"`
	// Odd counts rows that could not be understood.
	Odd int `json:"odd,omitzero"`
	// Fail is set where the answer was an error that asking again does not change.
	Fail *RequestError `json:"fail,omitzero"`

	decoded []row // see resources
	bad     int
}

// pageKey names a page: what was asked for, and its number from 0.
type pageKey struct {
	list string
	n    int
}

// place is where a record stands in the file.
type place struct {
	offset int64
	size   int
}

// journal keeps what was answered, so that a run that was killed goes on where it was. A
// record that was not written to its end is not there.
//
//	record: size of the rest, CRC-32C of the rest, length of the name, page number (uint32 each), name, zstd of the page as JSON
type journal struct {
	mu    sync.Mutex
	file  *os.File // nil: pages are kept in memory
	end   int64
	index map[pageKey]place
	kept  map[pageKey][]byte
	pack  *zstd.Encoder
	open  *zstd.Decoder
	// Started is when the run began that is gone on with.
	started time.Time
	// Found is how many pages were there.
	found int
}

const (
	recordHead = 16
	maxRecord  = 256 << 20
	// maxAge is how old a journal may be: facts of two days are no picture of one tenant.
	maxAge = 12 * time.Hour
	// headerName names the record that says what the journal is of.
	headerName = "mivet journal 1"
)

// errInUse is what whoever comes second learns.
var errInUse = errors.New("another run of mivet is writing it; wait for its end, or give this one a file of its own with --journal")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journalHead says what a journal is of.
type journalHead struct {
	Started time.Time `json:"started"`
	// Of is the cloud, the caller, the options and the key: all that decides what pages mean.
	Of string `json:"of"`
}

// openJournal opens or begins the journal at a path; "" keeps it in memory. A journal of
// something else, and one that is too old, is begun anew; why says so.
func openJournal(path, of string, now time.Time) (j *journal, why string, err error) {
	j = &journal{index: map[pageKey]place{}, kept: map[pageKey][]byte{}, started: now}
	if j.pack, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1)); err != nil {
		return nil, "", err
	}
	if j.open, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRecord)); err != nil {
		return nil, "", err
	}
	if path == "" {
		return j, "", nil
	}
	if j.file, err = openAlone(filepath.Clean(path)); err != nil {
		j.open.Close()
		return nil, "", fmt.Errorf("opening the journal %s: %w", path, err)
	}
	if why, err = j.load(of, now); err != nil {
		return nil, "", errors.Join(fmt.Errorf("reading the journal %s: %w", path, err), j.close())
	}
	return j, why, nil
}

// load reads the index of a journal, or begins it.
func (j *journal) load(of string, now time.Time) (why string, err error) {
	if err := j.file.Chmod(0o600); err != nil {
		return "", err
	}
	j.end, err = scanJournal(j.file, func(k pageKey, p place) { j.index[k] = p })
	if err != nil {
		return "", err
	}
	var head journalHead
	key := pageKey{headerName, 0}
	if _, ok := j.index[key]; ok {
		err := j.read(key, &head)
		switch {
		case err != nil || head.Of != of:
			why = "the journal is of another collection"
		case now.Sub(head.Started) > maxAge || head.Started.After(now.Add(time.Hour)):
			why = "the journal is from " + head.Started.UTC().Format(time.DateTime)
		default:
			j.started, j.found = head.Started, len(j.index)-1
			return "", j.file.Truncate(j.end)
		}
	}
	clear(j.index)
	j.end = 0
	if err := j.file.Truncate(0); err != nil {
		return "", err
	}
	return why, j.write(key, journalHead{Started: now, Of: of})
}

// scanJournal reads the places of all whole records, and returns where they end.
func scanJournal(r io.ReaderAt, each func(pageKey, place)) (int64, error) {
	end := int64(0)
	var head [recordHead]byte
	for {
		if _, err := r.ReadAt(head[:], end); err != nil {
			if errors.Is(err, io.EOF) {
				return end, nil
			}
			return end, err
		}
		size := binary.LittleEndian.Uint32(head[0:])
		name := binary.LittleEndian.Uint32(head[8:])
		if size < recordHead-8 || size > maxRecord || name > size-(recordHead-8) {
			return end, nil
		}
		// The size may be nonsense: nothing is allocated that is not there.
		b, err := io.ReadAll(io.NewSectionReader(r, end+8, int64(size)))
		if err != nil {
			return end, err
		}
		if len(b) < int(size) || crc32.Checksum(b, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
			return end, nil
		}
		k := pageKey{string(b[8 : 8+name]), int(binary.LittleEndian.Uint32(head[12:]))}
		each(k, place{end, int(size) + 8})
		end += int64(size) + 8
	}
}

// get returns a page that was answered before.
func (j *journal) get(k pageKey) (*page, bool, error) {
	j.mu.Lock()
	_, ok := j.index[k]
	if !ok {
		_, ok = j.kept[k]
	}
	j.mu.Unlock()
	if !ok {
		return nil, false, nil
	}
	var p page
	if err := j.read(k, &p); err != nil {
		return nil, false, err
	}
	return &p, true, nil
}

// put keeps a page.
func (j *journal) put(k pageKey, p *page) error { return j.write(k, p) }

func (j *journal) read(k pageKey, v any) error {
	j.mu.Lock()
	b, ok := j.kept[k]
	at := j.index[k]
	j.mu.Unlock()
	if !ok {
		b = make([]byte, at.size)
		if _, err := j.file.ReadAt(b, at.offset); err != nil {
			return fmt.Errorf("reading the journal: %w", err)
		}
		name := int(binary.LittleEndian.Uint32(b[8:]))
		b = b[recordHead+name:]
	}
	raw, err := j.open.DecodeAll(b, nil)
	if err != nil {
		return fmt.Errorf("reading the journal: %w", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("reading the journal: %w", err)
	}
	return nil
}

func (j *journal) write(k pageKey, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	packed := j.pack.EncodeAll(raw, nil)
	if j.file == nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.kept[k] = packed
		return nil
	}
	b := make([]byte, recordHead, recordHead+len(k.list)+len(packed))
	b = append(append(b, k.list...), packed...)
	binary.LittleEndian.PutUint32(b[0:], uint32(len(b)-8))    //nolint:gosec // pages are bounded by the size of an answer
	binary.LittleEndian.PutUint32(b[8:], uint32(len(k.list))) //nolint:gosec // the name of a list and a resource ID
	binary.LittleEndian.PutUint32(b[12:], uint32(k.n))        //nolint:gosec // a number of pages
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.WriteAt(b, j.end); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	j.index[k] = place{j.end, len(b)}
	j.end += int64(len(b))
	return nil
}

// close closes the file and keeps it.
func (j *journal) close() error {
	j.open.Close()
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// RemoveJournal removes the journal of a collection that is finished.
func RemoveJournal(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the journal: %w", err)
	}
	return nil
}
