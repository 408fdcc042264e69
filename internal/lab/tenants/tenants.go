// SPDX-License-Identifier: Apache-2.0

// Package tenants holds the scenarios of the laboratory: small tenants as text, each
// telling one story.
//
// They are texts and nothing more. The package does not read them: it knows no roles and
// draws no conclusions. No name, ID or key in them belongs to anybody.
package tenants

import (
	"embed"
	"path"
)

//go:embed demo.tenant
var demo string

//go:embed first-steps.tenant
var firstSteps string

//go:embed quiet.tenant
var quiet string

//go:embed vault-move.tenant
var vaultMove string

const demoFolder = "demo-logs"

//go:embed demo-logs
var demoLogs embed.FS

// Demo returns the web shop in which each mistake that happens with managed identities
// has happened once, as a file name and a tenant text.
func Demo() (name string, text []byte) { return "demo.tenant", []byte(demo) }

// FirstSteps returns a tenant of a dozen lines, for a first look at the text form.
func FirstSteps() (name string, text []byte) { return "first-steps.tenant", []byte(firstSteps) }

// Quiet returns a tenant in which nothing is wrong.
func Quiet() (name string, text []byte) { return "quiet.tenant", []byte(quiet) }

// VaultMove returns a tenant whose vault is about to move from access policies to roles.
func VaultMove() (name string, text []byte) { return "vault-move.tenant", []byte(vaultMove) }

// LogFile is one file of log entries.
type LogFile struct {
	Name string
	Text []byte
}

// DemoLogs returns the logs of the demo tenant: a Friday on which somebody was in a hurry,
// and a night in which settlement did what it never had done.
func DemoLogs() []LogFile {
	list, err := demoLogs.ReadDir(demoFolder)
	if err != nil {
		return nil // it is built in
	}
	var out []LogFile
	for _, f := range list {
		text, err := demoLogs.ReadFile(path.Join(demoFolder, f.Name()))
		if err != nil {
			return nil // as above
		}
		out = append(out, LogFile{f.Name(), text})
	}
	return out
}
