// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/effective"
)

// Options say how to run.
type Options struct {
	// Catalog is what Azure itself defines. It is required.
	Catalog *catalog.Catalog
	// Now is the time that expiries are measured against. Zero: nothing expires, and
	// findings have no due date.
	Now time.Time
	// Settings are the user's words on what tags mean.
	Settings Settings
	// Suppressions are the findings that somebody accepted for a time.
	Suppressions []Suppression
	// Baseline is what an earlier run found; nil without one.
	Baseline *Baseline
	// Policy holds the deadlines; its zero value is the default policy.
	Policy Policy
	// Contract is what was agreed on about identities; nil without one. Its exceptions are
	// suppressions.
	Contract *contract.Contract
	// Captured are principals that deployments told, by the names of the outputs.
	Captured contract.Captured
}

// Settings say how an organisation writes down what Azure does not know. The zero value
// looks at the tags of [DefaultEnvironmentTags] and [DefaultOwnerTags].
type Settings struct {
	// EnvironmentTags are the names of the tags that hold an environment, the first that
	// is set counts.
	EnvironmentTags []string
	// SubscriptionEnvironments gives the environment of a subscription by its ID.
	SubscriptionEnvironments map[string]string
	// OwnerTags are the names of the tags that hold an owner.
	OwnerTags []string
	// Owners gives the owner of a file's objects, as CODEOWNERS does; nil where there is
	// none. It returns "" for a file without an owner.
	Owners func(file string) string
	// Evidence gives what is known of the run time of a workload, and when it or its settings
	// changed last, zero where that is not known; nil where there is no evidence.
	Evidence func(w *effective.Carrier, consumers []effective.Consumer) (seen []effective.Statement, changed time.Time)
}

// Run checks the snapshot with each rule. A rule that fails does not keep others from
// running: its error is in its result. The results are in the order of the rules' IDs
// and are the same for the same snapshot, whatever the order of its facts.
func Run(s *mivet.Snapshot, rules []*Rule, o Options) (*Results, error) {
	if err := Validate(rules); err != nil {
		return nil, fmt.Errorf("validating the rules: %w", err)
	}
	if o.Catalog == nil {
		return nil, fmt.Errorf("running %d rules: there is no catalogue", len(rules))
	}
	o.Suppressions = slices.Concat(o.Suppressions, exceptions(o.Contract, s))
	o.Settings = o.Settings.inStage(o.Contract)
	sh := newShared(s, o.Catalog)
	sh.agreed = sync.OnceValue(func() *agreement { return sh.agree(o.Contract) })
	defer sh.warm()()
	res := &Results{
		Now: o.Now, TakenAt: s.TakenAt, TenantID: s.TenantID, Inputs: s.Inputs,
		CatalogDate: catalogDate(o.Catalog), Counts: countFacts(s), Gaps: s.Gaps,
	}
	sorted := slices.Clone(rules)
	slices.SortFunc(sorted, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	res.Rules = make([]Result, len(sorted))
	runAll(sh, sorted, &o, res.Rules)
	return res, nil
}

// runAll runs rules, on several cores where the snapshot is large. Each core remembers what
// its rules found out by itself.
func runAll(sh *shared, rules []*Rule, o *Options, results []Result) {
	cores := 1
	if len(sh.snapshot.Resources) >= manyResources {
		cores = min(runtime.GOMAXPROCS(0), maxCores, len(rules))
	}
	var next atomic.Int32
	var group sync.WaitGroup
	for range cores {
		group.Go(func() {
			known := newMemo(sh)
			for i := int(next.Add(1)) - 1; i < len(rules); i = int(next.Add(1)) - 1 {
				results[i] = runRule(sh, known, rules[i], o)
			}
		})
	}
	group.Wait()
}

// maxCores is how many rules run at one time: more would need more memory, and end no
// sooner than the longest of them.
const maxCores = 4

func runRule(sh *shared, known *memo, r *Rule, o *Options) Result {
	res := Result{Rule: r}
	p := &Pass{
		Rule: r, Snapshot: sh.snapshot, Catalog: sh.catalog, Settings: o.Settings, Now: o.Now,
		Suppressions: o.Suppressions, Policy: &o.Policy, Captured: o.Captured,
		shared: sh, memo: known, result: &res, seen: map[gapKey]bool{},
	}
	if err := r.Check(p); err != nil {
		res.Err = fmt.Errorf("running rule %s: %w", r.ID, err)
	}
	p.remainingGaps()
	res.Findings = tidy(res.Findings)
	settle(&res, o)
	res.Undecided = orderUndecided(res.Undecided)
	return res
}

// orderUndecided sorts what could not be decided and drops repetitions.
func orderUndecided(us []Undecided) []Undecided {
	keys := make([]string, len(us))
	for i := range us {
		keys[i] = us[i].Subject.Key()
	}
	order := inOrder(len(us), func(x, y int) int {
		a, b := &us[x], &us[y]
		if c := cmp.Or(cmp.Compare(a.Facts, b.Facts), cmp.Compare(keys[x], keys[y]), cmp.Compare(a.Subject.Name, b.Subject.Name)); c != 0 {
			return c
		}
		return cmp.Or(compareSources(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	var out []Undecided
	for _, i := range order {
		if len(out) == 0 || !sameUndecided(&out[len(out)-1], &us[i]) {
			out = append(out, us[i])
		}
	}
	return out
}

func sameUndecided(a, b *Undecided) bool {
	return a.Facts == b.Facts && a.Reason == b.Reason && a.Subject.Name == b.Subject.Name &&
		a.Subject.Key() == b.Subject.Key() && compareSources(a.Source, b.Source) == 0
}

// inOrder returns the numbers below n in the order of compare; equals stay as they are.
func inOrder(n int, compare func(x, y int) int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, compare)
	return order
}

// tidy orders findings and joins those with the same fingerprint.
func tidy(fs []mivet.Finding) []mivet.Finding {
	out := make([]mivet.Finding, 0, len(fs))
	at := make(map[string]int, len(fs))
	for _, n := range inOrder(len(fs), findingOrder(fs)) {
		f := &fs[n]
		i, ok := at[f.Fingerprint]
		if !ok {
			at[f.Fingerprint] = len(out)
			out = append(out, *f)
			continue
		}
		joinEvidence(&out[i], f.Evidence)
	}
	return out
}

func joinEvidence(f *mivet.Finding, more []mivet.Evidence) {
	for _, e := range more {
		known := slices.ContainsFunc(f.Evidence, func(k mivet.Evidence) bool {
			return k.Kind == e.Kind && k.Fact == e.Fact && compareSources(k.Source, e.Source) == 0
		})
		if !known {
			f.Evidence = append(f.Evidence, e)
		}
	}
}

// Fingerprint returns the name of a finding that stays the same while its texts change:
// 32 hexadecimal digits of a SHA-256 over rule, subject and discriminator.
func Fingerprint(rule string, s mivet.Subject, discriminator string) string {
	sum := sha256.Sum256([]byte(rule + "\x00" + s.Key() + "\x00" + discriminator))
	return hex.EncodeToString(sum[:16])
}
