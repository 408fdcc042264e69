// SPDX-License-Identifier: Apache-2.0

// Package canary strews made-up secrets over a tenant, so that a test can look for them in
// everything that comes out. It is for tests alone and knows no real secret.
package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Secrets makes secrets of all kinds. They are the same in every run, so that a failure
// can be looked at. The zero value begins anew.
type Secrets struct {
	random *rand.ChaCha8
	cores  []string
}

// forms are the kinds of secrets; %s stands for what is secret.
var forms = []string{
	"%s",
	"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%s==;EndpointSuffix=core.windows.net",
	"https://a.blob.core.windows.net/c?sv=2024-11-04&sr=c&sig=%s%%3D",
	"Server=tcp:s.database.windows.net;User ID=u;Password=%s;",
	"Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=%s=",
	"Bearer eyJhbGciOiJub25lIn0.%s.c2ln",
	"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----",
	"postgres://user:%s@host/db",
	"ghp_%s",
	"password: %s",
	`{"client_secret":"%s"}`,
	"InstrumentationKey=%s;IngestionEndpoint=https://x",
	"AccountEndpoint=https://d.documents.azure.com:443/;AccountKey=%s==;",
	"cache.redis.cache.windows.net:6380,password=%s=,ssl=True",
	"Basic %s=",
	"x-functions-key: %s",
	"https://prod.logic.azure.com/workflows/a/triggers/b/paths/invoke?sp=x&sig=%s",
	"npm_%s",
	"Endpoint=https://c.azconfig.io;Id=abc;Secret=%s=",
	"HostName=h.azure-devices.net;DeviceId=d;SharedAccessKey=%s=",
}

// Next makes a secret, of each kind in turn.
func (c *Secrets) Next() string {
	if c.random == nil {
		c.random = rand.NewChaCha8([32]byte{5})
	}
	b := make([]byte, 33)
	_, _ = c.random.Read(b)                                                                       // it does not fail
	core := strings.NewReplacer("+", "x", "/", "Y").Replace(base64.StdEncoding.EncodeToString(b)) // 44 letters and digits
	c.cores = append(c.cores, core)
	return fmt.Sprintf(forms[len(c.cores)%len(forms)], core)
}

// Len is how many were made.
func (c *Secrets) Len() int { return len(c.cores) }

// part is how much of a secret is enough to be one.
const part = 24

// Find returns a place of a text for each secret that it holds a part of, at most a few.
func (c *Secrets) Find(text string) []string {
	const around, most = 120, 5
	known := make(map[string]bool, len(c.cores))
	for _, core := range c.cores {
		known[core[:part]] = true
	}
	var found []string
	run := 0 // letters and digits before i: secrets hold nothing else
	for i := 0; i < len(text) && len(found) < most; i++ {
		if b := text[i]; !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9') {
			run = 0
			continue
		}
		if run++; run < part {
			continue
		}
		if at := i + 1 - part; known[text[at:i+1]] {
			delete(known, text[at:i+1])
			found = append(found, text[max(0, at-around):min(len(text), at+around)])
		}
	}
	return found
}

// Strew puts secrets into everything of a tenant that people write, and returns the raw
// forms of its resources, with secrets in every place that Azure has for some.
func (c *Secrets) Strew(s *mivet.Snapshot) (map[arm.Key]json.RawMessage, error) {
	raw := map[arm.Key]json.RawMessage{}
	for i := range s.Resources {
		b, err := json.Marshal(c.resource(&s.Resources[i]))
		if err != nil {
			return nil, err
		}
		raw[s.Resources[i].ID.Key()] = b
	}
	for i := range s.RoleAssignments {
		s.RoleAssignments[i].Description = "for now, " + c.Next()
	}
	for i := range s.DenyAssignments {
		s.DenyAssignments[i].Description = c.Next()
	}
	for i := range s.RoleDefinitions {
		s.RoleDefinitions[i].Description = c.Next()
	}
	for i := range s.Principals {
		s.Principals[i].Name += " " + c.Next()
	}
	for i := range s.FederatedCredentials {
		s.FederatedCredentials[i].Subject += ":" + c.Next()
	}
	for i := range s.Subscriptions {
		s.Subscriptions[i].Tags = map[string]string{"env": s.Subscriptions[i].Tags["env"], "note": c.Next()}
	}
	return raw, nil
}

// resource puts secrets into a resource, and returns its raw form with more of them.
func (c *Secrets) resource(r *mivet.Resource) map[string]any {
	d := mivet.Detail{}
	if r.Detail != nil {
		d = *r.Detail
	}
	d.Tags = map[string]string{"owner": "team", "note": c.Next(), "connection": c.Next()}
	settings := map[string]string{}
	maps.Copy(settings, d.Settings)
	if r.ID.HasType("Microsoft.Web/sites") {
		for k := range 5 {
			settings[fmt.Sprintf("siteConfig.appSettings.SETTING_%d", k)] = c.Next()
		}
	}
	d.Settings = settings
	r.Detail = &d
	return map[string]any{
		"id": r.ID.String(), "name": r.ID.Name(), "type": r.ID.Type(), "location": "westeurope", "tags": d.Tags, "kind": c.Next(),
		"properties": map[string]any{
			"adminPassword": c.Next(), "osProfile": map[string]any{"customData": c.Next(), "secrets": []any{c.Next()}}, c.Next(): "x",
			"siteConfig":   map[string]any{"appCommandLine": c.Next(), "appSettings": []any{map[string]any{"name": "A", "value": c.Next()}}, "connectionStrings": []any{map[string]any{"name": "B", "connectionString": c.Next()}}},
			"template":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": c.Next(), "command": []any{c.Next()}, "args": []any{c.Next()}, "env": []any{map[string]any{"name": "K", "value": c.Next()}}}}},
			"settings":     map[string]any{"protected": c.Next(), "commandToExecute": c.Next(), "fileUris": []any{c.Next(), "https://a.blob.core.windows.net/c?" + c.Next()}},
			"source":       map[string]any{"script": c.Next(), "scriptUri": c.Next()},
			"userData":     c.Next(),
			"vaultUri":     c.Next(),
			"primaryKeys":  []any{c.Next(), map[string]any{"value": c.Next()}},
			"serverFarmId": c.Next(),
		},
	}
}

// maxUnpacked bounds what is unpacked from one place of a file.
const maxUnpacked = 64 << 20

// Unpack returns a file with everything in it that is a zstd frame, so that secrets are
// found in what is packed too.
func Unpack(b []byte) (string, error) {
	var out strings.Builder
	out.Write(b)
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	for at := 0; ; at += len(magic) {
		i := bytes.Index(b[at:], magic)
		if i < 0 {
			return out.String(), nil
		}
		at += i
		r, err := zstd.NewReader(bytes.NewReader(b[at:]), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return "", fmt.Errorf("unpacking: %w", err)
		}
		_, err = io.Copy(&out, io.LimitReader(r, maxUnpacked)) // what follows the frame may be something else
		r.Close()
		if err == nil {
			return out.String(), nil // all frames to the end were read
		}
	}
}
