// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// fixture is a snapshot of two web apps, a registry, a role and a credential.
func fixture(t *testing.T) *mivet.Snapshot {
	t.Helper()
	id := func(text string) arm.ID {
		v, err := arm.ParseID("/subscriptions/s/resourceGroups/g/providers/" + text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	at := func(address string, line int) mivet.Source {
		return mivet.Source{Origin: &mivet.Origin{File: "f/main.tf", Address: address}, Line: line}
	}
	set := func(path, value string) *mivet.Detail {
		return &mivet.Detail{Settings: map[string]string{path: value}}
	}
	return &mivet.Snapshot{
		Resources: []mivet.Resource{
			{ID: id("Microsoft.Web/sites/good"), Identity: &mivet.Attachment{System: true}, Source: at("app.good", 1)},
			{ID: id("Microsoft.Web/sites/bad"), Source: at("app.bad", 10)},
			{ID: id("Microsoft.ContainerRegistry/registries/acr"), Detail: set("adminUserEnabled", "true"), Source: at("acr.a", 20)},
			{ID: id("Microsoft.ContainerRegistry/registries/unset"), Detail: set("adminUserEnabled", "null"), Source: at("acr.b", 21)},
			{ID: id("Microsoft.Storage/storageAccounts/sftp"), Detail: set("isHnsEnabled", "true"), Source: at("st.a", 30)},
			{ID: id("Microsoft.Sql/servers/one"), Source: at("sql.a", 40)},
			{ID: id("Microsoft.Sql/servers/two"), Source: at("sql.b", 41)},
			{ID: id("Microsoft.Sql/servers/three"), Source: at("sql.c", 42)},
		},
		LocalGrants: []mivet.LocalAssignment{{System: mivet.LocalSQLAdmin, Account: id("Microsoft.Sql/servers/one"), Principal: "p"}},
		RoleDefinitions: []mivet.RoleDefinition{
			{ID: "1", Name: "all", AssignableScopes: []string{"/"}, Permissions: []mivet.Permission{{Actions: []string{"*"}}}, Source: at("role.all", 50)},
			{ID: "2", Name: "less", AssignableScopes: []string{"/subscriptions/s"}, Permissions: []mivet.Permission{{Actions: []string{"*"}, NotActions: []string{"Microsoft.Authorization/*"}}}, Source: at("role.less", 51)},
			{ID: "3", Name: "Owner", BuiltIn: true, Permissions: []mivet.Permission{{Actions: []string{"*"}}}},
		},
		FederatedCredentials: []mivet.FederatedCredential{{Name: "c", Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:a/b:*", ClientID: "x", Source: at("fic.a", 60)}},
		Declarations:         []mivet.Declaration{{Address: "fic.a", FederatedCredential: true, Source: at("fic.a", 60)}, {Address: "fic.b", FederatedCredential: true, Source: at("fic.b", 61)}},
		Gaps:                 []mivet.Gap{{Facts: mivet.FactLocalGrants, Scope: id("Microsoft.Sql/servers/three"), Reason: "its principal is not known"}},
	}
}

func peers(t *testing.T, o Options, text string) *Report {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	o.Catalog = c
	var p Report
	if err := p.AddPeers(t.Context(), New(o), "verdicts.jsonl", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return &p
}

func line(peer, rule, unit, fail, pass string) string {
	return fmt.Sprintf(`{"id":"x","peer":%q,"rule":%q,"format":["terraform"],"path":"p","files":["main.tf","expected.yaml"],"unit":%q,"fail":%s,"pass":%s}`+"\n", peer, rule, unit, fail, pass)
}

// The verdicts of other tools are compared object by object, by name, place or file.
func TestAddPeers(t *testing.T) {
	o := Options{ReadFixture: func(_ context.Context, paths []string, _ string) (*mivet.Snapshot, error) {
		if len(paths) != 1 || paths[0] != "p/main.tf" {
			t.Errorf("read %v", paths)
		}
		return fixture(t), nil
	}}
	f := func(peer, rule, unit, fail, pass string, want Figures) {
		t.Helper()
		p := peers(t, o, line(peer, rule, unit, fail, pass))
		if got, _ := p.Total(); got != want {
			t.Errorf("%s: got %+v, want %+v: %+v", rule, got, want, p.Differences)
		}
	}
	f("checkov", "CKV_AZURE_16", "address", `["app.bad"]`, `["app.good"]`, Figures{2, 2, 0, 0})
	f("checkov", "CKV_AZURE_71", "address", `["app.good"]`, `["app.bad","app.none"]`, Figures{3, 0, 2, 1})
	f("checkov", "CKV_AZURE_16", "address", `["Microsoft.Web/sites.bad"]`, `["Microsoft.Web/sites.good"]`, Figures{2, 2, 0, 0})
	f("checkov", "CKV_AZURE_16", "line", `[["main.tf",11]]`, `[]`, Figures{1, 1, 0, 0})
	f("checkov", "CKV_AZURE_16", "line", `[["main.tf",0],["main.tf","x"]]`, `["main.tf","other.tf"]`, Figures{4, 0, 1, 3})
	f("checkov", "CKV_AZURE_16", "file", `["main.tf"]`, `[]`, Figures{1, 1, 0, 0})
	f("checkov", "CKV_AZURE_16", "file", `["other.tf"]`, `[]`, Figures{1, 0, 0, 1})
	f("checkov", "CKV_AZURE_137", "address", `["acr.a"]`, `["acr.b"]`, Figures{2, 2, 0, 0})
	f("checkov", "CKV_AZURE_244", "address", `["st.a"]`, `[]`, Figures{1, 1, 0, 0})
	f("checkov", "CKV2_AZURE_7", "address", `["sql.b"]`, `["sql.a","sql.c"]`, Figures{3, 3, 0, 0})
	f("trivy", "AZU-0030", "address", `["role.all"]`, `["role.less"]`, Figures{2, 2, 0, 0})
	f("trivy", "AZU-0052", "address", `["role.all"]`, `["role.less"]`, Figures{2, 2, 0, 0})
	f("checkov", "CKV_AZURE_39", "address", `["role.all","role.less"]`, `[]`, Figures{2, 2, 0, 0})
	f("checkov", "CKV_AZURE_249", "address", `["fic.a"]`, `["fic.b"]`, Figures{2, 2, 0, 0})
	f("trivy", "AZU-0007", "address", `["app.bad"]`, `[]`, Figures{1, 0, 0, 1})
	f("nobody", "N-1", "address", `["app.bad"]`, `[{}]`, Figures{2, 0, 0, 2})
}

// Members of a file of mocks are plans.
func TestAddPeersCases(t *testing.T) {
	text := `{"mock":{"bad":{"resource_changes":[]},"good":{"resource_changes":[1]}}}`
	o := Options{
		ReadFixture: func(context.Context, []string, string) (*mivet.Snapshot, error) {
			return nil, errors.New("not asked for")
		},
		ReadText: func(string) ([]byte, error) { return []byte(text), nil },
		ReadPlanText: func(_ context.Context, _ string, r io.Reader) (*mivet.Snapshot, error) {
			b, err := io.ReadAll(r)
			if !strings.Contains(string(b), `"format_version":"1.2"`) {
				t.Errorf("read %s", b)
			}
			s := fixture(t)
			if strings.Contains(string(b), "[1]") {
				s.Resources = nil
			}
			return s, err
		},
	}
	p := peers(t, o, line("policy-library-avm", "ACRAdminAccountDisabled", "case", `["bad"]`, `["good","none"]`))
	if got, _ := p.Total(); got != (Figures{3, 2, 0, 1}) {
		t.Errorf("got %+v", got)
	}
	for _, broken := range []Options{
		{},
		{ReadFixture: o.ReadFixture},
		{ReadFixture: o.ReadFixture, ReadText: func(string) ([]byte, error) { return nil, errors.New("no such file") }},
		{ReadFixture: o.ReadFixture, ReadText: func(string) ([]byte, error) { return []byte("x"), nil }},
		{ReadFixture: o.ReadFixture, ReadText: o.ReadText, ReadPlanText: func(context.Context, string, io.Reader) (*mivet.Snapshot, error) {
			return nil, errors.New("no plan")
		}},
	} {
		p := peers(t, broken, line("policy-library-avm", "ACRAdminAccountDisabled", "case", `["bad"]`, `[]`))
		if got, _ := p.Total(); got.Unanswered != 1 || p.Differences[0].Why == "" {
			t.Errorf("got %+v", p.Differences)
		}
	}
	if got, _ := peers(t, Options{ReadFixture: o.ReadFixture}, line("checkov", "CKV_AZURE_16", "address", `["a"]`, `[]`)+
		line("checkov", "CKV_AZURE_16", "file", `["a"]`, `[]`)).Total(); got.Unanswered != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestAddPeersFaults(t *testing.T) {
	p := peers(t, Options{}, "\n{\"id\":1}\nx\n")
	if len(p.Faults) != 2 {
		t.Errorf("got %q", p.Faults)
	}
	if !IsPeerFile([]byte(line("a", "b", "file", "[]", "[]"))) || IsPeerFile([]byte(`{"id":"x","kind":"plan"}`)) {
		t.Error("files of verdicts are not told apart")
	}
}
