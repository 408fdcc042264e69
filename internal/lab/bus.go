// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mivet/mivet"
)

// busError is an error of Service Bus over HTTP
// (learn.microsoft.com/rest/api/servicebus/send-message-to-queue).
type busError struct {
	XMLName xml.Name `xml:"Error"`
	Code    int
	Detail  string
}

func (q *dataRequest) busFail(status int, detail string) {
	tracking := guidOf("tracking", randomText(8))
	q.writeXML(status, busError{Code: status, Detail: fmt.Sprintf("%s TrackingId:%s_G1, SystemTracker:%s:%s, Timestamp:%s",
		detail, tracking, q.host, strings.Join(q.parts, "/"), q.now().UTC().Format("2006-01-02T15:04:05"))})
}

// busLock is how long a message stays locked.
const busLock = 60 * time.Second

const busQueueType = busType + "/queues"

// busRoutes are what can be done over HTTP, by method and what stands behind the queue
// (learn.microsoft.com/rest/api/servicebus/service-bus-runtime-rest). AMQP, which the SDKs
// speak, is not spoken here; neither are topics and sessions.
var busRoutes = []struct{ method, rest, name, right, claim string }{
	{http.MethodPost, "messages", "SendMessage", "send", "Send"},
	{http.MethodPost, "messages/head", "PeekLockMessage", "receive", "Listen"},
	{http.MethodDelete, "messages/head", "ReceiveMessage", "receive", "Listen"},
	{http.MethodDelete, "messages/{id}/{lock}", "CompleteMessage", "receive", "Listen"},
	{http.MethodPut, "messages/{id}/{lock}", "AbandonMessage", "receive", "Listen"},
	{http.MethodPost, "messages/{id}/{lock}", "RenewLock", "receive", "Listen"},
}

// serveBus answers as NAME.servicebus.windows.net does over HTTP.
func (q *dataRequest) serveBus(err error) {
	if err != nil {
		q.busRefuse(err)
		return
	}
	if q.at == nil {
		q.busFail(http.StatusNotFound, "The lab has no namespace '"+q.name+"'.")
		return
	}
	if q.outside() != "" {
		q.busFail(http.StatusUnauthorized, "Ip has been prevented to connect to the endpoint.")
		return
	}
	at := len(q.parts)
	for i, p := range q.parts {
		if strings.EqualFold(p, "messages") {
			at = i
			break
		}
	}
	name, rest := strings.ToLower(strings.Join(q.parts[:at], "/")), q.parts[at:]
	if name == "" {
		rest = nil
	}
	for _, route := range busRoutes {
		want := strings.Split(route.rest, "/")
		if route.method != q.r.Method || len(want) != len(rest) || len(want) == 2 && !strings.EqualFold(rest[1], want[1]) {
			continue
		}
		q.act.name, q.act.target = route.name, name
		if !q.may(busType+"/messages/"+route.right+"/action", mivet.PlaneData, q.child("queues/"+strings.ReplaceAll(name, "/", "~")), nil) {
			q.busFail(http.StatusUnauthorized, fmt.Sprintf("Unauthorized access. '%s' claim(s) are required to perform this operation. Resource: 'sb://%s/%s'.", route.claim, q.host, name))
			return
		}
		q.serveBusQueue(route.name, name, rest)
		return
	}
	q.busFail(http.StatusNotFound, "The lab has no "+q.r.Method+" "+q.r.URL.Path+" of Service Bus.")
}

// busRefuse answers a token that is not accepted. The codes are those of public threads; of
// the words only those on the audience are established
// (MicrosoftDocs/azure-docs pull request 19707).
func (q *dataRequest) busRefuse(err error) {
	detail := "InvalidToken: The token is not valid."
	var f *authError
	if errors.As(err, &f) {
		switch f.kind {
		case tokenMissing:
			detail = "MissingToken: The authorization header was not found."
		case tokenMisplaced:
			detail = "InvalidAudience: Invalid authorization token audience."
		case tokenForeign:
			detail = "InvalidIssuer: Token issuer is invalid."
		case tokenExpired:
			detail = "ExpiredToken: The token is expired."
		case tokenInvalid:
		}
	}
	if q.at != nil && strings.HasPrefix(q.r.Header.Get("Authorization"), "SharedAccessSignature") {
		detail = "InvalidSignature: The token has an invalid signature."
		if v, _ := q.at.setting("disableLocalAuth"); strings.EqualFold(v, "true") {
			detail = "LocalAuthDisabled: Authorization failed because SAS authentication has been disabled for the namespace."
		}
	}
	q.busFail(http.StatusUnauthorized, detail)
}

// brokerProperties are what Service Bus says of a message in a header.
type brokerProperties struct {
	MessageID string `json:"MessageId,omitzero"`
	LockToken string `json:",omitzero"`
	Locked    string `json:"LockedUntilUtc,omitzero"`
	Count     int    `json:"DeliveryCount,omitzero"`
	Enqueued  string `json:"EnqueuedTimeUtc,omitzero"`
	Sequence  uint64 `json:"SequenceNumber,omitzero"`
	State     string `json:",omitzero"`
}

func (q *dataRequest) serveBusQueue(do, name string, rest []string) {
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	all := q.contents.buses[q.at.id.Key()]
	if all == nil {
		all = newQueues()
		q.contents.buses[q.at.id.Key()] = all
	}
	one := all.fill(q.world.childrenOf(q.at.id, busQueueType)).queues[name]
	if one == nil {
		q.busFail(http.StatusNotFound, fmt.Sprintf("The messaging entity 'sb://%s/%s' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.", q.host, name))
		return
	}
	now := q.now()
	switch do {
	case "SendMessage":
		q.sendMessage(one, now)
	case "PeekLockMessage", "ReceiveMessage":
		list := one.take(1, now, busLock)
		if len(list) == 0 {
			q.w.WriteHeader(http.StatusNoContent) // the lab does not wait for one
			return
		}
		q.giveMessage(do, one, name, list[0])
	case "CompleteMessage":
		if !one.drop(rest[1], rest[2]) {
			q.lockLost()
			return
		}
		q.w.WriteHeader(http.StatusOK)
	default:
		for _, m := range one.messages {
			if strings.EqualFold(m.id, rest[1]) && m.receipt == rest[2] {
				m.visible = now
				if do == "RenewLock" {
					m.visible = now.Add(busLock)
				}
				q.w.WriteHeader(http.StatusOK)
				return
			}
		}
		q.lockLost()
	}
}

func (q *dataRequest) lockLost() {
	q.busFail(http.StatusNotFound, "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.")
}

func (q *dataRequest) sendMessage(one *queue, now time.Time) {
	text, err := bodyText(q.r)
	if err != nil {
		q.busFail(http.StatusRequestEntityTooLarge, "The message is too large.")
		return
	}
	var p brokerProperties
	if h := q.r.Header.Get("BrokerProperties"); h != "" {
		if err := json.Unmarshal([]byte(h), &p); err != nil {
			q.busFail(http.StatusBadRequest, "The BrokerProperties header could not be deserialized.")
			return
		}
	}
	if p.MessageID == "" {
		p.MessageID = strings.ReplaceAll(guidOf("message", randomText(12)), "-", "")
	}
	one.messages = append(one.messages, &message{
		id: p.MessageID, text: text, kind: q.r.Header.Get("Content-Type"), put: now, visible: now, sequence: q.contents.next(),
	})
	q.w.WriteHeader(http.StatusCreated)
}

// giveMessage answers with a message: locked, or taken out.
func (q *dataRequest) giveMessage(do string, one *queue, name string, m *message) {
	p := brokerProperties{MessageID: m.id, Count: m.received, Enqueued: httpTime(m.put), Sequence: m.sequence, State: "Active"}
	status := http.StatusOK
	if do == "PeekLockMessage" {
		status = http.StatusCreated
		p.LockToken, p.Locked = m.receipt, httpTime(m.visible)
		q.w.Header().Set("Location", fmt.Sprintf("https://%s/%s/messages/%s/%s", q.host, name, m.id, m.receipt))
	} else {
		one.drop(m.id, m.receipt)
	}
	about, err := json.Marshal(p)
	if err != nil {
		q.busFail(http.StatusInternalServerError, err.Error())
		return
	}
	q.w.Header().Set("BrokerProperties", string(about))
	if m.kind != "" {
		q.w.Header().Set("Content-Type", m.kind)
	}
	q.w.WriteHeader(status)
	_, _ = q.w.Write([]byte(m.text)) // a caller that is gone needs no answer
}
