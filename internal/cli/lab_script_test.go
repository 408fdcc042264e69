// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var exported = regexp.MustCompile(`(?m)^export ([A-Z_]+)='(.*)'$`)

// inLab sets the environment of a program that finds the lab of a folder: as an operator, or
// on a resource. It is what eval "$(mivet lab --env)" does in a shell.
func inLab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: inlab FOLDER [RESOURCE]")
	}
	words := []string{"lab", "--env", "--dir", args[0]}
	if len(args) == 2 {
		words = append(words, "--on", args[1])
	}
	for _, name := range []string{"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"} {
		ts.Setenv(name, "")
	}
	ts.Check(ts.Exec("mivet", words...))
	for _, m := range exported.FindAllStringSubmatch(ts.ReadFile("stdout"), -1) {
		ts.Setenv(m[1], m[2])
	}
}

// deploy sends the writes of a file to the lab, in order: a method, a path
// and a body on a line. {principal of NAME} is that of an identity that was made before. It stands for
// an apply of the plan, and must not be refused.
func deploy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: deploy FOLDER FILE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pem, err := os.ReadFile(filepath.Join(ts.MkAbs(args[0]), "ca.pem"))
	ts.Check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	var lab struct {
		URL      string `json:"url"`
		TenantID string `json:"tenantId"`
		Secret   string `json:"secret"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(args[0], "lab.json"))), &lab))
	send := func(method, path, kind, token string, body []byte) []byte {
		req, err := http.NewRequestWithContext(ctx, method, lab.URL+path, bytes.NewReader(body))
		ts.Check(err)
		req.Header.Set("Content-Type", kind)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := client.Do(req)
		ts.Check(err)
		text, err := io.ReadAll(res.Body)
		ts.Check(err)
		ts.Check(res.Body.Close())
		if res.StatusCode >= http.StatusBadRequest {
			ts.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
		}
		return text
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"0b5e7a70-1ab0-4000-8000-0000000000aa"}, "client_secret": {lab.Secret},
		"scope": {"https://management.azure.com/.default"},
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	ts.Check(json.Unmarshal(send(http.MethodPost, "/"+lab.TenantID+"/oauth2/v2.0/token", "application/x-www-form-urlencoded", "", []byte(form.Encode())), &token))
	principals := []string{}
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		line = strings.NewReplacer(principals...).Replace(strings.TrimSpace(line))
		method, rest, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		path, body, _ := strings.Cut(rest, " ")
		var made struct {
			Name       string `json:"name"`
			Properties struct {
				PrincipalID string `json:"principalId"`
			} `json:"properties"`
		}
		if text := send(method, path, "application/json", token.AccessToken, []byte(body)); len(text) > 0 {
			ts.Check(json.Unmarshal(text, &made))
			principals = append(principals, "{principal of "+made.Name+"}", made.Properties.PrincipalID)
		}
	}
}
