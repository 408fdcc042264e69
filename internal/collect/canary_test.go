// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/redact"
)

// canaries are secrets of all kinds. What stands within one is what must be found nowhere.
type canaries struct {
	random *rand.ChaCha8 // the same in every run: a failure can be looked at
	cores  []string
}

func (c *canaries) next() string {
	b := make([]byte, 33)
	_, _ = c.random.Read(b)                                                                       // it does not fail
	core := strings.NewReplacer("+", "x", "/", "Y").Replace(base64.StdEncoding.EncodeToString(b)) // 44 letters and digits
	c.cores = append(c.cores, core)
	forms := []string{
		"%s", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%s==;EndpointSuffix=core.windows.net",
		"https://a.blob.core.windows.net/c?sv=2024-11-04&sr=c&sig=%s%%3D", "Server=tcp:s.database.windows.net;User ID=u;Password=%s;",
		"Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=%s=", "Bearer eyJhbGciOiJub25lIn0.%s.c2ln",
		"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----", "postgres://user:%s@host/db", "ghp_%s", "password: %s",
		`{"client_secret":"%s"}`, "InstrumentationKey=%s;IngestionEndpoint=https://x",
	}
	return fmt.Sprintf(forms[len(c.cores)%len(forms)], core)
}

// strew puts canaries into everything of a tenant that people write.
func strew(t *testing.T, s *mivet.Snapshot, c *canaries) map[arm.Key]json.RawMessage {
	t.Helper()
	raw := map[arm.Key]json.RawMessage{}
	for i := range s.Resources {
		r := &s.Resources[i]
		d := mivet.Detail{}
		if r.Detail != nil {
			d = *r.Detail
		}
		d.Tags = map[string]string{"owner": "team", "note": c.next(), "connection": c.next()}
		settings := map[string]string{}
		maps.Copy(settings, d.Settings)
		if r.ID.HasType("Microsoft.Web/sites") {
			for k := range 5 {
				settings[fmt.Sprintf("siteConfig.appSettings.SETTING_%d", k)] = c.next()
			}
		}
		d.Settings = settings
		r.Detail = &d
		object := map[string]any{
			"id": r.ID.String(), "name": r.ID.Name(), "type": r.ID.Type(), "location": "westeurope", "tags": d.Tags, "kind": c.next(),
			"properties": map[string]any{
				"adminPassword": c.next(), "osProfile": map[string]any{"customData": c.next(), "secrets": []any{c.next()}}, c.next(): "x",
				"siteConfig":   map[string]any{"appSettings": []any{map[string]any{"name": "A", "value": c.next()}}, "connectionStrings": []any{map[string]any{"name": "B", "connectionString": c.next()}}},
				"template":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": c.next(), "env": []any{map[string]any{"name": "K", "value": c.next()}}}}},
				"settings":     map[string]any{"protected": c.next()},
				"vaultUri":     c.next(),
				"primaryKeys":  []any{c.next(), map[string]any{"value": c.next()}},
				"serverFarmId": c.next(),
			},
		}
		b, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		raw[r.ID.Key()] = b
	}
	for i := range s.RoleAssignments {
		s.RoleAssignments[i].Description = "for now, " + c.next()
	}
	for i := range s.DenyAssignments {
		s.DenyAssignments[i].Description = c.next()
	}
	for i := range s.RoleDefinitions {
		s.RoleDefinitions[i].Description = c.next()
	}
	for i := range s.Principals {
		s.Principals[i].Name += " " + c.next()
	}
	for i := range s.FederatedCredentials {
		s.FederatedCredentials[i].Subject += ":" + c.next()
	}
	return raw
}

// TestCanaries: of a thousand secrets in all places none reaches the snapshot, the
// journal, a log, the progress or a gap.
func TestCanaries(t *testing.T) {
	s := demo(t)
	c := canaries{random: rand.NewChaCha8([32]byte{5})}
	raw := strew(t, s, &c)
	if len(c.cores) < 1000 {
		t.Fatalf("only %d canaries", len(c.cores))
	}
	srv := serve(t, s, lab.Options{
		Raw: func(id arm.ID) (json.RawMessage, error) {
			if len(id.String())%2 == 0 { // the others are made from the snapshot
				return raw[id.Key()], nil
			}
			return nil, nil
		},
		Faults: []lab.Fault{{Kind: lab.FaultError, API: lab.APIManagement, Path: "/locks", Status: 400}},
	})
	var mu sync.Mutex
	var told bytes.Buffer
	log.SetListener(func(e log.Event, text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&told, e, text)
	})
	defer log.SetListener(nil)
	o := configFor(t, srv, collect.Options()...)
	cleaner, err := redact.New(redact.Options{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "k"})
	if err != nil {
		t.Fatal(err)
	}
	o.Redactor, o.KeyID = cleaner, "k"
	o.Journal = filepath.Join(t.TempDir(), "journal")
	o.Progress = func(p collect.Progress) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&told, "%+v\n", p)
	}
	res, err := collect.Collect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := res.Write(&file, "test"); err != nil {
		t.Fatal(err)
	}
	if err := res.Close(); err != nil {
		t.Fatal(err)
	}
	journal, err := os.ReadFile(o.Journal)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Snapshot.Resources) < len(s.Resources) {
		t.Errorf("%d of %d resources", len(res.Snapshot.Resources), len(s.Resources))
	}
	removed := 0
	report := cleaner.Report()
	for _, counts := range []map[redact.Place]int{report.Dropped, report.Secrets} {
		for _, n := range counts {
			removed += n
		}
	}
	if removed += report.Settings + report.Texts; removed < len(c.cores)/2 {
		t.Errorf("%d things were removed of %d secrets: were they served at all?", removed, len(c.cores))
	}
	mu.Lock()
	defer mu.Unlock()
	for what, text := range map[string]string{
		"snapshot": unpacked(t, file.Bytes()), "journal": unpacked(t, journal), "log and progress": told.String(), "facts": fmt.Sprintf("%+v", *res.Snapshot) + gapTexts(res.Snapshot),
	} {
		if what != "log and progress" && !strings.Contains(text, "orders-worker-test") || len(text) < 1000 {
			t.Errorf("the %s is not what was meant: %d bytes", what, len(text))
		}
		found := 0
		for _, core := range c.cores {
			if strings.Contains(text, core[:24]) {
				if found++; found <= 5 {
					i := strings.Index(text, core[:24])
					t.Errorf("the %s holds a secret: %s", what, text[max(0, i-120):min(len(text), i+60)])
				}
			}
		}
	}
}

// unpacked returns the bytes themselves and everything in them that is a zstd frame.
func unpacked(t *testing.T, b []byte) string {
	t.Helper()
	var out strings.Builder
	out.Write(b)
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	for at := 0; ; at += len(magic) {
		i := bytes.Index(b[at:], magic)
		if i < 0 {
			return out.String()
		}
		at += i
		r, err := zstd.NewReader(bytes.NewReader(b[at:]), zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(&out, io.LimitReader(r, 64<<20)) // what follows the frame may be something else
		r.Close()
		if err == nil {
			return out.String() // all frames to the end were read
		}
	}
}
