// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// A template writes a refusal from its parts: %A application, %O object, %P operation, %R
// resource, %U user. The parser must give those back that the template has, and no others,
// however the text is wrapped.
var templates = []struct {
	service Service
	code    string
	text    string
}{
	{KeyVault, "ForbiddenByRbac", "Caller is not authorized to perform action on resource.\r\nCaller: appid=%A;oid=%O;iss=https://sts.windows.net/t/\r\nAction: '%P'\r\nResource: '%R'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: v;location=l"},
	{KeyVault, "ForbiddenByRbac", "Caller is not authorized to perform action on resource. Caller: name=n;appid=%A;oid=%O;iss=i;xms_mirid=m Action: '%P' Resource: '%R' Assignment: (not found)"},
	{KeyVault, "Forbidden/AccessDenied", "The user, group or application 'appid=%A;oid=%O;numgroups=3;iss=https://sts.windows.net/t/' does not have secrets get permission on key vault '%R;location=l'."},
	{ResourceManager, "AuthorizationFailed", "The client '%U' with object id '%O' does not have authorization to perform action '%P' over scope '%R' or the scope is invalid. If access was recently granted, please refresh your credentials."},
	{ResourceManager, "AuthorizationFailed", "Authorization failed for template resource 't' of type 'T'. The client '%U' with object id '%O' does not have permission to perform action '%P' at scope '%R'."},
	{ResourceManager, "LinkedAuthorizationFailed", "The client '%U' with object id '%O' has permission to perform action '%P' on scope '%R'; however, it does not have permission to perform action(s) 'l/action' on the linked scope(s) '/l' (respectively) or the linked scope(s) are invalid."},
	{CosmosDB, "Forbidden/5301", "Forbidden (403); Substatus: 5301; Reason: (Request blocked by Auth %R : Request is blocked because principal [%O] does not have required RBAC permissions to perform action [%P] on resource [/]."},
	{CosmosDB, "Forbidden", "Request blocked by Auth %R : Request is blocked because principal [%O] does not have required RBAC permissions to perform action [%P] on any scope."},
	{AI, "PermissionDenied", "The principal `x` lacks the required data action `%P` to perform `GET /x` operation."},
	{Kusto, "Forbidden", "Principal 'aadapp=%A;t' is not authorized to read database '%R'."},
	{Synapse, "Unauthorized", "The principal '%O' does not have the required Synapse RBAC permission to perform this action. Required permission: Action: %P, Scope: %R."},
	{ManagedHSM, "AccessDenied", "(AccessDenied) Not authorized to access Microsoft.KeyVault/managedHsm/%P on %R (Activity ID: a)"},
	{SQL, "18456", "Login failed for user '%U'."},
	{SQL, "916", `The server principal "%U" is not able to access the database "%R" under the current security context.`},
	{Kubernetes, "Forbidden", `pods is forbidden: User "%U" cannot get resource "pods" in API group "" in the namespace "n"`},
	{TokenEndpoint, "AADSTS501051", "AADSTS501051: Application '%A'(n) is not assigned to a role for the application 'b'(m)."},
	{TokenEndpoint, "AADSTS700016", "AADSTS700016: Application with identifier '%A' was not found in the directory 't'."},
	{Federation, "AADSTS70025", "AADSTS70025: The client '%A'(n) has no configured federated identity credentials."},
	{APIManagement, "TokenClaimValueNotAllowed", "Claim appid value of %A is not allowed. Access denied."},
	{APIManagement, "TokenClaimValueNotAllowed", "Claim oid value of %O is not allowed. Access denied."},
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
		func(s string) string { return "Status=403 Code=\"x\" Message=\"" + s + "\" InnerError={}" },
		func(s string) string { b, _ := json.Marshal(map[string]string{"message": s}); return string(b) },
		func(s string) string {
			return `{"log":` + string(must(json.Marshal(string(must(json.Marshal(s)))))) + `}`
		},
	}
	for range 2000 {
		c := templates[r.IntN(len(templates))]
		parts := map[string]string{
			"%A": word("abcdef0123456789-"), "%O": word("ABCDEF0123456789-"), "%U": "u" + word("abcdef0123456789-"),
			"%P": "Microsoft." + word("abcXYZ") + "/" + word("abcdef") + "/read", "%R": word("abcdef0123456789-"),
		}
		text := c.text
		for part, value := range parts {
			if !strings.Contains(c.text, part) {
				parts[part] = ""
			}
			text = strings.ReplaceAll(text, part, value)
		}
		text = wraps[r.IntN(len(wraps))](text)
		d := Parse(text)
		if d.Service != c.service || d.Code != c.code {
			t.Fatalf("%q was read as %+v", text, d)
		}
		if d.Caller.AppID != parts["%A"] || d.Caller.OID != parts["%O"] || parts["%U"] != "" && d.Caller.User+d.Caller.Client != parts["%U"] {
			t.Fatalf("%q names %+v, want %v", text, d.Caller, parts)
		}
		if parts["%P"] != "" && !strings.HasSuffix(d.Operation, parts["%P"]) || parts["%R"] != "" && d.Resource != parts["%R"] {
			t.Fatalf("%q: %q at %q, want %v", text, d.Operation, d.Resource, parts)
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
