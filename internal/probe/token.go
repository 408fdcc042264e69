// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// WithToken gets the token that the workload presents to an audience, as one library
// would, and hands it to its receiver. It is kept nowhere. The audience is the resource of
// the question; a token of a developer tool is refused, since it is a person's.
func WithToken(ctx context.Context, q *Question, use func(token string) error) (*Claims, error) {
	return withToken(ctx, q, newAsker(q.Env, q.Resource), use)
}

func withToken(ctx context.Context, q *Question, a *asker, use func(token string) error) (*Claims, error) {
	a.keep = true
	defer func() { a.token = "" }()
	r, err := whoami(ctx, q, a)
	if err != nil {
		return nil, err
	}
	if len(r.Clients) != 1 {
		return nil, fmt.Errorf("a token is got as one library, not as %d", len(r.Clients))
	}
	c := r.Clients[0]
	if c.Claims == nil || a.token == "" {
		var why []string
		for _, at := range r.Attempts {
			why = append(why, fmt.Sprintf("%s: %s", at.Source, at.Answer))
		}
		return nil, fmt.Errorf("the workload gets no token for %s (%s)", q.Resource, strings.Join(why, ", "))
	}
	if c.Credential == "AzureCLI" {
		return nil, errors.New("the token is that of a person who is signed in to the Azure CLI, not of the workload")
	}
	return c.Claims, use(a.token)
}
