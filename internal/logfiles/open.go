// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// What packed files begin with.
var (
	gzipMagic    = []byte{0x1F, 0x8B}
	zstdMagic    = []byte{0x28, 0xB5, 0x2F, 0xFD}
	parquetMagic = []byte("PAR1")
)

// maxWindow bounds the memory for one zstd stream.
const maxWindow = 64 << 20

// open opens a file of entries, unpacked.
func open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in, err := unpack(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return in, nil
}

// unpack looks at the first bytes of a file and returns what is in it.
func unpack(f *os.File) (io.ReadCloser, error) {
	var head [4]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head[:n], parquetMagic) {
		return parquetLines(f)
	}
	return decode(head[:n], f, f.Close)
}

var errParquetStream = errors.New("a Parquet file cannot be read from a stream: write it to a file and give its name")

// unpackStream does the same with what is no file.
func unpackStream(r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(len(parquetMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, parquetMagic) {
		return nil, errParquetStream
	}
	return decode(head, in, func() error { return nil })
}

// decode unpacks what begins with these bytes.
func decode(head []byte, in io.Reader, done func() error) (io.ReadCloser, error) {
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("unpacking gzip: %w", err)
		}
		return &closing{z, func() error { return errors.Join(z.Close(), done()) }}, nil
	case bytes.HasPrefix(head, zstdMagic):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("unpacking zstd: %w", err)
		}
		return &closing{z, func() error { z.Close(); return done() }}, nil
	}
	return &closing{in, done}, nil
}

// closing is a reader with what there is to do at its end.
type closing struct {
	io.Reader
	close func() error
}

func (c *closing) Close() error { return c.close() }
