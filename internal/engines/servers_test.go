// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// servers starts one ClickHouse for each shard, all of one cluster, on the loopback, and
// returns the addresses of their HTTP interfaces. The test is skipped unless MIVET_CLICKHOUSE
// is set: it takes seconds, and a program that comes from elsewhere.
func servers(t *testing.T, shards int) []string {
	t.Helper()
	if os.Getenv("MIVET_CLICKHOUSE") == "" {
		t.Skip("make clickhouse runs this against servers")
	}
	program, err := exec.LookPath("clickhouse-server")
	if err != nil {
		t.Fatal("there is no clickhouse-server: apt-get install clickhouse-server")
	}
	var cluster strings.Builder
	http, tcp := ports(t, shards), ports(t, shards)
	for _, p := range tcp {
		fmt.Fprintf(&cluster, "<shard><replica><host>127.0.0.1</host><port>%d</port></replica></shard>", p)
	}
	urls := make([]string, shards)
	for i := range shards {
		urls[i] = fmt.Sprintf("http://127.0.0.1:%d", http[i])
		start(t, program, fmt.Sprintf(configuration, http[i], tcp[i], cluster.String()))
	}
	for _, u := range urls {
		await(t, u)
	}
	return urls
}

const configuration = `<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host><http_port>%d</http_port><tcp_port>%d</tcp_port>
  <path>data/</path><tmp_path>tmp/</tmp_path><timezone>UTC</timezone>
  <users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>16777216</mark_cache_size>
  <remote_servers><shards>%s</shards></remote_servers>
</yandex>
`

const users = `<?xml version="1.0"?>
<yandex>
  <profiles><default/></profiles><quotas><default/></quotas>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <reader><password>of-logs</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></reader>
  </users>
</yandex>
`

func ports(t *testing.T, n int) []int {
	t.Helper()
	out := make([]int, n)
	for i := range out {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out[i] = l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert,errcheck // documented type
	}
	return out
}

func start(t *testing.T, program, config string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.xml"), config)
	write(t, filepath.Join(dir, "users.xml"), users)
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "--config-file="+filepath.Join(dir, "config.xml"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		if text, err := os.ReadFile(out.Name()); t.Failed() && err == nil {
			t.Logf("%s", text)
		}
	})
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// await waits for a server to answer.
func await(t *testing.T, url string) {
	t.Helper()
	const long = time.Minute
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/ping", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s did not answer within %s", url, long)
}
