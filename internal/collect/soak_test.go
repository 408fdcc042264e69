// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
)

// told lists the facts of a snapshot by their kind, each as a text that says what decides.
func told(s *mivet.Snapshot) map[mivet.FactKind]map[string]bool {
	out := map[mivet.FactKind]map[string]bool{}
	add := func(kind mivet.FactKind, parts ...any) {
		if out[kind] == nil {
			out[kind] = map[string]bool{}
		}
		out[kind][strings.ToLower(fmt.Sprintln(parts...))] = true
	}
	for i := range s.Resources {
		r := &s.Resources[i]
		add(mivet.FactResources, r.ID)
		if r.Identity != nil {
			add(mivet.FactIdentities, r.ID, r.Identity.System, r.Identity.SystemPrincipal, r.Identity.User)
		}
	}
	for i := range s.RoleAssignments {
		a := &s.RoleAssignments[i]
		kind := mivet.FactRoleAssignments
		if a.Eligible {
			kind = mivet.FactEligibleAssignments
		}
		add(kind, a.ID, a.Role, a.Principal, a.Scope, a.Condition, a.Eligible)
	}
	for i := range s.DenyAssignments {
		d := &s.DenyAssignments[i]
		add(mivet.FactDenyAssignments, d.ID, d.Scope, d.Principals, d.Excluded, d.Permissions, d.ThisScopeOnly)
	}
	for _, m := range s.Memberships {
		add(mivet.FactMemberships, m.Group, m.Member)
	}
	for i := range s.AccessPolicies {
		p := &s.AccessPolicies[i]
		add(mivet.FactAccessPolicies, p.Vault, p.Principal, p.Keys, p.Secrets, p.Certificates)
	}
	for i := range s.LocalGrants {
		g := &s.LocalGrants[i]
		add(mivet.FactLocalGrants, g.System, g.Account, g.Principal, g.Role, g.Scope)
	}
	for i := range s.FederatedCredentials {
		c := &s.FederatedCredentials[i]
		add(mivet.FactFederatedCredentials, c.Identity, c.AppObjectID, c.Name, c.Issuer, c.Subject, c.Expression)
	}
	for i := range s.AppRoles {
		a := &s.AppRoles[i]
		add(mivet.FactAppRoles, a.Principal, a.API, a.RoleID)
	}
	for i := range s.DirectoryRoles {
		d := &s.DirectoryRoles[i]
		add(mivet.FactDirectoryRoles, d.Principal, d.RoleID, d.DirectoryScope, d.Eligible)
	}
	for i := range s.Locks {
		add(mivet.FactLocks, s.Locks[i].ID, s.Locks[i].Level)
	}
	for i := range s.Principals {
		add(mivet.FactPrincipals, s.Principals[i].ID)
	}
	return out
}

// hangOn says of which other facts the asking for some facts hangs: who is not known to be
// there is not asked about.
var hangOn = map[mivet.FactKind][]mivet.FactKind{
	mivet.FactIdentities:           {mivet.FactResources},
	mivet.FactAccessPolicies:       {mivet.FactResources},
	mivet.FactLocalGrants:          {mivet.FactResources},
	mivet.FactFederatedCredentials: {mivet.FactResources},
	mivet.FactEligibleAssignments:  {mivet.FactSubscriptions},
	mivet.FactDenyAssignments:      {mivet.FactSubscriptions},
	mivet.FactLocks:                {mivet.FactSubscriptions},
	mivet.FactAppRoles:             {mivet.FactPrincipals},
	mivet.FactMemberships:          {mivet.FactPrincipals, mivet.FactRoleAssignments, mivet.FactEligibleAssignments},
	mivet.FactPrincipals:           {mivet.FactMemberships, mivet.FactRoleAssignments, mivet.FactEligibleAssignments, mivet.FactResources, mivet.FactLocalGrants},
}

// wrong says what is wrong with a snapshot: a fact that is not so, or a kind of facts that
// lacks something without a gap that says it.
func wrong(got, want *mivet.Snapshot) []string {
	var out []string
	gaps := map[mivet.FactKind]bool{}
	for _, g := range got.Gaps {
		gaps[g.Facts] = gaps[g.Facts] || !g.Inherent
	}
	have, all := told(got), told(want)
	for kind, facts := range all {
		known := gaps[kind] || slices.ContainsFunc(hangOn[kind], func(k mivet.FactKind) bool { return gaps[k] })
		for f := range facts {
			if !have[kind][f] && !known {
				out = append(out, fmt.Sprintf("%s lack %s, and no gap says so", kind, strings.TrimSpace(f)))
			}
		}
	}
	for kind, facts := range have {
		for f := range facts {
			if !all[kind][f] {
				out = append(out, fmt.Sprintf("%s have %s, which is not so", kind, strings.TrimSpace(f)))
			}
		}
	}
	slices.Sort(out)
	return out
}

// randomFault draws something to go wrong now and then, at any side of the lab.
func randomFault(r *rand.Rand) lab.Fault {
	kinds := []lab.Fault{
		{Kind: lab.FaultThrottle},
		{Kind: lab.FaultError, Status: 500},
		{Kind: lab.FaultError, Status: 503},
		{Kind: lab.FaultCut},
		{Kind: lab.FaultCut, Delay: -time.Second},
		{Kind: lab.FaultTruncate},
		{Kind: lab.FaultSlow, Delay: 20 * time.Millisecond},
		{Kind: lab.FaultForbid, Path: "/subscriptions/shop-test"},
		{Kind: lab.FaultForbid, Path: "/members"},
		{Kind: lab.FaultStale, API: lab.APIResourceGraph, Share: 0.2},
		{Kind: lab.FaultLimit, API: lab.APIResourceGraph, Share: 0.3},
	}
	f := kinds[r.IntN(len(kinds))]
	if f.API == "" {
		f.API = []lab.API{lab.APIManagement, lab.APIResourceGraph, lab.APIGraph}[r.IntN(3)]
	}
	f.Probability, f.Seed = 0.02+r.Float64()/3, r.Uint64()
	if f.Kind == lab.FaultStale { // of one state that is older
		f.Probability = 1
	}
	return f
}

// descriptors counts the open files of this process; 0 where that cannot be told.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// held is what a process holds: it must not grow with the number of collections.
type held struct {
	goroutines, files int
	heap              uint64
}

func holds() held {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{runtime.NumGoroutine(), descriptors(), m.HeapAlloc}
}

// TestSoak collects again and again while things go wrong by chance. No snapshot may be
// wrong, and nothing may leak. MIVET_SOAK says for how long ("make soak": half an hour).
func TestSoak(t *testing.T) {
	length := 2 * time.Second
	if text := os.Getenv("MIVET_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	srv := serve(t, demo(t), lab.Options{})
	o := configFor(t, srv, collect.WithSettings, collect.WithChildren)
	clean, err := collect.Collect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := clean.Snapshot
	if err := clean.Close(); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	journal := filepath.Join(t.TempDir(), "journal")
	begin := held{}
	runs, failed, withGaps := 0, 0, map[mivet.FactKind]int{}
	for end := time.Now().Add(length); runs < 3 || time.Now().Before(end); runs++ {
		srv.ClearFaults()
		for range 1 + r.IntN(3) {
			if err := srv.AddFault(randomFault(r)); err != nil {
				t.Fatal(err)
			}
		}
		o.Journal = ""
		if r.IntN(2) == 0 {
			o.Journal = journal
		}
		res, err := collect.Collect(t.Context(), o)
		if err != nil {
			failed++ // the sign-in itself may be refused
			continue
		}
		for _, w := range wrong(res.Snapshot, want) {
			t.Errorf("run %d, faults %v: %s", runs, srv.Faults(), w)
		}
		for _, g := range res.Snapshot.Gaps {
			withGaps[g.Facts]++
		}
		if err := res.Close(); err != nil {
			t.Fatal(err)
		}
		if err := collect.RemoveJournal(journal); err != nil {
			t.Fatal(err)
		}
		if runs == 2 {
			begin = holds() // what is made once is there
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if c, ok := o.Transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
	end := holds()
	for wait := 0; end.goroutines > begin.goroutines+20 && wait < 50; wait++ {
		time.Sleep(20 * time.Millisecond) // connections end in their own time
		end = holds()
	}
	t.Logf("%d collections, %d failed; gaps: %v; at the beginning %+v, at the end %+v", runs, failed, withGaps, begin, end)
	if end.goroutines > begin.goroutines+20 || end.files > begin.files+20 || end.heap > 2*begin.heap+(16<<20) {
		t.Errorf("after %d collections it holds %+v, at the beginning it held %+v", runs, end, begin)
	}
}
