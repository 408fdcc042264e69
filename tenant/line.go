// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mivet/mivet"
)

// A line is a statement that is being written.
type line struct{ text strings.Builder }

// add appends words as they are.
func (l *line) add(words ...string) *line {
	for _, w := range words {
		if l.text.Len() > 0 {
			l.text.WriteByte(' ')
		}
		l.text.WriteString(w)
	}
	return l
}

// attr appends key=value, with the value as it is; nothing for an empty one.
func (l *line) attr(key, value string) *line {
	if value != "" {
		l.add(key + "=" + value)
	}
	return l
}

// quoted appends key="value"; nothing for an empty value.
func (l *line) quoted(key, value string) *line {
	if value != "" {
		l.attr(key, quote(value))
	}
	return l
}

// unless appends key="value" where the value is not the one that a reader takes for
// granted; "none" for an empty one.
func (l *line) unless(key, value, granted string) *line {
	switch value {
	case granted:
	case "":
		l.attr(key, "none")
	default:
		l.quoted(key, value)
	}
	return l
}

// list appends key="a","b"; nothing for an empty list.
func (l *line) list(key string, values []string) *line {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return l.attr(key, strings.Join(quoted, ","))
}

func (l *line) time(key string, t time.Time) *line {
	if t.IsZero() {
		return l
	}
	return l.attr(key, timeText(t))
}

func (l *line) flag(set bool, word string) *line {
	if set {
		l.add(word)
	}
	return l
}

// pairs appends one attribute for each entry, in the order of the keys.
func (l *line) pairs(prefix string, m map[string]string) *line {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		key := ""
		if k != "" {
			key = quote(k)
		}
		l.add(prefix + key + "=" + quote(m[k]))
	}
	return l
}

func timeText(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

// reserved are the words that mean something where a name may stand.
var reserved = append([]string{"none", "everyone", "system", ""}, prepositions...)

// quote returns the text as a word, in quotation marks where it needs them.
func quote(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	if !slices.Contains(reserved, s) && strings.IndexByte("#@$\ufeff", s[0]) < 0 && strings.IndexFunc(s, needsQuotes) < 0 {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x20 || r == 0x7f || r == '\ufeff':
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func needsQuotes(r rune) bool {
	return r <= ' ' || r == 0x7f || r == '\ufeff' || strings.ContainsRune("\"`\\=,{}", r)
}

// literal returns a text that is looked up nowhere.
func literal(s string) string { return "@" + quote(s) }

// principalText returns a principal's ID.
func principalText(id mivet.PrincipalID) string {
	if mivet.IsGUID(string(id)) && mivet.NewPrincipalID(string(id)) == id {
		return string(id)
	}
	return literal(string(id))
}

// closed returns a word of a closed set, or a literal.
func closed(word string, known []string) string {
	if slices.Contains(known, word) {
		return quote(word)
	}
	return literal(word)
}
