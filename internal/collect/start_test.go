// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/snapshot"
)

// startRows are resources as Resource Graph and Resource Manager return them: what they start
// holds a secret each.
func startRows(s *standIn, secret, digestless string) {
	s.on(graphLine, tables(map[string]string{
		"resources": strings.ReplaceAll(`{"id":"@Microsoft.Web/sites/web","type":"microsoft.web/sites","kind":"app,linux","properties":{"siteConfig":{"appCommandLine":null}}},
			{"id":"@Microsoft.Web/sites/web/slots/blue","type":"microsoft.web/sites/slots","properties":{}},
			{"id":"@Microsoft.App/containerApps/app","type":"microsoft.app/containerapps","properties":{"template":{"containers":[{"image":"r.azurecr.io/app:1","command":["/bin/sh","-c","run `+secret+`"],"args":["--one"]}]}}},
			{"id":"@Microsoft.App/jobs/nightly","type":"microsoft.app/jobs","properties":{"template":{"containers":[{"image":"r.azurecr.io/job:1","args":["`+secret+`"]}]}}},
			{"id":"@Microsoft.ContainerInstance/containerGroups/aci","type":"microsoft.containerinstance/containergroups","properties":{"containers":[{"name":"c","properties":{"image":"r.azurecr.io/c:1","command":["`+secret+`"]}}]}},
			{"id":"@Microsoft.Compute/virtualMachines/vm","type":"microsoft.compute/virtualmachines","properties":{"osProfile":{"allowExtensionOperations":true}}},
			{"id":"@Microsoft.Compute/virtualMachines/vm/extensions/script","type":"microsoft.compute/virtualmachines/extensions","properties":{"publisher":"Microsoft.Azure.Extensions","type":"CustomScript","settings":{"commandToExecute":"sh run.sh `+secret+`","fileUris":["https://code.blob.core.windows.net/scripts/run.sh?sig=`+secret+`"]}}},
			{"id":"@Microsoft.Compute/virtualMachines/vm/runCommands/fix","type":"microsoft.compute/virtualmachines/runcommands","properties":{"source":{"script":"`+secret+`"},"parameters":[{"name":"p","value":"`+secret+`"}]}},
			{"id":"@Microsoft.Compute/virtualMachineScaleSets/set","type":"microsoft.compute/virtualmachinescalesets","properties":{"virtualMachineProfile":{"extensionProfile":{"extensions":[{"name":"script","properties":{"type":"CustomScript","settings":{"commandToExecute":"`+secret+`"}}}]}}}},
			{"id":"@Microsoft.Resources/deploymentScripts/ds","type":"microsoft.resources/deploymentscripts","properties":{"scriptContent":"echo `+secret+`","arguments":"`+secret+`"}},
			{"id":"@Microsoft.Storage/storageAccounts/code","type":"microsoft.storage/storageaccounts","properties":{}}`, "@", inGroup),
		"appserviceresources": `{"id":"` + inGroup + `Microsoft.Web/sites/web/config/web","name":"web","type":"microsoft.web/sites/config","properties":{"appCommandLine":"gunicorn ` + secret + `","linuxFxVersion":"PYTHON|3.11"}},
			{"id":"` + inGroup + `Microsoft.Web/sites/web/slots/blue/config/web","name":"web","type":"microsoft.web/sites/slots/config","properties":{"appCommandLine":"` + digestless + `"}}`,
	}))
	s.on("GET /subscriptions", always(`{"value":[{"id":"/subscriptions/s1"}]}`))
	userData := func(w http.ResponseWriter, r *http.Request) {
		data, typ := "", "Microsoft.Compute/virtualMachines"
		if r.URL.Query().Get("$expand") == "userData" {
			data = `"userData":"` + secret + `"`
		}
		if strings.Contains(r.URL.Path, "ScaleSets") {
			data, typ = `"virtualMachineProfile":{`+data+`}`, "Microsoft.Compute/virtualMachineScaleSets"
		}
		// Resource Manager writes IDs with other letters than Resource Graph.
		fmt.Fprintf(w, `{"id":%q,"type":%q,"properties":{%s}}`, strings.Replace(r.URL.Path, "/g/", "/G/", 1), typ, data) //nolint:gosec // a server of this test
	}
	s.on("GET "+inGroup+"Microsoft.Compute/virtualMachines/vm", userData)
	s.on("GET "+inGroup+"Microsoft.Compute/virtualMachineScaleSets/set", userData)
}

// collected reads what a stand-in has with settings, and returns the file that is written.
func collected(t *testing.T, s *standIn, with ...Option) []byte {
	t.Helper()
	o := s.config(t)
	r, err := redact.New(redact.Options{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "k"})
	if err != nil {
		t.Fatal(err)
	}
	o.Redactor, o.KeyID, o.With = r, "k", with
	res, err := Collect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	var file bytes.Buffer
	if err := res.Write(&file, "test"); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// fingerprints are those of the workloads of a file, by their names.
func fingerprints(t *testing.T, file []byte) map[string]execpath.Fingerprint {
	t.Helper()
	s, err := snapshot.Read(bytes.NewReader(file), int64(len(file)), snapshot.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]execpath.Fingerprint{}
	for _, f := range execpath.Fingerprints(s) {
		out[f.Workload.Name()] = f
	}
	return out
}

// TestStartUp: a live snapshot tells of each workload that a command, a script or user data
// is there, and whether it changed, without the text.
func TestStartUp(t *testing.T) {
	s := newStandIn(t)
	startRows(s, "hunter2hunter2", "")
	file := collected(t, s, WithSettings)
	if kept, err := snapshot.Open(bytes.NewReader(file), int64(len(file))); err != nil {
		t.Error(err)
	} else if raw, ok, err := kept.Properties(mustParse(t, inGroup+"Microsoft.Compute/virtualMachines/vm")); err != nil || !ok || !strings.Contains(string(raw), "allowExtensionOperations") {
		t.Errorf("the raw form of the machine is %s, %v, %v", raw, ok, err)
	}
	first := fingerprints(t, file)
	has := func(name string, part execpath.Part, settings ...string) {
		t.Helper()
		for _, setting := range settings {
			if v := first[name].Names[part][setting]; !strings.Contains(v, "hmac:k:") {
				t.Errorf("%s: %s of %s is %q", name, setting, part, v)
			}
		}
		for p, names := range first[name].Names {
			for setting, v := range names {
				if strings.Contains(v, "hunter2") {
					t.Errorf("%s: %s of %s has the text", name, setting, p)
				}
			}
		}
	}
	has("web", execpath.PartStart, "siteConfig.appCommandLine")
	has("app", execpath.PartStart, "template.containers[0].command", "template.containers[0].args")
	has("nightly", execpath.PartStart, "template.containers[0].args")
	has("aci", execpath.PartStart, "containers[0].properties.command")
	has("vm", execpath.PartStart, "userData")
	has("vm", execpath.PartExtensions, "script settings.commandToExecute", "script settings.fileUris[0]", "fix source.script", "fix parameters")
	has("set", execpath.PartStart, "virtualMachineProfile.userData")
	has("set", execpath.PartExtensions, "virtualMachineProfile.extensionProfile.extensions[0].properties.settings.commandToExecute")
	has("ds", execpath.PartStart, "scriptContent", "arguments")

	changed := newStandIn(t)
	startRows(changed, "hunter3hunter3", "run it")
	second := fingerprints(t, collected(t, changed, WithSettings))
	for _, name := range []string{"web", "blue", "app", "nightly", "aci", "vm", "set", "ds"} {
		a, b := first[name], second[name]
		if a.Sum() == b.Sum() {
			t.Errorf("what starts in %s changed, and its fingerprint did not", name)
		}
	}
	// A store that a script is fetched from shapes the machine.
	kept, err := snapshot.Read(bytes.NewReader(file), int64(len(file)), snapshot.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var links []string
	for _, l := range execpath.Links(kept) {
		links = append(links, fmt.Sprintf("%s %s %s", l.Workload.Name(), l.Kind, l.Content.Name()))
	}
	if got := strings.Join(links, ", "); got != "vm script scripts" {
		t.Errorf("the links are %s", got)
	}
}

// TestUserDataIsAskedForByName: it costs a request for each machine.
func TestUserDataIsAskedForByName(t *testing.T) {
	s := newStandIn(t)
	startRows(s, "hunter2hunter2", "")
	prints := fingerprints(t, collected(t, s))
	if n := s.count("Microsoft.Compute/virtualMachines/vm "); n != 0 {
		t.Errorf("%d requests without the option", n)
	}
	if v := prints["vm"].Names[execpath.PartExtensions]["script settings.commandToExecute"]; v == "" {
		t.Error("what Resource Graph gives anyway is not kept")
	}
}

// TestSlotNames: the site of slots is asked once for what stays with them, also where Azure
// lists a slot before its site; a site without slots is not asked.
func TestSlotNames(t *testing.T) {
	s := newStandIn(t)
	const sites = inGroup + "Microsoft.Web/sites/"
	s.on(graphLine, tables(map[string]string{
		"resources": `{"id":"` + sites + `web/slots/blue","type":"microsoft.web/sites/slots","properties":{}},{"id":"` + sites + `web/slots/green","type":"microsoft.web/sites/slots","properties":{}},
			{"id":"` + sites + `WEB","type":"microsoft.web/sites","properties":{}},{"id":"` + sites + `none","type":"microsoft.web/sites","properties":{}},
			{"id":"` + sites + `plain","type":"microsoft.web/sites","properties":{}},{"id":"` + sites + `plain/slots/x","type":"microsoft.web/sites/slots","properties":{}}`,
	}))
	s.on("GET /subscriptions", always(`{"value":[{"id":"/subscriptions/s1"}]}`))
	// Azure answers with the name and the type of the site.
	s.on("GET "+sites+"web/config/slotConfigNames", always(`{"id":"`+sites+`web","name":"web","type":"Microsoft.Web/sites","properties":{"connectionStringNames":null,"appSettingNames":["AZURE_CLIENT_ID","B"],"azureStorageConfigNames":null}}`))
	s.on("GET "+sites+"plain/config/slotConfigNames", always(`{"id":"`+sites+`plain/config/slotConfigNames","name":"slotConfigNames","type":"Microsoft.Web/sites/config","properties":{"appSettingNames":null}}`))
	file := collected(t, s, WithSettings)
	kept, err := snapshot.Read(bytes.NewReader(file), int64(len(file)), snapshot.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range kept.Resources {
		r := &kept.Resources[i]
		for _, path := range []string{"slotConfigNames.appSettingNames", "slotConfigNames.appSettingNames[0]", "slotConfigNames.appSettingNames[1]", "slotConfigNames.appSettingNames[2]"} {
			if v, ok := r.Setting(path); ok {
				got = append(got, r.ID.Name()+" "+v)
			}
		}
	}
	if text := strings.Join(got, ", "); text != "plain null, WEB AZURE_CLIENT_ID, WEB B" {
		t.Errorf("what stays is %s", text)
	}
	if n := s.count("/config/slotConfigNames"); n != 2 {
		t.Errorf("%d requests for two sites with slots", n)
	}
}

// TestRowTwice: a resource that Resource Graph lists twice, in other letters the second time,
// is one, and keeps what was read of it meanwhile.
func TestRowTwice(t *testing.T) {
	s := newStandIn(t)
	const site = inGroup + "Microsoft.Web/sites/web"
	listed := make(chan bool)
	first := true
	var mu sync.Mutex
	s.on(graphLine, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case !strings.Contains(string(body), `"query":"resources | project id, name`):
			fmt.Fprint(w, `{"data":[]}`)
		case first:
			first = false
			fmt.Fprint(w, `{"data":[{"id":"`+site+`","name":"web","type":"microsoft.web/sites","properties":{"httpsOnly":true}}],"$skipToken":"more"}`)
		default:
			<-listed // the settings were asked for meanwhile
			fmt.Fprint(w, `{"data":[{"id":"`+strings.ToUpper(site)+`","name":"WEB","type":"microsoft.web/sites","properties":{"httpsOnly":false}}]}`)
		}
	})
	var once sync.Once
	s.on("GET /subscriptions", always(`{"value":[{"id":"/subscriptions/s1"}]}`))
	s.on("POST "+site+"/config/appsettings/list", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"id":"`+site+`/config/appsettings","name":"appsettings","type":"Microsoft.Web/sites/config","properties":{"FEATURE":"on"}}`)
		once.Do(func() { close(listed) })
	})
	file := collected(t, s, WithSettings)
	kept, err := snapshot.Read(bytes.NewReader(file), int64(len(file)), snapshot.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range kept.Resources {
		if r := &kept.Resources[i]; r.ID.HasType("Microsoft.Web/sites") {
			feature, _ := r.Setting("siteConfig.appSettings.FEATURE")
			https, _ := r.Setting("httpsOnly")
			got = append(got, feature+" "+https)
		}
	}
	if len(got) != 1 || got[0] != "on false" {
		t.Errorf("the sites are %q", got)
	}
	if n := s.count("config/appsettings/list"); n != 1 {
		t.Errorf("its settings were asked for %d times", n)
	}
}

func mustParse(t *testing.T, s string) arm.ID {
	t.Helper()
	id, err := arm.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
