// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"maps"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
)

// agreement is a contract held against the snapshot.
type agreement struct {
	bound   *contract.Bound
	allowed *authz.Engine
}

func (sh *shared) agree(c *contract.Contract) *agreement {
	if c == nil {
		return nil
	}
	a := &agreement{bound: contract.Bind(c, sh.snapshot, sh.index())}
	a.allowed = authz.New(a.bound.Allowed(sh.catalog), authz.Options{Catalog: sh.catalog})
	return a
}

// Contract returns the contract with what it names found in the snapshot; nil without one.
func (p *Pass) Contract() *contract.Bound {
	if a := p.shared.agreed(); a != nil {
		return a.bound
	}
	return nil
}

// Allowed answers as if each identity of the contract held its ceiling and nothing else. It
// is nil without a contract.
func (p *Pass) Allowed() *authz.Engine {
	if a := p.shared.agreed(); a != nil {
		return a.allowed
	}
	return nil
}

// exceptions are those of a contract, as suppressions. One about an identity also matches
// findings about its resource and its principal.
func exceptions(c *contract.Contract, s *mivet.Snapshot) []Suppression {
	if c == nil || len(c.Exceptions) == 0 {
		return nil
	}
	bound := contract.Bind(c, s, mivet.NewIndex(s))
	var out []Suppression
	for i := range c.Exceptions {
		e := &c.Exceptions[i]
		x := Suppression{Rule: e.Rule, Match: e.Match, Reason: e.Reason, Owner: e.Owner, Expires: e.Expires, Source: e.At.Source()}
		if e.Identity != "" {
			x.Match = e.Identity
		}
		if b := bound.Binding(e.Identity); b != nil {
			if !b.ID.IsZero() {
				x.Also = append(x.Also, b.ID.String())
			}
			if b.Held != "" {
				x.Also = append(x.Also, string(b.Held))
			}
		}
		out = append(out, x)
	}
	return out
}

// inStage adds the environment of the subscriptions that a stage names.
func (s Settings) inStage(c *contract.Contract) Settings {
	if c == nil || c.Stage == nil || len(c.Stage.Subscriptions) == 0 {
		return s
	}
	s.SubscriptionEnvironments = maps.Clone(s.SubscriptionEnvironments)
	if s.SubscriptionEnvironments == nil {
		s.SubscriptionEnvironments = map[string]string{}
	}
	for _, id := range c.Stage.Subscriptions {
		s.SubscriptionEnvironments[strings.ToLower(id)] = c.Stage.Environment
	}
	return s
}
