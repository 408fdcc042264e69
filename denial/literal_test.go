// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSieve(t *testing.T) {
	f := func(expression string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(sieve(want), newSieve(regexp.MustCompile(expression))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expression, diff)
		}
	}
	f(`(?i)Not here`, "not here")
	f(`a(?P<x>longer)+b*`, "longer")
	f(`one|two`, "one", "two")
	f(`(?:one|two) and \S+`, " and ")
	f(`one|\d+`)
	f(`[^x]*`)
	if newSieve(nil) != nil || !sieve(nil).passes("x") {
		t.Error("nothing sorts something out")
	}
}

// Whatever a form takes passes its sieves, and every form has one.
func TestSievesLetThrough(t *testing.T) {
	for i := range forms {
		if forms[i].words == nil {
			t.Errorf("form %d (%s) is tried with every text", i, forms[i].says)
		}
	}
	for _, p := range postedTexts(t) {
		plain := unwrap(p.Text)
		lower := strings.ToLower(plain)
		for i := range forms {
			f := &forms[i]
			if f.says.MatchString(plain) && !f.words.passes(lower) || f.beside != nil && f.beside.MatchString(plain) && !f.besideWords.passes(lower) {
				t.Errorf("form %d (%s) would take %.80q, and its words %q do not", i, f.says, p.Text, f.words)
			}
		}
	}
}
