// SPDX-License-Identifier: Apache-2.0

package denial

import "regexp"

// winnerOf are the lines in which the client libraries log which credential of a chain gave
// the token: azure-identity for Python (_credentials/chained.py), azidentity for Go
// (chained_token_credential.go), @azure/identity (credentials/chainedTokenCredential.ts) and
// Azure.Identity for .NET (AzureIdentityEventSource.cs).
var winnerOf = regexp.MustCompile(`(?:acquired a token from|authenticated with|credential selected: (?:Azure\.Identity\.)?|Result for) ?(?P<name>\w+Credential)\b(?:: SUCCESS)?`)

// tools are the credentials with which a person's login is used, secrets those of an
// application in the variables.
var (
	toolCredential   = regexp.MustCompile(`(?i)^(?:AzureCLI|AzureDeveloperCLI|AzurePowerShell|VisualStudio|VisualStudioCode|IntelliJ|InteractiveBrowser|SharedTokenCache|DeviceCode|Broker)Credential$`)
	secretCredential = regexp.MustCompile(`(?i)^(?:Environment|ClientSecret|ClientCertificate|UsernamePassword)Credential$`)
)

// chain reads which credential gave the token, where the text tells so beside the refusal.
// One of a person, or a secret, is not the identity that a workload is meant to present.
func (d *Denial) chain(text string) {
	m := winnerOf.FindStringSubmatch(text)
	if m == nil {
		return
	}
	d.Credential = m[1]
	var what string
	switch {
	case toolCredential.MatchString(m[1]):
		what = "a person's login"
	case secretCredential.MatchString(m[1]):
		what = "a secret in the variables"
	default:
		return
	}
	if d.RolesEvaluated() {
		d.first(WrongIdentitySelected)
		d.Proves = append(d.Proves, "the token came from "+m[1]+", which is "+what+" and no managed identity")
	}
}
