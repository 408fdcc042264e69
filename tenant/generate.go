// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Size says how large a generated tenant is and what is in it. Equal sizes give equal
// tenants. [SizeOf] returns one with the proportions of real tenants.
type Size struct {
	Seed uint64
	// TakenAt is the snapshot's time; zero for the beginning of 2026.
	TakenAt time.Time

	// ManagementGroups counts those below the tenant root group, which is always there.
	ManagementGroups int
	// Subscriptions must be at least 1.
	Subscriptions int
	// Resources counts resource groups too: every 25th is one.
	Resources int
	// Identities are managed ones, two of five user-assigned. Each belongs to a resource of
	// its own, so there can be 24 for 25 resources at most.
	Identities int

	// Users, Groups and Applications are the principals that are no managed identities.
	Users, Groups, Applications int
	// Members is how many members a group has on average. Some are groups.
	Members int

	// Assignments are role assignments. One of fifty belongs to a principal that was
	// deleted, one of fifty is eligible only, one of fifty ends.
	Assignments int
	// Conditions is how many of the assignments have a condition.
	Conditions int
	// Roles are the roles that are assigned, the commonest first; nil for a few common
	// built-in ones.
	Roles []mivet.RoleID
	// CustomRoles are definitions of the tenant's own, assigned like the others.
	CustomRoles int

	Denies int
	// AccessPolicies and FederatedCredentials are fewer where a small tenant has no vault
	// or no user-assigned identity.
	AccessPolicies, FederatedCredentials int
	Locks                                int
}

// SizeOf returns a size with so many resources and the rest in proportion: a tenth as
// many managed identities and three tenths as many assignments, among others.
func SizeOf(resources int) Size {
	at := func(per, least int) int { return max(resources/per, least) }
	return Size{
		ManagementGroups: at(20_000, 4), Subscriptions: at(4_000, 1), Resources: resources, Identities: resources / 10,
		Users: at(50, 5), Groups: at(200, 3), Applications: at(500, 2), Members: 8,
		Assignments: resources * 3 / 10, Conditions: resources / 200, CustomRoles: at(5_000, 2),
		Denies: resources / 2_000, AccessPolicies: resources / 100, FederatedCredentials: resources / 200, Locks: resources / 1_000,
	}
}

const (
	groupSize  = 25   // resources of a resource group, with the group itself
	partSize   = 1000 // facts of a list in one part, about
	cycle      = 50   // of so many assignments, one each has a peculiarity
	memberSpan = 3    // a group has up to so many times Members
)

var defaultTakenAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Common built-in roles, the commonest first: Reader, Contributor, Storage Blob Data
// Contributor, Key Vault Secrets User, Storage Blob Data Reader, AcrPull, Azure Service
// Bus Data Sender, Monitoring Metrics Publisher, Owner, User Access Administrator
// (MicrosoftDocs/azure-docs articles/role-based-access-control/built-in-roles.md).
var commonRoles = []mivet.RoleID{
	"acdd72a7-3385-48ef-bd42-f606fba81ae7", "b24988ac-6180-42a0-ab88-20f7382dd24c", "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
	"4633458b-17de-408a-b874-0445c86b69e6", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "7f951dda-4ed3-4680-a7ca-43fe172d538d",
	"69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", "3913510d-42f4-4e42-8a64-420c390055eb", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
	"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
}

// Generate makes a tenant in memory.
func Generate(size Size) (*mivet.Snapshot, error) {
	s := &mivet.Snapshot{}
	for part, err := range GenerateParts(size) {
		if err != nil {
			return nil, err
		}
		s.Append(part)
	}
	return s, nil
}

// GenerateParts makes the same tenant piece by piece, so that one of any size can be
// written in little memory. The first part has the time and the tenant and no facts.
// Facts come in the order of a snapshot's lists within each part only.
func GenerateParts(size Size) iter.Seq2[*mivet.Snapshot, error] {
	return func(yield func(*mivet.Snapshot, error) bool) {
		g, err := newGenerator(size)
		if err != nil {
			yield(nil, err)
			return
		}
		g.yield = func(s *mivet.Snapshot) bool { return yield(s, nil) }
		if err := g.run(); err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}

// errEnough ends the generation because the caller wants no more.
var errEnough = errors.New("no more parts are wanted")

// generator makes each object from the seed, the object's kind and its number alone, so
// that one object can name another without remembering it.
type generator struct {
	size    Size
	members int // resources that are no resource groups
	roles   []mivet.RoleID
	part    *mivet.Snapshot
	facts   int // in part, about
	yield   func(*mivet.Snapshot) bool

	tenant string
	graph  mivet.Source // where resources are read
	rbac   mivet.Source // where grants are read
	people mivet.Source // where the directory is read
	err    error
}

func newGenerator(size Size) (*generator, error) {
	for _, n := range []int{
		size.ManagementGroups, size.Subscriptions - 1, size.Resources, size.Identities, size.Users, size.Groups, size.Applications, size.Members,
		size.Assignments, size.Conditions, size.CustomRoles, size.Denies, size.AccessPolicies, size.FederatedCredentials, size.Locks,
	} {
		if n < 0 {
			return nil, errors.New("generating a tenant: a number is negative, or there is no subscription")
		}
	}
	g := &generator{size: size, roles: size.Roles, part: &mivet.Snapshot{}}
	g.members = size.Resources - (size.Resources+groupSize-1)/groupSize
	if size.Identities > g.members {
		return nil, fmt.Errorf("generating a tenant: %d identities need as many resources, and there are %d beside the resource groups", size.Identities, g.members)
	}
	if g.size.TakenAt.IsZero() {
		g.size.TakenAt = defaultTakenAt
	}
	if len(g.roles) == 0 {
		g.roles = commonRoles
	}
	g.tenant = guid(g.rand(kindTenant, 0))
	read := func(api string) mivet.Source {
		return mivet.Source{Origin: &mivet.Origin{API: api, ReadAt: g.size.TakenAt}}
	}
	g.graph = read("POST /providers/Microsoft.ResourceGraph/resources")
	g.rbac = read("GET /providers/Microsoft.Authorization/roleAssignments")
	g.people = read("GET /servicePrincipals")
	return g, nil
}

func (g *generator) run() error {
	if !g.yield(&mivet.Snapshot{TakenAt: g.size.TakenAt, TenantID: g.tenant, Inputs: []string{fmt.Sprintf("generated tenant %d", g.size.Seed)}}) {
		return errEnough
	}
	g.each(g.size.ManagementGroups+1, g.managementGroup)
	g.each(g.size.Subscriptions, g.subscription)
	g.each(g.size.Resources, g.resource)
	g.each(g.size.Users, g.user)
	g.each(g.size.Applications, g.application)
	g.each(g.size.Groups, g.group)
	g.each(g.size.CustomRoles, g.customRole)
	g.each(g.size.Assignments, g.assignment)
	g.each(g.size.Denies, g.deny)
	g.each(g.size.AccessPolicies, g.accessPolicy)
	g.each(g.size.FederatedCredentials, g.federated)
	g.each(g.size.Locks, g.lock)
	g.flush()
	return g.err
}

// each makes n objects, and hands them out when there are enough.
func (g *generator) each(n int, object func(i int)) {
	for i := range n {
		if g.err != nil {
			return
		}
		object(i)
		if g.facts++; g.facts >= partSize {
			g.flush()
		}
	}
}

func (g *generator) flush() {
	if g.facts > 0 && g.err == nil && !g.yield(g.part) {
		g.err = errEnough
	}
	g.part, g.facts = &mivet.Snapshot{}, 0
}

// Kinds of objects, as they enter the random numbers.
const (
	kindTenant = iota + 1
	kindSubscription
	kindResource
	kindIdentity
	kindAttachment
	kindUser
	kindApplication
	kindGroup
	kindCustomRole
	kindAssignment
	kindDeny
	kindPolicy
	kindFederated
	kindDeleted
)

// rand returns the random numbers of one object.
func (g *generator) rand(kind, i int) *rand.Rand {
	return rand.New(rand.NewPCG(scramble(g.size.Seed+uint64(kind)<<56), scramble(uint64(i)))) //nolint:gosec // i is no size, and secrecy is not wanted
}

// scramble makes neighbouring numbers distant (the finalizer of SplitMix64).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// guid returns a random GUID of version 4.
func guid(r *rand.Rand) string {
	const digits = "0123456789abcdef"
	var b [36]byte
	hi, lo := r.Uint64(), r.Uint64()
	for i := range b {
		switch i {
		case 8, 13, 18, 23:
			b[i] = '-'
			continue
		case 14:
			b[i] = '4'
			continue
		}
		b[i] = digits[hi&15]
		hi = hi>>4 | lo<<60
		lo >>= 4
	}
	b[19] = digits[8|r.Uint32()&3]
	return string(b[:])
}

func (g *generator) id(text string) arm.ID {
	id, err := arm.ParseID(text)
	if err != nil && g.err == nil {
		g.err = fmt.Errorf("generating a tenant: %w", err)
	}
	return id
}

// chance is true for one number of n.
func chance(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

// few returns a number from 0 to n-1, small ones much more often.
func few(r *rand.Rand, n int) int {
	f := r.Float64()
	return int(f * f * f * float64(n))
}
