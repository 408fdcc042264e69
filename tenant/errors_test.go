// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

const shopText = "subscription prod\nrg orders in prod\nkeyvault kv in orders\nwebapp api in orders system\n"

func wantError(t *testing.T, text, want string) {
	t.Helper()
	_, err := Parse("t", strings.NewReader(text), Options{})
	if err == nil {
		t.Errorf("%q: no error, want %s", text, want)
	} else if got := err.Error(); got != want {
		t.Errorf("%q\ngot  %s\nwant %s", text, got, want)
	}
}

func TestErrorsOfLines(t *testing.T) {
	f := func(text, want string) { t.Helper(); wantError(t, text, want) }
	f("\x01", "t:1:1: the character 0x01 does not belong into a text")
	f("user \xff", "t:1:1: the line is not valid UTF-8")
	f(`user "a`, "t:1:6: the closing \" is missing on this line; a text in `…` may span lines")
	f("user ü `a\nb", "t:1:8: the closing ` is missing")
	f(`user "a\x"`, `t:1:8: after \ one of " \ n t r u{…} is expected; write \\ for a backslash`)
	f(`user "a\u{d800}"`, `t:1:8: after \ one of " \ n t r u{…} is expected; write \\ for a backslash`)
	f(`user "a\`, `t:1:8: after \ one of " \ n t r u{…} is expected; write \\ for a backslash`)
	f("webap x in y", `t:1:1: there is no statement "webap"; did you mean "webapp"?`)
	f("= {\n}", `t:1:1: a statement begins with a keyword, not with "="`)
	f(`"user" x`, `t:1:1: a statement begins with a keyword, not with "user"`)
	f("user", "t:1:1: user needs NAME")
	f("user a b", `t:1:8: the word "b" is not expected here`)
	f(`user a "b"`, `t:1:8: the word "b" is not expected here; write key=value`)
	f("user a disbled", `t:1:8: the word "disbled" is not expected here; did you mean "disabled"?`)
	f("user a , b", `t:1:8: "," is not expected here; quote a text that holds it: "…"`)
	f("user a nam=b", `t:1:8: user has no attribute "nam"; did you mean "name"?`)
	f("user a name=", `t:1:8: a value is expected after "name"`)
	f("user a name=b,", `t:1:8: a value is expected after "name"`)
	f("user a name=b name=c", `t:1:15: "name" is given twice`)
	f("user a name=b,c", `t:1:15: "name" takes one value; quote a text that holds a comma`)
	f("user a {\nactions x\n}", "t:1:8: user has no block")
	f("role a {\naction x\n}", `t:2:1: "action" is not expected in the block of role; did you mean "actions"?`)
	f("role a {\nxyz x\n}", `t:2:1: "xyz" is not expected in the block of role; expected is one of: actions, condition, dataActions, notActions, notDataActions, permission`)
	f("role a {\nactions x\n} user b", "t:3:3: nothing may follow } on its line")
	f("tenant a\ntenant b", "t:2:1: the tenant is already named on line 1")
	f("tenant a taken=yesterday", `t:1:16: "yesterday" is no time; write 2026-11-20 or 2026-11-20T08:00:00Z`)
}

func TestErrorsOfNames(t *testing.T) {
	f := func(text, want string) { t.Helper(); wantError(t, text, want) }
	f("user a/b", `t:1:6: the name "a/b" holds "/"; give the name in Azure with name="…"`)
	f(`user ""`, "t:1:6: the name is empty")
	f("user everyone", `t:1:6: the name "everyone" has a meaning of its own`)
	f("mg none", `t:1:4: the name "none" has a meaning of its own`)
	f("user a\ngroup A", `t:2:7: "A" is already declared on line 1; another name in Azure is given with name="…"`)
	f(shopText+"group api", `t:5:7: "api" is already declared on line 4; another name in Azure is given with name="…"`)
	f(shopText+"keyvault KV in orders", `t:5:10: "KV" is already declared on line 3; another name in Azure is given with name="…"`)
	f(shopText+"keyvault kv2 in orders name=KV", `t:5:10: /subscriptions/prod/resourceGroups/orders/providers/Microsoft.KeyVault/vaults/KV is already declared on line 3`)
	f("user a id=5ca0ffee-0000-4000-8000-000000000001\nuser 5CA0FFEE-0000-4000-8000-000000000001", "t:2:6: the principal 5ca0ffee-0000-4000-8000-000000000001 is already declared on line 1")
	f("user a id=x", `t:1:11: "x" is no GUID; another text is written after @`)
	f("role a\nrole A", `t:2:6: "A" is already declared on line 1; another name in Azure is given with name="…"`)
	f("role a id=x\nrole b id=X", "t:2:6: the role x is already declared on line 1")
	f("role a/b", `t:1:6: the name "a/b" holds "/"; give the name in Azure with name="…"`)
	f("localrole cosmos a\nlocalrole cosmos a", `t:2:18: "a" is already declared on line 1; another name in Azure is given with name="…"`)
}

func TestErrorsOfScopes(t *testing.T) {
	f := func(text, want string) { t.Helper(); wantError(t, text, want) }
	f(shopText+"lock ReadOnly at ordes", `t:5:18: no scope has the name "ordes"; did you mean "orders"?`)
	f("lock ReadOnly at x", `t:1:18: no scope has the name "x"; declare it, or write its full resource ID`)
	f("lock ReadOnly", `t:1:1: lock needs a scope; write "at" and a name or a resource ID`)
	f("lock ReadOnly / at /", `t:1:20: the scope is given twice, here and as "/"`)
	f("lock ReadOnly at /subscriptions", `t:1:18: "/subscriptions" is no resource ID: at byte 14: a subscription is missing after "subscriptions"`)
	f("lock readonly at /", `t:1:6: there is no level of locks "readonly"; did you mean "ReadOnly"?`)
	f("rg a in b\nrg b in a", `t:1:4: "a" lies in itself, or too deep`)
	f("rg a", `t:1:1: rg needs the scope in which it lies; write "in" and its name`)
	f("rg a in none", "t:1:9: rg lies in a scope")
	f("mg a\nrg b in a", "t:2:9: a resource group lies in a subscription")
	f("mg a in b\nmg b in a", "t:1:1: the management group a lies in itself")
	f("subscription p\nsubscription q in p", "t:2:19: subscription lies in a management group")
	f("subscription p\nvm v in p", `t:2:9: vm lies in a resource group, and "p" is a subscription`)
	f(shopText+"slot s in kv", `t:5:11: slot lies in a Microsoft.Web/sites, and "kv" is a Microsoft.KeyVault/vaults`)
	f("mg a id=/subscriptions/x", "t:1:9: the ID is not that of a management group")
	f("subscription a id=/", "t:1:19: the ID is not that of a subscription")
	f("resource a id=/", "t:1:15: the ID is not that of a resource: it is the root of the tenant")
	f("resource /", "t:1:10: the ID is not that of a resource: it is the root of the tenant")
	f("rg /subscriptions/x", "t:1:4: the ID is not that of a resource group")
	f("webapp /subscriptions/x/resourceGroups/y", "t:1:8: the ID is not that of a resource of type Microsoft.Web/sites")
	f(shopText+"vm v in orders id=x", `t:5:19: "x" is no resource ID; it begins with "/"`)
	f(shopText+"resource v in orders", "t:5:10: the type is missing; write resource TYPE NAME, or resource and a full resource ID")
	f(shopText+"resource A.B/c/d v in orders", "t:5:18: the type A.B/c/d needs 2 names in /subscriptions/prod/resourceGroups/orders, and 1 are given")
	f("mg /providers/x", `t:1:4: "/providers/x" is no resource ID: at byte 12: a resource type is missing after the resource provider`)
}

func TestErrorsOfPrincipals(t *testing.T) {
	f := func(text, want string) { t.Helper(); wantError(t, text, want) }
	f(shopText+"vm v in orders user=kv", "t:5:21: /subscriptions/prod/resourceGroups/orders/providers/Microsoft.KeyVault/vaults/kv is no user-assigned identity")
	f(shopText+"vm v in orders principal=@x", `t:5:16: "principal" needs a managed identity; write system before it`)
	f(shopText+"vm v in orders system system-principal=@x", "t:5:23: a resource has either system or system-principal")
	f(shopText+"vm v in orders system-principal=none\nmember v of @g", `t:6:8: the principal of "v" is not known; line 5 says so`)
	f(shopText+"member kv of @g", `t:5:8: no principal has the name "kv"; "kv" is a scope without an identity; write system on line 3 to give it one`)
	f(shopText+"member apy of @g", `t:5:8: no principal has the name "apy"; did you mean "api"?`)
	f("member x of @g", `t:1:8: no principal has the name "x"; declare it, or write its object ID`)
	f("member @x", `t:1:1: member needs a group; write "of" and its name`)
	f("member @x of y", `t:1:14: no principal has the name "y"; declare it, or write its object ID`)
	f("member /subscriptions/x of @g", "t:1:8: no managed identity is declared for /subscriptions/x")
	f("member /x of @g", `t:1:8: "/x" is no resource ID: at byte 1: it must start with "/subscriptions/" or "/providers/"`)
	f("principal p type=user", `t:1:18: there is no type of principals "user"; did you mean "User"?`)
	f("gap input reason=$what:x", `t:1:18: "$what:x" refers to nothing; write $id:NAME, $client:NAME or $principal:NAME, or quote the text`)
	f("gap input reason=$id:x", `t:1:22: no scope has the name "x"; declare it, or write its full resource ID`)
	f("gap input reason=$client:x", `t:1:26: no principal has the name "x"; declare it, or write its object ID`)
	f("gap inputs reason=x", `t:1:5: there is no kind of facts "inputs"; did you mean "input"?`)
}

func TestErrorsOfGrants(t *testing.T) {
	f := func(text, want string) { t.Helper(); wantError(t, text, want) }
	f("role a name=x\nrole b name=X\nassign @p X at /", `t:3:11: several roles have the name "X"; write the short name`)
	f("assign @p Reader at / eligble", `t:1:23: the word "eligble" is not expected here; did you mean "eligible"?`)
	f("deny d at / / principals=@x", `t:1:11: the scope is given twice, here and as "/"`)
	f("deny d at / protectd principals=@x", `t:1:13: the word "protectd" is not expected here; did you mean "protected"?`)
	f("assign @p Reader", `t:1:1: assign needs a scope; write "at" and a name or a resource ID`)
	f("deny d at /", "t:1:1: deny needs principals; write principals=everyone, or their names")
	f("deny d at / principals=@x effect=log", `t:1:34: there is no effect "log"; known are: enforced, audit`)
	f("deny d principals=@x", `t:1:1: deny needs a scope; write "at" and a name or a resource ID`)
	f("policy @p secrets=get", `t:1:1: policy needs a scope; write "on" and a name or a resource ID`)
	f("local cosmo @p r on /", `t:1:7: there is no local authorization system "cosmo"; did you mean "cosmos"?`)
	f("local cosmos @p r", `t:1:1: local needs a scope; write "on" and a name or a resource ID`)
	f("acl / /a user @p rw", `t:1:18: "rw" are no permissions of a path; write three letters of "rwx" or "-", such as r-x`)
	f("acl / /a user @p xwr", `t:1:18: "xwr" are no permissions of a path; write three letters of "rwx" or "-", such as r-x`)
	f("delegation d at / tenant=x {\ngrant @p Reader\n}", `t:2:10: the ID of the role "Reader" is not known here; write its GUID`)
	f("delegation d tenant=x", `t:1:1: delegation needs a scope; write "at" and a name or a resource ID`)
	f("declare a b inline-policies=many", `t:1:29: "many" is no number`)
	f("can @p x /", `t:1:8: "x" is no operation: at byte 1: an operation has the form Provider/type/verb`)
	f("can @p a/b / data control", "t:1:19: an operation is asked on one plane")
	f("assign @p Reader at / id=/x", `t:1:26: "/x" is no resource ID: at byte 1: it must start with "/subscriptions/" or "/providers/"`)
}

// Mistakes are collected, in the order of the lines, up to a bound.
func TestErrorsAreCollected(t *testing.T) {
	_, err := Parse("t", strings.NewReader("lock ReadOnly at x\nuser\n"), Options{})
	if err == nil || len(strings.Split(err.Error(), "\n")) != 2 || !strings.HasPrefix(err.Error(), "t:1:18:") {
		t.Errorf("got %v", err)
	}
	_, err = Parse("t", strings.NewReader(strings.Repeat("lock ReadOnly at x\n", 100)), Options{})
	var es Errors
	if !errors.As(err, &es) || len(es) != MaxErrors || es[19].Line != 20 {
		t.Errorf("got %v", err)
	}
	_, err = Parse("t", strings.NewReader(strings.Repeat("x\n", 100)), Options{})
	if !errors.As(err, &es) || len(es) != MaxErrors {
		t.Errorf("got %v", err)
	}
	_, err = Parse("t", strings.NewReader("role r {\n"+strings.Repeat("x\n", 100)), Options{})
	if !errors.As(err, &es) || len(es) != MaxErrors {
		t.Errorf("got %v", err)
	}
}

// A chain of scopes that is too long for any tenant ends, with an error.
func TestDeepScopes(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		b.WriteString("resource A.B/c n" + strconv.Itoa(i) + " in n" + strconv.Itoa(i+1) + "\n")
	}
	_, err := Parse("t", strings.NewReader(b.String()), Options{})
	if err == nil || !strings.Contains(err.Error(), "lies in itself, or too deep") {
		t.Errorf("got %v", err)
	}
}

func TestDistance(t *testing.T) {
	f := func(a, b string, want int) {
		t.Helper()
		if got := distance(a, b, 5); got != want {
			t.Errorf("distance(%q, %q) = %d, want %d", a, b, got, want)
		}
	}
	f("", "", 0)
	f("abc", "abc", 0)
	f("abc", "acb", 1)
	f("abc", "ab", 1)
	f("abc", "xyz", 3)
	f("abcdefgh", "zzzzzzzz", 5)
	f("a", "abcdefgh", 5)
}
