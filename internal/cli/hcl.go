// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// places finds the blocks of a configuration by the addresses of a plan.
type places struct {
	// blocks are the places of each "type.name", those of the plan's own folder first.
	blocks map[string][]mivet.Source
	root   map[string]bool // files of the plan's own folder
}

// How much of a folder is looked at for blocks.
const (
	mostSources = 2000
	mostSource  = 4 << 20
)

// indexed are the numbers and keys of instances in an address.
var indexed = regexp.MustCompile(`\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]`)

var resourceBlock = regexp.MustCompile(`^\s*resource\s+"([^"]+)"\s+"([^"]+)"`)

// hclPlaces reads the Terraform sources beside a plan and below its folder. A plan from
// standard input has none.
func hclPlaces(plan string) (*places, error) {
	p := &places{blocks: map[string][]mivet.Source{}, root: map[string]bool{}}
	if plan == "-" {
		return p, nil
	}
	folder := filepath.Dir(plan)
	var files []string
	err := filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrPermission):
			return fs.SkipDir
		case err != nil:
			return err
		case d.IsDir() && file != folder && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".terraform" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.Type().IsRegular() && filepath.Ext(file) == ".tf" && len(files) < mostSources:
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := p.read(file, filepath.Dir(file) == folder); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *places) read(file string, root bool) error {
	info, err := os.Stat(file)
	if err != nil || info.Size() > mostSource {
		return err
	}
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return err
	}
	name := filepath.ToSlash(file)
	p.root[name] = root
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, mostSource)
	for line := 1; s.Scan(); line++ {
		if m := resourceBlock.FindStringSubmatch(s.Text()); m != nil {
			key := m[1] + "." + m[2]
			p.blocks[key] = append(p.blocks[key], mivet.Source{Origin: &mivet.Origin{File: name}, Line: line})
		}
	}
	return s.Err()
}

// of returns the place of the block that a fact of a plan is declared by; the fact's own place
// where no block, or more than one, can be meant.
func (p *places) of(s mivet.Source) mivet.Source {
	if s.Origin == nil || s.Origin.Address == "" {
		return s
	}
	address := indexed.ReplaceAllString(s.Origin.Address, "")
	inModule := strings.HasPrefix(address, "module.")
	words := strings.Split(address, ".")
	if len(words) < 2 {
		return s
	}
	block := words[len(words)-2] + "." + words[len(words)-1]
	found := slices.DeleteFunc(slices.Clone(p.blocks[block]), func(b mivet.Source) bool {
		return p.root[b.Origin.File] == inModule
	})
	if len(found) != 1 {
		return s
	}
	return mivet.Source{Origin: &mivet.Origin{File: found[0].Origin.File, Address: s.Origin.Address}, Line: found[0].Line}
}
