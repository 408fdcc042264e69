// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mivet/mivet/internal/lab/hosts"
)

// host is a simulated host in namespaces of its own.
type host struct {
	options *options
	scratch string
	stage   *stage
}

// prepare makes what all cases need: endpoints, a token file, an az, the authority.
func (h *host) prepare() error {
	if err := h.stage.open(); err != nil {
		return err
	}
	person := hosts.Unsigned(map[string]any{"oid": personID, "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "tid": tenantID, "upn": "person@example.com"})
	az := fmt.Sprintf("#!/bin/sh\ncat <<'EOF'\n{\"accessToken\":%q,\"expiresOn\":\"2099-01-01 00:00:00.000000\",\"expires_on\":4070908800,\"subscription\":\"s\",\"tenant\":%q,\"tokenType\":\"Bearer\"}\nEOF\n", person, tenantID)
	return errors.Join(
		os.MkdirAll(filepath.Join(h.scratch, "bin"), 0o700),
		os.MkdirAll(filepath.Join(h.scratch, "home"), 0o700),
		os.WriteFile(filepath.Join(h.scratch, "bin", "az"), []byte(az), 0o700), //nolint:gosec // a program
		os.WriteFile(h.tokenFile(), []byte("federated-token"), 0o600),
		os.WriteFile(h.authority(), h.stage.authority, 0o600),
	)
}

func (h *host) tokenFile() string { return filepath.Join(h.scratch, "token") }
func (h *host) authority() string { return filepath.Join(h.scratch, "ca.pem") }

// one runs the client of a case and compares.
func (h *host) one(l *line) (*report, error) {
	var in input
	if err := json.Unmarshal(l.Input, &in); err != nil {
		return nil, fmt.Errorf("reading the input: %w", err)
	}
	if err := h.arrange(&in); err != nil {
		return nil, err
	}
	defer h.leave()
	ctx, cancel := context.WithTimeout(context.Background(), h.options.limit)
	defer cancel()
	got, err := h.client(ctx, &in)
	if err != nil {
		return nil, err
	}
	did, err := h.answer(got)
	if err != nil {
		return nil, err
	}
	predicted, err := predict(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("predicting: %w", err)
	}
	return &report{ID: l.ID, Agrees: sameText(did, predicted), Did: did, Predicted: predicted, Error: got.Error}, nil
}

func sameText(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// arrange puts the host into the state of a case.
func (h *host) arrange(in *input) error {
	w, err := newWorld(&in.Host)
	if err != nil {
		return err
	}
	h.stage.set(w)
	key := in.Host.ArcKeyFile == nil || *in.Host.ArcKeyFile
	if err := errors.Join(setFile(keyPath, arcSecret, key), setFile(agentPath, "", in.Host.AgentFile)); err != nil {
		return err
	}
	switch in.Host.IMDS {
	case "absent":
		return nil
	case "blackhole":
		return errors.New("dropped packets are not simulated")
	}
	if err := ip("addr", "add", "169.254.169.254/32", "dev", "lo"); err != nil {
		return err
	}
	l, err := net.Listen("tcp", imdsAddress)
	if err != nil {
		return fmt.Errorf("listening as the metadata service: %w", err)
	}
	h.stage.imds = l
	go serveAll(l, h.stage.endpoint("IMDS", (*hosts.World).ServeIMDS))
	return nil
}

// leave takes the metadata service away again.
func (h *host) leave() {
	if h.stage.imds == nil {
		return
	}
	_ = h.stage.imds.Close()
	h.stage.imds = nil
	_ = ip("addr", "del", "169.254.169.254/32", "dev", "lo")
}

// client runs the client library of a case in a process of its own.
func (h *host) client(ctx context.Context, in *input) (*result, error) {
	cmd, err := h.command(ctx, in)
	if err != nil {
		return nil, err
	}
	path := "/usr/bin:/bin"
	if in.Host.CLI {
		path = filepath.Join(h.scratch, "bin") + ":" + path
	}
	cmd.Env = []string{"PATH=" + path, "HOME=" + filepath.Join(h.scratch, "home"), "LANG=C.UTF-8", "SSL_CERT_FILE=" + h.authority(), "NODE_EXTRA_CA_CERTS=" + h.authority(), "REQUESTS_CA_BUNDLE=" + h.authority()}
	for name, value := range in.Env {
		switch {
		case value == "<FEDERATED_TOKEN_FILE>":
			value = h.tokenFile()
		case name == "IDENTITY_SERVER_THUMBPRINT" && value != "":
			value = h.stage.thumbprint
		}
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	request, err := json.Marshal(in.request)
	if err != nil {
		return nil, err
	}
	var errText bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(request), &errText
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return &result{Outcome: "error", Error: "no answer within the limit"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("running the client: %w: %s", err, errText.String())
	}
	got := new(result)
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n")) // some versions print more
	if err := json.Unmarshal(lines[len(lines)-1], got); err != nil {
		return nil, fmt.Errorf("reading what the client did: %w: %s", err, out)
	}
	return got, nil
}

// command is the client of a case: this program for the newest Go, node for JavaScript; a
// folder of its own for other versions.
func (h *host) command(ctx context.Context, in *input) (*exec.Cmd, error) {
	folder := func(language string) (string, bool) {
		dir := filepath.Join(h.options.clients, language+"-"+in.Version)
		_, err := os.Stat(dir)
		return dir, err == nil
	}
	switch in.SDK {
	case "azidentity":
		if dir, ok := folder("go"); ok {
			return exec.CommandContext(ctx, filepath.Join(dir, "oracle"), "client"), nil //nolint:gosec // named by the user
		}
		return exec.CommandContext(ctx, "/proc/self/exe", "client"), nil
	case "@azure/identity":
		dir, ok := folder("js")
		if !ok {
			dir = h.options.clients
		}
		return exec.CommandContext(ctx, "/usr/bin/env", "node", filepath.Join(dir, "client.mjs")), nil //nolint:gosec // named by the user
	case "azure-identity (python)":
		dir, ok := folder("python")
		if ok {
			return exec.CommandContext(ctx, "/usr/bin/python3", filepath.Join(dir, "client.py")), nil //nolint:gosec // named by the user
		}
	}
	return nil, fmt.Errorf("there is no client of %s %s", in.SDK, in.Version)
}

// answer turns what a client did into the form of the cases.
func (h *host) answer(r *result) (*answer, error) {
	if r.Outcome != "token" {
		return &answer{Outcome: r.Outcome}, nil
	}
	identity, err := identityOf(r.Token)
	if err != nil {
		return nil, err
	}
	source := h.stage.lastSource()
	credential := strings.NewReplacer("AzureCli", "AzureCLI", "timeoutWrapper", "ManagedIdentity").Replace(r.Credential)
	if credential == "DefaultAzure" { // versions that do not log the winner by its name
		credential = map[string]string{
			"Entra token endpoint (client_secret)": "Environment", "Entra token endpoint (client_assertion)": "WorkloadIdentity",
		}[source]
		if credential == "" {
			credential = "ManagedIdentity"
		}
	}
	if identity == "az-cli-user" {
		source, credential = "az CLI", "AzureCLI"
	} else if credential == "Chain(MI,AzureCLI)" {
		credential = "ManagedIdentity"
	}
	return &answer{Outcome: "token", Credential: &credential, Source: &source, Identity: &identity}, nil
}
