// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"fmt"
	"io"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Names says what people call a principal, and what it is.
type Names func(mivet.PrincipalID) (name, kind string)

// picture is what paths have in common, as boxes and arrows.
type picture struct {
	boxes  []box
	arrows []arrow
	byKey  map[string]int
	row    int // of the path that is drawn
}

type box struct {
	title, under string
	shape        shape
	rank, row    int // column and line
}

type shape uint8

const (
	person   shape = iota // a user, a group, an application, somebody outside
	identity              // a managed identity
	place                 // a resource
)

type arrow struct {
	from, to int
	text     string
	sure     bool
}

// newPicture draws each principal and each resource that a step leads over once.
func newPicture(paths []Path, names Names) *picture {
	p := &picture{byKey: map[string]int{}}
	for i := range paths {
		p.row = i
		p.path(&paths[i], names)
	}
	p.layOut()
	return p
}

func (p *picture) path(path *Path, names Names) {
	for i := range path.Steps {
		s := &path.Steps[i]
		sure := s.Level == Certain
		from := p.principal(s.From, names)
		to := p.principal(s.To, names)
		if s.plain() {
			p.arrow(from, to, s.Technique, sure)
		} else {
			host := p.place(s.Host)
			p.arrow(from, host, s.Technique+" "+firstOperation(s), sure)
			if !s.Workload.IsZero() && !s.Workload.Equal(s.Host) {
				w := p.place(s.Workload)
				p.arrow(host, w, loads(s), sure)
				host = w
			}
			p.arrow(host, to, "acts as", sure)
		}
		if i == len(path.Steps)-1 && path.Goal != nil && !path.Goal.Resource.IsZero() {
			p.arrow(to, p.place(path.Goal.Resource), "may do "+verbOf(path.Goal.Operation), path.Level == Certain)
		}
	}
}

func (p *picture) place(id arm.ID) int {
	return p.box("at "+string(id.Key()), box{title: id.Name(), under: shortType(id.Type()), shape: place})
}

// shortType leaves the provider out of a resource type.
func shortType(s string) string { return s[strings.IndexByte(s, '/')+1:] }

// verbOf is the end of an operation's name that tells most.
func verbOf(op arm.Operation) string {
	parts := strings.Split(op.String(), "/")
	return strings.Join(parts[max(len(parts)-3, 1):], "/")
}

// plain reports whether a step leads over no resource.
func (s *Step) plain() bool { return s.Host.IsZero() }

func loads(s *Step) string {
	if s.Link != nil {
		return "is loaded by (" + string(s.Link.Kind) + ")"
	}
	return "is swapped into"
}

func firstOperation(s *Step) string {
	if len(s.Rights) == 0 {
		return ""
	}
	text := s.Rights[0].Operation.String()
	return text[strings.IndexByte(text, '/')+1:]
}

func (p *picture) principal(id mivet.PrincipalID, names Names) int {
	name, kind := names(id)
	b := box{title: name, under: kind, shape: person}
	if strings.Contains(kind, "identity") {
		b.shape = identity
	}
	return p.box("principal "+string(id), b)
}

func (p *picture) box(key string, b box) int {
	if i, ok := p.byKey[key]; ok {
		return i
	}
	b.row = p.row
	i := len(p.boxes)
	p.byKey[key] = i
	p.boxes = append(p.boxes, b)
	return i
}

func (p *picture) arrow(from, to int, text string, sure bool) {
	for i := range p.arrows {
		if a := &p.arrows[i]; a.from == from && a.to == to {
			a.sure = a.sure || sure
			return
		}
	}
	p.arrows = append(p.arrows, arrow{from, to, strings.TrimSpace(text), sure})
}

// layOut puts each box to the right of those that lead to it, and on the line of the first
// path that leads over it, unless another stands there.
func (p *picture) layOut() {
	for range p.boxes { // a circle ends it too
		moved := false
		for _, a := range p.arrows {
			if from, to := &p.boxes[a.from], &p.boxes[a.to]; to.rank <= from.rank && from.rank < len(p.boxes) {
				to.rank, moved = from.rank+1, true
			}
		}
		if !moved {
			break
		}
	}
	taken := map[[2]int]bool{}
	for i := range p.boxes {
		b := &p.boxes[i]
		for taken[[2]int{b.rank, b.row}] {
			b.row++
		}
		taken[[2]int{b.rank, b.row}] = true
	}
}

// WriteMermaid writes paths as a Mermaid flow chart. What is not certain is dotted.
func WriteMermaid(w io.Writer, paths []Path, names Names) error {
	p := newPicture(paths, names)
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i := range p.boxes {
		x := &p.boxes[i]
		left, right := "([\"", "\"])"
		switch x.shape {
		case identity:
			left, right = "{{\"", "\"}}"
		case place:
			left, right = "[\"", "\"]"
		case person:
		}
		fmt.Fprintf(&b, "  n%d%s%s<br/><small>%s</small>%s\n", i, left, mermaidText(x.title), mermaidText(x.under), right)
	}
	for _, a := range p.arrows {
		line := "-->"
		if !a.sure {
			line = "-.->"
		}
		fmt.Fprintf(&b, "  n%d %s|\"%s\"| n%d\n", a.from, line, mermaidText(a.text), a.to)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidText writes what would end a label, or be read as markup, as an entity.
func mermaidText(s string) string {
	return strings.NewReplacer("&", "#amp;", "\"", "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ", "|", "#124;", "#", "#35;").Replace(s)
}

// The measures of a drawing, in pixels.
const (
	boxWidth, boxHeight = 210, 56
	gapX, gapY          = 170, 34
	margin              = 24
	arrowLetters        = 26 // how many letters of an arrow's text fit on a line
)

// WriteSVG writes paths as a drawing that needs no font and no script. What is not certain
// is dashed.
func WriteSVG(w io.Writer, paths []Path, names Names) error {
	p := newPicture(paths, names)
	columns, rows := 0, 0
	for i := range p.boxes {
		columns, rows = max(columns, p.boxes[i].rank+1), max(rows, p.boxes[i].row+1)
	}
	width := 2*margin + columns*boxWidth + max(columns-1, 0)*gapX
	height := 2*margin + rows*boxHeight + max(rows-1, 0)*gapY + 24
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Helvetica, Arial, sans-serif" font-size="13">`+"\n", width, height, width, height)
	b.WriteString(`<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="#444"/></marker></defs>` + "\n")
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	for _, a := range p.arrows {
		p.drawArrow(&b, a)
	}
	for i := range p.boxes {
		p.boxes[i].draw(&b)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#666" font-size="11">solid: certain   dashed: possible   rounded: person, group, application   green: managed identity   blue: resource</text>`+"\n", margin, height-10)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (b *box) at() (x, y int) {
	return margin + b.rank*(boxWidth+gapX), margin + b.row*(boxHeight+gapY)
}

func (b *box) draw(w *strings.Builder) {
	x, y := b.at()
	fill, stroke, round := "#fdf6e3", "#b58900", boxHeight/2
	switch b.shape {
	case identity:
		fill, stroke, round = "#e8f5e9", "#2e7d32", 10
	case place:
		fill, stroke, round = "#e8f1fb", "#1f5fa8", 3
	case person:
	}
	fmt.Fprintf(w, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="%d" fill="%s" stroke="%s" stroke-width="1.5"/>`,
		xmlText(b.title+" ("+b.under+")"), x, y, boxWidth, boxHeight, round, fill, stroke)
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle" font-weight="bold">%s</text>`, x+boxWidth/2, y+24, xmlText(cut(b.title, 27)))
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle" font-size="10.5" fill="#555">%s</text></g>`+"\n", x+boxWidth/2, y+42, xmlText(cut(b.under, 36)))
}

func (p *picture) drawArrow(w *strings.Builder, a arrow) {
	from, to := &p.boxes[a.from], &p.boxes[a.to]
	x1, y1 := from.at()
	x2, y2 := to.at()
	x1, y1, y2 = x1+boxWidth, y1+boxHeight/2, y2+boxHeight/2
	if to.rank <= from.rank { // back, or straight down: from side to side
		x2 += boxWidth
	}
	dash := ""
	if !a.sure {
		dash = ` stroke-dasharray="6 4"`
	}
	mid := (x1 + x2) / 2
	if to.rank <= from.rank {
		mid = max(x1, x2) + gapX/3
	}
	fmt.Fprintf(w, `<path d="M%d,%d C%d,%d %d,%d %d,%d" fill="none" stroke="#444" stroke-width="1.4"%s marker-end="url(#head)"/>`+"\n", x1, y1, mid, y1, mid, y2, x2, y2, dash)
	lines := wrap(a.text, arrowLetters)
	for i, line := range lines { // above the line
		fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle" font-size="10.5" fill="#222">%s</text>`+"\n", mid, (y1+y2)/2-6-(len(lines)-1-i)*12, xmlText(line))
	}
}

// wrap breaks a text at blanks and slashes into at most three lines.
func wrap(s string, width int) []string {
	var lines []string
	for len(lines) < 2 && len(s) > width {
		at := strings.LastIndexAny(s[:width], " /")
		if at <= 0 {
			at = width - 1
		}
		lines = append(lines, strings.TrimSpace(s[:at+1]))
		s = strings.TrimSpace(s[at+1:])
	}
	return append(lines, cut(s, width))
}

// cut shortens a text to a number of letters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

func xmlText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 {
			return ' '
		}
		return r
	}, s)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
