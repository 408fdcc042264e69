// SPDX-License-Identifier: Apache-2.0

package hygiene

import (
	"slices"
	"strconv"
	"strings"
)

// olderBelow is a version of the provider azurerm: those below it were released before
// API version 2026-02-01 of Key Vault was there, and cannot use it. 4.55.0 is of 4 December
// 2025 (hashicorp/terraform-provider-azurerm CHANGELOG.md). Some that follow are older too;
// the rule does not guess which.
var olderBelow = [3]int{4, 56, 0}

// olderOnly reports whether a constraint of versions allows none that is not older: one of
// its parts is enough, since all of them hold.
func olderOnly(constraint string) bool {
	return slices.ContainsFunc(strings.Split(constraint, ","), func(part string) bool {
		part = strings.TrimSpace(part)
		text := strings.TrimLeft(part, "<>=!~")
		op := part[:len(part)-len(text)]
		v, segments, ok := versionOf(strings.TrimSpace(text))
		if !ok {
			return false
		}
		switch op {
		case "", "=", "<=":
			return slices.Compare(v[:], olderBelow[:]) < 0
		case "<":
			return slices.Compare(v[:], olderBelow[:]) <= 0
		case "~>": // the last of its numbers may rise
			switch segments {
			case 2:
				v = [3]int{v[0] + 1}
			case 3:
				v = [3]int{v[0], v[1] + 1}
			default:
				return false
			}
			return slices.Compare(v[:], olderBelow[:]) <= 0
		}
		return false
	})
}

// versionOf reads a version, and how many numbers it has. What follows a "-" is of no weight
// here.
func versionOf(text string) (v [3]int, segments int, ok bool) {
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "v"), "-")
	parts := strings.Split(text, ".")
	if len(parts) > len(v) {
		return v, 0, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return v, 0, false
		}
		v[i] = n
	}
	return v, len(parts), true
}
