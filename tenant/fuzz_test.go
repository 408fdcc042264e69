// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever is read is written, read again as the same, and written as the same.
func FuzzParse(f *testing.F) {
	text, _ := everything(f)
	f.Add(text)
	for line := range strings.Lines(text) {
		f.Add(line)
	}
	f.Add("user \"a\\u{1f600}\" `raw\n`# c\nrole r {\nactions a,b\n}\n")
	f.Add("rg a in b\nrg b in a/x\nresource A/b/c d in / name=x/y\n")
	f.Add("resource / id=/\n")
	f.Fuzz(func(t *testing.T, text string) {
		Is([]byte(text))
		s, err := Parse("f", strings.NewReader(text), Options{})
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a text")
			}
			return
		}
		once := mustWrite(t, s)
		again, err := Parse("f", strings.NewReader(once), Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if diff := cmp.Diff(s, again, same); diff != "" {
			t.Fatalf("another snapshot (-want +got):\n%s\n%s", diff, once)
		}
		if !Is([]byte(once)) {
			t.Fatalf("not recognised:\n%s", once)
		}
		third, err := Parse("f", strings.NewReader(mustWrite(t, again)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if twice, thrice := mustWrite(t, again), mustWrite(t, third); twice != thrice {
			t.Fatalf("first\n%s\nthen\n%s", twice, thrice)
		}
	})
}
