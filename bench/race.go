// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet/catalog"
)

// An asker answers question i. It may be called many times.
type asker func(i int) (allowed bool, err error)

// A loader tells an engine the tenant and prepares the questions in the engine's own
// types. Only the asker is timed.
type loader func(t *tenant, qs []question) (asker, error)

// A racer is an engine, or a way of asking one.
type racer struct {
	name string
	load loader
}

// racers lists who runs. The first is the reference of the answers: it shares no code with
// any other, and is short enough to be read.
func racers(cat *catalog.Catalog) []racer {
	return []racer{
		{"naive Go matcher", loadNaive},
		{"mivet, handles", loadMivetHandles(cat)},
		{"mivet, parsed names", loadMivet(cat)},
		{"mivet, text", loadMivetText(cat)},
		{"OPA, prepared query", loadOPA},
		{"cedar-go, sliced by us", loadCedarSliced},
		{"cedar-go", loadCedar},
		{"casbin", loadCasbin},
		{"OpenFGA, memory store", loadOpenFGA},
	}
}

// A lap is the result of one racer.
type lap struct {
	name     string
	load     time.Duration
	compared int
	times    times
}

func runRaces(w io.Writer, o options) error {
	cat, err := catalog.Open()
	if err != nil {
		return fmt.Errorf("opening the catalogue: %w", err)
	}
	for _, n := range o.assignments {
		t := newTenant(cat, n, o.seed)
		qs := t.questions(o.questions, o.seed)
		if err := race(w, t, qs, chosen(racers(cat), o.only), o.budget); err != nil {
			return fmt.Errorf("racing on %d assignments: %w", n, err)
		}
	}
	return nil
}

// chosen keeps the reference and the racers whose names contain one of the words.
func chosen(all []racer, words string) []racer {
	if words == "" {
		return all
	}
	kept := all[:1:1]
	for _, r := range all[1:] {
		for word := range strings.SplitSeq(words, ",") {
			if strings.Contains(strings.ToLower(r.name), strings.ToLower(strings.TrimSpace(word))) {
				kept = append(kept, r)
				break
			}
		}
	}
	return kept
}

// race runs all racers on one tenant. The first one that answers differently ends it: a
// time for another answer means nothing.
func race(w io.Writer, t *tenant, qs []question, all []racer, budget time.Duration) error {
	reference, allowed, err := answersOf(all[0], t, qs)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d assignments, %d principals, %d groups, %d scopes, %d roles, %d operations; %d questions, %.0f %% of them allowed\n\n",
		len(t.assignments), racedPrincipals, racedGroups, len(t.scopes), len(t.roles), len(t.operations), len(qs),
		100*float64(allowed)/float64(len(qs)))
	rows := [][]string{{"engine", "load", "p50", "p99", "in batches", "allocations", "timed", "answers compared"}}
	for _, r := range all {
		l, err := runLap(r, t, qs, reference, budget)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		rows = append(rows, l.row())
		runtime.GC()
	}
	return table(w, rows)
}

func (l *lap) row() []string {
	compared := strconv.Itoa(l.compared) + " equal"
	return []string{
		l.name, short(l.load), short(l.times.p50), short(l.times.p99), short(l.times.batched),
		fmt.Sprintf("%.1f", l.times.allocs), strconv.Itoa(l.times.asked), compared,
	}
}

func answersOf(r racer, t *tenant, qs []question) (answers []bool, allowed int, err error) {
	ask, err := r.load(t, qs)
	if err != nil {
		return nil, 0, fmt.Errorf("loading %s: %w", r.name, err)
	}
	answers = make([]bool, len(qs))
	for i := range qs {
		if answers[i], err = ask(i); err != nil {
			return nil, 0, fmt.Errorf("asking %s: %w", r.name, err)
		}
		if answers[i] {
			allowed++
		}
	}
	return answers, allowed, nil
}

func runLap(r racer, t *tenant, qs []question, reference []bool, budget time.Duration) (*lap, error) {
	start := time.Now()
	ask, err := r.load(t, qs)
	if err != nil {
		return nil, fmt.Errorf("loading: %w", err)
	}
	l := &lap{name: r.name, load: time.Since(start)}
	if l.compared, err = compare(t, qs, reference, ask, budget); err != nil {
		return nil, err
	}
	var failed error
	l.times = measure(l.compared, budget, func(int, int) {}, func(i int) {
		if _, err := ask(i); err != nil {
			failed = err
		}
	})
	return l, failed
}

// compare asks as many questions as the budget allows, in order, and returns how many were
// answered as the reference did. Only those are timed.
func compare(t *tenant, qs []question, reference []bool, ask asker, budget time.Duration) (int, error) {
	deadline := time.Now().Add(budget)
	n := 0
	for n < len(qs) && (n < batch || time.Now().Before(deadline)) {
		got, err := ask(n)
		if err != nil {
			return n, fmt.Errorf("asking question %d: %w", n, err)
		}
		if got != reference[n] {
			q := qs[n]
			return n, fmt.Errorf("question %d, %s of %s on %s: it says %t, the reference says %t",
				n, t.operations[q.operation].name, q.principal, t.scopes[q.resource].id, got, reference[n])
		}
		n++
	}
	return n, nil
}
