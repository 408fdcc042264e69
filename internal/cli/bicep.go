// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/mivet/mivet/internal/iac"
	"github.com/mivet/mivet/vet"
)

// isBicepName says whether a file is called as Bicep files are. Their text alone may not tell: it may hold nothing but
// functions, or begin as other languages do.
func isBicepName(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".bicep", ".bicepparam":
		return true
	}
	return false
}

// A bicepFile is a Bicep file that is an input.
type bicepFile struct {
	name string // as it was given
	text []byte // of a stream; nil: it is read from its place
}

// addBicep compiles a file that was named, and reads what it deploys.
func (in *intake) addBicep(ctx context.Context, f bicepFile, top string) error {
	b, _, err := in.compileBicep(f, top)
	if err != nil {
		return err
	}
	return in.takeBicep(ctx, f, b)
}

// takeBicep reads what a compiled file deploys.
func (in *intake) takeBicep(ctx context.Context, f bicepFile, b *iac.Bicep) error {
	snap, err := b.Facts(ctx)
	if err != nil {
		return err
	}
	snap.Inputs = []string{f.name}
	in.note(f.name, iac.KindBicep.String(), "")
	in.snaps = append(in.snaps, snap)
	return nil
}

// bicepFolder compiles the Bicep files of a folder. One that is a part of another is not deployed by itself.
func (in *intake) bicepFolder(ctx context.Context, files []bicepFile, top string) error {
	compiled := make([]*iac.Bicep, len(files))
	partOf := map[string]string{}
	for i, f := range files {
		b, root, err := in.compileBicep(f, top)
		if err != nil {
			return err
		}
		if i < maxCompiled {
			compiled[i] = b
		}
		own, err := filepath.Abs(f.name)
		if err != nil {
			return err
		}
		for _, name := range b.Sources {
			if part := filepath.Join(root, filepath.FromSlash(name)); part != own && partOf[part] == "" {
				partOf[part] = f.name
			}
		}
	}
	for i, f := range files {
		own, err := filepath.Abs(f.name)
		if err != nil {
			return err
		}
		if whole := partOf[own]; whole != "" {
			in.note(f.name, iac.KindBicep.String(), "read as a part of "+whole)
			continue
		}
		b := compiled[i]
		compiled[i] = nil
		if b == nil {
			if b, _, err = in.compileBicep(f, top); err != nil {
				return err
			}
		}
		if err := in.takeBicep(ctx, f, b); err != nil {
			return err
		}
	}
	return nil
}

// maxCompiled is how many compiled files of a folder are kept until it is known which of them are parts of others. The rest
// is compiled once more.
const maxCompiled = 100

// compileBicep compiles a file in the tree that it lies in: its repository, or the folder that was named, or its own. It
// returns that tree's folder.
func (in *intake) compileBicep(f bicepFile, top string) (*iac.Bicep, string, error) {
	opts := iac.BicepOptions{}
	var err error
	if opts.Target, err = in.template.target(); err != nil {
		return nil, "", err
	}
	if opts.Parameters, err = in.template.given(); err != nil {
		return nil, "", err
	}
	if cat, err := in.app.catalog(); err == nil {
		opts.TypeName = func(name string) string {
			t, _ := cat.ResourceType(name)
			return t.Name
		}
	}
	if f.text != nil {
		opts.Files = texts{f.name: f.text}
		b, err := iac.CompileBicep(f.name, opts)
		return b, "", err
	}
	root, name, err := bicepRoot(f.name, top)
	if err != nil {
		return nil, "", err
	}
	tree, err := os.OpenRoot(root)
	if err != nil {
		return nil, "", err
	}
	defer tree.Close() //nolint:errcheck // it was only read
	opts.Folder = shownFolder(f.name, root)
	opts.Files = overlay{tree.FS(), in.replacedBelow(root)}
	if folder := in.template.bicepCache(in.app); folder != "" {
		opts.Cache = os.DirFS(folder)
	}
	b, err := iac.CompileBicep(name, opts)
	if err == nil {
		in.ignoresOf(b, opts)
	}
	return b, root, err
}

// ignoresOf reads comments that accept findings in the modules of a file.
func (in *intake) ignoresOf(b *iac.Bicep, opts iac.BicepOptions) {
	for _, name := range b.Sources {
		shown := path.Join(opts.Folder, name)
		if !isBicepName(name) || in.commented[shown] {
			continue
		}
		text, err := fs.ReadFile(opts.Files, name)
		if err != nil {
			continue // the compiler has read it from the same place, or from the folder of restored modules
		}
		in.readComments(shown, bytes.NewReader(text))
	}
}

// readComments reads the comments of a text that accept findings, once.
func (in *intake) readComments(name string, text io.Reader) {
	if in.commented == nil {
		in.commented = map[string]bool{}
	}
	in.commented[name] = true
	ignores, err := vet.ParseInline(name, text)
	in.ignores = append(in.ignores, ignores...)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			in.app.note("%s; it accepts nothing", line)
		}
	}
}

// maxParents bounds how far up the folder of a repository is looked for.
const maxParents = 30

// bicepRoot finds the tree that a Bicep file lies in, and the name of the file there.
func bicepRoot(file, top string) (root, name string, err error) {
	full, err := filepath.Abs(file)
	if err != nil {
		return "", "", err
	}
	root = filepath.Dir(full)
	if top != "" {
		if root, err = filepath.Abs(top); err != nil {
			return "", "", err
		}
	}
	at := root
	for range maxParents {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			root = at
			break
		}
		if up := filepath.Dir(at); up != at {
			at = up
		}
	}
	name, err = filepath.Rel(root, full)
	return root, filepath.ToSlash(name), err
}

// shownFolder is how messages call the folder of a tree: relative where the file was named so.
func shownFolder(file, root string) string {
	if filepath.IsAbs(file) {
		return filepath.ToSlash(root)
	}
	here, err := os.Getwd()
	if err != nil {
		return filepath.ToSlash(root)
	}
	rel, err := filepath.Rel(here, root)
	if err != nil || rel == "." {
		return ""
	}
	return filepath.ToSlash(rel)
}

// replacedBelow gives the texts that stand in for files of a tree, by their names there.
func (in *intake) replacedBelow(root string) texts {
	out := texts{}
	for name, text := range in.replaced {
		full, err := filepath.Abs(name)
		if err != nil {
			continue
		}
		if rel, err := filepath.Rel(root, full); err == nil {
			out[filepath.ToSlash(rel)] = text
		}
	}
	return out
}

// overlay is a tree in which some texts are replaced.
type overlay struct {
	fs.FS
	texts texts
}

// Open opens a text that is replaced, or else the file.
func (o overlay) Open(name string) (fs.File, error) {
	if _, ok := o.texts[name]; ok {
		return o.texts.Open(name)
	}
	return o.FS.Open(name)
}

// texts are files that are nowhere but in memory.
type texts map[string][]byte

// Open opens one of the texts.
func (t texts) Open(name string) (fs.File, error) {
	text, ok := t[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openText{bytes.NewReader(text), name}, nil
}

type openText struct {
	*bytes.Reader
	name string
}

// Stat describes the text as far as it is asked for.
func (o *openText) Stat() (fs.FileInfo, error) { return textInfo{o}, nil }

// Close does nothing.
func (o *openText) Close() error { return nil }

// textInfo is what is known of a text in memory.
type textInfo struct{ text *openText }

func (i textInfo) Name() string       { return path.Base(i.text.name) }
func (i textInfo) Size() int64        { return i.text.Reader.Size() }
func (i textInfo) Mode() fs.FileMode  { return 0o400 }
func (i textInfo) ModTime() time.Time { return time.Time{} }
func (i textInfo) IsDir() bool        { return false }
func (i textInfo) Sys() any           { return nil }

// maxBicep bounds the text of a stream.
const maxBicep = 8 << 20

// bicepContent reads a Bicep file: at once, or with the others of its folder.
func (in *intake) bicepContent(ctx context.Context, s *source) error {
	f := bicepFile{name: s.name}
	if s.info == nil && s.at == nil {
		text, err := io.ReadAll(io.LimitReader(s.text, maxBicep))
		if err != nil {
			return fmt.Errorf("reading %s: %w", s.name, err)
		}
		f.text = text
		return in.addBicep(ctx, f, "")
	}
	if in.together {
		in.later = append(in.later, f)
		return nil
	}
	return in.addBicep(ctx, f, "")
}

// fromBicep says whether a template in a folder was compiled from the Bicep file beside it, which is read itself.
func fromBicep(s *source) bool {
	if !bytes.Contains(s.head, []byte(`"_generator"`)) || !bytes.Contains(s.head, []byte(`"bicep"`)) {
		return false
	}
	_, err := os.Stat(strings.TrimSuffix(s.name, filepath.Ext(s.name)) + ".bicep")
	return err == nil
}
