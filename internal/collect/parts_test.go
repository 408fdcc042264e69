// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"strings"
	"testing"
)

func TestDivide(t *testing.T) {
	f := func(n int, want string, counts ...resourceCount) {
		t.Helper()
		var got []string
		for _, l := range divide(counts, n) {
			got = append(got, strings.Join(l.subs, "+")+l.where)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
	c := func(sub string, n int) resourceCount { return resourceCount{sub, n} }
	f(2, "a b+c", c("b", 5), c("a", 9), c("c", 3))
	f(2, "a b", c("a", 0), c("b", 0))
	f(3, "a", c("a", 9))
	f(2, "isempty(subscriptionId) a b", c("", 4), c("a", 1), c("b", 1))
	var many []resourceCount
	for i := range 100 {
		many = append(many, c(fmt.Sprintf("s%02d", i), 100+i))
	}
	rows := map[string]int{}
	for _, m := range many {
		rows[m.Subscription] = m.Count
	}
	for _, l := range divide(many, 6) {
		sum := 0
		for _, s := range l.subs {
			sum += rows[s]
		}
		if sum < 2400 || sum > 2600 {
			t.Errorf("a query for %d of 14950 rows in 6 parts", sum)
		}
	}
}
