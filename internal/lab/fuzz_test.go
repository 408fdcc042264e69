// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever is asked is answered, never with an error of the lab's own.
func FuzzRequest(f *testing.F) {
	s := start(f, parse(f, everything), Options{})
	c := newClient(f, s, OperatorID)
	for _, seed := range [][3]string{
		{"GET", kv + "?api-version=2024-01-01", ""},
		{"GET", kv + "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()", ""},
		{"GET", prod + "/resources?api-version=2024-01-01&$top=2&$skiptoken=1&$filter=resourceType%20eq%20'x'", ""},
		{"GET", "/providers/Microsoft.Management/managementGroups/top?api-version=2020-05-01&$expand=children&$recurse=true", ""},
		{"POST", graphPath, `{"query":"resources | project id | order by id asc","options":{"$top":1,"$skipToken":"e30="},"subscriptions":["x"]}`},
		{"POST", appGroup + "/providers/Microsoft.Web/sites/api/config/appsettings/list?api-version=2023-12-01", ""},
		{"GET", appGroup + "/providers/Microsoft.Web/sites/api/config/authsettingsV2/list?api-version=2023-12-01", ""},
		{"PATCH", appGroup + "/providers/Microsoft.Web/sites/api/config/web?api-version=2023-12-01", `{"properties":{"alwaysOn":true}}`},
		{"PUT", appGroup + "/providers/Microsoft.Web/sites/api/config/logs?api-version=2023-12-01", `{"properties":null}`},
		{"GET", appGroup + "/providers/Microsoft.Web/sites/api/basicPublishingCredentialsPolicies/ftp?api-version=2023-12-01", ""},
		{"POST", prod + "/providers/Microsoft.Web/checkNameAvailability?api-version=2023-12-01", `{"name":"x"}`},
		{"POST", prod + "/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv/purge?api-version=2023-07-01", ""},
		{"PUT", kv + "?api-version=2023-07-01", `{"location":"westeurope","properties":{"createMode":"recover"}}`},
		{"GET", "/v1.0/servicePrincipals(appId='" + ciClient + "')/appRoleAssignments?$select=id&$top=5&$filter=appRoleId%20eq%20'x'", ""},
		{"POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/groups"}]}`},
		{"POST", "/beta/directoryObjects/getByIds", `{"ids":["x"],"types":["group"]}`},
		{"POST", "/common/oauth2/v2.0/token", "grant_type=client_credentials&client_id=x&client_assertion=a.b.c"},
		{"GET", "/msi" + kv + "?resource=x", ""},
		{"GET", "/imds" + kv + "/metadata/identity/oauth2/token?resource=x", ""},
		{"POST", "/lab/faults", `{"kind":"cut"}`},
		{"GET", "//subscriptions//../x", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	h := s.handler()
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			return
		}
		aud := forARM
		if apiOf(r) == APIGraph {
			aud = forGraph
		}
		r.Header.Set("Authorization", "Bearer "+c.token[aud])
		r.Header.Set("Metadata", "true")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		s.ClearFaults()
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	})
}
