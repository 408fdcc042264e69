// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/change"
	"github.com/mivet/mivet/internal/iac"
	"github.com/mivet/mivet/vet"
)

// inputFlags say where facts are read from.
type inputFlags struct {
	files    []string
	demo     bool
	template templateFlags
}

// register adds --in and --demo, for commands whose arguments are not inputs.
func (f *inputFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.files, "in", "i", nil,
		`read this file or folder, "-" for standard input; may be repeated (default: $MIVET_INPUT)`)
	f.registerDemo(cmd)
}

func (f *inputFlags) registerDemo(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.demo, "demo", false, "use the demo tenant that is built in")
	f.template.register(cmd)
}

// what is in an input, and what became of it.
type inputNote struct {
	file string
	kind string // what it was recognised as; "" if it was not
	why  string // why it was left out; "" if it was read
}

// reading is what came out of all inputs.
type reading struct {
	snap  *mivet.Snapshot
	notes []inputNote
	// ignores are the findings that comments in the inputs accept.
	ignores []vet.Suppression
	// partial is true where resources of a snapshot were left out that the need does not name.
	partial bool
	rest    *rest // what is read later; nil: nothing
}

// leftOut lists what was not read.
func (r *reading) leftOut() []inputNote {
	return slices.DeleteFunc(slices.Clone(r.notes), func(n inputNote) bool { return n.why == "" })
}

// read reads all inputs together. Arguments come first, then --in, then the environment
// if there is nothing else.
func (a *app) read(ctx context.Context, f *inputFlags, args []string) (*reading, error) {
	return a.readFor(ctx, f, args, nil)
}

// readAgain reads everything a second time, without a word about it.
func (a *app) readAgain(ctx context.Context, f *inputFlags, args []string) (*mivet.Snapshot, error) {
	mute := *a
	mute.quiet, mute.Stderr = true, io.Discard
	r, err := mute.read(ctx, f, args)
	if err != nil {
		return nil, err
	}
	return r.snap, nil
}

// readFor reads all inputs, and of a snapshot only what is needed, unless need is nil.
func (a *app) readFor(ctx context.Context, f *inputFlags, args []string, need *need) (*reading, error) {
	names := append(slices.Clone(args), f.files...)
	if len(names) == 0 && !f.demo {
		names, _ = a.defaultInput()
	}
	if len(names) == 0 && !f.demo {
		return nil, errorWithHint(usagef("there is no input"),
			"name a snapshot, a tenant text, a Terraform plan or state in JSON, or a folder of them, with --in, in MIVET_INPUT, or as input in .mivet.yaml",
			"--demo uses the demo tenant that is built in")
	}
	if slices.Contains(names, "-") {
		need = nil // what is read once cannot be read again
	}
	if need != nil && need.holder && (len(names) != 1 || f.demo) {
		need.holder = false // joining inputs takes all
	}
	in := &intake{app: a, need: need, template: &f.template}
	return in.all(ctx, f, names)
}

// readWith reads all inputs once more, with another text of one file.
func (a *app) readWith(ctx context.Context, f *inputFlags, args []string, file string, text []byte) (*reading, error) {
	names := append(slices.Clone(args), f.files...)
	if len(names) == 0 && !f.demo {
		names, _ = a.defaultInput()
	}
	in := &intake{app: a, replaced: map[string][]byte{file: text}, template: &f.template}
	return in.all(ctx, f, names)
}

func (in *intake) all(ctx context.Context, f *inputFlags, names []string) (*reading, error) {
	if f.demo {
		in.demo(ctx)
	}
	for _, name := range names {
		in.add(ctx, name)
	}
	in.readSources(ctx)
	return in.finish(names)
}

// defaultInput is what is read where nothing is named, and who says so.
func (a *app) defaultInput() (names []string, origin string) {
	if list := a.Env("MIVET_INPUT"); list != "" {
		return filepath.SplitList(list), "MIVET_INPUT"
	}
	if len(a.config.Input) == 0 {
		return nil, "default"
	}
	for _, name := range a.config.Input {
		names = append(names, a.config.relative(name))
	}
	return names, a.config.file
}

// intake reads inputs one after the other. The first error ends it.
type intake struct {
	app   *app
	snaps []*mivet.Snapshot
	notes []inputNote
	seen  map[fileKey][]os.FileInfo

	ignores []vet.Suppression
	err     error
	need    *need
	partial bool
	rest    *rest
	// replaced are texts that stand in for those of files.
	replaced map[string][]byte
	template *templateFlags
	// together is true within a folder: its Bicep files are read when all are known, in later.
	together  bool
	later     []bicepFile
	templates []templateJob
	modules   []string // folders of Terraform source
	sources   []terraformSource
	planned   bool            // a plan or a state was read
	commented map[string]bool // texts whose comments were read
}

func (in *intake) add(ctx context.Context, name string) {
	if in.err != nil {
		return
	}
	if name == "-" {
		in.err = in.stream(ctx, "standard input", in.app.Stdin)
		return
	}
	info, err := os.Stat(name)
	if err != nil {
		in.err = err
		return
	}
	if info.IsDir() {
		if in.need != nil {
			in.need.holder = false // as of several inputs
		}
		in.err = in.folder(ctx, name)
		return
	}
	in.err = in.file(ctx, name, info)
}

// folder reads what is recognised below a folder. Hidden files and folders are left out,
// and links are not followed; both are noted.
func (in *intake) folder(ctx context.Context, root string) error {
	in.together, in.later, in.templates, in.modules = true, nil, nil, nil
	err := in.walk(ctx, root)
	in.together = false
	if err != nil {
		return err
	}
	if err := in.readTemplates(ctx); err != nil {
		return err
	}
	if err := in.sourceFolders(root); err != nil {
		return err
	}
	return in.bicepFolder(ctx, in.later, root)
}

func (in *intake) walk(ctx context.Context, root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.Name() == iac.LockFile: // read with what it lies beside
			return nil
		case path != root && strings.HasPrefix(d.Name(), "."):
			in.note(path, "", "hidden")
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			in.note(path, "", "not a regular file")
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return in.file(ctx, path, info)
	})
}

func (in *intake) note(file, kind, why string) {
	in.notes = append(in.notes, inputNote{file, kind, why})
}

// file reads one file, if it was not read before.
func (in *intake) file(ctx context.Context, name string, info os.FileInfo) (err error) {
	key := fileKey{info.Size(), info.ModTime().UnixNano()}
	if slices.ContainsFunc(in.seen[key], func(other os.FileInfo) bool { return os.SameFile(info, other) }) {
		in.note(name, "", "the same file as one before")
		return nil
	}
	if in.seen == nil {
		in.seen = map[fileKey][]os.FileInfo{}
	}
	in.seen[key] = append(in.seen[key], info)
	if text, ok := in.replaced[name]; ok {
		at := bytes.NewReader(text)
		return in.content(ctx, &source{name: name, at: at, size: at.Size(), text: bytes.NewReader(text), head: text[:min(len(text), headSize)]})
	}
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if !info.Mode().IsRegular() {
		return in.stream(ctx, name, f)
	}
	head := make([]byte, headSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return in.content(ctx, &source{name: name, at: f, size: info.Size(), info: info, text: f, head: head[:n]})
}

// fileKey is equal for the same file.
type fileKey struct{ size, changed int64 }

// stream reads what cannot be read twice.
func (in *intake) stream(ctx context.Context, name string, r io.Reader) error {
	text := bufio.NewReaderSize(r, headSize)
	head, err := text.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return in.content(ctx, &source{name: name, text: text, head: bytes.Clone(head)})
}

// content reads a file by what it holds.
func (in *intake) content(ctx context.Context, s *source) error {
	s.template = in.template
	f := formatOf(s)
	in.readIgnores(f, s)
	switch {
	case f == nil && len(bytes.TrimSpace(s.head)) == 0:
		in.note(s.name, "", "empty")
		return nil
	case f == nil:
		in.note(s.name, "", "not recognised")
		return nil
	case f.bicep:
		return in.bicepContent(ctx, s)
	case f.source:
		in.sourceContent(s)
		return nil
	case in.together && f.template && fromBicep(s):
		in.note(s.name, f.what, "compiled from the Bicep file beside it, which is read")
		return nil
	case in.together && f.template && s.info != nil && in.replaced[s.name] == nil:
		in.note(s.name, f.what, "")
		in.templates = append(in.templates, templateJob{s.name, s.info, len(in.snaps)})
		in.snaps = append(in.snaps, nil)
		return nil
	case f.read == nil:
		in.note(s.name, f.what, f.why())
		in.snaps = append(in.snaps, &mivet.Snapshot{Inputs: []string{s.name}, Gaps: []mivet.Gap{unread(s.name, f)}})
		return nil
	}
	if s.info != nil && f.parts {
		s.need = in.need
	}
	snap, err := f.read(ctx, in.app, s)
	if err != nil {
		return err
	}
	if len(snap.Inputs) == 0 {
		snap.Inputs = []string{s.name}
	}
	if s.need != nil {
		in.partial = true
		if s.need.holder {
			in.rest = &rest{s.name, s.info}
		}
	}
	in.note(s.name, f.what, "")
	in.planned = in.planned || f.plan
	in.snaps = append(in.snaps, snap)
	return nil
}

// readIgnores reads comments that accept findings. One that cannot be understood is told
// and accepts nothing.
func (in *intake) readIgnores(f *inputFormat, s *source) {
	if f == nil || !f.comments || s.at == nil {
		return
	}
	in.readComments(filepath.ToSlash(s.name), io.NewSectionReader(s.at, 0, s.size))
}

// unread is the gap that a recognised file leaves which nobody can read yet.
func unread(name string, f *inputFormat) mivet.Gap {
	return mivet.Gap{
		Facts: mivet.FactInput, Subject: name, Reason: "it is " + f.what + ", " + f.why(),
		Source: mivet.Source{Origin: &mivet.Origin{File: name}},
	}
}

// finish joins what was read and tells what was left out.
func (in *intake) finish(names []string) (*reading, error) {
	if in.err != nil {
		return nil, in.err
	}
	r := &reading{notes: in.notes, ignores: in.ignores, partial: in.partial, rest: in.rest}
	if !slices.ContainsFunc(in.notes, func(n inputNote) bool { return n.why == "" }) {
		return nil, nothingRecognised(names, r)
	}
	r.snap = change.Merge(in.snaps)
	in.app.tellReading(r)
	return r, nil
}

func nothingRecognised(names []string, r *reading) error {
	var hints []string
	for i, n := range r.notes {
		if i == maxListed {
			hints = append(hints, fmt.Sprintf("and %d more files", len(r.notes)-i))
			break
		}
		hints = append(hints, n.file+": "+n.text())
	}
	hints = append(hints, readable)
	return errorWithHint(fmt.Errorf("nothing was recognised in %s", strings.Join(names, ", ")), hints...)
}

func (n *inputNote) text() string {
	if n.kind == "" {
		return n.why
	}
	return n.kind + ", " + n.why
}

// maxListed is how many files a message lists.
const maxListed = 10

// tellReading notes what was left out: everything with --verbose, else the first files of
// each reason.
func (a *app) tellReading(r *reading) {
	if a.verbose {
		for _, n := range r.notes {
			if n.why == "" {
				a.note("%s: read as %s", n.file, n.kind)
			}
		}
	}
	left := r.leftOut()
	for i, n := range left {
		if i == maxListed && !a.verbose {
			a.note("%d more files were left out; --verbose lists them", len(left)-i)
			return
		}
		a.note("%s: left out: %s", n.file, n.text())
	}
}
