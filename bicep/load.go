// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"encoding/base64"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/mivet/mivet/armtemplate"
)

const (
	maxText        = 131072  // characters of a text that the compiler takes in
	maxJSON        = 1 << 20 // characters of JSON
	maxLoadedFiles = 1000    // of one folder
)

// load makes the value of a function that reads a file when the template is made.
func (l *lowerer) load(name Name, args []Expr, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	constant := func(i int) (string, bool) {
		if i >= len(args) {
			return "", true
		}
		return l.constant(args[i], s, 0)
	}
	file, ok := constant(0)
	second, ok2 := constant(1)
	if !ok || !ok2 || len(args) == 0 {
		s.unit.fault(name.Span, "BCP032", "the file to load must be known when the template is made: write its path as a plain string")
		return l.faulty(p)
	}
	target, fault := l.c.relative(s.unit.name, file)
	if fault != "" {
		s.unit.fault(args[0].Place(), "BCP091", fault)
		return l.faulty(p)
	}
	if name.Text == "loadDirectoryFileInfo" {
		return l.directory(target, second, args[0], p, s)
	}
	content, err := l.c.read(target)
	if err != nil {
		s.unit.fault(args[0].Place(), "BCP091", "this file cannot be read: "+err.Error())
		return l.faulty(p)
	}
	switch name.Text {
	case "loadFileAsBase64":
		return text(p, base64.StdEncoding.EncodeToString([]byte(content)))
	case "loadTextContent":
		content, ok = decodeText(content, second)
		if !ok || len(content) > 4*maxText {
			s.unit.fault(args[0].Place(), "BCP184", "this file is too long, or its letters are encoded in an unknown way")
			return l.faulty(p)
		}
		return text(p, content)
	case "loadYamlContent":
		return l.loadValues(parseYAML, target, content, second, args, p, s)
	}
	parseJSON := func(file, content string) (*armtemplate.Node, error) {
		return armtemplate.ParseJSON(file, []byte(content))
	}
	return l.loadValues(parseJSON, target, content, second, args, p, s)
}

// loadValues puts JSON or YAML, or a part of it, into a variable of the template.
func (l *lowerer) loadValues(parse func(file, content string) (*armtemplate.Node, error),
	target, content, part string, args []Expr, p armtemplate.Pos, s *scope,
) *armtemplate.Expr {
	encoding := ""
	if len(args) > 2 {
		encoding, _ = l.constant(args[2], s, 0)
	}
	content, ok := decodeText(content, encoding)
	if !ok || len(content) > 4*maxJSON {
		return l.loadedNode(nil, p, s, args[0], "this file is too long, or its letters are encoded in an unknown way")
	}
	node, err := parse(l.c.shown(target), content)
	if err != nil {
		return l.loadedNode(nil, p, s, args[0], "this file cannot be read: "+err.Error())
	}
	if part != "" {
		if node = selectPath(node, part); node == nil {
			return l.loadedNode(nil, p, s, args[1], "nothing in the file has this path")
		}
	}
	return l.loadedNode(literal(node), p, s, args[0], "")
}

// loadedNode puts what was loaded into a variable, or reports why it was not.
func (l *lowerer) loadedNode(node *armtemplate.Node, p armtemplate.Pos, s *scope, at Expr, fault string) *armtemplate.Expr {
	if node == nil {
		s.unit.fault(at.Place(), "BCP186", fault)
		return l.faulty(p)
	}
	name := "$fxv#" + strconv.Itoa(l.loaded)
	l.loaded++
	l.variables = append(l.variables, armtemplate.Member{Name: name, Value: node, Pos: p})
	return l.call(p, "variables", text(p, name))
}

// literal is JSON in which no text is an expression.
func literal(n *armtemplate.Node) *armtemplate.Node {
	switch n.Kind {
	case armtemplate.NodeString:
		return textNode(n.Pos, n.Text)
	case armtemplate.NodeArray:
		items := make([]*armtemplate.Node, len(n.Items))
		for i, item := range n.Items {
			items[i] = literal(item)
		}
		return armtemplate.ArrayNode(n.Pos, items...)
	case armtemplate.NodeObject:
		members := make([]armtemplate.Member, len(n.Members))
		for i, m := range n.Members {
			name := m.Name
			if strings.EqualFold(name, "copy") {
				name = "[string('" + name + "')]"
			} else if strings.HasPrefix(name, "[") {
				name = "[" + name
			}
			members[i] = armtemplate.Member{Name: name, Value: literal(m.Value), Pos: m.Pos}
		}
		return armtemplate.ObjectNode(n.Pos, members...)
	default:
		return n
	}
}

// constant is the text of an expression that is known when the template is made: a string, or a variable that is one.
func (l *lowerer) constant(e Expr, s *scope, level int) (string, bool) {
	if level > maxAncestors {
		return "", false
	}
	switch e := unwrap(e).(type) {
	case *String:
		var b strings.Builder
		for i, part := range e.Parts {
			b.WriteString(part)
			if i < len(e.Holes) {
				hole, ok := l.constant(e.Holes[i], s, level+1)
				if !ok || b.Len() > maxText {
					return "", false
				}
				b.WriteString(hole)
			}
		}
		return b.String(), true
	case *Int:
		return strconv.FormatUint(e.Value, 10), true
	case *Ident:
		local, sym := s.find(e.Name)
		if local == nil && sym != nil && sym.kind == symVar {
			return l.constant(sym.variable.Value, sym.unit.root(), level+1)
		}
	}
	return "", false
}

// relative resolves the path that a file gives of another one.
func (c *compiler) relative(from, to string) (name, fault string) {
	switch {
	case to == "":
		return "", "the path is empty"
	case strings.HasPrefix(to, "/") || strings.Contains(to, ":"):
		return "", "a path must be relative to the folder of this file"
	case strings.Contains(to, `\`):
		return "", `a path is written with / instead of \`
	}
	name = beside(from, to)
	if !fs.ValidPath(name) {
		return "", "the file lies outside of the folder that is read"
	}
	return name, ""
}

// decodeText makes UTF-8 of a text in one of the encodings that the language knows; a mark at the beginning decides first.
func decodeText(content, encoding string) (string, bool) {
	switch {
	case strings.HasPrefix(content, "\xef\xbb\xbf"):
		return content[3:], true
	case strings.HasPrefix(content, "\xff\xfe"):
		return decodeUTF16(content[2:], 0, 1), true
	case strings.HasPrefix(content, "\xfe\xff"):
		return decodeUTF16(content[2:], 1, 0), true
	}
	switch encoding {
	case "", "utf-8", "us-ascii":
		return content, true
	case "utf-16":
		return decodeUTF16(content, 0, 1), true
	case "utf-16BE":
		return decodeUTF16(content, 1, 0), true
	case "iso-8859-1":
		runes := make([]rune, len(content))
		for i := range len(content) {
			runes[i] = rune(content[i])
		}
		return string(runes), true
	}
	return "", false
}

func decodeUTF16(content string, low, high int) string {
	units := make([]uint16, len(content)/2)
	for i := range units {
		units[i] = uint16(content[2*i+low]) | uint16(content[2*i+high])<<8
	}
	return string(utf16.Decode(units))
}

// directory lists the files of a folder.
func (l *lowerer) directory(target, pattern string, at Expr, p armtemplate.Pos, s *scope) *armtemplate.Expr {
	if pattern == "" {
		pattern = "*"
	}
	entries, err := fs.ReadDir(l.c.opts.Files, target)
	if err != nil || len(entries) > maxLoadedFiles {
		return l.loadedNode(nil, p, s, at, "this folder cannot be read, or has too many files")
	}
	list := []*armtemplate.Node{}
	for _, entry := range entries {
		ok, err := path.Match(pattern, entry.Name())
		if err != nil {
			return l.loadedNode(nil, p, s, at, "this is no pattern of file names")
		}
		if !ok || entry.IsDir() {
			continue
		}
		relative := path.Join(target, entry.Name())
		list = append(list, armtemplate.ObjectNode(p,
			named("relativePath", armtemplate.StringNode(p, relativeTo(path.Dir(s.unit.name), relative))),
			named("baseName", armtemplate.StringNode(p, entry.Name())),
			named("extension", armtemplate.StringNode(p, path.Ext(entry.Name()))),
		))
	}
	return l.loadedNode(armtemplate.ArrayNode(p, list...), p, s, at, "")
}

// relativeTo is the path of a file as seen from a folder.
func relativeTo(folder, file string) string {
	if folder == "." {
		return file
	}
	steps := 0
	for folder != "." && folder != "" && !strings.HasPrefix(file, folder+"/") {
		steps++
		folder = path.Dir(folder)
	}
	up := strings.Repeat("../", steps)
	if folder == "." {
		return up + file
	}
	return up + strings.TrimPrefix(file, folder+"/")
}
