// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet/arm"
)

// function is a function of the template language.
type function struct {
	name     string // as it is documented
	min, max int    // arguments; a max of -1 is any number
	result   Kind
	// Exactly one of these is set. A plain function is called with values that are known;
	// with one that is not, the result is an unknown of the kind result. An aware function
	// knows what to do with unknowns. A lazy one evaluates its arguments itself.
	plain func(*call) (Value, error)
	aware func(*call) (Value, error)
	lazy  func(*call) (Value, error)
}

// call is one call of a function.
type call struct {
	ev   *evaluator
	env  *env
	expr *Expr
	name string
	args []Value
}

// lookup finds a function by its name in any case, and its documented name.
func (ev *evaluator) lookup(name string) (*function, string) {
	f, ok := ev.functions[name]
	if !ok {
		name = strings.ToLower(name)
		f, ok = ev.functions[name]
	}
	switch {
	case ok:
		return f, f.name
	case strings.HasPrefix(name, "list"):
		return ev.functions["list*"], name
	default:
		return nil, name
	}
}

// call evaluates a call.
func (ev *evaluator) call(x *Expr, e *env) (Value, error) {
	v, err := ev.tryCall(x, e)
	if err == nil {
		return v, nil
	}
	if _, ok := err.(*posError); ok { //nolint:errorlint // it is made right here, never wrapped
		return nil, err
	}
	return nil, &posError{x.Pos, fmt.Errorf("%s: %w", cut(x.Text, 80), err)}
}

func (ev *evaluator) tryCall(x *Expr, e *env) (Value, error) {
	if strings.Contains(x.Text, ".") {
		if def, ok := e.frame.funcs[arm.Fold(x.Text)]; ok {
			return ev.userCall(x, def, e)
		}
	}
	name := x.Text
	for _, ns := range []string{"sys.", "az."} {
		name = strings.TrimPrefix(name, ns)
	}
	f, name := ev.lookup(name)
	if f == nil {
		return nil, fmt.Errorf("there is no function of this name")
	}
	if n := len(x.Args); n < f.min || f.max >= 0 && n > f.max {
		return nil, fmt.Errorf("it takes %s arguments, %d are given", argCount(f), n)
	}
	c := &call{ev: ev, env: e, expr: x, name: name}
	if f.lazy != nil {
		return f.lazy(c)
	}
	c.args = make([]Value, len(x.Args))
	for i, a := range x.Args {
		v, err := ev.expr(a, e)
		if err != nil {
			return nil, err
		}
		c.args[i] = v
	}
	if f.aware != nil {
		return f.aware(c)
	}
	cost := 0
	for _, a := range c.args {
		in := ev.info(a)
		if !in.known {
			return computed(f.result, c.name, c.args...), nil
		}
		cost += in.size / 64
	}
	if err := ev.spend(cost); err != nil {
		return nil, err
	}
	return f.plain(c)
}

func argCount(f *function) string {
	switch {
	case f.max < 0:
		return fmt.Sprintf("at least %d", f.min)
	case f.min == f.max:
		return fmt.Sprint(f.min)
	default:
		return fmt.Sprintf("%d to %d", f.min, f.max)
	}
}

// userCall calls a function that the template defines (user-defined-functions.md). It sees
// its arguments and nothing else.
func (ev *evaluator) userCall(x *Expr, def *Node, e *env) (Value, error) {
	params := items(def.Get("parameters"))
	if len(x.Args) > len(params) {
		return nil, fmt.Errorf("it takes %d arguments, %d are given", len(params), len(x.Args))
	}
	in := &env{frame: e.frame, inner: true, args: make(map[arm.Key]Value, len(params))}
	for i, p := range params {
		name := arm.Fold(p.Get("name").text())
		switch {
		case i < len(x.Args):
			v, err := ev.expr(x.Args[i], e)
			if err != nil {
				return nil, err
			}
			in.args[name] = v
		case p.Get("defaultValue") != nil:
			in.args[name] = ev.node(p.Get("defaultValue"), in)
		default:
			in.args[name] = Null{}
		}
	}
	n := def.Get("output").Get("value")
	if n == nil {
		return nil, fmt.Errorf("the function has no output")
	}
	return ev.node(n, in), nil
}

// eval evaluates an argument of a lazy function.
func (c *call) eval(i int) (Value, error) { return c.ev.expr(c.expr.Args[i], c.env) }

// attempt evaluates an argument that may never be needed: what fails there is unknown and
// no fault of the template.
func (c *call) attempt(i int) Value {
	c.ev.quiet++
	defer func() { c.ev.quiet-- }()
	return c.ev.settle(c.expr.Args[i].Pos, func() (Value, error) { return c.eval(i) })
}

func (c *call) wrong(i int, want string) error {
	return fmt.Errorf("argument %d must be %s and is %s", i+1, want, withArticle(c.args[i].Kind()))
}

func (c *call) str(i int) (string, error) {
	switch v := c.args[i].(type) {
	case String:
		return string(v), nil
	default:
		return "", c.wrong(i, "a string")
	}
}

// strs returns arguments from one on, all of which are strings.
func (c *call) strs(from int) ([]string, error) {
	var out []string
	for i := from; i < len(c.args); i++ {
		s, err := c.str(i)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (c *call) int(i int) (int64, error) {
	switch v := c.args[i].(type) {
	case Int:
		return int64(v), nil
	case Float:
		if n := int64(v); Float(n) == v {
			return n, nil
		}
	}
	return 0, c.wrong(i, "an integer")
}

func (c *call) list(i int) (Array, error) {
	if a, ok := c.args[i].(Array); ok {
		return a, nil
	}
	return nil, c.wrong(i, "an array")
}

func (c *call) obj(i int) (*Object, error) {
	if o, ok := c.args[i].(*Object); ok {
		return o, nil
	}
	return nil, c.wrong(i, "an object")
}

// unknown is the result where it hangs on something that is not known.
func (c *call) unknown(typ Kind) *Unknown { return computed(typ, c.name, c.args...) }
