// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"math"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

// verdict says what a condition, or a part, is in every request.
type verdict uint8

const (
	varies verdict = iota // it depends on the request, or that it does not was not proven
	always
	never
)

// Whether a condition varies is found by trying representative requests. For equality and
// order the literals of the condition split the values of an attribute into finitely many
// classes, and one value of each is tried. Where that is not so (patterns, undocumented
// operators, two attributes compared) a leaf is taken as free to be true or false, which can
// only hide a constant, never invent one.

// The bounds keep hostile conditions cheap; those that people write stay far below.
const (
	maxTrials      = 1 << 14 // requests tried for one operation
	maxSteps       = 1 << 21 // leaves looked at in all trials
	maxComparisons = 1 << 20 // comparisons made for the classes of one attribute
	maxListClasses = 8       // classes of values of which all subsets are tried as lists
)

// outcome is the value of one leaf in one trial.
type outcome struct {
	truth  Truth
	reason Reason
}

// variable is a set of leaves that depend on one thing, and their values for each class of
// its values.
type variable struct {
	leaves []int
	trials [][]outcome
}

// operationTrial is what the condition is for the operation of one ActionMatches without
// wildcard, or for all that none of them names.
type operationTrial struct {
	leaf    *leaf // nil for the rest
	verdict verdict
}

// constants tries the condition for each operation that it names, and for the others.
func (c *Condition) constants() []operationTrial {
	steps := maxSteps
	variables := c.variables()
	rest := slices.Concat(variables, c.wildcardVariables())
	out := []operationTrial{{verdict: c.try(rest, make([]outcome, len(c.leaves)), &steps)}}
	seen := map[arm.Key]bool{}
	for _, l := range c.leaves {
		if l.kind != actionLeaf || l.action.Wildcards() > 0 || seen[l.action.Key()] {
			continue
		}
		seen[l.action.Key()] = true
		if o := operationOf(l.action.String()); !o.IsZero() {
			out = append(out, operationTrial{leaf: l, verdict: c.try(variables, c.actionOutcomes(o), &steps)})
		}
	}
	return out
}

// wildcardVariables lets each pattern of ActionMatches match or not, for operations that no
// pattern names in full.
func (c *Condition) wildcardVariables() []variable {
	var out []variable
	places := map[arm.Key]int{}
	for i, l := range c.leaves {
		if l.kind != actionLeaf {
			continue
		}
		at, ok := places[l.action.Key()]
		if !ok {
			at = len(out)
			places[l.action.Key()] = at
			out = append(out, variable{trials: make([][]outcome, 1, 2)})
			if l.action.Wildcards() > 0 {
				out[at].trials = out[at].trials[:2]
			}
		}
		out[at].leaves = append(out[at].leaves, i)
		for k, truth := range []Truth{False, True}[:len(out[at].trials)] {
			out[at].trials[k] = append(out[at].trials[k], outcome{truth, Compared})
		}
	}
	return out
}

// actionOutcomes gives every ActionMatches its value for one operation.
func (c *Condition) actionOutcomes(o arm.Operation) []outcome {
	outcomes := make([]outcome, len(c.leaves))
	env := &Env{Operation: o}
	for i, l := range c.leaves {
		if l.kind == actionLeaf {
			outcomes[i].truth, outcomes[i].reason = l.eval(env)
		}
	}
	return outcomes
}

// variables groups the leaves other than ActionMatches by what they depend on.
func (c *Condition) variables() []variable {
	groups := map[reference][]int{}
	var order []reference
	var out []variable
	for i, l := range c.leaves {
		ref, ok := l.dependsOn()
		switch {
		case l.kind == actionLeaf:
		case !ok:
			out = append(out, variable{leaves: []int{i}, trials: l.freeTrials()})
		default:
			if groups[ref] == nil {
				order = append(order, ref)
			}
			groups[ref] = append(groups[ref], i)
		}
	}
	for _, ref := range order {
		out = append(out, c.groupVariables(ref, groups[ref])...)
	}
	return out
}

// groupVariables returns one variable for an attribute whose classes can be tried, else one
// for each leaf.
func (c *Condition) groupVariables(ref reference, indices []int) []variable {
	leaves := make([]*leaf, len(indices))
	for i, index := range indices {
		leaves[i] = c.leaves[index]
	}
	envs, ok := classes(ref, leaves)
	if !ok {
		out := make([]variable, len(indices))
		for i, index := range indices {
			out[i] = variable{leaves: []int{index}, trials: leaves[i].freeTrials()}
		}
		return out
	}
	v := variable{leaves: indices}
	seen := map[string]bool{}
	for _, env := range envs {
		trial := make([]outcome, len(leaves))
		key := make([]byte, 0, 2*len(leaves))
		for i, l := range leaves {
			trial[i].truth, trial[i].reason = l.eval(env)
			key = append(key, byte(trial[i].truth), byte(trial[i].reason))
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			v.trials = append(v.trials, trial)
		}
	}
	return []variable{v}
}

// freeTrials lets a leaf be true, false, or false because it fails; one without attributes
// has its value.
func (l *leaf) freeTrials() [][]outcome {
	if l.kind == compareLeaf && (l.mismatch || len(l.attributes()) == 0) {
		truth, reason := l.eval(&Env{})
		return [][]outcome{{{truth, reason}}}
	}
	return [][]outcome{{{True, Compared}}, {{False, Compared}}, {{False, NoAttribute}}}
}

// dependsOn returns the one attribute that decides the leaf.
func (l *leaf) dependsOn() (reference, bool) {
	attributes := l.attributes()
	if l.kind == opaqueLeaf || l.mismatch || len(attributes) != 1 {
		return reference{}, false
	}
	return newReference(attributes[0].Source, attributes[0].Name), true
}

// try runs through the product of all trials; outcomes holds the leaves that do not vary.
func (c *Condition) try(variables []variable, outcomes []outcome, steps *int) verdict {
	product := 1
	for _, v := range variables {
		product *= len(v.trials)
		if product > maxTrials {
			return varies
		}
	}
	*steps -= product * len(c.leaves)
	if *steps < 0 {
		return varies
	}
	var seen [3]bool
	for n := range product {
		for _, v := range variables {
			trial := v.trials[n%len(v.trials)]
			n /= len(v.trials)
			for i, index := range v.leaves {
				outcomes[index] = trial[i]
			}
		}
		seen[c.root.evalOutcomes(outcomes, false)] = true
	}
	return verdictOf(seen)
}

// verdictOf judges by the set of truths that occurred.
func verdictOf(seen [3]bool) verdict {
	switch seen {
	case [3]bool{True: true}:
		return always
	case [3]bool{False: true}:
		return never
	}
	return varies
}

// evalOutcomes is eval with given values of the leaves, in Strict mode.
func (n *node) evalOutcomes(outcomes []outcome, negated bool) Truth {
	switch n.kind {
	case andNode:
		t := True
		for i := range n.kids {
			t = t.And(n.kids[i].evalOutcomes(outcomes, negated))
		}
		return t
	case orNode:
		t := False
		for i := range n.kids {
			t = t.Or(n.kids[i].evalOutcomes(outcomes, negated))
		}
		return t
	case notNode:
		return n.kids[0].evalOutcomes(outcomes, !negated).Not()
	default:
		o := outcomes[n.index]
		return inContext(o.truth, o.reason, negated, Strict)
	}
}

// constant says whether a comparison has the same value for every value of its attribute.
func (l *leaf) constant() verdict {
	if l.kind != compareLeaf || l.mismatch {
		return varies
	}
	var seen [3]bool
	ref, ok := l.dependsOn()
	if !ok {
		if len(l.attributes()) == 0 {
			truth, _ := l.eval(&Env{})
			seen[truth] = true
		}
		return verdictOf(seen)
	}
	if l.matchesAll() {
		seen[TruthOf(!l.op.negated)] = true
	}
	envs, _ := classes(ref, []*leaf{l})
	for _, env := range envs {
		var more Value
		if v, p := env.find(&ref, &more); p == Known && v.size() > 0 {
			truth, _ := l.eval(env)
			seen[truth] = true
		}
	}
	return verdictOf(seen)
}

// matchesAll reports whether the pattern on the right of a leaf matches every text.
func (l *leaf) matchesAll() bool {
	if len(l.right.literals) != 1 {
		return false
	}
	text := l.right.literals[0].text
	switch l.op.relation {
	case isLike:
		return text != "" && strings.Trim(text, "*") == ""
	case startsWith, endsWith, contains:
		return text == ""
	default:
		return false
	}
}

// classes returns one request for each class of values of an attribute that the leaves can
// tell apart, and one without it. ok is false if the classes are not known to be all.
func classes(ref reference, leaves []*leaf) (envs []*Env, ok bool) {
	s, ok := describe(ref, leaves)
	if !ok {
		return nil, false
	}
	absent := &Env{}
	absent.put(attribute{ref: ref, presence: Absent})
	envs = append(envs, absent)
	if n := len(s.literals); (3*n+1)*(n+len(leaves)) > maxComparisons {
		return nil, false
	}
	values := s.values()
	if s.lists {
		if !s.quantified || len(values) > maxListClasses {
			return nil, false
		}
		values = subsets(values)
	}
	for _, v := range values {
		env := &Env{}
		env.put(attribute{ref: ref, presence: Known, value: v})
		envs = append(envs, env)
	}
	return envs, true
}

// subsets returns every list of the values, in their order, the empty one included.
func subsets(values []Value) []Value {
	out := make([]Value, 0, 1<<len(values))
	for bits := range 1 << len(values) {
		var list []Value
		for i, v := range values {
			if bits>>i&1 == 1 {
				list = append(list, v)
			}
		}
		out = append(out, List(list...))
	}
	return out
}

// usage is how the leaves of one attribute use it.
type usage struct {
	family     family
	fold       bool
	typed      bool // family and fold are set
	lists      bool // the attribute can have several values
	quantified bool // every comparison has a quantifier
	literals   []scalar
}

// describe collects the literals that an attribute is compared with. ok is false if leaves
// read it as different types or compare it by patterns.
func describe(ref reference, leaves []*leaf) (u usage, ok bool) {
	u = usage{quantified: true, lists: severalValues(ref)}
	for _, l := range leaves {
		switch l.kind {
		case existsLeaf:
			continue
		case subOperationLeaf:
			if strings.ContainsAny(l.pattern, `*?\`) || !u.unify(ofString, true) {
				return u, false
			}
			u.literals = append(u.literals, scalar{text: l.pattern})
			continue
		default:
		}
		if l.op.relation >= startsWith || !u.unify(l.op.family, l.op.ignoreCase) {
			return u, false
		}
		u.quantified = u.quantified && l.quantifier != NoQuantifier
		u.literals = append(u.literals, l.left.literals...)
		u.literals = append(u.literals, l.right.literals...)
	}
	return u, true
}

// unify sets the type, or compares it with the one that is set.
func (u *usage) unify(f family, fold bool) bool {
	if !u.typed {
		u.family, u.fold, u.typed = f, fold, true
	}
	return u.family == f && u.fold == fold
}

// severalValues reports whether an attribute can have several values: custom security
// attributes, keys of tags, suboperations, and attributes of no known type. The storage,
// Key Vault and role assignment tables give all others one.
func severalValues(ref reference) bool {
	key := string(ref.key)
	return ref.source == Principal || strings.HasSuffix(key, "&$keys$&") ||
		ref.source != Environment && !strings.HasPrefix(key, "microsoft.")
}

// values returns one value of each class.
func (u *usage) values() []Value {
	switch u.family {
	case ofBool:
		return []Value{Bool(true), Bool(false)}
	case ofInt:
		return u.around(Int)
	case ofTime:
		return u.around(func(n int64) Value { return Value{kind: KindTime, num: n} })
	case ofGUID:
		values := []Value{{kind: KindGUID, guid: u.freshGUID()}}
		for _, s := range u.literals {
			values = append(values, Value{kind: KindGUID, guid: s.guid})
		}
		return unique(values)
	default:
		var longest strings.Builder
		longest.WriteString("x") // longer than every literal, so equal to none
		values := make([]Value, 1, len(u.literals)+1)
		for _, s := range u.literals {
			longest.WriteString(foldText(s.text, true))
			values = append(values, String(foldText(s.text, u.fold)))
		}
		values[0] = String(longest.String())
		return unique(values)
	}
}

func foldText(s string, fold bool) string {
	if fold {
		return string(arm.Fold(s))
	}
	return s
}

// freshGUID returns a GUID that no literal is: one of the first n+1 numbers is not among n.
func (u *usage) freshGUID() guid {
	used := map[guid]bool{}
	for _, s := range u.literals {
		used[s.guid] = true
	}
	var g guid
	for used[g] {
		g[15]++
		if g[15] == 0 {
			g[14]++
		}
	}
	return g
}

// around returns each literal and its neighbours.
func (u *usage) around(value func(int64) Value) []Value {
	values := []Value{value(0)}
	for _, s := range u.literals {
		values = append(values, value(s.num))
		if s.num > math.MinInt64 {
			values = append(values, value(s.num-1))
		}
		if s.num < math.MaxInt64 {
			values = append(values, value(s.num+1))
		}
	}
	return unique(values)
}

func unique(values []Value) []Value {
	seen := map[string]bool{}
	out := values[:0]
	for _, v := range values {
		if key := v.String(); !seen[key] {
			seen[key] = true
			out = append(out, v)
		}
	}
	return out
}
