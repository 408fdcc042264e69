// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// ErrNoPatch is returned for an edit that cannot be made in the user's file: it is
// declared elsewhere, or in a way that is not understood.
var ErrNoPatch = errors.New("this edit cannot be made in the file")

// PatchTenant makes edits in a tenant text that the snapshot was read from, and changes
// nothing else in it. The caller must read the result again and see that the finding is
// gone before showing it.
func PatchTenant(s *mivet.Snapshot, file string, text []byte, edits []mivet.Edit) ([]byte, error) {
	p := &tenantPatch{s: s, file: file, lines: strings.SplitAfter(string(text), "\n"), added: map[int][]string{}}
	for i := range edits {
		if err := p.edit(&edits[i]); err != nil {
			return nil, fmt.Errorf("patching %s, edit %d (%s): %w", file, i+1, edits[i].Kind, err)
		}
	}
	return []byte(p.join()), nil
}

// tenantPatch edits lines in place, so that the numbers of lines stay those of the facts:
// a removed line becomes empty text, and new ones are kept apart.
type tenantPatch struct {
	s     *mivet.Snapshot
	file  string
	lines []string
	added map[int][]string // by the line that they follow
}

func (p *tenantPatch) join() string {
	var b strings.Builder
	for i, l := range p.lines {
		b.WriteString(l)
		if len(p.added[i]) > 0 && l != "" && !strings.HasSuffix(l, "\n") {
			b.WriteString("\n")
		}
		for _, a := range p.added[i] {
			b.WriteString(a + "\n")
		}
	}
	return b.String()
}

func (p *tenantPatch) edit(e *mivet.Edit) error {
	switch e.Kind {
	case mivet.EditRemoveAssignment:
		return p.remove(p.assignmentLine(e.Assignment))
	case mivet.EditAddAssignment:
		return p.insert(p.near(e.Assignment.Source), tenantAssignment(e.Assignment))
	case mivet.EditDescribeAssignment:
		return p.word(p.assignmentLine(e.Assignment), "description=", tenantQuote(e.Assignment.Description))
	case mivet.EditRemovePolicy:
		return p.remove(p.lineOf(e.Policy.Source))
	case mivet.EditRemoveLocalGrant:
		return p.remove(p.lineOf(e.Grant.Source))
	case mivet.EditRemoveFederation:
		return p.remove(p.lineOf(e.Federation.Source))
	case mivet.EditSetSetting:
		return p.word(p.resourceLine(e.Resource), "."+e.Name+"=", tenantQuote(e.Value))
	case mivet.EditSetTag:
		return p.word(p.resourceLine(e.Resource), "tag."+e.Name+"=", tenantQuote(e.Value))
	case mivet.EditAttachIdentity, mivet.EditDetachIdentity:
		return p.identity(e)
	case mivet.EditDeleteIdentity:
		return p.remove(p.resourceLine(e.Resource))
	case mivet.EditRemoveSuppression, mivet.EditApplyFirst, mivet.EditNameByPrincipal, mivet.EditSetAPIVersion, mivet.EditRaiseProvider, mivet.EditContract:
	}
	return ErrNoPatch
}

// lineOf returns the index of a fact's line, or -1 where it is not of this file.
func (p *tenantPatch) lineOf(s mivet.Source) int {
	if s.Origin == nil || s.Origin.File != p.file || s.Line < 1 || s.Line > len(p.lines) {
		return -1
	}
	return s.Line - 1
}

// assignmentLine finds the fact itself, since an edit may carry a copy.
func (p *tenantPatch) assignmentLine(a *mivet.RoleAssignment) int {
	for i := range p.s.RoleAssignments {
		if SameAssignment(&p.s.RoleAssignments[i], a) {
			return p.lineOf(p.s.RoleAssignments[i].Source)
		}
	}
	return -1
}

func (p *tenantPatch) resourceLine(id arm.ID) int {
	r := resourceAt(p.s, id)
	if r == nil {
		return -1
	}
	return p.lineOf(r.Source)
}

// near returns the line after which something new belongs.
func (p *tenantPatch) near(s mivet.Source) int {
	if at := p.lineOf(s); at >= 0 {
		return at
	}
	return len(p.lines) - 1
}

// last returns the last line of the statement that begins at a line.
func (p *tenantPatch) last(at int) int {
	for at+1 < len(p.lines) && strings.HasSuffix(strings.TrimRight(p.lines[at], " \t\r\n"), `\`) {
		at++
	}
	return at
}

func (p *tenantPatch) remove(at int) error {
	if at < 0 || strings.HasSuffix(strings.TrimRight(p.lines[at], " \t\r\n"), "{") {
		return ErrNoPatch
	}
	for i, end := at, p.last(at); i <= end; i++ {
		p.lines[i] = ""
	}
	return nil
}

func (p *tenantPatch) insert(at int, statement string) error {
	if at < 0 {
		return ErrNoPatch
	}
	end := p.last(at)
	p.added[end] = append(p.added[end], statement)
	return nil
}

// word sets an attribute of the statement at a line: it replaces the value that is there,
// or adds the attribute at the end, before a comment.
func (p *tenantPatch) word(at int, key, value string) error {
	if at < 0 {
		return ErrNoPatch
	}
	for i, end := at, p.last(at); i <= end; i++ {
		for _, w := range tenantWords(p.lines[i]) {
			if strings.HasPrefix(p.lines[i][w[0]:w[1]], key) {
				p.lines[i] = p.lines[i][:w[0]] + key + value + p.lines[i][w[1]:]
				return nil
			}
		}
	}
	p.append(at, key+value)
	return nil
}

func (p *tenantPatch) append(at int, word string) {
	words := tenantWords(p.lines[at])
	if len(words) == 0 {
		return
	}
	end := words[len(words)-1][1]
	if p.lines[at][words[len(words)-1][0]:end] == `\` {
		end = words[max(0, len(words)-2)][1]
	}
	p.lines[at] = p.lines[at][:end] + " " + word + p.lines[at][end:]
}

func (p *tenantPatch) identity(e *mivet.Edit) error {
	at := p.resourceLine(e.Resource)
	if at < 0 {
		return ErrNoPatch
	}
	if e.Kind == mivet.EditAttachIdentity {
		if !e.Identity.IsZero() {
			return ErrNoPatch
		}
		p.append(at, "system")
		return nil
	}
	for i, end := at, p.last(at); i <= end; i++ {
		for _, w := range tenantWords(p.lines[i]) {
			if left, ok := withoutIdentity(p.lines[i][w[0]:w[1]], e.Identity); ok {
				p.lines[i] = strings.TrimRight(p.lines[i][:w[0]], " ") + left + p.lines[i][w[1]:]
				return nil
			}
		}
	}
	return ErrNoPatch
}

// withoutIdentity takes an identity from a word of a resource's statement, and returns
// what is left, with a blank in front.
func withoutIdentity(word string, id arm.ID) (left string, ok bool) {
	if id.IsZero() {
		return "", word == "system"
	}
	list, is := strings.CutPrefix(word, "user=")
	if !is {
		return "", false
	}
	names := strings.Split(list, ",")
	kept := slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		n = strings.Trim(n, `"`)
		return strings.EqualFold(n, id.Name()) || strings.EqualFold(n, id.String())
	})
	switch len(kept) {
	case len(names):
		return "", false
	case 0:
		return "", true
	}
	return " user=" + strings.Join(kept, ","), true
}

// tenantWords returns where the words of a line begin and end, up to a comment. Quotes
// and back quotes hold blanks together.
func tenantWords(line string) [][2]int {
	var out [][2]int
	start, quote := -1, byte(0)
	for i := 0; i <= len(line); i++ {
		if i == len(line) || quote == 0 && strings.IndexByte(" \t\r\n", line[i]) >= 0 {
			if start >= 0 {
				out = append(out, [2]int{start, i})
			}
			start = -1
			continue
		}
		c := line[i]
		switch {
		case start < 0 && c == '#':
			return out
		case quote == '"' && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '`'):
			quote = c
		}
		if start < 0 {
			start = i
		}
	}
	return out
}

var tenantPlain = regexp.MustCompile(`^[A-Za-z0-9/._:<>*-]+$`)

func tenantQuote(s string) string {
	if tenantPlain.MatchString(s) {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// tenantAssignment writes a new assignment. The principal of a resource's own identity is
// named by the resource.
func tenantAssignment(a *mivet.RoleAssignment) string {
	who := string(a.Principal)
	if owner, symbolic := a.Principal.Symbolic(); symbolic {
		who = "@" + tenantQuote(who)
		if strings.HasPrefix(owner, "/") {
			who = tenantQuote(owner)
		}
	}
	var line strings.Builder
	line.WriteString("assign " + who + " " + tenantQuote(roleWord(a)) + " at " + tenantQuote(a.Scope.String()))
	for _, field := range [][2]string{{"condition", a.Condition}, {"version", a.ConditionVersion}, {"description", a.Description}} {
		if field[1] != "" {
			line.WriteString(" " + field[0] + "=" + tenantQuote(field[1]))
		}
	}
	return line.String()
}

// PatchTerraform makes edits in a Terraform file, where the facts know the addresses of
// their blocks: it removes role assignments, adds new ones at the end, and sets arguments.
// The caller must plan again and see that the finding is gone before using the result.
func PatchTerraform(s *mivet.Snapshot, text []byte, edits []mivet.Edit) ([]byte, error) {
	lines := strings.SplitAfter(string(text), "\n")
	var tail strings.Builder
	for i := range edits {
		e := &edits[i]
		var err error
		switch e.Kind {
		case mivet.EditRemoveAssignment:
			lines, err = withoutBlock(lines, e.Assignment.Source)
		case mivet.EditRemovePolicy:
			lines, err = withoutBlock(lines, e.Policy.Source)
		case mivet.EditAddAssignment:
			tail.WriteString("\n" + Terraform(edits[i:i+1]))
		case mivet.EditSetSetting:
			lines, err = withArgument(s, lines, e)
		default:
			err = ErrNoPatch
		}
		if err != nil {
			return nil, fmt.Errorf("patching Terraform, edit %d (%s): %w", i+1, e.Kind, err)
		}
	}
	return []byte(strings.Join(lines, "") + tail.String()), nil
}

// blockOf returns the first and last line of the block of an address, or -1. Blocks end
// at a brace in the first column, as terraform fmt writes them.
func blockOf(lines []string, at mivet.Source) (first, last int) {
	if at.Origin == nil {
		return -1, -1
	}
	address, _, _ := strings.Cut(at.Origin.Address, "[")
	parts := strings.Split(address, ".")
	if len(parts) < 2 {
		return -1, -1
	}
	kind, name := parts[len(parts)-2], parts[len(parts)-1]
	for i, l := range lines {
		if m := terraformBlock.FindStringSubmatch(l); m == nil || m[1] != kind || m[2] != name {
			continue
		}
		for j := i; j < len(lines); j++ {
			if strings.HasPrefix(lines[j], "}") || j == i && strings.HasSuffix(strings.TrimSpace(l), "}") {
				return i, j
			}
		}
	}
	return -1, -1
}

func withoutBlock(lines []string, at mivet.Source) ([]string, error) {
	first, last := blockOf(lines, at)
	if first < 0 {
		return nil, ErrNoPatch
	}
	if last+1 < len(lines) && strings.TrimSpace(lines[last+1]) == "" {
		last++
	}
	return slices.Delete(slices.Clone(lines), first, last+1), nil
}

func withArgument(s *mivet.Snapshot, lines []string, e *mivet.Edit) ([]string, error) {
	r := resourceAt(s, e.Resource)
	name, value, _ := strings.Cut(terraformSetting(e), " = ")
	if r == nil || strings.HasPrefix(name, "#") || strings.Contains(name, ".") {
		return nil, ErrNoPatch
	}
	first, last := blockOf(lines, r.Source)
	if first < 0 || first == last {
		return nil, ErrNoPatch
	}
	lines = slices.Clone(lines)
	argument := regexp.MustCompile(`^(\s*` + regexp.QuoteMeta(name) + `\s*=\s*)[^#\n]*?(\s*(?:#.*)?\n?)$`)
	for i := first + 1; i < last; i++ {
		if m := argument.FindStringSubmatch(lines[i]); m != nil {
			lines[i] = m[1] + value + m[2]
			return lines, nil
		}
	}
	return slices.Insert(lines, last, "  "+name+" = "+value+"\n"), nil
}

// Diff writes the change of a file as a unified diff with three lines of context; "" if
// nothing changed. It is exact for changes of a few lines and takes the rest as one.
func Diff(file string, before, after []byte) string {
	a, b := strings.SplitAfter(string(before), "\n"), strings.SplitAfter(string(after), "\n")
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	if head == len(a) && head == len(b) {
		return ""
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	const context = 3
	from, to := max(0, head-context), min(tail, context)
	var out strings.Builder
	fmt.Fprintf(&out, "--- a/%s\n+++ b/%s\n@@ -%d,%d +%d,%d @@\n", file, file,
		from+1, len(a)-tail+to-from, from+1, len(b)-tail+to-from)
	write := func(mark string, lines []string) {
		for _, l := range lines {
			if l == "" {
				continue
			}
			out.WriteString(mark + strings.TrimSuffix(l, "\n") + "\n")
			if !strings.HasSuffix(l, "\n") {
				out.WriteString("\\ No newline at end of file\n")
			}
		}
	}
	write(" ", a[from:head])
	write("-", a[head:len(a)-tail])
	write("+", b[head:len(b)-tail])
	write(" ", a[len(a)-tail:len(a)-tail+to])
	return out.String()
}
