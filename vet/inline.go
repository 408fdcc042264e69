// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/mivet/mivet"
)

const inlineMark = "mivet:ignore"

var (
	inlineComment  = regexp.MustCompile(`(?:#|//|/\*)\s*` + inlineMark + `\s+(.*?)(?:\*/)?\s*$`)
	inlineWord     = regexp.MustCompile(`^([a-z]+)=(?:"([^"]*)"|(\S+))\s*`)
	terraformBlock = regexp.MustCompile(`^\s*(?:resource|data)\s+"([^"]+)"\s+"([^"]+)"`)
	bicepBlock     = regexp.MustCompile(`^\s*(?:resource|module)\s+([A-Za-z_]\w*)\s+'`)
	onlyComment    = regexp.MustCompile(`^\s*(?:#|//|/\*|$)`)
)

// ParseInline reads the inline ignores of a Terraform, Bicep or tenant file:
//
//	# mivet:ignore broad-scope reason="deploys the landing zone" until=2027-01-31
//
// One at the end of a line counts for that line, one on a line of its own for the next
// line that is no comment. Where that line is, or is inside, a resource block, the ignore
// counts for findings at that object in a plan as well. Reason and until are mandatory,
// owner may be given. An error names the file and the line; ignores that could be read
// are returned beside it.
func ParseInline(file string, r io.Reader) ([]Suppression, error) {
	p := inlineParser{origin: &mivet.Origin{File: file}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.line++
		p.read(lines.Text())
	}
	if err := lines.Err(); err != nil {
		p.errs = append(p.errs, fmt.Errorf("reading inline ignores of %s after line %d: %w", file, p.line, err))
	}
	return p.out, errors.Join(p.errs...)
}

type inlineParser struct {
	origin  *mivet.Origin
	line    int
	address string // of the block that the line is in
	pending []int  // ignores that wait for the next line that is no comment
	out     []Suppression
	errs    []error
}

func (p *inlineParser) read(line string) {
	comment := onlyComment.MatchString(line)
	if !comment {
		p.enter(line)
		for _, i := range p.pending {
			p.out[i].Source.Line, p.out[i].Address = p.line, p.address
		}
		p.pending = nil
	}
	m := inlineComment.FindStringSubmatch(line)
	if m == nil {
		return
	}
	s, err := parseInline(m[1])
	if err != nil {
		p.errs = append(p.errs, fmt.Errorf("%s:%d: %w", p.origin.File, p.line, err))
		return
	}
	s.Address = p.address
	s.Source = mivet.Source{Origin: p.origin, Line: p.line}
	if comment {
		p.pending = append(p.pending, len(p.out))
	}
	p.out = append(p.out, s)
}

// enter follows which block the lines are in. A block ends at a brace in the first column.
func (p *inlineParser) enter(line string) {
	if m := terraformBlock.FindStringSubmatch(line); m != nil {
		p.address = m[1] + "." + m[2]
	} else if m := bicepBlock.FindStringSubmatch(line); m != nil {
		p.address = m[1]
	} else if strings.HasPrefix(line, "}") {
		p.address = ""
	}
}

func parseInline(text string) (Suppression, error) {
	var s Suppression
	rule, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if !idPattern.MatchString(rule) {
		return s, fmt.Errorf(`%s must name a rule: # %s RULE reason="…" until=yyyy-mm-dd`, inlineMark, inlineMark)
	}
	s.Rule = rule
	for rest = strings.TrimSpace(rest); rest != ""; {
		m := inlineWord.FindStringSubmatch(rest)
		if m == nil {
			return s, fmt.Errorf(`%s: cannot read %q: write reason="…" until=yyyy-mm-dd`, inlineMark, rest)
		}
		rest = rest[len(m[0]):]
		value := m[2] + m[3]
		switch m[1] {
		case "reason":
			s.Reason = value
		case "owner":
			s.Owner = value
		case "until":
			day, err := parseDay(value)
			if err != nil {
				return s, err
			}
			s.Expires = day
		default:
			return s, fmt.Errorf("%s has no word %q: it has reason, until and owner", inlineMark, m[1])
		}
	}
	if s.Reason == "" || s.Expires.IsZero() {
		return s, fmt.Errorf(`%s needs a reason and a last day: reason="…" until=yyyy-mm-dd`, inlineMark)
	}
	return s, nil
}
