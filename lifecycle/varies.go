// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/mivet/mivet"
)

// workspace is how a declaration says that the workspace of Terraform is a part of a name.
const workspace = "terraform.workspace"

// perWhat tells what a resource is made for each of, by the variables that its name hangs
// on: "pull request", "run" or "". A name that changes makes the resource anew.
func perWhat(varies []string) (name, per string) {
	for _, v := range varies {
		if per := perWords(words(v)); per != "" {
			return v, per
		}
	}
	return "", ""
}

// numbers are words that say which one of several is meant.
var numbers = []string{"number", "id", "num", "no", "nr"}

func perWords(w []string) string {
	for i, word := range w {
		last := i+1 == len(w)
		next := ""
		if !last {
			next = w[i+1]
		}
		numbered := slices.Contains(numbers, next) && i+2 == len(w)
		switch {
		case word == "pull" && strings.HasPrefix(next, "request"), word == "pullrequest", word == "pullrequests",
			(word == "pr" || word == "prs" || word == "mr") && (i == 0 && last || numbered):
			return "pull request"
		case (word == "run" || word == "job" || word == "build") && numbered:
			return word
		}
	}
	return ""
}

// words are those of a name, in small letters, without the root of a reference: "var.prNumber"
// has two.
func words(name string) []string {
	name = name[strings.IndexByte(name, '.')+1:]
	var out []string
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
		}
		b.Reset()
	}
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && lower:
			end()
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
	}
	end()
	return out
}

// pullRequestTag finds a tag that says which pull request a resource belongs to.
func pullRequestTag(r *mivet.Resource) (mivet.Evidence, bool) {
	for _, key := range slices.Sorted(maps.Keys(r.Detail.Tags)) {
		if v := r.Detail.Tags[key]; v != "" && perWords(words("."+key)) == "pull request" {
			return mivet.Evidence{Kind: mivet.Configured, Source: r.Source, Fact: fmt.Sprintf("%s is made for one pull request: its tag %s is %s", r.ID.Name(), key, v)}, true
		}
	}
	return mivet.Evidence{}, false
}
