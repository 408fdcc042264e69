// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// policyOperations maps the words of an access list to data operations, without the
// prefix of the vault. The words and the operations are published
// (MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-migration.md and the
// type of vaults in Azure/bicep-types-az); which belongs to which is inferred from their
// names and from the built-in roles that replace the templates.
var policyOperations = map[string]map[string][]string{
	"secrets": {
		"get": {"secrets/getSecret/action"}, "list": {"secrets/readMetadata/action"},
		"set":    {"secrets/setSecret/action", "secrets/update/action"},
		"delete": {"secrets/delete"}, "recover": {"secrets/recover/action"},
		"backup": {"secrets/backup/action"}, "restore": {"secrets/restore/action"}, "purge": {"secrets/purge/action"},
	},
	"keys": {
		"get": {"keys/read"}, "list": {"keys/read"}, "create": {"keys/create/action"}, "update": {"keys/update/action"},
		"import": {"keys/import/action"}, "delete": {"keys/delete"}, "recover": {"keys/recover/action"},
		"backup": {"keys/backup/action"}, "restore": {"keys/restore/action"}, "purge": {"keys/purge/action"},
		"encrypt": {"keys/encrypt/action"}, "decrypt": {"keys/decrypt/action"},
		"wrapkey": {"keys/wrap/action"}, "unwrapkey": {"keys/unwrap/action"},
		"sign": {"keys/sign/action"}, "verify": {"keys/verify/action"}, "rotate": {"keys/rotate/action"},
		"getrotationpolicy": {"keyrotationpolicies/read"}, "setrotationpolicy": {"keyrotationpolicies/write"},
		"release": {"keys/release/action"},
	},
	"certificates": {
		"get": {"certificates/read"}, "list": {"certificates/read"}, "create": {"certificates/create/action"},
		"import": {"certificates/import/action"}, "update": {"certificates/update/action"},
		"delete": {"certificates/delete"}, "recover": {"certificates/recover/action"},
		"backup": {"certificates/backup/action"}, "restore": {"certificates/restore/action"}, "purge": {"certificates/purge/action"},
		"managecontacts": {"certificatecontacts/write"}, "getissuers": {"certificatecas/read"}, "listissuers": {"certificatecas/read"},
		"setissuers": {"certificatecas/write"}, "deleteissuers": {"certificatecas/delete"}, "manageissuers": {"certificatecas/*"},
	},
}

// listingWords permit less than the operation that they are mapped to: the list of names,
// where the operation reads the objects too.
var listingWords = map[string]string{"list": "get", "listissuers": "getissuers"}

// kindOperations are the data operations of each list of words, as a word that nobody
// knows could stand for any of its list. Which operation a word for managed storage keys
// stands for is not published, and the feature is retired.
var kindOperations = map[string][]string{
	"secrets": {"secrets/*"}, "keys": {"keys/*", "keyrotationpolicies/*"},
	"certificates": {"certificates/*", "certificatecontacts/*", "certificatecas/*"}, "storage": {"storageaccounts/*"},
}

const (
	listingDoubt = "the entry permits to list, and the operation also reads the objects"
	storageDoubt = "which operation a word for managed storage keys stands for is not published"
)

// policyDrafts reads the entries of access lists. An entry is one role or several, held
// at the vault.
func (e *Engine) policyDrafts(rs *roleSet) []draft {
	var out []draft
	for i := range e.snap.AccessPolicies {
		p := &e.snap.AccessPolicies[i]
		for _, part := range policyParts(p) {
			out = append(out, draft{
				person: e.people.find(p.Principal), scope: p.Vault, role: rs.internPart(&part), class: classPolicy,
				fact: int32(i), rider: part.rider(p),
			})
		}
	}
	return out
}

// policyPart is what an entry permits with the same doubt: none, or a reason why it may
// permit less.
type policyPart struct {
	operations []string // without the prefix of the vault
	doubt      string
}

func (part *policyPart) rider(p *mivet.AccessPolicy) *rider {
	switch {
	case p.Vault.IsZero():
		return doubted(p.Vault, "")
	case p.ApplicationID != "":
		return &rider{doubt: "it works only for a user who comes through application " + p.ApplicationID, doubtWhy: CauseCondition}
	case part.doubt != "":
		return &rider{doubt: part.doubt, doubtWhy: CauseCondition}
	default:
		return nil
	}
}

// policyParts turns an entry into what it surely permits and what it may permit.
func policyParts(p *mivet.AccessPolicy) []policyPart {
	sure, listing := policyPart{}, policyPart{doubt: listingDoubt}
	var rest []policyPart
	add := func(kind string, words []string) {
		odd := readWords(kind, words, &sure, &listing)
		if len(odd) == 0 {
			return
		}
		doubt := storageDoubt
		if kind != "storage" {
			doubt = fmt.Sprintf("%q is no known permission for %s", odd, kind)
		}
		rest = append(rest, policyPart{operations: kindOperations[kind], doubt: doubt})
	}
	add("secrets", p.Secrets)
	add("keys", p.Keys)
	add("certificates", p.Certificates)
	add("storage", p.Storage)
	return slices.DeleteFunc(append([]policyPart{sure, listing}, rest...), func(part policyPart) bool {
		return len(part.operations) == 0
	})
}

// readWords sorts the words of one list into what they surely permit and what they permit
// in part, and returns those that it does not know.
func readWords(kind string, words []string, sure, listing *policyPart) (odd []string) {
	table := policyOperations[kind]
	has := map[string]bool{}
	for _, word := range words {
		has[strings.ToLower(strings.TrimSpace(word))] = true
	}
	if has["all"] && table != nil {
		delete(has, "all")
		// "all" does not purge: when purging became a permission, "all" was taken away so
		// that nobody gives it unknowingly (Azure/azure-rest-api-specs issue 1394), and where
		// it still stands the service refuses to purge
		// (Azure/azure-resource-manager-schemas pull request 397).
		for word := range table {
			has[word] = has[word] || word != "purge"
		}
	}
	for _, word := range slices.Sorted(maps.Keys(has)) {
		ops, known := table[word]
		switch stronger := listingWords[word]; {
		case !has[word]:
		case !known:
			odd = append(odd, word)
		case stronger != "" && kind != "secrets" && !has[stronger]:
			listing.operations = append(listing.operations, ops...)
		default:
			sure.operations = append(sure.operations, ops...)
		}
	}
	return odd
}

func (rs *roleSet) internPart(part *policyPart) uint32 {
	key := roleKey{kind: roleLocal, text: "access policy " + strings.Join(part.operations, " ")}
	return rs.internAs(key, func() role {
		prefixed := make([]string, len(part.operations))
		for i, op := range part.operations {
			prefixed[i] = vaultType + "/" + op
		}
		def := &mivet.RoleDefinition{Name: "access policy", Permissions: []mivet.Permission{{DataActions: prefixed}}}
		return role{def: def, name: def.Name, perms: compilePermissions(def.Permissions)}
	})
}
