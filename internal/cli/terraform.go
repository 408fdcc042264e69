// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/iac"
)

// A terraformSource is a module that is read when all inputs are known.
type terraformSource struct {
	name, root string
	files      []string
}

// sourceContent notes one file of Terraform source. In a folder it is read with the others
// of its module.
func (in *intake) sourceContent(s *source) {
	switch folder := filepath.Dir(s.name); {
	case s.at == nil:
		in.note(s.name, iac.KindTerraformSource.String(), "which is read from a file, not from a stream")
	case !in.together:
		in.sources = append(in.sources, terraformSource{s.name, folder, []string{filepath.Base(s.name)}})
	case !slices.Contains(in.modules, folder):
		in.modules = append(in.modules, folder)
	}
}

// sourceFolders notes the modules below a folder. One that another calls is no input of
// its own: it is read as often as it is called.
func (in *intake) sourceFolders(root string) error {
	for _, folder := range in.modules {
		if calledBy(in.modules, folder) {
			continue
		}
		rel, err := filepath.Rel(root, folder)
		if err != nil {
			return err
		}
		in.sources = append(in.sources, terraformSource{folder, root, iac.SourceFiles(os.DirFS(root), filepath.ToSlash(rel))})
	}
	return nil
}

// readSources reads the modules that were noted, unless there is a plan or a state: that
// says more of what they deploy.
func (in *intake) readSources(ctx context.Context) {
	for _, s := range in.sources {
		if in.planned || in.err != nil {
			in.note(s.name, iac.KindTerraformSource.String(), "since a plan or a state is read, which says more")
			continue
		}
		snap, err := iac.ReadSource(ctx, s.name, os.DirFS(s.root), s.files)
		if err != nil {
			in.err = err
			continue
		}
		in.note(s.name, iac.KindTerraformSource.String(), "")
		in.snaps = append(in.snaps, snap)
	}
}

// calledBy reports whether a folder lies in the folder "modules" of another one that holds
// source, which is where modules lie by custom
// (hashicorp/web-unified-docs content/terraform/v1.11.x/docs/language/modules/develop/structure.mdx).
func calledBy(all []string, folder string) bool {
	return slices.ContainsFunc(all, func(other string) bool {
		rel, err := filepath.Rel(other, folder)
		return err == nil && strings.HasPrefix(filepath.ToSlash(rel), "modules/")
	})
}

// tellLock tells a plan which versions of providers were chosen, by the lock file that lies
// beside it.
func tellLock(s *source, snap *mivet.Snapshot) {
	if s.info == nil { // a stream lies nowhere
		return
	}
	file := filepath.Join(filepath.Dir(s.name), iac.LockFile)
	switch text, err := os.ReadFile(filepath.Clean(file)); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		snap.Gaps = append(snap.Gaps, mivet.Gap{Facts: mivet.FactInput, Reason: "it cannot be read: " + err.Error(), Source: mivet.Source{Origin: &mivet.Origin{File: filepath.ToSlash(file)}}})
	default:
		iac.Lock(snap, filepath.ToSlash(file), text)
	}
}
