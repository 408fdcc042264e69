// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mivet/mivet/internal/lab/hosts"
	"github.com/mivet/mivet/internal/probe"
)

// inApp runs mivet in a simulated App Service.
func inApp(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	w := &hosts.World{TenantID: "t", Secret: "h", Workload: "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Web/sites/shop"}
	w.System = &hosts.Identity{ClientID: "11111111-0000-4000-8000-000000000001", Principal: "11111111-0000-4000-8000-000000000002"}
	srv := httptest.NewServer(http.HandlerFunc(w.ServeApp))
	t.Cleanup(srv.Close)
	t.Setenv("PATH", t.TempDir())
	var stdout, stderr strings.Builder
	c := Command{
		Stdout: &stdout, Stderr: &stderr,
		Environ: func() []string {
			return []string{"IDENTITY_ENDPOINT=" + srv.URL, "IDENTITY_HEADER=h", "WEBSITE_SITE_NAME=shop"}
		},
	}
	code = c.Main(args)
	return code, stdout.String(), stderr.String()
}

func TestWhoamiCommand(t *testing.T) {
	f := func(want int, contains string, args ...string) {
		t.Helper()
		code, out, errs := inApp(t, append([]string{"whoami"}, args...)...)
		if code != want || !strings.Contains(out+errs, contains) {
			t.Errorf("%v: exit %d, want %d with %q\n%s%s", args, code, want, contains, out, errs)
		}
		if strings.Contains(out+errs, "eyJ") {
			t.Errorf("%v: a token is printed", args)
		}
	}
	f(exitOK, "system-assigned identity of shop")
	f(exitOK, "Azure App Service (WEBSITE_SITE_NAME)", "--as", "js@4.9.1")
	f(exitOK, "as expected", "--expect", "11111111-0000-4000-8000-000000000002")
	f(exitFound, "another identity", "--expect", "11111111-0000-4000-8000-000000000001")
	f(exitFound, "no token", "--client-id", "22222222-0000-4000-8000-000000000001", "--class", "managed", "--as", "go")
	f(exitUndecided, "not known", "--client-id", "22222222-0000-4000-8000-000000000001", "--class", "managed,cli", "--as", "dotnet")
	f(exitFound, "cannot be built", "--class", "workload", "--as", "go")
	f(exitUsage, "no principal ID", "--expect", "shop")
	f(exitUsage, "format", "--format", "xml")
	f(exitFailed, "not known", "--as", "cobol")
	f(exitFailed, "listening on", "--serve", "nowhere:port")
	code, out, _ := inApp(t, "whoami", "--format", "json", "--as", "go")
	var r probe.Report
	if err := json.Unmarshal([]byte(out), &r); code != exitOK || err != nil || r.Clients[0].Claims.Principal != "11111111-0000-4000-8000-000000000002" {
		t.Errorf("json: exit %d, %v\n%s", code, err, out)
	}
	if code, out, _ := inApp(t, "whoami", "--quiet", "--as", "go"); code != exitOK || out != "" {
		t.Errorf("quiet: exit %d, %s", code, out)
	}
}
