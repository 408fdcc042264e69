// SPDX-License-Identifier: Apache-2.0

package abac

// Trace is the value of a condition with the value of every leaf: nothing is skipped, even
// where one leaf decided.
type Trace struct {
	// Truth is what Eval returns.
	Truth Truth
	// Leaves are the leaves in the order of the text.
	Leaves []LeafTrace
}

// LeafTrace is the value of one comparison or function.
type LeafTrace struct {
	// Text is the leaf in canonical form; At is its place in the text.
	Text string
	At   Span
	// Truth is the value of the leaf itself, before any negation around it. In [Strict] mode it
	// is Unknown where a negated comparison failed.
	Truth Truth
	// Negated says that the leaf stands under an odd number of negations.
	Negated bool
	// Reason says why it has that value.
	Reason Reason
	// Left and Right are the operands with the values they had. Functions have the attribute
	// or the operation on the left and the pattern on the right; Exists and functions that are
	// not documented have no right side.
	Left, Right SideTrace
	// Decisive says that the value of the condition follows from this leaf and the other
	// decisive ones, whatever the rest would be.
	Decisive bool
}

// SideTrace is an operand and its value.
type SideTrace struct {
	Text     string
	Presence Presence
	Value    Value // the empty list unless Presence is Known
}

// Explain evaluates every leaf of the condition.
func (c *Condition) Explain(env *Env) Trace {
	if c == nil {
		return Trace{Truth: True}
	}
	t := Trace{Leaves: make([]LeafTrace, len(c.leaves))}
	t.Truth = t.fill(&c.root, env, false)
	t.mark(&c.root, t.Truth, env, false)
	return t
}

// fill evaluates all leaves below a node, and returns the node's value.
func (t *Trace) fill(n *node, env *Env, negated bool) Truth {
	switch n.kind {
	case andNode:
		result := True
		for i := range n.kids {
			result = result.And(t.fill(&n.kids[i], env, negated))
		}
		return result
	case orNode:
		result := False
		for i := range n.kids {
			result = result.Or(t.fill(&n.kids[i], env, negated))
		}
		return result
	case notNode:
		return t.fill(&n.kids[0], env, !negated).Not()
	default:
		l := &t.Leaves[n.index]
		truth, reason := n.leaf.eval(env)
		*l = LeafTrace{Text: Print(n.expr), At: n.expr.Span(), Negated: negated, Reason: reason}
		l.Truth = inContext(truth, reason, negated, env.Mode)
		l.Left, l.Right = n.leaf.sides(env)
		return l.Truth
	}
}

// mark finds the decisive leaves: of a false AND and a true OR the terms with that value, of
// an unknown one the unknown terms, else all.
func (t *Trace) mark(n *node, truth Truth, env *Env, negated bool) {
	switch n.kind {
	case notNode:
		t.mark(&n.kids[0], truth.Not(), env, !negated)
	case leafNode:
		t.Leaves[n.index].Decisive = true
	case andNode, orNode:
		for i := range n.kids {
			if n.kids[i].eval(env, negated) == truth {
				t.mark(&n.kids[i], truth, env, negated)
			}
		}
	}
}

func (l *leaf) sides(env *Env) (left, right SideTrace) {
	switch e := l.expr.(type) {
	case *ActionMatches:
		left = SideTrace{Text: "the operation"}
		if !env.Operation.IsZero() {
			left.Presence, left.Value = Known, String(env.Operation.String())
		}
		return left, literalTrace(StringLiteral{Value: e.Pattern})
	case *SubOperationMatches:
		left = operandTrace(l.attributes()[0], env)
		left.Text = "the suboperations of the request"
		return left, literalTrace(StringLiteral{Value: e.Pattern})
	case *Exists:
		return operandTrace(e.Attribute, env), SideTrace{}
	case *Compare:
		return operandTrace(e.Left, env), operandTrace(e.Right, env)
	case *UnknownFunction, *And, *Or, *Not:
	}
	return SideTrace{Text: Print(l.expr)}, SideTrace{}
}

func operandTrace(o Operand, env *Env) SideTrace {
	a, ok := o.(Attribute)
	if !ok {
		return literalTrace(o)
	}
	v, p := env.Lookup(a.Source, a.Name)
	return SideTrace{Text: a.String(), Presence: p, Value: v}
}

func literalTrace(o Operand) SideTrace {
	v := literalValue(o)
	return SideTrace{Text: v.String(), Presence: Known, Value: v}
}
