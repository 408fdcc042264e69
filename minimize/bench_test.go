// SPDX-License-Identifier: Apache-2.0

package minimize_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/minimize"
)

// counts says how many resources of every provider there are by level.
func counts(resource, group, subscription int) func(arm.ID) map[string]int {
	by := map[arm.Level]map[string]int{}
	for level, n := range map[arm.Level]int{arm.LevelResource: resource, arm.LevelResourceGroup: group, arm.LevelSubscription: subscription} {
		by[level] = map[string]int{}
		for i := range cat.NumOperations() {
			by[level][strings.ToLower(cat.Operation(i).Provider())] = n
		}
	}
	return func(scope arm.ID) map[string]int { return by[scope.Level()] }
}

var small, large = counts(1, 10, 100), counts(1, 300, 20_000)

// service is a kind of resource with rights that workloads are seen to use on it.
type service struct {
	typ    string
	child  string // what rights may be given on below it; empty: nothing
	rights []string
}

var services = []service{
	{"Microsoft.KeyVault/vaults", "secrets", []string{
		"data Microsoft.KeyVault/vaults/secrets/getSecret/action", "data Microsoft.KeyVault/vaults/secrets/readMetadata/action", "data Microsoft.KeyVault/vaults/secrets/setSecret/action",
		"data Microsoft.KeyVault/vaults/keys/read", "data Microsoft.KeyVault/vaults/keys/sign/action", "data Microsoft.KeyVault/vaults/keys/unwrap/action",
		"data Microsoft.KeyVault/vaults/certificates/read", "control Microsoft.KeyVault/vaults/read",
	}},
	{"Microsoft.Storage/storageAccounts", "blobServices/default/containers", []string{
		"data Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "data Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
		"data Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete", "data Microsoft.Storage/storageAccounts/queueServices/queues/messages/read",
		"data Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action", "data Microsoft.Storage/storageAccounts/tableServices/tables/entities/read",
		"control Microsoft.Storage/storageAccounts/read", "control Microsoft.Storage/storageAccounts/blobServices/containers/read", "control Microsoft.Storage/storageAccounts/listKeys/action",
	}},
	{"Microsoft.ServiceBus/namespaces", "queues", []string{
		"data Microsoft.ServiceBus/namespaces/messages/send/action", "data Microsoft.ServiceBus/namespaces/messages/receive/action", "control Microsoft.ServiceBus/namespaces/queues/read",
	}},
	{"Microsoft.EventHub/namespaces", "eventhubs", []string{
		"data Microsoft.EventHub/namespaces/messages/send/action", "data Microsoft.EventHub/namespaces/messages/receive/action",
	}},
	{"Microsoft.AppConfiguration/configurationStores", "", []string{
		"data Microsoft.AppConfiguration/configurationStores/keyValues/read", "control Microsoft.AppConfiguration/configurationStores/read",
	}},
	{"Microsoft.ContainerRegistry/registries", "", []string{"control Microsoft.ContainerRegistry/registries/pull/read", "control Microsoft.ContainerRegistry/registries/push/write"}},
	{"Microsoft.Web/sites", "", []string{
		"control Microsoft.Web/sites/read", "control Microsoft.Web/sites/write", "control Microsoft.Web/sites/restart/action", "control Microsoft.Web/sites/config/list/action", "control Microsoft.Web/sites/publish/action",
	}},
	{"Microsoft.Compute/virtualMachines", "", []string{
		"control Microsoft.Compute/virtualMachines/read", "control Microsoft.Compute/virtualMachines/start/action", "control Microsoft.Compute/virtualMachines/deallocate/action", "control Microsoft.Compute/virtualMachines/extensions/read",
	}},
	{"Microsoft.Network/virtualNetworks", "subnets", []string{
		"control Microsoft.Network/virtualNetworks/read", "control Microsoft.Network/virtualNetworks/subnets/read", "control Microsoft.Network/virtualNetworks/subnets/join/action",
	}},
	{"Microsoft.CognitiveServices/accounts", "", []string{"data Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action", "control Microsoft.CognitiveServices/accounts/read"}},
	{"Microsoft.OperationalInsights/workspaces", "", []string{"control Microsoft.OperationalInsights/workspaces/read", "control Microsoft.OperationalInsights/workspaces/query/read"}},
}

// shared are rights that a hundred built-in roles and more give.
var shared = []string{
	"control Microsoft.Resources/subscriptions/resourceGroups/read", "control Microsoft.Resources/deployments/read", "control Microsoft.Resources/deployments/write",
	"control Microsoft.Authorization/roleAssignments/read", "control Microsoft.Authorization/roleDefinitions/read", "control Microsoft.Insights/alertRules/read",
	"control Microsoft.Insights/alertRules/write", "control Microsoft.Insights/metrics/read", "control Microsoft.ResourceHealth/availabilityStatuses/read", "control Microsoft.Support/supportTickets/write",
	"control Microsoft.Insights/diagnosticSettings/read", "control Microsoft.Insights/diagnosticSettings/write", "control Microsoft.Resources/subscriptions/read",
	"control Microsoft.Network/virtualNetworks/subnets/join/action", "control Microsoft.Network/virtualNetworks/read", "control Microsoft.Storage/storageAccounts/read", "control Microsoft.Compute/virtualMachines/read",
}

// estate draws needs at resources of real types: some of the services, some objects below
// them, a few groups, and more scopes where a role might be given.
func estate(t testing.TB, r *rand.Rand, needs, scopes int) minimize.Problem {
	p := minimize.Problem{Roles: builtinRoles, Count: small}
	if r.IntN(2) == 0 {
		p.Count = large
	}
	groups, used := 1+r.IntN(4), 1+r.IntN(5)
	var of []service
	for range used {
		of = append(of, services[r.IntN(len(services))])
	}
	seen := map[string]bool{}
	for tries := 0; len(p.Needs) < needs && tries < 50*needs; tries++ {
		s := of[r.IntN(len(of))]
		name := fmt.Sprintf("/resourceGroups/g%d/providers/%s/r%d", r.IntN(groups), s.typ, r.IntN(3))
		if s.child != "" && r.IntN(3) == 0 {
			name += fmt.Sprintf("/%s/o%d", s.child, r.IntN(6))
		}
		add(t, &p, seen, s.rights[r.IntN(len(s.rights))], name, scopes)
	}
	return widened(t, r, p, groups, scopes)
}

// crowded draws needs that very many roles cover, at groups and resources.
func crowded(t testing.TB, r *rand.Rand, needs, scopes int) minimize.Problem {
	p := minimize.Problem{Roles: builtinRoles, Count: small}
	if r.IntN(2) == 0 {
		p.Count = nil
	}
	groups := 1 + r.IntN(4)
	seen := map[string]bool{}
	for tries := 0; len(p.Needs) < needs && tries < 50*needs; tries++ {
		name := fmt.Sprintf("/resourceGroups/g%d", r.IntN(groups))
		text := shared[r.IntN(len(shared))]
		if r.IntN(2) == 0 {
			s := services[r.IntN(len(services))]
			name += fmt.Sprintf("/providers/%s/r%d", s.typ, r.IntN(3))
			if r.IntN(2) == 0 {
				text = s.rights[r.IntN(len(s.rights))]
			}
		}
		add(t, &p, seen, text, name, scopes)
	}
	return widened(t, r, p, groups, scopes)
}

func add(t testing.TB, p *minimize.Problem, seen map[string]bool, right, scope string, scopes int) {
	n := need(t, right+" "+scope)
	distinct := map[arm.Key]bool{n.Scope.Key(): true}
	for i := range p.Needs {
		distinct[p.Needs[i].Scope.Key()] = true
	}
	if !seen[right+scope] && len(distinct) < scopes-6 && isGiven(n) { // groups and the subscription join them
		seen[right+scope] = true
		p.Needs = append(p.Needs, n)
	}
}

// isGiven reports whether some built-in role gives a right.
func isGiven(n minimize.Need) bool {
	key := string(n.Operation.Key()) + n.Plane.String()
	ok, known := given1[key]
	if !known {
		ok = slices.ContainsFunc(builtin(), func(d *mivet.RoleDefinition) bool {
			return authz.CompileRole(d).Gives(n.Operation, n.Plane) == authz.Allowed
		})
		given1[key] = ok
	}
	return ok
}

var given1 = map[string]bool{}

// widened adds the groups, the subscription and resources nobody needs as places for roles.
func widened(t testing.TB, r *rand.Rand, p minimize.Problem, groups, scopes int) minimize.Problem {
	p.Scopes = append(p.Scopes, id(t, ""))
	for g := range groups {
		p.Scopes = append(p.Scopes, id(t, fmt.Sprintf("/resourceGroups/g%d", g)))
	}
	have := map[arm.Key]bool{}
	for i := range p.Needs {
		have[p.Needs[i].Scope.Key()] = true
	}
	for len(p.Scopes)+len(have) < scopes {
		s := services[r.IntN(len(services))]
		p.Scopes = append(p.Scopes, id(t, fmt.Sprintf("/resourceGroups/g%d/providers/%s/more%d", r.IntN(groups), s.typ, len(p.Scopes))))
	}
	return p
}

// kinds are the distributions of problems that are measured, each from a seed of its own.
var kinds = []struct {
	name          string
	seed          uint64
	number        int
	make          func(testing.TB, *rand.Rand) minimize.Problem
	mayBeUnproven bool
}{
	{"Drawn", 5, 400, func(t testing.TB, r *rand.Rand) minimize.Problem { return random(t, r, 1+r.IntN(20), 1+r.IntN(4)) }, false},
	{"Estate", 6, 400, func(t testing.TB, r *rand.Rand) minimize.Problem { return estate(t, r, 1+r.IntN(20), 50) }, false},
	{"Crowded", 7, 400, func(t testing.TB, r *rand.Rand) minimize.Problem { return crowded(t, r, 1+r.IntN(20), 50) }, false},
	{"Estate20", 8, 200, func(t testing.TB, r *rand.Rand) minimize.Problem { return estate(t, r, 20, 50) }, false},
	{"Crowded20", 9, 200, func(t testing.TB, r *rand.Rand) minimize.Problem { return crowded(t, r, 20, 50) }, false},
	{"Estate200", 10, 20, func(t testing.TB, r *rand.Rand) minimize.Problem { return estate(t, r, 200, 300) }, true},
	{"Crowded200", 11, 8, func(t testing.TB, r *rand.Rand) minimize.Problem { return crowded(t, r, 200, 300) }, true},
}

// BenchmarkSolve proposes grants among all built-in roles, and reports the median, the
// hundredth slowest, the slowest, and how many were not proven. One iteration solves all
// problems of a kind once; "make minimize-bench" runs them.
func BenchmarkSolve(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(k.seed, 1))
			var problems []minimize.Problem
			for range k.number {
				problems = append(problems, k.make(b, r))
			}
			var times []time.Duration
			nodes, unproven, gap := 0, 0, 0.0
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b.Loop() {
				for i := range problems {
					begin := threadTime()
					p, err := problems[i].Solve()
					times = append(times, threadTime()-begin)
					if err != nil {
						b.Fatal(err)
					}
					nodes = max(nodes, p.Nodes)
					if !p.Proven {
						unproven++
						gap = max(gap, float64(p.Cost-p.Bound)/float64(p.Cost))
					}
				}
			}
			slices.Sort(times)
			at := func(part int) float64 { return float64(times[(len(times)-1)*part/100].Microseconds()) / 1000 }
			b.ReportMetric(at(50), "p50-ms")
			b.ReportMetric(at(99), "p99-ms")
			b.ReportMetric(at(100), "max-ms")
			b.ReportMetric(float64(nodes), "nodes-max")
			b.ReportMetric(float64(unproven), "unproven")
			b.ReportMetric(100*gap, "gap-%")
		})
	}
}

// threadTime is the processor time of this thread: other work on the machine does not count.
func threadTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkNewRoles(b *testing.B) {
	for b.Loop() {
		minimize.NewRoles(cat, builtin(), nil)
	}
}
