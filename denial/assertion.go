// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// federation compares an assertion with the federated credentials of the tenant. All three
// must be equal letter by letter (MicrosoftDocs/entra-docs
// docs/workload-id/workload-identity-federation.md).
func (w *weighing) federation() {
	c := &w.Caller
	if len(w.t.Snapshot.FederatedCredentials) == 0 {
		w.Unresolved = append(w.Unresolved, "the input holds no federated credential")
		return
	}
	for i := range w.t.Snapshot.FederatedCredentials {
		w.compare(c, &w.t.Snapshot.FederatedCredentials[i])
	}
}

// compare says what keeps one credential from fitting. Credentials that have nothing in
// common with the assertion are not meant.
func (w *weighing) compare(c *Caller, f *mivet.FederatedCredential) {
	subject := c.Subject == "" || f.Subject == c.Subject
	sameCase := !subject && strings.EqualFold(f.Subject, c.Subject)
	issuer := c.Issuer == "" || f.Issuer == c.Issuer
	audience := c.Audience == "" || slices.Contains(f.Audiences, c.Audience)
	of := fmt.Sprintf("the credential %s has the ", f.Name)
	switch {
	case c.Subject == "" && c.Issuer == "":
	case subject && issuer && audience:
		w.say(Propagation, Supported, fmt.Sprintf("the credential %s fits; a new one takes some seconds", f.Name))
	case sameCase && issuer:
		w.say(FederationCase, Settled, of+fmt.Sprintf("subject %q, and the assertion %q", f.Subject, c.Subject))
	case subject && issuer && c.Subject != "":
		w.say(FederationAudience, Settled, of+fmt.Sprintf("audiences %q, and the assertion %q", f.Audiences, c.Audience))
	case subject && c.Subject != "":
		w.say(FederationIssuer, Settled, of+fmt.Sprintf("issuer %q, and the assertion %q", f.Issuer, c.Issuer))
	case issuer && c.Issuer != "" && c.Subject != "":
		w.say(FederationSubject, Supported, of+fmt.Sprintf("subject %q, and the assertion %q", f.Subject, c.Subject))
	}
}

// endpoint compares a refusal of the identity endpoint with what the host carries.
func (w *weighing) endpoint() {
	hosts := w.hosts()
	if len(hosts) == 0 {
		w.Unresolved = append(w.Unresolved, "the text names no host")
		return
	}
	for _, r := range hosts {
		name := r.ID.Name()
		switch a := r.Identity; {
		case a == nil || !a.System && len(a.User) == 0:
			w.say(IdentityNotAssigned, Settled, name+" carries no identity")
		case a.System:
			w.say(AmbiguousIdentity, Excluded, name+" carries a system-assigned identity, which answers where none is selected")
			w.say(IdentityNotAssigned, Supported, fmt.Sprintf("the selected identity is none of the %d that %s carries", 1+len(a.User), name))
		case len(a.User) == 1:
			w.say(AmbiguousIdentity, Supported, fmt.Sprintf("%s carries %s alone; App Service and Container Apps do not choose it unasked", name, a.User[0].Name()))
		default:
			w.say(AmbiguousIdentity, Supported, fmt.Sprintf("%s carries %d user-assigned identities and no system-assigned one", name, len(a.User)))
		}
	}
}
