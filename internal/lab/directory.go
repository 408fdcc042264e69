// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
)

// directory is the side of the snapshot that Microsoft Graph serves. It is not changed
// after it was made.
type directory struct {
	tenant string
	cat    *catalog.Catalog
	// people are sorted by ID. Among them are the service principals of APIs that the
	// snapshot's application permissions name.
	people   []*mivet.Principal
	byID     map[mivet.PrincipalID]*mivet.Principal
	byClient map[string]*mivet.Principal // service principals by client ID
	// resource is the resource of a managed identity, by its principal.
	resource map[mivet.PrincipalID]string
	explicit map[mivet.PrincipalID]bool // user-assigned

	owners  map[mivet.PrincipalID][]mivet.PrincipalID // of groups and service principals
	members map[mivet.PrincipalID][]mivet.PrincipalID
	parents map[mivet.PrincipalID][]mivet.PrincipalID

	appRoles     []appRole
	byHolder     map[mivet.PrincipalID][]int // of appRoles
	byAPI        map[mivet.PrincipalID][]int
	roles        []mivet.DirectoryRoleAssignment
	rolesOf      map[mivet.PrincipalID][]int
	applications []application
	federated    map[string][]*mivet.FederatedCredential // by application object ID
	identityFeds map[string][]*mivet.FederatedCredential // by the key of the identity
}

// appRole is an application permission with the service principal of its API.
type appRole struct {
	*mivet.AppRoleAssignment
	id  string
	api mivet.PrincipalID
}

// application is the object behind a service principal of our own tenant.
type application struct {
	id     string
	client string
	name   string
}

func newDirectory(s *mivet.Snapshot, cat *catalog.Catalog, tenant string) *directory {
	d := &directory{
		tenant: tenant, cat: cat,
		byID: map[mivet.PrincipalID]*mivet.Principal{}, byClient: map[string]*mivet.Principal{},
		resource: map[mivet.PrincipalID]string{}, explicit: map[mivet.PrincipalID]bool{},
		owners: map[mivet.PrincipalID][]mivet.PrincipalID{}, members: map[mivet.PrincipalID][]mivet.PrincipalID{}, parents: map[mivet.PrincipalID][]mivet.PrincipalID{},
		byHolder: map[mivet.PrincipalID][]int{}, byAPI: map[mivet.PrincipalID][]int{}, rolesOf: map[mivet.PrincipalID][]int{},
		federated: map[string][]*mivet.FederatedCredential{}, identityFeds: map[string][]*mivet.FederatedCredential{},
	}
	for i := range s.Principals {
		d.add(&s.Principals[i])
	}
	for i := range s.Identities {
		d.addIdentity(&s.Identities[i])
	}
	for i := range s.Memberships {
		m := &s.Memberships[i]
		if !slices.Contains(d.members[m.Group], m.Member) {
			d.members[m.Group] = append(d.members[m.Group], m.Member)
			d.parents[m.Member] = append(d.parents[m.Member], m.Group)
		}
	}
	for i := range s.Ownerships {
		o := &s.Ownerships[i]
		d.owners[o.Owned] = append(d.owners[o.Owned], o.Owner)
	}
	for i := range s.FederatedCredentials {
		d.addFederated(&s.FederatedCredentials[i])
	}
	for i := range s.AppRoles {
		d.addAppRole(&s.AppRoles[i])
	}
	for i := range s.DirectoryRoles {
		d.roles = append(d.roles, s.DirectoryRoles[i])
		d.rolesOf[s.DirectoryRoles[i].Principal] = append(d.rolesOf[s.DirectoryRoles[i].Principal], i)
	}
	d.people = make([]*mivet.Principal, 0, len(d.byID))
	for _, p := range d.byID {
		d.people = append(d.people, p)
	}
	slices.SortFunc(d.people, func(a, b *mivet.Principal) int { return strings.Compare(string(a.ID), string(b.ID)) })
	d.addApplications()
	return d
}

// add takes a principal; of two with one ID the later counts.
func (d *directory) add(p *mivet.Principal) {
	if p.ID == "" {
		return
	}
	if _, symbolic := p.ID.Symbolic(); symbolic {
		return
	}
	d.byID[p.ID] = p
	if p.ClientID != "" && p.Type == mivet.TypeServicePrincipal {
		d.byClient[strings.ToLower(p.ClientID)] = p
	}
}

func (d *directory) addIdentity(id *mivet.Identity) {
	if id.Principal == "" {
		return
	}
	d.resource[id.Principal] = id.Resource.String()
	d.explicit[id.Principal] = id.Kind == mivet.UserAssigned
}

func (d *directory) addFederated(f *mivet.FederatedCredential) {
	if !f.Identity.IsZero() {
		k := string(f.Identity.Key())
		d.identityFeds[k] = append(d.identityFeds[k], f)
		return
	}
	d.federated[f.AppObjectID] = append(d.federated[f.AppObjectID], f)
}

// addAppRole takes an application permission. Where the snapshot does not hold the service
// principal of its API, one is made.
func (d *directory) addAppRole(a *mivet.AppRoleAssignment) {
	r := appRole{a, guidOf("app role assignment", string(a.Principal), string(a.API), a.APIName, a.RoleID), a.API}
	if r.api == "" {
		r.api = mivet.PrincipalID(guidOf("api", strings.ToLower(a.APIName)))
	}
	if d.byID[r.api] == nil {
		p := &mivet.Principal{ID: r.api, Type: mivet.TypeServicePrincipal, Name: a.APIName, HomeTenant: microsoftTenant}
		if strings.EqualFold(a.APIName, graphName) {
			p.ClientID = catalog.GraphAppID
		} else {
			p.ClientID = guidOf("api client", strings.ToLower(a.APIName))
		}
		d.add(p)
	}
	n := len(d.appRoles)
	d.appRoles = append(d.appRoles, r)
	d.byHolder[a.Principal] = append(d.byHolder[a.Principal], n)
	d.byAPI[r.api] = append(d.byAPI[r.api], n)
}

const (
	graphName = "Microsoft Graph"
	// microsoftTenant owns the applications of Microsoft's services
	// (learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in).
	microsoftTenant = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
)

// addApplications makes the application objects of our own tenant: one for each service
// principal that is no managed identity and belongs to no other tenant.
func (d *directory) addApplications() {
	objects := map[string]string{}
	for app, list := range d.federated {
		for _, f := range list {
			if f.ClientID != "" {
				objects[strings.ToLower(f.ClientID)] = app
			}
		}
	}
	for _, p := range d.people {
		if p.Type != mivet.TypeServicePrincipal || p.Managed || p.ClientID == "" || p.HomeTenant != "" && !strings.EqualFold(p.HomeTenant, d.tenant) {
			continue
		}
		id := objects[strings.ToLower(p.ClientID)]
		if id == "" {
			id = guidOf("application", p.ClientID)
		}
		d.applications = append(d.applications, application{id, p.ClientID, p.Name})
	}
	slices.SortFunc(d.applications, func(a, b application) int { return strings.Compare(a.id, b.id) })
}

// credentials returns the federated credentials that an account signs in with.
func (d *directory) credentials(who *account) []*mivet.FederatedCredential {
	if r := d.resource[who.id]; r != "" {
		return d.identityFeds[string(mustID(r).Key())]
	}
	for _, a := range d.applications {
		if strings.EqualFold(a.client, who.client) {
			return d.federated[a.id]
		}
	}
	return nil
}

// closure returns what is reached from a principal, itself left out, each once, in the
// order in which it is found.
func closure(from mivet.PrincipalID, next map[mivet.PrincipalID][]mivet.PrincipalID) []mivet.PrincipalID {
	seen := map[mivet.PrincipalID]bool{from: true}
	var list []mivet.PrincipalID
	queue := []mivet.PrincipalID{from}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, n := range next[p] {
			if !seen[n] {
				seen[n] = true
				list = append(list, n)
				queue = append(queue, n)
			}
		}
	}
	return list
}

func (d *directory) groupsOf(p mivet.PrincipalID) []mivet.PrincipalID { return closure(p, d.parents) }

func (d *directory) allMembers(group mivet.PrincipalID) []mivet.PrincipalID {
	return closure(group, d.members)
}

// permissions are the names of a principal's application permissions of Microsoft Graph.
func (d *directory) permissions(p mivet.PrincipalID) []string {
	var names []string
	for _, n := range d.byHolder[p] {
		r := d.appRoles[n]
		api := d.byID[r.api]
		if api == nil || api.ClientID != catalog.GraphAppID {
			continue
		}
		name := r.Role
		if known := d.cat.AppRole(catalog.GraphAppID, r.RoleID); known != nil {
			name = known.Value
		}
		names = append(names, name)
	}
	return names
}

// roleIDs are the template IDs of a principal's active roles of the directory.
func (d *directory) roleIDs(p mivet.PrincipalID) []string {
	var ids []string
	for _, who := range append([]mivet.PrincipalID{p}, d.groupsOf(p)...) {
		for _, n := range d.rolesOf[who] {
			if !d.roles[n].Eligible && !slices.Contains(ids, d.roles[n].RoleID) {
				ids = append(ids, d.roles[n].RoleID)
			}
		}
	}
	return ids
}
