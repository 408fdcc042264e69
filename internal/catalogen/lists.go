// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/catalog"
)

type resourceType struct {
	Type           string   `json:"type"`
	Latest         string   `json:"latest"`
	LatestStable   string   `json:"latestStable"`
	Identity       bool     `json:"identity"`
	SystemAssigned bool     `json:"systemAssigned"`
	UserAssigned   bool     `json:"userAssigned"`
	IdentityTypes  []string `json:"identityTypes"`
	Functions      []string `json:"functions"`
}

func typeRows(fsys fs.FS) ([][]string, error) {
	types, err := readJSON[[]resourceType](fsys, "resource-types.json")
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, t := range types {
		var carries strings.Builder
		for _, c := range []struct {
			letter string
			on     bool
		}{{"i", t.Identity}, {"s", t.SystemAssigned}, {"u", t.UserAssigned}} {
			if c.on {
				carries.WriteString(c.letter)
			}
		}
		identityTypes, err := joinWith("|", withoutBlanks(t.IdentityTypes))
		if err != nil {
			return nil, fmt.Errorf("identity types of %s: %w", t.Type, err)
		}
		functions, err := join(t.Functions)
		if err != nil {
			return nil, fmt.Errorf("functions of %s: %w", t.Type, err)
		}
		rows = append(rows, []string{t.Type, t.Latest, t.LatestStable, carries.String(), identityTypes, functions})
	}
	return byKey(rows), nil
}

// withoutBlanks spells "SystemAssigned, UserAssigned" and "SystemAssigned,UserAssigned"
// the same, and lists each value once.
func withoutBlanks(values []string) []string {
	var out []string
	for _, v := range values {
		out = append(out, strings.ReplaceAll(v, " ", ""))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func switchRows(fsys fs.FS) ([][]string, error) {
	switches, err := readJSON[map[string]map[string]string](fsys, "auth-switch-properties.json")
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for resourceType, properties := range switches {
		for property, version := range properties {
			rows = append(rows, []string{resourceType, property, version})
		}
	}
	return sorted(rows), nil
}

// bypass leaves out what follows from the roles: which of them grant the action.
type bypass struct {
	Service      string   `json:"service"`
	ResourceType string   `json:"resourceType"`
	Action       string   `json:"action"`
	Kind         string   `json:"kind"`
	Yields       string   `json:"yields"`
	Note         string   `json:"note"`
	ClosedBy     *closure `json:"closedBy"`

	KnownOperation       bool     `json:"knownOperation"`
	OperationSources     []string `json:"operationSources"`
	BuiltinRolesGranting []string `json:"builtinRolesGranting"`
	BuiltinRoleCount     int      `json:"builtinRoleCount"`
}

type closure struct {
	Resource     string          `json:"resource"`
	Property     string          `json:"property"`
	Value        json.RawMessage `json:"value"`
	ValueWithout json.RawMessage `json:"valueWithout"`
}

func bypassRows(fsys fs.FS) ([][]string, error) {
	bypasses, err := readJSON[[]bypass](fsys, "key-bypass.json")
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, b := range bypasses {
		row := []string{b.Action, b.Service, b.ResourceType, b.Kind, b.Yields, b.Note, "", "", "", ""}
		if c := b.ClosedBy; c != nil {
			test, value := "is", c.Value
			if c.ValueWithout != nil {
				test, value = "without", c.ValueWithout
			}
			if c.Property == "" || (c.Value == nil) == (c.ValueWithout == nil) {
				return nil, fmt.Errorf("closedBy of %s: expected a property and either a value or valueWithout", b.Action)
			}
			copy(row[6:], []string{c.Resource, c.Property, test, string(value)})
		}
		rows = append(rows, row)
	}
	return byKey(rows), nil
}

// byKey orders rows by the key of the name in their first field.
func byKey(rows [][]string) [][]string {
	slices.SortFunc(rows, func(a, b []string) int {
		return strings.Compare(string(arm.Fold(a[0])), string(arm.Fold(b[0])))
	})
	return rows
}

type directoryRole struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	IsPrivileged   bool   `json:"isPrivileged"`
	Categories     string `json:"categories"`
	Tier           string `json:"tier"`
	TierName       string `json:"tierName"`
	AssignmentMode string `json:"assignmentMode"`
}

func directoryRows(fsys fs.FS) ([][]string, error) {
	roles, err := readJSON[[]directoryRole](fsys, "entra-directory-roles.json")
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, r := range roles {
		rows = append(rows, []string{strings.ToLower(r.ID), r.Name, flag1(r.IsPrivileged), tier(r.Tier), r.Categories})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	return rows, nil
}

// tier leaves the field empty for what nobody classified.
func tier(s string) string {
	if s == "Unclassified" {
		return ""
	}
	return s
}

type graphRole struct {
	ID          string `json:"id"`
	Value       string `json:"value"`
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
}

type tieredRole struct {
	AppID string `json:"appId"`
	ID    string `json:"id"`
	Value string `json:"value"`
	Tier  string `json:"tier"`

	Category json.RawMessage `json:"category"` // a string or a list; not kept
}

// appRoleRows joins the permissions of Graph with the tiers, which know permissions of
// other APIs too.
func appRoleRows(fsys fs.FS) ([][]string, error) {
	graph, err := readJSON[[]graphRole](fsys, "graph-app-roles.json")
	if err != nil {
		return nil, err
	}
	tiered, err := readJSON[[]tieredRole](fsys, "app-role-tiers.json")
	if err != nil {
		return nil, err
	}
	rows := map[[2]string][]string{}
	for _, r := range graph {
		id := strings.ToLower(r.ID)
		rows[[2]string{catalog.GraphAppID, id}] = []string{catalog.GraphAppID, id, r.Value, r.DisplayName, flag1(!r.Enabled), ""}
	}
	for _, r := range tiered {
		key := [2]string{strings.ToLower(r.AppID), strings.ToLower(r.ID)}
		if rows[key] == nil {
			rows[key] = []string{key[0], key[1], r.Value, "", "", ""}
		}
		rows[key][5] = tier(r.Tier)
	}
	out := slices.Collect(maps.Values(rows))
	slices.SortFunc(out, func(a, b []string) int {
		return slices.Compare([]string{a[0], a[2], a[1]}, []string{b[0], b[2], b[1]})
	})
	return out, nil
}

type dangerousRole struct {
	ID          string `json:"id"`
	Value       string `json:"value"`
	DisplayName string `json:"displayName"`
	Why         string `json:"why"`
	Class       string `json:"class"`
}

func dangerousRows(fsys fs.FS) ([][]string, error) {
	roles, err := readJSON[[]dangerousRole](fsys, "graph-dangerous-app-roles.json")
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, r := range roles {
		rows = append(rows, []string{strings.ToLower(r.ID), r.Value, r.DisplayName, r.Class, r.Why})
	}
	slices.SortFunc(rows, func(a, b []string) int { return slices.Compare([]string{a[3], a[1]}, []string{b[3], b[1]}) })
	return rows, nil
}

type hsmRole struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	DataActions []string `json:"dataActions"`
}

func hsmRows(fsys fs.FS) ([][]string, error) {
	roles, err := readJSON[[]hsmRole](fsys, "managed-hsm-roles.json")
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, r := range roles {
		actions, err := join(r.DataActions)
		if err != nil {
			return nil, fmt.Errorf("data actions of %s: %w", r.Name, err)
		}
		rows = append(rows, []string{strings.ToLower(r.ID), r.Name, actions})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	return rows, nil
}
