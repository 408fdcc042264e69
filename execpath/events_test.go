// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

// Each operation of the activity log is in the catalogue.
func TestEventsAreListed(t *testing.T) {
	table, err := Events()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[arm.Key]bool{}
	for i := range cat.NumOperations() {
		listed[cat.Operation(i).Key()] = true
	}
	var missing []string
	for _, r := range table.Rows() {
		if r.Log != "activity" {
			continue
		}
		op, err := arm.ParseOperation(r.Operation)
		if err != nil {
			t.Error(err)
		}
		if !listed[op.Key()] {
			missing = append(missing, r.Operation)
		}
	}
	if len(missing) > 0 {
		t.Errorf("not in the catalogue:\n%s", strings.Join(missing, "\n"))
	}
	if len(table.Rows()) < 100 {
		t.Errorf("there are %d rows", len(table.Rows()))
	}
}

func TestReadEvents(t *testing.T) {
	f := func(text, fault string) {
		t.Helper()
		if _, err := readEvents(text); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v, want %s", text, err, fault)
		}
	}
	f("code\tactivity\tx", "events.tsv:1: it has not four columns")
	f("# a\n\ncode\tactivity\t\tx\n", "events.tsv:3: it has not four columns")
	f("magic\tactivity\tx\ty\n", `"magic" is no class`)
	f("code\tactivity\tx\ty\ncode\tActivity\tX\tz\n", "X stands there twice")
}

const eventsText = `
subscription main
rg g in main
storage code in g
container packages in code
acr images in g
functionapp fn in g system .siteConfig.appSettings.WEBSITE_RUN_FROM_PACKAGE=https://code.blob.core.windows.net/packages/fn.zip
containerapp shop in g user=shared .template.containers[0].image=images.azurecr.io/shop:1
identity shared in g
identity loose in g
webapp site in g system
slot stage in site name=stage system
slot bare in site name=bare
user ann
user bob
sp deploy
assign ann "Storage Blob Data Contributor" at packages
assign deploy Contributor at g
assign fn Reader at g id=33333333-0000-4000-8000-000000000001
`

func TestChanges(t *testing.T) {
	g := world(t, eventsText, Options{})
	table, err := Events()
	if err != nil {
		t.Fatal(err)
	}
	w := g.Watch()
	byName := map[string]*mivet.Principal{}
	for i := range g.snap.Principals {
		byName[g.snap.Principals[i].Name] = &g.snap.Principals[i]
	}
	const group = "/subscriptions/main/resourceGroups/g"
	f := func(who, log, op, at, want string) {
		t.Helper()
		e := Event{Row: table.Find(log, op), Scope: mustID(t, group+at)}
		if e.Row == nil {
			t.Fatalf("%s is no event", op)
		}
		if p := byName[who]; p != nil && who == "deploy" {
			e.ClientID = strings.ToUpper(p.ClientID)
		} else if p != nil {
			e.Principal = p.ID
		}
		var out []string
		for _, c := range w.Changes(&e) {
			var text strings.Builder
			text.WriteString(c.Workload.Name() + " as")
			for _, p := range c.Identities {
				text.WriteString(" " + g.idx.Principal(p).Name)
			}
			if c.Link != nil {
				text.WriteString(" by " + string(c.Link.Kind))
			}
			out = append(out, fmt.Sprintf("%s, %s", text.String(), c.Known))
		}
		if got := strings.Join(out, "; "); got != want {
			t.Errorf("%s %s at %s: got %q, want %q", who, op, at, got, want)
		}
	}
	const storage, web = "/providers/Microsoft.Storage/storageAccounts/code", "/providers/Microsoft.Web/sites/site"
	const blobs = storage + "/blobServices/default/containers/packages/blobs"
	f("ann", "storage", "PutBlob", blobs+"/fn.zip", "fn as fn by package, explained")
	f("ann", "storage", "PutBlob", blobs+"/other.zip", " as, not asked")
	f("bob", "storage", "PutBlob", storage+"/blobServices/default/containers/packages", "fn as fn by package, unexplained")
	f("", "storage", "PutBlob", storage, "fn as fn by package, not asked")
	f("bob", "activity", "microsoft.storage/storageaccounts/LISTKEYS/action", storage, "fn as fn by package, unexplained")
	f("deploy", "ContainerRegistryRepositoryEvents", "Push", "/providers/Microsoft.ContainerRegistry/registries/images", "shop as shared by image, explained")
	f("deploy", "activity", "Microsoft.Web/sites/config/write", web+"/config/appsettings", "site as site, explained")
	f("bob", "activity", "Microsoft.Web/sites/slots/slotsswap/action", web+"/slots/stage", "stage as site/slots/stage, unexplained; site as site, unexplained")
	f("bob", "activity", "Microsoft.Web/sites/slotsswap/action", web, "site as site, unexplained; stage as site/slots/stage, unexplained")
	f("bob", "AppServiceFileAuditLogs", "anything", web, "site as site, unexplained")
	const own = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	f("bob", "activity", "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write", own+"shared/federatedIdentityCredentials/x", "shop as shared, unexplained")
	f("bob", "activity", "Microsoft.ManagedIdentity/userAssignedIdentities/write", own+"loose", " as loose, not asked")
	f("bob", "activity", "Microsoft.ManagedIdentity/userAssignedIdentities/write", own+"new", " as, not asked")
	f("bob", "activity", "Microsoft.Authorization/roleAssignments/write", "/providers/Microsoft.Authorization/roleAssignments/33333333-0000-4000-8000-000000000001", " as fn, not asked")
	f("bob", "activity", "Microsoft.Authorization/roleAssignments/write", "/providers/Microsoft.Authorization/roleAssignments/33333333-0000-4000-8000-000000000002", " as, not asked")
	f("bob", "activity", "Microsoft.Resources/deployments/write", "/providers/Microsoft.Resources/deployments/d", " as, not asked")
	f("bob", "activity", "Microsoft.Insights/diagnosticSettings/delete", web+"/providers/Microsoft.Insights/diagnosticSettings/x", "site as site, unexplained")
	if table.Find("activity", "Microsoft.Web/sites/read") != nil {
		t.Error("reading changes something")
	}
}
