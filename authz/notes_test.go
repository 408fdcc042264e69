// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"testing"

	"github.com/mivet/mivet"
)

func noteTexts(x Explanation) []string {
	var out []string
	for _, n := range x.Notes {
		text := n.Kind.String() + ": " + n.Setting
		if n.Lock != nil {
			text = n.Kind.String() + ": " + n.Lock.Level + " " + n.Lock.Scope.Name()
		} else if n.Setting == "" {
			text = n.Text
		}
		out = append(out, text)
	}
	return out
}

func TestNotesOnSettings(t *testing.T) {
	f := func(r Request, s *mivet.Snapshot, want ...string) {
		t.Helper()
		x := New(s, Options{}).Explain(r)
		if got := noteTexts(x); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	type set = map[string]string
	secrets := dataQuestion(getSecret, secret)
	f(secrets, around(vault, set{"publicNetworkAccess": "Disabled", "networkAcls.defaultAction": "Deny"}),
		"network: publicNetworkAccess = Disabled", "network: networkAcls.defaultAction = Deny")
	f(secrets, around(vault, set{"publicNetworkAccess": "Enabled", "networkAcls.defaultAction": "Allow"}))
	f(secrets, around(vault, nil))
	// The network does not stand between anybody and Resource Manager.
	f(Request{Principal: "mill", Operation: op("Microsoft.KeyVault/vaults/write"), Plane: mivet.PlaneControl, Resource: id(vault)},
		around(vault, set{"publicNetworkAccess": "Disabled"}))
	f(Request{Principal: "mill", Operation: op(pull), Plane: mivet.PlaneControl, Resource: id(registry)},
		around(registry, set{"publicNetworkAccess": "Disabled", "anonymousPullEnabled": "true"}),
		"network: publicNetworkAccess = Disabled", "anonymous access: anonymousPullEnabled = true")
	f(dataQuestion(pods, cluster), around(cluster, set{azureRBAC: "true", "apiServerAccessProfile.enablePrivateCluster": "true"}),
		"network: apiServerAccessProfile.enablePrivateCluster = true", "kubernetes: aadProfile.enableAzureRBAC = true")

	public := around(blobs, set{"publicAccess": "Container"})
	f(dataQuestion(readBlob, blobs), public, "anonymous access: publicAccess = Container")
	public.Resources = append(public.Resources, mivet.Resource{ID: id(account), Detail: &mivet.Detail{Settings: set{"allowBlobPublicAccess": "true"}}})
	f(dataQuestion(readBlob, blobs), public, "anonymous access: publicAccess = Container")
	public.Resources[1].Detail.Settings["allowBlobPublicAccess"] = "false"
	f(dataQuestion(readBlob, blobs), public)
	// A property of the same name elsewhere says something else.
	f(dataQuestion(readBlob, blobs), around(account, set{"publicAccess": "Container"}))
}

func TestNotesOnLocks(t *testing.T) {
	f := func(r Request, want []string, locks ...mivet.Lock) {
		t.Helper()
		s := delegated(mivet.DelegatedGrant{Principal: "crew", Role: contributor})
		s.Locks = locks
		x := New(s, Options{}).Explain(r)
		if got := noteTexts(x); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", r.Operation, got, want)
		}
	}
	lock := func(level, scope string) mivet.Lock { return mivet.Lock{Level: level, Scope: id(scope)} }
	writes, deletes, keys := op("Microsoft.Storage/storageAccounts/write"), op("Microsoft.Storage/storageAccounts/delete"), op("Microsoft.Storage/storageAccounts/listKeys/action")
	ask := func(o string, on string) Request { return ask("mill", o, on) }
	both := []mivet.Lock{lock("ReadOnly", rg), lock("CanNotDelete", account)}
	f(ask(readAccount, account), nil, both...)
	f(ask(writes.String(), account), []string{"lock: ReadOnly rg"}, both...)
	f(ask(keys.String(), account), []string{"lock: ReadOnly rg"}, both...)
	f(ask(deletes.String(), account), []string{"lock: ReadOnly rg", "lock: CanNotDelete st"}, both...)
	f(ask(deletes.String(), vault), []string{"lock: ReadOnly rg"}, both...)
	f(ask("Microsoft.Resources/subscriptions/resourceGroups/delete", rg), []string{"lock: ReadOnly rg", "lock: CanNotDelete st"}, both...)
	f(ask("Microsoft.Resources/subscriptions/resourceGroups/write", rg), nil, both[1])
	f(ask(writes.String(), account), nil, lock("ReadOnly", sub2), lock("Odd", account))
	// Locks do not stop those to whom the subscription is delegated.
	crew := Request{Principal: "crew", Operation: writes, Plane: mivet.PlaneControl, Resource: id(account)}
	f(crew, nil, both...)
	crew.Resource = id(sub)
	f(crew, []string{"lock: ReadOnly 00000000-0000-0000-0000-000000000001"}, lock("ReadOnly", sub))
	crew.Principal = "stranger"
	f(crew, []string{"lock: ReadOnly 00000000-0000-0000-0000-000000000001"}, lock("ReadOnly", sub))
}

func TestNotesOnWhatWasNotRead(t *testing.T) {
	s := small(func(s *mivet.Snapshot) {
		s.Gaps = []mivet.Gap{
			{Facts: mivet.FactLocks, Reason: "no permission", Permission: "Microsoft.Authorization/locks/read"},
			{Facts: mivet.FactLocks, Scope: id(sub2), Reason: "of elsewhere"},
		}
	})
	x := New(s, Options{}).Explain(ask("mill", "Microsoft.Storage/storageAccounts/write", account))
	if got := noteTexts(x); !slices.Equal(got, []string{"a lock may refuse it: locks were not read: no permission"}) {
		t.Errorf("%q", got)
	}
}

// A question on both planes has the notes of both.
func TestNotesOnBothPlanes(t *testing.T) {
	s := around(account, map[string]string{"publicNetworkAccess": "Disabled"})
	s.Locks = []mivet.Lock{{Level: "ReadOnly", Scope: id(rg)}}
	x := New(s, Options{}).Explain(Request{Principal: "mill", Operation: op("Microsoft.Storage/storageAccounts/write"), Resource: id(account)})
	if got := noteTexts(x); !slices.Equal(got, []string{"lock: ReadOnly rg", "network: publicNetworkAccess = Disabled"}) {
		t.Errorf("%q", got)
	}
}

func TestNoteWords(t *testing.T) {
	text, err := NoteLock.MarshalText()
	if string(text) != "lock" || err != nil || NoteKind(9).String() != "invalid" {
		t.Error(string(text), err)
	}
}
