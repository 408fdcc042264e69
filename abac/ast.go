// SPDX-License-Identifier: Apache-2.0

package abac

// Span is a part of a condition's text: bytes Start to End, End excluded. Line and column
// follow with [Position].
type Span struct{ Start, End int }

// Expr is a condition or a part of one that has a truth value.
//
//sumtype:decl
type Expr interface {
	// Span returns where the expression stands in the text that was parsed.
	Span() Span
	isExpr()
}

// And holds if all of its terms hold. It has at least two.
type And struct {
	Terms []Expr
	At    Span
	mixed bool // written as a term of an OR without parentheses
}

// Or holds if one of its terms holds. It has at least two.
type Or struct {
	Terms []Expr
	At    Span
}

// Not holds if X does not.
type Not struct {
	X  Expr
	At Span
}

// ActionMatches holds if the operation that is asked for matches Pattern, by the rules of
// the actions of a role.
type ActionMatches struct {
	Pattern string
	At      Span
}

// SubOperationMatches holds if one of the suboperations of the request matches Pattern.
type SubOperationMatches struct {
	Pattern string
	At      Span
}

// Exists holds if the attribute is there.
type Exists struct {
	Attribute Attribute
	At        Span
}

// Compare compares two operands. Where Operator is not documented (see
// [Operator.Documented]), its value is not known.
type Compare struct {
	Left       Operand
	Quantifier Quantifier
	Operator   Operator
	OperatorAt Span
	Right      Operand
	At         Span
}

// UnknownFunction is a function form that no page documents, such as Name{'a', 'b'}. Its
// value is not known.
type UnknownFunction struct {
	Name string
	Args []Operand
	At   Span
}

// Span returns where the expression stands.
func (e *And) Span() Span { return e.At }

// Span returns where the expression stands.
func (e *Or) Span() Span { return e.At }

// Span returns where the expression stands.
func (e *Not) Span() Span { return e.At }

// Span returns where the expression stands.
func (e *ActionMatches) Span() Span { return e.At }

// Span returns where the expression stands.
func (e *SubOperationMatches) Span() Span { return e.At }

// Span returns where the expression stands.
func (e *Exists) Span() Span { return e.At }

// Span returns where the expression stands.
func (e *Compare) Span() Span { return e.At }

// Span returns where the expression stands.
func (e *UnknownFunction) Span() Span { return e.At }

func (*And) isExpr()                 {}
func (*Or) isExpr()                  {}
func (*Not) isExpr()                 {}
func (*ActionMatches) isExpr()       {}
func (*SubOperationMatches) isExpr() {}
func (*Exists) isExpr()              {}
func (*Compare) isExpr()             {}
func (*UnknownFunction) isExpr()     {}

// Operand is a side of a comparison.
//
//sumtype:decl
type Operand interface {
	// Span returns where the operand stands in the text that was parsed.
	Span() Span
	isOperand()
}

// Attribute names a value of the request: @Source[Name].
type Attribute struct {
	Source Source
	// Name is the text between the brackets, without blanks around it. Case does not count,
	// save in a key that is marked with <$key_case_sensitive$>.
	Name string
	At   Span
}

// StringLiteral is a text in single quotes.
type StringLiteral struct {
	// Value is the text with \' replaced by a quote. Other backslashes stand as written,
	// because the Like operators give them a meaning.
	Value string
	At    Span
}

// IntLiteral is a whole number.
type IntLiteral struct {
	Value int64
	At    Span
}

// BoolLiteral is true or false.
type BoolLiteral struct {
	Value bool
	At    Span
}

// GUIDLiteral is a GUID without quotes.
type GUIDLiteral struct {
	// Value has dashes and small letters, however it was written.
	Value string
	At    Span
}

// Set is a list of literals in braces.
type Set struct {
	// Items are literals; a set holds neither sets nor attributes.
	Items []Operand
	At    Span
}

// Span returns where the operand stands.
func (o Attribute) Span() Span { return o.At }

// Span returns where the operand stands.
func (o StringLiteral) Span() Span { return o.At }

// Span returns where the operand stands.
func (o IntLiteral) Span() Span { return o.At }

// Span returns where the operand stands.
func (o BoolLiteral) Span() Span { return o.At }

// Span returns where the operand stands.
func (o GUIDLiteral) Span() Span { return o.At }

// Span returns where the operand stands.
func (o Set) Span() Span { return o.At }

func (Attribute) isOperand()     {}
func (StringLiteral) isOperand() {}
func (IntLiteral) isOperand()    {}
func (BoolLiteral) isOperand()   {}
func (GUIDLiteral) isOperand()   {}
func (Set) isOperand()           {}

// Source says where an attribute comes from.
type Source uint8

// The sources of attributes
// (MicrosoftDocs/azure-docs articles/role-based-access-control/conditions-format.md#attributes).
const (
	Resource    Source = iota + 1 // the object that is accessed
	Request                       // what is asked for
	Principal                     // custom security attributes of the caller
	Environment                   // network and time
)

var sourceNames = [...]string{"", "Resource", "Request", "Principal", "Environment"}

// String returns the name as it stands after "@", or "" for no source.
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return ""
}

// ParseSource reads the name of a source in any letter case, without "@".
func ParseSource(name string) (Source, bool) {
	for i := Resource; i <= Environment; i++ {
		if isWord(name, sourceNames[i]) {
			return i, true
		}
	}
	return 0, false
}

// Walk calls f for e and every expression below it, parents first, in the order of the
// text.
func Walk(e Expr, f func(Expr)) {
	f(e)
	switch e := e.(type) {
	case *And:
		walkAll(e.Terms, f)
	case *Or:
		walkAll(e.Terms, f)
	case *Not:
		Walk(e.X, f)
	case *ActionMatches, *SubOperationMatches, *Exists, *Compare, *UnknownFunction:
	}
}

func walkAll(terms []Expr, f func(Expr)) {
	for _, t := range terms {
		Walk(t, f)
	}
}

// Equal reports whether two expressions are the same tree. Where they stand in a text does
// not count, nor how their values were written.
func Equal(a, b Expr) bool {
	switch a := a.(type) {
	case *And:
		b, ok := b.(*And)
		return ok && equalAll(a.Terms, b.Terms, Equal)
	case *Or:
		b, ok := b.(*Or)
		return ok && equalAll(a.Terms, b.Terms, Equal)
	case *Not:
		b, ok := b.(*Not)
		return ok && Equal(a.X, b.X)
	case *ActionMatches:
		b, ok := b.(*ActionMatches)
		return ok && a.Pattern == b.Pattern
	case *SubOperationMatches:
		b, ok := b.(*SubOperationMatches)
		return ok && a.Pattern == b.Pattern
	case *Exists:
		b, ok := b.(*Exists)
		return ok && equalOperand(a.Attribute, b.Attribute)
	case *Compare:
		b, ok := b.(*Compare)
		return ok && a.Quantifier == b.Quantifier && a.Operator == b.Operator &&
			equalOperand(a.Left, b.Left) && equalOperand(a.Right, b.Right)
	case *UnknownFunction:
		b, ok := b.(*UnknownFunction)
		return ok && a.Name == b.Name && equalAll(a.Args, b.Args, equalOperand)
	}
	return a == nil && b == nil
}

func equalOperand(a, b Operand) bool {
	switch a := a.(type) {
	case Attribute:
		b, ok := b.(Attribute)
		return ok && a.Source == b.Source && a.Name == b.Name
	case StringLiteral:
		b, ok := b.(StringLiteral)
		return ok && a.Value == b.Value
	case IntLiteral:
		b, ok := b.(IntLiteral)
		return ok && a.Value == b.Value
	case BoolLiteral:
		b, ok := b.(BoolLiteral)
		return ok && a.Value == b.Value
	case GUIDLiteral:
		b, ok := b.(GUIDLiteral)
		return ok && a.Value == b.Value
	case Set:
		b, ok := b.(Set)
		return ok && equalAll(a.Items, b.Items, equalOperand)
	}
	return a == nil && b == nil
}

func equalAll[T any](a, b []T, equal func(a, b T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
