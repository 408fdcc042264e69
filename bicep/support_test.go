// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mivet/mivet/armtemplate"
)

// tree makes a tree of files of names and texts in turn.
func tree(t *testing.T, files ...string) fstest.MapFS {
	t.Helper()
	if len(files)%2 != 0 {
		t.Fatal("a file has a name and a text")
	}
	out := fstest.MapFS{}
	name := ""
	for i, text := range files {
		if i%2 == 0 {
			name = text
		} else {
			out[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return out
}

// compile compiles main.bicep, which may have no errors.
func compile(t *testing.T, files ...string) *Compilation {
	t.Helper()
	c := compileFaulty(t, files...)
	for _, d := range c.Diagnostics {
		if d.Severity == Error {
			t.Errorf("%s:%d:%d: %s %s", d.File, d.Line, d.Column, d.Code, d.Message)
		}
	}
	return c
}

// compileFaulty compiles main.bicep.
func compileFaulty(t *testing.T, files ...string) *Compilation {
	t.Helper()
	if len(files) == 1 {
		files = append([]string{"main.bicep"}, files...)
	}
	c, err := Compile("main.bicep", Options{Files: tree(t, files...)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// show prints a node in short: JSON without quotes around plain words, members in order.
func show(n *armtemplate.Node) string {
	if n == nil {
		return "nothing"
	}
	switch n.Kind {
	case armtemplate.NodeNull:
		return "null"
	case armtemplate.NodeBool:
		return fmt.Sprint(n.Bool)
	case armtemplate.NodeNumber, armtemplate.NodeString:
		return n.Text
	case armtemplate.NodeExpr:
		return "[" + n.Expr.String() + "]"
	case armtemplate.NodeArray:
		items := make([]string, len(n.Items))
		for i, item := range n.Items {
			items[i] = show(item)
		}
		return "(" + strings.Join(items, ", ") + ")"
	default:
	}
	members := make([]string, len(n.Members))
	for i, m := range n.Members {
		members[i] = m.Name + ": " + show(m.Value)
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// at follows member names from a node.
func at(n *armtemplate.Node, names ...string) *armtemplate.Node {
	for _, name := range names {
		if n = n.Get(name); n == nil {
			return nil
		}
	}
	return n
}

// faults lists diagnostics as code@line:column.
func faults(list []Diagnostic) string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = fmt.Sprintf("%s@%d:%d", d.Code, d.Line, d.Column)
	}
	return strings.Join(out, " ")
}
