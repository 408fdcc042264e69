// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// deletedVault is a vault that was deleted and can be recovered, with what was in it. What
// was granted at it by roles is gone: a recovery does not bring it back
// (learn.microsoft.com/azure/key-vault/general/key-vault-recovery).
type deletedVault struct {
	vault     mivet.Resource
	below     []mivet.Resource
	policies  []mivet.AccessPolicy
	bodies    map[arm.Key]object
	deleted   time.Time
	purge     time.Time // when it goes by itself
	protected bool      // against being purged before
}

const deletedVaultType = "Microsoft.KeyVault/locations/deletedVaults"

// keepVault keeps a vault that is about to be deleted.
func (d *draft) keepVault(r *mivet.Resource) {
	v := deletedVault{vault: *r, bodies: map[arm.Key]object{}, deleted: d.now, purge: d.now.AddDate(0, 0, 90)}
	for i := range d.snap.Resources {
		if o := &d.snap.Resources[i]; r.ID.Contains(o.ID) && !o.ID.Equal(r.ID) {
			v.below = append(v.below, *o)
		}
	}
	for i := range d.snap.AccessPolicies {
		if p := &d.snap.AccessPolicies[i]; p.Vault.Equal(r.ID) {
			v.policies = append(v.policies, *p)
		}
	}
	for k, body := range d.bodies {
		if k == r.ID.Key() || strings.HasPrefix(string(k), string(r.ID.Key())+"/") {
			v.bodies[k] = body
		}
	}
	p, _ := d.bodies[r.ID.Key()]["properties"].(object)
	if days, ok := p["softDeleteRetentionInDays"].(float64); ok {
		v.purge = d.now.AddDate(0, 0, int(days))
	}
	v.protected, _ = p["enablePurgeProtection"].(bool)
	if r.Detail != nil && r.Detail.Settings["enablePurgeProtection"] == "true" {
		v.protected = true
	}
	d.deletedVaults[strings.ToLower(r.ID.Name())] = v
}

// recoverVault puts a vault back as it was.
func (d *draft) recoverVault(name string) {
	v := d.deletedVaults[name]
	d.putResource(v.vault)
	for _, r := range v.below {
		d.putResource(r)
	}
	d.snap.AccessPolicies = append(d.snap.AccessPolicies[:len(d.snap.AccessPolicies):len(d.snap.AccessPolicies)], v.policies...)
	maps.Copy(d.bodies, v.bodies)
	delete(d.deletedVaults, name)
}

// vaultName checks the name of a vault that is to be made, and recovers the vault of that
// name if the request says so.
func (q *armRequest) vaultName(id arm.ID, body object) *armFault {
	w := q.s.world
	name := strings.ToLower(id.Name())
	p, _ := body["properties"].(object)
	mode, _ := p["createMode"].(string)
	gone, there := w.deletedVaults[name]
	switch {
	case !there:
		if _, used := w.accounts[strings.ToLower(vaultType+"/"+name)]; used {
			return fault(http.StatusConflict, "VaultAlreadyExists", "The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is already taken.", id.Name())
		}
	case !strings.EqualFold(mode, "recover"):
		return fault(http.StatusConflict, "ConflictError", "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.")
	case !gone.vault.ID.Equal(id): // a vault comes back where it was; the code is not established
		return fault(http.StatusConflict, "ConflictError", "The deleted vault '%s' can be recovered at '%s' only.", id.Name(), gone.vault.ID)
	default:
		q.publish(func(d *draft) { d.recoverVault(name) })
	}
	return nil
}

// deletedVaults serves the vaults that can be recovered (API version 2023-07-01): those of a
// subscription, one of them, and POST …/purge.
func (q *armRequest) deletedVaults(t target) {
	sub := t.scope.Subscription()
	if !q.allowed("Microsoft.KeyVault/locations/deletedVaults/read", sub) {
		return
	}
	var all []entry
	for name, v := range q.s.world.deletedVaults {
		if !v.vault.ID.Subscription().Equal(sub) {
			continue
		}
		o := v.render(q.s.world.tenant)
		if t.name != "" && strings.EqualFold(name, t.name) {
			q.write(o)
			return
		}
		all = append(all, entry{v.vault.ID, fixed(o)})
	}
	if t.name != "" {
		writeError(q.w, http.StatusNotFound, "DeletedVaultNotFound", fmt.Sprintf("The specified deleted vault '%s' does not exist.", t.name))
		return
	}
	q.list(all)
}

func (v *deletedVault) render(tenant string) object {
	const form = "2006-01-02T15:04:05Z"
	id := v.vault.ID
	p := object{
		"vaultId": id.String(), "location": v.vault.Location, "tenantId": tenant, "deletionDate": v.deleted.UTC().Format(form),
		"scheduledPurgeDate": v.purge.UTC().Format(form), "purgeProtectionEnabled": v.protected,
	}
	if v.vault.Detail != nil {
		p["tags"] = tagsOf(v.vault.Detail.Tags)
	}
	return object{
		"id":   id.Subscription().String() + "/providers/Microsoft.KeyVault/locations/" + v.vault.Location + "/deletedVaults/" + id.Name(),
		"name": id.Name(), "type": "Microsoft.KeyVault/deletedVaults", "properties": p,
	}
}

// purgeVault answers POST …/deletedVaults/{name}/purge.
func (q *armRequest) purgeVault(sub arm.ID, name string) *armFault {
	if f := q.mayGiven("Microsoft.KeyVault/locations/deletedVaults/purge/action", sub, nil); f != nil {
		return f
	}
	v, there := q.s.world.deletedVaults[strings.ToLower(name)]
	switch {
	case !there || !v.vault.ID.Subscription().Equal(sub):
		return fault(http.StatusNotFound, "DeletedVaultNotFound", "The specified deleted vault '%s' does not exist.", name)
	case v.protected: // the code is not established
		return fault(http.StatusBadRequest, "MethodNotAllowed", "Operation \"purge\" is not enabled for this vault.")
	}
	q.publish(func(d *draft) { delete(d.deletedVaults, strings.ToLower(name)) })
	q.s.contents.drop(v.vault.ID, nil)
	q.w.Header().Set("Location", q.begun(sub))
	q.w.WriteHeader(http.StatusAccepted)
	return nil
}
