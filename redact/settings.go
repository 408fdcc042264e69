// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// form is what a value must look like to be kept.
type form func(value string) bool

// settingForms are the settings whose values select an identity or say which credential
// a program takes, and what such values look like. Names as in the readers of azidentity,
// Azure Functions and App Service; learn.microsoft.com/azure/app-service and
// /azure/azure-functions/functions-reference, read 2026-11-21.
var settingForms = map[arm.Key]form{
	"azure_client_id":                              isGUID,
	"azure_tenant_id":                              isTenant,
	"azure_federated_token_file":                   isFile,
	"azure_authority_host":                         isURL,
	"azure_token_credentials":                      isWord,
	"azure_client_certificate_path":                isFile,
	"azure_regional_authority_name":                isWord,
	"azure_additionally_allowed_tenants":           isTenant,
	"default_identity_client_id":                   isGUID,
	"website_run_from_package_blob_mi_resource_id": isIdentity,
	"website_run_from_package":                     isURL,
	"website_contentshare":                         isShare,
	"azurewebjobssecretstoragetype":                isWord,
	"azurewebjobssecretstoragekeyvaulturi":         isURL,
	"azurewebjobssecretstoragekeyvaultname":        isWord,
	"azurewebjobssecretstoragekeyvaultclientid":    isGUID,
	"azurewebjobssecretstoragekeyvaulttenantid":    isTenant,
	"applicationinsights_authentication_string":    isAuthenticationString,
	"functions_worker_runtime":                     isWord,
	"functions_worker_runtime_version":             isVersion,
	"functions_extension_version":                  isVersion,
	"website_node_default_version":                 isVersion,
}

// settingEndings are the same for names that end so, after a prefix of the user's choice
// (Microsoft.Extensions.Azure and the extensions of Azure Functions).
var settingEndings = []struct {
	ending string
	form   form
}{
	{"__credential", isWord},
	{"__managedidentityresourceid", isIdentity},
	{"__fullyqualifiednamespace", isHost},
	{"__accountname", isWord},
	{"__accountendpoint", isURL},
	{"__endpoint", isURL},
	{"serviceuri", isURL},
	{"vaulturi", isURL},
	{"clientid", isGUID},
	{"client_id", isGUID},
	{"tenantid", isTenant},
	{"tenant_id", isTenant},
	{"principalid", isGUID},
	{"principal_id", isGUID},
	{"resourceid", isIdentity},
	{"resource_id", isIdentity},
}

// setting returns what is written of a setting's value.
func (r *Redactor) setting(name, value string) string {
	if value == "" || isBool(value) || isReference(value) {
		return value
	}
	key := arm.Fold(name)
	if f := settingForms[key]; f != nil && f(value) {
		return value
	}
	for _, e := range settingEndings {
		if strings.HasSuffix(string(key), e.ending) && e.form(value) {
			return value
		}
	}
	if account := accountOf(key, value); account != "" {
		if rest, ok := strings.CutPrefix(value, account+";"); ok && (rest == Marker || r.keyID != "" && ownDigest(rest, r.keyID)) {
			return value // it has been here before
		}
		return account + ";" + r.instead(name, value)
	}
	return r.instead(name, value)
}

// accounts are the settings whose connection strings name the storage account that the code
// of a function lies in: the name is no secret, and who may write there changes the code.
var accounts = map[arm.Key]bool{"azurewebjobsstorage": true, "website_contentazurefileconnectionstring": true}

var accountName = regexp.MustCompile(`(?i)(?:^|;) *AccountName=([a-z0-9]{3,24}) *(?:;|$)`)

// accountOf is the part of a connection string that names the account; empty for none.
func accountOf(key arm.Key, value string) string {
	if m := accountName.FindStringSubmatch(value); accounts[key] && m != nil {
		return "AccountName=" + m[1]
	}
	return ""
}

var share = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$`)

// isShare accepts the name of a file share.
func isShare(s string) bool { return share.MatchString(s) && !Secret(s) }

// References to secrets, which are none themselves. The forms are those of
// learn.microsoft.com/azure/app-service/app-service-key-vault-references and
// app-service-configuration-references, read 2026-11-21.
var references = regexp.MustCompile(`^@Microsoft\.(?:KeyVault\((?:SecretUri=https://[A-Za-z0-9.-]+/secrets/[A-Za-z0-9-]{1,127}(?:/[0-9a-f]{32})?/?|` +
	`(?:(?:VaultName|SecretName|SecretVersion)=[A-Za-z0-9-]{1,127};? ?)+)\)|` +
	`AppConfiguration\(Endpoint=https://[A-Za-z0-9.-]+; ?Key=[\w.:/-]{1,128}(?:; ?Label=[\w.:/-]{1,128})?\))$`)

func isReference(s string) bool { return references.MatchString(s) }

func isBool(s string) bool {
	switch arm.Fold(s) {
	case "true", "false", "0", "1", "yes", "no", "on", "off":
		return true
	}
	return false
}

func isGUID(s string) bool { return mivet.IsGUID(s) }

// isTenant accepts a GUID or a domain name.
func isTenant(s string) bool { return mivet.IsGUID(s) || s == "*" || isHost(s) }

var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,39}$`)

func isWord(s string) bool { return word.MatchString(s) && !Secret(s) }

var version = regexp.MustCompile(`^[~v]?[0-9]{1,3}(?:\.[0-9]{1,5}){0,3}$`)

func isVersion(s string) bool { return version.MatchString(s) }

var host = regexp.MustCompile(`^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}$`)

func isHost(s string) bool { return host.MatchString(strings.ToLower(s)) }

var file = regexp.MustCompile(`^(?:[A-Za-z]:)?[/\\][\w./\\-]{1,200}$`)

func isFile(s string) bool { return file.MatchString(s) && !Secret(s) }

// isURL accepts a URL without user, query and fragment.
func isURL(s string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(s), "https://")
	if !ok || strings.ContainsAny(s, "?#@ \\;&=") || strings.ContainsFunc(s, unicode.IsControl) {
		return false
	}
	name, _, _ := strings.Cut(rest, "/")
	name, _, _ = strings.Cut(name, ":")
	return isHost(name) && !Secret(s)
}

// link returns what is written of a URL: where it leads, and of its query only a digest. Of
// what is no URL, a digest.
func (r *Redactor) link(name, value string) string {
	at, query, ok := strings.Cut(value, "?")
	switch {
	case value == "" || isURL(value):
		return value
	case ok && isURL(at):
		return at + "?" + r.instead(name, query)
	}
	return r.instead(name, value)
}

// isIdentity accepts what selects a managed identity: its resource ID, or the word for
// the system-assigned one.
func isIdentity(s string) bool { return isID(s) || arm.Fold(s) == "systemassigned" }

var authenticationString = regexp.MustCompile(`(?i)^Authorization=AAD(?:;ClientId=([0-9a-f-]{36}))?;?$`)

func isAuthenticationString(s string) bool {
	m := authenticationString.FindStringSubmatch(s)
	return m != nil && (m[1] == "" || mivet.IsGUID(m[1]))
}
