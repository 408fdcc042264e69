// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/mivet/mivet/arm"
)

// world is a request for the reference evaluator. A nil value is absent; a name that is
// missing is not known.
type world struct {
	operation string
	values    map[string][]any // "Source name", folded
}

func (w world) env(tb interface{ Fatal(...any) }, mode Mode) *Env {
	e := &Env{Mode: mode}
	if w.operation != "" {
		o, err := arm.ParseOperation(w.operation)
		if err != nil {
			tb.Fatal(err)
		}
		e.Operation = o
	}
	for key, list := range w.values {
		word, name, _ := strings.Cut(key, " ")
		source, _ := ParseSource(word)
		if list == nil {
			e.SetAbsent(source, name)
			continue
		}
		values := make([]Value, len(list))
		for i, v := range list {
			values[i] = referenceValue(v)
		}
		if len(values) == 1 {
			e.Set(source, name, values[0])
		} else {
			e.Set(source, name, List(values...))
		}
	}
	return e
}

func referenceValue(v any) Value {
	switch v := v.(type) {
	case string:
		return String(v)
	case int:
		return Int(int64(v))
	case bool:
		return Bool(v)
	case time.Time:
		return Time(v)
	default:
		panic(fmt.Sprintf("no value: %v", v))
	}
}

// failed marks a comparison that could not be made.
const failed = Truth(9)

// reference evaluates by first moving every negation down to the leaves, which it asks for
// their plain value. It shares no code with Condition.
func (w world) reference(e Expr, negated bool, mode Mode) Truth {
	switch e := e.(type) {
	case *Not:
		return w.reference(e.X, !negated, mode)
	case *And:
		return w.referenceTerms(e.Terms, negated, mode, !negated)
	case *Or:
		return w.referenceTerms(e.Terms, negated, mode, negated)
	default:
		t := w.leaf(e)
		switch {
		case t == failed && !negated:
			return False
		case t == failed && mode == Strict:
			return Unknown
		case t == failed:
			return True
		case t == Unknown:
			return Unknown
		}
		return TruthOf((t == True) != negated)
	}
}

func (w world) referenceTerms(terms []Expr, negated bool, mode Mode, conjunction bool) Truth {
	count := map[Truth]int{}
	for _, x := range terms {
		count[w.reference(x, negated, mode)]++
	}
	switch {
	case conjunction && count[False] > 0:
		return False
	case !conjunction && count[True] > 0:
		return True
	case count[Unknown] > 0:
		return Unknown
	default:
		return TruthOf(conjunction)
	}
}

func (w world) leaf(e Expr) Truth {
	switch e := e.(type) {
	case *ActionMatches:
		p, err := arm.ParsePattern(e.Pattern)
		if err != nil || w.operation == "" {
			return Unknown
		}
		o, _ := arm.ParseOperation(w.operation)
		return TruthOf(p.Matches(o))
	case *SubOperationMatches:
		list, known := w.lookup(Attribute{Source: Request, Name: "subOperation"})
		if !known {
			return Unknown
		}
		for _, v := range list {
			if s, ok := v.(string); ok && globMatches(e.Pattern, s, true) {
				return True
			}
		}
		return False
	case *Exists:
		list, known := w.lookup(e.Attribute)
		if !known || list != nil && len(list) == 0 {
			return Unknown
		}
		return TruthOf(list != nil)
	case *Compare:
		return w.comparison(e)
	default:
		return Unknown
	}
}

func (w world) lookup(a Attribute) (values []any, known bool) {
	values, known = w.values[a.Source.String()+" "+string(AttributeKey(a.Name))]
	return values, known
}

var referenceName = regexp.MustCompile(`^(String|Numeric|DateTime|Bool|Guid)(Not)?(Equals|StartsWith|EndsWith|Contains|Like|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)(IgnoreCase)?$`)

func (w world) comparison(e *Compare) Truth {
	m := referenceName.FindStringSubmatch(string(e.Operator))
	if m == nil || !e.Operator.Documented() {
		return Unknown
	}
	family, not, relation, fold := m[1], m[2] != "", m[3], m[4] != ""
	if e.Quantifier != NoQuantifier && (family == "DateTime" || family == "Bool" || strings.HasSuffix(relation, "With") || relation == "Contains") {
		return Unknown
	}
	left, leftKnown := w.operand(e.Left)
	right, rightKnown := w.operand(e.Right)
	for _, o := range []Operand{e.Left, e.Right} {
		if _, ok := o.(Attribute); !ok {
			list, _ := w.operand(o)
			for _, v := range list {
				if convert(family, v) == nil {
					return failed
				}
			}
		}
	}
	switch {
	case leftKnown && left == nil, rightKnown && right == nil:
		return failed
	case !leftKnown || !rightKnown:
		return Unknown
	}
	if e.Quantifier == NoQuantifier {
		if len(left) == 0 || len(right) == 0 {
			return failed
		}
		if len(left) > 1 || len(right) > 1 {
			return Unknown
		}
	}
	var table [][]bool
	for _, l := range left {
		row := []bool{}
		if convert(family, l) == nil {
			return failed
		}
		for _, r := range right {
			a, b := convert(family, l), convert(family, r)
			if b == nil {
				return failed
			}
			row = append(row, relate(relation, fold, a, b) != not)
		}
		table = append(table, row)
	}
	return TruthOf(quantify(e.Quantifier, table))
}

func quantify(q Quantifier, table [][]bool) bool {
	left, right := true, true // each
	switch q {
	case ForAnyOfAllValues:
		left = false
	case ForAllOfAnyValues:
		right = false
	case ForAllOfAllValues:
	default:
		left, right = false, false
	}
	count := 0
	for _, row := range table {
		n := 0
		for _, holds := range row {
			if holds {
				n++
			}
		}
		if right && n == len(row) || !right && n > 0 {
			count++
		}
	}
	return left && count == len(table) || !left && count > 0
}

func (w world) operand(o Operand) (values []any, known bool) {
	switch o := o.(type) {
	case Attribute:
		return w.lookup(o)
	case StringLiteral:
		return []any{o.Value}, true
	case IntLiteral:
		return []any{int(o.Value)}, true
	case BoolLiteral:
		return []any{o.Value}, true
	case GUIDLiteral:
		return []any{o.Value}, true
	case Set:
		values = []any{}
		for _, item := range o.Items {
			v, _ := w.operand(item)
			values = append(values, v...)
		}
		return values, true
	}
	return nil, false
}

var (
	referenceGUID = regexp.MustCompile(`^([0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$`)
	referenceDate = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,7})?Z$`)
	referenceInt  = regexp.MustCompile(`^-?[0-9]{1,19}$`)
)

// convert returns nil for a value of the wrong type.
func convert(family string, v any) any {
	s, isString := v.(string)
	switch family {
	case "String":
		if isString {
			return s
		}
	case "Numeric":
		if n, ok := v.(int); ok {
			return big.NewInt(int64(n))
		}
		if n, ok := new(big.Int).SetString(s, 10); ok && isString && referenceInt.MatchString(s) && n.IsInt64() {
			return n
		}
	case "Bool":
		if b, ok := v.(bool); ok {
			return fmt.Sprint(b)
		}
		if l := string(arm.Fold(s)); isString && (l == "true" || l == "false") {
			return l
		}
	case "DateTime":
		if d, ok := v.(time.Time); ok {
			return d
		}
		if d, err := time.Parse(time.RFC3339, s); err == nil && isString && referenceDate.MatchString(s) {
			return d
		}
	case "Guid":
		last := s[strings.LastIndex(s, "/")+1:]
		if isString && referenceGUID.MatchString(last) {
			return strings.ToLower(strings.ReplaceAll(last, "-", ""))
		}
	}
	return nil
}

func relate(relation string, fold bool, a, b any) bool {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return relateText(relation, fold, a, b)
		}
	case *big.Int:
		if b, ok := b.(*big.Int); ok {
			return relateOrder(relation, a.Cmp(b))
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return relateOrder(relation, a.Compare(b))
		}
	}
	panic(fmt.Sprintf("%v and %v cannot be compared", a, b))
}

func relateText(relation string, fold bool, a, b string) bool {
	if relation == "Like" {
		return globMatches(b, a, fold)
	}
	if fold {
		a, b = string(arm.Fold(a)), string(arm.Fold(b))
	}
	switch relation {
	case "StartsWith":
		return strings.HasPrefix(a, b)
	case "EndsWith":
		return strings.HasSuffix(a, b)
	case "Contains":
		return strings.Contains(a, b)
	default:
		return a == b
	}
}

func relateOrder(relation string, order int) bool {
	switch relation {
	case "LessThan":
		return order < 0
	case "LessThanEquals":
		return order <= 0
	case "GreaterThan":
		return order > 0
	case "GreaterThanEquals":
		return order >= 0
	default:
		return order == 0
	}
}

// globMatches turns the pattern into a regular expression.
func globMatches(pattern, s string, fold bool) bool {
	if fold {
		pattern, s = string(arm.Fold(pattern)), string(arm.Fold(s))
	}
	var b strings.Builder
	b.WriteString(`(?s)^`)
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '*':
			b.WriteString(`.*`)
		case r == '?':
			b.WriteString(`.`)
		case r == '\\' && i+1 < len(runes) && strings.ContainsRune(`*?\`, runes[i+1]):
			i++
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(b.String() + `$`).MatchString(s)
}

// Generators.

var (
	drawName   = rapid.SampledFrom([]string{"a", "B", "x/tags:K<$key_case_sensitive$>", "x/tags&$keys$&", "subOperation"})
	drawSource = rapid.SampledFrom([]Source{Resource, Request, Principal, Environment})
	drawText   = rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b", "A", "é", "*", "?", `\*`, `\?`, `\\`, "'", " ", "/", "{", "1",
		}), 0, 5).Draw(t, "parts")
		return strings.Join(parts, "")
	})
	drawWord = rapid.SampledFrom([]string{
		"a", "b", "5", "-1", "true", "False", "2022-06-01T00:00:00.0Z", "2022-06-02T00:00:00Z",
		"b24988ac-6180-42a0-ab88-20f7382dd24c", "x/B24988AC618042A0AB8820F7382DD24C",
	})
	drawOperation = rapid.SampledFrom([]string{"", "P.a/b/read", "P.a/b/write", "P.a/c/read"})
	drawPattern   = rapid.SampledFrom([]string{"P.a/b/read", "P.a/b/*", "*/read", "*", "p.A/*/read", ""})
	drawOperator  = rapid.Custom(func(t *rapid.T) Operator {
		i := rapid.IntRange(-2, len(operators)-1).Draw(t, "operator")
		if i < 0 {
			return "IpMatch"
		}
		return operators[i].name
	})
)

func drawAttribute(t *rapid.T) Attribute {
	return Attribute{Source: drawSource.Draw(t, "source"), Name: drawName.Draw(t, "name")}
}

func drawLiteral(t *rapid.T) Operand {
	switch rapid.IntRange(0, 5).Draw(t, "literal") {
	case 0:
		return IntLiteral{Value: int64(rapid.IntRange(-2, 6).Draw(t, "int"))}
	case 1:
		return BoolLiteral{Value: rapid.Bool().Draw(t, "bool")}
	case 2:
		return GUIDLiteral{Value: "b24988ac-6180-42a0-ab88-20f7382dd24c"}
	case 3:
		return StringLiteral{Value: drawText.Draw(t, "text")}
	default:
		return StringLiteral{Value: drawWord.Draw(t, "word")}
	}
}

func drawOperand(t *rapid.T) Operand {
	switch rapid.IntRange(0, 3).Draw(t, "operand") {
	case 0:
		return drawLiteral(t)
	case 1:
		n := rapid.IntRange(1, 3).Draw(t, "n")
		items := make([]Operand, n)
		for i := range items {
			items[i] = drawLiteral(t)
		}
		return Set{Items: items}
	default:
		return drawAttribute(t)
	}
}

func drawExpr(t *rapid.T, depth int) Expr {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 {
		kind = max(kind, 3)
	}
	switch kind {
	case 0, 1:
		terms := make([]Expr, rapid.IntRange(2, 3).Draw(t, "terms"))
		for i := range terms {
			terms[i] = drawExpr(t, depth-1)
		}
		if kind == 0 {
			return &And{Terms: terms}
		}
		return &Or{Terms: terms}
	case 2:
		return &Not{X: drawExpr(t, depth-1)}
	case 3:
		return &ActionMatches{Pattern: drawPattern.Draw(t, "pattern")}
	case 4:
		return &SubOperationMatches{Pattern: drawText.Draw(t, "pattern")}
	case 5:
		return &Exists{Attribute: drawAttribute(t)}
	case 6:
		return &UnknownFunction{Name: "Foo", Args: []Operand{drawLiteral(t)}}
	default:
		return &Compare{
			Left:       drawOperand(t),
			Quantifier: Quantifier(rapid.IntRange(0, 4).Draw(t, "quantifier")),
			Operator:   drawOperator.Draw(t, "operator"),
			Right:      drawOperand(t),
		}
	}
}

// drawWorld knows each attribute, knows that it is absent, or does not know it.
func drawWorld(t *rapid.T, complete bool) world {
	w := world{operation: drawOperation.Draw(t, "operation"), values: map[string][]any{}}
	if complete && w.operation == "" {
		w.operation = "P.a/c/read"
	}
	for _, s := range []Source{Resource, Request, Principal, Environment} {
		for _, name := range []string{"a", "b", "x/tags:K<$key_case_sensitive$>", "x/tags&$keys$&", "suboperation"} {
			kind := rapid.IntRange(0, 6).Draw(t, "presence")
			if complete {
				kind = max(kind, 1)
			}
			key := s.String() + " " + name
			switch kind {
			case 0:
			case 1:
				w.values[key] = nil
			default:
				n := max(0, rapid.IntRange(-2, 2).Draw(t, "size")+1)
				w.values[key] = make([]any, n)
				for i := range n {
					w.values[key][i] = drawValue(t)
				}
			}
		}
	}
	return w
}

func drawValue(t *rapid.T) any {
	switch rapid.IntRange(0, 5).Draw(t, "value") {
	case 0:
		return rapid.IntRange(-2, 6).Draw(t, "int")
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return time.Date(2022, 6, rapid.IntRange(1, 2).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
	case 3:
		return drawText.Draw(t, "text")
	default:
		return drawWord.Draw(t, "word")
	}
}
