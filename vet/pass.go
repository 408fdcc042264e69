// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/execpath"
)

// Pass is what a rule works with: the facts, the engines, and the ways to say something.
// What several rules need is computed once for all of them, when it is first asked for.
type Pass struct {
	// Rule is the rule that runs.
	Rule *Rule
	// Snapshot holds the facts. It must not be changed.
	Snapshot *mivet.Snapshot
	// Catalog is what Azure itself defines.
	Catalog *catalog.Catalog
	// Settings are the user's words on what tags mean.
	Settings Settings
	// Suppressions and Policy are those of the run, for rules about suppressions.
	Suppressions []Suppression
	Policy       *Policy
	// Captured are principals that deployments told, by the names of the outputs.
	Captured contract.Captured
	// Now is the time that expiries are measured against; zero when nobody gave one.
	Now time.Time

	shared *shared
	memo   *memo
	result *Result
	seen   map[gapKey]bool
}

// shared is what all passes of a run have in common. It is safe for concurrent use.
type shared struct {
	snapshot *mivet.Snapshot
	catalog  *catalog.Catalog
	index    func() *mivet.Index
	engine   func() *authz.Engine
	paths    func() (*execpath.Graph, error)
	places   func() *placeMap
	ledger   func() *ledger
	local    func() *localLedger
	types    func() map[arm.Key][]int32
	lists    typeLists
	tests    testUses
	// subscriptions holds the tags of each.
	subscriptions func() map[arm.Key]map[string]string
	// workers is filled by the first rule that asks.
	workerList []mivet.PrincipalID
	workerOnce sync.Once
	names      func() map[arm.Key]string
	order      func() []int32 // of the role assignments
	identities func() []*mivet.Identity
	gaps       map[mivet.FactKind]*gapList
	// readOnly is the engine of what was read, declared the objects of plans.
	readOnly func() *authz.Engine
	agreed   func() *agreement
	declared func() map[[2]string]bool
}

// memo is what a rule found out and may ask for again. It serves one rule at a time.
type memo struct {
	roles     *roleBook
	roleTypes map[*Role]*roleTypes
	// last are the holdings that were asked for last: rules ask about one principal after
	// the other, and several times each.
	last struct {
		holder   mivet.PrincipalID
		holdings []Holding
	}
	// environments are those of scopes, by their spelling.
	environments map[string]string
}

func newMemo(sh *shared) *memo {
	return &memo{roles: newRoleBook(sh), roleTypes: map[*Role]*roleTypes{}, environments: map[string]string{}}
}

func newShared(s *mivet.Snapshot, c *catalog.Catalog) *shared {
	sh := &shared{snapshot: s, catalog: c, gaps: map[mivet.FactKind]*gapList{}}
	sh.index = sync.OnceValue(func() *mivet.Index { return mivet.NewIndex(s) })
	sh.engine = sync.OnceValue(func() *authz.Engine { return authz.New(s, authz.Options{Catalog: c}) })
	sh.paths = sync.OnceValues(func() (*execpath.Graph, error) {
		table, err := execpath.Builtin()
		if err != nil {
			return nil, err
		}
		return execpath.New(s, sh.engine(), execpath.Options{Catalog: c, Table: table}), nil
	})
	sh.places = sync.OnceValue(func() *placeMap { return newPlaceMap(s, sh.index()) })
	sh.ledger = sync.OnceValue(func() *ledger { return newLedger(s, sh.order()) })
	sh.names = sync.OnceValue(func() map[arm.Key]string { return scopeNames(s) })
	sh.local = sync.OnceValue(func() *localLedger { return newLocalLedger(s) })
	sh.types = sync.OnceValue(func() map[arm.Key][]int32 { return typeIndex(s) })
	sh.subscriptions = sync.OnceValue(func() map[arm.Key]map[string]string { return subscriptionTags(s) })
	sh.identities = sync.OnceValue(func() []*mivet.Identity { return orderIdentities(s) })
	sh.order = sync.OnceValue(func() []int32 { return orderAssignments(s) })
	sh.declared = sync.OnceValue(func() map[[2]string]bool { return declaredObjects(s) })
	sh.readOnly = sync.OnceValue(func() *authz.Engine { return authz.New(readFacts(s, sh.isDeclared), authz.Options{Catalog: c}) })
	for i := range s.Gaps {
		g := &s.Gaps[i]
		l := sh.gaps[g.Facts]
		if l == nil {
			l = &gapList{about: map[string]*mivet.Gap{}}
			sh.gaps[g.Facts] = l
		}
		l.add(g)
	}
	return sh
}

// manyResources is from how many resources on it pays to use a second core.
const manyResources = 10_000

// warm begins to build, for a large snapshot, what nearly every rule asks for. What it
// returns waits for the end of that.
func (sh *shared) warm() (wait func()) {
	var group sync.WaitGroup
	if len(sh.snapshot.Resources) >= manyResources {
		group.Go(func() { sh.engine() })
		group.Go(func() { sh.places() })
	}
	return group.Wait
}

// gapList are the gaps in facts of one kind.
type gapList struct {
	all    []*mivet.Gap
	scopes []*mivet.Gap          // those that are not about one subject
	about  map[string]*mivet.Gap // the first about a subject
}

func (l *gapList) add(g *mivet.Gap) {
	l.all = append(l.all, g)
	switch {
	case g.Subject == "":
		l.scopes = append(l.scopes, g)
	case l.about[g.Subject] == nil:
		l.about[g.Subject] = g
	}
}

func (sh *shared) workers(p *Pass) []mivet.PrincipalID {
	sh.workerOnce.Do(func() { sh.workerList = findWorkers(p) })
	return sh.workerList
}

// Index finds facts by their names.
func (p *Pass) Index() *mivet.Index { return p.shared.index() }

// Paths returns who can act as whom, made when it is first asked for.
func (p *Pass) Paths() (*execpath.Graph, error) { return p.shared.paths() }

// Engine answers who can do what. Its time is that of the snapshot.
func (p *Pass) Engine() *authz.Engine { return p.shared.engine() }

// Report adds a finding. Rule and fingerprint are set by the driver; a missing severity
// becomes the rule's, and a missing command is written from the fix's edits. Two findings with the same subject and discriminator become one,
// with the evidence of both.
func (p *Pass) Report(f mivet.Finding) {
	f.Rule = p.Rule.ID
	if f.Severity == mivet.SeverityUnset {
		f.Severity = p.Rule.Severity
	}
	if f.Fix.Command == "" {
		f.Fix.Command = strings.Join(AzCommands(f.Fix.Edits), "\n")
	}
	f.Evidence = capEvidence(f.Evidence)
	f.Fingerprint = Fingerprint(f.Rule, f.Subject, f.Discriminator)
	p.result.Findings = append(p.result.Findings, f)
}

// maxEvidence is how many statements a finding holds; the rest is counted.
const maxEvidence = 40

func capEvidence(es []mivet.Evidence) []mivet.Evidence {
	if len(es) <= maxEvidence {
		return es
	}
	rest := mivet.Evidence{Kind: mivet.Predicted, Fact: fmt.Sprintf("and %d more like these", len(es)-maxEvidence+1)}
	return append(slices.Clone(es[:maxEvidence-1]), rest)
}

// Pass says that a subject was looked at and is right.
func (p *Pass) Pass() { p.result.Passed++ }

type gapKey struct {
	facts      mivet.FactKind
	scope      arm.Key
	subject    string
	permission string
}

// Unassessed says that a subject could not be decided.
func (p *Pass) Unassessed(u Undecided) {
	u.Rule = p.Rule.ID
	p.result.Undecided = append(p.result.Undecided, u)
}

// Blocked says that a subject could not be decided because of a gap.
func (p *Pass) Blocked(s mivet.Subject, g *mivet.Gap) {
	p.seen[keyOf(g)] = true
	p.Unassessed(Undecided{Subject: s, Reason: g.Reason, Facts: g.Facts, Permission: g.Permission, Source: g.Source})
}

func keyOf(g *mivet.Gap) gapKey {
	return gapKey{g.Facts, g.Scope.Key(), g.Subject, g.Permission}
}

// Gap returns the first gap in facts of a kind that concerns a scope: one in the whole
// tenant, above it, at it or below it; nil where there is none. Gaps about one subject
// do not count. For the zero scope every gap of the kind counts.
func (p *Pass) Gap(kind mivet.FactKind, scope arm.ID) *mivet.Gap {
	l := p.shared.gaps[kind]
	if l == nil {
		return nil
	}
	for _, g := range l.scopes {
		if scope.IsZero() || g.Scope.IsZero() || g.Scope.Contains(scope) || scope.Contains(g.Scope) {
			return g
		}
	}
	return nil
}

// GapAbout returns the first gap in facts of a kind about one subject: a principal's ID,
// an address; else one in the whole tenant; nil where there is none.
func (p *Pass) GapAbout(kind mivet.FactKind, subject string) *mivet.Gap {
	l := p.shared.gaps[kind]
	if l == nil {
		return nil
	}
	if g := l.about[subject]; g != nil {
		return g
	}
	for _, g := range l.scopes {
		if g.Scope.IsZero() {
			return g
		}
	}
	return nil
}

// remainingGaps says "not assessed" for the gaps in what the rule needs that the rule
// itself did not mention. That an input of its kind never holds all facts is no news where
// there was nothing to look at.
func (p *Pass) remainingGaps() {
	looked := p.result.Outcome() != NotApplicable
	for _, kind := range p.Rule.Needs {
		l := p.shared.gaps[kind]
		if l == nil {
			continue
		}
		for _, g := range l.all {
			if !p.seen[keyOf(g)] && (looked || !g.Inherent) {
				p.Blocked(p.gapSubject(g), g)
			}
		}
	}
}

func (p *Pass) gapSubject(g *mivet.Gap) mivet.Subject {
	s := mivet.Subject{Resource: g.Scope, Name: g.Subject}
	switch {
	case s.Name != "":
	case g.Scope.IsZero():
		s.Name = "the tenant"
	default:
		s.Name = p.ScopeWords(g.Scope)
	}
	return s
}
