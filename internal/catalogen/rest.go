// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

const restFile = "rest-action-map.json"

type restAction struct {
	Automated    bool `json:"automated"`
	IsDataAction bool `json:"isDataAction"`
	Condition    struct {
		PathEquals map[string]string `json:"pathEquals"`
	} `json:"condition"`
}

// method → URL template → action.
type restTemplates map[string]map[string]map[string]restAction

// A request is one template with its parameters made anonymous.
type request struct{ method, path string }

// readRequests reads the map as requests with their actions. Templates that differ in the
// names of their parameters or in case are one; a condition on a parameter is written
// into the path. Left out are templates that would fit every resource, because the path
// of a request says more than they do, and those with a parameter inside a segment,
// which no request has.
func readRequests(fsys fs.FS) (map[request][]string, error) {
	templates, err := readJSON[restTemplates](fsys, restFile)
	if err != nil {
		return nil, err
	}
	actions := map[request]map[arm.Key]string{}
	for method, paths := range templates {
		for template, found := range paths {
			for action, facts := range found {
				path := template
				for parameter, value := range facts.Condition.PathEquals {
					path = strings.ReplaceAll(path, "{"+parameter+"}", value)
				}
				path = anonymous(path)
				if path == "" {
					continue
				}
				key := request{method, path}
				if actions[key] == nil {
					actions[key] = map[arm.Key]string{}
				}
				// Of spellings that differ in case the first in order stays.
				if old, ok := actions[key][arm.Fold(action)]; !ok || action < old {
					actions[key][arm.Fold(action)] = action
				}
			}
		}
	}
	out := make(map[request][]string, len(actions))
	for key, set := range actions {
		out[key] = slices.Sorted(maps.Values(set))
	}
	return out, nil
}

// anonymous writes {} for every parameter and {scope} for one in front of the rest. It
// returns "" for a template that is left out.
func anonymous(path string) string {
	segments := strings.Split(strings.ToLower(strings.Trim(path, "/")), "/")
	for i, s := range segments {
		switch {
		case !strings.ContainsAny(s, "{}"):
		case s[0] != '{' || s[len(s)-1] != '}':
			return ""
		case i == 0 && len(segments) > 1:
			segments[i] = "{scope}"
		default:
			segments[i] = "{}"
		}
	}
	if fitsAnyResource(segments) {
		return ""
	}
	return strings.Join(segments, "/")
}

// fitsAnyResource reports whether neither provider nor type nor action is written out.
func fitsAnyResource(segments []string) bool {
	last := -1
	for i, s := range segments {
		if s == "providers" {
			last = i
		}
	}
	rest := segments[last+1:]
	return last >= 0 && len(rest) > 1 && !slices.ContainsFunc(rest, func(s string) bool { return s != "{}" })
}

// requestRows lists the requests whose actions do not follow from their path.
func requestRows(fsys fs.FS) ([][]string, error) {
	requests, err := readRequests(fsys)
	if err != nil {
		return nil, err
	}
	plain := &catalog.Catalog{}
	var rows [][]string
	for r, actions := range requests {
		if ops, err := plain.OperationsOf(r.method, r.example()); err == nil && same(ops, actions) {
			continue
		}
		field, err := join(actions)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		rows = append(rows, []string{r.method, r.path, field})
	}
	return sorted(rows), nil
}

// example makes a path that the template fits.
func (r request) example() string {
	path := strings.ReplaceAll(r.path, "{scope}", "subscriptions/x/resourcegroups/x")
	return strings.ReplaceAll(path, "{}", "x")
}

func same(ops []arm.Operation, actions []string) bool {
	return slices.EqualFunc(ops, actions, func(op arm.Operation, action string) bool {
		return op.Key() == arm.Fold(action)
	})
}

// checkRequests asks the catalogue for every request of the map.
func checkRequests(c *catalog.Catalog, fsys fs.FS) error {
	requests, err := readRequests(fsys)
	if err != nil {
		return err
	}
	for r, actions := range requests {
		ops, err := c.OperationsOf(r.method, r.example())
		if err != nil {
			return err
		}
		if !same(ops, actions) {
			return fmt.Errorf("%s %s: the catalogue says %v, the map %v", r.method, r.path, ops, actions)
		}
	}
	return nil
}
