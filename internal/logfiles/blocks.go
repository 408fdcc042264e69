// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// blockSize is how much a worker takes at a time: what was just read is still in the caches
// of its core while it is parsed.
const blockSize = 256 << 10

// block is a part of a stream that ends with a line.
type block struct {
	at   int64 // of its first byte in the stream
	data []byte
	last bool
}

// blocks cuts a stream for the workers: each takes the next block when it needs one.
type blocks struct {
	mu       sync.Mutex
	in       io.Reader
	carry    []byte // the beginning of a line whose end was not read yet
	total    int64
	skipping bool // the rest of a line that is too long
	end      error
}

// next reads a block into a buffer and returns the buffer too, since it may have grown. The
// end is io.EOF. A line that is longer than an entry may be is handed on in its first bytes
// alone.
func (s *blocks) next(buf []byte) (block, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		return block{}, buf, s.end
	}
	buf = append(buf[:0], s.carry...)
	begin := len(buf)
	more := max(blockSize, begin) // a long line is not copied again and again
	buf = slices.Grow(buf, more)[:begin+more]
	n, err := fill(s.in, buf[begin:])
	at := s.total - int64(begin)
	s.total += int64(n)
	data := buf[:begin+n]
	last := errors.Is(err, io.EOF)
	if s.end = err; err != nil && !last {
		return block{}, buf, err
	}
	if s.skipping {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			i = len(data) - 1
		} else {
			s.skipping = false
		}
		data, at = data[i+1:], at+int64(i+1)
	}
	whole := len(data)
	if !last {
		whole = bytes.LastIndexByte(data, '\n') + 1
	}
	s.carry = append(s.carry[:0], data[whole:]...)
	if len(s.carry) > logs.MaxEntry {
		// The worker sees that it is too long.
		whole, s.carry, s.skipping = len(data), nil, true
	}
	return block{at, data[:whole], last}, buf, nil
}

// fill reads until the buffer is full or the stream ends, with io.EOF. Unlike [io.ReadFull] it
// leaves the error of a packed file that was cut off as it is.
func fill(in io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = in.Read(buf[n:])
		n += m
	}
	return n, err
}

// worker parses. It lives as long as the reading, so that its parser comes to know the
// entries; the rest is of the file that is read.
type worker struct {
	parser *logs.Parser
	buf    []byte
	own    digests // of the lines of a file of the past

	lasting *usage.Digester

	ends   []int    // of the lines of a block
	hashes []uint64 // their digests
	known  []bool   // whether they were there before

	agg        *usage.Aggregator
	before     *digests
	lines      []uint64 // digests that are to be kept
	keep       bool
	faulty     int64
	faults     []ReadError
	unfinished bool
}

func newWorkers(n int, l *usage.Ledger) ([]*worker, error) {
	workers := make([]*worker, n)
	for i := range workers {
		p, err := logs.NewParser()
		if err != nil {
			return nil, err
		}
		lasting, err := l.Digester()
		if err != nil {
			return nil, err
		}
		workers[i] = &worker{parser: p, own: digests{limit: maxLines}, lasting: lasting}
	}
	return workers, nil
}

// begin prepares for a file. Lines of files whose hour is open are compared with those of
// all such files and kept; those of the past among themselves.
func (w *worker) begin(before *digests, keep bool) {
	w.agg, w.before, w.keep, w.lines = usage.NewAggregator(), before, keep, nil
	w.faulty, w.faults, w.unfinished = 0, nil, false
}

// run reads blocks until there are no more.
func (w *worker) run(ctx context.Context, s *blocks) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, buf, err := s.next(w.buf)
		if w.buf = buf; err != nil {
			if cap(w.buf) > 4*blockSize {
				w.buf = nil
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		w.block(&b)
	}
}

// block reads the entries of a block.
func (w *worker) block(b *block) {
	data, at := b.data, b.at
	if at == 0 {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		at += int64(len(b.data) - len(data))
	}
	w.cut(data)
	w.before.add(w.hashes, w.known)
	from := 0
	for i, end := range w.ends {
		line := data[from:end]
		e, err := w.parser.Parse(line)
		switch {
		case err == nil:
			w.entry(e, w.hashes[i], w.known[i])
		case len(bytes.TrimSpace(line)) == 0:
		case b.last && end == len(data) && errors.Is(err, logs.ErrEnd):
			w.unfinished = true
		default:
			w.fault(ReadError{Err: &placed{at + int64(from), err}})
		}
		from = end + 1
	}
}

// cut finds the lines of a block.
func (w *worker) cut(data []byte) {
	w.ends, w.hashes = w.ends[:0], w.hashes[:0]
	for from := 0; from < len(data); {
		end := len(data)
		if i := bytes.IndexByte(data[from:], '\n'); i >= 0 {
			end = from + i
		}
		w.ends = append(w.ends, end)
		w.hashes = append(w.hashes, w.digest(bytes.TrimSuffix(data[from:end], []byte("\r"))))
		from = end + 1
	}
	w.known = slices.Grow(w.known[:0], len(w.ends))[:len(w.ends)]
}

// digest identifies a line, for later runs too where it is to be kept.
func (w *worker) digest(line []byte) uint64 {
	if w.keep {
		return w.lasting.Sum(line)
	}
	return digest(line)
}

// entry counts an entry, unless its line was there before: services deliver some twice.
func (w *worker) entry(e *logs.Entry, digest uint64, known bool) {
	if known {
		w.agg.Repeated()
		return
	}
	if w.keep {
		w.lines = append(w.lines, digest)
	}
	w.agg.Add(e)
}

// placed is a fault at a byte of the stream; its line is not known yet.
type placed struct {
	at  int64
	err error
}

func (p *placed) Error() string { return p.err.Error() }
func (p *placed) Unwrap() error { return p.err }

// fault keeps the first faults of the stream that this worker sees.
func (w *worker) fault(f ReadError) {
	w.faulty++
	if len(w.faults) < maxFaults {
		w.faults = append(w.faults, f)
	}
}

// findLines reads the file once more, as far as the last fault that is told, to count lines.
func (o *outcome) findLines(path string) error {
	place := func(f ReadError) int64 {
		var p *placed
		if errors.As(f.Err, &p) {
			return p.at
		}
		return -1
	}
	slices.SortFunc(o.faults, func(a, b ReadError) int { return int(min(1, max(-1, place(a)-place(b)))) })
	o.faults = o.faults[:min(len(o.faults), maxFaults)]
	if len(o.faults) == 0 || place(o.faults[len(o.faults)-1]) < 0 {
		return nil
	}
	in, err := open(path)
	if err != nil {
		return err
	}
	line, at := 1, int64(0)
	buf := make([]byte, blockSize)
	for i := range o.faults {
		f := &o.faults[i]
		for want := place(*f); at < want; {
			n, err := in.Read(buf[:min(int64(len(buf)), want-at)])
			line += bytes.Count(buf[:n], []byte{'\n'})
			at += int64(n)
			if err != nil {
				return errors.Join(err, in.Close())
			}
		}
		var p *placed
		if errors.As(f.Err, &p) {
			f.Line, f.Err = line, p.err
		}
	}
	return in.Close()
}
