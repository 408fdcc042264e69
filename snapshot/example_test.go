// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/snapshot"
)

// strict lets nothing through but facts that have no free text.
type strict struct{}

func (strict) Text(string) string                                          { return "" }
func (strict) Value(_, _, _ string) (string, bool)                         { return "", false }
func (strict) Properties(string, json.RawMessage) (json.RawMessage, error) { return nil, nil }

// A tool would take the Redactor of package redact.
func Example() {
	scope, err := arm.ParseID("/subscriptions/11111111-1111-1111-1111-111111111111")
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	err = snapshot.Write(&file, &mivet.Snapshot{
		RoleAssignments: []mivet.RoleAssignment{{
			Role: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", Principal: "22222222-2222-2222-2222-222222222222", Scope: scope,
		}},
		Gaps: []mivet.Gap{{Facts: mivet.FactDenyAssignments, Scope: scope, Reason: "secret"}},
	}, snapshot.WriteOptions{Redactor: strict{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := snapshot.Read(bytes.NewReader(file.Bytes()), int64(file.Len()), snapshot.ReadOptions{
		Kinds: []mivet.FactKind{mivet.FactRoleAssignments},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.RoleAssignments[0].Principal, s.RoleAssignments[0].Scope)
	fmt.Printf("%s are missing: %q\n", s.Gaps[0].Facts, s.Gaps[0].Reason)
	// Output:
	// 22222222-2222-2222-2222-222222222222 /subscriptions/11111111-1111-1111-1111-111111111111
	// deny assignments are missing: ""
}
