// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"

	"github.com/mivet/mivet/arm"
)

// answerWildcard says whether a pattern of a role matches an operation.
func answerWildcard(_ context.Context, _ *Runner, c *Case) (any, error) {
	var in struct{ Pattern, Action string }
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	p, err := arm.ParsePattern(in.Pattern)
	if err != nil {
		return nil, err
	}
	o, err := arm.ParseOperation(in.Action)
	if err != nil {
		return nil, err
	}
	return p.Matches(o), nil
}

// answerScope says whether an assignment at a scope applies to a resource.
func answerScope(_ context.Context, _ *Runner, c *Case) (any, error) {
	var in struct {
		Scope, Resource string
		Ancestors       []string
	}
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	scope, err := arm.ParseID(in.Scope)
	if err != nil {
		return nil, fmt.Errorf("reading the scope: %w", err)
	}
	resource, err := arm.ParseID(in.Resource)
	if err != nil {
		return nil, fmt.Errorf("reading the resource: %w", err)
	}
	if in.Ancestors == nil && scope.Level() == arm.LevelManagementGroup && !scope.Contains(resource) {
		return nil, &MissingError{"ancestors"}
	}
	var b arm.TreeBuilder
	b.Add(scope)
	b.Add(resource)
	chain, err := chainAbove(resource, in.Ancestors)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(chain); i++ {
		if err := b.Link(chain[i-1], chain[i]); err != nil {
			return nil, err
		}
	}
	t := b.Build()
	outer, _ := t.Find(scope)
	inner, _ := t.Find(resource)
	return t.Contains(outer, inner), nil
}

// chainAbove returns the subscription or management group of a resource, followed by the
// management groups above it. Which of them is above which does not matter to what they
// contain. Ancestors that the name of the resource tells anyway are left out; what else
// has no subscription cannot be below a management group.
func chainAbove(resource arm.ID, ancestors []string) ([]arm.ID, error) {
	low := resource.Subscription()
	for id := resource; low.IsZero() && !id.IsZero(); id = id.Parent() {
		if id.Level() == arm.LevelManagementGroup {
			low = id
		}
	}
	chain := []arm.ID{low}
	seen := map[arm.Key]bool{low.Key(): true}
	for _, text := range ancestors {
		id, err := arm.ParseID(text)
		if err != nil {
			return nil, fmt.Errorf("reading an ancestor: %w", err)
		}
		if id.Contains(resource) || seen[id.Key()] {
			continue
		}
		if low.IsZero() || id.Level() != arm.LevelManagementGroup {
			return nil, &UnsupportedError{fmt.Sprintf("the ancestor %q of %q", text, resource.String())}
		}
		seen[id.Key()] = true
		chain = append(chain, id)
	}
	return chain, nil
}
