// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// scaleOperations are asked on the control plane.
var scaleOperations = []string{
	"Microsoft.Compute/virtualMachines/start/action", "Microsoft.Storage/storageAccounts/listKeys/action",
	"Microsoft.Web/sites/write", "Microsoft.Compute/virtualMachines/read", "Microsoft.Authorization/roleAssignments/write",
}

// The matrix of the scale run.
const (
	matrixPrincipals = 1000
	matrixResources  = 5000
	matrixRuns       = 21
)

// whoCanQuestions is how many resources are asked for who can do something.
const whoCanQuestions = 2000

func runScale(w io.Writer, o options) error {
	cat, err := catalog.Open()
	if err != nil {
		return fmt.Errorf("opening the catalogue: %w", err)
	}
	l, err := newLarge(o.large, cat)
	if err != nil {
		return fmt.Errorf("making up the tenant: %w", err)
	}
	mem := newMemory()
	fmt.Fprintf(w, "one read of memory that is in no cache takes %s\n", short(mem.chain()))
	e := buildEngine(w, l, cat)
	ops, err := parseOperations(scaleOperations)
	if err != nil {
		return err
	}
	s := &scaleRun{engine: e, large: l, ops: ops, budget: o.budget, runs: o.runs, memory: mem, r: rand.New(rand.NewPCG(o.seed, 4))} //nolint:gosec // not for secrets
	if err := s.checks(w, 20*o.questions); err != nil {
		return err
	}
	s.matrix(w)
	return s.whoCan(w)
}

func parseOperations(names []string) ([]arm.Operation, error) {
	ops := make([]arm.Operation, len(names))
	for i, name := range names {
		op, err := arm.ParseOperation(name)
		if err != nil {
			return nil, err
		}
		ops[i] = op
	}
	return ops, nil
}

// buildEngine prints how long the engine takes to build and what it keeps beside the
// snapshot.
func buildEngine(w io.Writer, l *large, cat *catalog.Catalog) *authz.Engine {
	facts := heap()
	start := time.Now()
	e := authz.New(l.snapshot, authz.Options{Catalog: cat})
	took := time.Since(start)
	kept := heap() - facts
	fmt.Fprintf(w, "\n%d resources, %d identities, %d groups, %d role assignments\n", len(l.resources), len(l.people), len(l.groups), len(l.snapshot.RoleAssignments))
	fmt.Fprintf(w, "engine: built in %s, keeps %d MB (facts and catalogue: %d MB)\n\n", short(took), kept>>20, facts>>20)
	return e
}

// heap returns the bytes that are in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A scaleRun asks one engine.
type scaleRun struct {
	engine *authz.Engine
	large  *large
	ops    []arm.Operation
	budget time.Duration
	runs   int
	memory *coldMemory
	r      *rand.Rand
	sink   int
}

// requests draws n questions about principals and resources in random order. In half of
// them the principal, unless it is a group, holds some role at or above the resource.
func (s *scaleRun) requests(n int) []authz.Request {
	out := make([]authz.Request, n)
	for i := range out {
		r := authz.Request{
			Principal: s.large.people[s.r.IntN(len(s.large.people))], Operation: s.ops[s.r.IntN(len(s.ops))],
			Plane: mivet.PlaneControl, Resource: s.large.resources[s.r.IntN(len(s.large.resources))],
		}
		if k := s.r.IntN(2 * len(s.large.about)); k < len(s.large.about) {
			if a := &s.large.snapshot.RoleAssignments[k]; a.PrincipalType != mivet.TypeGroup {
				r.Principal, r.Resource = a.Principal, s.large.resources[s.large.about[k]]
			}
		}
		out[i] = r
	}
	return out
}

// checks measures single questions. Each has a principal and a resource of its own, drawn
// from all, so what the engine reads for it is in no cache, or only by chance.
func (s *scaleRun) checks(w io.Writer, n int) error {
	asked := s.requests(n)
	handles := handlesOf(s.engine, asked)
	if err := s.agree(w, asked, handles); err != nil {
		return err
	}
	rows := [][]string{{"Check", "p50", "p99", "in batches", "allocations", "timed"}}
	row := func(name string, ready func(from, to int), ask func(i int)) {
		t := best(s.runs, func() times { return measure(n, s.budget, ready, ask) })
		rows = append(rows, []string{name, short(t.p50), short(t.p99), short(t.batched), fmt.Sprintf("%.1f", t.allocs), strconv.Itoa(t.asked)})
	}
	byName := func(i int) { s.sink += int(s.engine.Check(asked[i]).Effect) }
	var read [batch]handle
	byHandle := func(i int) {
		h := &read[i%batch]
		s.sink += int(s.engine.CheckRef(h.principal, h.operation, &h.resource, h.plane, time.Time{}).Effect)
	}
	runtime.GC()
	nothing := func(int, int) {}
	row("no check, one uncached read", nothing, func(i int) { s.sink += s.memory.read(i) })
	row("handles, just read", func(from, to int) {
		for i := from; i < to; i++ {
			read[i%batch] = handles[i]
		}
	}, byHandle)
	row("handles, the same question again", nothing, func(int) { byHandle(0) })
	row("parsed names, just read", s.readNames(asked), byName)
	row("parsed names, read for the first time", nothing, byName)
	row("parsed names, the same question again", nothing, func(int) { byName(0) })
	return table(w, rows)
}

// agree asks everything both ways before anything is timed. Some answers are unknown:
// built-in roles that may assign roles do so under conditions, and a question without
// attributes leaves those open.
func (s *scaleRun) agree(w io.Writer, asked []authz.Request, handles []handle) error {
	counts := map[authz.Effect]int{}
	for i := range asked {
		h := &handles[i]
		byName, byHandle := s.engine.Check(asked[i]), s.engine.CheckRef(h.principal, h.operation, &h.resource, h.plane, time.Time{})
		if byName != byHandle {
			return fmt.Errorf("asking for %s on %s: by name %s, by handle %s", asked[i].Principal, asked[i].Resource, byName.Effect, byHandle.Effect)
		}
		counts[byName.Effect]++
	}
	fmt.Fprintf(w, "%d questions: %d allowed, %d denied, %d unknown; by name and by handle the same\n\n",
		len(asked), counts[authz.Allowed], counts[authz.Denied], counts[authz.Unknown])
	return nil
}

// readNames reads the texts of questions, as whoever received them has just done.
func (s *scaleRun) readNames(asked []authz.Request) func(from, to int) {
	return func(from, to int) {
		for i := from; i < to; i++ {
			s.sink += touch(string(asked[i].Principal)) + touch(asked[i].Resource.String())
		}
	}
}

func touch(text string) int {
	sum := 0
	for i := 0; i < len(text); i += 32 {
		sum += int(text[i])
	}
	return sum
}

// matrix measures the answers for many principals and resources, written out.
func (s *scaleRun) matrix(w io.Writer) {
	people, resources := s.large.people, s.large.resources
	principals := make([]mivet.PrincipalID, min(matrixPrincipals, len(people)))
	ids := make([]arm.ID, min(matrixResources, len(resources)))
	var took []time.Duration
	for range matrixRuns {
		for i := range principals {
			principals[i] = people[s.r.IntN(len(people))]
		}
		for i := range ids {
			ids[i] = resources[s.r.IntN(len(resources))]
		}
		runtime.GC()
		start := time.Now()
		m := s.engine.Matrix(principals, authz.WhoCanQuery{Operation: s.ops[0], Plane: mivet.PlaneControl}, ids)
		took = append(took, time.Since(start))
		s.sink += len(m.Effects)
	}
	slices.Sort(took)
	fmt.Fprintf(w, "\nmatrix of %d principals × %d resources × 1 operation, each time others: median %s, slowest of %d %s\n",
		len(principals), len(ids), short(took[len(took)/2]), len(took), short(took[len(took)-1]))
}

// whoCan measures who can do an operation, and how the time follows the answer.
func (s *scaleRun) whoCan(w io.Writer) error {
	type result struct {
		answers int
		took    time.Duration
	}
	results := make([]result, whoCanQuestions)
	for i := range results {
		q := authz.WhoCanQuery{
			Operation: s.ops[s.r.IntN(len(s.ops))], Plane: mivet.PlaneControl,
			Resource: s.large.resources[s.r.IntN(len(s.large.resources))],
		}
		start := time.Now()
		for range s.engine.WhoCan(q) {
			results[i].answers++
		}
		results[i].took = time.Since(start)
	}
	slices.SortFunc(results, func(a, b result) int { return cmp.Or(a.answers-b.answers, cmp.Compare(a.took, b.took)) })
	fmt.Fprintf(w, "\nwho-can, %d questions, by the length of the answer:\n\n", len(results))
	rows := [][]string{{"answers", "questions", "p50", "p50 per answer", "p99"}}
	for part := range slices.Chunk(results, (len(results)+4)/5) {
		least, most := part[0].answers, part[len(part)-1].answers
		took := make([]time.Duration, len(part))
		each := make([]time.Duration, len(part))
		for i, r := range part {
			took[i], each[i] = r.took, r.took/time.Duration(max(1, r.answers))
		}
		slices.Sort(took)
		slices.Sort(each)
		rows = append(rows, []string{
			fmt.Sprintf("%d–%d", least, most), strconv.Itoa(len(part)),
			short(quantile(took, 50)), short(quantile(each, 50)), short(quantile(took, 99)),
		})
	}
	return table(w, rows)
}
