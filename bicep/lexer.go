// SPDX-License-Identifier: Apache-2.0

package bicep

import "strings"

// maxIdentifier is the longest name the language allows.
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/parameters
const maxIdentifier = 255

// A hole is what the lexer is inside of: the ${…} of a string, or a brace within one.
type hole struct {
	brace   bool // an ordinary brace. An object has no place in a hole: as in the compiler, what follows ends no hole
	block   bool // the string is of the kind with three quotes
	dollars int  // number of $ that open a hole of this block string
}

// A lexer turns text into tokens. It looks at every byte once.
type lexer struct {
	src    string
	pos    int
	start  int // of the current token
	holes  []hole
	tokens []Token
	faults []Diagnostic
}

// Lex splits a text into tokens, the last of which is EndOfFile. It never fails: what it does not know becomes a token
// of kind Unrecognized, and every fault is in the diagnostics.
func Lex(source string) ([]Token, []Diagnostic) {
	l := &lexer{src: source, tokens: make([]Token, 0, len(source)/5+8)}
	l.pos = len(byteOrderMark(source))
	for {
		l.blanks()
		l.start = l.pos
		kind := l.next()
		l.tokens = append(l.tokens, Token{kind, Span{l.start, l.pos}})
		if kind == EndOfFile {
			break
		}
		if kind == Unrecognized {
			l.fault(l.start, "BCP001", "nothing in the language begins with this")
		}
	}
	newLineTable(source).locate(l.faults)
	return l.tokens, l.faults
}

// byteOrderMark is the mark that a text begins with, if it does.
func byteOrderMark(source string) string {
	if strings.HasPrefix(source, "\ufeff") {
		return "\ufeff"
	}
	return ""
}

func (l *lexer) fault(start int, code, message string) {
	l.faults = append(l.faults, Diagnostic{Code: code, Message: message, Span: Span{start, l.pos}})
}

// at gives the byte n after the current one, 0 behind the end.
func (l *lexer) at(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

// blanks skips what makes no token.
func (l *lexer) blanks() {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == ' ' || c == '\t':
			l.pos++
		case c == '/' && l.at(1) == '/':
			l.toLineEnd()
		case c == '/' && l.at(1) == '*':
			l.blockComment()
		case c == '#' && l.directive():
		default:
			return
		}
	}
}

func (l *lexer) toLineEnd() {
	if n := strings.IndexAny(l.src[l.pos:], "\r\n"); n >= 0 {
		l.pos += n
	} else {
		l.pos = len(l.src)
	}
}

func (l *lexer) blockComment() {
	begin := l.pos
	n := strings.Index(l.src[l.pos+2:], "*/")
	if n < 0 {
		l.pos = len(l.src)
		l.fault(begin, "BCP002", "this comment has no end: close it with */")
		return
	}
	l.pos += 2 + n + 2
}

// Directives to the linter of the compiler, which mean nothing here.
var directives = []string{"disable-next-line", "disable-diagnostics", "restore-diagnostics"}

// directive skips a directive and the codes behind it. It must be the first on its line.
func (l *lexer) directive() bool {
	rest := l.src[l.pos+1:]
	name := ""
	for _, d := range directives {
		if strings.HasPrefix(rest, d) {
			name = d
			break
		}
	}
	if name == "" || !l.firstOnLine() {
		return false
	}
	begin := l.pos
	l.pos += 1 + len(name)
	end, codes := l.pos, 0
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		if c == ' ' || c == '\t' {
			l.pos++
			continue
		}
		word := l.pos
		for l.pos < len(l.src) && (isWord(l.src[l.pos]) || l.src[l.pos] == '-') {
			l.pos++
		}
		next := l.at(0)
		if l.pos == word || l.pos < len(l.src) && next != ' ' && next != '\t' && next != '\r' && next != '\n' {
			codes += l.lastCode(word, &end)
			break
		}
		codes++
		end = l.pos
	}
	l.pos = end
	if codes == 0 {
		l.fault(begin, "BCP226", "the directive names no code: put at least one behind it")
	}
	return true
}

// lastCode ends a directive before something that cannot stand in a code. The byte before it goes with the rest of the
// text, as the compiler has it.
func (l *lexer) lastCode(word int, end *int) int {
	if l.pos == word {
		return 0
	}
	*end = l.pos
	return 1
}

func (l *lexer) firstOnLine() bool {
	for i := l.pos - 1; i >= 0; i-- {
		switch l.src[i] {
		case ' ', '\t':
		case '\n', '\r':
			return true
		default:
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) }

// Tokens of one byte that begin no longer one.
var single = [128]Kind{
	'(': LeftParen, ')': RightParen, '[': LeftSquare, ']': RightSquare, '@': At, ',': Comma, ';': Semicolon,
	'+': Plus, '-': Minus, '%': Modulo, '*': Asterisk, '/': Slash, '^': Hat,
}

// next reads one token; it begins at l.start.
func (l *lexer) next() Kind {
	if l.pos >= len(l.src) {
		return EndOfFile
	}
	c := l.src[l.pos]
	switch {
	case isLetter(c):
		return l.word()
	case isDigit(c):
		for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
			l.pos++
		}
		return Integer
	case c == '\n' || c == '\r':
		return l.lineEnd()
	case c >= 0x80:
		l.skipRune()
		return Unrecognized
	}
	l.pos++
	if k := single[c]; k != Unrecognized {
		return k
	}
	switch c {
	case '{':
		if len(l.holes) > 0 {
			l.holes = append(l.holes, hole{brace: true})
		}
		return LeftBrace
	case '}':
		return l.closingBrace()
	case '\'':
		if l.at(0) == '\'' && l.at(1) == '\'' {
			l.pos += 2
			return l.block(true, 0)
		}
		return l.enter(l.segment(true), hole{})
	case '$':
		return l.dollars()
	}
	return l.operator(c)
}

func (l *lexer) skipRune() {
	l.pos++
	for l.pos < len(l.src) && l.src[l.pos]&0xC0 == 0x80 {
		l.pos++
	}
}

// A longer is what an operator becomes with more bytes behind its first.
type longer struct {
	rest string
	kind Kind
}

// operator reads an operator of one, two or three bytes; the first is read already.
func (l *lexer) operator(c byte) Kind {
	pick := func(short Kind, more ...longer) Kind {
		for _, m := range more {
			if strings.HasPrefix(l.src[l.pos:], m.rest) {
				l.pos += len(m.rest)
				return m.kind
			}
		}
		return short
	}
	switch c {
	case '.':
		return pick(Dot, longer{"..", Ellipsis})
	case '?':
		return pick(Question, longer{"?", DoubleQuestion})
	case ':':
		return pick(Colon, longer{":", DoubleColon})
	case '!':
		return pick(Exclamation, longer{"=", NotEquals}, longer{"~", NotEqualsInsensitive})
	case '<':
		return pick(LeftChevron, longer{"=", LessThanOrEqual})
	case '>':
		return pick(RightChevron, longer{"=", GreaterThanOrEqual})
	case '=':
		return pick(Assignment, longer{"=", Equals}, longer{"~", EqualsInsensitive}, longer{">", Arrow})
	case '&':
		return pick(Unrecognized, longer{"&", LogicalAnd})
	case '|':
		return pick(Pipe, longer{"|", LogicalOr})
	}
	return Unrecognized
}

func (l *lexer) word() Kind {
	for l.pos < len(l.src) && isWord(l.src[l.pos]) {
		l.pos++
	}
	switch l.src[l.start:l.pos] {
	case "true":
		return TrueKeyword
	case "false":
		return FalseKeyword
	case "null":
		return NullKeyword
	}
	if l.pos-l.start > maxIdentifier {
		l.fault(l.start, "BCP024", "this name is longer than 255 characters")
	}
	return Identifier
}

// lineEnd reads line ends. One inside a string with a hole ends the string: the piece is empty.
func (l *lexer) lineEnd() Kind {
	if len(l.holes) > 0 {
		l.fault(l.start, "BCP004", "the line ends inside a string: close the string with a single quote")
		l.holes = l.holes[:0]
		return StringRightPiece
	}
	for l.pos < len(l.src) && (l.src[l.pos] == '\n' || l.src[l.pos] == '\r') {
		l.pos++
	}
	return NewLine
}

// closingBrace ends a brace or a hole; behind a hole the string goes on.
func (l *lexer) closingBrace() Kind {
	if len(l.holes) == 0 {
		return RightBrace
	}
	top := l.holes[len(l.holes)-1]
	if top.brace {
		return RightBrace
	}
	var kind Kind
	if top.block {
		kind = l.block(false, top.dollars)
	} else {
		kind = l.segment(false)
	}
	if kind == StringRightPiece {
		l.holes = l.holes[:len(l.holes)-1]
	}
	return kind
}

func (l *lexer) enter(kind Kind, h hole) Kind {
	if kind == StringLeftPiece {
		l.holes = append(l.holes, h)
	}
	return kind
}

// dollars reads $”'…, a block string with holes; the first dollar is read already.
func (l *lexer) dollars() Kind {
	n := 1
	for l.at(0) == '$' {
		l.pos++
		n++
	}
	if !strings.HasPrefix(l.src[l.pos:], "'''") {
		return Unrecognized
	}
	l.pos += 3
	return l.enter(l.block(true, n), hole{block: true, dollars: n})
}

// run skips bytes equal to c and says how many.
func (l *lexer) run(c byte) int {
	begin := l.pos
	for l.pos < len(l.src) && l.src[l.pos] == c {
		l.pos++
	}
	return l.pos - begin
}

// block reads on in a string of three quotes. Quotes beyond three at its end belong to its text.
func (l *lexer) block(first bool, dollars int) Kind {
	end, more := StringRightPiece, StringMiddlePiece
	if first {
		end, more = StringComplete, StringLeftPiece
	}
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case '$':
			if n := l.run('$'); dollars > 0 && n >= dollars && l.at(0) == '{' {
				l.pos++
				return more
			}
		case '\'':
			if l.run('\'') >= 3 {
				return end
			}
		default:
			l.pos++
		}
	}
	l.fault(l.start, "BCP140", "this string has no end: close it with three single quotes")
	return end
}

// segment reads on in a string of single quotes, to its end, a hole, or the end of the line.
func (l *lexer) segment(first bool) Kind {
	end, more := StringRightPiece, StringMiddlePiece
	if first {
		end, more = StringComplete, StringLeftPiece
	}
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == '\n' || c == '\r':
			l.fault(l.start, "BCP004", "the line ends inside a string: close the string with a single quote")
			return end
		case c == '\'':
			l.pos++
			return end
		case c == '$' && l.at(1) == '{':
			l.pos += 2
			return more
		case c == '\\':
			l.escape()
		default:
			l.pos++
		}
	}
	l.fault(l.start, "BCP003", "this string has no end: close it with a single quote")
	return end
}

// escape skips an escape sequence and reports one that does not exist.
func (l *lexer) escape() {
	begin := l.pos
	_, n := unescape(l.src[l.pos:])
	if n > 0 {
		l.pos += n
		return
	}
	l.pos++
	if l.pos >= len(l.src) {
		return
	}
	if l.src[l.pos] != 'u' {
		l.skipRune()
		l.fault(begin, "BCP006", `there is no such escape sequence; there are \n, \r, \t, \\, \', \$ and \u{…}`)
		return
	}
	l.pos++
	if l.at(0) == '{' {
		l.pos++
		for l.pos < len(l.src) && isHex(l.src[l.pos]) {
			l.pos++
		}
	}
	l.fault(begin, "BCP133", `this is no character: write \u{, its number in hexadecimal digits up to 10FFFF, and }`)
}

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unescape reads the escape sequence that text begins with: its value and its length, 0 if it is none. A dollar that is
// escaped takes a brace behind it along.
func unescape(text string) (value string, length int) {
	if len(text) < 2 {
		return "", 0
	}
	switch text[1] {
	case 'n':
		return "\n", 2
	case 'r':
		return "\r", 2
	case 't':
		return "\t", 2
	case '\\', '\'':
		return text[1:2], 2
	case '$':
		if len(text) > 2 && text[2] == '{' {
			return "${", 3
		}
		return "$", 2
	case 'u':
		return unescapeRune(text)
	}
	return "", 0
}

func unescapeRune(text string) (value string, length int) {
	if len(text) < 4 || text[2] != '{' {
		return "", 0
	}
	code, i := 0, 3
	for ; i < len(text) && isHex(text[i]); i++ {
		code = code*16 + hexValue(text[i])
		if code > 0x10FFFF {
			return "", 0
		}
	}
	if i == 3 || i >= len(text) || text[i] != '}' {
		return "", 0
	}
	return string(rune(code)), i + 1
}

func hexValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a':
		return int(c-'a') + 10
	}
	return int(c-'A') + 10
}
