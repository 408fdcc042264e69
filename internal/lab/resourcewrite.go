// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// writtenResource returns a resource that was written to the lab as Resource Manager does:
// as it was sent, with what Azure adds.
func (w *world) writtenResource(t *thing, body object) object {
	o := maps.Clone(body)
	o["id"], o["name"], o["type"] = t.id.String(), t.id.Name(), t.typ
	p := object{}
	if given, ok := body["properties"].(object); ok {
		p = maps.Clone(given)
	}
	name := strings.ToLower(t.id.Name())
	switch arm.Fold(t.typ) {
	case arm.Fold(identityType):
		maps.Copy(p, w.properties(t))
	case arm.Fold(vaultType):
		delete(p, "createMode")
		p["enableSoftDelete"] = true // also where the request says otherwise
		p["tenantId"], p["vaultUri"], p["accessPolicies"] = w.tenant, "https://"+name+".vault.azure.net/", w.accessPolicies(t.id)
	case arm.Fold(storageType):
		p["primaryEndpoints"] = object{"blob": "https://" + name + ".blob.core.windows.net/", "queue": "https://" + name + ".queue.core.windows.net/"}
	case arm.Fold(busType):
		p["serviceBusEndpoint"] = "https://" + name + ".servicebus.windows.net:443/"
	case arm.Fold(siteType), arm.Fold(siteType + "/slots"):
		w.completeSite(t, o, p)
	case arm.Fold(containerGroupType):
		completeContainers(p)
	}
	if !strings.EqualFold(t.typ, identityType) {
		p["provisioningState"] = "Succeeded"
	}
	o["properties"] = p
	if id := w.identity(t); id != nil {
		o["identity"] = id
	}
	return o
}

const containerGroupType = "Microsoft.ContainerInstance/containerGroups"

// completeContainers gives each container the lists that clients go through without looking
// (hashicorp/terraform-provider-azurerm internal/services/containers/container_group_resource.go).
func completeContainers(p object) {
	list, _ := p["containers"].([]any)
	var all []any
	for _, c := range list {
		one, _ := c.(object)
		one = maps.Clone(one)
		inner, _ := one["properties"].(object)
		inner = maps.Clone(inner)
		if inner == nil {
			inner = object{}
		}
		for _, key := range []string{"ports", "environmentVariables"} {
			if inner[key] == nil {
				inner[key] = []any{}
			}
		}
		if one == nil {
			one = object{}
		}
		one["properties"] = inner
		all = append(all, one)
	}
	if all != nil {
		p["containers"] = all
	}
}

// syncTypes answer a PUT of something new with 200 (the others with 201), and asyncTypes with
// the address at which the end of the operation is told.
var (
	syncTypes  = []string{"microsoft.web/", "microsoft.storage/", "microsoft.compute/"}
	asyncTypes = []string{"microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets", "microsoft.containerinstance/containergroups", "microsoft.app/containerapps", "microsoft.containerservice/managedclusters"}
)

// putGroup makes or changes a resource group.
func (q *armRequest) putGroup(id arm.ID, body object) *armFault {
	w := q.s.world
	before := w.find(id)
	if f := q.mayWrite("Microsoft.Resources/subscriptions/resourceGroups/write", id, false); f != nil {
		return f
	}
	if q.r.Method == http.MethodPatch && before == nil {
		return fault(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", id.Name())
	}
	location, _ := body["location"].(string)
	r := mivet.Resource{ID: id, Location: location, Detail: &mivet.Detail{Tags: tagsOfBody(body)}}
	status := http.StatusCreated
	if before != nil {
		status = http.StatusOK
		r.ID = before.id
		if before.node != nil && location == "" {
			r.Location = before.node.Location
		}
	}
	if r.Location == "" {
		return fault(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
	}
	q.publish(func(d *draft) { d.putResource(r) })
	return q.answerThing(status, id)
}

func tagsOfBody(body object) map[string]string {
	tags, _ := body["tags"].(object)
	if len(tags) == 0 {
		return nil
	}
	out := map[string]string{}
	for k, v := range tags {
		out[k] = fmt.Sprint(v)
	}
	return out
}

// answerThing answers with what was written.
func (q *armRequest) answerThing(status int, id arm.ID) *armFault {
	w := q.s.world
	t := w.find(id)
	if t == nil {
		return fault(http.StatusInternalServerError, "InternalServerError", "The lab lost what it wrote.")
	}
	o, err := w.whole(t)
	if err != nil {
		return fault(http.StatusInternalServerError, "InternalServerError", "%v", err)
	}
	writeJSON(q.w, status, o)
	return nil
}

// putResource makes or changes a resource of any type.
func (q *armRequest) putResource(t target, body object) *armFault {
	w := q.s.world
	id := mustID(q.path)
	if id.IsZero() || id.Level() != arm.LevelResource {
		return fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "The lab has no %s %s.", q.r.Method, q.path)
	}
	before := w.find(id)
	if before != nil {
		id = before.id
	}
	if f := q.mayWrite(t.typ+"/write", id, false); f != nil {
		return f
	}
	if f := q.mayAssign(t.typ, id, body); f != nil {
		return f
	}
	if parent := id.Parent(); parent.Level() == arm.LevelResource && w.find(parent) == nil && parent.Name() != "default" {
		return fault(http.StatusNotFound, "ParentResourceNotFound", "Failed to perform '%s' on resource(s) of type '%s', because the parent resource '%s' could not be found.", strings.ToLower(q.r.Method), t.typ, parent)
	}
	if before == nil && strings.EqualFold(t.typ, vaultType) {
		if f := q.vaultName(id, body); f != nil {
			return f
		}
		before = q.s.world.find(id)
	}
	old, f := q.bodyBefore(before)
	if f != nil {
		return f
	}
	whole := body
	if q.r.Method == http.MethodPatch {
		if before == nil {
			return fault(http.StatusNotFound, "ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", id.Type(), id.Name(), id.ResourceGroup())
		}
		whole = merge(old, body)
	}
	if f := checkLocation(t, id, old, whole); f != nil {
		return f
	}
	r, kept, f := q.resourceOf(t, id, before, whole)
	if f != nil {
		return f
	}
	if f := q.store(t, id, before, r, kept, body); f != nil {
		return f
	}
	status := http.StatusOK
	typ := strings.ToLower(t.typ) + "/"
	if before == nil && !slices.ContainsFunc(syncTypes, func(p string) bool { return strings.HasPrefix(typ, p) }) {
		status = http.StatusCreated
	}
	if slices.Contains(asyncTypes, strings.TrimSuffix(typ, "/")) {
		if before == nil {
			status = http.StatusCreated
		}
		q.w.Header().Set("Azure-AsyncOperation", q.begun(id))
	}
	return q.answerThing(status, id)
}

// store publishes a resource with its identity and what belongs to it.
func (q *armRequest) store(t target, id arm.ID, before *thing, r mivet.Resource, kept, body object) *armFault {
	var f *armFault
	err := q.s.Server.publish(func(d *draft) error {
		var had *mivet.Attachment
		if before != nil && before.node != nil {
			had = before.node.Identity
		}
		if r.Identity, f = d.attach(id, had, body, q.r.Method == http.MethodPatch); f != nil {
			return errRefused
		}
		if strings.EqualFold(t.typ, identityType) && q.s.world.identities[id.Key()] == nil {
			d.bear(mivet.UserAssigned, id)
		}
		if strings.EqualFold(t.typ, vaultType) {
			d.putPolicies(id, body)
		}
		d.putResource(r)
		d.bodies[id.Key()] = kept
		return nil
	})
	q.s = q.s.view()
	if err != nil && f == nil {
		f = fault(http.StatusInternalServerError, "InternalServerError", "%v", err)
	}
	return f
}

// errRefused ends a draft of which nothing becomes.
var errRefused = errors.New("the request is refused")

// bodyBefore is a resource as it was sent, or as it would have been.
func (q *armRequest) bodyBefore(before *thing) (object, *armFault) {
	if before == nil {
		return nil, nil
	}
	o, err := q.s.world.whole(before)
	if err != nil {
		return nil, fault(http.StatusInternalServerError, "InternalServerError", "%v", err)
	}
	return o, nil
}

// merge is a JSON merge patch (RFC 7396), which PATCH of most resource providers comes to.
func merge(old, patch object) object {
	out := maps.Clone(old)
	if out == nil {
		out = object{}
	}
	for k, v := range patch {
		switch v := v.(type) {
		case nil:
			delete(out, k)
		case object:
			below, _ := out[k].(object)
			out[k] = merge(below, v)
		default:
			out[k] = v
		}
	}
	return out
}

// checkLocation checks what Resource Manager checks of the place of a resource itself.
func checkLocation(t target, id arm.ID, old, body object) *armFault {
	location, _ := body["location"].(string)
	before, _ := old["location"].(string)
	tracked := strings.Count(t.typ, "/") == 1 && t.scope.Level() == arm.LevelResourceGroup
	switch {
	case !tracked:
	case location == "" && before == "":
		return fault(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
	case before != "" && location != "" && plainLocation(before) != plainLocation(location):
		return fault(http.StatusConflict, "InvalidResourceLocation", "The resource '%s' already exists in location '%s' in resource group '%s'. A resource with the same name cannot be created in location '%s'. Please select a new resource name.",
			id.Name(), plainLocation(before), id.ResourceGroup(), plainLocation(location))
	}
	return nil
}

func plainLocation(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }

// resourceOf makes of a body what the snapshot says of a resource, and what is kept of it.
func (q *armRequest) resourceOf(t target, id arm.ID, before *thing, body object) (mivet.Resource, object, *armFault) {
	kept := maps.Clone(body)
	for _, k := range []string{"id", "name", "type", "identity"} {
		delete(kept, k)
	}
	p, _ := kept["properties"].(object)
	p = maps.Clone(p)
	if p == nil {
		p = object{}
	}
	delete(p, "accessPolicies")
	kept["properties"] = p
	settings := map[string]string{}
	if before != nil && before.node != nil && before.node.Detail != nil {
		for path, v := range before.node.Detail.Settings {
			if isAppSetting(path) { // a PUT that does not speak of them leaves them
				settings[path] = v
			}
		}
	}
	if config, ok := p["siteConfig"].(object); ok {
		config = maps.Clone(config)
		if list, ok := config["appSettings"].([]any); ok {
			maps.DeleteFunc(settings, func(path, _ string) bool { return isAppSetting(path) })
			for _, e := range list {
				if one, ok := e.(object); ok {
					settings[appSettingsPrefix+fmt.Sprint(one["name"])] = fmt.Sprint(one["value"])
				}
			}
		}
		delete(config, "appSettings")
		p["siteConfig"] = config
	}
	if strings.EqualFold(t.typ, vaultType) && p["enableRbacAuthorization"] == nil {
		p["enableRbacAuthorization"] = authz.VaultRoleBased(q.query.Get("api-version"))
	}
	if strings.EqualFold(t.typ, storageType) && p["allowSharedKeyAccess"] == nil {
		p["allowSharedKeyAccess"] = true
	}
	if strings.EqualFold(t.typ, vaultType+"/secrets") {
		q.setSecretByARM(id, p)
	}
	decides, err := q.s.settler.settings(t.typ, kept)
	if err != nil {
		return mivet.Resource{}, nil, fault(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	maps.Copy(settings, decides)
	r := mivet.Resource{ID: id, Detail: &mivet.Detail{Tags: tagsOfBody(body), Settings: settings}}
	r.Location, _ = body["location"].(string)
	r.Location = plainLocation(r.Location)
	r.Detail.Kind, _ = body["kind"].(string)
	if text, _ := body["managedBy"].(string); text != "" {
		r.Detail.ManagedBy = mustID(text)
	}
	return r, kept, nil
}

// attach makes the identities of a resource what the body says. A PUT without the block
// leaves them as they are; PATCH takes away those that it gives as null.
func (d *draft) attach(id arm.ID, had *mivet.Attachment, body object, patch bool) (*mivet.Attachment, *armFault) {
	block, there := body["identity"].(object)
	if !there {
		return had, nil
	}
	kind, _ := block["type"].(string)
	system, user, ok := identityKinds(kind)
	if !ok {
		return nil, fault(http.StatusBadRequest, "InvalidIdentityType", "The identity type '%s' is not valid.", kind)
	}
	a := &mivet.Attachment{System: system}
	switch {
	case system && had != nil && had.System:
		a.SystemPrincipal = had.SystemPrincipal
	case system:
		a.SystemPrincipal = d.bear(mivet.SystemAssigned, id)
	case had != nil && had.System:
		d.dropSystem(id)
	}
	if user {
		if patch && had != nil {
			a.User = slices.Clone(had.User)
		}
		list, _ := block["userAssignedIdentities"].(object)
		for _, name := range slices.Sorted(maps.Keys(list)) {
			u := mustID(name)
			if u.IsZero() {
				return nil, fault(http.StatusBadRequest, "InvalidIdentityIds", "The identity ID '%s' is not valid.", name)
			}
			a.User = slices.DeleteFunc(a.User, func(o arm.ID) bool { return o.Equal(u) })
			if list[name] != nil {
				a.User = append(a.User, u)
			}
		}
	}
	if !a.System && len(a.User) == 0 {
		return nil, nil
	}
	return a, nil
}

// identityKinds reads the type of an identity block. The spelling of "both" varies from
// provider to provider.
func identityKinds(kind string) (system, user, ok bool) {
	switch strings.ToLower(strings.ReplaceAll(kind, " ", "")) {
	case "none", "":
		return false, false, true
	case "systemassigned":
		return true, false, true
	case "userassigned":
		return false, true, true
	case "systemassigned,userassigned", "userassigned,systemassigned", "systemassigneduserassigned", "systemanduserassigned":
		return true, true, true
	}
	return false, false, false
}

// mayAssign checks the right to attach each user-assigned identity that a body names.
func (q *armRequest) mayAssign(typ string, id arm.ID, body object) *armFault {
	block, _ := body["identity"].(object)
	list, _ := block["userAssignedIdentities"].(object)
	const action = identityType + "/assign/action"
	var refused, missing []string
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if list[name] == nil {
			continue
		}
		u := mustID(name)
		if ok, _ := q.s.may(q.c, action, u); !ok {
			refused = append(refused, name)
		} else if q.s.world.find(u) == nil {
			missing = append(missing, name)
		}
	}
	switch {
	case len(refused) > 0:
		return fault(http.StatusForbidden, "LinkedAuthorizationFailed",
			"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, it does not have permission to perform action(s) '%s' on the linked scope(s) '%s' (respectively) or the linked scope(s) are invalid.",
			q.c.AppID, q.c.OID, typ+"/write", id, action, strings.Join(refused, ","))
	case len(missing) > 0:
		return fault(http.StatusBadRequest, "FailedIdentityOperation",
			"Identity operation for resource '%s' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{\"error\":{\"code\":\"BadRequest\",\"message\":\"Resource '%s' was not found.\"}}'.'.", id, missing[0])
	}
	return nil
}

// deleteThing deletes a resource or a group with what is below it.
func (q *armRequest) deleteThing(id arm.ID, typ string) *armFault {
	operation := typ + "/delete"
	if typ == groupType {
		operation = "Microsoft.Resources/subscriptions/resourceGroups/delete"
	}
	if f := q.mayWrite(operation, id, true); f != nil {
		return f
	}
	// What is below goes with it, so a lock there keeps it too.
	if f := q.lockedBy(id, true, func(l *mivet.Lock) bool { return id.Contains(l.Scope) }); f != nil {
		return f
	}
	before := q.s.world.find(id)
	if before == nil {
		if typ == groupType {
			return fault(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", id.Name())
		}
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	q.publish(func(d *draft) { d.deleteBelow(before.id) })
	q.s.contents.drop(before.id, q.s.world.deletedVaults)
	switch {
	case typ == groupType:
		q.w.Header().Set("Location", q.begun(id))
		q.w.WriteHeader(http.StatusAccepted)
	case slices.Contains(asyncTypes, strings.ToLower(typ)):
		url := q.begun(id)
		q.w.Header().Set("Location", url)
		q.w.Header().Set("Azure-AsyncOperation", url)
		q.w.WriteHeader(http.StatusAccepted)
	default:
		q.w.WriteHeader(http.StatusOK)
	}
	return nil
}
