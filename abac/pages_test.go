// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"strings"
	"testing"
)

// The scenarios of Microsoft's pages on conditions, restated with names of our own: what the
// page says of a request must come out. Pages: storage-auth-abac-examples.md,
// storage-auth-abac-attributes.md, queues-auth-abac-attributes.md, conditions-format.md,
// delegate-role-assignments-examples.md, conditions-custom-security-attributes.md (azure-docs);
// rbac-abac.md (azure-security-docs, Key Vault); container-registry-rbac-abac-repository-permissions.md
// (azure-management-docs); entra-id-authorization.md (azure-aks-docs); granular-rbac-use-case.md
// (azure-monitor-docs).

const (
	blobNamePrefix = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
	notList        = " AND NOT SubOperationMatches{'Blob.List'}"
	withTags       = " AND SubOperationMatches{'Blob.Write.WithTagHeaders'}"
)

// targeting builds the idiom of the pages: the operations that are named, and for them the
// expression. An operation may be followed by " AND …".
func targeting(expression string, operations ...string) string {
	var parts []string
	for _, o := range operations {
		name, more, _ := strings.Cut(o, " ")
		if more != "" {
			more = " " + more
		}
		parts = append(parts, "!(ActionMatches{'"+name+"'}"+more+")")
	}
	return "((" + strings.Join(parts, "\n AND ") + ") OR (" + expression + "))"
}

func tag(source, key string) string {
	return "@" + source + "[" + blobNamePrefix + "/tags:" + key + "<$key_case_sensitive$>]"
}

// request is one line of a table: a request and what becomes of it.
type request struct {
	operation     string
	subOperations string
	attributes    []any
	want          Truth
}

func checkRequests(t *testing.T, condition string, requests []request) {
	t.Helper()
	c := mustCompile(t, condition)
	again := mustCompile(t, c.String())
	for _, r := range requests {
		env := closedWorld(t, r.operation, r.attributes...)
		env.SetSubOperations(strings.Fields(r.subOperations)...)
		for _, mode := range []Mode{Strict, Compatible} {
			env.Mode = mode
			if got := c.Eval(env); got != r.want {
				t.Errorf("%s\n%+v: %v", c, r, got)
			}
			if got := again.Eval(env); got != r.want {
				t.Errorf("printed and read again: %s\n%+v: %v", again, r, got)
			}
		}
	}
}

const (
	project    = "Resource " + blobNamePrefix + "/tags:Project<$key_case_sensitive$>"
	newProject = "Request " + blobNamePrefix + "/tags:Project<$key_case_sensitive$>"
	tagKeys    = "Request " + blobNamePrefix + "/tags&$keys$&"
	blobRead   = blobs + "read"
	container  = "Resource " + containerName
)

func TestBlobTagPages(t *testing.T) {
	read, write, add := blobRead, blobWrite, blobAdd
	t.Run("read by tag", func(t *testing.T) {
		checkRequests(t, targeting(tag("Resource", "Project")+" StringEquals 'Apollo'", read+notList), []request{
			{read, "", []any{project, "Apollo"}, True},
			{read, "", []any{project, "apollo"}, False},
			{read, "", nil, False},
			{read, "", []any{strings.Replace(project, "Project", "project", 1), "Apollo"}, False},
			{read, "Blob.List", nil, True},
			{write, "", nil, True},
		})
	})
	t.Run("new blobs need a tag", func(t *testing.T) {
		checkRequests(t, targeting(tag("Request", "Project")+" StringEquals 'Apollo'", write+withTags, add+withTags), []request{
			{write, "Blob.Write.WithTagHeaders", []any{newProject, "Apollo"}, True},
			{write, "Blob.Write.WithTagHeaders", []any{newProject, "Gemini"}, False},
			{add, "Blob.Write.WithTagHeaders", nil, False},
			{add, "", nil, True},
		})
	})
	t.Run("tag keys and values", func(t *testing.T) {
		expression := "@Request[" + blobNamePrefix + "/tags&$keys$&] ForAllOfAnyValues:StringEquals {'Project', 'Program'}"
		checkRequests(t, targeting(expression, write+withTags, blobs+"tags/write"), []request{
			{blobs + "tags/write", "", []any{tagKeys, []any{"Project"}}, True},
			{blobs + "tags/write", "", []any{tagKeys, []any{"Project", "Program"}}, True},
			{blobs + "tags/write", "", []any{tagKeys, []any{"Project", "Other"}}, False},
		})
		expression = "@Request[" + blobNamePrefix + "/tags&$keys$&] ForAnyOfAnyValues:StringEquals {'Project'} AND " +
			tag("Request", "Project") + " ForAllOfAnyValues:StringEquals {'Apollo', 'Gemini'}"
		checkRequests(t, targeting(expression, write+withTags, blobs+"tags/write"), []request{
			{blobs + "tags/write", "", []any{tagKeys, []any{"Project"}, newProject, "Gemini"}, True},
			{blobs + "tags/write", "", []any{tagKeys, []any{"Project"}, newProject, "Mercury"}, False},
			{blobs + "tags/write", "", []any{tagKeys, []any{"Other"}}, False},
		})
	})
}

func TestBlobResourcePages(t *testing.T) {
	read, write, add := blobRead, blobWrite, blobAdd
	t.Run("containers and paths", func(t *testing.T) {
		named := "@Resource[" + containerName + "] StringEquals 'c1'"
		checkRequests(t, targeting(named, blobs+"delete", read, write, add, blobSuperUser), []request{
			{write, "", []any{container, "c1"}, True},
			{write, "", []any{container, "c2"}, False},
			{blobSuperUser, "", []any{container, "c2"}, False},
			{blobs + "tags/read", "", []any{container, "c2"}, True},
		})
		both := targeting(named+" AND @Resource["+blobPath+"] StringLike 'in/*'", read+notList) + " AND " +
			targeting(named+" AND @Request["+blobPrefix+"] StringStartsWith 'in/'", read+" AND SubOperationMatches{'Blob.List'}")
		checkRequests(t, both, []request{
			{read, "", []any{container, "c1", "Resource " + blobPath, "in/x.txt"}, True},
			{read, "", []any{container, "c1", "Resource " + blobPath, "out/x.txt"}, False},
			{read, "Blob.List", []any{container, "c1", "Request " + blobPrefix, "in/"}, True},
			{read, "Blob.List", []any{container, "c1", "Request " + blobPrefix, "out/"}, False},
			{read, "Blob.List", []any{container, "c1"}, False},
		})
	})
	t.Run("versions", func(t *testing.T) {
		const id = "2022-06-01T23:38:32.8883645Z"
		version, current := "Request "+blobNamePrefix+":versionId", "Resource "+blobNamePrefix+":isCurrentVersion"
		isCurrent := "@Resource[" + blobNamePrefix + ":isCurrentVersion] BoolEquals true"
		checkRequests(t, targeting("@Request["+blobNamePrefix+":versionId] DateTimeEquals '"+id+"' OR "+isCurrent, read+notList), []request{
			{read, "", []any{current, true}, True},
			{read, "", []any{current, false, version, id}, True},
			{read, "", []any{current, false, version, "2022-06-01T23:38:32.8883646Z"}, False},
		})
		checkRequests(t, targeting("@Request["+blobNamePrefix+":versionId] DateTimeLessThan '2022-06-01T00:00:00.0Z'",
			blobs+"delete", blobs+"deleteBlobVersion/action"), []request{
			{blobs + "deleteBlobVersion/action", "", []any{version, "2022-05-31T23:59:59.9999999Z"}, True},
			{blobs + "deleteBlobVersion/action", "", []any{version, "2022-06-01T00:00:00.0000000Z"}, False},
			{blobs + "delete", "", nil, False},
		})
		snapshot := "Request " + blobNamePrefix + ":snapshot"
		checkRequests(t, targeting("Exists @Request["+blobNamePrefix+":snapshot] OR "+isCurrent, read+notList), []request{
			{read, "", []any{snapshot, id}, True},
			{read, "", []any{current, true}, True},
			{read, "", []any{current, false}, False},
		})
	})
	t.Run("accounts", func(t *testing.T) {
		hns, scope := "Resource Microsoft.Storage/storageAccounts:isHnsEnabled", "Resource Microsoft.Storage/storageAccounts/encryptionScopes:name"
		checkRequests(t, targeting("@Resource[Microsoft.Storage/storageAccounts:isHnsEnabled] BoolEquals true", read+notList), []request{
			{read, "", []any{hns, true}, True}, {read, "", []any{hns, false}, False},
		})
		checkRequests(t, targeting("@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'acc' AND "+
			"@Resource[Microsoft.Storage/storageAccounts/encryptionScopes:name] ForAnyOfAnyValues:StringEquals {'k1', 'k2'}", read+notList, write), []request{
			{read, "", []any{"Resource Microsoft.Storage/storageAccounts:name", "acc", scope, "k2"}, True},
			{read, "", []any{"Resource Microsoft.Storage/storageAccounts:name", "acc", scope, "k3"}, False},
			{write, "", []any{"Resource Microsoft.Storage/storageAccounts:name", "acc"}, False},
		})
	})
}

func TestBlobCallerPages(t *testing.T) {
	read, write, add := blobRead, blobWrite, blobAdd
	t.Run("principal", func(t *testing.T) {
		attribute := "Microsoft.Directory/CustomSecurityAttributes/Id:Engineering_Project"
		checkRequests(t, targeting("@Principal["+attribute+"] StringEquals "+tag("Resource", "Project"), read+notList), []request{
			{read, "", []any{"Principal " + attribute, "Gemini", project, "Gemini"}, True},
			{read, "", []any{"Principal " + attribute, "Gemini", project, "Apollo"}, False},
			{read, "", []any{project, "Apollo"}, False},
		})
		checkRequests(t, targeting(tag("Resource", "Project")+" ForAnyOfAnyValues:StringEquals @Principal["+attribute+"]", read+notList), []request{
			{read, "", []any{"Principal " + attribute, []any{"Gemini", "Apollo"}, project, "Apollo"}, True},
			{read, "", []any{"Principal " + attribute, []any{"Gemini", "Apollo"}, project, "Mercury"}, False},
		})
	})
	t.Run("environment", func(t *testing.T) {
		link, level := "Environment isPrivateLink", "Resource "+blobNamePrefix+"/tags:level<$key_case_sensitive$>"
		sensitive := "(" + tag("Resource", "level") + " StringEquals 'high' AND @Environment[isPrivateLink] BoolEquals true) OR " +
			tag("Resource", "level") + " StringNotEquals 'high' OR NOT Exists " + tag("Resource", "level")
		checkRequests(t, targeting(sensitive, read+notList), []request{
			{read, "", []any{level, "high", link, true}, True},
			{read, "", []any{level, "high", link, false}, False},
			{read, "", []any{level, "low", link, true}, True},
			{read, "", []any{level, "low", link, false}, True},
			{read, "", []any{link, true}, True},
			{read, "", []any{link, false}, True},
		})
		const endpoint = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/pe1"
		private := "(@Resource[" + containerName + "] StringEquals 'c1' AND @Environment[Microsoft.Network/privateEndpoints] StringEqualsIgnoreCase '" +
			endpoint + "') OR @Resource[" + containerName + "] StringNotEquals 'c1'"
		from := "Environment Microsoft.Network/privateEndpoints"
		checkRequests(t, targeting(private, read, write, add, blobs+"delete"), []request{
			{read, "", []any{container, "c1", from, strings.ToUpper(endpoint)}, True},
			{read, "", []any{container, "c1", from, endpoint + "2"}, False},
			{read, "", []any{container, "c1"}, False},
			{read, "", []any{container, "c2"}, True},
		})
		after := "(@Resource[" + containerName + "] StringEquals 'c1' AND @Environment[UtcNow] DateTimeGreaterThan '2023-04-01T13:00:00.000Z') OR " +
			"@Resource[" + containerName + "] StringNotEquals 'c1'"
		checkRequests(t, targeting(after, read), []request{
			{read, "", []any{container, "c1", "Environment UtcNow", "2023-04-01T12:59:59.0Z"}, False},
			{read, "", []any{container, "c1", "Environment UtcNow", "2023-04-01T13:00:00.0000001Z"}, True},
			{read, "", []any{container, "c2"}, True},
		})
		keysOnly := "@Request[" + blobNamePrefix + "/tags&$keys$&] ForAnyOfAnyValues:StringNotEqualsIgnoreCase {'level'}"
		checkRequests(t, targeting(keysOnly, write+withTags), []request{
			{write, "Blob.Write.WithTagHeaders", []any{tagKeys, []any{"Level"}}, False},
			{write, "Blob.Write.WithTagHeaders", []any{tagKeys, []any{"other"}}, True},
		})
	})
	t.Run("first syntax", func(t *testing.T) {
		checkRequests(t, "!(ActionMatches{'"+read+"'} AND @Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'blob.list'}) OR Exists @Resource[x]", []request{
			{read, "Blob.List", nil, False}, {read, "Blob.List", []any{"Resource x", "v"}, True},
		})
	})
}

func TestOtherPages(t *testing.T) {
	t.Run("queues", func(t *testing.T) {
		const read = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read"
		const name = "Microsoft.Storage/storageAccounts/queueServices/queues:name"
		checkRequests(t, targeting("@Resource["+name+"] StringEquals 'orders'", read), []request{
			{read, "", []any{"Resource " + name, "orders"}, True}, {read, "", []any{"Resource " + name, "Orders"}, False},
		})
	})
	t.Run("Key Vault", func(t *testing.T) {
		const get, set = "Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/setSecret/action"
		const list = "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
		const vault, secret = "Microsoft.KeyVault/vaults:name", "Microsoft.KeyVault/vaults/secrets:name"
		checkRequests(t, "( !(ActionMatches{'"+get+"'}) OR ( @Resource["+secret+"] StringStartsWith 'test-app' ) )", []request{
			{get, "", []any{"Resource " + secret, "test-app-1"}, True},
			{get, "", []any{"Resource " + secret, "test-db"}, False},
			{get, "", []any{"Resource " + secret, "Test-App-1"}, False},
			{list, "", nil, True},
		})
		checkRequests(t, "!(ActionMatches{'"+list+"'}) OR @Resource["+secret+"] StringStartsWith 'api-'", []request{
			{list, "", nil, False}, {list, "", []any{"Resource " + secret, "api-x"}, True},
		})
		checkRequests(t, targeting("@Request["+secret+"] StringLike 'config-*'", set), []request{
			{set, "", []any{"Request " + secret, "config-1"}, True}, {set, "", []any{"Resource " + secret, "config-1"}, False},
		})
		checkRequests(t, "@Resource["+vault+"] StringLike 'team-*-prod' AND @Resource["+secret+"] StringNotEndsWith '-old'", []request{
			{get, "", []any{"Resource " + vault, "team-a-prod", "Resource " + secret, "x"}, True},
			{get, "", []any{"Resource " + vault, "team-a-prod", "Resource " + secret, "x-old"}, False},
			{get, "", []any{"Resource " + vault, "team-a-test", "Resource " + secret, "x"}, False},
		})
	})
	t.Run("Container Registry", func(t *testing.T) {
		const content = "Microsoft.ContainerRegistry/registries/repositories/content/read"
		const name = "Microsoft.ContainerRegistry/registries/repositories:name"
		expression := "@Request[" + name + "] StringStartsWithIgnoreCase 'backend/' OR @Request[" + name + "] StringEqualsIgnoreCase 'nginx'"
		checkRequests(t, targeting(expression, content, "Microsoft.ContainerRegistry/registries/repositories/metadata/read"), []request{
			{content, "", []any{"Request " + name, "Backend/API"}, True},
			{content, "", []any{"Request " + name, "backend-infra/k8s"}, False},
			{content, "", []any{"Request " + name, "NGINX"}, True},
		})
	})
	t.Run("AKS", func(t *testing.T) {
		const read = "Microsoft.ContainerService/managedClusters/customresources/read"
		const group, kind = "Microsoft.ContainerService/managedClusters/customResources:group", "Microsoft.ContainerService/managedClusters/customResources:kind"
		checkRequests(t, targeting("@Request["+group+"] StringEqualsIgnoreCase 'a.example' AND @Request["+kind+"] StringEqualsIgnoreCase 'things'", read), []request{
			{read, "", []any{"Request " + group, "A.example", "Request " + kind, "Things"}, True},
			{read, "", []any{"Request " + group, "b.example", "Request " + kind, "things"}, False},
		})
	})
	t.Run("Log Analytics", func(t *testing.T) {
		const read, table = "Microsoft.OperationalInsights/workspaces/tables/data/read", "Microsoft.OperationalInsights/workspaces/tables:name"
		const vendor = "Microsoft.OperationalInsights/workspaces/tables/record:Vendor<$key_case_sensitive$>"
		checkRequests(t, targeting("(@Resource["+table+"] StringEquals 'Firewall' AND @Resource["+vendor+"] ForAnyOfAnyValues:StringLikeIgnoreCase {'Check Point', 'SonicWall'})", read), []request{
			{read, "", []any{"Resource " + table, "Firewall", "Resource " + vendor, "check point"}, True},
			{read, "", []any{"Resource " + table, "Firewall", "Resource " + vendor, "Other"}, False},
			{read, "", []any{"Resource " + table, "Signins", "Resource " + vendor, "SonicWall"}, False},
		})
		checkRequests(t, targeting("@Resource["+table+"] ForAnyOfAllValues:StringNotEquals {'Signins', 'Dns'} OR (@Resource["+table+"] StringEquals 'Signins' AND @Resource["+vendor+"] StringNotEquals 'ceo@contoso.com')", read), []request{
			{read, "", []any{"Resource " + table, "Heartbeat"}, True},
			{read, "", []any{"Resource " + table, "Signins", "Resource " + vendor, "x@contoso.com"}, True},
			{read, "", []any{"Resource " + table, "Signins", "Resource " + vendor, "ceo@contoso.com"}, False},
			{read, "", []any{"Resource " + table, "Dns"}, False},
		})
	})
	t.Run("most roles", func(t *testing.T) {
		expression := roleLeaf + " ForAnyOfAllValues:GuidNotEquals {8e3af657-a8ff-443c-a75c-2fe8c4bcb635, 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9}"
		id := "Request " + RoleDefinitionID
		checkRequests(t, targeting(expression, RoleAssignmentWrite), []request{
			{RoleAssignmentWrite, "", []any{id, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}, False},
			{RoleAssignmentWrite, "", []any{id, "5e467623-bb1f-42f4-a55d-6e525e11384b"}, True},
		})
	})
}

// Conditions of the shapes that built-in roles carry.
func TestRoleDefinitionShapes(t *testing.T) {
	const one, two = "11111111111111111111111111111111", "2222222222222222222222222222222a"
	id, old := "Request "+RoleDefinitionID, "Resource "+RoleDefinitionID
	existing := strings.Replace(roleLeaf, "@Request", "@Resource", 1)
	checkRequests(t, "(!(ActionMatches{'"+RoleAssignmentDelete+"'})) OR "+existing+" ForAnyOfAnyValues:GuidEquals{"+one+", "+two+"}", []request{
		{RoleAssignmentDelete, "", []any{old, "22222222-2222-2222-2222-22222222222A"}, True},
		{RoleAssignmentDelete, "", []any{old, "33333333-2222-2222-2222-22222222222a"}, False},
		{RoleAssignmentWrite, "", nil, True},
	})
	checkRequests(t, roleLeaf+" ForAnyOfAnyValues:GuidEquals{"+one+","+two+"}", []request{
		{RoleAssignmentWrite, "", []any{id, two}, True}, {RoleAssignmentWrite, "", nil, False},
	})
	checkRequests(t, "@Resource[HasObotoken] boolequals true && ("+roleLeaf+" ForAnyOfAnyValues:GuidEquals {"+one+"})", []request{
		{RoleAssignmentWrite, "", []any{id, one, "Resource hasobotoken", true}, True},
		{RoleAssignmentWrite, "", []any{id, one}, False},
	})
	checkRequests(t, "@Resource[HasObotoken] boolequals true", []request{{"a/b", "", []any{"Resource HasOboToken", true}, True}})
	const read, level = "Microsoft.Insights/logs/data/read", "Microsoft.Insights/logs/tables:protectionLevel"
	checkRequests(t, "((!(ActionMatches{'"+read+"'})) OR (@Resource["+level+"] ForAllOfAnyValues:StringEquals {'General', 'Protected'}))", []request{
		{read, "", []any{"Resource " + level, "General"}, True},
		{read, "", []any{"Resource " + level, "Restricted"}, False},
		{read, "", []any{"Resource " + level, []any{"General", "Restricted"}}, False},
	})
	checkRequests(t, "((!(ActionMatches{'"+RoleAssignmentWrite+"'})) OR (("+roleLeaf+" ForAnyOfAnyValues:GuidEquals {"+one+"}) AND "+
		"(@Request["+PrincipalType+"] ForAnyOfAnyValues:StringEquals{'ServicePrincipal'})))", []request{
		{RoleAssignmentWrite, "", []any{id, one, "Request " + PrincipalType, "ServicePrincipal"}, True},
		{RoleAssignmentWrite, "", []any{id, one, "Request " + PrincipalType, "User"}, False},
	})
}
