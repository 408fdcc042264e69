// SPDX-License-Identifier: Apache-2.0

package denial

import "regexp"

// Services that write one or two sentences. The pages are named at each.
var otherForms = []form{
	{
		// learn.microsoft.com/azure/key-vault/managed-hsm/access-control
		service: ManagedHSM, code: "AccessDenied", status: 403,
		says:   re(`(?i)Not authorized to access (?P<op>Microsoft\.KeyVault/managedHsm/\S+) on (?P<res>\S+)`),
		causes: []Cause{MissingRole, WrongScope, WrongIdentitySelected, Propagation},
		proves: []string{tokenAccepted, "no local role of the HSM gives it; roles of Azure do not count for its keys"},
	},
	{
		// learn.microsoft.com/azure/search/search-security-rbac
		service: Search, code: "Forbidden", status: 403,
		says: re(`(?i)Azure Search Error: 403|Azure OpenAI managed identity has required role assignments to access Azure Search`), beside: nil,
		fields: []*regexp.Regexp{searchName}, causes: searchCauses, proves: []string{searchProves},
	},
	{
		service: Search, code: "Forbidden", status: 403,
		says: re(`(?i)\b403\b|\bforbidden\b`), beside: searchName,
		fields: []*regexp.Regexp{searchName}, causes: searchCauses, proves: []string{searchProves},
	},
	{
		// learn.microsoft.com/kusto/access-control/role-based-access-control
		service: Kusto, code: "Forbidden", status: 403,
		says: re(`(?i)Principal '(?P<principal>[^']*)' is not authorized to (?P<op>perform operation '[^']*'|[a-z ]+) (?:database|on|table)`),
		fields: []*regexp.Regexp{
			re(`(?i)Principal 'aadapp=(?P<appid>[^;']+)`), re(`(?i)Principal 'aaduser=(?P<oid>[0-9a-f-]{36})\b`), re(`(?i)Principal '(?:aaduser|msauser)=(?P<user>[^;']+)`),
			re(`(?i)\bdatabase '(?P<res>[^']*)'`), re(`(?i)' on '(?P<res>https://[^']*)'`),
		},
		causes: []Cause{MissingRole, WrongIdentitySelected, ControlPlaneRoleOnly, WrongScope, Propagation},
		proves: []string{tokenAccepted, "no role of the cluster or database gives it; roles of Azure do not count for its data"},
	},
	{
		// learn.microsoft.com/azure/azure-monitor/logs/manage-access
		service: MonitorLogs, code: "InsufficientAccessError", status: 403,
		says:   re(`InsufficientAccessError|(?i:provided credentials have insufficient access to perform the requested operation)`),
		causes: []Cause{MissingRole, WrongScope, WrongIdentitySelected, Propagation}, proves: []string{tokenAccepted},
	},
	{
		// learn.microsoft.com/azure/synapse-analytics/security/synapse-workspace-synapse-rbac
		service: Synapse, code: "Unauthorized", status: 401,
		says: re(`(?i)does not have the required Synapse RBAC permission`),
		fields: []*regexp.Regexp{
			re(`(?i)principal '(?P<oid>[^']*)'`), re(`Action: (?P<op>[\w./*-]+)`), re(`Scope: (?P<res>[\w./*-]+?)\.?(?:["'\s}]|$)`),
		},
		causes: []Cause{MissingRole, WrongScope, WrongIdentitySelected, Propagation},
		proves: []string{tokenAccepted, "no role of Synapse gives it; roles of Azure do not count for it"},
	},
	{
		// learn.microsoft.com/azure/azure-signalr/concept-connection-string, …/azure-web-pubsub/concept-azure-ad-authorization
		service: SignalR, code: "Error.Forbidden", status: 403,
		says:   re(`(?i)(?P<op>Microsoft\.SignalRService/\S+) permission is required`),
		causes: []Cause{MissingRole, ControlPlaneRoleOnly, Propagation, WrongIdentitySelected, WrongScope},
		proves: []string{tokenAccepted, "no role with this data action is in force"},
	},
	{
		// learn.microsoft.com/azure/iot-hub/authenticate-authorize-azure-ad
		service: IoTHub, status: 401,
		says: re(`\b(?P<code>IotHubUnauthorized(?:Access)?)\b`),
		fields: []*regexp.Regexp{
			re(`Principal (?P<oid>[0-9a-fA-F-]{36}) is not authorized`), re(`Principal (?P<user>\S+) is not authorized`), re(`is not authorized for (?P<op>[A-Z]+) on (?P<res>\S+)`),
		},
		causes: []Cause{MissingRole, ControlPlaneRoleOnly, WrongIdentitySelected, Propagation},
	},
	{
		// learn.microsoft.com/azure/logic-apps/authenticate-with-managed-identity
		service: Connection, code: "Forbidden", status: 403,
		says:   re(`(?i)Permission denied due to missing connection ACL`),
		fields: []*regexp.Regexp{re(`User = (?P<oid>[^@\s]+)@`), re(`connection=(?P<res>\S+)`)},
		causes: []Cause{MissingRole, WrongIdentitySelected, RecreatedIdentity, Propagation},
		proves: []string{tokenAccepted, "no access policy of the connection names the caller"},
	},
	{
		// learn.microsoft.com/azure/postgresql/flexible-server/security-entra-configure
		service: PostgreSQL, code: "28000", status: 0,
		says:   re(`(?i)(?:Azure AD|Microsoft Entra|Entra ID)[\w ]* access token not valid for role "(?P<user>[^"]*)"`),
		causes: []Cause{IDConfusion, MissingRole, RecreatedIdentity, WrongIdentitySelected},
		proves: []string{"the role of the database is bound to another object ID than the token's"},
	},
	{
		// learn.microsoft.com/azure/azure-cache-for-redis/cache-azure-active-directory-for-authentication
		service: Redis, code: "NOPERM", status: 0,
		says:   re(`\bNOPERM\b.{0,40}\bhas no permissions\b.{0,20}'(?P<op>[^']*)'`),
		causes: []Cause{MissingRole, WrongIdentitySelected}, proves: []string{tokenAccepted, "the access policy of the user does not hold the command"},
	},
	{
		service: Redis, code: "WRONGPASS", status: 0,
		says:   re(`\bWRONGPASS\b`),
		causes: []Cause{IDConfusion, MissingRole, WrongIdentitySelected}, proves: []string{"no user of the cache fits the name and the token"},
	},
}

var (
	searchName   = re(`(?i)(?P<res>[a-z0-9-]+\.search\.windows\.net)`)
	searchCauses = []Cause{MissingRole, ControlPlaneRoleOnly, WrongIdentitySelected, Propagation, Network}
)

// Authorization of a search service is by keys alone until it is switched on.
const searchProves = "the service wants keys alone, or no role of it is in force for the caller"

// Where a text gives a status and a host, the host tells the service, and no more than
// that. Sentences of the services stand in the forms above.
var hostForms = hostTable()

// bare are the ways in which a status is written that nothing else is.
const (
	bareForbidden    = `(?i)\b403\b\W{0,3}Forbidden|(?:status(?:[ _-]?code)?|HTTP(?:/\d(?:\.\d)?)?|code|error|returned|responded|responded with|failed with|RESPONSE)\W{1,4}403\b|\b403 Client Error|\bForbidden\b`
	bareUnauthorized = `(?i)\b401\b\W{0,3}Unauthorized|(?:status(?:[ _-]?code)?|HTTP(?:/\d(?:\.\d)?)?|code|error|returned|responded|responded with|failed with|RESPONSE)\W{1,4}401\b|\b401 Client Error|\bUnauthorized\b`
)

const statusAlone = "the text tells the status alone"

func hostTable() []form {
	forbidden := []Cause{MissingRole, Network, WrongIdentitySelected, Propagation, ControlPlaneRoleOnly}
	token := []Cause{WrongAudience, WrongTenant, ClientBug, Unknown}
	var out []form
	for _, h := range []struct {
		service Service
		host    string
		first   Cause // of a 403; where it is empty a missing role
		roles   bool  // a 401 is what a missing role gets too
	}{
		{service: KeyVault, host: `[a-z0-9-]+\.vault\.azure\.(?:net|cn)|[a-z0-9-]+\.vault\.usgovcloudapi\.net`},
		{service: ManagedHSM, host: `[a-z0-9-]+\.managedhsm\.azure\.net`},
		{service: Storage, host: `[a-z0-9]+\.(?:blob|queue|table|file|dfs)\.core\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)`, first: Network},
		{service: ServiceBus, host: `[a-z0-9-]+\.servicebus\.(?:windows|usgovcloudapi|chinacloudapi)\.(?:net|cn)`, roles: true},
		{service: CosmosDB, host: `[a-z0-9-]+\.documents\.azure\.(?:com|us|cn)`},
		{service: AI, host: `[a-z0-9-]+\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us)`, roles: true},
		{service: Kusto, host: `[a-z0-9.-]+\.kusto\.(?:windows\.net|azuresynapse\.net|fabric\.microsoft\.com)`},
		{service: MonitorLogs, host: `api\.loganalytics\.(?:io|azure\.com)|[a-z0-9.-]+\.ingest\.monitor\.azure\.com`},
		{service: SignalR, host: `[a-z0-9-]+\.(?:service\.signalr\.net|webpubsub\.azure\.com)`},
		{service: IoTHub, host: `[a-z0-9-]+\.azure-devices\.net`, roles: true},
		{service: EventGrid, host: `[a-z0-9.-]+\.eventgrid\.azure\.net`, roles: true},
		{service: Graph, host: `graph\.(?:microsoft\.(?:com|us)|windows\.net)`},
		{service: ResourceManager, host: `management\.(?:azure\.com|usgovcloudapi\.net|chinacloudapi\.cn)`},
		{service: APIManagement, host: `[a-z0-9-]+\.azure-api\.net`},
		{service: AppAuthentication, host: `[a-z0-9-]+\.(?:azurewebsites\.net|azurecontainerapps\.io)`},
	} {
		host := re(`(?i)(?P<res>\b(?:` + h.host + `))`)
		form403 := form{
			service: h.service, code: "403", status: 403, says: re(bareForbidden), beside: host, fields: []*regexp.Regexp{host},
			causes: forbidden, proves: []string{statusAlone},
		}
		form401 := form{
			service: h.service, code: "401", status: 401, says: re(bareUnauthorized), beside: host, fields: []*regexp.Regexp{host},
			causes: token, proves: []string{statusAlone},
		}
		if h.first != "" {
			form403.causes = []Cause{Network, MissingRole, ControlPlaneRoleOnly, Propagation, WrongIdentitySelected}
		}
		if h.roles {
			form401.causes = []Cause{MissingRole, WrongIdentitySelected, WrongAudience, WrongTenant, Propagation}
		}
		if h.service == ServiceBus {
			form403.refine, form401.refine = refineBus, refineBus
		}
		out = append(out, form403, form401)
	}
	login := re(`(?i)login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn|windows\.net)/[^\s"]*/token`)
	return append(out, form{
		service: TokenEndpoint, code: "401", status: 401, says: re(bareUnauthorized), beside: login,
		causes: []Cause{FederationSubject, FederationIssuer, Unknown, WrongTenant}, proves: []string{statusAlone, "no token was issued"},
	})
}
