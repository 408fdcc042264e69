// SPDX-License-Identifier: Apache-2.0

package abac

// Operator is the name of a comparison, without quantifier, in its canonical spelling
// ("StringEquals"). A name that no page documents stands as it was written.
type Operator string

// Documented reports whether a public page says what the operator means.
func (o Operator) Documented() bool {
	_, ok := lookupOperator(string(o))
	return ok
}

// Quantifier says how a comparison runs over several values.
type Quantifier uint8

// The quantifiers. The left word counts values on the left of the operator, the right word
// values on its right
// (MicrosoftDocs/azure-docs articles/role-based-access-control/conditions-format.md#cross-product-comparison-operators).
const (
	NoQuantifier      Quantifier = iota
	ForAnyOfAnyValues            // some value on the left, some on the right
	ForAllOfAnyValues            // each value on the left, some on the right
	ForAnyOfAllValues            // some value on the left, each on the right
	ForAllOfAllValues            // each value on the left, each on the right
)

var quantifierNames = [...]string{"", "ForAnyOfAnyValues", "ForAllOfAnyValues", "ForAnyOfAllValues", "ForAllOfAllValues"}

// String returns the quantifier as it stands before the colon, or "" for none.
func (q Quantifier) String() string {
	if int(q) < len(quantifierNames) {
		return quantifierNames[q]
	}
	return ""
}

func (q Quantifier) allLeft() bool  { return q == ForAllOfAnyValues || q == ForAllOfAllValues }
func (q Quantifier) allRight() bool { return q == ForAnyOfAllValues || q == ForAllOfAllValues }

func lookupQuantifier(name string) (Quantifier, bool) {
	for q := ForAnyOfAnyValues; q <= ForAllOfAllValues; q++ {
		if isWord(name, quantifierNames[q]) {
			return q, true
		}
	}
	return NoQuantifier, false
}

// family is the type that an operator compares.
type family uint8

const (
	ofString family = iota
	ofInt
	ofTime
	ofBool
	ofGUID
)

var familyNames = [...]string{"string", "whole number", "date", "boolean", "GUID"}

func (f family) String() string { return familyNames[f] }

// relation is what an operator asks of two values.
type relation uint8

const (
	equals relation = iota
	less
	lessEquals
	greater
	greaterEquals
	startsWith
	endsWith
	contains
	isLike
	hasTerm // StringLike on a column of Log Analytics; has no name of its own
)

// operator is what is known of a documented operator.
type operator struct {
	name       Operator
	family     family
	relation   relation
	negated    bool
	ignoreCase bool
	quantified bool // documented with quantifiers
	keyVault   bool // documented for Key Vault alone
}

// operators lists every documented operator.
//
// The quantified forms are those of the table "cross product comparison operators" of
// conditions-format.md: no page shows one with StartsWith, DateTime or Bool. The four
// operators of Key Vault have neither a form that ignores case nor a quantified one
// (MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-abac.md#supported-operators).
var operators = [...]operator{
	{"StringEquals", ofString, equals, false, false, true, false},
	{"StringEqualsIgnoreCase", ofString, equals, false, true, true, false},
	{"StringNotEquals", ofString, equals, true, false, true, false},
	{"StringNotEqualsIgnoreCase", ofString, equals, true, true, true, false},
	{"StringLike", ofString, isLike, false, false, true, false},
	{"StringLikeIgnoreCase", ofString, isLike, false, true, true, false},
	{"StringNotLike", ofString, isLike, true, false, true, false},
	{"StringNotLikeIgnoreCase", ofString, isLike, true, true, true, false},
	{"StringStartsWith", ofString, startsWith, false, false, false, false},
	{"StringStartsWithIgnoreCase", ofString, startsWith, false, true, false, false},
	{"StringNotStartsWith", ofString, startsWith, true, false, false, false},
	{"StringNotStartsWithIgnoreCase", ofString, startsWith, true, true, false, false},
	{"StringEndsWith", ofString, endsWith, false, false, false, true},
	{"StringNotEndsWith", ofString, endsWith, true, false, false, true},
	{"StringContains", ofString, contains, false, false, false, true},
	{"StringNotContains", ofString, contains, true, false, false, true},
	{"NumericEquals", ofInt, equals, false, false, true, false},
	{"NumericNotEquals", ofInt, equals, true, false, true, false},
	{"NumericLessThan", ofInt, less, false, false, true, false},
	{"NumericLessThanEquals", ofInt, lessEquals, false, false, true, false},
	{"NumericGreaterThan", ofInt, greater, false, false, true, false},
	{"NumericGreaterThanEquals", ofInt, greaterEquals, false, false, true, false},
	{"DateTimeEquals", ofTime, equals, false, false, false, false},
	{"DateTimeNotEquals", ofTime, equals, true, false, false, false},
	{"DateTimeLessThan", ofTime, less, false, false, false, false},
	{"DateTimeLessThanEquals", ofTime, lessEquals, false, false, false, false},
	{"DateTimeGreaterThan", ofTime, greater, false, false, false, false},
	{"DateTimeGreaterThanEquals", ofTime, greaterEquals, false, false, false, false},
	{"BoolEquals", ofBool, equals, false, false, false, false},
	{"BoolNotEquals", ofBool, equals, true, false, false, false},
	{"GuidEquals", ofGUID, equals, false, false, true, false},
	{"GuidNotEquals", ofGUID, equals, true, false, true, false},
}

func lookupOperator(name string) (operator, bool) {
	for i := range operators {
		if isWord(name, string(operators[i].name)) {
			return operators[i], true
		}
	}
	return operator{}, false
}
