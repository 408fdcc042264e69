// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// A template writes a refusal from its parts: %A application, %O object, %P operation, %R
// resource. The parser must give the same parts back, however the text is wrapped.
var templates = []struct {
	service Service
	code    string
	text    string
}{
	{KeyVault, "ForbiddenByRbac", "Caller is not authorized to perform action on resource.\r\nCaller: appid=%A;oid=%O;iss=https://sts.windows.net/t/\r\nAction: '%P'\r\nResource: '%R'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: v;location=l"},
	{ResourceManager, "AuthorizationFailed", "The client '%A' with object id '%O' does not have authorization to perform action '%P' over scope '%R' or the scope is invalid. If access was recently granted, please refresh your credentials."},
	{ResourceManager, "LinkedAuthorizationFailed", "The client '%A' with object id '%O' has permission to perform action '%P' on scope '%R'; however, it does not have permission to perform action(s) 'l/action' on the linked scope(s) '/l' (respectively) or the linked scope(s) are invalid."},
	{CosmosDB, "Forbidden/5301", "Forbidden (403); Substatus: 5301; Reason: (Request blocked by Auth %R : Request is blocked because principal [%O] does not have required RBAC permissions to perform action [%P] on resource [/]."},
}

func TestGenerated(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	word := func(letters string) string {
		b := make([]byte, 1+r.IntN(40))
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
	wraps := []func(string) string{
		func(s string) string { return s },
		func(s string) string { return "prefix: " + s + "\nat main.go:3" },
		func(s string) string { b, _ := json.Marshal(map[string]string{"message": s}); return string(b) },
		func(s string) string {
			return `{"log":` + string(must(json.Marshal(string(must(json.Marshal(s)))))) + `}`
		},
	}
	for range 500 {
		c := templates[r.IntN(len(templates))]
		app, object := word("abcdef0123456789-"), word("ABCDEF0123456789-")
		operation := "Microsoft." + word("abcXYZ") + "/" + word("abcdef") + "/read"
		resource := word("abcdef0123456789-")
		text := strings.NewReplacer("%A", app, "%O", object, "%P", operation, "%R", resource).Replace(c.text)
		text = wraps[r.IntN(len(wraps))](text)
		d := Parse(text)
		if d.Service != c.service || d.Code != c.code || d.Caller.OID != object || d.Operation != operation || d.Resource != resource {
			t.Fatalf("%q was read as %+v", text, d)
		}
		if c.service == KeyVault && d.Caller.AppID != app || c.service == ResourceManager && d.Caller.Client != app {
			t.Fatalf("%q names %+v", text, d.Caller)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func FuzzParse(f *testing.F) {
	for _, c := range templates {
		f.Add(c.text)
	}
	f.Add(vaultRoles)
	f.Add(`{"a":"\\\"\\u0027\\\\n&lt;"}`)
	f.Fuzz(func(t *testing.T, text string) {
		d := Parse(text)
		if len(d.Causes) == 0 || d.Recognised() != (d.Service != "") || d.Recognised() && d.Code == "" {
			t.Fatalf("%q was read as %+v", text, d)
		}
	})
}
