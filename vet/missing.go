// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Deleted reports whether the principal of an assignment is known to be gone: the
// directory was read, no gap concerns it, and it does not hold the principal. Nobody can
// act as it, so that such a grant is a matter of what is left over, not of what it gives.
// A principal of another directory is not known to be gone.
func (p *Pass) Deleted(a *mivet.RoleAssignment) bool {
	id := a.Principal
	_, symbolic := id.Symbolic()
	switch {
	case symbolic, id == "", id == mivet.Everyone, a.PrincipalType == mivet.TypeForeignGroup, !a.DelegatedIdentity.IsZero():
		return false
	case len(p.Snapshot.Principals) == 0, p.Index().Principal(id) != nil, p.Index().Identity(id) != nil:
		return false
	}
	return p.GapAbout(mivet.FactPrincipals, string(id)) == nil && p.Gap(mivet.FactPrincipals, arm.ID{}) == nil
}
