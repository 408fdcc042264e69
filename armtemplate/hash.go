// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"crypto/sha1" //nolint:gosec // the version 5 of UUIDs is defined by it
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"strings"
)

// guidSpace is the namespace of the function guid (Azure/bicep
// src/Bicep.Core.UnitTests/TypeSystem/FunctionResolverTests.cs has results of it).
var guidSpace = [16]byte{0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30}

// GUID returns what the function guid gives for the texts: the UUID of version 5 of the
// texts joined by hyphens.
func GUID(texts ...string) string {
	h := sha1.New() //nolint:gosec // see the import
	h.Write(guidSpace[:])
	h.Write([]byte(strings.Join(texts, "-")))
	b := h.Sum(nil)[:16]
	b[6] = b[6]&0x0f | 0x50
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// UniqueString returns what the function uniqueString gives for the texts: 13 letters and
// digits that stand for a 64-bit hash of the texts joined by hyphens.
func UniqueString(texts ...string) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	h := murmur64([]byte(strings.Join(texts, "-")))
	var b [13]byte
	for i := range b {
		b[i] = alphabet[h>>59]
		h <<= 5
	}
	return string(b[:])
}

// murmur64 is MurmurHash3 with two lanes of 32 bits and the seed 0, cut to 64 bits.
func murmur64(data []byte) uint64 {
	const c1, c2, c3, c4 = 597399067, 2869860233, 1444728091, 197830471
	var h1, h2 uint32
	n := len(data)
	for ; len(data) >= 8; data = data[8:] {
		k1, k2 := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[4:])
		h1 ^= bits.RotateLeft32(k1*c1, 15) * c2
		h1 = (bits.RotateLeft32(h1, 19)+h2)*5 + c3
		h2 ^= bits.RotateLeft32(k2*c2, 17) * c1
		h2 = (bits.RotateLeft32(h2, 13)+h1)*5 + c4
	}
	var tail [8]byte
	copy(tail[:], data)
	if len(data) > 4 {
		h2 ^= bits.RotateLeft32(binary.LittleEndian.Uint32(tail[4:])*c2, 17) * c1
	}
	if len(data) > 0 {
		h1 ^= bits.RotateLeft32(binary.LittleEndian.Uint32(tail[:])*c1, 15) * c2
	}
	h1 ^= uint32(n)
	h2 ^= uint32(n)
	h1 += h2
	h2 += h1
	h1 = finalMix(h1)
	h2 = finalMix(h2)
	h1 += h2
	h2 += h1
	return uint64(h2)<<32 | uint64(h1)
}

func finalMix(h uint32) uint32 {
	h = (h ^ h>>16) * 2246822507
	h = (h ^ h>>13) * 3266489909
	return h ^ h>>16
}
