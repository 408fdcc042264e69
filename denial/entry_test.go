// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"fmt"
	"strings"
	"testing"
)

const appResource = "/subscriptions/s/resourcegroups/shop/providers/Microsoft.Web/sites/api"

// vaultEntry is an entry of a vault's log: who read a secret, with which status.
func vaultEntry(at, oid string, status int) string {
	signature := "OK"
	if status == 403 {
		signature = "Forbidden"
	}
	return fmt.Sprintf(`{"time":%q,"category":"AuditEvent","operationName":"SecretGet","resultType":"Success","resultSignature":%q,"resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV",`+
		`"identity":{"claim":{"oid":%q,"appid":"22222222-0000-4000-8000-000000000003","xms_mirid":%q}},"properties":{"id":"https://kv.vault.azure.net/secrets/db","httpStatusCode":%d,"isRbacAuthorized":%v,"isAddressAuthorized":true}}`+"\n",
		at, signature, oid, appResource, status, status == 200)
}

const swap = `{"time":"2026-11-01T05:00:00Z","category":"Administrative","operationName":"MICROSOFT.WEB/SITES/WRITE","resultType":"Success","resultSignature":"Succeeded.OK","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.WEB/SITES/API",` +
	`"identity":{"authorization":{"action":"Microsoft.Web/sites/write","scope":"/subscriptions/s/resourceGroups/shop/providers/Microsoft.Web/sites/api"},"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"99999999-0000-4000-8000-000000000001"}}}` + "\n"

// The old principal was served and the new one is refused: entries of Azure's own logs tell
// both, and what stands between.
func TestEntries(t *testing.T) {
	log := vaultEntry("2026-11-01T04:00:00Z", gone, 200) + vaultEntry("2026-11-01T04:30:00Z", gone, 200) + swap +
		vaultEntry("2026-11-01T06:00:00Z", apiOID, 403) + vaultEntry("2026-11-01T06:01:00Z", apiOID, 403) + "{ no entry\n"
	f := func(log string, uses, refusals int) {
		t.Helper()
		s, err := ReadSeries(strings.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		if s.Uses != uses || s.Refusals != refusals || len(s.Changes) != 1 {
			t.Fatalf("%d uses, %d refusals, changes %+v, groups %+v", s.Uses, s.Refusals, s.Changes, s.Groups)
		}
		c := s.Changes[0]
		if !c.Recreated() || c.From.Caller.OID != gone || !c.From.Granted || c.To.Caller.OID != apiOID || c.To.Granted {
			t.Errorf("from %+v to %+v", c.From, c.To)
		}
		if !strings.Contains(c.Beside, "Microsoft.Web/sites/write at ") || c.At.Time.Hour() != 6 {
			t.Errorf("at %v, beside %q", c.At, c.Beside)
		}
		if got := c.To.Operation; got != "Microsoft.KeyVault/vaults/secrets/getSecret/action" || !strings.HasSuffix(c.To.Resource, "/vaults/kv/secrets/db") {
			t.Errorf("asked was %s at %s", got, c.To.Resource)
		}
		if got := s.Formers(c.To); len(got) != 1 || got[0] != gone {
			t.Errorf("formers are %v", got)
		}
	}
	f(log, 2, 2)
	var records []string
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "{ ") {
			records = append(records, strings.TrimSpace(line))
		}
	}
	f(`{"records":[`+strings.Join(records, ",")+`]}`, 2, 2)

	// What is granted to both is no change of interest, and an entry without a right none at all.
	s, err := ReadSeries(strings.NewReader(vaultEntry("2026-11-01T04:00:00Z", gone, 200) + vaultEntry("2026-11-01T05:00:00Z", apiOID, 200) +
		`{"category":"AuditEvent","operationName":"Authentication"}` + "\n" + `{"records":[{"category":"AuditEvent"` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Uses != 2 || s.Refusals != 0 || len(s.Changes) != 0 || len(s.Groups) != 0 {
		t.Errorf("%d uses, %d refusals, %d changes, %d groups", s.Uses, s.Refusals, len(s.Changes), len(s.Groups))
	}
}
