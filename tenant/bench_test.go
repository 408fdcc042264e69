// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"io"
	"strconv"
	"strings"
	"testing"
)

func large(n int) string {
	var b strings.Builder
	b.WriteString("tenant large\nsubscription prod\nrg apps in prod\n")
	for i := range n {
		name := "app" + strconv.Itoa(i)
		b.WriteString("webapp " + name + " in apps system tag.owner=team\nassign " + name + " Reader at apps\n")
	}
	return b.String()
}

func BenchmarkParse(b *testing.B) {
	text := large(10_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		parseString(b, text)
	}
}

func BenchmarkWrite(b *testing.B) {
	s := parseString(b, large(10_000))
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(io.Discard, s); err != nil {
			b.Fatal(err)
		}
	}
}
