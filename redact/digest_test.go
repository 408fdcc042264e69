// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"strings"
	"testing"
)

var keyed = Options{Key: []byte("0123456789abcdef"), KeyID: "k1"}

// kept returns what is kept of properties, and the same when it passes once more.
func kept(t *testing.T, r *Redactor, typ, properties string) string {
	t.Helper()
	once, err := r.Properties(typ, json.RawMessage(`{"properties":`+properties+`}`))
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Properties(typ, once)
	if err != nil || string(again) != string(once) {
		t.Errorf("%s becomes %s and then %s, %v", properties, once, again, err)
	}
	return string(once)
}

const machineExtension = "Microsoft.Compute/virtualMachines/extensions"

// TestDigestsOfCommands: of commands and scripts a snapshot says that they are there and whether they
// changed, and never what they are.
func TestDigestsOfCommands(t *testing.T) {
	f := func(typ, properties, want string) {
		t.Helper()
		if got := kept(t, newRedactor(t, Options{}), typ, properties); got != want {
			t.Errorf("%s %s\ngot  %s\nwant %s", typ, properties, got, want)
		}
	}
	f("Microsoft.Web/sites", `{"siteConfig":{"appCommandLine":"gunicorn app"}}`, `{"properties":{"siteConfig":{"appCommandLine":"[redacted]"}}}`)
	f("Microsoft.Web/sites/slots", `{"siteConfig":{"appCommandLine":""}}`, `{"properties":{"siteConfig":{"appCommandLine":""}}}`)
	f("Microsoft.Web/sites/config", `{"appCommandLine":null}`, `{"properties":{"appCommandLine":null}}`)
	f("Microsoft.App/jobs", `{"template":{"containers":[{"command":["/bin/sh","-c"],"args":[]}]}}`, `{"properties":{"template":{"containers":[{"command":"[redacted]","args":[]}]}}}`)
	f("Microsoft.ContainerInstance/containerGroups", `{"containers":[{"properties":{"command":["run"]}}]}`, `{"properties":{"containers":[{"properties":{"command":"[redacted]"}}]}}`)
	f("Microsoft.Compute/virtualMachines", `{"userData":"IyEvYmluL3No","osProfile":{"customData":"IyEvYmluL3No"}}`, `{"properties":{"userData":"[redacted]"}}`)
	f(machineExtension, `{"publisher":"Microsoft.Azure.Extensions","type":"CustomScript","settings":{"commandToExecute":"sh run.sh --key x","timestamp":17,"skipDos2Unix":true},"protectedSettings":{"a":"b"}}`,
		`{"properties":{"publisher":"Microsoft.Azure.Extensions","type":"CustomScript","settings":{"commandToExecute":"[redacted]","timestamp":"[redacted]","skipDos2Unix":true}}}`)
	f(machineExtension, `{"settings":{"ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":"x","a":"b"}}`, `{"properties":{"settings":{"a":"[redacted]"}}}`)
	f(machineExtension, `{"settings":{"fileUris":["https://st.blob.core.windows.net/s/run.sh","https://st.blob.core.windows.net/s/run.sh?sv=1&sig=abc","ftp://me:pass@x/y",""]}}`,
		`{"properties":{"settings":{"fileUris":["https://st.blob.core.windows.net/s/run.sh","https://st.blob.core.windows.net/s/run.sh?[redacted]","[redacted]",""]}}}`)
	f("Microsoft.Compute/virtualMachines/runCommands", `{"source":{"script":"echo 1","scriptUri":"https://st.blob.core.windows.net/s/a?sig=x"},"parameters":[{"name":"a","value":"b"}],"runAsPassword":"x"}`,
		`{"properties":{"source":{"script":"[redacted]","scriptUri":"https://st.blob.core.windows.net/s/a?[redacted]"},"parameters":"[redacted]"}}`)
	f("Microsoft.Automation/automationAccounts/runbooks", `{"publishContentLink":{"uri":"https://raw.example.com/run.ps1","contentHash":{"algorithm":"sha256","value":"115775B8FF2BE672D8A946BD0B489918C724DDE15A440373CA54461D53010A80"}}}`,
		`{"properties":{"publishContentLink":{"uri":"https://raw.example.com/run.ps1","contentHash":{"value":"[redacted]"}}}}`)
}

// TestDigestsTellChanges: equal values have equal digests, however they are written, and
// other values others.
func TestDigestsTellChanges(t *testing.T) {
	r := newRedactor(t, keyed)
	of := func(settings string) string {
		t.Helper()
		raw := kept(t, r, machineExtension, `{"settings":`+settings+`}`)
		var v struct {
			Properties struct {
				Settings map[string]any `json:"settings"`
			} `json:"properties"`
		}
		if err := json.Unmarshal([]byte(raw), &v); err != nil {
			t.Fatal(err)
		}
		for _, x := range v.Properties.Settings {
			if s, ok := x.(string); ok && strings.HasPrefix(s, "hmac:k1:") {
				return s
			}
		}
		t.Fatalf("%s has no digest: %s", settings, raw)
		return ""
	}
	f := func(a, b string, equal bool) {
		t.Helper()
		if x, y := of(a), of(b); (x == y) != equal {
			t.Errorf("%s and %s have %s and %s", a, b, x, y)
		}
	}
	f(`{"commandToExecute":"a"}`, `{"commandToExecute":"a"}`, true)
	f(`{"commandToExecute":"a"}`, `{"COMMANDTOEXECUTE":"a"}`, true)
	f(`{"commandToExecute":"a"}`, `{"commandToExecute":"b"}`, false)
	f(`{"commandToExecute":"a"}`, `{"script":"a"}`, false)
	f(`{"x":{"a":1,"b":[2]}}`, `{"x": { "b" : [2], "a": 1 }}`, true)
	f(`{"x":{"a":1}}`, `{"x":{"a":1.5}}`, false)
	f(`{"x":["a","b"]}`, `{"x":["b","a"]}`, false)
	f(`{"x":12345678901234567890}`, `{"x":12345678901234567891}`, false)
}

// TestDigestsAsFacts: what was let through is a fact, and passes the door of the file as it is.
func TestDigestsAsFacts(t *testing.T) {
	r := newRedactor(t, keyed)
	raw, err := r.Properties(machineExtension, json.RawMessage(`{"properties":{"type":"CustomScript","settings":{"commandToExecute":"a","fileUris":["https://st.blob.core.windows.net/s/run.sh?sig=x"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Properties json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	got := r.Settings(machineExtension, v.Properties)
	if got["type"] != "CustomScript" || !strings.HasPrefix(got["settings.commandToExecute"], "hmac:k1:") ||
		!strings.HasPrefix(got["settings.fileUris[0]"], "https://st.blob.core.windows.net/s/run.sh?hmac:k1:") || len(got) != 3 {
		t.Errorf("the facts are %v", got)
	}
	for path, value := range got {
		if again, ok := r.Value(machineExtension, "properties."+path, value); !ok || again != value {
			t.Errorf("%s: %s becomes %s, %v", path, value, again, ok)
		}
	}
	// What another reader took from a file is cut here.
	f := func(typ, path, value, want string) {
		t.Helper()
		if got, ok := r.Value(typ, "properties."+path, value); !ok || !strings.HasPrefix(got, want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s is %s, %v; want %s", path, got, ok, want)
		}
	}
	f("Microsoft.Web/sites", "siteConfig.appCommandLine", "run hunter2", "hmac:k1:")
	f("Microsoft.App/containerApps", "template.containers[0].command[1]", "hunter2", "hmac:k1:")
	f("Microsoft.App/containerApps", "template.containers[0].args", "hunter2", "hmac:k1:")
	f(machineExtension, "settings.fileUris[0]", "https://st.blob.core.windows.net/s/run.sh?hunter2", "https://st.blob.core.windows.net/s/run.sh?hmac:k1:")
	f(machineExtension, "settings.commandToExecute", "hunter2", "hmac:k1:")
}
