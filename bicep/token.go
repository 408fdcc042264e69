// SPDX-License-Identifier: Apache-2.0

package bicep

// Kind says what a token is. Keywords of statements are identifiers: what they mean depends on their place.
type Kind uint8

// The kinds of tokens.
const (
	Unrecognized Kind = iota
	EndOfFile
	NewLine // one or more line ends with nothing between them
	Identifier
	Integer
	StringComplete    // 'text' or '''text'''
	StringLeftPiece   // 'text${
	StringMiddlePiece // }text${
	StringRightPiece  // }text'
	TrueKeyword
	FalseKeyword
	NullKeyword
	At
	LeftBrace
	RightBrace
	LeftParen
	RightParen
	LeftSquare
	RightSquare
	Comma
	Dot
	Ellipsis
	Question
	DoubleQuestion
	Colon
	DoubleColon
	Semicolon
	Assignment
	Arrow
	Plus
	Minus
	Asterisk
	Slash
	Modulo
	Hat
	Exclamation
	LeftChevron
	RightChevron
	LessThanOrEqual
	GreaterThanOrEqual
	Equals
	NotEquals
	EqualsInsensitive
	NotEqualsInsensitive
	LogicalAnd
	LogicalOr
	Pipe
)

var kindNames = [...]string{
	Unrecognized:         "Unrecognized",
	EndOfFile:            "EndOfFile",
	NewLine:              "NewLine",
	Identifier:           "Identifier",
	Integer:              "Integer",
	StringComplete:       "StringComplete",
	StringLeftPiece:      "StringLeftPiece",
	StringMiddlePiece:    "StringMiddlePiece",
	StringRightPiece:     "StringRightPiece",
	TrueKeyword:          "TrueKeyword",
	FalseKeyword:         "FalseKeyword",
	NullKeyword:          "NullKeyword",
	At:                   "At",
	LeftBrace:            "LeftBrace",
	RightBrace:           "RightBrace",
	LeftParen:            "LeftParen",
	RightParen:           "RightParen",
	LeftSquare:           "LeftSquare",
	RightSquare:          "RightSquare",
	Comma:                "Comma",
	Dot:                  "Dot",
	Ellipsis:             "Ellipsis",
	Question:             "Question",
	DoubleQuestion:       "DoubleQuestion",
	Colon:                "Colon",
	DoubleColon:          "DoubleColon",
	Semicolon:            "Semicolon",
	Assignment:           "Assignment",
	Arrow:                "Arrow",
	Plus:                 "Plus",
	Minus:                "Minus",
	Asterisk:             "Asterisk",
	Slash:                "Slash",
	Modulo:               "Modulo",
	Hat:                  "Hat",
	Exclamation:          "Exclamation",
	LeftChevron:          "LeftChevron",
	RightChevron:         "RightChevron",
	LessThanOrEqual:      "LessThanOrEqual",
	GreaterThanOrEqual:   "GreaterThanOrEqual",
	Equals:               "Equals",
	NotEquals:            "NotEquals",
	EqualsInsensitive:    "EqualsInsensitive",
	NotEqualsInsensitive: "NotEqualsInsensitive",
	LogicalAnd:           "LogicalAnd",
	LogicalOr:            "LogicalOr",
	Pipe:                 "Pipe",
}

// String gives the name of the kind, as the compiler's own listings spell it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Unrecognized"
}

// Span is a stretch of a source text, in bytes.
type Span struct{ Start, End int }

func (s Span) cover(t Span) Span { return Span{min(s.Start, t.Start), max(s.End, t.End)} }

// A Token is a piece of source text. White space and comments lie between tokens and make none.
type Token struct {
	Kind Kind
	Span
}

// Text is the token as it stands in the source it was read from.
func (t Token) Text(source string) string { return source[t.Start:t.End] }

// Severity ranks diagnostics.
type Severity uint8

// Severities.
const (
	Error   Severity = iota // the text is not what the language allows; what depends on it is unknown
	Warning                 // the text is read, and says something that is probably not meant
)

// String names the severity.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// A Diagnostic says what is wrong with a text and where.
type Diagnostic struct {
	Severity Severity
	Code     string // code of the Bicep compiler for this fault, "" where it has none
	Message  string
	File     string // name of the file as the loader knows it, "" for a text without file
	Span     Span
	Line     int // from 1
	Column   int // from 1, in bytes
}
