// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"strings"
	"testing"
)

func TestDetail(t *testing.T) {
	f := func(text, caller, target, code, stage, request, response string) {
		t.Helper()
		d, err := ReadDetail([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if d.Caller != caller || d.Target != target || d.Code != code || d.Stage.String() != stage || string(d.Request) != request || string(d.Response) != response {
			t.Errorf("%s:\n%+v %s %s %s", text, *d, d.Stage, d.Request, d.Response)
		}
	}
	f(`{}`, "", "", "", "unknown", "", "")
	f(`{"caller":"a@b","resourceId":"/x","status":{"value":"Succeeded","localizedValue":"Erfolgreich"},"subStatus":{"value":"Created"},"properties":{"requestbody":"{\"a\":1}"}}`, "a@b", "/x", "Created", "succeeded", `{"a":1}`, "")
	f(`{"resourceId":"/X","resultType":"Start","resultSignature":"Started.","identity":{"claims":{"upn":"a@b"}},"properties":{"entity":"/x","responseBody":{"b":2}}}`, "a@b", "/x", "Started.", "begun", "", `{"b":2}`)
	f(`{"_ResourceId":"/x","ActivityStatusValue":"Failure","ActivitySubstatusValue":"Conflict","Caller":"a@b","Properties":"{\"entity\":\"/y\"}","Properties_d":{"requestbody":"{}"}}`, "a@b", "/y", "Conflict", "failed", "{}", "")
	f(`{"Caller":"a@b","Status":"Accepted","Properties":{"Content":{"requestbody":"{}","statusCode":"Accepted"}},"Claims":{"Content":{"name":"A"}}}`, "a@b", "", "Accepted", "begun", "{}", "")
	f(`{"Claims_d":{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress":"a@c"},"properties_d":{"entity":"/z","statusCode":201}}`, "a@c", "/z", "201", "unknown", "", "")
	f(`{"claims":"{\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\":\"a@d\"}","resultType":"Success"}`, "a@d", "", "", "succeeded", "", "")
	// What has no known form is not told.
	f(`{"properties":[1],"claims":7,"identity":"none","status":["x"],"caller":null,"resourceId":true}`, "", "true", "", "unknown", "", "")
	f(`{"properties":{"requestbody":"not JSON","responseBody":"{broken"}}`, "", "", "", "unknown", "", "")
	f(`{"properties":"{broken","status":{"value":{"value":"Cancelled"}}}`, "", "", "", "failed", "", "")

	for _, bad := range []string{"", "[]", "{", `"x"`} {
		if _, err := ReadDetail([]byte(bad)); err == nil || !strings.Contains(err.Error(), "reading an entry of the activity log") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzDetail(f *testing.F) {
	for _, seed := range []string{
		`{"caller":"a","properties":{"requestbody":"{\"Properties\":{\"PrincipalId\":\"p\"}}"},"status":{"value":"Succeeded"}}`,
		`{"Properties":"{\"Content\":{}}","claims":{"content":null},"identity":"{}"}`, `{"status":{"value":{"value":{}}}}`, `{"properties":"\""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ReadDetail(text)
		if err == nil && (d.Request != nil && d.Request[0] != '{' || d.Response != nil && d.Response[0] != '{') {
			t.Errorf("bodies %q %q", d.Request, d.Response)
		}
	})
}
