// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/rules/agreed"
	"github.com/mivet/mivet/vet"
)

// contractFlags say which contract holds.
type contractFlags struct {
	file     string
	stage    string
	captured []string
}

func (f *contractFlags) register(cmd *cobra.Command, use string) {
	fl := cmd.Flags()
	fl.StringVar(&f.file, "contract", "", use)
	fl.StringVar(&f.stage, "stage", "", "the stage of the contract, where it has several")
	fl.StringArrayVar(&f.captured, "captured", nil, "outputs of a deployment that hold principals: of terraform output -json, of a state, of a deployment, or as mivet verify writes them; may be repeated")
}

// terms are what was agreed on, for one run.
type terms struct {
	doc      *contract.Document
	contract *contract.Contract
	captured contract.Captured
}

// terms reads the contract that the flags name, or the nearest one. It refuses one in
// which something is wrong; what is left open is no obstacle.
func (a *app) terms(f *contractFlags) (*terms, error) {
	var names []string
	if f.file != "" {
		names = []string{f.file}
	}
	file, err := contractFile(names)
	if err != nil {
		return nil, err
	}
	doc, faults, err := a.contractFaults(file)
	if err != nil {
		return nil, err
	}
	if wrong := faults.Wrong(); len(wrong) > 0 {
		var hints []string
		if wrong[0].Hint != "" {
			hints = append(hints, wrong[0].Hint)
		}
		return nil, errorWithHint(wrong, append(hints, "mivet contract check "+file+" tells everything that is wrong with it")...)
	}
	out := &terms{doc: doc, captured: contract.Captured{}}
	if out.contract, err = doc.For(f.stage); err != nil {
		var why contract.Errors
		if errors.As(err, &why) && why[0].Hint != "" {
			err = errorWithHint(err, why[0].Hint)
		}
		return nil, &usageError{err}
	}
	for _, name := range f.captured {
		data, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			return nil, err
		}
		more, err := contract.ReadCaptured(name, data)
		if err != nil {
			return nil, err
		}
		for output, id := range more {
			if was, ok := out.captured[output]; ok && was != id {
				return nil, fmt.Errorf("the output %s is %s in one file and %s in %s", output, was, id, name)
			}
			out.captured[output] = id
		}
	}
	return out, nil
}

// contractRules are those that hold a contract against facts, with the one about exceptions.
func contractRules() []*vet.Rule {
	return append(agreed.Contract(), agreed.ExpiredSuppression)
}
