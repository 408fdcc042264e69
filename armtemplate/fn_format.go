// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// format puts arguments into a text: "{0}", "{1,10}", "{2:D3}", as String.Format of .NET.
func format(c *call) (Value, error) {
	f, ok := c.args[0].(String)
	if !ok {
		return c.unknownOr(c.wrong(0, "a string"))
	}
	pieces, err := formatPieces(string(f), c.args[1:])
	if err != nil {
		return nil, err
	}
	return c.joined(pieces)
}

func formatPieces(f string, args []Value) ([]Value, error) {
	var pieces []Value
	for f != "" {
		i := strings.IndexAny(f, "{}")
		if i < 0 {
			return append(pieces, String(f)), nil
		}
		if i > 0 {
			pieces = append(pieces, String(f[:i]))
		}
		if i+1 < len(f) && f[i+1] == f[i] {
			pieces = append(pieces, String(f[i:i+1]))
			f = f[i+2:]
			continue
		}
		end := strings.IndexByte(f[i:], '}')
		if f[i] == '}' || end < 0 {
			return nil, errors.New("the format has a single brace; write it twice if it is meant")
		}
		piece, err := formatItem(f[i+1:i+end], args)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece)
		f = f[i+end+1:]
	}
	return pieces, nil
}

// formatItem formats one argument: "index[,width][:format]".
func formatItem(item string, args []Value) (Value, error) {
	item, form, _ := strings.Cut(item, ":")
	number, width, aligned := strings.Cut(item, ",")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n < 0 || n >= len(args) {
		return nil, fmt.Errorf("the format asks for the argument %q; there are %d", cut(number, 20), len(args))
	}
	v := args[n]
	if !Known(v) {
		if u, ok := v.(*Unknown); ok {
			return u, nil
		}
		return computed(KindString, "string", v), nil
	}
	text, err := formatValue(v, form)
	if err != nil || !aligned {
		return String(text), err
	}
	w, err := strconv.Atoi(strings.TrimSpace(width))
	if err != nil || w > maxPad || w < -maxPad {
		return nil, fmt.Errorf("%q is no width", cut(width, 20))
	}
	fill := strings.Repeat(" ", max(0, max(w, -w)-textLength(text)))
	if w < 0 {
		return String(text + fill), nil
	}
	return String(fill + text), nil
}

func formatValue(v Value, form string) (string, error) {
	n, isInt := v.(Int)
	if form == "" || !isInt {
		return scalarText(v), nil
	}
	digits := -1
	if len(form) > 1 {
		d, err := strconv.Atoi(form[1:])
		if err != nil || d < 0 || d > 99 {
			return customNumber(n, form)
		}
		digits = d
	}
	neg := ""
	if n < 0 {
		neg = "-"
	}
	switch form[0] {
	case 'D', 'd':
		return neg + fmt.Sprintf("%0*d", max(digits, 1), magnitude(int64(n))), nil
	case 'X':
		return fmt.Sprintf("%0*X", max(digits, 1), uint64(n)), nil
	case 'x':
		return fmt.Sprintf("%0*x", max(digits, 1), uint64(n)), nil
	case 'N', 'n':
		return neg + thousands(strconv.FormatUint(magnitude(int64(n)), 10)) + fraction(digits, 2), nil
	case 'F', 'f':
		return neg + strconv.FormatUint(magnitude(int64(n)), 10) + fraction(digits, 2), nil
	case 'G', 'g':
		return scalarText(v), nil
	case 'P', 'p':
		if magnitude(int64(n)) > math.MaxInt64/100 {
			return "", errOverflow
		}
		return neg + thousands(strconv.FormatUint(100*magnitude(int64(n)), 10)) + fraction(digits, 2) + " %", nil
	default:
		return customNumber(n, form)
	}
}

func fraction(digits, def int) string {
	if digits < 0 {
		digits = def
	}
	if digits == 0 {
		return ""
	}
	return "." + strings.Repeat("0", digits)
}

func thousands(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// customNumber knows the custom formats that consist of zeros: "000".
func customNumber(n Int, form string) (string, error) {
	if strings.Trim(form, "0") != "" {
		return "", fmt.Errorf("the format %q of a number is not known here", cut(form, 20))
	}
	neg := ""
	if n < 0 {
		neg = "-"
	}
	return neg + fmt.Sprintf("%0*d", len(form), magnitude(int64(n))), nil
}
