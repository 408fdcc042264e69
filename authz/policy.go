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

const listingDoubt = "the entry permits to list, and the operation also reads the objects"

// storageDoubt says why words for managed storage keys decide nothing: no page says which
// data operation each stands for, and the feature is retired.
const storageDoubt = "which operation a word for managed storage keys stands for is not published"

// policyDrafts reads the entries of access lists. An entry is a role of its own, held at
// the vault.
func (e *Engine) policyDrafts(rs *roleSet) []draft {
	var out []draft
	for i := range e.snap.AccessPolicies {
		p := &e.snap.AccessPolicies[i]
		person := e.people.find(p.Principal)
		add := func(r role, doubt string) {
			if len(r.perms[0].data.grant) == 0 && r.perms[0].data.faulty == nil {
				return
			}
			d := draft{person: person, scope: p.Vault, role: rs.internLocal(r), class: classPolicy, fact: int32(i)} //nolint:gosec // fewer than 2^31
			if p.ApplicationID != "" {
				doubt = "it works only for a user who comes through application " + p.ApplicationID
			}
			if doubt != "" {
				d.rider = &rider{doubt: doubt}
			}
			out = append(out, d)
		}
		full, listing, storage := compilePolicy(p)
		add(full, "")
		add(listing, listingDoubt)
		add(storage, storageDoubt)
	}
	return out
}

// compilePolicy turns an entry into what it surely permits, what it permits in part, and
// what is not known of it.
func compilePolicy(p *mivet.AccessPolicy) (full, listing, storage role) {
	var sure, part policyWords
	sure.add("secrets", p.Secrets, &part)
	sure.add("keys", p.Keys, &part)
	sure.add("certificates", p.Certificates, &part)
	var rest policyWords
	if len(p.Storage) > 0 {
		rest.operations = []string{"storageaccounts/*"}
	}
	return sure.role(), part.role(), rest.role()
}

// policyWords are data operations of an entry, without the prefix of the vault.
type policyWords struct {
	operations []string
	fault      error
}

func (w *policyWords) add(kind string, words []string, part *policyWords) {
	table := policyOperations[kind]
	has := map[string]bool{}
	for _, word := range words {
		has[strings.ToLower(strings.TrimSpace(word))] = true
	}
	if has["all"] { // once valid for each list
		for word := range table {
			has[word] = true
		}
		delete(has, "all")
	}
	for _, word := range slices.Sorted(maps.Keys(has)) {
		ops, known := table[word]
		switch stronger := listingWords[word]; {
		case !known:
			w.fault = fmt.Errorf("reading the %s permissions of an access policy: %q is not a known word", kind, word)
		case stronger != "" && kind != "secrets" && !has[stronger]:
			part.operations = append(part.operations, ops...)
		default:
			w.operations = append(w.operations, ops...)
		}
	}
}

func (w *policyWords) role() role {
	prefixed := make([]string, len(w.operations))
	for i, op := range w.operations {
		prefixed[i] = vaultType + "/" + op
	}
	r := compileRules(prefixed, nil)
	if w.fault != nil {
		r.faulty = w.fault
	}
	def := &mivet.RoleDefinition{
		Name:        "access policy",
		Permissions: []mivet.Permission{{DataActions: prefixed}},
	}
	return role{def: def, name: def.Name, perms: []permission{{data: r}}}
}

// internLocal adds a role that is not a role definition.
func (rs *roleSet) internLocal(r role) uint32 {
	key := "local " + r.name
	if r.def != nil {
		key += "\x00" + strings.Join(r.def.Permissions[0].DataActions, ",") + "\x00" + strings.Join(r.def.Permissions[0].NotDataActions, ",")
	}
	if len(r.perms) > 0 && r.perms[0].data.faulty != nil {
		key += "\x00" + r.perms[0].data.faulty.Error()
	}
	if n, ok := rs.index[key]; ok {
		return n
	}
	n := uint32(len(rs.roles)) //nolint:gosec // fewer roles than 2^28
	rs.index[key] = n
	rs.roles = append(rs.roles, r)
	return n
}
