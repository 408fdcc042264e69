// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/md5" //nolint:gosec // Content-MD5 is a header of the protocol
	"encoding/base64"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
)

// blobContent are the containers of an account.
type blobContent struct {
	containers map[string]*container
	gone       map[string]bool // containers of the snapshot that were deleted
}

type container struct {
	etag     string
	modified time.Time
	blobs    map[string]*blob
}

type blob struct {
	data        []byte
	contentType string
	etag        string
	created     time.Time
	modified    time.Time
	meta        map[string]string
}

const (
	containerType = storageType + "/blobServices/containers"
	blobType      = containerType + "/blobs"
)

// blobs returns the content of the account that is asked. The caller holds the lock.
func (q *dataRequest) blobs() *blobContent {
	b := q.contents.blobs[q.at.id.Key()]
	if b == nil {
		b = &blobContent{map[string]*container{}, map[string]bool{}}
		q.contents.blobs[q.at.id.Key()] = b
	}
	for _, t := range q.world.childrenOf(q.at.id, containerType) {
		if name := t.id.Name(); b.containers[name] == nil && !b.gone[name] {
			b.containers[name] = q.newContainer()
		}
	}
	return b
}

func (q *dataRequest) newContainer() *container {
	return &container{etagOf(q.contents.next()), q.now(), map[string]*blob{}}
}

// serveBlob answers as NAME.blob.core.windows.net does, for block blobs that are written
// whole. Rights: learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory,
// "Permissions for calling data operations".
func (q *dataRequest) serveBlob(err error) {
	if !q.storageOpen(err) {
		return
	}
	query := q.r.URL.Query()
	comp, kind := query.Get("comp"), query.Get("restype")
	name, path := q.parts[0], strings.Join(q.parts[1:], "/")
	if p, err := url.PathUnescape(path); err == nil {
		path = p
	}
	do := q.r.Method
	switch {
	case name == "" && do == http.MethodGet && comp == "list":
		q.listContainers()
	case path == "" && kind == "container" && comp == "list" && do == http.MethodGet:
		q.listBlobs(name)
	case path == "" && kind == "container" && comp == "":
		q.serveContainer(name)
	case path != "" && comp == "" && kind == "":
		q.serveOneBlob(name, path)
	default:
		q.fail(http.StatusNotImplemented, "NotImplemented", "The lab has no "+do+" "+q.r.URL.Path+" with comp="+comp+" of Blob Storage.", "")
	}
}

// plain are conditions of requests that are about no blob.
func (q *dataRequest) plain(container string) func(string) *abac.Env {
	return q.env(func(e *abac.Env) {
		if container != "" {
			e.Set(abac.Resource, containerType+":name", abac.String(container))
		}
		e.SetSubOperations()
	})
}

func (q *dataRequest) listContainers() {
	if !q.storageAllows("ListContainers", mivet.PlaneControl, q.at.id, q.plain(""), containerType+"/read") {
		return
	}
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	all := q.blobs().containers
	var names []string
	for _, n := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(n, q.r.URL.Query().Get("prefix")) {
			names = append(names, n)
		}
	}
	from, to, next := q.page(names, 5000)
	list := containerList{Service: "https://" + q.host + "/", Prefix: q.r.URL.Query().Get("prefix"), Next: next}
	for _, n := range names[from:to] {
		c := all[n]
		list.Containers = append(list.Containers, listedContainer{n, listedProperties{Modified: httpTime(c.modified), Etag: c.etag, LeaseStatus: "unlocked", LeaseState: "available"}})
	}
	q.writeXML(http.StatusOK, list)
}

// page finds the part of a list that is asked for by marker and maxresults.
func (q *dataRequest) page(names []string, most int) (from, to int, next string) {
	query := q.r.URL.Query()
	size := most
	if n, err := strconv.Atoi(query.Get("maxresults")); err == nil && n > 0 {
		size = min(n, most)
	}
	if marker := query.Get("marker"); marker != "" {
		from, _ = slices.BinarySearch(names, marker)
	}
	to = min(from+size, len(names))
	if to < len(names) {
		next = names[to]
	}
	return from, to, next
}

type containerList struct {
	XMLName    xml.Name          `xml:"EnumerationResults"`
	Service    string            `xml:"ServiceEndpoint,attr"`
	Prefix     string            `xml:"Prefix,omitempty"`
	Containers []listedContainer `xml:"Containers>Container"`
	Next       string            `xml:"NextMarker"`
}

type listedContainer struct {
	Name       string
	Properties listedProperties
}

type listedProperties struct {
	Created     string `xml:"Creation-Time,omitempty"`
	Modified    string `xml:"Last-Modified"`
	Etag        string
	Length      *int   `xml:"Content-Length,omitempty"`
	Type        string `xml:"Content-Type,omitempty"`
	BlobType    string `xml:"BlobType,omitempty"`
	AccessTier  string `xml:"AccessTier,omitempty"`
	LeaseStatus string
	LeaseState  string
}

func (q *dataRequest) listBlobs(name string) {
	query := q.r.URL.Query()
	prefix, delimiter := query.Get("prefix"), query.Get("delimiter")
	given := q.env(func(e *abac.Env) {
		e.Set(abac.Resource, containerType+":name", abac.String(name))
		e.Set(abac.Request, blobType+":prefix", abac.String(prefix))
		e.Set(abac.Request, blobType+":path", abac.String(prefix))
		if include := query.Get("include"); include != "" {
			e.Set(abac.Request, blobType+":include", abac.Strings(strings.Split(include, ",")...))
		}
		e.SetSubOperations("Blob.List")
	})
	if !q.storageAllows("ListBlobs", mivet.PlaneData, q.child("blobServices/default/containers/"+name), given, blobType+"/read") {
		return
	}
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	c := q.blobs().containers[name]
	if c == nil {
		q.noContainer()
		return
	}
	var names []string
	folders := map[string]bool{}
	for n := range c.blobs {
		rest, ok := strings.CutPrefix(n, prefix)
		if !ok {
			continue
		}
		if at := strings.Index(rest, delimiter); delimiter != "" && at >= 0 {
			if folder := prefix + rest[:at+len(delimiter)]; !folders[folder] {
				folders[folder] = true
				names = append(names, folder)
			}
			continue
		}
		names = append(names, n)
	}
	slices.Sort(names)
	from, to, next := q.page(names, 5000)
	list := blobList{Service: "https://" + q.host + "/", Container: name, Prefix: prefix, Delimiter: delimiter, Next: next}
	for _, n := range names[from:to] {
		if folders[n] {
			list.Blobs.Prefixes = append(list.Blobs.Prefixes, listedPrefix{n})
			continue
		}
		b := c.blobs[n]
		length := len(b.data)
		list.Blobs.Blobs = append(list.Blobs.Blobs, listedBlob{n, listedProperties{
			Created: httpTime(b.created), Modified: httpTime(b.modified), Etag: strings.Trim(b.etag, `"`), Length: &length, Type: b.contentType,
			BlobType: "BlockBlob", AccessTier: "Hot", LeaseStatus: "unlocked", LeaseState: "available",
		}})
	}
	q.writeXML(http.StatusOK, list)
}

type blobList struct {
	XMLName   xml.Name `xml:"EnumerationResults"`
	Service   string   `xml:"ServiceEndpoint,attr"`
	Container string   `xml:"ContainerName,attr"`
	Prefix    string   `xml:"Prefix,omitempty"`
	Delimiter string   `xml:"Delimiter,omitempty"`
	Blobs     struct {
		Blobs    []listedBlob   `xml:"Blob"`
		Prefixes []listedPrefix `xml:"BlobPrefix"`
	}
	Next string `xml:"NextMarker"`
}

type listedBlob struct {
	Name       string
	Properties listedProperties
}

type listedPrefix struct{ Name string }

func (q *dataRequest) noContainer() {
	q.fail(http.StatusNotFound, "ContainerNotFound", "The specified container does not exist.", "")
}

// containerWords are what is done to a container, by method: the operation in the log, and
// the right. They are control actions that the service checks itself.
var containerWords = map[string][2]string{
	http.MethodGet: {"GetContainerProperties", "read"}, http.MethodHead: {"GetContainerProperties", "read"},
	http.MethodPut: {"CreateContainer", "write"}, http.MethodDelete: {"DeleteContainer", "delete"},
}

func (q *dataRequest) serveContainer(name string) {
	words, ok := containerWords[q.r.Method]
	if !ok {
		q.fail(http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.", "")
		return
	}
	q.act.target = "/" + name
	if !q.storageAllows(words[0], mivet.PlaneControl, q.child("blobServices/default/containers/"+name), q.plain(name), containerType+"/"+words[1]) {
		return
	}
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	all := q.blobs()
	c := all.containers[name]
	switch {
	case q.r.Method == http.MethodPut && c != nil:
		q.fail(http.StatusConflict, "ContainerAlreadyExists", "The specified container already exists.", "")
		return
	case q.r.Method == http.MethodPut:
		c = q.newContainer()
		all.containers[name] = c
	case c == nil:
		q.noContainer()
		return
	case q.r.Method == http.MethodDelete:
		delete(all.containers, name)
		all.gone[name] = true
		q.w.WriteHeader(http.StatusAccepted)
		return
	}
	h := q.w.Header()
	h.Set("ETag", c.etag)
	h.Set("Last-Modified", httpTime(c.modified))
	if q.r.Method == http.MethodPut {
		q.w.WriteHeader(http.StatusCreated)
		return
	}
	h.Set("x-ms-lease-status", "unlocked")
	h.Set("x-ms-lease-state", "available")
	q.w.WriteHeader(http.StatusOK)
}

// blobEnv tells conditions of a blob.
func (q *dataRequest) blobEnv(container, path string) func(string) *abac.Env {
	return q.env(func(e *abac.Env) {
		e.Set(abac.Resource, containerType+":name", abac.String(container))
		e.Set(abac.Resource, blobType+":path", abac.String(path))
		e.Set(abac.Request, blobType+":path", abac.String(path))
		e.SetSubOperations()
	})
}

func (q *dataRequest) serveOneBlob(name, path string) {
	q.act.target = "/" + name + "/" + path
	scope, given := q.child("blobServices/default/containers/"+name), q.blobEnv(name, path)
	q.contents.mu.Lock()
	defer q.contents.mu.Unlock()
	c := q.blobs().containers[name]
	var one *blob
	if c != nil {
		one = c.blobs[path]
	}
	var word string
	operations := []string{blobType + "/read"}
	switch q.r.Method {
	case http.MethodGet:
		word = "GetBlob"
	case http.MethodHead:
		word = "GetBlobProperties"
	case http.MethodDelete:
		word, operations = "DeleteBlob", []string{blobType + "/delete"}
	case http.MethodPut:
		word, operations = "PutBlob", []string{blobType + "/write"}
		if one == nil { // the right to add is enough for a blob that is not there
			operations = append(operations, blobType+"/add/action")
		}
	default:
		q.fail(http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.", "")
		return
	}
	if !q.storageAllows(word, mivet.PlaneData, scope, given, operations...) {
		return
	}
	switch {
	case c == nil:
		q.noContainer()
		return
	case one == nil && q.r.Method != http.MethodPut:
		q.fail(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.", "")
		return
	}
	etag, modified := "", time.Time{}
	if one != nil {
		etag, modified = one.etag, one.modified
	}
	if !q.conditions(one != nil, etag, modified) {
		return
	}
	switch q.r.Method {
	case http.MethodPut:
		q.putBlob(c, path, one)
	case http.MethodDelete:
		delete(c.blobs, path)
		q.w.WriteHeader(http.StatusAccepted)
	default:
		q.getBlob(one)
	}
}

func (q *dataRequest) putBlob(c *container, path string, before *blob) {
	if t := q.r.Header.Get("x-ms-blob-type"); t != "BlockBlob" {
		q.fail(http.StatusNotImplemented, "NotImplemented", "The lab holds block blobs alone, no "+t+".", "")
		return
	}
	data, err := io.ReadAll(q.r.Body)
	if err != nil {
		q.fail(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit.", "")
		return
	}
	b := &blob{data: data, contentType: q.r.Header.Get("x-ms-blob-content-type"), etag: etagOf(q.contents.next()), created: q.now(), modified: q.now(), meta: map[string]string{}}
	if b.contentType == "" {
		b.contentType = "application/octet-stream"
	}
	if before != nil {
		b.created = before.created
	}
	for k, v := range q.r.Header {
		if name, ok := strings.CutPrefix(strings.ToLower(k), "x-ms-meta-"); ok && len(v) > 0 {
			b.meta[name] = v[0]
		}
	}
	c.blobs[path] = b
	h := q.w.Header()
	h.Set("ETag", b.etag)
	h.Set("Last-Modified", httpTime(b.modified))
	h.Set("x-ms-request-server-encrypted", "true")
	h.Set("Content-MD5", md5Of(data))
	q.w.WriteHeader(http.StatusCreated)
}

func md5Of(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // Content-MD5
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (q *dataRequest) getBlob(b *blob) {
	h := q.w.Header()
	h.Set("ETag", b.etag)
	h.Set("Last-Modified", httpTime(b.modified))
	h.Set("x-ms-creation-time", httpTime(b.created))
	h.Set("Content-Type", b.contentType)
	h.Set("x-ms-blob-type", "BlockBlob")
	h.Set("x-ms-lease-status", "unlocked")
	h.Set("x-ms-lease-state", "available")
	h.Set("Accept-Ranges", "bytes")
	for k, v := range b.meta {
		h.Set("x-ms-meta-"+k, v)
	}
	data, status := b.data, http.StatusOK
	if first, last, ok := q.rangeOf(len(data)); ok {
		h.Set("Content-Range", "bytes "+strconv.Itoa(first)+"-"+strconv.Itoa(last)+"/"+strconv.Itoa(len(data)))
		data, status = data[first:last+1], http.StatusPartialContent
	} else {
		h.Set("Content-MD5", md5Of(data))
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	q.w.WriteHeader(status)
	if q.r.Method == http.MethodGet {
		_, _ = q.w.Write(data) // a caller that is gone needs no answer
	}
}

// rangeOf reads the one form of a range that clients of storage send: "bytes=0-99", "bytes=5-".
func (q *dataRequest) rangeOf(size int) (first, last int, ok bool) {
	text := q.r.Header.Get("x-ms-range")
	if text == "" {
		text = q.r.Header.Get("Range")
	}
	from, to, ok := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	first, err := strconv.Atoi(from)
	if !ok || err != nil || first < 0 || first >= size {
		return 0, 0, false
	}
	last = size - 1
	if n, err := strconv.Atoi(to); err == nil && n >= first {
		last = min(last, n)
	}
	return first, last, true
}
