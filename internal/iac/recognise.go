// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bytes"
	"fmt"
	"strings"
)

// Kind is the format of an input.
type Kind uint8

// The formats that are told apart. Those that cannot be read yet are recognised, so that
// nothing is skipped in silence.
const (
	KindUnknown Kind = iota
	KindTerraformPlan
	KindTerraformState    // terraform show -json of a state
	KindTerraformRawState // the state file itself, version 4
	KindAzureHound
	KindTerraformOldState    // the state file itself, before version 4
	KindTerraformBinaryPlan  // terraform plan -out
	KindTerraformLog         // terraform plan -json: messages, not the plan
	KindTerraformText        // what terraform plan prints for people
	KindTerraformSource      // HCL
	KindEncryptedState       // an encrypted plan or state of OpenTofu
	KindARMTemplate          //
	KindARMParameters        //
	KindBicep                //
	KindBicepSnapshot        // bicep snapshot
	KindWhatIf               // az deployment … what-if
	KindBloodHoundCollection // SharpHound and others, not of Azure
	KindZip
)

var kindNames = [...]string{
	KindUnknown:              "an unknown format",
	KindTerraformPlan:        "a Terraform plan in JSON",
	KindTerraformState:       "a Terraform state in JSON",
	KindTerraformRawState:    "a raw Terraform state",
	KindAzureHound:           "AzureHound output",
	KindTerraformOldState:    "a raw Terraform state of an old version",
	KindTerraformBinaryPlan:  "a binary Terraform plan",
	KindTerraformLog:         "the messages of terraform plan -json",
	KindTerraformText:        "the text that terraform plan prints",
	KindTerraformSource:      "Terraform source",
	KindEncryptedState:       "an encrypted plan or state",
	KindARMTemplate:          "an ARM template",
	KindARMParameters:        "parameters of an ARM template",
	KindBicep:                "Bicep source",
	KindBicepSnapshot:        "a Bicep snapshot",
	KindWhatIf:               "what-if output",
	KindBloodHoundCollection: "a BloodHound collection of another kind than Azure",
	KindZip:                  "a zip file",
}

// String returns the format in words, with an article: "a Terraform plan in JSON".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// Supported reports whether this package reads the format.
func (k Kind) Supported() bool {
	switch k {
	case KindTerraformPlan, KindTerraformState, KindTerraformRawState, KindAzureHound, KindARMTemplate, KindBicepSnapshot, KindWhatIf, KindBicep, KindTerraformSource, KindTerraformBinaryPlan:
		return true
	default:
		return false
	}
}

// Advice says how to get something that can be read from a format that cannot; empty
// where there is no better way.
func (k Kind) Advice() string {
	switch k {
	case KindTerraformBinaryPlan, KindTerraformLog, KindTerraformText:
		return `write the plan with "terraform plan -out=FILE" and give the output of "terraform show -json FILE"`
	case KindTerraformOldState:
		return `refresh the state with a newer Terraform, or give the output of "terraform show -json"`
	case KindEncryptedState:
		return `give the output of "tofu show -json"`
	case KindZip:
		return "unpack it first"
	case KindARMParameters:
		return "it is read with its template, if it lies beside it or is given with --parameters"
	case KindUnknown:
		return "give a Terraform plan or state in JSON, or the output of AzureHound"
	default:
		return ""
	}
}

// unsupported returns the error for an input that this reader does not take.
func (k Kind) unsupported(name string) error {
	err := fmt.Errorf("reading %s: recognised as %s: %w", name, k, ErrNotSupported)
	if k == KindUnknown {
		err = fmt.Errorf("reading %s: not recognised: %w", name, ErrNotSupported)
	}
	if a := k.Advice(); a != "" {
		err = fmt.Errorf("%w; %s", err, a)
	}
	return err
}

// Recognise tells the format by the first bytes of an input; 64 KiB are enough, and fewer
// are taken as they are. A byte order mark, UTF-16 and blanks before the text do not
// matter, nor does the order of members as far as the bytes reach.
func Recognise(head []byte) Kind {
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return recogniseZip(head)
	}
	text := bytes.TrimLeft(plainText(head), " \t\r\n")
	if len(text) == 0 {
		return KindUnknown
	}
	var kind Kind
	if text[0] == '{' {
		kind = recogniseJSON(text)
	} else {
		kind = recogniseText(string(text[:min(len(text), 8<<10)]))
	}
	if kind == KindUnknown && (text[0] == '{' || text[0] == '/') {
		return bySchema(text)
	}
	return kind
}

// bySchema looks for the schema of a template that is no plain JSON: Resource Manager
// allows comments in templates.
func bySchema(text []byte) Kind {
	text = bytes.ToLower(text)
	switch {
	case bytes.Contains(text, []byte("/deploymentparameters.json#")):
		return KindARMParameters
	case bytes.Contains(text, []byte("deploymenttemplate.json#")):
		return KindARMTemplate
	default:
		return KindUnknown
	}
}

// recogniseZip looks for the entries of a binary plan
// (hashicorp/terraform internal/plans/planfile).
func recogniseZip(head []byte) Kind {
	if bytes.Contains(head, []byte("tfplan")) || bytes.Contains(head, []byte("tfstate")) {
		return KindTerraformBinaryPlan
	}
	return KindZip
}

func recogniseText(text string) Kind {
	if strings.Contains(text, "Terraform will perform the following actions") || strings.Contains(text, "OpenTofu will perform the following actions") ||
		strings.Contains(text, "Terraform used the selected providers") {
		return KindTerraformText
	}
	for line := range strings.Lines(text) {
		if k := kindOfLine(strings.Fields(line)); k != KindUnknown {
			return k
		}
	}
	return KindUnknown
}

// kindOfLine tells the language of a source by a line that only one of them has.
func kindOfLine(words []string) Kind {
	if len(words) < 2 {
		if len(words) == 1 && strings.HasPrefix(words[0], "@") && strings.Contains(words[0], "(") {
			return KindBicep // a decorator
		}
		return KindUnknown
	}
	quoted := strings.HasPrefix(words[1], `"`)
	switch words[0] {
	case "resource", "module", "data", "provider", "variable", "output":
		switch {
		case quoted:
			return KindTerraformSource
		case len(words) > 2 && strings.HasPrefix(words[2], "'"), words[0] == "output" && len(words) > 3 && words[3] == "=":
			return KindBicep
		}
	case "locals", "terraform", "removed", "moved", "import":
		if words[1] == "{" {
			return KindTerraformSource
		}
	case "targetScope", "param", "using":
		return KindBicep
	case "var", "metadata", "type":
		if len(words) > 2 && words[2] == "=" {
			return KindBicep
		}
	default:
		if strings.HasPrefix(words[0], "@") && strings.Contains(words[0], "(") {
			return KindBicep
		}
	}
	return KindUnknown
}

// signs are what the top level of a JSON text shows.
type signs struct {
	members map[string]bool
	version string // "version", if a number
	schema  string
	meta    string // meta.type
	item    string // data[0].kind
	change  bool   // changes[0].changeType, also below properties
}

func recogniseJSON(text []byte) Kind {
	g := signs{members: map[string]bool{}}
	s := newTextScanner("", 1, text)
	// The text is cut off in most cases: what was seen up to there decides.
	_ = s.object(func(name []byte) error { return g.member(s, string(name)) })
	switch {
	case g.members["resource_changes"], g.members["planned_values"], g.members["resource_drift"] && g.members["format_version"],
		g.members["prior_state"] && g.members["format_version"], g.members["configuration"] && g.members["format_version"]:
		return KindTerraformPlan
	case g.members["encrypted_data"], g.members["encryption_version"]:
		return KindEncryptedState
	case g.version == "4" && (g.members["lineage"] || g.members["serial"] || g.members["terraform_version"] || g.members["resources"]):
		return KindTerraformRawState
	case g.version != "" && g.members["modules"] || g.version != "" && g.members["lineage"]:
		return KindTerraformOldState
	case g.members["format_version"] && (g.members["values"] || g.members["terraform_version"] || len(g.members) == 1):
		return KindTerraformState
	case g.members["terraform_version"] && g.members["values"]:
		return KindTerraformState
	case g.members["@level"] && g.members["@message"]:
		return KindTerraformLog
	}
	return g.azure()
}

func (g *signs) azure() Kind {
	schema := strings.ToLower(g.schema)
	switch {
	case g.meta == "azure", strings.HasPrefix(g.item, "AZ"):
		return KindAzureHound
	case strings.Contains(schema, "deploymentparameters.json"):
		return KindARMParameters
	case strings.Contains(schema, "deploymenttemplate.json"), g.members["contentVersion"] && g.members["resources"]:
		return KindARMTemplate
	case g.members["predictedResources"]:
		return KindBicepSnapshot
	case g.change:
		return KindWhatIf
	case g.meta != "" && g.members["data"]:
		return KindBloodHoundCollection
	default:
		return KindUnknown
	}
}

func (g *signs) member(s *scanner, name string) error {
	g.members[name] = true
	var err error
	switch c := s.peek(); {
	case name == "version" && '0' <= c && c <= '9':
		var b []byte
		b, err = s.scalar()
		g.version = string(b)
	case name == "$schema":
		g.schema, err = s.string()
	case name == "meta":
		err = s.objectOrSkip(func(name []byte) (err error) {
			if string(name) != "type" {
				return s.skip()
			}
			g.meta, err = s.string()
			return err
		})
	case name == "data":
		err = s.arrayOrSkip(func(i int) error {
			if i > 0 {
				return s.skip()
			}
			return s.objectOrSkip(func(name []byte) (err error) {
				if string(name) != "kind" {
					return s.skip()
				}
				g.item, err = s.string()
				return err
			})
		})
	case name == "properties":
		err = s.objectOrSkip(func(name []byte) error {
			if string(name) != "changes" {
				return s.skip()
			}
			return g.changes(s)
		})
	case name == "changes":
		err = g.changes(s)
	default:
		err = s.skip()
	}
	return err
}

func (g *signs) changes(s *scanner) error {
	return s.arrayOrSkip(func(int) error {
		return s.objectOrSkip(func(name []byte) error {
			g.change = g.change || string(name) == "changeType"
			return s.skip()
		})
	})
}
