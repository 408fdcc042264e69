// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Answer is what a service said.
type Answer string

// The answers.
const (
	Allowed Answer = "allowed"
	Denied  Answer = "denied"
	// Unclear is no answer about access: a firewall, a token that was not taken, a failure.
	Unclear Answer = "unclear"
)

// Outcome is an answer with what it rests on.
type Outcome struct {
	Answer Answer
	// Status and Code are those of the response; Why says what they mean, without a full stop.
	Status int
	Code   string
	Why    string
}

// Runner sends requests with the token of one identity.
type Runner struct {
	credential azcore.TokenCredential
	pipeline   runtime.Pipeline
	now        func() time.Time
}

// retries is how often a request is sent again that is throttled or fails.
const retries = 2

// NewRunner makes a runner. A transport that is nil is the default one.
func NewRunner(credential azcore.TokenCredential, transport policy.Transporter, version string, now func() time.Time) *Runner {
	o := &policy.ClientOptions{Transport: transport, Retry: policy.RetryOptions{MaxRetries: retries, MaxRetryDelay: 10 * time.Second}}
	return &Runner{credential, runtime.NewPipeline("mivet", version, runtime.PipelineOptions{}, o), now}
}

// Run sends a request and judges the answer. The error is about the token or the network, or
// the end of the context.
func (r *Runner) Run(ctx context.Context, q *Request) (Outcome, error) {
	a, err := r.send(ctx, q)
	if err != nil {
		return Outcome{}, err
	}
	if q.Versions && a.status == http.StatusBadRequest {
		if version := supported(a.body); version != "" {
			again := *q
			again.Versions = false
			again.URL = strings.Split(q.URL, "?")[0] + "?api-version=" + url.QueryEscape(version)
			if a, err = r.send(ctx, &again); err != nil {
				return Outcome{}, err
			}
		}
	}
	return judge(q, &a), nil
}

// answer is what is kept of a response.
type answer struct {
	status    int
	header    string // the error code of storage
	substatus string // of Cosmos DB
	body      []byte // of a refusal alone
}

// mostOfBody is how much of an answer is looked at for its error code.
const mostOfBody = 64 << 10

func (r *Runner) send(ctx context.Context, q *Request) (a answer, err error) {
	token, err := r.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{q.Audience + "/.default"}})
	if err != nil {
		return a, fmt.Errorf("getting a token for %s: %w", q.Audience, err)
	}
	req, err := runtime.NewRequest(ctx, q.Method, q.URL)
	if err != nil {
		return a, err
	}
	header := req.Raw().Header
	for name, values := range q.Header {
		header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	header.Set("Authorization", "Bearer "+token.Token)
	if q.Service == Cosmos {
		header.Set("Authorization", url.QueryEscape("type=aad&ver=1.0&sig="+token.Token))
		header.Set("x-ms-date", r.now().UTC().Format(http.TimeFormat))
	}
	if q.Body != "" {
		kind := header.Get("Content-Type")
		if err := req.SetBody(streaming(q.Body), kind); err != nil {
			return a, err
		}
	}
	res, err := r.pipeline.Do(req)
	if err != nil {
		return a, fmt.Errorf("asking %s: %w", req.Raw().URL.Host, err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	a.status, a.header, a.substatus = res.StatusCode, res.Header.Get("x-ms-error-code"), res.Header.Get("x-ms-substatus")
	if a.status < http.StatusBadRequest {
		return a, nil // the data is not looked at
	}
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, mostOfBody)); err != nil {
		return a, fmt.Errorf("reading the answer of %s: %w", req.Raw().URL.Host, err)
	}
	return a, nil
}

// streaming is a body that can be sent again.
func streaming(text string) io.ReadSeekCloser { return nopCloser{strings.NewReader(text)} }

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// code reads the error code: of the header of storage, or of the body in one of the forms
// that services have.
func (a *answer) code() string {
	if a.header != "" {
		return a.header
	}
	type detail struct {
		Code       string `json:"code"`
		InnerError struct {
			Code string `json:"code"`
		} `json:"innererror"`
	}
	var doc struct {
		Error detail `json:"error"`
		OData detail `json:"odata.error"`
		Code  string `json:"code"`
	}
	if json.Unmarshal(a.body, &doc) != nil {
		return ""
	}
	for _, code := range []string{doc.Error.InnerError.Code, doc.Error.Code, doc.OData.Code, doc.Code} {
		if code != "" {
			return code
		}
	}
	return ""
}

var versionList = regexp.MustCompile(`(?i)(?:supported api-versions|api-versions) (?:are|is) '([^']+)'`)

// supported is the newest version of an API that a refusal names, or "".
func supported(body []byte) string {
	m := versionList.FindSubmatch(body)
	if m == nil {
		return ""
	}
	versions := strings.FieldsFunc(string(m[1]), func(r rune) bool { return r == ',' || r == ' ' })
	stable := slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return strings.Contains(v, "preview") })
	if len(stable) > 0 {
		versions = stable
	}
	if len(versions) == 0 {
		return ""
	}
	return slices.Max(versions)
}

// networkCodes are refusals by a firewall or a private endpoint, which say nothing about the
// identity (learn.microsoft.com/azure/key-vault/general/rest-error-codes,
// learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes).
var networkCodes = []string{"ForbiddenByFirewall", "ForbiddenByConnection", "AuthorizationFailure", "PublicNetworkAccessDisabled", "IpAuthorizationFailed"}

// judge says what an answer means for access. What is not known to be a refusal of the
// caller is no refusal: a firewall, throttling or a failure says nothing about access.
func judge(q *Request, a *answer) Outcome {
	o := Outcome{Answer: Allowed, Status: a.status, Code: a.code()}
	switch status := a.status; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		o.Answer, o.Why = refusal(q, a, o.Code)
	case status < http.StatusMultipleChoices:
		o.Why = "the service answered"
	case status == http.StatusNotFound && missing(q, a):
		o.Answer, o.Why = Unclear, "what was to be asked is not there, and the service may say so before it looks who is calling"
	case status == http.StatusNotFound, status == http.StatusGone:
		o.Why = "the service let it in, and found nothing of that name"
	case status == http.StatusPreconditionFailed, status == http.StatusConflict, status == http.StatusNotModified:
		o.Why = "the service let it in, and the precondition kept everything as it is"
	case status == http.StatusBadRequest && q.Wrong:
		o.Why = "the service let it in, and refused the body, as it was meant to"
	case status == http.StatusTooManyRequests:
		o.Answer, o.Why = Unclear, "the service throttles, also after "+counted(retries)+": run the test again later"
	default:
		o.Answer, o.Why = Unclear, "the answer says nothing about access"
	}
	return o
}

func counted(n int) string { return fmt.Sprintf("%d retries", n) }

// missing reports whether an answer says that the container or the deployment is not there,
// rather than what is in it.
func missing(q *Request, a *answer) bool {
	return q.Service == Cosmos && a.substatus == "1003" || q.Service == Model
}

const (
	whyRefused = "the service refuses the identity"
	whyToken   = "the service does not take the token"
	whyNetwork = "a firewall is in the way, so it was not asked who is calling"
	whyOther   = "the service refuses, and does not say that it is for want of a right"
)

// refusal tells a want of rights from the other causes of 401 and 403. Forms: see the pages
// and threads at each service.
func refusal(q *Request, a *answer, code string) (Answer, string) {
	says := func(text string) bool { return bytes.Contains(a.body, []byte(text)) }
	forbidden := a.status == http.StatusForbidden
	switch {
	case slices.Contains(networkCodes, code) && forbidden:
		return Unclear, whyNetwork
	case q.Service == Bus && !forbidden:
		// learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-exceptions: the
		// claim that is missing is named; other texts are about the token or the address.
		switch {
		case says("claim(s) are required"), says("claims are required"):
			return Denied, whyRefused
		case says("Ip has been prevented"):
			return Unclear, whyNetwork
		}
	case q.Service == Model && !forbidden && code == "PermissionDenied":
		// MicrosoftDocs/azure-docs issue 114370: 401, and not 403.
		return Denied, whyRefused
	case !forbidden:
	case q.Service == Cosmos:
		// Azure/azure-cosmos-dotnet-v3 issues 2891 and 3110 (5301); azure-tools-for-java issue
		// 7123 (a firewall has the same code and no substatus).
		switch {
		case a.substatus == "5301", says("does not have required RBAC permissions"):
			return Denied, whyRefused
		case says("firewall"), says("Request originated from"):
			return Unclear, whyNetwork
		}
		return Unclear, whyOther
	case q.Service == Config && len(bytes.TrimSpace(a.body)) > 0:
		// Azure/AppConfiguration issues 410 and 413: a want of rights has no body.
		return Unclear, whyOther
	case q.Service == Model:
		// Azure-Samples/azure-sql-db-chatbot issue 3.
		if says("Virtual Network") || says("Public access is disabled") {
			return Unclear, whyNetwork
		}
		return Unclear, whyOther
	case q.Service == Common && code == "": // not the service's own words: a proxy, perhaps
		return Unclear, whyOther
	default:
		return Denied, whyRefused
	}
	return Unclear, whyToken
}
