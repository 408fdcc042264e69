// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"
	"strings"

	"github.com/mivet/mivet"
)

// directoryRows decodes rows of the directory.
func directoryRows[T any](f *facts, p *page, what string, each func(*T)) {
	bad := p.Odd
	for _, raw := range p.Rows {
		var v T
		if json.Unmarshal(raw, &v) != nil {
			bad++
			continue
		}
		each(&v)
	}
	if bad > 0 {
		f.odd[what] += bad
	}
}

var objectTypes = map[string]mivet.PrincipalType{
	"#microsoft.graph.user": mivet.TypeUser, "#microsoft.graph.group": mivet.TypeGroup,
	"#microsoft.graph.serviceprincipal": mivet.TypeServicePrincipal, "#microsoft.graph.device": mivet.TypeDevice,
	"#microsoft.graph.agentidentity": mivet.TypeAgentPrincipal, "#microsoft.graph.agentuser": mivet.TypeAgentUser,
}

// objects takes users, groups and service principals. kind is the type of rows that do
// not name one.
func (f *facts) objects(p *page, what string, kind mivet.PrincipalType, src mivet.Source, each func(*mivet.Principal)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	directoryRows(f, p, what, func(o *directoryObject) {
		typ, ok := objectTypes[strings.ToLower(o.Kind)]
		if !ok {
			typ = kind
		}
		out := f.principal(o, typ, src)
		if each != nil && out.ID != "" {
			each(&out)
		}
	})
}

// principal adds a principal. Members of groups that the caller may not read come with
// their ID and type alone; what is known of one before is kept then.
func (f *facts) principal(o *directoryObject, typ mivet.PrincipalType, src mivet.Source) mivet.Principal {
	out := mivet.Principal{
		ID: mivet.NewPrincipalID(o.ID), Type: typ, Name: o.Name, ClientID: strings.ToLower(o.ClientID), HomeTenant: strings.ToLower(o.Home),
		Managed: o.Type == "ManagedIdentity", Disabled: o.Enabled != nil && !*o.Enabled, MembershipRule: o.Rule, Source: src,
	}
	if out.ID == "" {
		return out
	}
	for _, n := range o.Alternative {
		if id := parsed(n); out.Managed && !id.Subscription().IsZero() {
			f.claimed[id.Key()] = id
		}
	}
	for _, r := range o.AppRoles {
		f.appRoles[string(out.ID)+"|"+strings.ToLower(r.ID)] = r.Value
	}
	i, ok := f.principals[out.ID]
	if !ok {
		f.principals[out.ID] = len(f.snap.Principals)
		f.snap.Principals = append(f.snap.Principals, out)
		return out
	}
	have := &f.snap.Principals[i]
	if have.Name == "" && out.Name != "" || have.HomeTenant == "" && out.HomeTenant != "" {
		*have = out
	}
	return *have
}

// member puts principals into a group.
func (f *facts) members(group mivet.PrincipalID, p *page, src mivet.Source) (groups []mivet.PrincipalID) {
	f.objects(p, callMembers.what, "", src, func(m *mivet.Principal) {
		if f.once("member|" + string(group) + "|" + string(m.ID)) {
			f.snap.Memberships = append(f.snap.Memberships, mivet.Membership{Group: group, Member: m.ID, Source: src})
		}
		if m.Type == mivet.TypeGroup {
			groups = append(groups, m.ID)
		}
	})
	return groups
}

// maxOwners is how many owners Graph shows of each object of a list
// (learn.microsoft.com/graph/query-parameters, expand).
const maxOwners = 20

// owners takes the owners that are listed with applications or service principals. An
// application stands for its service principal, which is known in the end.
func (f *facts) owners(p *page, what string, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	directoryRows(f, p, what, func(o *directoryObject) {
		owned := mivet.NewPrincipalID(o.ID)
		if o.ClientID != "" {
			owned = mivet.PrincipalID(ofClient + strings.ToLower(o.ClientID))
		}
		for _, owner := range o.Owners {
			f.owner(owned, mivet.NewPrincipalID(owner.ID), src)
		}
		if len(o.Owners) >= maxOwners {
			f.addGap(mivet.Gap{Facts: mivet.FactOwners, Subject: o.ID, Source: src, Reason: "it has more owners than a list shows"})
		}
	})
}

// ofClient begins the name of a service principal of which only the client ID is known.
const ofClient = "client "

// groupOwners takes the owners of a group.
func (f *facts) groupOwners(group mivet.PrincipalID, p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	directoryRows(f, p, callGroupOwners.what, func(o *directoryObject) { f.owner(group, mivet.NewPrincipalID(o.ID), src) })
}

func (f *facts) owner(owned, owner mivet.PrincipalID, src mivet.Source) {
	if owned == "" || owner == "" {
		return
	}
	f.want(owner)
	f.snap.Ownerships = append(f.snap.Ownerships, mivet.Ownership{Owned: owned, Owner: owner, Source: src})
}

// settleOwners puts service principals in the place of client IDs, and keeps each owner once.
func (f *facts) settleOwners(byClient map[string]mivet.PrincipalID) {
	seen := map[[2]mivet.PrincipalID]bool{}
	var out []mivet.Ownership
	for _, o := range f.snap.Ownerships {
		if client, ok := strings.CutPrefix(string(o.Owned), ofClient); ok {
			if o.Owned, ok = byClient[client]; !ok {
				continue // an application without a service principal here acts as nobody
			}
		}
		if k := [2]mivet.PrincipalID{o.Owned, o.Owner}; !seen[k] {
			seen[k] = true
			out = append(out, o)
		}
	}
	f.snap.Ownerships = out
}

// applications takes the federated credentials of applications.
func (f *facts) applications(p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	directoryRows(f, p, callApplications.what, func(a *application) {
		for i := range a.Credentials {
			c := &a.Credentials[i]
			out := mivet.FederatedCredential{
				AppObjectID: strings.ToLower(a.ID), ClientID: strings.ToLower(a.ClientID), Name: c.Name,
				Issuer: c.Issuer, Subject: c.Subject, Audiences: c.Audiences, Source: src,
			}
			if c.Claims != nil {
				out.Expression = c.Claims.Value
			}
			if f.once("appfic|" + out.AppObjectID + "|" + out.Name) {
				f.snap.FederatedCredentials = append(f.snap.FederatedCredentials, out)
			}
		}
	})
}

// appAssignments takes application permissions.
func (f *facts) appAssignments(p *page, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	directoryRows(f, p, callAppRoles.what, func(a *appRoleAssignment) {
		out := mivet.AppRoleAssignment{
			Principal: mivet.NewPrincipalID(a.Principal), API: mivet.NewPrincipalID(a.API), APIName: a.APIName, RoleID: strings.ToLower(a.RoleID), Source: src,
		}
		if out.Principal == "" || out.RoleID == "" {
			f.odd[callAppRoles.what]++
			return
		}
		f.want(out.Principal)
		if f.once("approle|" + string(out.Principal) + "|" + string(out.API) + "|" + out.RoleID) {
			f.snap.AppRoles = append(f.snap.AppRoles, out)
		}
	})
}

// directoryRoles takes the names of the roles of the directory.
func (f *facts) directoryRoles(p *page) {
	f.mu.Lock()
	defer f.mu.Unlock()
	directoryRows(f, p, callDirectoryRoles.what, func(r *directoryRole) {
		f.dirRoles[strings.ToLower(r.ID)] = r.Name
	})
}

// directoryAssignments takes who holds them.
func (f *facts) directoryAssignments(p *page, eligible bool, src mivet.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	directoryRows(f, p, callDirectoryAssignments.what, func(a *directoryAssignment) {
		d := mivet.DirectoryRoleAssignment{
			Principal: mivet.NewPrincipalID(a.Principal), RoleID: strings.ToLower(a.RoleID), DirectoryScope: a.Scope,
			Eligible: eligible, Source: src,
		}
		if eligible {
			d.Start, d.End = instant(a.Start), instant(a.End)
		}
		if d.Principal == "" || d.RoleID == "" {
			f.odd[callDirectoryAssignments.what]++
			return
		}
		f.want(d.Principal)
		name := "dirrole|" + string(d.Principal) + "|" + d.RoleID + "|" + d.DirectoryScope
		if eligible {
			name += "|eligible"
		}
		if f.once(name) {
			f.snap.DirectoryRoles = append(f.snap.DirectoryRoles, d)
		}
	})
}

// settleDirectory fills in names, and the client IDs that only the directory knows.
func (f *facts) settleDirectory() {
	s := &f.snap
	for i := range s.AppRoles {
		a := &s.AppRoles[i]
		a.Role = f.appRoles[string(a.API)+"|"+a.RoleID]
	}
	for i := range s.DirectoryRoles {
		s.DirectoryRoles[i].Role = f.dirRoles[s.DirectoryRoles[i].RoleID]
	}
	byClient := map[string]mivet.PrincipalID{}
	for i := range s.Principals {
		if p := &s.Principals[i]; p.ClientID != "" {
			byClient[p.ClientID] = p.ID
		}
	}
	f.settleOwners(byClient)
	for i := range s.Identities {
		id := &s.Identities[i]
		if at, ok := f.principals[id.Principal]; ok && id.ClientID == "" {
			id.ClientID = s.Principals[at].ClientID
		}
	}
	// Database servers name applications by their client ID
	// (learn.microsoft.com/rest/api/sql/server-azure-ad-administrators, sid).
	for i := range s.LocalGrants {
		g := &s.LocalGrants[i]
		if _, known := f.principals[g.Principal]; known {
			continue
		}
		if id, ok := byClient[string(g.Principal)]; ok {
			g.Principal = id
		}
	}
}
