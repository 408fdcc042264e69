// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// printer writes text for people. Arguments are cleaned of control characters, since
// they may come from a hostile input; the first error of the stream is kept.
type printer struct {
	w      io.Writer
	colour bool
	err    error
}

func newPrinter(w io.Writer, colour bool) *printer { return &printer{w: w, colour: colour} }

// painted is a text with an emphasis of ours.
type painted struct {
	text string
	sgr  string // the parameters of the escape sequence
}

func bold(s string) painted   { return painted{s, "1"} }
func green(s string) painted  { return painted{s, "1;32"} }
func red(s string) painted    { return painted{s, "1;31"} }
func yellow(s string) painted { return painted{s, "1;33"} }
func faint(s string) painted  { return painted{s, "2"} }

// printf is fmt.Fprintf for texts, numbers and painted texts.
func (p *printer) printf(format string, args ...any) {
	if p.err != nil {
		return
	}
	clean := make([]any, len(args))
	for i, arg := range args {
		clean[i] = p.clean(arg)
	}
	_, p.err = fmt.Fprintf(p.w, format, clean...)
}

func (p *printer) clean(arg any) any {
	switch v := arg.(type) {
	case painted:
		text := cleanText(v.text)
		if p.colour && text != "" {
			return "\x1b[" + v.sgr + "m" + text + "\x1b[0m"
		}
		return text
	case string:
		return cleanText(v)
	case error:
		return cleanText(v.Error())
	case fmt.Stringer:
		return cleanText(v.String())
	default:
		return arg
	}
}

// cleanText escapes what a terminal would obey: control characters other than line feed
// and tab, and the marks that change the direction of writing.
func cleanText(s string) string {
	if strings.IndexFunc(s, obeyed) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if obeyed(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cleanStyled is cleanText for a text with colours of ours in it.
func cleanStyled(s string) string {
	var b strings.Builder
	for s != "" {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			break
		}
		end := i + 2
		for end < len(s) && (s[end] == ';' || '0' <= s[end] && s[end] <= '9') {
			end++
		}
		b.WriteString(cleanText(s[:i]))
		if end < len(s) && s[end] == 'm' {
			b.WriteString(s[i : end+1])
			s = s[end+1:]
			continue
		}
		b.WriteString(cleanText(s[i:end]))
		s = s[end:]
	}
	b.WriteString(cleanText(s))
	return b.String()
}

func obeyed(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// coloured reports whether text for that stream is coloured.
func (a *app) coloured(w io.Writer) bool {
	switch {
	case a.colour == "always":
		return true
	case a.colour == "never", a.Env("NO_COLOR") != "":
		return false
	case a.Env("FORCE_COLOR") != "":
		return a.Env("FORCE_COLOR") != "0"
	}
	return isTerminal(w) && a.Env("TERM") != "dumb"
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// counted writes a number with its noun.
func counted(n int, noun string) string {
	switch {
	case n == 1 || noun == "more":
		return strconv.Itoa(n) + " " + noun
	case noun == "person":
		return strconv.Itoa(n) + " people"
	case strings.HasSuffix(noun, "y"):
		return strconv.Itoa(n) + " " + strings.TrimSuffix(noun, "y") + "ies"
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
