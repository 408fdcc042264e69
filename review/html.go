// SPDX-License-Identifier: Apache-2.0

package review

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/mivet/mivet/vet"
)

//go:embed pack.html.tmpl
var packTemplate string

// WriteHTML writes the pack as one page without scripts, pictures or anything else to load.
// It is made to be printed on A4 in black and white: each identity begins a page, and the
// head of a table is repeated on each page that it spans.
func (p *Pack) WriteHTML(out io.Writer) error {
	t, err := template.New("pack").Funcs(template.FuncMap{
		"count": vet.Count, "time": moment, "day": day, "list": strings.Join, "words": func(u Used) string { return u.words() },
		"short": short, "next": func(i int) int { return i + 1 }, "left": func(n, shown int) int { return n - shown }, "at": breakable,
	}).Parse(packTemplate)
	if err != nil {
		return fmt.Errorf("reading the template of the pack: %w", err)
	}
	top := []*Identity{}
	for _, row := range p.Riskiest {
		top = append(top, p.Identity(row))
	}
	if err := t.Execute(out, map[string]any{"P": p, "Top": top}); err != nil {
		return fmt.Errorf("writing HTML: %w", err)
	}
	return nil
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// breakable lets a long name break where a person would: after a slash, a dot or a hyphen.
func breakable(s string) template.HTML {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(template.HTMLEscapeString(string(r)))
		if strings.ContainsRune("/._:@", r) {
			b.WriteString("<wbr>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every character was escaped
}
