// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/tenant"
)

const shop = `tenant t taken=2026-11-01T06:00:00Z
subscription main id=7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01
rg shop in=main
keyvault kv in=shop .enableRbacAuthorization=true
keyvault old in=shop .enableRbacAuthorization=false
resource Microsoft.ServiceBus/namespaces bus in=shop
identity shared in=shop principal=11111111-0000-4000-8000-000000000001 client=22222222-0000-4000-8000-000000000001
identity other in=shop principal=11111111-0000-4000-8000-000000000002 client=22222222-0000-4000-8000-000000000002
webapp api in=shop system principal=11111111-0000-4000-8000-000000000003 client=22222222-0000-4000-8000-000000000003 user=shared
webapp two in=shop user=shared,other
webapp bare in=shop
user ann id=11111111-0000-4000-8000-000000000009
group readers
member shared of readers
`

const (
	kvID     = "/subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/kv"
	apiOID   = "11111111-0000-4000-8000-000000000003"
	sharedID = "11111111-0000-4000-8000-000000000001"
)

func tenantOf(t *testing.T, text string) *Tenant {
	t.Helper()
	s, err := tenant.Parse("t", strings.NewReader(shop+text), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return &Tenant{
		Snapshot: s, Index: mivet.NewIndex(s), Engine: authz.New(s, authz.Options{Catalog: c}),
		SmallestRole: func(op arm.Operation, plane mivet.Plane) *mivet.RoleDefinition {
			if op.String() == "Microsoft.KeyVault/vaults/secrets/getSecret/action" && plane == mivet.PlaneData {
				return &mivet.RoleDefinition{Name: "Key Vault Secrets User"}
			}
			return nil
		},
	}
}

func refused(oid string) string {
	return "Caller is not authorized to perform action on resource.\nCaller: appid=22222222-0000-4000-8000-000000000003;oid=" + oid +
		";iss=https://sts.windows.net/t/\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\nResource: '" + kvID + "/secrets/db'\nAssignment: (not found)"
}

func TestExplain(t *testing.T) {
	f := func(facts, text string, given Given, cause Cause, certainty Certainty, because string) *Verdict {
		t.Helper()
		v := Explain(Parse(text), tenantOf(t, facts), given)
		first := v.Hypotheses[0]
		if first.Cause != cause || first.Certainty != certainty {
			t.Errorf("%s (%s) is first of %+v, want %s (%s)", first.Cause, first.Certainty, v.Hypotheses, cause, certainty)
		}
		if because != "" && !slices.ContainsFunc(first.Because, func(s string) bool { return strings.Contains(s, because) }) {
			t.Errorf("%s because %q, want %q", first.Cause, first.Because, because)
		}
		return v
	}

	v := f("", refused(apiOID), Given{}, MissingRole, Supported, "holds nothing at or above")
	if v.Fix == nil || v.Fix.Role != "Key Vault Secrets User" || !strings.Contains(v.Fix.Command, `--scope "`+kvID+`/secrets/db"`) {
		t.Errorf("the fix is %+v", v.Fix)
	}
	if v.Answer == nil || v.Answer.Effect != authz.Denied {
		t.Errorf("the answer is %+v", v.Answer)
	}
	f(`assign api Contributor shop`+"\n", refused(apiOID), Given{}, ControlPlaneRoleOnly, Supported, "Contributor at ")
	f(`assign api "Key Vault Secrets User" kv/secrets/else`+"\n", refused(apiOID), Given{}, WrongScope, Supported, "secrets/else")
	v = f(`assign shared "Key Vault Secrets User" kv`+"\n", refused(apiOID), Given{}, WrongIdentitySelected, Supported, "shared")
	if v.Fix != nil {
		t.Errorf("a fix for the wrong identity: %+v", v.Fix)
	}
	f(`assign shared "Key Vault Secrets User" kv`+"\n", refused(apiOID), Given{Expected: sharedID}, WrongIdentitySelected, Settled, "expected was shared")
	f(`assign 22222222-0000-4000-8000-000000000003 "Key Vault Secrets User" kv`+"\n", refused(apiOID), Given{}, IDConfusion, Settled, "client ID of the caller")
	f(`assign api "Key Vault Secrets User" kv eligible`+"\n", refused(apiOID), Given{}, MissingRole, Settled, "not activated")
	f(`assign api "Key Vault Secrets User" kv created=2026-11-01T05:58:00Z`+"\n", refused(apiOID), Given{}, Propagation, Supported, "2m0s before")
	v = f(`assign api "Key Vault Secrets User" kv created=2026-10-01T05:58:00Z`+"\n", refused(apiOID), Given{}, WrongIdentitySelected, Possible, "")
	for _, h := range v.Hypotheses {
		if (h.Cause == Propagation || h.Cause == MissingRole) && h.Certainty != Excluded {
			t.Errorf("%s is %s although the old grant gives it", h.Cause, h.Certainty)
		}
	}
	f(`assign readers "Key Vault Secrets User" kv`+"\n", refused(sharedID), Given{}, GroupTokenCache, Supported, "readers")
	f(`assign api "Key Vault Secrets User" kv`+"\ndeny no at kv principals=everyone {\ndataActions *\n}\n", refused(apiOID), Given{}, DenyAssignment, Settled, "no")
	f("", strings.Replace(refused(apiOID), "22222222-0000-4000-8000-000000000003", "04b07795-8ddb-461a-bbee-02f9e1bf7b46", 1),
		Given{}, WrongIdentitySelected, Supported, "Azure CLI")
	f("", "ForbiddenByFirewall", Given{}, Network, Settled, rolesIgnored)

	// Who and where, when the text does not say so.
	v = f("", "Unauthorized access. 'Send' claim(s) are required to perform this operation. Resource: 'sb://bus.servicebus.windows.net/orders'.",
		Given{Caller: apiOID}, MissingRole, Supported, "holds nothing")
	if got := v.Where.String(); !strings.HasSuffix(got, "/namespaces/bus/queues/orders") || v.What.String() != "Microsoft.ServiceBus/namespaces/messages/send/action" {
		t.Errorf("asked was %s at %s", v.What, got)
	}
	v = f("", "The user, group or application 'appid=22222222-0000-4000-8000-000000000003;oid="+apiOID+";iss=x' does not have secrets get permission on key vault 'old;location=l'.",
		Given{}, MissingRole, Supported, "holds nothing")
	if v.Fix == nil || !strings.HasPrefix(v.Fix.Command, "az keyvault set-policy --name old --object-id "+apiOID+" --secret-permissions get") {
		t.Errorf("the fix is %+v", v.Fix)
	}
	v = f("", "This request is not authorized to perform this operation using this permission.", Given{}, ControlPlaneRoleOnly, Possible, "")
	if len(v.Unresolved) != 3 || v.Answer != nil {
		t.Errorf("not known is %q", v.Unresolved)
	}
	v = Explain(Parse("?"), nil, Given{})
	if len(v.Hypotheses) != 1 || v.Hypotheses[0].Certainty != Possible || v.Recognised() {
		t.Errorf("of an unknown text: %+v", v)
	}
}

// A snapshot of before and one of after, joined: the old principal of the same app.
func TestRecreated(t *testing.T) {
	const oldOID = "11111111-0000-4000-8000-000000000008"
	text := `assign ` + oldOID + ` "Key Vault Secrets User" kv` + "\n"
	tn := tenantOf(t, text)
	s := *tn.Snapshot
	former := *mivet.NewIndex(&s).Identity(apiOID)
	former.Principal = oldOID
	s.Identities = append([]mivet.Identity{former}, s.Identities...)
	tn.Snapshot, tn.Index = &s, mivet.NewIndex(&s)
	v := Explain(Parse(refused(apiOID)), tn, Given{})
	if h := v.Hypotheses[0]; h.Cause != RecreatedIdentity || h.Certainty != Settled || !strings.Contains(h.Because[0], oldOID) {
		t.Errorf("first is %+v", h)
	}
	if v.Fix == nil || v.Fix.Principal != apiOID {
		t.Errorf("the fix is %+v", v.Fix)
	}
}

func TestFederation(t *testing.T) {
	const credential = `federated gh on=shared issuer=https://token.actions.githubusercontent.com subject="repo:Shop/api:environment:prod" audiences=api://AzureADTokenExchange` + "\n"
	f := func(issuer, subject, audience string, cause Cause, certainty Certainty) {
		t.Helper()
		text := "AADSTS70021: No matching federated identity record found for presented assertion. Assertion Issuer: '" + issuer +
			"'. Assertion Subject: '" + subject + "'. Assertion Audience: '" + audience + "'."
		v := Explain(Parse(text), tenantOf(t, credential), Given{})
		if h := v.Hypotheses[0]; h.Cause != cause || h.Certainty != certainty {
			t.Errorf("%s (%s), want %s (%s)", h.Cause, h.Certainty, cause, certainty)
		}
	}
	const issuer, subject, audience = "https://token.actions.githubusercontent.com", "repo:Shop/api:environment:prod", "api://AzureADTokenExchange"
	f(issuer, subject, audience, Propagation, Supported)
	f(issuer, "repo:shop/api:environment:prod", audience, FederationCase, Settled)
	f(issuer+"/", subject, audience, FederationIssuer, Settled)
	f(issuer, subject, "api://else", FederationAudience, Settled)
	f(issuer, "repo:Shop/api:ref:refs/heads/main", audience, FederationSubject, Supported)
	f("https://else", "else", audience, FederationIssuer, Possible)
	if v := Explain(Parse("AADSTS70021"), tenantOf(t, ""), Given{}); len(v.Unresolved) == 0 {
		t.Error("nobody says that there is no credential to compare with")
	}
}

func TestEndpoint(t *testing.T) {
	f := func(host, text string, cause Cause, certainty Certainty) {
		t.Helper()
		tn := tenantOf(t, "")
		id, err := arm.ParseID(strings.Replace(kvID, "Microsoft.KeyVault/vaults/kv", "Microsoft.Web/sites/"+host, 1))
		if err != nil {
			t.Fatal(err)
		}
		v := Explain(Parse(text), tn, Given{Host: id})
		if h := v.Hypotheses[0]; h.Cause != cause || h.Certainty != certainty {
			t.Errorf("%s: %+v, want %s (%s)", host, v.Hypotheses, cause, certainty)
		}
	}
	const ours = "Unable to load the proper Managed Identity."
	f("bare", ours, IdentityNotAssigned, Settled)
	f("api", ours, IdentityNotAssigned, Supported)
	f("two", ours, AmbiguousIdentity, Supported)
	if v := Explain(Parse(ours), tenantOf(t, ""), Given{}); len(v.Unresolved) == 0 {
		t.Error("nobody says that the host is not known")
	}
}

func TestCallers(t *testing.T) {
	tn := tenantOf(t, "")
	f := func(c Caller, want mivet.PrincipalID) {
		t.Helper()
		if got, ok := tn.caller(&c); got != want || ok != (want != "") {
			t.Errorf("%+v is %q, want %q", c, got, want)
		}
	}
	f(Caller{OID: strings.ToUpper(apiOID)}, apiOID)
	f(Caller{AppID: "22222222-0000-4000-8000-000000000001"}, sharedID)
	f(Caller{Client: "22222222-0000-4000-8000-000000000001"}, sharedID)
	f(Caller{Client: apiOID}, apiOID)
	f(Caller{Principal: "33333333-0000-4000-8000-000000000001"}, "33333333-0000-4000-8000-000000000001")
	f(Caller{AppID: "REDACTED"}, "")
	f(Caller{}, "")
}

func TestSeries(t *testing.T) {
	line := func(at, oid, more string) string {
		return at + " " + strings.ReplaceAll(refused(oid), "\n", " ") + " " + more + "\n"
	}
	log := "starting\n" +
		line("2026-11-01T06:00:00Z", "a", "revision=api--1") +
		line("2026-11-01T06:01:00Z", "a", "revision=api--1") +
		"2026-11-01T06:02:00Z deployment of api--2 finished\n" +
		line("2026-11-01 06:03:00", "b", "revision=api--2") +
		strings.Repeat("x", 2*MaxText) + "\n" +
		"ForbiddenByFirewall"
	s, err := ReadSeries(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	if s.Lines != 7 || s.Refusals != 4 || len(s.Groups) != 3 || s.Dropped != 0 {
		t.Fatalf("%d lines, %d refusals, %d groups", s.Lines, s.Refusals, len(s.Groups))
	}
	if g := s.Groups[0]; g.Count != 2 || g.Revision != "api--1" || g.First.Line != 2 || g.Last.Line != 3 || g.Last.Time.Minute() != 1 {
		t.Errorf("the first group is %+v", g)
	}
	if len(s.Changes) != 1 {
		t.Fatalf("%d changes", len(s.Changes))
	}
	if c := s.Changes[0]; c.From.Caller.OID != "a" || c.To.Caller.OID != "b" || c.At.Line != 5 || c.BesideLine != 4 || !strings.Contains(c.Beside, "deployment of api--2") {
		t.Errorf("the change is %+v", c)
	}
}

func FuzzReadSeries(f *testing.F) {
	f.Add(strings.ReplaceAll(refused("a"), "\n", " ") + "\n" + strings.ReplaceAll(refused("b"), "\n", " "))
	f.Add("deployed\r\n\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadSeries(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		n := s.Dropped
		for _, g := range s.Groups {
			n += g.Count
		}
		if n != s.Refusals || s.Refusals > s.Lines {
			t.Fatalf("%d refusals on %d lines, and groups hold %d", s.Refusals, s.Lines, n)
		}
	})
}
