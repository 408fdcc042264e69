// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/rules"
	"github.com/mivet/mivet/vet"
)

//go:generate go run ../../cmd/mivet contract schema --output ../../docs/schema/contract-1.schema.json

// contractName is the file that is looked for in the working folder and above it.
const contractName = "mivet.yaml"

func (a *app) contractCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "contract",
		Short:   "write and check a contract: what owners agreed on about identities",
		GroupID: groupFirst,
		Example: "  mivet contract init prod.mivet --output mivet.yaml\n" +
			"  mivet contract check",
		Long: "A contract is a YAML file beside the code. It says which identities there are, of which type and\n" +
			"why, who owns them, what they may do at most, and what they must and must not be able to do.\n" +
			"docs/contract.md describes it; mivet check and mivet verify hold plans and tenants against it.",
		Args: a.args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.misuse(cmd, errors.New(`a word is missing: "check", "init" or "schema"`))
		},
	}
	cmd.AddCommand(a.contractCheckCommand(), a.contractInitCommand(), a.contractSchemaCommand())
	return cmd
}

func (a *app) contractCheckCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:     "check [FILE]",
		Short:   "tell what is wrong with a contract, with line and column, and what is left open",
		Example: "  mivet contract check\n  mivet contract check infra/mivet.yaml --format json",
		Long: "FILE is a contract; without it, mivet.yaml in this folder or the nearest above. All of its stages\n" +
			"are looked at, and no tenant is. The exit code is 1 if something is wrong or left to be written.",
		Args: a.args(0, 1),
		RunE: a.run(func(_ context.Context, args []string) (int, error) { return a.contractCheck(&out, args) }),
	}
	out.register(cmd, formatText, formatJSON)
	return cmd
}

// contractFile is the file that was named, or the nearest one.
func contractFile(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	file, err := upwards(contractName)
	if err == nil && file == "" {
		err = errorWithHint(fmt.Errorf("there is no %s in this folder or above it", contractName),
			"name a contract", "mivet contract init writes one from a snapshot or a plan")
	}
	return file, err
}

// readContract reads a contract with the files that it extends.
func readContract(file string) (*contract.Document, error) {
	return contract.Read(filepath.ToSlash(file), func(name string) ([]byte, error) {
		f, err := os.Open(filepath.FromSlash(name))
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(io.LimitReader(f, contract.MaxFile+1))
		return text, errors.Join(err, f.Close())
	})
}

// contractFaults are what a contract file has, however much of it could be read.
func (a *app) contractFaults(file string) (*contract.Document, contract.Errors, error) {
	d, err := readContract(file)
	var faults contract.Errors
	switch {
	case errors.As(err, &faults):
		return nil, faults, nil
	case err != nil:
		return nil, nil, err
	}
	cat, err := a.catalog()
	if err != nil {
		return nil, nil, err
	}
	all := rules.All()
	return d, d.Check(contract.CheckOptions{
		Catalog: cat, Now: a.Clock().UTC(), Rules: func(id string) bool { return vet.Lookup(all, id) != nil },
	}), nil
}

func (a *app) contractCheck(out *output, args []string) (int, error) {
	if _, err := out.targets(); err != nil {
		return exitUsage, err
	}
	file, err := contractFile(args)
	if err != nil {
		return exitFailed, err
	}
	d, faults, err := a.contractFaults(file)
	if err != nil {
		return exitFailed, err
	}
	code := exitOK
	if len(faults) > 0 {
		code = exitFound
	}
	return code, a.emit(out, contractWriter{file, d, faults}.write)
}

// contractWriter writes what a check of a contract found.
type contractWriter struct {
	file   string
	doc    *contract.Document
	faults contract.Errors
}

// faultJSON is one thing that is wrong with a contract, or left open.
type faultJSON struct {
	File string `json:"file"`
	// Line and Column count from 1.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Weight is "wrong" where the contract cannot be used so, else "open".
	Weight  string `json:"weight"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitzero"`
}

// contractJSON is a contract that was checked.
type contractJSON struct {
	SchemaVersion int    `json:"schemaVersion"`
	File          string `json:"file"`
	// Hash is the same for the same statements; absent where the contract could not be read.
	Hash   string      `json:"hash,omitzero"`
	Stages []string    `json:"stages"`
	Errors []faultJSON `json:"faults"`
}

func (c contractWriter) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		j := contractJSON{SchemaVersion: 1, File: c.file, Stages: []string{}, Errors: []faultJSON{}}
		if c.doc != nil {
			j.Hash = c.doc.Hash()
			for _, s := range c.doc.Stages() {
				j.Stages = append(j.Stages, s.Name)
			}
		}
		for _, f := range c.faults {
			j.Errors = append(j.Errors, faultJSON{f.File, f.Line, f.Column, weightWord(f.Weight), f.Message, f.Hint})
		}
		return writeAnswer(w, "contract-check", j)
	}
	p := newPrinter(w, colour)
	for _, f := range c.faults {
		word := red("wrong")
		if f.Weight == contract.Open {
			word = yellow("open ")
		}
		p.printf("%s  %s: %s\n", word, f.Place, f.Message)
		if f.Hint != "" {
			p.printf("       %s\n", f.Hint)
		}
	}
	switch wrong := len(c.faults.Wrong()); {
	case wrong > 0:
		p.printf("%s: %s wrong, %d open\n", c.file, counted(wrong, "statement"), len(c.faults)-wrong)
	case len(c.faults) > 0:
		p.printf("%s: can be used; %s left open\n", c.file, counted(len(c.faults), "thing"))
	default:
		p.printf("%s: nothing is wrong and nothing is left open; contract %s\n", c.file, c.doc.Hash()[:12])
	}
	return p.err
}

func weightWord(w contract.Weight) string {
	if w == contract.Open {
		return "open"
	}
	return "wrong"
}

type contractInitFlags struct {
	in      inputFlags
	file    string
	only    []string
	extends string
}

func (a *app) contractInitCommand() *cobra.Command {
	var f contractInitFlags
	cmd := &cobra.Command{
		Use:   "init INPUT...",
		Short: "write a first contract of what a snapshot or a plan holds",
		Example: "  mivet contract init prod.mivet --output mivet.yaml\n" +
			"  mivet contract init plan.json --identity orders-api",
		Long: "INPUT is what mivet scan reads. The ceiling of each identity is what it is granted today, marked to be\n" +
			"narrowed; access tests are proposed from it; why an identity has its type, and what else only\n" +
			"people know, is left to be written, and mivet contract check tells where.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.contractInit(ctx, &f, args) }),
	}
	f.in.registerDemo(cmd)
	fl := cmd.Flags()
	fl.StringVarP(&f.file, "output", "o", "-", `write to this file, which must not exist yet; "-" for standard output`)
	fl.StringArrayVar(&f.only, "identity", nil, "only the identity of this name, address or resource; may be repeated")
	fl.StringVar(&f.extends, "extends", "", "the organisation's file, which the contract extends")
	return cmd
}

func (a *app) contractInit(ctx context.Context, f *contractInitFlags, args []string) (int, error) {
	r, err := a.read(ctx, &f.in, args)
	if err != nil {
		return exitFailed, err
	}
	only, err := onlyIdentities(newResolver(r.snap), f.only)
	if err != nil {
		return exitFailed, err
	}
	cat, err := a.catalog()
	if err != nil {
		return exitFailed, err
	}
	settings, err := a.vetSettings()
	if err != nil {
		return exitFailed, err
	}
	text := contract.Propose(r.snap, contract.ProposeOptions{
		Engine: authz.New(r.snap, authz.Options{Catalog: cat}), Only: only, Owner: vet.Owners(r.snap, settings), Extends: f.extends,
		Comments: []string{
			"A first contract of " + strings.Join(r.snap.Inputs, ", ") + ", to be read and changed by the owners.",
			"What begins with " + contract.Todo + " is left to be written; mivet contract check lists it.",
		},
	})
	if f.file == "-" {
		_, err := io.WriteString(a.Stdout, text)
		return exitOK, err
	}
	if _, err := os.Stat(f.file); err == nil {
		return exitFailed, errorWithHint(fmt.Errorf("%s is there already", f.file), "a contract is never overwritten: name another file")
	}
	return exitOK, writeFile(f.file, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// onlyIdentities chooses the identities that words stand for; nil: all.
func onlyIdentities(r *resolver, words []string) (func(*mivet.Identity) bool, error) {
	if len(words) == 0 {
		return nil, nil
	}
	wanted := map[mivet.PrincipalID]bool{}
	for _, w := range words {
		id, _, err := r.identity(w)
		if err != nil {
			return nil, err
		}
		wanted[id] = true
	}
	return func(i *mivet.Identity) bool { return wanted[i.Principal] }, nil
}

func (a *app) contractSchemaCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "schema",
		Short:   "print the JSON Schema of contracts, for editors",
		Example: "  mivet contract schema --output contract.schema.json",
		Args:    a.args(0, 0),
		RunE: a.run(func(context.Context, []string) (int, error) {
			text, err := contract.Schema()
			if err != nil {
				return exitFailed, err
			}
			return exitOK, a.emitTo(target{file: file}, func(w io.Writer, _ string, _ bool) error {
				_, err := w.Write(text)
				return err
			})
		}),
	}
	cmd.Flags().StringVarP(&file, "output", "o", "-", `write to this file, "-" for standard output`)
	return cmd
}
