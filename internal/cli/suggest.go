// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

// published is what is known of operations.
type published interface {
	NumOperations() int
	Operation(i int) arm.Operation
	FindOperation(o arm.Operation) (int, bool)
}

// nearOperations returns published operations that are spelled like o, the nearest first.
func nearOperations(c published, o arm.Operation) []string {
	provider := string(arm.Fold(o.Provider()))
	var names, providers []string
	for i := range c.NumOperations() {
		known := c.Operation(i)
		p := string(arm.Fold(known.Provider()))
		if p == provider {
			names = append(names, known.String())
		}
		if len(providers) == 0 || providers[len(providers)-1] != p {
			providers = append(providers, p)
		}
	}
	if len(names) > 0 {
		return near(o.String(), names, 3)
	}
	return nearOtherProvider(c, o, near(provider, providers, 1))
}

// nearOtherProvider looks for the operation under the name of another provider.
func nearOtherProvider(c published, o arm.Operation, providers []string) []string {
	var out []string
	for _, p := range providers {
		_, rest, _ := strings.Cut(o.String(), "/")
		moved, err := arm.ParseOperation(p + "/" + rest)
		if err != nil {
			continue
		}
		if i, ok := c.FindOperation(moved); ok {
			out = append(out, c.Operation(i).String())
		}
	}
	return out
}

// near returns up to most of the names that are spelled like word, ignoring case. A name
// is near if at most a third of the word's letters differ, or if it begins with the word.
func near(word string, names []string, most int) []string {
	type found struct {
		name string
		far  int
	}
	folded := string(arm.Fold(word))
	limit := min(len(folded)/3, 12)
	var all []found
	for _, n := range names {
		name := string(arm.Fold(n))
		far := distance(folded, name, limit)
		if folded != "" && strings.HasPrefix(name, folded) {
			far = min(far, limit)
		}
		if far <= limit {
			all = append(all, found{n, far})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int {
		if a.far != b.far {
			return a.far - b.far
		}
		return strings.Compare(a.name, b.name)
	})
	var out []string
	for _, f := range all[:min(most, len(all))] {
		out = append(out, f.name)
	}
	return out
}

// distance is how many letters must be added, removed or changed to get from a to b. Above
// the limit it is any number above the limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
			least = min(least, cost)
		}
		if least > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
