// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"strings"
	"testing"
)

// A vault that is deleted can be recovered, but the roles at it are gone; its name is free
// once it is purged.
func TestDeletedVault(t *testing.T) {
	s := start(t, parse(t, writeTenant), Options{})
	owner := newClient(t, s, wOwner)
	const deleted = wSub + "/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults"
	const made = `{"location":"westeurope","tags":{"a":"b"},"properties":{"enableRbacAuthorization":true,"enableSoftDelete":false,"softDeleteRetentionInDays":7,
		"accessPolicies":[{"objectId":"` + alice + `","permissions":{"secrets":["get"]}}]}}`
	owner.expect(201, "PUT", wVault+wv, made, `"enableSoftDelete":true`)
	owner.expect(409, "PUT", wSub+"/resourceGroups/kept/providers/Microsoft.KeyVault/vaults/KV"+wv, made, "VaultAlreadyExists")
	owner.expect(201, "PUT", wVault+"/secrets/db"+wv, `{"properties":{"value":"hidden"}}`)
	owner.expect(201, "PUT", assignmentAt(wVault, guid(1)), `{"properties":{"roleDefinitionId":"`+secretsUser+`","principalId":"`+alice+`","principalType":"User"}}`)
	owner.expect(404, "GET", deleted+"/kv"+wv, "", "DeletedVaultNotFound")
	owner.expect(404, "POST", deleted+"/kv/purge"+wv, "", "DeletedVaultNotFound")

	owner.expect(200, "DELETE", wVault+wv, "")
	owner.expect(404, "GET", wVault+wv, "")
	r := owner.expect(200, "GET", deleted+"/KV"+wv, "", `"vaultId":"`+wVault+`"`, `"purgeProtectionEnabled":false`, `"a":"b"`)
	p, _ := r.body["properties"].(map[string]any)
	gone, _ := p["deletionDate"].(string)
	if purge, _ := p["scheduledPurgeDate"].(string); gone == "" || purge <= gone {
		t.Errorf("%v", p)
	}
	owner.expect(200, "GET", wSub+"/providers/Microsoft.KeyVault/deletedVaults"+wv, "", `"name":"kv"`)
	owner.expect(409, "PUT", wVault+wv, made, "ConflictError", "in deleted state")
	owner.expect(409, "PUT", wSub+"/resourceGroups/kept/providers/Microsoft.KeyVault/vaults/kv"+wv, `{"location":"westeurope","properties":{"createMode":"recover"}}`, "ConflictError")
	owner.expect(200, "PUT", wVault+wv, `{"location":"westeurope","properties":{"createMode":"recover","enableRbacAuthorization":true}}`)
	if r := owner.expect(200, "GET", wVault+wv, "", alice); strings.Contains(r.text, "createMode") {
		t.Errorf("%s", r.text)
	}
	dataCaller(t, s, OperatorID, vaultAud).expect(200, "GET", kvHost+"/secrets/db"+v7, "", `"value":"hidden"`)
	owner.expect(404, "GET", assignmentAt(wVault, guid(1)), "")
	owner.expect(404, "GET", deleted+"/kv"+wv, "")

	// With its group it goes as well.
	owner.expect(202, "DELETE", wApp+"?api-version=2021-04-01", "")
	newClient(t, s, wContributor).expect(403, "POST", deleted+"/kv/purge"+wv, "", "locations/deletedVaults/purge/action")
	newClient(t, s, wContributor).expect(403, "GET", deleted+"/kv"+wv, "", "locations/deletedVaults/read")
	if r := owner.expect(202, "POST", deleted+"/kv/purge"+wv, ""); r.header.Get("Location") == "" {
		t.Errorf("%v", r.header)
	}
	owner.expect(404, "GET", deleted+"/kv"+wv, "")
	owner.expect(201, "PUT", wApp+"?api-version=2021-04-01", `{"location":"westeurope"}`)
	protected := strings.Replace(made, `"enableSoftDelete":false`, `"enablePurgeProtection":true`, 1)
	if r := owner.expect(201, "PUT", wVault+wv, protected); strings.Contains(owner.expect(200, "GET", wVault+"/secrets"+wv, "").text, "db") {
		t.Errorf("a new vault has the secrets of one that was purged: %s", r.text)
	}
	owner.expect(200, "DELETE", wVault+wv, "")
	owner.expect(400, "POST", deleted+"/kv/purge"+wv, "", "MethodNotAllowed")
	owner.expect(405, "POST", wVault+"/purge"+wv, "", "MethodNotAllowed")
}
