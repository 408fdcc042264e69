// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/vet"
)

// recordFolder is where records lie, beside the contract.
const recordFolder = ".mivet"

// The two parts of a record.
const (
	recordVerify = "verify"
	recordTest   = "test"
)

// record is what passed in a stage: a file of the repository, written by verify and test, read
// by check. docs/contract.md describes it.
type record struct {
	SchemaVersion int    `json:"schemaVersion"`
	Contract      string `json:"contract"` // the file
	Hash          string `json:"hash"`
	Stage         string `json:"stage"`
	// Verify and Test are the last runs with that hash; absent where there was none.
	Verify *recordPart `json:"verify,omitzero"`
	Test   *recordPart `json:"test,omitzero"`
	// Access is what each identity held when it was verified, with the values of the stage
	// taken out.
	Access map[string][]string `json:"access,omitzero"`
}

// recordPart is one run.
type recordPart struct {
	Passed bool      `json:"passed"`
	At     time.Time `json:"at"`
	// Inputs and Taken say what was looked at, and from when it is.
	Inputs []string  `json:"inputs"`
	Taken  time.Time `json:"taken,omitzero"`
	// Findings are the fingerprints of what was not as agreed, Undecided how much could not
	// be decided, Live how many tests were put to the services themselves.
	Findings  []string `json:"findings"`
	Undecided int      `json:"undecided"`
	Tests     int      `json:"tests,omitzero"`
	Live      int      `json:"live,omitzero"`
	Tool      string   `json:"tool"`
}

type recordFlags struct {
	write  bool
	folder string
}

func (f *recordFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&f.write, "record", false, "keep the result of the stage, for mivet check --stage of a later one")
	f.registerFolder(cmd)
}

func (f *recordFlags) registerFolder(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.folder, "records", "", "the folder of the records (default: .mivet beside the contract)")
}

// part is one run to be kept.
type part struct {
	kind    string
	results *vet.Results
	code    int
	inputs  []string
	taken   time.Time
	tests   int
	live    int
	access  map[string][]string
	failed  []string
	open    int
}

func (f *recordFlags) file(doc *contract.Document, stage string) string {
	folder := f.folder
	if folder == "" {
		folder = filepath.Join(filepath.Dir(filepath.FromSlash(doc.File)), recordFolder)
	}
	return filepath.Join(folder, stage+".json")
}

// readRecord reads the record of a stage; nil where there is none.
func readRecord(file string) (*record, error) {
	text, err := os.ReadFile(filepath.Clean(file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("reading the record %s: %w", file, err)
	}
	if r.SchemaVersion != 1 {
		return nil, fmt.Errorf("reading the record %s: its form has version %d, and this mivet knows 1", file, r.SchemaVersion)
	}
	return &r, nil
}

// record keeps a run. A record of another hash is replaced as a whole: it says nothing about
// this contract.
func (a *app) record(f *recordFlags, agreed *terms, p *part) error {
	if !f.write {
		return nil
	}
	if agreed.contract.Stage == nil {
		return errorWithHint(errNoStage, "add stages to the contract, or leave --record out")
	}
	stage := agreed.contract.Stage.Name
	file := f.file(agreed.doc, stage)
	r, err := readRecord(file)
	if err != nil {
		return err
	}
	if r == nil || r.Hash != agreed.contract.Hash {
		r = &record{SchemaVersion: 1, Hash: agreed.contract.Hash, Stage: stage}
	}
	r.Contract = filepath.Base(agreed.doc.File)
	run := &recordPart{
		Passed: p.code == exitOK, At: a.Clock().UTC().Truncate(time.Second), Inputs: p.inputs, Taken: p.taken,
		Findings: p.failed, Undecided: p.open, Tests: p.tests, Live: p.live, Tool: "mivet " + a.version(),
	}
	if p.results != nil {
		for _, found := range p.results.Findings() {
			if !found.Advice {
				run.Findings = append(run.Findings, found.Fingerprint)
			}
		}
		run.Undecided = len(undecidedOf(p.results, agreed.contract))
	}
	if run.Findings == nil {
		run.Findings = []string{}
	}
	if run.Inputs == nil {
		run.Inputs = []string{}
	}
	if p.kind == recordVerify {
		r.Verify, r.Access = run, p.access
	} else {
		r.Test = run
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	a.note("the record of the stage %s is in %s", stage, file)
	return writeFile(file, func(w io.Writer) error { return writeAnswer(w, "record", r) })
}

// unpassed says what a stage lacks before a later one may follow, "" where nothing does, and
// returns its record, if there is one.
func (f *recordFlags) unpassed(doc *contract.Document, stage string) (string, *record, error) {
	file := f.file(doc, stage)
	r, err := readRecord(file)
	switch {
	case err != nil:
		return "", nil, err
	case r == nil:
		return fmt.Sprintf("the stage %s has no record: %s is not there", stage, file), r, nil
	case r.Hash != doc.Hash():
		return fmt.Sprintf("the record of the stage %s is of another contract: %.12s, and this one is %.12s", stage, r.Hash, doc.Hash()), r, nil
	case r.Verify == nil:
		return fmt.Sprintf("the stage %s was not verified with this contract", stage), r, nil
	case !r.Verify.Passed:
		return fmt.Sprintf("mivet verify did not pass in the stage %s on %s: %s, %d undecided", stage, r.Verify.At.Format(time.DateOnly), counted(len(r.Verify.Findings), "finding"), r.Verify.Undecided), r, nil
	case r.Test == nil:
		return fmt.Sprintf("the access tests were not run in the stage %s with this contract", stage), r, nil
	case !r.Test.Passed:
		return fmt.Sprintf("mivet test did not pass in the stage %s on %s", stage, r.Test.At.Format(time.DateOnly)), r, nil
	}
	return "", r, nil
}
