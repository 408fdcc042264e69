// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mivet/mivet/arm"
)

// Marker stands where something was removed.
const Marker = "[redacted]"

// shape is the form of a secret within a text.
type shape struct {
	// hints and shortest spare the search in most texts: one of the hints is in every text
	// that has the shape, and a run of that many characters of tokens.
	hints    []string
	shortest int
	find     *regexp.Regexp
	// group is the part that is secret; 0 for the whole.
	group int
}

// Shapes of secrets that need no name before them. Sources: RFC 7468 (PEM), RFC 7519
// (JWT), RFC 7617 and 6750 (headers), and the published prefixes of tokens.
var shapes = []shape{
	{hints: []string{"-----BEGIN"}, shortest: 10, find: regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|$)`)},
	{hints: []string{"eyJ"}, shortest: 9, find: regexp.MustCompile(`eyJ[\w-]{6,}(?:\.[\w-]*){0,4}`)},
	{hints: []string{"earer ", "EARER "}, shortest: 8, find: regexp.MustCompile(`(?i)\bbearer +([\w.~+/=-]{8,})`), group: 1},
	{hints: []string{"asic ", "ASIC "}, shortest: 1, find: regexp.MustCompile(`(?i)\bbasic +([A-Za-z0-9+/]*[0-9=][A-Za-z0-9+/=]*)`), group: 1},
	{hints: []string{"@"}, find: regexp.MustCompile(`://[^/\s:@'"]*:([^/\s@'"]+)@`), group: 1},
	{hints: []string{"Q~"}, shortest: 20, find: regexp.MustCompile(`[\w.~-]{3}[0-9]Q~[\w.~-]{20,}`)},
	{
		hints: []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AKIA", "ASIA", "sk-", "sk_", "AIza", "npm_", "dapi", "pypi-", "hvs.", "SG."}, shortest: 14,
		find: regexp.MustCompile(`\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[abposr]-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}|sk[-_][\w-]{16,}|` +
			`AIza[\w-]{30,}|npm_\w{30,}|dapi[0-9a-f]{32}|pypi-[\w-]{16,}|hvs\.[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,})`),
	},
}

// Names of Resource Manager, GUIDs and the hosts of URLs look random and are no secrets.
var publicNames = regexp.MustCompile(`(?i)(?:/subscriptions/|/providers/)[^\s'"?#;,]*|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|https?://[\w.-]+(?::[0-9]+)?(?:/(?:secrets|keys|certificates)/[\w-]+(?:/[0-9a-f]{32}\b)?)?|\bsha256:[0-9a-f]{64}\b`)

var (
	runs    = regexp.MustCompile(`[A-Za-z0-9+/_=~-]{20,}`)
	padded  = regexp.MustCompile(`^[A-Za-z0-9+/_-]{30,}={1,2}$`)
	hexRuns = regexp.MustCompile(`\b[0-9A-Fa-f]{32,}\b`)
)

// The shortest text that is taken for a secret because it looks random: in a value, and
// within a sentence.
const (
	randomValue = 20
	randomWord  = 24
)

// Text returns a text with everything in it that looks like a secret replaced by
// [Marker]: connection strings, keys and passwords with their names before them, signed
// URLs, tokens, private keys, and long random words. Resource IDs and GUIDs stay. It is
// meant for error messages, descriptions and names; it cannot know a secret that looks
// like a word.
func Text(s string) string {
	// What is replaced changes what stands beside it: "key=" before a marker looks like the
	// end of Base64. Each round replaces something that no round wrote, so it ends.
	for {
		once := cut(s, randomWord)
		if once == s {
			return s
		}
		s = once
	}
}

// Secret reports whether a value looks like a secret, or holds something that does. It is
// stricter than [Text], since a value is not a sentence.
func Secret(value string) bool { return cut(value, randomValue) != value }

func cut(s string, random int) string {
	if len(s) < 4 {
		return s
	}
	run := longestRun(s)
	s = cutPairs(cutShapes(s, run))
	if run < random || !suspicious(s, random) && (run < 32 || !strings.Contains(s, "=")) {
		return s
	}
	return cutRandom(s, random)
}

func cutShapes(s string, run int) string {
	for i := range shapes {
		sh := &shapes[i]
		if run >= sh.shortest && slices.ContainsFunc(sh.hints, func(h string) bool { return strings.Contains(s, h) }) {
			s = replace(s, sh.find, sh.group)
		}
	}
	return s
}

// replace puts the marker in place of a group of each match.
func replace(s string, find *regexp.Regexp, group int) string {
	var b strings.Builder
	at := 0
	for _, m := range find.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(s[at:m[2*group]])
		b.WriteString(Marker)
		at = m[2*group+1]
	}
	b.WriteString(s[at:])
	return b.String()
}

// cutRandom replaces words that look random, outside of public names.
func cutRandom(s string, random int) string {
	if isGUID(s) || (hasFoldedPrefix(s, "/subscriptions/") || hasFoldedPrefix(s, "/providers/")) && isPublicName(s) {
		return s // what most values are, without the search below
	}
	var b strings.Builder
	at := 0
	for _, m := range publicNames.FindAllStringIndex(s, -1) {
		if s[m[0]] == '/' && !isID(s[m[0]:m[1]]) {
			continue
		}
		b.WriteString(cutWords(s[at:m[0]], random))
		b.WriteString(s[m[0]:m[1]])
		at = m[1]
	}
	b.WriteString(cutWords(s[at:], random))
	return b.String()
}

func hasFoldedPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// isPublicName reports whether a text is one name of Resource Manager from end to end, as
// publicNames finds it.
func isPublicName(s string) bool { return !strings.ContainsAny(s, " \t\n\f\r'\"?#;,") && isID(s) }

func cutWords(s string, random int) string {
	guids := strings.Contains(s, "GuidEquals") || strings.Contains(s, "GuidNotEquals")
	if !guids { // a condition on roles has GUIDs without dashes
		s = hexRuns.ReplaceAllStringFunc(s, func(w string) string {
			if strings.ContainsAny(w, "0123456789") && strings.ContainsAny(w, "abcdefABCDEF") {
				return Marker
			}
			return w
		})
	}
	return runs.ReplaceAllStringFunc(s, func(run string) string {
		if guids && hexRuns.FindString(run) == run {
			return run
		}
		if padded.MatchString(run) && strings.ToLower(run) != run {
			return Marker // Base64 with its end marks
		}
		return eachWord(run, func(w string) string {
			if looksRandom(w, random) {
				return Marker
			}
			return w
		})
	})
}

// eachWord replaces the words of a run: the parts between slashes and equals signs. A name
// before a value would make the value look less random.
func eachWord(run string, replace func(string) string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(run, "/=")
		if i < 0 {
			b.WriteString(replace(run))
			return b.String()
		}
		b.WriteString(replace(run[:i]))
		b.WriteByte(run[i])
		run = run[i+1:]
	}
}

// longestRun returns the length of the longest run of characters that tokens are made of.
func longestRun(s string) int {
	n, longest := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case class(c) != 0, c == '+', c == '/', c == '_', c == '=', c == '~', c == '-', c == '.':
			n++
			longest = max(longest, n)
		default:
			n = 0
		}
	}
	return longest
}

// suspicious reports whether a word may be replaced, without regard to public names.
func suspicious(s string, random int) bool {
	for len(s) >= random {
		n := 0
		for n < len(s) && (class(s[n]) != 0 || s[n] == '+' || s[n] == '_' || s[n] == '=' || s[n] == '~' || s[n] == '-') {
			n++
		}
		if w := s[:n]; n >= random && (n >= 32 || looksRandom(w, random)) {
			return true
		}
		s = s[min(n+1, len(s)):]
	}
	return false
}

// looksRandom reports whether a word changes between letters and digits, or in letter
// case, more often than names do. A capital before a small letter does not count: it
// begins a word.
func looksRandom(w string, shortest int) bool {
	letters, digits, changes := 0, 0, 0
	last := byte(0)
	for i := range len(w) {
		c := class(w[i])
		switch c {
		case 'a', 'A':
			letters++
		case '0':
			digits++
		default:
			last = 0
			continue
		}
		if last != 0 && c != last && !(last == 'A' && c == 'a') {
			changes++
		}
		last = c
	}
	n := letters + digits
	if n < shortest || letters == 0 {
		return false
	}
	return digits > 1 && changes*100 >= n*22 || changes*100 >= n*34
}

func class(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z':
		return 'a'
	case 'A' <= c && c <= 'Z':
		return 'A'
	case '0' <= c && c <= '9':
		return '0'
	}
	return 0
}

// speaks reports whether a name itself gives away something: it looks like a secret, or
// is no text.
func speaks(name string) bool {
	return !utf8.ValidString(name) || Secret(name) && !isID(name)
}

func isID(s string) bool {
	if !strings.HasPrefix(s, "/") || strings.ContainsAny(s, "?#&;= \"'") {
		return false
	}
	_, err := arm.ParseID(s)
	return err == nil && cutShapes(s, len(s)) == s
}
