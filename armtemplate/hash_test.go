// SPDX-License-Identifier: Apache-2.0

package armtemplate

import "testing"

func TestHashes(t *testing.T) {
	unique := func(want string, texts ...string) {
		t.Helper()
		if got := UniqueString(texts...); got != want {
			t.Errorf("UniqueString(%q) = %s, want %s", texts, got, want)
		}
	}
	unique("byghxckddilkc", "snap", "crackle", "pop")
	unique("js26ofeqkqeve", "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myRg")
	unique("pwt7yebfrftwu", "/subscriptions/11068ed9-6c31-4a47-8183-4eca6d84bb32/resourceGroups/myRg")
	if got, want := GUID("foo", "bar", "baz"), "2ed86837-7c7c-5eaa-9864-dd077fd19b0d"; got != want {
		t.Errorf("GUID = %s, want %s", got, want)
	}
}
