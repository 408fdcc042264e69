// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// A sieve tells quickly that a text cannot match an expression: one of its words is in
// every text that does. Most lines of a log are sorted out by it.
type sieve []string

// newSieve reads the words out of an expression; nil where there are none.
func newSieve(re *regexp.Regexp) sieve {
	if re == nil {
		return nil
	}
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return nil
	}
	return wordsOf(tree.Simplify())
}

// passes reports whether a text in lower case may match.
func (s sieve) passes(lower string) bool {
	for _, word := range s {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return s == nil
}

// wordsOf returns words of which one is in all that an expression matches.
func wordsOf(re *syntax.Regexp) sieve {
	switch re.Op {
	case syntax.OpLiteral:
		return sieve{strings.ToLower(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return wordsOf(re.Sub[0])
	case syntax.OpAlternate:
		var all sieve
		for _, sub := range re.Sub {
			words := wordsOf(sub)
			if words == nil {
				return nil
			}
			all = append(all, words...)
		}
		return all
	case syntax.OpConcat:
		var best sieve
		for _, sub := range re.Sub {
			if words := wordsOf(sub); words != nil && (best == nil || shortest(words) > shortest(best)) {
				best = words
			}
		}
		return best
	default:
		return nil
	}
}

func shortest(words sieve) int {
	n := len(words[0])
	for _, w := range words {
		n = min(n, len(w))
	}
	return n
}
