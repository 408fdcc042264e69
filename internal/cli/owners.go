// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mivet/mivet/vet"
)

// vetSettings are the organisation's words for rules, with its owners of files.
func (a *app) vetSettings() (vet.Settings, error) {
	c := a.config
	s := vet.Settings{
		EnvironmentTags:          c.Environment.Tags,
		SubscriptionEnvironments: c.Environment.Subscriptions,
		OwnerTags:                c.Owner.Tags,
	}
	if len(a.evidence) > 0 {
		s.Evidence = a.evidenceOf
	}
	owners, err := a.codeowners()
	if err != nil || owners == nil {
		return s, err
	}
	s.Owners = owners.of
	return s, nil
}

// codeowners are the owners of the files below a folder. Later lines count more.
type codeowners struct {
	root  string
	lines []ownerLine
}

type ownerLine struct {
	pattern []string // its segments
	folder  bool     // it ends with "/"
	owners  string
}

// codeownerPlaces is where the forges look
// (docs.github.com, About code owners).
var codeownerPlaces = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"}

// codeowners reads the file that the configuration names, or the one of the repository
// that the working folder is in; nil where there is none.
func (a *app) codeowners() (*codeowners, error) {
	if file := a.config.Owner.Codeowners; file != "" {
		return readCodeowners(filepath.Dir(a.config.file), a.config.relative(file))
	}
	git, err := upwards(".git")
	if err != nil || git == "" {
		return nil, err
	}
	root := filepath.Dir(git)
	for _, place := range codeownerPlaces {
		file := filepath.Join(root, filepath.FromSlash(place))
		if _, err := os.Stat(file); err == nil {
			return readCodeowners(root, file)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, nil
}

func readCodeowners(root, file string) (*codeowners, error) {
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, fmt.Errorf("reading the owners of files: %w", err)
	}
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	return &codeowners{root: root, lines: parseCodeowners(string(text))}, nil
}

func parseCodeowners(text string) []ownerLine {
	var lines []ownerLine
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " #")
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") || strings.HasPrefix(words[0], "[") {
			continue
		}
		pattern := strings.TrimSuffix(words[0], "/")
		l := ownerLine{folder: pattern != words[0], owners: strings.Join(words[1:], " ")}
		if strings.Contains(pattern, "/") {
			pattern = strings.TrimPrefix(pattern, "/")
		} else {
			pattern = "**/" + pattern // a name alone is found in any folder
		}
		l.pattern = strings.Split(pattern, "/")
		lines = append(lines, l)
	}
	return lines
}

// of returns the owners of a file, or "". A file outside of the folder has none.
func (c *codeowners) of(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(c.root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	path := strings.Split(filepath.ToSlash(rel), "/")
	for i := len(c.lines) - 1; i >= 0; i-- {
		if c.lines[i].owns(path) {
			return c.lines[i].owners
		}
	}
	return ""
}

// owns reports whether a line is about a file: the file itself, or a folder it is in.
func (l *ownerLine) owns(path []string) bool {
	for n := len(path); n > 0; n-- {
		if n == len(path) && l.folder {
			continue
		}
		if matchPath(l.pattern, path[:n]) {
			// "docs/*" is about the files of the folder, not about those below.
			return n == len(path) || l.pattern[len(l.pattern)-1] != "*"
		}
	}
	return false
}

// matchPath compares segments; "**" stands for any number of them.
func matchPath(pattern, path []string) bool {
	if len(pattern) == 0 {
		return len(path) == 0
	}
	if pattern[0] == "**" {
		for i := range len(path) + 1 {
			if matchPath(pattern[1:], path[i:]) {
				return true
			}
		}
		return false
	}
	if len(path) == 0 {
		return false
	}
	ok, err := filepath.Match(pattern[0], path[0])
	return err == nil && ok && matchPath(pattern[1:], path[1:])
}
