// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func TestFind(t *testing.T) {
	var c Secrets
	texts := make([]string, 2*len(forms))
	for i := range texts {
		texts[i] = c.Next()
		if found := c.Find("before " + texts[i] + " after"); len(found) != 1 {
			t.Errorf("%q is found %d times", texts[i], len(found))
		}
	}
	if found := c.Find(strings.Join(texts, "\n")); len(found) != 5 {
		t.Errorf("%d are shown", len(found))
	}
	if found := c.Find("nothing"); found != nil {
		t.Errorf("found %q", found)
	}
	var again Secrets
	if again.Next() != texts[0] || c.Len() != len(texts) {
		t.Error("they are not the same in every run")
	}
}

func TestStrew(t *testing.T) {
	id, err := arm.ParseID("/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/web")
	if err != nil {
		t.Fatal(err)
	}
	s := &mivet.Snapshot{
		Resources: []mivet.Resource{{ID: id}}, RoleAssignments: make([]mivet.RoleAssignment, 1), DenyAssignments: make([]mivet.DenyAssignment, 1),
		RoleDefinitions: make([]mivet.RoleDefinition, 1), Principals: make([]mivet.Principal, 1), FederatedCredentials: make([]mivet.FederatedCredential, 1),
		Subscriptions: make([]mivet.Subscription, 1),
	}
	var c Secrets
	raw, err := c.Strew(s)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"raw form": string(raw[id.Key()]), "setting": s.Resources[0].Detail.Settings["siteConfig.appSettings.SETTING_4"], "tag": s.Resources[0].Detail.Tags["note"],
		"assignment": s.RoleAssignments[0].Description, "deny": s.DenyAssignments[0].Description, "role": s.RoleDefinitions[0].Description,
		"name": s.Principals[0].Name, "subject": s.FederatedCredentials[0].Subject, "subscription": s.Subscriptions[0].Tags["note"],
	} {
		if len(c.Find(text)) == 0 {
			t.Errorf("no secret in the %s: %q", what, text)
		}
	}
}

func TestUnpack(t *testing.T) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	frame := w.EncodeAll([]byte("what is packed"), nil)
	for _, b := range [][]byte{frame, append([]byte("before"), frame...), append(slices.Clone(frame), "after it"...)} {
		text, err := Unpack(b)
		if err != nil || !strings.Contains(text, "what is packed") || !strings.HasPrefix(text, string(b)) {
			t.Errorf("%q is unpacked to %q, %v", b, text, err)
		}
	}
	if text, err := Unpack([]byte("plain")); err != nil || text != "plain" {
		t.Errorf("a plain text becomes %q, %v", text, err)
	}
}
