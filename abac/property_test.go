// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mivet/mivet/arm"
)

func TestPrintParseProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t, 3)
		text := Print(e)
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !Equal(e, got) {
			t.Fatalf("%s becomes %s", text, Print(got))
		}
	})
}

func TestEvalProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t, 3)
		w := drawWorld(t, false)
		for _, mode := range []Mode{Strict, Compatible} {
			got, want := Compile(e).Eval(w.env(t, mode)), w.reference(e, false, mode)
			if got != want {
				t.Fatalf("%s\nmode %d in %v: %v, the reference has %v", Print(e), mode, w, got, want)
			}
		}
	})
}

// readings evaluates in a world without gaps by both readings of a failed comparison: it is
// false, or it is an error that Kleene's logic carries up, where it lets nobody in.
func (w world) readings(e Expr) (asFalse, asError Truth) {
	asFalse = w.reference(e, false, Compatible)
	asError = w.withErrors(e)
	if asError == failed {
		asError = False
	}
	return asFalse, asError
}

func (w world) withErrors(e Expr) Truth {
	combine := func(terms []Expr, decides Truth) Truth {
		result := decides.Not()
		for _, x := range terms {
			switch t := w.withErrors(x); {
			case t == decides || result == decides:
				result = decides
			case t == failed:
				result = failed
			case t == Unknown && result != failed:
				result = Unknown
			}
		}
		return result
	}
	switch e := e.(type) {
	case *And:
		return combine(e.Terms, False)
	case *Or:
		return combine(e.Terms, True)
	case *Not:
		t := w.withErrors(e.X)
		if t == failed {
			return failed
		}
		return t.Not()
	default:
		return w.leaf(e)
	}
}

func isDecided(e Expr, w world) bool {
	decided := true
	Walk(e, func(x Expr) {
		switch x.(type) {
		case *And, *Or, *Not:
		default:
			decided = decided && w.leaf(x) != Unknown
		}
	})
	return decided
}

// Strict answers exactly where the two readings of a failed comparison agree.
func TestStrictProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t, 3)
		w := drawWorld(t, true)
		if !isDecided(e, w) {
			return
		}
		asFalse, asError := w.readings(e)
		want := asFalse
		if asFalse != asError {
			want = Unknown
		}
		if got := Compile(e).Eval(w.env(t, Strict)); got != want {
			t.Fatalf("%s in %v: %v; read as false %v, as error %v", Print(e), w, got, asFalse, asError)
		}
	})
}

// fill adds what a world does not know.
func (w world) fill(t *rapid.T) world {
	full := drawWorld(t, true)
	out := world{operation: w.operation, values: map[string][]any{}}
	if out.operation == "" {
		out.operation = full.operation
	}
	for k, v := range full.values {
		out.values[k] = v
		if own, ok := w.values[k]; ok {
			out.values[k] = own
		}
	}
	return out
}

// What is True or False with gaps is so however they are filled, and the residual has the
// value of the whole.
func TestResidualProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t, 3)
		w := drawWorld(t, false)
		mode := Mode(rapid.IntRange(0, 1).Draw(t, "mode"))
		c := Compile(e)
		part, before := w.env(t, mode), c.Eval(w.env(t, mode))
		r := c.Residual(part)
		if r.Truth != before || (r.Truth == Unknown) != (r.Expr != nil) || (r.Truth == Unknown) != (len(r.Needs) > 0) {
			t.Fatalf("%s in %v: Eval %v, residual %v %v %v", c, w, before, r.Truth, r, r.Needs)
		}
		full := w.fill(t).env(t, mode)
		after := c.Eval(full)
		if before != Unknown && after != before {
			t.Fatalf("%s in %v: %v, and %v when the gaps are filled", c, w, before, after)
		}
		if r.Expr != nil {
			if got := Compile(r.Expr).Eval(full); got != after {
				t.Fatalf("%s in %v\nleaves %s: %v, whole %v", c, w, r, got, after)
			}
		}
		checkNeeds(t, c, w, mode, r)
	})
}

// checkNeeds gives everything that is needed; if that was all, the condition is decided.
func checkNeeds(t *rapid.T, c *Condition, w world, mode Mode, r Residual) {
	env := w.env(t, mode)
	for _, n := range r.Needs {
		switch n.Kind {
		case NeedAttribute:
			env.SetAbsent(n.Attribute.Source, n.Attribute.Name)
		case NeedSubOperations:
			env.SetSubOperations()
		case NeedOperation:
			env.Operation = operationOf("P.a/c/read")
		case NeedSemantics:
			return
		}
	}
	after := c.Residual(env)
	for _, n := range after.Needs {
		if n.Kind != NeedSemantics {
			t.Fatalf("%s: needs %v, and with them still %v", c, r.Needs, n)
		}
	}
}

// Explain agrees with Eval, and the value follows from the decisive leaves alone.
func TestExplainProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t, 3)
		env := drawWorld(t, false).env(t, Mode(rapid.IntRange(0, 1).Draw(t, "mode")))
		c := Compile(e)
		trace := c.Explain(env)
		if trace.Truth != c.Eval(env) || len(trace.Leaves) != len(c.leaves) {
			t.Fatalf("%s: %v with %d leaves, Eval %v with %d", c, trace.Truth, len(trace.Leaves), c.Eval(env), len(c.leaves))
		}
		outcomes := make([]outcome, len(trace.Leaves))
		for i, l := range trace.Leaves {
			outcomes[i].truth = l.Truth
			if !l.Decisive {
				outcomes[i].truth = rapid.SampledFrom([]Truth{False, True}).Draw(t, "other")
			}
		}
		got := c.root.evalOutcomes(outcomes, false)
		if trace.Truth != Unknown && got != trace.Truth {
			t.Fatalf("%s: %v, and %v with other values of what is not decisive", c, trace.Truth, got)
		}
	})
}

// What Lint calls constant is so in every request.
func TestConstantProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t, 3)
		c := Compile(e)
		w := drawWorld(t, true)
		got := c.Eval(w.env(t, Strict))
		for _, trial := range c.constants() {
			op := w
			if trial.leaf == nil {
				op.operation = "Q.z/none"
			} else {
				op.operation = trial.leaf.action.String()
			}
			want := map[verdict]Truth{always: True, never: False, varies: Unknown}[trial.verdict]
			if t2 := c.Eval(op.env(t, Strict)); want != Unknown && t2 != want && t2 != Unknown {
				t.Fatalf("%s for %s: verdict %d, in %v %v", c, op.operation, trial.verdict, op, t2)
			}
		}
		for _, f := range Lint(e, LintContext{}) {
			if f.ID == "always-true" && got == False || f.ID == "never-true" && got == True {
				t.Fatalf("%s: %s, in %v %v", c, f.ID, w, got)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		delegationText, blobReadText, `@Resource[HasObotoken] boolequals true && (!Exists @Request[x])`,
		`{'a\'b', -5, true, 08d4c71acc634ce4a9c85dd251b4d619} ForAnyOfAnyValues:StringLike {'\\*'}`,
		`Foo{'x'} or @Environment[UtcNow] TimeOfDay:Less '1'`, "((((", "@", "'", "!!!NOT", "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			var se *SyntaxError
			if !errors.As(err, &se) || se.Offset < 0 || se.Offset > len(text) || se.Line < 1 || se.Column < 1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		printed := Print(e)
		again, err := Parse(printed)
		if err != nil {
			if len(printed) > MaxLength {
				return // the canonical form may be longer than what was read
			}
			t.Fatalf("%q prints as %q: %v", text, printed, err)
		}
		if !Equal(e, again) {
			t.Fatalf("%q prints as %q, another tree", text, printed)
		}
		Lint(e, LintContext{Text: text})
	})
}

func FuzzEval(f *testing.F) {
	f.Add(delegationText, "a", byte(1))
	f.Add(`@Resource[a] StringLikeIgnoreCase @Request[b] AND !(@Request[a] NumericLessThan 5)`, "1", byte(0x5b))
	f.Add(`@Resource[a] ForAnyOfAllValues:GuidNotEquals {'x'} OR Exists @Resource[b]`, "2022-06-01T00:00:00Z", byte(0x1f))
	f.Fuzz(func(t *testing.T, text, value string, bits byte) {
		e, err := Parse(text)
		if err != nil || strings.ToValidUTF8(value, "") != value || strings.Contains(string(arm.Fold(text)), "/tables/record:") {
			return
		}
		w := world{values: map[string][]any{}}
		if bits&1 == 1 {
			w.operation = "P.a/b/read"
		}
		for i, a := range Compile(e).Attributes() {
			key := a.Source.String() + " " + string(AttributeKey(a.Name))
			switch (int(bits>>1) + i) % 5 {
			case 0:
				w.values[key] = nil
			case 1:
				w.values[key] = []any{value}
			case 2:
				w.values[key] = []any{value, "a"}
			case 3:
				w.values[key] = []any{5}
			default:
			}
		}
		for _, mode := range []Mode{Strict, Compatible} {
			if got, want := Compile(e).Eval(w.env(t, mode)), w.reference(e, false, mode); got != want {
				t.Fatalf("%q in %v, mode %d: %v, the reference has %v", text, w, mode, got, want)
			}
		}
	})
}
