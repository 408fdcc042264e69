// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/mivet/mivet/catalog"
)

// frameworks names the keys of the file, in the order of the table.
var frameworks = []struct{ key, id, name string }{
	{"owaspNhi2025", catalog.FrameworkOWASP, "OWASP Non-Human Identities Top 10 (2025)"},
	{"nistCsf20", catalog.FrameworkCSF, "NIST Cybersecurity Framework 2.0"},
	{"maestro", catalog.FrameworkMAESTRO, "CSA MAESTRO"},
	{"attack", catalog.FrameworkATTACK, "MITRE ATT&CK"},
	{"mcsb", catalog.FrameworkMCSB, "Microsoft Cloud Security Benchmark"},
	{"cisAzure600", catalog.FrameworkCIS, "CIS Microsoft Azure Foundations 6.0.0"},
}

type framework struct {
	Source  string      `json:"source"`
	Items   [][2]string `json:"items"`
	Layers  [][2]string `json:"layers"`
	Threats [][2]string `json:"threats"`
}

type frameworkFile struct {
	lists       map[string]framework
	findings    map[string]map[string]json.RawMessage
	successions map[string]json.RawMessage
}

// readFrameworks reads the file, whose keys are of several kinds. A key that is not known
// is an error.
func readFrameworks(fsys fs.FS) (*frameworkFile, error) {
	const name = "frameworks.json"
	raw, err := readJSON[map[string]json.RawMessage](fsys, name)
	if err != nil {
		return nil, err
	}
	file := &frameworkFile{lists: map[string]framework{}}
	for key, text := range raw {
		var err error
		switch key {
		case "_note":
		case "findingMap":
			err = json.Unmarshal(text, &file.findings)
		case "nistCsf11to20":
			err = json.Unmarshal(text, &file.successions)
		default:
			var f framework
			err = json.Unmarshal(text, &f)
			file.lists[key] = f
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, key, err)
		}
	}
	return file, nil
}

func frameworkRows(fsys fs.FS) ([][]string, error) {
	file, err := readFrameworks(fsys)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, f := range frameworks {
		list := file.lists[f.key]
		delete(file.lists, f.key)
		for _, item := range slices.Concat(list.Items, list.Layers, list.Threats) {
			rows = append(rows, []string{f.id, f.name, list.Source, item[0], item[1]})
		}
	}
	for key := range file.lists {
		return nil, fmt.Errorf("framework %s has no name here", key)
	}
	return rows, nil
}

func classRows(fsys fs.FS) ([][]string, error) {
	file, err := readFrameworks(fsys)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, class := range slices.Sorted(maps.Keys(file.findings)) {
		row, err := classRow(class, file.findings[class])
		if err != nil {
			return nil, fmt.Errorf("finding class %s: %w", class, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func classRow(class string, facts map[string]json.RawMessage) ([]string, error) {
	var refs []string
	note := ""
	if text, ok := facts["_note"]; ok {
		if err := json.Unmarshal(text, &note); err != nil {
			return nil, err
		}
		delete(facts, "_note")
	}
	for _, f := range frameworks {
		var ids []string
		if text, ok := facts[f.id]; ok {
			if err := json.Unmarshal(text, &ids); err != nil {
				return nil, err
			}
			delete(facts, f.id)
		}
		for _, id := range ids {
			refs = append(refs, catalog.ControlRef{Framework: f.id, ID: id}.String())
		}
	}
	for key := range facts {
		return nil, fmt.Errorf("framework %s is not known", key)
	}
	field, err := join(refs)
	return []string{class, field, note}, err
}

// confirmedSuccession is the one row that a published mapping confirms, as the note in
// the file says.
const confirmedSuccession = "PR.AC-4"

func successionRows(fsys fs.FS) ([][]string, error) {
	file, err := readFrameworks(fsys)
	if err != nil {
		return nil, err
	}
	delete(file.successions, "_note")
	var rows [][]string
	for old, text := range file.successions {
		var successors []string
		if err := json.Unmarshal(text, &successors); err != nil {
			return nil, fmt.Errorf("successors of %s: %w", old, err)
		}
		field, err := join(successors)
		if err != nil {
			return nil, fmt.Errorf("successors of %s: %w", old, err)
		}
		rows = append(rows, []string{old, field, flag1(old == confirmedSuccession)})
	}
	return sorted(rows), nil
}
