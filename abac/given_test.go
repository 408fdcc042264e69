// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"strings"
	"testing"

	"github.com/mivet/mivet/arm"
)

func mustParse(tb testing.TB, text string) Expr {
	tb.Helper()
	e, err := Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func mustCompile(tb testing.TB, text string) *Condition {
	tb.Helper()
	return Compile(mustParse(tb, text))
}

func operationFor(tb testing.TB, name string) arm.Operation {
	tb.Helper()
	o, err := arm.ParseOperation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

// given sets attributes from pairs of "Source name" and a value of the kinds that
// encoding/json decodes, or a Value; nil is absent.
func given(tb testing.TB, env *Env, pairs ...any) *Env {
	tb.Helper()
	for i := 0; i < len(pairs); i += 2 {
		what, _ := pairs[i].(string)
		word, name, _ := strings.Cut(what, " ")
		source, ok := ParseSource(word)
		if !ok {
			tb.Fatalf("no source %q", word)
		}
		switch v := pairs[i+1].(type) {
		case nil:
			env.SetAbsent(source, name)
		case Value:
			env.Set(source, name, v)
		default:
			value, err := ValueOf(v)
			if err != nil {
				tb.Fatal(err)
			}
			env.Set(source, name, value)
		}
	}
	return env
}

// closedWorld returns a request whose attributes are all given.
func closedWorld(tb testing.TB, operation string, pairs ...any) *Env {
	tb.Helper()
	env := &Env{}
	if operation != "" {
		env.Operation = operationFor(tb, operation)
	}
	env.Close()
	return given(tb, env, pairs...)
}

// openWorld returns a request of which nothing else is known.
func openWorld(tb testing.TB, operation string, pairs ...any) *Env {
	tb.Helper()
	env := &Env{}
	if operation != "" {
		env.Operation = operationFor(tb, operation)
	}
	return given(tb, env, pairs...)
}

func patterns(tb testing.TB, texts ...string) []arm.Pattern {
	tb.Helper()
	out := make([]arm.Pattern, len(texts))
	for i, s := range texts {
		p, err := arm.ParsePattern(s)
		if err != nil {
			tb.Fatal(err)
		}
		out[i] = p
	}
	return out
}
