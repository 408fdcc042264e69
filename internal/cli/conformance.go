// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/conformance"
	"github.com/mivet/mivet/internal/iac"
)

type conformanceFlags struct {
	out      output
	answers  bool
	complete bool
	cache    string
	values   bool
}

func (a *app) conformanceCommand() *cobra.Command {
	var f conformanceFlags
	cmd := &cobra.Command{
		Use:     "conformance FILE|FOLDER...",
		Short:   "compare mivet's answers with known ones",
		GroupID: groupTrust,
		Example: "  mivet conformance cases.jsonl              where do the answers agree\n" +
			"  mivet conformance --answers cases.jsonl    the answers alone, one JSON line a case\n" +
			"  mivet conformance bicep/                   Bicep files against what the compiler made of them\n" +
			"  mivet conformance --values templates/      how much of templates is known before a deployment",
		Long: "FILE holds one case a line: {\"id\", \"kind\", \"input\", \"expected\"}, as docs/conformance.md\n" +
			"describes. Only kind and input are read to find an answer; with --answers nothing else but\n" +
			"the id is read at all. A case that mivet cannot answer is answered with null, never guessed,\n" +
			"and so is a faulty line that has an id.\n\n" +
			"In a FOLDER, Bicep files are compared with what lies beside them: NAME.bicep with the template\n" +
			"NAME.json, evaluated, with NAME.tokens.bicep and NAME.diagnostics.bicep; NAME.bicepparam with\n" +
			"the parameters NAME.json and with NAME.snapshot.json.\n\n" +
			"Of AzureHound output each edge that BloodHound draws by an Azure role is looked for.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.conformance(ctx, &f, args) }),
	}
	f.out.register(cmd, formatText, formatJSON)
	cmd.Flags().BoolVar(&f.answers, "answers", false, "print answers alone and read no expected ones")
	cmd.Flags().StringVar(&f.cache, "bicep-cache", "", "folder of restored Bicep modules, such as ~/.bicep")
	cmd.Flags().BoolVar(&f.values, "values", false, "count the values of templates that are known, symbolic, or lost")
	cmd.Flags().BoolVar(&f.complete, "require-complete", false, "exit 4 if a case has no answer")
	return cmd
}

func (a *app) conformance(ctx context.Context, f *conformanceFlags, files []string) (int, error) {
	switch {
	case f.answers:
		return a.conformanceAnswers(ctx, f, files)
	case f.values:
		return a.conformanceValues(ctx, f, files)
	}
	var report conformance.Report
	for _, file := range files {
		if err := a.conformanceOf(ctx, f, file, &report); err != nil {
			return exitFailed, err
		}
	}
	if err := a.emit(&f.out, conformanceWriter{&report, a.verbose}.write); err != nil {
		return exitFailed, err
	}
	return conformanceVerdict(&report, f.complete)
}

// conformanceOf compares the cases of a file, or the pairs of a folder.
func (a *app) conformanceOf(ctx context.Context, f *conformanceFlags, file string, report *conformance.Report) error {
	r, err := a.conformanceRunner(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Clean(file))
	if file == "-" || err != nil || !info.IsDir() {
		return a.withInput(file, func(in io.Reader) error {
			whole := bufio.NewReaderSize(in, headSize)
			head, err := whole.Peek(headSize)
			if (err == nil || errors.Is(err, io.EOF)) && iac.Recognise(head) == iac.KindAzureHound {
				s, err := iac.ReadAzureHound(ctx, file, whole)
				if err != nil {
					return err
				}
				return report.AddAzureHound(ctx, r, file, s)
			}
			return report.Add(ctx, r, file, whole)
		})
	}
	return report.AddFolder(ctx, r, file, os.DirFS(file), f.folderOptions())
}

func (f *conformanceFlags) folderOptions() (opts conformance.FolderOptions) {
	if f.cache != "" {
		opts.Cache = os.DirFS(f.cache)
	}
	return opts
}

// conformanceVerdict turns figures into an exit code.
func conformanceVerdict(report *conformance.Report, complete bool) (int, error) {
	figures, inferred := report.Total()
	switch {
	case len(report.Faults) > 0:
		return exitFailed, faultsError(report.Faults)
	case figures.Cases+inferred.Cases == figures.Unanswered+inferred.Unanswered:
		return exitFailed, errors.New("no case could be answered")
	case figures.Disagree > 0:
		return exitFound, nil
	case complete && figures.Unanswered > 0:
		return exitUndecided, nil
	}
	return exitOK, nil
}

// faultsError names the lines that are no cases, the first of them where there are many.
func faultsError(faults []string) error {
	text := strings.Join(faults[:min(len(faults), maxListed)], "\n")
	if n := len(faults) - maxListed; n > 0 {
		text += "\nand " + counted(n, "more faulty line")
	}
	return errorWithHint(errors.New(text), "a file of cases has one JSON object a line; docs/conformance.md describes it")
}

// conformanceRunner answers the cases of one file. Paths in its inputs are relative to
// the file.
func (a *app) conformanceRunner(file string) (*conformance.Runner, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	folder := "."
	if file != "-" {
		folder = filepath.Dir(file)
	}
	return conformance.New(conformance.Options{
		Catalog:    cat,
		ReadPlan:   readBeside(folder, iac.ReadTerraform),
		ReadChange: readBeside(folder, iac.ReadPlan),
		ReadInput: func(ctx context.Context, path string) (*mivet.Snapshot, error) {
			name, err := besideCase(folder, path)
			if err != nil {
				return nil, err
			}
			return a.readAgain(ctx, &inputFlags{}, []string{name})
		},
		ReadMocks: func(ctx context.Context, path string) (map[string]*mivet.Snapshot, error) {
			name, err := besideCase(folder, path)
			if err != nil {
				return nil, err
			}
			return readNamed(ctx, a, name, iac.ReadMocks)
		},
	}), nil
}

// readBeside reads a file that a case names.
func readBeside[T any](folder string, read func(context.Context, string, io.Reader) (T, error)) func(context.Context, string) (T, error) {
	return func(ctx context.Context, path string) (what T, err error) {
		name, err := besideCase(folder, path)
		if err != nil {
			return what, err
		}
		f, err := os.Open(name)
		if err != nil {
			return what, err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		return read(ctx, path, f)
	}
}

// besideCase finds a file that a case names: in the folder of the case file, or in one
// that this folder lies in, since collections name files from their top. It must be a
// regular file.
func besideCase(folder, path string) (string, error) {
	for range 3 {
		name := path
		if !filepath.IsAbs(path) {
			name = filepath.Join(folder, filepath.FromSlash(path))
		}
		if info, err := os.Stat(name); err == nil {
			if !info.Mode().IsRegular() {
				return "", fmt.Errorf("%s is not a regular file", path)
			}
			return name, nil
		}
		folder = filepath.Join(folder, "..")
	}
	return "", fmt.Errorf("there is no file %s beside the case", path)
}

// answerLine is one line of --answers.
type answerLine struct {
	ID     json.RawMessage `json:"id"`
	Answer any             `json:"answer"`
}

// conformanceAnswers prints one line a case, in the order of the files.
func (a *app) conformanceAnswers(ctx context.Context, f *conformanceFlags, files []string) (int, error) {
	var faults []string
	render := func(w io.Writer, _ string, _ bool) error {
		faults = nil
		out := bufio.NewWriter(w)
		for _, file := range files {
			more, err := a.answerFile(ctx, out, file)
			if err != nil {
				return errors.Join(err, out.Flush())
			}
			faults = append(faults, more...)
		}
		return out.Flush()
	}
	if err := a.emit(&f.out, render); err != nil {
		return exitFailed, err
	}
	if len(faults) > 0 {
		return exitFailed, faultsError(faults)
	}
	return exitOK, nil
}

// answerFile answers the cases of one file and returns its faulty lines.
func (a *app) answerFile(ctx context.Context, w io.Writer, file string) (faults []string, err error) {
	r, err := a.conformanceRunner(file)
	if err != nil {
		return nil, err
	}
	enc := newAnswerEncoder(w)
	err = a.withInput(file, func(in io.Reader) error {
		for c, err := range conformance.Questions(file, in) {
			if err != nil {
				faults = append(faults, err.Error())
				if err := enc.noAnswer(err); err != nil {
					return err
				}
				continue
			}
			answer, why := r.Answer(ctx, c)
			if err := ctx.Err(); err != nil {
				return err
			}
			if why != nil && a.verbose {
				a.note("%s: no answer: %s", c.Place(), why)
			}
			if err := enc.Encode(answerLine{c.ID, answer}); err != nil {
				return err
			}
		}
		return nil
	})
	return faults, err
}

// answerEncoder writes answers, one JSON object a line.
type answerEncoder struct{ *json.Encoder }

func newAnswerEncoder(w io.Writer) answerEncoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return answerEncoder{enc}
}

// noAnswer answers a faulty line with null if it has an id, so that answers and lines stay
// side by side.
func (e answerEncoder) noAnswer(fault error) error {
	var line *conformance.LineError
	if !errors.As(fault, &line) || line.ID == nil {
		return nil
	}
	return e.Encode(answerLine{line.ID, nil})
}

// withInput opens a file, or standard input for "-".
func (a *app) withInput(file string, read func(io.Reader) error) error {
	if file == "-" {
		return read(a.Stdin)
	}
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return err
	}
	return errors.Join(read(f), f.Close())
}

type conformanceWriter struct {
	report  *conformance.Report
	verbose bool
}

func (c conformanceWriter) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(w, "conformance", c.report)
	}
	p := newPrinter(w, colour)
	c.table(p)
	for i := range c.report.Differences {
		c.difference(p, &c.report.Differences[i])
	}
	return p.err
}

// table prints the figures by kind.
func (c conformanceWriter) table(p *printer) {
	width := len("kind")
	for i := range c.report.Kinds {
		width = max(width, len(kindTitle(&c.report.Kinds[i])))
	}
	p.printf("%-*s %6s %6s %9s %11s\n", width, "kind", "cases", "agree", "disagree", "unanswered")
	line := func(name string, f conformance.Figures) {
		p.printf("%-*s %6d %6d %9d %11d\n", width, name, f.Cases, f.Agree, f.Disagree, f.Unanswered)
	}
	for i := range c.report.Kinds {
		line(kindTitle(&c.report.Kinds[i]), c.report.Kinds[i].Figures)
	}
	figures, inferred := c.report.Total()
	line("all", figures)
	if inferred.Cases > 0 {
		p.printf("\napart, %d inferred (no source confirms what is expected): %d agree, %d disagree, %d unanswered\n",
			inferred.Cases, inferred.Agree, inferred.Disagree, inferred.Unanswered)
	}
}

func kindTitle(k *conformance.KindReport) string {
	if k.Supported {
		return k.Kind
	}
	return k.Kind + " (not supported)"
}

// difference prints a case that does not agree. Unanswered ones of an unsupported kind
// are in the table, and listed with --verbose alone.
func (c conformanceWriter) difference(p *printer, d *conformance.Difference) {
	if d.Outcome == conformance.Unanswered && !c.verbose {
		return
	}
	verdict := red("disagrees")
	if d.Outcome == conformance.Unanswered {
		verdict = yellow("no answer")
	}
	p.printf("\n%s %s (%s, %s:%d)\n", verdict, compact(d.ID), d.Kind, d.File, d.Line)
	p.printf("  expected %s\n", compact(d.Expected))
	if d.Outcome == conformance.Disagreed {
		p.printf("  answer   %s\n", compactValue(d.Answer))
	}
	if d.Why != "" {
		p.printf("  because  %s\n", d.Why)
	}
	if len(d.Source) > 0 {
		p.printf("  source   %s\n", compact(d.Source))
	}
	if d.Note != "" {
		p.printf("  note     %s\n", d.Note)
	}
}
