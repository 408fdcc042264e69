// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/logs"
)

// Class says what the lack of an entry proves.
type Class string

// The classes of evidence.
const (
	// Covered: a log names who used the right, and its entries span the window at every
	// resource where the right counts. What has no entry was not used.
	Covered Class = "covered"
	// Off: such a log exists, and it is not known that it was on. Nothing follows.
	Off Class = "off"
	// Blind: no log can show it. Nothing ever follows.
	Blind Class = "blind"
)

// Evidence is the class of a right at a scope, and why.
type Evidence struct {
	Class Class `json:"class"`
	// Category is what must be on; empty for blind rights.
	Category string `json:"category,omitzero"`
	// Why is a clause without a full stop.
	Why string `json:"why"`
	// Missing is a resource whose log does not span the window; zero where there is none.
	Missing string `json:"missing,omitzero"`
}

// Window is a range of days, both within.
type Window struct {
	First Day `json:"first"`
	Last  Day `json:"last"`
}

// Days is how many days are in the window.
func (w Window) Days() int {
	if w.First == NoDay || w.Last == NoDay || w.Last < w.First {
		return 0
	}
	return int(w.Last-w.First) + 1
}

// watch is a log that shows the use of data actions.
type watch struct {
	prefix   string // of the action, in lower case
	log      logs.Log
	typ      arm.Key // the resources that write it
	part     string  // below the resource
	category string  // empty: that of storage, by the operation
	tier     string  // the only tier that writes it
}

// watches are the logs that name who used a data action.
// Sources: the pages named in logs/operations.tsv.
var watches = []watch{
	{"microsoft.keyvault/vaults/", logs.KeyVault, "microsoft.keyvault/vaults", "", "AuditEvent", ""},
	{"microsoft.keyvault/managedhsm/", logs.ManagedHSM, "microsoft.keyvault/managedhsms", "", "AuditEvent", ""},
	{"microsoft.storage/storageaccounts/blobservices/", logs.Storage, "microsoft.storage/storageaccounts", "/blobservices/default", "", ""},
	{"microsoft.storage/storageaccounts/queueservices/", logs.Storage, "microsoft.storage/storageaccounts", "/queueservices/default", "", ""},
	{"microsoft.storage/storageaccounts/tableservices/", logs.Storage, "microsoft.storage/storageaccounts", "/tableservices/default", "", ""},
	{"microsoft.storage/storageaccounts/fileservices/", logs.Storage, "microsoft.storage/storageaccounts", "/fileservices/default", "", ""},
	{"microsoft.servicebus/namespaces/", logs.ServiceBus, "microsoft.servicebus/namespaces", "", "RuntimeAuditLogs", "premium"},
	{"microsoft.eventhub/namespaces/", logs.EventHubs, "microsoft.eventhub/namespaces", "", "RuntimeAuditLogs", "premium and dedicated"},
	{"microsoft.documentdb/databaseaccounts/", logs.Cosmos, "microsoft.documentdb/databaseaccounts", "", "DataPlaneRequests", ""},
	{"microsoft.appconfiguration/configurationstores/", logs.AppConfiguration, "microsoft.appconfiguration/configurationstores", "", "HttpRequest", ""},
}

// vaultRead is the one read of Resource Manager that a log shows: VaultGet.
const vaultRead = "microsoft.keyvault/vaults/read"

// blindReason says why no log can show the use of a control action, or "".
func blindReason(action string) string {
	switch {
	case strings.HasSuffix(action, "/read"):
		return "reads of Resource Manager are in no log"
	case strings.HasSuffix(action, "/assign/action"), strings.HasSuffix(action, "/join/action"), strings.HasSuffix(action, "/joinviaserviceendpoint/action"):
		return "it is checked within requests on other resources, whose entries need not name it"
	}
	return ""
}

// storageCategory is the category that shows an operation of storage.
func storageCategory(action string) string {
	switch action[strings.LastIndexByte(strings.TrimSuffix(action, "/action"), '/')+1:] {
	case "read", "filter/action", "getinfo/action", "getacl/action", "generateuserdelegationkey/action", "readfilebackupsemantics/action":
		return "StorageRead"
	case "delete", "deleteblobversion/action":
		return "StorageDelete"
	}
	return "StorageWrite"
}

// evidence decides about rights at a scope.
type evidence struct {
	window    Window
	places    *places
	resources map[arm.Key][]string // resources by type, in lower case
	subs      []string
	seen      map[seenKey]Window
	settings  map[string][]string // of diagnostic settings, by what they are of
	activity  map[string]Window   // by subscription
	known     map[evidenceKey]*Evidence
}

type seenKey struct {
	log      logs.Log
	category string
	resource string
}

type evidenceKey struct {
	scope, category string
	watch           int
}

func newEvidence(tenant *mivet.Snapshot, seen []Seen, w Window) *evidence {
	e := evidence{
		window: w, places: newPlaces(tenant), resources: map[arm.Key][]string{}, seen: map[seenKey]Window{}, activity: map[string]Window{},
		known: map[evidenceKey]*Evidence{}, settings: map[string][]string{},
	}
	wanted := map[arm.Key]bool{}
	for i := range watches {
		wanted[watches[i].typ] = true
	}
	for i := range tenant.Resources {
		r := &tenant.Resources[i]
		switch t := arm.Fold(r.ID.Type()); {
		case wanted[t]:
			e.resources[t] = append(e.resources[t], string(r.ID.Key()))
		case t == diagnosticSettings:
			of, _, _ := strings.Cut(string(r.ID.Key()), "/providers/"+string(diagnosticSettings))
			e.settings[of] = append(e.settings[of], enabled(r)...)
		}
	}
	for i := range tenant.Subscriptions {
		e.subs = append(e.subs, string(tenant.Subscriptions[i].ID.Key()))
	}
	for i := range seen {
		s := &seen[i]
		if s.Log == logs.Activity {
			sub := subscriptionOf(s.Resource)
			e.activity[sub] = joined(e.activity[sub], s, sub != "")
			continue
		}
		k := seenKey{s.Log, strings.ToLower(s.Category), owner(s)}
		_, ok := e.seen[k]
		e.seen[k] = joined(e.seen[k], s, ok)
	}
	return &e
}

const diagnosticSettings arm.Key = "microsoft.insights/diagnosticsettings"

// groupPrefix tells groups of categories from categories.
const groupPrefix = "group "

// enabled lists the categories, and the groups of such, that a diagnostic setting sends; it
// is not empty where it sends none.
func enabled(setting *mivet.Resource) []string {
	out := []string{""}
	if setting.Detail == nil {
		return out
	}
	for path, on := range setting.Detail.Settings {
		entry, ok := strings.CutSuffix(path, ".enabled")
		if !ok || on != "true" {
			continue
		}
		for _, kind := range []struct{ path, prefix string }{{".category", ""}, {".categoryGroup", groupPrefix}} {
			if name := setting.Detail.Settings[entry+kind.path]; name != "" && name != "null" {
				out = append(out, kind.prefix+strings.ToLower(name))
			}
		}
	}
	return out
}

// sends says in a clause whether the diagnostic settings of a resource send a category now,
// "" where none were read. It decides nothing: since when they send, and whether all of it
// was given to mivet, is not in them.
// Source of the groups: learn, azure-monitor/platform/diagnostic-settings, "Category groups".
func (e *evidence) sends(of, category string) string {
	list := e.settings[of]
	audit := slices.Contains(list, groupPrefix+"audit")
	switch category {
	case "AuditEvent", "StorageRead", "StorageWrite", "StorageDelete", "RuntimeAuditLogs":
	default:
		if audit {
			return "" // what else the group holds is not documented
		}
	}
	switch {
	case len(list) == 0:
		return ""
	case audit, slices.Contains(list, strings.ToLower(category)), slices.Contains(list, groupPrefix+"alllogs"):
		return "; a diagnostic setting sends them now, since when is not known"
	}
	return "; its diagnostic settings do not send them"
}

// owner is the resource that has the diagnostic setting: brokers write the entity.
func owner(s *Seen) string {
	if s.Log == logs.ServiceBus || s.Log == logs.EventHubs {
		if before, rest, ok := strings.Cut(s.Resource, "/namespaces/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			return before + "/namespaces/" + name
		}
	}
	return s.Resource
}

func joined(w Window, s *Seen, have bool) Window {
	if !have || w == (Window{}) {
		return Window{s.First, s.Last}
	}
	sum := Seen{First: w.First, Last: w.Last}
	sum.span(s.First, s.Last)
	return Window{sum.First, sum.Last}
}

// subscriptionOf returns the beginning of an id in lower case, "/subscriptions/…".
func subscriptionOf(id string) string {
	const prefix = "/subscriptions/"
	if !strings.HasPrefix(id, prefix) {
		return ""
	}
	name, _, _ := strings.Cut(id[len(prefix):], "/")
	return prefix + name
}

// of returns the evidence for an action, in lower case, granted at a scope.
func (e *evidence) of(action string, plane mivet.Plane, scope arm.ID) *Evidence {
	if plane == mivet.PlaneControl && action != vaultRead {
		if why := blindReason(action); why != "" {
			return e.keep(evidenceKey{category: why}, func() *Evidence { return &Evidence{Class: Blind, Why: why} })
		}
		return e.keep(evidenceKey{scope: string(scope.Key()), category: "Administrative"}, func() *Evidence { return e.ofActivity(scope) })
	}
	for i := range watches {
		w := &watches[i]
		if !strings.HasPrefix(action, w.prefix) {
			continue
		}
		category := w.category
		if category == "" {
			category = storageCategory(action)
		}
		return e.keep(evidenceKey{string(scope.Key()), category, i + 1}, func() *Evidence { return e.ofWatch(w, category, scope) })
	}
	return e.keep(evidenceKey{}, func() *Evidence { return &Evidence{Class: Blind, Why: "no log is known that names who used it"} })
}

func (e *evidence) keep(k evidenceKey, decide func() *Evidence) *Evidence {
	if e.known[k] == nil {
		e.known[k] = decide()
	}
	return e.known[k]
}

// spans reports whether entries were there from the beginning of the window to its end. A
// day at either end may be without any.
func (e *evidence) spans(w Window) bool {
	const slack = 1
	return w.First != NoDay && w.First <= e.window.First+slack && w.Last+slack >= e.window.Last
}

// ofWatch asks every resource of the type where the right counts.
func (e *evidence) ofWatch(w *watch, category string, scope arm.ID) *Evidence {
	list := e.places.below(scope, e.resources[w.typ])
	out := Evidence{Class: Covered, Category: category}
	spanned, some := 0, 0
	for _, r := range list {
		span, seen := e.seen[seenKey{w.log, strings.ToLower(category), r + w.part}]
		if seen {
			some++
		}
		if seen && e.spans(span) {
			spanned++
		} else if out.Missing == "" {
			out.Missing = r
		}
	}
	switch {
	case len(list) == 0:
		return &Evidence{Class: Off, Category: category, Why: "no resource that writes such a log is known below the scope"}
	case spanned == len(list):
		out.Why = fmt.Sprintf("%s entries span the window at %s", category, count(spanned, len(list)))
		return &out
	case w.tier != "" && some == 0:
		return &Evidence{Class: Blind, Why: fmt.Sprintf("%s exist in %s alone, and no entry was found", category, w.tier), Missing: out.Missing}
	}
	out.Class = Off
	out.Why = fmt.Sprintf("%s entries are missing, or do not span the window, at %s", category, count(len(list)-spanned, len(list))) +
		e.sends(out.Missing+w.part, category)
	return &out
}

func count(n, of int) string {
	if of == 1 {
		return "the one resource"
	}
	return fmt.Sprintf("%d of %d resources", n, of)
}

// ofActivity asks every subscription where the right counts. The activity log is always on;
// what counts is that it was exported.
func (e *evidence) ofActivity(scope arm.ID) *Evidence {
	subs := e.subs
	if s := subscriptionOf(string(scope.Key())); s != "" {
		subs = []string{s}
	} else {
		subs = e.places.below(scope, subs)
	}
	out := Evidence{Class: Covered, Category: "Administrative", Why: "entries of the activity log span the window"}
	if len(subs) == 0 {
		out.Class, out.Why = Off, "no subscription below the scope is known"
	}
	for _, s := range subs {
		if span, ok := e.activity[s]; !ok || !e.spans(span) {
			out.Class, out.Missing = Off, s
			out.Why = "entries of the activity log do not span the window"
			break
		}
	}
	return &out
}

// places knows which scopes lie below others, management groups too.
type places struct {
	groups map[string][]string // groups above a subscription or group
}

func newPlaces(tenant *mivet.Snapshot) *places {
	parents := map[string]string{}
	for i := range tenant.ManagementGroups {
		parents[string(tenant.ManagementGroups[i].ID.Key())] = string(tenant.ManagementGroups[i].Parent.Key())
	}
	p := places{groups: map[string][]string{}}
	for i := range tenant.Subscriptions {
		s := &tenant.Subscriptions[i]
		key := string(s.ID.Key())
		// A circle ends when all groups were seen.
		for g, n := string(s.Parent.Key()), 0; g != "" && n <= len(parents); g, n = parents[g], n+1 {
			p.groups[key] = append(p.groups[key], g)
		}
	}
	return &p
}

// contains reports whether a resource id in lower case lies at or below a scope.
func (p *places) contains(scope arm.ID, id string) bool {
	key := string(scope.Key())
	if key == "/" || key == id || strings.HasPrefix(id, key) && id[len(key)] == '/' {
		return true
	}
	return slices.Contains(p.groups[subscriptionOf(id)], key)
}

func (p *places) below(scope arm.ID, ids []string) []string {
	var out []string
	for _, id := range ids {
		// A right on a secret or a container counts at the resource that holds it.
		if p.contains(scope, id) || strings.HasPrefix(string(scope.Key()), id+"/") {
			out = append(out, id)
		}
	}
	return out
}
