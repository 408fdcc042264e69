// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"testing"
	"time"
)

// On a terminal one line changes and is taken away; elsewhere a line comes now and then.
func TestProgressSays(t *testing.T) {
	f := func(p progress, want string) {
		t.Helper()
		var out bytes.Buffer
		p.out = &out
		p.say("reading\x1b everything there is")
		p.clear()
		p.clear()
		if out.String() != want {
			t.Errorf("it wrote %q, want %q", out.String(), want)
		}
	}
	f(progress{width: 80}, "\rreading\\x1b everything there is\x1b[K\r\x1b[K")
	f(progress{width: 8}, "\rreading\x1b[K\r\x1b[K")
	f(progress{width: 80, quiet: true}, "")
	f(progress{last: time.Now()}, "")
	f(progress{last: time.Now().Add(-time.Hour)}, "mivet: reading\\x1b everything there is\n")
}
