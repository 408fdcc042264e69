// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// Kind is the sort of something that is decided on.
type Kind string

// The sorts.
const (
	KindIdentity   Kind = "identity"
	KindRole       Kind = "role assignment"
	KindEligible   Kind = "eligible assignment"
	KindPolicy     Kind = "access policy"
	KindLocal      Kind = "local grant"
	KindPathACL    Kind = "path access list"
	KindMember     Kind = "group membership"
	KindAppRole    Kind = "application permission"
	KindDirectory  Kind = "directory role"
	KindFederation Kind = "federated credential"
	KindFinding    Kind = "finding"
	// KindDelegation is shown and not decided on: the other tenant's offer gives it.
	KindDelegation Kind = "delegation"
)

// order is that of the kinds in a pack.
var order = []Kind{
	KindIdentity, KindRole, KindEligible, KindPolicy, KindLocal, KindPathACL, KindDelegation, KindMember, KindAppRole, KindDirectory, KindFederation, KindFinding,
}

// Row is a fact that can be decided on.
type Row struct {
	// ID is the same for the same fact, in any snapshot.
	ID     string
	Kind   Kind
	Holder mivet.PrincipalID
	// Edit takes it away; zero for a finding.
	Edit mivet.Edit

	key string // the order among rows of a kind
}

// rowID names a row. It begins with a letter: a spreadsheet would take digits with an "e" in
// them for a number, and write another one back.
func rowID(kind Kind, parts ...string) string {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + strings.Join(parts, "\x00")))
	return "r" + hex.EncodeToString(sum[:6])
}

// Inventory are the rows of a snapshot.
type Inventory struct {
	byHolder map[mivet.PrincipalID][]*Row
	byID     map[string]*Row
	groups   map[mivet.PrincipalID][]mivet.PrincipalID
}

// NewInventory reads a snapshot once.
func NewInventory(s *mivet.Snapshot) *Inventory {
	inv := &Inventory{byHolder: map[mivet.PrincipalID][]*Row{}, byID: map[string]*Row{}, groups: map[mivet.PrincipalID][]mivet.PrincipalID{}}
	carries := map[arm.Key]bool{}
	for i := range s.Resources {
		if r := &s.Resources[i]; r.Identity != nil && r.Identity.System {
			carries[r.ID.Key()] = true
		}
	}
	for i := range s.Identities {
		inv.add(identityRow(&s.Identities[i], carries))
	}
	for i := range s.RoleAssignments {
		inv.add(assignmentRow(&s.RoleAssignments[i]))
	}
	for i := range s.AccessPolicies {
		p := &s.AccessPolicies[i]
		inv.add(&Row{
			Kind: KindPolicy, Holder: p.Principal, Edit: mivet.Edit{Kind: mivet.EditRemovePolicy, Policy: p},
			ID: rowID(KindPolicy, string(p.Principal), string(p.Vault.Key()), p.ApplicationID), key: string(p.Vault.Key()),
		})
	}
	for i := range s.LocalGrants {
		g := &s.LocalGrants[i]
		inv.add(&Row{
			Kind: KindLocal, Holder: g.Principal, Edit: mivet.Edit{Kind: mivet.EditRemoveLocalGrant, Grant: g},
			ID: rowID(KindLocal, string(g.Principal), string(g.System), string(g.Account.Key()), g.Scope, g.Role), key: string(g.Account.Key()) + g.Scope + g.Role,
		})
	}
	for i := range s.PathACLs {
		a := &s.PathACLs[i]
		if a.Principal != "" {
			inv.add(&Row{
				Kind: KindPathACL, Holder: a.Principal, Edit: mivet.Edit{Kind: mivet.EditRemovePathACL, PathACL: a},
				ID: rowID(KindPathACL, string(a.Principal), string(a.Container.Key()), a.Path, a.Tag), key: string(a.Container.Key()) + a.Path,
			})
		}
	}
	inv.addDirectory(s)
	for id := range inv.byHolder {
		slices.SortStableFunc(inv.byHolder[id], compareRows)
	}
	return inv
}

func (inv *Inventory) addDirectory(s *mivet.Snapshot) {
	for i := range s.Memberships {
		m := &s.Memberships[i]
		if !slices.Contains(inv.groups[m.Member], m.Group) {
			inv.groups[m.Member] = append(inv.groups[m.Member], m.Group)
		}
		inv.add(&Row{
			Kind: KindMember, Holder: m.Member, Edit: mivet.Edit{Kind: mivet.EditRemoveMember, Membership: m},
			ID: rowID(KindMember, string(m.Member), string(m.Group)), key: string(m.Group),
		})
	}
	for i := range s.AppRoles {
		a := &s.AppRoles[i]
		inv.add(&Row{
			Kind: KindAppRole, Holder: a.Principal, Edit: mivet.Edit{Kind: mivet.EditRemoveAppRole, AppRole: a},
			ID: rowID(KindAppRole, string(a.Principal), string(a.API), a.APIName, strings.ToLower(a.RoleID), a.Role), key: a.APIName + a.Role + a.RoleID,
		})
	}
	for i := range s.DirectoryRoles {
		a := &s.DirectoryRoles[i]
		inv.add(&Row{
			Kind: KindDirectory, Holder: a.Principal, Edit: mivet.Edit{Kind: mivet.EditRemoveDirectory, Directory: a},
			ID: rowID(KindDirectory, string(a.Principal), a.RoleID, a.Role, a.DirectoryScope, fmt.Sprint(a.Eligible)), key: a.Role + a.RoleID + a.DirectoryScope,
		})
	}
	owners := map[arm.Key]mivet.PrincipalID{}
	clients := map[string]mivet.PrincipalID{}
	for i := range s.Identities {
		owners[s.Identities[i].Resource.Key()] = s.Identities[i].Principal
	}
	for i := range s.Principals {
		if c := s.Principals[i].ClientID; c != "" {
			clients[strings.ToLower(c)] = s.Principals[i].ID
		}
	}
	for i := range s.FederatedCredentials {
		f := &s.FederatedCredentials[i]
		holder := clients[strings.ToLower(f.ClientID)]
		if !f.Identity.IsZero() {
			holder = owners[f.Identity.Key()]
		}
		inv.add(&Row{
			Kind: KindFederation, Holder: holder, Edit: mivet.Edit{Kind: mivet.EditRemoveFederation, Federation: f},
			ID: rowID(KindFederation, string(f.Identity.Key()), f.AppObjectID, f.Name), key: f.Name,
		})
	}
}

// compareRows is the order of rows: by kind, then by what they are about.
func compareRows(a, b *Row) int {
	return cmp.Or(cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)), strings.Compare(a.key, b.key), strings.Compare(a.ID, b.ID))
}

// add adds a row; of facts that two inputs tell, the later one counts.
func (inv *Inventory) add(r *Row) {
	if old := inv.byID[r.ID]; old != nil {
		*old = *r
		return
	}
	inv.byID[r.ID] = r
	inv.byHolder[r.Holder] = append(inv.byHolder[r.Holder], r)
}

// Row returns the row of that name, or nil.
func (inv *Inventory) Row(id string) *Row { return inv.byID[id] }

// Rows are those that somebody holds, without the groups' own.
func (inv *Inventory) Rows(holder mivet.PrincipalID) []*Row { return inv.byHolder[holder] }

// Touches reports whether somebody, or a group of theirs, holds something at a scope, above
// it or below it.
func (inv *Inventory) Touches(who mivet.PrincipalID, scope arm.ID, covers func(scope, below arm.ID) bool) bool {
	for _, holder := range inv.WithGroups(who) {
		for _, r := range inv.byHolder[holder] {
			if at := r.scope(); !at.IsZero() && (covers(at, scope) || covers(scope, at)) {
				return true
			}
		}
	}
	return false
}

// WithGroups are somebody and the groups of theirs, through others too, nearest first.
func (inv *Inventory) WithGroups(who mivet.PrincipalID) []mivet.PrincipalID {
	all := []mivet.PrincipalID{who}
	for i := 0; i < len(all); i++ {
		for _, g := range inv.groups[all[i]] {
			if !slices.Contains(all, g) {
				all = append(all, g)
			}
		}
	}
	return all
}

// scope is where a row counts in Azure; zero for what is held in the directory.
func (r *Row) scope() arm.ID {
	e := &r.Edit
	switch {
	case e.Assignment != nil:
		return e.Assignment.Scope
	case e.Policy != nil:
		return e.Policy.Vault
	case e.Grant != nil:
		return e.Grant.Account
	case e.PathACL != nil:
		return e.PathACL.Container
	}
	return arm.ID{}
}

// identityRow is about the identity itself. One whose carrier the facts do not hold has no
// edit: what is to be switched off is not known.
func identityRow(id *mivet.Identity, carries map[arm.Key]bool) *Row {
	r := &Row{Kind: KindIdentity, Holder: id.Principal, ID: identityID(id), key: string(id.Resource.Key())}
	switch {
	case id.Kind == mivet.UserAssigned:
		r.Edit = mivet.Edit{Kind: mivet.EditDeleteIdentity, Resource: id.Resource}
	case carries[id.Resource.Key()]:
		r.Edit = mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: id.Resource}
	}
	return r
}

// identityID is the name of an identity's own row.
func identityID(id *mivet.Identity) string {
	return rowID(KindIdentity, string(id.Principal), string(id.Resource.Key()), string(id.Kind))
}

func assignmentRow(a *mivet.RoleAssignment) *Row {
	r := &Row{Kind: KindRole, Holder: a.Principal, Edit: mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: a}}
	if a.Eligible {
		r.Kind = KindEligible
	}
	r.ID = assignmentID(r.Kind, a)
	r.key = string(a.Scope.Key()) + "\x00" + strings.ToLower(a.RoleName) + string(a.Role)
	return r
}

// assignmentID says what Azure allows one of: a principal, a role and a scope.
func assignmentID(kind Kind, a *mivet.RoleAssignment) string {
	role := string(a.Role)
	if role == "" {
		role = string(arm.Fold(a.RoleName))
	}
	return rowID(kind, string(a.Principal), role, string(a.Scope.Key()))
}

// rightRow names the row of a grant; "" for one that no row is about.
func (inv *Inventory) rightRow(r *authz.Right) *Row {
	switch {
	case r.Assignment != nil:
		return inv.byID[assignmentRow(r.Assignment).ID]
	case r.Policy != nil:
		return inv.byID[rowID(KindPolicy, string(r.Policy.Principal), string(r.Policy.Vault.Key()), r.Policy.ApplicationID)]
	case r.Local != nil:
		g := r.Local
		return inv.byID[rowID(KindLocal, string(g.Principal), string(g.System), string(g.Account.Key()), g.Scope, g.Role)]
	}
	return nil
}

// Digest names the facts of a snapshot that a review rests on: 64 hexadecimal digits, the
// same for the same facts, whatever file they were read from and in whatever order.
func Digest(s *mivet.Snapshot) string {
	d := digest{}
	for i := range s.Identities {
		x := s.Identities[i]
		x.Source = mivet.Source{}
		d.add("identity", &x)
	}
	for i := range s.RoleAssignments {
		x := s.RoleAssignments[i]
		x.Source = mivet.Source{}
		d.add("assignment", &x)
	}
	for i := range s.DenyAssignments {
		x := s.DenyAssignments[i]
		x.Source = mivet.Source{}
		d.add("deny", &x)
	}
	for i := range s.AccessPolicies {
		x := s.AccessPolicies[i]
		x.Source = mivet.Source{}
		d.add("policy", &x)
	}
	for i := range s.LocalGrants {
		x := s.LocalGrants[i]
		x.Source = mivet.Source{}
		d.add("local", &x)
	}
	for i := range s.PathACLs {
		x := s.PathACLs[i]
		x.Source = mivet.Source{}
		d.add("path", &x)
	}
	d.directory(s)
	return d.sum(s)
}

func (d *digest) directory(s *mivet.Snapshot) {
	for i := range s.Memberships {
		x := s.Memberships[i]
		x.Source = mivet.Source{}
		d.add("member", &x)
	}
	for i := range s.AppRoles {
		x := s.AppRoles[i]
		x.Source = mivet.Source{}
		d.add("app role", &x)
	}
	for i := range s.DirectoryRoles {
		x := s.DirectoryRoles[i]
		x.Source = mivet.Source{}
		d.add("directory role", &x)
	}
	for i := range s.FederatedCredentials {
		x := s.FederatedCredentials[i]
		x.Source = mivet.Source{}
		d.add("federation", &x)
	}
	for i := range s.Gaps {
		x := s.Gaps[i]
		x.Source = mivet.Source{}
		d.add("gap", &x)
	}
}

// digest collects a checksum for each fact.
type digest [][sha256.Size]byte

func (d *digest) add(kind string, fact any) {
	h := sha256.New()
	put(h, kind)
	text, err := json.Marshal(fact)
	if err != nil { // facts are texts, numbers, times and lists of them
		text = fmt.Append(nil, fact)
	}
	_, _ = h.Write(text)
	*d = append(*d, [sha256.Size]byte(h.Sum(nil)))
}

func put(h hash.Hash, text string) { _, _ = h.Write(append([]byte(text), 0)) }

func (d *digest) sum(s *mivet.Snapshot) string {
	slices.SortFunc(*d, func(a, b [sha256.Size]byte) int { return slices.Compare(a[:], b[:]) })
	h := sha256.New()
	put(h, "facts 1")
	put(h, s.TenantID)
	put(h, s.TakenAt.UTC().Format(time.RFC3339))
	for i := range *d {
		_, _ = h.Write((*d)[i][:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
