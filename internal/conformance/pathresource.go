// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/execpath"
)

// pathResource is a resource of an environment: what has a meaning of its own, and
// properties, which have none.
type pathResource struct {
	id       arm.ID
	identity struct {
		Type         string   `json:"type"`
		System       string   `json:"system"`
		UserAssigned []string `json:"userAssigned"`
		Principal    string   `json:"principal"`
	}
	kind      string
	holds     []string
	policies  []pathPolicy
	federated []mivet.FederatedCredential
	settings  map[string]string
	managedBy string
	own       string // the principal that a user-assigned identity is called by
}

type pathPolicy struct {
	Principal   string                           `json:"principal"`
	ObjectID    string                           `json:"objectId"`
	Keys        []string                         `json:"keys"`
	Secrets     []string                         `json:"secrets"`
	Permissions struct{ Keys, Secrets []string } `json:"permissions"`
}

func (r *pathResource) read(text json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	r.settings = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := r.field(name, fields[name]); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	if r.id.IsZero() {
		return &MissingError{"id"}
	}
	return nil
}

func (r *pathResource) field(name string, text json.RawMessage) error {
	switch name {
	case "id":
		return json.Unmarshal(text, &r.id)
	case "identity":
		if string(text) == "null" {
			return nil
		}
		return json.Unmarshal(text, &r.identity)
	case "kind":
		return json.Unmarshal(text, &r.kind)
	case "principal":
		return json.Unmarshal(text, &r.own)
	case "managedBy":
		return json.Unmarshal(text, &r.managedBy)
	case "secretsHold":
		return json.Unmarshal(text, &r.holds)
	case "accessPolicies":
		return json.Unmarshal(text, &r.policies)
	case "federatedCredentials":
		return json.Unmarshal(text, &r.federated)
	case "properties":
		return r.flatten("", text)
	}
	return r.flatten(name, text)
}

// flatten turns a property into settings.
func (r *pathResource) flatten(path string, text json.RawMessage) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, below := range v {
				walk(strings.TrimPrefix(path+"."+k, "."), below)
			}
		case []any:
			for i, below := range v {
				if name, value, ok := nameAndValue(below); ok { // as app settings are listed
					walk(path+"."+name, value)
					continue
				}
				walk(path+"["+strconv.Itoa(i)+"]", below)
			}
		case nil:
			r.settings[path] = "null"
		default:
			r.settings[path] = fmt.Sprint(v)
		}
	}
	walk(path, v)
	return nil
}

// nameAndValue reads an element {"name", "value"} of a list.
func nameAndValue(v any) (name string, value any, ok bool) {
	pair, _ := v.(map[string]any)
	name, ok = pair["name"].(string)
	value, has := pair["value"]
	return name, value, ok && has && len(pair) == 2
}

// principal is what a user-assigned identity is called in assignments.
func (r *pathResource) principal() string {
	switch {
	case r.own != "":
		return r.own
	case r.identity.Principal != "":
		return r.identity.Principal
	}
	return r.id.Name()
}

// defaults are what Azure takes where a case says nothing, since a case is a closed world.
var pathDefaults = map[string]map[string]string{
	"Microsoft.KeyVault/vaults":                  {"enableRbacAuthorization": "false"},
	"Microsoft.ContainerRegistry/registries":     {"roleAssignmentMode": "null"},
	"Microsoft.ContainerService/managedClusters": {"aadProfile.enableAzureRBAC": "null", "aadProfile.managed": "null"},
	"Microsoft.Kubernetes/connectedClusters":     {"aadProfile.enableAzureRBAC": "null"},
	"Microsoft.Search/searchServices":            {"authOptions": "null", "disableLocalAuth": "null"},
	"Microsoft.Storage/storageAccounts":          {"isHnsEnabled": "null"},
}

func (w *pathWorld) addResource(in *pathResource) error {
	for typ, defaults := range pathDefaults {
		for k, v := range defaults {
			if _, given := in.settings[k]; !given && in.id.HasType(typ) {
				in.settings[k] = v
			}
		}
	}
	res := mivet.Resource{ID: in.id, Detail: &mivet.Detail{Kind: in.kind, Settings: in.settings}}
	if in.managedBy != "" {
		id, err := arm.ParseID(in.managedBy)
		if err != nil {
			return err
		}
		res.Detail.ManagedBy = id
	}
	if in.identity.System != "" || len(in.identity.UserAssigned) > 0 {
		res.Identity = &mivet.Attachment{System: in.identity.System != "", SystemPrincipal: mivet.PrincipalID(in.identity.System)}
		if in.identity.System != "" {
			p := mivet.PrincipalID(in.identity.System)
			w.named[p] = true
			w.snap.Identities = append(w.snap.Identities, mivet.Identity{Kind: mivet.SystemAssigned, Resource: in.id, Principal: p})
		}
		for _, name := range in.identity.UserAssigned {
			id, err := w.identity(name)
			if err != nil {
				return err
			}
			res.Identity.User = append(res.Identity.User, id)
		}
	}
	w.snap.Resources = append(w.snap.Resources, res)
	for _, name := range in.holds {
		w.options.Credentials = append(w.options.Credentials, execpath.Credential{At: in.id, Principal: mivet.PrincipalID(name)})
	}
	for _, p := range in.policies {
		w.snap.AccessPolicies = append(w.snap.AccessPolicies, mivet.AccessPolicy{
			Vault: in.id, Principal: mivet.PrincipalID(p.Principal + p.ObjectID),
			Keys: slices.Concat(p.Keys, p.Permissions.Keys), Secrets: slices.Concat(p.Secrets, p.Permissions.Secrets),
		})
	}
	for _, f := range in.federated {
		f.Identity = in.id
		w.snap.FederatedCredentials = append(w.snap.FederatedCredentials, f)
	}
	return nil
}

// elsewhere is where identities are that no resource of the case is.
const elsewhere = "/subscriptions/not-in-the-case/resourceGroups/none/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"

// identity is the resource of a user-assigned identity by its name or its ID.
func (w *pathWorld) identity(name string) (arm.ID, error) {
	if strings.HasPrefix(name, "/") {
		return arm.ParseID(name)
	}
	if id, ok := w.identities[name]; ok {
		return id, nil
	}
	id, err := arm.ParseID(elsewhere + name)
	if err != nil {
		return id, err
	}
	w.identities[name] = id
	w.named[mivet.PrincipalID(name)] = true
	w.snap.Identities = append(w.snap.Identities, mivet.Identity{Kind: mivet.UserAssigned, Resource: id, Principal: mivet.PrincipalID(name)})
	return id, nil
}
