// SPDX-License-Identifier: Apache-2.0

// Command lifecyclegen writes the table of package lifecycle and its manifest from facts
// about the schema of the Terraform provider azurerm.
//
// It asks no network and runs no provider. What forces a new resource is not in the output
// of "terraform providers schema": the facts come from the provider's own schema in its
// source, as files that are not part of the repository. So it is run by hand when they are
// renewed, and not by go generate:
//
//	go run ./internal/lifecyclegen -data DIR -out lifecycle
//
// Before a run on newer facts, bring the provenance below up to date.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of the folder, and those that are written.
const (
	forceNewFile = "azurerm-identity-forcenew.json"
	schemaFile   = "azurerm-identity-schema.json"
	tableFile    = "azurerm-forcenew.tsv"
	manifestFile = "azurerm-forcenew.json"
)

// provenance is where the facts come from.
var provenance = manifest{
	Table: tableFile, Provider: "hashicorp/azurerm",
	Source:  "hashicorp/terraform-provider-azurerm@69697b7fe6a923fc89e88f386bc95c3ed1ee2ec6 internal/services/**: the schema of each resource, as the provider reports it to its own code",
	Date:    "2026-08-21",
	License: "facts; the source is MPL-2.0, and nothing of its text is carried over",
}

// manifest says of the table what it is, and binds it to its inputs.
type manifest struct {
	Table      string `json:"table"`
	Provider   string `json:"provider"`
	Version    string `json:"version"`
	Source     string `json:"source"`
	Date       string `json:"date"`
	License    string `json:"license"`
	Types      int    `json:"types"`
	Attributes int    `json:"attributes"`
	SHA256     string `json:"sha256"`
	// Inputs are the digests of the files that it was made from.
	Inputs map[string]string `json:"inputs"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("lifecyclegen: ")
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("lifecyclegen", flag.ContinueOnError)
	data := flags.String("data", "", "folder with the facts")
	out := flags.String("out", "", "folder to write the table and the manifest to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *data == "" || *out == "" || flags.NArg() > 0 {
		return errors.New("give -data DIR and -out DIR, and nothing else")
	}
	text, m, err := generate(os.DirFS(*data))
	if err != nil {
		return err
	}
	about, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("making the manifest: %w", err)
	}
	if err := os.WriteFile(filepath.Join(*out, tableFile), []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*out, manifestFile), append(about, '\n'), 0o600); err != nil {
		return err
	}
	log.Printf("%d types, %d attributes of %s %s", m.Types, m.Attributes, m.Provider, m.Version)
	return nil
}

// forced is what a change of a resource forces.
type forced struct {
	Identity      bool     `json:"identity"`
	CustomizeDiff bool     `json:"customize_diff"`
	ForceNew      []string `json:"force_new"`
}

type forceNewFacts struct {
	Provider  string            `json:"provider"`
	Version   string            `json:"version"`
	Resources map[string]forced `json:"resources"`
}

type schemaFacts struct {
	Version   string `json:"version"`
	Resources []struct {
		Resource      string   `json:"resource"`
		IdentityTypes []string `json:"identity_types"`
	} `json:"resources"`
}

const head = `# Attributes of the Terraform provider azurerm whose change makes a resource anew, and so its system-assigned principal.
# Origin: facts of the schema of hashicorp/terraform-provider-azurerm %s (%s), as the provider reports it: the resources with an
# identity block, and the user-assigned identity itself.
# Columns: type without "azurerm_"; what its identity block accepts (S system-assigned, U user-assigned, B both at once), I where a change of
# that block makes it anew, C where code may decide that too, so that the list is a lower bound; the attributes, blocks joined by dots.
`

// generate makes the table and its manifest. The same facts give the same bytes.
func generate(fsys fs.FS) (string, *manifest, error) {
	var facts forceNewFacts
	var schema schemaFacts
	m := provenance
	m.Inputs = map[string]string{}
	for name, to := range map[string]any{forceNewFile: &facts, schemaFile: &schema} {
		text, err := fs.ReadFile(fsys, name)
		if err == nil {
			err = json.Unmarshal(text, to)
		}
		if err != nil {
			return "", nil, fmt.Errorf("reading %s: %w", name, err)
		}
		m.Inputs[name] = digest(text)
	}
	if facts.Provider != m.Provider || facts.Version == "" || facts.Version != schema.Version {
		return "", nil, fmt.Errorf("%s is about %s %s and %s about version %s: they must be of one release of %s",
			forceNewFile, facts.Provider, facts.Version, schemaFile, schema.Version, m.Provider)
	}
	accepts := map[string][]string{}
	for _, r := range schema.Resources {
		accepts[r.Resource] = r.IdentityTypes
	}
	var b strings.Builder
	fmt.Fprintf(&b, head, facts.Version, m.Date)
	for _, typ := range slices.Sorted(maps.Keys(facts.Resources)) {
		f := facts.Resources[typ]
		short, ok := strings.CutPrefix(typ, "azurerm_")
		if !ok || len(f.ForceNew) == 0 {
			return "", nil, fmt.Errorf("reading %s: %q has another form than a type with its attributes", forceNewFile, typ)
		}
		slices.Sort(f.ForceNew)
		fmt.Fprintf(&b, "%s\t%s\t%s\n", short, flagsOf(accepts[typ], f), strings.Join(f.ForceNew, ","))
		m.Types, m.Attributes = m.Types+1, m.Attributes+len(f.ForceNew)
	}
	m.Version, m.SHA256 = facts.Version, digest([]byte(b.String()))
	return b.String(), &m, nil
}

// flagsOf are the letters of the second column.
func flagsOf(accepts []string, f forced) string {
	both := slices.ContainsFunc(accepts, func(a string) bool {
		return strings.Contains(a, "SystemAssigned") && strings.Contains(a, "UserAssigned")
	})
	var out strings.Builder
	for _, x := range []struct {
		letter string
		on     bool
	}{
		{"S", slices.Contains(accepts, "SystemAssigned")}, {"U", slices.Contains(accepts, "UserAssigned")}, {"B", both}, {"I", f.Identity}, {"C", f.CustomizeDiff},
	} {
		if x.on {
			out.WriteString(x.letter)
		}
	}
	if out.String() == "" {
		return "-"
	}
	return out.String()
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
