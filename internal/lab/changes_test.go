// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What became of resources between two states of the tenant is in a table, for those who
// may read the resources, and for 14 days.
func TestChanges(t *testing.T) {
	clock := NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	before := parse(t, everything)
	s := start(t, before, Options{Now: clock.Now})
	const query = "resourcechanges | extend at = todatetime(properties.changeAttributes.timestamp)" +
		" | project id, kind = tostring(properties.changeType), target = tostring(properties.targetResourceId), at | order by id asc"
	changes := func(who string) []string {
		t.Helper()
		var list []string
		for _, row := range newClient(t, s, who).query(query).list(t) {
			target, _ := row["target"].(string)
			list = append(list, fmt.Sprint(row["kind"], " ", target[strings.LastIndex(target, "/")+1:]))
		}
		slices.Sort(list)
		return list
	}
	if got := changes(OperatorID); len(got) != 0 {
		t.Errorf("changes before anything changed: %v", got)
	}
	clock.Advance(time.Minute)
	after := parse(t, strings.NewReplacer("containerapp box2 ", "containerapp box3 ", "vm box in app user=worker-id,second-id", "vm box in app user=worker-id").Replace(everything))
	if err := s.Replace(after); err != nil {
		t.Fatal(err)
	}
	want := []string{"Create box3", "Delete box2", "Update box"}
	if got := changes(OperatorID); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// Reader of the group reads what changed there, and who may read nothing reads nothing.
	if got := changes("cccccccc-0000-4000-8000-000000000002"); !slices.Equal(got, want) {
		t.Errorf("the reader sees %v, want %v", got, want)
	}
	if got := changes("cccccccc-0000-4000-8000-000000000003"); len(got) != 0 {
		t.Errorf("one who may read nothing sees %v", got)
	}
	if rows := newClient(t, s, OperatorID).query("resources | where name == 'box3'").list(t); len(rows) != 1 {
		t.Errorf("the new state is not served: %v", rows)
	}

	// What is written through Resource Manager is a change too; who may do what is none.
	const site = "/subscriptions/11111111-0000-4000-8000-000000000001/resourceGroups/app/providers/Microsoft.Storage/storageAccounts/fresh"
	c := newClient(t, s, OperatorID)
	if r := c.do("PUT", site+"?api-version=2023-05-01", `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}}`); r.status >= 300 {
		t.Fatalf("%d %v", r.status, r.body)
	}
	want = append(want, "Create fresh")
	slices.Sort(want)
	if got := changes(OperatorID); !slices.Equal(got, want) {
		t.Errorf("after a write %v, want %v", got, want)
	}
	clock.Advance(15 * 24 * time.Hour)
	if got := changes(OperatorID); len(got) != 0 {
		t.Errorf("after 15 days there are %v", got)
	}
}
