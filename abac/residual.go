// SPDX-License-Identifier: Apache-2.0

package abac

// NeedKind says what is missing for a decision.
type NeedKind uint8

// What can be missing.
const (
	NeedAttribute     NeedKind = iota // the value of an attribute
	NeedOperation                     // the operation
	NeedSubOperations                 // the suboperations of the request
	NeedSemantics                     // a statement of Microsoft's: no input would decide it
)

var needNames = [...]string{"attribute", "operation", "suboperations", "semantics"}

// String returns the kind in a word.
func (k NeedKind) String() string {
	if int(k) < len(needNames) {
		return needNames[k]
	}
	return "invalid"
}

// Need is one thing that could decide a condition.
type Need struct {
	Kind NeedKind
	// Attribute is the attribute whose value is missing, where Kind is NeedAttribute. At is
	// the first place that asks for it.
	Attribute Attribute
	// Text is the attribute, or the part of the condition that is undecided.
	Text string
	// Reason says why that part is undecided.
	Reason Reason
	At     Span
}

// Residual is what is left of a condition when everything known of a request is filled in.
type Residual struct {
	// Truth is what Eval returns.
	Truth Truth
	// Expr is the condition that remains, nil if Truth is not Unknown. In every request that
	// agrees with the known part it has the value of the whole condition. Its spans are those
	// of the whole text.
	Expr Expr
	// Needs lists what would decide it, each thing once, in the order of the text.
	Needs []Need
}

// String returns the condition that remains, or "true" or "false".
func (r Residual) String() string {
	if r.Expr == nil {
		return r.Truth.String()
	}
	return Print(r.Expr)
}

// Residual evaluates the condition as far as env allows.
func (c *Condition) Residual(env *Env) Residual {
	if c == nil {
		return Residual{Truth: True}
	}
	w := residualWalk{env: env}
	truth, expr := w.node(&c.root, false)
	if truth != Unknown {
		return Residual{Truth: truth}
	}
	return Residual{Truth: Unknown, Expr: expr, Needs: w.needs()}
}

type residualWalk struct {
	env  *Env
	open []openLeaf // leaves that remain
}

type openLeaf struct {
	leaf   *leaf
	reason Reason
}

// node returns the value of a node, and what remains of it if that is Unknown.
func (w *residualWalk) node(n *node, negated bool) (Truth, Expr) {
	switch n.kind {
	case andNode:
		return w.terms(n, negated, False)
	case orNode:
		return w.terms(n, negated, True)
	case notNode:
		t, x := w.node(&n.kids[0], !negated)
		return t.Not(), &Not{X: x, At: n.expr.Span()}
	default:
		t, reason := n.leaf.eval(w.env)
		t = inContext(t, reason, negated, w.env.Mode)
		if t == Unknown {
			w.open = append(w.open, openLeaf{n.leaf, reason})
		}
		return t, n.expr
	}
}

// terms drops terms that do not matter. If one decides, the leaves that were open in the
// terms before it matter no more.
func (w *residualWalk) terms(n *node, negated bool, decides Truth) (Truth, Expr) {
	mark := len(w.open)
	var left []Expr
	for i := range n.kids {
		t, x := w.node(&n.kids[i], negated)
		switch t {
		case decides:
			w.open = w.open[:mark]
			return decides, nil
		case Unknown:
			left = append(left, x)
		default:
		}
	}
	switch {
	case len(left) == 0:
		return decides.Not(), nil
	case len(left) == 1:
		return Unknown, left[0]
	case decides == False:
		return Unknown, &And{Terms: left, At: n.expr.Span()}
	default:
		return Unknown, &Or{Terms: left, At: n.expr.Span()}
	}
}

func (w *residualWalk) needs() []Need {
	var all []Need
	seen := map[string]bool{}
	add := func(n Need, key string) {
		if !seen[key] {
			seen[key] = true
			all = append(all, n)
		}
	}
	for _, o := range w.open {
		at := o.leaf.expr.Span()
		text := Print(o.leaf.expr)
		switch {
		case o.reason == NoOperation:
			add(Need{Kind: NeedOperation, Text: "the operation", Reason: o.reason, At: at}, "operation")
		case o.reason != NotGiven:
			add(Need{Kind: NeedSemantics, Text: text, Reason: o.reason, At: at}, "text "+text)
		default:
			for _, a := range w.missing(o.leaf) {
				add(attributeNeed(a, at), a.Source.String()+" "+string(AttributeKey(a.Name)))
			}
		}
	}
	return all
}

func attributeNeed(a Attribute, at Span) Need {
	if a.Source == Request && AttributeKey(a.Name) == AttributeKey(subOperationName) {
		return Need{Kind: NeedSubOperations, Text: "the suboperations of the request", Reason: NotGiven, At: at}
	}
	return Need{Kind: NeedAttribute, Attribute: a, Text: a.String(), Reason: NotGiven, At: at}
}

// missing returns the attributes of a leaf that the run does not know.
func (w *residualWalk) missing(l *leaf) []Attribute {
	var out []Attribute
	for _, a := range l.attributes() {
		if _, p := w.env.Lookup(a.Source, a.Name); p == NotKnown {
			out = append(out, a)
		}
	}
	return out
}

// attributes returns the attributes that the leaf reads.
func (l *leaf) attributes() []Attribute {
	switch e := l.expr.(type) {
	case *SubOperationMatches:
		return []Attribute{{Source: Request, Name: subOperationName, At: e.At}}
	case *Exists:
		return []Attribute{e.Attribute}
	case *Compare:
		return operandAttributes(e.Left, e.Right)
	case *And, *Or, *Not, *ActionMatches, *UnknownFunction:
	}
	return nil
}

func operandAttributes(operands ...Operand) []Attribute {
	var out []Attribute
	for _, o := range operands {
		if a, ok := o.(Attribute); ok {
			out = append(out, a)
		}
	}
	return out
}
