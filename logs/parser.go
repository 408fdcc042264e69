// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mivet/mivet"
)

// Parser reads entries one by one. It keeps its buffers: one goroutine uses a parser.
type Parser struct {
	s     scanner
	forms forms
	e     Entry
	table *catalogue

	resources map[string]*resource // by the id as it is written
	of        *resource            // of this entry

	scope  []byte // the scope of this entry, where it is built
	entity []byte
	action []byte
	op     []byte
}

// NewParser returns a parser. An error means that the program was built from damaged data.
func NewParser() (*Parser, error) {
	table, err := builtIn()
	if err != nil {
		return nil, err
	}
	return &Parser{table: table, resources: map[string]*resource{}, of: &nothing}, nil
}

// SyntaxError is a text that is no JSON object, with the byte at which that shows.
type SyntaxError struct {
	Offset int
	Err    error
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %v", e.Offset+1, e.Err) }

// Unwrap returns the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Parse reads one entry, a JSON object. What it returns is valid until the next call.
func (p *Parser) Parse(text []byte) (*Entry, error) {
	if len(text) > MaxEntry {
		return nil, ErrTooLong
	}
	if p.forms.along(&p.s, text) {
		p.read()
		return &p.e, nil
	}
	if err := p.s.scan(text); err != nil {
		return nil, &SyntaxError{Offset: p.s.i, Err: err}
	}
	p.forms.add(&p.s)
	p.read()
	return &p.e, nil
}

// read makes an entry of what the scanner found.
func (p *Parser) read() {
	s, e := &p.s, &p.e
	*e = Entry{Count: 1}
	e.Category = s.get(slotCategory)
	e.Operation = s.first(slotOperationValue, slotOperation, slotActivity, slotEventName)
	if t := s.get(slotTime); t != nil {
		e.Time, _ = readTime(t)
	}
	if e.Time.IsZero() {
		if t := s.get(slotCreated); t != nil {
			e.Time, _ = readTime(t)
		}
	}
	p.of = p.resource(s.get(slotResourceID))
	e.Resource = p.of.id
	e.Correlation, e.Call = s.get(slotCorrelation), s.get(slotOperationID)
	e.Caller = address(s.get(slotCallerIP))
	e.Agent = s.get(slotUserAgent)
	e.Token = s.get(slotToken)
	e.Log = p.kind()
	switch e.Log {
	case KeyVault, ManagedHSM:
		p.vault()
	case Storage:
		p.storage()
	case Activity:
		p.activity()
	case ServiceBus, EventHubs:
		p.runtime()
	case Cosmos:
		p.cosmos()
	case AppConfiguration:
		p.configuration()
	case SignIn:
		p.signIn()
	case Graph:
		p.graph()
	case EventGrid:
		p.event()
	case Operational:
		e.Scope, e.Reason = e.Resource, NoAuthentication
	case OtherLog:
		e.Reason = ForeignLog
	default:
		e.Reason = UnknownCategory
	}
	if e.Reason == NoReason && len(e.Principal) == 0 {
		e.Reason = NoPrincipal
	}
}

// fold appends text in lower case.
func fold(to, text []byte) []byte {
	for _, c := range text {
		if c >= 0x80 {
			return append(to, strings.ToLower(string(text))...)
		}
	}
	return lower(to, text)
}

// address cuts a port off: storage logs write "10.0.0.1:443" and "[2001:db8::1]:443".
func address(b []byte) []byte {
	i := bytes.LastIndexByte(b, ':')
	switch {
	case i < 0:
		return b
	case b[0] == '[':
		if j := bytes.IndexByte(b, ']'); j > 0 {
			return b[1:j]
		}
		return b
	case bytes.IndexByte(b, ':') == i:
		return b[:i]
	}
	return b // an address of version 6 without a port
}

// categories of logs, in lower case. Names of Log Analytics tables stand beside them.
var categories = map[string]Log{
	"administrative": Activity, "policy": Activity, "write": Activity, "delete": Activity, "action": Activity,
	"security": Activity, "servicehealth": Activity, "resourcehealth": Activity, "alert": Activity, "autoscale": Activity,
	"recommendation": Activity, "azureactivity": Activity,
	"auditevent": KeyVault, "azkvauditlogs": KeyVault,
	"storageread": Storage, "storagewrite": Storage, "storagedelete": Storage,
	"storagebloblogs": Storage, "storagequeuelogs": Storage, "storagetablelogs": Storage, "storagefilelogs": Storage,
	"runtimeauditlogs": ServiceBus, "azmsruntimeauditlogs": ServiceBus,
	"operationallogs": Operational, "azmsoperationallogs": Operational,
	"dataplanerequests": Cosmos, "cdbdataplanerequests": Cosmos,
	"httprequest": AppConfiguration, "audit": AppConfiguration, "aachttprequest": AppConfiguration, "aacaudit": AppConfiguration,
	"managedidentitysigninlogs": SignIn, "aadmanagedidentitysigninlogs": SignIn,
	"serviceprincipalsigninlogs": SignIn, "aadserviceprincipalsigninlogs": SignIn,
	"microsoftgraphactivitylogs": Graph,
	"signinlogs":                 OtherLog, "noninteractiveusersigninlogs": OtherLog, "aadnoninteractiveusersigninlogs": OtherLog,
	"adfssigninlogs": OtherLog, "provisioninglogs": OtherLog, "auditlogs": OtherLog, "b2crequestlogs": OtherLog,
	"userriskevents": OtherLog, "riskyusers": OtherLog, "aaduserriskevents": OtherLog, "aadriskyusers": OtherLog,
	"serviceprincipalriskevents": OtherLog, "riskyserviceprincipals": OtherLog,
	"mysqlauditlogs": OtherLog, "mysqlslowlogs": OtherLog, "postgresqllogs": OtherLog, "sqlsecurityauditevents": OtherLog,
	"kube-audit": OtherLog, "kube-audit-admin": OtherLog, "guard": OtherLog, "aksaudit": OtherLog, "aksauditadmin": OtherLog,
	"containerregistryrepositoryevents": OtherLog, "containerregistryloginevents": OtherLog,
	"controlplanerequests": OtherLog, "mongorequests": OtherLog, "cassandrarequests": OtherLog, "gremlinrequests": OtherLog, "tableapirequests": OtherLog,
	"queryruntimestatistics": OtherLog, "partitionkeystatistics": OtherLog, "partitionkeyruconsumption": OtherLog,
	"appserviceauditlogs": OtherLog, "appservicefileauditlogs": OtherLog, "appservicehttplogs": OtherLog,
	"azurepolicyevaluationdetails": OtherLog, "azurepolicyevaluationdetailslogs": OtherLog,
}

func category(name []byte) Log {
	const longest = 48
	if len(name) == 0 || len(name) > longest {
		return UnknownLog
	}
	var b [longest]byte
	return categories[string(lower(b[:0], name))]
}

// kind decides which log an entry is of: by its category, else by the table it was exported
// from, else by keys that only one log has.
func (p *Parser) kind() Log {
	s, e := &p.s, &p.e
	log := category(e.Category)
	if log == UnknownLog {
		log = category(s.get(slotType))
	}
	if log == UnknownLog && len(e.Category) == 0 {
		log = p.shape()
	}
	if ownCategories&(1<<log) != 0 && p.of.named && !p.of.is(log) {
		return UnknownLog
	}
	switch {
	case log == KeyVault && p.of.is(ManagedHSM):
		return ManagedHSM
	case log == ServiceBus:
		return p.broker()
	}
	return log
}

// broker tells Service Bus from Event Hubs.
func (p *Parser) broker() Log {
	provider := p.s.get(slotProvider)
	switch {
	case p.of.is(ServiceBus):
		return ServiceBus
	case p.of.is(EventHubs):
		return EventHubs
	case isWord(provider, "servicebus"), isWord(provider, "microsoft.servicebus"):
		return ServiceBus
	case isWord(provider, "eventhub"), isWord(provider, "microsoft.eventhub"):
		return EventHubs
	}
	return UnknownLog
}

// shape decides for an entry without a category.
func (p *Parser) shape() Log {
	s := &p.s
	has := func(slots ...slot) bool {
		for _, n := range slots {
			if s.seen&(1<<n) == 0 {
				return false
			}
		}
		return true
	}
	switch {
	case has(slotEventType):
		return EventGrid
	case category(s.get(slotEventCategory)) == Activity:
		return Activity
	case s.nGrants > 0 && has(slotOperation) && !has(slotIdentityType):
		return Activity
	case has(slotActivity, slotAuthType):
		return ServiceBus
	case has(slotAADPrincipal, slotRequestResource):
		return Cosmos
	case has(slotObjectKey):
		return Storage
	case has(slotCreated, slotAppID, slotResourceID) && !p.of.named:
		// A sign-in as Microsoft Graph lists it.
		if len(s.get(slotServicePrincipal)) > 0 && len(s.get(slotUserID)) == 0 {
			return SignIn
		}
		return OtherLog
	case has(slotMethod, slotRequestURI, slotAppID) && (has(slotUserID) || has(slotServicePrincipal)):
		return Graph
	}
	return UnknownLog
}

// isWord compares without regard to letter case.
func isWord(b []byte, word string) bool {
	return len(b) == len(word) && bytes.EqualFold(b, []byte(word))
}

// object takes the object id of a token's claims.
func (p *Parser) object() {
	s, e := &p.s, &p.e
	e.Principal = s.first(slotOID, slotOIDClaim)
	e.AppID = s.get(slotAppIDClaim)
	e.Host = s.get(slotHost)
}

// ask fills in what an operation asks for. It returns false where that is nothing.
func (p *Parser) ask(op *operation) bool {
	e := &p.e
	switch {
	case op == nil:
		e.Reason = UnknownOperation
	case op.reason != NoReason:
		e.Reason = op.reason
	default:
		e.Action, e.Plane = op.action, op.plane
		return true
	}
	return false
}

// under sets the scope to a resource below another one.
func (p *Parser) under(resource []byte, collection string, name []byte) {
	b := append(p.scope[:0], resource...)
	b = append(b, collection...)
	p.scope = fold(b, name)
	p.e.Scope = p.scope
}

// status reads a number of three digits; 0 for anything else.
func status(b []byte) int {
	// Analytics writes real numbers.
	b = bytes.TrimSuffix(b, []byte(".0"))
	if len(b) != 3 {
		return 0
	}
	n, ok := decimal(b)
	if !ok {
		return 0
	}
	return n
}

// outcome reads the status of a request to a data plane: what was done, did not exist or
// was in conflict had been allowed.
func outcome(code int) Outcome {
	switch {
	case code >= 200 && code < 300, code == 304, code == 404, code == 409, code == 412:
		return Granted
	case code == 403:
		return Refused
	}
	return Undecided
}

// guid reports whether a text has the form of a GUID.
func guid(b []byte) bool {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(b) != len(form) {
		return false
	}
	for i, c := range b {
		if form[i] == '-' {
			if c != '-' {
				return false
			}
		} else if !isHex(c) {
			return false
		}
	}
	return true
}

// times reads how many operations an entry stands for.
func times(b []byte) int64 {
	const digits = 12
	if n, ok := decimal(b); ok && n > 0 && len(b) <= digits {
		return int64(n)
	}
	return 1
}

// dataParts are parts of names of data actions of storage, for actions that the table of
// operations does not have.
var dataParts = []string{"/blobs/", "/messages/", "/entities/", "/files/", "filebackupsemantics"}

// planeOf returns the plane of a right of storage.
func (p *Parser) planeOf(action []byte) mivet.Plane {
	if plane, ok := p.table.written[string(action)]; ok {
		return plane
	}
	p.op = fold(p.op[:0], action)
	if plane, ok := p.table.planes[string(p.op)]; ok {
		return plane
	}
	for _, part := range dataParts {
		if bytes.Contains(p.op, []byte(part)) {
			return mivet.PlaneData
		}
	}
	return mivet.PlaneControl
}
