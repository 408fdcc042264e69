// SPDX-License-Identifier: Apache-2.0

package arm

import (
	"fmt"
	"testing"
)

// benchScopes is the number of scopes of a large tenant.
const benchScopes = 300_000

// benchIDs makes IDs of a large tenant: 600 subscriptions, 50 groups in each, and ten
// resources in each group.
func benchIDs(b *testing.B) []ID {
	b.Helper()
	ids := make([]ID, 0, benchScopes)
	for i := range benchScopes {
		ids = append(ids, mustID(b, fmt.Sprintf(
			"/subscriptions/%08d-0000-0000-0000-000000000000/resourceGroups/rg-%d/providers/Microsoft.KeyVault/vaults/vault-%d",
			i/500, i/10%50, i%10)))
	}
	return ids
}

func benchTree(b *testing.B, ids []ID) *TreeBuilder {
	b.Helper()
	var t TreeBuilder
	for i, id := range ids {
		t.Add(id)
		if i%500 == 0 {
			group := mustID(b, fmt.Sprintf("/providers/Microsoft.Management/managementGroups/mg-%d", i/5000))
			if err := t.Link(id.Subscription(), group); err != nil {
				b.Fatal(err)
			}
		}
	}
	return &t
}

func BenchmarkFold(b *testing.B) {
	const s = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-1/providers/Microsoft.KeyVault/vaults/vault-1"
	b.ReportAllocs()
	for b.Loop() {
		Fold(s)
	}
}

func BenchmarkParseID(b *testing.B) {
	const s = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-1/providers/Microsoft.KeyVault/vaults/vault-1"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseID(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	o := mustOperation(b, "Microsoft.KeyVault/vaults/secrets/getSecret/action")
	for _, s := range []string{
		"Microsoft.KeyVault/vaults/secrets/getSecret/action", "*", "*/read", "Microsoft.KeyVault/vaults/*/action",
		"Microsoft.KeyVault/vaults/secrets/*/getSecret/action", "Microsoft.*/vaults/*/action",
	} {
		p := mustPattern(b, s)
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Match(o)
			}
		})
	}
}

func BenchmarkContains(b *testing.B) {
	id := mustID(b, "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-1/providers/Microsoft.KeyVault/vaults/v")
	group := id.ResourceGroupID()
	b.ReportAllocs()
	for b.Loop() {
		group.Contains(id)
	}
}

func BenchmarkFind(b *testing.B) {
	ids := benchIDs(b)
	tree := benchTree(b, ids).Build()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		tree.Find(ids[i%len(ids)])
		i += 7919
	}
}

// BenchmarkAdd and BenchmarkBuild together are what interning a tenant costs.
func BenchmarkAdd(b *testing.B) {
	ids := benchIDs(b)
	b.ReportAllocs()
	for b.Loop() {
		benchTree(b, ids)
	}
}

func BenchmarkBuild(b *testing.B) {
	builder := benchTree(b, benchIDs(b))
	b.ReportAllocs()
	for b.Loop() {
		builder.Build()
	}
}
