// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Login says as whom to sign in.
type Login struct {
	// Method is one of [LoginMethods]; empty for the first.
	Method string
	// Tenant and ClientID are for those methods that need them; empty takes them from the
	// environment.
	Tenant, ClientID string
	// Env returns a variable of the environment.
	Env func(string) string
	// Tell shows a person what to do, such as where to type a code.
	Tell func(string)
	// Transport is nil for the default one.
	Transport policy.Transporter
}

// method is one way to sign in.
type method struct {
	name, what string
	make       func(*Login, azcore.ClientOptions, bool) (azcore.TokenCredential, error)
}

// The ways to sign in, all that azidentity has for a program that acts as itself or as
// its user. Exchanging a caller's token (on behalf of) is for servers.
var methods = []method{
	{"default", "what DefaultAzureCredential finds: environment, workload identity, managed identity, az, azd, PowerShell", loginDefault},
	{"environment", "AZURE_CLIENT_ID, AZURE_TENANT_ID and a secret or certificate", loginEnvironment},
	{"workload", "a federated token: AZURE_FEDERATED_TOKEN_FILE", loginWorkload},
	{"managed-identity", "the identity of the machine that mivet runs on; --client selects a user-assigned one", loginManaged},
	{"cli", "the user of az login", loginCLI},
	{"azd", "the user of azd auth login", loginAzd},
	{"powershell", "the user of Connect-AzAccount", loginPowerShell},
	{"browser", "a user, in a browser", loginBrowser},
	{"device-code", "a user, with a code typed in another browser", loginDevice},
	{"client-secret", "AZURE_CLIENT_SECRET", loginSecret},
	{"client-certificate", "the file AZURE_CLIENT_CERTIFICATE_PATH", loginCertificate},
	{"client-assertion", "an assertion signed elsewhere: the file AZURE_FEDERATED_TOKEN_FILE", loginAssertion},
	{"pipelines", "a service connection of Azure Pipelines", loginPipelines},
}

// LoginMethods lists the ways to sign in, the default first.
func LoginMethods() []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.name
	}
	return names
}

// LoginHelp says what the ways are, a line for each.
func LoginHelp() []string {
	lines := make([]string, len(methods))
	for i, m := range methods {
		lines[i] = fmt.Sprintf("%-19s%s", m.name, m.what)
	}
	return lines
}

// Credential makes the credential of a login.
func (l *Login) Credential(c Cloud) (azcore.TokenCredential, error) {
	name := l.Method
	if name == "" {
		name = methods[0].name
	}
	i := slices.IndexFunc(methods, func(m method) bool { return m.name == name })
	if i < 0 {
		return nil, fmt.Errorf("signing in by %q: it is none of %s", name, strings.Join(LoginMethods(), ", "))
	}
	options := azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: c.Login}, Transport: l.Transport}
	cred, err := methods[i].make(l, options, c.Private)
	if err != nil {
		return nil, fmt.Errorf("signing in by %s: %w", name, err)
	}
	return cred, nil
}

func (l *Login) env(name string) string {
	if l.Env == nil {
		return ""
	}
	return l.Env(name)
}

func (l *Login) tenant() string { return first(l.Tenant, l.env("AZURE_TENANT_ID")) }

func (l *Login) client() string { return first(l.ClientID, l.env("AZURE_CLIENT_ID")) }

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func loginDefault(l *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions: o, DisableInstanceDiscovery: private, TenantID: l.Tenant,
	})
}

func loginEnvironment(_ *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	return azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}

func loginWorkload(l *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: o, DisableInstanceDiscovery: private, ClientID: l.ClientID, TenantID: l.Tenant,
	})
}

func loginManaged(l *Login, o azcore.ClientOptions, _ bool) (azcore.TokenCredential, error) {
	options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o}
	switch id := l.ClientID; {
	case strings.HasPrefix(id, "/"):
		options.ID = azidentity.ResourceID(id)
	case id != "":
		options.ID = azidentity.ClientID(id)
	}
	return azidentity.NewManagedIdentityCredential(options)
}

func loginCLI(l *Login, _ azcore.ClientOptions, _ bool) (azcore.TokenCredential, error) {
	return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: l.Tenant})
}

func loginAzd(l *Login, _ azcore.ClientOptions, _ bool) (azcore.TokenCredential, error) {
	return azidentity.NewAzureDeveloperCLICredential(&azidentity.AzureDeveloperCLICredentialOptions{TenantID: l.Tenant})
}

func loginPowerShell(l *Login, _ azcore.ClientOptions, _ bool) (azcore.TokenCredential, error) {
	return azidentity.NewAzurePowerShellCredential(&azidentity.AzurePowerShellCredentialOptions{TenantID: l.Tenant})
}

func loginBrowser(l *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	return azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: o, DisableInstanceDiscovery: private, ClientID: l.ClientID, TenantID: l.Tenant,
	})
}

func loginDevice(l *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: o, DisableInstanceDiscovery: private, ClientID: l.ClientID, TenantID: l.Tenant,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			if l.Tell == nil {
				return errors.New("there is nobody to show the code to")
			}
			l.Tell(m.Message)
			return nil
		},
	})
}

func loginSecret(l *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	secret := l.env("AZURE_CLIENT_SECRET")
	if secret == "" {
		return nil, errors.New("AZURE_CLIENT_SECRET is not set")
	}
	return azidentity.NewClientSecretCredential(l.tenant(), l.client(), secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}

func loginCertificate(l *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	path := l.env("AZURE_CLIENT_CERTIFICATE_PATH")
	if path == "" {
		return nil, errors.New("AZURE_CLIENT_CERTIFICATE_PATH is not set")
	}
	certs, key, err := certificate(path, l.env("AZURE_CLIENT_CERTIFICATE_PASSWORD"))
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(l.tenant(), l.client(), certs, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}

func certificate(path, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, nil, err
	}
	certs, key, err := azidentity.ParseCertificates(data, []byte(password))
	if err != nil {
		// The parser's own words may show a part of the file.
		return nil, nil, fmt.Errorf("reading the certificate %s: it is no PEM or PKCS#12 with a certificate and its key, or the password is wrong", path)
	}
	return certs, key, nil
}

func loginAssertion(l *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	path := l.env("AZURE_FEDERATED_TOKEN_FILE")
	if path == "" {
		return nil, errors.New("AZURE_FEDERATED_TOKEN_FILE is not set")
	}
	read := func(context.Context) (string, error) {
		b, err := os.ReadFile(filepath.Clean(path))
		return strings.TrimSpace(string(b)), err
	}
	return azidentity.NewClientAssertionCredential(l.tenant(), l.client(), read,
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}

func loginPipelines(l *Login, o azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	return azidentity.NewAzurePipelinesCredential(
		first(l.tenant(), l.env("AZURESUBSCRIPTION_TENANT_ID")), first(l.client(), l.env("AZURESUBSCRIPTION_CLIENT_ID")),
		l.env("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"), l.env("SYSTEM_ACCESSTOKEN"),
		&azidentity.AzurePipelinesCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}

// Caller is who is signed in, as the token says. Nothing of the token itself is kept.
type Caller struct {
	Tenant    string
	Principal string
	ClientID  string
	Name      string
}

// whoIs reads the claims of an access token. The token was issued to us and is verified
// by whom we send it to.
func whoIs(token string) (Caller, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Caller{}, errors.New("the access token has no claims that can be read")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return Caller{}, errors.New("the access token has no claims that can be read")
	}
	var c struct {
		TID   string `json:"tid"`
		OID   string `json:"oid"`
		AppID string `json:"appid"`
		AZP   string `json:"azp"`
		UPN   string `json:"upn"`
		Name  string `json:"app_displayname"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return Caller{}, errors.New("the access token has no claims that can be read")
	}
	return Caller{Tenant: strings.ToLower(c.TID), Principal: strings.ToLower(c.OID), ClientID: first(c.AppID, c.AZP), Name: first(c.UPN, c.Name)}, nil
}
