// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// A vault has one of two permission models. With enableRbacAuthorization true its access
// list is ignored; with false or null its access list alone decides about data, and role
// assignments do not (MicrosoftDocs/azure-security-docs
// articles/key-vault/general/rbac-guide.md, access-control-default.md). Resource Manager
// itself is always under role assignments.
const (
	vaultType    = "Microsoft.KeyVault/vaults"
	modelSetting = "enableRbacAuthorization"
)

// vaultOperations is how every operation on a vault's contents starts, folded.
const vaultOperations = "microsoft.keyvault/vaults/"

func isVault(id arm.ID) bool {
	return id.HasType(vaultType)
}

// vaults knows the permission model of each vault.
type vaults struct {
	models map[arm.Node]abac.Truth // whether the access list decides
}

func newVaults(s *mivet.Snapshot, t *arm.Tree) *vaults {
	v := &vaults{models: map[arm.Node]abac.Truth{}}
	for i := range s.Resources {
		r := &s.Resources[i]
		if !isVault(r.ID) {
			continue
		}
		n, _ := t.Find(r.ID)
		v.models[n] = modelOf(r)
	}
	return v
}

func modelOf(r *mivet.Resource) abac.Truth {
	value, ok := r.Setting(modelSetting)
	switch {
	case !ok:
		return abac.Unknown
	case strings.EqualFold(value, "true"):
		return abac.False
	default:
		return abac.True
	}
}

// policies says whether access lists decide the question, which is about a vault's
// contents. Above vaults (a group, a subscription) the question is about the grants that
// vaults below inherit, and only role assignments are inherited.
func (v *vaults) policies(q *question) abac.Truth {
	for n := q.node; n != arm.RootNode; n = q.e.tree.Parent(n) {
		if t, ok := v.models[n]; ok {
			return t
		}
	}
	if vaultOf(q.resource).IsZero() {
		return abac.False
	}
	return abac.Unknown
}

// known reports whether the snapshot holds the question's vault.
func (v *vaults) known(q *question) bool {
	for n := q.node; n != arm.RootNode; n = q.e.tree.Parent(n) {
		if _, ok := v.models[n]; ok {
			return true
		}
	}
	return false
}

func vaultOf(id arm.ID) arm.ID {
	for ; id.Level() == arm.LevelResource; id = id.Parent() {
		if isVault(id) {
			return id
		}
	}
	return arm.ID{}
}
