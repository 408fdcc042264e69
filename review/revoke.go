// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/vet"
)

// Offboarding is the plan by which an identity is taken out of service.
type Offboarding struct {
	SchemaVersion int                `json:"schemaVersion"`
	Principal     mivet.PrincipalID  `json:"principal"`
	Name          string             `json:"name"`
	Type          mivet.IdentityKind `json:"type,omitzero"`
	Resource      arm.ID             `json:"resource,omitzero"`
	ClientID      string             `json:"clientId,omitzero"`
	Facts         string             `json:"facts"`
	TakenAt       time.Time          `json:"takenAt,omitzero"`
	// Breaks is what presents it, and stops working.
	Breaks []string `json:"breaks"`
	// Steps are in the order in which they are made.
	Steps []Step `json:"steps"`
	// Databases may have users that act for it: no snapshot shows them.
	Databases []Database `json:"databases"`
	// Tokens say how long what was issued still counts.
	Tokens []TokenFact `json:"tokens"`
	// Copies is what it could read and may have kept.
	Copies []string `json:"copies"`
	// Denies are deny assignments that name it.
	Denies []string `json:"denies"`
	// NotSeen is what may hold rights for it and was not, or cannot be, read.
	NotSeen []string `json:"notSeen"`
	// Lost says what the way back does not bring back.
	Lost []string `json:"lost"`
}

// Step is a part of an offboarding.
type Step struct {
	Title string `json:"title"`
	// Why says why it comes at its place.
	Why     string   `json:"why"`
	Actions []Action `json:"actions"`
}

// Action is one thing to do.
type Action struct {
	What string `json:"what"`
	// Command does it, and Undo takes it back; a comment where no command does.
	Command string      `json:"command"`
	Undo    string      `json:"undo,omitzero"`
	Edit    *mivet.Edit `json:"edit,omitzero"`
}

// Database is a database that may have a user for the identity.
type Database struct {
	Database arm.ID `json:"database"`
	// Known is what the facts say of the identity there, or that nothing is known.
	Known string `json:"known"`
	// Find shows whether there is such a user, Drop removes it.
	Find string `json:"find"`
	Drop string `json:"drop"`
}

// TokenFact is something about how long tokens and what was made with them still count.
type TokenFact struct {
	Fact   string `json:"fact"`
	Source string `json:"source"`
}

// RevokeOptions are what an offboarding is made of.
type RevokeOptions struct {
	Snapshot *mivet.Snapshot
	Catalog  *catalog.Catalog
	Engine   *authz.Engine
	At       time.Time
}

// revoker makes an offboarding.
type revoker struct {
	*RevokeOptions
	index *mivet.Index
	who   mivet.PrincipalID
	id    *mivet.Identity // nil for what is no managed identity
	rows  []*Row
	plan  *planner // names rows
	out   *Offboarding
}

// Revoke plans the offboarding of a principal.
func Revoke(who mivet.PrincipalID, o *RevokeOptions) *Offboarding {
	r := &revoker{RevokeOptions: o, index: mivet.NewIndex(o.Snapshot), who: who}
	inv := NewInventory(o.Snapshot)
	r.rows, r.id = inv.Rows(who), r.index.Identity(who)
	r.plan = &planner{ApplyOptions: &ApplyOptions{Snapshot: o.Snapshot, Catalog: o.Catalog}, index: r.index, inv: inv}
	r.out = &Offboarding{
		SchemaVersion: 1, Principal: who, Name: cmp.Or(r.index.PrincipalName(who), string(who)), Facts: Digest(o.Snapshot), TakenAt: o.Snapshot.TakenAt,
		Breaks: []string{}, Steps: []Step{}, Databases: []Database{}, Copies: []string{}, Denies: []string{}, NotSeen: []string{}, Lost: []string{},
	}
	if p := r.index.Principal(who); p != nil {
		r.out.ClientID = p.ClientID
	}
	if r.id != nil {
		r.out.Type, r.out.Resource, r.out.ClientID = r.id.Kind, r.id.Resource, cmp.Or(r.id.ClientID, r.out.ClientID)
	}
	r.workloads()
	r.steps()
	r.databases()
	r.tokens()
	r.unseen()
	return r.out
}

// workloads lists what presents the identity, and what names it.
func (r *revoker) workloads() {
	if r.id != nil {
		r.index.Carriers(r.id, func(c *mivet.Resource) bool {
			r.out.Breaks = append(r.out.Breaks, vet.TypeWords(c.ID.Type())+" "+c.ID.String())
			return true
		})
	}
	for _, row := range r.rows {
		if row.Kind == KindFederation {
			f := row.Edit.Federation
			r.out.Breaks = append(r.out.Breaks, "whoever gets a token of "+f.Issuer+" for "+cmp.Or(f.Subject, f.Expression)+" (federated credential "+f.Name+")")
		}
	}
}

// WaitStep is the title of the step at which a script stops.
const WaitStep = "Wait 24 hours and look"

// part is a step with the kinds of rows that belong to it.
type part struct {
	title, why string
	kinds      []Kind
}

// parts are the steps that take rights, in order. What stands in tokens goes first, since it
// counts longest.
var parts = []part{
	{"Stop new tokens from outside", "a federated credential is all that an outside party needs for a new token", []Kind{KindFederation}},
	{"Take what stands in tokens", "groups, application permissions and roles of the directory are written into a token when it is issued: what was issued before keeps them until it ends, so this goes first", []Kind{KindDirectory, KindAppRole, KindMember}},
	{"Take the rights", "services ask for role assignments with each request: without them a token that is still valid gets nothing, within about ten minutes", []Kind{KindRole, KindEligible}},
	{"Take what services keep themselves", "access policies, roles of Cosmos DB and managed HSMs, administrators and path lists are no role assignments and stay when an identity is deleted", []Kind{KindPolicy, KindLocal, KindPathACL}},
}

// steps lists what to do, in an order in which nothing that was taken can be used or given
// back by what is still there.
func (r *revoker) steps() {
	r.prepare()
	for i := range parts {
		s := Step{Title: parts[i].title, Why: parts[i].why}
		for _, row := range r.rows {
			if slices.Contains(parts[i].kinds, row.Kind) {
				s.Actions = append(s.Actions, r.action(string(row.Kind)+": "+r.plan.what(row), row.Edit))
			}
		}
		if len(s.Actions) > 0 {
			r.out.Steps = append(r.out.Steps, s)
		}
	}
	r.detach()
	r.out.Steps = append(r.out.Steps, Step{
		Title: WaitStep, Why: "tokens that were issued before end within that time; whoever still needs the identity is refused and shows up in the logs",
		Actions: []Action{{What: "refusals and uses since", Command: "mivet usage " + word(r.out.Name) + " --logs FOLDER"}},
	})
	r.remove()
}

// prepare names what has to present something else first.
func (r *revoker) prepare() {
	if len(r.out.Breaks) == 0 {
		return
	}
	s := Step{Title: "Move what needs it", Why: "each of these stops working with the steps that follow: give it another identity and let it present that one first"}
	for _, b := range r.out.Breaks {
		s.Actions = append(s.Actions, Action{What: b, Command: "# give it another identity, or agree that it stops"})
	}
	for _, n := range r.named() {
		s.Actions = append(s.Actions, Action{What: n, Command: "# set it to the new identity in the code that deploys it"})
	}
	r.out.Steps = append(r.out.Steps, s)
}

// named lists settings that name the identity by its client ID or its resource ID.
func (r *revoker) named() []string {
	var out []string
	for i := range r.Snapshot.Resources {
		res := &r.Snapshot.Resources[i]
		if res.Detail == nil {
			continue
		}
		for name, value := range res.Detail.Settings {
			if r.out.ClientID != "" && strings.EqualFold(value, r.out.ClientID) || !r.out.Resource.IsZero() && strings.EqualFold(value, r.out.Resource.String()) {
				out = append(out, "the setting "+name+" of "+res.ID.String()+" names it")
			}
		}
	}
	slices.Sort(out)
	return out
}

func (r *revoker) action(what string, e mivet.Edit) Action {
	a := Action{What: what, Command: vet.AzCommands([]mivet.Edit{e})[0], Edit: &e}
	back, _ := vet.Inverse([]mivet.Edit{e})
	if len(back) > 0 {
		a.Undo = vet.AzCommands(back)[0]
	}
	return a
}

// detach takes a user-assigned identity from what carries it.
func (r *revoker) detach() {
	if r.id == nil || r.id.Kind != mivet.UserAssigned {
		return
	}
	s := Step{Title: "Take it from its workloads", Why: "the platform gives out tokens of an identity as long as a resource carries it"}
	r.index.Carriers(r.id, func(c *mivet.Resource) bool {
		s.Actions = append(s.Actions, r.action("from "+c.ID.String(), mivet.Edit{Kind: mivet.EditDetachIdentity, Resource: c.ID, Identity: r.id.Resource}))
		return true
	})
	if len(s.Actions) > 0 {
		r.out.Steps = append(r.out.Steps, s)
	}
}

// remove takes the identity itself away, last: grants of what is deleted stay and point at
// nothing, and the principal does not come back.
func (r *revoker) remove() {
	i := slices.IndexFunc(r.rows, func(row *Row) bool { return row.Kind == KindIdentity })
	if i < 0 || r.rows[i].Edit.Kind == "" {
		return
	}
	a := r.action("the identity itself", r.rows[i].Edit)
	r.out.Steps = append(r.out.Steps, Step{
		Title: "Delete the identity", Why: "last: what is deleted first leaves grants that point at nothing, and its principal never comes back", Actions: []Action{a},
	}, Step{
		Title: "Take it out of code and contract", Why: "the next deployment makes again what code still declares",
		Actions: []Action{{What: "its blocks in Terraform and Bicep, its entry in the contract", Command: "mivet contract check"}},
	})
	r.out.Lost = append(r.out.Lost, "a deleted identity, or one that is switched off, has another principal when it is made again: its grants, database users and permissions must be given anew")
}

// word writes a name so that a shell reads it as one word.
func word(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// databases lists where the identity may have a user, with the statements. The SID of an
// application in Azure SQL is its client ID
// (learn.microsoft.com/sql/relational-databases/system-catalog-views/sys-server-principals-transact-sql);
// a user that owns something cannot be dropped (…/t-sql/statements/drop-user-transact-sql).
// PostgreSQL lists its principals of the directory by pgaadauth_list_principals
// (learn.microsoft.com/azure/postgresql/flexible-server/how-to-manage-azure-ad-users).
func (r *revoker) databases() {
	for i := range r.Snapshot.Resources {
		id := r.Snapshot.Resources[i].ID
		d := Database{Database: id, Known: r.administers(id)}
		switch strings.ToLower(id.Type()) {
		case "microsoft.sql/servers/databases", "microsoft.sql/managedinstances/databases", "microsoft.synapse/workspaces/sqlpools":
			d.Find = "SELECT name FROM sys.database_principals WHERE type IN ('E', 'X') AND name = " + sqlText(r.out.Name)
			if mivet.IsGUID(r.out.ClientID) {
				d.Find = "SELECT name FROM sys.database_principals WHERE type IN ('E', 'X') AND sid = CAST(CAST('" + r.out.ClientID + "' AS uniqueidentifier) AS varbinary(16))"
			}
			d.Drop = "DROP USER [" + strings.ReplaceAll(r.out.Name, "]", "]]") + "]"
		case "microsoft.dbforpostgresql/flexibleservers":
			d.Find = "SELECT * FROM pgaadauth_list_principals(false)"
			name := `"` + strings.ReplaceAll(r.out.Name, `"`, `""`) + `"`
			d.Drop = "REASSIGN OWNED BY " + name + " TO CURRENT_USER; DROP OWNED BY " + name + "; DROP ROLE " + name
		case "microsoft.dbformysql/flexibleservers":
			d.Find = "SELECT user, host FROM mysql.user WHERE plugin = 'aad_auth'"
			d.Drop = "DROP USER " + sqlText(r.out.Name) + "@'%'"
		default:
			continue
		}
		r.out.Databases = append(r.out.Databases, d)
	}
	slices.SortStableFunc(r.out.Databases, func(a, b Database) int { return strings.Compare(string(a.Database.Key()), string(b.Database.Key())) })
}

func sqlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// administers says what the facts tell of the identity at a server.
func (r *revoker) administers(db arm.ID) string {
	for _, row := range r.rows {
		if g := row.Edit.Grant; row.Kind == KindLocal && g.Account.Contains(db) {
			return "it is an administrator of " + g.Account.Name()
		}
	}
	return "not known: users of a database are in the database alone"
}

// unseen lists what may act for the identity and is not in the facts.
func (r *revoker) unseen() {
	for i := range r.Snapshot.DenyAssignments {
		d := &r.Snapshot.DenyAssignments[i]
		if slices.Contains(d.Principals, r.who) || slices.Contains(d.Excluded, r.who) {
			r.out.Denies = append(r.out.Denies, cmp.Or(d.Name, d.ID.Name())+" at "+d.Scope.String())
		}
	}
	query := authz.WhatCanQuery{Principal: r.who, At: r.At}
	for _, m := range slices.Concat(r.Engine.UnseenRights(query), r.Engine.DirectoryRights(query).Missing) {
		if !slices.Contains(r.out.NotSeen, m.What) {
			r.out.NotSeen = append(r.out.NotSeen, m.What)
		}
	}
	if n := len(r.out.Databases); n > 0 {
		r.out.NotSeen = append(r.out.NotSeen, fmt.Sprintf("users in %s: only the databases know them", vet.Count(n, "database")))
	}
	r.out.NotSeen = append(r.out.NotSeen,
		"members of Azure DevOps, Fabric, Power Platform, Databricks and Kubernetes: these keep their own lists",
		"copies of secrets, keys and signed URLs that it read or made: see what it could read")
	r.copies()
}

// copied are operations whose result can be kept: it counts when the identity is gone.
var copied = []struct {
	operation string
	plane     mivet.Plane
	typ       string
	what      string
}{
	{"Microsoft.KeyVault/vaults/secrets/getSecret/action", mivet.PlaneData, "Microsoft.KeyVault/vaults", "secrets of the vault %s: make new versions and disable the old ones"},
	{"Microsoft.Storage/storageAccounts/listKeys/action", mivet.PlaneControl, "Microsoft.Storage/storageAccounts", "keys of the storage account %s: regenerate them"},
	{
		"Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action", mivet.PlaneData, "Microsoft.Storage/storageAccounts",
		"signed URLs by a user delegation key of %s, which count for up to 7 days: az storage account revoke-delegation-keys",
	},
	{"Microsoft.DocumentDB/databaseAccounts/listKeys/action", mivet.PlaneControl, "Microsoft.DocumentDB/databaseAccounts", "keys of the account %s: regenerate them"},
	{"Microsoft.ServiceBus/namespaces/authorizationRules/listKeys/action", mivet.PlaneControl, "Microsoft.ServiceBus/namespaces", "keys of the namespace %s: regenerate them"},
	{"Microsoft.EventHub/namespaces/authorizationRules/listKeys/action", mivet.PlaneControl, "Microsoft.EventHub/namespaces", "keys of the namespace %s: regenerate them"},
}

// copies lists what the identity could read, and may have kept.
func (r *revoker) copies() {
	for i := range r.Snapshot.Resources {
		id := r.Snapshot.Resources[i].ID
		for k := range copied {
			c := &copied[k]
			if !id.HasType(c.typ) {
				continue
			}
			op, err := arm.ParseOperation(c.operation)
			if err != nil {
				continue
			}
			d := r.Engine.Check(authz.Request{Principal: r.who, Operation: op, Plane: c.plane, Resource: id, At: r.At})
			if d.Effect != authz.Denied {
				maybe := ""
				if d.Effect == authz.Unknown {
					maybe = "perhaps "
				}
				r.out.Copies = append(r.out.Copies, maybe+fmt.Sprintf(c.what, id.Name()))
			}
		}
	}
	slices.Sort(r.out.Copies)
}
