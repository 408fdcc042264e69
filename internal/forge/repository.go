// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/mivet/mivet"
)

// workflowFolder is where GitHub looks for workflows, and maxWorkflow how long one may be.
const (
	workflowFolder = ".github/workflows"
	maxWorkflow    = 1 << 20
)

// ReadRepository reads a repository that is checked out: the subjects of the tokens that its
// workflows fetch, and who has to agree to changes of them by CODEOWNERS. repo is its
// OWNER/NAME, input how messages call the folder. Who may push is not told by files.
func ReadRepository(input, repo string, files fs.FS) (*mivet.Snapshot, error) {
	if !repositoryName.MatchString(repo) {
		return nil, fmt.Errorf("%q is no repository of GitHub: write OWNER/NAME", repo)
	}
	f := newFacts(input, "github:", &Config{})
	owners, err := readOwners(files)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", input, err)
	}
	names, err := fs.Glob(files, workflowFolder+"/*.y*ml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		src := mivet.Source{Origin: &mivet.Origin{File: path.Join(input, name)}}
		w, err := readWorkflow(files, name)
		if err != nil {
			f.unread(name, err.Error(), src)
			continue
		}
		subjects := w.subjects(repo)
		for _, subject := range subjects {
			for _, owner := range owners.of(name) {
				f.right(strings.TrimPrefix(owner, "@"), mivet.OutsideRight{
					Issuer: GitHubIssuer, Subject: subject, Source: src, How: "has to agree to changes of " + name + ", which asks for such tokens (CODEOWNERS)",
				})
			}
		}
		switch {
		case len(subjects) > 0 && w.foreign():
			f.unread(name, "it fetches tokens for pull requests of others (pull_request_target): whoever opens one may have code of theirs run with them", src)
		case len(subjects) > 0 && len(owners.of(name)) == 0:
			f.unread(name, "it fetches tokens, and nobody has to agree to its changes (CODEOWNERS)", src)
		}
	}
	return &f.snap, nil
}

// workflow is what a workflow says about tokens.
type workflow struct {
	On          yaml.Node `yaml:"on"`
	Permissions yaml.Node `yaml:"permissions"`
	Jobs        map[string]struct {
		Permissions yaml.Node `yaml:"permissions"`
		Environment yaml.Node `yaml:"environment"`
	} `yaml:"jobs"`
}

func readWorkflow(files fs.FS, name string) (w *workflow, err error) {
	in, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	text, err := io.ReadAll(io.LimitReader(in, maxWorkflow+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxWorkflow {
		return nil, fmt.Errorf("it is longer than %d bytes", maxWorkflow)
	}
	return parseWorkflow(text)
}

func parseWorkflow(text []byte) (*workflow, error) {
	w := &workflow{}
	if err := yaml.Unmarshal(text, w); err != nil {
		return nil, fmt.Errorf("it is no workflow: %w", err)
	}
	return w, nil
}

// asks reports whether permissions let a job fetch tokens, and whether they say anything.
func asks(n *yaml.Node) (yes, said bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value == "write-all", n.Value != ""
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "id-token" {
				return n.Content[i+1].Value == "write", true
			}
		}
		return false, true
	default:
		return false, false
	}
}

// subjects are those of the tokens that the jobs fetch.
func (w *workflow) subjects(repo string) []string {
	all, _ := asks(&w.Permissions)
	var out []string
	add := func(rest string) {
		if s := "repo:" + repo + ":" + rest; !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		job := w.Jobs[name]
		yes, said := asks(&job.Permissions)
		if !yes && (said || !all) {
			continue
		}
		if e := nameOf(&job.Environment); e != "" {
			add("environment:" + e)
			continue
		}
		for event, branches := range w.events() {
			switch {
			case event == "pull_request":
				add("pull_request")
			case event == "push":
				for _, b := range branches {
					add("ref:refs/heads/" + b)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// nameOf is the name of an environment: a text, or an object with one. An expression names
// none that is known.
func nameOf(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "name" {
				n = n.Content[i+1]
				break
			}
		}
	}
	if n.Kind != yaml.ScalarNode || strings.Contains(n.Value, "${{") {
		return ""
	}
	return n.Value
}

// events are those that start the workflow, with the branches that a push has to be on.
func (w *workflow) events() map[string][]string {
	out := map[string][]string{}
	switch w.On.Kind {
	case yaml.ScalarNode:
		out[w.On.Value] = nil
	case yaml.SequenceNode:
		for _, n := range w.On.Content {
			out[n.Value] = nil
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(w.On.Content); i += 2 {
			var branches []string
			in := w.On.Content[i+1]
			for k := 0; in.Kind == yaml.MappingNode && k+1 < len(in.Content); k += 2 {
				if in.Content[k].Value != "branches" {
					continue
				}
				for _, b := range in.Content[k+1].Content {
					branches = append(branches, b.Value)
				}
			}
			out[w.On.Content[i].Value] = branches
		}
	default: // no event is named
	}
	return out
}

// foreign reports whether pull requests from forks start the workflow with its rights.
func (w *workflow) foreign() bool {
	_, target := w.events()["pull_request_target"]
	return target
}

// codeOwners are the lines of CODEOWNERS: a pattern and its owners; the last that matches
// counts (docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners).
type codeOwners []struct {
	pattern string
	owners  []string
}

func readOwners(files fs.FS) (codeOwners, error) {
	for _, name := range []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"} {
		text, err := fs.ReadFile(files, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return parseOwners(string(text)), nil
	}
	return nil, nil
}

func parseOwners(text string) codeOwners {
	var out codeOwners
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 0 {
			out = append(out, struct {
				pattern string
				owners  []string
			}{f[0], f[1:]})
		}
	}
	return out
}

func (c codeOwners) of(name string) []string {
	for _, line := range slices.Backward(c) {
		if ownsPath(line.pattern, name) {
			return line.owners
		}
	}
	return nil
}

// ownsPath says whether a pattern of CODEOWNERS is about a file: a folder with everything in
// it, a name anywhere, or a path with * for a part of a name and ** for any folders.
func ownsPath(pattern, name string) bool {
	rooted := strings.HasPrefix(pattern, "/") || strings.Contains(strings.TrimSuffix(pattern, "/"), "/")
	p := strings.Trim(pattern, "/")
	if p == "*" || p == "**" {
		return true
	}
	parts := strings.Split(name, "/")
	for from := range parts {
		if from > 0 && rooted {
			break
		}
		for to := from + 1; to <= len(parts); to++ {
			if to < len(parts) && strings.HasSuffix(p, "*") && !strings.HasSuffix(p, "**") {
				continue // a star at the end is about files alone
			}
			if globs(slices.CompactFunc(strings.Split(p, "/"), bothAny), parts[from:to]) {
				return true
			}
		}
	}
	return false
}

// bothAny takes any folders twice for once, so that a match takes few tries.
func bothAny(a, b string) bool { return a == "**" && b == "**" }

// globs matches a pattern with a path, part by part.
func globs(pattern, parts []string) bool {
	for len(pattern) > 0 && pattern[0] != "**" {
		if len(parts) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], parts[0]); err != nil || !ok {
			return false
		}
		pattern, parts = pattern[1:], parts[1:]
	}
	if len(pattern) == 0 {
		return len(parts) == 0
	}
	for from := range len(parts) + 1 {
		if globs(pattern[1:], parts[from:]) {
			return true
		}
	}
	return false
}
