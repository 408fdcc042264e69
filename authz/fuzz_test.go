// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// FuzzEngine makes a small tenant and a question of bytes: whatever they are, the engine
// answers, and says the same when it explains.
func FuzzEngine(f *testing.F) {
	for n := range 8 {
		f.Add(bytes.Repeat([]byte{byte(37 * n), 0, byte(n), 0, 0, 0, 0, 0}, 400))
	}
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		g := &gen{t: t, shape: everything}
		g.paths = true
		e := New(g.tenant(), Options{})
		for range 4 {
			r, _ := g.request()
			d := e.Check(r)
			explains(t, e, &r, d)
			agreesByRef(t, e, &r, d)
		}
	}))
}
