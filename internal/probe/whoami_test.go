// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/internal/lab/hosts"
)

const (
	clientSys = "5ca0ffee-0000-4000-8000-0000000000aa"
	clientOne = "aaaaaaaa-1111-4111-8111-111111111111"
	clientTwo = "bbbbbbbb-2222-4222-8222-222222222222"
	objectSys = "5ca0ffee-0000-4000-8000-0000000000ab"
	objectOne = "aaaaaaaa-1111-4111-8111-11111111111f"
	subscript = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/"
)

// stage is a simulated host with the variables of a process.
type stage struct {
	world *hosts.World
	env   map[string]string
	asker *asker
}

// newStage starts the endpoints that words name; sys, one and two attach identities.
func newStage(t *testing.T, words string) *stage {
	t.Helper()
	w := &hosts.World{TenantID: "tenant", Secret: "right", Workload: subscript + "Microsoft.Web/sites/shop", Clock: func() time.Time { return time.Unix(1700000000, 0) }}
	s := &stage{world: w, env: map[string]string{"PATH": t.TempDir()}}
	t.Setenv("PATH", s.env["PATH"])
	serve := func(h http.HandlerFunc) string {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return srv.URL
	}
	imds := "http://127.0.0.1:1" // nothing listens there
	for word := range strings.FieldsSeq(words) {
		switch word {
		case "sys":
			w.System = &hosts.Identity{Name: "sys", ClientID: clientSys, Principal: objectSys}
		case "one":
			w.User = append(w.User, hosts.Identity{Name: "one", ClientID: clientOne, Principal: objectOne, Resource: subscript + "Microsoft.ManagedIdentity/userAssignedIdentities/one"})
		case "two":
			w.User = append(w.User, hosts.Identity{Name: "two", ClientID: clientTwo, Principal: "two", Resource: subscript + "Microsoft.ManagedIdentity/userAssignedIdentities/two"})
		case "imds":
			imds = serve(w.ServeIMDS)
		case "app":
			s.env["IDENTITY_ENDPOINT"], s.env["IDENTITY_HEADER"], s.env["WEBSITE_SITE_NAME"] = serve(w.ServeApp)+"/msi/token", "right", "shop"
		case "shell":
			s.env["MSI_ENDPOINT"] = serve(w.ServeMSI)
		case "ml":
			s.env["MSI_ENDPOINT"], s.env["MSI_SECRET"] = serve(w.ServeMSI), "s"
		case "arc":
			url := serve(w.ServeArc)
			s.env["IDENTITY_ENDPOINT"], s.env["IMDS_ENDPOINT"] = url, url
		case "az":
			token := hosts.Unsigned(map[string]any{"oid": "person", "tid": "tenant", "scp": "user_impersonation", "upn": "ann@example.com"})
			script := "#!/bin/sh\necho '{\"accessToken\":\"" + token + "\"}'\n"
			if err := os.WriteFile(filepath.Join(s.env["PATH"], "az"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
		default:
			name, value, ok := strings.Cut(word, "=")
			if !ok {
				t.Fatalf("%q is no word of a stage", word)
			}
			s.env[name] = value
		}
	}
	s.asker = newAsker(s.env, "https://management.azure.com/")
	s.asker.imds = imds
	return s
}

func (s *stage) whoami(t *testing.T, expected string, as ...string) *Report {
	t.Helper()
	q := &Question{Env: s.env, As: as, API: effective.Default, Expected: mivet.PrincipalID(expected), Now: time.Unix(1700000100, 0)}
	r, err := whoami(t.Context(), q, s.asker)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhoami(t *testing.T) {
	f := func(words, expected string, want Verdict, principals ...string) {
		t.Helper()
		r := newStage(t, words).whoami(t, expected, "go", "js", "python@1.13.0b2")
		var got []string
		for i := range r.Clients {
			name := string(r.Clients[i].Outcome)
			if c := r.Clients[i].Claims; c != nil {
				name = string(c.Principal)
			}
			got = append(got, name)
		}
		if r.Verdict != want || strings.Join(got, " ") != strings.Join(principals, " ") {
			t.Errorf("%s: %s, %v; want %s, %v\n%+v", words, r.Verdict, got, want, principals, r.Attempts)
		}
	}
	f("imds sys one", objectSys, AsExpected, objectSys, objectSys, objectSys)
	f("imds sys one", objectOne, Other, objectSys, objectSys, objectSys)
	f("imds sys one AZURE_CLIENT_ID="+clientOne, objectOne, AsExpected, objectOne, objectOne, objectOne)
	f("imds one two", "", NoToken, "failure", "failure", "failure")
	f("imds one two az", "", Agree, "person", "person", "person")
	f("imds sys AZURE_CLIENT_ID="+clientTwo+" az", objectSys, Other, "failure", "person", "person")
	f("imds sys AZURE_CLIENT_ID="+clientTwo, objectSys, NoToken, "failure", "failure", "failure")
	f("imds sys AZURE_CLIENT_ID= az", "", Disagree, "person", objectSys, objectSys)
	f("app sys one", objectSys, AsExpected, objectSys, objectSys, objectSys)
	f("app one", objectOne, NoToken, "failure", "failure", "failure")
	f("app sys IDENTITY_HEADER=wrong", objectSys, NoToken, "failure", "failure", "failure")
	f("shell sys", "", Agree, objectSys, objectSys, objectSys)
	f("ml sys one DEFAULT_IDENTITY_CLIENT_ID="+clientOne, "", Disagree, objectOne, objectOne, objectSys)
	f("", "", NoToken, "failure", "failure", "failure")
	f("IDENTITY_ENDPOINT=nonsense IDENTITY_HEADER=x", "", NoToken, "failure", "failure", "failure")
}

func TestWhoamiOfOneLibrary(t *testing.T) {
	s := newStage(t, "imds sys")
	r := s.whoami(t, "", "@azure/identity@4.9.1")
	if len(r.Clients) != 1 || r.Clients[0].SDK != "js" || r.Clients[0].Version != "4.9.1" || r.Verdict != Agree {
		t.Errorf("%+v", r)
	}
	if len(r.Attempts) != 2 || r.Attempts[0].Kind != effective.NeedProbe || r.Attempts[1].Answer != "token" {
		t.Errorf("attempts: %+v", r.Attempts)
	}
	// What nobody ran is undecided where it is not known what follows.
	s.world.IMDS = hosts.Mode{Status: http.StatusBadGateway}
	if r := s.whoami(t, "", "dotnet"); r.Verdict != Undecided || r.Clients[0].Missing == "" {
		t.Errorf("dotnet: %+v", r.Clients)
	}
	for _, as := range []string{"cobol", "go@latest"} {
		if _, err := whoami(t.Context(), &Question{Env: s.env, As: []string{as}, API: effective.Default}, s.asker); err == nil {
			t.Errorf("%s was asked", as)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := whoami(ctx, &Question{Env: s.env, As: []string{"go"}, API: effective.Default}, s.asker); err == nil {
		t.Error("an interrupted run has an answer")
	}
	if _, err := Whoami(ctx, &Question{Env: map[string]string{}, As: []string{"go"}, API: effective.Default}); err == nil {
		t.Error("an interrupted run has an answer")
	}
}

// No token and no secret is in what is reported.
func TestReportHoldsNoSecret(t *testing.T) {
	s := newStage(t, "app sys az AZURE_CLIENT_SECRET=very-secret")
	r := s.whoami(t, "", "go", "js")
	text := reportText(t, r)
	for _, secret := range []string{"very-secret", "right", "eyJ", "unsigned"} {
		if strings.Contains(text, secret) {
			t.Errorf("the report holds %q:\n%s", secret, text)
		}
	}
	if r.Host.Kind != "Azure App Service" || r.Clients[0].Claims.Name() != "system-assigned identity of shop" {
		t.Errorf("host %+v, claims %+v", r.Host, r.Clients[0].Claims)
	}
}
