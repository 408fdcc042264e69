// SPDX-License-Identifier: Apache-2.0

package logs

// slot is a place for one scalar of an entry.
type slot uint8

// The slots. Names follow the diagnostic form; other forms lead to the same slots.
const (
	slotNone slot = iota
	slotTime
	slotCreated
	slotCategory
	slotType
	slotOperation
	slotOperationValue
	slotActivity
	slotEventName
	slotResourceID
	slotResultType
	slotResultSignature
	slotStatus
	slotSubStatus
	slotStatusCode
	slotHTTPStatus
	slotStatusMessage
	slotCorrelation
	slotOperationID
	slotCallerIP
	slotUserAgent
	slotObjectURI
	slotRequestURI
	slotRBAC
	slotPolicy
	slotAddress
	slotAssignment
	slotOID
	slotOIDClaim
	slotAppIDClaim
	slotHost
	slotToken
	slotIdentityType
	slotRequester
	slotRequesterApp
	slotCaller
	slotEntity
	slotEventCategory
	slotObjectKey
	slotServiceType
	slotAccount
	slotAuthType
	slotAuthKey
	slotCount
	slotProvider
	slotServicePrincipal
	slotUserID
	slotAppID
	slotMethod
	slotAADPrincipal
	slotDatabase
	slotCollection
	slotRequestResource
	slotTokenType
	slotAudience
	slotEventType
	slotClientObject
	slotCredential
	slotPropertyStatus
	slotAssociated
	slotParent // the slot of the key that led to the object

	// The slots of one element of a list, beyond those of the entry.
	slotGrantAction
	slotGrantScope
	slotGrantAssignment

	numSlots = slotParent
)

// context says which keys are known inside an object.
type context uint8

const (
	inNone context = iota
	inEntry
	inValue      // {"value": …, "localizedValue": …}
	inProperties // "properties" of the diagnostic form
	inIdentity
	inClaims
	inClaimSet // claims whose URI was cut at its dots
	inClaimTail
	inGrant // "authorization"
	inEvidence
	inRequester
	inStatus // "status" of a sign-in: {"errorCode": …}
	inRequest
	inManaged // "managedServiceIdentity" of a sign-in
	inEvent   // "data" of an Event Grid event
	numContexts
)

// key is a name that is known, and what its value is for.
type key struct {
	name string // in lower case
	slot slot
	in   context
}

// The tables of keys, by context. Columns of Log Analytics tables stand beside the keys of
// the diagnostic form: where an entry came from does not change what it says.
// Sources: the schema pages named in operations.tsv; learn, azure-monitor/reference/tables.
var tables = [numContexts]keyTable{
	inEntry: newKeyTable(append([]key{
		{"time", slotTime, inNone},
		{"timegenerated", slotTime, inNone},
		{"eventtimestamp", slotTime, inNone},
		{"timestamp", slotTime, inNone},
		{"eventtimestring", slotTime, inNone},
		{"eventtime", slotTime, inNone},
		{"timegenerated (utc)", slotTime, inNone}, // as the portal names the column
		{"timegenerated [utc]", slotTime, inNone},
		{"createddatetime", slotCreated, inNone},
		{"category", slotCategory, inValue},
		{"categoryvalue", slotCategory, inNone},
		{"type", slotType, inNone},
		{"operationname", slotOperation, inValue},
		{"operationnamevalue", slotOperationValue, inNone},
		{"activityname", slotActivity, inNone},
		{"eventname", slotEventName, inNone},
		{"resourceid", slotResourceID, inNone},
		{"_resourceid", slotResourceID, inNone},
		{"resulttype", slotResultType, inNone},
		{"resultsignature", slotResultSignature, inNone},
		{"status", slotStatus, inValue},
		{"activitystatusvalue", slotStatus, inNone},
		{"substatus", slotSubStatus, inValue},
		{"activitysubstatusvalue", slotSubStatus, inNone},
		{"correlationid", slotCorrelation, inNone},
		{"operationid", slotOperationID, inNone},
		{"identity", slotNone, inIdentity},
		{"claims", slotNone, inClaims},
		{"claims_d", slotNone, inClaims},
		{"authorization", slotNone, inGrant},
		{"authorization_d", slotNone, inGrant},
		{"authorizationdetails", slotNone, inGrant},
		{"properties", slotNone, inProperties},
		{"properties_d", slotNone, inProperties},
		{"caller", slotCaller, inNone},
		{"httprequest", slotNone, inRequest},
		{"eventtype", slotEventType, inNone},
		{"data", slotNone, inEvent},
		{"provider", slotProvider, inNone},
		{"resourceidentity", slotAudience, inNone},
		{"requesterobjectid", slotRequester, inNone},
		{"requesterappid", slotRequesterApp, inNone},
		{"authenticationtype", slotIdentityType, inNone},
		{"identity_claim_oid_g", slotOID, inNone},
		{"identity_claim_appid_g", slotAppIDClaim, inNone},
		{"identity_claim_xms_mirid_s", slotHost, inNone},
		{"identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g", slotOIDClaim, inNone},
		{"id_s", slotObjectURI, inNone},
		{"requesturi_s", slotRequestURI, inNone},
		{"httpstatuscode_d", slotHTTPStatus, inNone},
		{"clientinfo_s", slotUserAgent, inNone},
		{"isrbacauthorized_b", slotRBAC, inNone},
		{"isaccesspolicymatch_b", slotPolicy, inNone},
		{"isaddressauthorized_b", slotAddress, inNone},
		{"resource_id", slotResourceID, inNone},
	}, sharedKeys()...)),
	inProperties: newKeyTable(append([]key{
		{"status", slotPropertyStatus, inStatus}, {"activityname", slotActivity, inNone}, {"createddatetime", slotCreated, inNone}, {"resourceid", slotAudience, inNone},
	}, sharedKeys()...)),
	inValue: newKeyTable([]key{{"value", slotParent, inNone}}),
	inIdentity: newKeyTable([]key{
		{"claim", slotNone, inClaims},
		{"claims", slotNone, inClaims},
		{"authorization", slotNone, inGrant},
		{"type", slotIdentityType, inNone},
		{"requester", slotNone, inRequester},
		{"objectid", slotOID, inNone},
		{"oid", slotOID, inNone},
		{"appid", slotAppIDClaim, inNone},
	}),
	inClaims: newKeyTable([]key{
		{"oid", slotOID, inNone},
		{"appid", slotAppIDClaim, inNone},
		{"xms_mirid", slotHost, inNone},
		{"uti", slotToken, inNone},
		{"http://schemas.microsoft.com/identity/claims/objectidentifier", slotOIDClaim, inNone},
		{"http_schemas_microsoft_com_identity", slotNone, inClaimSet},
	}),
	inClaimSet:  newKeyTable([]key{{"claims", slotNone, inClaimTail}}),
	inClaimTail: newKeyTable([]key{{"objectidentifier", slotOIDClaim, inNone}}),
	inGrant: newKeyTable([]key{
		{"action", slotGrantAction, inNone},
		{"scope", slotGrantScope, inNone},
		{"roleassignmentid", slotGrantAssignment, inNone},
		{"evidence", slotNone, inEvidence},
	}),
	inEvidence: newKeyTable([]key{{"roleassignmentid", slotGrantAssignment, inNone}}),
	inRequester: newKeyTable([]key{
		{"objectid", slotRequester, inNone}, {"appid", slotRequesterApp, inNone},
	}),
	inStatus:  newKeyTable([]key{{"errorcode", slotStatusCode, inNone}}),
	inRequest: newKeyTable([]key{{"clientipaddress", slotCallerIP, inNone}}),
	inManaged: newKeyTable([]key{{"associatedresourceid", slotAssociated, inNone}}),
	inEvent: newKeyTable([]key{
		{"authorization", slotNone, inGrant},
		{"claims", slotNone, inClaims},
		{"correlationid", slotCorrelation, inNone},
		{"resourceuri", slotResourceID, inNone},
		{"operationname", slotOperation, inNone},
		{"status", slotStatus, inNone},
		{"httprequest", slotNone, inRequest},
	}),
}

// sharedKeys are those that the diagnostic form has under "properties" and a table among
// its columns.
func sharedKeys() []key {
	return []key{
		{"id", slotObjectURI, inNone},
		{"requesturi", slotRequestURI, inNone},
		{"httpstatuscode", slotHTTPStatus, inNone},
		{"statuscode", slotStatusCode, inNone},
		{"responsestatuscode", slotHTTPStatus, inNone},
		{"statusmessage", slotStatusMessage, inNone},
		{"clientinfo", slotUserAgent, inNone},
		{"useragentheader", slotUserAgent, inNone},
		{"useragent", slotUserAgent, inNone},
		{"isrbacauthorized", slotRBAC, inNone},
		{"isaccesspolicymatch", slotPolicy, inNone},
		{"isaddressauthorized", slotAddress, inNone},
		{"appliedassignmentid", slotAssignment, inNone},
		{"calleripaddress", slotCallerIP, inNone},
		{"clientipaddress", slotCallerIP, inNone},
		{"clientip", slotCallerIP, inNone},
		{"ipaddress", slotCallerIP, inNone},
		{"entity", slotEntity, inNone},
		{"eventcategory", slotEventCategory, inNone},
		{"objectkey", slotObjectKey, inNone},
		{"servicetype", slotServiceType, inNone},
		{"accountname", slotAccount, inNone},
		{"authtype", slotAuthType, inNone},
		{"authkey", slotAuthKey, inNone},
		{"authid", slotAuthKey, inNone},
		{"count", slotCount, inNone},
		{"hitcount", slotCount, inNone},
		{"serviceprincipalid", slotServicePrincipal, inNone},
		{"userid", slotUserID, inNone},
		{"appid", slotAppID, inNone},
		{"requestmethod", slotMethod, inNone},
		{"method", slotMethod, inNone},
		{"uniquetokenidentifier", slotToken, inNone},
		{"uniquetokenid", slotToken, inNone},
		{"aadprincipalid", slotAADPrincipal, inNone},
		{"aadappliedroleassignmentid", slotAssignment, inNone},
		{"databasename", slotDatabase, inNone},
		{"collectionname", slotCollection, inNone},
		{"requestresourcetype", slotRequestResource, inNone},
		{"authtokentype", slotTokenType, inNone},
		{"clientobjectid", slotClientObject, inNone},
		{"federatedcredentialid", slotCredential, inNone},
		{"managedserviceidentity", slotNone, inManaged},
		{"calleridentity", slotNone, inIdentity},
	}
}

// keyTable finds a key by one multiplication and one comparison.
type keyTable struct {
	seed  uint32
	index [1 << tableBits]uint8 // number of the key, from 1
	keys  []key
	fold  []string // the names with bit 0x20 set in every byte
}

const tableBits = 10

// newKeyTable looks for a factor under which no two keys share a place. A set for which
// there is none would leave keys out; a test asks for every one.
func newKeyTable(keys []key) keyTable {
	t := keyTable{keys: keys}
	for _, k := range keys {
		b := []byte(k.name)
		for i := range b {
			b[i] |= 0x20
		}
		t.fold = append(t.fold, string(b))
	}
	const tries = 1 << 16
	for t.seed = 1; t.seed < tries; t.seed += 2 {
		if t.place() {
			break
		}
	}
	return t
}

func (t *keyTable) place() bool {
	clear(t.index[:])
	for i, k := range t.keys {
		at := &t.index[t.hash([]byte(k.name))]
		if *at != 0 {
			return false
		}
		*at = uint8(i + 1)
	}
	return true
}

// hash mixes the length and five bytes.
func (t *keyTable) hash(b []byte) uint32 {
	n := len(b)
	h := uint32(n)
	h = h*31 + uint32(b[0]|0x20)
	h = h*31 + uint32(b[n>>1]|0x20)
	h = h*31 + uint32(b[n-1]|0x20)
	h = h*31 + uint32(b[n-1-n>>2]|0x20)
	h = h*31 + uint32(b[n>>2]|0x20)
	return h * (t.seed * 0x9E3779B1) >> (32 - tableBits)
}

// find returns the key of that name, whatever the case of its letters, or nil.
func (t *keyTable) find(b []byte) *key {
	if len(b) == 0 {
		return nil
	}
	n := t.index[t.hash(b)]
	if n == 0 {
		return nil
	}
	fold := t.fold[n-1]
	if len(fold) != len(b) {
		return nil
	}
	for i, c := range b {
		if c|0x20 != fold[i] {
			return nil
		}
	}
	return &t.keys[n-1]
}
