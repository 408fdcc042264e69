// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a version of a client library: numbers, and the stage before a release. The
// spellings of Go ("1.6.0-beta.3"), npm, Python ("1.13.0b2"), NuGet and Maven are read.
type Version struct {
	text    string
	numbers [3]int
	// stage is 0 for an alpha, 1 for a beta or preview, 2 for a candidate and 3 for a release.
	stage, step int
}

// stages are the words that name a stage before a release, with its rank.
var stages = []struct {
	word string
	rank int
}{{"alpha", 0}, {"dev", 0}, {"beta", 1}, {"preview", 1}, {"rc", 2}, {"a", 0}, {"b", 1}}

const released = 3

// ParseVersion reads a version. A leading "v" is dropped, and so is build metadata.
func ParseVersion(s string) (Version, error) {
	v := Version{text: strings.TrimSpace(s), stage: released}
	rest := strings.TrimPrefix(v.text, "v")
	rest, _, _ = strings.Cut(rest, "+")
	for i := range v.numbers {
		digits := leadingDigits(rest)
		if digits == "" {
			return Version{}, fmt.Errorf("reading version %q: it has the form 1.2.3, 1.2.3-beta.1 or 1.2.3b1", s)
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			return Version{}, fmt.Errorf("reading version %q: %w", s, err)
		}
		v.numbers[i], rest = n, rest[len(digits):]
		if i == 2 || !strings.HasPrefix(rest, ".") {
			break
		}
		rest = rest[1:]
	}
	return v, v.readStage(rest)
}

func leadingDigits(s string) string {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// readStage reads what follows the numbers.
func (v *Version) readStage(rest string) error {
	rest = strings.TrimLeft(rest, "-.")
	if rest == "" {
		return nil
	}
	for _, s := range stages {
		after, ok := strings.CutPrefix(strings.ToLower(rest), s.word)
		if !ok {
			continue
		}
		v.stage = s.rank
		if digits := leadingDigits(strings.TrimLeft(after, ".-")); digits != "" {
			n, err := strconv.Atoi(digits)
			if err != nil {
				return fmt.Errorf("reading version %q: %w", v.text, err)
			}
			v.step = n
		}
		return nil
	}
	return fmt.Errorf("reading version %q: %q is no stage such as alpha, beta or rc", v.text, rest)
}

// String returns the version as it was written.
func (v Version) String() string { return v.text }

// Compare returns a negative number if v is older than o, a positive one if it is newer,
// and 0 if they are the same.
func (v Version) Compare(o Version) int {
	for i := range v.numbers {
		if c := cmp.Compare(v.numbers[i], o.numbers[i]); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(v.stage, o.stage); c != 0 {
		return c
	}
	return cmp.Compare(v.step, o.step)
}
