// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// policyKey names an entry of a vault's access list.
type policyKey struct {
	vault       arm.Key
	principal   mivet.PrincipalID
	application string
}

func (b *builder) accessPolicy(v *view) {
	vault, problem := b.scope(v, "key_vault_id")
	if problem != "" {
		b.gap(v, mivet.FactAccessPolicies, arm.ID{}, "its vault "+problem)
		return
	}
	p := policyOf(v.attrs, vault, v.src)
	if p.Principal, problem = b.principal(v, false, "object_id"); problem == "" && p.Principal == "" {
		problem = "is not in the file"
	}
	if problem != "" {
		b.gap(v, mivet.FactAccessPolicies, vault, "its principal "+problem)
		if problem == whyEmpty || problem == whyAbsent {
			return
		}
		p.Principal = mivet.SymbolicPrincipal(v.address)
	}
	b.snap.AccessPolicies = append(b.snap.AccessPolicies, p)
}

func policyOf(a attrs, vault arm.ID, src mivet.Source) mivet.AccessPolicy {
	return mivet.AccessPolicy{
		Vault: vault, Principal: mivet.NewPrincipalID(a.str("object_id")), ApplicationID: a.str("application_id"), TenantID: a.str("tenant_id"),
		Keys: a.list("key_permissions"), Secrets: a.list("secret_permissions"),
		Certificates: a.list("certificate_permissions"), Storage: a.list("storage_permissions"), Source: src,
	}
}

// inlinePolicies reads the access list written in a vault. After a refresh the list also
// repeats the entries that have a resource of their own: those are left to that resource,
// because the plan may change or delete it.
func (b *builder) inlinePolicies(v *view) {
	vault := b.ownID(v)
	if vault.IsZero() {
		return
	}
	for i, block := range v.attrs.blocks("access_policy") {
		p := policyOf(block, vault, v.src)
		if p.Principal == "" {
			var problem string
			if p.Principal, problem = b.principal(v, false, "access_policy", strconv.Itoa(i), "object_id"); problem != "" {
				b.gap(v, mivet.FactAccessPolicies, vault, "the principal of an access policy in it "+problem)
				if problem == whyEmpty || problem == whyAbsent {
					continue
				}
				p.Principal = mivet.SymbolicPrincipal(v.address + ".access_policy[" + strconv.Itoa(i) + "]")
			}
		}
		if !b.isMirror(v, vault, p.Principal, p.ApplicationID) {
			b.snap.AccessPolicies = append(b.snap.AccessPolicies, p)
		}
	}
	if v.unknown.unknown("access_policy") && at(v.exprs, "access_policy") != nil {
		b.gap(v, mivet.FactAccessPolicies, vault, "the access policies in it are known only after apply")
	}
}

// mirror notes an access policy that has a resource of its own, on either side of the plan.
func (b *builder) mirror(o *object) {
	v := b.view(o)
	vault, _ := b.scope(v, "key_vault_id")
	for _, side := range []attrs{attributes(o.before), attributes(o.after)} {
		id := vault
		if known := knownID(side.str("key_vault_id")); !known.IsZero() {
			id = known
		}
		if p := mivet.NewPrincipalID(side.str("object_id")); p != "" && !id.IsZero() {
			b.mirrors[policyKey{id.Key(), p, side.str("application_id")}] = true
		}
	}
}

// isMirror reports whether an entry in a vault only repeats one that has a resource of its
// own. The list of a vault that the plan creates was never refreshed: it holds what is
// written there.
func (b *builder) isMirror(v *view, vault arm.ID, principal mivet.PrincipalID, application string) bool {
	return !v.does("create") && b.mirrors[policyKey{vault.Key(), principal, application}]
}

// inlineCount returns the number of access policies that are written inside of a vault.
func (b *builder) inlineCount(v *view) int {
	switch {
	case v.typ == "azurerm_key_vault":
		vault, n := b.ownID(v), 0
		for _, block := range v.attrs.blocks("access_policy") {
			p := mivet.NewPrincipalID(block.str("object_id"))
			if p == "" || !b.isMirror(v, vault, p, block.str("application_id")) {
				n++
			}
		}
		return n
	case isAzapi(v.typ) && arm.Fold(v.armType()) == "microsoft.keyvault/vaults":
		return len(v.attrs.blocks("body", "properties", "accessPolicies"))
	default:
		return 0
	}
}

// pathACLs reads the access lists of a file system or a path with a hierarchical
// namespace. A default entry holds for what is created below, not for the path itself.
func (b *builder) pathACLs(v *view) {
	container, path := b.ownID(v), "/"
	if v.typ == "azurerm_storage_data_lake_gen2_path" {
		row := parseRow("R\tMicrosoft.Storage/storageAccounts/{?}/blobServices/default/containers/{filesystem_name}\tstorage_account_id")
		container = b.rowID(v, row)
		path = "/" + strings.TrimPrefix(b.name(v, "path"), "/")
		if v.attrs.str("resource") == "directory" {
			path = strings.TrimSuffix(path, "/") + "/"
		}
	}
	for i, block := range v.attrs.blocks("ace") {
		if s := block.str("scope"); s != "" && s != "access" {
			continue
		}
		e := mivet.PathACL{Container: container, Path: path, Tag: block.str("type"), Permissions: block.str("permissions"), Source: v.src}
		if id := block.str("id"); id != "" {
			e.Principal = mivet.NewPrincipalID(id)
		} else if v.unknown.unknown("ace", strconv.Itoa(i), "id") {
			e.Principal, _ = b.principal(v, false, "ace", strconv.Itoa(i), "id")
			if e.Principal == "" {
				b.gap(v, mivet.FactPathACLs, container, "a principal of its access list "+whyNotFollow)
				continue
			}
		}
		if !container.IsZero() {
			b.snap.PathACLs = append(b.snap.PathACLs, e)
		}
	}
}
