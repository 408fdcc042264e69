// SPDX-License-Identifier: Apache-2.0

package bicep

// A Node is a part of the tree of a text.
type Node interface {
	// Place is the stretch of text that the node stands for.
	Place() Span
}

// Place makes every type that embeds a Span a Node.
func (s Span) Place() Span { return s }

// A File is the tree of one text.
type File struct {
	Name        string // as the loader knows it
	Source      string
	Parameters  bool // a .bicepparam file
	Statements  []Statement
	Diagnostics []Diagnostic // faults of letters and grammar, in the order of the text
	lines       lineTable
}

// Position is the line and column of a byte offset, both from 1; columns count bytes.
func (f *File) Position(offset int) (line, column int) { return f.lines.position(offset) }

// A Name is an identifier. One that is missing in the text is empty.
type Name struct {
	Span
	Text string
}

// A Statement is a declaration at the top of a file, or a resource nested in another.
type Statement interface {
	Node
	decorators() []Decorator
}

// Decorators of a statement; embedding it makes a type a Statement.
type Decorators struct{ List []Decorator }

func (d Decorators) decorators() []Decorator { return d.List }

// A Decorator stands before the statement or the type that it says something of: @secure().
type Decorator struct {
	Span
	Call Expr // a Call or MethodCall where it is well-formed
}

type (
	// TargetScope says at which scope the file is deployed.
	TargetScope struct {
		Span
		Decorators
		Value Expr
	}
	// Metadata is a note in the file.
	Metadata struct {
		Span
		Decorators
		Name  Name
		Value Expr
	}
	// Param declares a parameter; in a parameter file it gives one its value, in Default, and has no type.
	Param struct {
		Span
		Decorators
		Name    Name
		Type    Expr
		Default Expr // nil: none
	}
	// Var declares a variable.
	Var struct {
		Span
		Decorators
		Name  Name
		Type  Expr // nil: none
		Value Expr
	}
	// TypeDecl gives a type a name.
	TypeDecl struct {
		Span
		Decorators
		Name  Name
		Value Expr
	}
	// Func declares a function.
	Func struct {
		Span
		Decorators
		Name   Name
		Params []TypedName
		Result Expr
		Body   Expr
	}
	// Resource declares a resource. Its body is an Object, an If, a For, or Bad.
	Resource struct {
		Span
		Decorators
		Name     Name
		Type     Expr // a String where it is well-formed
		Existing bool
		Body     Expr
	}
	// Module deploys another file. Its body is an Object, an If, a For, or Bad.
	Module struct {
		Span
		Decorators
		Name Name
		Path Expr
		Body Expr
	}
	// Test names a file and parameters to try it with. It deploys nothing.
	Test struct {
		Span
		Decorators
		Name Name
		Path Expr
		Body Expr
	}
	// Assert states what must hold.
	Assert struct {
		Span
		Decorators
		Name  Name
		Value Expr
	}
	// Output declares an output.
	Output struct {
		Span
		Decorators
		Name  Name
		Type  Expr
		Value Expr
	}
	// Extension brings in resource types from outside Azure Resource Manager; Config stands behind with.
	Extension struct {
		Span
		Decorators
		Spec   Expr // String or Ident
		Config Expr // nil: none
		Alias  Name
	}
	// Import takes exported names of another file.
	Import struct {
		Span
		Decorators
		Items    []ImportItem
		Wildcard Name // * as name
		From     Expr
	}
	// Using names the template that a parameter file is for.
	Using struct {
		Span
		Decorators
		None   bool
		Path   Expr // nil with None
		Config Expr // nil: none
	}
	// Extends names the parameter file whose values hold where this one gives none.
	Extends struct {
		Span
		Decorators
		Path Expr
	}
	// ExtensionConfig configures an extension in a parameter file.
	ExtensionConfig struct {
		Span
		Decorators
		Alias  Name
		Config Expr
	}
	// BadStatement is text that is no statement.
	BadStatement struct {
		Span
		Decorators
	}
)

// ImportItem is one name of an import list.
type ImportItem struct {
	Span
	Name  string // in the other file
	Alias Name   // in this file; the same where no alias is given
}

// TypedName is a parameter of a function.
type TypedName struct {
	Span
	Name Name
	Type Expr
}

// Expr is an expression, or the expression of a type.
type Expr interface {
	Node
	expr()
}

// Decorated is a type with decorators, in an object or tuple type.
type Decorated struct {
	Decorators
	Key  Expr // of an object type: Ident or String; nil for * and in tuples
	Any  bool // the entry * of an object type
	Type Expr
}

// Item is an entry of an array or object.
type Item struct {
	Span
	Spread   bool
	Key      Expr // of an object: String, or Ident for a name without quotes; nil otherwise
	Value    Expr // nil with Resource
	Resource *Resource
}

type (
	// String is text with holes: Parts[0] Holes[0] Parts[1] … . Parts are one more than Holes.
	String struct {
		Span
		Parts []string
		Holes []Expr
	}
	// Int is a whole number.
	Int struct {
		Span
		Value uint64
	}
	// Bool is true or false.
	Bool struct {
		Span
		Value bool
	}
	// Null is null.
	Null struct{ Span }
	// Ident is a name, of a value or of a type.
	Ident struct {
		Span
		Name string
	}
	// Array is a list.
	Array struct {
		Span
		Items []Item
	}
	// Object is a list of properties and, in the body of a resource, of nested resources.
	Object struct {
		Span
		Items []Item
	}
	// Call calls a function by its name.
	Call struct {
		Span
		Name Name
		Args []Expr
	}
	// MethodCall calls a function of a namespace or a value: az.resourceGroup(), vault.getSecret('x').
	MethodCall struct {
		Span
		Base Expr
		Name Name
		Args []Expr
	}
	// Property is base.name, or base.?name.
	Property struct {
		Span
		Base Expr
		Safe bool
		Name Name
	}
	// Index is base[index], base[?index], base[^index] or base[?^index].
	Index struct {
		Span
		Base    Expr
		Safe    bool
		FromEnd bool
		Index   Expr
	}
	// Nested is base::name, a resource nested in another.
	Nested struct {
		Span
		Base Expr
		Name Name
	}
	// NonNull is base!, a promise that base is not null; of a type too.
	NonNull struct {
		Span
		Base Expr
	}
	// Unary is an operator before its operand.
	Unary struct {
		Span
		Op   Kind
		Base Expr
	}
	// Binary is an operator between operands.
	Binary struct {
		Span
		Op          Kind
		Left, Right Expr
	}
	// Ternary is cond ? yes : no.
	Ternary struct {
		Span
		Cond, Yes, No Expr
	}
	// Paren is an expression in parentheses.
	Paren struct {
		Span
		Inner Expr
	}
	// Lambda is a function without name.
	Lambda struct {
		Span
		Params []Name
		Body   Expr
	}
	// For makes a list of its body, once for each item.
	For struct {
		Span
		Item  Name
		Index Name // empty: none
		In    Expr
		Body  Expr
	}
	// If is the body of a resource or module that is there only under a condition.
	If struct {
		Span
		Cond Expr
		Body Expr
	}
	// Bad is text that is no expression.
	Bad struct{ Span }
)

// What only types are made of.
type (
	// Union is one type of several.
	Union struct {
		Span
		Members []Expr
	}
	// Nullable is a type or null.
	Nullable struct {
		Span
		Base Expr
	}
	// ArrayOf is a list of one type.
	ArrayOf struct {
		Span
		Item Expr
	}
	// ObjectType lists properties.
	ObjectType struct {
		Span
		Entries []Decorated
	}
	// TupleType lists items.
	TupleType struct {
		Span
		Entries []Decorated
	}
	// Generic is a type with arguments: resourceInput<'…'>. Base is nil or the namespace.
	Generic struct {
		Span
		Base Expr
		Name Name
		Args []Expr
	}
	// Element is the type of the items or of the other properties of a type: base[*], base.*.
	Element struct {
		Span
		Base Expr
		Star Kind // LeftSquare or Dot
	}
	// ResourceType is a resource as a type.
	ResourceType struct {
		Span
		Type Expr // nil: any
	}
)

func (*String) expr()       {}
func (*Int) expr()          {}
func (*Bool) expr()         {}
func (*Null) expr()         {}
func (*Ident) expr()        {}
func (*Array) expr()        {}
func (*Object) expr()       {}
func (*Call) expr()         {}
func (*MethodCall) expr()   {}
func (*Property) expr()     {}
func (*Index) expr()        {}
func (*Nested) expr()       {}
func (*NonNull) expr()      {}
func (*Unary) expr()        {}
func (*Binary) expr()       {}
func (*Ternary) expr()      {}
func (*Paren) expr()        {}
func (*Lambda) expr()       {}
func (*For) expr()          {}
func (*If) expr()           {}
func (*Bad) expr()          {}
func (*Union) expr()        {}
func (*Nullable) expr()     {}
func (*ArrayOf) expr()      {}
func (*ObjectType) expr()   {}
func (*TupleType) expr()    {}
func (*Generic) expr()      {}
func (*Element) expr()      {}
func (*ResourceType) expr() {}
