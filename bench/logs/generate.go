// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// shape says what is made up.
type shape struct {
	rows, files, principals, vaults, accounts int
}

const (
	perVault     = 20 // secrets
	perAccount   = 10 // containers
	days         = 30
	daySeconds   = 86400
	vaultShare   = 60 // of 100 entries
	refusedShare = 2
)

// generated returns files of entries with all the fields that Azure writes, as many in each,
// which are made up where the folder has none.
func generated(dir string, s shape) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "logs-*.json"))
	if err != nil || len(names) > 0 {
		return names, err
	}
	if err := generate(dir, s); err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(dir, "logs-*.json"))
}

func generate(dir string, s shape) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	errs := make([]error, s.files)
	var wait sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range s.files {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			errs[i] = generateFile(filepath.Join(dir, fmt.Sprintf("logs-%03d.json", i)), s, i)
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func generateFile(name string, s shape, number int) (err error) {
	f, err := os.Create(name) //nolint:gosec // the caller names it
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	const buffer = 1 << 20
	out := bufio.NewWriterSize(f, buffer)
	random := rand.New(rand.NewPCG(uint64(number), 7)) //nolint:gosec // entries that are made up
	// Exports come hour by hour: each file has a time of its own.
	g := generator{s: s, random: random, from: number * days * daySeconds / s.files, span: days * daySeconds / s.files}
	for range s.rows / s.files {
		if _, err := out.Write(append(g.entry(), '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

type generator struct {
	s      shape
	random *rand.Rand
	b      []byte

	from, span int // seconds
}

func (g *generator) entry() []byte {
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.from+g.random.IntN(g.span)) * time.Second)
	principal := g.random.IntN(g.s.principals)
	refused := g.random.IntN(100) < refusedShare
	if g.random.IntN(100) < vaultShare {
		// A workload has its few secrets in one vault.
		vault := principal % g.s.vaults
		secret := (principal*7 + g.random.IntN(3)) % perVault
		g.b = g.vault(at, principal, vault, secret, refused)
	} else {
		account := principal % g.s.accounts
		container := (principal*3 + g.random.IntN(2)) % perAccount
		g.b = g.storage(at, principal, account, container, refused)
	}
	return g.b
}

func (g *generator) vault(at time.Time, principal, vault, secret int, refused bool) []byte {
	code, signature := 200, "OK"
	if refused {
		code, signature = 403, "Forbidden"
	}
	r := g.random.Uint64()
	return fmt.Appendf(g.b[:0], `{"time":"%s.%07dZ","category":"AuditEvent","operationName":"SecretGet","resultType":"Success","correlationId":"%08x-8f0b-4f3c-9f3e-%012x","callerIpAddress":"10.%d.%d.%d",`+
		`"identity":{"claim":{"oid":"6b0a1c52-7a1f-4a57-9d5b-%012d","appid":"9f3e2b11-52aa-4a0e-8f1d-%012d","appidacr":"2","idtyp":"app","xms_az_nwperimid":[],"xms_mirid":"/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourcegroups/apps-%03d/providers/Microsoft.Web/sites/app-%05d","ipaddr":"10.0.0.4"}},`+
		`"properties":{"id":"https://kv-shop-%04d.vault.azure.net/secrets/secret-%02d/%016x%016x","clientInfo":"azsdk-net-Security.KeyVault.Secrets/4.6.0 (.NET 8.0.11; Debian GNU/Linux 12 (bookworm))","httpStatusCode":%d,"requestUri":"https://kv-shop-%04d.vault.azure.net/secrets/secret-%02d/?api-version=7.5",`+
		`"isRbacAuthorized":%t,"appliedAssignmentId":"b7e6dc6d-f1e8-4753-8033-%012d","isAddressAuthorized":true,"addressAuthorizationType":"PublicIP","tlsVersion":"TLS1_3"},`+
		`"resourceId":"/SUBSCRIPTIONS/0B1F6471-1BF0-4DDA-AEC3-111122223333/RESOURCEGROUPS/SHOP-%03d/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV-SHOP-%04d","operationVersion":"7.5","resultSignature":"%s","durationMs":"%d"}`,
		at.Format("2006-01-02T15:04:05"), r%1e7, uint32(r), r>>16, principal>>16, principal>>8&255, principal&255, principal, principal, principal%100, principal,
		vault, secret, r, r, code, vault, secret, !refused, principal, vault%50, vault, signature, r%300)
}

func (g *generator) storage(at time.Time, principal, account, container int, refused bool) []byte {
	code, text := 200, "Success"
	if refused {
		code, text = 403, "AuthorizationPermissionMismatch"
	}
	r := g.random.Uint64()
	return fmt.Appendf(g.b[:0], `{"time":"%s.%07dZ","resourceId":"/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/shop-%03d/providers/Microsoft.Storage/storageAccounts/shopdata%04d/blobServices/default","category":"StorageRead","operationName":"GetBlob","operationVersion":"2024-11-04","schemaVersion":"1.0","statusCode":%d,"statusText":"%s","durationMs":%d,`+
		`"callerIpAddress":"10.%d.%d.%d:53211","correlationId":"%08x-c01e-0042-1a2b-%012x","identity":{"type":"OAuth","tokenHash":"0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F9","authorization":[{"action":"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read","roleAssignmentId":"b7e6dc6d-f1e8-4753-8033-%012d","roleDefinitionId":"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1","principals":[{"id":"6b0a1c52-7a1f-4a57-9d5b-%012d","type":"ServicePrincipal"}],"denyAssignmentId":""}],`+
		`"requester":{"appId":"9f3e2b11-52aa-4a0e-8f1d-%012d","audience":"https://storage.azure.com/","objectId":"6b0a1c52-7a1f-4a57-9d5b-%012d","tenantId":"0b1f6471-1bf0-4dda-aec3-444455556666","tokenIssuer":"https://sts.windows.net/0b1f6471-1bf0-4dda-aec3-444455556666/"}},`+
		`"location":"westeurope","properties":{"accountName":"shopdata%04d","userAgentHeader":"azsdk-net-Storage.Blobs/12.22.2 (.NET 8.0.11; Debian GNU/Linux 12 (bookworm))","clientRequestId":"%08x-0d2f-4e39-9b7a-%012x","etag":"\"0x8DC%013X\"","serviceType":"blob","objectKey":"/shopdata%04d/container-%02d/%d/%d.json",`+
		`"lastModifiedTime":"2026/10/02 08:15:00.0000000","metricResponseType":"%s","serverLatencyMs":6,"requestHeaderSize":512,"responseHeaderSize":420,"responseBodySize":%d,"tlsVersion":"TLS 1.3"},"uri":"https://shopdata%04d.blob.core.windows.net:443/container-%02d/%d/%d.json","protocol":"HTTPS","resourceType":"Microsoft.Storage/storageAccounts/blobServices"}`,
		at.Format("2006-01-02T15:04:05"), r%1e7, account%50, account, code, text, r%50, principal>>16, principal>>8&255, principal&255, uint32(r), r>>16,
		principal, principal, principal, principal, account, uint32(r), r>>16, r>>12, account, container, r%97, r%9973, text, r%65536, account, container, r%97, r%9973)
}
