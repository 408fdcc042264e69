// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"encoding/hex"
	"math"
	"strings"
	"time"
)

// guid is a GUID as 16 bytes in the order of its digits.
type guid [16]byte

// String returns the GUID with dashes and small letters.
func (g guid) String() string {
	var b [36]byte
	hex.Encode(b[0:8], g[0:4])
	hex.Encode(b[9:13], g[4:6])
	hex.Encode(b[14:18], g[6:8])
	hex.Encode(b[19:23], g[8:10])
	hex.Encode(b[24:36], g[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// parseGUID reads 32 hexadecimal digits with or without the four dashes, in any case.
// Built-in roles write GUIDs both ways (Azure Container Storage Owner without dashes).
func parseGUID(s string) (guid, bool) {
	dashed := len(s) == 36
	if !dashed && len(s) != 32 {
		return guid{}, false
	}
	var g guid
	digit := 0
	for i := 0; i < len(s); i++ {
		if dashed && (i == 8 || i == 13 || i == 18 || i == 23) {
			if s[i] != '-' {
				return guid{}, false
			}
			continue
		}
		v, ok := hexDigit(s[i])
		if !ok {
			return guid{}, false
		}
		g[digit/2] = g[digit/2]<<4 | v
		digit++
	}
	return g, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// parseGUIDName reads a GUID, or a resource ID whose last segment is one: role definitions
// are named by their full ID in assignments and by their GUID in conditions.
func parseGUIDName(s string) (guid, bool) {
	return parseGUID(s[strings.LastIndexByte(s, '/')+1:])
}

// parseInt reads a whole number of 64 bits, with a minus sign if it is below zero.
func parseInt(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" {
		return 0, false
	}
	n := int64(0) // counted downwards, because there is one more number below zero than above
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		d := int64(digits[i] - '0')
		if n < (math.MinInt64+d)/10 {
			return 0, false
		}
		n = n*10 - d
	}
	if len(digits) < len(s) {
		return n, true
	}
	return -n, n != math.MinInt64
}

func parseBool(s string) (value, ok bool) {
	switch {
	case isWord(s, "true"):
		return true, true
	case isWord(s, "false"):
		return false, true
	}
	return false, false
}

// ticksPerSecond is the precision of dates in conditions: seven digits after the point.
const ticksPerSecond = 10_000_000

// parseTime reads yyyy-mm-ddThh:mm:ss.fffffffZ with none to seven digits after the point,
// as the versions and snapshots of blobs are named. The result counts 100 ns since 1970.
func parseTime(s string) (int64, bool) {
	const layout = "dddd-dd-ddTdd:dd:dd"
	if len(s) < len(layout)+1 || s[len(s)-1] != 'Z' {
		return 0, false
	}
	for i := range len(layout) {
		if layout[i] == 'd' && (s[i] < '0' || s[i] > '9') || layout[i] != 'd' && s[i] != layout[i] {
			return 0, false
		}
	}
	fraction, ok := parseFraction(s[len(layout) : len(s)-1])
	if !ok {
		return 0, false
	}
	year, month, day := number(s[0:4]), number(s[5:7]), number(s[8:10])
	hour, minute, second := number(s[11:13]), number(s[14:16]), number(s[17:19])
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Month() != time.Month(month) || t.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return t.Unix()*ticksPerSecond + fraction, true
}

// number reads digits that are known to be digits.
func number(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// parseFraction reads "" or a point and one to seven digits, as a count of 100 ns.
func parseFraction(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != '.' || len(s) < 2 || len(s) > 8 {
		return 0, false
	}
	n := int64(0)
	for i := 1; i < 8; i++ {
		n *= 10
		if i >= len(s) {
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n += int64(s[i] - '0')
	}
	return n, true
}

// ticksOf counts 100 ns from 1970 to t, within the years 0 to 9999.
func ticksOf(t time.Time) int64 {
	first := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_900, time.UTC)
	switch {
	case t.Before(first):
		t = first
	case t.After(last):
		t = last
	}
	return t.Unix()*ticksPerSecond + int64(t.Nanosecond()/100)
}

// ticksText returns a date as it stands in conditions, with seven digits.
func ticksText(ticks int64) string {
	sec := ticks / ticksPerSecond
	rest := ticks % ticksPerSecond
	if rest < 0 {
		sec--
		rest += ticksPerSecond
	}
	return time.Unix(sec, rest*100).UTC().Format("2006-01-02T15:04:05.0000000Z")
}
