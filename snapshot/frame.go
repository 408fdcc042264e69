// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// MaxFrame is the most that a frame holds, in bytes of uncompressed JSON Lines. No
// record can be larger.
const MaxFrame = 4 << 20

// Numbers of RFC 8878, sections 3.1.1 and 3.1.2.
const (
	frameMagic     = 0xFD2FB528
	skippableMagic = 0x184D2A50
	maxRawBlock    = 128 << 10
	blockHeader    = 3
	blockRLE       = 1
	blockReserved  = 3
)

// maxPacked is the most compressed bytes that a frame of MaxFrame can need: stored
// blocks with their headers, the frame header and the checksum, and room to spare.
const maxPacked = MaxFrame + MaxFrame/256 + 1024

// Layout of the last 40 bytes: the head of a skippable frame, a magic text, the place,
// size and CRC of the index, and the CRC of all that is before it.
const (
	trailerSize  = 40
	trailerMagic = "mivetidx"
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// storedFrame makes a frame whose blocks are not compressed. Its content is readable at
// a fixed place.
func storedFrame(content []byte) []byte {
	// A single segment with a content size of four bytes and no checksum.
	b := binary.LittleEndian.AppendUint32(nil, frameMagic)
	b = append(b, 0b1010_0000)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(content))) //nolint:gosec // at most MaxFrame
	for {
		n := min(len(content), maxRawBlock)
		head := uint32(n) << 3
		if n == len(content) {
			head |= 1
		}
		b = binary.LittleEndian.AppendUint32(b, head)
		b = b[:len(b)-1] // a head has three bytes
		b = append(b, content[:n]...)
		if content = content[n:]; len(content) == 0 {
			return b
		}
	}
}

// trailer says where the index lies.
type trailer struct {
	offset int64
	size   int64
	sum    uint32
}

func (t trailer) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, skippableMagic)
	b = binary.LittleEndian.AppendUint32(b, trailerSize-8)
	b = append(b, trailerMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.offset)) //nolint:gosec // not negative
	b = binary.LittleEndian.AppendUint64(b, uint64(t.size))   //nolint:gosec // not negative
	b = binary.LittleEndian.AppendUint32(b, t.sum)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// decodeTrailer reads the last bytes of a file of the given size.
func decodeTrailer(b []byte, size int64) (trailer, error) {
	if len(b) != trailerSize || binary.LittleEndian.Uint32(b) != skippableMagic || string(b[8:16]) != trailerMagic {
		return trailer{}, damaged("the index is missing, so the file was cut off")
	}
	if checksum(b[:trailerSize-4]) != binary.LittleEndian.Uint32(b[trailerSize-4:]) {
		return trailer{}, damaged("the end of the file was changed")
	}
	offset, length := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	end := uint64(size - trailerSize) //nolint:gosec // the file has a trailer
	if offset > end || length != end-offset {
		return trailer{}, damaged("the index is said to be at byte %d, which is not so", offset)
	}
	return trailer{
		offset: int64(offset), //nolint:gosec // at most size
		size:   int64(length), //nolint:gosec // at most size
		sum:    binary.LittleEndian.Uint32(b[32:]),
	}, nil
}

var (
	errNoFrame = errors.New("it is no frame")
	errCutOff  = fmt.Errorf("%w: it has no end", errNoFrame)
)

// frameLength returns the number of compressed bytes of the frame that b begins with,
// by walking its blocks. b may end before the frame does: then the error is errCutOff.
func frameLength(b []byte) (int, error) {
	var h zstd.Header
	if err := h.Decode(b[:min(len(b), zstd.HeaderMaxSize)]); err != nil {
		return 0, fmt.Errorf("%w (%w)", errCutOff, err)
	}
	if h.Skippable {
		n := uint64(h.HeaderSize) + uint64(h.SkippableSize) //nolint:gosec // a header has few bytes
		if n > uint64(len(b)) {
			return 0, errCutOff
		}
		return int(n), nil //nolint:gosec // at most len(b)
	}
	n := h.HeaderSize
	for last := false; !last; {
		if len(b) < n+blockHeader {
			return 0, errCutOff
		}
		head := uint32(b[n]) | uint32(b[n+1])<<8 | uint32(b[n+2])<<16
		n += blockHeader
		last = head&1 != 0
		switch head >> 1 & 3 {
		case blockRLE:
			n++
		case blockReserved:
			return 0, fmt.Errorf("%w: a block is of no known type", errNoFrame)
		default:
			n += int(head >> 3)
		}
	}
	if h.HasCheckSum {
		n += 4
	}
	if n > len(b) {
		return 0, errCutOff
	}
	return n, nil
}

// contentSize returns how many bytes of content a frame says that it has, at most
// MaxFrame. Small frames do not say it.
func contentSize(frame []byte) int {
	const small = 64 << 10
	var h zstd.Header
	if err := h.Decode(frame[:min(len(frame), zstd.HeaderMaxSize)]); err != nil || !h.HasFCS {
		return small
	}
	return int(min(h.FrameContentSize, MaxFrame))
}

// newUnpacker returns a decoder that never makes more than MaxFrame bytes of a frame. It
// may be used by as many goroutines as are given. trusted is for frames whose compressed
// bytes were checked.
func newUnpacker(goroutines int, trusted bool) (*zstd.Decoder, error) {
	return zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(goroutines),
		zstd.WithDecoderMaxMemory(MaxFrame),
		zstd.WithDecoderMaxWindow(MaxFrame),
		zstd.IgnoreChecksum(trusted),
		zstd.WithDecodeAllCapLimit(true),
	)
}

// newPacker returns the encoder of all frames. One goroutine, so that equal content
// gives equal bytes.
func newPacker() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(MaxFrame),
		zstd.WithZeroFrames(true),
	)
}
