// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// equivalentJSON is a comparison for machines.
type equivalentJSON struct {
	SchemaVersion int         `json:"schemaVersion"`
	Same          string      `json:"same"`
	A             sideJSON    `json:"a"`
	B             sideJSON    `json:"b"`
	Scopes        []arm.ID    `json:"scopes"`
	Plane         mivet.Plane `json:"plane"`
	Compared      int         `json:"compared"`
	OnlyA         []extraJSON `json:"onlyA"`
	OnlyB         []extraJSON `json:"onlyB"`
	Undecided     []extraJSON `json:"undecided"`
}

// sideJSON is one of the two sets of grants.
type sideJSON struct {
	Name   string    `json:"name"`
	What   string    `json:"what"`
	Inputs []string  `json:"inputs"`
	At     time.Time `json:"at"`
}

// extraJSON is what one side gives and the other does not.
type extraJSON struct {
	// A and B are the principal on each side; one is left out where that side has none.
	A          *principalJSON  `json:"a,omitempty"`
	B          *principalJSON  `json:"b,omitempty"`
	Scope      arm.ID          `json:"scope"`
	Plane      mivet.Plane     `json:"plane"`
	Operations []arm.Operation `json:"operations"`
	Except     []arm.ID        `json:"except,omitzero"`
	By         []string        `json:"by"`
	Why        string          `json:"why,omitzero"`
}

func (c *comparison) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(w, "equivalent", c.json())
	}
	p := newPrinter(w, colour)
	p.printf("%s  %s\n", c.verdict(), bold(c.named[0]+" against "+c.named[1]))
	for _, f := range []field{
		{"A", c.what[0]},
		{"B", c.what[1]},
		{"input", c.input()},
		{"where", c.where()},
		{"at", c.when()},
		{"compared", counted(c.difference.Compared, "answer") + ", one for each operation, place and principal"},
		{"result", c.result()},
	} {
		if f.text != "" {
			p.printf("  %-9s %s\n", f.label, f.text)
		}
	}
	c.section(p, "Only A gives", c.lost(0), c.difference.OnlyA, 0)
	c.section(p, "Only B gives", c.lost(1), c.difference.OnlyB, 1)
	c.section(p, "Not decided", "one side gives it, or may", c.difference.Undecided, 0)
	return p.err
}

// input names what was read, unless the sides do.
func (c *comparison) input() string {
	if c.of[0] != c.of[1] {
		return ""
	}
	return strings.Join(c.of[0].snap.Inputs, ", ")
}

// result counts whom the differences are about.
func (c *comparison) result() string {
	holders := func(list []authz.Extra) string {
		seen := map[[2]mivet.PrincipalID]bool{}
		for i := range list {
			seen[[2]mivet.PrincipalID{list[i].A, list[i].B}] = true
		}
		return counted(len(seen), "principal")
	}
	d := &c.difference
	return "A gives more to " + holders(d.OnlyA) + ", B to " + holders(d.OnlyB) + "; not decided for " + holders(d.Undecided)
}

func (c *comparison) verdict() painted {
	switch c.difference.Same() {
	case abac.True:
		return green("equivalent")
	case abac.False:
		return red("not equivalent")
	default:
		return yellow("undecided")
	}
}

// lost says what a difference means, where one side follows on the other.
func (c *comparison) lost(side int) string {
	if len(c.sides[0].Principals) > 0 && c.of[0] == c.of[1] && c.vaults == nil && c.sides[0].Counted == authz.CountInForce {
		return ""
	}
	if side == 0 {
		return "lost on the way from A to B"
	}
	return "gained on the way from A to B"
}

// section prints the differences of one sort, those of a principal together.
func (c *comparison) section(p *printer, title, meaning string, list []authz.Extra, side int) {
	if len(list) == 0 {
		return
	}
	p.printf("\n%s", bold(title))
	if meaning != "" {
		p.printf("  %s", faint(meaning))
	}
	p.printf("\n")
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b authz.Extra) int { return strings.Compare(c.holder(&a, side), c.holder(&b, side)) })
	last := ""
	for i := range list {
		x := &list[i]
		if name := c.holder(x, side); name != last {
			last = name
			p.printf("\n  %s\n", name)
		}
		c.extra(p, x)
	}
}

// maxOperations is how many operations of one difference are named, unless all are asked for.
const maxOperations = 12

func (c *comparison) extra(p *printer, x *authz.Extra) {
	line := func(label, text string) { p.printf("    %-8s %s\n", label, text) }
	line("at", x.Scope.String())
	for _, id := range x.Except {
		line("but not", id.String())
	}
	if len(x.By) > 0 {
		line("by", strings.Join(x.By, ", "))
	}
	if x.Why != "" {
		line("open", x.Why)
	}
	if len(x.Operations) > maxOperations && !c.flags.all {
		line(x.Plane.String(), counted(len(x.Operations), "operation")+": "+providers(x.Operations)+"; --all names them")
		return
	}
	label := x.Plane.String()
	for _, o := range x.Operations {
		line(label, o.String())
		label = ""
	}
}

func (c *comparison) json() *equivalentJSON {
	out := &equivalentJSON{
		SchemaVersion: 1, Scopes: c.vaults, Plane: c.of[0].plane, Compared: c.difference.Compared,
		Same: map[abac.Truth]string{abac.True: "yes", abac.False: "no", abac.Unknown: "undecided"}[c.difference.Same()],
	}
	for i, side := range []*sideJSON{&out.A, &out.B} {
		*side = sideJSON{Name: c.named[i], What: c.what[i], Inputs: c.of[i].snap.Inputs, At: c.of[i].at}
	}
	if !c.scope.IsZero() {
		out.Scopes = []arm.ID{c.scope}
	}
	if out.Scopes == nil {
		out.Scopes = []arm.ID{}
	}
	out.OnlyA, out.OnlyB, out.Undecided = c.extras(c.difference.OnlyA), c.extras(c.difference.OnlyB), c.extras(c.difference.Undecided)
	return out
}

func (c *comparison) extras(list []authz.Extra) []extraJSON {
	out := make([]extraJSON, len(list))
	for i := range list {
		x := &list[i]
		out[i] = extraJSON{Scope: x.Scope, Plane: x.Plane, Operations: x.Operations, Except: x.Except, By: x.By, Why: x.Why}
		if out[i].By == nil {
			out[i].By = []string{}
		}
		for k, id := range []mivet.PrincipalID{x.A, x.B} {
			if id == "" {
				continue
			}
			principal := c.of[k].principalJSON(id)
			if k == 0 {
				out[i].A = &principal
			} else {
				out[i].B = &principal
			}
		}
	}
	return out
}
