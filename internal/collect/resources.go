// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

const (
	typeSubscription = "Microsoft.Resources/subscriptions"
	typeMG           = "Microsoft.Management/managementGroups"
	typeUserAssigned = "Microsoft.ManagedIdentity/userAssignedIdentities"
	typeVault        = "Microsoft.KeyVault/vaults"
	typeHSM          = "Microsoft.KeyVault/managedHSMs"
)

func is(typ, other string) bool { return arm.Fold(typ) == arm.Fold(other) }

// containerProperties are those of subscriptions and management groups.
type containerProperties struct {
	Name    string  `json:"displayName"`
	Chain   []above `json:"managementGroupAncestorsChain"`
	Details struct {
		Parent struct {
			ID string `json:"id"`
		} `json:"parent"`
		Chain []above `json:"managementGroupAncestorsChain"`
	} `json:"details"`
}

// above is a management group above, the nearest first.
type above struct {
	Name    string `json:"name"`
	Display string `json:"displayName"`
}

// containers takes subscriptions, resource groups and management groups.
func (f *facts) containers(p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, callContainers.what, func(r *row) {
		switch r.id.Level() {
		case arm.LevelSubscription:
			c, _ := decoded[containerProperties](r)
			s := f.subscription(r.id, src)
			s.Name, s.Tags, s.Source = r.Name, texts(r.Tags), src
			s.Parent = f.ancestors(c.Chain, src)
		case arm.LevelManagementGroup:
			c, _ := decoded[containerProperties](r)
			parent := parsed(c.Details.Parent.ID)
			if chain := f.ancestors(c.Details.Chain, src); parent.IsZero() {
				parent = chain
			}
			f.told[r.id.Key()] = true
			g := f.managementGroup(r.id, src)
			g.Name, g.Parent, g.Source = first(c.Name, r.Name), parent, src
		default:
			f.resource(r, src)
		}
	})
}

// ancestors makes the management groups of a chain known, which the caller may not be
// able to read themselves, and returns the nearest.
func (f *facts) ancestors(chain []above, src mivet.Source) arm.ID {
	var ids []arm.ID
	for _, a := range chain {
		id := parsed("/providers/" + typeMG + "/" + a.Name)
		if id.Level() != arm.LevelManagementGroup {
			return arm.ID{}
		}
		ids = append(ids, id)
	}
	for i, id := range ids {
		if _, ok := f.groups[id.Key()]; ok {
			continue
		}
		g := f.managementGroup(id, src)
		g.Name = chain[i].Display
		if i+1 < len(ids) {
			g.Parent = ids[i+1]
		}
	}
	if len(ids) == 0 {
		return arm.ID{}
	}
	return ids[0]
}

func (f *facts) managementGroup(id arm.ID, src mivet.Source) *mivet.ManagementGroup {
	i, ok := f.groups[id.Key()]
	if !ok {
		i = len(f.snap.ManagementGroups)
		f.groups[id.Key()] = i
		f.snap.ManagementGroups = append(f.snap.ManagementGroups, mivet.ManagementGroup{ID: id, Source: src})
	}
	return &f.snap.ManagementGroups[i]
}

func (f *facts) subscription(id arm.ID, src mivet.Source) *mivet.Subscription {
	i, ok := f.subs[id.Key()]
	if !ok {
		i = len(f.snap.Subscriptions)
		f.subs[id.Key()] = i
		f.snap.Subscriptions = append(f.snap.Subscriptions, mivet.Subscription{ID: id, Source: src})
	}
	return &f.snap.Subscriptions[i]
}

// carriers takes resources, policy assignments and children: what can carry an identity.
func (f *facts) carriers(p *page, what string, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, what, func(r *row) { f.resource(r, src) })
}

// resource adds a resource, and what its row says beside: identities, access policies,
// administrators.
func (f *facts) resource(r *row, src mivet.Source) {
	out := mivet.Resource{ID: r.id, Location: r.Location, Source: src, Detail: f.detail(r), Identity: f.attachment(r, src)}
	switch typ := r.id.Type(); {
	case is(typ, typeUserAssigned):
		f.userAssigned(r, src)
	case is(typ, typeVault):
		f.vault(r, src)
	case is(typ, "Microsoft.Sql/servers"), is(typ, "Microsoft.Sql/managedInstances"):
		f.sqlServer(r, src)
	}
	if i, ok := f.resources[r.id.Key()]; ok {
		old := &f.snap.Resources[i]
		if out.Detail == nil {
			out.Detail = old.Detail
		}
		*old = out
		return
	}
	f.resources[r.id.Key()] = len(f.snap.Resources)
	f.snap.Resources = append(f.snap.Resources, out)
}

// detail returns what is kept of a resource in memory. Equal details are shared.
func (f *facts) detail(r *row) *mivet.Detail {
	d := mivet.Detail{Kind: r.Kind, Tags: texts(r.Tags), ManagedBy: parsed(r.ManagedBy), Settings: f.settings(r)}
	if d.Kind == "" && d.Tags == nil && d.ManagedBy.IsZero() && d.Settings == nil {
		return nil
	}
	key := detailKey(&d)
	if known := f.details[key]; known != nil {
		return known
	}
	f.details[key] = &d
	return &d
}

func detailKey(d *mivet.Detail) string {
	var b strings.Builder
	part := func(s string) {
		b.WriteString(strconv.Itoa(len(s)))
		b.WriteByte(':')
		b.WriteString(s)
	}
	part(d.Kind)
	part(d.ManagedBy.String())
	for _, m := range []map[string]string{d.Tags, d.Settings} {
		part(strconv.Itoa(len(m)))
		for _, k := range slices.Sorted(maps.Keys(m)) {
			part(k)
			part(m[k])
		}
	}
	return b.String()
}

// settings returns the properties that decide something for identities. A switch that the
// row does not hold was read and is not set.
func (f *facts) settings(r *row) map[string]string {
	if len(r.Properties) == 0 {
		return nil
	}
	typ := r.id.Type()
	out := f.redactor.Settings(typ, r.Properties)
	for _, path := range f.switches(typ) {
		if _, ok := out[path]; !ok {
			if out == nil {
				out = map[string]string{}
			}
			out[path] = "null"
		}
	}
	return out
}

// attachment reads the identities of a resource, of whatever type it is.
func (f *facts) attachment(r *row, src mivet.Source) *mivet.Attachment {
	if r.Identity == nil {
		return nil
	}
	kinds := strings.ToLower(r.Identity.Type)
	at := &mivet.Attachment{System: strings.Contains(kinds, "systemassigned")}
	if at.System {
		at.SystemPrincipal = mivet.NewPrincipalID(r.Identity.Principal)
		f.want(at.SystemPrincipal)
		f.identity(mivet.Identity{
			Kind: mivet.SystemAssigned, Resource: r.id, Principal: at.SystemPrincipal,
			TenantID: strings.ToLower(r.Identity.Tenant), Source: src,
		})
	}
	for _, key := range slices.Sorted(maps.Keys(r.Identity.User)) {
		id := parsed(key)
		if id.IsZero() {
			continue
		}
		u := r.Identity.User[key]
		at.User = append(at.User, id)
		f.want(mivet.NewPrincipalID(u.Principal))
		f.identity(mivet.Identity{
			Kind: mivet.UserAssigned, Resource: id, Principal: mivet.NewPrincipalID(u.Principal),
			ClientID: strings.ToLower(u.Client), Source: src,
		})
	}
	if !at.System && len(at.User) == 0 {
		return nil
	}
	return at
}

// identity adds an identity, or what is new about it.
func (f *facts) identity(id mivet.Identity) {
	key := identityKey{id.Kind, id.Resource.Key()}
	i, ok := f.identities[key]
	if !ok {
		f.identities[key] = len(f.snap.Identities)
		f.snap.Identities = append(f.snap.Identities, id)
		return
	}
	have := &f.snap.Identities[i]
	have.Principal = mivet.PrincipalID(first(string(have.Principal), string(id.Principal)))
	have.ClientID, have.TenantID = first(have.ClientID, id.ClientID), first(have.TenantID, id.TenantID)
}

func (f *facts) userAssigned(r *row, src mivet.Source) {
	p, _ := decoded[struct {
		Principal string `json:"principalId"`
		Client    string `json:"clientId"`
		Tenant    string `json:"tenantId"`
	}](r)
	id := mivet.Identity{
		Kind: mivet.UserAssigned, Resource: r.id, Principal: mivet.NewPrincipalID(p.Principal),
		ClientID: strings.ToLower(p.Client), TenantID: strings.ToLower(p.Tenant), Source: src,
	}
	f.want(id.Principal)
	f.identity(id)
	i := f.identities[identityKey{id.Kind, id.Resource.Key()}]
	f.snap.Identities[i].Resource, f.snap.Identities[i].Source = r.id, src
}

// vault reads the access list of a vault. A vault without one, whose permission model is
// not that of roles, has one that could not be read.
func (f *facts) vault(r *row, src mivet.Source) {
	p, ok := decoded[struct {
		RBAC     *bool `json:"enableRbacAuthorization"`
		Policies *[]struct {
			Object      string              `json:"objectId"`
			Tenant      string              `json:"tenantId"`
			Application string              `json:"applicationId"`
			Permissions map[string][]string `json:"permissions"`
		} `json:"accessPolicies"`
	}](r)
	if !ok || p.Policies == nil {
		if !ok || p.RBAC == nil || !*p.RBAC {
			f.addGap(mivet.Gap{
				Facts: mivet.FactAccessPolicies, Scope: r.id, Source: src, Permission: "Microsoft.KeyVault/vaults/read",
				Reason: "Resource Graph gives no access policies of the vault",
			})
		}
		return
	}
	for _, e := range *p.Policies {
		a := mivet.AccessPolicy{
			Vault: r.id, Principal: mivet.NewPrincipalID(e.Object), ApplicationID: strings.ToLower(e.Application), TenantID: strings.ToLower(e.Tenant), Source: src,
		}
		for kind, list := range e.Permissions {
			switch strings.ToLower(kind) {
			case "keys":
				a.Keys = list
			case "secrets":
				a.Secrets = list
			case "certificates":
				a.Certificates = list
			case "storage":
				a.Storage = list
			}
		}
		f.want(a.Principal)
		if f.once("policy|" + string(a.Vault.Key()) + "|" + string(a.Principal) + "|" + a.ApplicationID) {
			f.snap.AccessPolicies = append(f.snap.AccessPolicies, a)
		}
	}
}

// settingsList takes the app settings or connection strings of a site.
func (f *facts) settingsList(site arm.ID, p *page) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, "app settings", func(r *row) {
		values, _ := decoded[map[string]json.RawMessage](r)
		if !is(r.id.Name(), "appsettings") && !is(r.Name, "appsettings") {
			return // of connection strings the raw form keeps the names; no fact hangs on them
		}
		settings := map[string]string{}
		for name, raw := range values {
			var s string
			if json.Unmarshal(raw, &s) == nil {
				settings["siteConfig.appSettings."+name] = s
			}
		}
		f.beside = append(f.beside, besideRow{site.Key(), settings})
	})
}

// more takes what one resource was asked for beside its row.
func (f *facts) more(id arm.ID, c *call, p *page) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, c.what, func(r *row) {
		settings := f.redactor.Settings(id.Type(), r.Properties)
		if c == callSlotNames {
			settings = slotNames(settings)
		}
		f.beside = append(f.beside, besideRow{id.Key(), settings})
	})
}

// slotNames are the names of settings that stay; that there are none was read.
func slotNames(settings map[string]string) map[string]string {
	const list = "slotConfigNames.appSettingNames"
	out := map[string]string{}
	for path, value := range settings {
		if rest, ok := strings.CutPrefix(path, "appSettingNames"); ok && value != "null" {
			out[list+rest] = value
		}
	}
	if len(out) == 0 {
		out[list] = "null"
	}
	return out
}

// settle puts settings at a resource that is known, beside those that it has. Details are
// shared, so that it gets one of its own.
func (f *facts) settle(at arm.Key, settings map[string]string) {
	i, ok := f.resources[at]
	if !ok || len(settings) == 0 {
		return
	}
	d := mivet.Detail{}
	if have := f.snap.Resources[i].Detail; have != nil {
		d = *have
	}
	d.Settings = maps.Clone(d.Settings)
	if d.Settings == nil {
		d.Settings = make(map[string]string, len(settings))
	}
	maps.Copy(d.Settings, settings)
	f.snap.Resources[i].Detail = &d
}

// siteConfigs takes the configurations of sites.
func (f *facts) siteConfigs(p *page) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows(p, callSiteConfigs.what, func(r *row) {
		if settings := f.redactor.Settings(r.id.Type(), r.Properties); len(settings) > 0 {
			f.beside = append(f.beside, besideRow{r.id.Parent().Key(), inConfig(settings)})
		}
	})
}

// besideRow is what was read of a resource beside its row. It waits for the end: the row may
// come later, and more than once.
type besideRow struct {
	at       arm.Key
	settings map[string]string
}

// inConfig are the properties of a configuration, as those of its site.
func inConfig(settings map[string]string) map[string]string {
	out := make(map[string]string, len(settings))
	for path, value := range settings {
		out["siteConfig."+path] = value
	}
	return out
}

// settleBeside puts what was read beside rows at their resources.
func (f *facts) settleBeside() {
	for _, c := range f.beside {
		f.settle(c.at, c.settings)
	}
}

// texts returns the texts of a map of tags, nil where there are none.
func texts(m map[string]any) map[string]string {
	var out map[string]string
	for k, v := range m {
		if s, ok := v.(string); ok {
			if out == nil {
				out = make(map[string]string, len(m))
			}
			out[k] = s
		}
	}
	return out
}
