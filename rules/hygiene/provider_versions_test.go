// SPDX-License-Identifier: Apache-2.0

package hygiene

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSpans(t *testing.T) {
	f := func(constraint, want string) {
		t.Helper()
		s, ok := spanOf(constraint)
		got := "open"
		switch {
		case !ok:
			got = "unknown"
		case s.below(lastingProvider):
			got = "older"
		case s.reaches(lastingProvider):
			got = "new"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", constraint, got, want)
		}
	}
	for _, c := range []string{
		"4.23.0", "= 4.23", "4.80.0", "<= 4.80.0", "< 4.81.0", "< 4", "~> 3.0", "~> 2.13", "~> 3.116.0", "~> 4.80.0", ">= 3.0, < 4.0", "v3.1.0", "4.1.0-beta1",
		"~> 4.0, = 4.80.0", ">= 3, = 4.1.0, != 4.2.0",
	} {
		f(c, "older")
	}
	for _, c := range []string{"4.81.0", "5.2.0", "~> 5.0", ">= 4.81", "> 4.81.0", "~> 4.0, = 4.82.0", "~> 5"} {
		f(c, "new")
	}
	for _, c := range []string{">= 3.36.0", "> 3.0", "!= 4.1.0", "~> 4", "~> 3", "~> 4.0", "< 5.0", "<= 4.81.0"} {
		f(c, "open")
	}
	for _, c := range []string{"", "latest", "1.2.3.4", "-1.0", "~> x.1", "=> 4.0", "~> 5.0, = 4.1.0", "> 4.1, < 4", "9223372036854775807.0"} {
		f(c, "unknown")
	}
}

// A span says what trying single versions says.
func TestSpansAgainstVersions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	allows := func(op string, v, c [3]int, segments int) bool {
		order := 0
		for i := range v {
			if v[i] != c[i] && order == 0 {
				order = v[i] - c[i]
			}
		}
		switch op {
		case "=":
			return order == 0
		case "!=":
			return true // the span does not know holes
		case "<":
			return order < 0
		case "<=":
			return order <= 0
		case ">":
			return order > 0
		case ">=":
			return order >= 0
		}
		for i := range segments - 1 {
			if v[i] != c[i] {
				return false
			}
		}
		return order >= 0
	}
	for range 3000 {
		var parts []string
		var ops []string
		var bounds [][3]int
		var lengths []int
		for range 1 + random.IntN(3) {
			op := []string{"=", "!=", "<", "<=", ">", ">=", "~>"}[random.IntN(7)]
			c := [3]int{random.IntN(3), random.IntN(3), random.IntN(3)}
			n := 2 + random.IntN(2)
			text := fmt.Sprintf("%d.%d", c[0], c[1])
			if n == 3 {
				text += fmt.Sprintf(".%d", c[2])
			} else {
				c[2] = 0
			}
			parts, ops, bounds, lengths = append(parts, op+" "+text), append(ops, op), append(bounds, c), append(lengths, n)
		}
		s, ok := spanOf(strings.Join(parts, ", "))
		some := false
		for i := range 4 * 4 * 4 {
			v := version{i / 16, i / 4 % 4, i % 4}
			want := true
			for j := range ops {
				want = want && allows(ops[j], v, bounds[j], lengths[j])
			}
			some = some || want
			above := version{v[0], v[1], v[2] + 1}
			if in := ok && !s.below(v) && !s.reaches(above); in != want {
				t.Fatalf("%q: %v is %t, want %t", parts, v, in, want)
			}
		}
		if some && !ok {
			t.Fatalf("%q is unknown, and allows versions", parts)
		}
	}
}
