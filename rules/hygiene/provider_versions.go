// SPDX-License-Identifier: Apache-2.0

package hygiene

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// version is one of a provider: what follows a "-" is of no weight here.
type version [3]int

// newestVersion stands above all versions.
var newestVersion = version{math.MaxInt}

// span are the versions that constraints allow: from low on, below high.
type span struct{ low, high version }

// spanOf reads constraints, all of which hold
// (hashicorp/web-unified-docs content/terraform/v1.11.x/docs/language/expressions/version-constraints.mdx).
// It is false where one of them is not understood, where they contradict each other, as
// those of a lock file from elsewhere do, or where there are none.
func spanOf(constraints string) (span, bool) {
	s := span{high: newestVersion}
	for part := range strings.SplitSeq(constraints, ",") {
		one, ok := spanOfPart(strings.TrimSpace(part))
		if !ok {
			return s, false
		}
		if slices.Compare(one.low[:], s.low[:]) > 0 {
			s.low = one.low
		}
		if slices.Compare(one.high[:], s.high[:]) < 0 {
			s.high = one.high
		}
	}
	return s, slices.Compare(s.low[:], s.high[:]) < 0
}

func spanOfPart(part string) (span, bool) {
	text := strings.TrimLeft(part, "<>=!~")
	v, segments, ok := versionOf(strings.TrimSpace(text))
	next := version{v[0], v[1], v[2] + 1}
	s := span{high: newestVersion}
	switch part[:len(part)-len(text)] {
	case "", "=":
		s = span{v, next}
	case "<":
		s.high = v
	case "<=":
		s.high = next
	case ">":
		s.low = next
	case ">=":
		s.low = v
	case "!=":
	case "~>": // the last of its numbers may rise
		s.low = v
		switch segments {
		case 2:
			s.high = version{v[0] + 1}
		case 3:
			s.high = version{v[0], v[1] + 1}
		}
	default:
		return s, false
	}
	return s, ok
}

// below reports whether all versions are older than one, and reaches whether none is.
func (s *span) below(v version) bool   { return slices.Compare(s.high[:], v[:]) <= 0 }
func (s *span) reaches(v version) bool { return slices.Compare(s.low[:], v[:]) >= 0 }

// versionOf reads a version, and how many numbers it has.
func versionOf(text string) (v version, segments int, ok bool) {
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "v"), "-")
	parts := strings.Split(text, ".")
	if len(parts) > len(v) {
		return v, 0, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n == math.MaxInt {
			return v, 0, false
		}
		v[i] = n
	}
	return v, len(parts), true
}
