// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"strconv"
	"strings"
)

// Print returns the expression in canonical form, on one line: AND, OR and NOT in capitals,
// documented operators in Microsoft's spelling, GUIDs with dashes, parentheses wherever AND
// and OR meet. Parse of the result gives an equal expression.
func Print(e Expr) string {
	var b strings.Builder
	printExpr(&b, e)
	return b.String()
}

func printExpr(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case *And:
		printTerms(b, e.Terms, " AND ")
	case *Or:
		printTerms(b, e.Terms, " OR ")
	case *Not:
		printNot(b, e.X)
	case *ActionMatches:
		b.WriteString("ActionMatches{")
		printString(b, e.Pattern)
		b.WriteByte('}')
	case *SubOperationMatches:
		b.WriteString("SubOperationMatches{")
		printString(b, e.Pattern)
		b.WriteByte('}')
	case *Exists:
		b.WriteString("Exists ")
		printOperand(b, e.Attribute)
	case *Compare:
		printCompare(b, e)
	case *UnknownFunction:
		b.WriteString(e.Name)
		printItems(b, e.Args)
	}
}

// printTerms sets parentheses around AND and OR, so the tree is the same when read again.
func printTerms(b *strings.Builder, terms []Expr, between string) {
	for i, t := range terms {
		if i > 0 {
			b.WriteString(between)
		}
		switch t.(type) {
		case *And, *Or:
			printParens(b, t)
		default:
			printExpr(b, t)
		}
	}
}

func printParens(b *strings.Builder, e Expr) {
	b.WriteByte('(')
	printExpr(b, e)
	b.WriteByte(')')
}

// printNot follows the habit of Microsoft's pages: NOT before Exists and
// SubOperationMatches, !( ) around all else.
func printNot(b *strings.Builder, x Expr) {
	switch x.(type) {
	case *Exists, *SubOperationMatches:
		b.WriteString("NOT ")
		printExpr(b, x)
	default:
		b.WriteByte('!')
		printParens(b, x)
	}
}

func printCompare(b *strings.Builder, e *Compare) {
	printOperand(b, e.Left)
	b.WriteByte(' ')
	b.WriteString(operatorText(e))
	b.WriteByte(' ')
	printOperand(b, e.Right)
}

// operatorText returns the operator with its quantifier.
func operatorText(e *Compare) string {
	if e.Quantifier == NoQuantifier {
		return string(e.Operator)
	}
	return e.Quantifier.String() + ":" + string(e.Operator)
}

func printOperand(b *strings.Builder, o Operand) {
	switch o := o.(type) {
	case Attribute:
		b.WriteString("@" + o.Source.String() + "[" + o.Name + "]")
	case StringLiteral:
		printString(b, o.Value)
	case IntLiteral:
		b.WriteString(strconv.FormatInt(o.Value, 10))
	case BoolLiteral:
		b.WriteString(strconv.FormatBool(o.Value))
	case GUIDLiteral:
		b.WriteString(o.Value)
	case Set:
		printItems(b, o.Items)
	}
}

func printItems(b *strings.Builder, items []Operand) {
	b.WriteByte('{')
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		printOperand(b, item)
	}
	b.WriteByte('}')
}

func printString(b *strings.Builder, s string) {
	b.WriteByte('\'')
	b.WriteString(strings.ReplaceAll(s, "'", `\'`))
	b.WriteByte('\'')
}

// String returns the attribute as it stands in a condition.
func (o Attribute) String() string {
	var b strings.Builder
	printOperand(&b, o)
	return b.String()
}
