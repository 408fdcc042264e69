// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

// queueContent are the queues of a storage account or of a namespace of Service Bus.
type queueContent struct {
	queues map[string]*queue
	gone   map[string]bool // queues of the snapshot that were deleted
}

type queue struct{ messages []*message }

type message struct {
	id       string
	text     string
	kind     string // its Content-Type
	put      time.Time
	expires  time.Time
	visible  time.Time // until then it is locked or hidden
	receipt  string    // of who got it last: a pop receipt, or a lock token
	received int
	sequence uint64
}

func newQueues() *queueContent { return &queueContent{map[string]*queue{}, map[string]bool{}} }

// fill takes the queues that the snapshot names.
func (c *queueContent) fill(children []*thing) *queueContent {
	for _, t := range children {
		if name := strings.ToLower(t.id.Name()); c.queues[name] == nil && !c.gone[name] {
			c.queues[name] = &queue{}
		}
	}
	return c
}

// take hands out up to n messages that are visible, and hides them for a while.
func (q *queue) take(n int, now time.Time, hide time.Duration) []*message {
	var list []*message
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return !m.expires.IsZero() && !now.Before(m.expires) })
	for _, m := range q.messages {
		if len(list) < n && !now.Before(m.visible) {
			m.visible, m.receipt = now.Add(hide), guidOf("receipt", randomText(12))
			m.received++
			list = append(list, m)
		}
	}
	return list
}

// drop removes a message that whoever holds the receipt got; false if there is none.
func (q *queue) drop(id, receipt string) bool {
	before := len(q.messages)
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return strings.EqualFold(m.id, id) && m.receipt == receipt })
	return len(q.messages) < before
}

const (
	queueType   = storageType + "/queueServices/queues"
	messageType = queueType + "/messages"
)

// serveQueue answers as NAME.queue.core.windows.net does.
func (q *dataRequest) serveQueue(err error) {
	if !q.storageOpen(err) {
		return
	}
	name := strings.ToLower(q.parts[0])
	rest := q.parts[1:]
	query, do := q.r.URL.Query(), q.r.Method
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	all := q.contents.queues[q.at.id.Key()]
	if all == nil {
		all = newQueues()
		q.contents.queues[q.at.id.Key()] = all
	}
	all.fill(q.world.childrenOf(q.at.id, queueType))
	if name != "" {
		q.act.target = "/" + name
	}
	switch {
	case name == "" && do == http.MethodGet && query.Get("comp") == "list":
		q.listQueues(all)
	case name != "" && len(rest) == 0:
		q.serveOneQueue(all, name)
	case len(rest) == 1 && rest[0] == "messages" && do != http.MethodPut:
		q.serveMessages(all.queues[name], name)
	case len(rest) == 2 && rest[0] == "messages" && do == http.MethodDelete:
		q.deleteMessage(all.queues[name], name, rest[1])
	default:
		q.fail(http.StatusNotImplemented, "NotImplemented", "The lab has no "+do+" "+q.r.URL.Path+" of Queue Storage.", "")
	}
}

func (q *dataRequest) queueEnv(name string) func(string) *abac.Env {
	return q.env(func(e *abac.Env) {
		if name != "" {
			e.Set(abac.Resource, queueType+":name", abac.String(name))
		}
		e.SetSubOperations()
	})
}

func (q *dataRequest) listQueues(all *queueContent) {
	if !q.storageAllows("ListQueues", mivet.PlaneControl, q.at.id, q.queueEnv(""), queueType+"/read") {
		return
	}
	names := slices.Sorted(maps.Keys(all.queues))
	from, to, next := q.page(names, 5000)
	list := struct {
		XMLName xml.Name      `xml:"EnumerationResults"`
		Service string        `xml:"ServiceEndpoint,attr"`
		Queues  []listedQueue `xml:"Queues>Queue"`
		Next    string        `xml:"NextMarker"`
	}{Service: "https://" + q.host + "/", Next: next}
	for _, n := range names[from:to] {
		list.Queues = append(list.Queues, listedQueue{n})
	}
	q.writeXML(http.StatusOK, list)
}

type listedQueue struct{ Name string }

// queueWords are what is done to a queue, by method: the operation in the log, and the right.
var queueWords = map[string][2]string{
	http.MethodGet: {"GetQueueMetadata", "read"}, http.MethodHead: {"GetQueueMetadata", "read"},
	http.MethodPut: {"CreateQueue", "write"}, http.MethodDelete: {"DeleteQueue", "delete"},
}

func (q *dataRequest) serveOneQueue(all *queueContent, name string) {
	words, ok := queueWords[q.r.Method]
	if !ok {
		q.fail(http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.", "")
		return
	}
	if !q.storageAllows(words[0], mivet.PlaneControl, q.child("queueServices/default/queues/"+name), q.queueEnv(name), queueType+"/"+words[1]) {
		return
	}
	one := all.queues[name]
	switch {
	case q.r.Method == http.MethodPut && one != nil:
		q.w.WriteHeader(http.StatusNoContent) // with the same metadata
	case q.r.Method == http.MethodPut:
		all.queues[name] = &queue{}
		q.w.WriteHeader(http.StatusCreated)
	case one == nil:
		q.noQueue()
	case q.r.Method == http.MethodDelete:
		delete(all.queues, name)
		all.gone[name] = true
		q.w.WriteHeader(http.StatusNoContent)
	default:
		q.w.Header().Set("x-ms-approximate-messages-count", strconv.Itoa(len(one.messages)))
		q.w.WriteHeader(http.StatusOK)
	}
}

func (q *dataRequest) noQueue() {
	q.fail(http.StatusNotFound, "QueueNotFound", "The specified queue does not exist.", "")
}

// queueMessage is a message as the service writes it.
type queueMessage struct {
	ID       string `xml:"MessageId"`
	Inserted string `xml:"InsertionTime"`
	Expires  string `xml:"ExpirationTime"`
	Receipt  string `xml:"PopReceipt,omitempty"`
	Visible  string `xml:"TimeNextVisible,omitempty"`
	Count    *int   `xml:"DequeueCount,omitempty"`
	Text     string `xml:"MessageText,omitempty"`
}

type queueMessages struct {
	XMLName  xml.Name       `xml:"QueueMessagesList"`
	Messages []queueMessage `xml:"QueueMessage"`
}

// serveMessages puts, gets, peeks and clears.
func (q *dataRequest) serveMessages(one *queue, name string) {
	query := q.r.URL.Query()
	peek := strings.EqualFold(query.Get("peekonly"), "true")
	var word string
	var operations []string
	switch {
	case q.r.Method == http.MethodPost:
		word, operations = "PutMessage", []string{messageType + "/add/action", messageType + "/write"}
	case q.r.Method == http.MethodGet && peek:
		word, operations = "PeekMessages", []string{messageType + "/read"}
	case q.r.Method == http.MethodGet:
		word, operations = "GetMessages", []string{messageType + "/process/action"}
	case q.r.Method == http.MethodDelete:
		word, operations = "ClearMessages", []string{messageType + "/delete"}
	default:
		q.fail(http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.", "")
		return
	}
	scope, given := q.child("queueServices/default/queues/"+name), q.queueEnv(name)
	if word == "GetMessages" && !q.may(operations[0], mivet.PlaneData, scope, given(operations[0])) {
		// Reading and deleting together are as good.
		operations = []string{messageType + "/read"}
		if !q.may(messageType+"/delete", mivet.PlaneData, scope, given(messageType+"/delete")) {
			operations = nil
		}
	}
	if !q.storageAllows(word, mivet.PlaneData, scope, given, operations...) {
		return
	}
	if one == nil {
		q.noQueue()
		return
	}
	now, number := q.now(), 1
	if n, err := strconv.Atoi(query.Get("numofmessages")); err == nil && n > 0 && n <= 32 {
		number = n
	}
	switch word {
	case "PutMessage":
		q.putMessage(one)
	case "ClearMessages":
		one.messages = nil
		q.w.WriteHeader(http.StatusNoContent)
	case "PeekMessages":
		var list queueMessages
		for _, m := range one.messages {
			if len(list.Messages) < number && !now.Before(m.visible) {
				list.Messages = append(list.Messages, queueMessage{ID: m.id, Inserted: httpTime(m.put), Expires: httpTime(m.expires), Count: &m.received, Text: m.text})
			}
		}
		q.writeXML(http.StatusOK, list)
	default:
		var list queueMessages
		for _, m := range one.take(number, now, q.seconds("visibilitytimeout", 30*time.Second)) {
			list.Messages = append(list.Messages, queueMessage{m.id, httpTime(m.put), httpTime(m.expires), m.receipt, httpTime(m.visible), &m.received, m.text})
		}
		q.writeXML(http.StatusOK, list)
	}
}

// seconds reads a time of the query in seconds.
func (q *dataRequest) seconds(name string, otherwise time.Duration) time.Duration {
	if n, err := strconv.Atoi(q.r.URL.Query().Get(name)); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	return otherwise
}

// messageLife is how long a message lives if nobody says otherwise.
const messageLife = 7 * 24 * time.Hour

func (q *dataRequest) putMessage(one *queue) {
	var body struct {
		Text string `xml:"MessageText"`
	}
	if err := xml.NewDecoder(q.r.Body).Decode(&body); err != nil {
		q.fail(http.StatusBadRequest, "InvalidXmlDocument", "XML specified is not syntactically valid.", "")
		return
	}
	now := q.now()
	life := messageLife
	if n, err := strconv.Atoi(q.r.URL.Query().Get("messagettl")); err == nil && n > 0 {
		life = time.Duration(n) * time.Second
	}
	m := &message{
		id: guidOf("message", randomText(12)), text: body.Text, put: now, expires: now.Add(life),
		visible: now.Add(q.seconds("visibilitytimeout", 0)), receipt: guidOf("receipt", randomText(12)),
	}
	one.messages = append(one.messages, m)
	q.writeXML(http.StatusCreated, queueMessages{Messages: []queueMessage{{
		ID: m.id, Inserted: httpTime(m.put), Expires: httpTime(m.expires), Receipt: m.receipt, Visible: httpTime(m.visible),
	}}})
}

func (q *dataRequest) deleteMessage(one *queue, name, id string) {
	if !q.storageAllows("DeleteMessage", mivet.PlaneData, q.child("queueServices/default/queues/"+name), q.queueEnv(name), messageType+"/process/action", messageType+"/delete") {
		return
	}
	switch {
	case one == nil:
		q.noQueue()
	case one.drop(id, q.r.URL.Query().Get("popreceipt")):
		q.w.WriteHeader(http.StatusNoContent)
	default:
		q.fail(http.StatusNotFound, "MessageNotFound", "The specified message does not exist.", "")
	}
}

// bodyText reads a body whole.
func bodyText(r *http.Request) (string, error) {
	b, err := io.ReadAll(r.Body)
	return string(b), err //nolint:wrapcheck // the caller says what was read
}
