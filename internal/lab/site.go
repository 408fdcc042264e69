// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// siteFile is a part of the configuration of an app. Paths, methods and shapes:
// Azure/azure-rest-api-specs web/resource-manager/Microsoft.Web stable/2023-12-01 WebApps.json.
type siteFile struct {
	// secret parts are read with POST …/list; the others with GET.
	secret bool
	// initial is what it is in an app that nobody configured; nil where there is none then.
	initial object
}

// siteFiles are the parts that are kept as they are written, by their names in small
// letters. Those that a resource holds itself, "web" and "appsettings", are not among them.
var siteFiles = map[string]siteFile{
	"authsettings":         {true, object{"enabled": false, "configVersion": "v1"}},
	"authsettingsv2":       {false, object{"platform": object{"enabled": false}}},
	"azurestorageaccounts": {true, object{}},
	"backup":               {true, nil},
	"connectionstrings":    {true, object{}},
	"metadata":             {true, object{}},
	"slotconfignames":      {false, object{}},
	"logs": {false, object{
		"applicationLogs":       object{"fileSystem": object{"level": "Off"}, "azureBlobStorage": object{"level": "Off"}, "azureTableStorage": object{"level": "Off"}},
		"httpLogs":              object{"fileSystem": object{"enabled": false, "retentionInMb": 35}, "azureBlobStorage": object{"enabled": false}},
		"failedRequestsTracing": object{"enabled": false}, "detailedErrorMessages": object{"enabled": false},
	}},
}

// isSite reports whether a thing is an app or a slot of one.
func isSite(t *thing) bool {
	return t != nil && t.node != nil && (strings.EqualFold(t.typ, siteType) || strings.EqualFold(t.typ, siteType+"/slots"))
}

// secretList is the one part that is read with its secrets by GET.
const secretList = "/config/authsettingsv2/list" //nolint:gosec // a path

// siteFileKey is where a part is kept among the bodies of resources; it goes with its app.
func siteFileKey(site arm.ID, name string) arm.Key {
	return mustID(site.String() + "/config/" + name).Key()
}

// siteFile answers GET {site}/config/{name}.
func (q *armRequest) siteFile(t target) {
	one := q.s.world.find(t.parent)
	if !q.allowed(t.typ+"/read", t.parent) {
		return
	}
	name := strings.ToLower(t.name)
	if name == "web" {
		config, _ := q.s.world.siteProperties(one)["siteConfig"].(object)
		q.writeSiteFile(one, t.name, maps.Clone(config))
		return
	}
	if f, there := siteFiles[name]; !there || f.secret {
		q.nothingHere()
		return
	}
	q.readSiteFile(one, t.name)
}

// siteProperties are those of an app as it was written, or as the snapshot has it.
func (w *world) siteProperties(t *thing) object {
	if body, written := w.bodies[t.key]; written {
		p, _ := body["properties"].(object)
		return p
	}
	return w.properties(t)
}

// readSiteFile answers with a part that is kept.
func (q *armRequest) readSiteFile(one *thing, name string) {
	p, written := q.s.world.bodies[siteFileKey(one.id, name)]
	if !written {
		p = siteFiles[strings.ToLower(name)].initial
	}
	if p == nil {
		q.nothingHere()
		return
	}
	q.writeSiteFile(one, name, p)
}

func (q *armRequest) writeSiteFile(one *thing, name string, p object) {
	if p == nil {
		p = object{}
	}
	o := object{"id": one.id.String() + "/config/" + name, "name": name, "type": one.typ + "/config", "properties": p}
	setText(o, "location", one.node.Location)
	q.write(o)
}

// siteConfig answers POST {site}/config/{name}/list, with which secrets are read. The app
// settings are those of the snapshot, which knows no others, or those that were written.
func (q *armRequest) siteConfig() {
	at := strings.LastIndex(strings.ToLower(q.path), "/config/")
	site, name := mustID(q.path[:at]), strings.TrimSuffix(strings.ToLower(q.path[at+len("/config/"):]), "/list")
	one := q.s.world.find(site)
	if !isSite(one) {
		q.getThing(site)
		return
	}
	if !q.allowed(one.typ+"/config/list/action", site) {
		return
	}
	switch f := siteFiles[name]; {
	case name == "appsettings":
		values := object{}
		if d := one.node.Detail; d != nil {
			for path, v := range d.Settings {
				if isAppSetting(path) && v != "null" {
					values[path[len(appSettingsPrefix):]] = v
				}
			}
		}
		q.writeSiteFile(one, name, values)
	case name == "publishingcredentials":
		user := "$" + siteName(one, "__")
		q.writeSiteFile(one, name, object{
			"name": user, "publishingUserName": user, "publishingPassword": guidOf("publishing", q.s.secret, string(one.key)),
			"scmUri": "https://" + siteName(one, "-") + ".scm.azurewebsites.net",
		})
	case f.secret, name == "authsettingsv2":
		q.readSiteFile(one, name)
	default:
		q.nothingHere()
	}
}

// writeSiteConfig answers PUT {site}/config/{name}, and PATCH of "web".
func (q *armRequest) writeSiteConfig(t target, body object) *armFault {
	one := q.s.world.find(t.parent)
	if f := q.mayWrite(strings.TrimSuffix(t.typ, "/config")+"/config/write", t.parent, false); f != nil {
		return f
	}
	values, _ := body["properties"].(object)
	name := strings.ToLower(t.name)
	_, kept := siteFiles[name]
	switch {
	case !isSite(one):
		return fault(http.StatusNotFound, "ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", t.parent.Type(), t.parent.Name(), t.parent.ResourceGroup())
	case name == "web" && q.r.Method != http.MethodDelete:
		return q.writeWeb(t, one, values)
	case q.r.Method == http.MethodPut && name == "appsettings":
		q.putAppSettings(one, values)
	case q.r.Method == http.MethodPut && kept:
		q.publish(func(d *draft) { d.bodies[siteFileKey(one.id, name)] = values })
	case q.r.Method == http.MethodDelete && kept && siteFiles[name].initial == nil:
		q.publish(func(d *draft) { delete(d.bodies, siteFileKey(one.id, name)) })
		q.w.WriteHeader(http.StatusOK)
		return nil
	default:
		return fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "The lab has no %s %s.", q.r.Method, q.path)
	}
	q.writeSiteFile(one, t.name, values)
	return nil
}

// writeWeb writes the part that an app shows as its siteConfig.
func (q *armRequest) writeWeb(t target, one *thing, values object) *armFault {
	old, f := q.bodyBefore(one)
	if f != nil {
		return f
	}
	whole := maps.Clone(old)
	if q.r.Method == http.MethodPatch {
		whole = merge(old, object{"properties": object{"siteConfig": values}})
	} else {
		p, _ := old["properties"].(object)
		p = maps.Clone(p)
		if p == nil {
			p = object{}
		}
		p["siteConfig"] = values
		whole["properties"] = p
	}
	site := target{scope: one.id.ResourceGroupID(), typ: one.typ, name: one.id.Name()}
	r, kept, f := q.resourceOf(site, one.id, one, whole)
	if f != nil {
		return f
	}
	if f := q.store(site, one.id, one, r, kept, object{}); f != nil {
		return f
	}
	now, _ := q.s.world.siteProperties(q.s.world.find(one.id))["siteConfig"].(object)
	q.writeSiteFile(one, t.name, now)
	return nil
}

// putAppSettings takes the app settings; they are all there are.
func (q *armRequest) putAppSettings(one *thing, values object) {
	r := *one.node
	d := mivet.Detail{}
	if r.Detail != nil {
		d = *r.Detail
	}
	settings := map[string]string{}
	for path, v := range d.Settings {
		if !isAppSetting(path) {
			settings[path] = v
		}
	}
	for name, v := range values {
		settings[appSettingsPrefix+name] = fmt.Sprint(v)
	}
	d.Settings = settings
	r.Detail = &d
	q.publish(func(d *draft) { d.putResource(r) })
}

// publishingType are the two policies of an app that let its publishing credentials be used:
// "ftp" and "scm". Each app has both, and they allow it until somebody says otherwise.
const publishingType = "basicPublishingCredentialsPolicies"

// publishingPolicies answers where nobody said anything; false for a path of another kind.
func (q *armRequest) publishingPolicies(t target) bool {
	site := q.s.world.find(t.parent)
	if !strings.EqualFold(t.last, publishingType) || !isSite(site) || q.s.world.find(mustID(q.path)) != nil {
		return false
	}
	policy := func(name string) object {
		return object{"id": site.id.String() + "/" + publishingType + "/" + name, "name": name, "type": site.typ + "/" + publishingType, "properties": object{"allow": true}}
	}
	var all []entry
	for _, name := range []string{"ftp", "scm"} {
		id := mustID(site.id.String() + "/" + publishingType + "/" + name)
		value := fixed(policy(name))
		if one := q.s.world.find(id); one != nil {
			value = func() (any, error) { return q.s.world.whole(one) }
		}
		all = append(all, entry{id, value})
	}
	q.child(t, site.typ+"/"+publishingType+"/read", all)
	return true
}

// siteName is the name of an app, or those of an app and its slot.
func siteName(t *thing, between string) string {
	name := strings.ToLower(t.id.Name())
	if strings.EqualFold(t.typ, siteType) {
		return name
	}
	return strings.ToLower(t.id.Parent().Name()) + between + name
}

// completeSite adds to an app what App Service says of each. The reference identity has a
// value also where there is no identity.
func (w *world) completeSite(t *thing, o, p object) {
	host := siteName(t, "-") + ".azurewebsites.net"
	p["state"], p["defaultHostName"], p["hostNames"] = "Running", host, []any{host}
	if p["enabled"] == nil {
		p["enabled"] = true
	}
	if p["keyVaultReferenceIdentity"] == nil {
		p["keyVaultReferenceIdentity"] = "SystemAssigned"
	}
	if kind, _ := o["kind"].(string); kind != "" {
		return
	}
	o["kind"] = "app"
	plan, _ := p["serverFarmId"].(string)
	if one := w.find(mustID(plan)); one != nil && one.node != nil {
		if on, _ := w.siteProperties(one)["reserved"].(bool); on {
			o["kind"] = "app,linux"
		}
	}
}
