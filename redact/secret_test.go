// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := Text(in); got != want {
			t.Errorf("Text(%q)\n got %q\nwant %q", in, got, want)
		}
		if again := Text(want); again != want {
			t.Errorf("Text(%q) goes on to %q", want, again)
		}
	}
	// Connection strings and their parts.
	f("DefaultEndpointsProtocol=https;AccountName=st;AccountKey=abc+/d==;EndpointSuffix=core.windows.net",
		"DefaultEndpointsProtocol=https;AccountName=st;AccountKey=[redacted];EndpointSuffix=core.windows.net")
	f("Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=k", "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=[redacted]")
	f("Server=tcp:x;User ID=sa;Password=hunter2;Encrypt=true", "Server=tcp:x;User ID=sa;Password=[redacted];Encrypt=true")
	f("Server=x;pwd = 'two words';", "Server=x;pwd = [redacted];")
	f("the password is wrong", "the password is wrong")
	f("password: hunter2, user: sa", "password: [redacted], user: sa")
	f("password:hunter2", "password:[redacted]")
	f(`{"client_secret": "x y", "a": 1}`, `{"client_secret": [redacted], "a": 1}`)
	f(`{"token":"x"}`, `{"token":[redacted]}`)
	f("APIKEY=%221%22", "APIKEY=[redacted]")
	f("sig%3Dabc%252F", "sig%3D[redacted]")
	// Signed URLs, and URLs with a user.
	f("GET https://x.blob.core.windows.net/c/b?sv=2024-01-01&sig=aB%2F3&se=2026: 403", "GET https://x.blob.core.windows.net/c/b?sv=2024-01-01&sig=[redacted]&se=2026: 403")
	f("https://f.azurewebsites.net/api/x?code=abc==", "https://f.azurewebsites.net/api/x?code=[redacted]")
	f("git clone https://me:pat@dev.azure.com/o", "git clone https://me:[redacted]@dev.azure.com/o")
	// Tokens.
	f("Authorization: Bearer abc.def.ghi refused", "Authorization: [redacted] refused")
	f("Authorization: Basic xyz refused", "Authorization: [redacted] refused")
	f("got bearer 0123456789", "got bearer [redacted]")
	f("Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz") // no digit and no end mark
	f("Basic dXNlcjpwYXNzMQ==", "Basic [redacted]")
	f("Basic authentication is off", "Basic authentication is off")
	f("x eyJhbGciOiJub25lIn0.eyJhIjoxfQ. y", "x [redacted] y")
	f("secret abC8Q~aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "secret [redacted]")
	f("ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "[redacted]")
	f("a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b", "a [redacted] b")
	f("-----BEGIN PRIVATE KEY-----\nMII", "[redacted]")
	// Words that look random.
	f("key 3a8f0c1d2e4b5a697887766554433221 end", "key [redacted] end")
	f("c+f/9kqX2mB7vL0pZr4TnYw8GhJ1sKd3=", "[redacted]")
	f("use Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA instead", "use [redacted] instead")
	// What looks like it and is none.
	f("/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st0a1b2c3d4e5f6a7b8c9d0e1", "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st0a1b2c3d4e5f6a7b8c9d0e1")
	f("principal 3a8f0c1d-2e4b-5a69-7887-766554433221 not found", "principal 3a8f0c1d-2e4b-5a69-7887-766554433221 not found")
	f("https://kv.vault.azure.net/secrets/db/0123456789abcdef0123456789abcdef", "https://kv.vault.azure.net/secrets/db/0123456789abcdef0123456789abcdef")
	f("ForAnyOfAnyValues:GuidEquals {8e3af657a8ff443ca75c2fe8c4bcb635, 4633458b17de408ab8741c5a0b1a5c1d}", "ForAnyOfAnyValues:GuidEquals {8e3af657a8ff443ca75c2fe8c4bcb635, 4633458b17de408ab8741c5a0b1a5c1d}")
	f("repo:acme/credentials:ref:refs/heads/main", "repo:acme/credentials:ref:refs/heads/main")
	f("acr.azurecr.io/token:1.2@sha256:"+strings.Repeat("0a", 32), "acr.azurecr.io/token:1.2@sha256:"+strings.Repeat("0a", 32))
	f("Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/getSecret/action")
	f("Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/recoveryPoints/read", "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/recoveryPoints/read")
	f("MC_rg-aks-prod-weu-001_aks-prod-weu-001_westeurope", "MC_rg-aks-prod-weu-001_aks-prod-weu-001_westeurope")
	f("module.network[\"hub-01\"].azurerm_virtual_network_gateway_connection.this", "module.network[\"hub-01\"].azurerm_virtual_network_gateway_connection.this")
	f("/eid1/c/pub/t/1aBcD2eFgH3iJkL4mNoP5q/a/2bCdE3fGhI4jKlM5nOpQ6r/x", "/eid1/c/pub/t/1aBcD2eFgH3iJkL4mNoP5q/a/2bCdE3fGhI4jKlM5nOpQ6r/x")
	f("", "")
}

// secretMakers make secrets of every kind that Azure and its neighbours hand out.
func secretMakers() map[string]func(r *rand.Rand) string {
	letters := func(r *rand.Rand, alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	bytesOf := func(r *rand.Rand, n int) []byte { return []byte(letters(r, string(allBytes()), n)) }
	const alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	key := func(r *rand.Rand) string { return base64.StdEncoding.EncodeToString(bytesOf(r, 64)) }
	return map[string]func(r *rand.Rand) string{
		"storage key":       key,
		"connection string": func(r *rand.Rand) string { return "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + key(r) },
		"shared access key": func(r *rand.Rand) string {
			return "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=" + base64.StdEncoding.EncodeToString(bytesOf(r, 32))
		},
		"sas": func(r *rand.Rand) string {
			return "https://a.blob.core.windows.net/c?sv=2024-01-01&sp=r&sig=" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(bytesOf(r, 32)), "=", "%3D")
		},
		"jwt": func(r *rand.Rand) string {
			return "eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(bytesOf(r, 40)) + "." + base64.RawURLEncoding.EncodeToString(bytesOf(r, 64))
		},
		"entra secret": func(r *rand.Rand) string { return letters(r, alnum, 3) + "8Q~" + letters(r, alnum+"-_.~", 34) },
		"hex key":      func(r *rand.Rand) string { s := sha256.Sum256(bytesOf(r, 8)); return hex.EncodeToString(s[:16]) },
		"function key": func(r *rand.Rand) string { return base64.URLEncoding.EncodeToString(bytesOf(r, 40)) },
		"github token": func(r *rand.Rand) string { return "ghp_" + letters(r, alnum, 36) },
		"devops token": func(r *rand.Rand) string { return letters(r, alnum, 84) },
		"sql": func(r *rand.Rand) string {
			return "Server=tcp:a,1433;User ID=u;Password=" + letters(r, alnum, 10) + ";"
		},
		"private key": func(r *rand.Rand) string {
			return "-----BEGIN PRIVATE KEY-----\n" + key(r) + "\n-----END PRIVATE KEY-----"
		},
		"authorization": func(r *rand.Rand) string { return "Authorization: Bearer " + letters(r, alnum, 30) },
	}
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestSecretsOfAllKinds(t *testing.T) {
	for kind, secret := range secretMakers() {
		r := rand.New(rand.NewPCG(7, 7))
		missed := 0
		for range 1000 {
			s := secret(r)
			if !Secret(s) || Text("see "+s+" for more") == "see "+s+" for more" {
				missed++
			}
		}
		if missed > 0 {
			t.Errorf("%d of 1000 of the kind %q are not seen", missed, kind)
		}
	}
}

// What is replaced once stays as it is.
func TestTextIsIdempotent(t *testing.T) {
	pieces := []string{"password", "=", ":", " ", "\"", "'", ";", "token", "Bearer ", "eyJhbGciOiJ", ".", "sig=", "&", "?code=", "://", "@", "abc123", Marker, "AccountKey", "8Q~", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4", "/", "-----BEGIN X-----", "/subscriptions/x"}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String())).Draw(t, "pieces"), "")
		once := Text(s)
		if twice := Text(once); twice != once {
			t.Fatalf("%q becomes %q and then %q", s, once, twice)
		}
	})
}

func BenchmarkText(b *testing.B) {
	for _, s := range []string{"westeurope", "team-payments", "Storage Blob Data Contributor for the nightly export of orders", "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=abc123"} {
		b.Run(fmt.Sprint(len(s)), func(b *testing.B) {
			for b.Loop() {
				Text(s)
			}
		})
	}
}

// TestNamedRandom: a name before a random value does not hide it.
func TestNamedRandom(t *testing.T) {
	for _, s := range []string{
		"IngestionSecretValueName=CwHHCMQZRGLVEltxYJylaUsit0v2YzxurCOpT634zEeh;IngestionEndpoint=https://x",
		"InstrumentationKey=0l4xfIFswhBicgWQnwSIPjJYCearcbPCWFqVpxpAUjix;IngestionEndpoint=https://x",
	} {
		if got := Text(s); strings.Contains(got, "CwHH") || strings.Contains(got, "0l4xf") || !strings.Contains(got, "IngestionEndpoint") {
			t.Errorf("%s", got)
		}
	}
}
