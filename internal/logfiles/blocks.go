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

// blockSize is how much one worker parses at a time.
const blockSize = 1 << 20

// block is a part of a stream that ends with a line.
type block struct {
	at   int64 // of its first byte in the stream
	data []byte
	last bool
	buf  []byte
}

// whole reads a large file: one goroutine reads and unpacks, the workers parse.
func (r *reading) whole(ctx context.Context, f file) *outcome {
	in, err := open(f.path)
	if err != nil {
		return failed(f, err)
	}
	out, err := r.split(ctx, f, in)
	if cerr := in.Close(); err == nil && cerr != nil {
		err = cerr
	}
	if err != nil {
		return failed(f, err)
	}
	if err := out.findLines(f.path); err != nil {
		return failed(f, err)
	}
	return out
}

// split cuts a stream into blocks, unless its entries go over several lines.
func (r *reading) split(ctx context.Context, f file, in io.Reader) (*outcome, error) {
	head := make([]byte, logs.HeadSize)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	rest := io.MultiReader(bytes.NewReader(head[:n]), in)
	if !logs.IsLines(head[:n]) {
		return r.stream(ctx, f, rest)
	}
	free := make(chan []byte, 2*r.Workers+1)
	for range cap(free) {
		free <- nil
	}
	work := make(chan block)
	workers := make([]*worker, r.Workers)
	var wait sync.WaitGroup
	for i := range workers {
		w, err := newWorker()
		if err != nil {
			return nil, err
		}
		workers[i] = w
		wait.Go(func() {
			for b := range work {
				w.block(&b)
				free <- b.buf
			}
		})
	}
	total, err := cut(ctx, rest, work, free)
	close(work)
	wait.Wait()
	if err != nil {
		return nil, err
	}
	out := outcome{part: &usage.Part{Source: f.source}, bytes: total}
	agg := workers[0].agg
	for i, w := range workers {
		if i > 0 {
			agg.Merge(w.agg)
			w.agg = nil
		}
		out.part.Faults += w.faulty
		out.part.Unfinished = out.part.Unfinished || w.unfinished
		for _, fault := range w.faults {
			out.faults = append(out.faults, ReadError{f.path, 0, fault})
		}
	}
	out.part.Summary = *agg.Summary()
	return &out, nil
}

// cut reads blocks that end with a line. A line that is longer than an entry may be is
// handed on in its first bytes alone.
func cut(ctx context.Context, in io.Reader, work chan<- block, free <-chan []byte) (total int64, err error) {
	var carry []byte
	skipping := false
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		buf := append((<-free)[:0], carry...)
		begin := len(buf)
		buf = slices.Grow(buf, blockSize)[:begin+blockSize]
		n, err := io.ReadFull(in, buf[begin:])
		at := total - int64(begin)
		total += int64(n)
		data := buf[:begin+n]
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return total, err
		}
		if skipping {
			i := bytes.IndexByte(data, '\n')
			if i < 0 {
				i = len(data) - 1
			} else {
				skipping = false
			}
			data, at = data[i+1:], at+int64(i+1)
		}
		whole := len(data)
		if !end {
			whole = bytes.LastIndexByte(data, '\n') + 1
		}
		carry = append(carry[:0], data[whole:]...)
		if len(carry) > logs.MaxEntry {
			// The worker sees that it is too long.
			whole, carry, skipping = len(data), carry[:0], true
		}
		work <- block{at, data[:whole], end, buf}
		if end {
			return total, nil
		}
	}
}

// worker parses blocks.
type worker struct {
	parser     *logs.Parser
	agg        *usage.Aggregator
	faulty     int64
	faults     []error
	unfinished bool
}

func newWorker() (*worker, error) {
	p, err := logs.NewParser()
	if err != nil {
		return nil, err
	}
	return &worker{parser: p, agg: usage.NewAggregator()}, nil
}

// block reads the entries of a block.
func (w *worker) block(b *block) {
	data, at := b.data, b.at
	if at == 0 {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		at += int64(len(b.data) - len(data))
	}
	for len(data) > 0 {
		e, n, err := w.parser.ParseLine(data)
		switch {
		case err == nil:
			w.agg.Add(e)
		case len(bytes.TrimSpace(data[:n])) == 0:
		case b.last && n == len(data) && errors.Is(err, logs.ErrEnd):
			w.unfinished = true
		default:
			w.fault(at, err)
		}
		n = min(n+1, len(data)) // with the end of the line
		data, at = data[n:], at+int64(n)
	}
}

// placed is a fault at a byte of the stream; its line is not known yet.
type placed struct {
	at  int64
	err error
}

func (p *placed) Error() string { return p.err.Error() }

func (p *placed) Unwrap() error { return p.err }

// fault keeps the first faults of the stream that this worker sees.
func (w *worker) fault(at int64, err error) {
	w.faulty++
	if len(w.faults) < maxFaults {
		w.faults = append(w.faults, &placed{at, err})
	}
}

// findLines reads the file once more, as far as the last fault that is told, to count lines.
func (o *outcome) findLines(path string) error {
	if len(o.faults) == 0 {
		return nil
	}
	place := func(f ReadError) int64 {
		var p *placed
		if errors.As(f.Err, &p) {
			return p.at
		}
		return -1
	}
	slices.SortFunc(o.faults, func(a, b ReadError) int { return int(min(1, max(-1, place(a)-place(b)))) })
	o.faults = o.faults[:min(len(o.faults), maxFaults)]
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
