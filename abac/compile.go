// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"strings"

	"github.com/mivet/mivet/arm"
)

// Condition is a compiled condition. It is immutable and may be used by several goroutines
// at once. A nil Condition is no condition: it always holds.
type Condition struct {
	root   node
	leaves []*leaf // in the order of the text
}

// node mirrors the tree of the expression.
type node struct {
	expr  Expr
	kind  nodeKind
	kids  []node
	leaf  *leaf
	index int // of the leaf in Condition.leaves
}

type nodeKind uint8

const (
	leafNode nodeKind = iota
	andNode
	orNode
	notNode
)

type leafKind uint8

const (
	opaqueLeaf leafKind = iota // undocumented: never known
	actionLeaf
	subOperationLeaf
	existsLeaf
	compareLeaf
)

// leaf is a part of a condition without parts, made ready for evaluation.
type leaf struct {
	kind        leafKind
	expr        Expr
	action      arm.Pattern
	pattern     string // of suboperations
	left, right side
	op          operator
	quantifier  Quantifier
	mismatch    bool // a literal is not of the operator's type
}

// side is an operand of a comparison: an attribute, or literals already converted.
type side struct {
	isAttribute bool
	ref         reference
	literals    []scalar
}

// Compile makes an expression ready for evaluation. It accepts every expression that Parse
// returns; what cannot be evaluated stays Unknown. Without an expression the result is nil.
func Compile(e Expr) *Condition {
	if e == nil {
		return nil
	}
	c := &Condition{}
	c.root = c.compile(e)
	return c
}

// CompileText parses and compiles a condition. The error is a [*SyntaxError].
func CompileText(text string) (*Condition, error) {
	e, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return Compile(e), nil
}

// Expr returns the expression that was compiled, nil for no condition.
func (c *Condition) Expr() Expr {
	if c == nil {
		return nil
	}
	return c.root.expr
}

// String returns the condition in canonical form, "" for no condition.
func (c *Condition) String() string {
	if c == nil {
		return ""
	}
	return Print(c.root.expr)
}

// Attributes returns the attributes that the condition names, each once, in the order of
// the text.
func (c *Condition) Attributes() []Attribute {
	var out []Attribute
	seen := map[reference]bool{}
	add := func(o Operand) {
		if a, ok := o.(Attribute); ok {
			if ref := newReference(a.Source, a.Name); !seen[ref] {
				seen[ref] = true
				out = append(out, a)
			}
		}
	}
	if c == nil {
		return nil
	}
	Walk(c.root.expr, func(e Expr) {
		switch e := e.(type) {
		case *Exists:
			add(e.Attribute)
		case *Compare:
			add(e.Left)
			add(e.Right)
		case *And, *Or, *Not, *ActionMatches, *SubOperationMatches, *UnknownFunction:
		}
	})
	return out
}

func (c *Condition) compile(e Expr) node {
	switch e := e.(type) {
	case *And:
		return node{expr: e, kind: andNode, kids: c.compileAll(e.Terms)}
	case *Or:
		return node{expr: e, kind: orNode, kids: c.compileAll(e.Terms)}
	case *Not:
		return node{expr: e, kind: notNode, kids: []node{c.compile(e.X)}}
	case *ActionMatches:
		return c.addLeaf(compileAction(e))
	case *SubOperationMatches:
		return c.addLeaf(&leaf{
			kind: subOperationLeaf, expr: e, pattern: e.Pattern,
			left: side{isAttribute: true, ref: newReference(Request, subOperationName)},
		})
	case *Exists:
		return c.addLeaf(&leaf{kind: existsLeaf, expr: e, left: attributeSide(e.Attribute)})
	case *Compare:
		return c.addLeaf(compileCompare(e))
	case *UnknownFunction:
	}
	return c.addLeaf(&leaf{kind: opaqueLeaf, expr: e})
}

func (c *Condition) compileAll(terms []Expr) []node {
	nodes := make([]node, len(terms))
	for i, t := range terms {
		nodes[i] = c.compile(t)
	}
	return nodes
}

func (c *Condition) addLeaf(l *leaf) node {
	c.leaves = append(c.leaves, l)
	return node{expr: l.expr, leaf: l, index: len(c.leaves) - 1}
}

func compileAction(e *ActionMatches) *leaf {
	pattern, err := arm.ParsePattern(e.Pattern)
	if err != nil {
		return &leaf{kind: opaqueLeaf, expr: e} // Lint says why
	}
	return &leaf{kind: actionLeaf, expr: e, action: pattern}
}

func attributeSide(a Attribute) side {
	return side{isAttribute: true, ref: newReference(a.Source, a.Name)}
}

func compileCompare(e *Compare) *leaf {
	op, ok := lookupOperator(string(e.Operator))
	if !ok || e.Quantifier != NoQuantifier && !op.quantified {
		return &leaf{kind: opaqueLeaf, expr: e}
	}
	if a, ok := e.Left.(Attribute); ok && op.relation == isLike && isColumn(a) {
		if !isPlainTerm(e.Right) {
			return &leaf{kind: opaqueLeaf, expr: e}
		}
		op.relation = hasTerm
	}
	l := &leaf{kind: compareLeaf, expr: e, op: op, quantifier: e.Quantifier}
	l.left = l.compileSide(e.Left)
	l.right = l.compileSide(e.Right)
	return l
}

func (l *leaf) compileSide(o Operand) side {
	if a, ok := o.(Attribute); ok {
		return attributeSide(a)
	}
	v := literalValue(o)
	s := side{literals: make([]scalar, v.size())}
	for i := range s.literals {
		var ok bool
		s.literals[i], ok = v.at(i).scalar(l.op.family)
		l.mismatch = l.mismatch || !ok
	}
	return s
}

// isColumn reports whether the attribute is the value of a column in Log Analytics, where
// StringLike asks for a whole word as "has" of Kusto does (MicrosoftDocs/azure-monitor-docs
// articles/azure-monitor/logs/granular-rbac-log-analytics.md#abac-expression-operators).
func isColumn(a Attribute) bool {
	name := arm.Fold(a.Name)
	return strings.HasPrefix(string(name), "microsoft.operationalinsights/workspaces/tables/record:") ||
		strings.HasPrefix(string(name), "microsoft.insights/logs/tables/record:")
}

// isPlainTerm reports whether the operand holds literals without wildcards. The page allows
// letters, digits, "@", "." and "-" there; what a wildcard would do, it does not say.
func isPlainTerm(o Operand) bool {
	if _, ok := o.(Attribute); ok {
		return false
	}
	v := literalValue(o)
	for i := range v.size() {
		if strings.ContainsAny(v.at(i).text, `*?\`) {
			return false
		}
	}
	return true
}
