// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"strconv"

	"github.com/mivet/mivet/arm"
)

// Pos is a place in a file. Columns count bytes. The zero Pos is no place.
type Pos struct {
	File   string
	Line   int32 // from 1
	Column int32 // from 1
}

// String returns "file:line:column".
func (p Pos) String() string {
	return p.File + ":" + strconv.Itoa(int(p.Line)) + ":" + strconv.Itoa(int(p.Column))
}

// NodeKind is the sort of a [Node].
type NodeKind uint8

// The kinds of nodes: those of JSON, and an expression that is already parsed.
const (
	NodeNull NodeKind = iota
	NodeBool
	NodeNumber
	NodeString // may be an expression in brackets
	NodeArray
	NodeObject
	NodeExpr
)

// Node is a value of a template as it was written. A compiler of another language builds
// templates of nodes whose places lie in its own sources; a node is not changed once a
// template is made of it.
type Node struct {
	Kind    NodeKind
	Bool    bool     // of NodeBool
	Text    string   // of NodeString, and of NodeNumber as written
	Items   []*Node  // of NodeArray
	Members []Member // of NodeObject, in order, each name once
	Expr    *Expr    // of NodeExpr
	Pos     Pos
}

// Member is a member of an object.
type Member struct {
	Name  string
	Value *Node
	Pos   Pos // of the name
}

// Get returns the member of an object by its name, without regard to case as Resource
// Manager does it; nil if there is none or n is no object.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	for i := range n.Members {
		if sameName(n.Members[i].Name, name) {
			return n.Members[i].Value
		}
	}
	return nil
}

func (n *Node) isObject() bool { return n != nil && n.Kind == NodeObject }
func (n *Node) isArray() bool  { return n != nil && n.Kind == NodeArray }
func (n *Node) isNull() bool   { return n == nil || n.Kind == NodeNull }

// text returns the text of a plain string, and "" for all else.
func (n *Node) text() string {
	if n == nil || n.Kind != NodeString {
		return ""
	}
	return n.Text
}

// sameName compares names of members, parameters, variables and functions.
func sameName(a, b string) bool {
	if len(a) != len(b) {
		return arm.Fold(a) == arm.Fold(b)
	}
	for i := 0; i < len(a); i++ {
		if a[i] >= 0x80 || b[i] >= 0x80 {
			return arm.Fold(a) == arm.Fold(b)
		}
		if lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// ObjectNode, ArrayNode, StringNode and ExprNode are what compilers need most.

// ObjectNode returns an object of the members, which must have different names.
func ObjectNode(pos Pos, members ...Member) *Node {
	return &Node{Kind: NodeObject, Members: members, Pos: pos}
}

// ArrayNode returns an array.
func ArrayNode(pos Pos, items ...*Node) *Node {
	return &Node{Kind: NodeArray, Items: items, Pos: pos}
}

// StringNode returns a string, which is an expression if it stands in brackets.
func StringNode(pos Pos, text string) *Node {
	return &Node{Kind: NodeString, Text: text, Pos: pos}
}

// ExprNode returns an expression that is already parsed.
func ExprNode(e *Expr) *Node { return &Node{Kind: NodeExpr, Expr: e, Pos: e.Pos} }
