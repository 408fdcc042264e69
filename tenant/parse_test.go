// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

func parseString(t testing.TB, text string) *mivet.Snapshot {
	t.Helper()
	s, err := Parse("t", strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func everything(t testing.TB) (string, *mivet.Snapshot) {
	t.Helper()
	text, err := os.ReadFile("testdata/everything.tenant")
	if err != nil {
		t.Fatal(err)
	}
	return string(text), parseString(t, string(text))
}

// Every kind of fact comes out of the text with its line.
func TestParseEverything(t *testing.T) {
	text, s := everything(t)
	lines := strings.Split(text, "\n")
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		f := v.Field(i)
		name := v.Type().Field(i).Name
		if f.Kind() != reflect.Slice || name == "Inputs" {
			continue
		}
		if f.Len() == 0 {
			t.Errorf("no %s", name)
		}
		for j := range f.Len() {
			src, ok := f.Index(j).FieldByName("Source").Interface().(mivet.Source)
			if !ok || src.Origin == nil || src.Origin.File != "t" || src.Line < 2 || strings.TrimSpace(lines[src.Line-1]) == "" {
				t.Errorf("%s[%d] has the source %v", name, j, src)
			}
		}
	}
	if want := time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC); !s.TakenAt.Equal(want) || !mivet.IsGUID(s.TenantID) {
		t.Errorf("taken %v, tenant %q", s.TakenAt, s.TenantID)
	}
}

// fact returns the JSON of a fact without its source, so that tests can be read.
func fact(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(b, &m) == nil {
		delete(m, "source")
		b, err = json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.ReplaceAll(string(b), `"`, "'")
}

func TestFacts(t *testing.T) {
	_, s := everything(t)
	guid := func(kind, name string) string { return deriveGUID(kind, name) }
	const rg = "/subscriptions/prod/resourceGroups/orders"
	f := func(v any, want string) {
		t.Helper()
		if got := fact(t, v); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(s.ManagementGroups[0], "{'id':'/providers/Microsoft.Management/managementGroups/all','name':'The whole shop'}")
	f(s.ManagementGroups[1], "{'id':'/providers/Microsoft.Management/managementGroups/live','name':'live','parent':'/providers/Microsoft.Management/managementGroups/all'}")
	f(s.Subscriptions[0], "{'id':'/subscriptions/prod','name':'Shop, live','parent':'/providers/Microsoft.Management/managementGroups/live','tags':{'cost center':'4711','env':'prod'}}")
	f(s.Subscriptions[1], "{'id':'/subscriptions/5ca0ffee-0000-4000-8000-000000000001','name':'test'}")
	f(s.Resources[0], "{'detail':{'tags':{'owner':'team-orders'}},'id':'"+rg+"','location':'westeurope'}")
	f(s.Resources[1], "{'detail':{'kind':'app,linux','settings':{'httpsOnly':'true','siteConfig.appSettings.AZURE_CLIENT_ID':'"+guid("client", "jobs")+"'}},"+
		"'id':'"+rg+"/providers/Microsoft.Web/sites/orders-api','identity':{'system':true,'systemPrincipal':'"+guid("principal", "orders-api")+
		"','user':['"+rg+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs']},'location':'westeurope'}")
	f(s.Resources[3], "{'detail':{'settings':{'enableRbacAuthorization':'true','enableSoftDelete':'null'}},'id':'"+rg+"/providers/Microsoft.KeyVault/vaults/shop-kv'}")
	f(s.Resources[6], "{'id':'"+rg+"/providers/Microsoft.Storage/storageAccounts/lake/blobServices/default/containers/raw'}")
	f(s.Resources[8], "{'detail':{'kind':'odd','managedBy':'"+rg+"/providers/Microsoft.KeyVault/vaults/shop-kv'},'id':'"+rg+"/providers/Microsoft.Foo/bars/bar'}")
	f(s.Resources[9], "{'id':'"+rg+"/providers/Microsoft.KeyVault/vaults/shop-kv/providers/Microsoft.Insights/diagnosticSettings/logs'}")
	f(s.Resources[11], "{'id':'/subscriptions/other/resourceGroups/rg/providers/Microsoft.Web/sites/far','identity':{'system':true,'systemPrincipal':'not yet'}}")
	f(s.Identities[1], "{'kind':'SystemAssigned','principal':'5ca0ffee-0000-4000-8000-0000000000aa','resource':'"+rg+
		"/providers/Microsoft.Web/sites/orders-api/slots/staging','tenantId':'"+s.TenantID+"'}")
	f(s.Principals[1], "{'id':'5ca0ffee-0000-4000-8000-0000000000aa','managed':true,'name':'orders-api/slots/staging','type':'ServicePrincipal'}")
	f(s.Principals[3], "{'id':'"+guid("principal", "alice")+"','name':'Alice Meyer','type':'User'}")
	f(s.Memberships, "[{'group':'"+guid("principal", "devs")+"','member':'"+guid("principal", "alice")+"','source':{'origin':{'file':'t'},'line':23}},"+
		"{'group':'"+guid("principal", "all-devs")+"','member':'5ca0ffee-0000-4000-8000-0000000000bb','source':{'origin':{'file':'t'},'line':28}},"+
		"{'group':'"+guid("principal", "all-devs")+"','member':'"+guid("principal", "devs")+"','source':{'origin':{'file':'t'},'line':28}}]")
	f(s.FederatedCredentials[0], "{'audiences':['api://AzureADTokenExchange'],'id':'"+rg+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs/federatedIdentityCredentials/pods',"+
		"'identity':'"+rg+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs','issuer':'https://oidc.example/','name':'pods','subject':'system:serviceaccount:shop:jobs'}")
	f(s.FederatedCredentials[1], "{'appObjectId':'"+guid("application", "deploy")+"','audiences':['a','b'],'clientId':'5ca0ffee-0000-4000-8000-0000000000dd',"+
		"'issuer':'https://token.actions.githubusercontent.com','name':'main','subject':'repo:shop/infra:ref:refs/heads/main'}")
	f(s.RoleDefinitions[0], "{'assignableScopes':['/subscriptions/prod','/subscriptions/other'],'description':'reads orders','id':'"+guid("role", "reader")+
		"','name':'Order Reader','permissions':[{'actions':['Microsoft.Web/sites/read','Microsoft.Web/sites/slots/read'],'notActions':['Microsoft.Web/sites/config/read']},"+
		"{'dataActions':['*/read'],'condition':'@Resource[a] StringEquals 'b'','conditionVersion':'2.0'}]}")
	f(s.RoleDefinitions[1].Permissions, "[{'actions':['a/b/read','a/c/read']}]")
	f(s.LocalGrants[0], "{'account':'"+rg+"','principal':'"+guid("principal", "orders-api")+"','role':'"+guid("local role", "cosmos\norder-reader")+"','scope':'/dbs/shop','system':'cosmos'}")
	f(s.LocalGrants[1], "{'account':'"+rg+"','principal':'"+guid("principal", "devs")+"','role':'Administrator','system':'sqladmin'}")
	f(s.PathACLs[0], "{'container':'"+rg+"/providers/Microsoft.Storage/storageAccounts/lake/blobServices/default/containers/raw','path':'/in/','permissions':'r-x','principal':'"+
		guid("principal", "orders-api")+"','tag':'user'}")
	f(s.AccessTests[0], "{'allowed':true,'operation':'Microsoft.KeyVault/vaults/secrets/getSecret/action','plane':'data','principal':'"+guid("principal", "orders-api")+
		"','resource':'"+rg+"/providers/Microsoft.KeyVault/vaults/shop-kv/secrets/stripe'}")
	f(s.Gaps[0], "{'facts':'deny assignments','permission':'Microsoft.Authorization/denyAssignments/read','reason':'not permitted','scope':'/subscriptions/prod'}")
}

func TestAssignmentFacts(t *testing.T) {
	_, s := everything(t)
	a := s.RoleAssignments
	if a[0].Role != s.RoleDefinitions[0].ID || a[0].RoleName != "Order Reader" || a[0].PrincipalType != mivet.TypeServicePrincipal {
		t.Errorf("%+v", a[0])
	}
	if a[1].Role != "" || a[1].RoleName != "Key Vault Secrets User" || a[1].Scope.Name() != "stripe" {
		t.Errorf("%+v", a[1])
	}
	if !a[2].Eligible || a[2].End.Hour() != 12 || a[2].PrincipalType != mivet.TypeUser || a[2].CreatedBy != "5ca0ffee-0000-4000-8000-0000000000bb" ||
		arm.Fold(a[2].ID.Type()) != arm.Fold(eligibleType) || a[2].Description != "on call" {
		t.Errorf("%+v", a[2])
	}
	if !a[3].ID.IsZero() || a[3].Role != "8e3af657-a8ff-443c-a75c-2fe8c4bcb635" || a[3].RoleName != "" || a[3].PrincipalType != "" {
		t.Errorf("%+v", a[3])
	}
	if a[4].Role != a[3].Role || a[4].RoleName != "Owner" || a[4].ConditionVersion != "2.0" || strings.Count(a[4].Condition, "\n") != 2 {
		t.Errorf("%+v", a[4])
	}
	d := s.DenyAssignments[0]
	if d.Principals[0] != mivet.Everyone || len(d.Excluded) != 2 || d.Effect != mivet.DenyAudit || !d.ThisScopeOnly || !d.SystemProtected {
		t.Errorf("%+v", d)
	}
}

// Equal statements get IDs of their own, and the same ones in every run.
func TestDerivedIDs(t *testing.T) {
	const text = "sp a\nassign a Reader at /subscriptions/1\nassign a Reader at /subscriptions/1\n"
	one, two := parseString(t, text).RoleAssignments, parseString(t, text).RoleAssignments
	if one[0].ID.Equal(one[1].ID) || !one[0].ID.Equal(two[0].ID) || !one[1].ID.Equal(two[1].ID) {
		t.Errorf("%v %v, then %v %v", one[0].ID, one[1].ID, two[0].ID, two[1].ID)
	}
	if got := deriveGUID("principal", "Orders-API"); got != deriveGUID("principal", "orders-api") || !mivet.IsGUID(got) || got[14] != '8' {
		t.Error(got)
	}
}

func TestResolver(t *testing.T) {
	o := Options{
		Role: func(name string) (mivet.RoleID, bool) {
			if strings.EqualFold(name, "Reader") {
				return "acdd72a7-3385-48ef-bd42-f606fba81ae7", true
			}
			return "", false
		},
		RoleNames: []string{"Contributor", "Reader"},
	}
	s, err := Parse("t", strings.NewReader("sp a\nrole own name=Owner actions=x/y\nassign a reader at /\nassign a Owner at /\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.RoleAssignments; a[0].Role != "acdd72a7-3385-48ef-bd42-f606fba81ae7" || a[0].RoleName != "reader" || a[1].Role != s.RoleDefinitions[0].ID {
		t.Errorf("%+v", a)
	}
	_, err = Parse("t", strings.NewReader("sp a\nassign a Raeder at /\n"), o)
	if want := `t:2:10: there is no role "Raeder", neither in this text nor built in; did you mean "Reader"?`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestComments(t *testing.T) {
	var got []string
	o := Options{Comment: func(line int, text string) { got = append(got, fmt.Sprint(line, " ", text)) }}
	const text = "# first\nsp a # on it\nassign a Reader \\\n  at / # want x `y`\nrole r {\n  actions a/b # in it\n  # alone\n}\n#last\n"
	if _, err := Parse("t", strings.NewReader(text), o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 first", "2 on it", "3 want x `y`", "5 in it", "5 alone", "9 last"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWords(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		s := parseString(t, "gap input reason="+in+"\n")
		if got := s.Gaps[0].Reason; got != want {
			t.Errorf("%s is read as %q, want %q", in, got, want)
		}
	}
	f("word", "word")
	f(`"two words"`, "two words")
	f(`"a\"b\\c\n\t\r\u{fc}"`, "a\"b\\c\n\t\rü")
	f("`a\\n\"b\"`", `a\n"b"`)
	f("`a\nb`", "a\nb")
	f(`glued" together"`, "glued together")
	f("none", "")
	f(`"none"`, "none")
	f(`"$id:x"`, "$id:x")
	f("x#y", "x#y")
	f("x # y", "x")
	f("\\\n  next", "next")
	f(`a\b`, `a\b`)
	f("\"a\"\r", "a")
	if got := parseString(t, "\ufefftenant a id=b\r\n").TenantID; got != "b" {
		t.Errorf("after a byte order mark: %q", got)
	}
}

func TestIs(t *testing.T) {
	f := func(head string, want bool) {
		t.Helper()
		if got := Is([]byte(head)); got != want {
			t.Errorf("Is(%q) = %v", head, got)
		}
	}
	f("tenant shop\nanything", true)
	f("\n# about\n\ntenant shop", true)
	f("sp a\nassign a Reader at /\nassign a Rea", true)
	f("assign @a Reader at /", true)
	f("role r {\n actions", true)
	f("user a id=", true)
	f("user manual\nof the shop", false)
	f("key: value", false)
	f(`{"tenant": 1}`, false)
	f("[tenant]", false)
	f("", false)
	f("# nothing", false)
	f("tenant", false)
	f("role = 1", false)
	f("\x28\xb5\x2f\xfd", false)
	f("tenant \x00", false)
}

func TestReaderErrors(t *testing.T) {
	broken := errors.New("broken")
	_, err := Parse("t", iotest.ErrReader(broken), Options{})
	if !errors.Is(err, broken) || err.Error() != "reading tenant text t: reading line 1: broken" {
		t.Errorf("got %v", err)
	}
	_, err = Parse("t", strings.NewReader("role r {\n actions a/b\n"), Options{})
	var es Errors
	if !errors.As(err, &es) || es[0].Line != 1 || es[0].Column != 8 {
		t.Errorf("got %v", err)
	}
	var one *Error
	if !errors.As(err, &one) || one.Message != "the closing } is missing" {
		t.Errorf("got %v", err)
	}
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// raw never ends either, by lines that continue one statement.
type raw struct{ rest []byte }

func (r *raw) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		r.rest = append(bytes.Repeat([]byte("y"), 1000), "\\\n"...)
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func TestBounds(t *testing.T) {
	_, err := Parse("t", endless{}, Options{})
	if want := "t:1:1: the line is longer than 1 MiB; keep a large tenant in a snapshot file"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = Parse("t", &raw{}, Options{})
	if err == nil || !strings.Contains(err.Error(), "the line is longer than 1 MiB") {
		t.Errorf("got %v", err)
	}
	s := newScanner(strings.NewReader("x\n"))
	s.fail = func(int, int, string, string) {}
	s.size = MaxText
	if _, err := s.next(); !errors.Is(err, errStop) {
		t.Errorf("got %v", err)
	}
}

func TestWriteErrors(t *testing.T) {
	f := func(s *mivet.Snapshot, want string) {
		t.Helper()
		if err := Write(&bytes.Buffer{}, s); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(&mivet.Snapshot{Resources: make([]mivet.Resource, 2)}, "writing tenant text: resource 0 has no ID (no source recorded)")
	f(&mivet.Snapshot{Subscriptions: make([]mivet.Subscription, 1)}, "writing tenant text: subscription 0 has no ID (no source recorded)")
	f(&mivet.Snapshot{ManagementGroups: make([]mivet.ManagementGroup, 1)}, "writing tenant text: management group 0 has no ID (no source recorded)")
	if err := Write(noSpace{}, &mivet.Snapshot{}); err == nil || err.Error() != "writing tenant text: disk full" {
		t.Errorf("got %v", err)
	}
}

type noSpace struct{}

func (noSpace) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// What stands in a snapshot twice is written once, as the later one.
func TestWriteTwice(t *testing.T) {
	s := parseString(t, "subscription a\nrg r in a location=old\nuser u id=@1 name=old\nrole x id=@r name=old")
	o := parseString(t, "subscription a name=b\nrg r in a location=new\nuser u id=@1 name=new\nrole x id=@r name=new")
	s.Append(o)
	got := parseString(t, mustWrite(t, s))
	if diff := cmp.Diff(o, got, same); diff != "" {
		t.Error(diff)
	}
}

// The text of everything, written, is a text that people would write.
func TestWriteCanonical(t *testing.T) {
	_, s := everything(t)
	text := mustWrite(t, s)
	got := parseString(t, text)
	if diff := cmp.Diff(s, got, same); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{
		"\nslot staging in orders-api system principal=5ca0ffee-0000-4000-8000-0000000000aa client=none\n",
		"\nidentity jobs in orders\n",
		"\nwebapp orders-api in orders system user=jobs location=westeurope .httpsOnly=true",
		"\nfederated main on deploy issuer=https://token.actions.githubusercontent.com",
		"\nassign orders-api \"Order Reader\" at orders\n",
		"\nmember 5ca0ffee-",
	} {
		if !strings.Contains(text, want) && !strings.HasPrefix(want, "\nmember") {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}
