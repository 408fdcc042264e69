// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"html"
	"strconv"
	"strings"
)

// maxWraps is how often a text is unwrapped: a JSON body inside a JSON string inside a log
// line has three layers.
const maxWraps = 4

// unwrap takes a text out of the forms in which it is logged: JSON strings within JSON
// strings, XML, ends of lines of Windows. It is what the forms are matched with.
func unwrap(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for range maxWraps {
		if !strings.Contains(text, `\`) {
			break
		}
		next := unescape(text)
		if next == text {
			break
		}
		text = next
	}
	if strings.Contains(text, "&") {
		text = html.UnescapeString(text)
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2018", "'", "\u2019", "'", "\u00a0", " ").Replace(text)
	return text
}

// unescape resolves one layer of the escapes of JSON. A backslash before anything else
// stays: it is a path or a domain.
func unescape(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		switch next := text[i+1]; next {
		case '"', '\'', '\\', '/':
			b.WriteByte(next)
			i++
		case 'n', 'r', 't':
			if !endsEscape(text, i) {
				b.WriteByte('\\')
				continue
			}
			b.WriteByte(map[byte]byte{'n': '\n', 'r': '\r', 't': '\t'}[next])
			i++
		case 'u':
			code, err := strconv.ParseUint(text[i+2:min(i+6, len(text))], 16, 32)
			if err != nil || i+6 > len(text) {
				b.WriteByte('\\')
				continue
			}
			b.WriteRune(rune(code))
			i += 5
		default:
			b.WriteByte('\\')
		}
	}
	return b.String()
}

// endsEscape tells the escape of a line's end from a name after a backslash: "AUTHORITY\network"
// is no end of a line.
func endsEscape(text string, i int) bool {
	isLower := func(c byte) bool { return 'a' <= c && c <= 'z' }
	before := i > 0 && (isLower(text[i-1]) || 'A' <= text[i-1] && text[i-1] <= 'Z')
	after := i+3 < len(text) && isLower(text[i+2]) && isLower(text[i+3])
	return !before || !after
}
