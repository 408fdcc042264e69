// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/rogpeppe/go-internal/testscript"
)

// Commands of scripts that play a whole incident against a lab.

// workload is the code that runs on a resource: it takes the managed identity that the
// environment offers, as an SDK does, and reads a URL with its token. It prints what it
// reads, or the error as an application logs it.
func workload() int {
	text, err := workloadReads(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(text)
	return 0
}

// workloadReads asks as the clients of data planes do: with a token for their own audience,
// and with the proxy and the certificates of the environment.
func workloadReads(ctx context.Context, audience, address string) (string, error) {
	cred, err := azidentity.NewManagedIdentityCredential(nil)
	if err != nil {
		return "", err
	}
	pipeline := runtime.NewPipeline("workload", "v1", runtime.PipelineOptions{PerRetry: []policy.Policy{
		runtime.NewBearerTokenPolicy(cred, []string{audience + "/.default"}, nil),
	}}, &azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}})
	req, err := runtime.NewRequest(ctx, http.MethodGet, address)
	if err != nil {
		return "", err
	}
	res, err := pipeline.Do(req) //nolint:bodyclose // azcore reads it whole and closes it
	if err != nil {
		return "", err
	}
	if !runtime.HasStatusCode(res, http.StatusOK) {
		return "", runtime.NewResponseError(res)
	}
	body, err := runtime.Payload(res)
	return string(body), err
}

// uses sets the variables that a command prints for a shell: "uses mivet lab --env".
func uses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: uses COMMAND [ARG...]")
	}
	for _, name := range []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER"} {
		ts.Setenv(name, "") // a person has no managed identity
	}
	ts.Check(ts.Exec(args[0], args[1:]...))
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if ok && !strings.HasPrefix(line, "#") {
			ts.Setenv(name, strings.Trim(value, "'"))
		}
	}
}

// gather joins the logs of a folder into one file, in the order of their times, as a query
// over a workspace does: "gather FILE DIR".
func gather(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: gather FILE DIR")
	}
	var lines []string
	root := os.DirFS(ts.MkAbs(args[1]))
	ts.Check(fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		lines = append(lines, strings.Split(strings.TrimSpace(string(text)), "\n")...)
		return err
	}))
	timeOf := func(line string) string {
		var e struct {
			Time string `json:"time"`
		}
		ts.Check(json.Unmarshal([]byte(line), &e))
		return e.Time
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(timeOf(a), timeOf(b)) })
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// azure sends a request to the lab whose environment is in use, and keeps values of the
// answer: "azure 201 PUT /subscriptions/… BODY NAME=identity.principalId". Names before the
// method's status select the caller: AZURE_CLIENT_ID.
func azure(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: azure STATUS METHOD PATH [BODY] [NAME=PATH...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, body, keep := args[2], "", args[3:]
	if len(keep) > 0 && strings.HasPrefix(keep[0], "{") {
		body, keep = keep[0], keep[1:]
	}
	token := azureToken(ts, "https://management.azure.com")
	status, answer := azureDo(ts, args[1], ts.Getenv("MIVET_CLOUD")+strings.ReplaceAll(path, " ", "%20"), "application/json", body, token)
	if status != want {
		ts.Fatalf("%s %s: status %d, want %d: %s", args[1], path, status, want, answer)
	}
	ts.Logf("%d %s %s: %s", status, args[1], path, answer)
	keepValues(ts, answer, keep)
}

// values keeps values of a JSON file: "values FILE NAME=fix.role".
func values(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: values FILE NAME=PATH...")
	}
	keepValues(ts, []byte(ts.ReadFile(args[0])), args[1:])
}

func keepValues(ts *testscript.TestScript, text []byte, keep []string) {
	for _, k := range keep {
		name, path, ok := strings.Cut(k, "=")
		if !ok {
			ts.Fatalf("%q is not NAME=PATH", k)
		}
		var v any
		ts.Check(json.Unmarshal(text, &v))
		for step := range strings.SplitSeq(path, ".") {
			switch at := v.(type) {
			case map[string]any:
				v = at[step]
			case []any:
				n, err := strconv.Atoi(step)
				if err != nil || n < 0 || n >= len(at) {
					ts.Fatalf("there is no %s in %s", path, text)
				}
				v = at[n]
			}
		}
		if v == nil {
			ts.Fatalf("there is no %s in %s", path, text)
		}
		ts.Setenv(name, fmt.Sprint(v))
	}
}

// plane sends a request to the data plane of a service in the lab whose environment is in
// use, as the caller of the environment, and may look for a text in the answer:
// "plane 200 GET https://conf.azconfig.io/kv?api-version=1.0 [BODY] [TEXT]".
func plane(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: plane STATUS METHOD URL [BODY] [TEXT]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	address, err := url.Parse(args[2])
	ts.Check(err)
	args = append(args, "", "")
	audience, kind := "https://"+address.Host, "application/json"
	if strings.HasSuffix(address.Host, ".core.windows.net") {
		audience = "https://storage.azure.com"
	}
	token := azureToken(ts, audience)
	header := http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {kind}}
	if strings.HasSuffix(address.Host, ".documents.azure.com") {
		header.Set("Authorization", "type=aad&ver=1.0&sig="+token)
		header.Set("x-ms-documentdb-partitionkey", `["1"]`)
		if strings.Contains(args[3], `"query"`) {
			header.Set("Content-Type", "application/query+json")
		}
	}
	proxy, err := url.Parse(ts.Getenv("HTTPS_PROXY"))
	ts.Check(err)
	status, answer := azureSend(ts, http.ProxyURL(proxy), args[1], args[2], header, args[3])
	if status != want || !strings.Contains(string(answer), args[4]) {
		ts.Fatalf("%s %s: status %d, want %d and %q: %s", args[1], args[2], status, want, args[4], answer)
	}
}

// azureToken signs the caller of the environment in.
func azureToken(ts *testscript.TestScript, audience string) string {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {ts.Getenv("AZURE_CLIENT_ID")}, "client_secret": {ts.Getenv("AZURE_CLIENT_SECRET")},
		"scope": {audience + "/.default"},
	}
	status, answer := azureDo(ts, http.MethodPost, ts.Getenv("AZURE_AUTHORITY_HOST")+ts.Getenv("AZURE_TENANT_ID")+"/oauth2/v2.0/token", "application/x-www-form-urlencoded", form.Encode(), "")
	var t struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(answer, &t); err != nil || status != http.StatusOK {
		ts.Fatalf("signing in: %d %s", status, answer)
	}
	return t.AccessToken
}

func azureDo(ts *testscript.TestScript, method, address, contentType, body, token string) (int, []byte) {
	header := http.Header{"Content-Type": {contentType}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return azureSend(ts, nil, method, address, header, body)
}

func azureSend(ts *testscript.TestScript, proxy func(*http.Request) (*url.URL, error), method, address string, header http.Header, body string) (int, []byte) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(ts.ReadFile(ts.Getenv("SSL_CERT_FILE")))) {
		ts.Fatalf("no certificate in %s", ts.Getenv("SSL_CERT_FILE"))
	}
	client := &http.Client{Transport: &http.Transport{Proxy: proxy, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(context.Background(), method, address, bytes.NewReader([]byte(body)))
	ts.Check(err)
	req.Header = header
	res, err := client.Do(req)
	ts.Check(err)
	answer, err := io.ReadAll(res.Body)
	ts.Check(errors.Join(err, res.Body.Close()))
	return res.StatusCode, answer
}
