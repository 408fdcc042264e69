// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{most: 1}
		g.enter(false)
		var mu sync.Mutex
		var got []string
		for _, name := range []string{"a", "B", "c", "D"} {
			go func() {
				g.enter(name < "a")
				mu.Lock()
				got = append(got, name)
				mu.Unlock()
				g.leave()
			}()
			synctest.Wait()
		}
		if len(got) != 0 {
			t.Errorf("%v entered a gate that is full", got)
		}
		g.leave()
		synctest.Wait()
		if !slices.Equal(got, []string{"B", "D", "a", "c"}) || g.busy != 0 {
			t.Errorf("they entered in the order %v; %d are left", got, g.busy)
		}
		g.enter(false)
		g.leave()
	})
}
