// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/armtemplate"
)

const (
	templateHead = `"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"`
	siteID       = testGroup + "/providers/Microsoft.Web/sites/api"
	workerID     = testGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker"
	readerGUID   = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

func fromText(t *testing.T, read func(context.Context, string, io.Reader) (*mivet.Snapshot, error), text string) string {
	t.Helper()
	s, err := read(context.Background(), "in.json", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return printed(s)
}

func contains(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if rest, not := strings.CutPrefix(w, "!"); not {
			if strings.Contains(got, rest) {
				t.Errorf("%q is there", rest)
			}
		} else if !strings.Contains(got, w) {
			t.Errorf("%q is not in\n%s", w, withoutCommon(got))
		}
	}
}

// An assignment binds to the principal that its expression names.
func TestTemplatePrincipals(t *testing.T) {
	f := func(principal, want, gap string) {
		t.Helper()
		got := fromText(t, readTemplate, `{`+templateHead+`,"parameters":{"p":{"type":"string"},"b":{"type":"bool"}},"resources":[
			{"type":"Microsoft.Web/sites","name":"api","identity":{"type":"SystemAssigned"}},
			{"type":"Microsoft.ContainerService/managedClusters","name":"aks","identity":{"type":"SystemAssigned"}},
			{"type":"Microsoft.ManagedIdentity/userAssignedIdentities","name":"worker"},
			{"type":"Microsoft.Authorization/roleAssignments","name":"ra","properties":{"PRINCIPALID":"`+principal+`",
				"roleDefinitionId":"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions','`+readerGUID+`')]"}}]}`)
		contains(t, got, `of "`+readerGUID+`" "" to "`+want+`"`)
		if gap != "" {
			contains(t, got, "its principal "+gap)
		} else {
			contains(t, got, "!gap role assignments at \""+testGroup)
		}
	}
	own := "principal of " + testGroup + "/providers/Microsoft.Authorization/roleAssignments/ra"
	f("00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-00000000000a", "")
	f("[reference('api','2024-04-01','full').identity.principalId]", "principal of "+siteID, "")
	f("[reference(resourceId('MICROSOFT.WEB/SITES','API'),'2024-04-01','full').identity.principalId]", "principal of "+siteID, "")
	f("[reference('Microsoft.Web/sites/api','2024-04-01','full').identity.principalId]", "principal of "+siteID, "")
	f("[reference(concat(resourceId('Microsoft.Web/sites','api'),'/providers/Microsoft.ManagedIdentity/Identities/default'),'2015-08-31-PREVIEW').principalId]",
		"principal of "+siteID, "")
	f("[reference('worker').principalId]", "principal of "+workerID, "")
	f("[reference('api','2024-04-01','full').identity.userAssignedIdentities[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities','worker')].principalId]",
		"principal of "+workerID, "")
	f("[reference('aks').identityProfile.kubeletidentity.objectId]",
		"principal of "+testGroup+"/providers/Microsoft.ContainerService/managedClusters/aks.properties.identityProfile.kubeletidentity", "")
	f("[if(parameters('b'), reference('worker').principalId, '')]", "principal of "+workerID, "")
	f("[coalesce(tryGet(tryGet(reference('api','2024-04-01','full'),'identity'),'principalId'), '')]", "principal of "+siteID, "")
	f("[parameters('p')]", "principal of parameters('p')", "")
	f("[deployer().objectId]", "principal of deployer().objectId", "")
	f("[if(parameters('b'), reference('worker').principalId, reference('api','2024-04-01','full').identity.principalId)]", own, whyOneOfSeveral)
	f("[reference('worker').clientId]", own, whyClientID)
	f("[reference('api').defaultHostName]", own, whyDeployed)
	f("[newGuid()]", own, whyDeployed)
}

// The identity of a resource that the template only refers to becomes one of the snapshot.
func TestTemplateExisting(t *testing.T) {
	got := fromText(t, readTemplate, `{`+templateHead+`,"languageVersion":"2.0","resources":{
		"id":{"existing":true,"type":"Microsoft.ManagedIdentity/userAssignedIdentities","name":"old","apiVersion":"2023-01-31"},
		"ra":{"type":"Microsoft.Authorization/roleAssignments","name":"x","properties":{"principalId":"[reference('id').principalId]","roleDefinitionId":"`+readerGUID+`"}},
		"group":{"import":"graph","type":"Microsoft.Graph/groups@v1.0","properties":{}}}}`)
	const old = testGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/old"
	contains(t, got, "identity UserAssigned of "+old+`: principal "principal of `+old, "!declared "+old, "objects of other services than Azure are not read: 1 (group)")
}

func TestTemplateIdentities(t *testing.T) {
	f := func(identity string, want ...string) {
		t.Helper()
		contains(t, fromText(t, readTemplate, `{`+templateHead+`,"parameters":{"p":{"type":"string"},"b":{"type":"bool"},"o":{"type":"object"}},"resources":[
			{"type":"Microsoft.Web/sites","name":"api","identity":`+identity+`}]}`), want...)
	}
	carries := "carries system true \"principal of " + siteID + "\" user []"
	f(`{"type":"SystemAssigned"}`, carries)
	f(`"[if(parameters('b'), createObject('type','SystemAssigned'), null())]"`, carries)
	f(`"[if(parameters('b'), createObject('type','SystemAssigned'), createObject('type','None'))]"`,
		"!carries system", "gap identities at \""+siteID+"\" about", "whether and how it carries an identity")
	f(`{"type":"[if(parameters('b'),'SystemAssigned','None')]"}`, carries)
	f(`{"type":"[parameters('p')]"}`, "!carries system", "whether and how it carries an identity")
	f(`"[parameters('o')]"`, "!carries system", "whether and how it carries an identity")
	f(`{"type":"None"}`, "!carries system", "!whether")
	f(`{"type":"UserAssigned","userAssignedIdentities":{"[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities',parameters('p'))]":{}}}`,
		"user ["+testGroup+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{parameters('p')}]")
}

// What is known of lists and objects that are put together with unknowns is read.
func TestTemplateParts(t *testing.T) {
	got := fromText(t, readTemplate, `{`+templateHead+`,"parameters":{"o":{"type":"object"},"a":{"type":"array"}},"resources":[
		{"type":"Microsoft.KeyVault/vaults","name":"kv","properties":"[union(parameters('o'),createObject('enableRbacAuthorization',false(),'accessPolicies',
			concat(createArray(createObject('objectId','`+ann+`','permissions',createObject('secrets',createArray('get')))),parameters('a'))))]"},
		{"type":"Microsoft.Storage/storageAccounts","name":"sa","properties":"[union(createObject('allowSharedKeyAccess',true()),parameters('o'))]"},
		{"type":"Microsoft.Sql/servers","name":"db","properties":{"administrators":{"sid":"[newGuid()]"}}},
		{"type":"Microsoft.Web/sites/x","name":"api"},
		{"type":"Microsoft.Resources/deployments","name":"d","properties":{"templateLink":{"relativePath":"gone.json"}}}]}`)
	contains(t, got, "enableRbacAuthorization=false", `for "`+ann+`": keys [] secrets [get]`, "!allowSharedKeyAccess", "its administrator is known only after",
		"the linked template gone.json is not among the files", "takes 2 names, there are 1",
		"parameters have no value, and what hangs on them is not known: 2 (o, a)")
}

func TestTemplateLinked(t *testing.T) {
	s, err := ReadTemplate(context.Background(), "app/main.json", strings.NewReader(`{`+templateHead+`,"parameters":{"n":{"type":"string"}},"resources":[
		{"type":"Microsoft.Resources/deployments","name":"d","properties":{"templateLink":{"relativePath":"site.json"},"parameters":{"n":{"value":"[parameters('n')]"}}}}]}`),
		TemplateOptions{
			Target:     armtemplate.Target{Tenant: "7a0c5c1e-0000-4000-8000-000000000001", Subscription: testSub, ResourceGroup: "g"},
			Parameters: map[string]armtemplate.Value{"N": armtemplate.String("api")},
			Load: func(string) ([]byte, error) {
				return []byte(`{` + templateHead + `,"parameters":{"n":{}},"resources":[{"type":"Microsoft.Web/sites","name":"[parameters('n')]"}]}`), nil
			},
		})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Resources) != 1 || s.Resources[0].ID.String() != siteID || s.Resources[0].Source.Origin.File != "app/site.json" {
		t.Errorf("%+v", s.Resources)
	}
	if s.TenantID != "7a0c5c1e-0000-4000-8000-000000000001" {
		t.Errorf("tenant %q", s.TenantID)
	}
}

func TestTemplateRefused(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	f := func(read func(context.Context, string, io.Reader) (*mivet.Snapshot, error), ctx context.Context, text, want string) {
		t.Helper()
		if _, err := read(ctx, "in.json", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	ctx := context.Background()
	f(readTemplate, ctx, `{}`, "not recognised")
	f(readTemplate, ctx, `{`+templateHead+`,"resources":[}`, "reading an ARM template: in.json:1:")
	f(readTemplate, ctx, `{`+templateHead+`,"resources":7}`, "resources must be a list")
	f(readTemplate, canceled, `{`+templateHead+`,"resources":[{"type":"A/b","name":"x"}]}`, "canceled")
	f(ReadPredicted, ctx, `{"predictedResources":7}`, "predictedResources is no list")
	f(ReadPredicted, ctx, `{"predictedResources":[}`, "reading a Bicep snapshot: in.json:1:")
	f(ReadPredicted, canceled, `{"predictedResources":[{}]}`, "canceled")
	f(ReadWhatIf, ctx, `{"changes":[{"changeType":"x"}],"properties":{}}`, "changes is no list")
	f(ReadWhatIf, ctx, `{"changes":[{"changeType":"x"}`, "reading a what-if: in.json:1:")
	f(ReadWhatIf, canceled, `{"changes":[{"changeType":"Create"}]}`, "canceled")
	f(ReadWhatIf, ctx, `{`+templateHead+`}`, "recognised as an ARM template")
	if _, err := ReadWhatIf(ctx, "in.json", iotest.ErrReader(errors.New("gone"))); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("%v", err)
	}
	if _, err := ReadTemplateParameters("in.json", strings.NewReader("[")); err == nil || !strings.Contains(err.Error(), "reading parameters") {
		t.Errorf("%v", err)
	}
	if _, err := ReadTemplateParameters("in.json", iotest.ErrReader(errors.New("gone"))); err == nil {
		t.Error("an error of the reader is lost")
	}
	if _, err := ReadTemplate(ctx, "in.json", io.MultiReader(strings.NewReader(`{`+templateHead+`}`), &blanks{maxTemplate}), TemplateOptions{}); err == nil ||
		!strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("%v", err)
	}
}

// blanks are many of them.
type blanks struct{ left int }

func (b *blanks) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), b.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	b.left -= n
	return n, nil
}

func TestTemplateParametersFile(t *testing.T) {
	given, err := ReadTemplateParameters("p.json", strings.NewReader("\uFEFF"+`{"$schema":"x/deploymentParameters.json#","parameters":{"a":{"value":1}}}`))
	if err != nil || given["a"] != armtemplate.Int(1) {
		t.Errorf("%v %v", given, err)
	}
}

// A resource whose system-assigned identity is taken away loses its principal; one that is
// not touched keeps it.
func TestWhatIfFormerPrincipals(t *testing.T) {
	s := readFile(t, "testdata/change.whatif.json")
	i := slices.IndexFunc(s.Declarations, func(d mivet.Declaration) bool { return d.Resource.String() == siteID })
	if i < 0 || len(s.Declarations[i].FormerPrincipals) != 1 || s.Declarations[i].FormerPrincipals[0] != "00000000-0000-0000-0000-00000000000c" {
		t.Errorf("%+v", s.Declarations)
	}
	got := fromText(t, ReadWhatIf, `{"status":"Failed","changes":[
		{"resourceId":"nothing","changeType":"Create","after":{}},{"resourceId":"`+siteID+`","changeType":"Ignore"},
		{"resourceId":"`+workerID+`","changeType":"Deploy","after":{"properties":{"principalId":"`+ann+`"}}}]}`)
	contains(t, got, "the what-if has the status Failed", "the ID of resources of this type cannot be told: 1 (nothing)", `principal "`+ann+`"`, "!"+siteID)
}

func FuzzReadTemplate(f *testing.F) {
	for _, name := range []string{"app.template.json", "change.whatif.json", "main.snapshot.json"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, read := range []func(context.Context, string, io.Reader) (*mivet.Snapshot, error){readTemplate, ReadPredicted, ReadWhatIf} {
			s, err := read(context.Background(), "in.json", strings.NewReader(string(text)))
			if err != nil {
				continue
			}
			for _, a := range s.RoleAssignments {
				if a.Principal == "" || a.Scope.IsZero() {
					t.Fatalf("%+v", a)
				}
			}
		}
	})
}

// An assignment whose principal is read off an identity has a fixed name unless the name
// hangs on that principal.
func TestTemplateFixedNames(t *testing.T) {
	f := func(name, principal string, want bool) {
		t.Helper()
		s, err := readTemplate(context.Background(), "in.json", strings.NewReader(`{`+templateHead+`,"parameters":{"p":{"type":"string"}},"resources":[
			{"type":"Microsoft.ManagedIdentity/userAssignedIdentities","name":"worker"},
			{"type":"Microsoft.Resources/deployments","name":"d","properties":{"expressionEvaluationOptions":{"scope":"inner"},
				"parameters":{"p":{"value":"`+principal+`"}},"template":{`+templateHead+`,"parameters":{"p":{"type":"string"}},"resources":[
				{"type":"Microsoft.Authorization/roleAssignments","name":"`+name+`","properties":{"principalId":"[parameters('p')]","roleDefinitionId":"`+readerGUID+`"}}]}}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Declarations[len(s.Declarations)-1].FixedName; got != want {
			t.Errorf("%s of %s: %t", name, principal, got)
		}
	}
	const worker = "[reference('worker').principalId]"
	f("[guid(resourceGroup().id, 'worker')]", worker, true)
	f("ra", worker, true)
	f("[guid(parameters('p'))]", worker, false)
	f("[newGuid()]", worker, false)
	f("ra", "[parameters('p')]", false)
	f("ra", ann, false)
}

// A template that delegates to another tenant says so, or says that it does not know what.
func TestTemplateDelegation(t *testing.T) {
	f := func(definition string, want ...string) {
		t.Helper()
		got := fromText(t, readTemplate, `{`+templateHead+`,"parameters":{"p":{"type":"string"},"list":{"type":"array"}},"resources":[`+definition+`
			{"type":"Microsoft.ManagedServices/registrationAssignments","name":"a","apiVersion":"2022-10-01",
				"properties":{"registrationDefinitionId":"[resourceId('Microsoft.ManagedServices/registrationDefinitions','d')]"}}]}`)
		contains(t, got, want...)
	}
	named := func(properties string) string {
		return `{"type":"Microsoft.ManagedServices/registrationDefinitions","name":"d","apiVersion":"2022-10-01","properties":{` + properties + `}},`
	}
	f(named(`"registrationDefinitionName":"ops","managedByTenantId":"99999999-0000-0000-0000-000000000001",
		"authorizations":[{"principalId":"00000000-0000-0000-0000-00000000000A","principalIdDisplayName":"team","roleDefinitionId":"`+readerGUID+`","delegatedRoleDefinitionIds":["`+readerGUID+`"]},
			{"principalId":"[parameters('p')]","roleDefinitionId":"`+readerGUID+`"}],
		"eligibleAuthorizations":[{"principalId":"00000000-0000-0000-0000-00000000000B","roleDefinitionId":"`+readerGUID+`"}]`),
		"delegation at "+testGroup, "00000000-0000-0000-0000-00000000000a", "principal of parameters('p')", "00000000-0000-0000-0000-00000000000b", "!gap delegations at \""+testGroup)
	f("", "gap delegations at \""+testGroup+"\"", "its definition is not in the file")
	f(named(`"authorizations":"[parameters('list')]"`), "what it delegates is not all known before the deployment")
	f(named(`"authorizations":"[concat(createArray(createObject('principalId','00000000-0000-0000-0000-00000000000A','roleDefinitionId','`+readerGUID+`')), parameters('list'))]"`),
		"00000000-0000-0000-0000-00000000000a", "what it delegates is not all known before the deployment")
	f(named(`"authorizations":[{"principalId":"00000000-0000-0000-0000-00000000000A","roleDefinitionId":"[parameters('p')]"}]`),
		"a principal or a role that it delegates to is known only after the deployment")
}

// A template that lies in something else is read: an artifact of a blueprint, a deployment, a template spec.
func TestWrappedTemplates(t *testing.T) {
	f := func(around string, want ...string) {
		t.Helper()
		inner := `{` + templateHead + `,"parameters":{"n":{"type":"string","defaultValue":"d"}},"resources":[{"type":"Microsoft.Web/sites","name":"[parameters('n')]","identity":{"type":"SystemAssigned"}}]}`
		contains(t, fromText(t, readTemplate, strings.Replace(around, "INNER", inner, 1)), want...)
	}
	f(`{"kind":"template","properties":{"template":INNER,"parameters":{"n":{"value":"given"}}},"type":"Microsoft.Blueprint/blueprints/artifacts"}`, "/sites/given")
	f(`{"properties":{"template":INNER}}`, "/sites/d")
	f(`{"properties":{"mainTemplate":INNER}}`, "/sites/d")
	f(`{"properties":{"template":1,"note":INNER}}`, "!/sites/d")
}

// A type of identity that Azure does not have is not read as none.
func TestStrangeIdentity(t *testing.T) {
	got := fromText(t, readTemplate, `{`+templateHead+`,"resources":[{"type":"Microsoft.Web/sites","name":"api","identity":{"type":"string"}}]}`)
	contains(t, got, `its identity is of the type "string", which is none that Azure has`)
	got = fromText(t, readTemplate, `{`+templateHead+`,"resources":[{"type":"Microsoft.Web/sites","name":"api","identity":{"type":"none"}}]}`)
	contains(t, got, "!which is none that Azure has")
}
