// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"slices"
	"strings"
)

// The variables of identities.
const (
	varTenant      = "AZURE_TENANT_ID"
	varClient      = "AZURE_CLIENT_ID"
	varSecret      = "AZURE_CLIENT_SECRET" //nolint:gosec // the name of a variable
	varCertificate = "AZURE_CLIENT_CERTIFICATE_PATH"
	varUser        = "AZURE_USERNAME"
	varPassword    = "AZURE_PASSWORD"
	varTokenFile   = "AZURE_FEDERATED_TOKEN_FILE"
	varSelection   = "AZURE_TOKEN_CREDENTIALS"
	varPodHost     = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
)

// malformedTenant reports whether the library does not take a text for a tenant.
func (r *run) malformedTenant(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && c != '.' && c != '-' && !strings.ContainsRune(r.behaviour.TenantMarks, c)
	})
}

// secretForm is one way to configure the environment credential.
type secretForm struct {
	source Source
	vars   []string
	what   string
}

// form returns the way that the variables configure; the first complete one wins: secret,
// certificate, user and password.
func (r *run) form() (secretForm, bool) {
	e := r.behaviour.Environment
	for _, f := range []secretForm{
		{EntraSecret, []string{varTenant, varClient, varSecret}, "a client secret"},
		{EntraCert, []string{varTenant, varClient, varCertificate}, "a certificate"},
		{EntraPassword, []string{varTenant, varClient, varUser, varPassword}, "a user name and a password"},
	} {
		if f.source == EntraPassword && !e.NeedsTenant {
			f.vars = f.vars[1:]
		}
		if !slices.ContainsFunc(f.vars, func(v string) bool { return !r.process.there(v, e.Presence) }) {
			return f, true
		}
	}
	return secretForm{}, false
}

func (r *run) buildEnvironment() string {
	e, p := r.behaviour.Environment, r.process
	f, complete := r.form()
	switch {
	case e.MalformedTenant == atBuild && r.malformedTenant(p.Env[varTenant]) && (complete || r.behaviour.checksTenantEarly()):
		return varTenant + " is not the form of a tenant"
	case complete && e.EmptyValue == atBuild && slices.ContainsFunc(f.vars, func(v string) bool { return p.Env[v] == "" }):
		return "one of " + strings.Join(f.vars, ", ") + " is set and empty"
	case complete && f.source == EntraCert && e.CertificateMissing == atBuild && !p.Host.readable(p.Env[varCertificate]):
		return "the certificate cannot be read"
	}
	return ""
}

// checksTenantEarly reports whether a malformed tenant is an error even where the
// environment is not complete.
func (b *behaviour) checksTenantEarly() bool { return b.Environment.Presence == "nonempty" }

func (r *run) environment() verdict {
	e, p := r.behaviour.Environment, r.process
	f, complete := r.form()
	end := func(then, why string) verdict {
		r.step(EnvironmentCredential, then, "%s", why)
		return verdict{then: then}
	}
	switch {
	case !complete:
		return end(thenNext, "the variables of a secret, a certificate or a password are not complete")
	case r.malformedTenant(p.Env[varTenant]):
		return end(e.MalformedTenant, varTenant+" is not the form of a tenant")
	case r.live():
		return r.environmentLive(f)
	case f.source == EntraCert && !p.Host.readable(p.Env[varCertificate]):
		return end(e.CertificateMissing, "the certificate cannot be read")
	case p.Host.SecretRefused:
		return end(e.Refused, "Entra ID refuses "+f.what)
	}
	r.step(EnvironmentCredential, thenToken, "%s in the variables, used with %s", f.what, varClient)
	return verdict{then: thenToken, source: f.source, who: application(p.Env[varClient])}
}

func application(client string) Presented {
	return Presented{Kind: Application, ManagedIdentity: ManagedIdentity{ClientID: client}}
}

// federated is the configuration of a federated token.
type federated struct{ client, tenant, file string }

// federation reads the configuration of the workload identity credential, and names what
// is missing.
func (r *run) federation(m mode) (f federated, missing string) {
	p, w := r.process, r.behaviour.Workload
	f = federated{p.Env[varClient], p.Env[varTenant], p.Env[varTokenFile]}
	option := p.Options.ClientID
	if m.inside {
		option = r.workloadOption()
	}
	if option != "" {
		f.client = option
	}
	switch {
	case option == "" && !p.there(varClient, w.Presence):
		return f, varClient
	case !p.there(varTenant, w.Presence):
		return f, varTenant
	case !p.there(varTokenFile, w.Presence):
		return f, varTokenFile
	}
	if m.inside {
		for _, v := range w.Needs {
			if !p.there(v, w.Presence) {
				return f, v
			}
		}
	}
	return f, ""
}

// workloadOption is the client ID that options of the default chain give to the workload
// identity.
func (r *run) workloadOption() string {
	o := r.process.Options
	switch {
	case !r.behaviour.Workload.Options:
		return ""
	case o.WorkloadIdentityClientID != "":
		return o.WorkloadIdentityClientID
	}
	return o.ManagedIdentityClientID
}

func (r *run) buildWorkload(m mode) string {
	w := r.behaviour.Workload
	f, missing := r.federation(m)
	switch {
	case !m.inside && w.Direct == "absent":
		return "this version has no such credential"
	case w.MalformedTenant == atBuild && r.malformedTenant(f.tenant):
		return varTenant + " is not the form of a tenant"
	case missing != "" && !m.inside && w.Direct == atBuild:
		return missing + " is not set"
	case missing == "" && r.malformedTenant(f.tenant), missing == "" && f.tenant == "":
		return varTenant + " is not the form of a tenant"
	}
	return ""
}

func (r *run) workload(m mode) verdict {
	f, missing := r.federation(m)
	if missing != "" {
		r.step(WorkloadIdentityCredential, thenNext, "%s is not set", missing)
		return verdict{then: thenNext}
	}
	return r.exchange(WorkloadIdentityCredential, f, r.behaviour.Workload.FileMissing, r.behaviour.Workload.Refused)
}

// exchange sends a federated token to Entra ID.
func (r *run) exchange(c Credential, f federated, fileMissing, refused string) verdict {
	switch {
	case r.live():
		return r.exchangeLive(c, f, fileMissing, refused)
	case !r.process.Host.readable(f.file):
		r.step(c, fileMissing, "the token file %q cannot be read", f.file)
		return verdict{then: fileMissing}
	case r.process.Host.AssertionRefused:
		r.step(c, refused, "Entra ID refuses the federated token for client ID %q", f.client)
		return verdict{then: refused}
	}
	r.step(c, thenToken, "the federated token is exchanged for one of client ID %q", f.client)
	return verdict{then: thenToken, source: Exchange, who: application(f.client)}
}
