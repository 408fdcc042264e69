// SPDX-License-Identifier: Apache-2.0

// Package presented holds the rules about which identity a workload presents.
//
// What the platform and the client libraries do with settings is the knowledge of package
// effective; this one does not look into code.
package presented

import "github.com/mivet/mivet/vet"

// Suite returns the rules of the package.
func Suite() []*vet.Rule {
	return []*vet.Rule{UnselectedIdentity, BrokenSelector, StaleClientID, SecretOutranksIdentity, VaultReferenceWithoutIdentity, FederationNeverMatches, DeveloperCredentials, GroupTokenLag, SlotGrantsDiffer, SwapBreaksSelector, PolicyAttachesIdentity, EvidenceDisagrees}
}
