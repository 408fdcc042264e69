// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/rules/path"
	"github.com/mivet/mivet/rules/presented"
	"github.com/mivet/mivet/vet"
)

// A control is the question of another tool's rule, asked of facts.
type control struct {
	// types are the resource types that it is about; bad says which of them fail.
	types []string
	bad   func(s *mivet.Snapshot, r *mivet.Resource) bool
	// role says which custom roles fail.
	role func(d *mivet.RoleDefinition) bool
	// rules are rules of mivet whose findings on federated credentials fail.
	rules []*vet.Rule
	// as names another tool's rule with the same question.
	as string
	// without says why there is no control.
	without string
}

const outside = "it is not about identities, roles, vault access or keys"

// peerControls are the rules of other tools by peer and name.
var peerControls = map[string]control{
	"checkov CKV_AZURE_16": identityOf("Microsoft.Web/sites", "Microsoft.Web/sites/slots"),
	"checkov CKV_AZURE_71": {as: "checkov CKV_AZURE_16"}, "checkov CKV_AZURE_207": identityOf("Microsoft.Search/searchServices"),
	"checkov CKV_AZURE_202": identityOf("Microsoft.ServiceBus/namespaces"), "checkov CKV_AZURE_194": identityOf("Microsoft.EventGrid/domains"),
	"checkov CKV_AZURE_191": identityOf("Microsoft.EventGrid/topics"), "checkov CKV2_AZURE_36": identityOf("Microsoft.Automation/automationAccounts"),
	"template-analyzer TA-000007": identityOf("Microsoft.Web/sites"), "template-analyzer TA-000013": identityOf("Microsoft.Web/sites"),

	"checkov CKV_AZURE_137":                     unless("adminUserEnabled", "false", "false", "Microsoft.ContainerRegistry/registries"),
	"checkov CKV_AZURE_236":                     unless("disableLocalAuth", "true", "false", "Microsoft.CognitiveServices/accounts"),
	"checkov CKV_AZURE_184":                     unless("disableLocalAuth", "true", "false", "Microsoft.AppConfiguration/configurationStores"),
	"checkov CKV_AZURE_140":                     unless("disableLocalAuth", "true", "false", "Microsoft.DocumentDB/databaseAccounts"),
	"checkov CKV_AZURE_141":                     unless("disableLocalAccounts", "true", "false", "Microsoft.ContainerService/managedClusters"),
	"checkov CKV2_AZURE_40":                     unless("allowSharedKeyAccess", "false", "true", "Microsoft.Storage/storageAccounts"),
	"checkov CKV_AZURE_244":                     {types: []string{"Microsoft.Storage/storageAccounts"}, bad: localUsers},
	"checkov CKV2_AZURE_7":                      {types: []string{"Microsoft.Sql/servers"}, bad: noAdministrator},
	"checkov CKV2_AZURE_27":                     {as: "checkov CKV2_AZURE_7"},
	"checkov CKV_AZURE_39":                      {role: ownsSubscription},
	"checkov CKV_AZURE_249":                     {rules: []*vet.Rule{path.LooseTrust, presented.FederationNeverMatches}},
	"trivy AZU-0030":                            {role: func(d *mivet.RoleDefinition) bool { return everything(d) && slices.Contains(d.AssignableScopes, "/") }},
	"trivy AZU-0052":                            {role: writesRoles},
	"trivy AZU-0042":                            unless("enableRBAC", "true", "true", "Microsoft.ContainerService/managedClusters"),
	"trivy AZU-0007":                            {without: "the access level of a container is not read"},
	"kics a3a055d2-9a2e-4cc9-b9fb-12850a1a3a4b": {as: "checkov CKV2_AZURE_7"},
	"kics 3fa5900f-9aac-4982-96b2-a6143d9c99fb": {role: writesRoles},
	"kics 8fa9ceea-881f-4ef0-b0b8-728f589699a7": {role: writesRoles},
	"kics a21c8da9-41bf-40cf-941d-330cf0d11fc7": {without: "who may sign in to a Service Fabric cluster is not read"},
	"kics e65a0733-94a0-4826-82f4-df529f4c593f": {without: "it is about the callers of an app, not about its identity"},
	"kics 83130a07-235b-4a80-918b-a370e53f0bd9": {without: "it is about the callers of an app, not about its identity"},
	"kics e9c133e5-c2dd-4b7b-8fff-40f2de367b56": identityOf("Microsoft.Web/sites"),
	"kics 4d2cf896-c053-4be5-9c95-8b4771112f29": {without: outside},
	"kics 4d080822-5ee2-49a4-8984-68f3d4c890fc": {without: outside},
	"kics dfa20ffa-f476-428f-a490-424b41e91c7f": {without: outside},
	"kics 48bbe0fd-57e4-4678-a4a1-119e79c90fc3": {without: outside},

	"policy-library-avm ACRAdminAccountDisabled":  {as: "checkov CKV_AZURE_137"},
	"policy-library-avm ACRAnonymousPullDisabled": unless("anonymousPullEnabled", "false", "false", "Microsoft.ContainerRegistry/registries"),
	"policy-library-avm AKSLocalAdminDisabled":    {as: "checkov CKV_AZURE_141"},
	"policy-library-avm AKSRbacEnabled":           {as: "trivy AZU-0042"},
	"template-analyzer TA-000023":                 {without: outside},
}

// identityOf asks for a managed identity on resources of the types.
func identityOf(types ...string) control {
	return control{types: types, bad: func(_ *mivet.Snapshot, r *mivet.Resource) bool { return r.Identity == nil }}
}

// unless asks that a property has a value; unset is what it means not to write it.
func unless(property, good, unset string, types ...string) control {
	return control{types: types, bad: func(_ *mivet.Snapshot, r *mivet.Resource) bool {
		v, ok := r.Setting(property)
		if !ok || v == "null" {
			v = unset
		}
		return v != good
	}}
}

// localUsers asks that the local users of a storage account are off where it can have
// them: they come with a hierarchical namespace and SFTP.
func localUsers(_ *mivet.Snapshot, r *mivet.Resource) bool {
	users, _ := r.Setting("isLocalUserEnabled")
	hns, _ := r.Setting("isHnsEnabled")
	return users == "true" || users != "false" && hns == "true"
}

// noAdministrator asks for an Entra administrator of a server.
func noAdministrator(s *mivet.Snapshot, r *mivet.Resource) bool {
	for i := range s.LocalGrants {
		if g := &s.LocalGrants[i]; g.System == mivet.LocalSQLAdmin && g.Account.Equal(r.ID) {
			return false
		}
	}
	return !slices.ContainsFunc(s.Gaps, func(g mivet.Gap) bool {
		return g.Facts == mivet.FactLocalGrants && g.Scope.Equal(r.ID) // there is one, whose principal is not known
	})
}

func everything(d *mivet.RoleDefinition) bool {
	return slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool { return slices.Contains(p.Actions, "*") })
}

// ownsSubscription asks for roles that are as good as Owner of a subscription.
func ownsSubscription(d *mivet.RoleDefinition) bool {
	return everything(d) && slices.ContainsFunc(d.AssignableScopes, func(s string) bool {
		id, err := arm.ParseID(s)
		return s == "/" || err == nil && id.Level() <= arm.LevelSubscription
	})
}

// writesRoles asks for roles that can change role definitions.
func writesRoles(d *mivet.RoleDefinition) bool {
	op, err := arm.ParseOperation("Microsoft.Authorization/roleDefinitions/write")
	if err != nil {
		return false
	}
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(text string) bool {
			p, err := arm.ParsePattern(text)
			return err == nil && p.Matches(op)
		})
	}
	return slices.ContainsFunc(d.Permissions, func(p mivet.Permission) bool { return has(p.Actions) && !has(p.NotActions) })
}

// judge applies a control to all objects that it is about.
func (c *control) judge(s *mivet.Snapshot, cat *catalog.Catalog) ([]judgement, error) {
	var out []judgement
	for i := range s.Resources {
		r := &s.Resources[i]
		if slices.ContainsFunc(c.types, func(t string) bool { return strings.EqualFold(t, r.ID.Type()) }) {
			j := judgedAt(r.Source, c.bad(s, r))
			j.named = r.ID.Type() + "." + r.ID.Name()
			out = append(out, j)
		}
	}
	for i := range s.RoleDefinitions {
		if d := &s.RoleDefinitions[i]; c.role != nil && !d.BuiltIn {
			j := judgedAt(d.Source, c.role(d))
			j.named = "Microsoft.Authorization/roleDefinitions." + d.Name
			out = append(out, j)
		}
	}
	if len(c.rules) == 0 {
		return out, nil
	}
	if cat == nil {
		return nil, errNoCatalogue
	}
	return judgedByRules(s, c.rules, cat)
}

func judgedAt(src mivet.Source, bad bool) judgement {
	j := judgement{line: src.Line, bad: bad}
	if src.Origin != nil {
		j.address, j.file = src.Origin.Address, src.Origin.File
	}
	return j
}

// judgedByRules takes the findings of rules for what fails, of all federated credentials.
func judgedByRules(s *mivet.Snapshot, rules []*vet.Rule, cat *catalog.Catalog) ([]judgement, error) {
	found := map[string]bool{}
	all, err := vet.Run(s, rules, vet.Options{Catalog: cat})
	if err != nil {
		return nil, err
	}
	for _, res := range all.Rules {
		for _, f := range res.Findings {
			if f.Source.Origin != nil {
				found[f.Source.Origin.Address] = true
			}
		}
	}
	var out []judgement
	for i := range s.Declarations {
		d := &s.Declarations[i]
		if d.FederatedCredential {
			out = append(out, judgedAt(d.Source, found[d.Address]))
		}
	}
	return out, nil
}
