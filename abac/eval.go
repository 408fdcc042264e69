// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"strings"

	"github.com/mivet/mivet/arm"
)

// Reason says why a part of a condition has its value.
type Reason uint8

// The reasons. Only Compared and NoAttribute come with a value other than Unknown, and
// NoAttribute is Unknown too where a comparison is negated in [Strict] mode; WrongType is
// like NoAttribute.
const (
	Compared      Reason = iota // the operands were known and compared
	NoAttribute                 // an attribute is absent, or has no value
	WrongType                   // a value is not of the type that the operator compares
	NotGiven                    // the run does not know an attribute
	NoOperation                 // the run does not know the operation
	Undocumented                // no page says what the operator or function means
	SeveralValues               // an operator without quantifier met several values; no page says what it does
)

var reasonNames = [...]string{
	"compared", "attribute absent", "wrong type", "attribute not known", "operation not known",
	"not documented", "several values without quantifier",
}

// String returns the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "invalid"
}

// fails reports whether a comparison is false without having been made.
func (r Reason) fails() bool { return r == NoAttribute || r == WrongType }

// Eval returns the value of the condition for a request. It does not allocate, save where
// an ActionMatches pattern has several wildcards, or where env.More does.
func (c *Condition) Eval(env *Env) Truth {
	if c == nil {
		return True
	}
	return c.root.eval(env, false)
}

// Targets reports whether the condition can restrict the operation: whether it is anything
// but True when nothing else is known of the request. Operations that a condition does not
// target are granted as if it were not there
// (conditions-format.md#how-a-condition-is-evaluated).
func (c *Condition) Targets(o arm.Operation) bool {
	return c.Eval(&Env{Operation: o}) != True
}

// eval evaluates a node that stands under an even or odd number of negations.
func (n *node) eval(env *Env, negated bool) Truth {
	switch n.kind {
	case andNode:
		return n.evalTerms(env, negated, False)
	case orNode:
		return n.evalTerms(env, negated, True)
	case notNode:
		return n.kids[0].eval(env, !negated).Not()
	default:
		t, reason := n.leaf.eval(env)
		return inContext(t, reason, negated, env.Mode)
	}
}

// evalTerms stops at the first term that decides.
func (n *node) evalTerms(env *Env, negated bool, decides Truth) Truth {
	result := decides.Not()
	for i := range n.kids {
		switch n.kids[i].eval(env, negated) {
		case decides:
			return decides
		case Unknown:
			result = Unknown
		default:
		}
	}
	return result
}

// inContext gives the value of a leaf under negation: see [Mode].
func inContext(t Truth, reason Reason, negated bool, mode Mode) Truth {
	if negated && mode == Strict && reason.fails() {
		return Unknown
	}
	return t
}

// eval returns the value of a leaf that is not negated.
func (l *leaf) eval(env *Env) (Truth, Reason) {
	switch l.kind {
	case actionLeaf:
		if env.Operation.IsZero() {
			return Unknown, NoOperation
		}
		return TruthOf(l.action.Matches(env.Operation)), Compared
	case subOperationLeaf:
		return l.evalSubOperation(env)
	case existsLeaf:
		return l.evalExists(env)
	case compareLeaf:
		return l.compare(env)
	default:
		return Unknown, Undocumented
	}
}

// evalSubOperation asks whether one of the suboperations matches. Names and patterns are
// compared without regard to case: the syntax that SubOperationMatches replaced was
// @Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'name'}
// (conditions-format.md of April 2021).
func (l *leaf) evalSubOperation(env *Env) (Truth, Reason) {
	var more Value
	v, presence := env.find(&l.left.ref, &more)
	switch presence {
	case Known:
		for i := range v.size() {
			if name, ok := v.at(i).scalar(ofString); ok && like(l.pattern, name.text, true) {
				return True, Compared
			}
		}
		return False, Compared
	case Absent:
		return False, Compared // a request without suboperations has none that matches
	default:
		return Unknown, NotGiven
	}
}

// evalExists leaves an attribute that is there without any value undecided.
func (l *leaf) evalExists(env *Env) (Truth, Reason) {
	var more Value
	v, presence := env.find(&l.left.ref, &more)
	switch {
	case presence == Absent:
		return False, Compared
	case presence == NotKnown:
		return Unknown, NotGiven
	case v.size() == 0:
		return Unknown, Undocumented
	}
	return True, Compared
}

// values is a side of a comparison in one request.
type values struct {
	literals  []scalar
	attribute *Value
}

func (v *values) size() int {
	if v.attribute != nil {
		return v.attribute.size()
	}
	return len(v.literals)
}

func (v *values) at(i int, f family) (scalar, bool) {
	if v.attribute != nil {
		return v.attribute.at(i).scalar(f)
	}
	return v.literals[i], true
}

// get returns the values of a side, and whether they are known.
func (s *side) get(env *Env, more *Value) (values, Presence) {
	if !s.isAttribute {
		return values{literals: s.literals}, Known
	}
	v, presence := env.find(&s.ref, more)
	return values{attribute: v}, presence
}

// compare evaluates a comparison. An absent attribute decides before one that is not known.
func (l *leaf) compare(env *Env) (Truth, Reason) {
	if l.mismatch {
		return False, WrongType
	}
	var moreLeft, moreRight Value
	left, leftPresence := l.left.get(env, &moreLeft)
	right, rightPresence := l.right.get(env, &moreRight)
	switch {
	case leftPresence == Absent || rightPresence == Absent:
		return False, NoAttribute
	case leftPresence == NotKnown || rightPresence == NotKnown:
		return Unknown, NotGiven
	case l.quantifier == NoQuantifier && (left.size() == 0 || right.size() == 0):
		return False, NoAttribute
	case l.quantifier == NoQuantifier && (left.size() > 1 || right.size() > 1):
		return Unknown, SeveralValues
	}
	return l.cross(&left, &right)
}

// cross compares each value on the left with those on the right. Without values on the left
// ForAll is true and ForAny false, as quantifiers are read in logic; no page shows it.
func (l *leaf) cross(left, right *values) (Truth, Reason) {
	result := l.quantifier.allLeft()
	for i := range left.size() {
		a, ok := left.at(i, l.op.family)
		if !ok {
			return False, WrongType
		}
		holds, ok := l.crossRight(&a, right)
		if !ok {
			return False, WrongType
		}
		if holds != l.quantifier.allLeft() {
			result = holds
		}
	}
	return TruthOf(result), Compared
}

// crossRight compares one value on the left with those on the right. ok is false if one of
// them is of the wrong type, even where another decides.
func (l *leaf) crossRight(a *scalar, right *values) (holds, ok bool) {
	all := l.quantifier.allRight()
	if right.attribute == nil {
		for i := range right.literals {
			if l.op.holds(a, &right.literals[i]) != all {
				return !all, true
			}
		}
		return all, true
	}
	holds = all
	for i := range right.attribute.size() {
		b, ok := right.attribute.at(i).scalar(l.op.family)
		if !ok {
			return false, false
		}
		if l.op.holds(a, &b) != all {
			holds = !all
		}
	}
	return holds, true
}

// holds compares two values.
func (o *operator) holds(a, b *scalar) bool {
	return o.negated != o.related(a, b)
}

func (o *operator) related(a, b *scalar) bool {
	switch o.family {
	case ofString:
		return o.relatedText(a.text, b.text)
	case ofGUID:
		return a.guid == b.guid
	default:
		return relatedNumber(o.relation, a.num, b.num)
	}
}

func (o *operator) relatedText(a, b string) bool {
	switch o.relation {
	case startsWith:
		return hasPrefixText(a, b, o.ignoreCase)
	case endsWith:
		return strings.HasSuffix(a, b)
	case contains:
		return strings.Contains(a, b)
	case isLike:
		return like(b, a, o.ignoreCase)
	case hasTerm:
		return containsTerm(a, b, o.ignoreCase)
	default:
		return equalText(a, b, o.ignoreCase)
	}
}

func relatedNumber(r relation, a, b int64) bool {
	switch r {
	case less:
		return a < b
	case lessEquals:
		return a <= b
	case greater:
		return a > b
	case greaterEquals:
		return a >= b
	default:
		return a == b
	}
}
