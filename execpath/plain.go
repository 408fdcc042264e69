// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// plainKind is the sort of an edge between two principals that no Azure role gives.
type plainKind uint8

const (
	plainMember      plainKind = iota // is in the group
	plainOwner                        // may add credentials to the application, or members to the group
	plainApplication                  // may add credentials to any application
	plainGroup                        // may add members to groups
	plainFederated                    // tokens of an outside issuer are trusted
	plainCredential                   // reads a credential that is stored in Azure
	plainOutside                      // gets tokens of an outside issuer, or has jobs run on a machine
)

// techniques of plain edges, in the words of the table where it has them.
var plainTechnique = [...]string{"member", "owner", "directory", "CICD-04", "CICD-01", "credential", "outside"}

// plainEdge leads from one principal to one that it can act as, or whose rights it has.
type plainEdge struct {
	from, to int32
	kind     plainKind
	certain  bool // nothing about it was left unread
	closed   bool // it is certain in a closed world
	right    string
	at       arm.ID // where a credential is stored
	by       string // the technique by which it is read
	source   mivet.Source
}

func (g *Graph) link(e plainEdge) {
	for _, n := range []int32{e.from, e.to} {
		for int(n) >= len(g.plainIn) {
			g.plainIn, g.plainOut = append(g.plainIn, nil), append(g.plainOut, nil)
		}
	}
	i := int32(len(g.plain))
	g.plain = append(g.plain, e)
	g.plainOut[e.from] = append(g.plainOut[e.from], i)
	g.plainIn[e.to] = append(g.plainIn[e.to], i)
}

// addPlain adds what leads from principal to principal beside Azure's roles.
func (g *Graph) addPlain() {
	for i := range g.snap.Memberships {
		m := &g.snap.Memberships[i]
		g.link(plainEdge{from: g.number(m.Member), to: g.number(m.Group), kind: plainMember, certain: true, closed: true, source: m.Source})
	}
	for i := range g.snap.Ownerships {
		o := &g.snap.Ownerships[i]
		if g.managed(o.Owned) || o.Owned == o.Owner {
			continue // credentials cannot be added to a managed identity
		}
		// Owners of a group may add members even where roles may be assigned to it, and change
		// the rule of a dynamic one only with a role of the directory beside
		// (MicrosoftDocs/entra-docs docs/identity/role-based-access-control/groups-concept.md).
		known := g.idx.Principal(o.Owned)
		sure := known == nil || known.MembershipRule == ""
		if known != nil && g.foreign(known) {
			continue // its credentials are kept in its own tenant
		}
		g.link(plainEdge{from: g.number(o.Owner), to: g.number(o.Owned), kind: plainOwner, certain: sure, closed: sure, right: "owner", source: o.Source})
	}
	g.addFederated()
	g.addRunners()
	g.addDirectory()
	g.addCredentials()
}

// reads are the operations that show what is stored at a resource, with the gate of those
// that work by a key.
var reads = []struct {
	typ, operation string
	plane          mivet.Plane
	gate           string
	technique      string
}{
	{"Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/secrets/getSecret/action", mivet.PlaneData, "", "KV-03"},
	{"Microsoft.KeyVault/vaults/secrets", "Microsoft.KeyVault/vaults/secrets/getSecret/action", mivet.PlaneData, "", "KV-03"},
	{"Microsoft.Storage/storageAccounts", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", mivet.PlaneData, "", "credential"},
	{"Microsoft.Storage/storageAccounts", "Microsoft.Storage/storageAccounts/listKeys/action", mivet.PlaneControl, "shared-key", "STG-01"},
	{"Microsoft.Storage/storageAccounts/blobServices/containers", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", mivet.PlaneData, "", "credential"},
	{"Microsoft.DocumentDB/databaseAccounts", "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read", mivet.PlaneData, "", "COSMOS-01"},
	{"Microsoft.DocumentDB/databaseAccounts", "Microsoft.DocumentDB/databaseAccounts/listKeys/action", mivet.PlaneControl, "local-auth", "COSMOS-01"},
}

// addCredentials adds those who can read the credential of a principal, by roles, access
// policies or the roles of the service itself.
func (g *Graph) addCredentials() {
	for _, c := range g.o.Credentials {
		to := g.number(c.Principal)
		for _, read := range reads {
			op, err := arm.ParseOperation(read.operation)
			if err != nil || !c.At.HasType(read.typ) {
				continue
			}
			gate, state := findGate(read.gate), Open
			if gate != nil {
				state = gate.read(g.idx.Resource(c.At), g.idx.Resource).state
			}
			for h := range g.engine.WhoCan(authz.WhoCanQuery{Operation: op, Plane: read.plane, Resource: c.At, At: g.o.At}) {
				sure, open := h.Effect == authz.Allowed, state
				if state != Open {
					switch g.opens(h.Principal, gate, c.At) {
					case yes:
						open = Open
					case maybe:
						sure, open = false, Open
					case no:
					}
				}
				if open == Shut {
					continue
				}
				g.link(plainEdge{
					from: g.number(h.Principal), to: to, kind: plainCredential, certain: sure && open == Open, closed: sure,
					right: read.operation, at: c.At, by: read.technique, source: c.Source,
				})
			}
		}
	}
}

// opens says whether somebody can open a gate of a resource.
func (g *Graph) opens(who mivet.PrincipalID, gate *Gate, at arm.ID) verdict {
	op, err := arm.ParseOperation(gate.Opener)
	if err != nil {
		return no
	}
	return settled(g.engine.Check(authz.Request{Principal: who, Operation: op, Plane: mivet.PlaneControl, Resource: at, At: g.o.At}))
}

func (g *Graph) isGroup(p mivet.PrincipalID) bool {
	known := g.idx.Principal(p)
	return known != nil && (known.Type == mivet.TypeGroup || known.Type == mivet.TypeForeignGroup)
}

// managed reports whether a principal is that of a managed identity.
func (g *Graph) managed(p mivet.PrincipalID) bool {
	known := g.idx.Principal(p)
	return g.idx.Identity(p) != nil || known != nil && known.Managed
}

// OutsidePrefix begins the name of somebody outside of Azure: whoever gets a token with
// that issuer and subject.
const OutsidePrefix = "tokens of "

// addFederated adds the outside parties whose tokens an identity or an application trusts.
// Who can get such a token is not read: the edge is possible.
func (g *Graph) addFederated() {
	clients := map[string]int32{}
	for i := range g.snap.Principals {
		if p := &g.snap.Principals[i]; p.ClientID != "" && !p.Managed {
			clients[strings.ToLower(p.ClientID)] = g.number(p.ID)
		}
	}
	for i := range g.snap.FederatedCredentials {
		f := &g.snap.FederatedCredentials[i]
		if i < len(g.inside) && g.inside[i] {
			continue // who can make pods there is known by the cluster's techniques
		}
		var to int32
		if !f.Identity.IsZero() {
			to = g.principalOf(false, f.Identity, "")
		} else if n, ok := clients[strings.ToLower(f.ClientID)]; ok && f.ClientID != "" {
			to = n
		} else {
			continue
		}
		subject := f.Subject
		if f.Expression != "" {
			subject = f.Expression
		}
		from := g.number(mivet.PrincipalID(OutsidePrefix + f.Issuer + " for " + subject))
		known := g.addTokens(f, from)
		g.link(plainEdge{from: from, to: to, kind: plainFederated, certain: known, closed: known, right: f.Name, source: f.Source})
	}
}

// addTokens adds those outside of Azure who can get the token that a credential trusts, and
// reports whether any is known.
func (g *Graph) addTokens(f *mivet.FederatedCredential, tokens int32) bool {
	known := false
	for i := range g.snap.OutsideRights {
		r := &g.snap.OutsideRights[i]
		if r.Issuer == "" || issuerKey(r.Issuer) != issuerKey(f.Issuer) {
			continue
		}
		sure := r.Certain && f.Expression == ""
		switch {
		case f.Expression != "" && !matchesExpression(f.Expression, r.Subject), f.Expression == "" && f.Subject != r.Subject:
			continue
		}
		known = true
		g.link(plainEdge{from: g.number(r.Holder), to: tokens, kind: plainOutside, certain: sure, closed: sure, right: r.How, source: r.Source})
	}
	return known
}

// matchesExpression says whether a subject may match a claims-matching expression: all texts
// in quotes are looked for, with * for any run of letters
// (MicrosoftDocs/entra-docs docs/workload-id/workload-identities-flexible-federated-identity-credentials.md).
func matchesExpression(expression, subject string) bool {
	parts := strings.Split(expression, "'")
	for i := 1; i < len(parts); i += 2 {
		rest, first := subject, true
		for piece := range strings.SplitSeq(parts[i], "*") {
			at := strings.Index(rest, piece)
			if at < 0 || first && at > 0 {
				return false
			}
			rest, first = rest[at+len(piece):], false
		}
	}
	return len(parts) > 1
}

// addRunners adds those whose jobs run on a machine that carries identities. The name alone
// says which machine it is, so that is possible, not certain.
func (g *Graph) addRunners() {
	for i := range g.snap.OutsideRights {
		r := &g.snap.OutsideRights[i]
		if r.Runner == "" {
			continue
		}
		for k := range g.objects {
			o := &g.objects[k]
			if o.typ == typeOther || len(o.runs) == 0 || !isRunner(r.Runner, o.id.Name()) {
				continue
			}
			for _, p := range o.runs {
				g.link(plainEdge{from: g.number(r.Holder), to: p, kind: plainOutside, right: r.How, at: o.id, source: r.Source})
			}
		}
	}
}

// isRunner says whether a runner's name is that of a resource, or of an instance of it.
func isRunner(runner, resource string) bool {
	runner, resource = strings.ToLower(runner), strings.ToLower(resource)
	rest, ok := strings.CutPrefix(runner, resource)
	return ok && (rest == "" || rest[0] == '-' || rest[0] == '_')
}

// Rights in the directory, by the ID of the role's template or of Microsoft Graph's
// permission (MicrosoftDocs/entra-docs docs/identity/role-based-access-control/permissions-reference.md;
// microsoftgraph/microsoft-graph-docs concepts/permissions-reference.md).
var directoryWays = map[string]directoryWay{
	"62e90394-69f5-4237-9190-012177145e10": {elevates: true},               // Global Administrator
	"e8611ab8-c189-46e8-94e1-60213ab1f814": {elevates: true},               // Privileged Role Administrator
	"7be44c8a-adaf-4e2a-84d6-ab2649e08a13": {elevates: true, unsure: true}, // Privileged Authentication Administrator
	"9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8": {elevates: true},               // RoleManagement.ReadWrite.Directory
	"06b708a9-e830-4db3-a914-8e69da51d44f": {elevates: true},               // AppRoleAssignment.ReadWrite.All
	"dd199f4a-f148-40a4-a2ec-f0069cc799ec": {elevates: true},               // RoleAssignmentSchedule.ReadWrite.Directory
	"fee28b28-e1f3-4841-818e-2704dc62245f": {elevates: true, unsure: true}, // RoleEligibilitySchedule.ReadWrite.Directory
	"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": {applications: true},           // Application Administrator
	"158c047a-c907-4556-b7ef-446551a6b5f7": {applications: true},           // Cloud Application Administrator
	"1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": {applications: true},           // Application.ReadWrite.All
	"fdd7a751-b60b-444a-984c-02652fe8fa1c": {groups: true},                 // Groups Administrator
	"fe930be7-5e62-47db-91af-98c3a49a38b1": {groups: true},                 // User Administrator
	"3a2c62db-5318-420d-8d74-23affee5d9d5": {groups: true},                 // Intune Administrator
	"62a82d76-70ea-41e2-9197-370581804d09": {groups: true},                 // Group.ReadWrite.All
	"dbaae8cf-10b5-4b86-a4a1-f871c94c6695": {groups: true},                 // GroupMember.ReadWrite.All
	"2f6817f8-7b12-4f0f-bc18-eeaf60705a9e": {groups: true, unsure: true},   // PrivilegedAccess.ReadWrite.AzureADGroup
}

// directoryWay says what a right of the directory leads to.
type directoryWay struct {
	elevates     bool // can become Global Administrator, and from there take any role
	applications bool // can add credentials to applications
	groups       bool // can add members to groups that are not role-assignable
	unsure       bool
}

// addDirectory adds what rights of the directory lead to.
func (g *Graph) addDirectory() {
	seen := map[mivet.PrincipalID]bool{}
	each := func(p mivet.PrincipalID) {
		if seen[p] {
			return
		}
		seen[p] = true
		for _, r := range g.engine.DirectoryRights(authz.WhatCanQuery{Principal: p, At: g.o.At}).Rights {
			if len(r.Via) == 1 {
				g.addDirectoryRight(p, &r)
			}
		}
	}
	for i := range g.snap.AppRoles {
		each(g.snap.AppRoles[i].Principal)
	}
	for i := range g.snap.DirectoryRoles {
		each(g.snap.DirectoryRoles[i].Principal)
	}
}

func (g *Graph) addDirectoryRight(p mivet.PrincipalID, r *authz.DirectoryRight) {
	certain := r.Effect == authz.Allowed
	if !certain && r.Effect == authz.Denied && r.Cause != authz.CauseEligible {
		return
	}
	way, scope := g.directoryWayOf(r)
	certain = certain && !way.unsure
	from := g.number(p)
	whole := scope == "" || scope == "/"
	if way.elevates && whole { // who takes any role of the directory takes these too
		way.applications, way.groups = true, true
		e := entry{holder: from, node: 0, typ: typeAny, by: byElevation, possible: 1, exact: !g.deniedBelow(0)}
		if certain {
			e.certain = 1
		}
		g.addEntry(e)
	}
	if way.applications {
		for i := range g.snap.Principals {
			sp := &g.snap.Principals[i]
			if sp.Type != mivet.TypeServicePrincipal || g.managed(sp.ID) || sp.ID == p || !scopedTo(scope, sp) || g.foreign(sp) {
				continue
			}
			g.link(plainEdge{from: from, to: g.number(sp.ID), kind: plainApplication, certain: certain, closed: certain, right: r.Name, source: r.Source})
		}
	}
	if way.groups && whole {
		for i := range g.snap.Principals {
			if group := &g.snap.Principals[i]; group.Type == mivet.TypeGroup {
				g.link(plainEdge{from: from, to: g.number(group.ID), kind: plainGroup, closed: certain, right: r.Name, source: r.Source})
			}
		}
	}
}

// foreign reports whether the application belongs to another tenant, where its
// credentials are.
func (g *Graph) foreign(p *mivet.Principal) bool {
	return p.HomeTenant != "" && g.snap.TenantID != "" && !strings.EqualFold(p.HomeTenant, g.snap.TenantID)
}

// scopedTo reports whether a directory scope holds for an application: the whole
// directory, or that object.
func scopedTo(scope string, p *mivet.Principal) bool {
	name := strings.TrimPrefix(scope, "/")
	return name == "" || strings.EqualFold(name, string(p.ID)) || p.ClientID != "" && strings.EqualFold(name, p.ClientID)
}

func (g *Graph) directoryWayOf(r *authz.DirectoryRight) (directoryWay, string) {
	if r.AppRole != nil {
		id := strings.ToLower(r.AppRole.RoleID)
		if _, ok := directoryWays[id]; !ok && g.cat != nil {
			for _, d := range g.cat.DangerousAppRoles() {
				if strings.EqualFold(d.Value, r.Name) {
					id = strings.ToLower(d.ID)
				}
			}
		}
		if r.ToAzure == "" {
			return directoryWay{}, ""
		}
		return directoryWays[id], ""
	}
	id := strings.ToLower(r.Role.RoleID)
	if _, ok := directoryWays[id]; !ok && g.cat != nil {
		if known := g.cat.DirectoryRoleByName(r.Name); known != nil {
			id = known.ID
		}
	}
	return directoryWays[id], r.Role.DirectoryScope
}

// addEntry adds an entry after the join.
func (g *Graph) addEntry(e entry) {
	i := int32(len(g.entries))
	g.entries = append(g.entries, e)
	for int(e.holder) >= len(g.byHolder) {
		g.byHolder = append(g.byHolder, nil)
	}
	g.byHolder[e.holder] = append(g.byHolder[e.holder], i)
	k := nodeType{e.node, e.typ}
	g.byNode[k] = append(g.byNode[k], i)
}
