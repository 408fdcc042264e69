// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/effective"
)

// Verdict is what a comparison comes to.
type Verdict string

// The verdicts.
const (
	AsExpected Verdict = "as expected"
	Other      Verdict = "another identity"
	NoToken    Verdict = "no token"
	Undecided  Verdict = "undecided"
	Agree      Verdict = "all present the same"
	Disagree   Verdict = "they present different identities"
)

// Question is what to find out.
type Question struct {
	Env map[string]string
	// As are client libraries such as "go" or "js@4.9.1".
	As  []string
	API effective.API
	// Resource is what a token is asked for; the identity does not depend on it.
	Resource string
	// Expected is the principal that should be presented; empty for none.
	Expected mivet.PrincipalID
	// ClientID, ResourceID and ObjectID are options of the code.
	Options effective.Options
	Now     time.Time
}

// Report is which identity the workload presents.
type Report struct {
	Time     time.Time         `json:"time"`
	Host     Host              `json:"host"`
	Given    []string          `json:"variables"`
	Expected mivet.PrincipalID `json:"expected,omitzero"`
	Clients  []Client          `json:"clients"`
	Attempts []Attempt         `json:"attempts"`
	Verdict  Verdict           `json:"verdict"`
}

// Client is what one library presents.
type Client struct {
	SDK        string               `json:"sdk"`
	Version    string               `json:"version"`
	API        effective.API        `json:"api"`
	Outcome    effective.Outcome    `json:"outcome"`
	Credential effective.Credential `json:"credential,omitzero"`
	Source     effective.Source     `json:"source,omitzero"`
	Claims     *Claims              `json:"claims,omitzero"`
	Chain      []effective.Step     `json:"chain"`
	Basis      effective.Basis      `json:"basis"`
	Missing    string               `json:"missing,omitzero"`
	Verdict    Verdict              `json:"verdict,omitzero"`
}

// Attempt is one request that was sent.
type Attempt struct {
	Kind     effective.NeedKind `json:"kind"`
	Source   effective.Source   `json:"source"`
	Selector string             `json:"selector,omitzero"`
	Answer   string             `json:"answer"`
	Text     string             `json:"text,omitzero"`
}

// session shares answers between clients: the same request is sent once.
type session struct {
	asker   *asker
	live    map[effective.Need]effective.Met
	claims  map[effective.ManagedIdentity]*Claims
	attempt []Attempt
}

// Whoami finds out which identity the process presents.
func Whoami(ctx context.Context, q *Question) (*Report, error) {
	return whoami(ctx, q, newAsker(q.Env, q.Resource))
}

func whoami(ctx context.Context, q *Question, a *asker) (*Report, error) {
	s := &session{asker: a, live: map[effective.Need]effective.Met{}, claims: map[effective.ManagedIdentity]*Claims{}}
	r := &Report{Time: q.Now.UTC(), Host: Detect(q.Env), Given: Given(q.Env), Expected: q.Expected}
	for _, as := range q.As {
		c, err := s.client(ctx, q, as)
		if err != nil {
			return nil, err
		}
		c.Verdict = c.compare(q.Expected)
		r.Clients = append(r.Clients, *c)
	}
	r.Attempts = s.attempt
	r.Verdict = r.verdict()
	return r, nil
}

// client finds out what one library presents.
func (s *session) client(ctx context.Context, q *Question, as string) (*Client, error) {
	name, version, _ := strings.Cut(as, "@")
	if strings.HasPrefix(as, "@") { // @azure/identity@4.14.1
		rest, v, _ := strings.Cut(as[1:], "@")
		name, version = "@"+rest, v
	}
	sdk, err := effective.FindSDK(name)
	if err != nil {
		return nil, err
	}
	if sdk == nil {
		return nil, &effective.UnknownSDKError{Name: name}
	}
	if version == "" {
		version = sdk.Newest
	}
	p := &effective.Process{SDK: sdk.ID, Version: version, API: q.API, Env: q.Env, Options: q.Options}
	agent, _ := arcPaths(runtime.GOOS, q.Env)
	p.Host.Live, p.Host.AgentFile = s.live, exists(agent)
	out, err := s.predict(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("asking as %s %s: %w", sdk.ID, version, err)
	}
	c := &Client{
		SDK: sdk.ID, Version: version, API: q.API, Outcome: out.Outcome, Credential: out.Credential, Source: out.Source,
		Chain: out.Steps, Basis: out.Basis, Missing: out.Missing,
	}
	if out.Outcome == effective.Token {
		c.Claims = s.claims[out.Identity.ManagedIdentity]
	}
	return c, nil
}

// maxNeeds bounds the requests of one client.
const maxNeeds = 32

// predict follows a library, sending each request that it comes to.
func (s *session) predict(ctx context.Context, p *effective.Process) (*effective.Prediction, error) {
	for range maxNeeds {
		out, err := effective.Predict(p)
		var need *effective.NeedError
		if !errors.As(err, &need) {
			return out, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := need.Need
		met, claims := s.asker.ask(ctx, n)
		s.live[n] = met
		if claims != nil {
			s.claims[met.Identity] = claims
		}
		s.attempt = append(s.attempt, attempt(n, met))
	}
	return nil, errors.New("the library sends more requests than any does")
}

func attempt(n effective.Need, m effective.Met) Attempt {
	a := Attempt{Kind: n.Kind, Source: n.Source, Answer: m.Answer, Text: m.Text}
	switch {
	case n.SelectorKind != "":
		a.Selector = n.SelectorKind + " ID " + n.Selector
	case n.Client != "":
		a.Selector = "client ID " + n.Client
	}
	return a
}

// compare says how one client stands to what was expected.
func (c *Client) compare(expected mivet.PrincipalID) Verdict {
	switch {
	case c.Outcome == effective.Unknown:
		return Undecided
	case c.Outcome != effective.Token:
		return NoToken
	case expected == "":
		return ""
	case c.Claims != nil && c.Claims.Principal == expected:
		return AsExpected
	}
	return Other
}

// verdict is that of all clients together.
func (r *Report) verdict() Verdict {
	count := map[Verdict]int{}
	principals := map[mivet.PrincipalID]bool{}
	for i := range r.Clients {
		c := &r.Clients[i]
		count[c.Verdict]++
		if c.Claims != nil {
			principals[c.Claims.Principal] = true
		}
	}
	switch {
	case r.Expected != "" && count[Other] > 0:
		return Other
	case len(principals) == 0 && count[Undecided] == 0:
		return NoToken
	case count[Undecided] > 0:
		return Undecided
	case r.Expected != "" && count[NoToken] > 0:
		return NoToken
	case r.Expected != "":
		return AsExpected
	case len(principals) > 1 || count[NoToken] > 0:
		return Disagree
	}
	return Agree
}
