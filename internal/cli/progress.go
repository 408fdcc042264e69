// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/mivet/mivet/internal/collect"
)

// progress tells a person how far long work is: a line that changes on a terminal,
// else a line now and then.
type progress struct {
	out   io.Writer
	quiet bool
	width int // of the terminal; 0 for none
	last  time.Time
	open  bool // a line stands on the terminal
}

// lineEvery is how often a line is added where it cannot be changed.
const lineEvery = 15 * time.Second

func (a *app) newProgress() *progress {
	p := &progress{out: a.Stderr, quiet: a.quiet, last: time.Now()}
	if f, ok := a.Stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if p.width, _, _ = term.GetSize(int(f.Fd())); p.width <= 0 {
			p.width = 80
		}
	}
	return p
}

func (p *progress) show(s collect.Progress) {
	if !s.Done {
		p.say(progressLine(s))
	}
}

// say shows what is being done.
func (p *progress) say(text string) {
	switch {
	case p.quiet:
	case p.width > 0:
		line := []rune(cleanText(text))
		fmt.Fprintf(p.out, "\r%s\x1b[K", string(line[:min(len(line), p.width-1)])) //nolint:errcheck // progress is no result
		p.open = true
	case time.Since(p.last) >= lineEvery:
		p.last = time.Now()
		fmt.Fprintf(p.out, "mivet: %s\n", cleanText(text)) //nolint:errcheck // progress is no result
	}
}

// clear removes the line.
func (p *progress) clear() {
	if p.open {
		fmt.Fprint(p.out, "\r\x1b[K") //nolint:errcheck // progress is no result
		p.open = false
	}
}

// listsShown is how many lists a line of progress names.
const listsShown = 3

func progressLine(s collect.Progress) string {
	var parts []string
	for i, l := range s.Lists {
		if i == listsShown {
			break
		}
		part := fmt.Sprintf("%d", l.Rows)
		if l.Total > l.Rows {
			part += fmt.Sprintf(" of %d", l.Total)
		}
		parts = append(parts, part+" "+l.What)
	}
	line := fmt.Sprintf("read %s; %s", counted(s.Requests, "answer"), strings.Join(parts, ", "))
	if s.Open > 0 {
		line += fmt.Sprintf("; %s under way", counted(s.Open, "list"))
	}
	return strings.TrimSuffix(line, "; ")
}
