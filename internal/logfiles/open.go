// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
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
	switch begin := head[:n]; {
	case bytes.HasPrefix(begin, gzipMagic):
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("unpacking gzip: %w", err)
		}
		return &packed{z, f, z.Close}, nil
	case bytes.HasPrefix(begin, zstdMagic):
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("unpacking zstd: %w", err)
		}
		return &packed{z, f, func() error { z.Close(); return nil }}, nil
	case bytes.HasPrefix(begin, parquetMagic):
		return parquetLines(f)
	}
	return f, nil
}

// packed closes both the decoder and the file.
type packed struct {
	io.Reader
	f     *os.File
	close func() error
}

func (p *packed) Close() error { return errors.Join(p.close(), p.f.Close()) }
