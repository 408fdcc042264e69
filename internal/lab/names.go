// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// nameAvailable answers POST …/checkNameAvailability: the names of apps, vaults and accounts
// are those of hosts, so that each is there once in the world. Body and answer are the same
// for all providers (Azure/azure-rest-api-specs common-types/resource-management/v5/types.json).
func (q *armRequest) nameAvailable(parts []string) {
	sub, provider := mustID("/subscriptions/"+parts[1]), strings.Split(strings.Trim(q.path, "/"), "/")[3]
	if !q.scopeExists(sub) || !q.allowed(provider+"/checkNameAvailability/read", sub) {
		return
	}
	var body struct {
		Name string `json:"name"`
	}
	if err := json.NewDecoder(q.r.Body).Decode(&body); err != nil {
		writeError(q.w, http.StatusBadRequest, "InvalidRequestContent", fmt.Sprintf("The request content was invalid and could not be deserialized: '%v'.", err))
		return
	}
	for i := range q.s.world.resources {
		t := &q.s.world.resources[i]
		if !isChild(t.typ) && strings.HasPrefix(strings.ToLower(t.typ), parts[3]+"/") && t.typ != groupType && strings.EqualFold(t.id.Name(), body.Name) {
			q.write(object{"nameAvailable": false, "reason": "AlreadyExists", "message": fmt.Sprintf("The name '%s' is already in use.", body.Name)})
			return
		}
	}
	if _, gone := q.s.world.deletedVaults[strings.ToLower(body.Name)]; gone && parts[3] == "microsoft.keyvault" {
		q.write(object{"nameAvailable": false, "reason": "AlreadyExists", "message": fmt.Sprintf("The vault name '%s' is already in use by a vault in deleted state.", body.Name)})
		return
	}
	q.write(object{"nameAvailable": true})
}
