// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"testing"
)

func TestTextIsCleaned(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := cleanText(in); got != want {
			t.Errorf("cleanText(%q) = %q, want %q", in, got, want)
		}
	}
	f("plain", "plain")
	f("two\nlines\tand a tab", "two\nlines\tand a tab")
	f("\x1b[2Jgone", `\x1b[2Jgone`)
	f("a\rb", `a\rb`)
	f("a\u202eb", `a\u202eb`)
	f("a\u009bb", `a\u009bb`)
	f("Zo\u00eb", "Zo\u00eb")
}

func TestStyledTextIsCleaned(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := cleanStyled(in); got != want {
			t.Errorf("cleanStyled(%q) = %q, want %q", in, got, want)
		}
	}
	f("", "")
	f("plain", "plain")
	f("a \x1b[1;31mred\x1b[0m b", "a \x1b[1;31mred\x1b[0m b")
	f("\x1b[2Jgone", `\x1b[2Jgone`)
	f("\x1b[", `\x1b[`)
	f("\x1b]0;title\a\x1b[1m", `\x1b]0;title\a`+"\x1b[1m")
}

func TestPrinterCleansArgumentsOnly(t *testing.T) {
	var b bytes.Buffer
	p := newPrinter(&b, true)
	p.printf("%s %s %s %d\n", red("no\x1b"), "b\a", errors.New("c\v"), 3)
	if want := "\x1b[1;31mno\\x1b\x1b[0m b\\a c\\v 3\n"; b.String() != want {
		t.Errorf("printed %q, want %q", b.String(), want)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestPrinterKeepsTheFirstError(t *testing.T) {
	p := newPrinter(brokenWriter{}, false)
	p.printf("a")
	p.printf("b")
	if p.err == nil || p.err.Error() != "broken" {
		t.Errorf("error %v", p.err)
	}
}

func TestColour(t *testing.T) {
	f := func(want bool, args ...string) {
		t.Helper()
		got := runMain(append(args, "version")...)
		if bytes.Contains([]byte(got.stdout), []byte("\x1b[")) != want {
			t.Errorf("%q: printed %q, coloured should be %v", args, got.stdout, want)
		}
	}
	f(false)
	f(true, "FORCE_COLOR=1")
	f(false, "FORCE_COLOR=0")
	f(false, "FORCE_COLOR=1", "NO_COLOR=1")
	f(true, "FORCE_COLOR=1", "NO_COLOR=")
	f(true, "NO_COLOR=1", "--color", "always")
	f(false, "FORCE_COLOR=1", "--color=never")
}
