// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // Service Fabric names its certificate by it
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/mivet/mivet/effective"
)

// The limits of requests.
const (
	probeLimit = time.Second
	askLimit   = 10 * time.Second
	maxAnswer  = 1 << 20
	maxKey     = 4096
)

const (
	imdsAddress = "http://169.254.169.254"
	imdsPath    = "/metadata/identity/oauth2/token"
	arcAddress  = "http://127.0.0.1:40342/metadata/identity/oauth2/token"
)

// asker sends the requests of client libraries.
type asker struct {
	env      map[string]string
	resource string
	// imds is the address of the metadata service.
	imds string
	// keys is the folder in which the key of the Azure Arc agent must lie.
	keys string
	// client is used for everything but Service Fabric. It knows no proxy: the endpoints
	// are on the host.
	client *http.Client
	login  *http.Client
	// keep is true where the last token is wanted, to be sent to the one that it is for.
	keep  bool
	token string
}

func newAsker(env map[string]string, resource string) *asker {
	plain := &http.Client{
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	_, keys := arcPaths(runtime.GOOS, env)
	return &asker{env: env, resource: resource, imds: imdsAddress, keys: keys, client: plain, login: &http.Client{}}
}

// ask answers a need. Claims are nil where there is no token.
func (a *asker) ask(ctx context.Context, n effective.Need) (effective.Met, *Claims) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	switch n.Kind {
	case effective.NeedProbe:
		return a.probe(ctx), nil
	case effective.NeedExchange:
		return a.exchange(ctx, n)
	case effective.NeedSecret:
		return a.secret(ctx, n)
	case effective.NeedTool:
		return a.tool(ctx)
	case effective.NeedToken:
	}
	return a.endpoint(ctx, n)
}

// imdsURL is where the metadata service is asked; a pod identity host takes its place.
func (a *asker) imdsURL() string {
	if host := a.env["AZURE_POD_IDENTITY_AUTHORITY_HOST"]; host != "" {
		return strings.TrimSuffix(host, "/") + imdsPath
	}
	return a.imds + imdsPath
}

// probe sends the request without the header that IMDS wants: any answer says that it is
// there.
func (a *asker) probe(ctx context.Context) effective.Met {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.imdsURL(), http.NoBody)
	if err != nil {
		return effective.Met{Answer: effective.MetUnreachable, Text: "the address of the metadata service is none"}
	}
	res, err := a.client.Do(r)
	if err != nil {
		return failure(err)
	}
	if err := res.Body.Close(); err != nil {
		return failure(err)
	}
	return effective.Met{Answer: effective.MetPresent}
}

// endpoint asks an endpoint of managed identities for a token.
func (a *asker) endpoint(ctx context.Context, n effective.Need) (effective.Met, *Claims) {
	r, err := a.request(ctx, n)
	if err != nil {
		return effective.Met{Answer: effective.MetUnreachable, Text: err.Error()}, nil
	}
	client := a.client
	if n.Source == effective.ServiceFabric {
		client = pinned(a.env["IDENTITY_SERVER_THUMBPRINT"])
	}
	got, err := a.send(client, r)
	if err != nil {
		return failure(err), nil
	}
	if n.Source == effective.AzureArc && got.status == http.StatusUnauthorized {
		key, err := a.arcKey(got.challenge)
		if err != nil {
			return effective.Met{Answer: effective.MetKeyUnreadable, Text: err.Error()}, nil
		}
		r.Header.Set("Authorization", "Basic "+key)
		if got, err = a.send(client, r); err != nil {
			return failure(err), nil
		}
	}
	return a.readAnswer(got.status, got.body, n)
}

// request builds the request of an endpoint as the libraries do
// (Azure/azure-sdk-for-go sdk/azidentity, AzureAD/microsoft-authentication-library-for-go
// apps/managedidentity).
func (a *asker) request(ctx context.Context, n effective.Need) (*http.Request, error) {
	q := url.Values{"resource": {a.resource}}
	method, address, header := http.MethodGet, a.env["IDENTITY_ENDPOINT"], http.Header{}
	names := map[string]string{"client": "client_id", "resource": "msi_res_id", "object": "object_id"}
	switch n.Source {
	case effective.IMDS:
		address = a.imdsURL()
		q.Set("api-version", "2018-02-01")
		header.Set("Metadata", "true")
	case effective.AppService:
		names["resource"] = "mi_res_id"
		q.Set("api-version", "2019-08-01")
		header.Set("X-IDENTITY-HEADER", a.env["IDENTITY_HEADER"])
	case effective.ServiceFabric:
		q.Set("api-version", "2019-07-01-preview")
		header.Set("Secret", a.env["IDENTITY_HEADER"])
	case effective.AzureArc:
		if address == "" {
			address = arcAddress
		}
		q.Set("api-version", "2020-06-01")
		header.Set("Metadata", "true")
	case effective.AzureML:
		address = a.env["MSI_ENDPOINT"]
		names["client"] = "clientid"
		q.Set("api-version", "2017-09-01")
		header.Set("secret", a.env["MSI_SECRET"])
	case effective.CloudShell:
		method, address = http.MethodPost, a.env["MSI_ENDPOINT"]
		header.Set("Metadata", "true")
	default:
		return nil, fmt.Errorf("%s cannot be asked", n.Source)
	}
	if n.SelectorKind != "" {
		q.Set(names[n.SelectorKind], n.Selector)
	}
	return newRequest(ctx, method, address, q, header)
}

func newRequest(ctx context.Context, method, address string, q url.Values, header http.Header) (*http.Request, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("the address of the endpoint is none")
	}
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		body = strings.NewReader(q.Encode())
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		own := u.Query()
		maps.Copy(own, q)
		u.RawQuery = own.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, errors.New("the address of the endpoint is none")
	}
	r.Header = header
	return r, nil
}

// answer is what came back over HTTP.
type answer struct {
	status    int
	challenge string
	body      []byte
}

// send sends a request and reads the answer.
func (a *asker) send(client *http.Client, r *http.Request) (answer, error) {
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return answer{res.StatusCode, res.Header.Get("WWW-Authenticate"), body}, errors.Join(err, res.Body.Close())
}

// arcKey reads the key that the agent of Azure Arc names in its challenge. It must lie
// where the agent puts keys, so that no endpoint can have another file read.
func (a *asker) arcKey(challenge string) (string, error) {
	_, path, ok := strings.Cut(challenge, "Basic realm=")
	if !ok {
		return "", errors.New("the agent does not challenge as Azure Arc does")
	}
	if filepath.Dir(path) != a.keys || filepath.Ext(path) != ".key" {
		return "", fmt.Errorf("the agent names %s, where no key of it lies", path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("the key of the agent cannot be read (the process must be in the group himds, on Windows one of the administrators): %w", err)
	}
	if info.Size() > maxKey {
		return "", errors.New("the key of the agent is too long")
	}
	key, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return "", fmt.Errorf("the key of the agent cannot be read (the process must be in the group himds, on Windows one of the administrators): %w", err)
	}
	return string(key), nil
}

// pinned is a client for an endpoint whose certificate is known by its thumbprint.
func pinned(thumbprint string) *http.Client {
	verify := func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 {
			return errors.New("the endpoint has no certificate")
		}
		sum := sha1.Sum(raw[0]) //nolint:gosec // the protocol's
		if !strings.EqualFold(hex.EncodeToString(sum[:]), thumbprint) {
			return errors.New("the certificate of the endpoint is not the one of IDENTITY_SERVER_THUMBPRINT")
		}
		return nil
	}
	c := &tls.Config{InsecureSkipVerify: true, VerifyPeerCertificate: verify, MinVersion: tls.VersionTLS12} //nolint:gosec // pinned instead
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
}

// failure is the answer that did not come.
func failure(err error) effective.Met {
	m := effective.Met{Answer: effective.MetUnreachable, Text: "nothing answers"}
	var netErr net.Error
	var tlsErr *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		m.Answer, m.Text = effective.MetDropped, "no answer in time"
	case errors.As(err, &tlsErr), strings.Contains(err.Error(), "certificate"):
		m.Answer, m.Text = effective.MetBadCertificate, "the certificate of the endpoint is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		m.Text = "the connection is refused"
	}
	return m
}

// answered is the body of an answer: a token, or why there is none.
type answered struct {
	Token       string `json:"access_token"`
	ClientID    string `json:"client_id"`
	ObjectID    string `json:"object_id"`
	ResourceID  string `json:"msi_res_id"`
	OtherID     string `json:"mi_res_id"`
	Error       any    `json:"error"`
	Description string `json:"error_description"`
	Message     string `json:"message"`
}

// maxText is the longest part of a refusal that is kept.
const maxText = 300

// readAnswer turns an answer into what a library makes of it.
func (a *asker) readAnswer(status int, body []byte, n effective.Need) (effective.Met, *Claims) {
	var b answered
	err := json.Unmarshal(body, &b)
	if status == http.StatusOK || status == http.StatusCreated {
		if err != nil || b.Token == "" {
			return effective.Met{Answer: effective.MetNotJSON, Text: "the answer is no token; something else answers at that address"}, nil
		}
		claims, err := ReadClaims(b.Token)
		if err != nil {
			return effective.Met{Answer: effective.MetNotJSON, Text: err.Error()}, nil
		}
		m := claims.met()
		m.Confirmed = b.confirms(n)
		if a.keep {
			a.token = b.Token
		}
		return m, claims
	}
	m := effective.Met{Text: fmt.Sprintf("%d %s", status, b.refusal(body))}
	switch {
	case status == http.StatusBadRequest && n.SelectorKind != "":
		m.Answer = effective.MetRefusedSelector
	case status == http.StatusBadRequest:
		m.Answer = effective.MetRefusedDefault
	case status == http.StatusUnauthorized:
		m.Answer = effective.MetUnauthorized
	case status == http.StatusForbidden && bytes.Contains(body, []byte("unreachable")):
		m.Answer = effective.MetForbiddenUnreachable
	case status == http.StatusNotFound:
		m.Answer = effective.MetNotFound
	case status == http.StatusGone:
		m.Answer = effective.MetGone
	case status == http.StatusTooManyRequests:
		m.Answer = effective.MetThrottled
	case status >= http.StatusInternalServerError:
		m.Answer = effective.MetServerError
	default:
		m.Answer = effective.MetForbidden
	}
	return m, nil
}

// confirms reports whether an answer repeats the selector.
func (b *answered) confirms(n effective.Need) bool {
	for kind, have := range map[string][]string{"client": {b.ClientID}, "object": {b.ObjectID}, "resource": {b.ResourceID, b.OtherID}} {
		if kind != n.SelectorKind {
			continue
		}
		for _, h := range have {
			if h != "" && strings.EqualFold(h, n.Selector) {
				return true
			}
		}
	}
	return false
}

func (b *answered) refusal(body []byte) string {
	text := b.Description
	if text == "" {
		text = b.Message
	}
	if text == "" {
		if b.Error == nil {
			text = string(body)
		} else {
			text = fmt.Sprint(b.Error)
		}
	}
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ToValidUTF8(strings.TrimSpace(text), "?")
}

// tool asks the Azure CLI, as all libraries do.
func (a *asker) tool(ctx context.Context) (effective.Met, *Claims) {
	az, err := exec.LookPath("az")
	if err != nil {
		return effective.Met{Answer: effective.MetNoTool, Text: "no az is on the path"}, nil
	}
	out, err := exec.CommandContext(ctx, az, "account", "get-access-token", "--output", "json", "--resource", a.resource).Output() //nolint:gosec // found on the path
	if err != nil {
		return effective.Met{Answer: effective.MetNoTool, Text: "az gives no token: nobody is signed in, or it failed"}, nil
	}
	var b struct {
		Token string `json:"accessToken"`
	}
	if err := json.Unmarshal(out, &b); err != nil || b.Token == "" {
		return effective.Met{Answer: effective.MetNoTool, Text: "az gives no token that can be read"}, nil
	}
	claims, err := ReadClaims(b.Token)
	if err != nil {
		return effective.Met{Answer: effective.MetNoTool, Text: err.Error()}, nil
	}
	return claims.met(), claims
}
