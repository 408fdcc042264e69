// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

// asked is one question that a rule could not decide. It may hang on facts of several
// kinds, for one reason.
type asked struct {
	vet.Undecided
	facts []mivet.FactKind
}

// questions joins what is the same for a rule but for the kind of facts that is missing,
// in the order in which it came.
func questions(list []*UndecidedMessage) []asked {
	type key struct{ rule, subject, reason, permission string }
	at := map[key]int{}
	var out []asked
	for _, u := range list {
		k := key{u.Rule, u.Subject.Key() + "\x00" + u.Subject.Name, u.Reason, u.Permission}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, asked{Undecided: u.Undecided})
		}
		if u.Facts != "" && !slices.Contains(out[i].facts, u.Facts) {
			out[i].facts = append(out[i].facts, u.Facts)
		}
	}
	return out
}

// unknown is one reason for which questions were not decided, with all who asked.
type unknown struct {
	reason, permission string
	facts              []mivet.FactKind
	rules, subjects    []string
}

// unknowns gathers questions by the reason, so that it is read once.
func unknowns(list []asked) []unknown {
	type key struct{ reason, permission string }
	names := subjectNames(list)
	at := map[key]int{}
	named := map[subjectOf]bool{} // a reason may have very many
	var out []unknown
	for i := range list {
		q := &list[i]
		k := key{q.Reason, q.Permission}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, unknown{reason: q.Reason, permission: q.Permission})
		}
		u := &out[n]
		u.facts = union(u.facts, q.facts...)
		u.rules = union(u.rules, clean(q.Rule))
		if s := (subjectOf{n, names[i]}); !named[s] {
			named[s] = true
			u.subjects = append(u.subjects, names[i])
		}
	}
	return out
}

// subjectOf is a name of a subject of one reason, by its place.
type subjectOf struct {
	reason int
	name   string
}

// subjectNames returns a name for the subject of each question: where two subjects share
// one, the key.
func subjectNames(list []asked) []string {
	keys := map[string]string{}
	shared := map[string]bool{}
	for i := range list {
		name, key := list[i].Subject.String(), list[i].Subject.Key()
		if known, ok := keys[name]; ok && known != key {
			shared[name] = true
		}
		keys[name] = key
	}
	out := make([]string, len(list))
	for i := range list {
		s := &list[i].Subject
		out[i] = clean(s.String())
		if shared[s.String()] && !s.Resource.IsZero() {
			out[i] = clean(s.Resource.String())
		}
	}
	return out
}

func union[T comparable](list []T, more ...T) []T {
	for _, m := range more {
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// factWords lists kinds of facts: "role assignments and role definitions".
func factWords(facts []mivet.FactKind) string {
	words := make([]string, len(facts))
	for i, f := range facts {
		words[i] = clean(string(f))
	}
	return vet.List(words)
}
