// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// keepAll is a Redactor that changes nothing. Only tests may have one.
type keepAll struct{}

func (keepAll) Text(s string) string                    { return s }
func (keepAll) Value(_, _, value string) (string, bool) { return value, true }

func (keepAll) Properties(_ string, raw json.RawMessage) (json.RawMessage, error) { return raw, nil }

// sameFacts compares snapshots. IDs compare by their letters here: nothing may be lost.
var sameFacts = cmp.Options{
	cmp.Comparer(func(a, b arm.ID) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b arm.Operation) bool { return a.String() == b.String() }),
	cmpopts.EquateEmpty(),
}

func id(t testing.TB, s string) arm.ID {
	t.Helper()
	i, err := arm.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// written returns the file of a snapshot.
func written(t testing.TB, s *mivet.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, s, WriteOptions{Redactor: keepAll{}, Tool: "test"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, file []byte) *mivet.Snapshot {
	t.Helper()
	s, err := Read(bytes.NewReader(file), int64(len(file)), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func guid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// tenantOf makes a tenant of some size. Two calls with equal numbers give equal tenants.
func tenantOf(t testing.TB, resources, identities, assignments int) *mivet.Snapshot {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	api := &mivet.Origin{API: "POST /providers/Microsoft.ResourceGraph/resources", ReadAt: time.Unix(1_800_000_000, 0).UTC()}
	rows := &mivet.Origin{API: "GET /subscriptions/1/providers/Microsoft.Authorization/roleAssignments"}
	s := &mivet.Snapshot{TakenAt: time.Unix(1_800_000_000, 0).UTC(), TenantID: guid(r), Inputs: []string{"test"}}
	subs := make([]string, 50)
	for i := range subs {
		subs[i] = "/subscriptions/" + guid(r)
		s.Subscriptions = append(s.Subscriptions, mivet.Subscription{ID: id(t, subs[i]), Name: fmt.Sprint("sub", i)})
	}
	roles := make([]mivet.RoleID, 40)
	for i := range roles {
		roles[i] = mivet.RoleID(guid(r))
	}
	for i := range resources {
		x := mivet.Resource{
			ID:       id(t, fmt.Sprintf("%s/resourceGroups/rg-%d/providers/Microsoft.Storage/storageAccounts/st%08x", subs[i%50], r.IntN(1000), r.Uint32())),
			Location: "westeurope",
			Detail: &mivet.Detail{
				Tags:     map[string]string{"env": []string{"prod", "test"}[i%2], "owner": fmt.Sprint("team", r.IntN(50))},
				Settings: map[string]string{"allowSharedKeyAccess": "true"},
			},
			Source: mivet.Source{Origin: api},
		}
		if i < identities {
			p := mivet.PrincipalID(guid(r))
			x.Identity = &mivet.Attachment{System: true, SystemPrincipal: p}
			s.Identities = append(s.Identities, mivet.Identity{Kind: mivet.SystemAssigned, Resource: x.ID, Principal: p, ClientID: guid(r), TenantID: s.TenantID, Source: x.Source})
			s.Principals = append(s.Principals, mivet.Principal{ID: p, Type: mivet.TypeServicePrincipal, Name: x.ID.Name(), Managed: true, Source: mivet.Source{Origin: rows, Line: 1}})
		}
		s.Resources = append(s.Resources, x)
	}
	for i := range assignments {
		scope := subs[i%50]
		if i%3 > 0 && resources > 0 {
			scope = s.Resources[r.IntN(resources)].ID.String()
		}
		a := mivet.RoleAssignment{
			ID:   id(t, scope+"/providers/Microsoft.Authorization/roleAssignments/"+guid(r)),
			Role: roles[r.IntN(len(roles))], Principal: mivet.PrincipalID(guid(r)),
			PrincipalType: mivet.TypeServicePrincipal, Scope: id(t, scope),
			CreatedOn: time.Unix(1_700_000_000+r.Int64N(1e8), 0).UTC(), CreatedBy: mivet.PrincipalID(guid(r)),
			Source: mivet.Source{Origin: rows},
		}
		if i%100 == 0 {
			a.Condition, a.ConditionVersion = "((!(ActionMatches{'a/b'})) OR (@Resource[x:y] StringEquals \"z\"\n))", "2.0"
		}
		s.RoleAssignments = append(s.RoleAssignments, a)
	}
	return s
}
