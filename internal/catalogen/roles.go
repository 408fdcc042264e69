// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

const (
	rolesFile      = "builtin-roles.json"
	operationsFile = "operations-derived.tsv"

	roleColumns = "id\tname\tprivileged\tdescription\t" +
		"actions\tnotActions\tdataActions\tnotDataActions\tcondition\tconditionVersion…"
)

type permission struct {
	Actions          []string `json:"actions"`
	NotActions       []string `json:"notActions"`
	DataActions      []string `json:"dataActions"`
	NotDataActions   []string `json:"notDataActions"`
	Condition        string   `json:"condition"`
	ConditionVersion string   `json:"conditionVersion"`
}

type role struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Description  string       `json:"description"`
	Permissions  []permission `json:"permissions"`
	IsPrivileged bool         `json:"isPrivileged"`
}

func roleRows(fsys fs.FS) ([][]string, error) {
	roles, err := readJSON[[]role](fsys, rolesFile)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, r := range roles {
		row := []string{strings.ToLower(r.ID), r.Name, flag1(r.IsPrivileged), r.Description}
		for _, p := range r.Permissions {
			for _, patterns := range [][]string{p.Actions, p.NotActions, p.DataActions, p.NotDataActions} {
				field, err := join(patterns)
				if err != nil {
					return nil, fmt.Errorf("role %s: %w", r.Name, err)
				}
				row = append(row, field)
			}
			row = append(row, p.Condition, p.ConditionVersion)
		}
		rows = append(rows, row)
	}
	return sorted(rows), nil
}

// sorted orders rows by their first fields.
func sorted(rows [][]string) [][]string {
	slices.SortFunc(rows, slices.Compare)
	return rows
}

// operationRows joins plane and origins into one field. An operation that the roles hold
// both as an action and as a data action gets "2", whatever the file says.
func operationRows(fsys fs.FS) ([][]string, error) {
	text, err := fs.ReadFile(fsys, operationsFile)
	if err != nil {
		return nil, err
	}
	both, err := onBothPlanes(fsys)
	if err != nil {
		return nil, err
	}
	const header = "operation\tisDataAction\tsources\n"
	body, ok := strings.CutPrefix(string(text), header)
	if !ok {
		return nil, fmt.Errorf("%s: line 1: expected %q", operationsFile, header)
	}
	var rows [][]string
	line := 1
	for l := range strings.Lines(body) {
		line++
		row, err := operationRow(strings.TrimRight(l, "\r\n"), both)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", operationsFile, line, err)
		}
		if row[0] != noOperation {
			rows = append(rows, row)
		}
	}
	return byKey(rows), nil
}

// noOperation is a text that seven built-in roles hold among their actions and that names
// nothing: its verb is missing. The roles keep it; the table of operations does not.
const noOperation = "Microsoft.Insights/alertRules/"

var originLetters = map[string]string{"role": "r", "restmap": "m", "privlist": "p", "seen": "s", "synth": "y"}

func operationRow(line string, both map[arm.Key]bool) ([]string, error) {
	f := strings.Split(line, "\t")
	if len(f) != 3 || !slices.Contains([]string{"0", "1", "?"}, f[1]) {
		return nil, fmt.Errorf("%q: expected an operation, one of 0, 1, ? and its sources", line)
	}
	facts := f[1]
	if both[arm.Fold(f[0])] {
		facts = "2"
	}
	for source := range strings.SplitSeq(f[2], ",") {
		letter, ok := originLetters[source]
		if !ok {
			return nil, fmt.Errorf("source %q is not known", source)
		}
		facts += letter
	}
	return []string{f[0], facts}, nil
}

// onBothPlanes finds the operations that roles write out as an action and as a data action.
func onBothPlanes(fsys fs.FS) (map[arm.Key]bool, error) {
	roles, err := readJSON[[]role](fsys, rolesFile)
	if err != nil {
		return nil, err
	}
	control, both := map[arm.Key]bool{}, map[arm.Key]bool{}
	each := func(names func(permission) []string, do func(arm.Key)) {
		for _, r := range roles {
			for _, p := range r.Permissions {
				for _, name := range names(p) {
					do(arm.Fold(strings.TrimSpace(name)))
				}
			}
		}
	}
	each(func(p permission) []string { return slices.Concat(p.Actions, p.NotActions) }, func(k arm.Key) { control[k] = true })
	each(func(p permission) []string { return slices.Concat(p.DataActions, p.NotDataActions) }, func(k arm.Key) {
		if control[k] {
			both[k] = true
		}
	})
	return both, nil
}
