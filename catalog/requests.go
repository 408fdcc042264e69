// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

const (
	tableRequests  = "request-exceptions"
	requestColumns = "method\tpath\tactions"
)

// requestRule is a request whose actions do not follow from its path.
type requestRule struct {
	method  string
	scoped  bool      // the path may follow any scope
	path    []arm.Key // "" stands for any one segment
	actions []arm.Operation
}

// OperationsOf returns the control actions that Resource Manager may check for a request,
// given its method and its path or URL. Mostly it is one: the types of the path after the
// last "providers", and a verb that follows from the method. The requests for which the
// REST map of iann0036/iam-dataset (azure/map.json) says something else are a table of
// their own; where it names several actions, all are returned and which one is checked is
// not known. The map is machine-made.
//
// An action that [Catalog.FindOperation] does not find follows from the path alone and
// may not exist. A method that is none of GET, HEAD, PUT, PATCH, DELETE and POST, and a
// path that names nothing, are errors.
func (c *Catalog) OperationsOf(method, path string) ([]arm.Operation, error) {
	segments, err := pathSegments(path)
	if err != nil {
		return nil, fmt.Errorf("finding the operation of %s %q: %w", method, path, err)
	}
	if actions := c.exception(method, segments); actions != nil {
		return actions, nil
	}
	text, err := pathAction(method, segments)
	if err != nil {
		return nil, fmt.Errorf("finding the operation of %s %q: %w", method, path, err)
	}
	op, err := arm.ParseOperation(text)
	if err != nil {
		return nil, fmt.Errorf("finding the operation of %s %q: %w", method, path, err)
	}
	if i, ok := c.FindOperation(op); ok {
		op = c.Operation(i)
	}
	return []arm.Operation{op}, nil
}

// pathSegments drops host, query and slashes around the path.
func pathSegments(path string) ([]string, error) {
	if _, rest, ok := strings.Cut(path, "://"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		path = rest
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	path = strings.Trim(path, "/")
	if path == "" {
		return nil, errors.New("the path is empty")
	}
	segments := strings.Split(path, "/")
	if slices.Contains(segments, "") {
		return nil, errors.New("there is an empty segment")
	}
	return segments, nil
}

// exception returns the actions of the rule that fits with the most written-out segments.
func (c *Catalog) exception(method string, segments []string) []arm.Operation {
	var best []arm.Operation
	most := -1
	for i := range c.requests {
		rule := &c.requests[i]
		if rule.method != method {
			continue
		}
		if n := rule.fits(segments); n > most {
			most, best = n, rule.actions
		}
	}
	return best
}

// fits returns how many segments are written out in a rule that fits, else -1.
func (r *requestRule) fits(segments []string) int {
	if r.scoped && len(segments) > len(r.path) {
		segments = segments[len(segments)-len(r.path):]
	}
	if len(segments) != len(r.path) {
		return -1
	}
	n := 0
	for i, want := range r.path {
		if want == "" {
			continue
		}
		if arm.Fold(segments[i]) != want {
			return -1
		}
		n++
	}
	return n
}

var errNoVerb = errors.New("a POST names its action in the last segment, after a resource or a scope")

// pathAction makes the action that follows from the path. Without "providers" the path
// belongs to Microsoft.Resources itself.
func pathAction(method string, segments []string) (string, error) {
	at := -1
	for i, s := range segments {
		if arm.Fold(s) == "providers" {
			at = i
		}
	}
	name, rest := "Microsoft.Resources", segments
	if at >= 0 && at+1 < len(segments) {
		name, rest = segments[at+1], segments[at+2:]
	}
	for i := 0; i < len(rest); i += 2 {
		name += "/" + rest[i]
	}
	switch method {
	case "GET", "HEAD":
		return name + "/read", nil
	case "PUT", "PATCH":
		return name + "/write", nil
	case "DELETE":
		return name + "/delete", nil
	case "POST":
		if len(rest)%2 == 0 {
			return "", errNoVerb
		}
		return name + "/action", nil
	}
	return "", errors.New("the method is none of GET, HEAD, PUT, PATCH, DELETE and POST")
}

func (c *Catalog) readRequests(r *reader) error {
	return r.table(tableRequests, requestColumns, func(rows int) {
		c.requests = make([]requestRule, 0, rows)
	}, func(f []string) error {
		rule := requestRule{method: f[0]}
		path, scoped := strings.CutPrefix(f[1], "{scope}/")
		rule.scoped = scoped
		for s := range strings.SplitSeq(path, "/") {
			if s == "{}" {
				s = ""
			}
			rule.path = append(rule.path, arm.Fold(s))
		}
		for _, text := range list(f[2]) {
			op, err := arm.ParseOperation(text)
			if err != nil {
				return err
			}
			rule.actions = append(rule.actions, op)
		}
		if len(rule.actions) == 0 {
			return fmt.Errorf("%s %s has no action", f[0], f[1])
		}
		c.requests = append(c.requests, rule)
		return nil
	})
}
