// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
)

const gone = "11111111-0000-4000-8000-000000000007"

// A grant whose holder is gone speaks for an identity that was made again; a list of the
// directory with holes proves nothing.
func TestStranded(t *testing.T) {
	const grant = `deleted old id=` + gone + "\n" + `assign ` + gone + ` "Key Vault Secrets User" kv id=33333333-0000-4000-8000-000000000009` + "\n"
	v := Explain(Parse(refused(apiOID)), tenantOf(t, grant), Given{})
	if h := v.Hypotheses[0]; h.Cause != RecreatedIdentity || h.Certainty != Supported || v.Former != gone || len(v.Stranded) != 1 {
		t.Errorf("first is %+v, former %q, %d stranded", h, v.Former, len(v.Stranded))
	}
	if v.Fix == nil || v.Fix.Remove != "" {
		t.Errorf("the fix of what is not settled is %+v", v.Fix)
	}
	v = Explain(Parse(refused(apiOID)), tenantOf(t, grant), Given{Formers: []mivet.PrincipalID{gone}})
	if h := v.Hypotheses[0]; h.Cause != RecreatedIdentity || h.Certainty != Settled {
		t.Errorf("first is %+v", h)
	}
	if v.Fix == nil || !strings.Contains(v.Fix.Remove, "33333333-0000-4000-8000-000000000009") {
		t.Errorf("the fix is %+v", v.Fix)
	}
	holes := grant + `gap principals reason="not read"` + "\n"
	if v = Explain(Parse(refused(apiOID)), tenantOf(t, holes), Given{}); v.Hypotheses[0].Cause != MissingRole || v.Former != "" {
		t.Errorf("first is %+v although the directory was not read", v.Hypotheses[0])
	}
	other := `deleted old id=` + gone + "\n" + `assign ` + gone + ` Reader shop` + "\n"
	if v = Explain(Parse(refused(apiOID)), tenantOf(t, other), Given{}); v.Hypotheses[0].Cause != MissingRole {
		t.Errorf("first is %+v although the grant of the one that is gone gives something else", v.Hypotheses[0])
	}
}

// A log tells that two principals are one identity, and when it was made again.
func TestFormers(t *testing.T) {
	line := func(at, oid, host string) string {
		return at + " " + strings.ReplaceAll(refused(oid), ";iss=https://sts.windows.net/t/", ";iss=https://sts.windows.net/t/;xms_mirid="+host) + "\n"
	}
	const api, other = "/subscriptions/s/resourcegroups/shop/providers/Microsoft.Web/sites/api", "/subscriptions/s/resourcegroups/shop/providers/Microsoft.Web/sites/other"
	f := func(log string, changes int, recreated bool, beside string, formers ...mivet.PrincipalID) {
		t.Helper()
		s, err := ReadSeries(strings.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Changes) != changes || changes > 0 && (s.Changes[0].Recreated() != recreated || s.Changes[0].Beside != beside) {
			t.Fatalf("changes %+v", s.Changes)
		}
		if got := s.Formers(s.Groups[len(s.Groups)-1]); !slices.Equal(got, formers) {
			t.Errorf("formers are %v, want %v", got, formers)
		}
	}
	const deployed = "2026-11-01T05:00:00Z deployed api"
	f(line("2026-11-01T04:00:00Z", gone, api)+deployed+"\n"+line("2026-11-01T06:00:00Z", apiOID, strings.ToUpper(api)), 1, true, deployed, gone)
	f(line("2026-11-01T04:00:00Z", gone, other)+line("2026-11-01T06:00:00Z", apiOID, api), 1, false, "")
	f(line("2026-11-01T04:00:00Z", gone, api)+line("2026-11-01T06:00:00Z", strings.ToUpper(gone), api), 0, false, "")
	// A deployment that the log tells of later, and that was later, is not what stands beside.
	f(line("2026-11-01T04:00:00Z", gone, api)+deployed+"\n2026-11-01T07:00:00Z restarted api\n"+line("2026-11-01T06:00:00Z", apiOID, api), 1, true, deployed, gone)
}

// A text over several lines is one refusal, with its caller.
func TestRecords(t *testing.T) {
	f := func(log string, refusals, groups int, oid string) {
		t.Helper()
		s, err := ReadSeries(strings.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		if s.Refusals != refusals || len(s.Groups) != groups || s.Groups[0].Caller.OID != oid {
			t.Errorf("%d refusals of %d sorts by %q, want %d of %d by %q", s.Refusals, len(s.Groups), s.Groups[0].Caller.OID, refusals, groups, oid)
		}
	}
	f("start\n"+refused("a")+"\nStatus: 403 (Forbidden)\nErrorCode: Forbidden\n\nContent:\n{\"error\":{\"innererror\":{\"code\":\"ForbiddenByRbac\"}}}\n   at Azure.Security.KeyVault()\nnext\n", 1, 1, "a")
	f(refused("a")+"\n2026-11-01T06:00:00Z "+refused("b")+"\n", 2, 2, "a")
	f(`{"log":"ForbiddenByRbac"}`+"\n"+`{"log":"ForbiddenByRbac"}`+"\n", 2, 1, "")
	f("ForbiddenByRbac slot=blue revision=api--1\nForbiddenByRbac slot=green revision=api--1\n", 2, 2, "")
}

// What a text names as an address is found in the tenant.
func TestPlaces(t *testing.T) {
	tn := tenantOf(t, "storage files in=shop\nresource Microsoft.Search/searchServices find in=shop\n")
	f := func(text, want string) {
		t.Helper()
		got, _ := tn.place(Parse(text))
		if !strings.HasSuffix(got.String(), want) || want == "" && !got.IsZero() {
			t.Errorf("%q is at %q, want %q", text, got, want)
		}
	}
	f("GET https://files.blob.core.windows.net/in/a/b.csv: AuthorizationPermissionMismatch", "/storageAccounts/files/blobServices/default/containers/in")
	f("https://files.queue.core.windows.net/jobs AuthorizationPermissionMismatch", "/queueServices/default/queues/jobs")
	f("https://files.dfs.core.windows.net: AuthorizationPermissionMismatch", "/storageAccounts/files")
	f("host files.table.core.windows.net said AuthorizationPermissionMismatch", "/storageAccounts/files")
	f("https://other.blob.core.windows.net/in AuthorizationPermissionMismatch", "")
	f("403 Forbidden https://find.search.windows.net/indexes", "/searchServices/find")
	if got := hostPart("%zz"); got != "" {
		t.Errorf("a URL that cannot be read has the part %q", got)
	}
}
